"""One-to-many: a recurrent network that makes a series of a vector, or of a class."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import Tags, check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from .. import frame
from ..checks import Anything, flag, on_host, whole
from ..data.scaling import SCALINGS, Scaling
from ..data.sequences import Sequences, place_of
from ..data.static import Static
from ..forecasting.generation import geometry_of, point_paths, sampled_paths
from ..losses.registry import LOSSES, as_loss
from ..networks.memory import amount, check_memory
from ..training.plan import plan_series
from .base import Attributes
from .classes import NamedCell
from .documentation import documented
from .recurrent import DECIDES, NumberNetwork, generator
from .sequences import is_ragged, of_steps
from .windows import RowNetwork


@documented
@dataclass(eq=False, repr=False, kw_only=True)
class SequenceGenerator(NamedCell, RowNetwork, NumberNetwork, MultiOutputMixin, RegressorMixin, BaseEstimator):
    """A series from a vector or from a class: the vector sets the states from which a recurrent network starts.

    Numbers of a vector, and a learned vector for each category, are mapped to the initial states of all layers, as the
    static covariates of a forecaster are. Each step reads the value before it: the true one in training, and in a
    forecast its own. The first step reads zero, which stands for the mean.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import SequenceGenerator
    >>> amplitudes = np.linspace(1, 2, 50)[:, None]
    >>> waves = amplitudes * np.sin(np.arange(20) / 3)
    >>> generator = SequenceGenerator(max_epochs=5, random_state=0).fit(amplitudes, waves)
    >>> generator.predict([[1.2], [1.7]], n_steps=30).shape
    (2, 30)
    """

    #: No argument here: the bias of the map to the initial states is a learned state.
    learn_initial_state: ClassVar[bool] = True  # type: ignore[misc]
    _decides: ClassVar[dict[str, str]] = DECIDES | dict.fromkeys(("n_inputs", "n_targets"), "number of channels")

    def fit(self, X: Anything, y: Anything) -> SequenceGenerator:
        """Fit to vectors, or classes, and their series.

        A fit that fails or is interrupted leaves the estimator as it was, unfitted or with its earlier fit.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features), or array-like of shape (n,)
            A vector for each series; a DataFrame may have columns of categories beside numbers. Or the class of each
            series: text, whole numbers or other labels of one type.
        y : array-like or DataFrame of shape (n, n_steps), array-like of shape (n, n_steps, n_channels), or list
            The series. A list holds those of different lengths, of shape (length,) or (length, n_channels).

        Returns
        -------
        self
        """
        checked = copy(self)  # scikit-learn's checks set attributes of their own
        vectors, labelled = checked._read_vectors(X, reset=True)
        series, has_channels = _read_series(y)
        everything = frame.read_vectors(vectors)
        n = len(everything.numbers)
        if len(series) != n:
            raise ValueError(f"X has {n} rows, but y has {len(series)} series; pass one series for each row")
        self._check_support(series.rows, lambda row, column: _place(series, row, column))
        held_out, kept = self._split(n, everything.codes[:, 0] if labelled else None)
        known = vars(self).get("coding_") if flag("warm_start", self.warm_start) else None
        static = frame.read_vectors(vectors, known=known, learned_from=kept)
        rows = series.rows_of(kept)
        scaling = SCALINGS[self._scaling_name()]().fit(rows, np.ones(rows.shape, bool), np.array([0, len(rows)]))
        fitted = self._fit_network(series, static, scaling, held_out, kept)
        fitted |= {
            "coding_": static.coding,
            "outputs_": scaling,
            "n_channels_": series.rows.shape[1],
            "n_steps_": int(series.lengths.max()),
            "_of_labels": labelled,
            "_has_channels": has_channels,
            "_columns": getattr(y, "columns", None) if hasattr(y, "iloc") else None,
        }
        self.__dict__ = vars(checked) | fitted  # all at once: a fit that fails leaves the estimator as it was
        return self

    def _fit_network(
        self, series: Sequences, static: frame.Static, scaling: Scaling, held_out: np.ndarray, kept: np.ndarray
    ) -> Attributes:
        """Train on series and what sets their first states; return the fitted attributes by name."""
        network, device = self._network(
            len(kept),
            geometry_of(int(series.lengths.max())),
            loss=as_loss(self.loss),
            n_inputs=series.rows.shape[1],
            n_targets=series.rows.shape[1],
            n_static=static.numbers.shape[1],
            cardinalities=tuple(map(len, static.coding.categories)),
        )
        plan = plan_series(series, Static(static.numbers, static.codes), scaling, kept, held_out, self._stopping())
        fit, fitted = self._train(network, plan)
        theta = network.architecture.with_unseen(fit.theta).astype(network.dtype)
        return fitted | {"theta_": theta, "device_": device}

    def predict(self, X: Anything, n_steps: Anything = None) -> Anything:
        """Point forecasts of each series; each step reads the point forecast of the step before.

        Of a likelihood these are the means of each step's distribution, given the forecasts before it.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features), or array-like of shape (n,)
            As in `fit`. A class or category that was not in the fit has the mean of the learned vectors of the others.
        n_steps : int, optional
            Number of steps; by default that of the longest series of the fit.

        Returns
        -------
        ndarray of shape (n, n_steps) or (n, n_steps, n_channels), or DataFrame of shape (n, n_steps)
            A DataFrame, with the index of `X`, if y was one in `fit`.
        """
        static, n_steps = self._beginnings(X, n_steps)
        self._check_room(len(static.numbers), n_steps, 1)
        network, theta = self._uploaded()
        with network.backend.session():
            paths = point_paths(network, theta, static, self.outputs_, n_steps)
        self._check_finite(paths)
        return paths if self._has_channels else frame.label_paths(paths[:, :, 0], X, self._columns)

    def sample(
        self, X: Anything, n_samples: Anything = 1, n_steps: Anything = None, random_state: Anything = None
    ) -> np.ndarray:
        """Draw series from the distribution of a likelihood; each step reads the draw of the step before.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features), or array-like of shape (n,)
            As in `predict`.
        n_samples : int, default 1
            Number of series for each row of `X`.
        n_steps : int, optional
            As in `predict`.
        random_state : int, RandomState or None, default None
            Seed; an int repeats the draw. The draws of a row depend on its number, not on the other rows.

        Returns
        -------
        ndarray of shape (n, n_steps, n_samples) or (n, n_steps, n_channels, n_samples)

        Raises
        ------
        ValueError
            If the loss is no likelihood.
        """
        n_samples, rng = whole("n_samples", n_samples), generator("random_state", random_state)
        static, n_steps = self._beginnings(X, n_steps)
        loss = self.network_.architecture.loss
        if not loss.family:
            likelihoods = ", ".join(repr(name) for name, each in LOSSES.items() if each.family)
            raise ValueError(
                f"loss={loss} is no likelihood, so there is no distribution to draw from; fit with a loss such as "
                f"{likelihoods}, or use predict"
            )
        self._check_room(len(static.numbers), n_steps, n_samples)
        seed, (network, theta) = rng.randint(2**31), self._uploaded()
        rngs = [np.random.RandomState([seed, row]) for row in range(len(static.numbers))]
        with network.backend.session():
            paths = sampled_paths(network, theta, static, self.outputs_, n_steps, n_samples, rngs)
        self._check_finite(paths)
        return paths if self._has_channels else paths[:, :, 0]

    def score(self, X: Anything, y: Anything, sample_weight: Anything = None) -> float:
        """Coefficient of determination R² of the point forecasts, over all values of a channel; the mean over channels.

        Parameters
        ----------
        X, y
            As in `fit`.
        sample_weight : array-like of shape (n,), optional
            Weight of each series.

        Returns
        -------
        float
        """
        from sklearn.metrics import r2_score

        series, _ = _read_series(y)
        n_steps = int(series.lengths.max())
        paths = np.asarray(self.predict(X, n_steps)).reshape(-1, n_steps, self.n_channels_)
        if len(paths) != len(series) or series.rows.shape[1] != self.n_channels_:
            raise ValueError(
                f"y has {len(series)} series of {series.rows.shape[1]} channels, but the forecasts of X are "
                f"{len(paths)} of {self.n_channels_}; pass the series that belong to the rows of X"
            )
        rows = paths[np.arange(n_steps) < series.lengths[:, None]]
        weight = None if sample_weight is None else np.repeat(_weights(sample_weight, len(series)), series.lengths)
        return float(r2_score(series.rows, rows, sample_weight=weight))

    def __sklearn_tags__(self) -> Tags:
        """Return scikit-learn's tags: y has a row of values for each row of X, never one value."""
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = False
        return tags

    # ------------------------------------------------------------ input
    def _read_vectors(self, X: Anything, *, reset: bool) -> tuple[Anything, bool]:
        """Vectors or labels as `frame.read_vectors` takes them, and whether they are labels; sets the attributes."""
        on_host("X", X)
        if frame.is_one_dimensional(X):
            if reset:
                self.n_features_in_ = 1
            return X, True
        frame.refuse_dates(X, "X")
        if frame.has_categories(X):
            validate_data(self, X, skip_check_array=True, reset=reset)
            return X, False
        values = validate_data(self, X, dtype=np.float64, reset=reset)
        return values, False

    def _beginnings(self, X: Anything, n_steps: Anything) -> tuple[Static, int]:
        """What sets the first states of each series, and the number of steps."""
        check_is_fitted(self)
        if frame.is_one_dimensional(X) != self._of_labels:
            given, fitted = ("vectors", "labels") if self._of_labels else ("labels", "vectors")
            form = "one label for each series" if self._of_labels else "an array of shape (n, n_features)"
            one = "" if self._of_labels else ". Reshape your data with X.reshape(1, -1) if it is one vector"
            raise ValueError(f"X holds {given}, but the fit had {fitted}; pass {form}{one}")
        vectors, _ = self._read_vectors(X, reset=False)
        static = frame.read_vectors(vectors, known=self.coding_)
        return Static(static.numbers, static.codes), self.n_steps_ if n_steps is None else whole("n_steps", n_steps)

    def _check_room(self, n: int, n_steps: int, n_samples: int) -> None:
        what = f"{amount(n_samples)} series of n_steps={amount(n_steps)} steps for each of {n} rows take"
        check_memory(8 * n * n_steps * n_samples * self.n_channels_, what, "ask for fewer")

    def _uploaded(self) -> tuple[Anything, Anything]:
        """The fitted network on its device, and its parameters there."""
        network = self._network_on_device()
        return network, network.backend.upload(self.theta_, network.dtype)


