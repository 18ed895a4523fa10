"""Strategies: how a network that reads a context forecasts any number of steps, one file each after `base`."""

from __future__ import annotations

from ...checks import choice
from .base import Strategy
from .direct import Direct
from .recursive import Recursive
from .seq2seq import Seq2Seq

#: The names that ``strategy=`` accepts.
STRATEGIES: dict[str, Strategy] = {"recursive": Recursive(), "direct": Direct(), "seq2seq": Seq2Seq()}


def as_strategy(strategy: str | Strategy) -> Strategy:
    """The strategy that `strategy` names, or `strategy` itself."""
    if isinstance(strategy, Strategy):
        return strategy
    return STRATEGIES[choice("strategy", strategy, STRATEGIES)]
