"""Whether intervals hold what they say: the part of later values inside the 80 % and 95 % intervals.

    python -m tests.benchmarks.calibration [--m4 Hourly-train.csv] [--series 50]

Each forecaster is fitted once to the first part of a series; then the forecast is taken from each later step in turn,
with `update`, and compared with what came. A cell holds the coverage in per cent, over all origins and steps. Of the
M4 competition's hourly series, whose file is not part of the repository, the first ones are fitted one by one, with 48
steps ahead from origins that lie 24 apart.
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
#: Shipped data sets: what part of the rows is fitted to, and the horizon.
SETS = {"nile": (0.7, 4), "elnino": (0.6, 12), "sunspots": (0.6, 6), "air_passengers": (0.6, 12)}


def models() -> dict[str, Callable[..., Any]]:
    """Makers of forecasters that take `horizon=`; a tail of half lets conformal networks speak of 95 %."""
    from tsrnn import ARForecaster, EarlyStopping, LatentARForecaster, LSTMForecaster

    stopping = EarlyStopping(validation_size=0.5, refit_full=False)
    return {
        "AR": ARForecaster,
        "latent": LatentARForecaster,
        "LSTM": partial(LSTMForecaster, early_stopping=stopping, random_state=0),
    } | {
        f"normal, {strategy}": partial(LSTMForecaster, loss="gaussian", strategy=strategy, random_state=0)
        for strategy in ("direct", "recursive", "seq2seq")
    }


def coverage(forecaster: Any, y: pd.Series, first: int, step: int) -> np.ndarray:
    """The part of the values after row `first` that lies in the intervals, for each coverage."""
    h, inside = forecaster.horizon, []
    forecaster.fit(y.iloc[:first])
    for origin in range(first, len(y) - h + 1, step):
        bounds = forecaster.predict_interval(h, COVERAGE).to_numpy().reshape(h, len(COVERAGE), 2)
        new = y.iloc[origin : origin + h].to_numpy()[:, None]
        inside.append(((bounds[:, :, 0] <= new) & (new <= bounds[:, :, 1]))[~np.isnan(new[:, 0])])
        forecaster.update(y.iloc[origin : origin + step])
    return np.concatenate(inside).mean(axis=0)


def report(name: str, found: dict[str, np.ndarray]) -> None:
    """One line."""
    cells = [f"{model} {100 * a:5.1f} {100 * b:5.1f}" for model, (a, b) in found.items()]
    print(f"{name:16}" + "   ".join(cells), flush=True)


def main() -> None:
    """One table."""
    from tsrnn import datasets

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--m4", type=Path, help="Hourly-train.csv of the M4 competition")
    parser.add_argument("--series", type=int, default=50, help="how many of its series")
    args = parser.parse_args()
    print(f"{'':16}coverage of the {' and '.join(f'{100 * c:.0f} %' for c in COVERAGE)} intervals", flush=True)
    for name, (part, horizon) in SETS.items():
        y: Any = datasets.load(name)
        report(name, {m: coverage(make(horizon=horizon), y, int(part * len(y)), 1) for m, make in models().items()})
    if args.m4 is not None:
        rows = pd.read_csv(args.m4, index_col=0).iloc[: args.series]
        found: dict[str, list[np.ndarray]] = {m: [] for m in models()}
        for _, row in rows.iterrows():
            values = row.dropna().to_numpy(float)
            y = pd.Series(values, pd.date_range("2000-01-01", periods=len(values), freq="h"))
            for m, make in models().items():
                found[m].append(coverage(make(horizon=48), y, len(y) - 48 - 8 * 24, 24))
        report(f"M4 Hourly, {len(rows)}", {m: np.mean(parts, axis=0) for m, parts in found.items()})


if __name__ == "__main__":
    main()
