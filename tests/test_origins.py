"""Origins without refit, forecast as one batch: equal, bit for bit, to the loop of `update` and `predict`."""

from __future__ import annotations

import copy
import importlib

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

import tsrnn
from tsrnn import (
    ARForecaster,
    ConformalForecaster,
    Direct,
    DriftForecaster,
    EnsembleForecaster,
    GRUForecaster,
    LatentARForecaster,
    NaiveForecaster,
    Pinball,
    SeasonalNaiveForecaster,
    ThetaForecaster,
    backtest,
)
from tsrnn.data.panel import Panel
from tsrnn.estimators import origins
from tsrnn.estimators.base import BaseForecaster

BACKTEST = importlib.import_module("tsrnn.evaluation.backtest")  # `tsrnn.backtest` is the function
DAYS, RNG = pd.date_range("2024-01-01", periods=80), np.random.default_rng(0)
SERIES = pd.Series(10 + np.sin(np.arange(80) * 0.9) + 0.1 * RNG.normal(size=80), DAYS, name="sales")
WIDE = pd.DataFrame({"p": SERIES, "q": SERIES**2 + RNG.normal(size=80)})
PRICE = pd.DataFrame({"price": RNG.normal(size=80), "promo": RNG.integers(0, 2, size=80).astype(float)}, DAYS)
#: First row and number of rows of each series: one ends before the last cutoffs, one begins after the first cutoff.
SPANS = {"b": (0, 80), "early": (0, 64), "a": (5, 72), "late": (61, 19)}
STATIC = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0], "kind": list("uvuv")}, pd.Index(list(SPANS), name="unique_id"))


