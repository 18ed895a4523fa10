"""Panels of many series: equal to single series, and to each other in any order, form, company and length."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from tsrnn import Direct, EarlyStopping, GRUForecaster, NaiveForecaster, Pinball, make_future, neg_mae
from tsrnn.data.panel import Panel
from tsrnn.exceptions import FewWindowsWarning
from tsrnn.frame import mase

from .forecasters import lstm, wave

DAYS = pd.date_range("2024-01-01", periods=90)
#: First day and number of rows of each series; the last two are shorter than a window.
SPANS = {"b": (0, 60), "a": (5, 44), "s": (50, 10), "t": (57, 2)}
H = 3
STATIC = pd.DataFrame({"unique_id": list("stab"), "size": [1.0, 4.0, 2.0, 2.5], "city": ["x", "y", "x", "z"]})


def rows(name, first, values):
    return pd.DataFrame({"unique_id": name, "ds": DAYS[first : first + len(values)], "y": values})


def long(names="bast"):
    """A long frame of the series with these names."""
    parts = [rows(name, SPANS[name][0], wave(SPANS[name][1], seed=ord(name))) for name in names]
    return pd.concat(parts, ignore_index=True)


def after(names="bast", n=H, **columns):
    """Rows that follow each series."""
    parts = [rows(name, sum(SPANS[name]), 20 + np.arange(float(n))) for name in names]
    return pd.concat(parts, ignore_index=True).assign(**columns)


def quick(**options):
    return lstm(**{"max_epochs": 2, "horizon": H, **options})


@cache
def fitted(**options):
    """A fit to the panel, which tests do not change."""
    return quick(**options).fit(long())


def of(table, name, column="y"):
    """Values of a series in a long frame, (n, ...)."""
    return table.loc[table["unique_id"] == name].drop(columns=["unique_id", "ds"] if column else []).to_numpy()


def answers(forecaster, **options):
    """Forecasts of all kinds, as long frames."""
    return [
        forecaster.predict(5, **options),
        forecaster.predict_interval(5, 0.5, **options),
        forecaster.predict_quantiles(5, [0.25, 0.5], **options),
        forecaster.sample(5, 4, random_state=1, **options),
    ]


def assert_same(ones, others):
    for one, other in zip(ones, others, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


# ---------------------------------------------------------------- a panel of one is a single series
SINGLE = {
    "recursive": {"strategy": "recursive"},
    "direct": {},
    "seq2seq": {"strategy": "seq2seq", "loss": "gaussian"},
    "segments": {"strategy": Direct(segment_length=2), "horizon": 4},
    "gaussian": {"strategy": "recursive", "loss": "gaussian"},
    "quantiles": {"loss": Pinball(0.25, 0.5, 0.75)},
    "window": {"scaling": "window"},
    "season": {"season_lengths": [14]},
}


def with_gaps(values, missing):
    values = values.copy()
    values[missing] = np.nan
    return values


MISSING = {"complete": [], "inside": [5, 30, 31], "both ends": [0, 1, 20, 58, 59]}


@pytest.mark.parametrize("missing", MISSING.values(), ids=MISSING)
@pytest.mark.parametrize("options", SINGLE.values(), ids=SINGLE)
def test_a_panel_of_one_is_the_single_series(options, missing):
    values = with_gaps(wave(60), missing)
    one, panel = pd.Series(values, DAYS[:60], name="y"), rows("a", 0, values)
    single, many = quick(**options).fit(one), quick(**options).fit(panel)
    assert_array_equal(many.theta_, single.theta_)
    new = 20 + np.arange(5.0)
    pair = [(single, many)]
    assert many.score(rows("a", 60, new)) == single.score(pd.Series(new, DAYS[60:65]))
    for updated in (False, True):
        if updated:
            pair.append((single.update(pd.Series(new, DAYS[60:65])), many.update(rows("a", 60, new))))
        single, many = pair[-1]
        for ours, theirs in zip(answers(many), [single.predict(5).to_frame(), *answers(single)[1:]], strict=True):
            assert ours["ds"].tolist() == theirs.index.tolist()
            assert_array_equal(of(ours, "a"), theirs)


# ---------------------------------------------------------------- order and form
def shuffled():
    return long().sample(frac=1, random_state=3)


def as_index(frame):
    return frame.set_index(["unique_id", "ds"])["y"]


def as_dict(frame):
    return {key: part.set_index("ds")["y"] for key, part in frame.groupby("unique_id", sort=False)}


FORMS = {
    "long": lambda frame: frame,
    "index": as_index,
    "dict": lambda frame: as_dict(frame.sort_values("ds", kind="stable")),
    "polars": polars.from_pandas,
    "arrow": lambda frame: pyarrow.Table.from_pandas(frame, preserve_index=False),
}


def as_long(answer):
    """Any form of a forecast as a long frame."""
    if isinstance(answer, dict):
        answer = pd.concat(answer, names=["unique_id", "ds"])
    if isinstance(answer, pd.Series):
        return answer.reset_index().set_axis(["unique_id", "ds", "y"], axis=1)
    return answer if isinstance(answer, pd.DataFrame) else answer.to_pandas()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("loss", ["mse", "gaussian"])
def test_order_and_form_change_nothing(form, loss):
    frame = shuffled()
    y, plain = FORMS[form](frame), fitted(loss=loss)
    forecaster = quick(loss=loss).fit(y)
    assert_array_equal(forecaster.theta_, plain.theta_)
    forecast = forecaster.predict(2)
    assert type(forecast) is type(y)
    found, expected = as_long(forecast), plain.predict(2)
    ids = list(y) if form == "dict" else frame["unique_id"].drop_duplicates().tolist()
    assert found["unique_id"].drop_duplicates().tolist() == ids
    for name in SPANS:
        assert_array_equal(of(found, name), of(expected, name))
        assert found.loc[found["unique_id"] == name, "ds"].tolist() == list(DAYS[sum(SPANS[name]) :][:2])


def test_order_changes_neither_static_covariates_nor_samples():
    one, other = (quick().fit(frame, static=STATIC) for frame in (long(), shuffled()))
    assert_array_equal(one.theta_, other.theta_)
    for ours, theirs in zip(answers(one), answers(other), strict=True):
        for name in SPANS:
            assert_array_equal(of(ours, name), of(theirs, name))


@pytest.mark.parametrize("ids", [[3, 1, 2, 10], [1, "1", (1, 2), 2.5]], ids=["integers", "mixed"])
def test_ids_of_any_type(ids):
    frame = long()
    labels = dict(zip("bast", ids, strict=True))
    frame["unique_id"] = pd.Series([labels[name] for name in frame["unique_id"]]).infer_objects()
    forecaster = quick().fit(frame)
    assert forecaster.predict(1)["unique_id"].tolist() == ids
    assert_array_equal(forecaster.predict(1, ids=[ids[1]])["y"], forecaster.predict(1)["y"][1:2])


def test_names_that_are_no_strings():
    frame = long().set_axis([1, ("when", 0), 2.5], axis=1)
    forecaster = quick().fit(frame, id=1, time=("when", 0), target=2.5)
    assert forecaster.predict(2).columns.tolist() == [1, ("when", 0), 2.5]
    assert_array_equal(forecaster.predict(2)[2.5], fitted().predict(2)["y"])
    assert_array_equal(forecaster.predict(2, context=frame)[2.5], fitted().predict(2)["y"])


def test_an_index_with_the_times_first():
    y = as_index(long()).swaplevel()
    forecaster = quick().fit(y, id="unique_id", time="ds")
    assert_array_equal(forecaster.predict(2), fitted().predict(2)["y"])
    assert_array_equal(forecaster.predict(2, context=y), forecaster.predict(2))
    assert forecaster.update(as_index(after()).swaplevel()).predict(1).index.nlevels == 2


# ---------------------------------------------------------------- company and padding
COMPANY = {
    "mse": {},
    "gaussian": {"loss": "gaussian"},
    "window": {"scaling": "window"},
    "errors of its own": {"early_stopping": EarlyStopping(validation_size=35)},  # of series b, enough for paths
    "season": {"season_lengths": (14,)},
}


@pytest.mark.parametrize("options", COMPANY.values(), ids=COMPANY)
@pytest.mark.parametrize("ids", [["a"], ["t", "s"], ["s", "b"]], ids=str)
def test_forecasts_do_not_depend_on_company(options, ids):
    forecaster = fitted(**options)
    for found, expected in zip(answers(forecaster, ids=ids), answers(forecaster), strict=True):
        assert found["unique_id"].drop_duplicates().tolist() == ids
        for name in ids:
            assert_array_equal(of(found, name), of(expected, name))


@pytest.mark.parametrize("options", [{}, {"loss": "gaussian"}, {"scaling": "window"}], ids=str)
def test_contexts_do_not_depend_on_company(options):
    forecaster = fitted(**options)
    both = pd.concat([long("sat"), rows("new", 3, wave(7, seed=9))])
    for name in ("a", "s", "t", "new"):
        alone = answers(forecaster, context=both[both["unique_id"] == name])
        for found, expected in zip(alone, answers(forecaster, context=both), strict=True):
            assert_array_equal(of(found, name), of(expected, name))


@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_a_long_gap_does_not_change_the_intervals_of_other_series(strategy):
    """A gap at the end of one series asks for errors of leads that the others do not need."""
    frame = long("ba")
    frame.loc[frame.groupby("unique_id").tail(9).query("unique_id == 'a'").index, "y"] = np.nan
    forecaster = quick(strategy=strategy).fit(frame)
    for found, expected in zip(answers(forecaster, ids=["b"]), answers(forecaster), strict=True):
        assert_array_equal(of(found, "b"), of(expected, "b"))
    one, other = (forecaster.sample(2, 20, ids=ids, random_state=0) for ids in (["b"], ["b", "a"]))
    assert_array_equal(of(one, "b"), of(other, "b"))


@pytest.mark.parametrize("scaling", ["standard", "robust", "pooled", "window", "last", "mean"])
def test_padding_is_not_read(scaling, monkeypatch):
    check_padding(monkeypatch, scaling=scaling)


@pytest.mark.parametrize(
    "options",
    [
        {"strategy": "recursive", "loss": "gaussian"},
        {"strategy": "seq2seq"},
        {"strategy": Direct(segment_length=2), "horizon": 4},
    ],
    ids=str,
)
def test_padding_is_not_read_by_other_networks(options, monkeypatch):
    check_padding(monkeypatch, **options)


def check_padding(monkeypatch, **options):
    """Rows before a short series, of which there is none, have no influence: here they become large."""
    frame, X = with_x(), future()
    frame.loc[frame.index[[-5, -1]], "y"] = np.nan  # series s has a gap inside, t at its end
    expected = quick(**options).fit(frame, future=["x"])
    forecasts = expected.predict(X)
    lengthened, n_padded = Panel.lengthened, []

    def with_large_values(panel, before, after):
        longer = lengthened(panel, before, after)
        padding = ~longer.is_own
        n_padded.append(padding.sum())
        values, known = longer.values.copy(), longer.known.copy()
        values[padding], known[padding] = 1e6, -1e6
        return replace(longer, values=values, known=known)

    monkeypatch.setattr(Panel, "lengthened", with_large_values)
    forecaster = quick(**options).fit(frame, future=["x"])
    assert_array_equal(forecaster.theta_, expected.theta_)
    assert_same([forecaster.predict(X)], [forecasts])
    assert n_padded[0] > 0


def test_two_rows_are_enough():
    two = rows("t", 0, np.array([3.0, 4.0]))
    with pytest.warns(FewWindowsWarning, match="series 't' of y has 1 window"):
        forecaster = quick().fit(two, freq="D")
    assert np.isfinite(forecaster.predict(H)["y"]).all()
    assert forecaster.predict(1)["ds"].tolist() == [DAYS[2]]


# ---------------------------------------------------------------- what a fit may read
@pytest.mark.parametrize("scaling", ["standard", "robust", "pooled", "last"])
def test_no_statistic_reads_the_validation_part(scaling):
    options = {
        "scaling": scaling,
        "max_epochs": 1,
        "early_stopping": EarlyStopping(validation_size=6, refit_full=False),
    }
    frame = long("ba").assign(x=np.arange(104.0) % 7)
    changed = frame.copy()
    changed.loc[changed.groupby("unique_id").tail(6).index, ["y", "x"]] *= -5
    one, other = (quick(**options).fit(y, future=["x"]) for y in (frame, changed))
    assert one.best_epoch_ == other.best_epoch_ == 1
    assert one.validation_curve_[0] != other.validation_curve_[0]
    assert_array_equal(one.theta_, other.theta_)
    for which in ("target", "covariates"):
        for moment in ("mean", "scale"):
            assert_array_equal(
                getattr(getattr(one.scaling_, which), moment), getattr(getattr(other.scaling_, which), moment)
            )


def test_the_training_part_is_read():
    """The test above can fail: a change right before the validation part changes everything."""
    options = {"max_epochs": 1, "early_stopping": EarlyStopping(validation_size=6, refit_full=False)}
    frame, changed = long("ba"), long("ba")
    changed.loc[changed.groupby("unique_id").tail(7).index, "y"] *= -5
    one, other = (quick(**options).fit(y) for y in (frame, changed))
    assert (one.theta_ != other.theta_).any()
    assert (one.scaling_.target.mean != other.scaling_.target.mean).all()


def test_the_future_of_one_series_changes_no_other():
    one, other = (copy.deepcopy(fitted()).update(after("a", y=level)) for level in (20.0, -50.0))
    for found, expected in zip(answers(one), answers(other), strict=True):
        for name in "bst":
            assert_array_equal(of(found, name), of(expected, name))
        assert (of(found, "a") != of(expected, "a")).all()


# ---------------------------------------------------------------- gaps and ends
def test_missing_rows_are_missing_values():
    frame, holes = long(), [3, 4, 30, 70]
    missing = frame.assign(y=with_gaps(frame["y"].to_numpy(), holes))
    one, other = quick().fit(missing), quick().fit(frame.drop(index=holes), gaps="missing")
    assert_array_equal(one.theta_, other.theta_)
    assert_same(answers(one), answers(other))
    assert_same(answers(one, context=missing), answers(other, context=frame.drop(index=holes)))
    new = after("b")
    updated = one.update(new.assign(y=with_gaps(new["y"].to_numpy(), [1])))
    assert_same(answers(updated), answers(other.update(new.drop(index=1))))


def test_forecasts_begin_after_each_end():
    gaps = {"b": 7, "a": 1, "s": 3}
    frame = long()
    for name, n in gaps.items():
        frame.loc[frame.groupby("unique_id").tail(n).query(f"unique_id == '{name}'").index, "y"] = np.nan
    forecaster = quick().fit(frame)
    first = forecaster.predict(2).groupby("unique_id", sort=False)["ds"].first()
    assert first.to_dict() == {name: DAYS[begin + n] for name, (begin, n) in SPANS.items()}
    for found, expected in zip(answers(forecaster, ids=["a", "s"]), answers(forecaster), strict=True):
        for name in "as":
            assert_array_equal(of(found, name), of(expected, name))


def test_short_series_may_be_left_out():
    frame = pd.concat([rows("aa", 2, np.array([5.0])), long()], ignore_index=True)
    static = pd.concat([STATIC, pd.DataFrame({"unique_id": ["aa"], "size": [2.0], "city": ["x"]})])
    forecaster = quick().fit(frame, static=static, short="skip")
    assert forecaster.skipped_ == ("aa",)
    assert forecaster.predict(1)["unique_id"].tolist() == list(SPANS)
    sizes = STATIC.set_index("unique_id")["size"][["a", "b", "s", "t"]]
    learned = forecaster.static_.numbers[:, 0]
    np.testing.assert_allclose(np.diff(learned) * sizes.std(ddof=0), np.diff(sizes))
    with pytest.raises(ValueError, match=r"series 'aa' of y was skipped.*pass its rows as context="):
        forecaster.predict(1, ids=["aa"])


def test_series_of_different_times():
    """One begins after the others have ended; forecasts do not depend on when a series was."""
    frame = pd.concat([long("a"), rows("late", 70, wave(15, seed=2)), rows("early", 0, wave(15, seed=2))])
    forecaster = quick().fit(frame)
    forecast = forecaster.predict(2)
    assert forecast["ds"].tolist() == [*DAYS[49:51], *DAYS[85:87], *DAYS[15:17]]
    assert_array_equal(of(forecast, "late"), of(forecast, "early"))


def test_rows_that_exist_may_be_the_steps():
    """Weekends without rows are no gaps: the fit is that to consecutive days."""
    frame = long("ba")
    working = pd.bdate_range("2024-01-01", periods=70)
    frame["ds"] = frame["ds"].map(dict(zip(DAYS, working, strict=False)))
    forecaster = quick().fit(frame, gaps="compress", freq="D")
    assert_array_equal(forecaster.theta_, quick().fit(long("ba")).theta_)
    assert_array_equal(forecaster.predict(2, context=frame)["y"], forecaster.predict(2)["y"])
    assert forecaster.predict(1)["ds"].tolist() == [working[59] + pd.Timedelta("1D"), working[48] + pd.Timedelta("1D")]


# ---------------------------------------------------------------- covariates
def with_x():
    frame = long()
    return frame.assign(x=np.sin(np.arange(len(frame)) ** 2))


@cache
def with_future():
    return quick().fit(with_x(), future=["x"])


def future(**columns):
    return after().drop(columns="y").assign(**{"x": 0.5, **columns})


def test_a_covariate_of_the_future_enters():
    forecaster, X = with_future(), future()
    before = forecaster.predict(X)
    X.loc[4, "x"] = 2.0  # the second step of series a
    changed = forecaster.predict(X)
    same = before["unique_id"] != "a"
    assert_array_equal(changed[same], before[same])
    assert (changed["y"] != before["y"])[~same].any()
    assert_array_equal(forecaster.predict(X.iloc[::-1]), changed)


def test_covariates_in_a_table_of_their_own():
    frame = with_x()
    forecaster = quick().fit(frame.drop(columns="y").sample(frac=1, random_state=0), frame.drop(columns="x"))
    assert_array_equal(forecaster.theta_, with_future().theta_)
    assert_same([forecaster.predict(future())], [with_future().predict(future())])
    assert forecaster.score(future(), after()) == with_future().score(after(x=0.5))
    mixed = quick().fit(frame.assign(z=1.0).drop(columns="y"), frame.drop(columns="x"), past=["x"])
    assert mixed.covariate_names_ == ["z"]
    assert mixed.past_names_ == ["x"]


def test_a_covariate_of_the_past_enters():
    frame = with_x()
    other = frame.assign(x=frame["x"].sample(frac=1, random_state=0).to_numpy())
    one, permuted = (quick().fit(y, past=["x"]) for y in (frame, other))
    assert (one.theta_ != permuted.theta_).any()
    assert_same(answers(one, ids="a"), [a[a["unique_id"] == "a"].reset_index(drop=True) for a in answers(one)])
    assert_same([one.predict(2, context=frame)], [one.predict(2)])
    assert (one.predict(2, context=other)["y"] != one.predict(2)["y"]).all()


@pytest.mark.parametrize("column", ["size", "city"])
def test_static_covariates_enter(column):
    one = quick().fit(long(), static=STATIC)
    other = quick().fit(long(), static=STATIC.assign(**{column: STATIC[column].to_numpy()[::-1]}))
    assert (one.predict(1)["y"] != other.predict(1)["y"]).all()
    changed = STATIC.assign(**{column: STATIC[column].to_numpy()[[1, 0, 3, 2]]})
    assert (one.predict(1, context=long(), static=changed)["y"] != one.predict(1)["y"]).all()


def test_static_covariates_of_series_that_are_new():
    forecaster = quick().fit(long(), static=STATIC)
    assert_same(answers(forecaster, context=long(), static=STATIC), answers(forecaster))
    new = pd.DataFrame({"unique_id": ["n", "m"], "size": [9.0, np.nan], "city": ["unseen", None]})
    static = pd.concat([STATIC, new])
    context = pd.concat([long("ab"), rows("n", 3, wave(20, seed=8)), rows("m", 3, wave(20, seed=8))])
    together = answers(forecaster, context=context, static=static)
    for name in "abnm":
        alone = answers(forecaster, context=context[context["unique_id"] == name], static=static)
        for found, expected in zip(alone, together, strict=True):
            assert_array_equal(of(found, name), of(expected, name))
    assert (of(together[0], "n") != of(together[0], "m")).all()
    assert_array_equal(of(together[0], "a"), of(forecaster.predict(5), "a"))


def test_a_warm_start_keeps_the_codes_of_categories():
    """The vectors that were learned for categories stay those of the same categories."""
    forecaster = quick(warm_start=True).fit(long(), static=STATIC)
    first = forecaster.static_
    other = STATIC.assign(city=["y", "x", "z", "x"], size=STATIC["size"] + 1)
    again = forecaster.fit(long(), static=other).static_
    assert again.coding is first.coding
    assert again.codes[:, 0].tolist() == [1 + first.coding.categories[0].index(city) for city in "zxyx"]
    np.testing.assert_allclose(again.numbers - first.numbers, 1 / first.coding.deviation[0])


# ---------------------------------------------------------------- updates
@pytest.mark.parametrize("options", [{}, {"loss": "gaussian"}, {"scaling": "window"}], ids=str)
def test_an_update_is_a_context_of_all_rows(options):
    new = pd.concat([after("ta"), rows("new", 10, with_gaps(wave(9), [0, 1, 4])), rows("c", 3, wave(5, seed=4))])
    forecaster = copy.deepcopy(fitted(**options)).update(new.sample(frac=1, random_state=2))
    everything = pd.concat([long(), new])
    expected = answers(fitted(**options), context=everything)
    for found, other in zip(answers(forecaster), expected, strict=True):
        assert set(found["unique_id"]) == {*SPANS, "new", "c"}
        for name in [*SPANS, "new", "c"]:
            assert_array_equal(of(found, name), of(other, name))
    further = forecaster.update(rows("c", 8, np.array([21.0])))
    assert further.predict(1, ids="c")["ds"].tolist() == [DAYS[9]]
    assert np.isfinite(further.score(rows("c", 9, np.array([21.0, 22.0]))))


@pytest.mark.parametrize("form", FORMS)
def test_updates_in_any_form(form):
    convert, new = FORMS[form], pd.concat([after("b"), rows("new", 10, wave(9))])
    expected = copy.deepcopy(fitted()).update(new).predict(2)
    forecast = quick().fit(convert(long())).update(convert(new)).predict(2)
    assert type(forecast) is type(convert(long()))
    assert_same([as_long(forecast).astype({"unique_id": expected["unique_id"].dtype})[["y"]]], [expected[["y"]]])
    mixed = quick().fit(convert(long())).update(new).predict(2)
    assert_same([as_long(mixed)[["y"]]], [expected[["y"]]])


def test_new_ids_of_categories():
    frame = long()
    frame["unique_id"] = pd.Categorical(frame["unique_id"], categories=["unused", *"bast"])
    forecast = quick().fit(frame).update(rows("new", 10, wave(9))).predict(1)
    assert forecast["unique_id"].tolist() == [*"bast", "new"]
    assert list(forecast["unique_id"].cat.categories) == ["unused", *"bast", "new"]


def test_a_new_series_may_begin_much_later():
    later = rows("new", 0, wave(9)).assign(ds=lambda frame: frame["ds"] + pd.Timedelta("3000D"))
    forecast = quick().fit(long()).update(later).predict(1, ids="new")
    assert forecast["ds"].tolist() == [DAYS[9] + pd.Timedelta("3000D")]
    assert_array_equal(forecast["y"], fitted().predict(1, context=later)["y"])


def test_updates_with_covariates():
    forecaster = copy.deepcopy(with_future())
    beside = copy.deepcopy(forecaster).update(after(), future())
    forecaster.update(after(x=0.5))
    X = future().assign(ds=lambda table: table["ds"] + pd.Timedelta(H, "D"))
    assert_same([forecaster.predict(X)], [beside.predict(X)])
    everything = pd.concat([with_x(), after(x=0.5)])
    assert_same([forecaster.predict(X)], [with_future().predict(X, context=everything)])


# ---------------------------------------------------------------- scores
def test_the_score_is_the_mean_over_the_series():
    forecaster, new = fitted(), after("tab")
    new.loc[1, "y"] = np.nan
    errors = []
    for name in "tab":
        forecast = of(forecaster.predict(H, ids=name), name)
        errors.append(mase(of(new, name), forecast, of(long(), name), forecaster.season_length_))
    assert forecaster.score(new) == pytest.approx(-np.mean(errors))
    assert forecaster.score(new.iloc[::-1]) == forecaster.score(new)
    truth = new["y"].notna()
    forecasts = np.concatenate([of(forecaster.predict(H, ids=name), name)[:, 0] for name in "tab"])
    assert neg_mae(forecaster, new) == pytest.approx(-np.abs(forecasts - new["y"])[truth].mean())


def test_scores_of_different_lengths():
    """A series with fewer rows than the others is scored by these alone."""
    new = pd.concat([after("b", 4), after("s", 2)])
    parts = [fitted().score(after("b", 4)), fitted().score(after("s", 2))]
    assert fitted().score(new) == pytest.approx(np.mean(parts))


# ---------------------------------------------------------------- the caller's data
def test_frames_of_the_caller_are_not_changed():
    frame, static, X, new = with_x().sample(frac=1, random_state=0), STATIC.copy(), future(), after(x=1.0)
    given = [frame, static, X, new]
    before = [copy.deepcopy(each) for each in given]
    forecaster = quick().fit(frame, future=["x"], static=static)
    forecaster.predict(X)
    forecaster.predict(X, context=frame, static=static)
    forecaster.score(new)
    forecaster.update(new)
    for each, copied in zip(given, before, strict=True):
        pd.testing.assert_frame_equal(each, copied)


# ---------------------------------------------------------------- columns as series
def test_columns_as_series_take_arrays_in_updates_and_make_future_gives_their_steps():
    """An array follows by position; the frame of the steps ahead has one row for each step, not for each series."""
    days = pd.date_range("2024-01-01", periods=32)
    wide = pd.DataFrame({name: np.sin(np.arange(32) / 3 + k) for k, name in enumerate("abc")}, days)
    X = pd.DataFrame({"p": np.arange(32) % 2 * 1.0}, days)
    network = GRUForecaster(
        horizon=2, context_length=4, hidden_size=2, max_epochs=1, random_state=0, multivariate="independent"
    )
    network.fit(wide[:30])
    named = clone(network).fit(wide[:30]).update(wide[30:]).predict()
    pd.testing.assert_frame_equal(network.update(wide[30:].to_numpy()).predict(), named)
    with pytest.raises(ValueError, match="leave ids out"):
        network.predict(ids=["a"])
    network.fit(X, wide)
    ahead = make_future(network, 2)
    assert list(ahead.columns) == ["p"]
    assert list(ahead.index) == [pd.Timestamp("2024-02-02"), pd.Timestamp("2024-02-03")]
    assert network.predict(ahead.assign(p=[0.0, 1.0])).shape == (2, 3)


def test_skipped_series_do_not_scale_static_covariates_and_ids_of_another_kind_are_refused():
    days = pd.date_range("2024-01-01", periods=20)
    y = pd.concat(
        pd.DataFrame({"unique_id": name, "ds": days[:n], "y": np.arange(n) + 1.0})
        for name, n in (("1", 20), ("2", 1), ("3", 18))
    )
    static = pd.DataFrame({"unique_id": ["1", "2", "3"], "size": [1.0, 1000.0, 2.0]})
    network = GRUForecaster(horizon=2, context_length=4, hidden_size=2, max_epochs=1, random_state=0)
    network.fit(y, short="skip", static=static)
    assert_array_equal(network.static_.numbers.ravel(), [-1, 1])
    network.fit(y, short="skip")
    with pytest.raises(ValueError, match=r"the ids of y_new are int64, .*astype\(str\)"):
        network.update(pd.DataFrame({"unique_id": [1], "ds": days[19:] + pd.Timedelta("1D"), "y": [1.0]}))


def test_the_scale_of_a_series_that_came_by_updates_is_that_of_all_its_rows():
    days = pd.date_range("2024-01-01", periods=60)
    values = 1000 + np.arange(60.0) % 7

    def rows(name, first, last):
        return pd.DataFrame({"unique_id": name, "ds": days[first:last], "y": values[first:last]})

    fitted = [NaiveForecaster(horizon=2).fit(rows("a", 0, 20)) for _ in range(2)]
    fitted[0].update(rows("z", 10, 11)).update(rows("z", 11, 40))
    fitted[1].update(rows("z", 10, 40))
    assert fitted[0].score(rows("z", 40, 44)) == fitted[1].score(rows("z", 40, 44)) > -10
