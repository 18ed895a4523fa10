"""Errors on the transformer temperatures ETTh1 and ETTh2 by the protocol of published tables, beside those of DLinear.

    python -m tests.benchmarks.ett FOLDER [--sets ETTh1 ETTh2] [--look-backs 96 720] [--horizons 96 192] [--seeds 0]
        [--write docs/accuracy] [--keep FOLDER]

FOLDER holds ``ETTh1.csv`` and ``ETTh2.csv`` of github.com/zhouhaoyi/ETDataset: 17420 hours of seven columns. The first
8640 hours are the training part, the next 2880 validate and stop the training, the next 2880 are the test. Columns are
scaled by mean and standard deviation (ddof 0) of the training part, and errors are of scaled values: means over all
test windows, stride 1, over steps and columns. One network forecasts each column by itself (``multivariate=
"independent"``); it reads no more than the look-back. The seasonal naive forecast repeats the last 24 hours. A line
takes a few minutes for each seed, so the default is one.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import tsrnn

from .results import Bench, Measured, Run, add_options

ABOUT = """One GRU with the same arguments for all lines, beside published errors: see
[Accuracy](../accuracy.md#transformer-temperatures)."""
MEASURES = ("test MSE", "test MAE", "validation MSE")
TRAIN, VALIDATE, TEST = 8640, 2880, 2880
#: Length of a segment for each look-back.
SEGMENTS = {96: 24, 720: 48}
#: MSE of DLinear with look-back 96, and of SegRNN with 720, as published (Lin et al. 2023, arXiv:2308.11200).
PUBLISHED = {
    ("ETTh1", 96, 96): 0.386, ("ETTh1", 96, 192): 0.437, ("ETTh2", 96, 96): 0.333, ("ETTh2", 96, 192): 0.477,
    ("ETTh1", 720, 96): 0.351, ("ETTh1", 720, 192): 0.392, ("ETTh2", 720, 96): 0.276, ("ETTh2", 720, 192): 0.341,
}  # fmt: skip
OPTIONS: dict[str, Any] = {
    "hidden_size": 64,
    "linear_skip": False,
    "loss": "mae",
    "scaling": "last",
    "learning_rate": 0.001,
    "batch_size": 256,
    "max_epochs": 30,
    "season_lengths": 24,  # of a longer season, values from before the look-back would be read
    "multivariate": "independent",
}


def read(folder: Path, name: str) -> pd.DataFrame:
    """The hours of the three parts, scaled."""
    hours = pd.read_csv(folder / f"{name}.csv", index_col=0, parse_dates=True).asfreq("h")
    train = hours.iloc[:TRAIN]
    return ((hours - train.mean()) / train.std(ddof=0)).iloc[: TRAIN + VALIDATE + TEST]


def network(hours: pd.DataFrame, look_back: int, horizon: int, seed: int) -> tuple[Any, list[float]]:
    """A GRU fitted to the training part, and the seconds of its epochs."""
    ends: list[float] = [time.perf_counter()]
    stopping = tsrnn.EarlyStopping(patience=5, refit_full=False, validation=hours.iloc[TRAIN : TRAIN + VALIDATE])
    model = tsrnn.GRUForecaster(
        horizon=horizon,
        context_length=look_back,
        strategy=tsrnn.Direct(segment_length=SEGMENTS[look_back]),
        early_stopping=stopping,
        callbacks=[lambda _: ends.append(time.perf_counter())],
        random_state=seed,
        **OPTIONS,
    )
    return model.fit(hours.iloc[:TRAIN]), np.diff(ends).tolist()


def naive(hours: pd.DataFrame, look_back: int, horizon: int, seed: int) -> tuple[Any, list[float]]:
    """The forecaster that repeats the last day, whatever look-back and seed, and no epochs."""
    return tsrnn.SeasonalNaiveForecaster(season_lengths=24, horizon=horizon).fit(hours.iloc[:TRAIN]), []


def errors(model: Any, hours: pd.DataFrame, look_back: int, first: int, last: int) -> tuple[float, float]:
    """MSE and MAE of the windows whose steps to forecast lie in the hours `first` to `last` - 1."""
    squares, absolutes = [], []
    for start in range(first, last - model.horizon + 1):
        forecast = model.predict(context=hours.iloc[start - look_back : start])
        error = forecast.to_numpy() - hours.iloc[start : start + model.horizon].to_numpy()
        squares.append(np.mean(error**2))
        absolutes.append(np.mean(np.abs(error)))
    return float(np.mean(squares)), float(np.mean(absolutes))


def score(make: Any, hours: pd.DataFrame, look_back: int, horizon: int, seed: int) -> Measured:
    """Errors on the validation and the test part, and the seconds of the fit and of all forecasts."""
    times = [time.perf_counter()]
    model, epochs = make(hours, look_back, horizon, seed)
    times.append(time.perf_counter())
    validation, _ = errors(model, hours, look_back, TRAIN, TRAIN + VALIDATE)
    mse, mae = errors(model, hours, look_back, TRAIN + VALIDATE, TRAIN + VALIDATE + TEST)
    times.append(time.perf_counter())
    if epochs:
        print(f"{len(epochs)} epochs of {np.median(epochs):.2f} s", end="  ", flush=True)
    found = {"validation MSE": validation, "test MSE": mse, "test MAE": mae}
    return Measured(found, times[2] - times[0], times[1] - times[0])


def by_measure(runs: list[Run]) -> list[Run]:
    """A run for each measure of these runs, with the setting as its series."""
    return [
        replace(run, group=measure, errors={run.name: run.errors[measure]} if run.errors else {})
        for measure in MEASURES
        for run in runs
        if measure in run.errors or run.note
    ]


def main() -> None:
    """Print a line for each set, look-back, horizon and seed, then a table for each measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, seeds=[0])
    parser.add_argument("--sets", nargs="+", default=["ETTh1", "ETTh2"])
    parser.add_argument("--look-backs", nargs="+", type=int, default=list(SEGMENTS), choices=list(SEGMENTS))
    parser.add_argument("--horizons", nargs="+", type=int, default=[96, 192])
    args = parser.parse_args()
    bench = Bench("ett", args)
    for name, look_back, horizon in product(args.sets, args.look_backs, args.horizons):
        hours, setting = read(args.folder, name), f"{name}, look-back {look_back}, horizon {horizon}"
        for model, make, seeds in (("seasonal naive", naive, args.seeds[:1]), ("GRU", network, args.seeds)):
            for seed in seeds:
                run = bench.run(name, setting, model, seed, partial(score, make, hours, look_back, horizon, seed))
                found = "  ".join(f"{measure} {error:.4f}" for measure, error in run.errors.items())
                print(f"{setting}, {model}, seed {seed}: {found}", flush=True)
        if (name, look_back, horizon) in PUBLISHED:
            error = {"test MSE": PUBLISHED[name, look_back, horizon]}
            bench.runs.append(Run(name, setting, "published", 0, error, np.nan))
    bench.report("Accuracy on the transformer temperatures", ABOUT, "error", runs=by_measure(bench.runs))


if __name__ == "__main__":
    main()
