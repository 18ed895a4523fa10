"""Tables of other libraries than pandas: reading, results, errors, and the expressions that errors suggest."""

from __future__ import annotations

import datetime
import decimal
import pickle
import re

import narwhals
import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import TimeSeriesSplit, cross_val_score

from tsrnn import ARForecaster, LSTMForecaster, LSTMRegressor, Seq2Seq
from tsrnn.frame import mae, mase, read_table, read_target, rmse, seasonal_naive, smape
from tsrnn.frame.tables import NativeFormat
from tsrnn.plotting import plot_attention, plot_forecast

N, H = 60, 6
DAYS = pd.date_range("2024-02-20", periods=N + H, name="day")
HOURS = pd.date_range("2024-10-26", periods=N + H, freq="h", tz="Europe/Berlin", name="time")  # contains a clock change


def wide(index):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=N + H).cumsum(), "b": rng.normal(size=N + H).cumsum()}, index)


def covariates(index):
    return pd.DataFrame(np.random.default_rng(1).normal(size=(N + H, 2)), index, ["x", "z"])


def to_polars(table, *types):
    """Convert to polars, with the dates as a middle column, because their position must not matter."""
    index, (first, *rest) = table.index, table.columns
    dates = polars.Series(index.name, index.tz_convert("UTC").tz_localize(None) if index.tz else index)
    if index.tz:
        dates = dates.dt.replace_time_zone("UTC").dt.convert_time_zone(str(index.tz))
    for dtype in types:
        dates = dates.cast(dtype)
    columns = {name: table[name].to_numpy() for name in table}
    return polars.DataFrame({first: columns[first], index.name: dates, **{name: columns[name] for name in rest}})


def to_arrow(table, *types):
    return to_polars(table, *types).to_arrow()


def with_type(arrow_type):
    def convert(table):
        arrow = to_arrow(table)
        column = arrow.schema.get_field_index(table.index.name)
        return arrow.set_column(column, table.index.name, arrow.column(column).cast(arrow_type))

    return convert


#: Tables with dates: the function that makes one, and its index.
MAKERS = {
    "polars Date": (lambda t: to_polars(t, polars.Date), DAYS),
    "polars Datetime": (to_polars, DAYS),
    "polars ms": (lambda t: to_polars(t, polars.Datetime("ms")), DAYS),
    "polars zone": (to_polars, HOURS),
    "pyarrow date32": (with_type(pyarrow.date32()), DAYS),
    "pyarrow date64": (with_type(pyarrow.date64()), DAYS),
    "pyarrow s": (with_type(pyarrow.timestamp("s")), DAYS),
    "pyarrow ns": (with_type(pyarrow.timestamp("ns")), DAYS),
    "pyarrow zone": (to_arrow, HOURS),
    "pyarrow offset": (with_type(pyarrow.timestamp("us", "+01:00")), HOURS),
}


@pytest.fixture(params=MAKERS)
def case(request):
    make, index = MAKERS[request.param]
    return make, wide(index), covariates(index)


def to_pandas(table):
    """Convert a table by its own method, with the first column as index."""
    frame = table.to_pandas(**({"date_as_object": False} if isinstance(table, pyarrow.Table) else {}))
    return frame.set_index(frame.columns[0])


def ar():
    return ARForecaster(lags=2, horizon=3)


# ------------------------------------------------------------ what comes back
def date_type(table):
    if isinstance(table, polars.DataFrame):
        return {name: dtype for name, dtype in table.schema.items() if dtype.is_temporal()}
    return {field.name: field.type for field in table.schema if pyarrow.types.is_temporal(field.type)}


def test_results_equal_those_of_pandas(case):
    make, y, _ = case
    table = make(y[:N])
    ours, theirs = ar().fit(table), ar().fit(y[:N])
    for method, options in (
        ("predict", {}),
        ("predict_interval", {}),
        ("predict_interval", {"coverage": [0.5, 0.9]}),
        ("predict_quantiles", {}),
        ("predict_quantiles", {"quantiles": 0.5}),
        ("sample", {"n_paths": 3, "random_state": 0}),
    ):
        answer, expected = getattr(ours, method)(**options), getattr(theirs, method)(**options)
        assert type(answer) is type(table)
        assert date_type(answer) == date_type(table)
        plain = to_pandas(answer)
        assert plain.index.name == y.index.name
        assert [*plain.index] == [*expected.index]
        assert_array_equal(plain.to_numpy(), expected.to_numpy())


