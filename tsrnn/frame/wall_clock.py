"""Steps of days, weeks and months in a time zone, across changes of the wall clock (daylight saving time).

A skipped wall-clock time becomes the first instant after the gap; a repeated one means its first occurrence:

>>> days = pd.date_range("2023-04-27", periods=3)
>>> [str(label) for label in localize(days, "Africa/Cairo")]
['2023-04-27 00:00:00+02:00', '2023-04-28 01:00:00+03:00', '2023-04-29 00:00:00+03:00']

Steps are counted on the wall clock, so that the labels after a skipped midnight are at midnight again. Two times that
become the same instant have one label: the days of Samoa lack 2011-12-30, a date that its clocks skipped. pandas
raises if an index with a moved label gets a frequency; `set_freq` sets it, after `is_wall_clock_grid` has checked it.
"""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd

_DAY = pd.Timedelta(86_400, unit="s").as_unit("s")


def follows_wall_clock(index: pd.DatetimeIndex, freq: pd.offsets.BaseOffset) -> bool:
    """Whether steps of that frequency are counted on the wall clock of a time zone; hours and shorter steps are not."""
    is_constant = isinstance(freq, pd.offsets.Tick) and not isinstance(freq, pd.offsets.Day)
    return index.tz is not None and not is_constant


def localize(wall: pd.DatetimeIndex, tz: datetime.tzinfo | str | None) -> pd.DatetimeIndex:
    """Return the instants of ascending wall-clock times, each instant once."""
    labels = wall.tz_localize(tz, ambiguous=np.ones(len(wall), bool), nonexistent="NaT")
    skipped = np.flatnonzero(labels.isna())
    if len(skipped):
        instants = labels.tz_convert(None).to_numpy().copy()  # in UTC
        instants[skipped] = [_gap_end(moved, tz) for moved in wall[skipped]]
        labels = pd.DatetimeIndex(instants, name=wall.name).tz_localize("UTC").tz_convert(tz)
    is_kept = np.ones(len(labels), bool)
    is_kept[:-1] = np.diff(labels.asi8) > 0
    return without_freq(labels[is_kept])


def next_wall_clock_labels(index: pd.DatetimeIndex, freq: pd.offsets.BaseOffset, h: int) -> pd.DatetimeIndex:
    """Return the `h` labels after the end of `index`, with a frequency where pandas accepts it."""
    anchor = _last_unmoved(index)
    start, n_known = index[anchor].tz_localize(None), len(index) - anchor
    labels = _grid(start, n_known + h, freq, index)[n_known:]
    wall = pd.date_range(start, periods=n_known + h, freq=freq, unit=index.unit)[n_known:]
    unmoved = labels.tz_localize(None).equals(wall) and _is_unrepeated(labels).all()
    return pd.DatetimeIndex(labels, freq=freq) if unmoved else labels


def wall_clock_labels_until(
    index: pd.DatetimeIndex, freq: pd.offsets.BaseOffset, end: pd.Timestamp
) -> pd.DatetimeIndex:
    """Return the labels after the end of `index` up to `end`, or up to a few days later."""
    start, stop = index[_last_unmoved(index)], end.tz_convert(index.tz) + 2 * _DAY
    wall = pd.date_range(start.tz_localize(None), stop.tz_localize(None), freq=freq, unit=index.unit)
    labels = localize(wall, index.tz)
    return labels[labels > index[-1]]


def is_wall_clock_grid(index: pd.DatetimeIndex, freq: pd.offsets.BaseOffset | str) -> bool:
    """Whether the labels are the steps of `freq` on the wall clock."""
    unmoved = np.flatnonzero(~_is_after_gap(index))
    anchor = int(unmoved[0]) if len(unmoved) else 0
    start = index[anchor].tz_localize(None)
    if anchor:  # the wall-clock time of the first label if it had not been skipped
        start = pd.date_range(end=start, periods=anchor + 1, freq=freq, unit=index.unit)[0]
    return bool(np.array_equal(_grid(start, len(index), freq, index).asi8, index.asi8))


def wall_clock_start(index: pd.DatetimeIndex) -> pd.Timestamp:
    """Return the wall-clock time of the first label, as if it had not been skipped."""
    wall, moved = index.tz_localize(None), _is_after_gap(index)
    if not moved[0] or moved.all():
        return wall[0]
    usual = wall[int(np.argmin(moved))]
    return wall[0].normalize() + (usual - usual.normalize())


