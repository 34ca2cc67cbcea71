"""`sheer show`: a recipe flows in; its training step at every stage to machine code comes out."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from ..compile.passes import Pass, simplify
from ..graph.errors import ArgumentError
from ..graph.graph import Graph
from ..mixins.core import wrap
from ..ops.structure import data
from ..recipes import Recipe, make
from ..serialization import write_whole
from ..train.fit import as_source
from ..train.metrics import named
from ..train.session import Session, batch_of
from ..transforms import execute, jit


@dataclass(frozen=True)
class Wanted:
    """What to show: stages by name, of the whole or of one kernel; the epoch's program or a step's.

    change  the name of a pass, to be shown in full before and after
    """

    stages: Sequence[str] = ()
    kernel: int | None = None
    change: str | None = None
    epoch: bool = False
    as_json: bool = False


def show_recipe(name: str, wanted: Wanted, svg: Path | None, folder: Path | None) -> None:
    """Print the wanted stages of one training step (graph and program when none is named)."""
    form = (traced_epoch if wanted.epoch else traced_recipe)(make(name), folder)
    if svg is not None:
        from ..explain.draw import to_svg
        write_whole(svg, to_svg(form.graph).encode())
        print(f"picture: {svg}")
    stages = wanted.stages or (["graph", "program"] if svg is None and not wanted.change else [])
    for stage in stages:
        _stage(stage, form, wanted)
    if wanted.change is not None:
        print(pass_in_full(form.graph, wanted.change))


def traced_epoch(recipe: Recipe, folder: Path | None) -> jit.Traced:
    """What `fit` runs: as many steps as one program does, with the gathering of rows."""
    session, source = begun(recipe, folder)
    part = next(iter(source.slices(0, source.length(session))))
    traced: jit.Traced = session.forecast(part, None, lambda f, *given: f.prepared(*given), True)
    return traced


def begun(recipe: Recipe, folder: Path | None) -> tuple[Session, Any]:
    """A session of a recipe and its training rows."""
    task = recipe.data(folder)
    model = recipe.model(task)
    session = Session(model, recipe.loss(), recipe.optimizer(model), named(recipe.metrics),
                      recipe.transform)
    return session, as_source(task.train, recipe.set.batch_size, 0, True, False)


def traced_recipe(recipe: Recipe, folder: Path | None) -> jit.Traced:
    """One training step of a recipe, on its first batch, as a graph."""
    session, source = begun(recipe, folder)
    part = next(iter(source.slices(0, 1)))
    rows = wrap(data(np.arange(part.rows)))
    return session.traced_step(*batch_of(part.memory, rows))


def _stage(stage: str, form: jit.Traced, wanted: Wanted) -> None:
    """Print one stage: colours and data for the program, text for the rest."""
    if stage in ("graph", "passes"):
        print(form.graph if stage == "graph" else pass_changes(form.graph))
        return
    program: Any = execute.get_backend("cpu").compile(form.graph, form.donate)
    if stage != "program":
        _check_kernel(wanted.kernel, len(list(program.program.walk())))
        print(getattr(program.program, stage)(wanted.kernel))
        return
    told = program.program.explain()
    console = Console()
    if wanted.as_json:
        print(json.dumps(told.json()))
    elif console.is_terminal:
        console.print(told)
    else:
        print(told)


def _check_kernel(number: int | None, count: int) -> None:
    """Raise E825 unless there is a kernel of that number."""
    if number is not None and number not in range(count):
        raise ArgumentError("E825", "show", f"there is no kernel {number}",
                            need=f"0 to {count - 1}, as `sheer show NAME --program` numbers them")


def pass_changes(graph: Graph) -> str:
    """Every pass: what it is for, and the lines of the graph that it takes away and adds."""
    texts = []
    for step, before, after in _steps(graph):
        change = [line for line in difflib.ndiff(before.splitlines(), after.splitlines())
                  if line[:1] in "+-"]
        texts.append("\n".join([_title(step), *(change or ["  changes nothing"])]))
    return "\n\n".join(texts)


def pass_in_full(graph: Graph, name: str) -> str:
    """The graph before and after the passes of that name. Raises E825 for a name that is none."""
    found = [(s, b, a) for s, b, a in _steps(graph) if s.name == name]
    if not found:
        raise ArgumentError("E825", "show", f"there is no pass {name!r}",
                            need="a name that `sheer show NAME --passes` prints")
    return "\n\n".join(f"{_title(s)}\nbefore:\n{b}\nafter:\n{a}" for s, b, a in found)


def _steps(graph: Graph) -> list[tuple[Pass, str, str]]:
    """(pass, graph before, graph after), in order."""
    found, before = [], str(graph)
    def watch(step: Pass, made: Graph) -> None:
        nonlocal before
        found.append((step, before, after := str(made)))
        before = after
    simplify(graph, watch)
    return found


def _title(step: Pass) -> str:
    return f"# {step.name}: {step.contract}\n# {step.position}"
