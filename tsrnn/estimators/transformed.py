"""Transforms of targets: what a network reads of a history or an origin, and forecasts as they were before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .. import frame
from ..data.panel import Panel
from ..data.transforms import FittedTransform, MisplacedError, Transform
from .history import History, Origin


class Read(NamedTuple):
    """What a network reads of a history, and what its errors are measured by.

    Attributes
    ----------
    history : History
        With transformed values, up to the last observed one.
    transform : FittedTransform
    changes : Panel or None
        Where the values are differences, the rows of `history` with those of levels without gaps.
    """

    history: History
    transform: FittedTransform
    changes: Panel | None


def read_history(history: History, transform: Transform, n_held_out: np.ndarray) -> Read:
    """Transform a history by what its rows tell, but for the last `n_held_out` (S,) rows of each series."""
    if transform.is_identity:
        return Read(history.until_last_observed(), transform.fit(history.panel), None)
    with named(lambda s, row, c: _cell(history, s, row, c)):
        fitted = transform.fit(_learned_from(history.panel, n_held_out))
        panel, levels = transformed(fitted, history.panel)
    read = replace(history, panel=panel).until_last_observed()
    changes = None if levels is None else changes_of(fitted, levels, panel).part(last=read.panel.n_rows)
    return Read(read, fitted, changes)


def read_origin(origin: Origin, fitted: FittedTransform, n_fitted: int) -> Origin:
    """The origin whose panel a network reads; `fitted` is the transform of a fit to `n_fitted` series."""
    if fitted.transform.is_identity:
        return origin
    is_new = origin.series < 0
    with named(lambda s, row, c: _place(origin, s, row, c)):
        if is_new.any():
            fitted = fitted.joined(origin.panel.take(np.flatnonzero(is_new)))
        fitted = fitted.take(np.where(is_new, n_fitted + np.cumsum(is_new) - 1, origin.series))
        panel, levels = transformed(fitted, origin.panel)
    return origin._replace(panel=panel, transform=fitted, levels=levels)


def transformed(fitted: FittedTransform, panel: Panel) -> tuple[Panel, Panel | None]:
    """The panel that a network reads, and the levels where its values are differences.

    Rows of differences before the first observed one are left out, as those of values are.

    Raises
    ------
    ValueError
        If a series has no difference.
    """
    changed = fitted.apply(panel)
    if fitted.is_monotone_per_step:
        return changed, None
    without = np.flatnonzero(~is_observed(changed))
    if len(without):
        asked, s = fitted.transform, int(without[0])
        raise MisplacedError(
            "",
            f" has {panel.n_rows[s]} rows, but in none of them are all values observed of which "
            f"difference={asked.difference} and seasonal_difference={asked.seasonal_difference} with a season of "
            f"{asked.season_length} take differences: they reach {asked.n_lost} rows back; pass a longer series or one "
            "without gaps, or use difference=0 and seasonal_difference=0",
            s, None, 0,
        )  # fmt: skip
    return changed.from_first_observed(), fitted.levels(panel)


def changes_of(fitted: FittedTransform, levels: Panel, panel: Panel) -> Panel:
    """The rows of a transformed `panel` with the differences of its levels without gaps."""
    changes = fitted.changes(levels)
    return changes.part(changes.n_rows - panel.n_rows)


def is_observed(panel: Panel) -> np.ndarray:
    """Whether anything of a series was observed, (S,), such as one of its differences."""
    return panel.last_observed.max(axis=1, initial=-1) >= 0


def undone(levels: np.ndarray, origin: Origin) -> np.ndarray:
    """Values (S, n_steps, C, ...) whose images under `target_transform` are given."""
    if origin.transform is None or origin.transform.transform.target_transform is None:
        return levels
    with named(lambda s, row, c: _place(origin, s, row, c)):
        return origin.transform.invert_levels(levels)


def _learned_from(panel: Panel, n_held_out: np.ndarray) -> Panel:
    """The panel, in which only what a transform may learn from is observed: of each channel the training part.

    A channel that begins later is learned only with everything, and so is its transform.
    """
    is_trained = panel.positions < (panel.n_rows - n_held_out)[panel.series]
    observed = panel.observed & is_trained[:, None]
    begins_later = replace(panel, observed=observed).last_observed < 0
    return replace(panel, observed=np.where(begins_later[panel.series], panel.observed, observed))


# ---------------------------------------------------------------- names of places in error messages
@contextmanager
def named(name: Callable[[int, int | None, int], str]) -> Iterator[None]:
    """Name the place of an error by ``name(series, row, channel)``."""
    try:
        yield
    except MisplacedError as error:
        raise ValueError(error.told(name)) from error


def _cell(history: History, s: int, row: int | None, c: int) -> str:
    """Name of a value of a history, which ends with the rows of the target and of its validation.

    Without a row it is the name of a series or channel.
    """
    target, number = history.target, int(history.order[s])
    if row is None:
        return history.channel(s if history.is_panel else c)
    from_end = int(history.n_train[s]) - row
    if from_end <= 0:
        assert history.validation is not None
        from_end = int(history.panel.n_rows[s]) - row
        if isinstance(target, frame.PanelTarget) and isinstance(history.validation, frame.PanelTarget):
            number = int(frame.number_series(target, history.validation)[number])
        target = history.validation
    if isinstance(target, frame.PanelTarget):
        return target.cell(int(target.indptr[number + 1]) - from_end)
    return target.cell(len(target.values) - from_end, c)


def _place(origin: Origin, s: int, row: int | None, c: int) -> str:
    """Name of a series or channel before a forecast, and of its row."""
    target = origin.target
    return place(target, int(origin.index[0][s]) if isinstance(target, frame.PanelTarget) else 0, row, c)


def place(target: frame.Target | frame.PanelTarget, number: int, row: int | None, c: int) -> str:
    """Name of the series with this number or of a channel, and of a row."""
    name = target.series_name(number) if isinstance(target, frame.PanelTarget) else target.channel(c)
    return name if row is None else f"{name}, row {row} from its first value on"
