"""Panels that the forecasters refuse: each message names series, time and column, and what to do."""

from __future__ import annotations

import copy
import re
from functools import cache

import numpy as np
import pandas as pd
import pytest

from .forecasters import lstm, wave

DAYS = pd.date_range("2024-01-01", periods=60)
SPRING = pd.date_range("2024-03-30 12:00", periods=40, freq="h", tz="Europe/Berlin")
HOURS = pd.date_range("2024-10-26 12:00", periods=40, freq="h", tz="Europe/Berlin")
X = np.sin(np.arange(76.0))


def rows(name, first, n, values=1.0):
    return pd.DataFrame({"unique_id": name, "ds": DAYS[first : first + n], "y": values})


LONG = pd.concat([rows("b", 0, 40, wave(40)), rows("a", 4, 36, wave(36, seed=1))], ignore_index=True)
WITH_X = LONG.assign(x=X)
STATIC = pd.DataFrame({"unique_id": ["a", "b"], "size": [1.0, 2.0], "city": ["x", "y"]})
AHEAD = pd.concat([rows("b", 40, 2), rows("a", 40, 2)], ignore_index=True)
FUTURE = AHEAD.rename(columns={"y": "x"})


def quick():
    return lstm(horizon=2, context_length=8, max_epochs=1)


@cache
def plain():
    return quick().fit(LONG)


@cache
def with_x():
    return quick().fit(WITH_X, future=["x"])


@cache
def with_static():
    return quick().fit(LONG, static=STATIC)


def zone(frame, name="UTC"):
    return frame.assign(ds=frame["ds"].dt.tz_localize(name))


def as_dict(frame):
    return {key: part.set_index("ds")["y"] for key, part in frame.groupby("unique_id")}


NO_A = LONG.assign(y=LONG["y"].where(LONG["unique_id"] == "b"))
HOURLY = pd.DataFrame({"unique_id": "a", "ds": HOURS.tz_localize(None), "y": wave(40)})
ONE = pd.Series(wave(40), DAYS[:40])
HALF_DAY = pd.Timedelta("12h")
FIT = {
    "duplicate": ((pd.concat([LONG, LONG.iloc[[3, 50]]]),), {}, "series 'b' at 2024-01-04 more than once.*drop_dup"),
    "weeks": (
        (pd.concat([LONG, rows("w", 0, 6).assign(ds=DAYS[:36:7][:6])]),),
        {},
        "lacks 30 steps of 'D'.*1 of 3 series.*series 'w' has no 2024-01-02 to 2024-01-07.*fit with gaps='missing'",
    ),
    "half days": (
        (pd.concat([LONG, rows("w", 0, 6).assign(ds=DAYS[:6] + HALF_DAY)]), None),
        {"freq": "D"},
        "series 'w' at 2024-01-01 12:00:00 is not on the grid of y, nor are 5 more rows: the frequency is freq='D'",
    ),
    "no row of static": ((LONG,), {"static": STATIC[:1]}, "static has no row for 1 of 2 ids: 'b'.*Add these rows"),
    "two rows of static": ((LONG,), {"static": pd.concat([STATIC, STATIC[:1]])}, "more than one row for the id 'a'"),
    "mixed category": (
        (LONG,),
        {"static": STATIC.assign(city=["x", 3])},
        r"static\['city'\] has values of two kinds, .*all of its values to text",
    ),
    "static dict": ((LONG,), {"static": {"a": 1}}, "static has type dict.*pass a table with one row for each series"),
    "all missing": ((NO_A,), {}, "series 'a' of y has no observed value: all 36 are missing; drop such series with"),
    "zones": (
        ({"a": ONE.tz_localize("UTC"), "b": ONE.tz_localize("Asia/Tokyo")},),
        {},
        "series 'a' has UTC, series 'b' has Asia/Tokyo; convert all to one, as with",
    ),
    "column twice": ((pd.concat([LONG, LONG["y"]], axis=1),), {}, "more than one column 'y': give each column"),
    "clock set back": ((HOURLY,), {}, "series 'a' at 2024-10-27 02:00:00 more than once.*pass the times in UTC"),
    "clock set forward": (
        (HOURLY.assign(ds=SPRING.tz_localize(None)),),
        {},
        "lacks 1 step of 'h'.*series 'a' has no 2024-03-31 02:00:00",
    ),
    "empty": ((LONG[:0],), {}, "y is empty .*at least one row"),
    "empty dict": (({},), {}, "empty dict: a panel needs at least one series"),
    "one row": ((pd.concat([LONG, rows("q", 7, 1)]),), {}, "series 'q' of y has fewer than 2 rows.*short='skip'"),
    "only one row": ((rows("q", 7, 1),), {"freq": "D", "short": "skip"}, "series 'q' of y has fewer than 2 rows"),
    "no role": ((WITH_X,), {}, r"without a role, 'x'; name them as covariates: future=\[...\]"),
    "two roles": ((WITH_X,), {"future": ["x"], "past": ["x"]}, "'x' is both in future= and in past="),
    "named twice": ((WITH_X,), {"past": ["x", "x"]}, r"past=\['x', 'x'\] names 'x' more than once"),
    "no list": ((WITH_X,), {"future": "x"}, "future='x' must be a list of names of columns"),
    "no column": ((WITH_X,), {"future": ["x", "z"]}, "no column 'z'"),
    "target as covariate": ((LONG,), {"future": ["y"]}, "'y' is the target of y and cannot be a covariate"),
    "no target": ((WITH_X.drop(columns="y"),), {"future": ["x"]}, "no column 'y' for the target.*with target="),
    "no column of X": ((WITH_X.drop(columns="y"), LONG), {"future": ["z"]}, r"future has 'z', but X .* only \['x'\]"),
    "row that X lacks": (
        (WITH_X.drop(columns="y").drop(index=50), LONG),
        {},
        "X has no row for series 'a' at 2024-01-15; pass one row for each series and step, 1 of 76 is missing",
    ),
    "copy": ((LONG.assign(x=LONG["y"]),), {"future": ["x"]}, r"y\['x'\] equals the target.*leave it out"),
    "copy in X": ((LONG.rename(columns={"y": "x"}), LONG), {}, r"X\['x'\] equals the target at every step"),
    "array X": ((np.ones((76, 1)), LONG), {}, "X has type ndarray, which is no panel: pass a long frame"),
    "short": ((LONG,), {"short": "drop"}, "short='drop' is not known; use one of 'error', 'skip'"),
    "gaps": ((LONG,), {"gaps": "fill"}, "gaps='fill' is not known; use one of 'error', 'missing', 'compress'"),
}  # fmt: skip


