"""Forecasters: common tests of all of them, no use of later values, and training."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score

from tsrnn import Adam, ARForecaster, EarlyStopping, GRUForecaster, Huber, LSTMForecaster, Pinball, RNNForecaster
from tsrnn.cells.registry import FAMILIES, family
from tsrnn.exceptions import FewWindowsWarning
from tsrnn.frame import mase
from tsrnn.losses import registry

from . import conftest
from .forecasters import ALL, QUICK, continuation, lstm, months, wave, wide


def clone_fitted(forecaster):
    return pickle.loads(pickle.dumps(forecaster))


def test_the_fixtures_contain_all_forecasters():
    assert {*conftest.LINEAR, *conftest.NETWORKS, *conftest.MORE} == set(ALL)


# ------------------------------------------------------------ the manners of an estimator
def test_fit_returns_self_and_the_input_is_unchanged(forecaster):
    y = months(wave(), name="sales")
    y.iloc[[0, 40, 89]] = np.nan
    before = y.copy(deep=True)
    parameters = {**forecaster.get_params()}
    assert forecaster.fit(y) is forecaster
    forecaster.predict()
    forecaster.update(pd.Series([20.0], before.index[-1:] + before.index.freq))
    pd.testing.assert_series_equal(y, before)
    assert y.index.freq == before.index.freq
    assert forecaster.get_params() == parameters


def test_read_only_arrays_are_enough(forecaster):
    y = wave()
    y.flags.writeable = False
    assert_array_equal(forecaster.fit(y).predict(), clone(forecaster).fit(wave()).predict())


def options_of_cell(forecaster):
    """The arguments that the forecaster's cell adds to those of all networks."""
    name = type(forecaster).__name__.removesuffix("Forecaster")
    return family(name).options if name in FAMILIES else ()


def test_clone_parameters_and_repr(forecaster):
    again = clone(forecaster)
    assert again is not forecaster
    assert again.get_params() == forecaster.get_params()
    assert type(forecaster)().set_params(**forecaster.get_params()).get_params() == forecaster.get_params()
    assert repr(forecaster).startswith(f"{type(forecaster).__name__}(")
    assert "horizon=4" in repr(forecaster)
    with pytest.raises(ValueError, match="Invalid parameter 'nonsense'"):
        forecaster.set_params(nonsense=1)
    assert len(inspect.signature(type(forecaster)).parameters) <= 30 + len(options_of_cell(forecaster))


def test_nothing_is_checked_before_fit(forecaster):
    forecaster.set_params(horizon="soon")
    with pytest.raises(TypeError, match="horizon='soon' must be an integer"):
        forecaster.fit(wave())


@pytest.mark.parametrize("call", [lambda f: f.predict(), lambda f: f.update([1.0]), lambda f: f.score([1.0])])
def test_unfitted(forecaster, call):
    with pytest.raises(NotFittedError):
        call(forecaster)


def test_pickle(forecaster):
    forecaster.fit(months(wave(), name="sales"))
    again = pickle.loads(pickle.dumps(forecaster))
    pd.testing.assert_series_equal(again.predict(9), forecaster.predict(9))
    pd.testing.assert_series_equal(clone(forecaster).fit(months(wave(), name="sales")).predict(9), again.predict(9))


def test_the_seed_decides(network):
    y = wave()
    network.set_params(random_state=1, linear_skip=False)
    first = network.fit(y).predict()
    assert_array_equal(clone(network).fit(y).predict(), first)
    assert (clone(network).set_params(random_state=2).fit(y).predict() != first).all()
    assert (clone(network).set_params(random_state=None).fit(y).predict() != first).all()


def test_the_global_generator_is_not_used(network):
    before = np.random.get_state()[1].copy()
    network.set_params(random_state=None).fit(wave()).predict()
    assert_array_equal(np.random.get_state()[1], before)


def test_a_second_fit_does_not_depend_on_the_first(forecaster):
    once = clone(forecaster).fit(months(wave())).predict()
    forecaster.fit(wide()).predict()
    pd.testing.assert_series_equal(forecaster.fit(months(wave())).predict(), once)


def test_warm_start_continues(network):
    y = wave()
    network.set_params(early_stopping=False, linear_skip=False, warm_start=True).fit(y)
    first = network.loss_curve_
    network.fit(y)
    assert network.loss_curve_[0] < first[0]
    assert network.loss_curve_[-1] < first[-1]
    for change, message in [
        ({"hidden_size": 4}, "warm_start=True needs the network of the earlier fit"),
        ({"loss": "mse"}, r"goes on with the loss='mae' of the earlier fit, not with loss='mse', under"),
        ({"loss": Huber(0.5)}, r"goes on with the loss='mae' of the earlier fit, not with loss=Huber\(0.5\)"),
        (
            {"loss": "mse", "scaling": None},
            "with the loss='mae' and scaling='last' of .* not with loss='mse' and scaling",
        ),
        ({"scaling": None}, "goes on with the scaling='last' of the earlier fit, not with scaling=None"),
    ]:
        with pytest.raises(ValueError, match=message):
            clone_fitted(network).set_params(**change).fit(y)


