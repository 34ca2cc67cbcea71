"""Object code on disk: a key in, bytes out, shared safely by any number of processes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_dir

_MAGIC = b"sheer-object-1\n"
_LIMIT = 512 * 2**20      # bytes kept; a few hundred programs
_TRIM_TO = 0.8            # of the limit, so that not every store has to trim again
_ABANDONED = 3600.0       # seconds after which nobody is still writing a temporary file


class CacheWarning(UserWarning):
    """The object cache cannot be used; every program is compiled again in every process."""


@dataclass
class CacheStats:
    """What happened in this process, and what lies on disk."""

    folder: str = ""
    limit: int = 0            # bytes
    hits: int = 0
    misses: int = 0
    corrupt: int = 0
    evicted: int = 0
    entries: int = 0
    bytes: int = 0


class ObjectCache:
    """A folder of object files named by the hash of what made them.

    An entry is written to a temporary file and renamed, so a reader sees all of it or none; one
    that is damaged all the same, by a power cut say, fails its checksum and is made again.
    """

    def __init__(self, folder: Path, limit: int = _LIMIT) -> None:
        self.folder, self.limit = folder, limit
        self._stats = CacheStats(str(folder), limit)
        self._usable = True
        self._written = 0         # bytes since the last look at the folder's size

    def get(self, key: str, make: Callable[[], bytes]) -> bytes:
        """The bytes stored under `key`, or those of `make()`, stored for the next time."""
        found = self.read(key)
        if found is None:
            found = make()
            self.write(key, found)
        return found

    def stats(self) -> CacheStats:
        """Counts of this process, with the entries and bytes that lie on disk now."""
        files = self._files()
        self._stats.entries, self._stats.bytes = len(files), sum(size for _, size, _ in files)
        return self._stats

    def clear(self) -> None:
        """Remove every entry."""
        for _, _, path in self._files():
            path.unlink(missing_ok=True)
        self._sweep(0.0)

    def _sweep(self, age: float) -> None:
        """Remove what processes that were killed while they wrote have left behind."""
        for path in self.folder.glob("*.tmp"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime >= age:
                    path.unlink()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.o"

    def read(self, key: str) -> bytes | None:
        """The bytes stored under `key`; None when there are none, or damaged ones."""
        found = self._read(key)
        if found is None:
            self._stats.misses += 1
        else:
            self._stats.hits += 1
        return found

    def _read(self, key: str) -> bytes | None:
        path = self._path(key)
        try:
            raw = path.read_bytes()
        except OSError:
            return None
        head = len(_MAGIC) + 32
        if raw[:len(_MAGIC)] != _MAGIC or _digest(raw[head:]) != raw[len(_MAGIC):head]:
            self._stats.corrupt += 1
            return None
        with contextlib.suppress(OSError):     # a read-only folder still serves its entries
            os.utime(path)                     # used now: the last to be evicted
        return raw[head:]

    def write(self, key: str, data: bytes) -> None:
        """Store bytes under `key`; with one warning per process when that is impossible."""
        if not self._usable:
            return
        temporary = ""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.folder, suffix=".tmp")
            with os.fdopen(handle, "wb") as file:
                file.write(_MAGIC + _digest(data) + data)
            os.replace(temporary, self._path(key))
        except OSError as error:
            if temporary:
                Path(temporary).unlink(missing_ok=True)
            self._give_up(error)
            return
        self._written += len(data)
        if self._written > self.limit // 16 or self._stats.misses == 1:
            self._trim()

    def _give_up(self, error: OSError) -> None:
        self._usable = False
        warnings.warn(
            f"object cache off: {self.folder} cannot be written ({error.strerror or error}); "
            f"set SHEER_CACHE to a folder that can", CacheWarning, stacklevel=2)

    def _trim(self) -> None:
        """Remove the oldest-used entries once the folder is over its limit."""
        self._written = 0
        self._sweep(_ABANDONED)
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)
        if total <= self.limit:
            return
        for _, size, path in files:
            if total <= _TRIM_TO * self.limit:
                break
            path.unlink(missing_ok=True)
            total -= size
            self._stats.evicted += 1

    def _files(self) -> list[tuple[float, int, Path]]:
        """(last used, bytes, path) of every entry."""
        found = []
        for path in self.folder.glob("*.o"):
            try:
                info = path.stat()
            except OSError:
                continue          # another process removed it
            found.append((info.st_mtime, info.st_size, path))
        return found


_caches: dict[str, ObjectCache] = {}


def object_cache() -> ObjectCache:
    """The cache in `SHEER_CACHE`, or in the user's cache folder."""
    folder = os.environ.get("SHEER_CACHE") or user_cache_dir("sheer")
    if folder not in _caches:
        _caches[folder] = ObjectCache(Path(folder) / "objects")
    return _caches[folder]


def stats() -> CacheStats:
    """Hits, misses and size of the object cache."""
    return object_cache().stats()


def clear() -> None:
    """Remove every entry of the object cache."""
    object_cache().clear()


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
