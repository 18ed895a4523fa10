"""A training step of encoder and decoder against the same model in PyTorch, timed alternating.

    python -m tests.benchmarks.decoder [--threads 2]

Both decode freely, from forecast to forecast, and take the exact gradient. The losses are compared first.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from .kernels import alternate, wake_torch
from .measure import has_torch

#: Batch, steps of the context, steps of the horizon, hidden size, repeats.
SHAPES = ((32, 24, 12, 32, 40), (64, 96, 24, 64, 15), (128, 168, 24, 64, 7))
CELLS = ("lstm", "gru")


def build_ours(name: str, shape: tuple[int, ...], attention: str | None, x: np.ndarray) -> Any:
    """Parameters by name, and a function that trains on the windows x (B, n + m) and returns the loss."""
    from tsrnn.cells.gru import GRU
    from tsrnn.cells.lstm import LSTM
    from tsrnn.data.scaling import Scales
    from tsrnn.data.windows import Geometry, Windows
    from tsrnn.losses.squared import MSE
    from tsrnn.networks.architecture import Architecture, Decoder
    from tsrnn.networks.network import Network, Source

    B, n, m, H = shape[:4]
    cell, decoder = {"lstm": LSTM, "gru": GRU}[name], Decoder(attention=attention)
    network = Network(Architecture(cell, 1, 1, 1, MSE, H, decoder=decoder), "float32")
    theta = network.architecture.initialise(np.random.default_rng(0))
    T, rows = n + m - 1, np.arange(B)
    series = x.reshape(-1, 1).astype(np.float64)
    work = network.workspace(Geometry(n, n_outputs=m), B, loss=MSE, gradient=True)
    source = Source.upload(network.backend, series, series, np.ones_like(series))
    zero, one = np.zeros((B, 1)), np.ones((B, 1))
    windows = Windows(rows * (T + 1), np.full(B, T), rows * (T + 1) + n, rows, Scales.of_table(zero, one, zero, one))
    network.backend.gather(work, source.series, windows, rows)
    network.backend.gather_targets(work, source.targets, source.observed, windows, rows)
    handle = network.backend.upload(theta, "float32")

    def run() -> float:
        network.backend.train(work, handle, MSE, free_run=1.0)
        value, weight = network.backend.take_total(work)
        return value / weight

    return network.architecture.views(theta), run


def build_torch(name: str, shape: tuple[int, ...], attention: str | None, x: np.ndarray, views: dict) -> Any:
    """The same in PyTorch."""
    import torch

    B, n, m, H = shape[:4]
    make = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[name]
    encoder, decoder = make(1, H), make(2, H)
    sizes = {"head": (1, True), "context": (1, False), "query": (H, True), "key": (H, False), "energy": (1, False)}
    layers = {part: torch.nn.Linear(H, size, bias=bias) for part, (size, bias) in sizes.items()}
    parts = torch.nn.ModuleDict(layers)
    with torch.no_grad():
        for ours, theirs in (("layer0", encoder), ("decoder0", decoder)):
            copy_layer(name, ours, theirs, views)
        for part, layer in parts.items():
            if part in views:
                weights = torch.tensor(views[part], dtype=torch.float32)
                layer.weight.copy_(weights[:, -H:])
                if layer.bias is not None:
                    layer.bias.copy_(weights[:, 0])
    truth = torch.tensor(x, dtype=torch.float32).T[..., None].contiguous()  # (T + 1, B, 1)
    flags = [torch.full((1, B, 1), float(k == 0)) for k in range(m)]

    def run() -> float:
        for module in (encoder, decoder, parts):
            module.zero_grad()
        encoded, state = encoder(truth[:n])
        keys = parts["key"](encoded) if attention else None
        before, total = truth[n - 1 : n], torch.zeros(())
        for k in range(m):
            h, state = decoder(torch.cat([before, flags[k]], dim=2), state)
            before = parts["head"](h)
            if attention:
                weights = torch.softmax(parts["energy"](torch.tanh(parts["query"](h) + keys)), dim=0)
                before = before + parts["context"]((weights * encoded).sum(dim=0, keepdim=True))
            total = total + ((before[0] - truth[n + k]) ** 2).mean()
        loss = total / m
        loss.backward()
        return loss.item()

    return run


def copy_layer(name: str, ours: str, theirs: Any, views: dict) -> None:
    """One layer's weights, [x; 1; h] in each product of ours; z, r, n are r, z, n there."""
    import torch

    H = theirs.hidden_size
    I = theirs.input_size
    if name == "lstm":
        W = views[f"{ours}.product0"]
        x, bias, h, other = W[:, :I], W[:, I], W[:, I + 1 :], np.zeros(4 * H)
    else:
        zr, by_x, by_h = (views[f"{ours}.product{k}"] for k in range(3))
        rz = np.concatenate([zr[H:], zr[:H]])
        x = np.concatenate([rz[:, :I], by_x[:, :I]])
        bias = np.concatenate([rz[:, I], by_x[:, I]])
        h = np.concatenate([rz[:, I + 1 :], by_h[:, 1:]])
        other = np.concatenate([np.zeros(2 * H), by_h[:, 0]])
    for part, values in (("weight_ih", x), ("weight_hh", h), ("bias_ih", bias), ("bias_hh", other)):
        getattr(theirs, f"{part}_l0").copy_(torch.tensor(values))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    threads = parser.parse_args().threads
    if not has_torch():
        return
    wake_torch(threads)
    import numba

    from tsrnn.kernels.threads import single_threaded_blas

    numba.set_num_threads(threads)
    print("| cell, attention | batch, context, horizon, hidden | ours, ms | PyTorch / ours |\n|---|---|---|---|")
    ratios = []
    for name in CELLS:
        for attention in (None, "additive"):
            for shape in SHAPES:
                x = np.random.default_rng(0).normal(size=(shape[0], shape[1] + shape[2])).cumsum(axis=1) / 10
                views, ours = build_ours(name, shape, attention, x)
                theirs = build_torch(name, shape, attention, x, views)
                np.testing.assert_allclose(ours(), theirs(), rtol=1e-3)
                with single_threaded_blas():
                    seconds = alternate({"ours": ours, "torch": theirs}, shape[4])
                ratios.append(seconds["torch"] / seconds["ours"])
                sizes = ", ".join(map(str, shape[:4]))
                print(f"| {name}, {attention} | {sizes} | {1e3 * seconds['ours']:.2f} | {ratios[-1]:.1f} |", flush=True)
    print(f"| geometric mean | | | {np.exp(np.mean(np.log(ratios))):.2f} |")


if __name__ == "__main__":
    main()
