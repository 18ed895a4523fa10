"""Matrix products as one call of BLAS: what `np.dot` costs beside it, a small product would notice.

`np.dot` checks shapes and overlaps at each call, cannot add to its result, and takes the compiler longer.
This is the function that Numba itself calls for it (``numba_xxgemm``, which finds SciPy's BLAS).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array
from numba.np.linalg import ensure_blas

from ..parts import operations


def _gemm(transposes_x: bool, adds: bool) -> Callable:
    """Return ``out = a @ x`` or ``out = a @ x.T``, or with `adds` the same added to out, for C-contiguous matrices."""

    @intrinsic
    def gemm(typing_context: Any, a: Any, x: Any, out: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            char, word = ir.IntType(8), context.get_value_type(types.intp)
            pointer = char.as_pointer()
            pairs = zip(signature.args, values, strict=True)
            of_a, of_x, of_out = (make_array(kind)(context, builder, value) for kind, value in pairs)
            dtype = signature.args[2].dtype
            number = context.get_value_type(dtype)

            def constant(value: float) -> Any:
                return builder.bitcast(cgutils.alloca_once_value(builder, ir.Constant(number, value)), pointer)

            def letter(which: str) -> Any:
                return ir.Constant(char, ord(which))

            rows, columns = cgutils.unpack_tuple(builder, of_out.shape, 2)
            depth = cgutils.unpack_tuple(builder, of_a.shape, 2)[1]
            x_columns = cgutils.unpack_tuple(builder, of_x.shape, 2)[1]
            arguments = [
                char,
                char,
                char,
                word,
                word,
                word,
                pointer,
                pointer,
                word,
                pointer,
                word,
                pointer,
                pointer,
                word,
            ]
            function = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(ir.IntType(32), arguments), "numba_xxgemm"
            )
            # BLAS counts by columns: in its eyes these are the transposes, and out.T = x.T @ a.T.
            builder.call(
                function,
                [
                    letter("s" if dtype == types.float32 else "d"), letter("t" if transposes_x else "n"), letter("n"),
                    columns, rows, depth, constant(1.0), builder.bitcast(of_x.data, pointer), x_columns,
                    builder.bitcast(of_a.data, pointer), depth, constant(1.0 if adds else 0.0),
                    builder.bitcast(of_out.data, pointer), columns,
                ],
            )  # fmt: skip
            return context.get_dummy_value()

        return types.none(a, x, out), generate

    return gemm


#: Multiply-adds of a product that OpenBLAS does without packing its operands, which is faster.
SMALL = 1_000_000

if config.DISABLE_JIT:
    multiply, multiply_add, outer_add = operations.product, operations.add_product, operations.add_outer
else:
    ensure_blas()
    multiply, multiply_add, outer_add = _gemm(False, False), _gemm(False, True), _gemm(True, True)
