"""Mends: every expression that an error suggests is run, and its result must be readable and keep every value."""

from __future__ import annotations

import ast
import re

import numpy as np
import pandas as pd
import pytest

from tsrnn import ARForecaster
from tsrnn.frame import check_continuation, read_covariates, read_target, steps_ahead

RNG = np.random.default_rng(0)


def dates(start, n, freq="D", tz=None):
    return pd.date_range(start, periods=n, freq=freq, tz=tz)


def bare(index):
    """The same dates without their frequency."""
    return pd.DatetimeIndex(list(index))


def jittered(index, seconds):
    return bare(index + pd.to_timedelta(RNG.integers(-seconds, seconds, len(index)), unit="s"))


def mends_in(message, *names):
    """The Python expressions in a message that begin with one of the names, `np` or `pd`."""
    found, position = [], 0
    for start in re.finditer(rf"\b(?:{'|'.join(names)}|np|pd)[.\[]", message):
        if start.start() < position:
            continue
        for end in range(len(message), start.end(), -1):
            text = message[start.start() : end]
            try:
                tree = ast.parse(text, mode="eval")
            except SyntaxError:
                continue
            if isinstance(tree.body, ast.Tuple | ast.BoolOp):  # a comma or an "or" of the sentence
                continue
            used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            if used & set(names) and used <= {*names, "np", "pd", "range", "list", "len", "str"}:
                found.append(text.rstrip(" ."))
                position = end
            break
    return found


def test_mends_are_found_in_texts():
    text = "y is odd: y is 3; use y.asfreq('D') (1 step) or pd.Series(y[~y.index.isna()]), or np.where(y, 1, 2)."
    assert mends_in(text, "y") == ["y.asfreq('D')", "pd.Series(y[~y.index.isna()])", "np.where(y, 1, 2)"]


MONTHS, MIDDLES = dates("2001-01-01", 36, "MS"), bare(dates("2001-01-01", 36, "MS") + pd.Timedelta(14, unit="D"))
CAIRO = dates("2023-03-01", 80).tz_localize("Africa/Cairo", nonexistent="shift_forward")
HOURS, DAYS = dates("2001-01-01", 60, "h"), dates("2001-01-01", 60)

