"""Module: a tree of layers.

Tensors flow through `forward`; parameters and state live in the tree.
"""

from __future__ import annotations

import difflib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Self
from weakref import WeakKeyDictionary

from .. import ops
from ..devices import on_cpu
from ..graph import source
from ..graph.dtypes import DType, dtype_of
from ..graph.errors import DTypeError, MissingError
from ..mixins.casts import is_device
from ..mixins.core import Core, picture
from ..mixins.hooks import depend_on_hooks
from ..ops.structure import stop_gradient
from ..tensor import Tensor
from . import state
from .hooks import KINDS, Hookable, called
from .notes import guarded
from .settings import depend_on
from .state import LoadResult
from .tree import Tree, look_for_lost, no_init

_local = threading.local()


class Module(Tree, Hookable):
    """Base of all layers and models.

    Assigning a Parameter, a Buffer or another Module to an attribute makes it part of the tree.

    Raises  E205 when `super().__init__()` was forgotten, E206 for a class in place of a layer, E208
            when there is no forward
    Source  torch.nn.Module
    Example
        >>> class Net(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.fc = nn.Linear(4, 2)
        ...     def forward(self, x):
        ...         return self.fc(x)
        >>> [name for name, _ in Net().named_parameters()]
        ['fc.weight', 'fc.bias']
    """

    _training: bool

    def __init__(self) -> None:
        super().__init__()
        self.__dict__.update(_training=True, **{kind: {} for kind in KINDS})

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass has its own."""
        near = difflib.get_close_matches("forward", vars(type(self)), 1, 0.7)
        raise MissingError("E208", type(self).__name__, "has no forward method",
                           need="def forward(self, x): ... in the class",
                           tries=[(f"forward as the name of {n}", lambda: None) for n in near])

    # ---- calling ----------------------------------------------------------------------------
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        mine = self.__dict__
        if "_modules" not in mine:
            raise no_init(self)
        if not mine["_looked"]:
            look_for_lost(self)
        stack: list[Module] = _local.__dict__.setdefault("running", [])
        if not stack:
            depend_on_hooks()
        with source.layer(_path(stack[-1], self) if stack else ""):
            stack.append(self)
            try:
                for kind in KINDS:
                    if mine[kind]:
                        return called(self, args, kwargs)
                return self.forward(*args, **kwargs)
            finally:
                stack.pop()
                depend_on(self)

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call fn on every module of the tree, parts before wholes."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_paths"}

    # ---- modes and dtypes -------------------------------------------------------------------
    @property
    def training(self) -> bool:
        """Is this module in training mode? A compiled function asks again at each call."""
        mine = self.__dict__               # a guard on self would keep the module alive
        if "_training" not in mine:
            raise no_init(self)
        return bool(guarded(lambda: mine["_training"]))

    @training.setter
    def training(self, mode: bool) -> None:
        self.__dict__["_training"] = bool(mode)

    def train(self, mode: bool = True) -> Self:
        """Training mode: dropout drops, batch norm uses the batch."""
        for module in self.modules():
            if module.__dict__.get("_training") is not mode:      # most often it is in that mode
                module.training = mode
        return self

    def eval(self) -> Self:
        """Evaluation mode."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Ask for the gradients of all parameters, or freeze them."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zero."""
        for p in self.parameters():
            if p.grad is not None:
                p.grad = None if set_to_none else Tensor(0 * p.grad.detach().node)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """All floating parameters and buffers in another dtype; "cpu" is the only device.

        Raises  E204 for a dtype that is not floating; E615 for another device
        """
        wanted = kwargs.get("dtype")
        on_cpu(kwargs.get("device") or "cpu")
        for a in args:
            if is_device(a):
                on_cpu(a)
            elif not isinstance(a, bool | None):         # non_blocking
                wanted = a.dtype if isinstance(a, Core) else a
        return self if wanted is None else self._cast(dtype_of(wanted))

    def _cast(self, dtype: DType) -> Self:
        if not dtype.is_floating_point:
            raise DTypeError("E204", type(self).__name__, f"parameters cannot be {dtype.name}",
                             need="float32 or float64")
        for t in (*self.parameters(), *self.buffers()):
            if t.dtype.is_floating_point and t.dtype != dtype:
                grad, t.grad = t.grad, None
                state.rebind(t, Tensor(ops.cast(stop_gradient(t.node), dtype)))
                t.grad = None if grad is None else Tensor(ops.cast(grad.node, dtype))
        return self

    def float(self) -> Self: return self.to("float32")
    def double(self) -> Self: return self.to("float64")
    def cpu(self) -> Self: return self

    def cuda(self, device: Any = None) -> Self:
        """Raises E615: there is no GPU here."""
        on_cpu("cuda")
        return self

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """This module with the values it has: no memory here is without values. Raises E615 for
        another device than the CPU.
        """
        on_cpu(device or "cpu")
        return self

    # ---- saving and printing ----------------------------------------------------------------
    def state_dict(self, prefix: str = "", keep_vars: bool = False) -> OrderedDict[str, Tensor]:
        """Dotted name and value of every parameter and saved buffer, in PyTorch's order.

        The values are those of now: later steps do not change them. What is written to them is
        written to the model too, as long as it still has these values.

        Raises  E626 on a write to such a value when the model has changed since
        """
        return OrderedDict((name, t if keep_vars else picture(t))
                           for name, t in state.entries(self, prefix))

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> LoadResult:
        """Copy the values of a state_dict (tensors, arrays or torch tensors) into this module.

        Nothing is copied unless everything fits.

        Raises  E210 with a table of names that are missing, unexpected or of another shape
                (strict=False: only of those of another shape)
        Source  torch.nn.Module.load_state_dict
        """
        return state.load(self, state_dict, strict)

    def extra_repr(self) -> str:
        """The settings between the parentheses of the printed module."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        return state.tree_text(self)

    def _repr_html_(self) -> str:
        from .summary import module_html
        return module_html(self)


def running() -> Module | None:
    """The innermost module whose forward is being computed."""
    stack: list[Module] = _local.__dict__.get("running", [])
    return stack[-1] if stack else None


def _path(parent: Module, child: Module) -> str:
    """The dotted name of a module inside its caller; its class when it is none of the parts."""
    for name, module in parent._modules.items():
        if module is child:
            return name
    paths = parent.__dict__.get("_paths")
    if paths is None or child not in paths:
        paths = WeakKeyDictionary({m: n for n, m in parent.named_modules()})
        parent.__dict__["_paths"] = paths
    return paths.get(child, "") or type(child).__name__
