"""Compile every kernel of the CUDA backend without a GPU, and look at what came out: ``python -m tests.ptx``.

For each compute capability: no float64 instruction in a kernel of float32 numbers (but those that scale the series or
know the gradient's norm), no array in local memory. Where NVIDIA's assembler is installed (package nvidia-cuda-nvcc),
registers are printed, and bounds kept on the bytes that are spilled, and on the weights that the product of a step must
fetch back from local memory because they found no register: many would say that the plan is wrong.
"""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

#: Weights of a row that may lie in local memory instead of a register, and bytes of all that does.
MOST_RELOADS, MOST_SPILLED = 16, 2000
CAPABILITIES = ((8, 0), (9, 0), (10, 0))
#: Bytes of local memory in which a function that stands apart leaves that it returns nothing.
RESULT = 8
#: Kernels that compute in float64 as the CPU does: they scale the series, or clip by the gradient's norm.
IN_DOUBLE = ("gather", "gather_static", "gather_targets", "sum", "norm", "update")
#: Cell, units, windows of a batch, kind of decoder: kernel A, B and what is too wide for either. Each cell that is
#: not here is compiled once, with 64 units.
NETWORKS = (
    ("lstm", 64, 256, ""),
    ("lstm", 128, 256, ""),
    ("lstm", 128, 1024, ""),
    ("gru", 128, 32, ""),
    ("rnn_tanh", 32, 256, ""),
    ("gru_reset_before", 96, 256, ""),
    ("lstm", 256, 256, ""),
    ("lstm", 1500, 32, ""),
    ("gru", 64, 256, "decoder"),
    ("lstm", 64, 256, "parallel"),
)


def pretend(capability: tuple[int, int]) -> None:
    """Device functions ask for the present device: let there be one, as far as they can see."""
    import numba.cuda.api
    import numba.cuda.dispatcher

    device = SimpleNamespace(compute_capability=capability)
    numba.cuda.api.get_current_device = numba.cuda.dispatcher.get_current_device = lambda: device


class Compiled(NamedTuple):
    """A kernel's name, the threads of a block, and its code."""

    name: str
    threads: int
    ptx: str
    double: bool  # whether it may compute in float64


def kernels(capability: tuple[int, int]):
    """All kernels, compiled."""
    from numba import cuda
    from numba.cuda import types

    from tests.problems import CELLS
    from tsrnn.data.windows import Geometry
    from tsrnn.kernels.cuda.kernels import build_common, build_loss, build_network
    from tsrnn.kernels.cuda.plan import Properties, plan
    from tsrnn.losses.cross_entropy import CrossEntropy
    from tsrnn.losses.log_loss import LogLoss
    from tsrnn.losses.registry import LOSSES
    from tsrnn.losses.squared import MSE
    from tsrnn.networks.architecture import Architecture, Decoder

    whole, single = types.int64, types.float32
    wholes, singles, table = whole[::1], single[::1], whole[:, ::1]
    tile = (table, wholes, whole, singles, single, single, types.uint64, table)
    batch = (wholes, table, wholes, whole, whole, table)
    common = {
        "gather": batch,
        "gather_static": batch,
        "keep": batch,
        "gather_targets": batch,
        "transpose": (singles, table),
        "sum": (whole, table),
        "norm": (singles, whole, table),
        "update": (singles, single[:, ::1], singles, *[single] * 8, table),
        "feed": (wholes, single[:, :, ::1], whole, whole, whole, table),
        "ones": (whole, table),
    }

    def compile_(name, kernel, signature, threads, double=False):
        options = {"device": False, "cc": capability, "output": "ptx", "abi": "numba", "launch_bounds": threads}
        return Compiled(name, threads, cuda.compile(kernel.jit.py_func, signature, **options)[0], double)

    def operations(cell, hidden_size, kind):
        """All operations of a network with two layers and whatever parts that kind of network may have."""
        sizes = {"hidden_size": hidden_size, "num_layers": 2, "lags": 6, "learn_initial_state": True}
        known = {"n_covariates": 1, "n_seasonal": 2, "n_masked": 1}
        if kind:  # in the place of a learned state
            known |= {"n_static": 1, "cardinalities": (5,)}
        segment, n_outputs = (3, 1) if kind == "parallel" else (1, 2)
        decoder = {
            "": None, "decoder": Decoder(1, False, 2, True, "additive"), "parallel": Decoder(segment, parallel=True),
        }[kind]  # fmt: skip
        architecture = Architecture(cell, 6, 1, 6, MSE, **sizes, **known, decoder=decoder)
        return tuple(architecture.layout(Geometry(6, n_outputs, 6, segment)).operations())

    limits = Properties()
    for name, signature in common.items():
        kernel = getattr(build_common(limits.most_threads, "float32"), name)
        yield compile_(name, kernel, signature, limits.most_threads, double=name in IN_DOUBLE)
    for loss in (*LOSSES.values(), LogLoss(), CrossEntropy(5)):
        yield compile_(loss.name, build_loss(loss, limits.most_threads, "float32"), tile, limits.most_threads)
    others = [(cell, 64, 256, "") for cell in CELLS if all(cell != network[0] for network in NETWORKS)]
    for cell, hidden_size, lanes, kind in (*NETWORKS, *others):
        chip = plan(CELLS[cell], hidden_size, lanes, 4, limits)
        network = build_network(CELLS[cell], operations(CELLS[cell], hidden_size, kind), chip, "float32")
        for part in network._fields:
            signature = (wholes, whole, whole, table) if part == "weights" else tile
            label = f"{cell} {hidden_size} {kind + ' ' * bool(kind)}{part}, {chip.blocks} blocks"
            yield compile_(label, getattr(network, part), signature, chip.threads)


