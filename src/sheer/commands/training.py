"""`sheer train`: a recipe's name and settings flow in; progress, a summary and paths come out."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ..graph.errors import ArgumentError
from ..recipes import Outcome, make, run
from ..train import Run
from ..train.plots import available


def train_recipe(name: str, data: Path | None, epochs: int | None, seed: int, settings: list[str],
                 out: Path, resume: Path | None, as_json: bool) -> None:
    """Train, score, and tell. With as_json the last line of standard output is one object."""
    changes = dict(_pair(text) for text in settings)
    if epochs is not None:
        changes["epochs"] = str(epochs)
    if resume is not None:
        name, seed, changes = _remembered(resume, name, changes)
    outcome = run(make(name, changes), data_dir=data, seed=seed, out=out, resume=resume)
    summary(outcome, Console(stderr=as_json))
    if as_json:
        print(json.dumps(outcome.json()), flush=True)


def summary(outcome: Outcome, console: Console) -> None:
    """The closing table and where the pictures are."""
    title = f"{outcome.recipe}: {outcome.epochs} epochs in {outcome.seconds:.1f} s"
    table = Table("", *outcome.test, title=title)
    for part, numbers in (("train", outcome.train), ("test", outcome.test)):
        table.add_row(part, *(f"{numbers[k]:.4f}" if k in numbers else "" for k in outcome.test))
    if console.is_terminal:
        console.print(table)
    else:
        for part, numbers in (("train", outcome.train), ("test", outcome.test)):
            text = "  ".join(f"{k} {v:.4f}" for k, v in numbers.items())
            print(f"{outcome.recipe} {part}: {text}", file=console.file)
    if not available():
        print('no pictures: pip install "sheer[plots]"', file=console.file)
    for path in outcome.pictures:
        print(f"picture: {path}", file=console.file)
    if outcome.run.folder is not None:
        print(f"run: {outcome.run.folder}", file=console.file)
    sys.stdout.flush()


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise ArgumentError("E821", "train", f"--set {text} is no key=value",
                            need="--set key=value")
    return key, value


def _remembered(folder: Path, name: str,
                changes: Mapping[str, str]) -> tuple[str, int, dict[str, str]]:
    """Recipe, seed and settings of a run that is to go on; only epochs may be changed."""
    config = dict(Run.open(folder).config)
    if config.pop("recipe") != name:
        raise ArgumentError("E823", "train", "the run in this folder is of another recipe",
                            got={"folder": str(folder)}, need=f"a run of {name}")
    seed = int(config.pop("seed"))
    return name, seed, {k: str(v) for k, v in config.items()} | dict(changes)