@pytest.mark.parametrize("case", FIT)
def test_fits_that_are_refused(case):
    arguments, options, match = FIT[case]
    with pytest.raises((ValueError, TypeError), match=match):
        quick().fit(*arguments, **options)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("time", "ds"),
        ("target", "y"),
        ("freq", "D"),
        ("gaps", "missing"),
        ("short", "skip"),
        ("future", ["x"]),
        ("past", ["x"]),
        ("static", STATIC),
    ],
)
def test_one_series_has_no_arguments_of_panels(name, value):
    with pytest.raises(ValueError, match=rf"(?s){name}=.* is for panels, but y is one series.*leave it out"):
        quick().fit(ONE, **{name: value})


PREDICT = {
    "unknown id": (plain, {"ids": ["a", "z"]}, "ids has 'z', but the fit had no series.*'b', 'a'.*as context="),
    "id twice": (plain, {"ids": ["a", "a"]}, "ids has 'a' more than once"),
    "no id": (plain, {"ids": []}, r"ids=\[\] names no series"),
    "ids and context": (plain, {"ids": ["a"], "context": LONG}, "pass one of the two"),
    "dates": (plain, {"horizon": DAYS[40:42]}, "horizon has type DatetimeIndex.*it is a number of steps"),
    "frame": (plain, {"horizon": FUTURE}, "horizon has type DataFrame.*without covariates it is a number of steps"),
    "no step": (plain, {"horizon": 0}, "horizon=0 must be at least 1"),
    "series as context": (plain, {"context": ONE}, "context is one Series with one index level, not a panel"),
    "array as context": (plain, {"context": ONE.to_numpy()}, "context has type ndarray, which is no panel"),
    "empty context": (plain, {"context": LONG[:0]}, "context is empty"),
    "context in a zone": (plain, {"context": zone(LONG)}, "times of context have the time zone UTC, .* y have none"),
    "context of integers": (
        plain,
        {"context": LONG.assign(ds=[*range(40), *range(36)])},
        "of the times of context, which are integers",
    ),
    "context with a gap": (plain, {"context": LONG.drop(index=50)}, "context lacks 1 step.*'a' has no 2024-01-15"),
    "static without context": (plain, {"static": STATIC}, "static describes the series of context=, but there is none"),
    "static of another fit": (plain, {"context": LONG, "static": STATIC}, "covariates that the fit did not have"),
    "no static": (with_static, {"context": LONG}, "had the static covariates 'size', 'city'; pass those"),
    "no row of static": (with_static, {"context": LONG, "static": STATIC[:1]}, "static has no row for 1 of 2 ids: 'b'"),
    "no covariates": (with_x, {}, "horizon=None is not enough after a fit with covariates; pass X .*make_future"),
    "steps for covariates": (with_x, {"horizon": 2}, "horizon=2 is not enough after a fit with covariates"),
    "id without future": (
        with_x,
        {"horizon": FUTURE[:2]},
        "X has no row for series 'a' at 2024-02-10, series 'a' at 2024-02-11; .* 2 of 4 are missing",
    ),
    "missing in the future": (
        with_x,
        {"horizon": FUTURE.assign(x=np.nan)},
        r"X\['x'\] is missing at every step to forecast of a series, but was known in the whole fit; fill it in",
    ),
    "no column": (with_x, {"horizon": FUTURE.rename(columns={"x": "z"})}, r"X has no column 'x', only \['z'\]"),
    "past as future": (with_x, {"horizon": WITH_X.drop(columns="y")}, "X has no row after the end of any series"),
    "future in a zone": (with_x, {"horizon": zone(FUTURE)}, "times of X have the time zone UTC, but those of y"),
    "context without covariates": (with_x, {"horizon": FUTURE, "context": LONG}, "context has no column 'x'"),
}


