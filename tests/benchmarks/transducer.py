"""A training step of encoder and decoder over symbols beside PyTorch's, then two tasks: dates, and digits turned round.

    python -m tests.benchmarks.transducer [--repeats 15] [--threads 1 2] [--tasks] [--picture FILE]

The step is forward, loss, backward, clipping and Adam for a batch of 64 pairs of 20 symbols of 1,000, 128 units, with
attention. All steps of PyTorch's decoder go through each module at once, as teacher forcing allows. Before it is timed,
the gradients of both are compared in float64. Without torch only the tasks run.

The tasks train `Seq2SeqTransducer` on 10,000 generated pairs and print the exact matches on 1,000 others: dates in many
forms become ISO dates ("3 March 2021", "03/03/21"), and strings of 5 to 15 digits are turned round; then also strings
of 16 to 20 digits, which are longer than those of the training. `--picture` draws the attention of a date, and of a
sentence that a translator of 24 pairs did not see.
"""

from __future__ import annotations

import argparse
import datetime
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .decoder import copy_layer
from .kernels import alternate, wake_torch
from .measure import has_torch, line

B, LENGTH, VOCABULARY, H, W = 64, 20, 1000, 128, 64
Pairs = tuple[list[str], list[str]]


# ---------------------------------------------------------------- one step
def build_ours(attention: str, dtype: str) -> tuple[dict[str, np.ndarray], Callable, Callable]:
    """Parameters by name, a function that returns the gradient by name, and one that makes a step."""
    from tsrnn.cells.gru import GRU
    from tsrnn.data.pairs import Pairs as CodePairs
    from tsrnn.losses.cross_entropy import CrossEntropy
    from tsrnn.networks.architecture import Architecture, Decoder
    from tsrnn.networks.network import Network, Source
    from tsrnn.training.loop import _Stepper
    from tsrnn.training.options import Adam, Settings

    a = Architecture(
        GRU, 1, 1, 1, CrossEntropy(VOCABULARY), H, decoder=Decoder(attention=attention), n_symbols=VOCABULARY,
        n_target_symbols=VOCABULARY, embedding_size=W,
    )  # fmt: skip
    network, sources, targets = Network(a, dtype), *batch()
    pairs = CodePairs.of(list(sources), list(targets))
    theta = a.initialise(np.random.default_rng(0))
    handle = network.backend.upload(theta, dtype)
    source = Source.upload(network.backend, pairs.rows, pairs.rows, pairs.weight)
    settings = Settings(Adam(), learning_rate=0.001, batch_size=B, max_epochs=1)
    stepper = _Stepper(network, handle, source, pairs.buckets, pairs.geometry, settings, seed=0)
    ((work, windows),) = stepper.buckets
    chosen = np.arange(B)

    def gradient() -> dict[str, np.ndarray]:
        network.loss_and_grad(work, handle, source, windows, chosen)
        return a.views(work.read("grad").sum(axis=0))

    return a.views(theta), gradient, lambda: stepper._update(work, windows, chosen, 0)


def batch() -> tuple[np.ndarray, np.ndarray]:
    """Codes of sources and targets, with start symbol and end `LENGTH` long."""
    from tsrnn.functions.symbols import END

    codes = np.random.default_rng(0).integers(END + 1, VOCABULARY, (2, B, LENGTH - 1))
    return codes[0], codes[1]


