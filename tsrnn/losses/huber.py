"""Huber's loss: squared for small errors, linear for large ones."""

from ..checks import number
from ..functions.activations import HALF
from .loss import Loss


def huber(y, p, delta):
    """Huber (1964), doi:10.1214/aoms/1177703732, eq. 2.3: e²/2 inside ``delta``, delta (|e| - delta/2) outside."""
    e = p - y
    inside = max(min(e, delta), -delta)
    return inside * (e - HALF * inside), inside


def Huber(delta: float = 1.0) -> Loss:  # noqa: N802 - reads as the constructor that it is
    """Huber's loss; errors beyond `delta` (in units of the scaled series) count linearly.

    Examples
    --------
    >>> Huber(0.5).constants
    (0.5,)
    """
    return Loss("huber", huber, constants=(number("delta", delta, 0.0, open_low=True),))


LOSSES = (Huber(),)
