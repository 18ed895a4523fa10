"""Every estimator once, small enough to run without the compiler: fit, predict, update, score."""

from __future__ import annotations

import numpy as np
import pytest

import tsrnn
from tsrnn import (
    Adam,
    ARForecaster,
    EarlyStopping,
    LatentARForecaster,
    LSTMForecaster,
    RNNForecaster,
)
from tsrnn.cells.registry import FAMILIES, family
from tsrnn.forecasting.strategies import STRATEGIES
from tsrnn.kernels.cpu import CpuBackend

from .problems import COMPILED

SMALL = {"hidden_size": 2, "max_epochs": 2, "batch_size": 8, "random_state": 0}
Y = np.sin(np.arange(40) / 2) + np.arange(40) / 20
WIDE = np.column_stack([Y, 10 * np.roll(Y, 3)])


#: The GRU with the reset before the product, which no other float32 test compiles; by default only without compiler.
to_compile = [pytest.mark.exhaustive] if COMPILED else []


FORECASTERS = [getattr(tsrnn, f"{name}Forecaster") for name in FAMILIES]
CLASSIFIERS = [getattr(tsrnn, f"{name}Classifier") for name in FAMILIES]
TAGGERS = [getattr(tsrnn, f"{name}Tagger") for name in FAMILIES]
REGRESSORS = [getattr(tsrnn, f"{name}Regressor") for name in FAMILIES]


def other_forms():
    """Each value of a cell's own argument but the default, with the forecaster that has the argument."""
    for name, forecaster in zip(FAMILIES, FORECASTERS, strict=True):
        for option in family(name).options:
            for value in set(option.values) - {option.default}:
                label = f"{name}-{option.name}-{value}"
                yield pytest.param(forecaster, {option.name: value}, marks=to_compile, id=label)


def other_gru(**options):
    return tsrnn.GRUForecaster(reset_after=False, **options)


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch):
    """Small tiles without the compiler, because each lane then takes as long as a compiled tile."""
    if not COMPILED:
        monkeypatch.setattr(CpuBackend, "tile_width", lambda self, dtype: 2)


def use_all_methods(forecaster, y):
    """Call all methods of a forecaster and check shapes and finite values."""
    forecaster.fit(y[:30])
    assert forecaster.predict(7).shape == (7, *y.shape[1:])  # beyond the horizon
    assert np.isfinite(forecaster.predict(context=y[5:35])).all()
    assert np.isfinite(forecaster.score(y[30:34]))
    before = forecaster.predict()
    assert np.abs(forecaster.update(y[30:32]).predict() - before).max() > 0


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("cls", FORECASTERS)
def test_forecasters(cls, strategy):
    if COMPILED and STRATEGIES[strategy].decoder(1) and cls is not LSTMForecaster:
        pytest.skip("this decoder is compiled in tests/interop, and runs here without the compiler")
    use_all_methods(cls(horizon=3, context_length=5, strategy=strategy, **SMALL), Y)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    "options",
    [
        {"linear_skip": False, "scaling": None, "learn_initial_state": True, "early_stopping": False},
        {"num_layers": 2, "dropout": 0.3, "loss": "gaussian", "dtype": "float64", "optimizer": Adam(clip_norm=None)},
        {"loss": "pinball", "scaling": "window", "early_stopping": EarlyStopping(validation_size=6, refit_full=True)},
    ],
    ids=lambda options: next(iter(options)),
)
def test_options(options, strategy):
    use_all_methods(LSTMForecaster(horizon=3, context_length=5, strategy=strategy, **SMALL, **options), WIDE)


@pytest.mark.parametrize("loss", ["mae", "huber"])
@pytest.mark.parametrize("make", [pytest.param(other_gru, marks=to_compile), RNNForecaster])
def test_losses(make, loss):
    y = Y.copy()
    y[[3, 17]] = np.nan
    use_all_methods(make(horizon=2, context_length=4, loss=loss, **SMALL), y)


