"""Frames of the steps to forecast: `make_future`, filled in, is what `predict` takes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
from numpy.testing import assert_allclose

from tsrnn import ARForecaster, LSTMForecaster, make_future

MONTHS = pd.date_range("2020-01-01", periods=44, freq="MS")
#: Number of rows of each series, and its first month.
LENGTHS = {"b": (40, 0), "a": (36, 4), "c": (38, 2)}
TINY = {"horizon": 3, "max_epochs": 1, "hidden_size": 2, "random_state": 0}


def long_frame(id="unique_id", time="ds", target="y"):
    """Three series of different spans; the target follows the price."""
    rng, parts = np.random.default_rng(0), []
    for name, (n, first) in LENGTHS.items():
        price = rng.normal(size=n)
        dates = MONTHS[first : first + n]
        parts.append(
            pd.DataFrame(
                {id: name, time: dates, target: 5 + price + rng.normal(size=n), "price": price, "promo": price > 1}
            )
        )
    return pd.concat(parts, ignore_index=True)


def expected(h):
    """Ids and months of the `h` steps after the end of each series."""
    ends = {name: first + n for name, (n, first) in LENGTHS.items()}
    months = pd.date_range(MONTHS[0], periods=60, freq="MS")
    return [(name, months[end + k]) for name, end in ends.items() for k in range(h)]


def fitted(data, **options):
    return LSTMForecaster(**TINY).fit(data, future=["price", "promo"], **options)


# ---------------------------------------------------------------- panels
def test_the_frame_of_a_forecaster_is_what_predict_takes():
    forecaster = fitted(long_frame())
    X = make_future(forecaster)
    assert list(X.columns) == ["unique_id", "ds", "price", "promo"]
    assert list(zip(X["unique_id"], X["ds"], strict=True)) == expected(3)
    assert X[["price", "promo"]].isna().all(axis=None)
    with pytest.raises(ValueError, match=r"X\['price'\] is missing at every step to forecast"):
        forecaster.predict(X)
    answer = forecaster.predict(X.assign(price=0.0, promo=1.0))
    assert list(zip(answer["unique_id"], answer["ds"], strict=True)) == expected(3)
    assert list(make_future(forecaster, 5)["ds"]) == [month for _, month in expected(5)]


def test_names_of_the_columns_are_those_of_the_panel():
    forecaster = fitted(long_frame("shop", "month", "sales"), id="shop", time="month", target="sales")
    X = make_future(forecaster, 2)
    assert list(X.columns) == ["shop", "month", "price", "promo"]
    assert len(forecaster.predict(X.fillna(0.0))) == 6


def test_two_index_levels():
    forecaster = fitted(long_frame().set_index(["unique_id", "ds"]), target="y")
    X = make_future(forecaster, 2)
    assert X.index.names == ["unique_id", "ds"]
    assert list(X.index) == expected(2)
    assert forecaster.predict(X.fillna(0.0)).index.equals(X.index)


def test_a_dict_of_series_gets_a_long_frame():
    table = long_frame()
    panel = {name: part.set_index("ds")["y"] for name, part in table.groupby("unique_id", sort=False)}
    forecaster = LSTMForecaster(**TINY).fit(table[["unique_id", "ds", "price"]], panel)
    X = make_future(forecaster, 2)
    assert list(X.columns) == ["unique_id", "ds", "price"]
    answer = forecaster.predict(X.fillna(0.0))
    assert list(answer) == list(LENGTHS)
    assert all(len(series) == 2 for series in answer.values())


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_other_libraries(library):
    convert = polars.from_pandas if library == "polars" else pyarrow.Table.from_pandas
    forecaster = fitted(convert(long_frame()))
    X = make_future(forecaster, 2)
    assert type(X).__module__.startswith(library)
    plain = X.to_pandas()
    assert list(zip(plain["unique_id"], plain["ds"], strict=True)) == expected(2)
    assert plain["price"].isna().all()
    answer = forecaster.predict(convert(plain.fillna(0.0)))
    same = fitted(long_frame()).predict(plain.fillna(0.0))
    assert type(answer) is type(X)
    assert_allclose(answer.to_pandas()["y"], same["y"])


def test_after_an_update_the_frame_begins_later():
    table = long_frame()
    is_last = table.groupby("unique_id").cumcount(ascending=False) < 2
    forecaster = fitted(table[~is_last]).update(table[is_last])
    X = make_future(forecaster, 1)
    assert list(zip(X["unique_id"], X["ds"], strict=True)) == expected(1)
    assert len(forecaster.predict(X.fillna(0.0))) == 3


def test_skipped_series_have_no_rows():
    short = pd.DataFrame({"unique_id": ["z"], "ds": MONTHS[:1], "y": [1.0], "price": [0.0], "promo": [False]})
    forecaster = fitted(pd.concat([short, long_frame()]), short="skip")
    X = make_future(forecaster, 2)
    assert list(zip(X["unique_id"], X["ds"], strict=True)) == expected(2)
    assert len(forecaster.predict(X.fillna(0.0))) == 6


def test_a_panel_without_a_forecaster():
    table = long_frame("shop", "month", "sales")
    X = make_future(table, 2, id="shop", time="month", target="sales", future=["price"])
    assert list(X.columns) == ["shop", "month", "price"]
    assert list(zip(X["shop"], X["month"], strict=True)) == expected(2)
    gaps = table.drop(index=[5, 6])  # what happens at gaps is a matter of the fit
    pd.testing.assert_frame_equal(make_future(gaps, 2, id="shop", time="month", target="sales", future=["price"]), X)
    alone = make_future(long_frame()[["unique_id", "ds", "y"]], 1)
    assert list(alone.columns) == ["unique_id", "ds"]
    with pytest.raises(ValueError, match="name the column of the target with target="):
        make_future(table, 2, id="shop", time="month", future=["price"])
    pair = pd.DataFrame({"unique_id": "a", "ds": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-07"]), "y": 1.0})
    assert make_future(pair, 1, freq="D")["ds"].tolist() == [pd.Timestamp("2024-01-08")]


def test_times_without_a_frequency_are_refused():
    times = pd.to_datetime(["2024-01-01 00:00", "2024-01-03 01:07", "2024-02-07 05:31"])
    with pytest.raises(ValueError, match="pass it as freq=, such as freq='D'"):
        make_future(pd.DataFrame({"unique_id": "a", "ds": times, "y": 1.0}), 1)


# ---------------------------------------------------------------- a wrong frame
def test_errors_list_the_missing_ids_and_dates():
    forecaster = fitted(long_frame())
    X = make_future(forecaster, 2).fillna(0.0)
    lacking = X.drop(index=[1, 2])
    with pytest.raises(ValueError, match="X has no row for") as error:
        forecaster.predict(lacking)
    (name_1, month_1), (name_2, month_2) = expected(2)[1:3]
    assert f"series {name_1!r} at {month_1.date()}, series {name_2!r} at {month_2.date()}" in str(error.value)
    assert "2 of 6 are missing" in str(error.value)
    with pytest.raises(ValueError, match=r"series 'a' at .*, series 'a' at .*, series 'c' at .*, \.\.\.; .*4 of 6"):
        forecaster.predict(X[X["unique_id"] == "b"])
    with pytest.raises(ValueError, match="X has no column 'promo'"):
        forecaster.predict(X.drop(columns="promo"))
    with pytest.raises(TypeError, match=r"horizon=3 is not enough .* 'price', 'promo' .*make_future\("):
        forecaster.predict(3)
    with pytest.raises(TypeError, match="horizon=None is not enough"):
        forecaster.predict()


# ---------------------------------------------------------------- one series
def one_series():
    part = long_frame()
    part = part[part["unique_id"] == "b"].set_index("ds").asfreq("MS")
    return part[["price", "promo"]].astype(float), part["y"]


def test_one_series():
    X, y = one_series()
    forecaster = ARForecaster(horizon=4).fit(X, y)
    ahead = make_future(forecaster)
    assert list(ahead.columns) == ["price", "promo"]
    assert ahead.index.equals(MONTHS[40:44])
    assert ahead.isna().all(axis=None)
    with pytest.raises(ValueError, match=r"X\['price'\] is missing at every step"):
        forecaster.predict(ahead)
    assert forecaster.predict(ahead.fillna(0.0)).index.equals(MONTHS[40:44])
    later = ARForecaster().fit(X[:-2], y[:-2]).update(y[-2:], X[-2:])
    assert make_future(later, 1).index.equals(MONTHS[40:41])
    assert make_future(y, 2, future=["price"]).equals(ahead[["price"]][:2])
    assert make_future(y.to_frame(), 2).shape == (2, 0)


def test_arrays_get_numbered_columns():
    X, y = one_series()
    forecaster = ARForecaster(horizon=2).fit(X.to_numpy(), y.to_numpy())
    ahead = make_future(forecaster)
    assert (list(ahead.columns), list(ahead.index)) == (["x0", "x1"], [40, 41])
    assert_allclose(forecaster.predict(ahead.fillna(1.0)), forecaster.predict(np.ones((2, 2))))


def test_one_series_of_polars():
    X, y = one_series()
    forecaster = ARForecaster(horizon=2).fit(polars.from_pandas(X.reset_index()), polars.from_pandas(y.reset_index()))
    ahead = make_future(forecaster)
    assert isinstance(ahead, polars.DataFrame)
    assert ahead.columns == ["ds", "price", "promo"]
    assert ahead["ds"].to_list() == list(MONTHS[40:42])
    answer = forecaster.predict(ahead.with_columns(price=polars.lit(0.0), promo=polars.lit(0.0)))
    assert answer["ds"].to_list() == list(MONTHS[40:42])


# ---------------------------------------------------------------- arguments
def test_arguments_that_do_not_fit():
    X, y = one_series()
    with pytest.raises(ValueError, match=r"without covariates known ahead, .* predict\(12\)"):
        make_future(ARForecaster().fit(y))
    with pytest.raises(ValueError, match="is not fitted"):
        make_future(ARForecaster(), 3)
    with pytest.raises(ValueError, match="freq='MS' is for data, but a fitted ARForecaster has its own"):
        make_future(ARForecaster().fit(X, y), 3, freq="MS")
    with pytest.raises(TypeError, match="needs a horizon for data"):
        make_future(y)
    with pytest.raises(ValueError, match="horizon=0 must be at least 1"):
        make_future(y, 0)
    with pytest.raises(ValueError, match="time='ds' is for panels, but these data are one series"):
        make_future(y, 3, time="ds")
    with pytest.raises(TypeError, match="future='price' must be a list of names"):
        make_future(y, 3, future="price")
