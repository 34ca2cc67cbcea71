"""Where pixels go: flips, crops, sizes. A picture of any kind flows in; the same kind flows out."""

from __future__ import annotations

import math
from typing import Any

from ...graph.errors import ArgumentError, ShapeError
from . import chance
from .base import Geometric
from .image import pair
from .moves import Both, Flip, Move, Scale, Still, Window
from .settings import interpolation as reading
from .settings import interval, probability, sides
from .settings import padding_mode as edges


class RandomHorizontalFlip(Geometric):
    """Left and right exchanged with probability p.

    Shape   any picture -> the same
    Raises  E423 unless p is in [0, 1]
    Source  torchvision.transforms.RandomHorizontalFlip
    """

    def __init__(self, p: float = 0.5) -> None: self.p = probability("RandomHorizontalFlip", p)

    def move(self, high: int, wide: int) -> Move:
        return Still((high, wide)) if chance.uniform() >= self.p else Flip((high, wide), True)

    def __repr__(self) -> str: return f"RandomHorizontalFlip(p={self.p})"


class RandomVerticalFlip(Geometric):
    """Top and bottom exchanged with probability p.

    Shape   any picture -> the same
    Raises  E423 unless p is in [0, 1]
    Source  torchvision.transforms.RandomVerticalFlip
    """

    def __init__(self, p: float = 0.5) -> None: self.p = probability("RandomVerticalFlip", p)

    def move(self, high: int, wide: int) -> Move:
        return Still((high, wide)) if chance.uniform() >= self.p else Flip((high, wide), False)

    def __repr__(self) -> str: return f"RandomVerticalFlip(p={self.p})"


class Pad(Geometric):
    """Pixels added on all sides.

    Shape   (H, W) -> (H + top + bottom, W + left + right)
    Params  padding       pixels on all sides; or (left and right, top and bottom); or
                          (left, top, right, bottom)
            fill          their value
            padding_mode  constant, edge, reflect or symmetric
    Raises  E423 for another padding or mode
    Source  torchvision.transforms.Pad
    """

    def __init__(self, padding: Any, fill: float = 0, padding_mode: str = "constant") -> None:
        self.padding, self.fill = sides("Pad", padding), fill
        self.padding_mode = edges("Pad", padding_mode)

    def move(self, high: int, wide: int) -> Move:
        left, top, right, bottom = self.padding
        return Window((high + top + bottom, wide + left + right), -top, -left, self.fill,
                      self.padding_mode)

    def __repr__(self) -> str: return f"Pad(padding={self.padding})"


class RandomCrop(Geometric):
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
        self.padding_mode = edges("RandomCrop", padding_mode)
        self.size, self.padding, self.pad_if_needed = pair(size), padding, pad_if_needed
        self._sides = (0, 0, 0, 0) if padding is None else sides("RandomCrop", padding)
        self.fill = fill

    def move(self, high: int, wide: int) -> Move:
        left, top, right, bottom = self._sides
        have = [high + top + bottom, wide + left + right]
        if self.pad_if_needed:
            more = [max(want - n, 0) for want, n in zip(self.size, have, strict=True)]
            top, left = top + more[0], left + more[1]
            have = [n + 2 * m for n, m in zip(have, more, strict=True)]
        if have[0] < self.size[0] or have[1] < self.size[1]:
            raise ShapeError("E422", "RandomCrop", f"{self.size} does not fit into {tuple(have)}",
                             got={"picture": f"{high} x {wide}"},
                             need="a picture at least as large, or padding",
                             tries=[("pad_if_needed=True", lambda: None)])
        at = [chance.integer(n - want + 1) for n, want in zip(have, self.size, strict=True)]
        return Window(self.size, at[0] - top, at[1] - left, self.fill, self.padding_mode)

    def __repr__(self) -> str: return f"RandomCrop(size={self.size}, padding={self.padding})"


