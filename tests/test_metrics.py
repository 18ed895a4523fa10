"""Measures of forecasts: against their definitions, values by hand, properties, scikit-learn; and tables of them."""

from __future__ import annotations

import doctest
import importlib
import re

import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression
from sklearn.metrics import (
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_pinball_loss,
    mean_squared_error,
)

import tsrnn
from tsrnn import ARForecaster, GRUForecaster, metrics, neg_pinball, neg_rmsse, neg_smape
from tsrnn.evaluation.summary import METRICS
from tsrnn.exceptions import ScaleWarning

from . import oracles_of_metrics as oracles

RNG = np.random.default_rng(0)
H, M, TRAIN_LENGTH = 9, 5, 30
TRUTH = RNG.normal(3, 1, size=(H, 2))
FORECAST = TRUTH + RNG.normal(size=(H, 2))
TRAIN = RNG.normal(size=(TRAIN_LENGTH, 2)).cumsum(axis=0)
TRUTH[2, 0] = TRUTH[5:7, 1] = TRAIN[4, 0] = np.nan
LEVELS = [0.1, 0.5, 0.75]
QUANTILES = np.sort(RNG.normal(3, 1, size=(H, 2, 3)), axis=-1)
SAMPLES = RNG.normal(3, 1, size=(H, 2, M))
LOWER, UPPER = FORECAST - 0.8, FORECAST + 0.5


def plain(values):
    """Lists of numbers, None where missing."""
    return [None if np.ndim(v) == 0 and np.isnan(v) else np.asarray(v).tolist() for v in values]


def by_oracle(name, *arguments):
    """The oracle's measure of each channel; arrays among the arguments have the channels on their second axis."""
    return [
        getattr(oracles, name)(*(plain(a[:, c]) if isinstance(a, np.ndarray) else a for a in arguments))
        for c in range(2)
    ]


CASES = {
    "mae": (TRUTH, FORECAST),
    "rmse": (TRUTH, FORECAST),
    "bias": (TRUTH, FORECAST),
    "mape": (TRUTH, FORECAST),
    "smape": (TRUTH, FORECAST),
    "mase": (TRUTH, FORECAST, TRAIN, 4),
    "rmsse": (TRUTH, FORECAST, TRAIN, 4),
    "pinball": (TRUTH, QUANTILES, LEVELS),
    "weighted_quantile_loss": (TRUTH, QUANTILES, LEVELS),
    "crps_from_quantiles": (TRUTH, QUANTILES, LEVELS),
    "crps_from_samples": (TRUTH, SAMPLES, False),
    "coverage": (TRUTH, LOWER, UPPER),
    "mean_width": (LOWER, UPPER),
    "interval_score": (TRUTH, LOWER, UPPER, 0.8),
}


# ---------------------------------------------------------------- arrays
@pytest.mark.parametrize("name", CASES)
def test_definitions(name):
    measure, arguments = getattr(metrics, name), CASES[name]
    expected = by_oracle(name, *arguments)
    for c in range(2):
        own = [a[:, c] if isinstance(a, np.ndarray) else a for a in arguments]
        assert_allclose(measure(*own), expected[c], rtol=1e-12)
    if name == "weighted_quantile_loss":  # sums over both channels
        sizes = [np.nansum(np.abs(TRUTH[:, c])) for c in range(2)]
        assert_allclose(measure(*arguments), np.average(expected, weights=sizes), rtol=1e-12)
    else:
        assert_allclose(measure(*arguments), np.mean(expected), rtol=1e-12)
    assert type(measure(*arguments)) is float


def test_fair_score():
    assert_allclose(
        metrics.crps_from_samples(TRUTH, SAMPLES), np.mean(by_oracle("crps_from_samples", TRUTH, SAMPLES, True))
    )
    steps = [oracles.crps_of_steps(TRUTH[t, 1], SAMPLES[t, 1].tolist()) for t in range(5)]
    assert_allclose(metrics.crps_from_samples(TRUTH[:5, 1], SAMPLES[:5, 1], fair=False), np.mean(steps))


def test_fair_score_does_not_depend_on_the_number_of_samples():
    """Its mean over many draws is the score of N(0, 1) at 0, (sqrt(2) - 1) / sqrt(pi); the other is larger."""
    draws, exact = np.random.default_rng(1).normal(size=(100_000, 2)), (np.sqrt(2) - 1) / np.sqrt(np.pi)
    assert metrics.crps_from_samples(np.zeros(100_000), draws) == pytest.approx(exact, abs=0.01)
    unfair = metrics.crps_from_samples(np.zeros(100_000), draws, fair=False)
    assert unfair == pytest.approx(exact + 1 / np.sqrt(np.pi) / 2, abs=0.01)


def test_values_by_hand():
    assert metrics.bias([1.0, 2.0, np.nan], [3.0, 2.0, 9.0]) == 1.0
    assert metrics.mape([-2.0, 4.0], [-1.0, 5.0]) == 37.5
    assert metrics.rmsse([0.0, 0.0], [3.0, 3.0], [0.0, 1.0, 0.0]) == 3.0
    assert metrics.pinball([10.0, 10.0], [8.0, 13.0], 0.9) == pytest.approx((0.9 * 2 + 0.1 * 3) / 2)
    assert metrics.weighted_quantile_loss([10.0, -10.0], [8.0, -7.0], 0.9) == pytest.approx(2 * (1.8 + 0.3) / 20)
    assert metrics.interval_score([5.0, 1.0, 9.0], [4.0, 2.0, 2.0], [6.0, 6.0, 6.0], 0.8) == pytest.approx(
        (2 + (4 + 10 * 1) + (4 + 10 * 3)) / 3
    )
    assert metrics.coverage([4.0, 6.0, 6.1, np.nan], [4.0] * 4, [6.0] * 4) == pytest.approx(2 / 3)
    assert metrics.crps_from_samples([0.0], [[1.0, 3.0]]) == 1.0
    assert metrics.crps_from_samples([0.0], [[1.0, 3.0]], fair=False) == 1.5


