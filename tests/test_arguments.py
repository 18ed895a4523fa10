"""Every argument of every public constructor with values of many types: accepted, or an error that names both."""

from __future__ import annotations

import decimal
import fractions
import inspect
import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import checks, exceptions
from tsrnn.cells.gru import GRU
from tsrnn.cells.lstm import LSTM
from tsrnn.cells.registry import FAMILIES, family
from tsrnn.data.windows import Geometry
from tsrnn.losses.loss import Loss
from tsrnn.losses.registry import LOSSES
from tsrnn.losses.squared import MSE
from tsrnn.networks import memory
from tsrnn.networks.architecture import Architecture, Decoder
from tsrnn.training import fit


class Silent:
    """An object whose `repr` fails."""

    def __repr__(self):
        raise RuntimeError("no words")


class Value(NamedTuple):
    value: object
    shown: str  # a part of the value that the message must contain


NUMBERS = {
    text: Value(value, text)
    for text, value in {
        "nan": float("nan"), "inf": float("inf"), "-inf": -float("inf"), "-1": -1, "0": 0, "1": 1, "0.5": 0.5,
        "1.5": 1.5, "1000000000": 10**9, "True": True, "np.True_": np.True_, "np.float32(nan)": np.float32("nan"),
        "np.float32(0.5)": np.float32(0.5), "np.int64(2)": np.int64(2), "array(2.)": np.array(2.0), "1j": 1j,
        "Decimal('0.5')": decimal.Decimal("0.5"), "Fraction(1, 2)": fractions.Fraction(1, 2),
    }.items()
}  # fmt: skip
NUMBERS["10**400"] = Value(10**400, "10000")
NUMBERS["10**5000"] = Value(10**5000, "<int (Exceeds the limit")
NUMBERS["-10**5000"] = Value(-(10**5000), "<int (Exceeds the limit")
OTHERS = {
    text: Value(value, text)
    for text, value in {
        "None": None, "'8'": "8", "''": "", "b'8'": b"8", "[1]": [1], "(1, 2)": (1, 2), "['a']": ["a"],
        "{'a': 1}": {"a": 1}, "{1}": {1}, "array([0, 1, 2])": np.arange(3), "<NA>": pd.NA, "NaT": pd.NaT,
        "<class 'int'>": int, "Ellipsis": ..., "dtype: float64": pd.Series([1.0, 2.0]), "<built-in function len>": len,
    }.items()
}  # fmt: skip
OTHERS["long"] = Value("x" * 10**5, "xxx...xxx")
OTHERS["silent"] = Value(Silent(), "<Silent (no words)>")
VALUES = NUMBERS | OTHERS
#: The accepted pairs of argument and value; all others must be errors.
WHOLE = {"1", "np.int64(2)"}
POSITIVE = {"0.5", "1", "1.5", "1000000000", "np.float32(0.5)", "np.int64(2)", "Fraction(1, 2)"}
PART = {"0.5", "np.float32(0.5)", "Fraction(1, 2)"}
FLAGS = {"True", "np.True_"}
ACCEPTED = {
    "Huber": {"delta": POSITIVE},
    "Pinball": {"levels": PART},
    "Adam": {
        "weight_decay": POSITIVE | {"0"}, "clip_norm": POSITIVE | {"None"}, "schedule": set(),
        "beta1": PART | {"0"}, "beta2": PART | {"0"}, "epsilon": POSITIVE,
    },
    "EarlyStopping": {
        "patience": WHOLE | {"1000000000"}, "min_delta": POSITIVE | {"0"}, "refit_full": FLAGS | {"None"},
        "validation_size": WHOLE | PART | {"1000000000", "None"},
    },
    "TeacherForcing": {"decay": set(), "start": PART | {"0", "1"}, "end": PART | {"0", "1"}, "epochs": POSITIVE},
    "Direct": {"segment_length": WHOLE | {"1000000000"}},
    "Recursive": {},
    "Seq2Seq": {
        "teacher_forcing": PART | {"0", "1", "None"}, "attention": {"None"},
        "decoder_layers": WHOLE | {"1000000000", "None"}, "bridge": FLAGS | {"None"}, "detach": FLAGS,
        "segment_length": WHOLE | {"1000000000"},
    },
    "network": {
        "hidden_size": WHOLE, "num_layers": WHOLE, "dropout": {"0"}, "learn_initial_state": FLAGS, "loss": set(),
        "scaling": {"None"}, "learning_rate": POSITIVE, "optimizer": {"None"},
        "batch_size": WHOLE | {"1000000000", "None"},
        "max_epochs": WHOLE | {"1000000000"}, "early_stopping": FLAGS, "callbacks": {"None"},
        "verbose": WHOLE | {"0", "True", "1000000000"}, "warm_start": FLAGS,
        "random_state": WHOLE | {"0", "None", "1000000000"}, "dtype": set(), "device": set(),
        "horizon": WHOLE, "context_length": WHOLE | {"None"}, "strategy": set(), "linear_skip": FLAGS,
        "n_channels": WHOLE, "missing": set(), "multivariate": set(), "difference": WHOLE | {"0"},
        "seasonal_difference": {"0"}, "target_transform": {"None"}, "point": set(), "sampling": set(),
        "pooling": set(), "cell": set(), "bidirectional": FLAGS, "class_weight": {"None"},
        "label_smoothing": PART | {"0"},
        "embedding_size": WHOLE | {"None"},
        "ignore_label": {*NUMBERS} - {"array(2.)", "1j", "Decimal('0.5')"} | {"None", "'8'", "''", "long"},
    },
}  # fmt: skip
ACCEPTED["Seq2SeqTransducer"] = ACCEPTED["network"] | {
    "embedding_size": WHOLE, "share_embeddings": FLAGS, "attention": {"None"}, "tokenize": set(),
    "min_count": WHOLE, "max_length": {"np.int64(2)", "1000000000", "None"},
    "beam_width": WHOLE | {"1000000000"}, "length_penalty": POSITIVE - {"1000000000"} | {"0"},
    "decoder_layers": WHOLE | {"None"},
    "teacher_forcing": PART | {"0", "1", "None"},
}  # fmt: skip
for cell_name in FAMILIES:  # the arguments that the cells add, by their types
    of_type = {bool: FLAGS, int: WHOLE, str: set()}
    ACCEPTED["network"] |= {option.name: of_type[type(option.default)] for option in family(cell_name).options}
