"""The latent model, compared with the joint normal distribution, statsmodels, differences and simulations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal
from statsmodels.tsa.statespace.kalman_filter import KalmanFilter

from tsrnn import LatentARForecaster
from tsrnn.linear import statespace
from tsrnn.linear.statespace import StateSpace, filter_states, fit, maximise, smooth_states

from .problems import COMPILED

#: Few iterations are enough for most of these tests.
pytestmark = pytest.mark.filterwarnings("ignore::tsrnn.exceptions.ConvergenceWarning")
compiled = pytest.mark.skipif(not COMPILED, reason="takes too long without the compiler")


def model(n=2, m=2, F=1, seed=0):
    """A random stable model with n states, m series and F covariates, without scaling."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, n))
    root = rng.normal(size=(n, n))
    return StateSpace(
        A=0.9 * A / np.abs(np.linalg.eigvals(A)).max(),
        B=rng.normal(size=(n, F)), C=rng.normal(size=(m, n)), D=rng.normal(size=(m, F)), d=rng.normal(size=m),
        Q=root @ root.T / n + 0.1 * np.eye(n), R=rng.uniform(0.2, 1, m), m0=rng.normal(size=n), P0=np.eye(n),
        level=np.zeros(m), scale=np.ones(m), centre=np.zeros(F), width=np.ones(F),
    )  # fmt: skip


def simulated(truth, T, seed=1, missing=0.0):
    """A simulated series, the mask of its observed values, and covariates."""
    rng = np.random.default_rng(seed)
    u = rng.normal(size=(T, truth.B.shape[1]))
    z = rng.multivariate_normal(truth.m0, truth.P0)
    y = np.empty((T, len(truth.C)))
    for t in range(T):
        if t > 0:
            z = truth.A @ z + truth.B @ u[t] + rng.multivariate_normal(np.zeros(len(z)), truth.Q)
        y[t] = truth.C @ z + truth.D @ u[t] + truth.d + np.sqrt(truth.R) * rng.normal(size=len(truth.R))
    return y, rng.uniform(size=y.shape) >= missing, u


def joint(truth, u):
    """Mean and covariance of all states and all values, in order of time, from the definitions."""
    T, n = len(u), len(truth.A)
    mean, cov = np.zeros((T, n)), np.zeros((T, n, T, n))
    mean[0], cov[0, :, 0] = truth.m0, truth.P0
    for t in range(1, T):
        mean[t] = truth.A @ mean[t - 1] + truth.B @ u[t]
        for s in range(t):
            cov[t, :, s] = truth.A @ cov[t - 1, :, s]
            cov[s, :, t] = cov[t, :, s].T
        cov[t, :, t] = truth.A @ cov[t - 1, :, t - 1] @ truth.A.T + truth.Q
    big = np.kron(np.eye(T), truth.C)
    states = cov.reshape(T * n, T * n)
    values = big @ states @ big.T + np.kron(np.eye(T), np.diag(truth.R))
    return mean.ravel(), states, (mean @ truth.C.T + u @ truth.D.T + truth.d).ravel(), values, big


# ------------------------------------------------------------ filter and smoother
@pytest.mark.parametrize(("n", "m", "missing"), [(1, 1, 0.0), (2, 2, 0.3), (3, 1, 0.5), (2, 3, 0.0)])
def test_against_the_joint_distribution(n, m, missing):
    truth = model(n, m)
    y, observed, u = simulated(truth, 7, missing=missing)
    mean, states_cov, values_mean, values_cov, big = joint(truth, u)
    seen = observed.ravel()
    states = filter_states(truth, np.where(observed, y, 1e6), observed, u)
    expected = multivariate_normal.logpdf(y.ravel()[seen], values_mean[seen], values_cov[np.ix_(seen, seen)])
    assert_allclose(states.loglike, expected, rtol=1e-10)
    gain = np.linalg.solve(values_cov[np.ix_(seen, seen)], (big @ states_cov)[seen]).T
    all_mean = mean + gain @ (y.ravel() - values_mean)[seen]
    all_cov = (states_cov - gain @ (big @ states_cov)[seen]).reshape(7, n, 7, n)
    smoothed = smooth_states(truth, states)
    assert_allclose(smoothed.mean, all_mean.reshape(7, n), rtol=1e-8, atol=1e-10)
    assert_allclose(smoothed.cov.expand(), [all_cov[t, :, t] for t in range(7)], rtol=1e-8, atol=1e-10)
    assert_allclose(smoothed.lag_cov.expand()[:-1], [all_cov[t, :, t - 1] for t in range(1, 7)], rtol=1e-8, atol=1e-10)
    assert_allclose(states.mean[-1], smoothed.mean[-1], rtol=1e-12)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (4, 1), (3, 2)])
