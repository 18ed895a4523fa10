"""Covariates known in the future: reading, effect on all forecasters, no dependence on later covariates, errors."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from statsmodels.tsa.ar_model import AutoReg

from tsrnn import ARForecaster, LSTMForecaster
from tsrnn.data.windows import Geometry
from tsrnn.training.ridge import ridge_start

from .forecasters import ALL
from .problems import one_series

N, H = 100, 12
INDEX = pd.date_range("2001-01-01", periods=N + H, freq="MS", name="month")


def data():
    """y_t = 0.6 y_{t-1} + 2 a_t - 3 b_t + noise, around 50."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=N + H), (np.arange(N + H) % 7 == 3).astype(float)
    y = np.zeros(N + H)
    for t in range(1, N + H):
        y[t] = 0.6 * y[t - 1] + 2 * a[t] - 3 * b[t] + 0.1 * rng.normal()
    return pd.DataFrame({"a": a, "b": b}, INDEX), pd.Series(50 + y, INDEX, name="sales")


X, Y = data()


@pytest.fixture
def fitted(forecaster):
    return forecaster.fit(X[:N], Y[:N])


# ------------------------------------------------------------ what they do
def test_the_forecast_follows_the_covariates(fitted):
    forecast = fitted.predict(X[N:])
    assert forecast.index.equals(INDEX[N:])
    assert forecast.name == "sales"
    error = np.abs(forecast - Y[N:]).mean()
    without = np.abs(clone(fitted).fit(Y[:N]).predict(H) - Y[N:]).mean()
    bound = 0.7 if type(fitted).__name__ == "SLSTMForecaster" else 0.35  # three epochs are few for its exponentials
    assert error < bound < 1 < without


def test_a_step_does_not_depend_on_later_covariates(fitted):
    before = fitted.predict(X[N:]).to_numpy()
    for step in (0, 2, 5):
        changed = X[N:].copy()
        changed.iloc[step, 0] += 1
        difference = fitted.predict(changed).to_numpy() - before
        assert_array_equal(difference[:step], 0)
        assert abs(difference[step]) > 0.5
    assert_array_equal(fitted.predict(X[N : N + 3]), before[:3])


def test_many_series_share_covariates(forecaster):
    wide = pd.DataFrame({"x": Y, "z": 100 - 3 * Y})
    forecast = forecaster.fit(X[:N], wide[:N]).predict(X[N:])
    assert list(forecast.columns) == ["x", "z"]
    assert_allclose(forecast.z, 100 - 3 * forecast.x, atol=0.8)


def test_arrays_follow_the_series(fitted):
    expected = fitted.predict(X[N:])
    arrays = clone(fitted).fit(X[:N].to_numpy(), Y[:N].to_numpy())
    assert_allclose(arrays.predict(X[N:].to_numpy()), expected, rtol=1e-6)
    assert isinstance(arrays.predict(X[N:].to_numpy()), np.ndarray)
    assert_array_equal(clone(fitted).fit(X[:N].to_numpy(), Y[:N]).predict(X[N:].to_numpy()), expected)
    assert_array_equal(fitted.predict(X[N:].to_numpy()), expected)
    labelled = clone(fitted).fit(X[:N], Y[:N].to_numpy())  # the labels are those of X
    assert_array_equal(labelled.predict(X[N:]), expected)
    assert labelled.index_.equals(INDEX[:N])


def test_one_covariate_as_a_series(forecaster):
    assert_array_equal(
        forecaster.fit(X.a[:N], Y[:N]).predict(X.a[N:]),
        clone(forecaster).fit(X[["a"]][:N], Y[:N]).predict(X[["a"]][N:]),
    )


def test_a_constant_covariate_and_a_large_one(forecaster):
    plain = forecaster.fit(X[["a"]][:N], Y[:N]).predict(X[["a"]][N:])
    more = X[["a"]].assign(one=1.0)
    assert_allclose(clone(forecaster).fit(more[:N], Y[:N]).predict(more[N:]), plain, atol=1.2)
    scaled = 1e6 * X[["a"]] + 1e7
    assert_allclose(clone(forecaster).fit(scaled[:N], Y[:N]).predict(scaled[N:]), plain, rtol=1e-5)


