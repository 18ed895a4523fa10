"""Rows of recurrent weights: which thread works on which, and where it keeps them.

A *row* is one unit of one gate plane that a product fills. A block of a team has a slice of the units; each of its
threads has one row of each stage, for all steps: the first columns in registers, more in shared memory, what is left
in the L2 cache. Where there are more rows than threads, a thread goes through several, and all of them stay in L2.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...cells.cell import Cell
from ..port import Port
from .device import device, local
from .intrinsics import peek, poke, quad
from .plan import Chip, rows_of_stages
from .products import Products
from .team import Team

cuda = local
inlined = functools.partial(device, inline=True)
#: What a row's recurrent columns read, in a line of `row_table`: nothing, h, or an inner operand (and the next ones).
NONE, STATE, INNER = range(3)
#: Columns of `row_table`.
PLANE, FIRST, COLUMNS, WEIGHTS, STRIDE, READS, ROWS, ROW = range(8)
#: Unroll limit, in multiply-adds, for the part of the dot product that lies in shared memory.
MOST_WRITTEN = 64


def row_table(cell: Cell, products: np.ndarray, hidden_size: int) -> np.ndarray:
    """Return the gates of each layer that products fill, (L, n, 8), from the tables of products (L, n_products, any).

    A line: the plane; the first row of the operand and number of rows that are known beforehand; where the product's
    weights begin; their columns; what the last `hidden_size` of these read; their rows, and the plane's first.
    """
    tables = []
    for layer in products.tolist():
        lines = []
        for product, (r0, r1, p0, p1, w, *_) in zip(cell.products, layer, strict=True):
            reads = reads_of(cell, product.operand)
            known = r1 - r0 - (hidden_size if reads != NONE else 0)
            for p in range(p0, p1):
                lines.append((p, r0, known, w, r1 - r0, reads, (p1 - p0) * hidden_size, (p - p0) * hidden_size))
        tables.append(lines)
    return np.array(tables, np.int64)


def reads_of(cell: Cell, operand: str) -> int:
    """Return what the recurrent columns of a product with this operand read: `NONE`, `STATE` or `INNER` + number."""
    if operand in cell.inner:
        return INNER + cell.inner.index(operand)
    return STATE if operand.endswith("h") else NONE


class LayerPlan:
    """What the loops over time of a layer are built from: cell, plan, team, products, compiler and precision."""

    def __init__(self, cell: Cell, chip: Chip, team: Team, products: Products, port: Port, dtype: Any):
        self.cell, self.chip, self.team, self.products, self.port = cell, chip, team, products, port
        self.dtype, self.zero = dtype, dtype(0)
        ends = np.cumsum(rows_of_stages(cell)).tolist()
        #: Each stage with its lines of the row table.
        self.stages = list(zip(cell.stages, [0, *ends[:-1]], ends, strict=True))
        planes = [plane for product in cell.products for plane in product.planes]
        #: The planes of each stage's rows.
        self.rows = [planes[first:last] for _, first, last in self.stages]


def element_loop(layer: LayerPlan, name: str, function: Callable, arguments: str, lines: Sequence[str]) -> Callable:
    """Write a loop around `lines` over the units of this block and the lanes, each always by the same thread.

    `g` is the element's number in a plane of all units, `e` that in the block's slice, of `size` elements.
    """
    text = [
        f"def {name}({arguments}, span):",
        "    u0, units, starts, last_start = span",
        "    size = units * B",
        "    for e in range(thread(), size, n_threads):",
        "        g, late = u0 * B + e, t < last_start and t < starts[e % B]",
        *(f"        {line}" for line in lines),
    ]
    namespace = {
        "thread": layer.team.thread, "n_threads": layer.chip.threads, "B": layer.chip.lanes,
        "P": len(layer.cell.planes), "peek": peek, "poke": poke, "padded4": padded4, "zero": layer.zero,
        "equation": layer.port(function),
    }  # fmt: skip
    exec(compile("\n".join(text), f"<loop {name}>", "exec"), namespace)
    return inlined(namespace[name])


def call(reads: Sequence[str], writes: Sequence[str]) -> str:
    """Return the line that calls an equation."""
    return f"{', '.join(f'new_{name}' for name in writes)} = equation({', '.join(f'old_{name}' for name in reads)})"


@inlined
def padded4(n):
    """Return n or the next multiple of four."""
    return (n + 3) // 4 * 4


def build_find(layer: LayerPlan, index: int, transposed: bool) -> Callable:
    """Return ``find(rows, table, r, ...)``: where row `r` of a stage lies, for the thread that works on it.

    ``rows[3 * index:]`` takes its place in the gate planes of a step, what its recurrent part reads, and where these
    weights begin; `transposed`, for a row of the transposed weights, the operand's place instead of the first.
    """
    _, first, _ = layer.stages[index]
    B, mine = layer.chip.lanes, 3 * index

    @inlined
    def find(rows, table, r, u0, units, H, N):
        line, u = first + r // units, u0 + r % units
        columns = table[line, STRIDE]
        rows[mine], rows[mine + 1] = table[line, PLANE] * N + u * B, table[line, READS]
        rows[mine + 2] = table[line, WEIGHTS] + (table[line, ROW] + u) * columns + columns - H
        if transposed:
            rows[mine] = r // units * padded4(N)
            rows[mine + 2] = table[line, WEIGHTS] + (columns - H + u) * table[line, ROWS] + table[line, ROW]

    return find


def build_prepare(layer: LayerPlan, columns: int, transposed: bool) -> Callable:
    """Return ``prepare``, which loads the weights of a thread's rows; `columns` of them go to shared memory."""
    parts = [_build_prepare_stage(layer, columns, transposed, index) for index in range(len(layer.stages))]

    def then(one: Callable, other: Callable) -> Callable:
        @inlined
        def both(theta, table, rows, W, memory, weights_at, u0, units, H, N):
            one(theta, table, rows, W, memory, weights_at, u0, units, H, N)
            other(theta, table, rows, W, memory, weights_at, u0, units, H, N)

        return both

    return functools.reduce(then, parts)


