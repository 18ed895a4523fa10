"""Forecast errors of the strategies and their options: MASE over 12 steps on shipped series."""

from __future__ import annotations

import numpy as np

from tsrnn import Direct, GRUForecaster, Seq2Seq
from tsrnn.datasets import load

SERIES = ("air_passengers", "sunspots", "lynx", "elnino", "elec_equip", "nile")
HORIZON, ORIGINS, SEEDS, LAST = 12, 3, 2, 400
STRATEGIES = {
    "recursive": "recursive",
    "direct": "direct",
    "direct, segments of 3": Direct(segment_length=3),
    "seq2seq": "seq2seq",
    "detached": Seq2Seq(detach=True),
    "half of the truth": Seq2Seq(0.5),
    "all of the truth": Seq2Seq(1.0),
    "linear decay": Seq2Seq("linear"),
    "dot attention": Seq2Seq(attention="dot"),
    "additive attention": Seq2Seq(attention="additive"),
    "seq2seq, segments of 3": Seq2Seq(segment_length=3),
}


def errors(name: str, strategy: object) -> float:
    """The mean over origins and seeds."""
    y, found = load(name).iloc[-LAST:], []
    for origin in range(len(y) - ORIGINS * HORIZON, len(y), HORIZON):
        for seed in range(SEEDS):
            options = {"loss": "mse", "scaling": "standard", "random_state": seed}
            forecaster = GRUForecaster(horizon=HORIZON, strategy=strategy, context_length=24, **options)
            found.append(-forecaster.fit(y.iloc[:origin]).score(y.iloc[origin : origin + HORIZON]))
    return float(np.mean(found))


def main() -> None:
    """Print a table."""
    print("| strategy | " + " | ".join(SERIES) + " | geometric mean |")
    print("|---" * (len(SERIES) + 2) + "|")
    for label, strategy in STRATEGIES.items():
        row = [errors(name, strategy) for name in SERIES]
        cells = [f"{value:.3f}" for value in (*row, np.exp(np.mean(np.log(row))))]
        print(f"| {label} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
