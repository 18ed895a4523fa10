"""Compute the coefficients of `tsrnn.functions.activations`, and measure the errors of its functions.

    python docs/derivations/activations.py

prints the coefficients as they are in the module, then the measured errors. It needs mpmath; every run gives the same
digits.

tanh(x) = 2 t / (1 + t²) with t = tanh(x/2). With t approximated by p/q, this takes one division: 2pq / (p² + q²). With
s = x², p = x (P0 + P1 s + ...) and q = Q0 + Q1 s + .... A relative error e of t gives a relative error e / cosh(x) of
tanh(x) (the derivative of ln tanh(x) with respect to ln t is 1 / cosh(x)). So large x need less precision and few
coefficients are enough. The result tends to 1 from below, because 2pq <= p² + q².
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import ModuleType

import mpmath as mp
import numpy as np

#: The common factor of p and q is arbitrary. Relative rounding errors are smallest for large mantissas: for small x
#: this factor puts those of p/x, q and q² into the upper half of their binades. Of 2, 2.25, ..., 4 it gives the
#: smallest error in both precisions, 1.4 ulp less than 2.
Q0 = 7 / 2
#: For each precision: degrees in s of p/x and q, and the largest |x| that is computed. tanh rounds to 1 from 9.02
#: (float32) and 19.07 (float64) on. At the limits given here, found by trial, the computed value is 1 with and without
#: fused multiply-adds.
FORMS = {np.float32: (2, 3, 9.25), np.float64: (5, 6, 19.625)}

#: Terms of the series of atanh in log_sigmoid, whose error is below half a unit in the last place of log 2.
TERMS = {np.float32: 5, np.float64: 10}
#: Precision of the reference values. (If C's long double is no wider than double, an error may be 1 ulp too large.)
WIDER = {np.float32: np.float64, np.float64: np.longdouble}


def minimax(m: int, n: int, end: float, points: int = 200) -> tuple[list[mp.mpf], list[mp.mpf]]:
    """Coefficients a of p/x and b of q (a0 = 1/2, b0 = 1) that minimise the largest error of tanh on (0, end].

    Remez exchange algorithm (Comptes Rendus 199, 1934, p. 337) on `points` fixed abscissas: the weighted error reaches
    its maximum, with alternating signs, at as many reference points as there are unknowns. The equations for given
    reference points are linear except for the product of error and q, which is solved by iteration.
    """
    x = [end * mp.sin(mp.pi / 2 * i / points) for i in range(1, points + 1)]
    s = [v * v for v in x]
    f = [2 * mp.tanh(v / 2) / v for v in x]  # approximated by 2 (p/x) / q
    slack = [f[i] * mp.cosh(x[i]) for i in range(points)]  # error of f that gives a relative error of 1 in tanh
    size = m + n + 1
    references = [round((points - 1) * (1 - np.cos(np.pi * (j + 0.5) / size)) / 2) for j in range(size)]
    q = [mp.mpf(1)] * points
    for _ in range(30):
        for _ in range(4):
            rows = [
                [s[i] ** (k + 1) for k in range(m)]
                + [-f[i] * s[i] ** (k + 1) for k in range(n)]
                + [(-1) ** j * slack[i] * q[i]]
                for j, i in enumerate(references)
            ]
            *solution, _ = mp.lu_solve(mp.matrix(rows), mp.matrix([f[i] - 1 for i in references]))
            a, b = [mp.mpf(1), *solution[:m]], [mp.mpf(1), *solution[m:]]
            q = [polynomial(b, v) for v in s]
        error = [(polynomial(a, s[i]) / q[i] - f[i]) / slack[i] for i in range(points)]
        runs = [[0]]  # neighbouring points whose errors have one sign
        for i in range(1, points):
            runs.append([i]) if error[i] * error[i - 1] < 0 else runs[-1].append(i)
        peaks = [max(run, key=lambda i: abs(error[i])) for run in runs]
        while len(peaks) > size:
            peaks.pop(0 if abs(error[peaks[0]]) < abs(error[peaks[-1]]) else -1)
        if peaks == references:
            return [v / 2 for v in a], b
        references = peaks
    raise ArithmeticError("the exchange did not converge")


def polynomial(c: list[mp.mpf], x: mp.mpf) -> mp.mpf:
    """c0 + c1 x + ... by Horner's rule; `mpmath.polyval` takes the coefficients in an order that differs by version."""
    value = c[-1]
    for lower in reversed(c[:-1]):
        value = lower + x * value
    return value


def coefficients(dtype: type[np.floating]) -> tuple[tuple, tuple, np.floating]:
    """P, Q and the largest |x| for one precision, rounded to it."""
    m, n, end = FORMS[dtype]
    with mp.workdps(40):
        return *(tuple(dtype(mp.nstr(Q0 * c, 25)) for c in side) for side in minimax(m, n, end)), dtype(end)


