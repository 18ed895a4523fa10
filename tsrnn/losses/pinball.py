"""The pinball loss, whose minimisers are quantiles."""

from ..checks import number, shown
from ..functions.activations import HALF, absolute, sign
from .loss import Loss


def pinball(y, p, level):
    """Koenker & Bassett (1978), doi:10.2307/1913643, eq. 2.1: max(level (y-p), (level-1) (y-p)); mean at the kink."""
    e = y - p
    return e * (level - HALF) + HALF * absolute(e), HALF - level - HALF * sign(e)


def Pinball(*levels: float) -> Loss:  # noqa: N802 - reads as the constructor that it is
    """The pinball loss of one or several quantile `levels` in (0, 1), ascending.

    The point forecast is the level nearest to 0.5, of two the lower.

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


LOSSES = (Pinball(0.1, 0.5, 0.9),)
