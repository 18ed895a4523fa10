"""Encoder and decoder compared with PyTorch, same weights, float64: outputs, attention, gradients."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tsrnn.kernels.cpu import CpuBackend
from tsrnn.networks.architecture import Decoder

from ..problems import CELLS, problem, run, scaled, to_lanes
from .test_torch import CLOSE, MODULES, leaf, put_layer

torch = pytest.importorskip("torch")
BACKEND = CpuBackend()


class Model(torch.nn.Module):
    """Encoder and decoder from PyTorch's recurrent layers; bridge, attention and head from linear layers."""

    def __init__(self, a):
        super().__init__()
        d, H = a.decoder, a.hidden_size
        reads = H if d.segment > 1 else a.n_inputs
        self.a, self.states = a, len(a.cell.states)
        self.embedding = torch.nn.Linear(a.n_inputs * d.segment, H) if d.segment > 1 else None
        E, options = a.directions * H, {"bidirectional": True} if a.bidirectional else {}
        self.encoder = MODULES[a.cell.name](reads, H, a.num_layers, **options)
        self.decoder = MODULES[a.cell.name](reads + 1, H, d.num_layers)
        bridge = [torch.nn.Linear(a.n_layers * H, d.num_layers * H) for _ in a.cell.states]
        self.bridge = torch.nn.ModuleList(bridge) if d.bridge else None
        self.query = torch.nn.Linear(H, H if d.attention == "additive" else E, bias=d.attention == "additive")
        self.key = torch.nn.Linear(E, H, bias=False)
        self.energy = torch.nn.Linear(H, 1, bias=False)
        self.context = torch.nn.Linear(E, a.output_size, bias=False)
        self.head = torch.nn.Linear(H, a.output_size)
        self.double()

    def read(self, x, row):
        """The segment of x (rows, I) from `row` on, with the steps of each channel together."""
        s = self.a.decoder.segment
        return x[row] if s == 1 else torch.relu(self.embedding(x[row : row + s].T.reshape(-1)))

    def attend(self, h, encoded):
        """Attention weights over the encoder's outputs (n, H)."""
        kind = self.a.decoder.attention
        if kind == "additive":
            scores = self.energy(torch.tanh(self.query(h) + self.key(encoded)))[:, 0]
        else:
            scores = encoded @ (h if kind == "dot" else self.query(h))
        return torch.softmax(scores, dim=0)

    def start(self, states):
        """First states of the decoder from the last states of the encoder, each (L, H)."""
        if self.bridge is None:
            return states
        D = self.a.decoder.num_layers
        return [layer(state.reshape(-1)).reshape(D, -1) for layer, state in zip(self.bridge, states, strict=True)]

    def forward(self, x, start, state, n_outputs, free):
        """Outputs (n_outputs, O) and attention of one window x (T, I), from its first segment `start`."""
        a, s = self.a, self.a.decoder.segment
        n = len(x) // s - (n_outputs - 1)
        packed = tuple(part.contiguous() for part in state.unbind(1))
        inputs = torch.stack([self.read(x, t * s) for t in range(start, n)])
        encoded, packed = self.encoder(inputs, packed if self.states > 1 else packed[0])
        packed = self.start(packed if self.states > 1 else [packed])
        rows, outputs, weighed = list(x), [], []
        for k in range(n_outputs):
            first = (n + k - 1) * s
            if free and k > 0:
                points = outputs[-1].reshape(s, a.n_targets)
                for j in range(s):
                    rows[first + j] = torch.cat([points[j], rows[first + j][a.n_targets :]])
            flag = torch.tensor([1.0 if k == 0 else 0.0], dtype=torch.float64)
            inputs = torch.cat([self.read(torch.stack(rows), first), flag])[None]
            h, packed = self.decoder(inputs, tuple(packed) if self.states > 1 else packed[0])
            packed = packed if self.states > 1 else [packed]
            out = self.head(h[0])
            if a.decoder.attention:
                weighed.append(self.attend(h[0], encoded))
                out = out + self.context(weighed[-1] @ encoded)
            outputs.append(out)
        return torch.stack(outputs), weighed


