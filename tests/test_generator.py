"""The sequence generator: scikit-learn's checks, what it learns, the forms of X and y, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from tsrnn import Adam, EarlyStopping, SequenceGenerator
from tsrnn.cells.registry import FAMILIES
from tsrnn.data.static import Static
from tsrnn.forecasting.generation import point_paths, sampled_paths
from tsrnn.networks.network import Network

from . import oracles
from .backends import both
from .problems import shown

QUICK = {"hidden_size": 6, "max_epochs": 4, "batch_size": 16, "random_state": 0}
N_STEPS = 12

pytestmark = pytest.mark.usefixtures("one_thread")


@parametrize_with_checks([SequenceGenerator()])
def test_sklearn(estimator, check):
    check(estimator)


def generator(**options):
    return SequenceGenerator(**{**QUICK, **options})


def waves(n=60, n_steps=N_STEPS, seed=0):
    """Amplitudes and frequencies, and the damped sine waves that have them."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.uniform(0.5, 2, n), rng.uniform(0.15, 0.5, n)])
    steps = np.arange(n_steps)
    return X, X[:, :1] * np.exp(-steps / 30) * np.sin(X[:, 1:] * steps)


def shapes(n=60, n_steps=N_STEPS, seed=0):
    """Names of shapes, and noisy series of that shape."""
    steps = np.arange(n_steps) / n_steps
    of_name = {"rise": steps, "fall": -steps, "wave": np.sin(2 * np.pi * steps)}
    rng = np.random.default_rng(seed)
    names = np.array(list(of_name))[np.arange(n) % 3]
    return names, np.stack([of_name[name] for name in names]) + rng.normal(0, 0.05, (n, n_steps)), of_name


# ------------------------------------------------------------ learning
def test_it_learns_waves_from_amplitude_and_frequency():
    X, Y = waves(200, 40)
    Y = Y + np.random.default_rng(1).normal(0, 0.1, Y.shape)
    fitted = SequenceGenerator(loss="gaussian", learning_rate=0.01, early_stopping=True, random_state=0).fit(X, Y)
    assert fitted.score(*waves(100, 40, seed=1)) > 0.98


@pytest.mark.parametrize("cell", [name.lower() for name in FAMILIES])
def test_every_cell_learns_shapes_from_classes(cell):
    names, Y, of_name = shapes()
    fitted = SequenceGenerator(cell=cell, learning_rate=0.02, random_state=0).fit(names, Y)
    assert_allclose(fitted.predict(list(of_name)), list(of_name.values()), atol=0.25)


def test_paths_are_distributed_like_the_series():
    """Random walks whose step depends on the vector: the deviation of the last value grows as it should."""
    rng = np.random.default_rng(0)
    X = rng.uniform(0.2, 1.0, (1000, 1))
    Y = np.cumsum(X * rng.normal(size=(1000, 8)), axis=1)
    options = {"hidden_size": 16, "max_epochs": 40, "learning_rate": 0.01, "optimizer": Adam(schedule="cosine")}
    fitted = generator(loss="gaussian", **options).fit(X, Y)
    paths = fitted.sample([[0.3], [0.9]], n_samples=2000, random_state=0)
    assert paths.shape == (2, 8, 2000)
    assert_allclose(paths[:, -1].std(axis=1), np.sqrt(8) * np.array([0.3, 0.9]), rtol=0.2)
    assert (np.abs(paths[:, -1].mean(axis=1)) < 0.4 * paths[:, -1].std(axis=1)).all()
    assert np.corrcoef(paths[1, -2], paths[1, -1])[0, 1] > 0.8  # a path goes on from its own value


# ------------------------------------------------------------ what is computed
def by_hand(fitted, vector, code, n_steps):
    """The mean path of a fitted network with one layer, by the oracles of the cell and of the static covariates."""
    a = fitted.network_.architecture
    named = a.views(fitted.theta_.astype(np.float64))
    tables = [named[f"category{q}"] for q in range(len(a.cardinalities))]
    state = oracles.static_state(named["static"], vector, tables, code)
    rows = np.zeros((n_steps, a.n_inputs))
    outputs = oracles.network(
        oracles.CELLS[a.cell.name], [[named[f"layer0.product{k}"] for k in range(len(a.cell.products))]], named["head"],
        rows, 0, state, n_steps, feed=[c * a.loss.size + a.loss.point for c in range(a.n_channels)],
    )  # fmt: skip
    points = np.asarray(outputs)[:, a.loss.point :: a.loss.size]
    return points * fitted.outputs_.scale + fitted.outputs_.mean