class CenterCrop(Geometric):
    """The middle of the picture; zeros around it when it is smaller.

    Shape   (H, W) -> size
    Source  torchvision.transforms.CenterCrop
    """

    def __init__(self, size: Any) -> None: self.size = pair(size)

    def move(self, high: int, wide: int) -> Move:
        starts: list[int] = []
        for have, want in zip((high, wide), self.size, strict=True):
            before = max(want - have, 0) // 2                  # zeros; the odd one goes behind
            starts.append(round((max(have, want) - want) / 2) - before)
        return Window(self.size, starts[0], starts[1])

    def __repr__(self) -> str: return f"CenterCrop(size={self.size})"


class RandomResizedCrop(Geometric):
    """A part of random area and shape, in a given size.

    Shape   (H, W) -> size
    Params  scale  smallest and largest share of the area, in (0, 1]
            ratio  smallest and largest width / height; the logarithm is uniform
    Raises  E423
    Source  torchvision.transforms.RandomResizedCrop; Szegedy et al. 2015, arXiv:1409.4842
    """

    def __init__(self, size: Any, scale: tuple[float, float] = (0.08, 1.0),
                 ratio: tuple[float, float] = (3 / 4, 4 / 3),
                 interpolation: str = "bilinear") -> None:
        op = "RandomResizedCrop"
        self.size, self.scale = pair(size), interval(op, "scale", scale, 1e-9, 1)
        self.ratio = interval(op, "ratio", ratio, 1e-9, 1e9)
        self.interpolation = reading(op, interpolation, "nearest", "bilinear", "bicubic")

    def move(self, high: int, wide: int) -> Move:
        part = random_part(high, wide, self.scale, self.ratio) or self._middle(high, wide)
        return Both(part, Scale(self.size, part.size, self.interpolation))

    def _middle(self, high: int, wide: int) -> Window:
        """The largest part of a fitting shape, when ten random ones did not fit."""
        shape = min(max(wide / high, self.ratio[0]), self.ratio[1])
        h, w = min(high, round(wide / shape)), min(wide, round(high * shape))
        return Window((h, w), (high - h) // 2, (wide - w) // 2)

    def __repr__(self) -> str: return f"RandomResizedCrop(size={self.size}, scale={self.scale})"


class Resize(Geometric):
    """The picture in another size, bilinear with antialiasing, as PIL does it.

    Shape   (H, W) -> size; with one number the shorter side gets it and the other follows
    Params  interpolation  nearest, bilinear or bicubic; masks always by the nearest pixel
    Raises  E423 for a size below 1
    Source  torchvision.transforms.Resize
    """

    def __init__(self, size: Any, interpolation: str = "bilinear") -> None:
        self.size = size if isinstance(size, int) else tuple(size)
        if min(pair(size)) < 1:
            raise ArgumentError("E423", "Resize", f"size is {size}", need="at least 1")
        self.interpolation = reading("Resize", interpolation, "nearest", "bilinear", "bicubic")

    def move(self, high: int, wide: int) -> Move:
        return Scale(self._target(high, wide), (high, wide), self.interpolation)

    def _target(self, high: int, wide: int) -> tuple[int, int]:
        if not isinstance(self.size, int) and len(self.size) > 1:
            return pair(self.size)
        short = pair(self.size)[0]
        return (short, int(short * wide / high)) if high <= wide else (int(short * high / wide),
                                                                       short)

    def __repr__(self) -> str: return f"Resize(size={self.size})"


def random_part(high: int, wide: int, scale: tuple[float, float],
                ratio: tuple[float, float]) -> Window | None:
    """A window of random area and shape; None when ten tries did not fit."""
    for _ in range(10):
        area = high * wide * chance.between(*scale)
        shape = math.exp(chance.between(math.log(ratio[0]), math.log(ratio[1])))
        h, w = round(math.sqrt(area / shape)), round(math.sqrt(area * shape))
        if 0 < h <= high and 0 < w <= wide:
            return Window((h, w), chance.integer(high - h + 1), chance.integer(wide - w + 1))
    return None


