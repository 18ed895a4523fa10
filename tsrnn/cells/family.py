"""What a cell's file says of itself: a summary, the arguments that the cell adds to its estimators, and a builder."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..checks import choice, flag, whole
from .cell import Cell


@dataclass(frozen=True)
class Option:
    """One argument that a cell adds to its estimators.

    Parameters
    ----------
    name : str
        The name of the argument.
    default : bool, int or str
        Its default. The default's type is the type of the argument; an int is at least 1.
    meaning : str
        Its description in the tables of arguments.
    values : tuple
        All values that a str may take; of an int, the values that tests run. A bool has both.
    divides : str
        The name of another argument, an int, that must be a multiple of the value; empty if there is none.
    """

    name: str
    default: bool | int | str
    meaning: str
    values: tuple[Any, ...] = (False, True)
    divides: str = ""

    @property
    def kind(self) -> str:
        """The type, as tables of arguments show it: ``bool``, ``int`` or ``{"tanh", "relu"}``."""
        if isinstance(self.default, str):
            return "{" + ", ".join(f'"{value}"' for value in self.values) + "}"
        return type(self.default).__name__

    def check(self, value: Any, arguments: Mapping[str, Any] = MappingProxyType({})) -> bool | int | str:
        """`value`, or an error that names the argument, the value and what is allowed beside the other `arguments`."""
        if isinstance(self.default, bool):
            return flag(self.name, value)
        if isinstance(self.default, int):
            number = whole(self.name, value)
            if self.divides in arguments and whole(self.divides, arguments[self.divides]) % number:
                raise ValueError(
                    f"{self.name}={number} must divide {self.divides}={arguments[self.divides]}; use a divisor of it"
                )
            return number
        allowed: str = choice(self.name, value, self.values)
        return allowed


@dataclass(frozen=True)
class Family:
    """A cell in all its forms.

    Parameters
    ----------
    summary : str
        The network in a few words with author and year, for class docstrings: "a ... network (author year)".
    make : callable
        ``make(**options) -> Cell``, the cell in the form that the options ask for.
    options : tuple of Option
        The arguments of `make`.
    """

    summary: str
    make: Callable[..., Cell]
    options: tuple[Option, ...] = ()

    def cells(self) -> list[Cell]:
        """One cell for each combination of the options' `values`."""
        names = [option.name for option in self.options]
        combinations = itertools.product(*(option.values for option in self.options))
        return [self.make(**dict(zip(names, values, strict=True))) for values in combinations]
