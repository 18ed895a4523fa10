"""tsrnn: forecasting with recurrent networks, compiled by Numba, in the manner of scikit-learn.

Importing this package loads nothing else; each public name is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .cells.registry import FAMILIES

if TYPE_CHECKING:
    from . import datasets as datasets
    from . import exceptions as exceptions
    from . import metrics as metrics
    from . import plotting as plotting
    from .estimators.auto import AutoForecaster
    from .estimators.autoregressive import ARForecaster
    from .estimators.baselines import (
        DriftForecaster,
        NaiveForecaster,
        SeasonalNaiveForecaster,
        ThetaForecaster,
    )
    from .estimators.conformal import ConformalForecaster
    from .estimators.ensemble import EnsembleForecaster
    from .estimators.future_frames import make_future
    from .estimators.generator import SequenceGenerator
    from .estimators.latent import LatentARForecaster
    from .estimators.scoring import neg_mae, neg_mase, neg_pinball, neg_rmse, neg_rmsse, neg_smape
    from .estimators.transducer import Seq2SeqTransducer
    from .evaluation.backtest import backtest
    from .forecasting.strategies import Direct, Recursive, Seq2Seq
    from .forecasting.strategies.teacher_forcing import TeacherForcing
    from .frame.calendar import calendar_features
    from .losses.huber import Huber
    from .losses.pinball import Pinball
    from .training.options import Adam, EarlyStopping, Epoch

__version__ = "0.1.0"

_HOMES = {
    "Adam": "training.options",
    "EarlyStopping": "training.options",
    "Epoch": "training.options",
    "TeacherForcing": "forecasting.strategies.teacher_forcing",
    "Direct": "forecasting.strategies",
    "Recursive": "forecasting.strategies",
    "Seq2Seq": "forecasting.strategies",
    "Huber": "losses.huber",
    "Pinball": "losses.pinball",
    "ARForecaster": "estimators.autoregressive",
    "AutoForecaster": "estimators.auto",
    "ConformalForecaster": "estimators.conformal",
    "DriftForecaster": "estimators.baselines",
    "EnsembleForecaster": "estimators.ensemble",
    "LatentARForecaster": "estimators.latent",
    "NaiveForecaster": "estimators.baselines",
    "SeasonalNaiveForecaster": "estimators.baselines",
    "Seq2SeqTransducer": "estimators.transducer",
    "SequenceGenerator": "estimators.generator",
    "ThetaForecaster": "estimators.baselines",
    "backtest": "evaluation.backtest",
    "calendar_features": "frame.calendar",
    "make_future": "estimators.future_frames",
    "neg_mae": "estimators.scoring",
    "neg_mase": "estimators.scoring",
    "neg_pinball": "estimators.scoring",
    "neg_rmse": "estimators.scoring",
    "neg_rmsse": "estimators.scoring",
    "neg_smape": "estimators.scoring",
}
#: Modules that need no import of their own.
_MODULES = {"datasets", "exceptions", "metrics", "plotting"}

__all__ = [
    "ARForecaster",
    "Adam",
    "AutoForecaster",
    "ConformalForecaster",
    "Direct",
    "DriftForecaster",
    "EarlyStopping",
    "EnsembleForecaster",
    "Epoch",
    "Huber",
    "LatentARForecaster",
    "NaiveForecaster",
    "Pinball",
    "Recursive",
    "SeasonalNaiveForecaster",
    "Seq2Seq",
    "Seq2SeqTransducer",
    "SequenceGenerator",
    "TeacherForcing",
    "ThetaForecaster",
    "__version__",
    "backtest",
    "calendar_features",
    "make_future",
    "metrics",
    "neg_mae",
    "neg_mase",
    "neg_pinball",
    "neg_rmse",
    "neg_rmsse",
    "neg_smape",
]

# The classes of the cells, `LSTMForecaster` and so on, come from the registry, where a new cell is one line. So they
# cannot stand above for type checkers. `__getattr__` returns `Any`: a type checker accepts their names, as it accepts
# any name of this package, but does not check their arguments.
_OF_CELLS = {f"{name}Forecaster": "estimators.forecasters" for name in FAMILIES}
_OF_CELLS |= {f"{name}Regressor": "estimators.regressors" for name in FAMILIES}
_OF_CELLS |= {f"{name}Classifier": "estimators.classifiers" for name in FAMILIES}
_OF_CELLS |= {f"{name}Tagger": "estimators.taggers" for name in FAMILIES}
_HOMES |= _OF_CELLS
__all__ += list(_OF_CELLS)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