#: Index and its mend.
INDEXES = {
    "months on the 15th": (MIDDLES, "y.to_period('M')"),
    "months on the 15th with a gap": (
        MIDDLES.delete(5),
        "y.to_period('M').reindex(pd.period_range('2001-01', '2003-12', freq='M'))",
    ),
    "months on the 15th in a zone": (MIDDLES.tz_localize("Europe/Berlin"), "y.tz_localize(None).to_period('M')"),
    "months on any day": (bare(MONTHS + pd.to_timedelta(RNG.integers(0, 28, 36), unit="D")), "y.to_period('M')"),
    "quarters on any day": (
        bare(dates("2001-01-01", 20, "QS") + pd.to_timedelta(RNG.integers(0, 80, 20), unit="D")),
        "y.to_period('Q')",
    ),
    "half months": (bare(dates("2001-01-01", 30, "SMS")), "y.asfreq('SMS')"),
    "half months, ends": (bare(dates("2001-01-01", 30, "SME")), "y.asfreq('SME')"),
    "the 5th and 20th": (
        pd.DatetimeIndex([f"2001-{m:02}-{d:02}" for m in range(1, 13) for d in (5, 20)]),
        "y.reset_index(drop=True)",
    ),
    "4-4-5 weeks": (bare(dates("2000-01-29", 250, "7D")[np.cumsum([4, 4, 5] * 16)]), "y.to_period('M')"),
    "4-4-5 weeks, from elsewhere": (
        bare(dates("2001-01-01", 700, "7D")[np.cumsum([4, 4, 5] * 50)]),
        "y.reset_index(drop=True)",
    ),
    "jittered hours": (jittered(HOURS, 200), "y.set_axis(y.index.round('h'))"),
    "jittered hours with a gap": (jittered(HOURS, 200).delete(7), "y.set_axis(y.index.round('h')).asfreq('h')"),
    "jittered hours in a zone": (jittered(HOURS, 200).tz_localize("Europe/Berlin"), "y.set_axis(y.index.round('h'))"),
    "jittered quarter-hours": (jittered(dates("2001-01-01", 60, "15min"), 100), "y.set_axis(y.index.round('15min'))"),
    "jittered minutes": (jittered(dates("2001-01-01", 60, "min"), 20), "y.set_axis(y.index.round('min'))"),
    "days at any time": (jittered(dates("2001-01-01 12:00", 60), 40000), "y.set_axis(y.index.normalize())"),
    "a missing month": (MONTHS.delete(9), "y.asfreq('MS')"),
    "a missing day": (DAYS.delete(20), "y.asfreq('D')"),
    "weekends missing and a holiday": (dates("2001-01-01", 60, "B").delete(20), "y.asfreq('B')"),
    "rare events": (pd.DatetimeIndex(["2001-01-01", "2001-01-02", "2001-02-09"]), "y.reset_index(drop=True)"),
    "two years": (pd.DatetimeIndex(["2000", "2001"]), "y.asfreq('YS')"),
    "one date": (pd.DatetimeIndex(["2000"]), "y.asfreq('D')"),
    "days of universal time": (
        bare(dates("2024-03-01", 60, tz="UTC").tz_convert("Europe/Berlin")),
        "y.tz_convert('UTC')",
    ),
    "six hours of a wall clock": (
        bare(dates("2024-03-25", 60, "6h").tz_localize("Europe/Berlin")),
        "y.tz_localize(None)",
    ),
    "a gap before a change of the clock": (
        bare(CAIRO.delete(10)),
        "y.reindex(pd.date_range('2023-03-01 00:00:00', '2023-05-19 00:00:00', freq='D')"
        ".tz_localize(y.index.tz, ambiguous=True, nonexistent='shift_forward'))",
    ),
    "the moved label is missing": (
        bare(CAIRO.delete(58)),
        "y.reindex(pd.date_range('2023-03-01 00:00:00', '2023-05-19 00:00:00', freq='D')"
        ".tz_localize(y.index.tz, ambiguous=True, nonexistent='shift_forward'))",
    ),
    "Arrow timestamps": (
        pd.Index(DAYS).astype("timestamp[ns][pyarrow]"),
        "y.set_axis(pd.DatetimeIndex(y.index.to_numpy()))",
    ),
    "Arrow dates": (pd.Index(list(DAYS.date), dtype="date32[day][pyarrow]"), "y.set_axis(pd.to_datetime(y.index))"),
    "dates of the standard library": (pd.Index(list(DAYS.date)), "y.set_axis(pd.to_datetime(y.index))"),
    "timestamps as objects": (DAYS.astype(object), "y.set_axis(pd.to_datetime(y.index))"),
    "periods as objects": (
        pd.period_range("2001-01", periods=9, freq="M").astype(object),
        "y.set_axis(pd.PeriodIndex(y.index))",
    ),
    "ISO dates as text": (MONTHS.strftime("%Y-%m-%d"), "y.set_axis(pd.to_datetime(y.index))"),
    "ISO dates as text with a gap": (
        MONTHS.delete(4).strftime("%Y-%m-%d"),
        "y.set_axis(pd.to_datetime(y.index)).asfreq('MS')",
    ),
    "months as text": (MONTHS.strftime("%Y-%m"), "y.set_axis(pd.to_datetime(y.index))"),
    "ISO dates in categories": (
        pd.CategoricalIndex(MONTHS.strftime("%Y-%m-%d")),
        "y.set_axis(pd.to_datetime(y.index))",
    ),
    "the day first": (MONTHS.strftime("%d/%m/%Y"), "y.set_axis(pd.to_datetime(y.index, format='%d/%m/%Y'))"),
    "the month first": (DAYS.strftime("%m/%d/%Y"), "y.set_axis(pd.to_datetime(y.index, format='%m/%d/%Y'))"),
    "with dots": (DAYS.strftime("%d.%m.%Y"), "y.set_axis(pd.to_datetime(y.index, format='%d.%m.%Y'))"),
    "names of months": (MONTHS.strftime("%b-%y"), "y.set_axis(pd.to_datetime(y.index, format='%b-%y'))"),
    "quarters as text": (
        pd.Index([f"{year}-Q{q}" for year in (2001, 2002) for q in (1, 2, 3, 4)]),
        "y.set_axis(pd.PeriodIndex(y.index, freq='Q'))",
    ),
    "statistical months": (
        pd.Index([f"{year}M{m:02}" for year in (2001, 2002) for m in range(1, 13)]),
        "y.set_axis(pd.to_datetime(y.index, format='%YM%m'))",
    ),
    "offsets of two seasons": (
        pd.Index([f"2001-03-{day}T00:00+0{1 + (day > 25)}:00" for day in range(20, 30)]),
        "y.set_axis(pd.to_datetime(y.index.str.replace(r'[+-]\\d\\d:?\\d\\d$', '', regex=True)))",
    ),
    "years as text": (pd.Index(["2001", "2002", "2003"]), "y.set_axis(y.index.astype('int64'))"),
    "months as digits": (MONTHS.strftime("%Y%m"), "y.set_axis(pd.to_datetime(y.index, format='%Y%m'))"),
    "months as numbers": (
        MONTHS.strftime("%Y%m").astype(int),
        "y.set_axis(pd.to_datetime(y.index.astype(str), format='%Y%m'))",
    ),
    "days as numbers": (
        DAYS.strftime("%Y%m%d").astype(int),
        "y.set_axis(pd.to_datetime(y.index.astype(str), format='%Y%m%d'))",
    ),
    "years as floats": (pd.Index([2001.0, 2002, 2003]), "y.set_axis(y.index.astype('int64'))"),
    "years as floats with a gap": (
        pd.Index([2001.0, 2002, 2004]),
        "y.set_axis(y.index.astype('int64')).reindex(range(2001, 2005))",
    ),
    "months as parts of years": (
        pd.Index(2001 + np.arange(30) / 12),
        "y.set_axis(pd.period_range('2001-01', periods=len(y), freq='M'))",
    ),
    "quarters as parts of years": (
        pd.Index(2001.25 + np.arange(9) / 4),
        "y.set_axis(pd.period_range('2001Q2', periods=len(y), freq='Q'))",
    ),
    "seconds": (pd.Index(np.arange(9) / 2), "y.reset_index(drop=True)"),
    "infinity": (pd.Index([1.0, 2.0, np.inf]), "y.reset_index(drop=True)"),
    "time deltas": (pd.to_timedelta([1, 2, 3], unit="h"), "y.reset_index(drop=True)"),
    "advice": (pd.Index(list("abc")), "y.reset_index(drop=True)"),
    "mixed objects": (pd.Index([1, "a", None]), "y.reset_index(drop=True)"),
    "intervals": (pd.interval_range(pd.Timestamp("2001"), periods=5, freq="D"), "y.set_axis(y.index.left)"),
    "integers with a gap": (pd.Index([1, 2, 4]), "y.reindex(range(1, 5))"),
    "tens with a gap": (pd.Index([0, 10, 30, 40]), "y.reindex(range(0, 50, 10))"),
    "squares": (pd.Index(np.arange(60) ** 2), "y.reset_index(drop=True)"),
    "newest first": (DAYS[::-1], "y.sort_index()"),
    "unsorted with a gap": (DAYS[[3, 1, 0]], "y.sort_index().asfreq('D')"),
    "unsorted events": (
        pd.DatetimeIndex(["2001-05-01", "2001-01-07", "2003-01-01"]),
        "y.sort_index().reset_index(drop=True)",
    ),
    "two series": (
        DAYS.append(DAYS),
        "y.set_axis(pd.MultiIndex.from_arrays([y.index, y.groupby(level=0).cumcount()])).unstack()",
    ),
    "one date twice": (DAYS[[0, 1, 1, 2]], "y.reset_index(drop=True)"),
    "no date": (pd.DatetimeIndex(["2001-01-01", "2001-01-02", None, "2001-01-03"]), "y.reset_index(drop=True)"),
    "months with a gap": (
        pd.period_range("2000", periods=9, freq="M").delete(4),
        "y.reindex(pd.period_range('2000-01', '2000-09', freq='M'))",
    ),
    "weeks with a gap": (
        pd.period_range("2000", periods=9, freq="W").delete(4),
        "y.reindex(pd.period_range('1999-12-27/2000-01-02', '2000-02-21/2000-02-27', freq='W-SUN'))",
    ),
    "a day of each month": (
        pd.period_range("2000", periods=400, freq="D")[[0, 40, 70, 100]],
        "y.set_axis(y.index.asfreq('M'))",
    ),
    "a panel": (pd.MultiIndex.from_product([["a", "b"], DAYS]), "y.unstack(0)"),
    "a panel, dates first": (pd.MultiIndex.from_product([DAYS, ["a", "b"]]), "y.unstack(1)"),
    "a panel of one series": (pd.MultiIndex.from_product([["a"], DAYS]), "y.droplevel(0)"),
    "three levels": (pd.MultiIndex.from_product([["a", "b"], ["c", "d"], DAYS]), "y.unstack([0, 1])"),
    "year and month": (
        pd.MultiIndex.from_product([range(2001, 2004), range(1, 13)]),
        "y.set_axis(pd.PeriodIndex.from_fields(year=list(y.index.get_level_values(0)), "
        "month=list(y.index.get_level_values(1)), freq='M'))",
    ),
    "large unsigned integers": (pd.Index([2**63, 2**63 + 1], dtype="uint64"), "y.reset_index(drop=True)"),
}


