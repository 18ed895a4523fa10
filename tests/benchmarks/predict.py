"""`predict(12)` of a fitted LSTM of context 24 and hidden 32, kernels warm, for a pandas series and a bare array.

python -m tests.benchmarks.predict [--repeats 300]
"""

from __future__ import annotations

import argparse

from .kernels import alternate
from .measure import JOB, STRATEGIES, line


def main() -> None:
    """Two strategies, two kinds of series."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=300)
    args = parser.parse_args()
    from tsrnn import LSTMForecaster
    from tsrnn.datasets import load_air_passengers

    y = load_air_passengers()
    for strategy in STRATEGIES:
        fitted = {}
        for kind, series in (("Series", y), ("array", y.to_numpy())):
            fitted[kind] = LSTMForecaster(**JOB | {"max_epochs": 2}, strategy=strategy).fit(series)
        seconds = alternate(
            {kind: lambda f=forecaster: f.predict(12) for kind, forecaster in fitted.items()}, args.repeats
        )
        for kind, value in seconds.items():
            line(f"predict(12), {strategy}, {kind}", 1e3 * value, "ms", 1)


if __name__ == "__main__":
    main()
