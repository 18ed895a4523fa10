"""Attention and the embedding of segments: their scalar equations and gradients; sums over units are the kernels' work.

A step of a decoder, with the state h, weighs the encoder's outputs e_t by softmax over t of a score: e_t h (dot) or
e_t W h (general) of Luong, Pham & Manning (2015), doi:10.18653/v1/D15-1166, eq. 7 and 8, or the additive one of
Bahdanau, Cho & Bengio (2015), arXiv:1409.0473, appendix A.1.2, v tanh(W h + b + U e_t).
"""

from .activations import ONE, relu, sign, tanh


def energy(query, key):
    """One unit's part of the additive score, but for its weight."""
    return tanh(query + key)


def energy_gradient(a, d):
    """The derivative by query and by key, in terms of the energy a."""
    return d * (ONE - a * a)


def embedding(a):
    """Segments are embedded by a linear map and this (Lin et al. 2023, arXiv:2308.11200, section 3.2)."""
    return relu(a)


def embedding_gradient(e, d):
    """In terms of the embedding e >= 0; 0 at the kink."""
    return d * sign(e)
