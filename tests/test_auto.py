"""AutoForecaster: kinds of data, the combination by hand, covariates, panels, short series, bad input."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone

from tsrnn import AutoForecaster, backtest

from .forecasters import months, wave

NAMES = ["ar", "theta", "gru", "gru_huber", "gru_differences"]


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
    assert list(model.named_members_) == ["ar", "gru", "gru_huber", "gru_differences"]
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
    assert list(model.named_members_) == ["gru", "gru_huber", "gru_differences"]
    assert np.isfinite(model.predict()["y"]).all()


def long(ids, n=60, seed=0, start="2024-01-01"):
    rng = np.random.default_rng(seed)
    days = pd.date_range(start, periods=n)
    frames = [pd.DataFrame({"unique_id": id, "ds": days, "y": 10 + rng.normal(size=n).cumsum()}) for id in ids]
    return pd.concat(frames, ignore_index=True)


def by_id(table, id):
    return table[table["unique_id"] == id].iloc[:, 2:].to_numpy()


# ---------------------------------------------------------------- series that were not in the fit
def test_a_new_series_of_a_panel_is_forecast_by_the_members_that_can():
    model = AutoForecaster(horizon=3, random_state=0).fit(long("ab"))
    others = {name: member for name, member in model.named_members_.items() if name != "ar"}
    new = long("x", 40, seed=3)
    expected = np.median([member.predict(context=new)["y"] for member in others.values()], axis=0)
    assert_array_equal(model.predict(context=new)["y"], expected)
    both = pd.concat([long("a", 45, seed=4), new])
    forecast = model.predict(context=both)
    assert_array_equal(by_id(forecast, "x")[:, 0], expected)
    known = [member.predict(context=long("a", 45, seed=4))["y"] for member in model.named_members_.values()]
    assert_array_equal(by_id(forecast, "a")[:, 0], np.median(known, axis=0))
    levels = [0.1, 0.5, 0.9]
    alone, beside = (model.predict_quantiles(2, levels, context=given) for given in (new, both))
    assert_array_equal(by_id(beside, "x"), by_id(alone, "x"))
    assert (np.diff(by_id(alone, "x"), axis=1) > 0).all()
    paths = model.sample(2, n_paths=7, context=both, random_state=0)
    assert np.isfinite(paths.iloc[:, 2:]).all(axis=None)
    assert paths["unique_id"].tolist() == ["a", "a", "x", "x"]


def test_an_update_may_bring_new_series():
    model = AutoForecaster(horizon=3, random_state=0).fit(long("ab"))
    before = model.predict()
    model.update(long("x", 40, seed=3, start="2024-01-21"))
    forecast = model.predict()
    assert_array_equal(forecast[forecast["unique_id"] != "x"]["y"], before["y"])
    parts = [by_id(each.predict(ids=["x"]), "x") for name, each in model.named_members_.items() if name != "ar"]
    assert_array_equal(by_id(forecast, "x"), np.median(parts, axis=0))
    assert model.predict_interval(2, 0.8).shape == (6, 4)
    table = backtest(
        {"auto": AutoForecaster(horizon=3, random_state=0)}, long("ab"), horizon=3, n_windows=2, refit=False
    )
    assert table["auto"].notna().all()


def test_new_series_where_no_member_can_continue_one():
    """Short series with a covariate: the only member has a model for each series."""
    table = long("ab", 20).assign(x=1.0)
    table["x"] = np.arange(len(table)) % 5.0
    model = AutoForecaster(horizon=2).fit(table, future=["x"])
    assert list(model.named_members_) == ["ar"]
    new = long("c", 20).assign(x=2.0)
    with pytest.raises(ValueError, match=r"member 'ar': series 'c' .*was not in the fit"):
        model.update(new)
    with pytest.raises(ValueError, match=r"member 'ar': series 'c' .*was not in the fit"):
        model.predict(new.tail(2).drop(columns="y"), context=new)


def test_a_context_that_is_too_short_for_networks(y, fitted):
    context = 2 * y[:10]
    able = {name: each for name, each in fitted.named_members_.items() if each._min_context() <= 10}
    assert "theta" in able
    assert "gru" not in able
    parts = [each.predict(3, context=context) for each in able.values()]
    assert_array_equal(fitted.predict(3, context=context), np.median(parts, axis=0))
    every = [each.predict(3, context=2 * y[:60]) for each in fitted.named_members_.values()]
    assert_array_equal(fitted.predict(3, context=2 * y[:60]), np.median(every, axis=0))


# ---------------------------------------------------------------- members that are left out
def test_members_says_why_one_was_left_out(y):
    X = pd.DataFrame({"x": np.sin(np.arange(96))}, y.index)
    model = AutoForecaster(horizon=4, random_state=0).fit(X, y)
    reasons = {each.name: each.reason for each in model.members_ if each.forecaster is None}
    assert reasons == {"theta": "ThetaForecaster has no use for the covariates 'x'"}
    short = AutoForecaster(horizon=4).fit(y[:39])
    reasons = {each.name: each.reason for each in short.members_ if each.forecaster is None}
    why = "the series has 39 rows, and networks are members from 24 + 4 * horizon = 40 rows on"
    assert reasons == dict.fromkeys(["gru", "gru_huber", "gru_differences"], why)
    assert [each.weight for each in short.members_] == [1, 1, 1, 0, 0, 0]
    short.update(y[39:42])
    assert_array_equal(short.predict(), np.median([each.predict() for each in short.named_members_.values()], axis=0))


def test_counts_are_clipped_only_if_asked():
    y = np.r_[np.zeros(40), np.arange(40.0, 0, -1), np.zeros(3)]
    free, bounded = (AutoForecaster(horizon=4, lower=lower, random_state=0).fit(y) for lower in (None, 0))
    assert free.kind_ == "counts"
    assert np.asarray(free.predict_interval()).min() < 0
    for name in ("predict", "predict_interval"):
        assert_array_equal(getattr(bounded, name)(), np.maximum(getattr(free, name)(), 0))


def test_representations(y):
    model = AutoForecaster(horizon=4)
    assert str(model) == repr(model) == "AutoForecaster(horizon=4)"
    assert 'class="tsrnn-members"' not in model._repr_html_()
    model.fit(y[:39])
    assert repr(model) == "AutoForecaster(horizon=4)"
    lines = str(model).splitlines()
    assert lines[0] == repr(model)
    assert lines[1].split() == ["member", "forecaster", "weight", "seconds", "left", "out", "because"]
    assert lines[2].split()[:3] == ["ar", "ARForecaster()", "1"]
    assert lines[5].startswith("gru ")
    assert lines[5].endswith("= 40 rows on")
    bundle = model._repr_mimebundle_()
    assert bundle["text/plain"] == str(model)
    assert bundle["text/html"].count("<tr>") == model._repr_html_().count("<tr>")
    assert "SeasonalNaiveForecaster(season_lengths=12)</td>" in bundle["text/html"]
    with config_context(display="text"):
        assert set(model._repr_mimebundle_()) == {"text/plain"}
        assert not hasattr(model, "_repr_html_")
    assert str(clone(model)) == repr(model)


def test_bad_arguments(y):
    with pytest.raises(ValueError, match="horizon=0 must be at least 1"):
        AutoForecaster(horizon=0).fit(y)
    with pytest.raises(TypeError, match="lower"):
        AutoForecaster(horizon=4, lower="0").fit(y)
    with pytest.raises(ValueError, match="season_lengths"):
        AutoForecaster(horizon=4, season_lengths=-1).fit(y)


def test_theta_models_get_the_first_of_several_seasons():
    y = months(wave(30))
    fitted = AutoForecaster(horizon=4, season_lengths=[4, 12], random_state=0).fit(y)
    assert fitted.named_members_["theta"].season_lengths == 4
    assert [member.reason for member in fitted.members_[:3]] == [None] * 3
    alone = AutoForecaster(horizon=4, season_lengths=4, random_state=0).fit(y)
    assert_array_equal(alone.named_members_["theta"].predict(), fitted.named_members_["theta"].predict())


def test_counts_with_a_context_that_is_short_for_networks():
    counts = np.random.default_rng(0).poisson(0.8, 90).astype(float)
    fitted = AutoForecaster(horizon=4, random_state=0).fit(counts)
    assert fitted.kind_ == "counts"
    expected = fitted.named_members_["theta"].predict(2, context=counts[:10])
    assert_allclose(fitted.predict(2, context=counts[:10]), expected)
    assert fitted.predict_interval(2, context=counts[:10]).shape == (2, 2)


def test_new_series_without_a_change_are_forecast_by_the_others():
    """A network of differences cannot read one observed value, nor values that are never side by side."""
    days = pd.date_range("2024-01-01", periods=40)
    y = pd.DataFrame({"unique_id": np.repeat(["a", "b"], 40), "ds": np.tile(days, 2), "y": np.r_[wave(40), wave(40)]})
    fitted = AutoForecaster(horizon=2, random_state=0).fit(y)
    assert fitted.kind_ == "series"
    known = fitted.predict(2)
    fitted.update(pd.DataFrame({"unique_id": ["c"] * 4, "ds": days[-4:], "y": [1.0, np.nan, 3.0, np.nan]}))
    both = fitted.predict(2)
    assert np.isfinite(both["y"]).all()
    assert_array_equal(both["y"][both["unique_id"] != "c"], known["y"])
    one = pd.DataFrame({"unique_id": ["d"], "ds": days[-1:], "y": [7.0]})
    assert np.isfinite(fitted.predict(2, context=one)["y"]).all()
