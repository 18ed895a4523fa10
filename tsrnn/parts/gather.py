"""From series to the arrays of a batch: windows are read from the series and scaled; nothing is copied beforehand.

The arrays of this file that are `given` belong to the caller: a series, an index of windows, the batch's windows. They
are float64; scaled numbers have the precision of the parameters.
"""

from __future__ import annotations

from ..functions.scaling import MEAN_AND_SCALE, NOTHING
from .common import AHEAD, SHARE, STARTS, WEIGHT, X, Y
from .operations import tensor1, tensor2, tensor3, vector, zero
from .part import Buffer, Operation, Part
from .scaling import of_context
from .shape import first_known


def _given(name: str, ndim: int, dtype: str) -> Buffer:
    return Buffer(name, lambda _: (0,) * ndim, dtype=dtype, shared=True, given=True)


#: Inputs (N, I) of all series, one after the other; targets (M, C), and which were observed, or their weights.
SERIES, TARGETS = _given("series", 2, "float64"), _given("targets", 2, "float64")
OBSERVED = _given("observed", 2, "float64")
#: Of each window (n_windows,): first row, number of rows, row of the first target, row of its scales in the table.
WINDOW_START, WINDOW_LENGTH = _given("window_start", 1, "int64"), _given("window_length", 1, "int64")
WINDOW_TARGET, WINDOW_ROW = _given("window_target", 1, "int64"), _given("window_row", 1, "int64")
#: Shift and scale (2, R, I + C) of inputs and targets.
SCALE_TABLE = _given("scale_table", 3, "float64")
#: Of each input and target (2, I + C): what the context replaces (`functions.scaling`), and the input whose context.
OF_CONTEXT = _given("of_context", 2, "int64")
#: Windows of the batch (n_lanes,); their scales (2, capacity, I + C).
BATCH, SCALES = _given("batch", 1, "int64"), _given("scales", 3, "float64")


def scale_windows(tile, step, shape, theta, chance, arrays):
    """Fill `SCALES`: shift and scale of each window's inputs and targets, from the table or from its context.

    The context are the window's rows before the first target, however many they are.
    """
    series, start = tensor2(arrays, SERIES, 0, 0.0), tensor1(arrays, WINDOW_START, 0, arrays)
    table, scales = tensor3(arrays, SCALE_TABLE, 0, 0.0), tensor3(arrays, SCALES, 0, 0.0)
    from_context, rows = tensor2(arrays, OF_CONTEXT, 0, arrays), tensor1(arrays, WINDOW_ROW, 0, arrays)
    batch, target = tensor1(arrays, BATCH, 0, arrays), tensor1(arrays, WINDOW_TARGET, 0, arrays)
    for lane in range(batch.size):
        w = batch[lane]
        for j in range(from_context.shape[1]):
            replaced, c = from_context[0, j], from_context[1, j]
            shift, scale = table[0, rows[w], j], table[1, rows[w], j]
            if replaced != NOTHING and c < j:  # computed before
                shift, scale = scales[0, lane, c], scales[1, lane, c] if replaced == MEAN_AND_SCALE else scale
            elif replaced != NOTHING:
                shift, scale = of_context(series, c, start[w], target[w], replaced, scale)
            scales[0, lane, j], scales[1, lane, j] = shift, scale


def gather(tile, step, shape, theta, chance, arrays):
    """x[c, t] = (series[start + t, c] - shift[c]) / scale[c], right-aligned; a lane without a window is zero.

    `STARTS` becomes the step at which each lane starts, counted in segments.
    """
    series, scales = tensor2(arrays, SERIES, 0, 0.0), tensor3(arrays, SCALES, 0, 0.0)
    start, length = tensor1(arrays, WINDOW_START, 0, arrays), tensor1(arrays, WINDOW_LENGTH, 0, arrays)
    batch, starts = tensor1(arrays, BATCH, 0, arrays), tensor1(arrays, STARTS, tile, arrays)
    x = tensor3(arrays, X, tile, theta)
    I, T, B = x.shape
    flat = vector(x, 0, x.size)
    for b in range(B):
        lane = tile * B + b
        is_empty = lane >= batch.size
        w = batch[0 if is_empty else lane]
        late = T - min(T, length[w])
        starts[b] = 0 if is_empty else late // shape.segment
        first = start[w] - late
        begin, end = (T, T) if is_empty else (late, min(T, series.shape[0] - first))
        for c in range(I):
            for t in range(begin):
                flat[(c * T + t) * B + b] = 0
            if begin < end:
                shift, inverse = scales[0, lane, c], 1.0 / scales[1, lane, c]
                for t in range(begin, end):
                    flat[(c * T + t) * B + b] = (series[first + t, c] - shift) * inverse


