"""Backtests without refit: time over that of the kernels for as many windows, and memory over the number of origins.

    python -m tests.benchmarks.backtest [--repeats 15] [--origins 200]

The network is a GRU of hidden 64, context 96 and horizon 24. A backtest is from its call to the table, without the fit:
its model takes over a fit that was made before. The kernels alone are the forward passes of as many windows that lie in
the workspace. The memory is what the peak of a process with 2,000 origins, one step apart, has more than that of one
with 200, without the table itself; both make the same fit of one epoch to the same series.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from .kernels import alternate
from .measure import line, process

CONTEXT, HORIZON, HIDDEN, N_ROWS, MANY = 96, 24, 64, 3000, 2000

MEMORY = """
import resource
import numpy as np, pandas as pd
from tsrnn import GRUForecaster, backtest
hours = pd.date_range("2020", periods={n_rows}, freq="h")
y = pd.Series(np.random.default_rng(0).standard_normal({n_rows}).cumsum(), hours)
model = GRUForecaster(context_length={context}, horizon={horizon}, hidden_size={hidden}, max_epochs=1, random_state=0)
options = dict(horizon={horizon}, step=1, refit=False, coverage=0.8)
backtest(model, y[: -{n_origins}], n_windows=2, **options)  # compiles, and fits to as many rows
frame = backtest(model, y, n_windows={n_origins}, **options)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
print(peak, frame.memory_usage().sum() / 2**20)
"""


def build(n_origins: int) -> dict[str, Callable[[], Any]]:
    """A backtest without its fit, and the forward passes of as many windows."""
    from tsrnn import GRUForecaster, backtest
    from tsrnn.data.panel import Panel
    from tsrnn.data.windows import Geometry, WindowIndex

    y = pd.Series(np.random.default_rng(0).standard_normal(N_ROWS).cumsum())
    options: dict[str, Any] = {"context_length": CONTEXT, "horizon": HORIZON, "hidden_size": HIDDEN}
    fitted = GRUForecaster(**options, max_epochs=1, random_state=0).fit(y[: -n_origins - HORIZON + 1])

    class Fitted:
        """A model whose fit is that of `fitted`."""

        def fit(self, y: pd.Series) -> None:
            assert len(y) == len(fitted.panel_.values)

        def predict_origins(self, *args: Any, **kwargs: Any) -> Any:
            return fitted.predict_origins(*args, **kwargs)

        def predict(self, horizon: Any) -> Any:
            raise AssertionError("the origins are forecast together")

        update = predict

    network, geometry = fitted.network_, Geometry(CONTEXT, block=HORIZON)
    windows = WindowIndex.of_panel(Panel.of_one(y.to_numpy()[:, None]), fitted.scaling_, geometry).stored()
    theta = network.backend.upload(fitted.theta_, network.dtype)
    work = network.workspace(geometry, n_origins)
    series = network.backend.upload(y.to_numpy()[:, None], np.float64)
    network.backend.gather(work, series, windows, np.arange(n_origins))

    def kernels() -> None:
        network.backend.forward(work, theta, free_run=False)

    def rolled() -> None:
        frame = backtest({"gru": Fitted()}, y, horizon=HORIZON, n_windows=n_origins, step=1, refit=False)
        assert np.isfinite(frame["gru"]).all()

    return {"backtest": rolled, "kernels": kernels}


def main() -> None:
    """The ratio, then the memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--origins", type=int, default=200, help="origins of the backtest that is timed")
    args = parser.parse_args()
    from tsrnn.kernels import get_backend

    with get_backend("cpu").session():
        seconds = alternate(build(args.origins), args.repeats)
    note = ", ".join(f"{name} {1e3 * value:.1f} ms" for name, value in seconds.items())
    line(f"time of {args.origins} origins over their kernels", seconds["backtest"] / seconds["kernels"], "", 3, note)
    if sys.platform == "linux":  # elsewhere the peak has other units, or none
        sizes = {"n_rows": N_ROWS, "context": CONTEXT, "horizon": HORIZON, "hidden": HIDDEN}
        found = [process(MEMORY.format(n_origins=n, **sizes)).split() for n in (200, MANY)]
        (few, small), (many, large) = (map(float, each) for each in found)
        note = f"peak {few:.0f} MiB with 200, {many:.0f} MiB with {MANY:,}, whose table has {large:.1f} MiB"
        line(f"memory of {MANY:,} origins beyond their table", many - few - (large - small), "MiB", 50, note)


if __name__ == "__main__":
    main()
