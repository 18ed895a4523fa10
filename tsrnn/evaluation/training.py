"""The training series beside a long frame of forecasts: scales of errors, and the forecasts of Naive2."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ..checks import Anything
from ..exceptions import ScaleWarning
from ..frame.future import extend_index
from ..frame.measures import seasonal_scale
from ..frame.metrics import no_scale
from ..frame.panel import PanelTarget, is_panel, read_panel
from ..frame.panel_layouts import ID
from ..frame.panel_tables import places_of
from ..frame.panel_update import is_long_table
from ..frame.seasons import season_length as usual_season
from ..frame.tables import column_labels, with_constant
from ..frame.target import read_target
from ..messages import format_label
from .forecasts import Forecasts, is_one_series, name_of, steps_ahead
from .naive2 import naive2

#: Most forecasts that a warning lists.
_N_SHOWN = 3


@dataclass(frozen=True, eq=False)
class Training:
    """What came before each forecast, a forecast being one id at one cutoff.

    Attributes
    ----------
    forecasts : Forecasts
        The forecasts.
    panel : PanelTarget
        The training series.
    season_length : int
        Number of steps in a season.
    freq : pandas offset, str, int or None
        Frequency of the times.
    codes : ndarray of int of shape (N,)
        Number of the forecast of each row.
    first_rows : ndarray of int of shape (K,)
        A row of each forecast.
    numbers : ndarray of int of shape (K,)
        Series in `panel` of each forecast; -1 if it is not there.
    n_rows : ndarray of int of shape (K,)
        Number of rows of the training series before each forecast.
    """

    forecasts: Forecasts
    panel: PanelTarget
    season_length: int
    freq: Any
    codes: np.ndarray
    first_rows: np.ndarray
    numbers: np.ndarray
    n_rows: np.ndarray
    _found: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        train: Anything,
        forecasts: Forecasts,
        id: Hashable | list[Hashable],
        time: Hashable,
        target: Hashable,
        season_length: int | None,
        freq: Any,
    ) -> Training:
        """Read the training series, and find the rows before each forecast."""
        names: dict[str, Any] = {}
        labels = column_labels(train)
        if is_one_series(train, id, time) and target in labels:
            train = with_constant(train, ID, str(target))
        elif not is_panel(train) and not set(id if isinstance(id, list) else [id]) <= set(labels):
            train = _by_id(train, str(target) if forecasts.is_one_series else None, freq)
        if is_long_table(train):
            names = {"id": id, "time": time, "target": target}
            roles = [*(id if isinstance(id, list) else [id]), time, target]
            names["others"] = [label for label in column_labels(train) if label not in roles]
        panel, _ = read_panel(train, **names, freq=freq, gaps="missing", name="train", allow_missing=True)
        season = season_length if season_length is not None else usual_season(panel.grid) if panel.has_steps else 1
        rows = forecasts.rows
        order = np.argsort(rows.times, kind="stable")  # the first row of a forecast is its earliest
        n_cutoffs = int(forecasts.cutoff_codes.max()) + 1
        _, first, codes = np.unique(
            (rows.codes * n_cutoffs + forecasts.cutoff_codes)[order], return_index=True, return_inverse=True
        )
        first_rows, of_rows = order[first], np.empty(len(order), np.int64)
        of_rows[order] = codes
        numbers = panel.ids.get_indexer(rows.ids)[rows.codes[first_rows]]
        places_of(rows.times[:1], panel.grid, panel, "frame")  # raises if the times are of another kind
        if forecasts.cutoffs is None:
            n_labels = panel.grid.searchsorted(rows.times[first_rows], side="left")
        else:
            cutoffs = forecasts.cutoffs.take(forecasts.cutoff_codes[first_rows])
            n_labels = panel.grid.searchsorted(cutoffs, side="right")
        n_rows = np.clip(n_labels - panel.first[numbers], 0, panel.n_rows[numbers])
        freq = panel.step if freq is None else freq
        return cls(forecasts, panel, season, freq, of_rows, first_rows, numbers, n_rows)

    def scale(self, power: int) -> np.ndarray:
        """Scale of each row, (N,), NaN where the true value is missing; raise if a training series has none."""
        return self._once(f"scale {power}", lambda: self._scale(power))

    def naive2(self) -> np.ndarray:
        """Forecast each row by `naive2`, (N,); NaN where the true value is missing."""
        return self._once("naive2", self._naive2)

    def warn_of_early_ends(self) -> None:
        """Warn where a training series ends before the last step that was known when the forecast began."""
        forecasts, panel = self.forecasts, self.panel
        if not panel.has_steps:
            return
        next_step = extend_index(panel.grid, 1).take(panel.end[self.numbers])
        if forecasts.cutoffs is None:
            begins = forecasts.rows.times[self.first_rows]
            is_early, known = np.asarray(next_step < begins), "first forecast"
            mend = "the rows before it; or, if they are all known, the last known time of each forecast as cutoff="
        else:
            begins = forecasts.cutoffs.take(forecasts.cutoff_codes[self.first_rows])
            is_early, known, mend = np.asarray(next_step <= begins), "cutoff", "the rows up to it, NaN where missing"
        is_measured = np.bincount(self.codes, ~np.isnan(forecasts.truth), len(self.numbers)) > 0
        early = np.flatnonzero(is_early & is_measured & (self.numbers >= 0) & (self.n_rows > 0))
        if len(early):
            listed = [
                f"{name_of(forecasts, int(forecasts.rows.codes[self.first_rows[k]]))} ends at "
                f"{format_label(panel.grid[int(panel.end[self.numbers[k]]) - 1])}, {known} {format_label(begins[k])}"
                for k in early[:_N_SHOWN]
            ] + ["..."] * (len(early) > _N_SHOWN)
            warnings.warn(
                f"train ends before the {known} of {len(early)} of {np.count_nonzero(is_measured)} forecasts, whose "
                f"errors are then scaled by other data ({'; '.join(listed)}); pass {mend}",
                ScaleWarning,
                stacklevel=3,
            )

    def _once(self, name: str, compute: Callable[[], np.ndarray]) -> np.ndarray:
        """Return what is the same for all models, computed for the first one."""
        if name not in self._found:
            self._found[name] = compute()
        return self._found[name]

    def _scale(self, power: int) -> np.ndarray:
        """Compute the scales, (N,)."""
        scales = np.full(len(self.numbers), np.nan)
        for k in np.unique(self.codes[~np.isnan(self.forecasts.truth)]):
            before = self._before(k)
            scales[k] = seasonal_scale(before[:, None], self.season_length, power)[0]
            if not scales[k] > 0:
                raise ValueError(f"{self._name(k)} {no_scale(float(scales[k]), self.season_length, len(before))}")
        return np.where(np.isnan(self.forecasts.truth), np.nan, scales[self.codes])

    def _naive2(self) -> np.ndarray:
        """Compute the forecasts, (N,)."""
        wanted = np.flatnonzero(~np.isnan(self.forecasts.truth))
        kept = np.unique(self.codes[wanted])
        last = np.zeros(len(self.numbers), np.int64)
        for k in kept:
            last[k] = self.panel.first[self.numbers[k]] + len(self._before(k)) - 1
        steps = steps_ahead(self.forecasts, self._origins(last, kept), self.freq)
        result = np.full(len(self.codes), np.nan)
        order = wanted[np.argsort(self.codes[wanted], kind="stable")]
        bounds = np.searchsorted(self.codes[order], kept)
        for k, rows in zip(kept, np.split(order, bounds[1:]), strict=True):
            before = self._before(k)
            if np.isnan(before).any():
                raise ValueError(f"{self._name(k)} has missing values, which Naive2 does not accept: pass naive2=")
            result[rows] = naive2(before, int(steps[rows].max()), self.season_length)[steps[rows] - 1]
        return result

    def _origins(self, last: np.ndarray, kept: np.ndarray) -> Any:
        """Return the last label of the training series of each row, (N,), which is the cutoff if there is one."""
        forecasts = self.forecasts
        if forecasts.cutoffs is None:
            return self.panel.grid.take(last[self.codes])
        cutoffs = forecasts.cutoffs.take(forecasts.cutoff_codes[self.first_rows])
        early = np.asarray(self.panel.grid.take(last[kept]) != cutoffs[kept])
        if early.any():
            k = int(kept[np.argmax(early)])
            raise ValueError(
                f"{self._name(k)} ends at {format_label(self.panel.grid[int(last[k])])}, but Naive2 forecasts from the "
                "cutoff: pass the rows up to it, or forecasts as naive2="
            )
        return forecasts.cutoffs.take(forecasts.cutoff_codes)

    def _before(self, k: int) -> np.ndarray:
        """Return the training series before a forecast, (n,); raise if there is none."""
        s, n = int(self.numbers[k]), int(self.n_rows[k])
        if s < 0 or n == 0:
            raise ValueError(f"{self._name(k)} has no row: pass the series before each forecast in train")
        start = int(self.panel.indptr[s])
        return self.panel.values[start : start + n, 0]

    def _name(self, k: int) -> str:
        """Return the training series of a forecast for messages."""
        row, forecasts = int(self.first_rows[k]), self.forecasts
        until = ""
        if forecasts.cutoffs is not None:
            until = f" up to {format_label(forecasts.cutoffs[int(forecasts.cutoff_codes[row])])}"
        return f"{name_of(forecasts, int(forecasts.rows.codes[row]))} of train{until}"


def _by_id(train: Anything, only: str | None, freq: Any) -> dict[Hashable, pd.Series]:
    """Return one series or the columns of a wide frame by id, the names of columns or their numbers from 0.

    `only` is the id of the only series that is forecast; None if there are several.
    """
    wide = read_target(train, name="train", freq=freq, allow_missing=True)
    n = wide.values.shape[1]
    if only is not None and n > 1:
        raise ValueError(
            f"train has {n} columns, but frame has no ids, so that it forecasts one series; pass the column of that one"
        )
    ids = [only] if only is not None else range(n) if wide.columns is None else wide.columns
    return {id: pd.Series(wide.values[:, c], wide.index) for c, id in enumerate(ids)}
