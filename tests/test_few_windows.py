"""Fits with few windows: the warning, its suggestions, and a linear start that repeats the last value."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn import Direct, EarlyStopping, GRUForecaster, LSTMForecaster
from tsrnn.data.windows import Geometry
from tsrnn.exceptions import FewWindowsWarning
from tsrnn.training.ridge import PENALTIES, ridge_start

from .problems import one_series

QUICK = {"max_epochs": 3, "hidden_size": 4, "random_state": 0}


def trend(n, noise=1.0, seed=0):
    return 100 + 2 * np.arange(n) + noise * np.random.default_rng(seed).normal(size=n)


def error(y, n, **options):
    """Mean absolute errors of the forecast after the first n values, and of repeating the last value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewWindowsWarning)
        fitted = LSTMForecaster(horizon=len(y) - n, random_state=0, **options).fit(y[:n])
    return np.abs(fitted.predict() - y[n:]).mean(), np.abs(y[n - 1] - y[n:]).mean()


# ------------------------------------------------------------ accuracy
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noise", [0.0, 1.0, 3.0])
def test_a_short_trend_is_continued(noise, seed):
    ours, last = error(trend(26, noise, seed), 14)
    assert ours < 0.6 * last


@pytest.mark.parametrize("n", [13, 16, 18])
def test_other_short_trends(n):
    ours, last = error(trend(n + 12, 1.0), n)
    assert ours < last


def test_two_columns_and_one_step():
    y = np.column_stack([trend(26), -5 * trend(26, seed=1)])
    ours, last = error(y, 14)
    assert ours < 0.3 * last
    assert error(trend(15), 14)[0] < 3


def test_a_short_season():
    y = 10 * np.sin(np.arange(38) * np.pi / 6) + np.random.default_rng(0).normal(size=38)
    ours, last = error(y, 26)
    assert ours < 0.5 * last


@pytest.mark.parametrize("n", [14, 20])
def test_constants_are_continued(n):
    assert error(np.full(n + 12, 7.5), n, max_epochs=3)[0] < 1e-5


# ------------------------------------------------------------ the warning
@pytest.mark.parametrize(
    "options", [{}, {"strategy": "recursive"}, {"loss": "gaussian"}, {"scaling": "window"}], ids=str
)
def test_the_network_stays_at_its_linear_start(options):
    with pytest.warns(FewWindowsWarning, match="the series has 2 windows of context_length=1 and horizon=12 to learn"):
        fitted = LSTMForecaster(**QUICK, **options).fit(trend(14))
    assert len(fitted.loss_curve_) == 0
    assert fitted.best_epoch_ == 0
    assert not fitted.network_.architecture.views(fitted.theta_)["head"][:, 1:].any()


@pytest.mark.parametrize(
    "options", [{"early_stopping": False}, {"linear_skip": False}, {"context_length": 4, "horizon": 2}], ids=str
)
def test_the_network_is_trained_on_request(options):
    with pytest.warns(FewWindowsWarning):
        fitted = LSTMForecaster(**QUICK, **options).fit(trend(14))
    assert len(fitted.loss_curve_) == 3


def test_the_limit_is_ten_windows():
    options = {"context_length": 5, "horizon": 6, **QUICK}
    with pytest.warns(FewWindowsWarning, match="has 9 windows .* fewer than 10"):
        LSTMForecaster(**options).fit(trend(19))
    LSTMForecaster(**options).fit(trend(20))  # pytest makes warnings errors


def test_windows_without_a_target_do_not_count_and_the_column_is_named():
    y = pd.DataFrame({"a": trend(60), "b": trend(60)})
    y.loc[:45, "b"] = np.nan
    with pytest.warns(FewWindowsWarning, match=r"y\['b'\] has 6 windows"):
        GRUForecaster(context_length=5, horizon=4, **QUICK).fit(y)


MENDS = [
    (14, {}, 1),
    (20, {}, 7),
    (30, {"horizon": 25}, 17),
    (30, {"context_length": 12}, 9),
    (40, {"strategy": Direct(segment_length=6), "horizon": 30}, 24),
    (8, {"horizon": 3}, None),
]


