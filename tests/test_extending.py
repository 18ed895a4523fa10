"""The example of a part in docs/extending.md: it computes what the page says, and its check finds a wrong gradient."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import types
from types import SimpleNamespace

import numpy as np
import pytest

from tsrnn import Direct, LSTMForecaster
from tsrnn.cells.lstm import LSTM
from tsrnn.data.panel import Panel
from tsrnn.data.scaling import PanelScaling
from tsrnn.data.windows import Geometry, Windows
from tsrnn.losses.squared import MSE
from tsrnn.networks import stack
from tsrnn.networks.architecture import Architecture
from tsrnn.networks.network import Network, Source
from tsrnn.parts.layout import BUFFERS, WEIGHTS, register
from tsrnn.parts.part import Buffer, Parameter, Part, Weights

from .problems import COMPILED, kernels
from .test_docs import PAGES, ROOT, programs

FIRST, LAST = "### Arrays and parameters", "### Use it in a forecaster"


def highway_blocks():
    """The blocks of the page that define and check the highway connection."""
    text = PAGES["docs/extending.md"].read_text(encoding="utf-8")
    section = text.split(FIRST)[1].split(LAST)[0]
    found = [block for block in programs("docs/extending.md") if block in section]
    assert len(found) == section.count("```python")
    return found


def run_blocks(monkeypatch, blocks):
    """Run blocks as one module, and return its names."""
    module = types.ModuleType("page_under_test")  # compiled equations want a module that can be imported
    monkeypatch.setitem(sys.modules, module.__name__, module)
    vars(module).update(np=np, Geometry=Geometry)  # which the page imports further up
    for text in blocks:
        exec(compile(text, "<docs/extending.md>", "exec"), vars(module))
    return SimpleNamespace(**vars(module))


@pytest.fixture
def highway(monkeypatch):
    """The names that the page defines, without its check."""
    return run_blocks(monkeypatch, highway_blocks()[:-1])


def outputs(architecture, theta, starts, *, free_run=False):
    """Outputs of the windows that begin at `starts`, float64."""
    panel, geometry = Panel.of_one(np.random.default_rng(0).normal(size=(40, 1))), Geometry(context=4, n_outputs=3)
    scales = PanelScaling.fit(None, panel, 0).scales(panel.values)
    windows = Windows.at(np.asarray(starts), np.zeros(len(starts), int), scales, geometry)
    network = Network(architecture, "float64", kernels())
    source = Source.upload(network.backend, panel.values)
    return network.predict(theta, source, windows, geometry, free_run=free_run)


SIZES = {"n_inputs": 1, "n_targets": 1, "block": 1, "loss": MSE, "hidden_size": 2, "num_layers": 4}


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("(ONE - g) * dx[n] * (x[n]", "g * dx[n] * (x[n]"),
        ("d[n] = (ONE - g) * dx[n]", "d[n] = g * dx[n]"),
        ("dx[n] = g * dx[n]", "dx[n] = dx[n]"),
        ("steps.append((LEAVE, step))", "pass"),
    ],
    ids=["gates", "carried", "passed on", "no leave"],
)
def test_the_check_of_the_page_finds_a_fault(monkeypatch, right, wrong):
    """The page's own check passes (`test_docs`) and fails if a line of the gradient is wrong or missing."""
    text = highway_blocks()
    assert sum(right in block for block in text) == 1
    with pytest.raises(AssertionError):
        run_blocks(monkeypatch, [block.replace(right, wrong) for block in text])


@pytest.mark.parametrize("strategy", ["seq2seq", Direct(segment_length=6)], ids=["seq2seq", "segments"])
def test_a_strategy_with_a_decoder_is_refused(highway, strategy):
    """Before anything is trained: the program would write outside of the arrays of a network with a decoder."""

    class Forecaster(LSTMForecaster):
        def make_architecture(self, **sizes):
            return highway.HighwayArchitecture(**sizes)

    forecaster = Forecaster(num_layers=3, hidden_size=2, context_length=12, horizon=6, strategy=strategy)
    with pytest.raises(ValueError, match="no decoder; use strategy='recursive', or 'direct' without segment_length"):
        forecaster.fit(np.arange(60.0))


