"""The elementary functions that equations may use; tanh, sigmoid and so on in a version for each precision.

Cell, loss and optimiser files use the plain names `tanh`, `sigmoid`, `relu` and so on. As they stand these call NumPy,
which serves complex numbers too: an equation's derivatives can be checked by complex steps. A backend replaces `tanh`,
`sigmoid`, `log_sigmoid` and `exp_to_one` by the version of its argument's precision, made for loops that must
vectorise: scalars in, scalars out, no branch, no table, one division (`log_sigmoid` has two, `exp_to_one` none). NaN
gives NaN. tanh of infinity is 1 (in another order of fused operations than on x86 perhaps the number before it), and no
result of tanh lies outside [-1, 1].

The form is tanh(x) = 2pq / (p² + q²), the doubling formula for tanh(x/2) = p/q, where p/x and q are polynomials in x².
Lambert's continued fraction (1761), truncated, has this form with integers; our own minimax fit needs one term fewer in
float32, three fewer in float64. `docs/derivations/activations.py` makes it and measures the errors given below: over
all of float32, and over a hundred million numbers of float64. Compiled, sums and products may be contracted and
reordered; without fused multiply-adds the errors are those of NumPy.
"""

import numpy as np

# Exact in every precision. In Numba a Python float would turn float32 operands into float64.
ZERO, HALF, ONE, THREE = np.float32(0), np.float32(0.5), np.float32(1), np.float32(3)


def tanh(x):
    """Hyperbolic tangent."""
    return np.tanh(x)


def sigmoid(x):
    """1 / (1 + exp(-x)), through tanh: no overflow, but in the left tail its error is absolute, not relative."""
    return HALF * np.tanh(HALF * x) + HALF


def relu(x):
    """max(x, 0)."""
    return np.maximum(x, ZERO)


def exp(x):
    """Exponential."""
    return np.exp(x)


def exp_to_one(x):
    """Exponential of a number that is not above 0, as in a softmax."""
    return np.exp(x)


def log(x):
    """Natural logarithm."""
    return np.log(x)


def log1p(x):
    """log(1 + x), for small x too."""
    return np.log1p(x)


def softplus(x):
    """log(1 + exp(x)) without overflow; its derivative is exp(x - softplus(x)), to its last digits in both tails."""
    p = relu(x)
    return p + log1p(exp(x - p - p))


def log_sigmoid(x):
    """log(1 / (1 + exp(-x))) = -softplus(-x); compiled, its error is absolute, not relative, where x is large."""
    return -softplus(-x)


def between(x, low, high):
    """`x` clipped to [low, high]."""
    return np.minimum(np.maximum(x, low), high)


def at_least(x, low):
    """`x`, or `low` where that is larger."""
    return np.maximum(x, low)


def sqrt(x):
    """Square root."""
    return np.sqrt(x)


def absolute(x):
    """|x|."""
    return np.abs(x)


def sign(x):
    """-1, 0 or 1."""
    return np.sign(x)


# tanh(x/2) = p/q with p = x (P[0] + P[1] x² + ...) and q = Q[0] + Q[1] x² + ...; beyond the clamp tanh rounds to 1.
CLAMP32 = np.float32(9.25)
P32 = (np.float32(1.75), np.float32(0.05209267), np.float32(0.00019969307))
Q32 = (np.float32(3.5), np.float32(0.39585188), np.float32(0.004220509), np.float32(4.290765e-06))
CLAMP64 = 19.625
P64 = (
    1.75,
    0.06303571291226633,
    0.0005305602443654021,
    1.4910922955684604e-06,
    1.4094361146532064e-09,
    3.168531317564051e-13,
)
Q64 = (
    3.5,
    0.41773809249119803,
    0.0067059615296661615,
    3.2050430191048094e-05,
    5.306591170341499e-08,
    2.6513574788891394e-11,
    1.815569722096802e-15,
)


def tanh_float32(x):
    """Hyperbolic tangent in float32; off by at most 3.6 ulp, or 3.3 with fused multiply-adds."""
    x = min(max(x, -CLAMP32), CLAMP32)  # in this order of arguments a comparison with NaN keeps the NaN
    s = x * x
    p = x * ((P32[2] * s + P32[1]) * s + P32[0])
    q = ((Q32[3] * s + Q32[2]) * s + Q32[1]) * s + Q32[0]
    return min(max(p * (q + q) / (p * p + q * q), -ONE), ONE)  # 2pq <= p² + q², but for the last bit


def tanh_float64(x):
    """Hyperbolic tangent in float64; off by at most 3.8 ulp, or 3.3 with fused multiply-adds."""
    x = min(max(x, -CLAMP64), CLAMP64)
    s = x * x
    p = x * (((((P64[5] * s + P64[4]) * s + P64[3]) * s + P64[2]) * s + P64[1]) * s + P64[0])
    q = (((((Q64[6] * s + Q64[5]) * s + Q64[4]) * s + Q64[3]) * s + Q64[2]) * s + Q64[1]) * s + Q64[0]
    return min(max(p * (q + q) / (p * p + q * q), -1.0), 1.0)


