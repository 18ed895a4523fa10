"""The promise: on one machine a fit gives the same bits whatever the threads, the threading layer and the processes.

Every setting runs in a process of its own, for Numba decides on its layer once; an abort is that process's end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .problems import COMPILED
from .threads_job import ESTIMATORS, WAYS

pytestmark = pytest.mark.skipif(not COMPILED, reason="needs the compiler")
#: Each layer and each number of threads once; the session `threads` runs all four.
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
    """What each setting reported, filled as they run."""
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


def test_the_layer_asked_for_was_used(setting, report):
    assert report["layer"] == setting[0]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_same_bits(report, way):
    assert set(report["ways"]["serial"]) == set(ESTIMATORS)
    assert report["ways"][way] == report["ways"]["serial"]


def test_every_setting_gives_the_same_bits(report, reports):
    """Against the settings that ran before it."""
    assert all(other["ways"] == report["ways"] for other in reports.values())
