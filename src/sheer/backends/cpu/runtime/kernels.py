"""Kernels: bodies flow in; native functions come out, from memory, from the disk, or compiled now.

A kernel is known by its structure, the processor and sheer's own code, so equal kernels of all
programs and of all runs are one, and nothing is lowered or compiled to find it again.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from weakref import WeakValueDictionary

import llvmlite

from sheer.graph.digest import digest

from ..ir.target import Target, llvm
from ..lower.module import Lowered, Lowering
from .cache import object_cache
from .jit import Library, emit, emit_asm, load
from .threads import link_runtime, thread_count

_SCRATCH = struct.Struct("<q")          # in front of the object code on disk
_SOURCES = ("graph", "ops", "compile", "backends/cpu")     # what decides the bytes of a kernel


@dataclass(eq=False)
class Code:
    """A kernel in memory: where its function starts, and the scratch memory that it needs."""

    address: int
    scratch: int
    library: Library


_loaded: WeakValueDictionary[str, Code] = WeakValueDictionary()


def load_kernels(keys: Sequence[str], target: Target, find: Callable[[str], Lowered],
                 ) -> list[Code]:
    """The code of the kernels; `find` is asked for those that exist nowhere: they are compiled.

    Raises what `find` raises.
    """
    found = {key: code for key in keys if (code := _loaded.get(key)) is not None}
    missing = [key for key in dict.fromkeys(keys) if key not in found]
    if missing:
        link_runtime()
        objects = dict(_objects(missing, target, find))
        library = load([raw[_SCRATCH.size:] for raw in objects.values()], list(objects), target)
        for key, raw in objects.items():
            code = Code(library.address(key), _SCRATCH.unpack_from(raw)[0], library)
            found[key] = _loaded.setdefault(key, code)
    return [found[key] for key in keys]


def kernel_texts(kernels: Sequence[Lowered], target: Target) -> str:
    """The LLVM IR of each kernel, one module after the other."""
    return "\n".join(_texts(kernels, target))


def kernel_assembly(kernels: Sequence[Lowered], target: Target) -> str:
    """The machine code of each kernel, as assembly."""
    return "\n".join(emit_asm(text, target) for text in _texts(kernels, target))


def _texts(kernels: Sequence[Lowered], target: Target) -> Iterator[str]:
    for kernel, key in zip(kernels, kernel_keys(kernels, target), strict=True):
        yield Lowering(kernel, target, key).text()


def kernel_keys(kernels: Sequence[Lowered], target: Target) -> list[str]:
    """Names, equal for kernels with equal code, in every process."""
    common = f"{thread_count()}|{machine_key(target)}"
    names = (hashlib.sha256(f"{digest(k.body)}|{common}".encode()).hexdigest() for k in kernels)
    return [f"{k.kind}_{name[:40]}" for k, name in zip(kernels, names, strict=True)]


@lru_cache(maxsize=8)
def machine_key(target: Target) -> str:
    """The processor, LLVM, and the code that makes kernels."""
    return "|".join((llvmlite.__version__, str(llvm.llvm_version_info), target.triple, target.cpu,
                      target.features, _own_code()))


@lru_cache(maxsize=1)
def _own_code() -> str:
    """A hash of the sources that decide what a kernel's code is."""
    root, found = Path(__file__).parents[3], hashlib.sha256()
    for folder in _SOURCES:
        for path in sorted((root / folder).rglob("*.py")):
            found.update(str(path.relative_to(root)).encode())
            found.update(path.read_bytes())
    return found.hexdigest()


# ---- compiling -------------------------------------------------------------------------------


def _objects(keys: Sequence[str], target: Target, find: Callable[[str], Lowered],
             ) -> Iterator[tuple[str, bytes]]:
    """(key, scratch and object code) of every kernel: from the disk, or made and put there."""
    cache = object_cache()
    missing = []
    for key in keys:
        raw = cache.read(key)
        if raw is None:
            missing.append(key)
        else:
            yield key, raw
    for key, raw in _compiled({key: find(key) for key in missing}, target):
        cache.write(key, raw)
        yield key, raw


def _compiled(kernels: Mapping[str, Lowered], target: Target) -> Iterator[tuple[str, bytes]]:
    """Python writes the text of one kernel while LLVM compiles others."""
    if len(kernels) < 2:
        for key, kernel in kernels.items():
            made = Lowering(kernel, target, key)
            yield key, _SCRATCH.pack(made.scratch_bytes) + emit(made.text(), target)
        return
    with ThreadPoolExecutor(min(thread_count(), len(kernels)), "sheer-compile") as pool:
        pending: list[tuple[str, int, Future[bytes]]] = []
        for key, kernel in kernels.items():
            made = Lowering(kernel, target, key)
            pending.append((key, made.scratch_bytes, pool.submit(emit, made.text(), target)))
        for key, scratch, result in pending:
            yield key, _SCRATCH.pack(scratch) + result.result()
