"""The CUDA backend, on a GPU or in the simulator: every way to lay a layer out, and what is the device's alone.

What the CPU's kernels promise is tested for this backend by the same tests: ``TSRNN_TEST_DEVICE=cuda`` runs
test_kernels, test_decoder, test_networks and test_smoke on it. Shapes are tiny, since the simulator has a thread of the
processor for each thread of a block.
"""

from __future__ import annotations

import gc
import os
import pickle
import re
import weakref

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from .backends import EXACT
from .problems import CELLS, DEVICE, kernels, problem, run

if DEVICE != "cuda":
    pytest.skip("needs TSRNN_TEST_DEVICE=cuda", allow_module_level=True)

from tsrnn import (
    LSTMClassifier,
    LSTMForecaster,
    LSTMRegressor,
    LSTMTagger,
    Seq2SeqTransducer,
    SequenceGenerator,
)
from tsrnn.data.windows import Geometry
from tsrnn.kernels.cuda import memory
from tsrnn.kernels.cuda.backend import CudaBackend
from tsrnn.kernels.cuda.plan import Properties, padded, rows_of_stages
from tsrnn.losses.gaussian import GAUSSIAN
from tsrnn.networks.architecture import Architecture, Decoder
from tsrnn.networks.devices import choose
from tsrnn.networks.network import Network

from .numpy_backend import NumpyBackend

H = 5
#: Of a block; they leave each thread a few for weights.
REGISTERS = 128 * 136
#: Where a layer's weights may lie: threads, registers of a block, bytes of shared memory, blocks of a team. Limits that
#: are tighter than a device's own hold there, too.
LAYOUTS = {
    "registers and shared memory": (32, REGISTERS, 2**17, 1),
    "shared memory": (32, 0, 2**17, 1),
    "a part in L2": (32, 0, 9 * 2**10, 1),
    "L2": (8, 0, 2**15, 1),
    "two blocks": (0, REGISTERS, 2**17, 2),  # as many threads as half of a layer has rows
    "two blocks and L2": (4, 0, 2**15, 2),
}


