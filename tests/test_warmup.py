"""Compiling in advance: ``tsrnn warmup`` covers what fits and forecasts run, and reports errors before it begins."""

from __future__ import annotations

import json

import pytest

from tsrnn.cells.registry import FAMILIES, family
from tsrnn.cli import main
from tsrnn.data.windows import Geometry
from tsrnn.estimators import warmup as loops
from tsrnn.exceptions import CacheWarning
from tsrnn.forecasting.strategies import STRATEGIES
from tsrnn.kernels import ahead, why_no_cuda
from tsrnn.losses.registry import LOSSES
from tsrnn.networks.architecture import Architecture
from tsrnn.training import warmup

from .problems import COMPILED
from .processes import python

needs_compiler = pytest.mark.skipif(not COMPILED, reason="needs the compiler")
EVERY_LOSS = tuple(LOSSES.values())

#: Fits with covariates, seasonal inputs and gaps, several layers and columns; prints what was compiled.
JOB = """
import json
import numba.core.event as events
import numpy as np
import pandas as pd

with events.install_recorder("numba:compile") as recorder:
    from tsrnn import RNNForecaster

    hours = pd.date_range("2024-01-01", periods=500, freq="h")
    y = pd.Series(np.sin(np.arange(500.0) * 2 * np.pi / 24), hours, name="y")
    X = pd.DataFrame({"x": np.cos(np.arange(500.0))}, hours)
    plain = dict(max_epochs=2, random_state=0)
    RNNForecaster(**plain).fit(y).predict(30)
    for strategy in ("direct", "recursive"):
        model = RNNForecaster(context_length=8, horizon=6, season_lengths=[24], strategy=strategy, **plain)
        model.fit(X[:400], y[:400])
        assert model.network_.architecture.n_seasonal and model.network_.architecture.n_covariates
        model.predict(X[400:406])
        model.predict_interval(X[400:406])
        columns = pd.DataFrame({"a": y, "b": y.where(np.arange(500) % 97 > 0)})
        RNNForecaster(context_length=5, horizon=3, strategy=strategy, num_layers=2, dropout=0.1, **plain).fit(columns)
print(json.dumps([event.data["dispatcher"].__name__ for _, event in recorder.buffer if event.is_start]))
"""

#: Fits of the models that are no networks to one series, read-only arrays, columns and panels; prints as above.
LOOPS_JOB = """
import json
import numba.core.event as events
import numpy as np
import pandas as pd

with events.install_recorder("numba:compile") as recorder:
    from tsrnn import LatentARForecaster, ThetaForecaster

    y = np.sin(np.arange(40.0))
    y.flags.writeable = False
    gaps = np.where(np.arange(40) % 7 == 0, np.nan, y)
    wide = np.asfortranarray(np.stack([y, gaps], axis=1))
    for data in (y, gaps, wide, {"a": pd.Series(y[:30]), "b": pd.Series(gaps)}):
        for model in (ThetaForecaster(), ThetaForecaster(season_lengths=6, dynamic=False)):
            model.fit(data).predict_interval(3, 0.8)
            model.sample(3, 5)
        LatentARForecaster(n_states=2, tol=1e-2, polish=True).fit(data).predict_interval(3, 0.8)
print(json.dumps([event.data["dispatcher"].__name__ for _, event in recorder.buffer if event.is_start]))
"""


@pytest.fixture
def run(capsys):
    """Function that runs ``tsrnn warmup`` and returns (exit code, standard output, standard error)."""

    def call(*arguments):
        with pytest.raises(SystemExit) as stop:
            main(["warmup", *arguments], prog_name="tsrnn")
        return stop.value.code or 0, *capsys.readouterr()

    return call


@pytest.fixture
def compiles(monkeypatch):
    """The arguments of each compilation, in place of compiling."""
    calls = []

    def record(cell, strategies, losses, dtype, device):
        calls.append((cell.name, strategies, [loss.name for loss in losses], dtype, device))
        return warmup.Compiled(0, set(), 0.0)

    monkeypatch.setattr(warmup, "compile_cell", record)
    monkeypatch.setattr(loops, "compile_loops", lambda: warmup.Compiled(0, set(), 0.0))
    monkeypatch.setattr(warmup, "has_compiler", lambda: True)
    return calls


# ---------------------------------------------------------------- coverage
@needs_compiler
@pytest.mark.exhaustive  # it compiles a network; the next test compares the lists of functions
def test_a_later_process_compiles_nothing(tmp_path):
    environment = {"NUMBA_CACHE_DIR": str(tmp_path), "TSRNN_COMPILE_PROCESSES": "2"}
    last = python("-m", "tsrnn", "warmup", "--cells", "rnn", **environment)
    n_files = len(list((tmp_path / "tsrnn").iterdir()))
    assert last.startswith(f"Compiled code: {n_files} functions, ")
    assert last.endswith(f" MB, in {tmp_path / 'tsrnn'}")
    assert json.loads(python("-c", JOB, **environment)) == []


@needs_compiler
def test_a_later_process_compiles_no_loop_of_other_models(tmp_path):
    environment, code = {"NUMBA_CACHE_DIR": str(tmp_path)}, "from tsrnn.estimators.warmup import compile_loops as c; "
    first = python("-c", f"{code}print(c().n_functions)", **environment)
    assert int(first) == len(list((tmp_path / "tsrnn").iterdir())) == 4
    assert python("-c", f"{code}print(c().n_functions)", **environment) == "0"
    assert json.loads(python("-c", LOOPS_JOB, **environment)) == []


