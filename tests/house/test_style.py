"""House rules that a program can check: sizes of files and functions, opening sentences, paths."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "src").rglob("*.py"))
BUDGET = tomllib.loads((ROOT / "budget.toml").read_text(encoding="utf-8"))
NAME = lambda path: str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=NAME)
def test_files_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= BUDGET["lines"]["file"]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1 - _docstring_lines(node)
            assert length <= BUDGET["lines"]["function"], f"{node.name} at line {node.lineno}"


def _docstring_lines(node: ast.FunctionDef) -> int:
    """A long docstring is not a long function."""
    first = node.body[0]
    if ast.get_docstring(node) is None:
        return 0
    return (first.end_lineno or 0) - first.lineno + 1


@pytest.mark.parametrize("path", FILES, ids=NAME)
def test_a_file_opens_with_one_sentence(path):
    text = path.read_text(encoding="utf-8")
    if text.strip():
        first = (ast.get_docstring(ast.parse(text)) or "").split("\n")[0]
        assert first.endswith((".", "?")), "a file says in one sentence what flows in and out"


@pytest.mark.parametrize("package", sorted(BUDGET["packages"]))
def test_a_package_stays_within_its_budget(package):
    folder = ROOT / "src" / "sheer" / package
    lines = sum(p.read_text(encoding="utf-8").count("\n") for p in folder.rglob("*.py"))
    assert lines <= BUDGET["packages"][package]


def test_every_package_has_a_budget():
    folders = {p.parent.name for p in (ROOT / "src" / "sheer").glob("*/*.py")}
    assert folders == set(BUDGET["packages"])


def test_no_path_of_a_machine_is_tracked():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True,
                            check=False)
    if listed.returncode:
        pytest.skip("no git checkout")
    pattern = re.compile(r"/(work|root|home/\w+)/\w")
    names = [n for n in listed.stdout.splitlines() if n.endswith((".py", ".md", ".toml"))]
    tracked = [ROOT / name for name in names]
    found = [NAME(p) for p in tracked if p.exists() and p.name != "test_style.py"
             and pattern.search(p.read_text(encoding="utf-8"))]
    assert found == []