class Assembled(NamedTuple):
    """What the assembler made of a kernel."""

    registers: int = 0  # of a thread
    spilled: int = 0  # bytes, of the kernel and of the functions that stand apart
    reloads: int = 0  # reads of local memory between those of the state, in the product of a step


def assembled(code: Compiled, capability: tuple[int, int], assembler: Path) -> Assembled:
    """As the driver would assemble it."""
    from tsrnn.kernels.cuda.plan import registers_of_thread

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "kernel.ptx"
        source.write_text(code.ptx)
        binary = str(source.with_suffix(".o"))
        most = f"-maxrregcount={registers_of_thread(code.threads)}"
        options = [f"-arch=sm_{capability[0]}{capability[1]}", most, "-v", "-c", str(source), "-o", binary]
        said = subprocess.run([assembler, *options], capture_output=True, text=True, check=True).stderr
        disassembler = assembler.with_stem("nvdisasm")
        shown = subprocess.run([disassembler, "-c", binary], capture_output=True, text=True, check=True).stdout
    registers = max(map(int, re.findall(r"Used (\d+) registers", said)), default=0)
    return Assembled(registers, sum(map(int, re.findall(r"(\d+) bytes spill st", said))), reloads(shown.splitlines()))


def reloads(lines: list[str]) -> int:
    """Reads of local memory between reads of four elements of shared memory that stand close together."""
    quads = [n for n, line in enumerate(lines) if "LDS.128" in line]
    close = [(a, b) for a, b in itertools.pairwise(quads) if b - a < 80]
    return sum("LDL" in line for a, b in close for line in lines[a:b])


def find_assembler() -> Path | None:
    """NVIDIA's assembler, beside the other packages or on the path."""
    beside = sorted(Path(sys.prefix).glob("lib/python*/site-packages/nvidia/*/bin/ptxas*"))
    found = beside[0] if beside else shutil.which("ptxas")
    return Path(found) if found else None


def faults(code: Compiled, made: Assembled) -> list[str]:
    """What is wrong with a kernel."""
    found = []
    if not code.double and ".f64" in code.ptx:
        found.append("a float64 instruction")
    if any(int(size) > RESULT for size in re.findall(r"__local_depot\d+\[(\d+)\]", code.ptx)):
        found.append("an array in local memory")
    if made.spilled > MOST_SPILLED:
        found.append(f"{made.spilled} bytes are spilled")
    if made.reloads > MOST_RELOADS:
        found.append(f"{made.reloads} weights are read from local memory")
    return found


def main() -> int:
    """Print a line for each kernel; the number of those with a fault."""
    assembler, wrong = find_assembler(), 0
    for capability in CAPABILITIES:
        pretend(capability)
        for module in [name for name in sys.modules if name.startswith("tsrnn.kernels.cuda")]:
            del sys.modules[module]  # device functions keep what they were compiled for
        print(f"compute capability {capability[0]}.{capability[1]}: registers, spilled bytes, reloads, seconds")
        started = time.perf_counter()
        for code in kernels(capability):
            made = assembled(code, capability, assembler) if assembler else Assembled()
            found = faults(code, made)
            wrong += bool(found)
            seconds, started = time.perf_counter() - started, time.perf_counter()
            figures = f"{made.registers:4} {made.spilled:6} {made.reloads:4} {seconds:6.1f}"
            print(f"  {code.name:48} {figures}  {'; '.join(found)}", flush=True)
    print("all well" if wrong == 0 else f"{wrong} kernels are at fault")
    return wrong


if __name__ == "__main__":
    sys.exit(min(main(), 1))
