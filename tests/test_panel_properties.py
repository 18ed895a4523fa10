"""Properties of panels over kinds of times, types of numbers, layouts and orders of rows, on drawn examples."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import polars
import pyarrow
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn import ARForecaster, GRUForecaster, SeasonalNaiveForecaster
from tsrnn.frame import read_panel

from .test_panel_frames import LAYOUTS, assert_equal_panels, layouts_for

#: The same examples in every run, so that a failure is one of the change that is tested.
drawn = settings(derandomize=True, deadline=None, max_examples=20, database=None)
few = settings(drawn, max_examples=4)

H = 3
FREQUENCIES = ["15min", "h", "D", "B", "W-MON", "MS", "ME", "QS", "YS"]
ZONES = [None, None, "UTC", "Europe/Berlin", "America/New_York"]
FORECASTERS = [SeasonalNaiveForecaster(horizon=H, season_lengths=4), ARForecaster(lags=2, horizon=H)]
GRU = GRUForecaster(horizon=H, context_length=4, hidden_size=2, max_epochs=2, random_state=0)


# ---------------------------------------------------------------- examples
@st.composite
def grids(draw, n=40):
    """n regular times: dates of any unit and time zone, periods, or integers with a step."""
    kind = draw(st.sampled_from(["dates", "dates", "periods", "integers"]))
    if kind == "integers":
        first, step = draw(st.integers(-50, 2000)), draw(st.integers(1, 7))
        return pd.RangeIndex(first, first + n * step, step)
    start = pd.Timestamp("2023-01-01") + pd.Timedelta(days=draw(st.integers(0, 700)))
    if kind == "periods":
        return pd.period_range(start, periods=n, freq=draw(st.sampled_from(["h", "D", "W", "M", "Q", "Y"])))
    frequency, zone = draw(st.sampled_from(FREQUENCIES)), draw(st.sampled_from(ZONES))
    return pd.date_range(start, periods=n, freq=frequency, tz=zone, unit=draw(st.sampled_from(["s", "ms", "us", "ns"])))


@st.composite
def panels(draw, n_series=(1, 4), begins=(0, 8), lengths=(14, 26)):
    """A grid and the values of each series by the places of its rows: whole numbers, which any type holds exactly."""
    ids = draw(st.permutations(["b", "a", "007", "store 7"]))[: draw(st.integers(*n_series))]
    series = {}
    for name in ids:
        first, n = draw(st.integers(*begins)), draw(st.integers(*lengths))
        numbers = draw(st.lists(st.integers(-500, 500), min_size=n, max_size=n))
        missing = draw(st.sets(st.integers(2, 12), max_size=2))
        values = pd.Series(np.array(numbers, float), range(first, first + n))
        values.iloc[[k for k in missing if k < n]] = np.nan
        values.iloc[:2] = [0.0, 1.0][:n]  # no series is constant
        series[name] = values
    return draw(grids()), series


TYPES = st.sampled_from(["float64", "float32", "Int64", "Float64", "int64[pyarrow]", "double[pyarrow]"])


def long(grid, series):
    parts = [pd.DataFrame({"unique_id": name, "ds": grid[s.index], "y": s.array}) for name, s in series.items()]
    return pd.concat(parts, ignore_index=True)


def by_id(table):
    """Times and numbers of each series in any layout, the times in UTC."""
    if isinstance(table, polars.DataFrame | pyarrow.Table):
        table = table.to_pandas()
    if isinstance(table, dict):
        table = pd.concat(table, names=["unique_id", "ds"])
    if table.index.nlevels == 2:
        table = table.reset_index().set_axis(["unique_id", "ds", *map(str, range(np.ndim(table)))][:3], axis=1)
    found = {}
    for name, part in table.groupby("unique_id", sort=False):
        times = pd.Index(part["ds"])
        if isinstance(times, pd.DatetimeIndex):
            times = (times if times.tz is None else times.tz_convert("UTC").tz_localize(None)).as_unit("ns")
        found[name] = list(times), part.iloc[:, 2:].to_numpy(np.float64).tolist()
    return found


def assert_unchanged(data, before):
    if isinstance(data, dict):
        assert list(data) == list(before)
        for name, series in data.items():
            pd.testing.assert_series_equal(series, before[name])
    elif isinstance(data, pd.Series):
        pd.testing.assert_series_equal(data, before)
    elif isinstance(data, pd.DataFrame):
        pd.testing.assert_frame_equal(data, before)
    else:
        assert data.equals(before)


# ---------------------------------------------------------------- forecasts
@given(panel=panels(), forecaster=st.sampled_from(FORECASTERS), dtype=TYPES, seed=st.integers(0, 99), data=st.data())
@drawn
def test_layouts_types_and_orders_give_the_same_bits(panel, forecaster, dtype, seed, data):
    """Also the labels are those after each series, and the caller's data do not change."""
    grid, series = panel
    frame = long(grid, series)
    expected = by_id(forecaster.fit(frame).predict())
    assert list(expected) == list(series)
    for name, s in series.items():
        end = s.index[-1] + 1
        ahead = pd.DataFrame({"unique_id": name, "ds": grid[end : end + H], "y": 0.0})
        assert expected[name][0] == by_id(ahead)[name][0]
    other = frame.astype({"y": dtype}).iloc[np.random.default_rng(seed).permutation(len(frame))]
    y = LAYOUTS[data.draw(st.sampled_from(list(layouts_for(grid))), "layout")](other)
    before = copy.deepcopy(y)
    found = forecaster.fit(y).predict()
    assert type(found) is type(y)
    assert by_id(found) == expected
    assert_unchanged(y, before)