def test_the_likelihood_is_that_of_statsmodels(n, m):
    truth = model(n, m)
    y, observed, u = simulated(truth, 300, missing=0.1)
    theirs = KalmanFilter(m, n, initialization="known", constant=truth.m0, stationary_cov=truth.P0)
    theirs.bind(np.where(observed, y, np.nan).copy())
    theirs["design"], theirs["transition"], theirs["selection"] = truth.C, truth.A, np.eye(n)
    theirs["state_cov"], theirs["obs_cov"] = truth.Q, np.diag(truth.R)
    a, b = truth.inputs(u)
    theirs["obs_intercept"] = b.T.copy()
    theirs["state_intercept"] = np.vstack([a[1:], a[:1]]).T.copy()
    theirs.initialize_known(truth.m0, truth.P0)
    assert_allclose(filter_states(truth, y, observed, u).loglike, theirs.filter().llf, rtol=1e-8)


@pytest.mark.parametrize("columns", [[0], [0, 1], [1]], ids=str)
def test_covariances_are_not_constant_after_a_long_gap(columns):
    """In a long gap covariances converge to another limit; compared with statsmodels."""
    truth = model(2, 2, 0)
    y, observed, u = simulated(truth, 200)
    observed[60:130, columns] = observed[:90, 1] = False
    theirs = KalmanFilter(2, 2)
    theirs.bind(np.where(observed, y, np.nan).copy())
    theirs["design"], theirs["transition"], theirs["selection"] = truth.C, truth.A, np.eye(2)
    theirs["state_cov"], theirs["obs_cov"], theirs["obs_intercept"] = truth.Q, np.diag(truth.R), truth.d[:, None]
    theirs.initialize_known(truth.m0, truth.P0)
    found = theirs.filter()
    states = filter_states(truth, y, observed, u)
    assert_allclose(states.loglike, found.llf, rtol=1e-9)
    assert_allclose(states.cov.expand(), np.moveaxis(found.filtered_state_cov, -1, 0), rtol=1e-7, atol=1e-10)
    assert_allclose(states.mean, found.filtered_state.T, rtol=1e-7, atol=1e-9)


def test_em_increases_the_likelihood_with_a_long_gap():
    rng, y = np.random.RandomState(8), np.zeros(300)
    for t in range(1, 300):
        y[t] = 0.8 * y[t - 1] + rng.randn()
    y[100:160] = np.nan
    curve = LatentARForecaster(n_states=1, tol=0.0, max_iter=40).fit(y).loglike_curve_
    assert (np.diff(curve) > -1e-8).all()


def test_polish_with_a_constant_column():
    y = np.sin(np.arange(120) / 3) + 0.1 * np.random.RandomState(0).randn(120)
    wide = np.column_stack([y, np.ones(120)])
    plain, polished = (LatentARForecaster(n_states=2, polish=polish).fit(wide) for polish in (False, True))
    assert polished.loglike_ >= plain.loglike_ - 1e-6
    widths = [np.diff(each.predict_interval(4)[:, 0]) for each in (plain, polished)]
    assert_allclose(widths[1], widths[0], rtol=0.5)
    assert_allclose(polished.predict(4)[:, 1], 1, atol=1e-3)


def test_a_state_without_noise_is_smoothed_exactly():
    """A constant level: at every step the smoothed state is the mean of the values and the prior."""
    T = 20
    level = replace(
        model(1, 1, 0), A=np.eye(1), C=np.eye(1), Q=np.zeros((1, 1)), R=np.array([2.0]), d=np.zeros(1), m0=np.zeros(1)
    )
    y = np.random.default_rng(0).normal(3, 1, (T, 1))
    smoothed = smooth_states(level, filter_states(level, y, np.ones((T, 1), bool), np.empty((T, 0))))
    assert_allclose(smoothed.mean[:, 0], y.sum() / 2 / (1 + T / 2), rtol=1e-10)
    assert_allclose(smoothed.cov.expand()[:, 0, 0], 1 / (1 + T / 2), rtol=1e-10)


def test_covariances_stay_positive_over_a_badly_scaled_long_series():
    truth = replace(model(3, 1, 0), Q=np.diag([1e6, 1.0, 1e-9]), R=np.array([1e-8]))
    T = 3000 if COMPILED else 30
    y, observed, u = simulated(truth, T)
    states = filter_states(truth, y, observed, u)
    for cov in (states.cov.expand(), smooth_states(truth, states).cov.expand()):
        assert_array_equal(cov, cov.swapaxes(1, 2))
        assert (np.linalg.eigvalsh(cov)[:, 0] > -1e-9 * np.linalg.eigvalsh(cov)[:, -1]).all()


