"""Names and shapes of a network's parameters <-> one flat vector theta; and how a backend lays the network out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from math import prod
from types import ModuleType

import numpy as np

from ..data.windows import Geometry
from ..functions.symbols import END, UNKNOWN
from ..losses.loss import LINKS
from ..parts.embedding import SYMBOLS
from ..parts.layout import Layout, index_tables
from ..parts.part import Parameter, Parameters, Part
from ..parts.products import product_table
from ..parts.recurrent import layers_of
from ..parts.shape import ADDITIVE, DOT, GENERAL, LAST, MAX, MEAN, NO_ATTENTION, Shape, layer_inputs
from ..parts.sizes import Decoder, NetworkSizes, embedding_width
from . import bidirectional, encoder_decoder, parallel, stack

__all__ = ["ATTENTION", "POOLING", "Architecture", "Decoder", "embedding_width"]

#: The names that ``attention=`` accepts.
ATTENTION: dict[str | None, int] = {None: NO_ATTENTION, "dot": DOT, "general": GENERAL, "additive": ADDITIVE}
#: The names that ``pooling=`` accepts.
POOLING: dict[str, int] = {"last": LAST, "mean": MEAN, "max": MAX}


@dataclass(frozen=True)
class Architecture(NetworkSizes):
    """The sizes of a network, and what follows from them and from its parts."""

    @property
    def composition(self) -> ModuleType:
        """The module that says which parts the network has, and which operations a forward pass runs."""
        if self.decoder is None:
            return bidirectional if self.bidirectional else stack
        return parallel if self.decoder.parallel else encoder_decoder

    def parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield name and description of every parameter, in the order of theta; names are unique in a network."""
        for part in self.composition.PARTS:
            yield from part.parameters(self).items()

    @cached_property
    def entries(self) -> dict[str, tuple[int, tuple[int, ...]]]:
        """Offset and shape of every parameter by name, in the order of theta.

        Raises
        ------
        ValueError
            If two parts give their parameters the same name, or if a part has both a parameter without a `Weights` of
            its name and a `Weights` without a parameter: then one of the two names is misspelt.
        """
        entries: dict[str, tuple[int, tuple[int, ...]]] = {}
        offset = 0
        for part in self.composition.PARTS:
            parameters = part.parameters(self)
            self._check_names(part, parameters, entries)
            for name, parameter in parameters.items():
                entries[name] = (offset, parameter.shape)
                offset += prod(parameter.shape)
        return entries

    def _check_names(self, part: Part, parameters: Parameters, earlier: Collection[str]) -> None:
        """Refuse names that theta has `earlier`, and names by which no operation would find its parameter."""
        composition, known = self.composition.__name__, [weights.name for weights in part.weights]
        for name in parameters:
            if name in earlier:
                raise ValueError(
                    f"two parts of {composition} have a parameter {name!r}; give that of one part another name, in "
                    "its `parameters` and in its Weights"
                )
        # Either alone is right: an optional parameter may be absent, and one offset may lead to several parameters.
        lost, absent = [n for n in parameters if n not in known], [n for n in known if n not in parameters]
        if lost and absent:
            raise ValueError(
                f"in {composition} the part with the parameters {lost} has no Weights of these names, but "
                f"Weights({absent[0]!r}), which names none of its parameters; write the same name in both"
            )

    @cached_property
    def size(self) -> int:
        """Length of theta; computed without a list of the layers, of which an argument may ask for any number."""
        return sum(part.size(self) for part in self.composition.PARTS)

    @cached_property
    def is_decayed(self) -> np.ndarray:
        """1 for each parameter in theta that weight decay acts on, else 0."""
        mask = np.zeros(self.size)
        views = self.views(mask)
        for name, parameter in self.parameters():
            views[name][:] = parameter.decays
            if parameter.bias is not None:
                views[name][..., parameter.bias] = 0
            if parameter.spared_row is not None:
                views[name][parameter.spared_row] = 0
        return mask

    def initialise(self, rng: np.random.Generator) -> np.ndarray:
        """Return theta at the start, float64: weights uniform in ±1/sqrt(hidden_size), biases as their parts say."""
        theta, bound = np.zeros(self.size), 1 / np.sqrt(self.hidden_size)
        views = self.views(theta)
        for name, parameter in self.parameters():
            if parameter.initial is not None:
                parameter.initial(views[name], rng, bound)
        return theta

    def views(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """Return the parameters of theta by name; writing to a view writes to theta."""
        return {
            name: theta[offset : offset + prod(shape)].reshape(shape) for name, (offset, shape) in self.entries.items()
        }

    def with_unseen(self, theta: np.ndarray) -> np.ndarray:
        """Return a copy of a trained theta in which the embedding of unseen categories is the mean of the others.

        To be called after a training, which changes only the embeddings of categories that it sees.
        """
        theta = theta.copy()
        views = self.views(theta)
        for name, cardinality in zip(self._tables(), self.cardinalities, strict=True):
            if cardinality > 0:
                views[name][0] = views[name][1:].mean(axis=0)
        return theta

    def with_unknown(self, theta: np.ndarray, tables: Iterable[str] = (SYMBOLS.name,)) -> np.ndarray:
        """Return a copy of a trained theta in which the vector of unknown symbols is the mean of those of all symbols.

        To be called after a training, for the `tables` from which it read no unknown symbol.
        """
        theta = theta.copy()
        for name in tables:
            table = self.views(theta)[name]
            table[UNKNOWN] = table[END + 1 :].mean(axis=0)
        return theta

    def bias(self, theta: np.ndarray) -> np.ndarray:
        """Return the bias of every output in theta, (O,); writing to it writes to theta."""
        views = self.views(theta)
        return views.get("bias", views["head"])[:, 0]

    # ------------------------------------------------------------ for a backend
    def layout(self, geometry: Geometry) -> Layout:
        """Return what a backend needs, for windows of `geometry`."""
        shape = self.shape(geometry)
        offsets = {name: offset for name, (offset, _) in self.entries.items()}
        shapes = {name: parameter.matrices or parameter.shape for name, parameter in self.parameters()}
        products = [
            product_table(self.cell, n_inputs, self.hidden_size, offsets[f"{name}.product0"])
            for name, n_inputs in layers_of(self)
        ]
        if self.decoder and self.decoder.parallel:  # the decoder's steps have the encoder's weights
            products += products
        tables = index_tables(
            np.stack(products), layer_inputs(shape), self._rows(), offsets, shapes, self._categories()
        )
        program = partial(self.composition.program, self.cell, shape)
        return Layout(self.cell, shape, self.size, offsets, tables, self.composition.PARTS, program)

    def _tables(self) -> list[str]:
        """Return the name of each category's table of embeddings."""
        return [f"category{q}" for q in range(len(self.cardinalities))]

    def _categories(self) -> np.ndarray:
        """Return the table `static.CATEGORIES`, (n_categories, 4)."""
        lines, row = [], 1 + self.n_static
        for name, cardinality in zip(self._tables(), self.cardinalities, strict=True):
            at, (_, width) = self.entries[name]
            lines.append((at, width, row, cardinality))
            row += width
        return np.array(lines, np.int64).reshape(-1, 4)

    def _rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the skip's row that each output adds or -1, (O,), and the output that is each target's point, (C,)."""
        rows = np.full(self.output_size, -1, np.int64)
        steps = np.arange(self.output_size).reshape(self.block, self.n_targets, self.loss.size)
        if self.lags:
            for p in self.loss.location:
                for j in range(self.block):
                    rows[steps[j, :, p]] = np.arange(self.n_targets) * self.block + j
        return rows, steps[0, : self.n_channels, self.loss.point].astype(np.int64)

    def shape(self, geometry: Geometry) -> Shape:
        """Return the sizes of the network, for windows of `geometry`."""
        if self.pooling != "last" and (self.decoder or geometry.n_outputs > 1):
            raise ValueError(
                f"pooling={self.pooling!r} makes one output of all steps, but the network has {geometry.n_outputs} "
                f"outputs and {'a' if self.decoder else 'no'} decoder; use pooling='last'"
            )
        if self.bidirectional:
            self._check_directions(geometry)
        d = self.decoder or Decoder(num_layers=0)
        return Shape(
            n_inputs=self.n_inputs,
            hidden_size=self.hidden_size,
            num_layers=self.n_layers,
            n_steps=geometry.n_steps,
            n_outputs=geometry.n_outputs,
            output_size=self.output_size,
            lags=self.lags,
            block=self.block,
            n_channels=self.n_channels,
            n_covariates=self.n_covariates,
            n_seasonal=self.n_seasonal,
            learns_state=int(self.learn_initial_state and not self.static_size),
            link=LINKS.index(self.loss.link),
            decoder_layers=self.num_layers if d.parallel else d.num_layers,
            segment=d.segment,
            parallel=int(d.parallel),
            attention=ATTENTION[d.attention],
            exact_feedback=int(self.decoder is not None and d.exact_feedback),
            n_static=self.n_static,
            n_categories=len(self.cardinalities),
            static_size=self.static_size,
            n_masked=self.n_masked,
            pooling=POOLING[self.pooling],
            embedding=self.embedding_size,
            directions=self.directions,
        )

    def _check_directions(self, geometry: Geometry) -> None:
        """Refuse what a network of two directions does not have."""
        if self.decoder:
            self._check_encoder(self.decoder)
        elif self.lags or self.n_covariates or self.n_seasonal:
            raise ValueError(
                "bidirectional=True without a decoder is for networks without a linear skip and inputs that are known "
                "ahead; use bidirectional=False"
            )
        elif geometry.n_outputs not in (1, geometry.n_steps):
            raise ValueError(
                f"bidirectional=True gives one output, or one at each of the {geometry.n_steps} steps of a window, but "
                f"n_outputs={geometry.n_outputs}; use one of both, or bidirectional=False"
            )

    def _check_encoder(self, decoder: Decoder) -> None:
        """Refuse a decoder that cannot begin from two directions' states or compare its own with their outputs."""
        if decoder.parallel or not decoder.bridge:
            raise ValueError(
                "bidirectional=True makes two states of each layer, of which a bridge makes those of the decoder's own "
                "layers; use parallel=False and bridge=True, or bidirectional=False"
            )
        if decoder.attention == "dot":
            raise ValueError(
                f"attention='dot' compares the decoder's state, {self.hidden_size} numbers, with the encoder's output, "
                f"which with bidirectional=True has {2 * self.hidden_size}; use attention='general' or 'additive', or "
                "bidirectional=False"
            )
