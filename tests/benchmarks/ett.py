"""Errors on the transformer temperatures ETTh1 and ETTh2 by the protocol of published tables, beside those of DLinear.

    python -m tests.benchmarks.ett FOLDER [--sets ETTh1 ETTh2] [--look-backs 96 720] [--horizons 96 192] [--seeds 0]

FOLDER holds ``ETTh1.csv`` and ``ETTh2.csv`` of github.com/zhouhaoyi/ETDataset: 17420 hours of seven columns. The first
8640 hours are the training part, the next 2880 validate and stop the training, the next 2880 are the test. Columns are
scaled by mean and standard deviation (ddof 0) of the training part, and errors are of scaled values: means over all
test windows, stride 1, over steps and columns. One network forecasts each column by itself (``multivariate=
"independent"``); it reads no more than the look-back.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import tsrnn

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


def fit(hours: pd.DataFrame, look_back: int, horizon: int, seed: int) -> tuple[Any, list[float]]:
    """A forecaster of the training part, and the seconds of its epochs."""
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


def errors(model: Any, hours: pd.DataFrame, look_back: int, first: int, last: int) -> tuple[float, float]:
    """MSE and MAE of the windows whose steps to forecast lie in the hours `first` to `last` - 1."""
    squares, absolutes = [], []
    for start in range(first, last - model.horizon + 1):
        forecast = model.predict(context=hours.iloc[start - look_back : start])
        error = forecast.to_numpy() - hours.iloc[start : start + model.horizon].to_numpy()
        squares.append(np.mean(error**2))
        absolutes.append(np.mean(np.abs(error)))
    return float(np.mean(squares)), float(np.mean(absolutes))


def main() -> None:
    """Print a line for each set, look-back, horizon and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", default=["ETTh1", "ETTh2"])
    parser.add_argument("--look-backs", nargs="+", type=int, default=list(SEGMENTS), choices=list(SEGMENTS))
    parser.add_argument("--horizons", nargs="+", type=int, default=[96, 192])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    args = parser.parse_args()
    print("set   look-back horizon seed   val MSE  test MSE  test MAE  published  ratio  epochs  s/epoch", flush=True)
    for name in args.sets:
        hours = read(args.folder, name)
        for look_back in args.look_backs:
            for horizon in args.horizons:
                for seed in args.seeds:
                    model, seconds = fit(hours, look_back, horizon, seed)
                    validation, _ = errors(model, hours, look_back, TRAIN, TRAIN + VALIDATE)
                    mse, mae = errors(model, hours, look_back, TRAIN + VALIDATE, TRAIN + VALIDATE + TEST)
                    published = PUBLISHED.get((name, look_back, horizon), np.nan)
                    print(
                        f"{name} {look_back:9d} {horizon:7d} {seed:4d} {validation:9.4f} {mse:9.4f} {mae:9.4f} "
                        f"{published:10.3f} {mse / published:6.3f} {len(seconds):7d} {np.median(seconds):8.2f}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