def series(dtype: type[np.floating]) -> tuple:
    """Coefficients of atanh(y) / y in s = y² on [0, 1/9], rounded to a precision.

    The polynomial of `TERMS` terms that interpolates at the Chebyshev points of the interval.
    """
    n = TERMS[dtype]
    with mp.workdps(40):
        points = [(1 + mp.cos(mp.pi * (k + mp.mpf(1) / 2) / n)) / 18 for k in range(n)]
        rows = [[s**k for k in range(n)] for s in points]
        values = [mp.atanh(mp.sqrt(s)) / mp.sqrt(s) for s in points]
        return tuple(dtype(mp.nstr(c, 25)) for c in mp.lu_solve(mp.matrix(rows), mp.matrix(values)))


def abscissas(dtype: type[np.floating], every: int = 1) -> Iterator[np.ndarray]:
    """All normal binades up to 32, one array each: every `every`-th float32, or random numbers for float64."""
    rng = np.random.default_rng(0)
    for exponent in range(np.finfo(dtype).minexp, 5):
        if dtype is np.float32:
            first, last = np.array([2.0**exponent, 2.0 ** (exponent + 1)], dtype).view(np.int32)
            yield np.arange(first, last, every, np.int32).view(dtype)
        else:  # below 2**-20 all binades have the same errors
            yield np.ldexp(rng.uniform(1, 2, 2**22 // every if exponent >= -20 else 1000), exponent)


def ulps(tanh: Callable, dtype: type[np.floating], every: int = 1) -> float:
    """Largest error of `tanh`, in units in the last place of the rounded true value."""
    worst = 0.0
    for x in abscissas(dtype, every):
        truth = np.tanh(x.astype(WIDER[dtype]))
        worst = max(worst, np.max(np.abs(tanh(x) - truth) / np.spacing(truth.astype(dtype))))
    return float(worst)


def ulps_of_one(function: Callable, dtype: type[np.floating], every: int = 1, log: bool = False) -> float:
    """Largest error of `function`, sigmoid or its `log`, in units in the last place of 1, or of a larger value."""
    worst = 0.0
    for x in abscissas(dtype, every):
        for y in (x, -x):
            wide = y.astype(WIDER[dtype])
            truth = np.minimum(wide, 0) - np.log1p(np.exp(-np.abs(wide))) if log else 1 / (1 + np.exp(-wide))
            unit = np.spacing(np.maximum(np.abs(truth), 1).astype(dtype))
            worst = max(worst, np.max(np.abs(function(y) - truth) / unit))
    return float(worst)


def compiled(function: Callable) -> Callable:
    """`function` over a 1-D array, compiled with the kernels' options; the compiled loop is its attribute `loop`.

    The sums of an exponential keep their order.
    """
    from numba import njit
    from numba.extending import register_jitable

    from tsrnn.functions import activations

    options = {"fastmath": {"contract", "reassoc", "nsz", "arcp", "afn"}, "error_model": "numpy"}
    for callee in {activations.tanh_float32, activations.tanh_float64} - {function}:
        register_jitable(forceinline=True, **options)(callee)
    ordered = {"fastmath": options["fastmath"] - {"reassoc"}} if function.__name__.startswith("exp_to_one") else {}
    equation = register_jitable(forceinline=True, **options | ordered)(function)

    @njit(**options)
    def loop(x, out):
        for i in range(x.size):
            out[i] = equation(x[i])
        return out

    def over(x: np.ndarray) -> np.ndarray:
        return loop(x, np.empty_like(x))

    over.loop = loop
    return over


@contextlib.contextmanager
def taking_arrays(module: ModuleType) -> Iterator[None]:
    """Let the scalar equations of `module` accept arrays: replace `min` and `max` by NumPy's within the context."""
    module.min, module.max = np.minimum, np.maximum
    try:
        yield
    finally:
        del module.min, module.max


def main() -> None:
    """Print the coefficients and the errors."""
    from tsrnn.functions import activations

    for dtype in FORMS:
        p, q, clamp = coefficients(dtype)
        print(f"{dtype.__name__}: clamp {clamp!s}, then P, Q", *map(str, p), "", *map(str, q), sep="\n    ")
        print("A", *map(str, series(dtype)), sep="\n    ")
        names = ("tanh", "sigmoid", "log_sigmoid")
        functions = [getattr(activations, f"{name}_{dtype.__name__}") for name in names]
        with taking_arrays(activations):
            print(f"NumPy:    {errors(*functions, dtype)}")
        print(f"compiled: {errors(*map(compiled, functions), dtype)}")


def errors(tanh: Callable, sigmoid: Callable, log_sigmoid: Callable, dtype: type[np.floating]) -> str:
    """The greatest error of each function, as text."""
    of_one = ulps_of_one(sigmoid, dtype, 8), ulps_of_one(log_sigmoid, dtype, 8, log=True)
    return f"tanh {ulps(tanh, dtype):.2f} ulp, sigmoid and log_sigmoid {of_one[0]:.2f} and {of_one[1]:.2f} ulp of 1"


if __name__ == "__main__":
    main()
