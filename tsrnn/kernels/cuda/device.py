"""The compiler for the device, `numba.cuda`, or its simulator; only this file, `intrinsics` and `team` import it.

Under the simulator (NUMBA_ENABLE_CUDASIM=1) nothing is compiled: kernels run as plain Python, one block at a time, with
a thread of the processor for each thread. What the simulator lacks (views by address, several blocks that wait for each
other) has a plain form in `intrinsics` and `team`.
"""

from __future__ import annotations

import functools
import logging
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import numpy as np
from numba import config, cuda

from ..cache import fingerprint, keep
from .arrays import NUMBERS, ROW_TABLE
from .plan import Properties, registers_of_thread

SIMULATED = bool(config.ENABLE_CUDASIM)


def _compile(name: str, function: Callable, threads: int, depends: str, equations: tuple[Callable, ...]) -> Any:
    """Return a kernel that is kept on disk between processes, under its name and all that its code depends on."""
    # `max_registers` holds for functions that are not inlined, too; link-time optimisation would inline them.
    options = {"launch_bounds": threads, "max_registers": registers_of_thread(threads), "lto": False}
    stamp = f"{fingerprint(*equations)} {version('numba-cuda')} {threads} {depends} {NUMBERS[ROW_TABLE]}"
    return keep(cuda.jit(**options)(function), name, stamp, _KernelFiles())


class _KernelFiles:
    """How numba-cuda turns kernels into bytes and back: what its `CUDACacheImpl` does, without a folder of its own."""

    def reduce(self, kernel: Any) -> bytes:
        """Return a compiled kernel as bytes."""
        from numba.cuda.serialize import dumps

        return dumps(kernel._reduce_states())

    def rebuild(self, _: Any, content: bytes) -> Any:
        """Return the compiled kernel of these bytes."""
        from numba.cuda.dispatcher import _Kernel
        from numba.cuda.utils import numba_target_override

        with numba_target_override():
            return _Kernel._rebuild(**pickle.loads(content))


def device(function: Callable, inline: bool = False) -> Any:
    """Return a function that kernels call; `inline` it where its arrays are to lie in registers."""
    if SIMULATED:
        function.is_translated = True  # type: ignore[attr-defined]
        return function
    return cuda.jit(device=True, forceinline=inline)(function)


def part_of_caller(function: Callable) -> Any:
    """Return a function that becomes part of its caller before types are inferred, so that it may return an array."""
    return device(function) if SIMULATED else cuda.jit(device=True, inline="always")(function)


@functools.cache
def default_stream() -> Any:
    """Return the one stream that everything is launched in."""
    from numba.cuda.cudadrv import driver

    return driver._to_core_stream(0)


class Kernel:
    """A function that the host launches, compiled at its first launch.

    Parameters
    ----------
    name : str
        What the names of its files begin with.
    function : callable
    threads : int
        Most threads of a block; with fewer it may use more registers.
    depends : str
        What its code depends on beside the package's sources and `equations`.
    equations : tuple of callable
        Functions that it contains and that may be from outside of the package.
    cooperative : bool
        Whether its blocks wait for each other.
    """

    def __init__(
        self, name: str, function: Callable, threads: int, depends: str = "", equations: tuple[Callable, ...] = (),
        cooperative: bool = False,
    ):  # fmt: skip
        self.jit: Any = cuda.jit(function) if SIMULATED else _compile(name, function, threads, depends, equations)
        self.compiled: Any = None
        self.cooperative = cooperative
        self.shared_bytes = 48 * 1024  # what a launch may ask for without further ado

    def __call__(self, blocks: int, threads: int, shared_bytes: int, *arguments: Any) -> None:
        """Launch it, without waiting for its end."""
        if SIMULATED:
            self.jit[blocks, threads, 0, shared_bytes](*arguments)
            return
        with translated():
            self.prepare(shared_bytes, *arguments)  # and past the configured launch, which warns of small grids
            self.compiled.launch(arguments, (blocks, 1, 1), (threads, 1, 1), default_stream(), shared_bytes)

    def prepare(self, shared_bytes: int, *arguments: Any) -> None:
        """Compile it for such arguments, and let it have that much shared memory."""
        if self.compiled is None:  # or found on disk
            self.compiled = self.jit.compile(tuple(map(self.jit.typeof_pyval, arguments)))
            self.compiled.cooperative = self.cooperative
        if shared_bytes > self.shared_bytes:
            from numba.cuda.cudadrv.driver import binding, driver

            function = self.compiled._codelibrary.get_cufunc()
            most = binding.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
            driver.cuKernelSetAttribute(most, shared_bytes, function.handle, function.device.id)
            self.shared_bytes = shared_bytes

    def most_blocks(self, threads: int, shared_bytes: int) -> int:
        """How many blocks can wait for each other; only for a kernel that was prepared."""
        return self.compiled.max_cooperative_grid_blocks(threads, shared_bytes)