def _build_prepare_stage(layer: LayerPlan, columns: int, transposed: bool, index: int) -> Callable:
    _, first, last = layer.stages[index]
    find, on_chip, R, S = build_find(layer, index, transposed), layer.chip.on_chip, layer.chip.registers, columns
    to_registers = written_out("W, theta, at", [f"W[{index * R + j}] = peek(theta, at + {j})" for j in range(R)])
    n_rows, thread, width = last - first, layer.team.thread, layer.chip.width
    mine, offset = 3 * index, index * S * width

    @inlined
    def prepare(theta, table, rows, W, memory, weights_at, u0, units, H, N):
        if on_chip and thread() < n_rows * units:
            find(rows, table, thread(), u0, units, H, N)
            if rows[mine + 1] != NONE:
                at, to = rows[mine + 2], weights_at + offset + thread()
                to_registers(W, theta, at)
                for j in range(R, min(R + S, H)):
                    poke(memory, to + (j - R) * width, peek(theta, at + j))

    return prepare


def written_out(arguments: str, lines: Sequence[str]) -> Callable:
    """Return a function of these lines: W lies in registers only if each of its indices is a constant, in no loop."""
    text = "\n    ".join([f"def run({arguments}):", "pass", *lines])
    exec(compile(text, "<written out>", "exec"), namespace := {"peek": peek, "quad": quad})
    return inlined(namespace["run"])


def build_dot(layer: LayerPlan, columns: int, index: int) -> Callable:
    """Return ``dot``: sums (B,) += a row of stage `index` times an operand in shared memory, (H, B) from `x_at` on.

    Four elements are read at once. The loop over the columns in shared memory is unrolled, so that their offsets from a
    moving one are constants.
    """
    chip, S, thread = layer.chip, columns, layer.team.thread
    B, R, width = chip.lanes, chip.registers, chip.width
    offset, at_once = index * S * width, max(4, MOST_WRITTEN // B)
    rounds, rest = S // at_once, S % at_once
    rest -= rest % max(1, 4 // B)
    done = R + rounds * at_once + rest

    def in_shared(n: int) -> Callable:
        weights = [f"w{column} = peek(memory, w + {column * width})" for column in range(n)]
        return written_out("sums, memory, w, x", weights + _products(B, n, lambda column: f"w{column}"))

    in_registers = written_out("sums, W, memory, x", _products(B, R, lambda column: f"W[{index * R + column}]"))
    one_round, last_round = in_shared(at_once if rounds else 0), in_shared(rest)

    @inlined
    def dot(sums, W, memory, weights_at, theta, at, x_at, H):
        w, x = weights_at + offset + thread(), x_at + R * B
        in_registers(sums, W, memory, x_at)
        for _ in range(rounds):
            one_round(sums, memory, w, x)
            w += at_once * width
            x += at_once * B
        last_round(sums, memory, w, x)
        own = weights_at + offset + thread()
        for j in range(done, H):
            weight = peek(memory, own + (j - R) * width) if j < R + S else peek(theta, at + j)
            for b in range(B):
                sums[b] += weight * peek(memory, x_at + j * B + b)

    return dot


def _products(B: int, n: int, weight: Callable[[int], str]) -> list[str]:
    """Return lines that add the products of `n` columns, of which B * n is a multiple of four."""
    lines = []
    for k in range(0, n * B, 4):
        lines += [f"v = quad(memory, x + {k})"]
        lines += [f"sums[{(k + m) % B}] += {weight((k + m) // B)} * v[{m}]" for m in range(4)]
    return lines


def build_collect(layer: LayerPlan) -> Callable:
    """Return ``collect``: memory[to ..] = n elements of `array` from `at` on, by one block, with a barrier after it."""
    thread, n_threads, block_barrier = layer.team.thread, layer.chip.threads, layer.team.block_barrier

    @inlined
    def collect(memory, to, array, at, n):
        for e in range(thread(), n, n_threads):
            poke(memory, to + e, peek(array, at + e))
        block_barrier()

    return collect
