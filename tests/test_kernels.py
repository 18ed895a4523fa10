"""The compiled loops against the oracles, for every cell: outputs, loss and gradients; and the promises about bits.

Runs without the compiler too (NUMBA_DISABLE_JIT=1), on smaller shapes; `compiled` marks what needs it.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn.cells.cell import Cell, Product, Stage
from tsrnn.forecasting.distribution import point
from tsrnn.functions.activations import HALF, ONE, sigmoid, tanh
from tsrnn.functions.random import fold
from tsrnn.losses.cross_entropy import CrossEntropy
from tsrnn.losses.gaussian import GAUSSIAN
from tsrnn.losses.log_loss import LogLoss
from tsrnn.losses.negative_binomial import NEGATIVE_BINOMIAL
from tsrnn.losses.pinball import Pinball
from tsrnn.losses.registry import LOSSES
from tsrnn.losses.squared import MSE
from tsrnn.networks.network import Network, Source
from tsrnn.parts.recurrent import stage_gradient_lanes, stage_lanes
from tsrnn.training.loop import Adam, Settings, minimise

from . import oracles
from .backends import BACKENDS, EXACT, KERNELS, both, compiled, every_cell
from .numpy_backend import bound
from .problems import CELLS, COMPILED, get_array, kernels, oracle_loss, oracle_outputs, problem, run, scaled, set_array

MANY = 11 if COMPILED else 5  # more than one tile, and not a multiple of one
SHAPES = {
    "one unit": {"hidden": 1, "context": 4, "lanes": 3},
    "two layers": {
        "n_inputs": 2, "block": 2, "layers": 2, "lags": 3, "context": 16, "n_outputs": 3, "lanes": MANY,
        "ragged": True, "missing": True,
    },
    "covariates": {
        "n_inputs": 2, "covariates": 2, "block": 3, "lags": 2, "context": 4, "n_outputs": 2, "lanes": MANY,
        "ragged": True, "loss": GAUSSIAN,
    },
    "seasonal inputs": {
        "n_inputs": 2, "covariates": 1, "seasonal": 2, "block": 3, "lags": 2, "context": 4, "n_outputs": 2,
        "lanes": MANY, "ragged": True, "loss": GAUSSIAN,
    },
    "three layers": {
        "n_inputs": 3, "n_targets": 2, "hidden": 5 if COMPILED else 2, "layers": 3, "learn": True, "context": 2,
        "n_outputs": 4, "lanes": MANY, "ragged": True,
    },
}  # fmt: skip


def inputs(p):
    """Scaled inputs of all windows, (T, I, lanes)."""
    return np.stack([scaled(p, lane)[0] for lane in range(len(p.windows))], axis=-1)


def assert_like_oracle(p, result, **options):
    """Outputs, loss, and the gradients by parameters, inputs and initial states."""
    lanes = range(len(p.windows))
    assert_allclose(result.outputs, [oracle_outputs(p, lane, p.theta, **options) for lane in lanes], **EXACT)
    assert_allclose(result.loss, oracle_loss(p, p.theta, **options), **EXACT)
    by_theta = oracles.gradient(lambda theta: oracle_loss(p, theta, **options), p.theta)
    assert np.abs(by_theta).max() > 1e-3
    assert_allclose(result.theta, by_theta, **EXACT)
    by_x = oracles.gradient(lambda x: oracle_loss(p, p.theta, x=x, **options), inputs(p))
    assert_allclose(result.x, by_x, **EXACT)
    if not p.architecture.learn_initial_state and not p.architecture.static_size:
        by_state = oracles.gradient(lambda state: oracle_loss(p, p.theta, state=state, **options), p.state)
        assert_allclose(result.state, by_state, **EXACT)


# ---------------------------------------------------------------- against the oracles
@both
@every_cell
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_network(cell, shape, backend):
    p = problem(cell, **shape)
    assert_like_oracle(p, run(p, backend))


@both
@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("cell", ["lstm", "rnn_relu"])
def test_pooling(cell, pooling, backend):
    options = {"n_inputs": 2, "n_targets": 3, "layers": 2, "context": 6, "lanes": MANY, "pooling": pooling}
    p = problem(CELLS[cell], **options, ragged=True, missing=True, block=2)
    assert_like_oracle(p, run(p, backend))
    p = problem(CELLS[cell], **options, n_static=1, cardinalities=(2,))
    assert_like_oracle(p, run(p, backend))


@both
@pytest.mark.parametrize(
    "options", [{"layers": 2, "n_outputs": 3, "loss": CrossEntropy(4)}, {"pooling": "mean"}], ids=str
)
def test_symbols(options, backend):
    p = problem(symbols=(6, 0), embedding=3, ragged=True, missing=True, lanes=MANY, **options)
    assert_like_oracle(p, run(p, backend))


@both
@pytest.mark.parametrize("loss", [CrossEntropy(3), LogLoss()], ids=str)
def test_an_output_at_each_step(loss, backend):
    """Also before a window's first step, where the head reads the initial state."""
    p = problem(CELLS["gru"], layers=2, n_inputs=2, n_targets=1, n_outputs=6, context=1, lanes=MANY, loss=loss)
    p.windows.length[:] = 1 + np.arange(MANY) % 6
    assert_like_oracle(p, run(p, backend))


