"""Oracles: networks, losses and Adam from their definitions, as plain loops over time and unit. Never imports tsrnn.

Every number may also be an array; then the result is computed for each element. With complex arrays `gradient` computes
the derivatives with respect to many numbers in one run, exact up to rounding (complex step; Squire & Trapp 1998,
doi:10.1137/S003614459631241X).
"""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.special import loggamma

STEP = 1e-30


def gradient(function, values):
    """Derivative of the real-valued `function` with respect to each of `values`, in their shape."""
    values = np.asarray(values, float)
    steps = values.reshape(-1, 1) + 1j * STEP * np.eye(values.size)
    result = function(steps.reshape(*values.shape, values.size))
    return (np.imag(result) / STEP * np.ones(values.size)).reshape(values.shape)


# ---------------------------------------------------------------- functions of one number
def tanh(z):
    """Hyperbolic tangent."""
    return np.tanh(z)


def sigmoid(z):
    """1 / (1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


def relu(z):
    """z where it is positive, else 0."""
    return np.where(np.real(z) > 0, z, 0 * z)


def total(terms):
    """Sum of `terms`, from the first to the last."""
    result = 0.0
    for term in terms:
        result = result + term
    return result


def times(matrix, vector):
    """The product of a matrix and a vector, row by row."""
    return [total(w * v for w, v in zip(row, vector, strict=True)) for row in matrix]


# ---------------------------------------------------------------- cells
# Each maps (weights of one layer, input, states) to new states. A matrix acts on [x; 1; h] unless the docstring says
# otherwise.
def lstm(weights, x, h, c):
    """Gates i, f, g, o in that order of rows."""
    a, n = times(weights[0], [*x, 1, *h]), len(h)
    i, f = [sigmoid(z) for z in a[:n]], [sigmoid(z) for z in a[n : 2 * n]]
    g, o = [tanh(z) for z in a[2 * n : 3 * n]], [sigmoid(z) for z in a[3 * n :]]
    c = [f[u] * c[u] + i[u] * g[u] for u in range(n)]
    return [o[u] * tanh(c[u]) for u in range(n)], c


def gru(weights, x, h):
    """Reset after the product: weights of z and r, of n by [x; 1], of n by [1; h]."""
    n = len(h)
    gates = [sigmoid(a) for a in times(weights[0], [*x, 1, *h])]
    z, r, by_x, by_h = gates[:n], gates[n:], times(weights[1], [*x, 1]), times(weights[2], [1, *h])
    new = [tanh(by_x[u] + r[u] * by_h[u]) for u in range(n)]
    return ([z[u] * h[u] + (1 - z[u]) * new[u] for u in range(n)],)


def gru_reset_before(weights, x, h):
    """Reset before the product: weights of z and r, of n by [x; 1], of n by r h."""
    n = len(h)
    gates = [sigmoid(a) for a in times(weights[0], [*x, 1, *h])]
    z, r, by_x = gates[:n], gates[n:], times(weights[1], [*x, 1])
    by_h = times(weights[2], [r[u] * h[u] for u in range(n)])
    new = [tanh(by_x[u] + by_h[u]) for u in range(n)]
    return ([z[u] * h[u] + (1 - z[u]) * new[u] for u in range(n)],)


def elman(function):
    """The vanilla (Elman) cell with `function` as its activation."""
    return lambda weights, x, h: ([function(a) for a in times(weights[0], [*x, 1, *h])],)


def mingru(weights, x, h):
    """The weights of z and of the candidate by [x; 1]."""
    a, n = times(weights[0], [*x, 1]), len(h)
    z = [sigmoid(v) for v in a[:n]]
    return ([(1 - z[u]) * h[u] + z[u] * a[n + u] for u in range(n)],)


def indrnn(function):
    """The independently recurrent cell with that function: weights by [x; 1], and of each unit's own state."""
    return lambda weights, x, h: (
        [function(a + u * own) for a, u, own in zip(times(weights[0], [*x, 1]), weights[1], h, strict=True)],
    )


