"""summary: a model and the size of its input flow in; a table of its layers flows out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from .. import html
from ..graph.dtypes import dtype_of, float32
from ..graph.errors import ArgumentError
from ..graph.node import Node, Spec, topological
from ..mixins.core import Core, no_grad
from ..ops.cost import node_flops
from ..tensor import as_tensor
from ..transforms import trace, tree
from . import state
from .module import Module

HEAD = "layer", "output", "parameters", "FLOPs"


@dataclass
class Layer:
    """One call of one module. parameters and flops include those of its parts."""

    name: str
    kind: str
    depth: int
    output: str = ""
    parameters: int = 0
    flops: int = 0
    inputs: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """`fc1 (Linear)`, or the class alone at the top."""
        return f"{self.name.rpartition('.')[2]} ({self.kind})" if self.name else self.kind

    def cells(self) -> tuple[str, str, str, str]:
        """The row as text."""
        return ("  " * self.depth + self.title, self.output, f"{self.parameters:,}",
                html.short(self.flops))


@dataclass
class Summary:
    """What `summary` found; prints as a table, in rich and in notebooks too.

    layers      in the order in which they are called, the model itself first
    parameters  numbers that are learned or could be, each once
    trainable   those of them that require a gradient
    flops       floating-point operations of one forward pass; a product and its sum are two
    """

    layers: list[Layer]
    parameters: int
    trainable: int
    flops: int
    bytes: int

    def __str__(self) -> str:
        rows = [HEAD, *(r.cells() for r in self.layers)]
        widths = [max(len(r[i]) for r in rows) for i in range(len(HEAD))]
        sides = "<", "<", ">", ">"
        cells = [[f"{c:{s}{w}}" for c, s, w in zip(row, sides, widths, strict=True)]
                 for row in rows]
        lines = ["  ".join(row).rstrip() for row in cells]
        rule = "-" * max(map(len, lines))
        return "\n".join([lines[0], rule, *lines[1:], rule, *self.totals()])

    __repr__ = __str__

    def totals(self) -> list[str]:
        """The lines under the table."""
        return [f"parameters  {self.parameters:,} ({self.trainable:,} trainable), "
                f"{html.short(self.bytes)}B", f"FLOPs       {html.short(self.flops)}"]

    def __rich__(self) -> Any:
        from rich.table import Table
        made = Table(*HEAD[:2], box=None, caption="\n".join(self.totals()))
        for name in HEAD[2:]:
            made.add_column(name, justify="right")
        for row in self.layers:
            made.add_row(*row.cells())
        return made

    def _repr_html_(self) -> str:
        rows = [(" " * 2 * r.depth + r.title, *r.cells()[1:]) for r in self.layers]
        return html.table(HEAD, rows, 2) + "".join(map(html.note, self.totals()))


def summary(model: Module, input_size: Any = None, *, example: Any = None, dtype: Any = None,
            depth: int | None = None) -> Summary:
    """A table of a model's layers: output shapes, parameters, floating-point operations.

    The model is traced in evaluation mode; nothing is computed.

    Params  input_size  the shape of the input, batch axis included, or a list with one per input
            example     inputs in place of sizes: a tensor, or a tuple of them
            dtype       of the inputs that input_size stands for; float32 unless given
            depth       levels of parts to show; all when None
    Raises  E251 unless one of input_size and example is given; what the model raises for it
    Source  definition
    Example
        >>> print(nn.summary(nn.Linear(3, 2), (1, 3)))
        layer   output  parameters  FLOPs
        ---------------------------------
        Linear  (1, 2)           8     14
        ---------------------------------
        parameters  8 (8 trainable), 32B
        FLOPs       14
    """
    inputs = _inputs(input_size, example, dtype)
    seen = _Seen(model, depth)
    with no_grad(), _evaluating(model), seen.watching(), trace.tracing() as t:
        nodes, shape = tree.flatten(inputs)
        args = tree.unflatten(shape, [t.input(n) for n in nodes])
        model(*args)
    params = list(model.parameters())
    return Summary([r for r in seen.rows if depth is None or r.depth <= depth],
                   sum(p.numel() for p in params),
                   sum(p.numel() for p in params if p.requires_grad),
                   seen.rows[0].flops, sum(p.numel() * p.dtype.size for p in params))


def _inputs(size: Any, example: Any, dtype: Any) -> tuple[Any, ...]:
    if (size is None) == (example is None):
        raise ArgumentError("E251", "summary", "one of input_size and example must be given",
                            need="input_size=(1, 3, 32, 32), or example=x")
    if example is not None:
        many = example if isinstance(example, tuple | list) else (example,)
        return tuple(as_tensor(e) for e in many)
    kind = float32 if dtype is None else dtype_of(dtype)
    sizes = [size] if all(isinstance(n, int | np.integer) for n in size) else size
    return tuple(as_tensor(np.zeros(tuple(s), kind.numpy), kind) for s in sizes)


class _Seen:
    """The calls of a model's modules, as hooks see them."""

    def __init__(self, model: Module, depth: int | None) -> None:
        self.model, self.rows = model, list[Layer]()
        self.names = {id(m): n for n, m in model.named_modules()}
        self.open: list[Layer] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Within the block every call is noted."""
        hooks = [h for m in self.model.modules() for h in (
            m.register_forward_pre_hook(self._begins),
            m.register_forward_hook(self._ended, with_kwargs=True))]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _begins(self, module: Module, args: Any) -> None:
        row = Layer(self.names[id(module)], type(module).__name__, len(self.open))
        self.rows.append(row)
        self.open.append(row)

    def _ended(self, module: Module, args: Any, kwargs: Any, result: Any) -> None:
        row = self.open.pop()
        given, made = list(_nodes((args, kwargs))), list(_nodes(result))
        row.kind = type(module).__name__                      # a lazy layer is another by now
        row.inputs = tuple(_shape(n.spec) for n in given)
        row.output = ", ".join(_shape(n.spec) for n in made)
        row.parameters = sum(p.numel() for p in module.parameters())
        begun = set(given)
        row.flops = sum(node_flops(n) for n in topological(made, stop=begun.__contains__)
                        if n not in begun and not n.prim.view)


def _nodes(value: Any) -> Iterator[Node]:
    """The nodes of all tensors in a nesting."""
    if isinstance(value, Core):
        yield value.node
    elif isinstance(value, dict):
        yield from _nodes(list(value.values()))
    elif isinstance(value, tuple | list):
        for v in value:
            yield from _nodes(v)


def _shape(spec: Spec) -> str:
    return str(tuple(spec.shape))


@contextmanager
def _evaluating(model: Module) -> Iterator[None]:
    """In evaluation mode, and afterwards in the modes there were."""
    before = [(m, m.training) for m in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in before:
            module.training = mode


def module_html(module: Any, name: str = "", depth: int = 0) -> str:
    """A module as a tree that unfolds, with its numbers of parameters."""
    extra, kind = module.extra_repr().replace("\n", ", "), module._get_name()
    count = sum(p.numel() for _, m in state.walk(module) for p in m._parameters.values()
                if p is not None and not hasattr(p, "materialize"))
    title = f"{name + ': ' if name else ''}{kind}({extra})" + (
        f"   {html.short(count)} parameters" if count else "")
    parts: Sequence[Any] = list(module.named_children())
    if not parts:
        return f"<div style='margin-left:2em'>{escape(title)}</div>"
    inside = "".join(module_html(child, n, depth + 1) for n, child in parts)
    return html.folded(title, inside, is_open=depth == 0)
