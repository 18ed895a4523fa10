"""Training: minimise a network's loss over windows, in minibatches of a seeded order, with early stopping."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from tqdm import tqdm

from ..data.scaling import Scales
from ..data.static import Static
from ..data.windows import Buckets, Geometry, WindowIndex, Windows, buckets_of
from ..functions.random import fold
from ..kernels.backend import Batch, Workspace
from ..networks.network import Handle, Network, Source
from .options import Adam, EarlyStopping, Epoch, Settings
from .order import epoch as order_of_epoch


@dataclass
class Validation:
    """Windows whose error decides when to stop."""

    source: Source
    windows: Windows | Buckets
    geometry: Geometry
    early_stopping: EarlyStopping


@dataclass
class Training:
    """The result of a training."""

    theta: np.ndarray  # (n_parameters,) float64
    loss_curve: list[float] = field(default_factory=list)
    validation_curve: list[float] = field(default_factory=list)  # its first entry is the error before training
    best_epoch: int = 0
    n_updates: int = 0


def minimise(
    network: Network,
    theta: np.ndarray,
    source: Source,
    windows: Windows | WindowIndex | Buckets,
    geometry: Geometry,
    settings: Settings,
    seed: int,
    *,
    n_epochs: int | None = None,
    validation: Validation | None = None,
    capacity: int | None = None,
    label: str = "training",
) -> Training:
    """Train `theta` (float64, host) for `n_epochs`, by default `settings.max_epochs`, or until early stopping.

    The workspace has room for `capacity` windows, by default a batch; `label` stands before the progress bar. Buckets
    have geometries of their own; a batch is of one bucket.

    Raises
    ------
    FloatingPointError
        When the loss, its gradient or a parameter is no longer finite.
    """
    handle = network.backend.upload(theta, network.dtype)
    training = Training(theta)
    stepper = _Stepper(network, handle, source, windows, geometry, settings, seed, capacity)
    monitor = _Monitor(network, handle, training, validation)
    epochs = settings.max_epochs if n_epochs is None else n_epochs
    with tqdm(total=epochs, disable=not settings.verbose, unit="epoch", desc=label) as bar:
        for epoch in range(1, epochs + 1):
            training.loss_curve.append(stepper.epoch(epoch))
            stop = monitor.after(epoch)
            report = Epoch(epoch, training.loss_curve[-1], training.validation_curve[-1] if validation else None)
            bar.set_postfix(loss=report.loss, **({"validation": report.validation_loss} if validation else {}))
            bar.update()
            stop_requests = [bool(callback(report)) for callback in settings.callbacks]
            if stop or any(stop_requests):
                break
    training.n_updates = stepper.step
    theta = network.backend.download(handle) if monitor.kept is None else monitor.kept
    if not np.isfinite(theta).all():
        raise FloatingPointError(f"a parameter became infinite in the last update; {stepper.remedy()}")
    training.theta = theta.astype(np.float64)
    return training


class _Stepper:
    """The state of the optimiser, and the loop over the batches of an epoch."""

    def __init__(
        self,
        network: Network,
        theta: Handle,
        source: Source,
        windows: Windows | WindowIndex | Buckets,
        geometry: Geometry,
        settings: Settings,
        seed: int,
        capacity: int | None = None,
    ):
        self.network, self.theta, self.source = network, theta, source
        self.settings, self.seed = settings, seed
        self.rng = np.random.default_rng(seed)
        backend, dtype, n = network.backend, network.dtype, network.architecture.size
        self.batch_size, parts = min(settings.batch_size, len(windows)), buckets_of(windows, geometry)
        self.n_batches = sum(-(-len(of_bucket) // self.batch_size) for _, of_bucket in parts)
        options = {"loss": network.architecture.loss, "gradient": True}
        self.buckets = [
            (network.workspace(of_bucket, capacity or min(self.batch_size, len(its_windows)), **options), its_windows)
            for of_bucket, its_windows in parts
        ]
        self.moments = backend.upload(np.zeros((2, n)), dtype)
        self.decay = backend.upload(settings.optimizer.weight_decay * network.architecture.is_decayed, dtype)
        self.norms = backend.upload(np.zeros(self.n_batches), dtype)
        self.last_norm = math.nan
        self.step = 0

    def epoch(self, epoch: int) -> float:
        """Train on the batches of one epoch, in a new order; return the mean loss."""
        backend = self.network.backend
        for number, (work, windows, batch) in enumerate(self._batches()):
            self._update(work, windows, batch, number)
        value, weight = np.sum([backend.take_total(work) for work, _ in self.buckets], axis=0).tolist()
        self._check(epoch, value, weight, backend.download(self.norms))
        return value / weight if weight > 0 else 0.0

    def _batches(self) -> Iterable[tuple[Workspace, Windows, Batch]]:
        """The batches of an epoch: those of one bucket as they are drawn, of several in random order."""
        if len(self.buckets) == 1:
            return self._of_bucket(*self.buckets[0])
        batches = [batch for bucket in self.buckets for batch in self._of_bucket(*bucket)]
        return (batches[number] for number in self.rng.permutation(len(batches)))

    def _of_bucket(self, work: Workspace, windows: Windows | WindowIndex) -> Iterator[tuple[Workspace, Windows, Batch]]:
        """The batches of a bucket, in random order."""
        backend, size = self.network.backend, self.batch_size
        for chosen in order_of_epoch(windows.n_windows, self.settings.sampling, self.rng, size):
            if isinstance(windows, WindowIndex):
                taken, numbers = windows.take(chosen), np.arange(len(chosen))
            else:
                taken, numbers = windows, chosen
            order = backend.upload(numbers, np.int64)
            for first in range(0, len(chosen), size):
                yield work, taken, backend.part(order, first, first + size)

    def _update(self, work: Workspace, windows: Windows, batch: Batch, number: int) -> None:
        settings, adam, network = self.settings, self.settings.optimizer, self.network
        forcing = settings.teacher_forcing
        free_run = 0.0 if forcing is None else 1 - forcing.share(self.step / self.n_batches)
        options = {"free_run": free_run, "dropout": settings.dropout}
        if settings.dropout > 0 or free_run > 0:
            options["key"] = fold(np.uint64(self.seed), np.uint64(self.step))
        network.loss_and_grad(work, self.theta, self.source, windows, batch, **options)
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
        # of several buckets a small one is not mixed with others: its batch counts by the windows that it has
        share = 1.0 if len(self.buckets) == 1 else len(batch) / self.batch_size
        network.backend.update(work, self.theta, self.moments, self.decay, hyper, clip, self.norms, number, share)

    def _check(self, epoch: int, value: float, weight: float, norms: np.ndarray) -> None:
        """Check the losses and the gradients' norms of an epoch, once: what is not finite stays so until its end."""
        bad = np.flatnonzero(~np.isfinite(norms))
        if len(bad) == 0 and math.isfinite(value):
            self.last_norm = float(norms[-1])
            return
        step = int(bad[0]) if len(bad) else self.n_batches - 1
        before = float(norms[step - 1]) if step > 0 else self.last_norm
        raise FloatingPointError(
            f"loss or gradient stopped being finite in epoch {epoch}, step {step + 1} of {self.n_batches} (loss of the "
            f"epoch {value / max(weight, 1):.3g}, gradient norm before that step {before:.3g}); {self.remedy()}"
        )

    def remedy(self) -> str:
        """Advice for an error message when numbers overflow."""
        scaling = "" if self.network.architecture.n_symbols else "scaling='standard' or 'window', "
        return (
            f"try a smaller learning_rate (now {self.settings.learning_rate:g}), a smaller Adam(clip_norm=…), "
            f"{scaling}or dtype='float64'"
        )


