"""Reading of a panel, many series in one CSV file, and of its covariates from files of their own.

The columns of ids are given by name and stay text, so that ``007`` is an id. Dates and numbers are found as for one
series.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...messages import format_label
from ..future import extend_index
from ..index import AnyGrid
from ..panel_labels import factorize_ids, join_ids
from .decoding import read_text
from .grid import date_grid, number_grid
from .labels import Labels, find_labels, read_labels, split_columns
from .numbers import Numbers
from .selection import select_rows
from .series import read_values
from .text_table import Report, TextTable, parse_table, quoted

#: Most ids that a message lists.
_N_SHOWN = 3


@dataclass(frozen=True, eq=False)
class FilePanel:
    """A panel from a file.

    Attributes
    ----------
    table : DataFrame
        A row for each step from the first row of a series to its last observed value: id, time, target, covariates.
    ahead : DataFrame
        Rows after the end of a series: id, time, covariates that are known ahead. Empty without such covariates.
    id : list of str
        Names of its columns of ids; an id has a part in each.
    time, target : str
        Names of its columns of times and values.
    past, known : list of str
        Names of the covariates that are known when a row has come, and of those that are known ahead.
    grid : pandas.DatetimeIndex, pandas.PeriodIndex or pandas.RangeIndex
        All steps from the first row of any series to the last one.
    n_ahead : ndarray of int of shape (S,)
        For how many steps after the end of each series `ahead` has rows, without a gap.
    """

    table: pd.DataFrame
    ahead: pd.DataFrame
    id: list[str]
    time: str
    target: str
    past: list[str]
    known: list[str]
    grid: AnyGrid
    n_ahead: np.ndarray

    @property
    def n_rows(self) -> pd.Series:
        """Number of rows by id, in the order of the file."""
        counts: pd.Series = self.table.groupby(self.id, sort=False).size()
        return counts


@dataclass(frozen=True)
class Format:
    """How CSV files are read: arguments of `read_csv`."""

    date_format: str | None = None
    freq: str | None = None
    where: Iterable[str] = ()
    separator: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    missing: Iterable[str] = ()
    encoding: str | None = None

    def parse(self, path: Path, report: Report, where: Iterable[str] = ()) -> TextTable:
        """Return the table of a file, with the rows that fulfil the conditions `where`."""
        text = read_text(path, self.encoding)
        table = parse_table(text, str(path), separator=self.separator, missing=self.missing, report=report)
        return select_rows(table, where)


def read_panel_csv(
    path: Path,
    *,
    id: str,
    time: str | None = None,
    target: str | None = None,
    past: Sequence[str] = (),
    future: Path | None = None,
    report: Report = warnings.warn,
    **options: Any,
) -> FilePanel:
    r"""Read a panel from a CSV file.

    Parameters
    ----------
    path : Path
        The file, with a row for each id and time, in any order.
    id : str
        Column of ids; several columns separated by commas hold the parts of an id.
    time : str, optional
        Column of dates or integers; several columns separated by commas are read together. None uses the column that
        can be read as dates.
    target : str, optional
        Column of values. None uses the first column of numbers.
    past : sequence of str, default=()
        Columns of covariates that are known when a row has come.
    future : Path, optional
        File with the same columns of ids and times; its others are covariates known ahead. For steps that it has no row
        for, columns of the same name in `path` are read.
    report : callable, default=warnings.warn
        Called with one sentence on each choice that was not given as an argument.
    **options
        ``date_format``, ``freq``, ``where``, ``separator``, ``decimal``, ``thousands``, ``missing`` and ``encoding``,
        as in `read_csv`.

    Returns
    -------
    FilePanel

    Raises
    ------
    ValueError
        If a file has no such panel, or several meanings. The message names the place and what to do.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "sales.csv")
    >>> _ = file.write_text("shop,month,sales\nb,2024-01,3\na,2024-01,7\nb,2024-02,5\na,2024-03,8\n")
    >>> panel = read_panel_csv(file, id="shop", report=lambda text: None)
    >>> panel.table["sales"].tolist(), panel.grid.freqstr, panel.n_rows.to_dict()
    ([3.0, 5.0, 7.0, nan, 8.0], 'MS', {'b': 2, 'a': 3})
    """
    style = Format(**options)
    with _options_of_panels(report) as reported:
        table = style.parse(path, reported, style.where)
        part = _read_part(table, _split_id(table, id), time, style, reported)
        known_part = None
        if future is not None:
            there = style.parse(future, reported)
            known_part = _read_part(there, part.id, _same_time(there, part.labels, time), style, reported)
            known_part = _without_empty_columns(known_part, reported)
        known = [] if known_part is None else known_part.columns
        if target in known:
            raise ValueError(
                f"{future} has the column {target!r}, the target, which is not known ahead; delete it there, or name "
                "another target with --target"
            )
        values = _read_target(part, target, [*past, *known], style, reported)
        return _arrange(part, known_part, values, list(past), style, reported)


def read_static_csv(path: Path, *, id: Sequence[str], report: Report = warnings.warn, **options: Any) -> pd.DataFrame:
    r"""Read static covariates, a row for each series, from a CSV file.

    Parameters
    ----------
    path : Path
        The file; columns of numbers are read as numbers, others as categories.
    id : sequence of str
        Columns of ids: one, or one for each part of the ids.
    report, **options
        As in `read_panel_csv`.

    Returns
    -------
    DataFrame
        The ids are its index, with a level for each column of ids; NaN or None where a value is missing.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "shops.csv")
    >>> _ = file.write_text("shop,city,size\na,Bonn,3\nb,,4.5\n")
    >>> read_static_csv(file, id=["shop"])["size"].to_dict()
    {'a': 3.0, 'b': 4.5}
    """
    style = Format(**options)
    with _options_of_panels(report) as reported:
        table = style.parse(path, reported)
        codes, ids = _read_ids(table, id)
        names = [name for name in table.cells.columns if name not in id]
        if not names:
            of_ids = " and ".join(map(repr, id))
            raise ValueError(f"{path} has no column beside {of_ids}; add the columns of static covariates")
        numbers = Numbers(table, names, style.decimal, style.thousands)
        columns: dict[str, Any] = {}
        for name in names:
            cells = table.cells[name]
            texts = [None if cell in table.missing else cell for cell in cells]
            columns[name] = numbers.read(name, reported) if name in numbers.numeric else np.array(texts, object)
    return pd.DataFrame(columns, index=ids[codes].set_names(list(id)))


# ---- ids and times ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Part:
    """Rows of a file with their labels, (n,), and the numbers of their `ids`, (n,), which are in the columns `id`."""

    table: TextTable
    labels: Labels
    codes: np.ndarray
    ids: pd.Index
    id: list[str]

    @property
    def id_name(self) -> str:
        """What an id is called in messages."""
        return " and ".join(self.id)

    @property
    def columns(self) -> list[str]:
        """Names of the other columns."""
        return [name for name in self.table.cells.columns if name not in (*self.id, *self.labels.columns)]

    def place(self, row: int) -> str:
        """Return id, time and line of a row for messages."""
        label, line = self.labels.interpretation.labels[row], self.table.cells.index[row]
        of = f"{self.id_name} {_shown(self.ids[self.codes[row]])}"
        return f"{of} at {format_label(label)}, in line {line} of {self.table.source}"


def _shown(id: Any) -> str:
    """Return an id for messages, with all of its parts."""
    return f"({', '.join(map(quoted, id))})" if isinstance(id, tuple) else quoted(id)


def _split_id(table: TextTable, id: str) -> list[str]:
    """Return the names of the columns of ids."""
    names = split_columns(table, id)
    if len(set(names)) < len(names):
        raise ValueError(f"--id {id} names a column twice; name each column of ids once")
    return names


def _read_part(table: TextTable, id: list[str], time: str | None, style: Format, report: Report) -> _Part:
    """Return the rows of a table with an id and a label."""
    for name in id:
        table.column(name)
    without = replace(table, cells=table.cells.drop(columns=id))
    if time is not None:
        labels = read_labels(without, time, style.date_format, report)
    else:
        found = find_labels(without, style.date_format, report)
        if found is None:
            raise ValueError(f"{table.source} has no column with dates; name one with --time")
        labels = found
    kept = replace(table, cells=table.cells.loc[labels.table.cells.index])
    return _Part(kept, labels, *_read_ids(kept, id), id)


def _without_empty_columns(part: _Part, report: Report) -> _Part:
    """Return the rows without columns that have no value, such as that of the target in rows of the future."""
    empty = [name for name in part.columns if part.table.cells[name].isin(part.table.missing).all()]
    for name in empty:
        report(f"Column {name!r} of {part.table.source} is empty and left out.")
    left = replace(part, table=replace(part.table, cells=part.table.cells.drop(columns=empty)))
    if not left.columns:
        raise ValueError(f"{part.table.source} has no column of covariates beside ids and times; add one")
    return left


def _same_time(table: TextTable, labels: Labels, time: str | None) -> str | None:
    """Return the columns of times of a second file: those of the first, if it has them."""
    has_all = all(name in table.cells.columns for name in labels.columns)
    return ",".join(labels.columns) if has_all else time


def _read_ids(table: TextTable, names: Sequence[str]) -> tuple[np.ndarray, pd.Index]:
    """Return the number of each row's id (n,), and the ids as text, of several columns as a MultiIndex."""
    for name in names:
        empty = table.column(name).isin(table.missing).to_numpy()
        if empty.any():
            line = table.cells.index[int(empty.argmax())]
            raise ValueError(
                f"column {name!r} of {table.source} has no id in line {line}: write it there, or delete that line"
            )
    codes, ids, _ = join_ids([factorize_ids(table.cells[name]) for name in names])
    return codes, ids


