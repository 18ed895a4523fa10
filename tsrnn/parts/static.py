"""Static covariates: numbers and categories of a series, which set the states before the first step by a linear map.

    s = [1; numbers; embedding of each category],   state k of layer l before the first step = W[l, k] s

Static covariates set the initial states as in the temporal fusion transformer (Lim et al. 2021, section 4.3,
doi:10.1016/j.ijforecast.2021.03.012), by a linear map of all layers' states. Categories are embedded by look-up (Guo &
Berkhahn 2016, arXiv:1604.06737): code 0 is the row of all categories that the training did not see, 1 and following
are the categories that it did.

The bias, W's first column, is a learned initial state: a network with static covariates has no other, whether or not
it is asked to learn one. States lie as `initial_state` describes.
"""

from __future__ import annotations

import numpy as np

from .common import GRAD, SCRATCH, THETA_T, WIDTHS
from .gather import BATCH, WINDOW_ROW
from .operations import add_outer, barrier, each, matrix, product, tensor1, tensor2, tensor3, tensor4, vector
from .part import Buffer, Operation, Parameter, Parameters, Part, Sizes, Weights, uniform
from .recurrent import DSTATE, OPERANDS, OTHERS
from .sizes import NetworkSizes, embedding_width
from .tables import offset

#: W, (layers, states, H, length of s).
STATIC = Weights("static")
#: Of each category: offset of its table in theta, width of an embedding, its first row in s, number of categories.
CATEGORIES = Buffer("categories", lambda s: (0, 4), dtype="int64", shared=True)
#: The caller's: scaled numbers (R, n_static) and codes (R, n_categories); a window has the row `WINDOW_ROW`.
STATIC_NUMBERS = Buffer("static_numbers", lambda _: (0, 0), dtype="float64", shared=True, given=True)
STATIC_CODES = Buffer("static_codes", lambda _: (0, 0), dtype="int64", shared=True, given=True)
#: s, and the codes of the tile's windows, (n_categories, B).
VALUES = Buffer("static_values", lambda s: (s.shape.static_size, s.tile))
CODES = Buffer("codes", lambda s: (s.shape.n_categories, s.tile), dtype="int64")


def gather_static(tile, step, shape, theta, chance, arrays):
    """Fill s but for the embeddings, and the codes; a lane without a window has zeros."""
    numbers, known = tensor2(arrays, STATIC_NUMBERS, 0, 0.0), tensor2(arrays, STATIC_CODES, 0, arrays)
    rows, batch = tensor1(arrays, WINDOW_ROW, 0, arrays), tensor1(arrays, BATCH, 0, arrays)
    s, codes = tensor2(arrays, VALUES, tile, theta), tensor2(arrays, CODES, tile, arrays)
    B = s.shape[1]
    for b in range(B):
        lane = tile * B + b
        is_empty = lane >= batch.size
        row = rows[batch[0 if is_empty else lane]]
        s[0, b] = 1
        for c in range(shape.n_static):
            s[1 + c, b] = 0 if is_empty else numbers[row, c]
        for q in range(shape.n_categories):
            codes[q, b] = 0 if is_empty else known[row, q]


def begin(tile, step, shape, theta, chance, arrays):
    """Put the embeddings into s, and W s into the layers' arrays as the states before the first step."""
    X, C = tensor4(arrays, OPERANDS, tile, theta), tensor4(arrays, OTHERS, tile, theta)
    s, codes = tensor2(arrays, VALUES, tile, theta), tensor1(arrays, CODES, tile, arrays)
    widths, categories = tensor1(arrays, WIDTHS, 0, arrays), tensor2(arrays, CATEGORIES, 0, arrays)
    T1, K, B, H, others = X.shape[1], X.shape[2], X.shape[3], shape.hidden_size, C.shape[2]
    n, at = shape.static_size, offset(arrays, STATIC)
    for q in range(shape.n_categories):
        of_table, width, first = categories[q, 0], categories[q, 1], categories[q, 2]
        for j in each(width):
            row = vector(s, (first + j) * B, B)
            for b in range(B):
                row[b] = theta[of_table + codes[q * B + b] * width + j]
    barrier()
    for layer in range(shape.num_layers):
        for k in range(1 + others):
            state = matrix(X, (layer * T1 * K + widths[layer] + 1) * B, H, B)
            if k > 0:
                state = matrix(C, (layer * T1 * others + k - 1) * H * B, H, B)
            product(matrix(theta, at + (layer * (1 + others) + k) * H * n, H, n), s, state)


def begin_gradient(tile, step, shape, theta, chance, arrays):
    """dW += dstate s^T; each embedding's row += its part of W^T dstate, window after window.

    Windows of one category add to the same row: one thread adds a column of the table, in the order of the lanes.
    """
    dstate, grad = tensor3(arrays, DSTATE, tile, theta), tensor1(arrays, GRAD, tile, theta)
    s, codes = tensor2(arrays, VALUES, tile, theta), tensor1(arrays, CODES, tile, arrays)
    theta_t, scratch = tensor1(arrays, THETA_T, 0, theta), tensor1(arrays, SCRATCH, tile, theta)
    categories, at, B = tensor2(arrays, CATEGORIES, 0, arrays), offset(arrays, STATIC), s.shape[1]
    n, rows, before = shape.static_size, dstate.size // B, 1 + shape.n_static
    d = matrix(dstate, 0, rows, B)
    add_outer(d, s, matrix(grad, at, rows, n))
    if n > before:
        product(matrix(theta_t, at + before * rows, n - before, rows), d, matrix(scratch, 0, n - before, B))
    for q in range(shape.n_categories):
        of_table, width, first = categories[q, 0], categories[q, 1], categories[q, 2]
        for j in each(width):
            values = vector(scratch, (first - before + j) * B, B)
            for b in range(B):
                grad[of_table + codes[q * B + b] * width + j] += values[b]
    barrier()


def scratch(s: Sizes) -> int:
    """Return room for the gradient of all embeddings of s."""
    return s.shape.static_size * s.tile


def but_the_bias(values: np.ndarray, rng: np.random.Generator, bound: float) -> None:
    """Fill all columns but the first with uniform random numbers."""
    uniform(values[..., 1:], rng, bound)


def but_unseen(values: np.ndarray, rng: np.random.Generator, bound: float) -> None:
    """Fill all rows but that of unseen categories with uniform random numbers."""
    uniform(values[1:], rng, bound)


def parameters(network: NetworkSizes) -> Parameters:
    """Return W, whose bias starts at zero, and the table of each category, (cardinality + 1, width).

    A table is read by look-up: it counts as no matrix, so that it is not transposed for the gradient.
    """
    if not network.static_size:
        return {}
    n_states, H, n = len(network.cell.states), network.hidden_size, network.static_size
    shape, one_matrix = (network.n_layers, n_states, H, n), (network.n_layers * n_states * H, n)
    found = {STATIC.name: Parameter(shape, but_the_bias, decays=True, bias=0, matrices=one_matrix)}
    for q, cardinality in enumerate(network.cardinalities):
        table = (cardinality + 1, embedding_width(cardinality))
        found[f"category{q}"] = Parameter(table, but_unseen, decays=True, spared_row=0, matrices=(0, 1))
    return found


GATHER_STATIC = Operation("gather_static", gather_static)
BEGIN = Operation("static_state", begin, begin_gradient)
PART = Part(
    (CATEGORIES, STATIC_NUMBERS, STATIC_CODES, VALUES, CODES), (STATIC,), (GATHER_STATIC, BEGIN), parameters, scratch
)
