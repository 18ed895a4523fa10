"""Naive, seasonal naive, drift and theta forecasters: definitions, the paper's model, panels, gaps, short series."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.stats import norm
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from statsmodels.tsa.seasonal import seasonal_decompose
from statsmodels.tsa.stattools import acf

from tsrnn import DriftForecaster, NaiveForecaster, SeasonalNaiveForecaster, ThetaForecaster
from tsrnn.datasets import load_air_passengers, load_nile
from tsrnn.frame import seasonal_naive

from . import oracles

BASELINES = [NaiveForecaster, SeasonalNaiveForecaster, DriftForecaster, ThetaForecaster]
every_baseline = pytest.mark.parametrize("baseline", BASELINES)
LEVELS = [0.1, 0.5, 0.975]


def walk(n, seed=0, drift=0.0):
    return 50 + np.cumsum(drift + np.random.default_rng(seed).normal(size=n))


def monthly(n, seed=0, level=50.0):
    """A trend, a season of 12 steps and noise, (n,), with dates."""
    t, rng = np.arange(n), np.random.default_rng(seed)
    values = level + 0.2 * t + 8 * np.sin(2 * np.pi * t / 12) + rng.normal(size=n)
    return pd.Series(values, pd.date_range("2010-01-01", periods=n, freq="MS"))


def long(series, **names):
    frames = [pd.DataFrame({"unique_id": name, "ds": y.index, "y": y.to_numpy()}) for name, y in series.items()]
    return pd.concat(frames, ignore_index=True)


def spread_of(quantiles):
    """Standard deviation of normal distributions with these quantiles (..., 3) at `LEVELS`."""
    return (quantiles[..., 2] - quantiles[..., 1]) / norm.ppf(0.975)


# ---------------------------------------------------------------- definitions of the walks
@pytest.mark.parametrize("m", [1, 4])
@pytest.mark.parametrize("missing", [[], [3, 10, 11, 20], [26, 27, 28, 29]])
def test_walks_of_each_phase(m, missing):
    y = walk(30)
    y[missing] = np.nan
    forecaster = SeasonalNaiveForecaster(season_lengths=m if m > 1 else []).fit(y)
    last, deviation = oracles.random_walk(y, m)
    quantiles = forecaster.predict_quantiles(9, LEVELS)
    for step in range(9):
        row = 30 + step
        source = last[row % m]
        assert forecaster.predict(9)[step] == quantiles[step, 1] == y[source]
        assert_allclose(spread_of(quantiles)[step], deviation * np.sqrt((row - source) / m))
    if m == 1:
        assert_array_equal(quantiles, NaiveForecaster().fit(y).predict_quantiles(9, LEVELS))


def test_seasonal_naive_agrees_with_the_function():
    y = monthly(50).to_numpy()
    assert_array_equal(SeasonalNaiveForecaster(season_lengths=12).fit(y).predict(30), seasonal_naive(y, 30, 12))


def test_drift():
    y, h = walk(40, drift=0.5), np.arange(1, 8)
    quantiles = DriftForecaster().fit(y).predict_quantiles(7, LEVELS)
    slope = (y[-1] - y[0]) / 39
    sigma = np.sqrt(np.sum((np.diff(y) - slope) ** 2) / 38)
    assert_allclose(quantiles[:, 1], y[-1] + slope * h)
    assert_allclose(spread_of(quantiles), sigma * np.sqrt(h * (1 + h / 39)))


def test_drift_over_missing_values_is_weighted_least_squares():
    y = walk(40, drift=0.5)
    y[[0, 1, 5, 6, 7, 20, 38, 39]] = np.nan
    rows = np.flatnonzero(~np.isnan(y))
    steps, changes = np.diff(rows), np.diff(y[rows])
    slope = np.linalg.lstsq(np.sqrt(steps)[:, None], changes / np.sqrt(steps), rcond=None)[0][0]
    sigma = np.sqrt(np.sum((changes - slope * steps) ** 2 / steps) / (len(steps) - 1))
    h = np.arange(3, 8)  # two steps are missing at the end
    quantiles = DriftForecaster().fit(y).predict_quantiles(5, LEVELS)
    assert_allclose(quantiles[:, 1], y[37] + slope * h)
    assert_allclose(spread_of(quantiles), sigma * np.sqrt(h * (1 + h / 35)))


@every_baseline
@pytest.mark.parametrize("n_missing", [0, 5])
def test_paths_have_the_quantiles(baseline, n_missing):
    y = monthly(60)
    y.iloc[60 - n_missing :] = np.nan
    forecaster = baseline().fit(y)
    paths = forecaster.sample(26, 4000, random_state=0).to_numpy()
    quantiles = forecaster.predict_quantiles(26, LEVELS).to_numpy()
    assert_allclose(paths.mean(axis=1), quantiles[:, 1], atol=4 * spread_of(quantiles).max() / np.sqrt(4000))
    assert_allclose(paths.std(axis=1), spread_of(quantiles), rtol=0.05)
    assert_array_equal(paths, forecaster.sample(26, 4000, random_state=0))
    assert not np.array_equal(paths, forecaster.sample(26, 4000, random_state=1))


def test_paths_of_a_phase_are_walks():
    """Steps one season apart are correlated as in a random walk, other steps are independent."""
    paths = SeasonalNaiveForecaster(season_lengths=2).fit(walk(40)).sample(4, 20_000, random_state=0)
    correlation = np.corrcoef(paths)
    assert_allclose(correlation[0, [1, 2, 3]], [0, np.sqrt(0.5), 0], atol=0.02)


@pytest.mark.parametrize(
    ("baseline", "drift"), [(NaiveForecaster, 0.0), (DriftForecaster, 0.3), (ThetaForecaster, 0.0)]
)
def test_coverage_of_random_walks(baseline, drift):
    n_series, n, h = 400, 60, 6
    panel = long({s: pd.Series(walk(n + h, seed=s, drift=drift)) for s in range(n_series)})
    is_past = panel["ds"] < n
    interval = baseline().fit(panel[is_past]).predict_interval(h, 0.8)
    truth = panel[~is_past]["y"].to_numpy()
    inside = (interval.iloc[:, -2].to_numpy() < truth) & (truth < interval.iloc[:, -1].to_numpy())
    assert 0.75 < inside.mean() < 0.85


# ---------------------------------------------------------------- theta: the paper's model
def theta_errors(y, level, alpha, theta, dynamic):
    errors = y - oracles.theta_model(y, level, alpha, theta, dynamic)[0]
    return errors[2 if dynamic else 0 :]


@pytest.mark.parametrize("dynamic", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_theta_is_the_least_squares_fit(dynamic, seed):
    """No start of a general optimiser on the slow model finds a smaller sum of squares; forecasts are those of it."""
    y = [load_nile().to_numpy()[:40], walk(40, seed), walk(30, seed, 1.0), np.random.default_rng(3).normal(size=25)][
        seed
    ]
    forecaster = ThetaForecaster(dynamic=dynamic).fit(y)
    (model,) = forecaster.models_
    theta = min(model.theta, 1e12)
    errors = theta_errors(y, model.level, model.alpha, theta, dynamic)
    assert 0.1 <= model.alpha <= 0.99
    assert model.theta >= 1
    assert_allclose(model.deviation, np.sqrt(np.sum(errors**2) / (len(errors) - 3)), rtol=1e-9)
    size = np.abs(y).max()
    for alpha, omega in [(0.2, 0.1), (0.5, 0.5), (0.9, 0.9)]:
        found = minimize(
            lambda p: np.sum((theta_errors(y, p[0] * size, p[1], 1 / (1 - p[2]), dynamic) / size) ** 2),
            [y[0] / size / 2, alpha, omega],
            bounds=[(None, None), (0.1, 0.99), (0, 1 - 1e-9)],
        )
        assert np.sum((errors / size) ** 2) <= found.fun * (1 + 1e-6)
    forecasts = oracles.theta_model(y, model.level, model.alpha, theta, dynamic, shocks=np.zeros(12))[0][len(y) :]
    assert_allclose(forecaster.predict(12), forecasts, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("dynamic", [True, False])
@pytest.mark.parametrize("gap", [0, 3])
def test_theta_variance_is_that_of_the_errors_to_come(dynamic, gap):
    """The forecast error of a step is the sum of the responses to the errors up to it."""
    y = walk(30, 2, 0.5)
    forecaster = ThetaForecaster(dynamic=dynamic).fit(y)
    model, n = forecaster.models_[0], 8 + gap
    arguments = y, model.level, model.alpha, min(model.theta, 1e12), dynamic
    plain = oracles.theta_model(*arguments, shocks=np.zeros(n))[1][30:]
    responses = np.array([oracles.theta_model(*arguments, shocks=unit)[1][30:] - plain for unit in np.eye(n)])
    spread = model.deviation * np.sqrt(np.sum(responses**2, axis=0))
    if gap:
        forecaster.update(np.full(gap, np.nan))
    quantiles = forecaster.predict_quantiles(8, LEVELS)
    assert_allclose(spread_of(quantiles), spread[gap:], rtol=1e-7)
    assert_allclose(quantiles[:, 1], plain[gap:], rtol=1e-8)


@pytest.mark.parametrize("level", [60.0, 0.0])
@pytest.mark.parametrize("n", [48, 50, 61])
@pytest.mark.parametrize("m", [12, 7])
def test_seasonal_indices_are_those_of_classical_decomposition(level, n, m):
    t = np.arange(n)
    y = level + 5 * np.sin(2 * np.pi * t / m) + 0.3 * walk(n, 1) - 15
    kind = "multiplicative" if level else "additive"
    (model,) = ThetaForecaster(season_lengths=m).fit(y).models_
    assert model.kind == kind
    assert_allclose(model.seasonal, seasonal_decompose(y, kind, period=m).seasonal[:m], rtol=1e-10)
    adjusted = y / np.resize(model.seasonal, n) if level else y - np.resize(model.seasonal, n)
    plain = ThetaForecaster(season_lengths=[]).fit(adjusted)
    index = np.resize(np.roll(model.seasonal, -(n % m)), 30)
    combine = np.multiply if level else np.add
    forecaster = ThetaForecaster(season_lengths=m).fit(y)
    assert_allclose(forecaster.predict(30), combine(plain.predict(30), index), rtol=1e-8)
    quantiles = combine(plain.predict_quantiles(30, LEVELS), index[:, None])
    assert_allclose(forecaster.predict_quantiles(30, LEVELS), quantiles, rtol=1e-8)


def test_seasonal_test_is_that_of_the_autocorrelation():
    results = set()
    for seed in range(60):
        y = np.random.default_rng(seed).normal(size=40) + 0.45 * np.sin(np.pi / 2 * np.arange(40))
        r = acf(y, nlags=4)
        is_seasonal = abs(r[4]) > norm.ppf(0.95) * np.sqrt((1 + 2 * np.sum(r[1:4] ** 2)) / 40)
        assert (ThetaForecaster(season_lengths=4).fit(y).models_[0].kind != "none") == is_seasonal
        results.add(bool(is_seasonal))
    assert results == {True, False}


def test_theta_beats_the_naive_forecasts_of_air_passengers():
    y = load_air_passengers()
    scores = {baseline: baseline().fit(y[:-24]).score(y[-24:]) for baseline in BASELINES}
    assert max(scores, key=scores.get) is ThetaForecaster


def test_theta_with_values_that_are_missing():
    """A missing value is the last one before it; the fit minimises the errors of the others."""
    y = walk(40, 5, 0.5)
    y[[0, 9, 10, 25]] = np.nan
    (model,) = ThetaForecaster().fit(y).models_
    filled, seen = pd.Series(y).ffill().to_numpy()[1:], ~np.isnan(y[1:])

    def squares(level, alpha, theta):
        return np.sum(theta_errors(filled, level, alpha, theta, True)[seen[2:]] ** 2)

    least = squares(model.level, model.alpha, min(model.theta, 1e12))
    assert_allclose(model.deviation, np.sqrt(least / (seen.sum() - 2 - 3)), rtol=1e-8)
    for alpha in np.linspace(0.1, 0.99, 30):
        for theta in (1.0, 1.5, 3.0, 100.0):
            for level in (-50.0, 0.0, 25.0, 50.0):
                assert least <= squares(level, alpha, theta) * (1 + 1e-9)


@pytest.mark.parametrize("dynamic", [True, False])
def test_theta_filters_new_values_with_the_fitted_parameters(dynamic):
    y = monthly(72)
    forecaster = ThetaForecaster(dynamic=dynamic).fit(y[:55])
    model = forecaster.models_[0]
    forecaster.update(y[55:])
    assert_array_equal(forecaster.models_[0].seasonal, model.seasonal)
    index = np.resize(model.seasonal, 84)
    adjusted = y.to_numpy() / index[:72]
    line = oracles.line_through(adjusted[:55])
    parameters = model.level, model.alpha, min(model.theta, 1e12), dynamic, line
    means = oracles.theta_model(adjusted, *parameters, shocks=np.zeros(12))[0][72:]
    assert_allclose(forecaster.predict(12), means * index[72:], rtol=1e-8)


# ---------------------------------------------------------------- units, constants, counts, short series
@every_baseline
@pytest.mark.parametrize("factor", [2.0**-500, 1e-12, 1e12, 2.0**500])
def test_units_do_not_matter(baseline, factor):
    y = monthly(50)
    one = baseline().fit(y).predict_quantiles(15, LEVELS)
    assert_allclose(baseline().fit(factor * y).predict_quantiles(15, LEVELS) / factor, one, rtol=1e-6)


@every_baseline
@pytest.mark.parametrize("value", [0.0, 3.0, -1e12, 1e-12])
def test_constant_series(baseline, value):
    interval = baseline().fit(pd.Series(value, pd.date_range("2010", periods=40, freq="MS"))).predict_interval(6)
    assert_allclose(interval, np.full((6, 2), value), rtol=1e-9)


@every_baseline
def test_the_smallest_and_largest_numbers(baseline):
    assert_allclose(baseline().fit(np.full(9, 1e-310)).predict_interval(2), np.full((2, 2), 1e-310), rtol=1e-6)
    with pytest.raises(FloatingPointError, match="fit to the series divided by a constant"):
        baseline().fit(np.tile([1e308, -1e308], 10)).predict_interval(2)


@every_baseline
def test_counts_with_zeros(baseline):
    counts = pd.Series(np.random.default_rng(0).poisson(1.0, 60), pd.period_range("2010-01", periods=60, freq="M"))
    forecaster = baseline().fit(counts)
    assert forecaster.predict(12).between(-2, 6).all()
    assert np.isfinite(forecaster.predict_interval(12)).all(axis=None)


@every_baseline
@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 8, 9])
def test_short_series(baseline, n):
    y = np.array([5.0, 6.0, 8.0, 7.0, 9.0, 11.0, 10.0, 9.5, 12.0])[:n]
    forecaster = baseline().fit(y)
    assert ((forecaster.predict(3) >= 5) & (forecaster.predict(3) <= 18)).all()
    fewest = {DriftForecaster: 3}.get(baseline, 2)
    if n >= fewest:
        assert np.isfinite(forecaster.predict_interval(3)).all()
        return
    for call in (forecaster.predict_interval, forecaster.sample):
        with pytest.raises(ValueError, match="the series has too few values to estimate the spread"):
            call(3)


def test_standard_theta_of_few_values():
    y = np.array([5.0, 6.0, 8.0, 7.0])
    forecaster = ThetaForecaster().fit(y)
    (model,) = forecaster.models_
    assert (model.level, model.alpha, model.theta) == (2.5, 0.5, 2.0)
    means = oracles.theta_model(y, 2.5, 0.5, 2.0, True, shocks=np.zeros(3))[0]
    assert_allclose(forecaster.predict(3), means[4:])
    assert_allclose(model.deviation, np.sqrt(np.mean((y - means[:4])[1:] ** 2)))


def test_series_that_are_shorter_than_a_season():
    y = monthly(7)
    forecaster = SeasonalNaiveForecaster().fit(y)
    assert_array_equal(forecaster.predict(12), np.append(np.full(5, y.iloc[-1]), y))
    with pytest.raises(ValueError, match="two values one season apart"):
        forecaster.predict_interval(12)


def test_error_names_the_short_series_of_a_panel():
    panel = long({"a": monthly(40), "b": monthly(2)})
    forecaster = DriftForecaster().fit(panel)
    with pytest.raises(ValueError, match=r"'b'.*leave it out with ids="):
        forecaster.predict_interval(3)
    assert len(forecaster.predict_interval(3, ids=["a"])) == 3


# ---------------------------------------------------------------- panels and columns
@every_baseline
def test_series_of_a_panel_are_forecast_as_alone(baseline):
    series = {"z": monthly(50, 1), "a": monthly(29, 2, level=0.0), "m": monthly(80, 3)}
    series["z"].iloc[[20, 21, 49]] = np.nan
    forecaster = baseline(horizon=14).fit(long(series))
    forecasts, quantiles = forecaster.predict(), forecaster.predict_quantiles(14, LEVELS)
    assert list(forecasts["unique_id"].unique()) == ["z", "a", "m"]
    for name, y in series.items():
        alone = baseline(horizon=14).fit(y)
        assert_array_equal(forecasts.loc[forecasts["unique_id"] == name, "y"], alone.predict())
        own = quantiles.loc[quantiles["unique_id"] == name].iloc[:, 2:]
        assert_array_equal(own, alone.predict_quantiles(14, LEVELS))
    chosen = forecaster.predict(ids=["m"])
    assert_array_equal(chosen["y"], forecasts.loc[forecasts["unique_id"] == "m", "y"])
    paths = forecaster.sample(5, 3, random_state=0)
    assert_array_equal(forecaster.sample(5, 3, random_state=0, ids=["a"]).iloc[:, 2:], paths.iloc[5:10, 2:])


@every_baseline
def test_columns_are_forecast_as_alone(baseline):
    frame = pd.DataFrame({"late": monthly(60, 1), "b": monthly(60, 2, level=-5.0), "early": monthly(60, 3)})
    frame.iloc[:17, 0] = np.nan
    frame.iloc[55:, 2] = np.nan
    forecaster = baseline().fit(frame)
    quantiles = forecaster.predict_quantiles(9, LEVELS)
    for name in frame:
        alone = baseline().fit(frame[name] if name != "late" else frame[name].iloc[17:])
        assert_array_equal(forecaster.predict(9)[name], alone.predict(9))
        assert_array_equal(quantiles[name], alone.predict_quantiles(9, LEVELS))
    assert forecaster.sample(9, 5, random_state=0).shape == (9, 15)


@every_baseline
def test_context_is_forecast_by_its_own_values(baseline):
    y, other = monthly(60), monthly(45, seed=9, level=500.0)
    expected = baseline().fit(other).predict(8)
    assert_array_equal(baseline().fit(y).predict(8, context=other), expected)
    forecaster = baseline().fit(long({"a": y, "b": 2 * y}))
    given = forecaster.predict(8, context=long({"new": other, "a": other}))
    assert_array_equal(given["y"], np.tile(expected, 2))


@every_baseline
def test_updates_of_a_panel(baseline):
    old, new = monthly(60, 1), monthly(40, 5)
    forecaster = baseline().fit(long({"a": old[:50], "b": 3 * old}))
    before = forecaster.predict(6)
    forecaster.update(long({"a": old[50:], "c": new}))
    after = forecaster.predict(6)
    assert list(after["unique_id"].unique()) == ["a", "b", "c"]
    assert_array_equal(after["y"][6:12], before["y"][6:])
    alone = baseline().fit(old[:50]).update(old[50:])
    assert_array_equal(after["y"][:6], alone.predict(6))
    assert_array_equal(after["y"][12:], baseline().fit(new).predict(6))


def test_models_by_id():
    panel = {"z": monthly(50, 1), "a": monthly(60, 2)}
    models = ThetaForecaster().fit(long(panel)).models_
    assert list(models) == ["z", "a"]
    for name, y in panel.items():
        (alone,) = ThetaForecaster().fit(y).models_
        assert models[name].level == alone.level
    skipped = ThetaForecaster().fit(long({"z": panel["z"], "s": monthly(1), "a": panel["a"]}), short="skip")
    assert list(skipped.models_) == ["z", "a"]
    assert list(skipped.update(long({"n": monthly(30)})).models_) == ["z", "a"]


# ---------------------------------------------------------------- manners
@every_baseline
def test_manners_of_scikit_learn(baseline):
    y = monthly(80)
    forecaster = baseline(horizon=5)
    copy = clone(forecaster)
    assert copy.get_params() == forecaster.get_params()
    assert repr(forecaster) == f"{baseline.__name__}(horizon=5)"
    fitted = forecaster.fit(y)
    assert fitted is forecaster
    assert pickle.loads(pickle.dumps(fitted)).predict().equals(fitted.predict())
    search = GridSearchCV(copy, {"horizon": [3, 6]}, cv=TimeSeriesSplit(2, test_size=6), error_score="raise").fit(y)
    assert np.isfinite(search.best_score_)


@every_baseline
def test_covariates_are_refused(baseline):
    y = monthly(40)
    with pytest.raises(ValueError, match=rf"{baseline.__name__} has no use for the covariates 'month'"):
        baseline().fit(pd.DataFrame({"month": y.index.month}, index=y.index), y)


@pytest.mark.parametrize("baseline", [SeasonalNaiveForecaster, ThetaForecaster])
def test_one_season(baseline):
    y = monthly(80).to_numpy()
    with pytest.raises(ValueError, match=r"season_lengths=\[4, 12\] has 2 seasons.*pass season_lengths=4"):
        baseline(season_lengths=[4, 12]).fit(y)
    assert baseline(season_lengths=[12]).fit(y).season_length_ == 12
    with pytest.raises(ValueError, match="season_lengths=80"):
        baseline(season_lengths=80).fit(y)


@pytest.mark.parametrize("value", [0, "yes", None])
def test_dynamic_is_checked(value):
    with pytest.raises(TypeError, match="dynamic="):
        ThetaForecaster(dynamic=value).fit(walk(20))


@every_baseline
@pytest.mark.parametrize("value", [0, 1.5, None])
def test_horizon_is_checked(baseline, value):
    with pytest.raises((TypeError, ValueError), match="horizon="):
        baseline(horizon=value).fit(walk(20))
