"""Recursive: one step ahead at every position that has its lags, rolled forward on its own forecasts."""

from __future__ import annotations

from dataclasses import dataclass

from .base import Rolling


@dataclass(frozen=True)
class Recursive(Rolling):
    """Learn one step ahead, reading the truth, and roll it forward on its own forecasts."""
