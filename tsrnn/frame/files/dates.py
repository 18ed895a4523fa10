"""The dates of a column: the one of its readings that is plausible, or the one that the caller chooses.

Where a column reads in one way only, that is taken. Where it reads in several, the one that makes a regular grid of
time steps is taken if the others make none; otherwise the readings are format_label, and the caller chooses.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from .cells import all_match, short
from .formats import candidate_formats, read_dates, step_of
from .grid import LEAST_COVERAGE
from .readings import WORDS, Reading, option, read_format, read_word, readings

#: A reading is in question where its coverage is at least this share of the best one's.
CLOSE = 0.75


def choose(cells: pd.Series) -> Reading:
    """Return the only plausible reading of a column.

    Parameters
    ----------
    cells : Series of str
        The text; its name is that of the column, its index the line of each cell.

    Raises
    ------
    ValueError
        If there is none, or several; the message shows them.

    Examples
    --------
    >>> choose(pd.Series(["Nov-15", "Dec-15", "Jan-16"])).date_format
    '%b-%y'
    """
    return decide(cells, readings(cells))


def decide(cells: pd.Series, found: list[Reading]) -> Reading:
    """Return the only plausible one of a column's readings; see `choose`."""
    if not found:
        raise ValueError(unreadable(cells))
    if len(found) == 1 and not found[0].lacks and "%y" not in found[0].date_format:
        return found[0]
    best = max(reading.coverage for reading in found)
    contenders = [reading for reading in found if reading.coverage >= CLOSE * best]
    lacking = [reading for reading in contenders if reading.lacks]
    if len(contenders) == 1 and not lacking and (best >= LEAST_COVERAGE or len(found) == 1):
        distinct = [reading for reading in found if reading.lacks and reading.labels.is_unique]
        if distinct and "%y" in contenders[0].date_format and contenders[0].labels.has_duplicates:
            raise ValueError(_incomplete(cells, distinct[0].lacks))  # 01-Jan again and again is the first of January
        return contenders[0]
    if len(lacking) == len(contenders):
        raise ValueError(_incomplete(cells, lacking[0].lacks))
    raise ValueError(_unclear(cells, contenders))


def read_as(cells: pd.Series, date_format: str) -> Reading:
    """Return the reading that ``--date-format`` chooses.

    Parameters
    ----------
    cells : Series of str
        The text of a column.
    date_format : str
        A format, or one of `WORDS`.

    Raises
    ------
    ValueError
        If the format names no whole date, or text does not fit it.
    """
    if date_format in WORDS:
        reading = read_word(cells, date_format)
    else:
        _, lacks = step_of(date_format)
        if lacks:
            raise ValueError(
                f"--date-format {date_format!r} has no {lacks}, and nothing is filled in; a date's format has a year "
                "and finer parts, such as %d/%m/%Y or %b-%y"
            )
        reading = read_format(cells, date_format)
    if reading is None:
        row = 0 if date_format in WORDS else int(np.isnat(read_dates(cells, date_format)[0]).argmax())
        wrong = f"{short(cells.iloc[row])} in line {cells.index[row]}"
        raise ValueError(f"column {cells.name!r} cannot be read as dates: {wrong} is not of the format {date_format}")
    return reading


# ---- words -----------------------------------------------------------------------------------------------------------


def _unclear(cells: pd.Series, found: list[Reading]) -> str:
    ways = [
        f"{each.words}, which cannot be used" if each.lacks else f"{each.words} from {each.span} ({option(each)})"
        for each in found
    ]
    first, line = cells.iloc[0], cells.index[0]
    if len(found) == 1:
        return (
            f"column {cells.name!r} has {short(first)} in line {line}; read as {ways[0]}, fewer than half of the steps "
            "would be there; with that option they are taken so, and --no-index numbers the rows"
        )
    listed = "; or ".join(ways)
    return f"column {cells.name!r} has {short(first)} in line {line}, which reads in several ways: as {listed}"


def _incomplete(cells: pd.Series, lacks: str) -> str:
    first, line = cells.iloc[0], cells.index[0]
    return (
        f"column {cells.name!r} has {short(first)} in line {line}, which has no {lacks}, and none is filled in: write "
        f"the {lacks} in the file, or number the rows with --no-index"
    )


def unreadable(cells: pd.Series) -> str:
    """Return why a column cannot be read as dates, with the first cell that is to blame."""
    if all_match(cells, r"[+-]?\d*[.,]?\d+(?:[eE][+-]?\d+)?"):
        line, cell = next((item for item in cells.items() if not re.fullmatch(r"[+-]?\d+", item[1])), ("", ""))
        return (
            f"column {cells.name!r} has {cell} in line {line}, which is no date and no whole number; name the column "
            "with dates with --index-column, or number the rows with --no-index"
        )
    best, line = cells.iloc[0], cells.index[0]
    most = 0
    for date_format in candidate_formats(cells.iloc[0]):
        if step_of(date_format)[1]:
            continue
        wrong = np.isnat(read_dates(cells, date_format)[0])
        if (n := int(wrong.argmax())) > most:
            most, best, line = n, cells.iloc[n], cells.index[n]
    return (
        f"column {cells.name!r} cannot be read as dates: {short(best)} in line {line}. Name the column with dates with "
        "--index-column, say how they are written with --date-format, such as %d/%m/%Y, or number the rows with "
        "--no-index"
    )
