"""Encoder and decoder over symbols: a sequence of them is read, and another one is written, as in translation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .. import frame
from ..checks import Anything, choice, flag, number, whole
from ..data.pairs import Pairs, to_write
from ..data.sequences import STEPS
from ..data.vocabulary import Vocabulary
from ..data.windows import Geometry
from ..forecasting.strategies import Seq2Seq
from ..forecasting.strategies.teacher_forcing import TeacherForcing
from ..functions.symbols import END, UNKNOWN
from ..losses.cross_entropy import CrossEntropy
from ..networks.architecture import Decoder
from ..networks.memory import check_writing
from ..networks.network import BATCH, Source
from ..networks.search import Written, beam_search, greedy
from ..training.plan import plan_pairs
from .classes import NamedCell
from .documentation import documented
from .symbols import Symbols, SymbolSequences, check_pairs, joint, read_symbols, refuse_new
from .windows import BATCHES, RowNetwork

#: What ``score(metric=)`` accepts.
METRICS: dict[str, Callable[[Anything, Anything], float]] = {
    "exact_match": frame.exact_match,
    "token_accuracy": frame.token_accuracy,
    "bleu": frame.bleu,
}


@documented
@dataclass(eq=False, repr=False, kw_only=True)
class Seq2SeqTransducer(NamedCell, RowNetwork, BaseEstimator):
    """Write a sequence of symbols for a sequence of symbols, as in translation (Sutskever, Vinyals & Le 2014).

    An encoder reads the source, symbol by symbol, up to the start symbol. From its last states a decoder writes the
    target: at each step it reads the symbol before, and the softmax of its outputs gives each symbol, or the end, a
    probability. With attention each step also reads a weighted mean of the encoder's outputs (Bahdanau, Cho & Bengio
    2015, arXiv:1409.0473; Luong, Pham & Manning 2015, doi:10.18653/v1/D15-1166). With `bidirectional` the encoder reads
    the source backwards too, as that of the first of these papers: attention weighs the outputs of both directions, and
    a learned linear map makes the decoder's first states from the last ones of both; it starts as their mean.

    Symbols are learned in `fit`. One that the fit did not see is read as the unknown symbol, which is never written.

    Attributes
    ----------
    source_symbols_, target_symbols_ : list
        The symbols of each vocabulary, in the order of their first occurrence.
    max_length_ : int
        Length of the longest target of the fit.
    loss_curve_, validation_curve_ : ndarray
        Mean cross-entropy of a target's symbol after each epoch, in training and over what was held out.

    Examples
    --------
    >>> from tsrnn import Seq2SeqTransducer
    >>> transducer = Seq2SeqTransducer(max_epochs=60, hidden_size=16, learning_rate=0.01, random_state=0)
    >>> sources, targets = ["Hello , world !", "Good morning !"], ["안녕 , 세상아 !", "좋은 아침 !"]
    >>> transducer.fit(sources, targets).predict(["Good morning !"])
    ['좋은 아침 !']
    """

    hidden_size: int = 128
    embedding_size: int = 64
    attention: str | None = "additive"
    bidirectional: bool = False
    tokenize: Anything = "word"
    min_count: int = 1
    share_embeddings: bool = False
    max_length: int | None = None
    beam_width: int = 1
    length_penalty: float = 0.6
    decoder_layers: int | None = None
    teacher_forcing: float | str | TeacherForcing | None = None
    label_smoothing: float = 0.0
    #: Codes are not scaled.
    scaling: ClassVar[None] = None  # type: ignore[misc]

    def _scaling_name(self) -> None:
        return None

    def _decoding(self, num_layers: int) -> tuple[Decoder | None, TeacherForcing | None]:
        strategy = Seq2Seq(
            teacher_forcing=self.teacher_forcing,
            attention=self.attention,
            decoder_layers=self.decoder_layers,
            bridge=True if self.bidirectional else None,
        )
        return strategy.decoder(num_layers), strategy.forcing(True)

    # ------------------------------------------------------------ training
    def fit(self, sources: Anything, targets: Anything) -> Seq2SeqTransducer:
        """Fit to pairs of sequences.

        A fit that fails or is interrupted leaves the estimator as it was, unfitted or with its earlier fit.

        Parameters
        ----------
        sources, targets : list of str, or list of sequences of hashable symbols
            What is read, and what is to be written for it. Strings are divided as `tokenize` says. A target may be
            empty, a source may not.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            If an argument of the constructor or a sequence is not what it must be; the message says which, where and
            what would do.
        """
        self._search()
        is_warm = flag("warm_start", self.warm_start) and "_codings" in vars(self)
        read = read_symbols(sources, "sources", self.tokenize)
        to_be_written = read_symbols(targets, "targets", self.tokenize, may_be_empty=True)
        check_pairs(read.sequences, to_be_written.sequences)
        if is_warm:
            self._of_kind(read, "sources"), self._of_kind(to_be_written, "targets")
        n, longest = len(read), self._longest(to_be_written.sequences)
        held_out, kept = self._split(n)
        learned = self._learned(held_out, kept)
        vocabularies = self._vocabularies(read.sequences, to_be_written.sequences, learned, is_warm=is_warm)
        codes = [side.encoded(vocabulary) for side, vocabulary in zip((read, to_be_written), vocabularies, strict=True)]
        pairs = Pairs.of(codes[0], codes[1], BATCHES * self._batch_size(n))
        plan = plan_pairs(pairs, kept, held_out, self._stopping(), judges_unknown=_has_unknown(codes[1], kept))
        is_shared = flag("share_embeddings", self.share_embeddings)
        network, device = self._network(
            n,
            plan.geometry,
            buckets=pairs.buckets.parts,
            loss=CrossEntropy(len(vocabularies[1]), number("label_smoothing", self.label_smoothing, 0.0, 1.0)),
            n_inputs=1,
            n_targets=1,
            n_symbols=len(vocabularies[0]),
            n_target_symbols=0 if is_shared else len(vocabularies[1]),
            embedding_size=whole("embedding_size", self.embedding_size),
            bidirectional=flag("bidirectional", self.bidirectional),
        )
        fit, fitted = self._train(network, plan)
        tables = [] if is_warm else _without_unknown(codes, learned, is_shared=is_shared)
        fitted |= {
            "theta_": network.architecture.with_unknown(fit.theta, tables).astype(network.dtype),
            "device_": device,
            "source_symbols_": list(vocabularies[0].symbols),
            "target_symbols_": list(vocabularies[1].symbols),
            "max_length_": longest,
            "_codings": vocabularies,
            "_are_strings": (read.are_strings, to_be_written.are_strings),
            "_tokenize": self.tokenize,
            "_joint": joint(self.tokenize, to_be_written.sequences) if to_be_written.are_strings else "",
        }
        self.__dict__ = vars(self) | fitted  # all at once: a fit that fails leaves the estimator as it was
        return self

    def _longest(self, targets: Sequence[Symbols]) -> int:
        """The length of the longest target, at least 1."""
        longest = max(range(len(targets)), key=lambda i: len(targets[i]))
        if self.max_length is not None and len(targets[longest]) > whole("max_length", self.max_length):
            raise ValueError(
                f"targets[{longest}] has {len(targets[longest])} symbols, but max_length={self.max_length}; use "
                f"max_length={len(targets[longest])} or None, or leave that pair out"
            )
        return max(1, len(targets[longest]))

    def _vocabularies(
        self, sources: Sequence[Symbols], targets: Sequence[Symbols], learned: np.ndarray, *, is_warm: bool
    ) -> tuple[Vocabulary, Vocabulary]:
        """Those of sources and targets, which may be the same, from the pairs with the numbers `learned`."""
        least = whole("min_count", self.min_count)
        sides = [[symbol for i in learned for symbol in side[i]] for side in (sources, targets)]
        if flag("share_embeddings", self.share_embeddings):
            both = Vocabulary.of(sides[0] + sides[1], least)
            found = both, both
        else:
            found = Vocabulary.of(sides[0], least), Vocabulary.of(sides[1], least)
        for name, vocabulary, side in zip(("sources", "targets"), found, sides, strict=True):
            if not side:
                raise ValueError(f"there is no symbol in {name}; pass sequences that are not all empty")
            if not vocabulary.symbols:
                raise ValueError(f"min_count={least} leaves no symbol in {name}; use a smaller one")
        if is_warm:
            earlier: tuple[Vocabulary, Vocabulary] = vars(self)["_codings"]
            if (found[0] is found[1]) != (self.network_.architecture.n_target_symbols == 0):
                return earlier  # with other tables, which `_start` refuses by their argument
            for name, own, known in zip(("sources", "targets"), found, earlier, strict=True):
                refuse_new(own, known, name)
            return earlier
        return found

    # ------------------------------------------------------------ writing
    def predict(self, sources: Anything) -> list[Any]:
        """Write the most probable target that is found for each source.

        With ``beam_width=1`` the most probable symbol is taken at each step. A target ends with the end symbol, or
        after `max_length` symbols, by default as many as the longest target of the fit has.

        Parameters
        ----------
        sources : list of str, or list of sequences of hashable symbols
            As in `fit`.

        Returns
        -------
        list of str, or list of lists
            A target for each source: strings where those of the fit were strings.
        """
        return [self._as_target(best[0][0]) for best in self._n_best(self._read(sources))]

    def predict_n_best(self, sources: Anything) -> list[list[tuple[Any, float]]]:
        """The `beam_width` best targets that are found for each source, with their log probabilities.

        They are sorted by their log probability divided by ((5 + length) / 6) ** length_penalty (Wu et al. 2016,
        arXiv:1609.08144, eq. 14), where the length counts the end symbol.

        Parameters
        ----------
        sources : list of str, or list of sequences of hashable symbols
            As in `fit`.

        Returns
        -------
        list of lists of (target, log probability)
            The natural logarithm of the probability of the whole target with its end. A list is shorter where fewer
            targets are possible.
        """
        found = self._n_best(self._read(sources))
        return [[(self._as_target(symbols), value) for symbols, value in best] for best in found]

    def _n_best(self, read: SymbolSequences) -> list[list[tuple[list[Any], float]]]:
        """The symbols of the best targets of each source, with their log probabilities."""
        codes = read.encoded(self._codings[0])
        limit = self.max_length_ if self.max_length is None else whole("max_length", self.max_length)
        context = np.array([-(-(1 + len(each)) // STEPS) * STEPS for each in codes])
        found: list[list[tuple[list[Any], float]]] = [[] for _ in codes]
        for steps in np.unique(context):
            chosen = np.flatnonzero(context == steps)
            written = self._write([codes[i] for i in chosen], int(steps), 1 + limit)
            for i, beam, logarithms in zip(chosen, written.codes, written.log_probability, strict=True):
                found[i] = [
                    (self._codings[1].decode(own[: np.argmax(own == END)]), float(value))
                    for own, value in zip(beam, logarithms, strict=True)
                    if np.isfinite(value)
                ]
        return found

    def _write(self, codes: Sequence[np.ndarray], context: int, n_outputs: int) -> Written:
        """Write at most `n_outputs` codes for each source, of which none is longer than the context."""
        (width, penalty), network = self._search(), self._network_on_device()
        check_writing(network.architecture, Geometry(context, n_outputs), len(codes), width, network.dtype.name)
        rows, windows, geometry = to_write(codes, context, n_outputs)
        with network.backend.session():
            theta, source = network.backend.upload(self.theta_, network.dtype), Source.upload(network.backend, rows)
            if width == 1:
                return greedy(network, theta, source, windows, geometry)
            return beam_search(network, theta, source, windows, geometry, width, penalty)

    def _search(self) -> tuple[int, float]:
        """Width and length penalty of the beam."""
        return whole("beam_width", self.beam_width), number("length_penalty", self.length_penalty, 0.0, 10.0)

    def _read(self, sources: Anything) -> SymbolSequences:
        """Sources for a fitted network, of the kind that the fit had."""
        check_is_fitted(self)
        return self._of_kind(read_symbols(sources, "sources", vars(self)["_tokenize"]), "sources")

    def _read_targets(self, targets: Anything) -> SymbolSequences:
        """Targets of the kind that the fit had."""
        read = read_symbols(targets, "targets", vars(self)["_tokenize"], may_be_empty=True)
        return self._of_kind(read, "targets")

    def _of_kind(self, read: SymbolSequences, name: str) -> SymbolSequences:
        """The same sequences, refused if they are strings and the fit had lists, or the other way round."""
        had_strings = self._are_strings[name == "targets"]
        if read.are_strings is not had_strings:
            kinds = ("lists of symbols", "strings")
            raise TypeError(
                f"{name} holds {kinds[read.are_strings]}, but in fit it held {kinds[had_strings]}; pass "
                f"{kinds[had_strings]}"
            )
        return read

    def _as_target(self, symbols: list[Any]) -> Any:
        """A target as a user reads it: a string where the targets of the fit were strings."""
        joint: str = vars(self)["_joint"]
        return joint.join(map(str, symbols)) if self._are_strings[1] else symbols

    def attention_weights(self, sources: Anything, targets: Anything = None) -> list[Any]:
        """Weight of each symbol of a source at each step that writes its target.

        Parameters
        ----------
        sources : list of str, or list of sequences of hashable symbols
            As in `fit`.
        targets : list of str, or list of sequences of hashable symbols, optional
            What is written; by default what `predict` returns.

        Returns
        -------
        list of DataFrame
            For each source a row for each symbol of the target and its end, which sums to 1, and a column for each
            symbol of the source and the start symbol after it.

        Raises
        ------
        ValueError
            If the network was fitted without attention.
        """
        read = self._read(sources)
        if self.network_.architecture.decoder.attention is None:
            raise ValueError(
                "the fit had attention=None, so that there are no weights; fit with attention='dot', 'general' or "
                "'additive'"
            )
        if targets is None:
            to_write = SymbolSequences([tuple(best[0][0]) for best in self._n_best(read)], self._are_strings[1])
        else:
            to_write = self._read_targets(targets)
        check_pairs(read.sequences, to_write.sequences)
        codes = [side.encoded(vocabulary) for side, vocabulary in zip((read, to_write), self._codings, strict=True)]
        pairs, network = Pairs.of(codes[0], codes[1], BATCH), self._network_on_device()
        tables: list[Any] = [None] * len(read)
        numbers = iter(pairs.order.tolist())
        with network.backend.session():
            theta = network.backend.upload(self.theta_, network.dtype)
            source = Source.upload(network.backend, pairs.rows)
            for geometry, windows in pairs.buckets.parts:
                for table in network.attention(theta, source, windows, geometry, free_run=False).astype(np.float64):
                    i = next(numbers)
                    rows, columns = [*to_write.sequences[i], "<end>"], [*read.sequences[i], "<start>"]
                    tables[i] = frame.labelled_table(table[: len(rows), -len(columns) :], rows, columns)
        return tables

    def score(self, sources: Anything, targets: Anything, metric: str = "exact_match") -> float:
        """Compare what `predict` writes with the true targets, symbol by symbol.

        Parameters
        ----------
        sources : list of str, or list of sequences of hashable symbols
            As in `fit`.
        targets : list of str, or list of sequences of hashable symbols
            True targets.
        metric : {"exact_match", "token_accuracy", "bleu"}, default "exact_match"
            A measure of `tsrnn.metrics`.

        Returns
        -------
        float
            From 0 to 1; larger is better.
        """
        measure = METRICS[choice("metric", metric, tuple(METRICS))]
        read = self._read(sources)
        truth = self._read_targets(targets)
        check_pairs(read.sequences, truth.sequences)
        return measure(truth.sequences, [best[0][0] for best in self._n_best(read)])


def _has_unknown(codes: Sequence[np.ndarray], numbers: np.ndarray) -> bool:
    """Whether the unknown symbol is in one of the sequences with these numbers."""
    return any((codes[i] == UNKNOWN).any() for i in numbers)


def _without_unknown(codes: Sequence[Sequence[np.ndarray]], learned: np.ndarray, *, is_shared: bool) -> list[str]:
    """Names of the tables from which a training on the pairs with the numbers `learned` reads no unknown symbol."""
    has_unknown = [_has_unknown(side, learned) for side in codes]
    names = ("symbols",) if is_shared else ("symbols", "target_symbols")
    found = [any(has_unknown)] if is_shared else has_unknown
    return [name for name, unknown in zip(names, found, strict=True) if not unknown]
