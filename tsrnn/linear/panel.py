"""Autoregressions of all series of a panel at once: a model for each series, or one whose coefficients all share.

Series of similar length form a batch: their regressions are one array (S, n, k), reduced by one call of a stacked QR
decomposition and solved by one call of a stacked SVD. Each series has the model that it has alone, up to rounding. Rows
without all lags are zeros in this array, which do not change the solution.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..data.panel import Panel
from ..data.scaling import StandardScaling
from ..kernels import single_threaded_blas
from .autoregression import Autoregression, Estimates, Regression, complete_rows, power_of_two, triangle_of
from .conditioning import Past, last_values
from .selection import Candidates, Family, Series, criterion_of_orders, lag_families, select_autoregression

#: Most numbers in the regressions of one batch.
BATCH_SIZE = 2**22
#: Series of a batch are at least this part of the longest one.
LEAST_SHARE = 0.75


@dataclass(frozen=True)
class PanelAutoregression:
    """The models of S series: arrays of the attributes of `Autoregression`, which ``models[s]`` returns for series s.

    Attributes
    ----------
    lags : tuple of length S
        Lags of each series.
    back : (L,) int
        All these lags, ascending.
    coefficients : (S, L)
        Coefficients of the lags `back`; 0 for the lags that a series does not have.
    effects : (S, F)
        Effects of the covariates.
    intercept, slope, sigma2, deviation, aic, bic : (S,)
    """

    lags: tuple[tuple[int, ...], ...]
    back: np.ndarray
    coefficients: np.ndarray
    effects: np.ndarray
    intercept: np.ndarray
    slope: np.ndarray
    sigma2: np.ndarray
    deviation: np.ndarray
    aic: np.ndarray
    bic: np.ndarray

    @property
    def longest(self) -> int:
        """The longest lag of any series, 0 without lags."""
        return int(self.back.max(initial=0))

    def __len__(self) -> int:
        return len(self.lags)

    def __getitem__(self, s: int) -> Autoregression:
        return Autoregression(
            lags=self.lags[s],
            coefficients=self.coefficients[s, np.searchsorted(self.back, np.array(self.lags[s], np.int64))],
            effects=self.effects[s],
            **{name: float(getattr(self, name)[s]) for name in _NUMBERS},
        )

    def __iter__(self) -> Iterator[Autoregression]:
        return (self[s] for s in range(len(self)))

    def take(self, series: np.ndarray) -> PanelAutoregression:
        """Models of some of the series, (n,) int."""
        arrays = {name: getattr(self, name)[series] for name in ("coefficients", "effects", *_NUMBERS)}
        return PanelAutoregression(tuple(self.lags[s] for s in series), self.back, **arrays)

    def offsets(self, n_before: np.ndarray | int, covariates: np.ndarray) -> np.ndarray:
        """Intercept, trend and effects of covariates (S, n, F) in the n rows after time `n_before`, (n, S)."""
        time = np.asarray(n_before)[..., None] + 1 + np.arange(covariates.shape[1])
        level = self.intercept[:, None] + self.slope[:, None] * time
        return (level + (covariates @ self.effects[..., None])[..., 0]).T

    def forecast(self, before: np.ndarray, offsets: np.ndarray, shocks: np.ndarray | None = None) -> np.ndarray:
        """Forecasts of the steps with `offsets` (horizon, S) after the values `before` (longest or more, S, ...).

        The shape is (horizon, S, ...). With standard normal `shocks` (horizon, S, n_paths) each column is a random
        path.
        """
        steps = offsets.reshape(*offsets.shape, *(1,) * (before.ndim - 2))
        if shocks is not None:
            steps = offsets[..., None] + self.deviation[:, None] * shocks
            before = before if before.ndim == 3 else before[..., None]
        width = np.broadcast_shapes(before.shape[1:], steps.shape[1:])
        values = np.empty((self.longest + len(steps), *width))
        values[: self.longest], values[self.longest :] = before[len(before) - self.longest :], steps
        weights = self.coefficients.T
        for t in range(self.longest, len(values)):
            terms = weights.reshape(*weights.shape, *(1,) * (values.ndim - 2)) * values[t - self.back]
            # summed in the order of the lags, however many series there are; there may be no lag
            values[t] += np.cumsum(terms, axis=0)[-1:].sum(axis=0)
        return values[self.longest :]

    def spread(self, horizon: int) -> np.ndarray:
        """Standard deviation of the forecast error of each step, (horizon, S); see `Autoregression.spread`."""
        shock = np.zeros((horizon, len(self)))
        shock[:1] = 1.0
        psi = self.forecast(np.zeros((self.longest, len(self))), shock)
        return self.deviation * np.sqrt(np.cumsum(psi**2, axis=0))


_NUMBERS = ("intercept", "slope", "sigma2", "deviation", "aic", "bic")


@dataclass(frozen=True)
class PooledAutoregression:
    """One model of all series, each in units of its own mean and deviation.

    Attributes
    ----------
    model : Autoregression
        The model of a standardised series. Its criteria and `sigma2` are those of all rows together.
    mean, deviation : (S,)
        Mean and standard deviation of the observed values of each series of the fit; the deviation of a constant is 1.
    """

    model: Autoregression
    mean: np.ndarray
    deviation: np.ndarray

    def models(self, mean: np.ndarray | None = None, deviation: np.ndarray | None = None) -> PanelAutoregression:
        """The model in the units of each series, by default those of the fit; others are given by `moments`."""
        mean = self.mean if mean is None else mean
        deviation = self.deviation if deviation is None else deviation
        model, every = self.model, np.ones(len(mean))
        with np.errstate(over="ignore"):  # the square of values above 1e154 is infinite
            variance = deviation**2 * model.sigma2
        return PanelAutoregression(
            lags=(model.lags,) * len(mean),
            back=np.array(model.lags, np.int64),
            coefficients=every[:, None] * model.coefficients,
            effects=deviation[:, None] * model.effects,
            intercept=deviation * model.intercept + mean * (1 - model.coefficients.sum()),
            slope=deviation * model.slope,
            sigma2=variance,
            deviation=deviation * model.deviation,
            aic=every * model.aic,
            bic=every * model.bic,
        )


def complete_rows_of_panel(panel: Panel, lags: Iterable[int], channel: int = 0) -> np.ndarray:
    """Whether the value of each row and all of its `lags` in the same series were observed, (N,) bool."""
    lags = tuple(lags)
    return complete_rows(panel.observed[:, channel], lags) & (panel.positions >= max(lags, default=0))


# ---------------------------------------------------------------- a model for each series
def fit_panel(panel: Panel, lags: tuple[int, ...], trend: str, ridge: float, channel: int = 0) -> PanelAutoregression:
    """Models of a channel of all series with the same ascending `lags`; `Panel.known` holds the covariates.

    Each series needs a row whose value and lags were all observed.
    """
    batches = _batches(panel, channel, trend, len(lags))
    return _join(
        len(panel), panel.known.shape[1], [(batch.series, lags, _fit(batch, lags, ridge)) for batch in batches]
    )


def select_panel(
    panel: Panel, candidates: Sequence[Candidates], trend: str, ridge: float, criterion: str, channel: int = 0
) -> tuple[PanelAutoregression, np.ndarray]:
    """Models with the lowest criterion, "aic" or "bic", and whether there were rows to compare any lag, (S,) bool.

    Each series has its own `candidates`. Series with a missing value between two observed ones are handled one by one.
    """
    is_tried = np.ones(len(panel), bool)
    parts: list[_Part] = []
    alike: dict[Family, list[int]] = defaultdict(list)
    found: dict[Hashable, list[Family]] = {}
    for s, rows in enumerate(panel.slices()):
        observed = panel.observed[rows, channel]
        series = Series(panel.values[rows, channel], observed, panel.known[rows], trend, ridge, criterion)
        ends = _ends(observed)
        if observed[slice(*ends)].all():
            key = (len(observed), *ends, candidates[s])
            if key not in found:
                found[key] = lag_families(series, candidates[s])
            (family,) = found[key]
            is_tried[s] = bool(family[0])
            alike[family].append(s)
        else:
            model, is_tried[s] = select_autoregression(series, candidates[s])
            parts.append((np.array([s]), model.lags, _estimates(model)))
    chosen: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for family, numbers in alike.items():
        for s, lags in _best_lags(panel, np.array(numbers), family, (trend, ridge, criterion), channel):
            chosen[lags].append(s)
    for lags, numbers in chosen.items():
        for batch in _batches(panel, channel, trend, len(lags), np.array(numbers)):
            parts.append((batch.series, lags, _fit(batch, lags, ridge)))
    return _join(len(panel), panel.known.shape[1], parts), is_tried


def _ends(observed: np.ndarray) -> tuple[int, int]:
    """The first row that was observed, and the row after the last one."""
    where = np.flatnonzero(observed)
    return int(where[0]), int(where[-1]) + 1


def _best_lags(
    panel: Panel, numbers: np.ndarray, family: Family, options: tuple[str, float, str], channel: int
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Number and best lags of each series, as `selection` chooses them within one family."""
    (base, windows), (trend, ridge, criterion) = family, options
    every = tuple(sorted({*base}.union(*windows)))
    for batch in _batches(panel, channel, trend, len(every), numbers):
        with single_threaded_blas():
            plain = criterion_of_orders(batch.reduce(base), base, len(base), criterion, ridge)
            best = [base[:order] for order in plain.argmin(axis=-1)]
            if windows:
                regression, lowest = batch.reduce(every), []
                for window in ((), *windows):
                    lags = (*window, *(lag for lag in base if lag not in window))
                    n_orders = len(lags) - len(window)
                    values = criterion_of_orders(regression, lags, n_orders, criterion, ridge)
                    lowest.append((values.min(axis=-1), lags, len(window) + values.argmin(axis=-1)))
                for i, winner in enumerate(np.argmin([value for value, _, _ in lowest], axis=0)):
                    if winner:
                        _, lags, n = lowest[winner]
                        best[i] = tuple(sorted(lags[: n[i]]))
        yield from zip(batch.series.tolist(), best, strict=True)


