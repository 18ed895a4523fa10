"""All kernels of a plan: the operations of a network's parts for a team of threads, and the device's own functions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from ...cells.cell import Cell
from ...losses.loss import Loss
from ...parts.common import CLEAR
from ...parts.part import Operation
from ...parts.recurrent import layer_of, operation_of
from ..port import Port
from . import batch
from .arrays import NUMBERS
from .device import Kernel
from .elementary import elementary, inline, translate
from .operations import team_operations
from .plan import Chip
from .products import build_products
from .recurrent import build_layer
from .team import GRID, batch_kernel, build_team, grid_kernel, grid_number, tile_kernel, unpack


class Network(NamedTuple):
    """The kernels of a network."""

    forward: Any
    backward: Any
    weights: Any


class Common(NamedTuple):
    """The kernels that no cell and no loss is part of."""

    gather: Any
    gather_static: Any
    keep: Any
    gather_targets: Any
    transpose: Any
    sum: Any
    norm: Any
    update: Any
    feed: Any
    ones: Any


def gradients_of(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """Return the operations of a gradient's program; a program gives their numbers in this order."""
    return (*(operation for operation in operations if operation.gradient), CLEAR)


@functools.cache
def build_network(cell: Cell, operations: tuple[Operation, ...], chip: Chip, dtype: str) -> Network:
    """Return the kernels that run the `operations` of a network forwards and backwards, and the weights' gradient."""
    team, alone = build_team(chip.blocks, dtype), build_team(1, dtype)
    loops = build_layer(
        cell, chip, team, build_products(team, chip.threads, chip.lanes, dtype), Port(elementary(dtype), inline), dtype
    )
    own = {layer_of(cell): operation_of(cell.name, loops)}
    stages = [(stage.products, stage.writes, stage.gradient_writes) for stage in cell.stages]
    port = Port(elementary(dtype) | team_operations(team, dtype), translate)

    def kernel(name: str, operations: tuple[Operation, ...], function: Callable[[Operation], Any]) -> Kernel:
        functions = [port(function(own.get(operation, operation))) for operation in operations]
        equations = tuple(equation for operation in operations for equation in operation.sources)
        depends = f"{dtype} {tuple(chip)} {[operation.name for operation in operations]} {stages}"
        return tile_kernel(f"{name}_{cell.name}", functions, team, chip.threads, depends, equations)

    weights = batch.build_weights(alone, build_products(alone, chip.threads, chip.lanes, dtype), dtype)
    on_device = Port(elementary(dtype) | NUMBERS, translate)
    return Network(
        kernel("forward", operations, lambda operation: operation.forward),
        kernel("backward", gradients_of(operations), lambda operation: operation.gradient or operation.forward),
        grid_kernel("weights", on_device(batch.with_shape(weights, unpack)), chip.threads, f"{dtype} {chip.lanes}"),
    )


@functools.cache
def build_common(threads: int, dtype: str) -> Common:
    """Return the kernels of a precision with that many `threads` a block."""
    team, table = build_team(1, dtype), elementary(dtype) | NUMBERS
    of_team, of_grid = Port(table | team_operations(team, dtype), translate), Port(table | GRID, translate)

    def on_tiles(name: str, function: Callable) -> Kernel:
        return batch_kernel(name, of_team(function), threads, dtype)

    def on_grid(name: str, function: Callable, port: Port = of_grid) -> Kernel:
        return grid_kernel(name, port(function), threads, dtype)

    return Common(
        on_tiles("gather", batch.build_gather(dtype)),
        on_tiles("gather_static", batch.build_gather_static(dtype)),
        on_tiles("keep", batch.build_keep(dtype)),
        on_tiles("gather_targets", batch.build_gather_targets(team, dtype)),
        on_grid("transpose", batch.build_transpose()),
        on_grid("sum", batch.build_sum(grid_number, dtype)),
        on_grid("norm", batch.build_norm(team), of_team),
        on_grid("update", batch.build_update(dtype)),
        on_tiles("feed", batch.build_feed(dtype)),
        on_grid("ones", batch.build_ones(dtype)),
    )


@functools.cache
def build_loss(loss: Loss, threads: int, dtype: str) -> Any:
    """Return the kernel of `loss`; its program is one line."""
    team = build_team(1, dtype)
    port = Port(elementary(dtype) | NUMBERS | team_operations(team, dtype), inline)
    function = port(batch.build_loss(loss, team, dtype))
    return tile_kernel(f"loss_{loss.name}", [function], team, threads, f"{dtype} {loss.width}", loss.equations)
