"""Importing sheer: fast, without side effects, and with the public names that are on the list."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LIST = Path(__file__).with_name("public_names.txt")


def test_the_public_names_are_those_on_the_list():
    import sheer
    names = sorted(n for n in sheer.__all__)
    assert names == LIST.read_text().split(), "update tests/house/public_names.txt on purpose"


def test_importing_loads_no_extra_and_writes_nothing(tmp_path):
    code = ("import sys, sheer; "
            "print(' '.join(m for m in ('torch', 'jax', 'hypothesis', 'matplotlib', 'rich', "
            "'typer', 'scipy', 'pandas', 'pooch') if m in sys.modules))")
    out = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
                         check=True)
    assert out.stdout.strip() == ""
    assert list(tmp_path.iterdir()) == []
