"""The folder frame: accepted and refused types of targets, future labels, metrics, and doctests."""

from __future__ import annotations

import datetime
import decimal
import doctest
import importlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tsrnn.frame import (
    check_continuation,
    future_index,
    mae,
    mase,
    read_target,
    rmse,
    season_length,
    seasonal_naive,
    smape,
    steps_ahead,
    wrap,
)

BERLIN = "Europe/Berlin"
FREQUENCIES = [
    *[(f, None) for f in ("ME", "MS", "QS", "QE-NOV", "YS", "YE", "W-SAT", "B", "h", "15min", "2h", "D", "2D", "3MS")],
    *[(f, None) for f in ("SMS", "BME", "BQS", "s", "ms", "C", "WOM-3FRI", "2W-WED")],
    *[(f, BERLIN) for f in ("D", "h", "15min", "MS", "ME", "W-SAT", "B", "6h")],
]


def dates(freq, tz=None, n=40, start="2024-02-01", **keywords):
    return pd.date_range(start, periods=n, freq=freq, tz=tz, **keywords)


def without_freq(index):
    return pd.DatetimeIndex(list(index), name=index.name)


def numbers(index):
    return pd.Series(np.arange(len(index), dtype=float), index, name="sales")


# ---- kinds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "kind", "shape"),
    [
        (pd.Series([1, 2, 3]), "series", (3, 1)),
        (pd.DataFrame({"a": [1, 2], "b": [3, 4]}), "frame", (2, 2)),
        (pd.DataFrame({"a": [1, 2]}), "frame", (2, 1)),
        (np.arange(3), "array1d", (3, 1)),
        (np.zeros((3, 2)), "array2d", (3, 2)),
        (np.zeros((3, 1)), "array2d", (3, 1)),
        ([1, 2.5, None], "array1d", (3, 1)),
        ((1, 2), "array1d", (2, 1)),
        (range(4), "array1d", (4, 1)),
        ([[1, 2], [3, 4], [5, 6]], "array2d", (3, 2)),
        (pd.Index([1, 2]), "array1d", (2, 1)),
        (pd.array([1, None], dtype="Int64"), "array1d", (2, 1)),
    ],
)
def test_types_of_targets(y, kind, shape):
    target = read_target(y)
    assert target.kind == kind
    assert target.values.shape == target.observed.shape == shape
    assert target.values.dtype == np.float64
    assert target.values.flags.c_contiguous
    assert target.values.flags.writeable
    assert target.observed.dtype == bool
    assert isinstance(target.index, pd.RangeIndex)
    assert len(target.index) == shape[0]


@pytest.mark.parametrize(
    "values",
    [
        np.array([1, 0, 1], dtype=np.int8),
        np.array([1, 0, 1], dtype=np.uint64),
        np.array([1, 0, 1], dtype=np.float32),
        np.array([True, False, True]),
        np.array([1, 0, 1], dtype=object),
        np.array([True, 0.0, decimal.Decimal(1)], dtype=object),
        pd.array([1, 0, 1], dtype="Int64"),
        pd.array([True, False, True], dtype="boolean"),
        pd.array([1.0, 0.0, 1.0], dtype="Float32"),
    ],
)
@pytest.mark.parametrize("form", ["series", "frame", "array", "mixed"])
def test_dtypes_become_float64(values, form):
    forms = {
        "series": lambda: pd.Series(values),
        "frame": lambda: pd.DataFrame({"a": values}),
        "array": lambda: values,
        "mixed": lambda: pd.DataFrame({"a": values, "b": [0.5, 1.5, 2.5]}),
    }
    target = read_target(forms[form]())
    assert target.values.dtype == np.float64
    assert target.values[:, 0].tolist() == [1.0, 0.0, 1.0]
    assert target.observed.all()


@pytest.mark.parametrize(
    "y",
    [
        pd.Series([1.0, np.nan, 3.0]),
        pd.Series([1, None, 3], dtype="Int64"),
        pd.Series([True, None, True], dtype="boolean") * 3,
        pd.Series([1, None, 3], dtype="Float64"),
        pd.Series([1, pd.NA, 3], dtype=object),
        pd.Series([1, pd.NaT, 3], dtype=object),
        [1, None, 3],
        np.ma.array([1, 2, 3], mask=[False, True, False]),
    ],
)
def test_missing_values(y):
    target = read_target(y)
    assert target.observed[:, 0].tolist() == [True, False, True]
    assert np.isnan(target.values[1, 0])
    assert target.values[2, 0] == 3.0