def _id_columns(part: _Part, ids: pd.Index) -> dict[str, Any]:
    """Return ids (n,) as columns by their names."""
    return {name: ids.get_level_values(level) for level, name in enumerate(part.id)}


# ---- columns of numbers ----------------------------------------------------------------------------------------------


def _read_target(
    part: _Part, target: str | None, covariates: Sequence[str], style: Format, report: Report
) -> pd.Series:
    """Return the values of the target, (n,), named by its column."""
    if target in covariates:
        raise ValueError(f"column {target!r} is the target and a covariate; leave it out of one of the two")
    for name in covariates:
        if name in (*part.id, *part.labels.columns):
            raise ValueError(f"column {name!r} holds ids or times and cannot be a covariate; leave it out")
    others = [name for name in covariates if name in part.table.cells.columns]
    index = part.labels.interpretation.labels
    labels = [*part.id, *part.labels.columns, *others]
    return read_values(part.table, labels, index, target, style.decimal, style.thousands, report)


def _read_columns(part: _Part, names: Sequence[str], style: Format, report: Report) -> np.ndarray:
    """Return columns of covariates, (n, n_names)."""
    for name in names:
        part.table.column(name)
    numbers = Numbers(part.table, list(names), style.decimal, style.thousands)
    for name in names:
        if name not in numbers.numeric:
            raise ValueError(f"covariates must be numbers, but in {part.table.source} {numbers.describe_text(name)}")
    columns = [numbers.read(name, report) for name in names]
    return np.stack(columns, axis=1) if columns else np.empty((len(part.codes), 0))


