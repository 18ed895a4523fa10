"""Set up before anything is imported: a kernel cache of this run alone, and figures without a screen.

A cache that outlived an edit could hide a bug, so each run compiles anew; TSRNN_TEST_CACHE=folder keeps one instead.
Workers of pytest-xdist share that of the run that started them. TSRNN_TEST_DEVICE says where kernels are tested: cpu,
cuda (a GPU, or Numba's simulator of one), or ptx (`tests.machine`, which runs what is compiled for a GPU).
"""

from __future__ import annotations

import os
import sys
import tempfile

if "PYTEST_XDIST_WORKER" not in os.environ:
    _CACHE = tempfile.TemporaryDirectory(prefix="tsrnn-test-cache-", ignore_cleanup_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = os.environ.get("TSRNN_TEST_CACHE") or _CACHE.name
os.environ["MPLBACKEND"] = "Agg"
if os.environ.get("NUMBA_ENABLE_CUDASIM", "0") != "0":
    sys.setswitchinterval(1e-4)  # its threads wait for each other at every step
if os.environ.get("TSRNN_TEST_DEVICE") == "ptx":
    from .machine import driver

    driver.install()


def pytest_sessionstart() -> None:
    """Let the estimators' ``device`` be that of the tests, TSRNN_TEST_DEVICE, where a test does not say which."""
    if os.environ.get("TSRNN_TEST_DEVICE", "cpu") != "cpu":
        import tsrnn

        for name in tsrnn.__all__:
            defaults = getattr(getattr(getattr(tsrnn, name), "__init__", None), "__kwdefaults__", None) or {}
            if "device" in defaults:
                defaults["device"] = "cuda"


def pytest_unconfigure() -> None:
    """Remove the cache."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        _CACHE.cleanup()
