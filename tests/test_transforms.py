"""Transforms of a panel's values: what they are by definition, and that `invert` undoes `apply`."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, QuantileTransformer, StandardScaler

from tsrnn.data.panel import Panel
from tsrnn.data.transforms import Transform

from .oracles import fill_gaps

SEASON = 4
ORDERS = [(d, D) for d in range(3) for D in range(3)]
every_order = pytest.mark.parametrize(("d", "D"), ORDERS)
TARGETS = {"none": None, "log1p": "log1p", "boxcox": "boxcox", "scaler": StandardScaler()}
every_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


def made(d=0, D=0, target=None):
    return Transform(d, D, SEASON, target)


def panel(unit=1.0, spread=1.0, missing=False, lengths=(40, 23, 30)):
    """Series of positive values with two channels, of different size, with missing values filled by carrying."""
    rng, series = np.random.default_rng(0), []
    for s, n in enumerate(lengths):
        values = unit * 3.0**s * np.exp(spread * rng.normal(0, [0.4, 0.7], (n, 2)).cumsum(axis=0) / 3)
        observed = rng.uniform(size=values.shape) < (0.85 if missing else 2)
        observed[0] = True
        series.append(Panel.of_one(fill_gaps(values, observed), observed, rng.normal(size=(n, 1))))
    return Panel.join(series)


def ends(found, h):
    """The last h rows of each series, (S, h, C), and the panel of those before."""
    return np.stack([one.values[-h:] for one in found]), found.part(0, found.n_rows - h)


# ---------------------------------------------------------------- definitions
def differences(values, d, D):
    """By the definition (1 - B)^d (1 - B^m)^D y, with the coefficients of the polynomial; (n - d - D m,)."""
    polynomial = np.array([1.0])
    for factor in [[1.0, -1.0]] * d + [[1.0, *[0.0] * (SEASON - 1), -1.0]] * D:
        polynomial = np.convolve(polynomial, factor)
    lags, n = np.flatnonzero(polynomial), len(values)  # a lag of weight 0 is not read: it may be missing
    return sum(polynomial[k] * values[len(polynomial) - 1 - k : n - k] for k in lags)


@every_order
def test_differences(d, D):
    found = panel()
    changed = made(d, D).fit(found).apply(found)
    n_lost = d + D * SEASON
    assert made(d, D).n_lost == n_lost
    assert made(d, D).is_monotone_per_step is (n_lost == 0)
    assert_array_equal(changed.n_rows, found.n_rows - n_lost)
    for before, after in zip(found, changed, strict=True):
        assert_array_equal(after.known, before.known[n_lost:])
        assert after.observed.all()
        for c in range(2):
            expected = differences(before.values[:, c], d, D)
            assert_allclose(after.values[:, c], expected, rtol=1e-9, atol=1e-12 * before.values.max())


@every_order
def test_a_value_that_depends_on_a_missing_one_is_missing(d, D):
    found = panel(missing=True)
    changed = made(d, D).fit(found).apply(found)
    assert 0 < changed.observed.mean() < 1
    for before, after in zip(found, changed, strict=True):
        for c in range(2):
            expected = differences(np.where(before.observed[:, c], before.values[:, c], np.nan), d, D)
            assert_array_equal(after.observed[:, c], np.isfinite(expected))
            assert_allclose(after.values[after.observed[:, c], c], expected[np.isfinite(expected)], atol=1e-12)
        assert_array_equal(after.values, fill_gaps(after.values, after.observed))


def test_log1p():
    found = panel()
    fitted = made(target="log1p").fit(found)
    assert_array_equal(fitted.apply(found).values, np.log1p(found.values))
    assert_array_equal(fitted.invert(np.full((3, 1, 2), -50.0), found), np.full((3, 1, 2), np.expm1(-50.0)))


def test_the_lambda_of_boxcox_maximises_the_likelihood():
    found, grid = panel(missing=True), np.linspace(0, 2, 2001)
    fitted = made(target="boxcox").fit(found)
    inside = 0
    for s, one in enumerate(found):
        for c in range(2):
            values = one.values[one.observed[:, c], c]
            best = grid[np.argmax([stats.boxcox_llf(x, values) for x in grid])]
            inside += 0 < best < 2
            assert_allclose(fitted.pointwise.lambdas[s, c], best, atol=2e-3)
            mine, its = fitted.apply(found.part()).values, stats.boxcox(values, fitted.pointwise.lambdas[s, c])
            of_both = mine[found.indptr[s] : found.indptr[s + 1], c][one.observed[:, c]], its
            assert np.corrcoef(*of_both)[0, 1] == pytest.approx(1, abs=1e-12)
    assert inside > 1


def test_boxcox_below_its_lowest_value_is_zero():
    found = panel()
    fitted = made(target="boxcox").fit(found)
    undone = fitted.invert(np.full((3, 1, 2), -1e9), found)[:, 0]
    assert_array_equal(undone[fitted.pointwise.lambdas > 0.01], 0)
    assert np.isfinite(undone).all()


def test_a_transformer_is_fitted_to_all_series_of_a_channel():
    found = panel(missing=True)
    changed = made(target=StandardScaler()).fit(found).apply(found)
    for c in range(2):
        own = found.observed[:, c]
        values = found.values[own, c]
        assert_allclose(changed.values[own, c], (values - values.mean()) / values.std(), atol=1e-12)


# ---------------------------------------------------------------- there and back
@every_target
@every_order
@pytest.mark.parametrize("unit", [1.0, 1e-12, 1e12])
def test_invert_undoes_apply(d, D, target, unit):
    found = panel(unit)
    fitted = made(d, D, target).fit(found)
    after, before = ends(found, 9)
    forecasts, _ = ends(fitted.apply(found), 9)
    atol = 1e-12 * after.max(axis=1, keepdims=True)  # of the level: a sum of differences has its rounding errors
    assert (np.abs(fitted.invert(forecasts, before) - after) <= atol).all()


@pytest.mark.parametrize("transformer", [PowerTransformer(), QuantileTransformer(n_quantiles=93)])
def test_a_transformer_is_undone(transformer):
    found = panel()
    fitted = made(1, 1, transformer).fit(found)
    after, before = ends(found, 9)
    assert_allclose(fitted.invert(ends(fitted.apply(found), 9)[0], before), after, rtol=1e-9)


@every_target
@every_order
@pytest.mark.parametrize("level", [1e-12, 3.0, 1e12])
def test_a_constant_comes_back(d, D, target, level):
    found = panel(level, spread=0.0)
    fitted = made(d, D, target).fit(found)
    after, before = ends(found, 3)
    assert_allclose(fitted.invert(ends(fitted.apply(found), 3)[0], before), after, rtol=1e-12)


@every_target
@every_order
def test_paths_are_undone_one_by_one(d, D, target):
    found, rng = panel(spread=0.3), np.random.default_rng(1)  # no path falls to where Box-Cox is undone as 0
    fitted = made(d, D, target).fit(found)
    paths = 0.01 * rng.normal(size=(3, 7, 2, 5)) + 0.1
    undone = fitted.invert(paths, found)
    assert undone.shape == paths.shape
    for k in range(5):
        assert_array_equal(undone[..., k], fitted.invert(paths[..., k], found))
    for s, (one, steps) in enumerate(zip(found, undone, strict=True)):  # applied again, they are what they were
        longer = np.concatenate([one.values, steps[..., 2]])
        again = fitted.take([s]).apply(Panel.of_one(longer)).values[-7:]
        assert_allclose(again, paths[s, ..., 2], atol=1e-9)


@every_target
def test_quantiles_stay_quantiles_without_differences(target):
    found = panel()
    fitted = made(target=target).fit(found)
    assert fitted.is_monotone_per_step
    draws, levels = np.random.default_rng(0).normal(0.5, 0.3, (3, 1, 2, 501)), np.array([0.1, 0.5, 0.9])
    of_undone = np.quantile(fitted.invert(draws, found), levels, axis=-1)  # with 501 draws these are order statistics
    undone = fitted.invert(np.moveaxis(np.quantile(draws, levels, axis=-1), 0, -1), found)
    assert_allclose(np.moveaxis(undone, -1, 0), of_undone, rtol=1e-9)


def test_sums_of_quantiles_are_no_quantiles_after_differences():
    found = panel()
    fitted = made(1).fit(found)
    assert not fitted.is_monotone_per_step
    draws = np.random.default_rng(0).normal(size=(3, 20, 2, 2000))
    width = np.ptp(np.quantile(fitted.invert(draws, found)[:, -1], [0.1, 0.9], axis=-1), axis=0)
    summed = np.ptp(fitted.invert(np.moveaxis(np.quantile(draws, [0.1, 0.9], axis=-1), 0, -1), found)[:, -1], axis=-1)
    assert (summed > 3 * width).all()  # 20 steps: about sqrt(20) times as wide


def test_some_of_the_series():
    found = panel()
    fitted = made(1, 1, "boxcox").fit(found)
    first, _, last = found
    chosen = Panel.join([last, first])
    some, whole = fitted.take(np.array([2, 0])), np.full((3, 5, 2), 0.01)
    assert_array_equal(some.invert(whole[:2], chosen), fitted.invert(whole, found)[[2, 0]])
    assert_array_equal(some.apply(chosen).values[:25], fitted.apply(found).values[-25:])


def test_a_short_series_and_a_channel_without_values():
    found = panel(lengths=(20, 3))
    found.observed[:20, 1], found.values[:20, 1] = False, np.nan
    for target in ("log1p", "boxcox", None):
        changed = made(1, 1, target).fit(found).apply(found)
        assert_array_equal(changed.n_rows, [15, 0])
        assert not changed.observed[:, 1].any()
        assert np.isfinite(changed.values).all()


# ---------------------------------------------------------------- errors
@pytest.mark.parametrize(
    ("target", "value", "need"), [("log1p", -1.0, "-1"), ("log1p", -7.5, "-1"), ("boxcox", 0.0, "0")]
)
def test_values_outside_the_domain(target, value, need):
    found = panel()
    found.values[40 + 5, 1] = value
    message = (
        f"target_transform='{target}' of series 1, row 5, channel 1: the value {value:g} must be greater than {need};"
    )
    with pytest.raises(ValueError, match=message):
        made(1, 0, target).fit(panel() if target == "log1p" else found).apply(found)
    mended = made(1, 0, PowerTransformer()).fit(found).apply(found)  # the mend that the message names
    assert np.isfinite(mended.values).all()
    found.observed[40 + 5, 1] = False  # a missing value is replaced by the one before it
    assert np.isfinite(made(1, 0, target).fit(found).apply(found).values).all()


@pytest.mark.parametrize("target", ["log1p", "boxcox"])
def test_a_value_before_the_forecast_outside_the_domain(target):
    found = panel()
    fitted = made(2, 0, target).fit(found)
    found.values[found.indptr[2] - 1, 0] = -3.0
    with pytest.raises(ValueError, match=f"target_transform='{target}' of series 1, row 22, channel 0: the value -3"):
        fitted.invert(np.zeros((3, 2, 2)), found)
    made(0, 0, target).fit(panel()).invert(np.zeros((3, 2, 2)), found)  # which reads no rows before the forecast


@pytest.mark.filterwarnings("ignore:invalid value encountered in power")  # scikit-learn's own warning
@pytest.mark.parametrize("target", ["log1p", PowerTransformer()])
def test_a_forecast_without_a_finite_value(target):
    found, forecasts = panel(), np.zeros((3, 2, 2, 4))
    fitted = made(target=target).fit(found)
    assert np.isfinite(fitted.invert(forecasts, found)).all()
    forecasts[1, 1, 0, 3] = 1e4
    with pytest.raises(ValueError, match="forecast of series 1, channel 0, step 2: 10000 has no finite value before"):
        fitted.invert(forecasts, found)
    assert np.isfinite(made(target="log1p").fit(found).invert(np.minimum(forecasts, 100), found)).all()


def test_too_few_rows_before_the_forecast():
    found = panel()
    with pytest.raises(ValueError, match=r"series 0 has 5 rows before the forecast, .* need 6; pass a longer context"):
        made(2, 1).fit(found).invert(np.zeros((3, 2, 2)), found.part(0, 5))
    made(2, 1).fit(found).invert(np.zeros((3, 2, 2)), found.part(0, 6))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"difference": 3}, ValueError, "difference=3 must be at most 2"),
        ({"seasonal_difference": -1, "season_length": 4}, ValueError, "seasonal_difference=-1 must be at least 0"),
        ({"difference": 1.0}, TypeError, "difference=1.0 must be an integer"),
        ({"seasonal_difference": 1}, ValueError, "needs a season of 2 steps or more"),
        ({"target_transform": "log"}, ValueError, "target_transform='log' is not known; use one of 'log1p', 'boxcox'"),
        ({"target_transform": np.log}, TypeError, "must be 'log1p', 'boxcox', None, or a transformer object"),
        ({"target_transform": PowerTransformer}, TypeError, "must be 'log1p', 'boxcox', None, or a transformer object"),
    ],
)
def test_wrong_arguments(options, error, message):
    with pytest.raises(error, match=message):
        Transform(**options)


def test_a_transformer_that_decreases():
    falling = FunctionTransformer(np.negative, np.negative)
    with pytest.raises(ValueError, match="must not decrease, or quantiles would change their order"):
        made(target=falling).fit(panel())
    made(target=QuantileTransformer(n_quantiles=10)).fit(panel())
