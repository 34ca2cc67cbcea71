"""Files with bytes changed, lost and added at random: a reader returns arrays or a DataError."""

import gzip
import io
import struct
import tarfile

import numpy as np
import pytest
from PIL import Image

from sheer.data import (
    MappedDataset,
    read_conll,
    read_frame,
    read_lines,
    read_masks,
    read_npy,
    read_npz,
    read_parallel,
    read_series,
    read_voc,
    read_wav,
)
from sheer.data.errors import DataError
from sheer.data.known.contents.tables import ADULT_TABLE, replace
from sheer.data.readers.cifar_binary import TEST, TRAIN, read_cifar_archive
from sheer.data.readers.csv_table import read_csv
from sheer.data.readers.idx import read_idx
from sheer.data.readers.image_tar import read_image_tar

ROUNDS = 150  # seconds in all; 5,000 of each and more have been run, the finds mended
ADULT = (b"39, State-gov, 77516, Bachelors, 13, Never-married, Adm-clerical, Not-in-family, White, "
         b"Male, 2174, 0, 40, United-States, <=50K\n") * 3


def _tar(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _picture(kind):
    out = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def _saved(save, *arrays, **named):
    out = io.BytesIO()
    save(out, *arrays, **named)
    return out.getvalue()


def _parquet():
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq
    out = io.BytesIO()
    pq.write_table(pa.table({"a": list(range(50)), "w": ["x", None] * 25}), out)
    return out.getvalue()


def _read_parquet(path):
    other = path.with_suffix(".parquet")
    other.write_bytes(path.read_bytes())
    return read_frame(other)


def _grey():
    out = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) % 4).save(out, "PNG")
    return out.getvalue()


VOC_NOTE = b"<annotation><object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin>" \
    b"<xmax>4</xmax><ymax>5</ymax></bndbox></object></annotation>"
WAV = b"RIFF" + struct.pack("<I", 76) + b"WAVEfmt " + struct.pack(
    "<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data" + struct.pack("<I", 40) + bytes(range(40))
IDX = bytes([0, 0, 8, 2, 0, 0, 0, 3, 0, 0, 0, 5]) + bytes(range(15))
READERS = {
    "idx": (IDX, read_idx),
    "idx.gz": (gzip.compress(IDX), read_idx),
    "jpeg": (_tar([("a/0.jpg", _picture("JPEG"))]), lambda p: read_image_tar(p, "a", (8, 8))),
    "png": (_tar([("a/0.png", _picture("PNG"))]), lambda p: read_image_tar(p, "a", (8, 8))),
    "cifar": (gzip.compress(_tar([(n, bytes(3073)) for n in TRAIN + TEST])), read_cifar_archive),
    "csv": (ADULT, lambda p: read_csv(p, replace(ADULT_TABLE, rows=None))),
    "wav": (WAV, read_wav),
    "npy": (_saved(np.save, np.arange(12.0).reshape(3, 4)), read_npy),
    "npy mapped": (_saved(np.save, np.arange(12.0).reshape(3, 4)), MappedDataset),
    "npz": (_saved(np.savez, x=np.arange(6), y=np.array(["a", "b"])), read_npz),
    "npz packed": (_saved(np.savez_compressed, x=np.arange(60)), read_npz),
    "voc": (_tar([("v/JPEGImages/a.png", _picture("PNG")), ("v/Annotations/a.xml", VOC_NOTE)]),
            read_voc),
    "annotation": (VOC_NOTE, lambda p: _in_a_tar(p, read_voc)),
    "masks": (_tar([("images/a.png", _picture("PNG")), ("labels/a.png", _grey())]), read_masks),
    "conll": (b"Ann\tB-person\nsleeps\tO\n\nin\tO\n" * 3, read_conll),
    "lines": ("naïve\n".encode() * 9, read_lines),
    "parallel": (gzip.compress(b"ein Hund\n" * 9), lambda p: read_parallel(p, p)),
    "series": (b"Month,Sales\n1949-01,112\n1949-02,118\n1949-03,NA\n",
               lambda p: read_series(p, "Month")),
    "frame": (b"age,work\n39,State-gov\n50,?\n", read_frame),
    "parquet": (_parquet, _read_parquet)}
# Texts that stay texts whatever byte changes: few of their changes can be told.
HARDLY_TOLD = {"lines", "frame", "npy mapped"}


def _in_a_tar(path, read):
    """Read an annotation that lies in a tar with its image."""
    other = path.with_suffix(".tar")
    other.write_bytes(_tar([("v/JPEGImages/a.png", _picture("PNG")),
                            ("v/Annotations/a.xml", path.read_bytes())]))
    return read(other)


def _spoil(raw, rng):
    """Overwrite, delete or insert a few bytes, more often near the start, where headers are."""
    raw = bytearray(raw)
    for _ in range(rng.integers(1, 5)):
        at = int(len(raw) * rng.random() ** 3)
        length = int(rng.integers(0, 4)) if rng.random() < 0.9 else len(raw)
        raw[at:at + length] = rng.bytes(rng.integers(0, 4))
    return bytes(raw)


@pytest.mark.parametrize("name", list(READERS))
def test_nothing_but_a_data_error(tmp_path, name):
    raw, read = READERS[name]
    raw = raw() if callable(raw) else raw
    rng, texts = np.random.default_rng(1), []
    read_from = tmp_path / "a"
    read_from.write_bytes(raw)
    read(read_from)
    for _ in range(ROUNDS):
        read_from.write_bytes(_spoil(raw, rng))
        try:
            read(read_from)
        except DataError as error:
            texts.append(str(error))
    assert len(texts) > ROUNDS // (50 if name in HARDLY_TOLD else 10)
    assert all(len(text.splitlines()) >= 4 for text in texts)


@pytest.mark.parametrize("name", list(READERS))
def test_a_file_that_ends_too_early(tmp_path, name):
    raw, read = READERS[name]
    raw = raw() if callable(raw) else raw
    read_from = tmp_path / "a"
    told = 0
    last = len(raw.rstrip(b"\0"))                      # tarfile fills up with zeros nobody needs
    ends = sorted({*range(0, last, max(1, last // 60)), last - 1})
    for end in ends:
        read_from.write_bytes(raw[:end])
        try:
            read(read_from)
        except DataError:
            told += 1
    assert told >= 1                                   # an empty file at least
    if name not in ("csv", "conll", "lines", "series", "frame", "parallel"):
        assert told >= len(ends) - 2                   # binary formats notice nearly every cut