# ---------------------------------------------------------------- values before a forecast
class LastRows(NamedTuple):
    """The last values of each series, where a forecast begins.

    Attributes
    ----------
    values : (longest, S)
        Values, with means of the missing ones; 0 before the first lag of a series.
    pasts : dict of int to Past
        For each series that has missing values among them: their distribution given the observed ones.
    """

    values: np.ndarray
    pasts: dict[int, Past]


def last_rows(panel: Panel, models: PanelAutoregression, channel: int = 0) -> LastRows:
    """The last rows of each series, as many as its longest lag.

    Values before the beginning of a shorter series count as missing; see `last_values`.
    """
    longest = models.longest
    own = np.array([max(lags, default=0) for lags in models.lags], np.int64)
    back = np.arange(longest, 0, -1)[:, None]
    used, inside = back <= own, back <= panel.n_rows
    rows = np.where(used & inside, panel.indptr[1:] - back, 0)
    values = np.where(used & inside, panel.values[rows, channel], 0.0)
    missing = np.flatnonzero((used & ~(inside & panel.observed[rows, channel])).any(axis=0))
    pasts = {}
    for s in missing.tolist():
        part, model = slice(*panel.indptr[s : s + 2]), models[s]
        y, observed = panel.values[part, channel], panel.observed[part, channel]
        pasts[s] = last_values(model, y, observed, model.offsets(0, panel.known[part]))
        values[longest - own[s] :, s] = pasts[s].mean
    return LastRows(values, pasts)


