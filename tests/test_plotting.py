"""Plots: the data of their lines, for all types of targets."""

from __future__ import annotations

import matplotlib.dates
import numpy as np
import pandas as pd
import polars
import pytest
from matplotlib import pyplot
from numpy.testing import assert_allclose

from tsrnn import ARForecaster, LSTMForecaster, SeasonalNaiveForecaster
from tsrnn.datasets import load_air_passengers, load_macrodata, load_sunspots
from tsrnn.plotting import plot_attention, plot_forecast, plot_panel, plot_training, save_forecast, save_panel


@pytest.fixture(autouse=True)
def _close():
    yield
    pyplot.close("all")


def lines(ax):
    """The lines of a plot by label."""
    return {line.get_label(): line for line in ax.lines}


def test_series():
    y = load_air_passengers()
    forecast = ARForecaster().fit(y[:-12]).predict(12)
    ax = plot_forecast(y[:-12], forecast, truth=y[-12:])
    found = lines(ax)
    assert list(found) == ["passengers", "actual", "forecast"]
    assert_allclose(found["passengers"].get_ydata(), y[-60:-12])
    for label, values in (("actual", y[-12:]), ("forecast", forecast)):
        assert_allclose(found[label].get_ydata(), [y.iloc[-13], *values])  # joined to the last value
        assert_allclose(
            matplotlib.dates.date2num(found[label].get_xdata()), matplotlib.dates.date2num(y.index[-13:].to_numpy())
        )
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(found)


def test_last_and_axes():
    y, (_, ax) = load_sunspots(), pyplot.subplots()
    forecast = ARForecaster().fit(y).predict(30)
    assert plot_forecast(y, forecast, last=20, ax=ax) is ax
    assert len(lines(ax)["sunspots"].get_ydata()) == 20
    assert len(lines(plot_forecast(y, forecast))["sunspots"].get_ydata()) == 120


def test_several_channels():
    y = load_macrodata()[["unemp", "infl"]]
    forecast = ARForecaster(lags=2).fit(y[:-8]).predict(8)
    ax = plot_forecast(y[:-8], forecast, truth=y[-8:])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["unemp", "infl", "actual", "forecast"]
    assert len(ax.lines) == 6
    assert_allclose(ax.lines[-1].get_ydata()[1:], forecast["infl"])
    assert ax.lines[0].get_color() == ax.lines[2].get_color() != ax.lines[3].get_color()


def test_forecasts_of_arrays_continue_their_numbers():
    y = np.arange(10.0)
    ax = plot_forecast(y, [10.0, 11.0])
    assert list(lines(ax)) == ["series", "forecast"]
    assert list(lines(ax)["forecast"].get_xdata()) == [9, 10, 11]
    wide = plot_forecast(np.zeros((10, 2)), np.zeros((3, 2)))
    assert [text.get_text() for text in wide.get_legend().get_texts()] == ["channel 0", "channel 1", "forecast"]


@pytest.mark.parametrize(
    "index",
    [
        pd.period_range("2000", periods=30, freq="Y"),
        pd.date_range("2000-01-01", periods=30, freq="D", tz="Europe/Zurich"),
        pd.RangeIndex(1990, 2020),
    ],
    ids=["periods", "time zone", "years"],
)
def test_indices(index):
    y = pd.Series(np.sin(np.arange(30.0)), index)
    ax = plot_forecast(y[:20], y[20:])
    ax.figure.canvas.draw()
    x = ax.lines[1].get_xdata()
    assert len(x) == 11
    assert (np.diff(x) > np.zeros(1, np.diff(x).dtype)).all()


def test_missing_values_at_the_end():
    y = pd.Series([1.0, 2, np.nan, np.nan])
    forecast = lines(plot_forecast(y, pd.Series([5.0], [4])))["forecast"]
    assert (list(forecast.get_xdata()), list(forecast.get_ydata())) == ([1, 4], [2, 5])


def test_different_channels():
    with pytest.raises(ValueError, match="forecast has 1 series, but y has 2"):
        plot_forecast(np.zeros((5, 2)), np.zeros(3))
    with pytest.raises(ValueError, match="truth has 2 series, but y has 1"):
        plot_forecast(np.zeros(5), np.zeros(3), truth=np.zeros((3, 2)))


