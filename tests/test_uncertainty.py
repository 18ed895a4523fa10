"""Intervals, quantiles and sample paths: conformal errors, and the methods of all forecasters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn import EarlyStopping, Pinball
from tsrnn.data.scaling import NoScaling
from tsrnn.forecasting.conformal import Errors

from .forecasters import lstm, months, wave, wide

#: The number of the only series.
THE_SERIES = np.zeros(1, int)


def errors_of(errors):
    """In units of one."""
    scaling = NoScaling().fit(errors[0], np.ones(errors[0].shape, bool), np.array([0, len(errors[0])]))
    return Errors(errors, np.zeros(len(errors), int), scaling=scaling)


# ------------------------------------------------------------ errors
def test_half_widths_are_ranked_absolute_errors():
    errors = np.array([3.0, -1, 4, -2, 5, -9, 6, -7, 8])[:, None, None]
    (offsets,), _ = errors_of(errors).offsets(np.array([0.05, 0.1, 0.5, 0.75, 0.95]), THE_SERIES)
    assert_array_equal(offsets[0, 0], [-9, -8, 0, 5, 9])  # ranks 9, 8, none, 5, 9 of 9 errors, from (9 + 1) * coverage


def test_missing_errors_do_not_count():
    errors = np.array([[1.0, 2.0], [np.nan, 3.0], [-4.0, np.nan], [2.0, 1.0]])[:, :, None]
    assert_array_equal(errors_of(errors).offsets(np.array([0.75]), THE_SERIES)[0][0, :, 0, 0], [2, 2])
    with pytest.raises(ValueError, match=r"a coverage of 0\.8 needs 4 validation windows, but the fit had 3"):
        errors_of(errors).offsets(np.array([0.1]), THE_SERIES)


def test_coverage_of_conformal_intervals():
    """For errors of any distribution it is exactly rank / (n + 1), because they are exchangeable."""
    rng = np.random.default_rng(0)
    draws = rng.standard_t(2, (20_000, 20)) + 0.3
    for coverage, expected in ((0.5, 10 / 20), (0.8, 16 / 20), (0.9, 18 / 20)):
        bound = errors_of(draws[:, :19].T[:, :, None]).offsets(np.array([(1 + coverage) / 2]), THE_SERIES)[0][
            0, :, 0, 0
        ]
        assert_allclose(np.mean(np.abs(draws[:, 19]) <= bound), expected, atol=0.01)


def test_paths_are_windows_of_errors():
    errors = np.arange(12.0).reshape(3, 2, 2)
    errors[1, 0, 0] = np.nan
    paths, _ = errors_of(errors).paths(50, np.random.RandomState(0))
    assert paths.shape == (2, 2, 50)
    assert {tuple(paths[:, :, k].ravel()) for k in range(50)} == {(0, 1, 2, 3), (8, 9, 10, 11)}
    errors[:, 0, 0] = np.nan
    with pytest.raises(ValueError, match="no validation window has all of its values observed"):
        errors_of(errors).paths(1, np.random.RandomState(0))


# ------------------------------------------------------------ every forecaster
def test_interval_quantiles_and_paths(forecaster):
    y = months(wave(), name="sales")
    forecaster.fit(y)
    point = forecaster.predict(3)
    bounds = forecaster.predict_interval(3, [0.5, 0.7])
    assert list(bounds.columns) == [(0.5, "lower"), (0.5, "upper"), (0.7, "lower"), (0.7, "upper")]
    assert bounds.index.equals(point.index)
    assert bounds.index.freq == point.index.freq
    assert (bounds[0.7].lower <= bounds[0.5].lower).all()
    assert ((bounds[0.5].lower < point) & (point < bounds[0.5].upper)).all()
    quantiles = forecaster.predict_quantiles(3, [0.15, 0.5, 0.85])
    assert_allclose(quantiles[0.5], point, rtol=1e-9)
    assert_allclose(quantiles[[0.15, 0.85]], bounds[0.7], rtol=1e-9)
    paths = forecaster.sample(3, 200, random_state=0)
    assert paths.shape == (3, 200)
    assert_array_equal(forecaster.sample(3, 200, random_state=0), paths)
    assert (np.abs(paths.mean(axis=1) - point) < 3 * (bounds[0.7].upper - bounds[0.7].lower)).all()
    assert_array_equal(forecaster.predict_interval(3, [0.5, 0.7], context=y), bounds)
    dates = point.index[[2, 0]]
    assert_allclose(forecaster.predict_interval(dates, 0.5), bounds.loc[dates, 0.5])


def test_several_series(forecaster):
    frame = pd.DataFrame(wide(), months(wave()).index, columns=["x", "z"])
    forecaster.fit(frame)
    bounds = forecaster.predict_interval(2, 0.7)
    assert list(bounds.columns) == [("x", "lower"), ("x", "upper"), ("z", "lower"), ("z", "upper")]
    widths = [(bounds[name].upper - bounds[name].lower).mean() for name in ("x", "z")]
    assert 20 < widths[1] / widths[0] < 300
    assert forecaster.sample(2, 5).shape == (2, 10)


def test_with_covariates(forecaster):
    x = np.random.default_rng(0).normal(size=(94, 1))
    y = wave(94) + 5 * x[:, 0]
    bounds = forecaster.fit(x[:90], y[:90]).predict_interval(x[90:], 0.7)
    assert_allclose(bounds.mean(axis=1), forecaster.predict(x[90:]), rtol=1e-9)
    assert bounds.shape == (4, 2)


# ------------------------------------------------------------ networks
def test_errors_are_those_of_held_out_windows(network):
    y = wave()
    stopping = EarlyStopping(validation_size=20, refit_full=False)
    network.set_params(early_stopping=stopping, dtype="float64").fit(y)
    errors, scale = network.errors_.errors[:, :, 0], network.scaling_.target.scale[0]
    assert errors.shape == (17, 4)
    for window in (0, 9, 16):
        end = 70 + window
        assert_allclose(errors[window] * scale, y[end : end + 4] - network.predict(4, context=y[:end]), atol=1e-9)
    network.set_params(early_stopping=EarlyStopping(validation_size=20, refit_full=True)).fit(y)
    assert_allclose(network.errors_.errors[:, :, 0], errors, atol=1e-12)  # the refit used the validation part
    assert network.scaling_.target.scale[0] != scale
    half = np.sort(np.abs(errors), axis=0)[8] * scale  # rank (17 + 1) / 2
    assert_allclose(np.diff(network.predict_interval(4, 0.5))[:, 0] / 2, half, rtol=1e-9)


def test_errors_beyond_the_horizon(network):
    """They have the same origins, come from the network before its refit, and reach to the end of the series."""
    y = wave()
    stopping = EarlyStopping(validation_size=20, refit_full=False)
    network.set_params(early_stopping=stopping, dtype="float64").fit(y)
    end, n = 70, 9
    errors = [np.abs(y[end + k : end + k + n] - network.predict(n, context=y[: end + k])) for k in range(20 - n + 1)]
    half = np.sort(errors, axis=0)[: len(errors), n - 1][int(np.ceil((len(errors) + 1) * 0.5)) - 1]
    assert_allclose(np.diff(network.predict_interval(n, 0.5))[n - 1, 0] / 2, half, rtol=1e-9)
    assert network.sample(n, 7).shape == (n, 7)


def test_a_path_is_the_forecast_plus_the_errors_of_a_window(network):
    network.fit(wave())
    paths = network.sample(3, 30, random_state=0) - network.predict(3)[:, None]
    possible = network.errors_.errors[:, :3, 0] * network.errors_.scaling.scale[0]
    assert all(np.isclose(possible, path, atol=1e-6).all(axis=1).any() for path in paths.T)


def test_intervals_follow_the_amplitude_of_the_window(network):
    network.set_params(scaling="window").fit(wave())
    narrow, broad = (network.predict_interval(4, 0.7, context=100 + k * wave(40)) for k in (1, 10))
    assert_allclose(np.diff(broad), 10 * np.diff(narrow), rtol=1e-4)


def test_coverage_on_white_noise():
    """The forecast of white noise is its mean, and intervals have their nominal coverage."""
    inside = []
    for seed in range(25):
        y = np.random.default_rng(seed).normal(size=300)
        forecaster = lstm(early_stopping=EarlyStopping(validation_size=120, refit_full=False)).fit(y[:200])
        for start in range(200, 296, 4):
            bounds = forecaster.predict_interval(4, [0.5, 0.9], context=y[:start])
            inside.append(
                [(bounds[:, k, 0] < y[start : start + 4]) & (y[start : start + 4] < bounds[:, k, 1]) for k in (0, 1)]
            )
    assert_allclose(np.mean(inside, axis=(0, 2)), [0.5, 0.9], atol=0.03)


def test_missing_values_in_the_tail(network):
    y = wave()
    y[[84, 88]] = np.nan
    network.fit(y)
    assert np.isnan(network.errors_.errors).any()
    assert np.isfinite(network.predict_interval(4, 0.5)).all()


def test_totals_that_need_more_windows(network):
    network.fit(wave())
    n = len(network.errors_.errors)
    message = f"a coverage of 0.99 needs paths from 99 windows .*, but there are {n}; use EarlyStopping.*, or ask for"
    with pytest.raises(ValueError, match=message):
        network.predict_total(4, 0.99)
    largest = np.floor(1000 * n / (n + 1)) / 1000
    for horizon in (4, 9):
        assert np.isfinite(network.predict_total(horizon, largest)).all()


def test_paths_end_where_too_few_windows_last():
    """Of 4 windows, 3 have the second lead: half of them would do for the third, which 2 have, but not 3."""
    errors = np.ones((4, 3, 1))
    errors[:2, 2], errors[0, 1] = np.nan, np.nan
    assert errors_of(errors)._whole[0].shape == (2, 3, 1)
    assert replace(errors_of(errors), coverage=0.75)._whole[0].shape == (3, 2, 1)
    with pytest.raises(
        ValueError, match=r"a coverage of 0\.9 needs paths from 9 windows .* there are 4; .* 0\.8 or less"
    ):
        replace(errors_of(errors), coverage=0.9).paths(5, np.random.RandomState(0))


def test_coverages_that_need_more_windows(network):
    network.fit(wave())
    n = len(network.errors_.errors)
    with pytest.raises(ValueError, match=f"a coverage of 0.99 needs 99 validation windows, but the fit had {n}; hold"):
        network.predict_interval(4, 0.99)
    network.set_params(early_stopping=False).fit(wave())
    with pytest.raises(ValueError, match="early_stopping=False held out none; fit with early_stopping=True, or"):
        network.predict_quantiles(2)
    network.set_params(early_stopping=True, loss=Pinball(0.1, 0.9)).fit(wave())
    with pytest.raises(ValueError, match=r"a mean or a median, and loss=Pinball\(0.1, 0.9\) gives neither"):
        network.sample(2)
    assert np.isfinite(network.set_params(loss="pinball").fit(wave()).predict_interval(2, 0.8)).all()
