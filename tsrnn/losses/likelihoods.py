"""Losses that are likelihoods: what the network gives are the parameters of a distribution.

A value is the negative logarithm of a density or probability, without the terms in which no parameter stands. Beside
each equation, its `natural` turns the same parameters into the arguments that scipy.stats takes.

Raw parameters are any numbers. A logarithm of a scale, or of a shape, is held to ±30 before its exponential is taken,
so that float32 holds the squares that come of it; 13 orders of magnitude from the series' own units tell no scale from
another. A mean below softplus(-30) is held there, so that its logarithm is finite. A derivative beyond such a bound is
the one at it: it still says which way leads back.
"""

from __future__ import annotations

import numpy as np

from ..functions.activations import HALF, ONE, absolute, at_least, between, exp, log, log1p, sign, softplus
from ..functions.gamma import TWO, log_rising
from .loss import Loss

LIMIT = np.float32(30)


def gaussian(y, mean, log_scale, _):
    """Negative log-likelihood of N(mean, exp(log_scale)²), without the constant log(2 pi)/2."""
    log_scale = between(log_scale, -LIMIT, LIMIT)
    precision = exp(-log_scale)
    z = (y - mean) * precision
    return HALF * z * z + log_scale, -z * precision, ONE - z * z


def gaussian_natural(mean, log_scale):
    """Mean and standard deviation."""
    return mean, exp(between(log_scale, -LIMIT, LIMIT))


def gaussian_start(mean, deviation):
    """Mean and logarithm of the scale."""
    return mean, log(deviation)


def laplace(y, location, log_scale, _):
    """Negative log-likelihood of the density exp(-|y - location| / scale) / (2 scale), without the constant log(2)."""
    log_scale = between(log_scale, -LIMIT, LIMIT)
    precision = exp(-log_scale)
    e = y - location
    z = absolute(e) * precision
    return z + log_scale, -sign(e) * precision, ONE - z


def student_t(y, location, log_scale, raw, _):
    """Lange, Little & Taylor (1989), doi:10.1080/01621459.1989.10478852: Student's t, of 2 + softplus(raw) degrees.

    More than two degrees of freedom, so that there is a variance. Without the constant log(2 pi)/2.
    """
    log_scale, spread = between(log_scale, -LIMIT, LIMIT), softplus(raw)
    precision, df = exp(-log_scale), TWO + spread
    z = (y - location) * precision
    q = z * z / df
    rise, d_rise = log_rising(HALF, HALF * df)
    pull = (df + ONE) / (df + z * z)
    by_df = HALF * (log1p(q) - pull * q - d_rise) + HALF / df
    return (
        log_scale - rise + HALF * (df + ONE) * log1p(q),
        -pull * z * precision,
        ONE - pull * z * z,
        by_df * exp(raw - spread),
    )


def student_t_start(mean, deviation):
    """About three degrees of freedom more than two; the scale that they leave."""
    return mean, log(deviation), TWO + ONE + 0 * mean


def student_t_natural(location, log_scale, raw):
    """Degrees of freedom, location and scale."""
    return TWO + softplus(raw), location, exp(between(log_scale, -LIMIT, LIMIT))


def poisson(y, p, _):
    """Negative log-likelihood of a Poisson distribution of mean softplus(p), without log(y!)."""
    p = at_least(p, -LIMIT)
    mean = softplus(p)
    return mean - y * log(mean), (ONE - y / mean) * exp(p - mean)


def poisson_start(mean, _):
    """The inverse of softplus."""
    return (mean + log(-np.expm1(-mean)),)


def poisson_natural(p):
    """The mean."""
    return (softplus(at_least(p, -LIMIT)),)


def negative_binomial(y, p, log_shape, _):
    """Mean m = softplus(p) and shape r = exp(log_shape), so that the variance is m + m² / r; without log(y!).

    The form NB2 of Hilbe (2011), doi:10.1017/CBO9780511973420, with r = 1 / alpha; the limit of large r is Poisson's.
    """
    p, log_shape = at_least(p, -LIMIT), between(log_shape, -LIMIT, LIMIT)
    mean, shape = softplus(p), exp(log_shape)
    rise, d_rise = log_rising(y, shape)
    grown = log1p(mean / shape)
    return (
        (shape + y) * grown - rise - y * log(mean),
        (ONE - y / mean) * shape / (shape + mean) * exp(p - mean),
        shape * (grown - d_rise + (y - mean) / (shape + mean)),
    )


def negative_binomial_start(mean, deviation):
    """The shape is what the variance exceeds the mean by; a variance that does not is Poisson's, or nearly."""
    excess = np.maximum(deviation * deviation - mean, mean * mean * exp(-HALF * LIMIT))
    return (*poisson_start(mean, deviation), log(mean * mean / excess))


def negative_binomial_natural(p, log_shape):
    """Shape, and the shape's part of shape + mean."""
    mean, shape = softplus(at_least(p, -LIMIT)), exp(between(log_shape, -LIMIT, LIMIT))
    return shape, shape / (shape + mean)


GAUSSIAN = Loss(
    "gaussian", gaussian, width=2, family="norm", spread=(0, 1), natural=gaussian_natural, start=gaussian_start
)
LAPLACE = Loss(
    "laplace", laplace, width=2, family="laplace", spread=(0, 1), natural=gaussian_natural, start=gaussian_start
)
STUDENT_T = Loss(
    "student_t", student_t, width=3, family="t", spread=(0, 1, 0), natural=student_t_natural, start=student_t_start
)
POISSON = Loss(
    "poisson",
    poisson,
    link="softplus",
    support="counts",
    family="poisson",
    natural=poisson_natural,
    start=poisson_start,
)
NEGATIVE_BINOMIAL = Loss(
    "negative_binomial",
    negative_binomial,
    width=2,
    link="softplus",
    support="counts",
    family="nbinom",
    spread=(0, -1),
    natural=negative_binomial_natural,
    start=negative_binomial_start,
)
