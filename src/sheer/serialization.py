"""save and load: nested values flow into one file, and back. No file is ever executed.

The tensors of a value lie in a safetensors file under their path ("model/conv1.weight"), so that
any safetensors library can read them; how they were nested stands as JSON in the file's metadata.
Files of torch.save are read and written by the room `torchfiles`.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from .graph.errors import DataError
from .tree_json import decode, encode

KEY = "sheer"                                  # safetensors metadata: text under one key
DIGEST = "sha256"                              # in it: of the numbers, and of the rest of the text
TORCH = (".pt", ".pth")                        # names of files that torch.load is to read


def save(obj: Any, f: str | os.PathLike[str] | IO[bytes], **unused: Any) -> None:
    """Write a value: tensors, numbers, texts, None, and dicts, lists and tuples of them.

    The file is a safetensors file; a path that ends with .pt or .pth gets the format of PyTorch,
    which `torch.load` reads as it is (arrays become tensors there). A crash or a full disk at any
    moment leaves the old file as it was. Options of `torch.save` that choose a pickle are accepted
    and have no meaning here.

    Params  obj  what to save; a state dict, or {"model": ..., "optimizer": ..., "epoch": 3}
            f    path of the file, whose folder is made if need be, or an open binary file
    Raises  E502 when the file cannot be written, or `f` is none; E511 for a value that is none of
            the above, naming the place
    Example
        >>> model = nn.Linear(3, 2)
        >>> sheer.save(model.state_dict(), "model.safetensors")
    """
    _check_file(obj, f)
    if isinstance(f, str | os.PathLike) and Path(f).suffix in TORCH:
        from . import torchfiles
        write_whole(Path(f), torchfiles.write(obj))
        return
    arrays: dict[str, np.ndarray] = {}
    write(f, arrays, {"tree": encode(obj, arrays)})


def load(f: str | os.PathLike[str] | IO[bytes], map_location: Any = None, *,
         weights_only: bool = True, sha256: str | None = None, **unused: Any) -> Any:
    """The value in a file that `save` or `torch.save` wrote; {name: tensor} for any other
    safetensors file.

    Nothing in a file is executed, so `weights_only` changes nothing; `map_location` neither, since
    all tensors are on the CPU. PyTorch need not be installed.

    Params  sha256  what `checksum` said of the file where it was published
    Raises  E503 when the file is missing, truncated or no safetensors file; E835 when it is not
            that file, or has changed since `save` wrote it; for a file of PyTorch E830 when it is
            broken, E831 when it holds more than data, E832 when it is an archive made to harm,
            E833 when tensors do not fit their memory
    Example
        >>> old, new = nn.Linear(3, 2), nn.Linear(3, 2)
        >>> sheer.save(old.state_dict(), "model.pt")
        >>> new.load_state_dict(sheer.load("model.pt"))
        <All keys matched successfully>
        >>> bool((old.weight == new.weight).all())
        True
    """
    name, body = _bytes(f)
    if sha256 is not None and hashlib.sha256(body).hexdigest() != sha256.lower():
        raise _changed(name, hashlib.sha256(body).hexdigest(), sha256)
    from . import torchfiles
    if torchfiles.is_torch_file(body):
        try:
            return torchfiles.read(body)
        except DataError as error:
            error.got = {"file": name, **error.got}
            raise
    arrays, about = _parsed(name, body)
    tree = about.get("tree", {k: {"$": "tensor", "name": k} for k in arrays})
    return decode(tree, arrays)


def checksum(f: str | os.PathLike[str] | IO[bytes]) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits: tell it to those who are to load the file.

    Raises  E503 when the file cannot be read
    Example
        >>> sheer.save({"step": 3}, "state.safetensors")
        >>> told = sheer.serialization.checksum("state.safetensors")
        >>> sheer.load("state.safetensors", sha256=told)
        {'step': 3}
    """
    return hashlib.sha256(_bytes(f)[1]).hexdigest()


def write(f: str | os.PathLike[str] | IO[bytes], arrays: Mapping[str, np.ndarray],
          about: Mapping[str, Any]) -> None:
    """Write arrays and a JSON description as one safetensors file, whole or not at all."""
    from safetensors.numpy import save as to_bytes
    plain = {k: np.asarray(a, a.dtype.newbyteorder("="), order="C") for k, a in arrays.items()}
    text = json.dumps({**about, DIGEST: _digest(plain, about)}, allow_nan=False)
    body = to_bytes(plain, metadata={KEY: text})
    if isinstance(f, str | os.PathLike):
        write_whole(Path(f), body)
    else:
        f.write(body)


def _check_file(obj: Any, f: Any) -> None:
    """Raise E502 unless f is a path with a name, or a file open for bytes."""
    path = isinstance(f, str | os.PathLike)
    if (path and Path(f).name) or (hasattr(f, "write") and not isinstance(f, io.TextIOBase)):
        return
    kind = "a path without a name" if path else f"a {type(f).__name__}"
    swapped = isinstance(obj, str | os.PathLike)
    raise DataError("E502", "save", f"{kind} is no file that can be written",
                    got={"f": repr(f)[:60]},
                    need='the path of a file, or a file open for bytes: open(path, "wb")',
                    tries=[("save(value, path): the value first", lambda: None)] if swapped else [])


def _bytes(f: str | os.PathLike[str] | IO[bytes]) -> tuple[str, bytes]:
    """The name of a file, and what is in it."""
    if not isinstance(f, str | os.PathLike) and (
            not hasattr(f, "read") or isinstance(f, io.TextIOBase)):
        raise _unreadable(repr(f)[:60], f"a {type(f).__name__} is no path and no file open for "
                                        "bytes")
    name = str(f) if isinstance(f, str | os.PathLike) else getattr(f, "name", "an open file")
    try:
        return name, Path(f).read_bytes() if isinstance(f, str | os.PathLike) else f.read()
    except OSError as e:
        raise _unreadable(name, f"cannot read: {e.strerror}") from e


def _parsed(name: str, body: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays of a safetensors file, and the description written with them (empty if none)."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes
    try:
        arrays, about = from_bytes(body), _about(body)
    except (SafetensorError, ValueError, KeyError, struct.error) as e:
        raise _unreadable(name, f"not a whole safetensors file: {e}") from e
    saved = about.pop(DIGEST, None)
    if saved is not None and saved != _digest(arrays, about):
        raise _changed(name, _digest(arrays, about), saved)
    return arrays, about


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


def _digest(arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> str:
    """The SHA-256 of all numbers, with their names and shapes, and of how they are nested."""
    found = hashlib.sha256(json.dumps(about, allow_nan=False).encode())
    for name, array in sorted(arrays.items()):
        found.update(f"{name} {array.dtype.name} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def _changed(name: str, found: str, need: str) -> DataError:
    return DataError("E835", "load", "this is not the file that was saved",
                     got={"file": name, "sha256": found}, need=f"sha256 {need}")


def _unreadable(name: str, what: str) -> DataError:
    return DataError("E503", "load", what, got={"file": name},
                     need="a file written by sheer.save, or any safetensors file of weights")


def write_whole(path: Path, body: bytes) -> None:
    """Write under a temporary name, to the disk, then give the file its own name. Raises E502."""
    # Processes and threads that save under one name each write a file of their own.
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
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