SUFFIXES = ("Forecaster", "Regressor", "Classifier", "Tagger")
NETWORKS = [f"{cell_name}{suffix}" for cell_name in FAMILIES for suffix in SUFFIXES]
NETWORKS.append("SequenceGenerator")
#: Those are tested where they are; a description of the outside world, `Epoch`, is made by the package alone.
ELSEWHERE = {
    "ARForecaster",
    "AutoForecaster",
    "ConformalForecaster",
    "EnsembleForecaster",
    "LatentARForecaster",
    "Epoch",
}
ELSEWHERE |= {"NaiveForecaster", "SeasonalNaiveForecaster", "DriftForecaster", "ThetaForecaster"}
OWN = {"season_lengths", "validation"}
CASES = [
    (name, argument)
    for name in tsrnn.__all__
    if name[0].isupper() and name not in ELSEWHERE
    for argument in inspect.signature(getattr(tsrnn, name)).parameters
    if argument not in OWN
]


def test_all_public_constructors_are_tested():
    assert {name for name, _ in CASES} == {n for n in tsrnn.__all__ if n[0].isupper()} - ELSEWHERE - {"Recursive"}
    assert not inspect.signature(tsrnn.Recursive).parameters


class Accepted(Exception):  # noqa: N818
    """Raised in place of compiling, after all arguments were accepted."""


@pytest.fixture
def stop_before_compiling(monkeypatch):
    def stop(*_):
        raise Accepted

    monkeypatch.setattr(fit, "warm_up", stop)
    monkeypatch.setattr(memory, "machine_bytes", lambda: 10**11)


Y = np.sin(np.arange(80) / 3)
X = np.arange(80.0).reshape(20, 4)


def make(name, argument, value):
    """Construct an object; call `fit` of estimators, which checks the arguments."""
    public = getattr(tsrnn, name)
    made = public(value) if argument == "levels" else public(**{argument: value})
    if name.endswith("Forecaster"):
        made.fit(Y)
    elif name.endswith("Regressor"):
        made.fit(X, X[:, 0])
    elif name.endswith("Generator"):
        made.fit(X, X)
    elif name.endswith("Classifier"):
        made.fit(X, X[:, 0] > 40)
    elif name.endswith("Transducer"):
        made.fit(["a b", "b"] * 9, ["b a", "b"] * 9)
    elif name.endswith("Tagger"):
        made.fit(X, np.where(X > 40, "up", "down"))