def test_name_columns_and_index():
    index = dates("MS", name="month")
    target = read_target(numbers(index))
    assert target.series_name == "sales"
    assert target.columns is None
    assert target.index.equals(index)
    assert target.index.freq == index.freq
    assert target.index.name == "month"
    frame = pd.DataFrame(np.ones((3, 2)), columns=pd.Index(["b", "a"], name="site"))
    target = read_target(frame)
    assert target.columns.equals(frame.columns)
    assert target.columns.name == "site"
    assert target.series_name is None


@pytest.mark.parametrize("form", [lambda a: a, lambda a: pd.Series(a[:, 0]), pd.DataFrame, lambda a: a[:, 0]])
def test_the_input_is_copied_and_not_changed(form):
    array = np.asfortranarray(np.arange(6.0).reshape(3, 2))
    y = form(array)
    target = read_target(y)
    assert not np.shares_memory(target.values, array)
    target.values[:] = -1
    assert array.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert np.asarray(y).min() == 0


def test_the_index_is_a_copy():
    index = dates("MS")
    y = numbers(index)
    target = read_target(y)
    y.index.freq = None
    y.index.name = "other"
    assert target.index.freqstr == "MS"
    assert target.index.name is None
    bare = numbers(without_freq(dates("MS")))
    read_target(bare)
    assert bare.index.freq is None


@pytest.mark.parametrize(
    "columns",
    [
        dates("D", n=2),
        pd.period_range("2000", periods=2, freq="M"),
        pd.MultiIndex.from_product([["north"], ["a", "b"]]),
        pd.interval_range(0, 2),
        [1, 2],
    ],
)
def test_columns_of_any_type(columns):
    frame = pd.DataFrame(np.ones((3, 2)), columns=columns)
    target = read_target(frame)
    pd.testing.assert_frame_equal(wrap(target.values, target, target.index), frame)


def test_target_is_frozen():
    with pytest.raises(AttributeError):
        read_target([1, 2]).kind = "frame"


@pytest.mark.parametrize("y", [None, 5.0, 3, "text", b"bytes", {"a": [1]}, {1, 2}, (i for i in range(3)), object()])
def test_refused_types(y):
    with pytest.raises(
        TypeError, match=r"sales has type .*, which is not accepted: pass a pandas Series .* or a 2-D array"
    ):
        read_target(y, name="sales")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array(5.0), "y is 0-dimensional: pass a pandas Series"),
        (np.float64(5), "y is 0-dimensional"),
        (np.zeros((2, 2, 2)), "y is 3-dimensional: pass a pandas Series"),
        ([[1, 2], [3]], "y has rows of different lengths"),
        (np.zeros(3, dtype=[("a", float)]), "y is a structured array"),
        ([], r"y is empty \(shape \(0,\)\)"),
        (pd.Series(dtype=float), "y is empty"),
        (pd.DataFrame(), "y is empty"),
        (pd.DataFrame(index=range(3)), r"y is empty \(shape \(3, 0\)\)"),
        (np.zeros((3, 0)), r"y is empty \(shape \(3, 0\)\)"),
        (pd.DataFrame(np.ones((2, 2)), columns=["a", "a"]), "y has more than one column 'a'"),
        (pd.Series([np.nan, np.nan]), "y has no observed value: all 2 are missing"),
        (pd.DataFrame({"a": [1.0], "b": [np.nan]}), r"y\['b'\] has no observed value"),
        (np.array([[1, np.nan], [2, np.nan]]), r"y\[:, 1\] has no observed value"),
    ],
)
def test_refused_shapes(y, message):
    with pytest.raises(ValueError, match=message):
        read_target(y)


def test_sparse_is_refused():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match=r"y is sparse .*y\.toarray\(\)"):
        read_target(sparse.csr_matrix(np.eye(3)))
    with pytest.raises(TypeError, match=r"y\['a'\] is sparse: .*y\.sparse\.to_dense\(\)"):
        read_target(pd.DataFrame({"a": pd.arrays.SparseArray([0.0, 1.0])}))


@pytest.mark.parametrize("columns", [["unique_id", "ds", "y"], ["ds", "unique_id", "sales", "price"]])
def test_a_long_panel_is_refused(columns):
    with pytest.raises(ValueError, match=r"y is a long panel .*not expected here: pass one series.*y\.pivot\("):
        read_target(pd.DataFrame(1, index=range(3), columns=columns))


@pytest.mark.parametrize("form", [lambda s: s, lambda s: s.to_frame()])
def test_a_multiindex_is_refused(form):
    index = pd.MultiIndex.from_product([["a", "b"], dates("D", n=2)])
    with pytest.raises(ValueError, match=r"y has a MultiIndex.*not expected here.*y\.unstack\(0\)"):
        read_target(form(numbers(index)))


def test_missing_channels_can_be_allowed():
    target = read_target(pd.Series([np.nan]), allow_missing=True)
    assert not target.observed.any()


# ---- values ----------------------------------------------------------------------------------------------------------

