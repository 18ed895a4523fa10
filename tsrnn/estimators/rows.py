"""Checks of a history: whether its rows make a window, and whether they make enough of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..data.seasons import Seasons
from ..data.windows import Geometry
from .base import History

#: Fewer windows than these are few. Over 15 monthly, weekly and daily series with a horizon of 12, training made the
#: linear start worse on 2 windows (error over that of the last value 1.10, untrained 0.99), on 5 (1.22, 1.04) and on 10
#: (9.87, 8.64), but not on 15 (1.56, 1.68).
FEW = 10


def check_length(history: History, counts: np.ndarray, context_length: int, horizon: int, seasons: Seasons) -> None:
    """Refuse a history that has no window, or a channel in which nothing remains to learn from."""
    need, names, before = context_length + horizon + seasons.reach, "one of them", ""
    if seasons.reach:
        names, before = "one of them, or season_lengths,", f", after {seasons.reach} whose season is read"
    for c, n in enumerate(history.n_rows):
        if n < need:
            raise ValueError(
                f"{history.channel(c)} has {n} observations from the first observed one on, but one window needs "
                f"{need}: context_length={context_length} to read and horizon={horizon} to forecast{before}; pass a "
                f"longer series or make {names} smaller"
            )
        if not counts[context_length:, c].any():
            raise ValueError(
                f"nothing remains to learn from: every value of {history.channel(c)} after its first "
                f"context_length={context_length} is missing; drop it, or read less"
            )


def few_windows(
    counts: np.ndarray, geometry: Geometry, history: History, horizon: int, context_of: Callable[[int], int | None]
) -> str | None:
    """Return a remark on a channel with fewer than `FEW` windows, and what helps; None where each has enough.

    `counts` (n, C) says which values are learned from; `context_of(horizon)` what another horizon's windows would read,
    None where there can be no such windows.
    """
    found = np.array([_count(counts[geometry.context :, c], geometry.n_ahead) for c in range(counts.shape[1])])
    if found.min() >= FEW:
        return None
    c = int(found.argmin())

    def windows_of(shorter: int) -> int:
        context = context_of(shorter)
        return 0 if context is None else _count(counts[context:, c], shorter)

    shorter = next((h for h in range(horizon - 1, 0, -1) if windows_of(h) >= FEW), None)
    mend = (
        "pass a longer series"
        if shorter is None
        else f"fit with horizon={shorter}, after which predict({horizon}) still works"
    )
    windows = "1 window" if found[c] == 1 else f"{found[c]} windows"
    return (
        f"{history.channel(c)} has {windows} of context_length={geometry.context} and horizon={horizon} to learn from, "
        f"fewer than {FEW}, which is too little for a network; {mend}, or use ARForecaster"
    )


def _count(learned: np.ndarray, n_ahead: int) -> int:
    """Windows among whose `n_ahead` targets there is one that is learned from, of all steps (n,) after a context."""
    total = np.concatenate([[0], np.cumsum(learned > 0)])
    return int((total[n_ahead:] > total[:-n_ahead]).sum())
