"""The gated recurrent unit in two forms: their data, their equations, their gradients.

Cho et al. (2014), doi:10.3115/v1/D14-1179. The original form resets the state before its matrix product,
``n = tanh(W x + U (r h))``; the form of cuDNN, Keras and PyTorch resets the product, ``n = tanh(W x + r (U h + b))``.
Both update ``h = z h' + (1 - z) n``, as in eq. 7 of the paper.
"""

from ..functions.activations import ONE, sigmoid, tanh
from .cell import Cell, Product, Stage
from .family import Family, Option


# ---------------------------------------------------------------- reset after the product
def gru(z, r, n, u, h_prev):
    """z, r = sigmoid(W [x; 1; h]); n = tanh(W [x; 1] + r u), u = U [1; h]; h = z h' + (1 - z) n."""
    z, r = sigmoid(z), sigmoid(r)
    n = tanh(n + r * u)
    return z, r, n, z * h_prev + (ONE - z) * n


def gru_gradient(z, r, n, u, h_prev, dh):
    """Derivatives in terms of the activations."""
    dn = dh * (ONE - z) * (ONE - n * n)  # h = z * h_prev + (1 - z) * n; n = tanh(n + r * u)
    dz = dh * (h_prev - n) * z * (ONE - z)
    dr = dn * u * r * (ONE - r)
    return dz, dr, dn, dn * r, dh * z


GRU = Cell(
    name="gru",
    planes=("z", "r", "n", "u"),
    states=("h",),
    stages=(
        Stage(
            products=(
                Product(planes=("z", "r"), operand="x1h"),
                Product(planes=("n",), operand="x1"),
                Product(planes=("u",), operand="1h"),
            ),
            forward=gru,
            writes=("z", "r", "n", "h"),
            gradient=gru_gradient,
            gradient_writes=("z", "r", "n", "u", "dh"),
        ),
    ),
)


# ---------------------------------------------------------------- reset before the product
def gru_gates(z, r, h_prev):
    """z, r = sigmoid(W [x; 1; h]); rh = r h, the operand of the second stage."""
    z, r = sigmoid(z), sigmoid(r)
    return z, r, r * h_prev


def gru_gates_gradient(z, r, h_prev, dz, drh, dh):
    """`dz` is the gradient of the activation z, which the later stage left in its row."""
    dr = drh * h_prev  # rh = r * h_prev
    return dz * z * (ONE - z), dr * r * (ONE - r), dh + drh * r


def gru_candidate(z, n, u, h_prev):
    """n = tanh(W [x; 1] + u), u = U rh; h = z h' + (1 - z) n."""
    n = tanh(n + u)
    return n, z * h_prev + (ONE - z) * n


def gru_candidate_gradient(z, n, h_prev, dh):
    """Both products that meet in n have its gradient; z is needed once more, so its gradient has a row of its own."""
    dn = dh * (ONE - z) * (ONE - n * n)  # h = z * h_prev + (1 - z) * n; n = tanh(n + u)
    return dh * (h_prev - n), dn, dn, dh * z


GRU_RESET_BEFORE = Cell(
    name="gru_reset_before",
    planes=("z", "r", "n", "u", "dz"),
    states=("h",),
    stages=(
        Stage(
            products=(Product(planes=("z", "r"), operand="x1h"), Product(planes=("n",), operand="x1")),
            forward=gru_gates,
            writes=("z", "r", "rh"),
            gradient=gru_gates_gradient,
            gradient_writes=("z", "r", "dh"),
        ),
        Stage(
            products=(Product(planes=("u",), operand="rh"),),
            forward=gru_candidate,
            writes=("n", "h"),
            gradient=gru_candidate_gradient,
            gradient_writes=("dz", "n", "u", "dh"),
        ),
    ),
    inner=("rh",),
)


def make(reset_after: bool = True) -> Cell:
    """The form that `reset_after` asks for."""
    return GRU if reset_after else GRU_RESET_BEFORE


FAMILY = Family(
    "a gated recurrent unit network (Cho et al. 2014)",
    make,
    options=(
        Option(
            "reset_after",
            True,
            "Reset the state after its matrix product, as cuDNN, Keras and PyTorch do, or before it, as the paper "
            "does.",
        ),
    ),
)
