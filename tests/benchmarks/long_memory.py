"""Two tasks that need a long memory: LSTM, GRU and tanh RNN with the same number of updates, and the page's picture.

    python -m tests.benchmarks.long_memory [--updates 20000] [--picture docs/pictures/long_memory.svg]

**Adding** (Hochreiter & Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735, section 5.4; here in the form of Arjovsky,
Shah & Bengio 2016, arXiv:1511.06464): each of 100 steps has a uniform random number and a mark, which is 1 at one step
of the first half and at one of the second. The target is the sum of the two marked numbers. The constant 1 has the mean
squared error 1/6.

**Copying** (as in the second of these papers): 5 symbols out of 8, 20 blank steps, a signal, and 4 more blank steps. At
the signal and the steps after it, the symbols are to be named in their order. Chance names 1/8 of them. A network
without a decoder reads a one-hot vector of 10 at each step, and has a softmax over the 8 symbols at each of the last 5.

One layer of 64 units and batches of 32. Each epoch goes over the same 16,000 sequences in 500 updates, and is judged by
1,000 others, by which the best epoch is kept; 2,000 further ones give the figures at the end.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .measure import line, machine

CELLS = ("LSTM", "GRU", "RNN")
HIDDEN, BATCH, N_TRAIN, N_JUDGE, N_TEST = 64, 32, 16_000, 1_000, 2_000
UPDATES_OF_EPOCH = N_TRAIN // BATCH
LEARNING_RATE = 0.003  # the default of the regressors
N_STEPS, GOAL = 100, 0.01
N_SYMBOLS, LENGTH, GAP = 8, 5, 20


@dataclass
class Curve:
    """Errors of one cell before training and after each epoch, over 1,000 sequences; the figure of the test ones."""

    cell: str
    errors: np.ndarray
    at_the_end: float
    seconds: float


# ---------------------------------------------------------------- adding
def adding(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and marks (n, N_STEPS, 2), and the sums of the marked numbers (n,)."""
    X, rows = np.zeros((n, N_STEPS, 2)), np.arange(n)
    X[:, :, 0] = rng.uniform(size=(n, N_STEPS))
    first, second = rng.integers(0, N_STEPS // 2, n), rng.integers(N_STEPS // 2, N_STEPS, n)
    X[rows, first, 1] = X[rows, second, 1] = 1
    return X, X[rows, first, 0] + X[rows, second, 0]


def learn_adding(cell: str, n_epochs: int) -> Curve:
    """Mean squared errors of a regressor."""
    import tsrnn

    rng = np.random.default_rng(0)
    X, y = adding(N_TRAIN + N_JUDGE, rng)
    regressor = getattr(tsrnn, f"{cell}Regressor")(
        hidden_size=HIDDEN,
        batch_size=BATCH,
        max_epochs=n_epochs,
        learning_rate=LEARNING_RATE,
        early_stopping=tsrnn.EarlyStopping(patience=n_epochs, validation_size=N_JUDGE, refit_full=False),
        random_state=0,
    )
    started = time.perf_counter()
    regressor.fit(X, y)
    seconds = time.perf_counter() - started
    assert regressor.n_updates_ == n_epochs * UPDATES_OF_EPOCH
    errors = regressor.validation_curve_ * regressor.outputs_.scale[0, 0] ** 2
    X, y = adding(N_TEST, rng)
    return Curve(cell, errors, float(np.mean((regressor.predict(X) - y) ** 2)), seconds)


# ---------------------------------------------------------------- copying
def copying(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """One-hot inputs (n, 2 LENGTH + GAP, N_SYMBOLS + 2), and the symbols (n, LENGTH)."""
    symbols = rng.integers(0, N_SYMBOLS, (n, LENGTH))
    codes = np.full((n, 2 * LENGTH + GAP), N_SYMBOLS)  # blank
    codes[:, :LENGTH], codes[:, LENGTH + GAP] = symbols, N_SYMBOLS + 1
    return np.eye(N_SYMBOLS + 2)[codes], symbols


def learn_copying(cell: str, n_epochs: int) -> Curve:
    """Cross-entropies of a network whose last `LENGTH` steps have an output each; at the end the accuracy."""
    from tsrnn.cells.registry import family
    from tsrnn.data.scaling import Scales
    from tsrnn.data.windows import Geometry, Windows
    from tsrnn.losses.cross_entropy import CrossEntropy
    from tsrnn.networks.architecture import Architecture
    from tsrnn.networks.network import Network, Source
    from tsrnn.training.loop import Validation, minimise, warm_up
    from tsrnn.training.options import Adam, EarlyStopping, Settings

    n, n_steps, n_inputs = N_TRAIN + N_JUDGE + N_TEST, 2 * LENGTH + GAP, N_SYMBOLS + 2
    X, symbols = copying(n, np.random.default_rng(0))
    loss, geometry = CrossEntropy(N_SYMBOLS), Geometry(n_steps - LENGTH + 1, n_outputs=LENGTH)
    network = Network(Architecture(family(cell).make(), n_inputs, 1, 1, loss, hidden_size=HIDDEN), n_lanes=BATCH)
    zero, one = np.zeros((1, n_inputs)), np.ones((1, n_inputs))
    scales, rows = Scales.of_table(zero, one, zero[:, :1], one[:, :1]), np.arange(n)
    windows = Windows(n_steps * rows, np.full(n, n_steps), LENGTH * rows, np.zeros(n, np.int64), scales)
    targets = symbols.reshape(-1, 1).astype(np.float64)
    train, judge, test = np.split(rows, [N_TRAIN, N_TRAIN + N_JUDGE])
    settings = Settings(Adam(), learning_rate=LEARNING_RATE, batch_size=BATCH, max_epochs=n_epochs)
    warm_up(network, geometry, BATCH)
    started = time.perf_counter()
    with network.backend.session():
        source = Source.upload(network.backend, X.reshape(-1, n_inputs), targets, np.ones(targets.shape))
        validation = Validation(source, windows.take(judge), geometry, EarlyStopping(patience=n_epochs))
        theta = network.architecture.initialise(np.random.default_rng(0))
        training = minimise(
            network, theta, source, windows.take(train), geometry, settings, seed=0, validation=validation
        )
        seconds = time.perf_counter() - started
        handle = network.backend.upload(training.theta, network.dtype)
        logits = network.predict(handle, source, windows.take(test), geometry, free_run=False)[:, :, 0, 0]
    accuracy = float(np.mean(logits.argmax(axis=-1) == symbols[test]))
    return Curve(cell, np.array(training.validation_curve), accuracy, seconds)


# ---------------------------------------------------------------- results
def first_below(errors: np.ndarray, goal: float) -> str:
    """After how many updates the errors of the epochs are below a goal for the first time, in words."""
    below = np.flatnonzero(errors < goal)
    return f"below {goal:g} after {below[0] * UPDATES_OF_EPOCH:,} updates" if len(below) else f"never below {goal:g}"


def draw(curves: dict[str, list[Curve]], path: Path) -> None:
    """The picture of the page: the errors of each task against the number of updates."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "tsrnn"  # equal files for equal curves
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    panels = (
        ("adding", f"Adding, {N_STEPS} steps", "mean squared error", {"the constant 1": 1 / 6, "goal": GOAL}),
        ("copying", f"Copying over {GAP} steps", "cross-entropy of a symbol (nats)", {"chance": np.log(N_SYMBOLS)}),
    )
    for ax, (task, title, label, levels) in zip(axes, panels, strict=True):
        for curve, style in zip(curves[task], ("-", "--", "-."), strict=True):
            updates = np.arange(len(curve.errors)) * UPDATES_OF_EPOCH
            ax.plot(updates, curve.errors, style, label="tanh RNN" if curve.cell == "RNN" else curve.cell)
        for name, level in levels.items():
            ax.axhline(level, color="black", linewidth=0.8, linestyle=":")
            ax.annotate(name, (updates[-1], level), xytext=(-4, 4), textcoords="offset points", ha="right")
        ax.set(title=title, xlabel=f"updates of {BATCH} sequences", ylabel=label, yscale="log", xlim=(0, updates[-1]))
        ax.set_ylim(top=4 * max(levels.values()))
        ax.locator_params(axis="x", nbins=4)
        ax.xaxis.set_major_formatter("{x:,.0f}")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    """Both tasks by all cells; a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=20_000)
    parser.add_argument("--picture", type=Path, help="file to draw the curves to")
    args = parser.parse_args()
    print(machine(), flush=True)
    n_epochs = -(-args.updates // UPDATES_OF_EPOCH)
    curves: dict[str, list[Curve]] = {"adding": [], "copying": []}
    for cell in CELLS:
        found = learn_adding(cell, n_epochs)
        goal = GOAL if cell != "RNN" else None
        note = f"{found.at_the_end:.1e}; {first_below(found.errors, GOAL)}, {found.seconds:.0f} s"
        line(f"adding, {cell}: mean squared error", found.at_the_end, "", goal, note)
        curves["adding"].append(found)
    for cell in CELLS:
        found = learn_copying(cell, n_epochs)
        note = f"cross-entropy {first_below(found.errors, 0.01)}, {found.seconds:.0f} s"
        line(f"copying, {cell}: accuracy", found.at_the_end, "", note=note)
        curves["copying"].append(found)
    if args.picture:
        draw(curves, args.picture)


if __name__ == "__main__":
    main()
