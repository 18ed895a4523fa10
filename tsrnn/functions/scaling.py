"""When a standard deviation is a scale."""

from __future__ import annotations

import sys

#: A standard deviation of at most this fraction of the mean is rounding: the values are a constant.
CONSTANT = 1e-12
#: The smallest positive float64 with all of its digits, above which a standard deviation must lie too.
TINY = sys.float_info.min
