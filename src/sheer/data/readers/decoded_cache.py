"""An archive that is slow to decode goes in; its arrays come out, from the last time if possible.

The cache is one uncompressed .npz per archive in the platform's cache folder. It is never trusted
blindly: written under another name and renamed when complete, protected by the CRC of every
member, and compared with the shape the caller expects. Whatever is wrong with it, the archive is
decoded again; a cache that cannot be written costs time, not correctness.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import PIL
import platformdirs
from numpy.typing import NDArray

from sheer.data.readers.notes import say_once

Labelled = tuple[NDArray[np.uint8], NDArray[np.int64]]
VERSION = 1  # of the meaning of the cached arrays; raise it when a reader changes


def cache_folder() -> Path:
    """Where downloads and decoded arrays are kept: the platform's cache folder for sheer."""
    return Path(platformdirs.user_cache_dir("sheer", appauthor=False)) / "data"


def cached_images(source: Path, image_shape: tuple[int, ...], num_classes: int,
                  decode: Callable[[], Labelled]) -> Labelled:
    """What `decode()` returns, remembered for as long as `source` keeps its size and date.

    Shape   x (N, *image_shape), y (N,)
    Raises  only what `decode` raises
    """
    place, age = _key(source)
    file = cache_folder() / "decoded" / f"{place}-{age}.npz"
    cached = _load(file)
    if cached is not None and _fits(cached, image_shape, num_classes):
        return cached
    fresh = decode()
    try:
        _store(file, fresh)
    except OSError as error:
        say_once(f"cannot keep the decoded {source.name} in {file.parent} "
                 f"({error.strerror}); it will be decoded again each time")
        return fresh
    _forget_older(file, place)
    say_once(f"decoded {source.name} once; kept in {file.parent} ({file.stat().st_size >> 20} MB)")
    return fresh


def _key(source: Path) -> tuple[str, str]:
    """One hash for where the archive is, one for which edition of it that is."""
    found = source.stat()
    return (_digest(str(source.resolve())),
            _digest(f"{VERSION} {PIL.__version__} {found.st_size} {found.st_mtime_ns}"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _load(file: Path) -> Labelled | None:
    try:
        # Opened here, because np.load leaves a broken file open.
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
            return arrays["x"], arrays["y"]  # reading each checks its CRC
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile):
        return None


def _fits(cached: Labelled, image_shape: tuple[int, ...], num_classes: int) -> bool:
    x, y = cached
    return bool(x.dtype == np.uint8 and y.dtype == np.int64 and x.shape[1:] == image_shape
                and y.shape == x.shape[:1] and len(y) and 0 <= y.min() <= y.max() < num_classes)


def _store(file: Path, arrays: Labelled) -> None:
    """Write beside, then rename: another process sees the old file, none, or the whole new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.stem, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as out:
            np.savez(out, x=arrays[0], y=arrays[1])
        os.replace(name, file)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def _forget_older(file: Path, place: str) -> None:
    """Delete what was decoded from earlier editions of the same archive."""
    for other in file.parent.glob(f"{place}-*.npz"):
        if other != file:
            with suppress(OSError):  # another process may have it open, on Windows
                other.unlink()
