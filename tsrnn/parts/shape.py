"""The sizes of a network for windows of one geometry, as compiled code reads them."""

from __future__ import annotations

from typing import NamedTuple

#: How a decoder weighs the encoder's outputs.
NO_ATTENTION, DOT, GENERAL, ADDITIVE = range(4)
#: What the head reads of the top layer's outputs: the last one, or their mean or maximum over time.
LAST, MEAN, MAX = range(3)


class Shape(NamedTuple):
    """Sizes that every operation gets.

    Those from `decoder_layers` to `exact_feedback` hold for a network with a decoder. Encoder and decoder go in
    segments of some time steps, which are embedded together if they are more than one.
    """

    n_inputs: int
    hidden_size: int
    num_layers: int
    n_steps: int
    n_outputs: int
    output_size: int
    lags: int  # steps that the linear skip reads
    block: int  # steps that one output forecasts
    n_channels: int  # inputs that are targets: the first ones; the skip reads them, a free run feeds them back
    n_covariates: int  # covariates that an output reads of each step that it forecasts
    n_seasonal: int  # seasonal inputs of each target; after the covariates, target by target
    learns_state: int  # 1: the state before the first step is a parameter; 0: it is zero
    link: int  # 1: a free run feeds back softplus(location), the mean; 0: the location itself
    decoder_layers: int = 0
    segment: int = 1
    parallel: int = 0  # 1: all decoder steps start from the encoder's last states, with the encoder's weights
    attention: int = NO_ATTENTION
    exact_feedback: int = 0  # 1: gradients pass through forecasts that were fed back
    n_static: int = 0  # static numbers of a series
    n_categories: int = 0  # categories of a series
    static_size: int = 0  # length of the vector of static covariates, which begins with 1; 0 without them
    n_masked: int = 0  # inputs, the first ones, that have a mask and a time since they were observed, the last inputs
    pooling: int = LAST  # what the only output reads; only without a decoder
    embedding: int = 0  # length of a symbol's vector, where the only input is its code; 0 without symbols
    directions: int = 1  # 2: of the `num_layers` layers every second one goes backwards, over the inputs of the last


def known_ahead(shape: Shape) -> int:
    """Return how many known numbers an output reads: covariates from the step before it on, then seasonal inputs."""
    return (shape.block + 1) * shape.n_covariates + shape.block * shape.n_channels * shape.n_seasonal


def first_known(shape: Shape) -> int:
    """Return the first of the inputs that are known ahead."""
    return shape.n_inputs - 2 * shape.n_masked - shape.n_covariates - shape.n_channels * shape.n_seasonal


def needs_input_gradient(shape: Shape) -> bool:
    """Return whether the gradient by the inputs goes on to forecasts that were fed back, or to parameters."""
    return shape.decoder_layers > 0 or shape.n_masked > 0 or shape.embedding > 0


def encoder_inputs(shape: Shape) -> int:
    """Return the number of inputs of the encoder's lowest layer."""
    if shape.embedding > 0:
        return shape.embedding
    return shape.hidden_size if shape.segment > 1 else shape.n_inputs


def decoder_inputs(shape: Shape) -> int:
    """Return the number of inputs of the decoder's lowest layer.

    In sequence one of them marks the first step, unless a symbol of its own does so.
    """
    return encoder_inputs(shape) + (0 if shape.parallel or shape.embedding > 0 else 1)


def n_encoded(shape: Shape) -> int:
    """Return the number of steps of the encoder."""
    return shape.n_steps // shape.segment - (shape.n_outputs - 1)


def n_decoded(shape: Shape) -> int:
    """Return the number of steps of the decoder."""
    return shape.block // shape.segment if shape.parallel else shape.n_outputs


def n_slots(shape: Shape) -> int:
    """Return the number of steps that a layer's arrays hold; a parallel step takes two, since it keeps its state."""
    if shape.decoder_layers == 0:
        return shape.n_steps
    return max(n_encoded(shape), n_decoded(shape) * (1 + shape.parallel))


def layer_inputs(shape: Shape) -> list[int]:
    """Return the number of inputs of each layer, the decoder's layers last."""
    d = shape.directions
    widths = [encoder_inputs(shape)] * d + [d * shape.hidden_size] * (shape.num_layers - d)
    if shape.decoder_layers:
        widths += [decoder_inputs(shape), *[shape.hidden_size] * (shape.decoder_layers - 1)]
    return widths