@pytest.mark.usefixtures("stop_before_compiling")
@pytest.mark.parametrize(("name", "argument"), CASES, ids=lambda part: part)
def test_arguments(name, argument):
    accepted = ACCEPTED["network" if name in NETWORKS else name][argument]
    for label, (value, part) in VALUES.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", exceptions.TsrnnWarning)
                make(name, argument, value)
        except Accepted:
            assert label in accepted, label
        except (TypeError, ValueError) as error:
            message = str(error)
            assert label not in accepted, message
            assert argument in message, (label, message)
            assert part in message or repr(value) in message or f"={float(value):g}" in message, (label, message)
            assert len(message) < 1000, label
        else:
            assert label in accepted, label


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": 3, "equation": len}, "name=3 must be a word"),
        ({"name": "mine", "equation": "mse"}, "equation='mse' must be a function"),
        ({"name": "mine", "equation": len, "width": 0}, "width=0 must be at least 1"),
        ({"name": "mine", "equation": len, "constants": ()}, r"constants=\(\) must be a tuple of numbers"),
        ({"name": "mine", "equation": len, "constants": 0.5}, "constants=0.5 must be a tuple of numbers"),
        ({"name": "mine", "equation": len, "constants": ("a",)}, "constants='a' must be a number"),
        ({"name": "mine", "equation": len, "constants": (np.nan,)}, "constants=nan must lie in"),
        ({"name": "mine", "equation": len, "link": []}, r"link=\[\] is not known"),
        ({"name": "mine", "equation": len, "start": None}, "start=None must be a function"),
    ],
)
def test_losses(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Loss(**arguments)
    assert all(isinstance(loss, Loss) for loss in LOSSES.values())


def test_levels_of_pinball():
    for levels in [(0.5, 0.1), (0.1, 0.1), (), (0.1, 1.0), ("0.1", 0.5), ([0.1, 0.5],)]:
        with pytest.raises((TypeError, ValueError), match="levels="):
            tsrnn.Pinball(*levels)
    assert tsrnn.Pinball(np.float64(0.1), fractions.Fraction(1, 2)).levels == (0.1, 0.5)


def test_integers_of_more_than_63_bits():
    assert checks.whole("n", 2**63 - 1) == 2**63 - 1
    with pytest.raises(ValueError, match=r"n=9223372036854775808 must be at most 2\*\*63 - 1"):
        checks.whole("n", 2**63)


# ---------------------------------------------------------------- sizes beyond reason
SIZES = {
    "hidden_size": (
        dict(hidden_size=10**9),
        r"hidden_size=1000000000, num_layers=1 make a network of about 10\^18 par",
    ),
    "a large one": (dict(hidden_size=10**5), r"hidden_size=100000, .* 40002000276 parameters.* [\d,.]+ GB of memory"),
    "num_layers": (dict(num_layers=10**9), "num_layers=1000000000 make a network of 8319999996692 parameters, whose"),
    "tiny layers": (dict(num_layers=10**8, hidden_size=1), "num_layers=100000000 make a network"),
    "decoder_layers": (dict(strategy=tsrnn.Seq2Seq(decoder_layers=10**9)), "decoder_layers=1000000000 make a network"),
    "segments": (dict(strategy=tsrnn.Direct(segment_length=10**9)), "horizon=12 is shorter than segment_length=10000"),
    "horizon": (dict(horizon=10**9), "horizon=1000000000 to forecast"),
    "rolled": (dict(horizon=2**62, strategy="recursive"), f"horizon={2**62} to forecast"),
    "context": (dict(context_length=10**9), "context_length=1000000000 to read"),
    "both": (dict(context_length=2**63 - 1, horizon=2**63 - 1), "to read and horizon=9223372036854775807 to forecast"),
    "validation": (dict(early_stopping=tsrnn.EarlyStopping(validation_size=10**12)), "holds out 1000000000000 observ"),
}


@pytest.mark.usefixtures("stop_before_compiling")
@pytest.mark.parametrize(("arguments", "message"), SIZES.values(), ids=SIZES)
def test_networks_too_large_for_memory(arguments, message):
    with pytest.raises(ValueError, match=message):
        tsrnn.LSTMForecaster(**arguments).fit(Y)


@pytest.mark.usefixtures("stop_before_compiling")
def test_sizes_of_regressors():
    for arguments in ({"hidden_size": 10**9}, {"num_layers": 10**9}, {"n_channels": 10**9}):
        name, value = next(iter(arguments.items()))
        with pytest.raises(ValueError, match=f"{name}={value}"):
            tsrnn.GRURegressor(**arguments).fit(X, X[:, 0])


@pytest.mark.usefixtures("stop_before_compiling")
def test_batches_too_large_for_memory(monkeypatch):
    """A small network and a small batch, but too many steps for the memory."""
    forecaster = tsrnn.LSTMForecaster(hidden_size=20, context_length=50, batch_size=10)
    with pytest.raises(Accepted):
        forecaster.fit(Y)
    monkeypatch.setattr(memory, "machine_bytes", lambda: 400_000)
    with pytest.raises(ValueError, match=r"in batches of 10 windows of 50 steps takes at least 0.0 GB .*; make one of"):
        forecaster.fit(Y)
    with pytest.raises(ValueError, match=r"; make one of these or batch_size or context_length smaller$"):
        forecaster.fit(Y)
    monkeypatch.setattr(memory, "machine_bytes", lambda: 10_000)
    with pytest.raises(ValueError, match=r"; make one of these or context_length smaller$"):
        tsrnn.LSTMForecaster(hidden_size=2, context_length=50, horizon=1, batch_size=1).fit(Y)
    with pytest.raises(Accepted):
        tsrnn.LSTMForecaster(hidden_size=2, context_length=5, horizon=1, batch_size=1).fit(Y)


@pytest.mark.usefixtures("stop_before_compiling")
@pytest.mark.parametrize("name", ["GRUClassifier", "GRURegressor", "GRUTagger", "SequenceGenerator", "transducer"])
def test_sequences_too_long_for_memory(monkeypatch, name):
    """The mends name arguments that the estimator has, and help; a batch of one window has no smaller size."""
    monkeypatch.setattr(memory, "machine_bytes", lambda: 2_000_000)

    def data(n_steps):
        long, short = np.arange(n_steps) % 2, [0, 1]
        two = [long.astype(float), np.ones(2)]
        return {
            "GRUTagger": (two, [long, short]),
            "SequenceGenerator": ([[0.0], [1.0]], two),
            "transducer": (["a " * n_steps, "b"], ["x", "y"]),
        }.get(name, (two, short))

    made = getattr(tsrnn, {"transducer": "Seq2SeqTransducer"}.get(name, name))(hidden_size=10, early_stopping=False)
    n_windows = 2 if name == "SequenceGenerator" else 1
    mend = "make one of these" + (" or batch_size" if n_windows == 2 else "")
    mend += " smaller, or cut or leave out the longest sequences"
    with pytest.raises(ValueError, match=rf"in batches of {n_windows} windows of .*; {mend}$"):
        made.fit(*data(20_000))
    with pytest.raises(Accepted):
        made.fit(*data(20))


@pytest.mark.usefixtures("stop_before_compiling")
def test_large_limits_are_accepted():
    for arguments in ({"batch_size": 10**12}, {"max_epochs": 10**18}):
        with pytest.raises(Accepted):
            tsrnn.LSTMForecaster(**arguments).fit(Y)


def test_paths_too_large_for_memory():
    forecaster = tsrnn.LatentARForecaster(n_states=1, max_iter=2, polish=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two iterations do not converge
        forecaster.fit(Y)
    with pytest.raises(ValueError, match=r"n_paths=1000000000000 paths of 3 steps take at least 24,000.0 GB of memory"):
        forecaster.sample(3, n_paths=10**12)


def test_memory_of_the_machine(monkeypatch, tmp_path):
    memory.machine_bytes.cache_clear()
    here = memory.machine_bytes()
    assert 10**8 < here < 10**15
    limit = tmp_path / "memory.max"
    for text, expected in (("123456789\n", 123456789), ("max\n", here), ("0", here)):
        limit.write_text(text)
        monkeypatch.setattr(memory, "_CONTROL_GROUPS", (str(limit), str(tmp_path / "nothing"), *memory._CONTROL_GROUPS))
        memory.machine_bytes.cache_clear()
        assert memory.machine_bytes() == expected
    monkeypatch.setattr(memory, "_physical", list)
    monkeypatch.setattr(memory, "_CONTROL_GROUPS", ())
    memory.machine_bytes.cache_clear()
    assert memory.machine_bytes() > 10**8  # unknown: the address space
    memory.machine_bytes.cache_clear()


@pytest.mark.parametrize("cell", [LSTM, GRU], ids=lambda cell: cell.name)
@pytest.mark.parametrize(
    "options",
    [
        {}, {"num_layers": 3, "lags": 5, "learn_initial_state": True}, {"n_inputs": 4, "n_covariates": 2},
        {"block": 6, "decoder": Decoder(segment=3, parallel=True), "n_inputs": 4, "n_covariates": 2},
        {"decoder": Decoder(num_layers=2, bridge=True, attention="additive"), "num_layers": 3},
        {"block": 3, "decoder": Decoder(segment=3, attention="general")}, {"loss": LOSSES["student_t"], "block": 4},
    ],
    ids=str,
)  # fmt: skip
def test_number_of_parameters(cell, options):
    """`size` equals the end of the table of parameters, and the memory checks accept a small network."""
    made = {"n_inputs": 2, "n_targets": 2, "block": 1, "loss": MSE, "hidden_size": 5} | options
    a = Architecture(cell, **made)
    offset, shape = list(a.entries.values())[-1]
    assert a.size == offset + int(np.prod(shape))
    memory.check_parameters(a, "float32")
    memory.check_batch(a, Geometry(6, block=a.block), 4, "float64", has_context=True)
