"""The negative log-likelihood of a normal distribution."""

from ..functions.activations import HALF, ONE, between, exp
from .loss import Loss
from .parameters import LIMIT, location_scale, location_scale_start


def gaussian(y, mean, log_scale, _):
    """Negative log-likelihood of N(mean, exp(log_scale)²), without the constant log(2 pi)/2."""
    log_scale = between(log_scale, -LIMIT, LIMIT)
    precision = exp(-log_scale)
    z = (y - mean) * precision
    return HALF * z * z + log_scale, -z * precision, ONE - z * z


GAUSSIAN = Loss(
    "gaussian",
    gaussian,
    width=2,
    family="norm",
    spread=(0, 1),
    natural=location_scale,
    start=location_scale_start,
)
LOSSES = (GAUSSIAN,)
