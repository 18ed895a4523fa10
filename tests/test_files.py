"""Reading of CSV files: small files with their result, and refused files with the options in the error."""

from __future__ import annotations

import re
import shlex

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from tsrnn import frame
from tsrnn.cli import main
from tsrnn.frame.files import read_csv, read_panel_csv
from tsrnn.messages import format_label

MONTHS = pd.date_range("2015-01-01", periods=24, freq="MS")
DAYS = pd.date_range("2015-01-01", periods=60)
HOURS = pd.date_range("2015-01-01", periods=60, freq="h")
NAMES = "Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec"


def lines(labels, values=None, header="t,x", sep=","):
    """Text of a file with a column of labels and one of values, by default 0, 1, 2, ..."""
    values = range(len(labels)) if values is None else values
    return "\n".join([header.replace(",", sep), *(f"{a}{sep}{b}" for a, b in zip(labels, values, strict=True))]) + "\n"


def as_written(dates, date_format, **options):
    return lines(dates.strftime(date_format), **options)


def excel(dates):
    return [(date - pd.Timestamp("1899-12-30")) / pd.Timedelta(days=1) for date in dates]


def epoch(dates, per_second=1):
    return [int(date.timestamp()) * per_second for date in dates]


def comma(n, text="{},5"):
    return [text.format(i) for i in range(n)]


@pytest.fixture
def read(tmp_path):
    """Function that writes a file, reads it and returns the series and the remarks."""

    def call(content, **options):
        path = tmp_path / "f.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        said = []
        return read_csv(path, **options, report=said.append), [each.replace(str(path), "F") for each in said]

    call.path = tmp_path / "f.csv"
    return call


