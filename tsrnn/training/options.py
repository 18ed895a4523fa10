"""Options of a training: the optimiser, early stopping, and what callbacks receive."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from numbers import Integral

from ..checks import Anything, choice, flag, number, shown, whole
from ..forecasting.strategies.teacher_forcing import TeacherForcing

#: Batches where no size is given, and the number of updates of an epoch that a larger batch leaves.
SMALLEST_BATCH, LARGEST_BATCH, UPDATES = 32, 512, 1024


@dataclass(frozen=True)
class Adam:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv:1711.05101).

    Parameters
    ----------
    weight_decay : float, default 0.0
        Factor of the decay of weights; biases, initial states and the linear skip do not decay.
    clip_norm : float or None, default 1.0
        A gradient of larger Euclidean norm is scaled down to it (Pascanu et al. 2013, arXiv:1211.5063, algorithm 1).
    schedule : {"constant", "cosine"}, default "constant"
        "cosine" lets the learning rate fall to zero over ``max_epochs`` (Loshchilov & Hutter 2017, arXiv:1608.03983,
        eq. 5 without restarts).
    beta1, beta2, epsilon : float
        As in the paper: 0.9, 0.999, 1e-8.

    Examples
    --------
    >>> Adam(schedule="cosine").rate(0.1, step=50, n_steps=100)
    0.05
    """

    weight_decay: float = 0.0
    clip_norm: float | None = 1.0
    schedule: str = "constant"
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        choice("schedule", self.schedule, ("constant", "cosine"))
        if self.clip_norm is not None:
            number("clip_norm", self.clip_norm, 0.0, open_low=True)
        number("weight_decay", self.weight_decay, 0.0)
        number("beta1", self.beta1, 0.0, 1.0)
        number("beta2", self.beta2, 0.0, 1.0)
        number("epsilon", self.epsilon, 0.0, open_low=True)

    def rate(self, learning_rate: float, step: int, n_steps: int) -> float:
        """Learning rate of update `step` of `n_steps`, counted from 0."""
        if self.schedule == "constant":
            return learning_rate
        return 0.5 * learning_rate * (1 + math.cos(math.pi * min(1.0, step / n_steps)))


@dataclass(frozen=True, repr=False)
class EarlyStopping:
    """Stop when the error over the validation part no longer falls, and keep the best parameters.

    Two of them are equal if all but their `validation` is.

    Parameters
    ----------
    patience : int, default 10
        Epochs without improvement before the fit stops.
    min_delta : float, default 0.0
        How much lower an error must be to count as an improvement.
    validation_size : int, float or None, default None
        Length of the validation part at the end of the series: a number of observations (int), or a fraction (float) of
        the observations after the first context. None is a tenth, but at least two horizons. Estimators of rows and
        sequences hold out so many of these, drawn at random; classifiers and taggers none whose weight is 0, as if
        such rows were absent.
    refit_full : bool or None, default None
        Whether to train once more on everything, for the best number of epochs. None does so where the validation part
        is more than a tenth of the observations after the first context, and never with `validation`.
    validation : Series, DataFrame, array-like, panel, or pair (X, y) of them; optional
        For forecasters, instead of `validation_size`: rows that follow the target of `fit`, in the form in which
        `update` takes them, as a pair where `X` holds their covariates. Then the network is trained on all of the
        target, and forecasts begin after it. With ``refit_full=True`` it is trained once more on both, and forecasts
        begin after these rows.
    """

    patience: int = 10
    min_delta: float = 0.0
    validation_size: int | float | None = None
    refit_full: bool | None = None
    validation: Anything = field(default=None, compare=False)  # frames are compared value by value

    def __post_init__(self) -> None:
        whole("patience", self.patience)
        number("min_delta", self.min_delta, 0.0)
        if self.refit_full is not None:
            flag("refit_full", self.refit_full)
        if isinstance(self.validation_size, Integral):
            whole("validation_size", self.validation_size)
        elif self.validation_size is not None:
            number("validation_size", self.validation_size, 0.0, 1.0, open_low=True)
        if self.validation is None:
            return
        if self.validation_size is not None:
            raise ValueError(
                f"validation_size={shown(self.validation_size)} holds out the end of the series, but validation brings "
                "rows after it; pass one of the two"
            )
        if isinstance(self.validation, tuple) and len(self.validation) != 2:
            raise ValueError(
                f"validation is a tuple of {len(self.validation)}, but must be a pair (X, y), or y alone: a Series, a "
                "frame, an array or a dict of Series"
            )

    def __repr__(self) -> str:
        """All arguments; of the validation rows only the types."""
        arguments = [f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.compare]
        return f"{type(self).__name__}({', '.join(arguments)}, validation={_type_names(self.validation)})"

    def rows(self, n: int, at_least: int = 1) -> int:
        """Number of rows to hold out of `n` rows with targets, by default at least `at_least`."""
        if self.validation_size is None:
            return max(at_least, n // 10)
        size = self.validation_size
        return int(size) if isinstance(size, Integral) else max(1, round(size * n))

    def refits(self, held_out: int, n: int) -> bool:
        """Whether to train once more on all `n` rows, of which `held_out` were held out."""
        if self.refit_full is None:
            return self.validation is None and 10 * held_out > n
        return self.refit_full


def _type_names(given: Anything) -> str:
    """Types of a table or a pair of them: their values would fill pages."""
    if isinstance(given, tuple):
        return f"({', '.join(map(_type_names, given))})"
    return "None" if given is None else f"<{type(given).__name__}>"


@dataclass(frozen=True)
class Epoch:
    """What a callback receives after each epoch.

    `epoch` counts from 1; `validation_loss` is None without a validation part.
    """

    epoch: int
    loss: float
    validation_loss: float | None


@dataclass(frozen=True)
class Settings:
    """The settings of a training, checked."""

    optimizer: Adam
    learning_rate: float
    batch_size: int
    max_epochs: int
    dropout: float = 0.0
    teacher_forcing: TeacherForcing | None = None
    callbacks: Sequence[Callable[[Epoch], object]] = ()  # any true result stops the training
    verbose: int = 0
    sampling: str = "windows"  # see `order.epoch`


def batch_size_for(n_windows: int) -> int:
    """Number of windows of a batch where none is given: 32, or for many windows a power of two up to 512.

    Large batches use more cores and average over more series, and an epoch has at least `UPDATES` updates. The number
    depends on nothing of the machine, so that the same fit gives the same network everywhere.
    """
    return int(min(max(2 ** int(math.log2(max(n_windows // UPDATES, 1))), SMALLEST_BATCH), LARGEST_BATCH))
