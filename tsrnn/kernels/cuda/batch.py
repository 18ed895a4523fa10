"""What happens to a batch before and after the network, on the device: gather, loss, the weights' gradient, update.

Every sum has one order that depends on the plan alone, never on which thread comes first: there are no atomics here.
Scaling is float64 arithmetic, as on the CPU, so that inputs have the same bits on both, and so is the norm of the
gradient, whose square may be too large for float32; all the rest is theta's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...functions import activations
from ...functions.optimizers import adam
from ...losses.registry import Loss
from ...parts.scaling import mean_and_scale as mean_and_scale_of_column
from .. import layout as at
from .device import VIEWS, device, local
from .port import Port
from .products import Products
from .rows import FIRST, PLANE, ROW, ROWS, STRIDE, WEIGHTS
from .team import Team

cuda = local
vector, matrix, tensor1, tensor2, tensor3, tensor4 = VIEWS


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
    n_context: Any
    scales: Any


(
    SERIES, TARGETS, OBSERVED, START, LENGTH, TARGET, TABLE_ROW, TABLE, OF_CONTEXT, N_CONTEXT, SCALES,
) = range(len(Index._fields))  # fmt: skip
#: What a book has after the arrays of `layout`: sums of squares, one of each thread of the grid.
SQUARES = len(at.Arrays._fields)
DOUBLE, WHOLE = np.float64(0), np.int64(0)
mean_and_scale = device(mean_and_scale_of_column)


def build_gather(team: Team, dtype: Any) -> Callable:
    """`gather_scales`, `gather` and `gather_ahead` of `kernels.batch`, for one tile; rows after the end are 0."""
    each, meet, zero = team.each, team.meet, np.dtype(dtype).type(0)

    @device
    def gather(i, shape, index, order, first, count, book):
        series, start = tensor2(index, SERIES, 0, DOUBLE), tensor1(index, START, 0, WHOLE)
        length, table_row = tensor1(index, LENGTH, 0, WHOLE), tensor1(index, TABLE_ROW, 0, WHOLE)
        table, scales = tensor3(index, TABLE, 0, DOUBLE), tensor3(index, SCALES, 0, DOUBLE)
        of_context, n_context = tensor1(index, OF_CONTEXT, 0, WHOLE), tensor1(index, N_CONTEXT, 0, WHOLE)
        x, starts = tensor3(book, at.X_IN, i, zero), tensor1(book, at.STARTS, i, WHOLE)
        for e in each(x.shape[2] * of_context.size):
            lane, j = i * x.shape[2] + e // of_context.size, e % of_context.size
            if lane < count:
                w, c = order[first + lane], of_context[j]
                if c < 0:
                    mean, scale = table[0, table_row[w], j], table[1, table_row[w], j]
                else:
                    mean, scale = mean_and_scale(series, c, start[w], start[w] + n_context[0])
                scales[0, lane, j], scales[1, lane, j] = mean, scale
        meet()
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
        ahead = tensor3(book, at.AHEAD, i, zero)
        target, F, S = tensor1(index, TARGET, 0, WHOLE), shape.n_ahead, shape.n_channels * shape.n_seasonal
        width, last, flat = shape.block * (F + S), shape.block * F, vector(ahead, 0, ahead.size)
        for e in each(ahead.size):
            k, r, b = e // (width * B), e // B % width, e % B
            value, lane = DOUBLE, i * B + b
            if lane < count:
                j, c = (r // F, r % F) if r < last else ((r - last) // S, F + (r - last) % S)
                w, c = order[first + lane], shape.n_inputs - F - S + c
                row = min(target[w] + k * shape.segment + j, series.shape[0]) - 1
                value = (series[row, c] - scales[0, lane, c]) / scales[1, lane, c]
            flat[e] = value

    return gather


def build_gather_targets(team: Team, dtype: Any) -> Callable:
    """`gather_targets` of `kernels.batch`, for one tile; the sum of its weights goes to the tile's place in `share`."""
    each, zero, total = team.each, np.dtype(dtype).type(0), build_total(team)

    @device
    def gather_targets(i, shape, index, order, first, count, book):
        targets, observed = tensor2(index, TARGETS, 0, DOUBLE), tensor2(index, OBSERVED, 0, DOUBLE)
        target, scales = tensor1(index, TARGET, 0, WHOLE), tensor3(index, SCALES, 0, DOUBLE)
        y, weight = tensor3(book, at.Y, i, zero), tensor3(book, at.WEIGHT, i, zero)
        scratch, share = tensor1(book, at.SCRATCH, i, zero), tensor1(book, at.SHARE, i, zero)
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
            share[0] = weights

    return gather_targets


