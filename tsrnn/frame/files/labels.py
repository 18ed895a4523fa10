"""The columns of a table that hold the labels of its rows: dates, dates in several columns, or whole numbers."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .cells import Remark, Table, all_match, is_footer, is_total, looks_like_data, short
from .dates import choose, read_as, unreadable
from .formats import plain
from .grid import LEAST_COVERAGE
from .readings import NUMBERS, Reading, option, readings
from .together import INDEX_NAMES, read_together, sets_of_parts


@dataclass(frozen=True)
class Labels:
    """Labels of rows.

    Parameters
    ----------
    columns : list of str
        The columns that hold them.
    reading : Reading
        What was read.
    table : Table
        The rows that have a label.
    """

    columns: list[str]
    reading: Reading
    table: Table

    @property
    def where(self) -> str:
        """The columns in words."""
        return in_words(self.columns)

    @property
    def n_distinct(self) -> int:
        """How many labels there are."""
        return int(self.reading.labels.nunique())


def in_words(columns: list[str]) -> str:
    """Return the names of columns in a sentence.

    Examples
    --------
    >>> in_words(["year", "month"])
    "columns 'year' and 'month'"
    """
    names = [repr(name) for name in columns]
    return f"column {names[0]}" if len(names) == 1 else f"columns {', '.join(names[:-1])} and {names[-1]}"


def read_labels(table: Table, index_column: str, date_format: str | None, remark: Remark) -> Labels:
    """Return the labels in a column, or in several that a comma separates, which are read together.

    Raises
    ------
    ValueError
        If there is no such column, or it holds no labels.
    """
    columns = [index_column]
    if index_column not in table.cells.columns and "," in index_column:
        columns = [name.strip() for name in index_column.split(",")]
    for name in columns:
        table.column(name)
    found = _labels(table, columns, date_format)
    _remark_rows(table, found, remark)
    return found


def find_labels(table: Table, date_format: str | None, remark: Remark) -> Labels | None:
    """Return the labels of a table, None where no column could hold them, and say which columns were taken.

    Raises
    ------
    ValueError
        If there are several readings, or text that could be dates and is none.
    """
    single, failures = _single_columns(table, date_format)
    dates = [each for each in single if each.reading.step != "number"]
    best = max(dates, key=lambda each: (each.n_distinct, each.reading.coverage * (date_format is None)), default=None)
    if best is None or best.n_distinct < len(best.table.cells):
        best = _together(table, best) or best
    if best is None:
        _raise_on_dates(table, failures)
        counting = [each for each in single if _may_count(each, table)]
        best = min(counting, key=lambda each: is_counter(table, each.columns[0]), default=None)
    if best is None:
        _raise_on_text(table, failures)
        return None
    _remark_rows(table, best, remark)
    others = [each.columns[0] for each in dates if each.columns[0] not in best.columns and date_format is None]
    usual = (
        (best.reading.is_usual or date_format is not None)
        and best.columns[0] == table.cells.columns[0]
        and len(best.columns) == 1
    )
    if not usual or others:
        remark(_chosen(best, others))
    return best


def _chosen(labels: Labels, others: list[str]) -> str:
    """Return a sentence on what was taken."""
    reading, where = labels.reading, labels.where
    verb = "holds" if len(labels.columns) == 1 else "hold"
    what = f"{where[0].upper()}{where[1:]} {verb} the {'steps' if reading.step == 'number' else 'dates'}"
    how = "" if reading.is_usual else f" ({option(reading)})"
    if len(labels.columns) > 1:
        how = f" (--index-column {shlex.quote(','.join(labels.columns))})"
    also = f"; dates are also in {', '.join(map(repr, others))} (--index-column)" if others else ""
    return f"{what}: {reading.words} from {reading.span}{how}{also}."


def _remark_rows(table: Table, labels: Labels, remark: Remark) -> None:
    """Say which rows have no label and are left out."""
    out = table.cells.index.difference(labels.table.cells.index)
    if len(out):
        row = table.cells.loc[out[0]]
        cell = next((cell for cell in row if cell and not looks_like_data(cell)), row.iloc[0])
        more = f" and {len(out) - 1} more are" if len(out) > 1 else " is"
        remark(f"Line {out[0]} of {table.source} ({short(cell)}){more} left out: a total or a note, not a date.")


# ---- single columns --------------------------------------------------------------------------------------------------


def _single_columns(table: Table, date_format: str | None) -> tuple[list[Labels], dict[str, ValueError]]:
    """Return the columns that can be read as labels, and why others cannot."""
    found, failures = [], {}
    for name in table.cells.columns:
        try:
            if date_format is None and not _is_worth_reading(table, name):
                raise ValueError(unreadable(table.cells[name].iloc[:20]))
            labels = _labels(table, [name], date_format)
        except ValueError as error:
            failures[name] = error
        else:
            found.append(labels)
    return found, failures


def _is_worth_reading(table: Table, name: str) -> bool:
    """Whether the first cells could be labels, which saves reading a long column of other things."""
    sample = _sample(table.cells[name])
    return len(sample) > 0 and bool(readings(sample))


def _sample(cells: pd.Series) -> pd.Series:
    """Return those of the first cells that are numbers or dates."""
    first = cells.iloc[:20]
    return first[first.map(looks_like_data)]


def _labels(table: Table, columns: list[str], date_format: str | None, days: Reading | None = None) -> Labels:
    kept = _labelled_rows(table, columns)
    cells = kept.cells[columns[0]]
    if len(columns) == 1:
        reading = choose(cells) if date_format is None else read_as(cells, date_format)
    else:
        reading = read_together(kept, columns, date_format, days)
    return Labels(columns, reading, kept)


def _labelled_rows(table: Table, columns: list[str]) -> Table:
    """Return the table without totals, and without notes at its end; refuse other rows without a label."""
    cells = table.cells[columns]
    empty = cells.isin(table.missing).any(axis=1).to_numpy()
    first = cells[columns[0]]
    keep = ~first.map(is_total).to_numpy(bool)
    for row in map(int, np.flatnonzero(empty)):
        keep[row] &= not any(map(is_total, table.cells.iloc[row]))
    end = len(keep)
    while end > 1 and (not keep[end - 1] or is_footer(first.iloc[end - 1])):
        end -= 1
    keep[end:] = False
    if not keep.any() or (~keep).sum() > len(keep) / 2:
        keep[:] = True
    if (empty & keep).any():
        line = table.cells.index[int((empty & keep).argmax())]
        raise ValueError(
            f"{in_words(columns)} has no date in line {line}: write it there, delete that line, or number "
            "the rows with --no-index"
        )
    return table.rows(keep)


def _together(table: Table, dates: Labels | None) -> Labels | None:
    """Return labels in several columns, which tell more rows apart than those in one."""
    if dates is not None and dates.reading.step != "day":
        return None
    for columns in sets_of_parts(table, dates.columns if dates is not None else []):
        try:
            found = _labels(table, columns, None, dates.reading if dates is not None else None)
        except ValueError:
            if dates is not None:  # a day with a time that is none, such as the hour 24
                raise
            continue  # another set may do; if none does, the error of a single column is the one to show
        if dates is None or found.n_distinct > dates.n_distinct:
            return found
    return None


# ---- whole numbers, and nothing --------------------------------------------------------------------------------------


def is_counter(table: Table, name: str) -> bool:
    """Whether a column without a name counts the rows, as pandas' ``to_csv()`` writes it."""
    cells = table.cells[name]
    if not name.startswith("Unnamed: ") or not all_match(cells, r"\d{1,9}"):
        return False
    return bool((np.diff(cells.astype(np.int64)) == 1).all())


