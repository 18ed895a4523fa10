"""Mutants: see ``python -m tests.mutants --help``."""

from . import cuda, table

MUTANTS = [*table.MUTANTS, *cuda.MUTANTS]
