"""Use the machine as a GPU: `install` replaces the device functions of `tsrnn.kernels.cuda` before they are used.

numba-cuda compiles the kernels to PTX as for a GPU, and they are launched with the same arguments: an array is passed
as seven or more words. This needs the extra ``tsrnn[cuda]``, but neither driver nor GPU.
"""

from __future__ import annotations

import contextlib
import math
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..ptx import pretend
from .machine import Kernel, Machine
from .memory import GAP

CAPABILITY = (9, 0)
MACHINE = Machine()


class Array:
    """An array in the machine's memory, with the methods of a device array that tsrnn uses."""

    def __init__(self, host: np.ndarray, address: int):
        self.host, self.address = host, address
        self.shape, self.dtype, self.size, self.ndim = host.shape, host.dtype, host.size, host.ndim
        self.device_ctypes_pointer = SimpleNamespace(value=address)

    def __len__(self) -> int:
        return len(self.host)

    def __getitem__(self, part: slice) -> Array:
        return Array(self.host[part], self.address + (part.start or 0) * self.dtype.itemsize)

    def view(self, dtype: Any) -> Array:
        return Array(self.host.view(dtype), self.address)

    def reshape(self, shape: tuple[int, ...]) -> Array:
        return Array(self.host.reshape(shape), self.address)

    def copy_to_host(self) -> np.ndarray:
        return self.host.copy()

    def copy_to_device(self, values: np.ndarray) -> None:
        if values.dtype != self.dtype or values.shape != self.shape:
            raise TypeError(f"{values.shape} {values.dtype} to {self.shape} {self.dtype}")
        self.host[...] = values


def allocate(array: np.ndarray) -> Array:
    """Copy an array to the machine's memory."""
    address = MACHINE.memory.allocate(array.nbytes)
    host = MACHINE.memory.part(address, array.nbytes).view(array.dtype).reshape(array.shape)
    host[...] = array
    return Array(host, address)


class Launched:
    """Replacement of `device.Kernel`."""

    def __init__(
        self,
        name: str,
        function: Any,
        threads: int,
        depends: str = "",
        equations: tuple = (),
        cooperative: bool = False,
    ):
        from numba import cuda

        self.jit, self.threads, self.compiled, self.types = cuda.jit(function), threads, None, ()
        self.cooperative = cooperative

    def __call__(self, blocks: int, threads: int, shared_bytes: int, *arguments: Any) -> None:
        self.prepare(shared_bytes, *arguments)
        if tuple(map(_type, arguments)) != self.types:
            raise TypeError(f"compiled for {self.types}, launched with {tuple(map(_type, arguments))}")
        if not 0 < threads <= self.threads:
            raise ValueError(f"{threads} threads, where {self.threads} is the most")
        if self.compiled.program.variables and not self.cooperative:  # these count who has come to a barrier
            raise ValueError("its blocks wait for each other, and it is not cooperative")
        MACHINE.launch(self.compiled, blocks, threads, shared_bytes, [x for a in arguments for x in _words(a)])

    def prepare(self, shared_bytes: int, *arguments: Any) -> None:
        from numba import cuda

        if self.compiled is None:
            self.types = tuple(map(_type, arguments))
            options = {"device": False, "cc": CAPABILITY, "output": "ptx", "abi": "numba"}
            self.compiled = Kernel(cuda.compile(self.jit.py_func, self.types, launch_bounds=self.threads, **options)[0])

    def most_blocks(self, threads: int, shared_bytes: int) -> int:
        return 4


def _type(argument: Any) -> Any:
    from numba.cuda import types
    from numba.cuda.np.numpy_support import from_dtype

    if isinstance(argument, Array):
        return types.Array(from_dtype(argument.dtype), argument.ndim, "C")
    return from_dtype(np.dtype(type(argument)))  # a NumPy scalar; Python numbers are not passed to kernels


def _words(argument: Any) -> list[Any]:
    """The words that are passed to the driver for an argument."""
    if not isinstance(argument, Array):
        return [argument]
    strides = argument.host.strides
    whole = [0, 0, argument.size, argument.dtype.itemsize, argument.address, *argument.shape, *strides]
    return [np.int64(n) for n in whole]


def install() -> None:
    """Make `tsrnn.kernels.cuda` use this machine as its GPU."""
    pretend(CAPABILITY)
    from tsrnn.kernels.cuda import device
    from tsrnn.kernels.cuda.plan import Properties

    device.Kernel = Launched
    device.translated = device.session = contextlib.nullcontext
    device.why_not = lambda: ""
    device.properties = lambda: Properties(2, 2**14, 2**15, 32, 1)
    device.free_bytes = lambda: 2**24
    device.to_device = lambda array: allocate(np.ascontiguousarray(array))
    device.on_device = lambda array: array if isinstance(array, Array) else device.to_device(array)
    device.to_host = lambda array: array.copy_to_host()
    device.empty = lambda size: allocate(np.zeros(size, np.uint8))
    _with_gaps()


def _with_gaps() -> None:
    """Leave memory that belongs to no array between the arrays of a pool."""
    from tsrnn.kernels.cuda import memory

    exact, begin = memory._bytes, memory.Pool.__init__

    def with_gap(*array: Any) -> int:
        return exact(*array) + GAP

    def begin_with_gaps(self: Any, shapes: Any, dtype: np.dtype) -> None:
        begin(self, shapes, dtype)
        for buffer, at in self.offsets.items():
            shape = self.shapes[buffer]
            used = math.prod(shape) * np.dtype(buffer.dtype or dtype).itemsize
            MACHINE.memory.free(self.memory.address + at + used, with_gap(buffer, shape, dtype) - used)

    memory._bytes, memory.Pool.__init__ = with_gap, begin_with_gaps
