"""All kernels of a plan: the tile functions of the CPU ported to its team, and those that the device has of its own."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from ...cells.cell import Cell
from ...losses.registry import Loss
from .. import decoder, stack
from . import batch
from .device import Kernel
from .lanes import build_lanes
from .plan import Chip
from .port import Port, of_equations
from .products import build_products
from .recurrent import build_layer
from .team import GRID, batch_kernel, build_team, grid_each, grid_kernel, grid_number, tile_kernel, unpack


class Network(NamedTuple):
    """The kernels of a cell."""

    forward: Any
    backward: Any
    weights: Any


class Common(NamedTuple):
    """The kernels that know no cell and no loss."""

    gather: Any
    gather_targets: Any
    transpose: Any
    sum: Any
    norm: Any
    update: Any
    feed: Any
    ones: Any


@functools.cache
def build_network(cell: Cell, decodes: bool, chip: Chip, dtype: str) -> Network:
    """Forward and backward pass, and the gradient of the layers' weights."""
    team, alone, of_dtype = build_team(chip.blocks, dtype), build_team(1, dtype), of_equations(dtype)
    layer = build_layer(
        cell, chip, team, build_products(team, chip.threads, chip.lanes, dtype), Port(of_dtype, inline=True), dtype
    )
    port = Port(of_dtype | team.replacements() | build_lanes(team, Port(of_dtype, inline=True), dtype))
    loops = decoder if decodes else stack
    forward, backward = (
        port(function) for function in (loops.forward_of(layer.scan, ""), loops.backward_of(layer.bptt, ""))
    )
    weights = batch.with_shape(
        batch.build_weights(alone, build_products(alone, chip.threads, chip.lanes, dtype), dtype), unpack
    )
    name = "_".join(map(str, (cell.name, "decodes" if decodes else "reads", *chip, dtype)))
    return Network(
        tile_kernel(f"forward_{name}", forward, team, chip.threads),
        tile_kernel(f"backward_{name}", backward, team, chip.threads),
        grid_kernel(f"weights_{chip.threads}_{chip.lanes}_{dtype}", weights, 4, chip.threads),
    )


@functools.cache
def build_common(threads: int, dtype: str) -> Common:
    """The kernels of a precision, with so many `threads` a block."""
    team, port = build_team(1, dtype), Port(of_equations(dtype) | GRID)

    def of_batch(name: str, program: Any) -> Kernel:
        return batch_kernel(f"{name}_{threads}_{dtype}", program, threads)

    def of_grid(name: str, program: Any, n_arguments: int) -> Kernel:
        return grid_kernel(f"{name}_{threads}_{dtype}", program, n_arguments, threads)

    return Common(
        of_batch("gather", batch.build_gather(team, dtype)),
        of_batch("gather_targets", batch.build_gather_targets(team, dtype)),
        of_grid("transpose", port(batch.transpose_all(stack.transpose_of(""))), 2),
        of_grid("sum", batch.build_sum(grid_each, grid_number, dtype), 2),
        of_grid("norm", batch.build_norm(team, port), 3),
        of_grid("update", batch.build_update(grid_each, port, dtype), 11),
        of_batch("feed", batch.build_feed(team, dtype)),
        of_grid("ones", batch.build_ones(grid_each, dtype), 3),
    )


@functools.cache
def build_loss(loss: Loss, threads: int, dtype: str) -> Any:
    """The kernel of `loss`."""
    team = build_team(1, dtype)
    program = batch.build_loss(loss, team, Port(of_equations(dtype), inline=True), dtype)
    return tile_kernel(f"loss_{loss.name}_{threads}_{dtype}", program, team, threads)
