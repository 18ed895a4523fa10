"""The one file that imports `numba.cuda`: the compiler for the device, or its simulator, under names of our own.

A successor of `numba.cuda` with its syntax takes its place here. Under the simulator (NUMBA_ENABLE_CUDASIM=1) nothing
is compiled: kernels run as plain Python, one block at a time with a thread of the processor for each thread, and what
the simulator lacks (views by address, several blocks that wait for each other) has its plain form here and in `team`.
"""

from __future__ import annotations

import functools
import logging
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import numpy as np
from numba import config, cuda

from ..cache import keep
from ..jit import fingerprint
from ..views import PLAIN, Views, build_views
from .plan import Properties, registers_of_thread

SIMULATED = bool(config.ENABLE_CUDASIM)
#: The address space of the device's memory.
GLOBAL = 1
#: A kernel's place on disk: the sources of all rooms that it may contain a part of.
STAMP = fingerprint()


def _compile(name: str, function: Callable, threads: int) -> Any:
    """A kernel, kept on disk between processes.

    It has a file of its own there, by the `name` and a hash of the sources of all rooms that it may contain a part of;
    in it the closure tells apart what has one name, such as cells that somebody else defines.
    """
    from numba.cuda.dispatcher import CUDACache

    function.__qualname__ = f"{name}_{STAMP}"
    # The registers are for functions that stand `apart`, too; at link time they would be made part of their callers.
    options = {"launch_bounds": threads, "max_registers": registers_of_thread(threads), "lto": False}
    return keep(cuda.jit(**options)(function), CUDACache)


def device(function: Callable, inline: bool = False) -> Any:
    """A function that kernels call; `inline` it where its arrays are to live in registers."""
    if SIMULATED:
        function.of_device = True  # type: ignore[attr-defined]
        return function
    return cuda.jit(device=True, forceinline=inline)(function)


@functools.cache
def default_stream() -> Any:
    """The one queue that everything is launched in."""
    from numba.cuda.cudadrv import driver

    return driver._to_core_stream(0)


class Kernel:
    """A function that the host launches, compiled at its first launch.

    With at most so many `threads` a block it may use more registers. Blocks of a `cooperative` one wait for each other.
    """

    def __init__(self, name: str, function: Callable, threads: int, cooperative: bool = False):
        self.jit: Any = cuda.jit(function) if SIMULATED else _compile(name, function, threads)
        self.compiled: Any = None
        self.cooperative = cooperative
        self.shared_bytes = 48 * 1024  # what a launch may ask for without further ado

    def __call__(self, blocks: int, threads: int, shared_bytes: int, *arguments: Any) -> None:
        """Launch it; nobody waits."""
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


def _name(functions: dict[str, Any]) -> None:
    """Give intrinsics an identity: else each process would have another one, and no kernel be found on disk again."""
    for name, function in functions.items():
        function._set_uuid(f"tsrnn.{name}")


def _views() -> Views:
    if SIMULATED:
        return PLAIN
    from numba.cuda import types
    from numba.cuda.extending import intrinsic
    from numba.cuda.np.arrayobj import make_array, populate_array

    views = build_views(intrinsic, types, make_array, populate_array, space=GLOBAL)
    _name(views._asdict())
    return views


VIEWS = _views()


def _elements() -> tuple[Callable, Callable, Callable]:
    """Elements by their offset, which is neither wrapped around nor checked.

    ``peek(array, offset)`` reads one, ``poke(array, offset, value)`` writes one, ``quad(array, offset)`` reads four in
    one go, for which `offset` is a multiple of four.
    """
    if SIMULATED:

        def put(array, offset, value):
            array.reshape(-1)[offset] = value

        return (
            lambda array, offset: array.reshape(-1)[offset],
            put,
            lambda array, offset: tuple(array.reshape(-1)[offset : offset + 4]),
        )
    from llvmlite import ir
    from numba.cuda import types
    from numba.cuda.extending import intrinsic
    from numba.cuda.np.arrayobj import make_array

    def pointer(context, builder, signature, values):
        return builder.gep(make_array(signature.args[0])(context, builder, values[0]).data, [values[1]])

    @intrinsic
    def peek(typing_context, array, offset):
        def generate(context, builder, signature, values):
            return builder.load(pointer(context, builder, signature, values))

        return array.dtype(array, types.intp), generate

    @intrinsic
    def poke(typing_context, array, offset, value):
        def generate(context, builder, signature, values):
            builder.store(values[2], pointer(context, builder, signature, values))
            return context.get_dummy_value()

        return types.none(array, types.intp, array.dtype), generate

    @intrinsic
    def quad(typing_context, array, offset):
        def generate(context, builder, signature, values):
            of_four = ir.VectorType(context.get_data_type(array.dtype), 4).as_pointer()
            four = builder.load(builder.bitcast(pointer(context, builder, signature, values), of_four))
            four.align = 16
            items = [builder.extract_element(four, ir.Constant(ir.IntType(32), k)) for k in range(4)]
            return context.make_tuple(builder, signature.return_type, items)

        return types.UniTuple(array.dtype, 4)(array, types.intp), generate

    _name({"peek": peek, "poke": poke, "quad": quad})
    return peek, poke, quad


peek, poke, quad = _elements()


