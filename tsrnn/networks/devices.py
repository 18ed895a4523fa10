"""Where a network runs: what ``device=`` asks for, or for "auto" what the work and the machine suggest."""

from __future__ import annotations

import os
from typing import NamedTuple

from ..kernels import why_no_cuda
from ..kernels.cuda.plan import unsupported
from ..parts.recurrent import layers_of
from .architecture import Architecture

#: What ``device=`` accepts.
DEVICES = ("cpu", "cuda", "auto")

# What "auto" reckons with. The rates are round numbers on the cautious side, in operations and seconds.
CPU_RATE = 80e9  # of a core: docs/speed.md
MOST_CORES = 16  # that tiles of a batch keep busy
CUDA_RATE = 5e12
CUDA_LAUNCHES = 3e-4  # of all kernels of a batch
CUDA_STEP = 4e-6  # of one layer, forward and back
WORTHWHILE = 2.0  # times as fast as the CPU a GPU must promise to be, since a first fit compiles longer


#: What the reason against a GPU may end with.
CPU_INSTEAD = "; use device='cpu'"


class Device(NamedTuple):
    """Where a fit ran.

    Attributes
    ----------
    name : {"cpu", "cuda"}
        The device.
    reason : str
        Why this one.
    """

    name: str
    reason: str


def choose(device: str, architecture: Architecture, n_steps: int, n_lanes: int) -> Device:
    """The device for batches of `n_lanes` windows of `n_steps` steps.

    Raises
    ------
    RuntimeError
        If `device` is "cuda" and there is none that can be used.
    """
    if device == "cpu":
        return Device("cpu", "device='cpu' asks for it")
    problem = why_no_cuda() or unsupported(architecture.cell)
    if device == "cuda":
        if problem:
            raise RuntimeError(
                f"device='cuda' cannot be used: {problem.removesuffix(CPU_INSTEAD)}; or use device='cpu'"
            )
        return Device("cuda", "device='cuda' asks for it")
    if problem:
        return Device("cpu", problem)
    here, there = seconds(architecture, n_steps, n_lanes)
    figures = f"a batch takes about {here:.2g} s on the CPU and {there:.2g} s on the GPU"
    return Device("cuda" if here > WORTHWHILE * there else "cpu", figures)


def seconds(architecture: Architecture, n_steps: int, n_lanes: int) -> tuple[float, float]:
    """What an update takes about, on all cores of this CPU and on a GPU."""
    a, layers = architecture, len(layers_of(architecture))
    weights = a.entries["head"][0]  # before the head lie the layers', with little else
    operations = 6.0 * weights * n_steps * n_lanes
    return (
        operations / (CPU_RATE * min(MOST_CORES, os.cpu_count() or 1)),
        operations / CUDA_RATE + CUDA_LAUNCHES + CUDA_STEP * n_steps * layers,
    )