def test_all_methods_read_dates(case):
    make, y, _ = case
    table, after = make(y[:N]), make(y[N:])
    ours, theirs = ar().fit(table), ar().fit(y[:N])
    assert ours.score(after) == theirs.score(y[N:])
    assert_array_equal(to_pandas(ours.predict(3, context=make(y[:40]))), theirs.predict(3, context=y[:40]))
    dates = after[y.index.name]
    assert_array_equal(to_pandas(ours.predict(dates[2:4])), theirs.predict(y.index[N + 2 : N + 4]))
    assert_array_equal(to_pandas(ours.update(after).predict(2)), theirs.update(y[N:]).predict(2))
    with pytest.raises(ValueError, match="overlap: y_new begins at 2024"):
        ours.update(after)


def test_libraries_are_mixed_by_dates(case):
    make, y, x = case
    expected = ar().fit(x[:N], y[:N]).predict(x[N:])
    assert_array_equal(to_pandas(ar().fit(make(x[:N]), make(y[:N])).predict(make(x[N:]))), expected)
    assert_array_equal(to_pandas(ar().fit(x[:N], make(y[:N])).predict(x[N:])), expected)
    pd.testing.assert_frame_equal(ar().fit(make(x[:N]), y[:N]).predict(make(x[N:])), expected)
    assert_array_equal(ar().fit(make(x[:N]), y[:N].to_numpy()).predict(make(x[N:])), expected)
    later = ar().fit(y[:N]).update(y[N:]).predict(2)
    assert_array_equal(to_pandas(ar().fit(make(y[:N])).update(y[N:]).predict(2)), later)
    pd.testing.assert_frame_equal(ar().fit(y[:N]).update(make(y[N:])).predict(2), later)
    with pytest.raises(ValueError, match="X has no row for 2024"):
        ar().fit(make(x[1 : N + 1]), y[:N])
    other = x[:N].tz_localize(None) if x.index.tz else x[:N].tz_localize("UTC")
    with pytest.raises(ValueError, match="the index of X has the time zone"):
        ar().fit(other, make(y[:N]))


def test_names_of_columns():
    y = wide(DAYS)[:N]
    fit = ar().fit(to_polars(y))
    assert fit.predict().columns == ["day", "a", "b"]
    assert fit.predict_interval().columns == ["day", "a_lower", "a_upper", "b_lower", "b_upper"]
    several = fit.predict_interval(coverage=[0.5, 0.95]).columns[1:5]
    assert several == ["a_lower_0.5", "a_upper_0.5", "a_lower_0.95", "a_upper_0.95"]
    assert fit.predict_quantiles(quantiles=[0.1, 0.5]).columns[1:3] == ["a_quantile_0.1", "a_quantile_0.5"]
    assert fit.sample(n_paths=2).columns[3:] == ["b_path_0", "b_path_1"]
    one = ar().fit(polars.Series("a", y.a))
    assert one.predict_interval().columns == ["lower", "upper"]
    assert one.predict_interval(coverage=[0.5]).columns == ["lower_0.5", "upper_0.5"]
    assert one.predict_quantiles().columns == ["quantile_0.1", "quantile_0.5", "quantile_0.9"]
    assert one.sample(n_paths=2).columns == ["path_0", "path_1"]
    with pytest.raises(
        ValueError, match="the column of dates has the name 'a_lower', and so has a column of the result"
    ):
        ar().fit(to_polars(y).rename({"day": "a_lower"})).predict_interval()


