"""Import: an ONNX file flows in; a module with its parameters that computes the same comes out."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..extras import extra
from ..graph.errors import ArgumentError, DataError, MissingError, SheerError
from ..graph.graph import Graph
from ..graph.interpret import interpret
from ..graph.node import Node, topological
from ..mixins.core import apply
from ..nn.module import Module
from ..nn.parameter import Buffer, Parameter
from ..ops.loop import Scan
from ..ops.primitive import results
from ..ops.structure import Data, Input, constant
from ..tensor import tensor
from .meanings import MEANINGS, dtype_number

_KINDS = ("float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool")


def load(f: str | os.PathLike[str] | IO[bytes]) -> OnnxModule:
    """The network of an ONNX file as a module; its floating weights are parameters.

    A file of `export` gives back names and kinds of all weights, so that state dicts of the model
    and of the module are the same.
    Raises  E840 without onnx, E844 for operators that have no meaning here, E845 for a file that is
            broken or has its weights elsewhere
    Example
        >>> sheer.onnx.export(nn.Linear(3, 2), sheer.zeros(1, 3), "model.onnx")
        >>> sheer.onnx.load("model.onnx")(sheer.ones(5, 3)).shape
        (5, 2)
    """
    onnx = extra("onnx", "onnx", "onnx.load")
    name = str(f) if isinstance(f, str | os.PathLike) else getattr(f, "name", "an open file")
    try:
        body = Path(f).read_bytes() if isinstance(f, str | os.PathLike) else f.read()
        proto = onnx.load_model_from_string(body)
        onnx.checker.check_model(proto)
    except OSError as e:
        raise _broken(name, f"cannot read: {e.strerror}") from e
    except Exception as e:                     # protobuf and the checker have errors of their own
        raise _broken(name, f"no whole ONNX file: {str(e).splitlines()[0][:100]}") from e
    return OnnxModule(proto, name)


class OnnxModule(Module):
    """A network read from an ONNX file. Called with tensors for the file's inputs, in order.

    Shape   as the file says; a tuple when it has several outputs
    Raises  E843 for another number of inputs, E844 for operators that have no meaning here
    Source  the ONNX operator specification
    """

    def __init__(self, proto: Any, name: str = "onnx") -> None:
        super().__init__()
        self._proto, self._name = proto, name
        _check_known(proto.graph)
        states = {t.name for t in proto.graph.initializer}
        self._inputs = [i.name for i in proto.graph.input if i.name not in states]
        about = {p.key: p.value for p in proto.metadata_props}
        trained = json.loads(about["sheer.parameters"]) if "sheer.parameters" in about else None
        self._fixed: dict[str, np.ndarray] = {}
        self._states: list[str] = []
        for t in proto.graph.initializer:
            self._hold(t.name, _array(t, name), trained)

    def _hold(self, name: str, array: np.ndarray, trained: Sequence[str] | None) -> None:
        """Keep an initializer: as a parameter, a buffer, or, of a foreign file, fixed ints."""
        wanted = array.dtype.kind == "f" if trained is None else name in trained
        if trained is None and not wanted:
            self._fixed[name] = array
            return
        value = tensor(array, dtype=array.dtype.name)
        *path, last = name.split(".")
        place: Module = self
        for part in path:
            if part not in place._modules:
                place.add_module(part, Module())
            place = getattr(place, part)
        if wanted:
            place.register_parameter(last, Parameter(value))
        else:
            place.register_buffer(last, Buffer(value))
        self._states.append(name)

    def forward(self, *inputs: Any) -> Any:
        if len(inputs) != len(self._inputs):
            raise ArgumentError("E843", self._name, f"{len(inputs)} inputs",
                                need=", ".join(self._inputs))
        held = {**dict(self.named_buffers()), **dict(self.named_parameters())}
        weights = [held[n] for n in self._states]
        out = apply(self._compute, *inputs, *weights)
        return out[0] if len(out) == 1 else out

    def _compute(self, *nodes: Node) -> tuple[Node, ...]:
        values: dict[str, Node] = {n: constant(a) for n, a in self._fixed.items()}
        values |= zip([*self._inputs, *self._states], nodes, strict=True)
        reader = _Reader(self._proto)
        return tuple(reader.run(self._proto.graph, values))

    def extra_repr(self) -> str:
        return f"{self._name}, {len(self._proto.graph.node)} operations"


class _Reader:
    """Walks through the nodes of an ONNX graph with values by name."""

    def __init__(self, proto: Any) -> None:
        self.opset = next((o.version for o in proto.opset_import if o.domain in ("", "ai.onnx")), 0)

    def run(self, graph: Any, values: dict[str, Node]) -> list[Node]:
        """The results of a graph."""
        from onnx import helper
        for node in graph.node:
            a = {x.name: helper.get_attribute_value(x) for x in node.attribute}
            a = {k: v.decode() if isinstance(v, bytes) else v for k, v in a.items()}
            a = {k: _array(v, node.name) if hasattr(v, "raw_data") else v for k, v in a.items()}
            xs = [values[x] if x else None for x in node.input]
            try:
                made = self._scan(a, xs, values) if node.op_type == "Scan" else MEANINGS[
                    node.op_type](self, {**a, "op": node.op_type}, *xs)
            except KeyError as e:              # a setting that its meaning does not know
                raise _unknown([f"{node.op_type} with {e.args[0]}"]) from e
            made = made if isinstance(made, tuple) else (made,)
            if len([o for o in node.output if o]) > len(made):
                raise _unknown([f"{node.op_type} with {len(node.output)} results"])
            values.update(zip(node.output, made, strict=False))
        return [values[o.name] for o in graph.output]

    def _scan(self, a: Mapping[str, Any], xs: Sequence[Any], values: dict[str, Node]) -> Any:
        """A loop; what its body reads from around it becomes a constant of the loop."""
        body, count = a["body"], a["num_scan_inputs"]
        carry, moving = xs[:len(xs) - count], xs[len(xs) - count:]
        back = {*a.get("scan_input_directions", [0]), *a.get("scan_output_directions", [0])}
        if any(a.get(k) for k in ("scan_input_axes", "scan_output_axes")) or len(back) > 1:
            raise KeyError("axes or mixed directions")
        own = {i.name for i in body.input} | {o for n in body.node for o in n.output}
        outer = [n for n in dict.fromkeys(x for n in body.node for x in n.input)
                 if n and n not in own]
        moved = [n for n in outer if not _is_fixed(values[n])]
        specs = [*(values[n].spec for n in moved), *(c.spec for c in carry),
                 *(x.to(*x.shape[1:]) for x in moving)]
        inside = [Input(i, s.shape, s.dtype)() for i, s in enumerate(specs)]
        scope = {n: values[n] for n in outer}
        scope |= zip([*moved, *(i.name for i in body.input)], inside, strict=True)
        outs = self.run(body, scope)
        made = Scan(Graph(inside, outs), len(moved), len(carry), moving[0].shape[0], back == {1})
        return results(made(*(values[n] for n in moved), *carry, *moving))

    def fixed(self, node: Node) -> np.ndarray:
        """The numbers of an operand that must not depend on data: a shape, an axis."""
        if not _is_fixed(node):
            raise KeyError("a shape that depends on the data")
        return interpret(Graph([], [node]), [])[0]

    def dtype(self, number: int) -> Any:
        """The element type of ONNX's number."""
        return dtype_number(number)


