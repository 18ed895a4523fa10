"""Accuracy benchmarks: runs that are kept and gone on with, time limits, and the tables."""

from __future__ import annotations

import argparse
import itertools
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import datasets

from .benchmarks import accuracy, ett, results, series
from .benchmarks.results import Bench, Measured, Run


def single(name, model, error, seconds=1.0, seed=0, note=""):
    """The run of a single series; of one that did not finish, `error` is None."""
    return Run("g", name, model, seed, {} if error is None else {name: error}, seconds, note=note)


def grid(errors, seconds=1.0):
    """Runs of single series from errors by model and series."""
    return [single(name, model, e, seconds) for model, own in errors.items() for name, e in own.items()]


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """A maker of benchmarks that keep their runs in a folder, as of a clean working tree."""
    monkeypatch.setattr(results, "commit", lambda: "0123abcd")

    def make(**options):
        args = argparse.Namespace(folder=Path("/data"), keep=tmp_path / "kept", write=tmp_path / "docs", seeds=[0])
        return Bench("tiny", args, **options)

    return make


# ---------------------------------------------------------------- means and ratios
def test_the_mean_of_a_group_is_over_the_series_that_all_models_have():
    runs = grid({"a": {"x": 1.0, "y": 4.0, "z": 100.0}, "b": {"x": 2.0, "y": 8.0}})
    runs.append(single("z", "b", None, note="did not finish in 3 s"))
    errors = results.errors_of(runs)
    common = results.common_of(errors)
    assert list(common.index) == ["x", "y"]
    np.testing.assert_allclose(results.mean_of(common, "geometric")[["a", "b"]], [2.0, 4.0])
    np.testing.assert_allclose(results.mean_of(common, "arithmetic")[["a", "b"]], [2.5, 5.0])


def test_a_model_without_any_error_takes_no_series_from_the_others():
    runs = [*grid({"a": {"x": 3.0}}), single("x", "b", None, note="failed: ValueError: no")]
    table = results.group_table(runs, "MASE")
    assert "Means over 1 of 1 series." in table
    assert "| a | 3.0000 |" in table
    assert "| b |  |" in table
    assert "Means over 0 of 1 series." in results.group_table(runs[1:], "MASE")


def test_errors_are_means_over_seeds_and_missing_where_a_seed_has_none():
    runs = [single("x", "a", 1.0, seed=0), single("x", "a", 3.0, seed=1), single("y", "a", 1.0, seed=0)]
    runs.append(single("y", "a", None, seed=1, note="did not finish in 3 s"))
    errors = results.errors_of(runs)["a"]
    assert errors["x"] == 2.0
    assert np.isnan(errors["y"])


def test_a_panel_that_a_model_does_not_forecast_is_missing_on_all_its_series():
    runs = [Run("g", "panel", "a", 0, {"x": 1.0, "y": 2.0}, 1.0), Run("g", "panel", "b", 0, {}, 1.0, note="failed: E")]
    errors = results.errors_of(runs)
    assert list(errors.index) == ["x", "y"]
    assert errors["b"].isna().all()


def test_seconds_are_means_over_seeds_summed_over_the_series_that_all_have_finished():
    runs = [single("x", "a", 1.0, 2.0, seed=0), single("x", "a", 1.0, 4.0, seed=1), single("x", "b", 1.0, 1.0)]
    runs += [single("y", "a", 1.0, 50.0), single("y", "b", None, 99.0, note="did not finish in 99 s")]
    runs += [single("z", "a", 1.0, 7.0), single("z", "b", 1.0, 2.0)]
    assert results.seconds_of(runs).to_dict() == {"a": 10.0, "b": 3.0}


