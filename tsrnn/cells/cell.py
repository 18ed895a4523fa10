"""What a recurrent cell is: the names of its arrays, its matrix products, its equations. No arithmetic happens here.

A cell reads the stacked operand ``[x; 1; h]`` (inputs, a row of ones for the bias, the previous state) and fills gate
*planes*. Every stage first computes its products, then applies its equation to each unit of each lane:

    planes[p] = W @ operand          one product for each `Product` of the stage
    plane, state, ... = forward(...)  one scalar equation for each unit and lane

An equation's parameters name the arrays that it reads: a plane by its name (it holds the pre-activation before the
stage and whatever the equation returned after it), ``h_prev`` and ``h`` for a state before and after the step, an inner
operand by its name. The gradient of a stage reads the same names, and ``d`` + a state or inner operand for a gradient
that comes from later; for a plane it returns the gradient of the pre-activation, for ``dh`` the part of the previous
state's gradient that does not pass through a product. (A cell without a product that reads h must return ``dh``.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

#: The operand each product may read, beside the cell's own inner operands: rows of ``[x; 1; h]``.
OPERANDS = ("x1h", "x1", "1h")


@dataclass(frozen=True)
class Product:
    """One matrix product: neighbouring `planes` filled from the rows of the stacked operand that `operand` names."""

    planes: tuple[str, ...]
    operand: str


@dataclass(frozen=True)
class Stage:
    """Products, then one equation; `writes` and `gradient_writes` name what the two functions return, in order."""

    products: tuple[Product, ...]
    forward: Callable
    writes: tuple[str, ...]
    gradient: Callable
    gradient_writes: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """A recurrent cell.

    Parameters
    ----------
    name : str
        Names the cell in caches and messages; two different cells never share one.
    planes : tuple of str
        The gate planes, in the order in which they lie in memory.
    states : tuple of str
        The states carried from step to step. The first is ``"h"``, the output.
    stages : tuple of Stage
        In forward order.
    inner : tuple of str
        Operands that a stage computes for the products of a later one, such as ``r * h`` in the original GRU.
    bias : tuple of (str, float)
        Initial biases that are not zero, by plane.
    """

    name: str
    planes: tuple[str, ...]
    states: tuple[str, ...]
    stages: tuple[Stage, ...]
    inner: tuple[str, ...] = ()
    bias: tuple[tuple[str, float], ...] = ()

    @property
    def products(self) -> tuple[Product, ...]:
        """All products, in forward order."""
        return tuple(product for stage in self.stages for product in stage.products)

    def rows(self, operand: str, n_inputs: int, hidden_size: int) -> tuple[int, int]:
        """First and last-plus-one row of `operand` in the stack ``[x; 1; h; inner ...]``."""
        h = n_inputs + 1
        if operand in OPERANDS:
            return {"x1h": (0, h + hidden_size), "x1": (0, h), "1h": (h - 1, h + hidden_size)}[operand]
        first = h + hidden_size * (1 + self.inner.index(operand))
        return first, first + hidden_size
