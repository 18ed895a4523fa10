"""The absolute error."""

from ..functions.activations import absolute, sign
from .loss import Loss


def mae(y, p, _):
    """Absolute error |y - p|; its minimiser is the median; derivative 0 at the kink."""
    e = p - y
    return absolute(e), sign(e)


MAE = Loss("mae", mae)
LOSSES = (MAE,)