DAYS = dates("D", n=3, start="2000-01-01")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (pd.Series([1, "2", 3], DAYS, dtype=object), r"y at position 1 \(2000-01-02\) is '2', not a number"),
        (pd.Series(["a", "b", "c"], DAYS), r"y at position 0 \(2000-01-01\) is 'a'.* strings are not parsed"),
        (pd.DataFrame({"a": [1, 2, 3], "b": [1, 2, "x"]}, DAYS), r"y\['b'\] at position 2 \(2000-01-03\) is 'x'"),
        (pd.DataFrame({"a": [1, 2, 3], "when": DAYS}), r"y\['when'\] at position 0 .*dates belong in the index"),
        (pd.Series(DAYS), "dates belong in the index"),
        (DAYS, "y at position 0 is Timestamp"),
        (DAYS.to_numpy(), "y at position 0 is Timestamp"),
        (DAYS - DAYS[0], "y at position 0 is Timedelta"),
        (np.array([DAYS[0].to_datetime64()], dtype=object), "not a number"),
        (np.array([1, 2j]), r"y at position 0 is \(1\+0j\), not a number"),
        (pd.Series([1, 2j], dtype=object), "y at position 1 is 2j, not a number"),
        ([1, "a"], "y at position 1 is 'a', not a number"),
        (np.array([["1", "2"]]), r"y\[:, 0\] at position 0 is '1', not a number"),
        ([[1, 2], [3, {}]], r"y\[:, 1\] at position 1 is {}, not a number"),
        ([1, 10**400], "not a number"),
        (pd.Series([1.0, np.inf, 3.0], DAYS), r"y at position 1 \(2000-01-02\) is inf: .* NaN.*y\.replace\("),
        (pd.DataFrame({"a": [1.0], "b": [-np.inf]}), r"y\['b'\] at position 0 is -inf: .*y\.replace\("),
        (np.array([[1, 2], [np.inf, 3]]), r"y\[:, 0\] at position 1 is inf: .*np\.where\(np\.isinf\(y\), np\.nan, y\)"),
    ],
)
def test_refused_values(y, message):
    with pytest.raises(ValueError, match=message):
        read_target(y)


# ---- the index -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("freq", "tz"), FREQUENCIES)
def test_dates_with_a_frequency(freq, tz):
    index = dates(freq, tz)
    kept = read_target(numbers(index)).index
    assert kept.equals(index)
    assert kept.freq == index.freq
    assert str(kept.tz) == str(tz)


@pytest.mark.parametrize(("freq", "tz"), [pair for pair in FREQUENCIES if pair[0] not in ("SMS", "C", "2W-WED")])
def test_dates_whose_frequency_is_inferred(freq, tz):
    index = dates(freq, tz, name="when")
    found = read_target(numbers(without_freq(index))).index
    assert found.equals(index)
    assert found.name == "when"
    assert str(found.tz) == str(tz)
    assert future_index(found, 5).equals(future_index(index, 5))


@pytest.mark.parametrize("start", ["2024-03-30 12:00", "2024-10-26 12:00"])
def test_hours_across_a_clock_change(start):
    index = dates("h", BERLIN, n=48, start=start)
    found = read_target(numbers(without_freq(index))).index
    assert found.equals(index)
    assert found.freqstr == "h"


@pytest.mark.parametrize("n", [1, 2])
def test_few_dates(n):
    y = numbers(dates("MS", n=n))
    assert read_target(y).index.freqstr == "MS"
    bare = numbers(without_freq(y.index))
    with pytest.raises(
        ValueError, match=rf"no frequency, and {n} labels? (is|are) too few.*y\.asfreq\('{'MS' if n > 1 else 'D'}'\)"
    ):
        read_target(bare)
    assert read_target(bare, freq="MS").index.freqstr == "MS"
    with pytest.raises(ValueError, match="no frequency"):
        read_target(numbers(without_freq(dates("D", n=2))), freq="MS")


def test_a_frequency_that_does_not_fit_is_ignored():
    assert read_target(numbers(without_freq(dates("D"))), freq="MS").index.freqstr == "D"


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (dates("MS").delete(7), r"looks like 'MS', but after 2024-08-01 comes 2024-10-01 and not 2024-09-01"),
        (dates("D").delete(20), r"looks like 'D', but after 2024-02-20 comes 2024-02-22 and not 2024-02-21"),
        (dates("B").delete(20), r"looks like 'B', but after"),
        (dates("h").delete(3), r"after 2024-02-01 02:00:00 comes 2024-02-01 04:00:00 and not 2024-02-01 03:00:00"),
        (
            pd.DatetimeIndex(["2024-01-01", "2024-01-02", "2024-01-09"]),
            r"has no frequency; use y\.reset_index\(drop=True\)",
        ),
        (dates("D", n=9).insert(0, pd.Timestamp("2024-01-01 05:00")), r"but after 2024-01-01 05:00:00 comes"),
        (dates("MS", n=9).insert(0, pd.Timestamp("2024-01-15")), r"no frequency; use y\.to_period\('M'\)"),
        (dates("h", BERLIN).delete(9), r"'h', but .*y\.asfreq\('h'\)"),
    ],
)
def test_irregular_dates(index, message):
    with pytest.raises(ValueError, match=message):
        read_target(numbers(without_freq(index)))