def _is_fixed(node: Node) -> bool:
    """Is the node computed from constants alone?"""
    return not any(isinstance(n.prim, Input | Data) for n in topological([node]))


def _array(proto: Any, name: str) -> np.ndarray:
    from onnx import TensorProto, numpy_helper
    if proto.data_location == TensorProto.EXTERNAL:
        raise _broken(name, f"the weight {proto.name} lies in another file")
    array = np.asarray(numpy_helper.to_array(proto))
    if array.dtype.name == "float16":
        return array.astype(np.float32)
    if array.dtype.name not in _KINDS:
        raise _broken(name, f"the weight {proto.name} is of {array.dtype.name}")
    return array


def _check_known(graph: Any) -> None:
    """E844 with all operators that have no meaning here, before anything is computed."""
    found: list[str] = []
    graphs = [graph]
    while graphs:
        for node in graphs.pop().node:
            if (node.op_type not in MEANINGS and node.op_type != "Scan") or node.domain not in (
                    "", "ai.onnx"):
                found.append(f"{node.domain}.{node.op_type}".lstrip("."))
            graphs += [x.g for x in node.attribute if x.HasField("g")]
    if found:
        raise _unknown(list(dict.fromkeys(found)))


def _unknown(names: list[str]) -> SheerError:
    near = difflib.get_close_matches(names[0], MEANINGS, 3)
    return MissingError("E844", "onnx.load", f"no meaning is known for {', '.join(names[:6])}",
                        got={"near": ", ".join(near)} if near else {},
                        need="operators that sheer.onnx writes, or common ones")


def _broken(name: str, what: str) -> DataError:
    return DataError("E845", "onnx.load", what, got={"file": name},
                     need="an ONNX file with its weights inside")
