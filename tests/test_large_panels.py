"""Panels of many series: the windows of an epoch, the index that is computed where it is read, sizes of batches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from tsrnn import EarlyStopping, RNNForecaster, RNNRegressor
from tsrnn.data import windows as windows_module
from tsrnn.data.scaling import PanelScaling
from tsrnn.data.windows import Geometry, WindowIndex, spread
from tsrnn.training import order, plan
from tsrnn.training.options import batch_size_for

from .test_panel import four

GEOMETRY = Geometry(6, block=3)
#: Windows of each series: none, one, and many of one.
COUNTS = np.array([5, 0, 1, 40, 7])
TINY = {"context_length": 4, "horizon": 2, "hidden_size": 2, "max_epochs": 3, "random_state": 0}


def index_of(panel):
    """The windows of a panel whose series begin with padding, of other parts of each series."""
    scaling = PanelScaling.fit("window", panel)
    return WindowIndex.of_panel(panel, scaling, GEOMETRY, np.array([0, 0, 3, 1]), panel.n_rows - np.array([0, 0, 2, 5]))


def long_frame(lengths, seed=0):
    """A long frame with one series for each length."""
    rng, parts = np.random.default_rng(seed), []
    for s, n in enumerate(lengths):
        times = pd.date_range("2024-01-01", periods=n, freq="D")
        y = 10 * s + np.sin(np.arange(n) / 2) + 0.3 * rng.normal(size=n)
        parts.append(pd.DataFrame({"unique_id": f"series {s}", "ds": times, "y": y}))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def small(monkeypatch):
    """Thresholds so low that tiny panels cross them."""
    monkeypatch.setattr(windows_module, "MAX_STORED", 3)
    monkeypatch.setattr(order, "PIECE", 16)


# ------------------------------------------------------------ the index
def test_the_index_has_the_windows_in_order():
    panel = four().lengthened(np.array([0, 3, 0, 2]), np.zeros(4, np.int64))
    index, rows = index_of(panel), []
    for s in range(4):
        first, last = ([0, 0, 3, 1][s], panel.n_rows[s] - [0, 0, 2, 5][s])
        for at in range(first, last - 8):
            late = max(0, panel.padding[s] - at)
            begin = panel.indptr[s] + at
            rows.append((begin + late, 6 - late, begin + 6, s))
    found = index.all()
    assert len(index) == len(found) == len(rows)
    assert_array_equal(np.stack([found.start, found.length, found.target, found.series], axis=1), rows)
    assert_array_equal(found.n_windows, index.n_windows)
    chosen = np.array([7, 2, 2, len(rows) - 1])
    for name in ("start", "length", "target", "series"):
        assert_array_equal(getattr(index.take(chosen), name), getattr(found, name)[chosen])


@pytest.mark.parametrize(("n", "most"), [(0, 4), (4, 4), (5, 4), (7, 4), (1000, 37), (10**9, 1000)])
def test_numbers_are_spread_over_equal_parts(n, most):
    found = spread(n, most)
    assert len(found) == min(n, most)
    edges = np.arange(min(n, most) + 1) * n // max(min(n, most), 1)
    assert (found >= edges[:-1]).all()
    assert (found < edges[1:]).all()


def test_numbers_are_not_spread_at_a_constant_distance():
    """Of 1,000 series with 26 windows each, every second one would give its first window, and no other."""
    places = np.bincount(spread(26_000, 500) % 26, minlength=26)
    assert places.min() >= 10


# ------------------------------------------------------------ orders
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 15, 16, 17, 1000, 1025])
def test_the_feistel_network_permutes(n):
    keys = np.random.default_rng(n).integers(2**32, size=order.ROUNDS, dtype=np.uint64)
    found = order.permuted(np.arange(n), n, keys)
    assert_array_equal(np.sort(found), np.arange(n))
    parts = [order.permuted(np.array([i]), n, keys)[0] for i in range(0, n, 7)]
    assert_array_equal(parts, found[::7])


def test_the_feistel_network_mixes():
    """Ranks far apart and close together, and any two keys, are as in a random permutation."""
    n, rng = 50_000, np.random.default_rng(0)
    keys = rng.integers(2**32, size=(2, order.ROUNDS), dtype=np.uint64)
    one, two = (order.permuted(np.arange(n), n, k) for k in keys)
    for a, b in ((one, np.arange(n)), (one, two), (one[1:], one[:-1]), (one[256:], one[:-256])):
        assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(n)
    assert (one == two).sum() < 10
    tenths = np.histogram2d(np.arange(n), one, bins=10)[0]
    assert np.abs(tenths - n / 100).max() < 5 * np.sqrt(n / 100)


@pytest.mark.parametrize("most", [0, 100])
@pytest.mark.parametrize("batch_size", [1, 7, 16, 40])
def test_each_window_comes_once_in_an_epoch(batch_size, most, small, monkeypatch):
    monkeypatch.setattr(order, "MAX_PERMUTED", most)
    rng = np.random.default_rng(0)
    pieces = list(order.epoch(COUNTS, "windows", rng, batch_size))
    assert_array_equal(np.sort(np.concatenate(pieces)), np.arange(COUNTS.sum()))
    assert all(len(piece) % batch_size == 0 for piece in pieces[:-1])
    again = np.concatenate(list(order.epoch(COUNTS, "windows", rng, batch_size)))
    assert not np.array_equal(np.concatenate(pieces), again)


def test_series_are_drawn_with_equal_probability():
    rng, series = np.random.default_rng(0), np.repeat(np.arange(5), COUNTS)
    drawn = np.concatenate([np.concatenate(list(order.epoch(COUNTS, "series", rng, 8))) for _ in range(400)])
    n = len(drawn)
    assert n == 400 * COUNTS.sum()
    found = np.bincount(drawn, minlength=COUNTS.sum())
    expected = n / 4 / COUNTS[series]  # 4 series have windows, and all windows of a series the same chance
    assert np.abs(found - expected).max() < 5 * np.sqrt(expected.max())
    assert ((found - expected) ** 2 / expected).sum() < 53 + 5 * np.sqrt(2 * 53)
    assert_array_equal(np.bincount(series[drawn], minlength=5) > 0, COUNTS > 0)


# ------------------------------------------------------------ fits
@pytest.mark.parametrize("sampling", ["windows", "series"])
@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_equal_bits_with_and_without_stored_windows(strategy, sampling, monkeypatch):
    y = long_frame([40, 4, 9, 25])
    monkeypatch.setattr(order, "PIECE", 16)
    stopping = EarlyStopping(refit_full=True)
    options = TINY | {"batch_size": 8, "strategy": strategy, "sampling": sampling, "early_stopping": stopping}
    stored = RNNForecaster(**options).fit(y)
    monkeypatch.setattr(windows_module, "MAX_STORED", 3)
    computed = RNNForecaster(**options).fit(y)
    assert_array_equal(stored.theta_, computed.theta_)
    assert_array_equal(stored.validation_curve_, computed.validation_curve_)
    assert stored.n_updates_ == computed.n_updates_ == 3 * -(-_n_train([40, 4, 9, 25]) // 8)


def _n_train(lengths):
    """Windows of 4 + 2 rows before the validation part, which is 4 rows or half of the windows, of 2 rows or more."""
    n_windows = [max(n - 5, 1) for n in lengths]
    held_out = [min(max(4, (n - 4) // 10), w // 2) for n, w in zip(lengths, n_windows, strict=True)]
    return sum(w - h if h >= 2 else w for w, h in zip(n_windows, held_out, strict=True))


def test_sampling_by_series_trains_on_short_series():
    """One long series and many short ones of another shape: only by series do the short ones count."""
    y = long_frame([400, *[12] * 4])
    options = TINY | {"linear_skip": False, "early_stopping": False, "learning_rate": 0.02, "max_epochs": 20}
    rng = np.random.default_rng(0)
    is_short = y["unique_id"] != "series 0"
    y.loc[is_short, "y"] = np.tile([5.0, -5.0], 24) + 0.1 * rng.normal(size=48)
    errors = {}
    for sampling in ("windows", "series"):
        fitted = RNNForecaster(**options, sampling=sampling).fit(y)
        forecast = fitted.predict(2, ids=[f"series {s}" for s in range(1, 5)])
        errors[sampling] = np.abs(forecast["y"].to_numpy() - np.tile([5.0, -5.0], 4)).mean()
    assert errors["series"] < 0.7 * errors["windows"]


def test_validation_reads_a_bounded_number_of_windows(monkeypatch):
    y, seen = long_frame([40] * 6), []
    monkeypatch.setattr(plan, "MAX_VALIDATION", 5)
    spread_of_index = WindowIndex.spread
    monkeypatch.setattr(WindowIndex, "spread", lambda self, most: seen.append(spread_of_index(self, most)) or seen[-1])
    fitted = RNNForecaster(**TINY).fit(y)
    assert [len(windows) for windows in seen] == [5]
    assert len(set(seen[0].series)) == 5
    assert len(fitted.errors_.errors) == 6 * 3  # conformal intervals have a bound of their own


def test_the_size_of_batches_by_the_number_of_windows():
    sizes = {1: 32, 2**16 - 1: 32, 2**16: 64, 2**17 - 1: 64, 2**17: 128, 2**18: 256, 2**19: 512, 10**9: 512}
    assert {n: batch_size_for(n) for n in sizes} == sizes


def test_the_default_batch_of_a_fit(monkeypatch):
    y = long_frame([70, 70])
    options = TINY | {"early_stopping": False}
    n_windows = 2 * 65
    default = RNNForecaster(**options).fit(y)
    assert default.n_updates_ == 3 * -(-n_windows // 32)
    assert_array_equal(default.theta_, RNNForecaster(**options, batch_size=32).fit(y).theta_)
    monkeypatch.setattr("tsrnn.training.options.UPDATES", 2)
    assert RNNForecaster(**options).fit(y).n_updates_ == 3 * -(-n_windows // 64)
    assert RNNForecaster(**options, batch_size=50).fit(y).n_updates_ == 3 * 3
    X = np.random.default_rng(0).normal(size=(130, 4))
    fitted = RNNRegressor(hidden_size=2, max_epochs=3, random_state=0).fit(X, X[:, 0])
    assert fitted.n_updates_ == 3 * -(-n_windows // 64)
