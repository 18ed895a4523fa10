"""Attention: what a step of a decoder gathers from the encoder's outputs, and its gradient.

For B windows, n encoder steps, H units, N = H*B: a step's state h (N,), the encoder's output e_t of step t; `weights`
(n, B) sum to one over the steps at which a window has started:

    score[t] = q . e_t  with q = h or W h,  or  v . tanh(q + k_t)  with q = W [1; h], k_t = U e_t
    weights = softmax(score),   gathered = sum over t of weights[t] e_t,   out += C gathered

An output e_t has E units, M = E*B: of an encoder of one direction its top layer's h, E = H; of two [h forwards; h
backwards], E = 2 H, which `directions.JOIN` puts into `POOLED`.

Luong, Pham & Manning (2015), doi:10.18653/v1/D15-1166; Bahdanau, Cho & Bengio (2015), arXiv:1409.0473.
"""

from __future__ import annotations

from ..functions.activations import ZERO, exp_to_one
from ..functions.attention import energy, energy_gradient
from .common import DOUT, DY, GRAD, OUT, SCRATCH, STARTS, THETA_T, WIDTHS
from .head import operand_of, top_state_gradient
from .operations import (
    add,
    add_outer,
    add_product,
    barrier,
    copy,
    each,
    inlined,
    matrix,
    product,
    tensor1,
    tensor2,
    tensor3,
    tensor4,
    vector,
    zero,
)
from .part import GRADIENT, Buffer, Operation, Parameter, Parameters, Part, Sizes, Weights, uniform
from .pooling import DPOOLED, POOLED
from .recurrent import OPERANDS
from .shape import ADDITIVE, DOT, GENERAL, n_decoded, n_encoded
from .sizes import NetworkSizes
from .tables import offset

#: general: (E, H), additive: (H, 1 + H); additive: (H, E) and (1, H); the head's weights of what is gathered, (O, E).
QUERY, KEY, ENERGY, CONTEXT = Weights("query"), Weights("key"), Weights("energy"), Weights("context")


def _attends(s: Sizes) -> int:
    """Return the number of decoder steps that attend."""
    return n_decoded(s.shape) if s.shape.attention else 0


def _adds(s: Sizes) -> int:
    """Return the number of encoder steps that have a key."""
    return n_encoded(s.shape) if s.shape.attention == ADDITIVE else 0


#: Weight of each encoder step in each decoder step, (m, n, B), and the encoder's outputs, so weighted, (m, M).
ATTENTION = Buffer("attention", lambda s: (_attends(s), n_encoded(s.shape), s.tile))
GATHERED = Buffer("gathered", lambda s: (_attends(s), s.shape.directions * s.state_size))
#: Additive: U e_t of each encoder step, (n, N), and the gradient.
KEYS = Buffer("keys", lambda s: (_adds(s), s.state_size))
DKEYS = Buffer("dkeys", lambda s: (_adds(s), s.state_size), GRADIENT, is_added_to=True)


@inlined
def encoder_outputs(tile, shape, X, widths, theta, arrays):
    """Return an array with the encoder's outputs, where that of step 0 begins, and the distance to the next one."""
    both, top, B = shape.directions == 2, shape.num_layers - 1, X.shape[3]
    outputs = tensor1(arrays, POOLED if both else OPERANDS, tile, theta)
    first = B if both else operand_of(X, widths, top, 0) + B
    return outputs, first, (1 + 2 * shape.hidden_size if both else X.shape[2]) * B


@inlined
def encoder_gradient(tile, shape, B, theta, arrays):
    """Return an array with the gradient of the encoder's outputs, and the distance from one to the next."""
    both = shape.directions == 2
    doutputs = tensor1(arrays, DPOOLED if both else DY, tile, theta)
    return doutputs, 2 * shape.hidden_size * B if both else tensor2(arrays, DY, tile, theta).shape[1]


