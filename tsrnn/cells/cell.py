"""The description of a recurrent cell: the names of its arrays, its products, its equations. Nothing is computed here.

A cell reads the stacked operand ``[x; 1; h]`` (inputs, a row of ones for the bias, the previous state) and fills gate
*planes*. A plane has one number for each unit and each window of the batch. Every stage first computes its products,
then applies its equation to each unit and window:

    planes[p] = W @ operand          one product for each `Product` of the stage
    plane, state, ... = forward(...)  one scalar equation

The names of an equation's parameters are the arrays that it reads: a plane by its name (before the stage it holds the
pre-activation, after it what the equation returned), ``h_prev`` and ``h`` for a state before and after the step, an
inner operand by its name. The gradient of a stage reads the same names, and ``d`` + a state or inner operand for the
gradient of the loss that comes from later. For a plane it returns the gradient of the pre-activation, for ``dh`` the
part of the previous state's gradient that does not pass through a product. A cell without a product that reads h must
return ``dh``.

No two products fill the same plane. A gate that is the sum of two products has two planes, which its equation adds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..checks import shown, whole

#: The operands that a product may read, beside the cell's own inner operands: rows of ``[x; 1; h]``.
OPERANDS = ("x1h", "x1", "1h", "h")
#: The kinds of product. The last two read ``h`` alone.
KINDS = ("dense", "diagonal", "block_diagonal")


@dataclass(frozen=True)
class Product:
    """One product of weights and an operand, which fills neighbouring planes.

    Parameters
    ----------
    planes : tuple of str
        The P planes that the product fills; they lie next to each other in `Cell.planes`.
    operand : str
        The K rows of the stacked operand that the product reads: one of `OPERANDS`, or an inner operand of the cell.
    kind : {"dense", "diagonal", "block_diagonal"}
        The structure of the weights for H units:

        - dense: weights (P H, K), ``plane[p, u] = sum_k W[p H + u, k] operand[k]``;
        - diagonal: weights (P H,), one for each unit, ``plane[p, u] = W[p H + u] h[u]``;
        - block_diagonal: weights (n_blocks, P B, B), B = H / n_blocks units in a block,
          ``plane[p, b B + u] = sum_k W[b, p B + u, k] h[b B + k]``.
    n_blocks : int
        The number of blocks of a block-diagonal product; it divides the number of units.
    initial : tuple of two floats, optional
        Lowest and highest initial weight. None is minus and plus the inverse square root of the number of units.
    """

    planes: tuple[str, ...]
    operand: str
    kind: str = "dense"
    n_blocks: int = 1
    initial: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Check that the kind is known and fits the operand."""
        if self.kind not in KINDS:
            raise ValueError(f"kind={shown(self.kind)} is not known; use one of {', '.join(map(repr, KINDS))}")
        if self.kind != "dense" and self.operand != "h":
            raise ValueError(
                f"a product of kind={self.kind!r} reads the previous state alone, but operand={self.operand!r}; use "
                "operand='h' or kind='dense'"
            )
        whole("n_blocks", self.n_blocks)
        if self.kind != "block_diagonal" and self.n_blocks != 1:
            raise ValueError(f"n_blocks={self.n_blocks} needs kind='block_diagonal', but kind={self.kind!r}")

    def shape(self, n_rows: int, hidden_size: int) -> tuple[int, ...]:
        """The shape of the weights for an operand of `n_rows` rows and so many units."""
        n_planes = len(self.planes)
        if self.kind == "diagonal":
            return (n_planes * hidden_size,)
        if self.kind == "block_diagonal":
            if hidden_size % self.n_blocks:
                raise ValueError(
                    f"hidden_size={hidden_size} cannot be divided into {self.n_blocks} equal blocks; use a multiple "
                    f"of {self.n_blocks}"
                )
            size = hidden_size // self.n_blocks
            return (self.n_blocks, n_planes * size, size)
        return (n_planes * hidden_size, n_rows)


@dataclass(frozen=True)
class Stage:
    """Products, then one equation; `writes` and `gradient_writes` name what the two functions return, in order."""

    products: tuple[Product, ...]
    forward: Callable
    writes: tuple[str, ...]
    gradient: Callable
    gradient_writes: tuple[str, ...]


#: An initial bias: a number for all units, or a function of the number of units that returns one for each unit.
Bias = float | Callable[[int], np.ndarray]


@dataclass(frozen=True)
class Cell:
    """A recurrent cell.

    Parameters
    ----------
    name : str
        The name of the cell in caches and messages; no two different cells share one.
    planes : tuple of str
        The gate planes, in the order in which they lie in memory.
    states : tuple of str
        The states carried from step to step. The first is ``"h"``, the output.
    stages : tuple of Stage
        In forward order.
    inner : tuple of str
        Operands that a stage computes for the products of a later one, such as ``r * h`` in the original GRU.
    bias : tuple of (str, float or callable)
        Initial biases that are not zero, by plane: a number for all units, or ``function(hidden_size)``, which returns
        an array with a number for each unit. The function is one of a module, so that a cell can be pickled.
    """

    name: str
    planes: tuple[str, ...]
    states: tuple[str, ...]
    stages: tuple[Stage, ...]
    inner: tuple[str, ...] = ()
    bias: tuple[tuple[str, Bias], ...] = ()

    @property
    def mixes_units(self) -> bool:
        """Whether a unit reads earlier states of other units, so that one layer can tell the order of its inputs."""
        return any(product.operand != "x1" and product.kind != "diagonal" for product in self.products)

    @property
    def products(self) -> tuple[Product, ...]:
        """All products, in forward order."""
        return tuple(product for stage in self.stages for product in stage.products)

    @property
    def units_multiple(self) -> int:
        """The number of units must be a multiple of this, so that it can be divided into the blocks of all products."""
        return math.lcm(*(product.n_blocks for product in self.products))

    def rows(self, operand: str, n_inputs: int, hidden_size: int) -> tuple[int, int]:
        """First and last-plus-one row of `operand` in the stack ``[x; 1; h; inner ...]``."""
        h = n_inputs + 1
        last = h + hidden_size
        if operand in OPERANDS:
            return {"x1h": (0, last), "x1": (0, h), "1h": (h - 1, last), "h": (h, last)}[operand]
        first = h + hidden_size * (1 + self.inner.index(operand))
        return first, first + hidden_size
