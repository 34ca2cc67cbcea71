"""The archive of one published dataset of scenes goes in; its records come out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sheer.data.arrays.scenes import BoxArrays, MaskArrays
from sheer.data.readers.masks import read_masks
from sheer.data.readers.voc import read_voc

BCCD = ("RBC", "WBC", "Platelets")
CAMVID = ("Sky", "Building", "Pole", "Road", "Pavement", "Tree", "SignSymbol", "Fence", "Car",
          "Pedestrian", "Bicyclist")
CAMVID_VOID = 11                   # pixels of no class, to be ignored


def bccd(paths: Sequence[Path]) -> BoxArrays:
    """Blood cells of three kinds, many in an image; two boxes without area are skipped."""
    parts = [read_voc(paths[0], part, BCCD, "skip") for part in ("train", "val", "test")]
    train, validation, test = (part for part, _, _ in parts)
    return BoxArrays("bccd", BCCD, train, validation, test, paths[0],
                     sum(skipped for _, _, skipped in parts))


def raccoon(paths: Sequence[Path]) -> BoxArrays:
    """Raccoons, mostly one in an image."""
    parts = [read_voc(paths[0], part, ("raccoon",)) for part in ("train", "val")]
    return BoxArrays("raccoon", ("raccoon",), parts[0][0], parts[1][0], None, paths[0])


def camvid(paths: Sequence[Path]) -> MaskArrays:
    """Road scenes, eleven classes and pixels to ignore."""
    train, validation, test = (read_masks(paths[0], part, values=CAMVID_VOID + 1)[0]
                               for part in ("train", "val", "test"))
    return MaskArrays("camvid", CAMVID, CAMVID_VOID, train, validation, test, paths[0])
