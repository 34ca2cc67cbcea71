"""`sheer show`: a recipe flows in; its training step at every stage to machine code comes out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..graph.graph import Graph
from ..mixins.core import wrap
from ..ops.structure import data
from ..recipes import Recipe, make
from ..train.fit import as_source
from ..train.metrics import named
from ..train.session import Session, batch_of
from ..transforms import execute, jit


def show_recipe(name: str, stages: Sequence[str], svg: Path | None, folder: Path | None) -> None:
    """Print the wanted stages of one training step (graph and program when none is named)."""
    form = traced_recipe(make(name), folder)
    if svg is not None:
        from ..explain.draw import to_svg
        svg.write_text(to_svg(form.graph), encoding="utf-8")
        print(f"picture: {svg}")
    wanted = stages or ([] if svg is not None else ["graph", "program"])
    for stage in wanted:
        print(_stage(stage, form.graph, form.donate))


def traced_recipe(recipe: Recipe, folder: Path | None) -> jit.Traced:
    """One training step of a recipe, on its first batch, as a graph."""
    task = recipe.data(folder)
    model = recipe.model(task)
    session = Session(model, recipe.loss(), recipe.optimizer(model), named(recipe.metrics),
                      recipe.transform)
    source = as_source(task.train, recipe.set.batch_size, 0, True, False)
    part = next(iter(source.slices(0, 1)))
    rows = wrap(data(np.arange(part.rows)))
    return session.traced_step(*batch_of(part.memory, rows))


def _stage(stage: str, graph: Graph, donate: dict[int, int]) -> str:
    if stage == "graph":
        return str(graph)
    program: Any = execute.get_backend("cpu").compile(graph, donate)
    if stage == "program":
        return str(program.program)
    text: str = getattr(program.program, stage)()
    return text
