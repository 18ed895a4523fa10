"""The CUDA backend, on a GPU or in the simulator: every way to lay a layer out, and what is the device's alone.

What the CPU's kernels promise is tested for this backend by the same tests: ``TSRNN_TEST_DEVICE=cuda`` runs
test_kernels, test_decoder, test_engine and test_smoke on it. Shapes are tiny, since the simulator has a thread of the
processor for each thread of a block.
"""

from __future__ import annotations

import pytest
from numpy.testing import assert_allclose

from .problems import CELLS, DEVICE, kernels, problem, run

if DEVICE != "cuda":
    pytest.skip("needs TSRNN_TEST_DEVICE=cuda", allow_module_level=True)

from tsrnn.kernels.cuda.backend import CudaBackend
from tsrnn.kernels.cuda.device import SIMULATED
from tsrnn.kernels.cuda.plan import Properties

from .numpy_backend import NumpyBackend

EXACT = {"rtol": 1e-11, "atol": 1e-13}
H = 5
#: Where a layer's weights may lie: threads, registers of a block, bytes of shared memory, blocks of a team.
LAYOUTS = {
    "registers and shared memory": (32, 32 * 100, 2**17, 1),
    "shared memory": (32, 0, 2**17, 1),
    "a part in L2": (32, 0, 9 * 2**10, 1),
    "L2": (8, 0, 2**15, 1),
    "two blocks": (16, 16 * 100, 2**17, 2),
    "two blocks and L2": (8, 0, 2**15, 2),
}


def backend(name: str, lanes: int) -> CudaBackend:
    threads, registers, shared, blocks = LAYOUTS[name]
    limits = Properties(2, shared, registers, threads, blocks)
    return CudaBackend(limits, lanes) if SIMULATED else kernels(lanes)


def of_layout(name: str, lanes: int = 2):
    return pytest.param(name, lanes, id=f"{name}, {lanes} lanes")


every_layout = pytest.mark.parametrize(
    ("layout", "lanes"),
    [*map(of_layout, LAYOUTS), of_layout("registers and shared memory", 4), of_layout("shared memory", 1),
     of_layout("two blocks", 8)],
)  # fmt: skip


@pytest.mark.parametrize("cell", ["lstm", "gru", "gru_reset_before", "rnn_relu"])
@every_layout
def test_every_layout_computes_the_same(cell, layout, lanes):
    p = problem(CELLS[cell], n_inputs=2, hidden=H, layers=2, context=3, lanes=3, ragged=True, n_outputs=2, lags=2)
    found, exact = run(p, backend(layout, lanes)), run(p, NumpyBackend())
    for kind in ("outputs", "loss", "theta", "x"):
        assert_allclose(getattr(found, kind), getattr(exact, kind), **EXACT, err_msg=kind)
