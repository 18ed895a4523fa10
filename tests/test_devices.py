"""The argument ``device`` without a GPU, and launch plans for GPUs that are described by their properties."""

from __future__ import annotations

import importlib.util
import os

import numpy as np
import pytest

from tsrnn import LSTMForecaster, LSTMRegressor
from tsrnn.kernels import why_no_cuda
from tsrnn.kernels.cuda.plan import OTHER_REGISTERS, Properties, plan
from tsrnn.losses.squared import MSE
from tsrnn.networks import devices
from tsrnn.networks.architecture import Architecture

from .problems import CELLS

Y = np.sin(np.arange(40) / 2)
SMALL = {"hidden_size": 2, "max_epochs": 1, "context_length": 4, "horizon": 2, "random_state": 0}
NOTHING = importlib.util.find_spec("numba_cuda") is None and os.environ.get("NUMBA_ENABLE_CUDASIM", "0") == "0"
without = pytest.mark.skipif(not NOTHING, reason="numba-cuda, or its simulator, is here")


# ---------------------------------------------------------------- without a GPU
@without
def test_error_without_numba_cuda():
    assert why_no_cuda() == "the package numba-cuda is not installed; pip install 'tsrnn[cuda]'"
    forecaster = LSTMForecaster(device="cuda", **SMALL)
    with pytest.raises(RuntimeError, match=r"device='cuda' cannot be used: .* pip install 'tsrnn\[cuda\]'; or use dev"):
        forecaster.fit(Y)
    assert not hasattr(forecaster, "theta_")


@without
def test_auto_uses_the_cpu():
    forecaster = LSTMForecaster(device="auto", **SMALL).fit(Y)
    assert forecaster.device_ == ("cpu", why_no_cuda())
    explicit = LSTMForecaster(**SMALL).fit(Y)
    assert explicit.device_.name == "cpu"
    np.testing.assert_array_equal(forecaster.predict(), explicit.predict())


@without
def test_predictions_use_the_current_device():
    forecaster = LSTMForecaster(**SMALL).fit(Y)
    with pytest.raises(RuntimeError, match="device='cuda' cannot be used"):
        forecaster.set_params(device="cuda").predict()
    with pytest.raises(ValueError, match="device='tpu' is not known; use one of 'cpu', 'cuda', 'auto'"):
        forecaster.set_params(device="tpu").predict()
    assert np.isfinite(forecaster.set_params(device="cpu").predict()).all()


class OnGpu:
    """An array that declares to be in the memory of a GPU."""

    __cuda_array_interface__ = {}  # noqa: RUF012

    def __array__(self, *arguments, **options):
        raise AssertionError("a copy that nobody asked for")


@pytest.mark.parametrize("make", [lambda: LSTMForecaster(**SMALL), lambda: LSTMRegressor(hidden_size=2, max_epochs=1)])
def test_arrays_on_a_gpu_are_refused(make):
    estimator = make()
    arguments = (OnGpu(), Y) if isinstance(estimator, LSTMRegressor) else (OnGpu(),)
    with pytest.raises(TypeError, match=r"[Xy] is a .*OnGpu in the memory of a GPU; pass a copy on the host"):
        estimator.fit(*arguments)


def test_work_of_a_batch(monkeypatch):
    """Twice the windows need twice the operations; on a GPU each step adds a latency."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    a = Architecture(CELLS["lstm"], 1, 1, 1, MSE, hidden_size=64)
    here, there = devices.seconds(a, 100, 256)
    assert devices.seconds(a, 100, 512)[0] == pytest.approx(2 * here)
    assert devices.seconds(a, 200, 1)[1] - devices.seconds(a, 100, 1)[1] > 100 * devices.CUDA_STEP
    assert there < here


# ---------------------------------------------------------------- plans
H100 = Properties()
SIZES = (1, 7, 32, 64, 96, 128, 129, 200, 256, 512, 1000, 2048)


@pytest.mark.parametrize("itemsize", [4, 8])
@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_plans_fit_the_device(cell, itemsize):
    for hidden_size in SIZES:
        for n_lanes in (1, 32, 256, 4096):
            chip = plan(cell, hidden_size, n_lanes, itemsize, H100)
            assert max(chip.forward_bytes, chip.backward_bytes) <= H100.shared_bytes
            words = chip.registers * len(cell.stages) * itemsize // 4
            assert chip.threads * (words + OTHER_REGISTERS) <= H100.registers or chip.registers == 0
            assert chip.registers % 4 == 0
            assert chip.registers + max(chip.forward_columns, chip.backward_columns) <= hidden_size
            assert chip.threads <= H100.most_threads
            assert chip.blocks <= H100.most_blocks


def test_kernels_a_and_b():
    """One block holds all weights up to 128 units, a few blocks share them up to 512; wider ones read from L2."""
    for name in ("lstm", "gru", "rnn_tanh"):
        for hidden_size in (32, 64, 128, 256, 512):
            chip = plan(CELLS[name], hidden_size, 32, 4, H100)
            assert (chip.blocks == 1) == (hidden_size <= (256 if name == "rnn_tanh" else 128)), (name, hidden_size)
            assert chip.registers + min(chip.forward_columns, chip.backward_columns) == hidden_size, name
    wide = plan(CELLS["lstm"], 4096, 32, 4, H100)
    assert wide.registers + wide.backward_columns < 4096 // 4
    assert not plan(CELLS["lstm"], 4096, 32, 4, H100._replace(cooperative=False)).on_chip
    assert plan(CELLS["lstm"], 256, 32, 4, H100._replace(cooperative=False)).blocks == 1


def test_small_devices_get_small_teams():
    """All blocks of a team must be resident at the same time, one on each multiprocessor."""
    for multiprocessors in (1, 2, 14, 20):
        small = Properties(multiprocessors, 64 * 1024)
        for hidden_size in (128, 256, 1024):
            assert plan(CELLS["lstm"], hidden_size, 32, 4, small).blocks <= multiprocessors


def test_a_batch_uses_the_whole_device():
    assert [plan(CELLS["lstm"], 64, n, 4, H100).lanes for n in (1, 132, 133, 1024)] == [1, 1, 2, 8]
