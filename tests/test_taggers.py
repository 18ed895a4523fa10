"""Taggers: a label for each step, sequences of numbers and of symbols, labels that do not count, what they refuse."""

from __future__ import annotations

import pickle
from collections import deque

import numpy as np
import pandas as pd
import polars
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score

import tsrnn
from tsrnn import EarlyStopping, LSTMTagger
from tsrnn.cells.registry import FAMILIES

TAGGERS = [getattr(tsrnn, f"{name}Tagger") for name in FAMILIES]
QUICK = {"hidden_size": 6, "max_epochs": 3, "batch_size": 16, "learning_rate": 0.02, "random_state": 0}

pytestmark = pytest.mark.usefixtures("one_thread")


def tagger(**options):
    return LSTMTagger(**{**QUICK, **options})


def problem(n=60, longest=20, seed=0):
    """Sequences of numbers, and for each step whether the next number is positive; at the last step it is not known."""
    rng = np.random.default_rng(seed)
    X = [rng.normal(size=k) for k in rng.integers(1, longest + 1, n)]
    return X, [np.where(np.append(x[1:], 0) > 0, "up", "down") for x in X]


SENTENCES = [["the", "cat", "sat", "on", "the", "mat"], ["a", "dog", "ran"], ["the", "dog", "sat"], ["run"]] * 5
PARTS = [["D", "N", "V", "P", "D", "N"], ["D", "N", "V"], ["D", "N", "V"], ["V"]] * 5


@pytest.mark.parametrize("cls", TAGGERS)
def test_a_tagger_reads_what_comes_after_a_step_if_it_is_bidirectional(cls):
    X, y = problem()
    options = QUICK | {"max_epochs": 40, "random_state": 1}
    both = cls(**options, bidirectional=True).fit(X, y)
    assert both.score(X, y) > 0.85
    assert cls(**options).fit(X, y).score(X, y) < 0.75
    assert_array_equal(both.classes_, ["down", "up"])
    probabilities = both.predict_proba(X)
    for x, p, label in zip(X, probabilities, both.predict(X), strict=True):
        assert p.shape == (len(x), 2)
        assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
        assert_array_equal(both.classes_[p.argmax(axis=1)], label)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_sequence_alone_has_the_bits_of_its_place_in_a_batch(bidirectional):
    X, y = problem()
    X[1] = np.sin(np.arange(70))  # in a bucket by itself
    y[1] = np.where(X[1] > 0, "up", "down")
    fitted = tagger(bidirectional=bidirectional, num_layers=2, learn_initial_state=True, dropout=0.1).fit(X, y)
    together = fitted.predict_proba(X)
    for i in (0, 1, 3, 7):
        assert_array_equal(fitted.predict_proba([X[i]])[0], together[i])
    shortest = int(np.argmin([len(x) for x in X]))
    assert len(X[shortest]) == 1
    assert_array_equal(fitted.predict_proba([X[shortest], np.ones(100)])[0], together[shortest])


def test_a_label_depends_on_the_steps_up_to_its_own():
    """In one direction a part of a sequence, from its beginning, has the same probabilities as in the whole."""
    x = np.random.default_rng(1).normal(size=18)
    fitted = tagger(dtype="float64").fit(*problem())
    whole = fitted.predict_proba([x])[0]
    assert (np.diff(whole[:, 0]) != 0).all()
    for n in (1, 5, 17):
        assert_allclose(fitted.predict_proba([x[:n]])[0], whole[:n], rtol=1e-10)
    both = tagger(dtype="float64", bidirectional=True).fit(*problem())
    changed = [np.append(x[:-1], 9.0)]
    assert_array_equal(fitted.predict_proba(changed)[0][:-1], whole[:-1])
    assert (both.predict_proba(changed)[0][:-1] != both.predict_proba([x])[0][:-1]).all()


