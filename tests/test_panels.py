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

from tsrnn import (
    ARForecaster,
    Direct,
    EarlyStopping,
    GRUForecaster,
    NaiveForecaster,
    Pinball,
    SeasonalNaiveForecaster,
    Seq2Seq,
    backtest,
    make_future,
    neg_mae,
)
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
        "loss": "mse",
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
    for k, (found, expected) in enumerate(zip(answers(one), answers(other), strict=True)):
        for name in ("bst", "b", "b", "")[k]:  # short series and paths of few windows share the errors of all series
            assert_array_equal(of(found, name), of(expected, name))
        assert (of(found, "a") != of(expected, "a")).all()


# ---------------------------------------------------------------- ids of several columns
#: Parts of the id that stands for each series; the numbers are in another order than the texts.
PARTS = {"b": ("north", 7), "a": ("south", 7), "s": ("north", 12), "t": ("east", 3), "new": ("south", 12)}
BOTH = ["store", "item"]


def with_parts(frame):
    """A table with the parts of the ids in columns of their own, before the others."""
    parts = pd.DataFrame([PARTS[name] for name in frame["unique_id"]], frame.index, BOTH)
    return pd.concat([parts, frame.drop(columns="unique_id")], axis=1)


def as_joined(frame):
    """The same series in the same order, with one column of ids."""
    order = sorted(PARTS, key=PARTS.get)
    return frame.assign(unique_id=[f"{order.index(name)} {PARTS[name]}" for name in frame["unique_id"]])


PARTED = {
    "long": with_parts,
    "levels": lambda frame: with_parts(frame).set_index([*BOTH, "ds"])[list(frame.columns.drop(["unique_id", "ds"]))],
    "series": lambda frame: with_parts(frame).set_index([*BOTH, "ds"])["y"],
    "polars": lambda frame: polars.from_pandas(with_parts(frame)),
}


def id_of(form):
    return {"id": BOTH} if form in ("long", "polars") else {}


def parted_as_long(answer):
    """Any form of an answer as a long frame."""
    if isinstance(answer, polars.DataFrame):
        return answer.to_pandas()
    return answer.reset_index() if answer.index.nlevels > 1 else answer


@pytest.mark.parametrize("form", PARTED)
def test_ids_of_several_columns(form):
    """They are the ids that one column has, in order of first appearance, with the types of their columns."""
    convert, new = PARTED[form], pd.concat([after("tb"), rows("new", 10, wave(9))])
    one, many = quick().fit(as_joined(long())), quick().fit(convert(long()), **id_of(form))
    assert_array_equal(many.theta_, one.theta_)
    for updated in (False, True):
        if updated:
            assert many.score(convert(after("sa"))) == one.score(as_joined(after("sa")))
            one.update(as_joined(new))
            many.update(convert(new))
        forecast = parted_as_long(many.predict(2))
        assert list(forecast.columns) == [*BOTH, "ds", "y"]
        names = [*"bast", "new"] if updated else "bast"
        assert list(zip(forecast["store"], forecast["item"], strict=True)) == [
            PARTS[n] for n in names for _ in range(2)
        ]
        assert forecast["item"].dtype == np.int64
        assert_array_equal(forecast["y"], one.predict(2)["y"])
        chosen = parted_as_long(many.predict(2, ids=[PARTS["s"], PARTS["b"]]))
        assert_array_equal(chosen["y"], np.concatenate([forecast["y"][4:6], forecast["y"][:2]]))
        assert_array_equal(parted_as_long(many.predict(2, ids=PARTS["s"]))["y"], chosen["y"][:2])
        context = pd.concat([long("ta"), rows("new", 3, wave(12))])
        assert_array_equal(
            parted_as_long(many.predict(2, context=convert(context)))["y"],
            one.predict(2, context=as_joined(context))["y"],
        )
        bounds = parted_as_long(many.predict_interval(2, 0.5))
        assert_array_equal(bounds.iloc[:, -2:], one.predict_interval(2, 0.5)[["lower", "upper"]])