def test_rows_without_dates_follow_by_position():
    y = wide(DAYS)
    expected = ar().fit(y[:N].to_numpy()).update(y[N:].to_numpy()).predict()
    for table, more in (
        (polars.DataFrame({"a": y.a[:N], "b": y.b[:N]}), polars.DataFrame({"a": y.a[N:], "b": y.b[N:]})),
        (pyarrow.table({"a": y.a[:N], "b": y.b[:N]}), pyarrow.table({"a": y.a[N:], "b": y.b[N:]})),
    ):
        answer = ar().fit(table).update(more).predict()
        assert type(answer) is type(table)
        assert_array_equal(answer.to_pandas(), expected)
        assert ar().fit(table).score(more) == ar().fit(y[:N].to_numpy()).score(y[N:].to_numpy())


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda v: polars.Series("a", v), polars.Series),
        (lambda v: pyarrow.chunked_array([v[:7], v[7:]]), pyarrow.ChunkedArray),
        (pyarrow.array, pyarrow.ChunkedArray),
    ],
)
def test_series(make, kind):
    v = wide(DAYS).a.to_numpy()
    fit = ar().fit(make(v[:N])).update(make(v[N:]))
    answer = fit.predict()
    assert isinstance(answer, kind)
    assert getattr(answer, "name", "a") == "a"
    assert_array_equal(answer.to_numpy(), ar().fit(v[:N]).update(v[N:]).predict())
    x = covariates(DAYS).to_numpy()
    beside = ar().fit(x[:N], make(v[:N])).predict(x[N:])
    assert_array_equal(beside.to_numpy(), ar().fit(x[:N], v[:N]).predict(x[N:]))
    one = ar().fit(make(x[:N, 0]), v[:N]).predict(make(x[N:, 0]))
    assert_array_equal(one, ar().fit(x[:N, 0], v[:N]).predict(x[N:, 0]))


def test_attention_weights_and_plots():
    y = wide(DAYS)[["a"]]
    network = LSTMForecaster(
        strategy=Seq2Seq(attention="dot"),
        max_epochs=1,
        horizon=2,
        context_length=4,
        hidden_size=2,
        early_stopping=False,
        random_state=0,
    )
    table = to_polars(y[:N], polars.Date)
    weights = network.fit(table).attention_weights()
    expected = network.fit(y[:N]).attention_weights()
    assert weights.columns == ["day", *(str(day.date()) for day in y.index[N - 4 : N])]
    assert weights["day"].to_list() == [day.date() for day in y.index[N : N + 2]]
    assert_array_equal(weights.drop("day").to_numpy(), expected.to_numpy())
    assert_allclose(plot_attention(weights).images[0].get_array(), expected.to_numpy())
    from matplotlib import pyplot

    ours, theirs = (plot_forecast(s, network.fit(s).predict(2)) for s in (table, y[:N]))
    for one, other in zip(ours.lines, theirs.lines, strict=True):
        assert_array_equal(one.get_xydata(), other.get_xydata())
    lines = plot_forecast(polars.Series("a", y.a), polars.Series("a", [1.0, 2.0])).lines
    assert lines[-1].get_xdata().tolist() == [N + H - 1, N + H, N + H + 1]
    pyplot.close("all")


def test_pickle_and_cross_validation(case):
    make, y, x = case
    fit = ar().fit(make(y[:N]))
    again = pickle.loads(pickle.dumps(fit)).predict()
    assert again.equals(fit.predict())
    folds = TimeSeriesSplit(2, test_size=3)
    assert_array_equal(cross_val_score(ar(), make(y), cv=folds), cross_val_score(ar(), y, cv=folds))
    assert_array_equal(cross_val_score(ar(), make(x), make(y), cv=folds), cross_val_score(ar(), x, y, cv=folds))


# ------------------------------------------------------------ what is read
def test_numeric_types():
    columns = {
        "int": polars.Series([1, None, 2**31 - 1], dtype=polars.Int32),
        "byte": polars.Series([1, None, 255], dtype=polars.UInt8),
        "big": polars.Series([2**53 - 1, None, 3], dtype=polars.UInt64),
        "huge": polars.Series([2**100, None, 3], dtype=polars.Int128),
        "float": polars.Series([1.5, None, float("nan")], dtype=polars.Float32),
        "bool": polars.Series([True, None, False]),
        "decimal": polars.Series([decimal.Decimal("1.25"), None, decimal.Decimal(2)]),
    }
    expected = [
        [1, np.nan, 2.0**31 - 1],
        [1, np.nan, 255],
        [2.0**53 - 1, np.nan, 3],
        [2.0**100, np.nan, 3],
        [1.5, np.nan, np.nan],
        [1, np.nan, 0],
        [1.25, np.nan, 2],
    ]
    for table in (polars.DataFrame(columns), polars.DataFrame({n: c for n, c in columns.items() if n != "huge"})):
        rows = [row for name, row in zip(columns, expected, strict=True) if name in table.columns]
        assert_array_equal(read_target(table).values, np.array(rows).T)
    arrow = table.to_arrow()
    assert_array_equal(read_target(arrow).values, np.array(rows).T)
    assert read_target(pyarrow.table({"a": pyarrow.array([2**60 + 1, None])})).values[0, 0] == float(2**60 + 1)
    assert not read_target(arrow).observed[1].any()


