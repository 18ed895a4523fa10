"""Encoder and decoder: teacher forcing, attention, segments, any horizon, wrong arguments."""

from __future__ import annotations

import copy
import pickle
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import polars
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from tsrnn import Direct, GRUForecaster, LSTMForecaster, Recursive, Seq2Seq, TeacherForcing
from tsrnn.cells.lstm import LSTM
from tsrnn.data.windows import Geometry
from tsrnn.losses.squared import MSE
from tsrnn.networks.architecture import Architecture
from tsrnn.networks.network import Network, Source
from tsrnn.training.loop import Adam, Settings, minimise

from .forecasters import QUICK, months, wave
from .problems import one_series


def lstm(strategy=None, **options):
    return LSTMForecaster(**{"horizon": 4, "context_length": 12, "strategy": strategy or Seq2Seq(), **QUICK, **options})


# ------------------------------------------------------------ strategies as objects
def test_names_of_strategies():
    for name, strategy in (("recursive", Recursive()), ("direct", Direct()), ("seq2seq", Seq2Seq())):
        one, other = (lstm(each).fit(wave()) for each in (name, strategy))
        assert one.strategy_ == other.strategy_ == strategy
        assert_array_equal(one.predict(), other.predict())


def test_a_strategy_survives_clone_pickle_and_search():
    strategy = Seq2Seq(TeacherForcing("linear", epochs=3), attention="general", decoder_layers=2)
    forecaster = lstm(strategy)
    assert clone(forecaster).strategy == strategy
    assert "Seq2Seq(teacher_forcing=TeacherForcing(decay='linear'" in repr(forecaster)
    fitted = forecaster.fit(wave())
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(7), fitted.predict(7))
    grid = {"strategy": [Seq2Seq(), Seq2Seq(attention="dot"), Direct(segment_length=2)]}
    search = GridSearchCV(forecaster, grid, cv=TimeSeriesSplit(2, test_size=6), error_score="raise").fit(wave())
    assert search.best_params_["strategy"] in grid["strategy"]


# ------------------------------------------------------------ teacher forcing
@pytest.mark.parametrize(
    ("forcing", "expected"),
    [
        (TeacherForcing("constant", start=0.3), [0.3, 0.3, 0.3]),
        (TeacherForcing("linear", epochs=10), [1, 0.5, 0]),
        (TeacherForcing("linear", start=0.8, end=0.2, epochs=5), [0.8, 0.2, 0.2]),
        (TeacherForcing("exponential", epochs=5), [1, np.exp(-1), np.exp(-4)]),
        (TeacherForcing("exponential", start=0.9, end=0.1, epochs=5), [0.9, 0.1 + 0.8 / np.e, 0.1 + 0.8 * np.exp(-4)]),
        (TeacherForcing("inverse_sigmoid", epochs=5), [5 / 6, 5 / (5 + np.e), 5 / (5 + np.exp(4))]),
    ],
    ids=lambda value: getattr(value, "decay", ""),
)
def test_schedules(forcing, expected):
    assert_allclose([forcing.share(epoch) for epoch in (0, 5, 20)], expected, rtol=1e-12)
    assert np.isfinite(forcing.share(1e9))
    shares = [forcing.share(epoch) for epoch in np.linspace(0, 40, 50)]
    assert all(0 <= later <= earlier <= 1 for earlier, later in pairwise(shares))


@pytest.mark.parametrize(
    ("forcing", "expected"),
    [
        (0.25, [0.75] * 6),
        (1.0, [0.0] * 6),
        (TeacherForcing("linear", epochs=2), [0, 0.25, 0.5, 0.75, 1, 1]),
        ("exponential", 1 - np.exp(-np.arange(6) / 2 / 20)),
    ],
    ids=str,
)
def test_training_reads_the_truth_as_often_as_asked(forcing, expected, monkeypatch):
    found, train = [], Network.loss_and_grad

    def record(self, *arguments, **options):
        found.append(options["free_run"])
        return train(self, *arguments, **options)

    forecaster = lstm(Seq2Seq(forcing), batch_size=38, early_stopping=False)
    monkeypatch.setattr(Network, "loss_and_grad", record)
    forecaster.fit(wave())  # 75 windows: two batches in each of three epochs
    assert_allclose(found[1:], expected, atol=1e-12)  # the first call is that of compiling


