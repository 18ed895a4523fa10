"""All benchmarks, or those named, each in a process of its own; first the machine.

python -m tests.benchmarks [name ...]
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from importlib.util import find_spec

from .measure import installed, machine

NAMES = (
    "kernels", "step", "fit", "process", "importing", "predict", "precision", "forecasts", "kalman", "calibration",
    "decoder", "strategies", "panel", "backtest", "digits",
)  # fmt: skip
PACKAGES = ("numpy", "scipy", "numba", "llvmlite", "pandas", "scikit-learn", "torch")


def print_machine() -> None:
    """Processor, load, versions and threads."""
    print(machine())
    print(f"Python {platform.python_version()}, {', '.join(map(installed, PACKAGES))}", flush=True)


def main() -> int:
    """Run them in turn; how many failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}; all if none is given")
    names = parser.parse_args().names or NAMES
    unknown = set(names) - set(NAMES)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose of {', '.join(NAMES)}")
    print_machine()
    failed = 0
    for name in names:
        print(f"\n{name}", flush=True)
        if name == "kernels" and find_spec("torch") is None:
            print("torch is not installed: there is nothing to compare the kernels with", flush=True)
            continue
        failed += subprocess.run([sys.executable, "-m", f"{__package__}.{name}"]).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
