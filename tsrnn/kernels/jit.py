"""How functions are compiled: the options that let loops over windows vectorise, and operations reached by address.

Parts, cells and losses are plain functions; `PORT` copies them and puts compiled functions behind the names that they
use. Each operation is compiled on its own, for one precision, and called through its address: networks differ in which
operations they run, never in code, so that a part is compiled once for all networks that have it; and nothing can be
inlined into one of two callers and not into the other, which would cost equal bits.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, cast

import numpy as np
from numba import config, njit, prange, typeof, types
from numba.core import cgutils
from numba.extending import intrinsic, overload, register_jitable

from ..functions import activations
from ..parts import operations
from ..parts.layout import Program
from ..parts.part import Chance, Operation, Step
from ..parts.shape import Shape
from .cache import fingerprint, keep
from .gemm import SMALL, multiply, multiply_add, outer_add
from .port import Port
from .views import VIEWS, matrix, vector

#: Keeps NaN and infinity meaningful, unlike ``fastmath=True``.
FAST = {"contract", "reassoc", "nsz", "arcp", "afn"}
#: Without ``error_model="numpy"`` a division may raise, and a loop that may raise does not vectorise.
LOOP: dict[str, Any] = dict(fastmath=FAST, error_model="numpy", _nrt=False, no_cfunc_wrapper=True)
#: Without ``forceinline`` a call stays in the loop, and a loop with a call does not vectorise.
EQUATION: dict[str, Any] = dict(LOOP, forceinline=True)
#: Of functions whose sums must keep their order: their terms cancel.
ORDERED: dict[str, Any] = dict(EQUATION, fastmath=FAST - {"reassoc"})

equation = register_jitable(**EQUATION)
loop = register_jitable(**LOOP)


def translate(copy: FunctionType, function: FunctionType) -> Any:
    """Return the copy of a plain function as one that compiled functions may call.

    A function of the parts or kernels is a loop; all others are scalar equations, and so is the loop that is written
    around one. A function that is marked `inlined` becomes part of its caller before types are inferred; the
    attributes are those by which Numba knows a ``njit(inline="always")`` function.
    """
    if config.DISABLE_JIT:
        return copy
    if getattr(function, "is_inlined", False):
        copy.targetoptions, copy.py_func = {"inline": "always"}, copy  # type: ignore[attr-defined]
        return loop(copy)
    is_loop = (
        function.__module__.startswith(("tsrnn.parts", "tsrnn.kernels"))
        and "<lane loop" not in function.__code__.co_filename
    )
    return loop(copy) if is_loop else equation(copy)


def product(w, x, out):
    """out = w @ x, in blocks of rows small enough for BLAS' kernels that pack nothing."""
    rows, k = w.shape
    n = x.shape[1]
    if rows * k * n <= SMALL:
        multiply(w, x, out)
    else:
        block = max(8, SMALL // (k * n))
        for r in range(0, rows, block):
            m = min(block, rows - r)
            multiply(matrix(w, r * k, m, k), x, matrix(out, r * n, m, n))


def add_outer(a, x, out):
    """out += a @ x.T; for one row of `a` by a loop, for which BLAS takes three times as long."""
    if a.shape[0] == 1:
        k, n = x.shape
        left, to = vector(a, 0, n), vector(out, 0, k)
        for r in range(k):
            right, total = vector(x, r * n, n), to[r]
            for b in range(n):
                total += left[b] * right[b]
            to[r] = total
    else:
        outer_add(a, x, out)


PORT = Port(
    {
        operations.product: loop(product),
        operations.add_product: multiply_add,
        operations.add_outer: loop(add_outer),
        operations.each: range,  # one thread runs a tile (a function of ours here would cost small networks 5 %)
        operations.barrier: equation(operations.barrier),
        activations.tanh: activations.tanh,  # these are bound by the precision of their argument, below
        activations.sigmoid: activations.sigmoid,
        activations.log_sigmoid: activations.log_sigmoid,
        activations.exp_to_one: activations.exp_to_one,
    }
    | {getattr(operations, name): getattr(VIEWS, name) for name in VIEWS._fields},
    translate,
)


def _bind(name: str, options: dict[str, Any]) -> None:
    """Let compiled code call `activations.<name>` in the version of the argument's precision."""
    single, double = getattr(activations, f"{name}_float32"), getattr(activations, f"{name}_float64")
    register_jitable(**options)(single), register_jitable(**options)(double)

    @overload(getattr(activations, name), jit_options=options, strict=False)
    def choose(x):
        return {types.float32: single, types.float64: double}.get(x)


for _name in ("tanh", "sigmoid", "log_sigmoid"):
    _bind(_name, EQUATION)
_bind("exp_to_one", ORDERED)


def compiled(function: Callable, name: str, *others: Callable, structure: str = "", **options: Any) -> Any:
    """Return `function` as one that Numba compiles, kept on disk under `name` and a hash of all sources.

    `others` are functions that it may inline and that may be from outside of the package; `structure` says how.
    """
    dispatcher = njit(**options)(function)
    return dispatcher if config.DISABLE_JIT else keep(dispatcher, name, f"{fingerprint(*others)} {structure}")


def entry(name: str) -> Callable[[Callable], Any]:
    """Decorator: compile a function that Python calls."""
    return lambda function: compiled(PORT.copy(cast(FunctionType, function)), name, nogil=True, **LOOP)


# ---------------------------------------------------------------- operations
class Compiled:
    """A function in both precisions, with the types of its arguments for each."""

    def __init__(self, function: Any, signature: Callable[[np.dtype], tuple[Any, ...]]):  # a dispatcher of Numba's
        self.function, self.signature = function, signature

    def is_ready(self, dtype: np.dtype) -> bool:
        """Return whether the function for this precision is in memory or on disk."""
        signature = self.signature(dtype)
        return signature in self.function.overloads or self.function._cache.has(signature, self.function.targetctx)

    def compile(self, dtype: np.dtype) -> None:
        """Compile the function for this precision, or load it from disk."""
        self.function.compile(self.signature(dtype))


class Addressed(Compiled):
    """An operation's function, reached through its address."""

    def __init__(self, function: Callable, name: str, others: Sequence[Callable] = (), structure: str = ""):
        options = LOOP | {"no_cpython_wrapper": True, "nogil": True, "structure": structure}
        super().__init__(compiled(PORT.copy(cast(FunctionType, function)), name, *others, **options), signature_of)
        self.addresses: dict[str, int] = {}

    def address(self, dtype: np.dtype) -> int:
        """Return where the function for this precision is; the first call compiles it, or finds it on disk."""
        if dtype.char not in self.addresses:
            self.compile(dtype)
            overload_ = self.function.overloads[self.signature(dtype)]
            self.addresses[dtype.char] = overload_.library.get_pointer_to_function(overload_.fndesc.llvm_func_name)
        return self.addresses[dtype.char]


@functools.cache
def signature_of(dtype: np.dtype) -> tuple[Any, ...]:
    """Return the types of an operation's arguments."""
    zero = dtype.type(0)
    chance, shape = Chance(zero, zero, np.uint64(0)), Shape(*map(int, np.zeros(len(Shape._fields))))
    return (types.int64, *map(typeof, (Step(), shape, np.zeros(1, dtype), chance, np.zeros((1, 1), np.int64))))


@functools.cache
def forward_of(operation: Operation) -> Addressed:
    """Return the compiled operation."""
    return Addressed(operation.forward, operation.name, operation.sources, operation.structure)


@functools.cache
def gradient_of(operation: Operation) -> Addressed:
    """Return the compiled gradient of an operation."""
    assert operation.gradient is not None
    name = f"{operation.name}_gradient"
    return Addressed(operation.gradient, name, operation.sources, operation.structure)


#: Operations of a program, each with its step, from which `program_table` makes a table of addresses and steps.
Steps = list[tuple[Addressed, Step]]


def of_forward(program: Program) -> Steps:
    """Return the compiled operations of a program."""
    return [(forward_of(operation), step) for operation, step in program]


def of_gradient(program: Program) -> Steps:
    """Return the compiled gradients of a program's operations; one without a gradient runs as it is."""
    return [
        (forward_of(operation) if operation.gradient is None else gradient_of(operation), step)
        for operation, step in program
    ]


def program_table(steps: Steps, dtype: np.dtype) -> Any:
    """Return the program table that `run` reads, int64 (n, 5): address, then the fields of the step."""
    if config.DISABLE_JIT:
        return [(item.function, step) for item, step in steps]
    return np.array([(item.address(dtype), *step) for item, step in steps], np.int64).reshape(-1, 5)


@intrinsic
def _call_at(typing_context, table, j, tile, shape, theta, chance, arrays):
    """Call the compiled function in line `j` of a program table; it returns nothing."""
    step = typeof(Step())
    argument_types = (types.int64, step, shape, theta, chance, arrays)

    def generate(context, builder, signature, values):
        table_, j_, *rest = values
        word = context.get_value_type(types.intp)
        base = context.make_array(signature.args[0])(context, builder, table_).data
        line = builder.gep(base, [builder.mul(j_, word(1 + len(Step._fields)))])
        address, *fields = [builder.load(builder.gep(line, [word(k)])) for k in range(1 + len(Step._fields))]
        of_step = context.make_tuple(builder, step, fields)
        function_type = context.call_conv.get_function_type(types.none, argument_types)
        pointer = builder.inttoptr(address, function_type.as_pointer())
        arguments = [rest[0], of_step, *rest[1:]]
        status, _ = context.call_conv.call_function(builder, pointer, types.none, argument_types, arguments)
        with cgutils.if_unlikely(builder, status.is_error):
            context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.none(table, types.intp, types.int64, shape, theta, chance, arrays), generate


def _run_tables(once, table, parallel, n_tiles, shape, theta, chance, arrays):
    """Run the operations of `once`, then for each tile all operations of `table`, while the tile is in cache."""
    for j in range(len(once)):
        _call_at(once, j, 0, shape, theta, chance, arrays)
    if parallel:
        for i in prange(n_tiles):
            for j in range(len(table)):
                _call_at(table, j, np.int64(i), shape, theta, chance, arrays)
    else:
        for i in range(n_tiles):
            for j in range(len(table)):
                _call_at(table, j, i, shape, theta, chance, arrays)


def _run_plain(once, table, parallel, n_tiles, shape, theta, chance, arrays):
    """The same without the compiler."""
    for tiles, steps in ((1, once), (n_tiles, table)):
        for i in range(tiles):
            for function, step in steps:
                function(i, step, shape, theta, chance, arrays)


run: Any = (
    _run_plain if config.DISABLE_JIT else compiled(_run_tables, "run", parallel=True, nogil=True, no_cfunc_wrapper=True)
)


def _driver_signature(dtype: np.dtype) -> tuple[Any, ...]:
    """Return the types of the arguments of `run`."""
    tile, _, *others = signature_of(dtype)
    table = types.Array(types.int64, 2, "C")
    return (table, table, types.boolean, tile, *others)


#: `run`, to be compiled ahead.
DRIVER = Compiled(run, _driver_signature)


@functools.cache
def driver(dtype: np.dtype) -> Callable:
    """Return `run` for a precision, called without a look at the types of its arguments, which takes 2 µs a call.

    They must be those of `_driver_signature`: tables and addresses are made by the backend, and it checks theta.
    """
    if config.DISABLE_JIT:
        return run
    DRIVER.compile(dtype)
    return run.overloads[DRIVER.signature(dtype)].entry_point
