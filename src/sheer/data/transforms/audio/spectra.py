"""Spectra of sound: a wave (*B, T) flows in, spectrogram, mel bands or cepstrum flows out.

All of them are tensor operations: they can be differentiated, and run inside a compiled program.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .... import fft
from ....graph.errors import ArgumentError, ShapeError
from ....tensor import Tensor, as_tensor, tensor


class Spectrogram:
    """How strong each frequency is in each short stretch of time.

    Shape   (*B, T) -> (*B, n_fft // 2 + 1, 1 + T // hop_length); without center only whole frames
    Params  n_fft       samples of a frame, Hann window
            win_length  samples under the window; n_fft unless given
            hop_length  samples from frame to frame; win_length // 2 unless given
            power       2: power, 1: magnitude
            center      frame i is centred at i * hop_length, the wave mirrored at its ends
    Raises  E423 for other sizes, E666 for a wave that is too short
    Source  torchaudio.transforms.Spectrogram
    Example
        >>> Spectrogram(n_fft=64)(np.zeros(800, np.float32)).shape
        (33, 26)
    """

    def __init__(self, n_fft: int = 400, win_length: int | None = None,
                 hop_length: int | None = None, power: float = 2.0, center: bool = True) -> None:
        self.n_fft, self.win_length = n_fft, win_length or n_fft
        self.hop_length = hop_length or self.win_length // 2
        self.power, self.center = power, center
        if not 1 <= self.win_length <= n_fft or self.hop_length < 1:
            raise ArgumentError("E423", "Spectrogram", "these sizes do not go together",
                                got={"n_fft": n_fft, "win_length": win_length,
                                     "hop_length": hop_length},
                                need="1 <= win_length <= n_fft, hop_length >= 1")
        before = (n_fft - self.win_length) // 2
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.win_length) / self.win_length)
        self._window = np.pad(window, (before, n_fft - self.win_length - before))

    def __call__(self, wave: Any) -> Tensor:
        x = as_tensor(wave)
        frames = self._frames(x)                               # (*B, frames, n_fft)
        real, imaginary = fft.rfft(frames * tensor(self._window, dtype=x.dtype))
        strength = real * real + imaginary * imaginary
        if self.power != 2.0:
            strength = strength ** (self.power / 2)
        result: Tensor = strength.transpose(-1, -2)            # (*B, n_fft // 2 + 1, frames)
        return result

    def _frames(self, x: Tensor) -> Tensor:
        length, half = x.shape[-1] if x.ndim else 0, self.n_fft // 2
        if length < (half + 1 if self.center else self.n_fft):
            raise ShapeError("E666", "Spectrogram", "the wave is shorter than a frame",
                             got={"wave": x.node}, need=f"more than {half} samples" if self.center
                             else f"at least {self.n_fft} samples")
        at = np.arange(-half, length + half) if self.center else np.arange(length)
        at = np.where(at < 0, -at, np.where(at >= length, 2 * (length - 1) - at, at))
        starts = np.arange(0, len(at) - self.n_fft + 1, self.hop_length)
        rows = at[starts[:, None] + np.arange(self.n_fft)]     # (frames, n_fft)
        result: Tensor = x[..., tensor(rows)]
        return result

    def __repr__(self) -> str:
        return f"Spectrogram(n_fft={self.n_fft}, hop_length={self.hop_length})"


class MelScale:
    """Frequencies gathered into bands that are equally wide to the ear.

    Shape   (*B, n_stft, T) -> (*B, n_mels, T)
    Params  n_mels, sample_rate  bands, samples per second
            f_min, f_max         lowest and highest frequency; half the rate unless given
    Raises  E423; E666 for another number of frequencies
    Source  torchaudio.transforms.MelScale, HTK scale: 2595 log10(1 + f / 700)
    """

    def __init__(self, n_mels: int = 128, sample_rate: int = 16000, f_min: float = 0.0,
                 f_max: float | None = None, n_stft: int = 201) -> None:
        self.n_mels, self.n_stft = n_mels, n_stft
        self._filters = mel_filters(n_stft, f_min, f_max or sample_rate / 2, n_mels, sample_rate)

    def __call__(self, spectrum: Any) -> Tensor:
        x = as_tensor(spectrum)
        if x.ndim < 2 or x.shape[-2] != self.n_stft:
            raise ShapeError("E666", "MelScale", "the spectrum has another number of frequencies",
                             got={"spectrum": x.node}, need=f"(*B, {self.n_stft}, T)")
        result: Tensor = tensor(self._filters, dtype=x.dtype).T @ x            # (*B, n_mels, T)
        return result

    def __repr__(self) -> str: return f"MelScale(n_mels={self.n_mels}, n_stft={self.n_stft})"


class AmplitudeToDB:
    """Decibels: 10 log10 of powers, 20 log10 of magnitudes.

    Shape   any -> the same
    Params  stype   "power" or "magnitude"
            top_db  what is so far below the loudest is raised to that; per call
    Raises  E423
    Source  torchaudio.transforms.AmplitudeToDB
    """

    def __init__(self, stype: str = "power", top_db: float | None = None) -> None:
        if stype not in ("power", "magnitude") or (top_db is not None and top_db < 0):
            raise ArgumentError("E423", "AmplitudeToDB", f"stype = {stype!r}, top_db = {top_db}",
                                need='"power" or "magnitude"; top_db >= 0')
        self.stype, self.top_db = stype, top_db

    def __call__(self, strength: Any) -> Tensor:
        x = as_tensor(strength)
        factor = (10 if self.stype == "power" else 20) / math.log(10)
        level = x.clamp(min=1e-10).log() * factor
        if self.top_db is not None:
            level = level.maximum(level.max() - self.top_db)
        result: Tensor = level
        return result

    def __repr__(self) -> str: return f"AmplitudeToDB(stype={self.stype!r}, top_db={self.top_db})"


class MelSpectrogram:
    """A spectrogram in mel bands.

    Shape   (*B, T) -> (*B, n_mels, frames)
    Params  as Spectrogram's and MelScale's
    Raises  E423, E666
    Source  torchaudio.transforms.MelSpectrogram
    Example
        >>> MelSpectrogram(8000, n_fft=256, n_mels=32)(np.zeros(4000, np.float32)).shape
        (32, 32)
    """

    def __init__(self, sample_rate: int = 16000, n_fft: int = 400, win_length: int | None = None,
                 hop_length: int | None = None, f_min: float = 0.0, f_max: float | None = None,
                 n_mels: int = 128, power: float = 2.0, center: bool = True) -> None:
        self.spectrogram = Spectrogram(n_fft, win_length, hop_length, power, center)
        self.mel_scale = MelScale(n_mels, sample_rate, f_min, f_max, n_fft // 2 + 1)

    def __call__(self, wave: Any) -> Tensor: return self.mel_scale(self.spectrogram(wave))
    def __repr__(self) -> str: return f"MelSpectrogram({self.spectrogram!r}, {self.mel_scale!r})"


class MFCC:
    """The cepstrum: a cosine transform of the mel bands in decibels.

    Shape   (*B, T) -> (*B, n_mfcc, frames)
    Params  n_mfcc     numbers per frame
            log_mels   natural logarithms instead of decibels
            melkwargs  what MelSpectrogram gets
    Raises  E423, E666
    Source  torchaudio.transforms.MFCC; Davis and Mermelstein 1980, doi:10.1109/TASSP.1980.1163420
    """

    def __init__(self, sample_rate: int = 16000, n_mfcc: int = 40, log_mels: bool = False,
                 melkwargs: dict[str, Any] | None = None) -> None:
        self.mel = MelSpectrogram(sample_rate, **(melkwargs or {}))
        bands = self.mel.mel_scale.n_mels
        if not 1 <= n_mfcc <= bands:
            raise ArgumentError("E423", "MFCC", f"n_mfcc = {n_mfcc} of {bands} bands",
                                need="1 <= n_mfcc <= n_mels")
        self.n_mfcc, self.log_mels = n_mfcc, log_mels
        self.decibels = AmplitudeToDB("power", 80.0)
        self._cosines = cosines(n_mfcc, bands)

    def __call__(self, wave: Any) -> Tensor:
        strength = self.mel(wave)
        level = (strength + 1e-6).log() if self.log_mels else self.decibels(strength)
        result: Tensor = tensor(self._cosines, dtype=level.dtype) @ level    # (*B, n_mfcc, frames)
        return result

    def __repr__(self) -> str: return f"MFCC(n_mfcc={self.n_mfcc}, {self.mel!r})"


def mel_filters(n_freqs: int, f_min: float, f_max: float, n_mels: int,
                sample_rate: int) -> np.ndarray:
    """Triangles over the frequencies, one per band.

    Shape   -> (n_freqs, n_mels)
    Raises  E423 for frequencies out of order
    Source  torchaudio.functional.melscale_fbanks, HTK scale, not normalised
    """
    if not 0 <= f_min < f_max or n_mels < 1:
        raise ArgumentError("E423", "mel_filters", f"from {f_min} to {f_max} Hz in {n_mels} bands",
                            need="0 <= f_min < f_max, n_mels >= 1")
    mel = lambda f: 2595 * np.log10(1 + f / 700)
    edges = 700 * (10 ** (np.linspace(mel(f_min), mel(f_max), n_mels + 2) / 2595) - 1)
    at = np.linspace(0, sample_rate // 2, n_freqs)[:, None]    # Hz
    rising = (at - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - at) / np.diff(edges)[1:]
    result: np.ndarray = np.minimum(rising, falling).clip(0)
    return result


def cosines(n: int, m: int) -> np.ndarray:
    """The first n rows of the orthonormal cosine transform of m numbers, (n, m): DCT-II."""
    angle = np.pi / m * (np.arange(m) + 0.5) * np.arange(n)[:, None]
    scale = np.where(np.arange(n) == 0, 1, 2)[:, None] / m
    result: np.ndarray = np.cos(angle) * np.sqrt(scale)
    return result
