"""ConformalForecaster and predict_total: small cases by hand, coverage, panels, no leak, totals of paths."""

from __future__ import annotations

from copy import copy

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from tsrnn import (
    ARForecaster,
    ConformalForecaster,
    EarlyStopping,
    LSTMForecaster,
    NaiveForecaster,
    SeasonalNaiveForecaster,
)
from tsrnn.forecasting.rolling import RollingScores

METHODS = ["split", "cqr", "aci"]
every_method = pytest.mark.parametrize("method", METHODS)


def walk(n, seed=0):
    return 50 + np.cumsum(np.random.default_rng(seed).standard_t(4, size=n))


def dated(values):
    return pd.Series(values, pd.date_range("2024-01-01", periods=len(values)), name="sales")


def long(series):
    frames = [pd.DataFrame({"unique_id": id, "ds": y.index, "y": y.to_numpy()}) for id, y in series.items()]
    return pd.concat(frames, ignore_index=True)


def naive(h=2, **options):
    return ConformalForecaster(NaiveForecaster(horizon=h), **options)


def half_widths(table):
    bounds = np.asarray(table, float)
    return (bounds[..., 1] - bounds[..., 0]) / 2


# ---------------------------------------------------------------- split
def test_split_is_the_ranked_error_of_each_step():
    y, h, n_windows = walk(40), 3, 9
    expected = []
    for lead in range(1, h + 1):
        origins = range(40 - h - n_windows, 40 - h)  # the last value before each origin
        errors = sorted(abs(y[o + lead] - y[o]) for o in origins)
        expected.append(errors[7])  # rank ceil(10 * 0.8) of 9
    interval = naive(h, n_windows=n_windows).fit(y).predict_interval(h, 0.8)
    assert_allclose(half_widths(interval), expected)
    assert_allclose(interval.mean(axis=1), y[-1])
    beyond = half_widths(naive(h, n_windows=n_windows).fit(y).predict_interval(5, 0.8))
    assert_allclose(beyond[3:], [np.hypot(expected[2], expected[0]), np.hypot(expected[2], expected[1])])


def test_step_between_origins():
    y = walk(40)
    errors = sorted(abs(y[o + 1] - y[o]) for o in range(38, 26, -3))
    assert_allclose(half_widths(naive(1, n_windows=4, step=3).fit(y).predict_interval(1, 0.8)), errors[3])


@pytest.mark.parametrize("method", ["split", "cqr"])
def test_coverage_for_exchangeable_errors(method):
    """Of 19 errors and a new one, the new one is within rank 18 with probability 18 / 20, whatever the distribution."""
    n_series, rng = 1500, np.random.default_rng(0)
    changes = rng.standard_t(2, size=(n_series, 26))
    levels = np.cumsum(changes, axis=1)
    model = naive(1, method=method)
    panel = long({s: pd.Series(y) for s, y in enumerate(levels)})
    is_past = panel["ds"] < 25
    interval = model.fit(panel[is_past]).predict_interval(1, 0.9)
    truth = panel[~is_past]["y"].to_numpy()
    inside = (interval["lower"].to_numpy() <= truth) & (truth <= interval["upper"].to_numpy())
    assert abs(inside.mean() - 0.9) < 0.025  # 3 standard errors


# ---------------------------------------------------------------- cqr
def test_cqr_by_hand():
    """Scores max(lo - y, y - hi) of the copy; the margin moves the bounds of the model of all rows."""
    y, n_windows = walk(40, 3), 4
    forecaster = naive(1, method="cqr", n_windows=n_windows).fit(y)
    copy = NaiveForecaster(horizon=1)
    scores = []
    for end in range(36, 40):
        (lower, upper) = copy.fit(y[:end]).predict_interval(1, 0.75)[0]
        scores.append(max(lower - y[end], y[end] - upper))
    margin = sorted(scores)[3]  # rank ceil(5 * 0.75)
    (own,) = NaiveForecaster(horizon=1).fit(y).predict_interval(1, 0.75)
    assert_allclose(forecaster.predict_interval(1, 0.75)[0], [own[0] - margin, own[1] + margin])
    (four,) = forecaster.predict_interval(4, 0.75)[3:]
    (own,) = NaiveForecaster(horizon=1).fit(y).predict_interval(4, 0.75)[3:]
    assert_allclose(four, [own[0] - margin, own[1] + margin])