# ---------------------------------------------------------------- labels
#: Content, first and last label, frequency (None for whole numbers), season, part of the remarks.
LABELS = {
    "ISO months": (as_written(MONTHS, "%Y-%m-%d"), "2015-01-01", "2016-12-01", "MS", 12, ""),
    "201501": (as_written(MONTHS, "%Y%m"), "2015-01-01", "2016-12-01", "MS", 12, "'t' holds the dates: months from"),
    "201501 newest first": (as_written(MONTHS[::-1], "%Y%m"), "2015-01-01", "2016-12-01", "MS", 12, "%Y%m"),
    "201501 with gaps": (as_written(MONTHS.delete([3, 4, 9]), "%Y%m"), "2015-01-01", "2016-12-01", "MS", 12, "%Y%m"),
    "201501.0": (as_written(MONTHS, "%Y%m.0"), "2015-01-01", "2016-12-01", "MS", 12, "--date-format %Y%m"),
    "2015.01": (as_written(MONTHS, "%Y.%m"), "2015-01-01", "2016-12-01", "MS", 12, "--date-format %Y.%m"),
    "20150101": (as_written(DAYS, "%Y%m%d"), "2015-01-01", "2015-03-01", "D", 7, "days from 2015-01-01"),
    "20150101 in one month": (as_written(DAYS[:20], "%Y%m%d"), "2015-01-01", "2015-01-20", "D", 7, "%Y%m%d"),
    "2015010100": (as_written(HOURS, "%Y%m%d%H"), "2015-01-01", "2015-01-03 11:00:00", "h", 24, "%Y%m%d%H"),
    "201501010000": (as_written(HOURS, "%Y%m%d%H%M"), "2015-01-01", "2015-01-03 11:00:00", "h", 24, "%Y%m%d%H%M"),
    "2015001": (as_written(pd.date_range("2015", periods=500), "%Y%j"), "2015-01-01", "2016-05-14", "D", 7, "%Y%j"),
    "20151": (lines([f"{y}{q}" for y in (2015, 2016) for q in (1, 2, 3, 4)]), "2015-01-01", "2016-10-01", "QS-JAN", 4,
              "quarters"),
    "201501 weeks": (lines([f"{y}{w:02d}" for y in (2016, 2017) for w in range(1, 53)]), "2016-01-04", "2017-12-25",
                     "W-MON", 52, "ISO weeks"),
    "60 to 29": (as_written(pd.date_range("1960", periods=70, freq="YS"), "%y"), "1960-01-01", "2029-01-01", "YS-JAN",
                 1, "years from 1960-01-01 to 2029-01-01 (--date-format %y)"),
    "1501": (as_written(MONTHS, "%y%m"), "2015-01-01", "2016-12-01", "MS", 12, "--date-format %y%m"),
    "seconds": (lines(epoch(HOURS)), "2015-01-01", "2015-01-03 11:00:00", "h", 24, "seconds since 1970 (UTC)"),
    "seconds of months": (lines(epoch(MONTHS)), "2015-01-01", "2016-12-01", "MS", 12, "seconds since 1970"),
    "milliseconds": (lines(epoch(HOURS, 10**3)), "2015-01-01", "2015-01-03 11:00:00", "h", 24, "milliseconds since"),
    "microseconds": (lines(epoch(DAYS, 10**6)), "2015-01-01", "2015-03-01", "D", 7, "microseconds since"),
    "nanoseconds": (lines(epoch(DAYS, 10**9)), "2015-01-01", "2015-03-01", "D", 7, "nanoseconds since"),
    "Excel's months": (lines([int(x) for x in excel(MONTHS)]), "2015-01-01", "2016-12-01", "MS", 12, "Excel's count"),
    "Excel's hours": (lines(excel(HOURS)), "2015-01-01", "2015-01-03 11:00:00", "h", 24, "Excel's count"),
    "decimal years": (lines([f"{1950 + i / 12:.3f}" for i in range(36)]), "1950-01-01", "1952-12-01", "MS", 12,
                      "decimal years"),
    "decimal quarters": (lines([f"{1950 + i / 4:.2f}" for i in range(12)]), "1950-01-01", "1952-10-01", "QS-JAN", 4,
                         "decimal years"),
    "years": (lines(range(1821, 1850)), "1821", "1849", None, 1, ""),
    "years like 1901": (lines(range(1901, 1913)), "1901", "1912", None, 1, ""),
    "steps": (lines(range(1, 30)), "1", "29", None, 1, ""),
    "row numbers of 6 digits": (lines(range(201501, 201597)), "201501", "201596", None, 1, ""),
    "negative steps": (lines(range(-5, 20)), "-5", "19", None, 1, ""),
    "Jan-15": (as_written(MONTHS, "%b-%y"), "2015-01-01", "2016-12-01", "MS", 12, "months from 2015-01-01"),
    "15-Jan": (as_written(MONTHS, "%y-%b"), "2015-01-01", "2016-12-01", "MS", 12, "--date-format %y-%b"),
    "01/15": (as_written(MONTHS, "%m/%y"), "2015-01-01", "2016-12-01", "MS", 12, "--date-format %m/%y"),
    "Jan '15": (as_written(MONTHS, "%b '%y"), "2015-01-01", "2016-12-01", "MS", 12, "months"),
    "Jan-60": (as_written(pd.date_range("1960", periods=130, freq="MS"), "%b-%y"), "1960-01-01", "1970-10-01", "MS", 12,
               "months"),
    "Jan-40": (as_written(pd.date_range("1940", periods=150, freq="MS"), "%b-%y"), "1940-01-01", "1952-06-01", "MS", 12,
               "months"),
    "Jan 2015": (as_written(MONTHS, "%b %Y"), "2015-01-01", "2016-12-01", "MS", 12, "--date-format '%b %Y'"),
    "2015-01": (as_written(MONTHS, "%Y-%m"), "2015-01-01", "2016-12-01", "MS", 12, "--date-format %Y-%m"),
    "2015M01": (as_written(MONTHS, "%YM%m"), "2015-01-01", "2016-12-01", "MS", 12, "--date-format %YM%m"),
    "January 2015": (as_written(MONTHS, "%B %Y"), "2015-01-01", "2016-12-01", "MS", 12, "months"),
    "März 2015": (lines([f"{m} {y}" for y in (2015, 2016) for m in ("Januar", "Februar", "März", "April", "Mai", "Juni",
                         "Juli", "August", "September", "Oktober", "November", "Dezember")]),
                  "2015-01-01", "2016-12-01", "MS", 12, "months"),
    "1st Jan 2015": (lines(["1st Jan 2015", "2nd Jan 2015", "3rd Jan 2015", "4th Jan 2015"]), "2015-01-01",
                     "2015-01-04", "D", 7, "days"),
    "Q1 2015": (lines([f"Q{q} {y}" for y in (2015, 2016) for q in (1, 2, 3, 4)]), "2015-01-01", "2016-10-01", "QS-JAN",
                4, "quarters"),
    "2015-Q1": (lines([f"{y}-Q{q}" for y in (2015, 2016) for q in (1, 2, 3, 4)]), "2015-01-01", "2016-10-01", "QS-JAN",
                4, "quarters"),
    "1Q15": (lines([f"{q}Q{y}" for y in (15, 16) for q in (1, 2, 3, 4)]), "2015-01-01", "2016-10-01", "QS-JAN", 4,
             "quarters"),
    "2015-W53": (lines(["2015-W52", "2015-W53", "2016-W01", "2016-W02"]), "2015-12-21", "2016-01-11", "W-MON", 52,
                 "ISO weeks"),
    "2015-W03-1": (lines([f"2015-W{w:02d}-{d}" for w in (3, 4) for d in range(1, 8)]), "2015-01-12", "2015-01-25", "D",
                   7, "--date-format %G-W%V-%u"),
    "weeks as periods": (lines(["2015-01-05/2015-01-11", "2015-01-12/2015-01-18", "2015-01-19/2015-01-25"]),
                         "2015-01-05", "2015-01-19", "W-MON", 52, ""),
    "2014/15": (lines(["2014/15", "2015/16", "2016/17"]), "2014-01-01", "2016-01-01", "YS-JAN", 1, "years"),
    "day first": (as_written(DAYS, "%d/%m/%Y"), "2015-01-01", "2015-03-01", "D", 7, "--date-format %d/%m/%Y"),
    "month first": (as_written(DAYS, "%m/%d/%Y"), "2015-01-01", "2015-03-01", "D", 7, "--date-format %m/%d/%Y"),
    "first of months, day first": (as_written(MONTHS, "%d/%m/%Y"), "2015-01-01", "2016-12-01", "MS", 12, "%d/%m/%Y"),
    "three times two digits": (as_written(DAYS, "%d.%m.%y"), "2015-01-01", "2015-03-01", "D", 7, "%d.%m.%y"),
    "noon and midnight": (as_written(HOURS, "%m/%d/%Y %I:%M %p"), "2015-01-01", "2015-01-03 11:00:00", "h", 24, "%p"),
    "the 15th": (as_written(MONTHS + pd.Timedelta(days=14), "%Y-%m-%d"), "2015-01", "2016-12", "M", 12, "2015-01-15"),
    "ends of months": (lines(pd.date_range("2015", periods=9, freq="ME")), "2015-01-31", "2015-09-30", "ME", 12, ""),
    "trading days": (as_written(pd.bdate_range("2015", periods=80).delete([9, 20]), "%Y-%m-%d"), "2015-01-01",
                     "2015-04-22", "B", 5, "2 steps of the index are not in F"),
}  # fmt: skip


