"""Instructions that NumPy has no operator for, on vectors of all threads, whose idle ones may hold anything."""

from __future__ import annotations

import numpy as np


def put(target, value, on):
    """target = value for the threads that take part."""
    np.copyto(target, value, where=on, casting="no")


def shl(value, by):
    """Shifts by the width or more leave nothing."""
    bits = 8 * value.dtype.itemsize
    return np.where(by < bits, value << np.minimum(by, bits - 1).astype(value.dtype), value.dtype.type(0))


def shr(value, by):
    """Those to the right leave the sign."""
    bits = 8 * value.dtype.itemsize
    shifted = value >> np.minimum(by, bits - 1).astype(value.dtype)
    return shifted if value.dtype.kind == "i" else np.where(by < bits, shifted, value.dtype.type(0))


def divided(x, y):
    """Of integers: towards zero, and anything by zero."""
    if x.dtype.kind == "f":
        return x / y
    y = np.where(y == 0, y.dtype.type(1), y)
    q = x // y
    return q + ((q < 0) & (q * y != x)).astype(x.dtype) if x.dtype.kind == "i" else q


def remainder(x, y):
    return x - divided(x, y) * y


def reciprocal(x):
    return x.dtype.type(1) / x


def exp2(x):
    return np.exp2(x.astype(np.float64)).astype(x.dtype)


def log2(x):
    return np.log2(x.astype(np.float64)).astype(x.dtype)


def least(x, y):
    return np.fmin(x, y) if x.dtype.kind == "f" else np.minimum(x, y)


def most(x, y):
    return np.fmax(x, y) if x.dtype.kind == "f" else np.maximum(x, y)


def copysign(x, y):
    """PTX names the sign first."""
    return np.copysign(y, x)


def fused(x, y, z, direction=None):
    """x * y + z, rounded once, to the nearest, towards zero (rz) or down (rm)."""
    wider = np.float64 if x.dtype == np.float32 else np.longdouble
    exact = np.asarray(x, wider) * np.asarray(y, wider) + np.asarray(z, wider)
    return rounded(exact, x.dtype, direction)


def rounded(exact, dtype, direction):
    near = exact.astype(dtype)
    if direction is None:
        return near
    beyond = near > exact if direction == "rm" else np.abs(near) > np.abs(exact)
    towards = dtype.type(-np.inf) if direction == "rm" else dtype.type(0)
    return np.where(beyond, np.nextafter(near, towards), near)


def convert(value, dtype, flags):
    """Between numbers of any kind; floats to integers towards zero, and no further than these reach."""
    dtype = np.dtype(dtype)
    if "sat" in flags:
        return np.where(np.isnan(value), 0, np.clip(value, 0, 1)).astype(dtype)
    if value.dtype.kind == "f" and dtype.kind in "iu":
        info = np.iinfo(dtype)
        whole = np.rint(value) if "rni" in flags else np.floor(value) if "rmi" in flags else np.trunc(value)
        whole = np.where(np.isnan(value), 0, whole)
        high = whole >= float(info.max)
        return np.where(high, dtype.type(info.max), np.where(high | (whole < info.min), 0, whole).astype(dtype))
    if value.dtype.kind == "f" and dtype == value.dtype and "rni" in flags:
        return np.rint(value)
    if value.dtype.kind == "f" and dtype == np.float32:
        return rounded(value, dtype, "rz" if "rz" in flags else None)
    return value.astype(dtype)


def high(x, y):
    """The upper half of a product of integers, by those of Python, which are as long as it takes."""
    return np.asarray(x.astype(object) * y.astype(object) >> 8 * x.dtype.itemsize).astype(x.dtype)


def inserted(bits, into, at, count):
    """The lowest `count` bits of one in another, from bit `at` on."""
    width = 8 * into.dtype.itemsize
    mask = into.dtype.type(((1 << int(count)) - 1) << int(at) & ((1 << width) - 1))
    return (into & ~mask) | (shl(bits, at) & mask)


def half(value, k):
    return (value >> np.uint64(32 * k)).astype(np.uint32)


def joined(low, high):
    return low.astype(np.uint64) | high.astype(np.uint64) << np.uint64(32)
