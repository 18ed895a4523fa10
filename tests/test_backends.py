"""All backends have the methods of the protocol, with the same parameters; the same tests run on each of them."""

from __future__ import annotations

import inspect

import pytest

from tsrnn.kernels.backend import Backend

from .backends import BACKENDS

METHODS = {name: method for name, method in vars(Backend).items() if inspect.isfunction(method) and name[0] != "_"}


def parameters(method):
    """Names, kinds and defaults of a method's parameters."""
    found = inspect.signature(method).parameters.values()
    return [(p.name, p.kind, p.default) for p in found if p.name != "self"]


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=BACKENDS)
@pytest.mark.parametrize("name", METHODS)
def test_methods_are_those_of_the_protocol(backend, name):
    assert parameters(getattr(type(backend), name)) == parameters(METHODS[name])


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=BACKENDS)
def test_each_is_a_backend(backend):
    assert isinstance(backend, Backend)
    assert len(METHODS) >= 16
