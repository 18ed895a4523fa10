# /// script
# dependencies = ["nox[uv]>=2025.2.9"]
# ///
"""What is run on this package, each in a virtual environment of its own; ``python -m nox -l`` lists it.

Plain ``nox`` runs what a change should pass, in a few minutes. The rest runs by name, as in ``nox -s tests``
(every Python that is found, with the oldest and with the newest dependencies), ``nox -s exhaustive`` (the combinations
that plain ``nox`` samples) or ``nox -s mutants``. Test one file or one test with ``python -m pytest tests/test_x.py -k
name`` in any environment that has the dependency group `test`.

nox brings uv for itself, which makes an environment in seconds; ``nox -db virtualenv`` does without.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"  # a Python that is not here is skipped
nox.options.error_on_missing_interpreters = False

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
CURRENT = f"{sys.version_info.major}.{sys.version_info.minor}"
DEFAULT = CURRENT if CURRENT in PYTHONS else PYTHONS[-1]
nox.options.sessions = [f"tests-{DEFAULT}(highest)", "nojit", "coverage", "lint", "typing"]

PROJECT = nox.project.load_toml("pyproject.toml")
#: What `dependencies` in pyproject.toml allows at least, except where a Python needs a later release.
LOWEST = {item.split(">=")[0]: item.split(">=")[1] for item in PROJECT["project"]["dependencies"]}
LOWEST_OF_PYTHON = {
    "3.13": {"numpy": "2.1.0", "scipy": "1.14.1", "pandas": "2.2.3", "matplotlib": "3.9.2"},
    "3.14": {
        "numpy": "2.3.2",
        "scipy": "1.16.1",
        "numba": "0.63.0",
        "pandas": "2.3.3",
        "scikit-learn": "1.7.2",
        "matplotlib": "3.10.5",
    },
}
#: Where the sessions of one run find each other's compiled kernels, new for each run: see `tests/conftest.py`.
KERNELS = tempfile.TemporaryDirectory(prefix="tsrnn-kernels-", ignore_cleanup_errors=True)
#: Without the compiler: the loops themselves, and every estimator once.
NOJIT = ["tests/test_equations.py", "tests/test_kernels.py", "tests/test_networks.py", "tests/test_smoke.py"]


def install(session: nox.Session, *groups: str, lowest: bool = False) -> None:
    """Install the package from here together with dependency groups, and with the oldest dependencies if asked to."""
    versions = LOWEST | LOWEST_OF_PYTHON.get(str(session.python), {}) if lowest else {}
    pins = [f"{name}=={version}" for name, version in versions.items()]
    session.install("-e", ".", *pins, *nox.project.dependency_groups(PROJECT, *groups))


def pytest(session: nox.Session, *arguments: str, **environment: str) -> None:
    """Run pytest with two processes, and with the kernels that this run has compiled for such dependencies."""
    which = "lowest" if "lowest" in session.name else "highest"
    folder = os.environ.get("TSRNN_TEST_CACHE", KERNELS.name)
    environment["TSRNN_TEST_CACHE"] = str(Path(folder, f"{session.python or CURRENT}-{which}"))
    # A file stays in one process, which compiles its kernels once, and files come in the order of the conftest.
    compiles = "NUMBA_DISABLE_JIT" not in environment
    options = ["--dist=loadfile", "--no-loadscope-reorder"] if compiles else ["--dist=worksteal"]
    session.run("python", "-m", "pytest", "--numprocesses=2", *options, *arguments, *session.posargs, env=environment)


def measured(session: nox.Session, *arguments: str, **environment: str) -> None:
    """Run pytest and leave its coverage in a file of this session's, for `coverage` to combine."""
    name = "".join(c if c.isalnum() else "-" for c in session.name).strip("-")
    pytest(session, "--cov", "--cov-report=", *arguments, COVERAGE_FILE=f".coverage.{name}", **environment)


@nox.session(python=PYTHONS)
@nox.parametrize("dependencies", ["highest", "lowest"], ids=["highest", "lowest"])
def tests(session: nox.Session, dependencies: str) -> None:
    """All tests, with the newest or the oldest dependencies."""
    install(session, "test", lowest=dependencies == "lowest")
    session.run("python", "-c", INSTALLED_VERSIONS)
    measured(session)


INSTALLED_VERSIONS = """
from importlib.metadata import distributions
print(*sorted(f"{found.name}=={found.version}" for found in distributions()))
"""


@nox.session
def nojit(session: nox.Session) -> None:
    """The kernels' and a few estimators' tests as plain Python, so that coverage sees into the loops."""
    install(session, "test")
    measured(session, *NOJIT, NUMBA_DISABLE_JIT="1")


@nox.session
def exhaustive(session: nox.Session) -> None:
    """Every combination of those that `tests` samples: all cells, strategies and losses in all that they promise."""
    install(session, "test")
    pytest(session, "-m", "exhaustive")


@nox.session
def coverage(session: nox.Session) -> None:
    """Branch coverage of the sessions that ran before, together: 90 % at least."""
    session.install("coverage>=7.6")
    session.run("coverage", "combine", "--keep")
    session.run("coverage", "report", "--skip-covered", "--show-missing", "--fail-under=90")