# ---- the grid --------------------------------------------------------------------------------------------------------


def _arrange(
    part: _Part, known_part: _Part | None, target: pd.Series, past: list[str], style: Format, report: Report
) -> FilePanel:
    """Return the rows of all series on one grid, with their covariates."""
    values = target.to_numpy()
    grid, convert = _grid(part, style)
    places = grid.get_indexer(convert(part.labels.interpretation.labels))
    codes, ids = part.codes, part.ids
    _refuse_twice(part, codes, places)
    _refuse_finer(part, codes, places, grid, style)
    observed = ~np.isnan(values)
    first, end = np.full(len(ids), len(grid)), np.zeros(len(ids), np.int64)
    np.minimum.at(first, codes, places)
    np.maximum.at(end, codes[observed], places[observed] + 1)
    _report_unobserved(part, ids, end, np.bincount(codes[places >= end[codes]], minlength=len(ids)), target, report)
    n_rows = np.maximum(end - first, 0)
    series = np.repeat(np.arange(len(ids)), n_rows)
    steps = np.arange(len(series)) + np.repeat(first - np.concatenate([[0], np.cumsum(n_rows)[:-1]]), n_rows)
    rows = _Rows(codes, places)
    found = rows.find(series, steps)
    _report_missing(part, int((found < 0).sum()), grid, report)
    time = part.labels.columns[0] if len(part.labels.columns) == 1 else "date"
    table = _id_columns(part, ids[series]) | {time: grid.take(steps)}
    table |= {str(target.name): _take(values[:, None], found)[:, 0]}
    of_past = _take(_read_columns(part, past, style, report), found)
    _refuse_missing(of_past, past, found, part, ids[series], grid.take(steps), part.table.source)
    table |= {name: of_past[:, k] for k, name in enumerate(past)}
    if known_part is None:
        empty = pd.DataFrame(columns=[*part.id, time])
        return FilePanel(
            pd.DataFrame(table), empty, part.id, time, str(target.name), past, [], grid, np.zeros(len(ids), np.int64)
        )
    known = known_part.columns
    longer, known_codes, known_places = _known_places(known_part, ids, grid, convert)
    ours = [name for name in known if name in part.table.cells.columns]
    here = np.full((len(values), len(known)), np.nan)
    here[:, [known.index(name) for name in ours]] = _read_columns(part, ours, style, report)
    there = _read_columns(known_part, known, style, report)
    both = _Rows(np.concatenate([codes, known_codes]), np.concatenate([places, known_places]))
    both_values = np.concatenate([here, there])
    found = both.find(series, steps)
    of_known = _take(both_values, found)
    where = f"{known_part.table.source}" + (f" and {part.table.source} have" if ours else " has")
    _refuse_missing(of_known, known, found, None, ids[series], grid.take(steps), where)
    table |= {name: of_known[:, k] for k, name in enumerate(known)}
    later = np.flatnonzero((both.codes >= 0) & (both.places >= end[both.codes]) & (n_rows[both.codes] > 0))
    later = later[both.is_last[later] & ~np.isnan(both_values[later]).any(axis=1)]
    later = later[np.lexsort([both.places[later], both.codes[later]])]
    ahead = _id_columns(part, ids[both.codes[later]]) | {time: longer.take(both.places[later])}
    ahead |= {name: both_values[later, k] for k, name in enumerate(known)}
    kept = n_rows > 0
    return FilePanel(
        pd.DataFrame(table), pd.DataFrame(ahead), part.id, time, str(target.name), past, known, grid,
        _n_ahead(both.codes[later], both.places[later], end)[kept],
    )  # fmt: skip


