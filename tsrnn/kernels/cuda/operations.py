"""The vocabulary of `parts.operations` for a team of threads: one element of a product's result to a thread.

Additive attention computes its energies twice here; on the CPU they go to scratch memory, so that the loop vectorises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...functions.attention import energy, energy_gradient
from ...parts import attention, operations
from ..port import Port
from .device import device
from .elementary import elementary, inline
from .intrinsics import peek
from .team import Team


def team_operations(team: Team, dtype: str) -> dict[Any, Callable]:
    """Return what replaces functions of the parts where a `team` works on a tile."""
    each, barrier, zero = team.each, team.barrier, np.dtype(dtype).type(0)
    port = Port(elementary(dtype), inline)
    of_energy, of_gradient = port(energy), port(energy_gradient)

    @device
    def element(w, r, x, c):
        """Row r of w (m, k) times column c of x (k, n)."""
        k, n, total = w.shape[1], x.shape[1], zero
        for j in range(k):
            total += peek(w, r * k + j) * peek(x, j * n + c)
        return total

    @device
    def product(w, x, out):
        n = x.shape[1]
        for e in each(out.size):
            out[e // n, e % n] = element(w, e // n, x, e % n)
        barrier()

    @device
    def add_product(w, x, out):
        n = x.shape[1]
        for e in each(out.size):
            out[e // n, e % n] += element(w, e // n, x, e % n)
        barrier()

    @device
    def add_outer(a, x, out):
        k, n = x.shape
        for e in each(out.size):
            r, c, total = e // k, e % k, zero
            for b in range(n):
                total += peek(a, r * n + b) * peek(x, c * n + b)
            out[r, c] += total
        barrier()

    @device
    def add_energies(out, v, query, key, part):
        B = out.size
        for u in range(v.size):
            for b in range(B):
                out[b] += v[u] * of_energy(query[u * B + b], key[u * B + b])

    @device
    def energies_gradient(d, query, key, v, dquery, dkey, dv, part):
        B = d.size
        for u in each(v.size):  # a thread has its own units, at every step the same
            total = dv[u]
            for b in range(B):
                n = u * B + b
                a = of_energy(query[n], key[n])
                passed = of_gradient(a, d[b] * v[u])
                dquery[n] += passed
                dkey[n] += passed
                total += d[b] * a
            dv[u] = total

    return {
        operations.each: each, operations.barrier: barrier, operations.product: product,
        operations.add_product: add_product, operations.add_outer: add_outer,
        attention.add_energies: add_energies, attention.energies_gradient: energies_gradient,
    }  # fmt: skip
