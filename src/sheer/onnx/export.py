"""Export: a module and example inputs flow in; an ONNX file of the same function comes out.

Source  the ONNX operator specification; the interface is that of torch.onnx.export
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..graph.errors import ArgumentError, MissingError
from ..graph.graph import Graph
from ..mixins.core import evaluate, no_grad
from ..nn.module import Module
from ..random import default_generator
from ..serialization import write_whole
from ..tensor import Tensor, as_tensor
from ..transforms.jit import Traced, jit
from .pattern import BATCHES, pattern
from .walk import Walk
from .writer import Writer, helper

OPSETS = (17, 21)                               # versions of the operators that are tested
Axes = Mapping[str, Mapping[int, str]]


def export(model: Module, args: Any, f: str | os.PathLike[str] | IO[bytes], *,
           input_names: Sequence[str] | None = None, output_names: Sequence[str] | None = None,
           opset_version: int = 17, dynamic_axes: Axes | None = None) -> None:
    """Write a model as an ONNX file, in evaluation mode, for inputs like `args`.

    args          one tensor or a tuple of them; only shapes and dtypes matter
    dynamic_axes  input name -> {axis: name} of the axes whose length is free, all of one name;
                  without it the first axis of every input is the batch; {}: all lengths are fixed
    Raises  E840 without onnx, E841 for an operation that ONNX has no form for, E842 when something
            depends on the batch size in another way than a size does, E843 for wrong arguments
    Source  torch.onnx.export
    Example
        >>> model = nn.Linear(784, 10)
        >>> sheer.onnx.export(model, sheer.zeros(1, 784), "model.onnx")
    """
    inputs = [as_tensor(a) for a in (args if isinstance(args, tuple) else (args,))]
    names = list(input_names or [f"input_{i}" if i else "input" for i in range(len(inputs))])
    free = _free(names, inputs, dynamic_axes)
    if not OPSETS[0] <= opset_version <= OPSETS[1]:
        raise ArgumentError("E843", "onnx.export", f"operators of version {opset_version}",
                            need=f"a version from {OPSETS[0]} to {OPSETS[1]}")
    make = helper()
    forms = _traced(model, inputs, free)
    states = _states(model, forms[0])
    graph = Walk(pattern([_results(form) for form in forms]), Writer(opset_version),
                 [*names, *states])
    results = graph.write(free, list(output_names or []))
    parameters = [n for n, _ in model.named_parameters()]
    proto = make.make_model(
        make.make_graph(graph.w.nodes, type(model).__name__, graph.described(names), results,
                        [_initializer(n, t) for n, t in states.items()]),
        producer_name="sheer", opset_imports=[make.make_opsetid("", opset_version)])
    proto.ir_version = make.find_min_ir_version_for(proto.opset_import)
    make.set_model_props(proto, {"sheer.parameters": json.dumps([n for n in states
                                                                 if n in parameters])})
    _check(proto)
    if isinstance(f, str | os.PathLike):
        write_whole(Path(f), proto.SerializeToString())
    else:
        f.write(proto.SerializeToString())


def _check(proto: Any) -> None:
    """What ONNX itself says of the file: element types that an operator does not take."""
    import onnx
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as e:
        raise MissingError("E841", "onnx.export", f"ONNX refuses the network: {str(e)[:200]}",
                           need="element types that its operators take") from e


def _free(names: list[str], inputs: list[Tensor], axes: Axes | None) -> dict[int, list[int]]:
    """Which axes of which input have the length of the batch."""
    if len(names) != len(inputs) or len(set(names)) < len(names):
        raise ArgumentError("E843", "onnx.export", "every input needs a name of its own",
                            got={"names": names, "inputs": len(inputs)}, need="as many names")
    if axes is None:
        return {i: [0] for i, x in enumerate(inputs) if x.ndim}
    wanted = {n: v for n, v in axes.items() if n in names}
    words = {word for v in wanted.values() for word in v.values()}
    wrong = [n for n, v in wanted.items()
             if not all(0 <= a < inputs[names.index(n)].ndim for a in v)]
    if len(words) > 1 or wrong:
        raise ArgumentError("E843", "onnx.export", "dynamic_axes that there are not",
                            got={"dynamic_axes": dict(axes)},
                            need="axes of the inputs, all with one name, such as 'batch'")
    return {names.index(n): list(v) for n, v in wanted.items() if v}


def _traced(model: Module, inputs: list[Tensor], free: dict[int, list[int]]) -> list[Traced]:
    """The model at each batch size, in evaluation mode."""
    before = [(m, m.training) for m in model.modules()]
    try:
        model.eval()
        with no_grad():
            return [_form(model, inputs, free, b) for b in (BATCHES if free else BATCHES[:1])]
    finally:
        for module, mode in before:
            module.training = mode


def _form(model: Module, inputs: list[Tensor], free: dict[int, list[int]], batch: int) -> Traced:
    from ..namespace_creation import zeros
    shapes = [[batch if a in free.get(i, ()) else n for a, n in enumerate(x.shape)]
              for i, x in enumerate(inputs)]
    like = [zeros(*shape, dtype=x.dtype) for shape, x in zip(shapes, inputs, strict=True)]
    form = jit(model)._traced(tuple(like), {})
    if any(c.current() is not default_generator.state for c in form.written):
        raise ArgumentError("E843", "onnx.export", "the model changes a tensor when it is called",
                            need="a function of its inputs and weights alone")
    return form


def _results(form: Traced) -> Graph:
    """The graph of what the model returns."""
    return Graph(form.graph.inputs, form.graph.outputs[:form.num_out])


def _states(model: Module, form: Traced) -> dict[str, Any]:
    """Name -> tensor for everything that the model reads and is not given."""
    known = {id(t): n for n, t in (*model.named_buffers(), *model.named_parameters())}
    return {known.get(id(c.handle), f"constant.{i}"): c.handle
            for i, c in enumerate(form.captured)}


def _initializer(name: str, handle: Any) -> Any:
    from onnx import numpy_helper

    from ..transforms import execute
    array = (evaluate([handle]) if isinstance(handle, Tensor) else execute.evaluate([handle.node]))
    return numpy_helper.from_array(np.ascontiguousarray(array[0]).reshape(array[0].shape), name)
