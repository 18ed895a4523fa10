"""`update`, `score` and `predict(context=)` refuse the same indexes."""

from __future__ import annotations

import zoneinfo

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from tsrnn import ARForecaster, LSTMForecaster

FORECASTERS = {
    "AR": ARForecaster(lags=2, horizon=3),
    "LSTM": LSTMForecaster(hidden_size=2, context_length=4, max_epochs=1, horizon=3, random_state=0),
}
N = 40


def dates(freq="D", start="2024-01-01", n=N, tz=None):
    return pd.date_range(start, periods=n, freq=freq, tz=tz)


def series(index, cls=pd.Series):
    values = np.sin(np.arange(len(index)) / 3)
    return (
        pd.Series(values, index, name="sales")
        if cls is pd.Series
        else pd.DataFrame({"a": values, "b": 1 - values}, index)
    )


@pytest.fixture(params=FORECASTERS, ids=str)
def fit(request):
    """Function that returns a forecaster fitted to a series with the given index."""
    return lambda index, cls=pd.Series: clone(FORECASTERS[request.param]).fit(series(index, cls))


def calls(forecaster):
    """The three methods that take a series, by the name of their argument."""
    return {
        "context": lambda y: forecaster.predict(context=y),
        "y_new": lambda y: forecaster.update(y),
        "X": lambda y: forecaster.score(y),
    }


DAYS, BERLIN, MONTHS = dates(), dates(tz="Europe/Berlin"), dates("MS")
PERIODS, YEARS = pd.period_range("2001-01", periods=N, freq="M"), pd.RangeIndex(1900, 1900 + N)
AFTER = "2024-02-10"  # begins after DAYS

OTHERS = {
    "weeks": (DAYS, dates("W", AFTER), "has the frequency 'W-SUN', but the series has 'D'; resample"),
    "hours": (DAYS, dates("h", AFTER), "has the frequency 'h', but the series has 'D'; resample"),
    "every second day": (
        DAYS,
        dates("2D", AFTER),
        r"has the frequency '2D', but the series has 'D'; use .*\.asfreq\('D'\)",
    ),
    "business days": (DAYS, dates("B", "2024-02-12"), "has the frequency 'B', but the series has 'D'"),
    "month ends": (MONTHS, dates("ME", "2027-05-31"), "has the frequency 'ME', but the series has 'MS'"),
    "another weekday": (
        dates("W-SUN"),
        dates("W-MON", "2024-10-14"),
        "has the frequency 'W-MON', but the series has 'W-SUN'",
    ),
    "decades": (YEARS, pd.RangeIndex(1940, 2340, 10), "has the frequency 10, but the series has 1"),
    "quarters": (
        PERIODS,
        pd.period_range("2004Q3", periods=9, freq="Q"),
        "has the frequency 'Q-DEC', but the series has 'M'",
    ),
    "no zone": (
        BERLIN,
        dates(start=AFTER),
        r"time zone none, but the series has Europe/Berlin; use .*tz_localize\('Europe/Berlin'\)",
    ),
    "a zone": (
        DAYS,
        dates(start=AFTER, tz="Europe/Berlin"),
        r"Europe/Berlin, but the series has none; use .*tz_localize\(None\)",
    ),
    "another zone": (
        BERLIN,
        dates(start=AFTER, tz="America/New_York"),
        "time zone America/New_York, but the series has Europe",
    ),
    "universal time": (
        BERLIN,
        dates(start=AFTER, tz="UTC"),
        r"time zone UTC, but the series has Europe/Berlin; use .*tz_",
    ),
    "integers": (DAYS, pd.RangeIndex(N), "has integer labels, but the series has a DatetimeIndex; use a DatetimeIndex"),
    "dates": (YEARS, DAYS, "has DatetimeIndex labels, but the series has a RangeIndex; use a RangeIndex"),
    "periods": (
        MONTHS,
        pd.period_range("2027-05", periods=9, freq="M"),
        r"PeriodIndex labels, .*; use .*\.to_timestamp\(\)",
    ),
    "no periods": (
        PERIODS,
        dates("MS", "2004-05-01"),
        r"DatetimeIndex labels, .* a PeriodIndex; use .*\.to_period\('M'\)",
    ),
}


@pytest.mark.parametrize("call", ["context", "y_new", "X"])
@pytest.mark.parametrize(("index", "other", "message"), OTHERS.values(), ids=OTHERS)
def test_another_index(fit, index, other, message, call):
    forecaster = fit(index)
    before = forecaster.predict()
    with pytest.raises(ValueError, match=f"^{call} .*{message}"):
        calls(forecaster)[call](series(other))
    pd.testing.assert_series_equal(forecaster.predict(), before)


