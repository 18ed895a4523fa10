"""Networks compared with PyTorch in float64: outputs, gradients, free runs, and PyTorch's gradcheck of the kernels."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tsrnn.data.scaling import Scales
from tsrnn.data.windows import Windows
from tsrnn.kernels.cpu import CpuBackend
from tsrnn.networks.network import Network, Source

from ..problems import CELLS, problem, run, scaled, set_array, to_lanes

torch = pytest.importorskip("torch")

from .cells import SLSTM, IndRNN, Layers, MinGRU  # noqa: E402 - after `importorskip`

BACKEND = CpuBackend()
MODULES = {
    "lstm": torch.nn.LSTM,
    "gru": torch.nn.GRU,
    "rnn_tanh": torch.nn.RNN,
    "rnn_relu": partial(torch.nn.RNN, nonlinearity="relu"),
    "mingru": partial(Layers, MinGRU),
    "indrnn_relu": partial(Layers, IndRNN),
    "indrnn_tanh": partial(Layers, IndRNN, activation=torch.tanh),
    "slstm_sigmoid_1": partial(Layers, SLSTM),
    "slstm_sigmoid_2": partial(Layers, SLSTM, n_heads=2),
    "slstm_exp_1": partial(Layers, SLSTM, forget_gate="exp"),
    "slstm_exp_2": partial(Layers, SLSTM, forget_gate="exp", n_heads=2),
}
every_cell = pytest.mark.parametrize("name", MODULES)
CLOSE = {"rtol": 1e-9, "atol": 1e-12}


class Model(torch.nn.Module):
    """PyTorch's layers, or those of `cells`, and a linear head."""

    def __init__(self, a):
        super().__init__()
        options = {"bidirectional": True} if a.bidirectional else {}
        self.rnn = MODULES[a.cell.name](a.n_inputs, a.hidden_size, a.num_layers, **options)
        self.head = torch.nn.Linear(a.directions * a.hidden_size, a.output_size)
        self.double()

    def states(self, state):
        """Convert states (L, S, H) to the form of PyTorch's layers."""
        states = tuple(part.contiguous() for part in state.unbind(1))
        return states if len(states) > 1 else states[0]

    def forward(self, x, state, n_outputs):
        """Outputs (n_outputs, O) after the last steps of one window x (T, I)."""
        return self.head(self.rnn(x, self.states(state))[0][-n_outputs:])


def flat(a, model, read, bias):
    """`read` of the parameters of `model`, in the order of theta; `bias` combines PyTorch's two biases."""
    theta = np.zeros(a.size)
    views = a.views(theta)
    for layer in range(a.num_layers):
        put_layer(views, f"layer{layer}", model.rnn, layer, read, bias)
        if a.bidirectional:
            put_layer(views, f"backward{layer}", model.rnn, f"{layer}_reverse", read, bias)
    views["head"][:] = np.column_stack([read(model.head.bias), read(model.head.weight)])
    return theta


def put_layer(views, name, rnn, layer, read, bias):
    """Write one layer of `rnn`, of PyTorch or of `cells`, to the layer `name` of theta's views."""
    if isinstance(rnn, Layers):
        own = rnn.layers[layer]
        views[f"{name}.product0"][:] = np.column_stack([read(own.input.weight), read(own.input.bias)])
        if own.recurrent is not None:
            views[f"{name}.product1"][:] = read(own.recurrent)
        return
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    W, U, b, c = (read(getattr(rnn, f"{part}_l{layer}")).numpy() for part in names)
    together, H = np.column_stack([W, bias(b, c), U]), U.shape[1]
    if f"{name}.product1" in views:  # PyTorch's order of the GRU is r, z, n
        views[f"{name}.product0"][:] = np.concatenate([together[H : 2 * H], together[:H]])
        views[f"{name}.product1"][:] = np.column_stack([W, b])[2 * H :]
        views[f"{name}.product2"][:] = np.column_stack([c, U])[2 * H :]
    else:
        views[f"{name}.product0"][:] = together


def parameters(a, model):
    return flat(a, model, lambda parameter: parameter.detach(), np.add)


def gradients(a, model):
    """Gradients of `model` in the order of theta; each of PyTorch's two biases has the gradient of their sum."""
    return flat(a, model, lambda parameter: parameter.grad, lambda b, c: b)


def leaf(array):
    return torch.tensor(array, dtype=torch.float64, requires_grad=True)


@every_cell
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("ragged", [False, True], ids=["full", "ragged"])
def test_network(name, layers, ragged):
    """PyTorch runs window by window, each from its own first step."""
    torch.manual_seed(layers)
    sizes = {"n_inputs": 2, "hidden": 5, "layers": layers, "block": 2, "context": 7, "n_outputs": 3, "lanes": 11}
    p = problem(CELLS[name], ragged=ragged, missing=True, **sizes)
    a, model = p.architecture, Model(p.architecture)
    result = run(p, BACKEND, theta=parameters(a, model))
    value, weight, leaves, outputs = 0.0, 0.0, [], []
    for lane in range(11):
        x, start, y, w = scaled(p, lane)
        x, state = leaf(x), leaf(p.state[..., lane])
        outputs.append(model(x[start:], state, 3))
        value = value + (torch.tensor(w) * (outputs[-1] - torch.tensor(np.nan_to_num(y))) ** 2).sum()
        weight += w.sum()
        leaves.append((x, state))
    loss = value / weight
    loss.backward()
    assert_allclose(result.outputs, torch.stack(outputs).detach().numpy(), **CLOSE)
    assert_allclose(result.loss, loss.item(), **CLOSE)
    assert_allclose(result.theta, gradients(a, model), **CLOSE)
    assert_allclose(result.x, np.stack([x.grad.numpy() for x, _ in leaves], axis=-1), **CLOSE)
    assert_allclose(result.state, np.stack([state.grad.numpy() for _, state in leaves], axis=-1), **CLOSE)