def test_a_mean_path_equals_the_oracles():
    X, Y = waves(30)
    Y = np.stack([Y, 3 - Y], axis=2)
    fitted = generator(dtype="float64").fit(X, Y)
    scaled = (X[:3] - X.mean(axis=0)) / X.std(axis=0)
    for row in range(3):
        assert_allclose(fitted.predict(X[:3], 15)[row], by_hand(fitted, scaled[row], [], 15), rtol=1e-9)


@both
def test_backends(backend):
    """Point forecasts and draws of numbers and categories are those of the oracles on every backend."""
    names, Y, _ = shapes(30)
    table = pd.DataFrame({"shape": names, "size": np.linspace(-1, 1, 30)})
    fitted = generator(dtype="float64", loss="gaussian", max_epochs=1).fit(table, Y)
    network = Network(fitted.network_.architecture, "float64", backend)
    static = Static(np.array([[0.5], [-1.0]]), np.array([[1], [0]]))
    with backend.session():
        theta = backend.upload(fitted.theta_, "float64")
        points = point_paths(network, theta, static, fitted.outputs_, 5)
        rngs = [np.random.RandomState(row) for row in range(2)]
        draws = sampled_paths(network, theta, static, fitted.outputs_, 5, 400, rngs)
    for row in range(2):
        expected = by_hand(fitted, static.numbers[row], static.codes[row], 5)
        assert_allclose(points[row], expected, rtol=1e-9)
        assert_allclose(draws[row, 0, 0].mean(), expected[0, 0], atol=4 * draws[row, 0, 0].std() / 20)


def test_an_unseen_class_has_the_mean_of_the_learned_vectors():
    names, Y, _ = shapes(30)
    fitted = generator(dtype="float64", loss="gaussian").fit(names, Y)
    assert fitted.coding_.categories == (("rise", "fall", "wave"),)
    table = fitted.network_.architecture.views(fitted.theta_)["category0"]
    assert_allclose(table[0], table[1:].mean(axis=0), rtol=1e-12)
    assert_allclose(fitted.predict(["step"])[0], by_hand(fitted, np.empty(0), [0], N_STEPS)[:, 0], rtol=1e-9)
    assert_allclose(fitted.predict(["fall"])[0], by_hand(fitted, np.empty(0), [2], N_STEPS)[:, 0], rtol=1e-9)


def test_series_of_different_lengths():
    """What stands after the end of a series does not count, and equal lengths in a list give the same as an array."""
    X, Y = waves(40)
    lengths = 3 + np.arange(40) % (N_STEPS - 2)
    ragged = [values[:length] for values, length in zip(Y, lengths, strict=True)]
    fitted = generator().fit(X, ragged)
    assert fitted.n_steps_ == N_STEPS
    assert fitted.predict(X).shape == Y.shape
    rows = np.concatenate(ragged)
    assert fitted.outputs_.mean[0, 0] == pytest.approx(rows.mean())
    assert (fitted.predict(X) != generator().fit(X, Y).predict(X)).all()
    predicted = np.concatenate([values[:length] for values, length in zip(fitted.predict(X), lengths, strict=True)])
    expected = 1 - np.sum((rows - predicted) ** 2) / np.sum((rows - rows.mean()) ** 2)
    assert fitted.score(X, ragged) == pytest.approx(expected)
    assert_array_equal(generator().fit(X, list(Y)).predict(X), generator().fit(X, Y).predict(X))


def test_the_loss_of_ragged_series_is_the_mean_over_their_values():
    """Before the first update, so that both fits have the same parameters."""
    X, Y = waves(6)
    ragged = [Y[i, : 2 + i] for i in range(6)]
    losses, weights = [], []
    options = {"scaling": None, "max_epochs": 1, "learning_rate": 1e-30, "dtype": "float64"}
    coded = generator(**options).fit(X, Y)
    for i in range(6):
        one = generator(**options, warm_start=True)
        one.__dict__.update({k: v for k, v in vars(coded).items() if k not in one.get_params()})
        losses.append(one.fit(X[i : i + 1], [ragged[i]]).loss_curve_[0])
        weights.append(len(ragged[i]))
    together = generator(**options).fit(X, ragged)
    assert together.loss_curve_[0] == pytest.approx(np.average(losses, weights=weights), rel=1e-9)


