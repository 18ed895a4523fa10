"""The parameters of a linear-Gaussian state-space model, and the distributions of its states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


@dataclass(frozen=True)
class StateSpace:
    """The parameters, for series and covariates in units of their scales.

    Attributes
    ----------
    A : (n, n)
        Transition matrix: from the states of a step to the mean of the next.
    B : (n, F)
        Effects of the covariates on the states.
    C : (m, n)
        Observation matrix: from the states to the mean of the series.
    D : (m, F)
        Effects of the covariates on the series.
    d : (m,)
        Level of the series.
    Q : (n, n)
        Covariance of the states' noise.
    R : (m,)
        Variances of the series' noise.
    m0, P0 : (n,), (n, n)
        Mean and covariance of the first states; P0 is not learned.
    level, scale : (m,)
        A series is ``level + scale * y``.
    centre, width : (F,)
        A covariate is ``centre + width * u``.
    """

    A: np.ndarray
    B: np.ndarray
    C: np.ndarray
    D: np.ndarray
    d: np.ndarray
    Q: np.ndarray
    R: np.ndarray
    m0: np.ndarray
    P0: np.ndarray
    level: np.ndarray
    scale: np.ndarray
    centre: np.ndarray
    width: np.ndarray

    @property
    def n_parameters(self) -> int:
        """Number of free parameters."""
        return count_parameters(len(self.A), len(self.C), self.B.shape[1])

    def scaled(self, series: np.ndarray, covariates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Series and covariates in units of their scales, y (T, m) and u (T, F)."""
        return standardised(series, self.level, self.scale), standardised(covariates, self.centre, self.width)

    def inputs(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Effects of scaled covariates u (T, F): on the states (T, n), and on the series with its level (T, m)."""
        return u @ self.B.T, u @ self.D.T + self.d


def standardised(values: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(values - mean) / scale, computed from halves, so that a difference of the largest floats does not overflow."""
    return (values / 2 - mean / 2) / (scale / 2)


def count_parameters(n: int, m: int, F: int) -> int:
    """Number of free parameters: all that are learned, minus the n² of a change of the states' basis."""
    of_states = n * n + n * F + n * (n + 1) // 2 + n
    return of_states + m * (n + F + 2) - n * n


@dataclass(frozen=True)
class Covariances:
    """A covariance for each step, kept once where several steps share it: that of step t is ``table[at[t]]``.

    Attributes
    ----------
    table : (k, n, n)
    at : (T,) int
    """

    table: np.ndarray
    at: np.ndarray

    def __getitem__(self, t: int) -> np.ndarray:
        return self.table[self.at[t]]

    def expand(self) -> np.ndarray:
        """The covariances of all steps, (T, n, n)."""
        return self.table[self.at]

    def sum(self, weights: np.ndarray) -> np.ndarray:
        """Weighted sum over the steps, (n, n), for `weights` (T,)."""
        counts = np.bincount(self.at, weights=weights, minlength=len(self.table))
        return np.tensordot(counts, self.table, axes=1)


class Filtered(NamedTuple):
    """Distributions of the states from the Kalman filter.

    Attributes
    ----------
    predicted_mean, predicted_cov : (T, n), Covariances
        Given the values of the steps before.
    mean, cov : (T, n), Covariances
        Given the values of the step too.
    loglike : float
        Log-likelihood of the values.
    """

    predicted_mean: np.ndarray
    predicted_cov: Covariances
    mean: np.ndarray
    cov: Covariances
    loglike: float


class Smoothed(NamedTuple):
    """Distributions of the states given all values.

    Attributes
    ----------
    mean, cov : (T, n), Covariances
    lag_cov : Covariances
        Cov(z_{t+1}, z_t) for all steps t but the last.
    """

    mean: np.ndarray
    cov: Covariances
    lag_cov: Covariances
