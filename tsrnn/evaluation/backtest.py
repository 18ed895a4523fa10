"""Backtests: fit models at several cutoffs, and forecast the steps after each as if the rest were not known."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone
from tqdm import tqdm

from ..checks import Anything, choice, flag, fractions, shown, whole
from ..exceptions import BacktestWarning
from ..messages import format_label
from .backtest_data import Cells, Data, read_data
from .forecasts import find_models


def backtest(
    models: Anything,
    y: Anything,
    X: Anything = None,
    *,
    horizon: int,
    n_windows: int,
    step: int | None = None,
    gap: int = 0,
    window: Literal["expanding"] | int = "expanding",
    refit: bool | int = True,
    coverage: float | Sequence[float] | None = None,
    fit_options: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
    error: Literal["raise", "keep"] = "raise",
    verbose: bool | int = False,
) -> Any:
    """Return the forecasts of models from several cutoffs, beside the true values, as a long frame.

    A cutoff is the last row that a model learns from and forecasts from. The last one lies `gap` + `horizon` steps
    before the end of the data, the others `step` apart before it. Models are used through `fit`, `predict`, `update`,
    `predict_interval` and `predict_origins` only; they are cloned, and the ones that are passed stay as they are.

    Of a panel the cutoffs are the same for all series, so no series is forecast with rows of others that are later. A
    series that begins after a cutoff is not in its fit; one that ends before the forecast does has fewer rows, or none.
    A series that begins between two fits comes by `update`, with its row of ``fit_options={"static": ...}``.

    From the cutoffs of one fit a model forecasts together if it has a method `predict_origins`, as the forecasters of
    tsrnn do, and this does not return None. Should that fail, they are forecast one after the other, so that the cutoff
    that fails is known and the others are kept; if none does, a `BacktestWarning` has the error.

    Parameters
    ----------
    models : estimator, list of estimators, or dict of estimators
        The models: forecasters of tsrnn, or any objects with ``fit(y)`` and ``predict(h)``, with covariates
        ``fit(X, y)`` and ``predict(X)``. Columns are named by the keys of a dict, otherwise by the classes.
    y : Series, DataFrame or array-like of shape (n,) or (n, n_channels), or a panel
        The target, of any kind that `fit` accepts. Of a panel, models get a long frame.
    X : DataFrame, Series or array-like, or table of a panel; optional
        Covariates of all rows of `y`, known ahead except those named by ``fit_options={"past": [...]}``: `predict` gets
        those of the steps to forecast. Of a panel they may also be columns of the long frame, named by ``"future"`` and
        ``"past"``.
    horizon : int
        Number of steps to forecast from each cutoff.
    n_windows : int
        Number of cutoffs.
    step : int, optional
        Number of steps between two cutoffs; by default `horizon`, so that forecasts neither overlap nor leave steps
        out.
    gap : int, default=0
        Number of steps after a cutoff that are not compared; forecasts begin after them.
    window : {"expanding"} or int, default="expanding"
        A fit learns from all rows up to the cutoff, or from that many.
    refit : bool or int, default=True
        Whether models are fitted at each cutoff, or only at the first one and see the later rows through `update`; or
        every how many cutoffs they are fitted.
    coverage : float or list of float, optional
        Coverages of intervals, between 0 and 1: ``predict_interval`` adds the columns ``<model>_lower_<coverage>`` and
        ``<model>_upper_<coverage>``.
    fit_options : dict, optional
        Further arguments of every `fit`, such as ``{"id": "store", "time": "day", "target": "sales"}``.
    n_jobs : int, optional
        Number of processes of joblib; results do not depend on it.
    error : {"raise", "keep"}, default="raise"
        What happens where a model fails: the backtest ends; or its forecasts are NaN, or only its bounds where
        `predict_interval` fails, a `BacktestWarning` names model and cutoff, and ``attrs["missing"]`` of a pandas
        result lists them with the reasons. A series of a panel without a value within `window` is left out of this fit.
    verbose : bool or int, default=False
        Whether there is a progress bar, if standard error is a terminal.

    Returns
    -------
    DataFrame or table of the library of `y`
        The columns ``unique_id`` (not for a single series), ``ds``, ``cutoff``, ``y`` and those of each model, as
        `tsrnn.metrics.summarise` reads them; ids, times and target of a long frame keep their names. Rows are ordered
        by cutoff, series and time.

    Raises
    ------
    TypeError, ValueError
        If an argument is not accepted, or the data are too short for so many cutoffs; the message says how many fit.
    RuntimeError
        If a model fails; the message names model, cutoff and reason, and the cause is the error of the model.

    Examples
    --------
    >>> from tsrnn import NaiveForecaster
    >>> backtest({"naive": NaiveForecaster()}, [3.0, 1.0, 4.0, 1.0, 5.0], horizon=1, n_windows=2)
       ds  cutoff    y  naive
    0   3       2  1.0    4.0
    1   4       3  5.0    1.0
    """
    options = {} if fit_options is None else fit_options
    if not isinstance(options, Mapping):
        raise TypeError(
            f"fit_options={shown(fit_options)} must be a dict of arguments of fit, such as {{'short': 'skip'}}"
        )
    choice("error", error, ("raise", "keep"))
    levels = [] if coverage is None else np.atleast_1d(fractions("coverage", coverage)).tolist()
    every = _read_refit(refit)
    named = _read_models(models, levels, needs_update=every != 1 and n_windows != 1)
    if n_jobs is not None and whole("n_jobs", n_jobs, -(2**31)) == 0:
        raise ValueError("n_jobs=0 is no number of processes: pass 1, or -1 for one on each processor")
    data = read_data(y, X, options)
    plan = _Plan.make(len(data.grid), horizon, n_windows, step, gap, window, levels)
    _refuse_equal_names(list(named), data, levels)
    origins = [range(first, min(first + every, n_windows)) for first in range(0, n_windows, every)]
    tasks = [(name, part) for name in named for part in origins]
    results: dict[str, list[_Result]] = {name: [] for name in named}
    failures: list[tuple[str, _Failure]] = []
    jobs = (delayed(_run)(named[name], data, plan, part) for name, part in tasks)
    is_shown = flag("verbose", verbose) if isinstance(verbose, bool) else whole("verbose", verbose, 0) > 0
    with tqdm(total=len(named) * n_windows, disable=None if is_shown else True, unit="window", desc="backtest") as bar:
        for (name, part), result in zip(tasks, Parallel(n_jobs, return_as="generator")(jobs), strict=True):
            if result.failures and error == "raise":
                first = result.failures[0]
                raise RuntimeError(
                    f"{name!r} failed at the cutoff {format_label(data.grid[plan.cutoffs[first.origin]])}: "
                    f"{_told(first.failure)} (error='keep' goes on without this {first.lost})"
                ) from first.failure
            if result.together is not None:
                _warn_of_batch(name, [data.grid[plan.cutoffs[part[k]]] for k in (0, -1)], result.together)
            failures += [(name, each) for each in result.failures]
            results[name].append(result)
            bar.update(len(part))
    return _join(results, failures, data, plan)


# ---- arguments -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """Where forecasts begin, what they learn from, and what is asked for.

    Attributes
    ----------
    cutoffs : list of int
        Place of each cutoff in the grid.
    horizon, gap : int
        Number of steps that are compared, and of those between cutoff and the first of them.
    window : int or None
        Number of rows that a fit learns from; None for all.
    levels : list of float
        Coverages.
    """

    cutoffs: list[int]
    horizon: int
    gap: int
    window: int | None
    levels: list[float]

    @classmethod
    def make(
        cls, n: int, horizon: Anything, n_windows: Anything, step: Anything, gap: Anything, window: Anything,
        levels: list[float],
    ) -> _Plan:  # fmt: skip
        """Check the arguments for a grid of n steps; raise if the cutoffs do not fit into it."""
        horizon, n_windows, gap = whole("horizon", horizon), whole("n_windows", n_windows), whole("gap", gap, 0)
        step = horizon if step is None else whole("step", step)
        size = None
        if isinstance(window, str):
            choice("window", window, ("expanding",))
        else:
            size = whole("window", window)
        room = n - horizon - gap - (size or 1)
        asked = f"horizon={horizon}" + (f" and gap={gap}" if gap else "") + (f" and window={size}" if size else "")
        if room < 0:
            rows = f"a window of {size} rows" if size else "a row"
            raise ValueError(
                f"y has {n} steps, but {asked} leave no room for {rows} to learn from: use smaller ones, or pass "
                f"{-room} more steps"
            )
        if n_windows > (most := room // step + 1):
            raise ValueError(
                f"n_windows={n_windows} is too many: with {asked} and step={step} the {n} steps of y have room for "
                f"{most}; pass n_windows={most}, or a smaller step"
            )
        last = n - 1 - horizon - gap
        return cls([last - k * step for k in reversed(range(n_windows))], horizon, gap, size, levels)

    @property
    def n_steps(self) -> int:
        """Number of steps that models forecast."""
        return self.gap + self.horizon

    @property
    def bounds(self) -> list[str]:
        """Names of the columns of bounds, without that of the model."""
        return _bounds(self.levels)


def _bounds(levels: list[float]) -> list[str]:
    """Return the names of the columns of bounds, without that of the model."""
    return [f"{bound}_{level}" for level in levels for bound in ("lower", "upper")]


def _read_refit(refit: Anything) -> int:
    """Return every how many cutoffs models are fitted."""
    if isinstance(refit, bool | np.bool_):
        return 1 if refit else 2**31
    return whole("refit", refit)


def _read_models(models: Anything, levels: list[float], *, needs_update: bool) -> dict[str, Any]:
    """Return the models by name; raise if one lacks a method, or two have the same name."""
    if isinstance(models, Mapping):
        pairs = list(models.items())
    else:
        listed = list(models) if isinstance(models, list | tuple) else [models]
        pairs = [(type(model).__name__, model) for model in listed]
    if not pairs:
        raise ValueError(f"models={shown(models)} is empty: pass at least one model")
    methods = {"fit": "", "predict": ""}
    if needs_update:
        methods["update"] = ", by which it would see the rows after its fit: pass refit=True"
    if levels:
        methods["predict_interval"] = ", which coverage= needs: leave coverage out"
    named: dict[str, Any] = {}
    for name, model in pairs:
        if not isinstance(name, str):
            raise TypeError(f"models has the name {shown(name)}, but names are texts, which columns begin with")
        if isinstance(model, type):
            raise TypeError(f"models has the class {model.__name__}: pass an object of it, {model.__name__}(...)")
        for method, mend in methods.items():
            if not callable(getattr(model, method, None)):
                raise TypeError(f"{name!r} of models, {shown(model)}, has no method {method}{mend}")
        if name in named:
            raise ValueError(f"models has {name!r} more than once: pass a dict, whose keys become their names")
        named[name] = model
    return named


def _refuse_equal_names(names: list[str], data: Data, levels: list[float]) -> None:
    """Raise if a name of a model would be read as another column."""
    taken = [*data.names, "cutoff"]
    for name in data.names:
        if taken.count(name) > 1:
            raise ValueError(f"a column of y has the name {name!r}, but so has another one of the result: rename it")
    columns = [column for name in names for column in (name, *(f"{name}_{bound}" for bound in _bounds(levels)))]
    for name in names:
        if name in taken:
            raise ValueError(f"models has the name {name!r}, but so has another column of the result: rename the model")
    found = [model.name for model in find_models(columns)]
    if found != names or len(set(columns)) < len(columns):
        wrong = next((name for name in names if name not in found), names[0])
        raise ValueError(
            f"models has the name {wrong!r}, which reads as a bound, quantile or path of another model: rename the "
            "model"
        )


# ---- forecasts -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Result:
    """The forecasts of one model from the cutoffs of one fit.

    Attributes
    ----------
    values : ndarray of shape (m, n_columns)
        Point forecasts and bounds of the cells of these cutoffs; NaN where there is none.
    found : ndarray of bool of shape (m,)
        Where the model forecast the series.
    failures : list of _Failure
        The errors of the model, by the number of the cutoff.
    together : Exception or None
        The error of the forecast of all cutoffs at once, if each of them alone was forecast.
    """

    values: np.ndarray
    found: np.ndarray
    failures: list[_Failure]
    together: Exception | None = None


class _Failure(NamedTuple):
    """An error of a model at the cutoff with the number `origin`, and what is lost by it."""

    origin: int
    failure: Exception
    lost: Literal["forecast", "interval", "series"] = "forecast"


def _run(model: Anything, data: Data, plan: _Plan, origins: Sequence[int]) -> _Result:
    """Fit a model at the first of some origins, and return the forecasts from all of them."""
    cutoffs = np.array([plan.cutoffs[k] for k in origins])
    cells, fitted, end = data.cells(cutoffs, plan.gap, plan.horizon), clone(model, safe=False), int(cutoffs[0]) + 1
    start = 0 if plan.window is None else end - plan.window
    values, found = np.full((len(cells), 1 + len(plan.bounds)), np.nan), np.zeros(len(cells), bool)
    known, lacking = data.within(start, end)
    failures = [] if lacking is None else [_Failure(k, lacking, "series") for k in origins]
    try:
        known.fit(fitted, start, end)
    except Exception as failure:  # `backtest` raises it or reports it, as the caller asked
        return _Result(values, found, [*failures, *(_Failure(k, failure) for k in origins)])
    together = None
    if len(cutoffs) > 1 and hasattr(fitted, "predict_origins"):
        try:
            rolled = known.roll(fitted, cells, cutoffs, plan.n_steps, plan.levels)
        except Exception as failure:  # one cutoff after the other tells which of them fails, and gives the others
            rolled, together = None, failure
        if rolled is not None:
            return _Result(*rolled, failures)
    one_by_one = _one_by_one(fitted, known, plan, cells, origins, values, found)
    return _Result(values, found, failures + one_by_one, None if one_by_one else together)


def _one_by_one(
    fitted: Anything,
    data: Data,
    plan: _Plan,
    cells: Cells,
    origins: Sequence[int],
    values: np.ndarray,
    found: np.ndarray,
) -> list[_Failure]:
    """Write the forecasts of a model that was fitted at the first of some origins, and is updated at the others.

    `values` (m, n_columns) and `found` (m,) are those of the result.
    """
    failures: list[_Failure] = []
    for k, origin in enumerate(origins):
        cutoff = plan.cutoffs[origin]
        if k:
            try:
                data.update(fitted, plan.cutoffs[origin - 1] + 1, cutoff + 1)
            except Exception as failure:  # without these rows the model has no forecast until its next fit
                return failures + [_Failure(later, failure) for later in origins[k:]]
        rows, own = cells.of_origin(k)
        lost: Literal["forecast", "interval"] = "forecast"
        try:
            values[rows, :1], found[rows] = _points(fitted, data, plan, own, cutoff)
            if plan.levels:
                lost = "interval"
                values[rows, 1:] = _intervals(fitted, data, plan, own, cutoff)
        except Exception as failure:
            failures.append(_Failure(origin, failure, lost))
    return failures


def _points(fitted: Anything, data: Data, plan: _Plan, cells: Cells, cutoff: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the point forecasts (m, 1) of a fitted model from a cutoff, and where it forecast the series, (m,)."""
    answer = fitted.predict(data.ahead(cutoff, plan.n_steps))
    values, found = data.read_answer(answer, cells, cutoff, plan.n_steps, ["point"])
    return _finite(values, found, "forecasts"), found


