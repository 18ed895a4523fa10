"""Warnings of this package; all derive from `TsrnnWarning`, so that one filter applies to all of them."""

from __future__ import annotations

from sklearn.exceptions import ConvergenceWarning as SklearnConvergenceWarning


class TsrnnWarning(UserWarning):
    """Base class of all warnings that tsrnn issues."""


class FewWindowsWarning(TsrnnWarning):
    """A network is trained on too few windows to learn much."""


class OrderSelectionWarning(TsrnnWarning):
    """No autoregressive order has enough complete rows to be compared with others."""


class IntervalWarning(TsrnnWarning):
    """A column has too few validation errors of its own; its intervals use the errors of all columns."""


class ConvergenceWarning(SklearnConvergenceWarning, TsrnnWarning):
    """An iterative fit ended at its maximum number of iterations; also a `sklearn.exceptions.ConvergenceWarning`."""


class CacheWarning(TsrnnWarning):
    """Compiled code cannot be written to disk or read from it; it is compiled for this process only."""


class LeakageWarning(TsrnnWarning):
    """A covariate is an exact linear function of the target, such as a scaled copy of it."""


class MemberWarning(TsrnnWarning):
    """Some members of an ensemble cannot be fitted; the others forecast without them."""


class BacktestWarning(TsrnnWarning):
    """Some models failed at some cutoffs of a backtest, whose forecasts are missing."""


class ScaleWarning(TsrnnWarning):
    """Training series end before the forecasts whose errors they scale, which are then in units of other data."""
