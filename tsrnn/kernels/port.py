"""From a plain function to one that a compiler knows: the same code, with other functions behind the names it uses.

Parts, cells and losses are plain functions. A backend copies them with their names bound anew: what `replacements`
names is replaced, every other function is copied in turn, a `Buffer` or `Weights` becomes its number, and all the rest
stays as it is.
"""

from __future__ import annotations

import builtins
import dis
from collections.abc import Callable, Mapping
from types import CellType, FunctionType
from typing import Any

from ..parts.layout import BUFFERS, WEIGHTS
from ..parts.part import Buffer, Weights


class Port:
    """Copies of functions for one compiler.

    Parameters
    ----------
    replacements : mapping
        From functions (builtins too), buffers, or names, to what takes their places.
    translate : callable
        ``translate(copy, function)``: what the compiler makes of the copy of a function.
    """

    def __init__(self, replacements: Mapping[Any, Any], translate: Callable[[FunctionType, FunctionType], Any]):
        self.table, self.translate = dict(replacements), translate

    def __call__(self, value: Any) -> Any:
        """Return `value` as the compiler is to see it."""
        try:
            if value in self.table:
                return self.table[value]
        except TypeError:  # not hashable: no function
            return value
        if isinstance(value, Buffer):
            return BUFFERS[value]
        if isinstance(value, Weights):
            return WEIGHTS[value]
        if isinstance(value, FunctionType) and not hasattr(value, "is_translated"):
            self.table[value] = self.translate(self.copy(value), value)
            return self.table[value]
        return value

    def copy(self, function: FunctionType) -> FunctionType:
        """Return a copy of `function` whose names mean what the compiler knows."""
        names: dict[str, Any] = {"__builtins__": builtins, "__name__": function.__module__}
        loaded = {item.argval for item in dis.get_instructions(function) if item.opname == "LOAD_GLOBAL"}
        for name in sorted(loaded):
            if name in self.table:
                names[name] = self.table[name]
            elif name in function.__globals__:
                names[name] = self(function.__globals__[name])
            elif getattr(builtins, name, None) in self.table:
                names[name] = self.table[getattr(builtins, name)]
        cells = tuple(CellType(self(cell.cell_contents)) for cell in function.__closure__ or ())
        copy = FunctionType(function.__code__, names, function.__name__, function.__defaults__, cells)
        copy.__doc__ = function.__doc__
        return copy
