"""Forward and backward of the public kernels against PyTorch (and a prototype, if one is given), timed alternating.

    python -m tests.benchmarks.kernels [--threads 2] [--cells lstm gru ...] [--prototype FILE]

PyTorch has the LSTM, the GRU and the vanilla RNN. The minGRU, the IndRNN and the sLSTM with four heads are written in
its operations (`tests.interop.cells`): what does not depend on the state for all steps at once, the rest in a loop over
steps. A cell that is not in the table `IN_TORCH` is timed alone.

Both sides compute the mean over lanes (and steps) of the sum of the hidden states, and its gradient by all weights;
ours by way of the head, whose weights are ones, and of `train`, the backend's one call for a training step. `--outputs
every` scores every step and not the last alone. The results are compared before anything is timed.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

SHAPES = (
    # batch, steps, inputs, hidden, tile of the prototype, repeats
    (32, 24, 1, 16, 16, 200),
    (32, 96, 1, 32, 16, 60),
    (64, 96, 8, 64, 32, 20),
    (256, 96, 8, 64, 32, 9),
    (64, 168, 8, 128, 16, 7),
    (256, 336, 1, 128, 16, 3),
)
#: The cells that PyTorch itself has.
BUILT_IN = ("lstm", "gru", "rnn_tanh")


def alternate(functions: dict[str, Any], repeats: int, *, is_warm: bool = False) -> dict[str, float]:
    """Median seconds of each function, called in turn so that drift of the machine hits all alike.

    Each is first called once without being timed, unless it `is_warm`.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    for function in () if is_warm else functions.values():
        function()
    for _ in range(repeats):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in times.items()}


def small_product_rate() -> float:
    """GFLOP/s of one thread on a small float32 product."""
    a, b = np.random.rand(32, 64).astype("f4"), np.random.rand(64, 256).astype("f4")
    out = a @ b
    rates = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(400):
            np.dot(a, b, out=out)
        rates.append(400 * 2 * 32 * 64 * 256 / (time.perf_counter() - started) / 1e9)
    return max(rates)


ONE = np.float32(1)


def plain_sum(y, p, _):
    """The loss that is the prediction itself."""
    return p, ONE


def build_ours(
    cell: Any, shape: tuple[int, ...], x: np.ndarray, last: bool, dtype: str = "float32", backend: Any = None,
    capacity: int = 0,
) -> Any:  # fmt: skip
    """Theta as views, a workspace filled with x (B, T, I), the training step, the architecture and the forward pass."""
    from tsrnn.data.scaling import Scales
    from tsrnn.data.windows import Geometry, Windows
    from tsrnn.losses.loss import Loss
    from tsrnn.networks.architecture import Architecture
    from tsrnn.networks.network import Network, Source

    B, T, I, H = shape[:4]
    loss = Loss("plain_sum", plain_sum)
    architecture = Architecture(cell, n_inputs=I, n_targets=1, block=1, loss=loss, hidden_size=H)
    network = Network(architecture, dtype, backend)
    theta = network.architecture.initialise(np.random.default_rng(0))
    views = architecture.views(theta)
    views["head"][:] = np.r_[0.0, np.ones(H)]
    geometry = Geometry(T) if last else Geometry(1, n_outputs=T)
    work = network.workspace(geometry, max(B, capacity), loss=loss, gradient=True)
    series = x.reshape(B * T, I).astype(np.float64)
    source = Source.upload(network.backend, series, np.zeros((B + T, 1)), np.ones((B + T, 1)))
    rows, zero, one = np.arange(B), np.zeros((B, I)), np.ones((B, I))
    scales = Scales.of_table(zero, one, zero[:, :1], one[:, :1])
    windows = Windows(rows * T, np.full(B, T), rows, rows, scales)
    network.backend.gather(work, source.series, windows, rows)
    network.backend.gather_targets(work, source.targets, source.observed, windows, rows)
    handle = network.backend.upload(theta, dtype)

    def run() -> None:
        network.backend.train(work, handle, loss)

    def forward() -> None:
        network.backend.forward(work, handle)

    return views, work, run, architecture, forward


def wake_torch(threads: int) -> None:
    """Start PyTorch's OpenMP threads. They must come before Numba's: after them PyTorch is ten times as slow."""
    import torch

    torch.set_num_threads(threads)
    torch.nn.GRU(64, 64)(torch.zeros(32, 32, 64))


def built_in(module: str, n_inputs: int, hidden_size: int) -> Any:
    """A recurrent layer of `torch.nn`."""
    import torch

    return getattr(torch.nn, module)(n_inputs, hidden_size)


