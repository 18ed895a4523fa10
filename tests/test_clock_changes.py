"""Days and longer steps in time zones whose clocks change.

The oracle is a list of local times, each converted to the time zone separately: a time that the clock skips becomes the
first instant after it, a time that occurs twice its first occurrence.
"""

from __future__ import annotations

import copy
import pickle
import zoneinfo

import numpy as np
import pandas as pd
import pytest

from tsrnn import ARForecaster
from tsrnn.frame import (
    check_continuation,
    check_same_grid,
    extend_index,
    future_index,
    read_covariates,
    read_target,
    season_length,
    steps_ahead,
)

#: Time zone, first local time, frequency, number of labels; each contains at least one change of the clock.
CHANGES = [
    ("Africa/Cairo", "2023-03-01", "D", 80),
    ("Africa/Cairo", "2023-03-03", "W-FRI", 16),
    ("Africa/Cairo", "2023-03-03", "2W-FRI", 16),
    ("Africa/Cairo", "2023-03-01", "B", 60),
    ("Africa/Cairo", "2023-10-01", "D", 50),
    ("America/Sao_Paulo", "2017-09-01", "D", 200),
    ("Asia/Beirut", "2023-03-01", "D", 60),
    ("America/Havana", "2023-02-01", "D", 70),
    ("America/Havana", "2023-10-01", "D", 70),
    ("America/Havana", "2023-09-03", "W-SUN", 16),
    ("Atlantic/Azores", "2024-03-01", "D", 60),
    ("Atlantic/Azores", "2024-10-01 00:30", "D", 60),
    ("Asia/Tehran", "2022-03-01", "D", 40),
    ("Asia/Tehran", "2021-12-22", "SMS", 12),
    ("Europe/Berlin", "2024-03-01 02:30", "D", 60),
    ("Europe/Berlin", "2024-10-01 02:30", "D", 60),
    ("Europe/Berlin", "2024-03-01 03:00", "D", 60),
    ("Europe/Dublin", "2024-10-01 01:30", "D", 60),
    ("Asia/Amman", "2021-12-01", "MS", 20),
    ("America/Asuncion", "2017-05-01", "MS", 16),
    ("America/Asuncion", "2016-10-01", "QS-OCT", 12),
]
names = [" ".join(map(str, change[:3])) for change in CHANGES]
each_change = pytest.mark.parametrize(("zone", "start", "freq", "n"), CHANGES, ids=names)
N_FUTURE = 12


def wall_clock(zone, start, freq, n):
    """The labels, converted to the time zone one by one."""
    times = pd.date_range(start, periods=n, freq=freq)
    return pd.DatetimeIndex([t.tz_localize(zone, ambiguous=True, nonexistent="shift_forward") for t in times])


def series(index):
    return pd.Series(np.arange(float(len(index))), index, name="sales")


def changes_of(labels):
    """Positions of the labels whose offset from UTC differs from that of the label before."""
    return [i for i in range(1, len(labels)) if labels[i].utcoffset() != labels[i - 1].utcoffset()]


@each_change
def test_labels_after_any_length(zone, start, freq, n):
    whole = wall_clock(zone, start, freq, n + N_FUTURE)
    assert changes_of(whole[: n + 1])
    grid = read_target(series(pd.date_range(start, periods=4, freq=freq, tz=zone)[:3])).index  # its own frequency
    assert future_index(grid, n - 3).equals(whole[3:n])
    for length in {3, 5, *(max(3, i + k) for i in changes_of(whole[:n]) for k in (-1, 0, 1, 2))}:
        known = extend_index(grid, length - 3)
        assert known.equals(whole[:length])
        assert known.freq == grid.freq
        assert future_index(known, N_FUTURE).equals(whole[length : length + N_FUTURE])
        assert season_length(known) == season_length(grid)
        wanted = whole[[length + 9, length, length + 4]]
        assert steps_ahead(known, wanted).tolist() == [10, 1, 5]
        assert steps_ahead(known, wanted.tz_convert("UTC")).tolist() == [10, 1, 5]
        for first in (length, length + 1, length + 3):
            new = read_target(series(whole[first : first + 2]), freq=known.freq).index
            if first == length:
                check_continuation(known, new)
            else:
                with pytest.raises(ValueError, match="gap: y_new begins at"):
                    check_continuation(known, new)


