"""A NumPy file goes in, .npy or .npz; its arrays come out, in memory or mapped from the file.

Nothing in it is executed: arrays of Python objects, which are pickles, are refused. Sizes are
compared with the file before anything of that size is allocated.

Format  NumPy, "numpy.lib.format"; PKWARE, ".ZIP File Format Specification" for .npz.
"""

from __future__ import annotations

import io
import math
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from sheer.data.errors import DataError
from sheer.data.readers.whole_file import GZIP_MAGIC, REPLACE, check_expansion, missing

KINDS = "biufcSU"                # numbers and texts; O is a pickle, V and M have no use here
HEADER = 10_000                  # bytes: the longest header NumPy itself reads
MALFORMED = (ValueError, SyntaxError, TypeError, KeyError, EOFError, RecursionError, MemoryError,
             OverflowError, tokenize.TokenError, AttributeError, UserWarning)  # if that is an error
# What zipfile raises for archives that are broken or of a kind it does not read.
UNZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError,
         OSError, OverflowError, KeyError)


def read_npy(path: str | Path, mapped: bool = False) -> NDArray[Any]:
    """The array of a .npy file.

    Params  mapped  True leaves the numbers in the file: they are read page by page where they are
                    used, and the operating system may forget them again
    Raises  E801, E802 for a missing or empty file; E803 when it is shorter or longer than its
            header says; E804 for another format; E631 for Python objects; E635 for a packed file
            that shall be mapped
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            length = path.stat().st_size
            if not length:
                raise DataError("E802", f"{path.name} is empty", path, expected="data",
                                found="0 bytes", fix=REPLACE)
            _refuse_packed(path, file.read(4), mapped)
            file.seek(0)
            shape, fortran, dtype, start = _header(path, path.name, file)
            _check_length(path, path.name, shape, dtype, length - start)
            if not mapped:
                return _array(path, path.name, file.read(), shape, fortran, dtype)
    except FileNotFoundError:
        raise missing(path, "no such file") from None
    except OSError as error:
        raise missing(path, error.strerror or type(error).__name__) from error
    if not math.prod(shape):                     # nothing can be mapped of nothing
        return _array(path, path.name, b"", shape, fortran, dtype)
    return np.memmap(path, dtype, "r", start, shape, "F" if fortran else "C")


def read_npz(path: str | Path) -> dict[str, NDArray[Any]]:
    """The arrays of a .npz file by name.

    Raises  E801, E802 for a missing or empty file; E803 when an array is shorter or longer than
            its header says; E804 for another format, or a member that is damaged; E631 for Python
            objects; E629 when it would grow absurdly
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if not size:
            raise DataError("E802", f"{path.name} is empty", path, expected="data",
                            found="0 bytes", fix=REPLACE)
        with zipfile.ZipFile(path) as archive:
            whole = sum(member.file_size for member in archive.infolist())
            check_expansion(path, size, whole)
            return {member.filename.removesuffix(".npy"): _member(path, archive, member)
                    for member in archive.infolist()}
    except DataError:
        raise
    except FileNotFoundError:
        raise missing(path, "no such file") from None
    except UNZIP as error:
        raise DataError("E804", f"{path.name} is not a whole .npz file", path,
                        expected="a zip archive of .npy files", found=str(error) or repr(error),
                        fix=REPLACE) from error


def _member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """One array; its header is checked before the rest is unpacked."""
    name = f"{path.name}: {member.filename}"
    with archive.open(member) as packed:
        head = io.BytesIO(packed.read(HEADER + 16))
    shape, fortran, dtype, start = _header(path, name, head)
    _check_length(path, name, shape, dtype, member.file_size - start)
    with archive.open(member) as packed:
        raw = packed.read(member.file_size + 1)          # reading to the end checks its CRC
    return _array(path, name, raw[start:], shape, fortran, dtype)


def _header(path: Path, name: str, file: IO[bytes]) -> tuple[tuple[int, ...], bool, Any, int]:
    """Shape, order, element type, and where the numbers begin."""
    try:
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"version {version} of the format")
        read = (np.lib.format.read_array_header_1_0 if version == (1, 0)
                else np.lib.format.read_array_header_2_0)
        shape, fortran, dtype = read(file, HEADER)
    except MALFORMED as error:
        raise DataError("E804", f"{name} is not a NumPy array", path,
                        expected="a header of the .npy format", found=str(error).split("\n")[0],
                        fix=REPLACE) from error
    if dtype.hasobject:
        raise DataError("E631", f"{name} holds Python objects", path,
                        expected="an array of numbers or texts", found="a pickle, which can run "
                        "any code when it is read", fix="save an array of one number type")
    if dtype.kind not in KINDS or min(shape, default=0) < 0:
        raise DataError("E804", f"{name} is no array of numbers", path,
                        expected="numbers or texts, lengths >= 0", found=f"{dtype}, shape {shape}",
                        fix="save one array for each field")
    return shape, fortran, dtype, file.tell()


def _check_length(path: Path, name: str, shape: tuple[int, ...], dtype: Any, found: int) -> None:
    expected = math.prod(shape) * dtype.itemsize
    if found != expected:
        what = "is cut short" if found < expected else "is longer than its header says"
        raise DataError("E803", f"{name} {what}", path,
                        expected=f"{expected} bytes for {dtype}, shape {shape}",
                        found=f"{found} bytes", fix=REPLACE)


def _array(path: Path, name: str, raw: bytes, shape: tuple[int, ...], fortran: bool,
           dtype: Any) -> NDArray[Any]:
    try:
        flat = np.frombuffer(bytearray(raw), dtype) if raw else np.zeros(0, dtype)
        return flat.reshape(shape, order="F" if fortran else "C")
    except MALFORMED as error:
        raise DataError("E804", f"{name} is not a NumPy array", path,
                        expected="a shape that exists", found=f"{dtype}, shape {shape}",
                        fix=REPLACE) from error


def _refuse_packed(path: Path, start: bytes, mapped: bool) -> None:
    kind = "gzip" if start[:2] == GZIP_MAGIC else "a zip archive" if start == b"PK\x03\x04" else ""
    if kind and mapped:
        raise DataError("E635", f"{path.name} cannot be mapped into memory", path,
                        expected="a plain .npy file: the numbers as they lie in memory", found=kind,
                        fix="unpack it once, with np.save; or stream it from Parquet")
    if kind:
        raise DataError("E804", f"{path.name} is not a NumPy array", path, expected="a .npy file",
                        found=kind, fix="unpack it" if kind == "gzip" else "read_npz(path)")
