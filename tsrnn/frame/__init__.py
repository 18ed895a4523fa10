"""The package that handles pandas data: it converts targets and covariates to arrays, and forecasts back.

======================  ====================================================================================
`tables`                tables of other libraries (polars, pyarrow, ...) to pandas and back
`target`                targets to arrays
`panel`                 panels, many series in one object, to arrays
`panel_layouts`         long frames, two index levels, dicts of Series to rows of one form
`panel_labels`          ids and times of a panel
`panel_rows`            the rows of a panel in one form, and what messages say about them
`panel_order`           the order of the rows of a panel
`panel_grid`            the grid of a panel
`panel_tables`          covariates of a panel from a table of their own, and forecasts in the form of the panel
`panel_update`          new rows of a panel, and choices of its series
`covariates`            covariates to arrays, aligned with the steps of a target
`calendar`              covariates from the dates: position in the day, the week and the year
`static`                static covariates, one row for each series, to numbers and codes of categories
`index`                 checks of an index: a regular grid of time steps
`compatibility`         comparison of new labels with those of a fitted series
`future`                labels after the end of a series, and forecasts in the form of the target
`wall_clock`            steps of days and longer in a time zone, across changes of the clock
`fixes`                 expressions that correct an index, tried before an error suggests them
`seasons`               number of steps in a season
`measures`              terms of measures of forecast error
`metrics`               means of them for point forecasts
`distribution_metrics`  means of them for quantiles, intervals and samples
`files`                 series from CSV files
======================  ====================================================================================
"""

from .calendar import calendar_features
from .compatibility import check_continuation, check_same_grid, index_step, steps_ahead
from .covariates import (
    check_argument_order,
    column_names,
    find_linear_copy,
    find_linear_copy_in_panel,
    read_covariates,
    read_future_covariates,
)
from .distribution_metrics import pinball
from .future import empty_table, extend_index, future_index, wrap, wrap_many, wrap_table, wrap_totals
from .index import read_index
from .metrics import mae, mase, rmse, rmsse, seasonal_naive, smape
from .panel import PanelTarget, is_panel, panel_of_columns, read_bare_panel, read_panel
from .panel_tables import (
    align_future,
    constant_columns,
    empty_panel_table,
    read_panel_table,
    read_table_rows,
    wrap_panel,
    wrap_panel_table,
    wrap_panel_totals,
)
from .panel_update import (
    append_rows,
    find_steps,
    follow,
    is_long_table,
    is_one_id,
    label_steps,
    number_series,
    select_series,
)
from .seasons import read_season_lengths, season_length, season_lengths
from .sequence_metrics import bleu, exact_match, list_of_sequences, refuse_unhashable, token_accuracy
from .static import (
    Static,
    StaticCodes,
    has_categories,
    is_one_dimensional,
    label_paths,
    read_static,
    read_vectors,
)
from .tables import Table, column_labels, labelled_table, pandas_fixes, read_table
from .target import Target, is_missing_label, read_target, refuse_dates, refuse_other_labels, refuse_wrong_labels

__all__ = [
    "PanelTarget",
    "Static",
    "StaticCodes",
    "Table",
    "Target",
    "align_future",
    "append_rows",
    "bleu",
    "calendar_features",
    "check_argument_order",
    "check_continuation",
    "check_same_grid",
    "column_labels",
    "column_names",
    "constant_columns",
    "empty_panel_table",
    "empty_table",
    "exact_match",
    "extend_index",
    "find_linear_copy",
    "find_linear_copy_in_panel",
    "find_steps",
    "follow",
    "future_index",
    "has_categories",
    "index_step",
    "is_long_table",
    "is_missing_label",
    "is_one_dimensional",
    "is_one_id",
    "is_panel",
    "label_paths",
    "label_steps",
    "labelled_table",
    "list_of_sequences",
    "mae",
    "mase",
    "number_series",
    "pandas_fixes",
    "panel_of_columns",
    "pinball",
    "read_bare_panel",
    "read_covariates",
    "read_future_covariates",
    "read_index",
    "read_panel",
    "read_panel_table",
    "read_season_lengths",
    "read_static",
    "read_table",
    "read_table_rows",
    "read_target",
    "read_vectors",
    "refuse_dates",
    "refuse_other_labels",
    "refuse_unhashable",
    "refuse_wrong_labels",
    "rmse",
    "rmsse",
    "season_length",
    "season_lengths",
    "seasonal_naive",
    "select_series",
    "smape",
    "steps_ahead",
    "token_accuracy",
    "wrap",
    "wrap_many",
    "wrap_panel",
    "wrap_panel_table",
    "wrap_panel_totals",
    "wrap_table",
    "wrap_totals",
]
