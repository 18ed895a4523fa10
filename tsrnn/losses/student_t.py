"""The negative log-likelihood of Student's t, whose degrees of freedom are learned too."""

from ..functions.activations import HALF, ONE, between, exp, log, log1p, softplus
from ..functions.gamma import TWO, log_rising
from .loss import Loss
from .parameters import LIMIT


def student_t(y, location, log_scale, raw, _):
    """Lange, Little & Taylor (1989), doi:10.1080/01621459.1989.10478852: Student's t with 2 + softplus(raw) degrees.

    More than two degrees of freedom, so that there is a variance. Without the constant log(2 pi)/2.
    """
    log_scale, spread = between(log_scale, -LIMIT, LIMIT), softplus(raw)
    precision, df = exp(-log_scale), TWO + spread
    z = (y - location) * precision
    q = z * z / df
    rise, d_rise = log_rising(HALF, HALF * df)
    pull = (df + ONE) / (df + z * z)
    by_df = HALF * (log1p(q) - pull * q - d_rise) + HALF / df
    return (
        log_scale - rise + HALF * (df + ONE) * log1p(q),
        -pull * z * precision,
        ONE - pull * z * z,
        by_df * exp(raw - spread),
    )


def student_t_start(mean, deviation):
    """Location, logarithm of the scale, and a raw number for about three degrees of freedom more than two."""
    return mean, log(deviation), TWO + ONE + 0 * mean


def student_t_natural(location, log_scale, raw):
    """Degrees of freedom, location and scale."""
    return TWO + softplus(raw), location, exp(between(log_scale, -LIMIT, LIMIT))


STUDENT_T = Loss(
    "student_t",
    student_t,
    width=3,
    family="t",
    spread=(0, 1, 0),
    natural=student_t_natural,
    start=student_t_start,
)
LOSSES = (STUDENT_T,)
