"""tanh and sigmoid in each precision: errors in NumPy and compiled; derivatives; the names that equations use."""

import ast
import importlib.util
import inspect
import platform
import re
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest

from tsrnn.functions import activations

SCRIPT = Path(__file__).parents[1] / "docs" / "derivations" / "activations.py"
spec = importlib.util.spec_from_file_location("derivation", SCRIPT)
derivation = importlib.util.module_from_spec(spec)
spec.loader.exec_module(derivation)

#: The tests use every so-many-th number that the script measures.
EVERY = 151
#: Where long double is no wider than double, the reference value itself may be wrong by 1 ulp.
TRUTH_ULPS = {np.float32: 0, np.float64: float(np.finfo(np.longdouble).eps == np.finfo(np.float64).eps)}

precision = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def scalar(name, dtype):
    """`activations.<name>` of one precision."""
    return getattr(activations, f"{name}_{dtype.__name__}")


@pytest.fixture(params=["numpy", "compiled"])
def version(request):
    """Converts a scalar function to one of arrays: by NumPy, or compiled as in the kernels."""
    if request.param == "numpy":
        with derivation.taking_arrays(activations):
            yield scalar
    else:
        if pytest.importorskip("numba").config.DISABLE_JIT:
            pytest.skip("NUMBA_DISABLE_JIT is set")
        yield lambda name, dtype: derivation.compiled(scalar(name, dtype))


@precision
def test_tanh_is_within_4_ulp(version, dtype):
    assert derivation.ulps(version("tanh", dtype), dtype, EVERY) <= 4 + TRUTH_ULPS[dtype]


@precision
def test_sigmoid_is_within_2_ulp_of_one(version, dtype):
    assert derivation.ulps_of_one(version("sigmoid", dtype), dtype, EVERY) <= 2


@precision
def test_log_sigmoid_is_within_2_ulp_of_one(version, dtype):
    assert derivation.ulps_of_one(version("log_sigmoid", dtype), dtype, EVERY, log=True) <= 2


@precision
def test_exp_to_one_is_within_2_ulp(version, dtype):
    lowest = np.log(np.finfo(dtype).tiny)
    x = np.concatenate([np.linspace(lowest, 0, 100_001), -np.logspace(-9, 1.9, 10_000)]).astype(dtype)
    truth = np.exp(x.astype(np.longdouble))
    error = np.abs(version("exp_to_one", dtype)(x) - truth) / np.spacing(truth.astype(dtype))
    assert error.max() <= 2 + TRUTH_ULPS[dtype]
    with np.errstate(invalid="ignore"):  # of the NaN, which becomes an integer on the way
        special = version("exp_to_one", dtype)(np.array([np.nan, -np.inf, lowest * 2, 0, -0.0], dtype))
    np.testing.assert_array_equal(special, [np.nan, 0, 0, 1, 1])


def test_tanh_float64_against_mpmath(version):
    x = np.concatenate([np.linspace(0.005, 20, 1500), np.logspace(-300, 1.3, 1500)])
    with mp.workdps(50):
        truth = [mp.tanh(mp.mpf(float(v))) for v in x]
        error = [float(abs(mp.mpf(float(r)) - t)) for r, t in zip(version("tanh", np.float64)(x), truth, strict=True)]
    assert np.max(error / np.spacing([float(t) for t in truth])) <= 4


@precision
def test_tanh_is_odd_and_bounded(version, dtype):
    tanh = version("tanh", dtype)
    for x in derivation.abscissas(dtype, 1009):
        y = tanh(x)
        assert np.all(tanh(-x) == -y)
        assert np.all((y > 0) & (y <= 1))


