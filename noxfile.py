# /// script
# dependencies = ["nox[uv]>=2025.2.9"]
# ///
"""Sessions of nox: tests, checks, benchmarks and build, each in its own virtual environment; ``nox -l`` lists them.

``nox`` without arguments runs the sessions that every change has to pass, in a few minutes. Other sessions run by name:
``nox -s tests`` (every Python that is installed, with the oldest and with the newest dependencies), ``nox -s
exhaustive`` (the combinations that plain ``nox`` samples), ``nox -s mutants``. To run one file or one test, use
``python -m pytest tests/test_x.py -k name`` in any environment with the dependency group `test`.

nox installs uv for itself, which creates an environment in seconds; ``nox -db virtualenv`` works without uv.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"  # a Python that is not installed is skipped
nox.options.error_on_missing_interpreters = False

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
CURRENT = f"{sys.version_info.major}.{sys.version_info.minor}"
DEFAULT = CURRENT if CURRENT in PYTHONS else PYTHONS[-1]
nox.options.sessions = [f"tests-{DEFAULT}(highest)", "nojit", "coverage", "lint", "typing"]

PROJECT = nox.project.load_toml("pyproject.toml")
#: The oldest versions that `dependencies` in pyproject.toml allows, except where a Python needs a later release.
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
#: Cache of compiled kernels, shared by the sessions of one run and new for each run: see `tests/conftest.py`.
KERNELS = tempfile.TemporaryDirectory(prefix="tsrnn-kernels-", ignore_cleanup_errors=True)
#: Tests that run without the compiler: the loops, and every estimator once.
NOJIT = ["tests/test_equations.py", "tests/test_kernels.py", "tests/test_networks.py", "tests/test_smoke.py"]


def install(session: nox.Session, *groups: str, lowest: bool = False) -> None:
    """Install the package from the sources, with dependency groups; `lowest`: with the oldest allowed dependencies."""
    versions = LOWEST | LOWEST_OF_PYTHON.get(str(session.python), {}) if lowest else {}
    pins = [f"{name}=={version}" for name, version in versions.items()]
    session.install("-e", ".", *pins, *nox.project.dependency_groups(PROJECT, *groups))


def pytest(session: nox.Session, *arguments: str, **environment: str) -> None:
    """Run pytest with two processes and this run's cache of kernels, one for each Python and set of dependencies."""
    which = "lowest" if "lowest" in session.name else "highest"
    folder = os.environ.get("TSRNN_TEST_CACHE", KERNELS.name)
    environment["TSRNN_TEST_CACHE"] = str(Path(folder, f"{session.python or CURRENT}-{which}"))
    # All tests of a file run in one process, which compiles their kernels once; the conftest orders the files.
    compiles = "NUMBA_DISABLE_JIT" not in environment
    options = ["--dist=loadfile", "--no-loadscope-reorder"] if compiles else ["--dist=worksteal"]
    session.run("python", "-m", "pytest", "--numprocesses=2", *options, *arguments, *session.posargs, env=environment)


def measured(session: nox.Session, *arguments: str, **environment: str) -> None:
    """Run pytest and write its coverage to a file of this session; the session `coverage` combines the files."""
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
    """Tests of kernels and a few estimators as plain Python, so that coverage includes the loops."""
    install(session, "test")
    measured(session, *NOJIT, NUMBA_DISABLE_JIT="1")


@nox.session
def exhaustive(session: nox.Session) -> None:
    """All combinations of cell, strategy and loss; the session `tests` runs a sample of them."""
    install(session, "test")
    pytest(session, "-m", "exhaustive")


@nox.session
def coverage(session: nox.Session) -> None:
    """Check that the branch coverage of the earlier sessions together is at least 90 %."""
    session.install("coverage>=7.6")
    session.run("coverage", "combine", "--keep")
    session.run("coverage", "report", "--skip-covered", "--show-missing", "--fail-under=90")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting with ruff."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def typing(session: nox.Session) -> None:
    """Check types with mypy."""
    install(session, "typing")
    session.run("mypy")


@nox.session
def sizes(session: nox.Session) -> None:
    """Report the largest files, functions and constructors; never fails."""
    session.install("-e", ".")
    session.run("python", "-m", "tests.sizes", *session.posargs)


@nox.session
def debug(session: nox.Session) -> None:
    """Check every view of compiled code against its array's bounds, in the tests of kernels and decoders."""
    install(session, "test")
    pytest(session, "tests/test_kernels.py", "tests/test_decoder.py", TSRNN_DEBUG="1")


