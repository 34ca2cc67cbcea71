"""SHEER_DEBUG: each level says more, on standard error, and nothing by default."""

from __future__ import annotations

import pytest

import sheer
from sheer.transforms import execute


@pytest.mark.parametrize(("level", "says", "silent"), [
    ("", [], ["compiled", "graph of", "pass ", "define "]),
    ("1", ["compiled "], ["graph of", "pass ", "define "]),
    ("2", ["compiled ", "graph of", "Tanh()"], ["pass ", "define "]),
    ("3", ["pass strip_markers"], ["define "]),
    ("4", ["pass strip_markers", "define "], []),
    ("5", ["pass strip_markers", "define ", "v0 = "], []),
])
def test_each_level_says_more(level, says, silent, monkeypatch, capsys):
    monkeypatch.setenv("SHEER_DEBUG", level)
    execute._programs.clear()
    with sheer.backend("cpu"):
        sheer.ones(3).tanh().numpy()
    said = capsys.readouterr().err
    assert all(text in said for text in says)
    assert not any(text in said for text in silent)
