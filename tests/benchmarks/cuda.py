"""The CUDA kernels against PyTorch's cuDNN on one GPU, and a whole fit: one command, under eight minutes.

    python -m tests.benchmarks.cuda [--quick] [--ett FILE] [--fit-windows 4096]

First what the device can do: a launch, a barrier, a copy, multiply-adds. Then for each cell and shape the median of a
forward pass and of forward and backward, ours and PyTorch's (float32, TF32 off and on) in turn, by CUDA events; beside
them what the bytes and operations of the shape would take at these ceilings. Every shape is first compared with the
CPU's kernels in float64. The fit of a wide series follows: hidden 128, look-back 336, horizon 96, one epoch on the GPU,
on the CPU and in PyTorch; it is ETTh1 (zhouhaoyi/ETDataset) where ``--ett`` names the file, else random walks of that
width, which take as long.

Kernels are compiled beforehand, several at a time in processes of their own, into Numba's cache on disk. Without
PyTorch its columns are left out; in the simulator (NUMBA_ENABLE_CUDASIM=1) ``--quick`` shows that all of it runs.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np

from .kernels import BUILT_IN, build_ours, build_torch
from .measure import has_torch, line

#: Cells of the table; cuDNN has them too.
CELLS = BUILT_IN
HIDDEN, BATCHES, STEPS = (32, 64, 128, 256, 512), (32, 256, 1024), (96, 336)
TINY = (("lstm", 4, 3, 4),)
#: A float32 result may differ from float64's by so much of its largest value after some hundred steps.
TOLERANCE = 2e-4


# ---------------------------------------------------------------- time
class Clock:
    """Seconds on the device between two points of its one queue; of the processor in the simulator."""

    def __init__(self) -> None:
        from tsrnn.kernels.cuda.device import SIMULATED

        self.simulated = SIMULATED

    def seconds(self, function: Callable[[], Any]) -> float:
        """What one call takes, from the first launch to the last."""
        if self.simulated:
            started = time.perf_counter()
            function()
            return time.perf_counter() - started
        from numba import cuda

        first, last = cuda.event(), cuda.event()
        first.record()
        function()
        last.record()
        last.synchronize()
        return cuda.event_elapsed_time(first, last) / 1e3


def alternate(clock: Clock, functions: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median seconds of each, called in turn so that drift of the machine hits all alike."""
    for function in functions.values():
        function(), function()
    times = [{name: clock.seconds(function) for name, function in functions.items()} for _ in range(repeats)]
    return {name: statistics.median(one[name] for one in times) for name in functions}


# ---------------------------------------------------------------- ceilings
def ceilings(clock: Clock, simulated: bool) -> dict[str, float]:
    """Seconds of a launch and of a barrier in a block and among all blocks; bytes and multiply-adds a second."""
    from tsrnn.kernels.cuda.device import properties, to_device
    from tsrnn.kernels.cuda.team import build_team, grid_each, grid_kernel

    limits = properties()
    threads, blocks = (limits.most_threads, limits.multiprocessors)
    n, rounds, long = (64, 4, 8) if simulated else (1 << 27, 1000, 100_000)
    x, y = to_device(np.ones(n, np.float32)), to_device(np.zeros(n, np.float32))
    one, zero = np.float32(1.000001), np.float32(0.5)
    teams = [build_team(1, "float32"), build_team(1 if simulated else blocks, "float32")]

    def empty(x, y):
        pass

    def copy(x, y):
        for e in grid_each(x.size):
            y[e] = x[e]

    def multiply(x, y):
        a, b, c, d = x[0], x[1], x[2], x[3]
        for _ in range(long):
            a, b, c, d = a * one + zero, b * one + zero, c * one + zero, d * one + zero
        y[0] = a + b + c + d

    def waiting(barrier: Callable) -> Callable:
        def wait(x, y):
            for _ in range(rounds):
                barrier()

        return wait

    from tsrnn.kernels.cuda.device import device

    programs = {"launch": empty, "copy": copy, "multiply": multiply}
    programs |= {"block": waiting(teams[0].barrier), "grid": waiting(teams[1].barrier)}
    kernels = {
        name: grid_kernel(f"measure_{name}", device(program), threads, f"{blocks} {rounds} {long}", (program,))
        for name, program in programs.items()
    }
    kernels["grid"].cooperative = True
    counts = dict.fromkeys(programs, blocks) | {"copy": 4 * blocks}  # as many threads as can run at a time
    if simulated:  # whose blocks run one after the other
        counts["grid"] = 1
    runs = {name: lambda name=name: kernels[name](counts[name], threads, 0, x, y) for name in programs}
    took = alternate(clock, runs, 1 if simulated else 21)
    found = {
        "launch": took["launch"],
        "block": max(took["block"] - took["launch"], 1e-12) / rounds,
        "grid": max(took["grid"] - took["launch"], 1e-12) / rounds,
        "bytes": 8 * n / max(took["copy"] - took["launch"], 1e-12),
        "products": 4 * long * blocks * threads / max(took["multiply"] - took["launch"], 1e-12),
    }
    line("a launch", 1e6 * found["launch"], "us")
    line("a barrier of a block", 1e6 * found["block"], "us")
    line("a barrier of all blocks", 1e6 * found["grid"], "us")
    line("a copy", found["bytes"] / 1e9, "GB/s")
    line("multiply-adds", found["products"] / 1e9, "G/s", note=f"{threads} threads in each of {blocks} blocks")
    return found


