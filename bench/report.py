"""The report: measured rows flow in; results.json, results.md and the README's table come out."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
START, END = "<!-- bench: made by `make bench` -->", "<!-- bench: end -->"
PEERS = ("torch", "jax")


def write(rows: Sequence[Mapping[str, Any]], machine: Mapping[str, Any]) -> None:
    """Write both files; a row has name, what, sheer (s), and per peer variant, seconds, ratio."""
    ratios = {r["name"]: {peer: r[peer]["ratio"] for peer in PEERS if peer in r} for r in rows}
    (HERE / "results.json").write_text(json.dumps(ratios, indent=1) + "\n")
    (HERE / "results.md").write_text("\n".join(["# Benchmark results", "", *about(machine), "",
                                                 *table(rows), ""]))


def about(machine: Mapping[str, Any]) -> list[str]:
    """On what this was measured, and how to read it."""
    return [
        f"{machine['cpu']}, {machine['cores']} cores, {platform.system()}; Python "
        f"{platform.python_version()}; {machine['versions']}. Made by `make bench`.",
        "Ratio: how many times faster sheer is than the best PyTorch variant (or JAX), median of",
        "paired runs in one process, with the range that holds 8 of 10 pairs. Below 1 sheer loses.",
    ]


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A Markdown table, one row per workload."""
    lines = ["| workload | sheer | PyTorch | ratio | JAX | ratio |", "|---|---|---|---|---|---|"]
    for r in rows:
        cells = [f"{r['name']} ({r['what']})", _time(r["sheer"])]
        for peer in PEERS:
            found = r.get(peer)
            if found:
                cells += [f"{_time(found['seconds'])} ({found['variant']})", _ratio(found["ratio"])]
            else:
                cells += ["", ""]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def into_readme(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replace the table between the markers of the README."""
    text = path.read_text()
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    path.write_text(before + START + "\n" + "\n".join(table(rows)) + "\n" + END + after)


def _ratio(ratio: Sequence[float]) -> str:
    return f"**{ratio[0]:.3g}** ({ratio[1]:.3g} to {ratio[2]:.3g})"


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} us" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"
