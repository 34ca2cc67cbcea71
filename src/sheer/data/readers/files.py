"""A folder or a tar goes in; the names of its files, and the bytes of one of them, come out."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from sheer.data.errors import DataError
from sheer.data.readers.whole_file import GZIP_MAGIC, REPLACE, missing, read_bytes

END = bytes(1024)  # POSIX ustar: an archive ends with two blocks of 512 zero bytes


@dataclass(frozen=True, eq=False)
class Files:
    """Files by name, read one at a time; nothing is unpacked to disk.

    Params  path   the folder or the archive
            names  of the files, relative, with slashes; in the order of the archive, or sorted
    """

    path: Path
    names: tuple[str, ...]
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)   # of a tar: start and length
    content: bytes | None = None                                      # of a tar that was packed

    @classmethod
    def of(cls, path: Path) -> Files:
        """What lies in a folder, at any depth, or in a tar.

        Raises  E801 to E804 for the archive; E628 for a member that is no plain file or folder,
                or whose name leads out of the archive
        """
        if path.is_dir():
            names = sorted(str(PurePosixPath(Path(folder, name).relative_to(path)))
                           for folder, _, files in os.walk(path) for name in files)
            return cls(path, tuple(names))
        packed = _begins(path, len(GZIP_MAGIC)) == GZIP_MAGIC
        content = read_bytes(path) if packed else None
        spans = _index(path, content)
        return cls(path, tuple(spans), spans, content)

    def read(self, name: str) -> bytes:
        """The content of one file. Raises E801 when it is not there any more, or never was."""
        if self.path.is_dir():
            return _whole(self.path / name)
        start, length = self.spans[name]
        if self.content is not None:
            return self.content[start:start + length]
        with self.path.open("rb") as file:             # one of its own: threads do not meet
            file.seek(start)
            return file.read(length)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        return ((name, self.read(name)) for name in self.names)

    def text(self, name: str) -> str:
        """The content of one file as UTF-8. Raises E804 when it is not."""
        raw = self.read(name)
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError("E804", f"{self.path.name}: {name} is not text", self.path,
                            raw.count(b"\n", 0, error.start) + 1, expected="UTF-8",
                            found=f"the byte {raw[error.start]:02x}",
                            fix="save it as UTF-8") from error


def _whole(path: Path) -> bytes:
    """The content of a file of a folder, which may be empty."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise missing(path, error.strerror or type(error).__name__) from error


def _begins(path: Path, count: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(count)
    except FileNotFoundError:
        raise missing(path, "no such file") from None
    except OSError as error:
        raise missing(path, error.strerror or type(error).__name__) from error


def _index(path: Path, content: bytes | None) -> dict[str, tuple[int, int]]:
    """Where each file of a tar begins, and how long it is."""
    size = path.stat().st_size if content is None else len(content)
    if not size:
        raise DataError("E802", f"{path.name} is empty", path, expected="data", found="0 bytes",
                        fix=REPLACE)
    spans = {}
    with io.BytesIO(content) if content is not None else path.open("rb") as file:
        try:
            with tarfile.open(fileobj=file, mode="r:") as archive:
                for row, member in enumerate(archive, start=1):
                    _check(path, row, member)
                    if member.offset_data + member.size > size:
                        raise tarfile.ReadError("unexpected end of data")
                    if member.isfile():
                        spans[member.name] = member.offset_data, member.size
        except (tarfile.TarError, UnicodeError, OverflowError, EOFError) as error:
            raise _broken(path, file, error) from error
        # Cut between two members, an archive reads without complaint; only its end is missing.
        file.seek(max(size - len(END), 0))
        if file.read() != END:
            raise DataError("E803", f"{path.name} is cut short", path,
                            expected=f"{len(END)} zero bytes at the end", found="other bytes",
                            fix=REPLACE)
    return spans


def _broken(path: Path, file: io.BufferedIOBase, error: Exception) -> DataError:
    file.seek(0)
    cut = tarfile.is_tarfile(file)  # type: ignore[arg-type]
    return DataError("E803" if cut else "E804",
                     f"{path.name} is {'cut short' if cut else 'not a tar archive'}", path,
                     expected="a complete, uncompressed or gzipped tar", found=str(error),
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
