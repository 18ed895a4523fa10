"""ARForecaster: coefficients of simulated series, forecasts and intervals, compared with statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from statsmodels.tsa.ar_model import AutoReg

from tsrnn import ARForecaster
from tsrnn.datasets import load_air_passengers
from tsrnn.exceptions import OrderSelectionWarning

TRENDS = ["n", "c", "t", "ct"]


def simulated(n=300, coefficients=(0.5, 0.3), level=10.0, slope=0.0, seed=0):
    """A simulated autoregression around a line, without its first values."""
    rng, p = np.random.default_rng(seed), len(coefficients)
    y = np.zeros(n + 100)
    for t in range(p, n + 100):
        y[t] = np.dot(coefficients, y[t - p : t][::-1]) + rng.normal()
    return level + slope * np.arange(n) + y[100:]


def parameters(model):
    """The parameters in the order of statsmodels."""
    terms = ([model.intercept] if model.intercept else []) + ([model.slope] if model.slope else [])
    return np.append(terms, model.coefficients)


def test_coefficients_of_simulated_series():
    model = ARForecaster(lags=2).fit(simulated(20_000)).models_[0]
    assert_allclose(model.coefficients, [0.5, 0.3], atol=0.03)
    assert_allclose(model.intercept, 10 * (1 - 0.5 - 0.3), rtol=0.1)
    assert_allclose(model.sigma2, 1, rtol=0.05)


def test_the_forecast_by_hand():
    forecaster = ARForecaster(lags=2).fit(simulated(50))
    (model,) = forecaster.models_
    y = list(simulated(50))
    for _ in range(5):
        y.append(model.intercept + model.coefficients[0] * y[-1] + model.coefficients[1] * y[-2])
    assert_allclose(forecaster.predict(5), y[50:])


def test_series_without_noise_are_continued():
    angle = 0.3 * np.arange(60)
    assert_allclose(ARForecaster(lags=2, trend="n").fit(np.sin(angle[:50])).predict(10), np.sin(angle[50:]), atol=1e-10)
    assert_allclose(ARForecaster(lags=0, trend="ct").fit(3 + 2 * np.arange(20)).predict(3), [43, 45, 47])
    assert_allclose(ARForecaster(lags=1, trend="n").fit(2.0 ** np.arange(20)).predict(3), 2.0 ** np.arange(20, 23))


@pytest.mark.parametrize("trend", TRENDS)
@pytest.mark.parametrize("lags", [0, 1, 4, [1, 4], [12, 3]], ids=str)
def test_statsmodels_agrees(trend, lags):
    autoreg = pytest.importorskip("statsmodels.tsa.ar_model").AutoReg
    y = simulated(slope=0.05)
    forecaster = ARForecaster(lags=lags, trend=trend).fit(y)
    (model,), other = forecaster.models_, autoreg(y, sorted(lags) if isinstance(lags, list) else lags, trend).fit()
    assert_allclose(parameters(model), other.params, rtol=1e-8, atol=1e-8)
    assert_allclose(forecaster.predict(30), other.forecast(30), rtol=1e-8)
    assert_allclose([model.sigma2, model.aic, model.bic], [other.sigma2, other.aic, other.bic], rtol=1e-8)


@pytest.mark.parametrize("criterion", ["aic", "bic"])
@pytest.mark.parametrize("trend", TRENDS)
@pytest.mark.parametrize("seed", range(3))
def test_statsmodels_selects_the_same_order(criterion, trend, seed):
    select = pytest.importorskip("statsmodels.tsa.ar_model").ar_select_order
    y = simulated(200, (0.6, 0.0, 0.25), seed=seed)
    longest = round(12 * 2**0.25)
    chosen = select(y, longest, ic=criterion, trend=trend).ar_lags or []
    assert list(ARForecaster(lags=criterion, trend=trend).fit(y).models_[0].lags) == list(chosen)


def test_air_passengers_get_seasonal_lags():
    y = load_air_passengers()
    forecaster = ARForecaster(lags="aic", trend="c").fit(np.log(y[:-12]))
    assert max(forecaster.models_[0].lags) >= 12
    assert_allclose(np.exp(forecaster.predict(12)), y[-12:], rtol=0.12)


def test_series_without_noise_get_the_shortest_order():
    assert ARForecaster(lags="aic", trend="n").fit(0.9 ** np.arange(100)).models_[0].lags == (1,)
    assert ARForecaster().fit(np.full(50, 3.0)).models_[0].lags == ()


@pytest.mark.parametrize("trend", TRENDS)
@pytest.mark.parametrize("ridge", [0.1, 10.0, 1e9])
def test_ridge_is_the_closed_form(trend, ridge):
    y, p = simulated(80), 3
    model = ARForecaster(lags=p, trend=trend, ridge=ridge).fit(y).models_[0]
    time = np.arange(p, 80)
    terms = {"c": np.ones(len(time)), "t": time + 1.0}
    x = np.column_stack([terms[name] for name in "ct" if name in trend] + [y[time - lag] for lag in range(1, p + 1)])
    penalty = ridge * np.diag([0.0] * (x.shape[1] - p) + [1.0] * p)
    assert_allclose(parameters(model), np.linalg.solve(x.T @ x + penalty, x.T @ y[time]), rtol=1e-7)


def test_rows_with_missing_values_are_left_out():
    y = simulated(80)
    y[[30, 55]] = np.nan
    model = ARForecaster(lags=2).fit(y).models_[0]
    rows = np.array([t for t in range(2, 80) if not np.isnan(y[t - 2 : t + 1]).any()])
    x = np.column_stack([np.ones(len(rows)), y[rows - 1], y[rows - 2]])
    assert_allclose(parameters(model), np.linalg.lstsq(x, y[rows], rcond=None)[0])


def test_orders_are_compared_on_the_same_rows_where_values_are_missing():
    y = simulated(2000, (0.5,))
    y[::25] = np.nan
    assert ARForecaster(lags="bic").fit(y).models_[0].lags == (1,)


def test_missing_values_limit_the_order():
    y = simulated(300)
    y[::4] = np.nan
    forecaster = ARForecaster(lags="aic").fit(y)
    assert max(forecaster.models_[0].lags, default=0) <= 2
    assert np.isfinite(forecaster.predict()).all()


def test_wide_arrays_column_by_column():
    y = np.column_stack([simulated(seed=1), 5 - simulated(seed=2), simulated(slope=1.0, seed=3)])
    together = ARForecaster(lags="aic", trend="ct").fit(y)
    alone = [ARForecaster(lags="aic", trend="ct").fit(y[:, c]) for c in range(3)]
    assert_array_equal(together.predict(20), np.column_stack([one.predict(20) for one in alone]))
    assert [m.lags for m in together.models_] == [one.models_[0].lags for one in alone]


@pytest.mark.parametrize("trend", TRENDS)
def test_update_continues_the_trend(trend):
    """After an update with the forecast itself, the rest of the forecast is unchanged, also with a trend."""
    y = simulated(120, slope=0.5)
    forecaster = ARForecaster(lags=2, trend=trend).fit(y[:100])
    ahead = forecaster.predict(20)
    updated = forecaster.update(ahead[:12]).predict(8)  # the new values equal the forecast
    assert_allclose(updated, ahead[12:])
    if trend == "ct":
        line = 3 + 2.0 * np.arange(60)
        other = ARForecaster(lags=0, trend=trend).fit(line[:40]).update(line[40:50])
        assert_allclose(other.predict(10), line[50:])


def test_missing_first_values_do_not_change_the_trend():
    y = pd.Series(3 + 2.0 * np.arange(40))
    y[:10] = np.nan
    assert_allclose(ARForecaster(lags=0, trend="ct").fit(y).predict(2), [83, 85])
    assert_allclose(ARForecaster(lags=1, trend="ct").fit(y).predict(2), [83, 85])


@pytest.mark.parametrize("factor", [1e-12, 1e12])
@pytest.mark.parametrize("trend", ["c", "ct"])
def test_scaling_the_series_scales_the_forecast(trend, factor):
    y = simulated()
    plain, other = (ARForecaster(lags=3, trend=trend).fit(k * y) for k in (1.0, factor))
    assert_allclose(other.predict(20), factor * plain.predict(20), rtol=1e-9)
    assert_allclose(other.models_[0].coefficients, plain.models_[0].coefficients, rtol=1e-8)


@pytest.mark.parametrize("lags", [range(1, 4), np.array([1, 2, 3]), {3, 1, 2}, (1, 2, 3)], ids=str)
def test_lags_of_any_kind(lags):
    y = simulated()
    assert_array_equal(ARForecaster(lags=lags).fit(y).predict(), ARForecaster(lags=3).fit(y).predict())


def test_short_series_choose_short_lags():
    for n in range(2, 7):
        with pytest.warns(OrderSelectionWarning, match=f"the series has {n} observations"):
            assert np.isfinite(ARForecaster(lags="bic").fit(simulated(n)).predict(3)).all()
    for n in range(7, 12):
        assert np.isfinite(ARForecaster(lags="bic").fit(simulated(n)).predict(3)).all()
    assert_allclose(ARForecaster(lags=0).fit([7.0]).predict(2), 7)


# ------------------------------------------------------------ the predictive distribution
def ar2(n=400, seed=0):
    rng = np.random.default_rng(seed)
    y = np.zeros(n)
    for t in range(2, n):
        y[t] = 5 + 1.2 * y[t - 1] - 0.5 * y[t - 2] + rng.normal()
    return y


def test_intervals_are_those_of_statsmodels():
    y = ar2()
    theirs = AutoReg(y, [1, 2, 5], "c").fit()
    summary = theirs.get_prediction(400, 409)
    ours = ARForecaster(lags=[1, 2, 5]).fit(y)
    interval = ours.predict_interval(10, 0.8)
    inflation = np.sqrt(ours.models_[0].variance / theirs.sigma2)  # ours uses the unbiased variance
    centre, half = summary.predicted_mean, (summary.conf_int(0.2)[:, 1] - summary.predicted_mean) * inflation
    assert_allclose(interval, np.column_stack([centre - half, centre + half]), rtol=1e-8)


def test_quantiles_paths_and_intervals_agree():
    forecaster = ARForecaster(lags=2).fit(ar2())
    quantiles = forecaster.predict_quantiles(8, [0.1, 0.5, 0.9])
    assert_allclose(quantiles[:, 1], forecaster.predict(8), rtol=1e-12)
    assert_allclose(quantiles[:, [0, 2]], forecaster.predict_interval(8, 0.8), rtol=1e-12)
    paths = forecaster.sample(8, 20_000, random_state=0)
    assert paths.shape == (8, 20_000)
    spread = quantiles[:, 2] - quantiles[:, 0]
    assert_allclose(np.quantile(paths, [0.1, 0.5, 0.9], axis=1).T, quantiles, atol=0.03 * spread.max())
    a = forecaster.models_[0].coefficients[0]
    psi = [1, a, a * a + forecaster.models_[0].coefficients[1]]
    expected = np.dot(psi[:2], psi[1:]) / np.sqrt(np.dot(psi[:2], psi[:2]) * np.dot(psi, psi))
    assert_allclose(np.corrcoef(paths[1:3])[0, 1], expected, atol=0.02)  # steps of a path depend on each other


def test_values_missing_at_the_end_are_forecast_too():
    y = ar2()
    forecaster = ARForecaster(lags=2).fit(y)
    gap = y.copy()
    gap[-4:] = np.nan
    assert_allclose(forecaster.predict(3, context=gap), forecaster.predict(7, context=y[:-4])[4:], rtol=1e-12)
    assert_allclose(
        forecaster.predict_interval(3, context=gap), forecaster.predict_interval(7, context=y[:-4])[4:], rtol=1e-12
    )
    forecaster.fit(y[:-4]).update(gap[-4:])
    assert_allclose(forecaster.predict_interval(3), forecaster.predict_interval(3, context=gap), rtol=1e-12)
    assert forecaster.sample(3, 5).shape == (3, 5)


def test_coverage_of_simulated_series():
    inside = []
    for seed in range(150):
        y = ar2(130, seed)
        bounds = ARForecaster(lags=2).fit(y[:120]).predict_interval(10, [0.5, 0.9])
        inside.append((bounds[:, :, 0] < y[120:, None]) & (y[120:, None] < bounds[:, :, 1]))
    assert_allclose(np.mean(inside, axis=(0, 1)), [0.5, 0.9], atol=0.05)


def test_columns_of_intervals_quantiles_and_paths():
    index = pd.date_range("2000-01-01", periods=60, freq="MS")
    y = pd.Series(ar2(60), index, name="sales")
    forecaster = ARForecaster(lags=2, horizon=3).fit(y)
    one = forecaster.predict_interval()
    assert list(one.columns) == ["lower", "upper"]
    assert one.index.equals(forecaster.predict().index)
    two = forecaster.predict_interval(coverage=[0.5, 0.9])
    assert list(two.columns) == [(0.5, "lower"), (0.5, "upper"), (0.9, "lower"), (0.9, "upper")]
    assert_array_equal(two[0.9], one)
    assert list(two.columns.names) == ["coverage", "bound"]
    assert ((two[0.9].lower < two[0.5].lower) & (two[0.5].upper < two[0.9].upper)).all()
    assert list(forecaster.predict_quantiles(quantiles=[0.2, 0.8]).columns) == [0.2, 0.8]
    pd.testing.assert_series_equal(forecaster.predict_quantiles(2, 0.5), forecaster.predict(2))
    assert forecaster.sample(n_paths=5).shape == (3, 5)
    assert_array_equal(forecaster.sample(2, 3, random_state=1), forecaster.sample(2, 3, random_state=1))
    assert (forecaster.sample(2, 3, random_state=1) != forecaster.sample(2, 3, random_state=2)).all(axis=None)
    dates = forecaster.predict(9).index[[8, 2]]
    assert_allclose(forecaster.predict_interval(dates), forecaster.predict_interval(9).loc[dates])
    wide = pd.DataFrame({"x": y, "z": -y})
    bounds = forecaster.fit(wide).predict_interval(2, 0.8)
    assert list(bounds.columns) == [("x", "lower"), ("x", "upper"), ("z", "lower"), ("z", "upper")]
    assert_allclose(bounds["z"], -bounds["x"][["upper", "lower"]])
    arrays = forecaster.fit(wide.to_numpy())
    assert arrays.predict_interval(4, 0.8).shape == (4, 2, 2)
    assert arrays.predict_interval(4, [0.5, 0.8]).shape == (4, 2, 2, 2)
    assert arrays.sample(4, 7).shape == (4, 2, 7)


@pytest.mark.parametrize(
    "level", [0, 1, -0.1, 1.5, 90, "0.9", None, [], [0.9, 0.5], [0.5, 0.5], np.nan, [[0.5]]], ids=repr
)
def test_bad_probabilities(level):
    forecaster = ARForecaster(lags=1).fit(ar2(50))
    with pytest.raises(ValueError, match=r"coverage=.* must be a number between 0 and 1"):
        forecaster.predict_interval(3, level)
    with pytest.raises(ValueError, match=r"quantiles=.* must be a number between 0 and 1"):
        forecaster.predict_quantiles(3, level)


def test_bad_samples():
    forecaster = ARForecaster(lags=1).fit(ar2(50))
    with pytest.raises(ValueError, match="n_paths=0 must be at least 1"):
        forecaster.sample(3, 0)
    with pytest.raises(ValueError, match="random_state='x' must be"):
        forecaster.sample(3, random_state="x")
    exact = ARForecaster(lags=1).fit([1.0, 2.0, 4.0])
    with pytest.raises(ValueError, match="as many coefficients as rows"):
        exact.predict_interval(2)
