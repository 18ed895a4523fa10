"""Rows after the target that validate a training: `EarlyStopping(validation=...)`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from tsrnn import EarlyStopping, LSTMRegressor

from .forecasters import lstm, months, wave

Y, LATER = months(wave(110), name="y")[:90], months(wave(110), name="y")[90:]
X = pd.DataFrame({"x": np.cos(np.arange(114.0))}, pd.date_range("2000-01-01", periods=114, freq="MS"))
DAYS = pd.date_range("2024-01-01", periods=90)


def rows(first, last):
    """A long frame with a covariate, of the rows `first` to `last` - 1 of two series, the second one 10 days later."""
    parts = [
        pd.DataFrame({"unique_id": name, "ds": DAYS[first + lag : last + lag], "y": wave(70, seed=lag)[first:last]})
        for name, lag in (("b", 0), ("a", 10))
    ]
    return pd.concat(parts, ignore_index=True).assign(x=lambda table: np.cos(table.index.to_numpy() * 1.0))


def by(validation, **options):
    return lstm(early_stopping=EarlyStopping(validation=validation, **options))


def test_it_trains_on_all_of_the_target():
    fitted, all_of_it = by(LATER).fit(Y), lstm(early_stopping=False).fit(Y)
    assert_array_equal(fitted.loss_curve_, all_of_it.loss_curve_)
    assert len(fitted.validation_curve_) == 1 + len(fitted.loss_curve_)
    assert fitted.predict(3).index[0] == LATER.index[0]
    held_out = lstm(early_stopping=EarlyStopping(validation_size=20, refit_full=False)).fit(months(wave(110), name="y"))
    assert_array_equal(fitted.validation_curve_, held_out.validation_curve_)
    assert_array_equal(fitted.theta_, held_out.theta_)
    assert_array_equal(fitted.errors_.errors, held_out.errors_.errors)


def test_a_refit_trains_on_both():
    fitted = by(LATER, refit_full=True).fit(Y)
    held_out = lstm(early_stopping=EarlyStopping(validation_size=20, refit_full=True)).fit(months(wave(110), name="y"))
    assert_array_equal(fitted.theta_, held_out.theta_)
    pd.testing.assert_series_equal(fitted.predict(5), held_out.predict(5))


def test_covariates_of_one_series():
    fitted = by((X[90:110], LATER)).fit(X[:90], Y)
    held_out = lstm(early_stopping=EarlyStopping(validation_size=20, refit_full=False)).fit(X[:110], months(wave(110)))
    assert_array_equal(fitted.theta_, held_out.theta_)
    assert fitted.predict(X[90:94]).index[0] == LATER.index[0]
    with pytest.raises(ValueError, match=r"the covariates 'x'; pass those .* EarlyStopping\(validation=\(X, y\)\)"):
        by(LATER).fit(X[:90], Y)


@pytest.mark.parametrize("multivariate", ["joint", "independent"])
def test_wide_frames(multivariate):
    both = pd.DataFrame({"a": wave(110, 1), "b": wave(110, 2)}, X.index[:110])
    options = {"multivariate": multivariate, "target_transform": "log1p", "difference": 1}
    fitted = by(both[90:]).set_params(**options).fit(both[:90])
    stopping = EarlyStopping(validation_size=20, refit_full=False)
    held_out = lstm(early_stopping=stopping, **options).fit(both)
    assert_array_equal(fitted.theta_, held_out.theta_)
    assert fitted.predict(3).index[0] == X.index[90]


def test_panels():
    fitted = by(rows(50, 62)).fit(rows(0, 50), future=["x"])
    assert len(fitted.validation_curve_) == 1 + len(fitted.loss_curve_)
    assert_array_equal(fitted.loss_curve_, lstm(early_stopping=False).fit(rows(0, 50), future=["x"]).loss_curve_)
    assert fitted.predict(rows(50, 54))["ds"].tolist() == [*DAYS[50:54], *DAYS[60:64]]
    refitted = by(rows(50, 62), refit_full=True).fit(rows(0, 50), future=["x"])
    assert refitted.predict(rows(62, 66))["ds"].tolist() == [*DAYS[62:66], *DAYS[72:76]]
    one = by(rows(50, 62)[:12]).fit(rows(0, 50), future=["x"])  # of one of the series
    assert len(one.validation_curve_) == 1 + len(one.loss_curve_)


REFUSED = {
    "gap before": (LATER[1:], "validation"),
    "short": (LATER[:3], "validation has 3 observations .* window are 4; pass at least 4"),
    "columns": (pd.DataFrame({"a": LATER, "b": LATER}), "validation has 2 series"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case):
    validation, match = REFUSED[case]
    with pytest.raises(ValueError, match=match):
        by(validation).fit(Y)


def test_what_is_refused_of_panels():
    train = rows(0, 50).drop(columns="x")
    with pytest.raises(ValueError, match="validation has rows of series 'c', but the target of fit has none"):
        by(rows(50, 62).replace("b", "c").drop(columns="x")).fit(train)
    with pytest.raises(ValueError, match=r"validation: series 'b' begins at .*, where it must go on"):
        by(rows(51, 62).drop(columns="x")).fit(train)
    with pytest.raises(ValueError, match=r"validation has 3 observations of series 'a' of y .* at least 4"):
        by(rows(50, 53).drop(columns="x")).fit(train)


def test_arguments():
    with pytest.raises(ValueError, match=r"validation_size=3 holds out .* pass one of the two"):
        EarlyStopping(validation_size=3, validation=LATER)
    with pytest.raises(ValueError, match="tuple of 3"):
        EarlyStopping(validation=(1, 2, 3))
    with pytest.raises(ValueError, match="is for forecasters; use validation_size"):
        LSTMRegressor(early_stopping=EarlyStopping(validation=LATER)).fit(np.eye(20), np.arange(20.0))


def test_it_can_be_shown_and_cloned():
    stopping = EarlyStopping(validation=(X, LATER))
    assert repr(stopping).endswith("refit_full=None, validation=(<DataFrame>, <Series>))")
    assert stopping == EarlyStopping(validation=(X, LATER[1:]))
    assert "<Series>" in repr(by(LATER))
    pd.testing.assert_series_equal(clone(by(LATER)).early_stopping.validation, LATER)