def labels_are(y, first, last, freq, season):
    assert (format_label(y.index[0]), format_label(y.index[-1])) == (first, last)
    assert getattr(y.index, "freqstr", None) == freq
    assert isinstance(y.index, pd.RangeIndex) == (freq is None)
    assert frame.season_length(y.index) == season


@pytest.mark.parametrize(("content", "first", "last", "freq", "season", "expected_remark"), LABELS.values(), ids=LABELS)
def test_labels(read, content, first, last, freq, season, expected_remark):
    y, remarks = read(content)
    labels_are(y, first, last, freq, season)
    values = y.dropna().to_numpy()
    assert_allclose(np.sort(values), np.arange(len(values)))
    assert abs(np.diff(values)).max() == 1  # in the order of the file, or reversed
    assert expected_remark in " ".join(remarks)
    assert bool(remarks) == bool(expected_remark)


# ---------------------------------------------------------------- numbers
#: Separator, values as written, first two values, part of the remarks.
NUMBERS = {
    "points": (",", ["1.5", "2.25"], [1.5, 2.25], ""),
    "points between semicolons": (";", ["1.5", "2.25"], [1.5, 2.25], ""),
    "commas": (";", ["1,5", "2,25"], [1.5, 2.25], "',' is the decimal mark"),
    "commas between tabs": ("\t", ["0,125", "2,125"], [0.125, 2.125], "',' is the decimal mark"),
    "commas in quotation marks": (",", ['"1,5"', '"2,25"'], [1.5, 2.25], "',' is the decimal mark"),
    "German": (";", ["1.234,5", "2,25"], [1234.5, 2.25], "'.' separates thousands"),
    "English": (";", ["1,234.5", "2.25"], [1234.5, 2.25], "',' separates thousands"),
    "millions": (";", ["1,234,567", "2"], [1234567, 2], "',' separates thousands"),
    "Swiss": (";", ["1'234.5", "2.25"], [1234.5, 2.25], "'apostrophe' separates thousands"),
    "Swedish": (";", ["1\u00a0234,5", "2,25"], [1234.5, 2.25], "'space' separates thousands"),
    "powers": (";", ["1,5e3", "2E-1"], [1500, 0.2], "',' is the decimal mark"),
    "minus": (",", ["\u22121.5", "-2"], [-1.5, -2], ""),
    "percent": (",", ["1.5 %", "2%"], [1.5, 2], "'%' is left out"),
    "euro": (";", ["1,50 €", "2,00 €"], [1.5, 2], "'€' is left out"),
    "bar": ("|", ["1.5", "2.25"], [1.5, 2.25], ""),
    "blanks": ("  ", ["1.5", "2.25"], [1.5, 2.25], ""),
}