@both
@pytest.mark.parametrize(("pooling", "n_outputs"), [("last", 1), ("mean", 1), ("max", 1), ("last", 6)])
@every_cell
def test_two_directions(cell, pooling, n_outputs, backend):
    """Windows of one step up to all of them; one output, or one at each step."""
    options = {"n_inputs": 2, "n_targets": 3, "layers": 2, "lanes": MANY, "pooling": pooling, "hidden": 2}
    options |= {"context": 7 - n_outputs, "n_outputs": n_outputs, "bidirectional": True}
    p = problem(cell, **options, missing=True, block=2)
    p.windows.length[:] = 1 + np.arange(MANY) % 6
    assert_like_oracle(p, run(p, backend))


@both
def test_two_directions_and_other_parts(backend):
    """One layer and three, dropout, a learned state, static covariates, missing inputs that decay, and symbols."""
    p = problem(bidirectional=True, ragged=True, learn=True, n_inputs=2)
    assert_like_oracle(p, run(p, backend))
    p = problem(bidirectional=True, ragged=True, n_inputs=2, n_targets=2, n_static=1, cardinalities=(2,), masked=2)
    assert_like_oracle(p, run(p, backend))
    p = problem(symbols=(6, 0), embedding=3, bidirectional=True, ragged=True, n_outputs=5, context=1)
    assert_like_oracle(p, run(p, backend))
    p = problem(CELLS["gru"], layers=3, bidirectional=True, ragged=True, lanes=MANY, hidden=2)
    assert_like_oracle(p, run(p, backend, **DROPOUT), masks=masks(p, **DROPOUT))


def test_a_direction_in_a_batch_has_the_bits_that_it_has_alone():
    p = problem(layers=2, bidirectional=True, ragged=True, lanes=MANY, n_inputs=2, context=1, n_outputs=5)
    whole = run(p, KERNELS, gradient=False)
    for lane in range(MANY):
        assert_array_equal(run(p, KERNELS, batch=[lane], gradient=False).outputs[0], whole.outputs[lane])


def test_what_two_directions_refuse():
    with pytest.raises(ValueError, match="bidirectional=True without a decoder is for networks without a linear skip"):
        run(problem(bidirectional=True, lags=2), KERNELS)
    with pytest.raises(ValueError, match="at each of the 6 steps of a window, but n_outputs=2; use one of both"):
        run(problem(bidirectional=True, n_outputs=2), KERNELS)


OF_CLASSES = [LogLoss(), LogLoss(0.2), CrossEntropy(2), CrossEntropy(5, 0.2)]


