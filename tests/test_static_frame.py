"""Static covariates: numbers, categories, the coding of the fit applied to other series, tables, and errors."""

from __future__ import annotations

import datetime
import decimal
import pickle

import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn.frame.static import read_static

IDS = pd.Index(["b", "a", "d", "c"])
SHOPS = pd.DataFrame(
    {
        "shop": ["a", "b", "c", "d", "unused"],
        "size": [1.0, 5.0, np.nan, 3.0, 1e9],
        "city": ["Bonn", "Ulm", None, "Bonn", "Kiel"],
        "open": [True, False, True, True, False],
        "floors": [1, 2, 3, 2, 100],
        "class": pd.Categorical([3, 1, 1, 2, 3], categories=[1, 2, 3]),
    }
)


def converters():
    yield "pandas", lambda frame: frame
    yield "index", lambda frame: frame.set_index("shop")
    yield "shuffled", lambda frame: frame.sample(frac=1, random_state=1)
    yield "nullable", lambda frame: frame.convert_dtypes()
    yield "objects", lambda frame: frame.assign(**{c: frame[c].astype(object) for c in ("size", "open", "floors")})
    yield "polars", lambda frame: polars.from_pandas(frame.assign(**{"class": frame["class"].astype(str)}))
    yield "pyarrow", lambda frame: pyarrow.Table.from_pandas(frame.assign(**{"class": frame["class"].astype(str)}))


CONVERT = dict(converters())


@pytest.mark.parametrize("convert", CONVERT.values(), ids=CONVERT)
def test_numbers_and_codes_by_hand(convert):
    table = convert(SHOPS)
    found = read_static(table, IDS, "shop")
    coding = found.coding
    assert coding.number_names == ("size", "open", "floors")
    assert coding.category_names == ("city", "class")
    assert coding.names == ("size", "open", "floors", "city", "class")
    size = np.array([5.0, 1.0, 3.0, 3.0])  # b, a, d, and c with the mean of the others
    deviation = np.std([5.0, 1.0, 3.0])
    assert_allclose(found.numbers[:, 0], (size - 3) / deviation)
    opened, floors = np.array([0.0, 1, 1, 1]), np.array([2.0, 1, 2, 3])
    assert_allclose(found.numbers[:, 1], (opened - opened.mean()) / opened.std())
    assert_allclose(found.numbers[:, 2], (floors - floors.mean()) / floors.std())
    assert_array_equal(found.codes, [[1, 1], [2, 2], [2, 3], [0, 1]])
    assert [tuple(map(str, each)) for each in coding.categories] == [("Ulm", "Bonn"), ("1", "3", "2")]
    assert coding.cardinalities == (3, 4)
    assert found.numbers.dtype == np.float64
    assert found.codes.dtype == np.int64


@pytest.mark.parametrize("convert", CONVERT.values(), ids=CONVERT)
def test_the_coding_of_the_fit(convert):
    coding = pickle.loads(pickle.dumps(read_static(SHOPS, IDS, "shop").coding))
    new = pd.DataFrame(
        {
            "shop": ["x", "y"],
            "city": ["Bonn", "Mainz"],
            "class": pd.Categorical([2, 9]),
            "size": [7.0, np.nan],
            "open": [True, False],
            "floors": [2, 50],
        }
    )
    if isinstance(convert(SHOPS), polars.DataFrame | pyarrow.Table):  # whose class was converted to text
        coding = read_static(convert(SHOPS), IDS, "shop").coding
    found = read_static(convert(new), pd.Index(["x", "y"]), "shop", known=coding)
    assert found.coding is coding
    assert_array_equal(found.codes, [[2, 3], [0, 0]])
    assert_allclose(found.numbers[:, 0], [(7 - 3) / np.std([5.0, 1.0, 3.0]), 0.0])
    assert_allclose(found.numbers[:, 2], ([2, 50] - coding.mean[2]) / coding.deviation[2])


def test_the_table_is_not_changed():
    before = SHOPS.copy()
    read_static(SHOPS, IDS, "shop")
    pd.testing.assert_frame_equal(SHOPS, before)


def test_kinds_of_columns_alone():
    ids = pd.Index([10, 20])
    numbers = read_static(pd.DataFrame({"a": [1.0, 2.0]}, ids), ids, "unique_id")
    assert numbers.codes.shape == (2, 0)
    assert_allclose(numbers.numbers[:, 0], [-1, 1])
    texts = read_static(pd.Series(["u", "v"], ids, name="kind"), ids, "unique_id")
    assert texts.numbers.shape == (2, 0)
    assert_array_equal(texts.codes, [[1], [2]])
    pairs = read_static(pd.DataFrame({"at": [(1, 2), (1, 2)]}, ids), ids, "unique_id")
    assert_array_equal(pairs.codes, [[1], [1]])
    decimals = read_static(pd.DataFrame({"a": [decimal.Decimal(1), 3]}, ids, dtype=object), ids, "unique_id")
    assert_allclose(decimals.numbers[:, 0], [-1, 1])


@pytest.mark.parametrize("value", [0.1, 7.0, 1e300, 1e-300, 0.0])
def test_a_constant(value):
    ids = pd.Index(["a", "b", "c"])
    found = read_static(pd.DataFrame({"x": [value] * 3}, ids), ids, "unique_id")
    assert_array_equal(found.numbers, 0.0)
    assert_array_equal(found.coding.deviation, 1.0)


