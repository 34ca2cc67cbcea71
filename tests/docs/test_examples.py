"""The examples in docstrings of the rooms listed here run, and show what they show."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import sheer

ROOMS = ("sheer.metrics", "sheer.data", "sheer.train")


def modules():
    for room in ROOMS:
        package = importlib.import_module(room)
        yield room
        yield from (m.name for m in pkgutil.walk_packages(package.__path__, f"{room}."))


@pytest.mark.parametrize("name", list(modules()))
def test_the_examples_of_a_module_run(name):
    module = importlib.import_module(name)
    sheer.manual_seed(0)
    found = doctest.testmod(module, extraglobs={"np": np, "sheer": sheer})
    assert found.failed == 0