# ---------------------------------------------------------------- keys
def make_keys(tile, step, shape, theta, chance, arrays):
    """The keys U e_t of all encoder steps."""
    X, keys, widths = (
        tensor4(arrays, OPERANDS, tile, theta),
        tensor2(arrays, KEYS, tile, theta),
        tensor1(arrays, WIDTHS, 0, arrays),
    )
    H, E, B = shape.hidden_size, shape.directions * shape.hidden_size, X.shape[3]
    outputs, first, stride = encoder_outputs(tile, shape, X, widths, theta, arrays)
    U = matrix(theta, offset(arrays, KEY), H, E)
    for t in range(keys.shape[0]):
        product(U, matrix(outputs, first + t * stride, E, B), matrix(keys, t * H * B, H, B))


def make_keys_gradient(tile, step, shape, theta, chance, arrays):
    """Add the gradients of U and of the encoder's outputs."""
    X, dkeys, widths = (
        tensor4(arrays, OPERANDS, tile, theta),
        tensor2(arrays, DKEYS, tile, theta),
        tensor1(arrays, WIDTHS, 0, arrays),
    )
    grad, theta_t = tensor1(arrays, GRAD, tile, theta), tensor1(arrays, THETA_T, 0, theta)
    H, E, B, at = shape.hidden_size, shape.directions * shape.hidden_size, X.shape[3], offset(arrays, KEY)
    outputs, first, stride = encoder_outputs(tile, shape, X, widths, theta, arrays)
    doutputs, width = encoder_gradient(tile, shape, B, theta, arrays)
    U_t, dU = matrix(theta_t, at, E, H), matrix(grad, at, H, E)
    for t in range(dkeys.shape[0]):
        d = matrix(dkeys, t * H * B, H, B)
        add_outer(d, matrix(outputs, first + t * stride, E, B), dU)
        add_product(U_t, d, matrix(doutputs, t * width, E, B))


# ---------------------------------------------------------------- forward
def make_query(shape, theta, at, X, operand, B, query):
    """query, (M,) or for the additive score (N,), of the state h, which stands as [1; h] at `operand` in X."""
    H, E, kind = shape.hidden_size, shape.directions * shape.hidden_size, shape.attention
    if kind == DOT:
        copy(query, vector(X, operand + B, H * B))
    elif kind == GENERAL:
        product(matrix(theta, at, E, H), matrix(X, operand + B, H, B), matrix(query, 0, E, B))
    else:
        product(matrix(theta, at, H, 1 + H), matrix(X, operand, 1 + H, B), matrix(query, 0, H, B))


def attend(tile, step, shape, theta, chance, arrays):
    """Step `step.first`, at slot `step.start` of the top layer `step.layer`, attends and adds to its output."""
    X, widths, starts = (
        tensor4(arrays, OPERANDS, tile, theta),
        tensor1(arrays, WIDTHS, 0, arrays),
        tensor1(arrays, STARTS, tile, arrays),
    )
    k, H, B, O = step.first, shape.hidden_size, X.shape[3], shape.output_size
    N, E, M = H * B, shape.directions * H, shape.directions * H * B
    weights, gathered = tensor3(arrays, ATTENTION, tile, theta)[k], tensor2(arrays, GATHERED, tile, theta)[k]
    keys, scratch = tensor2(arrays, KEYS, tile, theta), tensor1(arrays, SCRATCH, tile, theta)
    query, part = vector(scratch, 0, N if shape.attention == ADDITIVE else M), vector(gathered, 0, N)
    outputs, first, stride = encoder_outputs(tile, shape, X, widths, theta, arrays)
    h, v = operand_of(X, widths, step.layer, step.start), offset(arrays, ENERGY)
    make_query(shape, theta, offset(arrays, QUERY), X, h, B, query)
    zero(vector(weights, 0, weights.size))
    for t in each(weights.shape[0]):
        row = vector(weights, t * B, B)
        if shape.attention == ADDITIVE:
            add_energies(row, vector(theta, v, H), query, vector(keys, t * N, N), part)
        else:
            add_dot(row, query, vector(outputs, first + t * stride, M))
    barrier()
    softmax(weights, starts)
    zero(gathered)
    for t in range(weights.shape[0]):
        add_weighted(gathered, vector(weights, t * B, B), vector(outputs, first + t * stride, M))
    barrier()
    out = matrix(tensor3(arrays, OUT, tile, theta), k * O * B, O, B)
    add_product(matrix(theta, offset(arrays, CONTEXT), O, E), matrix(gathered, 0, E, B), out)


