"""ARForecaster's choice of lags: one decomposition for all orders, groups of lags for longer seasons, and gaps."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from tsrnn import ARForecaster
from tsrnn.exceptions import OrderSelectionWarning
from tsrnn.linear import autoregression
from tsrnn.linear.autoregression import fit_autoregression
from tsrnn.linear.selection import Series, _best_order, seasonal_candidates, select_autoregression


# ------------------------------------------------------------ one decomposition
def by_definition(y, order, longest, trend, ridge, covariates):
    """AIC of an order by its own decomposition, over the rows of the highest order."""
    time = np.arange(longest, len(y))
    unit = np.abs(y).max()
    columns = [np.ones(len(time))] if "c" in trend else []
    columns += [time + 1.0] if "t" in trend else []
    columns += [each[time] / np.abs(each).max() for each in covariates.T]
    x = np.column_stack([*columns, *(y[time - lag] / unit for lag in range(1, order + 1)), np.zeros((len(time), 0))])
    penalty = np.eye(order, x.shape[1], x.shape[1] - order) * np.sqrt(ridge) / unit
    target = np.concatenate([y[time] / unit, np.zeros(order)])
    solution = np.linalg.lstsq(np.vstack([x, penalty]), target, rcond=None)[0]
    sigma2 = np.mean((y[time] / unit - x @ solution) ** 2)
    deviance = len(time) * (np.log(2 * np.pi * max(sigma2, autoregression.ROUNDING)) + 2 * np.log(unit) + 1)
    return deviance + 2 * (x.shape[1] + 1)


def noise(n=200, seed=0):
    rng, y = np.random.default_rng(seed), np.zeros(n)
    for t in range(2, n):
        y[t] = 1.3 * y[t - 1] - 0.6 * y[t - 2] + rng.normal()
    return y


SERIES = {
    "plain": noise(),
    "far from zero": 1e7 + noise(),
    "small": 1e-12 * noise(),
    "large": 1e200 * noise(),
    "walk": np.cumsum(np.cumsum(noise())),
    "outlier": np.where(np.arange(200) == 90, 1e6, noise()),
}


@pytest.mark.parametrize("y", SERIES.values(), ids=SERIES)
@pytest.mark.parametrize("ridge", [0.0, 3.0])
@pytest.mark.parametrize("trend", ["n", "c", "t", "ct"])
def test_all_orders_from_one_decomposition(y, ridge, trend):
    covariates = np.column_stack([np.cos(np.arange(200)), 1e9 * np.random.default_rng(1).normal(size=200)])
    series = Series(y, np.ones(200, bool), covariates, trend, ridge, "aic")
    expected = [by_definition(y, order, 15, trend, ridge, covariates) for order in range(16)]
    value, lags = _best_order(series.reduce(tuple(range(1, 16))), (), tuple(range(1, 16)), series)
    assert_allclose(value, min(expected), rtol=1e-8)
    assert len(lags) == int(np.argmin(expected))
    chosen, is_tried = select_autoregression(series, seasonal_candidates(15, ()))
    alone = fit_autoregression(y, np.arange(200) >= len(lags), lags, trend, ridge, covariates)
    assert is_tried
    assert chosen.lags == lags
    assert_allclose(chosen.coefficients, alone.coefficients, rtol=1e-8)


def test_nearly_collinear_covariates():
    y, x = noise(), np.random.default_rng(2).normal(size=200)
    covariates = np.column_stack([x, x + 1e-9 * noise(seed=3), x])
    plain = ARForecaster(lags="aic").fit(x[:, None], y)
    other = ARForecaster(lags="aic").fit(covariates, y)
    assert other.models_[0].lags == plain.models_[0].lags
    assert_allclose(other.models_[0].coefficients, plain.models_[0].coefficients, atol=0.02)


@pytest.mark.parametrize("ridge", [0.0, 3.0])
def test_a_covariate_that_is_always_zero(ridge):
    """As a holiday that a short series does not have: the regression is singular, with and without a penalty."""
    y = noise()
    plain = ARForecaster(lags="aic", ridge=ridge).fit(y).models_[0]
    other = ARForecaster(lags="aic", ridge=ridge).fit(np.zeros((200, 1)), y).models_[0]
    assert other.lags == plain.lags
    assert_allclose(other.coefficients, plain.coefficients)
    assert_allclose(other.effects, 0, atol=1e-10)


@pytest.mark.parametrize("block", [1, 7, 64])
def test_rows_are_taken_in_blocks(block, monkeypatch):
    y = noise()
    expected = ARForecaster(lags=5, trend="ct").fit(y).models_[0]
    monkeypatch.setattr(autoregression, "BLOCK", block)
    found = ARForecaster(lags=5, trend="ct").fit(y).models_[0]
    assert_allclose(found.coefficients, expected.coefficients, rtol=1e-10)
    assert_allclose([found.intercept, found.slope, found.aic], [expected.intercept, expected.slope, expected.aic])


def test_time_for_many_orders():
    """One decomposition for each of 193 orders took 8 s on one core; one for all takes 0.1 s."""
    y = pd.Series(noise(4000), pd.date_range("2024-01-01", periods=4000, freq="15min"))
    started = time.process_time()
    ARForecaster(season_lengths=96).fit(y)
    assert time.process_time() - started < 2


# ------------------------------------------------------------ several seasons
def day_and_week(n_days, seed=0, level=0.0, per_day=24):
    """Hourly values with one daily shape from Monday to Friday and another at weekends."""
    rng, t = np.random.default_rng(seed), np.arange(n_days * per_day)
    hour, day = t % per_day * 24 / per_day, t // per_day % 7
    week = 20 * np.exp(-0.5 * ((hour - 8) / 2) ** 2) + 20 * np.exp(-0.5 * ((hour - 18) / 2.5) ** 2)
    weekend = 10 * np.exp(-0.5 * ((hour - 13) / 4) ** 2)
    y = 50 + np.where(day < 5, week, weekend) + rng.normal(size=len(t)) + level * (t > len(t) // 2)
    return pd.Series(y, pd.date_range("2023-01-02", periods=len(t), freq="h" if per_day == 24 else "15min"))


@pytest.mark.parametrize("level", [0.0, 15.0])
@pytest.mark.parametrize("n_days", [77, 35])
def test_a_daily_and_a_weekly_season(n_days, level):
    y = day_and_week(n_days + 7, level=level)
    train, test = y[:-168], y[-168:]
    forecaster = ARForecaster().fit(train)
    assert forecaster.season_lengths_ == (24, 168)
    assert np.abs(forecaster.predict(168) - test).mean() < 1.2
    alone = ARForecaster(season_lengths=24).fit(train)
    assert alone.season_lengths_ == (24,)
    assert max(alone.models_[0].lags) <= 48
    assert np.abs(alone.predict(168) - test).mean() > 4


def test_given_seasons():
    y = day_and_week(60)
    plain = pd.Series(y.to_numpy())
    forecaster = ARForecaster(season_lengths=[168, 24]).fit(plain[:-168])
    assert forecaster.season_lengths_ == (24, 168)
    assert np.abs(forecaster.predict(168) - plain[-168:]).mean() < 1.2
    assert max(ARForecaster(season_lengths=[]).fit(y).models_[0].lags) <= 30
    with pytest.raises((TypeError, ValueError), match="season_lengths"):
        ARForecaster(season_lengths=1).fit(y)


def test_a_year_of_days():
    t, rng = np.arange(4 * 365), np.random.default_rng(0)
    bump = 30 * np.exp(-0.5 * (((t % 365) - 355) / 5) ** 2)  # the days before the new year
    y = pd.Series(10 + bump + 3 * (t % 7 == 5) + rng.normal(size=len(t)), pd.date_range("2021-01-01", periods=len(t)))
    forecaster = ARForecaster().fit(y[:-30])
    assert forecaster.season_lengths_ == (7, 365)
    assert max(forecaster.models_[0].lags) >= 364
    alone = ARForecaster(season_lengths=7).fit(y[:-30])
    errors = [np.abs(each.predict(30) - y[-30:]).mean() for each in (forecaster, alone)]
    assert errors[0] < 0.5 * errors[1]


def test_noise_gets_no_long_season():
    y = pd.Series(noise(1500), pd.date_range("2024-01-01", periods=1500, freq="h"))
    assert max(ARForecaster(lags="bic").fit(y).models_[0].lags) <= 48


# ------------------------------------------------------------ gaps
def wave(n=448, seed=0, trend=0.0):
    t = np.arange(n)
    return 20 + 10 * np.sin(2 * np.pi * t / 24) + trend * t + np.random.default_rng(seed).normal(size=n)


T = np.arange(400)
GAPS = {
    "every second": T % 2 == 1,
    "every second, from the first": T % 2 == 0,
    "two of three": T % 3 != 0,
    "weekends": T % 7 >= 5,
    "some": np.random.default_rng(5).uniform(size=400) < 0.05,
    "a block": (T > 200) & (T < 240),
    "late": (T >= 370) & (T < 390),
    "at the end": T >= 390,
}


@pytest.mark.parametrize("trend", [0.0, 0.02])
@pytest.mark.parametrize("hours", [True, False])
@pytest.mark.parametrize("missing", GAPS.values(), ids=GAPS)
def test_lags_in_spite_of_gaps(missing, hours, trend):
    errors = []
    for seed in range(2):
        y = wave(seed=seed, trend=trend)
        train = pd.Series(np.where(missing, np.nan, y[:400]))
        train.index = pd.date_range("2024-01-01", periods=400, freq="h") if hours else train.index
        forecaster = ARForecaster().fit(train)
        assert forecaster.models_[0].lags
        errors.append(np.abs(forecaster.predict(48).to_numpy() - y[400:]).mean())
    assert np.mean(errors) < (1.1 if trend == 0 else 1.5)  # the noise alone gives 0.8, the mean of the series 6.4


def test_one_column_with_gaps_does_not_change_the_others():
    y = np.column_stack([wave(400), np.where(T % 2 == 1, np.nan, wave(400, 1))])
    together, alone = ARForecaster().fit(y), ARForecaster().fit(y[:, 0])
    assert together.models_[0].lags == alone.models_[0].lags
    assert all(lag % 2 == 0 for lag in together.models_[1].lags)


def test_no_order_has_enough_rows():
    y = np.full(300, np.nan)
    y[np.random.default_rng(0).choice(300, 9, replace=False)] = np.arange(9.0)
    with pytest.warns(OrderSelectionWarning, match=r"the series has 9 observations.*lags='aic'.*forecasts the mean"):
        forecaster = ARForecaster().fit(y)
    assert_allclose(forecaster.predict(2), 4.0)
    with pytest.warns(OrderSelectionWarning, match=r"y\['b'\] has 9 observations.*lags='bic'.*forecasts the trend"):
        ARForecaster(lags="bic", trend="ct").fit(pd.DataFrame({"a": wave(300), "b": y}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ARForecaster(lags=0).fit(y)


def test_a_constant_with_gaps():
    assert_allclose(ARForecaster().fit(np.where(T % 2 == 1, np.nan, 7.0)).predict(3), 7)


def test_four_of_five_values_missing():
    rng = np.random.default_rng(0)
    wave = 20 + 10 * np.sin(2 * np.pi * np.arange(424) / 24)
    y = wave[:400] + 0.5 * rng.normal(size=400)
    y[rng.random(400) < 0.8] = np.nan
    forecaster = ARForecaster().fit(pd.Series(y, pd.date_range("2024-01-01", periods=400, freq="h")))
    assert 24 in forecaster.models_[0].lags
    assert np.abs(forecaster.predict(24).to_numpy() - wave[400:]).mean() < 2.5


# ------------------------------------------------------------ sizes beyond reason
@pytest.mark.parametrize(
    "lags",
    [10**9, 10**30, range(1, 10**9), 50, [10**9], [1, 10**30]],
    ids=["int", "huge", "range", "n", "far", "farther"],
)
def test_lags_longer_than_the_series(lags):
    too_many = r"the series has 50 observations, of which 0 have all lags observed|must be at most 2\*\*63 - 1"
    with pytest.raises(ValueError, match=too_many):
        ARForecaster(lags=lags).fit(noise(50))