def cross_entropy(fitted, X, y, weight):
    """The mean over all steps of -log of the probability of the label, by `weight` of the label and step."""
    total = count = 0.0
    for p, labels in zip(fitted.predict_proba(X), y, strict=True):
        for t, label in enumerate(labels):
            w = weight(label)
            if w > 0:
                total -= w * np.log(p[t, list(fitted.classes_).index(label)])
                count += w
    return total / count


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_loss_is_that_of_the_labelled_steps(n_classes):
    """Each with its own label: with a learning rate of almost zero the curve holds the loss of what `predict` gives."""
    X = [*problem(n=13)[0], np.sin(np.arange(100)), np.ones(2)]  # in two buckets
    y = [np.arange(len(x)) * 7 % n_classes + 1 for x in X]
    options = {"batch_size": 15, "learning_rate": 1e-12, "max_epochs": 1, "dtype": "float64"}
    fitted = tagger(**options).fit(X, y)
    assert_allclose(fitted.loss_curve_[0], cross_entropy(fitted, X, y, lambda label: 1), rtol=1e-9)
    heavy = tagger(**options, class_weight={2: 3.0}).fit(X, y)
    assert_allclose(heavy.loss_curve_[0], cross_entropy(heavy, X, y, lambda label: 3 if label == 2 else 1), rtol=1e-9)
    marked = [np.where(np.arange(len(labels)) % 4 == 1, 9, labels) for labels in y]
    ignoring = tagger(**options, ignore_label=9).fit(X, marked)
    assert_array_equal(ignoring.classes_, fitted.classes_)
    assert_allclose(ignoring.loss_curve_[0], cross_entropy(ignoring, X, marked, lambda label: label != 9), rtol=1e-9)
    stopping = EarlyStopping(validation_size=5, refit_full=False)
    stopped = tagger(**options, early_stopping=stopping).fit(X, y)
    held_out = [[each[i] for i in stopped._split(15)[0]] for each in (X, y)]
    assert_allclose(stopped.validation_curve_, cross_entropy(stopped, *held_out, lambda label: 1), rtol=1e-9)


def test_steps_that_are_ignored_change_nothing():
    X, y = problem()
    missing = [[None if t % 4 == 1 else label for t, label in enumerate(labels)] for labels in y]
    named = [["?" if t % 4 == 1 else label for t, label in enumerate(labels)] for labels in y]
    one, other = tagger(ignore_label=np.nan).fit(X, missing), tagger(ignore_label="?").fit(X, named)
    assert_array_equal(one.theta_, other.theta_)
    assert one.score(X, missing) == other.score(X, named)
    predicted, labels = np.concatenate(one.predict(X)), np.concatenate([np.array(each, object) for each in missing])
    is_known = labels != np.array(None)
    assert 0 < is_known.mean() < 1
    assert one.score(X, missing) == np.mean(predicted[is_known] == labels[is_known])
    clone(one).fit(X, missing)


def test_symbols():
    fitted = tagger(max_epochs=60, bidirectional=True).fit(SENTENCES, PARTS)
    assert fitted.score(SENTENCES, PARTS) == 1
    known = {symbol for sentence in SENTENCES for symbol in sentence}
    assert set(fitted.vocabulary_.symbols) == known
    table = fitted.network_.architecture.views(fitted.theta_)["symbols"]
    assert_allclose(table[0], table[3:].mean(axis=0), rtol=1e-6)
    assert len(table) == 3 + len(known)
    assert_array_equal(fitted.predict_proba([["the", "fish"]])[0], fitted.predict_proba([("the", "whale")])[0])
    (two, three) = fitted.predict([["the", "fish"], ["a", "cat", "sat"]])
    assert (len(two), three.tolist()) == (2, ["D", "N", "V"])


def test_any_symbols():
    """Characters of a string, tuples, and with `embedding_size` numbers: the same network, whatever they are."""
    characters = ["abcab", "ca", "bbc"] * 4
    labels = [[ord(c) % 3 for c in text] for text in characters]
    first = tagger(embedding_size=4).fit(characters, labels)
    assert first.network_.architecture.views(first.theta_)["symbols"].shape == (6, 4)
    for change in (lambda c: ("letter", c), lambda c: ord(c), np.str_):
        other = tagger(embedding_size=4).fit([[change(c) for c in text] for text in characters], labels)
        assert_array_equal(other.theta_, first.theta_)
    assert tagger().fit([[1, 2], [3]], [[1, 2], [1]]).vocabulary_ is None
    with pytest.raises(ValueError, match=r"warm_start=True goes on with the symbols of .* and X has 'd', which"):
        first.set_params(warm_start=True).fit(["abd"], [[0, 1, 2]])
    assert first.fit(["cb"] * 3, [[0, 1], [1, 2], [2, 2]]).vocabulary_.symbols == ("a", "b", "c")


