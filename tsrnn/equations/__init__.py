"""EQUATIONS: scalars in, scalars out; each forward beside its gradient. No loop, no array, no numba.

The same functions serve the compiled loops, the plain NumPy backend of the tests, and the pages of the documentation.
"""
