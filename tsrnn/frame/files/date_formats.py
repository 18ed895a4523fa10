"""Date formats such as ``%d/%m/%Y``: parsing of text by a format, and the formats that a text may have.

Missing parts are never filled in. A text without a year is no date, a month without a day is a month, and a day that
does not exist (31 June) is no date. General date parsers do not guarantee this.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from functools import cache

import numpy as np
import pandas as pd

#: Names of the months in English, German, French, Spanish, Italian, Portuguese and Dutch, without accents.
_NAMES = (
    "january jan januar janner janvier janv enero ene gennaio gen janeiro januari",
    "february feb februar fevrier fevr fev febrero febbraio fevereiro februari",
    "march mar marz mrz mars marzo marco maart mrt",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mag maio mei",
    "june jun juni juin junio giugno giu junho",
    "july jul juli juillet juil julio luglio lug julho",
    "august aug aout agosto ago augustus",
    "september sept sep septembre septiembre settembre set setembro",
    "october oct oktober okt octobre octubre ottobre ott outubro out",
    "november nov novembre noviembre novembro",
    "december dec dezember dez decembre diciembre dic dicembre dezembro",
)
MONTHS = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
_WEEKDAY_NAMES = (
    "monday mon tuesday tue tues wednesday wed thursday thu thur thurs friday fri saturday sat sunday sun "
    "montag mo dienstag di mittwoch mi donnerstag do freitag fr samstag sa sonntag so"
)
_WEEKDAYS = frozenset(_WEEKDAY_NAMES.split())
_QUARTER_WORDS, _WEEK_WORDS = {"q", "qtr", "quarter", "quartal", "trimestre"}, {"w", "wk", "week", "kw", "woche"}
_MONTH_WORDS, _LITERAL_WORDS = {"m"}, {"t", "de", "of", "the"} | {"st", "nd", "rd", "th"}

#: Patterns of the directives; those of `_PADDED` apply where two directives follow each other without a separator.
_DIRECTIVES = {
    "Y": r"(?P<Y>\d{4})", "G": r"(?P<Y>\d{4})", "y": "['\u2019]?(?P<y>\\d\\d)",
    "q": r"(?P<q>[1-4])", "j": r"(?P<j>\d{1,3})",
    "m": r"(?P<m>\d{1,2})", "d": r"(?P<d>\d{1,2})(?:st|nd|rd|th)?", "V": r"(?P<V>\d{1,2})", "u": r"(?P<u>[1-7])",
    "b": r"(?P<b>[^\W\d_]+)\.?", "a": r"[^\W\d_]+\.?", "H": r"(?P<H>\d{1,2})", "I": r"(?P<H>\d{1,2})",
    "M": r"(?P<M>\d{2})", "S": r"(?P<S>\d{2})", "f": r"(?P<f>\d{1,9})", "p": r"(?P<p>[AaPp])\.?[Mm]\.?",
    "z": r"(?P<z>Z|UTC|GMT|[+-]\d\d:?\d\d)",
}  # fmt: skip
_PADDED = {
    "j": r"(?P<j>\d{3})", "m": r"(?P<m>\d\d)", "d": r"(?P<d>\d\d)", "V": r"(?P<V>\d\d)", "H": r"(?P<H>\d\d)",
    "I": r"(?P<H>\d\d)", "y": r"(?P<y>\d\d)",
}  # fmt: skip
_CLOCK_NAMES = {"H", "I", "M", "S", "f", "p", "z"}
_ALIASES = {"B": "b", "h": "b", "A": "a", "F": "Y-%m-%d", "T": "H:%M:%S", "R": "H:%M", "D": "m/%d/%y"}

#: Resolution of each set of directives that makes a date.
_RESOLUTIONS = {
    "Ymd": "day", "Yj": "day", "YVu": "day", "Ym": "month", "Yq": "quarter", "YV": "week", "Y": "year",
}  # fmt: skip
#: Missing part of common sets of directives that make no date.
_MISSING_PARTS = {"md": "year", "m": "year", "q": "year", "V": "year", "d": "month and year", "": "date"}
#: Orders of year, month and day that are not in use.
_IMPLAUSIBLE_ORDERS = {"Ydm", "ydm", "dYm", "dym", "mYd", "myd", "Yd", "dY", "yd", "dy"}

_CLOCK = re.compile(
    r"(?P<gap>(?<=\d)[Tt]|[, ]*)(?<!\d)(?:\d{1,2}(?P<M>:\d\d)(?:(?P<S>:\d\d)(?P<f>[.,]\d+)?)?|\d{1,2}(?=\s*[ap]m))"
    r"(?P<p>\s*[ap]\.?m\b\.?)?(?P<z>\s*(?:Z|UTC|GMT|[+-]\d\d:?\d\d)$)?",
    re.IGNORECASE,
)
#: Formats of text that is all digits, by its length.
_DIGIT_FORMATS = {
    4: ["%y%m"], 5: ["%Y%q"], 6: ["%Y%m", "%G%V", "%y%m%d", "%d%m%y", "%m%d%y"], 7: ["%Y%j"],
    8: ["%Y%m%d", "%d%m%Y", "%m%d%Y"], 10: ["%Y%m%d%H"], 12: ["%Y%m%d%H%M"], 14: ["%Y%m%d%H%M%S"],
}  # fmt: skip

_DAY = np.timedelta64(1, "D")


def normalize_word(text: str) -> str:
    """Return a word in lower case, without accents and without the dot of an abbreviation.

    Examples
    --------
    >>> normalize_word("Févr.")
    'fevr'
    """
    import unicodedata

    letters = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).rstrip(".")


def directives(date_format: str) -> list[str]:
    """Return the letters of the directives in a format, with shortcuts such as ``%F`` expanded.

    Raises
    ------
    ValueError
        If there is none, or one is unknown.

    Examples
    --------
    >>> directives("%b %F")
    ['b', 'Y', 'm', 'd']
    """
    found = re.findall("%(.)", _expanded(date_format).replace("%%", ""))
    unknown = [letter for letter in found if letter not in _DIRECTIVES]
    if unknown or not found:
        wrong = f"has %{unknown[0]}" if unknown else "has no directive"
        known = ", ".join(f"%{letter}" for letter in _DIRECTIVES)
        raise ValueError(f"--date-format {date_format!r} {wrong}; use some of {known}")
    return found


def format_resolution(date_format: str) -> tuple[str, str]:
    """Return the resolution of a format and "", or "" and the part that is missing for a date.

    Returns
    -------
    resolution : {"year", "quarter", "month", "week", "day", "time", ""}
        Resolution of the dates.
    missing_part : str
        For example "year"; "single meaning" if directives contradict or repeat each other.

    Examples
    --------
    >>> format_resolution("%b-%y"), format_resolution("%d %b"), format_resolution("%H:%M")
    (('month', ''), ('', 'year'), ('', 'date'))
    """
    found = directives(date_format)
    names = [
        "m" if name == "b" else "Y" if name in "Gy" else name for name in found if name not in _CLOCK_NAMES | {"a"}
    ]
    if sorted(found) == ["Y", "y"]:
        names = ["Y"]  # 2014/15, a year that begins in 2014
    if len(set(names)) < len(names):
        return "", "single meaning"
    key = "".join(sorted(names, key="YmqVjdu".index))
    timed = bool(_CLOCK_NAMES & set(found))
    step = _RESOLUTIONS.get(key, "")
    if timed and (step not in ("", "day") or not {"H", "I"} & set(found)):
        return "", "day" if step else "hour"
    if step:
        return ("time" if timed else step), ""
    return "", _MISSING_PARTS.get(key, "single meaning")


def candidate_formats(text: str) -> list[str]:
    """Return the formats that a text may have, including formats without a year or without a date.

    Examples
    --------
    >>> candidate_formats("15-Jan")
    ['%d-%b', '%y-%b']
    >>> candidate_formats("Q1 2015")
    ['Q%q %Y']
    """
    if text.isdigit():
        return _DIGIT_FORMATS.get(len(text), [])
    clock = _CLOCK.search(text)
    if clock is None:
        before, middle, after = text, "", ""
    else:
        before, middle, after = text[: clock.start()], _clock_format(clock), text[clock.end() :]
    split = [re.findall(r"\d+|[^\W\d_]+|[\W_]", part) for part in (before, after)]
    tokens = split[0] + split[1]
    options = _token_formats(tokens)
    if any(not option for option in options):
        return []
    found = []
    for choice in itertools.product(*options):
        n = len(split[0])
        date_format = ("".join(choice[:n]) + middle + "".join(choice[n:])).replace("%b. ", "%b ")
        if "%" not in date_format or re.search(r"%\w,%", date_format):
            continue  # no directive, or a decimal comma
        step, missing_part = format_resolution(date_format)
        order = "".join("m" if name == "b" else name for name in directives(date_format) if name in "Yymbd")
        if directives(date_format) == ["m"]:
            continue  # any small number may be a month
        if (step or missing_part in ("year", "date")) and order not in _IMPLAUSIBLE_ORDERS:
            found.append(date_format)
    return found


def _clock_format(clock: re.Match[str]) -> str:
    """Return the format of a time of day, with the text before it."""
    hour = "%I" if clock["p"] else "%H"
    parts = [clock["gap"], hour, ":%M" if clock["M"] else "", ":%S" if clock["S"] else ""]
    if clock["f"]:
        parts.append(clock["f"][0] + "%f")
    for name in "pz":
        if clock[name]:
            parts.append(" " * clock[name].startswith(" ") + f"%{name}")
    return "".join(parts)


def _token_formats(tokens: list[str]) -> list[list[str]]:
    """Return the directives or literal texts that each token may be; an empty list for a token not used in dates."""
    options = [_formats_of_token(token) for token in tokens]
    words = [normalize_word(token) for token in tokens]
    for i, word in enumerate(words):
        if word in _QUARTER_WORDS | _WEEK_WORDS | _MONTH_WORDS:
            directive = "%q" if word in _QUARTER_WORDS else "%V" if word in _WEEK_WORDS else "%m"
            near = [j for j in range(i + 1, len(tokens)) if tokens[j].isdigit()][:1]
            near += [j for j in range(i - 1, -1, -1) if tokens[j].isdigit()][:1]
            size = 1 if directive == "%q" else 2
            owned = next((j for j in near if len(tokens[j]) <= size), None)
            options[i] = [] if owned is None else [tokens[i]]
            if owned is not None:
                options[owned] = [directive]
                if directive == "%V":
                    options = _with_iso_years(tokens, options, owned)
        elif word in ("st", "nd", "rd", "th"):
            follows = i > 0 and tokens[i - 1].isdigit()
            options[i] = [""] if follows else []  # the pattern of %d includes these letters
            if follows:
                options[i - 1] = ["%d"]
    return options


def _with_iso_years(tokens: list[str], options: list[list[str]], week: int) -> list[list[str]]:
    """Read four digits beside the number of a week as its ISO year, and one digit as its weekday."""
    beside = {4: ["%G"], 1: ["%u"]}
    return [
        beside.get(len(token), option) if token.isdigit() and i != week else option
        for i, (token, option) in enumerate(zip(tokens, options, strict=True))
    ]


def _formats_of_token(token: str) -> list[str]:
    """Return the directives or the literal text that a single token may be."""
    if token.isdigit():
        by_size = {1: ["%d", "%m"], 2: ["%d", "%m", "%y"], 3: ["%j"], 4: ["%Y"], 8: ["%Y%m%d"]}
        return by_size.get(len(token), [])
    word = normalize_word(token)
    if word in MONTHS:
        return ["%b"]
    if word in _WEEKDAYS:
        return ["%a"]
    return [token] if word in _LITERAL_WORDS or token in " -/.,:'\u2019()_" else []


# ---- parsing ---------------------------------------------------------------------------------------------------------


def read_dates(cells: pd.Series, date_format: str, first_year: int = 1950) -> tuple[np.ndarray, np.ndarray]:
    """Parse text by a format without missing parts.

    Parameters
    ----------
    cells : Series of str of length n
        The text, without blanks around it.
    date_format : str
        The format. ``%q`` is the number of a quarter.
    first_year : int, default=1950
        First of the hundred years that ``%y`` covers.

    Returns
    -------
    dates : ndarray of datetime64[us] of shape (n,)
        Local time; the first instant of a month, quarter, ISO week or year. NaT for text of another form and for dates
        that do not exist.
    offsets : ndarray of float64 of shape (n,)
        Offsets from UTC in minutes, NaN where the text has none.

    Examples
    --------
    >>> read_dates(pd.Series(["Q2 2015", "Q5 2015"]), "Q%q %Y")[0].astype("M8[D]")
    array(['2015-04-01',        'NaT'], dtype='datetime64[D]')
    """
    pattern = re.compile(_regex(_expanded(date_format)))
    none = ("0",) * pattern.groups
    matches = [pattern.match(cell) for cell in cells]
    fits = np.array([match is not None for match in matches])
    groups = zip(*(none if match is None else match.groups() for match in matches), strict=True)
    parts = dict(zip(pattern.groupindex, groups, strict=True))
    values = {name: _numbers(parts[name], name) for name in parts if name not in ("p", "z")}
    days, valid = _days(values, first_year)
    hours = values.get("H", np.zeros(len(cells), np.int64))
    if "p" in parts:
        valid &= (hours >= 1) & (hours <= 12)
        hours = hours % 12 + 12 * np.array([half in "pP" for half in parts["p"]])
    minutes, seconds = (values.get(name, np.zeros(len(cells), np.int64)) for name in "MS")
    valid &= fits & (hours < 24) & (minutes < 60) & (seconds < 60)
    dates = days.astype("datetime64[us]") + ((hours * 60 + minutes) * 60 + seconds) * np.timedelta64(10**6, "us")
    dates += values.get("f", np.int64(0)) * np.timedelta64(1, "us")
    return np.where(valid, dates, np.datetime64("NaT", "us")), _offsets(parts, len(cells))


def _days(values: dict[str, np.ndarray], first_year: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the days, (n,) of datetime64[D], and whether each exists, (n,) of bool."""
    two_digits = values.get("y")
    year = values["Y"] if "Y" in values else first_year + (np.asarray(two_digits) - first_year) % 100
    january = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    valid = year > 0
    if "Y" in values and two_digits is not None:  # 2014/15
        valid = valid & ((year + 1) % 100 == two_digits)
    if "V" in values:
        days = _monday_of_week(january, values["V"])
        valid = valid & (_monday_of_week(january + 366 * _DAY, np.ones_like(year)) > days) & (values["V"] >= 1)
        return days + (values.get("u", np.int64(1)) - 1) * _DAY, valid
    if "j" in values:
        days = january + (values["j"] - 1) * _DAY
        return days, valid & (values["j"] >= 1) & (days.astype("datetime64[Y]") == january.astype("datetime64[Y]"))
    month = 3 * values["q"] - 2 if "q" in values else values.get("m", values.get("b", np.ones_like(year)))
    first = january.astype("datetime64[M]") + np.clip(month - 1, 0, 11) * np.timedelta64(1, "M")
    day = values.get("d", np.ones_like(year))
    days = first.astype("datetime64[D]") + (day - 1) * _DAY
    return days, valid & (month >= 1) & (month <= 12) & (day >= 1) & (days.astype("datetime64[M]") == first)