def long_frame(spans):
    parts = [
        pd.DataFrame({
            "unique_id": name, "ds": DAYS[first : first + n],
            "y": SERIES.to_numpy()[first : first + n] * (1 + k) + 0.1 * RNG.normal(size=n),
            "price": PRICE["price"].to_numpy()[first : first + n] + k, "visits": RNG.normal(size=n),
        })
        for k, (name, (first, n)) in enumerate(spans.items())
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def with_gaps(data, columns, seed=1):
    """The data with some missing values, also at the ends of contexts, but not in the first row of a series."""
    data, rng = data.copy(), np.random.default_rng(seed)
    for column in columns:
        missing = rng.random(len(data)) < 0.08
        missing[[0, -1]] = False
        data.loc[data.index[missing], column] = np.nan
    return data


PANEL = long_frame(SPANS)
TARGETS = PANEL[["unique_id", "ds", "y"]]
#: Without series that begin late, of which some models have nothing to learn.
OLD = TARGETS[TARGETS["unique_id"] != "late"]
ROLES = {"future": ["price"], "past": ["visits"], "static": STATIC}
#: Target, covariates and further arguments of the fit.
DATA = {
    "series": (SERIES, None, {}),
    "array": (SERIES.to_numpy(), None, {}),
    "covariates": (SERIES, PRICE, {}),
    "wide": (WIDE, None, {}),
    "panel": (TARGETS, None, {}),
    "old panel": (OLD, None, {}),
    "roles": (PANEL, None, ROLES),
    "gaps": (with_gaps(SERIES.to_frame(), ["sales"])["sales"], None, {}),
    "gaps wide": (with_gaps(WIDE, ["p", "q"]), None, {}),
    "gaps covariates": (SERIES, with_gaps(PRICE, ["price"]), {}),
    "gaps roles": (with_gaps(PANEL, ["y", "price", "visits"]), None, ROLES),
}
NETWORK_DATA = [name for name in DATA if name != "old panel"]
OLD_DATA = ["series", "array", "wide", "old panel", "gaps", "gaps wide"]


def gru(**options):
    settings = {"horizon": 3, "context_length": 8, "hidden_size": 3, "max_epochs": 2, "random_state": 0}
    return GRUForecaster(**settings | options)


SOME = ["series", "panel", "gaps", "gaps roles"]
#: Each model with the data that it is tested on.
MODELS = {
    "direct": (gru(), NETWORK_DATA),
    "recursive": (gru(strategy="recursive"), SOME),
    "seq2seq": (gru(strategy="seq2seq"), SOME),
    "segments": (gru(strategy=Direct(segment_length=3), context_length=9), ["series", "panel"]),
    "scaled by windows": (gru(scaling="window"), SOME),
    "decay": (gru(missing="decay"), ["series", "gaps", "gaps roles"]),
    "seasons": (gru(season_lengths=[7, 12]), SOME),
    "difference": (gru(difference=1), ["series", "panel", "gaps"]),
    "transform": (gru(target_transform="boxcox", seasonal_difference=1), ["series", "old panel", "gaps"]),
    "likelihood": (gru(loss="gaussian", horizon=5), ["series", "panel", "gaps"]),
    "paths": (gru(loss="gaussian", strategy="recursive", target_transform="log1p", point="mean"), ["series"]),
    "means": (gru(point="mean"), ["series", "gaps", "gaps roles"]),
    "quantiles": (gru(loss=Pinball(0.2, 0.25, 0.5, 0.75, 0.8), horizon=5), ["series", "panel", "gaps"]),
    "independent": (gru(multivariate="independent"), ["wide", "gaps wide"]),
    "ar": (ARForecaster(lags=[1, 2, 7]), ["covariates", *OLD_DATA]),
    "ar with trend": (ARForecaster(lags=2, trend="ct"), OLD_DATA),
    "ar, pooled": (ARForecaster(lags=3, pooled=True), ["wide", "panel", "old panel"]),
    "latent": (LatentARForecaster(n_states=2, max_iter=9, tol=1.0), ["covariates", *OLD_DATA]),
    "naive": (NaiveForecaster(), ["panel", *OLD_DATA]),
    "seasonal": (SeasonalNaiveForecaster(), OLD_DATA),
    "drift": (DriftForecaster(), OLD_DATA),
    "theta": (ThetaForecaster(), ["panel", *OLD_DATA]),
    "ensemble": (EnsembleForecaster([gru(), ARForecaster(lags=2, horizon=3), ThetaForecaster(horizon=3)]), OLD_DATA),
    "ensemble of networks": (EnsembleForecaster([gru(), gru(scaling="last")], combine="median"), NETWORK_DATA),
}
PLAN = {"horizon": 4, "step": 2, "n_windows": 9, "refit": False, "coverage": [0.5, 0.6], "gap": 1}


def together(models, y, X=None, **options):
    """A backtest that fails if a model is forecast one origin after the other."""

    def refuse(*_):
        raise AssertionError("not together")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BACKTEST, "_one_by_one", refuse)
        return backtest(models, y, X, **options)


