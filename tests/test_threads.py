"""A fit gives the same bits for all numbers of threads, threading layers and processes, on one machine.

Every setting runs in a new process, because Numba chooses its threading layer once, and because it may abort.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .problems import COMPILED
from .threads_job import ESTIMATORS, VARIANTS

pytestmark = pytest.mark.skipif(not COMPILED, reason="needs the compiler")
#: Each layer and each number of threads once; the session `threads` runs all four combinations.
SETTINGS = [
    ("omp", 2),
    ("workqueue", 1),
    pytest.param(("omp", 1), marks=pytest.mark.exhaustive),
    pytest.param(("workqueue", 2), marks=pytest.mark.exhaustive),
]


@pytest.fixture(scope="module", params=SETTINGS, ids=lambda setting: f"{setting[0]}-{setting[1]}")
def setting(request):
    return request.param


@pytest.fixture(scope="module")
def reports():
    """Report of each setting; filled as the settings run."""
    return {}


@pytest.fixture(scope="module")
def report(setting, reports):
    layer, threads = setting
    environment = {"NUMBA_THREADING_LAYER": layer, "NUMBA_NUM_THREADS": str(threads)}
    run = subprocess.run(
        [sys.executable, "-m", "tests.threads_job"],
        env=os.environ | environment,
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=500,
    )
    if run.returncode and "No threading layer could be loaded" in run.stderr:
        pytest.skip(f"this numba has no {layer}")
    assert run.returncode == 0, run.stderr[-3000:]
    reports[setting] = json.loads(run.stdout.splitlines()[-1])
    return reports[setting]


def test_the_requested_threading_layer_was_used(setting, report):
    assert report["layer"] == setting[0]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_gives_the_same_bits(report, variant):
    assert set(report["variants"]["serial"]) == set(ESTIMATORS)
    assert report["variants"][variant] == report["variants"]["serial"]


def test_every_setting_gives_the_same_bits(report, reports):
    """Compared with the settings that ran before."""
    assert all(other["variants"] == report["variants"] for other in reports.values())
