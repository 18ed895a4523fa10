"""Compiling before the first use: which functions, in which process, and what happens if a helper cannot work."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tsrnn
from tsrnn import AutoForecaster, ThetaForecaster
from tsrnn.cells.lstm import LSTM
from tsrnn.cells.registry import family
from tsrnn.data.windows import Geometry
from tsrnn.kernels import get_theta
from tsrnn.losses.absolute import MAE
from tsrnn.losses.registry import LOSSES
from tsrnn.networks.architecture import Architecture
from tsrnn.training import warmup

from .problems import COMPILED

if not COMPILED:
    pytest.skip("nothing is compiled", allow_module_level=True)

from tsrnn.kernels import ahead, cache, jit

ROOT = Path(tsrnn.__file__).parents[1]


def units():
    layout = Architecture(LSTM, 1, 1, 3, MAE, lags=4).layout(Geometry(4, 1, 3))
    return ahead.units_of(layout, "float32", [MAE])


def test_units_are_those_that_a_fit_runs(tmp_path):
    """A fit in a process with an empty cache compiles each unit, and nothing else."""
    code = """
import sys
from tsrnn import LSTMForecaster
import numpy as np
LSTMForecaster(horizon=3, max_epochs=2, random_state=0).fit(np.sin(np.arange(60.0))).predict(5)
"""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "TSRNN_COMPILE_PROCESSES": "2"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=ROOT, timeout=300)
    found = sorted(path.name.rsplit("-", 1)[0] for path in (tmp_path / "tsrnn").iterdir())
    assert found == sorted(unit.name + "_gradient" * unit.is_gradient for unit in units())


def test_the_work_is_divided_evenly():
    ours, theirs = ahead._divide(units())
    assert sorted(map(str, ours + theirs)) == sorted(map(str, units()))
    here, there = (sum(unit.cost for unit in part) for part in (ours, theirs))
    assert abs(here - there - ahead.START) <= max(unit.cost for unit in units()) / 2


def test_theta_models_run_what_is_compiled_ahead():
    ThetaForecaster().fit(np.sin(np.arange(24.0))).predict(1)
    for unit, loop in zip(ahead.units_of_theta(), get_theta(), strict=True):
        assert unit.is_ready()
        assert unit.compiled.function is loop
        assert list(loop.overloads) == [unit.compiled.signature(unit.dtype)]


def test_what_the_automatic_choice_compiles_ahead_is_part_of_a_warmup(monkeypatch):
    """The command of the README compiles all of it."""
    asked = []
    monkeypatch.setattr(warmup, "prepare", lambda units, *_: asked.extend(units))
    AutoForecaster(horizon=3, random_state=0).fit(np.sin(np.arange(60.0)))
    losses = [LOSSES[name] for name in ("mse", "mae", "huber")]
    known = warmup.functions(family("GRU").make(), ["direct"], losses, "float32")
    assert {unit.name for unit in asked} >= {"gru", "mse_loss", "mae_loss", "huber_loss", "fit_thetas", "run"}
    assert set(asked) <= {*known, *ahead.units_of_theta()}


def gate(a):
    """A cell's equation that only this process could know, if its module were ``__main__``."""
    return a


@pytest.mark.parametrize("reason", ["one processor", "asked", "frozen", "own equations", "little"])
def test_no_helper_where_it_cannot_help(monkeypatch, reason):
    if reason == "one processor":
        monkeypatch.setattr(ahead, "_processors", lambda: 1)
    else:
        monkeypatch.setattr(ahead, "_processors", lambda: 4)
    if reason == "frozen":
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setenv("TSRNN_COMPILE_PROCESSES", "1" if reason == "asked" else "2")
    monkeypatch.setattr(ahead.multiprocessing, "parent_process", lambda: None)
    if reason == "own equations":
        monkeypatch.setattr(LSTM.stages[0].forward, "__module__", "__main__")
    missing = units()[-1:] if reason == "little" else units()
    assert not ahead._can_divide(missing, LSTM, [MAE])


def test_a_helper_that_fails_leaves_the_work_here(monkeypatch, tmp_path):
    """The code of the helper raises at once: this process compiles all, and computes."""
    monkeypatch.setattr(ahead, "CODE", "raise SystemExit(3)")
    monkeypatch.setattr(ahead, "_can_divide", lambda *_: True)
    monkeypatch.setattr(cache, "folders", lambda: [tmp_path])
    few = [unit for unit in units() if unit.name in ("clear", "head", "transpose")]
    monkeypatch.setattr(jit, "forward_of", functools.cache(jit.forward_of.__wrapped__))  # as in a new process
    assert ahead.prepare([unit for unit in few if not unit.is_gradient], LSTM, [MAE]) == 3
    assert all(unit.is_ready() for unit in few if not unit.is_gradient)
    assert np.all([path.suffix == ".nbc" for path in tmp_path.iterdir()])
