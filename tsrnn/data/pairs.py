"""Pairs of symbol sequences as windows: an encoder reads the first of a pair, a decoder writes the second.

The rows of a pair are the codes of the source, the start symbol, and those of the target with its end:

    s_1 ... s_n START | t_1 ... t_m END

The context is everything up to the start symbol, which is the first that the decoder reads; at each step it reads the
row before its target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..functions.symbols import END, START
from .scaling import Scales
from .windows import Buckets, Geometry, Windows

START_ROW, END_ROW = np.array([START]), np.array([END])
#: Pairs of at least this part of the length of another are alike.
LIKE = 0.8


@dataclass(frozen=True)
class Pairs:
    """Pairs of sequences, in buckets of similar lengths.

    Attributes
    ----------
    rows, weight : (N, 1) float64
        Codes, and 1 for those of a target, 0 for those of a source and for what pads a target.
    buckets : Buckets
        The number of a window in them is that of its pair in `order`.
    order : (n,) int
        Numbers of the pairs.
    """

    rows: np.ndarray
    weight: np.ndarray
    buckets: Buckets
    order: np.ndarray

    @property
    def geometry(self) -> Geometry:
        """The smallest geometry that holds all pairs."""
        geometries = [geometry for geometry, _ in self.buckets.parts]
        return Geometry(max(g.context for g in geometries), max(g.n_outputs for g in geometries))

    @classmethod
    def of(cls, sources: Sequence[np.ndarray], targets: Sequence[np.ndarray], least: int | None = None) -> Pairs:
        """Pairs of codes, the longest first; with `least` in buckets, of about so many pairs at least."""
        n_source, n_target = (np.array([len(codes) for codes in each]) for each in (sources, targets))
        order = np.lexsort((-n_target, -n_source, -n_source - n_target))
        ends = [len(order)] if least is None else ends_of_buckets((n_source + n_target)[order], least)
        rows: list[np.ndarray] = []
        weights: list[np.ndarray] = []
        parts, first = [], 0
        for chosen in np.split(order, ends[:-1]):
            geometry = Geometry(1 + int(n_source[chosen].max()), 1 + int(n_target[chosen].max()))
            length = 1 + n_source[chosen]
            starts = first + np.cumsum(length + geometry.n_outputs) - length - geometry.n_outputs
            for pair in chosen:
                padding = np.zeros(geometry.n_outputs - 1 - n_target[pair])
                rows += [sources[pair], START_ROW, targets[pair], END_ROW, padding]
                weights += [np.zeros(1 + n_source[pair]), np.ones(1 + n_target[pair]), padding]
            first = int(starts[-1] + length[-1] + geometry.n_outputs)
            parts.append((geometry, windows_at(starts, length, geometry)))
        columns = [np.concatenate(each).astype(np.float64)[:, None] for each in (rows, weights)]
        return cls(columns[0], columns[1], Buckets(tuple(parts)), order)


def ends_of_buckets(lengths: np.ndarray, least: int) -> list[int]:
    """Where buckets of descending `lengths` end, n at last.

    A bucket ends where a pair has less than half the length of its first one; or less than `LIKE` of it, if the bucket
    has `least` pairs: few large batches train better than many small ones, but a single long pair makes no other wait.
    """
    ends, first = [], 0
    for k, length in enumerate(lengths):
        if 2 * length < lengths[first] or (k - first >= least and length < LIKE * lengths[first]):
            ends.append(k)
            first = k
    return [*ends, len(lengths)]


def windows_at(starts: np.ndarray, length: np.ndarray, geometry: Geometry) -> Windows:
    """Windows with a context of `length` rows from the rows `starts` on, whose codes are not scaled."""
    zero, one = np.zeros((1, 1)), np.ones((1, 1))
    scales, late = Scales.of_table(zero, one, zero, one), geometry.context - length
    return Windows.at(starts - late, np.zeros(len(starts)), scales, geometry, late)


def to_write(sources: Sequence[np.ndarray], context: int, n_outputs: int) -> tuple[np.ndarray, Windows, Geometry]:
    """Rows, windows and geometry of sources whose targets, of at most `n_outputs` codes, are not known."""
    geometry = Geometry(context, n_outputs)
    length = np.array([1 + len(codes) for codes in sources])
    starts = np.cumsum(length + n_outputs) - length - n_outputs
    blank = np.zeros(n_outputs)
    rows = np.concatenate([part for codes in sources for part in (codes, START_ROW, blank)])
    return rows.astype(np.float64)[:, None], windows_at(starts, length, geometry), geometry
