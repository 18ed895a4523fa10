"""The CUDA backend: the operations of `tsrnn.parts` on a GPU.

A `team` of threads runs each tile; `kernels` makes kernels of the operations, with `operations` in the place of the
parts' loops and products; `recurrent` keeps a layer's recurrent weights on the chip over all steps; `backend` has the
interface that networks use. Only `device`, `intrinsics` and `team` import `numba.cuda`.
"""
