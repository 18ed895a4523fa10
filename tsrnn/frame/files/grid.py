"""The regular grid of the labels of a file, and the fraction of its steps that are present.

An interpretation of dates that makes a regular grid is likelier than one that does not. This distinguishes dates from
numbers that look like dates.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from ...messages import format_label

#: Smallest fraction of a grid's steps that must be in a file, unless its frequency is given.
MIN_COVERAGE = 0.5
_DAY = np.timedelta64(1, "D")


def coverage(labels: pd.Index, resolution: str, *, same_day: bool = True) -> float:
    """Return the fraction of the steps of a regular grid, from the first label to the last, that are present.

    Parameters
    ----------
    labels : Index of length n
        Dates, or integers if `resolution` is "number"; in any order, also repeated.
    resolution : {"year", "quarter", "month", "week", "day", "time", "number"}
        Resolution of the labels.
    same_day : bool, default=True
        Whether dates on the same day of each month, such as the 15th, count as months.

    Returns
    -------
    float
        1 for a grid without gaps. The step of the grid is the largest one that contains all labels.

    Examples
    --------
    >>> coverage(pd.Index([201511, 201512, 201601]), "number")
    0.03296703296703297
    """
    if resolution == "number":
        return _fraction_present(labels.to_numpy())
    dates = _wall_time(labels)
    if resolution in ("year", "quarter", "month"):
        return _fraction_present(dates.astype("datetime64[M]").astype(np.int64))
    fractions = [_fraction_present(dates.astype(np.int64))]
    days = dates.astype("datetime64[D]")
    if resolution in ("day", "time"):
        monday_to_friday = bool(np.is_busday(days).all()) and len(np.unique(dates - days)) == 1
        if monday_to_friday:
            first, last = days.min(), days.max()
            fractions.append(len(np.unique(days)) / (int(np.busday_count(first, last)) + 1))
        if same_day and _is_once_a_month(dates):
            fractions.append(_fraction_present(dates.astype("datetime64[M]").astype(np.int64)))
    return max(fractions)


def _fraction_present(ordinals: np.ndarray) -> float:
    """Return the fraction of the steps between integers that are present."""
    ordinals = np.unique(ordinals)
    if len(ordinals) < 2:
        return 1.0
    width = math.gcd(*(int(difference) for difference in np.diff(ordinals)))
    return len(ordinals) / ((int(ordinals[-1]) - int(ordinals[0])) // width + 1)


def _is_once_a_month(dates: np.ndarray) -> bool:
    """Whether there is one date in each month, always on the same day or on the last day."""
    months = dates.astype("datetime64[M]")
    if len(np.unique(months)) < len(np.unique(dates)):
        return False
    day = (dates.astype("datetime64[D]") - months.astype("datetime64[D]")) // _DAY
    left = ((months + np.timedelta64(1, "M")).astype("datetime64[D]") - dates.astype("datetime64[D]")) // _DAY
    return len(np.unique(day)) == 1 or len(np.unique(left)) == 1


def _wall_time(labels: pd.Index) -> np.ndarray:
    """Return the wall-clock time of dates as datetime64[us], (n,)."""
    local: Any = labels
    if getattr(labels, "tz", None) is not None:
        local = local.tz_localize(None)
    return local.to_numpy().astype("datetime64[us]")


# ---- grids -----------------------------------------------------------------------------------------------------------


def number_grid(index: pd.Index, where: str) -> pd.RangeIndex:
    """Return all integers from the first to the last, with the largest step that contains every label."""
    steps = [int(difference) for difference in np.diff(index)]
    step = math.gcd(*steps) or 1
    _check_size(int(index[-1]) - int(index[0]), step, len(index), where)
    return pd.RangeIndex(int(index[0]), int(index[-1]) + step, step, name=index.name)


def _check_size(span: int, step: int, n: int, where: str) -> None:
    """Raise if nearly all steps of a grid would be missing and it would need too much memory."""
    if span // step > 1000 * n + 10**6:
        raise ValueError(
            f"{where} has {n} labels on a grid of {span // step + 1} steps, of which nearly all would be missing; "
            "number the rows with --no-index"
        )


def date_grid(
    index: pd.DatetimeIndex, resolution: str, freq: str | None, where: str, *, sparse: bool = False
) -> pd.DatetimeIndex | pd.PeriodIndex:
    """Return the regular grid from the first date to the last that contains every date.

    Parameters
    ----------
    index : DatetimeIndex of length n
        Sorted, without duplicates.
    resolution : str
        Resolution of the text, such as "month"; see `coverage`.
    freq : str, optional
        Frequency of the grid, a code of pandas. None finds one.
    where : str
        Name of the column in messages.
    sparse : bool, default=False
        Whether most steps of the grid may be missing.

    Returns
    -------
    DatetimeIndex or PeriodIndex
        Periods if there is one date in each month that is not its first or last day, such as the 15th.

    Raises
    ------
    ValueError
        If no frequency contains all dates, or more than half of the steps would be missing.
    """
    if len(index) < 2:
        raise ValueError(
            f"{where} has one date, {format_label(index[0])}; a series needs at least two: add rows, or name another "
            "column with --index-column"
        )
    if freq is not None:
        return _grid_of_freq(index, freq)
    if resolution in ("year", "quarter", "month"):
        return _month_grid(index, where, sparse)
    found = [
        grid for candidate in _candidate_frequencies(index) if (grid := _matching_grid(index, candidate)) is not None
    ]
    if not found and resolution == "week":
        found = [pd.date_range(index[0], index[-1], freq="W-MON", name=index.name)]
    good = next((grid for grid in found if sparse or len(grid) * MIN_COVERAGE <= len(index)), None)
    if good is not None:
        return good
    if _is_once_a_month(_wall_time(index)) and coverage(index, "day") >= MIN_COVERAGE:
        return _period_grid(index)
    n_max = 1000 * len(index) + 10**6 if sparse else int(len(index) / MIN_COVERAGE)
    if (freq := _common_step(index, n_max)) is not None:
        return pd.date_range(index[0], index[-1], freq=freq, name=index.name)
    raise ValueError(_irregular_message(index, found, where))


def _grid_of_freq(index: pd.DatetimeIndex, freq: str) -> pd.DatetimeIndex:
    """Return the grid of a frequency; raise if a date is not on it."""
    try:
        grid = pd.date_range(index[0], index[-1], freq=freq, name=index.name)
    except ValueError as error:
        raise ValueError(f"{freq!r} is no frequency that pandas knows; give one such as MS or W-SAT") from error
    off = index[~index.isin(grid)]
    if len(off):
        raise ValueError(
            f"--freq {freq} does not match the dates: {format_label(off[0])} is not on its grid; give another "
            "frequency, or leave it out"
        )
    return grid


def _month_grid(index: pd.DatetimeIndex, where: str, sparse: bool) -> pd.DatetimeIndex:
    """Return the grid of months, or of the largest multiple of a month, that contains all dates."""
    months = _wall_time(index).astype("datetime64[M]").astype(np.int64)
    width = math.gcd(*(int(difference) for difference in np.diff(months))) or 1
    if not sparse and len(index) < MIN_COVERAGE * ((months[-1] - months[0]) // width + 1):
        freq = {1: "MS", 3: "QS", 12: "YS"}.get(width, f"{width}MS")
        raise ValueError(_sparse_message(where, len(index), (months[-1] - months[0]) // width + 1, freq))
    start = index[0]
    codes = {3: f"QS-{start:%b}".upper(), 12: f"YS-{start:%b}".upper()}
    return pd.date_range(start, index[-1], freq=codes.get(width, f"{width}MS"), name=index.name)


def _period_grid(index: pd.DatetimeIndex) -> pd.PeriodIndex:
    """Return the months, quarters or years of dates on the same day of a month, such as the 15th."""
    months = _wall_time(index).astype("datetime64[M]").astype(np.int64)
    width = math.gcd(*(int(difference) for difference in np.diff(months)))
    freq = {1: "M", 3: "Q-DEC", 12: "Y-DEC"}.get(width, f"{width}M")
    return pd.period_range(_wall_time(index)[0], _wall_time(index)[-1], freq=freq, name=index.name)


def _matching_grid(index: pd.DatetimeIndex, freq: pd.offsets.BaseOffset) -> pd.DatetimeIndex | None:
    """Return the grid of a frequency, None if a date is not on it."""
    grid = pd.date_range(index[0], index[-1], freq=freq, name=index.name)
    return grid if index.isin(grid).all() else None


def _candidate_frequencies(index: pd.DatetimeIndex) -> list[pd.offsets.BaseOffset]:
    """Return the frequencies of parts of the index, those of long parts first."""
    found: dict[pd.offsets.BaseOffset, None] = {}
    for width in (len(index), 12, 6, 4, 3):
        for start in range(min(50, len(index) - width + 1) if width > 2 else 0):
            freq = pd.DatetimeIndex(index[start : start + width], freq="infer").freq
            if freq is not None:
                found[freq] = None
    return list(found)


def _common_step(index: pd.DatetimeIndex, n_max: int) -> str | None:
    """Return the largest multiple of a day or second that contains all labels, None if it has `n_max` steps or more."""
    steps = np.diff(_wall_time(index).astype(np.int64))
    second = 10**6
    width = math.gcd(*(int(step) for step in steps)) if len(steps) else 0
    if not width or width % second or int(steps.sum()) // width >= n_max:
        return None
    seconds = width // second
    count, unit = (seconds // 86_400, "D") if seconds % 86_400 == 0 else (seconds, "s")
    return unit if count == 1 else f"{count}{unit}"


def _irregular_message(index: pd.DatetimeIndex, found: list[pd.DatetimeIndex], where: str) -> str:
    """Return the message for dates without a frequency, with a frequency that contains them."""
    if found:
        finest = min(found, key=len)
        return _sparse_message(where, len(index), len(finest), str(finest.freqstr))
    text = f"the dates in {where} have no regular steps"
    freq = _common_step(index, 100 * len(index))
    if freq is None:
        return f"{text}; number the rows with --no-index"
    n_grid = len(pd.date_range(index[0], index[-1], freq=freq))
    return f"{text}; {_advice(len(index), n_grid, freq)}"


def _sparse_message(where: str, n: int, n_grid: int, freq: str) -> str:
    """Return the message for a grid of which most steps are missing."""
    return f"{where} has {n} dates in {n_grid} steps of {freq}; {_advice(n, n_grid, freq)}"


def _advice(n: int, n_grid: int, freq: str) -> str:
    """Return the options that accept missing steps or number the rows."""
    return f"use --freq {freq} to count the other {n_grid - n} as missing, or --no-index to number the rows"
