"""Checks of arguments: each error names the argument, the value and what would do. Every room may import this file."""

from __future__ import annotations

from collections.abc import Collection
from numbers import Integral, Real
from typing import Any

import numpy as np

#: Characters of a value in a message, at most.
MOST = 200
#: What an array can be told of.
LARGEST = 2**63 - 1


def shown(value: Any) -> str:
    """Return a value as it is written, for a message: short, whatever it is."""
    try:
        text = repr(value)
    except Exception as error:  # an integer of more than 4,300 digits, an object that cannot be shown
        return f"<{type(value).__name__} ({error})>"
    return text if len(text) <= MOST else f"{text[: MOST // 2]}...{text[-MOST // 4 :]}"


def whole(name: str, value: Any, least: int = 1) -> int:
    """`value` as an int that is at least `least` and below 2**63."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(f"{name}={shown(value)} must be an integer")
    if value < least:
        raise ValueError(f"{name}={shown(value)} must be at least {least}")
    if int(value) > LARGEST:
        raise ValueError(f"{name}={shown(value)} must be at most 2**63 - 1")
    return int(value)


def number(name: str, value: Any, low: float, high: float = np.inf, *, open_low: bool = False) -> float:
    """`value` as a finite float in [low, high), or in (low, high)."""
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


def fraction(name: str, value: Any) -> float:
    """`value` as a float in [0, 1]."""
    if number(name, value, 0.0) > 1:
        raise ValueError(f"{name}={shown(value)} must lie in [0, 1]: it is a part of the whole")
    return float(value)


def on_host(name: str, value: Any) -> None:
    """Refuse an array that lies in the memory of a GPU."""
    if hasattr(value, "__cuda_array_interface__"):
        raise TypeError(
            f"{name} is a {type(value).__module__}.{type(value).__name__} in the memory of a GPU; pass a copy on the "
            "host (.get(), .cpu() or .copy_to_host()), which device='cuda' brings there by itself"
        )


def flag(name: str, value: Any) -> bool:
    """`value` as a bool."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}={shown(value)} must be True or False")
    return bool(value)


def choice(name: str, value: Any, choices: Collection[Any]) -> Any:
    """`value`, one of `choices`."""
    if not any(value is c or (isinstance(c, str) and isinstance(value, str) and value == c) for c in choices):
        raise ValueError(f"{name}={shown(value)} is not known; use one of {', '.join(map(repr, choices))}")
    return value


def fractions(name: str, value: Any) -> np.ndarray:
    """One or several numbers strictly between 0 and 1, ascending; an array of no or one dimension."""
    numeric = np.ndim(value) < 2 and np.size(value) > 0 and np.asarray(value).dtype.kind in "iuf"
    values = np.array(value if numeric else np.nan, float)
    if not ((values > 0) & (values < 1)).all() or (np.diff(values.ravel()) <= 0).any():
        raise ValueError(f"{name}={shown(value)} must be a number between 0 and 1, such as 0.9, or several, ascending")
    return values
