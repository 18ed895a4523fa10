"""Values missing before the origin of a forecast: the model forecasts them, and intervals become wider."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn import EarlyStopping, LatentARForecaster, LSTMForecaster, Pinball, RNNForecaster
from tsrnn.data.gaps import fill, runs, trailing
from tsrnn.data.scaling import NoScaling
from tsrnn.exceptions import FewWindowsWarning, IntervalWarning
from tsrnn.forecasting.conformal import Errors

THE_SERIES = np.zeros(1, int)
SMALL = {"horizon": 6, "context_length": 12, "hidden_size": 4, "max_epochs": 2, "random_state": 0}


def wave(n, noise=0.0, seed=0):
    index = pd.date_range("2001-01-01", periods=n, freq="MS")
    shocks = noise * np.random.RandomState(seed).randn(n)
    return pd.Series(20 + 5 * np.sin(2 * np.pi * np.arange(n) / 12) + shocks, index)


def without(y, *rows):
    y = y.copy()
    for some in rows:
        y.iloc[some] = np.nan
    return y


# ---------------------------------------------------------------- runs of missing values
def test_a_run_ends_where_another_column_goes_missing():
    missing = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0], [0, 1], [0, 1], [0, 1]], bool)
    assert list(runs(missing)) == [(1, 2), (2, 4), (5, 8)]
    assert list(runs(missing, longest=2)) == [(1, 2), (2, 4), (5, 7), (7, 8)]
    assert list(runs(missing, first=3)) == [(3, 4), (5, 8)]
    assert list(runs(missing[:1])) == []


def test_trailing():
    assert trailing(np.array([[1, 1, 0], [1, 0, 0]], bool)).tolist() == [0, 1, 2]


def test_fill_goes_back_to_where_a_gap_began_and_no_further():
    """A model with one lag that adds 10, so filled values show from which value they were forecast."""
    missing = np.zeros((12, 1), bool)
    missing[[2, 5, 6, 7, 8, 10]] = True
    values = np.arange(12.0)[:, None]
    filled = fill(values, missing, 4, lambda context, row, n: context[-1] + 10.0 * np.arange(1, n + 1)[:, None])
    assert filled[:, 0].tolist() == [0, 1, 2, 3, 4, 14, 24, 34, 44, 9, 19, 11]
    assert values[5, 0] == 5  # the caller's array is unchanged


# ---------------------------------------------------------------- points
@pytest.mark.parametrize("strategy", ["direct", "recursive", "seq2seq"])
def test_a_gap_at_the_end_is_forecast_over(strategy):
    """The forecast of 6 steps after 5 missing ones equals that of steps 6 to 11 after the last value."""
    y = wave(90, noise=0.3)
    model = LSTMForecaster(strategy=strategy, **SMALL).fit(without(y, slice(-5, None)))
    expected = LSTMForecaster(strategy=strategy, **SMALL).fit(y[:-5]).predict(11)[5:]
    pd.testing.assert_series_equal(model.predict(), expected)
    assert model.predict().index[0] == pd.Timestamp("2008-07-01")


def test_the_same_after_an_update_and_for_a_context():
    y = wave(100, noise=0.3)
    model = LSTMForecaster(**SMALL).fit(y[:80])
    expected = model.predict(14)[8:]
    gappy = without(y[:88], slice(80, None))
    assert_array_equal(model.predict(context=gappy), expected)
    assert_array_equal(model.update(gappy[80:]).predict(), expected)


def test_each_column_ends_where_it_ends():
    """Column b ends 4 rows before a: these steps of b are forecast, those of a are read as observed."""
    y = pd.DataFrame({"a": wave(90, 0.3), "b": wave(90, 0.3, seed=1) ** 2})
    gappy = y.copy()
    gappy.iloc[-4:, 1] = np.nan
    model = LSTMForecaster(**SMALL).fit(y[:80]).update(gappy[80:])
    filled = gappy.copy()
    filled.iloc[-4:, 1] = LSTMForecaster(**SMALL).fit(y[:80]).update(y[80:-4]).predict(4)["b"]
    assert_allclose(model.predict(), LSTMForecaster(**SMALL).fit(y[:80]).predict(context=filled), rtol=1e-12)


def test_columns_that_end_one_after_the_other_before_a_gap_of_all():
    y = pd.DataFrame({"a": wave(90, 0.3), "b": wave(90, 0.3, seed=1)})
    gappy = y.copy()
    gappy.iloc[-4:, 1] = np.nan
    gappy.iloc[-2:, 0] = np.nan
    model = LSTMForecaster(**SMALL).fit(y[:80]).update(gappy[80:])
    filled = gappy[:-2].copy()
    filled.iloc[-2:, 1] = LSTMForecaster(**SMALL).fit(y[:80]).update(y[80:-4]).predict(2)["b"]
    expected = LSTMForecaster(**SMALL).fit(y[:80]).predict(8, context=filled)[2:]
    pd.testing.assert_frame_equal(model.predict(), expected, check_exact=False, rtol=1e-12)


def test_missing_values_inside_the_context():
    """Filling by the model is better than by the last value inside a sine that the model has learned."""
    y = wave(100)
    model = LSTMForecaster(**SMALL).fit(y[:80])
    gappy = without(y, slice(88, 91), slice(93, 94), slice(97, None))
    truth = wave(106)[100:]
    assert np.abs(model.update(gappy[80:]).predict() - truth).max() < 0.05
    filled = LSTMForecaster(**SMALL).fit(without(y, slice(90, 92), slice(95, None))).predict()
    assert np.abs(filled - truth).max() < 0.05


def test_many_missing_values_are_read_as_in_training():
    """After a fit on every third value, contexts are filled with the last value, as in training."""
    y = wave(99, noise=0.3)
    gappy = without(y, np.arange(99) % 3 != 2)
    model = LSTMForecaster(**SMALL).fit(gappy)
    assert_array_equal(model.predict(), model.predict(context=gappy.ffill()))


def test_a_gap_longer_than_context_and_horizon():
    y = wave(120)
    model = LSTMForecaster(**SMALL).fit(y[:80]).update(without(y[80:], slice(0, None)))
    assert np.abs(model.predict() - wave(126)[120:]).max() < 0.1


def test_covariates_of_the_gap_are_read():
    y = wave(90, noise=0.1)
    X = pd.DataFrame({"u": np.random.RandomState(0).randn(96)}, pd.date_range("2001-01-01", periods=96, freq="MS"))
    y = y + 3 * X["u"][:90]
    model = LSTMForecaster(**SMALL).fit(X[:90], without(y, slice(-5, None)))
    expected = LSTMForecaster(**SMALL).fit(X[:85], y[:-5]).predict(X[85:])[5:]
    pd.testing.assert_series_equal(model.predict(X[90:]), expected)


def test_attention_with_a_gap():
    from tsrnn import Seq2Seq

    y = wave(90, noise=0.3)
    options = SMALL | {"strategy": Seq2Seq(attention="dot")}
    weights = LSTMForecaster(**options).fit(without(y, slice(-5, None))).attention_weights()
    expected = LSTMForecaster(**options).fit(y[:-5]).attention_weights(11)[5:]
    pd.testing.assert_frame_equal(weights, expected)


# ---------------------------------------------------------------- intervals and paths
@pytest.mark.parametrize("loss", ["mse", "gaussian"])
@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_an_interval_knows_of_the_gap(strategy, loss):
    """It equals that of the steps after the last value; for a random walk it grows with the root of the steps."""
    y = pd.Series(np.random.RandomState(2).randn(400).cumsum())
    options = SMALL | {"strategy": strategy, "loss": loss, "early_stopping": EarlyStopping(validation_size=120)}
    model = RNNForecaster(**options).fit(y)
    near = np.diff(model.predict_interval(6, 0.8), axis=1)
    gappy = pd.Series(np.append(y, np.full(18, np.nan)))
    far = np.diff(RNNForecaster(**options).fit(gappy).predict_interval(6, 0.8), axis=1)
    longer = model.predict_interval(24, 0.8)[18:].to_numpy()
    assert_allclose(far, np.diff(longer, axis=1), rtol=1e-6)
    assert 1.3 < np.sqrt((far**2).mean() / (near**2).mean()) < 4  # the root of 21.5 / 3.5 is 2.5
    paths = RNNForecaster(**options).fit(gappy).sample(6, 400, random_state=0)
    assert_allclose(paths.quantile(0.9, axis=1) - paths.quantile(0.1, axis=1), far[:, 0], rtol=0.6)


def test_coverage_after_a_gap():
    """80 % intervals for 60 noisy sines with six values missing at the end hold about 80 % of the values."""
    held = []
    for seed in range(60):
        y = wave(126, noise=1.0, seed=seed)
        model = RNNForecaster(**SMALL | {"horizon": 12, "max_epochs": 1}).fit(without(y[:114], slice(-6, None)))
        interval = model.predict_interval(12, 0.8)
        held.append((interval["lower"] <= y[114:]) & (y[114:] <= interval["upper"]))
    assert 0.72 < np.mean(held) < 0.92


def test_each_column_has_the_uncertainty_of_its_own_gap():
    walks = pd.DataFrame(np.random.RandomState(3).randn(400, 2).cumsum(axis=0), columns=["a", "b"])
    gappy = walks.copy()
    gappy.iloc[-30:, 1] = np.nan
    for loss in ("mse", "gaussian"):
        options = SMALL | {"loss": loss, "early_stopping": EarlyStopping(validation_size=150)}
        model = RNNForecaster(**options).fit(walks[:300])
        whole = model.update(walks[300:]).predict_interval(6, 0.8)
        cut = RNNForecaster(**options).fit(walks[:300]).update(gappy[300:]).predict_interval(6, 0.8)
        width = {name: (each.upper - each.lower) for name, each in (("whole", whole["b"]), ("cut", cut["b"]))}
        assert width["cut"].mean() > 1.8 * width["whole"].mean()
        assert_allclose(cut["a"].upper - cut["a"].lower, whole["a"].upper - whole["a"].lower, rtol=0.25)


def test_learned_quantiles_within_and_beyond_the_horizon():
    y = wave(120, noise=0.5)
    options = SMALL | {"loss": Pinball(0.1, 0.5, 0.9), "early_stopping": EarlyStopping(validation_size=40)}
    model = RNNForecaster(**options).fit(y[:-2]).update(without(y[-2:], slice(0, None)))
    own = RNNForecaster(**options).fit(y[:-2]).predict_interval(6, 0.8)[2:]
    assert_array_equal(model.predict_interval(4, 0.8), own)
    beyond = model.predict_interval(9, 0.8)
    assert (beyond["lower"] < beyond["upper"]).all()


def test_the_latent_model_is_exact():
    y = wave(90, noise=0.3)
    model = LatentARForecaster(n_states=3).fit(y)
    expected = model.predict_interval(11)[5:]
    gappy = model.update(pd.Series(np.nan, pd.date_range("2008-07-01", periods=5, freq="MS")))
    pd.testing.assert_frame_equal(gappy.predict_interval(6), expected, rtol=1e-9)


@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_errors_far_ahead_use_no_later_season(strategy):
    """Beyond the first seasonal lag the errors of an origin use the last season before it, as its forecast does."""
    y = np.random.RandomState(0).randn(200)
    stopping = EarlyStopping(validation_size=40, refit_full=False)
    options = SMALL | {"strategy": strategy, "season_lengths": [15], "dtype": "float64", "early_stopping": stopping}
    model = RNNForecaster(**options).fit(y)
    n = 20
    half = sorted(abs(y[end + n - 1] - model.predict(n, context=y[:end])[-1]) for end in range(160, 200 - n + 1))
    rank = int(np.ceil((len(half) + 1) * 0.5))
    assert_allclose(np.diff(model.predict_interval(n, 0.5))[n - 1, 0] / 2, half[rank - 1], rtol=1e-9)


# ---------------------------------------------------------------- columns that begin or end late
def test_intervals_with_a_column_that_begins_late():
    y = pd.DataFrame({"a": wave(120, 0.5), "b": wave(120, 0.5, seed=1), "c": wave(120, 0.5, seed=2)})
    y.iloc[:90, 1] = np.nan  # no value of b is before the validation part
    options = SMALL | {"early_stopping": EarlyStopping(validation_size=24)}
    model = RNNForecaster(**options).fit(y)
    assert len(model.validation_curve_) > 0
    with pytest.warns(IntervalWarning, match=r"y\['b'\] has too few values of its own"):
        interval = model.predict_interval(6, 0.8)
    assert np.isfinite(interval.to_numpy()).all()
    with pytest.warns(IntervalWarning):
        assert np.isfinite(model.sample(6, 20, random_state=0).to_numpy()).all()
    with pytest.raises(ValueError, match=r"refit_full=False leaves y\['b'\] unlearned"):
        RNNForecaster(**SMALL | {"early_stopping": EarlyStopping(validation_size=24, refit_full=False)}).fit(y)


def test_intervals_with_a_column_that_ended_long_ago():
    y = pd.DataFrame({"a": wave(120, 0.5), "b": wave(120, 0.5, seed=1)})
    y.iloc[80:, 1] = np.nan
    model = RNNForecaster(**SMALL).fit(y)
    with pytest.warns(IntervalWarning, match=r"y\['b'\]"):
        interval = model.predict_interval(6, 0.8)
    alone = RNNForecaster(**SMALL).fit(y[["a"]]).predict_interval(6, 0.8)
    width = interval["a"].upper - interval["a"].lower
    assert_allclose(width, alone["a"].upper - alone["a"].lower, rtol=0.5)
    assert ((interval["b"].upper - interval["b"].lower) >= 0.8 * width).all()


def test_errors_without_validation_part_suggest_a_change():
    with pytest.raises(ValueError, match="early_stopping=False held out none; fit with early_stopping=True"):
        RNNForecaster(**SMALL, early_stopping=False).fit(wave(60)).predict_interval()
    with pytest.warns(FewWindowsWarning):
        short = RNNForecaster(**SMALL).fit(wave(24))
    with pytest.raises(ValueError, match=r"too short to hold out windows .* such as 'gaussian'") as error:
        short.predict_interval()
    assert "early_stopping" not in str(error.value)
    with pytest.warns(FewWindowsWarning):
        RNNForecaster(**SMALL, loss="gaussian").fit(wave(24)).predict_interval()


# ---------------------------------------------------------------- errors of far leads
def of(errors):
    return Errors(np.asarray(errors, float), np.zeros(len(errors), int), scaling=NoScaling())


def test_steps_with_too_few_errors_grow_from_earlier_steps():
    errors = np.full((9, 4, 1), np.nan)
    errors[:, 0], errors[:, 1], errors[:3, 2] = 3.0, 4.0, 100.0
    (offsets,), pooled = of(errors).offsets(np.array([0.9]), THE_SERIES)
    assert_allclose(offsets[:, 0, 0], [3, 4, 5, np.sqrt(32)])  # of 2 and 1 steps ahead, and of 2 and 2
    assert not pooled.any()
    early = np.full((9, 3, 1), np.nan)
    early[:, 1] = 2.0
    assert_allclose(of(early).offsets(np.array([0.9]), THE_SERIES)[0][0, :, 0, 0], [2, 2, np.sqrt(8)])


def test_a_column_with_too_few_errors_uses_those_of_all():
    errors = np.full((9, 1, 2), np.nan)
    errors[:, 0, 0], errors[:2, 0, 1] = 3.0, 5.0
    (offsets,), pooled = of(errors).offsets(np.array([0.9]), THE_SERIES)
    assert pooled.tolist() == [False, True]
    assert_allclose(offsets[0, :, 0], [3, 5])  # rank 10 of 11 errors
    with pytest.raises(ValueError, match="needs 19 validation windows, but the fit had 9; hold out 10 obs"):
        of(errors[:, :, :1]).offsets(np.array([0.975]), THE_SERIES)


def test_the_suggestion_for_too_few_windows_works():
    y = wave(200, noise=0.5)
    for size in (20, 33):
        model = RNNForecaster(**SMALL | {"early_stopping": EarlyStopping(validation_size=size)}).fit(y)
        with pytest.raises(
            ValueError, match=r"hold out \d+ observations more .* a coverage of [\d.]+ or less"
        ) as error:
            model.predict_interval(9, 0.97)
        more, less = re.findall(r"hold out (\d+) .* a coverage of ([\d.]+) or", str(error.value))[0]
        assert np.isfinite(model.predict_interval(9, float(less)).to_numpy()).all()
        stopping = EarlyStopping(validation_size=size + int(more))
        assert np.isfinite(model.set_params(early_stopping=stopping).fit(y).predict_interval(9, 0.97).to_numpy()).all()


def test_paths_continue_with_another_window():
    errors = np.full((4, 3, 1), np.nan)
    errors[:, 0, 0], errors[:, 1, 0], errors[:1, 2, 0] = [1, 2, 3, 4], [10, 20, 30, 40], 1000
    paths, _ = of(errors).paths(200, np.random.RandomState(0))
    assert set(paths[0, 0]) == {1, 2, 3, 4}
    assert_array_equal(paths[1], 10 * paths[0])
    assert set((paths[2] - paths[1])[0]) == {1, 2, 3, 4}
