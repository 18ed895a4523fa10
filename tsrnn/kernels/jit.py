"""How functions are compiled: the options that let lane loops vectorise, and a disk cache that is never stale.

Numba looks a compiled function up by its source file, its signature, its bytecode and what its closure holds. The
kernels are closures over a cell's equations, so three things are added here. A function made in a factory gets a name
of its own in this room's registry, which makes its closure cheap to compare and equal in every process. Every entry
point closes over a `fingerprint`, a hash of all sources that it may inline: Numba itself would not notice an edit in a
helper. And `tanh`, `sigmoid` are bound to the version of the argument's precision, which is how one cell file serves
them all.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import config, njit, prange, typeof, types
from numba.core import cgutils
from numba.extending import intrinsic, overload, register_jitable

from ..functions import activations, gamma
from .cache import keep

#: Keeps NaN and infinity meaningful, unlike ``fastmath=True``.
FAST = {"contract", "reassoc", "nsz", "arcp", "afn"}
#: Without ``error_model="numpy"`` a division may raise, and a loop that may raise does not vectorise.
LOOP: dict[str, Any] = dict(fastmath=FAST, error_model="numpy", _nrt=False, no_cfunc_wrapper=True)
#: Without ``forceinline`` a call stays in the loop, and a loop with a call does not vectorise.
EQUATION: dict[str, Any] = dict(LOOP, forceinline=True)

equation = register_jitable(**EQUATION)
loop = register_jitable(**LOOP)
#: For functions that call `np.dot`, which returns its `out`: only counted references may be returned.
blas = register_jitable(**(LOOP | {"_nrt": True}))


#: ``each(n)``: those of the numbers below n that are this thread's to do, all of them where one thread runs a tile. A
#: backend that lets many threads run a tile puts its own in the place of this name; then what one thread has written,
#: another may read only after both have been to `meet`. (A function of ours here would cost small networks 5 %.)
each = range


@equation
def meet():
    """Wait until all threads of the tile have come here: nobody to wait for, where one thread runs a tile."""


def inlined(function: Callable) -> Callable:
    """Decorator: a function that becomes part of its compiled caller before types are known.

    For functions with one caller: a function on its own is optimised and translated by itself and then once more in
    its caller. The attributes are those by which Numba knows a ``njit(inline="always")`` function; such a one in a
    closure would never be found in the disk cache, a plain function is.
    """
    function.targetoptions, function.py_func = {"inline": "always"}, function  # type: ignore[attr-defined]
    return loop(function)


REGISTRY = "tsrnn.kernels._registry"


@functools.cache
def fingerprint(*functions: Callable) -> str:
    """A hash of the sources that kernels may inline, and of `functions`, which may be from elsewhere."""
    digest = hashlib.sha256()
    for function in functions:
        code = function.__code__
        digest.update(code.co_code + repr((code.co_consts, code.co_names)).encode())
    for room in ("functions", "cells", "losses", "kernels"):
        for path in sorted((Path(__file__).parents[1] / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def register(function: Callable, name: str) -> Callable:
    """Give a function that a factory made a name under which any process can find it, and return it."""
    registry = importlib.import_module(REGISTRY)
    function.__module__, function.__name__, function.__qualname__ = REGISTRY, name, name
    setattr(registry, name, function)
    return function


def entry(name: str, **options: Any) -> Callable[[Callable], Any]:
    """Decorator: compile an entry point, with a cache on disk."""

    def compile_(function: Callable) -> Any:
        register(function, name)
        return _compiled(function, nogil=True, **(LOOP | options))

    return compile_


def _compiled(function: Callable, **options: Any) -> Any:
    """The function as one that Numba compiles, with a cache on disk."""
    dispatcher = njit(**options)(function)
    return dispatcher if config.DISABLE_JIT else keep(dispatcher)


# ---------------------------------------------------------------- tiles
class Tile:
    """A tile function ``f(i, shape, theta, free, dropout, key, book)``, reached through its address.

    So the function is compiled once, whether tiles run serially or in parallel; the parallel loop, which costs LLVM
    several passes over all that it contains, contains next to nothing; and nothing can be inlined into one of the two
    ways and not into the other, which would cost equal bits.
    """

    def __init__(self, function: Callable, name: str):
        self.function = entry(name, no_cpython_wrapper=True)(function)
        self.addresses: dict[str, int] = {}

    def address(self, *arguments: Any) -> Any:
        """Where the function for such arguments is; theta's precision tells them apart."""
        if config.DISABLE_JIT:
            return self.function
        key = arguments[1].dtype.char
        if key not in self.addresses:
            signature = (types.int64, *map(typeof, arguments))
            self.function.compile(signature)
            compiled = self.function.overloads[signature]
            self.addresses[key] = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
        return self.addresses[key]


def tile(name: str) -> Callable[[Callable], Tile]:
    """Decorator: a tile function."""
    return lambda function: Tile(function, name)


def address_table(tiles: tuple[Tile, ...], *arguments: Any) -> Any:
    """The addresses of `tiles` for such arguments, as `run_tiles` takes them."""
    addresses = tuple(tile.address(*arguments) for tile in tiles)
    return addresses if config.DISABLE_JIT else np.array(addresses, np.int64)


@intrinsic
def _call_at(typing_context, address, i, shape, theta, free, dropout, key, book):
    """Call the compiled function at `address`; it returns nothing."""
    argument_types = (types.int64, shape, theta, free, dropout, key, book)

    def generate(context, builder, signature, values):
        function_type = context.call_conv.get_function_type(types.none, argument_types)
        pointer = builder.inttoptr(values[0], function_type.as_pointer())
        status, _ = context.call_conv.call_function(builder, pointer, types.none, argument_types, values[1:])
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.none(types.int64, *argument_types), generate


def _call(function, *arguments):
    """The same without the compiler."""
    function(*arguments)


call_at = _call if config.DISABLE_JIT else _call_at


def _driver(function: Callable) -> Any:
    """Decorator: a loop over tiles, which may run in parallel."""
    return _compiled(function, parallel=True, nogil=True, no_cfunc_wrapper=True)


@_driver
def run_tiles(first, addresses, parallel, n_tiles, shape, theta, free, dropout, key, book):
    """The functions `first` once, then those at `addresses` one after the other on each tile, while it is in cache."""
    for a in range(len(first)):
        call_at(first[a], 0, shape, theta, free, dropout, key, book)
    if parallel:
        for i in prange(n_tiles):
            for a in range(len(addresses)):
                call_at(addresses[a], np.int64(i), shape, theta, free, dropout, key, book)
    else:
        for i in range(n_tiles):
            for a in range(len(addresses)):
                call_at(addresses[a], i, shape, theta, free, dropout, key, book)


def _bind(name: str) -> None:
    """Let compiled code call `activations.<name>` in the version of the argument's precision."""
    single, double = getattr(activations, f"{name}_float32"), getattr(activations, f"{name}_float64")
    equation(single), equation(double)

    @overload(getattr(activations, name), jit_options=EQUATION, strict=False)
    def choose(x):
        return {types.float32: single, types.float64: double}.get(x)


for _name in ("tanh", "sigmoid"):
    _bind(_name)
for _name in ("relu", "exp", "log", "log1p", "softplus", "between", "at_least", "sqrt", "absolute", "sign"):
    equation(getattr(activations, _name))
for _name in ("two_factors", "stirling", "log_rising"):
    equation(getattr(gamma, _name))
