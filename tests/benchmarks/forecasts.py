"""How well the default forecasters forecast the shipped data sets: MASE beside the seasonal naive forecast's.

    python -m tests.benchmarks.forecasts [--datasets lynx nile ...] [--origins 3] [--seed 0]

One season, or 12 steps where there is none, is held out at each of several origins, the last of them one horizon
before the end. A cell holds the mean MASE over the origins and the mean seconds of a fit, compilation left out; the
last row the geometric mean of the errors over the naive forecast's. Wide data sets are forecast as a whole.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .measure import STRATEGIES


def models(seed: int) -> dict[str, Callable[[int], Any]]:
    """Makers of the default forecasters, by the names of the table's columns; they take the horizon."""
    import tsrnn

    makers: dict[str, Callable[[int], Any]] = {
        "AR": lambda horizon: tsrnn.ARForecaster(horizon=horizon),
        "latent": lambda horizon: tsrnn.LatentARForecaster(horizon=horizon),
    }
    for cell in ("RNN", "LSTM", "GRU"):
        for strategy in STRATEGIES:
            options = {"strategy": strategy, "random_state": seed}
            maker = getattr(tsrnn, f"{cell}Forecaster")
            makers[f"{cell} {strategy}"] = lambda horizon, m=maker, o=options: m(horizon=horizon, **o)
    return makers


def measure(y: Any, makers: dict[str, Callable[[int], Any]], n_origins: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Mean MASE of the naive forecast and of each model, mean seconds of their fits, and the horizon."""
    from tsrnn import frame

    season = frame.season_length(y.index)
    horizon = season if season > 1 else 12
    errors, seconds = (np.zeros((n_origins, 1 + len(makers))) for _ in range(2))
    for i in range(n_origins):
        end = len(y) - (n_origins - 1 - i) * horizon
        train, test = y.iloc[: end - horizon], y.iloc[end - horizon : end]
        naive = frame.seasonal_naive(train.fillna(train.shift(season)).ffill(), horizon, season)
        errors[i, 0] = frame.mase(test, naive, train, season)
        for j, make in enumerate(makers.values(), 1):
            started = time.perf_counter()
            forecaster = make(horizon).fit(train)
            seconds[i, j] = time.perf_counter() - started - getattr(forecaster, "timings_", {}).get("compile", 0.0)
            errors[i, j] = frame.mase(test, forecaster.predict(), train, season)
    return errors.mean(axis=0), seconds.mean(axis=0), horizon


def main() -> None:
    """One table."""
    from tsrnn import datasets

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=list(datasets.DATASETS), choices=list(datasets.DATASETS))
    parser.add_argument("--origins", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    makers, relative = models(args.seed), []
    print(f"{'MASE, seconds of a fit':22}{'steps':>6}{'ahead':>6}{'naive':>7}" + "".join(f"{m:>15}" for m in makers))
    for name in args.datasets:
        y = datasets.load(name)
        errors, seconds, horizon = measure(y, makers, args.origins)
        cells = "".join(f"{f'{e:.2f} {s:5.1f} s':>15}" for e, s in zip(errors[1:], seconds[1:], strict=True))
        print(f"{name:22}{len(y):6}{horizon:6}{errors[0]:7.2f}{cells}", flush=True)
        relative.append(errors / errors[0])
    means = np.exp(np.log(relative).mean(axis=0))
    cells = "".join(f"{f'{mean:.2f}        ':>15}" for mean in means[1:])
    print(f"{'error over naive, mean':34}{means[0]:7.2f}{cells}".rstrip())


if __name__ == "__main__":
    main()
