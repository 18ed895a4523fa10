"""The linear-Gaussian state-space model over time: Kalman filter and smoother, in float64.

    z_t = A z_{t-1} + a_t + w_t,  w ~ N(0, Q)          z_1 ~ N(m0, P0)
    y_t = C z_t + b_t + v_t,      v ~ N(0, diag(R))

for n states and m series over T steps; a (T, n) and b (T, m) hold what is known beside the states, a[0] is not read.
The values of a step are taken in one by one, which is exact because their noises are independent: a missing one is left
out, and no matrix is inverted (Durbin & Koopman 2012, Time Series Analysis by State Space Methods, ch. 6.4).
Covariances are updated in Joseph's form, which keeps them positive.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from .jit import entry, fingerprint, inlined, loop
from .lanes import copy
from .views import matrix, vector

#: A pivot below this part of the largest one is rounding: its direction has no variance.
NO_VARIANCE = 1e-14
#: A covariance that changes by less than this part of its largest variance stays as it is.
AT_REST = 1e-15


@functools.cache
def build_filter() -> Callable:
    """`kalman_filter`: what each step says of the states, given what came before it."""
    stamp = fingerprint()

    @entry("kalman_filter")
    def kalman_filter(y, observed, a, b, A, C, Q, R, m0, P0, z_before, P_before, z, P, scratch):
        """The log-likelihood; NaN where a variance is not positive.

        z_before (T, n), P_before (T, n, n) take mean and covariance before a step's values, z and P after them; scratch
        (n + n n + m n + 2 m,).
        """
        stamp  # noqa: B018
        T, m = y.shape
        n = A.shape[0]
        left, product = vector(scratch, 0, n), matrix(scratch, n, n, n)
        gains, used = matrix(scratch, n + n * n, m, n), n + n * n + m * n
        variances, logs, size = vector(scratch, used, m), vector(scratch, used + m, m), n * n
        loglike, steady, complete = 0.0, False, False
        for t in range(T):
            complete_before, complete = complete, True
            for c in range(m):
                complete = complete and observed[t, c]
            steady = steady and complete  # where every step is complete, covariances and gains come to rest
            if t == 0:
                copy(z[0], m0)
                copy(vector(P, 0, size), vector(P0, 0, size))
            else:
                predict_mean(A, vector(a, t * n, n), vector(z, (t - 1) * n, n), vector(z, t * n, n))
                if steady:
                    copy(vector(P, t * size, size), vector(P, (t - 1) * size, size))
                    copy(vector(P_before, t * size, size), vector(P_before, (t - 1) * size, size))
                else:
                    predict_covariance(A, Q, P[t - 1], P[t], product)
            copy(vector(z_before, t * n, n), vector(z, t * n, n))
            if not steady:
                copy(vector(P_before, t * size, size), vector(P, t * size, size))
                for c in range(m):
                    if observed[t, c]:
                        variances[c] = R[c] + find_gain(C[c], P[t], gains[c])
                        if not variances[c] > 0:
                            return np.nan
                        logs[c] = np.log(2 * np.pi * variances[c])
                        scale(gains[c], 1 / variances[c])
                        take_in(C[c], R[c], P[t], gains[c], left)
                steady = complete and complete_before and same(P_before[t], P_before[t - 1])
            for c in range(m):
                if observed[t, c]:
                    error = y[t, c] - b[t, c] - dot(vector(C, c * n, n), vector(z, t * n, n))
                    loglike -= 0.5 * (logs[c] + error * error / variances[c])
                    for i in range(n):
                        z[t, i] += gains[c, i] * error
        return loglike

    return kalman_filter


@loop
def dot(x, y):
    """x . y, both (n,)."""
    total = 0.0
    for i in range(x.size):
        total += x[i] * y[i]
    return total


@inlined
def scale(x, factor):
    """x *= factor."""
    for i in range(x.size):
        x[i] *= factor


@inlined
def same(P, before):
    """Whether a covariance has come to rest, to rounding."""
    largest, change = 0.0, 0.0
    for i in range(P.shape[0]):
        largest = max(largest, P[i, i])
        for j in range(i + 1):
            change = max(change, abs(P[i, j] - before[i, j]))
    return change <= AT_REST * largest


@loop
def predict_mean(A, a, z, z_next):
    """z_next = A z + a."""
    n = z.size
    for i in range(n):
        z_next[i] = a[i] + dot(vector(A, i * n, n), z)


@inlined
def predict_covariance(A, Q, P, P_next, product):
    """P_next = A P A' + Q."""
    n = A.shape[0]
    for i in range(n):
        for j in range(n):
            product[i, j] = dot(A[i], P[j])  # P is symmetric
    for i in range(n):
        for j in range(i + 1):
            P_next[i, j] = P_next[j, i] = dot(product[i], A[j]) + Q[i, j]


