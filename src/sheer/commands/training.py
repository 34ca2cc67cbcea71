"""`sheer train`: a recipe's name and settings flow in; progress, a summary and paths come out."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ..graph.errors import ArgumentError
from ..recipes import Interrupted, Outcome, make, run
from ..train import Run
from ..train.fit import as_source
from ..train.metrics import named
from ..train.plots import available
from ..train.prediction import planned, predict_training
from ..train.rates import Rates
from ..train.session import Session


def train_recipe(name: str, data: Path | None, epochs: int | None, seed: int | None,
                 settings: list[str], out: Path, resume: Path | None, as_json: bool) -> None:
    """Train, score, and tell. With as_json the last line of standard output is one object.

    seed  None: that of the run that goes on, else 0
    """
    changes = dict(_pair(text, "train") for text in settings)
    if epochs is not None:
        changes["epochs"] = str(epochs)
    if resume is not None:
        seed, changes = _remembered(resume, name, seed, changes)
    try:
        outcome = run(make(name, changes), data_dir=data, seed=seed or 0, out=out, resume=resume)
    except Interrupted as e:
        where = [] if data is None else ["--data", str(data)]
        again = shlex.join(["sheer", "train", name, "--resume", str(e.folder), *where])
        print(f"interrupted; go on with: {again}", file=sys.stderr)
        raise
    summary(outcome, Console(stderr=as_json))
    if as_json:
        print(json.dumps(outcome.json()), flush=True)


def predict_recipe(name: str, data: Path | None, epochs: int | None, batch: int | None,
                   settings: list[str], as_json: bool) -> None:
    """Print what training the recipe will take. Its program is planned, but not compiled or run."""
    changes = dict(_pair(text, "predict") for text in settings)
    changes |= {k: str(v) for k, v in (("epochs", epochs), ("batch_size", batch)) if v is not None}
    recipe = make(name, changes)
    task = recipe.data(data)
    model = recipe.model(task)
    optimizer = recipe.optimizer(model)
    session = Session(model, recipe.loss(), optimizer, named(recipe.metrics), recipe.transform)
    source = as_source(task.train, recipe.set.batch_size, 0, True, False)
    scored = None if task.validation is None else as_source(task.validation,
                                                            recipe.set.batch_size, 0, False, False)
    schedule = recipe.schedule(optimizer, source.steps * recipe.set.epochs)
    found = predict_training(session, source, scored, Rates(schedule, optimizer),
                             recipe.set.epochs, planned)
    if found is None:
        raise ArgumentError("E826", "predict", "this training cannot be told beforehand",
                            need="rows in memory and the cpu backend")
    if as_json:
        print(json.dumps(found.json()))
        return
    print(f"{name}: {found.line()}")
    print(f"compiling: about {found.compiling:.2g} s, once; {found.free / 2**30:.1f} GB are free")
    print("times are good to a factor of two, usually better; `sheer train` scores them")


def summary(outcome: Outcome, console: Console) -> None:
    """The closing table, the baselines in it, and where the pictures are."""
    columns = list(dict.fromkeys([*outcome.test,
                                  *(k for found in outcome.baselines.values() for k in found)]))
    parts = {"train": outcome.train, "test": outcome.test, **outcome.baselines}
    title = f"{outcome.recipe}: {outcome.epochs} epochs in {outcome.seconds:.1f} s"
    table = Table("", *columns, title=title)
    for part, numbers in parts.items():
        table.add_row(part, *(f"{numbers[k]:.4f}" if k in numbers else "" for k in columns))
    if console.is_terminal:
        console.print(table)
    else:
        for part, numbers in parts.items():
            text = "  ".join(f"{k} {v:.4f}" for k, v in numbers.items())
            print(f"{outcome.recipe} {part}: {text}", file=console.file)
    for note in outcome.notes:
        print(f"note: {note}", file=console.file)
    if not available():
        print('no pictures: pip install "sheer[plots]"', file=console.file)
    for path in outcome.pictures:
        print(f"picture: {path}", file=console.file)
    if outcome.run.folder is not None:
        print(f"run: {outcome.run.folder}", file=console.file)
    sys.stdout.flush()


def _pair(text: str, command: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise ArgumentError("E821", command, f"--set {text} is no key=value",
                            need="--set key=value")
    return key, value


def _remembered(folder: Path, name: str, seed: int | None,
                changes: Mapping[str, str]) -> tuple[int, dict[str, str]]:
    """Seed and settings of a run that is to go on, with the changes; `run` says which may be."""
    config = dict(Run.open(folder).config)
    if config.pop("recipe") != name:
        raise ArgumentError("E823", "train", "the run in this folder is of another recipe",
                            got={"folder": str(folder)}, need=f"a run of {name}")
    kept = int(config.pop("seed"))
    return (kept if seed is None else seed,
            {k: str(v) for k, v in config.items()} | dict(changes))
