"""What every tensor has: a node, a place in the gradient bookkeeping, and one way to apply ops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from ..graph import source
from ..graph.dtypes import DType, dtype_of, float32
from ..graph.errors import ArgumentError, DTypeError, StateError
from ..graph.memory import frozen
from ..graph.node import Node
from ..graph.source import Source
from ..ops import lift
from ..ops.structure import Data, data, memory, stop_gradient
from ..transforms import execute, jit, trace, tree
from ..transforms import grad as gradients
from ..transforms.arguments import mark
from . import registry, views
from .grad_mode import enable_grad as enable_grad  # noqa: PLC0414 (others import it from here)
from .grad_mode import is_grad_enabled as is_grad_enabled  # noqa: PLC0414
from .grad_mode import no_grad as no_grad  # noqa: PLC0414
from .registry import Shown

if TYPE_CHECKING:
    from ..tensor import Tensor

_NUMBERS = {int, float, bool, type(None)}
_noted: set[str] = set()                         # warnings that are given once a process
_live = Shown()                                  # node -> a tensor that shows it
_tensors: list[type[Tensor]] = []                # the class that `register` was told


class Core:
    """A handle on a node. Handles are rebound by in-place operations; nodes never change.

    requires_grad   is there a path to a leaf that wants a gradient?
    grad            the gradient that `backward` left here, a tensor of the same shape, or None
    """

    __slots__ = ("__weakref__", "_bound", "_grad", "_home", "_leaf", "_view", "requires_grad")

    _bound: Node
    _home: trace.Trace | None
    _grad: Core | None
    _view: views.View | None
    requires_grad: bool

    def __init__(self, node: Node, requires_grad: bool = False, leaf: bool = False) -> None:
        self._bound, self._home, self._grad = node, trace.current(), None
        self.requires_grad, self._leaf, self._view = requires_grad, leaf, None
        try:
            pending = type(node.prim) is not Data
        except AttributeError:
            raise _no_node(node, requires_grad, leaf) from None
        if pending and self._home is None:
            _live[node] = self                   # a value to come: somebody will want it

    # ---- the node ----------------------------------------------------------------------------
    @property
    def node(self) -> Node:
        """The node this tensor shows now; inside a traced function, as that function sees it."""
        view = self._view
        if view is not None:
            return views.current_node(self, view)
        if self._home is None and trace.current() is None:
            return self._bound                       # what `read` would say, asked for all the time
        return trace.read(self)

    def _rebind(self, node: Node, op: str = "in-place") -> None:
        """Let this handle show another node: what in-place operations do.

        When the handle is a view, that is a write to the tensor it is a view of.
        """
        view = self._view
        base = None if view is None else view.base()
        if view is not None and base is not None:
            views.write_through(self, view, base, node, op)
        else:
            self._set(node)

    def _set(self, node: Node) -> None:
        """Let this handle, and no other, show another node."""
        self._show(_own(node) if self._leaf and self.requires_grad else node)

    def _show(self, node: Node) -> None:
        """The same with a node that no other handle shows."""
        running = trace.current()
        if running is not None:
            running.write(self, node)
            if self._home is running and self._leaf and self.requires_grad:
                running.leaves[node] = self
            return
        if self._leaf and self.requires_grad:
            self._bound = node
            self._note_leaf(node)
        else:
            self._bind(node)

    def _bind(self, node: Node) -> None:
        """Show a node that has the values the handle should have anyway."""
        self._bound = node
        if self._home is None and type(node.prim) is not Data:
            _live[node] = self

    def _note_leaf(self, node: Node) -> None:
        running = trace.current()
        if running is not None:
            running.leaves[node] = self
        else:
            node.leaf = ref(self)
            if type(node.prim) is not Data:
                _live[node] = self

    if TYPE_CHECKING:                            # the mixins use each other's methods
        def __getattr__(self, name: str) -> Any: ...

    # ---- what a node has ---------------------------------------------------------------------
    @property
    def dtype(self) -> DType:
        """Element type."""
        return self.node.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.node.ndim

    @property
    def source(self) -> Source:
        """The line of the program that made this tensor."""
        return self.node.source

    def to_spec(self) -> str:
        """`f32[3, 4]`."""
        return str(self.node.spec)


def _no_node(*given: Any) -> ArgumentError:
    """E191 for torch.Tensor(2, 3), sizes, and torch.Tensor([1.0]), values: a call of two meanings.
    """
    sizes = [v for v in given if v is not False]
    right = f"sheer.tensor({given[0]!r:.40})"
    if all(type(v) is int for v in sizes):
        right = f"sheer.empty({', '.join(map(str, sizes))})"
    return ArgumentError("E191", "Tensor", "tensors are not made by calling their class",
                         need="sheer.tensor(values), or sheer.empty(2, 3) for sizes",
                         tries=[(right, lambda: None)])


def _own(node: Node) -> Node:
    """These values under a node that nothing else shows: two weights stay two, even when both are
    zero or copies of one tensor.
    """
    if type(node.prim) is Data and trace.current() is None:
        return memory(node.prim.buffer, node.outputs, node.source)
    return mark(node)


# ---- from Python values to nodes and back ------------------------------------------------------

def apply(op: Callable[..., Any], *args: Any, **params: Any) -> Any:
    """op on the nodes of the tensors among args; the result as tensors.

    The result requires a gradient when an argument does and gradients are being recorded.
    """
    wants, tracing, nodes = [False], trace.current() is not None, []
    for a in args:
        if isinstance(a, Core):
            plain = not (tracing or a.requires_grad or a._view is not None or a._home is not None)
            nodes.append(a._bound if plain else _operand(a, wants))
        else:
            nodes.append(a if type(a) in _NUMBERS else _operand(a, wants))
    holds = source.hold()
    try:
        out = op(*nodes, **params)
    finally:
        if holds:
            source.release()
    if type(out) is Node:
        return _tensors[0](out, wants[0] and out.outputs[0].dtype.kind == "float")
    return wrap(out, wants[0])


def apply_view(op: Callable[..., Any], base: Core, **params: Any) -> Any:
    """As `apply`, for an operation whose results show elements of `base`: views of it."""
    start = base.node
    out = apply(op, base, **params)
    for made in out if isinstance(out, tuple) else (out,):
        views.link(made, base, start)
    return out


def picture(source: Core) -> Any:
    """The values that a tensor has now, outside of gradients. It does not follow the tensor; what
    is written to it reaches the tensor as long as that still has these values (E626 after).
    """
    start = source.node
    made = wrap(stop_gradient(start))
    views.take_picture(made, source, start)
    return made


def _operand(value: Any, wants: list[bool]) -> Any:
    if isinstance(value, Core):
        node = value.node
        if not value.requires_grad:
            return node
        if is_grad_enabled():
            wants[0] = True
            return node
        return stop_gradient(node)
    if tree.is_array(value):
        return as_node(value)
    if isinstance(value, list | tuple) and any(isinstance(v, Core) for v in value):
        return [_operand(v, wants) for v in value]
    return value


def wrap(value: Any, requires_grad: bool = False) -> Any:
    """Nodes as tensors, in whatever tuple they come."""
    if isinstance(value, Node):
        return tensor_class()(value, requires_grad and value.dtype.is_floating_point)
    if isinstance(value, tuple | list):
        return tuple(wrap(v, requires_grad) for v in value)
    return value


def tensor_class() -> type[Tensor]:
    """Tensor, which is made of this class and the mixins."""
    return _tensors[0]


def array_node(array: np.ndarray, dtype: DType | None = None) -> Node:
    """A leaf on an array: on its own memory when nobody can write to that, else on a copy.

    float64 arrays stay float64 only where the dtype is asked for.
    """
    if dtype is None and array.dtype == np.float64:
        _note_float64()
        dtype = float32
    kind = dtype or dtype_of(array.dtype)
    return data(array if array.dtype == kind.numpy and frozen(array)
                else np.array(array, dtype=kind.numpy, order="C"))


def _note_float64() -> None:
    """Once a process: NumPy's default dtype is not that of deep learning."""
    if "float64" in _noted:
        return
    _noted.add("float64")
    import warnings

    from ..graph.errors import SheerError, SheerWarning
    said = SheerError("W101", "tensor", "float64 NumPy input becomes float32 (said once a process)",
                      need="a float32 array, or the dtype that you want",
                      tries=[("dtype=sheer.float64 to keep it", lambda: None)])
    at = source.line()
    warnings.warn_explicit(f"W101 {said}", SheerWarning, at.file or "sheer", at.line)


