"""Plots of a forecast after its series, of the training of a network, and of its attention weights.

Importing this module is cheap; matplotlib is imported with the first plot.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .messages import format_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .checks import Anything

__all__ = ["plot_attention", "plot_forecast", "plot_training"]

#: Colours of the series, of forecasts, and of actual values.
PAST, FUTURE, TRUTH = "#4c566a", "#c8501e", "#2a7fb8"


def plot_forecast(
    y: Anything, forecast: Anything, *, truth: Anything = None, last: int | None = None, ax: Axes | None = None
) -> Axes:
    """Plot a forecast after the end of its series.

    Parameters
    ----------
    y : Series, DataFrame or array-like of shape (n,) or (n, n_channels)
        The series. Each of several channels has its own colour.
    forecast : of the same kind, of shape (h,) or (h, n_channels)
        The result of `predict`.
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
        If `forecast` or `truth` has another number of series than `y`.

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
    past, future = _curves(y), _curves(forecast, after=y)
    actual = [None] * len(past) if truth is None else _curves(truth, after=y)
    for name, curves in (("forecast", future), ("truth", actual)):
        if len(curves) != len(past):
            raise ValueError(f"{name} has {len(curves)} series, but y has {len(past)}; pass the same series")
    ax = _new_axes() if ax is None else ax
    first = max(0, len(past[0].x) - (max(48, 4 * len(future[0].x)) if last is None else last))
    several = len(past) > 1
    for c, (series, ahead, after) in enumerate(zip(past, future, actual, strict=True)):
        colors = (f"C{c}",) * 3 if several else (PAST, TRUTH, FUTURE)
        ax.plot(series.x[first:], series.values[first:], color=colors[0], lw=1.3, label=series.name)
        if after is not None:
            ax.plot(*_joined(series, after), color=colors[1], lw=1.3, alpha=0.5 if several else 1, label="actual")
        ax.plot(*_joined(series, ahead), color=colors[2], lw=1.8, ls="--" if several else "-", label="forecast")
    ax.axvspan(past[0].x[-1], future[0].x[-1], color="0.5", alpha=0.08, lw=0)
    _legend(ax, several)
    _tidy(ax)
    return ax


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

    Parameters
    ----------
    weights : DataFrame or array-like of shape (n_steps, n_read)
        The result of `attention_weights`; of a panel that of one id, or one of the tables.
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
    for axis, labels in ((ax.xaxis, table.columns), (ax.yaxis, table.index)):
        positions = range(0, len(labels), -(-len(labels) // 7))
        axis.set_ticks(positions, [format_label(labels[i]) if named else str(i + 1) for i in positions])
    ax.set(xlabel="context", ylabel="forecast")
    ax.figure.colorbar(image, ax=ax, label="weight", pad=0.01)
    return ax


def save_forecast(path: Path, y: Anything, forecast: Anything, tested: Anything, *, title: str) -> None:
    """Write a plot of a forecast, and of an earlier forecast of the end of `y`, to a file; no window opens."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.5), layout="constrained")
    ax = plot_forecast(y, forecast, ax=figure.add_subplot())
    test = _curves(tested)[0]
    ax.plot(test.x, test.values, color=FUTURE, lw=1.5, ls=":", label="forecast of the test")
    ax.legend(frameon=False)
    ax.set_title(title, loc="left")
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
    """Add a legend with one entry for each series, and one grey entry for all actual values and all forecasts."""
    handles, labels = ax.get_legend_handles_labels()
    if several:
        from matplotlib.lines import Line2D

        own = [i for i, label in enumerate(labels) if label not in ("actual", "forecast")]
        styles: dict[str, Any] = {"actual": {"alpha": 0.5}, "forecast": {"ls": "--"}}
        shared = [label for label in styles if label in labels]
        handles = [handles[i] for i in own] + [Line2D([], [], color="0.2", **styles[label]) for label in shared]
        labels = [labels[i] for i in own] + shared
    ax.legend(handles, labels, frameon=False)


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
