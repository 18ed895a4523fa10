"""Regressors: scikit-learn's checks, and tests of windows."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import tsrnn
from tsrnn import Adam, EarlyStopping, Huber, LSTMRegressor, Pinball
from tsrnn.cells.registry import FAMILIES
from tsrnn.losses import registry

from .problems import shown

CELLS = [getattr(tsrnn, f"{name}Regressor") for name in FAMILIES]
QUICK = {"hidden_size": 6, "max_epochs": 20, "batch_size": 16, "learning_rate": 0.01, "random_state": 0}


pytestmark = pytest.mark.usefixtures("one_thread")


@parametrize_with_checks([cls() for cls in CELLS])
def test_sklearn(estimator, check):
    check(estimator)


@pytest.fixture(params=CELLS)
def regressor(request):
    return request.param(**QUICK)


def lstm(**options):
    return LSTMRegressor(**{**QUICK, **options})


def problem(n=90, length=6, n_channels=1, horizon=1, seed=0):
    """Windows of noise, and running means of their last values as targets."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, length, n_channels))
    Y = np.stack([X[:, -k - 1 :].mean(axis=(1, 2)) for k in range(horizon)], axis=1)
    return X, 5 + 3 * Y


def test_a_regressor_learns():
    X, Y = problem(400)
    X = X[:, :, 0]
    for cls in CELLS:
        regressor = cls(hidden_size=16, max_epochs=60, learning_rate=0.01, random_state=0).fit(X[:300], Y[:300, 0])
        assert regressor.score(X[300:], Y[300:, 0]) > 0.9
        assert regressor.loss_curve_[-1] < 0.1 * regressor.loss_curve_[0]


# ------------------------------------------------------------ shapes
@pytest.mark.parametrize("n_channels", [1, 2, 3])
def test_three_dimensions_equal_the_flattened_ones(regressor, n_channels):
    X, Y = problem(n_channels=n_channels)
    flat = X.reshape(len(X), -1)
    three = clone(regressor).fit(X, Y)
    two = regressor.set_params(n_channels=n_channels).fit(flat, Y)
    assert three.n_features_in_ == two.n_features_in_ == 6 * n_channels
    assert three.n_channels_ == two.n_channels_ == n_channels
    expected = two.predict(flat)
    for predictions in (three.predict(X), three.predict(flat), two.predict(X), two.predict(X.tolist())):
        assert_array_equal(predictions, expected)


def test_channels_that_do_not_fit():
    X, Y = problem(n_channels=2)
    with pytest.raises(ValueError, match="X has 12 columns, which n_channels=5 does not divide"):
        lstm(n_channels=5).fit(X.reshape(90, -1), Y)
    with pytest.raises(ValueError, match="X has 2 channels, but n_channels=3"):
        lstm(n_channels=3).fit(X, Y)
    regressor = lstm().fit(X, Y)
    with pytest.raises(ValueError, match="X has 3 channels, but n_channels=2"):
        regressor.predict(np.zeros((5, 4, 3)))
    with pytest.raises(ValueError, match="X has 10 features, but LSTMRegressor is expecting 12 features"):
        regressor.predict(X[:, 1:])


@pytest.mark.parametrize("horizon", [1, 3])
def test_targets_keep_their_shape(regressor, horizon):
    X, Y = problem(horizon=horizon)
    assert regressor.fit(X, Y).predict(X).shape == Y.shape
    assert regressor.n_outputs_ == horizon
    alone = clone(regressor).fit(X, Y[:, 0]).predict(X)
    assert alone.shape == (len(X),)
    if horizon == 1:
        assert_array_equal(alone, regressor.predict(X)[:, 0])


def test_the_order_of_steps_and_channels_matters(regressor):
    X, Y = problem(n_channels=2)
    regressor.fit(X, Y)
    assert (regressor.predict(X[:, ::-1]) != regressor.predict(X)).all()
    assert (regressor.predict(X[:, :, ::-1]) != regressor.predict(X)).all()


