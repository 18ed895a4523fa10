"""Memory of the device: one piece for all arrays of a workspace, laid out beforehand; what to say if it is short."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..layout import Arrays
from ..views import book_of
from .device import SIMULATED, empty, free_bytes, to_device, to_host

#: Arrays begin at multiples of so many bytes, which is what one read of a group of threads takes.
LINE = 256


class Pool:
    """Arrays of given shapes in one piece of the device's memory, all zero in the beginning.

    Parameters
    ----------
    shapes : mapping of str to tuple
        By name, in the order of their numbers in the book.
    dtypes : mapping of str to dtype
        Of each.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], dtypes: Mapping[str, np.dtype]):
        self.shapes, self.dtypes, self.offsets = dict(shapes), dict(dtypes), {}
        size = 0
        for name, shape in self.shapes.items():
            self.offsets[name] = size
            size += _bytes(shape, self.dtypes[name])
        self.memory = empty(size)
        self.book = self._book()

    def _book(self) -> Any:
        """What kernels find the arrays by."""
        if SIMULATED:
            return tuple(self._part(self.memory, name) for name in self.shapes)
        first = self.memory.device_ctypes_pointer.value
        return to_device(book_of([first + at for at in self.offsets.values()], list(self.shapes.values())))

    def _part(self, memory: Any, name: str) -> Any:
        at, shape, dtype = self.offsets[name], self.shapes[name], self.dtypes[name]
        return memory[at : at + math.prod(shape) * dtype.itemsize].view(dtype).reshape(shape)

    def read(self, name: str) -> np.ndarray:
        """A copy of an array on the host; the host waits for all that was launched before."""
        return to_host(self._part(self.memory, name))

    def write(self, name: str, values: np.ndarray) -> None:
        """Fill an array with `values`."""
        part = self._part(self.memory, name)
        if SIMULATED:
            part[...] = values
        else:
            part.copy_to_device(np.ascontiguousarray(np.broadcast_to(values, part.shape), part.dtype))


def book_on_device(arrays: Any) -> Any:
    """A book of handles, each with a first axis of length 1; it does not keep them alive."""
    if SIMULATED:
        return tuple(array[None] for array in arrays)
    addresses = [array.device_ctypes_pointer.value for array in arrays]
    return to_device(book_of(addresses, [(1, *array.shape) for array in arrays]))


def total_bytes(shapes: Mapping[str, tuple[int, ...]], dtypes: Mapping[str, np.dtype]) -> int:
    """What a pool of such arrays takes."""
    return sum(_bytes(shape, dtypes[name]) for name, shape in shapes.items())


def _bytes(shape: tuple[int, ...], dtype: np.dtype) -> int:
    return -(-math.prod(shape) * dtype.itemsize // LINE) * LINE


def check_room(needed: Callable[[int], int], n_lanes: int) -> None:
    """Refuse a workspace that the device has no room for, and say what it has room for.

    Raises
    ------
    MemoryError
        If the bytes ``needed(n_lanes)`` exceed what is free.
    """
    free = free_bytes()
    if needed(n_lanes) <= free:
        return
    fits = n_lanes // 2
    while fits > 0 and needed(fits) > free:
        fits //= 2
    advice = f"a batch_size of {fits} would fit" if fits else "not even one window fits; use device='cpu'"
    raise MemoryError(
        f"the GPU has {free / 2**20:,.0f} MiB free, and a batch of {n_lanes} windows needs "
        f"{needed(n_lanes) / 2**20:,.0f} MiB: {advice}"
    )


def fields() -> tuple[str, ...]:
    """The names of all arrays of a workspace, in the order of their numbers."""
    return (*Arrays._fields, "squares")
