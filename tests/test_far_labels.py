"""Labels far in the future: an error before memory is allocated; the last labels that pandas has."""

from __future__ import annotations

import datetime
import re
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from tsrnn import ARForecaster
from tsrnn.frame import future_index, read_target, steps_ahead


def fitted(index):
    return ARForecaster(lags=1).fit(pd.Series(np.sin(np.arange(len(index))), index))


def dates(start, freq="D", n=40, unit="us", tz=None):
    return pd.date_range(start, periods=n, freq=freq, unit=unit, tz=tz)


FAR = pd.DatetimeIndex(np.array(["9999-01-01"], "M8[s]"))
HOURS, POSITIONS = dates("2024-01-01", "h"), pd.RangeIndex(40)


@pytest.mark.parametrize(
    ("index", "horizon", "message"),
    [
        (POSITIONS, 10**12, r"a forecast of 1,000,000,000,000 steps of 1 after 39 would take 16,000.0 GB"),
        (POSITIONS, [10**12], r"999,999,999,961 steps of 1 after 39 would take 16,000.0 GB"),
        (POSITIONS, [2**63 - 1], r"steps of 1 after 39 would take"),
        (POSITIONS, 10**30, r"horizon=1000000000000000000000000000000 must be at most"),
        (HOURS, 10**9, r"1,000,000,000 steps of 'h' after 2024-01-02 15:00:00 would take 16.0 GB"),
        (HOURS, ["9999-01-01"], r"69,907,377 steps of 'h' .* would take 1.1 GB"),
        (HOURS, [FAR[0]], r"ask for 10,000,000 steps or fewer, or fit to a series with longer"),
        (dates("2024-01-01", "h", tz="Europe/Berlin"), FAR.tz_localize("UTC"), "would take 1.1 GB"),
        (pd.period_range("2024-01-01", periods=40, freq="h"), ["9999-01-01"], "would take 1.1 GB"),
        (dates("2024-01-01", "s", unit="ns"), FAR, r"steps of 's' .* would take"),
    ],
)
@pytest.mark.parametrize("method", ["predict", "predict_interval", "sample"])
def test_too_many_steps(index, horizon, message, method):
    forecaster = fitted(index)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message):
            getattr(forecaster, method)(horizon)
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()


def test_calendar_steps_are_few():
    years = dates("2024-01-01", "YS", n=9)
    assert fitted(years).predict(["9999-01-01"]).index[0] == FAR[0]
    n_days = (datetime.date(9999, 1, 1) - datetime.date(2024, 2, 9)).days
    assert steps_ahead(dates("2024-01-01", unit="ns"), FAR).tolist() == [n_days]


@pytest.mark.parametrize(
    ("index", "h", "unit"),
    [
        (dates("2262-01-01", unit="ns"), 100, "us"),
        (dates("2259-01-01", "MS", unit="ns"), 3, "us"),
        (dates("2262-04-09", "h", unit="ns"), 100, "us"),
        (dates("2262-03-01", unit="ns", tz="Africa/Cairo"), 60, "us"),
        (dates("2200-01-01", "YE", unit="ns"), 30, "us"),
    ],
)
def test_past_the_last_date_in_nanoseconds(index, h, unit):
    y = pd.Series(np.sin(np.arange(len(index))), index)
    with pytest.raises(ValueError, match=r"lies past 2262-04-11, where dates in nanoseconds end; fit to") as caught:
        ARForecaster(lags=1).fit(y).predict(h)
    mend = str(caught.value).partition("fit to ")[2]
    assert mend == f"y.set_axis(y.index.as_unit('{unit}'))"
    mended = eval(mend, {"y": y})
    assert mended.to_numpy().tolist() == y.to_numpy().tolist()
    future = ARForecaster(lags=1).fit(mended).predict(h).index
    assert len(future) == h
    assert future[-1] > pd.Timestamp("2262-04-12", tz=index.tz)
    with pytest.raises(ValueError, match=re.escape(mend)):
        ARForecaster(lags=1).fit(y).predict(future[[-1]])


def test_past_the_last_date_with_steps_of_nanoseconds():
    index = pd.date_range(pd.Timestamp.max - pd.Timedelta(59, unit="ns"), periods=50, freq="ns", unit="ns")
    assert len(future_index(read_target(pd.Series(1.0, index)).index, 9)) == 9
    with pytest.raises(ValueError, match=r"pandas has no label .*; ask for fewer steps, or fit to y\.reset_index"):
        fitted(index).predict(100)


@pytest.mark.parametrize(
    ("index", "fits", "too_many"),
    [
        (pd.RangeIndex(2**63 - 60, 2**63 - 20), 19, 20),
        (pd.Index(np.arange(2**63 - 60, 2**63 - 20)), 18, 30),
        (pd.RangeIndex(2**63 - 600, 2**63 - 200, 10), 18, 20),
    ],
)
def test_past_the_last_integer(index, fits, too_many):
    forecaster = fitted(index)
    step = int(index[1] - index[0])
    assert forecaster.predict(fits).index[-1] == int(index[-1]) + fits * step
    with pytest.raises(ValueError, match="pandas has no label for the last of"):
        forecaster.predict(too_many)


@pytest.mark.parametrize(
    ("index", "mend"),
    [
        (pd.Index([2**63, 2**63 + 1], dtype="uint64"), "the largest integer is 9223372036854775807"),
        (
            pd.Index([-(2**63), 2**63 - 1]),
            "a step of 18446744073709551615, but the largest integer is 9223372036854775807",
        ),
    ],
)
def test_integers_too_large(index, mend):
    with pytest.raises(ValueError, match=rf"{mend}; use y\.reset_index\(drop=True\)"):
        read_target(pd.Series(1.0, index))


@pytest.mark.parametrize("start", ["1500-01-01", "1600-01-01", "9990-01-01"])
@pytest.mark.parametrize(("freq", "unit"), [("MS", "s"), ("D", "us"), ("h", "s")])
def test_dates_of_other_centuries(start, freq, unit):
    whole = dates(start, freq, unit=unit, n=60)
    found = read_target(pd.Series(1.0, pd.DatetimeIndex(whole[:40].to_numpy()))).index
    assert found.freq == whole.freq
    assert future_index(found, 20).equals(whole[40:])


def test_past_the_last_period():
    end = 2**31 * 12 - 1970 * 12  # years are 32-bit integers
    index = pd.period_range(pd.Period(ordinal=end - 60, freq="M"), periods=40, freq="M")
    grid = read_target(pd.Series(1.0, index)).index
    assert len(future_index(grid, 10)) == 10
    with pytest.raises(ValueError, match="pandas has no label for the last of 100 steps of 'M'"):
        future_index(grid, 100)