def test_frames_name_their_columns(regressor):
    X, Y = problem()
    frame = pd.DataFrame(X[:, :, 0], columns=[f"lag{k}" for k in range(6, 0, -1)])
    regressor.fit(frame, pd.Series(Y[:, 0]))
    assert list(regressor.feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="feature names should match"):
        regressor.predict(frame[frame.columns[::-1]])


# ------------------------------------------------------------ rows
def test_one_row_alone_equals_the_row_in_a_batch(regressor):
    X, Y = problem(300, horizon=2)
    regressor.set_params(max_epochs=3).fit(X[:50], Y[:50])
    together = regressor.predict(X)
    for i in (0, 7, 16, 255, 256, 299):
        assert_array_equal(regressor.predict(X[i : i + 1]), together[i : i + 1])
    assert_array_equal(regressor.predict(X[::-1])[::-1], together)


def test_inputs_are_unchanged_and_may_be_read_only(regressor):
    X, Y = problem()
    X_before, Y_before = X.copy(), Y.copy()
    X.flags.writeable = Y.flags.writeable = False
    regressor.fit(X, Y).predict(X)
    assert_array_equal(X, X_before)
    assert_array_equal(Y, Y_before)


def test_the_seed_decides(regressor):
    X, Y = problem()
    first = regressor.fit(X, Y).predict(X)
    assert_array_equal(clone(regressor).fit(X, Y).predict(X), first)
    assert_array_equal(pickle.loads(pickle.dumps(regressor)).predict(X), first)
    assert (clone(regressor).set_params(random_state=1).fit(X, Y).predict(X) != first).all()
    generators = [np.random.RandomState(0), np.random.RandomState(0)]
    one, other = (clone(regressor).set_params(random_state=generator).fit(X, Y).predict(X) for generator in generators)
    assert_array_equal(one, other)


@pytest.mark.parametrize("value", [0.0, 5.0, 1e20])
def test_constants(regressor, value):
    X = np.full((40, 5), value)
    assert_allclose(regressor.set_params(max_epochs=100).fit(X, X[:, 0]).predict(X), value, atol=0.2)


@pytest.mark.parametrize("unit", [1e-200, 1e-20, 1e20, 1e200])
def test_scaling_the_targets_scales_the_predictions(regressor, unit):
    X, Y = problem()
    plain = clone(regressor).fit(X, Y).predict(X)
    assert_allclose(regressor.fit(unit * X, unit * Y).predict(unit * X) / unit, plain, rtol=1e-2)


# ------------------------------------------------------------ training
def test_early_stopping():
    X, Y = problem(200)
    early = EarlyStopping(patience=3, validation_size=40, refit_full=False)
    options = {"max_epochs": 200, "learning_rate": 0.1}
    regressor = lstm(early_stopping=early, **options).fit(X, Y)
    assert len(regressor.loss_curve_) < 200
    assert regressor.best_epoch_ == np.argmin(regressor.validation_curve_)
    assert len(regressor.validation_curve_) == regressor.best_epoch_ + 4
    refitted = lstm(early_stopping=EarlyStopping(patience=3, validation_size=40), **options).fit(X, Y)
    assert refitted.best_epoch_ == regressor.best_epoch_
    assert "refit" in refitted.timings_
    assert "refit" not in regressor.timings_
    assert (refitted.theta_ != regressor.theta_).any()


def test_held_out_rows_are_used_only_to_stop():
    X, Y = problem(100)
    regressor = lstm(early_stopping=EarlyStopping(patience=30, validation_size=0.25, refit_full=False)).fit(X, Y)
    held_out, kept = regressor._split(100)
    assert len(held_out) == 25
    assert_array_equal(np.sort(np.append(held_out, kept)), np.arange(100))
    X[held_out], Y[held_out] = 1e6, -1e6
    altered = clone(regressor).fit(X, Y)
    assert_array_equal(altered.loss_curve_, regressor.loss_curve_)
    assert_array_equal(altered.outputs_.mean, regressor.outputs_.mean)


