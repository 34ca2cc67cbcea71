"""A folder or tar of images and of masks of class numbers goes in; both come out as arrays."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sheer.data.arrays.scenes import MaskPart
from sheer.data.errors import DataError
from sheer.data.readers.bad import Bad, Mode
from sheer.data.readers.files import Files
from sheer.data.readers.picture import open_picture, pixels
from sheer.data.readers.whole_file import REPLACE


def read_masks(path: str | Path, part: str | None = None, *, images: str = "images",
               labels: str = "labels", values: int = 256, bad: Mode = "raise",
               ) -> tuple[MaskPart, int]:
    """Images and masks of the same name, and how many pairs were skipped.

    They lie in `images/PART/ID.jpg` and `labels/PART/ID.png`, at any depth; a mask is a PNG of one
    channel (grey or palette) whose values are class numbers.

    Params  part    folder below both; None when the files lie in them directly
            values  class numbers are below it
            bad     "raise", or "skip" to leave out pairs that are broken
    Shape   see `MaskPart`; all images of one size
    Raises  E801 to E804 and E628 for the archive; E802 without images; E812 for an image without
            mask, the reverse, or two of different size; E808 for one that cannot be decoded; E806
            for a number that is no class; E638 for another `bad`
    """
    path = Path(path)
    files = Files.of(path)
    both = [_named(files, folder, part) for folder in (images, labels)]
    broken = Bad(bad, path.name, "image")
    found: list[tuple[str, NDArray[np.uint8], NDArray[np.uint8]]] = []
    for row, name in enumerate(sorted(set(both[0]) | set(both[1])), start=1):
        try:
            picture, mask = _pair(files, name, [where.get(name) for where in both], values, row)
            if found and picture.shape != found[0][1].shape:
                raise _sizes(path, f"{name} has another size than the first image", row,
                             picture, found[0][1])
        except DataError as error:
            broken(error)
            continue
        found.append((name, picture, mask))
    skipped = broken.tell(len(found))
    if not found:
        raise DataError("E802", f"{path.name} holds no images", path,
                        expected=f"{images}/{part or ''}/ID.jpg and {labels}/{part or ''}/ID.png",
                        found="none", fix=REPLACE)
    return MaskPart(np.stack([x for _, x, _ in found]), np.stack([m for _, _, m in found]),
                    [name for name, _, _ in found]), skipped


def _named(files: Files, folder: str, part: str | None) -> dict[str, str]:
    """Name without ending -> file, of the files in a folder."""
    ending = [folder] if part is None else [folder, part]
    places = [(name, PurePosixPath(name)) for name in files.names]
    return {p.stem: name for name, p in places if list(p.parts[:-1])[-len(ending):] == ending}


def _pair(files: Files, name: str, places: list[str | None], values: int,
          row: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    path, (image, label) = files.path, places
    if image is None or label is None:
        raise DataError("E812", f"{path.name}: {name} has no {'mask' if image else 'image'}", path,
                        row, expected="an image and a mask of one name",
                        found=str(image or label), fix='put it there, or bad="skip"')
    picture = pixels(open_picture(path, image, files.read(image), "RGB", row))
    numbers = open_picture(path, label, files.read(label), None, row)
    if numbers.mode not in ("L", "P", "1"):
        raise DataError("E808", f"{path.name}: {label} is no mask", path, row,
                        expected="one channel of class numbers", found=f"mode {numbers.mode}",
                        fix="save it as an 8-bit grey or palette PNG")
    mask = np.asarray(numbers, np.uint8)
    if mask.shape != picture.shape[1:]:
        raise _sizes(path, f"{label} has another size than its image", row, mask, picture)
    if mask.size and int(mask.max()) >= values:
        raise DataError("E806", f"{path.name}: {label} has a pixel of no known class", path, row,
                        expected=f"numbers from 0 to {values - 1}", found=str(mask.max()),
                        fix='correct the mask, or bad="skip"')
    return picture, mask


def _sizes(path: Path, what: str, row: int, found: NDArray[Any], first: NDArray[Any]) -> DataError:
    return DataError("E812", f"{path.name}: {what}", path, row,
                     expected="{} x {} pixels".format(*first.shape[-2:]),
                     found="{} x {} pixels".format(*found.shape[-2:]), fix="resize it")
