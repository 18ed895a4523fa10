"""Memory of the device: one piece for all arrays of a workspace, and the error where there is too little of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...parts.part import Buffer
from ..views import array_table
from .device import SIMULATED, empty, free_bytes, to_device, to_host

#: Arrays begin at multiples of this number of bytes, which one read of a warp takes.
LINE = 256


class Pool:
    """Arrays of given shapes in one piece of the device's memory, all zero at first.

    Parameters
    ----------
    shapes : mapping of Buffer to tuple
        In the order of their numbers in the array table.
    dtype : dtype
        The precision of the parameters.
    """

    def __init__(self, shapes: Mapping[Buffer, tuple[int, ...]], dtype: np.dtype):
        self.shapes, self.dtype, self.offsets = dict(shapes), dtype, {}
        size = 0
        for buffer, shape in self.shapes.items():
            self.offsets[buffer] = size
            size += _bytes(buffer, shape, dtype)
        self.memory = empty(size)
        self.arrays = self._table()

    def _table(self) -> Any:
        """Return the array table."""
        if SIMULATED:
            return tuple(self._part(buffer) for buffer in self.shapes)
        first = self.memory.device_ctypes_pointer.value
        return to_device(array_table([first + at for at in self.offsets.values()], list(self.shapes.values())))

    def _part(self, buffer: Buffer) -> Any:
        at, shape, dtype = self.offsets[buffer], self.shapes[buffer], np.dtype(buffer.dtype or self.dtype)
        return self.memory[at : at + math.prod(shape) * dtype.itemsize].view(dtype).reshape(shape)

    def read(self, buffer: Buffer) -> np.ndarray:
        """Return a copy of an array on the host, after all earlier launches have ended."""
        return to_host(self._part(buffer))

    def fill(self, buffer: Buffer, values: np.ndarray) -> None:
        """Fill an array with `values`."""
        part = self._part(buffer)
        if SIMULATED:
            part[...] = values
        elif part.size:
            part.copy_to_device(np.ascontiguousarray(np.broadcast_to(values, part.shape), part.dtype))

    def write(self, name: str, values: np.ndarray) -> None:
        """Fill the array of that name with `values`."""
        self.fill(self.find(name), values)

    def find(self, name: str) -> Buffer:
        """Return the buffer of that name."""
        return next(buffer for buffer in self.shapes if buffer.name == name)


def table_on_device(arrays: Sequence[Any]) -> Any:
    """Return the table for arrays that lie on the device, each with a first axis of length 1; it keeps none alive."""
    if SIMULATED:
        return tuple(array[None] for array in arrays)
    addresses = [array.device_ctypes_pointer.value for array in arrays]
    return to_device(array_table(addresses, [(1, *array.shape) for array in arrays]))


def total_bytes(shapes: Mapping[Buffer, tuple[int, ...]], dtype: np.dtype) -> int:
    """Return the bytes of a pool of such arrays."""
    return sum(_bytes(buffer, shape, dtype) for buffer, shape in shapes.items())


def _bytes(buffer: Buffer, shape: tuple[int, ...], dtype: np.dtype) -> int:
    return -(-math.prod(shape) * np.dtype(buffer.dtype or dtype).itemsize // LINE) * LINE


def check_room(needed: Callable[[int], int], n_lanes: int) -> None:
    """Raise an error if the device has no room for a workspace; it names a batch size that fits.

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