@pytest.mark.parametrize("form", ["long", "levels", "polars"])
def test_covariates_of_ids_of_several_columns(form):
    convert, static = PARTED[form], STATIC[::-1]
    one = quick().fit(as_joined(with_x()), future=["x"], static=as_joined(static))
    expected = one.predict(as_joined(future()))
    for table in (with_parts(static), with_parts(static).set_index(BOTH), with_parts(static).set_index(BOTH[::-1])):
        many = quick().fit(convert(with_x()), future=["x"], static=table, **id_of(form))
        assert_array_equal(many.theta_, one.theta_)
    ahead = make_future(many, H)
    assert_same([parted_as_long(ahead)[[*BOTH, "ds"]]], [with_parts(after())[[*BOTH, "ds"]]])
    for X in (convert(future()), with_parts(future()), with_parts(future()).set_index([*BOTH, "ds"])):
        assert_array_equal(parted_as_long(many.predict(X))["y"], expected["y"])
    context = {"context": convert(with_x()), "static": with_parts(static)}
    assert_array_equal(parted_as_long(many.predict(convert(future()), **context))["y"], expected["y"])
    many.update(convert(after()), convert(future())) if form == "long" else many.update(convert(after(x=0.5)))
    one.update(as_joined(after()), as_joined(future()))
    X = future().assign(ds=lambda table: table["ds"] + pd.Timedelta(H, "D"))
    assert_array_equal(parted_as_long(many.predict(convert(X)))["y"], one.predict(as_joined(X))["y"])


def test_answers_of_ids_of_several_columns():
    """Samples do not depend on the form; totals, models and skipped series have both parts; categories stay."""
    frame = pd.concat([with_parts(long()), pd.DataFrame({"store": "east", "item": 9, "ds": DAYS[:1], "y": 1.0})])
    many = quick().fit(frame.astype({"store": "category"}), id=BOTH, short="skip")
    assert many.skipped_ == (("east", 9),)
    assert many.predict(1)["store"].dtype == "category"
    levels = quick().fit(frame.set_index([*BOTH, "ds"])["y"], short="skip")
    assert_array_equal(many.sample(2, 3, random_state=0).iloc[:, 3:], levels.sample(2, 3, random_state=0))
    assert list(many.predict_total(2, 0.8, random_state=0).columns[:2]) == BOTH
    assert levels.predict_total(2, 0.8, random_state=0).index.names == BOTH
    many.update(pd.DataFrame({"store": "west", "item": 1, "ds": DAYS[5:12], "y": wave(7)}))
    assert many.predict(1, ids=("west", 1))["store"].dtype.categories.tolist() == ["east", "north", "south", "west"]
    models = NaiveForecaster().fit({PARTS["a"]: pd.Series(wave(9), DAYS[:9])}).predict(1)
    assert list(models) == [PARTS["a"]]  # tuples are ids of one part as before


