"""What examples may use without importing it, as a reader of this documentation has it at hand."""

from __future__ import annotations

import numpy as np
import pytest

import sheer


@pytest.fixture
def at_hand(tmp_path, monkeypatch):
    """The names, in an empty folder and with a seed."""
    monkeypatch.chdir(tmp_path)
    sheer.manual_seed(0)
    return {"np": np, "sheer": sheer, "nn": sheer.nn, "F": sheer.nn.functional, "folder": tmp_path}
