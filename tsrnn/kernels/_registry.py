"""Where functions that a factory made are found by name, so that Numba's cache knows them (see `jit.register`)."""
