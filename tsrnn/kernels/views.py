"""Views: a run of an array's elements as a vector or a matrix, by offset, as in C; and arrays by their address.

Slicing and reshaping say the same, but each costs a kernel dozens of instructions (wrap-around, bounds, reference
counts) and tens of milliseconds of compiling; the kernels make some twenty views a step. Nothing is checked here:
offsets and sizes come from shapes that the backend made itself.

The arrays of a workspace reach the kernels as one table of addresses and shapes: twenty arrays as arguments would cost
every call some microseconds, and every loop over tiles a second of compiling.
"""

import numpy as np
from numba import config, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array


def _generate(context, builder, signature, values):
    """The view's structure: the base's pointer plus the offset, no owner."""
    base, offset, *shape = values
    out = make_array(signature.return_type)(context, builder)
    item = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(signature.return_type.dtype)))
    strides = [item] if len(shape) == 1 else [builder.mul(shape[1], item), item]
    pointer = builder.gep(make_array(signature.args[0])(context, builder, base).data, [offset])
    populate_array(out, pointer, shape, strides, item, None)
    return out._getvalue()


@intrinsic
def _vector(typing_context, base, offset, n):
    return types.Array(base.dtype, 1, "C")(base, types.intp, types.intp), _generate


@intrinsic
def _matrix(typing_context, base, offset, rows, columns):
    return types.Array(base.dtype, 2, "C")(base, types.intp, types.intp, types.intp), _generate


def _tensor_of(ndim):
    @intrinsic
    def tensor(typing_context, table, field, i, like):
        dtype = getattr(like, "dtype", like)
        out_type = types.Array(dtype, ndim, "C")

        def generate(context, builder, signature, values):
            word = context.get_value_type(types.intp)
            start = builder.mul(values[1], word(WORDS))
            entry = builder.gep(make_array(signature.args[0])(context, builder, values[0]).data, [start])
            address, *shape = [builder.load(builder.gep(entry, [word(k)])) for k in (0, *range(2, ndim + 2))]
            item = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(dtype)))
            strides = [item]
            for size in reversed(shape):
                strides.insert(0, builder.mul(strides[0], size))
            out = make_array(signature.return_type)(context, builder)
            pointer = builder.inttoptr(builder.add(address, builder.mul(values[2], strides[0])), out.data.type)
            populate_array(out, pointer, shape, strides[1:], item, None)
            return out._getvalue()

        return out_type(table, types.intp, types.intp, like), generate

    return tensor


#: Words in a line of an `address_book`: an address, and at most this many sizes less one.
WORDS = 6


def address_book(arrays):
    """Address and shape of each of `arrays`, all C-contiguous: (n, WORDS) int64. It does not keep them alive."""
    if config.DISABLE_JIT:
        return arrays
    table = np.zeros((len(arrays), WORDS), np.int64)
    for line, array in zip(table, arrays, strict=True):
        line[: 1 + array.ndim] = array.ctypes.data, *array.shape
    return table


def _plain_tensor(book, field, i, like):
    return book[field][i]


def _plain_vector(base, offset, n):
    return base.reshape(-1)[offset : offset + n]


def _plain_matrix(base, offset, rows, columns):
    return base.reshape(-1)[offset : offset + rows * columns].reshape(rows, columns)


#: ``vector(base, offset, n)``: elements offset to offset + n of the C-contiguous `base`, (n,).
vector = _plain_vector if config.DISABLE_JIT else _vector
#: ``matrix(base, offset, rows, columns)``: rows * columns elements from `offset` on, (rows, columns).
matrix = _plain_matrix if config.DISABLE_JIT else _matrix
#: ``tensor<k>(book, field, i, like)``: number i along the first axis of an array in an `address_book`, k-dimensional,
#: of the precision of the array or number `like`.
tensor1, tensor2, tensor3, tensor4 = [
    _plain_tensor if config.DISABLE_JIT else _tensor_of(ndim) for ndim in (1, 2, 3, 4)
]
