"""`python -m bench.recipes [NAME ...]`: every recipe with three seeds, as docs/recipes.md.

What has been run already is kept in bench/recipes.json and not run again: delete an entry to have
it anew. Needs the datasets (SHEER_DATA or ../shared/data); recipes that lack theirs are left out.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sheer.graph.errors import SheerError
from sheer.recipes import RECIPES, make, run

ROOT = Path(__file__).parent.parent
PAGE, KEPT = ROOT / "docs/recipes.md", ROOT / "bench/recipes.json"
MEASURED = ROOT / "bench/results.json"              # what `make bench` has left
# recipe -> the workload with its network and minibatch
SAME = {"mnist-mlp": "mnist-mlp", "mnist-cnn": "lenet", "adult": "tabular"}
DATA = Path(os.environ.get("SHEER_DATA") or ROOT.parent / "shared/data")
SEEDS = (0, 1, 2)

Found = dict[str, dict[str, Any]]      # recipe -> seed -> what `Outcome.json` says


def main(names: Sequence[str]) -> None:
    kept: Found = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for name in names or sorted(RECIPES):
        for seed in SEEDS:
            if str(seed) in kept.get(name, {}):
                continue
            try:
                outcome = run(make(name), data_dir=DATA if DATA.is_dir() else None, seed=seed,
                              progress=False, compare=seed == SEEDS[0])
            except SheerError as error:
                print(f"{name}: {error}")
                break
            row = outcome.json()
            kept.setdefault(name, {})[str(seed)] = {
                k: row[k] for k in ("seconds", "epochs", "test", "baselines")}
            KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
            print(f"{name}, seed {seed}: {dict(outcome.test)}, {outcome.seconds:.1f} s")
            PAGE.write_text(page(kept))


def page(kept: Found) -> str:
    """The table: what was promised, what the seeds gave, what simple baselines give."""
    lines = ["# Recipes", "", "What each reaches on its test part: the middle of three seeds, and "
             "their range, beside simple baselines; training time on this machine, and PyTorch's "
             "where `make bench` has the same network. Made by `python -m bench.recipes`.", "",
             "| recipe | task | figure | seeds | promised | baselines | training | PyTorch |",
             "|---|---|---|---|---|---|---|---|"]
    lines += [_line(name, kept[name]) for name in sorted(kept) if name in RECIPES]
    return "\n".join([*lines, ""])


def _line(name: str, seeds: Mapping[str, Any]) -> str:
    metric, promised = RECIPES[name].promise
    values = sorted(s["test"][metric] for s in seeds.values())
    compared = next((s["baselines"] for s in seeds.values() if s["baselines"]), {})
    baselines = "; ".join(f"{what} {found[metric]:.4g}" for what, found in compared.items()
                          if metric in found)
    seconds = statistics.median(s["seconds"] for s in seeds.values())
    return (f"| {name} | {RECIPES[name].summary} | {metric} {statistics.median(values):.4g} | "
            f"{values[0]:.4g} to {values[-1]:.4g} | {promised:g} | {baselines} | {seconds:.1f} s | "
            f"{_in_pytorch(name, seconds)} |")


def _in_pytorch(name: str, seconds: float) -> str:
    """How long the same steps take there, by the ratio that the bench measured."""
    measured = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    ratio = measured.get(SAME.get(name, ""), {}).get("torch")
    return f"{seconds * ratio[0]:.1f} s" if ratio else ""


if __name__ == "__main__":
    main(sys.argv[1:])
