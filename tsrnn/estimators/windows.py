"""What regressors and classifiers share: a row of X is a window, or a sequence of its own length."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_X_y
from sklearn.utils.validation import check_is_fitted, validate_data

from ..checks import Anything, choice, flag, on_host, whole
from ..data.sequences import SequenceBuckets, Sequences
from ..data.windows import Geometry
from ..losses.loss import Loss
from ..networks.architecture import POOLING
from ..networks.network import BATCH, Source
from ..training.options import EarlyStopping
from ..training.plan import RowScaling, plan_rows
from .base import Attributes
from .recurrent import DECIDES, RecurrentNetwork, generator
from .sequences import has_lengths, is_ragged, of_list, refuse_dates, with_lengths

#: What ``scaling=`` accepts.
SCALINGS = ("standard", None)
#: Batches of a bucket of sequences of similar lengths, about, at least.
BATCHES = 8


@dataclass(eq=False, repr=False, kw_only=True)
class RowNetwork(RecurrentNetwork):
    """A recurrent network that learns from rows in any order, of which it may hold out some."""

    scaling: str | None = "standard"
    early_stopping: EarlyStopping | bool = False

    def _scaling_name(self) -> str | None:
        return choice("scaling", self.scaling, SCALINGS)

    @staticmethod
    def _check_finite(values: np.ndarray) -> None:
        """Refuse predictions (n, ...) that overflowed."""
        finite = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
        if not finite.all():
            raise FloatingPointError(
                f"the prediction of row {int(finite.argmin())} of X overflows: its values lie too far from those of "
                "the fit; look at that row, or fit with dtype='float64'"
            )

    def _split(self, n: int, groups: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Rows to hold out, drawn at random, and rows to train on; of each of the `groups` (n,) about the same share.

        A group keeps one row for the training at least.
        """
        stopping = self._stopping()
        if stopping and stopping.validation is not None:
            raise ValueError(
                f"{type(self).__name__} holds out rows drawn at random, and EarlyStopping(validation=...) is for "
                "forecasters; use validation_size"
            )
        held_out = stopping.rows(n) if stopping else 0
        if held_out >= n:
            raise ValueError(
                f"early_stopping holds out {held_out} of {n} rows and leaves none to train on; make its "
                "validation_size smaller, or early_stopping=False"
            )
        order = np.random.default_rng(generator("random_state", self.random_state).randint(2**31)).permutation(n)
        if groups is None or not held_out:
            return np.sort(order[:held_out]), np.sort(order[held_out:])
        order = order[np.argsort(groups[order], kind="stable")]
        is_held_out = np.zeros(n, bool)
        is_held_out[order[np.arange(held_out) * n // held_out + n // held_out // 2]] = True
        first = order[np.unique(groups[order], return_index=True)[1]]
        is_whole = ~np.isin(groups[first], groups[~is_held_out])
        is_held_out[first[is_whole]] = False
        return np.flatnonzero(is_held_out), np.flatnonzero(~is_held_out)

    def _split_of_counted(self, counts: np.ndarray, groups: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """As `_split`, without a row that does not count, by `counts` (n,), among those to hold out.

        Its loss is 0, which does not tell when to stop.
        """
        numbers = np.flatnonzero(counts)
        is_held_out = np.zeros(len(counts), bool)
        is_held_out[numbers[self._split(len(numbers), None if groups is None else groups[numbers])[0]]] = True
        return np.flatnonzero(is_held_out), np.flatnonzero(~is_held_out)

    def _learned(self, held_out: np.ndarray, kept: np.ndarray) -> np.ndarray:
        """The rows that the last training reads: all of them if a refit follows, or else those that are kept."""
        stopping, n = self._stopping(), len(held_out) + len(kept)
        return np.arange(n) if stopping and stopping.refits(len(held_out), n) else kept


@dataclass(eq=False, repr=False, kw_only=True)
class SequenceNetwork(RowNetwork):
    """A recurrent network that reads whole sequences; a subclass says where it has outputs, and of what."""

    bidirectional: bool = False
    _decides: ClassVar[dict[str, str]] = DECIDES | {
        "n_inputs": "number of channels",
        "n_targets": "number of columns of y",
        "n_symbols": "kind of X, numbers or symbols",
    }

    @staticmethod
    def _geometry(n_steps: int) -> Geometry:
        """The geometry of windows of so many steps."""
        raise NotImplementedError

    def _buckets(self, sequences: Sequences) -> SequenceBuckets:
        """Buckets to train on."""
        return sequences.buckets(self._geometry, BATCHES * self._batch_size(len(sequences)))

    def _fit_sequences(
        self, buckets: SequenceBuckets, targets: np.ndarray, weight: np.ndarray, loss: Loss,
        split: tuple[np.ndarray, np.ndarray], scaling: RowScaling, **sizes: Any,
    ) -> Attributes:  # fmt: skip
        """Train on sequences with ``buckets.n_ahead`` rows of targets, and return the fitted attributes by name.

        `targets` and `weight` are (M, n_targets) of all these rows; `split` are the sequences held out and those
        trained on.
        """
        network, device = self._network(
            len(buckets.sequences),
            buckets.parts[0][0],
            buckets=buckets.parts,
            loss=loss,
            n_inputs=buckets.sequences.rows.shape[1],
            n_targets=targets.shape[1],
            bidirectional=flag("bidirectional", self.bidirectional),
            **sizes,
        )
        held_out, kept = split
        plan = plan_rows(buckets, targets, weight, scaling, kept, held_out, self._stopping())
        _, fitted = self._train(network, plan)
        return fitted | {"device_": device, "inputs_": scaling.inputs, "outputs_": scaling.targets}

    def _scaling(self) -> RowScaling:
        """The scaling of the fit."""
        return RowScaling(vars(self)["inputs_"], vars(self)["outputs_"])

    def _outputs_of(self, sequences: Sequences) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each bucket the numbers of its sequences, and their outputs (m, n_outputs, n_targets, loss.size), scaled.

        They are those of the fitted network.
        """
        network, windows = self._network_on_device(), self._scaling().windows(sequences)
        with network.backend.session():
            theta = network.backend.upload(vars(self)["theta_"], network.dtype)
            source = Source.upload(network.backend, sequences.rows)
            return [
                (numbers, network.predict(theta, source, windows.take(numbers), geometry, free_run=False)[:, :, 0])
                for geometry, numbers in sequences.buckets(self._geometry, BATCH).parts
            ]


@dataclass(eq=False, repr=False, kw_only=True)
class WindowNetwork(SequenceNetwork):
    """A recurrent network that reads a window and gives one output; a subclass says of what."""

    n_channels: int = 1
    pooling: str = "last"

    @staticmethod
    def _geometry(n_steps: int) -> Geometry:
        return Geometry(n_steps)

    # ------------------------------------------------------------ input
    def _read_both(
        self, X: Anything, y: Anything, lengths: Anything, **of_y: Any
    ) -> tuple[Sequences, np.ndarray, Attributes]:
        """Sequences and y, checked as `of_y` tells scikit-learn, and the attributes that its checks set."""
        _check_kind("X", X)
        _check_kind("y", y)
        n_channels, any_number = whole("n_channels", self.n_channels), self.n_channels == 1
        checked = copy(self)  # scikit-learn's check sets attributes of its own
        if lengths is not None or is_ragged(X):
            sequences = self._ragged(X, lengths, n_channels, any_number=any_number)
            _, y = check_X_y(np.zeros((len(sequences), 1)), y, **of_y)
            attributes = {name: value for name, value in vars(self).items() if not name.endswith("_in_")}
            return sequences, y, attributes | {"_fit_had_lengths": lengths is not None}
        X, n_channels = _flatten(X, n_channels, any_number=any_number)
        X, y = validate_data(checked, X, y, dtype=np.float64, **of_y)
        if X.shape[1] % n_channels:
            raise ValueError(
                f"X has {X.shape[1]} columns, which n_channels={n_channels} does not divide; a row holds length * "
                "n_channels values"
            )
        attributes = vars(checked) | {"_fit_had_lengths": False}
        return Sequences.of_windows(X.reshape(len(X), -1, n_channels)), y, attributes

    def _read(self, X: Anything, lengths: Anything) -> Sequences:
        """Sequences for a fitted network."""
        check_is_fitted(self)
        _check_kind("X", X)
        n_channels: int = vars(self)["n_channels_"]
        if vars(self)["_fit_had_lengths"] and lengths is None and not (isinstance(X, list) or is_ragged(X)):
            raise ValueError(
                "lengths is missing: the fit had it, and without it the padding of X would be read; pass the number of "
                "steps of each row, lengths=..., or X as a list of sequences"
            )
        if lengths is not None or is_ragged(X) or not hasattr(self, "n_features_in_"):
            return self._ragged(X, lengths, n_channels, any_number=False)
        X, _ = _flatten(X, n_channels)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return Sequences.of_windows(X.reshape(len(X), -1, n_channels))

    def _ragged(self, X: Anything, lengths: Anything, n_channels: int, *, any_number: bool) -> Sequences:
        """Sequences of their own lengths: a list of arrays, or rows with `lengths`."""
        if lengths is None:
            return of_list(X, n_channels, any_number=any_number)
        if has_lengths(X):
            raise ValueError(
                "X is a list of sequences of different lengths, which tells their lengths; leave lengths out"
            )
        return with_lengths(X, lengths, n_channels, any_number=any_number)

    def predict(self, X: Anything, lengths: Anything = None) -> np.ndarray:
        """Predict for each window; a subclass says what."""
        raise NotImplementedError

    def score(self, X: Anything, y: Anything, sample_weight: Anything = None, lengths: Anything = None) -> float:
        """Measure the predictions: the accuracy of classifiers, the coefficient of determination R² of regressors.

        Parameters
        ----------
        X : array-like of shape (n, length), (n, length * n_channels) or (n, length, n_channels), or list of arrays
            As in `fit`.
        y : array-like of shape (n,) or (n, horizon)
            What `predict` should return.
        sample_weight : array-like of shape (n,), optional
            Weight of each row.
        lengths : array-like of shape (n,), optional
            As in `fit`.

        Returns
        -------
        float
        """
        from sklearn.metrics import accuracy_score, r2_score

        measure = accuracy_score if is_classifier(self) else r2_score
        return float(measure(y, self.predict(X, lengths=lengths), sample_weight=sample_weight))

    # ------------------------------------------------------------ training
    def _fit_network(
        self, sequences: Sequences, targets: np.ndarray, weight: np.ndarray, loss: Loss,
        split: tuple[np.ndarray, np.ndarray], target_scaling: str | None = None,
    ) -> Attributes:  # fmt: skip
        """Train on sequences with targets (n, n_targets) and their weights; return the fitted attributes by name."""
        scaling = RowScaling.fit(self._scaling_name(), target_scaling, sequences.rows_of(split[1]), targets[split[1]])
        buckets, pooling = self._buckets(sequences), choice("pooling", self.pooling, tuple(POOLING))
        fitted = self._fit_sequences(buckets, targets, weight, loss, split, scaling, pooling=pooling)
        return fitted | {"n_channels_": sequences.rows.shape[1]}

    def _outputs(self, sequences: Sequences) -> np.ndarray:
        """Outputs of the fitted network (n, n_targets, loss.size), scaled."""
        numbers, outputs = zip(*self._outputs_of(sequences), strict=True)
        return np.concatenate(outputs)[np.argsort(np.concatenate(numbers)), 0]


def _check_kind(name: str, value: Anything) -> None:
    """Refuse arrays of a device, and dates."""
    on_host(name, value)
    refuse_dates(value, name)


def _flatten(X: Anything, n_channels: int, *, any_number: bool = False) -> tuple[Anything, int]:
    """X with a window in each row, and its number of channels."""
    if (np.ndim(X) if isinstance(X, list | tuple) else getattr(X, "ndim", 0)) != 3:
        return X, n_channels
    X = np.asarray(X)
    if X.shape[2] != n_channels and not any_number:
        raise ValueError(f"X has {X.shape[2]} channels, but n_channels={n_channels}; pass the same number")
    return X.reshape(len(X), X.shape[1] * X.shape[2]), X.shape[2]