REFUSED = {
    "no tuple": ({"ids": ["north"]}, r"ids has 'north', but an id has 2 parts, such as \('north', 7\); pass a tuple"),
    "unknown": (
        {"ids": [("north", 1)]},
        r"ids has \('north', 1\), but the fit had no series of this id, only \('north'",
    ),
    "twice": ({"ids": [PARTS["b"], PARTS["b"]]}, r"ids has \('north', 7\) more than once"),
    "one column": ({"context": long()}, "context has no column 'store' for the ids"),
    "keys": ({"context": {"north": pd.Series(wave(9), DAYS[:9])}}, "the ids of context has 'north', but an id has 2"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_ids_of_several_columns_that_are_refused(case):
    options, match = REFUSED[case]
    with pytest.raises(ValueError, match=match):
        parted().predict(1, **options)


@cache
def parted():
    return quick().fit(with_parts(long()), id=BOTH)


FITS = {
    "twice": (BOTH[:1] * 2, r"id=\['store', 'store'\] must name one column or more, each once"),
    "none": ([], r"id=\[\] must name one column or more"),
    "the time": (["store", "ds"], r"id=\['store', 'ds'\] and time=None are the same column"),
    "no column": (["store", "shop"], "y has no column 'shop' for the ids of a long panel"),
    "a part is missing": (BOTH, r"missing id \('store', 'item'\) in row 3.*y.dropna\(subset=\['store', 'item'\]\)"),
}


@pytest.mark.parametrize("case", FITS)
def test_columns_of_ids_that_are_refused(case):
    id, match = FITS[case]
    frame = with_parts(long())
    if case == "a part is missing":
        frame.loc[3, "store"] = None
    with pytest.raises(ValueError, match=match):
        quick().fit(frame, id=id)


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


@pytest.mark.parametrize("role", ["future", "past"])
def test_a_table_of_covariates_lacks_the_rows_that_the_target_lacks(role):
    """With ``gaps="missing"`` as where the covariates are columns of the long frame; else the error names the rows."""
    y = rows("a", 0, wave(40)).assign(x=np.arange(40) % 7)
    y = pd.concat([y, y.assign(unique_id="b")])
    later, y = y[y["ds"] >= DAYS[30]], y[y["ds"] < DAYS[30]]
    y, later = y.drop(index=[9, 10]), later.drop(index=31)
    one = quick().fit(y, gaps="missing", **{role: ["x"]})
    X, alone = y.drop(columns="y"), y.drop(columns="x")
    other = quick().fit(X, alone, gaps="missing", **{role: ["x"]})
    assert_array_equal(other.theta_, one.theta_)
    one.update(later)
    other.update(later.drop(columns="x"), later.drop(columns="y"))
    assert_array_equal(other.panel_.known, one.panel_.known)
    assert_array_equal(other.panel_.past, one.panel_.past)
    with pytest.raises(
        ValueError, match=r"X has no row for series 'a' at 2024-01-21.*pass one row for each series and"
    ):
        quick().fit(X[X["ds"] != DAYS[20]], alone, gaps="missing", **{role: ["x"]})
    options = {"horizon": 2, "n_windows": 2, "fit_options": {"gaps": "missing", role: ["x"]}}
    table = pd.concat([y, later])
    found = backtest({"m": quick()}, table.drop(columns="x"), table.drop(columns="y"), **options)
    assert_array_equal(found["m"], backtest({"m": quick()}, table, **options)["m"])


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


def test_columns_that_are_static_covariates_too():
    """The mend of the error: drop them from the long frame."""
    y = long().merge(STATIC, on="unique_id")
    with pytest.raises(ValueError, match=r"without a role, 'size', 'city'; .* or drop them, also if .* of static="):
        quick().fit(y, static=STATIC)
    again = quick().fit(y.drop(columns=["size", "city"]), static=STATIC)
    assert_same(answers(again), answers(quick().fit(long(), static=STATIC)))


WRONG_STATIC = {
    "a number": (3, TypeError, "static has type int"),
    "other columns": (
        STATIC.rename(columns={"size": "sizes"}),
        ValueError,
        r"static has the columns \['sizes', 'city'\]",
    ),
    "an id twice": (pd.concat([STATIC, STATIC[:1]]), ValueError, "static has more than one row for the id"),
}


@pytest.mark.parametrize("case", WRONG_STATIC)
def test_static_covariates_of_an_update_without_new_series_are_checked(case):
    static, error, message = WRONG_STATIC[case]
    forecaster = quick().fit(long(), static=STATIC)
    new = after("ta")
    before = answers(copy.deepcopy(forecaster).update(new))
    with pytest.raises(error, match=message):
        forecaster.update(new, static=static)
    others = pd.concat([STATIC, pd.DataFrame({"unique_id": ["other"], "size": [1.0], "city": ["x"]})])
    assert_same(answers(forecaster.update(new, static=others)), before)  # rows of others are ignored


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
    for k, (found, other) in enumerate(zip(answers(forecaster), expected, strict=True)):
        assert set(found["unique_id"]) == {*SPANS, "new", "c"}
        if k == 0 or "loss" in options:  # a context brings no errors to intervals, as an update does
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


# ---------------------------------------------------------------- updates across gaps
#: Working days without two holidays, as the steps of a panel; and times of no frequency.
WORKING = pd.bdate_range("2024-01-01", periods=64).drop([pd.Timestamp("2024-03-18"), pd.Timestamp("2024-03-25")])
IRREGULAR = DAYS[:70] + pd.to_timedelta(np.random.default_rng(0).integers(0, 24, 70), "h")
COMPRESSED = {"D": (WORKING, "D"), "B": (WORKING, "B"), "inferred": (WORKING, None), "none": (IRREGULAR, None)}


def on(times, frame):
    """A long frame whose days are these times."""
    return frame.assign(ds=times[frame["ds"].map(DAYS.get_loc)])


@pytest.mark.parametrize("case", COMPRESSED)
def test_updates_of_rows_that_are_the_steps(case):
    """New rows are the next steps, also after a weekend or a holiday: as on consecutive days."""
    times, freq = COMPRESSED[case]
    forecaster = quick(season_lengths=7).fit(on(times, long("ba")), gaps="compress", freq=freq)
    expected = quick(season_lengths=7).fit(long("ba"))
    new = pd.concat([rows("b", 60, [3.0]), rows("a", 49, [1.0, 5.0]), rows("new", 20, wave(30))])
    assert forecaster.score(on(times, new[:3])) == expected.score(new[:3])
    forecaster.update(on(times, new))
    expected.update(new)
    assert_array_equal(forecaster.panel_.values, expected.panel_.values)
    joined = on(times, pd.concat([long("ba"), new]))
    last = joined.groupby("unique_id", sort=False)["ds"].max()
    target = forecaster.target_
    assert target.grid[target.end - 1].tolist() == last.tolist()
    for s, name in enumerate(target.ids):
        kept = joined.loc[joined["unique_id"] == name, "ds"].tolist()
        assert target.labels(s).tolist() == kept[: target.n_rows[s]]
    ahead = times[62:65] if case == "none" else pd.DatetimeIndex(["2024-04-01", "2024-04-02", "2024-04-08"])
    forecast = forecaster.predict(ahead)
    assert forecast["ds"].tolist() == [*ahead] * 3
    assert_array_equal(forecast["y"], expected.predict(3)["y"])
    again = on(times, rows("b", 61, [4.0])) if case == "none" else rows("b", 0, [4.0]).assign(ds=ahead[0])
    forecaster.update(again)
    assert forecaster.target_.grid[forecaster.target_.end[0] - 1] == again["ds"].iloc[0]
    with pytest.raises(ValueError, match=r"series 'a' begins at 2024-.* end at 2024-.*leave out the rows that are kn"):
        forecaster.update(on(times, rows("a", 50, [1.0])))


def test_covariates_of_steps_that_rows_make():
    """The rows of X after the end are the steps, across a holiday and without a frequency, also after an update."""
    expected = copy.deepcopy(with_future()).update(after(x=0.25))
    X = future(x=[0.5, 2.0, 1.0] * 4)
    X["ds"] += pd.Timedelta(H, "D")
    for times in (WORKING.append(pd.bdate_range("2024-03-29", periods=8)), IRREGULAR):
        forecaster = quick(season_lengths=7).fit(on(times, with_x()), future=["x"], gaps="compress")
        forecaster.update(on(times, after(x=0.25)))
        forecast = forecaster.predict(on(times, X).sample(frac=1, random_state=1))
        assert_array_equal(forecast["y"], expected.predict(X)["y"])
        assert forecast["ds"].tolist() == on(times, X)["ds"].tolist()
        chosen = forecaster.predict(on(times, X), ids=["s", "a"])
        assert_array_equal(of(chosen, "s"), of(forecast, "s"))
        with pytest.raises(ValueError, match=r"X has 2 rows after the end of series 'b', but 3 .*'a'; .* with ids="):
            forecaster.predict(on(times, X[1:]))


def test_irregular_times_in_a_zone():
    """Another zone is accepted if the instants are those of the steps that follow."""
    forecaster = quick().fit(zoned(on(IRREGULAR, long("ba")), "UTC"), gaps="compress")
    new = pd.concat([rows("b", 60, [3.0, 4.0]), rows("a", 49, [1.0])])
    forecaster.update(zoned(on(IRREGULAR, new), "UTC", "Asia/Tokyo"))
    assert str(forecaster.index_.tz) == "UTC"
    assert forecaster.index_[-1] == IRREGULAR[61].tz_localize("UTC")
    expected = quick(season_lengths=[]).fit(long("ba")).update(new).predict(1)
    forecast = forecaster.predict(IRREGULAR[63:64].tz_localize("UTC").tz_convert("Asia/Tokyo"))
    assert_array_equal(forecast["y"], expected["y"])
    assert forecast["ds"].tolist() == [IRREGULAR[63].tz_localize("UTC")] * 2
    with pytest.raises(ValueError, match="times of y_new have the time zone none, but those of y have UTC"):
        forecaster.update(on(IRREGULAR, rows("b", 62, [3.0])))


def zoned(frame, zone, other=None):
    times = frame["ds"].dt.tz_localize(zone)
    return frame.assign(ds=times if other is None else times.dt.tz_convert(other))


def test_irregular_integers():
    steps = pd.Index([*range(0, 60, 2), 61])
    frame = pd.DataFrame({"unique_id": "a", "ds": steps, "y": wave(31)})
    forecaster = quick().fit(frame, gaps="compress")
    assert not forecaster.target_.has_steps
    new = pd.DataFrame({"unique_id": ["a", "a", "n", "n"], "ds": [63, 70, 3, 62], "y": [1.0, 2.0, 3.0, 4.0]})
    forecast = forecaster.update(new).predict([71, 75])
    assert forecast["ds"].tolist() == [71, 75] * 2
    assert forecaster.target_.labels(1).tolist() == [3, 62]
    expected = quick(season_lengths=[]).fit(rows("a", 0, wave(31)))
    expected.update(pd.concat([rows("a", 31, [1.0, 2.0]), rows("n", 3, [3.0, 4.0])]))
    assert_array_equal(forecast["y"], expected.predict(2)["y"])


STEPS = {
    "early": (WORKING[48:51], "holds 2024-03-07, but series 'b' ends at 2024-03-26; pass later steps, or choose"),
    "unsorted": (WORKING[[61, 60]], "horizon has .* after .*; pass each step once, sorted"),
    "off the grid": (pd.DatetimeIndex(["2024-04-06"]), "holds 2024-04-06, which is no step .* use its frequency"),
    "kind": (np.arange(3), "horizon holds int64 labels|horizon .*integer"),
}


@pytest.mark.parametrize("case", STEPS)
def test_labels_of_steps_that_are_refused(case):
    labels, match = STEPS[case]
    forecaster = quick().fit(on(WORKING, long("ba")), gaps="compress", freq="B")
    with pytest.raises(ValueError, match=match):
        forecaster.predict(labels)


@pytest.mark.parametrize("columns", [{}, {"past": ["x"]}, {"future": ["x"]}], ids=str)
def test_updates_fill_missing_steps(columns):
    """Steps between the last row and the first new one become missing, as a fit to all rows reads them."""
    frame = with_x() if columns else long()
    frame = frame.drop(index=[30, 70])
    new = after(n=5, **({"x": 2.0} if columns else {}))
    new = pd.concat(
        [new.drop(index=[0, 1, 5, 8, 15]), rows("new", 8, wave(7)).assign(**({"x": 2.0} if columns else {}))]
    )
    forecaster = quick().fit(frame, gaps="missing", **columns)
    forecaster.update(new)
    refitted = quick().fit(pd.concat([frame, new]), gaps="missing", **columns)
    order = np.argsort(forecaster.target_.ids.take(forecaster._order))
    found = forecaster.panel_.take(order)
    for name in ("values", "observed", "known", "past", "indptr"):
        assert_array_equal(getattr(found, name), getattr(refitted.panel_, name))
    assert dict(zip(forecaster.target_.ids, forecaster.target_.end, strict=True)) == dict(
        zip(refitted.target_.ids, refitted.target_.end, strict=True)
    )


def test_scores_and_validation_after_missing_steps():
    """A row after a hole is compared with the forecast of its own step."""
    forecaster = quick().fit(long(), gaps="missing")
    new = after("b", 4)
    assert forecaster.score(new[2:]) == forecaster.score(new.assign(y=with_gaps(new["y"].to_numpy(), [0, 1])))
    stopping = EarlyStopping(validation=after("b", 9)[2:])
    filled = EarlyStopping(validation=after("b", 9).assign(y=lambda y: with_gaps(y["y"].to_numpy(), [0, 1])))
    one, other = (quick(early_stopping=each).fit(long(), gaps="missing") for each in (stopping, filled))
    assert_array_equal(one.theta_, other.theta_)


def test_far_steps_are_refused(monkeypatch):
    far = rows("b", 0, [1.0]).assign(ds=pd.Timestamp("2030-01-01"))
    forecaster = quick().fit(long(), gaps="missing")
    monkeypatch.setattr("tsrnn.frame.panel._SMALL", 1000)
    with pytest.raises(ValueError, match=r"would add 2,132 rows of 'D' to the 1 rows of y_new, .* series 'b'; check"):
        forecaster.update(far)
    monkeypatch.setattr("tsrnn.frame.panel_grid._MAX_LABELS", 2000)
    with pytest.raises(
        ValueError, match=r"y_new has 2030-01-01, more than 2,000 steps of 'D' after .*2024-01-01; check"
    ):
        forecaster.update(far)


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


WIDE = pd.DataFrame({name: wave(40, seed=k) for k, name in enumerate("cab")}, DAYS[:40])


def as_melted(wide):
    return wide.rename_axis(index="ds", columns="unique_id").melt(ignore_index=False, value_name="y").reset_index()


def by_column(**options):
    return quick(multivariate="independent", **options)


def test_columns_as_series_answer_for_dates():
    forecaster, joint = by_column().fit(WIDE), quick().fit(WIDE)
    dates = DAYS[[43, 41, 40]]
    forecast = forecaster.predict(dates)
    pd.testing.assert_index_equal(forecast.index, joint.predict(dates).index)
    pd.testing.assert_frame_equal(forecast, forecaster.predict(4).loc[dates], check_freq=False)
    pd.testing.assert_frame_equal(forecaster.predict(dates[::-1][:2]), forecaster.predict(2))
    bounds = forecaster.predict_interval(dates, 0.5)
    pd.testing.assert_frame_equal(bounds, forecaster.predict_interval(4, 0.5).loc[dates], check_freq=False)
    later = forecaster.predict(dates + pd.Timedelta("1D"), context=WIDE.shift(1, freq="D"))
    assert_array_equal(later, forecast)
    with pytest.raises(ValueError, match="horizon holds 2024-02-08, which is not after the end of the series"):
        forecaster.predict(DAYS[38:41])
    with pytest.raises(TypeError, match=r"it is a number of steps, or labels of the steps"):
        forecaster.predict(np.ones((2, 2)))


@pytest.mark.parametrize("convert", [lambda wide: wide.to_numpy(), polars.from_pandas], ids=["array", "polars"])
def test_columns_as_series_take_contexts_without_labels(convert):
    """They are the columns of the fit, by position, and keep the scales that these have there."""
    forecaster = by_column().fit(WIDE)
    context = WIDE.iloc[5:35] * 1.5
    expected = forecaster.predict(2, context=context)
    found = forecaster.predict(2, context=convert(context))
    assert type(found) is type(convert(context))
    assert_array_equal(np.asarray(found), expected)
    assert_array_equal(expected["a"], by_long().predict(2, context=as_melted(context), ids=None)["y"][2:4])
    with pytest.raises(ValueError, match=r"context has the columns \['a'.*but the fit had"):
        forecaster.predict(2, context=context[list("abc")])
    with pytest.raises(ValueError, match="context"):
        forecaster.predict(2, context=context.set_axis(pd.date_range("2024-01-01", periods=30, freq="h")))


@cache
def by_long():
    return quick().fit(as_melted(WIDE))


def test_columns_as_series_take_contexts_beside_covariates():
    """X labels an array, as it does for one series."""
    X = pd.DataFrame({"p": np.sin(np.arange(50.0) ** 2)}, DAYS[:50])
    forecaster, joint = by_column().fit(X[:40], WIDE), quick().fit(X[:40], WIDE)
    context = WIDE[10:35]
    expected = forecaster.predict(X[10:37], context=context)
    assert_array_equal(forecaster.predict(X[10:37], context=context.to_numpy()), expected)
    assert_array_equal(forecaster.predict(X[10:37].to_numpy(), context=context.to_numpy()), expected)
    assert expected.index.equals(joint.predict(X[10:37], context=context).index)


def test_static_covariates_of_columns():
    static = pd.DataFrame({"size": [1.0, 4.0, 2.0], "city": ["x", "y", "x"]}, index=list("abc"))
    named = static.rename_axis("unique_id").reset_index()
    trained = {"early_stopping": False}
    forecaster = by_column(**trained).fit(WIDE, static=static)
    many = quick(**trained).fit(as_melted(WIDE), static=named)
    assert_array_equal(forecaster.theta_, many.theta_)
    assert_array_equal(by_column(**trained).fit(WIDE, static=named).theta_, many.theta_)
    forecast = forecaster.predict(2)
    assert_array_equal(forecast.to_numpy().T.ravel(), many.predict(2)["y"])
    assert_array_equal(forecaster.predict(2, context=WIDE), forecast)
    assert (forecaster.predict(2, context=WIDE, static=static.assign(size=9.0)) != forecast).to_numpy().all()
    forecaster.update(WIDE.iloc[:2].set_axis(DAYS[40:42]))
    assert_array_equal(
        forecaster.predict(2), forecaster.predict(2, context=pd.concat([WIDE, WIDE[:2]]).set_axis(DAYS[:42]))
    )
    with pytest.raises(ValueError, match="static has no row for 1 of 3 ids: 'b'"):
        by_column().fit(WIDE, static=static.drop(index="b"))
    with pytest.raises(ValueError, match=r"(?s)static=.* is for panels, but y is one series or a wide frame"):
        quick().fit(WIDE, static=static)


@pytest.mark.parametrize("has_known", [False, True])
def test_covariates_of_the_past_of_columns_are_those_of_a_panel_with_the_same_for_each_id(has_known):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"p": rng.normal(size=46), "wind": rng.normal(size=46)}, DAYS[:46])
    X.iloc[5, 1] = np.nan
    X = X if has_known else X[["wind"]]
    roles = {"future": ["p"] if has_known else [], "past": ["wind"]}

    def melted(wide, X):
        return as_melted(wide).merge(X.rename_axis("ds").reset_index())

    def ahead(X, first):
        rows = X[["p"]].loc[DAYS[first] : DAYS[first + 1]].rename_axis("ds").reset_index()
        return rows.merge(pd.DataFrame({"unique_id": list("cab")}), how="cross")

    new = WIDE.iloc[:3].set_axis(DAYS[40:43])
    forecaster, many = by_column().fit(X[:40], WIDE, past=["wind"]), quick().fit(melted(WIDE, X[:40]), **roles)
    assert forecaster.past_names_ == ["wind"]
    assert_array_equal(forecaster.theta_, many.theta_)

    def answers(first, **given):
        return forecaster.predict(X[["p"]][first : first + 2] if has_known else 2, **given).to_numpy().T.ravel()

    def expected(first, **given):
        found = many.predict(ahead(X, first) if has_known else 2, **given)
        return found.set_index("unique_id").loc[list("cab"), "y"]

    assert_array_equal(answers(40), expected(40))
    context = WIDE.iloc[5:35] * 1.5
    unknown = X[5:37].copy()
    unknown.loc[DAYS[35:37], "wind"] = np.nan
    found = forecaster.predict(unknown, context=context)
    assert_array_equal(found.to_numpy().T.ravel(), expected(35, context=melted(context, X[5:35])))
    assert_array_equal(forecaster.predict(X[5:37], context=context), found)  # nothing of the past is read ahead
    assert forecaster.score(X[40:43], new) == many.score(melted(new, X[40:43]))
    forecaster.update(new, X[40:43]), many.update(melted(new, X[40:43]))
    assert_array_equal(answers(43), expected(43))
    with pytest.raises(ValueError, match=r"had the covariates .*'wind'.*; pass the same ones for y_new"):
        forecaster.update(WIDE.iloc[:1].set_axis(DAYS[43:44]))
    with pytest.raises(TypeError, match=r"pass X with the rows of .*'wind'.* for context and the steps after it"):
        forecaster.predict(2, context=context)


