"""float32 and float64 start equal: the biases found before training differ by rounding only."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tsrnn import RNNForecaster
from tsrnn.losses.registry import LOSSES
from tsrnn.training.biases import Predictions

FAMILIES = [name for name, loss in LOSSES.items() if loss.family]
SMOOTH = [name for name in FAMILIES if name != "laplace"]


def outcomes(name, n=70, block=3, channels=2, seed=0):
    """Random outputs and observed values with several scales; normal values hardly determine degrees of freedom."""
    rng, loss = np.random.default_rng(seed), LOSSES[name]
    shape = (n, 1, block, channels)
    outputs = rng.normal(0, 0.3, (*shape, loss.size)).astype(np.float32).astype(float)
    y = rng.normal(size=shape) * 10.0 ** np.arange(-1, channels - 1)
    y[:, :, 0] = rng.standard_t(2.5, y[:, :, 0].shape)
    if loss.support == "counts":
        y = rng.negative_binomial(3, 0.3, shape).astype(float)
    return Predictions(loss, outputs, y, (rng.uniform(size=shape) < 0.9).astype(float))


def value(one, biases):
    """Mean loss of each step and channel, (block, C)."""
    parameters = one.outputs + biases.reshape(one.outputs.shape[2:])
    values = one.loss.equation(one.y, *np.moveaxis(parameters, -1, 0), one.loss.constants[0])[0]
    return (one.weight * values).sum(axis=(0, 1)) / one.weight.sum(axis=(0, 1))


@pytest.mark.parametrize("name", FAMILIES)
def test_the_first_biases_do_not_depend_on_rounding(name):
    """For outputs that differ by float32 rounding; the location of Laplace is less certain, because of its kink."""
    one = outcomes(name)
    noise = np.random.default_rng(1).uniform(-1e-7, 1e-7, one.outputs.shape)
    other = Predictions(one.loss, one.outputs * (1 + noise), one.y, one.weight)
    found, wanted = other.first_biases(), one.first_biases()
    assert_allclose(found, wanted, atol=1e-2 if name == "laplace" else 1e-4)
    assert_allclose(value(other, found), value(one, wanted), atol=1e-6)


@pytest.mark.parametrize("name", SMOOTH)
def test_the_first_biases_maximise_the_likelihood(name):
    """Within the bounds the derivative of the likelihood of each step and channel is 0, by central differences."""
    one = outcomes(name)
    found, start = one.first_biases(), one.by_moments()[0]
    assert (value(one, found) <= value(one, start)).all()
    inside, step = 0, 1e-4 * np.eye(len(found))
    for number, cell in enumerate(np.repeat(np.arange(6), one.loss.size)):
        if abs(found[number] - start[number]) < 7.999:
            up, down = (value(one, found + sign * step[number]).ravel()[cell] for sign in (1, -1))
            assert abs(up - down) / 2e-4 < 1e-7
            inside += 1
    assert inside > 0.7 * len(found)


def test_a_step_without_observations_next_to_one_with_some():
    """The biases are finite, and those of the other step are as if it were alone."""
    one = outcomes("student_t")
    one.weight[:, :, 1, 0] = 0
    found = one.first_biases().reshape(3, 2, 3)
    assert np.isfinite(found).all()
    alone = one.part(2, 1).first_biases()
    assert_allclose(found[2, 1], alone, rtol=0, atol=0)


@pytest.mark.parametrize("strategy", ["direct", "recursive"])
@pytest.mark.parametrize("name", SMOOTH)
def test_both_precisions_start_equal(name, strategy):
    """Parameters before training and the first loss, for a series with missing values."""
    rng = np.random.default_rng(3)
    y = rng.poisson(4, (50, 2)).astype(float) if LOSSES[name].support == "counts" else rng.normal(size=(50, 2))
    y[rng.uniform(size=y.shape) < 0.1] = np.nan
    fits = [
        RNNForecaster(
            loss=name, strategy=strategy, horizon=3, context_length=5, hidden_size=3, max_epochs=1, learning_rate=1e-30,
            scaling=None if LOSSES[name].support == "counts" else "standard", early_stopping=False, dtype=dtype,
            random_state=0,
        ).fit(y)
        for dtype in ("float32", "float64")
    ]  # fmt: skip
    assert_allclose(fits[0].theta_, fits[1].theta_, rtol=1e-4, atol=1e-4)
    assert_allclose(fits[0].loss_curve_, fits[1].loss_curve_, rtol=1e-5)
