"""The command line: output, files and errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import tsrnn
from tsrnn import frame
from tsrnn.cli import main
from tsrnn.cli.text import decimals_for, default_horizon
from tsrnn.datasets import DATASETS, load_air_passengers, load_co2
from tsrnn.frame.files import read_csv

from .processes import python

VALUES = np.round(100 + 10 * np.sin(np.arange(60) * 2 * np.pi / 12) + np.arange(60) + np.arange(60) % 5, 2)
MONTHS = pd.date_range("2019-01-01", periods=60, freq="MS")


@pytest.fixture
def run(capsys):
    """Function that runs the program and returns (exit code, standard output, standard error)."""

    def call(*arguments):
        with pytest.raises(SystemExit) as stop:
            main(list(map(str, arguments)), prog_name="tsrnn")
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return stop.value.code or 0, out, err

    return call


@pytest.fixture
def csv(tmp_path):
    """Function that writes a CSV file and returns its path."""

    def write(text_or_columns, **options):
        path = tmp_path / "file.csv"
        if isinstance(text_or_columns, str):
            path.write_text(text_or_columns, encoding="utf-8")
        else:
            pd.DataFrame(text_or_columns).to_csv(path, **{"index": False, **options})
        return path

    return write


def numbers(table, first):
    """The numbers in the row of a table that begins with `first`."""
    row = next(line for line in table.splitlines() if line.strip().startswith(first))
    return [float(cell) for cell in row.strip().removeprefix(first).split()]


# ---------------------------------------------------------------- start
def test_help_loads_nothing_heavy():
    heavy = {"numba", "pandas", "numpy", "sklearn", "matplotlib", "scipy"}
    code = f"""if True:
        import sys
        from tsrnn.cli import main
        for arguments in (["--help"], ["forecast", "--help"], ["datasets"]):
            try:
                main(arguments)
            except SystemExit as stop:
                assert not stop.code
        assert not {heavy!r} & set(sys.modules), {heavy!r} & set(sys.modules)
    """
    python("-c", code)


def test_module_is_the_program():
    assert python("-m", "tsrnn", "--version").split() == ["tsrnn,", "version", tsrnn.__version__]


def test_datasets(run):
    code, out, _ = run("datasets")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(DATASETS)
    assert all(len(line.split()) > 5 for line in out.splitlines())


# ---------------------------------------------------------------- what it says is so
def test_autoregression(run, tmp_path):
    output = tmp_path / "forecast.csv"
    code, out, err = run("forecast", "air_passengers", "--model", "ar", "--output", output)
    assert code == 0
    y = load_air_passengers()
    train, test = y[:-12], y[-12:]
    tested = tsrnn.ARForecaster().fit(train).predict(12)
    naive = frame.seasonal_naive(train, 12, 12)
    assert out.splitlines()[0] == "air_passengers: 144 months, 1949-01-01 to 1960-12-01"
    assert "the last 12 months, 1960-01-01 to 1960-12-01" in out
    for name, prediction in (("AR", tested), ("seasonal naive", naive)):
        mae, mase = numbers(out, name)
        assert_allclose(mae, frame.mae(test, prediction), rtol=0.01)
        assert_allclose(mase, frame.mase(test, prediction, train, 12), atol=0.005)
    future = tsrnn.ARForecaster().fit(y).predict(12)
    assert_allclose([numbers(out, str(date.date()))[0] for date in future.index], future, atol=0.5)
    written = pd.read_csv(output, index_col="date", parse_dates=True)["forecast"]
    pd.testing.assert_series_equal(written, future, check_names=False, check_freq=False)
    assert "Fitting the AR to the first 132 months" in err
    assert f"Wrote {output}" in err
    assert "smaller than the seasonal naive's" in out


def test_network(run, tmp_path):
    plot = tmp_path / "plot.png"
    code, out, err = run(
        "forecast", "air_passengers", "--horizon", 6, "--hidden-size", 4, "--epochs", 2, "--strategy", "direct",
        "--context-length", 13, "--seed", 3, "--verbose", "--plot", plot,
    )  # fmt: skip
    assert code == 0
    options = {"horizon": 6, "hidden_size": 4, "max_epochs": 2, "strategy": "direct", "context_length": 13}
    forecaster = tsrnn.LSTMForecaster(**options, random_state=3).fit(load_air_passengers())
    assert_allclose(numbers(out, "1961-06-01")[0], forecaster.predict()["1961-06-01"], atol=0.5)
    assert f"reads 13 steps, {len(forecaster.theta_)} parameters" in err
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_linear_forecasts_are_reported(run):
    options = ("--horizon", 4, "--hidden-size", 2)
    code, _, err = run("forecast", "nile", *options)
    assert code == 0
    linear = tsrnn.LSTMForecaster(horizon=4, hidden_size=2, random_state=0).fit(DATASETS["nile"]()).best_epoch_ == 0
    assert err.count("so the forecast is linear") >= linear


def test_missing_weeks(run, csv):
    path = csv({"date": load_co2()["1960":"1965"].dropna().index, "co2": load_co2()["1960":"1965"].dropna()})
    code, out, _ = run("forecast", path, "--model", "ar", "--horizon", 8)
    assert code == 0
    assert out.startswith("co2: 313 weeks, 1960-01-02 to 1965-12-25, 28 of them missing")
    assert len(numbers(out, "seasonal naive")) == 2


def test_one_of_several_columns(run):
    code, out, err = run("forecast", "macrodata", "--model", "ar")
    assert (code, out[:7]) == (0, "realgdp")
    assert "Column 'realgdp' is used; there are also realcons" in err
    code, out, err = run("forecast", "macrodata", "--model", "ar", "--column", "unemp", "--horizon", 1)
    assert (code, out[:5]) == (0, "unemp")
    assert "is used" not in err
    assert "the last quarter, 2009-07-01, " in out


def test_no_observed_value_in_the_test_part(run, csv):
    values = VALUES.copy()
    values[-4:-1], values[-1] = np.nan, values[-13]  # the value of the last season
    code, out, _ = run("forecast", csv({"month": MONTHS, "sales": values}), "--model", "ar", "--horizon", 4)
    assert code == 0
    assert "Too little was observed in the test to compare the two." in out


@pytest.mark.parametrize(
    ("n", "season", "horizon"), [(144, 12, 12), (100, 1, 12), (2284, 52, 52), (20, 12, 5), (2, 1, 1)]
)
def test_default_horizon(n, season, horizon):
    assert default_horizon(n, season) == horizon


def test_decimals():
    assert decimals_for([9.64, 47.8]) == 2
    assert decimals_for([523.0, 1000.0]) == 0
    assert decimals_for([0.0123, 1.0]) == 4
    assert decimals_for([1e-15, 1.0]) == 5
    assert decimals_for([0.0, float("nan")]) == 3


# ---------------------------------------------------------------- files
def check(y):
    assert y.index[0] == MONTHS[0]
    assert y.index.freqstr == "MS"
    assert_allclose(y, VALUES)


@pytest.mark.filterwarnings("ignore:Column:UserWarning")  # remarks on the reading, which test_files.py checks
def test_files(csv):
    check(read_csv(csv({"month": MONTHS, "sales": VALUES})))
    check(read_csv(csv({"month": MONTHS, "note": "a", "sales": VALUES})))
    check(read_csv(csv({"sales": VALUES, "month": MONTHS, "cost": VALUES}), column="sales", index_column="month"))
    check(read_csv(csv({"month": MONTHS, "sales": VALUES}, sep=";")))
    check(read_csv(csv({"month": MONTHS, "sales": VALUES}, sep="\t", encoding="utf-8-sig")))
    check(read_csv(csv({"month": MONTHS, "sales": VALUES}), freq="MS"))
    check(read_csv(csv({"month": MONTHS.strftime("%d.%m.%Y"), "sales": VALUES}), date_format="%d.%m.%Y"))
    check(read_csv(csv({"month": MONTHS.strftime("%B %d, %Y"), "sales": VALUES})))
    check(read_csv(csv(pd.DataFrame({"month": MONTHS, "sales": VALUES}).sample(frac=1, random_state=0))))


def test_missing_steps_in_files_are_filled_and_reported(csv):
    remarks = []
    table = pd.DataFrame({"month": MONTHS, "sales": VALUES}).drop([5, 6, 20])
    y = read_csv(csv(table), report=remarks.append)
    assert list(y.index[y.isna()]) == list(MONTHS[[5, 6, 20]])
    assert remarks[0].startswith("3 steps of the index are not in ")
    assert remarks[0].endswith("(frequency MS).")


def test_offsets_from_utc(csv):
    hours = pd.date_range("2024-03-30 12:00", periods=24, freq="h", tz="Europe/Berlin")
    said = []
    y = read_csv(csv({"hour": [hour.isoformat() for hour in hours], "x": np.arange(24.0)}), report=said.append)
    assert said == ["Column 'hour' has several offsets from UTC, as across a clock change: its dates are in UTC."]
    assert y.index.equals(hours.tz_convert("UTC"))
    assert y.index.freqstr == "h"


@pytest.mark.parametrize("date_format", ["%d/%m/%Y", "%m/%d/%Y"])
def test_dates_with_one_plausible_format(csv, date_format):
    days = pd.date_range("2024-01-01", periods=40)
    path = csv({"day": days.strftime(date_format), "x": np.arange(40.0)})
    with pytest.warns(UserWarning, match=f"days from 2024-01-01 to 2024-02-09 .--date-format {date_format}"):
        assert read_csv(path).index.equals(days)


def test_years_and_row_numbers(csv):
    remarks = []
    y = read_csv(
        csv({"year": np.delete(np.arange(1960, 2020, 2), [3, 4]), "flow": np.arange(28.0)}), report=remarks.append
    )
    assert isinstance(y.index, pd.RangeIndex)
    assert (y.index[0], y.index[-1], y.index.step, int(y.isna().sum())) == (1960, 2018, 2, 2)
    assert remarks == [remarks[0]]
    y = read_csv(csv({"flow": np.arange(5.0)}), report=remarks.append)
    assert list(y.index) == [0, 1, 2, 3, 4]
    assert "its rows are numbered" in remarks[1]


DATES = {"date": MONTHS[:4].strftime("%Y-%m-%d"), "x": VALUES[:4]}
BAD_FILES = {
    "day or month": ({**DATES, "date": [f"0{i}/02/2024" for i in range(1, 5)]}, {}, "has several meanings"),
    "no dates": ({**DATES, "date": list("abcd")}, {}, "cannot be read as dates"),
    "another format": (DATES, {"date_format": "%d/%m/%Y"}, "cannot be read as dates"),
    "floats": ({"date": [1.5, 2, 3, 4], "x": VALUES[:4]}, {}, "has 1.5 in line 2, which is no date"),
    "no date in a row": ("date,x\n2020-01-01,1\n,2\n", {}, "has no date in line 3"),
    "twice": ({**DATES, "date": ["2020-01-01"] * 4}, {}, "has 2020-01-01 more than once"),
    "irregular": ({**DATES, "date": ["2020-01-01", "2020-01-04", "2020-03-05", "2020-07-09"]}, {}, "no regular steps"),
    "another frequency": (DATES, {"freq": "QS"}, "QS does not match the dates: 2019-02-01 is not on its grid"),
    "no frequency": (DATES, {"freq": "XX"}, "'XX' is no frequency"),
    "text": ({**DATES, "x": ["1", "two", "3", "4"]}, {}, "column 'x' has 'two' in line 3"),
    "text asked for": ({**DATES, "y": list("abcd")}, {"column": "y"}, "numbers only, but column 'y' has 'a' in line 2"),
    "no such column": (DATES, {"column": "z"}, "no column 'z'; give one of 'x'"),
    "no such index": (DATES, {"index_column": "z"}, "no column 'z'; give one of 'date', 'x'"),
    "empty": ("", {}, "cannot be read as a CSV file"),
    "header": ("date,x\n", {}, "no rows below its header"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "options", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files(run, csv, content, options, message):
    path = csv(content)
    with pytest.raises(ValueError, match=message) as error:
        read_csv(path, **options, report=str)
    arguments = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
    code, out, err = run("forecast", path, *arguments)
    assert (code, out) == (1, "")
    assert err.endswith(f"Error: {error.value}\n")


def test_not_utf8(csv):
    path = csv("")
    path.write_bytes("größe,x\n2020,1\n".encode("latin-1"))
    with pytest.raises(ValueError, match="CSV file in UTF-8"):
        read_csv(path)


# ---------------------------------------------------------------- arguments
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["airpassengers"],
            "'airpassengers' is neither a file nor a data set of tsrnn; did you mean 'air_passengers'?",
        ),
        (["sales.csv"], "neither a file nor a data set of tsrnn; `tsrnn datasets` lists"),
        (["nile", "--freq", "MS"], "--freq is an option for CSV files"),
        (["nile", "--index-column", "a"], "--index-column is an option for CSV files"),
        (["nile", "--column", "x"], "nile has one series, 'volume'"),
        (["nile", "--model", "ar", "--hidden-size", 3], "--hidden-size is an option of networks"),
        (["nile", "--model", "ar", "--seed", 0], "--seed is an option of networks"),
        (["nile", "--model", "ar", "--verbose"], "--verbose is an option of networks"),
        (
            ["nile", "--model", "latent", "--epochs", 3],
            "--epochs is an option of networks, and --model latent is not a network",
        ),
        (["nile", "--model", "xx"], "'xx' is not one of"),
        (["nile", "--horizon", 0], "0 is not in the range"),
        (["nile", "--plot", "a.gif"], "must end in .png or .pdf or .svg"),
        (["nile", "--output", "nowhere/a.csv"], "there is no folder nowhere"),
        ([], "Missing argument 'DATA'"),
    ],
)
def test_bad_arguments(run, arguments, message):
    code, out, err = run("forecast", *arguments)
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.filterwarnings("ignore::tsrnn.exceptions.ConvergenceWarning")
def test_the_latent_model(run):
    code, out, _ = run("forecast", "nile", "--model", "latent", "--horizon", 3)
    assert code == 0
    assert "by the latent AR fitted to all 100 years" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--horizon", 200], "--horizon 200 must be smaller than the series, which has 100 years"),
        (["--horizon", 60], "the series has 40 observations"),
        (["--context-length", 95], "--context-length 95"),
    ],
)
def test_options_that_do_not_fit_the_series(run, arguments, message):
    code, _, err = run("forecast", "nile", *arguments)
    assert code == 1
    assert message in err
    assert "\nError: " in f"\n{err}"
