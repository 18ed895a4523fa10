"""Losses that are likelihoods: equations compared with scipy and mpmath, and forecasts from them."""

from __future__ import annotations

import itertools

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from tsrnn import Direct, EarlyStopping, LSTMForecaster, LSTMRegressor, Pinball, Recursive, Seq2Seq
from tsrnn.cells.lstm import LSTM
from tsrnn.data.panel import Panel
from tsrnn.data.scaling import PanelScaling
from tsrnn.forecasting import ancestral, distribution
from tsrnn.forecasting.strategies.base import Continuation
from tsrnn.functions.activations import softplus
from tsrnn.functions.gamma import log_rising
from tsrnn.losses.gaussian import GAUSSIAN
from tsrnn.losses.negative_binomial import NEGATIVE_BINOMIAL
from tsrnn.losses.poisson import POISSON
from tsrnn.losses.registry import LOSSES
from tsrnn.networks.architecture import Architecture
from tsrnn.networks.network import Network, Source
from tsrnn.training.biases import Predictions

from . import oracles
from .numpy_backend import NumpyBackend, bound
from .problems import one_series

STEP = 1e-30
EPS = {np.float32: 2.0**-23, np.float64: 2.0**-52}
LIKELIHOODS = {name: loss for name, loss in LOSSES.items() if loss.family}
every_likelihood = pytest.mark.parametrize("loss", LIKELIHOODS.values(), ids=LIKELIHOODS)
precision = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def numbers(loss, n=400, spread=2.0, dtype=np.float64):
    """Targets and raw parameters."""
    rng = np.random.default_rng(0)
    y = rng.normal(0, 3, n) if loss.support == "real" else rng.poisson(rng.choice([0.3, 3, 30, 1000], n))
    return [x.astype(dtype) for x in (y, *rng.normal(0, spread, (loss.width, n)))]


# ---------------------------------------------------------------- equations
@every_likelihood
def test_value_and_derivatives(loss):
    oracle = oracles.LOSSES[loss.name][0]
    y, *p = numbers(loss)
    value, *derivatives = bound(loss.equation)(y, *p, 0.0)
    assert_allclose(value, oracle(y, *p), rtol=1e-12, atol=1e-10)
    assert len(derivatives) == loss.width
    for i, derivative in enumerate(derivatives):
        shifted = [x + 1j * STEP * (i == j) for j, x in enumerate(p)]
        assert_allclose(derivative, oracle(y, *shifted).imag / STEP, rtol=1e-10, atol=1e-10)


@every_likelihood
def test_value_is_the_likelihood_of_its_family(loss):
    y, *p = numbers(loss)
    value = bound(loss.equation)(y, *p, 0.0)[0]
    family = getattr(stats, loss.family)
    density = family.logpdf if loss.support == "real" else family.logpmf
    with np.errstate(divide="ignore"):
        truth = -density(y, *loss.natural(*p))
    known = np.isfinite(truth)  # scipy takes the logarithm of some densities after they underflow to 0
    assert known.mean() > 0.9
    assert_allclose((value + oracles.OMITTED[loss.name](y))[known], truth[known], rtol=1e-10, atol=1e-10)
    assert_allclose(distribution.point(loss, np.stack(p, axis=-1)), family.mean(*loss.natural(*p)), rtol=1e-12)


@every_likelihood
def test_float32(loss):
    """Errors are only rounding errors, in units of the largest term, and no constant changes the dtype."""
    arguments = numbers(loss, spread=4.0, dtype=np.float32)
    single = bound(loss.equation)(*arguments, np.float32(0))
    double = bound(loss.equation)(*(x.astype(float) for x in arguments), 0.0)
    y, *p = (x.astype(float) for x in arguments)
    size = 1 + np.abs(y) * (1 + np.abs(p).max(axis=0))
    for found, exact in zip(single, double, strict=True):
        assert found.dtype == np.float32
        assert (np.abs(found - exact) <= 16 * EPS[np.float32] * (size + 4 * np.abs(exact))).all()


