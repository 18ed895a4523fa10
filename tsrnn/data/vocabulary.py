"""A vocabulary: the symbols that a training saw, and the numbers that a network knows them by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..functions.symbols import END, UNKNOWN

#: Symbols of a sequence: any values that a dict takes as keys.
Symbols = Sequence[Hashable]


@dataclass(frozen=True)
class Vocabulary:
    """Symbols in the order of their codes, which begin after those that `functions.symbols` keeps.

    Examples
    --------
    >>> vocabulary = Vocabulary.of(["to", "be", "or", "not", "to", "be"])
    >>> vocabulary.encode(["not", "me"]).tolist()
    [6, 0]
    >>> vocabulary.decode([3, 4])
    ['to', 'be']
    """

    symbols: tuple[Hashable, ...]

    @classmethod
    def of(cls, symbols: Iterable[Hashable], min_count: int = 1) -> Vocabulary:
        """The symbols that occur at least `min_count` times, in the order of their first occurrence."""
        counts = Counter(symbols)
        return cls(tuple(symbol for symbol, count in counts.items() if count >= min_count))

    def __len__(self) -> int:
        """Number of codes, with those that stand for no symbol."""
        return END + 1 + len(self.symbols)

    @cached_property
    def _codes(self) -> dict[Hashable, int]:
        return {symbol: code for code, symbol in enumerate(self.symbols, END + 1)}

    def encode(self, sequence: Symbols) -> np.ndarray:
        """The codes of a sequence, int64; that of unknown symbols where the vocabulary lacks one."""
        return np.array([self._codes.get(symbol, UNKNOWN) for symbol in sequence], np.int64)

    def decode(self, codes: Iterable[int]) -> list[Hashable]:
        """The symbols of codes, of which each stands for one."""
        return [self.symbols[code - END - 1] for code in codes]
