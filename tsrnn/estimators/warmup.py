"""Compile in advance the loops of the models that are no networks: the theta models and the state-space model."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ..kernels import get_kalman, get_theta
from ..kernels.cache import files
from ..training.warmup import Compiled
from .baselines import ThetaForecaster
from .latent import LatentARForecaster


def compile_loops() -> Compiled:
    """Compile what `ThetaForecaster` and `LatentARForecaster` run, by a fit of each, and keep it on disk."""
    started, before, n_before = time.perf_counter(), files(), _n_compiled()
    y = np.sin(np.arange(24.0))
    ThetaForecaster().fit(y).predict(1)
    LatentARForecaster(n_states=1, tol=1e3).fit(y).predict(1)  # one iteration of EM meets this tolerance
    return Compiled(_n_compiled() - n_before, files() - before, time.perf_counter() - started)


def _n_compiled() -> int:
    """Number of functions that this process has compiled, without those that it found on disk."""
    loops: list[Any] = [*get_theta(), *get_kalman()]  # dispatchers of Numba
    return sum(sum(loop.stats.cache_misses.values()) for loop in loops)
