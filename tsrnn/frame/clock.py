"""Calendar steps in a time zone: days, weeks, months of the wall clock, also over the dates on which it is changed.

A wall-clock time that is skipped becomes the first instant that exists; one that is repeated is its first occurrence:

>>> days = pd.date_range("2023-04-27", periods=3)
>>> [str(label) for label in localised(days, "Africa/Cairo")]
['2023-04-27 00:00:00+02:00', '2023-04-28 01:00:00+03:00', '2023-04-29 00:00:00+03:00']

Steps are counted on the wall clock, so that the labels after a skipped midnight are midnights again. Two times that
become the same instant have one label: the days of Samoa lack 2011-12-30, which its clocks left out. pandas refuses a
frequency for an index with a moved label; `pinned` sets it nevertheless, after `fits_clock` has checked it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

_DAY = pd.Timedelta(86_400, unit="s").as_unit("s")


def on_clock(index: pd.DatetimeIndex, freq: Any) -> bool:
    """Whether steps of that frequency follow a wall clock that may be changed: hours and shorter steps do not."""
    even = isinstance(freq, pd.offsets.Tick) and not isinstance(freq, pd.offsets.Day)
    return index.tz is not None and not even


def localised(wall: pd.DatetimeIndex, tz: Any) -> pd.DatetimeIndex:
    """Return the instants of ascending wall-clock times, each one once."""
    labels = wall.tz_localize(tz, ambiguous=np.ones(len(wall), bool), nonexistent="NaT")
    skipped = np.flatnonzero(labels.isna())
    if len(skipped):
        instants = labels.tz_convert(None).to_numpy().copy()  # in UTC
        instants[skipped] = [_gap_end(moved, tz) for moved in wall[skipped]]
        labels = pd.DatetimeIndex(instants, name=wall.name).tz_localize("UTC").tz_convert(tz)
    return without_freq(labels[np.append(np.diff(labels.asi8) > 0, [True] * (len(labels) > 0))])


def clock_range(index: pd.DatetimeIndex, freq: Any, h: int) -> pd.DatetimeIndex:
    """Return the `h` labels after the last one of `index`; they have a frequency where pandas accepts it."""
    anchor = _last_unmoved(index)
    start, n_known = index[anchor].tz_localize(None), len(index) - anchor
    labels = _grid(start, n_known + h, freq, index)[n_known:]
    wall = pd.date_range(start, periods=n_known + h, freq=freq, unit=index.unit)[n_known:]
    unmoved = labels.tz_localize(None).equals(wall) and _unrepeated(labels).all()
    return pd.DatetimeIndex(labels, freq=freq) if unmoved else labels


def clock_until(index: pd.DatetimeIndex, freq: Any, end: pd.Timestamp) -> pd.DatetimeIndex:
    """Return the labels after the last one of `index` up to `end`, and perhaps some more."""
    start, stop = index[_last_unmoved(index)], end.tz_convert(index.tz) + 2 * _DAY
    wall = pd.date_range(start.tz_localize(None), stop.tz_localize(None), freq=freq, unit=index.unit)
    labels = localised(wall, index.tz)
    return labels[labels > index[-1]]


def fits_clock(index: pd.DatetimeIndex, freq: Any) -> bool:
    """Whether the labels are those that `freq` gives on the wall clock."""
    unmoved = np.flatnonzero(~_after_gap(index))
    anchor = int(unmoved[0]) if len(unmoved) else 0
    start = index[anchor].tz_localize(None)
    if anchor:  # what the wall clock would have shown at the first label
        start = pd.date_range(end=start, periods=anchor + 1, freq=freq, unit=index.unit)[0]
    return bool(np.array_equal(_grid(start, len(index), freq, index).asi8, index.asi8))


def infer_on_clock(index: pd.DatetimeIndex) -> Any:
    """Return the frequency that the labels have on the wall clock, or None."""
    wall, moved = index.tz_localize(None), _after_gap(index)
    if moved.all():
        return None
    time_of_day = wall[~moved][0] - wall[~moved][0].normalize()
    before = wall - (wall - time_of_day - wall.normalize()) % _DAY  # the last such time of day, at or before the label
    breaks = np.flatnonzero(moved)
    longest = max(zip([0, *(breaks + 1)], [*breaks, len(index)], strict=True), key=lambda piece: piece[1] - piece[0])
    for labels in (before.where(moved, wall), wall[slice(*longest)]):
        freq = pd.DatetimeIndex(labels, freq="infer").freq if len(labels) > 2 else None
        if freq is not None and fits_clock(index, freq):
            return freq
    return None


def without_freq(labels: pd.DatetimeIndex) -> Any:
    """Return the same labels as a new index without a frequency."""
    no_freq: Any = None
    return pd.DatetimeIndex(labels, freq=no_freq)


def pinned(labels: pd.DatetimeIndex, freq: Any) -> pd.DatetimeIndex:
    """Return the same labels with that frequency, which pandas itself refuses where a label was moved."""
    if labels.tz is None or not (_after_gap(labels) | ~_unrepeated(labels)).any():
        return pd.DatetimeIndex(labels, freq=freq)
    index = without_freq(labels)
    holder = index if hasattr(index, "_freq") else index._data  # the index has it since pandas 3.1, its array before
    holder._freq = pd.tseries.frequencies.to_offset(freq)
    return index


# ---- helpers ---------------------------------------------------------------------------------------------------------


def _grid(start: pd.Timestamp, n: int, freq: Any, like: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return `n` labels from a wall-clock time on, in the zone, unit and by the name of another index."""
    n_wall, labels = n + 1, like[:0]
    while len(labels) <= n:  # one more than asked for, since it decides whether the last one stays
        wall = pd.date_range(start, periods=n_wall, freq=freq, unit=like.unit, name=like.name)
        labels, n_wall = localised(wall, like.tz), n_wall + 32
    return labels[:n]


def _last_unmoved(index: pd.DatetimeIndex) -> int:
    """Return the position of the last label that shows what the wall clock should show."""
    row = len(index) - 1
    while row > 0 and _after_gap(index[row : row + 1])[0]:
        row -= 1
    return row if row or not _after_gap(index[:1])[0] else len(index) - 1


def _after_gap(index: pd.DatetimeIndex) -> np.ndarray:
    """Which labels are the first instant after a gap of the wall clock, (n,)."""
    one = pd.Timedelta(1, unit=index.unit).as_unit(index.unit)
    return np.asarray((index - one).tz_localize(None) + one < index.tz_localize(None))


def _gap_end(wall: pd.Timestamp, tz: Any) -> np.datetime64:
    """Return the first instant after the gap in which a wall-clock time lies, in UTC."""

    def offset(second: int) -> Any:
        return pd.Timestamp(second, unit="s", tz="UTC").tz_convert(tz).utcoffset()

    middle = int(wall.as_unit("s").asm8.astype(np.int64))
    early, late = middle - 2 * 86_400, middle + 2 * 86_400
    before = offset(early)
    while late - early > 1:
        middle = (early + late) // 2
        early, late = (middle, late) if offset(middle) == before else (early, middle)
    return np.datetime64(late, "s")


def _unrepeated(labels: pd.DatetimeIndex) -> np.ndarray:
    """Which labels are the only instant of their wall-clock time, (n,)."""
    wall, n = labels.tz_localize(None), len(labels)
    first, second = (
        wall.tz_localize(labels.tz, ambiguous=np.full(n, is_first), nonexistent="NaT") for is_first in (True, False)
    )
    return np.asarray(first == second)
