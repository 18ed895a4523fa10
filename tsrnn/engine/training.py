"""Training: minimise a network's loss over windows, in minibatches of a seeded order, with early stopping."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from ..equations.random import fold
from .network import Network, Source
from .parameters import Geometry
from .windows import Windows


@dataclass(frozen=True)
class Adam:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101).

    Parameters
    ----------
    weight_decay : float, default 0.0
        Acts on weights, not on biases, initial states or the linear skip.
    clip_norm : float or None, default 1.0
        A gradient of larger Euclidean norm is scaled down to it (Pascanu et al. 2013, arXiv:1211.5063, algorithm 1).
    schedule : {"constant", "cosine"}, default "constant"
        "cosine" lets the learning rate fall to zero over ``max_epochs`` (Loshchilov & Hutter 2017, arXiv:1608.03983,
        eq. 5 without restarts).
    beta1, beta2, epsilon : float
        As in the paper: 0.9, 0.999, 1e-8.

    Examples
    --------
    >>> Adam(schedule="cosine").rate(0.1, step=50, n_steps=100)
    0.05
    """

    weight_decay: float = 0.0
    clip_norm: float | None = 1.0
    schedule: str = "constant"
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        if self.schedule not in ("constant", "cosine"):
            raise ValueError(f"schedule={self.schedule!r} is not known; use 'constant' or 'cosine'")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ValueError(f"clip_norm={self.clip_norm!r} must be positive, or None for no clipping")
        if not self.weight_decay >= 0:
            raise ValueError(f"weight_decay={self.weight_decay!r} must not be negative")
        if not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1 and self.epsilon > 0):
            raise ValueError(
                f"beta1={self.beta1!r} and beta2={self.beta2!r} must lie in [0, 1), epsilon={self.epsilon!r} above 0"
            )

    def rate(self, learning_rate: float, step: int, n_steps: int) -> float:
        """The learning rate of update `step` of `n_steps`, counted from 0."""
        if self.schedule == "constant":
            return learning_rate
        return 0.5 * learning_rate * (1 + math.cos(math.pi * min(1.0, step / n_steps)))


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the error over a validation tail no longer falls, and keep the best parameters.

    Parameters
    ----------
    patience : int, default 10
        Epochs without improvement before the fit stops.
    min_delta : float, default 0.0
        How much lower an error must be to count as an improvement.
    validation_size : int, float or None, default None
        Observations (int) or part (float) of the series at its end that are held out: None takes a tenth, but at least
        two horizons. Regressors hold out that many rows, drawn at random.
    refit_full : bool or None, default None
        Whether to train once more on everything, for the best number of epochs. None does so where the tail is more
        than a tenth of what can be learned from.
    """

    patience: int = 10
    min_delta: float = 0.0
    validation_size: int | float | None = None
    refit_full: bool | None = None

    def __post_init__(self) -> None:
        if not self.patience >= 1:
            raise ValueError(f"patience={self.patience!r} must be at least 1")
        if not self.min_delta >= 0:
            raise ValueError(f"min_delta={self.min_delta!r} must not be negative")
        size = self.validation_size
        if size is not None and not (0 < size < 1 if isinstance(size, float) else size >= 1):
            raise ValueError(f"validation_size={size!r} must be a count of at least 1, a part in (0, 1), or None")

    def rows(self, n: int, at_least: int = 1) -> int:
        """Rows of `n` that are held out."""
        if self.validation_size is None:
            return max(at_least, math.ceil(n / 10))
        size = self.validation_size
        return max(1, round(size * n)) if isinstance(size, float) else int(size)

    def refits(self, held_out: int, n: int) -> bool:
        """Whether to train once more on all `n` rows, of which `held_out` were."""
        return 10 * held_out > n + 9 if self.refit_full is None else self.refit_full


@dataclass(frozen=True)
class Epoch:
    """What a callback is told; `epoch` counts from 1. `validation_loss` is None without a validation tail."""

    epoch: int
    loss: float
    validation_loss: float | None


@dataclass(frozen=True)
class Settings:
    """How to train."""

    optimizer: Adam
    learning_rate: float
    batch_size: int
    max_epochs: int
    dropout: float = 0.0
    callbacks: Sequence[Callable[[Epoch], Any]] = ()
    verbose: int = 0


@dataclass
class Validation:
    """Windows whose error decides when to stop, and how they are forecast."""

    source: Source
    windows: Windows
    geometry: Geometry
    early_stopping: EarlyStopping


@dataclass
class Training:
    """What came out of a training."""

    theta: Any
    loss_curve: list[float] = field(default_factory=list)
    validation_curve: list[float] = field(default_factory=list)  # its first entry is the error before training
    best_epoch: int = 0
    n_updates: int = 0


def minimise(
    network: Network,
    theta: np.ndarray,
    source: Source,
    windows: Windows,
    geometry: Geometry,
    settings: Settings,
    seed: int,
    *,
    n_epochs: int | None = None,
    validation: Validation | None = None,
) -> Training:
    """Train `theta` (float64, host) for `n_epochs` of `settings.max_epochs`, or until `validation` says stop.

    Raises
    ------
    FloatingPointError
        When the loss or its gradient is no longer finite.
    """
    handle = network.backend.upload(theta, network.dtype)
    training = Training(handle)
    stepper = _Stepper(network, handle, source, windows, geometry, settings, seed)
    watch = _Watch(network, handle, training, validation)
    epochs = settings.max_epochs if n_epochs is None else n_epochs
    with tqdm(total=epochs, disable=not settings.verbose, unit="epoch") as bar:
        for epoch in range(1, epochs + 1):
            training.loss_curve.append(stepper.epoch(epoch))
            stop = watch.after(epoch)
            report = Epoch(epoch, training.loss_curve[-1], training.validation_curve[-1] if validation else None)
            bar.set_postfix(loss=report.loss, **({"validation": report.validation_loss} if validation else {}))
            bar.update()
            stop_requests = [bool(callback(report)) for callback in settings.callbacks]
            if stop or any(stop_requests):
                break
    training.n_updates = stepper.step
    training.theta = network.backend.download(watch.best(handle)).astype(np.float64)
    return training


class _Stepper:
    """Optimiser state and the loop over the batches of an epoch."""

    def __init__(
        self,
        network: Network,
        theta: Any,
        source: Source,
        windows: Windows,
        geometry: Geometry,
        settings: Settings,
        seed: int,
    ):
        self.network, self.theta, self.source, self.windows = network, theta, source, windows
        self.settings, self.seed = settings, seed
        self.rng = np.random.default_rng(seed)
        backend, dtype, n = network.backend, network.dtype, network.architecture.size
        self.batch_size = min(settings.batch_size, len(windows))
        self.n_batches = -(-len(windows) // self.batch_size)
        self.work = network.workspace(geometry, self.batch_size, loss=network.architecture.loss, gradient=True)
        self.moments = backend.upload(np.zeros((2, n)), dtype)
        self.decay = backend.upload(settings.optimizer.weight_decay * network.decays(), dtype)
        self.norms = np.zeros(self.n_batches)
        self.last_norm = math.nan
        self.step = 0

    def epoch(self, epoch: int) -> float:
        """All batches once, in a new order; the mean loss."""
        order = self.rng.permutation(len(self.windows))
        for i in range(self.n_batches):
            self._update(order[i * self.batch_size : (i + 1) * self.batch_size], self.norms[i : i + 1])
        value, weight = self.network.backend.take_total(self.work)
        self._check(epoch, value)
        return value / weight if weight > 0 else 0.0

    def _update(self, batch: np.ndarray, log: np.ndarray) -> None:
        settings, adam, network = self.settings, self.settings.optimizer, self.network
        dropout = {}
        if settings.dropout > 0:
            dropout = {"dropout": settings.dropout, "key": fold(np.uint64(self.seed), np.uint64(self.step))}
        network.loss_and_grad(self.work, self.theta, self.source, self.windows, batch, **dropout)
        rate = adam.rate(settings.learning_rate, self.step, settings.max_epochs * self.n_batches)
        self.step += 1
        hyper = np.array(
            (
                rate,
                adam.beta1,
                adam.beta2,
                adam.epsilon,
                1 - adam.beta1**self.step,
                1 - adam.beta2**self.step,
            ),
            network.dtype,
        )
        clip = math.inf if adam.clip_norm is None else float(adam.clip_norm)
        network.backend.update(self.work, self.theta, self.moments, self.decay, hyper, clip, log)

    def _check(self, epoch: int, value: float) -> None:
        """The norms are looked at once an epoch: a network that went wrong stays wrong until then."""
        bad = np.flatnonzero(~np.isfinite(self.norms))
        if len(bad) == 0 and math.isfinite(value):
            self.last_norm = float(self.norms[-1])
            return
        step = int(bad[0]) if len(bad) else self.n_batches - 1
        before = float(self.norms[step - 1]) if step > 0 else self.last_norm
        raise FloatingPointError(
            f"the loss became {value} in epoch {epoch}, step {step + 1} of {self.n_batches} (gradient norm before it: "
            f"{before:.3g}); try a smaller learning_rate (now {self.settings.learning_rate:g}), a smaller "
            f"Adam(clip_norm=…), scaling='window' or 'standard', or dtype='float64'"
        )


class _Watch:
    """The validation error after each epoch, and the parameters that had the lowest."""

    def __init__(self, network: Network, theta: Any, training: Training, validation: Validation | None):
        self.network, self.theta, self.training, self.validation = network, theta, training, validation
        self.kept: np.ndarray | None = None
        if validation:
            lanes = min(256, len(validation.windows))
            self.work = network.workspace(validation.geometry, lanes, loss=network.architecture.loss)
            self.after(0)

    def after(self, epoch: int) -> bool:
        """Note the error after `epoch`; whether patience has run out."""
        if self.validation is None:
            self.training.best_epoch = epoch
            return False
        error = self.network.evaluate(
            self.work, self.theta, self.validation.source, self.validation.windows, free_run=True
        )
        curve = self.training.validation_curve
        stopping = self.validation.early_stopping
        if epoch == 0 or error < curve[self.training.best_epoch] - stopping.min_delta:
            self.training.best_epoch = epoch
            self.kept = self.network.backend.download(self.theta)
        curve.append(error)
        return epoch - self.training.best_epoch >= stopping.patience

    def best(self, theta: Any) -> Any:
        """The parameters to keep."""
        return theta if self.kept is None else self.kept


def warm_up(network: Network, geometry: Geometry) -> float:
    """Compile what a training needs on a tiny problem of the same kind; the seconds that took."""
    started = time.perf_counter()
    a = network.architecture
    series, targets = (
        np.zeros((geometry.n_steps + geometry.n_ahead, a.n_inputs)),
        np.zeros((geometry.n_ahead, a.n_targets)),
    )
    source = Source.upload(network.backend, series, targets, np.ones_like(targets))
    one, inputs, outputs = np.zeros(1, np.int64), (1, a.n_inputs), (1, a.n_targets)
    windows = Windows(
        one, one + geometry.n_steps, one, np.zeros(inputs), np.ones(inputs), np.zeros(outputs), np.ones(outputs)
    )
    settings = Settings(Adam(), learning_rate=0.0, batch_size=1, max_epochs=1)
    minimise(network, np.zeros(a.size), source, windows, geometry, settings, seed=0)
    return time.perf_counter() - started