@given(panel=panels(n_series=(1, 1)), dtype=TYPES)
@drawn
def test_a_panel_of_one_is_the_single_series(panel, dtype):
    ours, theirs = of_panel_and_series(panel, FORECASTERS[0], dtype)
    assert_array_equal(ours, theirs)


@given(panel=panels(n_series=(1, 1)), dtype=TYPES)
@drawn
def test_an_autoregression_of_a_panel_of_one_is_that_of_the_series(panel, dtype):
    """Up to rounding: the models of all series of a panel are found together."""
    ours, theirs = of_panel_and_series(panel, FORECASTERS[1], dtype)
    assert_allclose(ours, theirs, rtol=1e-7, atol=1e-7)


@given(panel=panels(n_series=(1, 1), lengths=(20, 28)), dtype=TYPES)
@few
def test_a_panel_of_one_is_the_single_series_for_a_network(panel, dtype):
    ours, theirs = of_panel_and_series(panel, GRU, dtype)
    assert_array_equal(ours, theirs)


def of_panel_and_series(panel, forecaster, dtype):
    """Forecasts and bounds of a panel of one, (H, 3), and of the series alone; their labels are equal."""
    grid, series = panel
    ((name, values),) = series.items()
    one, found = pd.Series(values.array, grid[values.index], name="y").astype(dtype), []
    for y in ({name: one}, one):
        forecasts = [forecaster.fit(y).predict(), forecaster.predict_interval(H, 0.5)]
        if isinstance(y, dict):
            forecasts = [forecast[name] for forecast in forecasts]
        assert_array_equal(forecasts[0].index, grid[values.index[-1] + 1 : values.index[-1] + 1 + H])
        found.append(np.column_stack(forecasts))
    return found


@given(panel=panels(n_series=(2, 4), lengths=(20, 28)), seed=st.integers(0, 99), data=st.data())
@few
def test_a_network_reads_layouts_and_orders_alike(panel, seed, data):
    grid, series = panel
    frame = long(grid, series)
    forecaster = GRU.fit(frame)
    expected, theta = by_id(forecaster.predict()), forecaster.theta_
    other = frame.iloc[np.random.default_rng(seed).permutation(len(frame))]
    forecaster = GRU.fit(LAYOUTS[data.draw(st.sampled_from(list(layouts_for(grid))), "layout")](other))
    assert_array_equal(forecaster.theta_, theta)
    assert by_id(forecaster.predict()) == expected
    some = data.draw(st.permutations(list(series)))[: data.draw(st.integers(1, len(series)))]
    assert by_id(forecaster.predict(ids=some)) == {name: expected[name] for name in some}


@given(panel=panels(n_series=(2, 4), begins=(0, 0), lengths=(20, 20)))
@few
def test_the_columns_of_a_wide_frame_are_series_of_a_panel(panel):
    grid, series = panel
    columns = {name: pd.Series(s.array, grid[s.index]) for name, s in series.items()}
    many = GRU.fit(columns).predict()
    wide = GRUForecaster(**GRU.get_params() | {"multivariate": "independent"}).fit(pd.DataFrame(columns)).predict()
    assert list(wide.columns) == list(series)
    for name in series:
        assert_array_equal(wide[name], many[name])
        assert_array_equal(wide.index, many[name].index)


# ---------------------------------------------------------------- arrays
@given(panel=panels(lengths=(1, 20)), seed=st.integers(0, 99))
@drawn
def test_shuffled_rows_give_equal_arrays(panel, seed):
    """Ids are in the order of first appearance, and the rows of each in the order of time."""
    grid, series = panel
    frame, freq = long(grid, series), getattr(grid, "freq", None) or grid.step
    shuffled = frame.iloc[np.random.default_rng(seed).permutation(len(frame))]
    expected, _ = read_panel(
        pd.concat([frame[frame["unique_id"] == key] for key in pd.unique(shuffled["unique_id"])]), freq=freq
    )
    for name in layouts_for(grid):
        assert_equal_panels(read_panel(LAYOUTS[name](shuffled), freq=freq)[0], expected)


@given(panel=panels(), gaps=st.sampled_from(["missing", "compress"]), seed=st.integers(0, 99))
@drawn
def test_rows_that_are_missing(panel, gaps, seed):
    """A fifth of the rows is left out: they become missing values, or the rows that exist are the steps."""
    grid, series = panel
    frame, freq = long(grid, series), getattr(grid, "freq", None) or grid.step
    rows = np.random.default_rng(seed).permutation(len(frame))
    some = frame.iloc[rows[: 4 * len(rows) // 5]].dropna()
    for name in layouts_for(grid):
        panel, _ = read_panel(LAYOUTS[name](some), gaps=gaps, freq=freq)
        assert panel.ids.tolist() == pd.unique(some["unique_id"]).tolist()
        for s, key in enumerate(panel.ids):
            places = series[key].index[grid[series[key].index].isin(some.loc[some["unique_id"] == key, "ds"])]
            own = series[key][places]
            if gaps == "missing":
                own = own.reindex(range(places[0], places[-1] + 1))
            rows = slice(panel.indptr[s], panel.indptr[s + 1])
            assert_array_equal(panel.values[rows, 0], own)
            assert_array_equal(panel.observed[rows, 0], own.notna())
            assert [format(label) for label in panel.labels(s)] == [format(label) for label in grid[own.index]]
            assert panel.grid[panel.end[s] - 1] == panel.labels(s)[-1] == panel.label(rows.stop - 1)
