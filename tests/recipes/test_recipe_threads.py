"""The same seed gives the same bits, with one thread and with two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def weights(recipe: str, threads: int, folder: Path) -> bytes:
    """The checkpoint of a short training in a process of its own."""
    words = ["train", recipe, "--epochs", "1", "--out", str(folder / str(threads)), "--json"]
    done = subprocess.run([sys.executable, "-m", "sheer", *words], capture_output=True, text=True,
                          env=os.environ | {"SHEER_THREADS": str(threads)}, check=True)
    run = Path(json.loads(done.stdout.splitlines()[-1])["run"])
    return (run / "best.safetensors").read_bytes()


@pytest.mark.parametrize("recipe", ["digits", "digits-mlp"])
def test_one_and_two_threads_give_the_same_bits(recipe, tmp_path):
    assert weights(recipe, 1, tmp_path) == weights(recipe, 2, tmp_path)
