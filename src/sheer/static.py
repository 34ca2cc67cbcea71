"""Graph mode of the old kind: symbols flow through tensor operations, numbers through a session.

Constants, variables and placeholders are tensors without a value: what is computed with them, by
the same operations as ever, is the same graph as ever. A Session feeds it and fetches from it; it
runs only what a fetch needs, in one program.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn
from weakref import WeakValueDictionary

import numpy as np

from . import ops
from .graph.dtypes import dtype_of, float32
from .graph.errors import ArgumentError, ShapeError, StateError
from .graph.graph import Graph
from .graph.node import Node, fresh, topological
from .mixins.core import as_node, wrap
from .ops.structure import Data, Input, stop_gradient
from .ops.walk import vjp_nodes
from .tensor import Tensor, as_tensor
from .transforms import execute, trace

__all__ = ["Constant", "GradientDescentOptimizer", "Operation", "Placeholder", "Session",
           "Variable", "constant", "global_variables_initializer", "gradients", "group",
           "placeholder"]

_numbers = itertools.count(1)
_symbols: WeakValueDictionary[int, _Symbol] = WeakValueDictionary()   # in the order of their making


class _Symbol(Tensor):
    """A tensor of static mode. It stands for a value; nothing is written to it in place."""

    __slots__ = ("name",)

    def __init__(self, node: Node, name: str, wants_gradient: bool = False) -> None:
        super().__init__(node, wants_gradient, leaf=wants_gradient)
        self.name = name
        _symbols[next(_numbers)] = self

    def _rebind(self, node: Node, op: str = "") -> NoReturn:
        raise _unassignable(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}: {self.to_spec()}>"


class Constant(_Symbol):
    """Fixed numbers in a static graph: never assigned, and no gradient flows to them."""

    __slots__ = ()


class Placeholder(_Symbol):
    """A value that every run of a session is fed."""

    __slots__ = ()


class Variable(_Symbol):
    """A value that a session keeps between runs: initialised first, then assigned or trained.

    Shape   that of the initial value
    Raises  E852 when it is read before it was initialised
    Source  tf.compat.v1.Variable
    Example
        >>> w = Variable(sheer.zeros(2), name="w")
        >>> with Session() as session:
        ...     session.run(w.initializer)
        ...     session.run(w.assign(w + 1.0))
        ...     print(session.run(w))
        [1. 1.]
    """

    __slots__ = ("initial",)

    def __init__(self, initial: Any, name: str = "variable", trainable: bool = True) -> None:
        self.initial = as_tensor(initial)
        kind = self.initial.dtype
        super().__init__(_symbol(self.initial.shape, kind), name,
                         trainable and kind.is_floating_point)

    @property
    def initializer(self) -> Operation:
        """The operation that gives it its initial value."""
        return Operation([(self, self.initial)])

    def assign(self, value: Any) -> Operation:
        """The operation that gives it another value, of its own shape. Raises E851 for another."""
        new = as_tensor(value)
        if new.shape != self.shape:
            raise ShapeError("E851", f"{self.name}.assign", "a value of another shape",
                             got={"value": new.node}, need=f"shape {list(self.shape)}")
        return Operation([(self, new.to(self.dtype))])


class Operation:
    """Something to be run for what it does: values that variables get. Its fetched value is None.

    All of them are computed from the state before the run; then they are assigned.
    """

    def __init__(self, updates: Sequence[tuple[Variable, Tensor]]) -> None:
        self.updates = list(updates)


def _symbol(shape: Any, dtype: Any) -> Node:
    """An input that is equal to no other one: negative scopes are no trace's."""
    return fresh(Input(0, tuple(shape), dtype_of(dtype), -next(_numbers)))


def _all_variables() -> list[Variable]:
    return [v for v in list(_symbols.values()) if isinstance(v, Variable)]


def constant(value: Any, dtype: Any = None, name: str = "constant") -> Constant:
    """Numbers as a part of the graph."""
    return Constant(stop_gradient(as_node(value, None if dtype is None else dtype_of(dtype))), name)


def placeholder(dtype: Any = float32, shape: Sequence[int] = (), name: str = "placeholder",
                ) -> Placeholder:
    """A value to be fed, of this dtype and shape: shapes are whole in sheer's graphs.

    Example
        >>> a = placeholder("float32", ())
        >>> Session().run(a * 2, {a: 3.0})
        np.float32(6.0)
    """
    return Placeholder(_symbol(shape, dtype), name)


def group(*operations: Operation) -> Operation:
    """Several operations as one."""
    return Operation([update for o in operations for update in o.updates])


def global_variables_initializer() -> Operation:
    """The operation that gives every variable there is its initial value."""
    return group(*(v.initializer for v in _all_variables()))


def gradients(loss: Tensor, variables: Sequence[Tensor]) -> list[Tensor]:
    """The derivatives of a number by variables or placeholders, as parts of the graph.

    Raises  E853 for a constant, which has none
    Source  tf.gradients; the derivative rules are those of every other mode
    """
    for v in variables:
        if isinstance(v, Constant) or not isinstance(v, _Symbol):
            raise StateError("E853", "gradients", "a constant has no gradient",
                             got={"value": repr(v)[:60]}, need="variables or placeholders")
    one = ops.full_like(loss.node, 1)
    return [wrap(g) for g in vjp_nodes([loss.node], [one], [v.node for v in variables])]


class GradientDescentOptimizer:
    """Plain descent: variable - learning_rate * gradient.

    Source  tf.compat.v1.train.GradientDescentOptimizer
    """

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate

    def minimize(self, loss: Tensor, var_list: Sequence[Variable] | None = None) -> Operation:
        """The operation that makes one step; of all trainable variables unless told which."""
        reached = set(topological([loss.node]))
        chosen = [v for v in _all_variables() if v.requires_grad and v.node in reached] \
            if var_list is None else list(var_list)
        slopes = gradients(loss, chosen)
        return group(*(v.assign(v.detach() - self.learning_rate * g)
                       for v, g in zip(chosen, slopes, strict=True)))


