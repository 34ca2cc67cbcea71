"""`python -m bench.programs [NAME ...]`: the programs of workloads, measured, as docs/programs.md.

The page is not kept in the repository: it is of one machine. Without names: resnet20 and gpt-mini.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from . import workloads  # noqa: F401  (fills the list)
from .workload import WORKLOADS

PAGE = Path(__file__).parent.parent / "docs" / "programs.md"
USUAL = ("resnet20", "gpt-mini")


def main(names: Sequence[str], page: Path = PAGE) -> None:
    parts = ["# Programs", "", "What `fit` runs: one program an epoch, on this machine. Made by "
             "`python -m bench.programs`."]
    for name in names or USUAL:
        program = WORKLOADS[name].sheer().program
        if program is None:
            sys.exit(f"{name} is no training: it has no program of an epoch")
        parts += ["", f"## {name} ({WORKLOADS[name].what})", "", "```", str(program().explain()),
                  "```"]
    page.write_text("\n".join([*parts, ""]))
    print(page)


if __name__ == "__main__":
    main(sys.argv[1:])
