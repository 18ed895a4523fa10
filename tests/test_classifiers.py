"""Classifiers: scikit-learn's checks, labels, weights, and what they refuse."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import tsrnn
from tsrnn import EarlyStopping, LSTMClassifier, RNNClassifier
from tsrnn.cells.registry import FAMILIES

CELLS = [getattr(tsrnn, f"{name}Classifier") for name in FAMILIES]
QUICK = {"hidden_size": 6, "max_epochs": 15, "batch_size": 16, "learning_rate": 0.02, "random_state": 0}


pytestmark = pytest.mark.usefixtures("one_thread")


@parametrize_with_checks([cls() for cls in CELLS])
def test_sklearn(estimator, check):
    check(estimator)


def lstm(**options):
    return LSTMClassifier(**{**QUICK, **options})


def problem(n_classes=3, n=90, length=6, seed=0):
    """Windows that rise, fall or stay, with noise; labels are strings."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, n_classes, n)
    X = (codes[:, None] - (n_classes - 1) / 2) * np.arange(length) + rng.normal(0, 0.5, (n, length))
    return X, np.array(["falls", "rises", "stays", "jumps"])[codes]


@pytest.mark.parametrize("n_classes", [2, 3, 4])
@pytest.mark.parametrize("cls", CELLS)
def test_a_classifier_learns(cls, n_classes):
    X, y = problem(n_classes)
    classifier = cls(**QUICK | {"max_epochs": 40}).fit(X, y)
    assert classifier.score(X, y) > 0.9
    assert_array_equal(classifier.classes_, np.unique(y))
    probabilities, scores = classifier.predict_proba(X), classifier.decision_function(X)
    assert probabilities.shape == (len(X), n_classes)
    assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
    assert_array_equal(classifier.classes_[probabilities.argmax(axis=1)], classifier.predict(X))
    expected = np.log(probabilities)
    if n_classes == 2:
        assert_allclose(scores, expected[:, 1] - expected[:, 0], rtol=1e-6)
    else:
        assert_allclose(scores - scores[:, :1], expected - expected[:, :1], rtol=1e-6, atol=1e-6)


def test_two_classes_have_one_output():
    """A sigmoid of one output; of three classes there are three."""
    sizes = [lstm(max_epochs=1).fit(*problem(n)).network_.architecture.output_size for n in (2, 3)]
    assert sizes == [1, 3]


def test_labels_of_any_type():
    X, y = problem(2)
    of_strings = lstm().fit(X, y)
    for labels in (y == "rises", np.where(y == "rises", 7, -3), np.where(y == "rises", 1.0, 0.0)):
        other = lstm().fit(X, labels)
        assert_array_equal(other.predict_proba(X), of_strings.predict_proba(X))
        assert_array_equal(other.predict(X), np.where(of_strings.predict(X) == "rises", labels.max(), labels.min()))
        assert other.predict(X).dtype == labels.dtype


def test_class_weights():
    """A heavier class is predicted more often; balanced weights are those of the dict with the inverse frequencies."""
    X, y = problem(3, n=120)
    X = np.random.default_rng(0).normal(size=X.shape)  # nothing to learn but how often a class occurs
    y = np.where(np.arange(120) < 90, "stays", y)
    plain, heavy = (lstm(class_weight=weight).fit(X, y) for weight in (None, {"rises": 20}))
    is_rises = plain.classes_ == "rises"
    assert heavy.predict_proba(X)[:, is_rises].mean() > plain.predict_proba(X)[:, is_rises].mean() + 0.2
    counts = {label: 120 / (3 * np.sum(y == label)) for label in np.unique(y)}
    balanced, by_hand = (lstm(class_weight=weight).fit(X, y) for weight in ("balanced", counts))
    assert_allclose(balanced.predict_proba(X), by_hand.predict_proba(X), rtol=1e-4)
    without = lstm(class_weight={"stays": 0}).fit(X, y)
    assert without.predict_proba(X)[:, without.classes_ == "stays"].mean() < 0.2


def test_label_smoothing_keeps_probabilities_from_the_ends():
    X, y = problem(3)
    sharp, smooth = (lstm(label_smoothing=s, max_epochs=60).fit(X, y).predict_proba(X).max() for s in (0.0, 0.3))
    assert smooth < 0.9 < sharp


def test_held_out_rows_are_stratified():
    X, y = problem(2, n=40)
    y = np.where(np.arange(40) < 30, "a", "b")
    y[39] = "c"
    classifier = lstm(early_stopping=EarlyStopping(validation_size=12)).fit(X, y)
    held_out, kept = classifier._split(40, np.unique(y, return_inverse=True)[1])
    assert_array_equal(np.sort(np.append(held_out, kept)), np.arange(40))
    labels = y[held_out].tolist()
    assert (labels.count("a"), labels.count("b"), labels.count("c")) in ((9, 3, 0), (9, 2, 0))
    assert set(y[kept]) == {"a", "b", "c"}
    assert len(classifier.validation_curve_) > 1


def test_the_seed_decides():
    X, y = problem()
    first = lstm().fit(X, y).predict_proba(X)
    assert_array_equal(lstm().fit(X, y).predict_proba(X), first)
    assert_array_equal(pickle.loads(pickle.dumps(lstm().fit(X, y))).predict_proba(X), first)
    assert (clone(lstm()).set_params(random_state=1).fit(X, y).predict_proba(X) != first).any()


