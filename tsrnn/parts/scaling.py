"""Shift and scale from a window's context, computed where a batch is gathered."""

from __future__ import annotations

import math

import numpy as np

from ..functions.scaling import LAST, MEAN_AND_SCALE, is_scale


def of_context(
    values: np.ndarray, column: int, first: int, last: int, replaced: int, scale: float
) -> tuple[float, float]:
    """Shift and scale from the rows `first` to `last` - 1 of a column of values (n, C); `scale` is the table's.

    `replaced` is LAST, MEAN or MEAN_AND_SCALE of `functions.scaling`; the first two keep the scale.
    """
    if replaced == LAST:
        return values[last - 1, column], scale
    mean, deviation = mean_and_scale(values, column, first, last)
    return mean, deviation if replaced == MEAN_AND_SCALE else scale


def mean_and_scale(values: np.ndarray, column: int, first: int, last: int) -> tuple[float, float]:
    """Mean and scale of the rows `first` to `last` - 1 of a column of values (n, C) in float64.

    The scale is the standard deviation, 1 for a constant. The sums are of differences from the last value in units of
    the largest, so that they neither overflow nor round a small deviation away, and the mean of a constant is exactly
    its value.
    """
    origin, unit = values[last - 1, column], 0.0
    for t in range(first, last):
        difference = abs(values[t, column] - origin)
        if difference > unit:
            unit = difference
    if not unit > 0.0:
        return origin, 1.0
    total = 0.0
    for t in range(first, last):
        total += (values[t, column] - origin) / unit
    mean, square = total / (last - first), 0.0
    for t in range(first, last):
        deviation = (values[t, column] - origin) / unit - mean
        square += deviation * deviation
    scale = unit * math.sqrt(square / (last - first))
    mean = origin + unit * mean
    return mean, scale if is_scale(scale, mean) else 1.0
