"""From pictures to tensors: ToTensor and Normalize; and back to PIL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph.errors import ArgumentError, DTypeError
from ...mixins.core import wrap
from ...ops.structure import data
from ...tensor import Tensor
from .image import pixels


def scaled(array: np.ndarray) -> np.ndarray:
    """uint8 in 0..255 as float32 in [0, 1], bools as 0 and 1; other dtypes keep their values."""
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255)
    return array.astype(np.float32) if array.dtype in (np.bool_, np.float64) else array


def channels_first(array: np.ndarray) -> np.ndarray:
    """(H, W) or (H, W, C) as (C, H, W)."""
    return np.moveaxis(array if array.ndim == 3 else array[:, :, None], -1, 0)


class ToTensor:
    """A picture as a tensor with channels first, bytes scaled to [0, 1].

    Shape   PIL image or array (H, W) or (H, W, C) -> (C, H, W)
    Dtype   uint8 -> float32; bool -> float32; other dtypes stay
    Raises  E424, E425 for what is no picture
    Source  torchvision.transforms.ToTensor
    """

    def __call__(self, picture: Any) -> Tensor:
        if isinstance(picture, Tensor):
            raise DTypeError("E424", "ToTensor", "this is a tensor already",
                             got={"picture": picture.node},
                             need="a PIL image or an array")
        return _wrapped(scaled(channels_first(pixels(picture, "ToTensor"))))

    def __repr__(self) -> str: return "ToTensor()"


class PILToTensor:
    """A picture as a tensor with channels first and its own dtype.

    Shape   PIL image or array (H, W) or (H, W, C) -> (C, H, W)
    Source  torchvision.transforms.PILToTensor
    """

    def __call__(self, picture: Any) -> Tensor:
        return _wrapped(channels_first(pixels(picture, "PILToTensor")))

    def __repr__(self) -> str: return "PILToTensor()"


class ToPILImage:
    """A tensor (C, H, W) or an array (H, W, C) as a PIL image; floats in [0, 1] become bytes.

    Source  torchvision.transforms.ToPILImage
    """

    def __init__(self, mode: str | None = None) -> None: self.mode = mode

    def __call__(self, picture: Any) -> Any:
        from PIL import Image
        array = pixels(picture, "ToPILImage")
        array = array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array
        if isinstance(picture, Tensor) and array.dtype.kind == "f":
            array = (array * 255).astype(np.uint8)
        image = Image.fromarray(np.ascontiguousarray(array))
        return image if self.mode is None else image.convert(self.mode)

    def __repr__(self) -> str: return "ToPILImage()"


class Normalize:
    """(x - mean) / std, channel by channel.

    Shape   x (*B, C, H, W) -> the same
    Params  mean, std   one number per channel, or one for all; std not 0
            inplace     accepted; x itself never changes
    Raises  E421 for std 0, an integer tensor, or another number of channels
    Source  torchvision.transforms.Normalize
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        self.mean, self.std, self.inplace = mean, std, inplace
        self._mean, self._std = (np.asarray(v, np.float32).reshape(-1, 1, 1) for v in (mean, std))
        if not self._std.all():
            raise ArgumentError("E421", "Normalize", "a standard deviation is 0", got={"std": std},
                                need="positive numbers: a constant channel cannot be normalised")

    def __call__(self, picture: Any) -> Any:
        array = picture.numpy() if isinstance(picture, Tensor) else np.asarray(picture)
        if array.dtype.kind != "f" or array.ndim < 3:
            raise DTypeError("E421", "Normalize", "needs floats with channels first",
                             got={"x": picture},
                             need="a float tensor (*B, C, H, W)",
                             tries=[("Compose([ToTensor(), Normalize(...)])", lambda: None)])
        new = self.on_array(array)
        return _wrapped(new) if isinstance(picture, Tensor) else new

    def on_array(self, array: np.ndarray) -> np.ndarray:
        """The same on an array (*B, C, H, W)."""
        if not {len(self._mean), len(self._std)} <= {1, array.shape[-3]}:
            raise ArgumentError(
                "E421", "Normalize", f"{len(self._mean)} means for {array.shape[-3]} channels",
                got={"x": array, "mean": self.mean,
                     "std": self.std}, need="one per channel, or one for all")
        mean, std = self._mean.astype(array.dtype), self._std.astype(array.dtype)
        result: np.ndarray = (array - mean) / std
        return result

    def __repr__(self) -> str: return f"Normalize(mean={self.mean}, std={self.std})"


def _wrapped(array: np.ndarray) -> Tensor:
    made: Tensor = wrap(data(np.array(array, order="C")))
    return made