@both
@pytest.mark.parametrize("loss", [*LOSSES.values(), *OF_CLASSES], ids=str)
def test_loss(loss, backend):
    p = problem(loss=loss, n_inputs=2, block=2, lags=2, n_outputs=2, context=4, missing=True)
    assert_like_oracle(p, run(p, backend))


@both
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("loss", "logits"), [(LogLoss(), [1e4]), (CrossEntropy(3), [0, 1e4, 0])], ids=str)
def test_extreme_logits(loss, logits, dtype, backend):
    """The loss is the distance to the logit of the true class, and the gradient of the head's bias is finite."""
    p = problem(loss=loss, lanes=6)
    p.targets[:] = np.arange(len(p.targets))[:, None] % 2
    p.theta[:] = 0
    p.architecture.bias(p.theta)[:] = logits
    found, is_wrong = run(p, backend, dtype), np.mean(p.targets[p.windows.target, 0] == 0)
    assert 0 < is_wrong < 1
    assert_allclose(found.loss, 1e4 * is_wrong, rtol=1e-6)
    expected = [is_wrong] if len(logits) == 1 else [-is_wrong, is_wrong, 0]
    assert_allclose(p.architecture.bias(found.theta), expected, rtol=1e-6)


def test_many_classes_and_ignored_ones():
    """Thousands of classes go the same way; a target of weight 0 is ignored, whatever class it names."""
    p = problem(loss=CrossEntropy(3000, 0.1), lanes=3, hidden=2, context=2)
    assert_allclose(run(p, KERNELS).theta, run(p, BACKENDS["numpy"]).theta, **EXACT)
    p.windows.target[:] = [0, 1, 2]
    p.observed[0] = 0
    found = run(p, KERNELS)
    p.targets[0] = np.nan
    other = run(p, KERNELS)
    assert_array_equal(found.theta, other.theta)
    assert found.loss == other.loss
    assert not found.x[..., 0].any()


@compiled
@pytest.mark.parametrize("loss", [*LOSSES.values(), LogLoss()], ids=str)
def test_compiled_losses_stay_in_float32(loss):
    from tsrnn.kernels.jit import PORT

    function = numba.njit(PORT.copy(loss.equation))
    function.compile((numba.float32,) * (2 + loss.width))
    assert {*function.nopython_signatures[0].return_type} == {numba.float32}
    arguments = [np.float32(x) for x in (3, 0.7, -0.4, 1.2)[: 1 + loss.width]] + [np.float32(0.5)]
    assert_allclose(function(*arguments), bound(loss.equation)(*map(float, arguments)), rtol=1e-5)


@both
def test_large_skip_beside_a_small_cell(backend):
    p = problem(CELLS["rnn_relu"], n_inputs=4, block=6, hidden=1, lags=30, context=30, lanes=3, ragged=True)
    result = run(p, backend)
    assert_allclose(result.outputs, [oracle_outputs(p, lane, p.theta) for lane in range(3)], **EXACT)
    assert_allclose(result.theta, oracles.gradient(lambda theta: oracle_loss(p, theta), p.theta), **EXACT)


@both
@every_cell
@pytest.mark.parametrize("loss", [MSE, Pinball(0.3, 0.5), NEGATIVE_BINOMIAL], ids=lambda loss: loss.name)
def test_free_run(cell, loss, backend):
    p = problem(
        cell, loss=loss, n_inputs=2, block=2, layers=2, lags=3, context=3, n_outputs=4, ragged=True, covariates=1
    )
    free = run(p, backend, gradient=False, free_run=True)
    oracle = [oracle_outputs(p, lane, p.theta, free_run=True) for lane in range(5)]
    assert_allclose(free.outputs, oracle, **EXACT)
    taught = run(p, backend, gradient=False)
    assert_array_equal(free.outputs[:, 0], taught.outputs[:, 0])
    assert np.abs(free.outputs[:, 1:] - taught.outputs[:, 1:]).max() > 0.01


