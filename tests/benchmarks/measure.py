"""What the benchmarks share: one line for each measured thing, and processes of their own."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

#: The job of `fit`, `process`, `predict` and `step`: 109 windows of the air passengers, 4 batches an epoch.
JOB: dict[str, Any] = {
    "loss": "mse",  # that of the loops in PyTorch
    "scaling": "standard",
    "context_length": 24,
    "horizon": 12,
    "hidden_size": 32,
    "batch_size": 32,
    "max_epochs": 125,
    "early_stopping": False,
    "random_state": 0,
}
N_UPDATES = 500
STRATEGIES = ("recursive", "direct")


def processor() -> str:
    """The processor's model, as Linux knows it, or else as Python does."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def machine() -> str:
    """Processor, threads, load and system, in words."""
    import numba

    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    threads = numba.get_num_threads()
    count = f"{threads} {'thread' if threads == 1 else 'threads'}"
    return f"{processor()}, {os.cpu_count()} cores, {count}{load}; {platform.platform()}"


def installed(package: str) -> str:
    """Its version in words."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"


def line(
    what: str, value: float, unit: str, goal: float | None = None, note: str = "", *, at_least: float | None = None
) -> None:
    """Print a figure, the goal that it must not exceed, or must reach, and a remark."""
    sign, goal = ("<=", goal) if at_least is None else (">=", at_least)
    against = "" if goal is None else f"   goal {sign} {goal:g} {unit}".rstrip()
    print(f"{what:44} {value:9.3f} {unit:5}{against}{note and '   ' + note}", flush=True)


def has_torch() -> bool:
    """Whether there is a PyTorch to compare with; says so if there is none."""
    if find_spec("torch") is None:
        print("torch is not installed: its column is left out", flush=True)
        return False
    return True


def process(code: str, **environment: str) -> str:
    """What `code` prints in an interpreter of its own."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()