def test_ratios_are_to_the_best_classical_method():
    means = pd.Series({"Auto": 0.8, "GRU": 0.9, "LSTM": 1.2, "AutoETS": 1.6, "AutoARIMA": 1.0, "AutoTheta": 1.5})
    seconds = pd.Series({"Auto": 3.0, "GRU": 1.0, "LSTM": 1.0, "AutoETS": 1.0, "AutoARIMA": 4.0, "AutoTheta": 1.0})
    assert results.ratio_lines(means, seconds) == [
        "Error of Auto / the best of AutoETS, AutoARIMA, AutoTheta: 0.800 (AutoARIMA).",
        "Error of GRU / AutoTheta: 0.600.",
        "Error of LSTM / AutoTheta: 0.800.",
        "Seconds of Auto / AutoETS + AutoARIMA + AutoTheta: 0.500.",
    ]
    assert results.ratio_lines(means[["Auto", "AutoETS"]], seconds) == [
        "Error of Auto / the best of AutoETS: 0.500 (AutoETS).",
        "Seconds of Auto / AutoETS: 3.000.",
    ]
    assert results.ratio_lines(means[["Auto", "GRU"]], seconds) == []


# ---------------------------------------------------------------- tables
def test_the_table_of_a_group():
    runs = grid({"seasonal naive": {"x": 1.0, "y": 4.0}, "Auto": {"x": 0.25, "y": 4.0}, "AutoTheta": {"x": 1.0}}, 1.25)
    runs.append(single("y", "AutoTheta", None, note="did not finish in 3 s"))
    assert results.group_table(runs, "MASE").splitlines() == [
        "Means over 1 of 2 series.",
        "",
        "| model | MASE, geometric mean | below the seasonal naive | s |",
        "| --- | --- | --- | --- |",
        "| seasonal naive | 1.0000 |  | 1.2 |",
        "| Auto | 0.2500 | 1 of 2 (50%) | 1.2 |",
        "| AutoTheta | 1.0000 | 0 of 1 (0%) | 1.2 |",
        "",
        "- Error of Auto / the best of AutoTheta: 0.250 (AutoTheta).",
        "- Seconds of Auto / AutoTheta: 1.000.",
        "- y, AutoTheta, seed 0: did not finish in 3 s.",
    ]


def test_the_table_of_a_group_has_the_seconds_of_fits_where_they_were_timed():
    table = results.group_table([Run("g", "panel", "a", 0, {"x": 1.0, "y": 3.0}, 5.0, 4.0)], "error", "arithmetic")
    assert "| model | error, arithmetic mean | below the seasonal naive | s | s of fits |" in table
    assert "| a | 2.0000 |  | 5.0 | 4.0 |" in table


def test_a_line_has_the_means_of_each_seed_over_the_same_series():
    runs = [single(name, "a", e, seed=s) for name, s, e in [("x", 0, 1.0), ("x", 7, 2.0), ("y", 0, 4.0), ("y", 7, 8.0)]]
    runs += [single("z", "a", 100.0, seed=s) for s in (0, 7)]
    runs += [*grid({"b": {"x": 1.0, "y": 1.0}}), single("z", "b", None, note="did not finish in 3 s")]
    lines = results.group_table(runs, "MASE").splitlines()
    assert lines[-2:] == ["- a with seeds 0, 7: 2.0000, 4.0000.", "- z, b, seed 0: did not finish in 3 s."]
    assert "| a | 3.0000 |" in "\n".join(lines)  # of the series' means over seeds, 1.5 and 6


def test_the_table_of_the_series_tells_why_an_error_is_missing():
    runs = grid({"a": {"x": 1.0, "p|q": 2.0}})
    runs += [single("x", "b", None, note="failed: ValueError: no"), single("p|q", "b", None, note="did not finish")]
    assert results.series_table(runs).splitlines()[2:] == [
        "| x | 1.000 | failed |",
        "| p\\|q | 2.000 | did not finish |",
    ]


