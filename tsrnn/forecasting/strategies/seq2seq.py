"""Seq2seq: an encoder reads the context; a decoder starts from its last states and forecasts step by step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...checks import choice, flag, fraction, whole
from ...networks.architecture import ATTENTION, Decoder
from .base import Continuation, Rolling
from .teacher_forcing import DECAYS, TeacherForcing


@dataclass(frozen=True)
class Seq2Seq(Rolling):
    """An encoder and a decoder with weights of their own (Sutskever, Vinyals & Le 2014, arXiv:1409.3215).

    The encoder's last states, of all layers, start the decoder. Its first step reads the last values of the context
    and a flag that marks the start; each later one reads the values before it: the truth, or its own forecasts.

    Parameters
    ----------
    teacher_forcing : float, {"linear", "exponential", "inverse_sigmoid"}, TeacherForcing or None, default None
        The fraction of the decoder's steps that read the true values in training, drawn for each step of each window;
        or the schedule by which the fraction falls during training (scheduled sampling). None is 0, so that training
        and forecasting are alike; with a likelihood None is 1, since paths are drawn step by step, each given the steps
        before.
    attention : {None, "dot", "general", "additive"}, default None
        How a step weighs the encoder's outputs, which the head then reads beside the decoder's state (Luong, Pham &
        Manning 2015, doi:10.18653/v1/D15-1166; additive: Bahdanau, Cho & Bengio 2015, arXiv:1409.0473).
    decoder_layers : int or None, default None
        Number of layers of the decoder; None takes that of the encoder.
    bridge : bool or None, default None
        Whether a learned linear map makes the decoder's first states from the encoder's last ones. None means only
        if the numbers of layers differ.
    detach : bool, default False
        Whether gradients stop at forecasts that were fed back, instead of passing through them.
    segment_length : int, default 1
        With more than 1, so many steps are embedded together, of the context and of forecasts fed back, and forecast
        together (Lin et al. 2023, arXiv:2308.11200, section 3). It must divide `context_length` and `horizon`. Sampled
        paths are independent within a segment.

    Examples
    --------
    >>> Seq2Seq(attention="dot", decoder_layers=1).decoder(num_layers=2).bridge
    True
    """

    teacher_forcing: float | str | TeacherForcing | None = None
    attention: str | None = None
    decoder_layers: int | None = None
    bridge: bool | None = None
    detach: bool = False
    segment_length: int = 1

    def __post_init__(self) -> None:
        self.forcing(False)
        choice("attention", self.attention, ATTENTION)
        if self.decoder_layers is not None:
            whole("decoder_layers", self.decoder_layers)
        if self.bridge is not None:
            flag("bridge", self.bridge)
        flag("detach", self.detach)
        whole("segment_length", self.segment_length)

    def decoder(self, num_layers: int) -> Decoder:
        """Options of the decoder after an encoder of `num_layers` layers.

        Raises
        ------
        ValueError
            If the numbers of layers differ and there is to be no bridge.
        """
        layers = num_layers if self.decoder_layers is None else self.decoder_layers
        bridge = layers != num_layers if self.bridge is None else self.bridge
        if layers != num_layers and not bridge:
            raise ValueError(
                f"bridge=False takes the encoder's states as they are, but decoder_layers={layers} differs from "
                f"num_layers={num_layers}; use bridge=True, or as many layers"
            )
        return Decoder(
            self.segment_length,
            num_layers=layers,
            bridge=bridge,
            attention=self.attention,
            exact_feedback=not self.detach,
        )

    def forcing(self, is_likelihood: bool) -> TeacherForcing:
        """The schedule of teacher forcing."""
        if self.teacher_forcing is None:
            return TeacherForcing("constant", start=float(is_likelihood))
        if isinstance(self.teacher_forcing, TeacherForcing):
            return self.teacher_forcing
        if isinstance(self.teacher_forcing, str):
            return TeacherForcing(choice("teacher_forcing", self.teacher_forcing, DECAYS))
        return TeacherForcing("constant", start=fraction("teacher_forcing", self.teacher_forcing))

    def attention_weights(self, start: Continuation) -> np.ndarray:
        """Attention weight of each segment of the context at each step of `forecast`, (n, horizon, n_segments)."""
        weights = start.network.attention(start.theta, *self._windows(start))
        return np.repeat(weights, self.segment_length, axis=1)[:, : start.horizon].astype(np.float64)
