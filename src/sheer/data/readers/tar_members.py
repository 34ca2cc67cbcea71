"""A tar goes in, plain or gzip; the name and the bytes of every file in it come out.

Nothing is unpacked to disk. Even so, names that would leave the folder, links and devices are
refused: whoever made such an archive had something else in mind than data.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from sheer.data.errors import DataError
from sheer.data.readers.whole_file import REPLACE, read_bytes

END = bytes(1024)  # POSIX ustar: an archive ends with two blocks of 512 zero bytes


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file of an archive, in its order.

    Raises  E801 to E804 for the archive; E628 for a member that is no plain file or folder, or
            whose name leads out of the archive
    """
    raw = read_bytes(path)
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
            for row, member in enumerate(archive, start=1):
                _check(path, row, member)
                file = archive.extractfile(member) if member.isfile() else None
                if file is not None:
                    yield member.name, file.read()
    except (tarfile.TarError, UnicodeError, ValueError, OverflowError) as error:
        if isinstance(error, DataError):
            raise
        cut = tarfile.is_tarfile(io.BytesIO(raw))
        raise DataError("E803" if cut else "E804",
                        f"{path.name} is {'cut short' if cut else 'not a tar archive'}", path,
                        expected="a complete, uncompressed or gzipped tar", found=str(error),
                        fix=REPLACE) from error
    # Cut between two members, an archive reads without complaint; only its end is missing.
    if not raw.endswith(END):
        raise DataError("E803", f"{path.name} is cut short", path,
                        expected=f"{len(END)} zero bytes at the end", found="other bytes",
                        fix=REPLACE)


def _check(path: Path, row: int, member: tarfile.TarInfo) -> None:
    kind = ""
    if member.issym() or member.islnk():
        kind = f"a link to {member.linkname}"
    elif member.sparse is not None or not (member.isreg() or member.isdir()):
        kind = "a device, a pipe or a sparse file"
    elif ".." in PurePosixPath(member.name.replace("\\", "/")).parts or \
            member.name.startswith(("/", "\\")) or member.name[1:2] == ":":
        kind = "a name that leads out of the archive"
    if kind:
        raise DataError("E628", f"{path.name}: {member.name} is refused", path, row,
                        expected="plain files and folders below the archive's own folder",
                        found=kind, fix="do not use this archive; get one you can trust")