#: `cuda` for device code outside of the kernels' module: the simulator injects its `cuda` into that module only.
local: Any = cuda
if SIMULATED:  # where a team gives its blocks their shared memory
    no_memory = SimpleNamespace(array=lambda size, dtype, alignment: None)
    local = SimpleNamespace(local=SimpleNamespace(array=np.zeros), shared=no_memory)


# ---------------------------------------------------------------- memory
def to_device(array: np.ndarray) -> Any:
    """Return a copy in the device's memory."""
    if SIMULATED:
        return np.array(array, order="C")
    with translated():
        return cuda.to_device(np.ascontiguousarray(array))


def on_device(array: Any) -> Any:
    """Return the array itself if it lies on the device, else a copy there."""
    return array if not SIMULATED and cuda.is_cuda_array(array) else to_device(array)


def to_host(array: Any) -> np.ndarray:
    """Return a copy on the host, after all earlier launches have ended."""
    if SIMULATED or array.size == 0:
        return np.array(array) if SIMULATED else np.empty(array.shape, array.dtype)
    with translated():
        return array.copy_to_host()


def empty(size: int) -> Any:
    """Return `size` bytes of the device's memory, all zero."""
    if SIMULATED:
        return np.zeros(size, np.uint8)
    with translated():
        memory = cuda.device_array(max(1, size), np.uint8)
        memory.gpu_data.memset(0)
        return memory


def free_bytes() -> int:
    """Return the number of bytes that may still be allocated."""
    if SIMULATED:
        return 2**30
    with translated():
        cuda.current_context().memory_manager.deallocations.clear()
        return int(cuda.current_context().get_memory_info().free)


# ---------------------------------------------------------------- the device itself
@functools.cache
def properties() -> Properties:
    """Return the properties of the present device; in the simulator, which is slow, those of a small one."""
    if SIMULATED:
        return Properties(multiprocessors=1, shared_bytes=2**14, registers=2**15, most_threads=2, most_blocks=1)
    it = cuda.get_current_device()
    return Properties(
        multiprocessors=it.MULTIPROCESSOR_COUNT,
        shared_bytes=it.MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
        registers=it.MAX_REGISTERS_PER_BLOCK,
        cooperative=bool(it.COOPERATIVE_LAUNCH),
    )


def why_not() -> str:
    """Return why no device can be used, and what to do; empty if one can."""
    if SIMULATED:
        return ""
    from numba.cuda.cudadrv.driver import driver

    if driver.pid not in (None, os.getpid()):
        return "this process was forked from one that used the GPU, which cannot be shared; start it by spawn instead"
    if not cuda.is_available():
        if driver.is_available:
            return "numba-cuda finds no compiler for the GPU; pip install 'tsrnn[cuda]' brings it"
        error = " ".join(str(cuda.cuda_error() or "no device was found").split())
        return f"no NVIDIA GPU can be used ({error}); look whether nvidia-smi shows one, and update its driver"
    knows, needs = driver.get_version(), cuda.runtime.get_version()
    if knows[0] < needs[0]:
        other = ", or pip install 'tsrnn[cuda12]'" if knows[0] == 12 else ""
        return (
            f"the GPU's driver knows CUDA {knows[0]}.{knows[1]}, and the installed toolkit is {needs[0]}.{needs[1]}; "
            f"update the driver{other}"
        )
    has, least = cuda.get_current_device().compute_capability, (7, 0) if needs[0] < 13 else (7, 5)
    if tuple(has) < least:
        other = "; pip install 'tsrnn[cuda12]' goes down to 7.0" if tuple(has) >= (7, 0) else ""
        return f"the GPU has compute capability {has[0]}.{has[1]}, and {least[0]}.{least[1]} is the least{other}"
    return ""


@functools.cache
def _errors() -> tuple[type[Exception], ...]:
    """Return the errors that a driver, a compiler for the device and a kernel raise."""
    from numba.cuda.cudadrv.driver import LinkerError
    from numba.cuda.cudadrv.error import CCSupportError, CudaDriverError, NvvmError

    found = CudaDriverError, LinkerError, NvvmError, CCSupportError
    try:
        from cuda.core._utils.cuda_utils import CUDAError  # type: ignore[import-not-found]
    except ImportError:  # where it has no such name, it raises what is named above
        return found
    return (*found, CUDAError)


@contextmanager
def translated() -> Iterator[None]:
    """Raise errors of the driver as MemoryError or RuntimeError that say what to do."""
    try:
        yield
    except _errors() as error:
        if "OUT_OF_MEMORY" in str(error):
            raise MemoryError(
                f"the GPU ran out of memory ({error}); use a smaller batch_size, hidden_size or context_length, or "
                "device='cpu'"
            ) from error
        raise RuntimeError(f"the GPU reports an error ({error}); device='cpu' does without it") from error


@contextmanager
def session() -> Iterator[None]:
    """Free the memory of arrays that are no longer in use at the end of a fit or prediction."""
    try:
        yield
    finally:
        if not SIMULATED:
            try:
                cuda.current_context().memory_manager.deallocations.clear()
            except _errors() as error:  # after a fault the device frees nothing more; the fault itself is on its way
                logging.getLogger("tsrnn").debug("memory of the GPU was not freed: %s", error)
