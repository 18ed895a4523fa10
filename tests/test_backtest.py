"""Backtests: equal to loops written by hand, blind to what comes after a cutoff, and clear about wrong arguments."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
import polars
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LinearRegression

import tsrnn
from tsrnn import ARForecaster, GRUForecaster, NaiveForecaster, backtest
from tsrnn.exceptions import BacktestWarning

DAYS = pd.date_range("2024-01-01", periods=60)
RNG = np.random.default_rng(0)
SERIES = pd.Series(10 + np.sin(np.arange(60) * 0.9) + 0.1 * RNG.normal(size=60), DAYS, name="sales")
WIDE = pd.DataFrame({"p": SERIES, "q": SERIES**2 + RNG.normal(size=60)})
PRICE = pd.DataFrame({"price": RNG.normal(size=60), "promo": RNG.integers(0, 2, size=60)}, DAYS)
#: First row and number of rows of each series: some end before the last cutoffs or within a forecast, one begins late.
SPANS = {"b": (0, 60), "early": (0, 43), "a": (5, 52), "late": (38, 22)}


def panel():
    parts = [
        pd.DataFrame({
            "unique_id": name, "ds": DAYS[first : first + n], "y": SERIES.to_numpy()[first : first + n] * (1 + k),
            "price": PRICE["price"].to_numpy()[first : first + n] + k,
        })
        for k, (name, (first, n)) in enumerate(SPANS.items())
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


PANEL = panel()


def gru(**options):
    settings = {"horizon": 4, "context_length": 8, "hidden_size": 4, "max_epochs": 2, "random_state": 0}
    return GRUForecaster(**settings | options)


def cutoffs(n, horizon, n_windows, step, gap):
    """Row numbers of the cutoffs, by the definition."""
    return [n - 1 - horizon - gap - (n_windows - 1 - k) * step for k in range(n_windows)]


def loop(model, y, X, *, horizon, n_windows, step, gap=0, window=None, every=1):
    """Forecasts of a series or wide frame from each cutoff, (n_windows, horizon, n_channels)."""
    forecasts, fitted, seen = [], None, None
    for k, cutoff in enumerate(cutoffs(len(y), horizon, n_windows, step, gap)):
        end = cutoff + 1
        if k % every == 0:
            fitted, start = clone(model), 0 if window is None else end - window
            fitted.fit(y[start:end]) if X is None else fitted.fit(X[start:end], y[start:end])
        elif X is None:
            fitted.update(y[seen:end])
        else:
            fitted.update(y[seen:end], X[seen:end])
        seen = end
        forecast = fitted.predict(gap + horizon if X is None else X[end : end + gap + horizon])
        forecasts.append(np.asarray(forecast, float).reshape(gap + horizon, -1)[gap:])
    return np.stack(forecasts)


CASES = {
    "refit": ({}, {}),
    "no refit": ({"refit": False}, {"every": 99}),
    "every second": ({"refit": 2}, {"every": 2}),
    "gap": ({"gap": 3}, {"gap": 3}),
    "sliding": ({"window": 25}, {"window": 25}),
    "all": ({"gap": 2, "window": 22, "refit": 3, "step": 2}, {"gap": 2, "window": 22, "every": 3, "step": 2}),
}
MODELS = {"ar": ARForecaster(lags=3), "gru": gru()}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["ar", "gru"])
@pytest.mark.parametrize("has_covariates", [False, True])
def test_one_series_equals_the_loop(case, name, has_covariates):
    options, of_loop = CASES[case]
    X, common = PRICE if has_covariates else None, {"horizon": 4, "n_windows": 4}
    result = backtest({name: MODELS[name]}, SERIES, X, **common, **options)
    of_loop = {"step": 4} | of_loop
    expected = loop(MODELS[name], SERIES, X, **common, **of_loop)
    assert_array_equal(result[name], expected.ravel())
    assert result.columns.tolist() == ["ds", "cutoff", "y", name]
    gap, step = of_loop.get("gap", 0), of_loop["step"]
    ends = cutoffs(60, 4, 4, step, gap)
    assert result["cutoff"].tolist() == [DAYS[end] for end in ends for _ in range(4)]
    assert result["ds"].tolist() == [DAYS[end + gap + 1 + h] for end in ends for h in range(4)]
    assert_array_equal(result["y"], SERIES[result["ds"]])


@pytest.mark.parametrize("case", CASES)
def test_a_wide_frame_equals_the_loop(case):
    options, of_loop = CASES[case]
    common = {"horizon": 4, "n_windows": 4}
    result = backtest(MODELS["ar"], WIDE, **common, **options)
    expected = loop(MODELS["ar"], WIDE, None, **common, **{"step": 4} | of_loop)
    assert_array_equal(result["ARForecaster"], np.moveaxis(expected, 2, 1).ravel())
    assert result["unique_id"].tolist() == [name for _ in range(4) for name in "pq" for _ in range(4)]
    assert_array_equal(result["y"], [WIDE.loc[time, id] for id, time in result[["unique_id", "ds"]].to_numpy()])
    of_array = backtest(MODELS["ar"], WIDE.to_numpy(), **common, **options)
    assert_array_equal(of_array["ARForecaster"], result["ARForecaster"])
    assert of_array["unique_id"].unique().tolist() == [0, 1]
    assert of_array["ds"].max() == 59


def panel_loop(model, future, *, horizon, n_windows, gap=0, window=None, every=1):
    """Forecasts by (cutoff, id, time) of the panel, from masks of its rows."""
    found, fitted, seen = {}, None, None
    columns = ["unique_id", "ds", "y"] + (["price"] if future else [])
    for k, c in enumerate(cutoffs(60, horizon, n_windows, horizon, gap)):
        cutoff, table = DAYS[c], PANEL[columns]
        if k % every == 0:
            start = DAYS[0] if window is None else DAYS[c + 1 - window]
            fitted = clone(model).fit(
                table[(table["ds"] >= start) & (table["ds"] <= cutoff)], **({"future": ["price"]} if future else {})
            )
        else:
            fitted.update(table[(table["ds"] > seen) & (table["ds"] <= cutoff)])
        seen = cutoff
        ahead = gap + horizon
        if future:  # only of the series with all steps ahead
            rows = PANEL[(PANEL["ds"] > cutoff) & (PANEL["ds"] <= DAYS[c + ahead])]
            sizes = rows.groupby("unique_id").size()
            ids = [u for u in sizes.index[sizes == ahead] if (PANEL.query("unique_id == @u")["ds"] <= cutoff).any()]
            forecast = fitted.predict(rows[rows["unique_id"].isin(ids)][["unique_id", "ds", "price"]], ids=ids)
        else:
            forecast = fitted.predict(ahead)
        for u, ds, value in forecast.itertuples(index=False):
            found[cutoff, u, ds] = value
    return found


@pytest.mark.parametrize("future", [False, True])
@pytest.mark.parametrize("case", ["refit", "no refit", "every second", "gap", "sliding"])
def test_a_panel_equals_the_loop(case, future):
    options, of_loop = CASES[case]
    model, common = gru(), {"horizon": 4, "n_windows": 4}
    y = PANEL if future else PANEL.drop(columns="price")
    fit_options = {"future": ["price"]} if future else None
    result = backtest({"gru": model}, y, fit_options=fit_options, **common, **options)
    expected = panel_loop(model, future, **common, **of_loop)
    keys = list(zip(result["cutoff"], result["unique_id"], result["ds"], strict=True))
    assert len(set(keys)) == len(keys)
    truth = {(u, ds): value for u, ds, value in PANEL[["unique_id", "ds", "y"]].itertuples(index=False)}
    gap = of_loop.get("gap", 0)
    for key, y_, value in zip(keys, result["y"], result["gru"], strict=True):
        assert truth[key[1:]] == y_
        if key in expected:  # with covariates the loop leaves out series that end early
            assert expected[key] == value
        else:
            assert future
    begun = {u: DAYS[first] for u, (first, _) in SPANS.items()}
    wanted = {
        (DAYS[c], u, DAYS[c + gap + h])
        for c in cutoffs(60, 4, 4, 4, gap)
        for u in SPANS
        for h in range(1, 5)
        if begun[u] <= DAYS[c] and (u, DAYS[c + gap + h]) in truth
    }
    assert set(keys) == wanted


def test_a_table_of_covariates_equals_columns_of_the_panel():
    common = {"horizon": 4, "n_windows": 3, "refit": 2}
    inside = backtest(gru(), PANEL, fit_options={"future": ["price"]}, **common)
    beside = backtest(gru(), PANEL.drop(columns="price"), PANEL.drop(columns="y"), **common)
    pd.testing.assert_frame_equal(inside, beside)


def test_layouts_of_a_panel_give_equal_forecasts():
    y = PANEL.drop(columns="price")
    result = backtest(gru(), y, horizon=4, n_windows=2)
    others = {
        "levels": y.set_index(["unique_id", "ds"])["y"],
        "dict": {key: part.set_index("ds")["y"] for key, part in y.groupby("unique_id", sort=False)},
        "shuffled": y.sample(frac=1, random_state=0),
    }
    for name, other in others.items():
        again = backtest(gru(), other, horizon=4, n_windows=2)
        keys = ["cutoff", "unique_id", "ds"]
        assert again.set_index(keys).sort_index().equals(result.set_index(keys).sort_index()), name


def test_other_names_of_columns_stay():
    y = PANEL.drop(columns="price").set_axis(["store", "day", "sales"], axis=1)
    names = {"id": "store", "time": "day", "target": "sales"}
    result = backtest({"naive": NaiveForecaster()}, y, horizon=4, n_windows=2, fit_options=names)
    assert result.columns.tolist() == ["store", "day", "cutoff", "sales", "naive"]
    table = tsrnn.metrics.summarise(result, ["mae", "mase"], train=y, **names)
    assert table["n"].tolist() == [len(result)]


def test_polars_comes_back_as_polars():
    y = PANEL.drop(columns="price")
    expected = backtest({"naive": NaiveForecaster()}, y, horizon=4, n_windows=2)
    result = backtest({"naive": NaiveForecaster()}, polars.from_pandas(y), horizon=4, n_windows=2)
    assert isinstance(result, polars.DataFrame)
    assert result["cutoff"].dtype == result["ds"].dtype
    pd.testing.assert_frame_equal(result.to_pandas(), expected, check_dtype=False)
    one = polars.DataFrame({"day": DAYS, "sales": SERIES.to_numpy()})
    result = backtest({"naive": NaiveForecaster()}, one, horizon=4, n_windows=2)
    assert result.columns == ["unique_id", "ds", "cutoff", "y", "naive"]
    assert result["ds"].to_list() == DAYS[-8:].to_list()


# ---------------------------------------------------------------- no leakage
@pytest.mark.parametrize("refit", [True, False, 2])
@pytest.mark.parametrize("kind", ["series", "panel"])
def test_later_values_change_no_earlier_forecast(kind, refit):
    y = SERIES if kind == "series" else PANEL.drop(columns="price")
    models = {"gru": gru(), "naive": NaiveForecaster()}
    options = {"horizon": 4, "n_windows": 4, "refit": refit, "coverage": 0.8}
    before = backtest(models, y, **options)
    for end in sorted(before["cutoff"].unique())[:-1]:
        changed = y.copy()
        if kind == "series":
            changed[changed.index > end] = 1e3 + np.arange((changed.index > end).sum()) ** 2
        else:
            changed.loc[changed["ds"] > end, "y"] = 1e3 + np.arange((changed["ds"] > end).sum()) ** 2
        after = backtest(models, changed, **options)
        same = before["cutoff"] <= end
        columns = [column for column in before if column != "y"]
        pd.testing.assert_frame_equal(before.loc[same, columns], after.loc[same, columns], check_exact=True)
        assert not before.loc[~same, "naive"].equals(after.loc[~same, "naive"])


def test_models_and_data_stay_as_they_are():
    model, y = gru(), PANEL.copy()
    backtest(model, y, horizon=4, n_windows=2, fit_options={"future": ["price"]})
    assert not hasattr(model, "theta_")
    pd.testing.assert_frame_equal(y, PANEL)


# ---------------------------------------------------------------- intervals
def test_bounds_equal_predict_interval():
    options = {"horizon": 4, "n_windows": 3, "gap": 1}
    for y in (SERIES, WIDE, PANEL.drop(columns="price")):
        result = backtest({"naive": NaiveForecaster()}, y, coverage=[0.5, 0.9], **options)
        bounds = [f"naive_{bound}_{c}" for c in (0.5, 0.9) for bound in ("lower", "upper")]
        assert result.columns[-5:].tolist() == ["naive", *bounds]
        end = result["cutoff"].iloc[-1]
        last = result[result["cutoff"] == end]
        if y is not SERIES and y is not WIDE:
            interval = NaiveForecaster().fit(y[y["ds"] <= end]).predict_interval(5, [0.5, 0.9])
            merged = last.merge(interval, on=["unique_id", "ds"], validate="one_to_one")
            assert len(merged) == len(last) > 4
            for bound in bounds:
                assert_array_equal(merged[bound], merged[bound.removeprefix("naive_")])
            continue
        interval = NaiveForecaster().fit(y[:end]).predict_interval(5, [0.5, 0.9]).to_numpy()[1:]
        expected = np.concatenate(np.split(interval, interval.shape[1] // 4, axis=1))
        assert_array_equal(last[bounds], expected)
    scores = tsrnn.metrics.summarise(result, ["mae", "coverage", "interval_score"])
    assert "coverage_0.9" in scores


# ---------------------------------------------------------------- any model
class Mean(BaseEstimator):
    """A model with nothing but `fit` and `predict`."""

    def fit(self, y):
        self.level_ = np.mean(y)
        return self

    def predict(self, h):
        return [self.level_] * h


class Failing(Mean):
    """Fails from the fit to 53 rows on."""

    def predict(self, h):
        if self.n_ > 52:
            raise LookupError("no forecast today")
        return super().predict(h)

    def fit(self, y):
        self.n_ = len(y)
        return super().fit(y)

    def update(self, y):
        self.n_ += len(y)


class OfPanels:
    """A model of panels, without scikit-learn, that answers in another order and with a column of its own name."""

    def fit(self, y):
        self.last = y.groupby("unique_id").last()

    def predict(self, h):
        rows = [
            (u, row.ds + pd.Timedelta(days=k), row.y) for u, row in self.last[::-1].iterrows() for k in range(h, 0, -1)
        ]
        return pd.DataFrame(rows, columns=["unique_id", "ds", "of panels"])


def test_models_of_others():
    result = backtest([Mean(), NaiveForecaster()], SERIES.tolist(), horizon=3, n_windows=2)
    assert result.columns.tolist() == ["ds", "cutoff", "y", "Mean", "NaiveForecaster"]
    assert_array_equal(result["Mean"], np.repeat([np.mean(SERIES[:54]), np.mean(SERIES[:57])], 3))
    result = backtest(LinearRegression(), SERIES, PRICE, horizon=3, n_windows=2)
    expected = LinearRegression().fit(PRICE[:57], SERIES[:57]).predict(PRICE[57:])
    assert_array_equal(result["LinearRegression"][3:], expected)


def test_panel_models_of_others():
    y = PANEL.drop(columns="price")
    result = backtest({"other": OfPanels(), "naive": NaiveForecaster()}, y, horizon=4, n_windows=3)
    assert_array_equal(result["other"], result["naive"])


def test_short_series_that_a_fit_skips_have_no_rows():
    y = pd.DataFrame({"unique_id": ["a"] * 20 + ["b"] * 3, "ds": [*range(20), 17, 18, 19], "y": np.arange(23.0)})
    options = {"horizon": 1, "n_windows": 2, "fit_options": {"short": "skip"}}
    result = backtest(NaiveForecaster(), y, **options)
    assert list(zip(result["cutoff"], result["unique_id"], strict=True)) == [(17, "a"), (18, "a"), (18, "b")]
    with pytest.raises(RuntimeError, match=r"'NaiveForecaster' failed at the cutoff 17: .*short='skip'"):
        backtest(NaiveForecaster(), y, horizon=1, n_windows=2)


# ---------------------------------------------------------------- processes, progress, failures
def test_results_do_not_depend_on_the_number_of_processes():
    models = {"ar": ARForecaster(lags=3), "mean": NaiveForecaster()}
    options = {"horizon": 4, "n_windows": 4, "refit": 2, "coverage": 0.9}
    pd.testing.assert_frame_equal(
        backtest(models, SERIES, **options), backtest(models, SERIES, n_jobs=2, **options), check_exact=True
    )


def test_no_output_without_a_terminal(capfd):
    backtest(NaiveForecaster(), SERIES, horizon=4, n_windows=2, verbose=1)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("refit", [True, False])
def test_failures(refit):
    models = {"naive": NaiveForecaster(), "failing": Failing()}
    options = {"horizon": 3, "n_windows": 4, "refit": refit}
    with pytest.raises(
        RuntimeError, match=r"'failing' failed at the cutoff 2024-02-23: LookupError: no forecast today"
    ):
        backtest(models, SERIES, **options)
    with pytest.warns(BacktestWarning, match=r"2 forecasts .*'failing' at 2024-02-23: LookupError: no forecast today"):
        result = backtest(models, SERIES, error="keep", **options)
    assert [(each["model"], each["cutoff"]) for each in result.attrs["missing"]] == [
        ("failing", DAYS[53]), ("failing", DAYS[56]),
    ]  # fmt: skip
    assert_array_equal(result["failing"].isna(), np.repeat([False, False, True, True], 3))
    assert result["naive"].notna().all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not backtest(NaiveForecaster(), SERIES, error="keep", **options).attrs


class FailsInUpdate(Failing):
    def update(self, y):
        raise ValueError("no update")


def test_a_failed_update_costs_all_forecasts_until_the_next_fit():
    with pytest.warns(BacktestWarning, match="no update"):
        result = backtest({"m": FailsInUpdate()}, SERIES[:50], horizon=3, n_windows=5, refit=3, error="keep")
    assert_array_equal(result["m"].isna(), np.repeat([False, True, True, False, True], 3))


class FailsInIntervals(NaiveForecaster):
    def predict_interval(self, horizon, coverage):
        if self.panel_.n_rows[0] == 53:
            raise LookupError("no interval today")
        return super().predict_interval(horizon, coverage)


@pytest.mark.parametrize("refit", [True, False])
def test_points_stay_where_only_the_interval_fails(refit):
    models, options = {"m": FailsInIntervals()}, {"horizon": 3, "n_windows": 4, "refit": refit, "coverage": 0.8}
    with pytest.raises(RuntimeError, match=r"'m' failed at the cutoff 2024-02-22: .* goes on without this interval"):
        backtest(models, SERIES[:-1], **options)
    with pytest.warns(BacktestWarning, match=r"^1 interval of the backtest .*'m' at 2024-02-22: LookupError"):
        result = backtest(models, SERIES[:-1], error="keep", **options)
    (missing,) = result.attrs["missing"]
    assert (missing["cutoff"], missing["missing"]) == (DAYS[52], "interval")
    assert_array_equal(result["m"], backtest({"m": NaiveForecaster()}, SERIES[:-1], **options)["m"])
    for bound in ("m_lower_0.8", "m_upper_0.8"):
        assert_array_equal(result[bound].isna(), result["cutoff"] == DAYS[52])


def test_an_infinite_bound_is_a_missing_interval():
    class Infinite(Mean):
        def predict_interval(self, h, coverage):
            return np.full((h, 1, 2), np.inf)

    with pytest.warns(BacktestWarning, match="2 intervals .*: ValueError: 6 of its 6 bounds are not finite"):
        result = backtest({"m": Infinite()}, SERIES, horizon=3, n_windows=2, coverage=0.9, error="keep")
    assert result["m"].notna().all()


class FailsTogether(NaiveForecaster):
    def predict_origins(self, *rows, **options):
        raise LookupError("no batch today")


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("error", ["raise", "keep"])
def test_a_batch_that_fails_alone_is_told(n_jobs, error):
    """The loop gives all forecasts, so that nobody would notice the fault."""
    options = {"horizon": 3, "n_windows": 4, "refit": False, "n_jobs": n_jobs}
    message = r"'m' could forecast from each of the cutoffs 2024-02-17 to 2024-02-26, but .*LookupError: no batch today"
    with pytest.warns(BacktestWarning, match=message):
        result = backtest({"m": FailsTogether()}, SERIES, error=error, **options)
    pd.testing.assert_frame_equal(result, backtest({"m": NaiveForecaster()}, SERIES, **options))


@pytest.mark.parametrize("has_covariates", [False, True])
@pytest.mark.parametrize("refit", [True, False])
def test_a_series_without_a_value_in_the_window(refit, has_covariates):
    """It is left out of the fit, and others are forecast; without the window's limit it is forecast."""
    days, n = DAYS[:30], np.arange(30)
    a, b = n**1.5, np.where((n >= 10) & (n < 22), np.nan, n)
    table = pd.concat(
        [pd.DataFrame({"unique_id": id, "ds": days, "y": v, "x": n % 3}) for id, v in (("a", a), ("b", b))]
    )
    options = {"horizon": 2, "n_windows": 5, "window": 5, "refit": refit}
    model = {"m": ARForecaster(lags=1, pooled=True, horizon=2) if has_covariates else NaiveForecaster()}
    if has_covariates:
        options["fit_options"] = {"future": ["x"]}
    else:
        table = table.drop(columns="x")
    message = r"cutoff 2024-01-20: ValueError: series 'b' of y has no value among the 5 rows .*use window=11 or more"
    with pytest.raises(RuntimeError, match=message):
        backtest(model, table, **options)
    with pytest.warns(BacktestWarning, match=rf"^{2 if refit else 5} series of the backtest"):
        result = backtest(model, table, error="keep", **options)
    alone = backtest(model, table[table["unique_id"] == "a"], **options)
    first = result.loc[(result["unique_id"] == "a") & (result["cutoff"] < DAYS[23]), "m"]
    assert_array_equal(first, alone.loc[alone["cutoff"] < DAYS[23], "m"])
    cutoffs = result.loc[result["unique_id"] == "b", "cutoff"]
    assert set(cutoffs) == (set(DAYS[[23, 25, 27]]) if refit else set())
    longer = backtest(model, table, **options | {"window": 13, "n_windows": 4})
    assert set(longer["unique_id"]) == {"a", "b"}


