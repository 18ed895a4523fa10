"""The negative log-likelihood of a Poisson distribution, for counts."""

from ..functions.activations import ONE, at_least, exp, log, softplus
from .loss import Loss
from .parameters import LIMIT, inverse_softplus


def poisson(y, p, _):
    """Negative log-likelihood of a Poisson distribution of mean softplus(p), without log(y!)."""
    p = at_least(p, -LIMIT)
    mean = softplus(p)
    return mean - y * log(mean), (ONE - y / mean) * exp(p - mean)


def poisson_start(mean, _):
    """The raw mean."""
    return (inverse_softplus(mean),)


def poisson_natural(p):
    """The mean."""
    return (softplus(at_least(p, -LIMIT)),)


POISSON = Loss(
    "poisson",
    poisson,
    link="softplus",
    support="counts",
    family="poisson",
    natural=poisson_natural,
    start=poisson_start,
)
LOSSES = (POISSON,)
