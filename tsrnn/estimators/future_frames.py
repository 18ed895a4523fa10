"""Frames of the steps to forecast, to be filled in with the covariates that are known ahead."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .. import frame
from ..checks import Anything, shown, whole
from ..frame.future import Forecasts
from .base import BaseForecaster


def make_future(
    model_or_panel: Anything,
    horizon: int | None = None,
    *,
    id: Hashable | list[Hashable] = None,
    time: Hashable = None,
    target: Hashable = None,
    freq: Anything = None,
    future: Sequence[Hashable] | None = None,
) -> Forecasts:
    """Return a frame of the steps after the end of each series, to be filled in with covariates known ahead.

    Parameters
    ----------
    model_or_panel : fitted forecaster, or data
        A forecaster that was fitted with covariates known ahead; or data that `fit` takes as a target: one series, a
        wide table or a panel.
    horizon : int, optional
        Number of steps; by default the `horizon` of the forecaster. Data need it.
    id, time, target, freq
        How data are read, as in `fit`; a forecaster knows them. All of them but `freq` are for panels.
    future : list of hashable, optional
        Names of the covariates known ahead, for data; by default the frame has no columns of covariates.

    Returns
    -------
    DataFrame or table of another library
        For a panel a row for each series and step, the ids in order of first appearance: a long table with columns of
        ids and times, or two index levels if the panel has them, of the library of the panel. For one series a row for
        each step, with its labels. NaN in a column for each covariate; filled in, it is what `predict` takes.

    Raises
    ------
    TypeError, ValueError
        If the forecaster is not fitted or has no covariates known ahead, the data are not accepted, or `horizon` is no
        number of steps.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.date_range("2024-05-01", periods=3)
    >>> panel = pd.DataFrame({"unique_id": ["a"] * 3 + ["b"] * 2, "ds": [*days, *days[:2]], "y": [1.0, 2, 3, 4, 5]})
    >>> make_future(panel, 1, future=["price"])
      unique_id         ds  price
    0         a 2024-05-04    NaN
    1         b 2024-05-03    NaN
    """
    if isinstance(model_or_panel, BaseForecaster):
        for name, given in (("id", id), ("time", time), ("target", target), ("freq", freq), ("future", future)):
            if given is not None:
                raise ValueError(
                    f"{name}={shown(given)} is for data, but a fitted {type(model_or_panel).__name__} has its own; "
                    "leave it out"
                )
        return _of_forecaster(model_or_panel, horizon)
    n = _steps(horizon)
    if isinstance(future, str | bytes) or not isinstance(future, Sequence | None):
        raise TypeError(f"future={shown(future)} must be a list of names of columns")
    names = list(future or ())
    if not frame.is_panel(model_or_panel, id):
        for name, given in (("time", time), ("target", target)):
            if given is not None:
                raise ValueError(
                    f"{name}={shown(given)} is for panels, but these data are one series or a wide table; leave it "
                    "out, or name the column of ids with id="
                )
        one = frame.read_target(model_or_panel, name="model_or_panel", freq=freq, allow_missing=True)
        return frame.empty_table(one, frame.future_index(one.index, n), names)
    panel = frame.read_bare_panel(
        model_or_panel, id=id, time=time, target=target, freq=freq, beside=names, name="model_or_panel"
    )
    if not panel.has_steps:
        raise ValueError("no frequency fits all times of model_or_panel; pass it as freq=, such as freq='D'")
    return frame.empty_panel_table(panel, np.arange(len(panel)), panel.end[:, None] + np.arange(n), names)


def _of_forecaster(forecaster: BaseForecaster, horizon: Anything) -> Forecasts:
    """The frame of a fitted forecaster."""
    check_is_fitted(forecaster)
    n, names = whole("horizon", forecaster.horizon if horizon is None else horizon), forecaster.covariate_names_
    if not names:
        raise ValueError(
            f"this {type(forecaster).__name__} was fitted without covariates known ahead, so that there is nothing to "
            f"fill in; forecast with predict({n})"
        )
    if not isinstance(forecaster.target_, frame.PanelTarget) or forecaster.target_.wide is not None:
        return frame.empty_table(forecaster._one_target(), frame.future_index(forecaster.index_, n), names)
    series = np.sort(forecaster._order)  # those that `predict` forecasts: not the skipped ones
    return frame.empty_panel_table(
        forecaster.target_, series, forecaster.target_.end[series, None] + np.arange(n), names
    )


def _steps(horizon: Anything) -> int:
    """The horizon for data, which have none of their own."""
    if horizon is None:
        raise TypeError("make_future needs a horizon for data, such as make_future(data, 12); or pass a forecaster")
    return whole("horizon", horizon)
