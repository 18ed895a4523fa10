"""What a backend gets of a network: its sizes, index tables, parts and the program that it runs.

A *program* is a list of operations, each with the `Step` that it works on. The gradient's program is that of the
forward pass reversed, after the arrays to which gradients are added have been cleared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..cells.cell import Cell
from . import (
    attention,
    between,
    bridge,
    common,
    covariates,
    decay,
    directions,
    embedding,
    feed,
    gather,
    head,
    initial_state,
    inputs,
    pooling,
    positions,
    recurrent,
    season,
    segments,
    skip,
    softmax,
    static,
    update,
)
from .common import (
    CLEAR,
    CONSTANTS,
    GRAD,
    LINEAR_ROWS,
    MATRICES,
    OFFSETS,
    POINT_ROWS,
    SCRATCH,
    THETA_T,
    WIDTHS,
)
from .inputs import READ
from .part import GRADIENT, INPUTS, LOSS, OUTPUTS, Buffer, Operation, Part, Sizes, Step, Weights
from .shape import Shape, known_ahead, needs_input_gradient

#: What every network has: the arrays of a batch, how they are filled, and the update.
BATCH: tuple[Part, ...] = (common.COMMON, gather.PART, softmax.PART, update.PART)
#: All parts, for the numbers of arrays and parameters; a network is made of some of them.
PARTS: tuple[Part, ...] = (
    *BATCH,
    recurrent.PART,
    initial_state.PART,
    static.PART,
    decay.PART,
    inputs.PART,
    embedding.PART,
    between.PART,
    segments.PART,
    feed.PART,
    positions.PART,
    bridge.PART,
    attention.SCORE,
    head.PART,
    pooling.PART,
    directions.PART,
    attention.GATHER,
    skip.PART,
    season.PART,
    covariates.PART,
)


class Numbers(dict[Any, int]):
    """Numbers by which compiled code finds arrays and offsets."""

    def __missing__(self, key: Buffer | Weights) -> int:
        """Refuse what belongs to no part that is known."""
        raise LookupError(
            f"{type(key).__name__}({key.name!r}) has no number, since no part lists it; list it in the buffers or "
            "weights of its Part, and pass that to tsrnn.parts.layout.register before a network is made"
        )


BUFFERS = Numbers((buffer, n) for n, buffer in enumerate(b for part in PARTS for b in part.buffers))
WEIGHTS = Numbers((weights, n) for n, weights in enumerate(w for part in PARTS for w in part.weights))
#: Steps of a program.
Program = list[tuple[Operation, Step]]


def register(part: Part) -> Part:
    """Give the arrays and parameters of a part from outside the package their numbers, and return the part.

    To be called once, before a network with the part is made.
    """
    for buffer in part.buffers:
        BUFFERS.setdefault(buffer, len(BUFFERS))
    for weights in part.weights:
        WEIGHTS.setdefault(weights, len(WEIGHTS))
    return part


@dataclass(frozen=True, eq=False)
class Layout:
    """A network for windows of one geometry, as a backend runs it.

    Attributes
    ----------
    cell : Cell
    shape : Shape
    n_theta : int
        Number of parameters.
    offsets : mapping of str to int
        Offset of each parameter in theta.
    tables : mapping of Buffer to ndarray
        Index tables, which all tiles share.
    parts : sequence of Part
    forward : callable
        ``forward(first, last, free)``: the program that computes outputs `first` to `last`; with `first` > 0 it
        continues where output first - 1 was computed. `free`: forecasts are fed back.
    """

    cell: Cell
    shape: Shape
    n_theta: int
    offsets: Mapping[str, int]
    tables: Mapping[Buffer, np.ndarray]
    parts: Sequence[Part]
    forward: Callable[[int, int, bool], Program]

    def gradient(self, inputs: bool) -> Program:
        """Return the program of the gradient: all operations of a forward pass, reversed.

        If the network needs it, or if it is asked for, the gradient of the `inputs` is computed too.
        """
        wants_inputs = inputs or needs_input_gradient(self.shape)
        forward = self.forward(0, self.shape.n_outputs, False)
        steps = [item for item in reversed(forward) if item[0].gradient and (wants_inputs or item[0] is not READ)]
        buffers = [
            buffer
            for part in self.parts
            for buffer in part.buffers
            if buffer.is_added_to and (wants_inputs or buffer.needed != INPUTS)
        ]
        return [(CLEAR, Step(first=BUFFERS[buffer])) for buffer in buffers] + steps

    def shapes(
        self, n_tiles: int, tile: int, *, loss_size: int | None, n_constants: int, gradient: bool, inputs: bool
    ) -> dict[Buffer, tuple[int, ...]]:
        """Return the shape of every array; as `array_shapes`, with the network's index tables."""
        sizes = Sizes(self.cell, self.shape, tile, loss_size or 1)
        shapes = array_shapes(sizes, self.parts, n_tiles, loss_size=loss_size, gradient=gradient, inputs=inputs)
        shapes[CONSTANTS] = (1, n_constants)
        if gradient:
            shapes |= {THETA_T: (1, self.n_theta), GRAD: (n_tiles, self.n_theta)}
        return shapes | {buffer: (1, *table.shape) for buffer, table in self.tables.items()}

    def input_operations(self) -> list[Operation]:
        """Return the operations that fill the inputs of a tile, after `SCALE_WINDOWS` for the whole batch."""
        found = [gather.GATHER, gather.GATHER_AHEAD] if known_ahead(self.shape) else [gather.GATHER]
        found += [static.GATHER_STATIC] if self.shape.static_size else []
        return found + ([decay.KEEP] if self.shape.n_masked else [])

    def batch_operations(self) -> list[Operation]:
        """Return the operations that fill the arrays of a batch."""
        return [gather.SCALE_WINDOWS, *self.input_operations(), gather.GATHER_TARGETS]

    def update_operations(self) -> list[Operation]:
        """Return the operations that a training needs beside the network's gradient."""
        return [common.TRANSPOSE, update.UPDATE]

    def operations(self) -> list[Operation]:
        """Return every operation that some forward pass of this network runs, each once."""
        free = self.forward(0, self.shape.n_outputs, True)
        return list(dict.fromkeys(operation for operation, _ in self.forward(0, self.shape.n_outputs, False) + free))


