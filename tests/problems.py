"""Small problems for the tests: an architecture with parameters and windows, run on a backend or by the oracles."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from tsrnn.cells.lstm import LSTM
from tsrnn.cells.registry import all_cells
from tsrnn.data.panel import Panel
from tsrnn.data.scaling import PanelScaling, Scales
from tsrnn.data.static import Static
from tsrnn.data.windows import Geometry, Windows
from tsrnn.losses.squared import MSE
from tsrnn.networks.architecture import Architecture
from tsrnn.networks.network import Network, Source
from tsrnn.parts.recurrent import layers_of

from . import oracles

COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"
#: "cpu" or "cuda", on a GPU or what stands for one: where the kernels under test run.
DEVICE = "cpu" if os.environ.get("TSRNN_TEST_DEVICE", "cpu") == "cpu" else "cuda"
CELLS = {
    name: cell for name, cell in all_cells().items() if DEVICE == "cpu" or all(p.kind == "dense" for p in cell.products)
}


@dataclass
class Problem:
    """Windows for an architecture; missing targets are NaN, others may have a smaller weight."""

    architecture: Architecture
    geometry: Geometry
    theta: np.ndarray
    series: np.ndarray
    targets: np.ndarray
    observed: np.ndarray
    windows: Windows
    state: np.ndarray  # (L, S, H, lanes)


def problem(
    cell=LSTM, n_inputs=1, n_targets=None, block=1, loss=MSE, hidden=3, layers=1, lags=0, learn=False, context=5,
    n_outputs=1, lanes=5, ragged=False, missing=False, covariates=0, seasonal=0, decoder=None, seed=0, n_static=0,
    cardinalities=(), masked=0, pooling="last", symbols=(0, 0), embedding=0, bidirectional=False,
) -> Problem:  # fmt: skip
    """Windows at random places of random series, with random parameters and scales.

    `symbols` are the rows of the tables of encoder and decoder.
    """
    rng = np.random.default_rng(seed)
    n_targets, hidden = n_targets or n_inputs, -(-hidden // cell.units_multiple) * cell.units_multiple
    n_inputs += covariates + n_targets * seasonal + 2 * masked
    a = Architecture(
        cell, n_inputs, n_targets, block, loss, hidden, layers, lags, learn, covariates, decoder, seasonal, n_static,
        cardinalities, masked, 0, pooling, *symbols, embedding, bidirectional,
    )  # fmt: skip
    geometry = Geometry(context, n_outputs, block, decoder.segment if decoder else 1)
    series = rng.normal(1, 2, (geometry.n_steps + 20, n_inputs))
    targets = rng.normal(1, 2, (geometry.n_ahead + 10, a.n_targets))
    observed = (rng.uniform(size=targets.shape) < (0.6 if missing else 2)).astype(float)
    if loss.support == "counts":
        targets = rng.poisson(2, targets.shape).astype(float)
    elif loss.is_of_classes:
        targets = rng.integers(0, max(2, loss.width), targets.shape).astype(float)
    targets[observed == 0] = np.nan
    observed *= rng.choice([0.5, 1.0] if missing else [1.0], observed.shape)
    start, target = rng.integers(0, 20, lanes), rng.integers(1 if covariates or seasonal else 0, 10, lanes)
    length = geometry.n_steps - rng.permutation(lanes) % (context if ragged else 1)
    moments = [rng.uniform(low, low + 1, (lanes, n)) for n in (n_inputs, a.n_targets) for low in (0.5, 1)]
    if masked:  # masks and times since the last observed value are not scaled
        seen, first = rng.integers(0, 2, (len(series), masked)), n_inputs - 2 * masked
        series[:, first:] = np.hstack([seen, rng.integers(1, 6, seen.shape) * (1 - seen)])
        moments[0][:, first:], moments[1][:, first:] = 0, 1
    if loss.support != "real":
        moments[2:] = np.zeros((lanes, a.n_targets)), np.ones((lanes, a.n_targets))
    if embedding:  # codes that every table has, which are not scaled
        series = rng.integers(0, min(n for n in symbols if n), series.shape).astype(float)
        moments[:2] = np.zeros((lanes, 1)), np.ones((lanes, 1))
    state = np.zeros((a.n_layers, len(cell.states), hidden, lanes))  # of a learned one, the oracles take the parameter
    theta = rng.normal(0, 0.5, a.size)
    static = None
    if a.static_size:
        codes = [rng.integers(0, n + 1, lanes) for n in cardinalities]
        static = Static(rng.normal(size=(lanes, n_static)), np.array(codes, np.int64).reshape(-1, lanes).T)
    windows = Windows(start, length, target, np.arange(lanes), Scales.of_table(*moments), static)
    return Problem(a, geometry, theta, series, targets, observed, windows, state)


def one_series(values, starts, geometry, scaling=None, known=None, seasonal=0):
    """A panel of one series, its scaling, and its windows that begin at `starts`."""
    panel, starts = Panel.of_one(values, known=known), np.asarray(starts)
    fitted = PanelScaling.fit(scaling, panel, seasonal)
    scales = fitted.scales(values)
    return panel, fitted, Windows.at(starts, np.zeros(len(starts), int), scales, geometry)


# ---------------------------------------------------------------- on a backend
def kernels(tile=None):
    """The backend under test, with `tile` lanes to a tile."""
    if DEVICE == "cuda":
        from tsrnn.kernels.cuda.backend import CudaBackend

        return CudaBackend(lanes=tile)
    from tsrnn.kernels.cpu import CpuBackend

    return CpuBackend(tile)


def get_array(work, name):
    """An array of a workspace, wherever it lies; a copy if that is a device."""
    return work.read(name) if hasattr(work, "read") else getattr(work, name)


def set_array(work, name, values):
    """Fill an array of a workspace, wherever it lies."""
    if hasattr(work, "pool"):
        work.pool.write(name, values)
    else:
        get_array(work, name)[:] = values


def run(p, backend, dtype="float64", *, batch=None, capacity=None, gradient=True, theta=None, **options):
    """Outputs, loss and all gradients of the windows `batch`; lanes come last in states and in inputs (T, I, lanes)."""
    batch = np.arange(len(p.windows)) if batch is None else np.asarray(batch)
    network = Network(p.architecture, dtype, backend)
    theta = backend.upload(p.theta if theta is None else theta, dtype)
    source = Source.upload(backend, p.series, p.targets, p.observed)
    work = network.workspace(
        p.geometry, capacity or len(batch), loss=p.architecture.loss, gradient=gradient, input_gradient=gradient
    )
    with backend.session():
        backend.gather(work, source.series, p.windows, batch)
        backend.gather_targets(work, source.targets, source.observed, p.windows, batch)
        backend.forward(work, theta, **options)
        backend.loss(work, p.architecture.loss)
        value, weight = backend.take_total(work)
        result = SimpleNamespace(outputs=backend.outputs(work), loss=value / weight if weight else 0.0, work=work)
        if gradient:
            backend.backward(work, theta, **{name: options[name] for name in options if name != "free_run"})
            grad = get_array(work, "grad").reshape(-1, len(theta))
            result.theta = grad[: 1 if backend.name == "numpy" else work.tiles()].sum(axis=0)
            result.state = to_lanes(get_array(work, "dstate"), p.state.shape[:3], len(batch))
            inputs = (p.architecture.n_inputs, p.geometry.n_steps)
            flat = backend.name == "numpy"
            result.x = work.dx if flat else to_lanes(work.read("dx"), inputs, len(batch)).swapaxes(0, 1)
    return result


def to_lanes(array, shape, n_lanes):
    """The values (*shape, lanes) that an array holds as (*shape, lanes), or as (tiles, *shape, B), flat in part."""
    if array.shape[:-1] != tuple(shape):
        array = np.moveaxis(array.reshape(len(array), *shape, -1), 0, -2)
    return array.reshape(*shape, -1)[..., :n_lanes]


# ---------------------------------------------------------------- by the oracles
def views(architecture, theta):
    """The parameters by name; theta may have further axes."""
    return {
        name: theta[at : at + int(np.prod(shape))].reshape(*shape, *theta.shape[1:])
        for name, (at, shape) in architecture.entries.items()
    }


def scaled(p, lane):
    """Inputs (T, I) and first step of a window, targets and weights (n_outputs, block * C), from the definitions."""
    w, g, T = p.windows, p.geometry, p.geometry.n_steps
    start = T - w.length[lane]
    x = np.zeros((T, p.series.shape[1]))
    for t in range(start, T):
        x[t] = (p.series[w.start[lane] + t - start] - w.shift[lane]) / w.scale[lane]
    rows = [[w.target[lane] + k * g.stride + j for j in range(g.block)] for k in range(g.n_outputs)]
    y = (p.targets[rows] - w.target_shift[lane]) / w.target_scale[lane]
    return x, start, y.reshape(g.n_outputs, -1), p.observed[rows].reshape(g.n_outputs, -1)


def initial(p, lane, named, state):
    """States before the first step of a window, (L, S, H): from static covariates, learned, or those given."""
    if "static" in named:
        static, tables = p.windows.static, [named[f"category{q}"] for q in range(len(p.architecture.cardinalities))]
        row = p.windows.series[lane]
        return oracles.static_state(named["static"], static.numbers[row], tables, static.codes[row])
    return named.get("initial_state", (p.state if state is None else state)[:, :, :, lane])


def locations(a):
    """For each output: the channel and the step ahead to which the skip adds, or None."""
    all_of_them = np.ndindex(a.block, a.n_targets, a.loss.size)
    return [(channel, step) if number in a.loss.location else None for step, channel, number in all_of_them]


def first_known(a):
    """The first input that is known ahead: covariates, then seasonal inputs, then masks and times."""
    return a.n_inputs - 2 * a.n_masked - a.n_targets * a.n_seasonal - a.n_covariates


def ahead(p, lane, named):
    """Weights of the covariates, and those of each output's step before and of its steps (n_outputs, 1 + block, F)."""
    w, g, F = p.windows, p.geometry, p.architecture.n_covariates
    if F == 0:
        return None
    rows = np.array([[w.target[lane] + k * g.stride + j - 1 for j in range(-1, g.block)] for k in range(g.n_outputs)])
    rows = np.maximum(rows, min(w.start[lane], w.target[lane] - 1))  # of its first row nothing is known
    first = first_known(p.architecture)
    of = slice(first, first + F)
    known = (p.series[rows][..., of] - w.shift[lane, of]) / w.scale[lane, of]
    return [named[f"ahead{j}"] for j in range(g.block)], known


