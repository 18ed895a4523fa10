"""Documentation: code runs, tables match signatures, quotations match the sources, relative links resolve."""

from __future__ import annotations

import doctest
import importlib
import inspect
import os
import pkgutil
import re
import sys
import types
from pathlib import Path

import pytest

import tsrnn
from tsrnn import frame
from tsrnn.cells.registry import FAMILIES
from tsrnn.cli import forecast, warmup
from tsrnn.data.scaling import SCALINGS
from tsrnn.datasets import DATASETS
from tsrnn.losses.registry import LOSSES

ROOT = Path(__file__).parents[1]
FILES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = {path.relative_to(ROOT).as_posix(): path for path in FILES}
every_page = pytest.mark.parametrize("page", PAGES)
BLOCK = re.compile(r"(?:<!-- ([a-z ]+): ([^>]*?) -->\n)?```(\w+)\n(.*?)```", re.DOTALL)
REFERENCE = PAGES["docs/reference.md"].read_text(encoding="utf-8")


def blocks(page):
    """Fenced blocks of a page, each (kind of its marker, content of its marker, language, text)."""
    return BLOCK.findall(PAGES[page].read_text(encoding="utf-8"))


def source_file(path):
    """A file named on a page; those of the package are where it is installed, which need not be beside the pages."""
    parent = Path(tsrnn.__file__).parents[1] if path.parts[0] == "tsrnn" else ROOT
    return parent / path


def programs(page):
    """The Python blocks of a page that are to be run."""
    return [text for marker, _, language, text in blocks(page) if language == "python" and marker != "source"]


# ---------------------------------------------------------------- code
@pytest.mark.parametrize("page", [page for page in PAGES if programs(page)])
def test_code_runs(page, tmp_path, monkeypatch):
    from matplotlib import pyplot

    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("page_under_test")  # compiled equations want a module that can be imported
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for number, text in enumerate(programs(page)):
        exec(compile(text, f"<{page}, block {number + 1}>", "exec"), vars(module))
    pyplot.close("all")


@every_page
def test_quotations_are_in_the_source(page):
    for marker, path, _, text in blocks(page):
        if marker == "source":
            assert text.rstrip("\n") in source_file(Path(path)).read_text(encoding="utf-8"), text


@pytest.mark.parametrize("name", FAMILIES.values())
def test_quotations_cover_the_cells(name):
    """Every equation of a cell stands on its page. Equations are the functions without annotations."""
    quoted = "".join(text for marker, *_, text in blocks(f"docs/cells/{name}.md") if marker == "source")
    module = importlib.import_module(f"tsrnn.cells.{name}")
    equations = [
        function
        for _, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not function.__annotations__
    ]
    assert equations
    for equation in equations:
        body = inspect.getsource(equation).rstrip().splitlines()
        assert "\n".join(body[2:]) in quoted, equation.__name__


MODULES = [
    name
    for _, name, _ in pkgutil.walk_packages(tsrnn.__path__, "tsrnn.")
    if not name.endswith("__main__") and ".cuda." not in name  # which needs a GPU, or its simulator
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    """The examples of all classes and functions run and print what they show."""
    from matplotlib import pyplot

    module = importlib.import_module(name)
    assert doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0
    pyplot.close("all")


# ---------------------------------------------------------------- tables
def tables(marker, text=REFERENCE):
    """The rows of each table after ``<!-- marker: names -->``, without markup, by names."""
    found = re.findall(rf"<!-- {marker}: (.*?) -->\n((?:\|.*\n)+)", text)
    return {
        names: [
            [cell.strip().strip("`").replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in table
        ]
        for names, table in ((names, text.splitlines()[2:]) for names, text in found)
    }


def signature(name):
    """Arguments and their defaults, written as in a table."""
    parameters = inspect.signature(getattr(tsrnn, name)).parameters
    return {n: "required" if p.default is p.empty else repr(p.default) for n, p in parameters.items()}


def page_of_cell(cell):
    """The text of the page on a family of cells."""
    return PAGES[f"docs/cells/{FAMILIES[cell]}.md"].read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in tsrnn.__all__ if name[0].isupper() and name not in ("Epoch",)])
def test_arguments(name):
    """One table for all cells; what a cell adds has a small one on the cell's own page."""
    if name in ("Huber", "Pinball", "Recursive"):
        return
    cell = re.sub("(Forecaster|Regressor|Classifier|Tagger)$", "", name)
    rows = tables("arguments")[name.replace(cell, "LSTM") if cell in FAMILIES else name]
    if cell in FAMILIES:
        rows = rows + tables("cell arguments", page_of_cell(cell)).get(cell, [])
    assert {row[0]: row[2] for row in rows} == signature(name)
    assert len({row[0] for row in rows}) == len(rows)
    if cell in FAMILIES or name in ("SequenceGenerator", "Seq2SeqTransducer"):
        from tsrnn.estimators.documentation import arguments

        listed = {
            name: [kind, default, meaning] for name, (kind, default, meaning) in arguments(getattr(tsrnn, name)).items()
        }
        assert {row[0]: row[1:] for row in rows} == listed


@pytest.mark.parametrize("name", [name for name in tsrnn.__all__ if name[0].isupper()])
def test_public_docstrings(name):
    """Every argument is in the docstring, under Parameters, and documented with its default."""
    public = getattr(tsrnn, name)
    assert public.__doc__.strip()
    if name in ("Huber", "Pinball", "Epoch", "Recursive"):
        return
    section = public.__doc__.split("Parameters\n")[1].split("\n\n")[0]
    for argument, default in signature(name).items():
        line = next(line for line in section.splitlines() if re.match(rf"\s*([\w, ]*, )?{argument}\b.* : ", line))
        if "default" in line:
            assert line.split("default ")[1].replace('"', "'") == default, line


