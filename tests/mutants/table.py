"""The faults in what the CPU computes, and in what is around it."""

from __future__ import annotations

from .mutant import (
    AUTOREGRESSION,
    DECODER,
    ENGINE,
    EQUATIONS,
    FORECASTERS,
    GAPS,
    KERNELS,
    LATENT,
    LIKELIHOODS,
    SEQ2SEQ,
    mutant,
)

MUTANTS = [
    # ---------------------------------------------------------------- equations
    mutant(
        "LSTM: two gates swapped", "equations/lstm.py::lstm", "f * c_prev + i * g", "i * c_prev + f * g", EQUATIONS,
        KERNELS,
    ),
    mutant(
        "LSTM: a gradient's sign turned", "equations/lstm.py::lstm_gradient", "dc * i", "-dc * i", EQUATIONS, KERNELS,
    ),
    mutant(
        "LSTM: the output gate's gradient forgets the cell", "equations/lstm.py::lstm_gradient", "dh * k * o", "dh * o",
        EQUATIONS, KERNELS,
    ),
    mutant("LSTM: another gate gets the bias of one", "equations/lstm.py::", '("f", 1.0)', '("i", 1.0)', ENGINE),
    mutant(
        "GRU: z and 1 - z swapped", "equations/gru.py::gru", "z * h_prev + (ONE - z) * n", "(ONE - z) * h_prev + z * n",
        EQUATIONS, KERNELS,
    ),
    mutant(
        "GRU: reset forgotten before the product", "equations/gru.py::gru_gates", "r * h_prev", "h_prev", EQUATIONS,
        KERNELS,
    ),
    mutant(
        "GRU: the reset path of the gradient forgotten", "equations/gru.py::gru_gates_gradient", "dh + drh * r", "dh",
        EQUATIONS, KERNELS,
    ),
    mutant("squared error: half its derivative", "equations/losses.py::mse", "e + e", "e", EQUATIONS),
    mutant(
        "pinball: the sign of its derivative", "equations/losses.py::pinball", "HALF - level - HALF * sign(e)",
        "level - HALF + HALF * sign(e)", EQUATIONS,
    ),
    mutant(
        "gaussian: the scale's derivative without its one", "equations/likelihoods.py::gaussian", "ONE - z * z",
        "-z * z", EQUATIONS,
    ),
    mutant(
        "Student's t: the scale's derivative is the normal one", "equations/likelihoods.py::student_t",
        "ONE - pull * z * z", "ONE - z * z", LIKELIHOODS,
    ),
    mutant("counts: a mean of zero", "equations/likelihoods.py::poisson", "p = at_least(p, -LIMIT)", "", LIKELIHOODS),
    mutant(
        "gamma: two factors twice, and two not at all", "equations/gamma.py::log_rising", "two_factors(y, r + FOUR)",
        "two_factors(y, r + SIX)", LIKELIHOODS,
    ),
    mutant("Adam: a bias correction forgotten", "equations/optimizers.py::adam", "m / correction1", "m", EQUATIONS),
    mutant(
        "random numbers: the counter ignored", "equations/random.py::fold", "WEYL * (counter & MASK)", "WEYL",
        EQUATIONS,
    ),
    # ---------------------------------------------------------------- kernels
    mutant(
        "the row of ones is not set", "kernels/cpu.py::CpuBackend.workspace", "made['X'][*__at] = 1",
        "made['X'][*__at] = 0", KERNELS,
    ),
    mutant(
        "the mask ignored forwards", "kernels/scan.py::scan", "if t < last_start: *__masked", "if t < 0: *__masked",
        KERNELS,
    ),
    mutant("the mask ignored backwards", "kernels/scan.py::bptt", "masked = t < last_start", "masked = t < 0", KERNELS),
    mutant(
        "weight gradient: a chunk loses its last step", "kernels/scan.py::bptt", "min(t + CHUNK, T)",
        "min(t + CHUNK, T - 1)", KERNELS,
    ),
    mutant(
        "the initial state ignored", "kernels/stack.py::set_initial_state", "vector(state, layer * S * N, N)",
        "vector(state, 0, N)", KERNELS,
    ),
    mutant(
        "the learned initial state ignored", "kernels/stack.py::set_initial_state", "theta[shape.state_at + r]", "0",
        KERNELS,
    ),
    mutant(
        "the head reads the state before the last observation", "kernels/stack.py::top_operand",
        "layer * X.shape[1] + t + 1", "layer * X.shape[1] + t", KERNELS,
    ),
    mutant(
        "dropout: another mask backwards", "kernels/stack.py::backward",
        "drop_gradient(dY, dropout, key, layer - 1, *__to)", "drop_gradient(dY, dropout, key, layer, *__to)", KERNELS,
    ),
    mutant(
        "the skip's lags end a step early", "kernels/stack.py::add_linear", "matrix(x, (c * T + t - P + 1) * B, P, B)",
        "matrix(x, (c * T + t - P) * B, P, B)", KERNELS,
    ),
    mutant(
        "a free run feeds the wrong row back", "kernels/stack.py::feed_back", "vector(out, rows[1, c] * B, B)",
        "vector(out, c * B, B)", KERNELS,
    ),
    mutant(
        "a free run feeds a location back for a mean", "kernels/stack.py::feed_back", "shape.link == 1",
        "shape.link == 2", KERNELS,
    ),
    mutant(
        "a forward pass in parts leaves out a step", "kernels/stack.py::forward", "T - n + k0", "T - n + k0 + 1",
        KERNELS,
    ),
    mutant(
        "the tile's number is no part of a lane's dropout", "kernels/stack.py::drop", "np.uint64(tile * B + b)",
        "np.uint64(b)", KERNELS,
    ),
    mutant(
        "a window read one step late", "kernels/batch.py::gather", "window_start[w] - late",
        "window_start[w] - late + 1", KERNELS,
    ),
    mutant(
        "targets one step late", "kernels/batch.py::gather_targets", "target_start[w] + k * stride + j",
        "min(target_start[w] + k * stride + j + 1, targets.shape[0] - 1)", KERNELS,
    ),
    mutant(
        "the weights of targets ignored", "kernels/batch.py::gather_targets", "weight[*__at] = observed[row, c]",
        "weight[*__at] = 1", KERNELS,
    ),
    mutant("clipping ignored", "kernels/batch.py::update", "norm > clip", "norm > 1e9 * clip", KERNELS, ENGINE),
    mutant(
        "the second tile's gradient forgotten", "kernels/batch.py::update", "range(1, grad.shape[0])",
        "range(2, grad.shape[0])", ENGINE,
    ),
    mutant(
        "a forecast reads the covariates of the step before", "kernels/batch.py::gather_ahead",
        "min(__row, series.shape[0]) - 1", "min(__row, series.shape[0]) - 2", KERNELS,
    ),
    # ---------------------------------------------------------------- encoder and decoder
    mutant("the first step is not marked", "kernels/feed.py::read_step", "1 if k == 0 else 0", "0", DECODER),
    mutant(
        "every lane draws what it reads alike", "kernels/feed.py::draw_fed", "np.uint64(tile * fed.size + b)",
        "np.uint64(0)", DECODER,
    ),
    mutant(
        "a gradient passes through a detached forecast", "kernels/feed.py::feed_segment_gradient",
        "if shape.through: *__body", "if True: *__body", DECODER,
    ),
    mutant(
        "the link's derivative forgotten", "kernels/feed.py::feed_segment_gradient", "d[b] * sigmoid(location[b])",
        "d[b]", DECODER,
    ),
    mutant("attention to steps before the first", "kernels/attention.py::softmax", "t >= starts[b]", "True", DECODER),
    mutant(
        "softmax: its gradient without the mean", "kernels/attention.py::softmax_gradient", "d[t, b] - mean", "d[t, b]",
        DECODER,
    ),
    mutant(
        "the bridge's gradient: one kind of state for another", "kernels/bridge.py::cross_over_gradient",
        "vector(ddecoder, (layer * S + s) * N, N)", "vector(ddecoder, layer * S * N, N)", DECODER,
    ),
    mutant(
        "parallel steps start one after the other", "kernels/bridge.py::cross_over",
        "copy_state(*__from, 2 * k, s, h, False)", "copy_state(*__from, 2 * min(k, 1), s, h, False)", DECODER,
    ),
    mutant(
        "a segment's channels in another order", "kernels/feed.py::take_segment",
        "vector(operand, (1 + c * s) * B, s * B)", "vector(operand, (1 + (I - 1 - c) * s) * B, s * B)", DECODER,
    ),
    mutant(
        "later outputs forecast the next step again", "kernels/batch.py::gather_targets",
        "target_start[w] + k * stride + j", "target_start[w] + k + j", DECODER,
    ),
    mutant(
        "the bridge starts from the bottom", "engine/network.py::_level_with_the_top",
        "max(0, layer + n_before - n_after)", "min(layer, n_before - 1)", SEQ2SEQ,
    ),
    mutant(
        "teacher forcing is turned around", "engine/training.py::_Stepper._update", "1 - forcing.share(*__at)",
        "forcing.share(*__at)", SEQ2SEQ,
    ),
    mutant(
        "held-out data may narrow a distribution", "engine/biases.py::Outcomes.widening", "(0.0, BOUND)",
        "(-BOUND, BOUND)", LIKELIHOODS,
    ),
    # ---------------------------------------------------------------- engine
    mutant(
        "a row holds its own covariates, not the next ones", "engine/windows.py::with_covariates",
        "np.arange(1, values.shape[-2] + 1)", "np.arange(values.shape[-2])", ENGINE,
    ),
    mutant(
        "unscaling forgets the scale", "engine/windows.py::Windows.unscale",
        "values * self.target_scale.reshape(shape)", "values", ENGINE,
    ),
    mutant(
        "a window's scale sees its first target", "engine/windows.py::WindowScaling.of_windows",
        "contexts[starts[chunk]]", "contexts[starts[chunk] + 1]", ENGINE,
    ),
    mutant(
        "the first target skipped", "engine/windows.py::SeriesScaling.windows", "starts + geometry.context",
        "starts + geometry.context + 1", ENGINE,
    ),
    mutant(
        "the last block's point forecast fed back", "engine/parameters.py::Architecture._rows",
        "steps[0, :, self.loss.point]", "steps[-1, :, self.loss.point]", ENGINE,
    ),
    mutant(
        "a path reads its first draw at every step", "engine/ancestral.py::paths", "some[:, k - 1]", "some[:, 0]",
        LIKELIHOODS,
    ),
    mutant(
        "the validation of a likelihood reads forecasts", "engine/training.py::_Watch.after",
        "not self.network.architecture.loss.family", "True", LIKELIHOODS,
    ),
    mutant(
        "trained quantiles as they come", "engine/distribution.py::quantiles", "uncrossed(parameters, loss.point)",
        "parameters", LIKELIHOODS,
    ),
    mutant(
        "Adam: the step counted one too many", "engine/training.py::_Stepper._update", "1 - adam.beta1**self.step",
        "1 - adam.beta1 ** (self.step + 1)", ENGINE,
    ),
    mutant(
        "the best parameters not kept", "engine/training.py::minimise", "__last if watch.kept is None else watch.kept",
        "__last", ENGINE,
    ),
    mutant(
        "patience counted one too long", "engine/training.py::_Watch.after", "__waited >= stopping.patience",
        "__waited > stopping.patience", ENGINE,
    ),
    mutant(
        "weight decay acts on biases", "engine/network.py::Network.decays", "views[name][:, column] = 0",
        "views[name][:, column] = 1", ENGINE,
    ),
    mutant(
        "the ridge reads its lags in reverse", "engine/linear.py::ridge_start", "np.split(weights, [P, P + S], axis=1)",
        "np.split(weights[:, ::-1], [P, P + S], axis=1)", FORECASTERS,
    ),
    mutant(
        "direct: later blocks do not read the earlier ones", "engine/strategies/direct.py::Direct._block_after_block",
        "slice(first, first + length)", "slice(0, length)", FORECASTERS,
    ),
    mutant(
        "autoregression: the trend counts one step late", "engine/autoregression.py::reduce_rows",
        "part + 1.0", "part + 0.0", AUTOREGRESSION,
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
        "EM: the states' lag forgotten", "engine/statespace.py::expected_sums", "smoothed.lag.sum(last)", "0", LATENT,
    ),
    mutant(
        "EM: the spread of the states forgotten in the noise of the series", "engine/statespace.py::expected_sums",
        "hh[:, :n, :n] += __spread", "", LATENT,
    ),
    mutant(
        "latent forecasts: the series' noise forgotten", "engine/statespace.py::predict", "__of_states + model.R",
        "__of_states", LATENT,
    ),
    # ---------------------------------------------------------------- estimators
    mutant(
        "the scaling sees the validation tail", "estimators/forecasters.py::_plan",
        "fit_scaling(values[:n_train], observed[:n_train], covariates[:n_train])",
        "fit_scaling(values, observed, covariates)", FORECASTERS,
    ),
    mutant(
        "a training window reaches into the tail", "estimators/forecasters.py::_plan", "np.arange(n_train - span + 1)",
        "np.arange(n_train - span + 2)", FORECASTERS,
    ),
    mutant(
        "update leaves the context where it was", "estimators/base.py::BaseForecaster.update",
        "fill_gaps(values, filled)", "fill_gaps(values, filled)[: len(self.context_)]", FORECASTERS,
    ),
    mutant(
        "a forecast reads the start of the context", "estimators/forecasters.py::RecurrentForecaster._by_strategy",
        "values[first - length : first]", "values[:length]", FORECASTERS,
    ),
    mutant(
        "a gap at the end is carried on", "estimators/forecasters.py::RecurrentForecaster._by_strategy",
        "len(origin.context) - trailing(origin.observed)", "len(origin.context) - 0 * trailing(origin.observed)", GAPS,
    ),
    mutant(
        "an interval forgets the gap before it", "estimators/forecasters.py::RecurrentForecaster._of_leads",
        "trailing(origin.observed) + np.arange(origin.n_steps)[:, None]",
        "0 * trailing(origin.observed) + np.arange(origin.n_steps)[:, None]", GAPS,
    ),
    mutant(
        "a gap is filled from where the context begins", "engine/gaps.py::fill",
        "filled[start - length : start]", "filled[:length]", GAPS,
    ),
    mutant(
        "the errors of far leads grow in proportion", "engine/conformal.py::_extended",
        "np.hypot(__a, __b)", "__a + __b", GAPS,
    ),
    mutant(
        "later blocks of paths forget what is known", "engine/strategies/direct.py::Direct._block_after_block",
        "np.where(unknown[first:last], values, steps)", "values", GAPS,
    ),
]  # fmt: skip
