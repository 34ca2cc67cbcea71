"""A tar of `CLASS/NAME.jpg` goes in; one array of images and one of class indices come out.

Nothing is unpacked to disk, so a member's name can do no harm; it only says the class.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sheer.data.errors import DataError
from sheer.data.readers.tar_members import members
from sheer.data.readers.whole_file import REPLACE

Labelled = tuple[NDArray[np.uint8], NDArray[np.int64]]


def read_image_tar(path: Path, classes: Sequence[str], size: tuple[int, int]) -> Labelled:
    """The images of a tar, in the order of the archive, with the index of their class.

    Params  classes  folder names, in the order of their indices
            size     (height, width) in pixels that every image has
    Shape   x (N, 3, H, W), y (N,)
    Dtype   x uint8 in 0..255 (RGB), y int64
    Raises  E801 to E804 for the archive; E806 when a folder is not a class; E808 when an image
            cannot be decoded or has another size. The row is the image's place in the archive.
    """
    index = {name: k for k, name in enumerate(classes)}
    images, labels = [], []
    for row, (name, data) in enumerate(members(path), start=1):
        folder = PurePosixPath(name).parent.name
        if folder not in index:
            raise DataError("E806", f"{path.name}: {name} is of no known class", path, row,
                            expected="a folder from " + ", ".join(classes),
                            found=folder or "no folder",
                            fix="name the folders inside the archive after the classes")
        images.append(_decode(path, row, name, data, size))
        labels.append(index[folder])
    if not images:
        raise DataError("E802", f"{path.name} holds no images", path, expected="CLASS/NAME.jpg",
                        found="an archive without files", fix=REPLACE)
    return np.stack(images), np.array(labels, np.int64)  # (N, 3, H, W), (N,)


def _decode(path: Path, row: int, name: str, data: bytes,
            size: tuple[int, int]) -> NDArray[np.uint8]:
    """One image (3, H, W)."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            found = (image.height, image.width)  # known before any pixel is decoded
            pixels = np.asarray(image.convert("RGB")) if found == size else None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        # Pillow names the buffer's address in some of its messages; that helps nobody.
        why = "no image format Pillow knows" if "cannot identify" in str(error) else str(error)
        raise DataError("E808", f"{path.name}: {name} cannot be decoded", path, row,
                        expected="a JPEG or PNG image", found=f"{len(data)} bytes: {why}",
                        fix=REPLACE) from error
    if pixels is None:
        raise DataError("E808", f"{path.name}: {name} has another size", path, row,
                        expected="{} x {} pixels".format(*size),
                        found="{} x {} pixels".format(*found),
                        fix="resize the images, or take this one out")
    return pixels.transpose(2, 0, 1)  # (3, H, W)
