"""Plots of forecasts after their series, of the training of a network, and of its attention weights.

Importing this module is cheap; matplotlib is imported with the first plot.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .messages import format_label, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .checks import Anything
    from .frame import PanelTarget

__all__ = ["plot_attention", "plot_forecast", "plot_panel", "plot_training"]

#: Colours of the series, of forecasts, and of actual values.
PAST, FUTURE, TRUTH = "#4c566a", "#c8501e", "#2a7fb8"
#: Series of a panel that are plotted by default.
N_PLOTTED = 6


def plot_forecast(
    y: Anything,
    forecast: Anything,
    *,
    interval: Anything = None,
    truth: Anything = None,
    last: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Plot a forecast after the end of its series.

    Parameters
    ----------
    y : Series, DataFrame or array-like of shape (n,) or (n, n_channels)
        The series. Each of several channels has its own colour.
    forecast : of the same kind, of shape (h,) or (h, n_channels)
        The result of `predict`.
    interval : of the same kind, optional
        The result of `predict_interval` with one coverage, for the steps of `forecast`.
    truth : of the same kind, of shape (m,) or (m, n_channels), optional
        Actual values after the end of `y`.
    last : int, optional
        Number of the last steps of `y` to plot. None plots four times the length of the forecast, but at least 48.
    ax : matplotlib Axes, optional
        Axes to plot on. None makes new axes with pyplot.

    Returns
    -------
    matplotlib Axes
        The axes with the plot.

    Raises
    ------
    ValueError
        If `forecast` or `truth` has another number of series than `y`, or `interval` is no interval for each.

    Examples
    --------
    >>> from tsrnn import ARForecaster
    >>> from tsrnn.datasets import load_air_passengers
    >>> from tsrnn.plotting import plot_forecast
    >>> y = load_air_passengers()
    >>> forecast = ARForecaster().fit(y[:-12]).predict(12)
    >>> ax = plot_forecast(y[:-12], forecast, truth=y[-12:])
    >>> [line.get_label() for line in ax.lines]
    ['passengers', 'actual', 'forecast']
    """
    from .frame import is_panel

    if is_panel(y):
        raise TypeError(f"y is a panel, a {type(y).__name__} of many series; draw it by plot_panel(y, forecast)")
    past, future = _curves(y), _curves(forecast, after=y)
    actual = [None] * len(past) if truth is None else _curves(truth, after=y)
    for name, curves in (("forecast", future), ("truth", actual)):
        if len(curves) != len(past):
            raise ValueError(f"{name} has {len(curves)} series, but y has {len(past)}; pass the same series")
    bounds = [] if interval is None else _curves(interval, after=y)
    if len(bounds) not in (0, 2 * len(past)):
        raise ValueError(
            f"interval has {len(bounds)} columns, but needs a lower and an upper bound for each of {len(past)} series; "
            "pass the result of predict_interval with one coverage"
        )
    ax = _new_axes() if ax is None else ax
    first = max(0, len(past[0].x) - (max(48, 4 * len(future[0].x)) if last is None else last))
    several = len(past) > 1
    for c, (series, ahead, after) in enumerate(zip(past, future, actual, strict=True)):
        colors = (f"C{c}",) * 3 if several else (PAST, TRUTH, FUTURE)
        ax.plot(series.x[first:], series.values[first:], color=colors[0], lw=1.3, label=series.name)
        if after is not None:
            ax.plot(*_joined(series, after), color=colors[1], lw=1.3, alpha=0.5 if several else 1, label="actual")
        ax.plot(*_joined(series, ahead), color=colors[2], lw=1.8, ls="--" if several else "-", label="forecast")
        if bounds:
            lower, upper = bounds[2 * c : 2 * c + 2]
            ax.fill_between(lower.x, lower.values, upper.values, color=colors[2], alpha=0.2, lw=0, label="interval")
    ax.axvspan(past[0].x[-1], future[0].x[-1], color="0.5", alpha=0.08, lw=0)
    _legend(ax, several)
    _tidy(ax)
    return ax


