"""Selection of an autoregression's lags by an information criterion, among nested orders and windows of lags.

All orders share one QR decomposition: the residual sum of squares of the first k columns is the sum of squares of the
target's column below row k of R (Golub & Van Loan 2013, Matrix Computations, ch. 5.3.3).

Where values are missing, few rows may have all lags. Then there are several families of lags: each keeps a lag only if
enough rows remain. Within a family all candidates are compared on the same rows. The best of the families are then
compared by the exact likelihood of all observed values (Jones 1980, doi:10.1080/00401706.1980.10486171), which does not
depend on the number of rows of a family.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..kernels import single_threaded_blas
from .autoregression import (
    Autoregression,
    Regression,
    complete_rows,
    fit_autoregression,
    least_squares,
    reduce_rows,
    triangle_of,
)
from .conditioning import log_likelihood

#: Least fraction of the rows that a family of lags keeps, of those that are observed and late enough.
SHARES = (0.9, 0.5, 0.25, 0.1)
#: Number of last rows over which the best of the families are compared.
COMPARED = 10_000


@dataclass(frozen=True)
class Candidates:
    """Candidate sets of lags: 1 to each order up to `longest`, alone and together with each of the `windows`.

    Where values are missing, some families prefer the lags `first`, those of the season.
    """

    longest: int
    windows: tuple[tuple[int, ...], ...] = ()
    first: tuple[int, ...] = ()


def seasonal_candidates(longest: int, seasons: tuple[int, ...]) -> Candidates:
    """Orders up to `longest`, and windows about each season after the first of `seasons`, which ascend.

    A window is the season's lag L alone, with its neighbours, or from L - 1 up to L + s + 1 for the shortest season s:
    this expresses a product of polynomials of the day and the week, and differences (Box, Jenkins, Reinsel & Ljung
    2015, ch. 9.1).
    """
    windows: list[tuple[int, ...]] = []
    for i in range(1, len(seasons)):
        for before, after in ((0, 0), (1, 1), (1, seasons[0] + 1)):
            lags = {lag for season in seasons[1 : i + 1] for lag in range(season - before, season + after + 1)}
            windows.append(tuple(sorted(lag for lag in lags if lag > 0)))
    first = (seasons[0],) if seasons and seasons[0] <= longest else ()
    return Candidates(longest, tuple(dict.fromkeys(windows)), first)


@dataclass(frozen=True)
class Series:
    """A series, and the options that all its regressions share."""

    y: np.ndarray
    observed: np.ndarray
    covariates: np.ndarray
    trend: str
    ridge: float
    criterion: str

    def fit(self, lags: tuple[int, ...]) -> Autoregression:
        """The model with these lags, fitted on all rows that have them."""
        rows = complete_rows(self.observed, lags)
        return fit_autoregression(self.y, rows, lags, self.trend, self.ridge, self.covariates)

    def reduce(self, lags: tuple[int, ...]) -> Regression:
        """The regression on these lags."""
        return reduce_rows(self.y, complete_rows(self.observed, lags), lags, self.trend, self.covariates)

    def least_rows(self, n_lags: int) -> int:
        """Least number of rows for a comparison of so many lags."""
        return 2 * n_lags + len(self.trend) + self.covariates.shape[1] + 3

    def has_rows(self, lags: Sequence[int]) -> bool:
        """Whether the candidates among `lags` can be compared."""
        return int(complete_rows(self.observed, lags).sum()) >= self.least_rows(len(lags))


def select_autoregression(series: Series, candidates: Candidates) -> tuple[Autoregression, bool]:
    """The model with the lowest criterion, fitted on all its rows, and whether there were rows to compare any lag."""
    families = lag_families(series, candidates)
    with single_threaded_blas():
        best = dict.fromkeys(_best_of_family(series, *family) for family in families)
    models = [series.fit(lags) for lags in best]
    if len(models) > 1:
        n_skipped = max(model.longest for model in models)
        models.sort(key=lambda model: _criterion_of_all(series, model, n_skipped))
    return models[0], any(base for base, _ in families)


# ---------------------------------------------------------------- families of lags
#: Base lags, of which the first k are an order, and windows of lags that may join them.
Family = tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]


def lag_families(series: Series, candidates: Candidates) -> list[Family]:
    """Different pairs of base lags and windows that leave enough rows."""
    longest = next((k for k in range(candidates.longest, 0, -1) if series.has_rows(range(1, k + 1))), 0)
    bases = [tuple(range(1, longest + 1))]
    where = np.flatnonzero(series.observed)
    if not series.observed[where[0] : where[-1] + 1].all():
        part = series.observed[where[0] :].mean()
        every = range(1, round(candidates.longest / part) + 1)  # as many lags of an evenly thinned series
        for order in (every, [*candidates.first, *every]):
            bases += [_keep(series, order, share, candidates.longest) for share in SHARES]
    return [(base, _windows(series, base, candidates.windows)) for base in dict.fromkeys(bases)]


def _keep(series: Series, lags: Iterable[int], share: float, most: int) -> tuple[int, ...]:
    """At most `most` of the lags, added in order where enough rows remain."""
    kept: list[int] = []
    rows, observed = series.observed, series.observed
    for lag in dict.fromkeys(lags):
        trial = rows & complete_rows(observed, [lag])
        possible = observed[max([lag, *kept]) :].sum()
        if len(kept) < most and trial.sum() >= max(share * possible, series.least_rows(len(kept) + 1)):
            kept, rows = [*kept, lag], trial
    return tuple(sorted(kept))


def _windows(series: Series, base: tuple[int, ...], windows: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    """Those windows that leave enough rows together with the base lags and the windows before them."""
    kept: list[tuple[int, ...]] = []
    for window in windows:
        trial = sorted({*base, *window}.union(*kept))
        base_rows = complete_rows(series.observed, base)[max(trial) :].sum()
        if series.has_rows(trial) and 2 * complete_rows(series.observed, trial).sum() >= base_rows:
            kept.append(window)
    return tuple(kept)


# ---------------------------------------------------------------- within a family
def _best_of_family(series: Series, base: tuple[int, ...], windows: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Lags of the best order, or of a window and an order if they are better on the rows that have all lags."""
    plain = _best_order(series.reduce(base), (), base, series)[1]
    if not windows:
        return plain
    regression = series.reduce(tuple(sorted({*base}.union(*windows))))
    values = [_best_order(regression, window, base, series) for window in ((), *windows)]
    best = min(range(len(values)), key=lambda i: values[i][0])
    return values[best][1] if best else plain


