"""Kind and meaning of the recurrent estimators' arguments, and the decorator that writes them into docstrings."""

from __future__ import annotations

import dataclasses
import re
import textwrap
from typing import TypeVar

from ..losses.registry import LOSSES

T = TypeVar("T", bound=type)

#: Kind and meaning of each argument, for forecasters, regressors and classifiers.
ARGUMENTS: dict[str, tuple[str, str]] = {
    "horizon": (
        "int",
        "Number of steps that `predict()` forecasts and that validation is scored on. Any other horizon "
        "can be asked for.",
    ),
    "context_length": (
        "int or None",
        "Number of steps that a forecast reads. None takes two seasons, but at least 24 steps and at most a third of "
        "the series.",
    ),
    "season_lengths": (
        "int, list of int or None",
        "Number of steps in each season. None takes them from the frequency of the index; an empty list means no "
        "season. Of a season longer than the context, the means of up to three earlier seasons are inputs of the "
        "network and of the linear forecast; with None, only if the series is long enough. `score` scales by the "
        "shortest season.",
    ),
    "strategy": (
        '{"recursive", "direct", "seq2seq"} or Strategy',
        "Learn one step, and forecast further steps from its own forecasts; or learn all `horizon` steps at once; or "
        "an encoder and a decoder. `Direct(...)` and `Seq2Seq(...)` have options.",
    ),
    "linear_skip": (
        "bool",
        "Add a linear forecast from each channel's own context; it starts at the ridge solution and is "
        "trained further.",
    ),
    "missing": (
        '{"carry", "decay"}',
        "How the network reads a missing value: as the last one before it; or as one that decays to the mean at a "
        "learned rate, beside inputs that say that it is missing and for how long (GRU-D; Che et al. 2018, "
        "doi:10.1038/s41598-018-24271-9).",
    ),
    "multivariate": (
        '{"joint", "independent"}',
        "Whether a network reads all columns of a wide frame together, or each by itself, with the same weights for "
        "all, as the series of a panel.",
    ),
    "difference": (
        "int",
        "How often the value one step before is subtracted, 0 to 2: the network learns changes, and forecasts are "
        "summed to levels. 1 suits series whose level wanders or grows.",
    ),
    "seasonal_difference": (
        "int",
        "How often the value one season before is subtracted, 0 to 2. The season is the shortest of `season_lengths`.",
    ),
    "target_transform": (
        '{"log1p", "boxcox"}, transformer or None',
        "What is done to each value before differences and scaling, and undone in all forecasts: log(1 + y); a power "
        "whose exponent each series has from its training part; or an increasing transformer of scikit-learn, such as "
        "`PowerTransformer()`, fitted to the training parts of all series. Not for counts, as `difference`.",
    ),
    "point": (
        '{"median", "mean"}',
        "The point forecast after a transform: the forecast of the transformed value as it was before, which is its "
        "median; or the mean of sampled paths, which needs what `sample` needs.",
    ),
    "sampling": (
        '{"windows", "series"}',
        "Which windows an epoch trains on: each one once, or as many windows drawn at random such that every series "
        "has the same probability, so that long series do not drown short ones. The linear start and the validation "
        "error are means over windows in both cases.",
    ),
    "cell": (
        '{"rnn", "lstm", "gru", "mingru", "indrnn", "slstm"}',
        "Kind of the recurrent layers, with the default options of its family.",
    ),
    "n_channels": (
        "int",
        "Number of values at each step of a window; a row of X holds length * n_channels values.",
    ),
    "embedding_size": (
        "int or None",
        "Length of the vector that each symbol becomes. None takes a length that grows slowly with the number of "
        "symbols, at most 50, and reads numbers as they are; with an int, numbers too are symbols.",
    ),
    "hidden_size": ("int", "Number of units of each layer."),
    "num_layers": ("int", "Number of recurrent layers; each reads the one below."),
    "decoder_layers": ("int or None", "Number of layers of the decoder. None takes that of the encoder."),
    "share_embeddings": (
        "bool",
        "One vocabulary and one table of vectors for sources and targets, instead of one for each side.",
    ),
    "attention": (
        '{None, "dot", "general", "additive"}',
        "How a step of the decoder weighs the encoder's outputs, whose weighted mean is added to what it writes from.",
    ),
    "tokenize": (
        '{"word", "char"} or callable',
        "How strings are divided into symbols: at white space, at every character, or by a function from a string to "
        "its symbols. Written symbols are joined by a space, characters by nothing. Lists of symbols are not divided.",
    ),
    "min_count": ("int", "How often a symbol must occur to have a vector of its own; rarer ones are unknown."),
    "max_length": (
        "int or None",
        "Most symbols of a target, in `fit` and when it is written. None is the longest target of the fit.",
    ),
    "beam_width": (
        "int",
        "Number of beginnings of a target that are kept at each step; with 1 the most probable symbol is taken.",
    ),
    "length_penalty": (
        "float",
        "Beginnings are compared by their log probability divided by ((5 + length) / 6) ** length_penalty; from 0 to "
        "below 10, a larger one favours long targets (Wu et al. 2016, arXiv:1609.08144, eq. 14). Only with a beam.",
    ),
    "teacher_forcing": (
        'float, {"linear", "exponential", "inverse_sigmoid"}, TeacherForcing or None',
        "Fraction of the decoder's steps that read the true symbol before them in training, or the schedule by which "
        "it falls; the others read the symbol that would be written. None is 1.",
    ),
    "dropout": ("float", "Fraction of the units dropped between layers in training; needs two layers or more."),
    "learn_initial_state": ("bool", "Learn the state before a window's first step, instead of zeros."),
    "pooling": (
        '{"last", "mean", "max"}',
        "What the output reads of the top layer: its output after the last step, or the mean or the maximum of each "
        "unit over all steps of the window.",
    ),
    "bidirectional": (
        "bool",
        "Read each window backwards too, from its last step to its first, by further `hidden_size` units of each "
        "layer; the layers above and the output read both directions (Schuster & Paliwal 1997, "
        "doi:10.1109/78.650093).",
    ),
    "loss": (
        "str or Loss",
        "Loss function of the training, in scaled units; `Huber(delta)` and `Pinball(*levels)` set constants. The "
        "point forecast is the mean of the distribution, or the quantile nearest to the median.",
    ),
    "scaling": (
        '{"auto", "standard", "pooled", "robust", "window", "last", "mean", None}',
        "Subtract a shift and divide by a scale: those of the training part of each series, of all series together, "
        'or of each window\'s context; None leaves values as they are. "auto" is "last", with differences or with '
        '`missing="decay"` "standard", and for a loss of counts None. Covariates are always scaled by the training '
        "part.",
    ),
    "class_weight": (
        '"balanced", dict or None',
        "Weight of each label in the loss: one for all; inverse to how often a label occurs; or by label, 1 for those "
        "that the dict lacks.",
    ),
    "ignore_label": (
        "str, number or None",
        "Label of the steps that are neither learned nor scored; NaN stands for all missing labels. None ignores no "
        "step.",
    ),
    "label_smoothing": (
        "float",
        "Fraction of each target that is shared out evenly over all classes, from 0 to less than 1.",
    ),
    "learning_rate": ("float", "Adam's step size."),
    "optimizer": ("Adam or None", "Weight decay, clipping, schedule. None is `Adam()`."),
    "batch_size": (
        "int or None",
        "Number of windows for each update. None takes 32, or from 65,536 windows on a power of two up to 512 that "
        "leaves 1,024 updates in an epoch.",
    ),
    "max_epochs": ("int", "Maximum number of epochs."),
    "early_stopping": (
        "EarlyStopping or bool",
        "Hold out the end of the series and keep the epoch that forecasts it best. True is `EarlyStopping()`. With "
        "fewer than 10 windows, none can be held out, and the network stays at the ridge solution.",
    ),
    "callbacks": (
        "list of callable or None",
        "Functions called with an `Epoch` after each epoch; training stops when one returns a true value.",
    ),
    "verbose": ("int", "1 shows a progress bar."),
    "warm_start": (
        "bool",
        "Let `fit` start from the parameters of the earlier fit, with the same network, loss and scaling.",
    ),
    "random_state": (
        "int, RandomState or None",
        "Seed of initial weights, batches and dropout; an int makes fits reproducible.",
    ),
    "dtype": ('{"float32", "float64"}', "Precision of the network."),
    "device": (
        '{"cpu", "cuda", "auto"}',
        "Device of `fit` and `predict`. A GPU needs `pip install 'tsrnn[cuda]'`; \"auto\" uses one if the network and "
        "batch are large enough. A network fitted on one device predicts on the other too.",
    ),
}