def test_teacher_forcing_and_detach_change_the_training():
    fits = [
        lstm(Seq2Seq(forcing, detach=detach), early_stopping=False).fit(wave()).theta_
        for forcing, detach in ((0.0, False), (0.0, True), (0.5, False), (1.0, False), (1.0, True))
    ]
    for i, one in enumerate(fits):
        for other in fits[:i]:
            same = (one is fits[4]) and (other is fits[3])  # nothing is fed back, so nothing is detached
            assert np.array_equal(one, other) == same


# ------------------------------------------------------------ decoding
@pytest.mark.parametrize("strategy", [Seq2Seq(attention="dot"), Seq2Seq(segment_length=2)], ids=["steps", "segments"])
def test_decoding_beyond_the_horizon(strategy):
    """Any number of steps; more steps do not change the first ones."""
    forecaster = lstm(strategy).fit(months(wave()))
    long = forecaster.predict(25)
    assert np.isfinite(long).all()
    for n in (1, 3, 4, 9):
        pd.testing.assert_series_equal(forecaster.predict(n), long[:n])


def test_encoder_and_decoder_of_different_depth():
    forecaster = lstm(Seq2Seq(decoder_layers=3, attention="additive"), num_layers=2, dropout=0.2).fit(wave())
    entries = forecaster.network_.architecture.entries
    assert entries["bridge"][1] == (2, 9, 7)  # h and c of three layers of 3 units, from two layers and a 1
    assert {"layer1.product0", "decoder2.product0"} <= set(entries)
    assert lstm(Seq2Seq(decoder_layers=2), dropout=0.3).fit(wave()).predict().shape == (4,)


def test_a_bridge_starts_as_a_copy():
    """Layers are copied from the top down, as long as both sides have one."""
    options = {"max_epochs": 1, "learning_rate": 1e-30, "early_stopping": False, "linear_skip": False, "num_layers": 2}
    with_bridge = lstm(Seq2Seq(bridge=True), **options).fit(wave())
    views = with_bridge.network_.architecture.views(with_bridge.theta_)
    assert_allclose(views["bridge"][0], np.eye(6, 7, 1), atol=1e-20)
    deeper = lstm(Seq2Seq(decoder_layers=3), **options).fit(wave())
    copied = deeper.network_.architecture.views(deeper.theta_)["bridge"][0, :, 1:]
    assert_allclose(copied, np.kron([[1, 0], [1, 0], [0, 1]], np.eye(3)), atol=1e-20)


def test_a_nonlinear_series_is_learned():
    """The next value is the logistic map of the last: chaotic, so a linear forecast is no better than the mean."""
    y = np.empty(440)
    y[0] = 0.3
    for t in range(1, len(y)):
        y[t] = 3.7 * y[t - 1] * (1 - y[t - 1])
    options = {"horizon": 2, "context_length": 6, "hidden_size": 16, "max_epochs": 60, "learning_rate": 0.01}
    options |= {"early_stopping": False, "batch_size": 32}

    def error(forecaster):
        fitted = forecaster.fit(y[:380])
        return np.mean([np.abs(fitted.predict(context=y[:n]) - y[n : n + 2]).mean() for n in range(390, 438)])

    linear = error(lstm("recursive", **options | {"max_epochs": 1, "learning_rate": 1e-30}))
    for strategy in (Seq2Seq(0.5), Seq2Seq(attention="general")):
        assert error(lstm(strategy, **options)) < 0.5 * linear


# ------------------------------------------------------------ attention
def test_attention_has_labels():
    y = months(wave())
    forecaster = lstm(Seq2Seq(attention="general")).fit(y)
    weights = forecaster.attention_weights(6)
    assert_array_equal(weights.index, forecaster.predict(6).index)
    assert_array_equal(weights.columns, y.index[-12:])
    assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)
    assert (weights > 0).all(axis=None)
    pd.testing.assert_frame_equal(forecaster.attention_weights(weights.index[2:5]), weights[2:5], check_freq=False)
    moved = clone(forecaster).fit(y[:80]).update(y[80:]).attention_weights(2)
    assert_array_equal(moved.columns, y.index[-12:])
    other = forecaster.attention_weights(3, context=y[10:60])
    assert_array_equal(other.columns, y.index[48:60])
    assert other.index[0] == y.index[60]


