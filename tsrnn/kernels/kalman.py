"""The linear-Gaussian state-space model over time: Kalman filter and smoother, in float64.

    z_t = A z_{t-1} + a_t + w_t,  w ~ N(0, Q)          z_1 ~ N(m0, P0)
    y_t = C z_t + b_t + v_t,      v ~ N(0, diag(R))

for n states and m series over T steps; a (T, n) and b (T, m) are the effects of covariates, a[0] is not read. The
measurement update goes through the values of a step one by one, which is exact because their noises are independent: a
missing value is left out, and no matrix is inverted (Durbin & Koopman 2012, Time Series Analysis by State Space
Methods, ch. 6.4). Covariances are updated in Joseph's form, which keeps them positive.

Where every value is observed, covariances and gains converge to a steady state (Anderson & Moore 1979, Optimal
Filtering, ch. 4.4). So covariances are rows of a table, and `at` (T,) has the row of each step: a step in the steady
state has the row of the step before it, costs n² rather than n³ operations, and writes no row. Rows that belong to no
step are never written.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from ..parts.operations import copy, inlined, matrix, vector, zero
from .jit import entry

#: A pivot below this fraction of the largest variance is rounding: its direction has no variance.
NO_VARIANCE = 1e-14
#: A covariance is steady if it changes by less than this fraction of its largest variance.
STEADY = 1e-13


@functools.cache
def build_filter() -> Callable:
    """Compile `kalman_filter`: the distribution of the states at each step given the values up to it."""

    @entry("kalman_filter")
    def kalman_filter(y, observed, a, b, A, C, Q, R, m0, P0, z_predicted, P_predicted, z, P, at, scratch):
        """Return the log-likelihood, NaN where a variance is not positive, and fill the five arrays before `scratch`.

        z_predicted (T, n): means given the values of earlier steps, P_predicted (T, n, n): table of their covariances;
        z, P: the same given the values of the step too (filtered); at (T,): the row of each step in both tables;
        scratch (n + n n + m n + 2 m,).
        """
        T, m = y.shape
        n = A.shape[0]
        left, product = vector(scratch, 0, n), matrix(scratch, n, n, n)
        gains, used = matrix(scratch, n + n * n, m, n), n + n * n + m * n
        variances, logs, size = vector(scratch, used, m), vector(scratch, used + m, m), n * n
        loglike, steady, complete, k = 0.0, False, False, -1
        for t in range(T):
            was_complete, complete = complete, True
            for c in range(m):
                complete = complete and observed[t, c]
            steady = steady and complete
            if t == 0:
                copy(z[0], m0)
            else:
                predict_mean(A, vector(a, t * n, n), vector(z, (t - 1) * n, n), vector(z, t * n, n))
            copy(vector(z_predicted, t * n, n), vector(z, t * n, n))
            if not steady:
                k += 1
                if t == 0:
                    copy(vector(P, 0, size), vector(P0, 0, size))
                else:
                    predict_covariance(A, Q, P[k - 1], P[k], product)
                copy(vector(P_predicted, k * size, size), vector(P, k * size, size))
                for c in range(m):
                    if observed[t, c]:
                        variances[c] = R[c] + find_gain(C[c], P[k], gains[c])
                        if not variances[c] > 0:
                            return np.nan
                        logs[c] = np.log(2 * np.pi * variances[c])
                        scale(gains[c], 1 / variances[c])
                        update_covariance(C[c], R[c], P[k], gains[c], left)
                steady = complete and was_complete and is_steady(P_predicted[k], P_predicted[k - 1])
            at[t] = k
            for c in range(m):
                if observed[t, c]:
                    error = y[t, c] - b[t, c] - dot(vector(C, c * n, n), vector(z, t * n, n))
                    loglike -= 0.5 * (logs[c] + error * error / variances[c])
                    for i in range(n):
                        z[t, i] += gains[c, i] * error
        return loglike

    return kalman_filter


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
def is_steady(P, previous):
    """Whether a covariance equals the previous one but for rounding."""
    largest, change = 0.0, 0.0
    for i in range(P.shape[0]):
        largest = max(largest, P[i, i])
        for j in range(i + 1):
            change = max(change, abs(P[i, j] - previous[i, j]))
    return change <= STEADY * largest


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
    """gain = P c; return c' P c, the variance of the value without its own noise."""
    variance = 0.0
    for i in range(c.size):
        gain[i] = dot(P[i], c)
        variance += c[i] * gain[i]
    return variance


