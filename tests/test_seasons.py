"""Seasons longer than the context: their inputs, that these are known at the origin, and their effect."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn import Direct, GRUForecaster, LSTMForecaster, Seq2Seq
from tsrnn.data.seasons import Seasons, carried_on

QUICK = {"max_epochs": 2, "hidden_size": 4, "random_state": 0}
WEEK = Seasons({168: (168, 336)}, shortest=24)


def hours(days=77, seed=0):
    """Hourly values with one daily shape on weekdays, another at weekends, and noise."""
    n = days * 24
    hour, weekday = np.arange(n) % 24, np.arange(n) // 24 % 7
    working = 30 + 20 * np.sin(2 * np.pi * (hour - 8) / 24) + 10 * np.sin(4 * np.pi * hour / 24)
    free = 15 + 8 * np.sin(2 * np.pi * (hour - 14) / 24)
    y = np.where(weekday < 5, working, free) + np.random.default_rng(seed).normal(size=n)
    return pd.Series(y, pd.date_range("2024-01-01", periods=n, freq="h"))


def gru(**options):
    return GRUForecaster(**{"horizon": 24, **QUICK, **options})


# ------------------------------------------------------------ which seasons are read
CHOICES = [
    # lengths, rows, context, horizon, whether given by the user; expected lags
    ((168,), 1848, 48, 24, False, {168: (168, 336)}),
    ((168,), 1848, 48, 168, False, {168: (168, 336)}),
    ((168,), 1848, 48, 169, False, {336: None}),  # every lag is at least the horizon
    ((168,), 1848, 168, 24, False, {}),  # the context contains it
    ((168,), 503, 48, 24, False, {}),  # not enough rows for three
    ((168,), 504, 48, 24, False, {168: (168,)}),
    ((168,), 300, 48, 24, True, {168: (168,)}),  # given by the user
    ((365,), 1095, 24, 28, False, {365: (365,)}),
    ((1440, 10_080), 50_000, 120, 60, False, {1440: (1440, 2880, 4320), 10_080: (10_080,)}),
    ((), 5000, 24, 12, True, {}),
]


@pytest.mark.parametrize(("lengths", "n", "context", "horizon", "asked", "expected"), CHOICES, ids=str)
def test_the_seasons_that_are_read(lengths, n, context, horizon, asked, expected):
    found = Seasons.choose(lengths, n, context, horizon, shortest=24, asked=asked)
    if expected == {336: None}:
        expected = {168: (336,)}
    assert found.lags == expected


def test_seasons_of_a_frequency():
    y = hours()
    assert gru(max_epochs=1).fit(y).seasons_ == WEEK
    assert gru(max_epochs=1).fit(y[:500]).seasons_.lags == {}
    assert gru(max_epochs=1, season_lengths=[]).fit(y).seasons_.lags == {}
    assert gru(max_epochs=1, season_lengths=[24, 168]).fit(y).seasons_ == WEEK
    assert gru(max_epochs=1, season_lengths=[24, 168]).fit(y.to_numpy()).seasons_ == WEEK
    assert gru(max_epochs=1).fit(y.to_numpy()).seasons_.lags == {}
    alone = gru(max_epochs=1, season_lengths=168, context_length=48).fit(y)
    assert (alone.seasons_.lags, alone.seasons_.shortest) == ({168: (168, 336)}, 168)


def test_one_season_changes_nothing():
    y = pd.Series(hours(8).to_numpy(), pd.date_range("2000-01-01", periods=192, freq="MS"))
    default, told = gru(horizon=12).fit(y), gru(horizon=12, season_lengths=[12]).fit(y)
    assert default.network_.architecture.n_inputs == 1
    assert "season" not in default.network_.architecture.entries
    assert_array_equal(default.theta_, told.theta_)


def test_a_season_that_does_not_fit_is_refused():
    with pytest.raises(
        ValueError, match=r"48 to read and horizon=24 to forecast, after 191 whose season is read; pass"
    ):
        gru(season_lengths=[24, 168]).fit(hours()[:262])
    assert gru(season_lengths=[24, 168], early_stopping=False).fit(hours()[:273]).seasons_.reach == 191


@pytest.mark.parametrize("value", [[1], ["a"], 2.5, "week", [[24, 168]]], ids=str)
def test_bad_season_lengths(value):
    with pytest.raises((TypeError, ValueError), match="season_lengths"):
        gru(season_lengths=value).fit(hours(20))


# ------------------------------------------------------------ what is read of them
def test_inputs_by_definition():
    seasons, rng = Seasons({7: (7, 14), 10: (20,)}, shortest=3), np.random.default_rng(0)
    values = rng.normal(size=(60, 2))
    assert (seasons.n_inputs, seasons.reach) == (4, 22)
    inputs = seasons.inputs(values, np.ones(values.shape, bool), 60).reshape(60, 2, 4)
    for t in range(22, 60):
        for c in range(2):
            week = [(values[s - 7, c] + values[s - 14, c]) / 2 for s in (t, t - 1, t - 2)]
            ten = [values[s - 20, c] for s in (t, t - 1, t - 2)]
            assert_allclose(inputs[t, c], [week[0], np.mean(week), ten[0], np.mean(ten)])


def test_the_season_repeats_beyond_the_lag_and_over_gaps():
    values = np.arange(20.0)[:, None]
    observed = ~np.isin(np.arange(20), [3, 9, 15])[:, None]
    series = carried_on(values, observed, 5, 28)[:, 0]
    assert series[:20].tolist() == [*range(9), 4, *range(10, 15), 10, *range(16, 20)]
    assert series[20:].tolist() == [10, 16, 17, 18, 19, 10, 16, 17]


@pytest.mark.parametrize("missing", [False, True])
def test_no_input_depends_on_values_after_the_origin(missing):
    """In training windows and in forecasts, inputs up to the horizon do not depend on later values."""
    rng = np.random.default_rng(1)
    values, observed = rng.normal(size=(1300, 2)), rng.uniform(size=(1300, 2)) > 0.2 * missing
    for horizon in (1, 24, 168, 200):
        seasons = Seasons.choose((168,), 5000, 48, horizon, shortest=24, asked=True)
        before = seasons.inputs(values, observed, 1300)
        for origin in (600, 777):
            changed, seen = values.copy(), observed.copy()
            changed[origin:] += 1e3
            seen[origin:] = ~seen[origin:]
            after = seasons.inputs(changed, seen, 1300)
            assert_array_equal(after[: origin + horizon], before[: origin + horizon])
            assert (after[origin + seasons.lags[168][0] :] != before[origin + seasons.lags[168][0] :]).any()
        known = seasons.inputs(values[:600], observed[:600], 600 + horizon)
        assert_array_equal(known, before[: 600 + horizon])


# ------------------------------------------------------------ forecasts
STRATEGIES = {
    "direct": {},
    "recursive": {"strategy": "recursive"},
    "segments": {"strategy": Direct(segment_length=12)},
    "attention": {"strategy": Seq2Seq(attention="dot", segment_length=12)},
    "window": {"scaling": "window"},
    "no skip": {"linear_skip": False},
    "likelihood": {"loss": "gaussian", "strategy": "recursive"},
}


@pytest.mark.parametrize("options", STRATEGIES.values(), ids=STRATEGIES)
def test_update_and_context_continue_as_the_fit_does(options):
    y = hours(30)
    fitted = gru(**options).fit(y[:-24])
    need = fitted.context_length_ + fitted.seasons_.reach
    assert need == 48 + 168 + 23
    later = fitted.predict(200, context=y[-need:])
    assert np.isfinite(later).all()
    with pytest.raises(ValueError, match=f"has {need - 1} observations .* but a forecast reads {need}"):
        fitted.predict(context=y[1 - need :])
    assert_array_equal(fitted.predict(200, context=y), later)
    assert_array_equal(fitted.update(y[-24:]).predict(200), later)
    assert_array_equal(fitted.predict(30), later[:30])


@pytest.mark.parametrize("options", [{}, {"strategy": "recursive"}], ids=str)
def test_a_forecast_depends_on_the_week_before(options):
    y = hours(30)
    fitted = gru(**options).fit(y)
    other = y.copy()
    other.iloc[-168 + 5] += 10
    change = fitted.predict(24, context=other) - fitted.predict(24, context=y)
    assert change.abs().max() == change.iloc[5] > 0.1


def test_columns_with_gaps_and_covariates():
    y = hours(40)
    wide = pd.DataFrame({"a": y, "b": 100 - 3 * y, "late": 5 + 0.1 * y})
    wide.iloc[:120, 2] = np.nan
    wide.iloc[400:403, 0] = np.nan
    temperature = pd.DataFrame({"t": np.random.default_rng(9).normal(size=len(y) + 24)})
    temperature.index = pd.date_range(y.index[0], periods=len(temperature), freq="h")
    wide["a"] += 2 * temperature.t[: len(y)]
    fitted = gru().fit(temperature[: len(y)], wide)
    a = fitted.network_.architecture
    assert (a.n_inputs, a.n_covariates, a.n_seasonal, a.n_channels) == (3 + 1 + 3 * 2, 1, 2, 3)
    forecast = fitted.predict(temperature[len(y) :])
    assert_allclose(forecast.b, 100 - 3 * hours(41)[-24:], atol=15)
    assert_allclose(forecast.late, 5 + 0.1 * hours(41)[-24:], atol=0.5)
    warmer = temperature.copy()
    warmer.iloc[-1] += 1
    change = fitted.predict(warmer[len(y) :]) - forecast
    assert_array_equal(change[:-1], 0)
    assert change.a.iloc[-1] == pytest.approx(2, abs=0.7)


def test_a_window_does_not_depend_on_its_batch():
    y = hours(30)
    fitted = gru().fit(y)
    network, geometry = fitted.network_, fitted.strategy_.geometry(fitted.context_length_, 24)
    from tsrnn.data.panel import Panel
    from tsrnn.data.windows import Windows
    from tsrnn.networks.network import Source

    values = y.to_numpy()[:, None]
    panel = fitted.seasons_.read(Panel.of_one(values))
    source = Source.upload(network.backend, panel.inputs())
    windows = Windows.of_panel(panel, fitted.scaling_, geometry).take(np.arange(40))
    alone, together = (
        network.predict(fitted.theta_, source, windows, geometry, free_run=False, batch_size=size) for size in (1, 256)
    )
    assert_array_equal(alone, together)


def test_a_warm_start_keeps_the_seasons():
    y = hours(30)
    first = gru(warm_start=True).fit(y[:520])
    assert first.seasons_.lags == {168: (168,)}
    assert first.fit(y[:480]).seasons_.lags == {168: (168,)}


def test_the_linear_part_stays_small():
    """Its number of weights grows with the horizon and the number of columns, not with their squares."""
    y = hours(40).to_numpy()
    wide = pd.DataFrame({c: y + c for c in range(7)}, pd.date_range("2024-01-01", periods=len(y), freq="h"))
    entries = gru(horizon=96, max_epochs=1).fit(wide).network_.architecture.entries
    assert entries["season"][1] == (7, 2, 96, 2)
    assert not any(name.startswith("ahead") for name in entries)


def test_a_daily_and_a_weekly_season():
    """The forecast is no worse than repeating last week, and much better than from the daily context alone."""
    y = hours(84)
    train, test = y[:-168], y[-168:].to_numpy()
    last_week = np.abs(train[-168:].to_numpy() - test).mean()
    forecaster = LSTMForecaster(horizon=24, hidden_size=8, max_epochs=3, random_state=0).fit(train)
    assert np.abs(forecaster.predict(168) - test).mean() < last_week
    errors = []
    for day in range(7):
        rows = slice(24 * day, 24 * day + 24)
        errors.append(np.abs(forecaster.predict() - test[rows]).mean())
        forecaster.update(y[-168:][rows])
    assert np.mean(errors) < last_week
    without = LSTMForecaster(horizon=24, hidden_size=8, max_epochs=3, random_state=0, season_lengths=24).fit(train)
    assert np.abs(without.predict(168) - test).mean() > 3 * last_week
    assert forecaster.season_length_ == 24
