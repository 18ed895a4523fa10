"""The loops of an encoder and its decoder against the oracle, and against differences of themselves.

Every cell runs without the compiler (NUMBA_DISABLE_JIT=1), the compiled loops with one; `tests/interop` has the others.
"""

from __future__ import annotations

from itertools import combinations, product

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn.functions.random import fold
from tsrnn.kernels.cpu import CpuBackend
from tsrnn.kernels.views import set_address
from tsrnn.losses.cross_entropy import CrossEntropy
from tsrnn.losses.gaussian import GAUSSIAN
from tsrnn.losses.pinball import Pinball
from tsrnn.losses.poisson import POISSON
from tsrnn.losses.squared import MSE
from tsrnn.networks.architecture import ATTENTION, Decoder
from tsrnn.networks.network import Network, Source
from tsrnn.parts.common import SCRATCH
from tsrnn.parts.layout import BUFFERS

from . import oracles
from .backends import EXACT, compiled
from .backends import KERNELS as BACKEND
from .problems import (
    CELLS,
    COMPILED,
    kernels,
    oracle_decoding,
    oracle_loss,
    oracle_outputs,
    problem,
    run,
    scaled,
    to_lanes,
)

KEY = fold(np.uint64(3), np.uint64(4))
LANES = 9 if COMPILED else 3

#: What a decoder can be, and what a network around it.
OPTIONS = {
    "cell": ["lstm"] if COMPILED else list(CELLS),
    "layers": [1, 2],
    "decoder_layers": [1, 2, 3],
    "bridge": [False, True],
    "attention": list(ATTENTION),
    "exact_feedback": [True, False],
    "segment": [1, 3],
    "free_run": [0.0, 0.5, 1.0],
    "lags": [0, 4],
    "covariates": [0, 2],
    "seasonal": [0, 2],
    "dropout": [0.0, 0.3],
    "learn": [False, True],
    "ragged": [False, True],
    "loss": [MSE, GAUSSIAN, POISSON],
}


def pairwise(options, seed=0):
    """A design in which every two values of two options meet: greedy, the best of some random rows each time."""
    rng, names = np.random.default_rng(seed), list(options)
    left = {
        ((a, i), (b, j))
        for a, b in combinations(names, 2)
        for i, j in product(range(len(options[a])), range(len(options[b])))
    }
    while left:
        rows = [{name: int(rng.integers(len(options[name]))) for name in names} for _ in range(40)]
        best = max(rows, key=lambda row: len(left & set(combinations(row.items(), 2))))
        first = next(iter(sorted(left)))
        best |= dict(first)  # so that each row gets rid of one at least
        left -= set(combinations(best.items(), 2))
        yield {name: options[name][i] for name, i in best.items()}


def sequence(cell, layers, decoder_layers, bridge, attention, exact_feedback, segment, **options):
    """A problem of that kind; where the numbers of layers differ, a bridge is a must."""
    decoder = Decoder(segment, False, decoder_layers, bridge or layers != decoder_layers, attention, exact_feedback)
    del options["free_run"], options["dropout"]
    return problem(
        CELLS[cell], n_inputs=2, block=segment, layers=layers, context=2 * segment + 3 * (segment == 1), n_outputs=3,
        lanes=LANES, missing=True, hidden=3, decoder=decoder, **options,
    )  # fmt: skip


def name_of(options):
    return "-".join(getattr(value, "name", str(value)) for value in options.values())


DESIGN = list(pairwise(OPTIONS))


def masks(p, dropout):
    """Factors between layers by definition: drawn for (key, layer below, step, unit, lane)."""
    if dropout == 0:
        return None
    shape = (p.architecture.n_layers + 3, p.geometry.n_steps + 9, p.architecture.hidden_size, len(p.windows))
    key = KEY
    for counter in np.ogrid[tuple(map(slice, shape))]:
        key = fold(key, counter.astype(np.uint64))
    return np.where(key < np.uint64(dropout * 2.0**32), 0, 1 / (1 - dropout))


def draws(p, free_run):
    """Which steps read their own forecasts, (m, lanes), by definition: drawn for (key, layers, step, lane)."""
    a = p.architecture
    steps, lanes = np.ogrid[: p.geometry.n_outputs, : len(p.windows)]
    stream = fold(KEY, np.uint64(a.n_layers + a.decoder.num_layers))
    key = fold(fold(stream, steps.astype(np.uint64)), lanes.astype(np.uint64))
    return (key < np.uint64(free_run * 2.0**32)) & (steps > 0)


