"""Scaling: shift and scale of each window, from their definitions to the arrays of a batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn.data.panel import Panel
from tsrnn.data.scaling import SCALINGS, PanelScaling, Scales
from tsrnn.data.windows import Geometry, Windows
from tsrnn.forecasting.conformal import Errors
from tsrnn.losses.squared import MSE
from tsrnn.networks.architecture import Architecture

from .backends import EXACT, both
from .oracles import fill_gaps
from .problems import CELLS, Problem, oracle_outputs, run

every_scaling = pytest.mark.parametrize("name", SCALINGS)
GEOMETRY = Geometry(6, n_outputs=2, block=2)
#: Numbers of context rows that windows lack because they start late.
LATE = np.array([0, 0, 3, 0, 0, 5, 2])


def panel(unit=1.0, level=0.0):
    """Three series of 24, 12 and 9 rows, 2 channels, with missing values, a covariate and a seasonal input each."""
    rng = np.random.default_rng(0)
    series = []
    for n, spread in ((24, 1.0), (12, 30.0), (9, 5.0)):
        values, observed = level + unit * spread * (1 + rng.normal(size=(n, 2))), rng.uniform(size=(n, 2)) < 0.8
        observed[0] = True
        series.append(Panel.of_one(fill_gaps(values, observed), observed, rng.normal(2, 3, (n, 1 + 2))))
    return Panel.join(series)


def windows_of(found, name):
    """Windows of `panel`, some of which start late, and the scaling that all rows give."""
    target = np.array([6, 20, 10, 24 + 6, 24 + 8, 36 + 1, 36 + 4])
    start, length = target - GEOMETRY.context + LATE, GEOMETRY.n_steps - LATE
    scaling = PanelScaling.fit(name, found, n_seasonal=1)
    return Windows(start, length, target, np.array([0, 0, 0, 1, 1, 2, 2]), scaling.scales(found.values)), scaling


def definition(name, found, s, context):
    """Shift and scale of a channel: of its series (all rows and the observed ones), and of a context (length,)."""
    every, own = np.concatenate(found), found[s]
    quartiles = np.quantile(own, [0.25, 0.75])
    shift, scale = {
        None: (0, 1),
        "standard": (own.mean(), own.std()),
        "pooled": (every.mean(), every.std()),
        "robust": (np.median(own), quartiles[1] - quartiles[0]),
        "window": (context.mean(), context.std()),
        "last": (context[-1], own.std()),
        "mean": (context.mean(), own.std()),
    }[name]
    return shift, scale if scale > 1e-9 else 1  # of a context of one row, or filled with one value


def by_definition(name, found, windows):
    """The same windows, each with a row of its own in a table that follows from the definitions."""
    moments = np.zeros((2, len(windows), 7))
    for w, (start, target, s) in enumerate(zip(windows.start, windows.target, windows.series, strict=True)):
        for c in range(2):
            observed = [one.values[one.observed[:, c], c] for one in found]
            moments[:, w, [c, 3 + c, 5 + c]] = np.reshape(
                definition(name, observed, s, found.values[start:target, c]), (2, 1)
            )
        moments[:, w, 2] = found.known[:, 0].mean(), found.known[:, 0].std()
    shift, scale = moments
    table = Scales.of_table(shift[:, :5], scale[:, :5], shift[:, 5:], scale[:, 5:])
    return replace(windows, series=np.arange(len(windows)), scales=table)


# ---------------------------------------------------------------- definitions
@every_scaling
def test_shift_and_scale_are_those_of_the_definitions(name):
    found = panel()
    windows, scaling = windows_of(found, name)
    expected = by_definition(name, found, windows)
    for which in ("shift", "scale", "target_shift", "target_scale"):
        assert_allclose(getattr(windows, which), getattr(expected, which), rtol=1e-12, err_msg=which)
    for w in range(len(windows)):  # the same of one context at a time, as conformal errors get their unit
        context = found.values[None, windows.start[w] : windows.target[w]]
        shift, scale = scaling.target.of_contexts(context, windows.series[w : w + 1])
        assert_allclose(shift[0], expected.target_shift[w], rtol=1e-12)
        assert_allclose(scale[0], expected.target_scale[w], rtol=1e-12)


@both
@every_scaling
def test_batches_are_scaled_by_the_definitions(backend, name):
    """Outputs, loss and gradients are those of windows with a table of the definitions, and of the oracle."""
    found, rng = panel(), np.random.default_rng(1)
    a = Architecture(CELLS["lstm"], 5, 2, 2, MSE, 2, 1, 3, n_covariates=1, n_seasonal=1)
    windows, _ = windows_of(found, name)
    state, theta = np.zeros((1, 2, 2, len(windows))), rng.normal(0, 0.3, a.size)
    data = (theta, found.inputs(), found.values, found.observed.astype(float))
    ours, theirs = (Problem(a, GEOMETRY, *data, some, state) for some in (windows, by_definition(name, found, windows)))
    for batch in (np.arange(7), np.array([5, 2, 6])):
        results = [run(p, backend, batch=batch) for p in (ours, theirs)]
        for kind in ("outputs", "loss", "theta", "x"):
            assert_allclose(*(getattr(result, kind) for result in results), **EXACT, err_msg=kind)
        expected = [oracle_outputs(theirs, lane, theta) for lane in batch]
        assert_allclose(results[0].outputs.reshape(len(batch), 2, -1), expected, **EXACT)


@every_scaling
def test_a_context_ends_before_the_first_target(name):
    """Neither the targets nor the rows before a late start change the scales of a window."""
    found = panel()
    before, scaling = windows_of(found, name)
    used = np.zeros(len(found.values), bool)
    for start, target in zip(before.start, before.target, strict=True):
        used[start:target] = True
    values = np.where(used[:, None], found.values, np.nan)
    after = replace(before, scales=scaling.scales(values))
    assert_array_equal(after.shift, before.shift)
    assert_array_equal(after.scale, before.scale)
    assert not used.all()


# ---------------------------------------------------------------- tiny, huge, constant
@every_scaling
@pytest.mark.parametrize("unit", [1e-12, 1e-150, 1e12, 1e150])
def test_the_unit_of_the_values_does_not_matter(name, unit):
    if name is None:
        return
    one, other = (windows_of(found, name)[0] for found in (panel(), panel(unit)))
    varies = one.target_scale != 1
    assert varies.sum() > 8
    assert_allclose(other.target_shift, unit * one.target_shift, rtol=1e-9)
    assert_allclose(other.target_scale, np.where(varies, unit * one.target_scale, 1), rtol=1e-9)


@both
@every_scaling
@pytest.mark.parametrize("level", [0.0, 0.7, -1e-12, 1e12 / 7, -1e300])
def test_a_constant_has_its_value_as_shift_and_scale_one(backend, name, level):
    found = panel(unit=0.0, level=level)
    windows, _ = windows_of(found, name)
    assert_array_equal(windows.target_scale, np.ones((7, 2)))
    assert_array_equal(windows.target_shift, np.full((7, 2), 0.0 if name is None else level))
    if name is None:
        return
    a = Architecture(CELLS["lstm"], 5, 2, 2, MSE, 2, n_covariates=1, n_seasonal=1)
    inputs = np.hstack([found.values, np.zeros((len(found.values), 3))])
    known = replace(found, known=np.hstack([np.zeros((len(inputs), 1)), found.values]))
    data = (np.ones(a.size), known.inputs(), found.values, np.ones(found.values.shape))
    p = Problem(a, GEOMETRY, *data, windows_of(known, name)[0], np.zeros((1, 2, 2, 7)))
    zeros = replace(p, series=inputs * 0, targets=found.values * 0)
    zeros.windows = Windows(*(getattr(windows, n) for n in ("start", "length", "target", "series")), Scales.of_table(
        np.zeros((3, 5)), np.ones((3, 5)), np.zeros((3, 2)), np.ones((3, 2))
    ))  # fmt: skip
    assert_array_equal(run(p, backend).outputs, run(zeros, backend).outputs)


@every_scaling
def test_a_series_that_stays_equal_from_some_row_on(name):
    values = np.where(np.arange(40) < 20, np.random.default_rng(0).normal(5, 2, 40), 7.1)[:, None]
    found = Panel.of_one(values)
    scales = PanelScaling.fit(name, found).scales(values)
    windows = Windows.at(np.array([25]), np.array([0]), scales, Geometry(6))
    own = 1.0 if name in (None, "window") else PanelScaling.fit("standard", found).target.scale[0, 0]
    if name == "robust":
        own = np.subtract(*np.quantile(values, [0.75, 0.25]))
    assert_allclose(windows.target_scale, own, rtol=1e-12)
    if name in ("window", "last", "mean"):
        assert_array_equal(windows.target_shift, [[7.1]])


def test_an_interquartile_range_of_zero_gives_way_to_the_standard_deviation():
    values = np.where(np.arange(30) % 5 == 0, 1e12, 3.0)[:, None]
    fitted = SCALINGS["robust"]().fit(values, np.ones(values.shape, bool), np.array([0, 30]))
    assert_array_equal(fitted.mean, [[3.0]])
    assert_allclose(fitted.scale, values.std())


@pytest.mark.parametrize("name", ["standard", "robust", "pooled"])
def test_what_is_missing_does_not_count(name):
    found = panel()
    other = replace(found, values=np.where(found.observed, found.values, 1e6))
    for which in ("mean", "scale"):
        before, after = (getattr(PanelScaling.fit(name, p, 1).target, which) for p in (found, other))
        assert_allclose(after, before, rtol=1e-9)


@pytest.mark.parametrize("name", ["standard", "robust", "pooled", "last", "mean"])
def test_a_channel_without_observed_values_and_a_series_without_rows(name):
    values, observed = np.array([[1.0, 4], [3, 4], [5, 4]]), np.array([[True, False]] * 3)
    fitted = SCALINGS[name]().fit(values, observed, np.array([0, 3, 3]))
    assert_allclose(fitted.mean[0], [3, 4])
    assert_array_equal(fitted.scale[:, 1], [1, 1])
    of_empty = ([3, 4], [fitted.scale[0, 0], 1]) if name == "pooled" else ([0, 0], [1, 1])
    assert_allclose([fitted.mean[1], fitted.scale[1]], of_empty)


# ---------------------------------------------------------------- the unit of errors
@every_scaling
def test_errors_come_back_in_the_unit_of_their_context(name):
    values = 100 + np.random.default_rng(0).normal(0, 20, (30, 1))
    scaling = SCALINGS[name]().fit(values, np.ones(values.shape, bool), np.array([0, 30]))
    for context in (values, values[:5]):  # of more rows than a window's context, and of fewer
        errors, the_series = Errors(np.zeros((1, 3, 1)), np.zeros(1, int), scaling=scaling), np.zeros(1, int)
        offsets = errors.unscale(np.ones((1, 3, 1)), Panel.of_one(context), 8, 2, the_series, np.zeros((1, 1), int))
        unit = definition(name, [values[:, 0]], 0, context[-8:, 0])[1]
        assert_allclose(offsets, np.full((1, 2, 1), unit), rtol=1e-12)
