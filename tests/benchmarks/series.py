"""Errors of untuned forecasters on single series: rolling origins, refitted at each, beside statsforecast's methods.

    python -m tests.benchmarks.series FOLDER [--groups shipped dev] [--series ...] [--models ...] [--seeds 0 1 2]
        [--windows 5] [--limit 900] [--write docs/accuracy] [--keep FOLDER]

The group `shipped` are the series of `tsrnn.datasets` (of the frame of macroeconomic series the gross domestic
product); `dev` are those of FOLDER/dev: gasoline.csv and cafes_turnover.csv (monthly), madrid_transport.csv,
items_sales.csv and wikipedia_visits.csv (daily), and the last 3000 hours of bike_sharing.csv.gz. The horizon is 6
years, 8 quarters, 12 months, 52 weeks, 14 days or 24 hours. A figure is the MASE (Hyndman & Koehler 2006), the mean
over origins and seeds; that of a group is the geometric mean over its series. Seconds are those of all fits and
forecasts with one seed; before them a forecaster is fitted once, so that its kernels are compiled.

statsforecast's methods run where it is installed. They get all values, the missing ones interpolated. A method that
needs more than `--limit` seconds for the origins of a series is stopped. AutoARIMA has its default arguments where the
season has at most 12 steps, and ``approximation=True`` where it is longer, a condition of R's default: the exact
search of a season of 52 weeks takes minutes for each fit.
"""

from __future__ import annotations

import argparse
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import tsrnn
from tsrnn import datasets

from .results import CLASSICAL, Bench, Measured, add_options

#: Horizon and season by the first letter of a frequency.
HORIZONS = {"Y": 6, "Q": 8, "M": 12, "W": 52, "D": 14, "h": 24}
SEASONS = {"Y": 1, "Q": 4, "M": 12, "W": 52, "D": 7, "h": 24}
SHIPPED = ("air_passengers", "lynx", "nile", "sunspots", "monthly_sunspots", "co2", "elnino", "elec_equip")
DEV = {
    "gasoline.csv": "MS",
    "cafes_turnover.csv": "MS",
    "madrid_transport.csv": "D",
    "items_sales.csv": "D",
    "wikipedia_visits.csv": "D",
    "bike_sharing.csv.gz": "h",
}
#: The longest season with which AutoARIMA searches without approximation.
EXACT_SEASON = 12


def shipped(_: Path) -> Iterator[tuple[str, pd.Series]]:
    """The series of the package, with their names."""
    for name in SHIPPED:
        yield name, datasets.load(name)
    yield "macrodata.realgdp", datasets.load_macrodata()["realgdp"]


def dev(folder: Path) -> Iterator[tuple[str, pd.Series]]:
    """The series of the folder, with their names."""
    for file, freq in DEV.items():
        frame = pd.read_csv(folder / "dev" / file, index_col=0, parse_dates=True).asfreq(freq)
        frame = frame[["users"]].iloc[-3000:] if "users" in frame else frame
        for column in frame:
            name = file.split(".")[0]
            yield name if frame.shape[1] == 1 else f"{name}.{column}", frame[column]


GROUPS: dict[str, Callable[[Path], Iterator[tuple[str, pd.Series]]]] = {"shipped": shipped, "dev": dev}


class OfStatsforecast:
    """One of statsforecast's methods, with `fit` and `predict`."""

    def __init__(self, method: Any) -> None:
        self.method = method

    def fit(self, y: pd.Series) -> OfStatsforecast:
        """Keep the values; statsforecast fits and forecasts at once."""
        self.values_ = y.interpolate().bfill().to_numpy(float)
        return self

    def predict(self, horizon: int) -> np.ndarray:
        """Point forecasts, (horizon,)."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "possible convergence problem", UserWarning)  # one for most candidates
            return np.asarray(self.method.forecast(self.values_, horizon)["mean"])


def methods(season: int, horizon: int, seed: int) -> dict[str, Any]:
    """The forecasters by name, for series with a season; those that are random with this seed."""
    naive: Any = tsrnn.NaiveForecaster(horizon=horizon)
    if season > 1:
        naive = tsrnn.SeasonalNaiveForecaster(season_lengths=season, horizon=horizon)
    made = {
        "seasonal naive": naive,
        "AR": tsrnn.ARForecaster(horizon=horizon),
        "Theta": tsrnn.ThetaForecaster(horizon=horizon),
        "GRU": tsrnn.GRUForecaster(horizon=horizon, random_state=seed),
        "LSTM": tsrnn.LSTMForecaster(horizon=horizon, random_state=seed),
        "Auto": tsrnn.AutoForecaster(horizon=horizon, random_state=seed),
    }
    if find_spec("statsforecast"):
        from statsforecast import models

        theta, ets = models.AutoTheta(season_length=season), models.AutoETS(season_length=season)
        arima = models.AutoARIMA(season_length=season, approximation=season > EXACT_SEASON)
        made |= {name: OfStatsforecast(m) for name, m in zip(CLASSICAL, (ets, arima, theta), strict=True)}
    return made


ABOUT = """Forecasts from rolling origins, refitted at each, with nothing tuned: see
[Accuracy](../accuracy.md#single-series)."""
RANDOM = ("GRU", "LSTM", "Auto")


def score(model: Any, y: pd.Series, season: int, horizon: int, n_windows: int) -> Measured:
    """Mean MASE over origins, and the seconds of all fits and forecasts."""
    if not isinstance(model, OfStatsforecast):
        tsrnn.backtest({"model": model}, y, horizon=horizon, n_windows=1)  # compiles
    started = time.perf_counter()
    forecasts = tsrnn.backtest({"model": model}, y, horizon=horizon, n_windows=n_windows)
    seconds = time.perf_counter() - started
    table = tsrnn.metrics.summarise(forecasts, "mase", by="cutoff", train=y, season_length=season)
    return Measured({str(y.name): float(table["mase"].mean())}, seconds)


def main() -> None:
    """Print a line for each series, then a table for each group."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, seeds=[0, 1, 2])
    parser.add_argument("--groups", nargs="+", default=list(GROUPS), choices=list(GROUPS))
    parser.add_argument("--series", nargs="+", metavar="name", help="all if none is given")
    parser.add_argument("--models", nargs="+", default=list(methods(1, 1, 0)), choices=list(methods(1, 1, 0)))
    parser.add_argument("--windows", type=int, default=5)
    limit = 900 if hasattr(signal, "SIGALRM") else None  # Windows has none
    parser.add_argument("--limit", type=float, default=limit, help="seconds of a method for the origins of a series")
    args = parser.parse_args()
    bench = Bench("series", args, windows=args.windows, limit=args.limit)
    for group in args.groups:
        for name, y in GROUPS[group](args.folder):
            if args.series and name not in args.series:
                continue
            letter = y.index.freqstr[0]
            season, horizon = SEASONS[letter], HORIZONS[letter]
            found = {}
            for model in args.models:
                seeds = args.seeds if model in RANDOM else args.seeds[:1]
                runs = []
                for seed in seeds:
                    forecaster = methods(season, horizon, seed)[model]
                    measure = partial(score, forecaster, y.rename(name), season, horizon, args.windows)
                    runs.append(bench.run(group, name, model, seed, measure, limit=args.limit))
                found[model] = np.mean([run.errors.get(name, np.nan) for run in runs])
            print(f"{name:24s}" + "".join(f" {model} {error:.3f}" for model, error in found.items()), flush=True)
    bench.report("Accuracy on single series", ABOUT, "MASE")


if __name__ == "__main__":
    main()
