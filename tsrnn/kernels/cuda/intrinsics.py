"""What Python cannot express for the device: views by address, unchecked elements, counters of barriers, `noinline`.

Each has a plain form for the simulator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..views import PLAIN, Views, build_views
from .device import SIMULATED

#: The address space of the device's memory.
GLOBAL = 1


def _name(functions: dict[str, Any]) -> None:
    """Give intrinsics the same identity in every process, so that types that hold them are the same, too."""
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
    """Return functions for elements by their offset, which is neither wrapped around nor checked.

    ``peek(array, offset)`` reads one, ``poke(array, offset, value)`` writes one, ``quad(array, offset)`` reads four by
    one instruction, for which `offset` has to be a multiple of four.
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


def _counters() -> tuple[Callable, Callable]:
    """Return the counter of a team's barriers: ``arrive(team, n)`` adds n to it, ``arrivals(team)`` reads it.

    The addition is a release, the reading an acquire (PTX ISA 8.8, memory consistency model): a thread that reads the
    new count reads what others wrote before they added to it. The simulator has no blocks that wait for each other.
    """
    if SIMULATED:
        return lambda team, n: 0, lambda team: 0
    from llvmlite import ir
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    word, whole = ir.IntType(32), ir.IntType(64)

    def counter(builder, team):
        """Return the address of a team's counter; each is on a cache line of its own."""
        kind = ir.ArrayType(word, MOST_TEAMS * LINE_WORDS)
        counters = builder.module.globals.get("tsrnn_barriers")
        if counters is None:
            counters = ir.GlobalVariable(builder.module, kind, "tsrnn_barriers", addrspace=GLOBAL)
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


def _noinline() -> Callable:
    """Return ``noinline()``, which marks its caller `noinline`, so that it gets its own register allocation."""
    if SIMULATED:
        return lambda: None
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    @intrinsic
    def noinline(typing_context):
        def generate(context, builder, signature, values):
            builder.function.attributes.add("noinline")
            return context.get_dummy_value()

        return types.none(), generate

    _name({"noinline": noinline})
    return noinline


noinline = _noinline()
#: Most teams of one launch; words between their counters.
MOST_TEAMS, LINE_WORDS = 256, 32
arrive, arrivals = _counters()
