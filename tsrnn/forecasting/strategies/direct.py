"""Direct: one head forecasts the whole horizon from the final state; further steps are forecast block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ...checks import whole
from ...data.gaps import runs
from ...data.windows import Geometry, Windows
from ...networks.architecture import Decoder
from .. import ancestral, distribution
from .base import Continuation, Strategy


@dataclass(frozen=True)
class Direct(Strategy):
    """Forecast all steps of the horizon at once.

    Parameters
    ----------
    segment_length : int, default 1
        With more than 1, so many steps of the context are embedded together as one step of the network, and the
        segments of the horizon are decoded in parallel: each from the last state and a learned embedding of its
        position (SegRNN; Lin et al. 2023, arXiv:2308.11200, section 3). It must divide `context_length` and `horizon`.

    Examples
    --------
    >>> Direct(segment_length=24).geometry(context_length=720, horizon=96).n_steps
    720
    """

    segment_length: int = 1

    def __post_init__(self) -> None:
        whole("segment_length", self.segment_length)

    def geometry(self, context_length: int, horizon: int) -> Geometry:
        """One output of `horizon` steps after `context_length` steps."""
        self._check_multiples(context_length, horizon)
        return Geometry(context_length, block=horizon)

    def decoder(self, num_layers: int) -> Decoder | None:
        """Options of the decoder in parallel, if there are segments."""
        return Decoder(self.segment_length, parallel=True) if self.segment_length > 1 else None

    def forecast(self, start: Continuation) -> np.ndarray:
        """Point forecasts, (n, horizon, C); each block reads the forecasts before it."""
        loss = start.network.architecture.loss
        return self._block_after_block(start, lambda outputs: distribution.point(loss, outputs))

    def quantiles(self, start: Continuation, levels: np.ndarray) -> np.ndarray | None:
        """Quantiles of each step, (n, horizon, C, n_levels); beyond the trained horizon, from paths of blocks.

        None if the loss learns no distribution. Also None beyond the trained horizon if it learns quantiles: a later
        block reads point forecasts, and its quantiles would treat these as certain.
        """
        loss, within = start.network.architecture.loss, self._is_one_block(start)
        if not loss.family and not (loss.levels and within):
            return None
        if not within:
            return self._quantiles_of_paths(start, levels)
        outputs, windows = self._block(start)
        values = distribution.quantiles(loss, outputs[:, : start.horizon], levels)
        return np.moveaxis(windows.unscale(np.moveaxis(values, 0, 1)), 1, -1)

    def sample(self, start: Continuation, n_paths: int, rngs: Sequence[np.random.RandomState]) -> np.ndarray:
        """Random paths, (n, horizon, C, n_paths).

        Steps of one block, and channels, are independent given the input of the block; a later block reads the draws.
        """
        loss, n = start.network.architecture.loss, len(start.contexts)
        if self._is_one_block(start):
            outputs, windows = self._block(start)
            outputs = outputs[:, None, : start.horizon]
            each = np.broadcast_to(outputs, (n, n_paths, *outputs.shape[2:]))
            return np.moveaxis(windows.unscale(distribution.draw_each(loss, each, rngs)), 1, -1)

        def draw(outputs: np.ndarray, some: np.ndarray) -> np.ndarray:
            of_series = outputs.reshape(len(some), n_paths, *outputs.shape[1:])
            values = distribution.draw_each(loss, of_series, [rngs[i] for i in some])
            return values.reshape(len(outputs), *values.shape[2:])

        together, found = max(1, ancestral.LANES // n_paths), []
        for first in range(0, n, together):
            some = np.arange(first, min(first + together, n))
            many = start.take(np.repeat(some, n_paths))
            paths = self._block_after_block(many, partial(draw, some=some))
            found.append(paths.reshape(len(some), n_paths, *paths.shape[1:]))
        return np.moveaxis(np.concatenate(found), 1, -1)

    def _is_one_block(self, start: Continuation) -> bool:
        """Whether one block covers the horizon and no values of it are known."""
        return start.known is None and start.horizon <= start.network.architecture.block

    def _block_after_block(self, start: Continuation, read: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """The values ``read(outputs)`` of block after block, (n, horizon, C); each block reads the values before it.

        Known values of the first steps replace those of `read`.
        """
        n, length, C = start.contexts.shape
        unknown = np.ones((start.horizon, C), bool)
        series = np.concatenate([start.contexts, np.zeros((n, start.horizon, C))], axis=1)
        if start.known is not None:
            unknown[: len(start.known)] = np.isnan(start.known)
            series[:, length : length + len(start.known)] = start.known
        for first, last in runs(unknown, start.network.architecture.block):
            at = slice(first, first + length)
            late = np.maximum(np.asarray(start.late) - first, 0)
            covariates, past = start.covariates[:, first:], start.past
            if past is not None:  # of forecast steps the last one stands for what is not known
                past = past[:, np.minimum(np.arange(first, first + length), length - 1)]
            masks = start.masks
            if masks is not None:
                ahead = np.broadcast_to(np.repeat([1.0, 0.0], C), (n, start.horizon, 2 * C))
                masks = np.concatenate([masks, ahead], axis=1)[:, at]
            block = start._replace(contexts=series[:, at], covariates=covariates, late=late, past=past, masks=masks)
            outputs, windows = self._block(block)
            values = windows.unscale(read(outputs[:, : last - first]))
            steps = series[:, length + first : length + last]
            series[:, length + first : length + last] = np.where(unknown[first:last], values, steps)
        return series[:, length:]

    def _block(self, start: Continuation) -> tuple[np.ndarray, Windows]:
        """The outputs of the block after each context, (n, block, C, loss.size), and the contexts' windows."""
        length, block = start.contexts.shape[1], start.network.architecture.block
        geometry = self.geometry(length, block)
        source, windows = start.windows(geometry)
        return start.network.predict(start.theta, source, windows, geometry, free_run=False)[:, 0], windows
