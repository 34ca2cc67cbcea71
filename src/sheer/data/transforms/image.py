"""Pictures: a PIL image, a NumPy array or a tensor flows in; its pixels, and back to its kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...graph.errors import DTypeError, ShapeError
from ...tensor import Tensor, tensor

Change = Callable[[np.ndarray], np.ndarray]      # (H, W) or (H, W, C) -> the same with other H, W


def is_pil(picture: Any) -> bool:
    """Is this a PIL image? Answered without importing PIL."""
    return hasattr(picture, "getbands") and hasattr(picture, "convert")


def pixels(picture: Any, op: str) -> np.ndarray:
    """The picture as (H, W) or (H, W, C), without a copy where possible.

    Raises  E424 for what is no picture, E425 for a wrong number of axes
    """
    if is_pil(picture):
        array = np.asarray(picture.convert("RGB") if picture.mode in ("P", "CMYK") else picture)
    elif isinstance(picture, Tensor):
        array = picture.numpy()
        array = np.moveaxis(array, -3, -1) if array.ndim == 3 else array
    elif isinstance(picture, np.ndarray):
        array = picture
    else:
        raise DTypeError("E424", op, f"a {type(picture).__name__} is no picture",
                         need="a PIL image, an array (H, W) or (H, W, C), or a tensor (C, H, W)")
    if array.ndim not in (2, 3):
        raise ShapeError("E425", op, f"a picture has 2 or 3 axes, this has {array.ndim}",
                         got={"picture": array}, need="(H, W), (H, W, C), or a tensor (C, H, W)")
    return array


def changed(picture: Any, change: Change, op: str) -> Any:
    """change(pixels) as the kind of picture that came in."""
    new = change(pixels(picture, op))
    if is_pil(picture):
        from PIL import Image
        return Image.fromarray(np.ascontiguousarray(new))
    if isinstance(picture, Tensor):
        new = np.moveaxis(new, -1, 0) if new.ndim == 3 else new
        return tensor(np.ascontiguousarray(new), dtype=picture.dtype)
    return new


def pair(value: Any) -> tuple[int, int]:
    """A size as (height, width); one number means a square."""
    if isinstance(value, int | np.integer):
        return int(value), int(value)
    values = tuple(int(v) for v in value)
    return (values[0], values[0]) if len(values) == 1 else (values[0], values[1])
