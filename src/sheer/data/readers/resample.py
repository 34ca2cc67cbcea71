"""A sound at one rate goes in; the same sound at another rate comes out."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sheer.data.errors import DataError

ZEROS = 16             # zero crossings of the sinc on each side: 80 dB below what is kept
ROLLOFF = 0.95         # where the filter begins to fall, as a share of the lower half rate


def resample(waves: NDArray[np.float32], old: int, new: int) -> NDArray[np.float32]:
    """Change the number of samples per second; what is above half the new rate is taken out.

    Shape   (*B, T) -> (*B, ceil(T * new / old))
    Params  old, new  samples per second
    Raises  E638 for a rate that is not a whole number > 0
    Source  J. O. Smith, "Digital Audio Resampling": interpolation by a sinc under a window (Hann)
    """
    for rate in (old, new):
        if not isinstance(rate, int | np.integer) or rate < 1:
            raise DataError("E638", f"resample: a rate of {rate!r}", expected="a whole number > 0",
                            found=repr(rate), fix="rate=16000")
    common = math.gcd(old, new)
    down, up = old // common, new // common
    if down == up:
        return waves
    kernels, reach = _kernels(down, up)                              # (up, taps)
    length = -(-waves.shape[-1] * up // down)
    steps = -(-length // up)
    room = [(0, 0)] * (waves.ndim - 1) + [(reach, reach + steps * down)]
    padded = np.pad(waves, room)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernels.shape[1], -1)
    found = windows[..., :steps * down:down, :] @ kernels.T          # (*B, steps, up)
    return np.ascontiguousarray(found.reshape(*waves.shape[:-1], -1)[..., :length], np.float32)


@lru_cache(maxsize=16)
def _kernels(down: int, up: int) -> tuple[NDArray[np.float32], int]:
    """One filter for each of the `up` places a new sample may have between old ones."""
    cutoff = ROLLOFF * min(1.0, up / down)                           # share of the old half rate
    reach = math.ceil(ZEROS / cutoff)
    places = np.arange(-reach, reach + down + 1)                     # old samples around
    away = (places[None, :] - np.arange(up)[:, None] * down / up) * cutoff
    window = np.where(np.abs(away) < ZEROS, np.cos(np.pi * away / (2 * ZEROS)) ** 2, 0)
    return (cutoff * np.sinc(away) * window).astype(np.float32), reach
