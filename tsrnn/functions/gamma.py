"""The logarithm of gamma(r + y) / gamma(r), as likelihoods need it, without cancellation.

For whole y, gamma(r + y) / gamma(r) is r (r + 1) ... (r + y - 1). A difference of two log-gammas loses all digits of
float32 where r is large. Here both are shifted by 8, where Stirling's series (NIST's Digital Library of Mathematical
Functions, https://dlmf.nist.gov, eqs. 5.5.1 and 5.11.1) needs six terms for float64, and subtracted term by term.
"""

from __future__ import annotations

import numpy as np

from .activations import HALF, ONE, log1p

# Exact in every precision, as those of `activations`.
TWO, FOUR, SIX, EIGHT, TWELVE = (np.float32(n) for n in (2, 4, 6, 8, 12))
#: Term k + 1 of Stirling's series over term k is -RISE[k] / FALL[k] / z².
RISE = (ONE, TWO, np.float32(3), np.float32(140), np.float32(2073))
FALL = (np.float32(30), np.float32(7), FOUR, np.float32(99), np.float32(910))
#: (2 k + 3) / (2 k + 1): the same of the derivative.
POWER = tuple(np.float32(n) for n in (1, 3, 5, 7, 9, 11))


def log_rising(y, r):
    """log(gamma(r + y) / gamma(r)) - y log(r), and digamma(r + y) - digamma(r), for y >= 0 and r > 0."""
    a, da = two_factors(y, r)
    b, db = two_factors(y, r + TWO)
    c, dc = two_factors(y, r + FOUR)
    d, dd = two_factors(y, r + SIX)
    low = r + EIGHT
    high = low + y
    s_low, ds_low = stirling(low)
    s_high, ds_high = stirling(high)
    grown = log1p(y / low)
    value = (high - HALF) * grown + y * (log1p(EIGHT / r) - ONE) + (s_high - s_low) - (a + b + c + d)
    return value, grown + HALF * y / (low * high) + (ds_high - ds_low) + (da + db + dc + dd)


def two_factors(y, r):
    """log((r + y) (r + 1 + y) / (r (r + 1))), and minus its derivative by r."""
    after = r + ONE
    a, b = y / r, y / after
    return log1p(a + b + a * b), a / (r + y) + b / (after + y)


def stirling(z):
    """log(gamma(z)) - (z - 1/2) log(z) + z - log(2 pi)/2 for z >= 8, and its derivative."""
    w = ONE / (z * z)
    a, b, c = w * RISE[0] / FALL[0], w * RISE[1] / FALL[1], w * RISE[2] / FALL[2]
    d, e = w * RISE[3] / FALL[3], w * RISE[4] / FALL[4]
    value = ONE - a * (ONE - b * (ONE - c * (ONE - d * (ONE - e))))
    slope = POWER[0] - a * (POWER[1] - b * (POWER[2] - c * (POWER[3] - d * (POWER[4] - e * POWER[5]))))
    return value / (TWELVE * z), -slope * w / TWELVE
