"""The panel: several series of different lengths in one array, the only form of data below the estimators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Panel:
    """S series with C channels each; the rows of a series follow those of the one before it.

    Attributes
    ----------
    values : (N, C) float64
        Without gaps: missing values are filled.
    observed : (N, C) bool
        Which values were observed.
    known : (N, F) float64
        What is known of each row before it comes: covariates, then the seasonal inputs of each channel.
    indptr : (S + 1,) int64
        Rows ``indptr[s]`` to ``indptr[s + 1] - 1`` are those of series s.
    padding : (S,) int64 or int
        First rows of each series that only make it as long as a window. No value of them is observed, and no network
        reads them.
    past : (N, P) float64
        What is known of each row only when it has come.
    """

    values: np.ndarray
    observed: np.ndarray
    known: np.ndarray
    indptr: np.ndarray
    padding: np.ndarray | int = 0
    past: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))

    def __post_init__(self) -> None:
        if len(self.past) != len(self.values):  # none were given
            object.__setattr__(self, "past", np.empty((len(self.values), 0)))

    @classmethod
    def of_one(cls, values: np.ndarray, observed: np.ndarray | None = None, known: np.ndarray | None = None) -> Panel:
        """Panel of one series (n, C), by default all observed and without covariates."""
        observed = np.ones(values.shape, bool) if observed is None else observed
        known = np.empty((len(values), 0)) if known is None else known
        return cls(values, observed, known, np.array([0, len(values)], np.int64))

    @classmethod
    def join(cls, panels: list[Panel]) -> Panel:
        """Panel of all series of several panels, in this order."""
        ends = np.cumsum(np.concatenate([np.diff(panel.indptr) for panel in panels]))
        padding = np.concatenate([np.broadcast_to(panel.padding, len(panel)) for panel in panels])
        values = np.concatenate([panel.values for panel in panels])
        observed = np.concatenate([panel.observed for panel in panels])
        known = np.concatenate([panel.known for panel in panels])
        past = np.concatenate([panel.past for panel in panels])
        return cls(values, observed, known, np.concatenate([[0], ends]).astype(np.int64), padding, past)

    def __len__(self) -> int:
        """Number of series."""
        return len(self.indptr) - 1

    @property
    def n_rows(self) -> np.ndarray:
        """Number of rows of each series, (S,)."""
        return np.diff(self.indptr)

    @property
    def series(self) -> np.ndarray:
        """Number of the series that each row belongs to, (N,)."""
        return np.repeat(np.arange(len(self)), self.n_rows)

    @property
    def positions(self) -> np.ndarray:
        """Row within its series of each row, (N,)."""
        return np.arange(len(self.values)) - np.repeat(self.indptr[:-1], self.n_rows)

    @property
    def is_own(self) -> np.ndarray:
        """Whether a row is one of the series, and no padding, (N,) bool."""
        if not np.any(self.padding):
            return np.ones(len(self.values), bool)
        return self.positions >= np.repeat(np.broadcast_to(self.padding, len(self)), self.n_rows)

    @property
    def first_observed(self) -> np.ndarray:
        """Row within its series of each channel's first observed value, (S, C); 0 for a channel without any."""
        return self._ends(lambda rows, among: np.minimum.reduceat(rows, among, axis=0), len(self.values), 0)

    def from_first_observed(self) -> Panel:
        """Panel from the first row of each series in which a channel was observed."""
        is_any: np.ndarray = np.asarray(self.observed.any(axis=1))[:, None]
        return self.part(replace(self, values=self.values[:, :1], observed=is_any).first_observed[:, 0])

    @property
    def last_observed(self) -> np.ndarray:
        """Row within its series of each channel's last observed value, (S, C); -1 for a channel without any."""
        return self._ends(lambda rows, among: np.maximum.reduceat(rows, among, axis=0), -1, -1)

    def _ends(self, reduce: Callable[[np.ndarray, np.ndarray], np.ndarray], beyond: int, without: int) -> np.ndarray:
        """Rows (S, C) of the observed values at one end of each series, `without` where there is none."""
        found = np.full((len(self), self.values.shape[1]), without, np.int64)
        if self.observed.all():  # in a large panel this saves several arrays of its size
            found[:] = 0 if without == 0 else self.n_rows[:, None] - 1
            return found
        filled = np.flatnonzero(self.n_rows > 0)  # an empty series has no rows to reduce
        if len(filled):
            rows = np.where(self.observed, self.positions[:, None], beyond)
            ends = reduce(rows, self.indptr[:-1][filled])
            found[filled] = np.where(ends == beyond, without, ends)
        return found

    def slices(self) -> Iterator[slice]:
        """Rows of each series."""
        for first, last in pairwise(self.indptr):
            yield slice(int(first), int(last))

    def __iter__(self) -> Iterator[Panel]:
        """Each series as a panel of one."""
        for rows in self.slices():
            yield replace(Panel.of_one(self.values[rows], self.observed[rows], self.known[rows]), past=self.past[rows])

    def part(self, first: np.ndarray | int = 0, last: np.ndarray | int | None = None) -> Panel:
        """Panel of the rows `first` to `last` - 1 of each series, counted within it; (S,) or one number for all."""
        first = np.asarray(np.minimum(first, self.n_rows))
        last = self.n_rows if last is None else np.minimum(last, self.n_rows)
        if not first.any() and np.array_equal(last, self.n_rows):
            return self
        rows, _ = ranges(self.indptr[:-1] + first, self.indptr[:-1] + last)
        indptr = np.concatenate([[0], np.cumsum(np.maximum(last - first, 0))]).astype(np.int64)
        padding = np.clip(self.padding - first, 0, np.diff(indptr))
        return Panel(self.values[rows], self.observed[rows], self.known[rows], indptr, padding, self.past[rows])

    def rows_of(self, series: np.ndarray) -> np.ndarray:
        """Numbers of the rows of these series, one series after the other."""
        return ranges(self.indptr[:-1][series], self.indptr[1:][series])[0]

    def take(self, series: np.ndarray) -> Panel:
        """Panel of the series with these numbers, in their order."""
        return self.cut(series, np.zeros(len(series), np.int64), self.n_rows[series])

    def cut(self, series: np.ndarray, first: np.ndarray, last: np.ndarray) -> Panel:
        """Panel whose series are the rows ``first[k]`` to ``last[k] - 1`` of these series, which may be repeated."""
        rows, _ = ranges(self.indptr[series] + first, self.indptr[series] + last)
        indptr = np.concatenate([[0], np.cumsum(last - first)]).astype(np.int64)
        padding = np.maximum(np.broadcast_to(self.padding, len(self))[series] - first, 0)
        return Panel(self.values[rows], self.observed[rows], self.known[rows], indptr, padding, self.past[rows])

    def followed_by(self, later: Panel, series: np.ndarray, n_series: int) -> tuple[Panel, np.ndarray]:
        """Panel of `n_series` with the rows of `later` at the end of the `series` that they continue, or that are new.

        The second result are the numbers of its rows among those of both, first of these, then of `later`.
        """
        keys = np.concatenate([self.series, np.repeat(series, later.n_rows)])
        rows = np.argsort(keys, kind="stable")
        indptr = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=n_series))]).astype(np.int64)
        padding = np.zeros(n_series, np.int64)
        padding[: len(self)] = self.padding
        values, observed, known, past = (
            np.concatenate([getattr(self, name), getattr(later, name)])[rows]
            for name in ("values", "observed", "known", "past")
        )
        return Panel(values, observed, known, indptr, padding, past), rows

    def lengthened(self, before: np.ndarray, after: np.ndarray) -> Panel:
        """Panel with `before` and `after` (S,) more rows around each series, unobserved copies of its first and last.

        Those before it are padding.
        """
        if not before.any() and not after.any():
            return self
        begins = self.indptr[:-1]
        rows, series = ranges(begins - before, self.indptr[1:] + after)
        is_own = (rows >= begins[series]) & (rows < self.indptr[1:][series])
        rows = np.clip(rows, begins[series], self.indptr[1:][series] - 1)
        indptr = np.concatenate([[0], np.cumsum(self.n_rows + before + after)]).astype(np.int64)
        observed = self.observed[rows] & is_own[:, None]
        padding = self.padding + before
        return Panel(self.values[rows], observed, self.known[rows], indptr, padding, self.past[rows])

    def filled(self) -> Panel:
        """Panel in which each missing value is the last observed one before it, or else the first one of its series."""
        if self.observed.all():
            return replace(self, values=self.values.copy())
        first = self.indptr[:-1, None] + self.first_observed
        rows = np.where(self.observed, np.arange(len(self.values))[:, None], np.repeat(first, self.n_rows, axis=0))
        rows = np.maximum.accumulate(rows, axis=0)  # rows of a series come after those of the one before
        return replace(self, values=np.take_along_axis(self.values, rows, axis=0))

    @property
    def since_observed(self) -> np.ndarray:
        """Steps since each channel was observed, (N, C): 0 where it is; before the first time, since the first row."""
        seen = np.where(self.observed, self.positions[:, None], 0)
        begins = np.repeat(self.indptr[:-1], self.n_rows)[:, None]
        return self.positions[:, None] - (np.maximum.accumulate(seen + begins, axis=0) - begins)

    def masks(self) -> np.ndarray:
        """What tells a network of missing values, (N, 2C): whether each value was observed, and `since_observed`."""
        return np.hstack([self.observed.astype(np.float64), self.since_observed])

    def inputs(self) -> np.ndarray:
        """What a network reads of each row, (N, C + P + F): its values, its past, and what is known of the next row.

        The last row of a series has what is known of itself.
        """
        if not self.past.shape[1] and not self.known.shape[1]:
            return self.values
        following = np.minimum(np.arange(1, len(self.values) + 1), np.repeat(self.indptr[1:] - 1, self.n_rows))
        return np.hstack([self.values, self.past, self.known[following]])


def ranges(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers from ``first[s]`` to ``last[s] - 1`` for each s, one range after the other, and s of each number."""
    sizes = np.maximum(last - first, 0)
    numbers = np.repeat(first - (np.cumsum(sizes) - sizes), sizes)
    numbers += np.arange(len(numbers))
    return numbers, np.repeat(np.arange(len(sizes)), sizes)


def any_within(flags: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Whether one of the `flags` (N, C) from row ``first[s]`` to ``last[s] - 1`` is set for each s, (S, C) bool."""
    total = np.zeros((len(flags) + 1, flags.shape[1]), np.int64)
    np.cumsum(flags, axis=0, out=total[1:])
    return total[np.maximum(first, last)] > total[first]