# ---------------------------------------------------------------- wrong arguments
WRONG = {
    "horizon": ({"horizon": 0}, "horizon=0 must be at least 1"),
    "n_windows": ({"n_windows": 16}, "n_windows=16 is too many: with horizon=4 and step=4 .* pass n_windows=14"),
    "sliding n_windows": ({"n_windows": 9, "window": 30}, "horizon=4 and window=30 and step=4 .* pass n_windows=7"),
    "gap": ({"gap": 56}, "y has 60 steps, but horizon=4 and gap=56 leave no room for a row .* pass 1 more steps"),
    "negative gap": ({"gap": -1}, "gap=-1 must be at least 0"),
    "step": ({"step": 0}, "step=0 must be at least 1"),
    "window": ({"window": "sliding"}, "window='sliding' is not known; use one of 'expanding'"),
    "refit": ({"refit": 0}, "refit=0 must be at least 1"),
    "coverage": ({"coverage": 90}, "coverage=90 must be a number between 0 and 1"),
    "error": ({"error": "ignore"}, "error='ignore' is not known"),
    "n_jobs": ({"n_jobs": 0}, "n_jobs=0"),
    "no model": ({"models": []}, "is empty"),
    "equal names": (
        {"models": [NaiveForecaster(), NaiveForecaster()]},
        "'NaiveForecaster' more than once: pass a dict",
    ),
    "no predict": ({"models": {"it": object()}}, "'it' of models, .*has no method fit"),
    "no update": ({"models": Mean(), "refit": False}, "no method update.*pass refit=True"),
    "no interval": ({"models": Mean(), "coverage": 0.9}, "no method predict_interval.*leave coverage out"),
    "class": ({"models": NaiveForecaster}, r"has the class NaiveForecaster: pass an object of it"),
    "name": ({"models": {3: NaiveForecaster()}}, "has the name 3"),
    "taken": ({"models": {"cutoff": NaiveForecaster()}}, "the name 'cutoff'"),
    "bound": ({"models": {"m_lower_0.9": Mean(), "m": Mean()}}, "'m_lower_0.9', which reads as a bound"),
    "fit_options": ({"fit_options": ["id"]}, "fit_options=.* must be a dict"),
    "compress": ({"y": PANEL[["unique_id", "ds", "y"]], "fit_options": {"gaps": "compress"}}, "gaps='missing'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments(case):
    changed, message = WRONG[case]
    arguments = {"models": NaiveForecaster(), "y": SERIES, "horizon": 4, "n_windows": 2} | changed
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        backtest(arguments.pop("models"), arguments.pop("y"), **arguments)
    assert re.search(message, str(caught.value))


@pytest.mark.parametrize(("n_windows", "window"), [(14, "expanding"), (7, 30)])
def test_the_largest_number_of_windows_works(n_windows, window):
    result = backtest(Mean(), SERIES, horizon=4, n_windows=n_windows, window=window)
    assert len(result) == 4 * n_windows


class Misshapen(Mean):
    def predict(self, h):
        return np.zeros(h + 1)


class Late(Mean):
    def predict(self, h):
        return pd.Series(0.0, DAYS[-h:])


def test_wrong_answers():
    with pytest.raises(RuntimeError, match=r"the forecast has the shape \(5,\), but \(4,\) was expected"):
        backtest(Misshapen(), SERIES, horizon=4, n_windows=2)
    with pytest.raises(RuntimeError, match="but the steps after the cutoff are 2024-02-22 to 2024-02-25"):
        backtest(Late(), SERIES, horizon=4, n_windows=2)
    with pytest.raises(RuntimeError, match="of a panel it must be a long frame"):
        backtest(Mean2(), PANEL.drop(columns="price"), horizon=4, n_windows=2)


class Mean2(Mean):
    def fit(self, y):
        self.level_ = y["y"].mean()


def test_forecasts_that_are_not_finite_are_failures():
    class Broken:
        def fit(self, y):
            return self

        def predict(self, horizon):
            return np.full(horizon, np.nan)

    options = {"horizon": 3, "n_windows": 2}
    with pytest.raises(
        RuntimeError, match=r"'m' failed at the cutoff .*: ValueError: 3 of its 3 forecasts are not fin"
    ):
        backtest({"m": Broken()}, np.arange(20.0), **options)
    with pytest.warns(BacktestWarning):
        result = backtest({"m": Broken()}, np.arange(20.0), error="keep", **options)
    assert len(result.attrs["missing"]) == 2


@pytest.mark.parametrize("column", ["unique_id", "y"])
def test_a_column_called_cutoff_is_refused(column):
    frame = pd.DataFrame({"unique_id": "a", "ds": np.arange(20), "y": np.arange(20.0)})
    frame = frame.rename(columns={column: "cutoff"})
    options = {"fit_options": {"id" if column == "unique_id" else "target": "cutoff"}, "horizon": 2, "n_windows": 2}
    with pytest.raises(ValueError, match="a column of y has the name 'cutoff', but so has another"):
        backtest({"m": NaiveForecaster()}, frame, **options)


def test_only_the_times_have_another_name():
    frame = pd.DataFrame({"unique_id": "a", "day": np.arange(20), "y": np.arange(20.0)})
    names = {"fit_options": {"id": "unique_id", "time": "day"}, "horizon": 2, "n_windows": 1}
    assert backtest({"m": NaiveForecaster()}, frame, **names)["m"].tolist() == [17.0, 17.0]


# ---------------------------------------------------------------- ids of several columns
def as_parts(frame):
    """The ids as two columns, a text and a number, in the order of the ids."""
    parts = {"a": ("north", 1), "b": ("north", 2), "early": ("south", 1), "late": ("south", 2)}
    store, item = zip(*(parts[id] for id in frame["unique_id"]), strict=True)
    return pd.concat(
        [pd.DataFrame({"store": store, "item": item}, frame.index), frame.drop(columns="unique_id")], axis=1
    )


MANY = {"id": ["store", "item"]}


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("X", ["none", "columns", "table"])
def test_ids_of_several_columns(refit, X):
    y, options = PANEL[["unique_id", "ds", "y"]], {"horizon": 4, "n_windows": 3, "refit": refit, "coverage": 0.5}
    model = {"m": NaiveForecaster() if X == "none" else ARForecaster(lags=1, pooled=True, horizon=4)}
    covariates, future = None, {}
    if X == "columns":
        y, future = PANEL, {"future": ["price"]}
    if X == "table":
        covariates = PANEL.drop(columns="y")
    one = backtest(model, y, covariates, fit_options=future, **options)
    parted = None if covariates is None else as_parts(covariates)
    many = backtest(model, as_parts(y), parted, fit_options=MANY | future, **options)
    pd.testing.assert_frame_equal(many, as_parts(one))


@pytest.mark.parametrize("convert", [lambda table: table, polars.from_pandas], ids=["pandas", "polars"])
@pytest.mark.parametrize("by", ["model", "id", "cutoff", "step"])
def test_summary_of_ids_of_several_columns(by, convert):
    y = PANEL[["unique_id", "ds", "y"]]
    table = backtest({"m": NaiveForecaster()}, y, horizon=4, n_windows=3)
    options = {"metrics": ["mae", "mase", "owa"], "by": by, "season_length": 2}
    one = tsrnn.metrics.summarise(table, train=y, **options)
    given = [convert(as_parts(each)) for each in (table, y)]
    many = tsrnn.metrics.summarise(given[0], train=given[1], id=MANY["id"], **options)
    expected = as_parts(one) if by == "id" else one
    assert list(many.columns) == list(expected.columns)
    assert_array_equal(many.to_numpy(), expected.to_numpy())
    with pytest.raises(ValueError, match=r"more than once: .*drop_duplicates\(\['store', 'item', 'ds', 'cutoff'\]\)"):
        tsrnn.metrics.summarise(pd.concat([as_parts(table)] * 2), id=MANY["id"])


def test_forms_of_ids_of_several_parts():
    table, options = as_parts(PANEL[["unique_id", "ds", "y"]]), {"horizon": 4, "n_windows": 3}
    models = {"m": NaiveForecaster()}
    expected = backtest(models, table, fit_options=MANY, **options)
    levels = table.set_index(["store", "item", "ds"])["y"]
    pd.testing.assert_frame_equal(backtest(models, levels, **options), expected)
    without = levels.rename_axis([None, None, "ds"])
    found = backtest(models, without, **options)
    assert list(found.columns[:3]) == ["unique_id_0", "unique_id_1", "ds"]
    assert_array_equal(found["m"], expected["m"])
    series = {id: one.droplevel([0, 1]) for id, one in levels.groupby(level=[0, 1], sort=False)}
    assert_array_equal(backtest(models, series, **options)["m"], expected["m"])
    polars_table = backtest(models, polars.from_pandas(table), fit_options=MANY, **options)
    assert polars_table.columns == list(expected.columns)
    assert polars_table["m"].to_list() == expected["m"].tolist()


# ---------------------------------------------------------------- summaries with the data of the backtest as train
TRAINS = {
    "wide": (pd.DataFrame({"a": SERIES, "b": SERIES**2}), lambda y: {label: y[label] for label in y}),
    "columns without names": (np.column_stack([SERIES, SERIES**2]), lambda y: {c: pd.Series(y[:, c]) for c in (0, 1)}),
    "array": (SERIES.to_numpy(), pd.Series),
    "one column": (SERIES.to_numpy()[:, None], lambda y: {0: pd.Series(y[:, 0])}),
    "polars": (
        polars.DataFrame({"ds": SERIES.index, "a": SERIES.to_numpy(), "b": SERIES.to_numpy() ** 2}),
        lambda y: {label: pd.Series(y[label].to_numpy(), SERIES.index) for label in ("a", "b")},
    ),
}


@pytest.mark.parametrize("kind", TRAINS)
def test_the_data_of_a_backtest_scale_its_errors(kind):
    y, as_series = TRAINS[kind]
    table = backtest({"m": NaiveForecaster()}, y, horizon=4, n_windows=2)
    by = "id" if "unique_id" in table.columns else "cutoff"
    options = {"metrics": ["mase", "rmsse"], "by": by, "season_length": 2}
    found = tsrnn.metrics.summarise(table, train=y, **options)
    expected = tsrnn.metrics.summarise(table, train=as_series(y), **options)
    assert_array_equal(found.to_numpy(), expected.to_numpy())


def test_several_columns_as_train_of_one_series():
    table = backtest({"m": NaiveForecaster()}, SERIES, horizon=4, n_windows=1)
    wide = pd.DataFrame({"other": SERIES**2, "own": SERIES})
    with pytest.raises(ValueError, match=r"train has 2 columns, but frame has no ids.*pass the column of that one"):
        tsrnn.metrics.summarise(table, "mase", train=wide)
    pd.testing.assert_frame_equal(
        tsrnn.metrics.summarise(table, "mase", train=wide["own"]), tsrnn.metrics.summarise(table, "mase", train=SERIES)
    )
