"""Checkpoints: tensors and a description flow to a file that is whole or not there at all."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..graph.errors import DataError

KEY = "sheer"                                  # safetensors metadata: text under one key


def save(path: str | Path, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> Path:
    """Write a safetensors file: to a temporary name, to the disk, then under its own name.

    A crash or a full disk at any moment leaves the old file as it was.
    Raises DataError E502 when it cannot be written.
    """
    from safetensors.numpy import save as to_bytes
    path = Path(path)
    body = to_bytes({k: np.ascontiguousarray(a) for k, a in arrays.items()},
                    metadata={KEY: json.dumps(about)})
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _sync_folder(path.parent)
    except OSError as e:
        part.unlink(missing_ok=True)
        raise DataError("E502", "save", f"cannot write the checkpoint: {e.strerror}",
                        got={"file": str(path), "size": f"{len(body) / 1e6:.1f} MB"},
                        need="a writable folder with room; the old checkpoint is untouched") from e
    return path


def load(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays of a safetensors file, and the description saved with them (empty if none).

    Raises DataError E503 when the file is missing, truncated or no safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes
    path = Path(path)
    try:
        body = path.read_bytes()
        arrays = from_bytes(body)
        return arrays, _about(body)
    except OSError as e:
        raise _unreadable(path, f"cannot read: {e.strerror}") from e
    except (SafetensorError, ValueError, KeyError) as e:
        raise _unreadable(path, f"not a whole safetensors file: {e}") from e


def _about(body: bytes) -> dict[str, Any]:
    (length,) = struct.unpack("<Q", body[:8])
    header = json.loads(body[8:8 + length])
    about: dict[str, Any] = json.loads(header.get("__metadata__", {}).get(KEY, "{}"))
    return about


def _unreadable(path: Path, what: str) -> DataError:
    return DataError("E503", "load", what, got={"file": str(path)},
                     need="a checkpoint written by sheer, or any safetensors file of weights")


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable, where the system can open a folder."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
