"""The losses by name. This list is the only place in the package, outside a loss's own file, that names the loss."""

from __future__ import annotations

import importlib

from ..checks import shown
from .loss import Loss

#: The modules in this folder that define losses. Each has a tuple `LOSSES`.
MODULES = (
    "squared",
    "absolute",
    "huber",
    "pinball",
    "gaussian",
    "laplace",
    "student_t",
    "poisson",
    "negative_binomial",
)
#: The losses by the names that ``loss=`` accepts. `Huber(delta)` and `Pinball(*levels)` choose other constants.
LOSSES: dict[str, Loss] = {
    loss.name: loss for module in MODULES for loss in importlib.import_module(f".{module}", __package__).LOSSES
}


def as_loss(loss: str | Loss) -> Loss:
    """The loss that `loss` names, or `loss` itself."""
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]
    names = ", ".join(map(repr, LOSSES))
    raise ValueError(f"loss={shown(loss)} is not known; use one of {names}, or tsrnn.Huber(...), tsrnn.Pinball(...)")
