"""Features of the calendar: their values by definition, the kinds of tables, pipelines, and errors."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tsrnn import ARForecaster, GRUForecaster, calendar_features
from tsrnn.datasets import load_air_passengers

DAY, WEEK, YEAR = ["day_sin", "day_cos"], ["week_sin", "week_cos"], ["year_sin", "year_cos"]
FLAG = ["business_day"]


def parts_of(date, is_month):
    """Position in the day, the week and the year of a datetime, each from 0 to 1, and whether it is a business day."""
    day = (date.hour * 3600 + date.minute * 60 + date.second) / 86_400
    days = 366 if (date.year % 4 == 0 and date.year % 100 != 0) or date.year % 400 == 0 else 365
    year = (date.month - 1) / 12 if is_month else (date.toordinal() - date.replace(month=1, day=1).toordinal()) / days
    return {"day": day, "week": date.weekday() / 7, "year": year, "business_day": float(date.weekday() < 5)}


def by_definition(dates, columns, is_month=False):
    rows = []
    for date in dates:
        parts = parts_of(date, is_month)
        row = []
        for column in columns:
            name, _, function = column.rpartition("_")
            part = parts.get(column, parts.get(name))
            row.append(part if column in parts else getattr(math, function)(2 * math.pi * part))
        rows.append(row)
    return np.array(rows)


COLUMNS = {
    **dict.fromkeys(("s", "15min", "h", "7h"), DAY + WEEK + YEAR + FLAG),
    **dict.fromkeys(("D", "24h", "3D"), WEEK + YEAR + FLAG),
    **dict.fromkeys(("B", "C"), WEEK + YEAR),
    **dict.fromkeys(("bh",), DAY + WEEK + YEAR),
    **dict.fromkeys(("W", "7D", "W-WED", "4W", "28D", "5B", "SMS"), YEAR),
    **dict.fromkeys(("MS", "ME", "2MS", "BME", "QS", "QE", "QE-NOV", "3MS", "6MS"), YEAR),
}


@pytest.mark.parametrize("freq", COLUMNS)
def test_columns_and_values_by_frequency(freq):
    dates = pd.date_range("2023-11-28 05:30", periods=120, freq=freq)
    found = calendar_features(dates)
    assert list(found.columns) == COLUMNS[freq]
    assert (found.dtypes == np.float64).all()
    assert found.index is dates or found.index.equals(dates)
    is_month = freq[-1] in "SE" or "-NOV" in freq
    assert_allclose(found, by_definition(dates, found.columns, is_month and freq != "SMS"), atol=1e-12)


@pytest.mark.parametrize("freq", ["h", "15min", "D", "W", "M", "Q"])
def test_periods_have_the_features_of_their_start(freq):
    periods = pd.period_range("2023-11-28", periods=60, freq=freq)
    found = calendar_features(periods)
    assert found.index.equals(periods)
    start = [period.start_time for period in periods]
    assert_allclose(found, by_definition(start, found.columns, freq in "MQ"), atol=1e-12)


def test_the_wall_clock_of_a_time_zone():
    hours = pd.date_range("2024-10-26 12:00", periods=40, freq="h", tz="Europe/Berlin")  # contains a clock change
    found = calendar_features(hours)
    assert_allclose(found, by_definition([hour.replace(tzinfo=None) for hour in hours], found.columns), atol=1e-12)
    days = pd.date_range("2024-10-26", periods=4, tz="Europe/Berlin")
    assert_array_equal(calendar_features(days)["business_day"], [0, 0, 1, 1])


def test_zeros_are_exact():
    """Rounding of sin(pi) would become a large number when it is divided by its own deviation."""
    found = calendar_features(pd.date_range("2024-01-01", periods=20, freq="12h"))
    assert_array_equal(found["day_sin"], 0.0)
    assert set(calendar_features(pd.date_range("2024-01-01", periods=9, freq="QS"))["year_cos"]) == {0.0, 1.0, -1.0}


# ------------------------------------------------------------ tables
DATES = pd.date_range("2024-02-27", periods=8, name="day")


def test_data_with_an_index():
    expected = calendar_features(DATES)
    for data in (pd.Series(np.arange(8.0), DATES), pd.DataFrame({"a": 1.0}, DATES), pd.DataFrame(index=DATES)):
        pd.testing.assert_frame_equal(calendar_features(data), expected)
    plain = pd.DatetimeIndex(DATES, freq=None, name="day")
    pd.testing.assert_frame_equal(calendar_features(plain), expected, check_freq=False)


def test_a_series_of_dates():
    found = calendar_features(pd.Series(DATES, [f"row {i}" for i in range(8)]))
    assert list(found.index) == [f"row {i}" for i in range(8)]
    assert_array_equal(found, calendar_features(DATES))
    answer = calendar_features(polars.Series("day", DATES))
    assert isinstance(answer, polars.DataFrame)
    assert_array_equal(answer.to_numpy(), calendar_features(DATES))


def long_table():
    """Three series of different length, interleaved, with an index of their own."""
    dates = np.concatenate([DATES[:5], DATES[3:], DATES[2:4]])
    table = pd.DataFrame({"shop": np.repeat(["a", "b", "c"], [5, 5, 2]), "price": np.arange(12.0), "day": dates})
    return table.sample(frac=1, random_state=0)


def test_a_long_table():
    table = long_table()
    before = table.copy()
    found = calendar_features(table, id="shop", time="day")
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(found[["shop", "day"]], table[["shop", "day"]])
    expected = calendar_features(DATES).loc[table["day"]]
    assert_array_equal(found.drop(columns=["shop", "day"]), expected)
    assert list(calendar_features(table, time="day").columns) == ["day", *expected.columns]
    named = table.rename(columns={"shop": "unique_id", "day": "ds"})
    assert list(calendar_features(named).columns) == ["unique_id", "ds", *expected.columns]
    assert_array_equal(calendar_features(named)[expected.columns], expected)


def test_a_two_level_index():
    table = long_table().set_index(["shop", "day"])
    for data in (table, table["price"], table.index):
        found = calendar_features(data)
        assert found.index.equals(table.index)
        assert_array_equal(found, calendar_features(DATES).loc[table.index.get_level_values("day")])


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_tables_of_other_libraries(library, zone):
    dates = DATES if zone is None else DATES.tz_localize(zone)
    frame = pd.DataFrame({"price": np.arange(8.0), "day": dates})
    table = polars.DataFrame(frame) if library == "polars" else pyarrow.Table.from_pandas(frame)
    expected = calendar_features(dates)
    for answer in (calendar_features(table), calendar_features(table, time="day")):
        assert type(answer) is type(table)
        columns = answer.columns if library == "polars" else answer.column_names
        assert list(columns) == ["day", *expected.columns]
        assert answer["day"].to_pylist() == table["day"].to_pylist() if library == "pyarrow" else True
        for name in expected:
            assert_array_equal(answer[name].to_numpy(), expected[name])


def test_ids_of_several_columns_stay():
    table = long_table().assign(kind=3)
    found = calendar_features(table, id=["shop", "kind"], time="day")
    assert list(found.columns[:3]) == ["shop", "kind", "day"]
    pd.testing.assert_frame_equal(found.drop(columns="kind"), calendar_features(table, id="shop", time="day"))
    with pytest.raises(ValueError, match="id='size' is not a column of index"):
        calendar_features(table, id=["shop", "size"], time="day")


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_long_tables_of_other_libraries(library):
    frame = long_table().rename(columns={"shop": "unique_id", "day": "ds"}).reset_index(drop=True)
    table = polars.DataFrame(frame) if library == "polars" else pyarrow.Table.from_pandas(frame)
    answer, expected = calendar_features(table), calendar_features(frame)
    assert type(answer) is type(table)
    assert list(answer.to_pandas().columns) == list(expected.columns)
    assert_array_equal(answer["unique_id"].to_numpy(), expected["unique_id"])
    for name in expected.columns[2:]:
        assert_array_equal(answer[name].to_numpy(), expected[name])


# ------------------------------------------------------------ pipelines
def test_in_a_pipeline():
    rng, days = np.random.default_rng(0), pd.date_range("2023-01-02", periods=210)
    y = pd.Series(5.0 * (days.day_of_week < 5) + 0.01 * rng.normal(size=210), days)
    pipeline = clone(make_pipeline(FunctionTransformer(calendar_features), StandardScaler(), ARForecaster(lags=0)))
    X = y.to_frame()[[]]
    pipeline.fit(X[:-14], y[:-14])
    assert_allclose(pipeline.predict(X[-14:]), y[-14:], atol=0.1)
    assert np.ptp(pipeline.predict(X[-14:])) > 4


def test_a_network_with_the_calendar_and_a_price():
    y = load_air_passengers()
    X = pd.DataFrame({"price": np.linspace(0, 1, len(y))}, y.index)

    def add_calendar(table):
        return table.join(calendar_features(table))

    network = GRUForecaster(hidden_size=2, max_epochs=1, horizon=2, random_state=0)
    pipeline = make_pipeline(FunctionTransformer(add_calendar), network).fit(X[:-2], y[:-2])
    forecast = pipeline.predict(X[-2:])
    assert forecast.index.equals(y.index[-2:])
    by_hand = clone(network).fit(add_calendar(X)[:-2], y[:-2]).predict(add_calendar(X)[-2:])
    pd.testing.assert_series_equal(forecast, by_hand)
    assert not np.allclose(forecast, clone(network).fit(X[:-2], y[:-2]).predict(X[-2:]))


# ------------------------------------------------------------ errors
def test_one_step_needs_a_frequency():
    one = pd.DataFrame(index=pd.DatetimeIndex(["2024-05-01"]))
    with pytest.raises(ValueError, match=r"has no frequency, and 1 label is too few.*pass the frequency.*freq="):
        calendar_features(one)
    assert list(calendar_features(one, freq="MS").columns) == YEAR
    assert_array_equal(
        calendar_features(one, freq="h"), calendar_features(pd.date_range("2024-05-01", periods=1, freq="h"))
    )
    with pytest.raises(ValueError, match="empty"):
        calendar_features(pd.DatetimeIndex([]))
    assert calendar_features(pd.DatetimeIndex([]), freq="D").shape == (0, 5)


@pytest.mark.parametrize("freq", ["YS", "YE", "BYE", "400D", "2YS"])
def test_years_have_no_features(freq):
    with pytest.raises(ValueError, match="a year or longer all have the same position"):
        calendar_features(pd.date_range("1990-01-01", periods=5, freq=freq))


@pytest.mark.parametrize("freq", ["fortnight", "-1D", 3])
def test_no_frequency(freq):
    with pytest.raises(ValueError, match=r"freq=.* is no frequency"):
        calendar_features(DATES, freq=freq)


def test_no_dates():
    for data, found in (
        (pd.RangeIndex(5), "int64"),
        (pd.Series([1.0, 2.0]), "float64"),
        (pd.DataFrame({"a": [1.0]}), "int64"),
        (pd.Index(["2024-01-01", "2024-01-02"]), "(str|object)"),
        (polars.DataFrame({"a": [1.0, 2.0]}), "int64"),
        (long_table(), "int64"),
    ):
        with pytest.raises(ValueError, match=f"index holds {found} labels such as .*, not dates: pass a DatetimeIndex"):
            calendar_features(data)
    for data in (np.arange(5), [1, 2], None, 5):
        with pytest.raises(TypeError, match="has no dates: pass a DatetimeIndex"):
            calendar_features(data)


def test_missing_dates():
    with pytest.raises(ValueError, match=r"index has a missing date \(NaT\) at position 1"):
        calendar_features(pd.DatetimeIndex(["2024-01-01", None, "2024-01-03"]))
    table = long_table()
    table.iloc[7, 2] = pd.NaT
    with pytest.raises(ValueError, match=r"index\['day'\] has a missing date \(NaT\) at position 7"):
        calendar_features(table, time="day")
    with pytest.raises(ValueError, match=r"index\['day'\] has a missing date \(NaT\) at position 7"):
        calendar_features(polars.from_pandas(table), time="day")


def test_a_gap_between_the_dates():
    with pytest.raises(ValueError, match=r"looks like 'D', but .*asfreq.*or pass the frequency"):
        calendar_features(pd.Series(1.0, DATES[[0, 1, 2, 3, 5, 6, 7]]))
    assert len(calendar_features(DATES[[0, 1, 2, 3, 5, 6, 7]], freq="D")) == 7


def test_unknown_columns():
    with pytest.raises(ValueError, match=r"time='date' is not a column of index, which has \['shop', 'price', 'day'\]"):
        calendar_features(long_table(), time="date")
    with pytest.raises(ValueError, match="id='store' is not a column"):
        calendar_features(polars.from_pandas(long_table()), id="store", time="day")
    with pytest.raises(ValueError, match=r"index\['price'\] holds float64 labels such as .*, not dates"):
        calendar_features(long_table(), time="price")