# ------------------------------------------------------------ forms of X and y
def test_channels_have_an_axis_of_their_own():
    X, Y = waves(30)
    both = np.stack([Y, 5 + 2 * Y], axis=2)
    fitted = generator(loss="gaussian").fit(X, both)
    assert fitted.predict(X[:4], 5).shape == (4, 5, 2)
    assert fitted.sample(X[:4], 3, 5, random_state=0).shape == (4, 5, 2, 3)
    assert_array_equal(generator(loss="gaussian").fit(X, list(both)).predict(X), fitted.predict(X))
    ragged = generator().fit(X, [*both[:-1], both[-1, :4]])
    assert ragged.predict(X).shape == (30, N_STEPS, 2)
    assert_allclose(fitted.outputs_.mean[0], both.mean(axis=(0, 1)))
    assert generator().fit(X, Y[:, :, None]).predict(X).shape == (30, N_STEPS, 1)


def test_frames_come_back_as_frames():
    X, Y = waves(30)
    table = pd.DataFrame(X, columns=["amplitude", "frequency"], index=[f"row{i}" for i in range(30)])
    curves = pd.DataFrame(Y, columns=[f"day {k}" for k in range(N_STEPS)])
    fitted, plain = generator().fit(table, curves), generator().fit(X, Y)
    assert list(fitted.feature_names_in_) == ["amplitude", "frequency"]
    found = fitted.predict(table[3:5])
    pd.testing.assert_frame_equal(found, pd.DataFrame(plain.predict(X[3:5]), table.index[3:5], curves.columns))
    assert list(fitted.predict(table, 2).columns) == ["day 0", "day 1"]
    assert list(fitted.predict(table, N_STEPS + 1).columns) == list(range(N_STEPS + 1))
    assert isinstance(plain.predict(table.to_numpy()), np.ndarray)
    assert fitted.score(table, curves) == plain.score(X, Y)
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(table[["frequency", "amplitude"]])


def test_frames_of_numbers_and_categories():
    names, Y, _ = shapes(30)
    size = np.linspace(1, 2, 30)
    table = pd.DataFrame({"shape": names, "size": size})
    fitted = generator(dtype="float64").fit(table, Y)
    assert fitted.n_features_in_ == 2
    assert fitted.coding_.number_names == ("size",)
    scaled = (size[4] - size.mean()) / size.std()
    assert_allclose(fitted.predict(table[4:5])[0], by_hand(fitted, [scaled], [2], N_STEPS)[:, 0], rtol=1e-9)
    for column, value in (("shape", np.nan), ("size", np.inf)):
        broken = table.assign(**{column: [value, *table[column][1:]]})
        with pytest.raises(ValueError, match=rf"X\['{column}'\] is {value} \(missing or infinite.* in row 0; fill it"):
            fitted.predict(broken)
        with pytest.raises(ValueError, match=rf"X\['{column}'\] is {value}"):
            generator().fit(broken, Y)


@pytest.mark.parametrize(
    "labels",
    [[3, 1], [True, False], pd.Categorical(["x", "y"]), pd.Series(["x", "y"])],
    ids=lambda x: type(x[0]).__name__,
)
def test_labels_of_any_type(labels):
    """Labels are names: the same classes by other names give the same series."""
    names, Y, _ = shapes(30)
    codes = (names == "fall").astype(int)
    plain = generator().fit(np.array(["x", "y"])[codes], Y)
    objects = [list(labels)[code] for code in codes]
    if isinstance(labels, pd.Categorical | pd.Series):
        objects = type(labels)(objects)
    fitted = generator().fit(objects, Y)
    assert_array_equal(fitted.predict(objects), plain.predict(np.array(["x", "y"])[codes]))
    assert fitted.n_features_in_ == 1


# ------------------------------------------------------------ manners
def test_the_seed_decides_and_a_row_does_not_depend_on_the_others():
    X, Y = waves(40)
    fitted = generator(loss="gaussian").fit(X, Y)
    assert_array_equal(clone(fitted).fit(X, Y).predict(X), fitted.predict(X))
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), fitted.predict(X))
    together = fitted.predict(X)
    for row in (0, 17, 39):
        assert_array_equal(fitted.predict(X[row : row + 1]), together[row : row + 1])
    assert_array_equal(fitted.predict(X, 30)[:, :N_STEPS], together)
    draws = fitted.sample(X, 5, random_state=1)
    assert_array_equal(fitted.sample(X, 5, random_state=1), draws)
    assert_array_equal(fitted.sample(X[:7], 5, 4, random_state=1), draws[:7, :4])
    assert (fitted.sample(X, 5, random_state=2) != draws).all()