@every_likelihood
@precision
def test_extreme_parameters(loss, dtype):
    """All values are finite, and the derivative points back to moderate parameters."""
    raw = [-1000, -50, -30, 0, 30, 50, 1000]
    y = [0, 1, 500] if loss.support == "counts" else [-50, 0, 3]
    arguments = np.array([*itertools.product(y, *[raw] * loss.width)], dtype).T
    for found in bound(loss.equation)(*arguments, dtype(0)):
        assert np.isfinite(found).all()
    for argument in loss.natural(*arguments[1:]):
        assert np.isfinite(argument).all()
    if loss.width == 2 and loss.support == "real":
        for raw, sign in ((-50, -1), (50, 1)):
            assert np.sign(bound(loss.equation)(dtype(1), dtype(0), dtype(raw), dtype(0))[2]) == sign
    if loss.support == "counts":
        assert bound(loss.equation)(dtype(3), *map(dtype, [-50] + [0] * (loss.width - 1)), dtype(0))[1] < -0.5


@precision
def test_softplus(dtype):
    x = np.concatenate([np.linspace(-80, 80, 401), [-1e-30, 0, 1e-30]]).astype(dtype)
    y = softplus(x)
    slope = np.exp(x - y)
    with mp.workdps(60):
        truth = [mp.log1p(mp.exp(mp.mpf(float(v)))) for v in x]
        slopes = [1 / (1 + mp.exp(-mp.mpf(float(v)))) for v in x]
        assert y.dtype == dtype
        assert max(abs(mp.mpf(float(a)) - b) / b for a, b in zip(y, truth, strict=True)) < 4 * EPS[dtype]
        error = [abs(mp.mpf(float(a)) - b) / b for a, b in zip(slope, slopes, strict=True)]
    assert (np.array(error, float) < EPS[dtype] * (4 + np.abs(x))).all()


@precision
def test_log_rising(dtype):
    """Over 26 orders of magnitude of the shape, where a difference of log-gammas has no correct digit."""
    grid = np.array([*itertools.product([0, 0.5, 1, 2, 7, 100, 10_000], np.logspace(-13, 13, 27))], dtype)
    value, slope = log_rising(*grid.T)
    assert value.dtype == slope.dtype == dtype
    with mp.workdps(40):
        for (y, r), found, derivative in zip(grid.astype(float), value, slope, strict=True):
            y, r = mp.mpf(y), mp.mpf(r)
            truth = mp.loggamma(r + y) - mp.loggamma(r) - y * mp.log(r)
            assert abs(found - truth) < 4 * EPS[dtype] * (abs(truth) + (1 + y) * mp.log1p(8 / r) + y)
            truth = mp.digamma(r + y) - mp.digamma(r)
            assert abs(derivative - truth) <= 20 * EPS[dtype] * truth


# ---------------------------------------------------------------- one step's distribution
@every_likelihood
def test_quantiles_and_draws_are_those_of_the_family(loss):
    parameters = np.random.default_rng(1).normal(0.5, 0.5, (3, 2, loss.width)).astype(np.float32)
    family, levels = getattr(stats, loss.family), np.array([0.1, 0.5, 0.975])
    arguments = loss.natural(*np.moveaxis(parameters.astype(float), -1, 0))
    found = distribution.quantiles(loss, parameters, levels)
    assert_array_equal(found, [family.ppf(level, *arguments) for level in levels])
    draws = distribution.draw(loss, np.broadcast_to(parameters, (4000, *parameters.shape)), np.random.RandomState(0))
    below = np.mean(draws <= found[1], axis=0)
    assert_allclose(below, family.cdf(found[1], *arguments), atol=4 * 0.5 / np.sqrt(4000))
    parameters[1, 0, 0] = np.inf
    draws = distribution.draw(loss, parameters, np.random.RandomState(0))
    assert np.isnan(draws[1, 0])
    assert np.isfinite(np.delete(draws.ravel(), 2)).all()