# ---------------------------------------------------------------- one model for all series
def fit_pooled(panel: Panel, lags: tuple[int, ...], trend: str, ridge: float, channel: int = 0) -> PooledAutoregression:
    """One model of a channel of all series with these ascending `lags`; `Panel.known` holds the covariates.

    The time of the trend counts from the first row of each series. The penalty acts on the coefficients in standardised
    units. At least one row needs all lags.
    """
    mean, deviation = moments(panel, channel)
    regression = _pool(panel, lags, trend, channel, mean, deviation)
    if not regression.n_rows:
        raise ValueError(f"no series has a row in which its value and the lags {lags} were observed; pass fewer lags")
    found = regression.solve(ridge)
    model = Autoregression(lags, found.coefficients, found.effects, *map(float, found[2:]))
    return PooledAutoregression(model, mean, deviation)


def select_pooled(
    panel: Panel, candidates: Candidates, trend: str, ridge: float, criterion: str, channel: int = 0
) -> tuple[PooledAutoregression, bool]:
    """The pooled model with the lowest criterion, and whether there were rows to compare any lag.

    Orders and windows are compared on the rows, of all series, that have all of their lags.
    """
    mean, deviation = moments(panel, channel)
    family = _pooled_family(panel, candidates, trend, channel)
    base, windows = family

    def values_of(regression: Regression, window: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
        lags = (*window, *(lag for lag in base if lag not in window))
        values = criterion_of_orders(regression, lags, len(lags) - len(window), criterion, ridge)
        return float(values.min()), tuple(sorted(lags[: len(window) + int(values.argmin())]))

    best = values_of(_pool(panel, base, trend, channel, mean, deviation), ())[1]
    if windows:
        regression = _pool(panel, tuple(sorted({*base}.union(*windows))), trend, channel, mean, deviation)
        compared = [values_of(regression, window) for window in ((), *windows)]
        winner = min(range(len(compared)), key=lambda i: compared[i][0])
        best = compared[winner][1] if winner else best
    return fit_pooled(panel, best, trend, ridge, channel), bool(base)


def moments(panel: Panel, channel: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the observed values of each series, (S,) both; 1 for that of a constant."""
    scaling = StandardScaling().fit(panel.values[:, [channel]], panel.observed[:, [channel]], panel.indptr)
    return scaling.mean[:, 0], scaling.scale[:, 0]


def _pool(
    panel: Panel, lags: tuple[int, ...], trend: str, channel: int, mean: np.ndarray, deviation: np.ndarray
) -> Regression:
    """The regression of all standardised series together."""
    series = panel.series
    values = ((panel.values[:, channel] - mean[series]) / deviation[series])[:, None]
    scaled = Panel(values, panel.observed[:, [channel]], panel.known, panel.indptr)
    units, n_rows, triangle = power_of_two(panel.known), 0, np.empty((0, 0))
    for batch in _batches(scaled, 0, trend, len(lags)):
        same = batch._replace(unit=np.ones(len(batch.series)), units=np.broadcast_to(units, batch.units.shape))
        found = same.reduce(lags)
        n_columns = found.triangle.shape[-1]
        rows = np.vstack([triangle.reshape(-1, n_columns), found.triangle.reshape(-1, n_columns)])
        with single_threaded_blas():
            triangle, n_rows = triangle_of(rows), n_rows + int(found.n_rows.sum())
    return Regression(triangle, np.array(n_rows), trend, lags, np.array(1.0), units)


def _pooled_family(panel: Panel, candidates: Candidates, trend: str, channel: int) -> Family:
    """Orders and windows that leave enough rows of all series together, by the rules of `selection`."""
    needed = len(trend) + panel.known.shape[1] + 3

    def n_complete(lags: Iterable[int], first: int = 0) -> int:
        return int((complete_rows_of_panel(panel, lags, channel) & (panel.positions >= first)).sum())

    orders = range(candidates.longest, 0, -1)
    longest = next((k for k in orders if n_complete(range(1, k + 1)) >= 2 * k + needed), 0)
    base = tuple(range(1, longest + 1))
    kept: list[tuple[int, ...]] = []
    for window in candidates.windows:
        trial = sorted({*base, *window}.union(*kept))
        n = n_complete(trial)
        if n >= 2 * len(trial) + needed and 2 * n >= n_complete(base, max(trial)):
            kept.append(window)
    return base, tuple(kept)


# ---------------------------------------------------------------- batches
class _Batch(NamedTuple):
    """Some series of similar length, each from its first row on, with zeros after its end.

    Attributes
    ----------
    series : (B,) int
        Their numbers in the panel.
    y, observed : (B, n)
    covariates : (B, n, F)
    trend : str
    unit, units : (B,), (B, F)
        Units of the series and of their covariates.
    """

    series: np.ndarray
    y: np.ndarray
    observed: np.ndarray
    covariates: np.ndarray
    trend: str
    unit: np.ndarray
    units: np.ndarray

    def reduce(self, lags: tuple[int, ...]) -> Regression:
        """The regressions of these series on the lags, in blocks of rows that fit in memory."""
        n_columns = self._n_others + len(lags) + 1
        n_rows, triangle = np.zeros(len(self.series), np.int64), np.zeros((len(self.series), 0, n_columns))
        block = max(BATCH_SIZE // (len(self.series) * n_columns), 4 * n_columns)
        with single_threaded_blas():
            for first in range(max(lags, default=0), self.y.shape[1], block):
                x, is_complete = self._rows(lags, first, min(first + block, self.y.shape[1]))
                n_rows += is_complete.sum(axis=1)
                triangle = triangle_of(np.concatenate([triangle, x], axis=1) if triangle.shape[1] else x)
        square = np.zeros((len(self.series), n_columns, n_columns))
        square[:, : triangle.shape[1]] = triangle
        return Regression(square, n_rows, self.trend, lags, self.unit, self.units)

    @property
    def _n_others(self) -> int:
        """Number of columns before the lags."""
        return len(self.trend.replace("n", "")) + self.units.shape[1]

    def _rows(self, lags: tuple[int, ...], first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows `first` to `last` - 1 of the regressions, (B, n, n_columns), zero where not complete, and which are."""
        n_terms, n_others = len(self.trend.replace("n", "")), self._n_others
        x = np.empty((len(self.series), last - first, n_others + len(lags) + 1))
        if "c" in self.trend:
            x[..., 0] = 1.0
        if "t" in self.trend:
            x[..., n_terms - 1] = np.arange(first, last) + 1.0
        x[..., n_terms:n_others] = self.covariates[:, first:last] / self.units[:, None]
        is_complete = np.ones(x.shape[:2], bool)
        for column, lag in enumerate((*lags, 0), n_others):
            x[..., column] = self.y[:, first - lag : last - lag] / self.unit[:, None]
            is_complete &= self.observed[:, first - lag : last - lag]
        if not is_complete.all():
            x[~is_complete] = 0.0
        return x, is_complete


def _batches(
    panel: Panel, channel: int, trend: str, n_lags: int, numbers: np.ndarray | None = None
) -> Iterator[_Batch]:
    """The series, or those of the `numbers`, in batches of similar length."""
    numbers = np.arange(len(panel)) if numbers is None else numbers
    n_rows = panel.n_rows[numbers]
    order = np.argsort(-n_rows, kind="stable")
    numbers, n_rows, first = numbers[order], n_rows[order], 0
    n_columns = n_lags + panel.known.shape[1] + 3
    while first < len(numbers):
        longest = int(n_rows[first])
        most = max(BATCH_SIZE // max(longest * n_columns, 1), 1)
        similar = int(np.searchsorted(-n_rows, -LEAST_SHARE * longest, side="right"))
        last = min(first + most, max(similar, first + 1))
        yield _gather(panel, channel, trend, numbers[first:last], longest)
        first = last


def _gather(panel: Panel, channel: int, trend: str, numbers: np.ndarray, longest: int) -> _Batch:
    """A batch of these series, of which the longest has so many rows."""
    within = np.arange(longest)
    inside = within < panel.n_rows[numbers][:, None]
    rows = np.where(inside, panel.indptr[numbers][:, None] + within, 0)
    y = np.where(inside, panel.values[rows, channel], 0.0)
    covariates = np.where(inside[..., None], panel.known[rows], 0.0)
    return _Batch(
        series=numbers,
        y=y,
        observed=inside & panel.observed[rows, channel],
        covariates=covariates,
        trend=trend,
        unit=power_of_two(y.T),
        units=power_of_two(covariates.swapaxes(0, 1)),
    )


def _fit(batch: _Batch, lags: tuple[int, ...], ridge: float) -> Estimates:
    """Estimates of the series of a batch; raise if one has no row with all lags."""
    regression = batch.reduce(lags)
    if not regression.n_rows.all():
        s = int(batch.series[np.argmin(regression.n_rows)])
        raise ValueError(f"series {s} has no row in which its value and the lags {lags} were observed; pass fewer lags")
    return regression.solve(ridge)


def _estimates(model: Autoregression) -> Estimates:
    """The attributes of a model, as those of a batch of one."""
    return Estimates(*(np.asarray(getattr(model, name))[None] for name in Estimates._fields))


#: Numbers of some series, the lags that all of them have, and their estimates.
_Part = tuple[np.ndarray, tuple[int, ...], Estimates]


def _join(n_series: int, n_covariates: int, parts: Sequence[_Part]) -> PanelAutoregression:
    """The models of all series from those of the parts."""
    back = np.array(sorted({lag for _, lags, _ in parts for lag in lags}), np.int64)
    all_lags: list[tuple[int, ...]] = [()] * n_series
    arrays = {name: np.empty(n_series) for name in _NUMBERS}
    coefficients, effects = np.zeros((n_series, len(back))), np.empty((n_series, n_covariates))
    for series, lags, found in parts:
        for s in series:
            all_lags[s] = lags
        columns = np.searchsorted(back, np.array(lags, np.int64))
        coefficients[np.ix_(series, columns)], effects[series] = found.coefficients, found.effects
        for name, values in arrays.items():
            values[series] = getattr(found, name)
    return PanelAutoregression(tuple(all_lags), back, coefficients, effects, **arrays)
