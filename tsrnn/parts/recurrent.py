"""A recurrent layer over time: the scan and its gradient (backpropagation through time), built for a cell.

For one tile of B windows, T steps, I inputs, H units, N = H*B, G gates, S states, J inner operands:

    X   (T+1, K, B)    stacked operand [x; 1; h; inner], K >= I + 1 + H + J H; h of step t lies at t+1, from row i = I+1
    A   (T, G, N)      gates: pre-activations, then activations, then their gradients
    C   (T+1, S-1, N)  the states beside h
    D   (S, N)         gradients of the states; dQ (J, N) those of the inner operands

`products` is the table of the layer's products; see `products`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from math import prod
from typing import NamedTuple

import numpy as np

from ..cells.cell import Cell, Product, Stage
from .common import DX, DY, GRAD, SCRATCH, STARTS, THETA_T, WIDTHS
from .lanes import lane_loop, parameters_of
from .operations import (
    add,
    copy,
    inlined,
    largest,
    matrix,
    tensor1,
    tensor2,
    tensor3,
    tensor4,
    vector,
)
from .part import GRADIENT, Buffer, Operation, Parameter, Parameters, Part, Sizes
from .products import CHUNK, N_COLUMNS, input_gradient, loops_of
from .shape import decoder_inputs, layer_inputs, n_decoded, n_slots
from .sizes import NetworkSizes


def operand_rows(s: Sizes) -> int:
    """Return the rows of the stacked operand of the widest layer."""
    return max(layer_inputs(s.shape)) + 1 + s.shape.hidden_size * (1 + len(s.cell.inner))


def _layers(s: Sizes) -> int:
    return s.shape.num_layers + s.shape.decoder_layers


#: The table of products of each layer, the decoder's last, (L, n_products, N_COLUMNS).
PRODUCTS = Buffer("products", lambda s: (0, 0, N_COLUMNS), dtype="int64", shared=True)
#: X, A and C of all layers; slots are the steps that the arrays hold.
OPERANDS = Buffer("X", lambda s: (_layers(s), n_slots(s.shape) + 1, operand_rows(s), s.tile))
GATES = Buffer("A", lambda s: (_layers(s), n_slots(s.shape), len(s.cell.planes), s.state_size))
OTHERS = Buffer("C", lambda s: (_layers(s), n_slots(s.shape) + 1, len(s.cell.states) - 1, s.state_size))
#: Gradients of the encoder's and of the decoder's states, (layers, S, N).
DSTATE = Buffer("dstate", lambda s: (s.shape.num_layers, len(s.cell.states), s.state_size), GRADIENT, is_added_to=True)
DDECODER = Buffer(
    "ddecoder", lambda s: (s.shape.decoder_layers, len(s.cell.states), s.state_size), GRADIENT, is_added_to=True
)
#: What `DY` is to the layers that go forwards, for those that go backwards, by the slots of their steps.
DBACKWARD = Buffer("dback", lambda s: DY.shape(s) if s.shape.directions == 2 else (0, 0), GRADIENT)
#: What `DY` is to the encoder, for the steps of the decoder.
DDECODED = Buffer(
    "dread",
    lambda s: (
        n_decoded(s.shape) * (1 + s.shape.parallel) if s.shape.decoder_layers else 0,
        max(s.shape.hidden_size, decoder_inputs(s.shape)) * s.tile,
    ),
    GRADIENT,
)


def scratch(s: Sizes) -> int:
    """Return the scratch memory of a layer's gradient.

    In this order: a copy of the states' gradients, the inner operands' gradients, a chunk of gates, and a chunk of the
    operand.
    """
    G, K = len(s.cell.planes), operand_rows(s)
    return (len(s.cell.states) + len(s.cell.inner)) * s.state_size + (G * s.shape.hidden_size + K) * CHUNK * s.tile


# ---------------------------------------------------------------- parameters
def layers_of(network: NetworkSizes) -> list[tuple[str, int]]:
    """Return name and number of inputs of every layer with weights of its own, a decoder's last."""
    d, H = network.decoder, network.hidden_size
    (lowest, flag), D = _lowest(network), network.directions
    directions = ("layer", "backward")[:D]
    names = [(f"{name}{n}", D * H if n else lowest) for n in range(network.num_layers) for name in directions]
    if d and not d.parallel:
        names += [(f"decoder{n}", H if n else lowest + flag) for n in range(d.num_layers)]
    return names


def _lowest(network: NetworkSizes) -> tuple[int, int]:
    """Return the inputs of the lowest layer, and how many more that of a decoder has: the flag of its first step."""
    if network.n_symbols:
        return network.embedding_size, 0
    d = network.decoder
    return (network.hidden_size if d and d.segment > 1 else network.n_inputs), 1