def test_a_column_may_be_a_covariate_of_the_past_of_the_others():
    X = WIDE[["a"]].set_axis(["copy"], axis=1)
    with pytest.raises(ValueError, match=r"X\['copy'\] equals y\['a'\], the target, at every step"):
        by_column().fit(X, WIDE)
    forecaster = by_column().fit(X, WIDE, past=["copy"])
    twin = by_column().fit(X.to_numpy(), WIDE.to_numpy(), past=["x0"])
    assert_array_equal(forecaster.predict(2), twin.predict(2))
    table = backtest({"gru": by_column()}, WIDE, X, horizon=2, n_windows=2, fit_options={"past": ["copy"]})
    one = by_column().fit(X[:36], WIDE[:36], past=["copy"]).predict(2)
    first = table[table["cutoff"] == DAYS[35]].pivot_table(index="ds", columns="unique_id", values="gru")
    assert_array_equal(first[list("cab")], one)
    with pytest.raises(ValueError, match="past has 'q', but X has no such column"):
        by_column().fit(X, WIDE, past=["copy", "q"])
    for name in ("past", "future"):
        with pytest.raises(ValueError, match=rf"table of their own, fit\(X, y, {name}=\['a'\]\)"):
            by_column().fit(WIDE, **{name: ["a"]})
    with pytest.raises(ValueError, match=r"past=.* is for panels, but y is one series or a wide frame"):
        quick().fit(X, WIDE, past=["copy"])


