"""The faults in what the CPU computes, and in what is around it."""

from __future__ import annotations

from .mutant import (
    AUTOREGRESSION,
    DECODER,
    ENGINE,
    EQUATIONS,
    FORECASTERS,
    KERNELS,
    LATENT,
    LIKELIHOODS,
    SEQ2SEQ,
    mutant,
)

MUTANTS = [
    # ---------------------------------------------------------------- equations
    mutant(
        "LSTM: two gates swapped", "equations/lstm.py", "c = f * c_prev + i * g\n    return",
        "c = i * c_prev + f * g\n    return", EQUATIONS, KERNELS,
    ),
    mutant(
        "LSTM: a gradient's sign turned", "equations/lstm.py", "dg = dc * i", "dg = -dc * i", EQUATIONS, KERNELS,
    ),
    mutant(
        "LSTM: the output gate's gradient forgets the cell", "equations/lstm.py", "do = dh * k * o", "do = dh * o",
        EQUATIONS, KERNELS,
    ),
    mutant("LSTM: another gate gets the bias of one", "equations/lstm.py", '("f", 1.0)', '("i", 1.0)', ENGINE),
    mutant(
        "GRU: z and 1 - z swapped", "equations/gru.py", "return z, r, n, z * h_prev + (ONE - z) * n",
        "return z, r, n, (ONE - z) * h_prev + z * n", EQUATIONS, KERNELS,
    ),
    mutant(
        "GRU: reset forgotten before the product", "equations/gru.py", "return z, r, r * h_prev",
        "return z, r, h_prev", EQUATIONS, KERNELS,
    ),
    mutant(
        "GRU: the reset path of the gradient forgotten", "equations/gru.py", "dh + drh * r", "dh", EQUATIONS, KERNELS,
    ),
    mutant("squared error: half its derivative", "equations/losses.py", "e * e, e + e", "e * e, e", EQUATIONS),
    mutant(
        "pinball: the sign of its derivative", "equations/losses.py", "HALF - level - HALF * sign(e)",
        "level - HALF + HALF * sign(e)", EQUATIONS,
    ),
    mutant(
        "gaussian: the scale's derivative without its one", "equations/likelihoods.py", "-z * precision, ONE - z * z",
        "-z * precision, -z * z", EQUATIONS,
    ),
    mutant(
        "Student's t: the scale's derivative is the normal one", "equations/likelihoods.py", "ONE - pull * z * z",
        "ONE - z * z", LIKELIHOODS,
    ),
    mutant(
        "counts: a mean of zero", "equations/likelihoods.py",
        "p = at_least(p, -LIMIT)\n    mean = softplus(p)\n    return mean - y",
        "mean = softplus(p)\n    return mean - y", LIKELIHOODS,
    ),
    mutant(
        "gamma: two factors twice, and two not at all", "equations/gamma.py", "two_factors(y, r + FOUR)",
        "two_factors(y, r + SIX)", LIKELIHOODS,
    ),
    mutant("Adam: a bias correction forgotten", "equations/optimizers.py", "m / correction1", "m", EQUATIONS),
    mutant("random numbers: the counter ignored", "equations/random.py", "WEYL * (counter & MASK)", "WEYL", EQUATIONS),
    # ---------------------------------------------------------------- kernels
    mutant(
        "the row of ones is not set", "kernels/cpu.py", "layer, :, width] = 1", "layer, :, width] = 0", KERNELS,
    ),
    mutant(
        "the mask ignored forwards", "kernels/scan.py", "            if t < last_start:", "            if t < 0:",
        KERNELS,
    ),
    mutant(
        "the mask ignored backwards", "kernels/scan.py", "masked = t < last_start", "masked = t < 0", KERNELS,
    ),
    mutant(
        "weight gradient: a chunk loses its last step", "kernels/scan.py", "min(t + CHUNK, T)",
        "min(t + CHUNK, T - 1)", KERNELS,
    ),
    mutant(
        "the initial state ignored", "kernels/stack.py", "vector(state, layer * S * N, N)", "vector(state, 0, N)",
        KERNELS,
    ),
    mutant(
        "the learned initial state ignored", "kernels/stack.py", "theta[shape.state_at + r]", "0", KERNELS,
    ),
    mutant(
        "the head reads the state before the last observation", "kernels/stack.py",
        "(layer * X.shape[1] + t + 1) * X.shape[2] + ones", "(layer * X.shape[1] + t) * X.shape[2] + ones", KERNELS,
    ),
    mutant(
        "dropout: another mask backwards", "kernels/stack.py", "dropout, key, layer - 1, 0, shape.n_steps",
        "dropout, key, layer, 0, shape.n_steps", KERNELS,
    ),
    mutant(
        "the skip's lags end a step early", "kernels/stack.py", "matrix(x, (c * T + t - P + 1) * B, P, B)",
        "matrix(x, (c * T + t - P) * B, P, B)", KERNELS,
    ),
    mutant(
        "a free run feeds the wrong row back", "kernels/stack.py", "vector(out, rows[1, c] * B, B)",
        "vector(out, c * B, B)", KERNELS,
    ),
    mutant(
        "a free run feeds a location back for a mean", "kernels/stack.py", "softplus(values[b]) if shape.link == 1",
        "softplus(values[b]) if shape.link == 2", KERNELS,
    ),
    mutant(
        "a forward pass in parts leaves out a step", "kernels/stack.py", "T - n + k0 if k0 > 0",
        "T - n + k0 + 1 if k0 > 0", KERNELS,
    ),
    mutant(
        "the tile's number is no part of a lane's dropout", "kernels/stack.py", "np.uint64(tile * B + b)",
        "np.uint64(b)", KERNELS,
    ),
    mutant(
        "a window read one step late", "kernels/batch.py", "first = window_start[w] - late",
        "first = window_start[w] - late + 1", KERNELS,
    ),
    mutant(
        "targets one step late", "kernels/batch.py", "row = target_start[w] + k * stride + j",
        "row = min(target_start[w] + k * stride + j + 1, targets.shape[0] - 1)", KERNELS,
    ),
    mutant(
        "the weights of targets ignored", "kernels/batch.py", "weight[i, k, j * C + c, b] = observed[row, c]",
        "weight[i, k, j * C + c, b] = 1", KERNELS,
    ),
    mutant("clipping ignored", "kernels/batch.py", "if norm > clip:", "if norm > 1e9 * clip:", KERNELS, ENGINE),
    mutant(
        "the second tile's gradient forgotten", "kernels/batch.py", "for i in range(1, grad.shape[0])",
        "for i in range(2, grad.shape[0])", ENGINE,
    ),
    mutant(
        "a forecast reads the covariates of the step before", "kernels/batch.py", "series.shape[0]) - 1",
        "series.shape[0]) - 2", KERNELS,
    ),
    # ---------------------------------------------------------------- encoder and decoder
    mutant("the first step is not marked", "kernels/feed.py", "1 if k == 0 else 0", "0", DECODER),
    mutant(
        "every lane draws what it reads alike", "kernels/feed.py", "np.uint64(tile * fed.size + b)", "np.uint64(0)",
        DECODER,
    ),
    mutant(
        "a gradient passes through a detached forecast", "kernels/feed.py", "if shape.through:", "if True:", DECODER,
    ),
    mutant(
        "the link's derivative forgotten", "kernels/feed.py", "d[b] * sigmoid(location[b]) if", "d[b] if", DECODER,
    ),
    mutant(
        "attention to steps before the first", "kernels/attention.py", "if t >= starts[b] else ZERO",
        "if True else ZERO", DECODER,
    ),
    mutant(
        "softmax: its gradient without the mean", "kernels/attention.py", "(d[t, b] - mean)", "d[t, b]", DECODER,
    ),
    mutant(
        "the bridge's gradient: one kind of state for another", "kernels/bridge.py",
        "vector(ddecoder, (layer * S + s) * N, N)", "vector(ddecoder, layer * S * N, N)", DECODER,
    ),
    mutant(
        "parallel steps start one after the other", "kernels/bridge.py", "C, E + layer, 2 * k, s, h, False",
        "C, E + layer, 2 * min(k, 1), s, h, False", DECODER,
    ),
    mutant(
        "a segment's channels in another order", "kernels/feed.py", "(1 + c * s) * B, s * B)",
        "(1 + (I - 1 - c) * s) * B, s * B)", DECODER,
    ),
    mutant(
        "later outputs forecast the next step again", "kernels/batch.py", "row = target_start[w] + k * stride + j",
        "row = target_start[w] + k + j", DECODER,
    ),
    mutant(
        "the bridge starts from the bottom", "engine/network.py", "max(0, layer + n_before - n_after)",
        "min(layer, n_before - 1)", SEQ2SEQ,
    ),
    mutant(
        "teacher forcing is turned around", "engine/training.py", "1 - forcing.share(", "forcing.share(", SEQ2SEQ,
    ),
    mutant(
        "held-out data may narrow a distribution", "engine/biases.py", "[(0.0, BOUND)]",
        "[(-BOUND, BOUND)]", LIKELIHOODS,
    ),
    # ---------------------------------------------------------------- engine
    mutant(
        "a row holds its own covariates, not the next ones", "engine/windows.py", "np.arange(1, len(values) + 1)",
        "np.arange(len(values))", ENGINE,
    ),
    mutant(
        "unscaling forgets the scale", "engine/windows.py", "values * self.target_scale.reshape(shape) +", "values +",
        ENGINE,
    ),
    mutant(
        "a window's scale sees its first target", "engine/windows.py", "mean_and_scale(contexts[starts[chunk]])",
        "mean_and_scale(contexts[starts[chunk] + 1])", ENGINE,
    ),
    mutant(
        "the first target skipped", "engine/windows.py", "length, starts + geometry.context,",
        "length, starts + geometry.context + 1,", ENGINE,
    ),
    mutant(
        "the last block's point forecast fed back", "engine/parameters.py", "steps[0, :, self.loss.point]",
        "steps[-1, :, self.loss.point]", ENGINE,
    ),
    mutant(
        "a path reads its first draw at every step", "engine/ancestral.py", "some[:, k - 1])", "some[:, 0])",
        LIKELIHOODS,
    ),
    mutant(
        "the validation of a likelihood reads forecasts", "engine/training.py",
        "free_run = not self.network.architecture.loss.family", "free_run = True", LIKELIHOODS,
    ),
    mutant(
        "trained quantiles as they come", "engine/distribution.py",
        "ordered, trained = uncrossed(parameters, loss.point)", "ordered, trained = parameters", LIKELIHOODS,
    ),
    mutant(
        "Adam: the step counted one too many", "engine/training.py", "1 - adam.beta1**self.step",
        "1 - adam.beta1 ** (self.step + 1)", ENGINE,
    ),
    mutant(
        "the best parameters not kept", "engine/training.py", "if watch.kept is None else watch.kept",
        "if True else None", ENGINE,
    ),
    mutant(
        "patience counted one too long", "engine/training.py", ">= stopping.patience", "> stopping.patience", ENGINE,
    ),
    mutant(
        "weight decay acts on biases", "engine/network.py", "views[name][:, column] = 0", "views[name][:, column] = 1",
        ENGINE,
    ),
    mutant(
        "the ridge reads its lags in reverse", "engine/linear.py", "weights[:, :P], weights[:, P:]",
        "weights[:, :P][:, ::-1], weights[:, P:]", FORECASTERS,
    ),
    mutant(
        "direct: later blocks do not read the earlier ones", "engine/strategies/direct.py",
        "context=series[done:]", "context=series[:length]", FORECASTERS,
    ),
    mutant(
        "autoregression: the trend counts one step late", "engine/autoregression.py",
        "(n_before + 1 + np.arange(horizon))",
        "(n_before + np.arange(horizon))", AUTOREGRESSION,
    ),
    # ---------------------------------------------------------------- the latent model
    mutant("filter: a value taken in twice", "kernels/kalman.py", "error = y[t, c] -", "error = 2 * y[t, c] -", LATENT),
    mutant(
        "filter: a missing value is not left out", "kernels/kalman.py",
        "if observed[t, c]:\n                    error", "if True:\n                    error", LATENT,
    ),
    mutant(
        "smoother: the noise of the states forgotten", "kernels/kalman.py", "(P_all[t + 1, k, j] + Q[k, j])",
        "(P_all[t + 1, k, j])", LATENT,
    ),
    mutant(
        "EM: the states' lag forgotten", "engine/statespace.py", "smoothed.lag[1:].sum(axis=0)", "0", LATENT,
    ),
    mutant(
        "EM: the spread of the states forgotten in the noise of the series", "engine/statespace.py",
        "hh[:, :n, :n] +=", "hh[:, :n, :n] += 0 *", LATENT,
    ),
    mutant(
        "latent forecasts: the series' noise forgotten", "engine/statespace.py", "model.C) + model.R", "model.C)",
        LATENT,
    ),
    # ---------------------------------------------------------------- estimators
    mutant(
        "the scaling sees the validation tail", "estimators/forecasters.py",
        "values[:n_train], observed[:n_train], covariates[:n_train]", "values, observed, covariates", FORECASTERS,
    ),
    mutant(
        "a training window reaches into the tail", "estimators/forecasters.py", "np.arange(n_train - span + 1)",
        "np.arange(n_train - span + 2)", FORECASTERS,
    ),
    mutant(
        "update leaves the context where it was", "estimators/base.py",
        "= fill_gaps(values, filled),",
        "= fill_gaps(values, filled)[: len(self.context_)],", FORECASTERS,
    ),
    mutant(
        "a forecast reads the start of the context", "estimators/forecasters.py",
        "np.ascontiguousarray(origin.context[first:])",
        "np.ascontiguousarray(origin.context[: self.context_length_])", FORECASTERS,
    ),
]  # fmt: skip
