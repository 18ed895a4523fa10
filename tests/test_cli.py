"""The command line: output, files and errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import tsrnn
from tsrnn import frame
from tsrnn.cli import main
from tsrnn.cli.text import decimals_for, default_horizon, number
from tsrnn.datasets import DATASETS, load_air_passengers, load_co2
from tsrnn.frame.files import read_csv, read_panel_csv

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
        "forecast", "air_passengers", "--model", "lstm", "--horizon", 6, "--hidden-size", 4, "--epochs", 2,
        "--strategy", "direct", "--context-length", 13, "--seed", 3, "--verbose", "--plot", plot,
    )  # fmt: skip
    assert code == 0
    options = {"horizon": 6, "hidden_size": 4, "max_epochs": 2, "strategy": "direct", "context_length": 13}
    forecaster = tsrnn.LSTMForecaster(**options, random_state=3).fit(load_air_passengers())
    assert_allclose(numbers(out, "1961-06-01")[0], forecaster.predict()["1961-06-01"], atol=0.5)
    assert f"reads 13 steps, {len(forecaster.theta_)} parameters" in err
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_linear_forecasts_are_reported(run):
    options = ("--model", "lstm", "--horizon", 4, "--hidden-size", 2)
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
    assert decimals_for([1.5e-12]) == 14
    assert [number(value, 2) for value in (1.5, 0.0, float("nan"))] == ["1.50", "0.00", "nan"]
    values = (1.5e-12, -2.346e-10, 1e-20, 0.0, float("nan"))
    assert [number(value, 14) for value in values] == ["1.50e-12", "-2.3460e-10", "1e-20", "0", "nan"]


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1e9])
@pytest.mark.parametrize("is_panel", [False, True])
def test_numbers_of_any_size_have_digits(run, csv, scale, is_panel):
    """Forecasts that are printed are those of the file to three digits of the error, and never 0."""
    y = scale * (5 + np.sin(np.arange(24)) + np.arange(24) % 5)
    table = {"store": ["a"] * 24, "month": pd.date_range("2020-01-01", periods=24, freq="MS").date, "sales": y}
    path = csv(table if is_panel else {name: table[name] for name in ("month", "sales")})
    output = path.with_name("forecast.csv")
    options = ("--id", "store") if is_panel else ()
    code, out, _ = run("forecast", path, "--model", "ar", "--horizon", 2, "--output", output, *options)
    assert code == 0
    found = pd.read_csv(output)["forecast"].to_numpy()
    line = next(line for line in reversed(out.splitlines()) if line.split()[0] in ("a", "2022-01-01"))
    assert_allclose(float(line.split()[-3] if is_panel else line.split()[-1]), found[0], rtol=0.01)


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


# ---------------------------------------------------------------- many series in one file
TINY = ("--model", "lstm", "--epochs", 1, "--hidden-size", 2, "--context-length", 4, "--horizon", 3)
TINY_ARGUMENTS = {"horizon": 3, "max_epochs": 1, "hidden_size": 2, "context_length": 4, "random_state": 0}
#: Number of rows of each series, and its first month.
STORES = {"007": (40, 5), "b": (36, 0), "a": (38, 9)}


def stores(extra=0):
    """A long table of three series, with `extra` rows after the end of each."""
    rng, parts = np.random.default_rng(0), []
    for name, (n, first) in STORES.items():
        dates = MONTHS[first : first + n + extra]
        level = 100 + 10 * np.sin(2 * np.pi * dates.month / 12) + rng.normal(size=n + extra)
        parts.append(
            pd.DataFrame(
                {"store": name, "date": dates, "sales": np.round(level, 2), "price": np.arange(n + extra) % 7 + 1.5}
            )
        )
    return pd.concat(parts, ignore_index=True)


def fit_stores(table, **covariates):
    return tsrnn.LSTMForecaster(**TINY_ARGUMENTS).fit(
        table, id="store", time="date", target="sales", freq="MS", **covariates
    )


def mean_mase(forecaster, train, test, ahead=3):
    """The mean over the series of the MASE of forecasts, from the definition."""
    forecasts, errors = forecaster.predict(ahead), []
    for name in STORES:
        truth, before, forecast = (part[part["store"] == name]["sales"].to_numpy() for part in (test, train, forecasts))
        errors.append(np.abs(truth - forecast).mean() / np.abs(before[12:] - before[:-12]).mean())
    return np.mean(errors)


def test_a_panel(run, csv, tmp_path):
    table, output = stores()[["store", "date", "sales"]], tmp_path / "forecast.csv"
    path = csv(table.sample(frac=1, random_state=0).sort_values("store", ascending=False, kind="stable"))
    code, out, err = run("forecast", path, "--id", "store", *TINY, "--output", output)
    assert code == 0
    assert out.splitlines()[:2] == [
        "sales: 3 series, one for each store, of 36 to 40 months (median 38)",
        "  2019-01-01 to 2022-11-01, frequency MS, horizon 3",
    ]
    is_test = table.groupby("store").cumcount(ascending=False) < 3
    expected = mean_mase(fit_stores(table[~is_test]), table[~is_test], table[is_test])
    assert "Test on the last 3 months of 3 series, which the model had not seen:" in out
    cells = next(line for line in out.splitlines() if line.startswith("  LSTM ")).split()
    assert_allclose(float(cells[1]), expected, atol=0.006)
    written = pd.read_csv(output, dtype={"store": str}, parse_dates=["date"])
    future = fit_stores(table).predict(3).set_index(["store", "date"])["sales"]
    assert list(written.columns) == ["store", "date", "forecast"]
    assert list(written["store"].unique()) == ["b", "a", "007"]  # the order of the file
    found = written.set_index(["store", "date"])["forecast"]
    assert_allclose(found, future.loc[found.index], rtol=1e-6)
    line = next(line for line in out.splitlines() if line.startswith("  007 ")).split()
    assert line[1] == "2022-09-01"
    assert_allclose([float(cell) for cell in line[3:]], [*future["007"].iloc[[0, 2]], future["007"].mean()], atol=0.06)
    assert "Fitting the LSTM to 3 series without the last 3 months" in err
    assert f"Wrote {output}" in err


@pytest.mark.parametrize("interval", [None, 0.8])
def test_a_plot_of_a_panel(run, csv, tmp_path, monkeypatch, interval):
    table, drawn = stores()[["store", "date", "sales"]], {}
    several = pd.concat([table.assign(store=table["store"] + suffix) for suffix in ("", "-2", "-3")])

    def save(path, *data, **options):
        drawn.update(options, data=data)
        path.write_bytes(b"")

    monkeypatch.setattr("tsrnn.plotting.save_panel", save)
    plot, path = tmp_path / "plot.png", csv(several)
    options = [] if interval is None else ["--interval", interval]
    code, _, err = run("forecast", path, "--id", "store", "--model", "ar", "--horizon", 3, "--plot", plot, *options)
    assert code == 0
    assert f"Wrote {plot}, with the first 6 of 9 series." in err
    forecaster = tsrnn.ARForecaster().fit(several, id="store", time="date", target="sales", freq="MS")
    history, forecast = drawn["data"]
    first = list(several["store"].unique()[:6])
    for found, expected in ((history, several), (forecast, forecaster.predict(3))):
        expected = expected[expected["store"].isin(first)]
        assert found["store"].tolist() == expected["store"].tolist()
        assert_allclose(found["sales"], expected["sales"])
    assert drawn["title"] == "sales: forecasts by the AR" + ("" if interval is None else ", with 80 % intervals")
    if interval is None:
        assert drawn["interval"] is None
    else:
        expected = forecaster.predict_interval(3, 0.8, ids=first)
        assert_allclose(drawn["interval"][["lower", "upper"]], expected[["lower", "upper"]])


def test_a_plot_of_a_panel_is_a_file(run, csv, tmp_path):
    plot, path = tmp_path / "plot.png", csv(stores()[["store", "date", "sales"]])
    arguments = ["forecast", path, "--id", "store", "--model", "ar", "--horizon", 3, "--plot", plot]
    code, _, err = run(*arguments)
    assert code == 0
    assert f"Wrote {plot}." in err
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert "plot.png exists; give another name" in run(*arguments)[2]


def test_a_panel_with_covariates(run, csv, tmp_path):
    table, longer = stores(), stores(3)
    known, static, output = tmp_path / "known.csv", tmp_path / "stores.csv", tmp_path / "forecast.csv"
    visitors = np.arange(len(table)) % 5.0
    longer[["store", "date", "price"]].to_csv(known, index=False)
    places = pd.DataFrame({"store": list(STORES), "city": ["Bonn", None, "Bonn"], "size": [1, 2, 4]})
    places.to_csv(static, index=False)
    path = csv(table.drop(columns="price").assign(visitors=visitors))
    options = ("--target", "sales", "--time", "date", "--past", "visitors", "--future", known, "--static", static)
    code, out, _ = run("forecast", path, "--id", "store", *options, *TINY[:-2], "--interval", 0.5, "--output", output)
    assert code == 0
    assert "horizon 3" in out  # as far as prices are known
    assert "  covariates: price (known ahead); visitors (of the past); city, size (static)" in out
    forecaster = fit_stores(
        table.assign(visitors=visitors), future=["price"], past=["visitors"], static=places.astype({"city": object})
    )
    X = longer[["store", "date", "price"]]
    found = pd.read_csv(output, dtype={"store": str})
    assert list(found.columns) == ["store", "date", "forecast", "lower", "upper"]
    assert_allclose(found["forecast"], forecaster.predict(X)["sales"], rtol=1e-5)
    assert_allclose(found[["lower", "upper"]], forecaster.predict_interval(X, 0.5)[["lower", "upper"]], rtol=1e-5)


def test_ids_of_several_columns(run, csv, tmp_path, monkeypatch):
    """Each id has a part in each column, in all files; the forecasts are those of the forecaster with the same ids."""
    drawn = {}

    def save(path, *data, **options):
        drawn.update(options, data=data)
        path.write_bytes(b"")

    monkeypatch.setattr("tsrnn.plotting.save_panel", save)
    parts = pd.DataFrame([("b", "007"), ("b", "1"), ("a", "1")], columns=["shop", "item"], index=list(STORES))
    table, longer = (frame.join(parts, on="store").drop(columns="store") for frame in (stores(), stores(3)))
    ids = ["shop", "item"]
    known, static, output = tmp_path / "known.csv", tmp_path / "static.csv", tmp_path / "forecast.csv"
    longer[["item", "date", "shop", "price"]].to_csv(known, index=False)
    places = parts.assign(size=[1, 2, 4])
    places.to_csv(static, index=False)
    files = ("--future", known, "--static", static, "--output", output, "--plot", tmp_path / "plot.png")
    path = csv(table.drop(columns="price"))
    code, out, _ = run("forecast", path, "--id", "shop, item", "--target", "sales", *files, *TINY)
    assert code == 0
    assert out.splitlines()[0] == "sales: 3 series, one for each shop and item, of 36 to 40 months (median 38)"
    assert "Test on the last 3 months of 3 series" in out
    assert [line.split()[:3] for line in out.splitlines()[-4:]] == [
        ["shop,", "item", "ends"], ["b,", "007", "2022-09-01"], ["b,", "1", "2021-12-01"], ["a,", "1", "2022-11-01"]
    ]  # fmt: skip
    forecaster = tsrnn.LSTMForecaster(**TINY_ARGUMENTS).fit(
        table, id=ids, time="date", target="sales", freq="MS", future=["price"], static=places
    )
    expected = forecaster.predict(longer[[*ids, "date", "price"]])
    found = pd.read_csv(output, dtype={"shop": str, "item": str})
    assert list(found.columns) == [*ids, "date", "forecast"]
    assert found[ids].to_numpy().tolist() == expected[ids].to_numpy().tolist()
    assert_allclose(found["forecast"], expected["sales"], rtol=1e-5)
    assert drawn["id"] == ids
    assert drawn["data"][0][[*ids, "sales"]].to_numpy().tolist() == table[[*ids, "sales"]].to_numpy().tolist()


def test_a_comma_in_the_name_of_a_column_of_ids(csv, tmp_path):
    table = stores(2).rename(columns={"store": "shop, by name"})
    names = {"id": "shop, by name", "target": "sales", "report": str}
    known = tmp_path / "known.csv"
    table[["shop, by name", "date", "price"]].to_csv(known, index=False)
    panel = read_panel_csv(csv(table), **names, future=known)
    assert panel.id == ["shop, by name"]
    assert panel.n_rows.to_dict() == {name: n + 2 for name, (n, _) in STORES.items()}


def test_short_series_are_forecast_but_not_tested(run, csv):
    table = stores()[["store", "date", "sales"]]
    short = table[table["store"] == "b"][:6].assign(store="new")
    one = table[table["store"] == "b"][:1].assign(store="one")
    code, out, err = run("forecast", csv(pd.concat([table, short, one])), "--id", "store", *TINY)
    assert code == 0
    assert "Test on the last 3 months of 3 of 5 series" in out
    assert "The other series have 6 months or fewer, or no value to compare with." in out
    assert "Forecast of the next 3 months of 4 series" in out
    assert "\n  new " in out
    assert "Left out, since a series needs two values: 'one'." in err
    code, out, err = run("forecast", csv(pd.concat([short, one])), "--id", "store", *TINY[:4], "--horizon", 3)
    assert code == 0
    assert "Test on" not in out
    assert "No test: no series has more than 6 months, twice the horizon." in err


@pytest.mark.parametrize("model", ["ar", "latent", "naive", "seasonal-naive", "drift", "theta"])
@pytest.mark.filterwarnings("ignore::tsrnn.exceptions.ConvergenceWarning")
def test_linear_models_and_baselines_of_panels(run, csv, tmp_path, model):
    table, output = stores()[["store", "date", "sales"]], tmp_path / "forecast.csv"
    options = ("--horizon", 3, "--model", model, "--interval", 0.8, "--output", output)
    code, out, _ = run("forecast", csv(table), "--id", "store", *options)
    assert code == 0
    assert "Forecast of the next 3 months of 3 series" in out
    found = pd.read_csv(output, dtype={"store": str})
    assert len(found) == 9
    assert (found["lower"] < found["forecast"]).all()
    assert (found["forecast"] < found["upper"]).all()


def test_only_the_first_series_are_printed(run, csv):
    table = stores()[["store", "date", "sales"]]
    many = pd.concat([table[table["store"] == "b"].assign(store=f"s{k:02}") for k in range(12)])
    code, out, _ = run("forecast", csv(many), "--id", "store", *TINY)
    assert code == 0
    assert sum(line.startswith("  s") and line[3:5].isdigit() for line in out.splitlines()) == 10
    assert out.endswith("  ... and 2 more series; --output FILE.csv writes all of them\n")


def test_intervals_of_one_series(run, tmp_path):
    output = tmp_path / "forecast.csv"
    code, out, _ = run("forecast", "nile", "--model", "ar", "--horizon", 3, "--interval", 0.8, "--output", output)
    assert code == 0
    interval = tsrnn.ARForecaster().fit(DATASETS["nile"]()).predict_interval(3, 0.8)
    found = pd.read_csv(output, index_col="date")
    assert list(found.columns) == ["forecast", "lower", "upper"]
    assert_allclose(found[["lower", "upper"]], interval)
    assert_allclose(numbers(out, str(interval.index[0]).split()[0])[1:], interval.iloc[0], atol=0.6)


def test_panels_in_files(csv):
    table, said = stores()[["store", "date", "sales"]], []
    lacking = table.drop(index=[3, 4, 60]).assign(date=lambda x: x["date"].dt.strftime("%d.%m.%Y"))
    lacking["sales"] = lacking["sales"].map(lambda value: f"{value:.2f}".replace(".", ","))
    panel = read_panel_csv(csv(lacking, sep=";"), id="store", report=said.append)
    assert panel.n_rows.to_dict() == {name: n for name, (n, _) in STORES.items()}
    assert (panel.grid.freqstr, panel.grid[0]) == ("MS", MONTHS[0])
    filled = table["sales"].where(~table.index.isin([3, 4, 60]))
    assert_allclose(panel.table["sales"], filled)
    assert list(panel.table["date"]) == list(table["date"])
    assert any(text.startswith("3 steps of the series are not in ") for text in said)
    assert any("(--decimal ,)" in text for text in said)
    assert any("--date-format %d.%m.%Y" in text for text in said)


def test_rows_without_values_in_files(csv):
    table, said = stores()[["store", "date", "sales"]], []
    table.loc[(table["store"] == "a") | (table.index == 39), "sales"] = None
    panel = read_panel_csv(csv(table), id="store", report=said.append)
    assert panel.n_rows.to_dict() == {"007": 39, "b": 36}
    assert said == [
        "1 of 3 series has no value in column 'sales' and is left out: 'a'.",
        "1 row at the end of series without a value in column 'sales' is left out, at first of store '007'.",
    ]


def test_times_of_panels_in_files(csv):
    table, said = stores()[["store", "date", "sales"]], []
    parts = pd.DataFrame({"year": table["date"].dt.year, "month": table["date"].dt.month})
    panel = read_panel_csv(
        csv(pd.concat([table[["store", "sales"]], parts], axis=1)), id="store", time="year,month", report=said.append
    )
    assert list(panel.table["date"]) == list(table["date"])
    middle = read_panel_csv(csv(table.assign(date=table["date"] + pd.Timedelta("14D"))), id="store", report=str)
    assert isinstance(middle.grid, pd.PeriodIndex)
    assert list(middle.table["date"]) == list(table["date"].dt.to_period("M"))
    years = pd.DataFrame(
        {"id": ["x"] * 4 + ["y"] * 3, "year": [*range(1990, 1998, 2), *range(1990, 1996, 2)], "v": 1.5}
    )
    panel = read_panel_csv(csv(years), id="id", report=str)
    assert panel.grid.equals(pd.RangeIndex(1990, 1998, 2))
    assert panel.n_rows.to_list() == [4, 3]


def test_covariates_in_both_files(csv, tmp_path):
    """Rows of the file of covariates count; the file of the panel has the others."""
    table, known = stores(), tmp_path / "known.csv"
    later = stores(2).groupby("store", sort=False).tail(3)[["store", "date", "price"]].assign(price=9.0)
    later[later["store"] != "a"].assign(sales=None).to_csv(known, index=False)
    said = []
    panel = read_panel_csv(csv(table), id="store", target="sales", future=known, report=said.append)
    assert said == [f"Column 'sales' of {known} is empty and left out."]
    is_last = ~table["store"].duplicated(keep="last") & (table["store"] != "a")
    assert_allclose(panel.table["price"], table["price"].mask(is_last, 9.0))
    assert panel.n_ahead.tolist() == [2, 2, 0]
    assert panel.ahead["store"].tolist() == ["007", "007", "b", "b"]
    assert panel.ahead["price"].eq(9.0).all()


PANEL_TEXT = stores()[["store", "date", "sales"]].to_csv(index=False)
BAD_PANELS = {
    "no such id": (PANEL_TEXT, {"id": "shop"}, "no column 'shop'; give one of 'store', 'date', 'sales'"),
    "no such time": (PANEL_TEXT, {"time": "day"}, "no column 'day'; give one of 'date', 'sales'"),
    "no such target": (PANEL_TEXT, {"target": "x"}, "no column 'x'; give one of 'sales'"),
    "no such part": (PANEL_TEXT, {"id": "store,item"}, "no column 'item'; give one of 'store', 'date', 'sales'"),
    "a part twice": (PANEL_TEXT, {"id": "store,store"}, "--id store,store names a column twice; name each column of"),
    "two parts twice": (
        "a,b,t,x\n1,2,2019-01-01,1\n1,2,2019-02-01,1\n1,2,2019-01-01,1\n", {"id": "a,b"},
        "a and b ('1', '2') at 2019-01-01, in line 4 of F, is also in line 2; keep one row for each a, b and time",
    ),
    "no id in a row": (PANEL_TEXT.replace("b,2019-01-01", ",2019-01-01"), {}, "has no id in line 42: write it there"),
    "twice": (PANEL_TEXT + "b,2019-02-01,5\n", {}, "'b' at 2019-02-01, in line 116 of F, is also in line 43; keep"),
    "text": (PANEL_TEXT + "z,2019-02-01,many\n", {}, "column 'sales' has 'many' in line 116"),
    "no dates": ("id,sales\na,1\na,2\nb,3\nb,4\n", {"id": "id"}, "has no column with dates; name one with --time"),
    "target and past": (PANEL_TEXT, {"target": "sales", "past": "sales"}, "'sales' is the target and a covariate"),
    "time and past": (PANEL_TEXT, {"past": "date"}, "column 'date' holds ids or times and cannot be a covariate"),
    "past lacks a value": (
        stores().replace({"price": {3.5: None}}).to_csv(index=False),
        {"target": "sales", "past": "price"},
        "F has no value of 'price' for '007' at 2019-08-01 (line 4), nor for 16 more steps: a covariate needs",
    ),
    "no values": ("id,date,x\na,2019-01-01,\na,2019-02-01,\n", {"id": "id", "target": "x"}, "column 'x' is empty"),
    "weekdays": (
        "id,date,x\n" + "".join(f"{d},{date.date()},1\n" for d in (1, 2) for date in
                                pd.date_range(f"2024-01-0{d}", periods=9, freq="2D")),
        {"id": "id"}, "but most rows of one id are further apart; add --freq D if these are gaps",
    ),
    "another frequency": (PANEL_TEXT, {"freq": "QS"}, "--freq QS does not match the dates: 2019-02-01 is not on its"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "options", "message"), BAD_PANELS.values(), ids=BAD_PANELS)
def test_bad_panels(run, csv, content, options, message):
    path = csv(content)
    arguments = [part for name, value in ({"id": "store"} | options).items() for part in (f"--{name}", value)]
    code, out, err = run("forecast", path, *arguments)
    assert (code, out) == (1, "")
    assert message in err.replace(str(path), "F")
    assert "--index-column" not in err
    assert "--no-index" not in err


def test_bad_files_of_covariates(run, csv, tmp_path):
    path, known, static = csv(PANEL_TEXT), tmp_path / "known.csv", tmp_path / "static.csv"
    prices = stores(2)[["store", "date", "price"]]
    for table, options, message in (
        (prices.drop(index=1), (), "has no value of 'price' for '007' at 2019-07-01: a covariate needs"),
        (prices.drop(index=41), ("--horizon", 2), "lacks steps after the end of '007' (1 of 3 series): '007' has 1 of"),
        (prices.drop(index=40), (), "lacks steps after the end of '007' (1 of 3 series): '007' has 0 of 1"),
        (prices, ("--horizon", 3), "'007' has 2 of 3; add a row for each step, without empty cells, or choose "
                                   "--horizon 2"),
        (prices.assign(price="low"), (), "covariates must be numbers, but in "),
        (prices.assign(sales=1), (), "has the column 'sales', the target, which is not known ahead"),
        (pd.concat([prices, prices[:1]]), (), "store '007' at 2019-06-01, in line 122 of "),
        (prices.assign(date=prices["date"] + pd.Timedelta("1D")), (), "store '007' at 2019-06-02, in line 2 of "),
    ):  # fmt: skip
        table.to_csv(known, index=False)
        code, out, err = run("forecast", path, "--id", "store", "--target", "sales", "--future", known, *options)
        assert (code, out) == (1, "")
        assert message in err
    for ids, message in (("b", "has no row for '007', 'a' (2 of 3 series)"), ("abb", "has more than one row for 'b'")):
        pd.DataFrame({"store": list(ids), "size": 1}).to_csv(static, index=False)
        code, out, err = run("forecast", path, "--id", "store", "--static", static)
        assert (code, out) == (1, "")
        assert message in err


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
        (["nile", "--epochs", 3], "--epochs is an option of networks, and --model auto is not a"),
        (
            ["nile", "--model", "latent", "--epochs", 3],
            "--epochs is an option of networks, and --model latent is not a network",
        ),
        *(
            (["nile", "--model", name, *option], f"{option[0]} is an option of networks, and --model {name} is not a")
            for name, option in (
                ("naive", ["--strategy", "direct"]),
                ("seasonal-naive", ["--context-length", 3]),
                ("drift", ["--seed", 0]),
                ("theta", ["--verbose"]),
            )
        ),
        (["nile", "--model", "xx"], "'xx' is not one of"),
        (["nile", "--horizon", 0], "0 is not in the range"),
        (["nile", "--plot", "a.gif"], "must end in .png or .pdf or .svg"),
        (["nile", "--output", "nowhere/a.csv"], "there is no folder nowhere"),
        ([], "Missing argument 'DATA'"),
        (["nile", "--id", "x"], "--id is an option for CSV files, and 'nile' is not a file"),
        (["nile", "--time", "x"], "--time is an option of files with many series; add --id COLUMN, or use --index-"),
        (["nile", "--past", "x"], "--past is an option of files with many series; add --id COLUMN"),
        (
            ["x.csv", "--id", "x", "--column", "y"],
            "--column is an option for one series, but --id reads many; name the",
        ),
        (["x.csv", "--id", "x", "--index-column", "y"], "--index-column is an option for one series"),
        (["x.csv", "--id", "x", "--no-index"], "--no-index is an option for one series"),
        (["x.csv", "--id", "x", "--future", "nowhere.csv"], "'nowhere.csv' does not exist"),
        (["nile", "--interval", 1], "1.0 is not in the range 0<x<1"),
    ],
)
def test_bad_arguments(run, arguments, message):
    code, out, err = run("forecast", *arguments)
    assert (code, out) == (2, "")
    assert message in err


BASELINES = {
    "naive": tsrnn.NaiveForecaster,
    "seasonal-naive": tsrnn.SeasonalNaiveForecaster,
    "drift": tsrnn.DriftForecaster,
    "theta": tsrnn.ThetaForecaster,
}


@pytest.mark.parametrize("name", BASELINES)
def test_baselines(run, tmp_path, name):
    output = tmp_path / "forecast.csv"
    options = ("--model", name, "--horizon", 12, "--interval", 0.9, "--output", output)
    code, out, _ = run("forecast", "air_passengers", *options)
    assert code == 0
    assert f"by the {name.replace('-', ' ')} model fitted to all 144 months" in out
    y = load_air_passengers()
    fitted = BASELINES[name]().fit(y)
    expected = fitted.predict_interval(12, 0.9).assign(forecast=fitted.predict(12))
    found = pd.read_csv(output, index_col="date")
    assert_allclose(found, expected[["forecast", "lower", "upper"]])
    errors = (BASELINES[name]().fit(y[:-12]).predict(12) - y[-12:]).abs()
    assert_allclose(numbers(out, f"{name.replace('-', ' ')} model")[0], errors.mean(), rtol=0.01)


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_have_no_use_for_covariates(run, csv, name):
    code, _, err = run("forecast", csv(stores()), "--id", "store", "--past", "price", "--model", name, "--horizon", 3)
    assert code == 1
    assert f"--model {name} has no use for covariates of the past" in err


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
    code, _, err = run("forecast", "nile", "--model", "lstm", *arguments)
    assert code == 1
    assert message in err
    assert "\nError: " in f"\n{err}"


def test_the_automatic_choice_is_the_default(run, tmp_path):
    output = tmp_path / "forecast.csv"
    code, out, _ = run("forecast", "nile", "--horizon", 3, "--seed", 1, "--interval", 0.8, "--output", output)
    assert code == 0
    assert "by the automatic choice fitted to all 100 years" in out
    fitted = tsrnn.AutoForecaster(horizon=3, random_state=1).fit(DATASETS["nile"]())
    found = pd.read_csv(output, index_col="date")
    assert_allclose(found["forecast"], fitted.predict(3))
    assert_allclose(found[["lower", "upper"]], fitted.predict_interval(3, 0.8))
