"""Packages that are not always there: a name flows in, the module or a clear error comes out."""

from __future__ import annotations

import importlib
from typing import Any

from .graph.errors import MissingError


def extra(module: str, name: str, op: str) -> Any:
    """The module of an optional package.

    Raises  E840 when it is not installed, with the command that installs it
    """
    try:
        return importlib.import_module(module)
    except ImportError as e:
        raise MissingError("E840", op, f"needs {module.partition('.')[0]}, which is not installed",
                           need=f'pip install "sheer[{name}]"') from e