def counts_or_dates(table: Table, name: str, *, first_counts: bool) -> bool:
    """Whether a column of numbers is no series by its name, or by increasing in the first column where that counts."""
    cells = table.cells[name]
    if plain(name) in INDEX_NAMES or is_counter(table, name):
        return True
    first = first_counts and name == table.cells.columns[0] and all_match(cells, r"\d+")
    return bool(first and (np.diff(cells.astype(float)) > 0).all())


def _may_count(labels: Labels, table: Table) -> bool:
    """Whether whole numbers are steps of time rather than values of the series."""
    name, reading = labels.columns[0], labels.reading
    if table.cells.shape[1] == 1:
        return False
    if plain(name) in INDEX_NAMES:
        return True
    steps = np.sign(np.diff(reading.labels.to_numpy()))
    ordered = bool(abs(steps.sum()) == len(steps))
    regular = reading.coverage >= LEAST_COVERAGE
    years = bool(((reading.labels >= 1500) & (reading.labels <= 2199)).all())
    if years and reading.labels.is_unique and reading.coverage >= 0.9:
        return True  # in any order
    if name == table.cells.columns[0]:
        return ordered
    return ordered and regular and years


def _raise_on_dates(table: Table, failures: dict[str, ValueError]) -> None:
    """Raise the error of the first column whose name or text says that it holds dates."""
    for name, error in failures.items():
        cells = table.cells[name]
        text = not all_match(_sample(cells), r"[+-]?[\d.,]+")
        named = plain(name) in INDEX_NAMES and not is_counter(table, name)
        if named or (text and _is_worth_reading(table, name)):
            raise error
        if name == table.cells.columns[0] and all_match(cells, r"\d+") and table.cells.shape[1] > 1:
            steps = np.sign(np.diff(cells.astype(float)))
            if abs(steps.sum()) == len(steps):
                raise error


def _raise_on_text(table: Table, failures: dict[str, ValueError]) -> None:
    """Raise the error of the first column with text, which a table of numbers does not have."""
    for name, error in failures.items():
        known = table.cells[name][~table.cells[name].isin(table.missing)]
        if not len(known) or any(looks_like_data(cell) for cell in known.iloc[:20]):
            continue
        raise error


def explain_number_gap(labels: Labels) -> str:
    """Return what to say of whole numbers most of whose steps are not there."""
    reading = labels.reading
    chosen = f"--index-column {shlex.quote(labels.columns[0])} --date-format {NUMBERS}"
    return (
        f"{labels.where} has {labels.n_distinct} whole numbers from {reading.span}, and {1 - reading.coverage:.0%} of "
        f"the steps between them would be missing; take them so with {chosen}; or number the rows with --no-index"
    )