@pytest.mark.parametrize(("sep", "written", "values", "expected_remark"), NUMBERS.values(), ids=NUMBERS)
def test_numbers(read, sep, written, values, expected_remark):
    y, remarks = read(lines(MONTHS.strftime("%Y-%m-%d"), written * 12, sep=sep))
    labels_are(y, "2015-01-01", "2016-12-01", "MS", 12)
    assert_allclose(y, values * 12)
    assert expected_remark in " ".join(remarks)
    assert bool(remarks) == bool(expected_remark)


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({"decimal": ","}, 1.234), ({"decimal": "."}, 1234), ({"thousands": ","}, 1234), ({"thousands": "."}, 1.234),
        ({"decimal": "comma", "thousands": "point"}, 1.234),
    ],
)  # fmt: skip
def test_marks_given_as_options(read, options, value):
    y, remarks = read(lines(MONTHS.strftime("%Y-%m-%d"), ["1,234"] * 24, sep=";"), **options)
    assert_allclose(y, value)
    assert remarks == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings(read, encoding):
    y, remarks = read(as_written(MONTHS, "%Y-%m-%d", header="t,größe").encode(encoding))
    assert (y.name, remarks) == ("größe", [])


# ---------------------------------------------------------------- tables
ISO = MONTHS.strftime("%Y-%m-%d")
PLAIN = lines(ISO)
BODY = PLAIN.partition("\n")[2]
WIDE = [",".join([str(y), *(str(12 * (y - 2015) + i) for i in range(12))]) for y in (2015, 2016)]
#: Content and parts of the remarks; all contain 0, 1, 2, ... for the months of 2015 and 2016.
TABLES = {
    "counter of pandas": (pd.DataFrame({"t": ISO, "x": range(24)}).to_csv(), ["'t' holds the dates"]),
    "counter of R": (pd.DataFrame({"t": ISO, "x": range(24)}, index=range(1, 25)).to_csv(), ["'t' holds the dates"]),
    "counter and 201501": (pd.DataFrame({"t": MONTHS.strftime("%Y%m"), "x": range(24)}).to_csv(), ["months"]),
    "no header": (BODY, ["F has no header: its columns are numbered, from 1 to 2"]),
    "no header, nothing first": (BODY.replace(",0\n", ",\n", 1), ["has no header"]),
    "title": ("Sales of the shop\n\n" + PLAIN, ["Line 1 of F is left out: 'Sales of the shop'"]),
    "title with a comma": ("Sales, in euros\n" + PLAIN, ["Line 1 of F is left out"]),
    "comments": ("# a\n# b\n" + PLAIN, ["Lines 1 to 2 of F are left out"]),
    "hash before the header": ("#" + PLAIN, []),
    "sep=": ("sep=;\n" + PLAIN.replace(",", ";"), ["Line 1 of F is left out"]),
    "no value first": (PLAIN.replace(",0\n", ",n/a\n"), []),
    "NOAA": ("# CO2\n# year month value\n" + as_written(MONTHS, "%Y   %-m", header="", sep="   ").lstrip(),
             ["Line 1 of F is left out", "'year' and 'month' hold"]),
    "comment for a header": ("# CO2\n" + BODY, ["Line 1 of F is left out", "has no header"]),
    "number beside the date": (lines([f"{t},{7000 + i}" for i, t in enumerate(ISO)], header="t,id,x"), []),
    "units": ("t,x\n,kg\n" + BODY, ["Line 2 of F is left out: 'kg'"]),
    "total": (PLAIN + "Total,276\n", ["Line 26 of F ('Total') is left out"]),
    "total with its year": (PLAIN + "Total 2015,276\n", ["('Total 2015') is left out"]),
    "total without a date": ("t,shop,x\n" + "".join(f"{a},a,{i}\n" for i, a in enumerate(ISO)) + ",Total,276\n",
                             ["('Total') is left out"]),
    "note": (PLAIN + "\nSource: the shop\n", ["('Source: the shop') is left out"]),
    "total and note": (PLAIN + "Total,276\n\nSource: the shop\n", ["Line 26 of F ('Total') and 1 more are left out"]),
    "future": (PLAIN + "2017-01-01,\n2017-02-01,\n", ["The last 2 rows (2017-01-01 to 2017-02-01) have no value"]),
    "one future row": (PLAIN + "2017-01-01,NA\n", ["The last row (2017-01-01) has no value in column 'x'"]),
    "empty rows": (PLAIN + ",\n,\n\n", []),
    "empty columns": (PLAIN.replace("\n", ",,\n"), []),
    "date second": (lines(range(24), ISO, header="x,t"), ["Column 't' holds the dates"]),
    "date third": (lines([f"a,{i}" for i in range(24)], ISO, header="shop,x,t"), ["Column 't' holds the dates"]),
    "years second": (lines(range(24), MONTHS.strftime("%Y%m"), header="x,t"), ["Column 't' holds the dates: months"]),
    "year, month": (as_written(MONTHS, "%Y,%m", header="year,month,x"), ["Columns 'year' and 'month' hold the dates"]),
    "year, Jan": (as_written(MONTHS, "%Y,%b", header="year,month,x"), ["--index-column year,month"]),
    "month, year": (as_written(MONTHS, "%m,%Y", header="Monat,Jahr,x"), ["--index-column Jahr,Monat"]),
    "year beside the date": (as_written(MONTHS, "%Y-%m-%d,%Y", header="t,year,x"), []),
    "year in rows": (f"year,{NAMES}\n" + "\n".join(WIDE), ["a year in each row", "'year' and 'month' hold"]),
    "year in rows, annual": (f"Year,{NAMES},Annual\n" + "\n".join(row + ",5" for row in WIDE), ["a year in", "hold"]),
}  # fmt: skip


