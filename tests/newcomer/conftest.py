"""Fixtures of the newcomer tests: a folder to run in, and the script under either library."""

import os
import sys
import types
from pathlib import Path

import pytest
from newcomer_helpers import IMPORTS, SCRIPT, small_mnist


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder to run in, with ../data beside it; the person's cache and data stay out."""
    small_mnist(tmp_path / "data" / "MNIST" / "raw")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("SHEER_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME",
                       os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")))
    return tmp_path / "here"


@pytest.fixture
def script():
    """The script as a module, under sheer or with torch's import lines."""
    def load(library):
        text = SCRIPT.read_text(encoding="utf-8")
        for ours, theirs in IMPORTS.items():
            assert text.count(ours + "\n") == 1, f"the script lost its line {ours!r}"
            text = text.replace(ours + "\n", theirs + "\n") if library == "torch" else text
        module = types.ModuleType(f"mnist_{library}")
        exec(compile(text, str(SCRIPT), "exec"), module.__dict__)
        return module
    before = list(sys.path)
    sys.path.insert(0, str(Path(__file__).parent))
    yield load
    sys.path[:] = before
