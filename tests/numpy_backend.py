"""A second backend in plain NumPy: the interface that networks use, written for reading. All lanes go together.

It knows no cell and no loss either: it calls their plain equations on arrays (rows, lanes), step by step through all
layers, and remembers each step under the equations' own names.
"""

from __future__ import annotations

import inspect
import types
from collections import defaultdict
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np

from tsrnn.functions.activations import softplus
from tsrnn.functions.optimizers import adam
from tsrnn.functions.random import fold
from tsrnn.kernels.backend import static_of
from tsrnn.parts.common import LINEAR_ROWS, POINT_ROWS
from tsrnn.parts.recurrent import PRODUCTS
from tsrnn.parts.shape import MAX, MEAN
from tsrnn.parts.static import CATEGORIES

NAMES = {
    "tanh": np.tanh,
    "sigmoid": lambda x: 0.5 * np.tanh(0.5 * x) + 0.5,
    "relu": lambda x: np.maximum(x, 0),
    "exp": np.exp,
    "sqrt": np.sqrt,
    "absolute": np.abs,
    "sign": np.sign,
    "min": np.minimum,
    "max": np.maximum,
}


def bound(equation):
    """The same equation with NumPy's functions under the names that it uses: it takes arrays, real or complex."""
    return types.FunctionType(equation.__code__, {**equation.__globals__, **NAMES})


def call(equation, values, writes):
    """Evaluate an equation on what it names in `values`, and put what it returns under the names `writes`."""
    result = bound(equation)(*(values[name] for name in inspect.signature(equation).parameters))
    values.update(zip(writes, result if isinstance(result, tuple) else (result,), strict=True))


def blocks(item, planes):
    """Planes (P H, lanes) of a block-diagonal product by block, (n_blocks, P, units, lanes)."""
    return planes.reshape(len(item.planes), item.n_blocks, -1, planes.shape[-1]).swapaxes(0, 1)


def times(item, weights, x):
    """The planes (P H, lanes) of a product of the operand x (K, lanes)."""
    if item.kind == "dense":
        return weights @ x
    if item.kind == "diagonal":
        return weights[:, None] * np.tile(x, (len(item.planes), 1))
    n, P = item.n_blocks, len(item.planes)
    weights = weights.reshape(n, P, weights.shape[-1], -1)
    return np.einsum("bpuk,bkl->pbul", weights, x.reshape(n, -1, x.shape[1])).reshape(-1, x.shape[1])


def times_transposed(item, weights, d):
    """The gradient by the operand (K, lanes), from that of the planes d (P H, lanes)."""
    if item.kind == "dense":
        return weights.T @ d
    if item.kind == "diagonal":
        return (weights[:, None] * d).reshape(len(item.planes), -1, d.shape[1]).sum(axis=0)
    weights = weights.reshape(item.n_blocks, len(item.planes), weights.shape[-1], -1)
    return np.einsum("bpuk,bpul->bkl", weights, blocks(item, d)).reshape(-1, d.shape[1])


def outer(item, d, x):
    """The gradient by the weights, from that of the planes d (P H, lanes) and the operand x (K, lanes)."""
    if item.kind == "dense":
        return d @ x.T
    if item.kind == "diagonal":
        return (d * np.tile(x, (len(item.planes), 1))).sum(axis=1)
    by_block = np.einsum("bpul,bkl->bpuk", blocks(item, d), x.reshape(item.n_blocks, -1, x.shape[1]))
    return by_block.reshape(item.n_blocks, -1, by_block.shape[-1])


def softmax_loss(y, *parameters):
    """Cross-entropy and its derivative by each logit; the last of the parameters is the label smoothing."""
    *logits, smoothing = parameters
    x, K = np.stack(logits), len(logits)
    x = x - x.max(axis=0)
    target = (1 - smoothing) * (np.arange(K).reshape(-1, *[1] * y.ndim) == y) + smoothing / K
    log_sum = np.log(np.exp(x).sum(axis=0))
    return log_sum - (target * x).sum(axis=0), *(np.exp(x - log_sum) - target)


