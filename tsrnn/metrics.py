"""Measures of forecasts: of arrays, and with `summarise` of long frames.

Point forecasts: `mae`, `rmse`, `bias`, `mape`, `smape`, `mase`, `rmsse`, `owa`. Quantiles: `pinball`,
`weighted_quantile_loss`, `crps_from_quantiles`. Samples: `crps_from_samples`, `pit`. Intervals: `coverage`,
`mean_width`, `interval_score`. Classes: `accuracy`, `log_loss`, `perplexity`. Sequences of symbols: `exact_match`,
`token_accuracy`, `bleu`. Simple forecasts to compare with: `seasonal_naive`, `naive2`.
"""

from .evaluation.naive2 import naive2, owa
from .evaluation.summary import summarise
from .frame.class_metrics import accuracy, log_loss, perplexity
from .frame.distribution_metrics import (
    coverage,
    crps_from_quantiles,
    crps_from_samples,
    interval_score,
    mean_width,
    pinball,
    pit,
    weighted_quantile_loss,
)
from .frame.metrics import bias, mae, mape, mase, rmse, rmsse, seasonal_naive, smape
from .frame.sequence_metrics import bleu, exact_match, token_accuracy

__all__ = [
    "accuracy",
    "bias",
    "bleu",
    "coverage",
    "crps_from_quantiles",
    "crps_from_samples",
    "exact_match",
    "interval_score",
    "log_loss",
    "mae",
    "mape",
    "mase",
    "mean_width",
    "naive2",
    "owa",
    "perplexity",
    "pinball",
    "pit",
    "rmse",
    "rmsse",
    "seasonal_naive",
    "smape",
    "summarise",
    "token_accuracy",
    "weighted_quantile_loss",
]
