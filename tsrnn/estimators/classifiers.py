"""Classifiers: recurrent networks on windows. A row of X is a window, y has a label for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from .. import frame
from ..checks import Anything, number, shown
from ..losses.cross_entropy import CrossEntropy
from ..losses.log_loss import LogLoss
from .classes import estimators
from .windows import WindowNetwork


@dataclass(eq=False, repr=False, kw_only=True)
class RecurrentClassifier(WindowNetwork, ClassifierMixin, BaseEstimator):
    """A recurrent network that reads a window and predicts its class; a subclass sets the cell."""

    learning_rate: float = 0.01
    class_weight: Anything = None
    label_smoothing: float = 0.0

    def fit(self, X: Anything, y: Anything, lengths: Anything = None) -> RecurrentClassifier:
        """Fit to windows and their labels.

        A fit that fails or is interrupted leaves the estimator as it was, unfitted or with its earlier fit.

        Parameters
        ----------
        X : array-like of shape (n, length), (n, length * n_channels) or (n, length, n_channels), or list of arrays
            A window in each row, the oldest step first; the channels of a step stand side by side. A list holds
            sequences of different lengths, of shape (length,) or (length, n_channels).
        y : array-like of shape (n,)
            The label of each window: numbers, strings or truth values.
        lengths : array-like of shape (n,), optional
            Number of steps of each row, the first ones; the steps after them are padding, which is not read.

        Returns
        -------
        self
        """
        frame.refuse_missing_labels(y, "y")
        sequences, labels, attributes = self._read_both(X, y, lengths)
        check_classification_targets(labels)
        classes, codes = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"y has one class, {classes.tolist()[0]!r}, and a classifier tells two or more apart; pass rows of "
                "another class too"
            )
        smoothing = number("label_smoothing", self.label_smoothing, 0.0, 1.0)
        loss = LogLoss(smoothing) if len(classes) == 2 else CrossEntropy(len(classes), smoothing)
        weight = self._class_weights(classes, labels)[codes]
        split = self._split(len(sequences), codes)
        fitted = self._fit_network(sequences, codes[:, None].astype(np.float64), weight[:, None], loss, split)
        self.__dict__ = attributes | fitted | {"classes_": classes}  # all at once, as in regressors
        return self

    def _class_weights(self, classes: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """The weight of each class, (n_classes,)."""
        given = self.class_weight
        if given is None or (isinstance(given, str) and given == "balanced"):
            return np.asarray(compute_class_weight(given, classes=classes, y=labels))
        if not isinstance(given, Mapping):
            raise ValueError(
                f"class_weight={shown(given)} is not known; use None, 'balanced', or a dict from labels to weights"
            )
        known = classes.tolist()
        for label, value in given.items():
            if label not in known:
                raise ValueError(
                    f"class_weight={shown(given)} has the label {label!r}, which y lacks; use the labels of y, such as "
                    f"{known[0]!r}"
                )
            number(f"class_weight[{label!r}]", value, 0.0)
        weights = np.array([float(given.get(label, 1.0)) for label in known])
        if not weights.any():
            raise ValueError(
                "class_weight is 0 for all classes, so that nothing is learned; give one a positive weight"
            )
        return weights

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
        logits = self._logits(X, lengths)
        codes = (logits[:, 0] > 0).astype(int) if logits.shape[1] == 1 else logits.argmax(axis=1)
        return np.asarray(self.classes_[codes])

    def _logits(self, X: Anything, lengths: Anything) -> np.ndarray:
        """Outputs of the network, (n, n_classes), or (n, 1) for two classes."""
        logits = self._outputs(self._read(X, lengths))[0][:, 0].astype(np.float64)
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
