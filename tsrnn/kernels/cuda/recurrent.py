"""The loops over time of a layer on the device: a team of threads keeps the recurrent weights on the chip.

The part of the gates that does not depend on the state, W_x [x; 1], is one product over all steps and lanes. Then the
state goes from step to step in shared memory, while the weights stay in registers and shared memory (`rows`). Blocks of
one team read each other's slices of the state through L2, after one barrier a step. The gradient does the same with
transposed weights, and with gate gradients in the place of states; that of the inputs is one product over all steps.

Shapes and names are those of `parts.recurrent`. ``<name>_at`` is where `name` begins in shared memory.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ...cells.cell import Cell
from ...parts.lanes import parameters_of
from ...parts.recurrent import LayerLoops
from ..port import Port
from .device import device as of_device
from .device import local
from .intrinsics import noinline, peek, poke
from .plan import Chip, rows_of_stages
from .products import Products
from .rows import (
    COLUMNS,
    FIRST,
    INNER,
    NONE,
    PLANE,
    ROW,
    ROWS,
    STATE,
    STRIDE,
    WEIGHTS,
    LayerPlan,
    build_collect,
    build_dot,
    build_find,
    build_prepare,
    call,
    element_loop,
    inlined,
    padded4,
    reads_of,
)
from .team import Team

cuda = local


def build_layer(cell: Cell, chip: Chip, team: Team, products: Products, port: Port, dtype: Any) -> LayerLoops:
    """Return the two loops over time of a layer of `cell`."""
    layer = LayerPlan(cell, chip, team, products, port, np.dtype(dtype).type)
    return LayerLoops(_build_scan(layer), _build_bptt(layer))


def _then(one: Callable, other: Callable) -> Callable:
    """Return the function that runs two stages of a step, or of its gradient."""

    @inlined
    def both(theta, rows, W, memory, X, A, C, table, t, i, places, span):
        one(theta, rows, W, memory, X, A, C, table, t, i, places, span)
        other(theta, rows, W, memory, X, A, C, table, t, i, places, span)

    return both


# ---------------------------------------------------------------- forward
def _build_gates(layer: LayerPlan, index: int) -> Callable:
    """Return the products of one stage at one step: the known part of each row plus its recurrent part."""
    _, first, last = layer.stages[index]
    chip, team, dtype, zero = layer.chip, layer.team, layer.dtype, layer.zero
    n_rows, mine, on_chip, P = last - first, 3 * index, chip.on_chip, len(layer.cell.planes)
    B, thread, n_threads, block_barrier = chip.lanes, team.thread, chip.threads, team.block_barrier
    find, dot = build_find(layer, index, False), build_dot(layer, chip.forward_columns, index)

    @inlined
    def gates(theta, rows, W, memory, A, table, t, h_at, inner_at, gates_at, weights_at, u0, units):
        N = A.shape[2]
        H = N // B
        for r in range(thread(), n_rows * units, n_threads):
            if not on_chip:
                find(rows, table, r, u0, units, H, N)
            known, sums = cuda.local.array(B, dtype), cuda.local.array(B, dtype)
            for b in range(B):  # loaded now, needed after the product, which hides the wait
                known[b] = peek(A, t * P * N + rows[mine] + b)
                sums[b] = zero
            if rows[mine + 1] != NONE:
                x_at = h_at if rows[mine + 1] == STATE else inner_at + (rows[mine + 1] - INNER) * padded4(N)
                dot(sums, W, memory, weights_at, theta, rows[mine + 2], x_at, H)
            for b in range(B):
                poke(memory, gates_at + r * B + b, known[b] + sums[b])
        block_barrier()

    return gates


def _build_equation(layer: LayerPlan, index: int) -> Callable:
    """Return the equation of one stage at one step; lanes that start later keep their states."""
    cell, own, (stage, _, _), S = layer.cell, layer.rows[index], layer.stages[index], len(layer.cell.states)
    reads = parameters_of(stage.forward)
    to_plane = {plane: f"A, (t * P + {p}) * N + g" for p, plane in enumerate(cell.planes)}
    source = {plane: f"peek({to_plane[plane]})" for plane in cell.planes}
    source |= {plane: f"peek(memory, gates_at + {q} * size + e)" for q, plane in enumerate(own)}
    source |= {inner: f"peek(memory, inner_at + {j} * N4 + g)" for j, inner in enumerate(cell.inner)}
    source["h_prev"] = "peek(memory, h_at + g)"
    for s, state in enumerate(cell.states[1:]):
        source[f"{state}_prev"] = f"peek(memory, states_at + {s} * size + e)"
    states = [state for state in cell.states if state in stage.writes]
    needed = dict.fromkeys([*reads, *(f"{state}_prev" for state in states)])
    lines = ["N, K = A.shape[2], X.shape[1]", "N4 = padded4(N)"]
    lines += [f"old_{row} = {source[row]}" for row in needed]
    lines += [call(reads, stage.writes)]
    lines += [f"new_{state} = old_{state}_prev if late else new_{state}" for state in states]
    lines += [  # a plane that the equation leaves as it is holds its products
        f"poke({to_plane[row]}, {source[row]})" for row in own if row not in stage.writes
    ]
    for row in stage.writes:
        if row in cell.planes:
            lines += [f"poke({to_plane[row]}, new_{row})"]
        elif row in cell.inner:
            j = cell.inner.index(row)
            lines += [f"poke(X, (t * K + i) * B + {j + 1} * N + g, new_{row})"]
            lines += [f"poke(memory, inner_at + {j} * N4 + g, new_{row})"]
        elif row == "h":
            lines += ["poke(X, ((t + 1) * K + i) * B + g, new_h)", "poke(memory, next_at + g, new_h)"]
        else:
            s = cell.states.index(row) - 1
            lines += [f"poke(C, ((t + 1) * {S - 1} + {s}) * N + g, new_{row})"]
            lines += [f"poke(memory, states_at + {s} * size + e, new_{row})"]
    arguments = "memory, X, A, C, t, i, h_at, next_at, inner_at, gates_at, states_at"
    return element_loop(layer, f"{cell.name}_{index}_equation", stage.forward, arguments, lines)


def _build_step(layer: LayerPlan, index: int) -> Callable:
    """Return one stage of one step: gates, equation, and the copies of states that other blocks have computed."""
    stage, _, _ = layer.stages[index]
    gates, equation, collect = _build_gates(layer, index), _build_equation(layer, index), build_collect(layer)
    inner = [layer.cell.inner.index(name) for name in stage.writes if name in layer.cell.inner]
    writes_h, n_inner, j0 = "h" in stage.writes, len(inner), min(inner, default=0)
    team, B = layer.team, layer.chip.lanes
    alone, barrier, block_barrier = team.blocks == 1, team.barrier, team.block_barrier

    @inlined
    def step(theta, rows, W, memory, X, A, C, table, t, i, places, span):
        inner_at, gates_at, states_at, weights_at = places
        N, K = A.shape[2], X.shape[1]
        N4 = padded4(N)
        h_at, next_at = t % 2 * N4, (t + 1) % 2 * N4  # two, so that the old one may still be read
        gates(theta, rows, W, memory, A, table, t, h_at, inner_at, gates_at, weights_at, span[0], span[1])
        equation(memory, X, A, C, t, i, h_at, next_at, inner_at, gates_at, states_at, span)
        if alone:
            block_barrier()
        else:
            barrier()
            if writes_h:
                collect(memory, next_at, X, ((t + 1) * K + i) * B, N)
            for j in range(j0, j0 + n_inner):
                collect(memory, inner_at + j * N4, X, (t * K + i) * B + (j + 1) * N, N)

    return step


def _build_scan(layer: LayerPlan) -> Callable:
    cell, chip, team, dtype = layer.cell, layer.chip, layer.team, layer.dtype
    step = functools.reduce(_then, [_build_step(layer, index) for index in range(len(layer.stages))])
    prepare, known = build_prepare(layer, chip.forward_columns, False), _build_known(layer)
    B, blocks, n_threads, S, J = chip.lanes, chip.blocks, chip.threads, len(cell.states), len(cell.inner)
    n_weights, n_rows = max(1, len(layer.stages) * chip.registers), 3 * len(layer.stages)
    most, member, thread, shared = max(rows_of_stages(cell)), team.member, team.thread, team.shared
    block_barrier, barrier = team.block_barrier, team.barrier

    @of_device
    def scan(theta, table, n_inputs, X, A, C, t0, t1, starts, last_start, scratch):
        """Steps t0 to t1 of one layer, as in `parts.recurrent`; `table` is the layer's row table."""
        noinline()
        N, K, i = A.shape[2], X.shape[1], n_inputs + 1
        H, N4 = N // B, padded4(N)
        u0 = member() * H // blocks
        units = (member() + 1) * H // blocks - u0
        size, inner_at = units * B, 2 * N4
        gates_at = inner_at + J * N4
        states_at = gates_at + most * size
        weights_at = states_at + (S - 1) * size
        known(theta, table, X, A, t0, t1)
        memory, W = shared(cuda.shared.array(0, dtype, alignment=16)), cuda.local.array(n_weights, dtype)
        rows = cuda.local.array(n_rows, np.int64)
        prepare(theta, table, rows, W, memory, weights_at, u0, units, H, N)
        for e in range(thread(), N, n_threads):
            poke(memory, t0 % 2 * N4 + e, peek(X, (t0 * K + i) * B + e))
        for e in range(thread(), size, n_threads):
            for s in range(S - 1):
                poke(memory, states_at + s * size + e, peek(C, (t0 * (S - 1) + s) * N + u0 * B + e))
        block_barrier()
        places, span = (inner_at, gates_at, states_at, weights_at), (u0, units, starts, last_start)
        for t in range(t0, t1):
            step(theta, rows, W, memory, X, A, C, table, t, i, places, span)
        barrier()

    return scan