def test_cqr_narrows_intervals_that_are_too_wide():
    y = np.r_[np.cumsum(50.0 * np.resize([1, -1, -1, 1], 30)), np.resize([0.0, 1.0], 30)]
    own = half_widths(NaiveForecaster().fit(y).predict_interval(1, 0.9))
    assert half_widths(naive(1, method="cqr").fit(y).predict_interval(1, 0.9)) < own


# ---------------------------------------------------------------- update
def test_split_ranks_the_errors_of_the_rows_that_came():
    y, n = walk(60), 9
    forecaster = naive(2, n_windows=n).fit(y[:50])
    forecaster.update(y[50:53]).update(y[53:])
    expected = []
    for lead in (1, 2):
        calibration = [abs(y[o + lead] - y[o]) for o in range(48 - n, 48)]
        later = [abs(y[t] - y[t - lead]) for t in range(50, 60)]
        expected.append(sorted(calibration + later)[int(np.ceil((n + 10 + 1) * 0.8)) - 1])
    assert_allclose(half_widths(forecaster.predict_interval(2, 0.8)), expected)


@pytest.mark.parametrize("method", ["split", "cqr"])
def test_rows_that_come_at_once_or_one_by_one(method):
    """Also where an interval was asked for between two updates, and in a copy made before them."""
    y = walk(60)
    whole, stepwise = (naive(2, method=method).fit(y[:50]) for _ in range(2))
    before = stepwise.predict_interval(2, [0.5, 0.9])
    early = copy(stepwise)
    whole.update(y[50:])
    for row in range(50, 60):
        stepwise.update(y[row : row + 1]).predict_interval(2, [0.5, 0.9])
    assert_allclose(stepwise.predict_interval(2, [0.5, 0.9]), whole.predict_interval(2, [0.5, 0.9]))
    assert_array_equal(early.predict_interval(2, [0.5, 0.9]), before)


def test_cqr_scores_of_the_rows_that_came():
    y, n = walk(44, 3), 4
    forecaster = naive(1, method="cqr", n_windows=n).fit(y[:40]).update(y[40:])
    scores = []
    for row in range(36, 44):
        lower, upper = NaiveForecaster(horizon=1).fit(y[:row]).predict_interval(1, 0.75)[0]
        scores.append(max(lower - y[row], y[row] - upper))
    margin = sorted(scores)[int(np.ceil((n + 4 + 1) * 0.75)) - 1]
    (own,) = NaiveForecaster(horizon=1).fit(y).predict_interval(1, 0.75)
    assert_allclose(forecaster.predict_interval(1, 0.75)[0], [own[0] - margin, own[1] + margin])


def test_rows_of_an_update_count_as_many_errors():
    """A coverage that needed more windows than the fit had."""
    y = walk(70)
    forecaster = naive(2, n_windows=9).fit(y[:50])
    with pytest.raises(ValueError, match=r"needs 19 errors of each step, but the calibration has 9"):
        forecaster.predict_interval(2, 0.95)
    assert np.isfinite(forecaster.update(y[50:60]).predict_interval(2, 0.95)).all()


def test_intervals_follow_a_change_of_scale():
    """Errors three times as large as those of the calibration: after as many rows again, coverage is near again."""
    rng = np.random.default_rng(0)
    y = np.cumsum(np.r_[rng.normal(size=60), 3 * rng.normal(size=300)])
    forecaster, hits = naive(1).fit(y[:60]), []
    for row in range(60, 360):
        lower, upper = forecaster.predict_interval(1, 0.8)[0]
        hits.append(lower <= y[row] <= upper)
        forecaster.update(y[row : row + 1])
    assert abs(np.mean(hits[100:]) - 0.8) < 0.05


