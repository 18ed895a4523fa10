"""The latent model: converged covariances compared with the full recursion; warnings, search, large numbers."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tsrnn import LatentARForecaster
from tsrnn.exceptions import ConvergenceWarning, TsrnnWarning
from tsrnn.linear import statespace
from tsrnn.linear.statespace import StateSpace, expected_sums, filter_states, fit, maximise, smooth_states, start

from .problems import COMPILED

compiled = pytest.mark.skipif(not COMPILED, reason="takes too long without the compiler")
unfinished = pytest.mark.filterwarnings("ignore::tsrnn.exceptions.ConvergenceWarning")


def wave(n, m=1, seed=0):
    rng, t = np.random.default_rng(seed), np.arange(n)[:, None]
    return np.sin(t / 4 + np.arange(m)) + 0.3 * rng.normal(size=(n, m))


def plain_recursion(model: StateSpace, y, observed, u):
    """Log-likelihood and expected sums by the textbook recursion, with new covariances at every step."""
    T, n = len(y), len(model.A)
    a, b = model.inputs(u)
    z, P, before, loglike = np.empty((T, n)), np.empty((T, n, n)), [], 0.0
    for t in range(T):
        mean = model.A @ z[t - 1] + a[t] if t else model.m0
        cov = model.A @ P[t - 1] @ model.A.T + model.Q if t else model.P0
        before.append((mean, cov))
        seen = observed[t]
        C, R = model.C[seen], np.diag(model.R[seen])
        S, error = C @ cov @ C.T + R, (y[t] - b[t])[seen] - C @ mean
        gain = np.linalg.solve(S, C @ cov).T
        z[t], P[t] = mean + gain @ error, cov - gain @ S @ gain.T
        loglike -= 0.5 * (seen.sum() * np.log(2 * np.pi) + np.linalg.slogdet(S)[1] + error @ np.linalg.solve(S, error))
    lag = np.zeros((T, n, n))
    for t in range(T - 2, -1, -1):
        mean, cov = before[t + 1]
        J = np.linalg.solve(cov, model.A @ P[t]).T
        lag[t] = P[t + 1] @ J.T
        z[t], P[t] = z[t] + J @ (z[t + 1] - mean), P[t] + J @ (P[t + 1] - cov) @ J.T
    return loglike, z, P, lag


@pytest.mark.parametrize("gap", ["none", "block", "scattered", "one column", "end"])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 1), (2, 3)])
def test_constant_covariances_equal_the_plain_recursion(n, m, gap):
    y, u = wave(400, m), np.cos(np.arange(400.0))[:, None]
    observed = np.ones((400, m), bool)
    if gap == "block":
        observed[200:260] = False
    elif gap == "scattered":
        observed[np.random.default_rng(1).choice(400, 5)] = False
    elif gap == "one column":
        observed[150:250, 0] = observed[251, 0] = False
    elif gap == "end":
        observed[380:] = False
    model = start(y, u, n)
    for _ in range(2):
        loglike, z, P, lag = plain_recursion(model, y, observed, u)
        states = filter_states(model, y, observed, u)
        smoothed = smooth_states(model, states)
        assert_allclose(states.loglike, loglike, rtol=1e-11)
        assert_allclose(smoothed.mean, z, rtol=1e-9, atol=1e-10)
        assert_allclose(smoothed.cov.expand(), P, rtol=1e-9, atol=1e-11)
        assert_allclose(smoothed.lag_cov.expand()[:-1], lag[:-1], rtol=1e-9, atol=1e-11)
        sums = expected_sums(smoothed, y, observed, u)
        assert_allclose(sums.zz, z[1:].T @ z[1:] + P[1:].sum(axis=0), rtol=1e-10, atol=1e-10)
        assert_allclose(sums.zx[:, :n], z[1:].T @ z[:-1] + lag[:-1].sum(axis=0), rtol=1e-10, atol=1e-10)
        of_c = [(z[o].T @ z[o] + P[o].sum(axis=0)) for o in observed.T]
        assert_allclose(sums.hh[:, :n, :n], of_c, rtol=1e-10, atol=1e-10)
        model = maximise(model, sums)
    if gap == "none":
        assert len(states.cov.table) < 200  # the other steps share one covariance
        assert len(smoothed.cov.table) < 300


@compiled
def test_time_of_a_long_series():
    """Before covariances were computed until convergence only, 20,000 steps with the search took 106 s."""
    y = wave(20_000)
    fit(y[:100], np.ones((100, 1), bool), np.empty((100, 0)), 2, 2, 0.0, False)
    started = time.process_time()
    fit(y, np.ones(y.shape, bool), np.empty((len(y), 0)), 2, 50, 0.0, False)
    assert time.process_time() - started < 3


# ------------------------------------------------------------ convergence
def test_em_that_did_not_converge_warns():
    y = wave(120)[:, 0]
    with pytest.warns(
        ConvergenceWarning, match=r"EM with n_states=2 ended at max_iter=3 .*; pass a larger max_iter or tol"
    ):
        forecaster = LatentARForecaster(n_states=2, max_iter=3).fit(y)
    assert not forecaster.converged_
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for remedy in ({"max_iter": 4000}, {"tol": 1e-2}):
            assert LatentARForecaster(n_states=2, **remedy).fit(y).converged_


def test_a_polish_that_did_not_converge_warns(monkeypatch):
    y = wave(200, seed=1)[:, 0]
    with pytest.warns(
        TsrnnWarning, match=r"L-BFGS \(polish=True\) with n_states=1 ended at max_iter=3 .*larger max_iter$"
    ):
        LatentARForecaster(n_states=1, max_iter=3, polish=True).fit(y)
    assert LatentARForecaster(n_states=1, max_iter=1000, polish=True).fit(y).converged_
    minimize = statespace.minimize

    def stuck(*arguments, **options):
        found = minimize(*arguments, **options)
        found.success, found.nit = False, 20
        return found

    monkeypatch.setattr(statespace, "minimize", stuck)
    with pytest.warns(
        ConvergenceWarning, match=r"no better parameters in its last line search .*; pass polish=False or fewer"
    ):
        LatentARForecaster(n_states=1, polish=True).fit(y)


# ------------------------------------------------------------ search
@unfinished
def test_the_search_stops_after_two_increases(monkeypatch):
    bics, tried = {1: 9.0, 2: 7.0, 3: 8.0, 4: 6.0, 5: 6.5, 6: 6.0, 7: 1.0}, []
    fits = {n: fit(wave(60), np.ones((60, 1), bool), np.empty((60, 0)), n, 1, 0.0, False) for n in (1, 2, 3, 4, 5, 6)}

    def fake(series, observed, covariates, n_states, *rest):
        tried.append(n_states)
        return fits[n_states]

    monkeypatch.setattr(statespace, "fit", fake)
    monkeypatch.setattr("tsrnn.estimators.latent._bic", lambda fit, n_values: bics[len(fit.model.A)])
    assert LatentARForecaster().fit(wave(60)[:, 0]).n_states_ == 4
    assert tried == [1, 2, 3, 4, 5, 6]


@unfinished
def test_the_search_with_few_steps():
    """Six steps of five columns: enough values for the parameters of more states than the starting values allow."""
    forecaster = LatentARForecaster(max_iter=2).fit(wave(6, 5))
    assert 1 <= forecaster.n_states_ <= 5
    with pytest.raises(ValueError, match=r"n_states=16 .* in 6 steps; use n_states="):
        LatentARForecaster(n_states=16).fit(wave(6, 5))


def test_too_many_states():
    with pytest.raises(ValueError, match=r"n_states=10+ has \d+ parameters, but the series has 80 observations"):
        LatentARForecaster(n_states=10**9).fit(wave(80)[:, 0])
    with pytest.raises(ValueError, match=r"n_states=10+ must be at most 2\*\*63 - 1"):
        LatentARForecaster(n_states=10**30).fit(wave(80)[:, 0])


# ------------------------------------------------------------ extreme values
@unfinished
@pytest.mark.parametrize("factor", [1e-300, 1e-150, 1e200, 1e307])
def test_scaling_the_series_scales_the_forecast(factor):
    y = 2 + wave(80)[:, 0]
    plain, other = (LatentARForecaster(n_states=2, max_iter=20).fit(k * y).predict_interval(3) for k in (1.0, factor))
    assert_allclose(other / factor, plain, rtol=1e-6)


@unfinished
def test_numbers_near_overflow():
    y = np.where(np.arange(60) % 2, 1.7e308, -1.7e308)
    forecast = LatentARForecaster(n_states=1).fit(y).predict(4)
    assert_allclose(forecast, [-1.7e308, 1.7e308, -1.7e308, 1.7e308], rtol=1e-3)
    wide = np.column_stack([y, np.full(60, 1.7e308), wave(60)[:, 0]])
    forecast = LatentARForecaster(n_states=2).fit(wide).predict(2)
    assert_allclose(forecast[:, 1], 1.7e308, rtol=1e-3)
    assert (np.abs(forecast[:, 2]) < 3).all()
