"""The model that the command line fits, and its messages."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ..cells.registry import FAMILIES
from .text import report

if TYPE_CHECKING:
    import pandas as pd

    from ..estimators.base import BaseForecaster
    from ..estimators.forecasters import RecurrentForecaster

#: The families of cells by their names on the command line.
CELLS = {name.lower(): name for name in FAMILIES}
STRATEGIES = ("recursive", "direct", "seq2seq")
NETWORKS = {name.lower(): f"{name}Forecaster" for name in FAMILIES}
BASELINES = {
    "naive": "NaiveForecaster",
    "seasonal-naive": "SeasonalNaiveForecaster",
    "drift": "DriftForecaster",
    "theta": "ThetaForecaster",
}
AUTO = {"auto": "AutoForecaster"}
MODELS = AUTO | BASELINES | {"ar": "ARForecaster", "latent": "LatentARForecaster"} | NETWORKS
#: Models that are random, which the command line makes reproducible.
RANDOM = AUTO | NETWORKS
#: How tables and messages call models; the others go by the name of their class.
TITLES = {
    "auto": "automatic choice", "naive": "naive model", "seasonal-naive": "seasonal naive model",
    "drift": "drift model", "theta": "theta model", "latent": "latent AR",
}  # fmt: skip

#: Arguments of the forecasters whose option has another name.
ARGUMENTS = {"epochs": "max_epochs", "seed": "random_state"}


@dataclass
class Model:
    """A model with its options.

    Attributes
    ----------
    name : str
        A key of `MODELS`.
    options : dict
        The options of a network that were given.
    """

    name: str
    options: dict[str, object]

    @property
    def title(self) -> str:
        """The name of the model in tables."""
        return TITLES.get(self.name, MODELS[self.name].removesuffix("Forecaster"))

    def fit(self, y: pd.Series | pd.DataFrame, horizon: int, data: str, **reading: Any) -> BaseForecaster:
        """Return the forecaster fitted to `y`, by these arguments of `fit`; progress messages call it `data`."""
        import tsrnn

        arguments = {ARGUMENTS.get(name, name): value for name, value in self.options.items()}
        if self.name in RANDOM:
            arguments.setdefault("random_state", 0)
        is_verbose = "verbose" in arguments
        report(f"Fitting the {self.title} to {data} ...", nl=is_verbose)
        start = time.perf_counter()
        try:
            with collect_warnings() as messages:
                forecaster = getattr(tsrnn, MODELS[self.name])(horizon=horizon, **arguments).fit(y, **reading)
        except Exception as error:
            report("")
            if type(error) is ValueError:
                raise ValueError(_with_options(str(error))) from error
            raise
        seconds, compiled = time.perf_counter() - start, getattr(forecaster, "timings_", {}).get("compile", 0.0)
        report(f" {seconds:.1f} s" + (f" ({compiled:.1f} s to compile, on first use)" if compiled > 1 else ""))
        for message in messages:
            report(f"  Warning: {_with_options(message)}")
        if is_verbose:
            report(_training_summary(forecaster))
        if getattr(forecaster, "best_epoch_", 1) == 0:
            report("  No epoch of training was better than its linear start, so the forecast is linear.")
        return forecaster


@contextmanager
def collect_warnings() -> Iterator[list[str]]:
    """Collect the warnings of this package, each message once; issue all others again."""
    from ..exceptions import TsrnnWarning

    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TsrnnWarning)
        yield messages
    for warning in caught:
        if not issubclass(warning.category, TsrnnWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif str(warning.message) not in messages:
            messages.append(str(warning.message))


def _with_options(message: str) -> str:
    """Replace arguments and classes of Python in a message by options: ``horizon=3`` by ``--horizon 3``."""
    for option in click.get_current_context().command.params[1:]:  # the first one is DATA
        name = ARGUMENTS.get(str(option.name), str(option.name))
        message = re.sub(rf"\b{name}=(?:'(\w+)'|(\d+)\b(?!\.))", rf"{option.opts[0]} \1\2", message)
    for name, forecaster in MODELS.items():
        message = re.sub(rf"\b{forecaster}\b(?!\()", f"--model {name}", message)
    return message


def _training_summary(forecaster: RecurrentForecaster) -> str:
    """Return a line on the size of a network and its training."""
    return (
        f"  reads {forecaster.context_length_} steps, {len(forecaster.theta_)} parameters, best after "
        f"{forecaster.best_epoch_} of {len(forecaster.loss_curve_)} epochs (0 is the linear start)"
    )
