"""Python in a process of its own, for what one process can do only once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def python(*arguments: str, timeout: float = 300, **environment: str) -> str:
    """What ``python arguments`` prints last, from the root of the sources; it has to end well."""
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
