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
from ..layout import Shape
from .device import SIMULATED, VIEWS, Kernel, arrivals, arrive, device

tensor1, ZERO = VIEWS.tensor1, np.int64(0)


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
    shared: Callable  # shared(cuda.shared.array(0, dtype, alignment=16)): the block's shared memory; see `quad`

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
        cuda.syncthreads()
        if blocks > 1:
            meet_others(member(), blocks)

    return Team(blocks, each, meet, device(_pause), member, thread, number, size, device(_block), tiles, shared)


def _meet_others(member, blocks):
    """Wait for the other blocks of a team, which must all be running.

    Of one team all blocks together add 2^31 to its counter; so its last bit flips each time, and it never needs to
    begin anew. This is the barrier of a grid in cooperative_groups (CUDA Toolkit, sync.h), for a part of the grid.
    """
    if cuda.threadIdx.x == 0:
        team = np.int64(cuda.blockIdx.x // blocks)
        before = arrive(team, LAST_BIT - blocks + 1 if member == 0 else 1)
        while (before ^ arrivals(team)) & LAST_BIT == 0:
            pass
    cuda.syncthreads()


LAST_BIT = 2**31
meet_others = device(_meet_others, inline=True)


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


def tile_kernel(name: str, program: Callable, team: Team, threads: int) -> Kernel:
    """The kernel in which each team runs the tile function `program` on a tile, from number `first` on.

    `numbers` are the shape's; outputs k0 to k1 are those that a forward pass is to compute.
    """
    blocks = 1 if SIMULATED else team.blocks
    each, meet = team.each, team.meet

    def tiles(numbers, first, k0, k1, theta, free, dropout, key, book):
        tile = first + cuda.blockIdx.x // blocks
        span = tensor1(book, at.SPAN, tile, ZERO)
        for _ in each(1):
            span[0], span[1] = k0, k1
        meet()
        program(tile, unpack(numbers), theta, free, dropout, key, book)

    return Kernel(name, tiles, threads, cooperative=team.blocks > 1)


def batch_kernel(name: str, program: Callable, threads: int) -> Kernel:
    """The kernel in which a block runs `program` on a tile: windows first to first + count of `order`."""

    def tiles(numbers, index, order, first, count, book):
        program(cuda.blockIdx.x, unpack(numbers), index, order, first, count, book)

    return Kernel(name, tiles, threads)


def grid_kernel(name: str, program: Callable, n_arguments: int, threads: int) -> Kernel:
    """The kernel that runs `program`, of 2, 3, 4 or 11 arguments, on the whole grid."""

    def of_2(a, b):
        program(a, b)

    def of_3(a, b, c):
        program(a, b, c)

    def of_4(a, b, c, d):
        program(a, b, c, d)

    def of_11(a, b, c, d, e, f, g, h, i, j, k):
        program(a, b, c, d, e, f, g, h, i, j, k)

    kernels: dict[int, Callable] = {2: of_2, 3: of_3, 4: of_4, 11: of_11}
    return Kernel(name, kernels[n_arguments], threads)
