"""What the kernels' tests share: the backends under test, all cells, and how exact a result has to be."""

from __future__ import annotations

import pytest

from .numpy_backend import NumpyBackend
from .problems import CELLS, COMPILED, DEVICE, kernels

compiled = pytest.mark.skipif(not COMPILED, reason="needs the compiler")
KERNELS = kernels(None if COMPILED else 2)
BACKENDS = {DEVICE: KERNELS, "numpy": NumpyBackend()}
both = pytest.mark.parametrize("backend", BACKENDS.values(), ids=BACKENDS)
#: Where a cell has to be compiled in float64, ten seconds each, most runs make do with these: two states, two stages, a
#: kink. Without the compiler (`nojit`, `cudasim`) and with ``-m exhaustive`` it is all of them.
SAMPLE = ("lstm", "gru_reset_before", "rnn_relu")
every_cell = pytest.mark.parametrize(
    "cell",
    [
        pytest.param(cell, marks=[pytest.mark.exhaustive] if COMPILED and name not in SAMPLE else [], id=name)
        for name, cell in CELLS.items()
    ],
)
#: Sums of some hundred float64 terms of order one in another order: 1e-14; activations add a few units of rounding.
EXACT = {"rtol": 1e-11, "atol": 1e-13}
