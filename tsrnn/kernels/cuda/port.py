"""From a loop of the CPU to one of the device: the same source, with other functions behind the names that it uses.

The tile functions of `stack` and `decoder` say what is to be done with a tile; `each` deals their loops out and `meet`
keeps the threads together. So a function is ported by copying it with its names bound anew: what `replacements` names
is replaced, every other function of the package is ported in turn, and all the rest stays as it is.
"""

from __future__ import annotations

import builtins
import dis
import math
from collections.abc import Mapping
from types import CellType, FunctionType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ...functions import activations
from .. import views
from .device import SIMULATED, VIEWS, device


class Port:
    """A compiler of loops for the device.

    Parameters
    ----------
    replacements : mapping
        From functions, builtins too, to those that take their places; or from names.
    inline : bool
        Whether the functions become part of their callers.
    """

    def __init__(self, replacements: Mapping[Any, Any], inline: bool = False):
        self.table, self.inline = dict(replacements), inline

    def __call__(self, value: Any) -> Any:
        """`value` as the device knows it."""
        if isinstance(value, str):
            return 0  # a stamp, which is part of a key of the CPU's cache
        try:
            if value in self.table:
                return self.table[value]
        except TypeError:  # not hashable: no function
            return value
        if isinstance(value, FunctionType) and not hasattr(value, "of_device"):
            self.table[value] = device(self.copy(value), self.inline)
            return self.table[value]
        return value

    def copy(self, function: FunctionType) -> FunctionType:
        """A copy of `function` whose names mean what the device knows."""
        names: dict[str, Any] = {"__builtins__": builtins}
        loaded = {item.argval for item in dis.get_instructions(function) if item.opname == "LOAD_GLOBAL"}
        for name in sorted(loaded):
            if name in self.table:
                names[name] = self.table[name]
            elif name in function.__globals__:
                names[name] = self(function.__globals__[name])
            elif getattr(builtins, name, None) in self.table:
                names[name] = self.table[getattr(builtins, name)]
        cells = tuple(CellType(self(cell.cell_contents)) for cell in function.__closure__ or ())
        return FunctionType(function.__code__, names, function.__name__, function.__defaults__, cells)


# ---------------------------------------------------------------- elementary functions
# What equations name, for a device: NumPy's functions do not compile there, and its own minimum drops a NaN.
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


def of_equations(dtype: DTypeLike) -> dict[Any, Any]:
    """What replaces the elementary functions of one precision."""
    own: dict[Any, Any] = {
        activations.absolute: _absolute, activations.sign: _sign, activations.relu: _relu,
        activations.at_least: _at_least, activations.between: _between, min: _min, max: _max,
    }  # fmt: skip
    if not SIMULATED:  # where these would make floats of Python's, which do not keep float64 beside float32
        of_math = {activations.exp: _exp, activations.log: _log, activations.log1p: _log1p, activations.sqrt: _sqrt}
        own |= of_math
    table: dict[Any, Any] = {name: device(function, True) for name, function in own.items()}
    table.update(zip(views.VIEWS, VIEWS, strict=True))
    port = Port(table, inline=True)
    for name in ("tanh", "sigmoid"):
        table[getattr(activations, name)] = port(getattr(activations, f"{name}_{np.dtype(dtype).name}"))
    return table
