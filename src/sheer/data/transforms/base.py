"""What picture transforms have in common: chance is drawn once; what belongs together follows.

    picture = transform(picture)
    picture, target = transform(picture, target)

A target is a dict with "boxes" (N, 4) as (x1, y1, x2, y2) and "mask" (H, W) or "masks" (N, H, W);
or a mask alone. What moves pixels moves boxes and masks alike; what changes colours leaves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...graph.errors import ArgumentError, ShapeError
from ...tensor import Tensor, tensor
from .image import changed, is_pil, pixels
from .moves import Move, Size


class PictureTransform:
    """Base: a subclass says what becomes of pixels; __call__ takes a picture, and its target."""

    def __call__(self, picture: Any, *target: Any) -> Any:
        new = changed(picture, self.on_pixels, type(self).__name__)
        return (new, *target) if target else new

    def on_pixels(self, a: np.ndarray) -> np.ndarray:
        """(H, W) or (H, W, C) -> the same."""
        raise NotImplementedError(f"{type(self).__name__} does not say what becomes of pixels")


class Geometric(PictureTransform):
    """Base of what moves pixels: a subclass draws the move for a picture of a given size."""

    def __call__(self, picture: Any, *target: Any) -> Any:
        op = type(self).__name__
        high, wide = pixels(picture, op).shape[:2]
        move = self.move(high, wide)
        new = changed(picture, move.pixels, op)
        return (new, *(followed(t, move, (high, wide), op) for t in target)) if target else new

    def move(self, high: int, wide: int) -> Move:
        """Where pixels go, drawn anew."""
        raise NotImplementedError(f"{type(self).__name__} does not say where pixels go")


def followed(target: Any, move: Move, size: Size, op: str) -> Any:
    """The target of a picture that was moved. Raises E665 for boxes or masks that do not fit."""
    if not isinstance(target, Mapping):
        return moved_mask(target, move, size, op)
    new = dict(target)
    if "boxes" in new:
        new["boxes"] = moved_boxes(new["boxes"], move, op)
    for name in {"mask", "masks"} & new.keys():
        new[name] = moved_mask(new[name], move, size, op)
    return new


def moved_boxes(boxes: Any, move: Move, op: str) -> Any:
    """The boxes around the moved corners, cut off at the picture's edges; one that has left it has
    no area. Raises E665 unless they are (N, 4).
    """
    given = boxes.numpy() if isinstance(boxes, Tensor) else np.asarray(boxes)
    if given.ndim != 2 or given.shape[1] != 4:
        raise ShapeError("E665", op, "these are no boxes", got={"boxes": given},
                         need="(N, 4) of x1, y1, x2, y2")
    corners = given[:, [[0, 1], [2, 1], [2, 3], [0, 3]]].astype(np.float64)    # (N, 4, 2)
    corners = move.points(corners)
    limit = np.array([move.size[1], move.size[0]])
    ends = np.concatenate([corners.min(1), corners.max(1)], 1).reshape(-1, 2, 2).clip(0, limit)
    kind = given.dtype if given.dtype.kind == "f" else np.dtype(np.float32)
    return _again(ends.reshape(-1, 4).astype(kind), boxes)


def moved_mask(mask: Any, move: Move, size: Size, op: str) -> Any:
    """A mask (H, W) or masks (N, H, W), each pixel by the nearest one. Raises E665."""
    given = np.asarray(mask) if is_pil(mask) else (
        mask.numpy() if isinstance(mask, Tensor) else np.asarray(mask))
    if given.ndim not in (2, 3) or given.shape[-2:] != size:
        raise ShapeError("E665", op, "the mask is not as large as the picture",
                         got={"mask": given, "picture": f"{size[0]} x {size[1]}"},
                         need="(H, W), or (N, H, W), of the picture's height and width")
    new = move.pixels(given if given.ndim == 2 else np.moveaxis(given, 0, -1), mask=True)
    return _again(new if given.ndim == 2 else np.moveaxis(new, -1, 0), mask)


class SanitizeBoundingBoxes:
    """Leave out boxes that are too small, with their labels and all else there is one of per box.

    Params  min_size  of width and height, in pixels
            min_area  in square pixels
    Raises  E665 for a target without boxes
    Source  torchvision.transforms.v2.SanitizeBoundingBoxes
    Example
        >>> target = {"boxes": np.array([[0, 0, 4, 4], [2, 2, 2, 3]]), "labels": np.array([7, 8])}
        >>> _, kept = SanitizeBoundingBoxes()(np.zeros((8, 8)), target)
        >>> kept["labels"].tolist()
        [7]
    """

    def __init__(self, min_size: float = 1.0, min_area: float = 1.0) -> None:
        self.min_size, self.min_area = min_size, min_area

    def __call__(self, picture: Any, target: Any) -> Any:
        boxes = target.get("boxes") if isinstance(target, Mapping) else None
        if boxes is None:
            raise ArgumentError("E665", "SanitizeBoundingBoxes", "there are no boxes",
                                need='a target {"boxes": (N, 4), ...}')
        given = boxes.numpy() if isinstance(boxes, Tensor) else np.asarray(boxes)
        width, height = given[:, 2] - given[:, 0], given[:, 3] - given[:, 1]
        kept = (np.minimum(width, height) >= self.min_size) & (width * height >= self.min_area)
        each = ("boxes", "labels", "masks", "area", "iscrowd", "difficult", "scores")
        new = {name: _again(np.asarray(v.numpy() if isinstance(v, Tensor) else v)[kept], v)
               if name in each else v for name, v in target.items()}
        return picture, new

    def __repr__(self) -> str: return f"SanitizeBoundingBoxes(min_size={self.min_size})"


def _again(new: np.ndarray, like: Any) -> Any:
    """As the kind of thing that came in."""
    if isinstance(like, Tensor):
        return tensor(np.ascontiguousarray(new))
    if is_pil(like):
        from PIL import Image
        image = Image.fromarray(np.ascontiguousarray(new))
        if like.mode == "P":
            image.putpalette(like.getpalette())
        return image
    return new if isinstance(like, np.ndarray) else new.tolist()