def assert_like_oracle(p, result, **options):
    """Outputs, loss, attention, and the gradients by parameters, inputs and initial states."""
    lanes = range(len(p.windows))
    found = [oracle_decoding(p, lane, p.theta, **options) for lane in lanes]
    assert_allclose(result.outputs, [outputs for outputs, _ in found], **EXACT)
    if p.architecture.decoder.attention:
        weights = to_lanes(result.work.read("attention"), result.work.read("attention").shape[1:3], len(lanes))
        assert_allclose(weights, np.stack([weights for _, weights in found], axis=-1), **EXACT)
    assert_allclose(result.loss, oracle_loss(p, p.theta, **options), **EXACT)
    by_theta = oracles.gradient(lambda theta: oracle_loss(p, theta, **options), p.theta)
    # Terms of a sum are as large as the largest entry of its matrix: where they cancel, their rounding is left.
    for name, (at, shape) in p.architecture.entries.items():
        here = slice(at, at + int(np.prod(shape)))
        atol = EXACT["atol"] * max(1.0, np.abs(by_theta[here]).max())
        assert_allclose(result.theta[here], by_theta[here], EXACT["rtol"], atol, err_msg=name)
    inputs = np.stack([scaled(p, lane)[0] for lane in lanes], axis=-1)
    by_x = oracles.gradient(lambda x: oracle_loss(p, p.theta, x=x, **options), inputs)
    assert_allclose(result.x, by_x, **EXACT)
    if not p.architecture.learn_initial_state and not p.architecture.static_size:
        by_state = oracles.gradient(lambda state: oracle_loss(p, p.theta, state=state, **options), p.state)
        assert_allclose(result.state, by_state, **EXACT)


# ---------------------------------------------------------------- in sequence
def test_the_design_is_pairwise():
    for (a, i), (b, j) in combinations([(name, value) for name in OPTIONS for value in OPTIONS[name]], 2):
        if a != b:
            assert any(row[a] == i and row[b] == j for row in DESIGN), (a, i, b, j)
    assert len(DESIGN) < (40 if COMPILED else 7 * len(OPTIONS["cell"]))


@pytest.mark.parametrize("options", DESIGN, ids=name_of)
def test_against_a_loop_by_hand(options):
    p = sequence(**options)
    drawn = {"dropout": options["dropout"], "key": KEY}
    result = run(p, BACKEND, free_run=options["free_run"], **drawn)
    fed = draws(p, options["free_run"])
    assert_array_equal(to_lanes(result.work.read("fed"), fed.shape[:1], len(p.windows))[1:], fed[1:])
    assert_like_oracle(p, result, fed=fed, masks=masks(p, options["dropout"]))


@pytest.mark.parametrize("options", [row for row in DESIGN if row["exact_feedback"]], ids=name_of)
def test_gradients_are_central_differences(options):
    """In a random direction, of the loops' own loss; the error is O(h²) and rounding / h."""
    p, h = sequence(**options), 1e-5
    arguments = {"free_run": options["free_run"], "dropout": options["dropout"], "key": KEY}
    direction = np.random.default_rng(0).normal(size=p.theta.size)
    above, below = (
        run(p, BACKEND, theta=p.theta + step * direction, gradient=False, **arguments).loss for step in (h, -h)
    )
    gradient = run(p, BACKEND, **arguments).theta
    assert_allclose((above - below) / (2 * h), gradient @ direction, rtol=1e-6, atol=1e-8)


def test_a_share_of_the_steps_reads_forecasts():
    p = problem(context=4, n_outputs=30, lanes=200 if COMPILED else 20, decoder=Decoder())
    fed = {}
    for share in (0.0, 0.25, 0.5, 1.0):
        work = run(p, BACKEND, gradient=False, free_run=share, key=KEY).work
        fed[share] = to_lanes(work.read("fed"), (30,), len(p.windows))[1:]
        assert abs(fed[share].mean() - share) < 4 * np.sqrt(share * (1 - share) / fed[share].size) + 1e-12
    assert (fed[0.25] <= fed[0.5]).all()  # a smaller share is a part of the same steps
    one, other = fed[0.5][:, 1:].ravel(), fed[0.5][:, :-1].ravel()
    assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(one.size)


