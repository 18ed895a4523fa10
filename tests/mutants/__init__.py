"""Mutants: see ``python -m tests.mutants --help``."""

from . import cuda, forecasts, kernels, training

MUTANTS = [*kernels.MUTANTS, *training.MUTANTS, *forecasts.MUTANTS, *cuda.MUTANTS]