def add_dot(out, x, y):
    """out (B,) += sum over units of x * y, both (H*B,)."""
    B = out.size
    for u in range(x.size // B):
        for b in range(B):
            out[b] += x[u * B + b] * y[u * B + b]


def add_energies(out, v, query, key, part):
    """out (B,) += v (H,) @ energy(query, key), both (H*B,), by way of the scratch `part`, so that it vectorises."""
    energies(part, query, key)
    B = out.size
    for u in range(v.size):
        for b in range(B):
            out[b] += v[u] * part[u * B + b]


def energies(out, query, key):
    """out = energy(query, key), all (N,)."""
    for n in range(out.size):
        out[n] = energy(query[n], key[n])


def add_weighted(out, weights, x):
    """out (H*B,) += weights (B,) * x; a thread has its own units, at every step the same."""
    B = weights.size
    for u in each(x.size // B):
        for b in range(B):
            out[u * B + b] += weights[b] * x[u * B + b]


def softmax(weights, starts):
    """Scores (n, B) become weights over the steps from each lane's start on; 0 before it."""
    n, B = weights.shape
    for b in each(B):
        largest = weights[n - 1, b]
        for t in range(starts[b], n):
            largest = max(largest, weights[t, b])
        total = ZERO * largest
        for t in range(n):
            weights[t, b] = exp_to_one(weights[t, b] - largest) if t >= starts[b] else ZERO
            total += weights[t, b]
        for t in range(n):
            weights[t, b] /= total
    barrier()


# ---------------------------------------------------------------- backward
def attend_gradient(tile, step, shape, theta, chance, arrays):
    """Add the gradients of all weights, of the encoder's outputs and keys, and of the top layer's state."""
    X, widths = tensor4(arrays, OPERANDS, tile, theta), tensor1(arrays, WIDTHS, 0, arrays)
    grad = tensor1(arrays, GRAD, tile, theta)
    theta_t, scratch = tensor1(arrays, THETA_T, 0, theta), tensor1(arrays, SCRATCH, tile, theta)
    keys, dkeys = tensor2(arrays, KEYS, tile, theta), tensor2(arrays, DKEYS, tile, theta)
    k, H, B, O, E = step.first, shape.hidden_size, X.shape[3], shape.output_size, shape.directions * shape.hidden_size
    N, M, c, v = H * B, E * B, offset(arrays, CONTEXT), offset(arrays, ENERGY)
    Q = N if shape.attention == ADDITIVE else M
    weights, gathered = tensor3(arrays, ATTENTION, tile, theta)[k], tensor2(arrays, GATHERED, tile, theta)[k]
    dout = matrix(tensor3(arrays, DOUT, tile, theta), k * O * B, O, B)
    n, query, dquery, d = weights.shape[0], vector(scratch, 0, Q), vector(scratch, M, Q), vector(scratch, 2 * M, M)
    part, dscore = vector(scratch, 3 * M, N), vector(scratch, 4 * M, n * B)
    add_outer(dout, matrix(gathered, 0, E, B), matrix(grad, c, O, E))
    product(matrix(theta_t, c, E, O), dout, matrix(d, 0, E, B))
    h = operand_of(X, widths, step.layer, step.start)
    make_query(shape, theta, offset(arrays, QUERY), X, h, B, query)
    outputs, first, stride = encoder_outputs(tile, shape, X, widths, theta, arrays)
    doutputs, width = encoder_gradient(tile, shape, B, theta, arrays)
    zero(dscore), zero(dquery)
    for t in each(n):
        add_dot(vector(dscore, t * B, B), d, vector(outputs, first + t * stride, M))
    for t in range(n):
        add_weighted(vector(doutputs, t * width, M), vector(weights, t * B, B), d)
    barrier()
    softmax_gradient(matrix(dscore, 0, n, B), weights)
    for t in range(n):
        ds = vector(dscore, t * B, B)
        if shape.attention == ADDITIVE:
            of_v, dv = vector(theta, v, H), vector(grad, v, H)
            energies_gradient(ds, query, vector(keys, t * N, N), of_v, dquery, vector(dkeys, t * N, N), dv, part)
        else:
            add_weighted(dquery, ds, vector(outputs, first + t * stride, M))
            add_weighted(vector(doutputs, t * width, M), ds, query)
    barrier()
    dh = top_state_gradient(tile, step, theta, arrays, H, B)
    query_gradient(shape, theta_t, grad, offset(arrays, QUERY), X, h, matrix(dquery, 0, Q // B, B), dh)


def softmax_gradient(d, weights):
    """The gradient d (n, B) of the weights becomes that of the scores."""
    n, B = d.shape
    for b in each(B):
        mean = ZERO * d[0, b]
        for t in range(n):
            mean += weights[t, b] * d[t, b]
        for t in range(n):
            d[t, b] = weights[t, b] * (d[t, b] - mean)
    barrier()


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


def query_gradient(shape, theta_t, grad, at, X, operand, d, dh):
    """Add the gradients of the query's weights and of h, (H, B), from that of the query d (its units, B)."""
    H, kind, B = shape.hidden_size, shape.attention, d.shape[1]
    if kind == DOT:
        add(vector(dh, 0, H * B), vector(d, 0, H * B))
    elif kind == GENERAL:
        add_outer(d, matrix(X, operand + B, H, B), matrix(grad, at, d.shape[0], H))
        add_product(matrix(theta_t, at, H, d.shape[0]), d, dh)
    else:
        add_outer(d, matrix(X, operand, 1 + H, B), matrix(grad, at, H, 1 + H))
        add_product(matrix(theta_t, at + H, H, H), d, dh)


# ---------------------------------------------------------------- parameters
def scratch(s: Sizes) -> int:
    """Return room for the gradient of one step."""
    return 4 * s.shape.directions * s.state_size + n_encoded(s.shape) * s.tile


def score_parameters(network: NetworkSizes) -> Parameters:
    """Return the weights of the scores, by the kind of attention."""
    H, kind = network.hidden_size, network.decoder.attention if network.decoder else None
    E = network.directions * H
    found: dict[str, Parameter] = {}
    if kind == "general":
        found[QUERY.name] = Parameter((E, H), uniform, decays=True)
    if kind == "additive":
        found[QUERY.name] = Parameter((H, 1 + H), uniform, decays=True, bias=0)
        found[KEY.name], found[ENERGY.name] = (
            Parameter((H, E), uniform, decays=True),
            Parameter((1, H), uniform, decays=True),
        )
    return found


def context_parameters(network: NetworkSizes) -> Parameters:
    """Return C; with a linear skip it starts at zero, so that the first forecast is the linear one."""
    shape = (network.output_size, network.directions * network.hidden_size)
    initial = None if network.lags else uniform
    attends = network.decoder is not None and network.decoder.attention is not None
    return {CONTEXT.name: Parameter(shape, initial, decays=True)} if attends else {}


MAKE_KEYS = Operation("attention_keys", make_keys, make_keys_gradient)
ATTEND = Operation("attention", attend, attend_gradient)
SCORE = Part((KEYS, DKEYS, ATTENTION, GATHERED), (QUERY, KEY, ENERGY), (MAKE_KEYS, ATTEND), score_parameters, scratch)
GATHER = Part(weights=(CONTEXT,), parameters=context_parameters)
