"""Static covariates: the part against the oracle, its bits, its parameters, and what is refused."""

from __future__ import annotations

import dataclasses

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn.data.static import Static
from tsrnn.losses.gaussian import GAUSSIAN
from tsrnn.losses.squared import MSE
from tsrnn.networks.architecture import Architecture, Decoder
from tsrnn.networks.network import Network, Source
from tsrnn.parts.sizes import embedding_width
from tsrnn.training.loop import warm_up

from . import oracles, test_decoder
from .backends import BACKENDS, KERNELS, both, compiled
from .problems import CELLS, kernels, oracle_loss, problem, run
from .test_kernels import DROPOUT, MANY, assert_equal_over_threads, assert_like_oracle

LSTM = CELLS["lstm"]
SHAPES = {
    "numbers": {"n_static": 2, "layers": 2},
    "categories": {"cardinalities": (3, 1), "n_outputs": 2, "context": 4},
    "both": {
        "n_static": 1, "cardinalities": (4,), "n_inputs": 2, "layers": 2, "lags": 2, "n_outputs": 3, "ragged": True,
        "missing": True, "covariates": 1, "learn": True,
    },
}  # fmt: skip
DECODERS = {
    "encoder-decoder": ({"n_outputs": 3}, Decoder(num_layers=2, bridge=True, attention="dot")),
    "segments": ({"block": 3, "context": 6, "n_outputs": 2}, Decoder(segment=3, num_layers=2)),
    "parallel": ({"block": 6, "context": 6}, Decoder(3, parallel=True)),
}
every_decoder = pytest.mark.parametrize(("options", "decoder"), DECODERS.values(), ids=DECODERS)


# ---------------------------------------------------------------- against the oracle
@both
@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_network(shape, cell, backend):
    p = problem(CELLS[cell], lanes=MANY, **shape)
    result = run(p, backend)
    assert_like_oracle(p, result)
    for name, view in p.architecture.views(result.theta).items():
        if name.startswith(("static", "category")):
            assert np.abs(view).max() > 1e-4, name


@every_decoder
@pytest.mark.parametrize("free_run", [0.0, 1.0])
def test_networks_with_a_decoder(options, decoder, free_run):
    p = problem(layers=2, n_static=2, cardinalities=(3,), lanes=MANY, lags=2, decoder=decoder, **options)
    free = None if decoder.parallel else test_decoder.draws(p, free_run)
    result = run(p, KERNELS, free_run=free_run, key=test_decoder.KEY)
    if decoder.attention:
        test_decoder.assert_like_oracle(p, result, fed=free)
    else:
        by_theta = oracles.gradient(lambda theta: oracle_loss(p, theta, fed=free), p.theta)
        assert_allclose(result.theta, by_theta, rtol=1e-11, atol=1e-12)


@both
def test_a_free_run_in_parts(backend):
    p = problem(n_static=1, cardinalities=(2,), n_outputs=4)
    whole = run(p, backend, gradient=False, free_run=True).outputs
    network = Network(p.architecture, "float64", backend)
    work = network.workspace(p.geometry, 5)
    theta = backend.upload(p.theta, "float64")
    backend.gather(work, Source.upload(backend, p.series).series, p.windows, np.arange(5))
    for k in range(4):
        backend.forward(work, theta, free_run=True, outputs=(k, k + 1))
    assert_array_equal(backend.outputs(work), whole)


# ---------------------------------------------------------------- bits
def test_a_window_does_not_depend_on_its_batch():
    p = problem(lanes=MANY, **SHAPES["both"] | {"missing": False})
    whole = run(p, KERNELS, gradient=False)
    for lane in range(MANY):
        assert_array_equal(run(p, KERNELS, batch=[lane], gradient=False).outputs[0], whole.outputs[lane])


def test_gradients_of_tiles_of_any_size():
    p = problem(lanes=MANY, **SHAPES["both"])
    one, other = (run(p, kernels(tile), **DROPOUT) for tile in (2, 4))
    assert_allclose(one.theta, other.theta, rtol=1e-11, atol=1e-13)
    assert_array_equal(run(p, kernels(2), **DROPOUT).theta, one.theta)


def test_embeddings_much_wider_than_the_layers():
    """The scratch memory has room for the gradient of all embeddings."""
    p = problem(lanes=3, hidden=1, context=2, cardinalities=(500, 500))
    found, exact = run(p, KERNELS), run(p, BACKENDS["numpy"])
    assert p.architecture.static_size == 101
    assert_allclose(found.theta, exact.theta, rtol=1e-11, atol=1e-13)


@compiled
@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="needs two threads")
def test_parallel_equals_serial():
    """With missing inputs too, whose rates sum over all steps and windows."""
    assert_equal_over_threads(
        problem(
            hidden=16, layers=2, lags=3, context=30, n_outputs=3, lanes=100, n_static=3, cardinalities=(2,), masked=1
        )
    )


