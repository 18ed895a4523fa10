"""Members of an ensemble: their names, their fits, and errors that name them."""

from __future__ import annotations

import html
import inspect
import time
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from ..checks import Anything, shown
from ..exceptions import MemberWarning
from .base import UPDATED, BaseForecaster
from .history import History
from .probabilistic import ProbabilisticForecaster

#: Fitted attributes that are the same of the ensemble and of all members, which hold no copies of them.
SHARED = (*UPDATED, "static_")
#: Arguments that are the same for all members, or that tell nothing about a forecast.
UNSHOWN = ("horizon", "random_state", "n_jobs", "verbose")
#: Style of the table in HTML.
STYLE = (
    ".tsrnn-members {display: table !important; border-collapse: collapse; margin: 0.5em 0} "
    ".tsrnn-members th, .tsrnn-members td {padding: 0.1em 0.8em; vertical-align: top} "
    ".tsrnn-members td:nth-child(5) {min-width: 24em}"
)


class Member(NamedTuple):
    """What became of a member of an ensemble.

    Attributes
    ----------
    name : str
    arguments : str
        Its class with the arguments that are not defaults; without horizon and seed.
    forecaster : BaseForecaster or None
        The fitted copy; None if it was left out.
    weight : float
        Its weight; 0 if it was left out.
    seconds : float
        Duration of its fit.
    reason : str or None
        Why it was left out: why its fit failed, or why there was none.
    """

    name: str
    arguments: str
    forecaster: BaseForecaster | None
    weight: float
    seconds: float
    reason: str | None


def pairs_of(members: Anything) -> list[tuple[Any, Any]]:
    """Names and members as they are given, checked or not; without a name it is that of the class, and a number."""
    if isinstance(members, Mapping):
        return list(members.items())
    listed = members if isinstance(members, list | tuple) else ()
    pairs: list[tuple[Any, Any]] = []
    n_of: Counter[str] = Counter()
    for member in listed:
        if isinstance(member, list | tuple) and len(member) == 2:
            pairs.append((member[0], member[1]))
        else:
            of_class = member.__name__ if isinstance(member, type) else type(member).__name__
            n_of[of_class] += 1
            pairs.append((of_class if n_of[of_class] == 1 else f"{of_class}_{n_of[of_class]}", member))
    return pairs


def checked_pairs(members: Anything, arguments: Collection[str]) -> list[tuple[str, BaseForecaster]]:
    """Names and members, with an error where they are not what they must be; `arguments` are no names."""
    form = "a list of forecasters, a list of (name, forecaster), or a dict of forecasters by name"
    if not isinstance(members, list | tuple | Mapping):
        raise TypeError(f"members={shown(members)} must be {form}")
    pairs = pairs_of(members)
    if not pairs:
        raise ValueError(f"members={shown(members)} is empty; pass at least one forecaster, in {form}")
    for k, (name, member) in enumerate(pairs):
        if not isinstance(name, str):
            raise TypeError(f"members[{k}] has the name {shown(name)}, but a name is a text; pass another one")
        if name in arguments or "__" in name or not name:
            raise ValueError(
                f"members has the name {name!r}, but a name is not empty, has no '__', and is no argument of "
                "EnsembleForecaster, since set_params could not reach it; rename the member"
            )
        if name in [earlier for earlier, _ in pairs[:k]]:
            raise ValueError(f"members has the name {name!r} more than once; rename one of these")
        if isinstance(member, type):
            raise TypeError(
                f"member {name!r} is the class {member.__name__}; pass an object of it, {member.__name__}(...)"
            )
        if not isinstance(member, BaseForecaster):
            raise TypeError(
                f"member {name!r} is {shown(member)}, but members are forecasters of tsrnn, such as NaiveForecaster()"
            )
    return pairs


