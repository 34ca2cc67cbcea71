"""What a page may rely on: no network, a fixed seed, warnings that were not given before."""

import os

import pytest

import sheer
from sheer.mixins import core


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """A process as it is after `import sheer`, on the reference backend unless another is set.

    Messages are the same on every backend; compiling three hundred programs would take minutes.
    """
    monkeypatch.setenv("SHEER_BACKEND", os.environ.get("SHEER_BACKEND", "reference"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("SHEER_DATA", raising=False)
    monkeypatch.setattr(core, "_noted", set())
    
    sheer.manual_seed(0)
