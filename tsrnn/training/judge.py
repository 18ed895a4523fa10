"""What the validation part tells about a trained network: errors for intervals, and the width of a likelihood."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..data.levels import Lags
from ..data.panel import Panel
from ..data.seasons import Seasons
from ..data.windows import Windows
from ..forecasting.conformal import Calibration, Errors
from ..forecasting.strategies import Strategy
from ..networks.network import Network, Source
from .biases import Predictions
from .plan import HeldOut, Plan


@dataclass(frozen=True)
class Judgement:
    """Results on the validation part.

    Attributes
    ----------
    errors : Errors
        Of forecasts as far ahead as the horizon.
    calibration : Calibration
        What measures errors further ahead.
    widening : (n_parameters,)
        Parameter change that rescales the predictive distribution to maximise the validation likelihood; 0 where the
        loss has no scale.
    """

    errors: Errors
    calibration: Calibration
    widening: np.ndarray


def judge(
    network: Network, plan: Plan, history: Panel, seasons: Seasons, strategy: Strategy, theta: np.ndarray,
    changes: Panel | None = None, lags: Lags = (),
) -> Judgement | None:  # fmt: skip
    """Judge the parameters `theta` of the training part; None without validation part.

    `history` is the panel before `Seasons.read`, with the covariates as `known`. Where its values are differences with
    `lags`, `changes` are those of levels without gaps. To be called within the backend's session.
    """
    if plan.held_out is None:
        return None
    calibration = _calibration(plan, plan.held_out, history, seasons, strategy, theta.astype(network.dtype))
    if changes is not None:
        first = history.n_rows - calibration.panel.n_rows
        calibration = replace(calibration, changes=changes.part(first).values, lags=lags)
    errors = calibration.errors(network, plan.geometry.n_ahead)
    return Judgement(errors, calibration, _widening(network, plan, plan.held_out, theta))


def _calibration(
    plan: Plan, held_out: HeldOut, history: Panel, seasons: Seasons, strategy: Strategy, theta: np.ndarray
) -> Calibration:
    assert plan.panel is not None
    assert held_out.scaling is not None
    assert held_out.n_rows is not None
    assert isinstance(held_out.windows, Windows)
    judged = held_out.weight > 0
    if seasons.reach:
        judged = np.zeros(history.values.shape, bool)
        judged[history.positions >= seasons.reach] = held_out.weight > 0  # the rows that `Seasons.read` keeps
    n_origins = np.maximum(held_out.n_rows - plan.geometry.n_ahead + 1, 0)
    first = np.where(n_origins > 0, plan.panel.n_rows - held_out.n_rows - plan.geometry.context, history.n_rows)
    return Calibration(
        history.part(first),
        replace(history, observed=judged).part(first).observed,
        n_origins,
        history.n_rows - history.padding,
        theta,
        held_out.scaling,
        seasons,
        strategy,
        plan.geometry.context,
        held_out.windows.static,
    )


def _widening(network: Network, plan: Plan, held_out: HeldOut, theta: np.ndarray) -> np.ndarray:
    change = np.zeros_like(theta)
    if network.architecture.loss.spread:
        assert isinstance(held_out.windows, Windows)
        source = Source.upload(network.backend, plan.inputs)
        predictions = Predictions.of(
            network, theta, source, held_out.windows, plan.geometry, plan.targets, held_out.weight
        )
        network.architecture.bias(change)[:] = predictions.widening()
    return change