@both
@pytest.mark.parametrize("free_run", [False, True])
def test_a_forward_pass_in_parts(free_run, backend):
    """The same bits as in one go; and numbers fed by hand are what a free run feeds back by itself."""
    p = problem(
        n_inputs=2,
        layers=2,
        lags=3,
        context=3,
        n_outputs=5,
        lanes=MANY,
        ragged=True,
        covariates=1,
        loss=NEGATIVE_BINOMIAL,
    )
    network, theta, parts = Network(p.architecture, "float64", backend), p.theta, [(0, 1), (1, 4), (4, 5)]
    source = Source.upload(backend, p.series, p.targets, p.observed)
    work = network.workspace(p.geometry, MANY)
    found = []
    for way in ("whole", "parts", "fed", "whole"):
        backend.gather(work, source.series, p.windows, np.arange(MANY))
        for k0, k1 in {"whole": [(0, 5)], "parts": parts, "fed": [(k, k + 1) for k in range(5)]}[way]:
            if way == "fed" and free_run and k0 > 0:
                last = backend.outputs(work)[:, k0 - 1].reshape(MANY, 2, 2)
                backend.feed(work, k0, point(NEGATIVE_BINOMIAL, last)[:, None])
            backend.forward(work, theta, outputs=(k0, k1), free_run=free_run and way != "fed")
        found.append(backend.outputs(work))
    for way, part in zip(("parts", "fed", "whole"), found[1:], strict=True):
        assert_allclose(part, found[0], rtol=1e-12 if way == "fed" and free_run else 0)  # compiled exp may differ
    backend.forward(work, theta, free_run=free_run)
    assert_array_equal(backend.outputs(work), found[0])


@both
def test_free_run_goes_past_the_end_of_the_series(backend):
    p = problem(context=5, n_outputs=4)
    p.windows.start[:] = 3
    whole = run(p, backend, gradient=False, free_run=True)
    p.series = p.series[: 3 + 5]
    assert_array_equal(run(p, backend, gradient=False, free_run=True).outputs, whole.outputs)


@both
def test_nothing_observed(backend):
    p = problem(layers=2, lags=2)
    p.observed[:], p.targets[:] = 0, np.nan
    result = run(p, backend)
    assert result.loss == 0
    assert not any(found.any() for found in (result.theta, result.x, result.state))


@both
def test_a_lane_without_targets_has_no_gradient(backend):
    p = problem(lanes=3)
    p.windows.target[:] = [0, 1, 0]
    p.observed[1], p.targets[1] = 0, np.nan
    result = run(p, backend)
    assert np.isfinite(result.loss)
    assert [found.any() for found in result.x.T] == [True, False, True]
    assert [found.any() for found in result.state.T] == [True, False, True]


@pytest.mark.parametrize("name", ["lstm", "rnn_tanh"] if COMPILED else ["lstm"])
def test_float32(name):
    """Rounding alone: each number is within some hundred units of the largest of its kind."""
    p = problem(CELLS[name], **SHAPES["two layers"])
    single, double = run(p, KERNELS, "float32"), run(p, BACKENDS["numpy"])
    for kind in ("outputs", "theta", "x", "state"):
        found, exact = getattr(single, kind), getattr(double, kind)
        assert found.dtype == np.float32
        assert np.abs(found - exact).max() < 100 * np.finfo(np.float32).eps * np.abs(exact).max()
    assert_allclose(single.loss, double.loss, rtol=1e-5)


# ---------------------------------------------------------------- dropout
DROPOUT = {"dropout": 0.4, "key": fold(np.uint64(1), np.uint64(2))}


def masks(p, dropout, key):
    """The factors that the plain backend draws, (layers - directions, T, H, lanes)."""
    a = p.architecture
    work = Network(a, "float64", BACKENDS["numpy"]).workspace(p.geometry, len(p.windows))
    work.mask = np.ones((a.n_layers - a.directions, p.geometry.n_steps, a.hidden_size, len(p.windows)))
    return BACKENDS["numpy"]._mask(work, dropout, key)


@both
def test_dropout(backend):
    p = problem(layers=3, ragged=True, lanes=MANY)
    assert_like_oracle(p, run(p, backend, **DROPOUT), masks=masks(p, **DROPOUT))


