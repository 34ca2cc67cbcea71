"""Which tensor shows a node: looked up by node, without keeping the node or the tensor alive."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

from ..graph.node import Node
from ..transforms.execute import is_known

if TYPE_CHECKING:
    from .core import Core

_FEW = 128           # entries among which dead ones do not matter


class Shown:
    """node -> tensor, kept on the node itself; and a list of the tensors whose values are pending.

    An in-place operation binds a tensor to a new node; its earlier nodes still name it.
    """

    def __init__(self) -> None:
        self._pending: list[ref[Core]] = []
        self._limit = _FEW

    def __setitem__(self, node: Node, tensor: Core) -> None:
        node.shown = found = ref(tensor)
        self._pending.append(found)
        if len(self._pending) > self._limit:
            self._limit = 2 * len(self.pending()) + _FEW

    def __contains__(self, node: Node) -> bool:
        """Does a tensor show this node now?"""
        tensor = None if node.shown is None else node.shown()
        return tensor is not None and tensor._bound is node

    def pending(self) -> list[Core]:
        """The living tensors that have no value yet, in the order in which they were made."""
        living = {id(t): t for t in (found() for found in self._pending)
                  if t is not None and not is_known(t._bound)}
        self._pending = [ref(t) for t in living.values()]
        return list(living.values())

    def settled(self) -> list[Core]:
        """The living tensors that have got their values since this was asked."""
        before = [t for t in (found() for found in self._pending) if t is not None]
        self._pending = [ref(t) for t in before if not is_known(t._bound)]
        return [t for t in before if is_known(t._bound)]

    def give_up(self, tensor: Core) -> None:
        """Its value cannot be had: it is pending no more."""
        self._pending = [found for found in self._pending if found() is not tensor]


def leaf_of(node: Node) -> Core | None:
    """The leaf that wants a gradient and shows this node, or once did."""
    return None if node.leaf is None else node.leaf()