def test_properties():
    y, f = TRUTH[:, 0], FORECAST[:, 0]
    assert metrics.pinball(y, f, 0.5) == pytest.approx(metrics.mae(y, f) / 2)
    assert metrics.crps_from_quantiles(y, f, 0.5) == pytest.approx(metrics.mae(y, f))
    point = np.repeat(f[:, None], 7, axis=1)
    for fair in (True, False):
        assert metrics.crps_from_samples(y, point, fair) == pytest.approx(metrics.mae(y, f))
    assert metrics.crps_from_samples(y, f[:, None], fair=False) == pytest.approx(metrics.mae(y, f))
    low, up = f - 1, f + 1
    both = metrics.pinball(y, np.stack([low, up], axis=1), [0.1, 0.9])
    assert metrics.interval_score(y, low, up, 0.8) == pytest.approx(2 / 0.2 * (2 * both))  # the sum of the two losses
    train = TRAIN[:, 0]
    assert metrics.rmsse(10 * y, 10 * f, 10 * train, 4) == pytest.approx(metrics.rmsse(y, f, train, 4))


def test_quantiles_of_many_levels_give_the_score():
    """For N(0, 1), whose score at z is known (Gneiting & Raftery 2007, p. 367)."""
    from scipy.stats import norm

    levels, y = (np.arange(400) + 0.5) / 400, np.array([-1.0, 0.3, 2.5])
    exact = y * (2 * norm.cdf(y) - 1) + 2 * norm.pdf(y) - 1 / np.sqrt(np.pi)
    assert_allclose(metrics.crps_from_quantiles(y, np.tile(norm.ppf(levels), (3, 1)), levels), exact.mean(), atol=2e-3)


def test_equal_to_scikit_learn():
    y, f = FORECAST, FORECAST + RNG.normal(size=(H, 2))
    assert_allclose(metrics.mae(y, f), mean_absolute_error(y, f))
    assert_allclose(metrics.rmse(y, f), np.sqrt(mean_squared_error(y, f, multioutput="raw_values")).mean())
    assert_allclose(metrics.mape(y, f), 100 * mean_absolute_percentage_error(y, f))
    for level in (0.05, 0.5, 0.8):
        assert_allclose(metrics.pinball(y, f, level), mean_pinball_loss(y, f, alpha=level))


def test_missing_values():
    """A missing forecast of a missing value does not matter; of an observed one it makes the result NaN."""
    blank = np.full(H, np.nan)
    for name, (truth, *others) in CASES.items():
        if name == "mean_width":
            continue
        own = [a[:, 0] if isinstance(a, np.ndarray) else a for a in others]
        measure = getattr(metrics, name)
        assert np.isnan(measure(blank, *own)), name
        holes = own[0].copy()
        holes[2] = np.nan
        assert measure(truth[:, 0], holes, *own[1:]) == measure(truth[:, 0], *own), name
        holes[0] = np.nan
        assert np.isnan(measure(truth[:, 0], holes, *own[1:])), name


def test_tables_of_forecasters():
    """What the forecasters return, of pandas and polars, of one series and of columns, is accepted."""
    index = pd.date_range("2020-01-01", periods=40, freq="D", name="day")
    wide = pd.DataFrame(RNG.normal(size=(40, 2)).cumsum(axis=0), index, ["a", "b"])
    fit = ARForecaster(lags=1).fit(wide[:30])
    quantiles, paths = fit.predict_quantiles(10, LEVELS), fit.sample(10, 6, random_state=0)
    truth = wide[30:]
    expected = np.mean([metrics.pinball(truth[c], quantiles[c], LEVELS) for c in "ab"])
    assert metrics.pinball(truth, quantiles, LEVELS) == pytest.approx(expected)
    assert metrics.pinball(truth, quantiles.to_numpy().reshape(10, 2, 3), LEVELS) == pytest.approx(expected)
    score = np.mean([metrics.crps_from_samples(truth[c], paths[c]) for c in "ab"])
    assert metrics.crps_from_samples(truth, paths) == pytest.approx(score)
    native = ARForecaster(lags=1).fit(polars.from_pandas(wide[:30].reset_index()))
    own = polars.from_pandas(truth.reset_index())
    assert metrics.pinball(own, native.predict_quantiles(10, LEVELS), LEVELS) == pytest.approx(expected)


# ---------------------------------------------------------------- PIT
def test_pit():
    """It is uniform for continuous values and for counts, in the rank of the value, and repeats with a seed."""
    rng = np.random.default_rng(2)
    for draw in (lambda size: rng.normal(size=size), lambda size: rng.poisson(0.7, size=size)):
        u = metrics.pit(draw(40_000).astype(float), draw((40_000, 4)), random_state=0)
        counts, _ = np.histogram(u, 20, (0, 1))
        assert np.abs(counts / 2000 - 1).max() < 0.1  # four standard deviations are 0.09
    y = np.array([2.0, 2.0, np.nan])
    x = np.array([[1.0, 2.0, 2.0, 3.0], [5.0, 6.0, 7.0, 8.0], [1.0, 1.0, 1.0, 1.0]])
    u = np.array([metrics.pit(y, x, seed) for seed in range(200)])
    assert u[:, 0].min() >= 1 / 5
    assert u[:, 0].max() <= 4 / 5
    assert u[:, 0].max() > 3 / 5
    assert u[:, 1].max() <= 1 / 5
    assert np.isnan(u[:, 2]).all()
    assert metrics.pit(y, x, 5).tolist()[:2] == metrics.pit(y, x, 5).tolist()[:2]
    assert metrics.pit(TRUTH, SAMPLES).shape == TRUTH.shape