def test_dropout_masks():
    p = problem(layers=3, hidden=20, context=40, lanes=50)
    m = masks(p, **DROPOUT)
    assert set(np.unique(m)) == {0, 1 / (1 - 0.4)}
    assert abs(np.mean(m == 0) - 0.4) < 4 * np.sqrt(0.4 * 0.6 / m.size)
    for axis in range(4):  # neighbouring layers, steps, units and lanes are independent
        one, other = (np.delete(m, end, axis).ravel() for end in (0, -1))
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(one.size)
    other_key = masks(p, 0.4, fold(np.uint64(1), np.uint64(3)))
    assert abs(np.corrcoef(m.ravel(), other_key.ravel())[0, 1]) < 4 / np.sqrt(m.size)
    assert (masks(p, 0.2, DROPOUT["key"])[m > 0] > 0).all()  # a lower rate drops a part of the same units


def test_dropout_does_not_depend_on_the_tile():
    p = problem(layers=2, lanes=MANY)
    one, other = (run(p, kernels(tile), **DROPOUT) for tile in (2, 4))
    assert_allclose(one.outputs, other.outputs, rtol=1e-13)
    assert_allclose(one.theta, other.theta, **EXACT)


# ---------------------------------------------------------------- bits
@every_cell
def test_one_window_equals_its_row_in_a_batch(cell):
    p = problem(cell, **SHAPES["two layers"])
    whole = run(p, KERNELS, gradient=False)
    for lane in range(len(p.windows)):
        alone = run(p, KERNELS, batch=[lane], gradient=False)
        assert_array_equal(alone.outputs[0], whole.outputs[lane])
    turned = run(p, KERNELS, batch=np.arange(len(p.windows))[::-1], gradient=False)
    assert_array_equal(turned.outputs[::-1], whole.outputs)


def assert_equal_over_threads(p):
    """The same bits of everything with one thread and with two."""
    before, results = numba.get_num_threads(), []
    try:
        for threads in (1, 2):
            numba.set_num_threads(threads)
            results.append(run(p, KERNELS, **DROPOUT))
    finally:
        numba.set_num_threads(before)
    for kind in ("outputs", "theta", "x", "state", "loss"):
        assert_array_equal(getattr(results[0], kind), getattr(results[1], kind))


@compiled
@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="needs two threads")
def test_parallel_equals_serial():
    assert_equal_over_threads(problem(hidden=16, layers=2, lags=3, context=30, n_outputs=3, lanes=100, ragged=True))
    assert_equal_over_threads(problem(hidden=4, layers=2, context=5, lanes=100, loss=CrossEntropy(40, 0.1)))


@both
def test_a_workspace_keeps_nothing_of_an_earlier_batch(backend):
    p = problem(layers=2, lags=2, learn=True, ragged=True, missing=True, lanes=9)
    network = Network(p.architecture, "float64", backend)
    source = Source.upload(backend, p.series, p.targets, p.observed)
    found = []
    for batches in ([np.arange(9), np.array([4, 2])], [np.array([4, 2])]):
        work = network.workspace(p.geometry, 9, loss=MSE, gradient=True, input_gradient=True)
        for batch in batches:
            network.loss_and_grad(work, p.theta.copy(), source, p.windows, batch)
            total = backend.take_total(work)
        theta, log, moments, decay = (
            backend.upload(values, "float64")
            for values in (p.theta, np.zeros(1), np.zeros((2, len(p.theta))), np.zeros(len(p.theta)))
        )
        backend.update(work, theta, moments, decay, hyper(1), np.inf, log)
        theta, log = backend.download(theta), backend.download(log)
        dx = get_array(work, "dx") if backend.name == "numpy" else get_array(work, "dx")[: work.tiles()]
        found.append((backend.outputs(work), np.array(total), theta, log, dx))
    for one, other in zip(*found, strict=True):
        assert_array_equal(one, other)