def test_the_header_names_no_folder_of_this_machine():
    argv = ["/home/me/tests/benchmarks/series.py", "/home/me/data", "--keep=/home/me/kept", "--write", "docs/accuracy"]
    head = results.header([*argv, "--models", "seasonal naive"], Path("/home/me/data"), "0123abcd-dirty")
    command = "python -m tests.benchmarks.series FOLDER --keep=kept --write docs/accuracy --models 'seasonal naive'"
    assert f"| **command** | `{command}` |" in head
    assert "| **commit** | 0123abcd-dirty |" in head
    assert "/home/me" not in head
    for package in ("tsrnn", "numpy", "numba"):
        assert f"{package} " in head


def test_the_page_has_header_groups_and_series(bench):
    one = bench()
    one.run("g", "x", "a", 0, lambda: Measured({"x": 2.0}, 1.0))
    one.report("Title", "About.", "MASE")
    page = (one.args.write / "tiny.md").read_text(encoding="utf-8")
    parts = [
        "# Title\n\nAbout.\n",
        "| **commit** | 0123abcd |",
        "\n## g\n",
        "| a | 2.0000 |",
        "### g\n",
        "| x | 2.000 |",
    ]
    positions = [page.index(part) for part in parts]
    assert positions == sorted(positions)


# ---------------------------------------------------------------- benchmarks
def test_the_benchmark_of_single_series_writes_its_page(tmp_path, monkeypatch, capsys):
    options = ["--groups", "shipped", "--series", "nile", "--models", "seasonal naive", "--write", str(tmp_path)]
    monkeypatch.setattr("sys.argv", ["series.py", str(tmp_path / "data"), *options])
    series.main()
    page = (tmp_path / "series.md").read_text(encoding="utf-8")
    error = re.search(r"\| nile \| (\d\.\d{3}) \|", page).group(1)
    assert f"nile                     seasonal naive {error}" in capsys.readouterr().out
    y = datasets.load_nile().to_numpy()  # the last value of the training part repeated, in units of the mean difference
    errors = [
        np.abs(y[end : end + 6] - y[end - 1]).mean() / np.abs(np.diff(y[:end])).mean() for end in range(70, 100, 6)
    ]
    assert float(error) == pytest.approx(np.mean(errors), abs=6e-4)


def test_the_errors_of_a_panel_are_means_over_origins():
    ids, steps = np.repeat(["x", "y"], 6), np.tile(np.arange(6), 2)
    frame = pd.DataFrame({"unique_id": ids, "ds": steps, "y": np.r_[0.0, 1, 2, 3, 4, 6, 10, 11, 12, 13, 14, 18]})
    splits = [(frame[frame["ds"] < end], frame[frame["ds"] == end]) for end in (4, 5)]
    measured = accuracy.score(lambda: tsrnn.NaiveForecaster(horizon=1), splits, season=1, power=1, roles={})
    assert measured.errors == pytest.approx({"x": 1.5, "y": 2.5})
    assert 0 < measured.fit_seconds < measured.seconds


def test_a_setting_of_the_temperatures_is_a_series_of_each_measure():
    runs = [
        Run("ETTh1", "set", "GRU", 0, {"test MSE": 2.0, "test MAE": 1.0}, 1.0),
        Run("ETTh1", "set", "published", 0, {"test MSE": 4.0}, np.nan),
    ]
    found = [(run.group, run.model, run.errors) for run in ett.by_measure(runs)]
    assert found == [
        ("test MSE", "GRU", {"set": 2.0}),
        ("test MSE", "published", {"set": 4.0}),
        ("test MAE", "GRU", {"set": 1.0}),
    ]


# ---------------------------------------------------------------- runs that are kept
def never():
    raise AssertionError("the run was kept, so nothing is measured")


def test_a_run_is_kept_for_the_next_call(bench):
    bench(windows=5).run("g", "x", "a", 0, lambda: Measured({"x": 2.0}, 1.0))
    run = bench(windows=5).run("g", "x", "a", 0, never)
    assert (run.errors, run.seconds, run.note) == ({"x": 2.0}, 1.0, "")


