"""Settings that are needed before tsrnn is imported: a new cache of compiled kernels, and figures without a screen.

An old cache could hide a bug, so each run compiles again; TSRNN_TEST_CACHE=folder keeps a cache between runs. The
worker processes of pytest-xdist share the cache of the run that started them. TSRNN_TEST_DEVICE is the device of the
kernel tests: cpu, cuda (a GPU, or its simulator in Numba), or ptx (`tests.machine`, an interpreter of the PTX code).
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from tsrnn.cells.registry import FAMILIES  # imports no library, so the kernel cache can still be chosen below

from . import shared_cache

if "PYTEST_XDIST_WORKER" not in os.environ:
    _CACHE = tempfile.TemporaryDirectory(prefix="tsrnn-test-cache-", ignore_cleanup_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = os.environ.get("TSRNN_TEST_CACHE") or _CACHE.name
os.environ["MPLBACKEND"] = "Agg"
os.environ.setdefault("TSRNN_COMPILE_PROCESSES", "1")  # the processes of a test run share the work already
if os.environ.get("NUMBA_ENABLE_CUDASIM", "0") != "0":
    sys.setswitchinterval(1e-4)  # the simulated threads wait for each other at every step, so switch between them often
if os.environ.get("TSRNN_TEST_DEVICE") == "ptx":
    from .machine import driver

    driver.install()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Share the cache between processes, and make TSRNN_TEST_DEVICE the default of the estimators' ``device``."""
    if "PYTEST_XDIST_WORKER" in os.environ or not getattr(session.config.option, "numprocesses", None):
        shared_cache.install()  # the process that starts workers compiles nothing
    if os.environ.get("TSRNN_TEST_DEVICE", "cpu") != "cpu":
        import tsrnn

        for name in tsrnn.__all__:
            defaults = getattr(getattr(getattr(tsrnn, name), "__init__", None), "__kwdefaults__", None) or {}
            if "device" in defaults:
                defaults["device"] = "cuda"


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """One thread, because in hundreds of tiny fits waiting for threads takes longer than the work; bits are equal."""
    import numba  # after the cache has been chosen

    n = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(n)


#: Files whose kernels take longest to compile, float32 and float64 in turn, so that two processes that start with them
#: do not wait for each other.
FIRST = ["forecasters", "kernels", "likelihoods", "decoder", "networks", "import", "docs", "threads"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files of `FIRST` first; keep the order within a file."""
    rank = {f"test_{name}": i for i, name in enumerate(FIRST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


def pytest_unconfigure() -> None:
    """Remove the cache."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        _CACHE.cleanup()


# ---------------------------------------------------------------- estimators of the common tests
LINEAR = ["AR", "Latent"]
NETWORKS = ["LSTM-recursive", "GRU-direct", "LSTM-segments"]
#: The other combinations of a cell and a strategy, which run with ``-m exhaustive``.
MORE = [f"{name}-{strategy}" for name in FAMILIES for strategy in ("recursive", "direct")]
MORE += ["LSTM-seq2seq", "LSTM-direct segments"]
more_params = [pytest.param(name, marks=pytest.mark.exhaustive) for name in MORE if name not in NETWORKS]


def _unfitted(name: str) -> Any:
    from sklearn.base import clone

    from .forecasters import ALL  # imported here because the process that starts the workers does not need it

    return clone(ALL[name])


@pytest.fixture(params=[*LINEAR, *NETWORKS, *more_params])
def forecaster(request: pytest.FixtureRequest) -> Any:
    """An unfitted copy of each forecaster in `forecasters.ALL`."""
    return _unfitted(request.param)


@pytest.fixture(params=[*NETWORKS, *more_params])
def network(request: pytest.FixtureRequest) -> Any:
    """An unfitted copy of each recurrent network in `forecasters.ALL`."""
    return _unfitted(request.param)
