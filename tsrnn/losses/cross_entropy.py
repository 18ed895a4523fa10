"""The cross-entropy of several classes, from a logit for each: the loss of classifiers and of symbols."""

import numpy as np

from ..checks import number, whole
from .loss import Loss


def probabilities(*logits):
    """The softmax: the probability of each class, in the order of the logits."""
    powers = np.exp(np.subtract(logits, np.max(logits, axis=0)))
    return tuple(powers / np.sum(powers, axis=0))


def CrossEntropy(n_classes: int, label_smoothing: float = 0.0) -> Loss:  # noqa: N802 - reads as the constructor
    """The cross-entropy of `n_classes` classes by softmax; a target is the number of its class, from 0 on.

    Of each target the fraction `label_smoothing` is shared out evenly over all classes (Szegedy et al. 2016,
    doi:10.1109/CVPR.2016.308, section 7). Class weights and ignored targets are the weights of targets, which every
    loss has.

    Examples
    --------
    >>> CrossEntropy(10).size
    10
    """
    n_classes = whole("n_classes", n_classes, 2)
    smoothing = number("label_smoothing", label_smoothing, 0.0, 1.0)
    return Loss(
        "cross_entropy",
        None,
        width=n_classes,
        constants=(smoothing,),
        location=(),
        central=False,
        support="classes",
        natural=probabilities,
        form="softmax",
    )
