"""The regular grid of time steps that labels from a file keep to, and how many of its steps they are.

A reading of dates that makes a regular grid is likelier than one that does not, which is how a file's dates are told
from numbers that only look like them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from ...messages import format_label

#: At least this share of a grid's steps must be in a file, unless its frequency is given.
LEAST_COVERAGE = 0.5
_DAY = np.timedelta64(1, "D")


def coverage(labels: pd.Index, step: str, *, same_day: bool = True) -> float:
    """Return the share of the steps from the first label to the last that have one.

    Parameters
    ----------
    labels : Index
        Dates, or whole numbers where `step` is "number"; in any order, some of them more than once.
    step : str
        "year", "quarter", "month", "week", "day", "time" or "number".
    same_day : bool
        Whether days count as months where they are the same day of each, such as the 15th.

    Returns
    -------
    float
        1 for a grid without gaps; the step of the grid is the largest that meets all labels.

    Examples
    --------
    >>> coverage(pd.Index([201511, 201512, 201601]), "number")
    0.03296703296703297
    """
    if step == "number":
        return _share(labels.to_numpy())
    dates = _local(labels)
    if step in ("year", "quarter", "month"):
        return _share(dates.astype("datetime64[M]").astype(np.int64))
    shares = [_share(dates.astype(np.int64))]
    days = dates.astype("datetime64[D]")
    if step in ("day", "time"):
        monday_to_friday = bool(np.is_busday(days).all()) and len(np.unique(dates - days)) == 1
        if monday_to_friday:
            first, last = days.min(), days.max()
            shares.append(len(np.unique(days)) / (int(np.busday_count(first, last)) + 1))
        if same_day and _is_once_a_month(dates):
            shares.append(_share(dates.astype("datetime64[M]").astype(np.int64)))
    return max(shares)


def _share(ordinals: np.ndarray) -> float:
    ordinals = np.unique(ordinals)
    if len(ordinals) < 2:
        return 1.0
    width = math.gcd(*(int(difference) for difference in np.diff(ordinals)))
    return len(ordinals) / ((int(ordinals[-1]) - int(ordinals[0])) // width + 1)


def _is_once_a_month(dates: np.ndarray) -> bool:
    """Whether the dates are in months of their own, and the same day of each, or the last one."""
    months = dates.astype("datetime64[M]")
    if len(np.unique(months)) < len(np.unique(dates)):
        return False
    day = (dates.astype("datetime64[D]") - months.astype("datetime64[D]")) // _DAY
    left = ((months + np.timedelta64(1, "M")).astype("datetime64[D]") - dates.astype("datetime64[D]")) // _DAY
    return len(np.unique(day)) == 1 or len(np.unique(left)) == 1


def _local(labels: pd.Index) -> np.ndarray:
    """Return the wall time of dates, as datetime64[us]."""
    local: Any = labels
    if getattr(labels, "tz", None) is not None:
        local = local.tz_localize(None)
    return local.to_numpy().astype("datetime64[us]")


# ---- grids -----------------------------------------------------------------------------------------------------------


def number_grid(index: pd.Index, where: str) -> pd.RangeIndex:
    """Return all steps between the first and the last, of the largest width that meets every label."""
    steps = [int(difference) for difference in np.diff(index)]
    step = math.gcd(*steps) or 1
    _check_range(int(index[-1]) - int(index[0]), step, len(index), where)
    return pd.RangeIndex(int(index[0]), int(index[-1]) + step, step, name=index.name)


def _check_range(span: int, step: int, n: int, where: str) -> None:
    """Refuse a grid that would be mostly empty, and so large that it fills the memory."""
    if span // step > 1000 * n + 10**6:
        raise ValueError(
            f"{where} has {n} labels on a grid of {span // step + 1} steps, of which nearly all would be missing; "
            "number the rows with --no-index"
        )


def date_grid(
    index: pd.DatetimeIndex, step: str, freq: str | None, where: str, *, sparse: bool = False
) -> pd.DatetimeIndex | pd.PeriodIndex:
    """Return the dates of `freq`, or of a frequency that the index tells, that meet every label.

    Parameters
    ----------
    index : DatetimeIndex
        Sorted, without duplicates.
    step : str
        The step that the text told apart, such as "month"; see `coverage`.
    freq : str, optional
        A pandas code.
    where : str
        What messages call the column.
    sparse : bool
        Whether most steps of the grid may be missing.

    Returns
    -------
    DatetimeIndex or PeriodIndex
        Periods for dates that are one in each month, but not its first or last, such as the 15th.

    Raises
    ------
    ValueError
        If there is no such frequency, or fewer than half of its steps are there.
    """
    if len(index) < 2:
        raise ValueError(f"{where} has one date, {format_label(index[0])}, and a series has several")
    if freq is not None:
        return _given_grid(index, freq)
    if step in ("year", "quarter", "month"):
        return _month_grid(index, where, sparse)
    found = [grid for likely in _likely(index) if (grid := _fitting(index, likely)) is not None]
    if not found and step == "week":
        found = [pd.date_range(index[0], index[-1], freq="W-MON", name=index.name)]
    good = next((grid for grid in found if sparse or len(grid) * LEAST_COVERAGE <= len(index)), None)
    if good is not None:
        return good
    if _is_once_a_month(_local(index)) and coverage(index, "day") >= LEAST_COVERAGE:
        return _periods(index)
    most = 1000 * len(index) + 10**6 if sparse else int(len(index) / LEAST_COVERAGE)
    if (freq := _common_step(index, most)) is not None:
        return pd.date_range(index[0], index[-1], freq=freq, name=index.name)
    raise ValueError(_irregular(index, found, where))


def _given_grid(index: pd.DatetimeIndex, freq: str) -> pd.DatetimeIndex:
    try:
        grid = pd.date_range(index[0], index[-1], freq=freq, name=index.name)
    except ValueError as error:
        raise ValueError(f"{freq!r} is no frequency that pandas knows, such as MS or W-SAT") from error
    off = index[~index.isin(grid)]
    if len(off):
        raise ValueError(f"the frequency {freq} does not fit: {format_label(off[0])} is not on its grid")
    return grid


def _month_grid(index: pd.DatetimeIndex, where: str, sparse: bool) -> pd.DatetimeIndex:
    """Return the grid of months, or of the largest multiple of a month that meets all."""
    months = _local(index).astype("datetime64[M]").astype(np.int64)
    width = math.gcd(*(int(difference) for difference in np.diff(months))) or 1
    if not sparse and len(index) < LEAST_COVERAGE * ((months[-1] - months[0]) // width + 1):
        freq = {1: "MS", 3: "QS", 12: "YS"}.get(width, f"{width}MS")
        raise ValueError(_sparse(where, len(index), (months[-1] - months[0]) // width + 1, freq))
    start = index[0]
    codes = {3: f"QS-{start:%b}".upper(), 12: f"YS-{start:%b}".upper()}
    return pd.date_range(start, index[-1], freq=codes.get(width, f"{width}MS"), name=index.name)


def _periods(index: pd.DatetimeIndex) -> pd.PeriodIndex:
    """Return the months of dates such as the 15th, or the quarters or years where they are that far apart."""
    months = _local(index).astype("datetime64[M]").astype(np.int64)
    width = math.gcd(*(int(difference) for difference in np.diff(months)))
    freq = {1: "M", 3: "Q-DEC", 12: "Y-DEC"}.get(width, f"{width}M")
    return pd.period_range(_local(index)[0], _local(index)[-1], freq=freq, name=index.name)


def _fitting(index: pd.DatetimeIndex, freq: Any) -> pd.DatetimeIndex | None:
    grid = pd.date_range(index[0], index[-1], freq=freq, name=index.name)
    return grid if index.isin(grid).all() else None


def _likely(index: pd.DatetimeIndex) -> list[pd.offsets.BaseOffset]:
    """Frequencies that stretches of the index have, those of long stretches first."""
    found: dict[pd.offsets.BaseOffset, None] = {}
    for width in (len(index), 12, 6, 4, 3):
        for start in range(min(50, len(index) - width + 1) if width > 2 else 0):
            freq = pd.DatetimeIndex(index[start : start + width], freq="infer").freq
            if freq is not None:
                found[freq] = None
    return list(found)


def _common_step(index: pd.DatetimeIndex, most: int) -> str | None:
    """Return the largest multiple of a day or a second that meets all labels, None if it has more than `most` steps."""
    steps = np.diff(_local(index).astype(np.int64))
    second = 10**6
    width = math.gcd(*(int(step) for step in steps)) if len(steps) else 0
    if not width or width % second or int(steps.sum()) // width >= most:
        return None
    seconds = width // second
    count, unit = (seconds // 86_400, "D") if seconds % 86_400 == 0 else (seconds, "s")
    return unit if count == 1 else f"{count}{unit}"


def _irregular(index: pd.DatetimeIndex, found: list[pd.DatetimeIndex], where: str) -> str:
    """Return what to say of dates without a frequency, and the frequency that would do."""
    if found:
        finest = min(found, key=len)
        return _sparse(where, len(index), len(finest), str(finest.freqstr))
    text = f"the dates in {where} keep to no regular steps"
    freq = _common_step(index, 100 * len(index))
    if freq is None:
        return f"{text}; number the rows with --no-index"
    n_grid = len(pd.date_range(index[0], index[-1], freq=freq))
    return f"{text}; {_mend(len(index), n_grid, freq)}"


def _sparse(where: str, n: int, n_grid: int, freq: str) -> str:
    return f"{where} has {n} dates in {n_grid} steps of {freq}; {_mend(n, n_grid, freq)}"


def _mend(n: int, n_grid: int, freq: str) -> str:
    return f"with --freq {freq} the other {n_grid - n} count as missing, and --no-index numbers the rows"
