"""Program that `test_threads` runs in new processes: the same fits and forecasts, serial and in parallel.

``python -m tests.threads_job`` prints a JSON object: the threading layer, and for each variant a hash of the
parameters and forecasts of every estimator.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import sys
from concurrent.futures import ThreadPoolExecutor

import joblib
import numba
import numpy as np

from tsrnn import GRUForecaster, LSTMForecaster, LSTMRegressor

rng = np.random.default_rng(0)
Y = np.sin(np.arange(240) / 3) + 0.1 * rng.normal(size=240)
X = np.lib.stride_tricks.sliding_window_view(Y, 13)
#: Batches of several tiles, so that threads have work to share.
COMMON = {"batch_size": 100, "max_epochs": 3, "random_state": 0}
ESTIMATORS = {
    "lstm": LSTMForecaster(horizon=6, context_length=24, hidden_size=16, **COMMON),
    "gru": GRUForecaster(
        horizon=6, context_length=24, hidden_size=8, num_layers=2, dropout=0.2, strategy="direct", **COMMON
    ),
    "regressor": LSTMRegressor(hidden_size=16, **COMMON),
}
VARIANTS = {}


def variant(function):
    """Decorator: register a variant."""
    VARIANTS[function.__name__] = function
    return function


def fit(name):
    """A fitted copy."""
    estimator = ESTIMATORS[name].__class__(**ESTIMATORS[name].get_params())
    return estimator.fit(X[:, :-1], X[:, -1]) if name == "regressor" else estimator.fit(Y)


def digest(name, estimator=None):
    """A hash of parameters and forecasts of `estimator`, or of a new fit."""
    estimator = estimator or fit(name)
    forecast = estimator.predict(X[:, :-1]) if name == "regressor" else estimator.predict(20)
    return hashlib.sha256(estimator.theta_.tobytes() + np.asarray(forecast).tobytes()).hexdigest()


def serial():
    """All estimators, one after the other."""
    return {name: digest(name) for name in ESTIMATORS}


@variant
def joblib_loky():
    """In two processes."""
    found = joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(digest)(name) for name in ESTIMATORS)
    return dict(zip(ESTIMATORS, found, strict=True))


@variant
def joblib_threading():
    """In two threads."""
    found = joblib.Parallel(n_jobs=2, backend="threading")(joblib.delayed(digest)(name) for name in ESTIMATORS)
    return dict(zip(ESTIMATORS, found, strict=True))


def run_in_threads(job, names):
    """Run `job` for all names at once in threads; results by name, joined by "and" if they differ for one name."""
    with ThreadPoolExecutor(len(names)) as pool:
        found = list(pool.map(job, names))
    by_name = {name: {one for other, one in zip(names, found, strict=True) if other == name} for name in names}
    return {name: " and ".join(sorted(hashes)) for name, hashes in by_name.items()}


@variant
def concurrent_fits():
    """Every estimator three times at once."""
    return run_in_threads(digest, [*ESTIMATORS] * 3)


@variant
def concurrent_predictions():
    """Predictions in many threads from the same fitted estimators."""
    fitted = {name: fit(name) for name in ESTIMATORS}
    return run_in_threads(lambda name: digest(name, fitted[name]), [*ESTIMATORS] * 8)


@variant
def forked():
    """In a child process forked after parallel fits, and then again in the parent."""
    if sys.platform != "linux":
        return serial()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        child = pool.apply_async(serial).get(timeout=120)
    return {name: " and ".join(sorted({one, child[name]})) for name, one in serial().items()}


def main():
    """Run all variants."""
    found = {"serial": serial(), **{name: function() for name, function in VARIANTS.items()}}
    print(json.dumps({"layer": numba.threading_layer(), "variants": found}))


if __name__ == "__main__":
    main()
