"""Whether intervals hold what they say: the part of later values inside the 80 % and 95 % intervals.

    python -m tests.benchmarks.calibration [FOLDER] [--jobs shipped windows local global] [--models AR ...]

shipped: each forecaster is fitted once to the first part of a series; then the forecast is taken from each later step
in turn, with `update`, and compared with what came. A cell holds the coverage in per cent, over all origins and steps;
the last line is the mean over the sets that are about stationary. The other jobs read ``m4/Hourly-train.csv`` and
``m4/Hourly-test.csv`` of the M4 competition in FOLDER. local: the first series are fitted one by one, with 48 steps
ahead from origins that lie 24 apart in the training part. global: one network is fitted to all 414, and its intervals
are compared with the test part; a line for each day of the forecast, and one for both. windows: split intervals of 1000
random walks, by the number of windows, which overlap; for the first and the last of 12 steps, and for all.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

COVERAGE = np.array([0.8, 0.95])
#: Shipped data sets that are about stationary: what part of the rows is fitted to, the horizon, rows between origins.
STATIONARY = {
    "nile": (0.7, 4, 1),
    "elnino": (0.6, 12, 1),
    "sunspots": (0.6, 6, 1),
    "monthly_sunspots": (0.6, 12, 6),
    "lynx": (0.6, 4, 1),
}
#: One that is not: its level and its amplitude grow.
GROWING = {"air_passengers": (0.6, 12, 1)}


def models() -> dict[str, Callable[..., Any]]:
    """Makers of forecasters that take `horizon=`; a tail of half lets conformal networks speak of 95 %."""
    import tsrnn

    stopping = tsrnn.EarlyStopping(validation_size=0.5, refit_full=False)
    normally: dict[str, Any] = {"loss": "gaussian", "scaling": "standard", "random_state": 0}
    networks = {
        name: partial(make, early_stopping=stopping, random_state=0)
        for name, make in (("LSTM", tsrnn.LSTMForecaster), ("GRU", tsrnn.GRUForecaster))
    }

    def conformal(method: str, make: Callable[..., Any], horizon: int) -> Any:
        return tsrnn.ConformalForecaster(make(horizon=horizon), method=method)

    normal = partial(tsrnn.GRUForecaster, **normally)
    around = [("split", "AR", tsrnn.ARForecaster), ("cqr", "AR", tsrnn.ARForecaster)]
    around += [("split", "GRU", partial(tsrnn.GRUForecaster, random_state=0)), ("cqr", "normal GRU", normal)]
    return (
        {"AR": tsrnn.ARForecaster, "latent": tsrnn.LatentARForecaster}
        | networks
        | {f"{method}, {name}": partial(conformal, method, make) for method, name, make in around}
        | {
            f"normal, {strategy}": partial(tsrnn.LSTMForecaster, strategy=strategy, **normally)
            for strategy in ("direct", "recursive", "seq2seq")
        }
    )


def is_inside(bounds: pd.DataFrame, truth: np.ndarray) -> np.ndarray:
    """Whether each value of the truth (h,) lies in its interval of each coverage, (h, n_coverages)."""
    table = bounds.to_numpy().reshape(len(truth), len(COVERAGE), 2)
    return (table[:, :, 0] <= truth[:, None]) & (truth[:, None] <= table[:, :, 1])


def coverage(forecaster: Any, y: pd.Series, first: int, step: int) -> np.ndarray:
    """The part of the values after row `first` that lies in the intervals, for each coverage."""
    h, inside = forecaster.horizon, []
    forecaster.fit(y.iloc[:first])
    for origin in range(first, len(y) - h + 1, step):
        new = y.iloc[origin : origin + h].to_numpy()
        inside.append(is_inside(forecaster.predict_interval(h, COVERAGE), new)[~np.isnan(new)])
        forecaster.update(y.iloc[origin : origin + step])
    return np.concatenate(inside).mean(axis=0)


def report(name: str, found: dict[str, np.ndarray]) -> None:
    """One line."""
    cells = [f"{model} {100 * a:5.1f} {100 * b:5.1f}" for model, (a, b) in found.items()]
    print(f"{name:18}" + "   ".join(cells), flush=True)


def shipped(chosen: dict[str, Callable[..., Any]]) -> None:
    """A line for each shipped set, and the mean of the stationary ones."""
    from tsrnn import datasets

    found: dict[str, dict[str, np.ndarray]] = {}
    for name, (part, horizon, step) in (STATIONARY | GROWING).items():
        y: Any = datasets.load(name)
        first = int(part * len(y))
        found[name] = {m: coverage(make(horizon=horizon), y, first, step) for m, make in chosen.items()}
        report(name, found[name])
    report("mean, stationary", {m: np.mean([found[name][m] for name in STATIONARY], axis=0) for m in chosen})


def hourly(folder: Path, part: str, n_series: int | None = None) -> dict[str, pd.Series]:
    """The hourly series of the M4 competition, or the first of them."""
    rows = pd.read_csv(folder / "m4" / f"Hourly-{part}.csv", index_col=0).iloc[:n_series]
    of_series = {str(id): row.dropna().to_numpy(float) for id, row in rows.iterrows()}
    return {id: pd.Series(v, pd.date_range("2000-01-01", periods=len(v), freq="h")) for id, v in of_series.items()}


def local(chosen: dict[str, Callable[..., Any]], folder: Path, n_series: int) -> None:
    """One line for the first hourly series."""
    found: dict[str, list[np.ndarray]] = {m: [] for m in chosen}
    series = hourly(folder, "train", n_series)
    for y in series.values():
        for m, make in chosen.items():
            found[m].append(coverage(make(horizon=48), y, len(y) - 48 - 8 * 24, 24))
    report(f"M4 Hourly, {len(series)}", {m: np.mean(parts, axis=0) for m, parts in found.items()})


def of_panel(folder: Path) -> None:
    """One network for all hourly series: a line for each day of the forecast, and one for both."""
    from tsrnn import GRUForecaster

    forecaster = GRUForecaster(
        horizon=48, season_lengths=[24, 168], loss="mae", scaling="window", batch_size=256, random_state=0
    ).fit(hourly(folder, "train"))
    bounds = forecaster.predict_interval(48, COVERAGE)
    inside = np.stack([is_inside(bounds[id], y.to_numpy()) for id, y in hourly(folder, "test").items()])
    for day in range(2):
        report(f"M4 Hourly, day {day + 1}", {"GRU": inside[:, 24 * day : 24 * (day + 1)].mean(axis=(0, 1))})
    report(f"M4 Hourly, {len(inside)}", {"GRU": inside.mean(axis=(0, 1))})


def windows(n_series: int = 1000, horizon: int = 12) -> None:
    """A line for each number of windows, whose errors are dependent because the windows overlap."""
    from tsrnn import ConformalForecaster, NaiveForecaster

    for n in (19, 39, 79, 159):
        walks = np.cumsum(np.random.default_rng(0).normal(size=(n_series, n + 2 * horizon + 2)), axis=1)
        panel = {s: pd.Series(walk[:-horizon]) for s, walk in enumerate(walks)}
        forecaster = ConformalForecaster(NaiveForecaster(horizon=horizon), n_windows=n).fit(panel)
        table = forecaster.predict_interval(horizon, COVERAGE)
        inside = np.stack([is_inside(table[s], walk[-horizon:]) for s, walk in enumerate(walks)]).mean(axis=0)
        report(f"{n} windows", {"step 1": inside[0], f"step {horizon}": inside[-1], "all": inside.mean(axis=0)})


def main() -> None:
    """One table."""
    every = models()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="has m4/Hourly-train.csv and m4/Hourly-test.csv")
    parser.add_argument("--jobs", nargs="+", choices=["shipped", "windows", "local", "global"], default=["shipped"])
    parser.add_argument("--models", nargs="+", choices=list(every), default=list(every))
    parser.add_argument("--series", type=int, default=50, help="how many series the job local fits")
    args = parser.parse_args()
    if args.folder is None and {"local", "global"} & set(args.jobs):
        parser.error("--jobs local and global read the M4 competition's files; name their FOLDER")
    chosen = {name: every[name] for name in args.models}
    print(f"{'':18}coverage of the {' and '.join(f'{100 * c:.0f} %' for c in COVERAGE)} intervals", flush=True)
    for job in args.jobs:
        if job == "shipped":
            shipped(chosen)
        elif job == "windows":
            windows()
        elif job == "local":
            local(chosen, args.folder, args.series)
        else:
            of_panel(args.folder)


if __name__ == "__main__":
    main()
