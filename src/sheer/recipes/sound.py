"""Sounds flow in; waves of one length, their spectra, and features made by hand come out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from ..data.transforms.audio import MelSpectrogram
from ..data.transforms.audio.spectra import cosines

Waves = Sequence[np.ndarray]


def fitted(waves: Waves, length: int) -> np.ndarray:
    """Every wave as loud as the others, its beginning, zeros behind it.

    Shape   N waves (T_i,) -> (N, length) float32 in [-1, 1]
    """
    out = np.zeros((len(waves), length), np.float32)
    for row, wave in zip(out, waves, strict=True):
        part = wave[:length]
        row[:len(part)] = part / max(float(np.abs(part).max()), 1e-6)
    return out


def log_mel(waves: np.ndarray, rate: int, window: int = 256, hop: int = 128,
            bands: int = 40) -> np.ndarray:
    """Logarithm of the energy per mel band and moment.

    Shape   (N, T) -> (N, bands, 1 + (T - window) // hop) float32
    Source  Davis and Mermelstein 1980, doi:10.1109/TASSP.1980.1163420
    """
    mel = MelSpectrogram(rate, window, hop_length=hop, n_mels=bands, center=False)
    found: np.ndarray = (mel(waves) + 1e-5).log().numpy()
    return found


def cepstra(mel: np.ndarray, count: int = 13) -> np.ndarray:
    """Mel-frequency cepstral coefficients: a cosine transform of the logarithms over the bands.

    Shape   (N, bands, t) -> (N, count, t)
    Source  as log_mel
    """
    found: np.ndarray = cosines(count, mel.shape[1]).astype(np.float32) @ mel
    return found


def summaries(mel: np.ndarray, parts: int = 4) -> np.ndarray:
    """What a person would measure of a word: mean and deviation of each coefficient in each part.

    Only the moments that are not silent count; they are divided into equal parts.

    Shape   mel (N, bands, t) -> (N, parts * 13 * 2)
    """
    return np.array([_summary(loud, c, parts) for loud, c
                     in zip(mel.mean(1), cepstra(mel), strict=True)], np.float32)


def _summary(loud: np.ndarray, c: np.ndarray, parts: int) -> np.ndarray:
    """Of one word. Shape loud (t,), c (13, t) -> (parts * 13 * 2,)."""
    heard = np.flatnonzero(loud > loud.min() + 0.3 * (loud.max() - loud.min()))
    edges = np.linspace(heard[0], heard[-1] + 1, parts + 1).astype(int)
    pieces = [c[:, a:max(b, a + 1)] for a, b in itertools.pairwise(edges)]
    return np.concatenate([f(piece, 1) for piece in pieces for f in (np.mean, np.std)])