@pytest.mark.parametrize(("content", "expected_remark"), TABLES.values(), ids=TABLES)
def test_tables(read, content, expected_remark):
    y, remarks = read(content)
    labels_are(y, "2015-01-01", "2016-12-01", "MS", 12)
    assert_allclose(y.fillna(0), np.arange(24))
    assert len(remarks) == len(expected_remark)
    for word, each in zip(expected_remark, remarks, strict=True):
        assert word in each


#: Content of files with the time in several columns.
HOURLY = {
    "date, time": as_written(HOURS, "%Y-%m-%d,%H:%M", header="date,time,x"),
    "time, date": as_written(HOURS, "%H:%M:%S,%Y-%m-%d", header="a,b,x"),
    "date, am": as_written(HOURS, "%Y-%m-%d,%I:%M %p", header="date,time,x"),
    "20150101, time": as_written(HOURS, "%Y%m%d,%H:%M", header="date,time,x"),
    "date, hour": lines([f"{t:%Y-%m-%d},{t.hour}" for t in HOURS], header="date,hour,x"),
    "date, 930": lines([f"{t:%Y-%m-%d},{100 * t.hour}" for t in HOURS], header="date,time,x"),
    "year, month, day, hour": as_written(HOURS, "%Y,%m,%d,%H", header="year,month,day,hour,x"),
    "YY MM DD hh mm": as_written(HOURS, "%Y %m %d %H %M", header="YY MM DD hh min x", sep=" "),
}


@pytest.mark.parametrize("content", HOURLY.values(), ids=HOURLY)
def test_time_in_a_column_of_its_own(read, content):
    y, remarks = read(content)
    labels_are(y, "2015-01-01", "2015-01-03 11:00:00", "h", 24)
    assert_allclose(y, np.arange(60))
    assert len(remarks) == 1
    assert "hold the dates: dates and times from 2015-01-01" in remarks[0]


def test_columns_given_as_options(read):
    for content, columns in [
        (as_written(MONTHS, "%Y,%m", header="a,b,x"), "a,b"),
        (as_written(MONTHS, "%Y,%b", header="a,b,x"), "a, b"),
        (as_written(MONTHS, "%b,%Y", header="a,b,x"), "a,b"),
    ]:
        y, remarks = read(content, index_column=columns)
        labels_are(y, "2015-01-01", "2016-12-01", "MS", 12)
        assert remarks == []
    y, _ = read(as_written(MONTHS, '"%Y-%m-%d"', header='"t,1",x'), index_column="t,1")  # a name with a comma in it
    labels_are(y, "2015-01-01", "2016-12-01", "MS", 12)


def test_quarters_in_two_columns(read):
    y, _ = read("year,quarter,x\n" + "".join(f"{y},{q},{q}\n" for y in (2015, 2016, 2017) for q in (1, 2, 3, 4)))
    labels_are(y, "2015-01-01", "2017-10-01", "QS-JAN", 4)