# ---------------------------------------------------------------- Naive2 and OWA
QUARTERS = [10, 30, 20, 5, 12, 33, 21, 7, 14, 36, 25, 6, 13, 39, 28, 8, 16, 41]


def test_naive2():
    assert_allclose(metrics.naive2(QUARTERS, 6, 4), oracles.naive2_of_quarters(QUARTERS, 6), rtol=1e-12)
    last = [float(QUARTERS[-1])] * 3
    assert metrics.naive2(QUARTERS, 3).tolist() == last
    assert metrics.naive2([-1, *QUARTERS], 3, 4).tolist() == last  # not positive
    assert metrics.naive2(QUARTERS[-11:], 3, 4).tolist() == last  # less than three seasons
    rough = np.random.default_rng(0).uniform(1, 2, 40)
    assert metrics.naive2(rough, 2, 4).tolist() == [rough[-1]] * 2  # no significant season
    assert metrics.naive2([3.0] * 20, 2, 4).tolist() == [3.0, 3.0]
    both = metrics.naive2(np.stack([QUARTERS, np.ones(18)], axis=1), 6, 4)
    assert_allclose(both, np.stack([metrics.naive2(QUARTERS, 6, 4), np.ones(6)], axis=1))
    odd = metrics.naive2(np.tile([1.0, 2.0, 4.0], 8)[:-1], 4, 3)
    assert_allclose(odd, [4.0, 1.0, 2.0, 4.0])


def test_owa():
    y, f = [14.0, 40.0, 30.0], [15.0, 45.0, 24.0]
    reference = oracles.naive2_of_quarters(QUARTERS, 3)
    assert metrics.owa(y, f, QUARTERS, 4) == pytest.approx(oracles.owa(y, f, QUARTERS, 4, reference))
    assert metrics.owa(y, reference, QUARTERS, 4) == pytest.approx(1.0)
    assert metrics.owa(y, f, QUARTERS, 4, y_naive2=[1.0, 2.0, 3.0]) == pytest.approx(
        oracles.owa(y, f, QUARTERS, 4, [1.0, 2.0, 3.0])
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: metrics.mape([1.0, 0.0], [1.0, 1.0]), ValueError, "y_true is 0 at position 1, and there is no perc"),
        (lambda: metrics.mase([1.0], [2.0], [5.0, 5.0]), ValueError, "y_train does not change between values 1 step"),
        (lambda: metrics.rmsse([1.0], [2.0], [5.0] * 9, 4), ValueError, "y_train does not change between values 4 st"),
        (lambda: metrics.rmsse([1.0], [2.0], [5.0]), ValueError, "y_train has no two observed values 1 step apart"),
        (
            lambda: metrics.mase([[1.0, 1.0]], [[2.0, 2.0]], [[1.0, 7.0], [2.0, 7.0]]),
            ValueError,
            r"y_train\[:, 1\] does not change",
        ),
        (lambda: metrics.mase([1.0], [2.0], [5.0, 5.0], constant=0), ValueError, "constant=0 is not known; use one of"),
        (lambda: metrics.pinball([1.0], [[1.0, 2.0]], [0.5]), ValueError, r"y_pred has shape \(1, 2\), but y_true has"),
        (lambda: metrics.pinball([1.0], [1.0], [0.5]), ValueError, r"y_pred needs the shape \(1, 1\)"),
        (lambda: metrics.pinball([1.0], [1.0], 1.5), ValueError, "quantiles=1.5 must be a number between 0 and 1"),
        (lambda: metrics.weighted_quantile_loss([0.0], [1.0], 0.5), ValueError, "all observed values of y_true are 0"),
        (lambda: metrics.crps_from_samples([0.0], [[1.0]]), ValueError, "one sample for each step, but the fair score"),
        (lambda: metrics.crps_from_samples([0.0], [[1.0]], 1), TypeError, "fair=1 must be True or False"),
        (lambda: metrics.coverage([1.0], [3.0], [2.0]), ValueError, "lower is 3 but upper is 2 at position 0: swap"),
        (lambda: metrics.mean_width([1.0, 3.0], [2.0, 2.0]), ValueError, "lower is 3 but upper is 2 at position 1"),
        (lambda: metrics.mean_width([1.0], [2.0, 2.0]), ValueError, r"lower has shape \(1,\), but upper has \(2,\)"),
        (
            lambda: metrics.interval_score([1.0], [1.0], [2.0], [0.9]),
            TypeError,
            "is a list, but the bounds are",
        ),
        (lambda: metrics.interval_score([1.0], [1.0], [2.0], 90), ValueError, "coverage=90 must be a number between"),
        (lambda: metrics.naive2([1.0, np.nan], 2), ValueError, "y_train is missing at position 1: fill it"),
        (lambda: metrics.owa([2.0], [1.0], [1.0, 2.0]), ValueError, "Naive2 forecasts without error"),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---------------------------------------------------------------- long frames
DAYS = pd.date_range("2024-01-01", periods=40, freq="D")
SERIES = {name: RNG.normal(10, 2, 40) + 3 * (np.arange(40) % 7) for name in ("b", "a", "c")}
CUTOFFS = {"b": (25, 30), "a": (25, 30), "c": (30,)}
STEPS = 4
QUICK = {"context_length": 6, "hidden_size": 2, "max_epochs": 1, "random_state": 0}
POINT = ["mae", "rmse", "bias", "mape", "smape", "mase", "rmsse"]
ALL = [*POINT, "owa", "pinball", "weighted_quantile_loss", "crps_from_quantiles", "crps_from_samples", "coverage"]
ALL += ["mean_width", "interval_score"]


