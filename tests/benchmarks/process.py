"""The whole process of a first forecast: import, fit (500 updates), predict; with an empty and a filled kernel cache.

    python -m tests.benchmarks.process [--empty 3] [--filled 7]

Beside it stands a process that only imports numba, pandas and scikit-learn, timed alternating.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from .kernels import alternate
from .measure import JOB, line, process

CODE = f"""
from numba.core import event
compiled = event.RecordingListener()
event.register("numba:compile", compiled)
from tsrnn import LSTMForecaster
from tsrnn.datasets import load_air_passengers
forecaster = LSTMForecaster(**{JOB!r}).fit(load_air_passengers())
assert len(forecaster.predict(12)) == 12
n = sum(e.is_start for _, e in compiled.buffer)
print(n, "signatures compiled; in fit", *(f"{{name}} {{value:.2f}} s" for name, value in forecaster.timings_.items()))
"""
IMPORTS = "import numba, pandas, sklearn"


def first_run(folder: str) -> tuple[float, str]:
    """Seconds of the process with an empty cache, and what it compiled in words."""
    started = time.perf_counter()
    compiled = process(CODE, NUMBA_CACHE_DIR=folder)
    seconds = time.perf_counter() - started
    return seconds, f"{compiled}; {len(list(Path(folder).rglob('*.nbc')))} entries in the cache"


def main() -> None:
    """Empty, then filled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--empty", type=int, default=3, help="runs with an empty cache")
    parser.add_argument("--filled", type=int, default=7, help="runs with a filled one")
    args = parser.parse_args()
    process(IMPORTS)  # brings the files into memory
    runs = []
    for _ in range(args.empty):
        with tempfile.TemporaryDirectory() as folder:
            runs.append(first_run(folder))
    line("process, empty cache", statistics.median(seconds for seconds, _ in runs), "s", 10, "aim 8; " + runs[-1][1])
    with tempfile.TemporaryDirectory() as folder:
        first_run(folder)
        functions = {
            "ours": lambda: process(CODE, NUMBA_CACHE_DIR=folder),
            "imports": lambda: process(IMPORTS, NUMBA_CACHE_DIR=folder),
        }
        seconds, compiled = alternate(functions, args.filled), functions["ours"]()
    note = f"process {seconds['ours']:.2f} s, imports {seconds['imports']:.2f} s; {compiled}"
    line("process, filled cache, more than its imports", seconds["ours"] - seconds["imports"], "s", 0.8, note)


if __name__ == "__main__":
    main()
