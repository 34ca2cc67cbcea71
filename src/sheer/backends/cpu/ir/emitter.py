"""The text of one LLVM module and of the function being written: instructions in, IR out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sheer.graph.dtypes import DType

from .target import Target
from .values import Operand, Value, constant


@dataclass
class Module:
    """Everything written so far: declarations, globals and finished functions, in order."""

    target: Target
    declarations: dict[str, str] = field(default_factory=dict)
    globals: dict[str, str] = field(default_factory=dict)
    functions: list[str] = field(default_factory=list)
    helpers: dict[object, str] = field(default_factory=dict)   # what a helper is -> its symbol

    def text(self) -> str:
        """The module as LLVM assembly."""
        head = [f'target triple = "{self.target.triple}"', *self.globals.values(),
                *self.declarations.values(), "attributes #0 = { nounwind }"]
        return "\n".join(head) + "\n\n" + "\n".join(self.functions)


class Emitter:
    """Writes instructions of one function; the mixins of `Builder` stand on it.

    A pure instruction that was already written where it still holds is not written again, so
    generators may repeat address arithmetic freely.
    """

    def __init__(self, target: Target, module: Module | None = None) -> None:
        self.target = target
        self.module = module or Module(target)
        self._lines: list[str] = []
        self._entry: list[str] = []      # stack slots, which must open the entry block
        self._counter = 0
        self._block = "entry"
        self._seen: list[dict[str, Value]] = [{}]   # one scope per open block

    def text(self) -> str:
        """The whole module as LLVM assembly."""
        return self.module.text()

    # -- writing ---------------------------------------------------------------------------

    def line(self, text: str) -> None:
        """Write one line as it is."""
        self._lines.append("  " + text)

    def fresh(self, prefix: str = "_") -> str:
        """A name no other value of this function has."""
        self._counter += 1
        return f"%{prefix}{self._counter}"

    def pure(self, dtype: DType, lanes: int, text: str) -> Value:
        """The value of an instruction without side effects; written once per scope."""
        for scope in reversed(self._seen):
            if (old := scope.get(text)) is not None and old.dtype == dtype:
                return old
        value = self.effect(dtype, lanes, text)
        self._seen[-1][text] = value
        return value

    def effect(self, dtype: DType, lanes: int, text: str) -> Value:
        """The value of an instruction that must stay where it is (a load, a call)."""
        value = Value(self.fresh(), dtype, lanes)
        self._lines.append(f"  {value.name} = {text}")
        return value

    def declare(self, name: str, result: str, arguments: str) -> None:
        """Declare an external function, once per module."""
        self.module.declarations.setdefault(name, f"declare {result} @{name}({arguments})")

    def intrinsic(self, name: str, result: Value, *operands: Value, flags: str = "") -> Value:
        """Call LLVM's `name`, mangled by the type of `result`, which is like one operand."""
        full = f"llvm.{name}.{result.suffix}"
        return self.call_pure(full, result.dtype, result.lanes, *operands, flags=flags)

    def call_pure(
        self, symbol: str, dtype: DType, lanes: int, *operands: Value, flags: str = ""
    ) -> Value:
        """Call a declared function without side effects."""
        result = Value("", dtype, lanes).type
        self.declare(symbol, result, ", ".join(v.type for v in operands))
        arguments = ", ".join(v.typed for v in operands)
        return self.pure(dtype, lanes, f"call {flags}{result} @{symbol}({arguments})")

    def label(self, name: str) -> None:
        """Start the basic block `name`."""
        self._lines.append(f"{name}:")
        self._block = name

    def helper(self, key: object, symbol: str, write: Callable[[Emitter, str], None]) -> str:
        """The symbol of an internal function, written into the module the first time."""
        if key not in self.module.helpers:
            self.module.helpers[key] = symbol
            write(type(self)(self.target, self.module), symbol)
        return self.module.helpers[key]

    # -- operands --------------------------------------------------------------------------

    def const(self, value: int | float | bool, dtype: DType, lanes: int | None = None) -> Value:
        """A constant of `dtype`, in every one of `lanes` lanes."""
        return constant(value, dtype, lanes or 1)

    def like(self, value: int | float | bool, x: Value) -> Value:
        """A constant of the dtype and lanes of `x`."""
        return constant(value, x.dtype, x.lanes)

    def broadcast(self, x: Value, lanes: int) -> Value:
        """The scalar `x` in every lane."""
        if x.lanes == lanes:
            return x
        if x.lanes != 1:
            raise TypeError(f"broadcast wants a scalar, got {x.lanes} lanes")
        if x.known is not None:
            return constant(x.known, x.dtype, lanes)
        wide = Value("", x.dtype, lanes)
        one = self.pure(x.dtype, lanes, f"insertelement {wide.type} poison, {x.typed}, i64 0")
        return self.pure(x.dtype, lanes, f"shufflevector {one.typed}, {wide.type} poison, "
                                         f"<{lanes} x i32> zeroinitializer")

    def match(self, x: Operand, y: Operand) -> tuple[Value, Value]:
        """Both operands with the same dtype and lanes: numbers and scalars spread out."""
        if not isinstance(x, Value):
            if not isinstance(y, Value):
                raise TypeError("at least one operand must be a Value")
            x = self.like(x, y)
        if not isinstance(y, Value):
            y = self.like(y, x)
        if x.dtype != y.dtype:
            raise TypeError(f"operands differ in dtype, {x.dtype} and {y.dtype}; cast one of them")
        if x.lanes != y.lanes:
            lanes = max(x.lanes, y.lanes)
            x, y = self.broadcast(x, lanes), self.broadcast(y, lanes)
        return x, y
