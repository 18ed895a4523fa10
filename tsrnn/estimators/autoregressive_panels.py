"""`ARForecaster` on panels: the models of all series, and the forecasts that they make together."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from ..data.panel import Panel
from ..frame import PanelTarget
from ..linear.autoregression import Autoregression
from ..linear.panel import LastRows, PanelAutoregression, PooledAutoregression, last_rows, moments
from .history import History, Origin

#: Most names that an error or a warning lists.
MOST_LISTED = 10


class SeriesModels(Mapping[Hashable, Autoregression]):
    """The model of each series of a panel by its id, in the units of the series; made on request from arrays of all.

    Attributes
    ----------
    arrays : PanelAutoregression
        Lags, coefficients and so on of all series, in the order of their sorted ids.
    pooled : PooledAutoregression or None
        The one model of all series, if they share it.
    """

    def __init__(self, history: History, arrays: PanelAutoregression, pooled: PooledAutoregression | None = None):
        assert isinstance(history.target, PanelTarget)
        self.arrays, self.pooled = arrays, pooled
        ids = history.target.ids.take(history.order).tolist()
        self._rows = {ids[s]: int(s) for s in np.argsort(history.order)}  # in order of first appearance

    def __getitem__(self, id: Hashable) -> Autoregression:
        return self.arrays[self._rows[id]]

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def of(self, series: np.ndarray, panel: Panel) -> PanelAutoregression:
        """Models of the series (S,) whose rows are in `panel`; one outside the fit has the pooled one in its units."""
        is_new = series < 0
        if self.pooled is None or not is_new.any():
            return self.arrays.take(series)
        known, (mean, deviation) = np.where(is_new, 0, series), moments(panel)
        return self.pooled.models(
            np.where(is_new, mean, self.pooled.mean[known]), np.where(is_new, deviation, self.pooled.deviation[known])
        )


class Start(NamedTuple):
    """Where the forecasts of many series begin.

    Attributes
    ----------
    models : PanelAutoregression
    last : LastRows
        The last values of each series given the observed ones.
    offsets : (n_steps, S)
        Intercept, trend and effects of covariates in each step.
    """

    models: PanelAutoregression
    last: LastRows
    offsets: np.ndarray

    @classmethod
    def read(cls, models: SeriesModels, origin: Origin) -> Start:
        """The start of the forecasts after an origin."""
        own = models.of(origin.series, origin.panel)
        return cls(own, last_rows(origin.panel, own), own.offsets(origin.panel.n_rows, origin.ahead))

    def forecast(self) -> np.ndarray:
        """Point forecasts, (S, n_steps, 1)."""
        return self.models.forecast(self.last.values, self.offsets).T[..., None]

    def quantiles(self, levels: np.ndarray) -> np.ndarray:
        """Quantiles of each step, (S, n_steps, 1, n_levels)."""
        n_steps = len(self.offsets)
        spread = self.models.spread(n_steps)
        for s, past in self.last.pasts.items():
            spread[:, s] = past.spread(self.models[s], n_steps)
        return self.forecast()[..., None] + spread.T[..., None, None] * norm.ppf(levels)

    def sample(self, n_paths: int, rngs: Sequence[np.random.RandomState]) -> np.ndarray:
        """Random paths, those of each series from a generator of its own, (S, n_steps, 1, n_paths)."""
        n_steps, n_series = self.offsets.shape
        before = np.repeat(self.last.values[..., None], n_paths, axis=2)
        shocks = np.empty((n_steps, n_series, n_paths))
        for s, rng in enumerate(rngs):
            if s in self.last.pasts:
                drawn = self.last.pasts[s].paths(n_paths, rng)
                before[len(before) - len(drawn) :, s] = drawn
            shocks[:, s] = rng.standard_normal((n_steps, n_paths))
        return self.models.forecast(before, self.offsets, shocks).swapaxes(0, 1)[:, :, None]


def as_panel(history: History) -> Panel:
    """The series of a panel, or the columns of a wide array as series, which all have its rows."""
    panel = history.panel
    if history.is_panel:
        return panel
    columns = zip(panel.values.T, panel.observed.T, strict=True)
    return Panel.join([Panel.of_one(y[:, None], observed[:, None], panel.known) for y, observed in columns])


def names_of(history: History, series: np.ndarray) -> list[str]:
    """Names of some series or columns in error messages, in order of first appearance."""
    ordered = series[np.argsort(history.order[series])] if history.is_panel else series
    return [history.channel(s) for s in ordered.tolist()]


def listed(names: Sequence[str]) -> str:
    """Names in an error message, up to `MOST_LISTED`."""
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(names[:MOST_LISTED]) + more
