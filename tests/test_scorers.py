"""Scorers for scikit-learn: values compared with the definitions, and use in scikit-learn's tools."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars
import pytest
from numpy.testing import assert_allclose
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tsrnn import ARForecaster, neg_mae, neg_mase, neg_rmse

N, H = 60, 6
INDEX = pd.date_range("2015-01-01", periods=N, freq="MS", name="month")
RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=N), "b": RNG.normal(size=N)}, INDEX)
Y = pd.Series(RNG.normal(size=N).cumsum() + 2 * X.a, INDEX, name="sales")
FOLDS = TimeSeriesSplit(3, test_size=H)
SCORERS = {"mae": neg_mae, "rmse": neg_rmse, "mase": neg_mase}


def by_hand(measure, truth, forecast, train, season=12):
    """The error from its definition."""
    errors = [e for e in np.asarray(truth, float) - np.asarray(forecast, float) if not np.isnan(e)]
    mean_absolute = sum(abs(e) for e in errors) / len(errors)
    if measure == "mae":
        return mean_absolute
    if measure == "rmse":
        return (sum(e * e for e in errors) / len(errors)) ** 0.5
    train = np.asarray(train, float)
    season = season if season < len(train) else 1
    return mean_absolute / np.mean([abs(train[t] - train[t - season]) for t in range(season, len(train))])


def folds_by_hand(measure, y, x=None, **arguments):
    scores = []
    for train, test in FOLDS.split(y):
        forecaster = ARForecaster(lags=2, **arguments)
        fit = forecaster.fit(y.iloc[train]) if x is None else forecaster.fit(x.iloc[train], y.iloc[train])
        forecast = fit.predict(H) if x is None else fit.predict(x.iloc[test])
        scores.append(-by_hand(measure, y.iloc[test], forecast, y.iloc[train]))
    return scores


@pytest.mark.parametrize("measure", SCORERS)
def test_values(measure):
    scorer = SCORERS[measure]
    fit = ARForecaster(lags=0, trend="n").fit([3.0, 5.0, 4.0])  # forecasts zeros
    expected = {"mae": -4.0, "rmse": -5.0, "mase": -4.0 / 1.5}[measure]
    assert_allclose(scorer(fit, [1.0, 7.0]), expected)
    assert_allclose(scorer(fit, [1.0, np.nan, 7.0]), expected)
    assert_allclose(cross_val_score(ARForecaster(lags=2), Y, cv=FOLDS, scoring=scorer), folds_by_hand(measure, Y))
    beside = cross_val_score(ARForecaster(lags=2), X, Y, cv=FOLDS, scoring=scorer)
    assert_allclose(beside, folds_by_hand(measure, Y, X))


@pytest.mark.parametrize("measure", SCORERS)
def test_tables_and_arrays(measure):
    expected = cross_val_score(ARForecaster(lags=2), Y, cv=FOLDS, scoring=SCORERS[measure])
    table = polars.DataFrame({"month": INDEX, "sales": Y.to_numpy()})
    assert_allclose(cross_val_score(ARForecaster(lags=2), table, cv=FOLDS, scoring=SCORERS[measure]), expected)
    if measure != "mase":  # an array has no season
        scores = cross_val_score(ARForecaster(lags=2), Y.to_numpy(), cv=FOLDS, scoring=SCORERS[measure])
        assert_allclose(scores, expected)
    wide = pd.DataFrame({"one": Y, "two": Y})
    assert_allclose(cross_val_score(ARForecaster(lags=2), wide, cv=FOLDS, scoring=SCORERS[measure]), expected)


def test_mase_is_the_score():
    assert_allclose(
        cross_val_score(ARForecaster(), Y, cv=FOLDS, scoring=neg_mase), cross_val_score(ARForecaster(), Y, cv=FOLDS)
    )


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_in_a_grid_search(n_jobs):
    search = GridSearchCV(
        ARForecaster(lags=2), {"trend": ["n", "c"]}, cv=FOLDS, scoring=SCORERS, refit="rmse", n_jobs=n_jobs
    ).fit(Y)
    for measure in SCORERS:
        expected = [np.mean(folds_by_hand(measure, Y, trend=trend)) for trend in ("n", "c")]
        assert_allclose(search.cv_results_[f"mean_test_{measure}"], expected)
    assert search.best_index_ == np.argmax(search.cv_results_["mean_test_rmse"])
    assert neg_mae(search.fit(Y[:-H]), Y[-H:]) == neg_mae(search.best_estimator_, Y[-H:])
    assert cross_validate(search, Y, cv=FOLDS, scoring=SCORERS)["test_mae"].shape == (3,)


def test_in_pipelines():
    scaled = make_pipeline(StandardScaler().set_output(transform="pandas"), ARForecaster(lags=2))
    assert_allclose(cross_val_score(scaled, X, Y, cv=FOLDS, scoring=neg_mae), folds_by_hand("mae", Y, X))
    doubled = make_pipeline(FunctionTransformer(lambda y: 2 * y), ARForecaster(lags=2))
    assert_allclose(cross_val_score(doubled, Y, cv=FOLDS, scoring=neg_mae), folds_by_hand("mae", 2 * Y))
    alone = make_pipeline(ARForecaster(lags=2))
    assert_allclose(cross_val_score(alone, Y, cv=FOLDS, scoring=neg_mae), folds_by_hand("mae", Y))


def test_other_estimators():
    """With covariates, the scorers accept estimators of other packages, except where they need the training series."""
    x, y = X.to_numpy(), Y.to_numpy()
    for estimator in (
        LinearRegression(),
        TransformedTargetRegressor(ARForecaster(lags=2), func=np.cbrt, inverse_func=lambda v: v**3),
    ):
        fit = estimator.fit(x[:-H], y[:-H])
        assert_allclose(neg_mae(fit, x[-H:], y[-H:]), -np.abs(fit.predict(x[-H:]) - y[-H:]).mean())
    linear = LinearRegression().fit(x, y)
    with pytest.raises(TypeError, match="LinearRegression is no forecaster of tsrnn, so that the scorer needs y"):
        neg_rmse(linear, x)
    with pytest.raises(TypeError, match="neg_mase scales by the training series, which LinearRegression has not"):
        neg_mase(linear, x, y)


def test_errors():
    fit = ARForecaster(lags=2).fit(Y[:-H])
    with pytest.raises(ValueError, match="gap: X begins at"):
        neg_mae(fit, Y[-H + 1 :])
    with pytest.raises(ValueError, match="had no covariates"):
        neg_mae(fit, X[-H:], Y[-H:])
