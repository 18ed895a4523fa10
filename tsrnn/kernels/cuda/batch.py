"""What happens to a batch before and after the network on the device: gather, loss, the weights' gradient, update.

These are plain functions in the vocabulary of `parts.operations`, which `kernels` makes device code of. Every sum has
one order that depends on the plan alone, never on which thread comes first: there are no atomics. Scaling is float64
arithmetic, as on the CPU, so that inputs have the same bits on both. So is the norm of the gradient, whose square may
be too large for float32. All the rest has the precision of theta.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...functions.activations import sqrt
from ...functions.optimizers import adam
from ...functions.scaling import NOTHING
from ...losses.loss import Loss
from ...parts.common import AHEAD, CONSTANTS, DOUT, GRAD, OUT, SCRATCH, STARTS, TRANSPOSE, WEIGHT, WIDTHS, X, Y
from ...parts.decay import KEEP, mask_of, time_of
from ...parts.loss import LANES
from ...parts.operations import barrier, each, tensor1, tensor2, tensor3, tensor4, vector
from ...parts.recurrent import GATES, OPERANDS
from ...parts.scaling import of_context
from ...parts.shape import first_known
from ...parts.softmax import TERMS
from ...parts.static import CODES, VALUES
from .arrays import ROW_TABLE, SQUARES, TILE_TOTAL, TILE_WEIGHT
from .device import local
from .products import Products
from .rows import FIRST, PLANE, ROW, ROWS, STRIDE, WEIGHTS
from .team import Team

cuda = local


class Index(NamedTuple):
    """A series, its targets and its windows on the device; the first axis of each has length 1."""

    series: Any
    targets: Any
    observed: Any
    start: Any
    length: Any
    target: Any
    row: Any
    table: Any
    of_context: Any
    scales: Any
    numbers: Any
    codes: Any


(
    SERIES, TARGETS, OBSERVED, START, LENGTH, TARGET, TABLE_ROW, TABLE, OF_CONTEXT, SCALES,
    NUMBERS, CODES_OF,
) = range(len(Index._fields))  # fmt: skip
DOUBLE, WHOLE = np.float64(0), np.int64(0)


def build_gather(dtype: Any) -> Callable:
    """Return `gather` and `gather_ahead` of `kernels.batch` for one tile; values after the series' end are 0."""
    zero = np.dtype(dtype).type(0)

    def gather(i, shape, index, order, first, count, arrays):
        series, start = tensor2(index, SERIES, 0, DOUBLE), tensor1(index, START, 0, WHOLE)
        length, table_row = tensor1(index, LENGTH, 0, WHOLE), tensor1(index, TABLE_ROW, 0, WHOLE)
        table, scales = tensor3(index, TABLE, 0, DOUBLE), tensor3(index, SCALES, 0, DOUBLE)
        from_context, target = tensor2(index, OF_CONTEXT, 0, WHOLE), tensor1(index, TARGET, 0, WHOLE)
        x, starts = tensor3(arrays, X, i, zero), tensor1(arrays, STARTS, i, WHOLE)
        n_columns = from_context.shape[1]
        for e in each(x.shape[2] * n_columns):
            lane, j = i * x.shape[2] + e // n_columns, e % n_columns
            if lane < count:
                w, replaced, c = order[first + lane], from_context[0, j], from_context[1, j]
                shift, scale = table[0, table_row[w], j], table[1, table_row[w], j]
                if replaced != NOTHING:
                    shift, scale = of_context(series, c, start[w], target[w], replaced, scale)
                scales[0, lane, j], scales[1, lane, j] = shift, scale
        barrier()
        T, B, flat = x.shape[1], x.shape[2], vector(x, 0, x.size)
        for e in each(x.size):
            c, t, b = e // (T * B), e // B % T, e % B
            value, late, lane = DOUBLE, WHOLE, i * B + b
            if lane < count:
                w = order[first + lane]
                late = max(WHOLE, T - length[w])
                row = start[w] - late + t
                if late <= t and row < series.shape[0]:
                    value = (series[row, c] - scales[0, lane, c]) * (1.0 / scales[1, lane, c])
            flat[e] = value
            if e < B:
                starts[b] = late // shape.segment
        ahead = tensor3(arrays, AHEAD, i, zero)
        F, S = shape.n_covariates, shape.n_channels * shape.n_seasonal
        last, flat = (shape.block + 1) * F, vector(ahead, 0, ahead.size)
        width = last + shape.block * S
        for e in each(ahead.size):
            k, r, b = e // (width * B), e // B % width, e % B
            value, lane = DOUBLE, i * B + b
            if lane < count:
                j, c = (r // F - 1, r % F) if r < last else ((r - last) // S, F + (r - last) % S)
                w, c = order[first + lane], first_known(shape) + c
                row = min(target[w] + k * shape.segment + j, series.shape[0]) - 1
                row = max(min(start[w], target[w] - 1), row)
                value = (series[row, c] - scales[0, lane, c]) / scales[1, lane, c]
            flat[e] = value

    return gather


def build_gather_static(dtype: Any) -> Callable:
    """Return `gather_static` of `parts.static` for one tile."""
    zero, one = np.dtype(dtype).type(0), np.dtype(dtype).type(1)

    def gather_static(i, shape, index, order, first, count, arrays):
        numbers, known = tensor2(index, NUMBERS, 0, DOUBLE), tensor2(index, CODES_OF, 0, WHOLE)
        table_row, values = tensor1(index, TABLE_ROW, 0, WHOLE), tensor2(arrays, VALUES, i, zero)
        codes, B = tensor2(arrays, CODES, i, WHOLE), values.shape[1]
        for e in each((1 + shape.n_static) * B):
            c, b, value = e // B, e % B, DOUBLE
            if c > 0 and i * B + b < count:
                value = numbers[table_row[order[first + i * B + b]], c - 1]
            values[c, b] = one if c == 0 else value
        for e in each(shape.n_categories * B):
            q, b, code = e // B, e % B, WHOLE
            if i * B + b < count:
                code = known[table_row[order[first + i * B + b]], q]
            codes[q, b] = code

    return gather_static


def build_gather_targets(team: Team, dtype: Any) -> Callable:
    """Return `gather_targets` of `kernels.batch` for one tile, which also computes `TILE_WEIGHT`."""
    zero, total = np.dtype(dtype).type(0), build_total(team)

    def gather_targets(i, shape, index, order, first, count, arrays):
        targets, observed = tensor2(index, TARGETS, 0, DOUBLE), tensor2(index, OBSERVED, 0, DOUBLE)
        target, scales = tensor1(index, TARGET, 0, WHOLE), tensor3(index, SCALES, 0, DOUBLE)
        y, weight = tensor3(arrays, Y, i, zero), tensor3(arrays, WEIGHT, i, zero)
        scratch, tile_weight = tensor1(arrays, SCRATCH, i, zero), tensor1(arrays, TILE_WEIGHT, i, zero)
        width, B, C = y.shape[1], y.shape[2], targets.shape[1]
        I = scales.shape[2] - C
        flat, flat_weight, weights = vector(y, 0, y.size), vector(weight, 0, y.size), zero
        for e in each(y.size):
            k, j, c, b = e // (width * B), e // B % width // C, e // B % C, e % B
            value, seen, lane = DOUBLE, DOUBLE, i * B + b
            if lane < count:
                w = order[first + lane]
                row = target[w] + k * shape.segment + j
                seen = observed[row, c]
                if seen > 0:
                    value = (targets[row, c] - scales[0, lane, I + c]) / scales[1, lane, I + c]
            flat[e], flat_weight[e] = value, seen
            weights += flat_weight[e]
        weights = total(weights, scratch)
        for _ in each(1):
            tile_weight[0] = weights

    return gather_targets


def build_keep(dtype: Any) -> Callable:
    """Return `keep` of `parts.decay` for one tile, with the arguments of `gather`."""
    zero, keep_inputs = np.dtype(dtype).type(0), KEEP.forward

    def keep(i, shape, index, order, first, count, arrays):
        keep_inputs(i, 0, shape, zero, 0, arrays)

    return keep


def build_feed(dtype: Any) -> Callable:
    """Return `feed` of the CPU's backend for one tile; `values` (count, segment, n_channels)."""
    zero, one = np.dtype(dtype).type(0), np.dtype(dtype).type(1)

    def feed(i, shape, values, k, first, count, arrays):
        x, C, s = tensor3(arrays, X, i, zero), shape.n_channels, shape.segment
        t, B = shape.n_steps - (shape.n_outputs - k) * s, x.shape[2]
        for e in each(C * s * B):
            c, j, b = e // (s * B), e // B % s, e % B
            if i * B + b < count:
                x[c, t + j, b] = values[i * B + b, j, c]
                if c < shape.n_masked:
                    x[mask_of(shape, c), t + j, b] = one
                    x[time_of(shape, c), t + j, b] = zero

    return feed


def build_ones(dtype: Any) -> Callable:
    """Return the function that fills the row of ones of each layer's operand."""
    one = np.dtype(dtype).type(1)

    def ones(n_tiles, arrays):
        widths = tensor1(arrays, WIDTHS, 0, WHOLE)
        for i in range(n_tiles):
            operands = tensor4(arrays, OPERANDS, i, one)
            L, T, B = operands.shape[0], operands.shape[1], operands.shape[3]
            for e in each(L * T * B):
                layer = e // (T * B)
                operands[layer, e // B % T, widths[layer], e % B] = one

    return ones


def build_transpose() -> Callable:
    """Return the operation that transposes theta's matrices, as a function of the grid: it is one for all tiles."""
    transpose_weights = TRANSPOSE.forward

    def transpose(theta, arrays):
        transpose_weights(0, 0, 0, theta, 0, arrays)

    return transpose


def build_total(team: Team) -> Callable:
    """Return ``total(value, scratch)``: the sum of all threads' values in the order of a tree.

    `scratch` holds one element for each thread.
    """
    size, number = team.size, team.number

    def total(value, scratch):
        n, own = size(), number()
        scratch[own] = value
        barrier()
        while n > 1:
            half = (n + 1) // 2
            if own + half < n:
                scratch[own] += scratch[own + half]
            n = half
            barrier()
        result = scratch[0]
        barrier()
        return result

    return total


# ---------------------------------------------------------------- loss
def build_loss(loss: Loss, team: Team, dtype: Any) -> Callable:
    """Return the operation of `loss`: its weighted sum, and the derivative of the weighted mean by each output.

    Its sum over batches keeps the rounding errors beside it (Kahan 1965, doi:10.1145/363707.363723).
    """
    zero, one = np.dtype(dtype).type(0), np.dtype(dtype).type(1)
    element, tiles, total = _build_element(loss, dtype), team.tiles, build_total(team)

    def tile_loss(tile, step, shape, theta, chance, arrays):
        out, dout = tensor3(arrays, OUT, tile, zero), tensor3(arrays, DOUT, tile, zero)
        y, weight = tensor3(arrays, Y, tile, zero), tensor3(arrays, WEIGHT, tile, zero)
        constants, scratch = tensor1(arrays, CONSTANTS, 0, zero), tensor1(arrays, SCRATCH, tile, zero)
        kept, terms = tensor1(arrays, TILE_TOTAL, tile, zero), tensor1(arrays, TERMS, tile, zero)
        batch, value, weights = zero, zero, zero
        for i in range(tiles()):
            batch += tensor1(arrays, TILE_WEIGHT, i, zero)[0]
        inverse = one / batch if batch > zero else zero
        for e in each(y.size):
            part = element(out, dout, y, weight, terms, constants, e, inverse)
            w = vector(weight, e, 1)[0]
            weights += w
            if w > zero:
                value += w * part
        value, weights = total(value, scratch), total(weights, scratch)
        for _ in each(1):
            add_compensated(kept, 0, value)
            add_compensated(kept, 2, weights)

    return tile_loss


def _build_element(loss: Loss, dtype: Any) -> Callable:
    """Return ``element``: value of the loss and gradient of number `e` among all lanes of all targets of a tile."""
    if loss.equation is None:
        lanes = LANES[loss.form]

        def element(out, dout, y, weight, terms, constants, e, inverse):
            B = y.shape[2]
            b, K, flat, dflat = e % B, out.size // y.size, vector(out, 0, out.size), vector(dout, 0, dout.size)
            lanes(flat, dflat, y, weight, terms, e // B, K, B, constants[0], inverse, b, b + 1)
            return terms[e]

        return element
    width, zero = loss.width, np.dtype(dtype).type(0)
    parameters = ", ".join(f"out[k, o + {p}, b]" for p in range(width))
    results = ", ".join(f"d{p}" for p in range(width))
    lines = [
        "def element(out, dout, y, weight, terms, constants, e, inverse):",
        "    n_targets, B, Q, total = y.shape[1], y.shape[2], constants.size, zero",
        "    k, r, b = e // (n_targets * B), e // B % n_targets, e % B",
        "    factor = weight[k, r, b] * inverse",
        "    for q in range(Q):",
        f"        o = (r * Q + q) * {width}",
        f"        value, {results} = equation(y[k, r, b], {parameters}, constants[q])",
        "        total += value",
        *(f"        dout[k, o + {p}, b] = d{p} * factor if factor > zero else zero" for p in range(width)),
        "    return total",
    ]
    exec("\n".join(lines), namespace := {"equation": loss.equation, "zero": zero, "__name__": __name__})
    return namespace["element"]


def add_compensated(kept, k, value):
    """Add to the sum kept[k], and keep the rounding error in kept[k + 1]."""
    before = kept[k]
    value = value - kept[k + 1]
    after = before + value
    kept[k + 1] = (after - before) - value
    kept[k] = after


# ---------------------------------------------------------------- update
def build_weights(team: Team, products: Products, dtype: Any) -> Callable:
    """Return the gradient of the layers' weights: one product over all steps and lanes, of gate gradients and operands.

    The tiles of the batch are dealt out to `splits` rows of the gradient, in which the backward pass left zeros here.
    """
    rows, columns, size, zero, B = (
        products.rows, products.columns, products.sums, np.dtype(dtype).type(0), products.lanes
    )  # fmt: skip
    accumulate, end, shared, number, tiles = (
        products.accumulate, products.end, team.shared, team.block, team.tiles
    )  # fmt: skip

    def weights(shape, n_tiles, splits, arrays):
        table = tensor3(arrays, ROW_TABLE, 0, WHOLE)
        copies = 2 if shape.parallel else 1  # a decoder with parallel steps has its encoder's weights
        done = 0
        for layer in range(table.shape[0] // copies):
            for line in range(table.shape[1]):
                if table[layer, line, ROW] == 0:
                    M, N = table[layer, line, ROWS], table[layer, line, STRIDE]
                    across = (N + columns - 1) // columns
                    n = (M + rows - 1) // rows * across * splits
                    for item in range((number() - done) % tiles(), n, tiles()):
                        split, m0, n0 = (
                            item % splits,
                            item // splits // across * rows,
                            item // splits % across * columns,
                        )
                        one_tile(shape, table[layer, line], layer, copies, split, splits, n_tiles, m0, n0, M, N, arrays)
                    done += n

    def one_tile(shape, line, layer, copies, split, splits, n_tiles, m0, n0, M, N, arrays):
        sums, memory = cuda.local.array(size, dtype), shared(cuda.shared.array(0, dtype, alignment=16))
        for e in range(size):
            sums[e] = zero
        for copy in range(copies):
            for i in range(split, n_tiles, splits):
                A = tensor4(arrays, GATES, i, zero)[layer + copy * shape.num_layers]
                operand = tensor4(arrays, OPERANDS, i, zero)[layer + copy * shape.num_layers]
                T, step, K = A.shape[0], A.shape[1] * A.shape[2], operand.shape[1]
                accumulate(
                    sums, memory, A, line[PLANE] * A.shape[2], (B * B, B), (step, 1),
                    operand, line[FIRST] * B, (K * B, 1), (B * B, B), m0, n0, M, N, T * B,
                )  # fmt: skip
        grad = tensor1(arrays, GRAD, split, zero)
        end(sums, grad, line[WEIGHTS], (B * N, N), (B, 1), m0, n0, M, N, False)

    return weights


def with_shape(function: Callable, unpack: Callable) -> Callable:
    """Return the same function, which takes the shape's integers for the shape."""

    def unpacked(numbers, n_tiles, splits, arrays):
        function(unpack(numbers), n_tiles, splits, arrays)

    return unpacked


def build_sum(number: Callable, dtype: Any) -> Callable:
    """Return the sum of the tiles' gradients into the first; each thread of the grid writes its sum of squares."""
    zero = np.dtype(dtype).type(0)

    def sum_gradients(n_tiles, arrays):
        first, squares, total = tensor1(arrays, GRAD, 0, zero), tensor1(arrays, SQUARES, 0, DOUBLE), DOUBLE
        for n in each(first.size):
            g = first[n]
            for i in range(1, n_tiles):
                g += tensor1(arrays, GRAD, i, zero)[n]
            first[n] = g
            total += np.float64(g) * np.float64(g)
        squares[number()] = total

    return sum_gradients


def build_norm(team: Team) -> Callable:
    """Return the norm of the gradient, by one block, written to place `k` of the log and to the first of `SQUARES`."""
    total = build_total(team)

    def norm(log, k, arrays):
        squares, value = tensor1(arrays, SQUARES, 0, DOUBLE), DOUBLE
        for n in each(squares.size):
            value += squares[n]
        barrier()
        value = sqrt(total(value, squares))
        for _ in each(1):
            log[k] = value
            squares[0] = value

    return norm


def build_update(dtype: Any) -> Callable:
    """Return one step of Adam with the clipped gradient."""
    number = np.dtype(dtype).type
    zero = number(0)

    def update(theta, moments, decay, clip, share, rate, beta1, beta2, epsilon, correction1, correction2, arrays):
        gradient, norm = tensor1(arrays, GRAD, 0, zero), number(tensor1(arrays, SQUARES, 0, DOUBLE)[0])
        for n in each(theta.size):
            g = share * (gradient[n] * (clip / norm) if norm > clip else gradient[n])
            theta[n], moments[0, n], moments[1, n] = adam(
                theta[n], g, moments[0, n], moments[1, n], decay[n], rate, beta1, beta2, epsilon, correction1,
                correction2,
            )  # fmt: skip

    return update