def test_trained_quantiles_are_put_in_order():
    loss, crossed = Pinball(0.1, 0.5, 0.9), np.array([[3.0, 1.0, 2.0], [1.0, 2.0, 3.0]], np.float32)
    assert_array_equal(distribution.quantiles(loss, crossed, np.array([0.1, 0.9])), [[1, 1], [2, 3]])
    assert_array_equal(distribution.point(loss, crossed), [1, 2])
    assert_array_equal(distribution.quantiles(loss, crossed, np.array([0.5]))[0], [1, 2])
    assert_array_equal(distribution.quantiles(loss, crossed, np.array([(1 - 0.8) / 2]))[0], [1, 1])
    many = np.array([5.0, 2, 4, 3, 1, 6])
    assert_array_equal(distribution.uncrossed(many, 2), [2, 2, 4, 4, 4, 6])
    assert_array_equal(distribution.uncrossed(many, 0), [5, 5, 5, 5, 5, 6])
    assert_array_equal(distribution.uncrossed(many, 5), [1, 1, 1, 1, 1, 6])
    with pytest.raises(
        ValueError, match=r"quantiles 0.1, 0.5, 0.9, not 0.25; .*loss=tsrnn.Pinball\(0.1, 0.25, 0.5, 0.9\)"
    ):
        distribution.quantiles(loss, crossed, np.array([0.1, 0.25]))


# ---------------------------------------------------------------- known networks
CONTEXT = 10 + 2 * np.sin(np.arange(8.0))[:, None]


RECURSIVE, DIRECT = Recursive(), Direct()


def known(loss, phi=0.0, bias=(0.0,), block=1, strategy=RECURSIVE):
    """A linear network: phi times the last value, plus the biases of the head."""
    a = Architecture(LSTM, 1, 1, block, loss, hidden_size=1, lags=1, decoder=strategy.decoder(1))
    theta = np.zeros(a.size)
    a.views(theta)["skip"][:] = phi
    a.views(theta)["head"][:, 0] = np.tile(bias, block)
    return Network(a, "float64"), theta


def arguments(network, theta, horizon, scaling="standard"):
    fitted = PanelScaling.fit(scaling, Panel.of_one(CONTEXT))
    return Continuation(network, theta, CONTEXT[None], np.empty((1, len(CONTEXT) + horizon, 0)), fitted, horizon)


@pytest.mark.parametrize("strategy", [RECURSIVE, Seq2Seq()], ids=["recursive", "seq2seq"])
def test_paths_are_those_of_an_autoregression(strategy):
    """Mean, variance and correlation over steps of z' = phi z + s e, in units of the series, by Monte Carlo."""
    phi, s, horizon, n = 0.8, 0.5, 6, 3000
    job = arguments(*known(GAUSSIAN, phi, (0.0, np.log(s)), strategy=strategy), horizon)
    paths = strategy.sample(job, n, [np.random.RandomState(0)])[0]
    assert paths.shape == (horizon, 1, n)
    z = (paths[:, 0] - CONTEXT.mean()) / CONTEXT.std()
    last, k = (CONTEXT[-1, 0] - CONTEXT.mean()) / CONTEXT.std(), np.arange(1, horizon + 1)
    variance = s**2 * (1 - phi ** (2 * k)) / (1 - phi**2)
    assert (np.abs(z.mean(axis=1) - phi**k * last) < 4 * np.sqrt(variance / n)).all()
    assert_allclose(z.var(axis=1), variance, rtol=4 * np.sqrt(2 / n))
    wanted = phi * np.sqrt(variance[:-1] / variance[1:])
    found = np.array([np.corrcoef(z[i], z[i + 1])[0, 1] for i in range(horizon - 1)])
    assert (np.abs(found - wanted) < 4 * (1 - wanted**2) / np.sqrt(n)).all()
    levels = np.array([0.1, 0.5, 0.9])
    quantiles = (strategy.quantiles(job, levels)[0, :, 0] - CONTEXT.mean()) / CONTEXT.std()
    exact = stats.norm.ppf(levels, (phi**k * last)[:, None], np.sqrt(variance)[:, None])
    assert (np.abs(quantiles - exact) < 4 * 1.71 * np.sqrt(variance / ancestral.N_PATHS)[:, None]).all()


