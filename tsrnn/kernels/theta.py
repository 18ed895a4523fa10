"""The theta models over time: least squares and filter for many series in one call, in float64.

The optimised theta models of Fiorucci et al. (2016), doi:10.1016/j.ijforecast.2016.02.005, section 2, for a seasonally
adjusted series y_1, ..., y_n, with omega = 1 - 1 / theta:

    mu_t = l_{t-1} + omega ((1 - alpha)^{t-1} A_{t-1} + (1 - (1 - alpha)^t) / alpha B_{t-1})
    y_t = mu_t + e_t,  l_t = alpha y_t + (1 - alpha) l_{t-1}

A_t and B_t are intercept and slope of the line through the first t values (dynamic), or through all values.

Levels are linear in y and l_0, and the lines depend on y alone. So for a given alpha the errors e_t are linear in l_0
and omega, both follow from a regression with two variables, and only alpha has to be searched (variable projection:
Golub & Pereyra 1973, doi:10.1137/0710036). The sum of squares of a given alpha is convex in omega, so that its minimum
with 0 <= omega <= 1 is the unbounded one, or lies on the nearer bound.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numba import typeof

from ..parts.operations import vector
from .jit import Compiled, entry

#: Columns of the parameters of a series: initial level, alpha, omega, standard deviation of the errors, intercept and
#: slope of the line through all values, and the kind of its seasonal indices.
LEVEL, ALPHA, OMEGA, DEVIATION, INTERCEPT, SLOPE, KIND = range(7)
#: Kinds of seasonal indices.
NO_SEASON, ADDITIVE, MULTIPLICATIVE = 0.0, 1.0, 2.0
#: Bounds of alpha, as in the authors' program forecTheta.
LOWEST, HIGHEST = 0.1, 0.99
#: Values of alpha that are compared before the search within the interval around the best one, and its steps.
GRID, STEPS = 24, 30
GOLDEN = 0.6180339887498949
#: Series with fewer observed values get the standard theta model: theta = 2, alpha = 0.5.
FEWEST = 8
#: 95 % quantile of the standard normal distribution: both sides of the seasonal test have 5 %.
CRITICAL = 1.6448536269514722
#: Deviations from the mean below this part of the largest value are rounding: the series is constant.
NO_CHANGE = 1e-13
#: Units are not smaller, so that their reciprocals are finite.
SMALLEST = 1e-300


@functools.cache
def build_fit() -> Callable:
    """Compile `fit_thetas`: the parameters of the theta model of each series."""

    @entry("fit_thetas")
    def fit_thetas(y, observed, first, last, m, dynamic, parameters, seasonal, scratch):
        """Fill `parameters` (K, 7) and `seasonal` (K, m), whose phases count from a series' first value.

        Series k has the values ``y[first[k]:last[k]]``; the scratch memory has six times the longest one's length.
        """
        longest = scratch.size // 6
        for k in range(first.size):
            n = last[k] - first[k]
            z, seen = vector(scratch, 0, n), vector(observed, first[k], n)
            A, B = vector(scratch, longest, n), vector(scratch, 2 * longest, n)
            r, c = vector(scratch, 3 * longest, n), vector(scratch, 4 * longest, n)
            d, indices = vector(scratch, 5 * longest, n), vector(seasonal, k * m, m)
            size = SMALLEST
            for t in range(n):
                size = max(size, abs(y[first[k] + t]))
            unit = 2.0 ** np.floor(np.log2(size))  # squares neither overflow nor vanish
            for t in range(n):
                z[t] = y[first[k] + t] / unit
            kind = NO_SEASON
            for j in range(m):
                indices[j] = 0.0
            if is_seasonal(z, m):
                kind = decompose(z, seen, m, indices, r)
            adjust(z, seen, kind, indices)
            fit_lines(z, dynamic, A, B)
            n_seen = 0
            for t in range(n):
                n_seen += seen[t]
            if n_seen >= FEWEST:
                start = 2 if dynamic else 0  # the line through one value has no slope
                freedom = -3
                alpha, level, omega, squares = search(start, z, seen, A, B, r, c, d)
            else:
                start, freedom, alpha, omega, level = 1, 0, 0.5, 0.5, 0.5 * z[0]
                squares = standard_squares(level, alpha, omega, z, seen, A, B)
            for t in range(start, n):
                freedom += seen[t]
            parameters[k, LEVEL], parameters[k, ALPHA], parameters[k, OMEGA] = level * unit, alpha, omega
            parameters[k, DEVIATION] = unit * np.sqrt(squares / freedom) if freedom > 0 else np.nan
            parameters[k, INTERCEPT], parameters[k, SLOPE] = A[n - 1] * unit, B[n - 1] * unit
            parameters[k, KIND] = kind
            if kind == ADDITIVE:
                for j in range(m):
                    indices[j] *= unit

    return fit_thetas


@functools.cache
def build_filter() -> Callable:
    """Compile `filter_thetas`: the states of fitted models after the values of each series."""

    @entry("filter_thetas")
    def filter_thetas(y, observed, first, last, m, parameters, seasonal, states, scratch):
        """Fill `states` (K, 3): level, mean of the adjusted values, and slope of the line through them.

        The models are those of `fit_thetas`, for the same series, perhaps with more values.
        """
        for k in range(first.size):
            n, alpha, level = last[k] - first[k], parameters[k, ALPHA], parameters[k, LEVEL]
            z, seen, mean, slope = vector(scratch, 0, n), vector(observed, first[k], n), 0.0, 0.0
            for t in range(n):
                z[t] = y[first[k] + t]
            adjust(z, seen, parameters[k, KIND], vector(seasonal, k * m, m))
            for t in range(n):
                level = alpha * z[t] + (1 - alpha) * level
                slope = next_slope(slope, mean, z[t], t + 1) if t > 0 else 0.0
                mean += (z[t] - mean) / (t + 1)
            states[k, 0], states[k, 1], states[k, 2] = level, mean, slope

    return filter_thetas


def ahead(name: str) -> Compiled:
    """Return "fit_thetas" or "filter_thetas", to be compiled before it is called, for the arguments that it will get.

    They are those that `tsrnn.linear.theta` passes.
    """
    row, table, places = np.empty(0), np.empty((0, 0)), np.empty(0, np.int64)
    rows = (row, np.empty(0, np.bool_), places, places, 1)
    if name == "fit_thetas":
        return Compiled(build_fit(), lambda _: tuple(map(typeof, (*rows, True, table, table, row))))
    return Compiled(build_filter(), lambda _: tuple(map(typeof, (*rows, table, table, table, row))))


def is_seasonal(z, m):
    """Whether the autocorrelation at lag m differs from zero, at the 90 % level.

    The test of the M3 competition: Assimakopoulos & Nikolopoulos (2000), doi:10.1016/S0169-2070(00)00066-2, with the
    standard error of Bartlett (1946), doi:10.2307/2983611. It needs two seasons.
    """
    n = z.size
    if m < 2 or n < 2 * m:
        return False
    mean, variance, largest, total = 0.0, 0.0, 0.0, 0.0
    for t in range(n):
        mean += z[t] / n
    for t in range(n):
        variance += (z[t] - mean) ** 2
        largest = max(largest, abs(z[t] - mean))
    if largest <= NO_CHANGE:
        return False
    correlation = 0.0
    for lag in range(1, m + 1):
        covariance = 0.0
        for t in range(lag, n):
            covariance += (z[t] - mean) * (z[t - lag] - mean)
        correlation = covariance / variance
        if lag < m:
            total += correlation * correlation
    return abs(correlation) > CRITICAL * np.sqrt((1 + 2 * total) / n)


def decompose(z, seen, m, indices, trend):
    """Fill the seasonal indices (m,) by classical decomposition, and return their kind.

    They are the means of value / trend, or of value - trend where a value is not positive, over the observed values of
    each phase, for a trend by centred moving averages of m values; all indices have the mean 1, or 0.
    """
    n, half, kind = z.size, m // 2, MULTIPLICATIVE
    for t in range(n):
        if not z[t] > 0:
            kind = ADDITIVE
    for t in range(half, n - half):
        total = 0.0
        for j in range(t - half, t + half + 1):
            total += z[j]
        if m % 2 == 0:  # the two ends have half the weight
            total -= 0.5 * (z[t - half] + z[t + half])
        trend[t] = total / m
    neutral = 1.0 if kind == MULTIPLICATIVE else 0.0
    mean = 0.0
    for j in range(m):
        total, count = 0.0, 0
        for t in range(j, n - half, m):
            if t >= half and seen[t]:
                total += z[t] / trend[t] if kind == MULTIPLICATIVE else z[t] - trend[t]
                count += 1
        indices[j] = total / count if count > 0 else neutral
        mean += indices[j] / m
    for j in range(m):
        indices[j] = indices[j] / mean if kind == MULTIPLICATIVE else indices[j] - mean
    return kind


def adjust(z, seen, kind, indices):
    """Take the seasonal indices out of z (n,), and carry its last observed value forward where one is missing."""
    n, m = z.size, indices.size
    for t in range(n):
        if not seen[t] and t > 0:
            z[t] = z[t - 1]
        elif kind == MULTIPLICATIVE:
            z[t] /= indices[t % m]
        elif kind == ADDITIVE:
            z[t] -= indices[t % m]


def next_slope(slope, mean, value, t):
    """Slope of the line through t values, from slope and mean of the t - 1 values before `value`; t is at least 2."""
    return ((t - 2) * slope + 6 * (value - mean) / t) / (t + 1)


def fit_lines(z, dynamic, A, B):
    """Intercept A[t] and slope B[t] of the line through z[0] to z[t], or for all t of that through all values."""
    n, mean, slope = z.size, 0.0, 0.0
    for t in range(n):
        slope = next_slope(slope, mean, z[t], t + 1) if t > 0 else 0.0
        mean += (z[t] - mean) / (t + 1)
        A[t], B[t] = mean - 0.5 * (t + 2) * slope, slope
    if not dynamic:
        for t in range(n):
            A[t], B[t] = A[n - 1], B[n - 1]


def standard_squares(level, alpha, omega, z, seen, A, B):
    """Sum of the squared errors of the observed values but the first."""
    decay, total = 1 - alpha, 0.0
    for t in range(1, z.size):
        level = alpha * z[t - 1] + (1 - alpha) * level
        mean = level + omega * (decay * A[t - 1] + (1 - (1 - alpha) * decay) / alpha * B[t - 1])
        total += (z[t] - mean) ** 2 if seen[t] else 0.0
        decay *= 1 - alpha
    return total


def search(start, z, seen, A, B, r, c, d):
    """Return alpha, initial level and omega with the least sum of squares from `start` on, and this sum.

    First a grid of alphas is compared, then golden-section search follows around the best one.
    """
    best, best_level, best_omega, least = LOWEST, 0.0, 0.0, np.inf
    width = (HIGHEST - LOWEST) / (GRID - 1)
    low, high, left, right, at_left, at_right = 0.0, 0.0, 0.0, 0.0, np.inf, np.inf
    for i in range(GRID + 2 + STEPS):
        is_left = i == GRID or (i > GRID + 1 and at_left <= at_right)
        if i < GRID:
            alpha = LOWEST + i * width
        elif i <= GRID + 1:
            if i == GRID:
                low, high = max(best - width, LOWEST), min(best + width, HIGHEST)
            left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
            alpha = left if is_left else right
        elif is_left:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            alpha = left
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            alpha = right
        level, omega, squares = regress(alpha, start, z, seen, A, B, r, c, d)
        if squares < least:
            best, best_level, best_omega, least = alpha, level, omega, squares
        if i >= GRID and is_left:
            at_left = squares
        elif i >= GRID:
            at_right = squares
    return best, best_level, best_omega, least


def regress(alpha, start, z, seen, A, B, r, c, d):
    """Return initial level and omega in [0, 1] that minimise the sum of squares for an alpha, and this sum.

    The errors are r - level * c - omega * d.
    """
    decay, sum_before = 1.0, 0.0
    cc, cd, dd, cr, dr = 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(z.size):
        before = max(t - 1, 0)
        r[t], c[t] = z[t] - sum_before, decay
        d[t] = decay * A[before] + (1 - (1 - alpha) * decay) / alpha * B[before]
        sum_before = alpha * z[t] + (1 - alpha) * sum_before  # the level without that of the start
        decay *= 1 - alpha
        if t >= start and seen[t]:
            cc += c[t] * c[t]
            cd += c[t] * d[t]
            dd += d[t] * d[t]
            cr += c[t] * r[t]
            dr += d[t] * r[t]
    share = cd / cc if cc > 0 else 0.0
    omega, pivot = 0.0, dd - cd * share
    if pivot > 1e-12 * dd:  # otherwise level and line have the same effect, as in a constant series
        omega = min(max((dr - cr * share) / pivot, 0.0), 1.0)
    level, squares = (cr - omega * cd) / cc if cc > 0 else 0.0, 0.0
    for t in range(start, z.size):
        error = r[t] - level * c[t] - omega * d[t]
        squares += error * error if seen[t] else 0.0
    return level, omega, squares
