"""Matrix products on the device, by tiles of the result that a block keeps in registers.

An index of an operand may run over rows that lie a stride apart, or over (step, lane) pairs. Two strides describe both:
index i of a tile of B lanes lies at ``(i // B) * outer + (i % B) * inner``. Sums run over the inner index in
its order, so their bits depend on neither the grid nor the lanes beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .device import device, local
from .intrinsics import noinline, peek, poke
from .plan import OWN, tile_of
from .team import Team

cuda = local


class Products(NamedTuple):
    """Products of one team."""

    lanes: int
    rows: int  # of a tile of the result
    columns: int
    sums: int  # of a thread
    accumulate: Callable  # adds a product to them
    end: Callable  # writes them
    product: Callable  # out = x @ y or, with `add`, out += x @ y, by all blocks of the team


def build_products(team: Team, threads: int, lanes: int, dtype: Any) -> Products:
    """Return the products for blocks of that many `threads` and tiles of that many `lanes`."""
    rows, columns, depth = tile_of(threads)
    across = columns // OWN
    y_at = rows * depth
    zero = np.dtype(dtype).type(0)
    size, B, n_threads = OWN * OWN, lanes, threads
    thread, block_barrier, member, shared = team.thread, team.block_barrier, team.member, team.shared

    @device
    def at(i, outer, inner):
        return (i // B) * outer + (i % B) * inner

    def accumulate(sums, memory, x, x_at, x_m, x_k, y, y_from, y_k, y_n, m0, n0, M, N, K):
        """sums += x[m0 .., :K] @ y[:K, n0 ..]; x has M rows, y N columns; the pairs are strides (outer, inner)."""
        own_m, own_n = thread() // across * OWN, thread() % across * OWN
        for k0 in range(0, K, depth):
            for e in range(thread(), rows * depth, n_threads):
                m, k = m0 + e // depth, k0 + e % depth
                value = zero
                if m < M and k < K:
                    value = peek(x, x_at + at(m, x_m[0], x_m[1]) + at(k, x_k[0], x_k[1]))
                poke(memory, e % depth * rows + e // depth, value)
            for e in range(thread(), depth * columns, n_threads):
                k, n = k0 + e // columns, n0 + e % columns
                value = zero
                if n < N and k < K:
                    value = peek(y, y_from + at(k, y_k[0], y_k[1]) + at(n, y_n[0], y_n[1]))
                poke(memory, y_at + e, value)
            block_barrier()
            for k in range(min(depth, K - k0)):
                for i in range(OWN):
                    left = peek(memory, k * rows + own_m + i)
                    for j in range(OWN):
                        sums[i * OWN + j] += left * peek(memory, y_at + k * columns + own_n + j)
            block_barrier()

    def end(sums, out, out_at, out_m, out_n, m0, n0, M, N, add):
        """out[m0 .., n0 ..] = sums, or += with `add`."""
        own_m, own_n = m0 + thread() // across * OWN, n0 + thread() % across * OWN
        for i in range(OWN):
            for j in range(OWN):
                m, n = own_m + i, own_n + j
                if m < M and n < N:
                    to = out_at + at(m, out_m[0], out_m[1]) + at(n, out_n[0], out_n[1])
                    poke(out, to, sums[i * OWN + j] + (peek(out, to) if add else zero))

    accumulate, end = device(accumulate, True), device(end, True)
    blocks = team.blocks

    @device
    def product(x, x_at, x_m, x_k, y, y_from, y_k, y_n, out, out_at, out_m, out_n, M, N, K, add):
        noinline()
        memory = shared(cuda.shared.array(0, dtype, alignment=16))
        across_n = (N + columns - 1) // columns
        tiles = (M + rows - 1) // rows * across_n
        for first in range(0, tiles, blocks):  # equally often for all blocks, one of which may have none left
            tile = first + member()
            m0, n0 = tile // across_n * rows if tile < tiles else M, tile % across_n * columns
            sums = cuda.local.array(size, dtype)
            for e in range(size):
                sums[e] = zero
            accumulate(sums, memory, x, x_at, x_m, x_k, y, y_from, y_k, y_n, m0, n0, M, N, K)
            end(sums, out, out_at, out_m, out_n, m0, n0, M, N, add)

    return Products(lanes, rows, columns, size, accumulate, end, product)
