"""ARForecaster with missing values among the last lags, compared with the joint normal distribution."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal, norm

from tsrnn import ARForecaster
from tsrnn.linear.conditioning import last_values, log_likelihood


def simulated(n, seed=0):
    rng, y = np.random.default_rng(seed), np.zeros(n + 50)
    for t in range(3, n + 50):
        y[t] = 5 + 0.9 * y[t - 1] - 0.5 * y[t - 3] + rng.normal()
    return y[50:]


def joint_distribution(model, y, n_given, n):
    """Mean and covariance of the values from row `n_given` on, given all before it, from the definition."""
    lags = [*zip(model.lags, model.coefficients, strict=True)]
    mean, weights = [*y[:n_given]], np.zeros((n, n))
    for t in range(n_given, n):
        mean.append(model.intercept + sum(phi * mean[t - lag] for lag, phi in lags))
        weights[t] = sum((phi * weights[t - lag] for lag, phi in lags), np.eye(n)[t])
    weights = weights[n_given:, n_given:]
    return np.array(mean[n_given:]), model.variance * weights @ weights.T


def conditional_distribution(mean, covariance, values, seen):
    """Mean and covariance of the values that were not observed, given the observed ones."""
    gain = covariance[np.ix_(~seen, seen)] @ np.linalg.inv(covariance[np.ix_(seen, seen)])
    return mean[~seen] + gain @ (values - mean)[seen], (covariance - 0)[np.ix_(~seen, ~seen)] - gain @ covariance[
        np.ix_(seen, ~seen)
    ]


PATTERNS = {
    "end": [28, 29],
    "one inside": [27],
    "several": [20, 21, 24, 26, 29],
    "longer than the lags": list(range(22, 29)),
    "every second": list(range(9, 30, 2)),
}


@pytest.mark.parametrize("lags", [1, 3, [1, 3], [2], [2, 4]], ids=str)
@pytest.mark.parametrize("missing", PATTERNS.values(), ids=PATTERNS)
def test_against_the_joint_distribution(lags, missing):
    forecaster = ARForecaster(lags=lags).fit(simulated(200))
    (model,), y = forecaster.models_, simulated(30, seed=1)
    seen = ~np.isin(np.arange(8, 36), [*missing, *range(30, 36)])
    mean, covariance = joint_distribution(model, y, 8, 36)
    mean, covariance = conditional_distribution(mean, covariance, np.append(y, np.zeros(6))[8:], seen)
    mean, covariance = mean[-6:], covariance[-6:, -6:]
    context = y.copy()
    context[missing] = np.nan
    assert_allclose(forecaster.predict(6, context=context), mean, rtol=1e-8)
    bounds = mean[:, None] + np.sqrt(np.diag(covariance))[:, None] * norm.ppf([0.1, 0.9])
    assert_allclose(forecaster.predict_interval(6, 0.8, context=context), bounds, rtol=1e-8)
    paths = forecaster.sample(6, 20_000, context=context, random_state=0)
    assert_allclose(np.cov(paths), covariance, atol=0.05 * covariance.max())
    assert_allclose(paths.mean(axis=1), mean, atol=0.1)


def test_the_likelihood_of_the_observed_values():
    forecaster = ARForecaster(lags=[1, 3]).fit(simulated(200))
    (model,), y = forecaster.models_, 1e3 + simulated(30, seed=1)
    seen = ~np.isin(np.arange(30), PATTERNS["several"])
    mean, covariance = joint_distribution(model, y, 3, 30)
    expected = multivariate_normal.logpdf(y[3:][seen[3:]], mean[seen[3:]], covariance[np.ix_(seen[3:], seen[3:])])
    offsets = model.offsets(0, np.empty((30, 0)))
    assert_allclose(log_likelihood(model, y, seen, offsets, 3), expected, rtol=1e-10)


def test_each_column_update_and_labels():
    """Each column as a series of its own, also after an update; labels follow the last row."""
    y = np.column_stack([simulated(120), simulated(120, 1)])
    y[[112, 118, 119], 0] = y[[100, 115], 1] = np.nan
    frame = pd.DataFrame(y, pd.date_range("2024-01-01", periods=120), ["a", "b"])
    whole = ARForecaster(lags=[1, 3]).fit(frame[:100]).update(frame[100:])
    assert list(whole.predict(2).index) == list(pd.date_range("2024-04-30", periods=2))
    for name in frame:
        alone = ARForecaster(lags=[1, 3]).fit(frame[name][:100])
        expected = alone.predict_interval(4, 0.8, context=frame[name])
        assert_allclose(whole.predict_interval(4, 0.8)[name], expected, rtol=1e-10)


def test_a_sine_with_values_missing_at_its_end():
    t = np.arange(204)
    wave = 20 + 5 * np.sin(2 * np.pi * t / 12)
    y = wave[:180].copy()
    y[-5:] = y[[150, 168, 171]] = np.nan
    assert_allclose(ARForecaster(lags=2).fit(y).predict(24), wave[180:], atol=1e-6)


def test_covariates_and_trend_inside_a_gap():
    rng, t = np.random.default_rng(0), np.arange(220.0)
    x = rng.normal(size=220)
    y = 3 + 0.5 * t + 2 * x
    train = np.where(np.isin(t[:200], [190, 195, 199]), np.nan, y[:200])
    forecaster = ARForecaster(lags=2, trend="ct", ridge=1e3).fit(x[:200, None], train)
    assert_allclose(forecaster.predict(x[200:, None]), y[200:], atol=0.5)


def test_coverage_with_values_missing():
    inside = []
    for seed in range(150):
        y = simulated(160, seed)
        train = y[:150].copy()
        train[[139, 141, 142, 145, 147, 148, 149]] = np.nan
        bounds = ARForecaster(lags=[1, 3]).fit(train).predict_interval(10, [0.5, 0.8])
        inside.append((bounds[:, :, 0] < y[150:, None]) & (y[150:, None] < bounds[:, :, 1]))
    assert_allclose(np.mean(inside, axis=(0, 1)), [0.5, 0.8], atol=0.05)


def test_values_that_no_lag_connects():
    """With even lags only and every second value missing, the odd rows are interpolated, with that variance."""
    t = np.arange(400)
    wave = 20 + 10 * np.sin(2 * np.pi * t / 24)
    noisy = wave + np.random.default_rng(0).normal(size=400)
    y = np.where(t % 2 == 1, np.nan, noisy)[:360]
    forecaster = ARForecaster(lags=[2, 24]).fit(y)
    assert np.abs(forecaster.predict(40) - wave[360:]).mean() < 0.8
    bounds = forecaster.predict_interval(40, 0.8)
    assert np.mean((bounds[:, 0] < noisy[360:]) & (noisy[360:] < bounds[:, 1])) > 0.75
    assert np.diff(bounds).mean() < 6  # that of the values of the sine is 36
    past = last_values(*_arguments(forecaster))
    assert len(past.missing) == 12
    assert (np.square(past.root).sum(axis=1) > 0.5).all()


def _arguments(forecaster):
    """Arguments of `last_values` for the only column."""
    (model,), y = forecaster.models_, forecaster.context_[:, 0]
    return model, y, forecaster.observed_[:, 0], model.offsets(0, np.empty((len(y), 0)))


@pytest.mark.parametrize("factor", [1e-300, 1e-12, 1e12, 1e300])
def test_scaling_the_series_scales_the_forecast(factor):
    y = simulated(100)
    y[[90, 95, 98]] = np.nan
    plain, other = (ARForecaster(lags=[1, 3]).fit(k * y).predict_interval(5) for k in (1.0, factor))
    assert_allclose(other / factor, plain, rtol=1e-9)


def test_a_series_without_noise_and_with_gaps():
    y = 2.0 ** np.arange(30)
    y[[20, 27, 29]] = np.nan
    assert_allclose(ARForecaster(lags=1, trend="n").fit(y).predict(2), [2.0**30, 2.0**31], rtol=1e-9)