def test_the_input_is_unchanged(forecaster):
    x, y = X.copy(), Y.copy()
    forecaster.fit(x[:N], y[:N]).predict(x[N:])
    pd.testing.assert_frame_equal(x, X)
    pd.testing.assert_series_equal(y, Y)


def test_missing_targets_with_covariates(forecaster):
    y = Y[:N].copy()
    y.iloc[[0, 1, 40, 41, N - 1]] = np.nan
    forecast = forecaster.fit(X[:N], y).predict(X[N:])
    assert np.abs(forecast - Y[N:]).mean() < 0.8


def test_context_and_update(fitted):
    expected = fitted.predict(X[N:])
    assert_array_equal(fitted.predict(X, context=Y[:N]), expected)
    assert_array_equal(fitted.predict(X.to_numpy(), context=Y[:N]), expected)
    later = fitted.predict(X, context=Y[: N + 4])
    fitted.update(Y[N : N + 1], X[N : N + 1]).update(Y[N + 1 : N + 4], X[N + 1 : N + 4].to_numpy())
    assert_array_equal(fitted.predict(X[N + 4 :]), later)


def test_score(fitted):
    assert -0.2 < fitted.score(X[N:], Y[N:]) < 0


def test_a_later_fit_without_covariates(fitted):
    again = fitted.fit(Y[:N]).predict(3)
    assert_array_equal(clone(fitted).fit(Y[:N]).predict(3), again)


@pytest.mark.parametrize("name", ["AR", "LSTM-direct"])
def test_in_a_pipeline_and_a_grid_search(name):
    calendar = FunctionTransformer(lambda x: x.assign(march=(x.index.month == 3).astype(float)))
    pipeline = Pipeline([("calendar", calendar), ("scale", StandardScaler()), ("forecast", clone(ALL[name]))]).fit(
        X[:N], Y[:N]
    )
    forecast = pipeline.predict(X[N:])
    assert forecast.index.equals(INDEX[N:])
    assert np.abs(forecast - Y[N:]).mean() < 0.35
    assert -0.2 < pipeline.score(X[N:], Y[N:]) < 0
    cv = TimeSeriesSplit(2, test_size=6)
    search = GridSearchCV(pipeline, {"forecast__horizon": [3, 4]}, cv=cv, error_score="raise").fit(X[:N], Y[:N])
    assert (search.cv_results_["mean_test_score"] > -0.3).all()


def test_columns_in_a_column_transformer():
    keep = ColumnTransformer([("a", "passthrough", ["a"])], verbose_feature_names_out=False).set_output(
        transform="pandas"
    )
    pipeline = Pipeline([("keep", keep), ("ar", ARForecaster(lags=1))]).fit(X[:N], Y[:N])
    assert_allclose(pipeline.predict(X[N:]), ARForecaster(lags=1).fit(X[["a"]][:N], Y[:N]).predict(X[["a"]][N:]))


# ------------------------------------------------------------ in closed form
@pytest.mark.parametrize("trend", ["n", "c", "t", "ct"])
def test_autoregression_is_that_of_statsmodels(trend):
    ours = ARForecaster(lags=[1, 3], trend=trend).fit(X[:N], Y[:N])
    theirs = AutoReg(Y[:N].to_numpy(), [1, 3], trend, exog=X[:N].to_numpy()).fit()
    forecast = theirs.predict(N, N + H - 1, exog_oos=X[N:].to_numpy())
    assert_allclose(ours.predict(X[N:]), forecast, rtol=1e-8)
    model = ours.models_[0]
    assert_allclose(model.effects, theirs.params[-2:], rtol=1e-8)
    assert_allclose([model.aic, model.bic], [theirs.aic, theirs.bic], rtol=1e-9)
    assert_allclose(model.sigma2, np.mean(theirs.resid**2), rtol=1e-8)


