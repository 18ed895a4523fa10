"""Errors of the rows that came after a fit: the newest ones take the place of the oldest of the validation part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..data.panel import Panel, any_within, ranges
from ..networks.network import Network
from .conformal import Calibration, Errors


class Kept(NamedTuple):
    """Errors of windows whose steps have all come, which later rows do not change.

    Attributes
    ----------
    later : Panel
        The rows after the validation part.
    first, n : (S,) int
        Number of the first origin of each series, and of its origins.
    errors : (sum of n, n_leads, C)
    """

    later: Panel
    first: np.ndarray
    n: np.ndarray
    errors: np.ndarray

    def hold_for(self, later: Panel, first: np.ndarray) -> bool:
        """Whether the rows `later` begin as these did, and no error is missing from the origins `first` (S,) on."""
        same = later.part(last=self.later.n_rows)
        return bool(((self.first <= first) & (first <= self.first + self.n)).all()) and all(
            np.array_equal(getattr(same, name), getattr(self.later, name))
            for name in ("values", "observed", "known", "past", "indptr")
        )


def recent_errors(
    calibration: Calibration, fitted: Errors, network: Network, rows: Panel, changes: Panel | None,
    n_known: np.ndarray, kept: dict[int, Kept],
) -> Iterator[Errors]:  # fmt: skip
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
    kept : dict of int to Kept
        Errors of the horizon that were computed for earlier rows, by the number of leads; changed.
    """
    n_new = _n_observed(rows.part(calibration.end), n_known - calibration.end) * (calibration.n_origins > 0)
    if not n_new.any():
        yield from [fitted] * len(n_new)
        return
    place, series = ranges(np.zeros_like(n_new[0]), calibration.n_origins)  # of each window within its series
    n_held_out = calibration.panel.n_rows - calibration.seasons.reach - calibration.context_length
    is_later = place[:, None] + np.arange(fitted.errors.shape[1]) >= n_held_out[series][:, None]
    every = _every_error(calibration, fitted, network, rows, changes, n_new, kept, is_whole=not is_later.any())
    begin = np.cumsum(every.n) - every.n - every.first
    for n in n_new:
        known = np.where(is_later[..., None], np.nan, every.errors[(begin + n)[series] + place])
        stays = np.isnan(known) | (n == 0)[series][:, None, None]
        yield replace(fitted, errors=np.where(stays, fitted.errors, known))


def _every_error(
    calibration: Calibration, fitted: Errors, network: Network, rows: Panel, changes: Panel | None, n_new: np.ndarray,
    kept: dict[int, Kept], *, is_whole: bool,
) -> Kept:  # fmt: skip
    """The errors from all origins that count at one of the times after `n_new` (T, S) rows.

    Where the steps of all of these windows have come (`is_whole`), they are kept, and only others are computed.
    """
    first, last, n_leads = n_new.min(axis=0), n_new.max(axis=0), fitted.errors.shape[1]
    later = rows.part(calibration.end, calibration.end + last)
    so_far = Kept(later, first, np.zeros_like(first), fitted.errors[:0])
    if is_whole:
        of_fit = Kept(later.part(last=0), np.zeros_like(first), calibration.n_origins, fitted.errors)
        known = [each for each in (kept.get(n_leads), of_fit) if each is not None and each.hold_for(later, first)]
        so_far = (known or [so_far])[0]
    longer = _continued(calibration, later, changes)
    ends, known_until = np.cumsum(longer.n_origins), so_far.first + so_far.n
    chosen, _ = ranges(ends - longer.n_origins + known_until, ends)
    errors = longer.errors(network, n_leads, chosen).errors if len(chosen) else fitted.errors[:0]
    ends = np.cumsum(so_far.n)
    still, series_before = ranges(ends - so_far.n + first - so_far.first, ends)
    series = np.concatenate([series_before, np.repeat(np.arange(len(first)), longer.n_origins - known_until)])
    errors = np.concatenate([so_far.errors[still], errors])[np.argsort(series, kind="stable")]
    every = Kept(later, first, longer.n_origins - first, errors)
    if is_whole:
        kept[n_leads] = every
    return every


def _n_observed(rows: Panel, n_known: np.ndarray) -> np.ndarray:
    """Number of rows up to the last one with an observed value among the first `n_known` (T, S), (T, S)."""
    seen = np.where(rows.observed.any(axis=1), np.arange(1, 1 + len(rows.values)), 0)
    latest = np.concatenate([[0], np.maximum.accumulate(seen)])  # of a series before, where this one has none so far
    begin = rows.indptr[:-1]
    return np.maximum(latest[begin + np.clip(n_known, 0, rows.n_rows)] - begin, 0)


def _continued(calibration: Calibration, later: Panel, changes: Panel | None) -> Calibration:
    """The calibration with `later` rows of each series, from which as many more origins have errors.

    Of a channel whose errors did not count, since it began in the validation part, those of later rows do not, either.
    """
    before, n_new = calibration.panel, later.n_rows
    panel, rows = before.followed_by(later, np.arange(len(later)), len(later))
    counts = any_within(calibration.judged, before.indptr[:-1], before.indptr[1:])
    judged = np.concatenate([calibration.judged, later.observed & counts[later.series]])[rows]
    summed = calibration.changes
    if summed is not None and changes is not None:
        summed = np.concatenate([summed, changes.part(calibration.end, calibration.end + n_new).values])[rows]
    return replace(calibration, panel=panel, judged=judged, n_origins=calibration.n_origins + n_new, changes=summed)
