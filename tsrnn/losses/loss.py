"""What a loss is: an equation with its constants, and what a forecast reads from the parameters that it takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ..checks import number, shown, whole

#: How a location becomes the point that is forecast: as it is, or by `softplus`. Kernels know a link by its place here.
LINKS = ("identity", "softplus")
#: What a target may be: any number, or 0, 1, 2, ...
SUPPORTS = ("real", "counts")


def unchanged(*parameters):
    """The parameters as they are."""
    return parameters


@dataclass(frozen=True)
class Loss:
    """An equation with its constants.

    Attributes
    ----------
    name : str
        As the estimators' ``loss=`` accepts it.
    equation : callable
        ``(y, *parameters, constant) -> (value, *derivatives)``.
    width : int
        How many parameters one application of the equation takes.
    constants : tuple of float
        One application of the equation for each.
    location : tuple of int
        The parameters (of all applications, in order) to which a linear skip adds its forecast.
    point : int
        The parameter that is the point forecast, by way of the link.
    central : bool
        Whether that is a mean or a median, about which an interval may lie.
    link : {"identity", "softplus"}
        What makes the point of it.
    support : {"real", "counts"}
        What a target may be: any number, or 0, 1, 2, ...
    levels : tuple of float
        The quantiles that the parameters are, if they are.
    family : str
        Of a likelihood, the distribution's name in ``scipy.stats``; else empty.
    spread : tuple of float
        How its parameters change as it becomes wider: 1 for the logarithm of a scale, -1 for that of a shape that
        narrows; empty where nothing but the mean decides.
    natural : callable
        Its arguments there, in their order: ``(*parameters) -> tuple``.
    start : callable
        The parameters with about that mean and standard deviation: ``(mean, deviation) -> tuple``.
    """

    name: str
    equation: Callable
    width: int = 1
    constants: tuple[float, ...] = (0.0,)
    location: tuple[int, ...] = (0,)
    point: int = 0
    central: bool = True
    link: str = "identity"
    support: str = "real"
    levels: tuple[float, ...] = ()
    family: str = ""
    spread: tuple[float, ...] = ()
    natural: Callable = unchanged
    start: Callable = unchanged

    def __post_init__(self) -> None:
        """Check what the kernels and the forecasts take for granted."""
        if not isinstance(self.name, str) or not self.name:
            raise TypeError(f"name={shown(self.name)} must be a word")
        for name, function in (("equation", self.equation), ("natural", self.natural), ("start", self.start)):
            if not callable(function):
                raise TypeError(f"{name}={shown(function)} must be a function")
        whole("width", self.width)
        if not isinstance(self.constants, tuple) or not self.constants:
            raise TypeError(f"constants={shown(self.constants)} must be a tuple of numbers, such as (1.0,)")
        for constant in self.constants:
            number("constants", constant, -math.inf)
        for name, value, known in (("link", self.link, LINKS), ("support", self.support, SUPPORTS)):
            if value not in known:
                raise ValueError(f"{name}={shown(value)} is not known; use one of {', '.join(map(repr, known))}")

    @property
    def size(self) -> int:
        """Parameters for each target."""
        return self.width * len(self.constants)

    def __repr__(self) -> str:
        """As it is written: ``'mse'``, ``Pinball(0.1, 0.9)``."""
        constants = ", ".join(map(repr, self.constants))
        return repr(self.name) if self.constants == (0.0,) else f"{self.name.capitalize()}({constants})"
