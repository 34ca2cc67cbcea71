"""The bytes of an image file go in; its pixels come out."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sheer.data.errors import DataError
from sheer.data.readers.whole_file import REPLACE

# What Pillow raises for files that are broken; the last two for those that would fill the memory.
BROKEN = (OSError, ValueError, SyntaxError, IndexError, EOFError, KeyError, TypeError,
          OverflowError, struct.error, Image.DecompressionBombError,
          Image.DecompressionBombWarning)


def open_picture(path: Path, name: str, raw: bytes, mode: str | None = "RGB",
                 row: int | None = None) -> Any:
    """A decoded PIL image, converted to `mode`; None leaves it as it is.

    Raises  E808 when it cannot be decoded, or is absurdly large
    """
    try:
        with Image.open(io.BytesIO(raw)) as image:
            image.load()
            return image.copy() if mode is None else image.convert(mode)
    except BROKEN as error:
        raise undecodable(path, name, raw, error, row) from error


def pixels(image: Any) -> NDArray[np.uint8]:
    """A PIL image as (C, H, W)."""
    array = np.asarray(image)
    return array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1))


def undecodable(path: Path, name: str, raw: bytes, error: BaseException,
                row: int | None) -> DataError:
    """The error for an image that Pillow refuses."""
    # Pillow names the buffer's address in some of its messages; that helps nobody.
    why = "no image format Pillow knows" if "cannot identify" in str(error) else str(error)
    where = path.name if name == path.name else f"{path.name}: {name}"
    return DataError("E808", f"{where} cannot be decoded", path, row,
                     expected="a JPEG or PNG image", found=f"{len(raw)} bytes: {why}", fix=REPLACE)
