"""Attention over one tile: what a step of a decoder gathers from the encoder's outputs, and its gradient.

For B lanes, n encoder steps, H units, N = H*B: a step's state h (N,), the encoder's output of step t at row t of E,
a stride apart; `weights` (n, B) sum to one over the steps at which a lane has started:

    score[t] = q . e_t  with q = h or W h,  or  v . tanh(q + k_t)  with q = W [1; h], k_t = U e_t
    weights = softmax(score),   gathered = sum over t of weights[t] e_t
"""

from __future__ import annotations

from ..functions.activations import ZERO, exp
from ..functions.attention import energy, energy_gradient
from . import layout as at
from .jit import each, equation, inlined, loop, meet
from .lanes import add, add_outer, add_product, copy, product, zero
from .views import matrix, vector

equation(energy), equation(energy_gradient)


# ---------------------------------------------------------------- forward
@inlined
def make_keys(shape, theta, E, first, stride, keys):
    """keys (n, N) of the encoder's outputs, of which that of step t begins at first + t * stride in E."""
    n, H, B = keys.shape[0], shape.hidden_size, keys.shape[1] // shape.hidden_size
    U = matrix(theta, shape.key_at, H, H)
    for t in range(n):
        product(U, matrix(E, first + t * stride, H, B), matrix(keys, t * H * B, H, B))


@inlined
def make_query(shape, theta, X, operand, B, query):
    """query (N,) of the state h, which stands as [1; h] at `operand` in X."""
    H, kind, w = shape.hidden_size, shape.attention, shape.query_at
    if kind == at.DOT:
        copy(query, vector(X, operand + B, H * B))
    elif kind == at.GENERAL:
        product(matrix(theta, w, H, H), matrix(X, operand + B, H, B), matrix(query, 0, H, B))
    else:
        product(matrix(theta, w, H, 1 + H), matrix(X, operand, 1 + H, B), matrix(query, 0, H, B))


