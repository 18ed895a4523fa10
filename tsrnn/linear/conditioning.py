"""The last values of an autoregression where some are missing: their normal distribution given the observed ones.

This is the Kalman filter of the companion form, whose state is the vector of the last values (Jones 1980,
doi:10.1080/00401706.1980.10486171). An observed value has no variance, so the filter stores covariances of the missing
ones alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .autoregression import ROUNDING, Autoregression, power_of_two


class Past(NamedTuple):
    """The last values before a forecast, as many as the longest lag.

    Attributes
    ----------
    mean : (longest,)
        The observed values, and the means of the missing ones.
    missing : (n_missing,) int
        Indices of the missing values in `mean`.
    root : (n_missing, n_missing)
        A square root of their covariance: ``root @ root.T``.
    """

    mean: np.ndarray
    missing: np.ndarray
    root: np.ndarray

    def paths(self, n_paths: int, rng: np.random.RandomState) -> np.ndarray:
        """Random draws of the last values, (longest, n_paths)."""
        drawn = np.repeat(self.mean[:, None], n_paths, axis=1)
        if len(self.missing):
            drawn[self.missing] += self.root @ rng.standard_normal((len(self.missing), n_paths))
        return drawn

    def spread(self, model: Autoregression, horizon: int) -> np.ndarray:
        """Standard deviation of the forecast error of each step, (horizon,)."""
        before = np.zeros((len(self.mean), len(self.missing)))
        before[self.missing] = self.root
        responses = model.forecast(before, np.zeros(horizon))
        return np.hypot.reduce(np.column_stack([model.spread(horizon), responses]), axis=1)


def last_values(model: Autoregression, y: np.ndarray, observed: np.ndarray, offsets: np.ndarray) -> Past:
    """Distribution of the last values of a series given the observed ones.

    The filter starts after the last run of observed values that is as long as the longest lag, which is exact. Without
    such a run it starts at the first observed value; a missing value among the first rows is then normal about `y`.
    In a series that is shorter than the longest lag, all missing values, also those before its beginning, are
    independent and have the mean and the variance of the observed ones.

    Parameters
    ----------
    model : Autoregression
    y : (n,)
        The series with its gaps filled.
    observed : (n,) bool
    offsets : (n,)
        `Autoregression.offsets` of these rows.
    """
    if len(y) < model.longest:
        return _past_of_short(model.longest, y, observed)
    steps = _Filter(model, y, observed, offsets)
    steps.run(steps.latest_start())
    return steps.past()


def _past_of_short(longest: int, y: np.ndarray, observed: np.ndarray) -> Past:
    """Distribution of the last values of a series that has fewer rows than these."""
    seen, n_before = y[observed], longest - len(y)
    mean = np.concatenate([np.full(n_before, seen.mean()), np.where(observed, y, seen.mean())])
    missing = np.concatenate([np.arange(n_before), n_before + np.flatnonzero(~observed)])
    return Past(mean, missing, np.eye(len(missing)) * seen.std())


def log_likelihood(
    model: Autoregression, y: np.ndarray, observed: np.ndarray, offsets: np.ndarray, n_skipped: int
) -> float:
    """Log-likelihood of the observed values after the first `n_skipped` rows."""
    steps = _Filter(model, y, observed, offsets)
    steps.run(steps.first_start())
    return float(steps.terms[n_skipped:].sum() - observed[n_skipped:].sum() * np.log(steps.unit))


class _Filter:
    """The state of the filter: values with means of the missing ones, indices of these, and their covariance."""

    def __init__(self, model: Autoregression, y: np.ndarray, observed: np.ndarray, offsets: np.ndarray):
        self.unit = float(power_of_two(y))  # squares of large and small values stay in range
        self.model, self.observed, self.offsets = model, observed, offsets / self.unit
        self.values = y / self.unit
        self.terms = np.zeros(len(y))  # log-density of each observed value
        self.back = np.asarray(model.lags, np.int64)
        self.weights = np.zeros(model.longest + 1)
        self.weights[self.back] = model.coefficients
        self.noise = max(0.0 if np.isnan(model.deviation) else (model.deviation / self.unit) ** 2, ROUNDING)
        self.missing = np.empty(0, np.int64)
        self.covariance = np.empty((0, 0))
        self.silent = self._fill_silent()

    def _fill_silent(self) -> np.ndarray:
        """Variances (n,) of the missing values that no chain of lags connects with an observed one, 0 elsewhere.

        If all lags are multiples of g, the model is one of g interleaved independent series. The values of a series
        without any observed value are interpolated linearly between their neighbours. Their variance is that of the
        errors of such an interpolation at observed values.
        """
        n, observed, step = len(self.values), self.observed, max(int(np.gcd.reduce(self.back, initial=0)), 1)
        reached = np.bincount(np.arange(n) % step, weights=observed, minlength=step) > 0
        silent = ~reached[np.arange(n) % step]
        if not silent.any():
            return np.zeros(n)
        at = np.flatnonzero(observed)
        seen = self.values[at]
        self.values[silent] = np.interp(np.flatnonzero(silent), at, seen)
        between = [np.interp(at[i], at[[i - 1, i + 1]], seen[[i - 1, i + 1]]) for i in range(1, len(at) - 1)]
        inside = np.mean((seen[1:-1] - between) ** 2) if between else seen.var()
        after = np.mean(np.diff(seen) ** 2) if len(at) > 1 else 0.0
        return np.where(silent, np.where(np.arange(n) > at[-1], after, inside), 0.0)

    def first_start(self) -> int:
        """The row that lies the longest lag after the first observed value; set the prior of what is missing before."""
        first = int(self.observed.argmax())
        start = min(first + self.model.longest, len(self.values))
        self.missing = first + np.flatnonzero(~self.observed[first:start])
        prior = np.where(self.silent > 0, self.silent, self.values[self.observed].var())
        self.covariance = np.diag(prior[self.missing])
        return start

    def latest_start(self) -> int:
        """The last row that follows as many observed values as the longest lag; `first_start` if there is none."""
        n, longest = len(self.values), self.model.longest
        gaps = np.concatenate([[-1], np.flatnonzero(~self.observed), [n]])
        long = np.flatnonzero(np.diff(gaps) > longest)
        return int(gaps[long[-1] + 1]) if len(long) else self.first_start()

    def run(self, start: int) -> None:
        """Update the state by all rows from `start` on."""
        gaps = np.append(np.flatnonzero(~self.observed), len(self.values))
        t = start
        while t < len(self.values):
            keep = self.missing >= t - self.model.longest
            if not keep.all():
                self.missing, self.covariance = self.missing[keep], self.covariance[np.ix_(keep, keep)]
            end = int(gaps[np.searchsorted(gaps, t)])
            if len(self.missing) or end == t:
                self._step(t)
                t += 1
            else:
                self._complete_rows(t, end)
                t = end

    def _complete_rows(self, start: int, end: int) -> None:
        """Log-densities of observed rows whose lags are all observed."""
        rows = np.arange(start, end)
        errors = (
            self.values[rows] - self.offsets[rows] - self.values[rows[:, None] - self.back] @ self.weights[self.back]
        )
        self.terms[rows] = self._log_density(errors, self.noise)

    def _step(self, t: int) -> None:
        """Predict row t from its lags; then update the missing values if it is observed, or add it to them."""
        mean = self.offsets[t] + self.weights[self.back] @ self.values[t - self.back]
        of_missing = self.weights[t - self.missing]
        cross = self.covariance @ of_missing
        variance = of_missing @ cross + self.noise
        if self.observed[t]:
            error = self.values[t] - mean
            self.terms[t] = self._log_density(error, variance)
            self.values[self.missing] += cross * (error / variance)
            self.covariance -= np.outer(cross, cross / variance)
            return
        if self.silent[t]:
            cross, variance = np.zeros_like(cross), self.silent[t]
        else:
            self.values[t] = mean
        k = len(self.missing)
        grown = np.empty((k + 1, k + 1))
        grown[:k, :k], grown[k, :k], grown[:k, k], grown[k, k] = self.covariance, cross, cross, variance
        self.missing, self.covariance = np.append(self.missing, t), grown

    @staticmethod
    def _log_density(error: float | np.ndarray, variance: float | np.ndarray) -> float | np.ndarray:
        return -0.5 * (np.log(2 * np.pi * variance) + np.square(error) / variance)

    def past(self) -> Past:
        """Distribution of the last values after all rows."""
        first = len(self.values) - self.model.longest
        keep = self.missing >= first
        values, vectors = np.linalg.eigh(self.covariance[np.ix_(keep, keep)])
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        return Past(self.unit * self.values[first:], self.missing[keep] - first, self.unit * root)