@pytest.mark.parametrize("call", ["context", "y_new", "X"])
@pytest.mark.parametrize(
    ("other", "message"),
    [
        (series(dates(start=AFTER)), "has 1 series, but .* was fitted to 2; pass the same columns"),
        (series(dates(start=AFTER), pd.DataFrame)[["b", "a"]], "the same columns in the same order"),
        (series(dates(start=AFTER), pd.DataFrame).rename(columns={"a": "c"}), "the same columns in the same order"),
    ],
)
def test_other_columns(fit, other, message, call):
    with pytest.raises(ValueError, match=f"{call} .*{message}"):
        calls(fit(DAYS, pd.DataFrame))[call](other)


@pytest.mark.parametrize(
    ("index", "other"),
    [
        (DAYS, dates(start="1999-05-05")),
        (DAYS, dates(start="2024-01-01", n=9)),
        (MONTHS, dates("MS", "1950-01-01")),
        (dates("QS-JAN"), dates("QS-OCT", "1990-10-01")),
        (BERLIN, dates(start="2030-03-20", tz="Europe/Berlin")),
        (BERLIN, dates(start="2030-03-20", tz=zoneinfo.ZoneInfo("Europe/Berlin"))),
        (dates("h", tz="UTC"), dates("h", "1980-01-01", tz="Etc/UTC")),
        (PERIODS, pd.period_range("1950-03", periods=9, freq="M")),
        (YEARS, pd.RangeIndex(9)),
        (DAYS, DAYS.as_unit("ns")),
    ],
)
def test_contexts_at_other_times(fit, index, other):
    forecast = fit(index).predict(context=series(other))
    follows = pd.Index(forecast.index)
    assert (other[-1:].append(follows)[1:] > other[-1]).all()
    assert len(forecast) == 3
    if not isinstance(other, pd.RangeIndex):
        assert forecast.index[0] == other[-1] + other.freq


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize(
    "index", [DAYS, MONTHS, BERLIN, dates("W-SAT"), dates("2D"), dates("B"), pd.RangeIndex(0, 400, 10)], ids=str
)
def test_few_labels_take_the_frequency_of_the_fit(index, n):
    forecaster = ARForecaster(lags=1, horizon=3).fit(series(index))
    part = index[5 : 5 + n]
    bare = pd.DatetimeIndex(list(part)) if isinstance(index, pd.DatetimeIndex) else pd.Index(list(part))
    assert list(forecaster.predict(context=series(bare)).index) == list(index[5 + n : 8 + n])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            ["2024-01-15"],
            "index of context has no frequency, and 1 label is .*; pass labels with the steps 'MS' of the series",
        ),
        (["2024-01-01", "2024-02-02"], "2 labels are too few.*; pass labels with the steps 'MS' of the series"),
        (["2024-01-01", "2024-03-01"], r"use context\.asfreq\('MS'\) \(1 of its 3 steps becomes missing"),
    ],
)
def test_few_labels_that_do_not_fit_the_frequency(labels, message):
    forecaster = ARForecaster(lags=1).fit(series(MONTHS))
    with pytest.raises(ValueError, match=message):
        forecaster.predict(context=series(pd.DatetimeIndex(labels)))


def test_arrays_have_no_labels_to_check(fit):
    labelled, bare = fit(DAYS), fit(DAYS)
    bare.fit(series(DAYS).to_numpy())
    context = series(dates("W"))
    expected = bare.predict(context=context.to_numpy())
    assert isinstance(labelled.predict(context=context.to_numpy()), np.ndarray)
    np.testing.assert_array_equal(labelled.predict(context=context.to_numpy()), expected)
    forecast = bare.predict(context=context)  # the fit had no labels
    np.testing.assert_array_equal(forecast, expected)
    assert forecast.index[0] == context.index[-1] + context.index.freq
    labelled.update(context.to_numpy()[:3])
    assert labelled.predict(1).index[0] == DAYS[-1] + pd.Timedelta(4, unit="D")


def test_updates_in_another_time_zone():
    hours = dates("h", tz="Europe/Berlin", n=N + 9)
    forecaster = ARForecaster(lags=1).fit(series(hours[:N]))
    forecaster.update(series(hours[N:].tz_convert("UTC")))
    assert forecaster.index_.equals(hours)
    assert forecaster.index_.tz == hours.tz


@pytest.mark.parametrize("form", [lambda y: y, lambda y: y.to_numpy()])
def test_covariates_are_checked_too(form):
    days = dates(n=N + 5)
    X = pd.DataFrame({"x": np.cos(np.arange(N + 5.0))}, days)
    forecaster = ARForecaster(lags=1).fit(X[:N], form(series(days[:N])))
    weeks = dates("W", n=15)
    X_weeks = pd.DataFrame({"x": np.arange(15.0)}, weeks)
    with pytest.raises(ValueError, match="context has the frequency 'W-SUN', but the series has 'D'"):
        forecaster.predict(X_weeks, context=form(series(weeks[:10])))
    assert forecaster.predict(X[10:20], context=form(series(days[10:12]))).shape == (8,)
    assert forecaster.predict(
        X[10:20].set_axis(pd.DatetimeIndex(list(days[10:20]))), context=form(series(days[10:12]))
    ).shape == (8,)
