"""The command line: ``tsrnn forecast`` and ``tsrnn datasets``.

It reads a series, measures the model on the series' own end, and forecasts what comes after it. Results go to standard
output, progress and remarks to standard error. Nothing heavy is imported before a series is read.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import __version__, datasets
from .cells.registry import FAMILIES
from .shell import Program, check_target, shortened, written

if TYPE_CHECKING:
    import pandas as pd

NETWORKS = {name.lower(): f"{name}Forecaster" for name in FAMILIES}
MODELS = {"ar": "ARForecaster", "latent": "LatentARForecaster"} | NETWORKS

#: Where an option has another name than the argument that it sets.
ARGUMENTS = {"epochs": "max_epochs", "seed": "random_state"}

#: Options on how a CSV file is read, by the arguments of `tsrnn.frame.files.read_csv`.
FILE_OPTIONS = {
    "index_column": click.option(
        "--index-column", help="CSV: column with the dates, or several, as year,month. [default: found]"
    ),
    "no_index": click.option("--no-index", is_flag=True, help="CSV: number the rows; no column has their dates."),
    "date_format": click.option(
        "--date-format",
        help="CSV: how dates are written, such as %d/%m/%Y or Q%q %Y; unix-s, unix-ms, unix-us, unix-ns, excel "
        "or decimal-year for numbers that are dates, number for those that are none. [default: found]",
    ),
    "freq": click.option("--freq", help="CSV: frequency, a pandas code such as MS or W-SAT. [default: inferred]"),
    "where": click.option(
        "--where", multiple=True, metavar="COLUMN=VALUE", help="CSV: read only these rows; may be given several times."
    ),
    "separator": click.option(
        "--separator", help="CSV: what separates columns: comma, semicolon, tab, bar, space. [default: found]"
    ),
    "decimal": click.option("--decimal", help="CSV: decimal mark, such as a comma. [default: found]"),
    "thousands": click.option("--thousands", help="CSV: what separates thousands, such as a point. [default: found]"),
    "missing": click.option(
        "--missing", multiple=True, metavar="TEXT",
        help="CSV: text that means that there is no value, such as -; may be given several times.",
    ),
    "encoding": click.option("--encoding", help="CSV: encoding, such as cp1252. [default: UTF-8]"),
}  # fmt: skip

#: What a step is called, by pandas' frequency code.
STEPS = {
    "YS": "years", "YE": "years", "Y": "years", "QS": "quarters", "QE": "quarters", "Q": "quarters",
    "MS": "months", "ME": "months", "M": "months", "W": "weeks", "D": "days", "B": "business days",
    "h": "hours", "min": "minutes", "s": "seconds",
}  # fmt: skip


def _file_options(command: Any) -> Any:
    """Add the options on how a CSV file is read."""
    for option in reversed(FILE_OPTIONS.values()):
        command = option(command)
    return command


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tsrnn")
def main() -> None:
    """Forecast time series with recurrent networks."""


@main.command("datasets")
def list_datasets() -> None:
    """List the data sets that come with tsrnn."""
    for name, loader in datasets.DATASETS.items():
        about = (loader.__doc__ or "").partition("\n")[0]
        click.echo(f"{name:<18}{about}")


@main.command(short_help="Test a model on a series and forecast its future.")
@click.argument("data")
@click.option("--horizon", type=click.IntRange(1), help="Steps to forecast. [default: one season, or 12]")
@click.option(
    "--model", type=click.Choice(list(MODELS)), default="lstm", show_default=True,
    help="A linear autoregression, one with latent states, or a recurrent network.",
)  # fmt: skip
@click.option(
    "--strategy", type=click.Choice(["recursive", "direct", "seq2seq"]), help="How a network gets beyond one step."
)
@click.option("--context-length", type=click.IntRange(1), help="Steps that a network reads before it forecasts.")
@click.option("--hidden-size", type=click.IntRange(1), help="Units of a network.")
@click.option("--epochs", type=click.IntRange(1), help="Most passes over the data; training may stop earlier.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Seed of a network. [default: 0]")
@click.option("--column", help="Column to forecast. [default: the first one with numbers]")
@_file_options
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the forecast to this PNG file.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the forecast to this CSV file.")
@click.option("--force", is_flag=True, help="Let --output and --plot overwrite a file.")
@click.option("--verbose", is_flag=True, default=None, help="Show the training of a network.")
def forecast(
    data: str,
    horizon: int | None,
    model: str,
    column: str | None,
    plot: Path | None,
    output: Path | None,
    force: bool,
    **options: Any,
) -> None:
    """Forecast DATA, a shipped data set's name (see `tsrnn datasets`) or a CSV file.

    First the end of the series is held out, as long as the horizon, and forecast by a model that has not seen it. The
    errors stand beside those of the seasonal naive forecasts, each of which repeats a season. Then the model is fitted
    to the whole series and forecasts its future.
    """
    given = {name: value for name, value in options.items() if value is not None and value is not False and value != ()}
    csv = {name: given.pop(name) for name in FILE_OPTIONS if name in given}
    network = given
    if model not in NETWORKS and network:
        option = next(iter(network)).replace("_", "-")
        raise click.UsageError(f"--{option} belongs to the networks, and --model {model} is none")
    if force and plot is None and output is None:
        raise click.UsageError("--force belongs to --output or --plot, and neither is given")
    check_target(plot, "--plot", (".png", ".pdf", ".svg"), Path(data), force)
    check_target(output, "--output", (".csv",), Path(data), force)
    try:
        y = _read(data, column, csv)
        _forecast(y, horizon, Model(model, network), Files(plot, output, force))
    except (ValueError, ArithmeticError) as error:  # the library's errors say what would do
        raise click.ClickException(shortened(str(error))) from error


# ---------------------------------------------------------------- the job
@dataclass
class Model:
    """What was asked for."""

    name: str
    network: dict[str, Any]  # options of a network that were given

    @property
    def title(self) -> str:
        """As tables call it."""
        return "latent AR" if self.name == "latent" else MODELS[self.name].removesuffix("Forecaster")

    def fit(self, y: pd.Series, horizon: int, on: str) -> Any:
        """The forecaster, fitted to `y`, which is `on` in words."""
        import tsrnn

        options = {ARGUMENTS.get(name, name): value for name, value in self.network.items()}
        if self.name in NETWORKS:
            options.setdefault("random_state", 0)
        verbose = "verbose" in options
        _say(f"Fitting the {self.title} to {on} ...", nl=verbose)
        started = time.perf_counter()
        try:
            with _remarks() as remarks:
                forecaster = getattr(tsrnn, MODELS[self.name])(horizon=horizon, **options).fit(y)
        except Exception:
            _say("")
            raise
        took, compiled = time.perf_counter() - started, getattr(forecaster, "timings_", {}).get("compile", 0.0)
        _say(f" {took:.1f} s" + (f" ({compiled:.1f} s to compile, on first use)" if compiled > 1 else ""))
        for remark in remarks:
            _say(f"  Warning: {remark}")
        if verbose:
            _say(_details(forecaster))
        if getattr(forecaster, "best_epoch_", 1) == 0:
            _say("  No epoch of training was better than its linear start, so the forecast is linear.")
        return forecaster


@contextmanager
def _remarks() -> Iterator[list[str]]:
    """Collect what this package warns of, each warning once; others go their way."""
    from .exceptions import TsrnnWarning

    remarks: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TsrnnWarning)
        yield remarks
    for warning in caught:
        if not issubclass(warning.category, TsrnnWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif str(warning.message) not in remarks:
            remarks.append(str(warning.message))


@dataclass
class Files:
    """What is to be written."""

    plot: Path | None
    output: Path | None
    force: bool

    def write(self, y: pd.Series, future: pd.Series, tested: pd.Series, title: str) -> None:
        """Write the forecast of the future, and draw it beside that of the test."""
        if self.output is not None:
            with written(self.output, "--output", self.force) as path:
                future.rename("forecast").to_csv(path, index_label="date")
            _say(f"Wrote {self.output}.")
        if self.plot is not None:
            from .plotting import save_forecast

            with written(self.plot, "--plot", self.force) as path:
                save_forecast(path, y, future, tested, title=title)
            _say(f"Drew {self.plot}.")


def _forecast(y: pd.Series, horizon: int | None, model: Model, files: Files) -> None:
    from . import frame

    index: Any = y.index
    season = frame.season_length(index)
    horizon = _default_horizon(len(y), season) if horizon is None else horizon
    step = _step(index)
    if horizon >= len(y):
        raise click.ClickException(
            f"--horizon {horizon} must be smaller than the series, which has {len(y)} {step}: that many are held out"
        )
    y, missing = y.rename(shortened(str(y.name), 80)), int(y.isna().sum())
    click.echo(f"{y.name}: {len(y)} {step}, {_span(y)}" + (f", {missing} of them missing" if missing else ""))
    train, test = y.iloc[:-horizon], y.iloc[-horizon:]
    tested = model.fit(train, horizon, f"the first {_count(len(train), step)}").predict(horizon)
    digits = _report_test(model, train, test, tested, season, step)
    future = model.fit(y, horizon, f"all {len(y)} {step}").predict(horizon)
    click.echo(f"\nForecast of the next {_count(horizon, step)}, by the {model.title} fitted to all {len(y)} {step}:\n")
    labels = [_label(label) for label in future.index]
    numbers = [f"{value:.{max(0, digits - 1)}f}" for value in future]  # more would be noise
    _table([("date" if hasattr(y.index, "freqstr") else "step", "forecast"), *zip(labels, numbers, strict=True)])
    files.write(y, future, tested, title=f"{y.name}: forecast by the {model.title}")


def _report_test(model: Model, train: pd.Series, test: pd.Series, tested: pd.Series, season: int, step: str) -> int:
    """Print the errors over the held-out steps; the decimals that show them well."""
    from . import frame

    season = season if season < len(train) else 1
    naive = _naive(train, len(test), step)
    absolute = [frame.mae(test, prediction) for prediction in (tested, *naive.values())]
    scaled = [frame.mase(test, prediction, train, season) for prediction in (tested, *naive.values())]
    digits = _digits(absolute)
    click.echo(f"\nTest on the last {_count(len(test), step)}, {_span(test)}, which the model had not seen:\n")
    errors = [(f"{a:.{digits}f}", f"{b:.2f}") for a, b in zip(absolute, scaled, strict=True)]
    _table([("", "MAE", "MASE"), *((name, *pair) for name, pair in zip((model.title, *naive), errors, strict=True))])
    change = f"{season} {step}" if season > 1 else f"one {step.removesuffix('s')}"
    baselines = dict(zip(naive, absolute[1:], strict=True))
    click.echo(
        "\nMAE is the mean absolute error. MASE divides it by the mean absolute change over "
        f"{change}\nbefore the test. {_verdict(model.title, absolute[0], baselines)}"
    )
    return digits


def _naive(train: pd.Series, horizon: int, step: str) -> dict[str, Any]:
    """The forecasts to beat, by name: one for each season of the series, or the last value."""
    from . import frame

    index: Any = train.index
    seasons = [season for season in frame.season_lengths(index, len(train)) if season < len(train)] or [1]
    forecasts = {}
    for season in seasons:
        name = f"seasonal naive ({season} {step})" if len(seasons) > 1 else "seasonal naive"
        filled = train.fillna(train.shift(season)).ffill()
        forecasts[name if season > 1 else "last value"] = frame.seasonal_naive(filled, horizon, season)
    return forecasts


def _verdict(title: str, error: float, baselines: dict[str, float]) -> str:
    """One sentence on the error of the model and that of the best baseline."""
    name, naive = min(baselines.items(), key=lambda pair: pair[1])
    if not (error >= 0 and naive > 0):
        return "Too little was observed in the test to compare the two."
    change = round(100 * (error / naive - 1))
    if change == 0:
        return f"The {title} is as good as the {name}."
    other = f"the {name}'s" if len(baselines) == 1 else f"that of the {name}, the best of these"
    return f"The {title}'s error is {abs(change)} % {'smaller' if change < 0 else 'larger'} than {other}."


def _default_horizon(n: int, season: int) -> int:
    """One season, or 12; at most a quarter of a short series."""
    return max(1, min(season if season > 1 else 12, n // 4))


# ---------------------------------------------------------------- arguments
def _read(data: str, column: str | None, csv: dict[str, Any]) -> pd.Series:
    """The series that the arguments ask for."""
    path = Path(data)
    if not path.is_file() and data not in datasets.DATASETS:
        import difflib

        close = difflib.get_close_matches(data, datasets.DATASETS, 1)
        hint = f"did you mean {close[0]!r}?" if close else "`tsrnn datasets` lists the data sets."
        raise click.UsageError(f"{data!r} is neither a file nor a shipped data set; {hint}")
    if path.is_file():
        from .frame.files import read_csv

        return read_csv(path, column=column, **csv, report=_say)
    for name in csv:
        raise click.UsageError(f"--{name.replace('_', '-')} belongs to a CSV file, and {data} is a shipped data set")
    shipped: Any = datasets.load(data)
    if shipped.ndim == 2:
        from .frame.files import select_column

        return select_column(shipped, column, _say)
    if column not in (None, shipped.name):
        raise click.UsageError(f"there is no column {column!r}: {data} has one series, {shipped.name!r}")
    return shipped.rename(data)


# ---------------------------------------------------------------- words
def _say(text: str, nl: bool = True) -> None:
    """Progress and remarks, on standard error."""
    click.echo(shortened(text), err=True, nl=nl)


def _step(index: pd.Index) -> str:
    """What the steps of a series are called."""
    code = str(getattr(index, "freqstr", "")).split("-")[0]
    return STEPS.get(code, "steps")


def _label(label: Any) -> str:
    return str(label).removesuffix(" 00:00:00")


def _span(y: pd.Series) -> str:
    return f"{_label(y.index[0])} to {_label(y.index[-1])}" if len(y) > 1 else _label(y.index[0])


def _count(n: int, step: str) -> str:
    """Several months; in a phrase such as 'the last', one is no number but just 'month'."""
    return f"{n} {step}" if n > 1 else step.removesuffix("s")


def _digits(errors: list[float]) -> int:
    """Decimals that show the smaller error with three figures, unless it is next to nothing."""
    import math

    known = [error for error in errors if 0 < error < math.inf]
    return min(9, max(0, 2 - math.floor(math.log10(max(min(known), max(known) / 1000))))) if known else 3


def _details(forecaster: Any) -> str:
    """What the training came to."""
    return (
        f"  reads {forecaster.context_length_} steps, {len(forecaster.theta_)} parameters, best after "
        f"{forecaster.best_epoch_} of {len(forecaster.loss_curve_)} epochs (0 is the linear start)"
    )


def _table(rows: list[tuple[str, ...]]) -> None:
    """The first column to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        click.echo("  " + "   ".join(cells).rstrip())