def test_a_wrongly_inferred_frequency_is_not_used():
    opening = [pd.Timestamp(f"2024-01-0{day} {hour:02}:00") for day in (1, 2, 3) for hour in range(6, 15)]
    with pytest.raises(ValueError, match="no frequency"):  # pandas infers business hours, which begin at nine
        read_target(numbers(pd.DatetimeIndex(opening)))


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (DAYS[[0, 1, 1]], "has 2000-01-02 more than once; the rows of a repeated label have different values"),
        (pd.Index([1, 2, 2]), r"has 2 more than once"),
        (pd.period_range("2000", periods=3, freq="M")[[0, 0, 1]], "has 2000-01 more than once"),
        (DAYS[[0, 2, 1]], r"not sorted: 2000-01-02 comes after 2000-01-03; .*y\.sort_index\(\)"),
        (DAYS[::-1], r"not sorted: 2000-01-02 comes after 2000-01-03"),
        (pd.RangeIndex(3, 0, -1), r"not sorted: 2 comes after 3"),
        (pd.Index([1, 5, 3]), r"not sorted: 3 comes after 5"),
        (pd.period_range("2000", periods=3, freq="M")[[0, 2, 1]], "not sorted: 2000-02 comes after 2000-03"),
        (pd.DatetimeIndex([DAYS[0], pd.NaT, DAYS[1]]), r"missing label \(NaT\) at position 1"),
        (pd.PeriodIndex(["2000-01", "NaT", "2000-02"], freq="M"), r"missing label \(NaT\) at position 1"),
        (
            pd.period_range("2000", periods=4, freq="M")[[0, 1, 3]],
            r"gap: after 2000-02 comes 2000-04, not 2000-03; .*'M'",
        ),
        (pd.period_range("2000", periods=4, freq="2M")[[0, 1, 3]], "gap: after 2000-03 comes 2000-07, not 2000-05"),
        (pd.Index([1, 2, 4]), "not evenly spaced: after 2 comes 4, not 3"),
        (pd.Index([0, 10, 15]), "not evenly spaced: after 10 comes 15, not 20"),
        (pd.Index(["a", "b", "c"]), r"labels such as 'a': use a DatetimeIndex, a PeriodIndex or a RangeIndex"),
        (pd.Index([0.0, 1.0, 2.0]), "holds float64 labels such as"),
        (pd.to_timedelta([1, 2, 3], unit="h"), "labels such as Timedelta"),
        (pd.Index([datetime.date(2000, 1, day) for day in (1, 2, 3)]), r"holds object labels.*pd\.to_datetime"),
    ],
)
def test_refused_indexes(index, message):
    with pytest.raises(ValueError, match=message):
        read_target(numbers(index))


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (pd.Index(range(1821, 1935)), pd.RangeIndex(1821, 1935)),
        (pd.Index([10, 20, 30], dtype="int32"), pd.RangeIndex(10, 40, 10)),
        (pd.Index([7], dtype="int64"), pd.RangeIndex(7, 8)),
        (pd.Index([1, 2], dtype="uint8"), pd.RangeIndex(1, 3)),
        (pd.Index([1, 2], dtype="Int64"), pd.RangeIndex(1, 3)),
        (pd.RangeIndex(5, 25, 5), pd.RangeIndex(5, 25, 5)),
    ],
)
def test_integers_become_a_range(index, expected):
    found = read_target(numbers(index.rename("year"))).index
    assert isinstance(found, pd.RangeIndex)
    assert found.equals(expected)
    assert found.step == expected.step
    assert found.name == "year"


@pytest.mark.parametrize("freq", ["M", "Q", "Y", "W", "D", "h", "2M"])
def test_periods(freq):
    index = pd.period_range("2000-01-01", periods=9, freq=freq, name="when")
    found = read_target(numbers(index)).index
    assert found.equals(index)
    assert found.freq == index.freq
    assert found.name == "when"