class NumpyBackend:
    """The methods of `tsrnn.kernels.cpu.CpuBackend`."""

    name = "numpy"

    def session(self):
        """To be held around a fit or a prediction."""
        return nullcontext()

    def upload(self, array, dtype):
        """A handle."""
        return np.array(array, dtype)

    def download(self, handle):
        """A copy on the host."""
        return np.array(handle)

    def part(self, order, first, last):
        """Windows `first` to `last` of an uploaded order, as a batch."""
        return order[first:last]

    def prepare(self, layout, dtype, loss):
        """Compile nothing."""

    def workspace(self, layout, n_lanes, dtype, *, loss=None, gradient=False, input_gradient=False):
        """Whatever a batch of at most `n_lanes` lanes needs; `state` is (L, S, H, lanes)."""
        cell, shape = layout.cell, layout.shape
        state = np.zeros((shape.num_layers, len(cell.states), shape.hidden_size, n_lanes), dtype)
        return SimpleNamespace(
            cell=cell, shape=shape, layout=layout, at=layout.offsets, products=layout.tables[PRODUCTS],
            categories=layout.tables[CATEGORIES],
            linear_rows=layout.tables[LINEAR_ROWS], point_rows=layout.tables[POINT_ROWS], capacity=n_lanes, n_lanes=0,
            dtype=np.dtype(dtype), state=state, total=np.zeros(2), grad=np.zeros(layout.n_theta, dtype),
        )  # fmt: skip

    # ---------------------------------------------------------------- a batch's data
    def gather(self, work, series, windows, batch):
        """Scaled inputs x (T, I, lanes), right-aligned, zero before each lane's first step `starts`."""
        work.n_lanes, T = len(batch), work.shape.n_steps
        work.starts = T - np.minimum(T, windows.length[batch])
        work.x = np.zeros((T, work.shape.n_inputs, len(batch)), work.dtype)
        of_batch = (windows.start[batch], windows.target[batch], windows.series[batch])
        work.scales = windows.scales.of_windows(*of_batch)  # (2, lanes, I + C)
        shift, scale = work.scales[:, :, : work.shape.n_inputs]
        for lane, w in enumerate(batch):
            late = work.starts[lane]
            rows = series[windows.start[w] : windows.start[w] + T - late]
            work.x[late : late + len(rows), :, lane] = (rows - shift[lane]) / scale[lane]
        work.raw = work.x[:, : work.shape.n_masked].copy()
        self._gather_ahead(work, series, windows, batch)
        static = static_of(work.layout, windows)
        if static is not None:
            row = windows.series[batch]
            work.numbers, work.codes = static.numbers[row].T.astype(work.dtype), static.codes[row].T

    def _gather_ahead(self, work, series, windows, batch):
        """What is known of the steps ahead and of the one before, which stands in the row of the step before it.

        Covariates (n_outputs, (block + 1) * F, lanes) and seasonal inputs (n_outputs, block, C, S, lanes).
        """
        s = work.shape
        n_seasonal = s.n_channels * s.n_seasonal
        steps = np.arange(s.n_outputs)[:, None] + np.arange(-1, s.block)
        rows = np.minimum(windows.target[batch][:, None, None] + steps, len(series)) - 1
        earliest = np.minimum(windows.start, windows.target - 1)[batch]
        rows = np.maximum(rows, earliest[:, None, None])
        last = s.n_inputs - 2 * s.n_masked
        first = last - s.n_covariates - n_seasonal
        shift, scale = work.scales[:, :, None, None, first:last]
        known = ((series[rows][..., first:last] - shift) / scale).astype(
            work.dtype
        )  # (lanes, n_outputs, 1 + block, F + C S)
        covariates, seasonal = known[..., : s.n_covariates], known[:, :, 1:, s.n_covariates :]
        work.ahead = np.moveaxis(covariates.reshape(len(batch), s.n_outputs, -1), 0, -1)
        seasonal = seasonal.reshape(*seasonal.shape[:3], max(1, s.n_channels), -1)
        work.seasonal = np.moveaxis(seasonal, 0, -1)

    def gather_targets(self, work, targets, observed, windows, batch):
        """Scaled targets y and their weights (n_outputs, block * C, lanes); 0 where nothing was observed."""
        k, n = np.arange(work.shape.n_outputs), np.arange(work.shape.block)
        rows = windows.target[batch][:, None, None] + k[:, None] + n  # (lanes, n_outputs, block)
        weight = observed[rows]
        shift, scale = work.scales[:, :, None, None, work.shape.n_inputs :]
        y = np.where(weight > 0, (targets[rows] - shift) / scale, 0)
        work.y, work.weight = (
            np.moveaxis(v.reshape(len(batch), len(k), -1), 0, -1).astype(work.dtype) for v in (y, weight)
        )

    # ---------------------------------------------------------------- forward
    def forward(self, work, theta, *, free_run=False, outputs=None, dropout=0.0, key=0):
        """Outputs k0 to k1 of out (n_outputs, O, lanes); `work.tape[t][layer]` holds all that the equations named."""
        s = work.shape
        k0, k1 = outputs or (0, s.n_outputs)
        if k0 == 0:
            self._begin(work, theta, dropout, key)
        if s.directions == 2:
            self._both_directions(work, theta)
            return
        for t in range(len(work.tape), s.n_steps - s.n_outputs + k1):
            k = t - (s.n_steps - s.n_outputs)
            if free_run and k > 0:
                fed = work.out[k - 1][work.point_rows]
                self.feed(work, k, (softplus(fed) if s.link == 1 else fed).T[:, None])
            below = self._embedded(work, theta, t) if s.embedding else work.x[t]
            work.tape.append([])
            for layer in range(s.num_layers):
                values = self._step(work, theta, layer, below, work.before[layer], t < work.starts)
                work.tape[t].append(values)
                work.before[layer] = {name: values[name] for name in work.cell.states}
                below = values["h"] * work.mask[min(layer, s.num_layers - 2), t]
            if k >= 0:
                work.out[k] = self._head(work, theta, t, self._read_by_head(work, t))

    def _table(self, work, theta):
        """The vectors of the codes up to the largest one of the batch, (n, W)."""
        n = 1 + int(work.x.max())
        return theta[work.at["symbols"] :][: n * work.shape.embedding].reshape(n, -1)

    def _embedded(self, work, theta, t):
        """The vectors of step t, (W, lanes)."""
        return self._table(work, theta)[work.x[t, 0].astype(int)].T

    def _read_by_head(self, work, t):
        """The top layer's h after step t, (H, lanes), or its mean or maximum over the steps so far of each lane."""
        h = np.stack([layers[-1]["h"] for layers in work.tape[: t + 1]])
        own = (np.arange(t + 1)[:, None] >= work.starts)[:, None]
        if work.shape.pooling == MAX:
            return np.where(own, h, -np.inf).max(axis=0)
        return (h * own).sum(axis=0) / own.sum(axis=0) if work.shape.pooling == MEAN else h[-1]

    def _of_step(self, work, t, d):
        """The part of the gradient d of what the head reads that goes to step t, before a lane's first step zero."""
        h, own = np.stack([layers[-1]["h"] for layers in work.tape]), np.arange(len(work.tape))[:, None] >= work.starts
        if work.shape.pooling == MAX:
            return np.where(np.where(own[:, None], h, -np.inf).argmax(axis=0) == t, d, 0)
        return d * own[t] / own.sum(axis=0)

    # ---------------------------------------------------------------- two directions
    def _turned(self, work, values):
        """Values (T, n, lanes) by time, by the slots of a backward layer; or the other way round."""
        t = np.arange(work.shape.n_steps)[:, None]
        turned = np.where(t >= work.starts, work.starts + work.shape.n_steps - 1 - t, t)
        return np.take_along_axis(values, turned[:, None], axis=0)

    def _read_by_head_of_both(self, work):
        """What the head reads for each output, (n_outputs, 2 H, lanes), from the tops (T, 2 H, lanes) by slot."""
        s, (forward, backward) = work.shape, np.split(work.tops, 2, axis=1)
        own = (np.arange(s.n_steps)[:, None] >= work.starts)[:, None]
        if s.pooling == MAX:
            return np.where(own, work.tops, -np.inf).max(axis=0, keepdims=True)
        if s.pooling == MEAN:
            return (work.tops * own).sum(axis=0, keepdims=True) / own.sum(axis=0, keepdims=True)
        backward = backward if s.n_outputs == 1 else self._turned(work, backward)
        return np.concatenate([forward, backward], axis=1)[-s.n_outputs :]

    def _both_directions(self, work, theta):
        """All outputs; `work.tape[layer][slot]` holds what the equations named, `work.tops` (T, 2 H, lanes) h."""
        s, below = work.shape, work.x
        if s.embedding:
            below = np.stack([self._embedded(work, theta, t) for t in range(s.n_steps)])
        for layer in range(s.num_layers):
            x, values = below if layer % 2 == 0 else self._turned(work, below), work.before[layer]
            work.tape.append([])
            for t in range(s.n_steps):
                values = self._step(work, theta, layer, x[t], values, t < work.starts)
                work.tape[layer].append(values)
                values = {name: values[name] for name in work.cell.states}
            if layer % 2 == 1:
                forward, backward = (np.stack([v["h"] for v in work.tape[n]]) for n in (layer - 1, layer))
                work.tops = np.concatenate([forward, backward], axis=1)
                below = np.concatenate([forward, self._turned(work, backward)], axis=1)
                if layer + 1 < s.num_layers:
                    below = below * np.concatenate([work.mask[layer - 1], work.mask[layer]], axis=1)
        ones = np.ones((s.n_outputs, 1, work.n_lanes), work.dtype)
        work.out = self._head_matrix(work, theta) @ np.concatenate([ones, self._read_by_head_of_both(work)], axis=1)

    def _gradient_of_tops(self, work, theta):
        """The gradient of the tops (T, 2 H, lanes) by slot; that of the head is added."""
        s, read = work.shape, self._read_by_head_of_both(work)
        ones, own = np.ones((s.n_outputs, 1, work.n_lanes), work.dtype), np.arange(s.n_steps)[:, None] >= work.starts
        self._head_matrix(work, work.grad)[:] += np.einsum("kob,kcb->oc", work.dout, np.concatenate([ones, read], 1))
        d = self._head_matrix(work, theta)[:, 1:].T @ work.dout
        if s.pooling == MAX:
            highest = np.where(own[:, None], work.tops, -np.inf).argmax(axis=0)
            return np.where(np.arange(s.n_steps)[:, None, None] == highest, d, 0)
        if s.pooling == MEAN:
            return d * own[:, None] / own.sum(axis=0)
        by_slot = np.zeros_like(work.tops)
        by_slot[-s.n_outputs :] = d
        forward, backward = np.split(by_slot, 2, axis=1)
        return np.concatenate([forward, backward if s.n_outputs == 1 else self._turned(work, backward)], axis=1)

    def _both_backward(self, work, theta):
        """Add the gradients of all layers, and those of the inputs to `dx`; return that of the initial states."""
        s, states = work.shape, work.cell.states
        dh, dstate = self._gradient_of_tops(work, theta), [None] * s.num_layers
        for layer in reversed(range(0, s.num_layers, 2)):
            dx = 0
            for d, of_layer in enumerate(np.split(dh, 2, axis=1)):
                later, by_slot = dict.fromkeys(states, 0.0), [None] * s.n_steps
                for t in reversed(range(s.n_steps)):
                    values = work.tape[layer + d][t]
                    values |= {f"d{name}": later[name] + np.zeros_like(values[name]) for name in states}
                    values["dh"] = values["dh"] + of_layer[t]
                    by_slot[t] = self._step_gradient(work, theta, layer + d, values, t < work.starts)
                    later = {name: values[f"d{name}"] for name in states}
                dstate[layer + d] = [later[name] for name in states]
                dx = dx + (np.stack(by_slot) if d == 0 else self._turned(work, np.stack(by_slot)))
            if layer > 0:
                dx = dx * np.concatenate([work.mask[layer - 2], work.mask[layer - 1]], axis=1)
                forward, backward = np.split(dx, 2, axis=1)
                dh = np.concatenate([forward, self._turned(work, backward)], axis=1)
        if s.embedding:
            np.add.at(self._table(work, work.grad), work.x[:, 0].astype(int), dx.swapaxes(1, 2))
        else:
            work.dx[:] = dx
        return np.array(dstate)

    def feed(self, work, k, values):
        """Let the step of output `k` read the scaled `values` (lanes, 1, n_channels) of the step before it."""
        row, n = work.x[work.shape.n_steps - work.shape.n_outputs + k], work.shape.n_inputs
        row[: work.shape.n_channels] = values[:, 0].T
        row[n - 2 * work.shape.n_masked :] = 1
        row[n - work.shape.n_masked :] = 0

    def _rates(self, work, theta):
        """w (C, 1), masks m and times delta (T, C, lanes), and what the factor is the exponential of."""
        n, C = work.shape.n_inputs, work.shape.n_masked
        w, b = theta[work.at["input_decay"] :][: 2 * C].reshape(C, 2, 1).swapaxes(0, 1)
        m, delta = work.x[:, n - 2 * C : n - C], work.x[:, n - C :]
        return w, m, delta, w * delta + b

    def _begin(self, work, theta, dropout, key):
        """The states before the first step, masks, and room for outputs."""
        s, cell, lanes = work.shape, work.cell, work.n_lanes
        state = work.state[..., :lanes]
        if "initial_state" in work.at:
            at = work.at["initial_state"]
            learned = theta[at : at + state[..., 0].size]
            state = np.broadcast_to(learned.reshape(state.shape[:3])[..., None], state.shape)
        if s.n_masked:
            _, m, _, a = self._rates(work, theta)
            work.x[:, : s.n_masked] = (m + (1 - m) * np.exp(-np.maximum(a, 0))) * work.raw
        if "static" in work.at:
            W, tables = self._static(work, theta)
            rows = [table[code].T for table, code in zip(tables, work.codes, strict=True)]
            work.s = np.concatenate([np.ones((1, lanes), work.dtype), work.numbers, *rows])
            state = (W @ work.s).reshape(state.shape)
        work.before = [dict(zip(cell.states, layer, strict=True)) for layer in state]
        work.mask = np.ones((max(1, s.num_layers - s.directions), s.n_steps, s.hidden_size, lanes), work.dtype)
        if dropout > 0:
            work.mask = self._mask(work, dropout, key)
        work.out = np.zeros((s.n_outputs, s.output_size, lanes), work.dtype)
        work.tape = []

    def _static(self, work, theta):
        """W (L S H, length of s), and the table of each category."""
        s, tables = work.shape, []
        size = s.num_layers * len(work.cell.states) * s.hidden_size
        for at, width, _, cardinality in work.categories:
            tables.append(theta[at : at + (cardinality + 1) * width].reshape(-1, width))
        at = work.at["static"]
        return theta[at : at + size * s.static_size].reshape(size, -1), tables

    def _mask(self, work, dropout, key):
        """Factors 0 or 1 / (1 - dropout), drawn for (key, layer, step, unit, lane)."""
        for counter in np.ogrid[tuple(map(slice, work.mask.shape))]:
            key = fold(key, counter.astype(np.uint64))
        dropped = key < np.uint64(dropout * 2.0**32)
        return np.where(dropped, 0, 1 / (1 - dropout)).astype(work.dtype)

    def _matrices(self, work, theta, layer, n_inputs):
        """Of each product: its description, rows of the operand, a view of its weights."""
        for item, (r0, r1, _, _, at, *_) in zip(work.cell.products, work.products[layer], strict=True):
            shape = item.shape(r1 - r0, work.shape.hidden_size)
            yield item, slice(r0, r1), theta[at : at + int(np.prod(shape))].reshape(shape)

    def _step(self, work, theta, layer, x, before, late):
        """One step of one layer: the names and what they hold; lanes that are `late` keep their state."""
        cell, values = work.cell, {f"{state}_prev": array for state, array in before.items()}
        inner = np.zeros((len(cell.inner) * work.shape.hidden_size, x.shape[1]), work.dtype)
        operand = values["operand"] = np.concatenate([x, np.ones_like(x[:1]), before["h"], inner])
        matrices = self._matrices(work, theta, layer, len(x))
        for stage in cell.stages:
            for _ in stage.products:
                item, rows, weights = next(matrices)
                filled = np.split(times(item, weights, operand[rows]), len(item.planes))
                values.update(zip(item.planes, filled, strict=True))
            call(stage.forward, values, stage.writes)
            for name in set(stage.writes) & set(cell.inner):
                operand[slice(*cell.rows(name, len(x), work.shape.hidden_size))] = values[name]
        for state in cell.states:
            values[state] = np.where(late, before[state], values[state])
        return values

    def _skip(self, work, theta):
        """The skip's weights (C, block, lags)."""
        s, at = work.shape, work.at["skip"]
        return theta[at : at + s.n_channels * s.block * s.lags].reshape(s.n_channels, s.block, s.lags)

    def _season(self, work, theta, t):
        """Weights (C, block, S) and seasonal inputs (block, C, S, lanes): the first step's, then each step's own."""
        s, own = work.shape, work.seasonal[t - (work.shape.n_steps - work.shape.n_outputs)]
        shape = (s.n_channels, 2, s.block, s.n_seasonal)
        if "season" in work.at:
            weights = theta[work.at["season"] :][: int(np.prod(shape))].reshape(shape)
            yield weights[:, 0], np.broadcast_to(own[:1], own.shape)
            yield weights[:, 1], own

    def _ahead(self, work, theta):
        """Of each step of the block: its outputs, and the weights of the covariates from the step before up to it."""
        s = work.shape
        n, at = s.output_size // s.block, work.at.get("ahead0", 0)
        for j in range(s.block if s.n_covariates else 0):
            columns = (j + 2) * s.n_covariates
            yield slice(j * n, (j + 1) * n), theta[at : at + n * columns].reshape(n, columns)
            at += n * columns

    def _head_matrix(self, work, theta):
        s, at = work.shape, work.at["head"]
        return theta[at : at + s.output_size * (1 + s.directions * s.hidden_size)].reshape(s.output_size, -1)

    def _head(self, work, theta, t, h):
        """What the head says after step t, and the linear skip that is added to its location rows."""
        s = work.shape
        out = self._head_matrix(work, theta) @ np.concatenate([np.ones_like(h[:1]), h])
        if "skip" in work.at:
            linear = np.einsum("cnp,pcb->cnb", self._skip(work, theta), self._lags(work, work.x, t))
            for weights, known in self._season(work, theta, t):
                linear += np.einsum("cnq,ncqb->cnb", weights, known)
            to = work.linear_rows
            out[to >= 0] += linear.reshape(s.n_channels * s.block, -1)[to[to >= 0]]
        for outputs, weights in self._ahead(work, theta):
            out[outputs] += weights @ work.ahead[t - (s.n_steps - s.n_outputs), : weights.shape[1]]
        return out

    def _lags(self, work, x, t):
        """What the skip reads of x at step t, (lags, C, lanes)."""
        return x[t - work.shape.lags + 1 : t + 1, : work.shape.n_channels]

    def outputs(self, work, first=0, last=None):
        """(lanes, n_outputs, O)."""
        return np.moveaxis(work.out[first:last], -1, 0).copy()

    def go_on_from(self, work, k, lanes):
        """This backend has no decoder."""
        raise NotImplementedError("only networks without a decoder run on the plain backend")

    def attention(self, work):
        """This backend has no decoder."""
        raise NotImplementedError("only networks without a decoder run on the plain backend")

    # ---------------------------------------------------------------- loss
    def loss(self, work, loss):
        """Add the weighted sum of the loss and the weights to `work.total`; dout is the gradient of the mean."""
        size, seen = loss.size, work.weight > 0
        share = work.weight / max(work.weight.sum(dtype=float), np.finfo(float).tiny)
        work.dout = np.zeros_like(work.out)
        for q, constant in enumerate(loss.constants):
            parameters = [work.out[:, q * loss.width + p :: size] for p in range(loss.width)]
            equation = softmax_loss if loss.equation is None else bound(loss.equation)
            value, *derivatives = equation(work.y, *parameters, work.dtype.type(constant))
            work.total[0] += (work.weight * value)[seen].sum(dtype=float)
            for p, derivative in enumerate(derivatives):
                work.dout[:, q * loss.width + p :: size] = np.where(seen, derivative * share, 0)
        work.total[1] += work.weight.sum(dtype=float)

    def take_total(self, work):
        """Weighted loss and weight since they were last taken."""
        (value, weight), work.total = work.total, np.zeros(2)
        return float(value), float(weight)

    # ---------------------------------------------------------------- backward
    def backward(self, work, theta, *, dropout=0.0, key=0):
        """grad (n_theta,), dx (T, I, lanes) and dstate (L, S, H, lanes), that of the initial state; masks are kept."""
        s, states = work.shape, work.cell.states
        work.grad, work.dx, later = np.zeros_like(theta), np.zeros_like(work.x), defaultdict(float)
        for t in reversed(range(s.n_steps)) if s.directions == 1 else ():
            k = t - (s.n_steps - s.n_outputs)
            if k >= 0:
                d = self._head_gradient(work, theta, t, work.dout[k])
            dh = self._of_step(work, t, d) if s.pooling else d if k >= 0 else 0
            for layer in reversed(range(s.num_layers)):
                values = work.tape[t][layer]
                values |= {f"d{name}": later[layer, name] + np.zeros_like(values[name]) for name in states}
                values["dh"] = values["dh"] + dh
                dx = self._step_gradient(work, theta, layer, values, t < work.starts)
                later |= {(layer, name): values[f"d{name}"] for name in states}
                dh = dx * work.mask[layer - 1, t] if layer > 0 else 0
            if s.embedding:
                np.add.at(self._table(work, work.grad), work.x[t, 0].astype(int), dx.T)
            else:
                work.dx[t] += dx
        work.dstate = np.array([[later[layer, name] for name in states] for layer in range(s.num_layers)])
        if s.directions == 2:
            work.dstate = self._both_backward(work, theta)
        if "initial_state" in work.at:
            at = work.at["initial_state"]
            work.grad[at : at + work.dstate[..., 0].size] = work.dstate.sum(axis=-1).ravel()
        if s.n_masked:
            C, (w, m, delta, a) = s.n_masked, self._rates(work, theta)
            gamma, d = np.exp(-np.maximum(a, 0)), work.dx[:, :C].copy()
            da = np.where(a > 0, -(1 - m) * gamma * work.raw * d, 0)
            both = np.stack([(da * delta).sum(axis=(0, 2)), da.sum(axis=(0, 2))], axis=1)
            work.grad[work.at["input_decay"] :][: 2 * C] = both.ravel()
            work.dx[:, s.n_inputs - 2 * C : s.n_inputs - C] += (1 - gamma) * work.raw * d
            work.dx[:, s.n_inputs - C :] += da * w
            work.dx[:, :C] = (m + (1 - m) * gamma) * d
        if "static" in work.at:
            (W, _), (dW, tables), first = self._static(work, theta), self._static(work, work.grad), 1 + s.n_static
            d = work.dstate.reshape(len(W), -1)
            dW += d @ work.s.T
            ds = W.T @ d
            for table, code in zip(tables, work.codes, strict=True):
                np.add.at(table, code, ds[first : first + table.shape[1]].T)
                first += table.shape[1]

    def _step_gradient(self, work, theta, layer, values, late):
        """The gradient of one step: of its inputs (returned), of the states before it (left in `values`)."""
        cell, H, operand = work.cell, work.shape.hidden_size, values["operand"]
        n_inputs = len(operand) - 1 - H * (1 + len(cell.inner))
        h, gradient = slice(n_inputs + 1, n_inputs + 1 + H), np.zeros_like(operand)
        after = {f"d{state}": values[f"d{state}"] for state in cell.states}
        matrices = [*zip(*(self._matrices(work, array, layer, n_inputs) for array in (theta, work.grad)), strict=True)]
        carried = False  # whether values["dh"] is the gradient of h before the step, no longer of h after it
        for stage in reversed(cell.stages):
            values |= {f"d{name}": gradient[slice(*cell.rows(name, n_inputs, H))] for name in cell.inner}
            call(stage.gradient, values, stage.gradient_writes)
            carried |= "dh" in stage.gradient_writes
            for _ in stage.products:
                (item, rows, weights), (_, _, weight_gradient) = matrices.pop()
                d = np.where(late, 0, np.concatenate([values[plane] for plane in item.planes]))
                weight_gradient += outer(item, d, operand[rows])
                passed = np.zeros_like(operand)
                passed[rows] = times_transposed(item, weights, d)
                gradient += passed
                if rows.start <= h.start < rows.stop:
                    values["dh"], carried = (values["dh"] if carried else 0) + passed[h], True
        values |= {name: np.where(late, array, values[name]) for name, array in after.items()}
        return gradient[:n_inputs]

    def _head_gradient(self, work, theta, t, dout):
        """Gradient of the top layer's h after step t; the head's and the skip's own are added to grad and dx."""
        s, h = work.shape, self._read_by_head(work, t)
        self._head_matrix(work, work.grad)[:] += dout @ np.concatenate([np.ones_like(h[:1]), h]).T
        if "skip" in work.at:
            linear = np.zeros((s.n_channels * s.block, work.n_lanes), work.dtype)
            to = work.linear_rows
            np.add.at(linear, to[to >= 0], dout[to >= 0])
            linear = linear.reshape(s.n_channels, s.block, -1)
            self._skip(work, work.grad)[:] += np.einsum("cnb,pcb->cnp", linear, self._lags(work, work.x, t))
            for gradient, known in self._season(work, work.grad, t):
                gradient += np.einsum("cnb,ncqb->cnq", linear, known)
            self._lags(work, work.dx, t)[:] += np.einsum("cnp,cnb->pcb", self._skip(work, theta), linear)
        for outputs, gradient in self._ahead(work, work.grad):
            gradient += dout[outputs] @ work.ahead[t - (s.n_steps - s.n_outputs), : gradient.shape[1]].T
        return self._head_matrix(work, theta)[:, 1:].T @ dout

    def train(self, work, theta, loss, *, free_run=0, dropout=0.0, key=0):
        """`forward`, `loss` and `backward` in one go."""
        self.forward(work, theta, free_run=free_run, dropout=dropout, key=key)
        self.loss(work, loss)
        self.backward(work, theta, dropout=dropout, key=key)

    # ---------------------------------------------------------------- update
    def update(self, work, theta, moments, decay, hyper, clip, norms, k=0, share=1.0):
        """Clip the gradient by its norm and let Adam change theta and its moments (2, n)."""
        norms[k] = norm = np.sqrt((work.grad.astype(float) ** 2).sum())
        g = work.grad * work.dtype.type(share * (clip / norm if norm > clip else 1))
        theta[:], moments[0], moments[1] = bound(adam)(theta, g, moments[0], moments[1], decay, *hyper)
