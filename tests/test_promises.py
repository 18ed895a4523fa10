"""Details of training and of counting that other tests do not check; each test was written against a single fault.

The networks are small, for the NumPy backend or for runs without the compiler; expected values come from definitions.
"""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn import ARForecaster, EarlyStopping, LatentARForecaster, RNNForecaster
from tsrnn.linear.statespace import filter_series
from tsrnn.networks.architecture import Decoder
from tsrnn.training.ridge import PENALTIES

from .numpy_backend import NumpyBackend
from .problems import COMPILED, kernels, problem, run, to_lanes
from .test_networks import task
from .test_uncertainty import errors_of

#: A learning rate so small that no float32 parameter changes in training, except those that are 0.
THE_SERIES = np.zeros(1, int)
STILL = {"learning_rate": 1e-30}
TINY = {"hidden_size": 2, "context_length": 4, "horizon": 2, "batch_size": 16, "random_state": 0}


def noise(n=60, seed=0, scale=1.0):
    """A sine with noise."""
    return np.sin(np.arange(n) / 2) + scale * 0.3 * np.random.default_rng(seed).normal(size=n)


def rnn(**options):
    """A small recurrent network."""
    return RNNForecaster(**{**TINY, "max_epochs": 6, **options})


def assert_same(theta, other):
    """Compare two parameter vectors up to the steps of `STILL`, which change parameters that are 0."""
    assert_allclose(theta, other, rtol=0, atol=1e-25)


# ------------------------------------------------------------ epochs
@pytest.mark.parametrize(("loss", "rate"), [("mse", 0.1), ("poisson", 0.5)])
def test_the_refit_has_the_best_number_of_epochs(loss, rate):
    """The refit uses the whole series and the same start, and the best number of epochs, neither none nor all."""
    y = noise()
    stopping = EarlyStopping(validation_size=10, refit_full=True, patience=20)
    options = {"linear_skip": False, "learning_rate": rate, "max_epochs": 20, "loss": loss, "dtype": "float64"}
    if loss == "poisson":
        y, options["scaling"] = np.round(4 + 3 * y), None
    fitted = rnn(early_stopping=stopping, **options).fit(y)
    assert 1 < fitted.best_epoch_ < 20
    assert fitted.best_epoch_ == np.argmin(fitted.validation_curve_)
    plain = rnn(early_stopping=False, **options | {"max_epochs": fitted.best_epoch_}).fit(y)
    assert_array_equal(fitted.theta_, plain.theta_)


def test_a_refit_of_no_epochs_is_the_start():
    y = noise()
    stopping = EarlyStopping(validation_size=10, refit_full=True, min_delta=1e9, patience=2)
    fitted = rnn(early_stopping=stopping).fit(y)
    assert fitted.best_epoch_ == 0
    assert_same(fitted.theta_, rnn(early_stopping=False, max_epochs=1, **STILL).fit(y).theta_)


@pytest.mark.parametrize("loss", ["mse", "gaussian"])
def test_a_warm_start_begins_where_the_earlier_fit_ended(loss):
    """Neither the ridge solution nor the first biases of a likelihood replace it, whatever the new series is."""
    forecaster = rnn(loss=loss, early_stopping=False, max_epochs=2, learning_rate=0.05).fit(noise())
    before = forecaster.theta_.copy()
    forecaster.set_params(warm_start=True, **STILL).fit(3 + noise(seed=1, scale=5))
    assert_same(forecaster.theta_, before)
    assert np.abs(rnn(loss=loss, early_stopping=False, **STILL).fit(noise()).theta_ - before).max() > 0.01


def test_a_warm_start_is_that_of_the_refit_too():
    stopping = EarlyStopping(validation_size=10, refit_full=True)
    forecaster = rnn(early_stopping=stopping, learning_rate=0.05).fit(noise())
    before = forecaster.theta_.copy()
    forecaster.set_params(warm_start=True, **STILL).fit(3 + noise(seed=1, scale=5))
    assert_same(forecaster.theta_, before)


@pytest.mark.parametrize("size", [10, None])
def test_an_equal_error_is_no_improvement(size):
    """If nothing changes, epoch 0 stays the best, and training ends after `patience` epochs."""
    stopping = EarlyStopping(patience=3, validation_size=size, refit_full=False)
    fitted = rnn(early_stopping=stopping, **STILL).fit(noise())
    assert len(set(fitted.validation_curve_)) == 1
    assert fitted.best_epoch_ == 0
    assert len(fitted.loss_curve_) == 3