def test_attention_over_segments_and_of_arrays():
    y = months(wave())
    forecaster = lstm(Seq2Seq(attention="dot", segment_length=2)).fit(y)
    weights = forecaster.attention_weights(5)
    assert_array_equal(weights.columns, y.index[-12:][1::2])
    assert_array_equal(weights.iloc[0], weights.iloc[1])  # one segment is one step of the decoder
    plain = lstm(Seq2Seq(attention="dot", segment_length=2)).fit(y.to_numpy()).attention_weights(5)
    assert_array_equal(plain, weights)


def attentive(**options):
    return lstm(Seq2Seq(attention="general"), **options)


def test_attention_of_a_panel():
    """A panel has the tables of its series; steps before a short one begins weigh 0, and one id gives labels."""
    days, lengths = pd.date_range("2024-01-01", periods=80), {"b": 60, "a": 50, "s": 5}
    series = {name: pd.Series(wave(n, seed=n), days[70 - n : 70]) for name, n in lengths.items()}
    forecaster = attentive().fit(series)
    weights = forecaster.attention_weights(6)
    assert weights.shape == (3, 6, 12)
    assert_allclose(weights.sum(axis=2), 1, rtol=1e-6)
    assert (weights[:2] > 0).all()
    assert not weights[2, :, :7].any()
    assert (weights[2, :, 7:] > 0).all()
    assert_array_equal(forecaster.attention_weights(6, ids=["s", "b"]), weights[[2, 0]])
    assert_array_equal(forecaster.attention_weights(6, context=series), weights)
    for s, (name, n) in enumerate(lengths.items()):
        table = forecaster.attention_weights(6, ids=name)
        assert_array_equal(table, weights[s, :, -min(n, 12) :])
        assert_array_equal(table.columns, series[name].index[-12:])
        assert_array_equal(table.index, days[70:76])
    moved = copy.deepcopy(forecaster).update({"s": pd.Series([20.0, 21.0], days[70:72])})
    assert_array_equal(moved.attention_weights(2, ids="s").columns, days[65:72])
    assert_array_equal(moved.attention_weights(6)[:2], weights[:2])


