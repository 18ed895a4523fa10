"""scikit-learn's digits, a row of an image at each step: accuracy, and the time of the same training in PyTorch.

    python -m tests.benchmarks.digits [--repeats 5] [--threads 1 2]

An LSTM of 64 units reads the 8 rows of 8 pixels, and a softmax over 10 classes its last state. The accuracy is the mean
of shuffled, stratified 5-fold cross-validation with the arguments of `OPTIONS`. The times are those of one fit to all
1,797 images, in turn within one process: equal are the sizes, the number of updates, the images of an update, Adam with
clipping, its learning rate, float32, the scaling of the pixels before and the threads. The kernels are warm.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from .kernels import alternate, wake_torch
from .measure import has_torch, line

OPTIONS: dict[str, Any] = {
    "hidden_size": 64,
    "n_channels": 8,
    "batch_size": 32,
    "max_epochs": 30,
    "learning_rate": 0.01,
    "random_state": 0,
}
ACCURACY, RATIO = 0.97, 3.0


def accuracies(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The accuracy on each fold, (5,)."""
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    from tsrnn import LSTMClassifier

    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return cross_val_score(LSTMClassifier(**OPTIONS), X, y, cv=folds)


def fit_ours(X: np.ndarray, y: np.ndarray) -> Any:
    """The fitted classifier."""
    from tsrnn import LSTMClassifier

    return LSTMClassifier(**OPTIONS).fit(X, y)


def fit_torch(X: np.ndarray, y: np.ndarray) -> Any:
    """The same by hand; a function that predicts."""
    import torch

    torch.manual_seed(0)
    channels, hidden = OPTIONS["n_channels"], OPTIONS["hidden_size"]
    rows = X.reshape(len(X), -1, channels)
    mean, scale = rows.mean(axis=(0, 1)), rows.std(axis=(0, 1))
    scale[scale == 0] = 1

    def steps(images: np.ndarray) -> Any:
        scaled = (images.reshape(len(images), -1, channels) - mean) / scale
        return torch.from_numpy(scaled.astype(np.float32)).transpose(0, 1).contiguous()

    x, targets = steps(X), torch.from_numpy(y)
    lstm, head = torch.nn.LSTM(channels, hidden), torch.nn.Linear(hidden, 10)
    parameters = [*lstm.parameters(), *head.parameters()]
    adam = torch.optim.Adam(parameters, lr=OPTIONS["learning_rate"], fused=True)
    for _ in range(OPTIONS["max_epochs"]):
        for batch in torch.randperm(len(y)).split(OPTIONS["batch_size"]):
            loss = torch.nn.functional.cross_entropy(head(lstm(x[:, batch])[0][-1]), targets[batch])
            adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            adam.step()

    def predict(images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return head(lstm(steps(images))[0][-1]).argmax(dim=1).numpy()

    return predict


def main() -> None:
    """Accuracy, then times on each number of threads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    args = parser.parse_args()
    torch_too = has_torch()
    if torch_too:
        wake_torch(max(args.threads))
    import numba
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    y = y.astype(np.int64)
    found = accuracies(X, y)
    line(
        "digits, accuracy of 5 folds",
        found.mean(),
        "",
        note=f"{found.min():.4f} to {found.max():.4f}",
        at_least=ACCURACY,
    )
    for threads in args.threads:
        numba.set_num_threads(threads)
        functions: dict[str, Any] = {"ours": lambda: fit_ours(X, y)}
        if torch_too:
            import torch

            torch.set_num_threads(threads)
            functions["torch"] = lambda: fit_torch(X, y)
        seconds = alternate(functions, args.repeats)
        what = f"digits, fit, {threads} {'thread' if threads == 1 else 'threads'}"
        n_updates = OPTIONS["max_epochs"] * -(-len(y) // OPTIONS["batch_size"])
        line(what, seconds["ours"], "s", note=f"{n_updates} updates")
        if torch_too:
            note = f"PyTorch {seconds['torch']:.3f} s"
            line(f"{what}: PyTorch's time over ours", seconds["torch"] / seconds["ours"], "", note=note, at_least=RATIO)
    if torch_too:
        is_training = np.arange(len(y)) % 5 > 0
        right = fit_torch(X[is_training], y[is_training])(X[~is_training]) == y[~is_training]
        line("digits, accuracy of PyTorch on a fifth", right.mean(), "", note="that it trains the same")


if __name__ == "__main__":
    main()
