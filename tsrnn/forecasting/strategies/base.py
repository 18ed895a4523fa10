"""The interface of strategies: how a network that reads a context forecasts any number of steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ...data.panel import Panel
from ...data.scaling import PanelScaling
from ...data.static import Static
from ...data.windows import Geometry, Windows
from ...networks.architecture import Decoder
from ...networks.network import Handle, Network, Source
from .. import ancestral, distribution
from .teacher_forcing import TeacherForcing


class Continuation(NamedTuple):
    """n contexts of the same length that a trained network continues.

    Attributes
    ----------
    contexts : (n, context_length, C)
    covariates : (n, context_length + horizon, F)
        Covariates and seasonal inputs of the contexts and of the steps ahead.
    horizon : int
        Number of steps.
    known : (m, C) or None
        Observed values of the first m steps, NaN where there are none. With one context only; its paths go through
        them.
    series : (n,) int, or one number for all
        Number of each context's series among those that the scaling was learned from.
    late : (n,) int, or one number for all
        First rows of each context that only make it long enough, and are not read.
    past : (n, context_length, P) or None
        Covariates of the contexts that are not known ahead; the steps ahead keep the last ones. None stands for P = 0.
    static : Static or None
        Static covariates of all series of the scaling.
    masks : (n, context_length, 2C) or None
        `Panel.masks` of the contexts, for networks that read them.
    """

    network: Network
    theta: Handle
    contexts: np.ndarray
    covariates: np.ndarray
    scaling: PanelScaling
    horizon: int
    known: np.ndarray | None = None
    series: np.ndarray | int = 0
    late: np.ndarray | int = 0
    past: np.ndarray | None = None
    static: Static | None = None
    masks: np.ndarray | None = None

    def take(self, chosen: np.ndarray) -> Continuation:
        """The continuation of some of the contexts, or of one several times."""
        series, late = (np.broadcast_to(numbers, len(self.contexts))[chosen] for numbers in (self.series, self.late))
        contexts, covariates = self.contexts[chosen], self.covariates[chosen]
        past, masks = (None if rows is None else rows[chosen] for rows in (self.past, self.masks))
        return self._replace(contexts=contexts, covariates=covariates, series=series, late=late, past=past, masks=masks)

    def windows(self, geometry: Geometry) -> tuple[Source, Windows]:
        """The contexts as windows of `geometry`, each followed by rows for the steps ahead, whose values are zeros."""
        (n, length, C), n_rows = self.contexts.shape, geometry.context + geometry.n_ahead
        steps, at = np.zeros((n, n_rows, C)), np.arange(n_rows)
        steps[:, :length] = self.contexts
        values = steps.reshape(n * n_rows, C)
        known = self.covariates[:, np.minimum(at, self.covariates.shape[1] - 1)].reshape(len(values), -1)
        past = np.empty((n, length, 0)) if self.past is None else self.past
        past = past[:, np.minimum(at, length - 1)].reshape(len(values), past.shape[2])
        indptr = n_rows * np.arange(n + 1)
        panel = Panel(values, np.ones(values.shape, bool), known, indptr, past=past)
        scales, series = self.scaling.scales(values), np.broadcast_to(self.series, n)
        windows = Windows.at(panel.indptr[:-1], series, scales, geometry, np.asarray(self.late))
        inputs = panel.inputs()
        if self.masks is not None:  # a forecast that is read counts as observed
            ahead = np.broadcast_to(np.repeat([1.0, 0.0], C), (n, n_rows - length, 2 * C))
            inputs = np.hstack([inputs, np.concatenate([self.masks, ahead], axis=1).reshape(len(values), 2 * C)])
        return Source.upload(self.network.backend, inputs), replace(windows, static=self.static)


class Strategy:
    """Base class. A strategy is a frozen dataclass in a file of its own."""

    #: Number of steps that are read and forecast together.
    segment_length: int = 1

    # ------------------------------------------------------------ training
    def geometry(self, context_length: int, horizon: int) -> Geometry:
        """Numbers of steps and outputs of a training window.

        Raises
        ------
        ValueError
            If a length is not a multiple of `segment_length`.
        """
        raise NotImplementedError

    def decoder(self, num_layers: int) -> Decoder | None:
        """Options of the decoder after `num_layers` layers; None if the network has no decoder."""
        return None

    def forcing(self, is_likelihood: bool) -> TeacherForcing | None:
        """Schedule of teacher forcing in training; None if the network has no decoder that reads its own forecasts."""
        return None

    # ------------------------------------------------------------ forecasts
    def forecast(self, start: Continuation) -> np.ndarray:
        """Point forecasts, (n, horizon, C)."""
        raise NotImplementedError

    def quantiles(self, start: Continuation, levels: np.ndarray) -> np.ndarray | None:
        """Quantiles of each step, (n, horizon, C, n_levels); None if the loss learns none."""
        raise NotImplementedError

    def sample(self, start: Continuation, n_paths: int, rngs: Sequence[np.random.RandomState]) -> np.ndarray:
        """Random paths after each context, drawn by its own generator, (n, horizon, C, n_paths).

        The loss must be a likelihood.
        """
        raise NotImplementedError

    # ------------------------------------------------------------ helpers
    def _quantiles_of_paths(self, start: Continuation, levels: np.ndarray) -> np.ndarray:
        """Quantiles of each step over many paths, (n, horizon, C, n_levels)."""
        return ancestral.summarise(
            lambda chosen, n_paths, rngs: self.sample(start.take(chosen), n_paths, rngs),
            len(start.contexts),
            lambda paths: ancestral.quantiles(paths, levels),
        )

    def _check_multiples(self, context_length: int, horizon: int) -> None:
        s = self.segment_length
        for name, length in (("context_length", context_length), ("horizon", horizon)):
            if s > length:
                raise ValueError(f"{name}={length} is shorter than segment_length={s}; make segment_length smaller")
            if length % s:
                nearest = " or ".join(str(n) for n in (length // s * s, length // s * s + s) if n)
                raise ValueError(
                    f"{name}={length} is no multiple of segment_length={s}; use {name}={nearest}, or another "
                    "segment_length"
                )


class Rolling(Strategy):
    """A strategy in which each output reads the outputs before it, so that any number of steps can be forecast."""

    def geometry(self, context_length: int, horizon: int) -> Geometry:
        """An output for each segment of the horizon, the first after `context_length` steps."""
        self._check_multiples(context_length, horizon)
        s = self.segment_length
        return Geometry(context_length, n_outputs=horizon // s, block=s, stride=s)

    def forecast(self, start: Continuation) -> np.ndarray:
        """Point forecasts, (n, horizon, C); each output reads those before it."""
        source, windows, geometry = self._windows(start)
        outputs = start.network.predict(start.theta, source, windows, geometry, free_run=True)
        points = windows.unscale(distribution.point(start.network.architecture.loss, outputs))
        return points.reshape(len(points), -1, points.shape[-1])[:, : start.horizon]

    def quantiles(self, start: Continuation, levels: np.ndarray) -> np.ndarray | None:
        """Quantiles over paths, (n, horizon, C, n_levels).

        None if the loss is not a likelihood: trained quantiles assume that the steps before were exactly as forecast.
        """
        if not start.network.architecture.loss.family:
            return None
        return self._quantiles_of_paths(start, levels)

    def sample(self, start: Continuation, n_paths: int, rngs: Sequence[np.random.RandomState]) -> np.ndarray:
        """Paths whose steps depend on each other, (n, horizon, C, n_paths)."""
        paths = ancestral.paths(start.network, start.theta, *self._windows(start), n_paths, rngs, start.known)
        return paths[:, : start.horizon]

    def _windows(self, start: Continuation) -> tuple[Source, Windows, Geometry]:
        """A window for each context; the horizon is rounded up to whole segments."""
        steps = -(-start.horizon // self.segment_length) * self.segment_length
        geometry = self.geometry(start.contexts.shape[1], steps)
        return *start.windows(geometry), geometry