def slstm(forget):
    """Without stabiliser; the states are h, the cell state over the normaliser, and the logarithm of the normaliser.

    Weights of z, i, f, o by [x; 1]; and by each head's own part of h, (heads, 4 units of a head, units of a head).
    """

    def step(weights, x, h, c, m):
        a, n, size = times(weights[0], [*x, 1]), len(h), len(weights[1][0][0])
        own = [times(head, h[k * size : (k + 1) * size]) for k, head in enumerate(weights[1])]
        gates = [[a[g * n + u] + own[u // size][g * size + u % size] for u in range(n)] for g in range(4)]
        new_c, new_n = [], []
        for u, (z, i, f) in enumerate(zip(*gates[:3], strict=True)):
            new_n.append(forget(f) * np.exp(m[u]) + np.exp(i))
            new_c.append(forget(f) * c[u] * np.exp(m[u]) + np.exp(i) * tanh(z))
        ratio = [new_c[u] / new_n[u] for u in range(n)]
        return [sigmoid(gates[3][u]) * ratio[u] for u in range(n)], ratio, [np.log(v) for v in new_n]

    return step


CELLS = {
    "lstm": lstm,
    "gru": gru,
    "gru_reset_before": gru_reset_before,
    "rnn_tanh": elman(tanh),
    "rnn_sigmoid": elman(sigmoid),
    "rnn_relu": elman(relu),
    "mingru": mingru,
    "indrnn_relu": indrnn(relu),
    "indrnn_tanh": indrnn(tanh),
    "slstm_sigmoid_1": slstm(sigmoid),
    "slstm_sigmoid_2": slstm(sigmoid),
    "slstm_exp_1": slstm(np.exp),
    "slstm_exp_2": slstm(np.exp),
}


# ---------------------------------------------------------------- the network
def network(
    cell, layers, head, x, start, initial, n_outputs, *, skip=None, location=None, masks=None, feed=None, link=None,
    ahead=None, season=None, decay=None, pooling="last", tables=None,
):  # fmt: skip
    """Outputs of one window after each of its last steps, (n_outputs, O).

    Parameters
    ----------
    cell : callable
        One of `CELLS`, or a function with the same arguments.
    layers : list of lists of matrices
        The weights of each layer.
    head : (O, 1 + H)
        Acts on [1; h] of the top layer.
    x : (T, I)
        Inputs; a window that is shorter than T starts at step `start` and keeps its initial state until then.
    initial : (L, S, H)
        States before the first step.
    skip : (I, block, lags), optional
        Weights of a linear map of a channel's last inputs, which is added to the outputs.
    location : (O,), optional
        For each output: the channel and the step of the block whose linear skip is added to it, or None.
    masks : (L - 1, T, H), optional
        Factors between the layers (dropout).
    feed : list of int, optional
        Free running: after the first output, the first inputs are these outputs of the step before.
    link : callable, optional
        Function that is applied to an output before it is fed back.
    ahead : pair, optional
        For each step j of the block, weights (O / block, (j + 2) F) of the covariates from the step before the block
        up to it; and these covariates of each output, (1 + block, F).
    season : pair, optional
        Weights (I, 2, block, S) of a channel's seasonal inputs, first those of the block's first step, then those of
        the step itself, which the skip adds; and the seasonal inputs of each output, (block, I, S).
    decay : (C, 2), optional
        The numbers w and b of each of the first C inputs, whose masks and times are the last 2 C; see `decayed`.
    pooling : {"last", "mean", "max"}
        What the head reads of the top layer's h: the last, or the mean or maximum of each unit over the window's steps.
    tables : list of matrices, optional
        The first one holds a vector for each code; the layers read that of x[t][0], or x itself without tables.
    """
    x, outputs, tops = decayed(x, decay), [], []
    states = [list(map(list, layer)) for layer in initial]
    for t in range(len(x)):
        k = t - (len(x) - n_outputs)
        if feed is not None and k > 0:
            x[t] = [link(outputs[k - 1][o]) if link else outputs[k - 1][o] for o in feed] + x[t][len(feed) :]
            x[t] = as_observed(x[t], decay)
        below = x[t] if tables is None else looked_up(tables[0], x[t])
        for n, weights in enumerate(layers):
            if t >= start:
                states[n] = list(cell(weights, below, *states[n]))
            below = states[n][0]
            if masks is not None and n + 1 < len(layers):
                below = [m * h for m, h in zip(masks[n][t], below, strict=True)]
        if t >= start:
            tops.append(states[-1][0])
        if k >= 0:
            outputs.append(times(head, [1, *pooled(tops or [states[-1][0]], pooling)]))
            outputs[k] = with_linear(outputs[k], x, t, skip, location, of_output(ahead, k), of_output(season, k))
    return outputs


def looked_up(table, row):
    """The vector of the code that a row of inputs consists of."""
    return table[int(np.real(row[0]).flat[0])]  # the same in all directions of a derivative


def pooled(tops, pooling):
    """The last of the vectors `tops`, or the mean or maximum of each of their elements."""
    if pooling == "last":
        return tops[-1]
    if pooling == "mean":
        return [total(column) / len(tops) for column in zip(*tops, strict=True)]
    result = tops[0]
    for h in tops[1:]:
        result = [np.where(np.real(b) > np.real(a), b, a) for a, b in zip(result, h, strict=True)]
    return result


def bidirectional(
    cell, layers, head, x, start, initial, n_outputs, *, masks=None, decay=None, pooling="last", tables=None
):
    """Outputs (n_outputs, O) of a bidirectional network for one window: Schuster & Paliwal (1997), section II.B.

    Parameters as in `network`, but:

    layers : list of lists of matrices
        The weights of each layer's forward direction, followed by those of its backward direction.
    head : (O, 1 + 2 H)
        Acts on [1; h of the forward direction; h of the backward one] of the top layer. Of one output they are the
        last states that the two directions come to, of several outputs those of the output's own step.
    initial : (2 L, S, H)
        States before the first step of each direction, in the order of `layers`.
    masks : (2 L - 2, T, H), optional
        Factors between the layers, by the time step (dropout).
    """
    x, mask = decayed(x, decay), None if masks is None else lambda layer, t: masks[layer][t]
    below = [list(row) if tables is None else looked_up(tables[0], row) for row in x]
    tops, last = both_directions(cell, layers, below, start, initial, mask)
    if pooling != "last":
        return [times(head, [1, *pooled(tops[start:], pooling)])]
    if n_outputs == 1:
        return [times(head, [1, *last[-2][0], *last[-1][0]])]
    return [times(head, [1, *h]) for h in tops[len(x) - n_outputs :]]


def both_directions(cell, layers, below, start, initial, mask=None):
    """Outputs [h of the forward direction; h of the backward one] of the top layer at each step; all last states.

    `below` (T, I) are the inputs, `mask(layer, t)` the factors (H,) between layers; the rest as in `bidirectional`.
    """
    own, last = range(start, len(below)), []
    for n in range(0, len(layers), 2):
        tops = []
        for d, times_of_d in enumerate((own, reversed(own))):
            states = list(map(list, initial[n + d]))
            tops.append([states[0]] * len(below))
            for t in times_of_d:
                states = list(cell(layers[n + d], below[t], *states))
                tops[d][t] = states[0]
            last.append(states)
        below = [[*forward, *backward] for forward, backward in zip(*tops, strict=True)]
        if mask is not None and n + 2 < len(layers):
            factors = [[*mask(n, t), *mask(n + 1, t)] for t in range(len(below))]
            below = [[m * h for m, h in zip(*pair, strict=True)] for pair in zip(factors, below, strict=True)]
    return below, last


def decayed(x, decay):
    """A copy of the inputs x (T, I) in which missing ones have decayed: Che et al. (2018), input decay of GRU-D.

    Of C inputs with numbers (w, b) in `decay`, the last 2 C inputs are the masks, then the times since the last value.
    """
    x, C = [list(row) for row in x], len(decay) if decay is not None else 0
    for row in x:
        for c in range(C):
            (w, b), m, delta = decay[c], row[c - 2 * C], row[c - C]
            rate = w * delta + b
            gamma = np.exp(-np.where(np.real(rate) > 0, rate, 0 * rate))
            row[c] = m * row[c] + (1 - m) * gamma * row[c]
    return x


def as_observed(row, decay):
    """A row of inputs with all masks 1 and all times 0, as of values that were just observed."""
    C = len(decay) if decay is not None else 0
    return row[: len(row) - 2 * C] + [1] * C + [0] * C


def static_state(W, numbers, tables, codes):
    """States before the first step (L, S, H): W (L, S, H, n) times [1; numbers; the row of its code in each table]."""
    s = [1, *numbers, *(value for table, code in zip(tables, codes, strict=True) for value in table[code])]
    return [[times(matrix, s) for matrix in layer] for layer in W]


def of_output(pair, k):
    """(weights, values of output k) from (weights, values of all outputs)."""
    return None if pair is None else (pair[0], pair[1][k])


def with_linear(out, x, t, skip, location, ahead, season):
    """The output `out` after row `t` of x, plus linear skip and covariates; arguments as in `network`."""
    out = list(out)
    for o, where in enumerate(location or []):
        if season is not None and where is not None:
            (c, j), (weights, known) = where, season
            read = zip((*weights[c][0][j], *weights[c][1][j]), (*known[0][c], *known[j][c]), strict=True)
            out[o] = out[o] + total(w * v for w, v in read)
    for o, where in enumerate(location or []):
        if skip is not None and where is not None:
            weights = skip[where[0]][where[1]]
            lags = [x[t - len(weights) + 1 + i][where[0]] for i in range(len(weights))]
            out[o] = out[o] + total(w * v for w, v in zip(weights, lags, strict=True))
    if ahead is not None:
        added = [value for j, weights in enumerate(ahead[0]) for value in times(weights, ahead[1][: j + 2].ravel())]
        out = [one + value for one, value in zip(out, added, strict=True)]
    return out


# ---------------------------------------------------------------- encoder and decoder
def decoding(
    cell, encoder, decoder, head, x, start, initial, n_outputs, *, segment=1, embedding=None, position=None, bias=None,
    bridge=None, attention=None, skip=None, location=None, mask=None, feed=None, link=None, own=(), detached=False,
    ahead=None, season=None, decay=None, tables=None, directions=1,
):  # fmt: skip
    """Outputs (n_outputs, O) of an encoder and a decoder for one window, and the attention weights of each output.

    Parameters that differ from those of `network`:

    encoder, decoder : lists of lists of matrices
        The weights of each layer.
    segment : int
        Steps that are read and forecast together. If more than one, `embedding` (H, 1 + I segment) acts on [1; the
        values of the first input; those of the second; ...], followed by relu.
    position : (m, H), optional
        If given, the m steps of the decoder run in parallel: each starts from the encoder's states and reads its row of
        `position`. The only output is `bias` (O,) plus, for each step, `head` (O / m, H) times its state. Otherwise the
        steps run one after the other; a step reads the segment before it, and a flag that is 1 for the first step.
    bridge : (S, D H, 1 + E H), optional
        Maps [1; last states of the encoder] to the first states of the decoder, for each kind of state.
    attention : dict, optional
        kind ("dot", "general" or "additive"); its weights query, key, energy; and context (O, H), which acts on the
        weighted sum of the encoder's outputs. Of two directions it is (O, 2 H).
    mask : callable, optional
        Dropout factors (H,) between a layer and the one above it, by layer (encoder first, then decoder) and step.
    feed : list of int
        For each of the first inputs, the output that is fed back to it: that of the first step of a segment.
    own : list of bool
        For each step after the first, whether it reads the network's own forecasts; if `detached`, as constants.
    tables : list of matrices, optional
        Vectors of each code, of the encoder and of the decoder, which has no flag then and feeds back the code of its
        largest output: not 0 or 1, which stand for the unknown symbol and for the first one.
    directions : int
        Of two directions `encoder` and `initial` are what they are in `bidirectional`, and the encoder's outputs [h of
        the forward direction; h of the backward one].
    """
    x, n = decayed(x, decay), (len(x) - (n_outputs - 1) * segment) // segment
    outputs, weighed, encoded = [], [], []

    def read(row, side=0):
        if tables is not None:
            return looked_up(tables[side], x[row])
        if segment == 1:
            return x[row]
        values = [x[row + j][c] for c in range(len(x[0])) for j in range(segment)]
        return [relu(a) for a in times(embedding, [1, *values])]

    def climb(layers, states, below, first, t):
        for number, weights in enumerate(layers):
            states[number] = list(cell(weights, below, *states[number]))
            below = states[number][0]
            if mask is not None and number + 1 < len(layers):
                below = [m * h for m, h in zip(mask(first + number, t), below, strict=True)]

    states = [list(map(list, layer)) for layer in initial]
    if directions == 2:
        encoded, states = both_directions(cell, encoder, [read(t * segment) for t in range(n)], start, initial, mask)
    for t in range(n if directions == 1 else 0):
        if t >= start:
            climb(encoder, states, read(t * segment), 0, t)
        encoded.append(states[-1][0])
    if bridge is not None:
        kinds = [times(W, [1, *(v for layer in states for v in layer[s])]) for s, W in enumerate(bridge)]
        H = len(states[0][0])
        states = [[kind[d * H : (d + 1) * H] for kind in kinds] for d in range(len(decoder))]
    if position is not None:
        parts = []
        for k, read_here in enumerate(position):
            copied = [list(layer) for layer in states]
            climb(decoder, copied, read_here, len(encoder), 2 * k)
            parts += times(head, copied[-1][0])
        out = [one + b for one, b in zip(parts, bias, strict=True)]
        return [with_linear(out, x, len(x) - 1, skip, location, of_output(ahead, 0), of_output(season, 0))], []
    for k in range(n_outputs):
        row = (n + k) * segment - 1
        if k > 0 and own[k]:
            for j in range(segment):
                x[row - segment + 1 + j] = as_observed(x[row - segment + 1 + j], decay)
            if tables is not None:
                x[row] = [np.array(2 + np.argmax([np.real(value).flat[0] for value in outputs[-1][2:]]))]
            for c, o in enumerate(feed if tables is None else []):
                for j in range(segment):
                    value = outputs[-1][o + j * (len(outputs[-1]) // segment)]
                    value = link(value) if link else value
                    x[row - segment + 1 + j][c] = np.real(value) if detached else value
        flag = [1 if k == 0 else 0] if tables is None else []
        climb(decoder, states, [*read(row - segment + 1, 1), *flag], len(encoder), k)
        h = states[-1][0]
        out = times(head, [1, *h])
        if attention is not None:
            weights = softmax([score(attention, h, e) for e in encoded[start:]])
            weighed.append([0] * start + weights)
            weighted = [[w * unit for unit in e] for w, e in zip(weights, encoded[start:], strict=True)]
            gathered = [total(column) for column in zip(*weighted, strict=True)]
            out = [one + value for one, value in zip(out, times(attention["context"], gathered), strict=True)]
        outputs.append(with_linear(out, x, row, skip, location, of_output(ahead, k), of_output(season, k)))
    return outputs, weighed


def score(attention, h, e):
    """Attention score of a decoder's state h and an encoder's output e."""
    if attention["kind"] == "dot":
        return total(a * b for a, b in zip(h, e, strict=True))
    if attention["kind"] == "general":
        return total(a * b for a, b in zip(times(attention["query"], h), e, strict=True))
    both = zip(times(attention["query"], [1, *h]), times(attention["key"], e), strict=True)
    return total(v * tanh(a + b) for v, (a, b) in zip(attention["energy"], both, strict=True))


def softmax(scores):
    """Softmax: exponentials divided by their sum."""
    powers = [np.exp(s) for s in scores]
    return [p / total(powers) for p in powers]


# ---------------------------------------------------------------- losses
def squared_error(y, p):
    """(y - p)²."""
    return (y - p) * (y - p)


def absolute_error(y, p):
    """|y - p|."""
    return np.where(np.real(y - p) >= 0, y - p, p - y)


def huber(y, p, delta):
    """Half the squared error where it is at most `delta`, linear outside."""
    e = absolute_error(y, p)
    return np.where(np.real(e) <= delta, e * e / 2, delta * (e - delta / 2))


def pinball(y, p, level):
    """`level` times the error where y lies above p, (1 - level) times where it lies below."""
    return np.where(np.real(y - p) >= 0, level * (y - p), (1 - level) * (p - y))


def gaussian(y, mean, log_scale):
    """Minus the logarithm of the normal density, without log(2 pi)/2."""
    return ((y - mean) / np.exp(log_scale)) ** 2 / 2 + log_scale


def softplus(z):
    """log(1 + exp(z))."""
    return np.log(1 + np.exp(z))


def laplace(y, location, log_scale):
    """Minus the logarithm of the density, without log(2)."""
    return absolute_error(y, location) / np.exp(log_scale) + log_scale


def student_t(y, location, log_scale, raw):
    """Minus the logarithm of the density for 2 + softplus(raw) degrees of freedom, without log(2 pi)/2."""
    df, z = 2 + softplus(raw), (y - location) / np.exp(log_scale)
    norm = loggamma(df / 2 + 0.5) - loggamma(df / 2) - np.log(df / 2) / 2
    return log_scale - norm + (df + 1) / 2 * np.log(1 + z * z / df)


def poisson(y, p):
    """Minus the logarithm of the probability, without log(y!)."""
    return softplus(p) - y * np.log(softplus(p))


def negative_binomial(y, p, log_shape):
    """Minus the logarithm of the probability, without log(y!)."""
    mean, r = softplus(p), np.exp(log_shape)
    return loggamma(r) - loggamma(y + r) - r * np.log(r / (r + mean)) - y * np.log(mean / (r + mean))


def log_loss(y, logit, smoothing):
    """Minus the logarithm of the probability of class y, which is moved towards a half by the smoothing."""
    share = (1 - smoothing) * y + smoothing / 2
    return -share * np.log(sigmoid(logit)) - (1 - share) * np.log(sigmoid(-logit))


def cross_entropy(y, *parameters):
    """Cross-entropy of softmax(logits) with (1 - s) one-hot(y) + s / K; the last parameter is the smoothing s."""
    *logits, smoothing = parameters
    K, terms = len(logits), [-np.log(p) for p in softmax(logits)]
    return (1 - smoothing) * terms[int(y)] + smoothing / K * total(terms)


#: Each loss: its definition, the number of its parameters (None: any), and whether it has a constant.
LOSSES = {
    "mse": (squared_error, 1, False),
    "mae": (absolute_error, 1, False),
    "huber": (huber, 1, True),
    "pinball": (pinball, 1, True),
    "gaussian": (gaussian, 2, False),
    "laplace": (laplace, 2, False),
    "student_t": (student_t, 3, False),
    "poisson": (poisson, 1, False),
    "negative_binomial": (negative_binomial, 2, False),
    "log_loss": (log_loss, 1, True),
    "cross_entropy": (cross_entropy, None, True),
}
#: What each likelihood leaves out, as a function of the target.
OMITTED = {
    "gaussian": lambda y: np.log(2 * np.pi) / 2,
    "laplace": lambda y: np.log(2),
    "student_t": lambda y: np.log(2 * np.pi) / 2,
    "poisson": lambda y: loggamma(y + 1),
    "negative_binomial": lambda y: loggamma(y + 1),
}


def weighted_mean(loss, constants, width, outputs, targets, weights):
    """Weighted mean loss over all targets; each has `width` outputs for each of `constants` (None: no constant)."""
    terms, lanes = [], range(len(targets))
    for lane in lanes:
        for k, r in product(range(len(targets[lane])), range(len(targets[lane][0]))):
            for q, constant in enumerate(constants):
                first = (r * len(constants) + q) * width
                parameters = outputs[lane][k][first : first + width]
                if weights[lane][k][r] > 0:
                    value = loss(targets[lane][k][r], *parameters, *([] if constant is None else [constant]))
                    terms.append(weights[lane][k][r] * value)
    weight = total(w for lane in lanes for row in weights[lane] for w in row)
    return total(terms) / weight if weight > 0 else 0.0


# ---------------------------------------------------------------- Adam
def adam(theta, gradients, rate, decay, clip=np.inf, share=1.0, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Parameters after one update for each of `gradients`; `decay` holds one decoupled weight decay per parameter."""
    theta, first, second = list(theta), [0.0] * len(theta), [0.0] * len(theta)
    for t, g in enumerate(gradients, start=1):
        norm = sum(value * value for value in g) ** 0.5
        for i in range(len(theta)):
            clipped = share * (g[i] * clip / norm if norm > clip else g[i])
            first[i] = beta1 * first[i] + (1 - beta1) * clipped
            second[i] = beta2 * second[i] + (1 - beta2) * clipped**2
            mean, spread = first[i] / (1 - beta1**t), (second[i] / (1 - beta2**t)) ** 0.5
            theta[i] = theta[i] - rate * mean / (spread + epsilon) - rate * decay[i] * theta[i]
    return np.array(theta)


# ---------------------------------------------------------------- theta models
def theta_model(y, level, alpha, theta, dynamic, line=None, shocks=()):
    """One-step forecasts of y and of as many further steps as there are `shocks`, which are added to these.

    Equations of Fiorucci et al. (2016), doi:10.1016/j.ijforecast.2016.02.005, with each line fitted anew. The line
    (intercept, slope) of a model that is not dynamic is the one through y, unless it is given.
    """
    values, means = [], []
    if line is None and not dynamic:
        line = line_through(y)
    for t in range(1, len(y) + len(shocks) + 1):
        A, B = ((0.0, 0.0) if t == 1 else line_through(values)) if dynamic else line
        means.append(level + (1 - 1 / theta) * ((1 - alpha) ** (t - 1) * A + (1 - (1 - alpha) ** t) / alpha * B))
        values.append(y[t - 1] if t <= len(y) else means[-1] + shocks[t - len(y) - 1])
        level = alpha * values[-1] + (1 - alpha) * level
    return np.array(means), np.array(values)


def line_through(y):
    """Intercept and slope of the least-squares line through (1, y_1), (2, y_2), ...; of one value the slope is 0."""
    if len(y) == 1:
        return y[0], 0.0
    time = np.arange(1.0, len(y) + 1)
    return np.linalg.lstsq(np.column_stack([time**0, time]), np.asarray(y, float), rcond=None)[0]


def random_walk(y, m):
    """Last row of each phase of a season of m steps, and the deviation of the changes over a season.

    Missing values are left out: a change over k seasons has k times the variance.
    """
    squares, last = [], {}
    for t, value in enumerate(y):
        if not np.isnan(value):
            if t % m in last:
                seasons = (t - last[t % m]) // m
                squares.append((value - y[last[t % m]]) ** 2 / seasons)
            last[t % m] = t
    return last, np.sqrt(np.mean(squares))


def fill_gaps(values: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Values (n, C) with each missing one replaced by the last observed before it, or else by the first one."""
    rows = np.where(observed, np.arange(len(values))[:, None], observed.argmax(axis=0))
    return np.take_along_axis(values, np.maximum.accumulate(rows, axis=0), axis=0)