# ---------------------------------------------------------------- refusals, and their mends
LONG = "t,shop,kind,x\n" + "".join(f"{t},{s},{k},{i}\n" for s in "ab" for k in "pq" for i, t in enumerate(ISO))
SHOPS = "t,shop,x\n" + "".join(f"{t},{s},{i}\n" for i, t in enumerate(ISO) for s in ("North East", "b"))
CLOCK = as_written(HOURS, "%H:%M", header="time,x").replace("00:00,24", "00:00,0")
#: Content, options, part of the error, number of readings that it suggests.
REFUSED = {
    "12 days or months": (as_written(DAYS[:12], "%d/%m/%Y"), {}, "has several meanings", 2),
    "two digits": (as_written(pd.date_range("2010-10-01", periods=3), "%d/%m/%y"), {}, "has several meanings", 3),
    "200101": (as_written(pd.date_range("2001", periods=12, freq="MS"), "%Y%m"), {}, "has several meanings", 3),
    "weeks of a year": (lines([f"2015{w:02d}" for w in range(1, 50)]), {}, "has several meanings", 2),
    "Excel's days": (lines([int(x) for x in excel(DAYS)]), {}, "has several meanings", 2),
    "few months": (lines([201501, 201506, 201603]), {}, "has several meanings", 2),
    "15 Jan": (as_written(pd.date_range("2015-01-10", periods=40), "%d %b"), {}, "has no year, and none is", 1),
    "Jan-01 again": (as_written(MONTHS, "%b-%d"), {}, "has no year, and none is filled in", 1),
    "months": (as_written(MONTHS, "%B"), {}, "has no year, and none is filled in", 1),
    "quarters": (lines(["Q1", "Q2", "Q3", "Q4"] * 3), {}, "has no year", 1),
    "weeks": (lines([f"W{w:02d}" for w in range(1, 30)]), {}, "has no year", 1),
    "weekdays": (as_written(DAYS, "%a"), {}, "has no date", 1),
    "times": (CLOCK, {}, "has no date, and none is filled in", 1),
    "format without a year": (as_written(DAYS, "%d %b"), {"date_format": "%d %b"}, "has no year, and", None),
    "format without a day": (as_written(HOURS, "%Y %H"), {"date_format": "%Y %H"}, "has no day", None),
    "format without a date": (CLOCK, {"date_format": "%H:%M"}, "has no date", None),
    "format that is unknown": (PLAIN, {"date_format": "%Y-%k"}, "has %k; use some of %Y, ", None),
    "format that is none": (PLAIN, {"date_format": "Y-m"}, "has no directive", None),
    "31 June": (lines(["01.06.2015", "15.06.2015", "31.06.2015"]), {}, "dates: '31.06.2015' in line 4", None),
    "expected_remark": (lines(["a", "b", "c"]), {}, "column 't' cannot be read as dates: 'a' in line 2", None),
    "most steps missing": (lines([1, 100, 5000, 5003]), {}, "100% of the steps between them would be missing", 2),
    "most days missing": (lines(["2015-01-01", "2015-01-02", "2015-01-03", "2015-03-01"]), {},
                          "has 4 dates in 60 steps of D", 2),
    "irregular": (lines(["2015-01-01", "2015-01-04", "2015-03-05", "2015-07-09"]), {}, "have no regular steps", 2),
    "1,234": (lines(ISO, ["1,234"] * 24, sep=";"), {}, "1.234 (--decimal ,) or 1234 (--decimal . --thousands ,)", 2),
    "1.234": (lines(ISO, ["1.234"] * 24, sep=";"), {}, "1.234 (--decimal .) or 1234 (--decimal , --thousands .)", 2),
    "wrong decimal": (lines(ISO, ["1.234,5"] * 24, sep=";"), {"decimal": "."}, "with --decimal , --thousands .", 1),
    "wrong thousands": (lines(ISO, ["1,5"] * 24, sep=";"), {"thousands": ","}, "which is a number with --decimal ,", 1),
    "inf": (lines(ISO, ["inf", "1.5"] * 12), {}, "column 'x' has 'inf' in line 2", 1),
    "- first, no header": (BODY.replace(",0\n", ",-\n", 1), {}, "column '2' has '-' in line 1", 1),
    "hour 24": (lines([f"2015-01-0{d},{h}" for d in (1, 2) for h in range(1, 25)], header="date,hour,x"), {},
                "'2015-01-01 24:00' in line 25", None),
    "one date": ("t,x\n2015-01-01,1\n", {}, "column 't' has one date, 2015-01-01", None),
    "-": (lines(ISO, ["-", "1.5"] * 12), {}, "column 'x' has '-' in line 2, which is not a number", 1),
    ". and ..": (lines(ISO, [".", "..", "1.5"] * 8), {}, "--missing . --missing ..", 1),
    "latin-1": (as_written(MONTHS, "%Y-%m-%d", header="größe,x").encode("cp1252"), {}, "CSV file in UTF-8", 1),
    "UTF-16 without a mark": (PLAIN.encode("utf-16-le"), {}, "line 1 has a NUL character", 1),
    "undefined in cp1252": (PLAIN.replace("x", "\x81").encode("latin-1"), {}, "--encoding latin-1", 1),
    "several series": (SHOPS, {}, "2 series, one below the other: column 'shop' distinguishes them ('North East'", 1),
    "several series by two": (LONG, {}, "4 series, one below the other: columns 'shop' and 'kind' distinguish them", 1),
    "several series by number": ("t,shop,x\n" + "".join(f"{t},{s},1\n" for t in ISO for s in (1, 2)), {},
                                 "column 'shop' distinguishes them ('1', '2')", 1),
    "years of several shops": ("year,shop,x\n" + "".join(f"{t},{s},1\n" for t in range(1990, 2020) for s in "1234"),
                               {}, "has 4 series, one below the other: column 'shop'", 1),
    "twice": (PLAIN + "2015-03-01,5\n", {}, "has 2015-03-01 more than once in column 't', again in line 26", 1),
    "no such shop": (SHOPS, {"where": ["shop=c"]}, "no row has 'c' in column 'shop'; give one of its values, 'N", None),
    "no such condition": (SHOPS, {"where": ["shop"]}, "--where shop is not of the form column=value", None),
    "no such column": (SHOPS, {"where": ["city=c"]}, "there is no column 'city'; give one of 't', 'shop', 'x'", None),
    "longer row": (PLAIN + "2017-01-01,1,2\n", {}, "line 26 has 3 cells, but the header in line 1 has 2", None),
    "decimal commas between commas": (lines(ISO, ["1,5"] * 24), {}, "decimal commas in them between quotation", None),
    "separator": (PLAIN, {"separator": "two"}, "'two' is not one character; give one, or its name: comma", None),
    "no numbers": (lines(ISO, ["a"] * 24), {}, "no column has numbers only: column 'x' has 'a' in line 2", None),
    "no column but dates": ("t\n" + "\n".join(ISO), {}, "F has no column with numbers beside column 't'", None),
    "no values": (lines(ISO, [""] * 24), {}, "column 'x' is empty", None),
    "same marks": (PLAIN, {"decimal": ",", "thousands": "comma"}, "--decimal and --thousands are both ','", None),
    "no mark": (PLAIN, {"decimal": "x1"}, "--decimal 'x1' is not a mark; give one character, or its name", None),
    "no encoding": (PLAIN, {"encoding": "utf-99"}, "'utf-99' is no encoding", None),
    "freq of numbers": (lines(range(1900, 1930)), {"freq": "MS"}, "--freq is about dates, but column 't'", None),
    "freq of rows": ("x\n1\n2\n3\n", {"freq": "MS"}, "--freq is about dates, and F has no column with dates", None),
    "no index, index": (PLAIN, {"no_index": True, "index_column": "t"}, "give only one of the two", None),
}  # fmt: skip

