"""The engine: parameters, windows, scaling, initialisation and training, on the compiled and on the plain backend."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn.data import scaling
from tsrnn.data.panel import Panel
from tsrnn.data.scaling import SCALINGS, Scales
from tsrnn.data.windows import Geometry, Windows, scored
from tsrnn.kernels import get_backend
from tsrnn.losses.gaussian import GAUSSIAN
from tsrnn.losses.pinball import Pinball
from tsrnn.losses.squared import MSE
from tsrnn.networks.architecture import Architecture
from tsrnn.networks.network import MAX_LAYOUTS, Network, Source
from tsrnn.parts.common import LINEAR_ROWS, POINT_ROWS
from tsrnn.training.loop import Adam, EarlyStopping, Settings, Validation, minimise, warm_up

from . import oracles
from .backends import BACKENDS, KERNELS, both, every_cell
from .problems import CELLS, get_array, one_series, oracle_loss, problem

LSTM = CELLS["lstm"]


def architecture(cell=LSTM, **options):
    """A network of 3 units for one series."""
    return Architecture(
        **{"cell": cell, "n_inputs": 1, "n_targets": 1, "block": 1, "loss": MSE, "hidden_size": 3} | options
    )


# ---------------------------------------------------------------- parameters
SIZES = {  # of one layer with 2 inputs and 3 units, then of one above it
    "lstm": (12 * 6, 12 * 7),
    "gru": (6 * 6 + 3 * 3 + 3 * 4, 6 * 7 + 3 * 4 + 3 * 4),
    "gru_reset_before": (6 * 6 + 3 * 3 + 3 * 3, 6 * 7 + 3 * 4 + 3 * 3),
    "rnn_tanh": (3 * 6, 3 * 7),
    "rnn_sigmoid": (3 * 6, 3 * 7),
    "rnn_relu": (3 * 6, 3 * 7),
}


@every_cell
def test_parameters(cell):
    H = 3 * cell.units_multiple
    sizes = {"n_inputs": 2, "n_targets": 2, "block": 4, "num_layers": 2, "lags": 5, "hidden_size": H}
    a = architecture(cell, learn_initial_state=True, **sizes)
    extra = {"initial_state": 2 * len(cell.states) * H, "head": 8 * (1 + H), "skip": 2 * 4 * 5}
    of_layers = SIZES.get(cell.name) or [layer_size(cell, n_inputs, H) for n_inputs in (2, H)]
    assert a.size == sum(of_layers) + sum(extra.values())
    views = a.views(np.zeros(a.size))
    assert {name: views[name].size for name in extra} == extra
    theta = np.arange(a.size, dtype=float)
    assert_array_equal(np.concatenate([view.ravel() for view in a.views(theta).values()]), theta)
    a.views(theta)["head"][:] = -1
    assert (theta == -1).sum() == extra["head"]


def layer_size(cell, n_inputs, H):
    """The weights of a layer, from the definitions of its products."""
    n_rows = {"x1h": n_inputs + 1 + H, "x1": n_inputs + 1, "1h": 1 + H, "h": H}
    dense = [len(p.planes) * H * n_rows.get(p.operand, H) for p in cell.products if p.kind == "dense"]
    diagonal = [len(p.planes) * H for p in cell.products if p.kind == "diagonal"]
    blocks = [len(p.planes) * H * (H // p.n_blocks) for p in cell.products if p.kind == "block_diagonal"]
    return sum(dense + diagonal + blocks)


def test_rows():
    a = architecture(n_inputs=2, n_targets=2, block=3, loss=Pinball(0.1, 0.5), lags=4)
    tables = a.layout(Geometry(5, 1, 3)).tables
    skip, points = tables[LINEAR_ROWS], tables[POINT_ROWS]
    assert_array_equal(skip.reshape(3, 2, 2), [[[0, 0], [3, 3]], [[1, 1], [4, 4]], [[2, 2], [5, 5]]])
    assert_array_equal(points, [1, 3])
    assert_array_equal(architecture(loss=GAUSSIAN, lags=4).layout(Geometry(5)).tables[LINEAR_ROWS], [0, -1])
    assert (architecture().layout(Geometry(5)).tables[LINEAR_ROWS] == -1).all()


def test_geometry():
    geometry = Geometry(context=10, n_outputs=3, block=4)
    assert (geometry.n_steps, geometry.n_ahead) == (12, 6)


# ---------------------------------------------------------------- windows
def test_series_windows():
    series, covariates = np.random.default_rng(0).normal(size=(2, 30, 2))
    _, _, windows = one_series(series, [0, 7, 4], Geometry(10, 3, 4), "window", covariates)
    assert_array_equal(windows.start, [0, 7, 4])
    assert_array_equal(windows.target, [10, 17, 14])
    assert_array_equal(windows.length, [12, 12, 12])
    assert_allclose(windows.shift[1], [*series[7:17].mean(axis=0), *covariates.mean(axis=0)], rtol=1e-13)
    assert_allclose(windows.scale[1], [*series[7:17].std(axis=0), *covariates.std(axis=0)], rtol=1e-13)
    assert_allclose(windows.target_scale[1], series[7:17].std(axis=0), rtol=1e-13)
    assert_array_equal(windows.take(np.array([2, 0])).target, [14, 10])


def test_a_row_holds_the_covariates_of_the_step_after_it():
    values, covariates = np.array([[1.0], [2.0], [3.0]]), np.array([[10.0], [20.0], [30.0]])
    assert_array_equal(Panel.of_one(values, known=covariates).inputs(), [[1, 20], [2, 30], [3, 30]])
    assert_array_equal(Panel.of_one(values).inputs(), values)


def test_unscale():
    one, two = np.ones((2, 1)), np.arange(2)
    scales = Scales.of_table(one, one, np.array([[1.0, 2], [3, 4]]), np.array([[10.0, 20], [30, 40]]))
    windows = Windows(*np.zeros((3, 2), int), two, scales)
    assert_array_equal(windows.unscale(np.ones((2, 3, 2))), [[[11, 22]] * 3, [[33, 44]] * 3])


def of_windows(series, starts, length, name="window"):
    """Shift and scale of windows of one series, (n, C) both."""
    windows = one_series(series, starts, Geometry(length), name)[2]
    return windows.shift, windows.scale


def test_window_scaling_sees_the_context_only():
    series, starts = np.random.default_rng(0).normal(size=(40, 1)), np.array([3, 5])
    before = of_windows(series, starts, 10)
    series[15:], series[:3] = np.nan, np.nan
    assert_array_equal(of_windows(series, starts, 10), before)


def test_window_scaling_in_chunks(monkeypatch):
    series, starts = np.random.default_rng(0).normal(size=(60, 2)), np.arange(50)
    whole = of_windows(series, starts, 10)
    monkeypatch.setattr(scaling, "CHUNK", 7)
    assert_array_equal(of_windows(series, starts, 10), whole)


@pytest.mark.parametrize("name", SCALINGS)
@pytest.mark.parametrize("level", [0.0, 1.0, 0.7, -1 / 3, 1e9 / 7, 1e-9])
def test_a_constant_has_scale_one(name, level):
    assert_array_equal(of_windows(np.full((30, 1), level), np.arange(5), 11, name)[1], np.ones((5, 1)))


@pytest.mark.parametrize("name", ["window", "standard"])
def test_rounding_is_no_spread(name):
    series = np.where(np.arange(30)[:, None] % 2, 0.7, np.nextafter(0.7, 1))
    assert_array_equal(of_windows(series, np.arange(5), 10, name)[1], np.ones((5, 1)))


def test_a_small_spread_on_a_high_level_is_signal():
    series = 1e6 + 1e-3 * np.random.default_rng(0).normal(size=(30, 1))
    assert (of_windows(series, np.arange(5), 20)[1] < 0.01).all()


def test_standard_scaling_leaves_out_what_is_missing():
    series = np.array([[1.0, 5], [np.nan, 5], [3, 8]])
    fitted = SCALINGS["standard"]().fit(series, np.isfinite(series), np.array([0, 3]))
    assert_allclose(fitted.mean, [[2, 6]])
    assert_allclose(fitted.scale, [[1, np.sqrt(2)]])


def test_missing_values():
    values = np.array([[1.0, 9], [np.nan, 8], [np.nan, np.nan], [4, 7]])
    observed = np.isfinite(values)
    assert_array_equal(Panel.of_one(values, observed).filled().values, [[1, 9], [1, 8], [1, 8], [4, 7]])
    assert_array_equal(Panel.of_one(values[1:], observed[1:]).filled().values, [[4, 8], [4, 8], [4, 7]])


@pytest.mark.parametrize("geometry", [Geometry(3, n_outputs=5, block=1), Geometry(3, block=5), Geometry(4)], ids=str)
def test_what_is_scored_of_a_channel_that_begins_late(geometry):
    observed = np.ones((20, 3), bool)
    observed[:6, 1] = observed[9, :] = observed[0, 2] = False
    counts = scored(Panel.of_one(np.zeros((20, 3)), observed), geometry)
    assert_array_equal(counts[:, 0], observed[:, 0])
    for c, first in ((1, 6), (2, 1)):
        last_target = geometry.context + geometry.n_ahead - 1  # of a window, counted from its first row
        expected = [observed[row, c] and row - last_target >= first for row in range(20)]
        assert_array_equal(counts[:, c], expected)


# ---------------------------------------------------------------- network
def test_initialise():
    a = architecture(num_layers=2, hidden_size=4)
    views = a.views(a.initialise(np.random.default_rng(0)))
    for layer, column in ((0, 1), (1, 4)):
        weights = views[f"layer{layer}.product0"]
        assert_array_equal(weights[:, column], np.repeat([0, 1, 0, 0], 4))
        others = np.delete(weights, column, axis=1)
        assert np.abs(others).max() <= 0.5
        assert others.std() == pytest.approx(0.5 / np.sqrt(3), rel=0.2)
    assert not views["head"][:, 0].any()
    assert views["head"][:, 1:].all()
    skipping = architecture(lags=3)
    views = skipping.views(skipping.initialise(np.random.default_rng(0)))
    assert not views["head"].any()
    assert not views["skip"].any()


@every_cell
def test_decay_spares_biases_states_and_skip(cell):
    H = 3 * cell.units_multiple
    sizes = {"num_layers": 2, "lags": 3, "n_inputs": 2, "n_targets": 2, "hidden_size": H}
    a = architecture(cell, learn_initial_state=True, **sizes)
    decays = a.views(a.is_decayed)
    for layer, n_inputs in enumerate((2, H)):
        for k, item in enumerate(cell.products):
            of_bias = {"x1h": n_inputs, "x1": n_inputs, "1h": 0}.get(item.operand)  # the column that meets the ones
            spared = decays[f"layer{layer}.product{k}"] == 0
            assert_array_equal(spared, np.zeros(spared.shape) + (np.arange(spared.shape[-1]) == of_bias))
    assert not decays["initial_state"].any()
    assert not decays["skip"].any()
    assert_array_equal(decays["head"], [[0, *[1] * H]] * 2)


@both
def test_predict_in_batches(backend):
    p = problem(n_inputs=2, block=2, lags=2, n_outputs=2, loss=Pinball(0.2, 0.5), lanes=9)
    network = Network(p.architecture, "float64", backend)
    theta = backend.upload(p.theta, "float64")
    source = Source.upload(backend, p.series, p.targets, p.observed)
    whole = network.predict(theta, source, p.windows, p.geometry, free_run=True)
    assert whole.shape == (9, 2, 2, 2, 2)
    some = network.predict(theta, source, p.windows, p.geometry, free_run=True, batch_size=4)
    assert_allclose(some, whole, rtol=1e-14 if backend.name == "numpy" else 0)


@both
@pytest.mark.parametrize("lanes", [7, 3])
def test_scales_of_contexts_are_computed_with_the_batch(backend, lanes):
    """Outputs and loss are those of windows with a row each in a table of means and standard deviations."""
    rng = np.random.default_rng(0)
    values, known = rng.normal(3, [1, 100], (30, 2)).cumsum(axis=0), rng.normal(size=(30, 1 + 2 * 2))
    values[:12, 1] = 0.7  # some contexts are constant
    geometry = Geometry(5, n_outputs=3, block=2)
    panel, _, windows = one_series(values, np.arange(7) * 3, geometry, "window", known, seasonal=2)
    table = Scales.of_table(windows.shift, windows.scale, windows.target_shift, windows.target_scale)
    contexts = [values[start : start + 5] for start in windows.start]
    spread = np.std(contexts, axis=1)
    assert_allclose(windows.target_scale, np.where(spread > 1e-9, spread, 1))
    assert_allclose(windows.shift[:, [0, 1, 3, 4, 5, 6]], np.mean(contexts, axis=1)[:, [0, 1, 0, 0, 1, 1]])
    same = Windows(windows.start, windows.length, windows.target, np.arange(7), table)
    a = Architecture(CELLS["lstm"], 7, 2, 2, MSE, 2, 1, 5, n_covariates=1, n_seasonal=2)
    network = Network(a, "float64", backend)
    theta = backend.upload(rng.normal(size=a.size), "float64")
    source = Source.upload(backend, panel.inputs(), values, np.ones(values.shape))
    found = []
    for some in (windows, same):
        work = network.workspace(geometry, lanes, loss=MSE)
        outputs = network.predict(theta, source, some, geometry, free_run=True, batch_size=lanes)
        found.append((outputs, network.evaluate(work, theta, source, some, free_run=False)))
    assert_allclose(found[0][0], found[1][0], rtol=1e-11)
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-11)


@both
def test_evaluate_goes_over_all_windows(backend):
    p = problem(lanes=9, missing=True)
    network = Network(p.architecture, "float64", backend)
    theta, source = backend.upload(p.theta, "float64"), Source.upload(backend, p.series, p.targets, p.observed)
    means = []
    for lanes in (9, 4):
        work = network.workspace(p.geometry, lanes, loss=MSE)
        value, weight = network.evaluate(work, theta, source, p.windows, free_run=False)
        means.append(value / weight)
    assert means == pytest.approx([oracle_loss(p, p.theta)] * 2, rel=1e-13)
    assert backend.take_total(work) == (0, 0)


def test_backends_have_names():
    assert get_backend("cpu").name == "cpu"
    with pytest.raises(ValueError, match="device='tpu'"):
        get_backend("tpu")


# ---------------------------------------------------------------- training
CONTEXT = 6


@dataclasses.dataclass
class Task:
    """A sine with noise, its windows, and a network to learn it."""

    backend: object
    network: Network
    theta: np.ndarray
    source: Source
    windows: Windows
    geometry: Geometry

    def minimise(self, seed=0, **options):
        """Train; `options` go to `Settings`, or to `minimise`."""
        further = {name: options.pop(name) for name in ("n_epochs", "validation") if name in options}
        defaults = {"optimizer": Adam(), "learning_rate": 0.02, "batch_size": 8, "max_epochs": 4}
        with self.backend.session():
            return minimise(
                self.network,
                self.theta,
                self.source,
                self.windows,
                self.geometry,
                Settings(**defaults | options),
                seed,
                **further,
            )

    def validation(self, **options):
        """The last windows."""
        return Validation(self.source, self.windows.take(np.arange(20, 26)), self.geometry, EarlyStopping(**options))


def task(backend, dtype="float64", n=26, **options):
    rng = np.random.default_rng(0)
    a = architecture(**{"hidden_size": 2} | options)
    series = np.sin(np.arange(n + CONTEXT + a.block) / 3)[:, None] + 0.1 * rng.normal(size=(n + CONTEXT + a.block, 1))
    geometry = Geometry(CONTEXT, 1, a.block)
    network = Network(a, dtype, backend)
    _, _, windows = one_series(series, np.arange(n), geometry, "window")
    theta = network.architecture.initialise(np.random.default_rng(1))
    return Task(
        backend, network, theta, Source.upload(backend, series, series, np.ones_like(series)), windows, geometry
    )


@both
def test_loss_falls(backend):
    training = task(backend).minimise(max_epochs=12)
    assert training.loss_curve[-1] < 0.7 * training.loss_curve[0]
    assert training.n_updates == 12 * 4
    assert (len(training.loss_curve), training.best_epoch, training.validation_curve) == (12, 12, [])


@every_cell
def test_backends_agree(cell):
    """A whole training with everything on; float64 rounding grows a little over the updates."""
    found = []
    for backend in BACKENDS.values():
        t = task(backend, cell=cell, num_layers=2, lags=3, block=2, loss=Pinball(0.3, 0.5), learn_initial_state=True)
        adam = Adam(weight_decay=0.01, clip_norm=0.1, schedule="cosine")
        found.append(t.minimise(dropout=0.3, optimizer=adam, validation=t.validation()))
    one, other = found
    assert_allclose(one.theta, other.theta, rtol=1e-9, atol=1e-11)
    assert_allclose(one.loss_curve, other.loss_curve, rtol=1e-9)
    assert_allclose(one.validation_curve, other.validation_curve, rtol=1e-9)
    assert one.best_epoch == other.best_epoch


@both
def test_the_first_update_is_the_oracle_s(backend):
    t = task(backend)
    adam = Adam(weight_decay=0.1, clip_norm=None)
    trained = t.minimise(batch_size=26, max_epochs=1, optimizer=adam)
    work = t.network.workspace(t.geometry, 26, loss=MSE, gradient=True)
    t.network.loss_and_grad(work, t.theta.copy(), t.source, t.windows, np.arange(26))
    gradient = get_array(work, "grad").reshape(-1, len(t.theta)).sum(axis=0)
    wanted = oracles.adam(t.theta, [gradient], 0.02, 0.1 * t.network.architecture.is_decayed)
    assert_allclose(trained.theta, wanted, rtol=1e-9)  # another order of the windows; Adam divides by |gradient|


@both
def test_a_seed_gives_the_same_bits(backend):
    t = task(backend, num_layers=2)
    one, again, other = (t.minimise(seed, dropout=0.2, max_epochs=2).theta for seed in (3, 3, 4))
    assert_array_equal(one, again)
    assert np.abs(one - other).max() > 1e-6


def test_the_start_is_left_alone():
    t = task(KERNELS)
    before = t.theta.copy()
    t.minimise(max_epochs=1)
    assert_array_equal(t.theta, before)


@both
def test_early_stopping_keeps_the_best(backend):
    """At a learning rate far too high, errors rise sooner or later."""
    t = task(backend)
    training = t.minimise(learning_rate=0.3, max_epochs=40, validation=t.validation(patience=3))
    curve = training.validation_curve
    assert len(curve) < 41
    assert training.best_epoch == np.argmin(curve) == len(curve) - 1 - 3
    assert len(training.loss_curve) == len(curve) - 1
    shorter = t.minimise(learning_rate=0.3, max_epochs=40, n_epochs=training.best_epoch)
    assert_array_equal(shorter.theta, training.theta)


@both
def test_min_delta(backend):
    t = task(backend)
    training = t.minimise(max_epochs=9, validation=t.validation(patience=2, min_delta=10.0))
    assert (training.best_epoch, len(training.loss_curve)) == (0, 2)
    assert_array_equal(training.theta, t.theta)


@both
def test_callbacks(backend):
    told = []

    def stop_at_two(epoch):
        told.append(epoch)
        return epoch.epoch == 2

    t = task(backend)
    training = t.minimise(callbacks=[stop_at_two, lambda epoch: None], validation=t.validation())
    assert [epoch.epoch for epoch in told] == [1, 2]
    assert [epoch.loss for epoch in told] == training.loss_curve
    assert [epoch.validation_loss for epoch in told] == training.validation_curve[1:]
    told.clear()
    t.minimise(callbacks=[stop_at_two])
    assert told[0].validation_loss is None


def test_cosine():
    adam = Adam(schedule="cosine")
    assert [adam.rate(0.2, step, 4) for step in range(6)] == pytest.approx(
        [0.2 * math.cos(math.pi * min(step / 8, 0.5)) ** 2 for step in range(6)]
    )
    assert Adam().rate(0.2, 3, 4) == 0.2


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_every_update_has_its_rate(schedule):
    """With both betas 0 Adam goes rate * g / (|g| + epsilon) in each direction."""
    t = task(BACKENDS["numpy"])
    adam = Adam(beta1=0, beta2=0, epsilon=1e-300, clip_norm=None, schedule=schedule)
    path = [t.minimise(batch_size=26, max_epochs=3, n_epochs=n, optimizer=adam).theta for n in range(4)]
    assert_allclose(np.abs(np.diff(path, axis=0)).max(axis=1), [adam.rate(0.02, step, 3) for step in range(3)])


@both
def test_clipping(backend):
    """With a tiny learning rate theta hardly moves: the first moments tell that the gradient was scaled."""
    t = task(backend)
    whole, clipped = (t.minimise(max_epochs=1, optimizer=Adam(clip_norm=c, epsilon=1.0)) for c in (None, 1e-3))
    moved = [np.linalg.norm(training.theta - t.theta) for training in (whole, clipped)]
    assert moved[1] <= 0.02 * 1e-3 * whole.n_updates
    assert moved[0] > 20 * moved[1]


@both
@pytest.mark.filterwarnings("ignore:overflow|invalid:RuntimeWarning")
def test_divergence_is_an_error(backend):
    t = task(backend, cell=CELLS["rnn_relu"])
    t.theta *= 100
    wanted = r"epoch 1, step \d of 4 .*gradient norm before that step .*try a smaller learning_rate \(now 1e\+300\)"
    with pytest.raises(FloatingPointError, match=wanted) as error:
        t.minimise(learning_rate=1e300, optimizer=Adam(clip_norm=None))
    assert re.search("clip_norm.*scaling.*dtype='float64'", str(error.value))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adam(schedule="linear"), "schedule='linear' is not known; use one of 'constant', 'cosine'"),
        (lambda: Adam(clip_norm=0), "clip_norm=0 must lie in (0, inf)"),
        (lambda: Adam(weight_decay=-1), "weight_decay=-1"),
        (lambda: Adam(beta1=1.0), "beta1=1.0"),
        (lambda: EarlyStopping(patience=0), "patience=0"),
        (lambda: EarlyStopping(min_delta=-1), "min_delta=-1"),
        (lambda: EarlyStopping(validation_size=1.5), "validation_size=1.5"),
    ],
)
def test_settings_are_checked(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_rows_held_out():
    assert [EarlyStopping(validation_size=size).rows(95, at_least=4) for size in (None, 7, 0.2)] == [9, 7, 19]
    assert EarlyStopping().rows(20, at_least=4) == 4


def test_few_layouts_are_kept():
    """However many lengths a network has met."""
    network = Network(architecture(), "float64", KERNELS)
    first = network.layout(Geometry(5))
    assert network.layout(Geometry(5)) is first
    for n in range(1, 3 * MAX_LAYOUTS):
        assert network.layout(Geometry(n)).shape.n_steps == n
        assert len(network._layouts) <= MAX_LAYOUTS


def test_warm_up():
    assert warm_up(Network(architecture(), "float64", KERNELS), Geometry(5)) > 0
