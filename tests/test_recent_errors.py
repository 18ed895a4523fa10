"""Intervals of networks after an update: the newest errors take the place of the oldest ones."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn import AutoForecaster, ConformalForecaster, EarlyStopping, GRUForecaster
from tsrnn.forecasting import conformal

N, H, N_HELD_OUT = 80, 3, 24
#: Windows of the validation part, each with all of its steps.
N_WINDOWS = N_HELD_OUT - H + 1
RNG = np.random.default_rng(0)
#: A wave with noise that is five times as large in the rows after the fit.
Y = 10 + np.sin(np.arange(140) * 0.5) + np.where(np.arange(140) < N, 0.1, 0.5) * RNG.normal(size=140)


def gru(*, refit_full=False, **options):
    stopping = EarlyStopping(validation_size=N_HELD_OUT, refit_full=refit_full)
    settings = {"horizon": H, "context_length": 8, "hidden_size": 3, "max_epochs": 2, "random_state": 0}
    return GRUForecaster(**settings, early_stopping=stopping, dtype="float64", **options)


def half_widths(forecaster, n_steps=H, coverage=0.8):
    return np.diff(forecaster.predict_interval(n_steps, coverage))[:, 0] / 2


def ranked(errors, coverage=0.8):
    """Absolute errors (n, n_steps) of the rank of split-conformal intervals."""
    return np.sort(np.abs(errors), axis=0)[int(np.ceil((len(errors) + 1) * coverage)) - 1]


def by_the_loop(forecaster, y, n_steps=H, unit=lambda context: 1.0):
    """Errors from the last origins whose H steps have come true, as many as the fit had, one context at a time.

    A missing value of a context is the last one before it.
    """
    filled = pd.Series(y).ffill().to_numpy()
    ends = range(len(y) - H + 1 - N_WINDOWS, len(y) - H + 1)
    padded = np.concatenate([y, np.full(n_steps, np.nan)])
    return np.array([
        (padded[end : end + n_steps] - forecaster.predict(n_steps, context=filled[:end])) / unit(y[end - 8 : end])
        for end in ends
    ])  # fmt: skip


@pytest.mark.parametrize("n_new", [0, 1, 5, 50])
@pytest.mark.parametrize("options", [{}, {"difference": 1}, {"target_transform": "log1p"}, {"strategy": "recursive"}])
def test_intervals_rest_on_the_last_errors(options, n_new):
    forecaster = gru(scaling="standard", **options).fit(Y[:N])
    if n_new:
        forecaster.update(Y[N : N + n_new])
    if "target_transform" in options:
        bounds = np.log1p(forecaster.predict_interval(H, 0.8))
        point = np.log1p(forecaster.predict(H))
        ends = range(N + n_new - H + 1 - N_WINDOWS, N + n_new - H + 1)
        errors = [np.log1p(Y[e : e + H]) - np.log1p(forecaster.predict(H, context=Y[:e])) for e in ends]
        assert_allclose(bounds[:, 1] - point, ranked(errors), rtol=1e-9)
        return
    assert_allclose(half_widths(forecaster), ranked(by_the_loop(forecaster, Y[: N + n_new])), rtol=1e-9)


def test_they_are_in_units_of_their_windows():
    forecaster = gru(scaling="window").fit(Y[:N]).update(Y[N : N + 30])
    so_far = Y[: N + 30]
    expected = ranked(by_the_loop(forecaster, so_far, unit=np.std)) * np.std(so_far[-8:])
    assert_allclose(half_widths(forecaster), expected, rtol=1e-9)


def test_intervals_widen_with_the_errors_and_those_of_a_context_too():
    forecaster = gru().fit(Y[:N])
    before = half_widths(forecaster)
    assert (half_widths(forecaster.update(Y[N:])) > 2 * before).all()
    assert_array_equal(forecaster.predict_interval(H, 0.8, context=Y), forecaster.predict_interval(H, 0.8))
    assert forecaster.errors_.errors.shape == (N_WINDOWS, H, 1)  # those of the fit


def test_steps_beyond_the_horizon():
    forecaster, n = gru(scaling="standard").fit(Y[:N]).update(Y[N : N + 9]), 5
    errors = by_the_loop(forecaster, Y[: N + 9], n)
    widths = half_widths(forecaster, n)
    for lead in range(n):
        known = errors[:, lead][np.isfinite(errors[:, lead])]
        assert len(known) == N_WINDOWS - max(0, lead - H + 1)
        assert_allclose(widths[lead], ranked(known), rtol=1e-9)


def test_the_errors_are_those_of_the_network_before_its_refit():
    before, after = (gru(refit_full=refit).fit(Y[:N]).update(Y[N:]) for refit in (False, True))
    assert (before.theta_ != after.theta_).any()
    assert_allclose(half_widths(after), half_widths(before), rtol=1e-9)  # scaling="last" has the same unit


def test_paths_are_the_forecast_and_the_last_errors():
    forecaster = gru(scaling="standard").fit(Y[:N]).update(Y[N : N + 30])
    paths = forecaster.sample(H, 40, random_state=0) - forecaster.predict(H)[:, None]
    possible = by_the_loop(forecaster, Y[: N + 30])
    assert all(np.isclose(possible, path, atol=1e-9).all(axis=1).any() for path in paths.T)


def test_rows_one_by_one_or_all_at_once():
    at_once, stepwise = gru().fit(Y[:N]).update(Y[N : N + 12]), gru().fit(Y[:N])
    for row in range(N, N + 12):
        stepwise.update(Y[row : row + 1]).predict_interval(H, 0.5)
    assert_array_equal(stepwise.predict_interval(H, 0.8), at_once.predict_interval(H, 0.8))


def test_errors_that_were_kept_are_not_those_of_other_rows():
    """Copies of a forecaster that get other rows."""
    one = gru().fit(Y[:N]).update(Y[N : N + 12])
    one.predict_interval(H, 0.8)
    other, more = copy.copy(one), copy.copy(one)
    assert_array_equal(half_widths(more.update(Y[N + 12 :])), half_widths(gru().fit(Y[:N]).update(Y[N:])))
    changed = np.concatenate([Y[N : N + 12], 3 * Y[N + 12 :]])
    assert_array_equal(half_widths(other.update(3 * Y[N + 12 :])), half_widths(gru().fit(Y[:N]).update(changed)))


def test_where_a_value_is_missing_the_error_of_the_validation_part_stays():
    y = Y[: N + 20].copy()
    y[[row for row in range(N, N + 20) if row not in (N + 3, N + 11, N + 19)]] = np.nan
    forecaster = gru(scaling="standard").fit(y[:N])
    fitted, before = by_the_loop(forecaster, y[:N]), half_widths(forecaster)
    found = half_widths(forecaster.update(y[N:]))
    errors = by_the_loop(forecaster, y)
    assert 20 < np.isnan(errors).sum() < errors.size
    assert_allclose(found, ranked(np.where(np.isnan(errors), fitted, errors)), rtol=1e-9)
    assert (found > before).all()


def test_a_gap_at_the_end_brings_no_errors():
    fitted = gru().fit(Y[:N])
    before = half_widths(fitted, 8, 0.5)
    assert_array_equal(half_widths(fitted.update(np.full(5, np.nan)), 3, 0.5), before[5:])


def test_a_series_without_new_rows_keeps_its_errors():
    days = pd.date_range("2024-01-01", periods=140)
    both = pd.concat(
        [pd.DataFrame({"unique_id": name, "ds": days[:N], "y": k * Y[:N]}) for k, name in ((1, "a"), (2, "b"))]
    )
    new = pd.DataFrame({"unique_id": "a", "ds": days[N:], "y": Y[N:]})
    fitted = gru(scaling="standard").fit(both)
    before = fitted.predict_interval(H, 0.8).set_index("unique_id")
    updated = copy.deepcopy(fitted).update(new)
    after = updated.predict_interval(H, 0.8).set_index("unique_id")
    pd.testing.assert_frame_equal(after.loc["b"], before.loc["b"], check_exact=True)
    rows = pd.DataFrame({"unique_id": "a", "ds": days, "y": Y})
    ends = range(len(Y) - H + 1 - N_WINDOWS, len(Y) - H + 1)
    errors = [Y[end : end + H] - fitted.predict(H, context=rows[:end])["y"] for end in ends]
    assert_allclose((after.loc["a", "upper"] - after.loc["a", "lower"]) / 2, ranked(errors), rtol=1e-9)


def test_panels_with_more_origins_than_are_computed_keep_their_errors(monkeypatch):
    monkeypatch.setattr(conformal, "MAX_ORIGINS", 10)
    forecaster = gru().fit(Y[:N])
    before = half_widths(forecaster)
    assert len(forecaster.errors_.errors) == 10
    assert_array_equal(half_widths(forecaster.update(Y[N:])), before)


def test_values_that_a_transform_refuses_are_named():
    days = pd.date_range("2024-01-01", periods=N + 1)
    parts = [
        pd.DataFrame({"unique_id": name, "ds": days, "y": np.append(Y[:N], last)})
        for name, last in (("a", 9.0), ("b", -3.0))
    ]
    both = pd.concat(parts)
    forecaster = gru(target_transform="log1p").fit(both[both["ds"] < days[N]]).update(both[both["ds"] == days[N]])
    assert np.isfinite(forecaster.predict(H, ids="a")["y"]).all()
    with pytest.raises(ValueError, match=f"'log1p' of series 'b' of y, row {N} from its first .* -3 must be"):
        forecaster.predict_interval(H, 0.8, ids="a")


def test_ensembles_widen_too():
    auto = AutoForecaster(horizon=H, random_state=0).fit(Y[:N])
    before = half_widths(auto, coverage=0.5)
    assert (half_widths(auto.update(Y[N:]), coverage=0.5) > before).all()


# ---------------------------------------------------------------- conformal forecasters around networks
@pytest.mark.parametrize("method", ["split", "cqr", "aci"])
def test_rows_one_by_one_or_all_at_once_of_series_with_different_ends(method):
    """Also of one that is too short to have scores of its own."""
    days = pd.date_range("2024-01-01", periods=140)
    spans = {"a": (0, 120), "b": (0, 100), "short": (90, 105)}
    rows = {name: pd.DataFrame({"unique_id": name, "ds": days[i:j], "y": Y[i:j]}) for name, (i, j) in spans.items()}
    everything, last = pd.concat(rows.values()), days[95]
    fitted = ConformalForecaster(gru(point="mean"), method=method, n_windows=9).fit(
        everything[everything["ds"] <= last]
    )
    later = everything[everything["ds"] > last]
    at_once, stepwise = copy.deepcopy(fitted).update(later), copy.deepcopy(fitted)
    for _, new in later.groupby("ds"):
        stepwise.update(new).predict_interval(H, 0.5)
    pd.testing.assert_frame_equal(stepwise.predict_interval(H, 0.5), at_once.predict_interval(H, 0.5), check_exact=True)


def test_scores_of_intervals_are_those_of_a_copy_that_moves_forward():
    forecaster = ConformalForecaster(gru(), method="cqr", n_windows=19).fit(Y)
    forecaster.predict_interval(H, 0.5)
    _, scores = forecaster._scores_of[0.5]
    first = len(Y) - H - 18
    early = gru().fit(Y[:first])
    for window in range(19):
        bounds, truth = early.predict_interval(H, 0.5), Y[first + window : first + window + H]
        expected = np.maximum(bounds[:, 0] - truth, truth - bounds[:, 1]) / forecaster.scale_[0, 0]
        assert_allclose(scores.calibration[window, :, 0], expected, atol=1e-9)
        early.update(Y[first + window : first + window + 1])