def test_scaling_is_undone():
    X, Y = waves(40)
    plain = generator().fit(X, Y).predict(X)
    other = generator().fit(7 + 1e3 * X, 1e6 * Y - 5).predict(7 + 1e3 * X)
    assert_allclose((other + 5) / 1e6, plain, atol=1e-4)
    raw = generator(scaling=None).fit(X, Y)
    assert_array_equal(raw.outputs_.mean, 0)
    counts = np.random.default_rng(0).poisson(3, (40, N_STEPS))
    fitted = generator(scaling=None, loss="poisson").fit(X, counts)
    assert (fitted.predict(X) > 0).all()
    drawn = fitted.sample(X, 3, random_state=0)
    assert_array_equal(drawn, drawn.round())


def test_early_stopping_learns_nothing_from_held_out_rows():
    names, Y, _ = shapes(60)
    stopping = EarlyStopping(patience=2, validation_size=0.25, refit_full=False)
    fitted = generator(early_stopping=stopping, max_epochs=30, learning_rate=0.1).fit(names, Y)
    assert fitted.best_epoch_ == np.argmin(fitted.validation_curve_)
    held_out, kept = fitted._split(60, np.unique(names, return_inverse=True)[1])
    assert len(held_out) == 15
    assert set(names[kept]) == set(names)
    X, Y = waves(60)
    stopping = EarlyStopping(patience=9, validation_size=0.25, refit_full=False)  # longer than the training
    fitted = generator(early_stopping=stopping).fit(X, Y)
    held_out, kept = fitted._split(60)
    X[held_out], Y[held_out] = 1e3, -1e3
    altered = generator(early_stopping=stopping).fit(X, Y)
    assert_array_equal(altered.loss_curve_, fitted.loss_curve_)
    assert_array_equal(altered.coding_.mean, fitted.coding_.mean)
    refitted = generator(early_stopping=EarlyStopping(patience=2, validation_size=0.25)).fit(X, Y)
    assert "refit" in refitted.timings_


def test_warm_start():
    names, Y, _ = shapes(30)
    fitted = generator(warm_start=True).fit(names, Y)
    first = fitted.loss_curve_
    assert fitted.fit(names[::-1], Y[::-1]).loss_curve_[0] < first[-1]
    assert fitted.coding_.categories == (("rise", "fall", "wave"),)  # the codes of the first fit
    with pytest.raises(ValueError, match="warm_start=True needs the network of the earlier fit"):
        fitted.set_params(hidden_size=7).fit(names, Y)
    fitted = generator(warm_start=True).fit(np.ones((30, 2)), Y)
    with pytest.raises(ValueError, match="use the same number of channels, or warm_start=False"):
        fitted.fit(np.ones((30, 2)), np.stack([Y, Y], axis=2))


def test_in_a_search_and_a_pipeline():
    X, Y = waves(40)
    pipeline = make_pipeline(StandardScaler(), generator())
    search = GridSearchCV(pipeline, {"sequencegenerator__cell": ["gru", "rnn"]}, cv=2, error_score="raise").fit(X, Y)
    assert search.best_params_["sequencegenerator__cell"] in ("gru", "rnn")
    assert np.isfinite(search.predict(X)).all()
    weights = np.arange(40) % 2
    fitted = generator().fit(X, Y)
    assert fitted.score(X, Y, weights) == pytest.approx(fitted.score(X[1::2], Y[1::2]))


def test_a_series_of_series():
    """The index of the container is not read."""
    X, Y = waves(8)
    for y in ([*Y, Y[0, :5]], [*Y[:, :, None], Y[0, :5, None]], [y.tolist() for y in Y]):
        rows = np.concatenate([X, X[:1]])[: len(y)]
        expected = generator().fit(rows, y)
        fitted = generator().fit(rows, pd.Series(y, np.arange(len(y)) + 7))
        assert_array_equal(fitted.theta_, expected.theta_)
        assert_array_equal(fitted.predict(X), expected.predict(X))