def test_attention_of_a_panel_of_one_is_that_of_the_series():
    y = months(wave())
    weights = attentive().fit(y).attention_weights(6)
    one = attentive().fit({"a": y})
    assert_array_equal(one.attention_weights(6), [weights])
    pd.testing.assert_frame_equal(one.attention_weights(6, ids="a"), weights, check_freq=False)
    segments = lstm(Seq2Seq(attention="dot", segment_length=2)).fit({"a": y, "s": y[-5:]})
    assert_array_equal(segments.attention_weights(4, ids="a").columns, y.index[-12:][1::2])
    short = segments.attention_weights(4, ids="s")
    assert_array_equal(short.columns, y.index[[-5, -3, -1]])  # the first segment has one row
    assert_allclose(short.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(("missing", "read"), [("carry", slice(46, 58)), ("decay", slice(48, 60))])
def test_attention_reads_up_to_a_gap(missing, read):
    """A network that reads where values are missing reads the gap at the end; others forecast through it."""
    y = months(wave(60))
    y[58:] = np.nan
    weights = attentive(missing=missing).fit(y).attention_weights(3)
    assert_array_equal(weights.columns, y.index[read])
    of_panel = attentive(missing=missing).fit({"a": y}).attention_weights(3, ids="a")
    pd.testing.assert_frame_equal(of_panel, weights, check_freq=False)


def test_attention_of_rows_without_those_between():
    """Steps are the rows that exist, also those of an update."""
    days = pd.date_range("2024-01-01", periods=90).delete([40, 41, 60, 75])
    panel = pd.DataFrame({"unique_id": "a", "ds": days, "y": wave(len(days))})
    forecaster = attentive().fit(panel[:80], gaps="compress", freq="D")
    assert_array_equal(forecaster.attention_weights(3, ids="a").columns, days[68:80])
    late = pd.DataFrame({"unique_id": "z", "ds": days[60:70], "y": wave(10)})
    forecaster.update(pd.concat([panel[80:], late]))
    assert_array_equal(forecaster.attention_weights(3, ids="a").columns, days[74:])
    assert_array_equal(forecaster.attention_weights(3, ids="z").columns, days[60:70])


def test_attention_of_a_table_of_another_library():
    days = pd.date_range("2024-01-01", periods=30)
    panel = pd.concat(
        [pd.DataFrame({"unique_id": name, "ds": days, "y": wave(30, seed=s)}) for s, name in enumerate("ab")]
    )
    forecaster = attentive().fit(polars.from_pandas(panel))
    weights = forecaster.attention_weights(3, ids="b")
    assert weights["ds"].to_list() == forecaster.predict(3, ids="b")["ds"].to_list()
    assert weights.columns[1:] == [str(day.date()) for day in days[-12:]]
    assert_array_equal(weights.drop("ds"), forecaster.attention_weights(3)[1])


def test_attention_finds_the_step_that_matters():
    """Each window has one large value at a random step, and the target is that value: attention finds the step."""
    rng = np.random.default_rng(0)
    n, length = 300, 10
    series = 0.1 * rng.normal(size=(n, length + 1))
    place = rng.integers(2, length - 2, n)
    series[np.arange(n), place] = series[:, -1] = rng.choice([-2.0, -1, 1, 2], n)
    strategy = Seq2Seq(attention="additive")
    network = Network(Architecture(LSTM, 1, 1, 1, MSE, 12, decoder=strategy.decoder(1)), "float32")
    flat, starts = series.reshape(-1, 1), np.arange(n) * (length + 1)
    geometry = strategy.geometry(length, 1)
    _, _, windows = one_series(flat, starts, geometry)
    source = Source.upload(network.backend, flat, flat, np.ones(flat.shape))
    theta = network.architecture.initialise(np.random.default_rng(1))
    settings = Settings(Adam(), learning_rate=0.01, batch_size=32, max_epochs=60)
    trained = minimise(network, theta, source, windows, geometry, settings, seed=0)
    handle = network.backend.upload(trained.theta, "float32")
    weights = network.attention(handle, source, windows, geometry)[:, 0]
    # the encoder's outputs from that step on can contain the value, those before it cannot
    after = np.array([row[at:].sum() for row, at in zip(weights, place, strict=True)])
    even = (length - place) / length
    assert after.mean() > even.mean() + 0.15
    assert trained.loss_curve[-1] < 0.2 * trained.loss_curve[0]


@pytest.mark.parametrize("strategy", ["direct", "seq2seq", Direct(segment_length=2)], ids=str)
def test_without_attention_there_are_no_weights(strategy):
    forecaster = lstm(strategy).fit(wave()).set_params(strategy=Seq2Seq(attention="dot"))
    message = re.escape(f"had strategy={forecaster.strategy_!r}, which attends to nothing; fit with strategy=Seq2Seq(")
    with pytest.raises(ValueError, match=message):
        forecaster.attention_weights()


# ------------------------------------------------------------ segments
def test_number_of_steps_with_segments():
    strategy = Direct(segment_length=24)
    forecaster = GRUForecaster(horizon=96, context_length=720, strategy=strategy, **QUICK | {"max_epochs": 1})
    assert strategy.geometry(720, 96) == Geometry(720, block=96)
    y = wave(900)
    forecaster.fit(y)
    a = forecaster.network_.architecture
    work = forecaster.network_.workspace(strategy.geometry(720, 96), 1)
    assert work.read("X").shape[2] - 1 == 30  # recurrent steps; the arrays also have room for four parallel steps
    assert a.entries["embedding"][1] == (3, 1 + 24)
    assert a.entries["position"][1] == (4, 3)
    assert forecaster.predict(200).shape == (200,)


def test_default_context_length_with_segments():
    y = months(wave(200))
    for segment, expected in ((1, 24), (5, 20), (7, 21), (24, 24), (40, 40)):
        forecaster = lstm(Seq2Seq(segment_length=segment), context_length=None, horizon=segment).fit(y)
        assert forecaster.context_length_ == expected


# ------------------------------------------------------------ bad input
@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Seq2Seq(1.5), ValueError, r"teacher_forcing=1\.5 must lie in \[0, 1\]"),
        (lambda: Seq2Seq(-0.1), ValueError, r"teacher_forcing=-0\.1 must lie in \[0, "),
        (lambda: Seq2Seq(np.nan), ValueError, "teacher_forcing=nan must lie in"),
        (lambda: Seq2Seq(True), TypeError, "teacher_forcing=True must be a number"),
        (lambda: Seq2Seq("cosine"), ValueError, "teacher_forcing='cosine' is not known; use one of 'linear'"),
        (lambda: Seq2Seq(attention="luong"), ValueError, "attention='luong' is not known; use one of None, 'dot'"),
        (lambda: Seq2Seq(attention=True), ValueError, "attention=True is not known"),
        (lambda: Seq2Seq(decoder_layers=0), ValueError, "decoder_layers=0 must be at least 1"),
        (lambda: Seq2Seq(bridge="yes"), TypeError, "bridge='yes' must be True or False"),
        (lambda: Seq2Seq(detach=1), TypeError, "detach=1 must be True or False"),
        (lambda: Seq2Seq(segment_length=0), ValueError, "segment_length=0 must be at least 1"),
        (lambda: Direct(segment_length=2.0), TypeError, r"segment_length=2\.0 must be an integer"),
        (lambda: TeacherForcing("step"), ValueError, "decay='step' is not known"),
        (lambda: TeacherForcing(start=2), ValueError, r"start=2 must lie in \[0, 1\]"),
        (lambda: TeacherForcing(end=-1), ValueError, "end=-1 must lie in"),
        (lambda: Seq2Seq("constant"), ValueError, "teacher_forcing='constant' is not known"),
        (lambda: TeacherForcing("constant", start=2), ValueError, r"start=2 must lie in \[0, 1\]"),
        (lambda: TeacherForcing(start=0.2, end=0.5), ValueError, r"end=0\.5 must not lie above start=0\.2"),
        (lambda: TeacherForcing(epochs=0), ValueError, "epochs=0 must lie in"),
    ],
)  # fmt: skip
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "encoder"}, "strategy='encoder' is not known; use one of 'recursive', 'direct', 'seq2seq'"),
        ({"strategy": Seq2Seq}, "strategy=.* is not known"),
        (
            {"strategy": Seq2Seq(segment_length=5)},
            "context_length=12 is no multiple of segment_length=5; use context_length=10 or 15",
        ),
        ({"strategy": Direct(segment_length=3)}, "horizon=4 is no multiple of segment_length=3; use horizon=3 or 6"),
        (
            {"strategy": Direct(segment_length=6), "context_length": None},
            "horizon=4 is shorter than segment_length=6; make segment_length smaller",
        ),
        (
            {"strategy": Seq2Seq(decoder_layers=2, bridge=False)},
            "bridge=False takes the encoder's states as they are, but decoder_layers=2 differs from num_layers=1",
        ),
        ({"strategy": Seq2Seq(decoder_layers=1), "dropout": 0.5}, "dropout=0.5 acts between layers"),
    ],
)
def test_bad_combinations(options, message):
    with pytest.raises(ValueError, match=message):
        lstm(**options).fit(wave())


def test_warm_start_needs_the_same_decoder():
    forecaster = lstm(Seq2Seq(), warm_start=True).fit(wave())
    with pytest.raises(ValueError, match="use the same attention, or warm_start=False"):
        forecaster.set_params(strategy=Seq2Seq(attention="dot")).fit(wave())
    with pytest.raises(ValueError, match="use the same horizon, strategy, or warm_start=False"):
        forecaster.set_params(strategy="direct").fit(wave())
    forecaster.set_params(strategy=Seq2Seq(1.0)).fit(wave())  # the same network, trained in another way