# ------------------------------------------------------------ random numbers of a training
def test_every_update_draws_new_dropout_masks():
    """With one window and constant parameters, the loss of an update depends only on its dropout masks."""
    t = task(NumpyBackend(), n=1, num_layers=2, hidden_size=8)
    options = {"dropout": 0.5, "learning_rate": 1e-300, "max_epochs": 8}
    curve = t.minimise(**options).loss_curve
    assert len(set(curve)) == 8
    assert t.minimise(**options).loss_curve == curve
    assert not set(t.minimise(seed=1, **options).loss_curve) & set(curve)
    assert len(set(t.minimise(**options | {"dropout": 0.0}).loss_curve)) == 1


def test_every_epoch_has_an_order_of_its_own():
    """With one window in a batch and constant parameters, the norm of an update identifies its window."""
    t, backend, orders = task(NumpyBackend(), n=12), NumpyBackend, []
    part = backend.part

    def record(self, order, first, last):
        orders.extend(np.array(order[first:last]))
        return part(self, order, first, last)

    t.backend.part = record.__get__(t.backend)
    t.minimise(batch_size=5, max_epochs=3)
    epochs = np.reshape(orders, (3, 12))
    assert_array_equal(np.sort(epochs), np.tile(np.arange(12), (3, 1)))
    assert not (epochs[0] == epochs[1]).all()
    assert not (epochs[1] == epochs[2]).all()


# ------------------------------------------------------------ degrees of freedom
@pytest.mark.parametrize(("lags", "trend"), [(1, "n"), (3, "c"), ([1, 4], "ct")], ids=str)
def test_an_interval_has_the_unbiased_variance(lags, trend):
    """The variance of the first step is that of ordinary least squares: squared residuals divided by n - k."""
    y = noise(25)
    each = list(range(1, lags + 1)) if isinstance(lags, int) else lags
    rows = np.arange(max(each), len(y))
    columns = [y[rows - lag] for lag in each] + [np.ones(len(rows))] * ("c" in trend) + [rows] * ("t" in trend)
    variance = sm.OLS(y[rows], np.column_stack(columns)).fit().mse_resid
    bounds = ARForecaster(lags=lags, trend=trend).fit(y).predict_interval(1, 0.9)
    assert_allclose(np.diff(bounds)[0, 0], 2 * 1.6448536269514722 * np.sqrt(variance), rtol=1e-9)


def test_paths_have_the_unbiased_variance():
    """The noise of sample paths has the variance of the interval, not the smaller mean square of the residuals."""
    forecaster = ARForecaster(lags=6).fit(noise(25))
    paths, bounds = forecaster.sample(1, 20_000, random_state=0), forecaster.predict_interval(1, 0.9)
    deviation = np.diff(bounds)[0, 0] / (2 * 1.6448536269514722)
    assert_allclose(paths.std(), deviation, rtol=4 / np.sqrt(2 * 20_000))


@pytest.mark.filterwarnings("ignore::tsrnn.exceptions.ConvergenceWarning")
def test_the_criterion_counts_observed_values():
    """BIC adds k log N for k parameters, where N counts the observed values and not the rows."""
    y = np.column_stack([noise(40), noise(40, seed=1)])
    y[5:20, 0] = np.nan
    fitted = LatentARForecaster(n_states=1, max_iter=3).fit(y)
    k, n = fitted.model_.n_parameters, 65
    assert_allclose(fitted.bic_, -2 * fitted.loglike_ + k * np.log(n), rtol=1e-9)
    assert_allclose(fitted.aic_, -2 * fitted.loglike_ + k * 2, rtol=1e-9)


