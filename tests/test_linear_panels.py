"""The linear forecasters on panels: equal to each series alone, also in rows of any order; new series; errors."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from tsrnn import ARForecaster, LatentARForecaster
from tsrnn.exceptions import ConvergenceWarning, OrderSelectionWarning
from tsrnn.linear import statespace

#: First day and number of days of each series.
SPANS = {"b": (0, 60), "a": (10, 45), "c": (3, 80)}
H = 4


def make_frame(spans=SPANS, seed=0, covariates=()):
    """A long frame of autoregressions, each with a level and a scale of its own."""
    rng, parts = np.random.default_rng(seed), []
    for i, (name, (first, n)) in enumerate(spans.items()):
        known = rng.normal(size=(n, len(covariates)))
        y = rng.normal(size=n)
        for t in range(2, n):
            y[t] += 0.9 * y[t - 1] - 0.4 * y[t - 2]
        ds = pd.date_range("2024-01-01", periods=first + n)[first:]
        part = pd.DataFrame({"unique_id": name, "ds": ds, "y": 10.0**i * (y + i + known.sum(axis=1))})
        parts.append(part.assign(**dict(zip(covariates, known.T, strict=True))))
    return pd.concat(parts, ignore_index=True)


def with_missing(frame):
    """The frame with missing values, among them the last ones of series 'a'."""
    y = frame["y"].copy()
    y[np.random.default_rng(1).uniform(size=len(y)) < 0.05] = np.nan
    end = np.flatnonzero(frame["unique_id"] == "a")[-1]
    y.iloc[[end - 2, end]] = np.nan
    return frame.assign(y=y)


def series_of(frame, name):
    return frame[frame["unique_id"] == name].set_index("ds")["y"].asfreq("D")


def of(answer, name):
    """The numbers of one series in a long frame."""
    return answer[answer["unique_id"] == name].drop(columns=["unique_id", "ds"]).to_numpy()


def assert_models_equal(found, expected):
    assert found.lags == expected.lags
    for name in ("coefficients", "effects", "intercept", "slope", "sigma2", "deviation", "aic", "bic"):
        assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-9, atol=1e-9, err_msg=name)


MODELS = {
    "aic": {},
    "bic and trend": {"lags": "bic", "trend": "ct"},
    "number": {"lags": 3},
    "list": {"lags": [1, 7], "ridge": 2.0},
    "no lags": {"lags": 0},
}
every_model = pytest.mark.parametrize("options", MODELS.values(), ids=MODELS)


# ---------------------------------------------------------------- a model for each series
@every_model
@pytest.mark.parametrize("gaps", [False, True])
def test_as_each_series_alone(options, gaps):
    frame = with_missing(make_frame()) if gaps else make_frame()
    panel = ARForecaster(**options).fit(frame)
    assert list(panel.models_) == list(SPANS)
    assert len(panel.models_) == 3
    point, interval = panel.predict(H), panel.predict_interval(H, [0.5, 0.9])
    assert list(point["unique_id"].unique()) == list(SPANS)
    for name in SPANS:
        alone = ARForecaster(**options).fit(series_of(frame, name))
        assert_models_equal(panel.models_[name], alone.models_[0])
        expected = alone.predict(H)
        assert_allclose(of(point, name)[:, 0], expected, rtol=1e-9, atol=1e-9)
        assert_array_equal(point[point["unique_id"] == name]["ds"], expected.index)
        assert_allclose(of(interval, name), alone.predict_interval(H, [0.5, 0.9]), rtol=1e-9, atol=1e-9)
        quantiles = of(panel.predict_quantiles(H, ids=name), name)
        assert_allclose(quantiles, alone.predict_quantiles(H), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("pooled", [False, True])
def test_paths_have_the_distribution_of_the_intervals(gaps, pooled):
    frame = with_missing(make_frame()) if gaps else make_frame()
    fitted = ARForecaster(lags=3, pooled=pooled).fit(frame)
    paths = fitted.sample(H, 20_000, random_state=0)
    again = fitted.sample(H, 20_000, random_state=0, ids=["c"])
    assert_array_equal(of(again, "c"), of(paths, "c"))  # a seed for each id
    quantiles = fitted.predict_quantiles(H, [0.1, 0.5, 0.9])
    for i, name in enumerate(SPANS):
        assert_allclose(
            np.quantile(of(paths, name), [0.1, 0.5, 0.9], axis=1).T, of(quantiles, name), atol=0.06 * 10.0**i
        )


@every_model
@pytest.mark.parametrize("gaps", [False, True])
def test_panel_of_one(options, gaps):
    frame = make_frame()
    frame = (with_missing(frame) if gaps else frame).query("unique_id == 'a'")
    panel, alone = ARForecaster(**options).fit(frame), ARForecaster(**options).fit(series_of(frame, "a"))
    for method, more in (("predict", {}), ("predict_interval", {}), ("sample", {"random_state": 3, "n_paths": 5})):
        found, expected = (np.asarray(getattr(f, method)(H, **more)) for f in (panel, alone))
        assert_allclose(found[:, 2:].astype(float).reshape(expected.shape), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("pooled", [False, True])
def test_order_of_rows_changes_no_bit(pooled):
    frame = make_frame()
    shuffled = frame.sample(frac=1, random_state=0)
    one, other = (ARForecaster(pooled=pooled).fit(rows).predict(H) for rows in (frame, shuffled))
    assert list(other["unique_id"].unique()) == list(shuffled["unique_id"].unique())
    for name in SPANS:
        assert_array_equal(of(one, name), of(other, name))


@pytest.mark.parametrize("pooled", [False, True])
def test_ids_choose_series_in_their_order(pooled):
    fitted = ARForecaster(lags=2, pooled=pooled).fit(make_frame())
    every, some = fitted.predict(H), fitted.predict(H, ids=["c", "b"])
    assert list(some["unique_id"].unique()) == ["c", "b"]
    for name in ("b", "c"):
        assert_array_equal(of(some, name), of(every, name))


@pytest.mark.parametrize("pooled", [False, True])
def test_covariates_known_ahead(pooled):
    frame = make_frame(covariates=["u", "v"])
    ahead = make_frame({k: (first + n, H) for k, (first, n) in SPANS.items()}, seed=5, covariates=["u", "v"])
    ahead = ahead.drop(columns="y")
    fitted = ARForecaster(lags=2, pooled=pooled).fit(frame, future=["u", "v"])
    point, other = fitted.predict(ahead), fitted.predict(ahead.assign(u=ahead["u"] + 1.0))
    for i, name in enumerate(SPANS):
        effect = fitted.models_[name].effects[0]
        assert_allclose(effect, 10.0**i, rtol=0.3)  # the truth is 1 in units of the scale
        assert_allclose(of(other, name)[0] - of(point, name)[0], effect, rtol=1e-6)
        if not pooled:
            rows, steps = (part[part["unique_id"] == name].set_index("ds")[["u", "v"]] for part in (frame, ahead))
            alone = ARForecaster(lags=2).fit(rows.asfreq("D"), series_of(frame, name))
            assert_allclose(of(point, name)[:, 0], alone.predict(steps), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("trend", ["c", "ct"])
@pytest.mark.parametrize("pooled", [False, True])
def test_update_goes_on_with_the_same_models(pooled, trend):
    frame = make_frame()
    is_new = frame.groupby("unique_id").cumcount(ascending=False) < 5
    fitted = ARForecaster(lags=2, trend=trend, pooled=pooled).fit(frame[~is_new])
    assert np.isfinite(fitted.score(frame[is_new]))
    before = dict(fitted.models_)
    fitted.update(frame[is_new])
    point = fitted.predict(1)
    for name, (_, n) in SPANS.items():
        model = before[name]
        last = series_of(frame, name).to_numpy()[[-1, -2]]
        expected = model.intercept + model.slope * (n + 1) + model.coefficients @ last
        assert_allclose(of(point, name), [[expected]])


def test_context_continues_with_the_model_of_its_series():
    frame = make_frame()
    fitted = ARForecaster(lags=2).fit(frame)
    context = frame[frame["unique_id"] == "a"].iloc[:20]
    model, last = fitted.models_["a"], context["y"].to_numpy()[[-1, -2]]
    point = fitted.predict(1, context=context)
    assert_allclose(point["y"], model.intercept + model.coefficients @ last)


@pytest.mark.parametrize("pooled", [False, True])
def test_pickle_and_clone(pooled):
    fitted = ARForecaster(lags=2, pooled=pooled).fit(make_frame())
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(H)["y"], fitted.predict(H)["y"])
    assert clone(fitted).get_params() == fitted.get_params()


# ---------------------------------------------------------------- one model for all series
def standardised(frame):
    return frame.assign(y=frame.groupby("unique_id")["y"].transform(lambda y: (y - y.mean()) / y.std(ddof=0)))


def test_pooled_by_its_definition():
    """Least squares over the rows of all standardised series."""
    frame = make_frame()
    rows = [series_of(standardised(frame), name).to_numpy() for name in SPANS]
    x = np.vstack([np.column_stack([np.ones(len(y) - 2), y[1:-1], y[:-2]]) for y in rows])
    target = np.concatenate([y[2:] for y in rows])
    expected = np.linalg.lstsq(x, target, rcond=None)[0]
    fitted = ARForecaster(lags=2, pooled=True).fit(frame)
    assert_allclose(np.r_[fitted.pooled_model_.intercept, fitted.pooled_model_.coefficients], expected)
    point = fitted.predict(1)
    for name, y in zip(SPANS, rows, strict=True):
        own = series_of(frame, name)
        step = expected @ [1.0, y[-1], y[-2]]
        assert_allclose(of(point, name), [[own.mean() + own.std(ddof=0) * step]])
        assert_allclose(fitted.models_[name].coefficients, expected[1:])


@pytest.mark.parametrize("lags", ["aic", 3])
def test_pooled_model_of_one_series_is_its_own(lags):
    y = series_of(make_frame(), "c")
    pooled, own = ARForecaster(lags=lags, pooled=True).fit(y), ARForecaster(lags=lags).fit(y)
    assert pooled.models_[0].lags == own.models_[0].lags
    assert_allclose(pooled.predict_interval(H), own.predict_interval(H), rtol=1e-9)
    assert own.pooled_model_ is None


def test_columns_of_a_wide_array_share_the_model_of_the_panel():
    spans = {"b": (0, 60), "a": (0, 60), "c": (0, 60)}
    frame = make_frame(spans)
    wide = frame.pivot(index="ds", columns="unique_id", values="y").asfreq("D")[list(spans)]
    one, other = (ARForecaster(pooled=True, trend="ct").fit(data) for data in (wide, frame))
    assert len({model.lags for model in one.models_}) == 1
    for c, name in enumerate(spans):
        assert_models_equal(one.models_[c], other.models_[name])
        assert_allclose(one.predict(H)[name], of(other.predict(H), name)[:, 0])


def test_pooled_forecasts_of_new_series():
    """In context= and in an update they have their own mean and deviation, also if they are short."""
    frame, new = make_frame(), make_frame({"x": (5, 30), "y": (5, 3)}, seed=7)
    fitted = ARForecaster(lags=5, pooled=True).fit(frame)
    given = fitted.predict_interval(H, context=new)
    updated = fitted.update(new).predict_interval(H)
    own, model = series_of(new, "x"), fitted.pooled_model_
    scaled = ((own - own.mean()) / own.std(ddof=0)).to_numpy()
    step = own.mean() + own.std(ddof=0) * (model.intercept + model.coefficients @ scaled[:-6:-1])
    assert_allclose(fitted.predict(1, ids="x")["y"], step)
    for name in ("x", "y"):
        assert_array_equal(of(given, name), of(updated, name))
    short = series_of(new, "y")
    wide = of(given, "y")
    assert (wide[:, 0] < short.max()).all()
    assert (wide[:, 1] > short.min()).all()
    assert list(fitted.predict(1)["unique_id"]) == ["b", "a", "c", "x", "y"]
    assert np.isfinite(fitted.sample(H, 3, random_state=0).iloc[:, 2:]).all(axis=None)


def test_pooled_fit_with_series_shorter_than_the_lags():
    frame = make_frame(SPANS | {"short": (0, 3)})
    fitted = ARForecaster(lags=[1, 7], pooled=True).fit(frame)
    y, model = series_of(frame, "short"), fitted.models_["short"]
    expected = model.intercept + model.coefficients @ [y.iloc[-1], y.mean()]
    assert_allclose(fitted.predict(1, ids="short")["y"], expected)
    spread = np.sqrt(model.variance + (model.coefficients[1] * y.std(ddof=0)) ** 2)
    interval = fitted.predict_interval(1, 0.6826894921370859, ids="short")
    assert_allclose(of(interval, "short"), [[expected - spread, expected + spread]])


# ---------------------------------------------------------------- errors and warnings
def test_short_series_are_listed_by_id():
    frame = make_frame(SPANS | {"z": (0, 6), "q": (0, 2)})
    with pytest.raises(ValueError, match=r"series 'z' of y, series 'q' of y \(2 of 5 series\) have too few") as error:
        ARForecaster(lags=5).fit(frame)
    assert "needs at least 6 with all lags observed, as 11 in a row have, not 0 to 1" in str(error.value)
    for mended in (
        ARForecaster(lags=5, pooled=True).fit(frame),
        ARForecaster(lags=5).fit(frame[~frame["unique_id"].isin(["z", "q"])]),
        ARForecaster(lags=0).fit(frame),
    ):
        assert np.isfinite(mended.predict(H)["y"]).all()
    many = make_frame({f"s{i:02d}": (0, 4) for i in range(14)})
    with pytest.raises(ValueError, match=r"series 's09' of y and 4 more \(14 of 14 series\)"):
        ARForecaster(lags=10**9).fit(many)
    two = many[many["unique_id"] < "s02"]
    with pytest.raises(
        ValueError, match=r"all 2 series together have 2 rows with all .*, but lags=3 .* at least 4; pass"
    ):
        ARForecaster(lags=3, pooled=True).fit(two)
    assert len(ARForecaster(lags=1, pooled=True).fit(two).predict(1)) == 2


def test_a_criterion_without_rows_warns_once():
    frame = make_frame(SPANS | {"z": (0, 4), "q": (0, 3)})
    with pytest.warns(OrderSelectionWarning, match="series 'z' of y, series 'q' of y have at most 4 obs") as found:
        fitted = ARForecaster().fit(frame)
    assert len(found) == 1
    assert_allclose(of(fitted.predict(2), "z"), series_of(frame, "z").mean())
    with pytest.warns(OrderSelectionWarning, match="together 7 observations"):
        ARForecaster(pooled=True).fit(frame[frame["unique_id"].isin(["z", "q"])])


def test_new_series_without_a_model():
    frame, new = make_frame(), make_frame({"x": (5, 30)})
    fitted = ARForecaster(lags=2).fit(frame)
    before = fitted.predict(H)
    message = "series 'x' of {} was not in the fit, .* a model of its own; use ARForecaster.pooled=True"
    with pytest.raises(ValueError, match=message.format("context")):
        fitted.predict(H, context=new)
    with pytest.raises(ValueError, match=message.format("y")):
        fitted.update(new)
    pd.testing.assert_frame_equal(fitted.predict(H), before)
    mended = ARForecaster(lags=2, pooled=True).fit(frame)
    assert len(mended.predict(H, context=new)) == H


def test_contexts_that_cannot_be_continued():
    frame = make_frame()
    fitted = ARForecaster(lags=[1, 30]).fit(frame)
    head = frame.groupby("unique_id").head(29)
    with pytest.raises(ValueError, match=r"series 'b' of context, series 'a' of context, .* have fewer .* model, 30"):
        fitted.predict(context=head)
    assert len(fitted.predict(2, context=frame.groupby("unique_id").head(30))) == 6
    for pooled in (False, True):
        trending = ARForecaster(lags=1, trend="ct", pooled=pooled).fit(frame)
        with pytest.raises(ValueError, match="context= cannot go with trend='ct'"):
            trending.predict(context=frame)


def test_unknown_spread_names_the_series():
    frame = make_frame({"a": (0, 5), "b": (0, 40)})
    fitted = ARForecaster(lags=2).fit(frame)
    assert np.isfinite(fitted.predict(H)["y"]).all()
    for method in ("predict_interval", "sample"):
        with pytest.raises(ValueError, match=re.escape("series 'a' of y was fitted with as many coefficients as rows")):
            getattr(fitted, method)(H)
    assert np.isfinite(of(fitted.predict_interval(H, ids="b"), "b")).all()


def test_what_a_linear_model_has_no_use_for():
    frame = make_frame(covariates=["u"])
    with pytest.raises(ValueError, match="ARForecaster has no use for covariates of the past"):
        ARForecaster().fit(frame, past=["u"])
    with pytest.raises(TypeError, match="pooled=1 must be True or False"):
        ARForecaster(pooled=1).fit(frame[["unique_id", "ds", "y"]])


# ---------------------------------------------------------------- latent autoregression
LATENT = {"n_states": 2, "tol": 1e-2}
ATTRIBUTES = ("n_states_", "loglike_", "aic_", "bic_", "loglike_curve_", "converged_", "smoothed_states_")


@pytest.mark.parametrize("options", [LATENT, {"n_states": "bic", "tol": 1e-1}], ids=["states", "bic"])
@pytest.mark.parametrize("gaps", [False, True])
def test_latent_models_as_alone_bit_for_bit(options, gaps):
    frame = with_missing(make_frame()) if gaps else make_frame()
    panel = LatentARForecaster(**options).fit(frame)
    point, interval = panel.predict(H), panel.predict_interval(H)
    assert list(panel.model_) == list(SPANS)
    for name in SPANS:
        alone = LatentARForecaster(**options).fit(series_of(frame, name))
        for attribute in ATTRIBUTES:
            assert_array_equal(getattr(panel, attribute)[name], getattr(alone, attribute), err_msg=attribute)
        assert_array_equal(of(point, name)[:, 0], alone.predict(H))
        assert_array_equal(of(interval, name), alone.predict_interval(H))
        one = LatentARForecaster(**options).fit(frame[frame["unique_id"] == name])
        found, expected = one.sample(H, 3, random_state=0), alone.sample(H, 3, random_state=0)
        assert_array_equal(of(found, name), expected)


def test_latent_fit_is_equal_for_any_number_of_jobs():
    frame = make_frame()
    one, two = (LatentARForecaster(n_jobs=n, **LATENT).fit(frame) for n in (None, 2))
    for name in SPANS:
        for attribute in ATTRIBUTES:
            assert_array_equal(getattr(one, attribute)[name], getattr(two, attribute)[name], err_msg=attribute)
    assert_array_equal(one.predict(H)["y"], two.predict(H)["y"])
    for value, error in ((0, ValueError), (1.5, TypeError), ("all", TypeError), (True, TypeError)):
        with pytest.raises(error, match=f"n_jobs={value!r}"):
            LatentARForecaster(n_jobs=value).fit(frame)


def test_latent_order_of_rows_ids_and_paths():
    frame = make_frame()
    fitted = LatentARForecaster(**LATENT).fit(frame)
    other = LatentARForecaster(**LATENT).fit(frame.sample(frac=1, random_state=0))
    some = fitted.predict(H, ids=["c", "b"])
    assert list(some["unique_id"].unique()) == ["c", "b"]
    for name in ("b", "c"):
        assert_array_equal(of(some, name), of(other.predict(H), name))
    paths, interval = fitted.sample(H, 20_000, random_state=0), fitted.predict_interval(H, 0.8)
    for i, name in enumerate(SPANS):
        found = np.quantile(of(paths, name), [0.1, 0.9], axis=1).T
        assert_allclose(found, of(interval, name), atol=0.06 * 10.0**i)


def test_latent_update_and_context():
    frame = make_frame()
    is_new = frame.groupby("unique_id").cumcount(ascending=False) < 5
    fitted = LatentARForecaster(**LATENT).fit(frame[~is_new])
    given = fitted.predict(H, context=frame)
    pd.testing.assert_frame_equal(fitted.update(frame[is_new]).predict(H), given)
    new = make_frame({"x": (5, 30)})
    with pytest.raises(ValueError, match=r"'x' of context was not in the fit, .* fit to it too, or use ARForecaster\("):
        fitted.predict(context=new)
    with pytest.raises(ValueError, match="'x' of y was not in the fit"):
        fitted.update(new)
    pd.testing.assert_frame_equal(fitted.predict(H), given)


def test_latent_covariates_known_ahead():
    frame = make_frame(covariates=["u"])
    ahead = make_frame({k: (first + n, H) for k, (first, n) in SPANS.items()}, seed=5, covariates=["u"])
    point = LatentARForecaster(**LATENT).fit(frame, future=["u"]).predict(ahead.drop(columns="y"))
    for name in SPANS:
        rows, steps = (part[part["unique_id"] == name].set_index("ds")[["u"]].asfreq("D") for part in (frame, ahead))
        alone = LatentARForecaster(**LATENT).fit(rows, series_of(frame, name))
        assert_array_equal(of(point, name)[:, 0], alone.predict(steps))


def test_latent_errors_and_warnings_name_the_series(monkeypatch):
    frame = make_frame(SPANS | {"z": (0, 6)})
    with pytest.raises(ValueError, match="n_states=2 has 9 parameters, but series 'z' of y has 6 observations"):
        LatentARForecaster(**LATENT).fit(frame)
    two = make_frame(SPANS | {"z": (0, 6), "q": (0, 4)})
    with pytest.raises(ValueError, match=r"series 'z' of y, series 'q' of y \(2 of 5 series\) have too few .* 9 param"):
        LatentARForecaster(**LATENT).fit(two)
    assert len(ARForecaster(pooled=True).fit(two).predict(1)) == 5
    with pytest.warns(
        ConvergenceWarning, match=r"^series 'b' of y: EM .* \(3 of 3 series .* also series 'a' of y, s"
    ) as w:
        LatentARForecaster(n_states=2, tol=0.0, max_iter=2).fit(make_frame())
    assert len(w) == 1
    assert w[0].filename == __file__
    fit = statespace.fit

    def explode(values, *options):
        if len(values) == SPANS["a"][1]:
            raise FloatingPointError("the likelihood is not finite")
        return fit(values, *options)

    monkeypatch.setattr(statespace, "fit", explode)
    with pytest.raises(FloatingPointError, match="series 'a' of y: the likelihood is not finite"):
        LatentARForecaster(**LATENT).fit(make_frame())


def test_forecasts_of_a_series_do_not_depend_on_the_others_that_are_asked_for():
    frame = make_frame()
    fitted = ARForecaster(lags=7).fit(frame)
    together = fitted.predict(12)
    for label in frame["unique_id"].unique():
        alone = fitted.predict(12, ids=[label])["y"]
        assert (alone.to_numpy() == together["y"][together["unique_id"] == label].to_numpy()).all()
