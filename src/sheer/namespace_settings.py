"""Settings under torch's names: most have one answer in sheer, and agree when set to it."""

from __future__ import annotations

from typing import Any

from .devices import device as Device
from .devices import on_cpu
from .graph.dtypes import DType, dtype_of, float32
from .graph.errors import ArgumentError

__all__ = ["are_deterministic_algorithms_enabled", "get_default_device", "get_default_dtype",
           "get_float32_matmul_precision", "get_num_threads", "set_default_device",
           "set_default_dtype", "set_float32_matmul_precision", "set_num_threads",
           "use_deterministic_algorithms"]


def get_default_dtype() -> DType:
    """What Python floats become: float32."""
    return float32


def set_default_dtype(d: Any) -> None:
    """Agrees to float32. Raises E170 for another dtype: what one line computes would depend on a
    distant other one."""
    if dtype_of(d) != float32:
        raise ArgumentError("E170", "set_default_dtype",
                            f"the default is float32, not {dtype_of(d).name}",
                            need="float32, or a dtype where tensors and models are made",
                            tries=[("model.double() and dtype=sheer.float64", lambda: None)])


def get_default_device() -> Device:
    """Where tensors are made: on the CPU."""
    return Device("cpu")


def set_default_device(device: Any) -> None:
    """Agrees to the CPU. Raises E615 for another device."""
    on_cpu(device or "cpu")


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted: results are the same bits in every run and for any number of threads anyway."""


def are_deterministic_algorithms_enabled() -> bool:
    """True, always."""
    return True


def get_float32_matmul_precision() -> str:
    """"highest": products of float32 are sums of float32 products."""
    return "highest"


def set_float32_matmul_precision(precision: str) -> None:
    """Accepted: "high" and "medium" allow less precision than they get.

    Raises  E191 for another word
    """
    if precision not in ("highest", "high", "medium"):
        raise ArgumentError("E191", "set_float32_matmul_precision",
                            f"there is no precision {precision!r}",
                            need='"highest", "high" or "medium"')


def get_num_threads() -> int:
    """On how many threads programs run, the calling one included; see SHEER_THREADS."""
    from .backends.cpu.runtime import threads
    return threads.size()


def set_num_threads(count: int, /) -> None:
    """Run programs on so many threads from now on, at most 255. Results are the same bits for any
    number.

    What is compiled already stays cut as it is: fewer threads take its parts, more do not.

    Raises  E191 for what is no whole number from 1 to 255
    Source  torch.set_num_threads
    """
    from .backends.cpu.runtime import threads
    from .backends.cpu.runtime.threads_ir import MAX_THREADS
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_THREADS:
        raise ArgumentError("E191", "set_num_threads", f"there are no {count!r} threads",
                            need=f"1 to {MAX_THREADS}")
    threads.use(count)