def as_node(value: Any, dtype: DType | None = None) -> Node:
    """The node of a tensor, or a new one for a number, nested list or array."""
    if isinstance(value, Core):
        node = value.node
        return node if dtype is None else lift.cast(node, dtype)
    if isinstance(value, np.ndarray | np.generic):
        return array_node(np.asarray(value), dtype)
    return array_node(_from_python(value, dtype), dtype or None)


def _from_python(value: Any, dtype: DType | None) -> np.ndarray:
    if isinstance(value, list | tuple) and _holds_tensor(value):
        value = [v.numpy() if isinstance(v, Core) else v for v in value]
    try:
        array = np.asarray(value) if hasattr(value, "__array__") or not hasattr(
            value, "__dlpack__") else np.from_dlpack(value)
    except ValueError as e:
        raise DTypeError("E106", "tensor", "the nested lists have different lengths",
                         got={"value": repr(value)[:60]}, need="a rectangular nesting") from e
    except (RuntimeError, TypeError) as e:            # an array of another library, elsewhere or
        raise DTypeError(                             # part of a gradient there
            "E105", "tensor", f"this {type(value).__name__} gives no array: {e}",
            got={"value": repr(value)[:60]}, need="an array in main memory, outside of gradients",
            tries=[("x.detach().cpu()", lambda: np.asarray(value.detach().cpu()))]) from None
    if dtype is None and array.dtype == np.float64:
        return array.astype(np.float32)          # Python floats: float32, as in torch
    return array