def long_frame():
    """Forecasts of two models for three series at up to two cutoffs; some true values are missing."""
    rng, parts = np.random.default_rng(3), []
    for name, cutoffs in CUTOFFS.items():
        for at in cutoffs:
            ahead = slice(at + 1, at + 1 + STEPS)
            part = pd.DataFrame({"unique_id": name, "ds": DAYS[ahead], "cutoff": DAYS[at], "y": SERIES[name][ahead]})
            for model in ("ar", "lstm"):
                point = SERIES[name][ahead] + rng.normal(0, 1, STEPS)
                part[model] = point
                part[f"{model}_lower_0.8"], part[f"{model}_upper_0.8"] = point - 1, point + 0.6
                for level in LEVELS:
                    part[f"{model}_quantile_{level}"] = point + level - 0.4
                for k in range(3):
                    part[f"{model}_path_{k}"] = point + rng.normal(size=STEPS)
            parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    frame.loc[[1, 6], "y"] = np.nan
    return frame


FRAME = long_frame()
TRAINING = pd.concat(
    [pd.DataFrame({"unique_id": name, "ds": DAYS, "y": values}) for name, values in SERIES.items()], ignore_index=True
)


def of_model(rows, model):
    """Every measure of one model over rows of the frame, from the oracles; scaled errors by `scaled`."""
    y, f = plain(rows.y), plain(rows[model])
    quantiles = rows[[f"{model}_quantile_{level}" for level in LEVELS]].to_numpy().tolist()
    paths = rows[[f"{model}_path_{k}" for k in range(3)]].to_numpy().tolist()
    observed = rows[rows.y.notna()]
    low, up = f"{model}_lower_0.8", f"{model}_upper_0.8"
    expected = {name: getattr(oracles, name)(y, f) for name in ("mae", "rmse", "bias", "mape", "smape")}
    expected |= {
        name: getattr(oracles, name)(y, quantiles, LEVELS)
        for name in ("pinball", "weighted_quantile_loss", "crps_from_quantiles")
    }
    expected["crps_from_samples"] = oracles.crps_from_samples(y, paths, True)
    expected["coverage_0.8"] = oracles.coverage(y, plain(rows[low]), plain(rows[up]))
    expected["mean_width_0.8"] = oracles.mean_width(plain(observed[low]), plain(observed[up]))
    expected["interval_score_0.8"] = oracles.interval_score(y, plain(rows[low]), plain(rows[up]), 0.8)
    return expected | scaled(rows, model)


def scaled(rows, model):
    """Scaled errors over rows, each divided by the scale of its series up to its cutoff; OWA of pooled errors."""
    errors = {"mase": [], "rmsse": [], "sape": [], "naive mase": [], "naive sape": []}
    for (name, cutoff), part in rows.groupby(["unique_id", "cutoff"], sort=False):
        train = SERIES[name][: DAYS.get_loc(cutoff) + 1].tolist()
        reference = metrics.naive2(train, STEPS, 7)
        for _, row in part[part.y.notna()].iterrows():
            h = (row.ds - cutoff).days
            one, f, other = [row.y], [row[model]], [reference[h - 1]]
            errors["mase"].append(oracles.mase(one, f, train, 7))
            errors["rmsse"].append(oracles.rmsse(one, f, train, 7) ** 2)
            errors["sape"].append(oracles.smape(one, f))
            errors["naive mase"].append(oracles.mase(one, other, train, 7))
            errors["naive sape"].append(oracles.smape(one, other))
    means = {name: oracles.mean(terms) for name, terms in errors.items()}
    owa = (means["mase"] / means["naive mase"] + means["sape"] / means["naive sape"]) / 2
    return {"mase": means["mase"], "rmsse": means["rmsse"] ** 0.5, "owa": owa}


GROUPS = {
    "model": lambda frame: [(None, frame)],
    "id": lambda frame: [(name, frame[frame.unique_id == name]) for name in ("b", "a", "c")],
    "cutoff": lambda frame: [(DAYS[at], frame[frame.cutoff == DAYS[at]]) for at in (25, 30)],
    "step": lambda frame: [(h, frame[(frame.ds - frame.cutoff).dt.days == h]) for h in range(1, STEPS + 1)],
}
LABELS = {"id": "unique_id", "cutoff": "cutoff", "step": "step"}


