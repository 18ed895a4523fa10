"""Conformal prediction: intervals and paths from the errors of forecasts over the validation part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import numpy as np

from ..data.levels import Lags, summed
from ..data.panel import Panel, ranges
from ..data.scaling import PanelScaling, Scaling
from ..data.seasons import Seasons
from ..data.static import Static
from ..data.windows import spread
from ..networks.network import Network
from .strategies.base import Continuation, Strategy

#: Most origins whose errors are computed: of more, these are spread evenly.
MAX_ORIGINS = 50_000
#: Origins from which on the paths of a series of a panel come from its own errors.
PATHS = 30
#: Rows before origins that are read again for each origin at a time.
MAX_ROWS = 100_000


@dataclass(frozen=True)
class ErrorWindows:
    """Errors of forecasts of several steps from many origins, in units that make series comparable, and their paths.

    Attributes
    ----------
    errors : (n, n_leads, C)
        From n origins, 1 to n_leads steps ahead; NaN where nothing was observed.
    series : (n,) int
        Number of the series of each origin, ascending.
    n_series : int
    coverage : float
        Largest coverage of a central interval that paths are to tell.
    """

    errors: np.ndarray
    series: np.ndarray
    n_series: int = 1
    coverage: float = 0.0

    #: Advice in the error message where no window is complete.
    _advice: ClassVar[str] = "use EarlyStopping(validation_size=...) with a larger one"

    def paths_of(
        self, series: np.ndarray, n_leads: np.ndarray, n_paths: int, rngs: Sequence[np.random.RandomState],
        coverage: float = 0.0,
    ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """Paths of errors for some `series` (S,), each from a generator of its own, and which channels were pooled.

        A series with enough errors, also for a central interval of this coverage, has paths of its own errors, the
        others have those of all series. Each has `n_leads` (S,) leads, and NaN after them: (S, largest n_leads, C,
        n_paths) and (C,).
        """
        n_origins, shared = self._n_origins, dict[int, ErrorWindows]()
        ends, n_channels = np.cumsum(n_origins), self.errors.shape[2]
        drawn, pooled = np.full((len(series), max(n_leads), n_channels, n_paths), np.nan), np.zeros(n_channels, bool)
        for i, (s, n, rng) in enumerate(zip(series, n_leads, rngs, strict=True)):
            errors = shared.setdefault(n, replace(self, errors=self.errors[:, :n], coverage=coverage))
            if self.n_series > 1 and s >= 0 and n_origins[s] >= PATHS:
                own = replace(errors, errors=self.errors[ends[s] - n_origins[s] : ends[s], :n])
                errors = own if own._n_whole[0] >= own._least else errors
            paths, lacking = errors.paths(n_paths, rng)
            drawn[i, : len(paths)] = paths
            pooled |= lacking
        return drawn, pooled

    def paths(self, n_paths: int, rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
        """Errors of whole windows, drawn with replacement, (n_leads, C, n_paths), and which channels were pooled, (C,).

        The dependence across steps is kept. Where windows end before the last lead, the errors of another window are
        added to the last error, as for a random walk. A channel without errors has those of another channel.

        Raises
        ------
        ValueError
            If no window has all of its errors, or fewer than the coverage needs.
        """
        n_leads, (whole, pooled) = self.errors.shape[1], self._whole
        drawn = [whole[rng.randint(len(whole), size=n_paths)] for _ in range(-(-n_leads // whole.shape[1]))]
        for before, after in pairwise(drawn):
            after += before[:, -1:]
        return np.moveaxis(np.concatenate(drawn, axis=1)[:, :n_leads], 0, -1), pooled

    @cached_property
    def _whole(self) -> tuple[np.ndarray, np.ndarray]:
        """The windows whose errors are all known up to the lead that half of them reach, (n, n_leads, C); see `paths`.

        They are not fewer than the coverage needs. The second result says which channels were pooled, (C,).
        """
        (errors, pooled), n_whole = self._filled, self._n_whole
        if n_whole[0] == 0:
            raise ValueError(
                "no validation window has all of its values observed, so that no path of errors is known; "
                f"{self._advice}"
            )
        if n_whole[0] < self._least:
            raise ValueError(
                f"a coverage of {self.coverage:g} needs paths from {self._least} windows whose errors are known, but "
                f"there are {n_whole[0]}; {self._advice}{ask_for_less(int(n_whole[0]))}"
            )
        length = int((n_whole >= max(n_whole[0] / 2, self._least)).sum())
        return errors[np.isfinite(errors[:, :length]).all(axis=(1, 2)), :length], pooled

    @cached_property
    def _filled(self) -> tuple[np.ndarray, np.ndarray]:
        """The errors with those of another channel where one has none, and which channels have none, (C,)."""
        errors = self.errors
        pooled = ~np.isfinite(errors).any(axis=(0, 1))
        if pooled.any() and not pooled.all():
            others = np.flatnonzero(~pooled)
            errors = errors.copy()
            errors[:, :, pooled] = errors[:, :, others[np.arange(pooled.sum()) % len(others)]]
        return errors, pooled

    @cached_property
    def _n_whole(self) -> np.ndarray:
        """Number of windows that are complete up to each lead, (n_leads,)."""
        complete: np.ndarray = np.isfinite(self._filled[0]).all(axis=2).cumprod(axis=1).sum(axis=0)
        return complete

    @property
    def _least(self) -> int:
        """Number of windows that paths of the coverage need."""
        return max(1, needed(self.coverage))

    @property
    def _n_origins(self) -> np.ndarray:
        return np.bincount(self.series, minlength=self.n_series)


@dataclass(frozen=True)
class Errors(ErrorWindows):
    """Errors of free-running forecasts over the validation part, in scaled units.

    Attributes
    ----------
    scaling : Scaling
        The scaling of the training part, which gives the errors their unit.
    """

    scaling: Scaling = field(kw_only=True)

    def offsets(self, levels: np.ndarray, series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distances of the quantiles from the forecasts of some `series` (S,), (S, n_leads, C, n_levels).

        The interval between the quantiles p and 1 - p holds a new value with probability 1 - 2 p or more, whatever its
        distribution, as far as errors of the past are exchangeable with new ones: the absolute error of rank
        ceil((n + 1) (1 - 2 p)) among n is added to both sides (Vovk, Gammerman & Shafer 2005, Algorithmic Learning in a
        Random World, ch. 2; Lei et al. 2018, doi:10.1080/01621459.2017.1307116, algorithm 2).

        Of a panel a series with enough errors has its own offsets. The others, and those that were not in the fit (-1),
        share the offsets of the errors of all series, which scaled units make comparable. Where a lead has too few
        errors, its offset is extended from shorter leads (`extended`). Where a channel has too few at every lead, its
        errors are pooled with those of all channels; which were is the second result, (C,).

        Raises
        ------
        ValueError
            If there are too few errors for so far a quantile.
        """
        coverage, sign = np.abs(2 * levels - 1), np.sign(levels - 0.5)
        own = np.flatnonzero(self._n_origins >= needed(coverage.max())) if self.n_series > 1 else np.empty(0, np.int64)
        own = np.intersect1d(own, series)
        shares = ~np.isin(series, own)
        found, pooled = None, np.zeros(self.errors.shape[2], bool)
        if shares.any():
            sizes, pooled = self._sizes(coverage)
            found = np.broadcast_to(extended(sizes), (len(series), *sizes.shape)).copy()
        if not shares.all():
            sizes = self._own_sizes(own, coverage)
            if (lacking := np.isnan(sizes).all(axis=1).any(axis=(1, 2))).any():  # many of its values are missing
                sizes[lacking], _ = self._sizes(coverage)
            for s in np.flatnonzero(np.isnan(sizes).any(axis=(1, 2, 3))):
                sizes[s] = extended(sizes[s])
            found = np.empty((len(series), *sizes.shape[1:])) if found is None else found
            found[~shares] = sizes[np.searchsorted(own, series[~shares])]
        assert found is not None
        return sign * found, pooled

    def reach(self, levels: np.ndarray) -> bool:
        """Whether there are enough errors of all series for these quantiles at one lead or more."""
        most = int(np.isfinite(self.errors).sum(axis=0).max())
        return most >= needed(np.abs(2 * levels - 1).max(initial=0.0))

    def _own_sizes(self, own: np.ndarray, coverage: np.ndarray) -> np.ndarray:
        """Half-widths from the errors of each of the series `own` (n,), (n, n_leads, C, n_levels)."""
        n_origins, (_, n_leads, C) = self._n_origins, self.errors.shape
        first, found = np.cumsum(n_origins) - n_origins, np.empty((len(own), n_leads, C, len(coverage)))
        for n in np.unique(n_origins[own]):
            same = np.flatnonzero(n_origins[own] == n)  # series with so many origins are ranked together
            errors = self.errors[first[own[same]] + np.arange(n)[:, None]].reshape(n, len(same) * n_leads, C)
            found[same] = ranked(np.abs(errors), coverage).reshape(len(same), n_leads, C, len(coverage))
        return found

    def _sizes(self, coverage: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Half-widths (n_leads, C, n_levels) from the errors of all series, and which channels were pooled, (C,)."""
        sizes = ranked(np.abs(self.errors), coverage)
        pooled = np.isnan(sizes).all(axis=0).any(axis=-1)
        if pooled.any() and len(pooled) > 1:
            n, n_leads, C = self.errors.shape
            together = np.abs(self.errors).transpose(0, 2, 1).reshape(n * C, n_leads, 1)
            sizes[:, pooled] = ranked(together, coverage)
        if np.isnan(sizes).all(axis=0).any():
            have, need = int(np.isfinite(self.errors).sum(axis=0).max()), needed(coverage.max())
            raise ValueError(
                f"a coverage of {coverage.max():g} needs {need} validation windows, but the fit had {have}; hold out "
                f"{need - have} observations more by EarlyStopping(validation_size=...), of a longer series if these "
                f"leave too few to learn from{ask_for_less(have)}"
            )
        return sizes, pooled

    def unscale(
        self, values: np.ndarray, panel: Panel, length: int, n_steps: int, series: np.ndarray, gaps: np.ndarray
    ) -> np.ndarray:
        """Errors or offsets (S, n_leads, C, ...) for `n_steps` after each series of a `panel`, in its units.

        The lead of a step counts from the last observed value of its column, `gaps` (S, C) rows before. The unit
        is the scale of the last `length` rows up to the last one with an observed value; `series` (S,) are the rows of
        the scaling.
        """
        last = panel.last_observed
        end = 1 + last.max(axis=1)
        first = np.maximum(end - length, 0)
        unit = np.empty(last.shape)
        for n in np.unique(end - first):  # series that are shorter than a context have one of their own length
            same = np.flatnonzero(end - first == n)
            rows = (panel.indptr[:-1] + first)[same, None] + np.arange(n)
            unit[same] = self.scaling.of_contexts(panel.values[rows], series[same])[1]
        leads = gaps[:, None] + np.arange(n_steps)[:, None]  # (S, n_steps, C)
        chosen = values[np.arange(len(leads))[:, None, None], leads, np.arange(last.shape[1])]
        return unit.reshape(len(unit), 1, -1, *(1,) * (chosen.ndim - 3)) * chosen


def needed(coverage: float) -> int:
    """Number of errors that an interval of this coverage needs."""
    return int(np.ceil(coverage / (1 - coverage) - 1e-9))


def ask_for_less(n_errors: int) -> str:
    """Advice in an error message: the largest coverage that so many errors are enough for."""
    most = np.floor(1000 * n_errors / (n_errors + 1)) / 1000
    return f", or ask for a coverage of {most:g} or less" if n_errors else ""


def ranked(scores: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """Scores (n, n_leads, C) of the rank for each coverage, (n_leads, C, n_levels); NaN for too few.

    `coverage` is (n_levels,), or broadcasts to (n_leads, C, n_levels). Missing scores do not count. The rank is
    ceil((n + 1) coverage); where that is not positive, the result is 0.
    """
    n = np.isfinite(scores).sum(axis=0)[..., None]
    rank = np.ceil((n + 1) * coverage - 1e-9).astype(int)
    ordered = np.sort(scores, axis=0)  # NaN come last
    ordered = np.moveaxis(np.concatenate([np.zeros((1, *ordered.shape[1:])), ordered]), 0, -1)
    found = np.take_along_axis(ordered, np.clip(rank, 0, ordered.shape[-1] - 1), axis=-1)
    return np.where(rank > n, np.nan, found)


def extended(sizes: np.ndarray) -> np.ndarray:
    """Half-widths (n_leads, C, n_levels) without NaN.

    One before the first known lead takes its half-width. One after the last known lead l grows as for a sum of
    independent errors: lead l + k has the root of the sum of the squares of leads l and k.
    """
    full = sizes.copy()
    for c, q in np.ndindex(sizes.shape[1:]):
        known = np.flatnonzero(~np.isnan(sizes[:, c, q]))
        full[: known[0], c, q] = sizes[known[0], c, q]
        for lead in range(known[0], len(full)):
            if np.isnan(full[lead, c, q]):
                last = known[known < lead][-1]
                full[lead, c, q] = np.hypot(full[last, c, q], full[lead - last - 1, c, q])
    return full


@dataclass(frozen=True)
class Calibration:
    """A network before its refit and the rows held out, to measure errors any number of steps ahead.

    Attributes
    ----------
    panel : Panel
        The rows of each series from the first context of the validation part on, and before them those that its
        seasonal inputs read; `known` holds the covariates. A series without validation part has no rows.
    judged : (N, C) bool
        Which values count.
    n_origins : (S,) int
        Origins of forecasts in each series: the first contexts, one row apart.
    end : (S,) int
        Number of rows of each series up to the end of the validation part.
    theta : (n_parameters,)
        Parameters of the training part.
    scaling : PanelScaling
        Learned from the training part.
    seasons : Seasons
    strategy : Strategy
    context_length : int
    static : Static or None
    changes : (N, C) or None
        Where the values are differences: those of levels without gaps, whose errors sum to the errors of levels.
    lags : tuple of int
        The lags of the differences; see `data.levels`.
    """

    panel: Panel
    judged: np.ndarray
    n_origins: np.ndarray
    end: np.ndarray
    theta: np.ndarray
    scaling: PanelScaling
    seasons: Seasons
    strategy: Strategy
    context_length: int
    static: Static | None = None
    changes: np.ndarray | None = None
    lags: Lags = ()

    def errors(self, network: Network, n_leads: int, chosen: np.ndarray | None = None) -> Errors:
        """Errors of free-running forecasts 1 to `n_leads` steps ahead of the origins, perhaps only of `chosen` ones.

        Those of differences are errors of the levels that they sum to, in units of the differences' scale: it is that
        of a random walk's steps, and does not grow with the length of the series as the scale of levels would.
        """
        panel, length = self.panel, self.context_length
        first = panel.indptr[:-1] + self.seasons.reach
        numbers_from = np.cumsum(self.n_origins) - self.n_origins
        if chosen is None:
            chosen = spread(int(self.n_origins.sum()), MAX_ORIGINS)
        series = np.searchsorted(numbers_from + self.n_origins, chosen, side="right")
        first_rows = (first - numbers_from)[series] + chosen
        rows, ends = first_rows[:, None] + np.arange(length + n_leads), panel.indptr[1:][series, None]
        within = np.minimum(rows, ends - 1)
        contexts, truth = panel.values[within[:, :length]], panel.values if self.changes is None else self.changes
        known = np.concatenate([panel.known[within], self._seasonal(rows, series, n_leads)], axis=-1)
        theta = network.backend.upload(self.theta, network.dtype)
        start = Continuation(
            network, theta, contexts, known, self.scaling, n_leads, None, series, 0, panel.past[within[:, :length]],
            self.static, panel.masks()[within[:, :length]] if self.scaling.masks else None,
        )  # fmt: skip
        forecasts = self.strategy.forecast(start)
        _, scale = self.scaling.target.of_contexts(contexts, series)
        is_judged = self.judged[within[:, length:]] & (rows[:, length:] < ends)[..., None]
        errors = truth[within[:, length:]] - forecasts
        if self.lags:  # the levels before an origin are the same for the truth and its forecast
            errors = summed(errors, np.zeros((len(errors), sum(self.lags), errors.shape[2])), self.lags)
        errors = errors / scale[:, None]
        return Errors(np.where(is_judged, errors, np.nan), series, len(panel), scaling=self.scaling.target)

    def _seasonal(self, rows: np.ndarray, series: np.ndarray, n_leads: int) -> np.ndarray:
        """Seasonal inputs of the `rows` (n_origins, length + n_leads); none depends on a value after its origin."""
        first, C = self.panel.indptr[:-1][series], self.panel.values.shape[1]
        if not self.seasons.n_inputs:
            return np.empty((*rows.shape, 0))
        if n_leads <= self.seasons.first_lag:
            beyond = max(0, int((rows[:, -1] - self.panel.indptr[1:][series]).max(initial=-1)) + 1)
            return self.seasons.of_panel(self.panel, beyond)[rows + (beyond * series)[:, None]]
        found, ends = np.empty((*rows.shape, C * self.seasons.n_inputs)), rows[:, self.context_length]
        longest = int((ends - first).max(initial=1))
        for some in np.array_split(np.arange(len(rows)), -(-len(rows) // max(1, MAX_ROWS // longest)) or 1):
            read, _ = ranges(first[some], ends[some])  # the rows before each origin, as a series of its own
            indptr = np.concatenate([[0], np.cumsum((ends - first)[some])])
            before = Panel(self.panel.values[read], self.panel.observed[read], np.empty((len(read), 0)), indptr)
            place = indptr[:-1] + n_leads * np.arange(len(some)) - first[some]
            found[some] = self.seasons.of_panel(before, n_leads)[rows[some] + place[:, None]]
        return found
