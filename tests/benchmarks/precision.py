"""Float64 over float32: forward and backward of the public kernels on the shapes of `kernels`, timed alternating.

python -m tests.benchmarks.precision [--cells lstm gru rnn_tanh] [--repeats N]
"""

from __future__ import annotations

import argparse
import statistics

import numpy as np

from .kernels import BUILT_IN, SHAPES, alternate, build_ours
from .measure import line


def ratio(cell: object, shape: tuple[int, ...], repeats: int) -> float:
    """How much longer float64 takes."""
    x = np.random.default_rng(0).standard_normal(shape[:3]).astype(np.float32)
    seconds = alternate({d: build_ours(cell, shape, x, False, d)[2] for d in ("float32", "float64")}, repeats)
    return seconds["float64"] / seconds["float32"]


def main() -> None:
    """The shapes' ratios of each cell, their geometric mean and the worst."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    from tsrnn.cells.registry import all_cells

    cells = all_cells()
    parser.add_argument("--cells", nargs="+", default=list(BUILT_IN), choices=list(cells))
    parser.add_argument("--repeats", type=int)
    args = parser.parse_args()
    from tsrnn.kernels import get_backend

    with get_backend("cpu").session():
        for name in args.cells:
            ratios = [ratio(cells[name], shape, args.repeats or shape[-1]) for shape in SHAPES]
            each = " ".join(f"{value:.2f}" for value in ratios)
            line(f"float64/float32, {name}, geometric mean", statistics.geometric_mean(ratios), "", 2.5, f"({each})")
            line(f"float64/float32, {name}, worst", max(ratios), "", 3.5)


if __name__ == "__main__":
    main()
