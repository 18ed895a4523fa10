"""Recursive: the network learns one step ahead and reads its own forecasts for the later steps."""

from __future__ import annotations

from dataclasses import dataclass

from .base import Rolling


@dataclass(frozen=True)
class Recursive(Rolling):
    """Learn one step ahead from true values, and forecast further steps from its own forecasts."""