# ---- the future ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("h", [0, 1, 12])
@pytest.mark.parametrize(("freq", "tz"), FREQUENCIES)
def test_future_dates(freq, tz, h):
    whole = dates(freq, tz, n=70, name="when")
    future = future_index(whole[:50], h)
    assert future.equals(whole[50 : 50 + h])
    assert future.freq == whole.freq
    assert future.name == "when"
    assert future.dtype == whole.dtype


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_future_dates_keep_the_unit(unit):
    whole = dates("MS", n=20).as_unit(unit)
    future = future_index(pd.DatetimeIndex(whole[:10], freq="MS"), 5)
    assert future.unit == unit
    assert future.equals(whole[10:15])


def test_future_dates_keep_the_time_of_day():
    whole = dates("MS", start="2024-02-01 09:30", n=10)
    assert future_index(whole[:5], 5).equals(whole[5:])


@pytest.mark.parametrize("freq", ["M", "Q", "Y", "W", "D", "h", "2M"])
def test_future_periods(freq):
    whole = pd.period_range("2000-01-01", periods=9, freq=freq, name="when")
    future = future_index(whole[:5], 4)
    assert future.equals(whole[5:])
    assert future.freq == whole.freq
    assert future.name == "when"


@pytest.mark.parametrize("step", [1, 4])
def test_future_integers(step):
    whole = pd.RangeIndex(10, 10 + 9 * step, step, name="year")
    future = future_index(whole[:5], 4)
    assert isinstance(future, pd.RangeIndex)
    assert future.equals(whole[5:])
    assert future.name == "year"
    assert len(future_index(whole, 0)) == 0
    assert future_index(whole[:5], 4).equals(future)


GRIDS = [
    *[dates(freq, tz, n=60) for freq, tz in FREQUENCIES],
    *[pd.period_range("2000", periods=60, freq=freq) for freq in ("M", "Q", "W", "2M")],
    pd.RangeIndex(60),
    pd.RangeIndex(100, 400, 5),
]


@pytest.mark.parametrize("whole", GRIDS, ids=lambda index: str(getattr(index, "freqstr", index)))
def test_steps_ahead(whole):
    steps = steps_ahead(whole[:50], whole[[50, 53, 59, 51]])
    assert steps.tolist() == [1, 4, 10, 2]
    assert steps.dtype.kind == "i"
    assert (
        steps_ahead(whole[:50], whole[50:].to_numpy() if getattr(whole, "tz", None) is None else whole[50:])[-1] == 10
    )


def test_steps_ahead_of_other_types_of_dates():
    index = dates("D", n=5, start="2000-01-01")
    assert steps_ahead(index, ["2000-01-06", "2000-01-08"]).tolist() == [1, 3]
    assert steps_ahead(index, [datetime.date(2000, 1, 7)]).tolist() == [2]
    assert steps_ahead(index, [pd.Timestamp("2000-01-07")]).tolist() == [2]
    assert steps_ahead(index, dates("D", n=2, start="2000-01-07", unit="ns")).tolist() == [2, 3]
    assert steps_ahead(pd.period_range("2000-01", periods=5, freq="M"), ["2000-08"]).tolist() == [3]
    hours = dates("h", BERLIN, n=5, start="2000-01-01")
    assert steps_ahead(hours, hours[[-1]].tz_convert("UTC") + pd.Timedelta("2h")).tolist() == [2]


def test_steps_ahead_of_seconds_are_counted_not_listed():
    index = dates("s", n=5, start="2000-01-01")
    assert steps_ahead(index, pd.DatetimeIndex(["2200-01-01"])).tolist() == [6_311_433_596]
    assert steps_ahead(pd.RangeIndex(5), [10**15]).tolist() == [10**15 - 4]