@both
def test_train_is_the_three_steps_in_one(backend):
    p = problem(**SHAPES["two layers"])
    network, found = Network(p.architecture, "float64", backend), []
    source = Source.upload(backend, p.series, p.targets, p.observed)
    for steps in (["train"], ["forward", "loss", "backward"]):
        work = network.workspace(p.geometry, MANY, loss=MSE, gradient=True)
        backend.gather(work, source.series, p.windows, np.arange(MANY))
        backend.gather_targets(work, source.targets, source.observed, p.windows, np.arange(MANY))
        arguments = {"train": (p.theta, MSE), "forward": (p.theta,), "loss": (MSE,), "backward": (p.theta,)}
        for step in steps:
            getattr(backend, step)(work, *arguments[step], **(DROPOUT if step != "loss" else {}))
        found.append((get_array(work, "grad").copy(), backend.outputs(work), backend.take_total(work)))
    for one, other in zip(*found, strict=True):
        assert_array_equal(one, other)


# ---------------------------------------------------------------- update
def hyper(step, rate=0.01, dtype="float64"):
    """What `update` takes of Adam at its `step`, counted from 1."""
    return np.array((rate, 0.9, 0.999, 1e-8, 1 - 0.9**step, 1 - 0.999**step), dtype)


@both
@pytest.mark.parametrize(("clip", "share"), [(np.inf, 1.0), (0.5, 1.0), (0.5, 0.25)])
def test_update(clip, share, backend):
    p = problem(lanes=1)
    rng, n = np.random.default_rng(0), p.architecture.size
    work = Network(p.architecture, "float64", backend).workspace(p.geometry, 1, loss=MSE, gradient=True)
    work.n_lanes = 1
    decay = rng.integers(0, 2, n) * 0.1
    handles = [backend.upload(values, "float64") for values in (p.theta, np.zeros((2, n)), decay, np.zeros(1))]
    gradients = rng.normal(size=(5, n))
    gradients[2] *= 1e-3  # below the clipping norm
    for step, gradient in enumerate(gradients, start=1):
        set_array(work, "grad", gradient)
        backend.update(work, *handles[:3], hyper(step), clip, handles[3], 0, share)
        assert_allclose(backend.download(handles[3])[0], np.linalg.norm(gradient), rtol=1e-14)
    expected = oracles.adam(p.theta, gradients, 0.01, decay, clip, share)
    assert_allclose(backend.download(handles[0]), expected, rtol=1e-13)


@both
def test_a_gradient_whose_square_no_float32_holds(backend):
    p = problem(lanes=1)
    n = p.architecture.size
    work = Network(p.architecture, "float32", backend).workspace(p.geometry, 1, loss=MSE, gradient=True)
    work.n_lanes = 1
    arrays = p.theta, np.zeros((2, n)), np.zeros(n), np.zeros(1)
    handles = [backend.upload(values, "float32") for values in arrays]
    gradient = np.random.default_rng(0).normal(0, 1e25, n).astype(np.float32)
    set_array(work, "grad", gradient)
    backend.update(work, *handles[:3], hyper(1), 0.5, handles[3])
    assert_allclose(backend.download(handles[3])[0], np.linalg.norm(gradient.astype(float)), rtol=1e-6)
    exact = oracles.adam(p.theta, gradient[None].astype(float), 0.01, np.zeros(n), 0.5)
    assert_allclose(backend.download(handles[0]), exact, atol=1e-6)


def test_theta_of_another_kind_is_refused():
    """Compiled code takes theta by its address, so the backend looks at it."""
    p = problem()
    backend = kernels()
    if backend.name != "cpu":
        pytest.skip("a device's own arrays know their dtype")
    work = Network(p.architecture, "float64", backend).workspace(p.geometry, 5)
    backend.gather(work, p.series, p.windows, np.arange(5))
    for theta in (p.theta.astype(np.float32), np.repeat(p.theta, 2)[::2]):
        with pytest.raises(TypeError, match=r"theta is an array of float.* pass what `upload` returns"):
            backend.forward(work, theta)


