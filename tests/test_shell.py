"""The program and its environment: files that it must not overwrite, closed streams, signals, damaged input."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import signal
import stat
import subprocess
import sys
import tarfile
import types
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import cli, shell
from tsrnn.cli import main
from tsrnn.frame.files import decoding, read_csv

ROOT = Path(tsrnn.__file__).parents[1]
ROWS = [f"{month:%Y-%m-%d},{i % 12}" for i, month in enumerate(pd.date_range("2019-01-01", periods=48, freq="MS"))]
TEXT = "date,x\n" + "\n".join(ROWS) + "\n"
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals, pipes and devices of POSIX")


@pytest.fixture
def run(capsys):
    """Function that runs the program and returns (exit code, standard output, standard error)."""

    def call(*arguments):
        with pytest.raises(SystemExit) as stop:
            main(list(map(str, arguments)), prog_name="tsrnn")
        return stop.value.code, *capsys.readouterr()

    return call


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text(TEXT, encoding="utf-8")
    return path


# ---------------------------------------------------------------- files that are written
@pytest.fixture
def unfitted(monkeypatch):
    """Nothing may be read or fitted before the arguments are checked."""
    monkeypatch.setattr(cli, "_read_series", lambda *_: pytest.fail("read before the check"))


@pytest.mark.usefixtures("unfitted")
@pytest.mark.parametrize("force", [(), ("--force",)])
@pytest.mark.parametrize("name", ["own.csv", "./own.csv", "sub/../own.csv", "soft.csv", "hard.csv"])
def test_the_input_is_never_overwritten(run, data, monkeypatch, name, force):
    monkeypatch.chdir(data.parent)
    Path("sub").mkdir()
    Path("soft.csv").symlink_to("own.csv")
    Path("hard.csv").hardlink_to("own.csv")
    code, out, err = run("forecast", data, "--output", name, *force)
    assert (code, out) == (2, "")
    assert "is the input file; give another name" in err
    assert data.read_text(encoding="utf-8") == TEXT


@pytest.mark.usefixtures("unfitted")
@pytest.mark.parametrize("option", ["--output", "--plot"])
def test_targets_are_checked_before_the_work(run, data, monkeypatch, option):
    monkeypatch.chdir(data.parent)
    suffix = ".csv" if option == "--output" else ".png"
    Path(f"there{suffix}").touch()
    Path(f"folder{suffix}").mkdir()
    for name, message in {
        f"there{suffix}": "exists; give another name, or overwrite it with --force",
        f"folder{suffix}": "is a directory",
        f"nowhere/a{suffix}": "there is no folder nowhere",
        f"there{suffix}/a{suffix}": "there is no folder",
        "a" * 300 + suffix: f"cannot be written: {os.strerror(errno.ENAMETOOLONG)}",
        "a.txt": "the name must end in",
    }.items():
        code, out, err = run("forecast", data, option, name)
        assert (code, out) == (2, "")
        assert message in err

    def refuse(**_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(shell.tempfile, "TemporaryFile", refuse)
    code, _, err = run("forecast", data, option, f"new{suffix}")
    assert code == 2
    assert f"{option} new{suffix} cannot be written: Permission denied" in err


@pytest.mark.usefixtures("unfitted")
@POSIX
def test_no_device_and_no_read_only_file(run, data, monkeypatch):
    pipe = data.with_name("pipe.csv")
    os.mkfifo(pipe)
    code, _, err = run("forecast", data, "--output", pipe, "--force")
    assert (code, "is not a regular file" in err) == (2, True)
    target = data.with_name("there.csv")
    target.touch()
    monkeypatch.setattr(shell.os, "access", lambda path, mode: mode != os.W_OK)  # root may write to all files
    code, _, err = run("forecast", data, "--output", target, "--force")
    assert (code, "it is read-only" in err) == (2, True)


def test_force_needs_a_file(run, data):
    code, _, err = run("forecast", data, "--force")
    assert (code, "--force needs --output or --plot" in err) == (2, True)


def test_a_file_is_replaced_by_renaming(run, data):
    target, link = data.with_name("old.csv"), data.with_name("link.csv")
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to("old.csv")
    code, _, err = run("forecast", data, "--model", "ar", "--output", link, "--force")
    assert code == 0
    assert f"Wrote {link}." in err
    assert len(pd.read_csv(target)) == 12
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert sorted(path.name for path in data.parent.iterdir()) == ["link.csv", "old.csv", "own.csv"]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), MemoryError(), KeyboardInterrupt()]
)
def test_a_failure_while_writing_keeps_the_old_file(run, data, monkeypatch, error):
    target = data.with_name("old.csv")
    target.write_text("old")

    def fail(self, path, **_):
        Path(path).write_text("half")
        raise error

    monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    code, _, err = run("forecast", data, "--model", "ar", "--output", target, "--force")
    assert code == (130 if isinstance(error, KeyboardInterrupt) else 1)
    assert "Traceback" not in err
    if isinstance(error, OSError):
        assert f"Error: --output {target} cannot be written: No space left on device" in err
    assert target.read_text() == "old"
    assert len(list(data.parent.iterdir())) == 2


def test_a_file_created_during_the_fit(run, data, monkeypatch):
    target = data.with_name("a.csv")

    def slow(self, path, **_):
        Path(path).write_text("mine")
        target.write_text("other")

    monkeypatch.setattr(pd.DataFrame, "to_csv", slow)
    code, _, err = run("forecast", data, "--model", "ar", "--output", target)
    assert (code, "has been created meanwhile; overwrite it with --force" in err) == (1, True)
    assert target.read_text() == "other"


# ---------------------------------------------------------------- streams and signals
@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (MemoryError("17 PiB"), 1, "Error: there is not enough memory: 17 PiB"),
        (MemoryError(), 1, "Error: there is not enough memory"),
        (KeyboardInterrupt(), 130, ""),
        (OSError(errno.EIO, "Input/output error", "a.csv"), 1, "Error: a.csv: Input/output error"),
        (ValueError("v" * 10**6), 1, "Error: vvv"),
        (OverflowError("too large"), 1, "Error: too large"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_are_one_line(run, monkeypatch, error, code, message):
    def fail(*_):
        raise error

    monkeypatch.setattr(cli, "_forecast", fail)
    found, out, err = run("forecast", "nile")
    assert (found, out) == (code, "")
    assert err.startswith(message)
    assert len(err) < 2100
    assert err.count("\n") <= 1


def program(*arguments, **options):
    command = [sys.executable, "-m", "tsrnn", *arguments]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, cwd=ROOT, timeout=120, check=False, **options)


@POSIX
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("arguments", [("datasets",), ("--help",), ("forecast", "nile", "--model", "ar")], ids=str)
def test_a_full_disk_behind_standard_output(arguments):
    with Path("/dev/full").open("w") as full:
        done = program(*arguments, stdout=full)
    assert done.returncode == 1
    assert done.stderr == "Error: standard output cannot be written: No space left on device\n"


@POSIX
def test_a_closed_pipe():
    read, write = os.pipe()
    os.close(read)
    done = program("datasets", stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


LONG_WORK = """
import threading, time
from tsrnn import cli
def work(*_):
    threading.Thread(target=time.sleep, args=(60,)).start()
    print("working", flush=True)
    while True:
        try:
            time.sleep(60)
        except BaseException:  # as the compiler does
            pass