@pytest.mark.parametrize(("cls", "form"), sorted(other_forms(), key=lambda case: case.id))
def test_other_forms_of_cells(cls, form):
    use_all_methods(cls(horizon=2, context_length=4, **form, **SMALL), Y)


@pytest.mark.parametrize("lags", ["aic", 3, [1, 4]], ids=str)
def test_autoregression(lags):
    use_all_methods(ARForecaster(lags=lags, horizon=3), WIDE)


@pytest.mark.filterwarnings("ignore::tsrnn.exceptions.ConvergenceWarning")
def test_latent_autoregression():
    use_all_methods(LatentARForecaster(n_states=2, max_iter=3, polish=True, horizon=3), WIDE)


@pytest.mark.parametrize("cls", CLASSIFIERS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifiers(cls, n_classes):
    X = np.lib.stride_tricks.sliding_window_view(Y, 6)
    y = np.array(["a", "b", "c"])[np.arange(len(X)) % n_classes]
    options = {"pooling": "max", "bidirectional": True, "early_stopping": EarlyStopping(patience=1)}
    classifier = cls(**SMALL, **options).fit(X, y)
    assert classifier.predict_proba(X).shape == (len(X), n_classes)
    assert 0 <= classifier.score(X, y) <= 1


@pytest.mark.parametrize("cls", TAGGERS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_taggers(cls, bidirectional):
    X = [Y[i : i + 3 + i % 4] for i in range(20)]
    y = [np.arange(len(x)) % 3 for x in X]
    options = {"bidirectional": bidirectional, "early_stopping": EarlyStopping(patience=1)}
    tagger = cls(**SMALL, **options).fit(X, y)
    assert [p.shape for p in tagger.predict_proba(X)] == [(len(x), 3) for x in X]
    assert 0 <= tagger.score(X, y) <= 1


@pytest.mark.parametrize("cls", REGRESSORS)
@pytest.mark.parametrize("horizon", [1, 2])
def test_regressors(cls, horizon):
    X = np.lib.stride_tricks.sliding_window_view(Y, 6)
    y = X[:, -horizon:] if horizon > 1 else X[:, -1]
    regressor = cls(**SMALL, early_stopping=EarlyStopping(patience=1)).fit(X[:, :4], y)
    assert regressor.predict(X[:, :4]).shape == y.shape
    assert np.isfinite(regressor.score(X[:, :4], y))


@pytest.mark.parametrize("cell", [name.lower() for name in FAMILIES])
@pytest.mark.parametrize("form", ["vectors", "classes"])
def test_generators(cell, form):
    series = np.lib.stride_tricks.sliding_window_view(Y, 5)
    X = series[:, :2] if form == "vectors" else np.array(["a", "b", "c"])[np.arange(len(series)) % 3]
    lengths = 2 + np.arange(len(series)) % 4
    ragged = [row[:length] for row, length in zip(series, lengths, strict=True)]
    options = SMALL | {"cell": cell, "loss": "gaussian", "early_stopping": EarlyStopping(patience=1)}
    generator = tsrnn.SequenceGenerator(**options).fit(X, ragged)
    assert generator.predict(X[:4], 7).shape == (4, 7)
    assert np.isfinite(generator.sample(X[:4], n_samples=3, random_state=0)).all()
    assert np.isfinite(generator.score(X, ragged))


@pytest.mark.parametrize("cell", [name.lower() for name in FAMILIES])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_transducers(cell, bidirectional):
    words = ["ab", "ba", "abc", "c", "bca"] * 2
    options = SMALL | {"cell": cell, "bidirectional": bidirectional, "early_stopping": EarlyStopping(patience=1)}
    transducer = tsrnn.Seq2SeqTransducer(tokenize="char", beam_width=2, embedding_size=2, **options)
    transducer.fit(words, [word[::-1] for word in words])
    assert all(set(word) <= set("abc") for word in transducer.predict(words))
    assert 0 <= transducer.score(words, words, "token_accuracy") <= 1
