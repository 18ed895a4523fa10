"""The independently recurrent cell, with one recurrent weight for each unit: its data, its equations, its gradients.

Li et al. (2018), arXiv:1803.04831, eq. 2, with relu or tanh.
"""

from collections.abc import Callable

from ..functions.activations import ONE, relu, sign, tanh
from .cell import Cell, Product, Stage
from .family import Family, Option


def indrnn_relu(a, u):
    """h = max(W [x; 1] + u h', 0)."""
    return relu(a + u)


def indrnn_relu_gradient(h, dh):
    """relu' is 1 where h > 0, else 0; at the kink 0. Both products have the same gradient."""
    da = dh * sign(h)
    return da, da


def indrnn_tanh(a, u):
    """h = tanh(W [x; 1] + u h')."""
    return tanh(a + u)


def indrnn_tanh_gradient(h, dh):
    """tanh' = 1 - h². Both products have the same gradient."""
    da = dh * (ONE - h * h)
    return da, da


def _indrnn(name: str, forward: Callable, gradient: Callable) -> Cell:
    """The cell with one of the nonlinearities."""
    return Cell(
        name=name,
        planes=("a", "u"),
        states=("h",),
        stages=(
            Stage(
                products=(
                    Product(planes=("a",), operand="x1"),
                    Product(planes=("u",), operand="h", kind="diagonal", initial=(0.0, 1.0)),
                ),
                forward=forward,
                writes=("h",),
                gradient=gradient,
                gradient_writes=("a", "u"),
            ),
        ),
    )


#: The cell with each nonlinearity.
BY_NONLINEARITY = {
    "relu": _indrnn("indrnn_relu", indrnn_relu, indrnn_relu_gradient),
    "tanh": _indrnn("indrnn_tanh", indrnn_tanh, indrnn_tanh_gradient),
}


def make(nonlinearity: str = "relu") -> Cell:
    """The cell with the `nonlinearity` "relu" or "tanh"."""
    return BY_NONLINEARITY[nonlinearity]


FAMILY = Family(
    "an independently recurrent network, IndRNN (Li et al. 2018)",
    make,
    options=(Option("nonlinearity", "relu", "Activation of the cell.", tuple(BY_NONLINEARITY)),),
)
