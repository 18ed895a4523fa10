"""The base classes of recurrent estimators: arguments of the network and of its training."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass, fields
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.utils import check_random_state

from ..cells.cell import Cell
from ..checks import Anything, choice, flag, number, shown, whole
from ..data.windows import Geometry
from ..forecasting.strategies.teacher_forcing import TeacherForcing
from ..kernels import get_backend, why_no_cuda
from ..losses.registry import Loss, as_loss
from ..networks.architecture import Architecture, Decoder
from ..networks.devices import DEVICES, Device, choose
from ..networks.memory import check_batch, check_parameters
from ..networks.network import Network
from ..training.fit import Fit, fit_network
from ..training.options import Adam, EarlyStopping, Settings, batch_size_for
from ..training.plan import Plan
from .base import Attributes

#: What decides the fields of an `Architecture` that are no arguments of their name.
DECIDES = {
    "cell": "cell with its options",
    "block": "horizon",
    "lags": "context_length and linear_skip",
    "n_target_symbols": "share_embeddings",
    "n_masked": "missing",
    **dict.fromkeys(
        ("n_inputs", "n_targets", "n_covariates", "n_past", "n_seasonal", "n_static", "cardinalities", "n_symbols"),
        "columns or symbols",
    ),
}


@dataclass(eq=False, repr=False, kw_only=True)
class RecurrentNetwork:
    """Arguments of a recurrent network and of its training; see the table in the documentation."""

    hidden_size: int = 32
    num_layers: int = 1
    dropout: float = 0.0
    learn_initial_state: bool = False
    scaling: str | None = "standard"
    learning_rate: float = 0.003
    optimizer: Adam | None = None
    batch_size: int | None = None
    max_epochs: int = 100
    early_stopping: EarlyStopping | bool = True
    callbacks: Sequence[Callable] | None = None
    verbose: int = 0
    warm_start: bool = False
    random_state: Anything = None
    dtype: str = "float32"
    device: str = "cpu"
    #: What decides the fields of the `Architecture`, see `DECIDES`.
    _decides: ClassVar[dict[str, str]] = DECIDES

    def make_cell(self) -> Cell:
        """The cell, from the arguments that a subclass adds."""
        raise NotImplementedError

    def make_architecture(self, **sizes: Any) -> Architecture:
        """The sizes of the network, and the parts that it is made of; a subclass may return its own `Architecture`."""
        return Architecture(**sizes)

    def _decoding(self, num_layers: int) -> tuple[Decoder | None, TeacherForcing | None]:
        """The decoder after an encoder of `num_layers` layers, and the teacher forcing of its training."""
        return None, None

    # ------------------------------------------------------------ arguments
    def _batch_size(self, n_windows: int) -> int:
        """Windows of a batch where there are `n_windows`."""
        return batch_size_for(n_windows) if self.batch_size is None else whole("batch_size", self.batch_size)

    def _scaling_name(self) -> str | None:
        """The name of the scaling that the arguments ask for."""
        raise NotImplementedError

    def _sampling(self) -> str:
        """Which windows an epoch trains on; see `training.order.epoch`."""
        return "windows"

    def _settings(self, batch_size: int) -> Settings:
        """Check the arguments of the training."""
        optimizer = Adam() if self.optimizer is None else self.optimizer
        if not isinstance(optimizer, Adam):
            raise TypeError(f"optimizer={shown(optimizer)} must be a tsrnn.Adam or None")
        flag("warm_start", self.warm_start)
        layers, dropout = whole("num_layers", self.num_layers), number("dropout", self.dropout, 0.0, 1.0)
        decoder, forcing = self._decoding(layers)
        if dropout and max(layers, decoder.num_layers if decoder else 1) == 1:
            raise ValueError(f"dropout={dropout:g} acts between layers; use it with num_layers=2 or more, or dropout=0")
        return Settings(
            optimizer=optimizer,
            learning_rate=number("learning_rate", self.learning_rate, 0.0, open_low=True),
            batch_size=batch_size,
            max_epochs=whole("max_epochs", self.max_epochs),
            dropout=dropout,
            teacher_forcing=forcing,
            callbacks=self._callbacks(),
            verbose=int(self.verbose) if isinstance(self.verbose, bool) else whole("verbose", self.verbose, 0),
            sampling=self._sampling(),
        )

    def _callbacks(self) -> tuple[Callable, ...]:
        callbacks = () if self.callbacks is None else self.callbacks
        if (
            isinstance(callbacks, str | bytes)
            or not isinstance(callbacks, Sequence)
            or not all(map(callable, callbacks))
        ):
            raise TypeError(f"callbacks={shown(callbacks)} must be a list of functions of an Epoch, or None")
        return tuple(callbacks)

    def _stopping(self) -> EarlyStopping | None:
        if isinstance(self.early_stopping, EarlyStopping):
            return self.early_stopping
        if not isinstance(self.early_stopping, bool | np.bool_):
            raise TypeError(f"early_stopping={shown(self.early_stopping)} must be True, False or a tsrnn.EarlyStopping")
        return EarlyStopping() if self.early_stopping else None

    def _network(
        self, n_windows: int, geometry: Geometry, *, loss: Loss, n_inputs: int, n_targets: int, block: int = 1,
        buckets: Sequence[tuple[Geometry, Sized]] = (), **sizes: Any,
    ) -> tuple[Network, Device]:  # fmt: skip
        """Check the arguments of the network; return it and its device, which suits `n_windows` windows.

        Windows in `buckets` have the geometries of these, `geometry` is the largest; `sizes` are further fields of the
        `Architecture`.
        """
        layers = whole("num_layers", self.num_layers)
        architecture = self.make_architecture(
            cell=self.make_cell(),
            n_inputs=n_inputs,
            n_targets=n_targets,
            block=block,
            loss=loss,
            hidden_size=whole("hidden_size", self.hidden_size),
            num_layers=layers,
            learn_initial_state=flag("learn_initial_state", self.learn_initial_state),
            decoder=self._decoding(layers)[0],
            **sizes,
        )
        lanes, dtype = max(1, min(n_windows, self._batch_size(n_windows))), precision("dtype", self.dtype)
        check_parameters(architecture, dtype)
        device = choose(choice("device", self.device, DEVICES), architecture, geometry.n_steps, lanes)
        if device.name == "cpu":  # a GPU has a memory of its own, and says what it lacks
            for each, windows in buckets or [(geometry, range(lanes))]:
                check_batch(
                    architecture, each, min(len(windows), lanes), dtype, has_context="context_length" in vars(self)
                )
        backend = get_backend(device.name, lanes)
        return Network(architecture, dtype, backend, lanes), device

    def _network_on_device(self) -> Network:
        """The fitted network on the `device`; "auto" is the device of the fit, if this machine has it."""
        fitted, name = vars(self), choice("device", self.device, DEVICES)
        if name == "auto":
            name = "cpu" if why_no_cuda() else fitted["device_"].name
        network: Network = fitted["network_"]
        choose(name, network.architecture, 1, 1)  # refuses what is not here
        return network if name == "cpu" else network.on(name)

    # ------------------------------------------------------------ training
    def _start(self, network: Network, rng: np.random.RandomState) -> tuple[np.ndarray, bool]:
        """The parameters to start from, and whether they are those of an earlier fit."""
        fitted = vars(self)
        if not (self.warm_start and "theta_" in fitted):
            return network.architecture.initialise(np.random.default_rng(rng.randint(2**31))), False
        now, then = network.architecture, fitted["network_"].architecture
        if (now.cell.name, now.entries, now.pooling) != (then.cell.name, then.entries, then.pooling):
            raise ValueError(
                f"warm_start=True needs the network of the earlier fit, a {then.cell.name} with {then.size} "
                f"parameters, not a {now.cell.name} with {now.size}; use the same {self._differences(now, then)}, or "
                "warm_start=False"
            )
        if fitted["_trained_for"] != (now.loss, self._scaling_name()):
            earlier, own = self._meaning(*fitted["_trained_for"]), self._meaning(now.loss, self._scaling_name())
            differ = [name for name in own if own[name] != earlier[name]]
            raise ValueError(
                f"warm_start=True goes on with the {_listed(earlier, differ)} of the earlier fit, not with "
                f"{_listed(own, differ)}, under which its parameters mean something else; use the same, or "
                "warm_start=False"
            )
        return fitted["theta_"].astype(np.float64), True

    def _differences(self, now: Architecture, then: Architecture) -> str:
        """What makes two networks differ: arguments, or what the data hold."""
        ours, theirs = _decisive(now), _decisive(then)
        differ = [name for name, value in ours.items() if name in theirs and theirs[name] != value]
        has_strategy = "strategy" in vars(self)  # whose arguments are those of the decoder
        named = [self._decides.get(n, n) for n in differ if n in self._decides or n in vars(self) or has_strategy]
        return ", ".join(dict.fromkeys(named)) or "architecture"

    def _meaning(self, loss: Loss, scaling: str | None) -> dict[str, Any]:
        """The arguments, by name, that decide what the outputs of a network mean."""
        found: dict[str, Any] = {"loss": loss} if "loss" in vars(self) else {"label_smoothing": loss.constants[0]}
        return found | ({"scaling": scaling} if "scaling" in vars(self) else {})

    def _train(self, network: Network, plan: Plan, n_epochs: int | None = None) -> tuple[Fit, Attributes]:
        """Train for `n_epochs`, by default `max_epochs`; return the fit and the fitted attributes of all networks."""
        assert network.n_lanes is not None  # see `_network`
        settings, rng = self._settings(network.n_lanes), generator("random_state", self.random_state)
        theta, is_warm = self._start(network, rng)
        seed = int(rng.randint(2**31))
        with network.backend.session():
            fit = fit_network(network, plan, theta, settings, seed, is_warm=is_warm, n_epochs=n_epochs)
        return fit, {
            "theta_": fit.theta.astype(network.dtype),
            "network_": network.on("cpu"),  # a fitted estimator holds nothing of a device
            "_trained_for": (network.architecture.loss, self._scaling_name()),
            "loss_curve_": np.array(fit.training.loss_curve),
            "validation_curve_": np.array(fit.training.validation_curve),
            "best_epoch_": fit.training.best_epoch,
            "n_updates_": fit.training.n_updates,
            "timings_": fit.timings,
        }


@dataclass(eq=False, repr=False, kw_only=True)
class NumberNetwork(RecurrentNetwork):
    """A recurrent network that predicts numbers, and the argument `loss`."""

    loss: str | Loss = "mse"

    def _check_support(self, targets: np.ndarray, place: Callable[[int, int], str]) -> None:
        """Refuse targets (n, C) outside the support of the loss; NaN is missing, `place` names one in the message."""
        loss = as_loss(self.loss)
        if loss.is_of_classes:
            raise ValueError(
                f"loss={loss} is of classes, and {type(self).__name__} predicts numbers; use a classifier, such as "
                "tsrnn.LSTMClassifier, or loss='mse'"
            )
        if loss.support != "counts":
            return
        if self._scaling_name() is not None:
            raise ValueError(
                f"loss={loss} needs the counts as they are, but scaling={self.scaling!r} changes them; use scaling=None"
            )
        wrong = (targets < 0) | (np.isfinite(targets) & (targets != np.floor(targets)))
        if wrong.any():
            row, column = (int(i) for i in np.argwhere(wrong)[0])
            raise ValueError(
                f"{place(row, column)} is {targets[row, column]:g}, but loss={loss} is of counts, 0, 1, 2, ...; "
                "replace it by a count, or use a loss of any number, such as 'student_t'"
            )


def _listed(values: dict[str, Any], names: list[str]) -> str:
    return " and ".join(f"{name}={values[name]!r}" for name in names)


def _decisive(a: Architecture) -> dict[str, Any]:
    """The fields of an architecture and the arguments of its decoder, as far as the parameters depend on them."""
    found = {each.name: getattr(a, each.name) for each in fields(a) if each.name != "decoder"}
    found |= {"cell": a.cell.name, "loss": a.loss.size, "n_target_symbols": a.n_target_symbols > 0}
    if not a.n_symbols:
        del found["embedding_size"]  # of which there is none
    found["strategy"] = a.decoder and a.decoder.parallel
    if a.decoder:
        found |= {"segment_length": a.decoder.segment, "decoder_layers": a.decoder.num_layers}
        found |= {"attention": a.decoder.attention, "bridge": a.decoder.bridge and not a.bidirectional}
    return found


def precision(name: str, value: Anything) -> str:
    """`value` as the name of a dtype, "float32" or "float64"."""
    for known in ("float32", "float64"):
        if isinstance(value, type | np.dtype) and np.dtype(value) == known:
            return known
    return choice(name, value, ("float32", "float64"))


def generator(name: str, value: Anything) -> np.random.RandomState:
    """The random generator for a seed or a generator; None gives a new one, never NumPy's global one."""
    if value is None:
        return np.random.RandomState()
    try:
        if isinstance(value, bool | np.bool_) or not isinstance(value, Integral | np.random.RandomState):
            raise ValueError("no seed")
        return check_random_state(value)
    except ValueError as error:
        raise ValueError(f"{name}={shown(value)} must be an integer from 0 on, a numpy RandomState, or None") from error