def backend(name: str, lanes: int, cell=CELLS["lstm"]) -> CudaBackend:
    threads, registers, shared, blocks = LAYOUTS[name]
    threads = threads or padded(max(rows_of_stages(cell)) * -(-H // 2))
    return CudaBackend(Properties(2, shared, registers, threads, blocks), lanes)


def of_layout(name: str, lanes: int = 2):
    return pytest.param(name, lanes, id=f"{name}, {lanes} lanes")


every_layout = pytest.mark.parametrize(
    ("layout", "lanes"),
    [*map(of_layout, LAYOUTS), of_layout("registers and shared memory", 4), of_layout("shared memory", 1),
     of_layout("shared memory", 16),
     of_layout("two blocks", 8)],
)  # fmt: skip


@pytest.mark.parametrize("cell", ["lstm", "gru", "gru_reset_before", "rnn_relu"])
@every_layout
def test_every_layout_computes_the_same(cell, layout, lanes):
    p = problem(CELLS[cell], n_inputs=2, hidden=H, layers=2, context=3, lanes=3, ragged=True, n_outputs=2, lags=2)
    found, exact = run(p, backend(layout, lanes, CELLS[cell])), run(p, NumpyBackend())
    assert found.work.chip.blocks == LAYOUTS[layout][3]
    for kind in ("outputs", "loss", "theta", "x"):
        assert_allclose(getattr(found, kind), getattr(exact, kind), **EXACT, err_msg=kind)


@pytest.mark.parametrize("layout", ["registers and shared memory", "two blocks"])
@pytest.mark.parametrize(("attention", "bidirectional"), [("additive", False), ("general", True)])
def test_a_decoder_in_other_layouts(attention, bidirectional, layout):
    p = problem(n_inputs=2, hidden=H, layers=2, context=6, n_outputs=2, block=2, lanes=3, ragged=True, covariates=1,
                decoder=Decoder(2, False, 1, True, attention), bidirectional=bidirectional)  # fmt: skip
    options = {"free_run": 0.5, "dropout": 0.3, "key": np.uint64(5)}
    found, exact = (run(p, backend(name, 2), **options) for name in (layout, "L2"))
    for kind in ("outputs", "loss", "theta", "x"):
        assert_allclose(getattr(found, kind), getattr(exact, kind), **EXACT, err_msg=kind)


def test_an_update_sums_over_tiles():
    p, norms = problem(hidden=2, context=2, lanes=3), []
    for one in (CudaBackend(lanes=1), NumpyBackend()):
        work, n = run(p, one).work, len(p.theta)
        theta, moments, decay, log = (
            one.upload(values, "float64") for values in (p.theta, np.zeros((2, n)), np.zeros(n), np.zeros(1))
        )
        one.update(work, theta, moments, decay, np.array((0.01, 0.9, 0.999, 1e-8, 0.1, 0.001)), np.inf, log)
        norms.append(one.download(log)[0])
    assert_allclose(*norms, rtol=1e-11)


# ---------------------------------------------------------------- bits
def test_a_lane_does_not_depend_on_its_tile():
    p = problem(hidden=H, layers=2, context=3, lanes=3, ragged=True)
    one, other = (run(p, backend("shared memory", lanes), gradient=False).outputs for lanes in (1, 4))
    assert_array_equal(one, other)


def test_equal_bits():
    p = problem(hidden=H, n_inputs=2, lags=2, context=3, lanes=5, missing=True, loss=GAUSSIAN)
    one, other = (run(p, backend("registers and shared memory", 2), "float32") for _ in range(2))
    for kind in ("outputs", "loss", "theta", "x", "state"):
        assert_array_equal(getattr(one, kind), getattr(other, kind))


# ---------------------------------------------------------------- estimators
Y = np.sin(np.arange(34) / 2) + np.random.default_rng(0).normal(0, 0.3, 34)
SMALL = {"hidden_size": 2, "max_epochs": 2, "batch_size": 16, "random_state": 0, "context_length": 4, "horizon": 2}


@pytest.mark.parametrize("strategy", ["recursive", "direct", "seq2seq"])
def test_a_fit_is_that_of_the_cpu(strategy):
    """To rounding in float64, which a few updates of Adam do not amplify much."""
    options = SMALL | {"strategy": strategy, "dtype": "float64"}
    here, there = (LSTMForecaster(device=device, **options).fit(Y) for device in ("cpu", "cuda"))
    assert (here.device_.name, there.device_.name) == ("cpu", "cuda")
    for name in ("theta_", "loss_curve_", "validation_curve_"):
        assert_allclose(getattr(there, name), getattr(here, name), rtol=1e-8, atol=1e-10, err_msg=name)
    again = pickle.loads(pickle.dumps(there)).set_params(device="cpu")
    assert_allclose(again.predict(5), there.predict(5), rtol=1e-10)
    assert isinstance(there.theta_, np.ndarray)


def test_a_regressor_on_the_device():
    X = np.lib.stride_tricks.sliding_window_view(Y, 6)
    options = {"hidden_size": 2, "max_epochs": 2, "random_state": 0}
    here, there = (LSTMRegressor(device=device, **options).fit(X[:, :5], X[:, 5]) for device in ("cpu", "cuda"))
    assert_allclose(there.predict(X[:, :5]), here.predict(X[:, :5]), rtol=1e-3)


@pytest.mark.parametrize(("pooling", "bidirectional"), [("last", False), ("max", False), ("last", True)])
def test_a_classifier_on_the_device(pooling, bidirectional):
    """Three classes, and sequences of different lengths, to rounding in float64."""
    sequences = [Y[i : i + 3 + i % 4] for i in range(20)]
    options = {"hidden_size": 2, "max_epochs": 2, "random_state": 0, "dtype": "float64"}
    options |= {"pooling": pooling, "bidirectional": bidirectional}
    labels = np.arange(20) % 3
    here, there = (LSTMClassifier(device=device, **options).fit(sequences, labels) for device in ("cpu", "cuda"))
    assert_allclose(there.predict_proba(sequences), here.predict_proba(sequences), rtol=1e-8)


def test_a_generator_on_the_device():
    """Classes, and series of different lengths, to rounding in float64."""
    series, kinds = [Y[i : i + 2 + i % 3] for i in range(12)], list("abcabcabcabc")
    options = {"hidden_size": 2, "max_epochs": 2, "random_state": 0, "dtype": "float64", "loss": "gaussian"}
    here, there = (SequenceGenerator(device=device, **options).fit(kinds, series) for device in ("cpu", "cuda"))
    assert_allclose(there.predict(["a", "x"], 6), here.predict(["a", "x"], 6), rtol=1e-8)
    draws = here.sample(["a", "b"], 3, random_state=0)
    assert_allclose(there.sample(["a", "b"], 3, random_state=0), draws, rtol=1e-8)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_transducer_on_the_device(bidirectional):
    """Greedy and with a beam, to rounding in float64."""
    words = ["ab", "ba", "abc", "c", "bca"]
    options = {"hidden_size": 2, "embedding_size": 2, "max_epochs": 2, "random_state": 0, "dtype": "float64"}
    options |= {"tokenize": "char", "bidirectional": bidirectional}
    here, there = (Seq2SeqTransducer(device=device, **options).fit(words, words) for device in ("cpu", "cuda"))
    assert_allclose(there.theta_, here.theta_, rtol=1e-8, atol=1e-10)
    for width in (1, 3):
        found = [model.set_params(beam_width=width).predict_n_best(words) for model in (here, there)]
        for one, other in zip(*found, strict=True):
            assert [target for target, _ in one] == [target for target, _ in other]
            assert_allclose([value for _, value in one], [value for _, value in other], rtol=1e-8)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_tagger_on_the_device(bidirectional):
    """Symbols in sequences of different lengths, to rounding in float64."""
    sequences = [["a", "b", "c", "a", "d"][i % 3 : 3 + i % 4] for i in range(12)]
    labels = [[len(sequence)] * len(sequence) for sequence in sequences]
    options = {"hidden_size": 2, "max_epochs": 2, "random_state": 0, "dtype": "float64"}
    options |= {"bidirectional": bidirectional}
    here, there = (LSTMTagger(device=device, **options).fit(sequences, labels) for device in ("cpu", "cuda"))
    for one, other in zip(there.predict_proba(sequences), here.predict_proba(sequences), strict=True):
        assert_allclose(one, other, rtol=1e-8)


def test_paths_and_quantiles_on_the_device():
    forecaster = LSTMForecaster(device="cuda", loss="gaussian", strategy="seq2seq", **SMALL).fit(Y)
    drawn = forecaster.sample(2, n_paths=3, random_state=0)
    assert_allclose(drawn, forecaster.set_params(device="cpu").sample(2, n_paths=3, random_state=0), rtol=1e-4)


def test_auto_goes_by_the_work(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    forecaster = LSTMForecaster(device="auto", **SMALL).fit(Y)
    assert forecaster.device_.name == "cpu"
    assert "a batch takes about" in forecaster.device_.reason
    large = Architecture(CELLS["lstm"], 1, 1, 1, GAUSSIAN, hidden_size=512)
    assert choose("auto", large, 336, 1024).name == "cuda"


def test_an_interrupted_fit_leaves_nothing_behind(monkeypatch):
    def stop(_):
        raise KeyboardInterrupt

    pools, begin = [], memory.Pool.__init__
    monkeypatch.setattr(
        memory.Pool, "__init__", lambda pool, *given: (pools.append(weakref.ref(pool)), begin(pool, *given))[1]
    )
    forecaster = LSTMForecaster(device="cuda", callbacks=[stop], **SMALL)
    with pytest.raises(KeyboardInterrupt):
        forecaster.fit(Y)
    gc.collect()
    assert pools
    assert not any(pool() for pool in pools)
    assert not hasattr(forecaster, "theta_")
    assert np.isfinite(forecaster.set_params(callbacks=None).fit(Y).predict()).all()


def test_forecasts_in_as_many_batches_as_there_is_room_for(monkeypatch):
    forecaster = LSTMForecaster(device="cuda", **SMALL).fit(Y)
    windows = np.lib.stride_tricks.sliding_window_view(Y, 4)
    regressor = LSTMRegressor(device="cuda", hidden_size=2, max_epochs=1, random_state=0).fit(windows, Y[3:])
    found, exact = regressor.predict(windows), forecaster.predict()
    monkeypatch.setattr(memory, "free_bytes", lambda: 12_000)
    assert_array_equal(regressor.predict(windows), found)
    assert_array_equal(forecaster.predict(), exact)


def test_too_little_memory_says_what_would_fit(monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: 60_000)
    p = problem(hidden=4, lanes=3)
    network = Network(p.architecture, "float32", kernels(2))
    with pytest.raises(
        MemoryError, match=r"0 MiB free.* of 4096 windows needs .* MiB: a batch_size of (\d+) would fit"
    ):
        network.workspace(p.geometry, 4096, loss=GAUSSIAN, gradient=True)
    with pytest.raises(MemoryError, match="a batch_size of ") as caught:
        network.workspace(p.geometry, 4096, gradient=True)
    fits = int(re.search(r"batch_size of (\d+)", str(caught.value)).group(1))
    network.workspace(p.geometry, fits, gradient=True)
    with pytest.raises(MemoryError):
        network.workspace(p.geometry, 2 * fits + 2, gradient=True)


def test_a_network_too_wide_for_the_device():
    wide = problem(hidden=3000, context=2, lanes=1).architecture
    network = Network(wide, "float32", backend("L2", 1))
    with pytest.raises(ValueError, match="hidden_size=3000 is too wide for this GPU"):
        network.workspace(Geometry(2), 1)
