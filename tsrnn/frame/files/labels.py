"""Choice of the columns of a table with the labels of its rows: dates, dates in several columns, or integers."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .date_columns import INDEX_NAMES, find_date_columns, interpret_columns
from .date_formats import normalize_word
from .dates import choose_interpretation, interpret_as, no_dates_message
from .grid import MIN_COVERAGE
from .interpretations import NUMBER, Interpretation, find_interpretations, format_option
from .text_table import Report, TextTable, all_match, is_footer, is_total, looks_like_data, quoted


@dataclass(frozen=True)
class Labels:
    """Labels of the rows of a table.

    Attributes
    ----------
    columns : list of str
        Columns with the labels.
    interpretation : Interpretation
        The labels and how they were read.
    table : TextTable
        The rows with a label.
    """

    columns: list[str]
    interpretation: Interpretation
    table: TextTable

    @property
    def where(self) -> str:
        """The columns in words, for messages."""
        return describe_columns(self.columns)

    @property
    def n_distinct(self) -> int:
        """Number of different labels."""
        return int(self.interpretation.labels.nunique())


def describe_columns(columns: list[str]) -> str:
    """Return the names of columns as a phrase.

    Examples
    --------
    >>> describe_columns(["year", "month"])
    "columns 'year' and 'month'"
    """
    names = [repr(name) for name in columns]
    return f"column {names[0]}" if len(names) == 1 else f"columns {', '.join(names[:-1])} and {names[-1]}"


def read_labels(table: TextTable, index_column: str, date_format: str | None, report: Report) -> Labels:
    """Return the labels in a column, or in several columns whose names are separated by commas.

    Raises
    ------
    ValueError
        If there is no such column, or it has no labels.
    """
    columns = split_columns(table, index_column)
    for name in columns:
        table.column(name)
    found = _labels(table, columns, date_format)
    _report_dropped_rows(table, found, report)
    return found


def split_columns(table: TextTable, names: str) -> list[str]:
    """Return names that are separated by commas; a column of the table may have a comma in its own name."""
    return [names] if names in table.cells.columns else [name.strip() for name in names.split(",")]


def find_labels(table: TextTable, date_format: str | None, report: Report) -> Labels | None:
    """Return the labels of a table, None if no column may have labels; report which columns are used.

    Raises
    ------
    ValueError
        If there are several plausible interpretations, or text that looks like dates but cannot be read.
    """
    single, failures = _single_columns(table, date_format)
    dates = [candidate for candidate in single if candidate.interpretation.resolution != "number"]
    best = max(
        dates,
        key=lambda candidate: (candidate.n_distinct, candidate.interpretation.coverage * (date_format is None)),
        default=None,
    )
    if best is None or best.n_distinct < len(best.table.cells):
        best = _find_joint_labels(table, best) or best
    if best is None:
        _raise_on_dates(table, failures)
        counting = [candidate for candidate in single if _may_be_time(candidate, table)]
        best = min(counting, key=lambda candidate: is_counter(table, candidate.columns[0]), default=None)
    if best is None:
        _raise_on_text(table, failures)
        return None
    _report_dropped_rows(table, best, report)
    others = [
        candidate.columns[0] for candidate in dates if candidate.columns[0] not in best.columns and date_format is None
    ]
    is_usual = (
        (best.interpretation.is_standard or date_format is not None)
        and best.columns[0] == table.cells.columns[0]
        and len(best.columns) == 1
    )
    if not is_usual or others:
        report(_choice_message(best, others))
    return best


def _choice_message(labels: Labels, others: list[str]) -> str:
    """Return the sentence that reports the columns and the format of the labels."""
    interpretation, where = labels.interpretation, labels.where
    verb = "holds" if len(labels.columns) == 1 else "hold"
    subject = (
        f"{where[0].upper()}{where[1:]} {verb} the {'steps' if interpretation.resolution == 'number' else 'dates'}"
    )
    how = "" if interpretation.is_standard else f" ({format_option(interpretation)})"
    if len(labels.columns) > 1:
        how = f" (--index-column {shlex.quote(','.join(labels.columns))})"
    also = f"; dates are also in {', '.join(map(repr, others))} (--index-column)" if others else ""
    return f"{subject}: {interpretation.description} from {interpretation.span}{how}{also}."


def _report_dropped_rows(table: TextTable, labels: Labels, report: Report) -> None:
    """Report the rows that are dropped because they have no label."""
    out = table.cells.index.difference(labels.table.cells.index)
    if len(out):
        row = table.cells.loc[out[0]]
        cell = next((cell for cell in row if cell and not looks_like_data(cell)), row.iloc[0])
        more = f" and {len(out) - 1} more are" if len(out) > 1 else " is"
        report(f"Line {out[0]} of {table.source} ({quoted(cell)}){more} left out: a total or a note, not a date.")


# ---- single columns --------------------------------------------------------------------------------------------------


def _single_columns(table: TextTable, date_format: str | None) -> tuple[list[Labels], dict[str, ValueError]]:
    """Return the columns that can be read as labels, and the errors of the other columns by name."""
    found, failures = [], {}
    for name in table.cells.columns:
        try:
            if date_format is None and not _may_be_labels(table, name):
                raise ValueError(no_dates_message(table.cells[name].iloc[:20]))
            labels = _labels(table, [name], date_format)
        except ValueError as error:
            failures[name] = error
        else:
            found.append(labels)
    return found, failures


def _may_be_labels(table: TextTable, name: str) -> bool:
    """Whether the first cells may be labels; a long column of other text is then not parsed."""
    sample = _sample(table.cells[name])
    return len(sample) > 0 and bool(find_interpretations(sample))


def _sample(cells: pd.Series) -> pd.Series:
    """Return the first cells of a column, without those that are neither numbers nor dates."""
    first = cells.iloc[:20]
    return first[first.map(looks_like_data)]


def _labels(
    table: TextTable, columns: list[str], date_format: str | None, days: Interpretation | None = None
) -> Labels:
    """Return the labels in columns; raise a ValueError if they cannot be read."""
    kept = _rows_with_labels(table, columns)
    cells = kept.cells[columns[0]]
    if len(columns) == 1:
        interpretation = choose_interpretation(cells) if date_format is None else interpret_as(cells, date_format)
    else:
        interpretation = interpret_columns(kept, columns, date_format, days)
    return Labels(columns, interpretation, kept)


def _rows_with_labels(table: TextTable, columns: list[str]) -> TextTable:
    """Return the table without totals and without notes at its end; raise if other rows have no label."""
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
            f"{describe_columns(columns)} has no date in line {line}: write it there, delete that line, or number "
            "the rows with --no-index"
        )
    return table.rows(keep)


def _find_joint_labels(table: TextTable, dates: Labels | None) -> Labels | None:
    """Return labels in several columns, None if they distinguish no more rows than those of a single column."""
    if dates is not None and dates.interpretation.resolution != "day":
        return None
    for columns in find_date_columns(table, dates.columns if dates is not None else []):
        try:
            found = _labels(table, columns, None, dates.interpretation if dates is not None else None)
        except ValueError:
            if dates is not None:  # a day with an invalid time, such as the hour 24
                raise
            continue  # another set may match; if none does, the error of a single column is raised
        if dates is None or found.n_distinct > dates.n_distinct:
            return found
    return None


# ---- integers, or no labels at all -----------------------------------------------------------------------------------


def is_counter(table: TextTable, name: str) -> bool:
    """Whether a column without a name counts the rows, as pandas' ``to_csv()`` writes it."""
    cells = table.cells[name]
    if not name.startswith("Unnamed: ") or not all_match(cells, r"\d{1,9}"):
        return False
    return bool((np.diff(cells.astype(np.int64)) == 1).all())


