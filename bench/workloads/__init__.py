"""The workloads; importing this package puts them on the list."""

from . import mlp

__all__ = ["mlp"]
