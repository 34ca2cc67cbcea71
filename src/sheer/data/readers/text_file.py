"""A text file goes in, plain or gzip; its text or its lines come out."""

from __future__ import annotations

from pathlib import Path

from sheer.data.errors import DataError
from sheer.data.readers.bad import Bad, Mode
from sheer.data.readers.whole_file import read_bytes


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """The whole text; a byte order mark is dropped and CRLF becomes LF.

    Raises  E801 to E803 for the file; E804 when it is not text in this encoding, with the line
    """
    raw = read_bytes(Path(path))
    try:
        return _decoded(raw, encoding).replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _not_text(path, raw.count(b"\n", 0, error.start) + 1, encoding, raw,
                        error.start) from error


def read_lines(path: Path, encoding: str = "utf-8", bad: Mode = "raise") -> list[str]:
    """The lines of a text, without their ends; a newline at the end of the file makes no line.

    Only a newline ends a line, so that the lines of two files that belong together stay together.

    Params  bad  "raise", or "skip" to leave out lines that are not in this encoding
    Raises  as `read_text`; E638 for another `bad`
    """
    return [line for line in lines_or_none(path, encoding, Bad(bad, Path(path).name, "line"))
            if line is not None]


def lines_or_none(path: Path, encoding: str, bad: Bad) -> list[str | None]:
    """The lines, each at its place; None for one that cannot be read and is skipped."""
    path = Path(path)
    if bad.mode == "raise":
        return list(read_text(path, encoding).removesuffix("\n").split("\n"))
    lines: list[str | None] = []
    for number, raw in enumerate(read_bytes(path).removesuffix(b"\n").split(b"\n"), start=1):
        try:
            lines.append(_decoded(raw, encoding).removesuffix("\r"))
        except UnicodeDecodeError as error:
            lines.append(None)
            bad(_not_text(path, number, encoding, raw, error.start))
    bad.tell(len(lines) - bad.count)
    return lines


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except LookupError:
        raise DataError("E638", f"there is no encoding {encoding!r}",
                        expected="utf-8, latin-1, ...", found=repr(encoding),
                        fix='encoding="utf-8"') from None


def _not_text(path: Path, row: int, encoding: str, raw: bytes, at: int) -> DataError:
    name = encoding.upper()
    return DataError("E804", f"{Path(path).name} is not text", Path(path), row, expected=name,
                     found=f"the byte {raw[at]:02x}", fix=f"save it as {name}")