def test_in_the_company_of_scikit_learn():
    X, y = problem(3)
    assert cross_val_score(lstm(max_epochs=30), X, y, cv=3).min() > 0.8
    calibrated = CalibratedClassifierCV(lstm(), cv=2).fit(X, y)
    assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    members = [("lstm", lstm()), ("rnn", RNNClassifier(**QUICK))]
    voting = VotingClassifier(members, voting="soft").fit(X, y)
    assert voting.score(X, y) > 0.8


@pytest.mark.parametrize(
    ("options", "change", "message"),
    [
        ({}, lambda X, y: (X, np.full(len(y), "a")), "y has one class, 'a', and a classifier tells two or more apart"),
        ({}, lambda X, y: (X, [None, *y[1:]]), r"y\[0\] is missing \(None\)"),
        ({}, lambda X, y: (X, [*y[:2], 1, *y[3:]]), r"y\[2\] is 1, but y\[0\] is .*; use strings alone, or numbers"),
        ({}, lambda X, y: (X, np.array([1, "a", *y[2:]], object)), r"y\[1\] is 'a', but y\[0\] is 1; use strings"),
        ({}, lambda X, y: (X, pd.DataFrame({"y": [1, "a", *y[2:]]})), r"y\[1\] is 'a', but y\[0\] is 1; use strings"),
        ({}, lambda X, y: (X, [*y[:2], np.nan, *y[3:]]), r"y\[2\] is nan, but y\[0\] is "),
        ({}, lambda X, y: (X, [[label, 1] for label in y]), "y should be a 1d array"),
        ({}, lambda X, y: (X, np.where(y == "rises", np.nan, 1.0)), "Input y contains NaN"),
        ({}, lambda X, y: (X, np.linspace(0, 1, len(y))), "Unknown label type: continuous"),
        ({}, lambda X, y: (X, y[1:]), "inconsistent numbers of samples"),
        ({}, lambda X, y: (np.where(X > 0, X, np.nan), y), "Input X contains NaN"),
        ({"class_weight": "even"}, lambda X, y: (X, y), "class_weight='even' is not known; use None, 'balanced'"),
        ({"class_weight": {"up": 2}}, lambda X, y: (X, y), "class_weight=.* has the label 'up', which y lacks"),
        ({"class_weight": {"rises": -1}}, lambda X, y: (X, y), r"class_weight\['rises'\]=-1 must lie in"),
        ({"label_smoothing": 1}, lambda X, y: (X, y), "label_smoothing=1 must lie in"),
    ],
)  # fmt: skip
def test_what_is_refused(options, change, message):
    X, y = problem(2)
    classifier = lstm(**options)
    with pytest.raises(ValueError, match=message):
        classifier.fit(*change(X, y))
    with pytest.raises(NotFittedError):
        classifier.predict(X)


def test_all_weights_zero():
    X, y = problem(2)
    with pytest.raises(ValueError, match="class_weight is 0 for all classes"):
        lstm(class_weight={"rises": 0, "falls": 0}).fit(X, y)


def test_held_out_rows_whose_class_has_no_weight():
    """They are as good as absent: as many others are held out as without them, and the same ones."""
    X, y = problem(2, n=34)
    y = np.where(np.arange(34) % 17 < 13, "a", np.where(np.arange(34) < 17, "b", "c"))
    options = {"class_weight": {"a": 0}, "random_state": 0}
    for size, n in ((1, 1), (0.25, 2)):
        classifier = lstm(early_stopping=EarlyStopping(validation_size=size), **options)
        assert (classifier.fit(X, y).validation_curve_ > 0).all()
        counts, codes = y != "a", np.unique(y, return_inverse=True)[1]
        held_out, kept = classifier._split_of_counted(counts, codes)
        assert len(held_out) == n
        assert_array_equal(held_out, np.flatnonzero(counts)[classifier._split(8, codes[counts])[0]])
        assert_array_equal(np.sort(np.append(held_out, kept)), np.arange(34))
    with pytest.raises(ValueError, match="early_stopping holds out 8 of 8 rows and leaves none to train on"):
        lstm(early_stopping=EarlyStopping(validation_size=8), **options).fit(X, y)
    assert lstm(early_stopping=False, **options).fit(X, y).predict(X[:1]) in ("b", "c")


def test_warm_start_keeps_the_classes():
    X, y = problem(3)
    fitted = lstm(warm_start=True).fit(X, y)
    for other in (np.char.add("was_", y), np.where(y == y[0], "another", y), np.unique(y, return_inverse=True)[1]):
        with pytest.raises(ValueError, match=r"warm_start=True goes on with the classes \[.*; pass labels of all"):
            fitted.fit(X, other)
    with pytest.raises(ValueError, match="use the same number of channels, or warm_start=False"):
        fitted.fit(np.stack([X, X], axis=2), y)
    with pytest.raises(
        ValueError, match=r"the label_smoothing=0\.0 of the earlier fit, not with label_smoothing=0\.2, "
    ):
        fitted.set_params(label_smoothing=0.2).fit(X, y)
    assert_array_equal(fitted.set_params(label_smoothing=0).fit(X, y).classes_, np.unique(y))
    assert_array_equal(fitted.set_params(warm_start=False).fit(X, np.char.add("was_", y)).classes_[0][:4], "was_")


def test_a_missing_label_of_a_series():
    X = np.random.default_rng(0).normal(size=(6, 4))
    with pytest.raises(ValueError, match=r"y\[2\] is missing"):
        LSTMClassifier().fit(X, pd.Series(["a", "b", None, "a", "b", "a"], dtype="string"))