@pytest.mark.parametrize("refits", [False, True])
def test_nothing_is_learned_of_held_out_symbols(refits):
    """Unless the network is trained once more on all sequences; what is unknown then has the mean vector."""
    stopping = EarlyStopping(validation_size=2, refit_full=refits)
    held_out, _ = tagger(early_stopping=stopping)._split(20)
    X = ["x" if i in held_out else "ab" for i in range(20)]
    fitted = tagger(early_stopping=stopping).fit(X, [[ord(c) % 2 for c in text] for text in X])
    assert sorted(fitted.vocabulary_.symbols) == ["a", "b", *(["x"] if refits else [])]
    table = fitted.network_.architecture.views(fitted.theta_)["symbols"]
    assert_allclose(table[0], table[3:].mean(axis=0), rtol=1e-6)
    is_unknown = (fitted.predict_proba(["x"])[0] == fitted.predict_proba(["?", "a"])[0]).all()
    assert is_unknown == (not refits)


def test_containers_of_symbols():
    """Series of pandas and polars hold symbols like lists, and so do Series of lists."""
    words = [["the", "cat", "sat"], ["a", "dog"], ["the", "dog"]] * 3
    labels = [["D", "N", "V"], ["D", "N"], ["D", "N"]] * 3
    expected = tagger().fit(words, labels)
    assert expected.vocabulary_ is not None
    as_series = [
        [pd.Series(x, np.arange(len(x)) + 7, dtype) for x in words] for dtype in (object, "string", "category")
    ]
    as_polars = [[polars.Series(x, dtype=dtype) for x in words] for dtype in (polars.String, polars.Categorical)]
    for X in (
        *as_series,
        *as_polars,
        [*map(np.array, words)],
        pd.Series(words, np.arange(9) + 7),
        deque(words),
    ):
        fitted = tagger().fit(X, labels)
        assert fitted.vocabulary_.symbols == expected.vocabulary_.symbols
        assert_array_equal(fitted.theta_, expected.theta_)
        assert_array_equal(np.concatenate(expected.predict_proba(X)), np.concatenate(expected.predict_proba(words)))
    numbers, are_up = problem()
    theta = tagger().fit(numbers, are_up).theta_
    assert_array_equal(tagger().fit([*map(polars.Series, numbers)], [*map(polars.Series, are_up)]).theta_, theta)


def test_arrays_of_sequences():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 7, 2)), rng.integers(0, 3, (20, 7))
    fitted = tagger().fit(X, y)
    assert_array_equal(tagger().fit(list(X), y.tolist()).theta_, fitted.theta_)
    assert_array_equal(
        tagger().fit([pd.DataFrame(x) for x in X], [pd.Series(labels) for labels in y]).theta_, fitted.theta_
    )
    assert fitted.n_channels_ == 2
    assert_array_equal(np.stack(fitted.predict(X)).shape, (20, 7))
    one = X[:, :, 0]
    assert_array_equal(tagger().fit(one, y).theta_, tagger().fit(one[:, :, None], y).theta_)
    assert_array_equal(tagger().fit(pd.DataFrame(one), pd.DataFrame(y)).theta_, tagger().fit(one, y).theta_)


def test_labels_of_any_type():
    X, y = problem(20)
    first = tagger().fit(X, y)
    for change in (lambda a: a == "up", lambda a: np.where(a == "up", 7, -3), lambda a: (a == "up").astype(float)):
        other = tagger().fit(X, [change(labels) for labels in y])
        assert_array_equal(other.theta_, first.theta_)
        for mine, theirs in zip(other.predict(X), first.predict(X), strict=True):
            assert_array_equal(mine, change(theirs))


def test_an_unseen_label_is_an_error_of_the_prediction():
    X, y = problem(20)
    fitted = tagger().fit(X, y)
    n = sum(map(len, y))
    changed = [np.append(y[0][:-1], "sideways"), *y[1:]]
    was_right = fitted.predict(X)[0][-1] == y[0][-1]
    assert_allclose(fitted.score(X, changed), fitted.score(X, y) - was_right / n, rtol=1e-12)


def test_selection_and_copies():
    X, y = problem(30)
    fitted = tagger(early_stopping=EarlyStopping(validation_size=6, patience=2)).fit(X, y)
    assert len(fitted.validation_curve_) > 1
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X)[3], fitted.predict_proba(X)[3])
    assert len(cross_val_score(tagger(max_epochs=1), X, y, cv=3)) == 3
    search = GridSearchCV(tagger(max_epochs=1), {"bidirectional": [False, True]}, cv=2).fit(X, y)
    assert len(search.predict(X)) == 30


