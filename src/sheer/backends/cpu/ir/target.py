"""Which processor the code is for: name, features and vector width in; an LLVM machine out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import llvmlite.binding

from sheer.graph.dtypes import DType
from sheer.graph.errors import ArgumentError

llvm: Any = llvmlite.binding      # llvmlite declares no types


@dataclass(frozen=True)
class Target:
    """A processor to write code for.

    `name` is "avx512", "avx2", "sse" or "generic"; `cpu` and `features` are LLVM's words; `width`
    is bytes in a vector register: 64, 32 or 16; `fma` says whether fused multiply-add is an
    instruction.
    """

    name: str
    cpu: str
    features: str
    width: int
    triple: str
    fma: bool

    def lanes(self, dtype: DType) -> int:
        """How many elements of `dtype` one register holds."""
        return self.width // dtype.size

    @property
    def registers(self) -> int:
        """How many vector registers there are."""
        return 32 if self.name in ("avx512", "generic") else 16

    @property
    def x86(self) -> bool:
        return self.triple.startswith(("x86_64", "i686"))

    def machine(self) -> Any:
        """A new LLVM TargetMachine: small code model, position independent."""
        initialize()
        target = llvm.Target.from_triple(self.triple)
        return target.create_target_machine(
            cpu=self.cpu, features=self.features, opt=2, reloc="pic", codemodel="small", jit=True
        )


@lru_cache(maxsize=1)
def initialize() -> None:
    """Prepare LLVM's native code generator, once per process."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


def host_target() -> Target:
    """This machine, or the narrower one that `SHEER_CPU` names.

    Raises E623 when `SHEER_CPU` is unknown or wider than this machine.
    """
    return _host_target(os.environ.get("SHEER_CPU", "").strip().lower())


@lru_cache(maxsize=8)
def _host_target(forced: str) -> Target:
    initialize()
    choices = _choices()
    if not forced:
        return next(iter(choices.values()))
    if forced not in choices:
        raise ArgumentError("E623", "cpu", f"SHEER_CPU={forced} is not possible here",
                            need=f"one of {', '.join(choices)}")
    return choices[forced]


def _choices() -> dict[str, Target]:
    """What this machine can run, widest first."""
    triple, features = llvm.get_process_triple(), llvm.get_host_cpu_features()
    cpu = llvm.get_host_cpu_name()
    if not triple.startswith("x86_64"):
        generic = Target("generic", cpu, features.flatten(), 16, triple, fma=True)
        return {"generic": generic}
    found: dict[str, Target] = {}
    if all(features.get(f) for f in ("avx512f", "avx512dq", "avx512bw", "avx512vl")):
        found["avx512"] = Target("avx512", cpu, features.flatten(), 64, triple, fma=True)
    if features.get("avx2") and features.get("fma"):
        found["avx2"] = Target("avx2", "x86-64-v3", "", 32, triple, fma=True)
    found["sse"] = Target("sse", "x86-64-v2", "", 16, triple, fma=False)
    return found
