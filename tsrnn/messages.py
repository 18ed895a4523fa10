"""Values and labels as text for messages."""

from __future__ import annotations


def shorten(text: str, max_length: int) -> str:
    """Return a text of at most `max_length` characters, without its middle if it is longer.

    Parameters
    ----------
    text : str
        The text.
    max_length : int
        Longest text that is returned unchanged.

    Returns
    -------
    str
        The text, or its first half, ``...`` and its last quarter.

    Examples
    --------
    >>> shorten("abcdefghijklmnopqrstuvwxyz", 20)
    'abcdefghij...vwxyz'
    """
    return text if len(text) <= max_length else f"{text[: max_length // 2]}...{text[-max_length // 4 :]}"


def format_label(label: object) -> str:
    """Return an index label as text, a date without its time where that is midnight.

    Parameters
    ----------
    label : object
        A label of an index.

    Returns
    -------
    str

    Examples
    --------
    >>> import pandas as pd
    >>> format_label(pd.Timestamp("2024-05-01"))
    '2024-05-01'
    """
    return str(label).removesuffix(" 00:00:00")
