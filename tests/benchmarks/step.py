"""One training step of the engine over the bare kernels' forward and backward, for an LSTM, timed alternating.

    python -m tests.benchmarks.step [--repeats 400]

A step is what a fit does with one batch: gather, forward, head and skip, loss, backward, clipping, update. The bare
kernels are those of `tests.benchmarks.kernels`: one output, no skip, and neither loss nor update. Beside them stand
forward and backward of the step's own network, whose head and skip are the strategy's.
"""

from __future__ import annotations

import argparse

import numpy as np

from .kernels import alternate, build_ours
from .measure import STRATEGIES, line

B, T, H, HORIZON = 32, 24, 32, 12


def build_stepper(strategy: str) -> object:
    """What trains an LSTM on windows of T steps of a random walk, as the forecasters' defaults have it."""
    from tsrnn.cells.lstm import LSTM
    from tsrnn.data.panel import Panel
    from tsrnn.data.scaling import PanelScaling
    from tsrnn.data.windows import Geometry, Windows
    from tsrnn.losses.squared import MSE
    from tsrnn.networks.architecture import Architecture
    from tsrnn.networks.network import Network, Source
    from tsrnn.training.loop import Adam, Settings, _Stepper

    recursive = strategy == "recursive"
    geometry = Geometry(T - HORIZON + 1, n_outputs=HORIZON) if recursive else Geometry(T, block=HORIZON)
    rng = np.random.default_rng(0)
    series = rng.standard_normal((200, 1)).cumsum(axis=0)
    observed = np.ones(series.shape, bool)
    panel = Panel.of_one(series)
    windows = Windows.of_panel(panel, PanelScaling.fit("standard", panel), geometry).take(np.arange(150))
    architecture = Architecture(LSTM, 1, 1, geometry.block, MSE, hidden_size=H, lags=geometry.context)
    network = Network(architecture)
    theta = network.backend.upload(network.architecture.initialise(rng), network.dtype)
    source = Source.upload(network.backend, series, series, observed)
    settings = Settings(Adam(), learning_rate=0.003, batch_size=B, max_epochs=1)
    return _Stepper(network, theta, source, windows, geometry, settings, seed=0)


def compare(strategy: str, repeats: int) -> None:
    """Time one strategy's step, print its lines."""
    trained, still = build_stepper(strategy), build_stepper(strategy)
    batch = np.random.default_rng(0).permutation(150)[:B]
    x = np.random.default_rng(0).standard_normal((B, T, 1)).astype(np.float32)

    ((work, windows),) = still.buckets

    def step() -> None:
        trained._update(*trained.buckets[0], batch, 0)

    def same() -> None:
        still.network.backend.forward(work, still.theta)
        still.network.backend.backward(work, still.theta)

    still._update(work, windows, batch, 0)  # fills the workspace
    assert work.layout.shape.n_steps == T
    bare = build_ours(still.network.architecture.cell, (B, T, 1, H), x, last=strategy == "direct")[2]
    seconds = alternate({"step": step, "bare": bare, "same": same}, repeats)
    milliseconds = ", ".join(f"{name} {1e3 * value:.3f} ms" for name, value in seconds.items())
    line(f"step over bare kernels, {strategy}", seconds["step"] / seconds["bare"], "", 1.5, milliseconds)
    line(f"step over its own network, {strategy}", seconds["step"] / seconds["same"], "")


def main() -> None:
    """Both strategies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=400)
    args = parser.parse_args()
    from tsrnn.kernels import get_backend

    with get_backend("cpu").session():
        for strategy in STRATEGIES:
            compare(strategy, args.repeats)


if __name__ == "__main__":
    main()
