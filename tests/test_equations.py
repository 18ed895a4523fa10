"""Equations: gradients compared with the forward functions, values at kinks, Adam, random numbers, no loops."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tsrnn
from tsrnn.cells.cell import Product
from tsrnn.functions.optimizers import adam
from tsrnn.functions.random import fold, mix
from tsrnn.losses.absolute import MAE
from tsrnn.losses.gaussian import GAUSSIAN
from tsrnn.losses.huber import Huber
from tsrnn.losses.loss import Loss
from tsrnn.losses.pinball import Pinball
from tsrnn.losses.registry import LOSSES, as_loss
from tsrnn.losses.squared import MSE

from . import oracles
from .numpy_backend import bound, call
from .problems import CELLS

STEP = 1e-30
NUMBERS = np.random.default_rng(0).normal(size=(50, 100))


def names_read(cell):
    """Names of the previous states and pre-activations that a step reads."""
    return [*(f"{state}_prev" for state in cell.states), *cell.planes]


def forward(cell, values, weights):
    """Values of a step; the matrix of an inner operand is replaced by one number of `weights`."""
    values, weights = dict(values), iter(weights)
    for stage in cell.stages:
        for product in stage.products:
            if product.operand in cell.inner:
                values[product.planes[0]] = next(weights) * values[product.operand]
        call(stage.forward, values, stage.writes)
    return values


def gradient(cell, values, weights, d_states):
    """Gradient of sum(d_states * states) with respect to the values that the step read, by the cell's equations."""
    values = values | {f"d{state}": d for state, d in d_states.items()}
    inner_of = {p.operand: p.planes[0] for p in cell.products if p.operand in cell.inner}
    for stage in reversed(cell.stages):
        values |= {f"d{name}": w * values[inner_of[name]] for name, w in zip(cell.inner, weights, strict=True)}
        call(stage.gradient, values, stage.gradient_writes)
    written = {name for stage in cell.stages for name in stage.gradient_writes}
    carried = {f"{state}_prev": values[f"d{state}"] if f"d{state}" in written else 0 for state in cell.states}
    return carried | {plane: values[plane] for plane in cell.planes}


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_cell_gradient(cell):
    """Compared with the complex step; relu away from 0. One number replaces the matrix of an inner operand."""
    numbers = iter(NUMBERS)
    values = {name: next(numbers) for name in names_read(cell)}
    weights = [next(numbers) for _ in cell.inner]
    d_states = {state: next(numbers) for state in cell.states}
    found = gradient(cell, forward(cell, values, weights), weights, d_states)
    fed = {p.planes[0] for p in cell.products if p.operand in cell.inner}
    for name in values:
        if name in fed or (not any(name in p.planes for p in cell.products) and name in cell.planes):
            continue  # computed inside the step, or used by the gradient only
        shifted = forward(cell, values | {name: values[name] + 1j * STEP}, weights)
        wanted = sum(d * shifted[state].imag / STEP for state, d in d_states.items())
        assert_allclose(found[name], wanted, rtol=1e-12, atol=1e-14, err_msg=name)


def fill_planes(cell, product, weights, values, x):
    """Put the planes of a product into `values`, from the definition of its kind; all arrays are (rows, lanes)."""
    h = values["h_prev"]
    if product.operand in cell.inner:
        operand = values[product.operand]
    else:
        operand = np.concatenate([x, np.ones_like(x[:1]), h])[slice(*cell.rows(product.operand, len(x), len(h)))]
    if product.kind == "dense":
        planes = weights @ operand
    elif product.kind == "diagonal":
        planes = weights[:, None] * np.tile(operand, (len(product.planes), 1))
    else:
        blocks = np.einsum("bpk,bkl->bpl", weights, operand.reshape(product.n_blocks, -1, x.shape[1]))
        blocks = blocks.reshape(product.n_blocks, len(product.planes), -1, x.shape[1])
        planes = blocks.swapaxes(0, 1).reshape(-1, x.shape[1])
    values.update(zip(product.planes, np.split(planes, len(product.planes)), strict=True))


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_a_step_is_that_of_the_definition(cell):
    rng, n_inputs, hidden_size, lanes = np.random.default_rng(0), 2, 3 * cell.units_multiple, 5
    spans = [cell.rows(product.operand, n_inputs, hidden_size) for product in cell.products]
    shapes = [p.shape(r1 - r0, hidden_size) for p, (r0, r1) in zip(cell.products, spans, strict=True)]
    weights, x = [rng.normal(size=shape) for shape in shapes], rng.normal(size=(n_inputs, lanes))
    states = [rng.normal(size=(hidden_size, lanes)) for _ in cell.states]
    values, remaining = {f"{name}_prev": state for name, state in zip(cell.states, states, strict=True)}, iter(weights)
    for stage in cell.stages:
        for product in stage.products:
            fill_planes(cell, product, next(remaining), values, x)
        call(stage.forward, values, stage.writes)
    wanted = oracles.CELLS[cell.name](weights, list(x), *map(list, states))
    for name, state in zip(cell.states, wanted, strict=True):
        assert_allclose(values[name], np.stack(state), rtol=1e-12, atol=1e-14, err_msg=name)