def test_a_failing_fit_leaves_a_fitted_estimator_as_it_was(forecaster):
    forecaster.fit(months(wave(), name="sales"))
    before, attributes = forecaster.predict(), set(vars(forecaster))
    bad_targets = {"is inf": [1.0, np.inf] * 40, "is empty": [], "3 obs": wave(3), "missing": np.full(50, np.nan)}
    for message, bad in bad_targets.items():
        with pytest.raises(ValueError, match=message):
            forecaster.fit(bad)
    assert set(vars(forecaster)) == attributes
    pd.testing.assert_series_equal(forecaster.predict(), before)


@pytest.mark.parametrize("fitted", [False, True])
def test_an_interrupted_fit_leaves_the_estimator_as_it_was(network, fitted):
    def interrupt(epoch):
        raise KeyboardInterrupt

    y = wave()
    if fitted:
        before = network.fit(y).predict()
    with pytest.raises(KeyboardInterrupt):
        network.set_params(callbacks=[interrupt]).fit(y + 100)
    if fitted:
        assert_array_equal(network.predict(), before)
    else:
        with pytest.raises(NotFittedError):
            network.predict()


def test_parameters_changed_after_fit_do_not_change_the_forecast():
    forecaster = lstm().fit(wave())
    before = forecaster.predict(6)
    forecaster.set_params(strategy="direct", context_length=3, hidden_size=9, scaling=None, loss="gaussian")
    assert_array_equal(forecaster.predict(6), before)


# ------------------------------------------------------------ every kind of input and index
INDEXES = {
    "month start": pd.date_range("2000-01-01", periods=94, freq="MS"),
    "month end": pd.date_range("2000-01-31", periods=94, freq="ME"),
    "quarters": pd.date_range("2000-01-01", periods=94, freq="QS"),
    "weeks": pd.date_range("2000-01-02", periods=94, freq="W"),
    "days": pd.date_range("2000-01-01", periods=94, freq="D", name="day"),
    "business days": pd.date_range("2000-01-03", periods=94, freq="B"),
    "hours across a clock change": pd.date_range("2024-03-28", periods=94, freq="h", tz="Europe/Berlin"),
    "hours across the other": pd.date_range("2024-10-24", periods=94, freq="h", tz="America/New_York"),
    "quarters of an hour": pd.date_range("2024-03-28", periods=94, freq="15min"),
    "months": pd.period_range("2000-01", periods=94, freq="M"),
    "years as periods": pd.period_range("1900", periods=94, freq="Y"),
    "range": pd.RangeIndex(94),
    "range in steps": pd.RangeIndex(10, 10 + 5 * 94, 5, name="t"),
    "years as integers": pd.Index(np.arange(1900, 1994), name="year"),
}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_the_future_index(forecaster, index):
    y = pd.Series(wave(94), index, name="sales")
    forecast = forecaster.fit(y.iloc[:90]).predict()
    assert isinstance(forecast, pd.Series)
    assert forecast.name == "sales"
    assert forecast.index.equals(index[90:])
    assert forecast.index.name == index.name
    assert getattr(forecast.index, "freq", None) == getattr(index, "freq", None)
    assert forecast.dtype == np.float64
    assert np.isfinite(forecast).all()


def test_a_frequency_is_inferred_where_there_is_none(forecaster):
    y = months(wave())
    y.index = pd.DatetimeIndex(y.index, freq=None)
    assert forecaster.fit(y).predict(2).index.equals(pd.DatetimeIndex(["2007-07-01", "2007-08-01"]))


def test_all_types_of_one_series_give_the_same_numbers(forecaster):
    y = wave()
    expected = forecaster.fit(y).predict()
    assert isinstance(expected, np.ndarray)
    assert expected.shape == (4,)
    kinds = [list(y), tuple(y), y.reshape(-1, 1), pd.Series(y), months(y), pd.DataFrame({"a": y}), y.astype(object)]
    for kind in kinds:
        forecast = clone(forecaster).fit(kind).predict()
        if not isinstance(kind, pd.Series | pd.DataFrame | np.ndarray):
            assert isinstance(forecast, np.ndarray)
        else:
            assert type(forecast) is type(kind)
            assert forecast.shape == (4, *np.shape(kind)[1:])
        ar = isinstance(forecaster, ARForecaster)
        assert_allclose(np.ravel(forecast), expected, rtol=1e-12 if ar else 1e-5)


