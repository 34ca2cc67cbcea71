"""Every error code has a page; every page's failing code fails as printed, its fixed code works."""

from __future__ import annotations

import linecache
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import sheer
from sheer.errors import codes, index, page
from sheer.graph.errors import ArgumentError, SheerError, SheerWarning

SOURCE = Path(sheer.__file__).parent
PORT = re.compile(r"(127\.0\.0\.1:)\d{4,}")           # of a server that a page starts
FREE = re.compile(r"the \S+ \w+ (?=that are free)")      # of the machine's memory
RAISED = sorted({code for path in SOURCE.rglob("*.py")
                 for code in re.findall(r'"([EW]\d{3})"', path.read_text(encoding="utf-8"))})
BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```", re.M | re.S)


def blocks(code: str) -> dict[str, str]:
    """The blocks of a page by role: fails, message, works."""
    found = {role or language: text for language, role, text in BLOCK.findall(page(code))}
    return {"fails": found.get("fails", ""), "message": found.get("text", ""),
            "works": found.get("works", "")}


def run(text: str, folder: Path) -> None:
    """Execute a block as the user's file example.py."""
    name = str(folder / "example.py")
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), {"__name__": "__main__"})


def test_every_code_raised_has_a_page_and_every_page_a_code():
    assert codes() == RAISED


@pytest.mark.parametrize("code", codes())
def test_the_page_has_title_cause_and_both_programs(code):
    text = page(code)
    assert text.startswith(f"# {code}: ")
    parts = blocks(code)
    assert all(parts.values()), "a fails, a message and a works block"
    assert text.index("**Cause.**") < text.index("**Fix.**")


@pytest.mark.parametrize("code", codes())
def test_the_failing_program_fails_as_printed(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parts = blocks(code)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if code.startswith("W"):
            run(parts["fails"], tmp_path)
            said = [str(w.message) for w in caught if issubclass(w.category, SheerWarning)]
        else:
            with pytest.raises(SheerError) as error:
                run(parts["fails"], tmp_path)
            said = [str(error.value)]
    plain = [FREE.sub("the FREE ", PORT.sub(r"\1PORT", text.replace(str(tmp_path), "FOLDER")))
             for text in said]
    assert parts["message"].rstrip("\n") in plain


@pytest.mark.parametrize("code", codes())
def test_the_fixed_program_works(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", SheerWarning)
        run(blocks(code)["works"], tmp_path)


def test_the_index_has_one_title_per_page():
    assert [code for code, _ in index()] == codes()
    titles = [title for _, title in index()]
    assert all(titles)
    assert len(set(titles)) == len(titles)


def test_an_unknown_code_names_the_nearest():
    with pytest.raises(ArgumentError) as error:
        page("E1O1")
    assert "nearest" in str(error.value)
    assert "E101" in str(error.value)


def test_the_command_prints_a_page():
    out = subprocess.run([sys.executable, "-m", "sheer", "explain", "e101"], capture_output=True,
                         text=True, check=True).stdout
    assert out.rstrip("\n") == page("E101").rstrip("\n")


def test_the_command_without_a_code_lists_all():
    out = subprocess.run([sys.executable, "-m", "sheer", "explain"], capture_output=True,
                         text=True, check=True).stdout
    assert out.splitlines() == [f"{code}  {title}" for code, title in index()]