@pytest.mark.parametrize("what", ["model", "seed", "options", "commit"])
def test_another_model_seed_option_or_commit_is_measured(bench, monkeypatch, what):
    bench(windows=5).run("g", "x", "a", 0, lambda: Measured({"x": 2.0}, 1.0))
    if what == "commit":
        monkeypatch.setattr(results, "commit", lambda: "4567")
    other = bench(windows=1 if what == "options" else 5)
    seed, model = int(what == "seed"), "b" if what == "model" else "a"
    assert other.run("g", "x", model, seed, lambda: Measured({"x": 3.0}, 1.0)).errors == {"x": 3.0}


def test_half_a_line_at_the_end_of_the_file_is_cut_off(bench):
    bench().run("g", "x", "a", 0, lambda: Measured({"x": 2.0}, 1.0))
    path = bench().args.keep / "tiny.jsonl"
    path.write_text(path.read_text() + '["half', encoding="utf-8")
    bench().run("g", "y", "a", 0, lambda: Measured({"y": 3.0}, 1.0))
    assert [bench().run("g", name, "a", 0, never).errors[name] for name in "xy"] == [2.0, 3.0]


def test_runs_of_a_changed_tree_are_not_kept(bench, monkeypatch, capsys):
    monkeypatch.setattr(results, "commit", lambda: "0123abcd-dirty")
    one = bench()
    assert "no runs are kept" in capsys.readouterr().out
    one.run("g", "x", "a", 0, lambda: Measured({"x": 2.0}, 1.0))
    assert not one.args.keep.exists()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_tree_is_dirty_if_a_file_outside_the_documentation_differs(tmp_path, monkeypatch):
    def git(*arguments):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True)

    monkeypatch.setattr(results, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert results.commit() == "unknown"
    git("init")
    (tmp_path / "docs").mkdir()
    for name in ("a.py", "docs/b.md"):
        (tmp_path / name).write_text("1", encoding="utf-8")
    git("add", ".")
    git("-c", "user.name=n", "-c", "user.email=e@x", "commit", "--message", "c")
    clean = results.commit()
    assert len(clean) == 40
    (tmp_path / "docs/b.md").write_text("2", encoding="utf-8")
    assert results.commit() == clean
    (tmp_path / "a.py").write_text("2", encoding="utf-8")
    assert results.commit() == f"{clean}-dirty"


# ---------------------------------------------------------------- runs that end early
@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="the system has no SIGALRM")
def test_a_run_beyond_its_limit_is_stopped_and_kept_with_a_note(bench):
    def endless():
        for _ in itertools.count():
            try:
                time.sleep(10)
            except Exception:  # as in statsforecast, which tries the next candidate
                continue

    run = bench().run("g", "x", "a", 0, endless, limit=0.05)
    assert (run.errors, run.note) == ({}, "did not finish in 0.05 s")
    assert run.seconds < 5
    assert bench().run("g", "x", "a", 0, never).note == run.note


def test_a_failure_is_named_and_not_kept_and_the_others_go_on(bench, capsys):
    def fail():
        raise ValueError("two\nlines")

    one = bench()
    one.run("g", "x", "a", 0, fail)
    one.run("g", "x", "b", 0, lambda: Measured({"x": 1.0}, 1.0))
    assert [run.note for run in one.runs] == ["failed: ValueError: two lines", ""]
    assert "g, x, a, seed 0: failed: ValueError: two lines" in capsys.readouterr().out
    assert bench().run("g", "x", "a", 0, lambda: Measured({"x": 2.0}, 1.0)).errors == {"x": 2.0}


def test_missing_data_end_the_benchmark(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["accuracy.py", str(tmp_path), "--jobs", "m4", "--models", "seasonal naive"])
    with pytest.raises(FileNotFoundError, match=r"Hourly-train\.csv"):
        accuracy.main()
