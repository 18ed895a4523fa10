"""Probabilistic forecasts: intervals, quantiles and sample paths of a predictive distribution."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np

from .. import frame
from ..checks import Anything, fractions, shown, whole
from ..frame.future import Forecasts
from ..networks.memory import amount, check_memory
from .base import BaseForecaster, wrap_many
from .history import Origin
from .recurrent import generator

#: Labels of the result of `predict_total`.
TOTAL = ("lower", "total", "upper")


class ProbabilisticForecaster(BaseForecaster):
    """A forecaster with a predictive distribution; a subclass has `_quantiles` and `_sample` beside `_forecast`."""

    def predict_interval(
        self, horizon: Anything = None, coverage: Anything = 0.9, *, context: Anything = None, ids: Anything = None,
        static: Anything = None,
    ) -> Forecasts:  # fmt: skip
        """Central prediction intervals of each step.

        Parameters
        ----------
        horizon, context, ids, static
            As in `predict`.
        coverage : float or list of float, default 0.9
            The probability of a value inside an interval, between 0 and 1.

        Returns
        -------
        DataFrame or ndarray
            Columns ``lower`` and ``upper``, below each coverage where these are a list, and below each series where the
            target has columns. For arrays the last axis is (lower, upper), the one before it the coverages.
        """
        levels = fractions("coverage", coverage)
        origin = self._origin(horizon, context, ids, static)
        values = origin.choose(self._bounds(origin, np.atleast_1d(levels)))
        values = values.reshape(*values.shape[:-2], *levels.shape, 2)
        return wrap_many(values, origin, {"coverage": levels, "bound": ["lower", "upper"]})

    def predict_quantiles(
        self, horizon: Anything = None, quantiles: Anything = (0.1, 0.5, 0.9), *, context: Anything = None,
        ids: Anything = None, static: Anything = None,
    ) -> Forecasts:  # fmt: skip
        """Quantiles of the predictive distribution of each step.

        Parameters
        ----------
        horizon, context, ids, static
            As in `predict`.
        quantiles : float or list of float, default (0.1, 0.5, 0.9)
            Probabilities between 0 and 1.

        Returns
        -------
        DataFrame or ndarray
            A column for each quantile, below each series where the target has columns; what `predict` returns for a
            single one. For arrays the last axis is the quantiles.
        """
        levels = fractions("quantiles", quantiles)
        origin = self._origin(horizon, context, ids, static)
        values = origin.choose(self._finite_quantiles(origin, np.atleast_1d(levels)))
        return wrap_many(values.reshape(*values.shape[:-1], *levels.shape), origin, {"quantile": levels})

    def sample(
        self, horizon: Anything = None, n_paths: int = 100, *, context: Anything = None, ids: Anything = None,
        static: Anything = None, random_state: Anything = None,
    ) -> Forecasts:  # fmt: skip
        """Draw sample paths from the joint distribution of the steps.

        Parameters
        ----------
        horizon, context, ids, static
            As in `predict`.
        n_paths : int, default 100
            Number of paths.
        random_state : int, RandomState or None, default None
            Seed; an int repeats the draw.

        Returns
        -------
        DataFrame or ndarray
            A column for each path, below each series where the target has columns. For arrays the last axis is the
            paths.
        """
        n_paths, rng = whole("n_paths", n_paths), generator("random_state", random_state)
        origin = self._origin(horizon, context, ids, static)
        values = self._paths_after(origin, n_paths, rng)
        return wrap_many(origin.choose(values), origin, {"path": np.arange(n_paths)})

    def predict_total(
        self, horizon: Anything = None, coverage: float = 0.9, *, n_paths: int = 1000, context: Anything = None,
        ids: Anything = None, static: Anything = None, random_state: Anything = None,
    ) -> Forecasts:  # fmt: skip
        """Forecast the sum over the steps, such as that of a month from its days, with a central interval.

        Sums are those of sample paths, whose steps depend on each other as the forecaster's `sample` says: the sums of
        the bounds of each step would be too wide an interval, and that of independent steps too narrow a one.

        Parameters
        ----------
        horizon, context, ids, static
            As in `predict`; the sum is over the steps that `predict` would return.
        coverage : float, default 0.9
            The probability of a sum inside the interval, between 0 and 1.
        n_paths : int, default 1000
            Number of paths, the same as those of ``sample`` with this seed where these come from enough errors for the
            coverage.
        random_state : int, RandomState or None, default None
            Seed; an int repeats the draw.

        Returns
        -------
        Series, DataFrame, ndarray or dict
            ``lower``, ``total`` and ``upper``: quantiles of the sums of the paths, ``total`` their median. A Series for
            one series, a frame with a row for each column or id, a dict of Series for a dict; arrays of shape (3,) or
            (n_channels, 3) for arrays.

        Raises
        ------
        ValueError
            If `coverage` is not between 0 and 1, fewer than one path is expected beyond each bound, or paths come from
            too few errors for the coverage.
        """
        level, n_paths = fractions("coverage", coverage), whole("n_paths", n_paths)
        if level.ndim:
            raise TypeError(f"coverage={shown(coverage)} must be one number here; call once for each coverage")
        tail = (1 - float(level)) / 2
        if n_paths * tail < 1 - 1e-9:
            raise ValueError(
                f"n_paths={n_paths} are too few for coverage={float(level):g}, of which each tail has {tail:g} of the "
                f"paths; draw {int(np.ceil(1 / tail - 1e-9))} or more"
            )
        rng, origin = generator("random_state", random_state), self._origin(horizon, context, ids, static)
        paths = self._paths_after(origin, n_paths, rng, float(level))
        sums = origin.choose(paths).sum(axis=1)  # (S, C, n_paths)
        values, labels = np.moveaxis(np.quantile(sums, [tail, 0.5, 1 - tail], axis=-1), 0, -1), TOTAL
        if isinstance(origin.target, frame.PanelTarget):
            return frame.wrap_panel_totals(values[:, 0], origin.target, origin.index[0], labels)
        return frame.wrap_totals(values[0], origin.target, labels)

    # ------------------------------------------------------------ for subclasses
    def _quantiles(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        """Quantiles of each step after `origin`, (S, n_steps, n_channels, n_levels)."""
        raise NotImplementedError

    def _sample(
        self, origin: Origin, n_paths: int, rngs: Sequence[np.random.RandomState], coverage: float = 0.0
    ) -> np.ndarray:
        """Paths after `origin`, those of each series from a generator of its own, (S, n_steps, n_channels, n_paths).

        They are refused where they come from too few errors for a central interval of this coverage.
        """
        raise NotImplementedError

    # ------------------------------------------------------------ helpers
    def _bounds(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        tails = np.stack([(1 - levels) / 2, (1 + levels) / 2], axis=-1)
        values = self._finite_quantiles(origin, tails.ravel())
        return values.reshape(*values.shape[:-1], *tails.shape)

    def _paths_after(
        self, origin: Origin, n_paths: int, rng: np.random.RandomState, coverage: float = 0.0
    ) -> np.ndarray:
        """Paths of all steps, (S, n_steps, n_channels, n_paths), with an error where one is not finite."""
        n_values = n_paths * origin.n_steps * self.context_.shape[1] * len(origin.panel)
        what = f"n_paths={amount(n_paths)} paths of {amount(origin.n_steps)} steps take"
        check_memory(8 * n_values, what, "draw fewer, or some at a time with other seeds")
        with np.errstate(over="ignore", invalid="ignore"):
            return self._finite(self._sample(origin, n_paths, generators(rng, origin, self.target_), coverage), origin)

    def _has_distribution(self, levels: np.ndarray) -> bool:
        """Whether the fit tells a distribution of errors as far as these quantiles, or of paths if there are none."""
        return True

    def _finite_quantiles(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        """Quantiles of all steps, (S, n_steps, n_channels, n_levels), with an error where one is not finite."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self._finite(self._quantiles(origin, levels), origin)


def generators(
    rng: np.random.RandomState, origin: Origin, fitted: frame.Target | frame.PanelTarget
) -> list[np.random.RandomState]:
    """A random generator for each series; of a panel one that depends on the series' id, not on the other series.

    A panel of one has the draws of a single series.
    """
    if not isinstance(origin.target, frame.PanelTarget) or not isinstance(fitted, frame.PanelTarget):
        return [rng]
    if len(fitted) == len(origin.panel) == 1:
        return [rng]
    seed = rng.randint(2**31)
    numbers, _ = origin.index
    return [np.random.RandomState([seed, crc32(repr(label).encode())]) for label in origin.target.ids[numbers]]