def test_paths_on_another_backend():
    """The same paths from the same random numbers, in several batches."""
    network, theta = known(GAUSSIAN, 0.8, (0.1, -1.0))
    other = Network(network.architecture, "float64", NumpyBackend())
    one, two = (RECURSIVE.sample(arguments(n, theta, 3), 300, [np.random.RandomState(1)])[0] for n in (network, other))
    assert_allclose(one, two, rtol=1e-9)


@pytest.mark.parametrize("horizon", [3, 7])
@pytest.mark.parametrize(("strategy", "block"), [(RECURSIVE, 1), (Seq2Seq(), 1), (DIRECT, 3)], ids=str)
def test_paths_of_many_series_are_those_of_each_alone(strategy, block, horizon, monkeypatch):
    """Bit for bit, also where series do not fit into one batch, or the paths of a series need several."""
    monkeypatch.setattr(ancestral, "LANES", 20)
    monkeypatch.setattr(ancestral, "BATCH", 8)
    network, theta = known(GAUSSIAN, 0.8, (0.1, -1.0), block=block, strategy=strategy)
    one = arguments(network, theta, horizon)
    contexts = one.contexts + np.arange(5.0)[:, None, None]
    many = one._replace(contexts=contexts, covariates=np.empty((5, len(CONTEXT) + horizon, 0)))
    for n_paths in (6, 9, 21):
        paths = strategy.sample(many, n_paths, [np.random.RandomState(i) for i in range(5)])
        for i in range(5):
            alone = strategy.sample(many.take([i]), n_paths, [np.random.RandomState(i)])
            assert_array_equal(paths[i], alone[0])
    quantiles = strategy.quantiles(many, np.array([0.2, 0.7]))
    assert_array_equal(quantiles[3], strategy.quantiles(many.take([3]), np.array([0.2, 0.7]))[0])


def test_paths_with_the_same_seed_begin_alike():
    job = arguments(*known(POISSON, 0.5, (1.0,)), 5, None)
    paths = RECURSIVE.sample(job, 300, [np.random.RandomState(3)])[0]
    assert_array_equal(RECURSIVE.sample(job, 300, [np.random.RandomState(3)])[0], paths)
    shorter = arguments(*known(POISSON, 0.5, (1.0,)), 2, None)
    assert_array_equal(RECURSIVE.sample(shorter, 300, [np.random.RandomState(3)])[0], paths[:2])
    assert len({*map(tuple, paths[:, 0].T)}) > 250  # batches differ


def test_free_runs_of_counts_read_the_mean():
    """A free run reads softplus(p), a path reads its own draws: a Poisson autoregression."""
    network, theta = known(POISSON, 0.5, (1.0,))
    found, wanted = RECURSIVE.forecast(arguments(network, theta, 4, None))[0, :, 0], []
    for _ in range(4):
        wanted.append(oracles.softplus(0.5 * (wanted[-1] if wanted else CONTEXT[-1, 0]) + 1))
    assert_allclose(found, wanted, rtol=1e-12)
    paths = RECURSIVE.sample(arguments(network, theta, 2, None), 4000, [np.random.RandomState(0)])[0][:, 0]
    assert_array_equal(paths, np.round(paths))
    assert_allclose(paths[0].mean(), wanted[0], atol=4 * np.sqrt(wanted[0] / 4000))
    means = oracles.softplus(0.5 * paths[0] + 1)
    assert_allclose(paths[1].var(), means.mean() + means.var(), rtol=0.1)


