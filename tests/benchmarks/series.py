"""Errors of untuned forecasters on single series: rolling origins, refitted at each, beside statsforecast's methods.

    python -m tests.benchmarks.series FOLDER [--groups shipped dev] [--models ...] [--seeds 0 1 2] [--windows 5]

The group `shipped` are the series of `tsrnn.datasets` (of the frame of macroeconomic series the gross domestic
product); `dev` are those of FOLDER/dev: gasoline.csv and cafes_turnover.csv (monthly), madrid_transport.csv,
items_sales.csv and wikipedia_visits.csv (daily), and the last 3000 hours of bike_sharing.csv.gz. The horizon is 6
years, 8 quarters, 12 months, 52 weeks, 14 days or 24 hours. A figure is the MASE (Hyndman & Koehler 2006), the mean
over origins and seeds; those of a group are the geometric mean over its series, the share of them on which the seasonal
naive forecast is worse, and the seconds of all fits and forecasts, kernels compiled, on one core.

statsforecast's methods run where it is installed. They get the series with missing values interpolated, and AutoARIMA
only its last 1500 values, because more take it hours.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import tsrnn
from tsrnn import datasets

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
#: Rows that AutoARIMA gets at most.
MAX_ROWS = 1500


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

    def __init__(self, name: str = "AutoTheta", season_length: int = 1) -> None:
        self.name = name
        self.season_length = season_length

    def fit(self, y: pd.Series) -> OfStatsforecast:
        """Keep the values; statsforecast fits and forecasts at once."""
        values = y.interpolate().bfill().to_numpy(float)
        self.values_ = values[-MAX_ROWS:] if self.name == "AutoARIMA" else values
        return self

    def predict(self, horizon: int) -> np.ndarray:
        """Point forecasts, (horizon,)."""
        from statsforecast import models

        method = getattr(models, self.name)(season_length=self.season_length)
        return np.asarray(method.forecast(self.values_, horizon)["mean"])


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
        made |= {name: OfStatsforecast(name, season) for name in ("AutoTheta", "AutoETS", "AutoARIMA")}
    return made


RANDOM = ("GRU", "LSTM", "Auto")


def score(model: Any, y: pd.Series, season: int, horizon: int, n_windows: int) -> tuple[float, float]:
    """Mean MASE over origins, and the seconds of all fits and forecasts."""
    started = time.perf_counter()
    forecasts = tsrnn.backtest({"model": model}, y, horizon=horizon, n_windows=n_windows)
    seconds = time.perf_counter() - started
    table = tsrnn.metrics.summarise(forecasts, "mase", by="cutoff", train=y, season_length=season)
    return float(table["mase"].mean()), seconds


def main() -> None:
    """Print a line for each series, then one for each model and group."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--groups", nargs="+", default=list(GROUPS), choices=list(GROUPS))
    parser.add_argument("--models", nargs="+", default=list(methods(1, 1, 0)))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--windows", type=int, default=5)
    args = parser.parse_args()
    rows = []
    for group in args.groups:
        for name, y in GROUPS[group](args.folder):
            letter = y.index.freqstr[0]
            season, horizon = SEASONS[letter], HORIZONS[letter]
            found = {}
            for model in args.models:
                seeds = args.seeds if model in RANDOM else args.seeds[:1]
                runs = [score(methods(season, horizon, s)[model], y, season, horizon, args.windows) for s in seeds]
                found[model], seconds = np.mean(runs, axis=0)
                rows.append((group, name, model, found[model], seconds))
            print(f"{name:24s}" + "".join(f" {model} {error:.3f}" for model, error in found.items()), flush=True)
    table = pd.DataFrame(rows, columns=["group", "series", "model", "mase", "seconds"])
    naive = table[table["model"] == "seasonal naive"].set_index("series")["mase"]
    for group, model in ((g, m) for g in args.groups for m in args.models):
        own = table[(table["group"] == group) & (table["model"] == model)]
        better = np.mean(own["mase"].to_numpy() < naive.reindex(own["series"]).to_numpy())
        print(
            f"{group:8s} {model:16s} {np.exp(np.log(own['mase']).mean()):7.4f}   better than the seasonal naive "
            f"{better:4.0%}   {own['seconds'].sum():8.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
