"""An ensemble: several forecasters of the same series, whose forecasts are combined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from ..checks import Anything, choice, number, shown, whole
from ..forecasting.pooling import COMBINATIONS
from .base import Attributes, BaseForecaster
from .combination import Combination
from .history import History
from .members import checked_pairs, pairs_of

#: What ``error=`` accepts.
ERRORS = ("raise", "keep")


@dataclass(eq=False, repr=False)
class EnsembleForecaster(Combination):
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
        Name, arguments, fitted forecaster, weight, seconds of the fit and, where it failed, the reason, of each member;
        ``pandas.DataFrame(members_)`` makes a table of them, and so do ``str(ensemble)`` and notebooks.
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

    def _fit(self, history: History) -> Attributes:
        whole("horizon", self.horizon)
        combine, is_kept = choice("combine", self.combine, COMBINATIONS), choice("error", self.error, ERRORS) == "keep"
        pairs = self._checked_members()
        return self._fit_members(history, pairs, self._checked_weights(len(pairs)), combine, is_kept=is_kept)
