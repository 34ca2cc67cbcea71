"""The ONNX graph under way: operations with names flow in, a list of ONNX nodes comes out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..extras import extra
from .pattern import Size

BATCH = "batch"


def helper() -> Any:
    """onnx.helper. Raises E840 where onnx is not installed."""
    extra("onnx", "onnx", "onnx.export")
    from onnx import helper as found
    return found


class Writer:
    """Nodes of one ONNX graph. The body of a loop has a writer of its own, inside the outer one.

    opset   version of the operators
    batch   name of the tensor that holds the batch size, int64 of shape (1,), when there is one
    """

    def __init__(self, opset: int, outer: Writer | None = None) -> None:
        self.opset, self.outer = opset, outer
        self.nodes: list[Any] = []
        self.batch: str | None = outer.batch if outer else None
        self.layer = ""
        self._constants: dict[Any, str] = {}
        self._names: list[int] = outer._names if outer else [0]

    @property
    def root(self) -> Writer:
        """The outermost one: what does not change in a loop stands there."""
        return self if self.outer is None else self.outer.root

    def name(self, hint: str = "v") -> str:
        """A name that no other value has."""
        self._names[0] += 1
        return f"{hint}_{self._names[0]}"

    def add(self, op: str, *inputs: str, results: int = 1, **attributes: Any) -> Any:
        """One node; the name of its result, or the names of several."""
        outs = [self.name(op.lower()) for _ in range(results)]
        label = f"{self.layer}/{outs[0]}" if self.layer else outs[0]
        self.nodes.append(helper().make_node(op, list(inputs), outs, name=label, **attributes))
        return outs[0] if results == 1 else tuple(outs)

    def constant(self, value: Any, dtype: Any = None) -> str:
        """The name of a constant; equal ones are one."""
        array = np.asarray(value, dtype)
        root = self.root
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in root._constants:
            from onnx import numpy_helper
            name = root._constants[key] = self.name("const")
            tensor = numpy_helper.from_array(array, name)
            root.nodes.append(helper().make_node("Constant", [], [name], value=tensor))
        return root._constants[key]

    def dims(self, values: Sequence[Any]) -> str:
        """The name of an int64 tensor of shape (n,) with these ints and Sizes."""
        plus = [v.plus if isinstance(v, Size) else v for v in values]
        times = [v.times if isinstance(v, Size) else 0 for v in values]
        if not any(times):
            return self.constant(plus, np.int64)
        assert self.root.batch is not None
        scaled = self.add("Mul", self.root.batch, self.constant(times, np.int64))
        return str(self.add("Add", scaled, self.constant(plus, np.int64)) if any(plus) else scaled)

    def shape(self, values: Sequence[Any]) -> str:
        """As dims, for the shape of a Reshape: one size that depends on the batch may be -1."""
        moving = [i for i, v in enumerate(values) if isinstance(v, Size)]
        if len(moving) != 1 or 0 in values:
            return self.dims(values)
        return self.constant([-1 if i in moving else v for i, v in enumerate(values)], np.int64)


def product(values: Sequence[Any]) -> Any:
    """The product of ints and at most one Size."""
    sizes = [v for v in values if isinstance(v, Size)]
    rest = math.prod(v for v in values if not isinstance(v, Size))
    return Size(sizes[0].plus * rest, sizes[0].times * rest) if sizes else rest
