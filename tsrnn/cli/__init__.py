"""The command line: ``tsrnn forecast``, ``tsrnn datasets`` and ``tsrnn warmup``.

`forecast` reads a series, tests a model on its last steps, and forecasts the steps after its end. `warmup` compiles in
advance. Results are printed on standard output, progress and warnings on standard error. Large libraries are imported
only when a series is read or functions are compiled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .. import __version__, datasets
from ..messages import format_label, shorten
from ..shell import MAX_LENGTH, Program, atomic_write, check_output_path
from .model import CELLS, MODELS, NETWORKS, RANDOM, STRATEGIES, Model, collect_warnings
from .text import count, decimals_for, default_horizon, number, print_table, report, span, step_name, with_coverage

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from ..training.warmup import Compiled


class Names(click.ParamType):
    """Names between commas: a tuple of some of the `known` names; of any, if they are not given."""

    name = "name,..."

    def __init__(self, known: Iterable[str] = ()):
        self.known = tuple(known)

    def convert(
        self, value: str | tuple[str, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the names, each once."""
        names = tuple(dict.fromkeys(part.strip() for part in value.split(","))) if isinstance(value, str) else value
        for name in names:
            if self.known and name not in self.known:
                self.fail(f"{name!r} is not one of {', '.join(self.known)}", param, ctx)
        return names


#: Options for CSV files, by the arguments of `tsrnn.frame.files.read_csv`.
FILE_OPTIONS = {
    "index_column": click.option(
        "--index-column", help="CSV: column with the dates, or several, such as year,month. [default: found]"
    ),
    "no_index": click.option("--no-index", is_flag=True, help="CSV: number the rows; no column has dates."),
    "date_format": click.option(
        "--date-format",
        help="CSV: format of the dates, such as %d/%m/%Y or Q%q %Y; unix-s, unix-ms, unix-us, unix-ns, excel or "
        "decimal-year for numbers that are dates, number for integers that are not. [default: found]",
    ),
    "freq": click.option("--freq", help="CSV: frequency, a code of pandas such as MS or W-SAT. [default: inferred]"),
    "where": click.option(
        "--where", multiple=True, metavar="COLUMN=VALUE", help="CSV: read only these rows; may be given several times."
    ),
    "separator": click.option(
        "--separator", help="CSV: separator of columns: comma, semicolon, tab, bar, space. [default: found]"
    ),
    "decimal": click.option("--decimal", help="CSV: decimal mark, such as a comma. [default: found]"),
    "thousands": click.option("--thousands", help="CSV: separator of thousands, such as a point. [default: found]"),
    "missing": click.option(
        "--missing", multiple=True, metavar="TEXT",
        help="CSV: text that means a missing value, such as -; may be given several times.",
    ),
    "encoding": click.option("--encoding", help="CSV: encoding, such as cp1252. [default: UTF-8]"),
}  # fmt: skip

#: Options for files with many series, by the attributes of `tsrnn.cli.panels.PanelFiles`.
PANEL_OPTIONS = {
    "id": click.option("--id", help="Many series: column that tells the series apart, or several: store,item."),
    "time": click.option("--time", help="Many series: column with the dates, or several. [default: found]"),
    "target": click.option(
        "--target", help="Many series: column to forecast. [default: the first one with numbers]"
    ),
    "past": click.option(
        "--past", type=Names(), help="Many series: columns with covariates that are known when a row has come."
    ),
    "future": click.option(
        "--future", type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Many series: CSV file with covariates known ahead, also for the steps to forecast, by id and date.",
    ),
    "static": click.option(
        "--static", type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Many series: CSV file with a row for each series, of numbers and categories.",
    ),
}  # fmt: skip

#: A function that becomes a command.
Command = TypeVar("Command", bound=Callable[..., None])


def _file_options(command: Command) -> Command:
    """Add the options for CSV files to a command."""
    for option in reversed(FILE_OPTIONS.values()):
        command = option(command)
    return command