def _build_known(layer: LayerPlan) -> Callable:
    product, barrier = layer.products.product, layer.team.barrier
    B, P = layer.chip.lanes, len(layer.cell.planes)

    @of_device
    def known(theta, table, X, A, t0, t1):
        """A of steps t0 to t1 = the part of the gates that does not depend on the state: W_x [x; 1], or 0."""
        N, K = A.shape[2], X.shape[1]
        for line in range(table.shape[0]):
            if table[line, ROW] == 0:  # the first plane of a product; the others follow it
                product(
                    theta, table[line, WEIGHTS], (B * table[line, STRIDE], table[line, STRIDE]), (B, 1),
                    X, (t0 * K + table[line, FIRST]) * B, (B * B, B), (K * B, 1),
                    A, (t0 * P + table[line, PLANE]) * N, (B * B, B), (P * N, 1),
                    table[line, ROWS], (t1 - t0) * B, table[line, COLUMNS], False,
                )  # fmt: skip
        barrier()

    return known


# ---------------------------------------------------------------- backward
def _build_gradient(layer: LayerPlan, index: int) -> Callable:
    """Return the gradient of one stage's equation at one step.

    Lanes that start later have gate gradients of zero and keep the gradients of their states.
    """
    cell, own, (stage, _, _), S = layer.cell, layer.rows[index], layer.stages[index], len(layer.cell.states)
    reads = parameters_of(stage.gradient)
    to_plane = {plane: f"A, (t * P + {p}) * N + g" for p, plane in enumerate(cell.planes)}
    source = {plane: f"peek({to_plane[plane]})" for plane in cell.planes}
    source |= {"h_prev": "peek(X, (t * K + i) * B + g)", "h": "peek(X, ((t + 1) * K + i) * B + g)"}
    for s, state in enumerate(cell.states):
        source[f"d{state}"] = f"peek(memory, d_at + {s} * size + e)"
        if s > 0:
            source[f"{state}_prev"] = f"peek(C, (t * {S - 1} + {s - 1}) * N + g)"
            source[state] = f"peek(C, ((t + 1) * {S - 1} + {s - 1}) * N + g)"
    for j, inner in enumerate(cell.inner):
        source[inner] = f"peek(X, (t * K + i) * B + {j + 1} * N + g)"
        source[f"d{inner}"] = f"peek(memory, dq_at + {j} * size + e)"
    lines = ["N, K = A.shape[2], X.shape[1]", "N4 = padded4(N)"]
    lines += [f"old_{row} = {source[row]}" for row in dict.fromkeys(reads)]
    lines += [call(reads, stage.gradient_writes)]
    for row in stage.gradient_writes:
        if row in cell.planes:
            lines += [f"new_{row} = zero if late else new_{row}", f"poke({to_plane[row]}, new_{row})"]
            if row in own:
                lines += [f"poke(memory, {own.index(row)} * N4 + g, new_{row})"]
        else:
            s = cell.states.index(row[1:])
            lines += ["if not late:", f"    poke(memory, d_at + {s} * size + e, new_{row})"]
    arguments = "memory, X, A, C, t, i, d_at, dq_at"
    return element_loop(layer, f"{cell.name}_{index}_gradient", stage.gradient, arguments, lines)