@pytest.mark.parametrize(("name", "value"), [("freq", "D"), ("gaps", "missing"), ("time", "ds"), ("short", "skip")])
def test_columns_as_series_are_no_long_frames(name, value):
    with pytest.raises(
        ValueError, match=rf"{name}=.* but y is a wide frame; .* pass a long frame, y\.rename"
    ) as raised:
        by_column().fit(WIDE, **{name: value})
    mend = str(raised.value).partition("pass a long frame, ")[2]
    assert_array_equal(by_column().fit(eval(mend, {"y": WIDE})).theta_, by_column().fit(WIDE).theta_)
    pd.testing.assert_frame_equal(eval(mend, {"y": WIDE}), as_melted(WIDE), check_like=True)
    named = WIDE.set_axis(["ds", "y", "unique_id"], axis=1)  # columns whose names are those of a long frame
    assert_array_equal(eval(mend, {"y": named})["y"], WIDE.to_numpy().ravel("F"))
    with pytest.raises(ValueError, match=rf"{name}=.* leave it out, or pass a long frame"):
        by_column().fit(WIDE.to_numpy(), **{name: value})


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


def test_a_season_of_a_panel_with_closed_days_counts_the_rows_that_exist():
    days = pd.date_range("2024-01-01", periods=70)
    open_days = days[days.day_of_week < 6]
    frame = pd.DataFrame({"unique_id": "a", "ds": open_days, "y": open_days.day_of_week.astype(float)})
    forecaster = SeasonalNaiveForecaster().fit(frame, gaps="compress")
    assert forecaster.season_lengths_ == (6,)
    with pytest.raises(
        ValueError, match=r"y has gaps that gaps='compress' leaves out, .* pass their labels, .* freq='B'"
    ):
        forecaster.predict(3)
    following = pd.date_range(open_days[-1], periods=9)[1:]
    following = following[following.day_of_week < 6]
    assert_array_equal(forecaster.predict(following)["y"], following.day_of_week)
    calendar = pd.offsets.CustomBusinessDay(weekmask="Mon Tue Wed Thu Fri Sat")
    counted = SeasonalNaiveForecaster(season_lengths=6).fit(frame, gaps="compress", freq=calendar)
    assert counted.predict(len(following))["ds"].tolist() == following.tolist()
    hours = pd.date_range("2024-01-01", periods=24 * 42, freq="h")
    hours = hours[(hours.hour >= 9) & (hours.hour < 17) & (hours.day_of_week < 5)]
    frame = pd.DataFrame({"unique_id": "a", "ds": hours, "y": 1.0})
    assert ARForecaster(lags=1).fit(frame, gaps="compress", freq="h").season_lengths_ == (8, 40)