class Session:
    """Runs parts of a static graph, and keeps the values of its variables.

    Source  tf.compat.v1.Session
    Example
        >>> Session().run(constant(2.0) + constant(4.0))
        np.float32(6.0)
    """

    def __init__(self) -> None:
        self.values: dict[Node, np.ndarray] = {}

    def __enter__(self) -> Session: return self
    def __exit__(self, *exc: object) -> None: self.close()

    def close(self) -> None:
        """Forget the variables' values."""
        self.values.clear()

    def run(self, fetches: Any, feed_dict: Mapping[Placeholder, Any] | None = None) -> Any:
        """The values of fetches, NumPy arrays in the lists, tuples and dicts they came in; None for
        operations.

        Raises  E851 for a placeholder that is needed and not fed, or fed what does not fit; E852
                for a variable without a value
        """
        leaves = list(_leaves(fetches))
        updates = [u for leaf in leaves if isinstance(leaf, Operation) for u in leaf.updates]
        graph, known = self._closed(leaves, [t for _, t in updates], feed_dict or {})
        results = execute.compile_graph(graph, {})(known)
        tensors = [leaf for leaf in leaves if not isinstance(leaf, Operation)]
        for (variable, _), value in zip(updates, results[len(tensors):], strict=True):
            self.values[variable.node] = np.array(value)
        found = iter(results)
        return _rebuilt(fetches, lambda leaf: None if isinstance(leaf, Operation)
                        else next(found)[()])

    def lower(self, fetches: Any) -> Graph:
        """The graph that a run of these fetches executes, symbols and weights being its inputs."""
        leaves = list(_leaves(fetches))
        updates = [t for leaf in leaves if isinstance(leaf, Operation) for _, t in leaf.updates]
        return _graph([t.node for t in (*_tensors(leaves), *updates)])[0]

    def _closed(self, leaves: list[Any], new: list[Tensor], feed: Mapping[Any, Any],
                ) -> tuple[Graph, list[np.ndarray]]:
        """The graph of what is asked for, and the arrays of its inputs."""
        graph, known = _graph([t.node for t in (*_tensors(leaves), *new)])
        fed = dict(_fitting(p, value) for p, value in feed.items())
        return graph, [self._value(n, fed) for n in known]

    def _value(self, node: Node, fed: Mapping[Node, np.ndarray]) -> np.ndarray:
        if not isinstance(node.prim, Input):
            return np.asarray(execute.value_of(node), order="C")
        if node in fed:
            return fed[node]
        if node in self.values:
            return self.values[node]
        symbol = next((v for v in list(_symbols.values()) if v.node is node), None)
        if isinstance(symbol, Variable):
            raise StateError("E852", "Session.run", f"the variable {symbol.name!r} has no value",
                             got={"variable": node},
                             need="session.run(global_variables_initializer()) before")
        name = "a placeholder" if symbol is None else f"the placeholder {symbol.name!r}"
        raise StateError("E851", "Session.run", f"{name} is needed and was not fed",
                         got={"placeholder": node}, need="a value for it in feed_dict")


def _graph(roots: list[Node]) -> tuple[Graph, list[Node]]:
    """What the roots need as a graph; the symbols and known values that are its inputs."""
    order = topological(roots, stop=execute.is_known)
    known = [n for n in order if isinstance(n.prim, Input | Data) or execute.is_known(n)]
    inputs = [fresh(Input(i, n.shape, n.dtype), source=n.source) for i, n in enumerate(known)]
    mapping = dict(zip(known, inputs, strict=True))
    return Graph(inputs, trace.unmarked(roots, mapping)), known


def _fitting(symbol: Any, value: Any) -> tuple[Node, np.ndarray]:
    """A placeholder's node, and what it is fed as an array of its dtype and shape."""
    if not isinstance(symbol, Placeholder):
        raise ArgumentError("E851", "Session.run", "only placeholders are fed",
                            got={"key": repr(symbol)[:60]}, need="a Placeholder as the key")
    array = np.asarray(value.numpy() if isinstance(value, Tensor) else value,
                       symbol.dtype.numpy, order="C")
    if array.shape != symbol.shape:
        raise ShapeError("E851", "Session.run", f"{symbol.name!r} is fed another shape",
                         got={"fed": f"shape {list(array.shape)}", "placeholder": symbol.node},
                         need=f"shape {list(symbol.shape)}")
    return symbol.node, array


def _unassignable(symbol: _Symbol) -> StateError:
    name = type(symbol).__name__.lower()
    need = {"constant": "a Variable, whose assign is run in a session",
            "placeholder": "its value in feed_dict"}.get(name, "session.run(v.assign(value))")
    return StateError("E853", symbol.name, f"a {name} of a static graph cannot be written to",
                      got={name: repr(symbol)}, need=need)


def _tensors(leaves: list[Any]) -> list[Tensor]:
    return [leaf for leaf in leaves if not isinstance(leaf, Operation)]


def _leaves(value: Any) -> Any:
    """Tensors and operations of nested fetches, in order."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _leaves(part)
    elif isinstance(value, Tensor | Operation):
        yield value
    else:
        raise ArgumentError("E851", "Session.run", f"a {type(value).__name__} cannot be fetched",
                            need="tensors and operations; lists, tuples and dicts of them")


def _rebuilt(value: Any, leaf: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping):
        return {k: _rebuilt(v, leaf) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_rebuilt(v, leaf) for v in value)
    return leaf(value)
