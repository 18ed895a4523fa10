"""Point forecast, quantiles and draws of one step from the network's outputs, all in scaled units.

`parameters` are outputs (..., loss.size). The distributions themselves are those of scipy.stats.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..functions.activations import softplus
from ..losses.loss import Loss

if TYPE_CHECKING:
    from scipy.stats import rv_continuous, rv_discrete

#: A larger parameter counts as an overflow: NumPy cannot draw counts with such a mean.
LARGEST = 1e18


def point(loss: Loss, parameters: np.ndarray) -> np.ndarray:
    """Point forecast (...), a mean or a quantile, by way of the link. A free run feeds it back."""
    location = np.asarray(parameters, np.float64)[..., loss.point]
    return softplus(location) if loss.link == "softplus" else location


def quantiles(loss: Loss, parameters: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Quantiles of the distribution of one step, (n_levels, ...).

    Trained quantiles may cross; those returned do not.

    Raises
    ------
    ValueError
        If a level is not among the trained ones.
    """
    parameters = np.asarray(parameters, np.float64)
    if not loss.levels:
        family, arguments = _distribution(loss, parameters)
        return np.stack([np.asarray(family.ppf(level, *arguments)) for level in levels])
    ordered, trained = uncrossed(parameters, loss.point), np.array(loss.levels)
    which = np.abs(trained - levels[:, None]).argmin(axis=1)
    missing = levels[~np.isclose(trained[which], levels, rtol=0, atol=1e-9)]
    if len(missing):
        needed = ", ".join(f"{level:g}" for level in np.sort([*trained, *missing]))
        raise ValueError(
            f"loss={loss} has learned the quantiles {', '.join(map(str, loss.levels))}, not {missing[0]:g}; ask for "
            f"these (between p and 1 - p lies a coverage of 1 - 2 p), or fit with loss=tsrnn.Pinball({needed})"
        )
    return np.moveaxis(ordered[..., which], -1, 0)


def uncrossed(quantiles: np.ndarray, point: int) -> np.ndarray:
    """Quantiles (..., size) made monotone from the `point` outwards; the point itself does not change."""
    above = np.maximum.accumulate(quantiles[..., point:], axis=-1)
    below = np.minimum.accumulate(quantiles[..., point::-1], axis=-1)[..., ::-1]
    return np.concatenate([below[..., :-1], above], axis=-1)


def draw(loss: Loss, parameters: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Independent random draws, one from each distribution, (...); NaN where a parameter overflows."""
    parameters = np.asarray(parameters, np.float64)
    fine = (np.abs(parameters) < LARGEST).all(axis=-1)
    family, arguments = _distribution(loss, np.where(fine[..., None], parameters, 0))
    return np.where(fine, family.rvs(*arguments, random_state=rng), np.nan)


def draw_each(loss: Loss, parameters: np.ndarray, rngs: Sequence[np.random.RandomState]) -> np.ndarray:
    """Draws (n, ...) from n sets of distributions, each from a generator of its own."""
    return np.stack([draw(loss, each, rng) for each, rng in zip(parameters, rngs, strict=True)])


def _distribution(loss: Loss, parameters: np.ndarray) -> tuple[rv_continuous | rv_discrete, list[np.ndarray]]:
    """The distribution of scipy.stats and its arguments (...)."""
    from scipy import stats  # slow to import, and no point forecast needs it

    arguments = loss.natural(*np.moveaxis(parameters, -1, 0))
    return getattr(stats, loss.family), list(arguments)