def kept(before, after):
    """Whether all observed values are still there, each once."""
    values = np.sort(np.asarray(after, dtype=float).ravel())
    return np.array_equal(values[~np.isnan(values)], np.sort(np.asarray(before, dtype=float).ravel()))


@pytest.mark.parametrize("form", [lambda s: s, lambda s: pd.DataFrame({"a": s, "b": -s})], ids=["series", "frame"])
@pytest.mark.parametrize(("index", "mend"), INDEXES.values(), ids=INDEXES)
def test_mends_of_an_index(index, mend, form):
    y = form(pd.Series(1.0 + np.arange(len(index)), index))
    with pytest.raises(ValueError, match="y ") as caught:
        read_target(y)
    assert mends_in(str(caught.value), "y") == [mend]
    mended = eval(mend, {"y": y, "pd": pd, "np": np})
    target = read_target(mended)
    assert kept(y, target.values)
    n_missing = re.search(r"\((\d+) of its (\d+) steps becomes? missing, which fit masks\)", str(caught.value))
    if n_missing:
        assert int(n_missing[2]) == len(mended)
        assert int(n_missing[1]) == len(mended) - len(y)
    else:
        assert len(mended) <= len(y)


def test_both_readings_are_offered():
    y = pd.Series(np.arange(12.0), dates("2001-01-01", 12, "MS").strftime("%d/%m/%Y"))
    with pytest.raises(ValueError, match="the dates can be read in two ways") as caught:
        read_target(y)
    mends = mends_in(str(caught.value), "y")
    assert [mend.partition("format=")[2] for mend in mends] == ["'%d/%m/%Y'))", "'%m/%d/%Y'))"]
    for mend in mends:
        assert kept(y, read_target(eval(mend, {"y": y, "pd": pd})).values)