# ---------------------------------------------------------------- a cell from outside
def toy(a, b, c_prev, m_prev):
    """f = sigmoid(W [x; 1; h]); c = f c' + (1 - f) tanh(U [1; h]); m = (m' + c) / 2; h = tanh(m)."""
    f, g = sigmoid(a), tanh(b)
    c = f * c_prev + (ONE - f) * g
    m = HALF * (m_prev + c)
    return f, g, c, m, tanh(m)


def toy_gradient(a, b, h, c_prev, dh, dc, dm):
    """In terms of the activations a = f and b = tanh(...)."""
    dm = dm + dh * (ONE - h * h)
    dc = dc + HALF * dm
    return dc * (c_prev - b) * a * (ONE - a), dc * (ONE - a) * (ONE - b * b), dc * a, HALF * dm


TOY = Cell(
    name="toy",
    planes=("a", "b"),
    states=("h", "c", "m"),
    stages=(
        Stage(
            products=(Product(("a",), "x1h"), Product(("b",), "1h")),
            forward=toy,
            writes=("a", "b", "c", "m", "h"),
            gradient=toy_gradient,
            gradient_writes=("a", "b", "dc", "dm"),
        ),
    ),
)


def toy_oracle(weights, x, h, c, m):
    """The same from its definition."""
    n = range(len(h))
    f = [oracles.sigmoid(a) for a in oracles.times(weights[0], [*x, 1, *h])]
    g = [oracles.tanh(b) for b in oracles.times(weights[1], [1, *h])]
    c = [f[u] * c[u] + (1 - f[u]) * g[u] for u in n]
    m = [(m[u] + c[u]) / 2 for u in n]
    return [oracles.tanh(m[u]) for u in n], c, m


@both
def test_a_cell_defined_elsewhere(backend):
    p = problem(TOY, **SHAPES["two layers"])
    assert_like_oracle(p, run(p, backend), cell=toy_oracle)
    network = Network(p.architecture, "float64", backend)
    source = Source.upload(backend, p.series, p.targets, p.observed)
    settings = Settings(Adam(), learning_rate=0.02, batch_size=4, max_epochs=20)
    trained = minimise(network, p.theta, source, p.windows, p.geometry, settings, seed=0)
    assert trained.loss_curve[-1] < 0.8 * trained.loss_curve[0]


# ---------------------------------------------------------------- without a cache
@compiled
def test_kernels_load_where_no_cache_can_be_written():
    """A read-only installation without a home: Numba finds no folder."""
    code = "import numba.core.caching as c; c.CacheImpl._locator_classes = []; import tsrnn.kernels.cpu"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1], timeout=60)


# ---------------------------------------------------------------- machine code
def lane_loops(cell):
    """The loops that `cell`'s equations got, whether they are gradients, and the equations."""
    for stage in cell.stages:
        yield stage_lanes(cell, stage, "loop"), False, stage.forward
        yield stage_gradient_lanes(cell, stage, "loop"), True, stage.gradient


@compiled
@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="reads x86 assembly")
@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_lane_loops_have_packed_arithmetic(cell):
    """A division that stays scalar shows that LLVM gave up on the loop; without any, the rest must be packed."""
    from tsrnn.kernels.jit import LOOP, PORT

    rows, gates = (numba.types.Array(numba.float32, ndim, "C") for ndim in (2, 3))
    for lanes, is_gradient, equation in lane_loops(cell):
        signature = (gates, gates, gates, *((rows, rows) if is_gradient else ()), numba.int64, numba.int64)
        function = numba.njit(**LOOP)(PORT.copy(lanes))
        function.compile(signature)
        assembly = function.inspect_asm(function.signatures[0])
        transcendental = {"tanh", "sigmoid"} & set(equation.__code__.co_names)
        wanted = "div" if transcendental else r"max|cmp\w*" if "relu" in equation.__code__.co_names else "mul|and"
        assert re.search(rf"\bv?({wanted})ps\b", assembly), equation.__name__
