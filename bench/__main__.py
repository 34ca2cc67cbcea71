"""`python -m bench [--only NAME] [--json] [--compile]`: check that all agree, then time in turn."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import report, workloads  # noqa: F401  (importing workloads fills the list)
from .measure import measure
from .special import SPECIAL
from .workload import WORKLOADS


def main(words: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(prog="bench")
    options.add_argument("--only", action="append", choices=sorted({*WORKLOADS, *SPECIAL}),
                         metavar="NAME", help=f"one of {', '.join([*WORKLOADS, *SPECIAL])}")
    options.add_argument("--json", action="store_true", help="the rows as one JSON object a line")
    options.add_argument("--compile", action="store_true",
                         help="PyTorch through torch.compile as well; minutes longer")
    options.add_argument("--pairs", type=int, default=15, help="paired runs of each comparison")
    chosen = options.parse_args(words)
    rows = []
    for name in chosen.only or [*WORKLOADS, *SPECIAL]:
        row = _row(name, chosen)
        rows.append(row)
        if chosen.json:
            print(json.dumps(row), flush=True)
    if not chosen.only:
        report.write(rows, machine(chosen.compile))
        report.into_readme(Path(report.HERE).parent / "README.md", rows)
    if not chosen.json:
        print("\n".join(report.table(rows)))


def _row(name: str, chosen: argparse.Namespace) -> dict[str, Any]:
    """Measure one row, saying on standard error how it goes."""
    tell = lambda text: print(f"{name}: {text}", file=sys.stderr, flush=True)
    if name in SPECIAL:
        return SPECIAL[name](name, tell)
    return measure(WORKLOADS[name], chosen.pairs, chosen.compile, tell)


def machine(compiled: bool) -> dict[str, Any]:
    """What the report says of the machine, and of what was run."""
    import llvmlite
    import torch
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return {"cpu": next(models, "unknown CPU"), "cores": len(os.sched_getaffinity(0)),
            "versions": f"llvmlite {llvmlite.__version__}, torch {torch.__version__}",
            "compiled": compiled}


if __name__ == "__main__":
    main()
