"""Weight files with absurd headers: refused, before anything of that size is allocated."""

import io
import json
import struct

import pytest

import sheer
from sheer.graph.errors import DataError


def forged(header, body=b"", length=None):
    """A safetensors file with this header, which may lie about its length."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def tensor(shape, start, end):
    return {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}


def described(text):
    return forged({"__metadata__": {"sheer": text}})


FILES = {
    "a header longer than any file": forged(b"{}", length=2**63),
    "a header longer than the file": forged(b"{}", length=1000),
    "a header of 200 MB": forged(b"{}", length=200_000_000),
    "a tensor of 4 TB": forged({"a": tensor([2**40], 0, 2**42)}, bytes(4)),
    "a size that overflows": forged({"a": tensor([2**62, 2**62], 0, 4)}, bytes(4)),
    "tensors that overlap": forged({"a": tensor([1], 0, 4), "b": tensor([1], 0, 4)}, bytes(4)),
    "a header nested without end": forged(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "a description nested without end": described("[" * 100_000 + "]" * 100_000),
    "a description that is none": described("[1]"),
    "a tensor that is not there": described('{"tree": {"$": "tensor", "name": "b"}}'),
    "a kind that does not exist": described('{"tree": {"$": "code"}}'),
    "a tree nested too deep": described('{"tree": ' + "[" * 5000 + "]" * 5000 + "}"),
    "nothing": b"", "a few bytes": b"1234"}


@pytest.mark.parametrize("name", list(FILES))
def test_an_absurd_file_is_refused(name):
    with pytest.raises(DataError) as caught:
        sheer.load(io.BytesIO(FILES[name]))
    assert caught.value.code == "E503"
    assert "sheer explain E503" in str(caught.value)
