"""The files of one published dataset of sounds or series go in; its arrays come out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from sheer.data.arrays.signals import AudioArrays, AudioPart, SeriesArrays
from sheer.data.errors import DataError
from sheer.data.readers.files import Files
from sheer.data.readers.series import read_series
from sheer.data.readers.wav import decode_wav
from sheer.data.readers.whole_file import REPLACE

FSDD_NAME = re.compile(r"([0-9])_([a-z]+)_([0-9]+)\.wav")
FSDD_TEST = 5                  # recordings 0 to 4 of each digit and speaker are the test part
FSDD_RATE = 8000


def fsdd(paths: Sequence[Path]) -> AudioArrays:
    """Spoken digits at 8 kHz, by six speakers who are all in both parts; DIGIT_SPEAKER_INDEX.wav.

    Raises  what the tar and WAV readers raise; E806 for a file of another name; E812 for another
            rate; E802 without recordings in one of the parts
    """
    path = paths[0]
    waves, labels, speakers, numbers = [], [], [], []
    for row, (name, raw) in enumerate(Files.of(path), start=1):
        if not name.endswith(".wav"):
            continue
        match = FSDD_NAME.fullmatch(PurePosixPath(name).name)
        if match is None:
            raise DataError("E806", f"{path.name}: {name} is of no known class", path, row,
                            expected="DIGIT_SPEAKER_INDEX.wav", found=name, fix="rename the file")
        wave, rate = decode_wav(path, f"{path.name}: {name}", raw, True, row)
        if rate != FSDD_RATE:
            raise DataError("E812", f"{path.name}: {name} has another rate", path, row,
                            expected=f"{FSDD_RATE} samples per second", found=str(rate),
                            fix=REPLACE)
        waves.append(wave)
        labels.append(int(match[1]))
        speakers.append(match[2])
        numbers.append(int(match[3]))
    whole = AudioPart(waves, np.array(labels, np.int64), np.array(speakers, np.str_))
    held = np.array(numbers, np.int64) < FSDD_TEST
    if held.all() or not held.any():
        raise DataError("E802", f"{path.name} lacks a part", path,
                        expected=f"recordings with an index below {FSDD_TEST}, and others",
                        found=f"{len(waves)} recordings", fix=REPLACE)
    return AudioArrays("fsdd", tuple("0123456789"), FSDD_RATE, whole.take(np.flatnonzero(~held)),
                       whole.take(np.flatnonzero(held)), path)


def airline(paths: Sequence[Path]) -> SeriesArrays:
    """Passengers of airlines per month, in thousands, 1949 to 1960."""
    return read_series(paths[0], "Month", season=12, name="airline")


def temperatures(paths: Sequence[Path]) -> SeriesArrays:
    """Daily minimum temperatures of Melbourne in degrees Celsius, 1981 to 1990."""
    return read_series(paths[0], "Date", season=365, name="temperatures")


def sunspots(paths: Sequence[Path]) -> SeriesArrays:
    """Sunspots per month, 1749 to 1983; their cycle of about 11 years is not regular."""
    return read_series(paths[0], "Month", season=132, name="sunspots")


def pollution(paths: Sequence[Path]) -> SeriesArrays:
    """Fine dust and weather of Beijing by the hour, 2010 to 2014; missing dust is NaN."""
    found = read_series(paths[0], ("year", "month", "day", "hour"), drop=("No",), season=24)
    return replace(found, name="pollution")