def of_two_directions(model, x, state, n_outputs):
    """Outputs (n_outputs, O) of one window: at each step, or one of the last states of both directions."""
    outputs, last = model.rnn(x, model.states(state))
    h = (last[0] if isinstance(last, tuple) else last)[-2:]
    return model.head(outputs if n_outputs > 1 else h.reshape(1, -1))


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("n_outputs", [1, 7])
def test_two_directions(name, layers, n_outputs):
    """PyTorch runs window by window; the steps before a window's first have no target."""
    torch.manual_seed(layers)
    sizes = {"n_inputs": 2, "hidden": 5, "layers": layers, "context": 8 - n_outputs, "n_outputs": n_outputs}
    p = problem(CELLS[name], ragged=n_outputs == 1, lanes=11, bidirectional=True, **sizes)
    a, model = p.architecture, Model(p.architecture)
    result = run(p, BACKEND, theta=parameters(a, model))
    value, weight, leaves = 0.0, 0.0, []
    for lane in range(11):
        x, start, y, w = scaled(p, lane)
        x, state = leaf(x), leaf(p.state[..., lane])
        outputs = of_two_directions(model, x[start:], state, n_outputs)
        assert_allclose(result.outputs[lane], outputs.detach().numpy(), **CLOSE)
        value, weight = value + (torch.tensor(w) * (outputs - torch.tensor(y)) ** 2).sum(), weight + w.sum()
        leaves.append((x, state))
    loss = value / weight
    loss.backward()
    assert_allclose(result.loss, loss.item(), **CLOSE)
    assert_allclose(result.theta, gradients(a, model), **CLOSE)
    assert_allclose(result.x, np.stack([x.grad.numpy() for x, _ in leaves], axis=-1), **CLOSE)
    assert_allclose(result.state, np.stack([state.grad.numpy() for _, state in leaves], axis=-1), **CLOSE)


@every_cell
def test_free_run(name):
    """With the same weights, a forecast equals a loop in PyTorch."""
    torch.manual_seed(0)
    p = problem(CELLS[name], n_inputs=2, hidden=4, layers=2, context=6, n_outputs=5, lanes=3)
    model = Model(p.architecture)
    result = run(p, BACKEND, theta=parameters(p.architecture, model), gradient=False, free_run=True)
    for lane in range(3):
        x, state = torch.tensor(scaled(p, lane)[0][:6]), model.states(torch.tensor(p.state[..., lane]))
        forecasts = []
        with torch.no_grad():
            for _ in range(5):
                h, state = model.rnn(x, state)
                forecasts.append(model.head(h[-1:]))
                x = forecasts[-1]
        assert_allclose(result.outputs[lane], torch.cat(forecasts).numpy(), **CLOSE)


@pytest.mark.parametrize("name", CELLS)
def test_gradcheck(name):
    """The kernels as a PyTorch function of inputs (lanes, T, I) and theta; both windows lie in one tile."""
    lanes = 2
    p = problem(CELLS[name], n_inputs=2, hidden=2, layers=2, lags=2, context=3, n_outputs=2, lanes=lanes)
    a, T = p.architecture, p.geometry.n_steps
    zero, one, start = np.zeros((lanes, 2)), np.ones((lanes, 2)), np.arange(lanes) * T
    windows = Windows(start, np.full(lanes, T), start, np.arange(lanes), Scales.of_table(zero, one, zero, one))

    class Kernels(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, theta):
            work = Network(a, "float64", BACKEND).workspace(
                p.geometry, lanes, loss=a.loss, gradient=True, input_gradient=True
            )
            series = x.detach().numpy().reshape(-1, 2)
            source = Source.upload(BACKEND, series, series, np.ones_like(series))
            ctx.work, ctx.theta = work, BACKEND.upload(theta.detach().numpy(), "float64")
            BACKEND.gather(work, source.series, windows, np.arange(lanes))
            BACKEND.forward(work, ctx.theta)
            return torch.tensor(BACKEND.outputs(work))

        @staticmethod
        def backward(ctx, d_outputs):
            dout = np.zeros_like(ctx.work.read("dout"))
            dout[0, ..., :lanes] = np.moveaxis(d_outputs.numpy(), 0, -1)
            set_array(ctx.work, "dout", dout)
            BACKEND.forward(ctx.work, ctx.theta)  # `backward` overwrites these; gradcheck calls it twice
            BACKEND.backward(ctx.work, ctx.theta)
            dx = np.moveaxis(to_lanes(ctx.work.read("dx"), (2, T), lanes), (0, 2), (2, 0))
            return torch.tensor(dx.copy()), torch.tensor(ctx.work.read("grad").sum(axis=0))

    x = np.stack([scaled(p, lane)[0] for lane in range(lanes)])
    assert torch.autograd.gradcheck(Kernels.apply, (leaf(x), leaf(p.theta)), eps=1e-6, atol=1e-8, rtol=1e-6)