def test_training():
    y = load_air_passengers()
    options = {"horizon": 6, "hidden_size": 4, "max_epochs": 4, "random_state": 0}
    forecaster = LSTMForecaster(**options).fit(y)
    ax = plot_training(forecaster)
    found = lines(ax)
    best = forecaster.best_epoch_
    assert list(found) == ["training loss", "validation error", f"best epoch: {best}"]
    assert_allclose(found["training loss"].get_xdata(), [1, 2, 3, 4])
    assert_allclose(found["validation error"].get_ydata(), forecaster.validation_curve_)
    assert_allclose(found[f"best epoch: {best}"].get_xydata(), [[best, forecaster.validation_curve_.min()]])
    assert ax.get_yscale() == "log"
    without = plot_training(LSTMForecaster(**options, early_stopping=False, loss="gaussian").fit(y))
    assert list(lines(without)) == ["training loss"]
    with pytest.raises(ValueError, match="ARForecaster has no training to plot"):
        plot_training(ARForecaster())


def test_save(tmp_path):
    y = load_air_passengers()
    forecast = ARForecaster().fit(y).predict(12)
    for suffix in ("png", "pdf", "svg"):
        save_forecast(tmp_path / f"a.{suffix}", y, forecast, y[-12:], title="a")
        assert (tmp_path / f"a.{suffix}").stat().st_size > 5000
    assert not pyplot.get_fignums()


# ---------------------------------------------------------------- intervals
def band(ax, k=0):
    """Lower and upper bounds of the k-th interval of a plot."""
    ys = ax.collections[k].get_paths()[0].vertices[:, 1]
    n = (len(ys) - 3) // 2  # up along one bound, back along the other, and the points that close it
    return ys[1 : n + 1], ys[n + 2 : -1][::-1]


def test_intervals():
    y = load_macrodata()[["unemp", "infl"]]
    for series in (y, y.to_numpy(), y["infl"], y["infl"].to_numpy()):
        forecaster = ARForecaster(lags=2).fit(series)
        interval = forecaster.predict_interval(5)
        ax = plot_forecast(series, forecaster.predict(5), interval=interval)
        for c, bounds in enumerate(np.reshape(interval, (5, -1, 2)).swapaxes(0, 1)):
            assert_allclose(band(ax, c), bounds.T)
        assert ax.get_legend().get_texts()[-1].get_text() == "interval"
    with pytest.raises(
        ValueError, match="interval has 4 columns, but needs a lower and an upper bound for each of 1 se"
    ):
        plot_forecast(
            series, forecaster.predict(5), interval=np.reshape(forecaster.predict_interval(5, [0.5, 0.9]), (5, 4))
        )


# ---------------------------------------------------------------- panels
LENGTHS = {name: 30 + k for k, name in enumerate("hgfedcba")}


def long(**names):
    days = pd.date_range("2024-01-01", periods=40)
    parts = [
        pd.DataFrame({"unique_id": name, "ds": days[40 - n :], "y": np.arange(n) + 0.5 * n})
        for name, n in LENGTHS.items()
    ]
    return pd.concat(parts, ignore_index=True).rename(columns=names)


def as_index(frame):
    return frame.set_index(["unique_id", "ds"])["y"]


def as_dict(frame):
    return {key: part.set_index("ds")["y"] for key, part in frame.groupby("unique_id", sort=False)}