@pytest.mark.parametrize("command", [forecast, warmup], ids=lambda command: command.name)
def test_options(command):
    rows = tables("options")[f"tsrnn {command.name}"]
    assert [row[0] for row in rows] == [option.opts[0] for option in command.params if option.opts[0] != "data"]


def test_attributes():
    """The reference names every attribute that a fit sets, and no other."""
    import numpy as np

    X = np.random.default_rng(0).normal(size=(40, 5))
    quick = {"hidden_size": 2, "max_epochs": 1}
    section = {
        name: REFERENCE.split(f"## {name}")[1].split("\n## ")[0]
        for name in (
            "Recurrent forecasters",
            "ARF",
            "Latent",
            "Recurrent regressors",
            "Recurrent classifiers",
            "Seq2SeqT",
            "SequenceG",
            "Taggers",
        )
    }
    for part, estimator in (
        ("Recurrent forecasters", tsrnn.LSTMForecaster(horizon=2, **quick).fit(X[:, 0])),
        ("ARF", tsrnn.ARForecaster().fit(X[:, 0])),
        ("Latent", tsrnn.LatentARForecaster(n_states=1, tol=1e-2).fit(X[:, 0])),
        ("Recurrent regressors", tsrnn.LSTMRegressor(**quick).fit(X, X[:, 0])),
        ("Recurrent classifiers", tsrnn.LSTMClassifier(**quick).fit(X, X[:, 0] > 0)),
        ("SequenceG", tsrnn.SequenceGenerator(**quick).fit(X, X)),
        ("Seq2SeqT", tsrnn.Seq2SeqTransducer(**quick).fit(["a"], ["b"])),
        ("Taggers", tsrnn.LSTMTagger(**quick).fit(X, X > 0)),
    ):
        named = set(re.findall(r"`([a-z_]+_)`", section[part]))
        properties = {"context_", "observed_", "covariates_"}
        assert named - properties == {name for name in vars(estimator) if name.endswith("_")}


def test_losses():
    """The table of losses has a row for each, in the order of the registry."""
    part = REFERENCE.split("## Losses")[1].split("\n## ")[0]
    assert re.findall(r'^\| `"(\w+)"`', part, re.MULTILINE) == list(LOSSES)


def test_scalings():
    """The table of scalings has a row for each."""
    part = REFERENCE.split("### Scaling")[1].split("\n### ")[0]
    assert set(re.findall(r'^\| (?:`"(\w+)"`|None) ', part, re.MULTILINE)) == {name or "" for name in SCALINGS}


def test_targets():
    """The tables of accepted targets and indexes say the same as the docstrings of the modules that read them."""
    source = " ".join((inspect.getdoc(frame.target) + inspect.getdoc(frame.index)).split()).replace("`", "")
    for heading in ("| The target |", "| The index |"):
        rows = REFERENCE.split(heading)[1].split("\n\n")[0].splitlines()[2:]
        for row in rows:
            for words in re.split(r"\||, |: ", row.replace("`", "")):
                assert words.strip() in source, words


def test_datasets_and_metrics():
    part = REFERENCE.split("## Data sets")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)`", part, re.MULTILINE) == list(DATASETS)
    part, documented = REFERENCE.split("## Metrics")[1].split("\n## ")[0], []
    for name, arguments in re.findall(r"^\| `(\w+)\((.*?)\)`", part, re.MULTILINE):
        home = frame if name == "season_length" else tsrnn.metrics
        parameters = [p for p in inspect.signature(getattr(home, name)).parameters.values() if p.kind != p.KEYWORD_ONLY]
        assert arguments == ", ".join(p.name if p.default is p.empty else f"{p.name}={p.default}" for p in parameters)
        documented.append(name)
    assert {*documented} - {"season_length"} == {*tsrnn.metrics.__all__} - {"summarise"}


# ---------------------------------------------------------------- links, output
@every_page
def test_links(page):
    text = PAGES[page].read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        path = Path(os.path.normpath(PAGES[page].relative_to(ROOT).parent / target))
        assert source_file(path).exists(), target


@every_page
def test_named_files_exist(page):
    """Files named with their folder, such as `parts/layout.py`, exist in the package or in the repository."""
    for name in re.findall(r"`((?:\w+/)+\w+\.py)`", PAGES[page].read_text(encoding="utf-8")):
        package = Path(tsrnn.__file__).parent
        assert any((parent / name).exists() for parent in (package, package.parent, ROOT)), name


def test_environment_variables():
    """The reference has a row for each variable of ours that the package reads."""
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(tsrnn.__file__).parent.rglob("*.py"))
    found = set(re.findall(r"""environ\.get\(["'](TSRNN_\w+)""", sources))
    assert found
    assert found == set(re.findall(r"^\| `(TSRNN_\w+)`", REFERENCE, re.MULTILINE))


def test_the_readme_shows_what_the_command_prints(capsys):
    """All lines are equal, except for seconds and for decimals that another machine may round differently."""
    from tsrnn.cli import main

    (command, shown), *_ = [
        (arguments, text) for marker, arguments, _, text in blocks("README.md") if marker == "output"
    ]
    with pytest.raises(SystemExit):
        main(command.split()[1:])
    out, err = capsys.readouterr()

    def shape(text):
        return {re.sub(r"\d+\.\d+", "#", re.sub(r" \([^)]*compile[^)]*\)", "", line)) for line in text.splitlines()}

    assert shape(shown) <= shape(out + err)
