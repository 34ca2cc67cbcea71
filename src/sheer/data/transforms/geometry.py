"""Where pixels go: flips, crops, sizes. A picture of any kind flows in; the same kind flows out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.errors import ArgumentError, ShapeError
from . import chance
from .image import changed, pair


class RandomHorizontalFlip:
    """Left and right exchanged with probability p.

    Shape   any picture -> the same
    Raises  E423 unless p is in [0, 1]
    Source  torchvision.transforms.RandomHorizontalFlip
    """

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise ArgumentError("E423", "RandomHorizontalFlip", f"p = {p} is no probability",
                                need="0 <= p <= 1")
        self.p = p

    def __call__(self, picture: Any) -> Any:
        if chance.uniform() >= self.p:
            return picture
        return changed(picture, lambda a: a[:, ::-1], "RandomHorizontalFlip")

    def __repr__(self) -> str: return f"RandomHorizontalFlip(p={self.p})"


class RandomCrop:
    """A part of the picture at a random place, after padding.

    Shape   (H, W) -> size
    Params  size            (height, width), or one number for both
            padding         pixels on all sides; or (left and right, top and bottom); or
                            (left, top, right, bottom)
            pad_if_needed   pad a picture that is smaller than size
            fill            the value of padded pixels
            padding_mode    constant, edge, reflect or symmetric
    Raises  E422 when the picture is too small, E423 for another mode
    Source  torchvision.transforms.RandomCrop
    """

    def __init__(self, size: Any, padding: Any = None, pad_if_needed: bool = False, fill: float = 0,
                 padding_mode: str = "constant") -> None:
        if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
            raise ArgumentError("E423", "RandomCrop", f"there is no padding_mode {padding_mode!r}",
                                need="constant, edge, reflect or symmetric")
        self.size, self.padding, self.pad_if_needed = pair(size), padding, pad_if_needed
        self.fill, self.padding_mode = fill, padding_mode

    def __call__(self, picture: Any) -> Any: return changed(picture, self._crop, "RandomCrop")

    def _crop(self, a: np.ndarray) -> np.ndarray:
        if self.padding is not None:
            left, top, right, bottom = _sides(self.padding)
            a = self._pad(a, (top, bottom), (left, right))
        high, wide = self.size
        if self.pad_if_needed:
            up, across = max(high - a.shape[0], 0), max(wide - a.shape[1], 0)
            a = self._pad(a, (up, up), (across, across))
        if a.shape[0] < high or a.shape[1] < wide:
            raise ShapeError("E422", "RandomCrop", f"{self.size} does not fit into {a.shape[:2]}",
                             got={"picture": a}, need="a picture at least as large, or padding",
                             tries=[("pad_if_needed=True", lambda: None)])
        top, left = chance.integer(a.shape[0] - high + 1), chance.integer(a.shape[1] - wide + 1)
        return a[top:top + high, left:left + wide]

    def _pad(self, a: np.ndarray, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
        widths = (rows, columns, (0, 0))[:a.ndim]
        if self.padding_mode == "constant":
            return np.pad(a, widths, constant_values=self.fill)
        mode: Any = self.padding_mode
        return np.pad(a, widths, mode=mode)

    def __repr__(self) -> str: return f"RandomCrop(size={self.size}, padding={self.padding})"


class CenterCrop:
    """The middle of the picture; zeros around it when it is smaller.

    Shape   (H, W) -> size
    Source  torchvision.transforms.CenterCrop
    """

    def __init__(self, size: Any) -> None: self.size = pair(size)
    def __call__(self, picture: Any) -> Any: return changed(picture, self._crop, "CenterCrop")

    def _crop(self, a: np.ndarray) -> np.ndarray:
        for axis, want in enumerate(self.size):
            short = max(want - a.shape[axis], 0)
            widths = [(0, 0)] * a.ndim
            widths[axis] = short // 2, (short + 1) // 2
            a = np.pad(a, widths) if short else a
        top, left = (round((have - want) / 2) for have,
                     want in zip(a.shape[:2], self.size, strict=True))
        return a[top:top + self.size[0], left:left + self.size[1]]

    def __repr__(self) -> str: return f"CenterCrop(size={self.size})"


class Resize:
    """The picture in another size, bilinear with antialiasing, as PIL does it.

    Shape   (H, W) -> size; with one number the shorter side gets it and the other follows
    Raises  E423 for a size below 1
    Source  torchvision.transforms.Resize
    """

    def __init__(self, size: Any) -> None:
        self.size = size if isinstance(size, int) else tuple(size)
        if min(pair(size)) < 1:
            raise ArgumentError("E423", "Resize", f"size is {size}", need="at least 1")

    def __call__(self, picture: Any) -> Any: return changed(picture, self._resize, "Resize")

    def _resize(self, a: np.ndarray) -> np.ndarray:
        high, wide = self._target(*a.shape[:2])
        if (high, wide) == a.shape[:2]:
            return a
        if a.ndim == 2:
            return _resized(a, high, wide)
        return np.stack([_resized(a[:, :, c], high, wide) for c in range(a.shape[2])], axis=2)

    def _target(self, high: int, wide: int) -> tuple[int, int]:
        if not isinstance(self.size, int) and len(self.size) > 1:
            return pair(self.size)
        short = pair(self.size)[0]
        return (short, int(short * wide / high)) if high <= wide else (int(short * high / wide),
                                                                       short)

    def __repr__(self) -> str: return f"Resize(size={self.size})"


def _resized(a: np.ndarray, high: int, wide: int) -> np.ndarray:
    """One channel; bytes as PIL rounds them, everything else as float32."""
    from PIL import Image
    plane = np.ascontiguousarray(a if a.dtype == np.uint8 else a.astype(np.float32))
    new = np.asarray(Image.fromarray(plane).resize((wide, high), Image.Resampling.BILINEAR))
    return new.astype(a.dtype) if a.dtype != np.uint8 else new


def _sides(padding: Any) -> tuple[int, int, int, int]:
    """(left, top, right, bottom)."""
    if isinstance(padding, int):
        return padding, padding, padding, padding
    values = tuple(padding)
    left, top, right, bottom = values * (4 // len(values))
    return left, top, right, bottom
