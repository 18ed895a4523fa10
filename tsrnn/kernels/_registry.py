"""Where functions that a factory made can be found by name, so that Numba's cache knows them again (see `jit.register`)."""
