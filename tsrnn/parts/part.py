"""A part of a network: its parameters, its arrays and its operations, each operation beside its gradient.

An operation is a plain function for one tile of B windows (`operations` has the vocabulary that it is written in), of
which a backend makes compiled code:

    operation(tile, step, shape, theta, chance, arrays)

`step` says for which layer, steps or outputs (see `Step`), `chance` holds the random numbers' parameters, `arrays` is
the array table of the workspace. A `Buffer` that the function names becomes a number in that table, a `Weights` one in
the table of offsets. Offsets, array numbers and the size of the scratch memory are computed from the parts, never
written by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..cells.cell import Cell
from .shape import Shape
from .sizes import NetworkSizes


class Step(NamedTuple):
    """What one call of an operation works on; its fields mean what the operation says."""

    layer: int = 0
    first: int = 0
    last: int = 0
    start: int = 0


class Chance(NamedTuple):
    """Parameters of random draws in a forward pass and its gradient."""

    free: Any  # share of a decoder's steps that read a forecast of their own, in theta's precision
    dropout: Any  # share of units dropped between layers, in theta's precision
    key: Any  # uint64 that all draws depend on


@dataclass(frozen=True)
class Sizes:
    """What the shapes of arrays are computed from: the cell, the network's sizes, and the B windows of a tile."""

    cell: Cell
    shape: Shape
    tile: int
    loss_size: int = 1  # parameters that a loss reads for each target

    @property
    def state_size(self) -> int:
        """Elements of one state of one layer."""
        return self.shape.hidden_size * self.tile


#: When an array is needed: for outputs, for a loss, for its gradient, for the gradient by the inputs.
OUTPUTS, LOSS, GRADIENT, INPUTS = "outputs", "loss", "gradient", "inputs"


@dataclass(frozen=True, eq=False)
class Buffer:
    """An array of a workspace.

    Attributes
    ----------
    name : str
    shape : callable
        Shape for one tile, from the `Sizes`; an empty array where a network does not need it.
    needed : {"outputs", "loss", "gradient", "inputs"}
        For what.
    dtype : str
        Empty for the precision of the parameters.
    shared : bool
        One array for all tiles.
    given : bool
        The array is the caller's, and may be another one in each call.
    is_added_to : bool
        Operations of a gradient add to the array, which is set to zero before the first of them.
    """

    name: str
    shape: Callable[[Sizes], tuple[int, ...]]
    needed: str = OUTPUTS
    dtype: str = ""
    shared: bool = False
    given: bool = False
    is_added_to: bool = False


@dataclass(frozen=True, eq=False)
class Weights:
    """The name by which an operation finds a parameter's offset in theta: its key in `Part.parameters`."""

    name: str


@dataclass(frozen=True)
class Parameter:
    """Shape of a parameter, how it starts, and whether weight decay acts on it.

    `initial(values, rng, bound)` fills a view of zeros; None leaves them. Weight decay leaves the column `bias` and the
    row `spared_row` alone.
    `matrices` is the shape with the matrices in memory last, where that differs: their transposes are made from it.
    """

    shape: tuple[int, ...]
    initial: Callable[[np.ndarray, np.random.Generator, float], None] | None = None
    decays: bool = False
    bias: int | None = None
    spared_row: int | None = None
    matrices: tuple[int, ...] = ()


def uniform(values: np.ndarray, rng: np.random.Generator, bound: float) -> None:
    """Fill with uniform random numbers from -bound to bound."""
    values[:] = rng.uniform(-bound, bound, values.shape)


@dataclass(frozen=True, eq=False)
class Operation:
    """A function of a part and its gradient, which runs after the gradients of all later operations.

    `equations` are scalar functions that it contains and that may be from outside of the package, `structure` says how
    they are put together. `kind` says what is common to operations that are built for a cell or a loss.
    """

    name: str
    forward: Callable
    gradient: Callable | None = None
    equations: tuple[Callable, ...] = ()
    kind: str = ""
    structure: str = ""

    @property
    def sources(self) -> tuple[Callable, ...]:
        """Functions from which compiled code is made and that may be from outside of the package."""
        own = (function for function in (self.forward, self.gradient) if function is not None)
        return (*self.equations, *(function for function in own if not function.__module__.startswith("tsrnn.")))


#: Parameters by name, in the order of theta.
Parameters = Mapping[str, Parameter]


def no_parameters(_: NetworkSizes) -> Parameters:
    """Return the parameters of a part that has none."""
    return {}


def no_scratch(_: Sizes) -> int:
    """Return the scratch memory of a part that needs none."""
    return 0


@dataclass(frozen=True, eq=False)
class Part:
    """Parameters, arrays and scratch memory (in elements) of the operations in one file.

    `count` gives the number of parameters without a list of them, where a network may have any number of entries.
    """

    buffers: tuple[Buffer, ...] = ()
    weights: tuple[Weights, ...] = ()
    operations: tuple[Operation, ...] = ()
    parameters: Callable[[NetworkSizes], Parameters] = no_parameters
    scratch: Callable[[Sizes], int] = no_scratch
    count: Callable[[NetworkSizes], int] | None = None

    def size(self, network: NetworkSizes) -> int:
        """Return how many numbers the part has in theta."""
        if self.count is not None:
            return self.count(network)
        return sum(prod(parameter.shape) for parameter in self.parameters(network).values())