def build_feed(team: Team, dtype: Any) -> Callable:
    """`feed` of the CPU's backend, for one tile: `order` holds the values (count, segment, n_channels) as bits."""
    each, zero = team.each, np.dtype(dtype).type(0)

    @device
    def feed(i, shape, values, k, first, count, book):
        x, C, s = tensor3(book, at.X_IN, i, zero), shape.n_channels, shape.segment
        t, B = shape.n_steps - (shape.n_outputs - k) * s, x.shape[2]
        for e in each(C * s * B):
            c, j, b = e // (s * B), e // B % s, e % B
            if i * B + b < count:
                x[c, t + j, b] = values[i * B + b, j, c]

    return feed


def build_ones(each: Callable, dtype: Any) -> Callable:
    """The operand's row of ones of each layer, of so many inputs."""
    one = np.dtype(dtype).type(1)

    @device
    def ones(widths, n_tiles, book):
        for i in range(n_tiles):
            X = tensor4(book, at.X, i, one)
            L, T, B = X.shape[0], X.shape[1], X.shape[3]
            for e in each(L * T * B):
                layer = e // (T * B)
                X[layer, e // B % T, widths[layer], e % B] = one

    return ones


def with_shape(program: Callable, unpack: Callable) -> Callable:
    """The same program, which takes the shape's integers for the shape."""

    @device
    def unpacked(numbers, n_tiles, splits, book):
        program(unpack(numbers), n_tiles, splits, book)

    return unpacked


def transpose_all(transpose: Callable) -> Callable:
    """`transpose` of `stack` as a program of the grid: it is the same for all tiles."""

    def of_all(theta, book):
        transpose(0, 0, theta, 0, 0, 0, book)

    return of_all


def build_total(team: Team) -> Callable:
    """``total(value, scratch)``: the sum of all threads' values, in the order of a tree; `scratch` has one of each."""
    meet, size, number = team.meet, team.size, team.number

    @device
    def total(value, scratch):
        n, own = size(), number()
        scratch[own] = value
        meet()
        while n > 1:
            half = (n + 1) // 2
            if own + half < n:
                scratch[own] += scratch[own + half]
            n = half
            meet()
        result = scratch[0]
        meet()
        return result

    return total


# ---------------------------------------------------------------- loss
def build_loss(loss: Loss, team: Team, port: Port, dtype: Any) -> Callable:
    """The tile function of `loss`: its weighted sum, and the derivative of the weighted mean by each output.

    Its sum over batches carries along what rounding would lose (Kahan 1965, doi:10.1145/363707.363723).
    """
    width, zero, one = loss.width, np.dtype(dtype).type(0), np.dtype(dtype).type(1)
    parameters = ", ".join(f"out[k, o + {p}, b]" for p in range(width))
    results = ", ".join(f"d{p}" for p in range(width))
    lines = [
        "def element(out, dout, y, constant, k, o, b, factor):",
        f"    value, {results} = equation(y, {parameters}, constant)",
        *(f"    dout[k, o + {p}, b] = d{p} * factor if factor > zero else zero" for p in range(width)),
        "    return value",
    ]
    exec("\n".join(lines), namespace := {"equation": port(loss.equation), "zero": zero})
    element, each, tiles, total = device(namespace["element"]), team.each, team.tiles, build_total(team)

    @device
    def tile_loss(i, shape, theta, free, dropout, key, book):
        out, dout = tensor3(book, at.OUT, i, zero), tensor3(book, at.DOUT, i, zero)
        y, weight = tensor3(book, at.Y, i, zero), tensor3(book, at.WEIGHT, i, zero)
        constants, scratch = tensor1(book, at.CONSTANTS, 0, zero), tensor1(book, at.SCRATCH, i, zero)
        kept = tensor1(book, at.TOTAL, i, zero)
        n_targets, B, Q = y.shape[1], y.shape[2], constants.size
        batch, value, weights = zero, zero, zero
        for tile in range(tiles()):
            batch += tensor1(book, at.SHARE, tile, zero)[0]
        share = one / batch if batch > zero else zero
        for e in each(y.size):
            k, r, b = e // (n_targets * B), e // B % n_targets, e % B
            w = weight[k, r, b]
            weights += w
            for q in range(Q):
                part = element(out, dout, y[k, r, b], constants[q], k, (r * Q + q) * width, b, w * share)
                if w > zero:
                    value += w * part
        value, weights = total(value, scratch), total(weights, scratch)
        for _ in each(1):
            add_kept(kept, 0, value)
            add_kept(kept, 2, weights)

    return tile_loss


@device
def add_kept(kept, k, value):
    """Add to the sum kept[k], and to kept[k + 1] what its rounding loses."""
    before = kept[k]
    value = value - kept[k + 1]
    after = before + value
    kept[k + 1] = (after - before) - value
    kept[k] = after


# ---------------------------------------------------------------- update
def build_weights(team: Team, products: Products, dtype: Any) -> Callable:
    """The gradient of the layers' weights: one product over all steps and lanes, of gate gradients and operands.

    The tiles of the batch are dealt out to `splits` rows of grad, in which the backward pass left these places 0.
    """
    rows, columns, size, zero, B = (
        products.rows,
        products.columns,
        products.sums,
        np.dtype(dtype).type(0),
        products.lanes,
    )
    accumulate, end, shared, number, tiles = (
        products.accumulate, products.end, team.shared, team.block, team.tiles
    )  # fmt: skip

    @device
    def weights(shape, n_tiles, splits, book):
        table = tensor3(book, at.BLOCKS, 0, WHOLE)
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
                        one_tile(shape, table[layer, line], layer, copies, split, splits, n_tiles, m0, n0, M, N, book)
                    done += n

    @device
    def one_tile(shape, line, layer, copies, split, splits, n_tiles, m0, n0, M, N, book):
        sums, memory = cuda.local.array(size, dtype), shared(cuda.shared.array(0, dtype, alignment=16))
        for e in range(size):
            sums[e] = zero
        for copy in range(copies):
            for i in range(split, n_tiles, splits):
                A = tensor4(book, at.A, i, zero)[layer + copy * shape.num_layers]
                X = tensor4(book, at.X, i, zero)[layer + copy * shape.num_layers]
                T, step, K = A.shape[0], A.shape[1] * A.shape[2], X.shape[1]
                accumulate(
                    sums, memory, A, line[PLANE] * A.shape[2], (B * B, B), (step, 1),
                    X, line[FIRST] * B, (K * B, 1), (B * B, B), m0, n0, M, N, T * B,
                )  # fmt: skip
        grad = tensor1(book, at.GRAD, split, zero)
        end(sums, grad, line[WEIGHTS], (B * N, N), (B, 1), m0, n0, M, N, False)

    return weights


def build_sum(each: Callable, number: Callable, dtype: Any) -> Callable:
    """Sum the tiles' gradients into the first; each thread of the grid leaves the squares of its own in `squares`."""
    zero = np.dtype(dtype).type(0)

    @device
    def sum_gradients(n_tiles, book):
        first, squares, total = tensor1(book, at.GRAD, 0, zero), tensor1(book, SQUARES, 0, DOUBLE), DOUBLE
        for n in each(first.size):
            g = first[n]
            for i in range(1, n_tiles):
                g += tensor1(book, at.GRAD, i, zero)[n]
            first[n] = g
            total += np.float64(g) * np.float64(g)
        squares[number()] = total

    return sum_gradients


def build_norm(team: Team, port: Port) -> Callable:
    """The norm of the gradient, by one block, into the place `k` of the log and the first of `squares`."""
    each, meet, total, sqrt = team.each, team.meet, build_total(team), port(activations.sqrt)

    @device
    def norm(log, k, book):
        squares, value = tensor1(book, SQUARES, 0, DOUBLE), DOUBLE
        for n in each(squares.size):
            value += squares[n]
        meet()
        value = sqrt(total(value, squares))
        for _ in each(1):
            log[k] = value
            squares[0] = value

    return norm


def build_update(each: Callable, port: Port, dtype: Any) -> Callable:
    """One step of Adam with the clipped gradient."""
    number, step = np.dtype(dtype).type, port(adam)
    zero = number(0)

    @device
    def update(theta, moments, decay, clip, rate, beta1, beta2, epsilon, correction1, correction2, book):
        gradient, norm = tensor1(book, at.GRAD, 0, zero), number(tensor1(book, SQUARES, 0, DOUBLE)[0])
        for n in each(theta.size):
            g = gradient[n] * (clip / norm) if norm > clip else gradient[n]
            theta[n], moments[0, n], moments[1, n] = step(
                theta[n], g, moments[0, n], moments[1, n], decay[n], rate, beta1, beta2, epsilon, correction1,
                correction2,
            )  # fmt: skip

    return update
