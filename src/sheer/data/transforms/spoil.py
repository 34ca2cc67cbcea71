"""Pictures made worse: blurred, noisy, with holes; masks and boxes stay."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.errors import ArgumentError
from . import chance
from .base import PictureTransform
from .colour import in_floats, top
from .geometry import random_part
from .image import pair
from .settings import interval, probability


class GaussianBlur(PictureTransform):
    """Blurred by a Gaussian of random width; the edge is mirrored.

    Shape   any picture -> the same
    Params  kernel_size  odd, one number or (height, width)
            sigma        of the Gaussian in pixels: a number, or (smallest, largest)
    Raises  E423
    Source  torchvision.transforms.GaussianBlur
    """

    def __init__(self, kernel_size: Any, sigma: Any = (0.1, 2.0)) -> None:
        self.kernel_size = pair(kernel_size)
        if any(k < 1 or k % 2 == 0 for k in self.kernel_size):
            raise ArgumentError("E423", "GaussianBlur", f"kernel_size = {kernel_size}",
                                need="odd numbers >= 1")
        self.sigma = interval("GaussianBlur", "sigma", (sigma, sigma) if np.ndim(sigma) == 0
                              else sigma, 1e-9, float("inf"))

    def on_pixels(self, a: np.ndarray) -> np.ndarray:
        width = chance.between(*self.sigma)
        def blurred(x: np.ndarray) -> np.ndarray:
            for axis, k in enumerate(self.kernel_size):
                x = smoothed(x, axis, gaussian(k, width))
            return x
        return in_floats(a, blurred)

    def __repr__(self) -> str:
        return f"GaussianBlur(kernel_size={self.kernel_size}, sigma={self.sigma})"


class GaussianNoise(PictureTransform):
    """Normal noise on every number.

    Shape   any picture -> the same
    Params  mean, sigma  of the noise, where full light is 1
            clip         cut the result off at 0 and full light
    Raises  E423; E424 for whole numbers that do not say what full light is
    Source  torchvision.transforms.v2.GaussianNoise
    """

    def __init__(self, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> None:
        if sigma < 0:
            raise ArgumentError("E423", "GaussianNoise", f"sigma = {sigma}", need=">= 0")
        self.mean, self.sigma, self.clip = mean, sigma, clip

    def on_pixels(self, a: np.ndarray) -> np.ndarray:
        noise = self.mean + self.sigma * chance.normals(*a.shape)
        x = a + top(a) * noise
        if self.clip or a.dtype.kind == "u":
            x = x.clip(0, top(a))
        result: np.ndarray = (np.rint(x) if a.dtype.kind == "u" else x).astype(a.dtype)
        return result

    def __repr__(self) -> str: return f"GaussianNoise(mean={self.mean}, sigma={self.sigma})"


class RandomErasing(PictureTransform):
    """A random rectangle wiped out with probability p.

    Shape   any picture -> the same
    Params  scale  smallest and largest share of the area
            ratio  smallest and largest width / height
            value  what is put there: a number, one per channel, or "random" for normal numbers
    Raises  E423
    Source  torchvision.transforms.RandomErasing; Zhong et al. 2017, arXiv:1708.04896
    """

    def __init__(self, p: float = 0.5, scale: tuple[float, float] = (0.02, 0.33),
                 ratio: tuple[float, float] = (0.3, 3.3), value: Any = 0) -> None:
        self.p = probability("RandomErasing", p)
        self.scale = interval("RandomErasing", "scale", scale, 1e-9, 1)
        self.ratio = interval("RandomErasing", "ratio", ratio, 1e-9, 1e9)
        if isinstance(value, str) and value != "random":
            raise ArgumentError("E423", "RandomErasing", f"value = {value!r}",
                                need='a number, one per channel, or "random"')
        self.value = value

    def on_pixels(self, a: np.ndarray) -> np.ndarray:
        if chance.uniform() >= self.p:
            return a
        part = random_part(a.shape[0], a.shape[1], self.scale, self.ratio)
        if part is None:
            return a
        out, (h, w) = a.copy(), part.size
        hole = out[part.top:part.top + h, part.left:part.left + w]
        random = isinstance(self.value, str)
        limits = (0, top(a)) if random and a.dtype.kind == "u" else (-np.inf, np.inf)
        hole[...] = np.clip(chance.normals(*hole.shape) * top(a), *limits) \
            if random else np.asarray(self.value)
        return out

    def __repr__(self) -> str: return f"RandomErasing(p={self.p}, scale={self.scale})"


def gaussian(size: int, sigma: float) -> np.ndarray:
    """Weights that add up to 1, (size,)."""
    x = np.arange(size) - (size - 1) / 2
    weights = np.exp(-0.5 * (x / sigma) ** 2)
    result: np.ndarray = weights / weights.sum()
    return result


def smoothed(x: np.ndarray, axis: int, weights: np.ndarray) -> np.ndarray:
    """The weighted mean along an axis, whose edge is mirrored without its last pixel."""
    half = len(weights) // 2
    padded = np.pad(x, [(half, half) if i == axis else (0, 0) for i in range(x.ndim)],
                    mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis)
    result: np.ndarray = (windows @ weights).astype(np.float32)
    return result
