"""The negative log-likelihood of a Laplace distribution."""

from ..functions.activations import ONE, absolute, between, exp, sign
from .loss import Loss
from .parameters import LIMIT, location_scale, location_scale_start


def laplace(y, location, log_scale, _):
    """Negative log-likelihood of the density exp(-|y - location| / scale) / (2 scale), without the constant log(2)."""
    log_scale = between(log_scale, -LIMIT, LIMIT)
    precision = exp(-log_scale)
    e = y - location
    z = absolute(e) * precision
    return z + log_scale, -sign(e) * precision, ONE - z


LAPLACE = Loss(
    "laplace",
    laplace,
    width=2,
    family="laplace",
    spread=(0, 1),
    natural=location_scale,
    start=location_scale_start,
)
LOSSES = (LAPLACE,)