# ---------------------------------------------------------------- aci
def test_aci_by_hand():
    """alpha_(t+1) = alpha_t + gamma (alpha - err_t), with the scores that were known before each row."""
    scores = [1.0, 2.0, 3.0, 4.0]
    later, alpha, past = [3.5, 0.5, 9.0], 0.4, list(scores)
    for s in later:
        margin = sorted(past)[int(np.ceil((len(past) + 1) * (1 - alpha) - 1e-9)) - 1]
        alpha += 0.1 * (0.4 - (s > margin))
        past.append(s)
    expected = sorted(past)[int(np.ceil((len(past) + 1) * (1 - alpha) - 1e-9)) - 1]
    given = RollingScores.of(np.reshape(scores, (4, 1, 1))).then(np.reshape(later, (3, 1, 1)))
    assert_array_equal(given.adapted(0.6, 0.1)[:, 0], [expected])
    assert_array_equal(given.adapted(0.6, 0.1)[:, 1], [3.5])  # a series that was not in the fit: rank 5 of 7
    first = RollingScores.of(given.calibration).then(given.later[:1])
    assert np.isinf(first.adapted(0.6, 5.0)[0, 0])  # a miss makes alpha negative
    assert given.adapted(0.6, 5.0)[0, 0] == 0  # two hits make it more than 1


def test_aci_takes_the_scores_of_the_rows_that_came():
    y = walk(60)
    whole, stepwise = naive(2, method="aci").fit(y[:50]), naive(2, method="aci").fit(y[:50])
    whole.update(y[50:])
    for row in range(50, 60):
        stepwise.update(y[row : row + 1])
    assert_array_equal(whole._scores.later, stepwise._scores.later)
    assert_allclose(whole._scores.later[:, 0, 0] * whole.scale_[0, 0], np.abs(np.diff(y[49:])))
    assert_allclose(whole._scores.later[:, 1, 0] * whole.scale_[0, 0], np.abs(y[50:] - y[48:58]))
    assert_array_equal(whole.predict(2), [y[-1]] * 2)


def test_aci_holds_its_coverage_after_a_change_of_scale():
    rng = np.random.default_rng(0)
    y = np.cumsum(np.r_[rng.normal(size=60), 3 * rng.normal(size=300)])
    forecaster, fixed, hits = naive(1, method="aci", gamma=0.05).fit(y[:60]), [], []
    first = half_widths(forecaster.predict_interval(1, 0.8))[0]
    for row in range(60, 360):
        lower, upper = forecaster.predict_interval(1, 0.8)[0]
        hits.append(lower <= y[row] <= upper)
        fixed.append(abs(y[row] - y[row - 1]) <= first)
        forecaster.update(y[row : row + 1])
    assert np.mean(fixed) < 0.6
    assert abs(np.mean(hits) - 0.8) < 0.05


# ---------------------------------------------------------------- quantiles and paths
def test_quantiles_are_the_bounds_of_intervals():
    forecaster = naive(2).fit(dated(walk(60)))
    quantiles = forecaster.predict_quantiles(4, [0.1, 0.5, 0.9])
    assert_array_equal(quantiles[[0.1, 0.9]], forecaster.predict_interval(4, 0.8))
    assert_array_equal(quantiles[0.5], forecaster.predict(4))
    with pytest.raises(ValueError, match=r"a coverage of 0\.98 needs 49 errors .*n_windows=49 or more"):
        forecaster.predict_quantiles(1, 0.99)


def windows(y, origins, h):
    """Errors of the naive forecast of h steps from each origin, the last row before them, as a set of tuples."""
    return {tuple(np.round(y[o + 1 : o + 1 + h] - y[o], 9)) for o in origins}


def test_paths_have_the_errors_from_one_origin():
    y, h, n = walk(40), 3, 4
    forecaster = naive(h, n_windows=n).fit(y[:34])
    calibration = windows(y, range(34 - h - n, 34 - h), h)
    drawn = forecaster.sample(h, 200, random_state=0) - y[33]
    assert set(map(tuple, np.round(drawn.T, 9))) == calibration
    forecaster.update(y[34:35]).update(y[35:])
    later = windows(y, range(33, 40 - h), h)  # from the last row of the fit on
    drawn = forecaster.sample(h, 400, random_state=0) - y[39]
    assert set(map(tuple, np.round(drawn.T, 9))) == calibration | later
    drawn = forecaster.sample(5, 400, random_state=0) - y[39]  # two more steps, with errors from another origin
    assert set(map(tuple, np.round(drawn[:h].T, 9))) == calibration | later
    assert {tuple(two) for two in np.round(drawn[h:] - drawn[h - 1], 9).T} == {w[:2] for w in calibration | later}


