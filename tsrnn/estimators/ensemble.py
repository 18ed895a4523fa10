"""An ensemble: several forecasters of the same series, whose forecasts are combined."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import KW_ONLY, dataclass
from typing import Any
from zlib import crc32

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils.validation import check_is_fitted

from ..checks import Anything, choice, number, processes, shown, whole
from ..forecasting.pooling import COMBINATIONS, Pool
from .base import Attributes, BaseForecaster
from .history import History, Origin
from .members import (
    SHARED,
    Member,
    checked_pairs,
    fit_member,
    named,
    pairs_of,
    probabilistic,
    report_failures,
)
from .panels import NewRows
from .probabilistic import ProbabilisticForecaster
from .recurrent import generator

#: What ``error=`` accepts.
ERRORS = ("raise", "keep")


class _Fitted(MetaEstimatorMixin, ProbabilisticForecaster):
    """Types of the fitted attributes, which are no arguments of the constructor."""

    members_: list[Member]
    _pool: Pool

    _overflow_advice = "fit to the series divided by a constant"


@dataclass(eq=False, repr=False)
class EnsembleForecaster(_Fitted):
    """Several forecasters of this package, fitted to the same series, whose forecasts are combined.

    Points are the mean or the median of the members' points, and a quantile is the mean or the median of the members'
    quantiles at its level. So intervals lie about the points, and members that disagree do not make them wider: of two
    normal distributions with the same variance, the mean of the quantiles has this variance too, while their mixture is
    wider by the distance of their means (Lichtendahl et al. 2013). `sample` and `predict_total` need the dependence
    between steps, which only the paths of the members have: they draw from the mixture, to which each member gives
    paths in proportion to its weight.

    Parameters
    ----------
    members : list of forecasters, list of (name, forecaster), or dict of forecasters by name
        Copies of these are fitted. They have the same `horizon`. Without a name, a member has that of its class, with a
        number if there are several of one class. ``set_params(name__argument=...)`` reaches the argument of a member.
    weights : list of float or None, default None
        A number from 0 on for each member, for ``combine="mean"``; None weights all equally. A member of weight 0 is
        fitted, but has no part in the forecasts.
    combine : {"mean", "median"}, default "mean"
        How the forecasts of a step are combined. The median of quantiles is in essence that of distribution functions
        (Hora et al. 2013).
    error : {"raise", "keep"}, default "raise"
        What happens if a member cannot be fitted, as when the series is too short for it: an error; or the others
        forecast without it, a `tsrnn.exceptions.MemberWarning` names it, and ``members_`` has the reason.
    lower : float or None, default None
        Smallest value of all forecasts, such as 0 for counts, in the place of smaller ones; None leaves them.
    n_jobs : int or None, default None
        Number of processes that fit the members, -1 for one on each processor; None is 1, unless
        `joblib.parallel_config` sets another number. The fit is the same, bit for bit, for every number.
    random_state : int, RandomState or None, default None
        Seed from which each member whose `random_state` is None gets one of its own, by its name; None leaves these as
        they are.

    Attributes
    ----------
    members_ : list of Member
        Name, fitted forecaster, weight, seconds of the fit and, where it failed, the reason, of each member;
        ``pandas.DataFrame(members_)`` makes a table of them.
    named_members_ : dict
        The fitted forecasters by name.

    References
    ----------
    Lichtendahl, Grushka-Cockayne & Winkler (2013), Is it better to average probabilities or quantiles?, Management
    Science 59(7), 1594-1611, doi:10.1287/mnsc.1120.1667; Hora, Fransen, Hawkins & Susel (2013), Median aggregation of
    distribution functions, Decision Analysis 10(4), 279-291, doi:10.1287/deca.2013.0282.

    Examples
    --------
    >>> from tsrnn import DriftForecaster, EnsembleForecaster, NaiveForecaster
    >>> ensemble = EnsembleForecaster([NaiveForecaster(), DriftForecaster()]).fit([1.0, 4.0, 5.0])
    >>> ensemble.predict(2)
    array([6., 7.])
    """

    members: Anything
    _: KW_ONLY
    weights: Anything = None
    combine: str = "mean"
    error: str = "raise"
    lower: float | None = None
    n_jobs: int | None = None
    random_state: Anything = None

    @property
    def horizon(self) -> int:  # type: ignore[override]
        """Number of steps of ``predict()``, that of the members."""
        horizons = {name: whole(f"horizon of member {name!r}", each.horizon) for name, each in self._checked_members()}
        if len(set(horizons.values())) > 1:
            raise ValueError(
                f"members have different horizons, {horizons}; give all the same, such as horizon="
                f"{max(horizons.values())}"
            )
        return next(iter(horizons.values()))

    @property
    def season_lengths(self) -> Anything:
        """The argument of the first member that names some seasons; `score` scales by the shortest of them."""
        seasons = (member.season_lengths for _, member in self._checked_members())
        return next((given for given in seasons if given is not None), None)

    @property
    def named_members_(self) -> dict[str, BaseForecaster]:
        """The fitted forecasters by name."""
        return {each.name: each.forecaster for each in self.members_ if each.forecaster is not None}

    def update(self, y_new: Anything, X_new: Anything = None) -> EnsembleForecaster:
        """Append new observations to all members without fitting again: later forecasts start after them.

        Parameters
        ----------
        y_new : Series, DataFrame or array-like, or a panel
            The rows that follow the series so far, of the same kind; NaN where missing.
        X_new : Series, DataFrame or array-like
            Their covariates, after a fit with covariates.

        Returns
        -------
        self
        """
        check_is_fitted(self)
        changed = self._after(y_new, X_new, NewRows("y_new", "X_new", "update(y_new, X_new)"))[1]
        later = []
        for each in self.members_:
            forecaster = copy(each.forecaster)
            if forecaster is not None:
                with named(each.name):
                    forecaster.update(y_new, X_new)
                forecaster.__dict__.update(changed)  # one panel for all
            later.append(each._replace(forecaster=forecaster))
        self.__dict__.update(changed, members_=later)  # all at once: an update that fails changes nothing
        return self

    # ------------------------------------------------------------ parameters of the members
    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Arguments of the constructor; with `deep` also the members by name, and theirs as ``name__argument``.

        Parameters
        ----------
        deep : bool, default True

        Returns
        -------
        dict
        """
        nested: dict[str, Any] = {}
        for name, member in pairs_of(self.members) if deep else ():
            if isinstance(name, str) and isinstance(member, BaseForecaster):
                nested[name] = member
                nested |= {f"{name}__{argument}": value for argument, value in member.get_params().items()}
        return nested | super().get_params(deep=False)

    def set_params(self, **params: Any) -> EnsembleForecaster:
        """Set arguments of the constructor, members by name, or arguments of members as ``name__argument``.

        Parameters
        ----------
        **params : dict

        Returns
        -------
        self
        """
        if "members" in params:
            self.members = params.pop("members")
        own, pairs = self.get_params(deep=False), pairs_of(self.members)
        if any(name in params and name not in own for name, _ in pairs if isinstance(name, str)):
            later = [(name, member if name in own else params.pop(name, member)) for name, member in pairs]
            self.members = dict(later) if isinstance(self.members, Mapping) else later
        super().set_params(**params)
        return self

    def _sk_visual_block_(self) -> Any:
        """The members beside each other, for the HTML representation."""
        from sklearn.ensemble import VotingRegressor  # has such a block; not imported before it is shown

        return VotingRegressor(self._checked_members())._sk_visual_block_()

    def _checked_members(self) -> list[tuple[str, BaseForecaster]]:
        return checked_pairs(self.members, super().get_params(deep=False))

    def _checked_weights(self, n_members: int) -> list[float]:
        """The weight of each member."""
        if self.weights is None:
            return [1.0] * n_members
        if self.combine == "median":
            raise ValueError(f"weights={shown(self.weights)} are for combine='mean'; leave them out for the median")
        if isinstance(self.weights, str | bytes) or np.ndim(self.weights) != 1:
            raise TypeError(f"weights={shown(self.weights)} must be a list of numbers, one for each member, or None")
        weights = [number(f"weights[{k}]", weight, 0.0) for k, weight in enumerate(self.weights)]
        if len(weights) != n_members:
            raise ValueError(
                f"weights={shown(self.weights)} has {len(weights)} numbers for {n_members} members; pass one for each"
            )
        if not any(weights):
            raise ValueError(f"weights={shown(self.weights)} are all 0; at least one must be larger")
        return weights

    # ------------------------------------------------------------ fit
    def _seasons_to_read(self) -> Anything:
        """Those of the index: each member reads its own, which may be too long for the series."""
        return None

    def _reads_by_column(self, y: Anything) -> bool | None:
        ways = {name: member._reads_by_column(y) for name, member in self._checked_members()}
        by_column = [name for name, way in ways.items() if way]
        together = [name for name, way in ways.items() if way is False]
        if by_column and together:
            raise ValueError(
                f"member {by_column[0]!r} reads each column of a wide frame as a series of its own, but member "
                f"{together[0]!r} reads all together; use multivariate='joint' in all members, or pass the columns as "
                "a panel"
            )
        return True if by_column else False if together else None

    def _n_lost(self, history: History) -> int:
        """That of the member that loses most; with ``error="keep"`` least, since that one can be fitted."""
        lost = []
        for _, member in self._checked_members():
            try:
                lost.append(member._n_lost(history.with_season_lengths(member._seasons_to_read())))
            except (TypeError, ValueError):
                continue  # an argument of the member is wrong, which its fit will report
        choose = min if self.error == "keep" else max
        return choose(lost, default=0)

    def _check_history(self, history: History) -> None:
        """Each member checks it in its own fit."""

    def _fit_to(self, history: History, *, is_named: bool) -> BaseForecaster:
        super()._fit_to(history, is_named=is_named)
        fitted = list(self.named_members_.values())
        for forecaster in fitted:
            forecaster.__dict__.update({name: getattr(self, name) for name in SHARED})
        if (first := next((f for f in fitted if f.season_lengths is not None), None)) is not None:
            self.season_lengths_, self.season_length_ = first.season_lengths_, first.season_length_
        return self

    def _fit(self, history: History) -> Attributes:
        whole("horizon", self.horizon)
        combine, is_kept = choice("combine", self.combine, COMBINATIONS), choice("error", self.error, ERRORS) == "keep"
        members, n_jobs = self._seeded_members(), processes("n_jobs", self.n_jobs)
        weights = self._checked_weights(len(members))
        lower = None if self.lower is None else number("lower", self.lower, -np.inf, open_low=True)
        fits = [
            delayed(fit_member)(name, member, weight, history, is_kept=is_kept)
            for (name, member), weight in zip(members, weights, strict=True)
        ]
        results: list[Member] = Parallel(n_jobs=n_jobs)(fits)
        report_failures(results)
        taking_part = np.array([each.weight for each in results if each.weight > 0])
        return {"members_": results, "_pool": Pool(combine, taking_part, lower)}

    def _seeded_members(self) -> list[tuple[str, BaseForecaster]]:
        """Copies of the members, with seeds where they have none and the ensemble has one."""
        rng = generator("random_state", self.random_state)
        members = [(name, clone(member)) for name, member in self._checked_members()]
        if self.random_state is None:
            return members
        seed = rng.randint(2**31)
        for name, member in members:  # the seed of a member does not depend on the others
            own, arguments = np.random.RandomState([seed, crc32(name.encode())]), member.get_params()
            unset = [key for key in sorted(arguments) if key.split("__")[-1] == "random_state"]
            member.set_params(**{key: own.randint(2**31) for key in unset if arguments[key] is None})
        return members

    # ------------------------------------------------------------ forecasts
    def _taking_part(self) -> list[tuple[str, BaseForecaster]]:
        """Names and members that have a weight."""
        weights = {each.name: each.weight for each in self.members_}
        return [(name, forecaster) for name, forecaster in self.named_members_.items() if weights[name] > 0]

    def _origin(self, horizon: Anything, context: Anything, ids: Anything = None, static: Anything = None) -> Origin:
        origin = super()._origin(horizon, context, ids, static)
        if context is None:
            return origin
        own = []
        for name, member in self._taking_part():
            with named(name):
                own.append(member._origin(horizon, context, ids, static))
        return origin._replace(of_members=tuple(own))

    def _parts(self, origin: Origin) -> Iterator[tuple[str, BaseForecaster, Origin]]:
        """Name of each member with a weight, the member, and its origin."""
        members = self._taking_part()
        origins = origin.of_members or [origin] * len(members)
        return ((name, member, own) for (name, member), own in zip(members, origins, strict=True))

    def _forecast(self, origin: Origin) -> np.ndarray:
        return self._combined(origin, lambda member, own: member._continue(own))

    def _quantiles(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        return self._combined(origin, lambda member, own: probabilistic(member)._finite_quantiles(own, levels))

    def _sample(self, origin: Origin, n_paths: int, rngs: Sequence[np.random.RandomState]) -> np.ndarray:
        """Paths of all members in turn, all drawn from the same generators."""
        paths = []
        for (name, member, own), n in zip(self._parts(origin), self._pool.n_paths(n_paths).tolist(), strict=True):
            if n:
                with named(name):
                    paths.append(member._finite(probabilistic(member)._sample(own, n, rngs), own))
        return self._pool.clipped(np.concatenate(paths, axis=-1))

    def _combined(self, origin: Origin, forecast: Callable[[BaseForecaster, Origin], np.ndarray]) -> np.ndarray:
        values = []
        for name, member, own in self._parts(origin):
            with named(name):
                values.append(forecast(member, own))
        return self._pool.combined(np.stack(values))

    def _min_context(self) -> int:
        return max(member._min_context() for _, member in self._taking_part())
