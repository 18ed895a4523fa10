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


@dataclass(frozen=True)
class NetworkSizes:
    """All that decides the shapes of a network's parameters.

    `block` steps of `n_targets` targets with `loss.size` parameters each make the output. The last inputs are known
    ahead: `n_covariates`, then `n_seasonal` of each target, which only its own forecasts read beside the layers. Where
    the other inputs are the targets themselves, `lags` > 0 adds the linear skip over that many steps and the seasonal
    inputs, and a free run is possible.
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

    @property
    def output_size(self) -> int:
        """Numbers that one output holds: (block, n_targets, loss.size) in C order."""
        return self.block * self.n_targets * self.loss.size

    @property
    def n_channels(self) -> int:
        """Inputs that are the targets themselves: all or none of the targets."""
        known = self.n_covariates + self.n_targets * self.n_seasonal
        return self.n_targets if self.n_inputs == self.n_targets + known else 0