@pytest.mark.parametrize("method", ["predict", "predict_interval", "sample"])
@pytest.mark.parametrize("case", PREDICT)
def test_forecasts_that_are_refused(case, method):
    fitted, options, match = PREDICT[case]
    with pytest.raises((ValueError, TypeError), match=match):
        getattr(fitted(), method)(**options)


UPDATE = {
    "known rows": (plain, (LONG,), "y_new: series 'b' begins at 2024-01-01, .* end before 2024-02-10, where it must"),
    "gap": (plain, (rows("a", 42, 1),), "series 'a' begins at 2024-02-12, .* before 2024-02-10.*fill missing ones"),
    "half a day": (plain, (AHEAD.assign(ds=AHEAD["ds"] + HALF_DAY),), "'b' has a row at 2024-02-10 12:00:00.*no step"),
    "half a day, new": (plain, (rows("z", 0, 2).assign(ds=DAYS[:2] + HALF_DAY),), "'z' has a row at .*no step of the"),
    "early, new": (
        plain,
        (rows("z", 0, 3).assign(ds=DAYS[:3] - pd.Timedelta("9D")),),
        "'z' begins at 2023-12-23, before the first step .*2024-01-01; leave out its rows before.*as context=",
    ),
    "zone": (plain, (zone(AHEAD),), "times of y_new have the time zone UTC, but those of y have none"),
    "nothing known": (plain, (rows("z", 0, 3, np.nan),), "series 'z' of y is new in y_new, but has no observed value"),
    "covariates": (plain, (AHEAD, FUTURE), "had no covariates; leave X_new out"),
    "no covariates": (with_x, (AHEAD,), "y_new has no column 'x'"),
    "row without covariates": (with_x, (AHEAD, FUTURE[1:]), "X_new has no row for series 'b' at 2024-02-10"),
    "new with static": (
        with_static,
        (rows("z", 0, 3),),
        "series 'z' of y is new in y_new.*pass its row as static=, or leave",
    ),
}


@pytest.mark.parametrize("case", UPDATE)
def test_updates_that_are_refused(case):
    fitted, arguments, match = UPDATE[case]
    before = copy.deepcopy(fitted())
    with pytest.raises(ValueError, match=match):
        fitted().update(*arguments)
    assert fitted().panel_.values.tolist() == before.panel_.values.tolist()


@pytest.mark.parametrize(
    ("fitted", "match"),
    [
        (plain, "static describes series by covariates that the fit did not have; leave it out"),
        (with_static, "static has no row for 1 of 1 ids: 'z'"),
    ],
)
def test_static_covariates_of_new_series_that_are_refused(fitted, match):
    before = fitted().panel_
    with pytest.raises(ValueError, match=match):
        fitted().update(rows("z", 0, 3), static=STATIC)
    assert fitted().panel_ is before


SCORE = {
    "unknown": (plain, (rows("z", 0, 2),), "series 'z' of X was not in the fit.*leave it out"),
    "nothing observed": (plain, (AHEAD.assign(y=np.nan),), "X has no observed value to score the forecast by"),
    "covariates": (plain, (FUTURE, AHEAD), "had no covariates; leave X out"),
    "known rows": (plain, (LONG,), "X: series 'b' begins at 2024-01-01, but the rows so far end before 2024-02-10"),
}


@pytest.mark.parametrize("case", SCORE)
def test_scores_that_are_refused(case):
    fitted, arguments, match = SCORE[case]
    with pytest.raises(ValueError, match=match):
        fitted().score(*arguments)


def test_updates_of_a_series_that_was_skipped():
    forecaster = quick().fit(pd.concat([rows("q", 5, 1), LONG]), short="skip")
    with pytest.raises(ValueError, match="y_new has rows of series 'q' of y, which was skipped in the fit; fit again"):
        forecaster.update(rows("q", 6, 2))


def test_mends_work():
    """Mends of messages above, tried."""
    twice = FIT["duplicate"][0][0]
    for y in (twice, NO_A):
        with pytest.raises(ValueError, match=r"with y[\[.]") as raised:
            quick().fit(y)
        mend = re.search(r"with (y[\[.].*?)(?:, or average|$)", str(raised.value))[1]
        quick().fit(eval(mend, {"y": y}))
    quick().fit(HOURLY.assign(ds=HOURS.tz_convert("UTC")))
    plain().predict(1, context=zone(LONG).assign(ds=lambda y: y["ds"].dt.tz_localize(None)))
    quick().fit(WITH_X.drop(index=50), future=["x"], gaps="compress")
