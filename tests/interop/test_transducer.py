"""Encoder and decoder over symbols compared with PyTorch, and BLEU with sacrebleu."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tsrnn.metrics import bleu

from ..benchmarks import transducer

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("attention", ["dot", "additive"])
def test_gradients(attention, monkeypatch):
    """Those of the tables of symbols, attention and head, in float64."""
    for name, size in {"B": 5, "LENGTH": 7, "VOCABULARY": 11, "H": 6, "W": 4}.items():
        monkeypatch.setattr(transducer, name, size)
    views, ours, _ = transducer.build_ours(attention, "float64")
    theirs, _ = transducer.build_torch(attention, "float64", views)
    mine, other = ours(), theirs()
    for name, gradient in other.items():
        assert np.abs(gradient).max() > 1e-7
        assert_allclose(mine[name], gradient, rtol=1e-9, atol=1e-12, err_msg=name)


def test_bleu():
    sacrebleu = pytest.importorskip("sacrebleu")
    rng = np.random.default_rng(0)
    for _ in range(20):
        truth = [" ".join(map(str, rng.integers(0, 4, n))) for n in rng.integers(4, 12, 9)]
        written = [" ".join([*one.split()[:3], *map(str, rng.integers(0, 4, rng.integers(1, 9)))]) for one in truth]
        theirs = sacrebleu.corpus_bleu(written, [truth], smooth_method="none", tokenize="none").score
        ours = bleu([one.split() for one in truth], [one.split() for one in written])
        assert 100 * ours == pytest.approx(theirs, rel=1e-12)