@pytest.mark.parametrize(
    ("index", "wanted", "message"),
    [
        (DAYS, ["2000-01-03"], "index holds 2000-01-03, which is not after the end of the series, 2000-01-03"),
        (DAYS, ["2000-01-04", "1999-01-01"], "index holds 1999-01-01, which is not after the end"),
        (DAYS, ["2000-01-04 12:00"], "index holds 2000-01-04 12:00:00, which is not on the grid .*'D' from 2000-01-03"),
        (dates("MS", n=3), ["2024-05-02"], "index holds 2024-05-02, which is not on the grid .*steps of 'MS'"),
        (dates("MS", n=3, unit="s"), ["2024-05-01 00:00:00.000001"], "which is not on the grid"),
        (dates("h", n=3), ["2024-02-01 04:30"], "index holds 2024-02-01 04:30:00, which is not on the grid"),
        (dates("B", n=3), ["2024-02-10"], "index holds 2024-02-10, which is not on the grid"),
        (pd.RangeIndex(0, 10, 2), [9], "index holds 9, which is not on the grid .*steps of 2 from 8"),
        (pd.RangeIndex(10), [9], "index holds 9, which is not after the end of the series, 9"),
        (pd.period_range("2000", periods=3, freq="2M"), ["2000-06"], "2000-06, which is not on the grid"),
        (
            pd.period_range("2000", periods=3, freq="M"),
            pd.period_range("2001", periods=3, freq="Q"),
            "frequency 'Q-DEC'",
        ),
        (pd.period_range("2000", periods=3, freq="M"), DAYS, "DatetimeIndex labels, but the series has a PeriodIndex"),
        (DAYS, [4, 5], "index has integer labels, but the series has a DatetimeIndex"),
        (DAYS, pd.period_range("2001", periods=1, freq="D"), "index has PeriodIndex labels"),
        (DAYS, ["tomorrow"], "index holds 'tomorrow', but the series has a DatetimeIndex"),
        (pd.RangeIndex(3), ["a"], "index holds 'a', but the series has a RangeIndex"),
        (pd.RangeIndex(3), [4.0], "index has Index labels, but the series has a RangeIndex"),
        (DAYS, [], "index is empty"),
        (DAYS, pd.DatetimeIndex(["2001-01-01", "NaT"]), "index has a missing label at position 1"),
        (dates("D", BERLIN), ["2025-01-01"], "time zone none, but the series has Europe/Berlin; use .*tz_localize"),
        (DAYS, dates("D", BERLIN), "time zone Europe/Berlin, but the series has none"),
    ],
)
def test_refused_steps(index, wanted, message):
    with pytest.raises(ValueError, match=message):
        steps_ahead(index, wanted)


@pytest.mark.parametrize("whole", GRIDS, ids=lambda index: str(getattr(index, "freqstr", index)))
@pytest.mark.parametrize("n", [1, 10])
def test_follows(whole, n):
    check_continuation(whole[:50], whole[50 : 50 + n])


@pytest.mark.parametrize("whole", GRIDS, ids=lambda index: str(getattr(index, "freqstr", index)))
def test_gaps_and_overlaps(whole):
    with pytest.raises(ValueError, match=r"gap: y_new begins at .*, but the series ends at .*fill y_new with NaN from"):
        check_continuation(whole[:50], whole[51:])
    with pytest.raises(ValueError, match=r"overlap: new begins at .*, but the series ends at .*new\[new\.index > "):
        check_continuation(whole[:50], whole[49:], name="new")


def test_quarters_with_another_anchor_name_follow():
    whole = dates("QS-JAN", n=12, start="2000-01-01")
    check_continuation(whole[:6], pd.DatetimeIndex(without_freq(whole[6:]), freq="QS-OCT"))


@pytest.mark.parametrize(
    ("index", "new", "message"),
    [
        (
            DAYS,
            dates("2D", start="2000-01-04"),
            "y_new has the frequency '2D', but the series has 'D'; use y_new.asfreq\\('D'\\)",
        ),
        (dates("MS", n=3), dates("D", start="2024-05-01"), "y_new has the frequency 'D', but the series has 'MS'"),
        (DAYS, dates("D", start="2000-01-03 12:00"), "off the grid: y_new begins at 2000-01-03 12:00:00, .*2000-01-04"),
        (pd.RangeIndex(5), pd.RangeIndex(5, 15, 2), "y_new has the frequency 2, but the series has 1"),
        (pd.RangeIndex(5), DAYS, "y_new has DatetimeIndex labels, but the series has a RangeIndex"),
        (DAYS, pd.RangeIndex(3), "y_new has integer labels, but the series has a DatetimeIndex"),
        (DAYS, dates("D", BERLIN, start="2000-01-04"), "time zone Europe/Berlin, but the series has none"),
        (
            pd.RangeIndex(10),
            pd.RangeIndex(12, 14),
            "gap: y_new begins at 12, but the series ends at 9 and continues at 10",
        ),
        (pd.RangeIndex(10), pd.RangeIndex(5, 14), r"overlap: y_new begins at 5, .* ends at 9; .*y_new\.index > 9\]"),
        (
            DAYS,
            DAYS,
            "overlap: y_new begins at 2000-01-01, .* ends at 2000-01-03; all labels of y_new are before its end",
        ),
    ],
)
def test_what_does_not_follow(index, new, message):
    with pytest.raises(ValueError, match=message):
        check_continuation(index, new)


def test_wrap_returns_the_type_of_the_target():
    series = read_target(numbers(dates("MS")))
    future = future_index(series.index, 2)
    expected = pd.Series([1.0, 2.0], future, name="sales")
    pd.testing.assert_series_equal(wrap(np.array([[1.0], [2.0]]), series, future), expected)
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    wide = read_target(pd.DataFrame(np.ones((3, 2)), columns=pd.Index(["b", "a"], name="site")))
    future = future_index(wide.index, 2)
    pd.testing.assert_frame_equal(wrap(values, wide, future), pd.DataFrame(values, future, wide.columns))
    flat = wrap(values[:, :1], read_target([1, 2]), future)
    assert flat.tolist() == [1.0, 3.0]
    assert flat.flags.c_contiguous
    assert wrap(values, read_target(np.ones((3, 2))), future).tolist() == values.tolist()
    assert wrap(values.astype(np.float32), wide, future).dtypes.eq(np.float32).all()


