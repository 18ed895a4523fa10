"""What happens to a batch before and after the network: gather, update.

These are cheap beside the scan and run on one thread, which also gives their sums one fixed order.

Shapes: n_tiles tiles of B lanes; x (n_tiles, I, T, B); ahead (n_tiles, n_outputs, block*F + block*C*S, B) for F
covariates and S seasonal inputs of each channel; y and weight (n_tiles, n_outputs, block*C, B) for C target channels;
out and dout (n_tiles, n_outputs, block*C*size, B), where a target's `size` parameters stand side by side.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..functions.optimizers import adam
from ..functions.scaling import mean_and_scale
from ..parts.lanes import lane_loop, parameters_of
from .jit import entry


def fill_scales(series, window_start, window_row, table, of_context, n_context, batch, scales):
    """scales[:, lane, j] = table[:, row, j], or mean and scale of input c = of_context[j] over the lane's context.

    The latter where c is not -1; the context are the first `n_context` rows of the window.
    """
    for lane in range(batch.size):
        first, row = window_start[batch[lane]], window_row[batch[lane]]
        for j in range(of_context.size):
            c = of_context[j]
            if c < 0:
                scales[0, lane, j], scales[1, lane, j] = table[0, row, j], table[1, row, j]
            elif c < j:  # computed before
                scales[0, lane, j], scales[1, lane, j] = scales[0, lane, c], scales[1, lane, c]
            else:
                scales[0, lane, j], scales[1, lane, j] = mean_and_scale(series, c, first, first + n_context)


def build_gather() -> Callable:
    """`gather`: windows of a batch, read from the series and scaled; nothing is copied out beforehand."""

    @entry("gather")
    def gather(
        series, window_start, window_length, window_row, table, of_context, n_context, batch, segment, scales, x, starts
    ):
        """x[c, t] = (series[start + t, c] - shift[c]) / scale[c], right-aligned; lanes without a window are zero.

        starts becomes the step at which each lane starts, counted in segments; scales (2, n_lanes, I + C) float64
        becomes shift and scale of each lane's inputs and targets, as `fill_scales` computes them.

        series (N, I) float64; window_start, window_length, window_row (n_windows,) int64; table (2, R, I + C) float64;
        of_context (I + C,) int64; batch (n_lanes,) window numbers.
        """
        fill_scales(series, window_start, window_row, table, of_context, n_context, batch, scales)
        n_tiles, I, T, B = x.shape
        for lane in range(n_tiles * B):
            i, b = lane // B, lane % B
            if lane >= batch.size:
                starts[i, b] = 0
                x[i, :, :, b] = 0
                continue
            w = batch[lane]
            late = T - min(T, window_length[w])
            starts[i, b] = late // segment
            first = window_start[w] - late
            for c in range(I):
                a, inverse = scales[0, lane, c], 1.0 / scales[1, lane, c]
                for t in range(late):
                    x[i, c, t, b] = 0
                for t in range(late, min(T, series.shape[0] - first)):
                    x[i, c, t, b] = (series[first + t, c] - a) * inverse

    return gather


def build_gather_ahead() -> Callable:
    """`gather_ahead`: covariates and seasonal inputs of the steps that a batch's outputs forecast."""

    @entry("gather_ahead")
    def gather_ahead(series, window_target, scales, batch, block, n_covariates, stride, ahead):
        """ahead[k, j*F + f] = scaled covariate f of step target + k*stride + j; the row of the step before holds it.

        After these block*F rows the seasonal inputs follow in the same way. series (N, I) float64, of which the last
        columns are those of the next step: F = `n_covariates`, then the seasonal inputs; scales as in `gather`.
        """
        n_tiles, n_outputs, width, B = ahead.shape
        F, S = n_covariates, width // block - n_covariates
        first, last = series.shape[1] - F - S, block * F
        for lane in range(n_tiles * B):
            i, b = lane // B, lane % B
            for k in range(n_outputs):
                for r in range(width):
                    ahead[i, k, r, b] = 0
                    if lane < batch.size:
                        j, c = (r // F, r % F) if r < last else ((r - last) // S, F + (r - last) % S)
                        w, c = batch[lane], first + c
                        row = min(window_target[w] + k * stride + j, series.shape[0]) - 1
                        ahead[i, k, r, b] = (series[row, c] - scales[0, lane, c]) / scales[1, lane, c]

    return gather_ahead


def build_gather_targets() -> Callable:
    """`gather_targets`: what the batch's outputs are compared with."""

    @entry("gather_targets")
    def gather_targets(targets, observed, target_start, scales, batch, block, stride, y, weight, share):
        """y[k, j*C + c] = scaled targets[target + k*stride + j, c] where observed, else 0 with weight 0.

        share[0] becomes 1 / sum of weights, or 0 where nothing was observed. targets, observed (M, C) float64;
        target_start (n_windows,) int64; scales (2, n_lanes, I + C) float64, of each lane's targets last.
        """
        n_tiles, n_outputs, width, B = y.shape
        C = targets.shape[1]
        I = scales.shape[2] - C
        y[:] = 0
        weight[:] = 0
        weights = 0.0
        for lane in range(batch.size):
            i, b, w = lane // B, lane % B, batch[lane]
            for k in range(n_outputs):
                for j in range(block):
                    row = target_start[w] + k * stride + j
                    for c in range(C):
                        if observed[row, c] > 0:
                            y[i, k, j * C + c, b] = (targets[row, c] - scales[0, lane, I + c]) / scales[1, lane, I + c]
                            weight[i, k, j * C + c, b] = observed[row, c]
                            weights += observed[row, c]
        share[0] = 1.0 / weights if weights > 0 else 0.0

    return gather_targets


def build_update() -> Callable:
    """`update`: the sum of the tiles' gradients, clipped, and one step of Adam."""
    reads = parameters_of(adam)
    rows = {name: name for name in ("theta", "g", "m", "v", "decay")}
    step = lane_loop("adam_lanes", adam, reads, ("theta", "m", "v"), rows, ", ".join(reads))

    @entry("adam_update")
    def update(theta, grad, m, v, decay, hyper, clip, log):
        """One step; grad (n_tiles, n) is summed into its first row. log takes the gradient's norm before clipping.

        hyper = (rate, beta1, beta2, epsilon, 1 - beta1**t, 1 - beta2**t) in theta's precision; clip = inf: no clipping.
        """
        g = grad[0]
        for i in range(1, grad.shape[0]):
            for n in range(g.size):
                g[n] += grad[i, n]
        square = 0.0  # in float64: a sum of many float32 squares loses digits
        for n in range(g.size):
            square += np.float64(g[n]) * np.float64(g[n])
        norm = np.sqrt(square)
        log[0] = norm
        if norm > clip:
            for n in range(g.size):
                g[n] *= clip / norm
        step(theta, g, m, v, decay, hyper[0], hyper[1], hyper[2], hyper[3], hyper[4], hyper[5])

    return update
