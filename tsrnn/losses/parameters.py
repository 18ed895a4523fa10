"""From raw outputs of a network to parameters of a distribution: bounds, and functions that several likelihoods share.

Raw parameters are any numbers. The logarithm of a scale or shape is clipped to ±30 before its exponential is taken, so
that float32 can represent the square of the result; no series needs a scale that is 13 orders of magnitude from its own
units. The raw mean of a count is at least -30 before softplus, so that the logarithm of the mean is finite. Beyond such
a bound the derivative is the one at the bound: it points back inside.
"""

import numpy as np

from ..functions.activations import between, exp, log

#: Bound of a logarithm, and minus the lower bound of a raw mean.
LIMIT = np.float32(30)


def location_scale(location, log_scale):
    """Location and scale, the arguments of `scipy.stats`."""
    return location, exp(between(log_scale, -LIMIT, LIMIT))


def location_scale_start(mean, deviation):
    """Location and logarithm of the scale for a mean and a standard deviation."""
    return mean, log(deviation)


def inverse_softplus(mean):
    """The raw mean whose softplus is `mean`."""
    return mean + log(-np.expm1(-mean))
