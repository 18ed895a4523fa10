"""Oracles: measures of forecasts from their definitions, as loops over lists of numbers. Never imports tsrnn.

`y` and `f` are lists of true values, None where missing, and of forecasts; `q[t][k]` are quantiles or samples of step
t. Each returns a number for one series.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import sqrt


def mean(terms):
    """Sum of terms divided by their number."""
    terms = list(terms)
    return sum(terms) / len(terms)


def pairs(y, *others):
    """The steps with a true value."""
    return [step for step in zip(y, *others, strict=True) if step[0] is not None]


def mae(y, f):
    return mean(abs(a - b) for a, b in pairs(y, f))


def rmse(y, f):
    return sqrt(mean((a - b) ** 2 for a, b in pairs(y, f)))


def bias(y, f):
    return mean(b - a for a, b in pairs(y, f))


def mape(y, f):
    return mean(100 * abs((a - b) / a) for a, b in pairs(y, f))


def smape(y, f):
    return mean(0 if a == b == 0 else 2 * 100 * abs(a - b) / (abs(a) + abs(b)) for a, b in pairs(y, f))


def changes(train, season):
    """The seasonal differences of a training series."""
    season = season if season < len(train) else 1
    both = [(train[t], train[t - season]) for t in range(season, len(train))]
    return [a - b for a, b in both if a is not None and b is not None]


def mase(y, f, train, season):
    return mae(y, f) / mean(abs(d) for d in changes(train, season))


def rmsse(y, f, train, season):
    return sqrt(mean((a - b) ** 2 for a, b in pairs(y, f)) / mean(d**2 for d in changes(train, season)))


def owa(y, f, train, season, reference):
    return (smape(y, f) / smape(y, reference) + mase(y, f, train, season) / mase(y, reference, train, season)) / 2


def loss_of_quantile(a, b, level):
    """The cost of a quantile b that is missed by the value a."""
    return level * (a - b) if a >= b else (1 - level) * (b - a)


def pinball(y, q, levels):
    return mean(
        mean(loss_of_quantile(a, b, level) for b, level in zip(row, levels, strict=True)) for a, row in pairs(y, q)
    )


def weighted_quantile_loss(y, q, levels):
    size = sum(abs(a) for a, _ in pairs(y, q))
    return mean(
        sum(2 * loss_of_quantile(a, row[k], level) for a, row in pairs(y, q)) / size for k, level in enumerate(levels)
    )


def crps_from_quantiles(y, q, levels):
    return 2 * pinball(y, q, levels)


def crps_from_samples(y, x, fair):
    """The kernel form, with all pairs of samples."""

    def score(a, row):
        m = len(row)
        spread = sum(abs(b - c) for b in row for c in row) / (2 * m * (m - 1 if fair else m))
        return mean(abs(b - a) for b in row) - spread

    return mean(score(a, row) for a, row in pairs(y, x))


def crps_of_steps(a, row):
    """Integral of (F(z) - 1{z >= a})^2 over z, for the empirical distribution function F of samples."""
    points = sorted([*row, a])
    total = 0.0
    for left, right in pairwise(points):
        share = sum(b <= left for b in row) / len(row)
        total += (share - (left >= a)) ** 2 * (right - left)
    return total


def coverage(y, low, up):
    return mean(1 if b <= a <= c else 0 for a, b, c in pairs(y, low, up))


def mean_width(low, up):
    return mean(c - b for b, c in zip(low, up, strict=True))


def interval_score(y, low, up, nominal):
    def score(a, b, c):
        penalty = 2 / (1 - nominal)
        return c - b + (penalty * (b - a) if a < b else penalty * (a - c) if a > c else 0)

    return mean(score(*step) for step in pairs(y, low, up))


def naive2_of_quarters(train, horizon):
    """Naive2 of a positive seasonal series of quarters, with exact fractions (Makridakis et al. 2020)."""
    x = [Fraction(value) for value in train]
    ratios = {k: [] for k in range(4)}
    for t in range(2, len(x) - 2):
        average = (x[t - 2] / 2 + x[t - 1] + x[t] + x[t + 1] + x[t + 2] / 2) / 4
        ratios[t % 4].append(x[t] / average)
    raw = {k: mean(terms) for k, terms in ratios.items()}
    index = {k: value / mean(raw.values()) for k, value in raw.items()}
    n = len(x)
    return [float(x[-1] / index[(n - 1) % 4] * index[(n + h) % 4]) for h in range(horizon)]
