"""The cross-entropy of two classes, from the logit of the second: the loss of binary classifiers."""

import numpy as np

from ..checks import number
from ..functions.activations import HALF, absolute, exp, log1p, relu, sigmoid
from .loss import Loss


def log_loss(y, logit, smoothing):
    """-log of the probability that 1 / (1 + exp(-logit)) gives to the class y, 0 or 1; without overflow.

    With `smoothing` s, y is replaced by (1 - s) y + s / 2 (Szegedy et al. 2016, doi:10.1109/CVPR.2016.308, section 7).
    """
    y = y + smoothing * (HALF - y)
    return relu(logit) - y * logit + log1p(exp(-absolute(logit))), sigmoid(logit) - y


def probabilities(logit):
    """The probabilities of both classes, each to its last digits."""
    e, is_first = np.exp(-np.abs(logit)), np.asarray(logit) < 0
    likely, unlikely = 1 / (1 + e), e / (1 + e)
    return np.where(is_first, likely, unlikely), np.where(is_first, unlikely, likely)


def LogLoss(label_smoothing: float = 0.0) -> Loss:  # noqa: N802 - reads as the constructor that it is
    """The cross-entropy of two classes; of each target the fraction `label_smoothing` is shared out evenly.

    Examples
    --------
    >>> LogLoss(0.1).constants
    (0.1,)
    """
    smoothing = number("label_smoothing", label_smoothing, 0.0, 1.0)
    return Loss("log_loss", log_loss, constants=(smoothing,), support="binary", natural=probabilities)