#: Where estimators of symbols differ.
OF_SYMBOLS: dict[str, tuple[str, str]] = {
    "embedding_size": ("int", "Length of the learned vector of each symbol."),
    "bidirectional": (
        "bool",
        "Read each source backwards too, from its last symbol to its first, by further `hidden_size` units of each "
        "layer of the encoder; attention and the decoder's first states read both directions (Bahdanau, Cho & Bengio "
        "2015, arXiv:1409.0473). Not with dot products, which cannot compare a decoder's state with twice as many "
        "numbers.",
    ),
    "early_stopping": (
        "EarlyStopping or bool",
        "Hold out pairs drawn at random and keep the epoch with the lowest cross-entropy of their targets. True is "
        "`EarlyStopping()`.",
    ),
    "label_smoothing": (
        "float",
        "Fraction of each symbol of a target that is shared out evenly over the vocabulary, from 0 to less than 1.",
    ),
    "batch_size": (
        "int or None",
        "Number of pairs for each update. None takes 32, or from 65,536 pairs on a power of two up to 512 that leaves "
        "1,024 updates in an epoch.",
    ),
    "warm_start": (
        "bool",
        "Let `fit` start from the parameters and vocabularies of the earlier fit, with the same network and loss.",
    ),
}
#: Where estimators that learn from rows differ: regressors, classifiers, taggers, generators.
OF_ROWS: dict[str, tuple[str, str]] = {
    "scaling": (
        '{"standard", None}',
        "Subtract the mean and divide by the standard deviation of the training rows, or leave values as they are, "
        "which a loss of counts needs.",
    ),
    "early_stopping": (
        "EarlyStopping or bool",
        "Hold out rows drawn at random and keep the epoch that predicts them best. True is `EarlyStopping()`.",
    ),
}