def season(p, lane, named):
    """Weights of the seasonal inputs (C, 2, block, S), and these inputs (n_outputs, block, C, S), or None."""
    w, g, C, S = p.windows, p.geometry, p.architecture.n_targets, p.architecture.n_seasonal
    if "season" not in named:
        return None
    rows = [[w.target[lane] + k * g.stride + j - 1 for j in range(g.block)] for k in range(g.n_outputs)]
    first = first_known(p.architecture) + p.architecture.n_covariates
    of = slice(first, first + C * S)
    known = (p.series[rows][..., of] - w.shift[lane, of]) / w.scale[lane, of]
    return named["season"], known.reshape(g.n_outputs, g.block, C, S)


def oracle_outputs(p, lane, theta, x=None, state=None, free_run=False, masks=None, cell=None, fed=None):
    """Outputs (n_outputs, O) of a window; `x` and `state`, of all lanes, replace the problem's own."""
    a, named = p.architecture, views(p.architecture, theta)
    if a.decoder:
        return oracle_decoding(p, lane, theta, x, state, masks, fed)[0]
    own, start, _, _ = scaled(p, lane)
    names, products = ("layer", "backward") if a.bidirectional else ("layer",), range(len(a.cell.products))
    what = (
        cell or oracles.CELLS[a.cell.name],
        [[named[f"{name}{n}.product{k}"] for k in products] for n in range(a.num_layers) for name in names],
        named["head"],
        own if x is None else x[:, :, lane],
        start,
        initial(p, lane, named, state),
        p.geometry.n_outputs,
    )
    masks = None if masks is None else masks[..., lane]
    if a.bidirectional:
        of_both = {"masks": masks, "decay": named.get("input_decay"), "pooling": a.pooling}
        return oracles.bidirectional(*what, **of_both, tables=tables_of(named))
    return oracles.network(
        *what,
        skip=named.get("skip"),
        location=locations(a),
        masks=masks,
        feed=[c * a.loss.size + a.loss.point for c in range(a.n_channels)] if free_run else None,
        link=oracles.softplus if a.loss.link == "softplus" else None,
        ahead=ahead(p, lane, named),
        season=season(p, lane, named),
        decay=named.get("input_decay"),
        pooling=a.pooling,
        tables=tables_of(named),
    )


