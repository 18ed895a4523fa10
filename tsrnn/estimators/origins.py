"""Forecasts from many origins after one fit, as `update` and `predict` in turn would make them, but in batches."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import frame
from ..checks import Anything
from ..data.panel import Panel, any_within
from .history import Origin, refuse_empty
from .panels import UPDATE, join_rows, places, read_new_rows, static_of

if TYPE_CHECKING:
    from .base import BaseForecaster

#: Rows before the origins and steps ahead of a batch, so that memory does not grow with the number of origins.
MAX_ROWS = 50_000
#: Public methods that `roll` replaces.
REPLACED = ("predict", "update", "predict_interval")


class LaterRows(NamedTuple):
    """The arguments of `update`."""

    y: Anything
    X: Anything
    static: Anything


class Rolled(NamedTuple):
    """Forecasts from several origins.

    Attributes
    ----------
    origins : (K,) int
        Number of the origin of each forecast.
    series : (K,) int
        Number of its series among `ids`, or of the channel of a wide frame.
    values : (K, n_steps, 1 + 2 * n_coverages)
        Point forecasts, then the lower and the upper bound of each coverage.
    ids : pandas.Index or None
        Ids of a panel.
    """

    origins: np.ndarray
    series: np.ndarray
    values: np.ndarray
    ids: Any = None  # an `Index`; this folder does not import pandas


class _Read(NamedTuple):
    """The forecaster with the later rows, and where its forecasts begin.

    Attributes
    ----------
    after : BaseForecaster
        A copy that has all rows, also those after the origins.
    new : Panel
        The later rows of some series; covariates may have gaps.
    place : (S,) int
        Place of each series of `new` among those of the copy.
    n_after : (W, S) int
        Number of rows of each series after each origin.
    """

    after: BaseForecaster
    new: Panel
    place: np.ndarray
    n_after: np.ndarray


def roll(
    forecaster: BaseForecaster, rows: LaterRows, n_after: np.ndarray, n_steps: int, coverage: np.ndarray
) -> Rolled | None:
    """Forecasts from the origins `n_after` (W,) steps before the end of the later rows; see `predict_origins`."""
    if forecaster._n_read() is None or any(_is_of_subclass(forecaster, name) for name in REPLACED):
        return None
    read = _read(forecaster, rows, n_after)
    origins, series = np.nonzero((read.n_after > 0) & (read.n_after <= _n_known(read)))
    C, target = read.new.values.shape[1], read.after.target_
    values = np.empty((len(origins), n_steps, C, 1 + 2 * len(coverage)))
    for some, origin in _batches(read, origins, series, n_steps):
        values[some, :, :, 0] = read.after._continue(origin)
        if len(coverage):
            values[some, :, :, 1:] = read.after._bounds(origin, coverage).reshape(len(some), n_steps, C, -1)
    by_channel = np.moveaxis(values, 2, 1).reshape(-1, n_steps, values.shape[3])
    if isinstance(target, frame.PanelTarget):
        return Rolled(origins, read.after._order[read.place[series]], by_channel, target.ids)
    return Rolled(np.repeat(origins, C), np.tile(np.arange(C), len(origins)), by_channel)


def _is_of_subclass(forecaster: BaseForecaster, name: str) -> bool:
    """Whether a method was written outside the package, so that it may do more than the one that it replaces."""
    method = getattr(type(forecaster), name, None)
    return method is not None and getattr(method, "__module__", "").partition(".")[0] != __name__.partition(".")[0]


# ---------------------------------------------------------------- rows
def _read(forecaster: BaseForecaster, rows: LaterRows, n_after: np.ndarray) -> _Read:
    """Read the later rows, as `update` does."""
    after = copy(forecaster)
    if not isinstance(forecaster.target_, frame.PanelTarget):
        forecaster._refuse_for_one_series(static=rows.static)
        target, covariates = forecaster._read_new(rows.y, rows.X, UPDATE)
        after._set_rows(forecaster._joined(target, covariates))
        new = Panel.of_one(target.values, target.observed, covariates)
        return _Read(after, new, np.zeros(1, np.int64), n_after[:, None])
    later, _, numbers, new = read_new_rows(forecaster, rows.y, rows.X, UPDATE)
    after._set_rows(join_rows(forecaster, later, numbers, new, UPDATE, rows.static))
    end = later.end[numbers]
    return _Read(after, new, places(after, later)[numbers], n_after[:, None] - (end.max() - end))


def _n_known(read: _Read) -> np.ndarray:
    """Largest number of rows after an origin at which a series has a value before it, (S,).

    A series of the fit has one; one that came later has its first one among the new rows.
    """
    n_rows = read.after.panel_.n_rows[read.place]
    return np.where(read.place < read.after._n_series, read.new.n_rows, n_rows - 1)


# ---------------------------------------------------------------- batches
def _batches(read: _Read, origins: np.ndarray, series: np.ndarray, n_steps: int) -> Iterator[tuple[np.ndarray, Origin]]:
    """Numbers of some forecasts (K,), and the origin of these; `series` are numbers of those in ``read.new``."""
    panel, place = read.after.panel_, read.place[series]
    last = panel.n_rows[place] - read.n_after[origins, series]
    first = _first_read(read.after, place, last)
    n_rows = np.cumsum(last - first + n_steps)
    borders = np.flatnonzero(np.diff(n_rows // MAX_ROWS)) + 1
    for some in np.split(np.arange(len(last)), borders):
        if len(some):
            before = panel.cut(place[some], first[some], last[some])
            yield some, _origin(read, before, origins[some], series[some], n_steps)


def _first_read(after: BaseForecaster, place: np.ndarray, last: np.ndarray) -> np.ndarray:
    """First row of each series (K,) that a forecast after `last` (K,) rows of it depends on.

    All rows count where a value is missing among those that are read, because more rows then fill it, and of series
    that were not in the fit, whose scale they are.
    """
    panel, n_read = after.panel_, after._n_read()
    if n_read is None or not np.isfinite(n_read):
        return np.zeros(len(place), np.int64)
    first = np.maximum(last - int(n_read), 0)
    begin = panel.indptr[:-1][place]
    has_gap = any_within(~panel.observed, begin + first, begin + last).any(axis=1)
    return np.where(has_gap | (place >= after._n_series), 0, first)


def _origin(read: _Read, before: Panel, origins: np.ndarray, series: np.ndarray, n_steps: int) -> Origin:
    """The origin of one forecast for each of these `series` (K,) of ``read.new``, after the rows `before`."""
    after, new = read.after, read.new
    first = new.indptr[1:][series] - read.n_after[origins, series]
    rows = np.minimum(first[:, None] + np.arange(n_steps), new.indptr[1:][series, None] - 1)
    ahead, completion = new.known[rows], after._completions[1]
    refuse_empty(ahead, after.covariate_names_, completion)
    ahead = completion.complete_ahead(ahead, before, before.known)
    place, target, static = read.place[series], after.target_, None
    index: Any = after.index_
    if isinstance(target, frame.PanelTarget):
        numbers = after._order[place]
        index = numbers, (target.end[numbers] - read.n_after[origins, series])[:, None] + np.arange(n_steps)
        static = static_of(after, numbers)
    numbers_in_fit = np.where(place < after._n_series, place, -1)
    times, time = np.unique(origins, return_inverse=True)
    n_known = np.repeat(after.panel_.n_rows[None], len(times), axis=0)
    n_known[:, read.place] -= np.maximum(read.n_after[times], 0)
    n_known = n_known[:, : after._n_series]
    return Origin(target, before, ahead, numbers_in_fit, index, np.arange(n_steps), static, n_known=n_known, time=time)
