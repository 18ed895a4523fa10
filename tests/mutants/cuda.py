"""The faults in the CUDA kernels: wrong numbers, which the simulator shows, and barriers that are missing."""

from __future__ import annotations

from .mutant import CUDA, Mutant


def _of(device: str, *lines: tuple[str, str, str, str]) -> list[Mutant]:
    return [Mutant(name, f"kernels/cuda/{file}.py", old, new, (CUDA,), device) for name, file, old, new in lines]


MUTANTS = [
    *_of(
        "cuda",
        ("a product that adds does not", "products", "peek(out, to) if add else zero", "zero"),
        ("the last column left out", "rows", "for j in range(done, H):", "for j in range(done, H - 1):"),
        (
            "a transposed row begins at the product's first", "rows",
            "(columns - H + u) * table[line, ROWS] + table[line, ROW]", "(columns - H + u) * table[line, ROWS]",
        ),
        ("a lane that starts later does not keep its state", "recurrent", " if late else new_{state}", ""),
        ("the gradient of a step before the start", "recurrent", "zero if late else new_{row}", "new_{row}"),
        (
            "the gradient of the inputs by the last product alone", "recurrent",
            "n_inputs, (t1 - t0) * B, rows, not first", "n_inputs, (t1 - t0) * B, rows, False",
        ),
        ("the state after a step for that before it", "recurrent", '"h_prev": "peek(X, (t * K + i)',
         '"h_prev": "peek(X, ((t + 1) * K + i)'),
        ("one tile's weight for that of the batch", "batch", "for tile in range(tiles()):", "for tile in range(1):"),
        ("short windows begin at once", "batch", "late = max(WHOLE, T - length[w])", "late = WHOLE"),
        ("the first tile's gradient alone", "batch", "for i in range(1, n_tiles):", "for i in range(1, 1):"),
        ("the operand's first row for the product's", "batch", "X, line[FIRST] * B,", "X, 0 * B,"),
        ("clipped when small", "batch", "if norm > clip else", "if norm < clip else"),
        ("the total is not taken away", "backend", 'work.pool.write("total", np.zeros(4))', "pass"),
        ("the last batch has others' windows", "backend", "min(last, len(order)) - first", "last - first"),
        ("relu of the other side", "port", "return activations.ZERO if x < activations.ZERO else x",
         "return activations.ZERO if x > activations.ZERO else x"),
        ("an interrupted fit keeps its memory", "device", "_let_go(error)\n        raise", "raise"),
        ("room for half of what is needed", "memory", "if needed(n_lanes) <= free:", "if needed(n_lanes) <= 2 * free:"),
    ),
    *_of(
        "ptx",
        ("gates are read before all are there", "recurrent",
         "poke(memory, gates_at + r * B + b, known[b] + sums[b])\n        pause()",
         "poke(memory, gates_at + r * B + b, known[b] + sums[b])"),
        ("the next step does not wait for the state", "recurrent",
         "states_at, span)\n        if alone:\n            pause()",
         "states_at, span)\n        if alone:\n            pass"),
        ("blocks do not wait for the others' states", "recurrent",
         "pause()\n        else:\n            meet()\n            if writes_h:",
         "pause()\n        else:\n            pause()\n            if writes_h:"),
        ("what a block collects is used at once", "rows", "peek(array, at + e))\n        pause()",
         "peek(array, at + e))"),
        ("a product's operands are used at once", "products",
         "poke(memory, y_at + e, value)\n            pause()", "poke(memory, y_at + e, value)"),
        ("the next operands come too early", "products",
         "own_n + j)\n            pause()", "own_n + j)"),
        ("the gates' known part is read at once", "recurrent",
         "table[line, COLUMNS], False,\n                )  # fmt: skip\n        meet()",
         "table[line, COLUMNS], False,\n                )  # fmt: skip"),
        ("a team's blocks do not meet", "team", "if blocks > 1:", "if blocks > 2:"),
        ("a team looks once whether all have come", "team",
         "while (before ^ arrivals(team)) & LAST_BIT == 0:\n            pass", "before ^= arrivals(team)"),
        ("what is passed back is read at once", "recurrent",
         "sums[b])\n        pause()\n        combine", "sums[b])\n        combine"),
        ("nobody waits before a team meets", "team", "def meet():\n        cuda.syncthreads()",
         "def meet():\n        pass"),
        ("a sum is read before it is one", "batch", "scratch[own] = value\n        meet()", "scratch[own] = value"),
    ),
]  # fmt: skip