@pytest.mark.parametrize(
    ("zone", "start", "freq", "n"),
    [change for change in CHANGES if change[2] not in ("2W-FRI", "SMS")],  # pandas infers neither
    ids=[name for name, change in zip(names, CHANGES, strict=True) if change[2] not in ("2W-FRI", "SMS")],
)
def test_fit_reads_the_labels(zone, start, freq, n):
    whole = wall_clock(zone, start, freq, n + N_FUTURE)
    found = read_target(series(whole[:n])).index
    assert found.equals(whole[:n])
    assert found.freq is not None
    assert future_index(found, N_FUTURE).equals(whole[n:])
    again = read_target(pd.concat([series(whole[:n]), series(future_index(found, N_FUTURE))])).index
    assert again.equals(whole)
    for i in changes_of(whole[:n]):  # also where the moved label is the first or the last
        for part in (whole[: i + 1], whole[i:]):
            if len(part) > 6:
                assert read_target(series(part), freq=found.freq).index.freq == found.freq


def test_a_series_that_begins_at_the_moved_label():
    whole = wall_clock("Africa/Cairo", "2023-04-28", "D", 40)
    assert str(whole[0]) == "2023-04-28 01:00:00+03:00"
    found = read_target(series(whole[:20])).index
    assert found.equals(whole[:20])
    assert future_index(found, 20).equals(whole[20:])


def test_days_in_cairo():
    y = series(pd.date_range("2023-03-01", periods=57, tz="Africa/Cairo"))
    forecast = ARForecaster(lags=1).fit(y).predict(3)
    expected = ["2023-04-27 00:00:00+02:00", "2023-04-28 01:00:00+03:00", "2023-04-29 00:00:00+03:00"]
    assert [str(label) for label in forecast.index] == expected
    both = pd.concat([y, forecast])
    assert ARForecaster(lags=1).fit(both).predict(1).index[0] == pd.Timestamp("2023-04-30", tz="Africa/Cairo")


def zones():
    """The time zone as an object of each installed time zone library."""
    found = {"zoneinfo": zoneinfo.ZoneInfo}
    for library, function in (("pytz", "timezone"), ("dateutil.tz", "gettz")):
        try:
            module = __import__(library, fromlist=[function])
        except ImportError:
            continue
        try:
            pd.Timestamp("2023-04-01").tz_localize(getattr(module, function)("Africa/Cairo"))
        except AttributeError:  # pandas 2.2 cannot read the zones of some versions of dateutil
            continue
        found[library] = getattr(module, function)
    return found.values()


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
@pytest.mark.parametrize("zone_of", zones())
def test_time_zones_of_any_library(zone_of, unit):
    zone = zone_of("Africa/Cairo")
    whole = wall_clock(zone, "2023-04-01", "D", 60).as_unit(unit)
    found = read_target(series(whole[:50])).index
    assert found.tz == whole.tz
    assert found.unit == unit
    assert future_index(found, 10).equals(whole[50:])
    assert future_index(read_target(series(whole[:26])).index, 10).equals(whole[26:36])
    check_same_grid(read_target(series(whole.tz_convert("Africa/Cairo"))).index, found)


def test_a_date_that_the_zone_skipped_has_no_label():
    days = pd.date_range("2011-12-20", periods=10, tz="Pacific/Apia")
    found = [str(label.date()) for label in future_index(days, 3)]
    assert found == ["2011-12-31", "2012-01-01", "2012-01-02"]
    whole = days.append(future_index(days, 8))
    assert read_target(series(whole)).index.freqstr == "D"


def test_a_frequency_survives_copies():
    grid = read_target(series(wall_clock("Africa/Cairo", "2023-04-01", "D", 40))).index
    assert grid.freq == pd.offsets.Day()
    copies = [pickle.loads(pickle.dumps(grid)), copy.deepcopy(grid), grid.copy(deep=True)]
    for twin in [*copies, read_target(series(grid)).index]:
        assert twin.freq == grid.freq
        assert future_index(twin, 3).equals(future_index(grid, 3))


