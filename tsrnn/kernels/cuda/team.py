"""Teams of threads that run one tile, and the kernels.

A *team* is the threads of one block, or of several blocks that wait for each other. `each` deals the numbers of a loop
out to the threads of a team, `barrier` lets them wait for each other. A kernel that works on no tile (sum, update) has
the whole grid for its team, which has no barrier.

The simulator injects its `cuda` only into the module in which a kernel's function stands. Therefore all kernels, and
all functions that ask for the number of a thread, are made in this file.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from ...parts import operations
from ...parts.part import Chance, Step
from ...parts.shape import Shape
from .device import SIMULATED, Kernel, device
from .intrinsics import arrivals, arrive


class Team(NamedTuple):
    """The functions by which device code finds its place in its team."""

    blocks: int
    each: Callable  # each(n): the numbers below n that this thread works on
    barrier: Callable  # wait for all threads of the team
    block_barrier: Callable  # wait for all threads of this block
    member: Callable  # the number of this block in its team
    thread: Callable  # the number of this thread in its block
    number: Callable  # the number of this thread in its team
    size: Callable  # threads of the team
    block: Callable  # the number of this block in the grid
    tiles: Callable  # the number of tiles that the grid works on
    shared: Callable  # shared(cuda.shared.array(0, dtype, alignment=16)): the block's shared memory; see `quad`


@functools.cache
def build_team(blocks: int, dtype: str) -> Team:
    """Return the functions of a team of that many `blocks` for each tile."""
    return _simulated_team(blocks, np.dtype(dtype)) if SIMULATED else _team(blocks)


def _block_barrier():
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

    own = (each, _block_barrier, _block_barrier, member, thread, number, size, _block, tiles, shared)
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
    def barrier():
        cuda.syncthreads()
        if blocks > 1:
            wait_for_blocks(member(), blocks)

    own = (device(_block_barrier), member, thread, number, size, device(_block), tiles, shared)
    return Team(blocks, each, barrier, *own)


def _wait_for_blocks(member, blocks):
    """Wait for the other blocks of a team, which must all be running.

    All blocks of a team together add 2^31 to its counter: its last bit flips at each barrier, and it is never reset.
    This is the barrier of a grid in cooperative_groups (CUDA Toolkit, sync.h), for a part of the grid.
    """
    if cuda.threadIdx.x == 0:
        team = np.int64(cuda.blockIdx.x // blocks)
        before = arrive(team, LAST_BIT - blocks + 1 if member == 0 else 1)
        while (before ^ arrivals(team)) & LAST_BIT == 0:
            pass
    cuda.syncthreads()


LAST_BIT = 2**31
wait_for_blocks = device(_wait_for_blocks, inline=True)


def _grid_number():
    return cuda.grid(1)


def _grid_each(n):
    return range(cuda.grid(1), n, cuda.gridsize(1))


def _nothing():
    pass


grid_number, grid_each = device(_grid_number), device(_grid_each)
#: The whole grid as a team: it has no barrier, so no thread may read what another one wrote.
GRID = {operations.each: grid_each, operations.barrier: device(_nothing)}


# ---------------------------------------------------------------- kernels
def _unpack() -> Callable:
    """Return ``unpack(numbers)``: a `Shape` from the vector of its integers."""
    fields = ", ".join(f"numbers[{k}]" for k in range(len(Shape._fields)))
    namespace: dict[str, Any] = {"Shape": Shape}
    exec(f"def unpack(numbers):\n    return Shape({fields})", namespace)
    return device(namespace["unpack"])


unpack = _unpack()


def choice(functions: Sequence[Callable]) -> Callable:
    """Return ``run(number, ...)``, which calls the function of that number; all have an operation's arguments."""
    if len(functions) == 1:
        only = functions[0]

        @device
        def run_last(number, tile, step, shape, theta, chance, arrays):
            only(tile, step, shape, theta, chance, arrays)

        return run_last
    k, function, others = len(functions) - 1, functions[-1], choice(functions[:-1])

    @device
    def run(number, tile, step, shape, theta, chance, arrays):
        if number == k:
            function(tile, step, shape, theta, chance, arrays)
        else:
            others(number, tile, step, shape, theta, chance, arrays)

    return run


def tile_kernel(
    name: str, functions: Sequence[Callable], team: Team, threads: int, depends: str = "",
    equations: tuple[Callable, ...] = (),
) -> Kernel:  # fmt: skip
    """Return the kernel in which each team runs a program on one tile, from tile number `first` on.

    A line of `program` (n, 5) holds the number of one of `functions` and the fields of its `Step`; `numbers` are the
    fields of the shape.
    """
    blocks = 1 if SIMULATED else team.blocks
    run = choice(functions)

    def tiles(program, numbers, first, theta, free, dropout, key, arrays):
        tile = first + cuda.blockIdx.x // blocks
        for j in range(program.shape[0]):
            step = Step(program[j, 1], program[j, 2], program[j, 3], program[j, 4])
            run(program[j, 0], tile, step, unpack(numbers), theta, Chance(free, dropout, key), arrays)

    return Kernel(name, tiles, threads, depends, equations, cooperative=team.blocks > 1)


def batch_kernel(name: str, function: Callable, threads: int, depends: str) -> Kernel:
    """Return the kernel in which a block runs `function` on a tile: windows first to first + count of `order`."""

    def tiles(numbers, index, order, first, count, arrays):
        function(cuda.blockIdx.x, unpack(numbers), index, order, first, count, arrays)

    return Kernel(name, tiles, threads, depends)


def grid_kernel(
    name: str, function: Callable, threads: int, depends: str = "", equations: tuple[Callable, ...] = ()
) -> Kernel:
    """Return the kernel that runs `function` on the whole grid."""
    arguments = ", ".join(inspect.signature(getattr(function, "py_func", function)).parameters)
    made: dict[str, Any] = {}
    text = f"def make(function):\n    def kernel({arguments}):\n        function({arguments})\n    return kernel"
    exec(text, globals(), made)  # of this module, for the simulator
    return Kernel(name, made["make"](function), threads, depends, equations)
