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
from sheer.data.readers.files import Files
from sheer.data.readers.picture import BROKEN, pixels, undecodable
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
    for row, (name, data) in enumerate(Files.of(path), start=1):
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
            if found == size:
                return pixels(image.convert("RGB"))
    except BROKEN as error:
        raise undecodable(path, name, data, error, row) from error
    raise DataError("E808", f"{path.name}: {name} has another size", path, row,
                    expected="{} x {} pixels".format(*size),
                    found="{} x {} pixels".format(*found),
                    fix="resize the images, or take this one out")