def test_direct_quantiles_are_scipys():
    levels = np.array([0.05, 0.5, 0.9])
    job = arguments(*known(GAUSSIAN, 0.0, (0.3, -1.0), block=3), 3)
    exact = CONTEXT.mean() + CONTEXT.std() * stats.norm.ppf(levels, 0.3, np.exp(-1))
    assert_allclose(DIRECT.quantiles(job, levels)[0], np.broadcast_to(exact, (3, 1, 3)), rtol=1e-12)
    draws = DIRECT.sample(job, 4000, [np.random.RandomState(0)])[0]
    assert draws.shape == (3, 1, 4000)
    assert_allclose(np.quantile(draws, levels, axis=-1)[:, :, 0], np.tile(exact[:, None], 3), atol=0.1)
    assert np.abs(np.corrcoef(draws[:, 0])[0, 1:]).max() < 4 / np.sqrt(4000)
    mean, log_shape = 2.0, 1.0
    job = arguments(*known(NEGATIVE_BINOMIAL, 0.0, (np.log(np.expm1(mean)), log_shape), block=2), 2, None)
    exact = stats.nbinom.ppf(levels, np.exp(log_shape), np.exp(log_shape) / (np.exp(log_shape) + mean))
    assert_array_equal(DIRECT.quantiles(job, levels)[0, 1, 0], exact)


# ---------------------------------------------------------------- fits
STILL = {"max_epochs": 1, "learning_rate": 1e-30, "random_state": 0}


def test_training_starts_at_the_spread_of_the_residuals():
    y = np.random.default_rng(0).normal(100, 3, 200)
    options = {"context_length": 3, "horizon": 2, "early_stopping": False, "dtype": "float64", **STILL}
    quantiles = LSTMForecaster(loss="gaussian", **options).fit(y).predict_quantiles(2, stats.norm.cdf([0, 1]))
    fitted = LSTMForecaster(**options).fit(y)
    errors = [y[end : end + 2] - fitted.predict(2, context=y[:end]) for end in range(3, 199)]
    assert_allclose(np.diff(quantiles)[:, 0], np.sqrt(np.mean(np.square(errors), axis=0)), rtol=1e-3)


def test_counts_start_at_their_distribution():
    y = np.random.default_rng(0).negative_binomial(3, 3 / 43, 400)
    X = np.random.default_rng(1).normal(size=(400, 2))
    regressor = LSTMRegressor(loss="negative_binomial", scaling=None, dtype="float64", **STILL).fit(X, y)
    assert_allclose(regressor.predict(X).mean(), y.mean(), rtol=0.02)
    log_shape = regressor.network_.architecture.views(regressor.theta_)["head"][1, 0]
    assert_allclose(np.exp(log_shape), 3, rtol=0.25)


def test_validation_gives_each_step_the_true_ones_before():
    """The validation error of a linear network is the likelihood of its one-step forecasts."""
    y = np.random.default_rng(0).normal(size=100).cumsum()
    stopping = EarlyStopping(validation_size=10, refit_full=False)
    forecaster = LSTMForecaster(
        loss="gaussian", strategy="recursive", context_length=4, horizon=2, early_stopping=stopping, dtype="float64",
        scaling="standard", **STILL,
    ).fit(y)  # fmt: skip
    log_scale = forecaster.network_.architecture.views(forecaster.theta_)["head"][1, 0]
    unit = forecaster.scaling_.target.scale[0, 0] * np.exp(log_scale)
    z = [(y[t] - forecaster.predict(1, context=y[:t])[0]) / unit for t in range(90, 100)]
    each = np.square(z) / 2 + log_scale
    assert_allclose(forecaster.validation_curve_[0], np.mean([each[:-1], each[1:]]), rtol=1e-9)


@pytest.mark.parametrize(("log_scale", "wider"), [(-2.0, True), (1.0, False)])
def test_validation_widens_and_never_narrows(log_scale, wider):
    """The factor of highest likelihood is the root of the mean squared error in units of the scale."""
    network, theta = known(GAUSSIAN, 0.5, (0.1, log_scale), block=2)
    y = np.random.default_rng(0).normal(size=(60, 1))
    geometry = DIRECT.geometry(3, 2)
    _, _, windows = one_series(y, np.arange(55), geometry)
    source = Source.upload(network.backend, y, y, np.ones(y.shape))
    added = Predictions.of(network, theta, source, windows, geometry, y, np.ones(y.shape)).widening()
    errors = np.concatenate([y[3 + j : 58 + j] - 0.5 * y[2:57] - 0.1 for j in range(2)])
    expected = np.log(np.sqrt(np.mean(errors**2))) - log_scale if wider else 0
    assert_allclose(added, np.tile([0, expected], 2), atol=1e-5)