def test_the_input_is_not_shared():
    table = to_polars(wide(DAYS))
    before = table.clone()
    target = read_target(table)
    target.values[:] = 0
    assert table.equals(before)


def test_narwhals_and_record_batches():
    y = wide(DAYS)[:N]
    expected = ar().fit(y).predict()
    pd.testing.assert_frame_equal(ar().fit(narwhals.from_native(y)).predict(), expected)
    assert isinstance(ar().fit(narwhals.from_native(to_polars(y))).predict(), polars.DataFrame)
    (batch,) = to_arrow(y).to_batches()
    assert_array_equal(to_pandas(ar().fit(batch).predict()), expected)


def test_libraries_with_an_index_keep_levels():
    """Imitates modin and cuDF: tables with an index, made by a class with the name of pandas' class."""
    answer = pd.DataFrame([[1.0, 2.0]], columns=pd.MultiIndex.from_product([["a"], ["lower", "upper"]]))
    made = NativeFormat("pandas").to_native(answer)
    pd.testing.assert_frame_equal(made, answer)
    assert NativeFormat("pandas").pandas_expression("y") == "y"


def test_columns_of_covariates_are_paired_by_name(case):
    make, y, x = case
    fit = ar().fit(make(x[:N]), make(y[:N]))
    expected = fit.predict(make(x[N:]))
    assert fit.predict(make(x[["z", "x"]][N:])).equals(expected)
    assert fit.predict(x[["z", "x"]][N:]).equals(expected)
    assert fit.score(make(x[["z", "x"]][N:]), make(y[N:])) == fit.score(make(x[N:]), make(y[N:]))
    later = fit.predict(make(x), context=make(y[:N]))
    assert later.equals(fit.predict(make(x[["z", "x"]]), context=make(y[:N])))
    fit.update(make(y[N : N + 2]), make(x[["z", "x"]][N : N + 2]))
    again = ar().fit(make(x[:N]), make(y[:N])).update(make(y[N : N + 2]), make(x[N : N + 2]))
    assert fit.predict(make(x[N + 2 :])).equals(again.predict(make(x[N + 2 :])))
    for wrong in (x[["x"]], x.assign(w=0.0), x.rename(columns={"x": "w"})):
        with pytest.raises(ValueError, match=r"X has (\d covariates|the columns \['w', 'z'\]), but the fit had"):
            ar().fit(make(x[:N]), make(y[:N])).predict(make(wrong[N:]))


def test_columns_with_missing_names_and_duplicates():
    y, x = wide(DAYS).a.to_numpy(), covariates(DAYS).to_numpy()
    for names in ([np.nan, 1.0], [("a", 1), ("a", 2)], [None, "x"], ["x", "x"]):
        columns = pd.Index(names, tupleize_cols=False)
        fit = ar().fit(pd.DataFrame(x[:N], columns=columns), y[:N])
        expected = fit.predict(
            pd.DataFrame(x[N:], DAYS[N:], columns=columns).reset_index(drop=True).set_axis(range(N, N + H))
        )
        assert_array_equal(expected, ar().fit(x[:N], y[:N]).predict(x[N:]))


# ------------------------------------------------------------ metrics and regressors
@pytest.mark.parametrize("metric", [mae, rmse, smape])
@pytest.mark.parametrize("make", [to_polars, to_arrow])
def test_metrics_ignore_the_column_of_dates(metric, make):
    truth, forecast = wide(DAYS), wide(DAYS) + 1
    assert metric(make(truth), make(forecast)) == metric(truth, forecast) == metric(truth.to_numpy(), make(forecast))
    assert mase(make(truth), make(forecast), make(truth)) == mase(truth, forecast, truth)
    assert_array_equal(seasonal_naive(make(truth), 3, 7), seasonal_naive(truth, 3, 7))