@pytest.mark.parametrize(("n", "options", "shorter"), MENDS, ids=str)
def test_the_suggested_horizon_works(n, options, shorter):
    with pytest.warns(FewWindowsWarning) as caught:
        LSTMForecaster(**{**QUICK, **options}).fit(trend(n))
    found = re.search(r"fit with horizon=(\d+), after which predict\((\d+)\) still works", str(caught[0].message))
    assert (int(found[1]) if found else None) == shorter
    assert "or use ARForecaster" in str(caught[0].message)
    if found:
        mended = LSTMForecaster(**{**QUICK, **options, "horizon": shorter}).fit(trend(n))
        assert len(mended.predict(int(found[2]))) == options.get("horizon", 12)
    else:
        assert "pass a longer series" in str(caught[0].message)


def panel(*lengths):
    return {name: pd.Series(trend(n, seed=n)) for name, n in zip("abcdefghijklmnop", lengths, strict=False)}


def test_windows_of_a_panel_are_counted_together():
    """A series that is shorter than a window gives one; the others one for each row that a window may begin at."""
    options = {"context_length": 5, "horizon": 6, **QUICK}
    with pytest.warns(FewWindowsWarning, match="the panel of 3 series has 9 windows of context_length=5 .* than 10"):
        fitted = LSTMForecaster(**options).fit(panel(4, 13, 15))  # 1 + 3 + 5
    assert len(fitted.loss_curve_) == 0
    LSTMForecaster(**options).fit(panel(4, 13, 16))


def test_windows_of_a_panel_without_a_target_do_not_count():
    series = panel(30, 12)
    series["a"][6:24] = np.nan
    with pytest.warns(FewWindowsWarning, match="the panel of 2 series has 8 windows"):  # 7 + 1
        GRUForecaster(context_length=5, horizon=7, **QUICK).fit(series)


@pytest.mark.parametrize(("lengths", "shorter"), [((14, 14), 9), ((2, 2, 2), None)], ids=str)
def test_the_mend_for_a_panel_works(lengths, shorter):
    with pytest.warns(FewWindowsWarning) as caught:
        LSTMForecaster(**QUICK).fit(panel(*lengths))
    found = re.search(r"fit with horizon=(\d+), after which predict\((\d+)\) still works", str(caught[0].message))
    assert (int(found[1]) if found else None) == shorter
    if found:
        LSTMForecaster(**QUICK, horizon=shorter).fit(panel(*lengths)).predict(int(found[2]))
    else:
        assert "pass more or longer series" in str(caught[0].message)
        LSTMForecaster(**QUICK).fit(panel(*[2] * 10))
    assert caught[0].filename == __file__


def test_a_warning_points_at_the_call_of_fit():
    with pytest.warns(FewWindowsWarning) as caught:
        LSTMForecaster(**QUICK).fit(trend(14))
    assert caught[0].filename == __file__


# ------------------------------------------------------------ the ridge solution by definition
def least_squares(X, y, penalty, target):
    """The w and a that minimise |y - a - X w|² + penalty |w - target|², and the residual matrix of y - X target."""
    n, p = X.shape
    rows = np.vstack([np.column_stack([X, np.ones(n)]), np.column_stack([np.sqrt(penalty) * np.eye(p), np.zeros(p)])])
    w = np.linalg.lstsq(rows, np.concatenate([y, np.sqrt(penalty) * target]), rcond=None)[0]
    hat = np.column_stack([X, np.ones(n)]) @ np.linalg.pinv(rows)[:, :n]
    return w, np.eye(n) - hat


