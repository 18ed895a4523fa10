"""Where the coefficients of `tsrnn.equations.activations` come from, and how far its tanh and sigmoid are from the truth.

    python docs/derivations/activations.py

prints the coefficients as they stand in the module, then the measured errors. Needs mpmath; the same digits every run.

The form is tanh(x) = 2 t / (1 + t²) with t = tanh(x/2) = p/q, hence one division: 2pq / (p² + q²). With s = x²,
p = x (P0 + P1 s + ...) and q = Q0 + Q1 s + .... A relative error of t becomes one of tanh(x) divided by cosh(x) (the
derivative of ln tanh(x) by ln t), so the fit may be loose where x is large: few coefficients go a long way, and the
result tends to 1 from below, for 2pq <= p² + q².
"""

from __future__ import annotations

import mpmath as mp
import numpy as np

#: p and q have a free common factor. With Q0 just below 4 (and q² below 16) the mantissas of p/x, q, q² and p² + q² for
#: small x lie towards the upper end of their binades, where a rounding is relatively smallest. The error of 29/8 was the
#: least among the eighths between 2 and 4, in both precisions; with Q0 = 2 it is 1.5 ulp more.
Q0 = 29 / 8
#: Of each precision: degrees in s of p/x and q, and the clamp, a little after the first x whose tanh rounds to 1.
FORMS = {np.float32: (2, 3, 9.125), np.float64: (5, 6, 19.125)}


def minimax(m: int, n: int, end: float, points: int = 200) -> tuple[list[mp.mpf], list[mp.mpf]]:
    """Coefficients a of p/x, b of q (a0 = 1/2, b0 = 1) with the least greatest error of tanh on (0, end].

    Remez' exchange (Comptes Rendus 199, 1934, p. 337) on `points` fixed abscissas: the weighted error takes its greatest
    size, with alternating signs, at as many references as there are unknowns. The equations for given references are
    linear but for the error times q, which is solved by repetition.
    """
    x = [end * mp.sin(mp.pi / 2 * i / points) for i in range(1, points + 1)]
    s = [v * v for v in x]
    f = [2 * mp.tanh(v / 2) / v for v in x]  # what 2 (p/x) / q approximates
    slack = [f[i] * mp.cosh(x[i]) for i in range(points)]  # the error allowed in it, for one of 1 in tanh
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
            q = [mp.polyval(b[::-1], v) for v in s]
        error = [(mp.polyval(a[::-1], s[i]) / q[i] - f[i]) / slack[i] for i in range(points)]
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


def coefficients(dtype: type[np.floating]) -> tuple[tuple, tuple, np.floating]:
    """P, Q and the clamp of one precision, rounded to it."""
    m, n, end = FORMS[dtype]
    with mp.workdps(40):
        return *(tuple(dtype(mp.nstr(Q0 * c, 25)) for c in side) for side in minimax(m, n, end)), dtype(end)


def abscissas(dtype: type[np.floating], every: int = 1) -> np.ndarray:
    """Every `every`-th float32 in [2**-126, 16); for float64 as many numbers, even and even in the logarithm."""
    if dtype is np.float32:
        first, last = np.array([2.0**-126, 16], np.float32).view(np.int32)
        return np.arange(first, last, every, np.int32).view(np.float32)
    rng, n = np.random.default_rng(0), 10_000_000 // every
    return np.concatenate([rng.uniform(0, 20, n), 10 ** rng.uniform(-3, 1.3, n), 10 ** rng.uniform(-307, 0, n // 10)])


def ulps(result: np.ndarray, x: np.ndarray) -> float:
    """The greatest distance of `result` from tanh(x), in units in the last place of the rounded tanh(x)."""
    worst = 0.0
    for part in range(0, x.size, 1 << 20):  # pieces that fit the processor's cache
        r, v = result[part : part + (1 << 20)], x[part : part + (1 << 20)]
        truth = np.tanh(v.astype(np.float64 if x.dtype == np.float32 else np.longdouble))
        worst = max(worst, float(np.max(np.abs(r - truth) / np.spacing(truth.astype(x.dtype)))))
    return worst


def ulps_of_one(result: np.ndarray, x: np.ndarray) -> float:
    """The greatest distance of `result` from sigmoid(x), in units of ``np.spacing(dtype(1))``."""
    wide = x.astype(np.float64 if x.dtype == np.float32 else np.longdouble)
    return float(np.max(np.abs(result - 1 / (1 + np.exp(-wide))))) / float(np.finfo(x.dtype).eps)


def compiled(function):
    """`function` over an array, compiled as the kernels compile it."""
    from numba import njit
    from numba.extending import register_jitable

    options = dict(fastmath={"contract", "reassoc", "nsz", "arcp", "afn"}, error_model="numpy")
    equation = register_jitable(forceinline=True, **options)(function)

    @njit(**options)
    def loop(x, out):
        for i in range(x.size):
            out[i] = equation(x[i])
        return out

    return lambda x: loop(x, np.empty_like(x))


def main() -> None:
    """Print the coefficients and the errors."""
    from tsrnn.equations import activations

    activations.min, activations.max = np.minimum, np.maximum  # the scalar equations now take arrays
    for dtype in FORMS:
        p, q, clamp = coefficients(dtype)
        print(f"{dtype.__name__}: clamp {clamp!s}", "P", *map(str, p), "Q", *map(str, q), sep="\n  ")
        tanh, sigmoid = (getattr(activations, f"{name}_{dtype.__name__}") for name in ("tanh", "sigmoid"))
        x = abscissas(dtype)
        print(f"  tanh, plain     {ulps(tanh(x), x):.2f} ulp")
        y = np.concatenate([x[::8], -x[::8]])
        print(f"  sigmoid, plain  {ulps_of_one(sigmoid(y), y):.2f} ulp of 1")
    del activations.min, activations.max
    activations = __import__("importlib").reload(activations)
    for dtype in FORMS:
        tanh, sigmoid = (getattr(activations, f"{name}_{dtype.__name__}") for name in ("tanh", "sigmoid"))
        x = abscissas(dtype)
        y = np.concatenate([x[::8], -x[::8]])
        print(f"{dtype.__name__}, compiled: {ulps(compiled(tanh)(x), x):.2f} ulp, "
              f"sigmoid {ulps_of_one(compiled(sigmoid)(y), y):.2f} ulp of 1")


if __name__ == "__main__":
    main()