@pytest.mark.parametrize(
    ("y", "mend"),
    [
        (pd.Series([1.0, 2, 2, 3], DAYS[[0, 1, 1, 2]]), "y[~y.index.duplicated()]"),
        (pd.Series([1.0, np.nan, np.nan, 3], DAYS[[0, 1, 1, 2]]), "y[~y.index.duplicated()]"),
        (pd.Series([1.0, 2, 3, 2], DAYS[[0, 1, 2, 1]]), "y[~y.index.duplicated()]"),
        (pd.Series([1.0, 2, np.nan, 3], pd.DatetimeIndex([*DAYS[:2], None, DAYS[2]])), "y[y.index.notna()]"),
    ],
)
def test_repeated_rows_may_be_dropped(y, mend):
    with pytest.raises(ValueError, match="the index of y") as caught:
        read_target(y)
    found = mends_in(str(caught.value), "y")
    assert len(found) == 1
    assert found == [mend]
    target = read_target(eval(mend, {"y": y, "pd": pd}))
    assert target.values[:, 0].tolist() == pytest.approx(
        y[~y.index.duplicated()].sort_index().iloc[:3].tolist(), nan_ok=True
    )


def test_several_series_in_one_column():
    y = pd.DataFrame(
        {"store": ["a"] * 9 + ["b"] * 9, "sales": np.arange(18.0)}, dates("2001-01-01", 9).repeat(1).append(DAYS[:9])
    )
    with pytest.raises(ValueError, match="several series, which the column 'store' distinguishes") as caught:
        read_target(y)
    mended = eval(*mends_in(str(caught.value), "y"), {"y": y, "pd": pd})
    assert mended.shape == (9, 2)
    assert kept(y["sales"], read_target(mended).values)


