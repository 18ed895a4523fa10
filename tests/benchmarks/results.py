"""Results of the accuracy benchmarks: kept while a benchmark runs, and written as tables in Markdown.

A *run* is one model with one seed, on one series or on one panel. Its errors are those of each series. A run that a
time limit or an exception ended has no errors but a note, which stands in the tables in their place. The mean of a
group is over the series on which all its models have an error, so that no model gains by a series that it leaves out.

`--keep FOLDER` appends every run to a file there, with its commit. The same command goes on after the last of them.
Runs that failed are not kept, nor are those of a working tree that differs from its commit, since nothing tells which
code they belong to.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import tsrnn

from .measure import installed, machine

ROOT = Path(__file__).parents[2]
NAIVE, AUTO = "seasonal naive", "Auto"
CLASSICAL = ("AutoETS", "AutoARIMA", "AutoTheta")
#: How the note of a run begins that an exception ended.
FAILED = "failed"
#: Pairs of models of which a line gives the ratio of the means.
RATIOS = (("GRU", "AutoTheta"), ("LSTM", "AutoTheta"), ("GRU", "published"))


class Measured(NamedTuple):
    """Errors by series, and the seconds of all fits and forecasts, and of the fits where they were timed alone."""

    errors: dict[str, float]
    seconds: float
    fit_seconds: float = math.nan


@dataclass(frozen=True)
class Run:
    """One model with one seed on the series or panel `name`; the note tells why it has no errors."""

    group: str
    name: str
    model: str
    seed: int
    errors: dict[str, float]
    seconds: float
    fit_seconds: float = math.nan
    note: str = ""


# ---- running ---------------------------------------------------------------------------------------------------------


class OutOfTimeError(BaseException):
    """The time limit of a run; no Exception, which statsforecast would take for a model that cannot be fitted."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise `OutOfTimeError` in the block after so many seconds; None is no limit. For the main thread on POSIX."""
    if seconds is None:
        yield
        return

    def stop(*_: Any) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again each second, should an `except:` catch the first
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def commit() -> str:
    """The commit of the sources, with ``-dirty`` if a file differs from it, apart from the documentation."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    found = git("rev-parse", "HEAD")
    return f"{found}-dirty" if found and git("status", "--porcelain", "--", ".", ":!docs") else found or "unknown"


def read_lines(path: Path) -> list[Any]:
    """The objects of a file of JSON lines, none if it does not exist; half a line at its end is cut off."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    return [json.loads(line) for line in whole.splitlines()]


class Bench:
    """The runs of one benchmark, taken from the file of an earlier call where it has them."""

    def __init__(self, name: str, args: argparse.Namespace, **options: Any) -> None:
        """`options` are those that change what a run gives; `args` has `folder`, and what `add_options` adds."""
        self.name = name
        self.args = args
        self.commit = commit()
        self.options = options
        self.runs: list[Run] = []
        self._file: Path | None = None
        self._kept: dict[str, Run] = {}
        if args.keep is not None and (self.commit == "unknown" or self.commit.endswith("-dirty")):
            print("no runs are kept: the working tree differs from its commit", flush=True)
        elif args.keep is not None:
            args.keep.mkdir(parents=True, exist_ok=True)
            self._file = args.keep / f"{name}.jsonl"
            self._kept = {key: Run(**run) for key, run in read_lines(self._file)}

    def run(
        self,
        group: str,
        name: str,
        model: str,
        seed: int,
        measure: Callable[[], Measured],
        limit: float | None = None,
    ) -> Run:
        """The run that was kept, or a new one, within so many seconds."""
        key = json.dumps([self.commit, self.options, group, name, model, seed], sort_keys=True)
        run = self._kept.get(key)
        if run is None:
            run = self._measure(group, name, model, seed, measure, limit)
            if self._file is not None and not run.note.startswith(FAILED):  # the reason may be gone in the next call
                with self._file.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([key, asdict(run)]) + "\n")
        self.runs.append(run)
        return run

    def _measure(
        self, group: str, name: str, model: str, seed: int, measure: Callable[[], Measured], limit: float | None
    ) -> Run:
        started = time.perf_counter()
        try:
            with time_limit(limit):
                return Run(group, name, model, seed, *measure())
        except OutOfTimeError:
            note = f"did not finish in {limit:g} s"
        except OSError:  # the data are missing
            raise
        except Exception as failure:  # named in the tables; the other runs go on
            note = f"{FAILED}: {type(failure).__name__}: {' '.join(str(failure).split())}"
        print(f"{group}, {name}, {model}, seed {seed}: {note}", flush=True)
        return Run(group, name, model, seed, {}, time.perf_counter() - started, note=note)

    def report(
        self, title: str, about: str, error: str, *, runs: Sequence[Run] | None = None, mean: str = "geometric"
    ) -> None:
        """Print the tables of the groups; with `--write` also put all tables and their header into a file."""
        runs = self.runs if runs is None else runs
        groups = list(dict.fromkeys(run.group for run in runs))
        of_groups = {g: [run for run in runs if run.group == g] for g in groups}
        text = "\n\n".join(f"## {g}\n\n{group_table(own, error, mean)}" for g, own in of_groups.items())
        print(f"\n{text}", flush=True)
        if self.args.write is not None:
            head = header(sys.argv, self.args.folder, self.commit)
            series = "\n\n".join(f"### {g}\n\n{series_table(own)}" for g, own in of_groups.items())
            self.args.write.mkdir(parents=True, exist_ok=True)
            page = f"# {title}\n\n{about}\n\n{head}\n\n{text}\n\n## Each series\n\n{series}\n"
            (self.args.write / f"{self.name}.md").write_text(page, encoding="utf-8")