@nox.session
def threads(session: nox.Session) -> None:
    """Compare bits over both threading layers, 1 and 2 threads, joblib's backends, many Python threads and a fork."""
    install(session, "test")
    pytest(session, "-m", "", "tests/test_threads.py")


#: Tests of kernels and networks on the device that TSRNN_TEST_DEVICE names.
OF_DEVICE = ["tests/test_cuda.py", "tests/test_kernels.py", "tests/test_decoder.py", "tests/test_networks.py"]
#: Tests of estimators that also run on a GPU, but not in the simulator, where they would take hours.
OF_ESTIMATORS = [
    f"tests/test_{name}.py"
    for name in (
        "smoke",
        "forecasters",
        "regressors",
        "classifiers",
        "lengths",
        "seq2seq",
        "likelihoods",
        "covariates",
        "uncertainty",
    )
]


@nox.session
def cudasim(session: nox.Session) -> None:
    """Compare the CUDA kernels with the oracles in Numba's simulator; needs neither a GPU nor numba-cuda."""
    install(session, "test")
    environment = {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1", "TSRNN_TEST_DEVICE": "cuda"}
    pytest(session, "-k", "not numpy", *OF_DEVICE, **environment)


@nox.session
def ptx(session: nox.Session) -> None:
    """Compile all CUDA kernels for three generations of GPUs and check the code; needs no GPU."""
    session.install("-e", ".[cuda]", *nox.project.dependency_groups(PROJECT, "test", "ptx"))
    session.run("python", "-m", "tests.ptx", *session.posargs)


@nox.session
def machine(session: nox.Session) -> None:
    """Run the compiled PTX in an interpreter that finds races and stray memory access; takes about half an hour.

    Then remove barriers from the kernels; the interpreter has to find each missing one.
    """
    session.install("-e", ".[cuda]", *nox.project.dependency_groups(PROJECT, "test"))
    options = ["--numprocesses=2", *(session.posargs or ["tests/test_cuda.py"])]
    session.run("python", "-m", "pytest", *options, env={"TSRNN_TEST_DEVICE": "ptx"})
    session.run("python", "-m", "tests.mutants", "--device", "ptx")


@nox.session
def gpu(session: nox.Session) -> None:
    """Test kernels and estimators on a GPU, then small shapes under compute-sanitizer; skipped without a GPU."""
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
    """Compare the networks with PyTorch and BLEU with sacrebleu, which only this session and the benchmarks need.

    pip installs PyTorch, because uv does not read pip's settings, which may name a build without the GPU libraries.
    """
    install(session, "test")
    session.install("pip")
    session.run("python", "-m", "pip", "install", "--no-compile", *nox.project.dependency_groups(PROJECT, "torch"))
    pytest(session, "tests/interop")


@nox.session
def mutants(session: nox.Session) -> None:
    """Put single faults into a copy of the package; each must match one place and make a test fail."""
    install(session, "test")
    session.run("python", "-m", "tests.mutants", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Run the benchmarks; ``tests/benchmarks`` describes them and their requirements."""
    install(session, "test", "bench")
    session.run("python", "-m", "tests.benchmarks", *session.posargs)


@nox.session
def peers(session: nox.Session) -> None:
    """Time the same jobs in neuralforecast and darts; the argument is the folder of ``tests.benchmarks.accuracy``.

    pip installs the peers, for the reason that `oracle_torch` gives.
    """
    install(session)
    session.install("pip")
    session.run("python", "-m", "pip", "install", "--no-compile", *nox.project.dependency_groups(PROJECT, "peers"))
    session.run("python", "-m", "tests.benchmarks.peers", *session.posargs)


@nox.session
def accuracy(session: nox.Session) -> None:
    """Errors on single series and panels, beside statsforecast, on one thread: FOLDER --write docs/accuracy; hours.

    FOLDER holds what `tests.benchmarks.series`, `accuracy` and `ett` read; options that all three have may follow. Each
    run is kept, so the same command goes on where it was stopped.
    """
    install(session, "accuracy")
    keep = str(Path(session.cache_dir, "accuracy").resolve())
    threads = dict.fromkeys(["NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], "1")
    for name in ("series", "accuracy", "ett"):
        command = ["python", "-m", f"tests.benchmarks.{name}", "--keep", keep, *session.posargs]
        session.run(*command, env=threads)


@nox.session
def build(session: nox.Session) -> None:
    """Build sdist and wheel, and run the tests on the installed wheel, without the sources."""
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
