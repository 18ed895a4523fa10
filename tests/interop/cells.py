"""The cells that PyTorch does not have, in PyTorch: equations of their papers, as loops over steps. Imports no tsrnn.

What does not depend on the state, such as the products with the inputs, is computed for all steps at once.
"""

from __future__ import annotations

import torch
from torch.nn.functional import logsigmoid


class Layer(torch.nn.Module):
    """A layer of one of the cells: weights of the inputs (rows, I) with biases (rows,), and recurrent weights."""

    n_states = 1

    def __init__(self, n_inputs, rows, recurrent=None):
        super().__init__()
        self.input = torch.nn.Linear(n_inputs, rows)
        self.recurrent = None if recurrent is None else torch.nn.Parameter(torch.empty(recurrent).uniform_(-1, 1))


class MinGRU(Layer):
    """Feng et al. (2024), arXiv:2410.01201, section 3.1, the form without logarithms."""

    def __init__(self, n_inputs, hidden_size):
        super().__init__(n_inputs, 2 * hidden_size)

    def forward(self, x, h):
        """Outputs (T, ..., H) for inputs x (T, ..., I) after the state h (..., H), and the last states."""
        z, candidate = self.input(x).chunk(2, dim=-1)
        z = torch.sigmoid(z)
        outputs = []
        for kept, new in zip(1 - z, z * candidate, strict=True):
            h = torch.addcmul(new, kept, h)  # h = (1 - z) h' + z candidate
            outputs.append(h)
        return torch.stack(outputs), (h,)


class IndRNN(Layer):
    """Li et al. (2018), arXiv:1803.04831, eq. 2; recurrent weights (H,)."""

    def __init__(self, n_inputs, hidden_size, activation=torch.relu):
        super().__init__(n_inputs, hidden_size, (hidden_size,))
        self.activation = activation

    def forward(self, x, h):
        """Outputs (T, ..., H) for inputs x (T, ..., I) after the state h (..., H), and the last states."""
        outputs = []
        for a in self.input(x):
            h = self.activation(torch.addcmul(a, self.recurrent, h))  # h = activation(W x + b + u h')
            outputs.append(h)
        return torch.stack(outputs), (h,)


class SLSTM(Layer):
    """Beck et al. (2024), arXiv:2405.04517, section 2.2; recurrent weights (heads, 4 units of a head, units of a head).

    The stabiliser m is the paper's. Outside of `forward` the states are h, the cell state over the normaliser, and the
    logarithm of the normaliser without a stabiliser, neither of which depends on m.
    """

    n_states = 3

    def __init__(self, n_inputs, hidden_size, forget_gate="sigmoid", n_heads=1):
        size = hidden_size // n_heads
        super().__init__(n_inputs, 4 * hidden_size, (n_heads, 4 * size, size))
        self.log_forget = {"sigmoid": logsigmoid, "exp": lambda f: f}[forget_gate]

    def forward(self, x, h, c, m):
        """Outputs (T, ..., H) for inputs x (T, ..., I) after the states, (..., H) each, and the last states."""
        state_shape, (heads, _, size) = h.shape, self.recurrent.shape
        by_input = self.input(x).reshape(len(x), -1, 4, heads, size)
        by_input = by_input.permute(0, 3, 1, 2, 4).flatten(3)  # (T, heads, B, 4 units of a head)
        R = self.recurrent.transpose(1, 2)
        h, c, m = (state.reshape(-1, heads, size).transpose(0, 1) for state in (h, c, m))
        n = torch.ones_like(c)
        outputs = []
        for a in by_input:
            z, i, f, o = torch.baddbmm(a, h, R).chunk(4, dim=-1)
            kept = self.log_forget(f) + m
            m = torch.maximum(kept, i).detach()  # eq. 15; a constant, since neither h nor the states depend on it
            i, f = torch.exp(i - m), torch.exp(kept - m)  # eqs. 16 and 17
            c, n = f * c + i * torch.tanh(z), f * n + i  # eqs. 8 and 9
            h = torch.sigmoid(o) * c / n  # eq. 10
            outputs.append(h)
        last = (state.transpose(0, 1).reshape(state_shape) for state in (h, c / n, m + torch.log(n)))
        return torch.stack(outputs).transpose(1, 2).reshape(*x.shape[:-1], heads * size), tuple(last)


class Layers(torch.nn.Module):
    """Layers of the class `layer` above each other; called like `torch.nn.GRU` or, with several states, `LSTM`."""

    def __init__(self, layer, n_inputs, hidden_size, num_layers=1, **options):
        super().__init__()
        inputs = [n_inputs] + [hidden_size] * (num_layers - 1)
        self.layers = torch.nn.ModuleList([layer(size, hidden_size, **options) for size in inputs])
        self.n_states, self.hidden_size = layer.n_states, hidden_size

    def forward(self, x, states=None):
        """Outputs (T, ..., H) for x (T, ..., I), and the last states; each state is (layers, ..., H), zero if None."""
        if states is None:
            states = x.new_zeros(self.n_states, len(self.layers), *x.shape[1:-1], self.hidden_size)
        elif self.n_states == 1:
            states = (states,)
        last = []
        for layer, state in zip(self.layers, zip(*states, strict=True), strict=True):
            x, state = layer(x, *state)
            last.append(state)
        last = tuple(torch.stack(parts) for parts in zip(*last, strict=True))
        return x, last if self.n_states > 1 else last[0]
