"""Measures of classes: against scikit-learn, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
from numpy.testing import assert_allclose

from tsrnn import metrics

RNG = np.random.default_rng(0)
LABELS = np.array(["ant", "bee", "cat", "dog"])
TRUTH = RNG.choice(LABELS, 40)
SCORES = RNG.normal(size=(40, 4))
PROBABILITIES = np.exp(SCORES) / np.exp(SCORES).sum(axis=1, keepdims=True)


def test_like_scikit_learn():
    guess = LABELS[SCORES.argmax(axis=1)]
    assert metrics.accuracy(TRUTH, guess) == sklearn.metrics.accuracy_score(TRUTH, guess)
    expected = sklearn.metrics.log_loss(TRUTH, PROBABILITIES)
    assert_allclose(metrics.log_loss(TRUTH, PROBABILITIES), expected, rtol=1e-12)
    assert_allclose(metrics.perplexity(TRUTH, PROBABILITIES), np.exp(expected), rtol=1e-12)
    is_ant, first = TRUTH == "ant", PROBABILITIES[:, 0]
    assert_allclose(metrics.log_loss(is_ant, first), sklearn.metrics.log_loss(is_ant, first), rtol=1e-12)


def test_columns_go_by_the_labels():
    turned = metrics.log_loss(TRUTH, PROBABILITIES[:, ::-1], labels=LABELS[::-1])
    assert_allclose(turned, metrics.log_loss(TRUTH, PROBABILITIES), rtol=1e-14)
    some = TRUTH != "dog"
    found = metrics.log_loss(TRUTH[some], PROBABILITIES[some], labels=LABELS)
    assert_allclose(found, sklearn.metrics.log_loss(TRUTH[some], PROBABILITIES[some], labels=LABELS), rtol=1e-12)


def test_of_steps_and_of_impossible_labels():
    assert metrics.accuracy([[0, 1], [2, 3]], [[0, 1], [2, 2]]) == 0.75
    assert metrics.log_loss([0, 1], [0.5, 0.0]) == metrics.perplexity([0, 1], [0.5, 0.0]) == np.inf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.accuracy([1, 2], [1]), r"y_true has the shape \(2,\) and y_pred \(1,\)"),
        (lambda: metrics.accuracy([], []), "y_true is empty"),
        (lambda: metrics.accuracy([np.nan], [np.nan]), r"y_true\[0\] is missing \(nan\); give that row a label"),
        (lambda: metrics.accuracy(["a", None], ["a", "b"]), r"y_true\[1\] is missing \(None\)"),
        (lambda: metrics.accuracy([[1, 2], [3, 4]], [[1, 2], [np.nan, 4]]), r"y_pred\[2\] is missing"),
        (lambda: metrics.log_loss([0, np.nan], [0.5, 0.5]), r"y_true\[1\] is missing"),
        (lambda: metrics.log_loss(TRUTH, PROBABILITIES[:, :3]), r"y_prob has the shape \(40, 3\), but y_true has 40"),
        (lambda: metrics.log_loss(["x"], [[0.5, 0.5]], labels=["a", "b"]), "y_true at position 0 is 'x', which labels"),
        (lambda: metrics.log_loss([0, 1], [[0.5, 0.5], [0.5, 0.6]]), r"y_prob at position 1 is \[0.5, 0.6\]"),
        (lambda: metrics.perplexity([0, 1], [0.5, np.nan]), "y_prob at position 1"),
    ],
)  # fmt: skip
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
