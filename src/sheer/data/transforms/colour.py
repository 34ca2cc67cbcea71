"""Colours: a picture flows in, as bright or grey as chance has it; masks and boxes stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...graph.errors import ArgumentError, DTypeError, ShapeError
from . import chance
from .base import PictureTransform
from .settings import interval, probability

LUMA = np.array([0.299, 0.587, 0.114], np.float32)    # ITU-R BT.601, as PIL's mode L
Change = Callable[[np.ndarray], np.ndarray]


class ColorJitter(PictureTransform):
    """Brightness, contrast, saturation and hue changed at random, in random order.

    Shape   any picture -> the same; saturation and hue leave a grey one as it is
    Params  brightness, contrast, saturation  d for a factor in [max(0, 1 - d), 1 + d], or a range
            hue  d for a shift in [-d, d] of the whole circle, at most 0.5; or a range
    Raises  E423; E424 for whole numbers that do not say what full light is
    Source  torchvision.transforms.ColorJitter
    """

    def __init__(self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0,
                 hue: Any = 0) -> None:
        self.brightness, self.contrast, self.saturation = (
            _factor(name, value) for name, value in [
                ("brightness", brightness), ("contrast", contrast), ("saturation", saturation)])
        self.hue = interval("ColorJitter", "hue", (-hue, hue) if np.ndim(hue) == 0 else hue,
                            -0.5, 0.5)

    def on_pixels(self, a: np.ndarray) -> np.ndarray:
        b, c, s, h = (chance.between(*r) for r in (self.brightness, self.contrast, self.saturation,
                                                   self.hue))
        steps: list[Change] = [
            lambda x: blend(x, 0.0, b), lambda x: blend(x, grey(x).mean(), c),
            lambda x: blend(x, grey(x), s) if coloured(x) else x,
            lambda x: hue_moved(x, h) if coloured(x) and h else x]
        order = chance.order(4)
        fixed = [self.brightness, self.contrast, self.saturation] == [(1.0, 1.0)] * 3
        if fixed and self.hue == (0.0, 0.0):
            return a
        top(a)                                # without full light nothing is bright or dark
        return in_floats(a, *(steps[i] for i in order))

    def __repr__(self) -> str:
        return (f"ColorJitter(brightness={self.brightness}, contrast={self.contrast}, "
                f"saturation={self.saturation}, hue={self.hue})")


class Grayscale(PictureTransform):
    """The picture without its colours.

    Shape   (H, W, 3) -> (H, W) for PIL and arrays of one channel, (H, W, 3) with three
    Raises  E423 unless num_output_channels is 1 or 3
    Source  torchvision.transforms.Grayscale
    """

    def __init__(self, num_output_channels: int = 1) -> None:
        if num_output_channels not in (1, 3):
            raise ArgumentError("E423", "Grayscale", f"{num_output_channels} output channels",
                                need="1 or 3")
        self.num_output_channels = num_output_channels

    def on_pixels(self, a: np.ndarray) -> np.ndarray:
        flat = in_floats(a, grey) if coloured(a) else a
        flat = flat[:, :, None] if flat.ndim == 2 else flat                  # (H, W, 1)
        if self.num_output_channels == 3:
            return np.repeat(flat, 3, axis=2)
        return flat[:, :, 0]

    def __repr__(self) -> str: return f"Grayscale(num_output_channels={self.num_output_channels})"


class RandomGrayscale(PictureTransform):
    """The colours gone with probability p; as many channels as before.

    Shape   any picture -> the same
    Raises  E423
    Source  torchvision.transforms.RandomGrayscale
    """

    def __init__(self, p: float = 0.1) -> None: self.p = probability("RandomGrayscale", p)

    def on_pixels(self, a: np.ndarray) -> np.ndarray:
        if chance.uniform() >= self.p or not coloured(a):
            return a
        return np.repeat(in_floats(a, grey), 3, axis=2)

    def __repr__(self) -> str: return f"RandomGrayscale(p={self.p})"


class RandomInvert(PictureTransform):
    """Light and dark exchanged with probability p.

    Shape   any picture -> the same; floats are in [0, 1]
    Raises  E423; E424 for whole numbers that do not say what full light is
    Source  torchvision.transforms.RandomInvert
    """

    def __init__(self, p: float = 0.5) -> None: self.p = probability("RandomInvert", p)

    def on_pixels(self, a: np.ndarray) -> np.ndarray:
        if chance.uniform() >= self.p:
            return a
        result: np.ndarray = (top(a) - a).astype(a.dtype)
        return result

    def __repr__(self) -> str: return f"RandomInvert(p={self.p})"


def in_floats(a: np.ndarray, *steps: Change) -> np.ndarray:
    """Steps on values whose full light is 1; uint8 and uint16 come back rounded."""
    full = top(a) if a.dtype.kind == "u" else 1
    x = a.astype(np.float32) / np.float32(full) if full > 1 else a.astype(np.float32)
    for step in steps:
        x = step(x)
    if full > 1:
        x = np.rint(x * full).clip(0, full)
    return x.astype(a.dtype if a.dtype.kind in "uf" else np.float32)


def coloured(a: np.ndarray) -> bool:
    """Has it red, green and blue? Raises E425 for 2 or more than 3 channels: who knows which?"""
    if a.ndim == 3 and a.shape[2] not in (1, 3):
        raise ShapeError("E425", "colour", f"{a.shape[2]} channels are no known colours",
                         got={"picture": a}, need="1 channel, or 3: red, green, blue")
    return a.ndim == 3 and a.shape[2] == 3


def top(a: np.ndarray) -> int:
    """What full light is: 1 of floats, 255 of uint8, 65535 of uint16.

    Raises  E424 for other whole numbers: an int64 picture may mean 255, or its own largest number
    """
    if a.dtype in (np.uint8, np.uint16):
        return int(np.iinfo(a.dtype).max)
    if a.dtype.kind in "iu":
        raise DTypeError("E424", "colour", f"{a.dtype} does not say what full light is",
                         got={"picture": a}, need="uint8, uint16, or floats in [0, 1]")
    return 1


def grey(x: np.ndarray) -> np.ndarray:
    """Luma, (H, W, 1); a grey picture as it is."""
    return (x @ LUMA)[:, :, None] if coloured(x) else x


def blend(x: np.ndarray, other: Any, factor: float) -> np.ndarray:
    """factor of x, and the rest of the other; cut off at no and full light."""
    result: np.ndarray = (factor * x + (1 - factor) * other).astype(np.float32).clip(0, 1)
    return result


def hue_moved(x: np.ndarray, shift: float) -> np.ndarray:
    """The hue turned by a share of the circle; value and saturation stay.

    Source  Smith 1978, doi:10.1145/965139.807361
    """
    most, least = x.max(2, keepdims=True), x.min(2, keepdims=True)
    chroma = most - least
    safe = np.where(chroma == 0, 1, chroma)
    red, green, blue = (x[:, :, i:i + 1] for i in range(3))
    sixth = np.where(most == red, ((green - blue) / safe) % 6,
                     np.where(most == green, (blue - red) / safe + 2, (red - green) / safe + 4))
    sixth = (sixth + 6 * shift) % 6
    at = (np.array([5, 3, 1]) + sixth) % 6                     # (H, W, 3)
    moved: np.ndarray = most - chroma * np.minimum(at, 4 - at).clip(0, 1)
    return moved


def _factor(name: str, value: Any) -> tuple[float, float]:
    if np.ndim(value) == 0 and value < 0:
        raise ArgumentError("E423", "ColorJitter", f"{name} = {value} is negative", need=">= 0")
    given = (max(0, 1 - value), 1 + value) if np.ndim(value) == 0 else value
    return interval("ColorJitter", name, given, 0, float("inf"))
