"""The families of cells. This list is the only place outside a cell's own file that names the cell.

From it come the classes ``<name>Forecaster`` and ``<name>Regressor``, the public names of the package, the models of
the command line, and what tests and benchmarks run on. Importing this file imports no cell and no library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cell import Cell
    from .family import Family

#: The name of each family, as in class names, and the module in this folder that describes it as `FAMILY`.
FAMILIES: dict[str, str] = {
    "RNN": "rnn",
    "LSTM": "lstm",
    "GRU": "gru",
    "MinGRU": "mingru",
    "IndRNN": "indrnn",
    "SLSTM": "slstm",
}


def family(name: str) -> Family:
    """The description of the family `name`."""
    described: Family = importlib.import_module(f".{FAMILIES[name]}", __package__).FAMILY
    return described


def all_cells() -> dict[str, Cell]:
    """Every form of every cell, by its name: one for each combination of the values that its options are tested with.

    Examples
    --------
    >>> "gru_reset_before" in all_cells()
    True
    """
    return {cell.name: cell for name in FAMILIES for cell in family(name).cells()}
