"""Losses: the value and the derivatives of one prediction; here those of points and quantiles, and the names of all.

A loss has `size` parameters for each target: one for a point, one for each quantile, two for a normal distribution. Its
equation takes the target, the parameters and one constant, and returns the value and the derivative by each parameter.
A loss with several `constants` applies the equation once for each, to as many parameters. Kinks follow one convention:
at the kink the derivative is the mean of the two sides.
"""

from __future__ import annotations

from ..checks import number, shown
from ..functions.activations import HALF, absolute, sign
from .likelihoods import GAUSSIAN, LAPLACE, NEGATIVE_BINOMIAL, POISSON, STUDENT_T
from .loss import Loss


def mse(y, p, _):
    """Squared error (y - p)²; its minimiser is the mean."""
    e = p - y
    return e * e, e + e


def mae(y, p, _):
    """Absolute error |y - p|; its minimiser is the median; derivative 0 at the kink."""
    e = p - y
    return absolute(e), sign(e)


def huber(y, p, delta):
    """Huber (1964), doi:10.1214/aoms/1177703732, eq. 2.3: e²/2 inside ``delta``, delta (|e| - delta/2) outside."""
    e = p - y
    inside = max(min(e, delta), -delta)
    return inside * (e - HALF * inside), inside


def pinball(y, p, level):
    """Koenker & Bassett (1978), doi:10.2307/1913643, eq. 2.1: max(level (y-p), (level-1) (y-p)); mean at the kink."""
    e = y - p
    return e * (level - HALF) + HALF * absolute(e), HALF - level - HALF * sign(e)


MSE = Loss("mse", mse)
MAE = Loss("mae", mae)


def Huber(delta: float = 1.0) -> Loss:  # noqa: N802 - reads as the constructor that it is
    """Huber's loss; errors beyond `delta` (in units of the scaled series) count linearly.

    Examples
    --------
    >>> Huber(0.5).constants
    (0.5,)
    """
    return Loss("huber", huber, constants=(number("delta", delta, 0.0, open_low=True),))


def Pinball(*levels: float) -> Loss:  # noqa: N802
    """The pinball loss of one or several quantile `levels` in (0, 1), ascending.

    The point is the level nearest to 0.5, of two the lower.

    Examples
    --------
    >>> Pinball(0.1, 0.5, 0.9).point
    1
    """
    numbers = tuple(number("levels", level, 0.0, 1.0, open_low=True) for level in levels)
    if not numbers or sorted(set(numbers)) != list(numbers):
        raise ValueError(
            f"levels={shown(levels)} must be ascending numbers strictly between 0 and 1, Pinball(0.1, 0.9)"
        )
    nearest = min(range(len(levels)), key=lambda i: abs(numbers[i] - 0.5))
    return Loss(
        "pinball",
        pinball,
        constants=numbers,
        location=tuple(range(len(levels))),
        point=nearest,
        central=0.5 in numbers,
        levels=numbers,
    )


_ALL = (MSE, MAE, Huber(), Pinball(0.1, 0.5, 0.9), GAUSSIAN, LAPLACE, STUDENT_T, POISSON, NEGATIVE_BINOMIAL)
#: The names that ``loss=`` accepts; `Huber(delta)` and `Pinball(*levels)` give the ones with constants.
LOSSES = {loss.name: loss for loss in _ALL}


def as_loss(loss: str | Loss) -> Loss:
    """The loss that `loss` names, or `loss` itself."""
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]
    names = ", ".join(map(repr, LOSSES))
    raise ValueError(f"loss={shown(loss)} is not known; use one of {names}, or tsrnn.Huber(...), tsrnn.Pinball(...)")
