"""Loops that a team does in another way than one thread: products of one step, an element of the result to a thread.

And attention's energies, which on the CPU go to scratch so that their loop vectorises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...functions.attention import energy, energy_gradient
from .. import attention, lanes
from .device import device, peek
from .port import Port
from .team import Team


def build_lanes(team: Team, port: Port, dtype: Any) -> dict[Any, Callable]:
    """What replaces the products of `kernels.lanes` and the energies of `kernels.attention`; scratch is not used."""
    each, meet, zero = team.each, team.meet, np.dtype(dtype).type(0)
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
        meet()

    @device
    def add_product(w, x, out, part):
        n = x.shape[1]
        for e in each(out.size):
            out[e // n, e % n] += element(w, e // n, x, e % n)
        meet()

    @device
    def add_outer(a, x, out, part):
        k, n = x.shape
        for e in each(out.size):
            r, c, total = e // k, e % k, zero
            for b in range(n):
                total += peek(a, r * n + b) * peek(x, c * n + b)
            out[r, c] += total
        meet()

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
        lanes.product: product, lanes.add_product: add_product, lanes.add_outer: add_outer,
        attention.add_energies: add_energies, attention.energies_gradient: energies_gradient,
    }  # fmt: skip