def _meetings() -> tuple[Callable, Callable]:
    """How often the blocks of a team have met: ``arrive(team, n)`` adds n to its counter, ``arrivals(team)`` reads it.

    What a thread wrote before it arrives, others see who have read of it: these are a release and an acquire (PTX ISA
    8.8, memory consistency model). The simulator has no blocks that wait for each other.
    """
    if SIMULATED:
        return lambda team, n: 0, lambda team: 0
    from llvmlite import ir
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    word, whole = ir.IntType(32), ir.IntType(64)

    def counter(builder, team):
        """The address of a team's counter, each on a line of its own."""
        kind = ir.ArrayType(word, MOST_TEAMS * LINE_WORDS)
        counters = builder.module.globals.get("tsrnn_meetings")
        if counters is None:
            counters = ir.GlobalVariable(builder.module, kind, "tsrnn_meetings", addrspace=GLOBAL)
            counters.linkage, counters.initializer, counters.align = "internal", ir.Constant(kind, None), 128
        place = builder.mul(team, whole(LINE_WORDS))
        return builder.ptrtoint(builder.gep(counters, [whole(0), place]), whole)

    def assembly(builder, text, constraints, *values):
        of_type = ir.FunctionType(word, [value.type for value in values])
        code = ir.InlineAsm(of_type, text, f"{constraints},~{{memory}}", side_effect=True)
        return builder.zext(builder.call(code, values), whole)

    @intrinsic
    def arrive(typing_context, team, n):
        def generate(context, builder, signature, values):
            added = builder.trunc(values[1], word)
            text = "atom.release.gpu.global.add.u32 $0, [$1], $2;"
            return assembly(builder, text, "=r,l,r", counter(builder, values[0]), added)

        return types.int64(types.int64, types.int64), generate

    @intrinsic
    def arrivals(typing_context, team):
        def generate(context, builder, signature, values):
            return assembly(builder, "ld.acquire.gpu.global.u32 $0, [$1];", "=r,l", counter(builder, values[0]))

        return types.int64(types.int64), generate

    _name({"arrive": arrive, "arrivals": arrivals})
    return arrive, arrivals


def _apart() -> Callable:
    """``apart()``: the function that says so stays one of its own, with all registers to itself."""
    if SIMULATED:
        return lambda: None
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    @intrinsic
    def apart(typing_context):
        def generate(context, builder, signature, values):
            builder.function.attributes.add("noinline")
            return context.get_dummy_value()

        return types.none(), generate

    _name({"apart": apart})
    return apart


apart = _apart()
#: Teams of one launch, at most; words between their counters.
MOST_TEAMS, LINE_WORDS = 256, 32
arrive, arrivals = _meetings()
#: What device code names `cuda` in a file that is no kernel's own: the simulator only knows the kernels'.
local: Any = cuda
if SIMULATED:  # shared memory comes from the team
    no_memory = SimpleNamespace(array=lambda size, dtype, alignment: None)
    local = SimpleNamespace(local=SimpleNamespace(array=np.zeros), shared=no_memory)


# ---------------------------------------------------------------- memory
def to_device(array: np.ndarray) -> Any:
    """A copy in the device's memory."""
    if SIMULATED:
        return np.array(array, order="C")
    with translated():
        return cuda.to_device(np.ascontiguousarray(array))


def on_device(array: Any) -> Any:
    """The array itself if it is a handle, else a copy in the device's memory."""
    return array if not SIMULATED and cuda.is_cuda_array(array) else to_device(array)


def to_host(array: Any) -> np.ndarray:
    """A copy on the host, after all that was launched before."""
    if SIMULATED or array.size == 0:
        return np.array(array) if SIMULATED else np.empty(array.shape, array.dtype)
    with translated():
        return array.copy_to_host()


def empty(size: int) -> Any:
    """So many bytes, all zero."""
    if SIMULATED:
        return np.zeros(size, np.uint8)
    with translated():
        memory = cuda.device_array(max(1, size), np.uint8)
        memory.gpu_data.memset(0)
        return memory


def free_bytes() -> int:
    """What may still be allocated."""
    if SIMULATED:
        return 2**30
    with translated():
        cuda.current_context().memory_manager.deallocations.clear()
        return int(cuda.current_context().get_memory_info().free)


# ---------------------------------------------------------------- the device itself
@functools.cache
def properties() -> Properties:
    """What the present device has; a small one in the simulator, which is slow."""
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
    """Why there is no device to use, and what helps; empty if there is one."""
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
    """What goes wrong on the way to a device, and on it."""
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
    """Errors of the driver in words of ours."""
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
    """Memory that a fit has let go is free when it ends, and if it is interrupted, what its functions still hold."""
    try:
        yield
    except BaseException as error:
        _let_go(error)
        raise
    finally:
        if not SIMULATED:
            try:
                cuda.current_context().memory_manager.deallocations.clear()
            except _errors() as error:  # after a fault the device frees nothing more; the fault itself is on its way
                logging.getLogger("tsrnn").debug("memory of the GPU was not freed: %s", error)


def _let_go(error: BaseException | None) -> None:
    """Forget what functions of this package held: it would live as long as somebody keeps the error, as IPython does.

    Those of the caller, a callback for instance, keep what they have for whoever looks into them.
    """
    known: list[BaseException] = []
    while error is not None and error not in known:  # a chain of causes may end in itself
        known.append(error)
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if str(frame.f_globals.get("__name__")).split(".")[0] == __name__.split(".")[0]:
                with suppress(RuntimeError):  # those that are under way end soon
                    frame.clear()
        error = error.__cause__ or error.__context__