def written(cell: str, n_inputs: int, hidden_size: int, **options: Any) -> Any:
    """A layer of a cell that is written in PyTorch's operations."""
    from ..interop import cells

    return cells.Layers(getattr(cells, cell), n_inputs, hidden_size, **options)


#: The name of PyTorch's second bias. Where the cell has one bias, the second is zero.
SECOND_BIAS = "bias_hh_l0"


def one_product(views: dict[str, np.ndarray], n_inputs: int) -> dict[str, np.ndarray]:
    """Weights of [x; 1; h] by the names that `torch.nn` gives them."""
    W, I = views["layer0.product0"], n_inputs
    return {"weight_ih_l0": W[:, :I], "weight_hh_l0": W[:, I + 1 :], "bias_ih_l0": W[:, I], SECOND_BIAS: 0 * W[:, I]}


def gru_products(views: dict[str, np.ndarray], n_inputs: int) -> dict[str, np.ndarray]:
    """Weights of a GRU by the names that `torch.nn` gives them; z, r, n are r, z, n there."""
    zr, n, u = (views[f"layer0.product{k}"] for k in range(3))
    H, I = len(n), n_inputs
    rz = np.r_[zr[H:], zr[:H]]
    return {
        "weight_ih_l0": np.r_[rz[:, :I], n[:, :I]],
        "weight_hh_l0": np.r_[rz[:, I + 1 :], u[:, 1:]],
        "bias_ih_l0": np.r_[rz[:, I], n[:, I]],
        SECOND_BIAS: np.r_[np.zeros(2 * H), u[:, 0]],
    }


def input_and_recurrent(views: dict[str, np.ndarray], n_inputs: int) -> dict[str, np.ndarray]:
    """Weights of [x; 1], and of h if there are some, by the names in a layer of `tests.interop.cells`."""
    W = views["layer0.product0"]
    named = {"layers.0.input.weight": W[:, :n_inputs], "layers.0.input.bias": W[:, n_inputs]}
    if "layer0.product1" in views:
        named["layers.0.recurrent"] = views["layer0.product1"]
    return named


#: By the name of a cell: what builds its layer in PyTorch, and what renames our weights for it.
IN_TORCH: dict[str, tuple[Callable[..., Any], Callable[..., dict[str, np.ndarray]]]] = {
    "lstm": (partial(built_in, "LSTM"), one_product),
    "gru": (partial(built_in, "GRU"), gru_products),
    "rnn_tanh": (partial(built_in, "RNN"), one_product),
    "mingru": (partial(written, "MinGRU"), input_and_recurrent),
    "indrnn_relu": (partial(written, "IndRNN"), input_and_recurrent),
    "slstm_sigmoid_4": (partial(written, "SLSTM", n_heads=4), input_and_recurrent),
}


def cells() -> dict[str, Any]:
    """Every cell that can be timed, by its name."""
    from tsrnn.cells.registry import all_cells, family

    four_heads = family("SLSTM").make(n_heads=4)
    return {**all_cells(), four_heads.name: four_heads}


def build_torch(name: str, shape: tuple[int, ...], x: np.ndarray, views: dict, last: bool, threads: int) -> Any:
    """The same network in PyTorch: the layer and the training step, which returns the hidden states (T, B, H)."""
    import torch

    torch.set_num_threads(threads)
    B, T, I, H = shape[:4]
    build, rename = IN_TORCH[name]
    module = build(I, H)
    module.load_state_dict({key: torch.tensor(values, dtype=torch.float32) for key, values in rename(views, I).items()})
    xt = torch.from_numpy(np.ascontiguousarray(x.transpose(1, 0, 2)))

    def run() -> Any:
        module.zero_grad()
        y = module(xt)[0]
        scored = y[-1] if last else y
        (scored.sum() / (scored.numel() / H)).backward()
        return y

    return module, run


def compare(name: str, shape: tuple[int, ...], args: argparse.Namespace, prototype: Any) -> dict[str, float]:
    """Check one shape, time it, print a line."""
    B, T, I, H, tile, repeats = shape
    last = args.outputs == "last"
    x = np.random.default_rng(0).standard_normal((B, T, I)).astype(np.float32)
    views, work, ours, architecture, _ = build_ours(cells()[name], shape, x, last)
    functions = {"ours": ours}
    if name in IN_TORCH:
        module, functions["torch"] = build_torch(name, shape, x, views, last, args.threads)
        check(name, shape, work, architecture, module, functions, last)
    if prototype and name in BUILT_IN:
        functions["prototype"] = build_prototype(prototype, name, shape, x, last)
    seconds = alternate(functions, args.repeats or repeats)
    layers = [shape for part, (_, shape) in architecture.entries.items() if part.startswith("layer")]
    weights = sum(int(np.prod(layer)) for layer in layers)
    ratios = {other: seconds[other] / seconds["ours"] for other in functions if other != "ours"}
    ratios["rate"] = 6 * B * T * weights / seconds["ours"] / 1e9
    times = "  ".join(f"{key} {1e3 * value:8.3f} ms" for key, value in seconds.items())
    against = "  ".join(f"{key} {value:6.2f}" for key, value in ratios.items())
    print(f"{name:15} B{B:<4} T{T:<4} I{I:<2} H{H:<4} {times}   ratio {against}", flush=True)
    return ratios


