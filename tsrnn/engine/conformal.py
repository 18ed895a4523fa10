"""How far forecasts have been off: split-conformal intervals and paths from the errors over a validation tail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .windows import Scaling


@dataclass(frozen=True)
class Errors:
    """Errors of forecasts that a model had not been trained on, in scaled units.

    Attributes
    ----------
    errors : (n, horizon, C)
        Of n windows; NaN where nothing was observed.
    scaling : Scaling
        That of the units, learned with the model.
    """

    errors: np.ndarray
    scaling: Scaling

    def offsets(self, levels: np.ndarray) -> np.ndarray:
        """What to add to a forecast for its quantiles, (horizon, C, n_levels).

        The interval between the quantiles p and 1 - p holds a new value with probability 1 - 2 p or more, whatever its
        distribution, as far as errors of the past are exchangeable with new ones: the absolute error of rank
        ceil((n + 1) (1 - 2 p)) among n is added to both sides (Vovk, Gammerman & Shafer 2005, Algorithmic Learning in a
        Random World, ch. 2; Lei et al. 2018, doi:10.1080/01621459.2017.1307116, algorithm 2).

        Raises
        ------
        ValueError
            If there are too few errors for so far a quantile.
        """
        coverage = np.abs(2 * levels - 1)
        n = np.isfinite(self.errors).sum(axis=0)
        rank = np.ceil((n[..., None] + 1) * coverage - 1e-9).astype(int)
        if (rank > n[..., None]).any():
            need = int(np.ceil(coverage.max() / (1 - coverage.max()) - 1e-9))
            raise ValueError(
                f"a coverage of {coverage.max():g} needs {need} validation windows, but the fit had {n.min()}; use "
                "EarlyStopping(validation_size=...) with a larger one, or ask for less coverage"
            )
        ordered = np.sort(np.abs(self.errors), axis=0)  # NaN come last
        ordered = np.concatenate([np.zeros((1, *ordered.shape[1:])), ordered])
        return np.sign(levels - 0.5) * np.take_along_axis(np.moveaxis(ordered, 0, -1), rank, axis=-1)

    def paths(self, n_paths: int, rng: np.random.RandomState) -> np.ndarray:
        """Whole windows of errors, drawn with replacement, (horizon, C, n_paths): dependence across steps is kept.

        Raises
        ------
        ValueError
            If no window has all of its errors.
        """
        whole = self.errors[np.isfinite(self.errors).all(axis=(1, 2))]
        if len(whole) == 0:
            raise ValueError(
                "no validation window has all of its values observed, so that no path of errors is known; use "
                "EarlyStopping(validation_size=...) with a larger one"
            )
        return np.moveaxis(whole[rng.randint(len(whole), size=n_paths)], 0, -1)
