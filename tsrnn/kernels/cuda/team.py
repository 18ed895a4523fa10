"""Who works on a tile: a *team*, the threads of one block or of several that wait for each other; and the kernels.

Loops deal their numbers out to the threads of a team by `each` and keep them together by `meet`. A kernel that has no
tiles (gather, update) has the whole grid for its team, and no need to meet.

Only kernels know the simulator's `cuda`, by the names of the file that they stand in; therefore all of them are made
here, and so is everything that asks for a thread's number.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from .. import layout as at
from ..jit import fingerprint
from ..layout import Shape
from .device import SIMULATED, VIEWS, Kernel, device

tensor1, ZERO = VIEWS.tensor1, np.int64(0)
#: A kernel's key on disk: the sources of all rooms that it may contain a part of.
STAMP = int(fingerprint(), 16) % 2**31


class Team(NamedTuple):
    """What device code asks its team."""

    blocks: int
    each: Callable  # each(n): the numbers below n that are this thread's
    meet: Callable  # wait for all threads of the team
    pause: Callable  # wait for those of this block
    member: Callable  # the number of this block in its team
    thread: Callable  # the number of this thread in its block
    number: Callable  # the number of this thread in its team
    size: Callable  # threads of the team
    block: Callable  # the number of this block in the grid
    tiles: Callable  # how many tiles the grid works on
    shared: Callable  # shared(cuda.shared.array(0, dtype)): the block's shared memory, as one vector

    def replacements(self) -> dict[Any, Any]:
        """What stands for the CPU's single thread."""
        return {"each": self.each, "meet": self.meet}


@functools.cache
def build_team(blocks: int, dtype: str) -> Team:
    """A team of so many `blocks` for each tile."""
    return _simulated_team(blocks, np.dtype(dtype)) if SIMULATED else _team(blocks)


def _pause():
    cuda.syncthreads()


def _block():
    return np.int64(cuda.blockIdx.x)


def _simulated_team(blocks: int, dtype: np.dtype) -> Team:
    """The simulator runs one block at a time: there the blocks of a team are parts of one."""

    def threads():
        return cuda.blockDim.x // blocks

    def thread():
        return cuda.threadIdx.x % threads()

    def member():
        return cuda.threadIdx.x // threads()

    def number():
        return cuda.threadIdx.x

    def size():
        return cuda.blockDim.x

    def tiles():
        return cuda.gridDim.x

    def shared(_):
        everything = cuda.shared.array(0, dtype)
        own = len(everything) // blocks
        return everything[member() * own : (member() + 1) * own]

    def each(n):
        return range(cuda.threadIdx.x, n, cuda.blockDim.x)

    own = (each, _pause, _pause, member, thread, number, size, _block, tiles, shared)
    return Team(blocks, *[device(function) for function in own])


def _team(blocks: int) -> Team:
    @device
    def thread():
        return np.int64(cuda.threadIdx.x)

    @device
    def member():
        return np.int64(cuda.blockIdx.x % blocks)

    @device
    def number():
        return member() * np.int64(cuda.blockDim.x) + thread()

    @device
    def size():
        return np.int64(cuda.blockDim.x * blocks)

    @device
    def tiles():
        return np.int64(cuda.gridDim.x // blocks)

    @device
    def shared(memory):
        return memory

    @device
    def each(n):
        return range(number(), n, size())

    @device
    def meet():
        if blocks > 1:
            cuda.cg.this_grid().sync()
        else:
            cuda.syncthreads()

    return Team(blocks, each, meet, device(_pause), member, thread, number, size, device(_block), tiles, shared)


def _grid_number():
    return cuda.grid(1)


def _grid_each(n):
    return range(cuda.grid(1), n, cuda.gridsize(1))


def _nothing():
    pass


grid_number, grid_each = device(_grid_number), device(_grid_each)
#: The whole grid, which cannot meet: each number is somebody's, and nobody reads what another wrote.
GRID = {"each": grid_each, "meet": device(_nothing)}


# ---------------------------------------------------------------- kernels
def _unpack() -> Callable:
    """``unpack(numbers)``: a `Shape` from the vector of its integers."""
    fields = ", ".join(f"numbers[{k}]" for k in range(len(Shape._fields)))
    namespace: dict[str, Any] = {"Shape": Shape}
    exec(f"def unpack(numbers):\n    return Shape({fields})", namespace)
    return device(namespace["unpack"])


unpack = _unpack()


def tile_kernel(program: Callable, team: Team, threads: int) -> Kernel:
    """The kernel in which each team runs the tile function `program` on a tile, from number `first` on.

    `numbers` are the shape's; outputs k0 to k1 are those that a forward pass is to compute.
    """
    blocks = 1 if SIMULATED else team.blocks
    each, meet, stamp = team.each, team.meet, STAMP

    def tiles(numbers, first, k0, k1, theta, free, dropout, key, book):
        stamp  # noqa: B018 - part of the cache's key
        span = tensor1(book, at.SPAN, 0, ZERO)
        for _ in each(1):
            span[0], span[1] = k0, k1
        meet()
        program(first + cuda.blockIdx.x // blocks, unpack(numbers), theta, free, dropout, key, book)

    return Kernel(tiles, threads)


def batch_kernel(program: Callable, threads: int) -> Kernel:
    """The kernel in which a block runs `program` on a tile: windows first to first + count of `order`."""
    stamp = STAMP

    def tiles(numbers, index, order, first, count, book):
        stamp  # noqa: B018
        program(cuda.blockIdx.x, unpack(numbers), index, order, first, count, book)

    return Kernel(tiles, threads)


def grid_kernel(program: Callable, n_arguments: int, threads: int) -> Kernel:
    """The kernel that runs `program`, of 2, 3, 4 or 11 arguments, on the whole grid."""
    stamp = STAMP

    def of_2(a, b):
        stamp  # noqa: B018
        program(a, b)

    def of_3(a, b, c):
        stamp  # noqa: B018
        program(a, b, c)

    def of_4(a, b, c, d):
        stamp  # noqa: B018
        program(a, b, c, d)

    def of_11(a, b, c, d, e, f, g, h, i, j, k):
        stamp  # noqa: B018
        program(a, b, c, d, e, f, g, h, i, j, k)

    kernels: dict[int, Callable] = {2: of_2, 3: of_3, 4: of_4, 11: of_11}
    return Kernel(kernels[n_arguments], threads)
