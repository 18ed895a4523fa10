"""Modules loaded by the import, public names, and the functions that a typical fit compiles."""

from __future__ import annotations

import json

import pytest

import tsrnn

from .problems import COMPILED
from .processes import python

HEAVY = (
    *("numba", "llvmlite", "pandas", "sklearn", "scipy", "matplotlib", "joblib", "threadpoolctl", "tqdm", "click"),
    *("narwhals", "polars", "pyarrow"),
)


# ---------------------------------------------------------------- names
def test_importing_loads_nothing_else():
    loaded = python("-c", "import sys, json, tsrnn; print(json.dumps([*sys.modules]))")
    assert not {name.split(".")[0] for name in json.loads(loaded)} & {*HEAVY, "numpy"}


def test_options_do_not_load_the_compiler():
    """A loss loads no large library; an estimator loads neither matplotlib nor click before `fit`."""
    loaded = python("-c", "import sys, json, tsrnn; tsrnn.Huber(1.0); print(json.dumps([*sys.modules]))")
    assert not set(json.loads(loaded)) & set(HEAVY)
    loaded = python("-c", "import sys, json, tsrnn; tsrnn.LSTMForecaster(); print(json.dumps([*sys.modules]))")
    assert not set(json.loads(loaded)) & {"matplotlib", "click"}


def test_public_names():
    assert sorted(tsrnn.__all__) == dir(tsrnn)
    assert all(getattr(tsrnn, name) is not None for name in tsrnn.__all__)
    assert tsrnn.LSTMForecaster is tsrnn.LSTMForecaster


@pytest.mark.parametrize("name", ["datasets", "exceptions", "metrics", "plotting"])
def test_modules(name):
    """They can be imported, and after ``import tsrnn`` need not be."""
    python("-c", f"import tsrnn.{name}; from tsrnn import {name} as one; assert one is tsrnn.{name}")
    python("-c", f"import tsrnn; assert tsrnn.{name}.__name__ == 'tsrnn.{name}'")


def test_unknown_names():
    with pytest.raises(AttributeError, match="module 'tsrnn' has no attribute 'LSTM'"):
        tsrnn.LSTM  # noqa: B018
    with pytest.raises(ImportError):
        from tsrnn import LSTM  # noqa: F401


def test_star_import():
    names: dict[str, object] = {}
    exec("from tsrnn import *", names)
    assert set(tsrnn.__all__) <= set(names)


def test_a_second_import_is_fast():
    seconds = python("-c", "import timeit, tsrnn; print(timeit.timeit('import tsrnn', number=1000))")
    assert float(seconds) < 0.1


# ---------------------------------------------------------------- compiling
MAIN_JOB = """
import json, numba.core.event as events
with events.install_recorder("numba:compile") as recorder:
    from tsrnn import LSTMForecaster
    from tsrnn.datasets import load_air_passengers
    LSTMForecaster(max_epochs=2, random_state=0).fit(load_air_passengers()).predict(12)
functions = [event.data["dispatcher"].__name__ for _, event in recorder.buffer if event.is_start]
print(json.dumps(functions))
"""

#: Entry points of the kernels that a typical fit and forecast compile, each for one signature, and their functions.
#: Another signature (a read-only array, an int32, a tuple of another length) slows down every first fit.
ENTRY_POINTS = {
    "clear": "clear",
    "gather": "gather",
    "gather_targets": "gather_targets",
    "head": "head",
    "head_gradient": "head_gradient",
    "inputs": "read",
    "lstm": "layer",
    "lstm_gradient": "layer_gradient",
    "mae_loss": "weighted_loss",
    "run": "_run_tables",
    "scale_windows": "scale_windows",
    "skip": "add_skip",
    "skip_gradient": "add_skip_gradient",
    "transpose": "transpose_weights",
    "update": "update",
}


@pytest.mark.skipif(not COMPILED, reason="needs the compiler")
def test_compiled_entry_points(tmp_path):
    """Counted in the disk cache, one file for each signature; a second process compiles nothing."""
    first = json.loads(python("-c", MAIN_JOB, NUMBA_CACHE_DIR=str(tmp_path), TSRNN_COMPILE_PROCESSES="1"))
    cached = sorted(path.name.split("-")[0].split(".")[-1] for path in tmp_path.rglob("*.nbc"))
    assert cached == sorted(ENTRY_POINTS)
    assert set(ENTRY_POINTS.values()) <= set(first)
    assert json.loads(python("-c", MAIN_JOB, NUMBA_CACHE_DIR=str(tmp_path))) == []
