"""A folder or tar of images and Pascal-VOC annotations goes in; images with boxes come out.

Format  Everingham et al. 2010, doi:10.1007/s11263-009-0275-4, the development kit:
        JPEGImages/ID.jpg, Annotations/ID.xml, ImageSets/Main/PART.txt with one ID a line.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from sheer.data.arrays.scenes import BoxPart
from sheer.data.errors import DataError
from sheer.data.readers.bad import Bad, Mode
from sheer.data.readers.files import Files
from sheer.data.readers.picture import open_picture, pixels
from sheer.data.readers.whole_file import REPLACE

SIDES = ("xmin", "ymin", "xmax", "ymax")


def read_voc(path: str | Path, part: str | None = None, classes: Sequence[str] | None = None,
             bad: Mode = "raise") -> tuple[BoxPart, tuple[str, ...], int]:
    """Images, boxes and labels; the classes; and how many boxes and images were skipped.

    Params  part     "train", "val", ...: the images listed in ImageSets/Main/PART.txt; None takes
                     every image that has an annotation
            classes  in the order of their indices; None takes those that occur, sorted
            bad      "raise", or "skip" to leave out boxes and images that are broken
    Raises  E801 to E804 and E628 for the archive; E801 without a list of that part; E802 without
            images; E812 for an image without annotation or the reverse; E804 for an annotation
            that is no XML; E808 for an image that cannot be decoded; E627 for a box outside the
            image or without area, with its number; E806 for an unknown class; E638 for another
            `bad`
    """
    path = Path(path)
    found = _Folder(Files.of(path))
    images, objects = Bad(bad, path.name, "image"), Bad(bad, path.name, "box")
    ids, pictures, marks = [], [], []
    for row, name in enumerate(found.ids(part), start=1):
        try:
            image, boxes = found.scene(name, row)
        except DataError as error:
            images(error)
            continue
        marks.append(_good(path, name, boxes, image.shape, classes, objects))
        pictures.append(image)
        ids.append(name)
    skipped = images.tell(len(ids)) + objects.tell(sum(map(len, marks)))
    if not ids:
        raise DataError("E802", f"{path.name} holds no images", path,
                        expected="JPEGImages/ID.jpg and Annotations/ID.xml", found="none",
                        fix=REPLACE)
    names = tuple(classes or sorted({name for boxes in marks for name, _ in boxes}))
    index = {name: i for i, name in enumerate(names)}
    sides = [np.array([box for _, box in m], np.float32).reshape(-1, 4) for m in marks]
    labels = [np.array([index[label] for label, _ in m], np.int64) for m in marks]
    return BoxPart(pictures, sides, labels, ids), names, skipped


Box = tuple[str, list[float]]


def _good(path: Path, name: str, boxes: list[Box], shape: tuple[int, ...],
          classes: Sequence[str] | None, broken: Bad) -> list[Box]:
    """The boxes that lie in the image and have a known class."""
    kept = []
    height, width = shape[-2:]
    for number, (label, box) in enumerate(boxes, start=1):
        x1, y1, x2, y2 = box
        if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
            inside = min(x1, y1) >= 0 and x2 <= width and y2 <= height
            broken(DataError("E627", f"{path.name}: a box of {name} "
                             f"{'has no area' if inside else 'is not in the image'}", path, number,
                             expected=f"xmin < xmax within 0..{width}, ymin < ymax within "
                                      f"0..{height}",
                             found=", ".join(f"{s} {v:g}" for s, v in zip(SIDES, box, strict=True)),
                             fix='correct the annotation, or bad="skip"'))
        elif classes is not None and label not in classes:
            broken(DataError("E806", f"{path.name}: a box of {name} is of no known class", path,
                             number, expected="one of " + ", ".join(classes), found=repr(label),
                             fix="correct the annotation, or name all classes"))
        else:
            kept.append((label, box))
    return kept


@dataclass
class _Folder:
    """Which files belong to which image."""

    files: Files

    def __post_init__(self) -> None:
        self.places: dict[tuple[str, str], str] = {}
        for name in self.files.names:
            whole = PurePosixPath(name)
            self.places[whole.parent.name, whole.stem] = name

    def ids(self, part: str | None) -> list[str]:
        """The names of a part, in its order; without one, all that have an annotation."""
        if part is None:
            return sorted(stem for folder, stem in self.places if folder == "Annotations")
        name = self.places.get(("Main", part))
        if name is None:
            parts = sorted(stem for folder, stem in self.places if folder == "Main")
            raise DataError("E801", f"{self.files.path.name} has no part {part!r}", self.files.path,
                            expected="one of " + ", ".join(parts) if parts
                            else "ImageSets/Main/PART.txt", found=f"no ImageSets/Main/{part}.txt",
                            fix="part=None for all images")
        return self.files.text(name).split()

    def scene(self, name: str, row: int) -> tuple[Any, list[Box]]:
        """The pixels of an image, and its boxes."""
        path = self.files.path
        places = [self.places.get((folder, name)) for folder in ("JPEGImages", "Annotations")]
        picture, notes = places
        if picture is None or notes is None:
            what = "image" if picture is None else "annotation"
            raise DataError("E812", f"{path.name}: {name} has no {what}", path, row,
                            expected=f"JPEGImages/{name}.jpg and Annotations/{name}.xml",
                            found=", ".join(p for p in places if p) or "neither",
                            fix='put it there, or bad="skip"')
        boxes = _parsed(path, notes, self.files.text(notes), row)
        return pixels(open_picture(path, picture, self.files.read(picture), "RGB", row)), boxes


def _parsed(path: Path, name: str, text: str, row: int) -> list[Box]:
    """Class and sides of every object of an annotation."""
    try:
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise ValueError("a document type: entities may grow without end")
        root = ET.fromstring(text)
        return [(_text(entry, "name"), [float(_text(entry, f"bndbox/{side}")) for side in SIDES])
                for entry in root.iter("object")]
    except (ET.ParseError, ValueError) as error:
        raise DataError("E804", f"{path.name}: {name} is no annotation", path, row,
                        expected="<object> with <name> and <bndbox> of xmin, ymin, xmax, ymax",
                        found=str(error), fix="correct it, or bad=\"skip\"") from error


def _text(entry: ET.Element, place: str) -> str:
    found = entry.findtext(place)
    if found is None or not found.strip():
        raise ValueError(f"an object without {place}")
    return found.strip()
