"""Panels of several series below the estimators: everything about a series is as if it were alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn import EarlyStopping
from tsrnn.data.panel import Panel
from tsrnn.data.scaling import PanelScaling
from tsrnn.data.seasons import Seasons
from tsrnn.data.windows import Geometry, Windows, scored
from tsrnn.forecasting.strategies import as_strategy
from tsrnn.losses.registry import LOSSES
from tsrnn.networks.architecture import Architecture
from tsrnn.networks.network import Network, Source
from tsrnn.training.fit import fit_network
from tsrnn.training.judge import judge
from tsrnn.training.options import Adam, Settings
from tsrnn.training.plan import plan_forecaster
from tsrnn.training.ridge import ridge_start
from tsrnn.training.validation import held_out_rows

from .problems import CELLS

LENGTHS = (60, 9, 42, 30)
CONTEXT, HORIZON = 8, 3
NONE = Seasons()


def thirds(n, n_covariates):
    """As many -1 as 0 as 1, (n / 3, 3, n_covariates)."""
    return np.broadcast_to(np.array([-1.0, 0, 1])[:, None], (n // 3, 3, n_covariates))


def four(n_channels=2, n_covariates=1):
    """Four series of different lengths, levels and amplitudes; the second is shorter than a window.

    Their covariates have the same mean and deviation, by which those of all series are scaled together.
    """
    rng = np.random.default_rng(0)
    parts = []
    for s, n in enumerate(LENGTHS):
        wave = np.sin(np.arange(n)[:, None] / 3 + np.arange(n_channels))
        values = 10.0**s * (s + wave + 0.1 * rng.normal(size=(n, n_channels)))
        observed = rng.uniform(size=values.shape) < 0.95
        observed[0] = True
        parts.append(Panel.of_one(values, observed, rng.permuted(thirds(n, n_covariates), axis=1).reshape(n, -1)))
    parts[2].observed[:12, 1] = False  # a channel that begins late
    return Panel.join(parts)


def planned(panel, strategy="direct", scaling="standard", stopping=None, seasons=NONE):
    """The plan of a fit, the panel that it reads, and the strategy."""
    strategy = as_strategy(strategy)
    geometry, read = strategy.geometry(CONTEXT, HORIZON), seasons.read(panel)
    is_scored = scored(read, geometry, panel.first_observed)
    channels = [f"channel {c}" for c in range(panel.values.shape[1])]
    return plan_forecaster(read, is_scored, geometry, scaling, seasons.n_inputs, stopping, channels), read, strategy


def network_for(panel, geometry, seasons=NONE, loss="mse"):
    """A small network with a linear skip, and its first parameters."""
    C = panel.values.shape[1]
    F = panel.known.shape[1] - C * seasons.n_inputs
    a = Architecture(
        CELLS["rnn_tanh"], C + panel.known.shape[1], C, geometry.block, LOSSES[loss], hidden_size=2, lags=CONTEXT,
        n_covariates=F, n_seasonal=seasons.n_inputs,
    )  # fmt: skip
    network = Network(a, "float64")
    return network, network.architecture.initialise(np.random.default_rng(0))


def fit(panel, **options):
    """A fit, its plan, network and strategy."""
    seasons, loss = options.get("seasons", NONE), options.pop("loss", "mse")
    plan, read, strategy = planned(panel, **options)
    network, theta = network_for(read, plan.geometry, seasons, loss)
    settings = Settings(Adam(), learning_rate=0.01, batch_size=8, max_epochs=5)
    with network.backend.session():
        return fit_network(network, plan, theta, settings, seed=0), plan, network, strategy


# ------------------------------------------------------------ rows and windows
def test_rows_know_their_series():
    panel = four()
    assert len(panel) == 4
    assert_array_equal(panel.n_rows, LENGTHS)
    assert_array_equal(panel.series, np.repeat(range(4), LENGTHS))
    assert_array_equal(panel.positions, np.concatenate([np.arange(n) for n in LENGTHS]))
    assert_array_equal(panel.first_observed, [[0, 0], [0, 0], [0, panel.observed[69:111, 1].argmax()], [0, 0]])
    again = Panel.join(list(panel))
    for name in ("values", "observed", "known", "indptr"):
        assert_array_equal(getattr(again, name), getattr(panel, name))


def test_a_part_is_counted_within_each_series():
    panel = four()
    part = panel.part(np.array([2, 0, 42, 10]), np.array([5, 20, 42, 30]))
    assert_array_equal(part.n_rows, [3, 9, 0, 20])
    spans = [(2, 5), (0, 9), (42, 42), (10, 30)]
    expected = np.vstack([one.values[slice(*rows)] for one, rows in zip(panel, spans, strict=True)])
    assert_array_equal(part.values, expected)


def test_inputs_do_not_look_into_the_next_series():
    panel = four()
    assert_array_equal(panel.inputs(), np.vstack([one.inputs() for one in panel]))


@pytest.mark.parametrize("strategy", ["direct", "recursive"])
@pytest.mark.parametrize("scaling", ["standard", "window", "robust", "last", "mean", None])
def test_windows_are_those_of_each_series(scaling, strategy):
    panel, geometry = four(), as_strategy(strategy).geometry(CONTEXT, HORIZON)
    windows = Windows.of_panel(panel, PanelScaling.fit(scaling, panel), geometry)
    assert_array_equal(windows.series, np.repeat([0, 2, 3], [50, 32, 20]))
    for s, one in enumerate(panel):
        alone = Windows.of_panel(one, PanelScaling.fit(scaling, one), geometry)
        own = windows.take(np.flatnonzero(windows.series == s))
        assert_array_equal(own.start - panel.indptr[s], alone.start)
        assert_array_equal(own.target - panel.indptr[s], alone.target)
        for name in ("shift", "scale", "target_shift", "target_scale"):
            assert_array_equal(getattr(own, name), getattr(alone, name))


def test_standard_scaling_is_that_of_each_series_and_channel():
    panel = four()
    scaling = PanelScaling.fit("standard", panel)
    for s, one in enumerate(panel):
        for c in range(2):
            values = one.values[one.observed[:, c], c]
            assert_allclose(scaling.target.mean[s, c], values.mean(), rtol=1e-12)
            assert_allclose(scaling.target.scale[s, c], values.std(), rtol=1e-12)
        assert_allclose(scaling.covariates.mean[s], one.known.mean(axis=0), rtol=1e-9)


def test_what_is_scored_is_that_of_each_series():
    panel, geometry = four(), Geometry(CONTEXT, block=HORIZON)
    alone = [scored(one, geometry) for one in panel]
    assert_array_equal(scored(panel, geometry), np.vstack(alone))
    assert not alone[2][:20, 1].any()


def test_seasonal_inputs_are_those_of_each_series():
    panel, seasons = four(), Seasons({12: (12,)}, shortest=2)
    assert seasons.reach == 13
    read = seasons.read(panel)
    assert_array_equal(read.n_rows, [47, 0, 29, 17])
    assert_array_equal(read.known, np.vstack([seasons.read(one).known for one in panel]))


# ------------------------------------------------------------ validation part
@pytest.mark.parametrize("size", [None, 5, 0.2])
def test_the_validation_part_is_the_end_of_each_series(size):
    panel, geometry, stopping = four(), Geometry(CONTEXT, block=HORIZON), EarlyStopping(validation_size=size)
    found = held_out_rows(stopping, panel, scored(panel, geometry), geometry)
    for s, one in enumerate(panel):
        if s != 1:
            assert found[s] == held_out_rows(stopping, one, scored(one, geometry), geometry)[0] > 0
    assert found[1] == 0


def test_a_size_that_suits_no_series_is_refused():
    panel, geometry = four(), Geometry(CONTEXT, block=HORIZON)
    with pytest.raises(ValueError, match="validation_size=60 holds out 60 observations and leaves no window"):
        held_out_rows(EarlyStopping(validation_size=60), panel, scored(panel, geometry), geometry)


def test_the_plan_holds_the_windows_of_each_series():
    panel = four()
    plan, _, _ = planned(panel, stopping=EarlyStopping(validation_size=6, refit_full=True))
    for s, one in enumerate(panel):
        if s == 1:
            continue
        alone, _, _ = planned(one, stopping=EarlyStopping(validation_size=6, refit_full=True))
        pairs = [(plan.windows, alone.windows), (plan.held_out.windows, alone.held_out.windows)]
        for ours, theirs in [*pairs, (plan.refit, alone.refit)]:
            own = ours.take(np.flatnonzero(ours.series == s))
            assert_array_equal(own.target - panel.indptr[s], theirs.target)
            assert_array_equal(own.scale, theirs.scale)
    assert not {1} & {*plan.windows.series, *plan.held_out.windows.series, *plan.refit.series}


# ------------------------------------------------------------ training
def test_the_ridge_start_is_that_of_all_windows():
    """The same windows of the same values in one series give the same normal equations."""
    panel, geometry = four(), Geometry(CONTEXT, block=HORIZON)
    weight = scored(panel, geometry)
    windows = Windows.of_panel(panel, PanelScaling.fit(None, panel), geometry)
    whole = Panel.of_one(panel.values, panel.observed, panel.known)
    scales = PanelScaling.fit(None, whole).scales(whole.values)
    scales.table[:, :, 2] = windows.scales.table[:, :1, 2]  # of the covariate
    windows.scales.table[:, :, 2] = windows.scales.table[:, :1, 2]
    same = Windows.at(windows.start, np.zeros(len(windows)), scales, geometry)
    ours, theirs = ridge_start(panel, weight, windows, geometry), ridge_start(whole, weight, same, geometry)
    for name in ("lags", "ahead", "intercept"):
        assert_array_equal(getattr(ours, name), getattr(theirs, name))
        assert getattr(ours, name).any()


@pytest.mark.parametrize("loss", ["mse", "gaussian"])
@pytest.mark.parametrize("strategy", ["direct", "recursive"])
@pytest.mark.parametrize("scaling", ["standard", "window", "pooled", "last", None])
def test_a_panel_trains(scaling, strategy, loss):
    trained, plan, network, _ = fit(four(), strategy=strategy, scaling=scaling, stopping=EarlyStopping(), loss=loss)
    curve = trained.training.validation_curve
    assert np.isfinite(trained.theta).all()
    assert len(curve) == 6
    assert trained.training.n_updates == 5 * -(-len(plan.windows) // 8)


def test_the_loss_is_the_mean_over_the_windows_of_all_series():
    panel = four()
    plan, read, _ = planned(panel)
    network, theta = network_for(read, plan.geometry)
    theta += 0.3

    def loss(plan):
        source = Source.upload(network.backend, plan.inputs, plan.targets, plan.weight)
        work = network.workspace(plan.geometry, 8, loss=network.architecture.loss)
        value, weight = network.evaluate(work, theta, source, plan.windows, free_run=False)
        assert weight == plan.windows.ahead(plan.targets, plan.weight, HORIZON)[1].sum()
        return value, weight

    parts = np.array([loss(planned(one)[0]) for s, one in enumerate(panel) if s != 1])
    total, weight = loss(plan)
    assert weight == parts[:, 1].sum()
    assert_allclose(total, parts[:, 0].sum(), rtol=1e-12)


@pytest.mark.parametrize("seasons", [NONE, Seasons({6: (6,)})], ids=["", "seasons"])
@pytest.mark.parametrize("strategy", ["direct", "recursive"])
@pytest.mark.parametrize("scaling", ["standard", "window", "robust", "mean"])
def test_errors_are_those_of_each_series(scaling, strategy, seasons):
    """With the same parameters, as far ahead as the horizon and further."""
    panel, stopping = four(), EarlyStopping(validation_size=6, refit_full=False)
    plan, read, strategy = planned(panel, strategy, scaling, stopping, seasons)
    network, theta = network_for(read, plan.geometry, seasons)
    theta += 0.1 * np.random.default_rng(1).normal(size=len(theta))
    together = judge(network, plan, panel, seasons, strategy, theta).calibration
    parts = [one for s, one in enumerate(panel) if s != 1]
    alone = [
        judge(network, planned(one, strategy, scaling, stopping, seasons)[0], one, seasons, strategy, theta).calibration
        for one in parts
    ]
    for n_leads in (HORIZON, 8):
        expected = np.concatenate([calibration.errors(network, n_leads).errors for calibration in alone])
        found = together.errors(network, n_leads).errors
        assert len(found) == 3 * (6 - HORIZON + 1)
        assert_array_equal(found, expected)
        assert np.isfinite(found[:, 0]).any()