@both
def test_a_workspace_keeps_no_static_covariates_of_an_earlier_batch(backend):
    p = problem(lanes=9, **SHAPES["both"])
    alone, after = (run(p, backend, batch=[4, 2], capacity=9) for _ in range(2))
    network = Network(p.architecture, "float64", backend)
    work = network.workspace(p.geometry, 9, loss=MSE, gradient=True)
    source, theta = Source.upload(backend, p.series, p.targets, p.observed), backend.upload(p.theta, "float64")
    for batch in (np.arange(9), np.array([4, 2])):
        network.loss_and_grad(work, theta, source, p.windows, batch)
    assert_array_equal(backend.outputs(work), alone.outputs)
    assert_array_equal(after.theta, alone.theta)


@compiled
def test_float32():
    p = problem(lanes=MANY, **SHAPES["both"])
    single, double = run(p, KERNELS, "float32"), run(p, BACKENDS["numpy"])
    assert single.theta.dtype == np.float32
    assert np.abs(single.theta - double.theta).max() < 100 * np.finfo(np.float32).eps * np.abs(double.theta).max()


# ---------------------------------------------------------------- parameters
def architecture(**options):
    return Architecture(
        **{"cell": LSTM, "n_inputs": 1, "n_targets": 1, "block": 1, "loss": GAUSSIAN, "hidden_size": 4} | options
    )


def test_widths_of_embeddings():
    assert [embedding_width(n) for n in (0, 1, 2, 3, 10, 100, 467, 10**6)] == [1, 2, 2, 3, 6, 21, 50, 50]


def test_parameters_start_and_decay():
    a = architecture(n_static=2, cardinalities=(3, 100), num_layers=2, learn_initial_state=True)
    views = a.views(a.initialise(np.random.default_rng(0)))
    assert "initial_state" not in views  # the bias of the map is one
    assert views["static"].shape == (2, 2, 4, 1 + 2 + 3 + 21)
    assert (views["category0"].shape, views["category1"].shape) == ((4, 3), (101, 21))
    assert not views["static"][..., 0].any()
    assert views["static"][..., 1:].all()
    decays = a.views(a.is_decayed)
    assert_array_equal(decays["static"], np.broadcast_to([0] + [1] * 26, (2, 2, 4, 27)))
    for q in range(2):
        assert not views[f"category{q}"][0].any()
        assert views[f"category{q}"][1:].all()
        assert not decays[f"category{q}"][0].any()
        assert decays[f"category{q}"][1:].all()


def test_nothing_changes_for_a_network_without_static_covariates():
    a = architecture(learn_initial_state=True)
    assert a.static_size == 0
    assert "static" not in a.entries
    assert a.with_unseen(np.ones(a.size)).all()
    assert not [o.name for o in a.layout(problem().geometry).operations() if "static" in o.name]


def test_the_embedding_of_unseen_categories_becomes_the_mean():
    a = architecture(n_static=1, cardinalities=(3, 5))
    theta = np.random.default_rng(0).normal(size=a.size)
    kept = theta.copy()
    after, views = a.views(a.with_unseen(theta)), a.views(theta)
    assert_array_equal(theta, kept)
    for name, view in views.items():
        if name.startswith("category"):
            assert_array_equal(after[name][0], view[1:].mean(axis=0))
            assert_array_equal(after[name][1:], view[1:])
        else:
            assert_array_equal(after[name], view)


# ---------------------------------------------------------------- what is refused
@both
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: None, "reads 1 static numbers and 1 categories of each series, but the windows have none"),
        (lambda s: Static(s.numbers[:, :0], s.codes), r"static has numbers \(5, 0\)"),
        (lambda s: Static(s.numbers[:4], s.codes[:4]), r"windows are of 5 series, but static has numbers \(4, 1\)"),
        (lambda s: Static(s.numbers, s.codes + 4), r"static.codes\[0, 0\] is [4-7], but .* are 0 to 3; use 0"),
        (lambda s: Static(s.numbers, s.codes - 4), r"static.codes\[0, 0\] is -[1-4], but"),
    ],
    ids=["none", "columns", "rows", "large code", "negative code"],
)
def test_static_covariates_that_do_not_fit(backend, change, message):
    p = problem(n_static=1, cardinalities=(3,))
    p.windows = dataclasses.replace(p.windows, static=change(p.windows.static))
    with pytest.raises(ValueError, match=message):
        run(p, backend, gradient=False)


@both
def test_static_covariates_for_a_network_without(backend):
    p = problem()
    p.windows = dataclasses.replace(p.windows, static=Static.zeros(5, 1, 0))
    with pytest.raises(ValueError, match="reads 0 static numbers"):
        run(p, backend, gradient=False)


def test_a_choice_of_windows_keeps_static_covariates():
    p = problem(n_static=1)
    assert p.windows.take(np.array([3, 1])).static is p.windows.static


def test_warm_up():
    assert warm_up(Network(architecture(n_static=1, cardinalities=(2,)), "float64", KERNELS), problem().geometry) > 0