@pytest.mark.parametrize("convert", [lambda frame: frame, as_index, as_dict, polars.from_pandas])
def test_panels(convert):
    frame = long()
    y = convert(frame)
    forecaster = SeasonalNaiveForecaster().fit(y)
    figure = plot_panel(y, forecaster.predict(5), interval=forecaster.predict_interval(5))
    assert [ax.get_title() for ax in figure.axes] == list("hgfedc")
    values = SeasonalNaiveForecaster().fit(frame).predict_interval(5).set_index("unique_id")
    points = SeasonalNaiveForecaster().fit(frame).predict(5).set_index("unique_id")["y"]
    for ax in figure.axes:
        name, found = ax.get_title(), lines(ax)
        own = frame.loc[frame["unique_id"] == name, "y"].to_numpy()
        assert_allclose(found["y"].get_ydata(), own)
        assert_allclose(found["forecast"].get_ydata(), [own[-1], *points[name]])
        assert_allclose(band(ax), values.loc[name, ["lower", "upper"]].T)
        assert ax.get_legend() is None
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["y", "forecast", "interval"]
    chosen = plot_panel(y, forecaster.predict(5), ids=["a", "g"], last=10)
    assert [ax.get_title() for ax in chosen.axes] == ["a", "g"]
    assert [len(ax.lines[0].get_ydata()) for ax in chosen.axes] == [10, 10]
    assert [ax.get_title() for ax in plot_panel(y, forecaster.predict(5), ids="b").axes] == ["b"]


def test_panels_with_other_names_and_columns(tmp_path):
    frame = long(unique_id="store", ds="day", y="sales").assign(price=1.0)
    names = {"id": "store", "time": "day", "target": "sales"}
    forecast = SeasonalNaiveForecaster().fit(frame.drop(columns="price"), **names).predict(1)
    without = frame.drop(index=frame.index[[3, 7]])  # days without a row are no obstacle
    assert lines(plot_panel(without, forecast, **names).axes[0])["sales"].get_ydata().shape == (28,)
    pyplot.close("all")
    save_panel(tmp_path / "a.png", frame, forecast, title="a", **names)
    assert (tmp_path / "a.png").stat().st_size > 5000
    assert not pyplot.get_fignums()


def test_panels_that_are_refused():
    frame = long()
    forecaster = SeasonalNaiveForecaster().fit(frame)
    forecast = forecaster.predict(3)
    with pytest.raises(ValueError, match=r"ids has 'z', of which there is no forecast; name some of \['h', 'g', 'f'\]"):
        plot_panel(frame, forecast, ids=["a", "z"])
    with pytest.raises(ValueError, match="ids names no series; name some of"):
        plot_panel(frame, forecast, ids=[])
    with pytest.raises(ValueError, match="y has no series 'h', but forecast has; pass the panel that was forecast"):
        plot_panel(frame[frame["unique_id"] != "h"], forecast)
    with pytest.raises(
        ValueError, match=r"interval has the columns .* pass the result of predict_interval with one cov"
    ):
        plot_panel(frame, forecast, interval=forecaster.predict_interval(3, [0.5, 0.9]))


# ---------------------------------------------------------------- attention
def test_attention():
    weights = np.random.default_rng(0).uniform(size=(5, 16))
    months = pd.date_range("2000-01-01", periods=21, freq="MS")
    ax = plot_attention(pd.DataFrame(weights, index=months[16:], columns=months[:16]))
    assert_allclose(ax.images[0].get_array(), weights)
    assert [label.get_text() for label in ax.get_yticklabels()] == [str(date.date()) for date in months[16:]]
    assert [label.get_text() for label in ax.get_xticklabels()] == [str(date.date()) for date in months[:16:3]]
    _, own = pyplot.subplots()
    assert plot_attention(weights, ax=own) is own
    assert [label.get_text() for label in own.get_yticklabels()] == list("12345")


def test_attention_of_symbols():
    """Each symbol is named, also a space."""
    table = pd.DataFrame(np.eye(9), index=list("2021-03-0"), columns=pd.Index(list("3 March 2"), dtype=object))
    ax = plot_attention(table)
    assert [label.get_text() for label in ax.get_xticklabels()] == list("3␣March␣2")
    assert [label.get_text() for label in ax.get_yticklabels()] == list("2021-03-0")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("source", "target")


@pytest.mark.parametrize(
    ("weights", "mend"),
    [(np.ones(3), "the table of"), (np.ones((0, 4)), "the table of"), (np.ones((2, 3, 4)), r"weights\[0\]")],
    ids=["1-D", "empty", "of a panel"],
)
def test_attention_requires_a_table(weights, mend):
    with pytest.raises(ValueError, match=rf"weights has the shape .*, but a plot shows one table; pass {mend}"):
        plot_attention(weights)
    plot_attention(np.ones((2, 3, 4))[0])
