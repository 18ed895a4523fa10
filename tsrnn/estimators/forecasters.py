"""Recurrent forecasters, on one series or a wide array (`ARForecaster` is in `autoregressive`)."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .. import frame
from ..checks import Anything, choice, flag, whole
from ..data.gaps import trailing
from ..data.panel import Panel
from ..data.scaling import SCALINGS, PanelScaling
from ..data.seasons import Seasons
from ..data.static import Static
from ..data.transforms import Transform
from ..data.windows import Geometry, scored
from ..exceptions import FewWindowsWarning
from ..forecasting import ancestral
from ..forecasting.after_gaps import Before, TrainedNetwork, has_few_missing, to_forecast
from ..forecasting.conformal import Errors
from ..forecasting.strategies import Seq2Seq, Strategy, as_strategy
from ..forecasting.strategies.teacher_forcing import TeacherForcing
from ..frame.future import Forecasts
from ..losses.registry import Loss, as_loss
from ..networks.architecture import Decoder
from ..training.judge import judge
from ..training.order import SAMPLING
from ..training.plan import plan_forecaster
from ..training.validation import held_out_rows
from .base import Attributes
from .classes import estimators
from .forecast_errors import ForecasterWithErrors
from .history import History, Origin
from .history_checks import check_length, check_validation, count_windows, few_windows, with_whole_windows
from .panels import NewRows
from .recurrent import NumberNetwork
from .transformed import Read, read_history, read_origin, undone

#: What ``missing=`` and ``multivariate=`` accept.
MISSING, MULTIVARIATE = ("carry", "decay"), ("joint", "independent")
#: What ``point=`` accepts.
POINTS = ("median", "mean")


class Cut(NamedTuple):
    """How a history is cut into windows.

    Attributes
    ----------
    geometry : Geometry
    seasons : Seasons
    before, panel : Panel
        The rows with those that only make short series long enough, and what `seasons` reads of them.
    is_scored : (N, C) bool
        Which values of `panel` count in the loss.
    """

    geometry: Geometry
    seasons: Seasons
    before: Panel
    panel: Panel
    is_scored: np.ndarray

    @property
    def n_windows(self) -> int:
        """Number of windows of all series."""
        return int(np.maximum(self.panel.n_rows - self.geometry.context - self.geometry.n_ahead + 1, 0).sum())

    @property
    def windows_with_targets(self) -> np.ndarray:
        """Number of windows of all series of which a target of each channel counts, (C,)."""
        return count_windows(self.panel, self.is_scored, self.geometry)


@dataclass(eq=False, repr=False, kw_only=True)
class RecurrentForecaster(NumberNetwork, ForecasterWithErrors):
    """A recurrent network that forecasts a series; a subclass sets the cell.

    Intervals, quantiles and paths come from the distribution of a likelihood, or from trained quantiles. With other
    losses they come from the errors over the validation part and over rows that came later: split-conformal intervals
    for each step, and paths from the errors of whole windows.
    """

    loss: str | Loss = "mae"
    scaling: str | None = "auto"
    horizon: int = 12
    context_length: int | None = None
    season_lengths: Anything = None
    strategy: str | Strategy = "direct"
    linear_skip: bool = True
    missing: str = "carry"
    multivariate: str = "joint"
    difference: int = 0
    seasonal_difference: int = 0
    target_transform: Anything = None
    point: str = "median"
    sampling: str = "windows"

    def _reads_by_column(self, y: Anything) -> bool:
        return choice("multivariate", self.multivariate, MULTIVARIATE) == "independent" and np.ndim(y) == 2

    def _with_validation(self, history: History, state: Attributes) -> tuple[History, Attributes]:
        stopping = self._stopping()
        if stopping is None or stopping.validation is None:
            return history, state
        X, y = stopping.validation if isinstance(stopping.validation, tuple) else (None, stopping.validation)
        if X is None and history.covariate_names and not history.is_panel:
            raise ValueError(
                f"the fit has the covariates {', '.join(map(repr, history.covariate_names))}; pass those of the "
                "validation rows as well, EarlyStopping(validation=(X, y))"
            )
        before = copy.copy(self)
        before.__dict__.update(state)
        names = "validation", "X of validation", "EarlyStopping(validation=(X, y))"
        new, changed = before._after(y, X, NewRows(*names, only_known=True))
        self._check_support(new.values, new.cell)
        n_held_out = changed["panel_"].n_rows - history.panel.n_rows
        history = replace(history, panel=changed["panel_"], validation=new, n_held_out=n_held_out)
        return history, state | changed if stopping.refit_full else state

    def _fit(self, history: History) -> Attributes:
        horizon = whole("horizon", self.horizon)
        strategy, stopping = as_strategy(self.strategy), self._stopping()
        choice("point", self.point, POINTS)
        history, transform, changes = self._read(history)  # without a gap at the end, which teaches nothing
        cut, n_channels = self._cut(history, horizon), history.values.shape[1]
        geometry, seasons, before, panel, is_scored = cut
        context_length = geometry.context
        if changes is not None:
            changes = with_whole_windows(replace(history, panel=changes), geometry, seasons)
        n_train = panel.n_rows - history.n_held_out
        if not history.is_panel:
            learned = is_scored[: n_train[0]]
            check_length(history, learned, context_length, horizon, seasons, transform.transform.n_lost)
        check_validation(history, is_scored, geometry, panel)
        n_masked = n_channels if choice("missing", self.missing, MISSING) == "decay" else 0
        is_short = self._warn_if_short(history, cut, horizon)
        network, device = self._network(
            cut.n_windows,
            geometry,
            n_inputs=n_channels + panel.past.shape[1] + panel.known.shape[1] + 2 * n_masked,
            n_targets=n_channels,
            loss=as_loss(self.loss),
            n_covariates=history.covariates.shape[1],
            n_seasonal=seasons.n_inputs,
            block=geometry.block,
            lags=context_length if flag("linear_skip", self.linear_skip) else 0,
            n_static=history.static.numbers.shape[1] if history.static else 0,
            cardinalities=tuple(map(len, history.static.coding.categories)) if history.static else (),
            n_past=panel.past.shape[1],
            n_masked=n_masked,
        )
        self._check_support(history.target.values, history.target.cell)
        channels = [history.channel(c) for c in range(n_channels)]
        plan = plan_forecaster(
            panel, is_scored, geometry, self._scaling_name(), seasons.n_inputs, stopping, channels,
            _static(history.static), masks=n_masked > 0,
            n_held_out=None if history.validation is None else np.asarray(history.n_held_out),
        )  # fmt: skip
        # without validation nothing tells when to stop, and a few windows are soon overfitted
        stays_linear = is_short and self.linear_skip and stopping is not None and plan.held_out is None
        fit, fitted = self._train(network, plan, n_epochs=0 if stays_linear else None)
        with network.backend.session():
            judged = judge(
                network, plan, before, seasons, strategy, fit.training.theta, changes, transform.transform.lags
            )
        theta = fit.theta + (judged.widening if judged else 0)
        return fitted | {
            "theta_": network.architecture.with_unseen(theta).astype(network.dtype),
            "errors_": judged.errors if judged else None,
            "_calibration": judged.calibration if judged else None,
            "_recent": {},
            "context_length_": context_length,
            "seasons_": seasons,
            "scaling_": plan.scaling,
            "transform_": transform,
            "strategy_": strategy,
            "device_": device,
            "_few_missing": has_few_missing(history.panel.part(last=history.n_train)),
        }

    def _read(self, history: History) -> Read:
        """The history that the network reads, transformed by what the training part tells."""
        transform = self._transform(history)
        self._check_transform(transform)
        n_held_out = np.zeros(len(history.panel), np.int64) + history.n_held_out
        stopping = self._stopping()
        if transform.target_transform is not None and stopping and history.validation is None:
            observed_alike = read_history(history, replace(transform, target_transform=None), n_held_out).history
            cut = self._cut(observed_alike, whole("horizon", self.horizon))
            n_held_out = held_out_rows(stopping, cut.panel, cut.is_scored, cut.geometry)
            n_held_out += history.panel.n_rows - 1 - history.panel.last_observed.max(axis=1)
        return read_history(history, transform, n_held_out)

    def _transform(self, history: History) -> Transform:
        """The transform that the arguments ask for."""
        return Transform(self.difference, self.seasonal_difference, history.season_length, self.target_transform)

    def _earlier_static(self) -> frame.Static | None:
        return getattr(self, "static_", None) if flag("warm_start", self.warm_start) else None

    def _n_lost(self, history: History) -> int:
        return self._transform(history).n_lost

    def _check_transform(self, transform: Transform) -> None:
        """Refuse a transform of counts, and after an earlier fit another one with warm_start=True."""
        loss = as_loss(self.loss)
        if loss.support == "counts" and not transform.is_identity:
            raise ValueError(
                f"loss={loss} is of counts, but difference, seasonal_difference and target_transform turn them into "
                "other numbers; leave these three out, or use a loss of any number, such as 'student_t'"
            )
        if (
            flag("warm_start", self.warm_start)
            and "transform_" in vars(self)
            and repr(self.transform_.transform) != repr(transform)
        ):
            raise ValueError(
                f"warm_start=True goes on with the {self.transform_.transform} of the earlier fit, not with "
                f"{transform}, under which its parameters mean something else; use the same, or warm_start=False"
            )

    def _cut(self, history: History, horizon: int) -> Cut:
        """How a history is cut into windows."""
        context_length = self._context_length(history.typical_length, horizon, history.season_length)
        geometry = as_strategy(self.strategy).geometry(context_length, horizon)
        seasons = self._seasons(history, context_length, horizon)
        before = with_whole_windows(history, geometry, seasons)
        panel = seasons.read(before)
        return Cut(geometry, seasons, before, panel, scored(panel, geometry, history.panel.first_observed))

    def _check_history(self, history: History) -> None:
        """Every covariate has a place in a network."""

    def attention_weights(
        self, horizon: Anything = None, *, context: Anything = None, ids: Anything = None, static: Anything = None
    ) -> Forecasts:
        """Attention weights of each forecast step on the steps of the context.

        Parameters
        ----------
        horizon, context, ids, static
            As in `predict`. One id, not in a list, asks for the table of this series of a panel.

        Returns
        -------
        DataFrame or ndarray of shape (n_steps, n_read), or ndarray of shape (n_series, n_steps, n_read) for a panel
            A row for each forecast step, which sums to 1; a column for each step of the context, or for the last step
            of each of its segments. Of a panel a table for each series, in the order of `predict`, in which the steps
            before a short series begins weigh 0; the labelled table of one id leaves these steps out.

        Raises
        ------
        ValueError
            If the network was fitted without attention.
        """
        check_is_fitted(self)
        strategy = self.strategy_
        if not isinstance(strategy, Seq2Seq) or strategy.attention is None:
            raise ValueError(
                f"the fit of this {type(self).__name__} had strategy={strategy!r}, which attends to nothing; fit "
                "with strategy=Seq2Seq(attention='dot'), 'general' or 'additive'"
            )
        origin = self._origin(horizon, context, ids, static)
        read = self._read_origin(origin)._replace(levels=None)  # weights are not summed
        weights = origin.choose(self._after_gaps(strategy.attention_weights, read))
        if isinstance(origin.target, frame.PanelTarget):
            if ids is None or not frame.is_one_id(ids, origin.target.ids):
                return weights
            (number,), (places,) = origin.index
            labels = origin.target.last_labels(number, len(read.panel.values))
            columns = self._attended(labels, read.panel)
            return frame.wrap_panel_table(weights[0, :, -len(columns) :], origin.target, places, columns)
        labels = self.index_ if context is None else origin.target.index
        columns = self._attended(labels[-len(read.panel.values) :], read.panel)
        return frame.wrap_table(weights[0, :, -len(columns) :], origin.target, origin.index, columns)

    def _attended(self, labels: Any, panel: Panel) -> Any:  # labels are a pandas index
        """The `labels` (n,) of a series' rows that have an attention weight: the last row of each segment."""
        n, length, segment = len(labels), self.context_length_, self.strategy_.segment_length
        gap = 0 if self.scaling_.masks else int(trailing(panel.observed).min())  # the network reads up to a gap
        end = max(min(n, length), n - gap)
        read = labels[max(end - length, 0) : end]
        return read[(len(read) - 1) % segment :: segment]

    def _context_length(self, n: int, horizon: int, season_length: int) -> int:
        """The context length: two seasons, at least 24 steps and at most a third of a series of n rows."""
        if self.context_length is not None:
            return whole("context_length", self.context_length)
        if flag("warm_start", self.warm_start) and "context_length_" in vars(self):
            return self.context_length_
        s = as_strategy(self.strategy).segment_length
        return max(1, min(max(24, 2 * season_length), (n - horizon) // 3) // s) * s

    def _warn_if_short(self, history: History, cut: Cut, horizon: int) -> bool:
        """Warn if there are few windows; return whether there are."""
        segment = as_strategy(self.strategy).segment_length

        def windows_of(shorter: int) -> np.ndarray | None:
            return None if shorter % segment else self._cut(history, shorter).windows_with_targets

        warning = few_windows(cut.windows_with_targets, cut.geometry, history, horizon, windows_of)
        if warning:
            warnings.warn(warning, FewWindowsWarning, stacklevel=5)
        return warning is not None

    def _seasons(self, history: History, context_length: int, horizon: int) -> Seasons:
        """Seasons longer than the context: those of the argument, or those of the index that fit into the series."""
        asked = self.season_lengths is not None
        if self.warm_start and not asked and "seasons_" in vars(self):
            return self.seasons_
        return Seasons.choose(
            history.season_lengths if asked else history.season_lengths[1:],
            history.typical_length,
            context_length,
            horizon,
            shortest=history.season_length,
            asked=asked,
        )

    def _decoding(self, num_layers: int) -> tuple[Decoder | None, TeacherForcing | None]:
        strategy = as_strategy(self.strategy)
        return strategy.decoder(num_layers), strategy.forcing(bool(as_loss(self.loss).family))

    def _scaling_name(self) -> str | None:
        scaling = choice("scaling", self.scaling, ("auto", *SCALINGS))
        if scaling != "auto":
            return scaling
        if as_loss(self.loss).support == "counts":
            return None
        is_about_the_mean = self.difference or self.seasonal_difference or self.missing == "decay"
        return "standard" if is_about_the_mean else "last"  # differences have no level, and decay goes to the mean

    def _sampling(self) -> str:
        return choice("sampling", self.sampling, SAMPLING)

    def _min_context(self) -> int:
        return self.context_length_ + self.seasons_.reach + self.transform_.transform.n_lost

    def _n_read(self) -> float | None:
        return self._min_context()

    def _forecast(self, origin: Origin) -> np.ndarray:
        if choice("point", self.point, POINTS) == "mean":
            return self._means(origin)
        origin = self._read_origin(origin)
        return undone(self._after_gaps(self.strategy_.forecast, origin), origin)

    def _means(self, origin: Origin) -> np.ndarray:
        """Means of sampled paths, (S, n_steps, C), always the same ones."""
        return ancestral.summarise(
            lambda chosen, n_paths, rngs: self._sample(origin.take(chosen), n_paths, rngs),
            len(origin.series),
            lambda paths: paths.mean(axis=-1),
        )

    def _after_gaps(self, function: Callable[..., Any], origin: Origin, *options: Any, **how: Any) -> Any:
        """Result of a `function` of the strategy for the steps after `origin`; see `TrainedNetwork.after_gaps`."""
        # the types are those of the function, hence `Any`
        network, (scaling, series) = self._network_on_device(), self._scaling(origin)
        static = _static(self.static_, origin.static, series)
        trained = TrainedNetwork(
            network, self.theta_, self.strategy_, scaling, self.seasons_, self.context_length_, static,
            self.transform_.transform.lags,
        )  # fmt: skip
        is_forecast = to_forecast(origin.panel, self._few_missing)
        if scaling.masks:  # the network reads where values are missing; of differences those of a gap are summed
            is_forecast &= to_forecast(origin.panel, np.zeros(1, bool)) & (origin.levels is not None)
        before = Before(origin.panel, is_forecast, origin.ahead, series, origin.levels)
        with network.backend.session():
            return trained.after_gaps(function, before, *options, **how)

    def _read_origin(self, origin: Origin) -> Origin:
        """The origin whose panel the network reads."""
        return read_origin(origin, self.transform_, len(self.scaling_.target.mean))

    def _scaling(self, origin: Origin) -> tuple[PanelScaling, np.ndarray]:
        """The scaling of the fit and of series that were not in it, and the row of each series."""
        new = origin.series < 0
        if not new.any():
            return self.scaling_, origin.series
        rows = np.where(new, len(self.scaling_.target.mean) + np.cumsum(new) - 1, origin.series)
        return self.scaling_.joined(origin.panel.take(np.flatnonzero(new))), rows

    def _quantiles(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        origin = self._read_origin(origin)
        learned = self._learned_quantiles(origin, levels)
        if learned is not None:
            return undone(learned, origin)
        offsets, pooled = self._of_errors(origin, lambda some, errors: errors.offsets(levels, origin.series[some]))
        self._warn_if_pooled(pooled, origin)
        forecasts = self._after_gaps(self.strategy_.forecast, origin)[..., None] + self._unscaled(offsets, origin)
        return undone(forecasts, origin)

    def _has_distribution(self, levels: np.ndarray) -> bool:
        loss = self.network_.architecture.loss
        if loss.family or loss.levels:
            return True
        return self.errors_ is not None and self.errors_.reach(levels)

    def _learned_quantiles(self, origin: Origin, levels: np.ndarray) -> np.ndarray | None:
        """Quantiles (S, n_steps, C, n_levels) of what the network has learned; None if it learned no distribution.

        The sum of quantiles of differences is no quantile of a level: only paths may be summed.
        """
        if origin.levels is None:
            return self._after_gaps(self.strategy_.quantiles, origin, levels, joint=True)
        if not self.network_.architecture.loss.family:
            return None
        return ancestral.summarise(
            lambda chosen, n_paths, rngs: self._paths(origin.take(chosen), n_paths, rngs),
            len(origin.series),
            lambda paths: ancestral.quantiles(paths, levels),
        )

    def _paths(self, origin: Origin, n_paths: int, rngs: Sequence[np.random.RandomState]) -> np.ndarray:
        """Paths of a likelihood after an origin that the network reads, (S, n_steps, C, n_paths)."""
        return self._after_gaps(self.strategy_.sample, origin, n_paths, rngs=rngs, joint=True)

    def _sample(
        self, origin: Origin, n_paths: int, rngs: Sequence[np.random.RandomState], coverage: float = 0.0
    ) -> np.ndarray:
        origin = self._read_origin(origin)
        if self.network_.architecture.loss.family:
            return undone(self._paths(origin, n_paths, rngs), origin)
        # a series has the leads that it would have alone
        least = 0 if self.errors_ is None else self.errors_.errors.shape[1]
        n_leads = np.maximum(least, origin.n_steps + origin.gaps.max(axis=1))

        def paths(some: np.ndarray, errors: Errors) -> tuple[np.ndarray, np.ndarray]:
            own = [rngs[i] for i in some]
            drawn, pooled = errors.paths_of(origin.series[some], n_leads[some], n_paths, own, coverage)
            beyond = n_leads.max() - drawn.shape[1]
            return np.pad(drawn, ((0, 0), (0, beyond), (0, 0), (0, 0)), constant_values=np.nan), pooled

        drawn, pooled = self._of_errors(origin, paths)
        self._warn_if_pooled(pooled, origin)
        forecasts = self._after_gaps(self.strategy_.forecast, origin)[..., None]
        return undone(forecasts + self._unscaled(drawn, origin), origin)


def _static(
    fitted: frame.Static | None, given: frame.Static | None = None, rows: np.ndarray | None = None
) -> Static | None:
    """Static covariates of the series of the fit, as a network reads them; in these `rows`, (S,), those `given`."""
    if fitted is None:
        return None
    if given is None or rows is None:
        return Static(fitted.numbers, fitted.codes)
    tables = []
    for of_fit, of_given in ((fitted.numbers, given.numbers), (fitted.codes, given.codes)):
        table = np.zeros((max(len(of_fit), 1 + rows.max()), of_fit.shape[1]), of_fit.dtype)
        table[: len(of_fit)] = of_fit
        table[rows] = of_given
        tables.append(table)
    return Static(*tables)


# ---------------------------------------------------------------- a class for each family of cells
EXAMPLE = """
>>> from tsrnn import {name}
>>> from tsrnn.datasets import load_air_passengers
>>> y = load_air_passengers()
>>> forecaster = {name}(horizon=12, max_epochs=5, random_state=0).fit(y)
>>> forecaster.predict(3).index[0]
Timestamp('1961-01-01 00:00:00')
"""
#: LSTMForecaster and so on; see `classes`.
globals().update(estimators(RecurrentForecaster, "Forecaster", "Forecast a time series with", EXAMPLE, __name__))
