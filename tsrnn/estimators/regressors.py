"""Regressors: recurrent networks on windows. A row of X is a window, a row of y its targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import Tags

from ..checks import Anything
from ..forecasting.distribution import point
from ..losses.registry import as_loss
from .classes import estimators
from .recurrent import NumberNetwork
from .windows import WindowNetwork


@dataclass(eq=False, repr=False, kw_only=True)
class RecurrentRegressor(WindowNetwork, NumberNetwork, MultiOutputMixin, RegressorMixin, BaseEstimator):
    """A recurrent network that reads a window and predicts one or several numbers; a subclass sets the cell."""

    def fit(self, X: Anything, y: Anything, lengths: Anything = None) -> RecurrentRegressor:
        """Fit to windows and their targets.

        A fit that fails or is interrupted leaves the estimator as it was, unfitted or with its earlier fit.

        Parameters
        ----------
        X : array-like of shape (n, length), (n, length * n_channels) or (n, length, n_channels), or list of arrays
            A window in each row, the oldest step first; the channels of a step stand side by side. A list of arrays
            holds sequences of any lengths, of shape (length,) or (length, n_channels).
        y : array-like of shape (n,) or (n, horizon)
            The targets of each window.
        lengths : array-like of shape (n,), optional
            Number of steps of each row, the first ones; the steps after them are padding, which is not read.

        Returns
        -------
        self
        """
        sequences, y, attributes = self._read_both(X, y, lengths, multi_output=True, y_numeric=True)
        y = np.asarray(y, np.float64)
        targets = y.reshape(len(y), -1)
        self._check_support(targets, lambda row, column: f"y at row {row}, column {column}")
        loss, split = as_loss(self.loss), self._split(len(sequences))
        fitted = self._fit_network(sequences, targets, np.ones(targets.shape), loss, split, self._scaling_name())
        fitted |= {"n_outputs_": targets.shape[1], "flat_target_": y.ndim == 1}
        self.__dict__ = attributes | fitted  # all at once: a fit that fails leaves the estimator as it was
        return self

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: a layer whose units do not mix cannot tell which step of a window matters."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = not type(self)().make_cell().mixes_units  # arguments may not fit yet
        return tags

    def predict(self, X: Anything, lengths: Anything = None) -> np.ndarray:
        """Predict the targets of each window, in the shape that y had.

        Parameters
        ----------
        X : array-like of shape (n, length), (n, length * n_channels) or (n, length, n_channels), or list of arrays
            As in `fit`.
        lengths : array-like of shape (n,), optional
            As in `fit`.

        Returns
        -------
        ndarray of shape (n,) or (n, horizon)
        """
        sequences = self._read(X, lengths)
        outputs = point(self.network_.architecture.loss, self._outputs(sequences))
        values = self._scaling().windows(sequences).unscale(outputs)
        self._check_finite(values)
        return values[:, 0] if self.flat_target_ else values


# ------------------------------------------------------------ a class for each family of cells
EXAMPLE = """
>>> import numpy as np
>>> from tsrnn import {name}
>>> X = np.sin(np.arange(60)[:, None] / 3 + np.arange(8) / 3)
>>> {name}(max_epochs=5, random_state=0).fit(X, X[:, 0]).predict(X[:2]).shape
(2,)
"""
#: LSTMRegressor and so on; see `classes`.
globals().update(estimators(RecurrentRegressor, "Regressor", "Regression on windows with", EXAMPLE, __name__))