@pytest.mark.filterwarnings("error::tsrnn.exceptions.ScaleWarning")
@pytest.mark.parametrize("has_cutoffs", [True, False])
def test_train_that_ends_early_gives_a_warning(has_cutoffs):
    """Rows after a gap may be forecast, and a series may end before others; rows that lack before the cutoff count."""
    days = pd.date_range("2024-01-01", periods=30)
    train = pd.concat(
        [
            pd.DataFrame({"unique_id": name, "ds": days[:n], "y": np.arange(n) % 5.0})
            for name, n in (("a", 30), ("b", 20))
        ]
    )
    first = 22 if has_cutoffs else 20  # with cutoffs a gap of two steps
    frame = pd.concat(
        [
            pd.DataFrame({"unique_id": name, "ds": days[at : at + 3], "cutoff": days[19], "y": 1.0, "m": 2.0})
            for name, at in (("a", first), ("b", first))
        ]
    )
    frame = frame if has_cutoffs else frame.drop(columns="cutoff")
    expected = metrics.summarise(frame, "mase", "id", train=train)
    short = train[(train["unique_id"] == "a") | (train["ds"] < days[18])]
    last, known = ("2024-01-20", "cutoff") if has_cutoffs else ("2024-01-21", "first forecast")
    message = (
        rf"train ends before the {known} of 1 of 2 forecasts, .*\(series 'b' ends at 2024-01-18, {known} {last}\); pass"
    )
    with pytest.warns(ScaleWarning, match=message) as caught:
        metrics.summarise(frame, ["mase", "rmsse"], "id", train=short)
    assert caught[0].filename == __file__
    assert len(caught) == 1
    metrics.summarise(frame, "mae", train=short)
    missing = train.assign(y=train["y"].where((train["unique_id"] == "a") | (train["ds"] < days[18])))
    assert metrics.summarise(frame, "mase", "id", train=missing)["mase"][0] == expected["mase"][0]  # rows of NaN
    metrics.summarise(frame.assign(y=frame["y"].where(frame["unique_id"] == "a")), "mase", train=short)
    with pytest.warns(
        ScaleWarning, match=r"of 2 of 2 forecasts, .*series 'a' ends at 2024-01-10.*; series 'b' ends at"
    ):
        metrics.summarise(frame, "mase", train=train[train["ds"] <= days[9]])
    if has_cutoffs:
        one = frame.assign(cutoff=days[29], ds=frame["ds"] + pd.Timedelta("12D"))
        with pytest.warns(
            ScaleWarning, match="of 1 of 2 forecasts, .*series 'b' ends at 2024-01-20, cutoff 2024-01-30"
        ):
            metrics.summarise(one, "mase", train=train)


@pytest.mark.parametrize("by", GROUPS)
def test_summary(by):
    before = FRAME.copy()
    table = metrics.summarise(FRAME, ALL, by, train=TRAINING)
    pd.testing.assert_frame_equal(FRAME, before)
    groups = [(label, rows, model) for label, rows in GROUPS[by](FRAME) for model in ("ar", "lstm")]
    assert len(table) == len(groups)
    for (label, rows, model), (_, row) in zip(groups, table.iterrows(), strict=True):
        assert row.model == model
        assert by == "model" or row[LABELS[by]] == label
        assert (row.n, row.n_missing) == (rows.y.notna().sum(), rows.y.isna().sum())
        expected = of_model(rows, model)
        measured = list(row.index.drop(["model", "n", "n_missing", *([] if by == "model" else [LABELS[by]])]))
        assert sorted(measured) == sorted(expected)
        assert_allclose([row[name] for name in measured], [expected[name] for name in measured], rtol=1e-9)
    shuffled = FRAME.sample(frac=1, random_state=0)
    again = metrics.summarise(shuffled, ALL, by, train=TRAINING.sample(frac=1, random_state=0))
    labels = ["model"] if by == "model" else [LABELS[by], "model"]
    pd.testing.assert_frame_equal(
        again.sort_values(labels, ignore_index=True), table.sort_values(labels, ignore_index=True)
    )


def test_average_over_series():
    """Each series counts the same, as in arrays with channels and in the score of a panel."""
    table = metrics.summarise(FRAME, POINT, average="series", train=TRAINING)
    each = metrics.summarise(FRAME, POINT, "id", train=TRAINING)
    for _, row in table.iterrows():
        assert_allclose([row[m] for m in POINT], each[each.model == row.model][POINT].mean(), rtol=1e-12)
    owa = metrics.summarise(FRAME, "owa", average="series", train=TRAINING).owa
    with_naive = FRAME.assign(naive=naive2_of_frame())
    each = metrics.summarise(with_naive, ["smape", "mase"], "id", train=TRAINING).groupby("model").mean(True)
    expected = [(each.loc[m] / each.loc["naive"])[["smape", "mase"]].mean() for m in ("ar", "lstm")]
    assert_allclose(owa, expected)
    given = metrics.summarise(with_naive, "owa", naive2="naive", models=["ar", "lstm"], train=TRAINING)
    assert_allclose(given.owa, metrics.summarise(FRAME, "owa", train=TRAINING).owa)
    assert given.model.tolist() == ["ar", "lstm"]


def naive2_of_frame():
    forecasts = np.empty(len(FRAME))
    for i, row in FRAME.iterrows():
        train = SERIES[row.unique_id][: DAYS.get_loc(row.cutoff) + 1]
        forecasts[i] = metrics.naive2(train, STEPS, 7)[(row.ds - row.cutoff).days - 1]
    return forecasts


def test_the_mean_over_series_is_the_score_of_a_panel():
    panel = TRAINING[TRAINING.ds <= DAYS[34]]
    fit = GRUForecaster(season_lengths=[], horizon=5, **QUICK).fit(panel)
    after = TRAINING[TRAINING.ds > DAYS[34]]
    forecast = fit.predict(5).rename(columns={"y": "ar"})
    merged = after.merge(forecast, on=["unique_id", "ds"])
    table = metrics.summarise(merged, ["mase", "rmsse"], train=TRAINING, season_length=1, average="series")
    assert table.mase[0] == pytest.approx(-fit.score(after))
    assert table.rmsse[0] == pytest.approx(-neg_rmsse(fit, after))


def test_without_cutoffs():
    """Of the training series the rows before the first forecast count, whatever comes after."""
    frame = FRAME[FRAME.cutoff == DAYS[30]]
    expected = metrics.summarise(frame, [*POINT, "owa"], train=TRAINING)
    plain_frame = frame.drop(columns="cutoff")
    pd.testing.assert_frame_equal(metrics.summarise(plain_frame, [*POINT, "owa"], train=TRAINING), expected)
    until = TRAINING[TRAINING.ds <= DAYS[30]]
    pd.testing.assert_frame_equal(metrics.summarise(plain_frame, [*POINT, "owa"], train=until), expected)
    for by in ("cutoff", "step"):
        with pytest.raises(ValueError, match=f"by={by!r} needs the last time before each forecast begins"):
            metrics.summarise(plain_frame, by=by)


