"""The data sets of the package: values and dates, docstrings of the loaders, errors for wrong names."""

from __future__ import annotations

import csv
import doctest
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.tseries.frequencies import to_offset

from tsrnn import datasets

FOLDER = Path(__file__).parents[1] / "datasets"

# For each series: frequency, length, first date and value, last date and value, name.
SERIES = {
    "air_passengers": ("MS", 144, "1949-01-01", 112, "1960-12-01", 432, "passengers"),
    "sunspots": ("YS", 309, "1700-01-01", 5, "2008-01-01", 2.9, "sunspots"),
    "monthly_sunspots": ("MS", 2820, "1749-01-01", 58, "1983-12-01", 33.4, "sunspots"),
    "co2": ("W-SAT", 2284, "1958-03-29", 316.1, "2001-12-29", 371.5, "co2"),
    "lynx": ("YS", 114, "1821-01-01", 269, "1934-01-01", 3396, "lynx"),
    "nile": ("YS", 100, "1871-01-01", 1120, "1970-01-01", 740, "volume"),
    "elnino": ("MS", 732, "1950-01-01", 23.11, "2010-12-01", 22.07, "temperature"),
    "elec_equip": ("MS", 257, "1995-01-01", 66.19, "2016-05-01", 97.86, "turnover"),
}
FREQUENCIES = {"macrodata": "QS", **{name: facts[0] for name, facts in SERIES.items()}}
each = pytest.mark.parametrize("name", datasets.DATASETS)


@pytest.mark.parametrize("name", SERIES)
def test_series(name):
    _, length, first_date, first, last_date, last, label = SERIES[name]
    series = datasets.load(name)
    assert isinstance(series, pd.Series)
    assert (len(series), series.name, series.dtype) == (length, label, "float64")
    assert (series.index[0], series.iloc[0]) == (pd.Timestamp(first_date), first)
    assert (series.index[-1], series.iloc[-1]) == (pd.Timestamp(last_date), last)


def test_macrodata():
    frame = datasets.load_macrodata()
    columns = "realgdp realcons realinv realgovt realdpi cpi m1 tbilrate unemp pop infl realint"
    assert list(frame.columns) == columns.split()
    assert frame.shape == (203, 12)
    assert (frame.dtypes == "float64").all()
    assert list(frame.index[[0, -1]]) == [pd.Timestamp("1959-01-01"), pd.Timestamp("2009-07-01")]
    assert list(frame["realgdp"].iloc[[0, -1]]) == [2710.349, 12990.341]
    assert list(frame["realint"].iloc[[0, -1]]) == [0, -3.44]


@each
def test_dates(name):
    index = datasets.load(name).index
    assert isinstance(index, pd.DatetimeIndex)
    assert index.name == "date"
    assert index.tz is None
    assert index.is_unique
    assert index.is_monotonic_increasing
    assert index.freq == to_offset(FREQUENCIES[name])
    assert (index == pd.date_range(index[0], periods=len(index), freq=FREQUENCIES[name])).all()


@each
def test_missing_values(name):
    values = datasets.load(name).to_numpy()
    assert np.isnan(values).sum() == (59 if name == "co2" else 0)
    assert not np.isinf(values).any()


@each
def test_values_are_those_of_the_file(name):
    with (FOLDER / f"{name}.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    loaded = pd.DataFrame(datasets.load(name))
    assert [f"{date:%Y-%m-%d}" for date in loaded.index] == [row[0] for row in rows]
    np.testing.assert_array_equal(loaded, [[float(value or "nan") for value in row[1:]] for row in rows])


def test_co2_weeks_are_saturdays_a_week_apart():
    index = datasets.load_co2().index
    assert set(index.day_name()) == {"Saturday"}
    assert (np.diff(index) == np.timedelta64(7, "D")).all()
    assert index[0] + 2283 * index.freq == index[-1]


def test_elnino_is_unrolled_year_by_year():
    series = datasets.load_elnino()
    assert list(series["1950"].iloc[[0, 1, 11]]) == [23.11, 24.2, 21.8]
    assert series["1951-01-01"] == 24.19


def test_infl_and_realint_follow_from_their_columns():
    frame = datasets.load_macrodata()
    infl = 400 * np.log(frame["cpi"]).diff()
    np.testing.assert_allclose(frame["infl"][1:], infl[1:], atol=0.0051)
    np.testing.assert_allclose(frame["realint"][1:], (frame["tbilrate"] - frame["infl"])[1:], atol=0.0101)


@each
def test_each_call_returns_its_own(name):
    first = datasets.load(name)
    first.iloc[:] = -1
    assert not datasets.load(name).equals(first)


@each
def test_docstring_names_source_and_licence(name):
    text = datasets.DATASETS[name].__doc__
    assert "- Source: " in text
    assert "- Licence: " in text


def test_every_file_has_a_loader_and_a_row_in_the_readme():
    assert {path.stem for path in FOLDER.glob("*.csv")} == set(datasets.DATASETS) == set(FREQUENCIES)
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{name}.csv` |" in readme for name in datasets.DATASETS)
    assert all(f"load_{name}" == loader.__name__ in datasets.__all__ for name, loader in datasets.DATASETS.items())


def test_unknown_name():
    with pytest.raises(ValueError, match=r"no data set 'passengers'; choose one of air_passengers, .*, elec_equip$"):
        datasets.load("passengers")


def test_missing_file():
    with pytest.raises(FileNotFoundError, match=r"m4\.csv is neither in .*tsrnn/_data.*; reinstall tsrnn"):
        datasets._find("m4.csv")


def test_files_inside_the_package_come_first(monkeypatch, tmp_path):
    (tmp_path / "_data").mkdir()
    (tmp_path / "_data" / "nile.csv").write_text("date,volume\n2000-01-01,1\n2001-01-01,\n", encoding="utf-8")
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path)
    assert datasets.load_nile().isna().tolist() == [False, True]
    if Path(datasets.__file__).parents[1] == FOLDER.parent:  # in a clone, the file beside the package is used
        assert len(datasets.load_lynx()) == 114


def test_dates_off_the_frequency_are_an_error(monkeypatch, tmp_path):
    (tmp_path / "_data").mkdir()
    (tmp_path / "_data" / "nile.csv").write_text("date,volume\n2000-01-01,1\n2002-01-01,2\n", encoding="utf-8")
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path)
    with pytest.raises(ValueError, match="frequency"):
        datasets.load_nile()


def test_import_does_not_load_pandas():
    code = "import sys, tsrnn.datasets; sys.exit('pandas' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parent, check=True)


def test_examples():
    failed, attempted = doctest.testmod(datasets)
    assert failed == 0
    assert attempted >= len(datasets.DATASETS)