@pytest.mark.filterwarnings("ignore::tsrnn.exceptions.ConvergenceWarning")
def test_expectation_maximisation_ends_at_a_maximum():
    """The derivative with respect to each log variance is 0; a divisor that is wrong by one step makes it 0.5."""
    rng = np.random.default_rng(1)
    z = np.zeros(20)
    for t in range(1, 20):
        z[t] = 0.8 * z[t - 1] + rng.normal()
    values = z[:, None] + rng.normal(size=(20, 2))
    values[3, 0] = values[7:9, 1] = np.nan
    observed = np.isfinite(values)
    fitted = LatentARForecaster(n_states=1, max_iter=120, tol=0.0).fit(values)

    def loglike(name, factor):
        changed = dataclasses.replace(fitted.model_, **{name: factor * getattr(fitted.model_, name)})
        return filter_series(changed, values, observed, np.empty((20, 0))).loglike

    up, down = np.exp(1e-4), np.exp(-1e-4)
    for name, factors in (("Q", (up, down)), ("R", ([up, 1], [down, 1])), ("R", ([1, up], [1, down]))):
        slope = (loglike(name, factors[0]) - loglike(name, factors[1])) / 2e-4
        assert abs(slope) < 0.1, name


def ridge_path(y, n_lags, prior, seen):
    """Weights shrunk towards `prior`, and generalised cross-validation of each penalty, by hat matrices.

    Only targets that are `seen` count. The degrees of freedom are the trace of the hat matrix of the lags, plus 1 for
    the mean, or plus 0 if it is forgotten.
    """
    x, target = np.lib.stride_tricks.sliding_window_view(y, n_lags)[:-1][seen], y[n_lags:][seen]
    rest = target - x @ prior
    x, rest = x - x.mean(axis=0), rest - rest.mean()
    gram = x.T @ x
    for penalty in PENALTIES * np.trace(gram) / n_lags:
        solve = np.linalg.inv(gram + penalty * np.eye(n_lags)) @ x.T
        weights, free = solve @ rest, len(x) - np.trace(x @ solve)
        yield prior + weights, [np.sum((rest - x @ weights) ** 2) / (free - mean) ** 2 for mean in (1, 0)]


def linear_start(y, lags):
    """Level and weights of the one-step forecast before training."""
    options = {"horizon": 1, "context_length": lags, "scaling": None, "early_stopping": False, "dtype": "float64"}
    fitted = rnn(**options, max_epochs=1, **STILL).fit(y)
    level = fitted.predict(1, context=np.zeros(lags)).item()
    return level, np.array([fitted.predict(1, context=unit).item() - level for unit in np.eye(lags)])


@pytest.mark.filterwarnings("ignore::tsrnn.exceptions.FewWindowsWarning")
@pytest.mark.parametrize(("seed", "missing"), [(40, []), (56, []), (0, [9, 10, 16])], ids=str)
def test_cross_validation_of_the_linear_start_counts_the_mean(seed, missing):
    """The mean has no penalty and takes one degree of freedom; without it another penalty would be chosen here.

    This holds for weights shrunk to zero and to the last value. Windows with a missing target do not count.
    """
    rng, lags = np.random.default_rng(seed), 5
    y = np.sin(np.arange(27) / 2) + 0.5 * rng.normal(size=27)
    y[missing] = np.nan
    level, found = linear_start(y, lags)
    filled, seen = pd.Series(y).ffill().to_numpy(), np.isfinite(y[lags:])
    x, target = np.lib.stride_tricks.sliding_window_view(filled, lags)[:-1][seen], y[lags:][seen]
    assert_allclose(level, target.mean() - x.mean(axis=0) @ found, rtol=1e-6)  # a context of means gives the mean
    matches = []
    for prior in (np.zeros(lags), np.eye(lags)[-1]):
        weights, scores = zip(*ridge_path(filled, lags, prior, seen), strict=True)
        right, wrong = np.argmin(scores, axis=0)
        assert missing or right != wrong
        matches.append(np.allclose(found, weights[right], rtol=1e-6, atol=1e-9))
    assert sum(matches) == 1


# ------------------------------------------------------------ sizes and ranks
@pytest.mark.parametrize(
    ("size", "n", "rows"), [(0.2, 93, 19), (0.2, 92, 18), (0.29, 100, 29), (0.07, 100, 7), (0.01, 20, 1)], ids=str
)
def test_a_fraction_is_rounded_to_whole_rows(size, n, rows):
    """Also if the product is a whole number except for rounding: 0.29 * 100 is 28.999999999999996."""
    assert EarlyStopping(validation_size=size).rows(n) == rows