def _holds_tensor(value: Any) -> bool:
    return isinstance(value,
                      Core) or (isinstance(value, list | tuple) and any(map(_holds_tensor, value)))


# ---- values ------------------------------------------------------------------------------------

def evaluate(tensors: Sequence[Core]) -> list[np.ndarray]:
    """Run what is pending for these tensors, in one program; gives their arrays."""
    running = trace.current()
    if running is not None:
        for t in tensors:
            if not execute.is_known(t.node):
                raise trace.refuse_value("value", t.node)
    nodes = [t.node for t in tensors]
    arrays = execute.evaluate(nodes, keep=_live.__contains__)
    for t, node in zip(tensors, nodes, strict=True):
        _cut_history(t, node)
    cut_histories()
    return arrays


def cut_histories() -> None:
    """What has been computed on the way, for whoever shows it, needs no history either: a loop that
    updates a tensor by hand, and never asks for it, would carry all its steps along.
    """
    if trace.current() is None:
        for t in _live.settled():
            _cut_history(t, t._bound)


def _cut_history(t: Core, node: Node) -> None:
    """A value without gradient needs no history: the handle becomes a leaf on its array."""
    wanted = t.requires_grad and not t._leaf
    if wanted or type(node.prim) is Data or trace.current() is not None:
        return
    t._set(memory(execute.buffer_of(node), node.outputs, node.source))


def settle(t: Core) -> None:
    """Bind a handle to memory of its own (called before a compiled program updates it in place)."""
    array = evaluate([t])[0]
    if not isinstance(t._bound.prim, Data):
        t._set(data(array.copy()))


def iterate_history(node: Node) -> Iterator[Node]:
    """Nodes a gradient can reach, results first."""
    from ..graph.node import topological
    from ..ops.structure import StopGradient
    yield from topological([node], stop=lambda n: isinstance(n.prim, StopGradient))


def leaf_of(node: Node) -> Core | None:
    """The leaf tensor with requires_grad that shows this node, inside or outside a trace."""
    running = trace.current()
    while running is not None:
        if node in running.leaves:
            found: Core = running.leaves[node]
            return found
        running = running.parent
    return registry.leaf_of(node)


def refuse_second_use(what: str, node: Node) -> StateError:
    """E609 for operations that only leaf tensors have."""
    return StateError("E609", what, "only a leaf tensor can be told to require a gradient",
                      got={"tensor": node}, need="a tensor you made yourself",
                      tries=[("x.detach()", lambda: None)])


jit.settle = settle


def register(cls: type[Core]) -> None:
    """Tell the transforms how to look into tensors and how to make them."""
    from ..ops.structure import Alias
    _tensors.append(cls)  # type: ignore[arg-type]
    jit.ambient.append(is_grad_enabled)
    def wrap_node(node: Node, requires_grad: bool) -> Core:
        follows = requires_grad and is_grad_enabled() and type(node.prim) is not Data
        return cls(node, requires_grad=follows or type(node.prim) is Alias)
    tree.register(cls, lambda t: _operand(t, [False]), wrap_node)
    gradients.needs_grad, gradients.recording = _reach_a_leaf, enable_grad


def _reach_a_leaf(nodes: Sequence[Node]) -> bool:
    """Does a gradient that flows into these nodes arrive at a tensor that wants one?"""
    return is_grad_enabled() and any(leaf_of(n) is not None
                                     for x in nodes for n in iterate_history(x))
