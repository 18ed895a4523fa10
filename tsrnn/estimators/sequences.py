"""From what `X` and `lengths` may be to arrays: sequences of their own lengths, checked."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from numbers import Number
from typing import Any

import numpy as np

from .. import frame
from ..checks import Anything, on_host, shown
from ..data.sequences import Sequences, place_of
from ..frame import is_missing_label


def is_ragged(X: Anything) -> bool:
    """Whether X holds arrays, which need not be equally long, or lists that are not.

    A list of lists of equally many numbers holds the rows of a table, as for scikit-learn.
    """
    is_list, items = isinstance(X, list | tuple), _sequences(X)
    return has_lengths(X) or any(not (is_list and isinstance(item, list | tuple)) for item in items)


def refuse_dates(X: Anything, name: str) -> None:
    """Refuse dates in an array, a table or a list of sequences: NumPy would convert them."""
    if not is_ragged(X):
        frame.refuse_dates(X, name)
    for i, item in enumerate(_sequences(X)):
        if not isinstance(item, list | tuple):
            frame.refuse_dates(item, f"{name}[{i}]")


def has_lengths(X: Anything) -> bool:
    """Whether X is a list of sequences whose lengths differ, so that they are no rows of a table."""
    return len({len(item) for item in _sequences(X)}) > 1


def _sequences(X: Anything) -> Sequence[Anything]:
    """The sequences of a list, an array or a Series of objects; empty where X is something else."""
    if getattr(getattr(X, "dtype", None), "kind", "") == "O" and getattr(X, "ndim", 0) == 1:  # an array or a Series
        X = list(X)
    if not isinstance(X, list | tuple) or not len(X) or not all(map(_is_sequence, X)):
        return []
    return X


def _is_sequence(item: Anything) -> bool:
    return isinstance(item, list | tuple) or (hasattr(item, "__len__") and len(getattr(item, "shape", ())) in (1, 2))


def of_list(X: Anything, n_channels: int, *, any_number: bool, name: str = "X") -> Sequences:
    """Sequences from a list of arrays (length,), (length * n_channels,) or (length, n_channels).

    `n_channels` is an argument of the estimator.
    """
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
    values = _numbers(_sequences(X) or X, "X")
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
    if not isinstance(values, list | tuple):
        frame.refuse_dates(values, name)
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
        i, t = place_of(int(finite.argmin()), sequences.lengths)
        raise ValueError(
            f"{name}[{i}] has a missing or infinite value (NaN) at step {t}; fill it, or leave that sequence out"
        )
    return sequences


# ---------------------------------------------------------------- a label for each step
def of_steps(X: Anything, n_channels: int | None = None, name: str = "X") -> Sequences:
    """Sequences of numbers from a list of arrays (T,) or (T, n_channels), or one array (n, T) or (n, T, n_channels).

    They have the `n_channels` of the fit, or as many as the first one.
    """
    items = [_numbers(item, f"{name}[{i}]") for i, item in enumerate(_items(name, X))]
    for i, values in enumerate(items):
        if values.ndim not in (1, 2):
            raise ValueError(
                f"{name}[{i}] has the shape {values.shape}, but a sequence has the shape (T,) or (T, n_channels); pass "
                "a list of sequences"
            )
    items = [values[:, None] if values.ndim == 1 else values for values in items]
    expected = n_channels or (items[0].shape[1] if items else 1)
    for i, values in enumerate(items):
        if values.size and values.shape[1] != expected:  # an empty one is refused below
            those = f"{name}[0] has {expected}" if n_channels is None else f"the sequences of the fit have {expected}"
            raise ValueError(
                f"{name}[{i}] has {values.shape[1]} channels, but {those}; pass the same channels for each sequence"
            )
    return of_list(items, max(expected, 1), any_number=False, name=name)


def symbols_of(X: Anything) -> list[list[Hashable]]:
    """The symbols of each sequence; a text is a sequence of characters."""
    sequences = [_steps(f"X[{i}]", item) for i, item in enumerate(_items("X", X))]
    if not sequences:
        raise ValueError("X holds no sequence; pass one at least")
    for i, sequence in enumerate(sequences):
        if not sequence:
            raise ValueError(f"X[{i}] is an empty sequence; leave it out, or give it one step at least")
        for t, symbol in enumerate(sequence):
            if is_missing_label(symbol):
                raise ValueError(
                    f"X[{i}] has no symbol at step {t} ({symbol}); fill it, for example by a symbol of its own"
                )
            if not isinstance(symbol, Hashable):
                raise ValueError(
                    f"X[{i}] has at step {t} {shown(symbol)}, which is no symbol; a symbol is what a dict takes as a "
                    "key, such as a string or a tuple"
                )
    return sequences


def _steps(place: str, item: Anything) -> list[Any]:
    """The steps of a sequence: a string, a list, an array or a Series."""
    if not hasattr(item, "__iter__") or getattr(item, "ndim", 1) == 0:
        raise ValueError(f"{place} is {shown(item)}, but a sequence was expected: a list of symbols, or a string")
    if isinstance(item, str | bytes | list | tuple):
        return list(item)
    if _is_sequence(item):
        return list(item if len(item.shape) == 1 else np.asarray(item))  # a table has a row for each step
    return frame.list_of_sequences(place, item)


def are_symbols(X: Anything) -> bool:
    """Whether the first of all steps is a string or another symbol, and no number or list of them."""
    first: Any = next((item for item in _items("X", X) if not _is_sequence(item) or len(item)), None)
    while _is_sequence(first) and len(first):
        first = first[0] if isinstance(first, list | tuple) else np.asarray(first)[0]
    is_number = isinstance(first, Number | np.number | np.bool_)
    return isinstance(first, Hashable) and not is_number and not is_missing_label(first) and first != ()


def refuse_other_kinds(sequences: list[list[Hashable]], known: Collection[Hashable]) -> None:
    """Refuse sequences of which no symbol is of the kind of a known one: all would be unknown, silently."""
    kinds = set(map(_kind, known))
    if not any(_kind(symbol) in kinds for sequence in sequences for symbol in sequence):
        raise ValueError(
            f"X holds symbols such as {shown(sequences[0][0])}, but those of the fit are like "
            f"{shown(next(iter(known)))}; pass symbols of the same type"
        )


def _kind(symbol: Hashable) -> type:
    """The type of a symbol; all strings are of one, and so are all numbers."""
    if isinstance(symbol, str):
        return str
    return Number if isinstance(symbol, Number | np.bool_) else type(symbol)


def labels_of(y: Anything, lengths: np.ndarray, ignore: Anything = None) -> tuple[np.ndarray, np.ndarray]:
    """Labels of all steps that are not ignored, and which of all steps these are, (N,); a label for each step.

    A step is ignored if its label is `ignore`; None ignores none, and a NaN all that are missing.
    """
    items = _items("y", y)
    if len(items) != len(lengths):
        raise ValueError(f"X holds {len(lengths)} sequences, but y {len(items)}; pass a sequence of labels for each")
    found: list[Anything] = []
    for i, (item, length) in enumerate(zip(items, lengths, strict=True)):
        if isinstance(item, str) or not hasattr(item, "__len__") or getattr(item, "ndim", 1) != 1:
            raise ValueError(f"y[{i}] is {shown(item)}, but a sequence needs a list of labels, one for each step")
        if len(item) != length:
            raise ValueError(
                f"y[{i}] has {len(item)} labels, but X[{i}] has {length} steps; pass one label for each step"
            )
        found += item.tolist() if isinstance(item, np.ndarray) else list(item)
    missing = np.fromiter(map(is_missing_label, found), bool, len(found))
    ignored = np.zeros(len(found), bool)
    if is_missing_label(ignore) and ignore is not None:
        ignored = missing
    elif ignore is not None:
        known = (isinstance(label, str | Number | np.bool_) and bool(label == ignore) for label in found)
        ignored = np.fromiter(known, bool, len(found))
    if (missing & ~ignored).any():
        i, t = place_of(int((missing & ~ignored).argmax()), lengths)
        raise ValueError(
            f"y[{i}] has no label at step {t}; give it one, or a label of its own that ignore_label= names, so that "
            "the step is not learned"
        )
    kept = [label for label, is_ignored in zip(found, ignored, strict=True) if not is_ignored]
    if not kept:
        raise ValueError(f"all labels of y are ignored, ignore_label={shown(ignore)}; give some steps another label")
    own = np.flatnonzero(~ignored)
    frame.refuse_other_labels(kept, lambda k: "y[{}] at step {}".format(*place_of(int(own[k]), lengths)))
    return np.array(kept), ~ignored


def _items(name: str, values: Anything) -> Any:
    """The sequences of a list, a tuple, an array or a Series."""
    if isinstance(values, str) or not hasattr(values, "__len__"):
        raise ValueError(f"{name} is {shown(values)}, but a list of sequences was expected; put it into a list")
    on_host(name, values)
    if isinstance(values, list | tuple):
        return values
    return list(np.asarray(values)) if hasattr(values, "__array__") else frame.list_of_sequences(name, values)
