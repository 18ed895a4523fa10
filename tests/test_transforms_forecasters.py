"""Forecasters with differences and transformed targets: what they forecast, by definition and by simulation."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import PowerTransformer, StandardScaler

from tsrnn import EarlyStopping, GRUForecaster, Seq2Seq

LINE = 3.0 + 0.5 * np.arange(60.0)
#: Everything that undoing depends on; the sixth has a season of 4 steps.
TRANSFORMS = {
    "difference": {"difference": 1},
    "twice": {"difference": 2},
    "seasonal": {"seasonal_difference": 1},
    "both": {"difference": 1, "seasonal_difference": 1},
    "log1p": {"target_transform": "log1p"},
    "boxcox": {"target_transform": "boxcox"},
    "log difference": {"difference": 1, "target_transform": "log1p"},
    "power": {"target_transform": PowerTransformer(), "seasonal_difference": 1},
}
every_transform = pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)


def forecaster(**options):
    common = {
        "horizon": 3, "context_length": 4, "hidden_size": 2, "max_epochs": 1, "random_state": 0, "season_lengths": 4,
        "dtype": "float64", "scaling": "standard",
    }  # fmt: skip
    return GRUForecaster(**common | options)


def without_changes(fitted):
    """The forecaster with a network whose outputs are all 0 in scaled units, and so the mean of the training part."""
    fitted.theta_ = np.zeros_like(fitted.theta_)
    return fitted


def walk(n=120, seed=0, level=50.0, size=1.0):
    return level + size * np.random.default_rng(seed).normal(size=n).cumsum()


def long_frame(series):
    parts = [
        pd.DataFrame({"unique_id": name, "ds": pd.date_range("2020-01-01", periods=len(y), freq="D"), "y": y})
        for name, y in series.items()
    ]
    return pd.concat(parts, ignore_index=True)


# ---------------------------------------------------------------- undoing
def test_no_change_continues_a_line():
    ahead = 3.0 + 0.5 * np.arange(60.0, 67.0)
    fitted = without_changes(forecaster(difference=1).fit(LINE))
    assert_allclose(fitted.predict(7), ahead, rtol=1e-12)
    assert_allclose(fitted.predict(3, context=100 - LINE[:9]), 100 - LINE[8] + 0.5 * np.arange(1, 4), rtol=1e-12)
    assert_allclose(without_changes(forecaster(difference=2).fit(LINE)).predict(7), ahead, rtol=1e-12)


def test_no_change_continues_a_season():
    season = np.tile([3.0, -1.0, 7.0, 2.0], 16)
    fitted = without_changes(forecaster(seasonal_difference=1).fit(season[:58]))
    assert_allclose(fitted.predict(6), season[58:], atol=1e-12)
    fitted = without_changes(forecaster(seasonal_difference=1, difference=1).fit(LINE + season[:60]))
    assert_allclose(fitted.predict(7), 3 + 0.5 * np.arange(60, 67) + np.tile(season[:4], 2)[:7], rtol=1e-12)


def test_no_change_of_logarithms_continues_growth():
    growth = 1.02 ** np.arange(70.0)
    fitted = without_changes(forecaster(difference=1, target_transform="log1p").fit(growth[:60] - 1))
    assert_allclose(fitted.predict(10), growth[60:] - 1, rtol=1e-10)


@pytest.mark.parametrize("strategy", ["direct", "recursive", Seq2Seq(attention="dot")])
def test_differences_are_those_of_the_differenced_series(strategy):
    y = walk()
    fitted = forecaster(difference=1, strategy=strategy).fit(y)
    of_changes = forecaster(strategy=strategy).fit(np.diff(y))
    assert_array_equal(fitted.theta_, of_changes.theta_)
    assert_allclose(fitted.predict(5), y[-1] + of_changes.predict(5).cumsum(), rtol=1e-12)
    assert_allclose(fitted.predict(5, context=y[:30]), y[29] + of_changes.predict(5, context=np.diff(y[:30])).cumsum())
    if strategy == Seq2Seq(attention="dot"):
        assert_array_equal(fitted.attention_weights(), of_changes.attention_weights())


def test_transforms_are_those_of_the_transformed_series():
    y = np.exp(walk(size=0.1, level=0.0))
    fitted, of_logs = forecaster(target_transform="log1p").fit(y), forecaster().fit(np.log1p(y))
    assert_array_equal(fitted.predict(), np.expm1(of_logs.predict()))
    levels = np.array([0.2, 0.5, 0.8])
    assert_array_equal(fitted.predict_quantiles(3, levels), np.expm1(of_logs.predict_quantiles(3, levels)))
    assert_array_equal(fitted.predict_interval(3, 0.7), np.expm1(of_logs.predict_interval(3, 0.7)))
    assert_array_equal(fitted.sample(3, 9, random_state=0), np.expm1(of_logs.sample(3, 9, random_state=0)))


@pytest.mark.parametrize("loss", ["gaussian", "pinball"])
def test_quantiles_of_a_learned_distribution(loss):
    y = np.exp(walk(size=0.1, level=0.0))
    fitted, of_logs = (forecaster(loss=loss, target_transform=t).fit(v) for t, v in (("log1p", y), (None, np.log1p(y))))
    assert_array_equal(fitted.predict_quantiles(3, [0.1, 0.9]), np.expm1(of_logs.predict_quantiles(3, [0.1, 0.9])))


def test_a_median_and_a_mean():
    y = np.exp(walk(size=0.3, level=0.0))
    fitted = forecaster(target_transform="log1p", loss="gaussian").fit(y)
    median = fitted.predict()
    mean = fitted.set_params(point="mean").predict()
    assert (mean > median).all()  # the exponential of a normal variable is skewed to the right
    sampled = fitted.sample(3, 20_000, random_state=1)
    assert_allclose(mean, sampled.mean(axis=1), atol=5 * (sampled.std(axis=1) / np.sqrt(1000)).max())
    assert_array_equal(mean, fitted.predict())
    with pytest.raises(ValueError, match="point='mode' is not known; use one of 'median', 'mean'"):
        forecaster(point="mode").fit(y)


def test_paths_are_cumulated():
    y = walk()
    fitted, of_changes = (
        forecaster(loss="gaussian", strategy="recursive", difference=d).fit(v) for d, v in ((1, y), (0, np.diff(y)))
    )
    paths, of_steps = (f.sample(6, 50, random_state=3) for f in (fitted, of_changes))
    assert_allclose(paths, y[-1] + of_steps.cumsum(axis=0), rtol=1e-12)
    quantiles = fitted.predict_quantiles(6, [0.1, 0.5, 0.9])
    sampled = np.quantile(fitted.sample(6, 20_000, random_state=0), [0.1, 0.5, 0.9], axis=1).T
    assert_allclose(quantiles, sampled, atol=0.2 * np.ptp(sampled, axis=1).max())
    width = np.ptp(quantiles, axis=1)
    assert 1.6 < width[5] / width[0] < 3.5  # near the root of 6; quantiles of differences would sum to 6 times


# ---------------------------------------------------------------- intervals
@pytest.mark.parametrize("loss", ["mse", "gaussian", "pinball"])
def test_intervals_cover_a_random_walk(loss):
    inside = []
    for seed in range(40):
        y = walk(230, seed)
        fitted = forecaster(horizon=10, difference=1, loss=loss, early_stopping=EarlyStopping(validation_size=60)).fit(
            y[:220]
        )
        bounds = fitted.predict_interval(10, 0.8)
        inside.append((bounds[:, 0] <= y[220:]) & (y[220:] <= bounds[:, 1]))
    covered = np.mean(inside, axis=0)
    assert 0.68 < np.mean(inside) < 0.92
    assert min(covered[0], covered[9]) > 0.6


def test_errors_are_those_of_levels():
    y = walk(100)
    fitted = forecaster(difference=1, early_stopping=EarlyStopping(validation_size=20, refit_full=False)).fit(y)
    errors, unit = fitted.errors_.errors[:, :, 0], fitted.scaling_.target.scale[0, 0]
    for k in range(len(errors)):
        end = 80 + k
        expected = (y[end : end + 3] - fitted.predict(3, context=y[:end])) / unit
        assert_allclose(errors[k], expected, atol=1e-9)
    width = np.diff(fitted.predict_interval(3, 0.7), axis=1)[:, 0]
    rank = int(np.ceil((len(errors) + 1) * 0.7)) - 1
    assert_allclose(width, 2 * unit * np.sort(np.abs(errors), axis=0)[rank], rtol=1e-9)


# ---------------------------------------------------------------- missing values
@every_transform
def test_a_gap_at_the_end_is_forecast_first(transform):
    y = walk() + 3 * np.tile([0, 1, 2, 0], 30)
    fitted = forecaster(**transform, strategy="recursive").fit(y)
    whole = fitted.predict(8)
    gap = forecaster(**transform, strategy="recursive").fit(np.append(y, [np.nan] * 3))
    assert_allclose(gap.predict(5), whole[3:], rtol=1e-9)
    assert_allclose(fitted.update(np.full(3, np.nan)).predict(5), whole[3:], rtol=1e-9)
    assert_allclose(gap.predict_interval(2, 0.5), fitted.predict_interval(2, 0.5), rtol=1e-9)


@every_transform
def test_one_value_after_a_gap_gives_the_level(transform):
    """Half a gap: the last value is observed, but no difference of it."""
    y = walk(level=1000.0)
    fitted = forecaster(**transform).fit(y)
    context = np.append(y[:40], [np.nan, y[40] + 300])
    ahead = fitted.predict(1, context=context)
    if transform.get("difference"):
        assert ahead[0] > y[40] + 200  # it goes on from there
    assert np.isfinite(fitted.predict_interval(3, 0.5, context=context)).all()
    assert_array_equal(ahead, fitted.predict(3, context=context)[:1])


def test_columns_that_end_at_different_rows():
    y = np.column_stack([walk(seed=1), walk(seed=2, level=-20)])
    gap = y.copy()
    gap[-3:, 1] = np.nan
    fitted = without_changes(forecaster(difference=1).fit(gap))
    slope = np.diff(y, axis=0).mean(axis=0), np.nanmean(np.diff(gap, axis=0), axis=0)
    assert_allclose(fitted.predict(3)[:, 0], y[-1, 0] + slope[0][0] * np.arange(1, 4), rtol=0.01)
    assert_allclose(fitted.predict(3)[:, 1], y[-4, 1] + slope[1][1] * np.arange(4, 7), rtol=0.05)
    for loss in ("mse", "gaussian"):
        fitted = forecaster(difference=1, loss=loss).fit(gap)
        width = np.diff(fitted.predict_interval(3, 0.5), axis=2)[:, :, 0]
        assert width[0, 1] > 1.2 * width[0, 0]  # the gap widens it


@pytest.mark.parametrize("missing", ["carry", "decay"])
@every_transform
def test_missing_values_inside(transform, missing):
    y = walk()
    y[np.random.default_rng(0).uniform(size=len(y)) < 0.1] = np.nan
    y[-2:] = np.nan
    fitted = forecaster(**transform, missing=missing).fit(y)
    assert_allclose(fitted.predict(3), np.full(3, y[np.isfinite(y)][-1]), rtol=0.5)
    bounds = fitted.predict_interval(3, 0.5)
    assert (bounds[:, 0] <= bounds[:, 1]).all()


def test_a_season_with_a_missing_value():
    season = np.tile([3.0, -1.0, 7.0, 2.0], 16)
    season[57] = np.nan
    fitted = without_changes(forecaster(seasonal_difference=1).fit(season[:60]))
    assert_allclose(fitted.predict(4), [3, -1, 7, 2], atol=1e-12)


# ---------------------------------------------------------------- panels
@every_transform
def test_a_panel_of_one_series_is_the_series(transform):
    y = pd.Series(walk(), pd.date_range("2020-01-01", periods=120, freq="D"))
    alone, panel = forecaster(**transform).fit(y), forecaster(**transform).fit({"a": y})
    assert_allclose(panel.predict(5)["a"], alone.predict(5), rtol=1e-12)
    assert_allclose(panel.predict_interval(5, 0.5)["a"], alone.predict_interval(5, 0.5), rtol=1e-12)
    assert_allclose(panel.predict(5, context={"b": y[:40]})["b"].shape, (5,))


@every_transform
def test_the_series_of_a_panel(transform):
    series = {"b": walk(seed=1), "a": walk(60, seed=2, level=1e3), "c": np.append(walk(80, seed=3), [np.nan, np.nan])}
    fitted = forecaster(**transform).fit(long_frame(series))
    whole = fitted.predict(4)
    assert list(whole["unique_id"].unique()) == ["b", "a", "c"]
    assert_allclose(fitted.predict(4, ids=["a"])["y"], whole.loc[whole["unique_id"] == "a", "y"], rtol=1e-12)
    assert_allclose(fitted.predict(4, context=long_frame(series))["y"], whole["y"], rtol=1e-12)
    assert_allclose(whole.loc[whole["unique_id"] == "a", "y"], series["a"][-1], rtol=0.2)
    fitted.set_params(point="mean")
    assert_allclose(fitted.predict(2, ids=["a"])["y"], fitted.predict(2).query("unique_id == 'a'")["y"], rtol=1e-12)
    fitted.set_params(point="median")
    new = long_frame({"a": walk(62, seed=4, level=1e3), "d": walk(40, level=70)})
    later = fitted.update(new[(new["unique_id"] == "d") | (new["ds"] >= "2020-03-01")]).predict(2)
    assert list(later["unique_id"].unique()) == ["b", "a", "c", "d"]
    assert np.isfinite(later["y"]).all()


def test_series_that_are_too_short_for_differences():
    series = {"a": walk(60), "b": walk(6)}
    message = "series 'b' of y has fewer than 7 rows from its first observed value on, .* short='skip'"
    with pytest.raises(ValueError, match=message):
        forecaster(difference=1, seasonal_difference=1).fit(long_frame(series))
    fitted = forecaster(difference=1, seasonal_difference=1).fit(long_frame(series), short="skip")
    assert list(fitted.predict(2)["unique_id"].unique()) == ["a"]
    series["b"] = walk(7)
    assert len(forecaster(difference=1, seasonal_difference=1).fit(long_frame(series)).predict(2)) == 4


# ---------------------------------------------------------------- units, and constants
@every_transform
@pytest.mark.parametrize("unit", [1e-12, 1e12])
def test_tiny_and_huge_series(transform, unit):
    y = walk()
    if transform.get("target_transform") == "log1p" or isinstance(transform.get("target_transform"), PowerTransformer):
        pytest.skip("log1p and PowerTransformer have a unit of their own")
    one, other = (forecaster(**transform).fit(u * y) for u in (1.0, unit))
    assert_allclose(other.predict() / unit, one.predict(), rtol=1e-6)
    assert_allclose(other.predict_interval(3, 0.5) / unit, one.predict_interval(3, 0.5), rtol=1e-6)


@every_transform
@pytest.mark.parametrize("level", [1e-12, 5.0, 1e12])
def test_a_constant(transform, level):
    fitted = forecaster(**transform, max_epochs=2).fit(np.full(60, level))
    unit = max(level, 1.0)  # scaled by 1, the network may be off by a little
    assert_allclose(fitted.predict() / unit, np.full(3, level) / unit, atol=0.5)
    assert np.isfinite(fitted.predict_interval(3, 0.5)).all()


def test_log1p_forecasts_are_above_minus_one():
    y = np.exp(walk(size=0.5, level=0.0)) - 1
    fitted = forecaster(target_transform="log1p").fit(y)
    assert (fitted.predict_interval(12, 0.8) > -1).all()
    assert (fitted.sample(12, 50, random_state=0) > -1).all()


# ---------------------------------------------------------------- no future leaks
@pytest.mark.parametrize("target", ["boxcox", StandardScaler(), PowerTransformer()])
@pytest.mark.parametrize("difference", [0, 1])
def test_what_follows_the_training_part_changes_nothing_before(target, difference):
    y = walk()
    changed = y.copy()
    changed[-20:] *= 1.5
    stopping = EarlyStopping(validation_size=20, refit_full=False)
    one, other = (
        forecaster(target_transform=target, difference=difference, early_stopping=stopping).fit(v) for v in (y, changed)
    )
    panel = one.panel_.part(0, 100)
    assert_array_equal(one.transform_.apply(panel).values, other.transform_.apply(panel).values)
    assert_array_equal(one.scaling_.target.mean, other.scaling_.target.mean)
    assert_array_equal(one.loss_curve_, other.loss_curve_)
    changed[:5] *= 1.5
    assert (
        forecaster(target_transform=target, early_stopping=stopping).fit(changed).loss_curve_ != one.loss_curve_
    ).all()


# ---------------------------------------------------------------- fits again, copies, errors
@every_transform
def test_pickling_and_a_warm_start(transform):
    y = walk()
    fitted = forecaster(**transform, warm_start=True, early_stopping=False).fit(y)
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(), fitted.predict())
    first = fitted.theta_
    assert (fitted.fit(y).theta_ != first).any()
    changed = {"difference": 0} if transform.get("difference") else {"difference": 1}
    with pytest.raises(ValueError, match=r"warm_start=True goes on with the Transform.* of the earlier fit"):
        fitted.set_params(**changed).fit(y)
    fitted.set_params(warm_start=False).fit(y)


@pytest.mark.parametrize("options", [{"difference": 1}, {"target_transform": "log1p"}])
def test_counts_are_refused(options):
    counts = np.random.default_rng(0).poisson(3, 60)
    with pytest.raises(ValueError, match=r"loss='?poisson'? is of counts, but difference, .*; leave these three out"):
        forecaster(loss="poisson", scaling=None, **options).fit(counts)
    assert np.isfinite(forecaster(loss="poisson", scaling=None).fit(counts).predict()).all()
    assert np.isfinite(forecaster(loss="student_t", **options).fit(counts).predict()).all()


def test_values_outside_the_domain_are_named():
    y = pd.Series(walk(), pd.date_range("2020-01-01", periods=120, freq="D"), name="sales")
    wide = pd.DataFrame({"a": y, "b": y})
    wide.iloc[7, 1] = -2.0
    with pytest.raises(
        ValueError, match=r"target_transform='log1p' of y\['b'\] at position 7 \(2020-01-08.*\): the value"
    ):
        forecaster(target_transform="log1p").fit(wide)
    long = long_frame({"x": y.to_numpy(), "w": wide["b"].to_numpy()})
    with pytest.raises(ValueError, match=r"target_transform='boxcox' of y\['y'\] of series 'w' at 2020-01-08"):
        forecaster(target_transform="boxcox").fit(long)
    fitted = forecaster(target_transform="log1p", difference=1).fit(long_frame({"x": y.to_numpy()}))
    with pytest.raises(ValueError, match="target_transform='log1p' of series 'w' of context, row 7"):
        fitted.predict(context=long[long["unique_id"] == "w"])
    assert np.isfinite(forecaster(target_transform=PowerTransformer()).fit(long).predict()["y"]).all()  # the mend


def test_series_that_have_no_differences_are_named():
    y = walk(60)
    y[1::2] = np.nan
    with pytest.raises(ValueError, match=r"the series has 60 rows, but in none of them .* difference=1"):
        forecaster(difference=1).fit(y)
    assert np.isfinite(forecaster(difference=0).fit(y).predict()).all()
    with pytest.raises(
        ValueError, match="has 8 observations from the first observed one on, but one window needs 12: "
    ):
        forecaster(difference=1, seasonal_difference=1).fit(walk(8))
    with pytest.raises(ValueError, match="seasonal_difference=1 needs a season of 2 steps or more"):
        forecaster(season_lengths=[], seasonal_difference=1).fit(walk())