def test_a_group_without_true_values_is_counted():
    frame = FRAME.assign(y=FRAME.y.where(FRAME.unique_id != "c"))
    table = metrics.summarise(frame, ["mae", "owa", "weighted_quantile_loss"], "id", train=TRAINING)
    empty = table[table.unique_id == "c"]
    assert (empty.n == 0).all()
    assert (empty.n_missing == STEPS).all()
    assert empty[["mae", "owa", "weighted_quantile_loss"]].isna().all(axis=None)
    assert table[table.unique_id != "c"].notna().all(axis=None)


@pytest.mark.parametrize("make", [polars.from_pandas, lambda f: pyarrow.Table.from_pandas(f, preserve_index=False)])
@pytest.mark.parametrize("by", GROUPS)
def test_other_libraries(make, by):
    expected = metrics.summarise(FRAME, ALL, by, train=TRAINING)
    table = metrics.summarise(make(FRAME), ALL, by, train=make(TRAINING))
    assert type(table) is type(make(FRAME))
    pd.testing.assert_frame_equal(table.to_pandas(), expected, check_dtype=False)


def test_other_names_and_times():
    names = {"unique_id": "shop", "ds": "day", "cutoff": "origin", "y": "sales"}
    expected = metrics.summarise(FRAME, ["mae", "mase"], "cutoff", train=TRAINING)
    renamed, train = FRAME.rename(columns=names), TRAINING.rename(columns=names)
    given = {"id": "shop", "time": "day", "cutoff": "origin", "target": "sales"}
    table = metrics.summarise(renamed, ["mae", "mase"], "cutoff", train=train, **given)
    pd.testing.assert_frame_equal(table, expected.rename(columns=names))
    periods = FRAME.assign(ds=FRAME.ds.dt.to_period("D"), cutoff=FRAME.cutoff.dt.to_period("D"))
    of_periods = TRAINING.assign(ds=TRAINING.ds.dt.to_period("D"))
    numbers = FRAME.assign(ds=(FRAME.ds - DAYS[0]).dt.days, cutoff=(FRAME.cutoff - DAYS[0]).dt.days)
    of_numbers = TRAINING.assign(ds=(TRAINING.ds - DAYS[0]).dt.days)
    for frame, train in ((periods, of_periods), (numbers, of_numbers)):
        table = metrics.summarise(frame, ["mae", "owa"], "step", train=train, season_length=7)
        pd.testing.assert_frame_equal(table, metrics.summarise(FRAME, ["mae", "owa"], "step", train=TRAINING))


def test_time_zones():
    """Days of a local clock that changes are steps, and polars gets its type of times back."""
    days = pd.date_range("2024-03-25", periods=12, freq="D", tz="Europe/Berlin")
    frame = pd.DataFrame({"unique_id": "a", "ds": days[5:9], "cutoff": days[4], "y": np.arange(4.0), "m": 1.0})
    train = pd.DataFrame({"unique_id": "a", "ds": days, "y": np.arange(12.0)})
    table = metrics.summarise(frame, ["mae", "owa"], "step", train=train)
    assert table.step.tolist() == [1, 2, 3, 4]
    assert table.mae.tolist() == [1.0, 0.0, 1.0, 2.0]
    native = polars.from_pandas(frame)
    assert metrics.summarise(native, "mae", "cutoff").schema["cutoff"] == native.schema["cutoff"]


def test_months_and_a_missing_row():
    """Steps are counted by the frequency, also where a row is missing in the middle."""
    months = pd.date_range("2020-01-31", periods=8, freq="ME")
    frame = pd.DataFrame({"unique_id": "a", "ds": months[[2, 3, 5]], "cutoff": months[1], "y": 1.0, "m": 2.0})
    assert metrics.summarise(frame, "mae", "step", freq="ME").step.tolist() == [1, 2, 4]


def test_categories_of_ids_and_no_point_forecast():
    frame = FRAME.assign(unique_id=FRAME.unique_id.astype("category")).drop(columns=["ar"])
    table = metrics.summarise(frame, "pinball", "id")
    assert table.unique_id.dtype == frame.unique_id.dtype
    with pytest.raises(ValueError, match="frame has no point forecasts of 'ar', which this measure needs"):
        metrics.summarise(frame, "mae")
    assert metrics.summarise(frame, "mae", models=["lstm"]).model.tolist() == ["lstm"]


NUMBERED = TRAINING.assign(ds=(TRAINING.ds - DAYS[0]).dt.days)
CONSTANT = TRAINING.assign(y=TRAINING.y.where(TRAINING.unique_id != "a", 5.0))