def parameters(network: NetworkSizes) -> Parameters:
    """Return the weights of each layer's products; their biases start at zero, or as the cell says."""
    cell, H, found = network.cell, network.hidden_size, {}
    for name, n_inputs in layers_of(network):
        for k, item in enumerate(cell.products):
            r0, r1 = cell.rows(item.operand, n_inputs, H)
            bias = {"x1h": n_inputs, "x1": n_inputs, "1h": 0}.get(item.operand)
            initial = partial(_start, cell, item, H, bias)
            shape = item.shape(r1 - r0, H)
            matrices: tuple[int, ...] = ()
            if item.kind == "block_diagonal":  # each block of a gate is a matrix of its own
                matrices = (item.n_blocks, len(item.planes), shape[-1], shape[-1])
            found[f"{name}.product{k}"] = Parameter(shape, initial, decays=True, bias=bias, matrices=matrices)
    return found


def _start(
    cell: Cell, item: Product, hidden_size: int, column: int | None, values: np.ndarray, rng: np.random.Generator,
    bound: float,
) -> None:  # fmt: skip
    """Fill the weights of a product with uniform numbers, and its bias as the cell says."""
    low, high = item.initial or (-bound, bound)
    values[:] = rng.uniform(low, high, values.shape)
    if column is not None:
        for n, plane in enumerate(item.planes):
            bias = dict(cell.bias).get(plane, 0.0)
            rows = values[n * hidden_size : (n + 1) * hidden_size]
            rows[:, column] = bias(hidden_size) if callable(bias) else bias


def count(network: NetworkSizes) -> int:
    """Return the number of all layers' weights; layers above the lowest are alike."""

    def of_layer(n_inputs: int) -> int:
        cell, H = network.cell, network.hidden_size
        spans = ((item, cell.rows(item.operand, n_inputs, H)) for item in cell.products)
        return sum(prod(item.shape(last - first, H)) for item, (first, last) in spans)

    d, H = network.decoder, network.hidden_size
    (lowest, flag), D = _lowest(network), network.directions
    size = D * (of_layer(lowest) + (network.num_layers - 1) * of_layer(D * H))
    return size + (of_layer(lowest + flag) + (d.num_layers - 1) * of_layer(H) if d and not d.parallel else 0)


PART = Part(
    (PRODUCTS, OPERANDS, GATES, OTHERS, DSTATE, DDECODER, DDECODED, DBACKWARD), (), (), parameters, scratch, count
)


# ---------------------------------------------------------------- the operation
class LayerLoops(NamedTuple):
    """The loops over time of a cell's layer."""

    scan: Callable
    bptt: Callable


def build_loops(cell: Cell) -> LayerLoops:
    """Return the two loops over time of a layer of `cell`."""
    forwards, gradients, first = [], [], 0
    for index, stage in enumerate(cell.stages):
        last = first + len(stage.products)
        forwards.append(_build_stage(cell, stage, f"{cell.name}_{index}", first, last))
        gradients.append(_build_stage_gradient(cell, stage, f"{cell.name}_{index}", first, last))
        first = last
    step = functools.reduce(_then, forwards)
    step_gradient = functools.reduce(_then_gradient, reversed(gradients))
    return LayerLoops(_build_scan(step, loops_of(cell).of_inputs), _build_bptt(cell, step_gradient))


@functools.cache
def layer_of(cell: Cell) -> Operation:
    """Return the operation that runs steps `step.first` to `step.last` of layer `step.layer`, and its gradient.

    `step.start` is the first step at which the gradient of the layer's outputs lies in `DY` (or `DDECODED`, or
    `DBACKWARD`).
    """
    equations = tuple(f for stage in cell.stages for f in (stage.forward, stage.gradient))
    stages = [(stage.products, stage.writes, stage.gradient_writes) for stage in cell.stages]
    structure = f"{cell.planes} {cell.states} {cell.inner} {stages}"
    return operation_of(cell.name, build_loops(cell), equations, structure)


