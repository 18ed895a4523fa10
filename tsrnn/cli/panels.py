"""The command ``tsrnn forecast`` for a panel: many series in one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from .. import frame
from ..frame.files import FilePanel, read_panel_csv, read_static_csv
from ..messages import format_label, shorten
from ..shell import atomic_write
from .model import Model
from .text import count, decimals_for, default_horizon, number, print_table, report, step_name, with_coverage

#: Most series whose forecasts are printed.
N_PRINTED = 10


@dataclass(frozen=True)
class PanelFiles:
    """The files of a panel, and the columns that have a role; None for those that are not given."""

    data: Path
    id: str
    time: str | None = None
    target: str | None = None
    past: tuple[str, ...] = ()
    future: Path | None = None
    static: Path | None = None


def forecast_panel(
    files: PanelFiles,
    csv: dict[str, Any],  # arguments of read_csv
    horizon: int | None,
    model: Model,
    interval: float | None,
    plot: Path | None,
    output: Path | None,
    force: bool,
) -> None:
    """Test the model on the ends of the series, forecast the steps after them, print a summary, write the files."""
    panel = read_panel_csv(
        files.data, id=files.id, time=files.time, target=files.target, past=files.past, future=files.future, **csv,
        report=report,
    )  # fmt: skip
    style = {name: value for name, value in csv.items() if name not in ("date_format", "freq", "where")}
    static = None if files.static is None else read_static_csv(files.static, id=panel.id, **style, report=report)
    work = _PanelForecast(panel, static, model, files.future)
    work.check_static(files.static)
    horizon = work.default_horizon() if horizon is None else horizon
    work.check_future(horizon)
    work.print_data(horizon)
    n_decimals = work.test(horizon)
    future = work.forecast(horizon, interval, n_decimals, is_written=output is not None)
    if output is not None:
        with atomic_write(output, "--output", force) as path:
            future.to_csv(path, index=False)
        report(f"Wrote {output}.")
    if plot is not None:
        with atomic_write(plot, "--plot", force) as path:
            n_plotted, n_series = work.plot(path, future, interval)
        which = f", with the first {n_plotted} of {n_series} series" if n_plotted < n_series else ""
        report(f"Wrote {plot}{which}.")


class _PanelForecast:
    """A panel, and the model that is tested on it and forecasts it."""

    def __init__(self, panel: FilePanel, static: pd.DataFrame | None, model: Model, future: Path | None):
        self.panel, self.static, self.model, self.future = panel, static, model, future
        self.n_rows = panel.n_rows
        grid: Any = panel.grid
        self.step, self.season = step_name(grid), frame.season_length(grid)
        self.id_name = " and ".join(panel.id)

    def default_horizon(self) -> int:
        """Return the steps for which covariates are known after the end of every series; without, one season or 12."""
        if not self.panel.known:
            return default_horizon(int(self.n_rows.median()), self.season)
        self.check_future(1)
        return int(self.panel.n_ahead.min())

    def check_future(self, horizon: int) -> None:
        """Raise if the covariates known ahead end before the forecast of a series does."""
        n = self.panel.n_ahead
        if not self.panel.known or n.min() >= horizon:
            return
        ids = self.n_rows.index[n < horizon]
        first = self.n_rows.index.get_loc(ids[0])
        smaller = f", or choose --horizon {n.min()}" if n.min() > 0 else ""
        raise ValueError(
            f"--future {self.future} lacks steps after the end of {_listed(ids)} ({len(ids)} of {len(n)} series): "
            f"{ids[0]!r} has {n[first]} of {horizon}; add a row for each step, without empty cells{smaller}"
        )

    def check_static(self, source: Path | None) -> None:
        """Raise if a series has no row of static covariates, or several."""
        if self.static is None:
            return
        rows = self.static.index
        if rows.has_duplicates:
            raise ValueError(
                f"--static {source} has more than one row for {rows[rows.duplicated()][0]!r}; keep one row for each "
                f"{self.id_name}"
            )
        missing = self.n_rows.index.difference(rows, sort=False)
        if len(missing):
            raise ValueError(
                f"--static {source} has no row for {_listed(missing)} ({len(missing)} of {len(self.n_rows)} series); "
                "add one for each, with empty cells where a value is not known"
            )

    def print_data(self, horizon: int) -> None:
        """Print what the panel is."""
        panel, lengths = self.panel, self.n_rows
        grid: Any = panel.grid
        sizes = f"{lengths.iloc[0]}" if lengths.nunique() == 1 else f"{lengths.min()} to {lengths.max()}"
        median = "" if lengths.nunique() == 1 else f" (median {lengths.median():g})"
        name = shorten(panel.target, 80)
        n_series = count_series(len(lengths))
        click.echo(f"{name}: {n_series}, one for each {self.id_name}, of {sizes} {self.step}{median}")
        freq = getattr(grid, "freqstr", None)
        step = f"frequency {freq}" if freq is not None else f"step {grid.step}"
        missing = int(panel.table[panel.target].isna().sum())
        share = f", {missing} of {len(panel.table)} values missing" if missing else ""
        click.echo(f"  {format_label(grid[0])} to {format_label(grid[-1])}, {step}, horizon {horizon}{share}")
        static = [] if self.static is None else list(self.static.columns)
        roles = (("known ahead", panel.known), ("of the past", panel.past), ("static", static))
        used = [f"{', '.join(names)} ({role})" for role, names in roles if names]
        if used:
            click.echo(f"  covariates: {'; '.join(used)}")

    def test(self, horizon: int) -> int:
        """Test the model on the last steps of the series that are long enough; return the decimals of forecasts."""
        panel = self.panel
        tested = self.n_rows.index[self.n_rows > 2 * horizon]
        values = panel.table[panel.target].abs()
        if len(tested) == 0:
            report(f"No test: no series has more than {count(2 * horizon, self.step)}, twice the horizon.")
            return max(0, decimals_for([float(values.mean())]))
        table = _rows_of(panel.table, tested.to_frame(index=False))
        from_end = table.groupby(panel.id, sort=False).cumcount(ascending=False)
        train, test = table[from_end >= horizon], table[from_end < horizon]
        forecaster = self._fit(
            train, horizon, f"{count_series(len(tested))} without the last {count(horizon, self.step)}"
        )
        ahead = test[[*panel.id, panel.time, *panel.known]] if panel.known else horizon
        forecasts = dict(list(forecaster.predict(ahead).groupby(panel.id)[panel.target]))
        errors = pd.DataFrame(
            [
                self._errors(history[panel.target], truth[panel.target].to_numpy(), forecasts[id].to_numpy())
                for (id, history), (_, truth) in zip(
                    train.groupby(panel.id, sort=False), test.groupby(panel.id, sort=False), strict=True
                )
                if id in forecasts  # not those that were skipped
            ],
            columns=["mae", "model", "naive"],
        ).dropna()
        self._print_test(errors, horizon)
        return max(0, decimals_for([float(errors["mae"].median())] if len(errors) else [float(values.mean())]) - 1)

    def _errors(self, history: pd.Series, truth: np.ndarray, forecast: np.ndarray) -> tuple[float, float, float]:
        """Return MAE and MASE of a forecast (horizon,), and MASE of the naive one; NaN if nothing was observed."""
        season = self.season if self.season < len(history) else 1
        filled = history.fillna(history.shift(season)).ffill().bfill().to_numpy()
        naive = frame.seasonal_naive(filled, len(truth), season)
        train = history.to_numpy()
        scaled = [frame.mase(truth, prediction, train, season, constant="unscaled") for prediction in (forecast, naive)]
        return frame.mae(truth, forecast), scaled[0], scaled[1]

    def _print_test(self, errors: pd.DataFrame, horizon: int) -> None:
        """Print the errors over the series."""
        n, n_all = len(errors), len(self.n_rows)
        which = f"{count_series(n)}" if n == n_all else f"{n} of {n_all} series"
        click.echo(f"\nTest on the last {count(horizon, self.step)} of {which}, which the model had not seen:\n")
        if n == 0:
            click.echo("  Nothing was observed in them.")
            return
        name, title = "seasonal naive" if self.season > 1 else "last value", self.model.title
        rows: list[tuple[str, ...]] = [("", "mean MASE", "median MASE", "best for")]
        wins = errors["model"] < errors["naive"]
        losses = errors["model"] > errors["naive"]
        for label, column, best in ((title, "model", wins), (name, "naive", losses)):
            rows.append(
                (label, f"{errors[column].mean():.2f}", f"{errors[column].median():.2f}", f"{best.sum()} series")
            )
        print_table(rows)
        change = f"{self.season} {self.step}" if self.season > 1 else f"one {self.step.removesuffix('s')}"
        ours, naive = errors["model"].mean(), errors["naive"].mean()
        percent = round(100 * (ours / naive - 1)) if naive > 0 else 0
        verdict = f"The {title} is as good as the {name} on average."
        if percent:
            verdict = f"The {title}'s mean MASE is {abs(percent)} % {'smaller' if percent < 0 else 'larger'}."
        click.echo(
            f"\nMASE is the mean absolute error of a series, divided by its mean absolute change over\n{change} before "
            f"the test. {verdict}"
        )
        if n < n_all:
            click.echo(f"The other series have {count(2 * horizon, self.step)} or fewer, or no value to compare with.")

    def forecast(self, horizon: int, interval: float | None, n_decimals: int, *, is_written: bool) -> pd.DataFrame:
        """Fit to all rows, print the forecasts of the first series, and return those of all."""
        panel = self.panel
        forecaster = self._fit(panel.table, horizon, f"all {count_series(len(self.n_rows))}")
        skipped = len(getattr(forecaster, "skipped_", ()))
        if skipped:
            names = _listed(pd.Index(forecaster.skipped_))
            report(f"  Left out, since a series needs two values: {names}.")
        ahead: Any = horizon
        if panel.known:
            ahead = panel.ahead[panel.ahead.groupby(panel.id, sort=False).cumcount() < horizon]
        future = forecaster.predict(ahead).rename(columns={panel.target: "forecast"})
        if interval is not None:
            bounds = forecaster.predict_interval(ahead, interval)
            future = future.assign(lower=bounds["lower"], upper=bounds["upper"])
        n_series = len(future[panel.id].drop_duplicates())
        click.echo(
            f"\nForecast of the next {count(horizon, self.step)} of {count_series(n_series)}, by the "
            f"{self.model.title} fitted to all of them:\n"
        )
        self._print_forecasts(future, horizon, n_decimals)
        if n_series > N_PRINTED:
            written = "" if is_written else "; --output FILE.csv writes all of them"
            click.echo(f"  ... and {n_series - N_PRINTED} more series{written}")
        return future

    def plot(self, path: Path, future: pd.DataFrame, interval: float | None) -> tuple[int, int]:
        """Plot the forecasts of the first series to a file; return how many these are, and how many there are."""
        from ..plotting import N_PLOTTED, save_panel

        panel, ids = self.panel, future[self.panel.id].drop_duplicates()
        keys = [*panel.id, panel.time]
        shown = _rows_of(future, ids[:N_PLOTTED])
        history = _rows_of(panel.table[[*keys, panel.target]], ids[:N_PLOTTED])
        save_panel(
            path,
            history,
            shown[[*keys, "forecast"]].rename(columns={"forecast": panel.target}),
            interval=None if interval is None else shown[[*keys, "lower", "upper"]],
            title=f"{shorten(panel.target, 80)}: forecasts by the {self.model.title}{with_coverage(interval)}",
            id=panel.id,
            time=panel.time,
            target=panel.target,
        )
        return min(N_PLOTTED, len(ids)), len(ids)

    def _print_forecasts(self, future: pd.DataFrame, horizon: int, n_decimals: int) -> None:
        """Print a line for each of the first series."""
        panel, rows = self.panel, []
        one = self.step.removesuffix("s")
        ids = future[panel.id].drop_duplicates()[:N_PRINTED]
        histories = dict(list(_rows_of(panel.table, ids).groupby(panel.id)))
        for id, part in _rows_of(future, ids).groupby(panel.id, sort=False):
            history = histories[id]
            path = part["forecast"].to_numpy()
            numbers = [history[panel.target].iloc[-1], path[0], *([path[-1], path.mean()] if horizon > 1 else [])]
            last = format_label(history[panel.time].iloc[-1])
            rows.append((shorten(", ".join(map(str, id)), 30), last, *(number(value, n_decimals) for value in numbers)))
        heads = [f"next {one}", *([f"{one} {horizon}", "mean"] if horizon > 1 else [])]
        print_table([(", ".join(panel.id), "ends", "last value", *heads), *rows])

    def _fit(self, table: pd.DataFrame, horizon: int, data: str) -> Any:
        """Return the forecaster fitted to some rows of the panel."""
        panel = self.panel
        given = {"future": panel.known, "past": panel.past, "static": self.static}
        reading = {name: value for name, value in given.items() if value is not None and len(value)}
        grid: Any = panel.grid
        freq = grid.step if isinstance(grid, pd.RangeIndex) else grid.freq
        names = {"id": panel.id, "time": panel.time, "target": panel.target}
        return self.model.fit(table, horizon, data, **names, freq=freq, short="skip", **reading)


def _rows_of(table: pd.DataFrame, ids: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a table whose ids, in the columns of `ids`, are among these."""
    return table.merge(ids, on=list(ids.columns))


def _listed(ids: pd.Index) -> str:
    """Return the first ids for messages."""
    return ", ".join(map(repr, ids[:3])) + (", ..." if len(ids) > 3 else "")


def count_series(n: int) -> str:
    """Return a number of series."""
    return "1 series" if n == 1 else f"{n} series"
