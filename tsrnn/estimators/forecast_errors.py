"""Intervals and paths of networks from errors: those of the validation part, and of rows that came later."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from .. import frame
from ..exceptions import IntervalWarning
from ..forecasting.conformal import Errors
from ..forecasting.recent import recent_errors
from .base import Attributes
from .history import Origin
from .probabilistic import ProbabilisticForecaster
from .transformed import changes_of, named, place, transformed


class ForecasterWithErrors(ProbabilisticForecaster):
    """A network whose fitted attributes ``errors_`` and ``_calibration`` tell how large its errors are."""

    def _of_errors(
        self, origin: Origin, function: Callable[[np.ndarray, Errors], tuple[np.ndarray, np.ndarray]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Results (S, ...) of a `function` of some series of `origin` and the errors that are known at their time.

        The function's second result, (C,) bool, holds if it does at one time.
        """
        time = np.zeros(len(origin.series), np.int64) if origin.time is None else origin.time
        found, places, any_pooled = [], [], np.zeros(1, bool)
        for t, errors in enumerate(self._known_errors(origin)):
            some = np.flatnonzero(time == t)
            values, pooled = function(some, errors)
            found.append(values)
            places.append(some)
            any_pooled = any_pooled | pooled
        return np.concatenate(found)[np.argsort(np.concatenate(places))], any_pooled

    def _known_errors(self, origin: Origin) -> Iterator[Errors]:
        """Errors that are known at each time of `origin`: those of the rows after the fit replace the oldest ones.

        Where the validation part has so many origins that only some are computed, its errors stay.
        """
        errors, calibration = self._errors(origin), self._calibration
        panel, n_series = self.panel_, self._n_series
        if len(panel) > n_series:  # others came later
            panel = panel.take(np.arange(n_series))
        n_known, transform = panel.n_rows[None] if origin.n_known is None else origin.n_known, self.transform_
        has_new = (n_known - transform.transform.n_lost > calibration.end).any()
        if not has_new or len(errors.errors) < calibration.n_origins.sum():
            yield from [errors] * len(n_known)
            return
        rows, changes = panel, None
        if not transform.transform.is_identity:
            with named(lambda s, row, c: place(self.target_, int(self._order[s]), row, c)):
                rows, levels = transformed(transform, panel)
            n_known = n_known - (panel.n_rows - rows.n_rows)
            changes = None if levels is None else changes_of(transform, levels, rows)
        network = self._network_on_device()
        with network.backend.session():
            yield from recent_errors(calibration, errors, network, rows, changes, n_known, self._recent)

    def _errors(self, origin: Origin) -> Errors:
        """Errors up to the largest lead of the steps after `origin`, counted from a column's last observed value."""
        loss = self.network_.architecture.loss
        if self.errors_ is None:
            held_out = "early_stopping=False held out none; fit with early_stopping=True"
            if self._stopping() is not None:
                held_out = (
                    f"the series is too short to hold out windows of context_length={self.context_length_} and "
                    f"horizon={self.horizon}; fit with a smaller horizon or a longer series"
                )
            learned = "a longer horizon" if loss.levels else "a loss that learns a distribution, such as 'gaussian'"
            raise ValueError(
                f"intervals and paths come from the errors over a validation part, and {held_out}, or with {learned}"
            )
        if not loss.central:
            raise ValueError(
                f"an interval lies about a mean or a median, and loss={loss} gives neither; add the quantile 0.5, use "
                "strategy='direct', which gives its own quantiles, or another loss"
            )
        n_leads = origin.n_steps + int(origin.gaps.max())
        if n_leads <= self.errors_.errors.shape[1]:
            return self.errors_
        network = self._network_on_device()
        with network.backend.session():
            return self._calibration.errors(network, n_leads)

    def _unscaled(self, values: np.ndarray, origin: Origin) -> np.ndarray:
        """Errors or offsets (S, n_leads, C, ...) for the steps after `origin`, in the units of the series."""
        errors, (_, rows) = self.errors_, self._scaling(origin)
        if (new := np.flatnonzero(origin.series < 0)).size:
            errors = replace(errors, scaling=errors.scaling.joined(origin.panel.take(new)))
        return errors.unscale(values, origin.panel, self.context_length_, origin.n_steps, rows, origin.gaps)

    def _warn_if_pooled(self, pooled: np.ndarray, origin: Origin) -> None:
        """Warn of channels whose intervals rest on the errors of others; of a panel that is the rule."""
        if isinstance(origin.target, frame.PanelTarget):
            return
        for c in np.flatnonzero(pooled):
            warnings.warn(
                f"{origin.target.channel(int(c))} has too few values of its own in the validation part: its intervals "
                "rest on the errors of all columns, in units of its scale; drop it, or make "
                "EarlyStopping(validation_size=...) larger",
                IntervalWarning,
                stacklevel=4,
            )

    def _set_rows(self, changed: Attributes) -> None:
        super()._set_rows(changed | {"_recent": dict(vars(self)["_recent"])})
