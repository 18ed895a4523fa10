"""How a network is laid out over a device: lanes of a tile, blocks of a team, where its weights lie. Only integers.

Kernel A is the plan with one block to a team, kernel B that with several; where the recurrent weights fit neither
registers nor shared memory, the columns that are left are read from the L2 cache at each step, however wide they are.
"""

from __future__ import annotations

from typing import NamedTuple

from ...cells.cell import Cell


class Properties(NamedTuple):
    """The properties of a device that a plan depends on; the defaults are those of an H100."""

    multiprocessors: int = 132
    shared_bytes: int = 227 * 1024  # most that a block may have
    registers: int = 64 * 1024  # of 32 bits, of a block
    most_threads: int = 512  # of a block; more would leave each too few registers
    most_blocks: int = 32  # of a team
    cooperative: bool = True  # whether blocks can wait for each other


class Chip(NamedTuple):
    """A plan."""

    lanes: int  # of a tile
    blocks: int  # of a team
    threads: int  # of a block
    width: int  # rows of a stage that a block has, at most, and a few more
    registers: int  # columns of each stage's recurrent weights that a thread keeps
    forward_columns: int  # columns after these in shared memory
    backward_columns: int
    forward_bytes: int  # shared memory
    backward_bytes: int

    @property
    def on_chip(self) -> bool:
        """Whether each row of weights has a thread of its own, which keeps a part of it."""
        return self.registers + max(self.forward_columns, self.backward_columns) > 0


#: Registers of a thread that hold something else than weights and sums over lanes: of a layer, and of each stage.
OTHER_REGISTERS, OF_STAGE = 72, 16
#: Lanes of a tile, at most: each takes three registers of every thread, or six.
MOST_LANES = 16
#: Products of weights in registers that a thread has written out for all stages: more take long to compile.
MOST_PRODUCTS = 256
#: Rows and columns of a product over all steps that are one thread's.
OWN = 4


def padded(n: int, of: int = 4) -> int:
    """`n`, or the next multiple of `of`: vectors in shared memory begin where four elements can be read at once."""
    return -(-n // of) * of


def registers_of_thread(threads: int, registers: int = Properties().registers) -> int:
    """Return the registers per thread, which a device allocates for 128 threads in multiples of 8."""
    return min(255, registers // padded(threads, 128) // 8 * 8)


def tile_of(threads: int) -> tuple[int, int, int]:
    """Return rows and columns of the tile of a product that a block computes at a time, and the depth of one read.

    Each thread makes an equal part: `threads` is a multiple of 16, or below 32 an even number.
    """
    across = min(16, max(1, threads // 2))
    return threads // across * OWN, across * OWN, 8


def staged(threads: int) -> int:
    """Return the elements of shared memory that such a product takes."""
    rows, columns, depth = tile_of(threads)
    return (rows + columns) * depth


def rows_of_stages(cell: Cell) -> list[int]:
    """Return the number of planes that the products of each stage fill."""
    return [sum(len(product.planes) for product in stage.products) for stage in cell.stages]


class _Layout:
    """Shared memory of a block, in elements, as `recurrent` lays it out: a team of `blocks`, tiles of `lanes`."""

    def __init__(self, cell: Cell, hidden_size: int, lanes: int, blocks: int, itemsize: int, device: Properties):
        self.hidden_size, self.lanes, self.blocks, self.itemsize, self.device = (
            hidden_size, lanes, blocks, itemsize, device
        )  # fmt: skip
        most, inner, states = max(rows_of_stages(cell)), len(cell.inner), len(cell.states)
        units, self.stages = -(-hidden_size // blocks), len(cell.stages)
        whole, part = padded(hidden_size * lanes), padded(units * lanes)
        self.rows = most * units
        self.threads = min(max(128, padded(self.rows, 32)), device.most_threads)
        self.forward = max(staged(self.threads), (2 + inner) * whole + (most + states - 1) * part)
        self.backward = max(staged(self.threads), most * whole + (states + inner + most) * part)

    @property
    def bytes(self) -> int:
        """Bytes of shared memory without those of weights."""
        return max(self.forward, self.backward) * self.itemsize

    def chip(self) -> Chip:
        """Return the plan with as many weights on chip as there is room for."""
        registers, forward, backward, width = 0, 0, 0, padded(self.rows, 32)
        of_column = width * self.stages
        if self.rows <= self.threads:
            words, of_thread = self.itemsize // 4, registers_of_thread(self.threads, self.device.registers)
            free = of_thread - OTHER_REGISTERS - OF_STAGE * self.stages - 3 * self.lanes * words
            most = MOST_PRODUCTS // (self.lanes * self.stages)
            registers = max(0, min(self.hidden_size, most, free // (self.stages * words))) // 4 * 4
            left, room = self.hidden_size - registers, self.device.shared_bytes // self.itemsize
            forward = max(0, min(left, (room - self.forward) // of_column))
            backward = max(0, min(left, (room - self.backward) // of_column))
        return Chip(
            self.lanes, self.blocks, self.threads, width, registers, forward, backward,
            (self.forward + forward * of_column) * self.itemsize,
            (self.backward + backward * of_column) * self.itemsize,
        )  # fmt: skip

    def fits(self) -> bool:
        """Return whether the chips have room for all weights."""
        chip = self.chip()
        return chip.registers + min(chip.forward_columns, chip.backward_columns) >= self.hidden_size


def unsupported(cell: Cell) -> str:
    """Return why the kernels cannot compute a cell, and what helps, or nothing."""
    kinds = sorted({product.kind for product in cell.products} - {"dense"})
    if not kinds:
        return ""
    return (
        f"the cell {cell.name} has {' and '.join(kinds)} recurrent weights, and CUDA kernels compute dense ones alone; "
        "use device='cpu'"
    )


def plan(
    cell: Cell, hidden_size: int, n_lanes: int, itemsize: int, device: Properties, lanes: int | None = None
) -> Chip:
    """Return the plan for batches of `n_lanes`, in tiles of `lanes`, or of as many as keep the device busy.

    Raises
    ------
    ValueError
        If not even the states of one lane fit a block's shared memory.
    """

    def layout(lanes: int, blocks: int) -> _Layout:
        return _Layout(cell, hidden_size, lanes, blocks, itemsize, device)

    def busy(blocks: int) -> _Layout:
        """Return tiles of so many lanes that all run at once, if half of the shared memory holds their states."""
        size = lanes or 1
        while not lanes and size < MOST_LANES and size * device.multiprocessors < n_lanes * blocks:
            size *= 2
        while not lanes and size > 1 and layout(size, blocks).bytes > device.shared_bytes // 2:
            size //= 2
        return layout(size, blocks)

    blocks, most = 1, min(device.most_blocks, device.multiprocessors) if device.cooperative else 1
    while 2 * blocks <= most and not busy(blocks).fits():
        blocks *= 2
    found = busy(blocks)
    if found.bytes > device.shared_bytes:
        raise ValueError(
            f"hidden_size={hidden_size} is too wide for this GPU: the states of one window need more than the "
            f"{device.shared_bytes} bytes of shared memory that a block has; use a smaller one, or device='cpu'"
        )
    return found.chip()
