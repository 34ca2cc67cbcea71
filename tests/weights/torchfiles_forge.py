"""Makes files as an attacker or a broken disk would: pickles in archives, archives by hand."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
import zlib

import numpy as np


def archive(pickled: bytes, storages=None, **others: bytes) -> bytes:
    """An archive as torch.save makes it, around any pickle."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as made:
        made.writestr("archive/data.pkl", pickled)
        for key, data in (storages or {}).items():
            made.writestr(f"archive/data/{key}", data)
        for name, data in others.items():
            made.writestr(f"archive/{name}", data)
        made.writestr("archive/version", b"3\n")
    return stream.getvalue()


class Calls:
    """Pickles as a call of a function: what an attack looks like."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def attack(function, *arguments, protocol=2) -> bytes:
    return archive(pickle.dumps(Calls(function, *arguments), protocol=protocol))


def tensor_pickle(size, stride, offset=0, count=4, kind="FloatStorage", key="0", requires=b"\x89",
                  ) -> bytes:
    """The pickle of one tensor with these numbers, whatever they are."""
    plain = lambda value: pickle.dumps(value, protocol=2)[2:-1]
    return (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((" + plain("storage")
            + b"ctorch\n" + kind.encode() + b"\n" + plain(key) + plain("cpu") + plain(count)
            + b"tQ" + plain(offset) + plain(size) + plain(stride) + requires
            + b"ccollections\nOrderedDict\n)RtR.")


FOUR = np.arange(4, dtype="<f4").tobytes()


def overlapping(first: str, second: str, data: bytes) -> bytes:
    """A zip archive whose two members are the same bytes of the file."""
    def header(name):
        return struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 33, zlib.crc32(data), len(data),
                           len(data), len(name), 0) + name.encode()
    def entry(name, place):
        return struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, zlib.crc32(data),
                           len(data), len(data), len(name), 0, 0, 0, 0, 0, place) + name.encode()
    # the second header lies inside the data of the first member
    inner = header(second) + data
    outer_crc = zlib.crc32(inner)
    outer = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 33, outer_crc, len(inner),
                        len(inner), len(first), 0) + first.encode()
    body = outer + inner
    listing = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, outer_crc, len(inner),
                          len(inner), len(first), 0, 0, 0, 0, 0, 0) + first.encode()
    listing += entry(second, len(outer))
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 2, 2, len(listing), len(body), 0)
    return body + listing + end
