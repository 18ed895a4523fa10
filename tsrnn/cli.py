"""The command line: ``tsrnn forecast`` and ``tsrnn datasets``.

It reads a series, measures the model on the series' own end, and forecasts what comes after it. Results go to standard
output, progress and remarks to standard error. Nothing heavy is imported before a series is read.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import __version__, datasets

if TYPE_CHECKING:
    import pandas as pd

MODELS = {"ar": "ARForecaster", "rnn": "RNNForecaster", "lstm": "LSTMForecaster", "gru": "GRUForecaster"}

#: What a step is called, by pandas' frequency code.
STEPS = {
    "YS": "years", "YE": "years", "Y": "years", "QS": "quarters", "QE": "quarters", "Q": "quarters",
    "MS": "months", "ME": "months", "M": "months", "W": "weeks", "D": "days", "B": "business days",
    "h": "hours", "min": "minutes", "s": "seconds",
}  # fmt: skip


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tsrnn")
def main() -> None:
    """Forecast time series with recurrent networks."""


@main.command("datasets")
def list_datasets() -> None:
    """List the data sets that come with tsrnn."""
    for name, loader in datasets.DATASETS.items():
        about = (loader.__doc__ or "").partition("\n")[0]
        click.echo(f"{name:<18}{about}")


@main.command()
@click.argument("data")
@click.option("--horizon", type=click.IntRange(1), help="Steps to forecast. [default: one season, or 12]")
@click.option(
    "--model", type=click.Choice(list(MODELS)), default="lstm", show_default=True,
    help="Linear autoregression or a recurrent network.",
)  # fmt: skip
@click.option("--strategy", type=click.Choice(["recursive", "direct"]), help="How to get further than one step.")
@click.option("--context-length", type=click.IntRange(1), help="Steps that a forecast reads.")
@click.option("--hidden-size", type=click.IntRange(1), help="Units of the network.")
@click.option("--epochs", type=click.IntRange(1), help="Most passes over the data; training stops earlier by itself.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Seed of the network.")
@click.option("--column", help="Column to forecast. [default: the first one with numbers]")
@click.option("--index-column", help="Column with the dates, for a CSV file. [default: the first one]")
@click.option("--date-format", help="How its dates are written, such as %d/%m/%Y, for a CSV file.")
@click.option("--freq", help="Frequency, a pandas code such as MS or W-SAT, for a CSV file. [default: inferred]")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the forecast to this PNG file.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the forecast to this CSV file.")
@click.option("--verbose", is_flag=True, help="Show the training.")
def forecast(
    data: str,
    horizon: int | None,
    model: str,
    seed: int,
    column: str | None,
    index_column: str | None,
    date_format: str | None,
    freq: str | None,
    plot: Path | None,
    output: Path | None,
    verbose: bool,
    **network: Any,
) -> None:
    """Forecast DATA: a shipped data set's name (see `tsrnn datasets`) or a CSV file.

    The last steps of the series are held out first, to measure the model and the seasonal naive forecast, which repeats
    the last season. Then the model is fitted to the whole series and forecasts its future.
    """
    network = {name: value for name, value in network.items() if value is not None}
    if model == "ar" and network:
        option = next(iter(network)).replace("_", "-")
        raise click.UsageError(f"--{option} belongs to the networks, and --model ar is none")
    _check_file(plot, "--plot", (".png", ".pdf", ".svg"))
    _check_file(output, "--output", (".csv",))
    y = _read(data, column, index_column, date_format, freq)
    try:
        _forecast(y, horizon, Model(model, network, seed, verbose), plot, output)
    except (ValueError, FloatingPointError) as error:  # the library's errors say what would do
        raise click.ClickException(str(error)) from error


# ---------------------------------------------------------------- the job
@dataclass
class Model:
    """What was asked for."""

    name: str
    network: dict[str, Any]
    seed: int
    verbose: bool

    @property
    def title(self) -> str:
        """As tables call it."""
        return self.name.upper()

    def fit(self, y: pd.Series, horizon: int, on: str) -> Any:
        """The forecaster, fitted to `y`, which is `on` in words."""
        import tsrnn

        options: dict[str, Any] = {}
        if self.name != "ar":
            options = {"random_state": self.seed, "verbose": int(self.verbose)}
            options |= {"max_epochs" if name == "epochs" else name: value for name, value in self.network.items()}
        _say(f"Fitting {_article(self.title)} to {on} ...", nl=self.verbose)
        started = time.perf_counter()
        forecaster = getattr(tsrnn, MODELS[self.name])(horizon=horizon, **options).fit(y)
        took, compiled = time.perf_counter() - started, getattr(forecaster, "timings_", {}).get("compile", 0.0)
        slow = f", {compiled:.1f} s of them compiling, as the first run does" if compiled > 1 else ""
        _say(f" {took:.1f} s{slow}")
        if self.verbose and self.name != "ar":
            _say(_details(forecaster))
        return forecaster


def _forecast(y: pd.Series, horizon: int | None, model: Model, plot: Path | None, output: Path | None) -> None:
    from . import frame

    season = frame.season_length(y.index)
    horizon = _default_horizon(len(y), season) if horizon is None else horizon
    step = _step(y.index)
    if horizon >= len(y):
        raise click.ClickException(
            f"--horizon {horizon} must be smaller than the series, which has {len(y)} {step}: that many are held out"
        )
    missing = int(y.isna().sum())
    click.echo(f"{y.name}: {len(y)} {step}, {_span(y)}" + (f", {missing} of them missing" if missing else ""))
    train, test = y.iloc[:-horizon], y.iloc[-horizon:]
    tested = model.fit(train, horizon, f"the first {len(train)} {step}").predict(horizon)
    digits = _report_test(model, train, test, tested, season, step)
    future = model.fit(y, horizon, f"all {len(y)} {step}").predict(horizon)
    click.echo(f"\nForecast of the next {horizon} {step}, by the {model.title} fitted to all {len(y)}:\n")
    labels = [_label(label) for label in future.index]
    numbers = [f"{value:.{digits}f}" for value in future]
    _table([("date", "forecast"), *zip(labels, numbers, strict=True)])
    if output is not None:
        future.rename("forecast").to_csv(output, index_label="date")
        _say(f"\nWrote {output}.")
    if plot is not None:
        from .plotting import save_forecast

        save_forecast(plot, y, future, tested, title=f"{y.name}: forecast by the {model.title}")
        _say(f"\nDrew {plot}.")


def _report_test(
    model: Model, train: pd.Series, test: pd.Series, tested: pd.Series, season: int, step: str
) -> int:
    """Print the errors over the held-out steps; the decimals that forecasts deserve."""
    from . import frame

    season = season if season < len(train) else 1
    naive = frame.seasonal_naive(train.fillna(train.shift(season)).ffill(), len(test), season)
    rows = [(model.title, tested), ("seasonal naive" if season > 1 else "last value", naive)]
    absolute = [frame.mae(test, prediction) for _, prediction in rows]
    scaled = [frame.mase(test, prediction, train, season) for _, prediction in rows]
    digits = _digits(absolute, test)
    click.echo(f"\nTest on the last {len(test)} {step}, {_span(test)}, which the model had not seen:\n")
    errors = [(f"{a:.{digits}f}", f"{b:.2f}") for a, b in zip(absolute, scaled, strict=True)]
    _table([("", "MAE", "MASE"), *((name, *pair) for (name, _), pair in zip(rows, errors, strict=True))])
    change = f"{season} {step}" if season > 1 else f"one {step.removesuffix('s')}"
    click.echo(
        "\nMAE is the mean absolute error. MASE divides it by the mean absolute change over "
        f"{change}\nbefore the test. {_verdict(model, *absolute, rows[1][0])}"
    )
    return digits


def _verdict(model: Model, error: float, other: float, name: str) -> str:
    """One sentence on two errors."""
    if not (error >= 0 and other > 0):
        return "Too little was observed in the test to compare the two."
    change = round(100 * (error / other - 1))
    if change == 0:
        return f"The {model.title} is as good as the {name}."
    return f"The {model.title}'s error is {abs(change)} % {'smaller' if change < 0 else 'larger'} than the {name}'s."


def _default_horizon(n: int, season: int) -> int:
    """One season, or 12; at most a quarter of a short series."""
    return max(1, min(season if season > 1 else 12, n // 4))


# ---------------------------------------------------------------- reading
def _read(data: str, column: str | None, index_column: str | None, date_format: str | None, freq: str | None) -> Any:
    """The series that the arguments ask for."""
    path = Path(data)
    if path.is_file():
        return _read_csv(path, column, index_column, date_format, freq)
    if data not in datasets.DATASETS:
        import difflib

        close = difflib.get_close_matches(data, datasets.DATASETS, 1)
        hint = f"did you mean {close[0]!r}?" if close else "`tsrnn datasets` lists the data sets."
        raise click.UsageError(f"{data!r} is neither a file nor a shipped data set; {hint}")
    for name, value in (("index-column", index_column), ("date-format", date_format), ("freq", freq)):
        if value is not None:
            raise click.UsageError(f"--{name} belongs to a CSV file, and {data} is a shipped data set")
    shipped = datasets.load(data)
    if shipped.ndim == 2:
        return _pick(shipped, column)
    if column not in (None, shipped.name):
        raise click.UsageError(f"there is no column {column!r}: {data} has one series, {shipped.name!r}")
    return shipped.rename(data)


def _read_csv(
    path: Path, column: str | None, index_column: str | None, date_format: str | None, freq: str | None
) -> pd.Series:
    import pandas as pd

    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
        separator = max(",;\t", key=header.count)
        table = pd.read_csv(path, sep=separator, encoding="utf-8-sig")
    except (OSError, UnicodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise click.ClickException(f"{path} cannot be read as a CSV file: {error}") from error
    if table.empty:
        raise click.ClickException(f"{path} has no rows below its header")
    if index_column is None:
        if table.shape[1] == 1:
            _say(f"{path} has no column with dates: its rows are numbered.")
            return _pick(table, column)
        index_column = str(table.columns[0])
    _check_column(table, index_column, "--index-column")
    index = _read_index(table.pop(index_column), index_column, date_format)
    y = _pick(table, column)
    y.index = index
    y = y.sort_index()
    if y.index.has_duplicates:
        twice = _label(y.index[y.index.duplicated()][0])
        raise click.ClickException(f"{path} has {twice} more than once in its column {index_column!r}")
    return _on_grid(y, freq) if isinstance(y.index, pd.DatetimeIndex) else y


def _read_index(labels: pd.Series, name: str, date_format: str | None) -> pd.Index:
    """Dates, or whole numbers such as years."""
    import warnings

    import pandas as pd

    if labels.isna().any():
        row = int(labels.isna().argmax())
        raise click.ClickException(f"the column {name!r} has no date in row {row + 1}")
    if date_format is None and pd.api.types.is_integer_dtype(labels):
        return pd.Index(labels, name=name)
    if date_format is None and pd.api.types.is_numeric_dtype(labels):
        raise click.ClickException(
            f"the column {name!r} holds {labels.iloc[0]!r}, which is no date; say which column does with --index-column"
        )
    text = labels.astype(str)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # dates that pandas reads one by one
            dates = pd.to_datetime(text, format=date_format)
            other = dates if date_format else pd.to_datetime(text, dayfirst=True)
    except ValueError as error:
        raise click.ClickException(
            f"the column {name!r} cannot be read as dates: {error}. Say how they are written with --date-format, or "
            "which column has them with --index-column"
        ) from error
    if not dates.equals(other):
        row = int((dates != other).argmax())
        raise click.ClickException(
            f"the column {name!r} holds {text.iloc[row]!r}: is the day first? Say --date-format %d/%m/%Y or %m/%d/%Y"
        )
    return pd.DatetimeIndex(dates, name=name)


def _on_grid(y: pd.Series, freq: str | None) -> pd.Series:
    """The series with a frequency, and NaN at dates that are not there."""
    import pandas as pd

    freqs = _likely(y.index) if freq is None else [freq]
    for likely in freqs:
        try:
            grid = pd.date_range(y.index[0], y.index[-1], freq=likely)
        except ValueError as error:
            raise click.ClickException(f"--freq {likely} is no frequency that pandas knows, such as MS or W-SAT") from error
        if y.index.isin(grid).all():
            added = len(grid) - len(y)
            if added:
                _say(f"{added} dates are not in the file; they count as missing (frequency {likely}).")
            return y.reindex(grid.rename(y.index.name))
    if freq is None:
        raise click.ClickException("the dates have no regular steps; say which with --freq, such as MS, W-SAT or D")
    off = _label(y.index[~y.index.isin(grid)][0])
    raise click.ClickException(f"--freq {freq} does not fit: {off} is not on its grid")


def _likely(index: pd.DatetimeIndex) -> list[str]:
    """Frequencies that stretches of the index have, the longest stretches first."""
    import pandas as pd

    found: dict[str, None] = {}
    for width in (len(index), 12, 6, 4, 3):
        for start in range(min(50, len(index) - width + 1)):
            freq = pd.infer_freq(index[start : start + width]) if width >= 3 else None
            if freq is not None:
                found[freq] = None
    return list(found)


def _pick(table: pd.DataFrame, column: str | None) -> pd.Series:
    """The column that was asked for, or the first one with numbers."""
    import pandas as pd

    numeric = [str(name) for name in table.columns if pd.api.types.is_numeric_dtype(table[name])]
    if column is None:
        if not numeric:
            raise click.ClickException(f"no column holds numbers only: {', '.join(map(str, table.columns))}")
        column = numeric[0]
        if len(numeric) > 1:
            _say(f"Forecasting {column!r}; --column chooses another of: {', '.join(numeric[1:])}.")
    _check_column(table, column, "--column")
    if column not in numeric:
        raise click.ClickException(f"the column {column!r} does not hold numbers only, but {table[column].iloc[0]!r}")
    return table[column].astype("float64")


def _check_column(table: pd.DataFrame, column: str, option: str) -> None:
    if column not in table.columns:
        columns = ", ".join(map(str, table.columns))
        raise click.UsageError(f"{option} {column}: there is no such column; there are {columns}")


def _check_file(path: Path | None, option: str, suffixes: tuple[str, ...]) -> None:
    """Refuse a file that could not be written, before the work is done and not after it."""
    if path is None:
        return
    if path.suffix.lower() not in suffixes:
        raise click.UsageError(f"{option} {path}: the name must end in {' or '.join(suffixes)}")
    if not path.absolute().parent.is_dir():
        raise click.UsageError(f"{option} {path}: there is no folder {path.parent}")


# ---------------------------------------------------------------- words
def _say(text: str, nl: bool = True) -> None:
    """Progress and remarks, on standard error."""
    click.echo(text, err=True, nl=nl)


def _article(title: str) -> str:
    return f"an {title}"  # AR, RNN, LSTM; a GRU


def _step(index: pd.Index) -> str:
    """What the steps of a series are called."""
    code = str(getattr(index, "freqstr", "")).split("-")[0]
    return STEPS.get(code, "steps")


def _label(label: Any) -> str:
    return str(label).removesuffix(" 00:00:00")


def _span(y: pd.Series) -> str:
    return f"{_label(y.index[0])} to {_label(y.index[-1])}"


def _digits(errors: list[float], test: pd.Series) -> int:
    """Decimals that show the smallest error with three figures; forecasts deserve no more."""
    import math

    known = [error for error in errors if 0 < error < math.inf]
    return min(9, max(0, 2 - math.floor(math.log10(min(known))))) if known else 3


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
