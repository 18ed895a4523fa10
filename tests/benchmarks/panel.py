"""Large panels: rate of an epoch over that of its kernels, forecasts a second, and the peak memory of a fit.

    python -m tests.benchmarks.panel [--series 100000] [--repeats 5]

The network is a GRU of hidden 64, context 24 and horizon 24. An epoch is that of 500 series of 100 steps in batches
of 512; its kernels alone are as many calls of `train` on one batch. Forecasts are those of 50,000 series, as arrays.
The fit, one epoch in a process of its own, is of a long frame of `--series` series of 100 steps, context 24 and horizon
12; the peak counts the process as a whole, with its imports and the frame.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .kernels import alternate
from .measure import line, process

CONTEXT, HORIZON, HIDDEN, BATCH, N_STEPS = 24, 24, 64, 512, 100
N_TRAINED, N_FORECAST = 500, 50_000

FIT = """
import numpy as np, pandas as pd, resource, time
S, n = {n_series}, {n_steps}
y = np.random.default_rng(0).standard_normal((S, n)).cumsum(axis=1).ravel()
times = np.tile(pd.date_range("2020-01-01", periods=n, freq="D"), S)
frame = pd.DataFrame({{"unique_id": np.repeat(np.arange(S), n), "ds": times, "y": y}})
del y, times
from tsrnn import GRUForecaster
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
before, started = peak(), time.perf_counter()
fitted = GRUForecaster(context_length=24, horizon=12, max_epochs=1, random_state=0).fit(frame)
around = time.perf_counter() - started - sum(fitted.timings_.values())
print(before, peak(), around, fitted.timings_["train"])
"""


def build() -> tuple[dict[str, Callable[[], Any]], int]:
    """An epoch of training, its kernels alone, and the forecasts of many series; number of windows of the epoch."""
    from tsrnn.cells.gru import GRU
    from tsrnn.data.panel import Panel
    from tsrnn.data.scaling import PanelScaling
    from tsrnn.data.seasons import Seasons
    from tsrnn.data.windows import Geometry, WindowIndex
    from tsrnn.forecasting.after_gaps import Before, TrainedNetwork, to_forecast
    from tsrnn.forecasting.strategies import as_strategy
    from tsrnn.losses.squared import MSE
    from tsrnn.networks.architecture import Architecture
    from tsrnn.networks.network import Network, Source
    from tsrnn.training.loop import Adam, Settings, _Stepper

    rng, geometry = np.random.default_rng(0), Geometry(CONTEXT, block=HORIZON)

    def panel_of(n_series: int) -> Panel:
        values = rng.standard_normal((n_series, N_STEPS)).cumsum(axis=1).reshape(-1, 1)
        known = np.empty((len(values), 0))
        return Panel(values, np.ones(values.shape, bool), known, N_STEPS * np.arange(n_series + 1))

    panel = panel_of(N_TRAINED)
    windows = WindowIndex.of_panel(panel, PanelScaling.fit("standard", panel), geometry).stored()
    network = Network(Architecture(GRU, 1, 1, HORIZON, MSE, hidden_size=HIDDEN, lags=CONTEXT))
    first = network.architecture.initialise(rng)
    theta = network.backend.upload(first, network.dtype)
    source = Source.upload(network.backend, panel.values, panel.values, panel.observed)
    settings = Settings(Adam(), learning_rate=1e-5, batch_size=BATCH, max_epochs=1)
    stepper = _Stepper(network, theta, source, windows, geometry, settings, seed=0)
    still = _Stepper(network, theta.copy(), source, windows, geometry, settings, seed=0)
    ((work, _),) = still.buckets
    still._update(work, windows, np.arange(BATCH), 0)  # fills the workspace

    def kernels() -> None:
        for _ in range(round(len(windows) / BATCH)):
            still.network.backend.train(work, still.theta, MSE)

    many = panel_of(N_FORECAST)
    scaling = PanelScaling.fit("standard", many)
    trained = TrainedNetwork(network, theta.copy(), as_strategy("direct"), scaling, Seasons(), CONTEXT)

    def forecast() -> None:
        missing = to_forecast(many, np.ones(1, bool))
        before = Before(many, missing, np.empty((N_FORECAST, HORIZON, 0)), np.arange(N_FORECAST))
        assert np.isfinite(trained.after_gaps(trained.strategy.forecast, before)).all()

    return {"epoch": lambda: stepper.epoch(1), "kernels": kernels, "forecast": forecast}, len(windows)


def main() -> None:
    """Epochs, forecasts, then the memory of a fit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=100_000, help="series of the fit whose memory is measured")
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    from tsrnn.kernels import get_backend

    with get_backend("cpu").session():
        functions, n_windows = build()
        seconds = alternate(functions, args.repeats)
    rates = ", ".join(f"{name} {n_windows / seconds[name]:,.0f} windows/s" for name in ("epoch", "kernels"))
    line("time of an epoch over its kernels", seconds["epoch"] / seconds["kernels"], "", 1.11, rates)
    rate = N_FORECAST / seconds["forecast"]
    line(f"time of 100,000 forecasts of {HORIZON} steps", 1e5 / rate, "s", 1, f"{rate:,.0f} forecasts/s")
    if sys.platform == "linux":  # elsewhere the peak has other units, or none
        before, peak, around, train = map(float, process(FIT.format(n_series=args.series, n_steps=N_STEPS)).split())
        note = f"{before:.2f} GiB before the fit; {around:.1f} s around the training, one epoch {train:.1f} s"
        line(f"peak memory, {args.series:,} series x {N_STEPS} steps", peak, "GiB", 2, note)


if __name__ == "__main__":
    main()