DATES = DAYS.to_numpy()[:12]
NO_NUMBERS = [
    DATES,
    DATES - DATES[0],
    list(DATES),
    polars.Series(DATES),
    pyarrow.array(DATES),
    pd.Series(DATES),
    np.ma.array(DATES.astype("M8[ns]"), mask=np.arange(12) == 3),
]


@pytest.mark.parametrize("dates", NO_NUMBERS, ids=lambda dates: type(dates).__name__)
def test_dates_are_never_numbers(dates):
    numbers = np.arange(12.0)
    for call in (
        lambda: ar().fit(dates),
        lambda: ar().fit(dates, numbers),
        lambda: mae(dates, numbers),
        lambda: LSTMRegressor(max_epochs=1).fit(np.ones((12, 2)), dates),
    ):
        with pytest.raises(ValueError, match=r"not (a )?numbers?[:,]"):
            call()


@pytest.mark.parametrize(
    "X",
    [
        np.c_[DATES, DATES],
        polars.DataFrame({"d": DATES, "v": np.arange(12.0)}),
        pyarrow.table({"d": DATES, "v": np.arange(12.0)}),
        pd.DataFrame({"d": DATES, "v": np.arange(12.0)}),
    ],
    ids=lambda X: type(X).__name__,
)
def test_regressors_refuse_dates(X):
    with pytest.raises(ValueError, match=r"X.* holds dates \(.*\), not numbers"):
        LSTMRegressor(max_epochs=1).fit(X, np.arange(12.0))
    fit = LSTMRegressor(max_epochs=1, hidden_size=2, random_state=0).fit(np.ones((12, 2)), np.arange(12.0))
    with pytest.raises(ValueError, match=r"X.* holds dates \(.*\), not numbers"):
        fit.predict(X)


def test_regressors_accept_other_tables():
    X, y = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12.0)
    regressor = LSTMRegressor(max_epochs=1, hidden_size=2, random_state=0)
    expected = regressor.fit(X, y).predict(X)
    for table in (polars.DataFrame({"a": X[:, 0], "b": X[:, 1]}), pyarrow.table({"a": X[:, 0], "b": X[:, 1]})):
        assert_array_equal(regressor.fit(table, polars.Series(y)).predict(table), expected)
        assert regressor.feature_names_in_.tolist() == ["a", "b"]


# ------------------------------------------------------------ refused
class Labelled:
    """A table of an unknown library, which would lose its labels as an array."""

    def __init__(self, attribute):
        setattr(self, attribute, lambda: None)

    def __array__(self, dtype=None, copy=None):
        return np.arange(N, dtype=float)


Y = to_polars(wide(DAYS)[:N], polars.Date)
REFUSED = [
    (polars.DataFrame({"d": Y["day"]}), ValueError, "y has a column of dates, 'd', but no column of values"),
    (Y[:0], ValueError, "y is empty"),
    (polars.DataFrame(), ValueError, "y is empty"),
    (Y.lazy(), TypeError, r"y is a lazy table \(LazyFrame\), not computed yet: pass y.collect\(\)"),
    (Labelled("to_pandas"), TypeError, r"whose names and labels cannot be read: pass y.to_pandas\(\)"),
    (Labelled("divisions"), TypeError, r"whose names and labels cannot be read: pass y.compute\(\)"),
    (Labelled("__arrow_c_stream__"), TypeError, r"whose names and labels cannot be read: pass pyarrow.table\(y\)"),
    (
        pyarrow.Table.from_arrays([pyarrow.array([1.0])] * 2, names=["a", "a"]),
        ValueError,
        "y has several columns of the same name",
    ),
    (
        Y.with_columns(c=polars.lit("x")),
        ValueError,
        r"y\['c'\] at position 0 \(2024-02-20\) is 'x', not a number: convert",
    ),
    (Y.with_columns(c=polars.lit("x", polars.Categorical)), ValueError, r"y\['c'\] at position 0 .* is 'x', not a"),
    (
        Y.with_columns(c=polars.col("day") - polars.col("day")),
        ValueError,
        r"y\['c'\] .* is datetime.timedelta\(0\), not",
    ),
    (Y.with_columns(c=datetime.time(1)), ValueError, r"y\['c'\] .* is datetime.time\(1, 0\), not a number"),
    (Y.with_columns(c=polars.concat_list("a")), ValueError, r"y\['c'\] .* is \[.*\], not a number"),
    (Y.with_columns(c=polars.struct("a")), ValueError, r"y\['c'\] .* is \{'a': .*\}, not a number"),
    (Y.with_columns(c=None), ValueError, r"y\['c'\] has no observed value"),
    (polars.Series("day", Y["day"]), ValueError, "y at position 0 is Timestamp"),
    (
        pyarrow.table({"a": pyarrow.array(["x", None]).dictionary_encode()}),
        ValueError,
        r"y\['a'\] at position 0 is 'x'",
    ),
    (Y.with_columns(day=polars.Series([None, *Y["day"][1:]])), ValueError, "the index of y has a missing label"),
]