def one_by_one(models, y, X=None, **options):
    """A backtest in which each origin is forecast alone, by `update` and `predict`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseForecaster, "predict_origins", lambda *_, **__: None)
        return backtest(models, y, X, **options)


# ---------------------------------------------------------------- equal to the loop
@pytest.mark.filterwarnings("ignore::tsrnn.exceptions.ConvergenceWarning", "ignore::tsrnn.exceptions.FewWindowsWarning")
@pytest.mark.parametrize(("model", "data"), [(m, d) for m, (_, all_data) in MODELS.items() for d in all_data])
def test_together_equals_one_by_one(model, data):
    y, X, fit_options = DATA[data]
    options = PLAN | {"fit_options": fit_options, "n_windows": 2 if model == "paths" else 9}
    models = {"m": MODELS[model][0]}
    result, expected = together(models, y, X, **options), one_by_one(models, y, X, **options)
    assert result["m"].notna().all()
    pd.testing.assert_frame_equal(result, expected, check_exact=True)


@pytest.mark.parametrize("options", [{"refit": 3}, {"window": 40}, {"window": 45, "refit": 4, "gap": 0, "step": 5}])
@pytest.mark.parametrize("data", ["series", "roles", "gaps wide"])
def test_refits_and_sliding_windows(options, data):
    y, X, fit_options = DATA[data]
    options = PLAN | {"n_windows": 4, "fit_options": fit_options, "coverage": None} | options
    pd.testing.assert_frame_equal(
        backtest(gru(), y, X, **options), one_by_one(gru(), y, X, **options), check_exact=True
    )


@pytest.mark.parametrize("data", ["series", "roles", "gaps wide"])
def test_the_size_of_a_batch_changes_nothing(data, monkeypatch):
    y, X, fit_options = DATA[data]
    expected = together(gru(), y, X, **PLAN, fit_options=fit_options)
    monkeypatch.setattr(origins, "MAX_ROWS", 40)
    pd.testing.assert_frame_equal(together(gru(), y, X, **PLAN, fit_options=fit_options), expected, check_exact=True)


def test_a_table_of_covariates_and_other_names():
    names = {"unique_id": "store", "ds": "day", "y": "sold"}
    y, X = TARGETS.rename(columns=names), PANEL.drop(columns=["y", "visits"]).rename(columns=names)
    options = PLAN | {"fit_options": {"id": "store", "time": "day", "target": "sold"}}
    result = together(gru(), y, X, **options)
    pd.testing.assert_frame_equal(result, one_by_one(gru(), y, X, **options), check_exact=True)


def test_the_forecaster_stays_as_it_is():
    fitted = gru().fit(SERIES[:60])
    before = copy.deepcopy(vars(fitted))
    rolled = fitted.predict_origins(SERIES[60:68], n_after=[8, 4], n_steps=4, coverage=[0.5])
    assert rolled.values.shape == (2, 4, 3)
    assert rolled.origins.tolist() == [0, 1]
    assert rolled.series.tolist() == [0, 0]
    assert_array_equal(rolled.values[0, :, 0], fitted.predict(4))
    assert fitted.panel_ is not None
    assert_array_equal(fitted.panel_.values, before["panel_"].values)
    assert vars(fitted).keys() == before.keys()
    fitted.update(SERIES[60:64])
    assert_array_equal(rolled.values[1, :, 1:], fitted.predict_interval(4, 0.5))


# ---------------------------------------------------------------- models that keep the loop
class Rounded(NaiveForecaster):
    """A subclass whose forecasts are not those of its class."""

    def predict(self, *args, **options):
        return np.round(super().predict(*args, **options))


class Without(BaseForecaster):
    """A forecaster that does not say which rows its forecasts depend on."""

    horizon = 2

    def _fit(self, history):
        return {}

    def _forecast(self, origin):
        return np.repeat(origin.panel.values[None, -1:], origin.n_steps, axis=1)


@pytest.mark.parametrize(
    "model", [Rounded(), Without(), ConformalForecaster(ARForecaster(lags=1, horizon=3), n_windows=9)]
)
def test_models_that_keep_the_loop(model):
    fitted = copy.deepcopy(model).fit(SERIES[:60])
    assert fitted.predict_origins(SERIES[60:], n_after=[20, 18], n_steps=4) is None
    result = backtest({"m": model}, SERIES, horizon=4, step=2, n_windows=5, refit=False)
    expected = []
    for end in range(68, 77, 2):
        fitted = copy.deepcopy(model).fit(SERIES[:68]) if end == 68 else fitted.update(SERIES[end - 2 : end])
        expected += fitted.predict(4).tolist()
    assert result["m"].tolist() == expected


# ---------------------------------------------------------------- failures
def test_a_batch_that_fails_names_the_first_cutoff_that_does():
    X = PRICE.copy()
    X.iloc[-6:, 0] = np.nan  # none of the last four steps ahead is known
    options = {"horizon": 4, "step": 2, "n_windows": 4, "refit": False}
    with pytest.raises(RuntimeError, match=r"'gru' failed at the cutoff 2024-03-14: ValueError: X\['price'\] is miss"):
        backtest({"gru": gru()}, SERIES, X, **options)
    with pytest.warns(tsrnn.exceptions.BacktestWarning, match="2 forecasts .*'gru' at 2024-03-14: ValueError"):
        result = backtest({"gru": gru()}, SERIES, X, error="keep", **options)
    assert [each["cutoff"] for each in result.attrs["missing"]] == [DAYS[73], DAYS[75]]
    assert_array_equal(result["gru"].isna(), np.repeat([False, False, True, True], 4))


# ---------------------------------------------------------------- new series with static covariates
def test_a_series_that_begins_after_the_fit_has_its_static_covariates():
    y, options = PANEL[["unique_id", "ds", "y"]], {"horizon": 4, "step": 4, "n_windows": 5}
    result = together(gru(), y, **options, refit=False, fit_options={"static": STATIC})
    fit = y[y["ds"] <= result["cutoff"].iloc[0]]
    fitted = gru().fit(fit, static=STATIC)
    assert "late" not in fit["unique_id"].unique()
    late = result[result["unique_id"] == "late"]
    assert late["cutoff"].unique().tolist() == [DAYS[63], DAYS[67], DAYS[71], DAYS[75]]
    for cutoff, part in late.groupby("cutoff"):
        rows = y[(y["unique_id"] == "late") & (y["ds"] <= cutoff)]
        alone = fitted.predict(4, context=rows, static=STATIC)
        assert_array_equal(part["GRUForecaster"], alone["y"])
    other = fitted.predict(4, context=rows, static=STATIC.assign(size=9.0))
    assert not other["y"].equals(alone["y"])


def test_update_takes_static_covariates_of_new_series():
    y = PANEL[["unique_id", "ds", "y"]]
    known, new = y[y["ds"] < DAYS[61]], y[(y["ds"] >= DAYS[61]) & (y["ds"] < DAYS[72])]
    fitted = gru().fit(known, static=STATIC).update(new, static=STATIC)
    newer = y[y["ds"] >= DAYS[72]].replace({"unique_id": {"late": "latest"}})
    row = STATIC.loc[["late"]].rename(index={"late": "latest"}) + pd.Series({"size": 3.0, "kind": ""})
    fitted.update(newer[newer["unique_id"] == "latest"], static=row)
    for ids in (["late"], ["latest", "late"], ["b", "late", "latest"]):
        found = fitted.predict(4, ids=ids).set_index("unique_id")["y"]
        for name in {"late", "latest"} & set(ids):
            rows = {"late": new[new["unique_id"] == "late"], "latest": newer[newer["unique_id"] == "latest"]}[name]
            alone = fitted.predict(4, context=rows, static=pd.concat([STATIC, row]))
            assert_array_equal(found[name], alone["y"])
    with pytest.raises(ValueError, match="static= is for panels"):
        gru().fit(SERIES).update([1.0], static=STATIC)


# ---------------------------------------------------------------- panels of windows
def test_cut_takes_rows_of_series_that_may_be_repeated():
    panel = Panel(np.arange(7.0)[:, None], np.ones((7, 1), bool), np.arange(7.0)[:, None] * 10, np.array([0, 3, 7]))
    cut = panel.cut(np.array([1, 0, 1]), np.array([0, 1, 2]), np.array([2, 3, 4]))
    assert cut.values.ravel().tolist() == [3, 4, 1, 2, 5, 6]
    assert cut.known.ravel().tolist() == [30, 40, 10, 20, 50, 60]
    assert cut.indptr.tolist() == [0, 2, 4, 6]


def test_rows_follow_those_of_the_series_that_they_continue():
    first = Panel(
        np.arange(5.0)[:, None], np.ones((5, 1), bool), np.empty((5, 0)), np.array([0, 2, 5]), np.array([1, 0])
    )
    later = Panel(np.arange(5.0, 9.0)[:, None], np.ones((4, 1), bool), np.empty((4, 0)), np.array([0, 1, 1, 4]))
    joined, rows = first.followed_by(later, np.array([1, 0, 2]), 3)
    assert rows.tolist() == joined.values.ravel().tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert joined.indptr.tolist() == [0, 2, 6, 9]
    assert joined.padding.tolist() == [1, 0, 0]
    joined, rows = first.followed_by(later, np.array([0, 1, 1]), 2)
    assert rows.tolist() == [0, 1, 5, 2, 3, 4, 6, 7, 8]
    assert joined.values.ravel().tolist() == [0, 1, 5, 2, 3, 4, 6, 7, 8]
