"""Sequences of different lengths, in regressors and classifiers: padding changes nothing."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import polars
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

import tsrnn
from tsrnn import EarlyStopping, LSTMClassifier, LSTMRegressor, LSTMTagger
from tsrnn.cells.registry import FAMILIES
from tsrnn.data.sequences import Sequences
from tsrnn.data.windows import Geometry
from tsrnn.kernels.cpu import CpuBackend
from tsrnn.networks import memory
from tsrnn.networks.network import Network

QUICK = {"hidden_size": 5, "max_epochs": 3, "batch_size": 16, "learning_rate": 0.02, "random_state": 0}
REGRESSORS = [getattr(tsrnn, f"{name}Regressor") for name in FAMILIES]


def problem(n=40, n_channels=2, longest=21, seed=0):
    """Sequences, their lengths, the same padded with NaN, and the mean of each as a target."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, longest + 1, n)
    lengths[0] = longest
    sequences = [rng.normal(size=(k, n_channels)) for k in lengths]
    padded = np.full((n, longest, n_channels), np.nan)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return sequences, lengths, padded, np.array([sequence.mean() for sequence in sequences])


def estimators():
    return [LSTMRegressor(**QUICK), LSTMClassifier(**QUICK)]


def of_kind(estimator, y):
    return y if isinstance(estimator, LSTMRegressor) else np.where(y > 0, "up", "down")


@pytest.mark.parametrize("estimator", estimators(), ids=lambda e: type(e).__name__)
def test_lists_and_lengths_are_the_same(estimator):
    sequences, lengths, padded, y = problem()
    y = of_kind(estimator, y)
    by_list = clone(estimator).fit(sequences, y)
    by_lengths = clone(estimator).fit(padded, y, lengths=lengths)
    flat = padded.reshape(len(y), -1)
    by_rows = clone(estimator).set_params(n_channels=2).fit(flat, y, lengths=lengths)
    assert not hasattr(by_list, "n_features_in_")
    for other in (by_lengths, by_rows):
        assert_array_equal(other.theta_, by_list.theta_)
        assert_array_equal(other.predict(padded, lengths=lengths), by_list.predict(sequences))
    assert_array_equal(by_rows.predict(flat, lengths), by_list.predict(sequences))
    longer = np.concatenate([padded, padded], axis=1)
    assert_array_equal(by_list.predict(longer, lengths), by_list.predict(sequences))


@pytest.mark.parametrize("estimator", estimators(), ids=lambda e: type(e).__name__)
def test_containers_of_sequences_are_lists_of_them(estimator):
    """Arrays and Series of objects, whatever their index is; of equally many values too."""
    sequences, _, _, y = problem(n_channels=1)
    y, flat = of_kind(estimator, y), [sequence.ravel() for sequence in sequences]
    expected = clone(estimator).fit(sequences, y)
    as_objects = np.empty(len(y), object)
    as_objects[:] = flat
    series = pd.Series(flat, np.arange(len(y)) + 7)
    for X in (as_objects, series, series.map(list), [*map(pd.Series, flat)], [*map(polars.Series, flat)]):
        assert_array_equal(clone(estimator).fit(X, y).theta_, expected.theta_)
        assert_array_equal(expected.predict(X), expected.predict(sequences))
    equal = np.sin(np.arange(80.0)).reshape(40, 2)
    lengths = np.arange(40) % 2 + 1
    by_lengths = clone(estimator).fit(equal, y, lengths)
    for X in (pd.Series(list(equal)), pd.Series(equal.tolist()), [*map(polars.Series, equal)]):
        assert_array_equal(clone(estimator).fit(X, y).theta_, clone(estimator).fit(list(equal), y).theta_)
        assert_array_equal(clone(estimator).fit(X, y, lengths).theta_, by_lengths.theta_)
        assert_array_equal(by_lengths.predict(X), by_lengths.predict(list(equal)))


@pytest.mark.parametrize("cls", REGRESSORS)
def test_a_sequence_alone_has_the_bits_of_its_place_in_a_batch(cls):
    sequences, lengths, padded, y = problem()
    regressor = cls(**QUICK, num_layers=2, learn_initial_state=True).fit(sequences, y)
    together = regressor.predict(sequences)
    for i in (0, 1, 7, 39):
        assert_array_equal(regressor.predict([sequences[i]]), together[[i]])
        assert_array_equal(regressor.predict(padded[[i]], lengths=lengths[[i]]), together[[i]])
        assert_array_equal(regressor.predict(sequences[i : i + 2])[:1], together[[i]])


# ---------------------------------------------------------------- buckets of similar lengths
def with_long_ones(n=40):
    """Sequences of up to 20 steps, one of 45 and one of 100, and their means."""
    rng = np.random.default_rng(1)
    lengths = rng.integers(1, 21, n)
    lengths[[5, 30]] = 100, 45
    sequences = [rng.normal(size=k) for k in lengths]
    return sequences, np.array([sequence.mean() for sequence in sequences])


