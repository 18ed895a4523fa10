"""Choice among the interpretations of a column: the only plausible one, or the one that the user names.

If a column has several interpretations and only one of them makes a regular grid of time steps, that one is used;
otherwise the error lists them with the options that choose them.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from .date_formats import candidate_formats, format_resolution, read_dates
from .grid import MIN_COVERAGE
from .interpretations import (
    FORMAT_NAMES,
    Interpretation,
    find_interpretations,
    format_option,
    interpret_format,
    interpret_named_format,
)
from .text_table import all_match, quoted

#: An interpretation is plausible if its coverage is at least this fraction of the best one's.
_CLOSE = 0.75


def choose_interpretation(cells: pd.Series) -> Interpretation:
    """Return the only plausible interpretation of a column.

    Parameters
    ----------
    cells : Series of str of length n
        Text of the column, with the name of the column and the line of each cell as index.

    Returns
    -------
    Interpretation

    Raises
    ------
    ValueError
        If there is none, or several; the message lists them.

    Examples
    --------
    >>> choose_interpretation(pd.Series(["Nov-15", "Dec-15", "Jan-16"])).date_format
    '%b-%y'
    """
    return choose_plausible(cells, find_interpretations(cells))


def choose_plausible(cells: pd.Series, found: list[Interpretation]) -> Interpretation:
    """Return the only plausible one of the interpretations of a column; see `choose_interpretation`."""
    if not found:
        raise ValueError(no_dates_message(cells))
    if len(found) == 1 and not found[0].missing_part and "%y" not in found[0].date_format:
        return found[0]
    best = max(interpretation.coverage for interpretation in found)
    plausible = [interpretation for interpretation in found if interpretation.coverage >= _CLOSE * best]
    incomplete = [interpretation for interpretation in plausible if interpretation.missing_part]
    if len(plausible) == 1 and not incomplete and (best >= MIN_COVERAGE or len(found) == 1):
        distinct = [
            interpretation
            for interpretation in found
            if interpretation.missing_part and interpretation.labels.is_unique
        ]
        if distinct and "%y" in plausible[0].date_format and plausible[0].labels.has_duplicates:
            raise ValueError(
                _incomplete_message(cells, distinct[0].missing_part)
            )  # 01-Jan many times is 1 January, not January 2001
        return plausible[0]
    if len(incomplete) == len(plausible):
        raise ValueError(_incomplete_message(cells, incomplete[0].missing_part))
    raise ValueError(_ambiguous_message(cells, plausible))


def interpret_as(cells: pd.Series, date_format: str) -> Interpretation:
    """Return the interpretation that ``--date-format`` chooses.

    Parameters
    ----------
    cells : Series of str of length n
        Text of the column.
    date_format : str
        A format, or one of `FORMAT_NAMES`.

    Returns
    -------
    Interpretation

    Raises
    ------
    ValueError
        If parts of a date are missing in the format, or text does not match it.
    """
    if date_format in FORMAT_NAMES:
        interpretation = interpret_named_format(cells, date_format)
    else:
        _, missing_part = format_resolution(date_format)
        if missing_part:
            raise ValueError(
                f"--date-format {date_format!r} has no {missing_part}, and nothing is filled in; give a format with a "
                "year and finer parts, such as %d/%m/%Y or %b-%y"
            )
        interpretation = interpret_format(cells, date_format)
    if interpretation is None:
        row = 0 if date_format in FORMAT_NAMES else int(np.isnat(read_dates(cells, date_format)[0]).argmax())
        wrong = f"{quoted(cells.iloc[row])} in line {cells.index[row]}"
        raise ValueError(
            f"column {cells.name!r} cannot be read as dates: {wrong} does not match the format {date_format}; correct "
            "it, or give another format with --date-format"
        )
    return interpretation


# ---- messages --------------------------------------------------------------------------------------------------------


def _ambiguous_message(cells: pd.Series, found: list[Interpretation]) -> str:
    """Return the message for several plausible interpretations, or for a single one with many missing steps."""
    options = [
        f"{candidate.description}, which cannot be used"
        if candidate.missing_part
        else f"{candidate.description} from {candidate.span} ({format_option(candidate)})"
        for candidate in found
    ]
    first, line = cells.iloc[0], cells.index[0]
    if len(found) == 1:
        return (
            f"column {cells.name!r} has {quoted(first)} in line {line}; read as {options[0]}, more than half of the "
            "steps would be missing; use that option to accept this, or number the rows with --no-index"
        )
    listed = "; or ".join(options)
    return (
        f"column {cells.name!r} has {quoted(first)} in line {line}, which has several meanings; choose one by its "
        f"option: {listed}"
    )


def _incomplete_message(cells: pd.Series, missing_part: str) -> str:
    """Return the message for dates with a missing part, such as the year."""
    first, line = cells.iloc[0], cells.index[0]
    return (
        f"column {cells.name!r} has {quoted(first)} in line {line}, which has no {missing_part}, and none is filled "
        f"in: write the {missing_part} in the file, or number the rows with --no-index"
    )


def no_dates_message(cells: pd.Series) -> str:
    """Return the message for a column that cannot be read as dates, with the first cell that is wrong."""
    if all_match(cells, r"[+-]?\d*[.,]?\d+(?:[eE][+-]?\d+)?"):
        line, cell = next((item for item in cells.items() if not re.fullmatch(r"[+-]?\d+", item[1])), ("", ""))
        return (
            f"column {cells.name!r} has {cell} in line {line}, which is no date and no integer; name the column "
            "with dates with --index-column, or number the rows with --no-index"
        )
    best, line = cells.iloc[0], cells.index[0]
    n_best = 0
    for date_format in candidate_formats(cells.iloc[0]):
        if format_resolution(date_format)[1]:
            continue
        wrong = np.isnat(read_dates(cells, date_format)[0])
        if (n := int(wrong.argmax())) > n_best:
            n_best, best, line = n, cells.iloc[n], cells.index[n]
    return (
        f"column {cells.name!r} cannot be read as dates: {quoted(best)} in line {line}; name the column with dates "
        "with --index-column, give their format with --date-format, such as %d/%m/%Y, or number the rows with "
        "--no-index"
    )