@needs_compiler
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", FAMILIES)
def test_functions_of_other_networks_are_included(name, strategy):
    """Whatever the sizes are; without a strategy that has options of its own."""
    cell = family(name).make()
    known = set(warmup.functions(cell, [strategy], EVERY_LOSS, "float64"))
    for horizon, layers, n_targets, lags, covariates, seasonal in (
        (1, 1, 1, 0, 0, 0), (5, 1, 2, 7, 0, 0), (5, 3, 1, 7, 2, 0), (4, 1, 2, 7, 0, 2),
    ):  # fmt: skip
        geometry = STRATEGIES[strategy].geometry(7, horizon)
        for loss in EVERY_LOSS:
            network = Architecture(
                cell, n_targets + covariates + n_targets * seasonal, n_targets, geometry.block, loss, 4, layers, lags,
                n_covariates=covariates, decoder=STRATEGIES[strategy].decoder(layers), n_seasonal=seasonal,
            )  # fmt: skip
            assert set(ahead.units_of(network.layout(geometry), "float64", [loss])) <= known


@needs_compiler
def test_functions_of_regressors_are_included():
    cell = family("GRU").make()
    network = Architecture(cell, 3, 2, 1, LOSSES["mse"], 4, 2)
    units = ahead.units_of(network.layout(Geometry(6)), "float32", [LOSSES["mse"]])
    assert set(units) <= set(warmup.functions(cell, ["direct"], [LOSSES["mse"]], "float32"))


# ---------------------------------------------------------------- the command
def test_defaults_are_all_cells(run, compiles):
    code, out, err = run()
    assert (code, err) == (0, "")
    assert [call[1:] for call in compiles] == [(("direct", "recursive"), ["mae"], "float32", "cpu")] * len(FAMILIES)
    places = [line.split(":")[0] for line in out.splitlines()]
    assert places == [*map(str.lower, FAMILIES), "theta, latent", "Compiled code"]


def test_options(run, compiles):
    code, out, _ = run(
        "--cells", "gru, rnn,gru", "--strategies", "seq2seq", "--losses", "mae,gaussian", "--dtype", "float64"
    )
    assert code == 0
    assert compiles == [(name, ("seq2seq",), ["mae", "gaussian"], "float64", "cpu") for name in ("gru", "rnn_tanh")]
    assert out.startswith("gru: compiled 0 functions in 0.0 s\nrnn: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--cells", "lstm,perceptron"), "'perceptron' is not one of rnn, lstm, gru"),
        (("--cells", ""), "'' is not one of rnn, lstm, gru"),
        (("--strategies", "vague"), "'vague' is not one of recursive, direct, seq2seq"),
        (("--losses", "mse,hinge"), "'hinge' is not one of mse, mae"),
        (("--dtype", "float16"), "'float16' is not one of"),
        (("--devices", "tpu"), "'tpu' is not one of cpu, cuda"),
    ],
)
def test_unknown_names(run, compiles, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out, compiles) == (2, "", [])
    assert message in err
    assert arguments[0] in err


def test_no_gpu(run, compiles, monkeypatch):
    """The error comes before the first compilation, also if the GPU is the second device."""
    problem = "the package numba-cuda is not installed; pip install 'tsrnn[cuda]'"
    monkeypatch.setattr("tsrnn.networks.devices.why_no_cuda", lambda: problem)
    code, out, err = run("--devices", "cpu,cuda")
    assert (code, out, compiles) == (1, "", [])
    assert err == f"Error: --devices cuda cannot be used: {problem}; or use --devices cpu\n"


def test_cells_that_cuda_cannot_compute(run, compiles, monkeypatch):
    """They are left out unless they are asked for."""
    monkeypatch.setattr("tsrnn.networks.devices.why_no_cuda", lambda: "")
    assert run("--devices", "cuda")[0] == 0
    names = [call[0] for call in compiles]
    assert "lstm" in names
    assert "indrnn" not in {name.split("_")[0] for name in names}
    code, out, err = run("--devices", "cuda", "--cells", "indrnn")
    assert (code, out, len(compiles)) == (1, "", len(names))
    assert err.startswith("Error: --devices cuda cannot be used: the cell indrnn")


def test_without_compiler(run, compiles, monkeypatch):
    monkeypatch.setattr(warmup, "has_compiler", lambda: False)
    code, out, err = run()
    assert (code, out, compiles) == (1, "", [])
    assert "unset it" in err


def test_code_that_cannot_be_kept_is_an_error(run, monkeypatch):
    def compile_cell(*arguments):
        import warnings

        warnings.warn("compiled code cannot be kept in /full (OSError: no space)", CacheWarning, stacklevel=2)
        return warmup.Compiled(3, set(), 0.5)

    monkeypatch.setattr(warmup, "compile_cell", compile_cell)
    monkeypatch.setattr(warmup, "has_compiler", lambda: True)
    code, out, err = run("--cells", "lstm,gru")
    assert (code, out) == (1, "lstm: compiled 3 functions in 0.5 s\n")
    assert err.startswith("  Warning: compiled code cannot be kept in /full")
    assert "Error: only 0 of these functions were kept" in err


@needs_compiler
@pytest.mark.skipif(bool(why_no_cuda()), reason="needs a GPU")
def test_cuda_kernels():
    cell = family("RNN").make()
    done = warmup.compile_cell(cell, ["direct"], [LOSSES["mse"]], "float32", "cuda")
    assert len(done.files) == done.n_functions
    again = warmup.compile_cell(cell, ["direct"], [LOSSES["mse"]], "float32", "cuda")
    assert again.n_functions == 0