class _Monitor:
    """The validation error after each epoch, and the parameters with the lowest error."""

    def __init__(self, network: Network, theta: Handle, training: Training, validation: Validation | None):
        self.network, self.theta, self.training, self.validation = network, theta, training, validation
        self.kept: np.ndarray | None = None
        if validation:
            self.rooms = [
                (network.some_room(geometry, min(256, len(windows)), loss=network.architecture.loss), windows)
                for geometry, windows in buckets_of(validation.windows, validation.geometry)
            ]
            self.after(0)

    def after(self, epoch: int) -> bool:
        """Record the error after `epoch`; return whether to stop."""
        if self.validation is None:
            self.training.best_epoch = epoch
            return False
        # The likelihood of a path is the product of those of its steps given the true ones before, and so is the
        # probability of a sequence of symbols: of what the network writes itself, a single symbol too many would make
        # all later ones wrong. A point forecast is judged as it is made, from its own forecasts.
        loss = self.network.architecture.loss
        free_run = not (loss.family or loss.is_of_classes)
        value, weight = np.sum(
            [
                self.network.evaluate(work, self.theta, self.validation.source, windows, free_run=free_run)
                for work, windows in self.rooms
            ],
            axis=0,
        ).tolist()
        error = value / weight if weight > 0 else 0.0
        error = error if math.isfinite(error) else math.inf  # any finite error is better
        curve = self.training.validation_curve
        stopping = self.validation.early_stopping
        if epoch == 0 or error < curve[self.training.best_epoch] - stopping.min_delta:
            self.training.best_epoch = epoch
            self.kept = self.network.backend.download(self.theta)
        curve.append(error)
        return epoch - self.training.best_epoch >= stopping.patience


def warm_up(network: Network, geometry: Geometry, capacity: int = 1) -> float:
    """Compile the kernels of a training with batches of `capacity` windows, by one step; return the seconds."""
    started = time.perf_counter()
    a = network.architecture
    network.backend.prepare(network.layout(geometry), network.dtype, a.loss)
    inputs = np.zeros((geometry.n_steps + geometry.n_ahead, a.n_inputs))
    targets = np.zeros((geometry.n_ahead, a.n_targets))
    source = Source.upload(network.backend, inputs, targets, np.ones_like(targets))
    scales = Scales.of_table(inputs[:1], 1 + inputs[:1], targets[:1], 1 + targets[:1])
    zero, length = np.zeros(1, np.int64), np.full(1, geometry.n_steps)
    static = Static.zeros(1, a.n_static, len(a.cardinalities)) if a.static_size else None
    windows = Windows(zero, length, zero, zero, scales, static)
    settings = Settings(Adam(), learning_rate=0.0, batch_size=1, max_epochs=1)
    minimise(network, np.zeros(a.size), source, windows, geometry, settings, seed=0, capacity=capacity)
    return time.perf_counter() - started