def test_paths_of_series_in_units_of_each():
    """Of few windows, all series draw from those of all, in units of their scales; of many, from their own."""
    series = {id: pd.Series(size * walk(60, seed)) for seed, (id, size) in enumerate({"a": 1, "b": 1000}.items())}
    for n, is_shared in ((5, True), (30, False)):
        forecaster = naive(1, n_windows=n).fit(long(series))
        shares = [np.diff(y)[-n:] / scale for y, scale in zip(series.values(), forecaster.scale_[:, 0], strict=True)]
        drawn = forecaster.sample(1, 1000, random_state=0).iloc[:, 2:].to_numpy()
        for s, y in enumerate(series.values()):
            expected = np.concatenate(shares) if is_shared else shares[s]
            found = np.unique(np.round((drawn[s] - y.iloc[-1]) / forecaster.scale_[s, 0], 6))
            assert_allclose(found, np.unique(np.round(expected, 6)))


def test_paths_of_a_context_a_gap_and_a_wide_frame():
    y = walk(60)
    forecaster = naive(2, n_windows=9).fit(y)
    context = 1000 * walk(30, 1)
    drawn = forecaster.sample(1, 50, context=context, random_state=0) - context[-1]
    unit = np.abs(np.diff(context)).mean() / forecaster.scale_[0, 0]
    assert set(np.round(drawn[0] / unit, 6)) <= set(np.round(y[50:59] - y[49:58], 6))
    gap = naive(2, n_windows=9).fit(np.r_[y, np.nan])
    assert_allclose(gap.sample(1, 50, random_state=0), forecaster.sample(2, 50, random_state=0)[1:])
    wide = np.column_stack([y, y[::-1]])
    drawn = naive(1, n_windows=3).fit(wide).sample(1, 50, random_state=0)[0] - wide[-1][:, None]
    assert {tuple(pair) for pair in np.round(drawn.T, 9)} == {
        tuple(pair) for pair in np.round(np.diff(wide, axis=0), 9)[-3:]
    }


def test_totals_of_paths():
    forecaster = naive(3).fit(walk(60))
    sums = forecaster.sample(3, 100, random_state=0).sum(axis=0)
    assert_allclose(forecaster.predict_total(3, n_paths=100, random_state=0), np.quantile(sums, [0.05, 0.5, 0.95]))


def test_totals_need_as_many_errors_as_intervals():
    """A coverage of 0.9 needs 9 errors: n / (n + 1) is the largest coverage of n."""
    few, enough = naive(3, n_windows=8).fit(walk(60)), naive(3, n_windows=9).fit(walk(60))
    message = r"a coverage of 0\.9 needs .*9 .*there are 8; .*larger n_windows, or ask for a coverage of 0\.888 or less"
    with pytest.raises(ValueError, match=r"a coverage of 0\.9 needs 9"):
        few.predict_interval(3)
    for horizon in (3, 10):  # beyond the calibrated steps, whole windows follow each other
        with pytest.raises(ValueError, match=message):
            few.predict_total(horizon)
        assert np.isfinite(enough.predict_total(horizon)).all()
    assert np.isfinite(few.predict_total(3, 0.888)).all()
    assert few.sample(3, 10).shape == (3, 10)


@pytest.mark.parametrize("missing", [False, True])
def test_totals_of_a_panel_come_from_all_series_where_one_has_too_few_errors(missing):
    """40 errors of a series are enough for 0.95, but not for 0.99, which needs 99: those of all three have 120."""
    table = long({name: dated(walk(90, k)) for k, name in enumerate("abc")})
    if missing:  # of series b only 4 errors are left
        table.loc[(table["unique_id"] == "b") & (table.groupby("unique_id").cumcount() >= 54), "y"] *= np.nan
        table.loc[(table["unique_id"] == "b") & (table.groupby("unique_id").cumcount() == 89), "y"] = 1.0
    forecaster = naive(1, n_windows=40).fit(table)
    sums = forecaster.sample(1, 1000, random_state=0).drop(columns=["unique_id", "ds"]).to_numpy()
    found = forecaster.predict_total(1, 0.95, random_state=0).set_index("unique_id")
    own = [0, 2] if missing else [0, 1, 2]
    assert_allclose(found.to_numpy()[own], np.quantile(sums, [0.025, 0.5, 0.975], axis=1).T[own])
    with pytest.raises(ValueError, match=r"a coverage of 0\.995 needs paths from 199 windows"):
        forecaster.predict_total(1, 0.995)
    if not missing:
        wide = forecaster.predict_total(1, 0.99, random_state=0).set_index("unique_id")
        assert (wide.to_numpy()[:, 0] != np.quantile(sums, 0.005, axis=1)).any()


