"""Set up before anything is imported: a kernel cache of this run alone, and figures without a screen.

A cache that outlived an edit could hide a bug, so each run compiles anew; TSRNN_TEST_CACHE=folder keeps one instead.
Workers of pytest-xdist share that of the run that started them. TSRNN_TEST_DEVICE says where kernels are tested: cpu,
cuda (a GPU, or Numba's simulator of one), or ptx (`tests.machine`, which runs what is compiled for a GPU).
"""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any

import pytest

from tsrnn.cells.registry import FAMILIES  # imports no library, so the kernel cache can still be chosen below

from . import shared_cache

if "PYTEST_XDIST_WORKER" not in os.environ:
    _CACHE = tempfile.TemporaryDirectory(prefix="tsrnn-test-cache-", ignore_cleanup_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = os.environ.get("TSRNN_TEST_CACHE") or _CACHE.name
os.environ["MPLBACKEND"] = "Agg"
if os.environ.get("NUMBA_ENABLE_CUDASIM", "0") != "0":
    sys.setswitchinterval(1e-4)  # its threads wait for each other at every step
if os.environ.get("TSRNN_TEST_DEVICE") == "ptx":
    from .machine import driver

    driver.install()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Share the cache. Let the estimators' ``device`` be TSRNN_TEST_DEVICE, where a test does not say which."""
    if "PYTEST_XDIST_WORKER" in os.environ or not getattr(session.config.option, "numprocesses", None):
        shared_cache.install()  # the process that starts workers compiles nothing
    if os.environ.get("TSRNN_TEST_DEVICE", "cpu") != "cpu":
        import tsrnn

        for name in tsrnn.__all__:
            defaults = getattr(getattr(getattr(tsrnn, name), "__init__", None), "__kwdefaults__", None) or {}
            if "device" in defaults:
                defaults["device"] = "cuda"


#: Files whose kernels take longest to compile, in turns those of float32 and of float64: two processes that begin with
#: these do not wait for each other's.
FIRST = ["forecasters", "kernels", "likelihoods", "decoder", "networks", "import", "docs", "threads"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what is compiled; the order within a file stays."""
    rank = {f"test_{name}": i for i, name in enumerate(FIRST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


def pytest_unconfigure() -> None:
    """Remove the cache."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        _CACHE.cleanup()


# ---------------------------------------------------------------- what one conformance suite is run on
LINEAR = ["AR", "Latent"]
NETWORKS = ["LSTM-recursive", "GRU-direct", "LSTM-segments"]
#: The other combinations of a cell and a strategy, which run with ``-m exhaustive``.
MORE = [f"{name}-{strategy}" for name in FAMILIES for strategy in ("recursive", "direct")]
MORE += ["LSTM-seq2seq", "LSTM-direct segments"]
more = [pytest.param(name, marks=pytest.mark.exhaustive) for name in MORE if name not in NETWORKS]


def _unfitted(name: str) -> Any:
    from sklearn.base import clone

    from .forecasters import ALL  # not before a test needs it: the process that starts workers does not

    return clone(ALL[name])


@pytest.fixture(params=[*LINEAR, *NETWORKS, *more])
def forecaster(request: pytest.FixtureRequest) -> Any:
    """Every forecaster, unfitted; their names are those of `forecasters.ALL`."""
    return _unfitted(request.param)


@pytest.fixture(params=[*NETWORKS, *more])
def network(request: pytest.FixtureRequest) -> Any:
    """Every forecaster that is a network."""
    return _unfitted(request.param)