@inlined
def attend(shape, theta, E, first, stride, keys, starts, query, weights, gathered):
    """Fill weights (n, B) and gathered (N,), which may serve as scratch before, for a query (N,)."""
    n, B, N = weights.shape[0], weights.shape[1], query.size
    zero(vector(weights, 0, weights.size))
    for t in each(n):
        row = vector(weights, t * B, B)
        if shape.attention == at.ADDITIVE:
            add_energies(row, vector(theta, shape.energy_at, N // B), query, vector(keys, t * N, N), gathered)
        else:
            add_dot(row, query, vector(E, first + t * stride, N))
    meet()
    softmax(weights, starts)
    zero(gathered)
    for t in range(n):
        add_weighted(gathered, vector(weights, t * B, B), vector(E, first + t * stride, N))
    meet()


@loop
def add_dot(out, x, y):
    """out (B,) += sum over units of x * y, both (H*B,)."""
    B = out.size
    for u in range(x.size // B):
        for b in range(B):
            out[b] += x[u * B + b] * y[u * B + b]


@loop
def add_energies(out, v, query, key, part):
    """out (B,) += v (H,) @ energy(query, key), both (H*B,), by way of the scratch `part`, so that it vectorises."""
    energies(part, query, key)
    B = out.size
    for u in range(v.size):
        for b in range(B):
            out[b] += v[u] * part[u * B + b]


@loop
def energies(out, query, key):
    """out = energy(query, key), all (N,)."""
    for n in range(out.size):
        out[n] = energy(query[n], key[n])


@loop
def add_weighted(out, weights, x):
    """out (H*B,) += weights (B,) * x; a thread has its own units, at every step the same."""
    B = weights.size
    for u in each(x.size // B):
        for b in range(B):
            out[u * B + b] += weights[b] * x[u * B + b]


@loop
def softmax(weights, starts):
    """Scores (n, B) become weights over the steps from each lane's start on; 0 before it."""
    n, B = weights.shape
    for b in each(B):
        largest = weights[n - 1, b]
        for t in range(starts[b], n):
            largest = max(largest, weights[t, b])
        total = ZERO * largest
        for t in range(n):
            weights[t, b] = exp(weights[t, b] - largest) if t >= starts[b] else ZERO
            total += weights[t, b]
        for t in range(n):
            weights[t, b] /= total
    meet()


# ---------------------------------------------------------------- backward
@inlined
def attend_gradient(
    shape, theta, grad, E, first, stride, keys, query, weights, dgathered, dE, width, dkeys, dquery, dscore, part
):  # fmt: skip
    """Gradients of `attend`: dquery (N,) is set; dE (n, width), dkeys (n, N) and that of v in `grad` are added to.

    Scratch: dscore (n*B,) and part (N,).
    """
    n, B, N = weights.shape[0], weights.shape[1], query.size
    v_at = shape.energy_at
    zero(vector(dscore, 0, n * B)), zero(dquery)
    for t in each(n):
        add_dot(vector(dscore, t * B, B), dgathered, vector(E, first + t * stride, N))
    for t in range(n):
        add_weighted(vector(dE, t * width, N), vector(weights, t * B, B), dgathered)
    meet()
    softmax_gradient(matrix(dscore, 0, n, B), weights)
    for t in range(n):
        d = vector(dscore, t * B, B)
        if shape.attention == at.ADDITIVE:
            v, dv = vector(theta, v_at, N // B), vector(grad, v_at, N // B)
            energies_gradient(d, query, vector(keys, t * N, N), v, dquery, vector(dkeys, t * N, N), dv, part)
        else:
            add_weighted(dquery, d, vector(E, first + t * stride, N))
            add_weighted(vector(dE, t * width, N), d, query)
    meet()


@loop
def softmax_gradient(d, weights):
    """The gradient d (n, B) of the weights becomes that of the scores."""
    n, B = d.shape
    for b in each(B):
        mean = ZERO * d[0, b]
        for t in range(n):
            mean += weights[t, b] * d[t, b]
        for t in range(n):
            d[t, b] = weights[t, b] * (d[t, b] - mean)
    meet()


@loop
def energies_gradient(d, query, key, v, dquery, dkey, dv, part):
    """Gradients of `add_energies`, for that of its sums d (B,), added."""
    energies(part, query, key)
    B = d.size
    for u in range(v.size):
        total = dv[u]
        for b in range(B):
            n = u * B + b
            passed = energy_gradient(part[n], d[b] * v[u])
            dquery[n] += passed
            dkey[n] += passed
            total += d[b] * part[n]
        dv[u] = total


@inlined
def query_gradient(shape, theta_t, grad, X, operand, dquery, dh, part):
    """Gradient of `make_query`: its weights' in `grad`, and dh (N,), both added."""
    H, kind, w = shape.hidden_size, shape.attention, shape.query_at
    B = dquery.size // H
    d = matrix(dquery, 0, H, B)
    if kind == at.DOT:
        add(dh, dquery)
    elif kind == at.GENERAL:
        add_outer(d, matrix(X, operand + B, H, B), matrix(grad, w, H, H), part)
        add_product(matrix(theta_t, w, H, H), d, matrix(dh, 0, H, B), part)
    else:
        add_outer(d, matrix(X, operand, 1 + H, B), matrix(grad, w, H, 1 + H), part)
        add_product(matrix(theta_t, w + H, H, H), d, matrix(dh, 0, H, B), part)


@inlined
def keys_gradient(shape, theta_t, grad, E, first, stride, dkeys, dE, width, part):
    """Gradient of `make_keys`: its weights' in `grad`, and dE (n, width), both added."""
    n, H, N = dkeys.shape[0], shape.hidden_size, dkeys.shape[1]
    U_t, dU = matrix(theta_t, shape.key_at, H, H), matrix(grad, shape.key_at, H, H)
    for t in range(n):
        d = matrix(dkeys, t * N, H, N // H)
        add_outer(d, matrix(E, first + t * stride, H, N // H), dU, part)
        add_product(U_t, d, matrix(dE, t * width, H, N // H), part)