def add_options(parser: argparse.ArgumentParser, seeds: list[int]) -> None:
    """Add the arguments that all accuracy benchmarks have."""
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", nargs="+", type=int, default=seeds)
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write the tables into a file of this folder")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep each run there; go on after those kept")


# ---- tables ----------------------------------------------------------------------------------------------------------


def header(argv: Sequence[str], folder: Path, commit: str) -> str:
    """Command, commit, date, versions and machine; the folder of the data is FOLDER, other absolute paths are short."""

    def shown(word: str) -> str:
        option, equals, value = word.rpartition("=")
        path = Path(value)
        return option + equals + ("FOLDER" if path == folder else path.name if path.is_absolute() else value)

    module = f"{__package__}.{Path(argv[0]).stem}"
    packages = [f"tsrnn {tsrnn.__version__}", *map(installed, ("numpy", "numba", "pandas", "statsforecast"))]
    rows = {
        "command": f"`python -m {module} {shlex.join(map(shown, argv[1:]))}`",
        "commit": commit,
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "versions": f"Python {platform.python_version()}, {', '.join(packages)}",
        "machine": machine(),
    }
    return markdown(["", ""], [[f"**{name}**", value] for name, value in rows.items()])


def markdown(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def errors_of(runs: Sequence[Run]) -> pd.DataFrame:
    """Errors by series and model, means over seeds; missing where a seed has none."""
    series: dict[str, dict[str, None]] = {}
    for run in runs:
        series.setdefault(run.name, {}).update(dict.fromkeys(run.errors))
    names = {name: list(own) or [name] for name, own in series.items()}  # one that no model has forecast is a line too
    rows = [(s, run.model, run.errors.get(s, math.nan)) for run in runs for s in names[run.name]]
    long = pd.DataFrame(rows, columns=["series", "model", "error"])
    table = long.groupby(["series", "model"], sort=False)["error"].agg(lambda e: e.mean(skipna=False)).unstack()
    models = list(dict.fromkeys(run.model for run in runs))
    return table.reindex(index=list(dict.fromkeys(s for own in names.values() for s in own)), columns=models)


def seconds_of(runs: Sequence[Run], column: str = "seconds") -> pd.Series:
    """Seconds by model: means over seeds, summed over the series or panels that all models have forecast."""
    unfinished = {run.name for run in runs if run.note}
    rows = [(run.model, run.name, getattr(run, column)) for run in runs if run.name not in unfinished]
    long = pd.DataFrame(rows, columns=["model", "name", "seconds"])
    means = long.groupby(["model", "name"], sort=False)["seconds"].mean().groupby("model", sort=False)
    return means.agg(lambda s: s.sum(skipna=False)).reindex(list(dict.fromkeys(run.model for run in runs)))


def common_of(errors: pd.DataFrame) -> pd.DataFrame:
    """The errors of the series on which all models have one; a model without any takes no series from the others."""
    models = errors.dropna(axis="columns", how="all")
    return models.dropna() if len(models.columns) else errors.iloc[:0]


def mean_of(errors: pd.DataFrame, mean: str) -> pd.Series:
    """The geometric or arithmetic mean over series, by model."""
    return np.exp(np.log(errors).mean()) if mean == "geometric" else errors.mean()


def group_table(runs: Sequence[Run], error: str, mean: str = "geometric") -> str:
    """Mean error, series below the seasonal naive, and seconds of each model; then ratios and what did not finish."""
    errors = errors_of(runs)
    common = common_of(errors)
    means = mean_of(common, mean).reindex(errors.columns)
    seconds, fits = seconds_of(runs), seconds_of(runs, "fit_seconds")
    has_fits = bool(fits.notna().any())
    rows = []
    for model in errors.columns:
        cells = [model, number(means[model], 4), below(errors, model), number(seconds[model], 1)]
        rows.append([*cells, number(fits[model], 1)] if has_fits else cells)
    titles = ["model", f"{error}, {mean} mean", f"below the {NAIVE}", "s", "s of fits"]
    notes = [f"{r.name}, {r.model}, seed {r.seed}: {r.note}." for r in runs if r.note]
    remarks = [*ratio_lines(means, seconds), *seed_lines(runs, common, mean), *notes]
    lines = "\n".join(f"- {remark}" for remark in remarks)
    over = f"Means over {len(common)} of {len(errors)} series."
    return f"{over}\n\n{markdown(titles if has_fits else titles[:-1], rows)}\n\n{lines}".rstrip()


def seed_lines(runs: Sequence[Run], common: pd.DataFrame, mean: str) -> list[str]:
    """The mean error with each seed, of the models that have several."""
    lines = []
    for model in common.columns:
        of_seeds: dict[int, list[Run]] = {}
        for run in runs:
            if run.model == model:
                of_seeds.setdefault(run.seed, []).append(run)
        if len(of_seeds) > 1:
            found = (mean_of(errors_of(own).loc[common.index], mean)[model] for own in of_seeds.values())
            lines.append(f"{model} with seeds {', '.join(map(str, of_seeds))}: {', '.join(f'{e:.4f}' for e in found)}.")
    return lines


def below(errors: pd.DataFrame, model: str) -> str:
    """On how many series the model's error is below that of the seasonal naive, of those where both have one."""
    if model == NAIVE or NAIVE not in errors:
        return ""
    both = errors[[model, NAIVE]].dropna()
    n, share = int((both[model] < both[NAIVE]).sum()), (both[model] < both[NAIVE]).mean()
    return f"{n} of {len(both)} ({share:.0%})" if len(both) else ""


def ratio_lines(means: pd.Series, seconds: pd.Series) -> list[str]:
    """Ratios of mean errors and of seconds, of the models that have them."""
    known = means.dropna()
    peers = [model for model in CLASSICAL if model in known]
    lines = []
    if AUTO in known and peers:
        best = known[peers].idxmin()
        lines.append(f"Error of {AUTO} / the best of {', '.join(peers)}: {known[AUTO] / known[best]:.3f} ({best}).")
    lines += [f"Error of {a} / {b}: {known[a] / known[b]:.3f}." for a, b in RATIOS if a in known and b in known]
    if AUTO in known and peers:
        lines.append(f"Seconds of {AUTO} / {' + '.join(peers)}: {seconds[AUTO] / seconds[peers].sum():.3f}.")
    return lines


def series_table(runs: Sequence[Run]) -> str:
    """The error of each series; in the place of a missing one its reason, up to the colon."""
    errors = errors_of(runs)
    notes = {(run.name, run.model): run.note.partition(":")[0] for run in runs if run.note}
    rows = [
        [str(series), *(notes.get((series, m), "") if np.isnan(e) else number(e, 3) for m, e in line.items())]
        for series, line in errors.iterrows()
    ]
    return markdown(["series", *errors.columns], rows)


def number(value: float, digits: int) -> str:
    """A figure, or nothing where there is none."""
    return "" if np.isnan(value) else f"{value:.{digits}f}"
