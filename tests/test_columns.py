"""Columns of all kinds: forecasts keep them, and added column levels (bound, quantile, path) come last."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from tsrnn import ARForecaster, LSTMForecaster, Seq2Seq

N = 40
INDEX = pd.date_range("2020-01-01", periods=N, freq="MS")
VALUES = np.random.default_rng(0).normal(size=(N, 2)).cumsum(axis=0)
COLUMNS = {
    "two levels": pd.MultiIndex.from_tuples([("b", "x"), ("a", "y")], names=["store", "item"]),
    "one level": pd.MultiIndex.from_arrays([["b", "a"]], names=["store"]),
    "three levels": pd.MultiIndex.from_tuples([("b", "x", 2), ("b", "x", 1)], names=["p", None, "q"]),
    "levels without names": pd.MultiIndex.from_tuples([("b", "x"), ("a", "y")]),
    "a level with a missing label": pd.MultiIndex.from_tuples([("b", np.nan), ("a", 1)]),
    "levels of one name": pd.MultiIndex.from_tuples([("b", "x"), ("a", "y")], names=["k", "k"]),
    "levels with our names": pd.MultiIndex.from_tuples([("b", "x"), ("a", "y")], names=["bound", "quantile"]),
    "levels of other columns too": pd.MultiIndex.from_product([["c", "b", "a"], ["x"]])[1:],
    "our name": pd.Index(["b", "a"], name="bound"),
    "the name of ours": pd.Index(["lower", "upper"], name="series"),
    "a tuple as name": pd.Index(["b", "a"], name=("u", "v")),
    "a number as name": pd.Index(["b", "a"], name=0),
    "tuples": pd.Index([("b", 1), ("a", 2)], tupleize_cols=False),
    "numbers": pd.Index([7, 3]),
    "booleans": pd.Index([True, False]),
    "missing": pd.Index([None, "a"], dtype=object),
    "NaN": pd.Index([np.nan, 1.0]),
    "dates": pd.date_range("2020", periods=2, name="when"),
    "dates in a zone": pd.date_range("2020", periods=2, tz="Europe/Berlin"),
    "periods": pd.period_range("2020", periods=2, freq="Y"),
    "intervals": pd.interval_range(0, 2),
    "categories": pd.CategoricalIndex(["b", "a"], categories=["a", "b", "c"]),
    "durations": pd.timedelta_range("1D", periods=2),
}
METHODS = {
    "interval": ("predict_interval", {}, {"bound": ["lower", "upper"]}),
    "intervals": (
        "predict_interval",
        {"coverage": [0.5, 0.9]},
        {"coverage": [0.5, 0.9], "bound": ["lower", "upper"]},
    ),
    "quantiles": ("predict_quantiles", {"quantiles": [0.1, 0.8]}, {"quantile": [0.1, 0.8]}),
    "paths": ("sample", {"n_paths": 3, "random_state": 0}, {"path": [0, 1, 2]}),
}


def label(columns, column, n):
    """The first `n` levels of the labels of a column."""
    return [columns.get_level_values(level)[column] for level in range(n)]


@pytest.mark.parametrize("name", COLUMNS)
def test_added_levels_are_below_those_of_the_target(name):
    columns = COLUMNS[name]
    fit = ARForecaster(lags=2, horizon=4).fit(pd.DataFrame(VALUES, INDEX, columns))
    bare = ARForecaster(lags=2, horizon=4).fit(VALUES)
    forecast = fit.predict()
    pd.testing.assert_index_equal(forecast.columns, columns)
    assert_array_equal(forecast.to_numpy(), bare.predict())
    for method, options, added in METHODS.values():
        answer = getattr(fit, method)(**options)
        assert_array_equal(answer.to_numpy(), getattr(bare, method)(**options).reshape(4, -1))
        assert answer.columns.nlevels == columns.nlevels + len(added)
        own = ["series"] if list(columns.names) == [None] else list(columns.names)
        assert list(answer.columns.names) == own + list(added)
        below = list(pd.MultiIndex.from_product(added.values()))
        for c in range(answer.shape[1]):
            ours, theirs = (label(k, i, columns.nlevels) for k, i in ((answer.columns, c), (columns, c // len(below))))
            assert [str(x).replace("None", "nan") for x in ours] == [str(x).replace("None", "nan") for x in theirs]
            added_labels = [answer.columns.get_level_values(columns.nlevels + k)[c] for k in range(len(added))]
            assert tuple(added_labels) == below[c % len(below)]
    pd.testing.assert_frame_equal(fit.predict_quantiles(quantiles=0.5), forecast)


def test_selection_by_levels():
    columns = COLUMNS["two levels"]
    interval = ARForecaster(lags=2).fit(pd.DataFrame(VALUES, INDEX, columns)).predict_interval(3)
    lower = interval.xs("lower", axis=1, level="bound")
    assert lower.columns.equals(columns)
    assert (lower < interval.xs("upper", axis=1, level="bound")).all(axis=None)
    assert interval["b"]["x"].columns.tolist() == ["lower", "upper"]


@pytest.mark.parametrize("name", [None, np.nan, ("a", 1), 0, "", "bound", pd.Timestamp("2020-01-01")], ids=str)
def test_names_of_series(name):
    y = pd.Series(VALUES[:, 0], INDEX, name=name)
    fit = ARForecaster(lags=2).fit(y)
    pd.testing.assert_series_equal(fit.predict(2), fit.predict_quantiles(2, 0.5))
    assert fit.predict(2).name is y.name or fit.predict(2).name == y.name
    assert fit.predict_interval(2).columns.tolist() == ["lower", "upper"]
    assert fit.predict_interval(2, [0.5]).columns.names == ["coverage", "bound"]
    x = pd.Series(VALUES[:, 1], INDEX, name=name)
    beside = ARForecaster(lags=2).fit(x[:-2], y[:-2])
    assert beside.score(x[-2:], y[-2:]) == ARForecaster(lags=2).fit(x[:-2].to_frame(), y[:-2]).score(x[-2:], y[-2:])


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_covariates(name):
    X, y = pd.DataFrame(VALUES, INDEX, COLUMNS[name]), VALUES.sum(axis=1) ** 2
    fit = ARForecaster(lags=2).fit(X[:-2], y[:-2])
    expected = ARForecaster(lags=2).fit(VALUES[:-2], y[:-2]).predict(VALUES[-2:])
    assert_array_equal(fit.predict(X[-2:]), expected)
    assert_array_equal(fit.predict(X.iloc[-2:, ::-1]), expected)


def test_attention_of_levels():
    y = pd.DataFrame(VALUES, INDEX, COLUMNS["two levels"])
    network = LSTMForecaster(
        strategy=Seq2Seq(attention="dot"), max_epochs=1, horizon=2, context_length=4, hidden_size=2, random_state=0
    )
    weights = network.fit(y).attention_weights()
    assert weights.columns.equals(INDEX[-4:])
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)