@pytest.mark.parametrize(("y", "error", "message"), REFUSED, ids=range(len(REFUSED)))
def test_refused_tables(y, error, message):
    with pytest.raises(error, match=message):
        ar().fit(y)
    with pytest.raises(error):
        ar().fit(y, np.arange(N))


# ------------------------------------------------------------ mends
def mend(call, pattern):
    """The expression that an error suggests."""
    with pytest.raises((TypeError, ValueError)) as error:
        call()
    (found,) = re.findall(pattern, str(error.value))
    return found


TEXT = Y.with_columns(polars.col("day").dt.to_string())
OBJECTS = polars.DataFrame({"day": wide(DAYS).index.date[:N], "a": Y["a"]})
INFINITE = Y.with_columns(a=polars.when(polars.col("a") > 0).then("a").otherwise(np.inf))
MENDS = [
    (Y.lazy(), "pass (.*)"),
    (Y.with_columns(other=polars.col("day")), "as with (.*)"),
    (Y.with_columns(other=polars.col("day")).to_arrow(), "as with (.*)"),
    (TEXT, "as with (.*)"),
    (TEXT.to_arrow(), "as with (.*)"),
    (TEXT.to_pandas(), "as with (.*)"),
    (OBJECTS, "as with (.*)"),
    (pd.DataFrame({"day": Y["day"].to_list(), "a": Y["a"].to_numpy()}), "as with (.*)"),
    (Y.to_pandas(), "as with (.*)"),
    (INFINITE, "missing, with (.*)"),
    (INFINITE.to_arrow(), "missing, with (.*)"),
]


@pytest.mark.parametrize(("y", "pattern"), MENDS, ids=range(len(MENDS)))
def test_suggested_expressions_work(y, pattern):
    mended = eval(mend(lambda: ar().fit(y), pattern), {"y": y, "polars": polars, "pd": pd, "np": np})
    target = read_target(mended)
    assert [*target.index] == [*DAYS[:N]]
    assert np.nanmax(target.values) == Y["a"].max() or target.values.shape[1] == 2


@pytest.mark.parametrize("make", [lambda t: t, lambda t: t.to_arrow()])
def test_suggested_expressions_of_pandas_work(make):
    """If the suggested expression is a method of pandas, the error says how to convert the table."""
    y, pattern = make(Y[::-1]), r"\(in pandas y is (.*)\)"
    mended = eval(mend(lambda: ar().fit(y), pattern), {"y": y}).sort_index()
    assert_array_equal(read_target(mended).values, read_target(Y).values)
    fit, y_new = ar().fit(make(Y)), make(Y[-2:])
    mended = eval(mend(lambda: fit.update(y_new), r"\(in pandas y_new is (.*)\)"), {"y_new": y_new})
    assert [*mended.index] == [*DAYS[N - 2 : N]]
    X = make(to_polars(covariates(DAYS)[:N])[::-1])
    mended = eval(mend(lambda: ar().fit(X, make(Y)), "sort them with (.*)"), {"X": X})
    assert isinstance(ar().fit(mended, make(Y)), ARForecaster)


def test_read_table_leaves_arrays_alone():
    for data in ([1, 2], np.ones(3), range(3), None, 5, pd.Index([1, 2]), pd.array([1, None])):
        table = read_table(data, "y")
        assert table.data is data
        assert not table.is_labelled
