"""The texts of public names have their sections, codes that exist, and an example that runs."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import re
import textwrap
from pathlib import Path

import pytest

import sheer

PAGES = Path(sheer.__file__).parent / "errors"

# The sections that every name of a room has; a room joins when all of its names have them.
ROOMS = {
    "sheer.distributions": ("Source", "Example"),
    "sheer.fft": ("Shape", "Source", "Example"),
    "sheer.linalg": ("Shape", "Raises", "Source", "Example"),
    "sheer.metrics": ("Source", "Example"),
    "sheer.nn.functional": ("Shape", "Source", "Example"),
    "sheer.nn.init": ("Shape", "Source", "Example"),
    "sheer.optim": ("Source", "Example"),
    "sheer.optim.lr_scheduler": ("Raises", "Source", "Example"),
    "sheer.special": ("Shape", "Source", "Example"),
    "sheer.train": ("Source", "Example"),
}
ELSEWHERE = ("sheer.nn.utils",)             # what a room shows of a room that has not joined yet


def public(room):
    """(name, object) of all that can be called; errors have their pages instead of examples."""
    module = importlib.import_module(room)
    own = [n for n, v in sorted(vars(module).items())
           if n[0] != "_" and getattr(v, "__module__", "") == room]
    for name in getattr(module, "__all__", own):
        value = getattr(module, name)
        error = isinstance(value, type) and issubclass(value, BaseException)
        if callable(value) and not error and not value.__module__.startswith(ELSEWHERE):
            yield name, value


NAMES = [pytest.param(room, value, id=f"{room}.{name}")
         for room in ROOMS for name, value in public(room)]


def text_of(value):
    """The text of this very object: a class does not inherit that of its base."""
    return inspect.cleandoc(value.__doc__ or "")


def sections(text):
    """By name, the lines of each section."""
    parts = re.split(r"^(Shape|Dtype|Params|Raises|Source|Example)\b", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize(("room", "value"), NAMES)
def test_a_text_has_the_sections_of_its_room(room, value):
    found = sections(text_of(value))
    assert [s for s in ROOMS[room] if not found.get(s, "").strip()] == []


@pytest.mark.parametrize(("room", "value"), NAMES)
def test_the_codes_of_a_text_have_pages_and_are_those_that_its_body_raises(room, value):
    text = text_of(value)
    named = set(re.findall(r"\b[EW]\d{3}\b", text))
    assert [code for code in sorted(named) if not (PAGES / f"{code}.md").exists()] == []
    for first, last in re.findall(r"\bE(\d{3}) to E(\d{3})\b", text):
        named |= {f"E{n}" for n in range(int(first), int(last) + 1)}
    assert raised(value) - named == set()


def raised(value):
    """The codes that are raised in the body itself (of a class: in __init__)."""
    body = value.__dict__.get("__init__") if isinstance(value, type) else inspect.unwrap(value)
    written = inspect.isfunction(body) and body.__code__.co_filename != "<string>"    # dataclasses
    if not written:
        return set()
    tree = ast.parse(textwrap.dedent(inspect.getsource(body)))
    made = [n.exc for n in ast.walk(tree) if isinstance(n, ast.Raise)]
    first = [n.args[0] for n in made if isinstance(n, ast.Call) and n.args]
    return {a.value for a in first if isinstance(a, ast.Constant)}


@pytest.mark.parametrize(("room", "value"), NAMES)
def test_the_example_runs_and_shows_what_it_shows(room, value, at_hand):
    names = {**vars(inspect.getmodule(value) or sheer), **at_hand}
    name = f"{room}.{value.__name__}"       # of its own: lines of past examples are looked up
    example = doctest.DocTestParser().get_doctest(text_of(value), names, name, None, 0)
    assert example.examples
    assert doctest.DocTestRunner().run(example).failed == 0
