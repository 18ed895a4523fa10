"""Which windows an epoch trains on, and in which order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..functions.random import fold

#: What `sampling` accepts.
SAMPLING = ("windows", "series")
#: Most windows whose order is drawn as one array; the order of more is computed piece by piece.
MAX_PERMUTED = 2**20
#: Windows of a piece, rounded down to whole batches.
PIECE = 2**16
#: Rounds of the Feistel network. Four make a pseudorandom permutation if their functions are (Luby & Rackoff 1988,
#: doi:10.1137/0217022); the halves are small here, and more rounds cost little.
ROUNDS = 8


def epoch(n_windows: np.ndarray, sampling: str, rng: np.random.Generator, batch_size: int) -> Iterator[np.ndarray]:
    """Numbers of the windows of an epoch, piece by piece; all pieces but the last hold whole batches.

    `n_windows` (S,) are the windows of each series, numbered one series after the other. With `sampling` "windows" each
    window comes once, in random order. With "series" as many are drawn, each from a series that is drawn first: every
    series with windows has the same probability, and every window of it.
    """
    n, size = int(n_windows.sum()), max(PIECE // batch_size, 1) * batch_size
    pieces = [(first, min(first + size, n)) for first in range(0, n, size)]
    if sampling == "series":
        has_windows, first_numbers = np.flatnonzero(n_windows), np.cumsum(n_windows) - n_windows
        for first, last in pieces:
            series = has_windows[rng.integers(len(has_windows), size=last - first)]
            yield first_numbers[series] + rng.integers(n_windows[series])
    elif n <= MAX_PERMUTED:
        order = rng.permutation(n)
        for first, last in pieces:
            yield order[first:last]
    else:
        keys = rng.integers(2**32, size=ROUNDS, dtype=np.uint64)
        for first, last in pieces:
            yield permuted(np.arange(first, last), n, keys)


def permuted(numbers: np.ndarray, n: int, keys: np.ndarray) -> np.ndarray:
    """Where a pseudorandom permutation of 0 to n - 1 takes these numbers; `keys` (ROUNDS,) choose the permutation.

    A Feistel network permutes the numbers of as many bits as n - 1 has. A result from n on is permuted again until it
    is smaller, which permutes the numbers below n (Black & Rogaway 2002, doi:10.1007/3-540-45760-7_9, section 3). It
    takes two passes on average at most, and no memory.
    """
    n_bits = max((n - 1).bit_length(), 2)
    found = _feistel(numbers.astype(np.uint64), n_bits, keys)
    outside = np.flatnonzero(found >= n)
    while len(outside):
        again = _feistel(found[outside], n_bits, keys)
        found[outside] = again
        outside = outside[again >= n]
    return found.astype(np.int64)


def _feistel(numbers: np.ndarray, n_bits: int, keys: np.ndarray) -> np.ndarray:
    """A permutation of the numbers of `n_bits` bits, from an even number of rounds.

    The two halves may differ in length, as in Mitchell et al. 2022 (doi:10.1145/3505287, section 4).
    """
    n_left = np.uint64(n_bits // 2)
    n_right = np.uint64(n_bits) - n_left
    left, right = numbers >> n_right, numbers & mask(n_right)
    for key, n_swapped in zip(keys, [n_left, n_right] * (len(keys) // 2), strict=True):
        left, right = right, left ^ (fold(key, right) & mask(n_swapped))
    return (left << n_right) | right


def mask(n_bits: np.uint64) -> np.uint64:
    """The number whose last `n_bits` bits are set."""
    return (np.uint64(1) << n_bits) - np.uint64(1)
