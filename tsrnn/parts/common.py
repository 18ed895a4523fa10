"""The arrays of a batch that several parts read, and the operation that clears gradients.

N = hidden_size * B elements are one state of a layer, for a tile of B windows. Shapes are those of one tile.
"""

from __future__ import annotations

from .operations import matrix, tensor1, tensor2, transpose, zero
from .part import GRADIENT, INPUTS, LOSS, Buffer, Operation, Part, Sizes
from .shape import known_ahead, layer_inputs, n_encoded

# ---------------------------------------------------------------- index tables, the same for all tiles
#: Number of inputs of each layer, (L,).
WIDTHS = Buffer("widths", lambda s: (len(layer_inputs(s.shape)),), dtype="int64", shared=True)
#: Row of the linear skip that each output adds, or -1, (O,).
LINEAR_ROWS = Buffer("linear_rows", lambda s: (s.shape.output_size,), dtype="int64", shared=True)
#: Output that each target's input gets in a free run, (C,).
POINT_ROWS = Buffer("point_rows", lambda s: (s.shape.n_channels,), dtype="int64", shared=True)
#: Offset of each parameter in theta, or -1; by the number of its `Weights`.
OFFSETS = Buffer("offsets", lambda s: (0,), dtype="int64", shared=True)
#: Offset, rows and columns of every matrix in theta, (n_matrices, 3).
MATRICES = Buffer("matrices", lambda s: (0, 3), dtype="int64", shared=True)
#: Constants of the loss, (n_constants,).
CONSTANTS = Buffer("constants", lambda s: (0,), shared=True)
#: 1 / sum of the batch's weights, (1,).
SHARE = Buffer("share", lambda s: (1,), LOSS, shared=True)
#: theta with each matrix transposed, at the same offset, (n_theta,).
THETA_T = Buffer("theta_t", lambda s: (0,), GRADIENT, shared=True)

# ---------------------------------------------------------------- data of a batch
#: Scaled inputs, (I, T, B).
X = Buffer("x", lambda s: (s.shape.n_inputs, s.shape.n_steps, s.tile))
#: Scaled covariates of the step before each output and of its steps, then its steps' seasonal inputs,
#: (n_outputs, known_ahead, B).
AHEAD = Buffer("ahead", lambda s: (s.shape.n_outputs, known_ahead(s.shape), s.tile))
#: The step at which each window starts, (B,).
STARTS = Buffer("starts", lambda s: (s.tile,), dtype="int64")
#: Scaled targets, and 1 where a target was observed, or its weight, (n_outputs, block * C, B).
Y = Buffer("y", lambda s: (s.shape.n_outputs, s.shape.output_size // s.loss_size, s.tile), LOSS)
WEIGHT = Buffer("weight", lambda s: (s.shape.n_outputs, s.shape.output_size // s.loss_size, s.tile), LOSS)
#: Weighted sum of the loss and sum of the weights, (2,).
TOTAL = Buffer("total", lambda s: (2,), dtype="float64")

# ---------------------------------------------------------------- results
#: Outputs, (n_outputs, O, B), and their gradient.
OUT = Buffer("out", lambda s: (s.shape.n_outputs, s.shape.output_size, s.tile))
DOUT = Buffer("dout", lambda s: (s.shape.n_outputs, s.shape.output_size, s.tile), LOSS)
#: Gradient of the inputs, (I, T, B); where `shape.needs_input_gradient`, or where it is asked for.
DX = Buffer("dx", lambda s: (s.shape.n_inputs, s.shape.n_steps, s.tile), INPUTS, is_added_to=True)
#: Gradient of all parameters, (n_theta,), of each tile.
GRAD = Buffer("grad", lambda s: (0,), GRADIENT, is_added_to=True)


def _outputs_width(s: Sizes) -> int:
    """Return the room for one step's gradient of a layer's outputs, which that of its inputs takes the place of."""
    return max(s.state_size, *(width * s.tile for width in layer_inputs(s.shape)[: s.shape.num_layers]))


#: Gradient of the outputs of a layer, then of its inputs, (steps of the encoder, >= N).
DY = Buffer(
    "dY",
    lambda s: (n_encoded(s.shape) if s.shape.decoder_layers else s.shape.n_steps, _outputs_width(s)),
    GRADIENT,
    is_added_to=True,
)
#: Scratch memory, of the size that the parts ask for.
SCRATCH = Buffer("scratch", lambda s: (0,))


def clear(tile, step, shape, theta, chance, arrays):
    """Set buffer number `step.first` of the tile, flattened, to zero."""
    zero(tensor1(arrays, step.first, tile, theta))


CLEAR = Operation("clear", clear)


def transpose_weights(tile, step, shape, theta, chance, arrays):
    """Fill `THETA_T`: each matrix of theta transposed, at the same offset; once for all tiles."""
    matrices, theta_t = tensor2(arrays, MATRICES, 0, arrays), tensor1(arrays, THETA_T, 0, theta)
    for m in range(matrices.shape[0]):
        w, rows, columns = matrices[m, 0], matrices[m, 1], matrices[m, 2]
        transpose(matrix(theta_t, w, columns, rows), matrix(theta, w, rows, columns))


TRANSPOSE = Operation("transpose", transpose_weights)

COMMON = Part(
    buffers=(
        WIDTHS, LINEAR_ROWS, POINT_ROWS, OFFSETS, MATRICES, CONSTANTS, SHARE, THETA_T, X, AHEAD, STARTS, Y, WEIGHT,
        TOTAL, OUT, DOUT, DX, GRAD, DY, SCRATCH,
    ),
    operations=(CLEAR, TRANSPOSE),
)  # fmt: skip
