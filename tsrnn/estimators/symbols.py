"""From what users pass to sequences of symbols, and back: strings are divided into symbols, lists hold them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import frame
from ..checks import Anything, on_host, shown
from ..data.vocabulary import Vocabulary
from ..functions.symbols import UNKNOWN

#: How strings are divided into symbols, and what stands between these in a string that is written.
TOKENIZERS: dict[str, tuple[Callable[[str], Iterable[str]], str]] = {"char": (list, ""), "word": (str.split, " ")}
#: A sequence of symbols.
Symbols = tuple[Hashable, ...]


@dataclass(frozen=True)
class SymbolSequences:
    """Sequences of symbols, and whether they came as strings."""

    sequences: list[Symbols]
    are_strings: bool

    def __len__(self) -> int:
        """Number of sequences."""
        return len(self.sequences)

    def encoded(self, vocabulary: Vocabulary) -> list[np.ndarray]:
        """The codes of each sequence."""
        return [vocabulary.encode(sequence) for sequence in self.sequences]


def joint(tokenize: Anything, sequences: Sequence[Symbols]) -> str:
    """What stands between the symbols of a string that is written.

    After a function it is a space, or nothing if only so the function divides these sequences as they were.
    """
    if not callable(tokenize):
        return TOKENIZERS[tokenize][1]
    for between in (" ", ""):
        if all(_is_divided(tokenize, between, sequence) for sequence in sequences):
            return between
    return " "


def _is_divided(tokenize: Callable[[str], Iterable[Any]], between: str, sequence: Symbols) -> bool:
    """Whether a function divides the joined symbols into the same ones."""
    try:
        return tuple(tokenize(between.join(map(str, sequence)))) == sequence
    except (TypeError, ValueError):  # the function cannot divide such a string
        return False


def tokenizer(tokenize: Anything) -> Callable[[str], Iterable[Any]]:
    """The function that divides a string."""
    if callable(tokenize):
        return tokenize
    if not isinstance(tokenize, str) or tokenize not in TOKENIZERS:
        raise ValueError(
            f"tokenize={shown(tokenize)} is not known; use 'word', 'char', or a function from a string to its symbols"
        )
    return TOKENIZERS[tokenize][0]


def read_symbols(values: Anything, name: str, tokenize: Anything, *, may_be_empty: bool = False) -> SymbolSequences:
    """Sequences of symbols from a list of strings, or from a list of lists; without a missing or unhashable one."""
    on_host(name, values)
    items = frame.list_of_sequences(name, values)
    if not items:
        raise ValueError(f"{name} holds no sequence; pass one at least")
    are_strings = isinstance(items[0], str)
    tokenizer(tokenize)
    found = []
    for i, item in enumerate(items):
        if isinstance(item, str) is not are_strings:
            raise TypeError(
                f"{name}[{i}] is {_kind(item)}, but {name}[0] is {_kind(items[0])}; pass strings alone or lists of "
                "symbols alone"
            )
        place = f"{name}[{i}]"
        symbols = _symbols(_divided(item, tokenize, place) if are_strings else item, place)
        if not symbols and not may_be_empty:
            raise ValueError(
                f"{place}={shown(item)} is an empty sequence; leave it out, or give it one symbol at least"
            )
        found.append(symbols)
    return SymbolSequences(found, are_strings)


def _divided(text: str, tokenize: Anything, place: str) -> list[Any]:
    """The symbols of a string."""
    try:
        return list(tokenizer(tokenize)(text))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"tokenize={shown(tokenize)} gives no list of symbols for {place}={shown(text)} ({error}); pass 'word', "
            "'char', or a function from a string to its symbols"
        ) from error


def _symbols(sequence: Anything, place: str) -> Symbols:
    """A sequence as a tuple of symbols, which can be keys of a dict."""
    if isinstance(sequence, str | bytes) or not hasattr(sequence, "__iter__"):
        raise TypeError(f"{place}={shown(sequence)} must be a sequence of symbols: a list, a tuple or an array")
    symbols = tuple(sequence.tolist() if isinstance(sequence, np.ndarray) else sequence)
    frame.refuse_unhashable(place, symbols)
    for k, symbol in enumerate(symbols):
        if frame.is_missing_label(symbol):
            raise ValueError(f"{place} is missing at step {k}; leave that step out, or write a symbol for it")
    return symbols


def _kind(item: Anything) -> str:
    return "a string" if isinstance(item, str) else f"a {type(item).__name__}"


def check_pairs(sources: Sequence[Anything], targets: Sequence[Anything]) -> None:
    """Refuse sources and targets that are not as many."""
    if len(sources) != len(targets):
        raise ValueError(
            f"sources holds {len(sources)} sequences and targets {len(targets)}; pass a target for each source"
        )


def refuse_new(found: Vocabulary, earlier: Vocabulary, name: str) -> None:
    """Refuse to go on from the vocabulary of an earlier fit with symbols that it lacks; `name` holds them."""
    is_new = earlier.encode(found.symbols) == UNKNOWN
    if is_new.any():
        raise ValueError(
            f"warm_start=True goes on with the symbols of the earlier fit, and {name} has "
            f"{shown(found.symbols[is_new.argmax()])}, which is not among them; leave out the sequences with it, or "
            "use warm_start=False"
        )