@pytest.mark.filterwarnings("ignore::tsrnn.exceptions.ScaleWarning")
@pytest.mark.parametrize(
    ("frame", "arguments", "message"),
    [
        (FRAME, {"metrics": "mse"}, "metrics='mse' is not known; use one of 'mae'"),
        (FRAME, {"metrics": []}, r"metrics=\[\] names no measure: pass some of 'mae', 'rmse'"),
        (FRAME[:1], {"by": "step"}, "the 2 different times and cutoffs of frame have no frequency that could be infer"),
        (FRAME, {"by": "step", "freq": "ME"}, "is not on the grid of frame"),
        (FRAME.assign(cutoff=FRAME.cutoff.dt.tz_localize("UTC")), {}, "labels, but the times are datetime64.*convert"),
        (
            FRAME.assign(cutoff=FRAME.cutoff.dt.to_period("D")),
            {},
            "holds period.D. labels, but the times are datetime64",
        ),
        (
            FRAME,
            {"metrics": "mase", "train": NUMBERED},
            "the times of frame are datetime64.*, but those of train are int",
        ),
        (FRAME, {"by": "series"}, "by='series' is not known"),
        (FRAME, {"average": "all"}, "average='all' is not known"),
        (FRAME, {"metrics": "mase"}, "metrics='mase' needs the training series: pass them as train="),
        (FRAME, {"models": ["x"]}, r"models=\['x'\]: frame has no forecasts of 'x'; choose among \['ar', 'lstm'\]"),
        (FRAME, {"models": []}, "names no model"),
        (FRAME, {"naive2": "x"}, "naive2='x' is no model of frame"),
        (
            FRAME,
            {"metrics": "mase", "train": CONSTANT},
            "series 'a' of train up to 2024-01-26 does not change between values 7 steps apart, so that there is no",
        ),
        (
            FRAME,
            {"metrics": "rmsse", "train": TRAINING[TRAINING.unique_id != "b"]},
            "series 'b' of train up to 2024-01-26 has no row: pass the series before each forecast",
        ),
        (
            FRAME,
            {"metrics": "owa", "train": TRAINING[TRAINING.ds < DAYS[30]]},
            "series 'b' of train up to 2024-01-31 ends at 2024-01-30, but Naive2 forecasts from the cutoff",
        ),
        (
            FRAME,
            {"metrics": "owa", "train": TRAINING.assign(y=TRAINING.y.where(TRAINING.ds != DAYS[3]))},
            "series 'b' of train up to 2024-01-26 has missing values, which Naive2 does not accept: pass naive2=",
        ),
        (
            FRAME.assign(y=0.0),
            {"metrics": "mape"},
            r"the true value of series 'b' at 2024-01-27 \(cutoff 2024-01-26\) is 0, of which",
        ),
        (
            FRAME.assign(y=0.0),
            {"metrics": "weighted_quantile_loss"},
            "all true values are 0 in the group of series",
        ),
        (
            FRAME.assign(naive=FRAME.y.where(FRAME.unique_id == "a", 0.0).fillna(0.0)),
            {"metrics": "owa", "by": "id", "train": TRAINING, "naive2": "naive"},
            r"Naive2 forecasts without error in the group of series 'a' at 2024-01-27 \(cutoff 2024-01-26\), so that",
        ),
        (FRAME.assign(y=np.nan), {}, r"frame\['y'\] has no value, so that nothing can be measured"),
        (FRAME.drop(columns="y"), {}, "frame has no column 'y' of true values"),
        (FRAME[["unique_id", "ds", "cutoff", "y"]], {}, "frame has no column of forecasts"),
        (
            FRAME.assign(ar=FRAME.ar.where(FRAME.index != 2)),
            {},
            r"frame\['ar'\] of series 'b' at 2024-01-29 \(cutoff 2024-01-26\) is missing, although the true value",
        ),
        (pd.concat([FRAME, FRAME[:1]]), {}, r"frame holds series 'b' at 2024-01-27 \(cutoff 2024-01-26\) more than"),
        (
            FRAME.drop(columns="cutoff").assign(ds=DAYS[0]),
            {},
            "or add the column 'cutoff' if they have",
        ),
        (FRAME.assign(cutoff=FRAME.ds), {}, "with the cutoff 2024-01-27, which is not before it"),
        (FRAME.assign(cutoff=3), {}, r"frame\['cutoff'\] holds int64 labels, but the times are datetime64"),
        (FRAME.assign(cutoff=pd.NaT), {}, r"frame\['cutoff'\] of series 'b' at 2024-01-27 is missing"),
        (FRAME.assign(unique_id=None), {}, "the id of row 0 of frame is missing"),
        (
            FRAME.assign(ar_lower=1.0),
            {},
            "the column 'ar_lower' does not say which coverage its bounds have",
        ),
        (
            FRAME.drop(columns="ar_upper_0.8"),
            {"metrics": "coverage"},
            "frame needs both bounds of each interval",
        ),
        (
            FRAME.rename(columns={"ar_lower_0.8": "ar_upper_0.8", "ar_upper_0.8": "ar_lower_0.8"}),
            {"metrics": "coverage"},
            r"frame\['ar_lower_0.8'\] is above frame\['ar_upper_0.8'\] at series 'b' at 2024-01-27",
        ),
        (
            FRAME.rename(columns=lambda c: c.replace("ar_quantile_0.5", "ar_quantile_5")),
            {"metrics": "pinball"},
            "is no qu",
        ),
        (
            FRAME.rename(columns=lambda c: c.replace("_0.8", "_80")),
            {"metrics": "coverage"},
            "is no bound: its cover",
        ),
        (
            FRAME[["unique_id", "ds", "y", "ar"]][:2],
            {"metrics": "pinball"},
            "frame has no column of 'ar' such as",
        ),
        (
            FRAME.rename(columns={"ar_lower_0.8": "ar_lower_0.9", "ar_upper_0.8": "ar_upper_0.9"}),
            {"metrics": "coverage"},
            "summarise models with different coverages one by one",
        ),
        (FRAME.drop(columns=["ar_path_0", "ar_path_1"]), {"metrics": "crps_from_samples"}, "has one path of 'ar'"),
        (FRAME.assign(ar=np.inf), {}, r"frame\['ar'\] of series 'b' at 2024-01-27 is inf"),
    ],
)
def test_refused_by_summaries(frame, arguments, message):
    with pytest.raises(ValueError, match=message):
        metrics.summarise(frame, **arguments)