# ------------------------------------------------------------ learning
@pytest.mark.parametrize("seed", range(4))
def test_em_never_lowers_the_likelihood(seed):
    truth = model(2, 2, 1, seed)
    y, observed, u = simulated(truth, 60, seed, missing=0.2)
    trial, curve = statespace.start(np.where(observed, y, 0), u, 3), []
    for _ in range(30):
        states = filter_states(trial, y, observed, u)
        curve.append(states.loglike)
        trial = maximise(trial, statespace.expected_sums(smooth_states(trial, states), y, observed, u))
    assert (np.diff(curve) > -1e-9 * np.abs(curve[0])).all()
    assert curve[-1] > curve[0] + 5


def test_the_score_is_the_derivative_of_the_likelihood():
    """For a column without gaps, which uses the sums over all steps, and for one with gaps."""
    trial = model(3, 2, 2)
    y, observed, u = simulated(trial, 25, missing=0.2)
    observed[:, 0] = True
    trial = model(3, 2, 2, seed=5)
    vector = statespace._pack(trial)

    def loglike(vector):
        return filter_states(statespace._unpack(trial, vector), y, observed, u).loglike

    differences = [(loglike(vector + 1e-5 * e) - loglike(vector - 1e-5 * e)) / 2e-5 for e in np.eye(len(vector))]
    found = statespace.score(trial, filter_states(trial, y, observed, u), y, observed, u)
    assert_allclose(found, differences, rtol=1e-5, atol=1e-5 * np.abs(differences).max())
    assert_allclose(statespace._pack(statespace._unpack(trial, vector)), vector, rtol=1e-12)


@compiled
def test_polish_improves_on_em():
    y, observed, u = simulated(model(2, 1), 200)
    slow, polished = (fit(y, observed, u, 2, 20, 0.0, polish) for polish in (False, True))
    assert polished.curve[-1] > slow.curve[-1] + 0.1
    assert_allclose(polished.curve[:20], slow.curve[:20])
    best = fit(y, observed, u, 2, 2000, 1e-10, True)
    assert polished.curve[-1] > best.curve[-1] - 1


@compiled
def test_a_simulated_model_is_found_again():
    """Compared by the predictive density, because the parameters depend on the arbitrary basis of the states."""
    truth = model(2, 2, 1, seed=3)
    y, observed, u = simulated(truth, 1500, missing=0.05)
    found = fit(y[:1400], observed[:1400], u[:1400], 2, 200, 1e-7, False).model
    eigenvalues = [np.sort_complex(np.linalg.eigvals(each.A)) for each in (truth, found)]
    assert_allclose(*eigenvalues, atol=0.1)
    ahead = u[1400:1410]
    forecasts = []
    for each in (truth, found):
        states = statespace.filter_series(each, y[:1400], observed[:1400], u[:1400])
        forecasts.append(statespace.predict(each, states.mean[-1], states.cov[-1], ahead))
    (mean, deviation), (found_mean, found_deviation) = forecasts
    assert_allclose(found_mean, mean, atol=0.35 * deviation.max())
    assert_allclose(found_deviation, deviation, rtol=0.1)
    of_the_rest = [
        statespace.filter_series(each, y, observed, u).loglike
        - statespace.filter_series(each, y[:1400], observed[:1400], u[:1400]).loglike
        for each in (truth, found)
    ]
    assert abs(of_the_rest[0] - of_the_rest[1]) < 3


# ------------------------------------------------------------ the estimator
def series(T=120, seed=0):
    rng = np.random.default_rng(seed)
    y = np.sin(np.arange(T) / 4) + 0.2 * rng.normal(size=T)
    return pd.Series(10 + 3 * y, pd.date_range("2010-01-01", periods=T, freq="MS"), name="y")


def test_attributes_and_criteria():
    y = series()
    forecaster = LatentARForecaster(n_states=3, max_iter=50).fit(y)
    assert forecaster.smoothed_states_.shape == (120, 3)
    assert forecaster.n_states_ == 3
    k = forecaster.model_.n_parameters
    assert k == 3 * 3 + 6 + 3 + 3 + 2 - 9
    assert_allclose(forecaster.aic_, 2 * k - 2 * forecaster.loglike_)
    assert_allclose(forecaster.bic_, np.log(120) * k - 2 * forecaster.loglike_)
    assert_allclose(forecaster.loglike_curve_[-1], forecaster.loglike_, rtol=1e-9)
    in_other_units = LatentARForecaster(n_states=3, max_iter=50).fit(1000 * y)
    assert_allclose(in_other_units.loglike_, forecaster.loglike_ - 120 * np.log(1000), rtol=1e-6)


@compiled
def test_bic_chooses_the_states_of_a_sine():
    chosen = LatentARForecaster(max_iter=60).fit(series(200))
    assert chosen.n_states_ == 2
    each = [LatentARForecaster(n_states=n, max_iter=60).fit(series(200)).bic_ for n in (1, 2, 3)]
    assert_allclose(chosen.bic_, min(each))