def tables_of(named):
    """The vectors of the codes that encoder and decoder read, or None."""
    return [named["symbols"], named.get("target_symbols", named["symbols"])] if "symbols" in named else None


def oracle_decoding(p, lane, theta, x=None, state=None, masks=None, fed=None):
    """Outputs (n_outputs, O) of a window and its attention; `masks` (layers, T, H, lanes), `fed` (m, lanes)."""
    a, d, named = p.architecture, p.architecture.decoder, views(p.architecture, theta)
    own, start, _, _ = scaled(p, lane)
    matrices = [[named[f"{name}.product{k}"] for k in range(len(a.cell.products))] for name, _ in layers_of(a)]
    parts = {name: named[name] for name in ("embedding", "position", "bridge", "skip") if name in named}
    if d.attention:
        weights = {name: named[name] for name in ("query", "key", "context") if name in named}
        parts["attention"] = {"kind": d.attention, "energy": named.get("energy", [None])[0], **weights}
    if d.parallel:
        parts["bias"] = named["bias"][:, 0]
    return oracles.decoding(
        oracles.CELLS[a.cell.name],
        matrices[: a.n_layers],
        matrices if d.parallel else matrices[a.n_layers :],
        named["head"],
        own if x is None else x[:, :, lane],
        start // d.segment,
        initial(p, lane, named, state),
        p.geometry.n_outputs,
        segment=d.segment,
        location=locations(a),
        mask=None if masks is None else lambda layer, t: masks[layer, t, :, lane],
        feed=[c * a.loss.size + a.loss.point for c in range(a.n_channels)],
        link=oracles.softplus if a.loss.link == "softplus" else None,
        own=[False] * p.geometry.n_outputs if fed is None else fed[:, lane] > 0,
        detached=not d.exact_feedback,
        ahead=ahead(p, lane, named),
        season=season(p, lane, named),
        decay=named.get("input_decay"),
        tables=tables_of(named),
        directions=a.directions,
        **parts,
    )


def oracle_loss(p, theta, **options):
    """Weighted mean loss of all windows; `options` as `oracle_outputs` takes them."""
    lanes = range(len(p.windows))
    function, width, has_constant = oracles.LOSSES[p.architecture.loss.name]
    width = width or p.architecture.loss.width
    outputs = [oracle_outputs(p, lane, theta, **options) for lane in lanes]
    targets, weights = zip(*(scaled(p, lane)[2:] for lane in lanes), strict=True)
    constants = p.architecture.loss.constants if has_constant else [None]
    return oracles.weighted_mean(function, constants, width, outputs, targets, weights)


# ---------------------------------------------------------------- names of tests
def shown(value):
    """How a parameter is called in the name of a test: as it is written, but for its address in memory."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