def test_the_order_is_chosen_together_with_covariates():
    chosen = ARForecaster(lags="bic").fit(X[:N], Y[:N]).models_[0]
    assert chosen.lags == (1,)
    assert_allclose(chosen.coefficients, [0.6], atol=0.02)
    assert_allclose(chosen.effects, [2, -3], atol=0.1)


def test_the_linear_start_is_the_ridge_solution_of_each_step():
    """With almost no penalty it equals least squares on the lags and the covariates from the origin up to the step."""
    values, covariates = Y.to_numpy()[:, None], StandardScaler().fit_transform(X)
    geometry, starts = Geometry(3, block=4), np.arange(len(values) - 3 - 4 + 1)
    panel, _, windows = one_series(values, starts, geometry, known=covariates)
    start = ridge_start(panel, np.ones(values.shape), windows, geometry)
    for step in range(4):
        rows = np.array(
            [
                np.concatenate([values[s : s + 3, 0], covariates[s + 2 : s + 3 + step + 1].ravel(), [1.0]])
                for s in starts
            ]
        )
        expected = np.linalg.lstsq(rows, values[starts + 3 + step, 0], rcond=None)[0]
        found = np.array([*start.lags[0, step], *start.ahead[0, step, : 2 * (step + 2)], start.intercept[0, step]])
        assert_allclose(found[-3:-1], expected[-3:-1], atol=0.02)  # the step's own; others are nearly collinear
        assert_allclose(rows @ found, rows @ expected, atol=0.06)
        assert not start.ahead[0, step, 2 * (step + 2) :].any()


# ------------------------------------------------------------ bad input
FUTURE = [
    (5, TypeError, r"horizon=5 is not enough after a fit with covariates; pass X with the rows of .* 'a', 'b'"),
    (None, TypeError, "horizon=None is not enough"),
    (INDEX[N:], TypeError, "is not enough after a fit with covariates"),
    (
        X,
        ValueError,
        "X has a row for 2001-01-01, which is no step of the forecast; pass one row for each step, from 2009-05-01",
    ),
    (X[N + 1 :], ValueError, "X has no row for 2009-05-01, a step of the forecast"),
    (X[N:].drop(INDEX[N + 3]), ValueError, "X has no row for 2009-08-01, a step of the forecast"),
    (X[N:].iloc[::-1], ValueError, "the rows of X are not in the order of the steps; sort them with X.sort_index"),
    (X[N:].iloc[[0, 0, 1]], ValueError, "X has no row for 2009-07-01"),
    (X[["a"]][N:], ValueError, "X has 1 covariates, but the fit had 2: a, b"),
    (
        X[["b", "a"]][N:].rename(columns={"b": "c"}),
        ValueError,
        r"X has the columns \['c', 'a'\], but the fit had \['a'",
    ),
    (X[N:].reset_index(drop=True), ValueError, "the index of X has integer labels, but the series has a DatetimeIndex"),
    (X[N:].tz_localize("UTC"), ValueError, "the index of X has the time zone UTC"),
    (X[N:].assign(a=-np.inf), ValueError, "X is -inf at 2009-05-01 in column 'a': covariates must be finite"),
    (X[N:].assign(b=np.inf), ValueError, "X is inf at 2009-05-01 in column 'b'"),
    (X[N:].assign(b="x"), ValueError, r"X\['b'\] at position 0 \(2009-05-01\) is 'x', not a number"),
    (np.empty((0, 2)), ValueError, "X has 0 rows"),
    (np.ones((3, 2, 2)), ValueError, "X is 3-dimensional"),
]