def test_sequences_without_a_counted_step_are_not_held_out():
    """Of 12 sequences one half has labels, and one of these is held out, with any seed; the others train."""
    X, y = problem(12)
    y = [labels if i % 2 else np.full(len(labels), "?") for i, labels in enumerate(y)]
    for seed in range(6):
        options = {"ignore_label": "?", "random_state": seed}
        fitted = tagger(early_stopping=EarlyStopping(validation_size=1), **options).fit(X, y)
        assert (fitted.validation_curve_ > 0).all()
        assert (tagger(early_stopping=EarlyStopping(validation_size=5), **options).fit(X, y).loss_curve_ > 0).all()
    with pytest.raises(ValueError, match="early_stopping holds out 6 of 6 rows and leaves none"):
        tagger(early_stopping=EarlyStopping(validation_size=6), ignore_label="?").fit(X, y)


def test_a_warm_start_needs_numbers_after_numbers_and_symbols_after_symbols():
    of_numbers, of_symbols = (([[1.0, 2.0]], [["a", "b"]]), (["xy"], [["a", "b"]]))
    for first, then in ((of_numbers, of_symbols), (of_symbols, of_numbers)):
        with pytest.raises(ValueError, match="use the same kind of X, numbers or symbols, or warm_start=False"):
            tagger(max_epochs=1, warm_start=True).fit(*first).fit(*then)


def test_warm_start_keeps_the_classes():
    X, y = problem(20)
    fitted = tagger(warm_start=True).fit(X, y)
    before = fitted.theta_
    with pytest.raises(
        ValueError, match=r"the classes \['down', 'up'\] of the earlier fit, and y has \['left', 'right'\]"
    ):
        fitted.fit(X, [np.where(labels == "up", "left", "right") for labels in y])
    assert_array_equal(fitted.theta_, before)
    assert (fitted.fit(X, y).theta_ != before).any()


X, Y = [np.ones(3), np.ones(2)], [["a", "b", "a"], ["b", "a"]]
REFUSED = {
    "no list": (3.0, Y, "X is 3.0, but a list of sequences was expected"),
    "one text": ("abc", Y, "X is 'abc', but a list of sequences was expected; put it into a list"),
    "nothing": ([], [], "X holds no sequence; pass one at least"),
    "an empty one": ([np.ones(3), []], Y, r"X\[1\] is an empty sequence; leave it out"),
    "an empty one before symbols": ([[], ["a"]], [[], ["x"]], r"X\[0\] is an empty sequence; leave it out"),
    "an empty one before numbers": ([[], [1.0]], [[], ["x"]], r"X\[0\] is an empty sequence; leave it out"),
    "an empty text": (["aba", ""], Y, r"X\[1\] is an empty sequence; leave it out"),
    "a missing value": ([np.ones(3), [1, np.nan]], Y, r"X\[1\] has a missing or infinite value \(NaN\) at step 1"),
    "a missing symbol": ([["a", "b", "c"], ["a", None]], Y, r"X\[1\] has no symbol at step 1 \(None\); fill it"),
    "an unhashable one": ([["a", "b", "c"], ["a", {}]], Y, r"X\[1\] has at step 1 \{\}, which is no symbol"),
    "channels": ([np.ones((3, 2)), np.ones((2, 1))], Y, r"X\[1\] has 1 channels, but X\[0\] has 2; pass"),
    "dimensions": ([np.ones((3, 2, 1))], Y[:1], r"X\[0\] has the shape \(3, 2, 1\), but a sequence has the shape"),
    "numbers and words": ([np.ones(3), ["a", "b"]], Y, r"X\[1\] holds other things than numbers"),
    "too few labels": (X, [["a", "b"], ["b", "a"]], r"y\[0\] has 2 labels, but X\[0\] has 3 steps; pass one label"),
    "too few sequences": (X, Y[:1], "X holds 2 sequences, but y 1; pass a sequence of labels for each"),
    "a label for each sequence": (X, ["a", "b"], r"y\[0\] is 'a', but a sequence needs a list of labels"),
    "numbers for each sequence": (X, [0, 1], r"y\[0\] is 0, but a sequence needs a list of labels"),
    "a missing label": (X, [Y[0], ["b", None]], r"y\[1\] has no label at step 1; give it one, or a label of its own"),
    "NaN as a label": (X, [[1, 2, 1], [np.nan, 2]], r"y\[1\] has no label at step 0; give it one"),
    "NA as a label": (X, [Y[0], [pd.NA, "a"]], r"y\[1\] has no label at step 0; give it one"),
    "labels of two types": (X, [Y[0], ["b", 3]], r"y\[1\] at step 1 is 3, but y\[0\] at step 0 is 'a'; use strings"),
    "another type after one that is ignored": (
        X,
        [["?", "a", "a"], [1, "b"]],
        r"y\[1\] at step 0 is 1, but y\[0\] at step 1 is 'a'",
    ),
    "lists as labels": (
        X,
        [Y[0], ["b", ["a"]]],
        r"y\[1\] at step 1 is \['a'\], but y\[0\] at step 0 is 'a'; use strings",
    ),
    "tuples as labels": (X, [[("a",)] * 3, [("b",)] * 2], r"y\[0\] at step 0 is \('a',\); use strings alone"),
    "a number for a sequence": ([np.array(1.0), np.ones(2)], Y, r"X\[0\] has the shape \(\), but a sequence has"),
    "a table of symbols": (
        [pd.DataFrame({"a": ["x"] * 3})],
        Y[:1],
        r"X\[0\] has at step 0 array\(\['x'\], .*, which is no symbol",
    ),
    "fractions": (X, [[0.5, 1, 1], [1, 2]], "Unknown label type: continuous"),
    "one class": (X, [["a"] * 3, ["a"] * 2], "y has one class, 'a', and a classifier tells two or more apart"),
    "all ignored": (X, [["?"] * 3, ["?"] * 2], "all labels of y are ignored, ignore_label='[?]'; give some steps"),
}


