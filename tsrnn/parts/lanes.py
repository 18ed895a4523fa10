"""Loops over the windows and units of a tile: the one loop that each scalar equation needs, written for it.

An equation takes and returns scalars. `lane_loop` writes the loop around it, with exactly the arrays that the equation
names, each as a one-dimensional row taken before the loop: indexing a matrix inside the loop, or carrying rows that the
equation doesn't use, would keep LLVM from vectorising it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .operations import vector


def lane_loop(
    name: str, function: Callable, reads: Sequence[str], writes: Sequence[str], rows: Mapping[str, str], arguments: str
) -> Callable:
    """Write ``for n in range(N): a[n], b[n], ... = function(a[n], b[n], ...)`` as a function called `name`.

    Parameters
    ----------
    function : callable
        The equation.
    reads : sequence of str
        The rows that give its parameters, in order; a name that `rows` lacks is passed on as it is, a scalar.
    writes : sequence of str
        The rows that take what it returns, in order.
    rows : mapping of str to str
        The expression of each row in terms of `arguments`; it may call `vector`.
    arguments : str
        The parameters of the loop.
    """
    used = [row for row in dict.fromkeys([*reads, *writes]) if row in rows]
    lines = [f"def {name}({arguments}):"]
    lines += [f"    {row}_ = {rows[row]}" for row in used]
    lines += [f"    for n in range({used[0]}_.size):"]
    target = ", ".join(f"{row}_[n]" for row in writes)
    source = ", ".join(f"{row}_[n]" if row in rows else row for row in reads)
    lines += [f"        {target} = equation({source})"]
    namespace: dict[str, Any] = {"__name__": __name__, "equation": function, "vector": vector}
    exec(compile("\n".join(lines), f"<lane loop {name}>", "exec"), namespace)
    return namespace[name]


def parameters_of(function: Callable) -> list[str]:
    """Return the names of a function's parameters."""
    return list(inspect.signature(function).parameters)
