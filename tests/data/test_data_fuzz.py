"""Files with bytes changed, lost and added at random: a reader returns arrays or a DataError."""

import gzip
import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from sheer.data.errors import DataError
from sheer.data.readers.cifar_binary import TEST, TRAIN, read_cifar_archive
from sheer.data.readers.csv_table import read_csv
from sheer.data.readers.idx import read_idx
from sheer.data.readers.image_tar import read_image_tar
from sheer.data.readers.known import ADULT_TABLE, replace

ROUNDS = 150  # a second in all; 20,000 of each have been run once, without a find
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


IDX = bytes([0, 0, 8, 2, 0, 0, 0, 3, 0, 0, 0, 5]) + bytes(range(15))
READERS = {
    "idx": (IDX, read_idx),
    "idx.gz": (gzip.compress(IDX), read_idx),
    "jpeg": (_tar([("a/0.jpg", _picture("JPEG"))]), lambda p: read_image_tar(p, "a", (8, 8))),
    "png": (_tar([("a/0.png", _picture("PNG"))]), lambda p: read_image_tar(p, "a", (8, 8))),
    "cifar": (gzip.compress(_tar([(n, bytes(3073)) for n in TRAIN + TEST])), read_cifar_archive),
    "csv": (ADULT, lambda p: read_csv(p, replace(ADULT_TABLE, rows=None)))}


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
    assert len(texts) > ROUNDS // 10
    assert all(len(text.splitlines()) >= 4 for text in texts)
