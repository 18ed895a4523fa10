"""Attention and the embedding of segments: their scalar equations and gradients; sums over units are the kernels' work.

A step of a decoder, with the state h, weighs the encoder's outputs e_t by softmax over t of a score: e_t h (dot) or
e_t W h (general) of Luong, Pham & Manning (2015), doi:10.18653/v1/D15-1166, eq. 7 and 8, or the additive one of
Bahdanau, Cho & Bengio (2015), arXiv:1409.0473, appendix A.1.2, v tanh(W h + b + U e_t).
"""

from .activations import ONE, relu, sign, tanh


def energy(query, key, weight):
    """One unit's part of the additive score."""
    return weight * tanh(query + key)


def energy_gradient(query, key, weight, d):
    """Derivatives by query (and key, the same) and by weight, for the gradient `d` of the score."""
    a = tanh(query + key)
    return d * weight * (ONE - a * a), d * a


def embedding(a):
    """Segments are embedded by a linear map and this (Lin et al. 2023, arXiv:2308.11200, section 3.2)."""
    return relu(a)


def embedding_gradient(e, d):
    """In terms of the embedding e >= 0; 0 at the kink."""
    return d * sign(e)