@pytest.mark.parametrize(("future", "error", "message"), FUTURE, ids=[message[:40] for *_, message in FUTURE])
def test_bad_future_covariates(fitted, future, error, message):
    with pytest.raises(error, match=message):
        fitted.predict(future)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[: N - 1], Y[:N], "X has no row for 2009-04-01, a step of y; pass one row for each step, from 2001-01-01 on"),
        (X[: N + 1], Y[:N], "X has a row for 2009-05-01, which is no step of y"),
        (X[1 : N + 1], Y[:N], "X has no row for 2001-01-01, a step of y"),
        (X[:N].to_numpy()[1:], Y[:N], "X has 99 rows, but y has 100 steps, 2001-01-01 to 2009-04-01"),
        (X[: N - 1], Y[:N].to_numpy(), "X has 99 rows, but y has 100; pass one row for each step"),
        (X[:N].where(X[:N].a < 2, np.inf), Y[:N], "X is inf at .* in column 'a': covariates must be finite"),
        (X[:N], Y[:N].replace(Y.iloc[3], np.inf), "y at position 3 .* is inf"),
        (X[:N].to_numpy()[:, :0], Y[:N], "X is empty"),
    ],
    ids=range(8),
)
def test_bad_covariates(forecaster, x, y, message):
    with pytest.raises(ValueError, match=message):
        forecaster.fit(x, y)


def test_columns_named_by_numbers(forecaster):
    numbered = X.set_axis([1, 0], axis=1)
    forecast = forecaster.fit(numbered[:N], Y[:N]).predict(numbered[N:])
    assert_array_equal(forecaster.predict(numbered[[0, 1]][N:]), forecast)
    with pytest.raises(ValueError, match=r"X has the columns \[1, 2\], but the fit had \[1, 0\]"):
        forecaster.predict(numbered.set_axis([1, 2], axis=1)[N:])
    forecaster.fit(X.a[:N], Y[:N])
    with pytest.raises(ValueError, match=r"X has the columns \[0\], but the fit had \['a'\]"):
        forecaster.predict(X[["a"]].set_axis([0], axis=1)[N:])


def test_an_array_as_context_has_the_labels_of_the_covariates(forecaster):
    forecaster.fit(X[:N], Y[:N].to_numpy())
    assert_array_equal(forecaster.predict(X, context=Y[:N].to_numpy()), forecaster.predict(X[N:]))


def test_covariates_as_in_the_fit_are_required(fitted):
    for call in (lambda: fitted.update(Y[N:]), lambda: fitted.score(Y[N:])):
        with pytest.raises(ValueError, match="had the covariates 'a', 'b'; pass the same ones"):
            call()
    with pytest.raises(ValueError, match="X has 100 rows, but context alone needs 100"):
        fitted.predict(X[:N], context=Y[:N])
    with pytest.raises(ValueError, match="a step of the context with its future"):
        fitted.predict(X[1:], context=Y[:N])
    fitted.fit(Y[:N])
    with pytest.raises(TypeError, match="was fitted without covariates"):
        fitted.predict(X[N:])
    for call in (lambda: fitted.update(Y[N:], X[N:]), lambda: fitted.score(X[N:], Y[N:])):
        with pytest.raises(ValueError, match="had no covariates"):
            call()


def test_more_coefficients_than_rows():
    with pytest.raises(ValueError, match=re.escape("with trend='c' and 2 covariates needs at least 7 of these")):
        ARForecaster(lags=4).fit(X[:8], Y[:8])


def test_covariates_of_the_validation_part_do_not_leak():
    """Before training, only the covariates of the training part determine scale and weights."""
    from tsrnn import EarlyStopping

    stopping = EarlyStopping(validation_size=20, refit_full=False)
    forecaster = LSTMForecaster(
        horizon=4,
        context_length=12,
        hidden_size=3,
        max_epochs=1,
        learning_rate=1e-30,
        early_stopping=stopping,
        random_state=0,
    )
    plain = forecaster.fit(X[:N], Y[:N]).theta_
    altered = X[:N].copy()
    altered.iloc[N - 20 :] *= 1e3
    assert_array_equal(clone(forecaster).fit(altered, Y[:N]).theta_, plain)
