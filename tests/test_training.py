"""Details of training: learning rates, curves, refits, held-out windows. Each test was written for a single fault."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn import EarlyStopping, Pinball, RNNForecaster, RNNRegressor
from tsrnn.losses.squared import MSE
from tsrnn.training import biases
from tsrnn.training.loop import Adam

from .numpy_backend import NumpyBackend
from .problems import CELLS
from .test_networks import task

#: A learning rate so small that the parameters do not change.
STILL = {"learning_rate": 1e-30}
TINY = {"hidden_size": 2, "batch_size": 16, "random_state": 0, "max_epochs": 4}


def rnn(**options):
    """A small recurrent network."""
    return RNNForecaster(**{"context_length": 4, "horizon": 2, **TINY, **options})


def noise(n=60, seed=0):
    """A sine with noise."""
    return np.sin(np.arange(n) / 2) + 0.3 * np.random.default_rng(seed).normal(size=n)


# ------------------------------------------------------------ updates
def test_the_schedule_counts_updates_of_all_epochs():
    """With both betas 0, a step of Adam has the size of the learning rate; two epochs of three batches."""
    t = task(NumpyBackend(), n=3)
    adam = Adam(beta1=0, beta2=0, epsilon=1e-300, clip_norm=None, schedule="cosine")
    path, update = [t.theta], t.backend.update

    def record(work, theta, *arguments):
        update(work, theta, *arguments)
        path.append(theta.copy())

    t.backend.update = record
    t.minimise(batch_size=1, max_epochs=2, optimizer=adam, learning_rate=0.02)
    rates = [0.01 * (1 + math.cos(math.pi * step / 6)) for step in range(6)]
    assert_allclose(np.abs(np.diff(path, axis=0)).max(axis=1), rates, rtol=1e-9)


@pytest.mark.filterwarnings("ignore:overflow|invalid:RuntimeWarning")
def test_the_norm_before_a_divergence_in_a_new_epoch():
    """If the first step of an epoch diverges, the error has the norm of the last step of the epoch before."""
    t = task(NumpyBackend(), n=4, cell=CELLS["rnn_relu"])
    with pytest.raises(FloatingPointError, match=r"epoch 2, step 1 of 1 .*norm before that step \d") as error:
        t.minimise(learning_rate=1e200, optimizer=Adam(clip_norm=None))
    assert "nan" not in str(error.value).split("norm before that step")[1][:12]


def test_an_infinite_error_is_never_the_best():
    t = task(NumpyBackend(), n=26)
    errors = iter([np.nan, 3.0, -np.inf, 2.0, np.inf, 2.5])
    t.network.evaluate = lambda *arguments, **options: (next(errors), 1.0)
    training = t.minimise(max_epochs=5, validation=t.validation())
    assert training.best_epoch == 3
    assert training.validation_curve == [np.inf, 3.0, np.inf, 2.0, np.inf, 2.5]


def test_an_evaluation_starts_from_zero():
    t = task(NumpyBackend())
    work = t.network.workspace(t.geometry, 26, loss=MSE)
    wanted = t.network.evaluate(work, t.theta, t.source, t.windows, free_run=False)
    batch = np.arange(3)
    t.backend.gather(work, t.source.series, t.windows, batch)
    t.backend.gather_targets(work, t.source.targets, t.source.observed, t.windows, batch)
    t.backend.forward(work, t.theta)
    t.backend.loss(work, MSE)  # and nobody asks for it
    assert t.network.evaluate(work, t.theta, t.source, t.windows, free_run=False) == wanted


# ------------------------------------------------------------ estimators
def test_callbacks_are_not_called_in_the_refit():
    told = []
    stopping = EarlyStopping(validation_size=10, refit_full=True)
    fitted = rnn(callbacks=[told.append], early_stopping=stopping, linear_skip=False, learning_rate=0.05).fit(noise())
    assert fitted.best_epoch_ > 0
    assert [epoch.epoch for epoch in told] == [1, 2, 3, 4]


@pytest.mark.parametrize("name", ["standard", "window", None])
def test_the_forecast_after_a_refit_has_the_scale_of_all(name):
    """The amplitude of the validation part is ten times that of the rest, so both scales differ."""
    y = noise() * np.where(np.arange(60) < 40, 1, 10)
    options = {"linear_skip": False, "learning_rate": 0.05, "scaling": name}
    stopping = EarlyStopping(validation_size=20, refit_full=True)
    fitted = rnn(early_stopping=stopping, **options).fit(y)
    assert fitted.best_epoch_ > 0
    plain = rnn(early_stopping=False, **options | {"max_epochs": fitted.best_epoch_}).fit(y)
    assert_array_equal(fitted.predict(5), plain.predict(5))


@pytest.mark.parametrize("scaling", ["standard", "window", None])
def test_every_window_of_the_validation_part_is_used(scaling):
    """Compare the sorted errors of all windows with a target in the validation part, and of no other window.

    The scale is that of the training part, although the validation part has ten times its amplitude; with "window" it
    is that of each window.
    """
    y = noise() * np.where(np.arange(60) < 50, 1, 10)
    stopping = EarlyStopping(validation_size=10, refit_full=False)
    fitted = rnn(early_stopping=stopping, scaling=scaling, dtype="float64").fit(y)
    errors = [np.abs(y[end : end + 2] - fitted.predict(2, context=y[:end])) for end in range(50, 59)]
    if scaling == "window":
        errors = [error / y[end - 4 : end].std() for error, end in zip(errors, range(50, 59), strict=True)]
        errors = np.array(errors) * y[-4:].std()
    bounds = fitted.predict_interval(2, np.arange(1, 10) / 10)
    assert_allclose((bounds[..., 1] - bounds[..., 0]) / 2, np.sort(errors, axis=0).T, rtol=1e-9)


def test_validation_widens_the_trained_network():
    """The factor makes the variances equal to the mean squared errors over the validation part."""
    spread = np.where(np.arange(60) < 48, 0.1, 0.5)
    y = np.sin(np.arange(60) / 2) + spread * np.random.default_rng(0).normal(size=60)
    stopping = EarlyStopping(validation_size=12, refit_full=False, patience=9)
    options = {"loss": "gaussian", "scaling": "standard", "linear_skip": False, "learning_rate": 0.1, "max_epochs": 9}
    fitted = rnn(early_stopping=stopping, dtype="float64", **options).fit(y)
    assert fitted.best_epoch_ > 1
    quantiles = [fitted.predict_quantiles(2, [0.5, 0.8413447460685429], context=y[:end]) for end in range(48, 59)]
    truth = [y[end : end + 2] for end in range(48, 59)]
    z = [(true - q[:, 0]) / (q[:, 1] - q[:, 0]) for true, q in zip(truth, quantiles, strict=True)]
    assert_allclose(np.mean(np.square(z)), 1, rtol=1e-5)


def test_the_first_biases_are_those_of_windows_from_all_of_the_series(monkeypatch):
    """Not all windows are used; the first ones have a tenth of the amplitude, so the choice matters."""
    monkeypatch.setattr(biases, "WINDOWS", 12)
    y = noise() * np.where(np.arange(60) < 30, 0.1, 1)
    options = {"loss": "gaussian", "linear_skip": False, "scaling": None, "early_stopping": False}
    quantiles = rnn(**options, **STILL).fit(y).predict_quantiles(1, [0.5, 0.8413447460685429])
    assert 0.5 < np.diff(quantiles).item() / y[6:].std() < 1.5


def test_a_quantile_that_was_not_trained_is_refused():
    fitted = rnn(loss=Pinball(0.1, 0.5, 0.9)).fit(noise())
    fitted.predict_quantiles(2, [0.1, 0.9])
    with pytest.raises(ValueError, match=r"has learned the quantiles 0\.1, 0\.5, 0\.9, not 0\.11"):
        fitted.predict_quantiles(2, [0.1, 0.11])


@pytest.mark.filterwarnings("ignore::tsrnn.exceptions.FewWindowsWarning")
@pytest.mark.parametrize(("n", "tail"), [(30, 4), (60, 5), (12, 3)])
def test_default_size_of_the_validation_part(n, tail):
    """A tenth of the rows after the first context, at least two horizons, at most half of the windows."""
    fitted, n_windows = rnn(**STILL).fit(noise(n)), tail - 2 + 1
    # the largest coverage that this number of windows allows, then a larger one
    fitted.predict_interval(1, n_windows / (n_windows + 1))
    with pytest.raises(ValueError, match="validation windows"):
        fitted.predict_interval(1, (n_windows + 0.05) / (n_windows + 1))


def test_the_seed_draws_the_order_too():
    """After a warm start from the same parameters, another seed gives another result."""
    forecaster, ends = rnn(early_stopping=False, warm_start=True).fit(noise()), []
    for seed in (1, 2, 1):
        again = pickle.loads(pickle.dumps(forecaster)).set_params(random_state=seed)
        ends.append(again.fit(noise()).theta_)
    assert_array_equal(ends[0], ends[2])
    assert np.abs(ends[0] - ends[1]).max() > 1e-6


# ------------------------------------------------------------ regressors
def test_the_seed_draws_the_rows_that_are_held_out():
    X, y = windows()
    stopping = EarlyStopping(validation_size=8, refit_full=False)
    means = [
        RNNRegressor(**TINY | {"random_state": seed, "max_epochs": 1}, early_stopping=stopping).fit(X, y).outputs_.mean
        for seed in (0, 1, 0)
    ]
    assert means[0] == means[2] != means[1]


def windows(n=30):
    """Windows of a sine and the values after them; the last column of the targets has outliers in a few rows."""
    y = noise(n + 6)
    return np.lib.stride_tricks.sliding_window_view(y, 5)[:n], y[5 : 5 + n]


def test_a_regressor_refits_on_all_rows():
    X, y = windows()
    options = {"learning_rate": 0.05, "scaling": None}
    stopping = EarlyStopping(validation_size=8, refit_full=True)
    fitted = RNNRegressor(**TINY | options, early_stopping=stopping).fit(X, y)
    assert fitted.best_epoch_ > 0
    plain = RNNRegressor(**TINY | options | {"max_epochs": fitted.best_epoch_}).fit(X, y)
    start = RNNRegressor(**TINY | options | {"learning_rate": 1e-30, "max_epochs": 1}).fit(X, y)
    moved = np.abs(plain.theta_ - start.theta_).max()
    assert moved > 0.01
    assert_allclose(fitted.theta_, plain.theta_, atol=1e-6)


def test_held_out_rows_do_not_scale():
    """Outliers in rows that are held out do not change the fit to the other rows."""
    X, y = windows()
    stopping = EarlyStopping(validation_size=8, refit_full=False, patience=9)
    regressor = RNNRegressor(**TINY, early_stopping=stopping)
    held_out, kept = regressor._split(len(X))
    wild, wide = y.copy(), X.copy()
    wild[held_out], wide[held_out] = 1e3, -1e3
    before, after = (RNNRegressor(**TINY, early_stopping=stopping).fit(*data) for data in ((X, y), (wide, wild)))
    assert_array_equal(before.outputs_.mean, after.outputs_.mean)
    assert_array_equal(before.inputs_.scale, after.inputs_.scale)
    assert_allclose(before.outputs_.mean, y[kept].mean())