@inlined
def find_gain(c, P, gain):
    """gain = P c; returned is c' P c."""
    variance = 0.0
    for i in range(c.size):
        gain[i] = dot(P[i], c)
        variance += c[i] * gain[i]
    return variance


@inlined
def take_in(c, r, P, gain, left):
    """What one value tells of the states: P = (I - k c') P (I - k c')' + r k k', with the gain k."""
    n = c.size
    for i in range(n):
        left[i] = dot(P[i], c)
    for i in range(n):
        for j in range(n):
            P[i, j] -= gain[i] * left[j]
    for i in range(n):
        left[i] = dot(P[i], c)
    for i in range(n):
        for j in range(n):
            P[i, j] += (r * gain[i] - left[i]) * gain[j]
    for i in range(n):
        for j in range(i):
            P[i, j] = P[j, i] = 0.5 * (P[i, j] + P[j, i])


@functools.cache
def build_smoother() -> Callable:
    """`kalman_smoother`: what all steps say of the states."""
    stamp = fingerprint()

    @entry("kalman_smoother")
    def kalman_smoother(A, Q, z_before, P_before, z, P, z_all, P_all, lag, scratch):
        """z_all (T, n), P_all (T, n, n): mean and covariance given all values; lag[t] = Cov(z_t, z_{t-1}), (T, n, n).

        Rauch, Tung & Striebel (1965), doi:10.2514/3.3166, with the covariance in Joseph's form; scratch (4 n n,).
        """
        stamp  # noqa: B018
        T, n = z.shape
        size = n * n
        root, J = matrix(scratch, 0, n, n), matrix(scratch, size, n, n)
        one, other = matrix(scratch, 2 * size, n, n), matrix(scratch, 3 * size, n, n)
        for i in range(n):
            z_all[T - 1, i] = z[T - 1, i]
            for j in range(n):
                P_all[T - 1, i, j] = P[T - 1, i, j]
                lag[0, i, j] = 0
        for back in range(T - 1):
            t = T - 2 - back
            factorise(P_before[t + 1], root)
            for i in range(n):  # row i of J = P A' P_before^-1
                for j in range(n):
                    J[i, j] = dot(A[j], P[t, i])
                solve_row(root, J[i])
            for i in range(n):
                z_all[t, i] = z[t, i]
                for j in range(n):
                    z_all[t, i] += J[i, j] * (z_all[t + 1, j] - z_before[t + 1, j])
                    lag[t + 1, j, i] = dot(P_all[t + 1, j], J[i])
            for i in range(n):  # one = (I - J A) P, other = I - J A
                for j in range(n):
                    total = 1.0 if i == j else 0.0
                    for k in range(n):
                        total -= J[i, k] * A[k, j]
                    other[i, j] = total
            for i in range(n):
                for j in range(n):
                    one[i, j] = dot(other[i], P[t, j])
            for i in range(n):
                for j in range(n):
                    P_all[t, i, j] = dot(one[i], other[j])
            for i in range(n):  # one = J (P_all + Q)
                for j in range(n):
                    total = 0.0
                    for k in range(n):
                        total += J[i, k] * (P_all[t + 1, k, j] + Q[k, j])
                    one[i, j] = total
            for i in range(n):
                for j in range(i + 1):
                    value = 0.5 * (P_all[t, i, j] + P_all[t, j, i]) + dot(one[i], J[j])
                    P_all[t, i, j] = P_all[t, j, i] = value

    return kalman_smoother


@inlined
def factorise(P, root):
    """Lower triangular `root` with root root' = P; a column is zero where a direction has no variance."""
    n = P.shape[0]
    largest = 0.0
    for i in range(n):
        largest = max(largest, P[i, i])
    for j in range(n):
        pivot = P[j, j]
        for k in range(j):
            pivot -= root[j, k] * root[j, k]
        inverse = 1 / np.sqrt(pivot) if pivot > NO_VARIANCE * largest else 0.0
        for i in range(n):
            total = P[i, j]
            for k in range(j):
                total -= root[i, k] * root[j, k]
            root[i, j] = total * inverse if i >= j else 0.0


@inlined
def solve_row(root, x):
    """x = x P^-1 for P = root root', (n,) in place; 0 in a direction without variance."""
    n = x.size
    for i in range(n):
        total = x[i]
        for k in range(i):
            total -= root[i, k] * x[k]
        x[i] = total / root[i, i] if root[i, i] > 0 else 0.0
    for back in range(n):
        i = n - 1 - back
        total = x[i]
        for k in range(i + 1, n):
            total -= root[k, i] * x[k]
        x[i] = total / root[i, i] if root[i, i] > 0 else 0.0
