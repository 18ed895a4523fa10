"""The registry of cells: each family has its classes, its place on the command line, its page and its oracles."""

from __future__ import annotations

import pickle
import sys

import joblib
import pytest
from sklearn.base import clone

import tsrnn
from tsrnn.cells.family import Option
from tsrnn.cells.registry import FAMILIES, all_cells, family
from tsrnn.cli import MODELS
from tsrnn.estimators.classifiers import RecurrentClassifier
from tsrnn.estimators.forecasters import RecurrentForecaster
from tsrnn.estimators.regressors import RecurrentRegressor
from tsrnn.estimators.taggers import RecurrentTagger

from . import oracles

BASES = {
    "Forecaster": RecurrentForecaster, "Regressor": RecurrentRegressor, "Classifier": RecurrentClassifier,
    "Tagger": RecurrentTagger,
}  # fmt: skip
every_class = pytest.mark.parametrize("suffix", BASES)
every_family = pytest.mark.parametrize("name", FAMILIES)


@every_family
@every_class
def test_classes(name, suffix):
    cls = getattr(tsrnn, name + suffix)
    assert issubclass(cls, BASES[suffix])
    assert getattr(sys.modules[cls.__module__], cls.__qualname__) is cls
    assert family(name).summary in cls.__doc__
    for option in family(name).options:
        for value in option.values:
            estimator = cls(**{option.name: value}, hidden_size=12)
            for copy in (clone(estimator), pickle.loads(pickle.dumps(estimator))):
                assert type(copy) is cls
                assert copy.get_params() == estimator.get_params()
                assert copy.make_cell() == estimator.make_cell()


def test_classes_reach_other_processes():
    classes = [getattr(tsrnn, name + suffix) for name in FAMILIES for suffix in BASES]
    assert joblib.Parallel(n_jobs=2)(joblib.delayed(type)(cls()) for cls in classes) == classes


@every_family
def test_command_line(name):
    assert MODELS[name.lower()] == f"{name}Forecaster"


def test_every_form_has_a_name_and_an_oracle():
    forms = [cell for name in FAMILIES for cell in family(name).cells()]
    assert len({cell.name for cell in forms}) == len(forms)
    assert set(all_cells()) == {cell.name for cell in forms} == set(oracles.CELLS)


def test_options():
    """Each type is checked as its own kind of argument, and shown as tables show it."""
    flag, count = Option("bias", True, ""), Option("n_heads", 2, "", (1, 2))
    word = Option("gate", "exp", "", ("exp", "sigmoid"))
    assert [option.kind for option in (flag, count, word)] == ["bool", "int", '{"exp", "sigmoid"}']
    assert (flag.check(False), count.check(5), word.check("sigmoid")) == (False, 5, "sigmoid")
    third = Option("n_heads", 1, "", (1, 2), divides="hidden_size")
    assert third.check(4, {"hidden_size": 8}) == 4
    with pytest.raises(ValueError, match="n_heads=3 must divide hidden_size=8; use a divisor of it"):
        third.check(3, {"hidden_size": 8})
    for option, value in ((flag, 1), (count, True), (count, 0), (word, "tanh")):
        with pytest.raises((TypeError, ValueError), match=f"{option.name}={value!r}"):
            option.check(value)
