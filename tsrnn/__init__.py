"""tsrnn: forecasting with recurrent networks, compiled by Numba, in the manner of scikit-learn.

Importing this package loads nothing else; each name below is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine.options import Adam, EarlyStopping, Epoch, TeacherForcing
    from .engine.strategies import Direct, Recursive, Seq2Seq
    from .equations.losses import Huber, Pinball
    from .estimators.autoregressive import ARForecaster
    from .estimators.forecasters import GRUForecaster, LSTMForecaster, RNNForecaster
    from .estimators.latent import LatentARForecaster
    from .estimators.regressors import GRURegressor, LSTMRegressor, RNNRegressor
    from .estimators.scoring import neg_mae, neg_mase, neg_rmse

__version__ = "0.1.0"

_HOMES = {
    "Adam": "engine.options",
    "EarlyStopping": "engine.options",
    "Epoch": "engine.options",
    "TeacherForcing": "engine.options",
    "Direct": "engine.strategies",
    "Recursive": "engine.strategies",
    "Seq2Seq": "engine.strategies",
    "Huber": "equations.losses",
    "Pinball": "equations.losses",
    "ARForecaster": "estimators.autoregressive",
    "LatentARForecaster": "estimators.latent",
    "RNNForecaster": "estimators.forecasters",
    "LSTMForecaster": "estimators.forecasters",
    "GRUForecaster": "estimators.forecasters",
    "RNNRegressor": "estimators.regressors",
    "LSTMRegressor": "estimators.regressors",
    "GRURegressor": "estimators.regressors",
    "neg_mae": "estimators.scoring",
    "neg_mase": "estimators.scoring",
    "neg_rmse": "estimators.scoring",
}

__all__ = [
    "ARForecaster",
    "Adam",
    "Direct",
    "EarlyStopping",
    "Epoch",
    "GRUForecaster",
    "GRURegressor",
    "Huber",
    "LSTMForecaster",
    "LSTMRegressor",
    "LatentARForecaster",
    "Pinball",
    "RNNForecaster",
    "RNNRegressor",
    "Recursive",
    "Seq2Seq",
    "TeacherForcing",
    "__version__",
    "neg_mae",
    "neg_mase",
    "neg_rmse",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
