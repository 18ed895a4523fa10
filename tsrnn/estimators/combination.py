"""What forecasters of several members share: fits of copies, updates, and combined forecasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Any
from zlib import crc32

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import MetaEstimatorMixin, clone

from ..checks import Anything, number, processes
from ..forecasting.pooling import Pool
from .base import Attributes, BaseForecaster
from .history import History, Origin
from .members import SHARED, Member, fit_member, html_table, named, probabilistic, report_failures, text_table
from .probabilistic import ProbabilisticForecaster
from .recurrent import generator

#: Name of a member, the member, and the origin of its forecast.
Part = tuple[str, BaseForecaster, Origin]


class Combination(MetaEstimatorMixin, ProbabilisticForecaster):
    """Several fitted forecasters of the same series, whose forecasts are combined; a subclass chooses the members."""

    lower: float | None
    n_jobs: int | None
    random_state: Anything
    members_: list[Member]
    _pool: Pool

    _overflow_advice = "fit to the series divided by a constant"

    @property
    def named_members_(self) -> dict[str, BaseForecaster]:
        """The fitted forecasters by name."""
        return {each.name: each.forecaster for each in self.members_ if each.forecaster is not None}

    # ------------------------------------------------------------ representations
    def __str__(self) -> str:
        """The call that makes it and, after a fit, a table of its members; `repr` has the call alone."""
        return f"{self!r}\n{text_table(self.members_)}" if "members_" in vars(self) else repr(self)

    def _repr_html_inner(self) -> str:
        """scikit-learn's diagram and, after a fit, a table of the members."""
        diagram: str = super()._repr_html_inner()
        return diagram + html_table(self.members_) if "members_" in vars(self) else diagram

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        """Both representations for notebooks, as far as scikit-learn's configuration shows them."""
        bundle: dict[str, str] = super()._repr_mimebundle_(**kwargs) | {"text/plain": str(self)}
        return bundle | {"text/html": self._repr_html_inner()} if "text/html" in bundle else bundle

    # ------------------------------------------------------------ update
    def _updated(self, y_new: Anything, X_new: Anything, static: Anything) -> Attributes:
        changed = super()._updated(y_new, X_new, static)
        later = []
        for each in self.members_:
            forecaster = copy(each.forecaster)
            if forecaster is not None:
                with named(each.name):
                    self._update_member(each.name, forecaster, y_new, X_new, static)
                forecaster._set_rows(changed)  # one panel for all
            later.append(each._replace(forecaster=forecaster))
        return changed | {"members_": later}

    def _update_member(
        self, name: str, member: BaseForecaster, y_new: Anything, X_new: Anything, static: Anything
    ) -> None:
        """Update a copy of a member."""
        member.update(y_new, X_new, static=static)

    def _set_rows(self, changed: Attributes) -> None:
        super()._set_rows(changed)
        self.members_ = [each._replace(forecaster=copy(each.forecaster)) for each in self.members_]
        for member in self.named_members_.values():
            member._set_rows(changed)

    # ------------------------------------------------------------ fit
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

    def _fit_members(
        self, history: History, pairs: Sequence[tuple[str, BaseForecaster]], weights: Sequence[float], combine: str,
        *, is_kept: bool, ignored: tuple[type, ...] = (),
    ) -> Attributes:  # fmt: skip
        """Fit copies of members with these names and weights; with `is_kept` without those that fail."""
        members, n_jobs = self._seeded(pairs), processes("n_jobs", self.n_jobs)
        lower = None if self.lower is None else number("lower", self.lower, -np.inf, open_low=True)
        fits = [
            delayed(fit_member)(name, member, weight, history, is_kept=is_kept, ignored=ignored)
            for (name, member), weight in zip(members, weights, strict=True)
        ]
        results: list[Member] = Parallel(n_jobs=n_jobs)(fits)
        report_failures(results)
        taking_part = np.array([each.weight for each in results if each.weight > 0])
        return {"members_": results, "_pool": Pool(combine, taking_part, lower)}

    def _seeded(self, pairs: Sequence[tuple[str, BaseForecaster]]) -> list[tuple[str, BaseForecaster]]:
        """Copies of the members, with seeds where they have none and the combination has one."""
        rng = generator("random_state", self.random_state)
        members = [(name, clone(member)) for name, member in pairs]
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

    def _parts(self, origin: Origin) -> Iterator[Part]:
        """Name of each member with a weight, the member, and its origin."""
        members = self._taking_part()
        origins = origin.of_members or [origin] * len(members)
        return ((name, member, own) for (name, member), own in zip(members, origins, strict=True))

    def _forecast(self, origin: Origin) -> np.ndarray:
        return self._combined(origin, lambda member, own: member._continue(own))

    def _quantiles(self, origin: Origin, levels: np.ndarray) -> np.ndarray:
        return self._combined(origin, lambda member, own: probabilistic(member)._finite_quantiles(own, levels))

    def _sample(
        self, origin: Origin, n_paths: int, rngs: Sequence[np.random.RandomState], coverage: float = 0.0
    ) -> np.ndarray:
        return self._paths(list(self._parts(origin)), self._pool, n_paths, rngs, coverage)

    @staticmethod
    def _paths(
        parts: Sequence[Part], pool: Pool, n_paths: int, rngs: Sequence[np.random.RandomState], coverage: float
    ) -> np.ndarray:
        """Paths of members in turn, all drawn from the same generators."""
        paths = []
        for (name, member, own), n in zip(parts, pool.n_paths(n_paths).tolist(), strict=True):
            if n:
                with named(name):
                    paths.append(member._finite(probabilistic(member)._sample(own, n, rngs, coverage), own))
        return pool.clipped(np.concatenate(paths, axis=-1))

    def _combined(self, origin: Origin, forecast: Callable[[BaseForecaster, Origin], np.ndarray]) -> np.ndarray:
        values = []
        for name, member, own in self._parts(origin):
            with named(name):
                values.append(forecast(member, own))
        return self._pool_of(len(values)).combined(np.stack(values))

    def _pool_of(self, n: int) -> Pool:
        """The pool of the n members that take part in a forecast: all that have a weight."""
        return self._pool

    def _min_context(self) -> int:
        return max(member._min_context() for _, member in self._taking_part())

    def _n_read(self) -> float | None:
        reads = [member._n_read() for _, member in self._taking_part()]
        known = [n for n in reads if n is not None]
        return max(known) if len(known) == len(reads) else None
