"""What the tests of the data room share: a cache of their own, the real data if it is there."""

import gzip
import struct
import textwrap

import numpy as np
import platformdirs
import pytest

from sheer.data.errors import DataError
from sheer.data.readers import notes


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Keep the person's cache and SHEER_DATA out of every test."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *_, **__: str(folder))
    monkeypatch.delenv("SHEER_DATA", raising=False)
    monkeypatch.setattr(notes, "_said", set())
    return folder / "data"


@pytest.fixture
def fails():
    """`fails(call, *args)` returns the text of the DataError that the call must raise."""
    def text(call, *args, **options):
        with pytest.raises(DataError) as caught:
            call(*args, **options)
        return str(caught.value)
    return text


@pytest.fixture
def lines():
    """Write an expected message as an indented block."""
    return lambda text: textwrap.dedent(text).strip("\n")


@pytest.fixture
def idx():
    """`idx(path, array, zipped)` writes an array of bytes as MNIST's files are written."""
    def write(path, array, zipped=False):
        array = np.asarray(array, np.uint8)
        raw = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        raw += array.tobytes()
        path.write_bytes(gzip.compress(raw) if zipped else raw)
        return path
    return write
