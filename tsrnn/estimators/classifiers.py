"""Classifiers: recurrent networks on windows. A row of X is a window, y has a label for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags

from .. import frame
from ..checks import Anything
from .classes import estimators
from .labels import LabelNetwork, most_probable
from .windows import WindowNetwork


@dataclass(eq=False, repr=False, kw_only=True)
class RecurrentClassifier(WindowNetwork, LabelNetwork, ClassifierMixin, BaseEstimator):
    """A recurrent network that reads a window and predicts its class; a subclass sets the cell."""

    learning_rate: float = 0.01

    def fit(self, X: Anything, y: Anything, lengths: Anything = None) -> RecurrentClassifier:
        """Fit to windows and their labels.

        A fit that fails or is interrupted leaves the estimator as it was, unfitted or with its earlier fit.

        Parameters
        ----------
        X : array-like of shape (n, length), (n, length * n_channels) or (n, length, n_channels), or list of arrays
            A window in each row, the oldest step first; the channels of a step stand side by side. A list of arrays
            holds sequences of any lengths, of shape (length,) or (length, n_channels).
        y : array-like of shape (n,)
            The label of each window: numbers, strings or truth values.
        lengths : array-like of shape (n,), optional
            Number of steps of each row, the first ones; the steps after them are padding, which is not read.

        Returns
        -------
        self
        """
        frame.refuse_wrong_labels(y, "y")
        sequences, labels, attributes = self._read_both(X, y, lengths)
        classes, codes, weight, loss = self._of_labels(labels)
        split = self._split_of_counted(weight[codes] > 0, codes)
        fitted = self._fit_network(sequences, codes[:, None].astype(np.float64), weight[codes][:, None], loss, split)
        self.__dict__ = attributes | fitted | {"classes_": classes}  # all at once, as in regressors
        return self

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: a layer whose units do not mix cannot tell which step of a window matters."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = not type(self)().make_cell().mixes_units  # arguments may not fit yet
        return tags

    def decision_function(self, X: Anything, lengths: Anything = None) -> np.ndarray:
        """Logits of the classes; of two classes that of the second.

        Parameters
        ----------
        X : array-like of shape (n, length), (n, length * n_channels) or (n, length, n_channels), or list of arrays
            As in `fit`.
        lengths : array-like of shape (n,), optional
            As in `fit`.

        Returns
        -------
        ndarray of shape (n, n_classes), or (n,) for two classes
        """
        logits = self._logits(X, lengths)
        return logits[:, 0] if logits.shape[1] == 1 else logits

    def predict_proba(self, X: Anything, lengths: Anything = None) -> np.ndarray:
        """Probability of each class, in the order of ``classes_``.

        Parameters
        ----------
        X : array-like of shape (n, length), (n, length * n_channels) or (n, length, n_channels), or list of arrays
            As in `fit`.
        lengths : array-like of shape (n,), optional
            As in `fit`.

        Returns
        -------
        ndarray of shape (n, n_classes)
        """
        logits = self._logits(X, lengths)
        return np.stack(self.network_.architecture.loss.natural(*logits.T), axis=1)

    def predict(self, X: Anything, lengths: Anything = None) -> np.ndarray:
        """Predict the most probable class of each window.

        Parameters
        ----------
        X : array-like of shape (n, length), (n, length * n_channels) or (n, length, n_channels), or list of arrays
            As in `fit`.
        lengths : array-like of shape (n,), optional
            As in `fit`.

        Returns
        -------
        ndarray of shape (n,)
        """
        codes = most_probable(self._logits(X, lengths))
        return np.asarray(self.classes_[codes])

    def _logits(self, X: Anything, lengths: Anything) -> np.ndarray:
        """Outputs of the network, (n, n_classes), or (n, 1) for two classes."""
        logits = self._outputs(self._read(X, lengths))[:, 0].astype(np.float64)
        self._check_finite(logits)
        return logits


# ------------------------------------------------------------ a class for each family of cells
EXAMPLE = """
>>> import numpy as np
>>> from tsrnn import {name}
>>> X = np.sin(np.arange(60)[:, None] / 3 + np.arange(8) / 3)
>>> y = np.where(X[:, 0] > X[:, 7], "falls", "rises")
>>> {name}(max_epochs=5, random_state=0).fit(X, y).predict_proba(X[:2]).shape
(2, 2)
"""
#: LSTMClassifier and so on; see `classes`.
globals().update(estimators(RecurrentClassifier, "Classifier", "Classification of windows with", EXAMPLE, __name__))