# ------------------------------------------------------------ failures
X, Y = waves(8)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (X[:5], Y, "X has 5 rows, but y has 8 series; pass one series for each row"),
        (X, Y[:, 0], r"y has the shape \(8,\), but must be \(n, n_steps\) or"),
        (X, Y[:, :, None, None], r"y has the shape \(8, 12, 1, 1\), but must be"),
        (X, Y[:, :0], "y has the shape|0 feature"),
        (X, None, "requires y to be passed"),
        (X, [*Y[:7], []], r"y\[7\] is an empty sequence; leave it out"),
        (X, [*Y[:7], [1.0, np.nan]], r"y\[7\] has a missing or infinite value \(NaN\) at step 1; fill it"),
        (X, [*Y[:7, :, None], np.ones((3, 2))], r"y\[7\] has 2 channels, but y\[0\] has 1; pass the same"),
        (X, [np.ones((4, 2)), *Y[1:]], r"y\[1\] has 1 channels, but y\[0\] has 2; pass the same"),
        (X, [*Y[:7], ["a"]], r"y\[7\] holds other things than numbers"),
        (X, np.where(Y > 1, np.nan, Y), "Input y contains NaN"),
        (np.full((8, 2), np.nan), Y, "Input X contains NaN"),
        (np.empty((0, 2)), np.empty((0, 3)), "minimum of 1 is required"),
        (np.linspace(0, 1, 8), Y, r"X is one-dimensional, so it holds the class of each series, but 0.0 is no label"),
        (["a", "b", None, "a", "b", "a", "b", "a"], Y, r"X is nan \(missing or infinite, NaN or inf\) in row 2"),
        (["a", "b", 3, "a", "b", "a", "b", "a"], Y, "X has values of two kinds, 'a' and 3"),
        (np.arange(8).astype("M8[D]"), Y, "X holds Timestamp"),
        (X, np.full((8, 2), "2024-01-01", "M8[D]"), "y holds dates"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)  # fmt: skip
def test_problems(X, y, message):
    fitted = generator()
    with pytest.raises(ValueError, match=message):
        fitted.fit(X, y)
    with pytest.raises(NotFittedError):
        fitted.predict(np.ones((5, 2)))


def test_forecasts_that_cannot_be_made():
    of_vectors, of_labels = generator().fit(X, Y), generator().fit(list("abababab"), Y)
    for wrong in (0, -3, 1.5, "4", True):
        for method in (of_vectors.predict, lambda X, n: generator(loss="gaussian").fit(X, Y).sample(X, n_steps=n)):
            with pytest.raises((ValueError, TypeError), match=f"n_steps={wrong!r} must be"):
                method(X, wrong)
    with pytest.raises(ValueError, match="n_samples=0 must be at least 1"):
        of_vectors.sample(X, 0)
    with pytest.raises(ValueError, match=r"loss='mse' is no likelihood, .* fit with a loss such as 'gaussian'"):
        of_vectors.sample(X)
    with pytest.raises(ValueError, match="X holds labels, but the fit had vectors; pass an array of shape"):
        of_vectors.predict(list("ab"))
    with pytest.raises(ValueError, match="X holds vectors, but the fit had labels; pass one label for each series"):
        of_labels.predict(X)
    with pytest.raises(ValueError, match="X holds 1, but in the fit it had categories of another type, such as 'a'"):
        of_labels.predict([1, 2])
    with pytest.raises(ValueError, match="X has 3 features, but SequenceGenerator is expecting 2 features"):
        of_vectors.predict(np.ones((2, 3)))
    with pytest.raises(ValueError, match="y has 7 series of 1 channels, but the forecasts of X are 8 of 1"):
        of_vectors.score(X, Y[:7])
    for wrong, shape in (([1, 2], r"\(2,\)"), (2.0, r"\(\)"), (np.ones((8, 1)), r"\(8, 1\)")):
        with pytest.raises(ValueError, match=f"sample_weight has the shape {shape}, but y has 8 series; pass one"):
            of_vectors.score(X, Y, wrong)
    with pytest.raises(ValueError, match="1 series of n_steps=about 10\\^15 steps for each of 8 rows take at least"):
        of_vectors.predict(X, 10**15)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "mamba"}, "cell='mamba' is not known; use one of 'rnn', 'lstm'"),
        ({"scaling": "window"}, "scaling='window' is not known"),
        ({"loss": "log_loss"}, "loss="),
        ({"loss": "poisson"}, "loss='poisson' needs the counts as they are"),
        ({"loss": "poisson", "scaling": None}, r"y\[\d\] at step \d+, channel 0, is -?\d.* is of counts"),
        ({"dropout": 0.5}, "dropout=0.5 acts between layers"),
        ({"learning_rate": 1e38}, "stopped being finite in epoch"),
        ({"early_stopping": EarlyStopping(validation_size=8)}, "early_stopping holds out 8 of 8 rows"),
    ],
    ids=shown,
)
def test_a_failing_fit_leaves_the_generator_as_it_was(options, message):
    fitted = generator().fit(X, Y)
    before, attributes = fitted.predict(X), set(vars(fitted))
    with pytest.raises((ValueError, ArithmeticError), match=message):
        fitted.set_params(**options).fit(X, Y)
    assert set(vars(fitted)) == attributes
    assert_array_equal(fitted.predict(X), before)
