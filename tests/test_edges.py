"""Special cases: labels in any order, gaps that leave only the lags, scores and criteria with missing values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from tsrnn import ARForecaster, LatentARForecaster

LATENT = {"n_states": 1, "max_iter": 8}
not_converged = pytest.mark.filterwarnings("ignore::tsrnn.exceptions.ConvergenceWarning")


def noise(n=60, seed=0):
    """A sine with noise."""
    return np.sin(np.arange(n) / 2) + 0.3 * np.random.default_rng(seed).normal(size=n)


def months(values):
    return pd.Series(values, pd.date_range("2010-01-01", periods=len(values), freq="MS"))


# ------------------------------------------------------------ labels
def test_paths_and_intervals_of_labels_in_any_order():
    forecaster = ARForecaster(lags=2).fit(months(noise()))
    every = forecaster.sample(6, 4, random_state=0)
    wanted = every.index[[5, 1]]
    pd.testing.assert_frame_equal(forecaster.sample(wanted, 4, random_state=0), every.loc[wanted], check_freq=False)
    interval = forecaster.predict_interval(6)
    pd.testing.assert_frame_equal(forecaster.predict_interval(wanted), interval.loc[wanted], check_freq=False)


def test_periods_of_several_months():
    index = pd.period_range("2010-01", periods=40, freq="2M")
    forecaster = ARForecaster(lags=2).fit(pd.Series(noise(40), index))
    every = forecaster.predict(5)
    pd.testing.assert_series_equal(forecaster.predict(every.index[[4, 0]]), every.iloc[[4, 0]])
    with pytest.raises(ValueError, match="not on the grid"):
        forecaster.predict(pd.PeriodIndex(["2016-10"], freq="2M"))  # half of it in one step and half in the next


# ------------------------------------------------------------ gaps
@pytest.mark.parametrize("n_missing", [1, 3])
def test_a_gap_with_just_enough_values_after_it(n_missing):
    forecaster = ARForecaster(lags=2).fit(noise())
    lags = [0.7, -0.2]
    context = np.array([*lags, *[np.nan] * n_missing])
    for forecast in (forecaster.predict, forecaster.predict_interval):
        assert_allclose(forecast(2, context=context), forecast(2 + n_missing, context=lags)[n_missing:], rtol=1e-12)


def test_a_gap_after_an_update_is_missing():
    """The intervals of the state-space model are wider after rows without values."""
    forecaster = LatentARForecaster(**LATENT, tol=1.0).fit(noise(40))
    known = forecaster.predict_interval(1)
    forecaster.update([np.nan] * 3)
    assert np.diff(forecaster.predict_interval(1)) > np.diff(known)
    context = np.concatenate([noise(40), [np.nan] * 3])
    assert_allclose(forecaster.predict_interval(2), forecaster.predict_interval(2, context=context), rtol=1e-12)


# ------------------------------------------------------------ scores
def test_a_score_leaves_out_missing_values():
    """Missing true values, and missing values in the pairs of the training part, compared with the definition."""
    y = months(noise(72))
    y.iloc[[20, 21, 40, 63]] = np.nan
    train, test = y[:60], y[60:]
    forecaster = ARForecaster(lags=2).fit(train)
    errors = np.abs(test.to_numpy() - forecaster.predict(12).to_numpy())
    scale = np.nanmean(np.abs(train.to_numpy()[12:] - train.to_numpy()[:-12]))
    assert_allclose(forecaster.score(test), -np.nanmean(errors) / scale, rtol=1e-12)


# ------------------------------------------------------------ the latent model
@not_converged
def test_the_likelihood_in_other_units_counts_observed_values():
    y = np.column_stack([noise(40), noise(40, seed=1)])
    y[5:20, 0] = np.nan
    plain, large = (LatentARForecaster(**LATENT).fit(factor * y) for factor in (1, 1000))
    assert_allclose(large.loglike_, plain.loglike_ - 65 * np.log(1000), rtol=1e-9)


def test_iterations_stop_at_the_first_rise_below_the_tolerance():
    """EM stops when the log-likelihood per observed value rises by less than `tol`; a row has several values."""
    y = np.column_stack([noise(40), noise(40, seed=1), noise(40, seed=2)])
    y[5:20, 0] = np.nan
    tol = 1e-3
    fitted = LatentARForecaster(n_states=1, max_iter=200, tol=tol).fit(y)
    assert fitted.converged_
    rises = np.diff(fitted.loglike_curve_[:-1])
    assert (rises[:-1] >= tol * 105).all()
    assert rises[-1] < tol * 105
    assert len(rises) > 2


@not_converged
def test_paths_begin_with_the_uncertainty_of_the_states():
    """The spread of the first step equals that of the interval; after a gap, most of it is that of the states."""
    forecaster = LatentARForecaster(**LATENT).fit(noise(40)).update([np.nan])
    paths = forecaster.sample(1, 4000, random_state=0)[0]
    width = np.diff(forecaster.predict_interval(1, 0.9)).item() / (2 * 1.6448536269514722)
    assert_allclose(paths.std(), width, rtol=4 / np.sqrt(2 * 4000))
