"""The likelihood of a state-space model: the compiled filter against statsmodels', called from Python on one model.

    python -m tests.benchmarks.kalman [--steps 2000] [--states 4]

Both filter the same series with the same matrices, the likelihoods are compared first, and both are timed in turn.
"""

from __future__ import annotations

import argparse

import numpy as np
from statsmodels.tsa.statespace.kalman_filter import KalmanFilter

from tsrnn.linear.statespace import StateSpace, filter_states, smooth_states

from .kernels import alternate
from .measure import line


def main() -> None:
    """Filter alone, and filter with smoother."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--states", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=30)
    args = parser.parse_args()
    T, n = args.steps, args.states
    rng = np.random.default_rng(0)
    A = rng.normal(size=(n, n))
    model = StateSpace(
        A=0.95 * A / np.abs(np.linalg.eigvals(A)).max(), B=np.empty((n, 0)), C=rng.normal(size=(1, n)),
        D=np.empty((1, 0)), d=np.zeros(1), Q=np.eye(n), R=np.ones(1), m0=np.zeros(n), P0=np.eye(n),
        level=np.zeros(1), scale=np.ones(1), centre=np.empty(0), width=np.empty(0),
    )  # fmt: skip
    y, observed, u = rng.normal(size=(T, 1)), np.ones((T, 1), bool), np.empty((T, 0))
    peer = KalmanFilter(1, n)
    peer.bind(y.copy())
    peer["design"], peer["transition"], peer["selection"] = model.C, model.A, np.eye(n)
    peer["state_cov"], peer["obs_cov"] = model.Q, np.eye(1)
    peer.initialize_known(model.m0, model.P0)
    np.testing.assert_allclose(filter_states(model, y, observed, u).loglike, peer.filter().llf, rtol=1e-8)
    seconds = alternate(
        {
            "ours": lambda: filter_states(model, y, observed, u),
            "peer": peer.filter,
            "peer's likelihood alone": peer.loglike,
            "with smoother": lambda: smooth_states(model, filter_states(model, y, observed, u)),
        },
        args.repeats,
    )
    note = ", ".join(f"{name} {1e3 * value:.2f} ms" for name, value in seconds.items())
    line(f"statsmodels' filter over ours, {T} steps, {n} states", seconds["peer"] / seconds["ours"], "", None, note)
    line("statsmodels' likelihood over ours", seconds["peer's likelihood alone"] / seconds["ours"], "")


if __name__ == "__main__":
    main()
