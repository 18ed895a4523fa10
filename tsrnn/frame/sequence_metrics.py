"""Measures of written sequences of symbols against the true ones; in a string each character is a symbol."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence, Set

from ..checks import Anything, shown, whole


def exact_match(y_true: Anything, y_pred: Anything) -> float:
    """Fraction of the sequences that are written without a mistake.

    Parameters
    ----------
    y_true : list of sequences
        True sequences: lists of symbols, or strings.
    y_pred : list of sequences
        Those that were written.

    Returns
    -------
    float

    Examples
    --------
    >>> exact_match(["abc", "de"], ["abc", "da"])
    0.5
    """
    pairs = _pairs(y_true, y_pred)
    return sum(truth == written for truth, written in pairs) / len(pairs)


def token_accuracy(y_true: Anything, y_pred: Anything) -> float:
    """Fraction of the places at which the right symbol stands, counted from the beginning of each sequence.

    Of a pair of sequences the longer one has the places, so that symbols too many are mistakes as are missing ones.

    Parameters
    ----------
    y_true : list of sequences
        True sequences: lists of symbols, or strings.
    y_pred : list of sequences
        Those that were written.

    Returns
    -------
    float
        1 where all sequences are empty.

    Examples
    --------
    >>> token_accuracy(["abc", "de"], ["abc", "dab"])
    0.6666666666666666
    """
    pairs = _pairs(y_true, y_pred)
    places = sum(max(len(truth), len(written)) for truth, written in pairs)
    right = sum(a == b for truth, written in pairs for a, b in zip(truth, written, strict=False))
    return right / places if places else 1.0


def bleu(y_true: Anything, y_pred: Anything, max_order: int = 4) -> float:
    r"""BLEU of a corpus with one reference each (Papineni et al. 2002, doi:10.3115/1073083.1073135, section 2.3).

    .. math:: \min(1, e^{1 - r / c}) \; \prod_{n=1}^{N} p_n^{1/N}

    with the lengths of all references r and of all written sequences c, and for each order n the fraction of the
    written runs of n symbols that occur in the reference, each at most as often as there. Without smoothing: 0 where
    one of these fractions is 0. The library sacrebleu gives 100 times this number with ``smooth_method="none"`` and
    ``tokenize="none"``.

    Parameters
    ----------
    y_true : list of sequences
        References: lists of symbols, or strings.
    y_pred : list of sequences
        Those that were written.
    max_order : int, default 4
        Length N of the longest runs.

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> round(bleu([["the", "cat", "sat", "on", "it"]], [["the", "cat", "sat", "on", "him"]]), 4)
    0.6687
    """
    pairs, N = _pairs(y_true, y_pred), whole("max_order", max_order)
    reference, written = (sum(len(pair[side]) for pair in pairs) for side in (0, 1))
    logarithm = min(0.0, 1 - reference / written) if written else -math.inf
    for n in range(1, N + 1):
        runs = [(_runs(truth, n), _runs(own, n)) for truth, own in pairs]
        right = sum((truth & own).total() for truth, own in runs)
        if right == 0:
            return 0.0
        logarithm += math.log(right / sum(own.total() for _, own in runs)) / N
    return math.exp(logarithm)


def _runs(sequence: tuple, n: int) -> Counter:
    """How often each run of n symbols occurs."""
    return Counter(sequence[i : i + n] for i in range(len(sequence) - n + 1))


def list_of_sequences(name: str, values: Anything) -> list[Anything]:
    """The sequences of a list, or of something else that has an order.

    Examples
    --------
    >>> list_of_sequences("y_true", ("ab", "c"))
    ['ab', 'c']
    """
    if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
        raise TypeError(f"{name}={shown(values)} must be a list of sequences; pass [{shown(values)}] for a single one")
    _refuse_unordered(name, values)
    return list(values)


def refuse_unhashable(place: str, symbols: Sequence[Anything]) -> None:
    """Refuse symbols that cannot be counted, since no dict takes them as keys."""
    for k, symbol in enumerate(symbols):
        try:
            hash(symbol)
        except TypeError:
            raise TypeError(
                f"{place} has {shown(symbol)} at step {k}, which no dict takes as a key, so that it cannot be a "
                "symbol; use strings, numbers or tuples"
            ) from None


def _symbols(place: str, item: Anything) -> tuple:
    """A sequence as a tuple of symbols, which can be counted and compared."""
    if not hasattr(item, "__iter__"):
        raise TypeError(f"{place}={shown(item)} must be a sequence: a list of symbols, or a string")
    _refuse_unordered(place, item)
    symbols = tuple(item)
    refuse_unhashable(place, symbols)
    return symbols


def _refuse_unordered(place: str, values: Anything) -> None:
    """Refuse what would be read as its keys, or in any order."""
    if isinstance(values, Mapping | Set) or hasattr(values, "columns"):
        raise TypeError(
            f"{place} is a {type(values).__name__}, which would be read as its keys or in no order; pass a list, such "
            "as list(column) of one column of a table"
        )


def _pairs(y_true: Anything, y_pred: Anything) -> list[tuple[tuple, tuple]]:
    """Pairs of sequences as tuples, checked."""
    both = [
        [_symbols(f"{name}[{i}]", item) for i, item in enumerate(list_of_sequences(name, values))]
        for name, values in (("y_true", y_true), ("y_pred", y_pred))
    ]
    if len(both[0]) != len(both[1]) or not both[0]:
        raise ValueError(
            f"y_true holds {len(both[0])} sequences and y_pred {len(both[1])}; pass one for each, and one at least"
        )
    return list(zip(*both, strict=True))
