"""Autoregressions of panels: equal to the fit of each series alone; a pooled model by its definition; forecasts."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn.data.panel import Panel
from tsrnn.linear import panel as linear_panel
from tsrnn.linear.autoregression import complete_rows, fit_autoregression
from tsrnn.linear.conditioning import last_values
from tsrnn.linear.panel import fit_panel, fit_pooled, last_rows, moments, select_panel, select_pooled
from tsrnn.linear.selection import Candidates, Series, seasonal_candidates, select_autoregression

LENGTHS = [120, 40, 200, 199, 61, 120]


def make_panel(lengths=LENGTHS, n_covariates=0, n_channels=1, seed=0):
    """Second-order autoregressions with levels and scales of their own, and a season of 12."""
    rng, panels = np.random.default_rng(seed), []
    for s, n in enumerate(lengths):
        known = rng.normal(size=(n, n_covariates)) * 10.0 ** np.arange(n_covariates)
        y = rng.normal(size=(n, n_channels))
        for t in range(2, n):
            y[t] += 1.1 * y[t - 1] - 0.5 * y[t - 2]
        y += 3 * np.sin(2 * np.pi * np.arange(n) / 12)[:, None] + known.sum(axis=1, keepdims=True)
        panels.append(Panel.of_one(10.0**s * (y + s), known=known))
    return Panel.join(panels)


def with_missing(panel, share, seed=1):
    observed = np.random.default_rng(seed).uniform(size=panel.values.shape) >= share
    return Panel(panel.values, observed, panel.known, panel.indptr)


def alone(panel, s, channel=0):
    """Values, mask and covariates of a series."""
    rows = slice(*panel.indptr[s : s + 2])
    return panel.values[rows, channel], panel.observed[rows, channel], panel.known[rows]


def assert_same(found, expected):
    assert found.lags == expected.lags
    scale = np.abs(expected.coefficients).max(initial=1e-3)
    assert_allclose(found.coefficients, expected.coefficients, rtol=1e-9, atol=1e-9 * scale)
    assert_allclose(found.effects, expected.effects, rtol=1e-9, atol=1e-12 * np.abs(expected.effects).max(initial=0))
    numbers = [[getattr(model, name) for name in linear_panel._NUMBERS] for model in (found, expected)]
    assert_allclose(*numbers, rtol=1e-9)


# ------------------------------------------------------------ a model for each series
@pytest.mark.parametrize("trend", ["n", "c", "t", "ct"])
@pytest.mark.parametrize("ridge", [0.0, 2.0])
@pytest.mark.parametrize("lags", [(), (1,), tuple(range(1, 13)), (1, 4, 12)], ids=str)
@pytest.mark.parametrize("n_covariates", [0, 2])
def test_given_lags_as_alone(trend, ridge, lags, n_covariates):
    panel = make_panel(n_covariates=n_covariates)
    models = fit_panel(panel, lags, trend, ridge)
    assert len(models) == len(panel)
    for s, model in enumerate(models):
        y, observed, known = alone(panel, s)
        assert_same(model, fit_autoregression(y, complete_rows(observed, lags), lags, trend, ridge, known))


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_given_lags_with_missing_values(share):
    panel, lags = with_missing(make_panel(n_covariates=1), share), (1, 3)
    for s, model in enumerate(fit_panel(panel, lags, "c", 0.0)):
        y, observed, known = alone(panel, s)
        assert_same(model, fit_autoregression(y, complete_rows(observed, lags), lags, "c", 0.0, known))


@pytest.mark.parametrize("criterion", ["aic", "bic"])
@pytest.mark.parametrize("ridge", [0.0, 2.0])
@pytest.mark.parametrize("trend", ["n", "ct"])
@pytest.mark.parametrize("seasons", [(), (12,), (7, 12, 30)], ids=str)
def test_criterion_as_alone(criterion, ridge, trend, seasons):
    panel = make_panel(n_covariates=1)
    candidates = [seasonal_candidates(round(2 * n**0.4), seasons) for n in panel.n_rows]
    models, is_tried = select_panel(panel, candidates, trend, ridge, criterion)
    assert len(set(models.lags)) > 1
    for s, model in enumerate(models):
        expected, tried = select_autoregression(Series(*alone(panel, s), trend, ridge, criterion), candidates[s])
        assert_same(model, expected)
        assert is_tried[s] == tried


def test_criterion_with_missing_values_and_late_starts():
    panel = make_panel()
    observed = panel.observed.copy()
    observed[panel.indptr[0] : panel.indptr[0] + 30] = False  # begins late
    observed[panel.indptr[3] - 20 : panel.indptr[3]] = False  # ends early
    observed[panel.indptr[3] : panel.indptr[4] : 2] = False  # every second value
    panel = Panel(panel.values, observed, panel.known, panel.indptr)
    candidates = [seasonal_candidates(12, (12,))] * len(panel)
    models, _ = select_panel(panel, candidates, "c", 0.0, "aic")
    assert all(lag % 2 == 0 for lag in models.lags[3])
    for s, model in enumerate(models):
        assert_same(model, select_autoregression(Series(*alone(panel, s), "c", 0.0, "aic"), candidates[s])[0])


def test_series_too_short_for_any_order():
    panel = make_panel([5, 100])
    models, is_tried = select_panel(panel, [seasonal_candidates(8, ())] * 2, "c", 0.0, "aic")
    assert is_tried.tolist() == [False, True]
    assert models.lags[0] == ()
    assert_allclose(models.intercept[0], panel.values[:5].mean())


def test_channels():
    panel = make_panel(n_channels=2)
    for channel in (0, 1):
        models = fit_panel(panel, (1, 2), "c", 0.0, channel)
        y, observed, known = alone(panel, 2, channel)
        assert_same(models[2], fit_autoregression(y, complete_rows(observed, (1, 2)), (1, 2), "c", 0.0, known))


@pytest.mark.parametrize("size", [1, 300, 5000])
def test_the_size_of_a_batch_does_not_matter(size, monkeypatch):
    panel = make_panel(n_covariates=1)
    expected = fit_panel(panel, (1, 2, 5), "ct", 0.0)
    pooled = fit_pooled(panel, (1, 2, 5), "ct", 0.0).model
    monkeypatch.setattr(linear_panel, "BATCH_SIZE", size)
    for found, other in zip(fit_panel(panel, (1, 2, 5), "ct", 0.0), expected, strict=True):
        assert_same(found, other)
    assert_same(fit_pooled(panel, (1, 2, 5), "ct", 0.0).model, pooled)


DEGENERATE = {
    "constant": np.full(40, 7.0),
    "zero": np.zeros(40),
    "line": 3 + 2.0 * np.arange(40),
    "alternating": np.tile([1.0, -1.0], 20),
    "large": 1e200 * np.random.default_rng(0).normal(size=40),
    "small": 1e-200 * np.random.default_rng(0).normal(size=40),
}


def test_degenerate_series_as_alone():
    """Singular regressions have the shortest solution; one series does not spoil the others."""
    panel = Panel.join([Panel.of_one(y[:, None]) for y in DEGENERATE.values()])
    for s, model in enumerate(fit_panel(panel, (1, 2, 3), "c", 0.0)):
        y, observed, known = alone(panel, s)
        expected = fit_autoregression(y, complete_rows(observed, (1, 2, 3)), (1, 2, 3), "c", 0.0, known)
        assert_allclose(model.coefficients, expected.coefficients, rtol=1e-9, atol=1e-12)
        assert_allclose(model.intercept, expected.intercept, rtol=1e-9, atol=1e-12 * np.abs(y).max())


@pytest.mark.parametrize("ridge", [0.0, 2.0])
def test_a_covariate_that_is_zero_in_one_series(ridge):
    panel = make_panel(n_covariates=1)
    panel.known[panel.indptr[1] : panel.indptr[2]] = 0.0
    candidates = [seasonal_candidates(6, ())] * len(panel)
    for s, model in enumerate(select_panel(panel, candidates, "c", ridge, "aic")[0]):
        expected, _ = select_autoregression(Series(*alone(panel, s), "c", ridge, "aic"), candidates[s])
        assert_same(model, expected)


def test_as_many_coefficients_as_rows():
    panel = make_panel([5, 40])
    models = fit_panel(panel, (1, 2), "c", 0.0)
    assert np.isnan(models.deviation).tolist() == [True, False]


def test_no_complete_row():
    panel = make_panel([40, 3, 40])
    with pytest.raises(ValueError, match=r"series 1 has no row in which its value and the lags \(1, 5\) were observed"):
        fit_panel(panel, (1, 5), "c", 0.0)
    with pytest.raises(ValueError, match=r"no series has a row in which its value and the lags \(90,\)"):
        fit_pooled(panel, (90,), "c", 0.0)


def test_time_for_many_series():
    """A loop over 1,000 series of 200 steps took 0.6 s for 12 lags and 1.4 s for all orders up to 24."""
    rng = np.random.default_rng(0)
    panel = Panel.join([Panel.of_one(rng.normal(size=(200, 1))) for _ in range(1000)])
    started = time.process_time()
    fit_panel(panel, tuple(range(1, 13)), "c", 0.0)
    select_panel(panel, [seasonal_candidates(24, (12,))] * 1000, "c", 0.0, "aic")
    assert time.process_time() - started < 4


# ------------------------------------------------------------ forecasts
@pytest.fixture
def selected():
    panel = make_panel(n_covariates=2)
    candidates = [seasonal_candidates(k, ()) for k in (1, 2, 4, 9, 13, 3)]
    return panel, select_panel(panel, candidates, "ct", 0.0, "aic")[0]


def test_forecasts_as_alone(selected):
    panel, models = selected
    rng = np.random.default_rng(5)
    future, shocks = rng.normal(size=(len(panel), 7, 2)), rng.normal(size=(7, len(panel), 4))
    before = last_rows(panel, models)
    assert not before.pasts
    offsets = models.offsets(panel.n_rows, future)
    assert offsets.shape == (7, len(panel))
    found, paths = models.forecast(before.values, offsets), models.forecast(before.values, offsets, shocks)
    assert paths.shape == (7, len(panel), 4)
    for s, model in enumerate(models):
        y, _, _ = alone(panel, s)
        own = model.offsets(len(y), future[s])
        assert_allclose(offsets[:, s], own)
        assert_allclose(found[:, s], model.forecast(y, own), rtol=1e-9)
        assert_allclose(models.spread(7)[:, s], model.spread(7), rtol=1e-9)
        repeated = np.repeat(y[:, None], 4, axis=1)
        assert_allclose(paths[:, s], model.forecast(repeated, own, shocks[:, s]), rtol=1e-9)


def test_paths_from_random_last_values(selected):
    panel, models = selected
    before = np.random.default_rng(0).normal(size=(models.longest, len(panel), 3))
    offsets = models.offsets(0, np.zeros((len(panel), 5, 2)))
    shocks = np.random.default_rng(1).normal(size=(5, len(panel), 3))
    for paths in (models.forecast(before, offsets), models.forecast(before, offsets, shocks)):
        assert paths.shape == (5, len(panel), 3)
    own = models[3].forecast(before[:, 3], offsets[:, 3], shocks[:, 3])
    assert_allclose(models.forecast(before, offsets, shocks)[:, 3], own)


def test_some_of_the_models(selected):
    panel, models = selected
    some = models.take(np.array([4, 1]))
    assert len(some) == 2
    assert_same(some[0], models[4])
    assert_same(some[1], models[1])


def test_last_rows_with_missing_values():
    panel = make_panel(n_covariates=1)
    observed = panel.observed.copy()
    observed[panel.indptr[3] - 2 : panel.indptr[3]] = False  # the end of series 2
    observed[panel.indptr[5] - 4] = False  # before the last lags of series 4
    panel = Panel(panel.values, observed, panel.known, panel.indptr)
    models = fit_panel(panel, (1, 3), "c", 0.0)
    found = last_rows(panel, models)
    assert set(found.pasts) == {2}
    for s, model in enumerate(models):
        y, seen, known = alone(panel, s)
        expected = last_values(model, y, seen, model.offsets(0, known))
        assert_array_equal(found.values[:, s], expected.mean)
    assert_array_equal(found.pasts[2].missing, [1, 2])


def test_last_rows_with_different_lags(selected):
    """A value before the first lag of a series does not matter, missing or not."""
    panel, models = selected
    own = np.array([max(lags, default=0) for lags in models.lags])
    short = int(np.flatnonzero((own > 0) & (own < models.longest))[0])
    observed = panel.observed.copy()
    observed[panel.indptr[short + 1] - own[short] - 1] = False
    found = last_rows(Panel(panel.values, observed, panel.known, panel.indptr), models)
    assert not found.pasts
    for s in range(len(panel)):
        expected = np.append(np.zeros(models.longest), alone(panel, s)[0][-own[s] :] if own[s] else [])
        assert_array_equal(found.values[:, s], expected[len(expected) - models.longest :])


# ------------------------------------------------------------ one model for all
def pooled_by_definition(panel, lags, trend, ridge=0.0):
    """Coefficients, with the trend and covariates first, and the residual variance, by stacked rows."""
    rows, targets, longest = [], [], max(lags, default=0)
    for s in range(len(panel)):
        y, observed, known = alone(panel, s)
        deviation = y[observed].std()
        z = (y - y[observed].mean()) / (deviation if deviation > 1e-12 else 1.0)
        for t in range(longest, len(y)):
            if observed[t] and all(observed[t - lag] for lag in lags):
                terms = [1.0] * ("c" in trend) + [t + 1.0] * ("t" in trend)
                rows.append([*terms, *known[t], *(z[t - lag] for lag in lags)])
                targets.append(z[t])
    x, target = np.array(rows), np.array(targets)
    k = x.shape[1]
    penalty = np.sqrt(ridge) * np.eye(len(lags), k, k - len(lags))
    solution = np.linalg.lstsq(np.vstack([x, penalty]), np.append(target, np.zeros(len(lags))), rcond=None)[0]
    return solution, np.mean((target - x @ solution) ** 2), len(target)


@pytest.mark.parametrize("trend", ["n", "c", "t", "ct"])
@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize("ridge", [0.0, 3.0])
def test_pooled_by_definition(trend, share, ridge):
    panel, lags = with_missing(make_panel(n_covariates=1), share), (1, 2, 12)
    model = fit_pooled(panel, lags, trend, ridge).model
    solution, sigma2, n = pooled_by_definition(panel, lags, trend, ridge)
    terms = [model.intercept] * ("c" in trend) + [model.slope] * ("t" in trend)
    assert_allclose([*terms, *model.effects, *model.coefficients], solution, rtol=1e-8, atol=1e-10)
    assert_allclose(model.sigma2, sigma2, rtol=1e-9)
    assert_allclose(model.deviation, np.sqrt(sigma2 * n / (n - len(solution))), rtol=1e-9)
    assert_allclose(model.bic, n * (np.log(2 * np.pi * sigma2) + 1) + np.log(n) * (len(solution) + 1), rtol=1e-9)


def test_pooled_forecasts_in_the_units_of_each_series():
    panel = make_panel(n_covariates=1)
    pooled = fit_pooled(panel, (1, 2, 12), "ct", 0.0)
    models, future = pooled.models(), np.random.default_rng(0).normal(size=(len(panel), 5, 1))
    found = models.forecast(last_rows(panel, models).values, models.offsets(panel.n_rows, future))
    for s in range(len(panel)):
        y = alone(panel, s)[0]
        scaled = pooled.model.forecast((y - y.mean()) / y.std(), pooled.model.offsets(len(y), future[s]))
        assert_allclose(found[:, s], y.mean() + y.std() * scaled, rtol=1e-8)
        assert_allclose(models.spread(5)[:, s], y.std() * pooled.model.spread(5), rtol=1e-8)


def test_pooled_models_of_other_series():
    pooled, other = fit_pooled(make_panel(), (1, 2), "c", 0.0), make_panel([30, 50], seed=9)
    mean, deviation = moments(other)
    models = pooled.models(mean, deviation)
    assert len(models) == 2
    y = other.values[30:, 0]
    scaled = pooled.model.forecast((y - y.mean()) / y.std(), pooled.model.offsets(0, np.empty((3, 0))))
    found = models.forecast(last_rows(other, models).values, models.offsets(0, np.empty((2, 3, 0))))
    assert_allclose(found[:, 1], y.mean() + y.std() * scaled)


def test_units_and_copies_do_not_change_a_pooled_model():
    panel = make_panel()
    scaled = Panel(1e150 * panel.values + 1e151, panel.observed, panel.known, panel.indptr)
    expected = fit_pooled(panel, (1, 2), "c", 0.0).model
    assert_allclose(fit_pooled(scaled, (1, 2), "c", 0.0).model.coefficients, expected.coefficients, rtol=1e-4)
    twice = fit_pooled(Panel.join([panel, panel]), (1, 2), "c", 0.0).model
    assert_allclose(twice.coefficients, expected.coefficients, rtol=1e-9)
    assert_allclose(twice.sigma2, expected.sigma2, rtol=1e-9)


def test_a_pooled_model_learns_what_short_series_share():
    """Twelve values tell a series alone little about its coefficients; two hundred such series tell them well."""
    rng, panels = np.random.default_rng(0), []
    for _ in range(200):
        y = np.zeros(60)
        for t in range(1, 60):
            y[t] = -0.7 * y[t - 1] + rng.normal()
        panels.append(Panel.of_one(rng.uniform(1, 100) * y[-12:, None]))
    panel = Panel.join(panels)
    assert_allclose(fit_pooled(panel, (1,), "c", 0.0).model.coefficients, -0.7, atol=0.05)
    assert fit_panel(panel, (1,), "c", 0.0).coefficients.std() > 0.15


def test_moments():
    panel = with_missing(make_panel(), 0.2)
    mean, deviation = moments(panel)
    for s in range(len(panel)):
        y, observed, _ = alone(panel, s)
        assert_allclose([mean[s], deviation[s]], [y[observed].mean(), y[observed].std()], rtol=1e-10)


def test_constants_in_a_pooled_model():
    levels = [0.1, 0.0, 1e200, -7.3]
    constants = Panel.join([Panel.of_one(np.full((9, 1), level)) for level in levels])
    assert_array_equal(moments(constants), [levels, np.ones(4)])
    expected = fit_pooled(make_panel(), (1,), "n", 0.0)
    pooled = fit_pooled(Panel.join([constants, make_panel()]), (1,), "n", 0.0)
    assert_allclose(pooled.model.coefficients, expected.model.coefficients, rtol=1e-9)
    models = pooled.models(*moments(constants))
    found = models.forecast(last_rows(constants, models).values, models.offsets(9, np.empty((4, 3, 0))))
    assert_allclose(found, [levels] * 3)


@pytest.mark.parametrize("criterion", ["aic", "bic"])
@pytest.mark.parametrize("share", [0.0, 0.02])
def test_pooled_criterion(criterion, share):
    """Orders are compared on the rows of the highest order: drop the rows that only lower orders have."""
    panel, longest = with_missing(make_panel(), share), 6
    pooled, is_tried = select_pooled(panel, seasonal_candidates(longest, ()), "c", 0.0, criterion)
    assert is_tried
    values = []
    every = np.concatenate([complete_rows(alone(panel, s)[1], range(1, longest + 1)) for s in range(len(panel))])
    mean, deviation = moments(panel)
    z = (panel.values[:, 0] - mean[panel.series]) / deviation[panel.series]
    at = np.flatnonzero(every)
    for order in range(longest + 1):
        x = np.column_stack([np.ones(len(at)), *(z[at - lag] for lag in range(1, order + 1))])
        residual = z[at] - x @ np.linalg.lstsq(x, z[at], rcond=None)[0]
        penalty = (2 if criterion == "aic" else np.log(len(at))) * (order + 2)
        values.append(len(at) * np.log(np.mean(residual**2)) + penalty)
    best = int(np.argmin(values))
    assert pooled.model.lags == tuple(range(1, best + 1))
    assert_same(pooled.model, fit_pooled(panel, pooled.model.lags, "c", 0.0).model)


def test_pooled_windows():
    """A season of 30 that no order reaches, in series too short to find it alone."""
    rng, panels = np.random.default_rng(0), []
    for _ in range(30):
        shape = rng.normal(size=30)
        panels.append(Panel.of_one((np.tile(shape, 3) + 0.1 * rng.normal(size=90))[:, None]))
    pooled, _ = select_pooled(Panel.join(panels), seasonal_candidates(8, (5, 30)), "c", 0.0, "bic")
    assert 30 in pooled.model.lags
    none, is_tried = select_pooled(make_panel([4]), seasonal_candidates(8, (5, 30)), "c", 0.0, "bic")
    assert none.model.lags == ()
    assert not is_tried


def test_orders_and_windows_of_a_pooled_model():
    """Those that leave enough rows within the series, and not fewer than half of the rows without the window."""
    panel = Panel.join([Panel.of_one(np.zeros((8, 1)))] * 4)
    base, windows = linear_panel._pooled_family(panel, Candidates(7, ((7,),)), "c", 0)
    assert (base, windows) == ((1, 2, 3, 4), ())  # 4 (8 - k) rows have k lags, which need 2 k + 4
    for n_missing, expected in ((0, ((7,),)), (1, ((7,),)), (2, ())):
        panel = Panel.join([Panel.of_one(np.zeros((10, 1)), (np.arange(10) >= n_missing)[:, None])] * 60)
        assert linear_panel._pooled_family(panel, Candidates(4, ((7,),)), "c", 0) == ((1, 2, 3, 4), expected)