@pytest.mark.parametrize(
    "y",
    [
        pd.Series([1.0, np.inf, 3], DAYS[:3]),
        pd.DataFrame({"a": [1.0, -np.inf], "b": [1.0, 2.0]}),
        np.array([[1, 2], [np.inf, 3]]),
        np.array([1.0, -np.inf]),
    ],
)
def test_mends_of_infinite_values(y):
    with pytest.raises(ValueError, match="inf") as caught:
        read_target(y)
    mend = mends_in(str(caught.value), "y")[-1]  # the first may be the place of the value
    values = read_target(eval(mend, {"y": y, "np": np})).values
    assert kept(np.asarray(y)[np.isfinite(np.asarray(y))], values)


# ---- labels that come later ------------------------------------------------------------------------------------------

FOLLOWING = {
    "a gap": (DAYS, dates("2001-03-05", 3), "y_new.reindex(pd.date_range('2001-03-02', '2001-03-07', freq='D'))"),
    "a gap of hours in a zone": (
        dates("2024-03-30", 20, "h", "Europe/Berlin"),
        dates("2024-03-31", 8, "h", "Europe/Berlin"),
        "y_new.reindex(pd.date_range('2024-03-30 19:00:00', '2024-03-31 06:00:00', freq='h', tz='UTC')"
        ".tz_convert(y_new.index.tz))",
    ),
    "a gap over a change of the clock": (
        CAIRO[:50],
        CAIRO[57:70],
        "y_new.reindex(pd.date_range('2023-04-20', '2023-05-09', freq='D')"
        ".tz_localize(y_new.index.tz, ambiguous=True, nonexistent='shift_forward'))",
    ),
    "a gap of months": (
        pd.period_range("2001-01", periods=9, freq="M"),
        pd.period_range("2002-01", periods=9, freq="M"),
        "y_new.reindex(pd.period_range('2001-10', '2002-09', freq='M'))",
    ),
    "a gap of integers": (pd.RangeIndex(0, 50, 5), pd.RangeIndex(70, 80, 5), "y_new.reindex(range(50, 80, 5))"),
    "an overlap": (DAYS, dates("2001-02-20", 30), "y_new[y_new.index > '2001-03-01']"),
    "an overlap of integers": (pd.RangeIndex(9), pd.RangeIndex(5, 20), "y_new[y_new.index > 8]"),
    "an overlap of months": (
        pd.period_range("2001-01", periods=9, freq="M"),
        pd.period_range("2001-05", periods=9, freq="M"),
        "y_new[y_new.index > '2001-09']",
    ),
    "at noon": (DAYS, dates("2001-03-02 12:00", 3), "y_new.set_axis(y_new.index.floor('D'))"),
    "every second day": (DAYS, dates("2001-03-02", 9, "2D"), "y_new.asfreq('D')"),
    "no zone": (CAIRO[:50], dates("2023-04-20", 5), "y_new.tz_localize('Africa/Cairo')"),
    "no zone over a change": (
        CAIRO[:50],
        dates("2023-04-20", 15),
        "y_new.tz_localize('Africa/Cairo', ambiguous=True, nonexistent='shift_forward')",
    ),
    "a zone": (DAYS, dates("2001-03-02", 5, tz="Europe/Berlin"), "y_new.tz_localize(None)"),
    "another zone": (
        CAIRO[:50],
        dates("2023-04-20", 5, tz="Asia/Tokyo"),
        "y_new.tz_localize(None).tz_localize('Africa/Cairo')",
    ),
    "periods": (MONTHS, pd.period_range("2004-01", periods=5, freq="M"), "y_new.to_timestamp()"),
    "periods at month ends": (
        dates("2001-01-31", 36, "ME"),
        pd.period_range("2004-01", periods=5, freq="M"),
        "y_new.set_axis(y_new.index.to_timestamp(how='end').normalize())",
    ),
    "dates": (pd.period_range("2001-01", periods=36, freq="M"), dates("2004-01-01", 5, "MS"), "y_new.to_period('M')"),
}


@pytest.mark.parametrize(("index", "new", "mend"), FOLLOWING.values(), ids=FOLLOWING)
def test_mends_of_updates(index, new, mend):
    index = read_target(pd.Series(1.0, index)).index
    new = read_target(pd.Series(1.0, new)).index
    with pytest.raises(ValueError, match="y_new") as caught:
        check_continuation(index, new)
    assert mends_in(str(caught.value), "y_new") == [mend]
    y_new = pd.Series(1.0 + np.arange(len(new)), new)
    mended = eval(mend, {"y_new": y_new, "pd": pd})
    check_continuation(index, read_target(mended).index)
    assert mended.dropna().tolist() == y_new.tolist()[-len(mended.dropna()) :]
    if "overlap" not in str(caught.value):
        assert kept(y_new, mended)


