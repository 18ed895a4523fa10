"""Panels as arrays: equal for every layout, and labels, forecasts and errors in the caller's terms."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
from numpy.testing import assert_array_equal

from tsrnn.frame import (
    align_future,
    constant_columns,
    is_panel,
    panel_of_columns,
    read_panel,
    read_panel_table,
    read_target,
    wrap_many,
    wrap_panel,
)

COLUMNS = ["unique_id", "ds", "y"]
GRIDS = {
    "days": pd.date_range("2024-02-20", periods=30),
    "months": pd.date_range("2020-01-31", periods=30, freq="ME"),
    "seconds unit": pd.date_range("2024-02-20", periods=30, freq="D", unit="s"),
    "hours": pd.date_range("2024-10-26", periods=30, freq="h"),
    "hours in a zone": pd.date_range("2024-10-26 20:00", periods=30, freq="h", tz="Europe/Berlin"),
    "days in a zone": pd.date_range("2024-03-20", periods=30, tz="Europe/Berlin"),
    "business days": pd.date_range("2024-02-20", periods=30, freq="B"),
    "periods": pd.period_range("2020-01", periods=30, freq="M"),
    "quarters": pd.period_range("2020Q1", periods=30, freq="Q"),
    "integers": pd.RangeIndex(30),
    "years": pd.RangeIndex(1900, 2200, 10),
}
#: First row and number of rows of each series.
SPANS = {"b": (3, 20), "a": (0, 17), "store 7": (21, 9), "c": (12, 1)}


def long(grid):
    """A long frame; the values number the rows."""
    parts = [
        pd.DataFrame({"unique_id": name, "ds": grid[first : first + n]})
        for name, (first, n) in zip(SPANS, SPANS.values(), strict=True)
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(y=np.arange(len(frame)) + 0.5)


def as_index(frame):
    return frame.set_index(["unique_id", "ds"])["y"]


def as_dict(frame):
    return {key: part.set_index("ds")["y"] for key, part in frame.groupby("unique_id", sort=False)}


def as_polars(frame):
    return polars.from_pandas(frame)


def as_arrow(frame):
    return pyarrow.Table.from_pandas(frame, preserve_index=False)


LAYOUTS = {
    "long": lambda frame: frame,
    "series": as_index,
    "frame": lambda frame: as_index(frame).to_frame(),
    "dict": as_dict,
    "polars": as_polars,
    "arrow": as_arrow,
}
PANDAS = ("long", "series", "frame", "dict")
every_grid = pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)


def layouts_for(grid):
    return {k: v for k, v in LAYOUTS.items() if k in PANDAS or not isinstance(grid, pd.PeriodIndex)}


def ahead(panel, h):
    """Places of the next h steps of each series."""
    return panel.end[:, None] + np.arange(h)


def assert_equal_panels(panel, other):
    for field in ("values", "observed", "indptr", "first", "end"):
        assert_array_equal(getattr(panel, field), getattr(other, field), err_msg=field)
    assert panel.ids.tolist() == other.ids.tolist()
    assert type(panel.grid) is type(other.grid)
    assert panel.grid.equals(other.grid)
    assert getattr(panel.grid, "freq", None) == getattr(other.grid, "freq", None)


# ---------------------------------------------------------------- layouts
@every_grid
def test_layouts_give_equal_arrays(grid):
    frame = long(grid)
    starts, n = np.array(list(SPANS.values())).T
    for name, convert in layouts_for(grid).items():
        data = convert(frame)
        assert is_panel(data), name
        panel, extra = read_panel(data)
        assert panel.ids.tolist() == list(SPANS)
        assert_array_equal(panel.values[:, 0], frame["y"])
        assert_array_equal(panel.indptr, np.cumsum([0, *n]))
        assert_array_equal(panel.first, starts)
        assert_array_equal(panel.end, starts + n)
        assert (panel.grid == grid).all()
        assert panel.has_steps
        assert extra.shape == (len(frame), 0)
        assert [format(label) for label in panel.row_labels] == [format(label) for label in frame["ds"]]


@pytest.mark.parametrize(
    "ids",
    [[3, 1, 2, 10**12], [True, False, "x", 1.5], pd.Categorical(["d", "b", "a", "c"]), [("a", 1), ("b", 2), "c", 0]],
    ids=["integers", "mixed", "categories", "tuples"],
)
def test_ids_keep_their_type(ids):
    frame = long(GRIDS["days"])
    codes = pd.factorize(frame["unique_id"])[0]
    labels = ids.take(codes) if isinstance(ids, pd.Categorical) else pd.Series(list(ids), dtype=object).infer_objects()
    frame["unique_id"] = labels if isinstance(ids, pd.Categorical) else labels.take(codes).to_numpy()
    panel, _ = read_panel(frame)
    assert panel.ids.tolist() == list(ids)
    result = wrap_panel(np.ones((4, 1)), panel, np.arange(4), ahead(panel, 1))
    assert result["unique_id"].tolist() == list(ids)
    assert result["unique_id"].dtype == frame["unique_id"].dtype


@every_grid
def test_the_step_of_a_panel_is_a_frequency(grid):
    frame = long(grid)
    panel, _ = read_panel(frame)
    one = frame.groupby("unique_id").head(1)
    assert read_panel(one, freq=panel.step)[0].step == panel.step


def test_times_may_be_categories():
    frame = long(GRIDS["days"])
    assert_equal_panels(read_panel(frame.astype({"ds": "category"}))[0], read_panel(frame)[0])


def test_columns_with_other_names():
    frame = long(GRIDS["days"]).rename(columns={"unique_id": 7, "ds": ("when", 1), "y": 2.5})
    frame["price"], frame["note"] = np.arange(len(frame)), "text"
    panel, extra = read_panel(frame, id=7, time=("when", 1), target=2.5, covariates=["price"], others=["note"])
    assert_array_equal(extra[:, 0], frame["price"])
    result = wrap_panel(np.ones((4, 1)), panel, np.arange(4), ahead(panel, 1))
    assert result.columns.tolist() == [7, ("when", 1), 2.5]
    assert not is_panel(frame)
    assert is_panel(frame, id=7)


def test_the_only_other_column_is_the_target():
    panel, _ = read_panel(long(GRIDS["days"]).rename(columns={"y": "sales"}))
    assert panel.columns.target == "sales"
    assert panel.cell(0) == "y['sales'] of series 'b' at 2024-02-23"
    assert panel.series_name(2) == "series 'store 7' of y"


def test_levels_by_name():
    data = as_index(long(GRIDS["days"])).swaplevel()
    panel, _ = read_panel(data, id="unique_id", time="ds")
    assert_equal_panels(panel, read_panel(as_index(long(GRIDS["days"])))[0])
    with pytest.raises(ValueError, match=r"the ids come first; use y.swaplevel\(\)"):
        read_panel(data)


@pytest.mark.parametrize("dtype", ["Int64", "Float32", "boolean", object, "int8", "int64[pyarrow]"])
def test_numbers_of_any_type(dtype):
    frame = long(GRIDS["days"])
    values = np.arange(len(frame)) % 2
    panel, _ = read_panel(frame.assign(y=pd.Series(values).astype(dtype)))
    assert_array_equal(panel.values[:, 0], values)


def test_the_panel_holds_copies():
    frame = long(GRIDS["days"])
    panel, _ = read_panel(frame)
    assert not np.shares_memory(panel.values, frame["y"].to_numpy())


def test_wide_frames():
    wide = pd.DataFrame({"a": np.arange(5.0), "b": [np.nan, 1, 2, 3, 4]}, pd.date_range("2024-01-01", periods=5))
    target = read_target(wide)
    panel = panel_of_columns(target)
    assert_array_equal(panel.values.reshape(2, 5).T, wide)
    forecasts = np.arange(6.0).reshape(2, 3)
    result = wrap_panel(forecasts, panel, np.arange(2), ahead(panel, 3))
    assert_array_equal(result, forecasts.T)
    assert result.columns.tolist() == ["a", "b"]
    assert result.index[0] == pd.Timestamp("2024-01-06")


# ---------------------------------------------------------------- frequencies
def test_a_given_frequency_makes_single_rows_enough():
    frame = pd.DataFrame({"unique_id": ["a", "b"], "ds": pd.to_datetime(["2024-01-01", "2024-01-09"]), "y": [1.0, 2.0]})
    with pytest.raises(ValueError, match=r"no frequency.*2 different times.*too few.*pass freq="):
        read_panel(frame)
    panel, _ = read_panel(frame, freq="2D")
    assert_array_equal(panel.first, [0, 4])
    assert panel.grid.freqstr == "2D"


def test_custom_business_days():
    freq = pd.offsets.CustomBusinessDay(holidays=["2024-03-01"])
    grid = pd.date_range("2024-02-20", periods=30, freq=freq)
    for data in (long(grid), as_dict(long(grid))):
        panel, _ = read_panel(data, freq=freq)
        assert panel.grid.equals(grid)
        assert panel.extended_grid(31)[-1] == grid[-1] + freq


def test_the_frequency_of_the_index_of_a_dict_counts():
    days = pd.date_range("2024-01-01", periods=5, freq=pd.offsets.CustomBusinessDay(weekmask="Mon Thu"))
    assert read_panel({"a": pd.Series(np.arange(5.0), days)})[0].grid.freq == days.freq


def test_holes_at_the_same_dates_everywhere():
    days = pd.date_range("2024-01-01", periods=30).delete([9, 17])
    frame = pd.concat([pd.DataFrame({"unique_id": key, "ds": days, "y": 1.0}) for key in "ab"], ignore_index=True)
    panel, _ = read_panel(frame, gaps="missing")
    assert panel.grid.freqstr == "D"
    assert np.flatnonzero(~panel.observed[:, 0]).tolist() == [9, 17, 39, 47]


def test_a_zone_with_a_skipped_first_midnight():
    days = pd.DatetimeIndex(["2023-04-28 01:00", "2023-04-29", "2023-04-30", "2023-05-02"]).tz_localize("Africa/Cairo")
    data = {"a": pd.Series([1.0, 2.0], days[:2]), "b": pd.Series([3.0, 4.0, 5.0], days[1:])}
    panel, _ = read_panel(data, freq="D", gaps="missing")
    assert_array_equal(panel.first, [0, 1])
    assert_array_equal(panel.observed[:, 0], [1, 1, 1, 1, 0, 1])
    assert panel.extended_grid(6)[-1] == pd.Timestamp("2023-05-03", tz="Africa/Cairo")


def test_integer_steps():
    data = {"a": pd.Series([1.0, 2.0, 3.0], [0, 5, 10]), "b": pd.Series([4.0], [25])}
    panel, _ = read_panel(data)
    assert panel.grid.step == 5
    assert_array_equal(panel.first, [0, 5])
    assert read_panel({"a": pd.Series([1.0], [3])}, freq=4)[0].grid.step == 4


def test_compressed_rows_without_a_frequency():
    days = pd.DatetimeIndex(["2024-01-01", "2024-01-02", "2024-01-09", "2024-02-20", "2024-02-23"])
    panel, _ = read_panel({"a": pd.Series(np.arange(5.0), days)}, gaps="compress")
    assert panel.grid.equals(days)
    assert not panel.has_steps
    with pytest.raises(
        ValueError,
        match=r"no frequency.*no labels after 2024-02-23; pass the steps to",
    ):
        wrap_panel(np.ones((1, 1)), panel, np.arange(1), ahead(panel, 1))


def test_a_frequency_that_fits_is_suggested():
    grid = pd.date_range("2024-01-01", periods=30, freq="SMS")
    with pytest.raises(ValueError, match="all times are steps of freq='SMS': pass it"):
        read_panel(long(grid))
    assert read_panel(long(grid), freq="SMS")[0].grid.equals(grid)


# ---------------------------------------------------------------- forecasts
@every_grid
def test_forecasts_come_back_in_the_layout(grid):
    frame = long(grid)
    future = np.arange(8.0).reshape(4, 2)
    for name, convert in layouts_for(grid).items():
        data = convert(frame)
        panel, _ = read_panel(data)
        result = wrap_panel(future, panel, np.arange(4), ahead(panel, 2))
        assert type(result) is type(data), name
        if name == "dict":
            assert list(result) == list(data)
            both = pd.concat([data["a"], result["a"]])
            result = pd.concat(result, names=["unique_id"])
            assert read_panel({"a": both})[0].n_rows.tolist() == [19]
        if name in ("polars", "arrow"):
            assert result.schema == data.schema
            result = result.to_pandas()
        flat = (result if name in ("long", "polars", "arrow") else result.reset_index()).set_axis(COLUMNS, axis=1)
        assert flat["unique_id"].tolist() == [key for key in SPANS for _ in range(2)]
        assert_array_equal(flat["y"], future.ravel())
        joined = pd.concat([frame, flat.astype({"ds": frame["ds"].dtype})], ignore_index=True)
        assert_array_equal(read_panel(joined)[0].n_rows, panel.n_rows + 2)


@pytest.mark.parametrize(
    "labels", [{"quantile": [0.1, 0.9]}, {"coverage": 0.9, "bound": ["lower", "upper"]}], ids=["quantiles", "bounds"]
)
def test_columns_are_named_as_for_one_series(labels):
    frame = long(GRIDS["days"])
    values = np.arange(8.0).reshape(2, 2, 2)
    one = as_index(frame)["b"]
    for name, convert in LAYOUTS.items():
        panel, _ = read_panel(convert(frame))
        result = wrap_panel(values, panel, np.array([2, 0]), ahead(panel, 2)[[2, 0]], labels)
        if name in ("long", "polars", "arrow"):
            dates = polars.DataFrame({"ds": one.index, "y": one.to_numpy()})
            expected = wrap_many(values[:1].swapaxes(0, 1), read_target(dates), one.index[:2], labels)
            names = result.column_names if name == "arrow" else list(result.columns)
            assert names == ["unique_id", "ds", *[column.removeprefix("y_") for column in expected.columns[1:]]]
        elif name != "frame":
            expected = wrap_many(values[:1].swapaxes(0, 1)[:, 0][:, None], read_target(one), one.index[:2], labels)
            got = result["store 7"] if name == "dict" else result
            assert got.columns.equals(expected.columns)
        if name == "dict":
            assert list(result) == ["store 7", "b"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(0, 2), (4, 0)])
def test_no_steps_and_no_series(layout, shape):
    data = LAYOUTS[layout](long(GRIDS["days"]))
    panel, _ = read_panel(data)
    series, places = np.arange(shape[0]), np.zeros(shape, np.int64)
    for values, labels in ((np.ones(shape), {}), (np.ones((*shape, 2)), {"quantile": [0.1, 0.9]})):
        result = wrap_panel(values, panel, series, places, labels)
        assert (sum(map(len, result.values())) if layout == "dict" else len(result)) == 0
    X = pd.DataFrame({"unique_id": ["a"], "ds": GRIDS["days"][:1], "price": 1.0})
    assert align_future(X, panel, places, series=series).shape == (*shape, 1)


POLARS = {
    "dates": {"ds": polars.Date},
    "milliseconds": {"ds": polars.Datetime("ms")},
    "categories": {"unique_id": polars.Categorical},
    "enumeration": {"unique_id": polars.Enum(list(SPANS))},
}


@pytest.mark.parametrize("types", POLARS.values(), ids=POLARS)
def test_polars_types_come_back(types):
    data = as_polars(long(GRIDS["days"])).cast(types)
    panel, _ = read_panel(data)
    assert_equal_panels(panel, read_panel(long(panel.grid))[0])
    result = wrap_panel(np.ones((4, 2)), panel, np.arange(4), ahead(panel, 2))
    assert result.schema == data.schema
    assert_array_equal(read_panel(polars.concat([data, result]))[0].n_rows, panel.n_rows + 2)


def test_polars_zones_and_integers_come_back():
    hours = as_polars(long(GRIDS["hours in a zone"]))
    numbers = as_polars(long(GRIDS["years"]).assign(unique_id=lambda f: pd.factorize(f["unique_id"])[0]))
    for data in (hours, numbers.cast({"unique_id": polars.Int16, "ds": polars.Int32})):
        panel, _ = read_panel(data)
        result = wrap_panel(np.ones((4, 2)), panel, np.arange(4), ahead(panel, 2))
        assert result.schema == data.schema
        assert_array_equal(read_panel(polars.concat([data, result]))[0].n_rows, panel.n_rows + 2)


def test_missing_texts_of_polars_are_missing_ids():
    data = as_polars(long(GRIDS["days"]).replace({"unique_id": {"c": None}}))
    with pytest.raises(ValueError, match=r"missing id .* use|drop such rows with y.to_pandas\(\).dropna"):
        read_panel(data)


# ---------------------------------------------------------------- covariates
def test_tables_of_covariates_are_aligned():
    frame = long(GRIDS["days"])
    panel, _ = read_panel(frame)
    X = frame.drop(columns="y").assign(price=np.arange(len(frame)), promo=True).sample(frac=1, random_state=0)
    for table in (X, X.set_index(["unique_id", "ds"]), as_polars(X), as_arrow(X)):
        values, names = read_panel_table(table, panel)
        assert names == ["price", "promo"]
        assert_array_equal(values[:, 0], np.arange(len(frame)))
        assert_array_equal(read_panel_table(table, panel, ["promo"])[0], np.ones((len(frame), 1)))
    with pytest.raises(ValueError, match=r"X has no row for series 'b' at 2024-02-25, .* 3 of 47 are missing"):
        read_panel_table(X[~X["price"].isin([2, 5, 40])], panel)


def test_future_covariates():
    frame = long(GRIDS["days"])
    panel, _ = read_panel(frame)
    places = ahead(panel, 3)
    grid = panel.extended_grid(40)
    keys = np.repeat(panel.ids, 3)
    X = pd.DataFrame({"unique_id": keys, "ds": grid[places.ravel()], "price": np.arange(12.0)})
    got = align_future(X.sample(frac=1, random_state=0), panel, places)
    assert_array_equal(got[:, :, 0], np.arange(12.0).reshape(4, 3))
    assert_array_equal(align_future(X, panel, places[[1]], ["price"], series=np.array([1])).ravel(), [3, 4, 5])
    with pytest.raises(ValueError, match=r"future has no row for series 'a' at 2024-03-09; .* 1 of 12 is missing"):
        align_future(X.drop(index=4), panel, places, name="future")
    with pytest.raises(ValueError, match="X has no column 'cost', only \\['price'\\]"):
        align_future(X, panel, places, ["cost"])
    with pytest.raises(ValueError, match=r"series 'a' at 2024-03-08 more than once"):
        align_future(pd.concat([X, X.iloc[[3]]]), panel, places)
    with pytest.raises(ValueError, match="X holds 'y', the target of y"):
        align_future(X.assign(y=1.0), panel, places)
    with pytest.raises(ValueError, match="times of X have the time zone UTC, but those of y have none"):
        align_future(X.assign(ds=X["ds"].dt.tz_localize("UTC")), panel, places)


def test_covariates_in_any_layout_and_unit():
    frame = long(GRIDS["seconds unit"])
    X = frame.rename(columns={"y": "price"}).assign(ds=frame["ds"].astype("datetime64[ns]"))
    levels = X.set_index(["unique_id", "ds"])["price"]
    tables = {
        "long": X,
        "levels": levels,
        "levels swapped": levels.swaplevel(),
        "dict of Series": {key: part.set_index("ds")["price"] for key, part in X.groupby("unique_id")},
        "dict of frames": {key: part.set_index("ds")[["price"]] for key, part in X.groupby("unique_id")},
    }
    for layout in PANDAS:
        panel, _ = read_panel(LAYOUTS[layout](frame))
        for name, table in tables.items():
            if name == "levels swapped" and layout == "dict":
                continue  # the ids of a dict have no name
            values, names = read_panel_table(table, panel)
            assert_array_equal(values[:, 0], frame["y"], err_msg=f"{layout}, {name}")
            assert names == ["price"]
    late = X.assign(ds=X["ds"] + pd.Timedelta("1ns"))
    with pytest.raises(ValueError, match="47 of 47 are missing"):
        read_panel_table(late, panel)


def test_static_columns():
    frame = long(GRIDS["days"])
    frame["region"] = frame["unique_id"].map(str.upper)
    frame["price"] = frame["y"].where(frame["unique_id"] != "c")
    for convert in (LAYOUTS["long"], as_polars, as_arrow, lambda f: f.set_index(["unique_id", "ds"])):
        data = convert(frame)
        panel, _ = read_panel(data, others=["region", "price"])
        static = constant_columns(data, panel, ["region"])
        assert static.index.tolist() == list(SPANS)
        assert static["region"].tolist() == [key.upper() for key in SPANS]
        match = r"y\['price'\] is static, but series 'b' has 0.5 at 2024-02-23 and 1.5 at 2024-02-24; name it as"
        with pytest.raises(ValueError, match=match):
            constant_columns(data, panel, ["region", "price"])


def two_parts():
    frame = long(GRIDS["days"])
    return frame.assign(store=[str(label)[:1] for label in frame["unique_id"]], item=frame.pop("unique_id"))


# ---------------------------------------------------------------- errors
def broken(change):
    return change(long(GRIDS["days"]))


def set_value(row, column, value):
    def change(frame):
        frame = frame.astype({column: object}) if column != "ds" else frame
        frame.loc[row, column] = value
        return frame

    return change


HAS_MENDS = {
    "duplicate": (lambda f: pd.concat([f, f.iloc[[4, 30]]]), "series 'b' at 2024-02-27 more than once.*1 more row"),
    "missing time": (set_value(4, "ds", pd.NaT), "missing time .'ds'. in row 4, of series 'b'"),
    "missing id": (set_value(4, "unique_id", None), "missing id .'unique_id'. in row 4, of 2024-02-27"),
    "all missing": (lambda f: f.assign(y=f["y"].where(f["unique_id"] != "a")), "series 'a' of y has no observed value"),
    "infinite": (lambda f: f.assign(y=f["y"].where(f.index != 4, np.inf)), "of series 'b' at 2024-02-27 is inf"),
}


def mends(message):
    """Expressions in a message."""
    return re.findall(r"(?:with|use) ((?:\{id: .*?\}|y[\[.(].*?))(?=, or average|; |$|: the)", message)


@pytest.mark.parametrize(
    ("problem", "layout"),
    [each for each in itertools.product(HAS_MENDS, PANDAS) if each != ("missing id", "dict")],  # there is no such group
)
def test_each_mend_works(problem, layout):
    change, match = HAS_MENDS[problem]
    y = LAYOUTS[layout](broken(change))
    match = match.replace("'ds'", ".*").replace(r"'unique_id'", ".*")
    if layout == "dict":
        match = match.replace("'ds'", "None")
    with pytest.raises(ValueError, match=match) as raised:
        read_panel(y)
    found = mends(str(raised.value))
    assert found, raised.value
    for mend in found:
        mended = eval(mend, {"y": y, "np": np, "pd": pd})
        assert len(read_panel(mended, gaps="missing")[0]) in (3, 4)


def zones(*names):
    stamps = [pd.Timestamp("2024-01-01", tz=zone) + k * pd.Timedelta("1D") for k, zone in enumerate(names)]
    return pd.DataFrame({"unique_id": "a", "ds": pd.Series(stamps, dtype=object), "y": 1.0})


def year_and_month():
    return pd.Series(1.0, pd.MultiIndex.from_product([[2020, 2021], range(1, 13)], names=["year", "month"]))


OTHER_MENDS = {
    "levels swapped": (as_index(long(GRIDS["days"])).swaplevel(), "use (.*)"),
    "dates before two levels": (two_parts().set_index(["ds", "store", "item"])["y"], "use (.*)"),
    "times in the index": (long(GRIDS["days"]).set_index("ds"), "pass (.*), whose"),
    "mixed zones": (zones("UTC", "Europe/Berlin", "UTC"), "use (.*)"),
    "zones of a dict": (
        {z: pd.Series([1.0, 2.0], pd.date_range("2024", periods=2, tz=z)) for z in ("UTC", "Asia/Tokyo")},
        "as with (.*)",
    ),
}


@pytest.mark.parametrize("case", OTHER_MENDS)
def test_each_other_mend_works(case):
    y, pattern = OTHER_MENDS[case]
    with pytest.raises(ValueError, match=pattern) as raised:
        read_panel(y, id="unique_id" if case == "times in the index" else None)
    mended = eval(re.search(pattern, str(raised.value))[1], {"y": y, "pd": pd})
    panel, _ = read_panel(mended, freq="h" if "zones" in case else None, gaps="missing")
    assert panel.observed.sum() == (4 if case == "zones of a dict" else len(y))


@pytest.mark.parametrize("has_levels", [False, True], ids=["columns", "levels"])
@pytest.mark.parametrize("problem", ["duplicate", "missing id", "all missing"])
def test_mends_for_ids_of_several_parts(problem, has_levels):
    y = two_parts()
    if problem == "duplicate":
        y = pd.concat([y, y.iloc[[2]].assign(y=9.0)])
    elif problem == "missing id":
        y.loc[0, "store"] = None
    else:
        y["y"] = y["y"].where(y["item"] != y["item"].iloc[0])
    id: list[str] | None = ["store", "item"]
    if has_levels:
        y, id = y.set_index(["store", "item", "ds"])["y"], None
    with pytest.raises(
        ValueError, match=problem.partition(" ")[0].replace("duplicate", "more than once").replace("all", "no observed")
    ) as raised:
        read_panel(y, id=id)
    found = mends(str(raised.value))
    assert len(found) == 1 + (problem == "duplicate")
    for mend in found:
        panel, _ = read_panel(eval(mend, {"y": y, "pd": pd}), id=id)
        assert panel.ids.nlevels == 2
        assert len(panel) == two_parts()["item"].nunique() - (problem == "all missing")


def test_year_and_month_are_one_series():
    y = year_and_month()
    with pytest.raises(ValueError, match="the time of one series") as raised:
        read_panel(y)
    mended = eval(str(raised.value).partition("use ")[2], {"y": y, "pd": pd})
    assert read_target(mended).index.freqstr == "M"


def test_a_missing_integer_time_of_a_level():
    data = as_index(long(GRIDS["integers"])).iloc[:3]
    data.index = data.index.set_codes([0, -1, 1], level=1)
    with pytest.raises(ValueError, match=r"missing time .'ds'. in row 1, of series 'b'"):
        read_panel(data)


TEXT = {
    "ISO": ("%Y-%m-%d", "pd.to_datetime"),
    "year and month": ("%Y%m%d", "format='%Y%m%d'"),
    "day first": ("%d.%m.%Y", "format='%d.%m.%Y'"),
}


@pytest.mark.parametrize("code", TEXT)
@pytest.mark.parametrize("layout", ["long", "series", "dict"])
def test_text_is_no_time(code, layout):
    frame = long(GRIDS["days"])
    frame["ds"] = frame["ds"].dt.strftime(TEXT[code][0])
    y = LAYOUTS[layout](frame)
    with pytest.raises(ValueError, match=re.escape(TEXT[code][1])) as raised:
        read_panel(y)
    mend = str(raised.value).partition("; use ")[2]
    assert_equal_panels(
        read_panel(eval(mend, {"y": y, "pd": pd}))[0], read_panel(LAYOUTS[layout](long(GRIDS["days"])))[0]
    )


def test_days_and_months_that_can_be_confused():
    frame = pd.DataFrame({"unique_id": "a", "ds": ["01/02/2024", "02/02/2024", "03/02/2024"], "y": 1.0})
    with pytest.raises(ValueError, match=r"two ways: use .*%d/%m/%Y.* for the one, .*%m/%d/%Y.* for the other"):
        read_panel(frame)


DAYS = GRIDS["days"]
REFUSED = {
    "empty": (long(DAYS).iloc[:0], {}, "y is empty .*at least one row"),
    "empty dict": ({}, {}, "empty dict"),
    "empty series": ({"a": pd.Series([], dtype=float)}, {}, r"y\['a'\] is empty"),
    "list in a dict": ({"a": [1.0, 2.0]}, {}, r"y\['a'\] has type list.*pass pd.Series\(y\['a'\]\)"),
    "frame in a dict": ({"a": pd.DataFrame({"v": [1.0]})}, {}, r"y\['a'\] has type DataFrame.*y\['a'\]\['v'\]"),
    "None in a dict": ({"a": None}, {}, "has type NoneType"),
    "id of a dict": ({"a": pd.Series([1.0])}, {"id": "store"}, "id='store' names a column, but y is a dict"),
    "one series": (pd.Series([1.0]), {}, "not a panel"),
    "no table": ([1.0], {}, "has type list, which is no panel"),
    "no time": (
        long(DAYS).rename(columns={"ds": "day"}),
        {"id": "unique_id"},
        "no column 'ds' for the times.*'day', 'y'; name that column, as with time='day'",
    ),
    "time in the index": (long(DAYS).set_index("ds"), {"id": "unique_id"}, r"'ds' in its index.*y.reset_index\(\)"),
    "ids in the index": (long(DAYS).set_index("unique_id"), {}, r"'unique_id' in its index.*y.reset_index\(\)"),
    "no id": (long(DAYS), {"id": "store"}, "no column 'store' for the ids.*only 'unique_id', 'ds', 'y'"),
    "no target": (
        long(DAYS).assign(x=1.0),
        {"target": "z"},
        "no column 'z' for the target: .* it has 'y', 'x'",
    ),
    "left over": (
        long(DAYS).assign(price=1.0, promo=2.0),
        {},
        r"without a role, 'price', 'promo'; name them as covariates: future=\[...\] or past=\[...\]; or drop",
    ),
    "target as covariate": (long(DAYS), {"covariates": ["y"]}, "'y' is the target"),
    "no covariate": (long(DAYS), {"covariates": ["x"]}, "no column 'x'"),
    "two columns": (pd.concat([long(DAYS), long(DAYS)["y"]], axis=1), {}, "more than one column 'y'"),
    "same column": (long(DAYS), {"id": "ds"}, "id='ds' and time=None are the same column"),
    "text": (broken(set_value(4, "y", "5")), {}, r"y\['y'\] of series 'b' at 2024-02-27 is '5', not a number"),
    "complex": (long(DAYS).assign(y=1j), {}, "is 1j, not a number"),
    "mixed zones": (
        zones("UTC", "Europe/Berlin"),
        {},
        r"different time zones, Europe/Berlin and UTC; use y.assign\(ds=pd.to_datetime\(pd.Index\(y\['ds'\]\), utc",
    ),
    "a zone and none": (zones("UTC", None), {}, "with the time zone UTC and times without one"),
    "dict zones": (
        {z: pd.Series([1.0, 2.0], pd.date_range("2024", periods=2, tz=z)) for z in ("UTC", "Europe/Berlin")},
        {},
        "time zone of y differ: series 'UTC' has UTC, series 'Europe/Berlin' has Europe/Berlin; convert all to one",
    ),
    "dict kinds": (
        {"a": pd.Series([1.0]), "b": pd.Series([1.0], DAYS[:1])},
        {},
        "labels of y differ: series 'a' has integers, series 'b' has a DatetimeIndex",
    ),
    "gap": (
        long(DAYS).drop(index=[4, 5, 30]),
        {},
        "lacks 3 steps of 'D' .* in 2 of 4 series: series 'b' has no 2024-02-27 to 2024-02-28; series 'a' has",
    ),
    "off the grid": (
        broken(lambda f: f.assign(ds=f["ds"].where(f.index != 25, pd.Timestamp("2024-02-25 06:00")))),
        {},
        "series 'a' at 2024-02-25 06:00:00 is not on the grid of y: its rows have the step 'D'",
    ),
    "off the given grid": (long(DAYS), {"freq": "W"}, "series 'b' at 2024-02-23 is not on the grid.*freq='W'"),
    "weeks of different days": (
        pd.DataFrame({"unique_id": np.repeat(np.arange(7), 5), "y": 1.0}).assign(
            ds=[DAYS[0] + pd.Timedelta(s + 7 * t, "D") for s in range(7) for t in range(5)]
        ),
        {"gaps": "missing"},
        "together have steps of 'D', but most rows of a series are further apart: after series 0 at 2024-02-20 comes "
        "2024-02-27",
    ),
    "integers off the grid": (
        {"a": pd.Series([1.0, 2.0, 3.0], [0, 2, 4]), "b": pd.Series([1.0], [3])},
        {},
        "series 'b' at 3 is not on the grid.*step 2.*freq=1",
    ),
    "unknown freq": (long(DAYS), {"freq": "fortnight"}, "freq='fortnight' is no frequency of pandas"),
    "integer freq": (long(DAYS), {"freq": 3}, "freq=3 is no frequency of dates"),
    "backward freq": (long(DAYS), {"freq": "-1D"}, "does not go forwards"),
    "freq of integers": (long(GRIDS["integers"]), {"freq": "D"}, "freq='D' is no step"),
    "freq of periods": (long(GRIDS["periods"]), {"freq": "MS"}, "freq='MS' is not the frequency.*periods of 'M'"),
    "gaps": (long(DAYS), {"gaps": "fill"}, "gaps='fill' must be one of 'error', 'missing', 'compress'"),
    "too fine": (
        pd.DataFrame({"unique_id": "a", "ds": pd.to_datetime(["1970-01-01", "2024-01-01"]), "y": 1.0}),
        {"freq": "s"},
        "steps of 's' from 1970-01-01",
    ),
    "clock set back": (
        pd.DataFrame({"unique_id": "a", "y": 1.0}, range(10)).assign(
            ds=GRIDS["hours in a zone"][:10].tz_localize(None)
        ),
        {},
        "a change of the clock repeats",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    y, arguments, match = REFUSED[case]
    with pytest.raises((ValueError, TypeError), match=match):
        read_panel(y, **arguments)


def test_lazy_tables_are_no_panels():
    lazy = as_polars(long(DAYS)).lazy()
    assert not is_panel(lazy)
    with pytest.raises(TypeError, match=r"pass y.collect\(\)"):
        read_panel(lazy)