@pytest.mark.parametrize("method", ["cqr", "aci"])
def test_methods_without_quantiles(method):
    forecaster = naive(method=method).fit(walk(60))
    for call in (forecaster.predict_quantiles, forecaster.sample, forecaster.predict_total):
        with pytest.raises(
            ValueError, match=rf"method='{method}' .*; use predict_interval, or fit with method='split'"
        ):
            call(1)
    assert naive(method="split").fit(walk(60)).predict_quantiles(1).shape == (1, 3)


def test_no_window_is_complete():
    y = walk(60)
    y[-11:-1:2] = np.nan
    with pytest.raises(ValueError, match="fit with a larger n_windows"):
        naive(2, n_windows=1).fit(np.column_stack([y, np.roll(y, 1)])).sample(1)
    assert np.isfinite(naive(2, n_windows=19).fit(np.column_stack([y, np.roll(y, 1)])).sample(1)).all()


# ---------------------------------------------------------------- wide frames, panels
@every_method
def test_many_new_rows_of_one_series(method):
    """The scores of a series do not depend on how many rows another one gets."""
    series = {"a": pd.Series(walk(30)), "b": pd.Series(walk(90, 1))}
    forecaster = naive(2, method=method).fit(long({id: y[:30] for id, y in series.items()}))
    before = forecaster.predict_interval(2, ids=["a"])
    forecaster.update(long({"b": series["b"][30:]}))
    pd.testing.assert_frame_equal(forecaster.predict_interval(2, ids=["a"]), before)
    alone = naive(2, method=method).fit(series["b"][:30]).update(series["b"][30:])
    assert_allclose(forecaster.predict_interval(2, ids=["b"]).iloc[:, 2:], alone.predict_interval(2))


@every_method
def test_panel_equals_single_series(method):
    series = {"b": dated(walk(50, 1)), "a": dated(100 * walk(45, 2))}
    panel = naive(2, method=method).fit(long({id: y[:-4] for id, y in series.items()}))
    panel.update(long({id: y[-4:] for id, y in series.items()}))
    interval = panel.predict_interval(2, [0.5, 0.9])
    for id, y in series.items():
        alone = naive(2, method=method).fit(y[:-4]).update(y[-4:]).predict_interval(2, [0.5, 0.9])
        own = interval[interval["unique_id"] == id].iloc[:, 2:]
        assert_allclose(own, alone)
    wide = pd.DataFrame({id: y.iloc[-45:].to_numpy() for id, y in series.items()}, pd.RangeIndex(45))
    columns = naive(2, method=method).fit(wide).predict_interval(2)
    for id in wide:
        assert_allclose(columns[id], naive(2, method=method).fit(wide[id]).predict_interval(2))


def test_a_series_too_short_for_the_origins_has_the_shared_margin():
    series = {"long": pd.Series(walk(40)), "short": pd.Series(100 * walk(8, 1))}
    forecaster = naive(1, n_windows=9).fit(long(series))
    interval = forecaster.predict_interval(1, 0.9).iloc[:, 2:]
    first, second = half_widths(interval)
    units = np.abs(np.diff(series["long"][:31])).mean(), np.abs(np.diff(series["short"])).mean()
    assert_allclose(second / units[1], first / units[0])


