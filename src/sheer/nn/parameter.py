"""Parameter: a tensor that a module owns and an optimizer changes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.node import Node
from ..mixins.core import Core, as_node, evaluate
from ..ops.structure import Data, data
from ..tensor import Tensor, tensor
from ..transforms import execute, trace


class Parameter(Tensor):
    """A leaf tensor that requires a gradient and becomes part of the module it is assigned to.

    The values are its own: two parameters made from one tensor do not share memory.

    Params  data: a tensor, array or nested list, evaluated now
    Raises  E604 when it requires a gradient and holds integers, E104 for what holds no numbers
    Source  torch.nn.Parameter
    Example
        >>> nn.Parameter(sheer.ones(2, 3)).requires_grad
        True
    """

    __slots__ = ()

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        node = own(tensor([]) if data is None else data)
        super().__init__(node, leaf=True)
        if requires_grad:
            self.requires_grad_()

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"

    def __reduce__(self) -> Any:
        return Parameter, (tensor(evaluate([self])[0], dtype=self.dtype), self.requires_grad)


class Buffer(Tensor):
    """A tensor that a module owns and no optimizer changes; becomes a buffer when assigned.

    Raises  E104 for what holds no numbers
    Source  torch.nn.Buffer
    Example
        >>> layer = nn.Identity()
        >>> layer.steps = nn.Buffer(sheer.zeros(2))
        >>> list(layer.state_dict()), list(layer.parameters())
        (['steps'], [])
    """

    __slots__ = ()

    def __init__(self, data: Any) -> None:
        super().__init__(own(data))

    def __reduce__(self) -> Any:
        return Buffer, (tensor(evaluate([self])[0], dtype=self.dtype),)


def own(value: Any) -> Node:
    """A leaf node on memory of its own that holds the value; lazy inside a traced function."""
    if isinstance(value, Core) and trace.current() is not None:
        return value.node
    if not isinstance(value, Core):
        return as_node(value)
    fresh = not isinstance(value.node.prim, Data) and not execute.is_known(value.node)
    with execute.backend("reference"):       # equal seeds give equal weights on every backend
        array = evaluate([value])[0]
    return data(array if fresh else np.array(array))


def put(handle: Core, value: Any) -> None:
    """Let a handle hold other values of its own shape and dtype: in place, as a user sees it."""
    node = as_node(value, handle.node.dtype)
    if trace.current() is None and not isinstance(node.prim, Data):
        with execute.backend("reference"):
            node = data(np.array(execute.evaluate([node])[0]))
    handle._rebind(node)
