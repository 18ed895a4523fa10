"""The squared error."""

from .loss import Loss


def mse(y, p, _):
    """Squared error (y - p)²; its minimiser is the mean."""
    e = p - y
    return e * e, e + e


MSE = Loss("mse", mse)
LOSSES = (MSE,)