@pytest.mark.parametrize("seasonal", [0, 2])
@pytest.mark.parametrize(("n", "walks"), [(14, False), (16, True), (40, True), (40, False)])
def test_the_penalty_is_on_the_distance_from_zero_or_the_last_value(n, walks, seasonal):
    """A step reads lags, seasonal inputs and covariates from the origin on; all steps together have the lowest GCV."""
    rng, geometry, P, H = np.random.default_rng(n), Geometry(3, block=3), 3, 3
    values = rng.normal(size=(n, 2))
    values = values.cumsum(axis=0) if walks else values
    known = rng.normal(size=(n, 1 + 2 * seasonal))
    starts = np.arange(n - P - H + 1)
    panel, scaling, windows = one_series(values, starts, geometry, known=known, seasonal=seasonal)
    start = ridge_start(panel, np.ones(values.shape), windows, geometry, seasonal)
    covariates = (known[:, :1] - scaling.covariates.mean) / scaling.covariates.scale
    chosen = set()
    for c in range(2):
        own = known[:, 1 + c * seasonal : 1 + (c + 1) * seasonal]
        designs = []
        for j in range(H):
            lags = np.array([values[s : s + P, c] for s in starts])
            both = [np.hstack([own[starts + P], own[starts + P + j]])] if seasonal else []
            ahead = [covariates[starts + P + i] for i in range(-1, j + 1)]
            designs.append((np.hstack([lags, *both, *ahead]), values[starts + P + j, c]))
        shared = np.hstack(
            [designs[-1][0][:, :P], own[starts + P], *[covariates[starts + P + i] for i in range(-1, H)]]
        )
        unit = np.mean(np.sum((shared - shared.mean(axis=0)) ** 2, axis=0))

        def gcv(penalty, last, designs=designs):
            scores = []
            for X, y in designs:
                target = last * np.eye(X.shape[1])[P - 1]
                _, residual = least_squares(X, y, penalty, target)
                scores.append(np.sum((residual @ (y - X @ target)) ** 2) / np.trace(residual) ** 2)
            return sum(scores)

        choices = [(unit * penalty, last) for last in ((0, 1) if len(starts) >= 10 else (1,)) for penalty in PENALTIES]
        penalty, last = min(choices, key=lambda choice: gcv(*choice))
        chosen.add(last)
        for j, (X, y) in enumerate(designs):
            expected = least_squares(X, y, penalty, last * np.eye(X.shape[1])[P - 1])[0]
            found = [*start.lags[c, j]]
            found += [*start.season[c, 0, j], *start.season[c, 1, j]] if seasonal else []
            found += [*start.ahead[c, j, : j + 2], start.intercept[c, j]]
            assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    sure = {(14, False): {1}, (40, False): {0}, (40, True): {0, 1}}  # 14 values give too few windows for the choice
    assert chosen == sure.get((n, walks), chosen)


def test_with_two_windows_the_largest_penalty_is_taken():
    values, geometry = np.arange(20.0)[:, None] ** 2, Geometry(4, block=3)
    panel, _, windows = one_series(values, [3, 9], geometry)
    start = ridge_start(panel, np.ones(values.shape), windows, geometry)
    assert_allclose(start.lags, np.broadcast_to([0, 0, 0, 1], start.lags.shape), atol=0.1)


def test_a_given_validation_size_with_few_windows():
    """Windows of the whole series are counted; a held-out part of them is enough for validation."""
    with pytest.warns(FewWindowsWarning):
        fitted = LSTMForecaster(
            context_length=4, horizon=2, early_stopping=EarlyStopping(validation_size=3), **QUICK
        ).fit(trend(14))
    assert len(fitted.validation_curve_) > 0
    assert_array_equal(fitted.validation_curve_.argmin(), fitted.best_epoch_)


@pytest.mark.parametrize("scaling", ["auto", "window", "standard", "mean"])
@pytest.mark.parametrize("line", [(0, 1), (1900, 1), (9e6, 12345.678), (5, -1e-9), (-3, 1e9)], ids=str)
def test_straight_lines_go_on(line, scaling):
    """Relative to its last value each lag of a line is the same number in all windows."""
    level, slope = line
    for n in (40, 80):
        y = level + slope * np.arange(n + 4.0)
        forecaster = GRUForecaster(horizon=4, scaling=scaling, max_epochs=1, hidden_size=2, random_state=0).fit(y[:n])
        assert_allclose(forecaster.predict(), y[n:], atol=0.3 * abs(slope), rtol=0)


@pytest.mark.parametrize("seed", range(3))
def test_zeros_before_a_series_begins_do_not_choose_the_penalty(seed):
    """Windows of zeros fit every model; only the few others tell a penalty from another."""
    y = np.r_[np.zeros(60), np.random.default_rng(seed).gamma(2, 5, 20)]
    options = {"horizon": 4, "max_epochs": 1, "hidden_size": 2, "random_state": 0}
    for scaling in ("auto", "standard"):
        forecast = GRUForecaster(scaling=scaling, **options).fit(y).predict()
        assert np.abs(forecast).max() < 1.5 * y.max()