# ---------------------------------------------------------------- shapes
def ours(
    name: str, hidden: int, batch: int, steps: int, x: np.ndarray, backend: Any, dtype: str, capacity: int = 0
) -> Any:
    """Views of theta, the workspace, and the functions for a forward pass and a training step."""
    from tsrnn.cells.registry import all_cells

    return build_ours(all_cells()[name], (batch, steps, 1, hidden), x, True, dtype, backend, capacity)


def check(name: str, hidden: int, steps: int, x: np.ndarray, found: np.ndarray, gradient: np.ndarray) -> float:
    """The largest error beside float64 on the CPU, of the outputs and of the gradient, in parts of the largest."""
    from tsrnn.kernels.cpu import CpuBackend

    with CpuBackend().session():
        _, work, run, _, _ = ours(name, hidden, len(x), steps, x, CpuBackend(), "float64")
        run()
        exact, whole = CpuBackend().outputs(work), work.read("grad").sum(axis=0)
    errors = [np.abs(a - b).max() / np.abs(b).max() for a, b in ((found, exact), (gradient, whole))]
    return float(max(errors))


def compare(clock: Clock, shape: tuple[str, int, int, int], tops: dict[str, float], torch: bool, repeats: int) -> bool:
    """Check one shape, time it, print a line; whether it computes the right thing."""
    from tsrnn.kernels.cuda.backend import CudaBackend

    name, hidden, batch, steps = shape
    x = np.random.default_rng(0).standard_normal((batch, steps, 1)).astype(np.float32)
    backend = CudaBackend()
    few = x[: min(batch, 4)]
    _, work, run, _, _ = ours(name, hidden, len(few), steps, few, backend, "float32", batch)  # as timed below
    run()
    error = check(name, hidden, steps, few, backend.outputs(work), work.read("grad")[: work.tiles()].sum(axis=0))
    if not error < TOLERANCE:
        print(f"{shape}: {error:.1e} beside float64, and so it was not timed", flush=True)
        return False
    views, work, train, architecture, forward = ours(name, hidden, batch, steps, x, backend, "float32")

    def step() -> None:
        train()
        backend.sum_gradient(work)  # the whole gradient is what PyTorch has in the end

    functions: dict[str, Callable[[], Any]] = {"forward": forward, "train": step}
    if torch:
        functions |= of_torch(name, shape, x, views)
    took = alternate(clock, functions, repeats)
    weights = architecture.entries["head"][0]
    operations = 3 * weights * batch * steps
    moved = 4 * batch * steps * hidden * (3 * len(architecture.cell.planes) + 4)
    bound = max(operations / tops["products"], moved / tops["bytes"])
    chip = work.chip
    columns = [f"{1e3 * took['forward']:8.3f} {1e3 * took['train']:8.3f}"]
    for kind in ("", " tf32"):
        if torch:
            parts = [f"{took[part + kind] / took[part.removesuffix(' torch')]:6.2f}" for part in TORCH]
            columns.append(" ".join(parts))
    figures = "   ".join(columns)
    plan = f"{chip.lanes}x{chip.blocks}x{chip.threads}"
    print(f"{name:9} {hidden:4} {batch:5} {steps:4} {figures}   {1e3 * bound:8.3f}  {plan:10} {error:.0e}", flush=True)
    return True


TORCH = ("forward torch", "train torch")


def let_tf32(on: bool) -> None:
    """Let PyTorch round the factors of its products to TF32, or not."""
    import torch

    for part in (torch.backends.cuda.matmul, torch.backends.cudnn.rnn):
        part.fp32_precision = "tf32" if on else "ieee"


def of_torch(name: str, shape: tuple[str, int, int, int], x: np.ndarray, views: Any) -> dict[str, Callable[[], Any]]:
    """The same network in PyTorch on the GPU, with TF32 off and on."""
    import torch

    _, hidden, batch, steps = shape
    module, _ = build_torch(name, (batch, steps, 1, hidden), x, views, True, 1)
    module = module.cuda()
    inputs = torch.from_numpy(np.ascontiguousarray(x.transpose(1, 0, 2))).cuda()

    def run(backward: bool, tf32: bool) -> None:
        let_tf32(tf32)
        if not backward:
            with torch.no_grad():
                module(inputs)
            return
        module.zero_grad()
        module(inputs)[0][-1].sum().backward()

    return {
        f"{part}{kind}": lambda b=backward, t=tf32: run(b, t)
        for kind, tf32 in (("", False), (" tf32", True))
        for part, backward in zip(TORCH, (False, True), strict=True)
    }


