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


def write(rows: Sequence[Mapping[str, Any]], machine: Mapping[str, Any],
          folder: Path = HERE) -> None:
    """Write both files; a row has name, what, unit, sheer, and per peer variant, seconds, ratio."""
    ratios = {r["name"]: {peer: r[peer]["ratio"] for peer in PEERS if peer in r} for r in rows}
    (folder / "results.json").write_text(json.dumps(ratios, indent=1) + "\n")
    (folder / "results.md").write_text("\n".join([
        "# Benchmark results", "", *about(machine), "", *table(rows), "", *losses(rows)]))


def about(machine: Mapping[str, Any]) -> list[str]:
    """On what this was measured, and how to read it."""
    compiled = ("eager and through torch.compile" if machine["compiled"] else
                "eager; `sheer bench --compile` adds torch.compile")
    command = "make bench" if machine["compiled"] else "sheer bench"
    return [
        f"{machine['cpu']}, {machine['cores']} cores, {platform.system()}; Python "
        f"{platform.python_version()}; {machine['versions']}. Made by `{command}`.",
        f"PyTorch: the best of its variants (1 and 2 threads, fused and foreach, {compiled}).",
        "Ratio: how many times faster sheer is than the best PyTorch variant (or JAX), median of",
        "paired runs in one process, with the range that holds 8 of 10 pairs. Below 1 sheer loses.",
        "Rows of fresh processes and of memory: the median and the whole range; the ratio is again",
        "above 1 where sheer is better.",
    ]


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A Markdown table, one row per workload."""
    lines = ["| workload | sheer | PyTorch | ratio | JAX | ratio |", "|---|---|---|---|---|---|"]
    for r in rows:
        figure = _time if r["unit"] == "s" else (lambda v, unit=r["unit"]: f"{v:.0f} {unit}")
        cells = [f"{r['name']} ({r['what']})", figure(r["sheer"])]
        for peer in PEERS:
            found = r.get(peer)
            if found:
                cells += [f"{figure(found['seconds'])} ({found['variant']})",
                          _ratio(found["ratio"])]
            else:
                cells += ["", ""]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def losses(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The losses that were compared before timing: first and last."""
    lines = ["## Losses compared before timing", "",
             "| workload | sheer, first and last | PyTorch | JAX |", "|---|---|---|---|"]
    for r in rows:
        if "losses" in r:
            told = [" ".join(f"{v:.5g}" for v in r["losses"].get(peer, ()))
                    for peer in ("sheer", *PEERS)]
            lines.append(f"| {r['name']} | " + " | ".join(told) + " |")
    return [*lines, ""]


def into_readme(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replace the table between the markers of the README."""
    text = path.read_text()
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    path.write_text(before + START + "\n" + "\n".join(table(rows)) + "\n" + END + after)


def _ratio(ratio: Sequence[float]) -> str:
    return f"**{ratio[0]:.3g}** ({ratio[1]:.3g} to {ratio[2]:.3g})"


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.2f} {unit}"
    return f"{seconds * 1e6:.1f} us"
