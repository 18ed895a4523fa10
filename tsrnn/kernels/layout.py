"""How a network lies in memory: the integers and tables that the loops of every backend read. Nothing here is compiled.

A network is one flat vector theta: for each layer the weights of its products, one after the other, each (rows,
columns) in C order; then, where they exist, the initial states (L, S, H), the head (O, 1 + H) with its bias first, the
linear skip (C, block, lags) of C targets, the skip's weights of their seasonal inputs (C, 2, block, S), and the weights
of F covariates of the steps ahead: for step j of the block (O / block, (j + 1) F), of its own and the earlier ones.
What a decoder adds is named in `Shape`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..cells.cell import Cell

#: What a product's input gradient does, in the last column of the table of products.
NOTHING, SET_H, ADD_H, SET_INNER = range(4)
#: Steps whose weight gradient is one product.
CHUNK = 16


#: How a decoder weighs the encoder's outputs.
NO_ATTENTION, DOT, GENERAL, ADDITIVE = range(4)


class Shape(NamedTuple):
    """The integers that a tile function needs. An offset into theta is -1 where the network lacks that part.

    What begins with `decoder_layers` holds for a network that decodes. Encoder and decoder go in segments of some
    steps, which are embedded together if they are more than one. A decoder goes on from its own last step, or all its
    steps start in parallel where the encoder ends, with the encoder's weights. E are the encoder's layers, D the
    decoder's, s the steps of a segment.
    """

    n_inputs: int
    hidden_size: int
    num_layers: int
    n_steps: int
    n_outputs: int
    output_size: int
    lags: int
    block: int
    n_channels: int  # inputs that are targets: these come first, the skip reads them and a free run feeds them back
    n_ahead: int  # covariates that an output reads in each of its steps
    n_seasonal: int  # seasonal inputs of each target; in an input row they stand last, target by target
    state_at: int
    head_at: int
    skip_at: int
    season_at: int
    ahead_at: int
    link: int  # 1: a free run feeds back softplus(location), the mean; 0: the location itself
    decoder_layers: int = 0
    segment: int = 1
    parallel: int = 0
    attention: int = NO_ATTENTION
    through: int = 0  # whether gradients pass through forecasts that were fed back
    embedding_at: int = -1  # (H, 1 + I s)
    position_at: int = -1  # (m, H), read by each of m parallel steps
    bias_at: int = -1  # (O, 1), of parallel steps, whose head (O / m, H) has none
    bridge_at: int = -1  # (S, D H, 1 + E H)
    context_at: int = -1  # (O, H): the head's weights of what attention gathered
    query_at: int = -1  # general: (H, H); additive: (H, 1 + H)
    key_at: int = -1  # additive: (H, H)
    energy_at: int = -1  # additive: (1, H)


def known_ahead(shape: Shape) -> int:
    """Numbers known of the steps that an output forecasts: covariates, then the seasonal inputs of each target."""
    return shape.block * (shape.n_ahead + shape.n_channels * shape.n_seasonal)


def encoder_inputs(shape: Shape) -> int:
    """Rows that the encoder's lowest layer reads."""
    return shape.hidden_size if shape.segment > 1 else shape.n_inputs


def decoder_inputs(shape: Shape) -> int:
    """Rows that the decoder's lowest layer reads: as the encoder, and in sequence a flag that marks the first step."""
    return encoder_inputs(shape) + 1 - shape.parallel


def n_encoded(shape: Shape) -> int:
    """Steps of the encoder."""
    return shape.n_steps // shape.segment - (shape.n_outputs - 1)


def n_decoded(shape: Shape) -> int:
    """Steps of the decoder."""
    return shape.block // shape.segment if shape.parallel else shape.n_outputs


def n_slots(shape: Shape) -> int:
    """Steps that the arrays have room for; a parallel one takes two, since each keeps the state that it starts from."""
    if shape.decoder_layers == 0:
        return shape.n_steps
    return max(n_encoded(shape), n_decoded(shape) * (1 + shape.parallel))


def layer_inputs(shape: Shape) -> list[int]:
    """Rows that each layer reads, the decoder's layers last."""
    widths = [encoder_inputs(shape), *[shape.hidden_size] * (shape.num_layers - 1)]
    if shape.decoder_layers:
        widths += [decoder_inputs(shape), *[shape.hidden_size] * (shape.decoder_layers - 1)]
    return widths


