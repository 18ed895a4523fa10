"""Covariates with missing values: what stands for them, and the inputs that say so."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tsrnn import ARForecaster, GRUForecaster
from tsrnn.data.completion import Completion
from tsrnn.data.panel import Panel

from .forecasters import months, wave

NAN = np.nan
#: Two series of three and two rows; the second covariate is never missing.
VALUES = np.array([[NAN, 1], [2, 2], [NAN, 3], [NAN, 4], [NAN, 5]])
INDPTR = np.array([0, 3, 5])


def test_a_missing_value_is_the_last_one_of_its_series():
    """Before the first known value stands that one; for a series without any, the mean of all."""
    completed = Completion.learn(VALUES).complete(VALUES, INDPTR)
    assert_array_equal(completed, [[2, 1, 0], [2, 2, 1], [2, 3, 0], [2, 4, 0], [2, 5, 0]])


def test_rows_go_on_from_those_before():
    completion = Completion.learn(VALUES)
    completed = completion.complete(VALUES, INDPTR, np.array([[7.0, 0], [NAN, 0]]))
    assert_array_equal(completed[:, 0], [7, 2, 2, 2, 2])
    panel = Panel(np.zeros((5, 1)), np.ones((5, 1), bool), completion.complete(VALUES, INDPTR), INDPTR)
    ahead = completion.complete_ahead(np.array([[[NAN, 1], [8, NAN]], [[9, 1], [NAN, NAN]]]), panel, panel.known)
    assert_array_equal(ahead, [[[2, 1, 0], [8, 1, 1]], [[9, 1, 1], [9, 1, 0]]])


def test_only_covariates_that_were_missing_have_a_mask():
    completion = Completion.learn(VALUES)
    assert_array_equal(completion.is_masked, [True, False])
    assert completion.n_outputs == 3


@pytest.mark.parametrize(
    "forecaster",
    [
        ARForecaster(lags=3),
        GRUForecaster(horizon=3, context_length=8, hidden_size=3, max_epochs=2, random_state=0),
        GRUForecaster(horizon=3, context_length=8, hidden_size=3, max_epochs=2, random_state=0, strategy="recursive"),
    ],
    ids=["AR", "direct", "recursive"],
)
def test_forecasters_read_covariates_with_gaps(forecaster):
    """A missing value is not the same as the one that stands for it; updates go on from the last known one."""
    y = months(wave(60))
    x = (np.arange(60) % 4 == 0).astype(float)[:, None]
    gappy = x.copy()
    gappy[10:20] = NAN
    forecaster.fit(gappy[:50], y.to_numpy()[:50])
    known, unknown = np.zeros((3, 1)), np.full((3, 1), NAN)
    assert forecaster.covariates_.shape == (50, 2)
    assert (forecaster.predict(known) != forecaster.predict(unknown)).all()
    forecaster.update(y.to_numpy()[50:52], [[1.0], [NAN]])
    assert_array_equal(forecaster.covariates_[50:], [[1, 1], [1, 0]])
    assert np.isfinite(forecaster.predict(unknown)).all()
