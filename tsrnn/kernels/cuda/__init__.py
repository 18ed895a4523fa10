"""The CUDA backend: the loops of this room on a GPU.

`port` turns the tile functions of the CPU into device functions; a `team` of threads runs each tile; `recurrent` keeps
a layer's recurrent weights on the chip over all steps; `backend` has the interface that networks use. Only `device`
and `team` import `numba.cuda`.
"""