@pytest.mark.parametrize("unit", [1e-300, 1e300])
def test_the_unit_does_not_matter(unit):
    ids = pd.Index(["a", "b", "c"])
    found = read_static(pd.DataFrame({"x": unit * np.array([1.0, 2.0, 4.0])}, ids), ids, "unique_id")
    expected = read_static(pd.DataFrame({"x": [1.0, 2.0, 4.0]}, ids), ids, "unique_id")
    assert_allclose(found.numbers, expected.numbers)


def test_categorical_ids():
    found = read_static(SHOPS, pd.CategoricalIndex(["b", "a"]), "shop")
    assert_array_equal(found.codes[:, 0], [1, 2])
    table = SHOPS.assign(shop=SHOPS["shop"].astype("category"))
    assert_array_equal(read_static(table, IDS, "shop").codes, read_static(SHOPS, IDS, "shop").codes)


# ------------------------------------------------------------ errors
def refuses(static, match, ids=IDS, error=ValueError, **options):
    with pytest.raises(error, match=match):
        read_static(static, ids, "shop", **options)


def test_ids_without_a_row():
    ids = pd.Index(["a", *(f"new{i}" for i in range(9))])
    refuses(SHOPS, r"static has no row for 9 of 10 ids: 'new0', .*'new4', \.\.\.; its ids are such as 'a'", ids)
    refuses(SHOPS.assign(shop=range(5)), r"no row for 4 of 4 ids: 'b', 'a', 'd', 'c'; its ids are such as 0\b")
    refuses(SHOPS[:0], "no row for 4 of 4 ids")


def test_an_id_twice():
    refuses(pd.concat([SHOPS, SHOPS[:1]]), r"more than one row for the id 'a'; keep one.*drop_duplicates\('shop'\)")
    refuses(pd.concat([SHOPS, SHOPS[:3]]), "more than one row for the id 'a', and for 2 more ids")
    static = pd.concat([SHOPS, SHOPS[:1]]).set_index("shop")
    refuses(static, r"keep one row for each id, as with static\[~static.index.duplicated\(\)\]")
    found = read_static(static[~static.index.duplicated()], IDS, "shop")
    assert_array_equal(found.codes, read_static(SHOPS, IDS, "shop").codes)


def test_no_columns_and_double_columns():
    refuses(SHOPS[["shop"]], "static has no column beside the ids")
    refuses(polars.DataFrame({"shop": ["a"]}), "static has no column beside the ids")
    refuses(pd.concat([SHOPS, SHOPS[["size"]]], axis=1), "more than one column 'size'")
    refuses(polars.from_pandas(SHOPS[["size", "city"]]), r"static has no column 'shop' of ids, but \['size', 'city'\]")


@pytest.mark.parametrize(
    ("column", "match"),
    [
        ([1, "big", 2, 3, 4], r"static\['x'\] has values of two kinds, 'big' and 1: convert"),
        (["u", (1, 2), "u", "u", "u"], r"static\['x'\] has values of two kinds, \(1, 2\) and 'u'"),
        (pd.Categorical(["u", 3, "u", "u", "u"]), r"static\['x'\] has values of two kinds, 3 and 'u'"),
        ([[1, 2]] * 5, r"static\['x'\] holds \[1, 2\], whose type list cannot be a category"),
        ([1.0, np.inf, 1, 1, 1], r"static\['x'\] is inf for the id 'b'; pass a finite number, or NaN for the mean"),
        ([np.nan] * 5, r"static\['x'\] has no value: all 4 are missing"),
        ([1 + 1j] * 5, r"static\['x'\] holds \(1\+1j\), not a number or category: leave it out"),
        ([datetime.date(2024, 5, 1)] * 5, r"static\['x'\] holds datetime.date\(2024, 5, 1\), not a number or category"),
        (pd.date_range("2024-05-01", periods=5), r"static\['x'\] holds Timestamp\('2024-05-02.*, not a number"),
        (pd.period_range("2024-05-01", periods=5), r"static\['x'\] holds Period\('2024-05-02.*, not a number"),
        (pd.timedelta_range("1h", periods=5), r"static\['x'\] holds Timedelta.*, not a number"),
    ],
    ids=[
        "mixed",
        "objects",
        "categories",
        "lists",
        "infinite",
        "empty",
        "complex",
        "date",
        "Timestamp",
        "Period",
        "Timedelta",
    ],
)
def test_columns_that_are_refused(column, match):
    refuses(SHOPS.assign(x=column), match)


def test_dates_of_other_libraries():
    table = SHOPS[["shop", "size"]].assign(since=pd.date_range("2024-05-01", periods=5))
    refuses(polars.from_pandas(table), r"static\['since'\] holds dates, not numbers or categories: leave it out")
    refuses(pyarrow.Table.from_pandas(table), r"static\['since'\] holds dates")


def test_other_columns_than_in_the_fit():
    coding = read_static(SHOPS, IDS, "shop").coding
    refuses(SHOPS.drop(columns="size"), r"static has the columns .* but the fit had .*'size'", known=coding)
    refuses(SHOPS.assign(x=1), r"static has the columns .*'x'.* but the fit had", known=coding)
    refuses(SHOPS.assign(size="big"), r"static\['size'\] holds 'big', but it was a column of numbers", known=coding)
    refuses(SHOPS.assign(city=1.5), r"static\['city'\] holds 1.5, but in the fit it had .* such as 'Ulm'", known=coding)


@pytest.mark.parametrize("static", [{"a": 1}, [[1.0]], np.zeros((4, 2)), None, "a", polars.Series([1.0])])
def test_what_is_no_table(static):
    refuses(static, "static has type .*pass a table with one row for each series", error=TypeError)