def arguments(cls: type) -> dict[str, tuple[str, str, str]]:
    """Kind, default and meaning of each argument of an estimator, in order; the cell's own arguments come last."""
    names = {field.name for field in dataclasses.fields(cls)}
    table = ARGUMENTS | ({} if "horizon" in names else OF_SYMBOLS if "tokenize" in names else OF_ROWS)
    table |= {option.name: (option.kind, option.meaning) for option in getattr(cls, "_options", ())}
    return {field.name: (table[field.name][0], repr(field.default), table[field.name][1]) for field in _fields(cls)}


def documented(cls: T) -> T:
    """Class decorator: insert a Parameters section from the table before the Examples."""
    if cls.__doc__ is None:  # python -OO
        return cls
    lines = ["Parameters", "----------"]
    names = ", ".join(f'"{name}"' for name in LOSSES)
    for name, (kind, default, meaning) in arguments(cls).items():
        kind = kind.replace("str or Loss", f"{{{names}}} or Loss")  # the reference has a table of the losses instead
        lines.append(f"{name} : {kind}, default {default}")
        lines += textwrap.wrap(meaning, 112, initial_indent="    ", subsequent_indent="    ")
    section = textwrap.indent("\n".join(lines), "    ")
    summary, *rest = re.split(r"\n\n(?=    (?:Attributes|Examples)\n)", cls.__doc__.rstrip())
    cls.__doc__ = "\n\n".join([summary.rstrip(), section, *rest]) + "\n    "
    return cls


def _fields(cls: type) -> list[dataclasses.Field]:
    """Fields of an estimator in the order of the table: its own, then network and training, then the cell's."""
    order = {name: place for place, name in enumerate(ARGUMENTS)}
    return sorted(dataclasses.fields(cls), key=lambda field: order.get(field.name, len(order)))
