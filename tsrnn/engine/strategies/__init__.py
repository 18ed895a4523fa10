"""Strategies: how a network that reads a context forecasts any number of steps. One file each, with the same functions.

``geometry(context_length, horizon)`` says which steps a training window has; ``forecast(...)`` continues a context;
``quantiles(...)`` and ``sample(...)`` do so with the distribution that a likelihood has learned.
"""

from types import ModuleType

from . import direct, recursive

#: The names that ``strategy=`` accepts.
STRATEGIES: dict[str, ModuleType] = {"recursive": recursive, "direct": direct}
