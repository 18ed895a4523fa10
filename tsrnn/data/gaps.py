"""Missing values: where they are, and what replaces them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np


def trailing(observed: np.ndarray) -> np.ndarray:
    """Number of missing values at the end of each column of `observed` (n, C), (C,); n for a column without values."""
    return np.where(observed.any(axis=0), observed[::-1].argmax(axis=0), len(observed))


def runs(missing: np.ndarray, longest: int | None = None, first: int = 0) -> Iterator[tuple[int, int]]:
    """First row and end of each run of rows with a `missing` (n, C) value, from row `first` on.

    A run has at most `longest` rows. It also ends where another column begins to be missing, because the values before
    that row help to forecast this column.
    """
    before = np.vstack([np.zeros((1, missing.shape[1]), bool), missing[:-1]])
    begins = (missing & ~before).any(axis=1)
    stops = np.append(np.flatnonzero(begins | ~missing.any(axis=1)), len(missing))
    start = first
    while start < len(missing):
        if not missing[start].any():
            start += 1
            continue
        stop = int(stops[np.searchsorted(stops, start, side="right")])
        stop = stop if longest is None else min(stop, start + longest)
        yield start, stop
        start = stop


def fill(
    values: np.ndarray, missing: np.ndarray, length: int, forecast: Callable[[np.ndarray, int, int], np.ndarray]
) -> np.ndarray:
    """Values (n, C) in which forecasts replace those `missing` (n, C) among the last `length` rows.

    ``forecast(context, row, n_steps)`` returns the steps (n_steps, C) from `row` on, after `context` (length, C). A gap
    that reaches into the last `length` rows is forecast from its beginning. Earlier gaps, and gaps with fewer than
    `length` rows before them, keep the values that they have.
    """
    first = first_to_fill(np.asarray(missing.any(axis=1)), length)
    filled = values.copy()
    for start, stop in runs(missing, first=first):
        steps = forecast(filled[start - length : start], start, stop - start)
        filled[start:stop] = np.where(missing[start:stop], steps, filled[start:stop])
    return filled


def first_to_fill(incomplete: np.ndarray, length: int) -> int:
    """First of the last `length` rows, or the beginning of a run of incomplete rows that reaches it."""
    first = max(length, len(incomplete) - length)
    complete_before = np.flatnonzero(~incomplete[length:first])
    if first >= len(incomplete) or not incomplete[first]:
        return first
    return length + (int(complete_before[-1]) + 1 if len(complete_before) else 0)