def _intervals(fitted: Anything, data: Data, plan: _Plan, cells: Cells, cutoff: int) -> np.ndarray:
    """Return the bounds (m, n_bounds) of a fitted model from a cutoff."""
    answer = fitted.predict_interval(data.ahead(cutoff, plan.n_steps), coverage=plan.levels)
    return _finite(*data.read_answer(answer, cells, cutoff, plan.n_steps, plan.bounds), "bounds")


def _finite(values: np.ndarray, found: np.ndarray, what: str) -> np.ndarray:
    """Return the values (m, n_columns) as they are; raise if one that was `found` (m,) is not finite."""
    if not (is_finite := np.isfinite(values[found])).all():
        raise ValueError(f"{is_finite.size - is_finite.sum():,} of its {is_finite.size:,} {what} are not finite")
    return values


def _told(failure: Exception) -> str:
    """Return an error as text."""
    return f"{type(failure).__name__}: {failure}"


# ---- the table -------------------------------------------------------------------------------------------------------


def _warn_of_batch(name: str, cutoffs: list[Any], failure: Exception) -> None:
    """Warn that cutoffs from the first to the last one could not be forecast together, but each alone."""
    first, last = (format_label(cutoff) for cutoff in cutoffs)
    warnings.warn(
        f"{name!r} could forecast from each of the cutoffs {first} to {last}, but its predict_origins failed for all "
        f"together: {_told(failure)}. The forecasts are those of update and predict, which are only slower; if the "
        "class is one of tsrnn, please report it",
        BacktestWarning,
        stacklevel=3,
    )


