"""Measures of predicted classes and of their probabilities."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from ..checks import Anything
from .target import refuse_missing_label


def accuracy(y_true: Anything, y_pred: Anything) -> float:
    """Fraction of the labels that are predicted.

    Parameters
    ----------
    y_true : array-like
        True labels.
    y_pred : array-like of the same shape
        Predicted labels.

    Returns
    -------
    float

    Examples
    --------
    >>> accuracy(["a", "b", "b", "b"], ["a", "a", "b", "b"])
    0.75
    """
    truth, prediction = _labels("y_true", y_true), _labels("y_pred", y_pred)
    if truth.shape != prediction.shape:
        raise ValueError(
            f"y_true has the shape {truth.shape} and y_pred {prediction.shape}; pass a prediction for each label"
        )
    return float(np.mean(truth == prediction))


def log_loss(y_true: Anything, y_prob: Anything, labels: Anything = None) -> float:
    r"""Mean negative logarithm of the probability of the true label: :math:`-\frac{1}{n} \sum_i \ln p_{i, y_i}`.

    It is infinite where a true label has the probability 0.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        True labels.
    y_prob : array-like of shape (n, n_labels) or (n,)
        Probability of each label, in the order of `labels`; one dimension holds that of the second of two.
    labels : array-like of shape (n_labels,), optional
        The labels, ``classes_`` of a classifier. The default is the sorted ones of `y_true`.

    Returns
    -------
    float

    Examples
    --------
    >>> round(log_loss(["a", "b"], [[0.5, 0.5], [0.75, 0.25]]), 4)
    1.0397
    """
    truth = _labels("y_true", y_true)
    known = np.unique(truth) if labels is None else _labels("labels", labels)
    probabilities = _probabilities(y_prob, len(truth), len(known))
    is_label = truth[:, None] == known
    if not is_label.any(axis=1).all():
        row = int(is_label.any(axis=1).argmin())
        raise ValueError(
            f"y_true at position {row} is {truth.tolist()[row]!r}, which labels does not have; pass labels=classes_ of "
            "the classifier, or leave that row out"
        )
    with np.errstate(divide="ignore"):
        return float(-np.log(probabilities[is_label]).mean())


def perplexity(y_true: Anything, y_prob: Anything, labels: Anything = None) -> float:
    """Exponential of `log_loss`, with the same arguments: the number of equally likely labels of that uncertainty.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        True labels.
    y_prob : array-like of shape (n, n_labels) or (n,)
        Probability of each label, in the order of `labels`; one dimension holds that of the second of two.
    labels : array-like of shape (n_labels,), optional
        The labels, ``classes_`` of a classifier. The default is the sorted ones of `y_true`.

    Returns
    -------
    float
        From 1 on.

    Examples
    --------
    >>> round(perplexity(["a", "b", "c"], [[0.25] * 4] * 3, labels=["a", "b", "c", "d"]), 4)
    4.0
    """
    mean = log_loss(y_true, y_prob, labels)
    return math.exp(mean) if mean < math.log(np.finfo(float).max) else math.inf


def _labels(name: str, values: Anything) -> np.ndarray:
    labels = np.asarray(values)
    if labels.size == 0:
        raise ValueError(f"{name} is empty; pass one label at least")
    missing = pd.isna(labels).ravel()
    if missing.any():
        row = int(missing.argmax())
        refuse_missing_label(name, row, labels.ravel()[row])
    return labels


def _probabilities(values: Anything, n: int, n_labels: int) -> np.ndarray:
    """Probabilities as (n, n_labels), checked."""
    array = np.asarray(values, np.float64)
    if array.ndim == 1:
        array = np.stack([1 - array, array], axis=1)
    if array.shape != (n, n_labels):
        raise ValueError(
            f"y_prob has the shape {np.shape(values)}, but y_true has {n} labels, of {n_labels} kinds; pass a row for "
            "each label, and labels= with the names of the columns"
        )
    wrong = ~((array >= 0) & (array <= 1)).all(axis=1) | ~np.isclose(array.sum(axis=1), 1, rtol=0, atol=1e-5)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"y_prob at position {row} is {array[row].tolist()}, but probabilities lie between 0 and 1 and their sum "
            "is 1; pass predict_proba of a classifier"
        )
    return array
