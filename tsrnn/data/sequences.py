"""Sequences of different lengths, one after the other: the windows of regressors and classifiers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .pairs import ends_of_buckets
from .windows import Geometry

#: Windows of ragged batches have a multiple of so many steps, the number that a layer multiplies by its weights at
#: once: so a sequence is computed by the same products whatever the longest one of its batch is.
STEPS = 16


def place_of(row: int, lengths: np.ndarray) -> tuple[int, int]:
    """The sequence that a row of all sequences belongs to, and its step there."""
    ends = np.cumsum(lengths)
    i = int(np.searchsorted(ends, row, side="right"))
    return i, row - int(ends[i] - lengths[i])


@dataclass(frozen=True)
class Sequences:
    """n sequences, each with its own number of steps.

    Attributes
    ----------
    rows : (N, n_channels) float64
        The steps of all sequences; those of a sequence follow those of the one before it.
    lengths : (n,) int64
        Steps of each sequence.
    is_ragged : bool
        Whether the lengths may differ, also from those of other batches.
    """

    rows: np.ndarray
    lengths: np.ndarray
    is_ragged: bool = False

    @classmethod
    def of_windows(cls, windows: np.ndarray) -> Sequences:
        """Windows (n, length, n_channels) of one length."""
        n, length, n_channels = windows.shape
        return cls(windows.reshape(-1, n_channels), np.full(n, length, np.int64))

    def __len__(self) -> int:
        """Number of sequences."""
        return len(self.lengths)

    @property
    def starts(self) -> np.ndarray:
        """First row of each sequence, (n,)."""
        return np.cumsum(self.lengths) - self.lengths

    def rows_of(self, chosen: np.ndarray) -> np.ndarray:
        """The rows of the sequences with these numbers, in the order of the rows."""
        return self.rows[self.are_of(chosen)]

    def are_of(self, chosen: np.ndarray) -> np.ndarray:
        """Which rows belong to the sequences with these numbers, (N,)."""
        is_chosen = np.zeros(len(self), bool)
        is_chosen[chosen] = True
        return np.repeat(is_chosen, self.lengths)

    def buckets(self, geometry_of: Callable[[int], Geometry], least: int) -> SequenceBuckets:
        """The same in buckets of about `least` sequences at least; `geometry_of` a number of steps is that of windows.

        A sequence stands at the end of its window.
        """
        n_steps = -(-self.lengths // STEPS) * STEPS if self.is_ragged else self.lengths
        order = np.argsort(-n_steps, kind="stable")
        parts = np.split(order, ends_of_buckets(n_steps[order], least)[:-1])
        return SequenceBuckets(
            self, tuple((geometry_of(int(n_steps[part].max(initial=1))), np.sort(part)) for part in parts)
        )

    def after_a_row(self, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All sequences with the same number of rows, each after a row `first` (C,), and the weight of each value.

        Both have the shape (n * (1 + T), C) for the longest sequence's T. Weights are 0 in the first row and after the
        end of a sequence, where the values are `first` too.
        """
        n_steps = int(self.lengths.max())
        rows, weight = np.tile(first, (len(self), 1 + n_steps, 1)), np.zeros((len(self), 1 + n_steps, len(first)))
        is_own = np.arange(n_steps) < self.lengths[:, None]
        rows[:, 1:][is_own], weight[:, 1:][is_own] = self.rows, 1
        return rows.reshape(-1, len(first)), weight.reshape(-1, len(first))


@dataclass(frozen=True)
class SequenceBuckets:
    """Sequences in buckets of similar lengths.

    Attributes
    ----------
    sequences : Sequences
    parts : tuple of (Geometry, ndarray)
        The geometry of the windows of a bucket, the largest first, and the numbers of its sequences, ascending.
    """

    sequences: Sequences
    parts: tuple[tuple[Geometry, np.ndarray], ...]

    @property
    def order(self) -> np.ndarray:
        """Numbers of the sequences, one bucket after the other, (n,)."""
        return np.concatenate([numbers for _, numbers in self.parts])

    @property
    def n_ahead(self) -> np.ndarray:
        """Rows of targets of each sequence, (n,)."""
        found = np.empty(len(self.sequences), np.int64)
        for geometry, numbers in self.parts:
            found[numbers] = geometry.n_ahead
        return found

    @property
    def own_targets(self) -> np.ndarray:
        """The row of targets of each step, (N,), where windows have an output at each step: the last ones of each."""
        lengths = self.sequences.lengths
        return np.arange(lengths.sum()) + np.repeat(np.cumsum(self.n_ahead) - np.cumsum(lengths), lengths)
