"""The frame: where pandas lives. It turns every accepted kind of target into arrays, and forecasts back into its kind.

`target` reads, `future` labels what comes after, `metrics` measures it.
"""

from .future import continue_index, extended, follows, future_index, season_length, steps_ahead, wrap
from .metrics import mae, mase, rmse, seasonal_naive, smape
from .target import Target, read_target

__all__ = [
    "Target",
    "continue_index",
    "extended",
    "follows",
    "future_index",
    "mae",
    "mase",
    "read_target",
    "rmse",
    "season_length",
    "seasonal_naive",
    "smape",
    "steps_ahead",
    "wrap",
]
