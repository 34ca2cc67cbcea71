"""The walk: a pattern of cells flows in; the nodes of its ONNX graph, loops included, come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..graph.errors import MissingError, SheerError
from .pattern import Cell, Pattern, Size
from .rules import RULES, kind
from .writer import BATCH, Writer, helper


class Walk:
    """A pattern on its way into a writer, its inputs named.

    values  the name of each cell's result, or a tuple of names
    lazy    operands that are read in place of repeated ones
    """

    def __init__(self, made: Pattern, w: Writer, names: Sequence[str]) -> None:
        self.made, self.w, self.lazy = made, w, _repeated(made)
        self.values: dict[int, Any] = dict(zip(made.inputs, names, strict=True))

    def described(self, names: Sequence[str]) -> list[Any]:
        """Types and shapes of the inputs of these names."""
        cells = {self.values[i]: self.made.cells[i] for i in self.made.inputs}
        return [_value(n, cells[n]) for n in names]

    def write(self, free: Mapping[int, list[int]], names: list[str]) -> list[Any]:
        """All nodes; the descriptions of the results.

        free  input -> axes that have the length of the batch
        """
        if free:
            first, axes = next(iter(free.items()))
            shape = self.w.add("Shape", self.values[self.made.inputs[first]])
            self.w.batch = self.w.add("Gather", shape, self.w.constant([axes[0]], np.int64))
        self.run()
        outs = self.made.outputs
        names += [f"output_{i}" if i else "output" for i in range(len(names), len(outs))]
        for name, i in zip(names, outs, strict=True):
            self.w.nodes.append(helper().make_node("Identity", [self.name(i)], [name]))
        return [_value(name, self.made.cells[i]) for name, i in zip(names, outs, strict=True)]

    def run(self) -> None:
        """A node or more for each cell."""
        for i, cell in enumerate(self.made.cells):
            if i not in self.values and i not in self.lazy:
                self.values[i] = self._cell(cell)

    def name(self, i: int) -> str:
        """The name of a cell's value; of the first of several."""
        value = self.values[i]
        return str(value[0] if isinstance(value, tuple) else value)

    def _cell(self, cell: Cell) -> Any:
        self.w.layer = cell.node.source.layer
        if cell.kind == "Pick":
            value = self.values[cell.inputs[0]]
            found = (value if isinstance(value, tuple) else (value,))[cell.index]
            return found if found is not None else self._refuse(cell.node.inputs[0])
        if cell.kind in ("Scan", "Checkpoint"):
            return getattr(self, f"_{cell.kind.lower()}")(cell)
        cells = [self.made.cells[i] for i in cell.inputs]
        operands: dict[str, Any] = {
            "operand_dtype": cells[0].node.dtype, "operand_shape": cells[0].shapes[0],
            "second_shape": cells[-1].shapes[0]} if cells else {}
        known = Cell(cell.node, {**cell.fields, **operands}, cell.inputs, cell.shapes)
        xs = [self.name(self.lazy.get(i, i)) for i in cell.inputs]
        made = RULES[cell.kind](self.w, known, *xs) if cell.kind in RULES else None
        return made if made is not None else self._refuse(cell.node)

    def _refuse(self, node: Any) -> Any:
        kind_of = type(node.prim).__name__
        chance = kind_of in ("Uniform", "FoldIn", "Permutation")
        error: SheerError = MissingError(
            "E841", "onnx.export", f"there is no ONNX form of {kind_of} as it is used here",
            got={"result": node},
            need="a result that is no matter of chance" if chance else "another way to say it")
        error.layer = node.source.layer
        raise error

    def _checkpoint(self, cell: Cell) -> Any:
        inner = Walk(cell.body, self.w, [self.name(i) for i in cell.inputs])
        inner.run()
        return tuple(inner.name(i) for i in cell.body.outputs)

    def _scan(self, cell: Cell) -> Any:
        """A loop: constants of the body are read from around it, as ONNX allows."""
        body: Pattern = cell.body
        w = Writer(self.w.opset, self.w)
        given = [self.name(i) for i in cell.inputs]
        consts, moving = given[:cell.num_consts], given[cell.num_consts:]
        inner_names = [w.name("carry" if i < cell.num_carry else "x") for i in range(len(moving))]
        inner = Walk(body, w, [*consts, *inner_names])
        inner.run()
        results = []
        for i in body.outputs:
            out = w.name("out")
            w.nodes.append(helper().make_node("Identity", [inner.name(i)], [out]))
            results.append(_value(out, body.cells[i]))
        count = len(moving) - cell.num_carry
        backward = [int(cell.reverse)]
        outs = self.w.add(
            "Scan", *moving, results=len(results), num_scan_inputs=count,
            body=helper().make_graph(w.nodes, "body", inner.described(inner_names), results),
            scan_input_directions=backward * count,
            scan_output_directions=backward * (len(results) - cell.num_carry))
        return outs if isinstance(outs, tuple) else (outs,)


def _value(name: str, cell: Cell) -> Any:
    """The description of an input or a result: type, and shape with the batch by name."""
    shape = [(BATCH if v == Size(0, 1) else None) if isinstance(v, Size) else v
             for v in cell.shapes[0]]
    return helper().make_tensor_value_info(name, kind(cell.node.dtype), shape)


def _repeated(made: Pattern) -> dict[int, int]:
    """Repeated operands that need not be made, with what they repeat: ONNX repeats by itself.

    That is so where all who read one compute element by element, with another operand that has
    the whole shape.
    """
    cells = made.cells
    spread = {i for i, c in enumerate(cells) if c.kind == "Expand"} - set(made.outputs)
    for c in cells:
        full = [i for i in c.inputs if i not in spread]
        if not (c.node.prim.pointwise and len(c.inputs) > 1 and full):
            spread -= set(c.inputs)
    return {i: cells[i].inputs[0] for i in spread}
