"""The forecaster that chooses a few different members by the kind of data, and combines their forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks import Anything, whole
from ..exceptions import FewWindowsWarning, OrderSelectionWarning
from ..forecasting.pooling import Pool
from . import forecasters
from .autoregressive import ARForecaster
from .base import Attributes, BaseForecaster
from .baselines import NaiveForecaster, SeasonalNaiveForecaster, ThetaForecaster
from .combination import Combination, Part
from .history import History, Origin
from .members import named, probabilistic

#: The classes of cells are made by name, so that type checkers do not find them.
GRUForecaster, LSTMForecaster = (vars(forecasters)[f"{cell}Forecaster"] for cell in ("GRU", "LSTM"))
#: Warnings of members whose advice is to change arguments that are not the caller's.
IGNORED = (FewWindowsWarning, OrderSelectionWarning)
#: Kinds of data, by which the members are chosen.
SHORT, SERIES, COUNTS = "short", "series", "counts"
#: A network is a member where the typical series has this many rows beside so many horizons.
ROWS, HORIZONS = 24, 4
#: Share of zeros from which whole numbers are demand that comes now and then; its median would be zero.
ZEROS = 0.2


class _Fitted(Combination):
    """Types of the fitted attributes, which are no arguments of the constructor."""

    kind_: str


@dataclass(eq=False, repr=False, kw_only=True)
class AutoForecaster(_Fitted):
    """The median of a few different forecasters, for one series or a panel, without anything to tune.

    No member is chosen by its validation error, which is a poor guide on a single series: the median of members that
    err in different ways is better than each of them (the documentation has the measurements). The kind of data tells
    which these are:

    - ``"series"``: `ARForecaster`, `ThetaForecaster`, a GRU with ``loss="mae"``, an LSTM with ``loss="huber"`` and a
      GRU of first differences. Of a panel each network is one for all series, the first two are fitted to each.
    - ``"counts"``: whole numbers from 0 on of which a fifth or more is 0. The mean of a GRU and an LSTM with
      ``loss="mse"`` and of `ThetaForecaster`, since the median of such numbers is often 0.
    - ``"short"``: series with fewer than 24 rows and four horizons are too short for networks. The median of
      `ARForecaster`, `ThetaForecaster` and the (seasonal) naive forecast.

    Forecasters that cannot read the covariates of the fit are left out.

    Parameters
    ----------
    horizon : int, default 12
        Number of steps of ``predict()``; networks are trained to forecast so many.
    season_lengths : int, list of int or None, default None
        Steps in each season; None takes those of the frequency of the index.
    lower : float or None, default None
        Smallest value of all forecasts, such as 0 for counts, in the place of smaller ones; None leaves them.
    n_jobs : int or None, default None
        Number of processes that fit the members, -1 for one on each processor; None is 1, unless
        `joblib.parallel_config` sets another number. The fit is the same, bit for bit, for every number.
    random_state : int, RandomState or None, default None
        Seed from which each network gets one of its own; None makes every fit another one.

    Attributes
    ----------
    kind_ : {"series", "counts", "short"}
        The kind of data.
    members_ : list of Member
        Name, fitted forecaster, weight, seconds of the fit and, where it failed, the reason, of each member;
        ``pandas.DataFrame(members_)`` makes a table of them.
    named_members_ : dict
        The fitted forecasters by name.

    See Also
    --------
    EnsembleForecaster : Combines members of your own choice.

    References
    ----------
    Petropoulos & Svetunkov (2020), A simple combination of univariate models, International Journal of Forecasting
    36(1), 110-115, doi:10.1016/j.ijforecast.2019.01.006, who take the median of four methods.

    Examples
    --------
    >>> from tsrnn import AutoForecaster
    >>> from tsrnn.datasets import load_nile
    >>> forecaster = AutoForecaster(horizon=3, random_state=0).fit(load_nile())
    >>> forecaster.kind_, list(forecaster.named_members_)
    ('series', ['ar', 'theta', 'gru', 'lstm', 'gru_differences'])
    """

    horizon: int = 12
    season_lengths: Anything = None
    lower: float | None = None
    n_jobs: int | None = None
    random_state: Anything = None

    def _reads_by_column(self, y: Anything) -> bool | None:
        return False

    def _check_history(self, history: History) -> None:
        """Members that cannot read a part of it are left out."""

    def _fit(self, history: History) -> Attributes:
        whole("horizon", self.horizon)
        kind = self._kind(history)
        members = self._members(kind, history)
        combine = "mean" if kind == COUNTS else "median"
        weights = [1.0] * len(members)
        fitted = self._fit_members(history, list(members.items()), weights, combine, is_kept=True, ignored=IGNORED)
        return fitted | {"kind_": kind}

    def _quantiles(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        """The points, and about them the combined distances of the members' quantiles from their own points."""
        parts = list(self._parts(origin))
        with_distribution = {name for name, _, _ in _with_distribution(parts, levels)}
        points, distances = [], []
        for name, member, own in parts:
            with named(name):
                points.append(member._continue(own))
                if name in with_distribution:
                    distances.append(probabilistic(member)._finite_quantiles(own, levels) - points[-1][..., None])
        combined = self._equal(len(distances))._replace(lower=None).combined(np.stack(distances))
        return self._pool.clipped(self._pool.combined(np.stack(points))[..., None] + combined)

    def _sample(self, origin: Origin, n_paths: int, rngs: Sequence[np.random.RandomState]) -> np.ndarray:
        parts = _with_distribution(list(self._parts(origin)), np.empty(0))
        return self._paths(parts, self._equal(len(parts)), n_paths, rngs)

    def _equal(self, n: int) -> Pool:
        """The pool of n members of equal weight."""
        return self._pool._replace(weights=np.ones(n))

    def _kind(self, history: History) -> str:
        """The kind of data."""
        if history.typical_length < ROWS + HORIZONS * self.horizon:
            return SHORT
        values = history.values[history.observed]
        if np.all(values >= 0) and np.all(values == np.round(values)) and np.mean(values == 0) >= ZEROS:
            return COUNTS
        return SERIES

    def _members(self, kind: str, history: History) -> dict[str, BaseForecaster]:
        """The members for a kind of data, with names; those that can read its covariates."""
        shared: dict[str, Any] = {"horizon": self.horizon, "season_lengths": self.season_lengths}
        members: dict[str, BaseForecaster] = {}
        if not history.past_names and history.static is None and kind != COUNTS:
            members["ar"] = ARForecaster(**shared)
        if not history.covariate_names and not history.past_names and history.static is None:
            members["theta"] = ThetaForecaster(**shared)
            if kind == SHORT:
                season = history.season_length
                members["naive"] = (
                    SeasonalNaiveForecaster(horizon=self.horizon, season_lengths=season)
                    if 1 < season < history.n_rows.min()
                    else NaiveForecaster(horizon=self.horizon)
                )
        if kind == COUNTS:
            return members | {
                "gru": GRUForecaster(**shared, loss="mse", scaling="standard"),
                "lstm": LSTMForecaster(**shared, loss="mse", scaling="standard"),
            }
        if kind == SERIES or not members:
            members["gru"] = GRUForecaster(**shared, loss="mae", scaling="last")
            members["lstm"] = LSTMForecaster(**shared, loss="huber", scaling="last")
            members["gru_differences"] = GRUForecaster(**shared, loss="mse", scaling="standard", difference=1)
        return members


def _with_distribution(parts: list[Part], levels: np.ndarray) -> list[Part]:
    """The members that know the distribution of their errors as far as these quantiles; all, if none does.

    Networks know it from the validation part, which is small where the series is short.
    """
    return [part for part in parts if probabilistic(part[1])._has_distribution(levels)] or parts
