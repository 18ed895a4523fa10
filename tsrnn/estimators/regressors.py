"""Regressors: recurrent networks on windows. A row of X is a window, a row of y its targets."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from .. import frame
from ..checks import Anything, choice, on_host, whole
from ..data.windows import Geometry
from ..forecasting.distribution import point
from ..networks.network import Source
from ..training.options import EarlyStopping
from ..training.plan import RowScaling, plan_regressor
from .base import Attributes
from .classes import estimators
from .recurrent import RecurrentNetwork, generator

#: What ``scaling=`` accepts.
SCALINGS = ("standard", None)


@dataclass(eq=False, repr=False, kw_only=True)
class RecurrentRegressor(RecurrentNetwork, MultiOutputMixin, RegressorMixin, BaseEstimator):
    """A recurrent network that reads a window and predicts one or several numbers; a subclass sets the cell."""

    n_channels: int = 1
    scaling: str | None = "standard"
    early_stopping: EarlyStopping | bool = False

    def fit(self, X: Anything, y: Anything) -> RecurrentRegressor:
        """Fit to windows and their targets.

        A fit that fails or is interrupted leaves the estimator as it was, unfitted or with its earlier fit.

        Parameters
        ----------
        X : array-like of shape (n, length), (n, length * n_channels) or (n, length, n_channels)
            A window in each row, the oldest step first; the channels of a step stand side by side.
        y : array-like of shape (n,) or (n, horizon)
            The targets of each window.

        Returns
        -------
        self
        """
        on_host("X", X)
        on_host("y", y)
        frame.refuse_dates(X, "X")
        frame.refuse_dates(y, "y")
        X, n_channels = _flatten(X, whole("n_channels", self.n_channels), any_number=self.n_channels == 1)
        checked = copy(self)  # scikit-learn's check sets attributes of its own
        X, y = validate_data(checked, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        if X.shape[1] % n_channels:
            raise ValueError(
                f"X has {X.shape[1]} columns, which n_channels={n_channels} does not divide; a row holds length * "
                "n_channels values"
            )
        fitted = self._fit(X, np.asarray(y, np.float64), n_channels)
        self.__dict__ = vars(checked) | fitted  # all at once: a fit that fails leaves the estimator as it was
        return self

    def _fit(self, X: np.ndarray, y: np.ndarray, n_channels: int) -> Attributes:
        """Fit to checked arrays; return the fitted attributes by name."""
        targets, inputs = y.reshape(len(y), -1), X.reshape(len(X), -1, n_channels)
        network, device = self._network(
            len(X), Geometry(inputs.shape[1]), n_inputs=n_channels, n_targets=targets.shape[1]
        )
        self._check_support(targets, lambda row, column: f"y at row {row}, column {column}")
        held_out, kept = self._split(len(X))
        plan, scaling = plan_regressor(inputs, targets, self._scaling_name(), kept, held_out, self._stopping())
        _, fitted = self._train(network, plan)
        return fitted | {
            "device_": device,
            "n_channels_": n_channels,
            "inputs_": scaling.inputs,
            "outputs_": scaling.targets,
            "n_outputs_": targets.shape[1],
            "flat_target_": y.ndim == 1,
        }

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: a layer whose units do not mix cannot tell which step of a window matters."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = not type(self)().make_cell().mixes_units  # arguments may not fit yet
        return tags

    def predict(self, X: Anything) -> np.ndarray:
        """Predict the targets of each window, in the shape that y had.

        Parameters
        ----------
        X : array-like of shape (n, length), (n, length * n_channels) or (n, length, n_channels)

        Returns
        -------
        ndarray of shape (n,) or (n, horizon)
        """
        check_is_fitted(self)
        on_host("X", X)
        frame.refuse_dates(X, "X")
        X, _ = _flatten(X, self.n_channels_)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        network, inputs = self._network_on_device(), X.reshape(len(X), -1, self.n_channels_)
        windows = RowScaling(self.inputs_, self.outputs_).windows(*inputs.shape[:2])
        with network.backend.session():
            theta = network.backend.upload(self.theta_, network.dtype)
            source = Source.upload(network.backend, inputs.reshape(-1, self.n_channels_))
            outputs = network.predict(theta, source, windows, Geometry(inputs.shape[1]), free_run=False)
        values = windows.unscale(point(network.architecture.loss, outputs[:, 0, 0]))
        finite = np.isfinite(values).all(axis=1)
        if not finite.all():
            raise FloatingPointError(
                f"the prediction of row {int(finite.argmin())} of X overflows: its values lie too far from those of "
                "the fit; look at that row, or fit with dtype='float64'"
            )
        return values[:, 0] if self.flat_target_ else values

    # ------------------------------------------------------------ helpers
    def _scaling_name(self) -> str | None:
        return choice("scaling", self.scaling, SCALINGS)

    def _split(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows to hold out, drawn at random, and rows to train on."""
        stopping = self._stopping()
        if stopping and stopping.validation is not None:
            raise ValueError(
                f"{type(self).__name__} holds out rows of X, and EarlyStopping(validation=...) is for forecasters; use "
                "validation_size"
            )
        held_out = stopping.rows(n) if stopping else 0
        if held_out >= n:
            raise ValueError(
                f"early_stopping holds out {held_out} of {n} rows and leaves none to train on; make its "
                "validation_size smaller, or early_stopping=False"
            )
        order = np.random.default_rng(generator("random_state", self.random_state).randint(2**31)).permutation(n)
        return np.sort(order[:held_out]), np.sort(order[held_out:])


def _flatten(X: Anything, n_channels: int, *, any_number: bool = False) -> tuple[Anything, int]:
    """X with a window in each row, and its number of channels."""
    if (np.ndim(X) if isinstance(X, list | tuple) else getattr(X, "ndim", 0)) != 3:
        return X, n_channels
    X = np.asarray(X)
    if X.shape[2] != n_channels and not any_number:
        raise ValueError(f"X has {X.shape[2]} channels, but n_channels={n_channels}; pass the same number")
    return X.reshape(len(X), X.shape[1] * X.shape[2]), X.shape[2]


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