def _build_combine(layer: LayerPlan, index: int) -> Callable:
    """Return the sum over planes of the input gradients of one stage's products, added to dh or an inner operand's."""
    cell, (stage, _, _) = layer.cell, layer.stages[index]
    later = cell.stages[index + 1 :]
    carries = any("dh" in one.gradient_writes for one in (stage, *later))
    carries |= any(reads_of(cell, product.operand) == STATE for one in later for product in one.products)
    lines, q = ["if not late:", "    pass"], 0
    for product in stage.products:
        reads = reads_of(cell, product.operand)
        parts = " + ".join(f"peek(memory, parts_at + {q + k} * size + e)" for k in range(len(product.planes)))
        q += len(product.planes)
        if reads == STATE:
            lines += [f"    poke(memory, d_at + e, {'peek(memory, d_at + e) + ' if carries else ''}({parts}))"]
            carries = True
        elif reads != NONE:
            lines += [f"    poke(memory, dq_at + {reads - INNER} * size + e, {parts})"]
    arguments = "memory, t, d_at, dq_at, parts_at"
    return element_loop(layer, f"{cell.name}_{index}_combine", stage.gradient, arguments, lines)


def _build_step_gradient(layer: LayerPlan, index: int) -> Callable:
    """Return the gradient of one stage of one step."""
    _, first, last = layer.stages[index]
    chip, team, dtype, zero = layer.chip, layer.team, layer.dtype, layer.zero
    n_rows, mine, on_chip, P = last - first, 3 * index, chip.on_chip, len(layer.cell.planes)
    B, thread, n_threads = chip.lanes, team.thread, chip.threads
    find, dot = build_find(layer, index, True), build_dot(layer, chip.backward_columns, index)
    gradient, combine, collect = _build_gradient(layer, index), _build_combine(layer, index), build_collect(layer)
    alone, barrier, block_barrier = team.blocks == 1, team.barrier, team.block_barrier

    @inlined
    def step(theta_t, rows, W, memory, X, A, C, table, t, i, places, span):
        d_at, dq_at, parts_at, weights_at = places
        N, u0, units = A.shape[2], span[0], span[1]
        N4, H = padded4(N), N // B
        gradient(memory, X, A, C, t, i, d_at, dq_at, span)
        if alone:
            block_barrier()
        else:
            barrier()
            for q in range(n_rows):
                collect(memory, q * N4, A, (t * P + table[first + q, PLANE]) * N, N)
        for r in range(thread(), n_rows * units, n_threads):
            if not on_chip:
                find(rows, table, r, u0, units, H, N)
            sums = cuda.local.array(B, dtype)
            for b in range(B):
                sums[b] = zero
            if rows[mine + 1] != NONE:
                dot(sums, W, memory, weights_at, theta_t, rows[mine + 2], rows[mine], H)
            for b in range(B):
                poke(memory, parts_at + r * B + b, sums[b])
        block_barrier()
        combine(memory, t, d_at, dq_at, parts_at, span)

    return step