@pytest.mark.parametrize(
    ("index", "new", "advice"),
    [
        (DAYS, DAYS, "all labels of y_new are before its end; pass later rows"),
        (MONTHS, dates("2004-01-01", 90), "has the frequency 'D', but the series has 'MS'; resample y_new to 'MS'"),
        (DAYS, pd.RangeIndex(3), "use a DatetimeIndex"),
        (pd.RangeIndex(9), pd.RangeIndex(10**9, 10**9 + 3), "fill y_new with NaN from 9 on"),
    ],
)
def test_advice_where_no_code_helps(index, new, advice):
    with pytest.raises(ValueError, match=advice) as caught:
        check_continuation(index, new)
    assert mends_in(str(caught.value), "y_new") == []


@pytest.mark.parametrize(
    ("index", "horizon"),
    [
        (CAIRO[:50], dates("2023-04-28", 2)),
        (CAIRO[:50], ["2023-04-25"]),
        (DAYS, dates("2001-03-05", 2, tz="Europe/Berlin")),
        (MONTHS, pd.period_range("2004-05", periods=2, freq="M")),
        (pd.period_range("2001-01", periods=36, freq="M"), dates("2004-05-01", 2, "MS")),
    ],
)
def test_mends_of_wanted_labels(index, horizon):
    with pytest.raises(ValueError, match="horizon has") as caught:
        steps_ahead(index, horizon, name="horizon")
    (mend,) = mends_in(str(caught.value), "horizon")
    try:
        wanted = eval(mend, {"horizon": horizon, "pd": pd})
    except ValueError:  # 2023-04-28 has no midnight in Cairo, so the mend must say which time replaces it
        pytest.fail(mend)
    assert (steps_ahead(index, wanted) > 0).all()


@pytest.mark.parametrize(
    ("labels", "steps"),
    [
        (dates("2001-01-01", 70), DAYS),
        (dates("2000-12-20", 72), DAYS),
        (pd.period_range("2000-11", periods=20, freq="M"), pd.period_range("2001-01", periods=12, freq="M")),
        (pd.RangeIndex(0, 20), pd.RangeIndex(5, 15)),
    ],
)
def test_mends_of_covariates(labels, steps):
    X = pd.DataFrame({"x": np.arange(float(len(labels)))}, labels)
    with pytest.raises(ValueError, match="which is no step") as caught:
        read_covariates(X, steps)
    (mend,) = mends_in(str(caught.value), "X")
    assert read_covariates(eval(mend, {"X": X}), steps).shape == (len(steps), 1)


@pytest.mark.parametrize(
    ("X", "match"),
    [
        (pd.DataFrame({"a": np.arange(60.0), "b": 1.0}, DAYS)[::-1], "not in the order of the steps"),
        (pd.DataFrame({"a": np.arange(60.0), "b": 1.0}, DAYS.tz_localize("UTC")), "time zone UTC"),
    ],
)
def test_mends_of_the_form_of_covariates(X, match):
    with pytest.raises(ValueError, match=match) as caught:
        read_covariates(X, DAYS, columns=["a", "b"])
    (mend,) = mends_in(str(caught.value), "X")
    assert read_covariates(eval(mend, {"X": X}), DAYS, columns=["a", "b"]).shape == (60, 2)


@pytest.mark.parametrize(
    "index", [MIDDLES, DAYS.delete(9), pd.Index(list(DAYS.date))], ids=["middles", "gap", "objects"]
)
def test_a_mended_series_is_fitted(index):
    y = pd.Series(np.sin(np.arange(len(index))), index)
    with pytest.raises(ValueError, match="the index of y") as caught:
        ARForecaster(lags=2).fit(y)
    (mend,) = mends_in(str(caught.value), "y")
    assert np.isfinite(ARForecaster(lags=2).fit(eval(mend, {"y": y, "pd": pd})).predict(3)).all()


def test_time_for_a_long_index():
    seconds = pd.to_datetime(np.cumsum(RNG.integers(1, 10**5, 20_000)), unit="s")
    with pytest.raises(ValueError, match=r"use y\.reset_index\(drop=True\) \(which replaces the labels"):
        read_target(pd.Series(1.0, seconds))