def build_torch(attention: str, dtype: str, views: dict[str, np.ndarray]) -> tuple[Callable, Callable]:
    """The same in PyTorch, from the same parameters: the gradient by name, and a step."""
    import torch

    from tsrnn.functions.symbols import END, START

    kind = getattr(torch, dtype)

    def parameter(values: np.ndarray) -> torch.nn.Parameter:
        return torch.nn.Parameter(torch.tensor(values, dtype=kind))

    encoder, decoder = (torch.nn.GRU(W, H, batch_first=True, dtype=kind) for _ in range(2))
    own = {name: parameter(views[name]) for name in ("symbols", "target_symbols", "head", "context")}
    own |= {name: parameter(views[name]) for name in ("query", "key", "energy") if name in views}
    with torch.no_grad():
        for name, module in (("layer0", encoder), ("decoder0", decoder)):
            copy_layer("gru", name, module, views)
    parameters = [*own.values(), *encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.001)
    sources, targets = batch()
    read = torch.tensor(np.hstack([sources, np.full((B, 1), START)]))
    before = torch.tensor(np.hstack([np.full((B, 1), START), targets]))
    truth = torch.tensor(np.hstack([targets, np.full((B, 1), END)]))

    def backward() -> None:
        optimizer.zero_grad(set_to_none=True)
        encoded, state = encoder(torch.nn.functional.embedding(read, own["symbols"]))
        h, _ = decoder(torch.nn.functional.embedding(before, own["target_symbols"]), state)
        if attention == "dot":
            scores = h @ encoded.transpose(1, 2)
        else:
            query = torch.nn.functional.linear(h, own["query"][:, 1:], own["query"][:, 0])
            key = encoded @ own["key"].T
            scores = torch.tanh(query[:, :, None] + key[:, None]) @ own["energy"][0]
        gathered = torch.softmax(scores, dim=-1) @ encoded
        logits = torch.nn.functional.linear(h, own["head"][:, 1:], own["head"][:, 0]) + gathered @ own["context"].T
        torch.nn.functional.cross_entropy(logits.reshape(-1, VOCABULARY), truth.reshape(-1)).backward()

    def gradient() -> dict[str, np.ndarray]:
        backward()
        return {name: values.grad.numpy() for name, values in own.items()}

    def step() -> None:
        backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()

    return gradient, step


def compare_steps(threads: int, repeats: int) -> None:
    """Compare gradients in float64, then time steps in float32, alternating."""
    import numba
    import torch

    numba.set_num_threads(threads)
    torch.set_num_threads(threads)
    wake_torch(threads)
    for attention in ("dot", "additive"):
        views, ours, _ = build_ours(attention, "float64")
        theirs, _ = build_torch(attention, "float64", views)
        mine, other = ours(), theirs()
        distance = max(np.abs(mine[name] - other[name]).max() for name in other)
        line(f"largest difference of a gradient, {attention}", distance, "", 1e-9)
        views, _, ours = build_ours(attention, "float32")
        _, theirs = build_torch(attention, "float32", views)
        seconds = alternate({"ours": ours, "torch": theirs}, repeats)
        note = f"{1e3 * seconds['ours']:.1f} ms, torch {1e3 * seconds['torch']:.1f} ms"
        what = f"torch's step over ours, {attention}, {threads} threads"
        line(what, seconds["torch"] / seconds["ours"], "", note=note, at_least=2.0)


# ---------------------------------------------------------------- tasks
def dates(n: int, seed: int) -> Pairs:
    """Days of 1970 to 2069 in one of six forms, and as ISO dates."""
    rng = np.random.default_rng(seed)
    forms = ("{0.day} {0:%B %Y}", "{0:%d/%m/%y}", "{0:%d/%m/%Y}", "{0:%B} {0.day}, {0:%Y}", "{0:%d.%m.%Y}",
             "{0:%a} {0.day} {0:%b %Y}")  # fmt: skip
    days = [datetime.date(1970, 1, 1) + datetime.timedelta(days=int(d)) for d in rng.integers(0, 36524, n)]
    written = [forms[k].format(day) for day, k in zip(days, rng.integers(0, len(forms), n), strict=True)]
    return written, [day.isoformat() for day in days]


def digits(n: int, seed: int, shortest: int = 5, longest: int = 15) -> Pairs:
    """Strings of digits, and the same from the end."""
    rng = np.random.default_rng(seed)
    strings = ["".join(map(str, rng.integers(0, 10, k))) for k in rng.integers(shortest, longest + 1, n)]
    return strings, [string[::-1] for string in strings]


