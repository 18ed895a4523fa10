"""Errors of the rows that came after a fit: the newest ones take the place of the oldest of the validation part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..data.panel import Panel, any_within, ranges
from ..networks.network import Network
from .conformal import Calibration, Errors


def recent_errors(
    calibration: Calibration,
    fitted: Errors,
    network: Network,
    rows: Panel,
    changes: Panel | None,
    n_known: np.ndarray,
) -> Iterator[Errors]:
    """The errors that are known at each of T times, for each series from as many origins as the validation part gave.

    They are forecasts of the network before its refit, from the last origins whose forecasts have come true, so that
    the errors are the nearest in time, and the most like the next ones (Barber et al. 2023, doi:10.1214/23-AOS2276).
    Where a value is missing, the error of the validation part stays in its place.

    Parameters
    ----------
    fitted : Errors
        Those of the validation part, of all its origins.
    rows : Panel
        All rows of the series so far, as the network reads them.
    changes : Panel or None
        Where these are differences, those of levels without gaps.
    n_known : (T, S) int
        Number of the rows that are known at each time.
    """
    n_new = _n_observed(rows.part(calibration.end), n_known - calibration.end) * (calibration.n_origins > 0)
    if not n_new.any():
        yield from [fitted] * len(n_new)
        return
    first, last = n_new.min(axis=0), n_new.max(axis=0)
    longer, n_leads = _continued(calibration, rows, changes, last), fitted.errors.shape[1]
    ends = np.cumsum(longer.n_origins)
    chosen, _ = ranges(ends - longer.n_origins + first, ends)
    errors = longer.errors(network, n_leads, chosen).errors
    place, series = ranges(np.zeros_like(ends), calibration.n_origins)  # of each window within its series
    n_judged = calibration.panel.n_rows - calibration.seasons.reach - calibration.context_length
    is_later = place[:, None] + np.arange(n_leads) >= n_judged[series][:, None]
    n_chosen = longer.n_origins - first
    begin = np.cumsum(n_chosen) - n_chosen - first
    for n in n_new:
        known = np.where(is_later[..., None], np.nan, errors[(begin + n)[series] + place])
        stays = np.isnan(known) | (n == 0)[series][:, None, None]
        yield replace(fitted, errors=np.where(stays, fitted.errors, known))


def _n_observed(rows: Panel, n_known: np.ndarray) -> np.ndarray:
    """Number of rows up to the last one with an observed value among the first `n_known` (T, S), (T, S)."""
    seen = np.where(rows.observed.any(axis=1), np.arange(1, 1 + len(rows.values)), 0)
    latest = np.concatenate([[0], np.maximum.accumulate(seen)])  # of a series before, where this one has none so far
    begin = rows.indptr[:-1]
    return np.maximum(latest[begin + np.clip(n_known, 0, rows.n_rows)] - begin, 0)


def _continued(calibration: Calibration, rows: Panel, changes: Panel | None, n_new: np.ndarray) -> Calibration:
    """The calibration with the next `n_new` (S,) rows of each series, from which as many more origins have errors.

    Of a channel whose errors did not count, since it began in the validation part, those of later rows do not, either.
    """
    before, later = calibration.panel, rows.part(calibration.end, calibration.end + n_new)
    counts = any_within(calibration.judged, before.indptr[:-1], before.indptr[1:])
    series = np.concatenate([before.series, later.series])
    order = np.argsort(series, kind="stable")  # the later rows of each series come after those before

    def joined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.concatenate([first, second])[order]
        return found

    panel = replace(
        before,
        values=joined(before.values, later.values),
        observed=joined(before.observed, later.observed),
        known=joined(before.known, later.known),
        past=joined(before.past, later.past),
        indptr=before.indptr + later.indptr,
    )
    summed = calibration.changes
    if summed is not None and changes is not None:
        summed = joined(summed, changes.part(calibration.end, calibration.end + n_new).values)
    judged = joined(calibration.judged, later.observed & counts[later.series])
    return replace(calibration, panel=panel, judged=judged, n_origins=calibration.n_origins + n_new, changes=summed)