def _build_bptt(layer: LayerPlan) -> Callable:
    cell, chip, team, dtype = layer.cell, layer.chip, layer.team, layer.dtype
    steps = [_build_step_gradient(layer, index) for index in reversed(range(len(layer.stages)))]
    step, to_inputs = functools.reduce(_then, steps), _build_input_gradient(layer)
    prepare = build_prepare(layer, chip.backward_columns, True)
    B, blocks, n_threads, S, J = chip.lanes, chip.blocks, chip.threads, len(cell.states), len(cell.inner)
    n_weights, n_rows = max(1, len(layer.stages) * chip.registers), 3 * len(layer.stages)
    member, thread, shared, barrier, most = (
        team.member, team.thread, team.shared, team.barrier, max(rows_of_stages(cell))
    )  # fmt: skip

    @of_device
    def bptt(
        theta_t, grad, table, n_inputs, X, A, C, dY, dY_from, want_dx, D, t0, t1, starts, last_start, scratch
    ):  # fmt: skip
        """Gradient of one layer, as in `parts.recurrent`; that of the weights is computed by a kernel of its own."""
        noinline()
        N, i, width = A.shape[2], n_inputs + 1, dY.shape[1]
        H = N // B
        u0 = member() * H // blocks
        units = (member() + 1) * H // blocks - u0
        size, d_at = units * B, most * padded4(N)
        dq_at = d_at + S * size
        parts_at = dq_at + J * size
        weights_at = parts_at + most * size
        memory, W = shared(cuda.shared.array(0, dtype, alignment=16)), cuda.local.array(n_weights, dtype)
        rows = cuda.local.array(n_rows, np.int64)
        prepare(theta_t, table, rows, W, memory, weights_at, u0, units, H, N)
        for e in range(thread(), size, n_threads):
            for s in range(S):
                poke(memory, d_at + s * size + e, peek(D, s * N + u0 * B + e))
        places, span = (d_at, dq_at, parts_at, weights_at), (u0, units, starts, last_start)
        for back in range(t1 - t0):
            t = t1 - 1 - back
            if t >= dY_from:
                for e in range(thread(), size, n_threads):
                    poke(memory, d_at + e, peek(memory, d_at + e) + peek(dY, t * width + u0 * B + e))
            step(theta_t, rows, W, memory, X, A, C, table, t, i, places, span)
        for e in range(thread(), size, n_threads):
            for s in range(S):
                poke(D, s * N + u0 * B + e, peek(memory, d_at + s * size + e))
        barrier()
        if want_dx:
            to_inputs(theta_t, table, n_inputs, A, dY, t0, t1)

    return bptt


def _build_input_gradient(layer: LayerPlan) -> Callable:
    product, barrier = layer.products.product, layer.team.barrier
    B, P = layer.chip.lanes, len(layer.cell.planes)

    @of_device
    def to_inputs(theta_t, table, n_inputs, A, dY, t0, t1):
        """dY of steps t0 to t1 = sum over the products that read x of W_x.T @ dA, n_inputs rows."""
        N, width, first = A.shape[2], dY.shape[1], True
        for line in range(table.shape[0]):
            if table[line, ROW] == 0 and table[line, FIRST] == 0:
                rows = table[line, ROWS]
                product(
                    theta_t, table[line, WEIGHTS], (B * rows, rows), (B, 1),
                    A, (t0 * P + table[line, PLANE]) * N, (B * B, B), (P * N, 1),
                    dY, t0 * width, (B * B, B), (width, 1),
                    n_inputs, (t1 - t0) * B, rows, not first,
                )  # fmt: skip
                first = False
                barrier()

    return to_inputs
