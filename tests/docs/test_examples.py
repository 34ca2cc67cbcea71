"""The examples in docstrings of the rooms listed here run, and show what they show."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import sheer

ROOMS = ("sheer.metrics", "sheer.data", "sheer.train", "sheer.nn", "sheer.optim", "sheer.models",
         "sheer.static", "sheer.onnx", "sheer.sklearn", "sheer.serialization", "sheer.autograd",
         "sheer.distributions")


def modules():
    for room in ROOMS:
        package = importlib.import_module(room)
        yield room
        folders = getattr(package, "__path__", ())                  # none: a room of one file
        yield from (m.name for m in pkgutil.walk_packages(folders, f"{room}."))


@pytest.mark.parametrize("name", list(modules()))
def test_the_examples_of_a_module_run(name, at_hand):
    module = importlib.import_module(name)
    found = doctest.testmod(module, extraglobs=at_hand)
    assert found.failed == 0


def test_every_public_function_and_method_says_what_it_does():
    functions = [(f"sheer.{n}", getattr(sheer, n)) for n in sheer.__all__]
    methods = [(f"Tensor.{n}", getattr(sheer.Tensor, n)) for n in dir(sheer.Tensor) if n[0] != "_"]
    called = [(n, f) for n, f in (*functions, *methods) if inspect.isroutine(f)]
    assert [n for n, f in called if not inspect.getdoc(f)] == []
