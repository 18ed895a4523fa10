"""Measures of written sequences against their definitions; `tests/interop` compares BLEU with sacrebleu."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from tsrnn.metrics import bleu, exact_match, token_accuracy


def test_definitions():
    truth, written = ["abc", "", "de"], ["abd", "", "def"]
    assert exact_match(truth, written) == pytest.approx(1 / 3)
    assert token_accuracy(truth, written) == pytest.approx((2 + 0 + 2) / (3 + 0 + 3))
    assert exact_match([["a", 1]], [("a", 1)]) == token_accuracy([[1, 2]], [np.array([1, 2])]) == 1
    assert token_accuracy([""], [""]) == 1
    assert exact_match(pd.Series(["ab", "c"]), np.array(["ab", "d"])) == 0.5


def test_bleu_by_hand():
    """Papineni et al. (2002), example 2: the candidate repeats a word seven times, the reference has it twice."""
    reference, written = ["the", "cat", "is", "on", "the", "mat"], ["the"] * 7
    assert bleu([reference], [written], max_order=1) == pytest.approx(2 / 7)
    assert bleu([reference], [written]) == 0
    assert bleu([reference], [reference]) == pytest.approx(1)
    short = reference[:5]
    assert bleu([reference], [short]) == pytest.approx(math.exp(1 - 6 / 5))


def test_bleu_against_the_definition():
    rng = np.random.default_rng(0)
    truth = [rng.integers(0, 3, n).tolist() for n in rng.integers(4, 12, 20)]
    written = [[*one[:3], *rng.integers(0, 3, rng.integers(1, 8)).tolist()] for one in truth]
    logarithm = 0.0
    for n in (1, 2, 3, 4):
        right = total = 0
        for one, other in zip(truth, written, strict=True):
            runs = [tuple(other[i : i + n]) for i in range(len(other) - n + 1)]
            of_reference = [tuple(one[i : i + n]) for i in range(len(one) - n + 1)]
            right += sum(min(runs.count(run), of_reference.count(run)) for run in set(runs))
            total += len(runs)
        logarithm += math.log(right / total) / 4
    r, c = sum(map(len, truth)), sum(map(len, written))
    expected = math.exp(logarithm + min(0, 1 - r / c))
    assert 0 < expected < 1
    assert bleu(truth, written) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("measure", [exact_match, token_accuracy, bleu])
@pytest.mark.parametrize(
    ("truth", "written", "error", "message"),
    [
        ("abc", ["abc"], TypeError, "y_true='abc' must be a list"),
        (["a"], "a", TypeError, "y_pred='a' must be a list"),
        ([1], ["a"], TypeError, r"y_true\[0\]=1 must be a sequence"),
        (["a", "b"], ["a"], ValueError, "y_true holds 2 sequences and y_pred 1"),
        ([], [], ValueError, "one at least"),
        (np.zeros((2, 2, 2)), np.zeros((2, 2, 2)), TypeError, r"y_true\[0\] has array.* at step 0, which no dict"),
        ([["a"]], [[[1], [2]]], TypeError, r"y_pred\[0\] has \[1\] at step 0, which no dict takes .*; use strings"),
        (pd.DataFrame({"a": ["ab"]}), ["a"], TypeError, r"y_true is a DataFrame, which .*; pass a list, such as list"),
        (["a"], {"a": "ab"}, TypeError, "y_pred is a dict, which would be read as its keys"),
        ({"a"}, ["a"], TypeError, "y_true is a set, which"),
        (["ab"], [{"a", "b"}], TypeError, r"y_pred\[0\] is a set, which"),
    ],
)
def test_refused(measure, truth, written, error, message):
    with pytest.raises(error, match=message):
        measure(truth, written)


def test_the_order_of_bleu():
    with pytest.raises(ValueError, match="max_order=0"):
        bleu(["a"], ["a"], max_order=0)
