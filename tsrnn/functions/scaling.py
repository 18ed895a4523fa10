"""When a deviation can serve as a scale, and what of a scaling is computed from the context of a window."""

import numpy as np

#: A standard deviation of at most this fraction of the mean is rounding: the values are a constant.
CONSTANT = 1e-12
#: The smallest positive float64 with all of its digits, above which a standard deviation must lie too.
TINY = float(np.finfo(np.float64).tiny)
#: What the context of a window gives in the place of the table's shift and scale: nothing, its last value as the shift,
#: its mean as the shift, or its mean and its standard deviation.
NOTHING, LAST, MEAN, MEAN_AND_SCALE = range(4)


def is_scale(deviation, mean):
    """True where a deviation of float64 values from their mean can serve as a scale; False for a constant and NaN."""
    return (deviation > CONSTANT * abs(mean)) & (deviation > TINY)
