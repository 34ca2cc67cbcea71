"""save and load: nested values flow into one safetensors file, and back. Never pickle.

The tensors of a value lie in the file under their path ("model/conv1.weight"), so that any
safetensors library can read them; how they were nested stands as JSON in the file's metadata.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from .graph.errors import DataError
from .tree_json import decode, encode

KEY = "sheer"                                  # safetensors metadata: text under one key
PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
CONVERT = ("python -c \"import sys, torch; from safetensors.torch import save_file; "
           "save_file(torch.load(sys.argv[1], weights_only=True), sys.argv[2])\" "
           "model.pt model.safetensors")


def save(obj: Any, f: str | os.PathLike[str] | IO[bytes], **unused: Any) -> None:
    """Write a value: tensors, numbers, texts, None, and dicts, lists and tuples of them.

    A crash or a full disk at any moment leaves the old file as it was. Options of `torch.save`
    that choose a pickle are accepted and have no meaning here.

    Params  obj  what to save; a state dict, or {"model": ..., "optimizer": ..., "epoch": 3}
            f    path of the file, or an open binary file
    Raises  E502 when the file cannot be written; E511 for a value that is none of the above,
            naming the place
    Example
        >>> sheer.save(model.state_dict(), "model.safetensors")
    """
    arrays: dict[str, np.ndarray] = {}
    write(f, arrays, {"tree": encode(obj, arrays)})


def load(f: str | os.PathLike[str] | IO[bytes], map_location: Any = None, *,
         weights_only: bool = True, **unused: Any) -> Any:
    """The value in a file that `save` wrote; {name: tensor} for any other safetensors file.

    The file holds data only, so `weights_only` changes nothing; `map_location` neither, since all
    tensors are on the CPU.

    Raises  E503 when the file is missing, truncated or no safetensors file; E510 for a file of
            PyTorch, with how to convert it
    """
    arrays, about = read(f)
    tree = about.get("tree", {k: {"$": "tensor", "name": k} for k in arrays})
    return decode(tree, arrays)


def write(f: str | os.PathLike[str] | IO[bytes], arrays: Mapping[str, np.ndarray],
          about: Mapping[str, Any]) -> None:
    """Write arrays and a JSON description as one safetensors file, whole or not at all."""
    from safetensors.numpy import save as to_bytes
    body = to_bytes({k: np.asarray(a, order="C") for k, a in arrays.items()},
                    metadata={KEY: json.dumps(about, allow_nan=False)})
    if isinstance(f, str | os.PathLike):
        write_whole(Path(f), body)
    else:
        f.write(body)


def read(f: str | os.PathLike[str] | IO[bytes]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays of a safetensors file, and the description written with them (empty if none)."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes
    name = str(f) if isinstance(f, str | os.PathLike) else getattr(f, "name", "an open file")
    try:
        body = Path(f).read_bytes() if isinstance(f, str | os.PathLike) else f.read()
    except OSError as e:
        raise _unreadable(name, f"cannot read: {e.strerror}") from e
    if body.startswith(PICKLES):
        raise DataError("E510", "load", "this file was written by PyTorch and holds a pickle",
                        got={"file": name}, need="a safetensors file: a pickle can run any code",
                        tries=[(CONVERT, lambda: None)])
    try:
        return from_bytes(body), _about(body)
    except (SafetensorError, ValueError, KeyError, struct.error) as e:
        raise _unreadable(name, f"not a whole safetensors file: {e}") from e


def _about(body: bytes) -> dict[str, Any]:
    (length,) = struct.unpack("<Q", body[:8])
    header = json.loads(body[8:8 + length])
    try:
        about: dict[str, Any] = json.loads(header.get("__metadata__", {}).get(KEY, "{}"))
    except RecursionError:
        raise ValueError("the description is nested without end") from None
    if not isinstance(about, dict):
        raise ValueError("the description is no JSON object")
    return about


def _unreadable(name: str, what: str) -> DataError:
    return DataError("E503", "load", what, got={"file": name},
                     need="a file written by sheer.save, or any safetensors file of weights")


def write_whole(path: Path, body: bytes) -> None:
    """Write under a temporary name, to the disk, then give the file its own name. Raises E502."""
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
        _forget(part)
        raise DataError("E502", "save", f"cannot write the file: {e.strerror}",
                        got={"file": str(path), "size": f"{len(body) / 1e6:.1f} MB"},
                        need="a writable folder with room; the old file is untouched") from e
    except BaseException:                       # Ctrl-C while writing: no rubbish stays behind
        _forget(part)
        raise


def _forget(part: Path) -> None:
    try:
        part.unlink(missing_ok=True)
    except OSError:
        return                                  # the folder itself is gone or closed to us


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