def sigmoid_float32(x):
    """1 / (1 + exp(-x)) in float32; off by at most 1.1 * 2**-23, absolutely."""
    return HALF * tanh_float32(HALF * x) + HALF


def sigmoid_float64(x):
    """1 / (1 + exp(-x)) in float64; off by at most 1.2 * 2**-52, absolutely."""
    return 0.5 * tanh_float64(0.5 * x) + 0.5


# atanh(y) = y (A[0] + A[1] y² + ...) for y up to 1/3; with it, log(1 + u) = 2 atanh(u / (2 + u)) for u up to 1.
A32 = (np.float32(1.0), np.float32(0.3333316), np.float32(0.20012298), np.float32(0.13982579), np.float32(0.1407889))
A64 = (
    1.0,
    0.33333333333341286,
    0.199999999976438,
    0.1428571455582858,
    0.11111095430673142,
    0.09091429900236955,
    0.07681838124445817,
    0.06795652742789947,
    0.04940394524382393,
    0.08890381913056651,
)


def log_sigmoid_float32(x):
    """log(1 / (1 + exp(-x))) in float32; off by at most 1.5 * 2**-23, or 1.5 ulp below -1."""
    t = tanh_float32(HALF * max(x, -x))
    y = (ONE - t) / (THREE + t)  # u / (2 + u) with u = exp(-|x|) = (1 - t) / (1 + t)
    s = y * y
    return min(x, ZERO) - (y + y) * ((((A32[4] * s + A32[3]) * s + A32[2]) * s + A32[1]) * s + A32[0])


def log_sigmoid_float64(x):
    """log(1 / (1 + exp(-x))) in float64; off by at most 1.8 * 2**-52, or 1.8 ulp below -1."""
    t = tanh_float64(0.5 * max(x, -x))
    y = (1.0 - t) / (3.0 + t)
    s = y * y
    series = ((((A64[9] * s + A64[8]) * s + A64[7]) * s + A64[6]) * s + A64[5]) * s + A64[4]
    return min(x, 0.0) - (y + y) * ((((series * s + A64[3]) * s + A64[2]) * s + A64[1]) * s + A64[0])


# exp(x) = 2^n exp(r) with n the integer next to x / log 2 and r = x - n log 2. Of the two parts of log 2 the first has
# few digits, so that n times it is exact (Cody & Waite 1980, Software Manual for the Elementary Functions, chapter 6).
# Results below half the smallest normal number are 0, since the bits of their 2^n are; the clamp lies there.
LOG2E, LOWEST32, LOWEST64 = 1.4426950408889634, np.float32(-88), -709.0
LN32 = np.float32(0.693359375), np.float32(-2.12194440e-4)
LN64 = 0.693145751953125, 1.4286068203094173e-06
#: Taylor coefficients of the exponential, 1 / 7! to 1 / 3! and 1 / 13! to 1 / 3!.
E32 = (np.float32(1 / 5040), np.float32(1 / 720), np.float32(1 / 120), np.float32(1 / 24), np.float32(1 / 6))
E64 = (
    1 / 6227020800,
    1 / 479001600,
    1 / 39916800,
    1 / 3628800,
    1 / 362880,
    1 / 40320,
    1 / 5040,
    1 / 720,
    1 / 120,
    1 / 24,
    1 / 6,
)


def exp_to_one_float32(x):
    """Exponential of x <= 0 in float32; off by at most 1.2 ulp."""
    x = max(x, LOWEST32)  # in this order of arguments a comparison with NaN keeps the NaN
    n = np.floor(x * np.float32(LOG2E) + HALF)
    r = (x - n * LN32[0]) - n * LN32[1]
    p = ((E32[0] * r + E32[1]) * r + E32[2]) * r + E32[3]
    p = (((p * r + E32[4]) * r + HALF) * r + ONE) * r + ONE
    return p * np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)


def exp_to_one_float64(x):
    """Exponential of x <= 0 in float64; off by at most 1.2 ulp."""
    x = max(x, LOWEST64)
    n = np.floor(x * LOG2E + 0.5)
    r = (x - n * LN64[0]) - n * LN64[1]
    p = ((E64[0] * r + E64[1]) * r + E64[2]) * r + E64[3]
    p = ((((p * r + E64[4]) * r + E64[5]) * r + E64[6]) * r + E64[7]) * r + E64[8]
    p = (((((p * r + E64[9]) * r + E64[10]) * r + 0.5) * r) + 1.0) * r + 1.0
    return p * np.int64((np.int64(n) + np.int64(1023)) << np.int64(52)).view(np.float64)
