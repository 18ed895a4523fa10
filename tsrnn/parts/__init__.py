"""Parts of networks, one a file: parameters, arrays, and operations for a tile of windows beside their gradients.

Nothing here is compiled and nothing imports numba; `tsrnn.kernels` makes compiled code of the operations.
"""
