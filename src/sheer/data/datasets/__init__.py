"""Rows in memory, files on disk or other datasets go in; examples by number come out."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ...graph.errors import MissingError
from ...mixins.missing import refusing

# torchvision's names: their files bring the catalogue and Pillow, so they are read late.
_LATER = {"CIFAR10": "pictures", "DatasetFolder": "folders", "DigitsUCI": "pictures",
          "FashionMNIST": "pictures", "ImageFolder": "folders", "MNIST": "pictures",
          "Pictures": "pictures", "find_arrays": "pictures"}

__all__ = list(_LATER)

_refused = refusing("data.datasets", __all__)


def __getattr__(name: str) -> Any:
    """Names whose files are read late."""
    if name not in _LATER:
        if name in import_module("sheer.data").__all__:
            raise MissingError("E190", "data.datasets", f"{name} is not one of torchvision's sets",
                               need="a set of pictures", tries=[(f"sheer.data.{name}",
                                                                 lambda: None)])
        _refused(name)
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)


def __dir__() -> list[str]:
    return __all__
