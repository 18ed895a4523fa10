"""`import tsrnn` in a process of its own against a bare interpreter, timed alternating, and what else it loads.

python -m tests.benchmarks.importing [--repeats 21]
"""

from __future__ import annotations

import argparse

from .kernels import alternate
from .measure import line, process

CODE = """
import sys
before = set(sys.modules)
import tsrnn
names = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(names - set(sys.stdlib_module_names) - {"tsrnn"}))
"""


def main() -> None:
    """The difference of the medians, and the list."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=21)
    args = parser.parse_args()
    seconds = alternate({"ours": lambda: process("import tsrnn"), "bare": lambda: process("pass")}, args.repeats)
    note = f"modules from elsewhere: {process(CODE) or 'none'}   goal none"
    line("import tsrnn, more than a bare interpreter", seconds["ours"] - seconds["bare"], "s", 0.1, note)


if __name__ == "__main__":
    main()