def _panel_options(command: Command) -> Command:
    """Add the options for files with many series to a command."""
    for option in reversed(PANEL_OPTIONS.values()):
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
    "--model", type=click.Choice(list(MODELS)), default="auto", show_default=True,
    help="A median of a few models that the kind of data chooses (auto), a simple baseline (naive, seasonal-naive, "
    "drift, theta), a linear autoregression, one with latent states, or a recurrent network.",
)  # fmt: skip
@click.option("--strategy", type=click.Choice(STRATEGIES), help="How a network forecasts several steps.")
@click.option("--context-length", type=click.IntRange(1), help="Steps that a network reads before it forecasts.")
@click.option("--hidden-size", type=click.IntRange(1), help="Units of a network.")
@click.option("--epochs", type=click.IntRange(1), help="Maximum number of epochs; training may stop earlier.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Seed of a network. [default: 0]")
@click.option("--column", help="Column to forecast. [default: the first one with numbers]")
@_file_options
@_panel_options
@click.option(
    "--interval", type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Coverage of prediction intervals, such as 0.9, for two more columns.",
)  # fmt: skip
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the forecast to this PNG file.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the forecast to this CSV file.")
@click.option("--force", is_flag=True, help="Let --output and --plot overwrite a file.")
@click.option("--verbose", is_flag=True, default=None, help="Show the training of a network.")
def forecast(
    data: str,
    horizon: int | None,
    model: str,
    column: str | None,
    interval: float | None,
    plot: Path | None,
    output: Path | None,
    force: bool,
    **options: object,
) -> None:
    """Forecast DATA, the name of a data set (see `tsrnn datasets`) or a CSV file.

    With --id the file holds many series, one below the other. The model is fitted to all of them, and forecasts the
    steps after the end of each.

    First the model is tested: it is fitted without the last steps of the series, as many as the horizon, and forecasts
    them. Its errors are compared with those of seasonal naive forecasts, which repeat the last season. Then the model
    is fitted to the whole series and forecasts its future.
    """
    given = {name: value for name, value in options.items() if value is not None and value is not False and value != ()}
    csv = {name: given.pop(name) for name in FILE_OPTIONS if name in given}
    roles: dict[str, Any] = {name: given.pop(name) for name in PANEL_OPTIONS if name in given}
    _check_roles(roles, csv, column, data)
    if other := [name for name in given if model not in (RANDOM if name == "seed" else NETWORKS)]:
        option = other[0].replace("_", "-")
        raise click.UsageError(
            f"--{option} is an option of networks, and --model {model} is not a network; leave the option out, or use "
            "--model lstm"
        )
    if force and plot is None and output is None:
        raise click.UsageError(
            "--force needs --output or --plot, and neither is given; leave it out, or add one of them"
        )
    check_output_path(plot, "--plot", (".png", ".pdf", ".svg"), Path(data), force)
    check_output_path(output, "--output", (".csv",), Path(data), force)
    for name in ("future", "static"):
        if output is not None and output.exists() and name in roles and output.samefile(roles[name]):
            raise click.UsageError(f"--output {output} is the file of --{name}; give another name")
    try:
        if "id" in roles:
            from .panels import PanelFiles, forecast_panel

            files = PanelFiles(Path(data), **roles)
            forecast_panel(files, csv, horizon, Model(model, given), interval, plot, output, force)
        else:
            y = _read_series(data, column, csv)
            _forecast(y, horizon, Model(model, given), Outputs(plot, output, force, interval))
    except (ValueError, ArithmeticError) as error:
        raise click.ClickException(shorten(str(error), MAX_LENGTH)) from error


def _check_roles(roles: dict[str, Any], csv: dict[str, Any], column: str | None, data: str) -> None:
    """Refuse options of a panel without --id, and options that a panel has no use for."""
    if "id" not in roles:
        for name in roles:
            instead = {"time": ", or use --index-column", "target": ", or use --column"}.get(name, "")
            raise click.UsageError(f"--{name} is an option of files with many series; add --id COLUMN{instead}")
        return
    for name, given, instead in (
        ("--column", column, "name the column to forecast with --target"),
        ("--index-column", csv.get("index_column"), "name the column with the dates with --time"),
        ("--no-index", csv.get("no_index"), "name the column with the times with --time"),
    ):
        if given:
            raise click.UsageError(f"{name} is an option for one series, but --id reads many; {instead}")
    if not Path(data).is_file():
        raise click.UsageError(f"--id is an option for CSV files, and {data!r} is not a file; leave it out")


