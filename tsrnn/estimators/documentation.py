"""The one table of what the recurrent estimators' arguments mean, and the decorator that writes it to docstrings."""

from __future__ import annotations

import dataclasses
import textwrap
from typing import TypeVar

from ..losses.registry import LOSSES

T = TypeVar("T", bound=type)

#: Kind and meaning of each argument, in words that hold for forecasters and regressors.
ARGUMENTS: dict[str, tuple[str, str]] = {
    "horizon": (
        "int",
        "What `predict()` forecasts, and the lead over which validation measures. Any other horizon can be asked for.",
    ),
    "context_length": (
        "int or None",
        "Steps that a forecast reads. None takes two seasons, but at least 24 steps and at most a third of the series.",
    ),
    "season_lengths": (
        "int, list of int or None",
        "Steps in each season. None finds them from the frequency of the index; an empty list means none. Of a season "
        "longer than the context, the means of up to three earlier seasons are inputs of the network and of the linear "
        "forecast; those that None finds only where the series has room for them. `score` scales by the shortest.",
    ),
    "strategy": (
        '{"recursive", "direct", "seq2seq"} or Strategy',
        "Learn one step and roll it forward on its own forecasts; or learn all `horizon` steps at once; or let a "
        "decoder go on from what an encoder has read. `Direct(...)` and `Seq2Seq(...)` have options.",
    ),
    "linear_skip": (
        "bool",
        "Add a linear forecast from each channel's own context, which starts as the ridge solution and is trained on.",
    ),
    "n_channels": (
        "int",
        "How many values a step of a window has; a row of X holds length * n_channels.",
    ),
    "hidden_size": ("int", "Units of each layer."),
    "num_layers": ("int", "Recurrent layers, each reading the one below."),
    "dropout": ("float", "Part of the units dropped between layers in training; needs two layers or more."),
    "learn_initial_state": ("bool", "Learn the state before a window's first step, instead of zeros."),
    "loss": (
        "str or Loss",
        "What training minimises, in scaled units; `Huber(delta)` and `Pinball(*levels)` set constants. The forecast "
        "is a point: the distribution's mean, the quantile nearest to the median. Counts need `scaling=None`.",
    ),
    "scaling": (
        '{"standard", "window", None}',
        "Subtract the mean and divide by the standard deviation of the training part, or of each window's context; or "
        "leave values as they are. Covariates are always scaled by the training part.",
    ),
    "learning_rate": ("float", "Adam's step size."),
    "optimizer": ("Adam or None", "Weight decay, clipping, schedule. None is `Adam()`."),
    "batch_size": ("int", "Windows for each update."),
    "max_epochs": ("int", "Most passes over the windows."),
    "early_stopping": (
        "EarlyStopping or bool",
        "Hold out the end of the series and keep the epoch that forecasts it best. True is `EarlyStopping()`. With "
        "fewer than 10 windows, none of which can be held out, the network stays at the ridge solution.",
    ),
    "callbacks": (
        "list of callable or None",
        "Called with an `Epoch` after each epoch; training stops when one returns something true.",
    ),
    "verbose": ("int", "1 shows a progress bar."),
    "warm_start": (
        "bool",
        "Let `fit` go on from the parameters of an earlier fit, with the same network, loss and scaling.",
    ),
    "random_state": ("int, RandomState or None", "Seed of initial weights, batches and dropout; an int repeats a fit."),
    "dtype": ('{"float32", "float64"}', "Precision of the network."),
    "device": (
        '{"cpu", "cuda", "auto"}',
        "Where `fit` and `predict` compute. A GPU needs `pip install 'tsrnn[cuda]'`; \"auto\" uses one where the work "
        "is enough for it. What was fitted on one predicts on the other.",
    ),
}

#: Where regressors differ.
REGRESSOR: dict[str, tuple[str, str]] = {
    "scaling": (
        '{"standard", None}',
        "Subtract the mean and divide by the standard deviation of the training rows, or leave values as they are.",
    ),
    "early_stopping": (
        "EarlyStopping or bool",
        "Hold out rows drawn at random and keep the epoch that predicts them best. True is `EarlyStopping()`.",
    ),
}


def arguments(cls: type) -> dict[str, tuple[str, str, str]]:
    """Kind, default and meaning of each argument of an estimator, in order; the cell's own arguments come last."""
    table = ARGUMENTS | (REGRESSOR if "n_channels" in {field.name for field in dataclasses.fields(cls)} else {})
    table |= {option.name: (option.kind, option.meaning) for option in getattr(cls, "_options", ())}
    return {field.name: (table[field.name][0], repr(field.default), table[field.name][1]) for field in _fields(cls)}


def documented(cls: T) -> T:
    """Decorator: a Parameters section from the table, before the Examples."""
    if cls.__doc__ is None:  # python -OO
        return cls
    lines = ["Parameters", "----------"]
    names = ", ".join(f'"{name}"' for name in LOSSES)
    for name, (kind, default, meaning) in arguments(cls).items():
        kind = kind.replace("str or Loss", f"{{{names}}} or Loss")  # the reference has a table of the losses instead
        lines.append(f"{name} : {kind}, default {default}")
        lines += textwrap.wrap(meaning, 112, initial_indent="    ", subsequent_indent="    ")
    section = textwrap.indent("\n".join(lines), "    ")
    summary, heading, examples = cls.__doc__.rstrip().partition("\n\n    Examples\n")
    cls.__doc__ = f"{summary.rstrip()}\n\n{section}\n{heading and heading[1:]}{examples}\n    "
    return cls


def _fields(cls: type) -> list[dataclasses.Field]:
    """An estimator's own arguments first, then those of network and training; the cell's own last."""
    order = {name: place for place, name in enumerate(ARGUMENTS)}
    return sorted(dataclasses.fields(cls), key=lambda field: order.get(field.name, len(order)))
