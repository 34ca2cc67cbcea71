"""Waves: sound (*B, T) flows in; the same noisier, moved in time, or louder flows out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....graph.errors import ArgumentError
from .. import chance
from ..numbers import RowTransform
from ..settings import interval, probability


class AddNoise(RowTransform):
    """Normal noise at a random signal-to-noise ratio.

    Shape   (*B, T) -> the same; silence stays silent
    Params  snr  in decibels: (smallest, largest), or one number
    Raises  E423
    Source  definition: 10 log10 of signal power over noise power
    """

    def __init__(self, snr: Any = (10.0, 30.0)) -> None:
        self.snr = interval("AddNoise", "snr", (snr, snr) if np.ndim(snr) == 0 else snr,
                            -math.inf, math.inf)

    def on_array(self, a: np.ndarray) -> np.ndarray:
        power = float(np.mean(np.square(a, dtype=np.float64)))
        deviation = math.sqrt(power / 10 ** (chance.between(*self.snr) / 10))
        result: np.ndarray = a + deviation * chance.normals(*a.shape)
        return result

    def __repr__(self) -> str: return f"AddNoise(snr={self.snr})"


class RandomShift(RowTransform):
    """Moved in time by a random number of samples; silence, or the other end, fills the gap.

    Shape   (*B, T) -> the same
    Params  most  samples, or a share of T when below 1
            wrap  put what leaves at one end in at the other
    Raises  E423
    Source  definition
    """

    def __init__(self, most: float = 0.1, wrap: bool = False) -> None:
        if most < 0:
            raise ArgumentError("E423", "RandomShift", f"most = {most}", need=">= 0")
        self.most, self.wrap = most, wrap

    def on_array(self, a: np.ndarray) -> np.ndarray:
        length = a.shape[-1]
        reach = min(int(self.most * length) if self.most < 1 else int(self.most), length)
        by = chance.integer(2 * reach + 1) - reach
        moved = np.roll(a, by, axis=-1)
        if not self.wrap and by:
            moved[..., slice(0, by) if by > 0 else slice(by, None)] = 0
        return moved

    def __repr__(self) -> str: return f"RandomShift(most={self.most}, wrap={self.wrap})"


class Vol(RowTransform):
    """Another volume.

    Shape   (*B, T) -> the same, cut off at -1 and 1
    Params  gain       a factor, a ratio of powers, or decibels
            gain_type  "amplitude", "power" or "db"
    Raises  E423
    Source  torchaudio.transforms.Vol
    """

    def __init__(self, gain: float, gain_type: str = "amplitude") -> None:
        if gain_type not in ("amplitude", "power", "db") or (gain_type != "db" and gain < 0):
            raise ArgumentError("E423", "Vol", f"gain = {gain} of type {gain_type!r}",
                                need='"amplitude" or "power" >= 0, or "db"')
        self.gain, self.gain_type = gain, gain_type
        self.factor = {"amplitude": gain, "power": abs(gain) ** 0.5, "db": 10 ** (gain / 20)
                       if gain_type == "db" else 0.0}[gain_type]

    def on_array(self, a: np.ndarray) -> np.ndarray:
        result: np.ndarray = (a * self.factor).clip(-1, 1)
        return result

    def __repr__(self) -> str: return f"Vol(gain={self.gain}, gain_type={self.gain_type!r})"


class RandomGain(RowTransform):
    """A random volume, with probability p.

    Shape   (*B, T) -> the same, cut off at -1 and 1
    Params  db  smallest and largest change in decibels
    Raises  E423
    Source  definition
    """

    def __init__(self, db: tuple[float, float] = (-6.0, 6.0), p: float = 1.0) -> None:
        self.db = interval("RandomGain", "db", db, -math.inf, math.inf)
        self.p = probability("RandomGain", p)

    def on_array(self, a: np.ndarray) -> np.ndarray:
        if chance.uniform() >= self.p:
            return a
        return Vol(chance.between(*self.db), "db").on_array(a)

    def __repr__(self) -> str: return f"RandomGain(db={self.db})"