def infer_wall_clock_freq(index: pd.DatetimeIndex) -> pd.offsets.BaseOffset | None:
    """Return the frequency of the labels on the wall clock, or None."""
    wall, moved = index.tz_localize(None), _is_after_gap(index)
    if moved.all():
        return None
    time_of_day = wall[~moved][0] - wall[~moved][0].normalize()
    before = wall - (wall - time_of_day - wall.normalize()) % _DAY  # the last such time of day, not after the label
    breaks = np.flatnonzero(moved)
    longest = max(zip([0, *(breaks + 1)], [*breaks, len(index)], strict=True), key=lambda piece: piece[1] - piece[0])
    for labels in (before.where(moved, wall), wall[slice(*longest)]):
        freq = pd.DatetimeIndex(labels, freq="infer").freq if len(labels) > 2 else None
        if freq is not None and is_wall_clock_grid(index, freq):
            return freq
    return None


def without_freq(labels: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the same labels as a new index without a frequency."""
    no_freq: Any = None  # pandas-stubs do not allow None
    return pd.DatetimeIndex(labels, freq=no_freq)


def set_freq(labels: pd.DatetimeIndex, freq: pd.offsets.BaseOffset | str) -> pd.DatetimeIndex:
    """Return the same labels with that frequency, also if a label was moved, for which pandas would raise."""
    if labels.tz is None or not (_is_after_gap(labels) | ~_is_unrepeated(labels)).any():
        return pd.DatetimeIndex(labels, freq=freq)
    index: Any = without_freq(labels)  # its private attributes have no types
    holder = index if hasattr(index, "_freq") else index._data  # the index since pandas 3.1, its array before
    holder._freq = pd.tseries.frequencies.to_offset(freq)
    return index


# ---- helpers ---------------------------------------------------------------------------------------------------------


def _grid(start: pd.Timestamp, n: int, freq: pd.offsets.BaseOffset | str, like: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return `n` labels from a wall-clock time on, with the zone, unit and name of the index `like`."""
    n_wall, labels = n + 1, like[:0]
    while len(labels) <= n:  # one more label: it may be the same instant as the last one
        wall = pd.date_range(start, periods=n_wall, freq=freq, unit=like.unit, name=like.name)
        labels, n_wall = localize(wall, like.tz), n_wall + 32
    return labels[:n]


def _last_unmoved(index: pd.DatetimeIndex) -> int:
    """Return the position of the last label that was not moved out of a gap of the wall clock."""
    row = len(index) - 1
    while row > 0 and _is_after_gap(index[row : row + 1])[0]:
        row -= 1
    return row if row or not _is_after_gap(index[:1])[0] else len(index) - 1


def _is_after_gap(index: pd.DatetimeIndex) -> np.ndarray:
    """Return which labels are the first instant after a gap of the wall clock, (n,)."""
    one = pd.Timedelta(1, unit=index.unit).as_unit(index.unit)
    return np.asarray((index - one).tz_localize(None) + one < index.tz_localize(None))


def _gap_end(wall: pd.Timestamp, tz: datetime.tzinfo | str | None) -> np.datetime64:
    """Return the first instant, in UTC, after the gap that contains a wall-clock time."""

    def offset(second: int) -> datetime.timedelta | None:
        return pd.Timestamp(second, unit="s", tz="UTC").tz_convert(tz).utcoffset()

    middle = int(wall.as_unit("s").asm8.astype(np.int64))
    early, late = middle - 2 * 86_400, middle + 2 * 86_400
    before = offset(early)
    while late - early > 1:
        middle = (early + late) // 2
        early, late = (middle, late) if offset(middle) == before else (early, middle)
    return np.datetime64(late, "s")


def _is_unrepeated(labels: pd.DatetimeIndex) -> np.ndarray:
    """Return which labels are the only instant with their wall-clock time, (n,)."""
    wall, n = labels.tz_localize(None), len(labels)
    first, second = (
        wall.tz_localize(labels.tz, ambiguous=np.full(n, is_first), nonexistent="NaT") for is_first in (True, False)
    )
    return np.asarray(first == second)
