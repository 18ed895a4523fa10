"""The forecasters: RNN, LSTM and GRU on one series or a wide array (`ARForecaster` is in `autoregressive`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .. import frame
from ..checks import choice, flag, whole
from ..engine.biases import Outcomes
from ..engine.conformal import Errors
from ..engine.distribution import point
from ..engine.linear import LinearStart, ridge_start
from ..engine.network import Network, Source
from ..engine.options import EarlyStopping, TeacherForcing
from ..engine.parameters import Decoder, Geometry
from ..engine.strategies import Seq2Seq, Strategy, as_strategy
from ..engine.strategies.base import Continuation
from ..engine.training import Validation
from ..engine.windows import SCALINGS, Scaling, SeriesScaling, Windows, scored, with_covariates
from ..equations.cell import Cell
from ..equations.gru import gru_cell
from ..equations.losses import as_loss
from ..equations.lstm import lstm_cell
from ..equations.rnn import CELLS as NONLINEARITIES
from ..equations.rnn import rnn_cell
from .base import History, Origin
from .documentation import documented
from .probabilistic import ProbabilisticForecaster
from .recurrent import Plan, RecurrentNetwork


@dataclass(eq=False, repr=False, kw_only=True)
class RecurrentForecaster(RecurrentNetwork, ProbabilisticForecaster):
    """A recurrent network that forecasts a series; a subclass says which cell.

    How sure it is comes from the distribution that a likelihood has learned, or from learned quantiles. Other losses go
    by the validation tail: split-conformal intervals for each step, paths from whole windows of errors.
    """

    horizon: int = 12
    context_length: int | None = None
    strategy: str | Strategy = "direct"
    linear_skip: bool = True

    def _fit(self, history: History) -> dict[str, Any]:
        horizon = whole("horizon", self.horizon)
        strategy = as_strategy(self.strategy)
        context_length = self._context_length(int(history.n_rows.min()), horizon, history.season_length)
        geometry = strategy.geometry(context_length, horizon)
        counts = scored(history.observed, geometry)
        _check_length(history, counts, context_length, horizon)
        network, device = self._network(
            len(history.values),
            geometry.n_steps,
            n_inputs=len(history.n_rows) + history.covariates.shape[1],
            n_targets=len(history.n_rows),
            n_covariates=history.covariates.shape[1],
            block=geometry.block,
            lags=context_length if flag("linear_skip", self.linear_skip) else 0,
        )
        scaling_name = choice("scaling", self.scaling, SCALINGS)
        self._check_support(history.target.values, history.target.cell)
        plan, scaling = _plan(network, history, counts, geometry, scaling_name, self._stopping())
        fitted = self._train(plan)
        of_series = {"context_length_": context_length, "scaling_": scaling, "strategy_": strategy, "device_": device}
        return {"errors_": None} | fitted | of_series

    def attention_weights(self, horizon: Any = None, *, context: Any = None) -> Any:
        """How much each step of a forecast attends to each step that it reads.

        Parameters
        ----------
        horizon, context
            As in `predict`.

        Returns
        -------
        DataFrame or ndarray of shape (n_steps, n_read)
            A row for each forecast step, which sums to 1; a column for each step of the context, or for the last step
            of each of its segments.

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
        origin, last = self._origin(horizon, context), strategy.segment_length - 1
        weights = self._by_strategy(strategy.attention_weights, origin)[origin.wanted]
        read = (self.index_ if context is None else origin.target.index)[-self.context_length_ :]
        return frame.wrap_table(weights, origin.target, origin.index, read[last :: strategy.segment_length])

    def _context_length(self, n: int, horizon: int, season_length: int) -> int:
        """Two seasons and at least 24 steps, if the series has room for three times as many."""
        if self.context_length is not None:
            return whole("context_length", self.context_length)
        if self.warm_start and "context_length_" in vars(self):
            return self.context_length_
        s = as_strategy(self.strategy).segment_length
        return max(1, min(max(24, 2 * season_length), (n - horizon) // 3) // s) * s

    def _decoding(self, num_layers: int) -> tuple[Decoder | None, TeacherForcing | None]:
        strategy = as_strategy(self.strategy)
        return strategy.decoder(num_layers), strategy.forcing(bool(as_loss(self.loss).family))

    def _least_context(self) -> int:
        return self.context_length_

    def _forecast(self, origin: Origin) -> np.ndarray:
        return self._by_strategy(self.strategy_.forecast, origin)

    def _by_strategy(self, function: Callable[..., Any], origin: Origin, *options: Any) -> Any:
        """What that function of the strategy says of the steps after `origin`."""
        network, first = self._at_work(), len(origin.context) - self.context_length_
        rows, known = np.ascontiguousarray(origin.context[first:]), origin.covariates[first:]
        with network.backend.session():
            theta = network.backend.upload(self.theta_, network.dtype)
            return function(Continuation(network, theta, rows, known, self.scaling_, origin.n_steps), *options)

    def _quantiles(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        learned = self._by_strategy(self.strategy_.quantiles, origin, levels)
        if learned is not None:
            return learned
        offsets = self._errors(origin).offsets(levels)[: origin.n_steps]
        return self._forecast(origin)[:, :, None] + self._scale(origin) * offsets

    def _sample(self, origin: Origin, n_paths: int, rng: np.random.RandomState) -> np.ndarray:
        if self.network_.architecture.loss.family:
            return self._by_strategy(self.strategy_.sample, origin, n_paths, rng)
        paths = self._errors(origin).paths(n_paths, rng)[: origin.n_steps]
        return self._forecast(origin)[:, :, None] + self._scale(origin) * paths

    def _scale(self, origin: Origin) -> np.ndarray:
        """Of the errors after `origin`, (n_channels, 1)."""
        rows = origin.context[len(origin.context) - self.context_length_ :]
        return self.errors_.scaling.of_windows(rows, np.zeros(1, np.int64), len(rows))[1].T

    def _errors(self, origin: Origin) -> Errors:
        if self.errors_ is None:
            raise ValueError(
                "how sure the forecast is comes from the errors over a validation tail, and this fit had none; fit "
                "with early_stopping=True, or a longer series"
            )
        loss = self.network_.architecture.loss
        if not loss.central:
            raise ValueError(
                f"an interval lies about a mean or a median, and loss={loss} gives neither; add the quantile 0.5, use "
                "strategy='direct', which gives its own quantiles, or another loss"
            )
        known = self.errors_.errors.shape[1]
        if origin.n_steps > known:
            raise ValueError(
                f"errors are known for horizon={known} steps ahead, not for {origin.n_steps}; fit with a longer horizon"
            )
        return self.errors_


def _check_length(history: History, counts: np.ndarray, context_length: int, horizon: int) -> None:
    need = context_length + horizon
    for c, n in enumerate(history.n_rows):
        if n < need:
            raise ValueError(
                f"{history.channel(c)} has {n} observations from the first observed one on, but one window needs "
                f"{need}: context_length={context_length} to read and horizon={horizon} to forecast; pass a longer "
                "series or make one of them smaller"
            )
        if not counts[context_length:, c].any():
            raise ValueError(
                f"nothing remains to learn from: every value of {history.channel(c)} after its first "
                f"context_length={context_length} is missing; drop it, or read less"
            )


def _plan(
    network: Network,
    history: History,
    counts: np.ndarray,
    geometry: Geometry,
    scaling_name: str | None,
    stopping: EarlyStopping | None,
) -> tuple[Plan, SeriesScaling]:
    """Cut the series into windows for training, validation and refit. A window belongs to the tail if a target does."""
    values, observed, covariates = history.values, history.observed, history.covariates
    span = geometry.context + geometry.n_ahead
    n_windows = len(values) - span + 1
    tail = _tail(stopping, counts, geometry) if stopping else 0
    n_train = len(values) - tail
    scaling = SeriesScaling.fit(scaling_name, values[:n_train], observed[:n_train], covariates[:n_train])
    source = Source.upload(network.backend, with_covariates(values, covariates), values, counts)

    def windows(starts: np.ndarray) -> Windows:
        return scaling.windows(values, starts, geometry)

    a = network.architecture

    def prepare(theta: np.ndarray, some: Windows) -> np.ndarray:
        if a.lags:
            _start_linear(network, theta, ridge_start(values, covariates, counts, some, geometry))
        if a.loss.family:
            outcomes = Outcomes.of(network, theta, source, some, geometry, values, counts)
            a.bias(theta)[:] += outcomes.first_biases()
        return theta

    plan = Plan(network, geometry, source, windows(np.arange(n_train - span + 1)), prepare=prepare)
    if stopping and tail:
        starts = np.arange(n_train - geometry.context, n_windows)
        plan.validation = Validation(source, windows(starts), geometry, stopping)
        plan.judge = partial(_judge, network, plan.validation, values, counts, scaling.target)
        if a.loss.spread:
            plan.adjust = partial(_widen, network, plan.validation, values, counts)
        if stopping.refits(tail, len(values) - geometry.context):
            scaling = SeriesScaling.fit(scaling_name, values, observed, covariates)
            plan.refit = windows(np.arange(n_windows))
    return plan, scaling


def _judge(
    network: Network,
    validation: Validation,
    values: np.ndarray,
    counts: np.ndarray,
    scaling: Scaling,
    theta: np.ndarray,
) -> dict[str, Any]:
    """The errors over the validation tail, as a forecast makes them."""
    geometry, windows = validation.geometry, validation.windows
    outputs = network.predict(
        network.backend.upload(theta, network.dtype), validation.source, windows, geometry, free_run=True
    )
    forecasts = point(network.architecture.loss, outputs).reshape(len(windows), geometry.n_ahead, -1)
    truth, seen = windows.ahead(values, counts, geometry.n_ahead)
    return {"errors_": Errors(np.where(seen, truth - forecasts, np.nan), scaling)}


def _widen(
    network: Network, validation: Validation, values: np.ndarray, counts: np.ndarray, theta: np.ndarray
) -> np.ndarray:
    """What to add to theta for the validation tail to be likeliest by one width for all."""
    added, held_out = np.zeros_like(theta), (validation.source, validation.windows, validation.geometry)
    network.architecture.bias(added)[:] = Outcomes.of(network, theta, *held_out, values, counts).widening()
    return added


def _tail(stopping: EarlyStopping, counts: np.ndarray, geometry: Geometry) -> int:
    """Rows held out at the end. A default tail leaves half of the windows, or is not there; an asked one must fit.

    `counts` (n, n_channels) says which values are learned from: some of each channel, or there is no tail.
    """
    n, span = len(counts), geometry.context + geometry.n_ahead
    n_windows, tail = n - span + 1, stopping.rows(n - geometry.context, at_least=2 * geometry.n_ahead)
    if stopping.validation_size is None:
        tail = min(tail, n_windows // 2)
        if tail < geometry.n_ahead:
            return 0
    hint = f"validation_size={stopping.validation_size!r} holds out {tail} observations"
    if tail < geometry.n_ahead:
        raise ValueError(f"{hint}, but a window has {geometry.n_ahead} targets; make it at least that")
    if tail >= n_windows:
        raise ValueError(
            f"{hint} and leaves no window of {geometry.context} + {geometry.n_ahead} for training; make it smaller, or "
            "early_stopping=False"
        )
    if counts[geometry.context : n - tail].any(axis=0).all() and counts[n - tail :].any():
        return tail
    if stopping.validation_size is None:
        return 0
    raise ValueError(
        f"{hint}, which leaves some channel with nothing observed to learn from, or none to validate on; choose "
        "another size"
    )


def _start_linear(network: Network, theta: np.ndarray, start: LinearStart) -> None:
    """Put the ridge solution into the linear parts, and its intercept into the head's bias."""
    a = network.architecture
    views = a.views(theta)
    views["skip"][:] = start.lags
    bias = a.bias(theta).reshape(a.block, a.n_targets, a.loss.size)
    for p in a.loss.location:
        bias[:, :, p] = start.intercept.T
        for j in range(a.block if a.n_covariates else 0):
            of_step = views[f"ahead{j}"].reshape(a.n_targets, a.loss.size, -1)
            of_step[:, p] = start.ahead[:, j, : of_step.shape[2]]


# ---------------------------------------------------------------- the three cells
@documented
@dataclass(eq=False, repr=False, kw_only=True)
class LSTMForecaster(RecurrentForecaster):
    """Forecasts a series with a long short-term memory network (Hochreiter & Schmidhuber 1997).

    Examples
    --------
    >>> from tsrnn import LSTMForecaster
    >>> from tsrnn.datasets import load_air_passengers
    >>> y = load_air_passengers()
    >>> forecaster = LSTMForecaster(horizon=12, max_epochs=5, random_state=0).fit(y)
    >>> forecaster.predict(3).index[0]
    Timestamp('1961-01-01 00:00:00')
    """

    def make_cell(self) -> Cell:
        """The cell."""
        return lstm_cell()


@documented
@dataclass(eq=False, repr=False, kw_only=True)
class GRUForecaster(RecurrentForecaster):
    """Forecasts a series with a gated recurrent unit network (Cho et al. 2014).

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import GRUForecaster
    >>> wave = np.sin(np.arange(100) / 3)
    >>> GRUForecaster(horizon=4, max_epochs=5, random_state=0).fit(wave).predict().shape
    (4,)
    """

    reset_after: bool = True

    def make_cell(self) -> Cell:
        """The cell in the form that `reset_after` asks for."""
        return gru_cell(flag("reset_after", self.reset_after))


@documented
@dataclass(eq=False, repr=False, kw_only=True)
class RNNForecaster(RecurrentForecaster):
    """Forecasts a series with a vanilla recurrent network (Elman 1990).

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import RNNForecaster
    >>> wave = np.sin(np.arange(100) / 3)
    >>> RNNForecaster(horizon=4, max_epochs=5, random_state=0).fit(wave).predict(6).shape
    (6,)
    """

    nonlinearity: str = "tanh"

    def make_cell(self) -> Cell:
        """The cell with the `nonlinearity`."""
        return rnn_cell(choice("nonlinearity", self.nonlinearity, NONLINEARITIES))
