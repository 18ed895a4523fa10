"""Taggers: recurrent networks that give each step of a sequence a label."""

from __future__ import annotations

import itertools
from collections.abc import Hashable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ..checks import Anything, shown, whole
from ..data.sequences import Sequences
from ..data.vocabulary import Vocabulary
from ..data.windows import Geometry
from ..networks.architecture import embedding_width
from ..training.plan import RowScaling
from .classes import estimators
from .labels import LabelNetwork, most_probable
from .sequences import are_symbols, labels_of, of_steps, refuse_other_kinds, symbols_of
from .symbols import refuse_new
from .windows import SequenceNetwork


@dataclass(eq=False, repr=False, kw_only=True)
class RecurrentTagger(SequenceNetwork, LabelNetwork, BaseEstimator):
    """A recurrent network that predicts a label for each step of a sequence; a subclass sets the cell."""

    learning_rate: float = 0.01
    embedding_size: int | None = None
    ignore_label: Anything = None

    @staticmethod
    def _geometry(n_steps: int) -> Geometry:
        return Geometry(1, n_steps)  # an output at each step

    def fit(self, X: Anything, y: Anything) -> RecurrentTagger:
        """Fit to sequences and the labels of their steps.

        A fit that fails or is interrupted leaves the estimator as it was, unfitted or with its earlier fit.

        Symbols are learned from the sequences that train the network. One that occurs in held-out sequences alone is
        unknown, unless the network is trained once more on all sequences. An unknown symbol has the vector of no other
        during the training, and in `predict` the mean of all.

        Parameters
        ----------
        X : list of n sequences, or array-like of shape (n, T) or (n, T, n_channels)
            A sequence of numbers has the shape (T,) or (T, n_channels), one of symbols is a list of strings or of
            other values that a dict takes as keys; a string is a sequence of characters. Lengths may differ.
        y : list of n sequences, or array-like of shape (n, T)
            The label of each step: strings, numbers or truth values.

        Returns
        -------
        self
        """
        read = symbols_of(X) if self._are_symbols(X) else of_steps(X)
        lengths = read.lengths if isinstance(read, Sequences) else np.array([*map(len, read)], np.int64)
        labels, is_labelled = labels_of(y, lengths, self._ignored())
        classes, codes, weight, loss = self._of_labels(labels)
        of_steps_ = np.zeros((2, len(is_labelled)))  # target and weight of each step
        of_steps_[:, is_labelled] = codes, weight[codes]
        split = self._split_of_counted(np.logical_or.reduceat(of_steps_[1] > 0, np.cumsum(lengths) - lengths))
        vocabulary, sequences = self._coded(read, self._learned(*split))
        buckets = self._buckets(sequences)
        targets, weights = np.zeros((2, buckets.n_ahead.sum(), 1))
        own = buckets.own_targets
        targets[own, 0], weights[own, 0] = of_steps_
        rows, scaling_name = sequences.rows_of(split[1]), None if vocabulary else self._scaling_name()
        fitted = self._fit_sequences(
            buckets, targets, weights, loss, split, RowScaling.fit(scaling_name, None, rows, np.zeros((1, 1))),
            **self._sizes(vocabulary),
        )  # fmt: skip
        if vocabulary:
            fitted["theta_"] = fitted["network_"].architecture.with_unknown(fitted["theta_"])
        fitted |= {"classes_": classes, "n_channels_": sequences.rows.shape[1], "vocabulary_": vocabulary}
        before = {name: value for name, value in vars(self).items() if not name.endswith("_")}
        self.__dict__ = before | fitted  # all at once: a fit that fails leaves the estimator as it was
        return self

    def _ignored(self) -> Anything:
        """The label of steps that do not count."""
        label = self.ignore_label
        if label is not None and not isinstance(label, str | Real | np.bool_):
            raise TypeError(f"ignore_label={shown(label)} must be a string, a number or None")
        return label

    def _are_symbols(self, X: Anything) -> bool:
        """Whether the sequences are of symbols, which numbers are too where they have vectors."""
        return self.embedding_size is not None or are_symbols(X)

    def _coded(
        self, read: Sequences | list[list[Hashable]], learned: np.ndarray
    ) -> tuple[Vocabulary | None, Sequences]:
        """The symbols of the sequences with the numbers `learned`, and all sequences in codes; numbers as they are."""
        if isinstance(read, Sequences):
            return None, read
        vocabulary = Vocabulary.of(itertools.chain.from_iterable(read[i] for i in learned))
        earlier: Vocabulary | None = vars(self).get("vocabulary_")
        if self.warm_start and earlier is not None:
            refuse_new(vocabulary, earlier, "X")
            vocabulary = earlier
        return vocabulary, _encoded(read, vocabulary)

    def _sizes(self, vocabulary: Vocabulary | None) -> dict[str, int]:
        """The sizes of the embedding."""
        if vocabulary is None:
            return {}
        n, size = len(vocabulary), self.embedding_size
        width = embedding_width(len(vocabulary.symbols)) if size is None else whole("embedding_size", size)
        return {"n_symbols": n, "embedding_size": width}

    def _read(self, X: Anything) -> Sequences:
        """Sequences for a fitted network."""
        check_is_fitted(self)
        fitted = vars(self)
        if fitted["vocabulary_"] is not None:
            symbols = symbols_of(X)
            refuse_other_kinds(symbols, fitted["vocabulary_"].symbols)
            return _encoded(symbols, fitted["vocabulary_"])
        return of_steps(X, fitted["n_channels_"])

    def predict_proba(self, X: Anything) -> list[np.ndarray]:
        """Probability of each class at each step, in the order of ``classes_``.

        Parameters
        ----------
        X : list of n sequences, or array-like of shape (n, T) or (n, T, n_channels)
            As in `fit`. A symbol that the fit did not see counts as unknown.

        Returns
        -------
        list of n ndarrays of shape (T, n_classes)
        """
        sequences = self._read(X)
        natural: Any = vars(self)["network_"].architecture.loss.natural
        return _by_sequence(np.stack(natural(*self._logits(sequences).T), axis=1), sequences)

    def predict(self, X: Anything) -> list[np.ndarray]:
        """Predict the most probable class of each step.

        Parameters
        ----------
        X : list of n sequences, or array-like of shape (n, T) or (n, T, n_channels)
            As in `fit`. A symbol that the fit did not see counts as unknown.

        Returns
        -------
        list of n ndarrays of shape (T,)
        """
        sequences = self._read(X)
        return _by_sequence(vars(self)["classes_"][most_probable(self._logits(sequences))], sequences)

    def score(self, X: Anything, y: Anything) -> float:
        """Measure the accuracy: the fraction of steps whose label is predicted.

        Parameters
        ----------
        X : list of n sequences, or array-like of shape (n, T) or (n, T, n_channels)
            As in `fit`.
        y : list of n sequences, or array-like of shape (n, T)
            The label of each step. Steps with the label `ignore_label` are left out; a label that the fit did not see
            counts as an error.

        Returns
        -------
        float
        """
        sequences = self._read(X)
        labels, is_labelled = labels_of(y, sequences.lengths, self._ignored())
        classes = vars(self)["classes_"]
        if (labels.dtype.kind == "U") != (classes.dtype.kind == "U"):
            raise ValueError(
                f"y has labels such as {labels.tolist()[0]!r}, but those of the fit are like "
                f"{classes.tolist()[0]!r}; pass labels of the same type"
            )
        return float(np.mean(classes[most_probable(self._logits(sequences))][is_labelled] == labels))

    def _logits(self, sequences: Sequences) -> np.ndarray:
        """Outputs of the network at all steps, (N, n_classes), or (N, 1) for two classes."""
        logits = np.empty((len(sequences.rows), vars(self)["network_"].architecture.loss.size))
        for numbers, outputs in self._outputs_of(sequences):
            is_own = np.arange(outputs.shape[1]) >= outputs.shape[1] - sequences.lengths[numbers, None]
            logits[sequences.are_of(numbers)] = outputs[is_own, 0]
        self._check_finite(logits)
        return logits


def _encoded(sequences: list[list[Hashable]], vocabulary: Vocabulary) -> Sequences:
    """Sequences of codes."""
    codes = [vocabulary.encode(sequence) for sequence in sequences]
    lengths = np.array([len(sequence) for sequence in codes], np.int64)
    return Sequences(np.concatenate(codes)[:, None].astype(np.float64), lengths, is_ragged=True)


def _by_sequence(values: np.ndarray, sequences: Sequences) -> list[np.ndarray]:
    """The values of all steps (N, ...), for each sequence by itself."""
    return np.split(values, sequences.starts[1:])


# ------------------------------------------------------------ a class for each family of cells
EXAMPLE = """
>>> import numpy as np
>>> from tsrnn import {name}
>>> X = [np.sin(np.arange(n) / 3) for n in (20, 30, 25)]
>>> y = [np.where(np.gradient(x) > 0, "rises", "falls") for x in X]
>>> {name}(max_epochs=5, random_state=0).fit(X, y).predict(X)[0].shape
(20,)
"""
#: LSTMTagger and so on; see `classes`.
globals().update(estimators(RecurrentTagger, "Tagger", "Labelling of the steps of sequences with", EXAMPLE, __name__))