def _read_series(y: Anything) -> tuple[Sequences, bool]:
    """Series as sequences, and whether they have an axis of channels."""
    on_host("y", y)
    if is_ragged(y):
        return of_steps(y, name="y"), np.ndim(next(iter(y))) == 2
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None; pass the series of each row of X")
    frame.refuse_dates(y, "y")
    values = check_array(y, dtype=np.float64, allow_nd=True, ensure_2d=False, input_name="y")
    if values.ndim not in (2, 3) or not values.size:
        raise ValueError(
            f"y has the shape {values.shape}, but must be (n, n_steps) or (n, n_steps, n_channels), with a step and a "
            "channel at least, or a list of series"
        )
    return Sequences.of_windows(values.reshape(*values.shape[:2], -1)), values.ndim == 3


def _weights(sample_weight: Anything, n: int) -> np.ndarray:
    """The weight of each of n series."""
    on_host("sample_weight", sample_weight)
    weights = np.asarray(sample_weight, np.float64)
    if weights.shape != (n,):
        raise ValueError(
            f"sample_weight has the shape {weights.shape}, but y has {n} series; pass one weight for each series"
        )
    return weights


def _place(series: Sequences, row: int, channel: int) -> str:
    """A value of all rows, in words."""
    number, step = place_of(row, series.lengths)
    return f"y[{number}] at step {step}, channel {channel},"