def test_a_noisier_validation_part_widens_the_distribution():
    """The noise at the end of the series is three times that of the training part."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=240) * np.where(np.arange(240) < 160, 1, 3)
    widths = []
    for stopping in (False, EarlyStopping(validation_size=80, refit_full=False)):
        forecaster = LSTMForecaster(loss="gaussian", early_stopping=stopping, dtype="float64", **STILL | QUICK)
        forecaster.set_params(scaling=None).fit(y if stopping else y[:160])
        bounds = forecaster.predict_interval(6, 0.9, context=y[:160])
        widths.append((bounds[:, 1] - bounds[:, 0]).mean())
    assert 2 < widths[1] / widths[0] < 4


QUICK = {"hidden_size": 4, "context_length": 24, "horizon": 6, "learning_rate": 0.01, "random_state": 0}


def season(n, seed=0):
    """Means of counts, and negative binomial counts with shape 8."""
    mean = 12 + 8 * np.sin(2 * np.pi * np.arange(n) / 12)
    rng = np.random.default_rng(seed)
    return mean, rng.negative_binomial(8, 8 / (8 + mean)).astype(float)


@pytest.mark.parametrize("strategy", ["direct", "recursive", "seq2seq"])
@pytest.mark.parametrize("loss", ["poisson", "negative_binomial"])
def test_counts(loss, strategy):
    """Forecasts are better than the mean; intervals have about their coverage, those of Poisson somewhat less."""
    mean, y = season(336)
    forecaster = LSTMForecaster(loss=loss, strategy=strategy, scaling=None, max_epochs=40, **QUICK).fit(y[:240])
    points, inside = [], []
    for end in range(240, 331, 6):
        points.append(forecaster.predict(context=y[:end]))
        bounds = forecaster.predict_interval(6, 0.8, context=y[:end])
        assert_array_equal(bounds, np.round(bounds))
        inside.append((bounds[:, 0] <= y[end : end + 6]) & (y[end : end + 6] <= bounds[:, 1]))
    error = np.abs(np.ravel(points) - mean[240:]).mean()
    assert error < 0.6 * np.abs(y[:240].mean() - mean[240:]).mean()
    least = 0.55 if loss == "poisson" else 0.7
    assert least < np.mean(inside) < 0.95
    paths = forecaster.sample(4, 30, random_state=1)
    assert paths.min() >= 0
    assert_array_equal(paths, np.round(paths))
    assert_array_equal(forecaster.sample(4, 30, random_state=1), paths)


@pytest.mark.parametrize("loss", ["gaussian", "laplace", "student_t"])
@pytest.mark.parametrize("strategy", ["direct", "recursive", Seq2Seq(segment_length=2)], ids=str)
def test_several_series(loss, strategy):
    """Two series with different scales, without a validation part, within and beyond the horizon."""
    rng = np.random.default_rng(0)
    y = rng.normal([5, 500], [1, 100], (120, 2))
    options = {"scaling": "standard", "early_stopping": False, "max_epochs": 10, **QUICK}
    forecaster = LSTMForecaster(loss=loss, strategy=strategy, **options).fit(y)
    bounds = forecaster.predict_interval(6, [0.5, 0.9])
    assert bounds.shape == (6, 2, 2, 2)
    width = (bounds[..., 1] - bounds[..., 0]).mean(axis=0)
    assert_allclose(width[1] / width[0], 100, rtol=0.5)
    assert 0.6 < width[0, 0] < 2 < width[0, 1] < 6
    assert_array_equal(forecaster.predict_quantiles(6, [0.25, 0.75]), bounds[:, :, 0])
    assert_array_equal(forecaster.predict_quantiles(3, [0.25, 0.75]), bounds[:3, :, 0])
    beyond = forecaster.predict_interval(20, 0.5)  # a direct network continues block by block, separately for each path
    assert_allclose((beyond[6:, :, 1] - beyond[6:, :, 0]).mean(axis=0) / width[:, 0], 1, rtol=0.5)
    paths = forecaster.sample(6, 600, random_state=0)
    assert_allclose(np.quantile(paths, [0.25, 0.75], axis=-1)[:, 0, 0], bounds[0, 0, 0], atol=0.35)


@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_with_covariates(strategy):
    x = np.random.default_rng(0).normal(size=(154, 1))
    y = 5 * x[:, 0] + 0.1 * np.random.default_rng(1).normal(size=154)
    forecaster = LSTMForecaster(loss="gaussian", strategy=strategy, max_epochs=3, **QUICK).fit(x[:150], y[:150])
    bounds = forecaster.predict_interval(x[150:], 0.9)
    assert_allclose(bounds, 5 * x[150:] + np.array([-0.3, 0.3]), atol=0.4)
    assert forecaster.sample(x[150:], 7).shape == (4, 7)


def test_scales_are_those_of_the_window():
    y = np.random.default_rng(0).normal(size=150)
    forecaster = LSTMForecaster(loss="gaussian", scaling="window", max_epochs=3, **QUICK).fit(y)
    narrow, broad = (np.diff(forecaster.predict_interval(context=100 + k * y)) for k in (1, 10))
    assert_allclose(broad, 10 * narrow, rtol=1e-4)


def test_learned_quantiles_of_direct_networks():
    y = np.random.default_rng(0).normal(size=150)
    forecaster = LSTMForecaster(loss=Pinball(0.1, 0.5, 0.9), max_epochs=5, early_stopping=False, **QUICK).fit(y)
    quantiles = forecaster.predict_quantiles(4, [0.1, 0.5, 0.9])
    assert (np.diff(quantiles) >= 0).all()
    assert_array_equal(forecaster.predict_interval(4, 0.8), quantiles[:, [0, 2]])
    assert_array_equal(forecaster.predict(4), quantiles[:, 1])
    with pytest.raises(ValueError, match=r"loss=Pinball\(0.1, 0.5, 0.9\) has learned the quantiles .*, not 0.25; ask"):
        forecaster.predict_interval(4, 0.5)
    with pytest.raises(ValueError, match=r"early_stopping=False held out none; .* or with a longer horizon"):
        forecaster.predict_quantiles(7, 0.5)
    forecaster.set_params(strategy="recursive", early_stopping=True).fit(y)  # these are conformal
    assert np.isfinite(forecaster.predict_interval(4, 0.5)).all()


def test_a_path_that_overflows():
    network, theta = known(POISSON, 50.0, (1.0,))
    paths = RECURSIVE.sample(arguments(network, theta, 20, None), 5, [np.random.RandomState(0)])[0]
    assert np.isnan(paths[-1]).all()
    forecaster = LSTMForecaster(
        loss="poisson", strategy="recursive", scaling=None, max_epochs=1, dtype="float64", **QUICK
    ).fit(season(100)[1])
    forecaster.network_.architecture.views(forecaster.theta_)["skip"][:] = 50
    for call in (forecaster.sample, forecaster.predict_interval):
        with pytest.raises(FloatingPointError, match=r"overflows at step \d+ of horizon=20"):
            call(20)


@pytest.mark.parametrize("loss", ["poisson", "negative_binomial"])
def test_regressors_of_counts(loss):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (300, 4))
    mean = np.exp(1 + X[:, 3])
    y = rng.poisson(mean)
    options = {"hidden_size": 4, "max_epochs": 40, "learning_rate": 0.01, "scaling": None, "random_state": 0}
    found = LSTMRegressor(loss=loss, **options).fit(X, y).predict(X)
    assert (found > 0).all()
    assert np.abs(found - mean).mean() < 0.5 * np.abs(y.mean() - mean).mean()
