"""Bad input: an error that names the argument, its value and a remedy, or a sensible result."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import tsrnn
from tsrnn import (
    ARForecaster,
    EarlyStopping,
    LSTMClassifier,
    LSTMForecaster,
    LSTMRegressor,
    LSTMTagger,
    SequenceGenerator,
)
from tsrnn.cells.registry import FAMILIES, family
from tsrnn.exceptions import FewWindowsWarning
from tsrnn.losses.cross_entropy import CrossEntropy
from tsrnn.losses.log_loss import LogLoss

from .problems import shown

QUICK = {"hidden_size": 3, "max_epochs": 2, "batch_size": 16, "random_state": 0}
ALL = {
    "AR": ARForecaster(lags=3, horizon=4),
    "LSTM-recursive": LSTMForecaster(horizon=4, context_length=12, **QUICK),
    "LSTM-direct": LSTMForecaster(horizon=4, context_length=12, strategy="direct", **QUICK),
}


@pytest.fixture(params=ALL, ids=str)
def forecaster(request):
    return clone(ALL[request.param])


def wave(n=60):
    return np.sin(np.arange(n) / 3)


def months(n=60):
    return pd.Series(wave(n), pd.date_range("2000-01-01", periods=n, freq="MS"), name="sales")


def with_value(value, dtype=object):
    y = wave().astype(dtype)
    y[7] = value
    return y


# ------------------------------------------------------------ targets
TARGETS = {
    "empty list": ([], "y is empty"),
    "empty series": (pd.Series([], dtype=float), "y is empty"),
    "empty frame": (pd.DataFrame(), "y is empty"),
    "no columns": (np.empty((60, 0)), "y is empty"),
    "all missing": (np.full(60, np.nan), "y has no observed value: all 60 are missing; drop it or fill it"),
    "a missing column": (pd.DataFrame({"a": wave(), "b": np.nan}), r"y\['b'\] has no observed value"),
    "infinite": (with_value(np.inf, float), r"y at position 7 is inf: replace infinite values by NaN"),
    "minus infinite": (months().replace(months().iloc[7], -np.inf), r"y at position 7 \(2000-08-01\) is -inf"),
    "a string": (with_value("1.5"), "y at position 7 is '1.5', not a number: .* strings are not parsed"),
    "strings": (np.full(60, "a"), "y at position 0 is .*'a'.*, not a number"),
    "an object": (with_value({}), "y at position 7 is {}, not a number"),
    "complex": (wave() + 1j, "y at position 0 is .*, not a number"),
    "dates": (pd.Series(months().index), "dates belong in the index"),
    "three dimensions": (np.zeros((60, 2, 2)), "y is 3-dimensional: pass a pandas Series"),
    "ragged": ([[1.0], [2.0, 3.0]], "y has rows of different lengths"),
    "duplicated dates": (
        pd.Series(wave(), months().index[:59].insert(0, months().index[0])),
        "the index of y has 2000-01-01 more than once",
    ),
    "unsorted dates": (months()[::-1], "the index of y is not sorted: .* sort it with y.sort_index"),
    "a missing date": (months().drop(months().index[5]), "the index of y has no frequency.*; use y.asfreq"),
    "two dates": (pd.Series([1.0, 2.0], pd.DatetimeIndex(["2000", "2001"])), "too few to infer one; use y.asfreq"),
    "uneven integers": (pd.Series(wave(), np.arange(60) ** 2), "the index of y is not evenly spaced"),
    "float index": (pd.Series(wave(), np.arange(60) / 2), "use a DatetimeIndex"),
    "duplicated columns": (pd.DataFrame(np.c_[wave(), wave()], columns=["a", "a"]), "more than one column 'a'"),
}


@pytest.mark.parametrize(("y", "message"), TARGETS.values(), ids=TARGETS)
def test_targets(forecaster, y, message):
    with pytest.raises(ValueError, match=message):
        forecaster.fit(y)
    with pytest.raises(NotFittedError):
        forecaster.predict()


@pytest.mark.parametrize("y", [None, 5, 5.0, "series", iter([1.0]), {1.0, 2.0}], ids=shown)
def test_not_a_target(forecaster, y):
    with pytest.raises(TypeError, match=r"y has type .*: pass a pandas Series or a 1-D array of numbers"):
        forecaster.fit(y)


def test_sparse_targets(forecaster):
    import scipy.sparse

    with pytest.raises(TypeError, match=r"y is sparse .*: pass y.toarray\(\)"):
        forecaster.fit(scipy.sparse.csr_array(np.eye(60)))


def counts(n=60):
    return np.arange(n, dtype=float) % 5


def with_count(value):
    y = counts()
    y[7] = value
    return y


FRAME = pd.DataFrame({"a": counts(), "b": with_count(2.5)}, months().index)
COUNTS = {
    "negative": (
        with_count(-1),
        r"y at position 7 is -1, but loss='poisson' is of counts, 0, 1, 2, ...; replace it by",
    ),
    "a part": (with_count(2.5), r"y at position 7 is 2.5, but loss='poisson' is of counts"),
    "a date": (FRAME["b"], r"y at position 7 \(2000-08-01\) is 2.5, but"),
    "a column": (FRAME, r"y\['b'\] at position 7 \(2000-08-01\) is 2.5, but"),
    "after missing": (np.append([np.nan] * 3, with_count(-2)), r"y at position 10 is -2, but"),
}


@pytest.mark.parametrize(("y", "message"), COUNTS.values(), ids=COUNTS)
def test_counts(y, message):
    with pytest.raises(ValueError, match=message):
        LSTMForecaster(loss="poisson", scaling=None, **QUICK).fit(y)


def test_counts_require_no_scaling():
    for scaling in ("standard", "window"):
        message = f"loss='negative_binomial' needs the counts as they are, but scaling='{scaling}' .*; use scaling=None"
        with pytest.raises(ValueError, match=message):
            LSTMForecaster(loss="negative_binomial", scaling=scaling, **QUICK).fit(counts())
    with pytest.raises(ValueError, match="loss='poisson' needs the counts as they are, but scaling='standard'"):
        LSTMRegressor(loss="poisson", **QUICK).fit(np.ones((5, 3)), np.ones(5))
    y = with_count(np.nan)  # a missing value is allowed among counts
    assert np.isfinite(LSTMForecaster(loss="poisson", scaling=None, **QUICK).fit(y).predict()).all()


def test_counts_of_regressors():
    y = np.ones((5, 2))
    y[3, 1] = -4
    with pytest.raises(ValueError, match="y at row 3, column 1 is -4, but loss='poisson' is of counts"):
        LSTMRegressor(loss="poisson", scaling=None, **QUICK).fit(np.ones((5, 3)), y)


@pytest.mark.parametrize("loss", [LogLoss(), CrossEntropy(2)], ids=str)
def test_losses_of_classes_are_for_classifiers(loss):
    X, y = np.ones((5, 3)), np.arange(30.0) % 2
    message = "is of classes, and LSTM(Forecaster|Regressor) predicts numbers; use a classifier"
    with pytest.raises(ValueError, match=message):
        LSTMForecaster(loss=loss, scaling=None, **QUICK).fit(y)
    with pytest.raises(ValueError, match=message):
        LSTMRegressor(loss=loss, scaling=None, **QUICK).fit(X, y[:5])
    with pytest.raises(ValueError, match=f"loss='{loss.name}' is not known"):
        LSTMForecaster(loss=loss.name, **QUICK).fit(y)


def test_too_short():
    message = "has 15 observations .* one window needs 16: context_length=12 to read and horizon=4 to forecast"
    for strategy in ("recursive", "direct"):
        forecaster = LSTMForecaster(horizon=4, context_length=12, strategy=strategy, **QUICK)
        with pytest.raises(ValueError, match=message):
            forecaster.fit(wave(15))
        with pytest.warns(FewWindowsWarning, match="has 1 window of context_length=12"):
            forecaster.fit(wave(16))
        assert np.isfinite(forecaster.predict()).all()
    with pytest.raises(ValueError, match="context_length=100 to read"):
        LSTMForecaster(context_length=100).fit(wave())
    with pytest.raises(ValueError, match=r"has 5 observations .* one window needs 13: context_length=1 to read"):
        LSTMForecaster().fit(wave(5))
    with pytest.raises(ValueError, match=r"has 5 observations, .* lags=5 with trend='c' needs at least 6 of these"):
        ARForecaster(lags=5).fit(wave(5))
    with pytest.raises(ValueError, match="as 11 observations in a row have; pass a longer series or fewer lags"):
        ARForecaster(lags=5).fit(wave(10))
    assert np.isfinite(ARForecaster(lags=5).fit(wave(11)).predict()).all()
    with pytest.warns(FewWindowsWarning, match="has 1 window of context_length=1 and horizon=12"):
        shortest = LSTMForecaster(**QUICK).fit(wave(13))
    assert np.isfinite(shortest.predict()).all()


def test_no_window_to_train_on():
    y = np.column_stack([wave(), wave()])
    y[12:, 1] = np.nan
    with pytest.raises(ValueError, match=r"nothing remains to learn from: .* context_length=12 is missing"):
        clone(ALL["LSTM-direct"]).fit(y)
    with pytest.raises(ValueError, match=r"the series has 12 observations .* one window needs 16"):
        clone(ALL["LSTM-direct"]).fit(y[:, 1])  # missing values at the end do not count as observations
    y = wave()
    y[::2] = np.nan
    with pytest.raises(ValueError, match="of which 0 have all lags observed"):
        ARForecaster(lags=1).fit(y)
    y = np.column_stack([wave(150), wave(150)])
    y[50:, 0] = y[:125, 1] = np.nan  # column 0 ends before the validation part, column 1 has windows only within it
    held_out = EarlyStopping(validation_size=10)
    with pytest.raises(ValueError, match="in which no column has a value, or none that has one before as well"):
        clone(ALL["LSTM-direct"]).set_params(early_stopping=held_out).fit(y)


@pytest.mark.parametrize("size", [3, 0.05, 50, 0.99, 1000])
@pytest.mark.parametrize("name", ["LSTM-recursive", "LSTM-direct"])
def test_validation_sizes(name, size):
    forecaster = clone(ALL[name]).set_params(early_stopping=EarlyStopping(validation_size=size))
    with pytest.raises(ValueError, match=rf"validation_size={size} holds out \d+ observations.*; make it"):
        forecaster.fit(wave())


# ------------------------------------------------------------ calls
@pytest.mark.parametrize(
    ("horizon", "error", "message"),
    [
        (0, ValueError, "horizon=0 must be at least 1"),
        (-3, ValueError, "horizon=-3 must be at least 1"),
        (1.5, TypeError, "horizon=1.5 must be an integer"),
        (12.0, TypeError, "horizon=12.0 must be an integer"),
        (True, TypeError, "horizon=True must be an integer"),
        ("12", TypeError, "horizon='12' must be an integer"),
        ([], ValueError, "horizon is empty"),
        (["2004-12-01"], ValueError, "horizon holds 2004-12-01, which is not after the end of the series, 2004-12-01"),
        (["2005-01-02"], ValueError, "horizon holds 2005-01-02, which is not on the grid of the series"),
        (["soon"], ValueError, "horizon holds 'soon', but the series has a DatetimeIndex"),
        ([61], ValueError, "horizon has integer labels, but the series has a DatetimeIndex"),
        (pd.DatetimeIndex(["2005-01-01"], tz="UTC"), ValueError, "horizon has the time zone UTC"),
        (pd.period_range("2005-01", periods=2, freq="M"), ValueError, "horizon has PeriodIndex labels"),
        (pd.DataFrame({"x": [1.0]}), TypeError, "horizon has 2 dimensions.* was fitted without covariates"),
        (np.ones((3, 2)), TypeError, "horizon has 2 dimensions.* was fitted without covariates"),
        (pd.Series([1.0]), ValueError, "horizon has .* labels, but the series has a DatetimeIndex"),
    ],
    ids=repr,
)
def test_horizons(forecaster, horizon, error, message):
    forecaster.fit(months())
    with pytest.raises(error, match=message):
        forecaster.predict(horizon)
    assert len(forecaster.predict()) == 4


def test_contexts(forecaster):
    forecaster.fit(months())
    for context, message in [
        (wave(1)[:2], "context has 1 observations from the first observed one on, but a forecast reads"),
        (np.append(np.full(50, np.nan), [1.0, 2.0]), "context has 2 observations"),
        (np.ones((60, 2)), "context has 2 series, but .* was fitted to 1; pass the same columns"),
        ([], "context is empty"),
        (with_value(np.inf, float), "context at position 7 is inf"),
        (np.full(60, np.nan), "context has no observed value"),
    ]:
        with pytest.raises(ValueError, match=message):
            forecaster.predict(context=context)


def test_updates_and_scores(forecaster):
    forecaster.fit(months())
    bad = [([], "is empty"), ([np.inf], "is inf"), (np.ones((3, 2)), "has 2 series"), (months(), "overlap")]
    for call in (forecaster.update, forecaster.score):
        for y, message in bad:
            with pytest.raises(ValueError, match=message):
                call(y)


def test_score_without_observed_values(forecaster):
    with pytest.raises(ValueError, match="X has no observed value to score the forecast by"):
        forecaster.fit(wave()).score([np.nan, np.nan])


# ------------------------------------------------------------ constructor arguments
WRONG = {
    "hidden_size": [0, -1, 2.5, "8", None, True],
    "num_layers": [0, 1.0, "1", None],
    "dropout": [-0.1, 1.0, 1.5, "0.1", None, np.nan, 0.5],
    "learn_initial_state": [1, "yes", None],
    "loss": ["rmse", None, 3, len],
    "scaling": ["minmax", 1, True],
    "learning_rate": [0, -0.1, np.inf, np.nan, "fast", None],
    "optimizer": ["adam", 3],
    "batch_size": [0, 2.5, True, "all"],
    "max_epochs": [0, -5, 1.5, None],
    "early_stopping": [None, "yes", 10],
    "callbacks": [print, [3], "stop", 5],
    "verbose": [-1, "loud", None, 1.5],
    "warm_start": [1, "yes", None],
    "random_state": [-1, "seed", 1.5, np.random.default_rng(0)],
    "dtype": ["float16", "int32", None, 32, int, "double precision"],
    "device": ["gpu", "CUDA", None, 0, True],
}
FORECASTING = {
    "horizon": [0, -1, 2.0, "12", None],
    "context_length": [0, -4, 12.0, "12", True],
    "season_lengths": [1, [0], [1.5, 24], "day", ["24"], [[24, 168]]],
    "strategy": ["mimo", None, 1],
    "linear_skip": [1, None, "yes"],
    "sampling": ["rows", None, 1],
    "missing": ["drop", None, 1],
    "multivariate": ["both", None, True],
    "difference": [-1, 3, 0.5, "1", None],
    "seasonal_difference": [-1, 3, 0.5, "1", None],
    "target_transform": ["log", 1, np.log],
    "point": ["mode", None, 0.5],
}
OF_WINDOWS = (LSTMRegressor, LSTMClassifier)
GENERATOR = SequenceGenerator().get_params()
OF_ROWS = (*OF_WINDOWS, LSTMTagger)
OPTIONS = {name: family(name).options for name in FAMILIES}
#: Wrong values of a cell's own argument, by the type of its default.
WRONG_OPTION = {bool: (1, None, "yes"), int: (0, -1, 1.5, "1", None, True), str: ("swish", None, 1, [])}
CASES = [
    *[(LSTMForecaster, name, value) for name, values in (WRONG | FORECASTING).items() for value in values],
    *[(LSTMRegressor, name, value) for name, values in WRONG.items() for value in values],
    *[
        (cls, name, value)
        for cls in (LSTMClassifier, LSTMTagger)
        for name, values in WRONG.items()
        if name != "loss"
        for value in values
    ],
    *[(SequenceGenerator, name, value) for name, vs in WRONG.items() if name in GENERATOR for value in vs],
    *[(SequenceGenerator, "cell", value) for value in ("mamba", "GRU", None, 1, [])],
    (SequenceGenerator, "scaling", "window"),
    *[(cls, "n_channels", value) for cls in OF_WINDOWS for value in (0, -1, 1.0, "1", None)],
    *[(cls, "scaling", "window") for cls in OF_ROWS],
    *[(cls, "pooling", value) for cls in OF_WINDOWS for value in ("sum", None, 1)],
    *[(cls, "bidirectional", value) for cls in OF_ROWS for value in ("yes", None, 1)],
    *[(cls, "class_weight", value) for cls in OF_ROWS[1:] for value in ("even", 2, {"up": 1}, [1, 2])],
    *[(cls, "label_smoothing", value) for cls in OF_ROWS[1:] for value in (-0.1, 1, "0.1", None)],
    *[(LSTMTagger, "embedding_size", value) for value in (0, 2.5, "8", True)],
    *[(LSTMTagger, "ignore_label", value) for value in ([0], ("a",), len)],
    *[
        (getattr(tsrnn, f"{family}{suffix}"), option.name, value)
        for family, options in OPTIONS.items()
        for option in options
        for suffix in ("Forecaster", "Regressor", "Classifier", "Tagger")
        for value in WRONG_OPTION[type(option.default)]
    ],
    *[
        (ARForecaster, "lags", value)
        for value in (-1, 1.5, "hqic", None, [], [0], [1, 1], [1.0], ["a"], True, iter([1]))
    ],
    *[(ARForecaster, "trend", value) for value in ("linear", None, 0)],
    *[(ARForecaster, "ridge", value) for value in (-1, np.nan, np.inf, "1", None)],
    *[(ARForecaster, "season_lengths", value) for value in FORECASTING["season_lengths"]],
    *[(ARForecaster, "pooled", value) for value in (1, "yes", None)],
    *[(ARForecaster, "horizon", value) for value in (0, 1.5, None)],
]


@pytest.mark.parametrize(("cls", "name", "value"), CASES, ids=shown)
def test_constructor_arguments(cls, name, value):
    """`fit` checks them; the error has name and value, and the estimator stays unfitted."""
    estimator = cls(**{name: value})
    data = (wave(),) if cls.__name__.endswith("Forecaster") else (np.ones((20, 4)), np.arange(20) % 2)
    data = (np.ones((20, 4)), np.ones((20, 3))) if cls is SequenceGenerator else data
    if cls.__name__.endswith("Tagger"):
        data = (np.ones((20, 4)), np.arange(80).reshape(20, 4) % 2)
    with pytest.raises((TypeError, ValueError)) as caught:
        estimator.fit(*data)
    message = str(caught.value)
    assert name in message
    wrong = value[0] if isinstance(value, list) and value else value
    assert any(shown in message for shown in (repr(value), repr(wrong), format(value) if name == "dropout" else "\0"))
    assert any(mend in message for mend in ("must be", "must lie", "use ", "must start")), message
    with pytest.raises(NotFittedError):
        estimator.predict(*data[:1])


def test_all_arguments_have_wrong_values():
    tested = {(cls, name) for cls, name, _ in CASES}
    for cls in (LSTMForecaster, *OF_ROWS, SequenceGenerator, ARForecaster):
        assert {name for tested_cls, name in tested if tested_cls is cls} == set(cls().get_params())
    for family_name, options in OPTIONS.items():
        arguments = set(getattr(tsrnn, f"{family_name}Forecaster")().get_params())
        assert arguments - set(LSTMForecaster().get_params()) == {option.name for option in options}


def test_unknown_arguments():
    with pytest.raises(TypeError, match="hidden"):
        LSTMForecaster(hidden=3)
    with pytest.raises(TypeError, match="positional"):
        LSTMForecaster(3)


def test_values_of_early_stopping():
    for options in ({"patience": 0}, {"min_delta": -1.0}, {"validation_size": 0}, {"validation_size": 1.0}):
        ((name, value),) = options.items()
        with pytest.raises(ValueError, match=f"{name}={value!r} must"):
            EarlyStopping(**options)


# ------------------------------------------------------------ regressors
@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.empty((0, 4)), np.empty(0), "minimum of 1 is required"),
        (np.empty((0, 4, 1)), np.empty(0), "minimum of 1 is required"),
        (np.empty((5, 0)), np.ones(5), "0 feature"),
        (np.ones(5), np.ones(5), "Expected 2D array"),
        (np.ones((5, 3)), np.ones(4), "inconsistent numbers of samples"),
        (np.full((5, 3), np.nan), np.ones(5), "Input X contains NaN"),
        (np.ones((5, 3)), np.full(5, np.inf), "Input y contains infinity"),
        (np.full((5, 3), "a"), np.ones(5), "could not convert string to float"),
        (np.ones((5, 3)) * 1j, np.ones(5), "Complex data not supported"),
        (np.ones((5, 3)), None, "requires y to be passed"),
        (np.ones((5, 3, 2, 2)), np.ones(5), "Found array with dim 4"),
        (np.ones((5, 3)), np.ones((5, 2, 2)), "dim 3"),
    ],
    ids=str,
)
def test_regression_problems(X, y, message):
    regressor = LSTMRegressor(**QUICK)
    with pytest.raises(ValueError, match=message):
        regressor.fit(X, y)
    with pytest.raises(NotFittedError):
        regressor.predict(np.ones((5, 3)))