@pytest.mark.parametrize(
    ("freq", "season"),
    [
        *[
            ("MS", 12),
            ("ME", 12),
            ("BME", 12),
            ("CBMS", 12),
            ("3MS", 4),
            ("2ME", 6),
            ("6MS", 2),
            ("5MS", 1),
            ("12MS", 1),
        ],
        *[("QS", 4), ("QE-NOV", 4), ("BQS", 4), ("2QS", 2), ("YS", 1), ("YE", 1), ("2YS", 1), ("SMS", 24)],
        *[("W", 52), ("W-SAT", 52), ("2W", 26), ("4W", 13), ("3W", 1), ("7D", 52), ("14D", 26), ("D", 7), ("2D", 1)],
        *[("B", 5), ("C", 5), ("h", 24), ("2h", 12), ("6h", 4), ("12h", 2), ("7h", 1), ("24h", 7), ("bh", 1)],
        *[("min", 60), ("5min", 288), ("10min", 144), ("15min", 96), ("30min", 48), ("7min", 1), ("WOM-3FRI", 12)],
        *[("s", 60), ("10s", 360), ("30s", 120), ("ms", 1000), ("100ms", 10), ("us", 1)],
        (pd.DateOffset(months=1), 1),
    ],
)
def test_season_length(freq, season):
    length = season_length(dates(freq, n=3))
    assert length == season
    assert type(length) is int


@pytest.mark.parametrize(
    ("freq", "season"), [("M", 12), ("2M", 6), ("Q", 4), ("Q-NOV", 4), ("Y", 1), ("W", 52), ("D", 7), ("h", 24)]
)
def test_season_length_of_periods(freq, season):
    assert season_length(pd.period_range("2000", periods=3, freq=freq)) == season


def test_season_length_of_integers_and_time_zones():
    assert season_length(pd.RangeIndex(1821, 1935)) == 1
    assert season_length(dates("D", BERLIN)) == 7
    assert season_length(dates("h", BERLIN)) == 24


# ---- metrics ---------------------------------------------------------------------------------------------------------

NAN = float("nan")
TRUE = np.array([[1.0, 10.0], [2.0, NAN], [4.0, 30.0]])
PREDICTED = np.array([[2.0, 13.0], [2.0, 99.0], [1.0, 23.0]])
TRAIN = np.array([[0.0, 5.0], [2.0, 5.0], [NAN, 5.0], [1.0, 5.0], [4.0, 5.0]])


@pytest.mark.parametrize(
    ("metric", "channels"),
    [
        (mae, [4 / 3, 5.0]),
        (rmse, [np.sqrt(10 / 3), np.sqrt(29.0)]),
        (smape, [200 * (1 / 3 + 0 + 3 / 5) / 3, 200 * (3 / 23 + 7 / 53) / 2]),
        (
            lambda *pair: mase(*pair, TRAIN if np.ndim(pair[0]) == 2 else TRAIN[:, 0], constant="unscaled"),
            [4 / 3 / 2.5, 5.0],
        ),
    ],
)
def test_metrics_by_hand(metric, channels):
    assert metric(TRUE[:, 0], PREDICTED[:, 0]) == pytest.approx(channels[0])
    assert metric(TRUE, PREDICTED) == pytest.approx(np.mean(channels))
    assert type(metric(TRUE, PREDICTED)) is float


def test_mase_scales():
    assert mase([3.0], [1.0], [5, 5, 5], constant="unscaled") == 2.0  # a constant series has scale 1
    assert mase([3.0], [1.0], [1, 2, 4, 8], season_length=2) == pytest.approx(2 / 4.5)
    assert mase([3.0], [1.0], [1, 2, 4, 8], season_length=4) == pytest.approx(2 / (7 / 3))  # too short: season 1
    assert mase([3.0], [1.0], [8], constant="unscaled") == 2.0
    assert mase([3.0], [1.0], [1, NAN, 2], constant="unscaled") == 2.0
    train = np.array([1.0, 5, 2, 7, 3, 9])
    naive = seasonal_naive(train[:-2], 2, 2)
    assert mase(train[-2:], naive, train, season_length=2) == pytest.approx(1.0)


@pytest.mark.parametrize("metric", [mae, rmse, smape, lambda *pair: mase(*pair, TRAIN, constant="unscaled")])
def test_metrics_and_missing_values(metric):
    blank = np.full((3, 2), NAN)
    assert np.isnan(metric(blank, PREDICTED))
    holes = PREDICTED.copy()
    holes[1, 1] = NAN
    assert metric(TRUE, holes) == metric(TRUE, PREDICTED)
    holes[0, 0] = NAN
    assert np.isnan(metric(TRUE, holes))