def _join(results: Mapping[str, list[_Result]], failures: list[tuple[str, _Failure]], data: Data, plan: _Plan) -> Any:
    """Return the table of all forecasts, in the library of the target; warn of those that are missing."""
    cells = data.cells(np.array(plan.cutoffs), plan.gap, plan.horizon)
    missing = [
        {
            "model": name,
            "cutoff": data.grid[plan.cutoffs[each.origin]],
            "missing": each.lost,
            "reason": _told(each.failure),
        }
        for name, each in sorted(failures, key=lambda pair: (pair[1].origin, list(results).index(pair[0])))
    ]
    if missing:
        listed = "; ".join(f"{e['model']!r} at {format_label(e['cutoff'])}: {e['reason']}" for e in missing[:3])
        more = f"; and {len(missing) - 3} more" if len(missing) > 3 else ""
        n_lost = Counter(str(each["missing"]) for each in missing)
        counts = " and ".join(f"{n} {lost}{'s' * (n > 1 and lost != 'series')}" for lost, n in n_lost.items())
        message = f"{counts} of the backtest {'is' if len(missing) == 1 else 'are'} missing, and NaN: {listed}{more}"
        warnings.warn(message, BacktestWarning, stacklevel=3)
    # without the series that no model forecast, unless all of them failed
    kept = np.any([np.concatenate([part.found for part in parts]) for parts in results.values()], axis=0)
    failed = [each.origin for _, each in failures if each.lost == "forecast"]
    n_failed = np.bincount(np.array(failed, np.int64), minlength=len(plan.cutoffs))
    kept |= (n_failed == len(results))[cells.origins]
    columns = {
        "series": cells.series[kept],
        "place": cells.places[kept],
        "cutoff": cells.cutoffs[kept],
        "truth": cells.truth[kept],
    }
    for name, parts in results.items():
        values = np.concatenate([part.values for part in parts])[kept]
        columns |= {
            f"model {label}": values[:, c] for c, label in enumerate([name, *(f"{name}_{b}" for b in plan.bounds)])
        }
    return _to_native(columns, data, missing)


def _to_native(columns: dict[str, np.ndarray], data: Data, missing: list[dict[str, Any]]) -> Any:
    """Return the table in the library of the target."""
    time, target = data.names[-2:]
    named: dict[Hashable, Any] = {**data.id_columns(columns["series"])}
    named[time] = data.grid.take(columns["place"])
    named["cutoff"] = data.grid.take(columns["cutoff"])
    named[target] = columns["truth"]
    named |= {label.removeprefix("model "): v for label, v in columns.items() if label.startswith("model ")}
    native = data.native_format
    if native is not None and not native.has_index:
        types = dict(data.types)
        if str(time) in types:
            types["cutoff"] = types[str(time)]
        texts = {str(label): values for label, values in named.items()}
        return native.to_native_columns(texts, {k: v for k, v in types.items() if k in texts})
    frame = pd.DataFrame(dict(enumerate(named.values())))
    frame.columns = pd.Index(list(named), tupleize_cols=False)
    if native is not None:
        return native.to_native(frame)
    if missing:
        frame.attrs["missing"] = missing
    return frame