def transducer(max_epochs: int, seed: int) -> Any:
    """The same for both tasks but for the epochs."""
    from tsrnn import Adam, Seq2SeqTransducer

    return Seq2SeqTransducer(
        tokenize="char", bidirectional=True, batch_size=64, max_epochs=max_epochs, optimizer=Adam(schedule="cosine"),
        random_state=seed,
    )  # fmt: skip


def sentences() -> tuple[Pairs, Pairs]:
    """Pairs of short sentences, English and Korean in Latin letters, to train on, and others of the same words."""
    who = {"I": "naneun", "You": "neoneun", "We": "urineun", "They": "geudeureun"}
    what = {"read books": "chaegeul ilgeo", "read letters": "pyeonjireul ilgeo", "drink water": "mureul masyeo",
            "drink tea": "chareul masyeo", "eat rice": "babeul meogeo", "eat bread": "ppangeul meogeo"}  # fmt: skip
    both = {"Hello , world !": "annyeong , sesang-a !", "Hello , friend !": "annyeong , chingu-ya !"}
    both |= {f"{a} {b} .": f"{c} {d} ." for a, c in who.items() for b, d in what.items()}
    held_out = ["You drink tea .", "We read letters .", "They eat rice .", "I eat bread ."]
    train = [(source, target) for source, target in both.items() if source not in held_out]
    return ([s for s, _ in train], [t for _, t in train]), (held_out, [both[source] for source in held_out])


def draw(path: str, of_dates: Any) -> None:
    """Attention of a sentence that was not in the fit, and of a date."""
    from matplotlib.figure import Figure

    from tsrnn import Seq2SeqTransducer
    from tsrnn.plotting import plot_attention

    train, other = sentences()
    found = []
    for seed in range(4):
        model = Seq2SeqTransducer(hidden_size=32, embedding_size=16, max_epochs=200, random_state=seed).fit(*train)
        found.append(model.score(*other))
        if seed == 0:
            of_sentence = model.attention_weights(["You drink tea ."])[0]
    line("sentences that were not in the fit: exact match", float(np.mean(found)), "", note=str(found))
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    axes = figure.subplots(1, 2, width_ratios=(1, 1.8))
    for ax, table in zip(axes, (of_sentence, of_dates.attention_weights(["3 March 2021"])[0]), strict=True):
        plot_attention(table, ax)
    axes[0].set_title("a sentence", loc="left")
    axes[1].set_title("a date", loc="left")
    figure.savefig(path)


def run_tasks(picture: str | None) -> None:
    """Fit both, print what they reach."""
    transducer(1, 0).fit(["a"], ["b"])  # compiles
    for name, make, max_epochs, goal in (("dates", dates, 8, 60.0), ("digits", digits, 10, 120.0)):
        model, started = transducer(max_epochs, 0), time.perf_counter()
        model.fit(*make(10_000, 0))
        line(f"{name}: seconds of the fit", time.perf_counter() - started, "s", goal)
        line(f"{name}: exact match", model.score(*make(1000, 1)), "", at_least=0.99)
        if picture and name == "dates":
            draw(picture, model)
    longer = digits(1000, 2, 16, 20)
    model.set_params(max_length=20)
    line("digits, 16 to 20 of them: exact match", model.score(*longer), "")
    line("digits, 16 to 20 of them: symbols", model.score(*longer, metric="token_accuracy"), "")


def main() -> None:
    """Steps on each number of threads, and the tasks if they are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--tasks", action="store_true")
    parser.add_argument("--picture", metavar="FILE")
    args = parser.parse_args()
    from tsrnn.kernels import get_backend

    if has_torch():
        with get_backend("cpu").session():
            for threads in args.threads:
                compare_steps(threads, args.repeats)
    if args.tasks or args.picture:
        run_tasks(args.picture)


if __name__ == "__main__":
    main()