def gather_ahead(tile, step, shape, theta, chance, arrays):
    """ahead[k, j*F + f] = scaled covariate f of step target + k*stride + j - 1; the row of the step before holds it.

    After these (block + 1)*F rows the seasonal inputs follow, without those of the step before the first target.
    Columns of the series are those of the next step: F covariates, then the seasonal inputs. A window of one row before
    the first target does not know the covariates of that row; those of the next step stand for them.
    """
    series, scales = tensor2(arrays, SERIES, 0, 0.0), tensor3(arrays, SCALES, 0, 0.0)
    start, target = tensor1(arrays, WINDOW_START, 0, arrays), tensor1(arrays, WINDOW_TARGET, 0, arrays)
    batch, ahead = tensor1(arrays, BATCH, 0, arrays), tensor3(arrays, AHEAD, tile, theta)
    n_outputs, width, B = ahead.shape
    F, S = shape.n_covariates, shape.n_channels * shape.n_seasonal
    column, last, flat = first_known(shape), (shape.block + 1) * F, vector(ahead, 0, ahead.size)
    zero(flat)
    for b in range(B):
        lane = tile * B + b
        if lane < batch.size:
            w = batch[lane]
            for k in range(n_outputs):
                for r in range(width):
                    j, c = (r // F - 1, r % F) if r < last else ((r - last) // S, F + (r - last) % S)
                    row, c = target[w] + k * shape.segment + j - 1, column + c
                    row = max(min(start[w], target[w] - 1), min(row, series.shape[0] - 1))
                    flat[(k * width + r) * B + b] = (series[row, c] - scales[0, lane, c]) / scales[1, lane, c]


def gather_targets(tile, step, shape, theta, chance, arrays):
    """y[k, j*C + c] = scaled targets[target + k*stride + j, c] where observed, else 0 with weight 0.

    It runs once for all tiles: `SHARE` becomes 1 / sum of weights, or 0 where nothing was observed.
    """
    targets, observed = tensor2(arrays, TARGETS, 0, 0.0), tensor2(arrays, OBSERVED, 0, 0.0)
    target, batch = tensor1(arrays, WINDOW_TARGET, 0, arrays), tensor1(arrays, BATCH, 0, arrays)
    scales, share = tensor3(arrays, SCALES, 0, 0.0), tensor1(arrays, SHARE, 0, theta)
    B, C, n = tensor1(arrays, STARTS, 0, arrays).size, targets.shape[1], shape.block
    I = scales.shape[2] - C
    weights = 0.0
    for i in range((batch.size + B - 1) // B):
        y, weight = tensor1(arrays, Y, i, theta), tensor1(arrays, WEIGHT, i, theta)
        zero(y)
        zero(weight)
    for lane in range(batch.size):
        i, b, w = lane // B, lane % B, batch[lane]
        y, weight = tensor1(arrays, Y, i, theta), tensor1(arrays, WEIGHT, i, theta)
        for k in range(shape.n_outputs):
            for j in range(n):
                row = target[w] + k * shape.segment + j
                for c in range(C):
                    seen, at = observed[row, c], ((k * n + j) * C + c) * B + b
                    if seen > 0:
                        y[at] = (targets[row, c] - scales[0, lane, I + c]) / scales[1, lane, I + c]
                        weight[at] = seen
                        weights += seen
    share[0] = 1.0 / weights if weights > 0 else 0.0


SCALE_WINDOWS = Operation("scale_windows", scale_windows)
GATHER, GATHER_AHEAD = Operation("gather", gather), Operation("gather_ahead", gather_ahead)
GATHER_TARGETS = Operation("gather_targets", gather_targets)
PART = Part(
    (
        SERIES, TARGETS, OBSERVED, WINDOW_START, WINDOW_LENGTH, WINDOW_TARGET, WINDOW_ROW, SCALE_TABLE, OF_CONTEXT,
        BATCH, SCALES,
    ),
    operations=(SCALE_WINDOWS, GATHER, GATHER_AHEAD, GATHER_TARGETS),
)  # fmt: skip