def is_counter_or_date(table: TextTable, name: str, *, first_counts: bool) -> bool:
    """Whether a column of numbers is a counter or a date, by its name or, with `first_counts`, by increasing values."""
    cells = table.cells[name]
    if normalize_word(name) in INDEX_NAMES or is_counter(table, name):
        return True
    first = first_counts and name == table.cells.columns[0] and all_match(cells, r"\d+")
    return bool(first and (np.diff(cells.astype(float)) > 0).all())


def _may_be_time(labels: Labels, table: TextTable) -> bool:
    """Whether integers may be labels of time steps, and not values of the series."""
    name, interpretation = labels.columns[0], labels.interpretation
    if table.cells.shape[1] == 1:
        return False
    if normalize_word(name) in INDEX_NAMES:
        return True
    steps = np.sign(np.diff(interpretation.labels.to_numpy()))
    ordered = bool(abs(steps.sum()) == len(steps))
    regular = interpretation.coverage >= MIN_COVERAGE
    years = bool(((interpretation.labels >= 1500) & (interpretation.labels <= 2199)).all())
    if years and interpretation.labels.is_unique and interpretation.coverage >= 0.9:
        return True  # in any order
    if name == table.cells.columns[0]:
        return ordered
    return ordered and regular and years


def _raise_on_dates(table: TextTable, failures: dict[str, ValueError]) -> None:
    """Raise the error of the first column that should have dates by its name or its text."""
    for name, error in failures.items():
        cells = table.cells[name]
        text = not all_match(_sample(cells), r"[+-]?[\d.,]+")
        named = normalize_word(name) in INDEX_NAMES and not is_counter(table, name)
        if named or (text and _may_be_labels(table, name)):
            raise error
        if name == table.cells.columns[0] and all_match(cells, r"\d+") and table.cells.shape[1] > 1:
            steps = np.sign(np.diff(cells.astype(float)))
            if abs(steps.sum()) == len(steps):
                raise error


def _raise_on_text(table: TextTable, failures: dict[str, ValueError]) -> None:
    """Raise the error of the first column of text, which a table of numbers alone does not have."""
    for name, error in failures.items():
        present = table.cells[name][~table.cells[name].isin(table.missing)]
        if not len(present) or any(looks_like_data(cell) for cell in present.iloc[:20]):
            continue
        raise error


def sparse_numbers_message(labels: Labels) -> str:
    """Return the message for integers of which most steps are missing."""
    interpretation = labels.interpretation
    accept = f"--index-column {shlex.quote(labels.columns[0])} --date-format {NUMBER}"
    return (
        f"{labels.where} has {labels.n_distinct} integers from {interpretation.span}, and "
        f"{1 - interpretation.coverage:.0%} of the steps between them would be missing; accept this with "
        f"{accept}; or number the rows with --no-index"
    )
