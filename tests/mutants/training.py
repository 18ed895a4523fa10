"""The faults in a training: its data, where it starts, its updates, and what is held out."""

from __future__ import annotations

from .mutant import (
    ENGINE,
    FORECASTERS,
    LIKELIHOODS,
    PRECISION,
    PROMISES,
    SCALING,
    SEQ2SEQ,
    TAGGERS,
    TRAINING,
    TRANSFORMS,
    mutant,
)

MUTANTS = [
    # ---------------------------------------------------------------- windows and outputs
    mutant(
        "a row holds its own covariates, not the next ones", "data/panel.py::Panel.inputs",
        "np.arange(1, len(self.values) + 1)", "np.arange(len(self.values))", ENGINE,
    ),
    mutant(
        "unscaling forgets the scale", "data/windows.py::Windows.unscale",
        "values * self.target_scale.reshape(shape)", "values", ENGINE,
    ),
    mutant(
        "a window's scale sees its first target", "data/scaling.py::Scales._contexts",
        "self.values[start[some, None] + np.arange(length)]",
        "self.values[start[some, None] + 1 + np.arange(length)]", ENGINE,
    ),
    mutant(
        "the contexts of late windows left out", "data/scaling.py::Scales._contexts",
        "np.unique(target - start)", "[(target - start).max()]", SCALING,
    ),
    mutant(
        "the scale of the context in the place of the table's", "data/scaling.py::of_contexts",
        "deviation if replaced == MEAN_AND_SCALE else scale", "deviation", SCALING,
    ),
    mutant(
        "a season of differences summed one step late", "data/levels.py::cumulated",
        "before[:, k, None]", "before[:, k - 1, None]", TRANSFORMS,
    ),
    mutant(
        "a difference from a missing value counts as observed", "data/transforms.py::FittedTransform.apply",
        "observed & observed[before]", "observed", TRANSFORMS,
    ),
    mutant(
        "the first target skipped", "data/windows.py::Windows.at", "starts + geometry.context",
        "starts + geometry.context + 1", ENGINE,
    ),
    mutant(
        "the last block's point forecast fed back", "networks/architecture.py::Architecture._rows",
        "steps[0, :__n, self.loss.point]", "steps[-1, :__n, self.loss.point]", ENGINE,
    ),
    # ---------------------------------------------------------------- updates and epochs
    mutant(
        "the validation of a likelihood reads forecasts", "training/loop.py::_Monitor.after",
        "not (loss.family or loss.is_of_classes)", "True", LIKELIHOODS,
    ),
    mutant(
        "Adam: the step counted one too many", "training/loop.py::_Stepper._update", "1 - adam.beta1**self.step",
        "1 - adam.beta1 ** (self.step + 1)", ENGINE,
    ),
    mutant(
        "the best parameters not kept", "training/loop.py::minimise",
        "__last if monitor.kept is None else monitor.kept", "__last", ENGINE,
    ),
    mutant(
        "patience counted one too long", "training/loop.py::_Monitor.after", "__waited >= stopping.patience",
        "__waited > stopping.patience", ENGINE,
    ),
    mutant(
        "weight decay acts on biases", "networks/architecture.py::Architecture.is_decayed",
        "views[name][*__bias] = 0", "views[name][*__bias] = 1", ENGINE,
    ),
    mutant(
        "teacher forcing is turned around", "training/loop.py::_Stepper._update", "1 - forcing.share(*__at)",
        "forcing.share(*__at)", SEQ2SEQ,
    ),
    mutant(
        "dropout uses the same mask in every update", "training/loop.py::_Stepper._update",
        "fold(np.uint64(self.seed), np.uint64(self.step))", "fold(np.uint64(self.seed), np.uint64(0))", PROMISES,
    ),
    mutant(
        "dropout masks do not depend on the seed", "training/loop.py::_Stepper._update",
        "fold(np.uint64(self.seed), np.uint64(self.step))", "fold(np.uint64(0), np.uint64(self.step))", PROMISES,
    ),
    mutant(
        "every epoch in the same order", "training/order.py::epoch",
        "rng.permutation(n)", "np.random.default_rng(0).permutation(n)",
        PROMISES,
    ),
    mutant(
        "the schedule counts epochs for updates", "training/loop.py::_Stepper._update",
        "settings.max_epochs * self.n_batches", "settings.max_epochs", TRAINING,
    ),
    mutant(
        "the norm before a divergence forgets the epoch before", "training/loop.py::_Stepper._check",
        "self.last_norm = float(norms[-1])", "", TRAINING,
    ),
    mutant(
        "an equal error counts as an improvement", "training/loop.py::_Monitor.after",
        "error < curve[__best] - stopping.min_delta", "error <= curve[__best] - stopping.min_delta", PROMISES,
    ),
    mutant(
        "a validation error that is NaN is the best", "training/loop.py::_Monitor.after",
        "error if math.isfinite(error) else math.inf", "error if math.isfinite(error) else -math.inf", TRAINING,
    ),
    mutant(
        "an evaluation adds to what another left", "networks/network.py::Network.evaluate",
        "self.backend.take_total(work)\norder = __order", "order = __order", TRAINING,
    ),
    mutant(
        "a validation size cut instead of rounded", "training/options.py::EarlyStopping.rows", "round(size * n)",
        "int(size * n)", PROMISES,
    ),
    mutant(
        "the seed of the training is a constant", "estimators/recurrent.py::RecurrentNetwork._train",
        "int(rng.randint(2**31))", "0", TRAINING,
    ),
    # ---------------------------------------------------------------- where a training starts, and how wide it ends
    mutant(
        "the ridge reads its lags in reverse", "training/ridge.py::ridge_start",
        "np.split(weights, [P, P + S], axis=1)",
        "np.split(weights[:, ::-1], [P, P + S], axis=1)", FORECASTERS,
    ),
    mutant(
        "the bridge starts from the bottom", "parts/bridge.py::copies",
        "max(0, layer + n_before - n_after)", "min(layer, n_before - 1)", SEQ2SEQ,
    ),
    mutant(
        "a warm start is overwritten by the linear start", "training/fit.py::_start", "theta if is_warm else __start",
        "__start", PROMISES,
    ),
    mutant(
        "GCV forgets the mean's degree of freedom", "training/ridge.py::_Moments._gcv",
        "self.n_moving - 1 - __of_weights", "self.n_moving - __of_weights", PROMISES,
    ),
    mutant(
        "the ridge learns from missing targets", "training/ridge.py::ridge_start",
        "is_complete[chunk.target + k] & __late", "__late", PROMISES,
    ),
    mutant(
        "the ridge's intercept is the mean target", "training/ridge.py::_Moments.solve",
        "self.y - weights @ self.x - __of_own", "self.y", PROMISES,
    ),
    mutant(
        "the first biases look at the first windows", "training/biases.py::Predictions.of",
        "np.linspace(0, len(windows) - 1, __n)", "np.arange(__n)", TRAINING,
    ),
    mutant(
        "the search for the first biases ends early", "training/biases.py::Predictions.likeliest",
        '{"ftol": 0.0, "gtol": LEVEL}', '{"ftol": 0.0, "gtol": 1e-5}', PRECISION,
    ),
    mutant(
        "the first biases of another channel", "training/biases.py::Predictions.part",
        "np.s_[:, :, step : step + 1, channel : channel + 1]", "np.s_[:, :, step : step + 1, :1]", PRECISION,
    ),
    mutant(
        "held-out data may narrow a distribution", "training/biases.py::Predictions.widening", "(0.0, BOUND)",
        "(-BOUND, BOUND)", LIKELIHOODS,
    ),
    mutant(
        "the widening of the start, not of the trained network", "training/judge.py::_widening",
        "Predictions.of(network, theta, *__rest)", "Predictions.of(network, change, *__rest)", TRAINING,
    ),
    # ---------------------------------------------------------------- validation part and refit
    mutant(
        "the scaling sees the validation part", "training/plan.py::plan_forecaster",
        "panel.part(last=n_train)", "panel", FORECASTERS,
    ),
    mutant(
        "a training window reaches into the validation part", "training/plan.py::plan_forecaster",
        "WindowIndex.of_panel(panel, scaling, geometry, last=n_train)",
        "WindowIndex.of_panel(panel, scaling, geometry, last=n_train + 1)", FORECASTERS,
    ),
    mutant(
        "a default validation part of one horizon", "training/validation.py::_held_out_of_length",
        "2 * geometry.n_ahead", "geometry.n_ahead", TRAINING,
    ),
    mutant(
        "a default validation part may leave one window", "training/validation.py::_held_out_of_length",
        "min(n_held_out, n_windows // 2)", "min(n_held_out, n_windows - 1)", TRAINING,
    ),
    mutant(
        "validation windows begin one late", "training/plan.py::plan_forecaster",
        "n_train - geometry.context", "n_train - geometry.context + 1", TRAINING,
    ),
    mutant(
        "errors in units of the whole series", "training/judge.py::_calibration",
        "Calibration(*__rows, held_out.scaling, seasons, *__rest)",
        "Calibration(*__rows, plan.scaling, seasons, *__rest)", TRAINING,
    ),
    mutant(
        "the refit runs one epoch too many", "training/fit.py::fit_network", "training.best_epoch",
        "training.best_epoch + 1", PROMISES,
    ),
    mutant(
        "the refit starts from the first start's biases", "training/start.py::starting_values", "theta.copy()", "theta",
        PROMISES,
    ),
    mutant(
        "callbacks are told of the refit", "training/fit.py::fit_network",
        "replace(settings, callbacks=())", "settings", TRAINING,
    ),
    mutant(
        "the refit keeps the scale of the training part", "training/plan.py::plan_forecaster",
        "scaling = PanelScaling.fit(scaling_name, panel, n_seasonal, masks=masks)", "", TRAINING,
    ),
    mutant(
        "the refit leaves out the last window", "training/plan.py::plan_forecaster",
        "WindowIndex.of_panel(panel, scaling, geometry)",
        "WindowIndex.of_panel(panel, scaling, geometry, last=panel.n_rows - 1)", TRAINING,
    ),
    # ---------------------------------------------------------------- regressors
    mutant(
        "regressor: held-out rows scale the targets", "estimators/windows.py::WindowNetwork._fit_network",
        "targets[split[1]]", "targets", TRAINING,
    ),
    mutant(
        "regressor: the refit on the rows kept", "training/plan.py::_divided", "windows if __asked else None",
        "windows.take(kept) if __asked else None", TRAINING,
    ),
    mutant(
        "regressor: the same rows held out for every seed", "estimators/windows.py::RowNetwork._split",
        "2**31", "1", TRAINING,
    ),
    # ---------------------------------------------------------------- taggers
    mutant(
        "tagger: the labels of a shorter sequence begin at the window's first step",
        "data/sequences.py::SequenceBuckets.own_targets", "np.cumsum(lengths)",
        "(np.cumsum(lengths) + self.n_ahead - lengths)", TAGGERS,
    ),
    mutant(
        "other sequences held out than those that were drawn, in buckets", "training/plan.py::_places",
        "place[validation_rows]", "validation_rows", TAGGERS,
    ),
    mutant(
        "tagger: the outputs of a bucket in the order of all", "estimators/taggers.py::RecurrentTagger._logits",
        "sequences.are_of(numbers)", "sequences.are_of(np.arange(len(numbers)))", TAGGERS,
    ),
    mutant(
        "tagger: steps that are ignored count", "estimators/taggers.py::RecurrentTagger.fit",
        "of_steps_[:, is_labelled] = codes, weight[codes]", "of_steps_[:] = 1; of_steps_[:, is_labelled] = codes, 1",
        TAGGERS,
    ),
]  # fmt: skip
