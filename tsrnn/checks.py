"""Checks of arguments: each error names the argument, its value and what was expected. Every module may import it."""

from __future__ import annotations

from collections.abc import Collection
from numbers import Integral, Real
from typing import Any

import numpy as np

from .messages import shorten

#: Any value that a user may pass, correct or not; it is checked before it is used.
Anything = Any
#: Longest text of a value in a message.
MAX_LENGTH = 200
#: Largest integer of NumPy's int64.
MAX_INTEGER = 2**63 - 1


def shown(value: Anything) -> str:
    """Return the repr of any value for a message, without its middle if it is long."""
    try:
        return shorten(repr(value), MAX_LENGTH)
    except Exception as error:  # an integer of more than 4,300 digits, an object whose repr raises
        return f"<{type(value).__name__} ({error})>"


def whole(name: str, value: Anything, least: int = 1) -> int:
    """Return `value` as an int if it is an integer of at least `least` and below 2**63; raise otherwise."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(f"{name}={shown(value)} must be an integer")
    if value < least:
        raise ValueError(f"{name}={shown(value)} must be at least {least}")
    if int(value) > MAX_INTEGER:
        raise ValueError(f"{name}={shown(value)} must be at most 2**63 - 1")
    return int(value)


def processes(name: str, value: Anything) -> int | None:
    """Return `value` if it is a number of processes as joblib takes it, or None; raise otherwise."""
    if value is not None and whole(name, value, -(2**31)) == 0:
        raise ValueError(f"{name}=0 is no number of processes; use None, a positive number, or -1 for all processors")
    return value


def number(name: str, value: Anything, low: float, high: float = np.inf, *, open_low: bool = False) -> float:
    """Return `value` as a finite float in [low, high), or in (low, high) with `open_low`; raise otherwise."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name}={shown(value)} must be a number")
    try:
        x = float(value)
    except OverflowError:  # an integer beyond all floats
        x = np.inf if value >= 0 else -np.inf  # type: ignore[operator]
    if not (low < x if open_low else low <= x) or not x < high:
        bracket = "(" if open_low else "["
        raise ValueError(f"{name}={shown(value)} must lie in {bracket}{low:g}, {high:g})")
    return x


def fraction(name: str, value: Anything) -> float:
    """Return `value` as a float in [0, 1]; raise otherwise."""
    if number(name, value, 0.0) > 1:
        raise ValueError(f"{name}={shown(value)} must lie in [0, 1]: it is a fraction")
    return float(value)


def on_host(name: str, value: Anything) -> None:
    """Raise if an array is in the memory of a GPU."""
    if hasattr(value, "__cuda_array_interface__"):
        raise TypeError(
            f"{name} is a {type(value).__module__}.{type(value).__name__} in the memory of a GPU; pass a copy on the "
            "host (.get(), .cpu() or .copy_to_host()); device='cuda' copies it to the GPU by itself"
        )


def flag(name: str, value: Anything) -> bool:
    """Return `value` as a bool if it is True or False; raise otherwise."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}={shown(value)} must be True or False")
    return bool(value)


def choice(name: str, value: Anything, choices: Collection[Anything]) -> Anything:
    """Return `value` if it is one of `choices`; raise otherwise."""
    if not any(value is c or (isinstance(c, str) and isinstance(value, str) and value == c) for c in choices):
        raise ValueError(f"{name}={shown(value)} is not known; use one of {', '.join(map(repr, choices))}")
    return value


def fractions(name: str, value: Anything) -> np.ndarray:
    """Return one or several ascending numbers strictly between 0 and 1 as an array, () or (n,); raise otherwise."""
    numeric = np.ndim(value) < 2 and np.size(value) > 0 and np.asarray(value).dtype.kind in "iuf"
    values = np.array(value if numeric else np.nan, float)
    if not ((values > 0) & (values < 1)).all() or (np.diff(values.ravel()) <= 0).any():
        raise ValueError(f"{name}={shown(value)} must be a number between 0 and 1, such as 0.9, or several, ascending")
    return values