def test_a_channel_without_truth_is_left_out():
    half = TRUE.copy()
    half[:, 0] = NAN
    assert mae(half, PREDICTED) == pytest.approx(5.0)
    assert rmse(half, PREDICTED) == pytest.approx(np.sqrt(29.0))
    assert mase(half, PREDICTED, TRAIN, constant="unscaled") == pytest.approx(5.0)


def test_smape_bounds():
    assert smape([0.0, 0.0], [0.0, 0.0]) == 0.0
    assert smape([1.0, -1.0], [-1.0, 1.0]) == 200.0
    assert smape([0.0], [3.0]) == 200.0


def test_metrics_accept_pandas():
    y = pd.Series([1, None, 3], dtype="Int64")
    assert mae(y, pd.Series([2.0, 2.0, 2.0])) == 1.0
    assert mae(pd.DataFrame(TRUE), pd.DataFrame(PREDICTED)) == mae(TRUE, PREDICTED)


@pytest.mark.parametrize("metric", [mae, rmse, smape, lambda *pair: mase(*pair, [1.0, 2.0])])
@pytest.mark.parametrize("shape", [(4,), (3, 1), (3, 2)])
def test_shapes_must_agree(metric, shape):
    with pytest.raises(ValueError, match=rf"y_true has shape \(3,\), but y_pred has \({shape[0]},.*\): they must be"):
        metric(np.ones(3), np.ones(shape))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mae([], []), r"y_true has shape \(0,\)"),
        (lambda: mae(1.0, 1.0), r"y_true has shape \(\): it needs shape \(n,\) or \(n, n_channels\)"),
        (lambda: mae([1.0], np.ones((1, 1, 1))), r"y_pred has shape \(1, 1, 1\)"),
        (lambda: mase([1.0], [1.0], np.ones((3, 2))), r"y_train has shape \(3, 2\), but y_true has \(1,\)"),
        (lambda: mase([1.0], [1.0], []), r"y_train has shape \(0,\)"),
        (
            lambda: mase([1.0], [1.0], [1.0], season_length=0),
            "season_length is 0: it must be an integer of at least 1",
        ),
        (lambda: seasonal_naive([1.0], 0), "horizon is 0: it must be an integer"),
        (lambda: seasonal_naive([1.0], 2.0), r"horizon is 2\.0: it must be"),
        (lambda: seasonal_naive([1.0], 2, True), "season_length is True: it must be"),
    ],
)
def test_refused_by_metrics(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_seasonal_naive():
    assert seasonal_naive([1, 2, 3, 4], 3).tolist() == [4.0, 4.0, 4.0]
    assert seasonal_naive([1, 2, 3, 4], 2, 4).tolist() == [1.0, 2.0]
    assert seasonal_naive([1, 2, 3, 4], 2, 5).tolist() == [4.0, 4.0]
    wide = np.arange(8.0).reshape(4, 2)
    assert seasonal_naive(wide, 3, 2).tolist() == [[4.0, 5.0], [6.0, 7.0], [4.0, 5.0]]
    train = np.arange(3.0)
    seasonal_naive(train, 3, 3)[:] = -1
    assert train.tolist() == [0.0, 1.0, 2.0]


# ---- the folder ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "module",
    [
        *("compatibility", "distribution_metrics", "fixes", "future", "index", "metrics", "panel", "panel_grid"),
        "panel_layouts",
        *("panel_order", "panel_tables", "seasons", "target", "wall_clock"),
    ],
)
def test_doctests(module):
    results = doctest.testmod(importlib.import_module(f"tsrnn.frame.{module}"))
    assert results.attempted > 0
    assert results.failed == 0


def test_the_frame_imports_no_other_folder():
    """Nothing but what `import tsrnn` has imported, and two modules that import nothing else of the package."""
    code = (
        "import sys, tsrnn; before = set(sys.modules); import tsrnn.frame; "
        "print(sorted(m for m in set(sys.modules) - before if m.startswith('tsrnn.')))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    files = (
        *("calendar", "compatibility", "covariates", "distribution_metrics", "fixes", "future", "index", "measures"),
        *("metrics", "panel", "panel_grid", "panel_labels", "panel_layouts", "panel_order", "panel_rows"),
        *("panel_tables", "panel_update", "seasons", "sequence_metrics", "static", "tables", "target", "wall_clock"),
    )
    own = [f"tsrnn.frame.{name}" for name in files]
    assert found.strip() == str(["tsrnn.checks", "tsrnn.frame", *own, "tsrnn.messages"])