_OPTION = r"--(?:no-index|[a-z-]+ (?:'[^']*'|[^\s;)]+))"


def mends(message):
    """The options that an error suggests; options that belong together are one item."""
    for found in re.findall(rf"{_OPTION}(?: {_OPTION})*", message):
        options = {}
        for each in re.findall(_OPTION, found):
            name, *value = shlex.split(each)
            key = name[2:].replace("-", "_")
            if key in ("where", "missing"):
                options.setdefault(key, []).extend(value)
            else:
                options[key] = value[0] if value else True
        yield options


@pytest.mark.parametrize(("content", "options", "message", "n_mends"), REFUSED.values(), ids=REFUSED)
def test_errors_name_the_options_that_help(read, content, options, message, n_mends):
    with pytest.raises(ValueError, match=r"\S") as error:
        read(content, **options)
    text = str(error.value).replace(str(read.path), "F")
    assert message in text
    if n_mends is None:
        return
    found = [each for each in mends(text) if "such as" not in text or each != {"date_format": "%d/%m/%Y"}]
    assert len([each for each in found if each != {"no_index": True} and "id" not in each] or found) == n_mends - (
        n_mends > 1 and {"no_index": True} in found
    )
    for mend in found:
        if "id" in mend:
            assert read_panel_csv(read.path, **mend, report=str).n_rows.min() >= 3
            continue
        kept = {} if set(mend) & {"decimal", "thousands"} else options
        y, _ = read(content, **kept, **mend)
        assert y.notna().sum() >= 3


def test_long_format(read):
    y, remarks = read(LONG, where=["shop=b", "kind = p"])
    labels_are(y, "2015-01-01", "2016-12-01", "MS", 12)
    assert_allclose(y, np.arange(24))
    assert remarks == []