def operation_of(name: str, loops: LayerLoops, equations: tuple[Callable, ...] = (), structure: str = "") -> Operation:
    """Return the operation that runs these loops over time."""
    scan, bptt = loops

    def layer(tile, step, shape, theta, chance, arrays):
        """Run the steps; the inputs lie in the operand, the state before the first step in slot `step.first`."""
        products, widths = tensor3(arrays, PRODUCTS, 0, arrays), tensor1(arrays, WIDTHS, 0, arrays)
        starts, scratch = tensor1(arrays, STARTS, tile, arrays), tensor1(arrays, SCRATCH, tile, theta)
        X, A = tensor4(arrays, OPERANDS, tile, theta), tensor4(arrays, GATES, tile, theta)
        C, n = tensor4(arrays, OTHERS, tile, theta), step.layer
        last_start = largest(starts) if n < shape.num_layers else 0
        scan(theta, products[n], widths[n], X[n], A[n], C[n], step.first, step.last, starts, last_start, scratch)

    def layer_gradient(tile, step, shape, theta, chance, arrays):
        """Run the steps backwards: the gradients of weights, of the state before them and of the inputs."""
        products, widths = tensor3(arrays, PRODUCTS, 0, arrays), tensor1(arrays, WIDTHS, 0, arrays)
        starts, scratch = tensor1(arrays, STARTS, tile, arrays), tensor1(arrays, SCRATCH, tile, theta)
        X, A = tensor4(arrays, OPERANDS, tile, theta), tensor4(arrays, GATES, tile, theta)
        C, n = tensor4(arrays, OTHERS, tile, theta), step.layer
        theta_t, grad = tensor1(arrays, THETA_T, 0, theta), tensor1(arrays, GRAD, tile, theta)
        encodes = n < shape.num_layers
        outputs = (DBACKWARD if n % shape.directions else DY) if encodes else DDECODED
        dY = tensor2(arrays, outputs, tile, theta)
        D = tensor3(arrays, DSTATE if encodes else DDECODER, tile, theta)[n if encodes else n - shape.num_layers]
        last_start = largest(starts) if encodes else 0
        wants_dx = n >= shape.directions or tensor3(arrays, DX, tile, theta).size > 0
        bptt(
            theta_t, grad, products[n], widths[n], X[n], A[n], C[n], dY, step.start, wants_dx, D, step.first, step.last,
            starts, last_start, scratch,
        )  # fmt: skip

    return Operation(name, layer, layer_gradient, equations, "layer", structure)


# ---------------------------------------------------------------- stages
def _rows(cell: Cell) -> dict[str, str]:
    """Return where an equation finds what it names at step `t`, in terms of the arguments of its lane loop."""
    G, S = len(cell.planes), len(cell.states)
    n = "A.shape[2]"
    rows = {gate: f"vector(A, (t * {G} + {p}) * {n}, {n})" for p, gate in enumerate(cell.planes)}
    rows["h_prev"] = f"vector(X, (t * X.shape[1] + i) * X.shape[2], {n})"
    rows["h"] = f"vector(X, ((t + 1) * X.shape[1] + i) * X.shape[2], {n})"
    for s, state in enumerate(cell.states):
        rows[f"d{state}"] = f"vector(D, {s} * {n}, {n})"
        if s > 0:
            rows[f"{state}_prev"] = f"vector(C, (t * {S - 1} + {s - 1}) * {n}, {n})"
            rows[state] = f"vector(C, ((t + 1) * {S - 1} + {s - 1}) * {n}, {n})"
    for j, inner in enumerate(cell.inner):
        rows[inner] = f"vector(X, (t * X.shape[1] + i) * X.shape[2] + {j + 1} * {n}, {n})"
        rows[f"d{inner}"] = f"vector(dQ, {j} * {n}, {n})"
    return rows


def stage_lanes(cell: Cell, stage: Stage, name: str) -> Callable:
    """Return the loop over units and windows of a stage's equation."""
    reads = parameters_of(stage.forward)
    return lane_loop(f"{name}_lanes", stage.forward, reads, stage.writes, _rows(cell), "X, A, C, t, i")


def stage_gradient_lanes(cell: Cell, stage: Stage, name: str) -> Callable:
    """Return the loop over units and windows of the gradient of a stage's equation."""
    reads, arguments = parameters_of(stage.gradient), "X, A, C, D, dQ, t, i"
    return lane_loop(f"{name}_gradient_lanes", stage.gradient, reads, stage.gradient_writes, _rows(cell), arguments)


def _build_stage(cell: Cell, stage: Stage, name: str, first: int, last: int) -> Callable:
    lanes, apply = stage_lanes(cell, stage, name), loops_of(cell).apply

    @inlined
    def forward(theta, products, X, A, C, t, i):
        for k in range(first, last):
            apply(theta, products, k, X, A, t)
        lanes(X, A, C, t, i)

    return forward