@pytest.mark.parametrize(("X", "y", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(X, y, message):
    unfitted = tagger(ignore_label="?")
    with pytest.raises(ValueError, match=message):
        unfitted.fit(X, y)
    with pytest.raises(NotFittedError):
        unfitted.predict(X)


@pytest.mark.parametrize("options", [{}, {"embedding_size": 2}], ids=["", "embedded"])
def test_what_has_no_order_is_refused(options):
    for X in ({"ab", "c"}, {"ab": 1, "c": 2}, frozenset(["ab"])):
        with pytest.raises(TypeError, match=r"X is a .*, which would be read as its keys or in no order; pass a list"):
            tagger(**options).fit(X, Y)
    with pytest.raises(TypeError, match="y is a set, which would be read as its keys or in no order; pass a list"):
        tagger(**options).fit(["aba", "ba"], {"aba", "ba"})
    with pytest.raises(
        TypeError, match=r"X\[0\] is a set, which would be read as its keys or in no order; pass a list"
    ):
        tagger(embedding_size=2).fit([{"a", "b"}, "ba"], Y)
    for X, what in (([3, "ab"], "3"), ([np.array("a"), "ab"], r"array\('a'.*\)")):
        with pytest.raises(
            ValueError, match=rf"X\[0\] is {what}, but a sequence was expected: a list of symbols, or a"
        ):
            tagger(embedding_size=2).fit(X, Y)


def test_what_a_fitted_tagger_refuses():
    fitted = tagger().fit(X, Y)
    before = fitted.predict_proba(X)[0]
    with pytest.raises(ValueError, match="y has one class"):
        fitted.fit(X, [["a"] * 3, ["a"] * 2])
    assert_array_equal(fitted.predict_proba(X)[0], before)
    with pytest.raises(ValueError, match=r"X\[0\] has 2 channels, but the sequences of the fit have 1; pass"):
        fitted.predict([np.ones((3, 2))])
    with pytest.raises(ValueError, match=r"X\[0\] holds other things than numbers"):
        fitted.predict(["abc"])
    with pytest.raises(ValueError, match="y has labels such as 1, but those of the fit are like 'a'; pass labels of"):
        fitted.score(X, [[1, 1, 1], [1, 1]])
    with pytest.raises(ValueError, match=r"EarlyStopping\(validation=\.\.\.\) is for forecasters; use validation_size"):
        tagger(early_stopping=EarlyStopping(validation=[1.0])).fit(X, Y)


def test_symbols_of_another_type_are_refused():
    """Unknown symbols are allowed, but not symbols that could not be known."""
    fitted = tagger(max_epochs=1).fit(SENTENCES, PARTS)
    for wrong in ([[1, 2]], np.ones((2, 3)), [[("the",)]]):
        with pytest.raises(ValueError, match=r"X holds symbols such as .*, but those of the fit are like 'the'; pass"):
            fitted.predict(wrong)
    with pytest.raises(ValueError, match="X holds no sequence"):
        fitted.predict([])
    assert len(fitted.predict([["whale", 3], [np.str_("the")]])) == 2
    of_numbers = tagger(max_epochs=1, embedding_size=2).fit([[1, 2], [3]], [[0, 1], [1]])
    assert len(of_numbers.predict(np.array([[9.0, 1.0]]))) == 1
    with pytest.raises(ValueError, match="X holds symbols such as 'a', but those of the fit are like 1; pass symbols"):
        of_numbers.predict(["ab"])