def test_a_detached_gradient_is_another():
    exact, detached = (
        run(problem(n_outputs=4, decoder=Decoder(exact_feedback=exact)), BACKEND, free_run=1.0)
        for exact in (True, False)
    )
    assert_array_equal(exact.outputs, detached.outputs)
    assert np.abs(exact.theta - detached.theta).max() > 1e-3


@pytest.mark.parametrize("attention", [kind for kind in ATTENTION if kind])
def test_attention_is_a_weighing_of_what_was_read(attention):
    p = problem(ragged=True, n_outputs=3, decoder=Decoder(attention=attention))
    work = run(p, BACKEND, gradient=False).work
    weights = to_lanes(work.read("attention"), (3, 5), len(p.windows))
    assert_allclose(weights.sum(axis=1), 1, rtol=1e-14)
    late = p.geometry.n_steps - p.windows.length
    for lane, start in enumerate(late):
        assert (weights[:, :start, lane] == 0).all()
        assert (weights[:, start:, lane] > 0).all()
    assert late.max() > 0
    work.n_lanes = len(p.windows)
    assert_array_equal(BACKEND.attention(work), np.moveaxis(weights, -1, 0))


# ---------------------------------------------------------------- over symbols
OF_SYMBOLS = {
    "layers": [1, 2],
    "decoder_layers": [1, 2],
    "attention": list(ATTENTION),
    "symbols": [(7, 5), (5, 0)],
    "free_run": [0.0, 0.5, 1.0],
    "dropout": [0.0, 0.3],
    "learn": [False, True],
}
#: Of an encoder of two directions; dot products do not compare its outputs with a decoder's state.
OF_TWO_DIRECTIONS = OF_SYMBOLS | {
    "attention": [kind for kind in ATTENTION if kind != "dot"],
    "cell": ["gru", "lstm"] if COMPILED else list(CELLS),
}


@pytest.mark.parametrize("options", [*pairwise(OF_SYMBOLS), *pairwise(OF_TWO_DIRECTIONS)], ids=name_of)
def test_symbols_against_a_loop_by_hand(options):
    both = "cell" in options
    decoder = Decoder(
        num_layers=options["decoder_layers"],
        bridge=both or options["layers"] != options["decoder_layers"],
        attention=options["attention"],
    )
    p = problem(
        CELLS[options.get("cell", "gru")], layers=options["layers"], learn=options["learn"], symbols=options["symbols"],
        embedding=2, context=4, n_outputs=3, lanes=LANES, ragged=True, missing=True, decoder=decoder,
        loss=CrossEntropy(5, 0.1), bidirectional=both,
    )  # fmt: skip
    result = run(p, BACKEND, free_run=options["free_run"], dropout=options["dropout"], key=KEY)
    assert_like_oracle(p, result, fed=draws(p, options["free_run"]), masks=masks(p, options["dropout"]))


# ---------------------------------------------------------------- of two directions, over numbers
@pytest.mark.parametrize(
    "options",
    [
        {"attention": "general", "lags": 4, "covariates": 2, "seasonal": 2, "free_run": 0.5, "missing": True},
        {"attention": "additive", "segment": 3, "layers": 2, "dropout": 0.3, "learn": True, "loss": GAUSSIAN},
        {"attention": None, "free_run": 1.0, "context": 1, "n_outputs": 1, "ragged": False},
        {"attention": "general", "context": 4, "n_outputs": 1, "n_static": 1, "cardinalities": (2,), "masked": 2},
    ],
    ids=["linear skip", "segments", "one step", "one output"],
)
def test_an_encoder_of_two_directions(options):
    options = {"ragged": True, "context": 6, "n_outputs": 3} | options
    segment, dropout, free_run = options.pop("segment", 1), options.pop("dropout", 0.0), options.pop("free_run", 0.0)
    decoder = Decoder(segment, bridge=True, attention=options.pop("attention"))
    p = problem(
        CELLS["lstm"], n_inputs=2, n_targets=2, block=segment, lanes=LANES, decoder=decoder, bidirectional=True,
        **options,
    )  # fmt: skip
    result = run(p, BACKEND, free_run=free_run, dropout=dropout, key=KEY)
    assert_like_oracle(p, result, fed=draws(p, free_run), masks=masks(p, dropout))


