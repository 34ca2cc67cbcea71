"""The workloads; importing this package puts them on the list."""

from . import conv, mlp, tabular, transformer

__all__ = ["conv", "mlp", "tabular", "transformer"]