def test_too_few_errors_are_pooled_in_units_of_the_scale():
    series = {id: pd.Series(size * walk(30, seed)) for seed, (id, size) in enumerate({"a": 1, "b": 1000}.items())}
    forecaster = naive(1, n_windows=5).fit(long(series))
    shares = {}
    for id, y in series.items():
        shares[id] = np.abs(np.diff(y))[-5:] / np.abs(np.diff(y[:25])).mean()
        assert_allclose(forecaster.scale_[len(shares) - 1], np.abs(np.diff(y[:25])).mean())
    pooled = np.sort(np.concatenate(list(shares.values())))
    margin = pooled[int(np.ceil(11 * 0.9 - 1e-9)) - 1]
    assert_allclose(half_widths(forecaster.predict_interval(1, 0.9).iloc[:, 2:]), margin * forecaster.scale_[:, 0])
    new = pd.Series(walk(20, 9))
    interval = forecaster.predict_interval(1, 0.9, context=long({"new": new})).iloc[:, 2:]
    assert_allclose(half_widths(interval), margin * np.abs(np.diff(new)).mean())


@every_method
def test_no_leak(method):
    """The rows after an origin change neither the copy nor the forecasts from it."""
    y, other = walk(60), walk(60)
    other[50:] = 0.0
    model = ARForecaster(lags=2, horizon=2)
    scores = []
    for values in (y, other):
        fitted = ConformalForecaster(model, method=method, n_windows=19).fit(values)
        made = fitted._scores_for(0.9) if method == "cqr" else fitted._scores
        scores.append(made.calibration)
    # origin k has 40 + k rows before it; these are the origins whose target lies before row 50
    assert_array_equal(scores[0][:9, 0], scores[1][:9, 0])
    assert_array_equal(scores[0][:8, 1], scores[1][:8, 1])
    assert (scores[0][10:] != scores[1][10:]).any()


def test_a_gap_at_the_end_counts_as_steps():
    y = walk(60)
    y[58:] = np.nan
    forecaster = naive(4, n_windows=9).fit(y)
    assert_allclose(
        half_widths(forecaster.predict_interval(2, 0.9)),
        half_widths(naive(4, n_windows=9).fit(y[:58]).predict_interval(4, 0.9))[2:],
    )


# ---------------------------------------------------------------- manners
@every_method
def test_nested_parameters_and_clone(method):
    forecaster = clone(naive(method=method).set_params(model__horizon=3, n_windows=9))
    assert forecaster.get_params()["model__horizon"] == 3
    y = dated(walk(50))
    assert len(forecaster.fit(y[:-3]).predict()) == 3
    assert not hasattr(forecaster.model, "target_")
    assert forecaster.score(y[-3:]) == NaiveForecaster(horizon=3).fit(y[:-3]).score(y[-3:])
    assert_array_equal(forecaster.fit(y).fit(y).predict(), NaiveForecaster(horizon=3).fit(y).predict())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "jackknife"}, "method='jackknife' is not known"),
        ({"n_windows": 0}, "n_windows=0 must be at least 1"),
        ({"gamma": 0}, "gamma=0 must lie in"),
        ({"n_windows": 60}, "too few to fit the model to 2 or more before n_windows=60 origins.*use n_windows=47 or"),
    ],
)
def test_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        naive(**options).fit(walk(50))


def test_the_advice_of_the_error_works():
    naive(n_windows=47).fit(walk(50))
    with pytest.raises(ValueError, match="use n_windows=47"):
        naive(n_windows=48).fit(walk(50))


@every_method
@pytest.mark.parametrize("coverage", [0, 1, -0.1, 1.5])
def test_coverage_outside_the_unit_interval(method, coverage):
    with pytest.raises(ValueError, match="coverage="):
        naive(method=method).fit(walk(50)).predict_interval(1, coverage)


@every_method
def test_too_few_windows_for_a_coverage(method):
    forecaster = naive(method=method, n_windows=9).fit(walk(50))
    forecaster.predict_interval(1, 0.9)
    with pytest.raises(ValueError, match=r"a coverage of 0\.95 needs 19 errors of each step.*9.*n_windows=19 or more"):
        forecaster.predict_interval(1, 0.95)


def test_models_that_are_none():
    with pytest.raises(TypeError, match="must be a forecaster of tsrnn"):
        ConformalForecaster(naive()).fit(walk(50))