cli._forecast = work
from tsrnn.__main__ import main
main()
"""


@POSIX
def test_interrupts():
    """Also where exceptions are caught, and while other threads run."""
    process = subprocess.Popen(
        [sys.executable, "-c", LONG_WORK, "forecast", "nile"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "working\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "\nInterrupted.\n")


@POSIX
def test_other_signal_handlers_are_kept(run):
    def own(*_):
        pass

    before = signal.signal(signal.SIGINT, own)
    try:
        assert run("datasets")[0] == 0
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)
    run("datasets")
    assert signal.getsignal(signal.SIGINT) is before


# ---------------------------------------------------------------- files that are read
def zipped(members):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return memory.getvalue()


def tarred(mode, *names):
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode=mode) as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(TEXT)
            archive.addfile(member, io.BytesIO(TEXT.encode()))
    return memory.getvalue()


PLAIN = TEXT.encode()
GOOD = {
    "plain": PLAIN,
    "gz": gzip.compress(PLAIN),
    "bz2": bz2.compress(PLAIN),
    "xz": lzma.compress(PLAIN),
    "zip": zipped({"a.csv": PLAIN}),
    "tar": tarred("w", "a.csv"),
    "tar.gz": tarred("w:gz", "a.csv"),
    "mark": b"\xef\xbb\xbf" + PLAIN,
    "UTF-16": TEXT.encode("utf-16"),
    "Windows": PLAIN.replace(b"\n", b"\r\n"),
    "blank lines": b"\n\n" + PLAIN,
    "empty cells at the end": "\n".join(["date,x", *(row + ",," for row in ROWS)]).encode(),
    "and in the header": "\n".join(row + ",," for row in ["date,x", *ROWS]).encode(),
    "quotes": PLAIN.replace(b"date,x", b'date,"x"'),
}


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD)
def test_good_files(tmp_path, content):
    """The content of a file determines its type, not its name."""
    for name in ("a.csv", "a.csv.gz", "a.zip"):
        path = tmp_path / name
        path.write_bytes(content)
        y = read_csv(path, report=pytest.fail)
        assert (len(y), y.name, y.index.freqstr) == (48, "x", "MS")
        assert list(y) == [i % 12 for i in range(48)]


@pytest.mark.parametrize("name", ["gz", "bz2", "xz", "zip", "tar.gz"])
def test_damaged_archives(tmp_path, name):
    whole = GOOD[name]
    third = len(whole) // 3
    for damaged in (whole[: 2 * third], whole[:12], whole[:third] + b"\xff" * 20 + whole[third + 20 :]):
        path = tmp_path / f"a.{name}"
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"is a damaged \w+ file \(.+\); download or compress it again"):
            read_csv(path)


BAD = {
    "short tar": (GOOD["tar"][:700], "a damaged tar file"),
    "two": (zipped({"a.csv": PLAIN, "b.csv": PLAIN}), "a zip archive of 2 files, a.csv, b.csv; unpack it and name one"),
    "none": (zipped({}), "a zip archive of no file"),
    "two in tar": (tarred("w", "a.csv", "b.csv"), "a tar archive of 2 files"),
    "spreadsheet": (zipped({"[Content_Types].xml": b"", "a.xml": b""}), "it is a spreadsheet; save it as CSV"),
    "parquet": (b"PAR1" + bytes(100), "it is a Parquet file; convert it to CSV"),
    "lz4": (b"\x04\x22\x4d\x18" + bytes(9), "compressed by lz4; unpack it by lz4 -d"),
    "encoding": (
        PLAIN.replace(b"2020-01-01,", b"2020-01-01,\xe4"),
        r"in UTF-8: line 14 has the byte 0xe4 .*; try --encoding cp1252",
    ),
    "half UTF-16": (TEXT.encode("utf-16")[:-1], r"in utf-16: line .* \(truncated data\); the file is damaged"),
    "NUL": (PLAIN.replace(b"2020-01-01,", b"2020-01-01,\0"), "line 14 has a NUL character"),
    "long row": (
        PLAIN.replace(b"2020-01-01,", b"2020-01-01,7,"),
        "line 14 has 3 cells, but the header in line 1 has 2: put",
    ),
    "long rows": (
        PLAIN.replace(b"\n2", b",7\n2").replace(b"x,7", b"x"),
        "line 2 has 3 cells, but the header in line 1 has 2",
    ),
    "decimal commas": (
        PLAIN.replace(b"\n2", b",5\n2").replace(b"x,5", b"x"),
        "put cells with the separator or decimal commas in",
    ),
    "after a quote": (
        PLAIN.replace(b"2019-03-01", b'"2019-\n03"').replace(b"\n2020-01-01", b",1\n2020"),
        "line 14 has 3 cells",
    ),
    "an open quote": (PLAIN.replace(b"2020-01-01", b'"2020-01-01'), "cannot be read as dates: '2020-01-01,0"),
    "a large cell": (
        PLAIN.replace(b"2020-01-01,", b"2020-01-01," + b"q" * 10**6),
        "column 'x' has 'qqqqq",
    ),
    "a large date": (PLAIN.replace(b"2020-01-01", b"q" * 10**6), "cannot be read as dates"),
    "blank": (b"\n\n", "it is empty"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_bad_files(tmp_path, content, message):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        read_csv(path)
    assert len(str(error.value)) < len(str(path)) + 600


def test_a_large_header(run, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(PLAIN.replace(b"date,x", b"date," + b"q" * 10**6))
    code, out, err = run("forecast", path, "--model", "ar")
    assert code == 0
    assert len(out + err) < 2000


def test_files_that_cannot_be_read(data, monkeypatch):
    def fail(self):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(ValueError, match=r"own.csv cannot be read: Permission denied"):
        read_csv(data)


# ---------------------------------------------------------------- zstd
class Frame:
    """Imitates `zstandard`: decompresses one frame, without an error if it ends early."""

    eof, unused_data = False, b""

    def decompress(self, content):
        head, end, self.unused_data = content[4:].partition(b"END")
        self.eof = bool(end)
        return head


ZSTD = b"\x28\xb5\x2f\xfd"


def test_zstd(tmp_path, monkeypatch):
    path = tmp_path / "a.csv.zst"
    path.write_bytes(ZSTD + PLAIN[:100] + b"END" + ZSTD + PLAIN[100:] + b"END")
    monkeypatch.setattr(decoding, "_ZSTD", ("no_such_module",))
    with pytest.raises(ValueError, match="unpack it by zstd -d, or run pip install zstandard"):
        read_csv(path)
    fake = types.SimpleNamespace(ZstdDecompressor=lambda: types.SimpleNamespace(decompressobj=Frame))
    monkeypatch.setitem(sys.modules, "zstandard", fake)
    monkeypatch.setattr(decoding, "_ZSTD", ("zstandard",))
    assert len(read_csv(path)) == 48
    path.write_bytes(ZSTD + PLAIN)
    with pytest.raises(ValueError, match="a damaged zstd file"):
        read_csv(path)


# ---------------------------------------------------------------- the baselines
def hours(n):
    """Hourly values with another daily shape at weekends, without noise."""
    index = pd.date_range("2024-01-01", periods=n, freq="h")
    weekend = np.asarray(index.day_of_week >= 5)
    return pd.Series(np.where(weekend, 2.0, 10 + np.sin(np.arange(n) * 2 * np.pi / 24)), index, name="load")


def test_a_baseline_for_each_season(run, tmp_path):
    y = hours(24 * 7 * 6) + np.random.default_rng(0).normal(0, 0.1, 24 * 7 * 6)
    y.to_csv(tmp_path / "a.csv", index_label="hour")
    code, out, _ = run("forecast", tmp_path / "a.csv", "--model", "ar", "--horizon", 168)
    assert code == 0
    train, test = y[:-168], y[-168:]
    naive = {season: tsrnn.frame.seasonal_naive(train, 168, season) for season in (24, 168)}
    for season, prediction in naive.items():
        row = next(line for line in out.splitlines() if line.startswith(f"  seasonal naive ({season} hours)"))
        mae, mase = map(float, row.split(")")[1].split())
        assert mae == pytest.approx(tsrnn.frame.mae(test, prediction), rel=0.01)
        assert mase == pytest.approx(tsrnn.frame.mase(test, prediction, train, 24), abs=0.006)
    assert "mean absolute change over 24 hours" in out
    assert "than that of the seasonal naive (168 hours), the best of these." in out


def test_baseline_of_one_season(run, tmp_path):
    y = hours(24 * 12)  # shorter than three weeks
    y.to_csv(tmp_path / "a.csv", index_label="hour")
    code, out, _ = run("forecast", tmp_path / "a.csv", "--model", "ar")
    assert code == 0
    assert "  seasonal naive  " in out
    assert "than the seasonal naive's." in out or "as good as the seasonal naive." in out


@pytest.mark.parametrize(
    ("error", "baselines", "sentence"),
    [
        (1.0, {"last value": 2.0}, "The AR's error is 50 % smaller than the last value's."),
        (3.0, {"a": 6.0, "b": 2.0}, "The AR's error is 50 % larger than that of the b, the best of these."),
        (2.0, {"a": 6.0, "b": 2.0}, "The AR is as good as the b."),
        (float("nan"), {"a": 1.0}, "Too little was observed in the test to compare the two."),
    ],
)
def test_verdicts(error, baselines, sentence):
    assert cli._comparison("AR", error, baselines) == sentence


def test_warnings_are_remarks(run, monkeypatch):
    """Of this package each once, without a line of source and with options for arguments; others as they are."""
    import warnings

    from tsrnn.exceptions import FewWindowsWarning

    fit = tsrnn.ARForecaster.fit

    def warn(self, y):
        for _ in range(2):
            message = "few windows of context_length=24; fit with horizon=3, or use ARForecaster"
            warnings.warn(message, FewWindowsWarning, stacklevel=1)
        return fit(self, y)

    monkeypatch.setattr(tsrnn.ARForecaster, "fit", warn)
    code, _, err = run("forecast", "nile", "--model", "ar")
    assert code == 0
    message = "few windows of --context-length 24; fit with --horizon 3, or use --model ar"
    assert err.count(f"\n  Warning: {message}\n") == 2  # of both fits
