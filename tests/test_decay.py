"""Missing inputs that decay: the part against the oracle, forecasts that are fed back, and what leaves no trace."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn.forecasting.distribution import point
from tsrnn.losses.gaussian import GAUSSIAN
from tsrnn.losses.negative_binomial import NEGATIVE_BINOMIAL
from tsrnn.losses.squared import MSE
from tsrnn.networks.architecture import Architecture, Decoder
from tsrnn.networks.network import Network, Source
from tsrnn.training.loop import warm_up

from . import test_decoder
from .backends import BACKENDS, EXACT, KERNELS, both, compiled
from .problems import CELLS, kernels, oracle_outputs, problem, run
from .test_kernels import DROPOUT, MANY, assert_like_oracle

LSTM = CELLS["lstm"]
SHAPES = {
    "one layer": {"masked": 1, "context": 4},
    "skip": {"n_inputs": 2, "masked": 2, "lags": 3, "n_outputs": 3, "layers": 2, "ragged": True, "missing": True},
    "known inputs": {
        "n_inputs": 2, "masked": 2, "lags": 2, "block": 2, "covariates": 1, "seasonal": 2, "n_outputs": 2,
        "loss": GAUSSIAN, "n_static": 1, "cardinalities": (2,),
    },
    "no channels": {"n_inputs": 3, "n_targets": 2, "masked": 3, "learn": True},
}  # fmt: skip
DECODERS = {
    "encoder-decoder": ({"n_outputs": 4}, Decoder(num_layers=2, bridge=True)),
    "constant forecasts": ({"n_outputs": 3}, Decoder(num_layers=2, exact_feedback=False)),
    "segments": ({"block": 3, "context": 6, "n_outputs": 3}, Decoder(segment=3, num_layers=2, attention="dot")),
}
every_decoder = pytest.mark.parametrize(("options", "decoder"), DECODERS.values(), ids=DECODERS)


def rates(p, w=0.3, b=-0.4):
    """Rates some of which are not positive; b is such that w delta + b is never 0, where there is no derivative."""
    values = p.architecture.views(p.theta)["input_decay"]
    values[:] = w, b
    values[-1] = w / 2, 0.11
    return p


# ---------------------------------------------------------------- against the oracle
@both
@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_network(shape, cell, backend):
    p = rates(problem(CELLS[cell], lanes=MANY, **shape))
    result = run(p, backend)
    assert_like_oracle(p, result)
    assert np.abs(p.architecture.views(result.theta)["input_decay"]).min() > 1e-5


@every_decoder
@pytest.mark.parametrize("free_run", [0.0, 0.5, 1.0])
def test_networks_with_a_decoder(options, decoder, free_run):
    p = rates(problem(n_inputs=2, masked=2, layers=2, lanes=MANY, lags=2, decoder=decoder, **options))
    result = run(p, KERNELS, free_run=free_run, key=test_decoder.KEY)
    test_decoder.assert_like_oracle(p, result, fed=test_decoder.draws(p, free_run))


def test_parallel_steps():
    p = rates(problem(n_inputs=2, masked=2, lags=2, block=6, context=6, lanes=MANY, decoder=Decoder(3, parallel=True)))
    test_decoder.assert_like_oracle(p, run(p, KERNELS))


@both
@pytest.mark.parametrize("loss", [MSE, NEGATIVE_BINOMIAL], ids=lambda loss: loss.name)
def test_free_run(loss, backend):
    p = rates(problem(loss=loss, n_inputs=2, masked=2, lags=3, n_outputs=4, covariates=1, lanes=MANY))
    free = run(p, backend, gradient=False, free_run=True).outputs
    assert_allclose(free, [oracle_outputs(p, lane, p.theta, free_run=True) for lane in range(MANY)], **EXACT)
    network = Network(p.architecture, "float64", backend)
    work, theta = network.workspace(p.geometry, MANY), backend.upload(p.theta, "float64")
    backend.gather(work, Source.upload(backend, p.series).series, p.windows, np.arange(MANY))
    for k in range(4):  # fed by hand
        if k > 0:
            last = backend.outputs(work)[:, k - 1].reshape(MANY, 2, -1)
            backend.feed(work, k, (point(loss, last) if loss is not MSE else last[..., 0])[:, None])
        backend.forward(work, theta, outputs=(k, k + 1))
    assert_allclose(backend.outputs(work), free, rtol=1e-11)


def test_numbers_fed_to_a_decoder_by_hand():
    decoder = Decoder(segment=3, num_layers=1)
    p = rates(problem(n_inputs=2, masked=2, block=3, context=6, n_outputs=3, lags=2, lanes=MANY, decoder=decoder))
    free = run(p, KERNELS, gradient=False, free_run=1.0, key=test_decoder.KEY).outputs
    network = Network(p.architecture, "float64", KERNELS)
    work, theta = network.workspace(p.geometry, MANY), KERNELS.upload(p.theta, "float64")
    KERNELS.gather(work, Source.upload(KERNELS, p.series).series, p.windows, np.arange(MANY))
    for k in range(3):
        if k > 0:
            KERNELS.feed(work, k, KERNELS.outputs(work)[:, k - 1].reshape(MANY, 3, 2))
        KERNELS.forward(work, theta, outputs=(k, k + 1))
    assert_array_equal(KERNELS.outputs(work), free)


# ---------------------------------------------------------------- bits
@both
def test_a_second_forward_pass_is_the_first(backend):
    p = rates(problem(n_inputs=2, masked=2, lags=2, n_outputs=2))
    network = Network(p.architecture, "float64", backend)
    work, theta = network.workspace(p.geometry, 5), backend.upload(p.theta, "float64")
    backend.gather(work, Source.upload(backend, p.series).series, p.windows, np.arange(5))
    found = []
    for _ in range(2):
        backend.forward(work, theta)
        found.append(backend.outputs(work))
    assert_array_equal(*found)


@both
def test_what_is_observed_does_not_decay(backend):
    """With all masks 1 no rate changes anything, and there is no gradient of the rates."""
    p = problem(n_inputs=2, masked=2, lags=2, n_outputs=2)
    p.series[:, 2:4], p.series[:, 4:] = 1, 0
    found = []
    for w in (0.1, 3.0):
        result = run(rates(p, w), backend)
        assert not p.architecture.views(result.theta)["input_decay"].any()
        found.append(result.outputs)
    assert_array_equal(*found)
    p.series[:, 2:4], p.series[:, 4:] = 0, 1
    one, other = (run(rates(p, w), backend, gradient=False).outputs for w in (0.5, 3.0))
    assert np.abs(one - other).max() > 1e-3


@both
def test_a_value_that_is_long_missing_is_the_mean(backend):
    p = rates(problem(n_inputs=1, masked=1, lags=3), w=1.0, b=0.0)
    p.series[:, 1], p.series[:, 2] = 0, 800
    one = run(p, backend, gradient=False).outputs
    p.series[:, 0] = p.series[::-1, 0].copy()
    assert_array_equal(run(p, backend, gradient=False).outputs, one)


def test_a_window_does_not_depend_on_its_batch():
    p = rates(problem(lanes=MANY, **SHAPES["known inputs"]))
    whole = run(p, KERNELS, gradient=False, free_run=True)
    for lane in range(MANY):
        alone = run(p, KERNELS, batch=[lane], gradient=False, free_run=True)
        assert_array_equal(alone.outputs[0], whole.outputs[lane])


def test_gradients_of_tiles_of_any_size():
    p = rates(problem(lanes=MANY, **SHAPES["skip"]))
    one, other = (run(p, kernels(tile), **DROPOUT) for tile in (2, 4))
    assert_allclose(one.theta, other.theta, **EXACT)
    assert_array_equal(run(p, kernels(2), **DROPOUT).theta, one.theta)


def test_the_gradient_does_not_depend_on_whether_that_of_the_inputs_is_asked_for():
    p = rates(problem(lanes=MANY, **SHAPES["skip"]))
    network, gradients = Network(p.architecture, "float64", KERNELS), []
    source, theta = Source.upload(KERNELS, p.series, p.targets, p.observed), KERNELS.upload(p.theta, "float64")
    for asked in (False, True):
        work = network.workspace(p.geometry, MANY, loss=MSE, gradient=True, input_gradient=asked)
        for _ in range(2):  # the second batch finds what the first has left
            network.loss_and_grad(work, theta, source, p.windows, np.arange(MANY))
        gradients.append(work.read("grad").copy())
    assert_array_equal(*gradients)


@compiled
def test_float32():
    p = rates(problem(lanes=MANY, **SHAPES["skip"]))
    single, double = run(p, KERNELS, "float32"), run(p, BACKENDS["numpy"])
    assert single.theta.dtype == np.float32
    assert np.abs(single.theta - double.theta).max() < 100 * np.finfo(np.float32).eps * np.abs(double.theta).max()


# ---------------------------------------------------------------- parameters
def architecture(n_masked):
    return Architecture(LSTM, 2 + 3 + 2 * n_masked, 2, 1, MSE, n_covariates=3, n_masked=n_masked)


def test_parameters_start_and_decay():
    a = architecture(2)
    assert a.n_channels == 2
    views = a.views(a.initialise(np.random.default_rng(0)))
    assert_array_equal(views["input_decay"], [[1, 0], [1, 0]])
    assert not a.views(a.is_decayed)["input_decay"].any()


def test_nothing_changes_for_a_network_without_masks():
    a = architecture(0)
    assert "input_decay" not in a.entries
    layout = a.layout(problem().geometry)
    names = {operation.name for operation in (*layout.operations(), *layout.input_operations())}
    assert not names & {"input_decay", "keep_inputs"}
    assert "inputs" not in {operation.name for operation, _ in layout.gradient(False)}


def test_warm_up():
    assert warm_up(Network(architecture(2), "float64", KERNELS), problem().geometry) > 0
