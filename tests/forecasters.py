"""Forecasters and series that several test files share."""

from __future__ import annotations

import numpy as np
import pandas as pd

import tsrnn
from tsrnn import ARForecaster, Direct, LatentARForecaster, LSTMForecaster, Seq2Seq
from tsrnn.cells.registry import FAMILIES

QUICK = {"hidden_size": 3, "max_epochs": 3, "batch_size": 16, "learning_rate": 0.01, "random_state": 0}
NETWORKS = {
    f"{name}-{strategy}": getattr(tsrnn, f"{name}Forecaster")(horizon=4, context_length=12, strategy=strategy, **QUICK)
    for name in FAMILIES
    for strategy in ("recursive", "direct")
}
#: Encoder and decoder, with one cell only; tests/interop has the other cells.
NETWORKS |= {
    f"LSTM-{name}": LSTMForecaster(horizon=4, context_length=12, strategy=strategy, **QUICK)
    for name, strategy in (
        ("seq2seq", "seq2seq"),
        ("segments", Seq2Seq(teacher_forcing=0.5, attention="additive", decoder_layers=2, segment_length=2)),
        ("direct segments", Direct(segment_length=2)),
    )
}
LINEAR = {
    "AR": ARForecaster(lags=5, horizon=4),
    "Latent": LatentARForecaster(n_states=4, max_iter=60, tol=1e-2, horizon=4),
}
ALL = {**LINEAR, **NETWORKS}


def lstm(**options):
    return LSTMForecaster(**{"horizon": 4, "context_length": 12, **QUICK, **options})


def wave(n=90, seed=0):
    """A sine of period 12 with a trend and noise, (n,)."""
    rng = np.random.default_rng(seed)
    return 20 + 0.05 * np.arange(n) + np.sin(2 * np.pi * np.arange(n) / 12) + 0.2 * rng.normal(size=n)


def continuation(n):
    """The n values after `wave()`, without noise."""
    t = 90 + np.arange(n)
    return 20 + 0.05 * t + np.sin(2 * np.pi * t / 12)


def months(values, **options):
    return pd.Series(values, pd.date_range("2000-01-01", periods=len(values), freq="MS"), **options)


def wide(n=90):
    return np.column_stack([wave(n, seed=1), 100 * wave(n, seed=2)])
