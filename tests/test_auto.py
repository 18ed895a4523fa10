"""AutoForecaster: kinds of data, the combination by hand, covariates, panels, short series, bad input."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from tsrnn import AutoForecaster

from .forecasters import months, wave

NAMES = ["ar", "theta", "gru", "lstm", "gru_differences"]


@pytest.fixture(scope="module")
def y():
    return months(wave(96) + 0.05 * np.arange(96))


@pytest.fixture(scope="module")
def fitted(y):
    return AutoForecaster(horizon=4, random_state=0).fit(y)


def test_points_are_the_median_of_the_members(y, fitted):
    assert fitted.kind_ == "series"
    assert list(fitted.named_members_) == NAMES
    points = np.sort([np.asarray(member.predict(6)) for member in fitted.named_members_.values()], axis=0)
    assert_array_equal(fitted.predict(6), points[2])
    assert fitted.predict(6).index.equals(pd.date_range(y.index[-1], periods=7, freq="MS")[1:])
    assert [each.reason for each in fitted.members_] == [None] * 5


def test_quantiles_are_points_and_the_median_distance_of_those_that_have_some(fitted):
    levels = np.array([0.05, 0.5, 0.95])
    found = np.asarray(fitted.predict_quantiles(4, levels))
    distances = []
    for member in fitted.named_members_.values():
        errors = getattr(member, "errors_", None)
        if errors is None or np.isfinite(errors.errors).sum(axis=0).max() >= 9:  # what a coverage of 0.9 needs
            distances.append(np.asarray(member.predict_quantiles(4, levels)) - np.asarray(member.predict(4))[:, None])
    assert 2 <= len(distances) <= 5
    assert_allclose(found, np.asarray(fitted.predict(4))[:, None] + np.median(distances, axis=0), rtol=1e-12)
    assert (np.diff(found, axis=1) > 0).all()


def test_a_coverage_beyond_the_validation_part_of_networks_is_that_of_the_others(fitted):
    with pytest.raises(ValueError, match=r"a coverage of 0\.99 needs"):
        fitted.named_members_["gru"].predict_interval(4, 0.99)
    bounds = fitted.predict_interval(4, 0.99)
    assert (bounds["upper"] - bounds["lower"] > 0).all()


def test_paths_come_from_members_in_turn(fitted):
    paths = np.asarray(fitted.sample(4, n_paths=10, random_state=3))
    assert paths.shape == (4, 10)
    first = np.asarray(fitted.named_members_["ar"].sample(4, n_paths=2, random_state=3))
    assert_array_equal(paths[:, :2], first)


def test_same_bits_again_in_a_pickle_and_with_processes(y, fitted):
    again = clone(fitted).set_params(n_jobs=2).fit(y)
    assert_array_equal(again.predict(5), fitted.predict(5))
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(5), fitted.predict(5))


def test_update_goes_on(y):
    model = AutoForecaster(horizon=4, random_state=0).fit(y[:90])
    model.update(y[90:])
    members = [np.asarray(member.predict(4)) for member in model.named_members_.values()]
    assert_array_equal(model.predict(4), np.median(members, axis=0))
    assert model.predict(4).index[0] == y.index[-1] + pd.DateOffset(months=1)


@pytest.mark.parametrize("n", [3, 5, 12, 25, 39])
def test_short_series_get_no_networks(n):
    model = AutoForecaster(horizon=4).fit(months(wave(n)))
    assert model.kind_ == "short"
    assert list(model.named_members_) == ["ar", "theta", "naive"]
    assert np.isfinite(model.predict_interval(4)).all(axis=None)


@pytest.mark.parametrize("n", [40, 48, 60, 100])
def test_series_that_get_networks_have_intervals(n):
    model = AutoForecaster(horizon=4, random_state=0).fit(months(wave(n)))
    assert model.kind_ == "series"
    assert (np.diff(np.asarray(model.predict_interval(4, 0.8))) > 0).all()


def test_counts_with_zeros_have_the_mean():
    y = np.random.default_rng(0).poisson(0.8, 120).astype(float)
    model = AutoForecaster(horizon=4, lower=0, random_state=0).fit(y)
    assert model.kind_ == "counts"
    assert list(model.named_members_) == ["theta", "gru", "lstm"]
    assert_allclose(
        model.predict(), np.mean([each.predict() for each in model.named_members_.values()], axis=0), rtol=1e-12
    )
    assert (model.predict_interval()[:, 0] >= 0).all()


def test_members_that_cannot_read_covariates_are_left_out(y):
    X = pd.DataFrame({"x": np.sin(np.arange(100))}, pd.date_range(y.index[0], periods=100, freq="MS"))
    model = AutoForecaster(horizon=4, random_state=0).fit(X[:96], y)
    assert list(model.named_members_) == ["ar", "gru", "lstm", "gru_differences"]
    assert model.predict(X[96:]).index.equals(X.index[96:])


def test_panels_with_every_role():
    rng = np.random.default_rng(1)
    frame = pd.concat(
        pd.DataFrame(
            {"unique_id": s, "ds": pd.date_range("2024", periods=n), "y": wave(n) + k, "wet": rng.normal(size=n)}
        )
        for k, (s, n) in enumerate([("b", 70), ("a", 50), ("c", 3)])
    )
    model = AutoForecaster(horizon=3, random_state=0).fit(frame[["unique_id", "ds", "y"]])
    assert list(model.named_members_) == NAMES
    forecast = model.predict()
    assert forecast["unique_id"].unique().tolist() == ["b", "a", "c"]
    assert_array_equal(model.predict(ids=["a"])["y"], forecast["y"][forecast["unique_id"] == "a"])
    static = pd.DataFrame({"unique_id": ["a", "b", "c"], "kind": ["x", "y", "x"]})
    model = AutoForecaster(horizon=3, random_state=0).fit(frame, past=["wet"], static=static)
    assert list(model.named_members_) == ["gru", "lstm", "gru_differences"]
    assert np.isfinite(model.predict()["y"]).all()


def test_bad_arguments(y):
    with pytest.raises(ValueError, match="horizon=0 must be at least 1"):
        AutoForecaster(horizon=0).fit(y)
    with pytest.raises(TypeError, match="lower"):
        AutoForecaster(horizon=4, lower="0").fit(y)
    with pytest.raises(ValueError, match="season_lengths"):
        AutoForecaster(horizon=4, season_lengths=-1).fit(y)
