"""Devices: what a script asks about the machine flows in, the truth flows out: one CPU."""

from __future__ import annotations

from typing import Any

from .graph.errors import ArgumentError, MissingError

KNOWN = ("cpu", "cuda", "mps", "xpu", "mkldnn", "hpu", "mtia", "meta")   # words PyTorch scripts use


class device:
    """A place for tensors. `device("cuda")` can be named, as in PyTorch; only "cpu" holds tensors.

    Raises  E615 for a word that is no device
    Source  torch.device
    Example
        >>> sheer.device("cuda" if sheer.cuda.is_available() else "cpu")
        device(type='cpu')
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: Any, index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index if index is None else index
        name, _, number = str(type).partition(":")
        if name not in KNOWN or (number and not number.isdigit()) or (number and index is not None):
            raise ArgumentError("E615", "device", f"{type!r} is no device", need='device("cpu")',
                                tries=[('device("cpu")', lambda: None)])
        self.type, self.index = name, int(number) if number else index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int: return hash((self.type, self.index))
    def __str__(self) -> str: return self.type + (f":{self.index}" if self.index is not None
                                                  else "")
    def __repr__(self) -> str:
        number = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{number})"

    def __enter__(self) -> device:
        return on_cpu(self)

    def __exit__(self, *exc: object) -> None: pass


def on_cpu(place: Any) -> device:
    """The device as an object. Raises MissingError E615 unless it is the CPU."""
    found = place if isinstance(place, device) else device(place)
    if found.type != "cpu":
        raise MissingError("E615", "device",
                           f"there is no {found.type} here: sheer computes on the CPU",
                           need='device("cpu")', tries=[('x.to("cpu")', lambda: None)])
    return found


class Absent:
    """An accelerator that is not there: the questions have answers, the rest says so.

    Source  torch.cuda, torch.mps, torch.xpu
    """

    def __init__(self, name: str) -> None: self.__name__ = name
    def is_available(self) -> bool: return False
    def is_built(self) -> bool: return False
    def is_initialized(self) -> bool: return False
    def device_count(self) -> int: return 0
    def manual_seed(self, seed: int) -> None: """Nothing: no device, no generator."""
    def manual_seed_all(self, seed: int) -> None: """Nothing: no device, no generator."""
    def empty_cache(self) -> None: """Nothing: no device, no cache."""
    def __repr__(self) -> str: return f"<{self.__name__}: not available>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise MissingError("E615", f"{self.__name__}.{name}", f"there is no {self.__name__} here",
                           need=f"a script that asks {self.__name__}.is_available() first")


class Accelerator(Absent):
    """Whichever accelerator there is: none (torch.accelerator)."""

    def current_accelerator(self, check_available: bool = False) -> None: """None: there is none."""


class Choices(Absent):
    """Settings of a library that is not used; they may be set and change nothing."""

    enabled = benchmark = deterministic = allow_tf32 = False

    def version(self) -> None: """None: it is not used."""


cuda, mps, xpu = Absent("cuda"), Absent("mps"), Absent("xpu")
accelerator = Accelerator("accelerator")
backends = {"cuda": cuda, "mps": mps, "cudnn": Choices("cudnn"), "mkldnn": Choices("mkldnn")}
