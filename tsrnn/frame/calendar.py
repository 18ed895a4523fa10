"""Features of the calendar for the steps of a series: position in the day, the week and the year.

=====================================  ===============================================================================
Step                                   Columns
=====================================  ===============================================================================
shorter than a day                     ``day_sin``, ``day_cos``, and those of days
day                                    ``week_sin``, ``week_cos``, ``year_sin``, ``year_cos``, ``business_day``
business day or business hour          the same as of days or shorter steps, without ``business_day``
week, and up to less than a year       ``year_sin``, ``year_cos``
year and longer                        an error: every step has the same position
=====================================  ===============================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ..checks import Anything, shown
from .fixes import PandasData
from .index import Freq, read_index
from .tables import Native, read_table

#: Names of the columns of a long table, if the caller gives no others.
DEFAULT_ID, DEFAULT_TIME = "unique_id", "ds"
_ACCEPTED = (
    "pass a DatetimeIndex or PeriodIndex, a table or Series that has one, a Series of dates, or a long table with the "
    "name of its column of dates as time="
)


def calendar_features(
    index: Anything, *, id: Hashable | list[Hashable] = None, time: Hashable = None, freq: Freq | None = None
) -> pd.DataFrame | Native:
    """Position of each step in the day, the week and the year, as sine and cosine, and a flag for business days.

    The frequency decides which columns there are: the table at the top of this module lists them. A position is 0 at
    midnight, on Monday and on 1 January; months and quarters count the months of a year. In a time zone it is that of
    the wall clock; of a period, that of its start. ``business_day`` is 1 from Monday to Friday and 0 at weekends,
    without regard to holidays.

    Parameters
    ----------
    index : DatetimeIndex, PeriodIndex, Series, DataFrame, or table of another library
        The steps: an index, data with such an index (in a two-level index the last level), or a Series of dates. A
        long table has a column of dates; it may have the rows of many series, in any order.
    id, time : hashable, optional
        Columns of the series, one or a list of them, and of the dates in a long table; a table with both columns
        ``unique_id`` and ``ds`` is long without them.
    freq : pandas offset or str, optional
        Frequency of the steps, if `index` has none and it cannot be inferred, as from one or two dates.

    Returns
    -------
    DataFrame or table of the library of `index`
        Columns of float64. In pandas it has the index of the data. A long table keeps the columns of ids and dates, and
        a table of polars or pyarrow its column of dates, so that the rows can be matched.

    Raises
    ------
    TypeError, ValueError
        If there are no dates, one is missing, the frequency is unknown, or a step is a year or longer.

    Examples
    --------
    >>> days = pd.date_range("2024-05-04", periods=3, name="day")
    >>> calendar_features(days).round(2)
                week_sin  week_cos  year_sin  year_cos  business_day
    day
    2024-05-04     -0.97     -0.22      0.85     -0.53           0.0
    2024-05-05     -0.78      0.62      0.84     -0.54           0.0
    2024-05-06      0.00      1.00      0.83     -0.56           1.0

    In a pipeline, the covariates are an empty frame with the dates of the steps:

    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import FunctionTransformer
    >>> from tsrnn import ARForecaster
    >>> y = pd.Series([3.0, 5, 4] * 20, pd.date_range("2024-01-01", periods=60))
    >>> model = make_pipeline(FunctionTransformer(calendar_features), ARForecaster(lags=3)).fit(y.to_frame()[[]], y)
    >>> model.predict(pd.DataFrame(index=pd.date_range("2024-03-01", periods=3))).round(6).tolist()
    [3.0, 5.0, 4.0]
    """
    steps = _read_steps(index, id, time)
    labels, step = steps.labels, _step(steps, freq)
    dates = labels.to_timestamp("s", how="start") if isinstance(labels, pd.PeriodIndex) else labels
    return steps.wrap(_features(dates.tz_localize(None), step))  # the wall clock


class _Steps(NamedTuple):
    """The dates of the steps, and where they came from.

    Attributes
    ----------
    labels : DatetimeIndex or PeriodIndex
    name : str
        Name of the argument, or of its column of dates, in messages.
    source : Index, Series or DataFrame
        Data with these labels as index, in ascending order, from which a frequency is inferred.
    wrap : callable
        Returns the features, a dict of arrays, as a table.
    """

    labels: Any
    name: str
    source: PandasData
    wrap: Callable[[dict[str, np.ndarray]], Any]


# ---- reading ---------------------------------------------------------------------------------------------------------


def _read_steps(data: Anything, id: Anything, time: Hashable) -> _Steps:
    """Find the dates in the data."""
    columns = _columns(data)
    if id is not None or time is not None or (DEFAULT_ID in columns and DEFAULT_TIME in columns):
        return _read_long(data, columns, id, DEFAULT_TIME if time is None else time)
    if isinstance(data, pd.Index):
        return _of_labels(data, data, lambda features: pd.DataFrame(features, index=data))
    table = read_table(data, "index")
    frame, native = table.data, table.native_format
    if not isinstance(frame, pd.Series | pd.DataFrame):
        raise TypeError(f"index has type {type(data).__name__}, which has no dates: {_ACCEPTED}")
    source: PandasData = frame
    labels = frame.index
    if isinstance(frame, pd.Series) and not _is_dated(labels):
        labels = source = pd.Index(frame)  # a column of dates

    def wrap(features: dict[str, np.ndarray]) -> Any:
        found = pd.DataFrame(features, index=frame.index)
        return found if native is None else native.to_native(found)

    return _of_labels(labels, source, wrap)


def _columns(data: Anything) -> list[Hashable]:
    """Return the names of the columns of a table of any library; of other data none."""
    if isinstance(data, pd.DataFrame):
        return list(data.columns)
    table = nw.from_native(data, pass_through=True, eager_only=True)
    return list(table.columns) if isinstance(table, nw.DataFrame) else []


def _read_long(data: Any, columns: list[Hashable], id: Anything, time: Hashable) -> _Steps:
    """Find the dates in the column `time` of a table."""
    kept = [*(id if isinstance(id, list) else [DEFAULT_ID if id is None else id]), time]
    if id is None and DEFAULT_ID not in columns:
        kept = [time]
    for column in kept:
        if column not in columns:
            role = "time" if column is time else "id"
            raise ValueError(
                f"{role}={shown(column)} is not a column of index, which has {shown(columns)}; pass one of these"
            )
    name = f"index[{time!r}]"
    if isinstance(data, pd.DataFrame):
        labels = pd.Index(data[time])
        return _of_labels(
            labels, labels, lambda found: pd.concat([data[kept], pd.DataFrame(found, index=data.index)], axis=1), name
        )
    table = nw.from_native(data, eager_only=True)
    dates: Any = read_table(table.select(str(time)), name).data
    labels = dates.index if dates.shape[1] == 0 else pd.Index(dates.iloc[:, 0])
    backend: Any = table.implementation

    def wrap(features: dict[str, np.ndarray]) -> Any:
        series = [nw.new_series(column, values, backend=backend) for column, values in features.items()]
        return table.select(map(str, kept)).with_columns(*series).to_native()

    return _of_labels(labels, labels, wrap, name)


def _is_dated(labels: pd.Index) -> bool:
    """Whether labels are dates or periods, perhaps in the last level of several."""
    last = labels.levels[-1] if isinstance(labels, pd.MultiIndex) else labels
    return isinstance(last, pd.DatetimeIndex | pd.PeriodIndex)


def _of_labels(
    labels: pd.Index, source: PandasData, wrap: Callable[[dict[str, np.ndarray]], Any], name: str = "index"
) -> _Steps:
    """Check that the labels are dates, all known; those of several series are the last level, or in any order."""
    if not _is_dated(labels):
        example = f" such as {labels[0]!r}" if len(labels) else ""
        raise ValueError(f"{name} holds {labels.dtype} labels{example}, not dates: {_ACCEPTED}")
    dates: Any = labels.get_level_values(-1) if isinstance(labels, pd.MultiIndex) else labels
    if dates.hasnans:
        raise ValueError(
            f"{name} has a missing date (NaT) at position {int(np.argmax(dates.isna()))}; drop this row, or fill it"
        )
    if isinstance(labels, pd.MultiIndex) or name != "index" or not dates.is_monotonic_increasing:
        source = dates.unique().sort_values()
    return _Steps(dates, name, source, wrap)


# ---- frequency -------------------------------------------------------------------------------------------------------


def _step(steps: _Steps, freq: Freq | None) -> pd.offsets.BaseOffset:
    """Return the frequency: the one that was passed, that of the labels, or an inferred one."""
    if freq is not None:
        try:
            step = pd.tseries.frequencies.to_offset(freq)
        except (ValueError, TypeError):
            step = None
        if step is None or step.n < 1:
            raise ValueError(f"freq={shown(freq)} is no frequency; pass a code of pandas, such as 'h', 'D' or 'MS'")
        return step
    own = getattr(steps.labels, "freq", None)
    if own is not None:
        return own
    if len(steps.labels) == 0:
        raise ValueError(f"{steps.name} is empty, which has no frequency: pass freq=, such as freq='D'")
    try:
        inferred: Any = read_index(steps.source, steps.name)
    except ValueError as error:
        raise ValueError(f"{error}; or pass the frequency of the steps as freq=, such as freq='D'") from None
    return inferred.freq


# ---- features --------------------------------------------------------------------------------------------------------

_DAY = pd.Timedelta(86_400, unit="s")
_BUSINESS = (pd.offsets.BusinessDay, pd.offsets.BusinessHour)


def _features(dates: pd.DatetimeIndex, step: pd.offsets.BaseOffset) -> dict[str, np.ndarray]:
    """Return the columns of `calendar_features` by name, each (n,)."""
    start: Any = pd.Timestamp("2024-01-01") + step
    length = (start + step) - start
    if length >= 364 * _DAY:
        raise ValueError(
            f"index has the frequency {step.freqstr!r}, but steps of a year or longer all have the same position in "
            "the day, the week and the year; leave the calendar out"
        )
    features: dict[str, np.ndarray] = {}
    if length < _DAY:
        features |= _circle("day", (dates - dates.normalize()) / _DAY)
    if length < 7 * _DAY:
        features |= _circle("week", dates.day_of_week / 7)
    is_month = length >= 28 * _DAY and not isinstance(step, pd.offsets.Tick | pd.offsets.Day | pd.offsets.Week)
    in_year = (dates.month - 1) / 12 if is_month else (dates.day_of_year - 1) / np.where(dates.is_leap_year, 366, 365)
    features |= _circle("year", in_year)
    if length < 7 * _DAY and not isinstance(step, _BUSINESS):
        features["business_day"] = (dates.day_of_week < 5).astype(np.float64)
    return features


def _circle(name: str, part: pd.Index) -> dict[str, np.ndarray]:
    """Return sine and cosine of a part of a cycle, (n,); rounding is removed, so that zeros are exact."""
    angle = 2 * np.pi * np.asarray(part, np.float64)
    return {f"{name}_{f.__name__}": np.round(f(angle), 15) + 0.0 for f in (np.sin, np.cos)}
