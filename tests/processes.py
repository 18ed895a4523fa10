"""Run Python in a new process, for tests of things that happen once in a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def python(*arguments: str, timeout: float = 300, **environment: str) -> str:
    """Run ``python arguments`` in the root of the sources and return its last line of output; exit status must be 0."""
    run = subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return (run.stdout.splitlines() or [""])[-1]
