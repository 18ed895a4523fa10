"""What a network needs of the memory, before any of it is taken: sizes beyond reason are refused, not tried."""

from __future__ import annotations

import functools
import math
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..data.windows import Geometry
from ..parts.layout import array_shapes
from ..parts.part import Sizes
from .architecture import Architecture

#: Bytes that Python's own objects take for each layer, about.
LAYER_OBJECTS = 2000
#: Limits of the container that this process may be in.
_CONTROL_GROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@functools.cache
def machine_bytes() -> int:
    """Return the memory of this machine, or what of it this process may use, in bytes, as far as that can be known."""
    limits = [sys.maxsize, *_physical()]
    for path in _CONTROL_GROUPS:
        with suppress(OSError, ValueError):  # not this system's; "max"
            limits.append(int(Path(path).read_text()))
    with suppress(ImportError, OSError, ValueError):
        import resource

        soft = resource.getrlimit(resource.RLIMIT_AS)[0]
        limits += [soft] if soft != resource.RLIM_INFINITY else []
    return min(limit for limit in limits if limit > 0)


def _physical() -> list[int]:
    """The memory that is built in; empty where the system does not say."""
    if sys.platform == "win32":
        import ctypes

        status = (ctypes.c_ulonglong * 8)()  # its first word holds the size of the structure, the second the total
        ctypes.cast(status, ctypes.POINTER(ctypes.c_ulong))[0] = ctypes.sizeof(status)
        return [int(status[1])] if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else []
    import os

    try:
        return [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    except (AttributeError, OSError, ValueError):
        return []


def amount(n: int) -> str:
    """Return a number in words, however large: as it is, or 'about 10^18'."""
    return str(n) if n < 10**15 else f"about 10^{int(math.log10(n))}"


def in_bytes(n: int) -> str:
    """So many bytes in words."""
    return f"{n / 1e9:,.1f} GB" if n < 10**15 else f"about 10^{int(math.log10(n))} bytes"


def check_memory(n_bytes: int, what: str, mend: str) -> None:
    """Refuse what needs more memory than the machine has.

    Raises
    ------
    ValueError
        With `what` needs so much, and how to `mend` that.
    """
    if n_bytes > machine_bytes():
        there = in_bytes(machine_bytes())
        raise ValueError(f"{what} at least {in_bytes(n_bytes)} of memory, and {there} are there; {mend}")


def check_parameters(a: Architecture, dtype: str) -> None:
    """Refuse a network whose parameters, with their gradient and moments, cannot fit into the memory.

    Raises
    ------
    ValueError
        The message names the arguments, the number of parameters and the bytes.
    """
    check_memory(_of_parameters(a, dtype), f"{_named(a)}, whose training takes", "make these smaller")


def check_batch(a: Architecture, geometry: Geometry, n_lanes: int, dtype: str, *, has_context: bool) -> None:
    """Refuse batches of `n_lanes` windows whose arrays, beside the parameters, cannot fit into the memory.

    With `has_context` the argument `context_length` says how long they are, else the data do.

    Raises
    ------
    ValueError
        The message names the arguments and the bytes.
    """
    sizes = Sizes(a.cell, a.shape(geometry), n_lanes, a.loss.size)  # as one tile: without room for more windows
    shapes = array_shapes(sizes, a.composition.PARTS, 1, loss_size=a.loss.size, gradient=True, inputs=False)
    needed = np.dtype(dtype).itemsize * sum(map(math.prod, shapes.values()))
    what = f"{_named(a)}, whose training in batches of {n_lanes} windows of {geometry.n_steps} steps takes"
    smaller = ["one of these"] + ["batch_size"] * (n_lanes > 1) + ["context_length"] * has_context
    shorter = "" if has_context else ", or cut or leave out the longest sequences"
    mend = f"make {' or '.join(smaller)} smaller{shorter}"
    check_memory(_of_parameters(a, dtype) + needed, what, mend)


def check_writing(a: Architecture, geometry: Geometry, n: int, width: int, dtype: str) -> None:
    """Refuse to write the `width` best targets of `n` sources if one source alone cannot fit into the memory.

    Raises
    ------
    ValueError
        The message names the arguments and the bytes.
    """
    sizes = Sizes(a.cell, a.shape(geometry), width, a.loss.size)
    shapes = array_shapes(sizes, a.composition.PARTS, 1, loss_size=None, gradient=False, inputs=False)
    needed = np.dtype(dtype).itemsize * sum(map(math.prod, shapes.values())) + 8 * n * width * geometry.n_outputs
    what = (
        f"{n} sources of up to {geometry.context - 1} symbols with targets of up to {geometry.n_outputs - 1} and "
        f"beam_width={width} take"
    )
    check_memory(needed, what, "make beam_width or max_length smaller, or pass fewer or shorter sources")


def _of_parameters(a: Architecture, dtype: str) -> int:
    """Bytes that a training surely takes for what is as long as theta, and for the layers."""
    # theta, decay and moments are made in float64; theta, its transpose, gradient, decay and two moments are at work
    arrays = a.size * (4 * 8 + 6 * np.dtype(dtype).itemsize)
    return arrays + LAYER_OBJECTS * (a.n_layers + _decoder_layers(a))


def _decoder_layers(a: Architecture) -> int:
    return a.decoder.num_layers if a.decoder and not a.decoder.parallel else 0


def _named(a: Architecture) -> str:
    """The arguments that decide, and what they make."""
    text = f"hidden_size={amount(a.hidden_size)}, num_layers={amount(a.num_layers)}"
    text += f", decoder_layers={amount(_decoder_layers(a))}" if _decoder_layers(a) else ""
    text += f", embedding_size={amount(a.embedding_size)}" if a.embedding_size else ""
    return f"{text} make a network of {amount(a.size)} parameters"
