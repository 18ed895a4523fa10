"""Teacher forcing: the fraction of a decoder's steps that read the true values in training, and how it falls."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...checks import choice, fraction, number

#: The names that ``teacher_forcing=`` accepts, and with "constant" also ``TeacherForcing(decay=)``.
DECAYS = ("linear", "exponential", "inverse_sigmoid")


@dataclass(frozen=True)
class TeacherForcing:
    """Fraction of a decoder's steps that read the true values in training; the others read their own forecasts.

    Scheduled sampling (Bengio, Vinyals, Jaitly & Shazeer 2015, arXiv:1506.03099, section 2.4). The fraction p falls
    from `start` towards `end`. The paper counts updates; here i counts epochs, by parts of an epoch, and
    k = `epochs`:

    - ``"constant"``: p = start, whatever the other two are.
    - ``"linear"``: p = start - (start - end) i / k, until it is `end`.
    - ``"exponential"``: p = end + (start - end) exp(-i / k).
    - ``"inverse_sigmoid"``: p = end + (start - end) k / (k + exp(i / k)), as far as it begins below `start`.

    Every fit begins with `start`, also one with ``warm_start``.

    Parameters
    ----------
    decay : {"constant", "linear", "exponential", "inverse_sigmoid"}, default "linear"
    start : float, default 1.0
        The fraction at the beginning, from 0 to 1.
    end : float, default 0.0
        The fraction that it falls to, at most `start`.
    epochs : float, default 20.0
        Number of epochs that sets how fast it falls.

    Examples
    --------
    >>> TeacherForcing("linear", epochs=10).share(5)
    0.5
    """

    decay: str = "linear"
    start: float = 1.0
    end: float = 0.0
    epochs: float = 20.0

    def __post_init__(self) -> None:
        choice("decay", self.decay, ("constant", *DECAYS))
        for name, value in (("start", self.start), ("end", self.end)):
            fraction(name, value)
        if self.decay != "constant" and self.end > self.start:
            raise ValueError(f"end={self.end!r} must not lie above start={self.start!r}: the fraction falls")
        number("epochs", self.epochs, 0.0, open_low=True)

    def share(self, epoch: float) -> float:
        """Fraction after `epoch` epochs, which need not be a whole number."""
        if self.decay == "constant":
            return float(self.start)
        time = epoch / self.epochs
        left = {
            "linear": max(0.0, 1 - time),
            "exponential": math.exp(-time),
            "inverse_sigmoid": self.epochs / (self.epochs + math.exp(min(time, 700.0))),
        }
        return self.end + (self.start - self.end) * left[self.decay]
