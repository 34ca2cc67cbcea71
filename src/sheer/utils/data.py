"""utils.data: the names of torch.utils.data, found in sheer.data."""

from __future__ import annotations

from typing import Any

from .. import data


def __getattr__(name: str) -> Any:
    """DataLoader, Dataset, TensorDataset, Subset, random_split, samplers, ..."""
    return getattr(data, name)


def __dir__() -> list[str]:
    return dir(data)