def plot_panel(
    y: Anything,
    forecast: Anything,
    *,
    interval: Anything = None,
    ids: Anything = None,
    id: Hashable = None,
    time: Hashable = None,
    target: Hashable = None,
    last: int | None = None,
    figure: Figure | None = None,
) -> Figure:
    """Plot the forecasts of some series of a panel, each after the end of its series and on axes of its own.

    Parameters
    ----------
    y : DataFrame, Series or dict of Series
        The panel, as `fit` takes it.
    forecast : of the same kind
        The result of `predict`.
    interval : of the same kind, optional
        The result of `predict_interval` with one coverage.
    ids : list of ids, or one id; optional
        The series to plot. None plots the first 6 of `forecast`.
    id, time, target : hashable, optional
        Names of the columns of long frames, where they are not ``unique_id``, ``ds`` and ``y``.
    last : int, optional
        Number of the last steps of each series to plot, as in `plot_forecast`.
    figure : matplotlib Figure, optional
        Figure to plot on. None makes a new one with pyplot.

    Returns
    -------
    matplotlib Figure
        The figure with the plots, whose titles are the ids.

    Raises
    ------
    ValueError
        If an id has no forecast or no series in `y`, or `interval` has not two columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsrnn import SeasonalNaiveForecaster
    >>> from tsrnn.plotting import plot_panel
    >>> months = pd.date_range("2020-01-01", periods=36, freq="MS")
    >>> y = {name: pd.Series(range(36), months) for name in ("north", "south")}
    >>> forecaster = SeasonalNaiveForecaster().fit(y)
    >>> figure = plot_panel(y, forecaster.predict(6), interval=forecaster.predict_interval(6))
    >>> [ax.get_title() for ax in figure.axes]
    ['north', 'south']
    """
    import pandas as pd

    from . import frame

    names: dict[str, Any] = {"id": id, "time": time, "target": target}
    past, ahead = frame.read_bare_panel(y, **names), frame.read_bare_panel(forecast, **names, name="forecast")
    bounds = None if interval is None else _bounds(interval, ahead)
    chosen = _chosen(ids, ahead)
    of_past = past.ids.get_indexer(ahead.ids[chosen]).tolist()
    if min(of_past) < 0:
        unknown = ahead.ids[chosen[of_past.index(-1)]]
        raise ValueError(
            f"y has no series {unknown!r}, but forecast has; pass the panel that was forecast, or other ids"
        )
    figure, grid = _new_grid(len(chosen), figure)
    for s, p, ax in zip(chosen, of_past, grid, strict=True):
        rows, steps = slice(past.indptr[p], past.indptr[p + 1]), slice(ahead.indptr[s], ahead.indptr[s + 1])
        series = pd.Series(past.values[rows, 0], past.labels(p), name=past.columns.target)
        labels = ahead.labels(s)
        of_series = None if bounds is None else pd.DataFrame(bounds[steps], labels)
        plot_forecast(series, pd.Series(ahead.values[steps, 0], labels), interval=of_series, last=last, ax=ax)
        name = ahead.ids[s]
        text = ", ".join(map(str, name)) if isinstance(name, tuple) else str(name)
        ax.set_title(shorten(text, 40), y=1.0, fontsize="medium")  # y: beside the exponent of the values
        if (legend := ax.get_legend()) is not None:  # one legend for all
            legend.remove()
        _few_dates(ax, series.index)
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


def plot_training(estimator: Anything, ax: Axes | None = None) -> Axes:
    """Plot the training loss and the validation error of each epoch, and mark the best epoch.

    Epoch 0 is the network before training; with a linear skip connection it is the linear forecast. The recursive
    strategy trains on single steps and validates on whole forecasts, so its two curves differ in level.

    Parameters
    ----------
    estimator : fitted recurrent forecaster or regressor
        Its `loss_curve_`, `validation_curve_` and `best_epoch_` are plotted.
    ax : matplotlib Axes, optional
        Axes to plot on. None makes new axes with pyplot.

    Returns
    -------
    matplotlib Axes
        The axes with the plot.

    Raises
    ------
    ValueError
        If the estimator is not a fitted recurrent network.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn import RNNForecaster
    >>> from tsrnn.plotting import plot_training
    >>> wave = np.sin(np.arange(100) / 3)
    >>> ax = plot_training(RNNForecaster(horizon=4, max_epochs=5, random_state=0).fit(wave))
    >>> ax.get_xlabel()
    'epoch'
    """
    from matplotlib.ticker import MaxNLocator

    if not hasattr(estimator, "loss_curve_"):
        raise ValueError(f"{type(estimator).__name__} has no training to plot; pass a fitted recurrent network")
    ax = _new_axes() if ax is None else ax
    loss, validation, best = estimator.loss_curve_, estimator.validation_curve_, estimator.best_epoch_
    ax.plot(np.arange(1, len(loss) + 1), loss, color=PAST, lw=1.3, label="training loss")
    if len(validation):
        ax.plot(np.arange(len(validation)), validation, color=FUTURE, lw=1.8, label="validation error")
        ax.plot([best], [validation[best]], "o", color=FUTURE, label=f"best epoch: {best}")
    if min(np.min(loss), *validation, np.inf) > 0:
        ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="epoch", ylabel="loss, in scaled units")
    ax.legend(frameon=False)
    _tidy(ax)
    return ax