def test_quantiles_intervals_and_paths_agree():
    forecaster = LatentARForecaster(n_states=2, max_iter=40).fit(series())
    quantiles = forecaster.predict_quantiles(6, [0.1, 0.5, 0.9])
    assert_allclose(quantiles[0.5], forecaster.predict(6))
    interval = forecaster.predict_interval(6, 0.8)
    assert_allclose(interval, quantiles[[0.1, 0.9]])
    assert (np.diff(interval.upper - interval.lower) > 0).all()
    paths = forecaster.sample(6, 20_000, random_state=0)
    spread = (interval.upper - interval.lower).max()
    assert_allclose(np.quantile(paths, [0.1, 0.5, 0.9], axis=1).T, quantiles, atol=0.03 * spread)
    model = forecaster.model_
    last = forecaster._start(model, forecaster.panel_)[1]
    first = model.A @ last @ model.A.T + model.Q
    expected = (model.C @ model.A @ first @ model.C.T).item() * model.scale[0] ** 2
    assert_allclose(np.cov(paths.iloc[:2])[0, 1], expected, rtol=0.1)  # steps of a path depend on each other


def test_a_gap_is_left_out_exactly():
    """The values in a gap do not matter, and after a gap the intervals are wider."""
    y = series()
    forecaster = LatentARForecaster(n_states=2, max_iter=40).fit(y)
    gap = y.copy()
    gap.iloc[-5:] = np.nan
    wide = forecaster.predict_interval(2, 0.9, context=gap)
    assert_allclose(wide, forecaster.predict_interval(7, 0.9, context=y[:-5])[5:].to_numpy(), rtol=1e-9)
    certain = forecaster.predict_interval(2, 0.9, context=y)
    assert ((wide.upper - wide.lower) > (certain.upper - certain.lower)).all()
    forecaster.fit(y[:100]).update(gap[100:])
    assert_allclose(forecaster.predict_interval(2, 0.9), forecaster.predict_interval(2, 0.9, context=gap))


def test_coverage_of_simulated_series():
    inside = []
    for seed in range(60 if COMPILED else 2):
        y = series(132, seed)
        bounds = LatentARForecaster(n_states=2, max_iter=60).fit(y[:120]).predict_interval(12, [0.5, 0.9])
        inside.append([(bounds[c].lower < y[120:]) & (y[120:] < bounds[c].upper) for c in (0.5, 0.9)])
    assert_allclose(np.mean(inside, axis=(0, 2)), [0.5, 0.9], atol=0.06 if COMPILED else 1)


def test_columns_share_the_states():
    y = series()
    wide = pd.DataFrame({"a": y, "b": 5 - 2 * y.shift(-3)})
    wide.iloc[60:63] = np.nan
    forecaster = LatentARForecaster(n_states=2, max_iter=60).fit(wide[:-10])
    forecast = forecaster.predict(7)
    assert_allclose(forecast.b[:4], 5 - 2 * forecast.a[3:7].to_numpy(), atol=2.5)
    assert forecaster.sample(3, 4).shape == (3, 8)


# ------------------------------------------------------------ bad input
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_states": 0}, "n_states=0 must be at least 1"),
        ({"n_states": 2.0}, "n_states=2.0 must be an integer"),
        ({"n_states": None}, "n_states=None must be an integer"),
        ({"n_states": "aic"}, "n_states='aic' must be an integer or 'bic'"),
        (
            {"n_states": 12},
            "n_states=12 has 104 parameters, but the series has 40 observations in 40 steps; use n_states=6",
        ),
        ({"max_iter": 0}, "max_iter=0 must be at least 1"),
        ({"tol": -1.0}, "tol=-1.0 must lie in"),
        ({"tol": np.nan}, "tol=nan must lie in"),
        ({"polish": 1}, "polish=1 must be True or False"),
        ({"horizon": 0}, "horizon=0 must be at least 1"),
    ],
    ids=str,
)
def test_bad_arguments(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        LatentARForecaster(**options).fit(series(40))


def test_too_short():
    with pytest.raises(
        ValueError, match="n_states=1 has 5 parameters, but the series has 3 observations in 3 steps; pass"
    ):
        LatentARForecaster(n_states=1).fit([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="pass a longer series"):
        LatentARForecaster().fit([1.0, 2.0, 3.0])


def test_a_singular_covariance():
    broken = replace(model(2, 1, 0), R=np.zeros(1), Q=np.zeros((2, 2)), P0=np.zeros((2, 2)))
    with pytest.raises(FloatingPointError, match="a covariance is singular or its states explode; use fewer n_states"):
        filter_states(broken, np.zeros((3, 1)), np.ones((3, 1), bool), np.empty((3, 0)))
