"""The faults in a training: its data, where it starts, its updates, and what is held out."""

from __future__ import annotations

from .mutant import ENGINE, FORECASTERS, LIKELIHOODS, PRECISION, PROMISES, SEQ2SEQ, TRAINING, mutant

MUTANTS = [
    # ---------------------------------------------------------------- windows and outputs
    mutant(
        "a row holds its own covariates, not the next ones", "data/windows.py::with_covariates",
        "np.arange(1, values.shape[-2] + 1)", "np.arange(values.shape[-2])", ENGINE,
    ),
    mutant(
        "unscaling forgets the scale", "data/windows.py::Windows.unscale",
        "values * self.target_scale.reshape(shape)", "values", ENGINE,
    ),
    mutant(
        "a window's scale sees its first target", "data/windows.py::WindowScaling.of_windows",
        "contexts[starts[chunk]]", "contexts[starts[chunk] + 1]", ENGINE,
    ),
    mutant(
        "the first target skipped", "data/windows.py::SeriesScaling.windows", "starts + geometry.context",
        "starts + geometry.context + 1", ENGINE,
    ),
    mutant(
        "the last block's point forecast fed back", "networks/architecture.py::Architecture._rows",
        "steps[0, :, self.loss.point]", "steps[-1, :, self.loss.point]", ENGINE,
    ),
    # ---------------------------------------------------------------- updates and epochs
    mutant(
        "the validation of a likelihood reads forecasts", "training/loop.py::_Watch.after",
        "not self.network.architecture.loss.family", "True", LIKELIHOODS,
    ),
    mutant(
        "Adam: the step counted one too many", "training/loop.py::_Stepper._update", "1 - adam.beta1**self.step",
        "1 - adam.beta1 ** (self.step + 1)", ENGINE,
    ),
    mutant(
        "the best parameters not kept", "training/loop.py::minimise", "__last if watch.kept is None else watch.kept",
        "__last", ENGINE,
    ),
    mutant(
        "patience counted one too long", "training/loop.py::_Watch.after", "__waited >= stopping.patience",
        "__waited > stopping.patience", ENGINE,
    ),
    mutant(
        "weight decay acts on biases", "networks/network.py::Network.decays", "views[name][:, column] = 0",
        "views[name][:, column] = 1", ENGINE,
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
        "every epoch in the same order", "training/loop.py::_Stepper.epoch",
        "self.rng.permutation(len(self.windows))", "np.random.default_rng(self.seed).permutation(len(self.windows))",
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
        "an equal error counts as an improvement", "training/loop.py::_Watch.after",
        "error < curve[__best] - stopping.min_delta", "error <= curve[__best] - stopping.min_delta", PROMISES,
    ),
    mutant(
        "a validation error that is NaN is the best", "training/loop.py::_Watch.after",
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
        "the bridge starts from the bottom", "networks/network.py::_level_with_the_top",
        "max(0, layer + n_before - n_after)", "min(layer, n_before - 1)", SEQ2SEQ,
    ),
    mutant(
        "a warm start is overwritten by the linear start", "estimators/recurrent.py::RecurrentNetwork._run",
        "theta if warm or plan.prepare is None else __prepared", "theta if plan.prepare is None else __prepared",
        PROMISES,
    ),
    mutant(
        "GCV forgets the mean's degree of freedom", "training/ridge.py::_Moments._gcv", "self.n - 1 - __of_weights",
        "self.n - __of_weights", PROMISES,
    ),
    mutant(
        "the ridge learns from missing targets", "training/ridge.py::ridge_start",
        "some.take(np.flatnonzero(seen[some.target + k]))", "some", PROMISES,
    ),
    mutant(
        "the ridge's intercept is the mean target", "training/ridge.py::_Moments.solve",
        "self.y - weights @ self.x - __of_own", "self.y", PROMISES,
    ),
    mutant(
        "the first biases look at the first windows", "training/biases.py::Outcomes.of",
        "np.linspace(0, len(windows) - 1, __n)", "np.arange(__n)", TRAINING,
    ),
    mutant(
        "the search for the first biases ends early", "training/biases.py::Outcomes.likeliest",
        '{"ftol": 0.0, "gtol": LEVEL}', '{"ftol": 0.0, "gtol": 1e-5}', PRECISION,
    ),
    mutant(
        "the first biases of another channel", "training/biases.py::Outcomes.part",
        "np.s_[:, :, step : step + 1, channel : channel + 1]", "np.s_[:, :, step : step + 1, :1]", PRECISION,
    ),
    mutant(
        "held-out data may narrow a distribution", "training/biases.py::Outcomes.widening", "(0.0, BOUND)",
        "(-BOUND, BOUND)", LIKELIHOODS,
    ),
    mutant(
        "the widening of the start, not of the trained network", "estimators/recurrent.py::RecurrentNetwork._train",
        "plan.adjust(training.theta)", "plan.adjust(theta)", TRAINING,
    ),
    # ---------------------------------------------------------------- validation tail and refit
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
        "a default tail of one horizon", "estimators/forecasters.py::_tail", "2 * geometry.n_ahead", "geometry.n_ahead",
        TRAINING,
    ),
    mutant(
        "a default tail may leave one window", "estimators/forecasters.py::_tail", "min(tail, n_windows // 2)",
        "min(tail, n_windows - 1)", TRAINING,
    ),
    mutant(
        "validation windows begin one late", "estimators/forecasters.py::_plan",
        "np.arange(n_train - geometry.context, n_windows)", "np.arange(n_train - geometry.context + 1, n_windows)",
        TRAINING,
    ),
    mutant(
        "errors in units of the whole series", "estimators/forecasters.py::_plan",
        "Calibration(*__rows, scaling, seasons, *__rest)",
        "Calibration(*__rows, fit_scaling(values, observed, covariates), seasons, *__rest)", TRAINING,
    ),
    mutant(
        "the refit runs one epoch too many", "estimators/recurrent.py::RecurrentNetwork._train",
        '{"n_epochs": training.best_epoch, "label": __label}',
        '{"n_epochs": training.best_epoch + 1, "label": __label}', PROMISES,
    ),
    mutant(
        "the refit starts from the first start's biases", "estimators/recurrent.py::RecurrentNetwork._run",
        "plan.prepare(theta.copy(), windows)", "plan.prepare(theta, windows)", PROMISES,
    ),
    mutant(
        "callbacks are told of the refit", "estimators/recurrent.py::RecurrentNetwork._train",
        "replace(settings, callbacks=())", "settings", TRAINING,
    ),
    mutant(
        "the refit keeps the scale of the training part", "estimators/forecasters.py::_plan",
        "scaling = fit_scaling(values, observed, covariates)", "", TRAINING,
    ),
    mutant(
        "the refit leaves out the last window", "estimators/forecasters.py::_plan", "windows(np.arange(n_windows))",
        "windows(np.arange(n_windows - 1))", TRAINING,
    ),
    # ---------------------------------------------------------------- regressors
    mutant(
        "regressor: held-out rows scale the targets", "estimators/regressors.py::RecurrentRegressor._fit",
        "make_scaling().fit(targets[kept], np.ones((len(kept), targets.shape[1]), bool))",
        "make_scaling().fit(targets, np.ones(targets.shape, bool))", TRAINING,
    ),
    mutant(
        "regressor: the refit on the rows kept", "estimators/regressors.py::RecurrentRegressor._fit",
        "plan.refit = windows", "plan.refit = windows.take(kept)", TRAINING,
    ),
    mutant(
        "regressor: the same rows held out for every seed", "estimators/regressors.py::RecurrentRegressor._split",
        "2**31", "1", TRAINING,
    ),
]  # fmt: skip