def test_mends_of_summaries():
    """What the errors advise solves the problem."""
    holes = FRAME.assign(ar=FRAME.ar.where(FRAME.index != 2))
    twice = pd.concat([FRAME, FRAME[:1]])
    nameless = FRAME.assign(unique_id=FRAME.unique_id.where(FRAME.index != 3))
    for frame in (holes, twice, nameless):
        with pytest.raises(ValueError, match="frame") as caught:
            metrics.summarise(frame)
        mend = re.search(r"frame\.\w+\(.*?\]\)", str(caught.value))[0]
        metrics.summarise(eval(mend, {"frame": frame}))


# ---------------------------------------------------------------- scorers
def test_scorers():
    y = TRAINING[TRAINING.unique_id == "a"].set_index("ds").y.asfreq("D")
    fit = ARForecaster(lags=2).fit(y[:33])
    truth, forecast = y[33:], fit.predict(7)
    assert neg_smape(fit, truth) == pytest.approx(-metrics.smape(truth, forecast))
    assert neg_rmsse(fit, truth) == pytest.approx(-metrics.rmsse(truth, forecast, y[:33], 7))
    expected = metrics.pinball(truth, fit.predict_quantiles(7), [0.1, 0.5, 0.9])
    assert neg_pinball(fit, truth) == pytest.approx(-expected)
    single = metrics.pinball(truth, fit.predict_quantiles(7, 0.3), 0.3)
    assert neg_pinball(fit, truth, quantiles=0.3) == pytest.approx(-single)
    constant = ARForecaster(lags=0).fit([4.0] * 5)
    assert neg_rmsse(constant, [6.0]) == pytest.approx(-2.0)


def test_scorers_of_panels():
    """The pinball loss of a panel whose new rows differ in number is the mean over all rows."""
    fit = GRUForecaster(loss="gaussian", horizon=5, **QUICK).fit(TRAINING[TRAINING.ds <= DAYS[34]])
    after = TRAINING[(TRAINING.ds > DAYS[34]) & ((TRAINING.unique_id != "a") | (TRAINING.ds <= DAYS[36]))]
    quantiles = fit.predict_quantiles(5, LEVELS)
    merged = after.merge(quantiles.rename(columns=lambda c: f"ar_{c}" if "quantile" in c else c))
    expected = metrics.summarise(merged, "pinball").pinball[0]
    assert len(merged) == 12
    assert neg_pinball(fit, after, quantiles=LEVELS) == pytest.approx(-expected)


def test_scorers_refuse_other_estimators():
    linear = LinearRegression().fit(np.ones((3, 1)), [1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="neg_rmsse scales by the training series, which LinearRegression has not"):
        neg_rmsse(linear, np.ones((3, 1)), [1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="neg_pinball scores quantiles, which LinearRegression has not"):
        neg_pinball(linear, np.ones((3, 1)), [1.0, 2.0, 3.0])


# ---------------------------------------------------------------- the module
def test_the_module():
    assert tsrnn.metrics is importlib.import_module("tsrnn.metrics")
    assert sorted(metrics.__all__) == metrics.__all__
    assert set(METRICS) <= set(metrics.__all__)
    assert set(metrics.__all__) - set(METRICS) == {
        "accuracy", "bleu", "exact_match", "log_loss", "naive2", "perplexity", "pit", "seasonal_naive", "summarise",
        "token_accuracy",
    }  # fmt: skip


@pytest.mark.parametrize(
    "module", ["frame.distribution_metrics", "frame.metrics", "frame.sequence_metrics", "evaluation.naive2"]
)
def test_doctests(module):
    assert doctest.testmod(importlib.import_module(f"tsrnn.{module}")).failed == 0


# ---------------------------------------------------------------- one series
@pytest.mark.parametrize("convert", [lambda frame: frame, polars.from_pandas])
def test_a_frame_of_one_series_needs_no_ids(convert):
    y = pd.Series(
        np.random.default_rng(0).normal(size=60).cumsum(), pd.date_range("2024-01-01", periods=60), name="sold"
    )
    frame = tsrnn.backtest({"naive": tsrnn.NaiveForecaster()}, y, horizon=4, n_windows=3, coverage=0.5)
    assert "unique_id" not in frame
    options = {"metrics": ["mae", "mase", "owa", "coverage"], "season_length": 7}
    for by in ("model", "cutoff", "step"):
        expected = metrics.summarise(frame.assign(unique_id="y"), by=by, train={"y": y}, **options)
        found = metrics.summarise(convert(frame), by=by, train=y, **options)
        pd.testing.assert_frame_equal(
            pd.DataFrame({name: found[name] for name in found.columns}), expected, check_dtype=False
        )
    assert list(metrics.summarise(convert(frame), "mae", by="id")["unique_id"]) == ["y"]
    rows = pd.DataFrame({"ds": y.index, "y": y.to_numpy()})
    for train in (convert(rows), y.set_axis(y.index.to_period("D")).to_timestamp(), {"y": y}):
        assert metrics.summarise(convert(frame), "mase", train=train)["n"][0] == 12
    array = tsrnn.backtest({"naive": tsrnn.NaiveForecaster()}, y.tolist(), horizon=4, n_windows=3)
    assert (
        metrics.summarise(array, "mase", train=y.tolist())["mase"][0]
        == metrics.summarise(frame, "mase", train=y, season_length=1)["mase"][0]
    )


def test_a_frame_without_the_named_ids_is_refused():
    frame = pd.DataFrame({"ds": [1], "cutoff": [0], "y": [1.0], "ar": [2.0]})
    with pytest.raises(ValueError, match="frame has no column 'store'"):
        metrics.summarise(frame, id="store")
    with pytest.raises(ValueError, match=r"series 'y' at 1 .*more than once"):
        metrics.summarise(pd.concat([frame, frame]))
