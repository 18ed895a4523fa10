"""The faults in equations and kernels, as the CPU computes them."""

from __future__ import annotations

from .mutant import DECAY, DECODER, ENGINE, EQUATIONS, KERNELS, LIKELIHOODS, PROMISES, SCALING, STATIC, mutant

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
        "the row of ones is not set", "kernels/cpu.py::CpuBackend.workspace", "arrays[OPERANDS][*__at] = 1",
        "arrays[OPERANDS][*__at] = 0", KERNELS,
    ),
    mutant(
        "the mask ignored forwards", "parts/recurrent.py::scan", "if t < last_start: *__masked",
        "if t < 0: *__masked", KERNELS,
    ),
    mutant(
        "the mask ignored backwards", "parts/recurrent.py::bptt", "masked = t < last_start", "masked = t < 0", KERNELS,
    ),
    mutant(
        "weight gradient: a chunk loses its last step", "parts/recurrent.py::bptt", "min(t + CHUNK, T)",
        "min(t + CHUNK, T - 1)", KERNELS,
    ),
    mutant(
        "initial states beside h ignored", "parts/initial_state.py::begin", "if s > 0: *__other", "if s > 1: *__other",
        KERNELS,
    ),
    mutant(
        "the learned initial state ignored", "parts/initial_state.py::begin", "theta[at + r]", "0", KERNELS,
    ),
    mutant(
        "the head reads the state before the last observation", "parts/head.py::operand_of",
        "layer * X.shape[1] + t + 1", "layer * X.shape[1] + t", KERNELS,
    ),
    mutant(
        "dropout: another mask backwards", "parts/between.py::pass_up_gradient",
        "drop(values, *__chance, step.layer - 1, *__to)", "drop(values, *__chance, step.layer, *__to)", KERNELS,
    ),
    mutant(
        "the skip's lags end a step early", "parts/skip.py::add_skip", "step.start + k - step.first - P + 1",
        "step.start + k - step.first - P", KERNELS,
    ),
    mutant(
        "a free run feeds the wrong row back", "parts/inputs.py::feed_back",
        "vector(out, (step.first * O + rows[c]) * B, B)", "vector(out, (step.first * O + c) * B, B)", KERNELS,
    ),
    mutant(
        "a free run feeds a location back for a mean", "parts/inputs.py::feed_back", "shape.link == 1",
        "shape.link == 2", KERNELS,
    ),
    mutant(
        "a forward pass in parts leaves out a step", "networks/stack.py::program", "before + first if first > 0 else 0",
        "before + first + 1 if first > 0 else 0", KERNELS,
    ),
    mutant(
        "the tile's number is no part of a lane's dropout", "parts/operations.py::drop", "np.uint64(tile * B + b)",
        "np.uint64(b)", KERNELS,
    ),
    mutant(
        "a window read one step late", "parts/gather.py::gather", "start[w] - late",
        "start[w] - late + 1", KERNELS,
    ),
    mutant(
        "targets one step late", "parts/gather.py::gather_targets", "target[w] + k * shape.segment + j",
        "min(target[w] + k * shape.segment + j + 1, targets.shape[0] - 1)", KERNELS,
    ),
    mutant(
        "the weights of targets ignored", "parts/gather.py::gather_targets", "weight[at] = seen",
        "weight[at] = 1", KERNELS,
    ),
    mutant(
        "a window's scale sees its first target, compiled", "parts/gather.py::scale_windows",
        "of_context(series, c, start[w], target[w], *__rest)",
        "of_context(series, c, start[w], target[w] + 1, *__rest)", ENGINE,
    ),
    mutant(
        "the context's scale kept where it was computed before, compiled", "parts/gather.py::scale_windows",
        "scales[1, lane, c] if replaced == MEAN_AND_SCALE else scale", "scale", SCALING,
    ),
    mutant("clipping ignored", "parts/update.py::update", "norm > hyper[6]", "norm > 1e9 * hyper[6]", KERNELS, ENGINE),
    mutant(
        "the second tile's gradient forgotten", "parts/update.py::update", "range(1, counts[0])",
        "range(2, counts[0])", ENGINE,
    ),
    mutant(
        "a forecast reads the covariates of the step before", "parts/gather.py::gather_ahead",
        "target[w] + k * shape.segment + j - 1", "target[w] + k * shape.segment + j - 2", KERNELS,
    ),
    mutant(
        "the covariates of the origin are those of the first step", "parts/gather.py::gather_ahead",
        "r // F - 1, r % F", "max(r // F - 1, 0), r % F", KERNELS,
    ),
    # ---------------------------------------------------------------- static covariates
    mutant(
        "all windows of a tile add to one embedding", "parts/static.py::begin_gradient",
        "grad[of_table + codes[q * B + b] * width + j]", "grad[of_table + codes[q * B] * width + j]", STATIC,
    ),
    mutant(
        "an embedding starts a row of s too early", "parts/static.py::begin", "vector(s, (first + j) * B, B)",
        "vector(s, (first + j - 1) * B, B)", STATIC,
    ),
    mutant(
        "static numbers of a window, not of its series", "parts/static.py::gather_static",
        "rows[batch[0 if is_empty else lane]]", "rows[0 if is_empty else lane]", STATIC,
    ),
    mutant(
        "weight decay acts on unseen categories", "networks/architecture.py::Architecture.is_decayed",
        "views[name][parameter.spared_row] = 0", "views[name][parameter.spared_row] = 1", STATIC,
    ),
    mutant(
        "the mean over categories counts the unseen one", "networks/architecture.py::Architecture.with_unseen",
        "views[name][1:].mean(axis=0)", "views[name].mean(axis=0)", STATIC,
    ),
    mutant(
        "a code beyond the table is read", "kernels/backend.py::static_of", "static.codes > cardinalities",
        "static.codes > cardinalities + 9", STATIC,
    ),
    # ---------------------------------------------------------------- missing inputs
    mutant(
        "inputs decay once more in a second forward pass", "parts/decay.py::decay", "vector(raw, r * B, B)",
        "vector(x, r * B, B)", DECAY,
    ),
    mutant("a rate below zero has a gradient", "parts/decay.py::decay_gradient", "a > ZERO", "True", DECAY),
    mutant(
        "the gradient by the inputs is not computed for rates", "parts/shape.py::needs_input_gradient",
        "shape.decoder_layers > 0 or shape.n_masked > 0 or shape.embedding > 0",
        "shape.decoder_layers > 0 or shape.embedding > 0", DECAY,
    ),
    # ---------------------------------------------------------------- directions
    mutant(
        "directions: a late window goes back past its start", "parts/directions.py::turned", "start + n - 1 - t",
        "n - 1 - t", KERNELS,
    ),
    mutant(
        "directions: both have the same dropout", "parts/directions.py::pass_up",
        "drop(__values, chance.dropout, chance.key, below + d, t, tile, B)",
        "drop(__values, chance.dropout, chance.key, below, t, tile, B)", KERNELS,
    ),
    mutant(
        "directions: the gradient of the forward inputs is lost", "parts/directions.py::turn_gradient",
        "to[b] += __value", "to[b] = __value", KERNELS,
    ),
    mutant(
        "directions: the outputs of all steps read the last state", "parts/directions.py::slot_of",
        "turned(t, start, n) if n_joined > 1 else t", "t", KERNELS,
    ),
    # ---------------------------------------------------------------- symbols
    mutant(
        "symbols: the gradient of a code is written, not added", "parts/embedding.py::embed_gradient",
        "grad[at + int(codes[b]) * W + j] += values[b]", "grad[at + int(codes[b]) * W + j] = values[b]", DECODER,
    ),
    mutant(
        "symbols: the decoder reads the encoder's vectors", "parts/embedding.py::table_of",
        "return own if step.layer >= shape.num_layers and own >= 0 else offset(arrays, SYMBOLS)",
        "return offset(arrays, SYMBOLS)", DECODER,
    ),
    mutant(
        "symbols: unknown ones are fed back", "parts/embedding.py::feed_symbol", "best = FIRST_OUTPUT", "best = 0",
        DECODER,
    ),
    mutant(
        "a forecast that is fed back counts as missing", "parts/inputs.py::feed_back", "m[b], delta[b] = 1, 0",
        "m[b], delta[b] = 0, 0", DECAY,
    ),
    mutant(
        "the mask of a forecast that was fed has a gradient", "parts/feed.py::feed_gradient",
        "dm[b], ddelta[b] = 0, 0", "dm[b], ddelta[b] = dm[b], ddelta[b]", DECAY,
    ),
    mutant(
        "covariates of the steps ahead are read from the masks", "parts/shape.py::first_known",
        "shape.n_inputs - 2 * shape.n_masked", "shape.n_inputs", DECAY,
    ),
    # ---------------------------------------------------------------- encoder and decoder
    mutant("the first step is not marked", "parts/feed.py::mark_first", "1 if step.first == 0 else 0", "0", DECODER),
    mutant(
        "every lane draws what it reads alike", "parts/feed.py::draw_fed", "np.uint64(tile * fed.size + b)",
        "np.uint64(0)", DECODER,
    ),
    mutant(
        "a gradient passes through a detached forecast", "parts/feed.py::feed_gradient",
        "if shape.exact_feedback: *__body", "if True: *__body", DECODER,
    ),
    mutant(
        "the link's derivative forgotten", "parts/feed.py::feed_gradient", "d[b] * sigmoid(location[b])",
        "d[b]", DECODER,
    ),
    mutant("attention to steps before the first", "parts/attention.py::softmax", "t >= starts[b]", "True", DECODER),
    mutant(
        "softmax: its gradient without the mean", "parts/attention.py::softmax_gradient", "d[t, b] - mean", "d[t, b]",
        DECODER,
    ),
    mutant(
        "the bridge's gradient: one kind of state for another", "parts/bridge.py::cross_gradient",
        "vector(ddecoder, (layer * S + s) * N, N)", "vector(ddecoder, layer * S * N, N)", DECODER,
    ),
    mutant(
        "parallel steps start one after the other", "networks/parallel.py::program", "Step(first=n, last=2 * k)",
        "Step(first=n, last=2 * min(k, 1))", DECODER,
    ),
    mutant(
        "a segment's channels in another order", "parts/segments.py::copy_segment",
        "vector(operand, (1 + c * s) * B, s * B)", "vector(operand, (1 + (I - 1 - c) * s) * B, s * B)", DECODER,
    ),
    mutant(
        "later outputs forecast the next step again", "parts/gather.py::gather_targets",
        "target[w] + k * shape.segment + j", "target[w] + k + j", DECODER,
    ),
    mutant(
        "softmax without its largest score", "parts/attention.py::softmax", "exp_to_one(weights[t, b] - largest)",
        "exp_to_one(weights[t, b])", PROMISES,
    ),
    mutant(
        "softmax: the largest of nothing is zero", "parts/attention.py::softmax", "largest = weights[n - 1, b]",
        "largest = ZERO", PROMISES,
    ),
]  # fmt: skip
