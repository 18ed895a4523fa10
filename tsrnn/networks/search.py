"""Write sequences of symbols with a decoder: the largest output at each step, or the best of several in a beam.

Each sequence ends with `END`, which alone is allowed at the last step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..data.windows import Geometry, Windows
from ..functions.symbols import END, FIRST_OUTPUT
from .network import BATCH, Handle, Network, Source

#: Steps that are written together before it is asked whether all sequences have ended.
STEPS = 8


class Written(NamedTuple):
    """Codes of n sources' sequences, the best first, and the logarithms of their probabilities.

    `codes` (n, width, m) hold `END` from the end of a sequence on; `log_probability` (n, width) is -inf where there is
    no further sequence.
    """

    codes: np.ndarray
    log_probability: np.ndarray


def greedy(network: Network, theta: Handle, source: Source, windows: Windows, geometry: Geometry) -> Written:
    """At each step the symbol with the largest output, which the next step reads."""
    backend, n, m = network.backend, len(windows), geometry.n_outputs
    found = Written(np.full((n, 1, m), END, np.int64), np.zeros((n, 1)))
    work = network.some_room(geometry, min(n, BATCH))
    for first in range(0, n, work.capacity):
        batch = np.arange(first, min(first + work.capacity, n))
        backend.gather(work, source.series, windows, batch)
        going = np.ones(len(batch), bool)
        for k in range(0, m, STEPS):
            last = min(k + STEPS, m)
            backend.forward(work, theta, free_run=1, outputs=(k, last))
            logarithms = log_softmax(backend.outputs(work, k, last))
            for step in range(last - k):
                allowed = slice(FIRST_OUTPUT, END + 1 if k + step == m - 1 else None)
                best = FIRST_OUTPUT + logarithms[:, step, allowed].argmax(axis=1)
                found.codes[batch[going], 0, k + step] = best[going]
                found.log_probability[batch[going], 0] += logarithms[going, step, best[going]]
                going &= best != END
            if not going.any():
                break
    return found


def beam_search(
    network: Network, theta: Handle, source: Source, windows: Windows, geometry: Geometry, width: int,
    length_penalty: float,
) -> Written:  # fmt: skip
    """The `width` best sequences that a search finds, which goes on with as many beginnings at each step.

    Beginnings are compared by their log probability divided by ((5 + length) / 6) ** length_penalty (Wu et al. 2016,
    arXiv:1609.08144, eq. 14). A sequence that has ended keeps its place as long as it is among the best.
    """
    backend, n, m = network.backend, len(windows), geometry.n_outputs
    found = Written(np.full((n, width, m), END, np.int64), np.full((n, width), -np.inf))
    at_once = min(n, max(1, BATCH // width))
    work = network.workspace(geometry, at_once * width)
    for first in range(0, n, at_once):
        batch = np.arange(first, min(first + at_once, n))
        backend.gather(work, source.series, windows, np.repeat(batch, width))
        beam = _Beam.of(len(batch), width, m)
        for k in range(m):
            backend.forward(work, theta, outputs=(k, k + 1))
            parent = beam.extend(log_softmax(backend.outputs(work, k, k + 1)), k, length_penalty)
            if beam.is_over():
                break
            backend.go_on_from(work, k + 1, (np.arange(len(batch))[:, None] * width + parent).ravel())
            backend.feed(work, k + 1, beam.codes[:, :, k].reshape(-1, 1, 1))
        found.codes[batch], found.log_probability[batch] = beam.codes, beam.total
    return found


class _Beam(NamedTuple):
    """Beginnings of n sequences, `width` of each: codes, log probability, number of codes, whether they have ended."""

    codes: np.ndarray
    total: np.ndarray
    length: np.ndarray
    ended: np.ndarray

    @classmethod
    def of(cls, n: int, width: int, m: int) -> _Beam:
        """One empty beginning of each sequence."""
        total = np.full((n, width), -np.inf)
        total[:, 0] = 0
        return cls(np.full((n, width, m), END, np.int64), total, np.zeros((n, width)), np.zeros((n, width), bool))

    def extend(self, logarithms: np.ndarray, k: int, length_penalty: float) -> np.ndarray:
        """Keep the best beginnings with code number `k`; return which one each of them goes on from, (n, width).

        `logarithms` (n * width, 1, K) are those of the probabilities of the next code.
        """
        n, width = self.total.shape
        further = self.total[:, :, None] + logarithms.reshape(n, width, -1)
        further[:, :, :FIRST_OUTPUT] = -np.inf
        further[self.ended] = -np.inf
        further[self.ended, END] = self.total[self.ended]
        if k == self.codes.shape[2] - 1:
            further[:, :, END + 1 :] = -np.inf
        length = np.where(self.ended, self.length, k + 1)
        score = (further / ((5 + length[:, :, None]) / 6) ** length_penalty).reshape(n, -1)
        some = np.sort(np.argpartition(-score, width - 1, axis=1)[:, :width], axis=1)
        ranks = np.argsort(-np.take_along_axis(score, some, axis=1), axis=1, kind="stable")
        chosen = np.take_along_axis(some, ranks, axis=1)
        parent, code = np.divmod(chosen, further.shape[2])
        row = np.arange(n)[:, None]
        self.codes[:], self.length[:], self.ended[:] = (
            self.codes[row, parent],
            length[row, parent],
            self.ended[row, parent],
        )
        self.total[:] = further[row, parent, code]
        self.codes[:, :, k] = code
        self.ended[:] |= code == END
        return parent

    def is_over(self) -> bool:
        """Whether all sequences have ended."""
        return bool((self.ended | np.isneginf(self.total)).all())


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities of the codes, along the last axis, float64."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
