"""Views: a run of an array's elements as a vector or a matrix, by offset, as in C; and arrays by their address.

Slicing and reshaping say the same, but each costs a kernel dozens of instructions (wrap-around, bounds, reference
counts) and tens of milliseconds of compiling; the kernels make some twenty views a step. Nothing is checked here,
unless TSRNN_DEBUG=1: offsets and sizes come from shapes that the backend made itself.

The arrays of a workspace reach the kernels as one *array table* of addresses and shapes: twenty arrays as arguments
would cost every call some microseconds, and every loop over tiles a second of compiling.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from ..parts import operations

#: Whether each view is checked against its array (TSRNN_DEBUG=1), which takes time.
DEBUG = os.environ.get("TSRNN_DEBUG", "0") == "1"
#: Words in a line of an array table: the address, at most four sizes, and the elements of one tile.
WORDS = 6


class Views(NamedTuple):
    """The functions that make views, for one compiler or for none."""

    #: ``vector(base, offset, n)``: elements offset to offset + n of the C-contiguous `base`, (n,).
    vector: Callable
    #: ``matrix(base, offset, rows, columns)``: rows * columns elements from `offset` on, (rows, columns).
    matrix: Callable
    #: ``tensor<k>(arrays, number, tile, like)``: of an array in an array table what belongs to a tile,
    #: k-dimensional (or flat, for k = 1); its elements have the type of the array or number `like`.
    tensor1: Callable
    tensor2: Callable
    tensor3: Callable
    tensor4: Callable


def build_views(
    intrinsic: Callable,
    types: Any,
    make_array: Callable,
    populate_array: Callable,
    space: int = 0,
    checks: bool = False,
) -> Views:
    """The views of a compiler that has these functions and types: Numba's, or that of its CUDA target.

    Arrays that are known by their addresses lie in that address `space`. With `checks`, a view that reaches beyond its
    array raises an IndexError instead of reading or writing what lies there.
    """

    def check(context, builder, of_base, offset, shape):
        """Raise an IndexError, in compiled code, where a view reaches beyond its base."""
        total, end = context.get_constant(types.intp, 1), offset
        for size in cgutils.unpack_tuple(builder, of_base.shape):
            total = builder.mul(total, size)
        n = shape[0] if len(shape) == 1 else builder.mul(shape[0], shape[1])
        end = builder.add(offset, n)
        zero = context.get_constant(types.intp, 0)
        is_wrong = builder.or_(
            builder.icmp_signed("<", offset, zero),
            builder.or_(builder.icmp_signed("<", n, zero), builder.icmp_signed(">", end, total)),
        )
        with builder.if_then(is_wrong, likely=False):
            context.call_conv.return_user_exc(builder, IndexError, ("a view reaches beyond its array",))

    def generate(context, builder, signature, values):
        """The view's structure: the base's pointer plus the offset, no owner."""
        base, offset, *shape = values
        if checks:
            check(context, builder, make_array(signature.args[0])(context, builder, base), offset, shape)
        like, out = signature.return_type, make_array(signature.return_type)(context, builder)
        item = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(like.dtype)))
        strides = [item] if len(shape) == 1 else [builder.mul(shape[1], item), item]
        pointer = builder.gep(make_array(signature.args[0])(context, builder, base).data, [offset])
        populate_array(out, pointer, shape, strides, item, None)
        return out._getvalue()

    @intrinsic
    def vector(typing_context, base, offset, n):
        return types.Array(base.dtype, 1, "C")(base, types.intp, types.intp), generate

    @intrinsic
    def matrix(typing_context, base, offset, rows, columns):
        return types.Array(base.dtype, 2, "C")(base, types.intp, types.intp, types.intp), generate

    def tensor_of(ndim: int) -> Callable:
        @intrinsic
        def tensor(typing_context, table, field, i, like):
            dtype = getattr(like, "dtype", like)
            out_type = types.Array(dtype, ndim, "C")

            def generate(context, builder, signature, values):
                word = context.get_value_type(types.intp)
                start = builder.mul(values[1], word(WORDS))
                entry = builder.gep(make_array(signature.args[0])(context, builder, values[0]).data, [start])
                places = (0, *range(1, ndim + 1), WORDS - 1) if ndim > 1 else (0, WORDS - 1, WORDS - 1)
                address, *shape, total = [builder.load(builder.gep(entry, [word(k)])) for k in places]
                item = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(dtype)))
                strides = [item]
                for size in reversed(shape[1:]):
                    strides.insert(0, builder.mul(strides[0], size))
                out = make_array(signature.return_type)(context, builder)
                place = builder.add(address, builder.mul(values[2], builder.mul(total, item)))
                pointer = builder.inttoptr(place, context.get_data_type(dtype).as_pointer(space))
                if space:
                    pointer = builder.addrspacecast(pointer, out.data.type)
                populate_array(out, pointer, shape, strides, item, None)
                return out._getvalue()

            return out_type(table, types.intp, types.intp, like), generate

        return tensor

    return Views(vector, matrix, *map(tensor_of, (1, 2, 3, 4)))


#: The same without a compiler; the table is then a list of the arrays themselves.
PLAIN = Views(*(getattr(operations, name) for name in Views._fields))
VIEWS = PLAIN if config.DISABLE_JIT else build_views(intrinsic, types, make_array, populate_array, checks=DEBUG)
vector, matrix, tensor1, tensor2, tensor3, tensor4 = VIEWS


def address_of(array: np.ndarray) -> int:
    """Return the address of an array's first element."""
    address: int = array.__array_interface__["data"][0]
    return address


def array_table(addresses: Sequence[int], shapes: Sequence[tuple[int, ...]]) -> np.ndarray:
    """Return the array table for `addresses` and `shapes`, (n, WORDS) int64; the first axis of an array is the tile."""
    return np.array([_line(*array) for array in zip(addresses, shapes, strict=True)], np.int64).reshape(-1, WORDS)


def _line(address: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the line of the array table for an array."""
    return (address, *shape[1:], *(0,) * (WORDS - 1 - len(shape)), prod(shape[1:]))


def set_address(table: Any, number: int, array: np.ndarray) -> None:
    """Put an array, C-contiguous, in the place of that number; the table does not keep it alive."""
    table[number] = array if config.DISABLE_JIT else _line(address_of(array), array.shape)