def fit_member(
    name: str, member: BaseForecaster, weight: float, history: History, *, is_kept: bool, ignored: tuple[type, ...] = ()
) -> Member:
    """Fit a member without `ignored` warnings; if it fails, an error with its name, or with `is_kept` the reason."""
    start = time.perf_counter()
    try:
        stopping: Any = getattr(member, "early_stopping", None)
        if getattr(stopping, "validation", None) is not None and stopping.refit_full:
            raise ValueError(
                "EarlyStopping(validation=..., refit_full=True) makes its forecasts begin after other rows than those "
                "of the other members; use refit_full=False, or validation_size="
            )
        with warnings.catch_warnings():
            for category in ignored:
                warnings.simplefilter("ignore", category)
            member._fit_to(history.with_season_lengths(member._seasons_to_read()), is_named=False)
    except Exception as failure:
        if not is_kept:
            raise error_of(name, failure) from failure
        return Member(
            name, described(member), None, 0.0, time.perf_counter() - start, f"{type(failure).__name__}: {failure}"
        )
    for attribute in SHARED:
        del member.__dict__[attribute]
    return Member(name, described(member), member, weight, time.perf_counter() - start, None)


def described(member: BaseForecaster) -> str:
    """The class of a member and its arguments that are not defaults; `UNSHOWN` are not those of the member."""
    defaults = {name: each.default for name, each in inspect.signature(type(member)).parameters.items()}
    given = [
        f"{name}={shown(value)}"
        for name, value in member.get_params(deep=False).items()
        if name not in UNSHOWN and shown(value) != shown(defaults[name])
    ]
    return f"{type(member).__name__}({', '.join(given)})"


# ---------------------------------------------------------------- tables
def _cells(members: Sequence[Member]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows of a table of the members; the reasons are its last column, if there are some."""
    heads = ["member", "forecaster", "weight", "seconds"]
    rows = [[each.name, each.arguments, f"{each.weight:g}", f"{each.seconds:.2f}"] for each in members]
    if any(each.reason is not None for each in members):
        heads.append("left out because")
        rows = [[*row, each.reason or ""] for row, each in zip(rows, members, strict=True)]
    return heads, rows


def text_table(members: Sequence[Member]) -> str:
    """A line for each member: name, forecaster, weight, seconds, and why it was left out."""
    heads, rows = _cells(members)
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = []
    for name, forecaster, weight, seconds, *reason in (heads, *rows):
        cells = [name.ljust(widths[0]), forecaster.ljust(widths[1]), weight.rjust(widths[2]), seconds.rjust(widths[3])]
        lines.append("  ".join([*cells, *(" ".join(each.split()) for each in reason)]).rstrip())
    return "\n".join(lines)


def html_table(members: Sequence[Member]) -> str:
    """The same as a table in HTML; numbers are aligned to the right.

    Like scikit-learn's diagram it is hidden without its style, where a notebook shows the text in their place.
    """
    heads, rows = _cells(members)
    aligned = ["left", "left", "right", "right", "left"]
    lines = []
    for tag, row in (("th", heads), *(("td", row) for row in rows)):
        cells = (
            f'<{tag} style="text-align: {side}">{html.escape(cell, quote=False)}</{tag}>'
            for side, cell in zip(aligned, row, strict=False)
        )
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f'<style>{STYLE}</style><table class="tsrnn-members" hidden>{"".join(lines)}</table>'


def report_failures(members: Sequence[Member]) -> None:
    """Warn of the members that are left out; an error if none with a weight is left."""
    failed = [f"{each.name!r}: {each.reason}" for each in members if each.reason is not None]
    if not any(each.weight for each in members):
        raise ValueError(f"no member of the ensemble with a weight could be fitted: {'; '.join(failed)}")
    if failed:
        message = f"{len(failed)} of {len(members)} members could not be fitted and are left out: {'; '.join(failed)}"
        warnings.warn(message, MemberWarning, stacklevel=7)


def probabilistic(member: BaseForecaster) -> ProbabilisticForecaster:
    """The member, with an error if it has neither quantiles nor paths."""
    if not isinstance(member, ProbabilisticForecaster):
        raise ValueError(
            f"{type(member).__name__} has no quantiles and no sample paths to combine; leave it out, or give it the "
            "weight 0"
        )
    return member


@contextmanager
def named(name: str) -> Iterator[None]:
    """Name the member whose error it is."""
    try:
        yield
    except Exception as error:
        raise error_of(name, error) from error


def error_of(name: str, error: Exception) -> Exception:
    """An error that names its member, of the same kind as far as users expect one."""
    for kind in (TypeError, ValueError, FloatingPointError):
        if isinstance(error, kind):
            return kind(f"member {name!r}: {error}")
    return RuntimeError(f"member {name!r}: {type(error).__name__}: {error}")