def plot_attention(weights: Anything, ax: Axes | None = None) -> Axes:
    """Plot attention weights as an image: one row for each forecast step, one column for each step of the context.

    Of a transducer there is a row for each symbol of the target and a column for each of the source.

    Parameters
    ----------
    weights : DataFrame or array-like of shape (n_steps, n_read)
        The result of `attention_weights`; of a panel that of one id, of a list one of the tables.
    ax : matplotlib Axes, optional
        Axes to plot on. None makes new axes with pyplot.

    Returns
    -------
    matplotlib Axes
        The axes with the plot.

    Raises
    ------
    ValueError
        If `weights` is not a table with two dimensions.

    Examples
    --------
    >>> from tsrnn import LSTMForecaster, Seq2Seq
    >>> from tsrnn.datasets import load_air_passengers
    >>> from tsrnn.plotting import plot_attention
    >>> forecaster = LSTMForecaster(strategy=Seq2Seq(attention="dot"), max_epochs=3, random_state=0)
    >>> ax = plot_attention(forecaster.fit(load_air_passengers()).attention_weights(12))
    >>> ax.images[0].get_array().shape
    (12, 24)
    """
    import pandas as pd

    from .frame import read_table

    weights = read_table(weights, "weights").data
    if np.ndim(weights) != 2 or 0 in np.shape(weights):
        one = "weights[0], the table of one series" if np.ndim(weights) == 3 else "the table of attention_weights"
        raise ValueError(f"weights has the shape {np.shape(weights)}, but a plot shows one table; pass {one}")
    table = weights if isinstance(weights, pd.DataFrame) else pd.DataFrame(np.asarray(weights, np.float64))
    ax = _new_axes() if ax is None else ax
    image = ax.imshow(table.to_numpy(), aspect="auto", cmap="Blues", vmin=0, interpolation="nearest")
    named = isinstance(weights, pd.DataFrame)
    of_symbols = named and (table.index.dtype == object or pd.api.types.is_string_dtype(table.index))  # all to be read
    for axis, labels in ((ax.xaxis, table.columns), (ax.yaxis, table.index)):
        positions = range(0, len(labels), 1 if of_symbols else -(-len(labels) // 7))
        texts = [format_label(labels[i]) if named else str(i + 1) for i in positions]
        axis.set_ticks(positions, ["␣" if text == " " else text for text in texts])
    ax.set(xlabel="source" if of_symbols else "context", ylabel="target" if of_symbols else "forecast")
    ax.figure.colorbar(image, ax=ax, label="weight", pad=0.01)
    return ax


def save_forecast(
    path: Path, y: Anything, forecast: Anything, tested: Anything, *, interval: Anything = None, title: str
) -> None:
    """Write a plot of a forecast, and of an earlier forecast of the end of `y`, to a file; no window opens."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.5), layout="constrained")
    ax = plot_forecast(y, forecast, interval=interval, ax=figure.add_subplot())
    test = _curves(tested)[0]
    ax.plot(test.x, test.values, color=FUTURE, lw=1.5, ls=":", label="forecast of the test")
    ax.legend(frameon=False)
    ax.set_title(title, loc="left")
    figure.savefig(path, dpi=150)


def save_panel(path: Path, y: Anything, forecast: Anything, *, title: str, **options: Any) -> None:
    """Write a plot of forecasts of a panel to a file; no window opens. `options` are those of `plot_panel`."""
    from matplotlib.figure import Figure

    figure = plot_panel(y, forecast, figure=Figure(layout="constrained"), **options)
    figure.suptitle(title, x=0.01, ha="left")
    figure.savefig(path, dpi=150)


# ---------------------------------------------------------------- helpers
class _Curve(NamedTuple):
    """Name and points of one channel."""

    name: str
    x: np.ndarray
    values: np.ndarray


def _curves(y: Anything, after: Anything = None) -> list[_Curve]:
    """Return the channels of a series. Steps of arrays are numbered from 0, or from the end of the series `after`."""
    import pandas as pd

    from .frame import read_table

    table = read_table(y, "y")
    data = table.data
    if isinstance(data, pd.Series | pd.DataFrame):
        index = data.index.to_timestamp() if isinstance(data.index, pd.PeriodIndex) else data.index
        names: list[Any] = list(data.columns) if isinstance(data, pd.DataFrame) else [data.name]
        values = data.to_numpy(np.float64, na_value=np.nan).reshape(len(data), -1)
    else:
        values = np.asarray(data, np.float64)
        values = values.reshape(len(values), -1)
        names = [None] if values.shape[1] == 1 else [f"channel {c}" for c in range(values.shape[1])]
    if table.is_labelled:
        x = index.to_numpy() if not isinstance(index, pd.DatetimeIndex) else index.tz_localize(None).to_numpy()
    else:
        first = 0 if after is None else len(read_table(after, "y").data)
        x = np.arange(first, first + len(values))
    return [_Curve("series" if n is None or n == "" else str(n), x, values[:, c]) for c, n in enumerate(names)]


def _joined(series: _Curve, after: _Curve) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of `after`, preceded by the last observed value of the series, so that the line has no gap."""
    observed = np.flatnonzero(np.isfinite(series.values))[-1:]
    return np.concatenate([series.x[observed], after.x]), np.concatenate([series.values[observed], after.values])


def _legend(ax: Axes, several: bool) -> None:
    """Add a legend with one entry for each series, and one grey entry for each of the other kinds."""
    handles, labels = ax.get_legend_handles_labels()
    if several:
        from matplotlib.lines import Line2D

        styles: dict[str, Any] = {
            "actual": {"alpha": 0.5},
            "forecast": {"ls": "--"},
            "interval": {"alpha": 0.2, "lw": 6},
        }
        own = [i for i, label in enumerate(labels) if label not in styles]
        shared = [label for label in styles if label in labels]
        handles = [handles[i] for i in own] + [Line2D([], [], color="0.2", **styles[label]) for label in shared]
        labels = [labels[i] for i in own] + shared
    ax.legend(handles, labels, frameon=False)


def _chosen(ids: Anything, forecast: PanelTarget) -> list[int]:
    """Return the numbers of the series to plot among those of a forecast; by default the first ones."""
    from . import frame

    if ids is None:
        return list(range(min(N_PLOTTED, len(forecast))))
    wanted = [ids] if frame.is_one_id(ids, forecast.ids) else list(ids)
    known = {label: s for s, label in enumerate(forecast.ids)}
    if not wanted or (unknown := [label for label in wanted if label not in known]):
        what = f"has {unknown[0]!r}, of which there is no forecast" if wanted else "names no series"
        raise ValueError(f"ids {what}; name some of {list(forecast.ids[:3])}, ..., or leave ids out")
    return [known[label] for label in wanted]


def _bounds(interval: Anything, forecast: PanelTarget) -> np.ndarray:
    """Return the bounds of each row of a forecast, (N, 2)."""
    from . import frame

    bounds, names = frame.read_panel_table(interval, forecast, name="interval")
    if len(names) != 2:
        raise ValueError(
            f"interval has the columns {names}, but needs a lower and an upper bound; pass the result of "
            "predict_interval with one coverage"
        )
    return bounds


def _new_grid(n: int, figure: Figure | None) -> tuple[Figure, list[Axes]]:
    """Return a figure, by default a new one, and n axes on it, in rows of at most three."""
    n_columns = n if n < 3 else 2 if n == 4 else 3
    n_rows = -(-n // n_columns)
    if figure is None:
        from matplotlib import pyplot

        figure = pyplot.figure(layout="constrained")
    figure.set_size_inches(max(6, 4 * n_columns), 0.8 + 2.6 * n_rows)
    return figure, [figure.add_subplot(n_rows, n_columns, k + 1) for k in range(n)]


def _few_dates(ax: Axes, index: Anything) -> None:
    """Label dates briefly, so that they do not overlap on narrow axes."""
    import pandas as pd
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import MaxNLocator

    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        locator = AutoDateLocator(minticks=3, maxticks=6)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    else:
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _new_axes() -> Axes:
    """Return new axes of the size of all plots."""
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(9, 4.5), layout="constrained")[1]


def _tidy(ax: Axes) -> None:
    """Remove the upper and right spines, and add horizontal grid lines."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="0.9", lw=0.8)
    ax.set_axisbelow(True)
    ax.margins(x=0.01)
