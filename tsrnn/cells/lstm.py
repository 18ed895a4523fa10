"""The long short-term memory cell with a forget gate: its data, its equations, its gradient.

Hochreiter & Schmidhuber (1997), doi:10.1162/neco.1997.9.8.1735; forget gate and its bias of one: Gers, Schmidhuber &
Cummins (2000), doi:10.1162/089976600300015015. Gate order and equations are those of cuDNN and PyTorch, with their two
bias vectors added into one.
"""

from ..functions.activations import ONE, sigmoid, tanh
from .cell import Cell, Product, Stage
from .family import Family


def lstm(i, f, g, o, c_prev):
    """i, f, o = sigmoid(W [x; 1; h]); g = tanh(W [x; 1; h]); c = f c' + i g; h = o tanh(c)."""
    i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
    c = f * c_prev + i * g
    return i, f, g, o, c, o * tanh(c)


def lstm_gradient(i, f, g, o, c_prev, c, dh, dc):
    """Derivatives in terms of the activations; sigmoid' = s (1 - s), tanh' = 1 - t²."""
    k = tanh(c)
    dc = dc + dh * o * (ONE - k * k)  # h = o * tanh(c)
    di = dc * g * i * (ONE - i)  # c = f * c_prev + i * g
    df = dc * c_prev * f * (ONE - f)
    dg = dc * i * (ONE - g * g)
    do = dh * k * o * (ONE - o)
    return di, df, dg, do, dc * f


LSTM = Cell(
    name="lstm",
    planes=("i", "f", "g", "o"),
    states=("h", "c"),
    stages=(
        Stage(
            products=(Product(planes=("i", "f", "g", "o"), operand="x1h"),),
            forward=lstm,
            writes=("i", "f", "g", "o", "c", "h"),
            gradient=lstm_gradient,
            gradient_writes=("i", "f", "g", "o", "dc"),
        ),
    ),
    bias=(("f", 1.0),),
)


def make() -> Cell:
    """The cell; it has no options."""
    return LSTM


FAMILY = Family("a long short-term memory network (Hochreiter & Schmidhuber 1997)", make)