def test_buckets_hold_each_sequence_once():
    """The longest first, and in each the order of all; a target for each step is one of the last rows of a window."""
    lengths = np.array([3, 100, 16, 17, 40, 9])
    ragged = Sequences(np.arange(lengths.sum())[:, None] * 1.0, lengths, is_ragged=True)
    buckets = ragged.buckets(lambda n: Geometry(1, n), 9)
    assert [(geometry.n_ahead, numbers.tolist()) for geometry, numbers in buckets.parts] == [
        (112, [1]), (48, [3, 4]), (16, [0, 2, 5])
    ]  # fmt: skip
    ends = np.cumsum([16, 112, 16, 48, 48, 16])
    own = [np.arange(end - n, end) for end, n in zip(ends, lengths, strict=True)]
    assert_array_equal(buckets.own_targets, np.concatenate(own))
    ((geometry, numbers),) = Sequences.of_windows(np.zeros((4, 7, 1))).buckets(Geometry, 1).parts
    assert (geometry.context, numbers.tolist()) == (7, [0, 1, 2, 3])


@pytest.mark.parametrize("cls", [LSTMRegressor, LSTMTagger])
def test_a_long_sequence_pads_no_other(cls, monkeypatch):
    """Neither in the training, the validation or `predict` is there room for more than one window of 100 steps."""
    sequences, y = with_long_ones()
    y = y if cls is LSTMRegressor else [np.where(x > 0, "up", "down") for x in sequences]
    rooms, workspace = [], Network.workspace

    def recorded(self, geometry, n_lanes, **options):
        rooms.append((geometry.n_steps, n_lanes))
        return workspace(self, geometry, n_lanes, **options)

    monkeypatch.setattr(Network, "workspace", recorded)
    fitted = cls(**QUICK, early_stopping=EarlyStopping(validation_size=10)).fit(sequences, y)
    assert {n for steps, n in rooms if steps > 48} == {1}
    rooms.clear()
    fitted.predict(sequences)
    assert {n for steps, n in rooms if steps > 48} == {1}
    assert sum(n for _, n in rooms) == 40


def test_a_batch_of_a_small_bucket_counts_by_its_windows(monkeypatch):
    """In each epoch the batches of a bucket count as its windows, of which a full batch has 16."""
    sequences, y = with_long_ones()
    shares, update = [], CpuBackend.update

    def recorded(self, work, *args):
        shares.append((work.layout.shape.n_steps, work.n_lanes, args[-1]))
        update(self, work, *args)

    monkeypatch.setattr(CpuBackend, "update", recorded)
    LSTMRegressor(**QUICK, early_stopping=False).fit(sequences, y)
    assert set(shares[-12:]) == {(16, 16, 1), (16, 12, 12 / 16), (48, 11, 11 / 16), (112, 1, 1 / 16)}  # three epochs
    LSTMRegressor(**QUICK, early_stopping=False).fit([sequences[0]] * 20, y[:20])
    assert [(n, share) for _, n, share in shares[-6:]] == [(16, 1), (4, 1)] * 3  # one bucket mixes all its windows


def test_a_long_sequence_needs_memory_for_itself_alone(monkeypatch):
    """A batch of as many windows of its length would not fit."""
    sequences, y = with_long_ones()
    monkeypatch.setattr(memory, "machine_bytes", lambda: 200_000)
    assert LSTMRegressor(**QUICK).fit(sequences, y).loss_curve_[-1] > 0
    with pytest.raises(ValueError, match="in batches of 16 windows of 112 steps takes at least"):
        LSTMRegressor(**QUICK).fit([sequences[5]] * 40, y)


def test_the_losses_in_buckets_are_those_of_all_sequences():
    """With a learning rate of almost zero the curves hold the losses of what `predict` gives."""
    sequences, y = with_long_ones()
    still = {**QUICK, "learning_rate": 1e-12, "max_epochs": 1, "dtype": "float64", "scaling": None}
    for draw in range(3):
        stopping = EarlyStopping(validation_size=10, refit_full=False)
        fitted = LSTMRegressor(**still | {"random_state": draw}, early_stopping=stopping).fit(sequences, y)
        held_out, kept = fitted._split(len(y))
        errors = (fitted.predict(sequences) - y) ** 2
        assert_allclose(fitted.loss_curve_[0], errors[kept].mean(), rtol=1e-8)
        assert_allclose(fitted.validation_curve_, errors[held_out].mean(), rtol=1e-8)


def test_a_sequence_has_the_bits_of_its_place_in_any_bucket():
    sequences, y = with_long_ones()
    regressor = LSTMRegressor(**QUICK).fit(sequences, y)
    together = regressor.predict(sequences)
    for i in range(40):
        assert_array_equal(regressor.predict([sequences[i]]), together[[i]])


