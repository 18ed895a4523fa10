"""A fit: compile, train with early stopping, and perhaps train once more on everything."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from ..data.windows import Buckets, WindowIndex, Windows, buckets_of
from ..networks.network import Network, Source
from .loop import Training, Validation, minimise, warm_up
from .options import Settings
from .plan import Plan
from .start import starting_values


@dataclass(frozen=True)
class Fit:
    """A trained network.

    Attributes
    ----------
    theta : (n_parameters,)
        Final parameters.
    training : Training
        The training before a refit, with the parameters that the validation part was judged by.
    timings : dict of str to float
        Seconds of each phase.
    """

    theta: np.ndarray
    training: Training
    timings: dict[str, float]


def fit_network(
    network: Network,
    plan: Plan,
    theta: np.ndarray,
    settings: Settings,
    seed: int,
    *,
    is_warm: bool = False,
    n_epochs: int | None = None,
) -> Fit:
    """Train from `theta`, from its closed-form start unless it `is_warm`, for `n_epochs` if not `settings.max_epochs`.

    To be called within the backend's session.
    """
    geometry, most = max(buckets_of(plan.windows, plan.geometry), key=lambda bucket: len(bucket[1]))
    timings = {"compile": warm_up(network, geometry, min(settings.batch_size, len(most)))}
    started = time.perf_counter()
    source = Source.upload(network.backend, plan.inputs, plan.targets, plan.weight)
    validation = None
    if plan.held_out:
        weight, of_end = plan.held_out.weight, source
        if weight is not plan.weight:
            of_end = replace(source, observed=network.backend.upload(weight, np.float64))
        validation = Validation(of_end, plan.held_out.windows, plan.geometry, plan.held_out.early_stopping)

    start = _start(network, plan, theta, source, plan.windows, is_warm)
    training = minimise(
        network, start, source, plan.windows, plan.geometry, settings, seed, n_epochs=n_epochs, validation=validation
    )
    timings["train"] = time.perf_counter() - started
    if plan.refit is None:
        return Fit(training.theta, training, timings)

    start = _start(network, plan, theta, source, plan.refit, is_warm)
    silent = replace(settings, callbacks=())  # they were called for these epochs
    refit = minimise(
        network, start, source, plan.refit, plan.geometry, silent, seed, n_epochs=training.best_epoch, label="refit"
    )
    timings["refit"] = time.perf_counter() - started - timings["train"]
    return Fit(refit.theta, training, timings)


def _start(
    network: Network,
    plan: Plan,
    theta: np.ndarray,
    source: Source,
    windows: Windows | WindowIndex | Buckets,
    is_warm: bool,
) -> np.ndarray:  # fmt: skip
    return theta if is_warm else starting_values(network, theta, plan, source, windows)
