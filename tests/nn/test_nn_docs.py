"""Docstrings of layers: the sections are there, and what they say is raised is raised."""

from __future__ import annotations

import doctest
import inspect
import re
import warnings

import pytest
from nn_raised import TABLE

import sheer
from sheer import nn
from sheer.graph.errors import SheerError, SheerWarning

CLASSES = [n for n in nn.__all__ if inspect.isclass(getattr(nn, n))]
ORDER = ("Shape", "Dtype", "Params", "Raises", "Source", "Example")
CODE = re.compile(r"\b[EW]\d{3}\b")


def sections(name: str) -> dict[str, str]:
    """The text of each section of a class's own docstring, in the order they stand in."""
    lines = inspect.cleandoc(vars(getattr(nn, name))["__doc__"] or "").splitlines()
    found: dict[str, str] = {}
    for line in lines:
        head = line.split(" ")[0]
        if head in ORDER and (line == head or line.startswith(f"{head}  ")):
            found[head] = line.removeprefix(head)
        elif found:
            found[list(found)[-1]] += f"\n{line}"
    return found


def computes(cls: type) -> bool:
    """Has the class a forward of its own, or of its family?"""
    return issubclass(cls, nn.Module) and cls.forward is not nn.Module.forward


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_says_shape_source_and_shows_an_example(name):
    found = sections(name)
    assert list(found) == [s for s in ORDER if s in found]
    assert {"Source", "Example"} <= found.keys()
    if computes(getattr(nn, name)):
        assert "Shape" in found
    assert re.search(rf"\b{name}\b", found["Example"])


@pytest.mark.parametrize("name", CLASSES)
def test_an_example_shows_something(name):
    parts = doctest.DocTestParser().get_examples(inspect.getdoc(getattr(nn, name)) or "")
    assert any(part.want for part in parts)


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_names_the_codes_it_raises(name):
    assert set(CODE.findall(sections(name).get("Raises", ""))) == TABLE.get(name, {}).keys()


@pytest.mark.parametrize(("name", "code"), [(n, c) for n, calls in TABLE.items() for c in calls])
def test_what_is_said_to_be_raised_is_raised(name, code):
    with warnings.catch_warnings():
        warnings.simplefilter("error", SheerWarning)
        with pytest.raises((SheerError, SheerWarning)) as caught:
            look(TABLE[name][code](getattr(nn, name)))
    error = caught.value
    assert (error.code if isinstance(error, SheerError) else str(error)[:4]) == code


def look(result: object) -> None:
    """Have a result computed: places outside a tensor are found only then."""
    if isinstance(result, sheer.Tensor):
        result.detach().numpy()


def test_nothing_is_said_of_a_class_that_is_none():
    assert set(TABLE) <= set(CLASSES)
