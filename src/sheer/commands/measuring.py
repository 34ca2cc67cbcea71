"""`sheer bench`: words of the command line flow in; the checkout's benchmarks run with them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from ..graph.errors import ArgumentError

ROOT = Path(__file__).parents[3]                     # of a checkout: src/ and bench/ lie in it


def run_bench(words: Sequence[str], root: Path = ROOT) -> None:
    """Run `bench/` of the checkout that this sheer is part of.

    Raises E824 for an installed sheer, which has no benchmarks, and without PyTorch.
    """
    if not (root / "bench" / "__main__.py").is_file():
        raise ArgumentError("E824", "bench", "the benchmarks are not part of an installed sheer",
                            got={"looked in": str(root)},
                            need="a checkout of the sources, and `make bench` in it")
    if importlib.util.find_spec("torch") is None:
        raise ArgumentError("E824", "bench", "PyTorch, the peer of the benchmarks, is missing",
                            need="`make bench`, which installs it, or pip install torch")
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    importlib.import_module("bench.__main__").main(words)
