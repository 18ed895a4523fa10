"""Warnings of this package; all derive from `TsrnnWarning`, so that one filter silences them."""

from __future__ import annotations

from sklearn.exceptions import ConvergenceWarning as SklearnConvergenceWarning


class TsrnnWarning(UserWarning):
    """Base class of all warnings that tsrnn issues."""


class FewWindowsWarning(TsrnnWarning):
    """A network is trained on so few windows that it can learn little."""


class OrderSelectionWarning(TsrnnWarning):
    """No autoregressive order has enough complete rows to be compared."""


class IntervalWarning(TsrnnWarning):
    """A column has too few validation errors of its own; its intervals rest on the errors of the other columns."""


class ConvergenceWarning(SklearnConvergenceWarning, TsrnnWarning):
    """An iterative fit ended at its maximum number of iterations; also a `sklearn.exceptions.ConvergenceWarning`."""


class CacheWarning(TsrnnWarning):
    """Compiled code cannot be kept on disk or read from there; it is compiled for this process alone."""


class LeakageWarning(TsrnnWarning):
    """A covariate is an exact linear function of the target, as a scaled copy of it is."""
