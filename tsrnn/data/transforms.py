"""Invertible transforms of a panel's values before scaling, and back: differences, log1p, Box-Cox, scikit-learn's.

What may be undone by `FittedTransform.invert`:

| Forecast of the transformed values | Without differences | With differences |
|---|---|---|
| sample paths | yes | yes: each path is cumulated |
| point forecasts | yes; a median stays a median | yes: they are summed, as for means |
| quantiles, intervals | yes: quantiles stay quantiles | no |

A sum of quantiles is no quantile of the sum. After differences, quantiles and intervals come from paths that were
undone, or from errors that were measured on undone forecasts; `is_monotone_per_step` tells which case it is. A mean
stays a mean only without `target_transform`; otherwise it is the mean of undone paths.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import boxcox, inv_boxcox

from ..checks import shown, whole
from ..functions.scaling import is_scale
from .levels import carried, differenced, summed
from .panel import Panel

#: Highest order of differences.
MAX_ORDER = 2
#: Range of Box-Cox's lambda: from the logarithm on, every number has a finite inverse.
LAMBDAS = (0.0, 2.0)
#: Fewer observed values than this do not tell a lambda.
MIN_VALUES = 3


class MisplacedError(ValueError):
    """A value that cannot be transformed, or a forecast that cannot be undone.

    `told` writes the message with the caller's name of the place: of a series, of its row or None, of its channel.
    """

    def __init__(self, before: str, after: str, series: int, row: int | None, channel: int) -> None:
        self.texts, self.place = (before, after), (int(series), None if row is None else int(row), int(channel))
        super().__init__(self.told(_place))

    def told(self, name: Callable[[int, int | None, int], str]) -> str:
        """The message, with the place named by a function of the numbers of series, row and channel."""
        return name(*self.place).join(self.texts)


def _place(series: int, row: int | None, channel: int) -> str:
    """Return a place by its numbers."""
    return f"series {series}, {'' if row is None else f'row {row}, '}channel {channel}"


class Pointwise(Protocol):
    """An increasing function of single values, learned from a panel of S series."""

    def forward(self, values: np.ndarray, series: np.ndarray) -> np.ndarray:
        """Transformed values (n, C) of these series (n,); NaN where a value lies outside the domain."""

    def inverse(self, values: np.ndarray) -> np.ndarray:
        """Values (S, h, C, ...) before the transform."""

    def take(self, series: np.ndarray) -> Pointwise:
        """The function for the series with these numbers."""

    def joined(self, panel: Panel) -> Pointwise:
        """The function for the series so far, and after them for those of a panel."""


# ---------------------------------------------------------------- functions of single values
class Identity:
    """Values as they are."""

    @classmethod
    def fit(cls, panel: Panel) -> Identity:
        """Learn nothing."""
        return cls()

    def forward(self, values: np.ndarray, series: np.ndarray) -> np.ndarray:
        """The values."""
        return values

    def inverse(self, values: np.ndarray) -> np.ndarray:
        """The values."""
        return values

    def take(self, series: np.ndarray) -> Identity:
        """The same for all series."""
        return self

    def joined(self, panel: Panel) -> Identity:
        """The same for all series."""
        return self


class Log1p(Identity):
    """log(1 + y), for values above -1."""

    def forward(self, values: np.ndarray, series: np.ndarray) -> np.ndarray:
        """log(1 + y)."""
        return np.log1p(np.where(values > -1, values, np.nan))

    def inverse(self, values: np.ndarray) -> np.ndarray:
        """exp(z) - 1."""
        return np.expm1(values)


@dataclass(frozen=True)
class BoxCox:
    """((y / g)^lambda - 1) / lambda, or log(y / g) for lambda = 0, of positive values with the geometric mean g.

    (Box & Cox 1964, doi:10.1111/j.2517-6161.1964.tb00553.x, eq. 1.) In units of g the result has its digits for tiny
    and huge values too. Where lambda is 1, the result is y / g, and every value is allowed.

    Attributes
    ----------
    lambdas, units : (S, C)
    """

    lambdas: np.ndarray
    units: np.ndarray

    @classmethod
    def fit(cls, panel: Panel) -> BoxCox:
        """Maximise the profile likelihood of each series and channel over `LAMBDAS`; a constant has 1.

        The variance of the transformed values is minimised: in units of the geometric mean the logarithms sum to zero,
        so that the Jacobian's determinant, the other factor of the likelihood, is the same for all lambdas.
        """
        _refuse("boxcox", panel, panel.observed & ~(panel.values > 0))
        lambdas, units = np.ones((2, len(panel), panel.values.shape[1]))
        for s, one in enumerate(panel):
            for c in range(panel.values.shape[1]):
                values = one.values[one.observed[:, c], c]
                if len(values):
                    units[s, c] = values[0] * np.exp(np.log(values / values[0]).mean())
                if len(values) >= MIN_VALUES and is_scale((values / units[s, c]).std(), 1.0):
                    lambdas[s, c] = _lambda(values / units[s, c])
        return cls(lambdas, units)

    def forward(self, values: np.ndarray, series: np.ndarray) -> np.ndarray:
        """The transformed values."""
        lambdas, ratio = self.lambdas[series], values / self.units[series]
        return np.where(lambdas == 1, ratio, boxcox(np.where(ratio > 0, ratio, np.nan), lambdas))

    def inverse(self, values: np.ndarray) -> np.ndarray:
        """g (1 + lambda z)^(1 / lambda), and 0 below the lowest z; or g exp(z)."""
        shape = (len(values), 1, values.shape[2], *[1] * (values.ndim - 3))
        lambdas, units = self.lambdas.reshape(shape), self.units.reshape(shape)
        lowest = np.full(shape, -np.inf)
        np.divide(-1, lambdas, out=lowest, where=lambdas > 0)
        return units * np.where(lambdas == 1, values, inv_boxcox(np.maximum(values, lowest), lambdas))

    def take(self, series: np.ndarray) -> BoxCox:
        """The function for the series with these numbers."""
        return BoxCox(self.lambdas[series], self.units[series])

    def joined(self, panel: Panel) -> BoxCox:
        """The function for the series so far, and after them for those of a panel, each learned from its own values."""
        other = BoxCox.fit(panel)
        return BoxCox(np.vstack([self.lambdas, other.lambdas]), np.vstack([self.units, other.units]))


def _lambda(ratios: np.ndarray) -> float:
    """Return the lambda that gives values in units of their geometric mean (n,) the least variance."""
    found = minimize_scalar(lambda x: boxcox(ratios, x).var(), bounds=LAMBDAS, method="bounded")
    return float(found.x)


@dataclass(frozen=True)
class Learned:
    """A transformer of scikit-learn for each channel, fitted to the observed values of all series together."""

    of_channel: list[Any]

    @classmethod
    def fit(cls, transformer: Any, panel: Panel) -> Learned:
        """Fit copies of the transformer.

        Raises
        ------
        ValueError
            If it decreases somewhere: quantiles would change their order.
        """
        fitted = []
        for c in range(panel.values.shape[1]):
            values = np.sort(panel.values[panel.observed[:, c], c])[:, None]
            fitted.append(deepcopy(transformer).fit(values))
            images = _column(fitted[c].transform(values))
            falls = np.flatnonzero(np.diff(images) < -1e-9 * np.ptp(images))  # more than rounding
            if len(falls):
                low, high = values[falls[0] : falls[0] + 2, 0]
                raise ValueError(
                    f"target_transform={shown(transformer)} must not decrease, or quantiles would change their order, "
                    f"but it maps {high:g} below {low:g}; use an increasing one, such as PowerTransformer()"
                )
        return cls(fitted)

    def forward(self, values: np.ndarray, series: np.ndarray) -> np.ndarray:
        """The transformed values."""
        columns = [_column(f.transform(values[:, c, None])) for c, f in enumerate(self.of_channel)]
        return np.stack(columns, axis=1) if len(values) else values

    def inverse(self, values: np.ndarray) -> np.ndarray:
        """What `inverse_transform` returns."""
        channels = np.moveaxis(values, 2, 0)
        undone = [
            _column(f.inverse_transform(z.reshape(-1, 1))) for f, z in zip(self.of_channel, channels, strict=True)
        ]
        return np.moveaxis(np.reshape(undone, channels.shape), 0, 2)

    def take(self, series: np.ndarray) -> Learned:
        """The same for all series."""
        return self

    def joined(self, panel: Panel) -> Learned:
        """The same for all series."""
        return self


def _column(result: Any) -> np.ndarray:
    """Return what a transformer made of one column, an array or a table, as an array (n,)."""
    return np.asarray(result, np.float64).reshape(-1)


#: Names that `target_transform` accepts.
TRANSFORMS: dict[str | None, Any] = {"log1p": Log1p, "boxcox": BoxCox, None: Identity}
#: What a value must be, and what else serves others.
MEND = "add a constant to the series, or use sklearn.preprocessing.PowerTransformer(), which takes any number"
DOMAINS = {"log1p": ("be greater than -1", MEND), "boxcox": ("be greater than 0", MEND)}


# ---------------------------------------------------------------- transforms of panels
@dataclass(frozen=True)
class Transform:
    """What is done to the values of a panel before they are scaled: `target_transform`, then differences.

    Attributes
    ----------
    difference, seasonal_difference : int
        Orders from 0 to 2: how often the value one step, or one season, before is subtracted.
    season_length : int
        Steps of the season.
    target_transform : {"log1p", "boxcox"}, transformer or None
        A transformer has the methods fit, transform and inverse_transform of scikit-learn for one column, does not
        decrease, and is fitted to the values of all series together.
    """

    difference: int = 0
    seasonal_difference: int = 0
    season_length: int = 1
    target_transform: Any = None

    def __post_init__(self) -> None:
        """Check the arguments."""
        for name in ("difference", "seasonal_difference"):
            if whole(name, getattr(self, name), 0) > MAX_ORDER:
                raise ValueError(f"{name}={shown(getattr(self, name))} must be at most {MAX_ORDER}")
        if whole("season_length", self.season_length) == 1 and self.seasonal_difference:
            raise ValueError(
                f"seasonal_difference={shown(self.seasonal_difference)} needs a season of 2 steps or more, but the "
                f"series has none; give its length by season_lengths=..., or use difference={self.seasonal_difference}"
            )
        given = self.target_transform
        if not (given is None or isinstance(given, str)):
            if isinstance(given, type) or not all(hasattr(given, m) for m in ("fit", "transform", "inverse_transform")):
                raise TypeError(
                    f"target_transform={shown(given)} must be 'log1p', 'boxcox', None, or a transformer object with "
                    "the methods fit, transform and inverse_transform, such as PowerTransformer()"
                )
        elif given not in TRANSFORMS:
            raise ValueError(
                f"target_transform={shown(given)} is not known; use one of {', '.join(map(repr, TRANSFORMS))}, or a "
                "transformer of scikit-learn"
            )

    @property
    def lags(self) -> tuple[int, ...]:
        """Distance of the value that each difference subtracts."""
        return (self.season_length,) * self.seasonal_difference + (1,) * self.difference

    @property
    def n_lost(self) -> int:
        """Number of rows at the beginning of a series for which there is no difference."""
        return sum(self.lags)

    @property
    def is_monotone_per_step(self) -> bool:
        """Whether each value depends on its own step only and never falls with it, so that quantiles stay quantiles."""
        return not self.lags

    @property
    def is_identity(self) -> bool:
        """Whether it leaves values as they are."""
        return not self.lags and self.target_transform is None

    def fit(self, panel: Panel) -> FittedTransform:
        """Learn from the observed values of a panel.

        Raises
        ------
        ValueError
            If a value lies outside the domain of `target_transform`.
        """
        given = self.target_transform
        if given is None or isinstance(given, str):
            pointwise: Pointwise = TRANSFORMS[given].fit(panel)
        else:
            pointwise = Learned.fit(given, panel)
        return FittedTransform(self, pointwise)


@dataclass(frozen=True)
class FittedTransform:
    """A transform for the series of one panel; the others that it gets have these series, too, in this order.

    `take` chooses among them.
    """

    transform: Transform
    pointwise: Pointwise

    @property
    def is_monotone_per_step(self) -> bool:
        """Whether quantiles and intervals may be undone, not only paths and point forecasts."""
        return self.transform.is_monotone_per_step

    def take(self, series: np.ndarray) -> FittedTransform:
        """The transform for panels of the series with these numbers."""
        return replace(self, pointwise=self.pointwise.take(np.asarray(series)))

    def joined(self, panel: Panel) -> FittedTransform:
        """The transform for panels of the series so far, and after them of those of a panel."""
        return replace(self, pointwise=self.pointwise.joined(panel))

    def apply(self, panel: Panel) -> Panel:
        """Panel of the transformed values, without the first `Transform.n_lost` rows of each series.

        A value that depends on a missing one is missing. As everywhere, missing values are filled with the last
        observed one before them.

        Raises
        ------
        ValueError
            If an observed value lies outside the domain of `target_transform`.
        """
        values, observed = self._forward(panel), panel.observed
        rows = np.arange(len(values))
        for lag in self.transform.lags:
            before = np.maximum(rows - lag, 0)  # in another series for rows that are left out
            values, observed = values - values[before], observed & observed[before]
        changed = replace(panel, values=values, observed=observed).part(self.transform.n_lost)
        return changed.filled()

    def invert(self, forecasts: np.ndarray, before: Panel) -> np.ndarray:
        """Forecasts (S, h, C, ...) of transformed values as forecasts of the values themselves.

        Parameters
        ----------
        forecasts : (S, h, C, ...)
            Sample paths or point forecasts; quantiles only if `is_monotone_per_step`. Further axes number them.
        before : Panel
            The rows of each series up to the one before the first step, not transformed. Of differences, the last
            `Transform.n_lost` rows are read, whether observed or filled.

        Raises
        ------
        ValueError
            If a series has fewer rows than that, if one of them lies outside the domain of `target_transform`, or if a
            forecast lies where its inverse has no finite value.
        """
        if n_lost := self.transform.n_lost:
            tail = self._tail(before, n_lost)[..., *[None] * (forecasts.ndim - 3)]
            forecasts = summed(forecasts, tail, self.transform.lags)
        return self.invert_levels(forecasts)

    def invert_levels(self, levels: np.ndarray) -> np.ndarray:
        """Values (S, h, C, ...) whose images under `target_transform` are given: differences are undone already.

        Raises
        ------
        ValueError
            If one lies where the inverse has no finite value.
        """
        with np.errstate(over="ignore", invalid="ignore"):  # the result is checked
            values = self.pointwise.inverse(levels)
        bad = np.argwhere(np.isfinite(levels) & ~np.isfinite(values))
        if len(bad):
            s, step, channel = bad[0][:3]
            raise MisplacedError(
                "forecast of ",
                f", step {step + 1}: {levels[tuple(bad[0])]:g} has no finite value before "
                f"target_transform={shown(self.transform.target_transform)}; ask for a shorter horizon, or use a "
                "transform whose inverse does not grow so fast, such as 'boxcox', or None",
                s, None, channel,
            )  # fmt: skip
        return values

    def levels(self, panel: Panel) -> Panel:
        """Panel of all rows after `target_transform`; missing values are where no change would bring them.

        Their differences are those of `apply` where these are observed.
        """
        values = self._forward(panel)
        lags = self.transform.lags
        if max(lags, default=0) > 1 and not panel.observed.all():  # else the last value before is in its place already
            values = np.concatenate([carried(values[rows], panel.observed[rows], lags) for rows in panel.slices()])
        return replace(panel, values=values)

    def changes(self, levels: Panel) -> Panel:
        """Panel of the differences of `levels`, without the first `Transform.n_lost` rows of each series."""
        return replace(levels, values=differenced(levels.values, self.transform.lags)).part(self.transform.n_lost)

    def _forward(self, panel: Panel) -> np.ndarray:
        """Values (N, C) after `target_transform`; 0 where a channel without observed values has none."""
        values = self.pointwise.forward(panel.filled().values, panel.series)
        is_finite = np.isfinite(values)
        _refuse(self.transform.target_transform, panel, panel.observed & ~is_finite)
        return np.where(is_finite, values, 0.0)

    def _tail(self, before: Panel, n: int) -> np.ndarray:
        """The last n rows of each series after `target_transform`, (S, n, C)."""
        short = np.flatnonzero(before.n_rows < n)
        if len(short):
            raise ValueError(
                f"series {short[0]} has {before.n_rows[short[0]]} rows before the forecast, but "
                f"difference={self.transform.difference} and seasonal_difference={self.transform.seasonal_difference} "
                f"with a season of {self.transform.season_length} need {n}; pass a longer context"
            )
        first = before.n_rows - n
        last = before.part(first)
        values = self.pointwise.forward(last.values, last.series)
        _refuse(self.transform.target_transform, last, ~np.isfinite(values), first)
        return values.reshape(len(before), n, -1)


def _refuse(given: Any, panel: Panel, bad: np.ndarray, first: np.ndarray | None = None) -> None:
    """Raise for the first `bad` (N, C) value of a panel whose series begin at their rows `first` (S,), by default 0."""
    if not bad.any():
        return
    at, channel = np.argwhere(bad)[0]
    s = panel.series[at]
    row = panel.positions[at] + (0 if first is None else first[s])
    need, mend = DOMAINS.get(
        given if isinstance(given, str) else "",
        ("have a finite image", "use another transformer, or target_transform=None"),
    )
    raise MisplacedError(
        f"target_transform={shown(given)} of ",
        f": the value {panel.values[at, channel]:g} must {need}; {mend}",
        s, row, channel,
    )  # fmt: skip
