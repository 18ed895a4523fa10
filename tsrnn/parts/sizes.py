"""What decides the parameters of a network: its cell, loss and sizes, and how it decodes."""

from __future__ import annotations

from dataclasses import dataclass

from ..cells.cell import Cell
from ..losses.loss import Loss


@dataclass(frozen=True)
class Decoder:
    """How a network decodes what its layers have read.

    With `parallel` steps each segment of the block starts from the encoder's last states and has its weights;
    otherwise `num_layers` layers of its own go from segment to segment.
    """

    segment: int = 1
    parallel: bool = False
    num_layers: int = 1
    bridge: bool = False
    attention: str | None = None
    exact_feedback: bool = True


def embedding_width(cardinality: int) -> int:
    """Return the width of the embedding of a category with so many values, at most 50.

    min(50, 1.6 n^0.56), rounded, at least 1: the rule of the library fastai (Howard & Gugger 2020,
    doi:10.3390/info11020108) with a smaller limit.
    """
    return max(1, min(50, round(1.6 * cardinality**0.56)))


@dataclass(frozen=True)
class NetworkSizes:
    """All that decides the shapes of a network's parameters.

    `block` steps of `n_targets` targets with `loss.size` parameters each make the output. The last inputs are known
    ahead: `n_covariates`, then `n_seasonal` of each target, which only its own forecasts read beside the layers. Where
    the other inputs are the targets themselves, `lags` > 0 adds the linear skip over that many steps and the seasonal
    inputs, and a free run is possible.

    `n_static` static numbers and a category for each of the `cardinalities`, its number of values in the training,
    set the initial states. These are learned then, whatever `learn_initial_state` is.

    With `n_masked` > 0 the first `n_masked` inputs, all channels, have a mask and a time since they were observed: the
    last 2 n_masked inputs, after those that are known ahead. The `n_past` inputs after the channels are covariates that
    are not known ahead.

    With `pooling` "mean" or "max" the head of a network without a decoder reads the outputs of all steps together, so
    that it has one output.

    With `n_symbols` > 0 the only input is the code of a symbol, which becomes a vector of length `embedding_size`. A
    decoder has a table of `n_target_symbols`, or with 0 that of its encoder; its targets are codes, and its outputs a
    logit for each of them.

    A `bidirectional` network has `num_layers` layers that go forwards and as many that go backwards. Without a decoder
    it has no linear skip; its only output depends on the whole window, or it has an output at each step. With a decoder
    they are its encoder, and the decoder has a bridge.
    """

    cell: Cell
    n_inputs: int
    n_targets: int
    block: int
    loss: Loss
    hidden_size: int = 32
    num_layers: int = 1
    lags: int = 0
    learn_initial_state: bool = False
    n_covariates: int = 0
    decoder: Decoder | None = None
    n_seasonal: int = 0
    n_static: int = 0
    cardinalities: tuple[int, ...] = ()
    n_masked: int = 0
    n_past: int = 0
    pooling: str = "last"
    n_symbols: int = 0
    n_target_symbols: int = 0
    embedding_size: int = 0
    bidirectional: bool = False

    @property
    def directions(self) -> int:
        """Directions in which the layers go over a window."""
        return 2 if self.bidirectional else 1

    @property
    def n_layers(self) -> int:
        """Recurrent layers without those of a decoder; each direction counts."""
        return self.directions * self.num_layers

    @property
    def static_size(self) -> int:
        """Length of the vector of static covariates: 1, the numbers, the embeddings; 0 without static covariates."""
        n = self.n_static + sum(map(embedding_width, self.cardinalities))
        return 1 + n if n else 0

    @property
    def output_size(self) -> int:
        """Numbers that one output holds: (block, n_targets, loss.size) in C order."""
        return self.block * self.n_targets * self.loss.size

    @property
    def n_channels(self) -> int:
        """Inputs that are the targets themselves: all or none of the targets."""
        others = self.n_past + self.n_covariates + self.n_targets * self.n_seasonal + 2 * self.n_masked
        return self.n_targets if self.n_inputs == self.n_targets + others else 0