def test_products_are_checked():
    for options, message in (
        ({"kind": "sparse"}, "kind='sparse' is not known; use one of 'dense'"),
        ({"kind": "diagonal"}, "reads the previous state alone, but operand='x1h'"),
        ({"n_blocks": 2}, "n_blocks=2 needs kind='block_diagonal'"),
    ):
        with pytest.raises(ValueError, match=message):
            Product(("a",), "x1h", **options)
    with pytest.raises(ValueError, match="hidden_size=3 cannot be divided into 2 equal blocks"):
        Product(("a",), "h", "block_diagonal", 2).shape(3, 3)


def test_relu_gradient_at_its_kink():
    stage = CELLS["rnn_relu"].stages[0]
    assert bound(stage.gradient)(bound(stage.forward)(np.zeros(1)), np.ones(1)) == 0


# ---------------------------------------------------------------- losses
def test_repr_of_losses():
    assert [repr(loss) for loss in (MSE, GAUSSIAN, Huber(0.5), Pinball(0.1, 0.9))] == [
        "'mse'",
        "'gaussian'",
        "Huber(0.5)",
        "Pinball(0.1, 0.9)",
    ]
    assert Pinball(0.1, 0.9).point == 0


#: A loss that is not here is smooth. All likelihoods but the normal one are in `test_likelihoods`.
KINKED = {
    "mae": (MAE, lambda y, p, _: oracles.absolute_error(y, p)),
    "huber": (Huber(0.5), oracles.huber),
    "pinball": (Pinball(0.2), oracles.pinball),
}
SMOOTH = [name for name, loss in LOSSES.items() if name not in KINKED and (not loss.family or name == "gaussian")]


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_loss(name):
    loss, (oracle, width, has_constant) = LOSSES[name], oracles.LOSSES[name]
    y, *p = NUMBERS[: 1 + width]
    constant = loss.constants[0]
    value, *derivatives = bound(loss.equation)(y, *p, constant)
    constants = [constant] if has_constant else []
    assert_allclose(value, oracle(y, *p, *constants), rtol=1e-13, atol=1e-15)
    assert len(derivatives) == loss.width == width
    for i, derivative in enumerate(derivatives):
        shifted = [x + 1j * STEP * (i == j) for j, x in enumerate(p)] + constants
        assert_allclose(derivative, oracle(y, *shifted).imag / STEP, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", KINKED)
def test_kinked_loss(name):
    """Away from kinks compared with central differences, exact for degree two; at a kink the mean of both sides."""
    loss, oracle = KINKED[name]
    constant, h = loss.constants[0], 2.0**-20
    errors = np.array([-2, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 2])  # 0 and, for huber, ±0.5 are kinks
    y = np.full(len(errors), 0.25)
    value, derivative = bound(loss.equation)(y, y + errors, np.float64(constant))
    assert_allclose(value, oracle(y, y + errors, constant), rtol=4e-16)
    wanted = (oracle(y, y + errors + h, constant) - oracle(y, y + errors - h, constant)) / (2 * h)
    assert_allclose(derivative, wanted, rtol=0, atol=h if name == "huber" else 1e-9)


def test_pinball_at_its_kink():
    assert bound(Pinball(0.2).equation)(np.ones(1), np.ones(1), np.float64(0.2))[1] == pytest.approx(0.3)


def test_point_and_location():
    assert (Pinball(0.1, 0.4, 0.9).point, Pinball(0.1, 0.4, 0.9).location, GAUSSIAN.size) == (1, (0, 1, 2), 2)
    assert all(as_loss(name) is loss and as_loss(loss) is loss for name, loss in LOSSES.items())


@pytest.mark.parametrize("make", [lambda: Huber(0), lambda: Pinball(), lambda: Pinball(0.9, 0.1), lambda: Pinball(1.0)])
def test_constants_are_checked(make):
    with pytest.raises(ValueError, match=r"delta=|levels="):
        make()
    with pytest.raises(ValueError, match="use one of 'mse'"):
        as_loss("mape")
    with pytest.raises(ValueError, match="link='exp' is not known; use one of 'identity', 'softplus'"):
        Loss("other", MSE.equation, link="exp")


# ---------------------------------------------------------------- Adam
def test_adam():
    rng = np.random.default_rng(1)
    theta, gradients, decay = rng.normal(size=7), rng.normal(size=(6, 7)), rng.integers(0, 2, 7) * 0.3
    found, m, v = theta, np.zeros(7), np.zeros(7)
    for t, g in enumerate(gradients, start=1):
        hyper = np.array([0.1, 0.9, 0.999, 1e-8, 1 - 0.9**t, 1 - 0.999**t])
        found, m, v = bound(adam)(found, g, m, v, decay, *hyper)
    assert_allclose(found, oracles.adam(theta, gradients, 0.1, decay), rtol=1e-13)


# ---------------------------------------------------------------- numbers from counters
def test_fold_gives_the_known_numbers():
    """A change of these numbers would change every fit with dropout."""
    assert mix(np.uint64(1)) == 0x514E28B7  # MurmurHash3's finaliser, as published
    known = {(0, 0): 2856213345, (0, 1): 2571116460, (1, 0): 1863002342, (2**32 - 1, 7): 1399489094}
    assert {(key, n): fold(np.uint64(key), np.uint64(n)) for key, n in known} == known


@pytest.mark.parametrize("place", ["counter", "key"])
def test_fold_is_uniform(place):
    """Low and high bits for neighbouring counters, or neighbouring keys, are uniform over 256 cells."""
    many, one = np.arange(2**16, dtype=np.uint64), np.uint64(0)
    words = fold(one, many) if place == "counter" else fold(many, one)
    assert words.max() < 2**32
    for shift in (0, 12, 24):
        counts = np.bincount((words >> np.uint64(shift)).astype(int) % 256, minlength=256)
        chi2 = ((counts - 256) ** 2 / 256).sum()
        assert abs(chi2 - 255) < 5 * np.sqrt(2 * 255)


def test_fold_of_each_counter_is_independent_of_the_others():
    """Masks of all pairs of (key, layer, step, unit) have no significant correlation."""
    counters = np.ogrid[:3, :3, :3, :3, :4000]
    key = np.uint64(5)
    for counter in counters:
        key = fold(key, counter.astype(np.uint64))
    masks = (key < np.uint64(2**31)).reshape(81, 4000)
    correlation = np.corrcoef(masks)[np.triu_indices(81, 1)]
    assert np.abs(correlation).max() < 5.5 / np.sqrt(4000)
    assert np.abs(masks.mean(axis=1) - 0.5).max() < 5 * 0.5 / np.sqrt(4000)


# ---------------------------------------------------------------- purity
PACKAGE = Path(inspect.getfile(tsrnn)).parent
FILES = sorted(path for folder in ("functions", "cells", "losses") for path in (PACKAGE / folder).glob("*.py"))
SOURCES = [path for path in FILES if path.name != "__init__.py"]


def imported(tree):
    """Top-level names of the packages that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." if node.level == 1 else (node.module or "..").split(".")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_imports(path):
    allowed = {".", "__future__", "checks", "functions", "numpy"}
    allowed |= {"collections", "dataclasses", "importlib", "itertools", "math", "types", "typing"}
    assert set(imported(ast.parse(path.read_text(encoding="utf-8")))) <= allowed


def equations():
    """All functions without annotations in the folders of equations."""
    for path in SOURCES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.returns is None:
                yield pytest.param(node, id=f"{path.stem}.{node.name}")


@pytest.mark.parametrize("function", list(equations()))
def test_equations_have_no_loop_and_no_array(function):
    """Only tuples of constants are indexed, and attributes are only those of NumPy, and the bits of a number."""
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute):
            assert ast.unparse(node.value) == "np" or node.attr == "view", ast.unparse(node)
        elif isinstance(node, ast.Subscript):
            assert isinstance(node.slice, ast.Constant), ast.unparse(node)
            assert ast.unparse(node.value).isupper(), ast.unparse(node)
        else:
            assert not isinstance(node, ast.For | ast.While | ast.comprehension | ast.Lambda), ast.unparse(node)


def test_equations_are_found():
    assert len(list(equations())) > 25
    assert {path.parent.name for path in SOURCES} == {"functions", "cells", "losses"}