@precision
def test_special_values(version, dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    x = np.array([np.nan, np.inf, -np.inf, np.finfo(dtype).max, 0, tiny, -3 * tiny, 12345 * tiny], dtype)
    x = np.tile(x, 9)[:-3]  # long enough for the vectorised part of a loop and its remainder
    want = np.where(np.abs(x) > 1, np.sign(x), x)
    # NumPy gives the same bits on all machines; the compiler may fuse multiplications and additions.
    rtol = 0 if version is scalar else 2 * np.finfo(dtype).eps
    np.testing.assert_allclose(version("tanh", dtype)(x), want, rtol=rtol)
    np.testing.assert_allclose(version("sigmoid", dtype)(x), (want + 1) / 2, rtol=rtol, atol=rtol)
    want = np.where(np.abs(x) <= 1, -np.log(2.0), np.minimum(x, 0))
    np.testing.assert_allclose(version("log_sigmoid", dtype)(x), want, rtol=2 * np.finfo(dtype).eps)


@precision
def test_scalars_keep_nan_and_dtype(dtype):
    for name in ("tanh", "sigmoid", "log_sigmoid"):
        function = scalar(name, dtype)
        assert np.isnan(function(dtype(np.nan)))
        for x in (-99, -0.5, 2, 99):
            assert isinstance(function(dtype(x)), dtype if dtype is np.float32 else float)


@precision
def test_compiled_loops_are_vectorised(dtype):
    if pytest.importorskip("numba").config.DISABLE_JIT or platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("needs the compiler, and reads x86 assembly")
    for name in ("tanh", "sigmoid", "log_sigmoid"):
        over = derivation.compiled(scalar(name, dtype))
        over(np.zeros(1, dtype))
        (assembly,) = over.loop.inspect_asm().values()
        assert re.search(r"\bv?divps\b" if dtype is np.float32 else r"\bv?divpd\b", assembly)
        assert not re.search(r"\bv?cvt(ss2sd|ps2pd|sd2ss|pd2ps)\b", assembly)


@precision
def test_the_exponential_is_vectorised(dtype):
    if pytest.importorskip("numba").config.DISABLE_JIT or platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("needs the compiler, and reads x86 assembly")
    over = derivation.compiled(scalar("exp_to_one", dtype))
    over(np.zeros(1, dtype))
    (assembly,) = over.loop.inspect_asm().values()
    assert re.search(r"\bv?mulps\b" if dtype is np.float32 else r"\bv?mulpd\b", assembly)


@precision
def test_coefficients_equal_those_of_the_script(dtype):
    bits = np.finfo(dtype).bits
    assert derivation.coefficients(dtype) == tuple(
        getattr(activations, f"{name}{bits}") for name in ("P", "Q", "CLAMP")
    )
    assert derivation.series(dtype) == getattr(activations, f"A{bits}")


@pytest.mark.parametrize(
    "name",
    [
        "tanh",
        "sigmoid",
        "relu",
        "exp",
        "exp_to_one",
        "log",
        "log1p",
        "softplus",
        "log_sigmoid",
        "sqrt",
        "absolute",
        "sign",
    ],
)
def test_names_keep_the_dtype(name):
    for dtype in (np.float32, np.float64):
        assert getattr(activations, name)(np.ones(3, dtype)).dtype == dtype
        assert getattr(activations, name)(dtype(1)).dtype == dtype


@pytest.mark.parametrize(
    ("name", "derivative"),
    [
        ("tanh", lambda y: 1 - y * y),
        ("sigmoid", lambda y: y * (1 - y)),
        ("exp", lambda y: y),
        ("log_sigmoid", lambda y: 1 - np.exp(y)),
    ],
)
def test_derivative_by_complex_step(name, derivative):
    x, step = np.linspace(-4, 4, 101), 1e-30
    y = getattr(activations, name)(x + step * 1j)
    np.testing.assert_allclose(y.imag / step, derivative(y.real), rtol=1e-12)


def test_names_agree_with_the_versions(version):
    x = np.linspace(-12, 12, 1001)
    for name in ("tanh", "sigmoid", "log_sigmoid"):
        np.testing.assert_allclose(version(name, np.float64)(x), getattr(activations, name)(x), rtol=3e-16, atol=1e-15)
    np.testing.assert_array_equal(activations.relu(np.array([-2.0, 0.0, 3.0])), [0, 0, 3])


def test_module_is_pure_and_branch_free():
    tree = ast.parse(inspect.getsource(activations))
    imports = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports == ["import numpy as np"]
    branches = ast.If, ast.IfExp, ast.For, ast.While, ast.BoolOp, ast.Compare, ast.Try
    assert not [node for node in ast.walk(tree) if isinstance(node, branches)]
