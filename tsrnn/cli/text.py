"""Text of the command line: messages, numbers and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..messages import format_label, shorten
from ..shell import MAX_LENGTH

if TYPE_CHECKING:
    import pandas as pd

#: Names of steps by pandas' frequency code.
STEPS = {
    "YS": "years", "YE": "years", "Y": "years", "QS": "quarters", "QE": "quarters", "Q": "quarters",
    "MS": "months", "ME": "months", "M": "months", "W": "weeks", "D": "days", "B": "business days",
    "h": "hours", "min": "minutes", "s": "seconds",
}  # fmt: skip


def report(text: str, nl: bool = True) -> None:
    """Print a message on standard error."""
    click.echo(shorten(text, MAX_LENGTH), err=True, nl=nl)


def step_name(index: pd.Index) -> str:
    """Return the name of the steps of a series, such as "months"."""
    code = str(getattr(index, "freqstr", "")).split("-")[0]
    return STEPS.get(code, "steps")


def span(y: pd.Series) -> str:
    """Return the first and the last label of a series."""
    first, last = format_label(y.index[0]), format_label(y.index[-1])
    return f"{first} to {last}" if len(y) > 1 else first


def count(n: int, step: str) -> str:
    """Return a number of steps, such as "12 months"; "month" for one, as in "the last month"."""
    return f"{n} {step}" if n > 1 else step.removesuffix("s")


def decimals_for(errors: list[float]) -> int:
    """Return the number of decimals that shows the smallest error, if not below 0.1 % of the largest, with 3 digits."""
    import math

    finite = [error for error in errors if 0 < error < math.inf]
    return max(0, 2 - math.floor(math.log10(max(min(finite), max(finite) / 1000)))) if finite else 3


def number(value: float, n_decimals: int) -> str:
    """Return a number with so many decimals; of more than 9, in scientific notation with the same last digit."""
    import math

    if n_decimals <= 9:
        return f"{value:.{n_decimals}f}"
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return f"{value:.{min(16, max(0, n_decimals + math.floor(math.log10(abs(value)))))}e}"


def print_table(rows: list[tuple[str, ...]]) -> None:
    """Print a table, the first column aligned to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        click.echo("  " + "   ".join(cells).rstrip())


def default_horizon(n: int, season: int) -> int:
    """Return one season, or 12 without a season; at most a quarter of the series."""
    return max(1, min(season if season > 1 else 12, n // 4))


def with_coverage(interval: float | None) -> str:
    """Return the end of a title that says which intervals a plot has."""
    return "" if interval is None else f", with {100 * interval:g} % intervals"
