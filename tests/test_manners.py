"""Manners of scikit-learn's estimators that the forecasters keep, also after a fit to a panel."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from tsrnn import ARForecaster, LatentARForecaster, LSTMForecaster, make_future

N = 30
RNG = np.random.default_rng(0)
PANEL = pd.DataFrame(
    {
        "unique_id": np.repeat(["b", "a"], N),
        "ds": np.tile(pd.date_range("2024-01-01", periods=N), 2),
        "y": RNG.normal(size=2 * N).cumsum(),
        "price": RNG.normal(size=2 * N),
    }
)
SERIES = PANEL[:N].set_index("ds")["y"].asfreq("D")
PRICE = PANEL[:N].set_index("ds")[["price"]].asfreq("D")
FORECASTERS = [ARForecaster, LatentARForecaster, LSTMForecaster]


@pytest.fixture(scope="module")
def fitted():
    """A network fitted to a panel with a covariate."""
    return LSTMForecaster(horizon=3, max_epochs=2, hidden_size=2, random_state=0).fit(PANEL, future=["price"])


def test_a_pickled_forecaster_of_a_panel_forecasts_the_same(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    X = make_future(again, 4).fillna(1.0)
    pd.testing.assert_frame_equal(again.predict(X), fitted.predict(X), check_exact=True)
    pd.testing.assert_frame_equal(again.predict_interval(X, 0.5), fitted.predict_interval(X, 0.5), check_exact=True)
    assert again.get_params() == fitted.get_params()


def test_a_clone_has_the_arguments_and_no_fit(fitted):
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(ValueError, match="not fitted"):
        check_is_fitted(copy)
    copy.fit(PANEL, future=["price"])
    X = make_future(copy).fillna(0.0)
    pd.testing.assert_frame_equal(copy.predict(X), fitted.predict(X), check_exact=True)


def test_set_params(fitted):
    copy = clone(fitted).set_params(horizon=5, hidden_size=3)
    assert (copy.get_params()["horizon"], copy.hidden_size) == (5, 3)
    assert (fitted.horizon, fitted.hidden_size) == (3, 2)
    assert len(copy.fit(PANEL, future=["price"]).predict(make_future(copy).fillna(0.0))) == 10
    with pytest.raises(ValueError, match="Invalid parameter 'horizn'"):
        copy.set_params(horizn=3)


def test_the_representations_of_a_fitted_forecaster(fitted):
    """scikit-learn reads every attribute that `dir` names to list them, so none may raise."""
    html = fitted._repr_html_()
    assert "LSTMForecaster" in html
    assert "theta_" in dir(fitted)
    assert repr(fitted) == "LSTMForecaster(hidden_size=2, horizon=3, max_epochs=2, random_state=0)"
    assert "ARForecaster" in ARForecaster().fit(SERIES)._repr_html_()


@pytest.mark.parametrize("forecaster", FORECASTERS)
def test_tags(forecaster):
    tags = get_tags(forecaster())
    assert not tags.target_tags.required
    assert tags.target_tags.multi_output
    assert tags.input_tags.one_d_array
    assert tags.input_tags.allow_nan
    assert tags.requires_fit
    assert tags.estimator_type is None  # neither a regressor nor a classifier: rows of X are not independent


def test_names_of_the_covariates(fitted):
    assert fitted.feature_names_in_.dtype == object
    assert fitted.feature_names_in_.tolist() == ["price"]
    assert fitted.n_features_in_ == 1
    one = ARForecaster().fit(PRICE, SERIES)
    assert one.feature_names_in_.tolist() == ["price"]
    for X in (PRICE.to_numpy(), PRICE.set_axis([1], axis=1)):  # no names, or names that are no text
        assert not hasattr(one.fit(X, SERIES), "feature_names_in_")
        one.fit(PRICE, SERIES)
    assert not hasattr(one.fit(SERIES), "feature_names_in_")  # it is gone after a fit without covariates
    assert not hasattr(ARForecaster().fit(SERIES.to_frame()), "feature_names_in_")  # the target is no feature