def test_what_an_encoder_of_two_directions_refuses():
    for decoder in (Decoder(), Decoder(2, parallel=True)):
        with pytest.raises(ValueError, match="use parallel=False and bridge=True, or bidirectional=False"):
            run(problem(bidirectional=True, block=decoder.segment, context=4, decoder=decoder), BACKEND)
    with pytest.raises(ValueError, match=r"'dot' compares .* 3 numbers, .* has 6; use attention='general' or"):
        run(problem(bidirectional=True, decoder=Decoder(bridge=True, attention="dot")), BACKEND)


# ---------------------------------------------------------------- in parallel
@pytest.mark.parametrize("cell", ["lstm"] if COMPILED else CELLS)
@pytest.mark.parametrize(
    "options",
    [
        {"layers": 1, "lags": 4},
        {"layers": 2, "covariates": 2, "lags": 3, "ragged": True, "missing": True, "dropout": 0.3},
        {"layers": 2, "learn": True, "loss": GAUSSIAN, "n_inputs": 2},
    ],
    ids=["one layer", "covariates", "learned state"],
)
def test_parallel_steps(cell, options):
    options = dict(options)
    dropout = options.pop("dropout", 0.0)
    decoder = Decoder(3, parallel=True)
    p = problem(CELLS[cell], block=9, context=6, lanes=LANES, hidden=3, decoder=decoder, **options)
    result = run(p, BACKEND, dropout=dropout, key=KEY)
    lanes, drawn = range(LANES), masks(p, dropout)
    assert_allclose(result.outputs, [oracle_outputs(p, lane, p.theta, masks=drawn) for lane in lanes], **EXACT)
    assert_like_oracle(p, result, masks=drawn)


# ---------------------------------------------------------------- memory
@pytest.mark.parametrize(
    ("decoder", "options"),
    [
        (Decoder(3, parallel=True), {"block": 36}),
        (Decoder(3, parallel=True), {"block": 36, "lags": 2, "covariates": 1, "layers": 2}),
        (Decoder(36, attention="dot"), {"block": 36, "context": 36, "n_outputs": 2}),
        (Decoder(36, False, 2, True, "additive"), {"block": 36, "context": 36, "n_outputs": 2, "covariates": 1}),
        (Decoder(1, False, 3, True, "general"), {"n_inputs": 3, "n_outputs": 3}),
        (Decoder(1, False, 1, True, "general"), {"n_outputs": 3, "context": 36, "bidirectional": True}),
        (Decoder(2, False, 2, True, "additive"), {"block": 2, "n_outputs": 3, "bidirectional": True}),
        (None, {"block": 36}),
        (None, {"block": 36, "lags": 3, "covariates": 2, "layers": 2}),
    ],
)
@pytest.mark.parametrize("tile", [2, 16])
def test_scratch_is_large_enough(decoder, options, tile):
    """Few units beside many outputs and lanes: whoever reads or writes past its end would find or change NaN."""
    p = problem(
        **{"context": 6, "hidden": 1, "lanes": 2, "loss": Pinball(*np.arange(1, 20) / 20)} | options, decoder=decoder
    )
    backend = CpuBackend(tile)
    exact = run(p, backend)
    guarded = GuardedBackend(tile)
    result = run(p, guarded)
    assert np.isnan(guarded.beyond).all()
    assert_array_equal(result.outputs, exact.outputs)
    assert_array_equal(result.theta, exact.theta)


class GuardedBackend(CpuBackend):
    """Scratch is a part of a larger array, which holds NaN after it."""

    def workspace(self, *arguments, **options):
        work = super().workspace(*arguments, **options)
        n, size = work.arrays[SCRATCH].shape
        assert n == 1  # of several tiles the next would follow
        buffer = np.full(2 * size, np.nan, work.dtype)
        work.arrays[SCRATCH], self.beyond = buffer[None, :size], buffer[size:]
        set_address(work.addresses, BUFFERS[SCRATCH], work.arrays[SCRATCH])
        return work