@main.command(short_help="Compile networks in advance, such as for a container image.")
@click.option("--cells", type=Names(CELLS), help="Cells, such as lstm,gru. [default: all that the device can compute]")
@click.option(
    "--strategies",
    type=Names(STRATEGIES),
    default="direct,recursive",
    show_default=True,
    help="Strategies: direct, recursive, seq2seq.",
)
@click.option("--losses", type=Names(), default="mae", show_default=True, help="Losses, such as mae,huber.")
@click.option("--dtype", type=click.Choice(["float32", "float64"]), default="float32", show_default=True)
@click.option("--devices", type=Names(["cpu", "cuda"]), default="cpu", show_default=True, help="Devices: cpu, cuda.")
def warmup(
    cells: tuple[str, ...] | None,
    strategies: tuple[str, ...],
    losses: tuple[str, ...],
    dtype: str,
    devices: tuple[str, ...],
) -> None:
    """Compile in advance the functions that networks run, so that no later process has to compile them.

    On the CPU the loops of the theta and latent models, which have no options, are compiled as well.

    They are kept in the folder of the environment variable NUMBA_CACHE_DIR; without it beside the package, or in the
    user's cache folder.
    """
    from ..cells.registry import family
    from ..estimators.warmup import compile_loops
    from ..losses.registry import LOSSES
    from ..training.warmup import check_device, code_folder, compile_cell, runs_on

    for name in losses:
        if name not in LOSSES:
            raise click.BadParameter(f"{name!r} is not one of {', '.join(LOSSES)}", param_hint="'--losses'")
    forms = {}
    for name in cells or CELLS:
        described = family(CELLS[name])
        forms[name] = described.make(**{option.name: option.default for option in described.options})
    work = [(device, name) for device in devices for name in forms if cells or runs_on(device, forms[name])]
    try:
        for device, name in work:
            check_device(device, forms[name])
    except RuntimeError as error:
        raise click.ClickException(re.sub(r"\bdevice='(\w+)'", r"--devices \1", str(error))) from error
    equations = [LOSSES[loss] for loss in losses]
    jobs: list[tuple[str, Callable[[], Compiled]]] = [
        (
            f"{name} ({device})" if len(devices) > 1 else name,
            partial(compile_cell, forms[name], strategies, equations, dtype, device),
        )
        for device, name in work
    ]
    if "cpu" in devices:
        jobs.append(("theta, latent", compile_loops))
    for place, compile_ in jobs:
        with collect_warnings() as messages:
            done = compile_()
        click.echo(f"{place}: compiled {done.n_functions} functions in {done.seconds:.1f} s")
        for message in messages:
            report(f"  Warning: {message}")
        if len(done.files) < done.n_functions:
            raise click.ClickException(
                f"only {len(done.files)} of these functions were kept, so that a later process compiles the others "
                "again; set NUMBA_CACHE_DIR to a folder that can be written and has room"
            )
    folder, n_files, n_bytes = code_folder()
    click.echo(f"Compiled code: {n_files} functions, {n_bytes / 1e6:.1f} MB, in {folder}")


# ---------------------------------------------------------------- test and forecast
@dataclass
class Outputs:
    """The files to write; None for those that are not wanted."""

    plot: Path | None
    output: Path | None
    force: bool
    interval: float | None = None

    def write(self, y: pd.Series, future: pd.Series, tested: pd.Series, title: str, bounds: list[pd.Series]) -> None:
        """Write the forecast of the future with its bounds, and plot it with the forecast of the test."""
        import pandas as pd

        if self.output is not None:
            with atomic_write(self.output, "--output", self.force) as path:
                table = {"forecast": future} | dict(zip(("lower", "upper"), bounds, strict=False))
                pd.DataFrame(table).to_csv(path, index_label="date")
            report(f"Wrote {self.output}.")
        if self.plot is not None:
            from ..plotting import save_forecast

            with atomic_write(self.plot, "--plot", self.force) as path:
                interval = pd.concat(bounds, axis=1) if bounds else None
                save_forecast(path, y, future, tested, interval=interval, title=title)
            report(f"Wrote {self.plot}.")


def _forecast(y: pd.Series, horizon: int | None, model: Model, outputs: Outputs) -> None:
    """Test the model, forecast the future, print both, and write the output files."""
    from .. import frame

    index: Any = y.index
    season = frame.season_length(index)
    horizon = default_horizon(len(y), season) if horizon is None else horizon
    step = step_name(index)
    if horizon >= len(y):
        raise click.ClickException(
            f"--horizon {horizon} must be smaller than the series, which has {len(y)} {step}: the test holds out that "
            "many; give a smaller one"
        )
    y, missing = y.rename(shorten(str(y.name), 80)), int(y.isna().sum())
    click.echo(f"{y.name}: {len(y)} {step}, {span(y)}" + (f", {missing} of them missing" if missing else ""))
    train, test = y.iloc[:-horizon], y.iloc[-horizon:]
    tested = model.fit(train, horizon, f"the first {count(len(train), step)}").predict(horizon)
    n_decimals = _print_test(model, train, test, tested, season, step)
    forecaster: Any = model.fit(y, horizon, f"all {len(y)} {step}")
    future, bounds = forecaster.predict(horizon), []
    if outputs.interval is not None:
        table = forecaster.predict_interval(horizon, outputs.interval)
        bounds = [table["lower"], table["upper"]]
    click.echo(f"\nForecast of the next {count(horizon, step)}, by the {model.title} fitted to all {len(y)} {step}:\n")
    labels = [format_label(label) for label in future.index]
    columns = [[number(value, max(0, n_decimals - 1)) for value in column] for column in (future, *bounds)]
    head = ("date" if hasattr(y.index, "freqstr") else "step", "forecast", "lower", "upper")
    print_table([head[: 1 + len(columns)], *zip(labels, *columns, strict=True)])  # more decimals would be noise
    title = f"{y.name}: forecast by the {model.title}{with_coverage(outputs.interval)}"
    outputs.write(y, future, tested, title=title, bounds=bounds)