def _monday_of_week(january: np.ndarray, week: np.ndarray) -> np.ndarray:
    """Return the Mondays of ISO weeks; 4 January is in week 1."""
    fourth = january.astype("datetime64[Y]").astype("datetime64[D]") + 3 * _DAY
    monday = fourth - (fourth.astype(np.int64) + 3) % 7 * _DAY  # 1970-01-01 was a Thursday
    return monday + 7 * (week - 1) * _DAY


def _numbers(text: Iterable[str], name: str) -> np.ndarray:
    """Return the numbers that the matches of a directive mean, (n,)."""
    if name == "b":
        numbers = {word: MONTHS.get(normalize_word(word), 0) for word in set(text)}
        return np.array([numbers[word] for word in text], np.int64)
    if name == "f":
        text = [digits.ljust(6, "0")[:6] for digits in text]
    return np.array(list(map(int, text)), np.int64)


def _offsets(parts: dict[str, tuple[str, ...]], n: int) -> np.ndarray:
    """Return the offsets from UTC in minutes, (n,)."""
    if "z" not in parts:
        return np.full(n, np.nan)
    minutes = {zone: _minutes(zone) for zone in set(parts["z"])}
    return np.array([minutes[zone] for zone in parts["z"]])


def _minutes(zone: str) -> float:
    """Return the minutes of an offset such as ``+05:30``."""
    digits = int(re.sub(r"\D", "", zone) or "0")
    return float((digits // 100 * 60 + digits % 100) * (-1 if zone.startswith("-") else 1))


def _expanded(date_format: str) -> str:
    """Return a format with shortcuts such as ``%F`` expanded."""
    return re.sub("%(.)", lambda match: "%" + _ALIASES.get(match[1], match[1]), date_format)


@cache
def _regex(date_format: str) -> str:
    """Return the regular expression of an expanded format."""
    pieces = re.findall(r"%.|[^%]+", date_format)
    found = []
    for i, piece in enumerate(pieces):
        if piece == "%%":
            found.append("%")
        elif piece[0] == "%":
            alone = all(not 0 <= j < len(pieces) or pieces[j][0] != "%" for j in (i - 1, i + 1))
            found.append(_DIRECTIVES[piece[1]] if alone else _PADDED.get(piece[1], _DIRECTIVES[piece[1]]))
        else:
            found.append(re.sub(r"(\\ )+", r"\\s+", re.escape(piece)))
    return "(?i)^" + "".join(found) + "$"