@pytest.mark.parametrize("free_run", [False, True])
def test_an_open_gate_is_a_network_without_the_connection(highway, free_run):
    """With g = 1 the outputs have the bits of the plain network; with g = 0 they differ."""
    plain, own = Architecture(LSTM, **SIZES), highway.HighwayArchitecture(LSTM, **SIZES)
    theta = np.random.default_rng(1).normal(0, 0.5, own.size)
    values = own.views(theta)
    without = np.concatenate([values[name].ravel() for name in plain.entries])
    expected = outputs(plain, without, range(5), free_run=free_run)
    values["highway"][:] = 40
    np.testing.assert_array_equal(outputs(own, theta, range(5), free_run=free_run), expected)
    values["highway"][:] = -40
    assert not np.allclose(outputs(own, theta, range(5), free_run=free_run), expected)


def test_a_closed_gate_leaves_out_a_layer(highway):
    """With g = 0 for every unit, layers between the lowest and the top do not enter."""
    own = highway.HighwayArchitecture(LSTM, **SIZES)
    theta = np.random.default_rng(1).normal(0, 0.5, own.size)
    own.views(theta)["highway"][:] = -800
    expected = outputs(own, theta, range(5))
    for layer in (1, 2):
        own.views(theta)[f"layer{layer}.product0"][:] = 7
    np.testing.assert_array_equal(outputs(own, theta, range(5)), expected)


def test_a_window_does_not_depend_on_its_batch(highway):
    own = highway.HighwayArchitecture(LSTM, **SIZES)
    theta = np.random.default_rng(1).normal(0, 0.5, own.size)
    together = outputs(own, theta, range(17), free_run=True)
    np.testing.assert_array_equal(together[16:], outputs(own, theta, [16], free_run=True))


# ---------------------------------------------------------------- names of parameters
def network_with(*parts):
    """The architecture of a network of `stack` that has further parts."""

    class Own(Architecture):
        composition = types.SimpleNamespace(__name__="own", PARTS=(*stack.PARTS, *parts), program=stack.program)

    return Own(LSTM, **SIZES)


def part_of(weights, *names):
    """A part with these `Weights` and with parameters of these names, two numbers each."""
    return Part((), tuple(map(Weights, weights)), parameters=lambda network: {name: Parameter((2,)) for name in names})


def test_two_parts_with_one_name_are_refused():
    """Each would get the offset of the later one."""
    with pytest.raises(ValueError, match=r"two parts of own have a parameter 'gate'; give that of one part another"):
        network_with(part_of(["gate"], "gate"), part_of(["gate"], "gate")).views(np.zeros(99))


@pytest.mark.parametrize("weights", [["gaet"], ["other", "gaet"]])
def test_a_misspelt_name_of_weights_is_refused(weights):
    """It would have the offset -1."""
    with pytest.raises(ValueError, match=r"parameters \['gate'\] has no Weights.*Weights\('gaet'\), which names none"):
        network_with(part_of(weights, "gate", *weights[:-1])).layout(Geometry(context=4))


@pytest.mark.parametrize(("weights", "names"), [(["a", "b"], ["a"]), (["a"], ["a", "a1"]), (["a"], []), ([], ["a"])])
def test_absent_parameters_and_parameters_without_weights_are_allowed(weights, names):
    offsets = network_with(part_of(weights, *names)).layout(Geometry(context=4)).offsets
    assert [name for name in offsets if name in ("a", "b", "a1")] == names