def test_clock_change_of_half_an_hour():
    days = pd.date_range("2023-09-28 02:15", periods=3, tz="Australia/Lord_Howe")
    future = future_index(days, 3)  # 02:30 is the first instant that exists; pandas' shift_forward gives 03:00
    assert [str(label)[5:16] for label in future] == ["10-01 02:30", "10-02 02:15", "10-03 02:15"]
    assert read_target(series(days.append(future))).index.freqstr == "D"


@pytest.mark.parametrize(("start", "n"), [("2024-03-30 12:00", 30), ("2024-10-26 12:00", 30)])
def test_hours_have_equal_lengths(start, n):
    hours = pd.date_range(start, periods=2 * n, freq="h", tz="Europe/Berlin")
    found = read_target(series(pd.DatetimeIndex(list(hours[:n])))).index
    assert found.freqstr == "h"
    assert future_index(found, n).equals(hours[n:])
    assert np.unique(np.diff(future_index(found, n).asi8)).size == 1


@pytest.mark.parametrize("form", [lambda s: s, lambda s: s.to_frame()])
def test_update_score_and_covariates(form):
    whole = wall_clock("Africa/Cairo", "2023-03-01", "D", 80)
    rng = np.random.default_rng(0)
    y = form(pd.Series(rng.normal(size=80), whole, name="sales"))
    forecaster = ARForecaster(lags=2).fit(y[:57])
    assert np.isfinite(forecaster.score(y[57:62]))
    for start, stop in ((57, 58), (58, 59), (59, 70)):
        forecaster.update(y[start:stop])
        assert forecaster.index_.equals(whole[:stop])
        assert forecaster.predict(5).index.equals(whole[stop : stop + 5])
        assert forecaster.predict(whole[[stop + 3]]).index.equals(whole[[stop + 3]])
    X = pd.DataFrame({"x": rng.normal(size=80)}, whole)
    forecaster = ARForecaster(lags=2).fit(X[:57], y[:57])
    assert forecaster.predict(X[57:70]).index.equals(whole[57:70])
    assert forecaster.predict(X[40:70], context=y[40:60]).index.equals(whole[60:70])
    forecaster.update(y[57:60], X[57:60])
    assert forecaster.predict(X[60:70]).index.equals(whole[60:70])
    assert_same = read_covariates(X, whole)
    assert assert_same.shape == (80, 1)


def test_a_context_over_the_change():
    y = series(pd.date_range("2022-03-01", periods=30, tz="Africa/Cairo"))
    whole = wall_clock("Africa/Cairo", "2023-04-20", "D", 20)
    forecaster = ARForecaster(lags=1).fit(y)
    for length in range(1, 15):
        context = series(whole[:length])
        assert forecaster.predict(4, context=context).index.equals(whole[length : length + 4])


@pytest.mark.parametrize("moved", [pd.Timedelta("30min"), pd.Timedelta("-1h")])
def test_a_label_moved_by_another_amount_is_irregular(moved):
    labels = wall_clock("Africa/Cairo", "2023-04-01", "D", 40)
    labels = labels.delete(27).insert(27, labels[27] + moved)
    with pytest.raises(ValueError, match="the index of y has no frequency"):
        read_target(series(labels))


def test_the_second_of_two_midnights_is_irregular():
    labels = pd.date_range("2023-10-25", periods=20).tz_localize("America/Havana", ambiguous=np.zeros(20, bool))
    with pytest.raises(ValueError, match=r"after 2023-11-04 .* comes 2023-11-05 .*-05:00 and not 2023-11-05 .*-04:00"):
        read_target(series(pd.DatetimeIndex(list(labels))))


def test_series_and_forecast_can_be_concatenated():
    for zone, stop in (("America/Havana", "2023-11-04"), ("Africa/Cairo", "2023-04-27")):
        y = series(pd.date_range(end=stop, periods=20, tz=zone))
        for h in (1, 3):
            future = series(future_index(y.index, h))
            both = pd.concat([y, future])  # pandas adds the frequency to the last label if both have one
            assert read_target(both).index.freqstr == "D"