def operand_rows(cell: Cell, shape: Shape) -> int:
    """Rows of the stacked operand of the widest layer."""
    return max(layer_inputs(shape)) + 1 + shape.hidden_size * (1 + len(cell.inner))


class Tables(NamedTuple):
    """What the loops look up."""

    blocks: np.ndarray  # (L, n_products, 6): the table of products of each layer, the decoder's last
    rows: np.ndarray  # (2, >= O): the skip's row that each output adds or -1; the output fed back as each input
    matrices: np.ndarray  # (n, 3): offset, rows, columns of every matrix in theta


class Arrays(NamedTuple):
    """The arrays of one batch in n tiles of B lanes, N = hidden_size * B; those that a use does not need are empty.

    Kernels reach them by number (below); the first axis is the tile, or has length 1.
    """

    blocks: Any  # (1, ...): as `Tables` have them
    rows: Any
    constants: Any  # (1, any): of the loss
    x: Any  # (n, I, T, B): scaled inputs
    ahead: (
        Any  # (n, n_outputs, block * F + block * C * S, B): scaled covariates, then seasonal inputs, of the steps ahead
    )
    starts: Any  # (n, B): the step at which each lane starts
    state: Any  # (n, L, S, N): initial states
    X: Any  # (n, L, T+1, K, B): stacked operands, T slots
    A: Any  # (n, L, T, P, N): gate planes
    C: Any  # (n, L, T+1, S-1, N): the states beside h
    out: Any  # (n, n_outputs, O, B)
    scratch: Any  # (n, any)
    share: Any  # (1, 1): 1 / sum of the batch's weights
    total: Any  # (n, 2) float64: weighted sum of the loss, sum of weights
    y: Any  # (n, n_outputs, block * n_targets, B): scaled targets
    weight: Any  # as y: 1 where a target was observed
    dout: Any  # as out, and so on: gradients
    dY: Any  # (n, encoder's steps, >= N): of a layer's outputs, then of its inputs
    dstate: Any
    dx: Any  # (n, I, T or 0, B)
    theta_t: Any  # (1, n_theta): theta with each matrix transposed
    grad: Any  # (n, n_theta): of each tile
    matrices: Any  # (1, n_matrices, 3)
    fed: Any  # (n, m, B): 1 where a step of a decoder reads a forecast of its own, else 0
    attention: Any  # (n, m, n_encoded, B): what each step gave to each of the encoder's
    gathered: Any  # (n, m, N): the encoder's outputs, so weighted
    keys: Any  # (n, n_encoded, N): additive: the encoder's outputs in the terms of the query
    dkeys: Any
    ddecoder: Any  # (n, D, S, N): gradient of the decoder's states
    dread: Any  # (n, its slots, any): of its layers' outputs and inputs
    span: Any  # (n, 2) int64: `forward` computes the outputs from the first to before the second


#: The number of each array.
(
    BLOCKS, ROWS, CONSTANTS, X_IN, AHEAD, STARTS, STATE, X, A, C, OUT, SCRATCH, SHARE, TOTAL, Y, WEIGHT, DOUT, DY,
    DSTATE, DX, THETA_T, GRAD, MATRICES, FED, ATTENTION, GATHERED, KEYS, DKEYS, DDECODER,
    DREAD, SPAN,
) = range(len(Arrays._fields))  # fmt: skip


def block_table(cell: Cell, n_inputs: int, hidden_size: int, offset: int) -> np.ndarray:
    """The table of products of one layer whose first weight lies at `offset` in theta, int64 (n_products, 6)."""
    actions = _input_gradients(cell)
    table = []
    for item, action in zip(cell.products, actions, strict=True):
        r0, r1 = cell.rows(item.operand, n_inputs, hidden_size)
        p0 = cell.planes.index(item.planes[0])
        p1 = p0 + len(item.planes)
        table.append((r0, r1, p0, p1, offset, action))
        offset += (r1 - r0) * (p1 - p0) * hidden_size
    return np.array(table, np.int64)


