"""The faults in the CUDA kernels: wrong numbers, which the simulator shows, and barriers that are missing."""

from __future__ import annotations

from .mutant import CUDA, Mutant


def _of(device: str, *lines: tuple[str, str, str, str]) -> list[Mutant]:
    return [Mutant(name, f"kernels/cuda/{at}", old, new, (CUDA,), device) for name, at, old, new in lines]


MUTANTS = [
    *_of(
        "cuda",
        ("a product that adds does not", "products.py::end", "peek(out, to) if add else zero", "zero"),
        ("the last column left out", "rows.py::dot", "range(done, H)", "range(done, H - 1)"),
        (
            "a transposed row begins at the product's first", "rows.py::find",
            "__at + (columns - H + u) * table[line, ROWS] + table[line, ROW]",
            "__at + (columns - H + u) * table[line, ROWS]",
        ),
        (
            "a lane that starts later does not keep its state", "recurrent.py::_build_equation",
            'f"new_{state} = old_{state}_prev if late else new_{state}"', 'f"new_{state} = old_{state}_prev"',
        ),
        (
            "the gradient of a step before the start", "recurrent.py::_build_gradient",
            'f"new_{row} = zero if late else new_{row}"', 'f"new_{row} = new_{row}"',
        ),
        (
            "the gradient of the inputs by the last product alone", "recurrent.py::to_inputs",
            "product(*__operands, not first)", "product(*__operands, False)",
        ),
        (
            "the state after a step for that before it", "recurrent.py::_build_gradient",
            '"peek(X, (t * K + i) * B + g)"', '"peek(X, ((t + 1) * K + i) * B + g)"',
        ),
        ("one tile's weight for that of the batch", "batch.py::tile_loss", "range(tiles())", "range(1)"),
        ("short windows begin at once", "batch.py::gather", "max(WHOLE, T - length[w])", "WHOLE"),
        ("the first tile's gradient alone", "batch.py::sum_gradients", "range(1, n_tiles)", "range(1, 1)"),
        ("the operand's first row for the product's", "batch.py::one_tile", "line[FIRST] * B", "0 * B"),
        ("clipped when small", "batch.py::update", "norm > clip", "norm < clip"),
        (
            "the total is not taken away", "backend.py::CudaBackend.take_total",
            "work.pool.fill(TILE_TOTAL, *__zeros)", "",
        ),
        (
            "the last batch has others' windows", "backend.py::CudaBackend.part", "min(last, len(order)) - first",
            "last - first",
        ),
        ("relu of the other side", "elementary.py::_relu", "x < activations.ZERO", "x > activations.ZERO"),
        ("a program runs the operation before", "team.py::run", "number == k", "number == k - 1"),
        (
            "the operations of the gradient have the forward pass's numbers", "backend.py::CudaBackend.backward",
            "gradients_of(work.operations)", "work.operations + gradients_of(work.operations)",
        ),
        (
            "room for half of what is needed", "memory.py::check_room", "needed(n_lanes) <= free",
            "needed(n_lanes) <= 2 * free",
        ),
    ),
    *_of(
        "ptx",
        ("gates are read before all are there", "recurrent.py::gates", "block_barrier()", ""),
        (
            "the next step does not wait for the state", "recurrent.py::step",
            "if alone: block_barrier()\nelse:\n    barrier()\n    if writes_h: *__collect\n    *__rest",
            "if alone: pass\nelse:\n    barrier()\n    if writes_h: *__collect\n    *__rest",
        ),
        (
            "blocks do not wait for the others' states", "recurrent.py::step",
            "if alone: block_barrier()\nelse:\n    barrier()\n    if writes_h: *__collect\n    *__rest",
            "if alone: block_barrier()\nelse:\n    block_barrier()\n    if writes_h: *__collect\n    *__rest",
        ),
        ("what a block collects is used at once", "rows.py::collect", "block_barrier()", ""),
        (
            "a product's operands are used at once", "products.py::accumulate",
            "block_barrier()\nfor k in __depth: *__body", "for k in __depth: *__body",
        ),
        (
            "the next operands come too early", "products.py::accumulate",
            "for k in range(min(depth, K - k0)): *__body\nblock_barrier()",
            "for k in range(min(depth, K - k0)): *__body",
        ),
        ("the gates' known part is read at once", "recurrent.py::known", "barrier()", ""),
        ("a team's blocks do not wait for each other", "team.py::barrier", "blocks > 1", "blocks > 2"),
        (
            "a team looks once whether all have come", "team.py::_wait_for_blocks",
            "while (before ^ arrivals(team)) & LAST_BIT == 0: pass", "before ^= arrivals(team)",
        ),
        (
            "what is passed back is read at once", "recurrent.py::step", "block_barrier()\ncombine(*__parts)",
            "combine(*__parts)",
        ),
        (
            "nobody waits before a team's barrier", "team.py::barrier", "cuda.syncthreads()\nif blocks > 1: *__others",
            "if blocks > 1: *__others",
        ),
        (
            "a sum is read before it is one", "batch.py::total", "scratch[own] = value\nbarrier()",
            "scratch[own] = value",
        ),
    ),
]  # fmt: skip