SIMULATOR = """
import sys
import numpy as np
from tests.test_extending import SIZES, gradient_on, highway_blocks
from tsrnn.data.windows import Geometry
if sys.argv[1] == "backend first":
    import tsrnn.kernels.cuda.backend
page = {"np": np, "Geometry": Geometry, "__name__": "page_under_test"}
sys.modules["page_under_test"] = sys
for block in highway_blocks()[:-1]:
    exec(block, page)
from tsrnn.cells.lstm import LSTM
from tsrnn.kernels import get_backend
from tsrnn.kernels.cuda.backend import CudaBackend
architecture = page["HighwayArchitecture"](LSTM, **SIZES)
one, other = (gradient_on(architecture, backend) for backend in (get_backend("cpu"), CudaBackend(lanes=2)))
assert len(one) == architecture.size and np.all(one != 0)
np.testing.assert_allclose(other, one, rtol=1e-11, atol=1e-14)
"""


def gradient_on(architecture, backend):
    """Gradient of the mean loss over some windows, (n_parameters,)."""
    rng = np.random.default_rng(0)
    panel, geometry = Panel.of_one(rng.normal(size=(9, 1))), Geometry(context=4, n_outputs=2)
    windows = Windows.of_panel(panel, PanelScaling.fit(None, panel, 0), geometry)
    network = Network(architecture, "float64", backend)
    source = Source.upload(backend, panel.values, panel.values, np.ones(panel.values.shape))
    work = network.workspace(geometry, len(windows), loss=MSE, gradient=True)
    theta = backend.upload(rng.normal(0, 0.5, architecture.size), "float64")
    with backend.session():
        network.loss_and_grad(work, theta, source, windows, np.arange(len(windows)))
        return work.read("grad").reshape(-1, architecture.size)[: work.tiles()].sum(axis=0)


@pytest.mark.parametrize("order", ["backend first", "part first"])
def test_the_part_computes_the_same_on_cuda(order):
    """In the simulator; the part is registered before or after the backend, which registers arrays of its own."""
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1", "TSRNN_TEST_DEVICE": "cpu"}
    subprocess.run([sys.executable, "-c", SIMULATOR, order], check=True, env=environment, cwd=ROOT, timeout=300)


# ---------------------------------------------------------------- numbers of arrays and parameters
def test_registering_changes_no_number():
    before = dict(BUFFERS), dict(WEIGHTS)
    buffer, weights = Buffer("own", lambda s: (s.tile,)), Weights("own")
    part = register(Part((buffer,), (weights,)))
    assert (BUFFERS[buffer], WEIGHTS[weights]) == tuple(map(len, before))
    assert register(part) is part
    assert (len(BUFFERS), len(WEIGHTS)) == (len(before[0]) + 1, len(before[1]) + 1)
    assert before[0].items() <= BUFFERS.items()


def test_a_part_that_is_not_registered_is_named(monkeypatch):
    text = [block.replace("register(Part(", "(Part(") for block in highway_blocks()]
    with pytest.raises(LookupError, match=r"\('(highway|carried)'\) has no number.*register"):
        run_blocks(monkeypatch, text)


LEAK = 0.1
OWN = Buffer("own", lambda s: (s.tile,))


def reads_own(arrays):
    """An operation's function that names a buffer and a constant."""
    return arrays[OWN] * LEAK


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled, so nothing is kept")
def test_a_function_from_outside_is_kept_under_the_numbers_that_it_names(monkeypatch):
    """The number of a buffer depends on what was registered before it; compiled code contains it."""
    from tsrnn.kernels import cache

    def stamp(number, leak):
        monkeypatch.setitem(BUFFERS, OWN, number)
        monkeypatch.setattr(sys.modules[__name__], "LEAK", leak)
        cache.fingerprint.cache_clear()
        return cache.fingerprint(reads_own)

    assert stamp(90, 0.1) == stamp(90, 0.1)
    assert len({stamp(90, 0.1), stamp(91, 0.1), stamp(90, 0.2)}) == 3


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled")
def test_the_helper_leaves_parts_that_it_lacks_to_the_other_process(monkeypatch):
    from tsrnn.kernels import ahead

    compiled = []
    monkeypatch.setattr(ahead.Unit, "compile", lambda unit: compiled.append(unit.operation.name))
    work = pickle.dumps((LSTM, [MSE], [("highway_join", True, "float32"), ("head", True, "float32")]))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(work)))
    ahead.main()
    assert compiled == ["head"]
