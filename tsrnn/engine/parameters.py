"""Names and shapes of a network's parameters <-> one flat vector theta."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..equations.cell import Cell, Product
from ..equations.loss import LINKS, Loss
from ..kernels.layout import Shape, block_table


@dataclass(frozen=True)
class Geometry:
    """Which steps a window has and which are scored.

    A window reads `context` steps before its first output and one more before each further one; each of its `n_outputs`
    outputs forecasts the next `block` steps.
    """

    context: int
    n_outputs: int = 1
    block: int = 1

    @property
    def n_steps(self) -> int:
        """Steps that the network reads."""
        return self.context + self.n_outputs - 1

    @property
    def n_ahead(self) -> int:
        """Steps after the context that the window's targets cover."""
        return self.n_outputs + self.block - 1


@dataclass(frozen=True)
class Architecture:
    """All that decides the shapes of a network's parameters.

    `block` steps of `n_targets` targets with `loss.size` parameters each make the output. `n_covariates` of the inputs,
    the last ones, are known ahead; where the others are the targets themselves, `lags` > 0 adds the linear skip over
    that many steps, and a free run is possible.
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

    @property
    def output_size(self) -> int:
        """Numbers that one output holds: (block, n_targets, loss.size) in C order."""
        return self.block * self.n_targets * self.loss.size

    @property
    def n_channels(self) -> int:
        """Inputs that are the targets themselves: all or none of the targets."""
        return self.n_targets if self.n_inputs == self.n_targets + self.n_covariates else 0

    def layer_inputs(self, layer: int) -> int:
        """Inputs of a layer: the series', then the hidden state of the layer below."""
        return self.n_inputs if layer == 0 else self.hidden_size

    def products(self) -> list[tuple[str, int, Product]]:
        """Name, layer and description of every weight matrix of the layers, in the order of theta."""
        return [
            (f"layer{layer}.product{k}", layer, item)
            for layer in range(self.num_layers)
            for k, item in enumerate(self.cell.products)
        ]

    def bias_column(self, layer: int, operand: str) -> int | None:
        """The column of a product's weights that meets the row of ones, if it reads that row."""
        return {"x1h": self.layer_inputs(layer), "x1": self.layer_inputs(layer), "1h": 0}.get(operand)

    @cached_property
    def entries(self) -> dict[str, tuple[int, tuple[int, ...]]]:
        """Offset and shape of every parameter by name, in the order of theta."""
        entries: dict[str, tuple[int, tuple[int, ...]]] = {}
        offset = 0

        def add(name: str, *shape: int) -> None:
            nonlocal offset
            entries[name] = (offset, shape)
            offset += int(np.prod(shape))

        for name, layer, item in self.products():
            r0, r1 = self.cell.rows(item.operand, self.layer_inputs(layer), self.hidden_size)
            add(name, len(item.planes) * self.hidden_size, r1 - r0)
        if self.learn_initial_state:
            add("initial_state", self.num_layers, len(self.cell.states), self.hidden_size)
        add("head", self.output_size, 1 + self.hidden_size)
        if self.lags:
            add("skip", self.n_targets, self.block, self.lags)
        if self.n_covariates:
            for j in range(self.block):
                add(f"ahead{j}", self.n_targets * self.loss.size, (j + 1) * self.n_covariates)
        return entries

    @property
    def size(self) -> int:
        """Length of theta."""
        offset, shape = list(self.entries.values())[-1]
        return offset + int(np.prod(shape))

    def views(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """The parameters of theta by name; writing to a view writes to theta."""
        return {
            name: theta[offset : offset + int(np.prod(shape))].reshape(shape)
            for name, (offset, shape) in self.entries.items()
        }

    @cached_property
    def blocks(self) -> np.ndarray:
        """The table of products of every layer, (L, n_products, 6)."""
        return np.stack(
            [
                block_table(
                    self.cell, self.layer_inputs(layer), self.hidden_size, self.entries[f"layer{layer}.product0"][0]
                )
                for layer in range(self.num_layers)
            ]
        )

    @cached_property
    def rows(self) -> np.ndarray:
        """The skip's row that each output adds or -1, and the output that each input of a free run reads, (2, O)."""
        rows = np.zeros((2, max(self.output_size, self.n_inputs)), np.int64)
        rows[0] = -1
        steps = np.arange(self.output_size).reshape(self.block, self.n_targets, self.loss.size)
        if self.lags:
            for p in self.loss.location:
                for j in range(self.block):
                    rows[0, steps[j, :, p]] = np.arange(self.n_targets) * self.block + j
        if self.n_channels:
            rows[1, : self.n_channels] = steps[0, :, self.loss.point]
        return rows

    def shape(self, geometry: Geometry) -> Shape:
        """What the loops need to know, for windows of `geometry`."""
        at = {name: offset for name, (offset, _) in self.entries.items()}
        return Shape(
            n_inputs=self.n_inputs,
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            n_steps=geometry.n_steps,
            n_outputs=geometry.n_outputs,
            output_size=self.output_size,
            lags=self.lags,
            block=self.block,
            n_channels=self.n_channels,
            n_ahead=self.n_covariates,
            state_at=at.get("initial_state", -1),
            head_at=at["head"],
            skip_at=at.get("skip", -1),
            ahead_at=at.get("ahead0", -1),
            link=LINKS.index(self.loss.link),
        )