def _best_order(
    regression: Regression, window: tuple[int, ...], base: tuple[int, ...], series: Series
) -> tuple[float, tuple[int, ...]]:
    """The lowest criterion over `window` with the first k lags of `base` for all k, and the lags that reach it."""
    rest = [lag for lag in base if lag not in window]
    lags = (*window, *rest)
    values = criterion_of_orders(regression, lags, len(rest), series.criterion, series.ridge)
    best = int(np.argmin(values))
    return float(values[best]), tuple(sorted(lags[: len(window) + best]))


def criterion_of_orders(
    regression: Regression, lags: Sequence[int], n_orders: int, name: str, ridge: float
) -> np.ndarray:
    """Criterion of `lags` without the last `n_orders` of them, then with one more each, (..., n_orders + 1)."""
    columns = [*range(regression.n_others), *(regression.n_others + regression.lags.index(lag) for lag in lags), -1]
    sums = _residual_sums(regression, columns, n_orders, ridge)
    n_coefficients = regression.n_others + len(lags) - n_orders + np.arange(n_orders + 1)
    return regression.criterion(name, sums / regression.n_rows[..., None], n_coefficients)


def _residual_sums(regression: Regression, columns: list[int], n_orders: int, ridge: float) -> np.ndarray:
    """Sums of squared residuals without the last `n_orders` regressors, then one more each, (..., n_orders + 1)."""
    data = triangle_of(regression.triangle[..., columns])
    k = data.shape[-1] - 1
    if ridge == 0:
        squares = data[..., -1] ** 2
        rest = np.cumsum(squares[..., ::-1], axis=-1)[..., ::-1]
        pivots = np.abs(np.diagonal(data, axis1=-2, axis2=-1)[..., :k])
        dependent = pivots <= k * np.finfo(float).eps * np.linalg.norm(data[..., :k], axis=-2)
        rest[..., 1:] += np.cumsum(np.where(dependent, squares[..., :k], 0.0), axis=-1)  # these explain only rounding
        return rest[..., k - n_orders :]
    penalty = regression.penalty(k - regression.n_others, ridge)
    penalty = np.concatenate([penalty, np.zeros((*penalty.shape[:-1], 1))], axis=-1)
    penalised, sums = triangle_of(np.concatenate([data, penalty], axis=-2)), []
    for order in range(k - n_orders, k + 1):
        solution = least_squares(penalised[..., :order, :order], penalised[..., :order, -1])[..., None]
        sums.append(np.sum((data[..., :order] @ solution - data[..., -1:]) ** 2, axis=(-2, -1)))
    return np.stack(sums, axis=-1)


# ---------------------------------------------------------------- between families
def _criterion_of_all(series: Series, model: Autoregression, n_skipped: int) -> float:
    """Criterion from the exact likelihood of all observed values after the first `n_skipped` rows."""
    start = max(0, len(series.y) - COMPARED - n_skipped)
    y, observed, covariates = series.y[start:], series.observed[start:], series.covariates[start:]
    loglike = log_likelihood(model, y, observed, model.offsets(start, covariates), n_skipped)
    n_values = int(observed[n_skipped:].sum())
    penalty = 2.0 if series.criterion == "aic" else np.log(max(n_values, 1))
    n_coefficients = len(series.trend.replace("n", "")) + len(model.effects) + len(model.lags)
    return penalty * (n_coefficients + 1) - 2 * loglike