# ---------------------------------------------------------------- totals
def test_totals_are_quantiles_of_sums_of_paths():
    y = dated(walk(50))
    forecaster = SeasonalNaiveForecaster(season_lengths=7).fit(y)
    total = forecaster.predict_total(10, 0.8, n_paths=200, random_state=3)
    sums = forecaster.sample(10, 200, random_state=3).to_numpy().sum(axis=0)
    assert total.index.tolist() == ["lower", "total", "upper"]
    assert total.name == "sales"
    assert_allclose(total, np.quantile(sums, [0.1, 0.5, 0.9]))


def test_total_of_a_random_walk():
    """The variance of the sum over h steps is s^2 times the sum of squares of 1 to h."""
    y = walk(200)
    total = NaiveForecaster().fit(y).predict_total(4, 0.9, n_paths=20_000, random_state=0)
    deviation = np.sqrt(np.mean(np.diff(y) ** 2) * (1 + 4 + 9 + 16))
    assert_allclose(total, 4 * y[-1] + 1.6449 * deviation * np.array([-1, 0, 1]), atol=0.05 * deviation)


def test_totals_of_columns_and_panels():
    wide = pd.DataFrame({"x": walk(30), "z": walk(30, 1)}, pd.date_range("2024-01-01", periods=30))
    forecaster, options = NaiveForecaster(), {"n_paths": 100, "random_state": 0}
    totals = forecaster.fit(wide).predict_total(3, **options)
    assert totals.columns.tolist() == ["lower", "total", "upper"]
    paths = forecaster.sample(3, **options)
    for label in wide:
        assert_allclose(totals.loc[label], np.quantile(paths[label].sum(), [0.05, 0.5, 0.95]))
    assert_allclose(forecaster.fit(wide.to_numpy()).predict_total(3, **options), totals)
    table = long({"z": wide["z"], "x": wide["x"]})
    of_panel = forecaster.fit(table).predict_total(3, **options)
    assert of_panel.columns.tolist() == ["unique_id", "lower", "total", "upper"]
    assert of_panel["unique_id"].tolist() == ["z", "x"]
    paths = forecaster.sample(3, **options).iloc[:, 2:].to_numpy().reshape(2, 3, 100)
    assert_allclose(of_panel.iloc[:, 1:], np.quantile(paths.sum(axis=1), [0.05, 0.5, 0.95], axis=1).T)
    (only,) = forecaster.predict_total(3, ids=["x"], **options)["total"]
    assert only == of_panel["total"].iloc[1]
    of_index = forecaster.fit(table.set_index(["unique_id", "ds"])).predict_total(3, **options)
    assert_allclose(of_index.loc[["z", "x"]], of_panel.iloc[:, 1:])
    of_dict = forecaster.fit({"z": wide["z"], "x": wide["x"]}).predict_total(3, **options)
    assert_allclose(of_dict["x"], of_panel.iloc[1, 1:].astype(float))


def test_total_in_a_polars_table():
    pl = pytest.importorskip("polars")
    table = pl.DataFrame(long({"z": dated(walk(30)), "x": dated(walk(30, 1))}))
    total = NaiveForecaster().fit(table).predict_total(3, random_state=0)
    assert isinstance(total, pl.DataFrame)
    assert total.columns == ["unique_id", "lower", "total", "upper"]
    assert total["unique_id"].to_list() == ["z", "x"]


def test_arguments_of_totals():
    forecaster = NaiveForecaster().fit(walk(30))
    with pytest.raises(ValueError, match=r"n_paths=10 are too few for coverage=0\.9.*draw 20 or more"):
        forecaster.predict_total(3, n_paths=10)
    forecaster.predict_total(3, n_paths=20)
    with pytest.raises(TypeError, match="must be one number"):
        forecaster.predict_total(3, [0.5, 0.9])
    with pytest.raises(ValueError, match="coverage=1"):
        forecaster.predict_total(3, 1)


def test_a_validation_set_after_the_calibration_is_refused():
    y, later = np.sin(np.arange(40) / 3), np.sin(np.arange(40, 48) / 3)
    model = LSTMForecaster(horizon=2, context_length=4, early_stopping=EarlyStopping(validation=later))
    with pytest.raises(ValueError, match=r"use EarlyStopping\(validation_size"):
        ConformalForecaster(model, n_windows=5).fit(y)
