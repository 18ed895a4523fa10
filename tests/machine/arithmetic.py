"""PTX instructions without a NumPy operator, on vectors of all threads; elements of idle threads are arbitrary."""

from __future__ import annotations

import numpy as np


def put(target, value, on):
    """target = value, for the active threads `on`."""
    np.copyto(target, value, where=on, casting="no")


def shl(value, by):
    """Shift left; by the width or more gives 0."""
    bits = 8 * value.dtype.itemsize
    return np.where(by < bits, value << np.minimum(by, bits - 1).astype(value.dtype), value.dtype.type(0))


def shr(value, by):
    """Shift right; by the width or more gives 0, or the sign for signed integers."""
    bits = 8 * value.dtype.itemsize
    shifted = value >> np.minimum(by, bits - 1).astype(value.dtype)
    return shifted if value.dtype.kind == "i" else np.where(by < bits, shifted, value.dtype.type(0))


def divided(x, y):
    """Quotient, for integers rounded towards zero; division by 0 gives an arbitrary integer."""
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
    """y with the sign of x, which PTX names first."""
    return np.copysign(y, x)


def fused(x, y, z, direction=None):
    """x * y + z, rounded once, to the nearest, towards zero (rz) or down (rm)."""
    if x.dtype != np.float32:
        exact = np.asarray(x, np.longdouble) * np.asarray(y, np.longdouble) + np.asarray(z, np.longdouble)
        return rounded(exact, x.dtype, direction)
    product, added = np.asarray(x, np.float64) * np.asarray(y, np.float64), np.asarray(z, np.float64)
    total = product + added
    part = total - product
    lost = (product - (total - part)) + (added - part)
    even = total.view(np.int64) % 2 == 0  # round to odd, so that the later rounding is correct
    odd = np.nextafter(total, np.where(lost > 0, np.inf, -np.inf))
    return rounded(np.where((lost != 0) & np.isfinite(lost) & even, odd, total), x.dtype, direction)


def rounded(exact, dtype, direction):
    near = exact.astype(dtype)
    if direction is None:
        return near
    beyond = near > exact if direction == "rm" else np.abs(near) > np.abs(exact)
    towards = dtype.type(-np.inf) if direction == "rm" else dtype.type(0)
    return np.where(beyond, np.nextafter(near, towards), near)


WHOLE = {"rni": np.rint, "rzi": np.trunc, "rmi": np.floor, "rpi": np.ceil}


def convert(value, dtype, flags):
    """Convert between number types; floats are clipped to the range of integers."""
    dtype, (flag, *more) = np.dtype(dtype), [*flags] or [""]
    kinds = value.dtype.kind + dtype.kind
    if not more and kinds in ("fi", "fu", "ff") and flag in WHOLE:
        whole = WHOLE[flag](value)
        return whole.astype(dtype) if kinds == "ff" else _clipped(whole, dtype)
    if not more and kinds == "ff" and flag == "sat":
        return np.where(np.isnan(value), 0, np.clip(value, 0, 1)).astype(dtype)
    if not more and kinds == "ff" and flag in ("", "rz", "rm"):
        return rounded(value, dtype, flag or None)
    if flag or kinds in ("fi", "fu"):
        raise NotImplementedError(f"cvt of {value.dtype} to {dtype} with {flags}")
    return value.astype(dtype)


def _clipped(whole, dtype):
    """Clip to the range of `dtype`; NaN becomes 0, or the bits 100...0 if either type has 64 bits (PTX ISA, cvt)."""
    info = np.iinfo(dtype)
    middle = 1 << (8 * dtype.itemsize - 1)
    wide = whole.dtype == np.float64 or dtype.itemsize == 8
    absent = 0 if not wide else info.min if dtype.kind == "i" else middle
    inside = (whole > float(info.min)) & (whole < float(info.max))
    clipped = np.where(whole >= float(info.max), dtype.type(info.max), dtype.type(info.min))
    found = np.where(inside, np.where(inside, whole, 0).astype(dtype), clipped)
    return np.where(np.isnan(whole), dtype.type(absent), found)


def high(x, y):
    """Upper half of the product of two integers, computed with Python integers of any length."""
    return np.asarray(x.astype(object) * y.astype(object) >> 8 * x.dtype.itemsize).astype(x.dtype)


def inserted(bits, into, at, count):
    """`into` with its bits from `at` on replaced by the lowest `count` bits of `bits`."""
    width = 8 * into.dtype.itemsize
    mask = into.dtype.type(((1 << int(count)) - 1) << int(at) & ((1 << width) - 1))
    return (into & ~mask) | (shl(bits, at) & mask)


def half(value, k):
    return (value >> np.uint64(32 * k)).astype(np.uint32)


def joined(low, high):
    return low.astype(np.uint64) | high.astype(np.uint64) << np.uint64(32)
