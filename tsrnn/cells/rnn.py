"""The vanilla recurrent cell (Elman 1990, doi:10.1207/s15516709cog1402_1) with tanh, relu or sigmoid; its gradient."""

from collections.abc import Callable

from ..functions.activations import ONE, relu, sigmoid, sign, tanh
from .cell import Cell, Product, Stage
from .family import Family, Option


def rnn_tanh(a):
    """h = tanh(W [x; 1; h])."""
    return tanh(a)


def rnn_tanh_gradient(h, dh):
    """tanh' = 1 - h²."""
    return dh * (ONE - h * h)


def rnn_sigmoid(a):
    """h = sigmoid(W [x; 1; h])."""
    return sigmoid(a)


def rnn_sigmoid_gradient(h, dh):
    """sigmoid' = h (1 - h)."""
    return dh * h * (ONE - h)


def rnn_relu(a):
    """h = max(W [x; 1; h], 0)."""
    return relu(a)


def rnn_relu_gradient(h, dh):
    """relu' is 1 where h > 0, else 0; at the kink 0."""
    return dh * sign(h)


def _elman(name: str, forward: Callable, gradient: Callable) -> Cell:
    return Cell(
        name=name,
        planes=("a",),
        states=("h",),
        stages=(
            Stage(
                products=(Product(planes=("a",), operand="x1h"),),
                forward=forward,
                writes=("h",),
                gradient=gradient,
                gradient_writes=("a",),
            ),
        ),
    )


#: The cell with each nonlinearity.
BY_NONLINEARITY = {
    "tanh": _elman("rnn_tanh", rnn_tanh, rnn_tanh_gradient),
    "sigmoid": _elman("rnn_sigmoid", rnn_sigmoid, rnn_sigmoid_gradient),
    "relu": _elman("rnn_relu", rnn_relu, rnn_relu_gradient),
}


def make(nonlinearity: str = "tanh") -> Cell:
    """The cell with the `nonlinearity` "tanh", "sigmoid" or "relu"."""
    return BY_NONLINEARITY[nonlinearity]


FAMILY = Family(
    "a vanilla recurrent network (Elman 1990)",
    make,
    options=(Option("nonlinearity", "tanh", "Activation of the cell.", tuple(BY_NONLINEARITY)),),
)
