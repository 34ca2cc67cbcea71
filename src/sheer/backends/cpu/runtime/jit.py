"""LLVM IR text in, callable native code out; compiled once per text and processor."""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import llvmlite

from ..ir.target import Target, initialize, llvm
from .cache import object_cache

_DEFINED = re.compile(r'^define (?!internal|private)[^@\n]*@(?:"([^"]+)"|([\w.$]+))', re.MULTILINE)
_DECLARED = re.compile(r'^declare [^@\n]*@(?:"([^"]+)"|([\w.$]+))', re.MULTILINE)
_numbers = itertools.count()     # ORC never forgets a library's name

_machines: list[tuple[Target, Any]] = []      # one for each thread that emits at the same time
shared_symbols: dict[str, int] = {}   # native functions of sheer's own runtime, by name


class CompileError(Exception):
    """The generated code is wrong: a fault of sheer, not of the user."""


class Library:
    """Native code in memory. Keep it alive while its addresses are in use."""

    def __init__(self, tracker: Any, symbols: Sequence[str]) -> None:
        self._tracker = tracker
        self.symbols = tuple(symbols)

    def address(self, symbol: str) -> int:
        """Where the function `symbol` starts."""
        if symbol not in self.symbols:
            raise KeyError(f"no function {symbol}; the library has {', '.join(self.symbols)}")
        return int(self._tracker[symbol])

    def function(
        self, symbol: str, argtypes: Sequence[Any], restype: Any = None
    ) -> Callable[..., Any]:
        """The function as a ctypes callable, which releases the GIL and keeps the library alive."""
        made = ctypes.CFUNCTYPE(restype, *argtypes)(self.address(symbol))
        made.library = self  # type: ignore[attr-defined]
        return made


def compile_ir(
    ir_text: str, target: Target, symbols: Mapping[str, int] | None = None
) -> Library:
    """Compile, or fetch from the cache, and load. `symbols` are extra addresses it may call.

    Raises CompileError when the text does not parse or verify, or calls something that does not
    exist.
    """
    if any(name.startswith("sheer_") for name in _names(_DECLARED, ir_text)):
        from .threads import link_runtime  # it compiles itself with this function
        link_runtime()
    code = object_cache().get(cache_key(ir_text, target), lambda: emit(ir_text, target, symbols))
    return load([code], _names(_DEFINED, ir_text), target, symbols)


def cache_key(ir_text: str, target: Target) -> str:
    """The name of the object code in the cache: everything that decides its bytes."""
    parts = (ir_text, llvmlite.__version__, str(llvm.llvm_version_info), target.triple,
             target.cpu, target.features)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def emit_asm(ir_text: str, target: Target) -> str:
    """The assembly that `compile_ir` would run."""
    return str(target.machine().emit_assembly(_parse(ir_text)))


def emit(ir_text: str, target: Target, symbols: Mapping[str, int] | None = None) -> bytes:
    """The object code of a module; several threads may do this at the same time."""
    machine = _machines.pop() if _machines else None
    if machine is None or machine[0] != target:
        machine = target, target.machine()
    code = _emit_object(machine[1], _parse(ir_text))
    _machines.append(machine)
    _check_externals(ir_text, code, symbols or {})
    return code


def _parse(ir_text: str) -> Any:
    """A module in a context of its own, which another thread's module does not touch."""
    initialize()
    try:
        module = llvm.parse_assembly(ir_text, context=llvm.create_context())
        module.verify()
    except RuntimeError as error:
        raise CompileError(f"LLVM refuses the generated code: {error}") from error
    return module


def _emit_object(machine: Any, module: Any) -> bytes:
    """The module's object code, outside llvmlite's one lock for all calls.

    The lock guards what calls share; this one has machine, module and context to itself. Where
    another llvmlite hides the function below the lock, threads wait for each other.
    """
    emission = getattr(llvm.ffi.lib.LLVMPY_TargetMachineEmitToMemory, "_cfn", None)
    if emission is None:
        return bytes(machine.emit_object(module))
    with llvm.ffi.OutputString() as error:
        buffer = emission(machine, module, 1, error)
        if not buffer:
            raise CompileError(f"LLVM cannot emit the code: {error}")
    lib = llvm.ffi.lib
    try:
        return ctypes.string_at(lib.LLVMPY_GetBufferStart(buffer), lib.LLVMPY_GetBufferSize(buffer))
    finally:
        lib.LLVMPY_DisposeMemoryBuffer(buffer)


def _check_externals(ir_text: str, code: bytes, symbols: Mapping[str, int]) -> None:
    """Raise when a declared function exists nowhere (LLVM itself would only crash at the call)."""
    missing = []
    for name in _names(_DECLARED, ir_text):
        if name.startswith("llvm."):
            # a real intrinsic leaves no symbol; a misspelt one is an ordinary unresolved call
            if b"\0" + name.encode() + b"\0" in code:
                missing.append(name)
        elif name not in symbols and name not in shared_symbols and not _in_process(name):
            missing.append(name)
    if missing:
        raise CompileError(f"the generated code calls what does not exist: {', '.join(missing)}")


def _names(pattern: re.Pattern[str], ir_text: str) -> list[str]:
    return [next(part for part in match.groups() if part) for match in pattern.finditer(ir_text)]


def _in_process(name: str) -> bool:
    return hasattr(ctypes.CDLL(None), name) or bool(llvm.address_of_symbol(name))


def load(objects: Sequence[bytes], exported: Sequence[str], target: Target,
         symbols: Mapping[str, int] | None = None) -> Library:
    """Object codes as one library in memory."""
    builder = llvm.JITLibraryBuilder().add_current_process()
    for code in objects:
        builder.add_object_img(code)
    for name in exported:
        builder.export_symbol(name)
    for name, address in {**shared_symbols, **(symbols or {})}.items():
        builder.import_symbol(name, address)
    try:
        tracker = builder.link(_orc(target), f"sheer-{os.getpid()}-{next(_numbers)}")
    except RuntimeError as error:
        raise CompileError(f"the generated code does not link: {error}") from error
    return Library(tracker, exported)


@lru_cache(maxsize=8)
def _orc(target: Target) -> Any:
    """One ORC instance per target."""
    return llvm.create_lljit_compiler(target.machine(), use_jit_link=True, suppress_errors=True)
