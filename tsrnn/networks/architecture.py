"""Names and shapes of a network's parameters <-> one flat vector theta."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from ..cells.cell import Cell, Product
from ..data.windows import Geometry
from ..kernels.layout import ADDITIVE, DOT, GENERAL, NO_ATTENTION, Shape, Tables, block_table
from ..losses.loss import LINKS, Loss

#: The names that ``attention=`` accepts.
ATTENTION: dict[str | None, int] = {None: NO_ATTENTION, "dot": DOT, "general": GENERAL, "additive": ADDITIVE}


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
class Architecture:
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

    @property
    def layers(self) -> list[tuple[str, int]]:
        """Name and number of inputs of every layer with weights of its own, a decoder's last."""
        d, H = self.decoder, self.hidden_size
        lowest = H if d and d.segment > 1 else self.n_inputs
        names = [(f"layer{n}", H if n else lowest) for n in range(self.num_layers)]
        if d and not d.parallel:  # its lowest layer also reads the flag of the first step
            names += [(f"decoder{n}", H if n else lowest + 1) for n in range(d.num_layers)]
        return names

    def products(self) -> list[tuple[str, int, Product]]:
        """Name, number of the layer's inputs and description of every weight matrix of the layers, as in theta."""
        return [
            (f"{name}.product{k}", n_inputs, item)
            for name, n_inputs in self.layers
            for k, item in enumerate(self.cell.products)
        ]

    def bias_column(self, n_inputs: int, operand: str) -> int | None:
        """The column of a product's weights that meets the row of ones, if it reads that row."""
        return {"x1h": n_inputs, "x1": n_inputs, "1h": 0}.get(operand)

    @cached_property
    def entries(self) -> dict[str, tuple[int, tuple[int, ...]]]:
        """Offset and shape of every parameter by name, in the order of theta."""
        entries: dict[str, tuple[int, tuple[int, ...]]] = {}
        offset = 0

        def add(name: str, *shape: int) -> None:
            nonlocal offset
            entries[name] = (offset, shape)
            offset += int(np.prod(shape))

        H = self.hidden_size
        for name, n_inputs, item in self.products():
            r0, r1 = self.cell.rows(item.operand, n_inputs, H)
            add(name, len(item.planes) * H, r1 - r0)
        if self.learn_initial_state:
            add("initial_state", self.num_layers, len(self.cell.states), H)
        if self.decoder:
            for name, shape in self._decoding(self.decoder).items():
                add(name, *shape)
        if self.decoder is None or not self.decoder.parallel:
            add("head", self.output_size, 1 + H)
        if self.lags:
            add("skip", self.n_targets, self.block, self.lags)
            if self.n_seasonal:
                add("season", self.n_targets, 2, self.block, self.n_seasonal)
        if self.n_covariates:
            for j in range(self.block):
                add(f"ahead{j}", self.n_targets * self.loss.size, (j + 1) * self.n_covariates)
        return entries

    def _decoding(self, d: Decoder) -> dict[str, tuple[int, ...]]:
        """Shapes of what a decoder has beside its layers."""
        H, O = self.hidden_size, self.output_size
        shapes: dict[str, tuple[int, ...]] = {}
        if d.segment > 1:
            shapes["embedding"] = (H, 1 + self.n_inputs * d.segment)
        if d.parallel:
            m = self.block // d.segment
            shapes |= {"position": (m, H), "bias": (O, 1), "head": (O // m, H)}
        elif d.bridge:
            shapes["bridge"] = (len(self.cell.states), d.num_layers * H, 1 + self.num_layers * H)
        if d.attention:
            shapes["context"] = (O, H)
        if d.attention in ("general", "additive"):
            shapes["query"] = (H, H if d.attention == "general" else 1 + H)
        if d.attention == "additive":
            shapes |= {"key": (H, H), "energy": (1, H)}
        return shapes

    @cached_property
    def size(self) -> int:
        """Length of theta; computed without a list of the layers, of which an argument may ask for any number."""
        d, H, O = self.decoder, self.hidden_size, self.output_size
        lowest = H if d and d.segment > 1 else self.n_inputs
        size = self._layers_size(self.num_layers, lowest)
        size += self.num_layers * len(self.cell.states) * H if self.learn_initial_state else 0
        if d:
            size += 0 if d.parallel else self._layers_size(d.num_layers, lowest + 1)
            size += sum(map(prod, self._decoding(d).values()))
        size += 0 if d and d.parallel else O * (1 + H)
        skip = self.n_targets * self.block * (self.lags + (2 * self.n_seasonal if self.lags else 0))
        return size + skip + O * self.n_covariates * (self.block + 1) // 2

    def _layers_size(self, num_layers: int, n_inputs: int) -> int:
        """Weights of so many layers, of which the lowest reads `n_inputs`."""
        H = self.hidden_size

        def weights(width: int) -> int:
            spans = ((item, self.cell.rows(item.operand, width, H)) for item in self.cell.products)
            return sum(len(item.planes) * H * (last - first) for item, (first, last) in spans)

        return weights(n_inputs) + (num_layers - 1) * weights(H)

    def views(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """The parameters of theta by name; writing to a view writes to theta."""
        return {
            name: theta[offset : offset + int(np.prod(shape))].reshape(shape)
            for name, (offset, shape) in self.entries.items()
        }

    def bias(self, theta: np.ndarray) -> np.ndarray:
        """The bias of every output in theta, (O,); writing to it writes to theta."""
        views = self.views(theta)
        return views.get("bias", views["head"])[:, 0]

    @cached_property
    def tables(self) -> Tables:
        """What the loops look up."""
        blocks = [
            block_table(self.cell, n_inputs, self.hidden_size, self.entries[f"{name}.product0"][0])
            for name, n_inputs in self.layers
        ]
        if self.decoder and self.decoder.parallel:
            blocks += blocks
        matrices = [
            (offset + i * shape[-2] * shape[-1], *shape[-2:])
            for offset, shape in self.entries.values()
            for i in range(int(np.prod(shape[:-2])))
        ]
        return Tables(np.stack(blocks), self._rows(), np.array(matrices, np.int64))

    def _rows(self) -> np.ndarray:
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
            n_seasonal=self.n_seasonal,
            state_at=at.get("initial_state", -1),
            head_at=at["head"],
            skip_at=at.get("skip", -1),
            season_at=at.get("season", -1),
            ahead_at=at.get("ahead0", -1),
            link=LINKS.index(self.loss.link),
            **self._decoder_shape(at),
        )

    def _decoder_shape(self, at: dict[str, int]) -> dict[str, int]:
        d = self.decoder
        if d is None:
            return {}
        names = ("embedding", "position", "bias", "bridge", "context", "query", "key", "energy")
        return {
            "decoder_layers": self.num_layers if d.parallel else d.num_layers,
            "segment": d.segment,
            "parallel": int(d.parallel),
            "attention": ATTENTION[d.attention],
            "through": int(d.exact_feedback),
            **{f"{name}_at": at.get(name, -1) for name in names},
        }