def test_a_reading_chosen_by_option(read):
    content = as_written(DAYS[:12], "%d/%m/%Y")
    labels_are(read(content, date_format="%d/%m/%Y")[0], "2015-01-01", "2015-01-12", "D", 7)
    labels_are(read(content, date_format="%m/%d/%Y")[0], "2015-01-01", "2015-12-01", "MS", 12)
    labels_are(read(lines(range(1950, 1980)), date_format="%Y")[0], "1950-01-01", "1979-01-01", "YS-JAN", 1)
    labels_are(read(as_written(MONTHS, "%Y%m"), date_format="number")[0], "201501", "201612", None, 1)
    labels_are(read(lines([0, 86400, 172800]), date_format="unix-s")[0], "1970-01-01", "1970-01-03", "D", 7)
    labels_are(read(lines([1, 2, 3]), date_format="excel")[0], "1899-12-31", "1900-01-02", "D", 7)
    labels_are(read(lines(["2015 - 1", "2015 - 2"]), date_format="%Y - %q")[0], "2015-01-01", "2015-04-01", "QS-JAN", 4)


def test_rows_are_numbered_where_that_is_asked_for(read):
    y, said = read(lines(range(1950, 1980), header="year,x"), no_index=True)
    assert (y.name, list(y.index[[0, -1]]), said) == ("x", [0, 29], [])
    _, said = read(lines([f"{i}.5" for i in range(9)], header="a,b"))
    assert said == ["F has no column with dates: its rows are numbered.", "Column 'a' is used; there are also b."]


def test_few_rows_and_unsorted_years(read):
    y, _ = read("t,x\n2015-01-01,1\n2015-01-02,2\n")
    labels_are(y, "2015-01-01", "2015-01-02", "D", 7)
    years = np.random.default_rng(0).permutation(np.arange(1950, 1980))
    y, _ = read(lines(years, years - 1950))
    labels_are(y, "1950", "1979", None, 1)
    assert_allclose(y, np.arange(30))


def test_values_that_look_like_labels_are_no_index(read):
    y, _ = read(lines([112, 118, 132, 129, 121], header="sales,costs"))
    assert (y.name, list(y)) == ("sales", [112, 118, 132, 129, 121])
    y, _ = read(lines(ISO, [1_412_000_000 + 7919 * i * i for i in range(24)]))  # people, not seconds
    assert y.index.freqstr == "MS"


# ---------------------------------------------------------------- the command
def test_options_of_the_command(read, capsys):
    read.path.write_bytes("tag;ort;größe\n".encode("cp1252"))
    with read.path.open("ab") as file:
        for i, day in enumerate(DAYS.strftime("%d.%m.%y")):
            file.write(f"{day};Köln;{i % 7 + 1}.000,5\n{day};Bonn;-\n".encode("cp1252"))
    options = [
        "--encoding",
        "cp1252",
        "--separator",
        "semicolon",
        "--where",
        "ort=Köln",
        "--decimal",
        ",",
        "--thousands",
    ]
    options += [".", "--missing", "-", "--date-format", "%d.%m.%y", "--index-column", "tag", "--model", "ar"]
    with pytest.raises(SystemExit) as stop:
        main(["forecast", str(read.path), *options, "--horizon", "3"], prog_name="tsrnn")
    out, err = capsys.readouterr()
    assert not stop.value.code, err
    assert (stop.value.code or 0, out.splitlines()[0]) == (0, "größe: 60 days, 2015-01-01 to 2015-03-01")
    with pytest.raises(SystemExit):
        main(
            ["forecast", str(read.path), "--encoding", "cp1252", "--no-index", "--where", "ort=Bonn"], prog_name="tsrnn"
        )
    assert "no column has numbers only" in capsys.readouterr().err


def test_blank_rows_are_no_test(read, capsys):
    read.path.write_text(as_written(MONTHS, "%Y%m") + "201701,\n201702,\n")
    with pytest.raises(SystemExit) as stop:
        main(["forecast", str(read.path), "--model", "ar", "--horizon", "4"], prog_name="tsrnn")
    out, err = capsys.readouterr()
    assert (stop.value.code or 0, out.splitlines()[0]) == (0, "x: 24 months, 2015-01-01 to 2016-12-01")
    assert "nan" not in out
    assert "2017-01-01" in out
    assert "Column 't' holds the dates: months from 2015-01-01 to 2017-02-01 (--date-format %Y%m)." in err
    assert "The last 2 rows (2017-01-01 to 2017-02-01) have no value in column 'x': the series ends before." in err