def test_a_likelihood_starts_at_its_maximum_in_buckets():
    """The first mean is that of the targets, which the network itself would reach after many updates."""
    sequences, y = with_long_ones()
    still = {**QUICK, "learning_rate": 1e-12, "max_epochs": 1, "scaling": None}
    assert_allclose(LSTMRegressor(**still, loss="gaussian").fit(sequences, 50 + y).predict(sequences), 50, atol=1)


# ---------------------------------------------------------------- lengths
def test_sequences_of_one_length_are_windows():
    """The same fit, to rounding, whether lengths are given or not; a shorter sequence is the end of no longer one."""
    X, y = np.random.default_rng(0).normal(size=(50, 16)), np.arange(50) % 2
    plain, ragged = LSTMClassifier(**QUICK).fit(X, y), LSTMClassifier(**QUICK).fit(X, y, lengths=np.full(50, 16))
    assert_array_equal(ragged.theta_, plain.theta_)
    short = [row[:9] for row in X]
    assert_array_equal(ragged.predict_proba(short), ragged.predict_proba(X, lengths=np.full(50, 9)))
    assert (ragged.predict_proba(short) != plain.predict_proba(X)).all()
    assert (plain.predict_proba(X, lengths=np.full(50, 9)) == ragged.predict_proba(short)).all()


@pytest.mark.parametrize("estimator", estimators(), ids=lambda e: type(e).__name__)
def test_a_list_of_arrays_of_one_length_is_a_list_all_the_same(estimator):
    """Other lengths may follow in predict, equal or not; lists of equally many numbers are rows, as in scikit-learn."""
    X, y = np.random.default_rng(0).normal(size=(20, 6)), np.arange(20) % 2
    fitted = estimator.fit(list(X), y)
    assert_array_equal(fitted.theta_, clone(estimator).fit(X, y, lengths=np.full(20, 6)).theta_)
    assert_array_equal(fitted.predict([row[:4] for row in X[:3]]), fitted.predict(X[:3], lengths=[4] * 3))
    assert_array_equal(fitted.predict([X[0], X[1, :5]])[:1], fitted.predict([X[0]]))
    assert_array_equal(fitted.predict(X[:3].tolist(), lengths=[4] * 3), fitted.predict(X[:3], lengths=[4] * 3))
    plain = clone(estimator).fit(X, y)
    assert_array_equal(plain.predict(X.tolist()), plain.predict(X))
    with pytest.raises(ValueError, match="6 features"):
        plain.predict(X[:, :4])


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_pooling(pooling):
    """A pooled sequence has the same bits alone; padding is not part of a mean or maximum."""
    sequences, lengths, padded, y = problem()
    regressor = LSTMRegressor(**QUICK, pooling=pooling).fit(sequences, y)
    together = regressor.predict(sequences)
    for i in (0, 1, 7):
        assert_array_equal(regressor.predict([sequences[i]]), together[[i]])
    assert_array_equal(regressor.predict(np.nan_to_num(padded, nan=1e3), lengths), together)
    assert (together != LSTMRegressor(**QUICK).fit(sequences, y).predict(sequences)).all()
    classifier = LSTMClassifier(**QUICK, pooling=pooling).fit(sequences, y > 0)
    assert np.isfinite(classifier.predict_proba(sequences)).all()
    with pytest.raises(ValueError, match="pooling='sum' is not known; use one of 'last', 'mean', 'max'"):
        LSTMRegressor(**QUICK, pooling="sum").fit(sequences, y)
    with pytest.raises(ValueError, match="use the same pooling, or warm_start=False"):
        regressor.set_params(warm_start=True, pooling="last").fit(sequences, y)


@pytest.mark.parametrize("pooling", ["last", "mean"])
def test_bidirectional(pooling):
    """A sequence has the same bits alone, and padding is not read."""
    sequences, lengths, padded, y = problem()
    options = {**QUICK, "pooling": pooling, "bidirectional": True, "num_layers": 2, "learn_initial_state": True}
    regressor = LSTMRegressor(**options, dropout=0.2).fit(sequences, y)
    assert regressor.network_.architecture.views(regressor.theta_)["backward1.product0"].shape == (20, 16)
    together = regressor.predict(sequences)
    for i in (0, 1, 7):
        assert_array_equal(regressor.predict([sequences[i]]), together[[i]])
    assert_array_equal(regressor.predict(np.nan_to_num(padded, nan=1e3), lengths), together)
    with pytest.raises(ValueError, match="use the same bidirectional, or warm_start=False"):
        regressor.set_params(warm_start=True, bidirectional=False).fit(sequences, y)


