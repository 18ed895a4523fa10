"""What networks that predict labels share: classes and their weights, and the loss that goes with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from ..checks import Anything, flag, number, shown
from ..losses.cross_entropy import CrossEntropy
from ..losses.log_loss import LogLoss
from ..losses.loss import Loss
from .recurrent import RecurrentNetwork


@dataclass(eq=False, repr=False, kw_only=True)
class LabelNetwork(RecurrentNetwork):
    """A recurrent network that predicts labels, and the arguments that say what they count."""

    class_weight: Anything = None
    label_smoothing: float = 0.0

    def _of_labels(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, Loss]:
        """The classes of labels (n,), the number of each label's class (n,), the weight of each class, and the loss."""
        check_classification_targets(labels)
        classes, codes = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"y has one class, {classes.tolist()[0]!r}, and a classifier tells two or more apart; pass rows of "
                "another class too"
            )
        self._check_classes(classes)
        smoothing = number("label_smoothing", self.label_smoothing, 0.0, 1.0)
        loss = LogLoss(smoothing) if len(classes) == 2 else CrossEntropy(len(classes), smoothing)
        return classes, codes, self._class_weights(classes, labels), loss

    def _check_classes(self, classes: np.ndarray) -> None:
        """Refuse to go on with the outputs of other classes, which would only be renamed."""
        fitted = vars(self)
        if not (flag("warm_start", self.warm_start) and "classes_" in fitted):
            return
        if not np.array_equal(fitted["classes_"], classes):
            raise ValueError(
                f"warm_start=True goes on with the classes {shown(fitted['classes_'].tolist())} of the earlier fit, "
                f"and y has {shown(classes.tolist())}; pass labels of all those classes and of no other, or "
                "warm_start=False"
            )

    def _class_weights(self, classes: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """The weight of each class, (n_classes,)."""
        given = self.class_weight
        if given is None or (isinstance(given, str) and given == "balanced"):
            return np.asarray(compute_class_weight(given, classes=classes, y=labels))
        if not isinstance(given, Mapping):
            raise ValueError(
                f"class_weight={shown(given)} is not known; use None, 'balanced', or a dict from labels to weights"
            )
        known = classes.tolist()
        for label, value in given.items():
            if label not in known:
                raise ValueError(
                    f"class_weight={shown(given)} has the label {label!r}, which y lacks; use the labels of y, such as "
                    f"{known[0]!r}"
                )
            number(f"class_weight[{label!r}]", value, 0.0)
        weights = np.array([float(given.get(label, 1.0)) for label in known])
        if not weights.any():
            raise ValueError(
                "class_weight is 0 for all classes, so that nothing is learned; give one a positive weight"
            )
        return weights


def most_probable(logits: np.ndarray) -> np.ndarray:
    """The class with the largest logit of (n, n_classes), or for two classes of the second's logit (n, 1), (n,)."""
    return (logits[:, 0] > 0).astype(int) if logits.shape[1] == 1 else logits.argmax(axis=1)