def _build_stage_gradient(cell: Cell, stage: Stage, name: str, first: int, last: int) -> Callable:
    lanes, pass_back = stage_gradient_lanes(cell, stage, name), loops_of(cell).pass_back

    @inlined
    def gradient(theta_t, products, X, A, C, D, dQ, t, i, starts, masked):
        G, N, B = A.shape[1], A.shape[2], X.shape[2]
        lanes(X, A, C, D, dQ, t, i)
        if masked:
            zero_masked(matrix(A, t * G * N, G, N), starts, t)
        for k in range(first, last):
            pass_back(theta_t, products, k, A, D, dQ, t, B)

    return gradient


def _then(one: Callable, other: Callable) -> Callable:
    @inlined
    def both(theta, products, X, A, C, t, i):
        one(theta, products, X, A, C, t, i)
        other(theta, products, X, A, C, t, i)

    return both


def _then_gradient(one: Callable, other: Callable) -> Callable:
    @inlined
    def both(theta_t, products, X, A, C, D, dQ, t, i, starts, masked):
        one(theta_t, products, X, A, C, D, dQ, t, i, starts, masked)
        other(theta_t, products, X, A, C, D, dQ, t, i, starts, masked)

    return both


# ---------------------------------------------------------------- windows that start late
def keep_masked(new, old, starts, t):
    """Windows that start after step `t` keep their state, (H*B,): new = old."""
    B = starts.size
    for u in range(new.size // B):
        for b in range(B):
            if t < starts[b]:
                new[u * B + b] = old[u * B + b]


@inlined
def zero_masked(A, starts, t):
    """Windows that start after step `t` have no gates: their gradients in A (G, N) are zero."""
    B = starts.size
    for p in range(A.shape[0]):
        for u in range(A.shape[1] // B):
            for b in range(B):
                if t < starts[b]:
                    A[p, u * B + b] = 0


# ---------------------------------------------------------------- loops over time
def _build_scan(step: Callable, of_inputs: Callable) -> Callable:
    @inlined
    def scan(theta, products, n_inputs, X, A, C, t0, t1, starts, last_start, scratch):
        """Steps t0 to t1 of one layer; the inputs lie in X, the state before t0 in X[t0] and C[t0]."""
        N, K, B, others = A.shape[2], X.shape[1], X.shape[2], C.shape[1]
        i = n_inputs + 1
        for first in range(t0, t1, CHUNK):
            of_inputs(theta, products, X, A, first, min(first + CHUNK, t1), scratch)
        for t in range(t0, t1):
            step(theta, products, X, A, C, t, i)
            if t < last_start:
                keep_masked(vector(X, ((t + 1) * K + i) * B, N), vector(X, (t * K + i) * B, N), starts, t)
                for s in range(others):
                    keep_masked(vector(C, ((t + 1) * others + s) * N, N), vector(C, (t * others + s) * N, N), starts, t)

    return scan


def _build_bptt(cell: Cell, step_gradient: Callable) -> Callable:
    n_states, n_inner, weight_gradient = len(cell.states), len(cell.inner), loops_of(cell).weight_gradient

    @inlined
    def bptt(
        theta_t, grad, products, n_inputs, X, A, C, dY, dY_from, wants_dx, D, t0, t1, starts, last_start, scratch
    ):  # fmt: skip
        """Gradient of one layer, accumulated into `grad`, from step t1 - 1 down to t0.

        dY (T, >= N) holds the gradient of the outputs from step `dY_from` on and, if `wants_dx`, takes that of the
        inputs (n_inputs*B at each step). D (S, N) starts as the gradient of the state before step t1 and ends as that
        of the one before t0.
        """
        T, N, width = dY.shape[0], A.shape[2], dY.shape[1]
        hold = vector(scratch, 0, n_states * N)
        dQ = vector(scratch, n_states * N, n_inner * N)
        used = (n_states + n_inner) * N
        chunk = vector(scratch, used, scratch.size - used)
        for back in range(t1 - t0):
            t = t1 - 1 - back
            if t >= dY_from:
                add(vector(D, 0, N), vector(dY, t * width, N))
            masked = t < last_start
            if masked:
                copy(hold, vector(D, 0, n_states * N))
            step_gradient(theta_t, products, X, A, C, D, dQ, t, n_inputs + 1, starts, masked)
            if masked:
                for s in range(n_states):
                    keep_masked(vector(D, s * N, N), vector(hold, s * N, N), starts, t)
            if wants_dx:
                input_gradient(theta_t, products, A, t, matrix(dY, t * width, n_inputs, X.shape[2]))
            if t % CHUNK == 0:
                weight_gradient(grad, products, A, X, t, min(t + CHUNK, T), chunk)

    return bptt
