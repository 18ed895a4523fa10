"""Views: a run of an array's elements as a vector or a matrix, by offset, as in C.

Slicing and reshaping say the same, but each costs a kernel dozens of instructions (wrap-around, bounds, reference
counts) and tens of milliseconds of compiling; the kernels make some twenty views a step. Nothing is checked here:
offsets and sizes come from shapes that the backend made itself.
"""

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


def _plain_vector(base, offset, n):
    return base.reshape(-1)[offset : offset + n]


def _plain_matrix(base, offset, rows, columns):
    return base.reshape(-1)[offset : offset + rows * columns].reshape(rows, columns)


#: ``vector(base, offset, n)``: elements offset to offset + n of the C-contiguous `base`, (n,).
vector = _plain_vector if config.DISABLE_JIT else _vector
#: ``matrix(base, offset, rows, columns)``: rows * columns elements from `offset` on, (rows, columns).
matrix = _plain_matrix if config.DISABLE_JIT else _matrix
