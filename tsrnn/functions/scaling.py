"""When a standard deviation can serve as a scale."""

import numpy as np

#: A standard deviation of at most this fraction of the mean is rounding: the values are a constant.
CONSTANT = 1e-12
#: The smallest positive float64 with all of its digits, above which a standard deviation must lie too.
TINY = float(np.finfo(np.float64).tiny)


def is_scale(deviation, mean):
    """True where the standard deviation of values in float64 can serve as their scale; False for a constant and NaN."""
    return (deviation > CONSTANT * abs(mean)) & (deviation > TINY)
