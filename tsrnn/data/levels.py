"""Levels: the values whose differences a network reads and forecasts, and how differences are summed to levels.

`lags` are the distances of the values that are subtracted in turn: (12, 1) is the difference of the values one step
before, of the difference of the values 12 steps before. Levels after a forecast need the `sum(lags)` ones before it.
"""

from __future__ import annotations

import numpy as np

Lags = tuple[int, ...]


def differenced(values: np.ndarray, lags: Lags) -> np.ndarray:
    """Differences (N, C) of values (N, C); the first `sum(lags)` rows of a series have too few before them."""
    rows = np.arange(len(values))
    for lag in lags:
        values = values - values[np.maximum(rows - lag, 0)]
    return values


def cumulated(differences: np.ndarray, before: np.ndarray, lag: int) -> np.ndarray:
    """Values (S, h, ...) whose differences from the values `lag` steps before are given; `before` (S, lag, ...)."""
    values = np.empty(np.broadcast_shapes(differences.shape, (*before.shape[:1], 1, *before.shape[2:])))
    for k in range(min(lag, differences.shape[1])):
        values[:, k::lag] = before[:, k, None] + np.cumsum(differences[:, k::lag], axis=1)
    return values


def summed(changes: np.ndarray, before: np.ndarray, lags: Lags) -> np.ndarray:
    """Levels (S, h, C, ...) whose differences `changes` are given, after the levels `before` (S, sum(lags), C, ...)."""
    tails, stage = [], before
    for lag in lags:
        tails.append(stage[:, -lag:])
        stage = stage[:, lag:] - stage[:, :-lag]
    for lag, tail in zip(reversed(lags), reversed(tails), strict=True):
        changes = cumulated(changes, tail, lag)
    return changes


def next_level(change: np.ndarray, before: np.ndarray, lags: Lags) -> np.ndarray:
    """The level (C, ...) one step after the levels `before` (sum(lags), C, ...), by its difference (C, ...)."""
    return summed(change[None, None], before[None], lags)[0, 0]


def carried(values: np.ndarray, observed: np.ndarray, lags: Lags) -> np.ndarray:
    """Levels (n, C) of one series, in which a missing one is where no change would bring it.

    That is the level before, or the one a season before, or the one before plus the season's change. A slope is not
    carried on, not even with two differences: at the end of a long gap it would be far away.
    """
    once, levels = tuple(sorted(set(lags), reverse=True)), values.copy()
    n = sum(once)
    for row in np.flatnonzero(~observed.all(axis=1)):
        if row >= n:
            same = next_level(np.zeros(values.shape[1]), levels[row - n : row], once)
            levels[row] = np.where(observed[row], values[row], same)
    return levels


def through_gap(
    changes: np.ndarray, before: np.ndarray, observed: np.ndarray, levels: np.ndarray, lags: Lags
) -> np.ndarray:
    """The `sum(lags)` levels (sum(lags), C, ...) up to the end of a gap of m rows, whose changes (m, C, ...) are given.

    `before` (sum(lags), C) are the levels before the gap. In it those `observed` (m, C) are `levels` (m, C).
    """
    n, further = sum(lags), (None,) * (changes.ndim - 2)
    found = np.empty((n + len(changes), *changes.shape[1:]))
    found[:n] = before[(..., *further)]
    for k, change in enumerate(changes):
        forecast = next_level(change, found[k : n + k], lags)
        found[n + k] = np.where(observed[(k, ..., *further)], levels[(k, ..., *further)], forecast)
    return found[len(changes) :]
