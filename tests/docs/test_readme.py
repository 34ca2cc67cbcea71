"""The README keeps its word: its program runs, its error is the real one, its commands exist."""

from __future__ import annotations

import linecache
import re
from pathlib import Path

import pytest

import sheer
from sheer.cli import app
from sheer.graph.errors import ShapeError

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.M | re.S)
    return [text for name, text in found if name == language]


def test_the_twenty_lines_train_a_network(capsys):
    (program,) = blocks("python")
    scope: dict[str, object] = {}
    exec(compile(program, "readme.py", "exec"), scope)
    assert float(capsys.readouterr().out.split()[-1]) > 0.9


def test_the_error_is_printed_as_shown():
    shown = next(b for b in blocks("") if b.startswith("matmul"))
    lines = [""] * 40
    lines[11], lines[30], lines[31] = "w2 = randn(3, 5)", "h = relu(x @ w1)", "h @ w2"
    source = "\n".join(lines)
    linecache.cache["train.py"] = (len(source), None, [f"{line}\n" for line in lines], "train.py")
    scope = {"randn": sheer.randn, "relu": sheer.relu,
             "x": sheer.ones(3, 2), "w1": sheer.ones(2, 4)}
    with pytest.raises(ShapeError) as error:
        exec(compile(source, "train.py", "exec"), scope)
    assert str(error.value) == shown.rstrip("\n")


def test_every_command_it_names_exists():
    known = {c.name or c.callback.__name__ for c in app.registered_commands}
    named = set(re.findall(r"^sheer (\w+)", "\n".join(blocks("bash")), re.M))
    assert named
    assert named <= known


def test_it_names_every_page_and_example():
    linked = set(re.findall(r"\]\(([\w/.-]+)\)", TEXT))
    there = {str(p.relative_to(ROOT)) for p in (*ROOT.glob("docs/*.md"), *ROOT.glob("examples/*"))}
    assert there <= linked
    assert all((ROOT / name).exists() for name in linked)


def test_the_table_of_the_benchmarks_is_made_as_it_says():
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    command = re.search(r"^bench:.*\n\t(.*)$", rules, re.M)
    assert command is not None
    assert command[1].endswith("sheer bench --compile")