class _Rows:
    """Rows by the number of their series and their place; of several rows of a step the last one counts."""

    def __init__(self, codes: np.ndarray, places: np.ndarray):
        self.codes, self.places = codes, places
        self._width = int(places.max(initial=0)) + 1
        keys = codes * self._width + places
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]
        self.is_last = np.zeros(len(keys), bool)
        self.is_last[self._order] = np.append(self._keys[1:] != self._keys[:-1], [True] * (len(keys) > 0))

    def find(self, codes: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Return the row of each series and place, (n,); -1 where there is none."""
        wanted = codes * self._width + places
        at = np.searchsorted(self._keys, wanted, side="right") - 1
        is_there = (places < self._width) & (at >= 0) & (self._keys[np.maximum(at, 0)] == wanted)
        return np.where(is_there, self._order[np.maximum(at, 0)], -1)


def _take(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return rows of values (n, n_columns); NaN for the row -1."""
    return np.where((rows >= 0)[:, None], values[np.maximum(rows, 0)], np.nan)


def _n_ahead(codes: np.ndarray, places: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return how many sorted places follow the end of each series without a gap, (S,)."""
    counts = np.bincount(codes, minlength=len(end))
    rank = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.bincount(codes[places - end[codes] == rank], minlength=len(end))


def _grid(part: _Part, style: Format) -> tuple[Any, Callable[[Any], Any]]:
    """Return all steps of the panel, and a function that converts labels to labels of the grid."""
    interpretation, where = part.labels.interpretation, part.labels.where
    labels: Any = interpretation.labels.unique().sort_values()
    if interpretation.resolution == "number":
        if style.freq is not None:
            raise ValueError(f"--freq is about dates, but {where} has numbers; leave it out")
        return number_grid(labels, where), lambda found: found
    grid = date_grid(labels, interpretation.resolution, style.freq, where, sparse=style.date_format is not None)
    if isinstance(grid, pd.PeriodIndex):
        return grid, lambda found: found.tz_localize(None).to_period(grid.freq)
    return grid, lambda found: found


def _known_places(
    part: _Part, ids: pd.Index, grid: Any, convert: Callable[[Any], Any]
) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return the grid as far as a file of covariates goes, and series and place of its rows, of others -1."""
    labels = part.labels.interpretation.labels
    if (getattr(labels, "dtype", None) == np.int64) != isinstance(grid, pd.RangeIndex):
        raise ValueError(f"{part.labels.where} of {part.table.source} has other labels than the panel; use the same")
    if getattr(labels, "tz", None) is None and getattr(grid, "tz", None) is not None:
        raise ValueError(
            f"the dates of the panel have an offset from UTC, those of {part.table.source} have none; add it"
        )
    steps = convert(labels)
    if getattr(steps, "tz", None) is not None and getattr(grid, "tz", None) is None:
        raise ValueError(
            f"the dates of {part.table.source} have an offset from UTC, those of the panel have none; drop it"
        )
    n = 0
    while len(grid) and steps.max() > (longer := extend_index(grid, n))[-1]:
        n = 2 * n + 16
    longer = extend_index(grid, n)
    places = longer.get_indexer(steps)
    codes = ids.get_indexer(part.ids)[part.codes]
    off = (places < 0) & (codes >= 0) & (steps >= grid[0])
    if off.any():
        freq = getattr(grid, "freqstr", None) or grid.step
        raise ValueError(f"{part.place(int(off.argmax()))}, is no step of the panel, whose frequency is {freq}")
    codes = np.where(places >= 0, codes, -1)
    _refuse_twice(part, codes, places)
    return longer, codes, places


# ---- reports and errors ----------------------------------------------------------------------------------------------


def _refuse_twice(part: _Part, codes: np.ndarray, places: np.ndarray) -> None:
    """Raise if two rows have the same id and time."""
    keys = pd.Series(codes * (int(places.max(initial=0)) + 1) + places).where(codes >= 0)
    twice = np.flatnonzero(keys.notna() & keys.duplicated())
    if len(twice):
        row = int(twice[0])
        line = part.table.cells.index[int((keys == keys[row]).to_numpy().argmax())]
        more = "" if len(twice) == 1 else f", and {len(twice) - 1} more rows repeat one"
        raise ValueError(
            f"{part.place(row)}, is also in line {line}{more}; keep one row for each {', '.join(part.id)} and time, or "
            "choose rows with --where"
        )


def _refuse_finer(part: _Part, codes: np.ndarray, places: np.ndarray, grid: Any, style: Format) -> None:
    """Raise if most rows of a series are more than one step of the common grid apart, unless the frequency is given."""
    if style.freq is not None or style.date_format is not None:
        return
    order = np.lexsort([places, codes])
    steps = np.diff(places[order])[np.diff(codes[order]) == 0]
    if 2 * np.count_nonzero(steps > 1) > len(steps):
        freq = getattr(grid, "freqstr", None)
        step = f"{freq}" if freq is not None else f"{grid.step}"
        accept = f"add --freq {freq}" if freq is not None else "add --date-format number"
        raise ValueError(
            f"all series of {part.table.source} together have steps of {step}, but most rows of one "
            f"{part.id_name} are further apart; {accept} if these are gaps, or bring the series to the "
            "same dates"
        )


def _report_unobserved(
    part: _Part, ids: pd.Index, end: np.ndarray, n_later: np.ndarray, target: pd.Series, report: Report
) -> None:
    """Report rows without a value at the end of series, and series without any value; raise if all are empty."""
    empty = np.flatnonzero(end == 0)
    if len(empty) == len(ids):
        raise ValueError(f"column {target.name!r} of {part.table.source} has no values; name another one with --target")
    if len(empty):
        listed = ", ".join(_shown(ids[s]) for s in empty[:_N_SHOWN]) + (", ..." if len(empty) > _N_SHOWN else "")
        verb = "has no value in column {!r} and is" if len(empty) == 1 else "have no value in column {!r} and are"
        report(f"{len(empty)} of {len(ids)} series {verb.format(target.name)} left out: {listed}.")
    n_later = np.where(end > 0, n_later, 0)
    if n_later.any():
        s = int(np.argmax(n_later > 0))
        n = int(n_later.sum())
        report(
            f"{n} {'row' if n == 1 else 'rows'} at the end of series without a value in column {target.name!r} "
            f"{'is' if n == 1 else 'are'} left out, at first of {part.id_name} {_shown(ids[s])}."
        )


def _report_missing(part: _Part, n: int, grid: Any, report: Report) -> None:
    """Report how many steps of the series have no row."""
    if n:
        step = f" (frequency {grid.freqstr})" if hasattr(grid, "freqstr") else ""
        verb = "step of the series is" if n == 1 else "steps of the series are"
        report(f"{n} {verb} not in {part.table.source}; {'it counts' if n == 1 else 'they count'} as missing{step}.")


def _refuse_missing(
    values: np.ndarray,
    names: Sequence[str],
    rows: np.ndarray,
    part: _Part | None,
    ids: pd.Index,
    labels: AnyGrid,
    source: str,
) -> None:
    """Raise if a covariate (n, n_names) of a step is missing."""
    missing = np.isnan(values)
    if not missing.any():
        return
    row, column = (int(i) for i in np.argwhere(missing)[0])
    n = int(missing.any(axis=1).sum())
    more = "" if n == 1 else f", nor for {n - 1} more steps"
    cell = f"{names[column]!r} for {_shown(ids[row])} at {format_label(labels[row])}"
    line = f" (line {part.table.cells.index[rows[row]]})" if part is not None and rows[row] >= 0 else ""
    verb = "" if part is None else " has"
    raise ValueError(
        f"{source}{verb} no value of {cell}{line}{more}: a covariate needs a value at every step; fill it in"
    )


@contextmanager
def _options_of_panels(report: Report) -> Iterator[Report]:
    """Yield `report` for panels: it and errors name the options of panels in the place of those of one series."""

    def translated(text: str) -> object:
        return report(_for_panels(text))

    try:
        yield translated
    except ValueError as error:
        text = _for_panels(str(error))
        if text == str(error):
            raise
        raise ValueError(text) from error


def _for_panels(text: str) -> str:
    """Return a message with the options of panels; rows of a panel cannot be numbered."""
    text = re.sub(r"[,;]? (?:or )?number the rows with --no-index", "", text)
    text = text.replace(", or --no-index to number the rows", "")
    return text.replace("--index-column", "--time").replace("--column", "--target")
