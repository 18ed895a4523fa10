"""The forecaster that chooses a few different members by the kind of data, and combines their forecasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..checks import Anything, whole
from ..exceptions import FewWindowsWarning, OrderSelectionWarning
from ..forecasting.pooling import Pool
from ..frame import PanelTarget
from ..losses.registry import as_loss
from ..training.warmup import compile_together
from . import forecasters
from .autoregressive import ARForecaster
from .base import Attributes, BaseForecaster
from .baselines import NaiveForecaster, SeasonalNaiveForecaster, ThetaForecaster
from .combination import Combination, Part
from .history import History, Origin
from .members import Member, described, named, probabilistic
from .transformed import is_observed

#: The classes of cells are made by name, so that type checkers do not find them.
GRUForecaster, LSTMForecaster = (vars(forecasters)[f"{cell}Forecaster"] for cell in ("GRU", "LSTM"))
#: Warnings of members whose advice is to change arguments that are not the caller's.
IGNORED = (FewWindowsWarning, OrderSelectionWarning)
#: Kinds of data, by which the members are chosen.
SHORT, SERIES, COUNTS = "short", "series", "counts"
#: A network is a member where the typical series has this many rows beside so many horizons.
ROWS, HORIZONS = 24, 4
#: Members that have a model of its own for each series of a panel, so that they cannot continue others.
OF_FITTED_SERIES = ("ar",)
#: Share of zeros from which whole numbers are demand that comes now and then; its median would be zero.
ZEROS = 0.2


class _Fitted(Combination):
    """Types of the fitted attributes, which are no arguments of the constructor."""

    kind_: str
    timings_: dict[str, float]


@dataclass(eq=False, repr=False, kw_only=True)
class AutoForecaster(_Fitted):
    """The median of a few different forecasters, for one series or a panel, without anything to tune.

    No member is chosen by its validation error, which is a poor guide on a single series: the median of members that
    err in different ways is better than each of them (the documentation has the measurements). The kind of data tells
    which these are:

    - ``"series"``: `ARForecaster`, `ThetaForecaster`, GRUs with ``loss="mae"`` and ``loss="huber"``, and a GRU of first
      differences. Of a panel each network is one for all series, the first two are fitted to each.
    - ``"counts"``: whole numbers from 0 on of which a fifth or more is 0. The mean of a GRU and an LSTM with
      ``loss="mse"`` and of `ThetaForecaster`, since the median of such numbers is often 0.
    - ``"short"``: series with fewer than 24 rows and four horizons are too short for networks. The median of
      `ARForecaster`, `ThetaForecaster` and the (seasonal) naive forecast.

    Forecasters that cannot read the covariates of the fit are left out. Series that came by ``context=`` or an update
    are forecast by the members that can continue them: `ARForecaster` only the series of a panel that it was fitted to,
    and a network no single series that is shorter than what it reads.

    After a fit, ``str(forecaster)`` and the representation in notebooks have a table of the members.

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
        Name, arguments, fitted forecaster, weight, seconds of the fit and, where it was left out, the reason, of each
        member; ``pandas.DataFrame(members_)`` makes a table of them.
    timings_ : dict of str to float
        Seconds to compile the members' functions before the first fit, or to find that they are on disk.
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
    ('series', ['ar', 'theta', 'gru', 'gru_huber', 'gru_differences'])
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
        members, reasons = self._members(kind, history)
        combine = "mean" if kind == COUNTS else "median"
        taking_part = [(name, member) for name, member in members.items() if name not in reasons]
        seconds = _compile(taking_part)
        weights = [1.0] * len(taking_part)
        fitted = self._fit_members(history, taking_part, weights, combine, is_kept=True, ignored=IGNORED)
        left_out = [Member(name, described(members[name]), None, 0.0, 0.0, why) for name, why in reasons.items()]
        return fitted | {
            "members_": fitted["members_"] + left_out,
            "kind_": kind,
            "timings_": {"compile": seconds},
        }

    # ------------------------------------------------------------ forecasts
    def _origin(self, horizon: Anything, context: Anything, ids: Anything = None, static: Anything = None) -> Origin:
        origin = super(Combination, self)._origin(horizon, context, ids, static)
        if context is None:
            return origin
        own = []
        for name, member in self._taking_part():
            if name in OF_FITTED_SERIES or not self._continues(name, member, origin).all():
                own.append(origin)  # it reads the rows as they are, or has no part in their forecast
                continue
            with named(name):
                own.append(member._origin(horizon, context, ids, static))
        return origin._replace(of_members=tuple(own))

    def _parts(self, origin: Origin) -> Iterator[Part]:
        """The members that can continue all series of the origin."""
        is_context = bool(origin.of_members)
        for name, member, own in super()._parts(origin):
            if self._continues(name, member, origin, is_context=is_context).all():
                yield name, member, own

    def _continues(self, name: str, member: BaseForecaster, origin: Origin, *, is_context: bool = True) -> np.ndarray:
        """Which series of the origin a member can continue, (S,); those of a `context` may be too short for it."""
        is_panel, is_of_series = isinstance(origin.target, PanelTarget), name in OF_FITTED_SERIES
        can = np.ones(len(origin.series), bool)
        if is_panel and is_of_series:
            can = origin.series >= 0
        if is_context and (is_of_series or not is_panel):  # networks read short series of a panel, too
            n_rows = (origin.panel.n_rows[:, None] - origin.panel.first_observed).min(axis=1)
            can = can & (n_rows >= member._min_context())
        if isinstance(member, forecasters.RecurrentForecaster) and member.difference and (origin.series < 0).any():
            can = can & is_observed(member.transform_.apply(origin.panel))
        return can

    def _by_members(self, origin: Origin, forecast: Callable[[Origin, np.ndarray], np.ndarray]) -> np.ndarray:
        """Forecasts of the series (S, ...): of those together that the same members continue.

        ``forecast(origin, series)`` is called with their numbers in `origin`.
        """
        is_context = bool(origin.of_members)
        can = [self._continues(name, member, origin, is_context=is_context) for name, member in self._taking_part()]
        _, group = np.unique(np.stack(can), axis=1, return_inverse=True)
        groups = [np.flatnonzero(group.ravel() == k) for k in range(group.max() + 1)]
        if len(groups) == 1:
            return forecast(origin, groups[0])
        parts = [forecast(origin.take(series), series) for series in groups]
        return np.concatenate(parts)[np.argsort(np.concatenate(groups))]

    def _min_context(self) -> int:
        """That of the member that needs least; the others have no part in the forecast of a shorter one."""
        return min(member._min_context() for _, member in self._taking_part())

    def _check_new_series(self, names: Sequence[str]) -> None:
        self._refuse_if_none_can(lambda member: member._check_new_series(names))

    def _check_context(self, history: History) -> None:
        self._refuse_if_none_can(lambda member: member._check_context(history))

    def _refuse_if_none_can(self, check: Callable[[BaseForecaster], None]) -> None:
        """Check new series of a panel, if all members have a model for each series of the fit."""
        members = self._taking_part()
        if all(name in OF_FITTED_SERIES for name, _ in members):
            for name, member in members:
                with named(name):
                    check(member)

    def _update_member(
        self, name: str, member: BaseForecaster, y_new: Anything, X_new: Anything, static: Anything
    ) -> None:
        if name not in OF_FITTED_SERIES:  # these have nothing but the rows that all members share
            super()._update_member(name, member, y_new, X_new, static)

    def _forecast(self, origin: Origin) -> np.ndarray:
        return self._by_members(origin, lambda some, _: super(AutoForecaster, self)._forecast(some))

    def _quantiles(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        return self._by_members(origin, lambda some, _: self._quantiles_of(some, levels))

    def _quantiles_of(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        """The points, and about them the combined distances of the members' quantiles from their own points."""
        parts = list(self._parts(origin))
        with_distribution = {name for name, _, _ in _with_distribution(parts, levels)}
        points, distances = [], []
        for name, member, own in parts:
            with named(name):
                points.append(member._continue(own))
                if name in with_distribution:
                    distances.append(probabilistic(member)._finite_quantiles(own, levels) - points[-1][..., None])
        combined = self._pool_of(len(distances))._replace(lower=None).combined(np.stack(distances))
        return self._pool.clipped(self._pool_of(len(points)).combined(np.stack(points))[..., None] + combined)

    def _sample(
        self, origin: Origin, n_paths: int, rngs: Sequence[np.random.RandomState], coverage: float = 0.0
    ) -> np.ndarray:
        def of(some: Origin, series: np.ndarray) -> np.ndarray:
            levels = np.array([(1 + coverage) / 2] if coverage else [])
            parts = _with_distribution(list(self._parts(some)), levels)
            return self._paths(parts, self._pool_of(len(parts)), n_paths, [rngs[s] for s in series], coverage)

        return self._by_members(origin, of)

    def _pool_of(self, n: int) -> Pool:
        """The pool of n members, which have equal weights."""
        return self._pool._replace(weights=np.ones(n))

    def _kind(self, history: History) -> str:
        """The kind of data."""
        if history.typical_length < ROWS + HORIZONS * self.horizon:
            return SHORT
        values = history.values[history.observed]
        if np.all(values >= 0) and np.all(values == np.round(values)) and np.mean(values == 0) >= ZEROS:
            return COUNTS
        return SERIES

    def _members(self, kind: str, history: History) -> tuple[dict[str, BaseForecaster], dict[str, str]]:
        """The members for a kind of data by name, and by name why some are left out."""
        shared: dict[str, Any] = {"horizon": self.horizon, "season_lengths": self.season_lengths}
        members: dict[str, BaseForecaster] = {} if kind == COUNTS else {"ar": ARForecaster(**shared)}
        has_many = self.season_lengths is not None and len(history.season_lengths) > 1  # theta models have one
        of_theta = {"season_lengths": history.season_length} if has_many else {}
        members["theta"] = ThetaForecaster(**shared | of_theta)
        if kind == SHORT:
            season = history.season_length
            members["naive"] = (
                SeasonalNaiveForecaster(horizon=self.horizon, season_lengths=season)
                if 1 < season < history.n_rows.min()
                else NaiveForecaster(horizon=self.horizon)
            )
        reasons = {name: why for name, member in members.items() if (why := _why_not(member, history))}
        if kind == COUNTS:
            networks = {
                "gru": GRUForecaster(**shared, loss="mse", scaling="standard"),
                "lstm": LSTMForecaster(**shared, loss="mse", scaling="standard"),
            }
        else:
            networks = {
                "gru": GRUForecaster(**shared, loss="mae", scaling="last"),
                "gru_huber": GRUForecaster(**shared, loss="huber", scaling="last"),
                "gru_differences": GRUForecaster(**shared, loss="mse", scaling="standard", difference=1),
            }
        if kind == SHORT and len(reasons) < len(members):
            n, which = history.typical_length, "typical series" if history.is_panel else "series"
            least = f"{ROWS} + {HORIZONS} * horizon = {ROWS + HORIZONS * self.horizon}"
            why = f"the {which} has {n} rows, and networks are members from {least} rows on"
            reasons |= dict.fromkeys(networks, why)
        return members | networks, reasons


def _why_not(member: BaseForecaster, history: History) -> str | None:
    """Why a member cannot read a history, without the advice; None if it can."""
    try:
        member._check_history(history)
    except ValueError as error:
        return str(error).partition(";")[0]
    return None


def _compile(members: Sequence[tuple[str, BaseForecaster]]) -> float:
    """Compile what networks and theta models run before they are fitted one after the other; return the seconds."""
    networks = [member for _, member in members if isinstance(member, forecasters.RecurrentForecaster)]
    if not networks:
        return 0.0
    cell = networks[0].make_cell()
    losses = [as_loss(member.loss) for member in networks if member.make_cell().name == cell.name]
    thetas = any(isinstance(member, ThetaForecaster) for _, member in members)
    return compile_together(cell, list(dict.fromkeys(losses)), thetas=thetas)


def _with_distribution(parts: list[Part], levels: np.ndarray) -> list[Part]:
    """The members that know the distribution of their errors as far as these quantiles; all, if none does.

    Networks know it from the validation part, which is small where the series is short.
    """
    return [part for part in parts if probabilistic(part[1])._has_distribution(levels)] or parts