def array_shapes(
    sizes: Sizes, parts: Sequence[Part], n_tiles: int, *, loss_size: int | None, gradient: bool, inputs: bool
) -> dict[Buffer, tuple[int, ...]]:
    """Return the shapes of all arrays but for tables and for what is as long as theta.

    The first axis is the tile, or has length 1. Arrays that are not needed are empty.

    Parameters
    ----------
    loss_size : int or None
        Parameters that the loss reads for each target; None without a loss.
    gradient, inputs : bool
        Whether the gradient is computed, and that of the inputs.
    """
    wanted = {
        OUTPUTS: True,
        LOSS: loss_size is not None,
        GRADIENT: gradient,
        INPUTS: gradient and (inputs or needs_input_gradient(sizes.shape)),
    }
    used = {buffer for part in parts for buffer in part.buffers}
    shapes = {}
    for buffer in BUFFERS:
        shape = buffer.shape(sizes)
        if buffer is SCRATCH:
            shape = (max(sizes.tile, *(part.scratch(sizes) for part in parts)),)
        if buffer not in used or not wanted[buffer.needed]:
            shape = (0,) * len(shape)
        shapes[buffer] = (1 if buffer.shared else n_tiles, *shape)
    return shapes


def index_tables(
    products: np.ndarray, widths: Sequence[int], rows: tuple[np.ndarray, np.ndarray], offsets: Mapping[str, int],
    shapes: Mapping[str, tuple[int, ...]], categories: np.ndarray,
) -> dict[Buffer, np.ndarray]:  # fmt: skip
    """Return the index tables of a network, from its layers' products and the parameters' offsets and shapes."""
    matrices = [
        (offsets[name] + i * rows * columns, rows, columns)
        for name, shape in shapes.items()
        for rows, columns in [(shape[-2] if len(shape) > 1 else 1, shape[-1])]
        for i in range(prod(shape[:-2]))
    ]
    return {
        recurrent.PRODUCTS: products,
        WIDTHS: np.array(widths, np.int64),
        LINEAR_ROWS: rows[0],
        POINT_ROWS: rows[1],
        OFFSETS: np.array([offsets.get(weights.name, -1) for weights in WEIGHTS], np.int64),
        MATRICES: np.array(matrices, np.int64),
        static.CATEGORIES: categories,
    }