def flat(a, model, read, bias):
    """`read` of the parameters of `model`, in the order of theta."""
    theta = np.zeros(a.size)
    views = a.views(theta)

    def affine(layer):
        return np.column_stack([read(layer.bias), read(layer.weight)])

    for layer in range(a.num_layers):
        put_layer(views, f"layer{layer}", model.encoder, layer, read, bias)
        if a.bidirectional:
            put_layer(views, f"backward{layer}", model.encoder, f"{layer}_reverse", read, bias)
    for layer in range(a.decoder.num_layers):
        put_layer(views, f"decoder{layer}", model.decoder, layer, read, bias)
    views["head"][:] = affine(model.head)
    if "embedding" in views:
        views["embedding"][:] = affine(model.embedding)
    if "bridge" in views:
        views["bridge"][:] = np.stack([affine(layer) for layer in model.bridge])
    if "context" in views:
        views["context"][:] = read(model.context.weight)
    if "query" in views:
        views["query"][:] = affine(model.query) if a.decoder.attention == "additive" else read(model.query.weight)
    if "key" in views:
        views["key"][:], views["energy"][:] = read(model.key.weight), read(model.energy.weight)
    return theta


@pytest.mark.parametrize("free", [0.0, 1.0], ids=["taught", "free"])
@pytest.mark.parametrize(
    ("decoder", "bidirectional"),
    [(Decoder(), False), (Decoder(1, False, 1, True, "dot"), False), (Decoder(2, False, 2, False, "general"), False),
     (Decoder(2, False, 3, True, "additive"), False), (Decoder(1, False, 1, True), True),
     (Decoder(1, False, 2, True, "general"), True), (Decoder(2, False, 1, True, "additive"), True)],
    ids=["plain", "dot", "general", "additive", "both, plain", "both, general", "both, additive"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["lstm", "gru", "rnn_tanh"])
def test_seq2seq(name, decoder, bidirectional, free):
    torch.manual_seed(0)
    layers = 2 if decoder.attention else 1
    p = problem(
        CELLS[name], n_inputs=2, hidden=4, layers=layers, context=8, n_outputs=3, block=decoder.segment, lanes=9,
        ragged=True, missing=True, decoder=decoder, bidirectional=bidirectional,
    )  # fmt: skip
    a, model = p.architecture, Model(p.architecture)
    theta = flat(a, model, lambda parameter: parameter.detach(), np.add)
    result = run(p, BACKEND, theta=theta, free_run=free)
    value, weight, leaves, outputs = 0.0, 0.0, [], []
    for lane in range(9):
        x, start, y, w = scaled(p, lane)
        x, state = leaf(x), leaf(p.state[..., lane])
        found, weighed = model(x, start // decoder.segment, state, 3, free)
        outputs.append(found)
        value = value + (torch.tensor(w) * (found - torch.tensor(np.nan_to_num(y))) ** 2).sum()
        weight += w.sum()
        leaves.append((x, state))
        for k, weights in enumerate(weighed):
            ours = to_lanes(result.work.read("attention"), result.work.read("attention").shape[1:3], 9)[k, :, lane]
            assert_allclose(ours[start // decoder.segment :], weights.detach().numpy(), **CLOSE)
    loss = value / weight
    loss.backward()
    assert_allclose(result.outputs, torch.stack(outputs).detach().numpy(), **CLOSE)
    assert_allclose(result.loss, loss.item(), **CLOSE)
    gradients = flat(a, model, lambda parameter: parameter.grad, lambda b, c: b)
    assert_allclose(result.theta, gradients, **CLOSE)
    assert_allclose(result.x, np.stack([x.grad.numpy() for x, _ in leaves], axis=-1), **CLOSE)
    assert_allclose(result.state, np.stack([state.grad.numpy() for _, state in leaves], axis=-1), **CLOSE)
