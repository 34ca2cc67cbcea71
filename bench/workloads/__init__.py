"""The workloads; importing this package puts them on the list."""

from . import mlp, tabular

__all__ = ["mlp", "tabular"]