def _print_test(model: Model, train: pd.Series, test: pd.Series, tested: pd.Series, season: int, step: str) -> int:
    """Print the errors over the test and return the number of decimals that they need."""
    from .. import frame

    season = season if season < len(train) else 1
    naive = _baselines(train, len(test), step)
    absolute = [frame.mae(test, prediction) for prediction in (tested, *naive.values())]
    scaled = [
        frame.mase(test, prediction, train, season, constant="unscaled") for prediction in (tested, *naive.values())
    ]
    n_decimals = decimals_for(absolute)
    click.echo(f"\nTest on the last {count(len(test), step)}, {span(test)}, which the model had not seen:\n")
    errors = [(number(a, n_decimals), f"{b:.2f}") for a, b in zip(absolute, scaled, strict=True)]
    print_table(
        [("", "MAE", "MASE"), *((name, *pair) for name, pair in zip((model.title, *naive), errors, strict=True))]
    )
    change = f"{season} {step}" if season > 1 else f"one {step.removesuffix('s')}"
    baselines = dict(zip(naive, absolute[1:], strict=True))
    click.echo(
        "\nMAE is the mean absolute error. MASE divides it by the mean absolute change over "
        f"{change}\nbefore the test. {_comparison(model.title, absolute[0], baselines)}"
    )
    return n_decimals


def _baselines(train: pd.Series, horizon: int, step: str) -> dict[str, np.ndarray]:
    """Return the seasonal naive forecasts, (horizon,), by name: one for each season, or the last value."""
    from .. import frame

    index: Any = train.index
    seasons = [season for season in frame.season_lengths(index, len(train)) if season < len(train)] or [1]
    forecasts = {}
    for season in seasons:
        name = f"seasonal naive ({season} {step})" if len(seasons) > 1 else "seasonal naive"
        filled = train.fillna(train.shift(season)).ffill()
        forecasts[name if season > 1 else "last value"] = frame.seasonal_naive(filled, horizon, season)
    return forecasts


def _comparison(title: str, error: float, baselines: dict[str, float]) -> str:
    """Return a sentence that compares the error of the model with that of the best baseline."""
    name, naive = min(baselines.items(), key=lambda pair: pair[1])
    if not (error >= 0 and naive > 0):
        return "Too little was observed in the test to compare the two."
    change = round(100 * (error / naive - 1))
    if change == 0:
        return f"The {title} is as good as the {name}."
    other = f"the {name}'s" if len(baselines) == 1 else f"that of the {name}, the best of these"
    return f"The {title}'s error is {abs(change)} % {'smaller' if change < 0 else 'larger'} than {other}."


# ---------------------------------------------------------------- arguments
def _read_series(data: str, column: str | None, csv: dict[str, Any]) -> pd.Series:  # csv: arguments of read_csv
    """Return the series that the arguments name."""
    path = Path(data)
    if not path.is_file() and data not in datasets.DATASETS:
        import difflib

        close = difflib.get_close_matches(data, datasets.DATASETS, 1)
        hint = f"did you mean {close[0]!r}?" if close else "`tsrnn datasets` lists the data sets."
        raise click.UsageError(f"{data!r} is neither a file nor a data set of tsrnn; {hint}")
    if path.is_file():
        from ..frame.files import read_csv

        return read_csv(path, column=column, **csv, report=report)
    for name in csv:
        raise click.UsageError(
            f"--{name.replace('_', '-')} is an option for CSV files, and {data} is a data set of tsrnn; leave the "
            "option out"
        )
    shipped: Any = datasets.load(data)
    if shipped.ndim == 2:
        from ..frame.files import select_column

        return select_column(shipped, column, report)
    if column not in (None, shipped.name):
        raise click.UsageError(
            f"there is no column {column!r}: {data} has one series, {shipped.name!r}; leave --column out"
        )
    return shipped.rename(data)
