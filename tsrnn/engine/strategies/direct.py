"""Direct: one head for the whole horizon, decoded from the final state; beyond it, block after block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...checks import whole
from .. import distribution
from ..network import Source
from ..parameters import Decoder, Geometry
from ..windows import Windows, ahead_of
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
        """Parallel steps, where there are segments."""
        return Decoder(self.segment_length, parallel=True) if self.segment_length > 1 else None

    def forecast(self, start: Continuation) -> np.ndarray:
        """The points, (horizon, C); each block reads the forecasts before it."""
        length, series = len(start.context), start.context
        while len(series) < length + start.horizon:
            done = len(series) - length
            block = start._replace(context=series[done:], covariates=start.covariates[done:], horizon=1)
            outputs, windows = self._block(block)
            points = distribution.point(start.network.architecture.loss, outputs)
            series = np.concatenate([series, windows.unscale(points)[0]])
        return series[length : length + start.horizon]

    def quantiles(self, start: Continuation, levels: np.ndarray) -> np.ndarray | None:
        """Quantiles of each step; None where the outputs are neither a distribution nor quantiles.

        Raises
        ------
        ValueError
            Beyond the trained horizon, or where a level was not trained.
        """
        loss = start.network.architecture.loss
        if not (loss.family or loss.levels):
            return None
        outputs, windows = self._block(start)
        values = distribution.quantiles(loss, outputs[0, : start.horizon], levels)
        return np.moveaxis(windows.unscale(values[None])[0], 0, -1)

    def sample(self, start: Continuation, n_paths: int, rng: np.random.RandomState) -> np.ndarray:
        """Draws of each step, (horizon, C, n_paths): steps and channels are independent, given the context.

        Raises
        ------
        ValueError
            Beyond the trained horizon.
        """
        outputs, windows = self._block(start)
        outputs = outputs[:, : start.horizon]
        each = np.broadcast_to(outputs, (n_paths, *outputs.shape[1:]))
        values = distribution.draw(start.network.architecture.loss, each, rng)
        return np.moveaxis(windows.unscale(values[None])[0], 0, -1)

    def _block(self, start: Continuation) -> tuple[np.ndarray, Windows]:
        """The outputs of the block after the context, (1, block, C, loss.size), and its window.

        A horizon beyond it is an error, since a later block would read points where this one has distributions.
        """
        network, context = start.network, start.context
        length, block = len(context), network.architecture.block
        if start.horizon > block:
            raise ValueError(
                f"a direct network knows the distribution of horizon={block} steps ahead, not of {start.horizon}; fit "
                "with a longer horizon"
            )
        geometry = self.geometry(length, block)
        windows = start.scaling.windows(context, np.zeros(1, np.int64), geometry)
        known = start.covariates[: length + block]
        source = Source.upload(network.backend, ahead_of(context, known), context, context)
        return network.predict(start.theta, source, windows, geometry, free_run=False)[:, 0], windows
