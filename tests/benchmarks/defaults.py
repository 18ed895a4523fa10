"""What the defaults of `missing=` and `multivariate=` rest on: errors of a GRU with each of their values.

    python -m tests.benchmarks.defaults FOLDER [--jobs missing multivariate]

The loss is the squared error. The errors are mean MASE over five origins, refitted at each, as in
`tests.benchmarks.series`, which tells what FOLDER holds. **missing**: of each series 15 % of the training rows are made
missing, in runs of one season, at random. **multivariate**: wide frames, the columns together or each by itself:
macroeconomic quarters (12 columns), passengers in Madrid (5), sales (3), and the first 5000 hours of ETTh1 and ETTh2
(7).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import tsrnn
from tsrnn import datasets

from .series import GROUPS, HORIZONS, SEASONS

N_ORIGINS = 5


def with_gaps(y: pd.Series, season: int, seed: int) -> pd.Series:
    """The series without 15 % of its values, in runs of a season, and of four where there is none."""
    rng, length, values = np.random.default_rng(seed), max(season, 4), y.to_numpy(float, copy=True)
    for _ in range(max(1, int(0.15 * len(y) / length))):
        start = rng.integers(length, len(y) - length)
        values[start : start + length] = np.nan
    return pd.Series(values, y.index)


def error(
    y: Any, season: int, horizon: int, *, X: Any = None, gaps: bool = False, seed: int = 0, **options: Any
) -> float:
    """Mean MASE over origins and columns of a GRU with these options; X are covariates known in the future."""
    errors = []
    for k in range(N_ORIGINS, 0, -1):
        end = len(y) - k * horizon
        train, test = y.iloc[:end], y.iloc[end : end + horizon].to_numpy()
        values = train.to_numpy(float)
        scale = np.nanmean(np.abs(values[season:] - values[:-season]), axis=0)
        known, ahead = ((), horizon) if X is None else ((X.iloc[:end],), X.iloc[end : end + horizon])
        model = tsrnn.GRUForecaster(horizon=horizon, random_state=seed, **options)
        forecast = model.fit(*known, with_gaps(train, season, k) if gaps else train).predict(ahead).to_numpy()
        errors.append(np.mean(np.nanmean(np.abs(forecast - test), axis=0) / scale))
    return float(np.mean(errors))


def frames(folder: Path) -> Iterator[tuple[str, pd.DataFrame, int]]:
    """Names of wide frames, the frames, and their horizons."""
    yield "macrodata", datasets.load_macrodata(), 8
    for name in ("madrid_transport", "items_sales"):
        yield name, pd.read_csv(folder / "dev" / f"{name}.csv", index_col=0, parse_dates=True).asfreq("D"), 14
    for name in ("ETTh1", "ETTh2"):
        yield name, pd.read_csv(folder / f"{name}.csv", index_col=0, parse_dates=True).asfreq("h").iloc[:5000], 48


def compare(name: str, found: dict[str, float]) -> float:
    """Print the errors with two values of an argument; return their ratio."""
    first, second = found.values()
    print(f"{name:36s}" + "".join(f" {value} {e:.3f}" for value, e in found.items()) + f"   {second / first:.3f}")
    return second / first


def main() -> None:
    """Print a line for each series or frame, and the geometric mean of the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", nargs="+", default=["missing", "multivariate"], choices=["missing", "multivariate"])
    args = parser.parse_args()
    for job in args.jobs:
        ratios = []
        if job == "missing":
            for name, y in (pair for group in GROUPS.values() for pair in group(args.folder)):
                letter = y.index.freqstr[0]
                sizes = SEASONS[letter], HORIZONS[letter]
                ways = {
                    m: error(y, *sizes, gaps=True, loss="mse", scaling="last", missing=m) for m in ("carry", "decay")
                }
                ratios.append(compare(name, ways))
        else:
            for name, frame, horizon in frames(args.folder):
                season = SEASONS[frame.index.freqstr[0]]
                for scaling in ("standard", "last"):
                    ways = {
                        m: error(frame, season, horizon, loss="mse", scaling=scaling, multivariate=m)
                        for m in ("joint", "independent")
                    }
                    ratios.append(compare(f"{name}, scaling={scaling!r}", ways))
        better = sum(ratio < 1 for ratio in ratios)
        mean = np.exp(np.mean(np.log(ratios)))
        print(f"{job}: geometric mean of the ratios {mean:.3f}, the second is better in {better} of {len(ratios)}")


if __name__ == "__main__":
    main()
