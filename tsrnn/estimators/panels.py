"""Panels, many series in one object: how `fit` reads them, where their forecasts begin, and updates."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import frame
from ..checks import Anything, choice, shown, whole
from ..data.panel import Panel
from ..exceptions import LeakageWarning
from ..frame.panel_rows import show_id
from ..frame.panel_tables import check_times
from .history import History, Origin, canonical_order, columns_by_role, labelled_by, refuse_empty

if TYPE_CHECKING:
    from .base import BaseForecaster

GAPS, SHORT = ("error", "missing", "compress"), ("error", "skip")
#: A wide frame as a long one.
_LONG = "y.rename_axis(index='ds', columns='unique_id').unstack().rename('y').reset_index()"


@dataclass(frozen=True)
class Reading:
    """The arguments of `fit` that say how a target is read, and which columns are covariates."""

    id: Hashable | list[Hashable] = None
    time: Hashable = None
    target: Hashable = None
    freq: Anything = None
    gaps: str = "error"
    short: str = "error"
    future: Anything = None
    past: Anything = None
    static: Anything = None

    def __post_init__(self) -> None:
        choice("gaps", self.gaps, GAPS)
        choice("short", self.short, SHORT)

    @property
    def columns(self) -> dict[str, Any]:
        """The arguments for `frame.read_panel`."""
        return {name: getattr(self, name) for name in ("id", "time", "target", "freq", "gaps")}

    @property
    def roles(self) -> dict[str, list[Hashable]]:
        """Names of the columns with the roles "future" and "past"."""
        found = {role: self._names(role) for role in ("future", "past")}
        if both := [name for name in found["future"] if name in found["past"]]:
            raise ValueError(f"{both[0]!r} is both in future= and in past=; a column has one role")
        return found

    def _names(self, role: str) -> list[Hashable]:
        """Names of the columns with a role, "future" or "past"."""
        given = getattr(self, role)
        if given is None:
            return []
        if isinstance(given, str | bytes) or not isinstance(given, Sequence):
            raise TypeError(f"{role}={shown(given)} must be a list of names of columns")
        names: list[Hashable] = list(given)
        if repeated := [name for k, name in enumerate(names) if name in names[:k]]:
            raise ValueError(f"{role}={shown(given)} names {repeated[0]!r} more than once; name each column once")
        return names

    def refuse_for_one_series(self, y: Anything, *, by_column: bool, has_X: bool) -> None:
        """Refuse these arguments: they only mean something for a panel, or some for the columns of a wide frame."""
        accepted = ("static", "future", "past") if has_X else ("static",)
        for each in fields(self):
            given = getattr(self, each.name)
            if given is None or (isinstance(given, str) and given == each.default):
                continue
            if not by_column:
                raise ValueError(
                    f"{each.name}={shown(given)} is for panels, but y is one series or a wide frame; leave it out, or "
                    "name the column of ids of a long frame with id="
                )
            if each.name in ("future", "past") and not has_X:
                raise ValueError(
                    f"{each.name}={shown(given)} names columns of covariates, but all columns of the wide frame y are "
                    f"series; pass the covariates in a table of their own, fit(X, y, {each.name}={shown(given)})"
                )
            if each.name not in accepted:
                mend = f", {_LONG}" if hasattr(y, "rename_axis") else ""
                raise ValueError(
                    f"{each.name}={shown(given)} is for panels whose series have rows of their own, but y is a wide "
                    f"frame; leave it out, or pass a long frame{mend}"
                )


# ---------------------------------------------------------------- fit
def read_panel(
    X: Anything,
    y: Anything,
    reading: Reading,
    season_lengths: Anything,
    n_lost: Callable[[History], int],
    earlier: frame.Static | None = None,
) -> History:
    """Read the arguments of `fit` for a panel: alone, or covariates in a table of their own and the panel.

    ``n_lost(history)`` is the number of first rows of a series from which nothing is learned. Static covariates are
    coded as those of an `earlier` fit whose parameters this one goes on with.
    """
    future, past = reading.roles.values()
    if y is None:
        panel, covariates = frame.read_panel(X, **reading.columns, covariates=[*past, *future])
    else:
        panel, _ = frame.read_panel(y, **reading.columns)
        covariates, names = frame.read_panel_table(X, panel, fills=reading.gaps == "missing")
        future, chosen = columns_by_role(names, future, past)
        covariates = covariates[:, chosen]
    known, name = covariates[:, len(past) :], "y" if y is None else "X"
    _refuse_copy(known, future, panel, name)
    leak = frame.find_linear_copy_in_panel(np.where(np.isnan(known), 0.0, known), panel)
    if leak is not None:
        message = (
            f"{name}[{future[leak]!r}] is a linear function of the target at every step of each series; if it is a "
            "copy, leave it out: lagged values of the target come in by themselves"
        )
        warnings.warn(message, LeakageWarning, stacklevel=3)
    history = History.of(panel, covariates, future, season_lengths, past)
    history = replace(_without_short(history, reading.short, 2 + n_lost(history)), gaps=reading.gaps)
    return with_static(history, reading.static, earlier)


def with_static(history: History, static: Anything, earlier: frame.Static | None) -> History:
    """The history of a panel with static covariates, coded as those of an `earlier` fit if there was one."""
    if static is None:
        return history
    target = history.target
    assert isinstance(target, frame.PanelTarget)
    ids = target.ids.take(history.order)  # codes and means depend on the order, too
    coding = None if earlier is None else earlier.coding
    return replace(history, static=frame.read_static(static, ids, target.columns.id, known=coding))


def _refuse_copy(known: np.ndarray, names: Sequence[Hashable], panel: frame.PanelTarget, name: str) -> None:
    """Refuse a covariate of the steps ahead that equals the target wherever this was observed."""
    known, truth = known[panel.observed[:, 0]], panel.values[panel.observed]
    copies = (known == truth[:, None]).all(axis=0) & (np.ptp(known, axis=0) != 0)
    if copies.any():
        raise ValueError(
            f"{name}[{names[int(copies.argmax())]!r}] equals the target at every step, but a covariate must be known "
            "before the step that it helps to forecast; leave it out, since past values of the target come in by "
            "themselves"
        )


def _without_short(history: History, short: str, least: int) -> History:
    """The history without series of fewer than the `least` rows, which are an error unless they are to be skipped."""
    is_short = history.panel.n_rows < least
    if not is_short.any():
        return history
    if short == "error" or is_short.all():
        names = [history.channel(int(s)) for s in np.flatnonzero(is_short)]
        listed = ", ".join(names[:3]) + (f", ... ({len(names)} series)" if len(names) > 3 else "")
        raise ValueError(
            f"{listed} has fewer than {least} rows from its first observed value on, and nothing to learn from; pass "
            "longer series, or short='skip' to leave it out"
        )
    assert isinstance(history.target, frame.PanelTarget)
    kept, skipped = np.flatnonzero(~is_short), np.sort(history.order[is_short])
    return replace(
        history,
        panel=history.panel.take(kept),
        order=history.order[kept],
        skipped=tuple(history.target.ids[skipped]),
    )


# ---------------------------------------------------------------- forecasts
def panel_origin(
    forecaster: BaseForecaster, horizon: Anything, context: Anything, ids: Anything, static: Anything
) -> Origin:
    """Read the arguments of `predict` after a fit to a panel."""
    if context is not None and ids is not None:
        raise ValueError("ids chooses among the fitted series, and context brings others; pass one of the two")
    if ids is not None and _target(forecaster).wide is not None:
        raise ValueError(
            "forecasts of a wide frame have all of its columns; leave ids out, and choose columns of the result"
        )
    if static is not None and context is None:
        raise ValueError("static describes the series of context=, but there is none; leave it out")
    names, (of_past, completion) = forecaster.covariate_names_, forecaster._completions
    past = [] if context is None else forecaster.past_names_  # those of a wide context are in X
    wide_X = frame.read_table(horizon, "X") if (names or past) and _target(forecaster).wide is not None else None
    target, numbers, panel, series = (
        _chosen(forecaster, ids) if context is None else _given(forecaster, context, wide_X)
    )
    origin = Origin(target, panel, np.empty((len(panel), 0, 0)), series, None, np.empty(0, np.int64))
    if context is None:
        origin = origin._replace(static=static_of(forecaster, numbers))
    else:
        origin = origin._replace(static=_static_of_context(forecaster, static, target, numbers))
    if wide_X is not None:
        n_before = 0 if context is None else len(target.grid)
        steps, covariates = frame.read_future_covariates(wide_X, target.grid, n_before, [*past, *names])
        behind, known = np.split(covariates, [len(past)], axis=1)
        n = len(steps)
        if context is not None:
            rows = panel.positions + np.repeat(len(known) - n - panel.n_rows, panel.n_rows)
            filled = completion.complete(known[rows], panel.indptr), of_past.complete(behind[rows], panel.indptr)
            origin = origin._replace(panel=replace(panel, known=filled[0], past=filled[1]))
        places, wanted = target.end[numbers, None] + np.arange(n), np.arange(n)
        ahead = np.repeat(known[None, -n:], len(panel), axis=0)
    elif names:
        if horizon is None or isinstance(horizon, Integral):
            raise TypeError(
                f"horizon={shown(horizon)} is not enough after a fit with covariates; pass X with the rows of the "
                f"covariates {', '.join(map(repr, names))} for the steps to forecast: fill in the frame that "
                "tsrnn.make_future(forecaster, horizon) returns"
            )
        X = frame.read_table_rows(horizon, target, "X")
        target, places = frame.find_steps(X, target, numbers)
        wanted, ahead = np.arange(places.shape[1]), frame.align_future(X, target, places, names, series=numbers)
    else:
        target, places, wanted = _steps(forecaster, horizon, target, numbers)
        ahead = np.empty((len(panel), int(wanted.max()) + 1, 0))
    if names:
        refuse_empty(ahead, names, completion)
        ahead = completion.complete_ahead(ahead, origin.panel, origin.panel.known)
    return origin._replace(target=target, ahead=ahead, index=(numbers, places), wanted=wanted)


def _steps(
    forecaster: BaseForecaster, horizon: Anything, target: frame.PanelTarget, numbers: np.ndarray
) -> tuple[frame.PanelTarget, np.ndarray, np.ndarray]:
    """The steps to forecast without covariates: target, places (S, n_wanted), and numbers from 0 after each end."""
    if horizon is None or np.ndim(horizon) == 0:
        if target.is_guessed:
            raise ValueError(
                f"{target.name} has gaps that gaps='compress' leaves out, so its times do not tell which steps follow; "
                "pass their labels, such as predict(pd.DatetimeIndex([...])), or fit with a calendar as freq=, such as "
                "freq='B' or freq=pd.offsets.CustomBusinessDay(weekmask='Mon Tue Wed Thu Fri Sat')"
            )
        wanted = np.arange(whole("horizon", forecaster.horizon if horizon is None else horizon))
    elif np.ndim(horizon) == 1 and target.wide is not None:
        labels = frame.read_table(horizon, "horizon").data
        wanted = frame.steps_ahead(target.grid, labels, name="horizon") - 1
    elif np.ndim(horizon) == 1 and target.places is not None:
        labels = frame.read_table(horizon, "horizon").data
        target, places = frame.label_steps(labels, target, numbers)
        return target, places, np.arange(places.shape[1])
    else:
        takes_labels = target.wide is not None or target.places is not None
        raise TypeError(
            f"horizon has type {type(horizon).__name__}, but after a fit to a panel without covariates it is a number "
            f"of steps{', or labels of the steps, one after the other' if takes_labels else ''}"
        )
    return target, target.end[numbers, None] + wanted, wanted


def _fitted_static(forecaster: BaseForecaster, static: Anything) -> frame.Static | None:
    """Static covariates of the fit; `static` is refused where it had none."""
    if forecaster.static_ is None and static is not None:
        raise ValueError("static describes series by covariates that the fit did not have; leave it out")
    return forecaster.static_


def _static_of_context(
    forecaster: BaseForecaster, static: Anything, target: frame.PanelTarget, numbers: np.ndarray
) -> frame.Static | None:
    """Static covariates of the series of `context`, or None for those of the fit."""
    fitted = _fitted_static(forecaster, static)
    if fitted is None:
        return None
    if static is None:
        if target.wide is not None:  # the columns are those of the fit
            return None
        raise ValueError(
            f"the fit had the static covariates {', '.join(map(repr, fitted.coding.names))}; pass those of the series "
            "of context= as static="
        )
    return frame.read_static(static, target.ids, target.columns.id, known=fitted.coding).take(numbers)


def _target(forecaster: BaseForecaster) -> frame.PanelTarget:
    """The target of a fit to a panel."""
    assert isinstance(forecaster.target_, frame.PanelTarget)
    return forecaster.target_


def _chosen(forecaster: BaseForecaster, ids: Anything) -> tuple[frame.PanelTarget, np.ndarray, Panel, np.ndarray]:
    """Target, numbers, rows and places in the fit, -1 for a later one, of the series with these ids."""
    target, panel = _target(forecaster), forecaster.panel_
    place, numbers = places(forecaster, target), frame.select_series(ids, target)
    if ids is None:
        numbers = numbers[place[numbers] >= 0]
    at = place[numbers]
    if (at < 0).any():
        skipped = target.series_name(int(numbers[int(np.argmin(at))]))
        raise ValueError(
            f"{skipped} was skipped in the fit, because it is too short; leave it out, or pass its rows as context= of "
            "predict"
        )
    panel = panel if np.array_equal(at, np.arange(len(panel))) else panel.take(at)
    return target, numbers, panel, np.where(at < forecaster._n_series, at, -1)


def static_of(forecaster: BaseForecaster, numbers: np.ndarray) -> frame.Static | None:
    """Static covariates of series with these numbers, where some of them came by updates; None if none did."""
    fitted = forecaster.static_
    if fitted is None:
        return None
    place = places(forecaster, _target(forecaster))[numbers]
    if not (place >= forecaster._n_series).any():
        return None
    return fitted.joined(forecaster._new_static).take(place)


def places(forecaster: BaseForecaster, target: frame.PanelTarget) -> np.ndarray:
    """Place of each series of the fitted target, or of a longer one, among those of ``panel_``; -1 without one."""
    place = np.full(len(target), -1, np.int64)
    place[forecaster._order] = np.arange(len(forecaster._order))
    return place


def _given(
    forecaster: BaseForecaster, context: Anything, wide_X: frame.Table | None
) -> tuple[frame.PanelTarget, np.ndarray, Panel, np.ndarray]:
    """Target, numbers, rows and places in the fit, -1 for a new one, of the series that `context` holds.

    The covariates of a wide frame, `wide_X`, may have labels where it has none.
    """
    fitted, names, past = _target(forecaster), forecaster.covariate_names_, forecaster.past_names_
    if fitted.wide is not None:
        wide = frame.read_target(context, name="context", freq=fitted.step)
        forecaster._check_kind(wide, "context")
        if wide_X is not None:
            wide = labelled_by(wide_X, wide, fitted.step)
        forecaster._check_grid(wide)
        target = replace(frame.panel_of_columns(wide), ids=fitted.ids)  # arrays have no names
        known = np.zeros((wide.values.size, len(past) + len(names)))  # X brings them
    else:
        target, known = frame.read_panel(
            context, **_reading(forecaster, context), name="context", covariates=[*past, *names]
        )
        check_times(target.grid, fitted, "context")
    history = History.of(target, known, names, [], past, forecaster._completions)
    numbers, panel = history.order, history.panel
    place = np.append(places(forecaster, fitted), -1)  # the last one is for series without number
    at = place[frame.number_series(target, fitted)[numbers]]
    series = np.where(at < forecaster._n_series, at, -1)
    forecaster._check_new_series([history.channel(s) for s in np.flatnonzero(series < 0).tolist()])
    forecaster._check_context(history)
    back = np.argsort(numbers)  # in the order of the ids of `context`
    return target, numbers[back], panel.take(back), series[back]


def _reading(forecaster: BaseForecaster, y: Anything) -> dict[str, Any]:
    """The arguments for `frame.read_panel` by which the fit read its panel, as far as `y` has the same form."""
    fitted = _target(forecaster)
    columns = {name: label for name, label in fitted.columns._asdict().items() if label is not None}
    if fitted.columns.id is not None:
        columns["id"] = fitted.id
    if not frame.is_long_table(y):
        levels = getattr(getattr(y, "index", None), "names", [])
        if any(label not in levels for label in fitted.id_names):
            columns.pop("id", None)
        columns = {
            name: label for name, label in columns.items() if name == "id" or (name == "time" and label in levels)
        }
    return columns | {"freq": fitted.step, "gaps": forecaster._gaps}


# ---------------------------------------------------------------- updates
class NewRows(NamedTuple):
    """Names of new rows and of their covariates in error messages, and the call that they come from.

    Rows that `only_known` series may have are not of others.
    """

    y: str
    X: str
    call: str
    only_known: bool = False


#: The names of the arguments of `update`.
UPDATE = NewRows("y_new", "X_new", "update(y_new, X_new)")


def read_new_rows(
    forecaster: BaseForecaster, y: Anything, X: Anything, given: NewRows
) -> tuple[frame.PanelTarget, frame.PanelTarget, np.ndarray, Panel]:
    """Read rows that follow a panel: the panel after them, the new rows, their series and values in its order.

    Covariates may have gaps; see `completed`.
    """
    fitted, names, past = _target(forecaster), forecaster.covariate_names_, forecaster.past_names_
    name, X_name = given.y, given.X
    if X is not None and not (past or names):
        raise ValueError(f"the fit of this {type(forecaster).__name__} had no covariates; leave {X_name} out")
    if fitted.wide is not None:
        wide, covariates = forecaster._read_new(y, X, given)
        grid = frame.future_index(fitted.grid, len(wide.values))
        new = replace(frame.panel_of_columns(replace(wide, index=grid)), ids=fitted.ids)  # arrays have no names
        known = np.tile(covariates, (len(fitted), 1))
    else:
        asked = [] if X is not None else [*past, *names]
        new, known = frame.read_panel(y, **_reading(forecaster, y), name=name, covariates=asked, allow_missing=True)
    fitted, new, known = frame.follow(fitted, new, known, fills=forecaster._gaps == "missing")
    if fitted.wide is None and X is not None:
        known, _ = frame.read_panel_table(X, new, [*past, *names], name=X_name, fills=forecaster._gaps == "missing")
    later, series = frame.append_rows(fitted, new)
    of_past, of_known = np.split(known, [len(past)], axis=1)
    return later, new, series, Panel(new.values, new.observed, of_known, new.indptr, past=of_past)


def completed(forecaster: BaseForecaster, series: np.ndarray, new: Panel) -> Panel:
    """New rows of these `series` of a panel, without gaps in their covariates."""
    fitted, before = _target(forecaster), forecaster.panel_
    place = places(forecaster, fitted)
    is_old = (series < len(fitted)) & (place[np.minimum(series, len(fitted) - 1)] >= 0)
    found = []
    for completion, rows, own in zip(
        forecaster._completions, (new.past, new.known), (before.past, before.known), strict=True
    ):
        last = np.full((len(series), rows.shape[1]), np.nan)
        last[is_old] = own[before.indptr[1:][place[series[is_old]]] - 1, : rows.shape[1]]
        found.append(completion.complete(rows, new.indptr, last))
    return replace(new, past=found[0], known=found[1])


def update_panel(
    forecaster: BaseForecaster, y_new: Anything, X_new: Anything, given: NewRows, static: Anything = None
) -> tuple[frame.PanelTarget, dict[str, Any]]:
    """New rows of some series, and of new ones, and the fitted attributes that they change."""
    later, rows_read, series, new = read_new_rows(forecaster, y_new, X_new, given)
    return rows_read, join_rows(forecaster, later, series, new, given, static)


def join_rows(
    forecaster: BaseForecaster, later: frame.PanelTarget, series: np.ndarray, new: Panel, given: NewRows,
    static: Anything = None,
) -> dict[str, Any]:  # fmt: skip
    """The fitted attributes after new rows of these `series` of the panel `later`, as `read_new_rows` reads them."""
    new = completed(forecaster, series, new)
    before, n_before = forecaster.panel_, len(forecaster._order)
    place, n_known = places(forecaster, later), len(_target(forecaster))
    skipped = [s for s in series[series < n_known] if place[s] < 0]
    if skipped:
        name = later.series_name(int(skipped[0]))
        mend = "leave them out" if given.only_known else "fit again with all of its rows"
        raise ValueError(f"{given.y} has rows of {name}, which was skipped in the fit; {mend}")
    added = np.arange(n_known, len(later))
    if len(added) and given.only_known:
        new_id = show_id(later.ids, n_known)
        raise ValueError(f"{given.y} has rows of series {new_id}, but the target of fit has none; leave them out")
    forecaster._check_new_series([later.series_name(s) for s in added.tolist()])
    added = added[canonical_order(later.ids[n_known:])]
    new_static = _with_static_of(forecaster, later, added, given, static)
    place[added] = n_before + np.arange(len(added))
    order = np.concatenate([forecaster._order, added])
    joined, _ = before.followed_by(new, place[series], len(order))
    has_value = joined.last_observed[:, 0] >= 0
    if not has_value.all():
        name = later.series_name(int(order[int(np.argmin(has_value))]))
        raise ValueError(f"{name} is new in y_new, but has no observed value there; leave it out")
    joined = joined.part(joined.first_observed[:, 0])  # a new series may begin with missing values
    found = {"target_": later, "index_": later.grid, "panel_": joined.filled(), "_order": order}
    return found | {"_new_static": new_static}


def _with_static_of(
    forecaster: BaseForecaster, later: frame.PanelTarget, added: np.ndarray, given: NewRows, static: Anything
) -> frame.Static | None:
    """Static covariates of all series that came by updates, at last of those with the numbers `added`."""
    fitted = _fitted_static(forecaster, static)
    if fitted is None:
        return None
    if static is None and not len(added):
        return forecaster._new_static
    if static is None:
        raise ValueError(
            f"{later.series_name(int(added[0]))} is new in {given.y}, but the fit had static covariates, which it "
            "lacks; pass its row as static=, or leave it out"
        )
    read = frame.read_static(static, later.ids.take(added), later.columns.id, known=fitted.coding)
    return forecaster._new_static.joined(read)


def panel_truth_and_forecast(
    forecaster: BaseForecaster, X: Anything, y: Anything, forecast: Callable[[Origin], np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """New observations, NaN where missing, and their forecasts, (N, 1) both; indptr and number of their series."""
    data, covariates, name = (X, None, "X") if y is None else (y, X, "y")
    _, new, numbers, panel = read_new_rows(forecaster, data, covariates, NewRows(name, "X", "score(X, y)"))
    fitted = _target(forecaster)
    if (numbers >= len(fitted)).any():
        s = int(np.argmax(numbers >= len(fitted)))
        raise ValueError(f"{new.series_name(s)} was not in the fit, so that nothing forecasts it; leave it out")
    if not new.observed.any():
        raise ValueError(f"{name} has no observed value to score the forecast by; pass some that was observed")
    target, chosen, before, series = _chosen(forecaster, list(fitted.ids[numbers]))
    n = int(new.n_rows.max())
    rows = np.minimum(panel.indptr[:-1, None] + np.arange(n), panel.indptr[1:, None] - 1)
    index, ahead = (chosen, target.end[chosen, None] + np.arange(n)), completed(forecaster, numbers, panel).known[rows]
    static = static_of(forecaster, chosen)
    forecasts = forecast(Origin(target, before, ahead, series, index, np.arange(n), static))
    is_asked = np.arange(n) < new.n_rows[:, None]
    return np.where(new.observed, new.values, np.nan), forecasts[is_asked], new.indptr, numbers


def panel_scaled_error(forecaster: BaseForecaster, measure: Callable[..., float], X: Anything, y: Anything) -> float:
    """Mean over the series of `frame.mase` or `frame.rmsse` of the forecasts of new observations."""
    truth, forecast, indptr, numbers = panel_truth_and_forecast(forecaster, X, y, forecaster._continue)
    train, panel, errors = _target(forecaster), forecaster.panel_, []
    of_fit = np.where(train.observed, train.values, np.nan)
    so_far = np.where(panel.observed, panel.values, np.nan)
    place = places(forecaster, train)
    for (first, last), s in zip(pairwise(indptr), numbers, strict=True):
        if np.isfinite(truth[first:last]).any():
            own, k = of_fit[train.indptr[s] : train.indptr[s + 1]], place[s]
            if k >= forecaster._n_series:  # it came by updates: all of its rows so far
                own = so_far[panel.indptr[k] : panel.indptr[k + 1]]
            pair = truth[first:last], forecast[first:last]
            errors.append(measure(*pair, own, forecaster.season_length_, constant="unscaled"))
    return float(np.mean(errors))