def _input_gradients(cell: Cell) -> list[int]:
    """What each product's input gradient does, as `bptt` meets them: stages from the last to the first."""
    actions: list[int] = []
    carries = False
    for stage in reversed(cell.stages):
        carries |= "dh" in stage.gradient_writes
        of_stage = []
        for item in stage.products:
            if item.operand in cell.inner:
                of_stage.append(SET_INNER + cell.inner.index(item.operand))
            elif not item.operand.endswith("h"):
                of_stage.append(NOTHING)
            else:
                of_stage.append(ADD_H if carries else SET_H)
                carries = True
        actions = of_stage + actions
    return actions


def array_sizes(
    cell: Cell, shape: Shape, n: int, B: int, size: int, *, scored: bool, gradient: bool, inputs: bool, over_time: int
) -> dict[str, tuple[int, ...]]:
    """Sizes of the arrays of `n` tiles of `B` lanes that depend on neither theta nor the loss but for its `size`.

    Those for what is `scored`, and for its `gradient` (of the `inputs`, too), are empty where they are not wanted. The
    loops over time need `over_time` elements of scratch.
    """
    H, E, D, T, I = shape.hidden_size, shape.num_layers, shape.decoder_layers, shape.n_steps, shape.n_inputs
    N, P, S, slots = H * B, len(cell.planes), len(cell.states), n_slots(shape)
    K = operand_rows(cell, shape)
    O, k = shape.output_size, shape.n_outputs
    of_loss, of_gradient = n if scored else 0, n if gradient else 0
    read, m = n_encoded(shape) if D else T, n_decoded(shape) if D else 0
    attends, adds = m if shape.attention else 0, read if shape.attention == ADDITIVE else 0
    return {
        "x": (n, I, T, B),
        "ahead": (n, k, known_ahead(shape), B),
        "starts": (n, B),
        "state": (n, E, S, N),
        "X": (n, E + D, slots + 1, K, B),
        "A": (n, E + D, slots, P, N),
        "C": (n, E + D, slots + 1, S - 1, N),
        "out": (n, k, O, B),
        "scratch": (n, max(over_time, _scratch_of_outputs(shape, B), _scratch_of_decoder(shape, B))),
        "share": (1, 1),
        "y": (of_loss, k, O // size, B),
        "weight": (of_loss, k, O // size, B),
        "dout": (of_loss, k, O, B),
        "dY": (of_gradient, read, max(N, layer_inputs(shape)[0] * B)),
        "dstate": (of_gradient, E, S, N),
        "dx": (of_gradient, I, T if inputs or D else 0, B),
        "fed": (n, m, B),
        "attention": (n, attends, read, B),
        "gathered": (n, attends, N),
        "keys": (n, adds, N),
        "dkeys": (of_gradient, adds, N),
        "ddecoder": (of_gradient, D, S, N),
        "dread": (of_gradient, m * (1 + shape.parallel), max(H, decoder_inputs(shape)) * B),
    }


def _scratch_of_outputs(shape: Shape, tile: int) -> int:
    """Elements of scratch for head, skip and covariates, and their gradients."""
    O, H, P = shape.output_size, shape.hidden_size, shape.lags
    skip = shape.n_inputs * shape.block * (tile + P) + O * (1 + H) + P * tile
    return max(skip, O * tile, O // shape.block * max(tile, shape.n_ahead * shape.block))


def _scratch_of_decoder(shape: Shape, tile: int) -> int:
    """Elements of scratch for what a decoder's steps read, attend to and start from, and their gradients."""
    if shape.decoder_layers == 0:
        return 0
    H, E, D, B = shape.hidden_size, shape.num_layers, shape.decoder_layers, tile
    width, segment = 1 + E * H, 1 + shape.n_inputs * shape.segment
    bridge = width * B + (D + E) * H * B + D * H * width
    reads = 2 * segment * B + H * segment
    attends = (3 * H + n_encoded(shape)) * B + max(shape.output_size, 1 + H) * max(H, B) + H * B
    return max(bridge, reads, attends)


def scratch_size(cell: Cell, shape: Shape, tile: int) -> int:
    """Elements of scratch that the gradient of a layer needs.

    In this order: a copy of the states' gradients, the inner operands' gradients, a chunk of gate planes, a chunk of
    the operand, and a partial result.
    """
    hidden_size, n_rows = shape.hidden_size, operand_rows(cell, shape)
    P, N, m = len(cell.planes), hidden_size * tile, CHUNK * tile
    part = max(P * hidden_size * n_rows, n_rows * tile)
    return (len(cell.states) + len(cell.inner)) * N + (P * hidden_size + n_rows) * m + part