def test_unnamed_series_and_frames(forecaster):
    assert forecaster.fit(months(wave())).predict().name is None
    frame = pd.DataFrame(wide(), months(wave()).index, columns=pd.Index(["x", "z"], name="which"))
    forecast = forecaster.fit(frame).predict(3)
    assert isinstance(forecast, pd.DataFrame)
    pd.testing.assert_index_equal(forecast.columns, frame.columns)
    assert forecast.index[0] == pd.Timestamp("2007-07-01")
    assert_allclose(forecaster.fit(wide()).predict(3), forecast)
    assert forecaster.n_features_in_ == 2


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool", "float32", "Int64", "Float64", "boolean"])
def test_numeric_dtypes(forecaster, dtype):
    y = pd.Series((np.arange(90) // 5 % 2).astype(int)).astype(dtype)
    forecast = forecaster.fit(y).predict()
    assert forecast.dtype == np.float64
    assert_array_equal(forecast, clone(forecaster).fit(y.astype("float64")).predict())


def test_nullable_integers_with_gaps(forecaster):
    y = pd.Series(np.round(wave() * 100)).astype("Int64")
    y[[3, 50]] = pd.NA
    assert np.isfinite(forecaster.fit(y).predict()).all()


def test_large_integers_do_not_overflow(forecaster):
    y = np.round(wave() * 1e17).astype(np.int64)
    assert_allclose(forecaster.fit(y).predict() / 1e17, clone(forecaster).fit(wave()).predict(), rtol=1e-4)


# ------------------------------------------------------------ predict, update, score
@pytest.mark.parametrize("horizon", [1, 3, 4, 5, 20])
def test_any_horizon(forecaster, horizon):
    forecaster.fit(months(wave()))
    assert len(forecaster.predict(horizon)) == horizon
    pd.testing.assert_series_equal(forecaster.predict(20)[:horizon], forecaster.predict(np.int64(horizon)))


def test_predict_dates(forecaster):
    forecaster.fit(months(wave(), name="sales"))
    steps = forecaster.predict(9)
    for dates in (steps.index, steps.index[[1, 5]], steps.index[[8, 0]], ["2007-09-01"]):
        wanted = pd.DatetimeIndex(dates)
        forecast = forecaster.predict(dates)
        assert forecast.index.equals(wanted)
        assert_array_equal(forecast, steps[wanted])
    assert_array_equal(forecaster.fit(wave()).predict([90, 92]), forecaster.predict(3)[[0, 2]])


def test_context_of_another_series(forecaster):
    y, other = months(wave(), name="sales"), months(wave(40, seed=5) + 3, name="other")
    forecaster.fit(y)
    forecast = forecaster.predict(6, context=other)
    assert forecast.name == "other"
    assert forecast.index[0] == pd.Timestamp("2003-05-01")
    assert_array_equal(forecaster.predict(6, context=y), forecaster.predict(6))
    assert isinstance(forecaster.predict(6, context=other.to_numpy()), np.ndarray)
    assert_array_equal(forecaster.predict(other.index[-1:] + other.index.freq, context=other), forecast[:1])
    other.iloc[-30:-20] = np.nan
    assert np.isfinite(forecaster.predict(6, context=other)).all()


def test_update_equals_the_longer_context(forecaster):
    y = months(wave(100), name="sales")
    whole = forecaster.fit(y[:90]).predict(5, context=y)
    for rows in (slice(90, 91), slice(91, 93), slice(93, 100)):
        assert forecaster.update(y[rows]) is forecaster
    pd.testing.assert_series_equal(forecaster.predict(5), whole)
    assert forecaster.index_.equals(y.index)


def test_update_with_missing_values_and_arrays(forecaster):
    y = np.append(wave(90), [np.nan, 21.0, np.nan])
    forecaster.fit(y[:90]).update(y[90:])
    assert_array_equal(forecaster.predict(), forecaster.predict(context=y))
    frame = pd.DataFrame(wide(), months(wave()).index, columns=["x", "z"])
    forecaster.fit(frame[:80]).update(frame[80:85]).update(frame[85:].to_numpy())
    pd.testing.assert_frame_equal(forecaster.predict(), forecaster.predict(context=frame))


def test_a_refused_update_changes_nothing(forecaster):
    y = months(wave())
    before = forecaster.fit(y[:80]).predict()
    for bad, message in [
        (y[82:], "gap: y_new begins at 2006-11-01, but the series ends at 2006-08-01"),
        (y[79:], "overlap"),
        (wide(3), "y_new has 2 series, but .* was fitted to 1"),
        (pd.Series([1.0]), "y_new has integer labels"),
    ]:
        with pytest.raises(ValueError, match=message):
            forecaster.update(bad)
    pd.testing.assert_series_equal(forecaster.predict(), before)


def test_columns_must_agree(forecaster):
    frame = pd.DataFrame(wide(), columns=["x", "z"])
    forecaster.fit(frame[:80])
    swapped = frame[["z", "x"]]
    for call in (lambda: forecaster.update(swapped[80:]), lambda: forecaster.predict(context=swapped)):
        with pytest.raises(ValueError, match=r"has the columns \['z', 'x'\], but the fit had \['x', 'z'\]"):
            call()


def test_score_is_negative_mase(forecaster):
    y = months(wave())
    y.iloc[[4, 85]] = np.nan
    forecaster.fit(y[:84])
    expected = -mase(y[84:].to_numpy(), forecaster.predict(6).to_numpy(), y[:84].to_numpy(), season_length=12)
    assert forecaster.score(y[84:]) == pytest.approx(expected)
    assert forecaster.score(y[84:].to_numpy()) == pytest.approx(expected)
    with pytest.raises(ValueError, match="gap: X begins at 2007-02-01"):
        forecaster.score(y[85:])
    forecaster.update(y[84:86])
    expected = -mase(y[86:].to_numpy(), forecaster.predict(4).to_numpy(), y[:84].to_numpy(), season_length=12)
    assert forecaster.score(y[86:]) == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["series", "array", "frame"])
@pytest.mark.parametrize("name", ["AR", "LSTM-recursive", "LSTM-direct"])
def test_grid_search(name, kind):
    y = {"series": months(wave()), "array": wave(), "frame": pd.DataFrame(wide(), months(wave()).index)}[kind]
    grid = {"lags": [1, 5]} if name == "AR" else {"scaling": ["window", "standard"]}
    search = GridSearchCV(clone(ALL[name]), grid, cv=TimeSeriesSplit(2, test_size=6), error_score="raise").fit(y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert_array_equal(search.predict(5), search.best_estimator_.predict(5))
    best = clone(ALL[name]).set_params(**search.best_params_).fit(y[:84])
    assert best.score(y[84:]) == pytest.approx(search.cv_results_["split1_test_score"][search.best_index_])


def test_cross_validation_in_processes():
    y, cv = months(wave()), TimeSeriesSplit(2, test_size=6)
    serial = cross_val_score(lstm(), y, cv=cv, error_score="raise")
    assert_array_equal(cross_val_score(lstm(), y, cv=cv, n_jobs=2, error_score="raise"), serial)


# ------------------------------------------------------------ wiring
def test_every_step_reads_the_last_observation(forecaster):
    y, changed = wave(), wave()
    changed[-1] += 1
    forecaster.fit(y)
    assert (forecaster.predict(8, context=changed) != forecaster.predict(8)).all()


def test_only_the_context_is_read(network):
    y, changed = wave(), wave()
    changed[:-12] = 0
    network.fit(y)
    assert_array_equal(network.predict(8, context=changed), network.predict(8))


def test_the_error_grows_with_the_step(forecaster):
    walks = np.cumsum(np.random.default_rng(0).normal(size=(60, 100)), axis=1)
    forecaster.set_params(horizon=12).fit(walks[0])
    errors = np.mean([np.abs(forecaster.predict(12, context=walk[:88]) - walk[88:]) for walk in walks], axis=0)
    assert errors[0] < errors[4] < errors[11]
    assert errors[0] < 1.6
    assert errors[11] > 2


def test_nothing_of_the_tail_reaches_the_training_part(network):
    """Before training, the forecast is the ridge solution of the training part, with its scaling."""
    y = wave()
    network.set_params(
        max_epochs=1, learning_rate=1e-30, early_stopping=EarlyStopping(validation_size=20, refit_full=False)
    )
    network.fit(y)
    for change in (lambda tail: tail * 1e6, lambda tail: tail[::-1], lambda tail: np.full(20, np.nan)):
        altered = np.append(y[:70], change(y[70:]))
        if np.isnan(altered).any():
            altered[[70, 89]] = 0.0  # without the last value the validation part would be another
        other = clone(network).fit(altered)
        assert_array_equal(other.theta_, network.theta_)
        assert_array_equal(other.predict(9, context=y), network.predict(9, context=y))


def test_training_uses_the_tail_only_to_stop(network):
    y = wave()
    network.set_params(early_stopping=EarlyStopping(validation_size=20, patience=50, refit_full=False)).fit(y)
    altered = np.append(y[:70], -5 * y[70:])
    other = clone(network).fit(altered)
    assert_array_equal(other.loss_curve_, network.loss_curve_)
    assert (other.validation_curve_ != network.validation_curve_).any()


def test_the_future_is_not_seen(forecaster):
    y = months(wave(100))
    forecaster.fit(y[:80])
    before = forecaster.predict(20)
    y[80:] = 1e9
    pd.testing.assert_series_equal(clone(forecaster).fit(y[:80]).predict(20), before)


def test_before_training_the_forecast_is_linear(network):
    """Shifting and scaling the context shifts and scales the forecast: superposition holds in scaled units."""
    network.set_params(max_epochs=1, learning_rate=1e-30, early_stopping=False).fit(wave())
    a, b = wave(30, seed=3), wave(30, seed=4)
    mixed = network.predict(6, context=0.25 * a + 0.75 * b)
    assert_allclose(mixed, 0.25 * network.predict(6, context=a) + 0.75 * network.predict(6, context=b), rtol=1e-6)


def test_the_linear_start_is_the_ridge_solution_and_finds_a_linear_law():
    """y_t = 1.6 y_{t-1} - y_{t-2}, an oscillation without noise, is forecast exactly before training."""
    y = np.cos(np.arccos(0.8) * np.arange(120))
    for strategy in ("recursive", "direct"):
        forecaster = lstm(strategy=strategy, max_epochs=1, learning_rate=1e-30, dtype="float64").fit(y[:110])
        assert_allclose(forecaster.predict(10), y[110:], atol=1e-4)


@pytest.mark.parametrize("scaling", ["window", "standard"])
def test_scaling_the_series_scales_the_forecast(network, scaling):
    y = wave()
    network.set_params(scaling=scaling).fit(y)
    assert_allclose(clone(network).fit(1e6 * y - 1e7).predict(6), 1e6 * network.predict(6) - 1e7, rtol=1e-4)


def test_window_scaling_follows_the_level(network):
    network.set_params(scaling="window").fit(wave())
    other = wave(40, seed=5)
    moved = network.predict(6, context=1000 + other)
    assert_allclose(moved - 1000, network.predict(6, context=other), rtol=1e-4)


@pytest.mark.parametrize("value", [0.0, 5.0, -1e-30, 1e20, -1e250])
@pytest.mark.parametrize("scaling", ["window", "standard"])
def test_a_constant_is_continued(network, scaling, value):
    forecast = network.set_params(scaling=scaling).fit(np.full(60, value)).predict(9)
    assert_allclose(forecast, value, rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, 5.0, -1e-30, 1e20, -1e250])
def test_autoregression_continues_a_constant(value):
    assert_allclose(ARForecaster().fit(np.full(60, value)).predict(9), value, rtol=1e-9)


def test_a_constant_without_the_linear_skip(network):
    network.set_params(linear_skip=False, max_epochs=150, early_stopping=False).fit(np.full(60, 5.0))
    assert_allclose(network.predict(4), 5, atol=0.1)


def test_a_constant_channel_and_another(forecaster):
    y = np.column_stack([wave(), np.full(90, 7.0)])
    assert_allclose(forecaster.fit(y).predict(6)[:, 1], 7, atol=0.5)


@pytest.mark.parametrize("unit", [1e-300, 1e-30, 1e30, 1e300])
def test_very_small_and_very_large_values(forecaster, unit):
    forecast = forecaster.fit(unit * wave()).predict(6) / unit
    assert_allclose(forecast, clone(forecaster).fit(wave()).predict(6), rtol=1e-4)


# ------------------------------------------------------------ missing values
@pytest.mark.parametrize(
    "rows",
    [slice(0, 5), slice(40, 43), slice(86, 90), slice(70, 90), [0, 1, 30, 31, 55, 89]],
    ids=["leading", "inside", "trailing", "the tail", "scattered"],
)
@pytest.mark.parametrize("scaling", ["window", "standard"])
def test_missing_values(forecaster, rows, scaling):
    linear = not hasattr(forecaster, "scaling")
    if not linear:
        forecaster.set_params(scaling=scaling)
    y = wave()
    y[rows] = np.nan
    forecast = forecaster.fit(y).predict(9)
    if rows == slice(70, 90):  # the gap is forecast, too
        longer = clone(forecaster).fit(y[:70]).predict(29)[20:]
        exact = isinstance(forecaster, ARForecaster) or not linear
        assert_allclose(forecast, longer, atol=1e-9 if exact else 1)
    elif linear:
        assert_allclose(forecast, continuation(9), atol=1.8)
    else:
        assert_allclose(forecast, continuation(9), atol=0.75)
    assert np.isfinite(getattr(forecaster, "loss_curve_", 0)).all()


def test_leading_gaps_change_nothing(forecaster):
    forecaster.fit(np.append(np.full(7, np.nan), wave()))
    assert_array_equal(forecaster.predict(), clone(forecaster).fit(wave()).predict())


def test_channels_that_begin_and_end_at_different_times(forecaster):
    y = wide()
    y[:8, 1] = np.nan
    y[8:12, 0] = np.nan
    y[80:, 0] = np.nan
    assert np.isfinite(forecaster.fit(y).predict(9)).all()
    assert np.isfinite(forecaster.predict(9, context=y[4:60])).all()


def test_a_channel_that_begins_late_does_not_change_the_others(forecaster):
    """The AR model of each channel is that of the channel alone; a network uses all rows of the other channels."""
    y = wide()
    y[:60, 1] = np.nan
    forecast = forecaster.fit(y).predict(9)
    if isinstance(forecaster, ARForecaster):
        for c, series in enumerate((y[:, 0], y[60:, 1])):
            assert_allclose(forecast[:, c], clone(forecaster).fit(series).predict(9), rtol=1e-12)
        return
    assert forecaster.context_.shape == (90, 2)
    assert_allclose(forecast, continuation(9)[:, None] * [1, 100], rtol=0.08)
    early = y.copy()
    early[:20, 0] += 3
    assert (clone(forecaster).fit(early).predict(9)[:, 0] != forecast[:, 0]).any()


def test_a_channel_that_begins_too_late(network):
    frame = pd.DataFrame(wide(), months(wave()).index, columns=["x", "z"])
    frame.loc[frame.index[:75], "z"] = np.nan
    with pytest.raises(ValueError, match=r"y\['z'\] has 15 observations .* one window needs 16"):
        network.fit(frame)
    frame.loc[frame.index[60:], "z"] = 1.0
    network.fit(frame)
    other = frame[:70].copy()
    other.loc[frame.index[:60], "z"] = np.nan
    with pytest.raises(ValueError, match=r"context\['z'\] has 10 observations .* a forecast reads 12"):
        network.predict(context=other)


def test_window_scaling_ignores_rows_before_a_channel_begins(network):
    """The level of a late channel's first values does not matter: windows are scaled by its observed rows."""
    network.set_params(scaling="window", max_epochs=1, learning_rate=1e-30, early_stopping=False)
    y = wide()
    y[:60, 1] = np.nan
    network.fit(y)
    far = y.copy()
    far[60, 1] = 1e9
    assert_allclose(clone(network).fit(far).predict(4, context=y)[:, 0], network.predict(4)[:, 0], rtol=1e-6)


def test_a_channel_that_ended_long_ago(network):
    y = wide()
    y[:3, 1] = np.nan
    y[20:, 0] = np.nan
    for scaling in ("window", "standard", None):
        fitted = clone(network).set_params(scaling=scaling, max_epochs=2)
        with pytest.warns(FewWindowsWarning, match=r"y\[:, 0\] has 8 windows .*; pass a longer series"):
            fitted.fit(y / [1, 100])
        assert np.isfinite(fitted.predict(9)).all()
    y[10:, 0] = np.nan
    with pytest.raises(
        ValueError, match=r"every value of y\[:, 0\] after its first context_length=12 is missing; drop"
    ):
        network.fit(y)


def test_missing_targets_do_not_enter_the_loss(network):
    """The loss does not depend on the values in place of missing targets."""
    y = months(np.full(60, 1.0))
    y.iloc[1::2] = np.nan
    network.fit(y)
    assert_allclose(network.loss_curve_, 0, atol=1e-12)
    assert_allclose(network.predict(5), 1)


# ------------------------------------------------------------ training
def test_curves_updates_and_timings():
    forecaster = lstm(early_stopping=EarlyStopping(validation_size=10, refit_full=False), max_epochs=5).fit(wave())
    assert forecaster.loss_curve_.shape == (5,)
    assert forecaster.validation_curve_.shape == (6,)  # the first value is before training
    assert forecaster.best_epoch_ == np.argmin(forecaster.validation_curve_)
    n_windows = 80 - 12 - 4 + 1
    assert forecaster.n_updates_ == 5 * -(-n_windows // 16)
    assert set(forecaster.timings_) == {"compile", "train"}
    assert all(seconds >= 0 for seconds in forecaster.timings_.values())
    assert forecaster.context_length_ == 12


def test_without_early_stopping():
    forecaster = lstm(early_stopping=False, max_epochs=5).fit(wave())
    assert forecaster.best_epoch_ == 5
    assert len(forecaster.validation_curve_) == 0
    assert set(forecaster.timings_) == {"compile", "train"}


def test_patience_and_the_best_parameters():
    early = EarlyStopping(patience=2, validation_size=12, refit_full=False)
    forecaster = lstm(early_stopping=early, max_epochs=60, learning_rate=0.3, hidden_size=8).fit(wave())
    curve = forecaster.validation_curve_
    assert len(forecaster.loss_curve_) < 60
    assert forecaster.best_epoch_ == np.argmin(curve)
    assert len(curve) - 1 == forecaster.best_epoch_ + 2
    best = clone(forecaster).set_params(max_epochs=max(1, forecaster.best_epoch_)).fit(wave())
    if forecaster.best_epoch_:
        assert_array_equal(best.theta_, forecaster.theta_)


def test_min_delta():
    early = EarlyStopping(patience=3, min_delta=1e9, validation_size=12)
    forecaster = lstm(early_stopping=early, max_epochs=60).fit(wave())
    assert forecaster.best_epoch_ == 0
    assert len(forecaster.loss_curve_) == 3


@pytest.mark.parametrize(
    ("validation_size", "refits"), [(9, False), (10, False), (20, True), (0.1, False), (0.2, True), (None, False)]
)
def test_refit_after_a_large_validation_part(validation_size, refits):
    """There is a refit if the validation part is more than a tenth of the targets, here of 112 - 12 rows."""
    y = wave(112)
    forecaster = lstm(early_stopping=EarlyStopping(validation_size=validation_size), max_epochs=2).fit(y)
    assert ("refit" in forecaster.timings_) is refits
    if validation_size == 20:
        plain = lstm(early_stopping=False, max_epochs=max(1, forecaster.best_epoch_)).fit(y)
        if forecaster.best_epoch_:
            assert_array_equal(forecaster.theta_, plain.theta_)


@pytest.mark.parametrize("refit", [True, False])
def test_refit_full(refit):
    forecaster = lstm(early_stopping=EarlyStopping(validation_size=10, refit_full=refit)).fit(wave())
    assert ("refit" in forecaster.timings_) is refit


def test_a_series_too_short_for_validation():
    forecaster = lstm(horizon=8, context_length=4).fit(wave(24))
    assert len(forecaster.validation_curve_) == 0
    assert len(forecaster.loss_curve_) == 3


def test_callbacks():
    seen = []
    early = EarlyStopping(validation_size=10, refit_full=False)
    forecaster = lstm(callbacks=[seen.append], early_stopping=early).fit(wave())
    assert [epoch.epoch for epoch in seen] == [1, 2, 3]
    assert_array_equal([epoch.loss for epoch in seen], forecaster.loss_curve_)
    assert_array_equal([epoch.validation_loss for epoch in seen], forecaster.validation_curve_[1:])
    seen.clear()
    lstm(callbacks=(seen.append, lambda epoch: epoch.epoch == 2), early_stopping=False, max_epochs=9).fit(wave())
    assert [epoch.epoch for epoch in seen] == [1, 2]
    assert seen[0].validation_loss is None


def test_no_output_but_a_progress_bar_on_request(capfd):
    lstm().fit(wave()).predict()
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
    lstm(verbose=1).fit(wave())
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "3/3" in captured.err
    assert "loss=" in captured.err


def test_the_cosine_schedule():
    """With the cosine schedule later steps are smaller, so the result differs; the first step is the same."""
    options = {"early_stopping": False, "batch_size": 200}
    once = [lstm(**options, max_epochs=n, optimizer=adam).fit(wave()) for adam in (None, COSINE) for n in (1, 8)]
    assert_array_equal(once[0].theta_, once[2].theta_)
    assert np.abs(once[1].theta_ - once[3].theta_).max() > 1e-3
    assert_array_equal(once[1].theta_, lstm(**options, max_epochs=8, optimizer=Adam()).fit(wave()).theta_)


COSINE = Adam(schedule="cosine")


def test_weight_decay_and_clipping():
    options = {"early_stopping": False, "max_epochs": 10, "linear_skip": False, "learning_rate": 0.05, "loss": "mse"}
    plain = lstm(**options).fit(wave())
    decayed = lstm(**options, optimizer=Adam(weight_decay=1.0)).fit(wave())
    assert np.linalg.norm(decayed.theta_) < np.linalg.norm(plain.theta_)
    assert (lstm(**options, optimizer=Adam(clip_norm=None)).fit(wave()).theta_ != plain.theta_).any()


LOSSES = [
    *(name for name, loss in registry.LOSSES.items() if loss.support == "real"),
    Huber(0.5),
    Pinball(0.1, 0.5, 0.9),
    Pinball(0.25),
]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("strategy", ["recursive", "direct"])
def test_losses(loss, strategy):
    options = {"max_epochs": 60, "learning_rate": 0.02, "early_stopping": False, "optimizer": COSINE}
    forecaster = lstm(loss=loss, strategy=strategy, linear_skip=False, **options).fit(wave())
    assert forecaster.loss_curve_[-1] < forecaster.loss_curve_[0]
    error, of_the_mean = (np.abs(guess - continuation(4)).mean() for guess in (forecaster.predict(4), wave().mean()))
    assert error < 0.6 * of_the_mean
    with_skip = clone(forecaster).set_params(linear_skip=True, max_epochs=1, learning_rate=1e-30).fit(wave())
    linear = lstm(strategy=strategy, max_epochs=1, learning_rate=1e-30, early_stopping=False).fit(wave())
    # these two start at or near the median of the residuals of the ridge solution
    assert_allclose(with_skip.predict(9), linear.predict(9), rtol=5e-3 if loss in ("laplace", "student_t") else 1e-7)


OPTIONS = [
    {"num_layers": 2},
    {"num_layers": 2, "dropout": 0.5},
    {"num_layers": 3, "learn_initial_state": True},
    {"learn_initial_state": True},
    {"linear_skip": False},
    {"scaling": None},
    {"dtype": np.float32},
    {"batch_size": 1},
    {"batch_size": 10**6},
    {"verbose": False},
    {"optimizer": COSINE},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options(options):
    y = wave() - 22
    for strategy in ("recursive", "direct"):
        forecaster = lstm(strategy=strategy, max_epochs=8, early_stopping=False, **options).fit(y)
        assert forecaster.loss_curve_[-1] <= 1.05 * forecaster.loss_curve_[0]
        assert np.isfinite(forecaster.predict(9)).all()
        assert_array_equal(forecaster.predict(9), clone(forecaster).fit(y).predict(9))


@pytest.mark.parametrize("strategy", ["recursive", "direct"])
def test_double_precision(strategy):
    single, double = (lstm(strategy=strategy, dtype=dtype).fit(wave()) for dtype in ("float32", "float64"))
    assert (single.theta_.dtype, double.theta_.dtype) == (np.float32, np.float64)
    assert_allclose(double.predict(), single.predict(), rtol=1e-4)


@pytest.mark.parametrize("reset_after", [True, pytest.param(False, marks=pytest.mark.exhaustive)])
def test_both_forms_of_the_gru(reset_after):
    forecaster = GRUForecaster(horizon=4, context_length=12, reset_after=reset_after, **QUICK).fit(wave())
    assert np.isfinite(forecaster.predict(9)).all()
    forecaster.set_params(warm_start=True, reset_after=not reset_after)
    with pytest.raises(ValueError, match="warm_start=True needs the network of the earlier fit, a gru"):
        forecaster.fit(wave())


@pytest.mark.parametrize("nonlinearity", ["tanh", pytest.param("relu", marks=pytest.mark.exhaustive)])
def test_nonlinearities_of_the_rnn(nonlinearity):
    forecaster = RNNForecaster(horizon=4, context_length=12, nonlinearity=nonlinearity, **QUICK).fit(wave())
    assert np.isfinite(forecaster.predict(9)).all()


@pytest.mark.parametrize(
    ("options", "y"),
    [
        ({"learning_rate": 1e38, "max_epochs": 5}, wave()),
        ({"scaling": None}, 1e30 * wave()),
        ({"scaling": None}, 1e200 * wave()),
        ({"scaling": None, "linear_skip": False, "optimizer": Adam(clip_norm=None)}, 1e25 * wave()),
    ],
    ids=["learning rate", "large", "huge", "huge without the skip"],
)
def test_a_diverging_fit_is_an_error(network, options, y):
    network.set_params(early_stopping=False, loss="mse", **options)
    message = r"in epoch \d+, step \d+ of \d+ .*gradient norm before that step .*; try a smaller learning_rate"
    with pytest.raises(FloatingPointError, match=message):
        network.fit(y)
    with pytest.raises(NotFittedError):
        network.predict()


def test_two_threads_may_predict_at_once():
    from concurrent.futures import ThreadPoolExecutor

    forecaster = lstm().fit(months(wave()))
    expected = forecaster.predict(30)
    with ThreadPoolExecutor(4) as pool:
        for forecast in pool.map(forecaster.predict, [30] * 16):
            pd.testing.assert_series_equal(forecast, expected)


def test_a_nonlinear_series_is_learned():
    """The logistic map has no linear dependence: only the network can forecast its next step."""
    y = [0.3]
    for _ in range(300):
        y.append(3.8 * y[-1] * (1 - y[-1]))
    options = {
        "hidden_size": 16,
        "max_epochs": 60,
        "learning_rate": 0.01,
        "batch_size": 16,
        "context_length": 4,
        "horizon": 1,
    }
    forecaster = LSTMForecaster(**options, random_state=0).fit(y)
    starts = np.random.default_rng(0).integers(10, 290, 20)
    errors = [forecaster.predict(1, context=y[:t])[0] - y[t] for t in starts]
    linear = ARForecaster(lags=4).fit(y)
    linear_errors = [linear.predict(1, context=y[:t])[0] - y[t] for t in starts]
    assert np.std(errors) < 0.3 * np.std(linear_errors)


@pytest.mark.parametrize("module", ["autoregressive", "base", "forecasters", "recurrent", "regressors"])
def test_doctests(module):
    result = doctest.testmod(importlib.import_module(f"tsrnn.estimators.{module}"))
    assert result.failed == 0