@inlined
def update_covariance(c, r, P, gain, left):
    """Measurement update by one scalar, Joseph form: P = (I - k c') P (I - k c')' + r k k', with the gain k."""
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
    """Compile `kalman_smoother`: the distribution of the states at each step given the values of all steps."""

    @entry("kalman_smoother")
    def kalman_smoother(A, Q, z_predicted, P_predicted, z, P, at, z_smoothed, P_smoothed, P_lag, at_smoothed, scratch):
        """Fill the four arrays before `scratch` from those of the filter.

        z_smoothed (T, n): means given all values; P_smoothed (T, n, n): table of their covariances, at_smoothed (T,)
        its row of each step; P_lag[at_smoothed[t]] = Cov(z_{t+1}, z_t), a table with the same rows. Rauch, Tung &
        Striebel (1965), doi:10.2514/3.3166, with the covariance in Joseph's form; scratch (5 n n,).
        """
        T, n = z.shape
        size = n * n
        root, J = matrix(scratch, 0, n, n), matrix(scratch, size, n, n)
        fixed, one, other = (
            matrix(scratch, 2 * size, n, n), matrix(scratch, 3 * size, n, n), matrix(scratch, 4 * size, n, n)
        )  # fmt: skip
        copy(vector(z_smoothed, (T - 1) * n, n), vector(z, (T - 1) * n, n))
        copy(vector(P_smoothed, 0, size), vector(P, at[T - 1] * size, size))
        zero(vector(P_lag, 0, size))
        at_smoothed[T - 1] = k = 0
        steady = False
        for back in range(T - 1):
            t = T - 2 - back
            is_new_gain = back == 0 or at[t] != at[t + 1] or at[t + 1] != at[t + 2]
            if is_new_gain:
                factorise(P_predicted[at[t + 1]], root)
                for i in range(n):  # J' = P_predicted^-1 A P
                    for j in range(n):
                        one[i, j] = dot(A[i], P[at[t], j])
                solve(root, one)
                for i in range(n):
                    for j in range(n):
                        J[i, j] = one[j, i]
                smooth_fixed(A, Q, J, P[at[t]], fixed, one, other)
            smooth_mean(J, z[t], z_predicted[t + 1], z_smoothed[t + 1], z_smoothed[t])
            steady = steady and not is_new_gain
            if not steady:
                k += 1
                smooth_covariance(J, fixed, P_smoothed[k - 1], P_smoothed[k], P_lag[k])
                steady = not is_new_gain and is_steady(P_smoothed[k], P_smoothed[k - 1])
            at_smoothed[t] = k

    return kalman_smoother


def smooth_mean(J, z, z_predicted_next, z_smoothed_next, z_smoothed):
    """z_smoothed = z + J (z_smoothed_next - z_predicted_next), all (n,)."""
    n = z.size
    for i in range(n):
        total = z[i]
        for j in range(n):
            total += J[i, j] * (z_smoothed_next[j] - z_predicted_next[j])
        z_smoothed[i] = total


@inlined
def smooth_fixed(A, Q, J, P, fixed, one, other):
    """fixed = (I - J A) P (I - J A)' + J Q J': the part of a smoothed covariance that depends on the gain alone."""
    n = A.shape[0]
    for i in range(n):  # other = I - J A
        for j in range(n):
            other[i, j] = 1.0 if i == j else 0.0
        for k in range(n):
            for j in range(n):
                other[i, j] -= J[i, k] * A[k, j]
    for i in range(n):
        for j in range(n):
            one[i, j] = dot(other[i], P[j])
    for i in range(n):
        for j in range(i + 1):
            fixed[i, j] = dot(one[i], other[j])
    for i in range(n):
        for j in range(n):
            one[i, j] = dot(J[i], Q[j])
    for i in range(n):
        for j in range(i + 1):
            fixed[i, j] += dot(one[i], J[j])


@inlined
def smooth_covariance(J, fixed, P_next, P, lag):
    """lag = P_next J' and P = fixed + J P_next J', where P_next is the smoothed covariance of the next step."""
    n = J.shape[0]
    for i in range(n):
        for j in range(n):
            lag[i, j] = dot(P_next[i], J[j])
    for i in range(n):
        for j in range(i + 1):
            total = fixed[i, j]
            for k in range(n):
                total += J[i, k] * lag[k, j]
            P[i, j] = P[j, i] = total


@inlined
def factorise(P, root):
    """Cholesky factor of P: lower triangular root with root root' = P, whose diagonal holds reciprocals.

    A column and its reciprocal are zero where a direction has no variance.
    """
    n = P.shape[0]
    largest = 0.0
    for i in range(n):
        largest = max(largest, P[i, i])
    for j in range(n):
        pivot = P[j, j]
        for k in range(j):
            pivot -= root[j, k] * root[j, k]
        inverse = 1 / np.sqrt(pivot) if pivot > NO_VARIANCE * largest else 0.0
        for i in range(j + 1, n):
            total = P[i, j]
            for k in range(j):
                total -= root[i, k] * root[j, k]
            root[i, j] = total * inverse
        root[j, j] = inverse


@inlined
def solve(root, X):
    """X = P^-1 X for P = root root', (n, n) in place; 0 in a direction without variance."""
    n = X.shape[0]
    for i in range(n):
        for k in range(i):
            for j in range(n):
                X[i, j] -= root[i, k] * X[k, j]
        for j in range(n):
            X[i, j] *= root[i, i]
    for back in range(n):
        i = n - 1 - back
        for k in range(i + 1, n):
            for j in range(n):
                X[i, j] -= root[k, i] * X[k, j]
        for j in range(n):
            X[i, j] *= root[i, i]