def compile_beforehand(shapes: list[tuple[str, int, int, int]]) -> None:
    """Each plan once, several processes at a time; what they compile stays in the cache on disk."""
    plans = {(name, hidden, batch) for name, hidden, batch, _ in shapes}
    code = "import sys; from tests.benchmarks.cuda import warm; warm(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))"
    started = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(max(1, joblib.cpu_count() - 1)) as pool:
        commands = [[sys.executable, "-c", code, *map(str, plan)] for plan in sorted(plans)]
        done = list(pool.map(lambda command: subprocess.run(command, check=False).returncode, commands))
    print(f"{len(done)} plans compiled in {time.perf_counter() - started:.0f} s, {sum(map(bool, done))} failed\n")


def warm(name: str, hidden: int, batch: int) -> None:
    """Run one training step."""
    from tsrnn.kernels.cuda.backend import CudaBackend

    x = np.zeros((batch, 2, 1), np.float32)
    _, _, run, _, forward = ours(name, hidden, batch, 2, x, CudaBackend(), "float32")
    forward(), run()


# ---------------------------------------------------------------- a whole fit
def whole_fit(file: str | None, n_windows: int, torch: bool) -> None:
    """One epoch of the ETTh1 job: on the GPU, on the CPU, in PyTorch; seconds, compiling aside."""
    import pandas as pd

    from tsrnn import LSTMForecaster

    if file:
        values = pd.read_csv(file).iloc[: n_windows + 431, 1:].to_numpy(float)
    else:
        values = np.random.default_rng(0).normal(size=(n_windows + 431, 7)).cumsum(axis=0)
    job: dict[str, Any] = {
        "hidden_size": 128, "context_length": 336, "horizon": 96, "batch_size": 256, "max_epochs": 1,
        "early_stopping": False, "linear_skip": False, "loss": "mse", "scaling": "standard", "random_state": 0,
    }  # fmt: skip
    seconds = {}
    for device in ("cuda", "cpu"):
        forecaster = LSTMForecaster(device=device, **job).fit(values)
        seconds[device] = forecaster.timings_["train"]
        line(f"one epoch of {n_windows} windows, {device}", seconds[device], "s")
    line("CPU / GPU", seconds["cpu"] / seconds["cuda"], "", note=f"{os.cpu_count()} processors")
    if torch:
        seconds["torch"] = torch_epoch(values, job)
        line("the same in PyTorch, on the GPU", seconds["torch"], "s")
        line("PyTorch / ours", seconds["torch"] / seconds["cuda"], "")


def torch_epoch(values: np.ndarray, job: dict[str, Any]) -> float:
    """Seconds of an epoch of the same network, batches gathered on the device."""
    import torch

    steps, horizon, batch = job["context_length"], job["horizon"], job["batch_size"]
    scaled = torch.tensor((values - values.mean(axis=0)) / values.std(axis=0), dtype=torch.float32).cuda()
    let_tf32(False)
    recurrent = torch.nn.LSTM(values.shape[1], job["hidden_size"]).cuda()
    head = torch.nn.Linear(job["hidden_size"], horizon * values.shape[1]).cuda()
    optimizer = torch.optim.AdamW([*recurrent.parameters(), *head.parameters()], weight_decay=0.0)
    windows = scaled.unfold(0, steps + horizon, 1)

    def epoch() -> None:
        for chosen in torch.randperm(len(windows)).cuda().split(batch):
            some = windows[chosen].permute(2, 0, 1)
            optimizer.zero_grad()
            said = head(recurrent(some[:steps])[0][-1]).view(len(chosen), horizon, -1)
            ((said - some[steps:].transpose(0, 1)) ** 2).mean().backward()
            torch.nn.utils.clip_grad_norm_([*recurrent.parameters(), *head.parameters()], 1.0)
            optimizer.step()
        torch.cuda.synchronize()

    epoch()
    started = time.perf_counter()
    epoch()
    return time.perf_counter() - started


def main() -> None:
    """Ceilings, shapes, the fit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one small shape")
    parser.add_argument("--ett", help="ETTh1.csv, for the whole fit; random walks without it")
    parser.add_argument("--fit-windows", type=int, default=4096)
    args = parser.parse_args()
    from tsrnn.kernels import why_no_cuda

    problem = why_no_cuda()
    if problem:
        raise SystemExit(f"nothing was measured: {problem}")
    clock = Clock()
    torch = has_torch() and not clock.simulated
    shapes = list(TINY) if args.quick else list(itertools.product(CELLS, HIDDEN, BATCHES, STEPS))
    if not clock.simulated:
        from numba import cuda

        print(cuda.get_current_device().name)
        compile_beforehand(shapes)
    tops = ceilings(clock, clock.simulated)
    ratios = "PyTorch / ours: forward, both; with TF32: forward, both" if torch else ""
    print(f"\ncell, hidden, batch, steps; ms forward, and both; {ratios}")
    print("ms at the ceilings; lanes x blocks x threads; error beside float64")
    right = [compare(clock, shape, tops, torch, 1 if clock.simulated else 15) for shape in shapes]
    if args.ett or not args.quick:
        whole_fit(args.ett, args.fit_windows, torch)
    if not all(right):
        raise SystemExit(f"{right.count(False)} shapes are wrong")


if __name__ == "__main__":
    main()
