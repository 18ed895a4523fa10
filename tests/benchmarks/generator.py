"""`SequenceGenerator` on damped waves of given amplitude and frequency: R² on unseen ones, and the how-to's picture.

    python -m tests.benchmarks.generator [--picture docs/pictures/generated.svg]

300 waves of 60 steps train, with a noise of deviation 0.1 or without noise; the forecasts of 200 other vectors are
compared with their waves without noise. All arguments but loss, learning rate, early stopping and seed are defaults.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Any

import numpy as np

from .measure import line, machine

N_STEPS, NOISE = 60, 0.1
LOSSES, RATES, SEEDS = ("mse", "mae", "gaussian"), (0.003, 0.01), (0, 1)


def vectors(n: int, rng: np.random.Generator) -> np.ndarray:
    """Amplitudes and frequencies, (n, 2)."""
    return np.column_stack([rng.uniform(0.5, 2, n), rng.uniform(0.15, 0.5, n)])


def waves(X: np.ndarray, n_steps: int = N_STEPS) -> np.ndarray:
    """The damped waves of these vectors, (n, n_steps)."""
    steps = np.arange(n_steps)
    return X[:, :1] * np.exp(-steps / 30) * np.sin(X[:, 1:] * steps)


def fitted(noise: float, **options: Any) -> tuple[Any, np.random.Generator]:
    """A generator that was fitted to 300 waves, and the random numbers after them."""
    from tsrnn import SequenceGenerator

    rng = np.random.default_rng(0)
    X = vectors(300, rng)
    return SequenceGenerator(**options).fit(X, waves(X) + rng.normal(0, noise, (300, N_STEPS))), rng


def draw(path: Path) -> None:
    """Draw four waves with their forecasts and sampled paths, 30 steps beyond those of the training."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "tsrnn"  # equal files for equal curves
    from matplotlib import pyplot

    generator, _ = fitted(NOISE, loss="gaussian", early_stopping=True, random_state=0)
    X, steps = np.array([[0.7, 0.45], [1.0, 0.2], [1.5, 0.4], [1.9, 0.25]]), np.arange(90)
    points, paths = generator.predict(X, 90), generator.sample(X, 300, 90, random_state=0)
    bounds = np.quantile(paths, [0.05, 0.95], axis=2)
    figure, axes = pyplot.subplots(2, 2, figsize=(10, 5), sharex=True, sharey=True, layout="constrained")
    for i, ax in enumerate(axes.flat):
        ax.fill_between(steps, *bounds[:, i], color="C1", alpha=0.25, label="90 % of 300 sampled paths")
        ax.plot(steps, waves(X, 90)[i], color="black", label="the wave, without noise")
        ax.plot(steps, points[i], "--", color="C1", label="point forecast")
        ax.axvline(N_STEPS - 0.5, color="gray", linewidth=0.8, linestyle=":")
        ax.set_title(f"amplitude {X[i, 0]:g}, frequency {X[i, 1]:g}")
    for ax in axes[1]:
        ax.set_xlabel(f"step (training: {N_STEPS} steps, left of the dotted line)")
    axes[0, 1].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    """Print a line for each noise, loss and learning rate, with early stopping and without it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, help="draw the picture to this file, and measure nothing")
    args = parser.parse_args()
    if args.picture:
        draw(args.picture)
        return
    print(machine(), flush=True)
    for noise, stops, loss, rate in itertools.product((NOISE, 0.0), (True, False), LOSSES, RATES):
        scores = []
        for seed in SEEDS:
            options = {"loss": loss, "learning_rate": rate, "early_stopping": stops, "random_state": seed}
            generator, rng = fitted(noise, **options)
            X = vectors(200, rng)
            scores.append(generator.score(X, waves(X)))
        what = f"noise {noise:g}, {loss}, rate {rate:g}, {'with' if stops else 'without'} early stopping"
        line(what, min(scores), "R²", note=f"the other seed {max(scores):.3f}")


if __name__ == "__main__":
    main()
