"""The target as its own covariate, and swapped arguments (y, X), which is the order of other packages."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tsrnn import ARForecaster, LSTMForecaster
from tsrnn.exceptions import LeakageWarning, TsrnnWarning

N, H = 60, 3
RNG = np.random.default_rng(0)
INDEX = pd.date_range("2015-01-01", periods=N + H, freq="MS")
V, W = RNG.normal(size=N + H), RNG.normal(size=N + H)
Y, X = pd.Series(V, INDEX, name="sales"), pd.Series(W, INDEX, name="price")
GAPS = np.where(np.arange(N + H) % 7 == 3, np.nan, V)


def ar():
    return ARForecaster(lags=2, horizon=H)


# ------------------------------------------------------------ a covariate that is the target
COPIES = {
    "array": (V, V),
    "column": (V[:, None], V),
    "list": (list(V), list(V)),
    "Series": (Y, Y),
    "frame": (Y.to_frame(), Y),
    "frames": (Y.to_frame(), Y.to_frame()),
    "renamed": (Y.rename("x"), Y),
    "among others": (np.c_[W, V, W**2], V),
    "among channels": (V[:, None], np.c_[W, V]),
    "float32": (V.astype(np.float32), V),
    "of float32": (V, V.astype(np.float32)),
    "missing in y": (V, GAPS),
    "missing in both": (GAPS, GAPS),
    "counts": (np.arange(N + H) % 5, np.arange(N + H) % 5),
    "polars": (polars.Series("x", V), polars.Series("y", V)),
    "libraries": (polars.DataFrame({"d": INDEX, "x": V}), Y),
    "large": (V + 1e9, V + 1e9),
    "tiny": (V * 1e-60, V * 1e-60),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_covariate_that_is_the_target_is_refused(name):
    x, y = COPIES[name]
    with pytest.raises(
        ValueError, match=r"X\[.*\] equals y.*, the target.*pass it alone, fit\(y\).*shifted by at least"
    ):
        ar().fit(x, y)


def test_networks_refuse_the_target_as_covariate():
    with pytest.raises(ValueError, match="the target, at every step"):
        LSTMForecaster(max_epochs=1).fit(V, V)


VALID = {
    "another series": (W, V),
    "shifted": (np.r_[np.zeros(H), V[:-H]], V),
    "reversed": (V[::-1].copy(), V),
    "equal but once": (np.where(np.arange(N + H) == 5, 0, V), V),
    "constant": (np.ones(N + H), np.ones(N + H)),
    "zeros beside zeros": (np.c_[np.zeros(N + H), W], np.zeros(N + H)),
    "a level beside rounding": (np.c_[np.full(N + H, 1e6), W], 1e6 + 0.001 * V),
    "time beside a trend": (np.arange(N + H), 5.0 + 3 * np.arange(N + H)),
    "nearly linear": (V + 1e-6 * W, V),
}


@pytest.mark.parametrize("name", VALID)
def test_other_covariates_are_valid(name):
    x, y = VALID[name]
    assert np.isfinite(ar().fit(x[:N], y[:N]).predict(x[N:])).all()


@pytest.mark.parametrize(
    "copy",
    [2 * V, -V, V + 5, (V - V.mean()) / V.std(), (V - V.min()) / np.ptp(V), 1e-9 * V, np.c_[W, 3 - V]],
    ids=range(7),
)
def test_a_linear_copy_warns(copy):
    with pytest.warns(LeakageWarning, match=r"X\['x[01]'\] is a linear function of y, the target, at every step"):
        ar().fit(copy, V)
    with pytest.warns(TsrnnWarning, match="is a linear function"):
        ar().fit(copy, GAPS)


def test_a_few_values_may_be_linear_by_chance():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ARForecaster(lags=0).fit([0, 1, 0, 1], [2.0, 4.0, 2.0, 4.0])


def test_the_error_in_cross_validation():
    folds = TimeSeriesSplit(2, test_size=H)
    for scoring in (None, "neg_mean_absolute_error"):
        with pytest.raises(ValueError, match=r"(?s)fits failed.*the target, at every step.*scoring=tsrnn\.neg_mae"):
            cross_val_score(ar(), V, V, cv=folds, scoring=scoring)
    with pytest.raises(ValueError, match="the target, at every step"):
        GridSearchCV(ar(), {"trend": ["c"]}, cv=folds, error_score="raise").fit(Y, Y)
    scaled = make_pipeline(StandardScaler(), ar())
    with pytest.warns(LeakageWarning):
        scaled.fit(Y.to_frame(), Y)


# ------------------------------------------------------------ the order of arguments
WIDE = np.c_[W, W**2]
FRAME = pd.DataFrame(WIDE, INDEX, ["price", "square"])
SWAPPED = {
    "arrays": (V, WIDE),
    "lists": (V.tolist(), WIDE.tolist()),
    "pandas": (Y, FRAME),
    "a column": (Y, X.to_frame()),
    "polars": (polars.Series("y", V), polars.DataFrame({"d": INDEX, "a": W})),
    "missing": (GAPS, WIDE),
    "mixed": (V, FRAME),
}


@pytest.mark.parametrize("name", SWAPPED)
def test_swapped_arguments_of_fit(name):
    y, x = SWAPPED[name]
    with pytest.raises(ValueError, match=r"X has one dimension and y has two: the order is fit\(X, y\), where X holds"):
        ar().fit(y, x)
    assert isinstance(ar().fit(x, y), ARForecaster)


def test_swapped_arguments_of_update_and_score():
    fit = ar().fit(FRAME[:N], Y[:N])
    with pytest.raises(ValueError, match=r"X_new has one dimension and y_new has two: the order is update\(y_new, X_n"):
        fit.update(FRAME[N:], Y[N:])
    with pytest.raises(ValueError, match=r"X has one dimension and y has two: the order is score\(X, y\)"):
        fit.score(Y[N:], FRAME[N:])
    assert fit.score(FRAME[N:], Y[N:]) < 0
    one = ar().fit(X[:N], Y[:N])
    with pytest.raises(ValueError, match=r"y_new the names of the covariates: the order is update\(y_new, X_new\)"):
        one.update(X[N:], Y[N:])
    with pytest.raises(ValueError, match=r"X has the name \['sales'\] of the target"):
        one.score(Y[N:], X[N:])
    assert one.score(X[N:], Y[N:]) < 0
    same = ar().fit(X[:N].rename("sales"), Y[:N])  # equal names, so the order cannot be checked
    assert same.update(Y[N:], X[N:].rename("sales")).index_.equals(INDEX)


def test_one_covariate_with_several_series():
    wide = pd.DataFrame({"one": Y, "two": Y**2})
    with pytest.raises(ValueError, match="one covariate beside several series is a table of one column"):
        ar().fit(X[:N], wide[:N])
    assert ar().fit(X.to_frame()[:N], wide[:N]).predict(X.to_frame()[N:]).shape == (H, 2)


def test_a_transformed_target():
    regressor = TransformedTargetRegressor(ar(), transformer=StandardScaler())
    forecast = regressor.fit(WIDE[:N], V[:N]).predict(WIDE[N:])
    np.testing.assert_allclose(forecast, ar().fit(WIDE[:N], V[:N]).predict(WIDE[N:]))