def test_both_ends_of_a_sequence_are_equally_near():
    """What stands at the first of 60 steps: both directions learn it, the forward one alone does not."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 60))
    options = {"hidden_size": 4, "max_epochs": 15, "learning_rate": 0.03, "random_state": 0}
    assert tsrnn.RNNRegressor(**options, bidirectional=True).fit(X, X[:, 0]).score(X, X[:, 0]) > 0.9
    assert tsrnn.RNNRegressor(**options).fit(X, X[:, 0]).score(X, X[:, 0]) < 0.5


def test_the_length_can_be_learned():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 10, 200)
    sequences = [np.ones(k) + rng.normal(0, 0.1, k) for k in lengths]
    options = {**QUICK, "max_epochs": 40, "scaling": None}
    assert LSTMRegressor(**options).fit(sequences, lengths).score(sequences, lengths) > 0.9
    classifier = LSTMClassifier(**options)
    assert cross_val_score(classifier, sequences, lengths > 4, cv=3).min() > 0.9


def test_scales_are_those_of_the_sequences():
    sequences, lengths, padded, y = problem()
    regressor = LSTMRegressor(**QUICK).fit(padded, y, lengths)
    rows = np.concatenate(sequences)
    assert_allclose(regressor.inputs_.mean[0], rows.mean(axis=0), rtol=1e-12)
    assert_allclose(regressor.inputs_.scale[0], rows.std(axis=0), rtol=1e-12)


X = np.zeros((3, 4))
REFUSED = {
    "too many": (X, [1, 2], "must hold a whole number for each of the 3 rows of X"),
    "no numbers": (X, [1.5, 2, 3], "must hold a whole number for each of the 3 rows of X"),
    "empty": (X, [1, 0, 3], r"lengths\[1\] is 0, but a row of X has 4 steps and a sequence one at least"),
    "too long": (X, [1, 2, 5], r"lengths\[2\] is 5, but a row of X has 4 steps"),
    "ragged": ([[1.0], [1.0, 2.0], [3.0]], [1, 2, 1], "X is a list of sequences of different lengths, which tells"),
    "an empty one": ([[1.0], [1.0, 2.0], []], None, r"X\[2\] is an empty sequence"),
    "a missing value": ([[1.0], [1.0, np.nan], [3.0]], None, r"X\[1\] has a missing or infinite value .* at step 1"),
    "other channels": ([np.ones((2, 2)), np.ones((3, 3)), np.ones((1, 2))], None, r"X\[1\] has 3 channels"),
    "other channels at equal lengths": ([np.ones((3, 2)), np.ones((3, 1))], None, r"X\[1\] has 1 channels"),
    "dates of equal lengths": ([np.zeros(3, "M8[D]")] * 3, [1, 2, 3], r"X\[0\] holds dates \(datetime64\[D\]\)"),
    "dates of polars": ([polars.Series([date(2024, 5, 1)])] * 3, None, r"X\[0\] holds dates"),
    "dates": ([X[0], X[1, :2].astype("datetime64[D]")], None, r"X\[1\] holds dates \(datetime64\[D\]\), not numbers"),
    "words": ([["a"], [1.0, 2.0], [3.0]], None, r"X\[0\] holds other things than numbers"),
    "targets": ([[1.0], [1.0, 2.0]], None, "inconsistent numbers of samples"),
}  # fmt: skip


@pytest.mark.parametrize(("X", "lengths", "message"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("estimator", estimators(), ids=lambda e: type(e).__name__)
def test_what_is_refused(estimator, X, lengths, message):
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, [0, 1, 0], lengths=lengths)


def test_what_predict_refuses():
    sequences, _, padded, y = problem()
    regressor = LSTMRegressor(**QUICK).fit(sequences, y)
    with pytest.raises(ValueError, match=r"X\[0\] has 3 channels, but n_channels=2"):
        regressor.predict([np.ones((2, 3)), np.ones((1, 3))])
    with pytest.raises(ValueError, match=r"X\[1\] has 1 channels, but n_channels=2"):
        regressor.predict([np.ones((3, 2)), np.ones((3, 1))])
    with pytest.raises(ValueError, match="X holds no sequence"):
        regressor.predict([])
    with pytest.raises(ValueError, match=r"X\[\d+\] has a missing or infinite value"):
        regressor.predict(padded)


@pytest.mark.parametrize("estimator", estimators(), ids=lambda e: type(e).__name__)
def test_score_reads_lengths_and_misses_them(estimator):
    sequences, lengths, padded, y = problem()
    y = of_kind(estimator, y)
    padded = np.nan_to_num(padded)
    fitted = clone(estimator).fit(padded, y, lengths=lengths)
    assert fitted.score(padded, y, lengths=lengths) == fitted.score(sequences, y)
    for method in (fitted.predict, lambda X: fitted.score(X, y)):
        with pytest.raises(ValueError, match="lengths is missing: the fit had it"):
            method(padded)
