"""Optimisers: the update of one scalar parameter."""

from .activations import ONE, sqrt


def adam(theta, g, m, v, decay, rate, beta1, beta2, epsilon, correction1, correction2):
    """Adam with decoupled weight decay: Loshchilov & Hutter (2019), arXiv:1711.05101, algorithm 2 (its lines beside).

    `correction1` and `correction2` are ``1 - beta**t``; `decay` is the weight decay of this parameter.
    """
    m = beta1 * m + (ONE - beta1) * g  # 7
    v = beta2 * v + (ONE - beta2) * g * g  # 8
    step = (m / correction1) / (sqrt(v / correction2) + epsilon)  # 9, 10
    return theta - rate * (step + decay * theta), m, v  # 12
