"""The negative log-likelihood of a negative binomial distribution, for counts of larger variance than Poisson's."""

import numpy as np

from ..functions.activations import HALF, ONE, at_least, between, exp, log, log1p, softplus
from ..functions.gamma import log_rising
from .loss import Loss
from .parameters import LIMIT, inverse_softplus


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
    """Raw mean, and logarithm of the shape m² / (variance - m), which is large where the variance is Poisson's."""
    excess = np.maximum(deviation * deviation - mean, mean * mean * exp(-HALF * LIMIT))
    return inverse_softplus(mean), log(mean * mean / excess)


def negative_binomial_natural(p, log_shape):
    """Shape r, and the probability r / (r + m)."""
    mean, shape = softplus(at_least(p, -LIMIT)), exp(between(log_shape, -LIMIT, LIMIT))
    return shape, shape / (shape + mean)


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
LOSSES = (NEGATIVE_BINOMIAL,)
