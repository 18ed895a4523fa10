"""From what `X` and `lengths` may be to arrays: sequences of their own lengths, checked."""

from __future__ import annotations

import numpy as np

from ..checks import Anything, shown
from ..data.sequences import Sequences


def is_ragged(X: Anything) -> bool:
    """Whether X is a list of sequences that differ in their lengths, or that are no rows of a table."""
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1:
        X = list(X)
    if not isinstance(X, list | tuple) or not len(X) or not all(map(_is_sequence, X)):
        return False
    return len({len(item) for item in X}) > 1


def _is_sequence(item: Anything) -> bool:
    return isinstance(item, list | tuple) or (hasattr(item, "__len__") and getattr(item, "ndim", 0) in (1, 2))


def of_list(X: Anything, n_channels: int, *, any_number: bool, name: str = "X") -> Sequences:
    """Sequences from a list of arrays (length,), (length * n_channels,) or (length, n_channels)."""
    found: list[np.ndarray] = []
    X = X if isinstance(X, list | tuple) else np.asarray(X)
    if not len(X):
        raise ValueError(f"{name} holds no sequence; pass one at least")
    for i, item in enumerate(X):
        values = _numbers(item, f"{name}[{i}]")
        if values.ndim == 2 and any_number and not found:
            n_channels = values.shape[1]
        if values.size == 0:
            raise ValueError(f"{name}[{i}] is an empty sequence; leave it out, or give it one step at least")
        if values.ndim == 2 and values.shape[1] != n_channels:
            raise ValueError(
                f"{name}[{i}] has {values.shape[1]} channels, but n_channels={n_channels}; pass the same number"
            )
        if values.size % n_channels:
            raise ValueError(
                f"{name}[{i}] has {values.size} values, which n_channels={n_channels} does not divide; a sequence "
                "holds length * n_channels values"
            )
        found.append(values.reshape(-1, n_channels))
    lengths = np.array([len(values) for values in found], np.int64)
    return _finite(Sequences(np.concatenate(found), lengths, is_ragged=True), name)


def with_lengths(X: Anything, lengths: Anything, n_channels: int, *, any_number: bool) -> Sequences:
    """Sequences from the first ``lengths[i]`` steps of each row of X (n, T), (n, T * n_channels) or (n, T, n_channels).

    The steps after them are padding, whatever stands there.
    """
    values = _numbers(X, "X")
    if values.ndim == 3:
        if values.shape[2] != n_channels and not any_number:
            raise ValueError(f"X has {values.shape[2]} channels, but n_channels={n_channels}; pass the same number")
        n_channels = values.shape[2]
    elif values.ndim != 2 or values.shape[1] % n_channels:
        raise ValueError(
            f"X has the shape {values.shape}, but lengths need (n, length * n_channels) or (n, length, n_channels), "
            f"with n_channels={n_channels}"
        )
    values = values.reshape(len(values), -1, n_channels)
    steps = np.asarray(lengths)
    if steps.shape != (len(values),) or steps.dtype.kind not in "iu":
        raise ValueError(
            f"lengths={shown(lengths)} must hold a whole number for each of the {len(values)} rows of X: its steps"
        )
    wrong = (steps < 1) | (steps > values.shape[1])
    if wrong.any():
        i = int(wrong.argmax())
        raise ValueError(
            f"lengths[{i}] is {steps[i]}, but a row of X has {values.shape[1]} steps and a sequence one at least; "
            f"choose a number from 1 to {values.shape[1]}, or leave that row out"
        )
    own = np.arange(values.shape[1]) < steps[:, None]
    return _finite(Sequences(values[own], steps.astype(np.int64), is_ragged=True), "X")


def _numbers(values: Anything, name: str) -> np.ndarray:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} holds other things than numbers, or rows of different lengths; pass numbers, of all channels at "
            "each step"
        ) from error


def _finite(sequences: Sequences, name: str) -> Sequences:
    """The same sequences, without a missing or infinite value."""
    finite = np.isfinite(sequences.rows).all(axis=1)
    if not finite.all():
        row = int(finite.argmin())
        i = int(np.searchsorted(sequences.starts, row, side="right")) - 1
        raise ValueError(
            f"{name}[{i}] has a missing or infinite value (NaN) at step {row - int(sequences.starts[i])}; fill it, or "
            "leave that sequence out"
        )
    return sequences
