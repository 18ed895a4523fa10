"""Errors of global models on panels of a folder that the package does not ship: M4 Hourly, commodities, a part of M5.

    python -m tests.benchmarks.accuracy FOLDER [--jobs m4 commodities m5] [--models ...] [--seeds 0 1 2]
        [--write docs/accuracy] [--keep FOLDER]

FOLDER holds ``m4/Hourly-train.csv`` and ``m4/Hourly-test.csv`` of the M4 competition, and the long frames
``dev/commodities.csv.gz`` (unique_id, ds, y; monthly) and ``dev/m5_sample.csv.gz`` (daily, with store, dept, state,
event, snap). A figure is the mean error over series, origins and seeds, of one model. Seconds are those of all its fits
and forecasts with one seed; before them it is fitted to the first three series, so that its kernels are compiled.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import tsrnn

from .results import Bench, Measured, add_options

ABOUT = """One model for all series of a panel, with nothing tuned where no argument is named: see
[Accuracy](../accuracy.md#panels)."""
#: Training part and what came after it.
Split = tuple[pd.DataFrame, pd.DataFrame]


def m4_hourly(folder: Path) -> Iterator[Split]:
    """414 hourly series; the only origin is that of the competition, 48 steps before the end."""
    parts = []
    for name in ("train", "test"):
        wide = pd.read_csv(folder / "m4" / f"Hourly-{name}.csv", index_col=0)
        parts.append(wide.stack().dropna().rename("y").rename_axis(["unique_id", "ds"]).reset_index())
    train, test = (part.assign(ds=part.groupby("unique_id").cumcount()) for part in parts)
    test["ds"] += test["unique_id"].map(train["unique_id"].value_counts())  # the hours go on
    yield train, test


def rolling(path: Path, horizon: int, n_origins: int, least: int = 0) -> Iterator[Split]:
    """Series of a long frame of at least so many rows; the last origins, one horizon apart."""
    frame = pd.read_csv(path, parse_dates=["ds"])
    sizes = frame.groupby("unique_id")["y"].transform("size")
    frame = frame[sizes >= least]
    from_end = frame.groupby("unique_id").cumcount(ascending=False)
    for k in range(1, n_origins + 1):
        yield (
            frame[from_end >= k * horizon],
            frame[(from_end < k * horizon) & (from_end >= (k - 1) * horizon)],
        )


def scaled_errors(train: pd.DataFrame, test: pd.DataFrame, forecast: pd.DataFrame, season: int, power: int) -> Any:
    """Error of each series in units of that of the naive forecast of a season over its training part.

    With `power` 1 it is the MASE, with 2 the RMSSE. The naive errors count from the first value that is not zero on.
    """

    def naive(y: pd.Series) -> float:
        values = y.to_numpy()[np.argmax(y.to_numpy() != 0) :]
        return float(np.mean(np.abs(values[season:] - values[:-season]) ** power))

    scale = train.groupby("unique_id")["y"].apply(naive)
    both = test[["unique_id", "ds", "y"]].merge(forecast, on=["unique_id", "ds"], suffixes=("", "_hat"))
    if both["unique_id"].nunique() < test["unique_id"].nunique():  # after a gap some rows lie beyond the horizon
        raise ValueError(f"{test['unique_id'].nunique() - both['unique_id'].nunique()} series have no forecast")
    errors = (both["y_hat"] - both["y"]).abs().pow(power).groupby(both["unique_id"]).mean() / scale
    return errors[np.isfinite(errors)] ** (1 / power)


def fit(model: Any, train: pd.DataFrame, roles: dict[str, Any]) -> Any:
    """The fitted model; `roles` name the columns that are covariates."""
    given = dict(roles)
    if "static" in roles:
        given["static"] = train.groupby("unique_id")[roles["static"]].first().astype(str)
    return model.fit(train[["unique_id", "ds", "y", *roles.get("future", ())]], gaps="missing", **given)


def score(make: Callable[[], Any], splits: Iterable[Split], season: int, power: int, roles: dict[str, Any]) -> Measured:
    """Mean errors of the series over origins, and the seconds of all fits and forecasts."""
    errors, seconds, is_compiled = [], np.zeros(2), False
    for train, test in splits:
        steps = test[["unique_id", "ds", *roles["future"]]] if "future" in roles else None
        if not is_compiled:
            few = train[train["unique_id"].isin(train["unique_id"].unique()[:3])]
            future = None if steps is None else steps[steps["unique_id"].isin(few["unique_id"])]
            fit(make(), few, roles).predict(future)
            is_compiled = True
        times = [time.perf_counter()]
        model = fit(make(), train, roles)
        times.append(time.perf_counter())
        forecast = model.predict(steps)
        times.append(time.perf_counter())
        seconds += np.diff(times)
        errors.append(scaled_errors(train, test, forecast, season, power))
    means = pd.concat(errors, axis="columns").mean(axis="columns")
    return Measured({str(id): float(e) for id, e in means.items()}, float(seconds.sum()), float(seconds[0]))


def main() -> None:
    """Run the jobs, a line for each model, then a table for each panel."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, seeds=[0, 1, 2])
    parser.add_argument("--jobs", nargs="+", default=list(JOBS), choices=list(JOBS))
    parser.add_argument("--models", nargs="+", metavar="name", help="all if none is given")
    args = parser.parse_args()
    bench = Bench("panels", args)
    for job in args.jobs:
        for name, make, splits, season, power, roles in JOBS[job]:
            if args.models and name not in args.models:
                continue
            group = f"{job}, {'MASE' if power == 1 else 'RMSSE'}"
            runs = []
            for seed in args.seeds if is_random(make) else args.seeds[:1]:
                measure = partial(score, partial(make, seed), splits(args.folder), season, power, roles)
                runs.append(bench.run(group, job, name, seed, measure))
            error = np.mean([e for run in runs for e in run.errors.values()] or [np.nan])
            print(f"{group:20s} {name:50s} {error:.3f} {np.mean([r.seconds for r in runs]):7.1f} s", flush=True)
    bench.report("Accuracy on panels", ABOUT, "error", mean="arithmetic")


def is_random(make: Callable[[int], Any]) -> bool:
    """Whether the forecasts of its models depend on the seed."""
    return "random_state" in make(0).get_params()


def gru(**options: Any) -> Callable[[int], Any]:
    """A maker of networks by seed."""
    return lambda seed: tsrnn.GRUForecaster(random_state=seed, **options)


def lstm(**options: Any) -> Callable[[int], Any]:
    """The same with LSTM cells."""
    return lambda seed: tsrnn.LSTMForecaster(random_state=seed, **options)


def auto(horizon: int, **options: Any) -> Callable[[int], Any]:
    """A maker of automatic choices by seed."""
    return lambda seed: tsrnn.AutoForecaster(horizon=horizon, random_state=seed, **options)


def naive(season: int, horizon: int) -> Callable[[int], Any]:
    """A maker of seasonal naive forecasters."""
    return lambda _: tsrnn.SeasonalNaiveForecaster(season_lengths=season, horizon=horizon)


M4: dict[str, Any] = {"horizon": 48, "season_lengths": [24, 168]}
M4_JOBS = [
    ("seasonal naive", naive(24, 48)),
    ("GRU, defaults", gru(**M4)),
    ("LSTM, defaults", lstm(**M4)),
    ("GRU, loss mae, scaling window", gru(**M4, loss="mae", scaling="window")),
    ("GRU, loss mae, scaling window, batches of 256", gru(**M4, loss="mae", scaling="window", batch_size=256)),
    ("AutoForecaster", auto(**M4)),
]
COMMODITIES = [
    ("seasonal naive", naive(12, 12)),
    ("local ARForecaster", lambda _: tsrnn.ARForecaster(horizon=12)),
    ("local ThetaForecaster", lambda _: tsrnn.ThetaForecaster(horizon=12)),
    ("GRU, defaults", gru(horizon=12)),
    ("LSTM, defaults", lstm(horizon=12)),
    ("GRU, loss mae, scaling window", gru(horizon=12, loss="mae", scaling="window")),
    ("AutoForecaster", auto(12)),
]
STATIC: dict[str, Any] = {"future": ["event", "snap"], "static": ["store", "dept", "state"]}
M5 = [
    ("seasonal naive", naive(7, 28), {}),
    ("GRU, defaults", gru(horizon=28), {}),
    ("LSTM, defaults", lstm(horizon=28), {}),
    ("GRU, defaults, event, snap, store, dept, state", gru(horizon=28), STATIC),
    ("GRU, negative binomial", gru(horizon=28, loss="negative_binomial", scaling=None, max_epochs=10), {}),
    ("AutoForecaster", auto(28), {}),
]
JOBS: dict[str, list[tuple[Any, ...]]] = {
    "m4": [(name, make, m4_hourly, 24, 1, {}) for name, make in M4_JOBS],
    "commodities": [
        (name, make, lambda folder: rolling(folder / "dev" / "commodities.csv.gz", 12, 5), 12, 1, {})
        for name, make in COMMODITIES
    ],
    "m5": [
        (name, make, lambda folder: rolling(folder / "dev" / "m5_sample.csv.gz", 28, 3, least=120), 1, 2, roles)
        for name, make, roles in M5
    ],
}

if __name__ == "__main__":
    main()
