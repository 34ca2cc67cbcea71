"""The zip archive of torch.save: bytes flow in, its members come out, none of them unpacked.

torch writes members as they are, one behind the other. An archive that is anything else (packed,
overlapping, encrypted, a name twice) is refused: so a small file never becomes a large value.
"""

from __future__ import annotations

import itertools
import struct
import zipfile
import zlib
from io import BytesIO

from ..graph.errors import DataError

_HEADER = 30                                   # bytes of a member's own header, before its name


def members(body: bytes) -> dict[str, memoryview]:
    """Name -> bytes of each member, without the name of the folder that holds `data.pkl`.

    Raises  E830 for what is no whole archive of torch.save, E831 for a program, E832 for an
            archive that is not plain
    """
    try:
        with zipfile.ZipFile(BytesIO(body)) as archive:
            listed = [info for info in archive.infolist() if not info.is_dir()]
        spans = {info.filename: _span(info, body) for info in listed}
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OSError) as e:
        raise DataError("E830", "load", f"the archive is broken: {e}",
                        need="a whole file of torch.save") from e
    if any(name.split("/")[1:2] in (["code"], ["constants.pkl"]) for name in spans):
        raise DataError("E831", "load", "the file is a TorchScript program, which is no data",
                        need="a state dict",
                        tries=[("torch.save(torch.jit.load(path).state_dict(), other)",
                                lambda: None)])
    _check_plain(listed, spans)
    roots = [n[:-len("data.pkl")] for n in spans if n.split("/")[1:] == ["data.pkl"]]
    if len(roots) != 1:
        raise _foreign(list(spans))
    found = {}
    for info in listed:
        _, start, stop = spans[info.filename]
        data = memoryview(body)[start:stop]
        if zlib.crc32(data) != info.CRC:
            raise DataError("E830", "load", f"the archive is broken: {info.filename} has changed "
                                            "since it was written", need="a whole file")
        found[info.filename.removeprefix(roots[0])] = data
    return found


def _span(info: zipfile.ZipInfo, body: bytes) -> tuple[int, int, int]:
    """Where a member begins, where its data do, and where they end."""
    first = info.header_offset
    name, extra = struct.unpack("<HH", body[first + 26:first + _HEADER])
    start = first + _HEADER + name + extra
    if body[first:first + 4] != b"PK\x03\x04" or start + info.compress_size > len(body):
        raise ValueError(f"{info.filename} lies outside of the file")
    return first, start, start + info.compress_size


def _check_plain(listed: list[zipfile.ZipInfo], spans: dict[str, tuple[int, int, int]]) -> None:
    """E832 unless every member is there once, as it is, apart from the others."""
    packed = [i for i in listed if i.compress_type or i.file_size != i.compress_size]
    if packed:
        worst = max(packed, key=lambda i: i.file_size)
        raise _unsafe(f"{worst.filename} is packed: {worst.compress_size:,} bytes become "
                      f"{worst.file_size:,}")
    if any(i.flag_bits & 1 for i in listed):
        raise _unsafe("its members are encrypted")
    if len(spans) < len(listed):
        raise _unsafe("a name occurs twice")
    ordered = sorted(spans.items(), key=lambda item: item[1])
    for (one, (_, _, stop)), (other, (first, _, _)) in itertools.pairwise(ordered):
        if first < stop:
            raise _unsafe(f"{one} and {other} overlap")


def _unsafe(what: str) -> DataError:
    return DataError("E832", "load", f"this archive is not safe to read: {what}",
                     need="an archive as torch.save writes it: every member once, as it is")


def _foreign(names: list[str]) -> DataError:
    if any(n.endswith(".npy") for n in names):
        what, hint = "an archive of NumPy", ["numpy.load(path, allow_pickle=False)"]
    else:
        what, hint = "a zip archive that torch.save did not write", []
    return DataError("E830", "load", f"this is {what}",
                     got={"members": ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")},
                     need="a file of torch.save, or a safetensors file",
                     tries=[(h, lambda: None) for h in hint])
