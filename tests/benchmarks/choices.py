"""What the defaults of the networks were chosen by: errors of one with each of many arguments, on two groups of series.

    python -m tests.benchmarks.choices FOLDER [--jobs series covariates] [--only learning_rate] [--seeds 0 1 2]

**series**: the groups of `tests.benchmarks.series`, which tells what FOLDER holds; a line for each choice of arguments,
with the geometric mean of the MASE over the series of each group. **covariates**: series with covariates that are known
in the future, among them three that are simulated; a line for each series and `scaling`. All errors are means over five
origins, refitted at each, and over the seeds.
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

from .defaults import error
from .series import GROUPS, HORIZONS, SEASONS

#: Arguments that are tried in the place of the defaults.
CHOICES: dict[str, dict[str, Any]] = {
    "the defaults": {},
    "scaling='standard', loss='mse'": {"scaling": "standard", "loss": "mse"},
    "scaling='mean'": {"scaling": "mean"},
    "scaling='window'": {"scaling": "window"},
    "scaling='robust'": {"scaling": "robust"},
    "loss='mse'": {"loss": "mse"},
    "loss='huber'": {"loss": "huber"},
    "loss='laplace'": {"loss": "laplace"},
    "loss='student_t'": {"loss": "student_t"},
    "difference=1": {"difference": 1},
    "strategy='seq2seq'": {"strategy": "seq2seq"},
    "strategy='recursive'": {"strategy": "recursive"},
    "linear_skip=False": {"linear_skip": False},
    "learning_rate=0.001": {"learning_rate": 0.001},
    "learning_rate=0.01": {"learning_rate": 0.01},
    "patience=5": {"early_stopping": tsrnn.EarlyStopping(patience=5)},
    "patience=20": {"early_stopping": tsrnn.EarlyStopping(patience=20)},
    "refit_full=False": {"early_stopping": tsrnn.EarlyStopping(refit_full=False)},
    "refit_full=True": {"early_stopping": tsrnn.EarlyStopping(refit_full=True)},
    "hidden_size=16": {"hidden_size": 16},
    "hidden_size=64": {"hidden_size": 64},
    "batch_size=16": {"batch_size": 16},
    "batch_size=64": {"batch_size": 64},
    "weight_decay=0.01": {"optimizer": tsrnn.Adam(weight_decay=0.01)},
    "schedule='cosine'": {"optimizer": tsrnn.Adam(schedule="cosine")},
}
SCALINGS = ("standard", "last", "mean", "window")


def with_covariates(folder: Path) -> Iterator[tuple[str, pd.DataFrame, pd.Series, int]]:
    """Names, covariates, series and horizons."""
    bikes = pd.read_csv(folder / "dev" / "bike_sharing.csv.gz", index_col=0, parse_dates=True).asfreq("h").iloc[-3000:]
    weather = pd.get_dummies(bikes["weather"]).astype(float)
    X = pd.concat([bikes[["holiday", "workingday", "temp", "hum", "windspeed"]], weather], axis=1)
    yield "bike_sharing", X, bikes["users"], 24
    for name in ("ETTh1", "ETTh2"):
        frame = pd.read_csv(folder / f"{name}.csv", index_col=0, parse_dates=True).asfreq("h").iloc[:4000]
        yield f"{name}.OT by the loads", frame.drop(columns="OT"), frame["OT"], 24
        yield f"{name}.HUFL by OT, MUFL", frame[["OT", "MUFL"]], frame["HUFL"], 24
    frame = datasets.load_macrodata()
    yield "macrodata.realgdp", frame[["realcons", "realinv", "unemp"]], frame["realgdp"], 8
    yield "macrodata.infl", frame[["unemp", "m1", "tbilrate"]], frame["infl"], 8
    rng, index = np.random.default_rng(0), pd.date_range("2000-01-01", periods=500)
    x, noise = pd.Series(rng.normal(size=500), index), rng.normal(size=500)
    yield "5 x + 0.1 noise", x.to_frame("x"), 5 * x + 0.1 * noise, 14
    yield "5 x + random walk", x.to_frame("x"), 5 * x + np.cumsum(noise), 14
    smooth = x.ewm(alpha=0.3).mean()
    yield "5 smoothed x + 0.1 random walk", smooth.to_frame("x"), 5 * smooth + 0.1 * np.cumsum(noise), 14


def main() -> None:
    """Print a line for each choice, or for each series."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", nargs="+", default=["series", "covariates"], choices=["series", "covariates"])
    parser.add_argument("--only", default="", help="Choices whose name contains this.")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    args = parser.parse_args()
    for name, options in CHOICES.items() if "series" in args.jobs else ():
        if args.only not in name:
            continue
        means = []
        for group, of_folder in GROUPS.items():
            errors = []
            for _, y in of_folder(args.folder):
                sizes = SEASONS[y.index.freqstr[0]], HORIZONS[y.index.freqstr[0]]
                errors.append(np.mean([error(y, *sizes, seed=seed, **options) for seed in args.seeds]))
            means.append(f"{group} {np.exp(np.mean(np.log(errors))):.3f}")
        print(f"{name:34s} {'   '.join(means)}", flush=True)
    for name, X, y, horizon in with_covariates(args.folder) if "covariates" in args.jobs else ():
        season = SEASONS[y.index.freqstr[0]] if "x" not in X else 1
        found = {s: np.mean([error(y, season, horizon, X=X, seed=n, scaling=s) for n in args.seeds]) for s in SCALINGS}
        found["none"] = np.mean([error(y, season, horizon, seed=n) for n in args.seeds])
        print(f"{name:34s} {'   '.join(f'{s} {e:.3f}' for s, e in found.items())}", flush=True)


if __name__ == "__main__":
    main()
