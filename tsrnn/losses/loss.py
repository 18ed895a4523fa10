"""The description of a loss: an equation with its constants, and how its parameters become a forecast.

A loss has `size` parameters for each target: one for a point, one for each quantile, two for a normal distribution. Its
equation takes the target, the parameters and one constant, and returns the value and the derivative by each parameter.
A loss with several `constants` applies the equation once for each, to as many parameters. At a kink the derivative is
the mean of the two sides.

Where a target has thousands of parameters, an equation that names each of them would be no loop. Such a loss names in
`form` the loop of `parts` that computes it, and has no equation.

The value of a likelihood is the negative logarithm of a density or probability, without the terms that contain no
parameter. Its equation and `natural` are also called on arrays, so they use `between` and `at_least` and not min and
max.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ..checks import number, shown, whole

#: The function from a parameter to the point forecast. In kernels a link is its index in this tuple.
LINKS = ("identity", "softplus")
#: The values that a target may take: any number; 0, 1, 2, ...; 0 or 1; the number of a class.
SUPPORTS = ("real", "counts", "binary", "classes")
#: What computes a loss: its equation, or a loop over all parameters of a target (`parts.loss`).
FORMS = ("equation", "softmax")


def unchanged(*parameters):
    """The parameters as they are."""
    return parameters


@dataclass(frozen=True)
class Loss:
    """An equation with its constants.

    Attributes
    ----------
    name : str
        The name that the estimators' ``loss=`` accepts.
    equation : callable or None
        ``(y, *parameters, constant) -> (value, *derivatives)``; None where `form` names another loop.
    width : int
        Number of parameters of one application of the equation.
    constants : tuple of float
        The equation is applied once for each.
    location : tuple of int
        The parameters (of all applications, in order) to which a linear skip adds its forecast.
    point : int
        Index of the parameter from which `link` makes the point forecast.
    central : bool
        Whether the point forecast is a mean or a median, so that an interval may lie about it.
    link : {"identity", "softplus"}
        The function from that parameter to the point forecast.
    support : {"real", "counts", "binary", "classes"}
        The values that a target may take: any number; 0, 1, 2, ...; 0 or 1; the number of a class. The last two are for
        classifiers.
    levels : tuple of float
        The quantile level of each parameter, if the parameters are quantiles; else empty.
    family : str
        The name of a likelihood's distribution in ``scipy.stats``; empty if the loss is no likelihood.
    spread : tuple of float
        The direction of each parameter in which the distribution becomes wider: 1 for the logarithm of a scale, -1 for
        that of a shape that narrows it, 0 for others; empty if the mean alone determines the distribution.
    natural : callable
        ``(*parameters) -> tuple``, the arguments of the distribution in ``scipy.stats``, in their order; of a loss of
        classes the probability of each class.
    start : callable
        ``(mean, deviation) -> tuple``, the parameters with about that mean and standard deviation.
    form : {"equation", "softmax"}
        What computes the loss: the equation, or a loop of `parts` over all parameters of a target.
    """

    name: str
    equation: Callable | None
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
    form: str = "equation"

    def __post_init__(self) -> None:
        """Check the types and values that kernels and forecasts rely on."""
        if not isinstance(self.name, str) or not self.name:
            raise TypeError(f"name={shown(self.name)} must be a word")
        for name, function in (("equation", self.equation), ("natural", self.natural), ("start", self.start)):
            if not callable(function) and not (name == "equation" and function is None and self.form != "equation"):
                raise TypeError(f"{name}={shown(function)} must be a function")
        whole("width", self.width)
        if not isinstance(self.constants, tuple) or not self.constants:
            raise TypeError(f"constants={shown(self.constants)} must be a tuple of numbers, such as (1.0,)")
        for constant in self.constants:
            number("constants", constant, -math.inf)
        named = (("link", self.link, LINKS), ("support", self.support, SUPPORTS), ("form", self.form, FORMS))
        for name, value, known in named:
            if value not in known:
                raise ValueError(f"{name}={shown(value)} is not known; use one of {', '.join(map(repr, known))}")

    @property
    def size(self) -> int:
        """Number of parameters for each target."""
        return self.width * len(self.constants)

    @property
    def equations(self) -> tuple[Callable, ...]:
        """The equation, or nothing where the loss has another form."""
        return () if self.equation is None else (self.equation,)

    @property
    def is_of_classes(self) -> bool:
        """Whether targets are classes, which only classifiers have."""
        return self.support in ("binary", "classes")

    def __repr__(self) -> str:
        """The loss as a user writes it: ``'mse'``, ``Pinball(0.1, 0.9)``."""
        constants = ", ".join(map(repr, self.constants))
        return repr(self.name) if self.constants == (0.0,) else f"{self.name.capitalize()}({constants})"
