"""Scalar equations and gradients of attention and of the embedding of segments; kernels do the sums over units.

A step of a decoder, with the state h, weighs the encoder's outputs e_t by the softmax over t of a score: e_t h (dot) or
e_t W h (general) of Luong, Pham & Manning (2015), doi:10.18653/v1/D15-1166, eq. 7 and 8, or the additive one of
Bahdanau, Cho & Bengio (2015), arXiv:1409.0473, appendix A.1.2, v tanh(W h + b + U e_t).
"""

from .activations import ONE, relu, sign, tanh


def energy(query, key):
    """One unit's term of the additive score, without its weight."""
    return tanh(query + key)


def energy_gradient(a, d):
    """Gradient by query and by key, in terms of the energy a."""
    return d * (ONE - a * a)


def embedding(a):
    """Activation of the embedding of segments (Lin et al. 2023, arXiv:2308.11200, section 3.2)."""
    return relu(a)


def embedding_gradient(e, d):
    """Gradient in terms of the embedding e >= 0; 0 at the kink."""
    return d * sign(e)
