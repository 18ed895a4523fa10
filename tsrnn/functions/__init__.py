"""Elementary functions of scalars, each beside its gradient, for cells, losses, attention and the optimiser.

No loop, no array, no numba. The same functions serve the compiled loops, the plain NumPy backend of the tests, and the
pages of the documentation.
"""