# ---------------------------------------------------------------- rows that are the steps
WORKDAYS = pd.bdate_range("2024-01-01", periods=40)
ODD_DAYS = DAYS[np.cumsum(np.random.default_rng(0).integers(1, 4, 40))]


@pytest.mark.parametrize(("days", "freq"), [(WORKDAYS, "B"), (WORKDAYS, None), (ODD_DAYS, None)])
def test_attention_to_rows_that_came_by_updates_with_gaps(days, freq):
    """The labels of the context are those of its last rows, whatever steps the updates left out."""
    table = pd.concat([pd.DataFrame({"unique_id": id, "ds": days, "y": wave(40, seed=s)}) for s, id in enumerate("ab")])
    table = table[~table["ds"].isin(days[[5, 26, 30]])]
    ids, times = table["unique_id"], table["ds"]
    forecaster = quick(strategy=Seq2Seq(attention="dot"), context_length=6)
    forecaster.fit(table[times < days[24]], gaps="compress", freq=freq)
    forecaster.update(table[(ids == "a") & (times >= days[25]) & (times < days[29])])  # without day 24
    forecaster.update(table[(ids == "b") & (times >= days[26]) & (times < days[30])])
    forecaster.update(table[(ids == "a") & (times >= days[29]) & (times < days[32])])
    steps = pd.DatetimeIndex([days[33]])
    a = table[(ids == "a") & (times < days[32]) & (times != days[24])]
    b = table[(ids == "b") & (times < days[30]) & ~times.isin(days[24:26])]
    for id, rows_of in (("a", a), ("b", b)):
        weights = forecaster.attention_weights(1 if freq else steps, ids=id)
        assert weights.columns.tolist() == rows_of["ds"].tolist()[-6:]
