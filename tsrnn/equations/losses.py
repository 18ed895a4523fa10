"""Losses: the value and the derivatives of one prediction, each with what a forecast reads from it.

A loss has `size` parameters for each target: one for a point, one for each quantile, two for a normal distribution. Its
equation takes the target, the parameters and one constant, and returns the value and the derivative by each parameter.
A loss with several `constants` applies the equation once for each, to as many parameters. Kinks follow one convention:
at the kink the derivative is the mean of the two sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .activations import HALF, ONE, absolute, exp, sign


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


def gaussian(y, mean, log_scale, _):
    """Negative log-likelihood of N(mean, exp(log_scale)²), without the constant log(2 pi)/2."""
    precision = exp(-log_scale)
    z = (y - mean) * precision
    return HALF * z * z + log_scale, -z * precision, ONE - z * z


@dataclass(frozen=True)
class Loss:
    """An equation with its constants.

    Attributes
    ----------
    name : str
        As the estimators' ``loss=`` accepts it.
    equation : callable
        ``(y, *parameters, constant) -> (value, *derivatives)``.
    width : int
        How many parameters one application of the equation takes.
    constants : tuple of float
        One application of the equation for each.
    location : tuple of int
        The parameters (of all applications, in order) to which a linear skip adds its forecast.
    point : int
        The parameter that is the point forecast.
    central : bool
        Whether that is a mean or a median, about which an interval may lie.
    """

    name: str
    equation: Callable
    width: int = 1
    constants: tuple[float, ...] = (0.0,)
    location: tuple[int, ...] = (0,)
    point: int = 0
    central: bool = True

    @property
    def size(self) -> int:
        """Parameters for each target."""
        return self.width * len(self.constants)

    def __repr__(self) -> str:
        """As it is written: ``'mse'``, ``Pinball(0.1, 0.9)``."""
        constants = ", ".join(map(repr, self.constants))
        return repr(self.name) if self.constants == (0.0,) else f"{self.name.capitalize()}({constants})"


MSE = Loss("mse", mse)
MAE = Loss("mae", mae)
GAUSSIAN = Loss("gaussian", gaussian, width=2)


def Huber(delta: float = 1.0) -> Loss:  # noqa: N802 - reads as the constructor that it is
    """Huber's loss; errors beyond `delta` (in units of the scaled series) count linearly.

    Examples
    --------
    >>> Huber(0.5).constants
    (0.5,)
    """
    if not 0 < delta < float("inf"):
        raise ValueError(f"delta={delta!r} must be a positive number")
    return Loss("huber", huber, constants=(float(delta),))


def Pinball(*levels: float) -> Loss:  # noqa: N802
    """The pinball loss of one or several quantile `levels` in (0, 1), ascending.

    The point is the level nearest to 0.5, of two the lower.

    Examples
    --------
    >>> Pinball(0.1, 0.5, 0.9).point
    1
    """
    if not levels or any(not 0 < level < 1 for level in levels) or sorted(set(levels)) != list(levels):
        raise ValueError(f"levels={levels!r} must be ascending numbers strictly between 0 and 1")
    nearest = min(range(len(levels)), key=lambda i: abs(levels[i] - 0.5))
    return Loss(
        "pinball",
        pinball,
        constants=tuple(map(float, levels)),
        location=tuple(range(len(levels))),
        point=nearest,
        central=0.5 in levels,
    )


#: The names that ``loss=`` accepts; `Huber(delta)` and `Pinball(*levels)` give the ones with constants.
LOSSES = {"mse": MSE, "mae": MAE, "huber": Huber(), "pinball": Pinball(0.1, 0.5, 0.9), "gaussian": GAUSSIAN}


def as_loss(loss: str | Loss) -> Loss:
    """The loss that `loss` names, or `loss` itself."""
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]
    names = ", ".join(map(repr, LOSSES))
    raise ValueError(f"loss={loss!r} is not known; use one of {names}, or tsrnn.Huber(...), tsrnn.Pinball(...)")
