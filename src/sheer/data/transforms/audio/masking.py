"""Masks on spectra: (*B, F, T) flows in; a random band of it, or stretch of time, is wiped out."""

from __future__ import annotations

import numpy as np

from ....graph.errors import ArgumentError
from .. import chance
from ..numbers import RowTransform
from ..settings import probability


class FrequencyMasking(RowTransform):
    """A random band of at most so many frequencies.

    Shape   (*B, F, T) -> the same
    Params  freq_mask_param  the band has 0 to this many rows, less one
            value            what is put there
    Raises  E423
    Source  torchaudio.transforms.FrequencyMasking; Park et al. 2019, SpecAugment, arXiv:1904.08779
    """

    axis = -2

    def __init__(self, freq_mask_param: int, value: float = 0.0) -> None:
        if freq_mask_param < 0:
            raise ArgumentError("E423", type(self).__name__, f"the mask is {freq_mask_param} long",
                                need=">= 0")
        self.most, self.share, self.value = freq_mask_param, 1.0, value

    def on_array(self, a: np.ndarray) -> np.ndarray:
        size = a.shape[self.axis]
        length = chance.between(0, min(self.most, self.share * size))
        first = int(chance.between(0, size - length))
        out = np.moveaxis(a.copy(), self.axis, 0)
        out[first:first + int(length)] = self.value
        return np.moveaxis(out, 0, self.axis)

    def __repr__(self) -> str: return f"{type(self).__name__}({self.most})"


class TimeMasking(FrequencyMasking):
    """A random stretch of at most so many frames.

    Shape   (*B, F, T) -> the same
    Params  time_mask_param  the stretch has 0 to this many frames, less one
            p                and at most this share of all
    Raises  E423
    Source  torchaudio.transforms.TimeMasking; Park et al. 2019, SpecAugment, arXiv:1904.08779
    """

    axis = -1

    def __init__(self, time_mask_param: int, p: float = 1.0, value: float = 0.0) -> None:
        super().__init__(time_mask_param, value)
        self.share = probability("TimeMasking", p)
