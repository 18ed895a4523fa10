"""Products of one step on the device: what the `np.dot` of `kernels.lanes` is to a team. An element is a thread's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import lanes
from .device import device, peek
from .team import Team


def build_lanes(team: Team, dtype: Any) -> dict[Any, Callable]:
    """What replaces the products of `kernels.lanes`; their scratch is not used."""
    each, meet, zero = team.each, team.meet, np.dtype(dtype).type(0)

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

    return {lanes.product: product, lanes.add_product: add_product, lanes.add_outer: add_outer}
