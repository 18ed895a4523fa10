"""`fit` of an LSTM on the air passengers, 500 updates, and the same job written in PyTorch, timed alternating.

    python -m tests.benchmarks.fit [--repeats 7]

Context 24, horizon 12, hidden 32, batch 32, no validation, kernels warm. Both sides go from the series to a trained
network, over the same windows in as many batches, with Adam and clipping; ours has its linear skip besides.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from .kernels import alternate, wake_torch
from .measure import JOB, N_UPDATES, STRATEGIES, has_torch, line

GOAL = 0.25


def fit_ours(y: Any, strategy: str) -> Any:
    """The fitted forecaster."""
    from tsrnn import LSTMForecaster

    forecaster = LSTMForecaster(**JOB, strategy=strategy).fit(y)
    assert forecaster.n_updates_ == N_UPDATES, forecaster.n_updates_
    return forecaster


def fit_torch(y: Any, strategy: str) -> float:
    """The same by hand; the last loss."""
    import torch

    torch.manual_seed(0)
    context, horizon, hidden = JOB["context_length"], JOB["horizon"], JOB["hidden_size"]
    values = ((y - y.mean()) / y.std(ddof=0)).to_numpy(np.float32)
    cut = torch.from_numpy(values).unfold(0, context + horizon, 1).T  # (steps, windows)
    recursive = strategy == "recursive"
    x, targets = cut[: -1 if recursive else context, :, None].contiguous(), cut[context:].contiguous()
    lstm, head = torch.nn.LSTM(1, hidden), torch.nn.Linear(hidden, 1 if recursive else horizon)
    parameters = [*lstm.parameters(), *head.parameters()]
    adam = torch.optim.Adam(parameters, lr=0.003, fused=True)
    updates = 0
    for _ in range(JOB["max_epochs"]):
        for batch in torch.randperm(x.shape[1]).split(JOB["batch_size"]):
            h = lstm(x[:, batch])[0]
            outputs = head(h[-horizon:])[:, :, 0] if recursive else head(h[-1]).T
            loss = torch.nn.functional.mse_loss(outputs, targets[:, batch])
            adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            adam.step()
            updates += 1
    assert updates == N_UPDATES, updates
    return float(loss.detach())


def main() -> None:
    """Both strategies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    import numba

    from tsrnn.datasets import load_air_passengers

    y, torch_too = load_air_passengers(), has_torch()
    if torch_too:
        wake_torch(numba.get_num_threads())
    for strategy in STRATEGIES:
        functions = {"ours": lambda s=strategy: fit_ours(y, s)}
        if torch_too:
            functions["torch"] = lambda s=strategy: fit_torch(y, s)
        seconds = alternate(functions, args.repeats)
        ratio = f"PyTorch {seconds['torch']:.3f} s, ratio {seconds['torch'] / seconds['ours']:.2f}" if torch_too else ""
        line(f"fit, {strategy}, {N_UPDATES} updates", seconds["ours"], "s", GOAL, ratio)


if __name__ == "__main__":
    main()
