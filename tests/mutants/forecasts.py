"""The faults in forecasts and how sure they are, and in the models with closed forms."""

from __future__ import annotations

from .mutant import (
    AUTOREGRESSION,
    BASELINES,
    EDGES,
    ENSEMBLE,
    FORECASTERS,
    GAPS,
    LATENT,
    LIKELIHOODS,
    MISSING_LAGS,
    ORIGINS,
    PROMISES,
    RECENT_ERRORS,
    TRAINING,
    mutant,
)

MUTANTS = [
    # ---------------------------------------------------------------- autoregression
    mutant(
        "autoregression: the trend counts one step late", "linear/autoregression.py::reduce_rows",
        "part + 1.0", "part + 0.0", AUTOREGRESSION,
    ),
    mutant(
        "the AR variance lacks n / (n - k)", "linear/autoregression.py::Regression.solve",
        "sigma2 * n / np.maximum(n - k, 1)", "sigma2", PROMISES,
    ),
    mutant(
        "AR: paths by the mean square of the residuals", "linear/autoregression.py::Autoregression.forecast",
        "self.deviation * shocks", "self.sigma2**0.5 * shocks", PROMISES,
    ),
    mutant(
        "AR: rows with a missing value count as complete", "linear/conditioning.py::_Filter.latest_start",
        "np.diff(gaps) > longest", "np.diff(gaps) >= longest", MISSING_LAGS,
    ),
    mutant(
        "AR: the spread without the gap", "linear/conditioning.py::Past.spread",
        "np.column_stack([__of_shocks, responses])", "np.column_stack([__of_shocks])", EDGES,
    ),
    # ---------------------------------------------------------------- the latent model
    mutant(
        "filter: a value taken in twice", "kernels/kalman.py::kalman_filter", "error = y[t, c] - b[t, c] - __forecast",
        "error = 2 * y[t, c] - b[t, c] - __forecast", LATENT,
    ),
    mutant(
        "filter: a missing value is not left out", "kernels/kalman.py::kalman_filter",
        "if observed[t, c]:\n    error = __error\n    *__rest", "if True:\n    error = __error\n    *__rest", LATENT,
    ),
    mutant(
        "smoother: the noise of the states forgotten", "kernels/kalman.py::smooth_fixed",
        "dot(J[i], Q[j])", "0.0 * dot(J[i], Q[j])", LATENT,
    ),
    mutant(
        "EM: the states' lag forgotten", "linear/statespace.py::expected_sums", "smoothed.lag_cov.sum(last)", "0",
        LATENT,
    ),
    mutant(
        "EM: the spread of the states forgotten in the noise of the series", "linear/statespace.py::expected_sums",
        "hh[:, :n, :n] += __spread", "", LATENT,
    ),
    mutant(
        "EM: the spread of the states forgotten where a column has gaps", "linear/statespace.py::expected_sums",
        "hh[c, :n, :n] += __spread", "", LATENT,
    ),
    mutant(
        "EM: a column with gaps has the spread of all steps", "linear/statespace.py::expected_sums",
        "P.sum(seen[:, c])", "covariance", LATENT,
    ),
    mutant(
        "latent forecasts: the series' noise forgotten", "linear/statespace.py::predict", "__of_states + model.R",
        "__of_states", LATENT,
    ),
    mutant(
        "Q divided by one more step", "linear/statespace.py::maximise", "sums.of_states(G) / sums.steps",
        "sums.of_states(G) / (sums.steps + 1)", PROMISES,
    ),
    mutant(
        "R divided by one more value", "linear/statespace.py::maximise", "sums.of_series(H) / sums.values",
        "sums.of_series(H) / (sums.values + 1)", PROMISES,
    ),
    mutant(
        "the latent BIC counts rows", "estimators/latent.py::LatentARForecaster._fit_series",
        "int(rows.observed.sum())", "len(rows.values)", PROMISES,
    ),
    mutant(
        "the latent likelihood's units count rows", "linear/statespace.py::_log_jacobian", "observed.sum(axis=0)",
        "len(observed)", EDGES,
    ),
    mutant(
        "EM's tolerance counts rows", "linear/statespace.py::fit", "tol * observed.sum()", "tol * len(observed)", EDGES,
    ),
    mutant(
        "latent paths begin from known states", "linear/statespace.py::simulate", "z[:, None] + __spread",
        "z[:, None] + 0 * __spread", EDGES,
    ),
    # ---------------------------------------------------------------- distributions of a forecast
    mutant(
        "a path reads its first draw at every step", "forecasting/ancestral.py::paths",
        "some[:, :, k - 1]", "some[:, :, 0]", LIKELIHOODS,
    ),
    mutant(
        "trained quantiles as they come", "forecasting/distribution.py::quantiles", "uncrossed(parameters, loss.point)",
        "parameters", LIKELIHOODS,
    ),
    mutant(
        "a quantile near a trained one is accepted", "forecasting/distribution.py::quantiles", "1e-9", "0.05", TRAINING
    ),
    mutant(
        "direct: later blocks do not read the earlier ones",
        "forecasting/strategies/direct.py::Direct._block_after_block",
        "slice(first, first + length)", "slice(0, length)", FORECASTERS,
    ),
    mutant(
        "later blocks of paths forget what is known", "forecasting/strategies/direct.py::Direct._block_after_block",
        "np.where(unknown[first:last], values, steps)", "values", GAPS,
    ),
    mutant(
        "the conformal rank without its guard against rounding", "forecasting/conformal.py::ranked",
        "(n + 1) * coverage - 1e-9", "(n + 1) * coverage", PROMISES,
    ),
    mutant(
        "the errors after a fit see the next rows", "forecasting/recent.py::recent_errors",
        "place[:, None] + np.arange(__leads) >= __n", "place[:, None] + np.arange(__leads) > __n", ORIGINS,
    ),
    mutant(
        "the errors after a fit are one origin too old", "forecasting/recent.py::recent_errors",
        "(begin + n)[series] + place", "np.maximum((begin + n)[series] + place - 1, 0)", RECENT_ERRORS,
    ),
    mutant(
        "errors that were kept hold for any rows", "forecasting/recent.py::Kept.hold_for", "np.array_equal(__a, __b)",
        "__a is not None", RECENT_ERRORS,
    ),
    mutant(
        "the later rows of a rolled origin are known", "estimators/origins.py::_origin",
        "np.maximum(read.n_after[times], 0)", "np.zeros_like(read.n_after[times])", ORIGINS,
    ),
    mutant(
        "the conformal rank counts n errors", "forecasting/conformal.py::ranked", "(n + 1) * coverage", "n * coverage",
        PROMISES,
    ),
    mutant(
        "the errors of far leads grow in proportion", "forecasting/conformal.py::extended",
        "np.hypot(__a, __b)", "__a + __b", GAPS,
    ),
    mutant(
        "paths take the windows of errors in turn", "forecasting/conformal.py::ErrorWindows.paths",
        "rng.randint(len(whole), size=n_paths)", "np.arange(n_paths) % len(whole)", PROMISES,
    ),
    mutant(
        "the first steps for those wanted", "estimators/history.py::Origin.choose",
        "values[:, self.wanted]", "values[:, : len(self.wanted)]", EDGES,
    ),
    mutant(
        "intervals by the scale of the first rows", "forecasting/conformal.py::Errors.unscale",
        "np.maximum(end - length, 0)", "np.zeros_like(end)", TRAINING,
    ),
    # ---------------------------------------------------------------- contexts and gaps
    mutant(
        "update leaves the context where it was", "estimators/base.py::BaseForecaster._joined",
        "np.concatenate([before.values, new.values])",
        "np.concatenate([before.values, before.values[-n:]])", FORECASTERS,
    ),
    mutant(
        "an update's missing values count as observed", "estimators/base.py::BaseForecaster._joined",
        "np.concatenate([before.observed, new.observed])",
        "np.concatenate([before.observed, np.ones_like(new.observed)])", EDGES,
    ),
    mutant(
        "a forecast reads the start of the context", "forecasting/after_gaps.py::TrainedNetwork._start",
        "last[:, None] - length + np.arange(length)", "first[:, None] + np.arange(length)", FORECASTERS,
    ),
    mutant(
        "a gap at the end is carried on", "forecasting/after_gaps.py::TrainedNetwork._after_gap",
        "n - trailing(observed)", "n - 0 * trailing(observed)", GAPS,
    ),
    mutant(
        "an interval forgets the gap before it", "forecasting/conformal.py::Errors.unscale",
        "gaps[:, None] + np.arange(n_steps)[:, None]", "0 * gaps[:, None] + np.arange(n_steps)[:, None]", GAPS,
    ),
    mutant(
        "a gap is filled from where the context begins", "data/gaps.py::fill",
        "filled[start - length : start]", "filled[:length]", GAPS,
    ),
    # ---------------------------------------------------------------- baselines
    mutant(
        "seasonal naive: a change over several seasons counts as one", "linear/walks.py::SeasonalWalk.of",
        "np.diff(values)[is_pair] / np.sqrt(steps)", "np.diff(values)[is_pair]", BASELINES,
    ),
    mutant(
        "drift: the slope counts as known", "linear/walks.py::DriftWalk.spread",
        "steps * (1 + __of_slope)", "steps", BASELINES,
    ),
    mutant(
        "theta: the level's weight of the line forgotten", "kernels/theta.py::regress",
        "decay * A[before] + __slope", "A[before] + __slope", BASELINES,
    ),
    mutant(
        "theta: no bound on omega", "kernels/theta.py::regress", "min(max(__omega, 0.0), 1.0)", "__omega", BASELINES,
    ),
    mutant(
        "theta: the search ends with the grid", "kernels/theta.py::search", "range(GRID + 2 + STEPS)", "range(GRID)",
        BASELINES,
    ),
    mutant(
        "theta: the seasonal test without the lower lags", "kernels/theta.py::is_seasonal", "(1 + 2 * total) / n",
        "1 / n", BASELINES,
    ),
    mutant(
        "theta: the variance without the steps before", "linear/theta.py::Thetas.spread",
        "change @ covariance @ change.transpose(0, 2, 1) + gain * gain.transpose(0, 2, 1)", "covariance", BASELINES,
    ),
    # ---------------------------------------------------------------- ensembles
    mutant(
        "an ensemble without its weights", "forecasting/pooling.py::Pool.combined",
        "np.average(values, axis=0, weights=self.weights)", "np.average(values, axis=0)", ENSEMBLE,
    ),
    mutant(
        "the smallest remainders have a path more", "forecasting/pooling.py::Pool.n_paths", "counts - quotas",
        "quotas - counts", ENSEMBLE,
    ),
    mutant(
        "all members read a context in the same way", "estimators/combination.py::Combination._origin",
        "origin._replace(of_members=tuple(own))", "origin", ENSEMBLE,
    ),
    mutant(
        "an update only of the rows of the members", "estimators/combination.py::Combination._update_member",
        "member.update(y_new, X_new, static=static)", "None", ENSEMBLE,
    ),
    mutant(
        "a member that failed keeps its weight", "estimators/members.py::fit_member",
        "Member(name, described(member), None, 0.0, *__rest)",
        "Member(name, described(member), None, weight, *__rest)", ENSEMBLE,
    ),
    # ---------------------------------------------------------------- scores and labels
    mutant(
        "a score without the season", "estimators/base.py::BaseForecaster._scaled_error", "self.season_length_", "1",
        EDGES,
    ),
    mutant(
        "a score fills what is missing of the truth", "estimators/base.py::BaseForecaster._truth_and_forecast",
        "np.where(new.observed, new.values, np.nan)", "np.nan_to_num(new.values)", EDGES,
    ),
    mutant(
        "a score's scale fills what is missing", "estimators/base.py::BaseForecaster._scaled_error",
        "np.where(self._one_target().observed, self._one_target().values, np.nan)",
        "np.nan_to_num(self._one_target().values)", EDGES,
    ),
    mutant(
        "labels without tz_convert", "frame/compatibility.py::convert_labels", "labels.tz_convert(index.tz)", "labels",
        PROMISES,
    ),
    mutant(
        "periods of several months are counted singly", "frame/compatibility.py::_count_steps",
        "divmod(labels.asi8 - last.ordinal, freq.n)", "divmod(labels.asi8 - last.ordinal, 1)", EDGES,
    ),
]  # fmt: skip