def check(
    name: str, shape: tuple[int, ...], work: Any, architecture: Any, module: Any, functions: dict[str, Any], last: bool
) -> None:
    """Assert that outputs and the gradients of all weights are those of PyTorch."""
    B, _, I, _ = shape[:4]
    y = functions["torch"]().detach().numpy()
    functions["ours"]()
    out = work.read("out").transpose(1, 0, 3, 2).reshape(work.read("out").shape[1], -1)[:, :B]
    want = y.sum(axis=2)[-1:] if last else y.sum(axis=2)
    error = np.abs(out - want).max() / np.abs(want).max()
    assert error < 2e-5, error
    gradients = IN_TORCH[name][1](architecture.views(work.read("grad").sum(axis=0)), I)
    for key, gradient in gradients.items():
        if key != SECOND_BIAS:  # where it is zero, PyTorch's gradient is that of the first bias
            reference = module.get_parameter(key).grad.numpy()
            error = np.abs(gradient - reference).max() / np.abs(reference).max()
            assert error < 1e-4, (key, error)


def build_prototype(module: Any, name: str, shape: tuple[int, ...], x: np.ndarray, last: bool) -> Any:
    """The prototype's training function on the same data; its weights do not matter for the time."""
    B, T, I, H, tile, _ = shape
    kind, G = {"lstm": (0, 4), "gru": (1, 4), "rnn_tanh": (2, 1)}[name]
    rng, f4, n = np.random.default_rng(0), np.float32, B // tile

    def weights(rows: int, columns: int) -> np.ndarray:
        return rng.uniform(-(H**-0.5), H**-0.5, (rows, columns)).astype(f4)

    K = I + 1 + H
    if kind == 1:
        W, Wx, Wh, U_T, UN_T = weights(2 * H, K), weights(H, I + 1), weights(H, H + 1), weights(H, 2 * H), weights(H, H)
    else:
        W, Wx, Wh, U_T = weights(G * H, K), np.zeros((1, 1), f4), np.zeros((1, 1), f4), weights(H, G * H)
        UN_T = U_T
    XH = np.zeros((n, T + 1, K, tile), f4)
    XH[:, :, I] = 1
    XH[:, :T, :I] = x.transpose(1, 0, 2).reshape(T, n, tile, I).transpose(1, 0, 3, 2)
    A, C = np.zeros((n, T, G, H * tile), f4), np.zeros((n, T + 1, H * tile), f4)
    dY, dW = np.ones((n, T, H * tile), f4), np.zeros((n, G * H, K), f4)
    return lambda: module.train_tiles(kind, W, Wx, Wh, U_T, UN_T, XH, A, C, dY, dW, I, 16)


def main() -> None:
    """Run the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cells", nargs="+", default=list(IN_TORCH), choices=list(cells()))
    parser.add_argument("--outputs", choices=("every", "last"), default="last")
    parser.add_argument("--prototype", help="a file with the prototype's train_tiles, for the cells that PyTorch has")
    parser.add_argument("--repeats", type=int)
    args = parser.parse_args()
    wake_torch(args.threads)
    import numba

    numba.set_num_threads(args.threads)
    prototype = None
    if args.prototype:
        spec = importlib.util.spec_from_file_location("prototype", args.prototype)
        prototype = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = prototype  # its compiled functions are found by module name
        spec.loader.exec_module(prototype)
    from tsrnn.kernels import get_backend

    with get_backend("cpu").session():
        rate = small_product_rate()
        print(f"{args.threads} thread(s); one thread's small product: {rate:.0f} GFLOP/s")
        for name in args.cells:
            rows = [compare(name, shape, args, prototype) for shape in SHAPES]
            for key in rows[0]:
                if key != "rate":
                    values = [row[key] for row in rows]
                    mean = np.exp(np.mean(np.log(values)))
                    print(f"{name}: {key}/ours geometric mean {mean:.2f}, least {min(values):.2f}")
            shares = ", ".join(f"{row['rate'] / (rate * args.threads):.0%}" for row in rows[2:])
            print(f"{name}: share of the small-product rate at hidden 64, 64, 128, 128: {shares}")


if __name__ == "__main__":
    main()
