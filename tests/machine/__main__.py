"""Count the PTX instructions of one thread in one step of a layer: ``python -m tests.machine lstm 64 --lanes 2``.

The launch plan is that of an H100. A forward and a backward pass run over 4 and over 8 steps, and the difference is
that of four steps. The count contains neither the instructions of the assembler nor waiting times.
"""

from __future__ import annotations

import argparse
from collections import Counter

from . import driver

driver.install()

from tests.problems import CELLS, problem, run  # noqa: E402 - after `install`
from tsrnn.kernels.cuda.backend import CudaBackend  # noqa: E402
from tsrnn.kernels.cuda.plan import Properties  # noqa: E402

#: Kinds of instructions, by the functions that statements call.
NAMES = {
    "fused(": "multiply-adds", "load(": "loads", "store(": "stores", "divided(": "divisions", "remainder(": "divisions",
}  # fmt: skip


def counted(cell: str, hidden_size: int, lanes: int, n_steps: int) -> dict[str, Counter]:
    """Number of instructions of a thread in the forward and the backward pass of one tile, by kind."""
    backend = CudaBackend(Properties(), lanes)
    work = run(problem(CELLS[cell], hidden=hidden_size, context=n_steps, lanes=lanes), backend, "float32").work
    found = {}
    for name in ("forward", "backward"):
        compiled = getattr(backend._network(work), name).compiled
        found[name] = kinds = Counter()
        for (_, block), visits in zip(compiled.steps, compiled.visits, strict=True):
            for statement in block.statements:
                kind = next((kind for call, kind in NAMES.items() if call in statement), "others")
                kinds[kind] += int(visits)
            kinds["jumps and barriers"] += int(visits) * (block.end != "go")
        compiled.visits[:] = 0
        for kind in kinds:
            kinds[kind] /= work.chip.threads * work.chip.blocks
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cell", choices=list(CELLS))
    parser.add_argument("hidden_size", type=int)
    parser.add_argument("--lanes", type=int, default=2, help="windows of a tile")
    args = parser.parse_args()
    few, many = (counted(args.cell, args.hidden_size, args.lanes, n_steps) for n_steps in (4, 8))
    for name in few:
        step = {kind: (many[name][kind] - few[name][kind]) / 4 for kind in many[name]}
        print(f"{name}: {sum(step.values()):.0f} instructions of a thread in a step, of which")
        for kind, count in sorted(step.items(), key=lambda item: -item[1]):
            print(f"  {count:7.1f}  {kind}")


if __name__ == "__main__":
    main()
