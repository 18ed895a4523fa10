"""The sLSTM, with exponential gates, a normaliser and heads: its data, its equations, its gradients.

Beck et al. (2024), arXiv:2405.04517, section 2.2: eqs. 8 to 14, and the stabilised gates of eqs. 15 to 17. The output
does not depend on the stabiliser m. So eq. 15, a maximum, is replaced by the logarithm of the normaliser, m = log n:
then the stabilised normaliser is 1, and the state c is the cell state over the normaliser. `docs/cells/slstm.md` shows
that this changes no output. The state m begins at 0, a normaliser of 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..functions.activations import ONE, log_sigmoid, sigmoid, tanh
from .cell import Cell, Product, Stage
from .family import Family, Option


# ---------------------------------------------------------------- forget gate sigmoid(f)
def slstm_sigmoid(z, i, f, o, rz, ri, rf, ro, c_prev, m_prev):
    """z = tanh; o = sigmoid; n = sigmoid(f) n' + exp(i), m = log n; c = c' + exp(i) / n (z - c'); h = o c."""
    z, f, o = tanh(z + rz), f + rf, sigmoid(o + ro)
    kept = log_sigmoid(f) + m_prev  # log(f n')
    d = i + ri - kept
    i = sigmoid(d)  # exp(i) / n
    m = kept - log_sigmoid(-d)  # log n
    c = c_prev + i * (z - c_prev)
    return z, i, sigmoid(f), o, c, m, o * c


def slstm_sigmoid_gradient(z, i, f, o, c_prev, c, dh, dc, dm):
    """Derivatives in terms of the activations; the two products of a gate have the same gradient."""
    do = dh * c * o * (ONE - o)  # h = o * c
    dc = dc + dh * o
    dz = dc * i * (ONE - z * z)  # c = c_prev + i * (z - c_prev)
    di = dc * (z - c_prev) * i * (ONE - i) + dm * i  # i = sigmoid(d); m = kept - log_sigmoid(-d)
    dkept = dm - di
    df = dkept * (ONE - f)  # kept = log_sigmoid(f) + m_prev
    return dz, di, df, do, dz, di, df, do, dc * (ONE - i), dkept


# ---------------------------------------------------------------- forget gate exp(f)
def slstm_exp(z, i, f, o, rz, ri, rf, ro, c_prev, m_prev):
    """z = tanh; o = sigmoid; n = exp(f) n' + exp(i), m = log n; c = c' + exp(i) / n (z - c'); h = o c."""
    z, o = tanh(z + rz), sigmoid(o + ro)
    kept = f + rf + m_prev  # log(exp(f) n')
    d = i + ri - kept
    i = sigmoid(d)  # exp(i) / n
    m = kept - log_sigmoid(-d)  # log n
    c = c_prev + i * (z - c_prev)
    return z, i, o, c, m, o * c


def slstm_exp_gradient(z, i, o, c_prev, c, dh, dc, dm):
    """Derivatives in terms of the activations; the two products of a gate have the same gradient."""
    do = dh * c * o * (ONE - o)  # h = o * c
    dc = dc + dh * o
    dz = dc * i * (ONE - z * z)  # c = c_prev + i * (z - c_prev)
    di = dc * (z - c_prev) * i * (ONE - i) + dm * i  # i = sigmoid(d); m = kept - log_sigmoid(-d)
    df = dm - di  # kept = f + rf + m_prev
    return dz, di, df, do, dz, di, df, do, dc * (ONE - i), df


# ---------------------------------------------------------------- description
def forget_bias(hidden_size: int) -> np.ndarray:
    """Initial biases of a sigmoid forget gate, from 3 to 6: sigmoids from 0.953 to 0.998, (hidden_size,)."""
    return np.linspace(3.0, 6.0, hidden_size)


def exp_forget_bias(hidden_size: int) -> np.ndarray:
    """Initial biases of an exponential forget gate, with the same initial gates as `forget_bias`, (hidden_size,)."""
    return -np.log1p(np.exp(-forget_bias(hidden_size)))


#: By forget gate: forward equation, activations that it writes, gradient, initial biases.
FORGET_GATES: dict[str, tuple[Callable, tuple[str, ...], Callable, Callable[[int], np.ndarray]]] = {
    "sigmoid": (slstm_sigmoid, ("z", "i", "f", "o"), slstm_sigmoid_gradient, forget_bias),
    "exp": (slstm_exp, ("z", "i", "o"), slstm_exp_gradient, exp_forget_bias),
}


def make(forget_gate: str = "sigmoid", n_heads: int = 1) -> Cell:
    """The cell with the `forget_gate` "sigmoid" or "exp", and `n_heads` blocks of recurrent weights."""
    forward, activations, gradient, bias = FORGET_GATES[forget_gate]
    gates, recurrent = ("z", "i", "f", "o"), ("rz", "ri", "rf", "ro")
    return Cell(
        name=f"slstm_{forget_gate}_{n_heads}",
        planes=(*gates, *recurrent),
        states=("h", "c", "m"),
        stages=(
            Stage(
                products=(
                    Product(planes=gates, operand="x1"),
                    Product(planes=recurrent, operand="h", kind="block_diagonal", n_blocks=n_heads),
                ),
                forward=forward,
                writes=(*activations, "c", "m", "h"),
                gradient=gradient,
                gradient_writes=(*gates, *recurrent, "dc", "dm"),
            ),
        ),
        bias=(("f", bias),),
    )


FAMILY = Family(
    "a long short-term memory network with exponential gates, sLSTM (Beck et al. 2024)",
    make,
    options=(
        Option("forget_gate", "sigmoid", "Activation of the forget gate.", tuple(FORGET_GATES)),
        Option(
            "n_heads",
            1,
            "Heads, which divide the units of a layer; a unit reads the earlier states of its own head alone.",
            (1, 2),
            divides="hidden_size",
        ),
    ),
)
