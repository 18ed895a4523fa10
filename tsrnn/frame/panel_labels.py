"""Ids and times of a panel: ids as numbers in order of first appearance, times as dates, periods or integers.

Text and other objects are not converted: the error names the expressions that convert them, each after it was tried.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .fixes import candidate_fixes, first_working_fix

#: An index of times, whose attributes pandas-stubs cannot check for all kinds.
Times = Any
#: Number of labels on which a mend is tried.
_N_TRIED = 1000


def factorize_ids(column: pd.Series | pd.Index) -> tuple[np.ndarray, pd.Index, Any]:
    """Return numbers of the ids (N,), -1 where missing, the ids in order of first appearance, and their dtype."""
    codes, ids = pd.factorize(column, use_na_sentinel=True)
    return codes, plain_ids(pd.Index(ids)), column.dtype


def join_ids(parts: Sequence[tuple[np.ndarray, pd.Index, Any]]) -> tuple[np.ndarray, pd.Index, Any]:
    """Return numbers, ids and dtypes of several columns of ids, each as `factorize_ids` gives it.

    The ids are a MultiIndex with a level for each column; an id of which one part is missing is missing.
    """
    if len(parts) == 1:
        return parts[0]
    missing = np.any([codes < 0 for codes, _, _ in parts], axis=0)
    rows = np.flatnonzero(~missing)
    key = np.zeros(len(rows), np.int64)
    for codes, ids, _ in parts:
        key = pd.factorize(key * len(ids) + codes[rows])[0]
    first = np.empty(int(key.max(initial=-1)) + 1, np.int64)
    first[key[::-1]] = rows[::-1]
    numbers = np.full(len(missing), -1, np.int64)
    numbers[rows] = key
    levels: Any = [ids for _, ids, _ in parts]
    level_codes: Any = [codes[first] for codes, _, _ in parts]
    return numbers, pd.MultiIndex(levels=levels, codes=level_codes), tuple(dtype for _, _, dtype in parts)


def like_ids(labels: Iterable[Any], ids: pd.Index, what: str) -> pd.Index:
    """Return labels as an index of the kind of the `ids`: of tuples as a MultiIndex, where these have several parts."""
    if isinstance(labels, pd.MultiIndex):
        return labels
    if not isinstance(ids, pd.MultiIndex):
        return pd.Index(labels, tupleize_cols=False)
    listed = list(labels)
    wrong = [label for label in listed if not isinstance(label, tuple) or len(label) != ids.nlevels]
    if wrong:
        raise ValueError(
            f"{what} has {wrong[0]!r}, but an id has {ids.nlevels} parts, such as {ids[:1].tolist()[0]!r}; pass a "
            "tuple of them"
        )
    return pd.MultiIndex.from_tuples(listed) if listed else ids[:0]


def plain_ids(ids: pd.Index) -> pd.Index:
    """Return ids without categories and without a name."""
    if isinstance(ids.dtype, pd.CategoricalDtype):
        ids = pd.Index(ids.astype(ids.dtype.categories.dtype))
    return ids.rename(None)


class TimeMend(NamedTuple):
    """An expression that replaces the times of a panel by others, which stand at ``<>``, and one for its times."""

    template: str
    labels: str


def read_times(column: pd.Series | pd.Index, what: str, mend: TimeMend) -> Times:
    """Return times as a DatetimeIndex, a PeriodIndex or integers."""
    index: Any = column if isinstance(column, pd.Index) else pd.Index(column)
    if isinstance(index.dtype, pd.CategoricalDtype):
        index = index.astype(index.categories.dtype)
    if index.dtype == object:
        index = _infer_times(index, what, mend)
    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        return index.rename(None)
    if pd.api.types.is_integer_dtype(index.dtype):
        if not index.hasnans and int(index.max()) > np.iinfo(np.int64).max:
            raise ValueError(f"{what} holds {index.max()}, but the largest integer is {np.iinfo(np.int64).max}")
        return index.rename(None)
    labels = index.dropna().unique()
    if len(labels) == 0:
        raise ValueError(f"{what} has only missing labels: pass the time of each row")
    example = labels[0].item() if isinstance(labels[0], np.generic) else labels[0]
    raise ValueError(
        f"{what} holds {index.dtype} labels such as {example!r}, not dates, periods or integers"
        + _mend_times(labels, mend)
    )


def _infer_times(index: pd.Index, what: str, mend: TimeMend) -> pd.Index:
    """Return objects as dates or periods if all are, with one time zone; unchanged if they are others."""
    labels = index.dropna().unique().tolist()
    zones = {str(label.tzinfo) for label in labels if isinstance(label, datetime.datetime)}
    if len(zones) > 1:
        both = sorted(zones - {"None"})
        if "None" in zones:
            raise ValueError(
                f"{what} has times with the time zone {both[0]} and times without one; give all a time zone, or none"
            )
        utc = mend.template.replace("<>", f"pd.to_datetime({mend.labels}, utc=True)")
        raise ValueError(f"{what} has times of different time zones, {' and '.join(both[:2])}; use {utc}")
    periods = len(labels) > 0 and all(isinstance(label, pd.Period) for label in labels)
    return pd.Index(index.tolist()) if zones or periods else index


def _mend_times(labels: pd.Index, mend: TimeMend) -> str:
    """Return a phrase with the expression that converts labels to times, after it was tried; "" if none works."""
    inside, works = "{y}.set_axis(", []
    labels = labels[:_N_TRIED]
    for template in candidate_fixes(labels):
        if template.startswith(inside) and first_working_fix(labels, "y", (template,), _are_unique_times) is not None:
            works.append(template[len(inside) : -1])
    if not works:
        return ""
    readings = [text for text in works if _without_day_and_month(text) == _without_day_and_month(works[0])]
    uses = [mend.template.replace("<>", text.replace("{y}.index", mend.labels)) for text in readings]
    if len(uses) == 1:
        return f"; use {uses[0]}"
    return f"; the dates can be read in two ways: use {uses[0]} for the one, {uses[1]} for the other"


def _without_day_and_month(expression: str) -> str:
    """Return an expression without the order of day and month."""
    return expression.replace("%d", "%m")


def _are_unique_times(labels: pd.Index) -> bool:
    """Whether labels are unique dates, periods or integers."""
    is_time = are_dates(labels) or pd.api.types.is_integer_dtype(labels.dtype)
    return bool(is_time and labels.is_unique and not labels.hasnans)


def are_dates(labels: pd.Index) -> bool:
    """Whether labels are dates or periods."""
    return isinstance(labels, pd.DatetimeIndex | pd.PeriodIndex)


def is_period(dtype: object) -> bool:
    """Whether a dtype is one of periods."""
    return isinstance(dtype, pd.PeriodDtype)


def take_times(times: Times, codes: np.ndarray) -> Times:
    """Return the labels of codes, missing where the code is -1."""
    if codes.min(initial=0) >= 0:
        return times.take(codes)
    if are_dates(times):
        return times.take(codes, allow_fill=True, fill_value=pd.NaT)
    return pd.Index(times.astype("Int64").array.take(codes, allow_fill=True))
