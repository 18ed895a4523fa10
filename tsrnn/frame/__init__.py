"""The frame: where pandas lives. It turns every accepted kind of target into arrays, and forecasts back into its kind.

`tables` reads what is not pandas', `target` reads series, `covariates` what goes with them. `future` labels what comes
after, `alike` compares new labels with those of the series, `clock` counts calendar steps on the wall clock, `mends`
tries what an error advises. `seasons` counts the steps of a season, `metrics` measures.
"""

from .alike import follows, same_steps, step_of, steps_ahead
from .covariates import column_names, linear_copy, read_ahead, read_covariates, refuse_swapped
from .future import extended, future_index, wrap, wrap_many, wrap_table
from .index import read_index
from .metrics import mae, mase, rmse, seasonal_naive, smape
from .seasons import read_season_lengths, season_length, season_lengths
from .tables import Table, mends_in_pandas, read_table
from .target import Target, read_target, refuse_dates

__all__ = [
    "Table",
    "Target",
    "column_names",
    "extended",
    "follows",
    "future_index",
    "linear_copy",
    "mae",
    "mase",
    "mends_in_pandas",
    "read_ahead",
    "read_covariates",
    "read_index",
    "read_season_lengths",
    "read_table",
    "read_target",
    "refuse_dates",
    "refuse_swapped",
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
