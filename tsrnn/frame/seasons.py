"""Number of steps in a season, from the frequency of an index."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..checks import Anything, shown, whole
from .index import Grid

_SECOND = 10**9  # nanoseconds
_DAY = 86_400 * _SECOND

# Shortest step of each cycle, and the cycle, in nanoseconds; the first row whose shortest step is not longer is used.
_CYCLES = (
    (7 * _DAY, 364 * _DAY),
    (_DAY, 7 * _DAY),
    (300 * _SECOND, _DAY),
    (5 * _SECOND, 3600 * _SECOND),
    (_SECOND, 60 * _SECOND),
    (_SECOND // 1000, _SECOND),
)

# Steps in a cycle, by pandas' frequency code.
_SEASONS = {
    **dict.fromkeys(("B", "C"), 5),
    "W": 52,
    **dict.fromkeys(("SMS", "SME"), 24),
    **dict.fromkeys(("MS", "ME", "BMS", "BME", "CBMS", "CBME", "WOM", "LWOM"), 12),
    **dict.fromkeys(("QS", "QE", "BQS", "BQE"), 4),
    **dict.fromkeys(("HYS", "HYE", "BHYS", "BHYE"), 2),
}

#: Fewest seasons in a series for which a longer season is used.
MIN_SEASONS = 3


def season_length(index: Grid) -> int:
    """Return the usual number of steps in a season.

    =======================================  ==================  =============
    Step                                     Season              Length
    =======================================  ==================  =============
    year, or an integer                      none                1
    half-year                                year                2
    quarter (QS, QE, BQS, ...)               year                4
    month (MS, ME, BMS, ...)                 year                12
    half-month (SMS, SME)                    year                24
    week, 7 days or more                     year                52
    day                                      week                7
    business day (B, C)                      week                5
    5 minutes to less than a day             day                 24 for ``h``
    5 seconds to less than 5 minutes         hour                60 for ``min``
    1 second to less than 5 seconds          minute              60 for ``s``
    a millisecond to less than a second      second              1000 for ``ms``
    anything else                            none                1
    =======================================  ==================  =============

    For a multiple of a step the length is divided: 12 for ``2h``, 96 for ``15min``, 4 for ``3MS``, 26 for ``2W``. If it
    is not a whole number, as for ``5MS``, the length is 1.

    Parameters
    ----------
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        Labels of the series. Those of a panel whose rows are the steps may have no frequency, and then no season.

    Returns
    -------
    int
        The length in steps; 1 if there is no season.

    Examples
    --------
    >>> season_length(pd.date_range("2024-01-01", periods=3, freq="MS"))
    12
    """
    freq: Any = getattr(index, "freq", None)
    if freq is None:
        return 1
    step = _nanoseconds_per_step(freq)
    if step is not None:
        cycle = next((cycle for shortest, cycle in _CYCLES if step >= shortest), step)
    else:
        step, cycle = freq.n, _SEASONS.get(freq.freqstr.lstrip("0123456789").split("-")[0], 1)
    return cycle // step if cycle % step == 0 else 1


def season_lengths(index: Grid, n: int | None = None) -> tuple[int, ...]:
    """Return the number of steps in each season, in ascending order; empty if there is none.

    The season of `season_length` comes first. For steps shorter than a day, the day and the week are also seasons; for
    days, also the year of 365 days. These longer seasons are included if the series has at least three of them.

    Parameters
    ----------
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        The labels of the series.
    n : int, optional
        Number of steps of the series; by default the length of the index.

    Returns
    -------
    tuple of int
        Season lengths of at least 2 steps.

    Examples
    --------
    >>> season_lengths(pd.date_range("2024-01-01", periods=2000, freq="h"))
    (24, 168)
    """
    found, step = {season_length(index)}, _nanoseconds_per_step(getattr(index, "freq", None))
    n_steps = len(index) if n is None else n
    if step is not None and step <= _DAY:
        cycles = (365 * _DAY,) if step == _DAY else (_DAY, 7 * _DAY)
        found |= {c // step for c in cycles if c % step == 0 and n_steps >= MIN_SEASONS * (c // step)}
    return tuple(sorted(found - {1}))


def read_season_lengths(value: Anything, index: Grid, n: int) -> tuple[int, ...]:
    """Check the argument ``season_lengths=`` of an estimator and return ascending integers.

    Parameters
    ----------
    value : int, list of int or None
        Steps in each season; an empty list for no seasons, None for those of the frequency.
    index : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        The labels of the series.
    n : int
        Number of steps of the series, from its first observed value on.

    Returns
    -------
    tuple of int
        Season lengths of at least 2 steps, ascending.

    Raises
    ------
    TypeError, ValueError
        If a length is not an integer of at least 2, or not less than `n`.

    Examples
    --------
    >>> read_season_lengths([168, 24], pd.RangeIndex(500), 500)
    (24, 168)
    """
    if value is None:
        return season_lengths(index, n)
    single = np.ndim(value) == 0 and not isinstance(value, str | dict | set)
    if not single and (np.ndim(value) != 1 or isinstance(value, str)):
        raise TypeError(f"season_lengths={value!r} must be a list of integers, such as [24, 168], or None")
    lengths = tuple(sorted({whole("season_lengths", length, 2) for length in ([value] if single else value)}))
    if lengths and lengths[-1] >= n:
        raise ValueError(
            f"season_lengths={shown(value)} has {lengths[-1]}, but the series has {n} observations, less than such a "
            "season; drop it, or pass a longer series"
        )
    return lengths


def _nanoseconds_per_step(freq: pd.offsets.BaseOffset | None) -> int | None:
    """Return the nanoseconds of a step of constant length; None for calendar steps and integers."""
    if isinstance(freq, pd.offsets.Day):
        return freq.n * _DAY
    return pd.Timedelta(freq).value if isinstance(freq, pd.offsets.Tick) else None
