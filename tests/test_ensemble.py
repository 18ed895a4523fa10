"""EnsembleForecaster: combinations by hand, panels, updates, members that fail, parameters, bad input."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from tsrnn import (
    ARForecaster,
    ConformalForecaster,
    DriftForecaster,
    EarlyStopping,
    EnsembleForecaster,
    LatentARForecaster,
    NaiveForecaster,
    SeasonalNaiveForecaster,
    ThetaForecaster,
    backtest,
    make_future,
)
from tsrnn.exceptions import MemberWarning
from tsrnn.forecasting.pooling import Pool

from .forecasters import lstm, months, wave

H = 4
WEIGHTS = [0.5, 2, 1]


def members():
    return {
        "ar": ARForecaster(lags=3, horizon=H),
        "seasonal": SeasonalNaiveForecaster(season_lengths=12, horizon=H),
        "theta": ThetaForecaster(season_lengths=12, horizon=H),
    }


def fitted_members(*data, **options):
    return [member.fit(*data, **options) for member in members().values()]


def by_hand(values, combine, weights=None):
    """Combine arrays of all members by a loop over all numbers."""
    stacked = np.stack([np.asarray(each, float) for each in values])
    result = np.empty(stacked.shape[1:])
    for place in np.ndindex(result.shape):
        of_members = stacked[(slice(None), *place)]
        if combine == "median":
            result[place] = sorted(of_members)[len(of_members) // 2]
        else:
            w = np.ones(len(of_members)) if weights is None else np.asarray(weights, float)
            result[place] = sum(of_members * w) / sum(w)
    return result


def panel():
    frames = []
    for k, (id, n) in enumerate({"b": 60, "a": 45}.items()):
        days = pd.date_range("2024-01-01", periods=n)
        frames.append(pd.DataFrame({"unique_id": id, "ds": days, "y": (1 + 9 * k) * wave(n, seed=k)}))
    return pd.concat(frames, ignore_index=True)


WAYS = {"mean": ("mean", None), "weighted": ("mean", WEIGHTS), "median": ("median", None)}
every_way = pytest.mark.parametrize(("combine", "weights"), WAYS.values(), ids=WAYS)


# ---------------------------------------------------------------- combinations by hand
@every_way
def test_points_and_quantiles_are_those_of_the_members_combined(combine, weights):
    y = months(wave(), name="sales")
    ensemble, alone = EnsembleForecaster(members(), combine=combine, weights=weights).fit(y), fitted_members(y)
    forecast = ensemble.predict()
    assert_array_equal(forecast, by_hand([m.predict() for m in alone], combine, weights))
    assert forecast.index.equals(alone[0].predict().index)
    assert forecast.name == "sales"
    levels = [0.05, 0.5, 0.9]
    quantiles = ensemble.predict_quantiles(6, levels)
    assert_array_equal(quantiles, by_hand([m.predict_quantiles(6, levels) for m in alone], combine, weights))
    interval = ensemble.predict_interval(6, 0.8)
    assert_array_equal(interval, by_hand([m.predict_interval(6, 0.8) for m in alone], combine, weights))
    assert_allclose(interval, ensemble.predict_quantiles(6, [0.1, 0.9]), rtol=1e-13)
    if combine == "mean":
        assert_allclose(ensemble.predict_quantiles(6, 0.5), ensemble.predict(6))  # normal members: medians are means


def test_the_mean_of_quantiles_has_the_spread_of_the_members_and_paths_that_of_the_mixture():
    """Two random walks from -1 and 1 apart: averaged quantiles have their deviation, the mixture a larger one."""
    rng = np.random.default_rng(0)
    y = np.cumsum(rng.normal(size=4000))
    y = np.r_[y, y[-1] + 30.0]  # the last value one season ago is far from the last value
    pair = [NaiveForecaster(horizon=1), SeasonalNaiveForecaster(season_lengths=2, horizon=1)]
    ensemble = EnsembleForecaster(pair).fit(y)
    low, high = (float(np.diff(member.fit(y).predict_interval(1, 0.9))[0, 0]) for member in pair)
    assert_allclose(np.diff(ensemble.predict_interval(1, 0.9))[0, 0], (low + high) / 2)
    paths = ensemble.sample(1, 2000, random_state=0)
    assert np.diff(np.quantile(paths, [0.05, 0.95])) > 2 * max(low, high)
    assert abs(paths.mean() - ensemble.predict(1)[0]) < 0.2  # the mean is the same


def test_sample_paths_are_those_of_the_members_in_turn():
    y = wave()
    ensemble, alone = EnsembleForecaster(members(), weights=WEIGHTS).fit(y), fitted_members(y)
    rng = np.random.RandomState(3)
    expected = [m.sample(5, n, random_state=rng) for m, n in zip(alone, [1, 6, 3], strict=True)]
    assert_array_equal(ensemble.sample(5, 10, random_state=3), np.concatenate(expected, axis=-1))
    sums = ensemble.sample(5, 200, random_state=3).sum(axis=0)
    assert_allclose(ensemble.predict_total(5, 0.8, n_paths=200, random_state=3), np.quantile(sums, [0.1, 0.5, 0.9]))


@pytest.mark.parametrize(
    ("weights", "n", "expected"),
    [
        ([1, 1, 1], 10, [4, 3, 3]),  # equal remainders: the first one
        ([1, 1, 1], 2, [1, 1, 0]),
        ([5, 3, 2], 10, [5, 3, 2]),
        ([0.1, 0.2, 0.7], 10, [1, 2, 7]),
        ([2, 1], 4, [3, 1]),  # quotas 2.67 and 1.33
        ([1e-9, 1], 1, [0, 1]),
    ],
)
def test_number_of_paths_by_largest_remainders(weights, n, expected):
    assert Pool("mean", np.array(weights, float)).n_paths(n).tolist() == expected


def test_the_first_paths_of_a_panel_are_those_of_the_first_member():
    table = panel()
    pair = [NaiveForecaster(horizon=2), DriftForecaster(horizon=2)]
    paths = EnsembleForecaster(pair, weights=[2, 1]).fit(table).sample(2, 6, random_state=0)
    own = pair[0].fit(table).sample(2, 4, random_state=0)
    assert_array_equal(paths.iloc[:, :6], own.iloc[:, :6])
    alone = EnsembleForecaster(pair).fit(table).sample(2, 6, ids=["a"], random_state=0)
    assert_array_equal(alone.iloc[:, 2:], EnsembleForecaster(pair).fit(table).sample(2, 6, random_state=0).iloc[2:, 2:])


def test_lower_bound_of_all_forecasts():
    y = np.r_[np.arange(20.0, 0, -1), 0.5]
    pair = [NaiveForecaster(horizon=3), DriftForecaster(horizon=3)]
    free, bounded = EnsembleForecaster(pair).fit(y), EnsembleForecaster(pair, lower=0).fit(y)
    assert free.predict().min() < 0
    assert_array_equal(bounded.predict(), np.maximum(free.predict(), 0))
    assert_array_equal(bounded.predict_interval(), np.maximum(free.predict_interval(), 0))
    assert_array_equal(bounded.sample(random_state=0), np.maximum(free.sample(random_state=0), 0))


def test_a_member_of_weight_0_has_no_part():
    y = wave()
    pair = [NaiveForecaster(horizon=H), ConformalForecaster(DriftForecaster(horizon=H))]
    ensemble = EnsembleForecaster(pair, weights=[2, 0]).fit(y)
    assert_array_equal(ensemble.predict_quantiles(), NaiveForecaster(horizon=H).fit(y).predict_quantiles())
    assert_array_equal(ensemble.sample(random_state=0), NaiveForecaster(horizon=H).fit(y).sample(random_state=0))
    assert list(ensemble.named_members_) == ["NaiveForecaster", "ConformalForecaster"]


# ---------------------------------------------------------------- kinds of targets
@every_way
def test_panels(combine, weights):
    table = panel()
    ensemble, alone = EnsembleForecaster(members(), combine=combine, weights=weights).fit(table), fitted_members(table)
    forecast, parts = ensemble.predict(), [m.predict() for m in alone]
    assert forecast.columns.tolist() == ["unique_id", "ds", "y"]
    assert_array_equal(forecast.iloc[:, :2], parts[0].iloc[:, :2])
    assert_array_equal(forecast["y"], by_hand([part["y"] for part in parts], combine, weights))
    interval, parts = ensemble.predict_interval(ids=["a"]), [m.predict_interval(ids=["a"]) for m in alone]
    assert_array_equal(interval.iloc[:, 2:], by_hand([part.iloc[:, 2:] for part in parts], combine, weights))


def test_other_kinds_of_targets():
    pl = pytest.importorskip("polars")
    table = panel()
    expected = EnsembleForecaster(members()).fit(table).predict()
    of_polars = EnsembleForecaster(members()).fit(pl.DataFrame(table)).predict()
    assert isinstance(of_polars, pl.DataFrame)
    assert_array_equal(of_polars["y"].to_numpy(), expected["y"])
    series = {id: rows.set_index("ds")["y"] for id, rows in table.groupby("unique_id", sort=False)}
    assert_array_equal(EnsembleForecaster(members()).fit(series).predict()["a"], expected["y"][H:])
    wide = np.column_stack([wave(seed=1), wave(seed=2)])
    ensemble = EnsembleForecaster(members()).fit(wide)
    assert_array_equal(ensemble.predict(3), by_hand([m.predict(3) for m in fitted_members(wide)], "mean"))
    assert ensemble.predict_interval(3).shape == (3, 2, 2)


def test_columns_as_series_of_their_own_where_a_member_reads_them_so():
    wide = np.column_stack([wave(seed=1), 5 * wave(seed=2)])
    network, naive = lstm(multivariate="independent"), NaiveForecaster(horizon=4)
    ensemble = EnsembleForecaster({"net": network, "naive": naive}).fit(wide)
    for options in ({}, {"context": wide[:30]}):
        parts = network.fit(wide).predict(**options), naive.fit(wide).predict(**options)
        assert_array_equal(ensemble.predict(**options), by_hand(parts, "mean"))
    later = wide[:3] + 1
    parts = network.update(later).predict(), naive.update(later).predict()
    assert_array_equal(ensemble.update(later).predict(), by_hand(parts, "mean"))
    ensemble.set_params(naive=LatentARForecaster(n_states=1, horizon=4))
    with pytest.raises(ValueError, match=r"member 'net' reads each column.*member 'naive' reads all together"):
        ensemble.fit(wide)


def test_skipped_series_and_gaps():
    table = pd.concat([panel(), pd.DataFrame({"unique_id": ["c"], "ds": [pd.Timestamp("2024-01-05")], "y": [1.0]})])
    table = table[(table["unique_id"] != "b") | (table["ds"] != "2024-01-20")]
    ensemble = EnsembleForecaster({"naive": NaiveForecaster(), "conformal": ConformalForecaster(NaiveForecaster())})
    ensemble.fit(table, short="skip", gaps="missing")
    assert ensemble.skipped_ == ("c",)
    assert set(ensemble.predict(1)["unique_id"]) == {"a", "b"}
    later = pd.DataFrame({"unique_id": "b", "ds": pd.to_datetime(["2024-03-01", "2024-03-04"]), "y": [7.0, 8.0]})
    assert ensemble.update(later).predict(1, ids=["b"])["y"].tolist() == [8.0]  # later rows are read as in the fit


def test_covariates():
    y = months(wave())
    X = pd.DataFrame({"x": np.cos(np.arange(90.0))}, y.index)
    pair = {"one": ARForecaster(lags=2, horizon=3), "two": ARForecaster(lags=5, horizon=3)}
    ensemble = EnsembleForecaster(pair).fit(X[:-3], y[:-3])
    assert ensemble.feature_names_in_.tolist() == ["x"]
    assert make_future(ensemble).columns.tolist() == ["x"]
    parts = [member.fit(X[:-3], y[:-3]).predict(X[-3:]) for member in pair.values()]
    assert_array_equal(ensemble.predict(X[-3:]), by_hand(parts, "mean"))
    context = [member.predict(X[20:63], context=y[20:60]) for member in (ensemble, *pair.values())]
    assert_array_equal(context[0], by_hand(context[1:], "mean"))
    with pytest.raises(ValueError, match="member 'naive': NaiveForecaster has no use for the covariates 'x'"):
        ensemble.set_params(members={**pair, "naive": NaiveForecaster(horizon=3)}).fit(X[:-3], y[:-3])
    with pytest.warns(MemberWarning, match="1 of 3 members could not be fitted.*'naive': ValueError: Naive"):
        ensemble.set_params(error="keep").fit(X[:-3], y[:-3])
    assert_array_equal(ensemble.predict(X[-3:]), by_hand(parts, "mean"))


# ---------------------------------------------------------------- other series, updates
@pytest.mark.parametrize("data", ["series", "panel"])
def test_context(data):
    """Theta fits its own model to a context, also where its id was in the fit."""
    y, context = (months(wave()), months(3 + wave(40, seed=5))) if data == "series" else (panel(), panel()[:50])
    trio = [NaiveForecaster(horizon=H), ThetaForecaster(horizon=H), lstm()]
    ensemble = EnsembleForecaster(trio).fit(y)
    forecast, parts = ensemble.predict(context=context), [m.fit(y).predict(context=context) for m in trio]
    values = [part if data == "series" else part["y"] for part in (forecast, *parts)]
    assert_array_equal(values[0], by_hand(values[1:], "mean"))
    assert ensemble.predict_interval(2, 0.5, context=context).shape[0] == 2


def test_a_context_that_a_member_cannot_continue():
    ensemble = EnsembleForecaster({"naive": NaiveForecaster(), "trend": ARForecaster(lags=1, trend="ct")}).fit(wave())
    with pytest.raises(ValueError, match="member 'trend': context= cannot go with trend='ct'"):
        ensemble.predict(context=wave(30))
    new = pd.DataFrame({"unique_id": "new", "ds": pd.date_range("2024-01-01", periods=5), "y": 1.0})
    ensemble = EnsembleForecaster(members()).fit(panel())
    for call in (ensemble.update, lambda rows: ensemble.predict(context=rows)):
        with pytest.raises(ValueError, match=r"member 'ar': series 'new' .*was not in the fit"):
            call(new)
    assert len(ensemble.predict()) == 2 * H  # the update that failed changed nothing


@pytest.mark.parametrize("data", ["series", "panel"])
def test_update_is_that_of_the_members(data):
    trio = {**members(), "conformal": ConformalForecaster(NaiveForecaster(horizon=H), method="aci")}
    if data == "series":
        y = months(wave())
        first, later = y[:-5], y[-5:]
    else:
        y = panel()
        is_later = y["ds"] >= "2024-02-11"
        first, later = y[~is_later], y[is_later]
    ensemble = EnsembleForecaster(trio).fit(first)
    before, inner = ensemble.predict(), ensemble.named_members_
    forecast = ensemble.update(later).predict()
    parts = [m.fit(first).update(later).predict() for m in trio.values()]
    values = [part if data == "series" else part["y"] for part in (before, forecast, *parts)]
    assert_array_equal(values[1], by_hand(values[2:], "mean"))
    assert (values[0].to_numpy() != values[1].to_numpy()).any()
    alone = trio["conformal"].predict_interval(2, 0.8)
    own = ensemble.named_members_["conformal"].predict_interval(2, 0.8)
    pd.testing.assert_frame_equal(own, alone)
    assert all(member.panel_ is ensemble.panel_ for member in ensemble.named_members_.values())
    assert inner["ar"].panel_ is not ensemble.panel_  # the earlier members are as they were


def test_score_and_season():
    y = wave()
    ensemble = EnsembleForecaster(members()).fit(y[:-H])
    assert ensemble.season_length_ == 12  # of the first member that names some; an array has none of its own
    error = np.abs(ensemble.predict() - y[-H:]).mean()
    assert_allclose(ensemble.score(y[-H:]), -error / np.abs(y[12:-H] - y[: -H - 12]).mean())


# ---------------------------------------------------------------- members that fail
def test_a_member_that_fails():
    y = wave(9)
    trio = {
        "naive": NaiveForecaster(horizon=2),
        "long": ARForecaster(lags=8, horizon=2),
        "drift": DriftForecaster(horizon=2),
    }
    with pytest.raises(ValueError, match="member 'long': the series has 9 observations"):
        EnsembleForecaster(trio).fit(y)
    ensemble = EnsembleForecaster(trio, error="keep", weights=[1, 5, 3])
    with pytest.warns(
        MemberWarning, match="1 of 3 members could not be fitted and are left out: 'long': ValueError: "
    ) as caught:
        ensemble.fit(y)
    assert caught[0].filename == __file__
    parts = [trio[name].fit(y).predict() for name in ("naive", "drift")]
    assert_array_equal(ensemble.predict(), by_hand(parts, "mean", [1, 3]))
    table = pd.DataFrame(ensemble.members_).set_index("name")
    assert table["weight"].tolist() == [1, 0, 3]
    assert table["forecaster"].notna().tolist() == [True, False, True]
    assert "8" in table["reason"]["long"]
    assert table["arguments"]["long"] == "ARForecaster(lags=8)"
    assert "the series has 9 observations" in str(ensemble)
    assert "left out because" in ensemble._repr_html_()
    assert (table["seconds"] >= 0).all()
    assert list(ensemble.update([1.0]).named_members_) == ["naive", "drift"]
    with pytest.raises(ValueError, match=r"no member .* could be fitted: 'long': ValueError"):
        EnsembleForecaster({"long": trio["long"]}, error="keep").fit(y)
    with pytest.raises(ValueError, match="no member of the ensemble with a weight"):
        EnsembleForecaster(trio, error="keep", weights=[0, 1, 0]).fit(y)


def test_a_member_whose_season_is_longer_than_the_series():
    pair = {"season": SeasonalNaiveForecaster(season_lengths=12), "naive": NaiveForecaster()}
    with pytest.raises(ValueError, match="member 'season': season_lengths=12 has 12, but the series has 8"):
        EnsembleForecaster(pair).fit(wave(8))
    with pytest.warns(MemberWarning, match="season_lengths=12"):
        ensemble = EnsembleForecaster(pair, error="keep").fit(wave(8))
    assert ensemble.season_length_ == 1
    assert len(ensemble.predict()) == 12
    with pytest.warns(MemberWarning, match="season_lengths=12"):  # of the inner ensemble
        outer = EnsembleForecaster({"inner": ensemble}).fit(wave(8))
    assert_array_equal(outer.predict(), ensemble.predict())


def test_series_too_short_for_some_members():
    """A member with differences needs rows before them; with error='keep' it does not decide what is skipped."""
    table = pd.concat(
        [panel(), pd.DataFrame({"unique_id": "c", "ds": pd.date_range("2024-01-01", periods=2), "y": [1.0, 2.0]})]
    )
    pair = {"naive": NaiveForecaster(horizon=4), "net": lstm(difference=1)}
    assert EnsembleForecaster(pair).fit(table, short="skip").skipped_ == ("c",)
    with pytest.raises(ValueError, match=r"series 'c' .*has fewer than 3 rows"):
        EnsembleForecaster(pair).fit(table)


def test_a_fit_that_fails_leaves_the_ensemble_as_it_was():
    ensemble = EnsembleForecaster({"ar": ARForecaster(lags=3)}).fit(wave())
    before = ensemble.predict(3)
    with pytest.raises(ValueError, match="member 'ar'"):
        ensemble.fit(wave(4))
    assert_array_equal(ensemble.predict(3), before)


def test_rows_that_only_validate():
    y, later = wave(60), wave(70)[60:]
    for refit, message in ((False, None), (True, "member 'net': EarlyStopping.*use refit_full=False")):
        network = lstm(early_stopping=EarlyStopping(validation=later, refit_full=refit))
        ensemble = EnsembleForecaster({"net": network, "naive": NaiveForecaster(horizon=4)})
        if message:
            with pytest.raises(ValueError, match=message):
                ensemble.fit(y)
        else:
            parts = network.fit(y).predict(), [y[-1]] * 4
            assert_array_equal(ensemble.fit(y).predict(), by_hand(parts, "mean"))


def test_members_without_quantiles():
    members = {"naive": NaiveForecaster(), "cp": ConformalForecaster(NaiveForecaster(), method="aci")}
    ensemble = EnsembleForecaster(members).fit(wave())
    assert len(ensemble.predict()) == 12
    calls = (ensemble.predict_interval, ensemble.predict_quantiles, ensemble.sample, ensemble.predict_total)
    for call in calls:
        with pytest.raises(ValueError, match=r"member 'cp': method='aci' .*fit with method='split'"):
            call(2)
    ensemble.set_params(cp__method="split").fit(wave())
    for call in calls:
        assert np.isfinite(call(2)).all()
    short = EnsembleForecaster({"naive": NaiveForecaster()}).fit([1.0, np.nan])
    with pytest.raises(ValueError, match="member 'naive': the series has too few values"):
        short.predict_interval(2)


def test_a_forecast_that_overflows_names_the_member():
    y = 3.0 ** np.arange(20)
    ensemble = EnsembleForecaster({"naive": NaiveForecaster(), "ar": ARForecaster(lags=1, trend="n")}).fit(y)
    with pytest.raises(FloatingPointError, match="member 'ar': the forecast overflows at step"):
        ensemble.predict(2000)


# ---------------------------------------------------------------- processes and seeds
@pytest.mark.parametrize("data", ["series", "panel"])
def test_the_number_of_processes_changes_nothing(data):
    y = months(wave()) if data == "series" else panel()
    trio = {**members(), "net": lstm(random_state=None)}
    one, two = (EnsembleForecaster(trio, n_jobs=n, random_state=0).fit(y) for n in (1, 2))
    assert two.predict().equals(one.predict())
    assert two.predict_interval(H, 0.5).equals(one.predict_interval(H, 0.5))
    assert two.named_members_["ar"].panel_ is two.panel_  # no copy came back from a process
    with pytest.raises(ValueError, match=r"member '(ar|seasonal|theta)': "):
        EnsembleForecaster(members(), n_jobs=2).fit(wave(3))


def test_seeds_of_the_members():
    y = wave(60)
    unset, own = lstm(random_state=None), lstm(random_state=5)

    def thetas(random_state, **networks):
        fitted = EnsembleForecaster(networks, random_state=random_state).fit(y).named_members_
        return {name: member.theta_ for name, member in fitted.items()}

    first, second = thetas(0, a=unset, b=unset, own=own), thetas(0, b=unset)
    assert_array_equal(first["b"], second["b"])  # whatever the other members are
    assert_array_equal(first["own"], lstm(random_state=5).fit(y).theta_)
    assert (first["a"] != first["b"]).any()
    assert (thetas(1, b=unset)["b"] != second["b"]).any()
    assert unset.random_state is None  # the member that was passed is as it was
    nested = ConformalForecaster(unset, n_windows=3)
    assert EnsembleForecaster([nested], random_state=0).fit(y).named_members_["ConformalForecaster"].model.random_state


# ---------------------------------------------------------------- manners of an estimator
FORMS = {
    "dict": members,
    "pairs": lambda: list(members().items()),
    "list": lambda: list(members().values()),
}


@pytest.mark.parametrize("form", FORMS)
def test_parameters_of_members(form):
    ensemble = EnsembleForecaster(FORMS[form]())
    names = list(members()) if form != "list" else [type(member).__name__ for member in members().values()]
    parameters = ensemble.get_params()
    assert isinstance(parameters[names[0]], ARForecaster)
    assert parameters[f"{names[0]}__lags"] == 3
    assert set(ensemble.get_params(deep=False)) == {
        "members", "weights", "combine", "error", "lower", "n_jobs", "random_state",
    }  # fmt: skip
    copy = clone(ensemble).set_params(**{f"{names[0]}__lags": 5, "combine": "median"})
    assert copy.get_params()[f"{names[0]}__lags"] == 5
    assert ensemble.get_params()[f"{names[0]}__lags"] == 3
    copy.set_params(**{names[2]: NaiveForecaster(horizon=H), f"{names[2]}__horizon": H})
    fitted = copy.fit(wave()).named_members_
    assert list(fitted) == names
    assert isinstance(fitted[names[2]], NaiveForecaster)
    assert not hasattr(copy.get_params()[names[0]], "target_")  # copies are fitted
    with pytest.raises(ValueError, match="Invalid parameter 'nothing'"):
        copy.set_params(nothing=1)


def test_names_of_members_without_one():
    ensemble = EnsembleForecaster([NaiveForecaster(), ARForecaster(lags=1), NaiveForecaster()]).fit(wave())
    assert list(ensemble.named_members_) == ["NaiveForecaster", "ARForecaster", "NaiveForecaster_2"]
    assert ensemble.set_params(NaiveForecaster_2__horizon=3).members[2].horizon == 3


def test_pickles_and_representations():
    ensemble = EnsembleForecaster(members(), weights=WEIGHTS)
    assert repr(ensemble).startswith("EnsembleForecaster(members={'ar': ARForecaster(")
    html = ensemble._repr_html_()
    assert html.count("<label") >= 4  # a box for the ensemble and for each member
    y = months(wave())
    ensemble.fit(y)
    assert "ThetaForecaster" in ensemble._repr_html_()
    assert repr(ensemble).startswith("EnsembleForecaster(members={'ar': ARForecaster(")
    assert str(ensemble).splitlines()[-3].split()[:3] == ["ar", "ARForecaster(lags=3)", "0.5"]
    assert ">ARForecaster(lags=3)</td>" in ensemble._repr_html_()
    again = pickle.loads(pickle.dumps(ensemble))
    pd.testing.assert_frame_equal(again.predict_interval(), ensemble.predict_interval(), check_exact=True)
    later = months(wave(91))[90:]
    pd.testing.assert_series_equal(again.update(later).predict(), ensemble.update(later).predict(), check_exact=True)


def test_within_other_tools():
    y = months(wave())
    ensemble = EnsembleForecaster(members())
    table = backtest({"ensemble": ensemble}, y, horizon=H, n_windows=2, refit=False, coverage=0.8)
    assert table["ensemble"].notna().all()
    outer = EnsembleForecaster({"inner": ensemble, "naive": NaiveForecaster(horizon=H)}, n_jobs=2).fit(y)
    context = months(3 + wave(40, seed=5))
    for options in ({}, {"context": context}):
        parts = ensemble.fit(y).predict(**options), NaiveForecaster(horizon=H).fit(y).predict(**options)
        assert_array_equal(outer.predict(**options), by_hand(parts, "mean"))
    conformal = ConformalForecaster(ensemble).fit(y)
    assert_array_equal(conformal.predict(context=context), ensemble.predict(context=context))
    assert conformal.season_length_ == 12


# ---------------------------------------------------------------- bad input
BAD_MEMBERS = {
    "nothing": ([], r"members=\[\] is empty"),
    "a forecaster": (NaiveForecaster(), r"members=NaiveForecaster\(\) must be a list of forecasters"),
    "a text": ("naive", "members='naive' must be a list"),
    "a class": ([NaiveForecaster], r"member 'NaiveForecaster' is the class NaiveForecaster; pass .* NaiveForecaster\("),
    "another object": ({"a": 3}, "member 'a' is 3, but members are forecasters"),
    "a name that is none": ([(1, NaiveForecaster())], r"members\[0\] has the name 1, but"),
    "an unhashable name": ([(["a"], NaiveForecaster())], r"members\[0\] has the name \['a'\], but"),
    "one name twice": ([("a", NaiveForecaster()), ("a", DriftForecaster())], "the name 'a' more than once"),
    "an argument": ({"weights": NaiveForecaster()}, "members has the name 'weights'"),
    "two underscores": ({"a__b": NaiveForecaster()}, "members has the name 'a__b'"),
    "horizons": (
        {"a": NaiveForecaster(horizon=3), "b": DriftForecaster()},
        "different horizons, {'a': 3, 'b': 12}; give all the same, such as horizon=12",
    ),
    "a wrong horizon": ([NaiveForecaster(horizon=0)], "horizon of member 'NaiveForecaster'=0 must be at least 1"),
}


@pytest.mark.parametrize(("given", "message"), BAD_MEMBERS.values(), ids=BAD_MEMBERS)
@pytest.mark.parametrize("error", ["raise", "keep"])
def test_bad_members(given, message, error):
    ensemble = EnsembleForecaster(given, error=error)
    with pytest.raises((TypeError, ValueError), match=message):
        ensemble.fit(wave())
    assert "EnsembleForecaster" in repr(ensemble)
    assert "EnsembleForecaster" in ensemble._repr_html_()
    ensemble.get_params()
    with pytest.raises(ValueError, match="Invalid parameter"):
        ensemble.set_params(nothing=1)


BAD_ARGUMENTS = {
    "negative": ({"weights": [1, -1, 1]}, r"weights\[1\]=-1 must lie in \[0, inf\)"),
    "not a number": ({"weights": [1, np.nan, 1]}, r"weights\[1\]=nan must lie in"),
    "infinite": ({"weights": [1, np.inf, 1]}, r"weights\[1\]=inf must lie in"),
    "a text": ({"weights": "abc"}, "weights='abc' must be a list of numbers"),
    "a number": ({"weights": 1.0}, r"weights=1\.0 must be a list of numbers"),
    "texts": ({"weights": ["1", "1", "1"]}, r"weights\[0\]='1' must be a number"),
    "too few": ({"weights": [1, 1]}, r"weights=\[1, 1\] has 2 numbers for 3 members"),
    "zeros": ({"weights": [0, 0, 0.0]}, "are all 0; at least one"),
    "of a median": ({"weights": [1, 1, 1], "combine": "median"}, "weights=.* are for combine='mean'"),
    "combine": ({"combine": "mode"}, "combine='mode' is not known; use one of 'mean', 'median'"),
    "error": ({"error": "ignore"}, "error='ignore' is not known"),
    "lower": ({"lower": np.nan}, "lower=nan must lie in"),
    "lower, a text": ({"lower": "0"}, "lower='0' must be a number"),
    "no processes": ({"n_jobs": 0}, "n_jobs=0 is no number of processes"),
    "half a process": ({"n_jobs": 0.5}, r"n_jobs=0\.5 must be an integer"),
    "seed": ({"random_state": -1}, "random_state=-1 must be"),
}


@pytest.mark.parametrize(("options", "message"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS)
def test_bad_arguments(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        EnsembleForecaster(members(), **options).fit(wave())


def test_the_advice_of_the_errors_works():
    ensemble = EnsembleForecaster({"a": NaiveForecaster(horizon=3), "b": DriftForecaster()})
    assert len(ensemble.set_params(a__horizon=12).fit(wave()).predict()) == 12
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cp = {"naive": NaiveForecaster(), "cp": ConformalForecaster(NaiveForecaster(), method="cqr")}
        assert len(EnsembleForecaster(cp, weights=[1, 0]).fit(wave()).predict_interval()) == 12
