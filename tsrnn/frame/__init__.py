"""The frame: where pandas lives. It turns every accepted kind of target into arrays, and forecasts back into its kind.

`target` reads, `future` labels what comes after, `alike` compares labels that come with those of the series, `clock`
knows where the wall clock is changed, `mends` tries what an error advises, `seasons` counts the steps of a season,
`metrics` measures.
"""

from .alike import follows, is_labelled, same_steps, step_of, steps_ahead
from .covariates import column_names, read_ahead, read_covariates
from .future import extended, future_index, wrap, wrap_many, wrap_table
from .index import read_index
from .metrics import mae, mase, rmse, seasonal_naive, smape
from .seasons import read_season_lengths, season_length, season_lengths
from .target import Target, read_target

__all__ = [
    "Target",
    "column_names",
    "extended",
    "follows",
    "future_index",
    "is_labelled",
    "mae",
    "mase",
    "read_ahead",
    "read_covariates",
    "read_index",
    "read_season_lengths",
    "read_target",
    "rmse",
    "same_steps",
    "season_length",
    "season_lengths",
    "seasonal_naive",
    "smape",
    "step_of",
    "steps_ahead",
    "wrap",
    "wrap_many",
    "wrap_table",
]
