"""Look-ups in the index tables, which all tiles share."""

from __future__ import annotations

from .common import OFFSETS
from .operations import tensor1


def offset(arrays, weights):
    """Return the offset in theta of a parameter, given by its `Weights`, or -1 where the network lacks it."""
    return tensor1(arrays, OFFSETS, 0, arrays)[weights]
