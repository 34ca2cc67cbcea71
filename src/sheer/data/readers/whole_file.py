"""A path goes in, all the bytes of the file come out, unpacked if it is gzip."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

from sheer.data.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
PLAUSIBLE = 64 << 20             # bytes: what a small packed file of zeros may honestly become
RATIO = 100                      # deflate packs 1,000 zeros into a byte, and real data 2 to 20
REPLACE = "replace the file by an intact copy"


def read_bytes(path: Path) -> bytes:
    """The content of a file; gzip is recognised by its first two bytes, not by the name.

    Raises  E801 when it is not there or may not be read; E802 when it holds nothing;
            E803 when the gzip stream ends too early; E804 when it is damaged inside; E629 when it
            unpacks to an absurd size
    """
    raw = _raw(path)
    if raw[:2] == GZIP_MAGIC:
        raw = _unzip(path, raw)
    if not raw:
        raise DataError("E802", f"{path.name} is empty", path, expected="data",
                        found="0 bytes", fix=REPLACE)
    return raw


def missing(path: Path, why: str) -> DataError:
    """The error for a file that cannot be opened."""
    return DataError("E801", f"{path.name} cannot be read", path, expected="a readable file",
                     found=why, fix="check the path and the permissions")


def _raw(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise missing(path, "no such file") from None
    except OSError as error:
        raise missing(path, error.strerror or type(error).__name__) from error


def check_expansion(path: Path, packed: int, whole: int) -> None:
    """Refuse a file that unpacks to an absurd size before that much memory is used.

    Raises  E629 for more than PLAUSIBLE bytes and more than RATIO times those of the file
    """
    if whole > max(PLAUSIBLE, RATIO * packed):
        raise DataError("E629", f"{path.name} unpacks to an absurd size", path,
                        expected=f"at most {PLAUSIBLE >> 20} MB, or {RATIO} times its own size",
                        found=f"at least {whole} bytes",
                        fix="do not use this file; get one you can trust")


def _unzip(path: Path, raw: bytes) -> bytes:
    parts, total = [], 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
            while part := stream.read(1 << 20):
                parts.append(part)
                total += len(part)
                check_expansion(path, len(raw), total)
    except EOFError as error:
        raise DataError("E803", f"{path.name} is cut short", path,
                        expected="a complete gzip stream",
                        found=f"{len(raw)} bytes that end inside it", fix=REPLACE) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError("E804", f"{path.name} is damaged", path, expected="a valid gzip stream",
                        found=str(error).split(" 0x")[0], fix=REPLACE) from error
    return b"".join(parts)
