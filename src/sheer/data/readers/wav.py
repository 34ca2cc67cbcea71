"""A WAV file goes in; its samples as float32 and their rate come out.

Format  Microsoft and IBM 1991, "Multimedia Programming Interface and Data Specifications 1.0",
        RIFF/WAVE; Microsoft 2001, "Multiple channel audio data and WAVE files" for the extensible
        form. Samples are little-endian, channels interleaved; 8 bit is unsigned, the others signed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sheer.data.errors import DataError
from sheer.data.readers.whole_file import REPLACE, read_bytes

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
CODECS = {2: "Microsoft ADPCM", 6: "A-law", 7: "mu-law", 17: "IMA ADPCM", 85: "MP3"}
UNKNOWN_SIZE = 0xFFFFFFFF           # what a program writes that streams to a pipe


@dataclass(frozen=True)
class _Format:
    """What the `fmt ` chunk says."""

    code: int
    channels: int
    rate: int
    bits: int


def read_wav(path: Path, mono: bool = False) -> tuple[NDArray[np.float32], int]:
    """The samples of a WAV file, and how many there are per second.

    8, 16, 24 and 32 bit PCM are divided by 128, 2^15, 2^23 and 2^31; 32 and 64 bit floats are
    taken as they are.

    Shape   (channels, T); (T,) with mono, the mean of the channels
    Dtype   float32 in [-1, 1)
    Raises  E801 to E804 for the file; E803 when it has fewer samples than its header says; E632
            for a sound that is not one of these, without samples, or with a NaN
    Source  torchaudio.load
    """
    path = Path(path)
    return decode_wav(path, path.name, read_bytes(path), mono)


def decode_wav(path: Path, name: str, raw: bytes, mono: bool = False,
               row: int | None = None) -> tuple[NDArray[np.float32], int]:
    """The same of the bytes of a file; row and path say where they are from."""
    if len(raw) < 12 or raw[:4] != b"RIFF" or raw[8:12] != b"WAVE":
        raise DataError("E804", f"{name} is not a WAV file", path, row,
                        expected="first bytes RIFF....WAVE", found=repr(raw[:12]), fix=REPLACE)
    chunks = _chunks(path, name, raw, row)
    form = _format(path, name, chunks.get(b"fmt "), row)
    samples = _samples(path, name, chunks.get(b"data"), form, row)
    waves = samples.reshape(-1, form.channels).T                    # (channels, T)
    if mono:
        return waves[0] if form.channels == 1 else waves.mean(0, dtype=np.float32), form.rate
    return np.ascontiguousarray(waves), form.rate


def _chunks(path: Path, name: str, raw: bytes, row: int | None) -> dict[bytes, bytes]:
    """Content of the chunks up to `data`, which some programs leave open-ended."""
    found: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(raw) and b"data" not in found:
        tag, size = raw[at:at + 4], struct.unpack_from("<I", raw, at + 4)[0]
        open_ended = tag == b"data" and size in (0, UNKNOWN_SIZE)
        end = len(raw) if open_ended else at + 8 + size
        if end > len(raw):
            raise DataError("E803", f"{name} is cut short", path, row,
                            expected=f"{size} bytes of {tag.decode('ascii', 'replace')!r}",
                            found=f"{len(raw) - at - 8} bytes", fix=REPLACE)
        found.setdefault(tag, raw[at + 8:end])
        at = end + size % 2                                         # chunks start at even bytes
    return found


def _format(path: Path, name: str, chunk: bytes | None, row: int | None) -> _Format:
    if chunk is None or len(chunk) < 16:
        raise DataError("E632", f"{name}: the format of the sound is not given", path, row,
                        expected="a chunk 'fmt ' of at least 16 bytes",
                        found="none" if chunk is None else f"{len(chunk)} bytes", fix=REPLACE)
    code, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", chunk)
    if code == EXTENSIBLE and len(chunk) >= 26:
        code = struct.unpack_from("<H", chunk, 24)[0]               # first two bytes of the GUID
    known = (code == PCM and bits in (8, 16, 24, 32)) or (code == FLOAT and bits in (32, 64))
    if not known or not 1 <= channels <= 256 or not rate or block != channels * bits // 8:
        kind = {PCM: "PCM", FLOAT: "float"}.get(code, CODECS.get(code, f"format {code}"))
        raise DataError("E632", f"{name}: this kind of sound is not read", path, row,
                        expected="PCM of 8, 16, 24 or 32 bits, or floats of 32 or 64",
                        found=f"{kind}, {bits} bits, {channels} channels, {rate} per second, "
                              f"{block} bytes per sample",
                        fix="save it as 16-bit PCM")
    return _Format(code, channels, rate, bits)


def _samples(path: Path, name: str, raw: bytes | None, form: _Format,
             row: int | None) -> NDArray[np.float32]:
    size = form.channels * form.bits // 8
    if not raw:
        raise DataError("E632", f"{name}: there is no sound", path, row,
                        expected="a chunk 'data' with samples",
                        found="none" if raw is None else "0 bytes", fix=REPLACE)
    if len(raw) % size:
        raise DataError("E803", f"{name} is cut short", path, row,
                        expected=f"a multiple of {size} bytes, one per channel and sample",
                        found=f"{len(raw)} bytes", fix=REPLACE)
    if form.code == FLOAT:
        with np.errstate(over="ignore", invalid="ignore"):          # found just below
            samples = np.frombuffer(raw, f"<f{form.bits // 8}").astype(np.float32)
        bad = np.flatnonzero(~np.isfinite(samples))
        if len(bad):
            when = bad[0] // form.channels / form.rate
            raise DataError("E632", f"{name}: a sample is not finite", path, row,
                            expected="numbers in [-1, 1]",
                            found=f"{samples[bad[0]]} at {when:.3f} s", fix=REPLACE)
        return samples
    return _integers(raw, form.bits)


def _integers(raw: bytes, bits: int) -> NDArray[np.float32]:
    if bits == 8:
        return (np.frombuffer(raw, np.uint8).astype(np.float32) - 128) / np.float32(128)
    if bits == 24:                       # as the upper bytes of 32 bits: the sign comes along
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        return wide.view("<i4")[:, 0].astype(np.float32) / np.float32(2**31)
    whole = np.frombuffer(raw, f"<i{bits // 8}").astype(np.float32)
    return whole / np.float32(2 ** (bits - 1))