def test_all_rows_held_out_is_refused():
    X, Y = problem(20)
    with pytest.raises(ValueError, match="early_stopping holds out 20 of 20 rows and leaves none to train on"):
        lstm(early_stopping=EarlyStopping(validation_size=20)).fit(X, Y)


def test_warm_start(regressor):
    X, Y = problem()
    regressor.set_params(warm_start=True, max_epochs=5)
    first = regressor.fit(X, Y).loss_curve_
    assert regressor.fit(X, Y).loss_curve_[0] < first[-1]
    cold = clone(regressor).set_params(warm_start=False)
    assert_array_equal(cold.fit(X, Y).loss_curve_, cold.fit(X, Y).loss_curve_)
    with pytest.raises(ValueError, match=r"earlier fit, .*; use the same number of columns of y, or warm_start=False"):
        regressor.fit(X, np.hstack([Y, Y]))


LOSSES = [name for name, loss in registry.LOSSES.items() if loss.support == "real"] + [Huber(0.1), Pinball(0.9)]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_losses(loss):
    X, Y = problem(horizon=2)
    regressor = lstm(loss=loss, max_epochs=30).fit(X, Y)
    assert regressor.loss_curve_[-1] < regressor.loss_curve_[0]
    assert regressor.predict(X).shape == Y.shape


def test_fractions_of_targets_below_quantiles():
    rng = np.random.default_rng(0)
    X, y = np.zeros((400, 2)), rng.normal(size=400)
    for level in (0.1, 0.5, 0.9):
        regressor = lstm(loss=Pinball(level), max_epochs=60).fit(X, y)
        assert np.mean(y < regressor.predict(X)) == pytest.approx(level, abs=0.06)


@pytest.mark.parametrize(
    "options",
    [
        {"num_layers": 2, "dropout": 0.3},
        {"learn_initial_state": True},
        {"scaling": None},
        {"batch_size": 1000},
        {"optimizer": Adam(weight_decay=0.01, schedule="cosine")},
    ],
    ids=str,
)
def test_options(options):
    X, Y = problem()
    regressor = lstm(**options).fit(X, Y)
    assert regressor.loss_curve_[-1] < regressor.loss_curve_[0]
    assert_array_equal(clone(regressor).fit(X, Y).predict(X), regressor.predict(X))


# ------------------------------------------------------------ failures
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_channels": 0}, "n_channels=0 must be at least 1"),
        ({"n_channels": 7}, "n_channels=7 does not divide"),
        ({"scaling": "window"}, "scaling='window' is not known; use one of 'standard', None"),
        ({"learning_rate": 1e38}, "stopped being finite in epoch"),
        ({"callbacks": [lambda epoch: 1 / 0]}, "division by zero"),
    ],
    ids=shown,
)
def test_a_failing_fit_leaves_the_regressor_as_it_was(options, message):
    X, Y = problem()
    X = X[:, :, 0]
    regressor = lstm(**options)
    with pytest.raises((ValueError, ArithmeticError), match=message):
        regressor.fit(X, Y)
    with pytest.raises(NotFittedError):
        regressor.predict(X)
    regressor = lstm(max_epochs=2).fit(X, Y)
    before, attributes = regressor.predict(X), set(vars(regressor))
    with pytest.raises((ValueError, ArithmeticError), match=message):
        regressor.set_params(**options).fit(X[:, 1:], Y)
    assert set(vars(regressor)) == attributes
    assert_array_equal(regressor.predict(X), before)


# ------------------------------------------------------------ in scikit-learn's company
def test_pipeline_grid_and_transformed_target():
    X, Y = problem()
    X, y = X[:, :, 0], np.exp(Y[:, 0])
    pipeline = make_pipeline(StandardScaler(), lstm(max_epochs=5))
    search = GridSearchCV(pipeline, {"lstmregressor__hidden_size": [2, 4]}, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_["lstmregressor__hidden_size"] in (2, 4)
    transformed = TransformedTargetRegressor(lstm(), func=np.log, inverse_func=np.exp).fit(X, y)
    assert_allclose(np.log(transformed.predict(X)), lstm().fit(X, np.log(y)).predict(X), rtol=1e-6)