# ---------------------------------------------------------------- bits
FULL = {"n_inputs": 2, "layers": 2, "covariates": 1, "lags": 2, "ragged": True, "lanes": 11}


def full(attention="additive", **options):
    return problem(**FULL | options, block=2, context=6, n_outputs=4, decoder=Decoder(2, False, 1, True, attention))


def test_one_window_equals_its_row_in_a_batch():
    p = full()
    whole = run(p, BACKEND, gradient=False, free_run=1.0)
    for lane in range(len(p.windows)):
        alone = run(p, BACKEND, batch=[lane], gradient=False, free_run=1.0)
        assert_array_equal(alone.outputs[0], whole.outputs[lane])


def test_steps_of_a_longer_decoding_are_the_same():
    long, short = full(), full()
    short.geometry = type(short.geometry)(6, n_outputs=2, block=2, stride=2)
    short.windows.length[:] -= 4  # the two segments that the longer one reads besides
    one, other = (run(p, BACKEND, gradient=False, free_run=1.0) for p in (long, short))
    assert_array_equal(one.outputs[:, :2], other.outputs)


def test_a_decoding_in_parts_is_the_whole():
    """Outputs computed one after the other, each fed with what the one before it said, as in ancestral sampling."""
    p, found = full(), []
    network, everything = Network(p.architecture, "float64", BACKEND), np.arange(11)
    source = Source.upload(BACKEND, p.series, p.targets, p.observed)
    work = network.workspace(p.geometry, 11)
    for parts, free_run in (([(0, 4)], 1.0), ([(0, 1), (1, 3), (3, 4)], 1.0), ([(k, k + 1) for k in range(4)], 0.0)):
        BACKEND.gather(work, source.series, p.windows, everything)
        for k0, k1 in parts:
            if free_run == 0 and k0 > 0:
                BACKEND.feed(work, k0, BACKEND.outputs(work)[:, k0 - 1].reshape(11, 2, 2))
            BACKEND.forward(work, p.theta.copy(), outputs=(k0, k1), free_run=free_run)
        found.append(BACKEND.outputs(work))
    assert_array_equal(found[1], found[0])
    assert_array_equal(found[2], found[0])


def test_what_is_drawn_does_not_depend_on_the_tile():
    one, other = (run(full(), kernels(tile), free_run=0.5, dropout=0.3, key=KEY) for tile in (2, 4))
    assert_allclose(one.outputs, other.outputs, rtol=1e-12)
    assert_allclose(one.theta, other.theta, **EXACT)


@compiled
@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="needs two threads")
def test_parallel_equals_serial():
    p, before = full(hidden=16, lanes=100), numba.get_num_threads()
    try:
        results = []
        for threads in (1, 2):
            numba.set_num_threads(threads)
            results.append(run(p, BACKEND, free_run=0.5, dropout=0.3, key=KEY))
    finally:
        numba.set_num_threads(before)
    for kind in ("outputs", "theta", "x", "state", "loss"):
        assert_array_equal(getattr(results[0], kind), getattr(results[1], kind))


def test_a_workspace_keeps_nothing_of_an_earlier_batch():
    p, found = full(missing=True), []
    network, everything = Network(p.architecture, "float64", BACKEND), np.arange(11)
    source = Source.upload(BACKEND, p.series, p.targets, p.observed)
    for batches in ([everything, np.array([4, 2])], [np.array([4, 2])]):
        work = network.workspace(p.geometry, 11, loss=MSE, gradient=True)
        for batch in batches:
            network.loss_and_grad(work, p.theta.copy(), source, p.windows, batch, free_run=0.5, key=KEY)
        n = work.tiles()
        found.append((BACKEND.outputs(work), work.read("grad")[:n].sum(axis=0), work.read("dx")[:n]))
    for one, other in zip(*found, strict=True):
        assert_array_equal(one, other)


@compiled
def test_float32():
    """Rounding alone: each number is within some hundred units of the largest of its kind."""
    p = full(missing=True)
    single, double = (run(p, BACKEND, dtype, free_run=1.0) for dtype in ("float32", "float64"))
    for kind in ("outputs", "theta", "x", "state"):
        found, exact = getattr(single, kind), getattr(double, kind)
        assert found.dtype == np.float32
        assert np.abs(found - exact).max() < 300 * np.finfo(np.float32).eps * np.abs(exact).max()
