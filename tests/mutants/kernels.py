"""The faults in equations and kernels, as the CPU computes them."""

from __future__ import annotations

from .mutant import DECODER, ENGINE, EQUATIONS, KERNELS, LIKELIHOODS, PROMISES, mutant

MUTANTS = [
    # ---------------------------------------------------------------- equations
    mutant(
        "LSTM: two gates swapped", "cells/lstm.py::lstm", "f * c_prev + i * g", "i * c_prev + f * g", EQUATIONS,
        KERNELS,
    ),
    mutant(
        "LSTM: a gradient's sign turned", "cells/lstm.py::lstm_gradient", "dc * i", "-dc * i", EQUATIONS, KERNELS,
    ),
    mutant(
        "LSTM: the output gate's gradient forgets the cell", "cells/lstm.py::lstm_gradient", "dh * k * o", "dh * o",
        EQUATIONS, KERNELS,
    ),
    mutant("LSTM: another gate gets the bias of one", "cells/lstm.py::", '("f", 1.0)', '("i", 1.0)', ENGINE),
    mutant(
        "GRU: z and 1 - z swapped", "cells/gru.py::gru", "z * h_prev + (ONE - z) * n", "(ONE - z) * h_prev + z * n",
        EQUATIONS, KERNELS,
    ),
    mutant(
        "GRU: reset forgotten before the product", "cells/gru.py::gru_gates", "r * h_prev", "h_prev", EQUATIONS,
        KERNELS,
    ),
    mutant(
        "GRU: the reset path of the gradient forgotten", "cells/gru.py::gru_gates_gradient", "dh + drh * r", "dh",
        EQUATIONS, KERNELS,
    ),
    mutant("squared error: half its derivative", "losses/squared.py::mse", "e + e", "e", EQUATIONS),
    mutant(
        "pinball: the sign of its derivative", "losses/pinball.py::pinball", "HALF - level - HALF * sign(e)",
        "level - HALF + HALF * sign(e)", EQUATIONS,
    ),
    mutant(
        "gaussian: the scale's derivative without its one", "losses/gaussian.py::gaussian", "ONE - z * z",
        "-z * z", EQUATIONS,
    ),
    mutant(
        "Student's t: the scale's derivative is the normal one", "losses/student_t.py::student_t",
        "ONE - pull * z * z", "ONE - z * z", LIKELIHOODS,
    ),
    mutant("counts: a mean of zero", "losses/poisson.py::poisson", "p = at_least(p, -LIMIT)", "", LIKELIHOODS),
    mutant(
        "gamma: two factors twice, and two not at all", "functions/gamma.py::log_rising", "two_factors(y, r + FOUR)",
        "two_factors(y, r + SIX)", LIKELIHOODS,
    ),
    mutant("Adam: a bias correction forgotten", "functions/optimizers.py::adam", "m / correction1", "m", EQUATIONS),
    mutant(
        "random numbers: the counter ignored", "functions/random.py::fold", "WEYL * (counter & MASK)", "WEYL",
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
        "softmax without its largest score", "kernels/attention.py::softmax", "exp(weights[t, b] - largest)",
        "exp(weights[t, b])", PROMISES,
    ),
    mutant(
        "softmax: the largest of nothing is zero", "kernels/attention.py::softmax", "largest = weights[n - 1, b]",
        "largest = ZERO", PROMISES,
    ),
]  # fmt: skip
