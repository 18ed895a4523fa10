"""Taggers: recurrent networks that give each step of a sequence a label."""

from __future__ import annotations

import itertools
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
from .windows import SequenceNetwork, n_steps_of


@dataclass(eq=False, repr=False, kw_only=True)
class RecurrentTagger(SequenceNetwork, LabelNetwork, BaseEstimator):
    """A recurrent network that predicts a label for each step of a sequence; a subclass sets the cell."""

    learning_rate: float = 0.01
    embedding_size: int | None = None
    ignore_label: Anything = None

    def fit(self, X: Anything, y: Anything) -> RecurrentTagger:
        """Fit to sequences and the labels of their steps.

        A fit that fails or is interrupted leaves the estimator as it was, unfitted or with its earlier fit.

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
        vocabulary = self._vocabulary(X)
        sequences = _encoded(X, vocabulary) if vocabulary else of_steps(X)
        labels, is_labelled = labels_of(y, sequences.lengths, self._ignored())
        classes, codes, weight, loss = self._of_labels(labels)
        geometry = _geometry(sequences)
        targets, weights = np.zeros((2, len(sequences), geometry.n_ahead))
        own = _is_own(sequences, geometry)
        of_steps_ = np.zeros((2, len(sequences.rows)))  # target and weight of each step
        of_steps_[:, is_labelled] = codes, weight[codes]
        targets[own], weights[own] = of_steps_
        split = self._split_of_counted(weights)
        rows, scaling_name = sequences.rows_of(split[1]), None if vocabulary else self._scaling_name()
        fitted = self._fit_sequences(
            sequences, geometry, targets.reshape(-1, 1), weights.reshape(-1, 1), loss, split,
            RowScaling.fit(scaling_name, None, rows, np.zeros((1, 1))), **self._sizes(vocabulary),
        )  # fmt: skip
        if vocabulary:
            fitted["theta_"] = fitted["network_"].architecture.with_unknown(fitted["theta_"])
        fitted |= {"classes_": classes, "n_channels_": sequences.rows.shape[1], "vocabulary_": vocabulary}
        before = {name: value for name, value in vars(self).items() if not name.endswith("_")}
        self.__dict__ = before | fitted  # all at once: a fit that fails leaves the estimator as it was
        return self

    def _split_of_counted(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sequences to hold out, and those to train on; `weights` are those of the steps, (n, n_steps).

        A sequence without a step that counts is not held out: its loss is 0, which does not tell when to stop.
        """
        numbers = np.flatnonzero(weights.any(axis=1))
        is_held_out = np.zeros(len(weights), bool)
        is_held_out[numbers[self._split(len(numbers))[0]]] = True
        return np.flatnonzero(is_held_out), np.flatnonzero(~is_held_out)

    def _ignored(self) -> Anything:
        """The label of steps that do not count."""
        label = self.ignore_label
        if label is not None and not isinstance(label, str | Real | np.bool_):
            raise TypeError(f"ignore_label={shown(label)} must be a string, a number or None")
        return label

    def _vocabulary(self, X: Anything) -> Vocabulary | None:
        """The symbols of the sequences, or None for numbers."""
        if self.embedding_size is None and not are_symbols(X):
            return None
        vocabulary = Vocabulary.of(itertools.chain.from_iterable(symbols_of(X)))
        fitted = vars(self)
        if self.warm_start and "vocabulary_" in fitted and fitted["vocabulary_"] != vocabulary:
            raise ValueError(
                "warm_start=True goes on with the symbols of the earlier fit, and X has others or has them in another "
                "order; pass the same sequences, or warm_start=False"
            )
        return vocabulary

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
            return _encoded(X, fitted["vocabulary_"])
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
        geometry = _geometry(sequences)
        outputs = self._outputs_of(sequences, geometry)[0][_is_own(sequences, geometry), 0].astype(np.float64)
        self._check_finite(outputs)
        return outputs


def _encoded(X: Anything, vocabulary: Vocabulary) -> Sequences:
    """Sequences of codes."""
    sequences = symbols_of(X)
    if not sequences:
        raise ValueError("X holds no sequence; pass one at least")
    refuse_other_kinds(sequences, vocabulary.symbols)
    codes = [vocabulary.encode(sequence) for sequence in sequences]
    lengths = np.array([len(sequence) for sequence in codes], np.int64)
    return Sequences(np.concatenate(codes)[:, None].astype(np.float64), lengths, is_ragged=True)


def _geometry(sequences: Sequences) -> Geometry:
    """Windows with an output at each of their steps."""
    return Geometry(1, n_steps_of(sequences))


def _is_own(sequences: Sequences, geometry: Geometry) -> np.ndarray:
    """Which steps of its window a sequence has, (n, n_steps): the last ones."""
    return np.arange(geometry.n_steps) >= geometry.n_steps - sequences.lengths[:, None]


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
