"""Which tensor shows a node: looked up by node, without keeping the node or the tensor alive."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

from ..graph.node import Node

if TYPE_CHECKING:
    from .core import Core


class Shown:
    """node -> tensor. An entry goes when either of the two does.

    An in-place operation binds a tensor to a new node; entries of its earlier nodes stay for as
    long as a graph uses these, so that `backward` through that graph still finds the leaf.
    """

    def __init__(self) -> None:
        self._found: WeakKeyDictionary[Node, ref[Core]] = WeakKeyDictionary()

    def __setitem__(self, node: Node, tensor: Core) -> None:
        self._found[node] = ref(tensor)

    def get(self, node: Node) -> Core | None:
        """The tensor that shows this node, or once did."""
        found = self._found.get(node)
        return None if found is None else found()

    def __contains__(self, node: Node) -> bool:
        """Does a tensor show this node now?"""
        found = self.get(node)
        return found is not None and found._bound is node

    def valuerefs(self) -> list[ref[Core]]:
        """Weak references to the tensors."""
        return list(self._found.values())

    def __len__(self) -> int:
        return len(self._found)
