"""A GPU made of NumPy: it runs the PTX that the kernels become, all threads of a grid side by side, and watches them.

``TSRNN_TEST_DEVICE=ptx`` puts it in the place of the driver. It shows what Numba's simulator cannot: whether the
compiled code, launched as it is, computes the right thing, whether two threads touch one place with no barrier
between, and whether anything reads or writes outside what was allocated.
"""
