"""CIFAR-10's binary files go in, unpacked or as their `.tar.gz`; images and labels come out.

Format  A. Krizhevsky, https://www.cs.toronto.edu/~kriz/cifar.html: per image one byte of label,
        then 32 x 32 bytes of red, of green, of blue, row by row. The Python version of the same
        data is pickle, which runs code when read; it is not supported for that reason.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from sheer.data.errors import DataError
from sheer.data.readers.whole_file import REPLACE, read_bytes

Labelled = tuple[NDArray[np.uint8], NDArray[np.int64]]
TRAIN = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
TEST = ("test_batch.bin",)
RECORD = 1 + 3 * 32 * 32  # a label and an image


def read_cifar_binary(paths: Sequence[Path]) -> Labelled:
    """The images of binary batch files, one file after the other.

    Shape   x (N, 3, 32, 32), y (N,)
    Dtype   x uint8 in 0..255 (RGB), y int64 in 0..9
    Raises  E801, E802 for a missing or empty file; E803 when it is no whole number of images;
            E806 when a label is not in 0..9, with the row
    """
    return _join([_records(path, path.name, read_bytes(path)) for path in paths])


def read_cifar_archive(path: Path) -> tuple[Labelled, Labelled]:
    """The train and the test part of `cifar-10-binary.tar.gz`, read without unpacking it to disk.

    Shape   as `read_cifar_binary`, twice
    Raises  what `read_cifar_binary` raises; E804 when it is no tar or lacks one of the files
    """
    content = _batch_files(path)
    train, test = ([_records(path, f"{path.name}: {name}", content[name]) for name in names]
                   for names in (TRAIN, TEST))
    return _join(train), _join(test)


def _batch_files(path: Path) -> dict[str, bytes]:
    try:
        with tarfile.open(fileobj=io.BytesIO(read_bytes(path)), mode="r:") as archive:
            files = {PurePosixPath(m.name).name: archive.extractfile(m) for m in archive
                     if m.isfile()}
            content = {name: file.read() for name, file in files.items() if file is not None}
    except tarfile.ReadError as error:
        raise DataError("E804", f"{path.name} is not a complete tar archive", path,
                        expected="a tar, gzipped or not", found=str(error),
                        fix=REPLACE) from error
    absent = [name for name in TRAIN + TEST if name not in content]
    if absent:
        raise DataError("E804", f"{path.name} lacks files", path,
                        expected=", ".join(TRAIN + TEST), found="no " + ", ".join(absent),
                        fix="take cifar-10-binary.tar.gz, not the Python or Matlab version")
    return content


def _records(path: Path, name: str, raw: bytes) -> NDArray[np.uint8]:
    """One row per image (N, 3073)."""
    if not raw or len(raw) % RECORD:
        raise DataError("E803", f"{name} is cut short", path,
                        expected=f"a multiple of {RECORD} bytes, one label and one image each",
                        found=f"{len(raw)} bytes", fix=REPLACE)
    records = np.frombuffer(raw, np.uint8).reshape(-1, RECORD)  # (N, 3073)
    bad = np.flatnonzero(records[:, 0] > 9)
    if len(bad):
        raise DataError("E806", f"{name}: a label is out of range", path, int(bad[0]) + 1,
                        expected="a class from 0 to 9", found=str(records[bad[0], 0]),
                        fix=REPLACE)
    return records


def _join(parts: list[NDArray[np.uint8]]) -> Labelled:
    records = np.concatenate(parts)
    x = records[:, 1:].reshape(-1, 3, 32, 32)  # (N, 3, 32, 32)
    return np.ascontiguousarray(x), records[:, 0].astype(np.int64)
