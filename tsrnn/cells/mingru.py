"""The minimal gated recurrent unit, whose gate and candidate do not read the state: its data, equation and gradient.

Feng et al. (2024), arXiv:2410.01201, section 3.1, the plain (not logarithmic) form of minGRU.
"""

from ..functions.activations import ONE, sigmoid
from .cell import Cell, Product, Stage
from .family import Family


def mingru(z, n, h_prev):
    """z = sigmoid(W [x; 1]); n = W [x; 1]; h = (1 - z) h' + z n."""
    z = sigmoid(z)
    return z, h_prev + z * (n - h_prev)


def mingru_gradient(z, n, h_prev, dh):
    """Derivatives in terms of the gate; the part of dh that passes on to h' is returned, since no product reads h'."""
    dz = dh * (n - h_prev) * z * (ONE - z)  # h = (1 - z) * h_prev + z * n; z = sigmoid
    return dz, dh * z, dh * (ONE - z)


MINGRU = Cell(
    name="mingru",
    planes=("z", "n"),
    states=("h",),
    stages=(
        Stage(
            products=(Product(planes=("z", "n"), operand="x1"),),
            forward=mingru,
            writes=("z", "h"),
            gradient=mingru_gradient,
            gradient_writes=("z", "n", "dh"),
        ),
    ),
)


def make() -> Cell:
    """The cell; it has no options."""
    return MINGRU


FAMILY = Family("a minimal gated recurrent unit network, minGRU (Feng et al. 2024)", make)
