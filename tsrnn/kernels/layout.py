"""How a network lies in memory: the integers and tables that the loops of every backend read. Nothing here is compiled.

A network is one flat vector theta: for each layer the weights of its products, one after the other, each (rows,
columns) in C order; then, where they exist, the initial states (L, S, H), the head (O, 1 + H) with its bias first, the
linear skip (C, block, lags) of C targets, and the weights of F covariates of the steps ahead: for step j of the block
(O / block, (j + 1) F), of its own and the earlier ones.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..equations.cell import Cell

#: What a product's input gradient does, in the last column of the table of products.
NOTHING, SET_H, ADD_H, SET_INNER = range(4)
#: Steps whose weight gradient is one product.
CHUNK = 16


class Shape(NamedTuple):
    """The integers that a tile function needs. An offset into theta is -1 where the network lacks that part."""

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
    state_at: int
    head_at: int
    skip_at: int
    ahead_at: int
    link: int  # 1: a free run feeds back softplus(location), the mean; 0: the location itself


class Arrays(NamedTuple):
    """The arrays of one batch in n tiles of B lanes, N = hidden_size * B; those that a use does not need are empty.

    Kernels reach them by number (below); the first axis is the tile, or has length 1.
    """

    blocks: Any  # (1, L, n_products, 6): the table of products of each layer
    rows: Any  # (1, 2, >= O): the skip's row that each output adds or -1; the output fed back as each input
    constants: Any  # (1, any): of the loss
    x: Any  # (n, I, T, B): scaled inputs
    ahead: Any  # (n, n_outputs, block * F, B): scaled covariates of the steps ahead
    starts: Any  # (n, B): the step at which each lane starts
    state: Any  # (n, L, S, N): initial states
    X: Any  # (n, L, T+1, K, B): stacked operands
    A: Any  # (n, L, T, P, N): gate planes
    C: Any  # (n, L, T+1, S-1, N): the states beside h
    out: Any  # (n, n_outputs, O, B)
    scratch: Any  # (n, any)
    share: Any  # (1, 1): 1 / sum of the batch's weights
    total: Any  # (n, 2) float64: weighted sum of the loss, sum of weights
    y: Any  # (n, n_outputs, block * n_targets, B): scaled targets
    weight: Any  # as y: 1 where a target was observed
    dout: Any  # as out, and so on: gradients
    dY: Any  # (n, T, >= N): of a layer's outputs, then of its inputs
    dstate: Any
    dx: Any  # (n, I, T or 0, B)
    theta_t: Any  # (1, n_theta): theta with each matrix transposed
    grad: Any  # (n, n_theta): of each tile
    span: Any  # (1, 2) int64: `forward` computes the outputs from the first to before the second


#: The number of each array.
(
    BLOCKS, ROWS, CONSTANTS, X_IN, AHEAD, STARTS, STATE, X, A, C, OUT, SCRATCH, SHARE, TOTAL, Y, WEIGHT, DOUT, DY,
    DSTATE, DX, THETA_T, GRAD, SPAN,
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


def scratch_size(cell: Cell, n_rows: int, hidden_size: int, tile: int) -> int:
    """Elements of scratch that the gradient of a layer needs whose operand has at most `n_rows` rows.

    In this order: a copy of the states' gradients, the inner operands' gradients, a chunk of gate planes, a chunk of
    the operand, and a partial result.
    """
    P, N, m = len(cell.planes), hidden_size * tile, CHUNK * tile
    part = max(P * hidden_size * n_rows, n_rows * tile)
    return (len(cell.states) + len(cell.inner)) * N + (P * hidden_size + n_rows) * m + part
