"""The elementary functions of equations on the device: NumPy's do not compile there, and its own `min` drops a NaN."""

from __future__ import annotations

import functools
import math
from types import FunctionType
from typing import Any

import numpy as np

from ...functions import activations
from ...parts import operations
from ..port import Port
from .arrays import REPLACED
from .device import SIMULATED, device, part_of_caller
from .intrinsics import VIEWS


def _exp(x):
    return math.exp(x)


def _log(x):
    return math.log(x)


def _log1p(x):
    return math.log1p(x)


def _sqrt(x):
    return math.sqrt(x)


def _absolute(x):
    return -x if x < activations.ZERO else x


def _sign(x):
    return activations.ONE if x > activations.ZERO else (-activations.ONE if x < activations.ZERO else x)


def _relu(x):
    return activations.ZERO if x < activations.ZERO else x


def _at_least(x, low):
    return low if x < low else x


def _between(x, low, high):
    return low if x < low else (high if x > high else x)


def _min(x, y):
    return y if y < x else x


def _max(x, y):
    return y if y > x else x


def inline(copy: FunctionType, _: FunctionType) -> Any:
    """Return the copy of a function as one that becomes part of its callers on the device."""
    return device(copy, inline=True)


def translate(copy: FunctionType, function: FunctionType) -> Any:
    """Return the copy of a function of the parts, as device code may call it."""
    return part_of_caller(copy) if getattr(function, "is_inlined", False) else device(copy)


@functools.cache
def elementary(dtype: str) -> dict[Any, Any]:
    """Return what replaces elementary functions and views in device code of one precision."""
    own: dict[Any, Any] = {
        activations.absolute: _absolute, activations.sign: _sign, activations.relu: _relu,
        activations.at_least: _at_least, activations.between: _between, min: _min, max: _max,
    }  # fmt: skip
    if not SIMULATED:  # there these would return Python's numbers, which do not keep float64 apart from float32
        of_math = {
            activations.exp: _exp,
            activations.exp_to_one: _exp,
            activations.log: _log,
            activations.log1p: _log1p,
            activations.sqrt: _sqrt,
        }
        own |= of_math
    table: dict[Any, Any] = {name: device(function, True) for name, function in own.items()}
    table |= {getattr(operations, name): view for name, view in VIEWS._asdict().items()} | REPLACED
    port = Port(table, inline)
    for name in ("tanh", "sigmoid", "log_sigmoid"):
        table[getattr(activations, name)] = port(getattr(activations, f"{name}_{np.dtype(dtype).name}"))
    return table