@pytest.mark.parametrize("n", [1, 4, 9, 19, 30, 99])
def test_a_coverage_equal_to_a_rank_uses_this_rank(n):
    """Rank k of n errors covers k / (n + 1), also if (n + 1) times this fraction is rounded to more than k."""
    ranks = np.arange(1, n + 1)
    errors = errors_of(np.random.default_rng(0).permutation(ranks).astype(float)[:, None, None])
    coverage = ranks / (n + 1)
    for levels, sign in (((1 + coverage) / 2, 1), ((1 - coverage) / 2, -1)):
        assert_array_equal(errors.offsets(levels, THE_SERIES)[0][0, 0, 0], sign * ranks)


@pytest.mark.parametrize("n", [4, 9, 30])
def test_a_coverage_between_two_ranks_uses_the_higher(n):
    ranks = np.arange(1, n)
    errors = errors_of(np.arange(1.0, n + 1)[:, None, None])
    assert_array_equal(errors.offsets((1 + (ranks + 0.05) / (n + 1)) / 2, THE_SERIES)[0][0, 0, 0], ranks + 1)
    with pytest.raises(ValueError, match="validation windows"):
        errors.offsets(np.array([(1 + (n + 0.05) / (n + 1)) / 2]), THE_SERIES)


def test_paths_draw_windows_with_replacement():
    """Each of 5 windows is equally likely, independently of the one before, and drawn from the generator."""
    errors = errors_of(np.arange(5.0)[:, None, None])
    draws = errors.paths(5000, np.random.RandomState(0))[0][0, 0].astype(int)
    pairs = np.bincount(5 * draws[:-1] + draws[1:], minlength=25)
    assert np.abs(pairs - 200).max() < 5 * np.sqrt(200)
    assert (draws != errors.paths(5000, np.random.RandomState(1))[0][0, 0]).mean() > 0.7


# ------------------------------------------------------------ labels
def test_labels_of_another_time_zone_are_the_same_instants():
    """An error shows the labels in the time zone of the series."""
    index = pd.date_range("2024-01-01", periods=60, freq="h", tz="Europe/Berlin")
    forecaster = ARForecaster(lags=2).fit(pd.Series(noise(), index))
    expected = forecaster.predict(5)
    wanted = expected.index[[4, 1]]
    found = forecaster.predict(wanted.tz_convert("America/New_York"))
    assert_array_equal(found, expected.iloc[[4, 1]])
    assert found.index.equals(wanted)
    assert found.index.tz == index.tz
    for label, fault in ((index[3], "after the end"), (wanted[0] + pd.Timedelta(7, "min"), "on the grid")):
        with pytest.raises(ValueError, match=f"holds {re.escape(str(label))}, which is not {fault} of the series"):
            forecaster.predict(pd.DatetimeIndex([label]).tz_convert("America/New_York"))


@pytest.mark.parametrize("freq", ["D", "MS"])
def test_calendar_labels_of_another_time_zone(freq):
    index = pd.date_range("2024-01-01", periods=60, freq=freq, tz="Asia/Tokyo")
    forecaster = ARForecaster(lags=2).fit(pd.Series(noise(), index))
    expected = forecaster.predict(5)
    found = forecaster.predict(expected.index.tz_convert("UTC"))
    pd.testing.assert_series_equal(found, expected, check_freq=False)


# ------------------------------------------------------------ attention
@pytest.mark.parametrize("factor", [1e5, -1e5])
def test_attention_scores_beyond_the_range_of_exp(factor):
    """Scores are linear in the weights of the query, so attention w becomes proportional to w ** factor."""
    backend = kernels(None if COMPILED else 2)
    p = problem(ragged=True, n_outputs=2, decoder=Decoder(attention="general"))
    lanes = len(p.windows)

    def weights(theta):
        return to_lanes(run(p, backend, theta=theta).work.read("attention"), (2, 5), lanes)

    steep = p.theta.copy()
    p.architecture.views(steep)["query"][:] *= factor
    with np.errstate(divide="ignore"):
        scores = factor * np.log(weights(p.theta))
    seen = np.arange(5)[:, None] >= (p.geometry.n_steps - p.windows.length)
    scores = np.where(seen, scores, -np.inf)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    found = run(p, backend, theta=steep)
    assert_allclose(weights(steep), powers / powers.sum(axis=1, keepdims=True), rtol=1e-6, atol=1e-12)
    assert np.abs(scores[np.isfinite(scores)]).max() > 1000
    assert np.isfinite(found.theta).all()
