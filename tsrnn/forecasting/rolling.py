"""Scores of forecasts from rolling origins, and the margins of conformal intervals that they give."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .conformal import ask_for_less, needed, ranked


@dataclass(frozen=True)
class RollingScores:
    """Scores of forecasts of U units, the channels of all series, each in units of its own scale.

    Attributes
    ----------
    calibration : (n_windows, n_leads, U)
        Scores from the origins of the calibration, 1 to n_leads steps ahead; NaN where nothing was observed.
    later : (n_rows, n_leads, U)
        Scores of the rows that came after the fit, in the order of time, each forecast from 1 to n_leads rows before.
    """

    calibration: np.ndarray
    later: np.ndarray

    @classmethod
    def of(cls, calibration: np.ndarray) -> RollingScores:
        """The scores of a calibration, before any row has come."""
        return cls(calibration, np.empty((0, *calibration.shape[1:])))

    def then(self, later: np.ndarray) -> RollingScores:
        """These scores, and those of rows that came after them."""
        return replace(self, later=np.concatenate([self.later, later]))

    def margins(self, coverage: np.ndarray) -> np.ndarray:
        """Scores of the rank ceil((n + 1) coverage) among the n of each lead so far, (n_leads, U + 1, n_levels).

        Those of rows that came after the fit count as well: they are the nearest in time, and so the most like the next
        (Barber et al. 2023, doi:10.1214/23-AOS2276). A unit with enough scores has its own margin, the others have that
        of all scores. The last one is that of all scores: for a series that was not in the fit.

        Raises
        ------
        ValueError
            If a lead has too few scores for a coverage, of all units together.
        """
        scores = np.concatenate([self.calibration, self.later])
        shared = ranked(_together(scores), coverage)
        if np.isnan(shared).any():
            self._refuse(float(coverage.max()))
        own = ranked(scores, coverage)
        return np.concatenate([np.where(np.isnan(own), shared, own), shared], axis=1)

    def adapted(self, coverage: float, gamma: float) -> np.ndarray:
        """Margins for the adapted coverage of each lead and unit after all rows so far, (n_leads, U + 1).

        Each lead and unit has an alpha of its own, which starts at 1 - coverage. When a row has come, it moves by
        alpha + gamma (1 - coverage - err), where err is 1 if the row was outside its interval (Gibbs & Candes 2021,
        arXiv:2106.00170, eq. 2). That interval was made as many rows before as its lead, with the alpha and the scores
        of that time. The margin is infinite where alpha is so small that its rank is beyond all scores, and 0 from
        alpha = 1 on.
        """
        fixed = self.margins(np.array([coverage]))[:, -1:, 0]
        n_leads, n_units = self.calibration.shape[1:]
        has_own = np.isfinite(self.calibration).sum(axis=0) >= needed(coverage)
        alpha, leads = np.full((n_leads, n_units), 1 - coverage), np.arange(n_leads)
        made = [self._at(0, 1 - alpha, has_own)]
        for row, scores in enumerate(self.later):
            before = np.maximum(row - leads, 0)  # number of rows that were known when each lead was forecast
            margin = np.stack([made[n][lead] for lead, n in enumerate(before)])
            moved = alpha + gamma * (1 - coverage - (scores > margin))
            alpha = np.where(np.isnan(scores), alpha, moved)
            made.append(self._at(row + 1, 1 - alpha, has_own))
        return np.concatenate([made[-1], fixed], axis=1)

    def _at(self, n_rows: int, coverage: np.ndarray, has_own: np.ndarray) -> np.ndarray:
        """Margins (n_leads, U) for coverages of the same shape, from the scores after `n_rows` later rows."""
        scores = np.concatenate([self.calibration, self.later[:n_rows]])
        margins = ranked(scores, coverage[..., None])[..., 0]
        if not has_own.all():
            margins = np.where(has_own, margins, ranked(_together(scores), coverage[:, None])[:, 0])
        return np.where(np.isnan(margins), np.inf, margins)

    def _refuse(self, coverage: float) -> None:
        n_windows, scores = len(self.calibration), np.concatenate([self.calibration, self.later])
        n_scores = np.isfinite(scores).sum(axis=(0, 2))
        have, need = int(n_scores.min()), needed(coverage)
        raise ValueError(
            f"a coverage of {coverage:g} needs {need} errors of each step, but the calibration has {have} of step "
            f"{int(n_scores.argmin()) + 1}, from n_windows={n_windows}; fit with n_windows={need} or more"
            + ask_for_less(have)
        )


def _together(scores: np.ndarray) -> np.ndarray:
    """Scores (n, n_leads, U) of all units as those of one, (n U, n_leads, 1)."""
    n, n_leads, n_units = scores.shape
    return scores.transpose(0, 2, 1).reshape(n * n_units, n_leads, 1)