@nox.session
def lint(session: nox.Session) -> None:
    """Style: ruff's rules and its formatting."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def typing(session: nox.Session) -> None:
    """Types: mypy."""
    install(session, "typing")
    session.run("mypy")


@nox.session
def sizes(session: nox.Session) -> None:
    """The largest files, functions and constructors: a report, which cannot fail."""
    session.install("-e", ".")
    session.run("python", "-m", "tests.sizes", *session.posargs)


@nox.session
def threads(session: nox.Session) -> None:
    """The same bits under both threading layers, 1 and 2 threads, joblib's backends, many threads and after a fork."""
    install(session, "test")
    pytest(session, "-m", "", "tests/test_threads.py")


#: Where the kernels' promises are tested, for whichever device TSRNN_TEST_DEVICE names.
OF_DEVICE = ["tests/test_cuda.py", "tests/test_kernels.py", "tests/test_decoder.py", "tests/test_networks.py"]
#: The estimators' tests, which run there too, where that does not take hours.
OF_ESTIMATORS = [
    f"tests/test_{name}.py"
    for name in ("smoke", "forecasters", "regressors", "seq2seq", "likelihoods", "covariates", "uncertainty")
]


@nox.session
def cudasim(session: nox.Session) -> None:
    """The CUDA kernels in Numba's simulator, against the oracles: it needs no GPU, and no package for one."""
    install(session, "test")
    environment = {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1", "TSRNN_TEST_DEVICE": "cuda"}
    pytest(session, "-k", "not numpy", *OF_DEVICE, **environment)


@nox.session
def ptx(session: nox.Session) -> None:
    """Compile all CUDA kernels for three generations of GPUs, none of which need be there, and look at the code."""
    session.install("-e", ".[cuda]", *nox.project.dependency_groups(PROJECT, "test", "ptx"))
    session.run("python", "-m", "tests.ptx", *session.posargs)


@nox.session
def machine(session: nox.Session) -> None:
    """Run what is compiled for a GPU on a machine of NumPy's, which notices races and strays; about half an hour.

    Then take barriers out of the kernels, which it must notice.
    """
    session.install("-e", ".[cuda]", *nox.project.dependency_groups(PROJECT, "test"))
    options = ["--numprocesses=2", *(session.posargs or ["tests/test_cuda.py"])]
    session.run("python", "-m", "pytest", *options, env={"TSRNN_TEST_DEVICE": "ptx"})
    session.run("python", "-m", "tests.mutants", "--device", "ptx")


@nox.session
def gpu(session: nox.Session) -> None:
    """Kernels and estimators on a GPU, then small shapes under compute-sanitizer; skipped where there is none."""
    session.install("-e", ".[cuda]", *nox.project.dependency_groups(PROJECT, "test"))
    why = session.run("python", "-c", "import tsrnn.kernels as k; print(k.why_no_cuda())", silent=True)
    if why and why.strip():
        session.skip(why.strip())
    environment = {"TSRNN_TEST_DEVICE": "cuda"}
    session.run("python", "-m", "pytest", "-m", "", *OF_DEVICE, *OF_ESTIMATORS, *session.posargs, env=environment)
    if shutil.which("compute-sanitizer") is None:
        session.skip("the tests have passed; compute-sanitizer of the CUDA toolkit is not on the path")
    for tool in ("memcheck", "racecheck"):
        command = ["compute-sanitizer", "--tool", tool, "--error-exitcode", "1", "python", "-m", "pytest"]
        session.run(*command, "tests/test_cuda.py", env=environment, external=True)


@nox.session
def oracle_torch(session: nox.Session) -> None:
    """The networks against PyTorch, which nothing else here needs.

    It comes by pip: uv does not know pip's settings, which may name a build without the gigabytes for GPUs.
    """
    install(session, "test")
    session.install("pip")
    session.run("python", "-m", "pip", "install", "--no-compile", *nox.project.dependency_groups(PROJECT, "torch"))
    pytest(session, "tests/interop")


@nox.session
def mutants(session: nox.Session) -> None:
    """Single faults put into a copy of the package: each must fit its sources once, and make a test fail."""
    install(session, "test")
    session.run("python", "-m", "tests.mutants", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmarks; what they need and say is in ``tests/benchmarks``."""
    install(session, "test", "bench")
    session.run("python", "-m", "tests.benchmarks", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build sdist and wheel, and run the tests on the installed wheel, away from the sources."""
    folder = Path(session.create_tmp()).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    session.install("build", *nox.project.dependency_groups(PROJECT, "test"))
    session.run("python", "-m", "build", "--outdir", str(folder / "dist"))
    (wheel,) = (folder / "dist").glob("*.whl")
    session.install("--force-reinstall", "--no-deps", str(wheel))
    session.install(str(wheel))
    for name in ("tests", "docs", "datasets"):
        shutil.copytree(name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        shutil.copy(name, folder)
    session.chdir(folder)
    session.run("python", "-c", INSTALLED, str(Path(__file__).parent))
    session.run("python", "-m", "pytest", *session.posargs)


INSTALLED = """
import sys, pathlib, tsrnn
folder = pathlib.Path(tsrnn.__file__).parent
assert pathlib.Path(sys.argv[1]) / "tsrnn" != folder, folder
assert list((folder / "_data").glob("*.csv")), "the wheel carries no data"
assert (folder / "py.typed").exists()
"""
