"""Make the estimator classes of all families of cells: ``<name>Forecaster``, ``<name>Regressor`` and so on.

The classes are made from the registry of cells, so that a new cell needs no class of its own. They are created when
their module is imported and are attributes of it, so pickle, joblib and scikit-learn's `clone` find them by name.
"""

from __future__ import annotations

import dataclasses
import textwrap
from dataclasses import dataclass
from typing import Any, TypeVar

from ..cells.cell import Cell
from ..cells.family import Family
from ..cells.registry import FAMILIES, family
from ..checks import choice
from .documentation import documented
from .recurrent import RecurrentNetwork

T = TypeVar("T", bound=RecurrentNetwork)
#: What ``cell=`` accepts, and the families of cells.
CELLS = {name.lower(): name for name in FAMILIES}


@dataclass(eq=False, repr=False, kw_only=True)
class NamedCell:
    """The argument `cell` of a network, the family of its cells, which have their default options."""

    cell: str = "gru"

    def make_cell(self) -> Cell:
        """The cell of that name."""
        return family(CELLS[choice("cell", self.cell, tuple(CELLS))]).make()


def estimators(base: type[T], suffix: str, verb: str, example: str, module: str) -> dict[str, type[T]]:
    """One subclass of `base` for each family of cells, by its name, the family's name and `suffix`.

    Parameters
    ----------
    base : type
        `RecurrentForecaster`, `RecurrentRegressor`, `RecurrentClassifier` or `RecurrentTagger`.
    suffix : str
        End of the class names.
    verb : str
        Begin of the docstrings, before the family's summary.
    example : str
        Example of the docstrings, with ``{name}`` for the name of the class.
    module : str
        Name of the module in which the classes will lie.
    """
    made = {}
    for name in FAMILIES:
        described = family(name)
        doc = f"{verb} {described.summary}.\n\nExamples\n--------\n{example.strip().format(name=name + suffix)}\n"
        made[name + suffix] = _estimator(base, name + suffix, described, textwrap.indent(doc, "    ").lstrip(), module)
    return made


def _estimator(base: type[T], name: str, described: Family, doc: str, module: str) -> type[T]:
    """A subclass of `base` whose cell is of one family, with the options of the family as further arguments."""

    def make_cell(self: Any) -> Cell:  # of the class that is made below
        """The cell in the form that the arguments ask for."""
        arguments = vars(self)
        options = {option.name: option.check(arguments[option.name], arguments) for option in described.options}
        return described.make(**options)

    fields = [(option.name, type(option.default), option.default) for option in described.options]
    namespace = {"__doc__": doc, "make_cell": make_cell, "_options": described.options}
    cls = dataclasses.make_dataclass(
        name, fields, bases=(base,), namespace=namespace, eq=False, repr=False, kw_only=True
    )
    cls.__module__ = module
    return documented(cls)
