"""The arrays of a workspace on the device: those of the network's parts, and some that only the device has."""

from __future__ import annotations

from ...losses.loss import Loss
from ...parts.common import CONSTANTS, SCRATCH, SHARE, TOTAL
from ...parts.layout import BUFFERS, Layout, register
from ...parts.part import Buffer, Part, Sizes
from ...parts.products import N_COLUMNS
from ...parts.recurrent import PART as RECURRENT
from ...parts.recurrent import PRODUCTS
from .plan import Properties

#: The rows of every layer's products, (L, rows, 8); see `rows.row_table`. It takes the place of `PRODUCTS`.
ROW_TABLE = Buffer("row_table", lambda s: (0, 0, 8), dtype="int64", shared=True)
#: Sum of the weights of a tile's targets, (1,). It takes the place of `SHARE`.
TILE_WEIGHT = Buffer("tile_weight", lambda s: (1,))
#: Weighted sum of the loss and sum of the weights, each beside its rounding error, (4,). It takes the place of `TOTAL`.
TILE_TOTAL = Buffer("tile_total", lambda s: (4,))
#: A sum of squares for each thread of the grid.
SQUARES = Buffer("squares", lambda s: (0,), dtype="float64", shared=True)

OWN = (ROW_TABLE, TILE_WEIGHT, TILE_TOTAL, SQUARES)
register(Part(OWN))
#: Numbers by which kernels find arrays.
NUMBERS = BUFFERS
#: Arrays that kernels read in the place of a part's.
REPLACED: dict[Buffer, int] = {PRODUCTS: NUMBERS[ROW_TABLE]}


def array_shapes(
    layout: Layout, n_tiles: int, tile: int, n_rows: int, limits: Properties, *, loss: Loss | None, gradient: bool,
    inputs: bool,
) -> dict[Buffer, tuple[int, ...]]:  # fmt: skip
    """Return the shape of every array in the order of their numbers, for `n_tiles` tiles of `tile` windows.

    The first axis is the tile, or has length 1. `n_rows` is the number of rows in the row table of a layer.
    """
    constants = loss.constants if loss else ()
    shapes = layout.shapes(
        n_tiles, tile, loss_size=loss.size if loss else None, n_constants=len(constants), gradient=gradient,
        inputs=inputs,
    )  # fmt: skip
    sizes = Sizes(layout.cell, layout.shape, tile)
    scratch = [part.scratch(sizes) for part in layout.parts if part is not RECURRENT]  # its loops need none here
    shapes[CONSTANTS] = (1, len(constants))
    shapes[SCRATCH] = (n_tiles, max(limits.most_threads, tile, *scratch))  # sums take one element of each thread
    shapes |= {PRODUCTS: (1, 0, 0, N_COLUMNS), SHARE: (1, 0), TOTAL: (1, 0)}
    shapes |= {
        ROW_TABLE: (1, layout.shape.num_layers + layout.shape.decoder_layers, n_rows, 8),
        TILE_WEIGHT: (n_tiles, 1),
        TILE_TOTAL: (n_tiles, 4),
        SQUARES: (1, limits.multiprocessors * limits.most_threads),
    }
    return {buffer: shapes[buffer] for buffer in NUMBERS}
