"""A file of tokens and tags goes in, a sentence per block; sentences of tokens and tags come out.

Format  CoNLL: one token a line, its columns separated by tabs (or spaces), an empty line between
        sentences. Tjong Kim Sang and De Meulder 2003, "Introduction to the CoNLL-2003 shared task".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sheer.data.arrays.texts import TagPart
from sheer.data.errors import DataError
from sheer.data.readers.bad import Bad, Mode
from sheer.data.readers.text_file import lines_or_none
from sheer.data.readers.whole_file import REPLACE

Block = list[tuple[int, str]]


def read_conll(path: Path, tags: Sequence[str] | None = None, bad: Mode = "raise") -> TagPart:
    """The sentences of a CoNLL file: the first column is the token, the last one its tag.

    Params  tags  those that may occur; None takes every tag of the form O, B-TYPE, I-TYPE (and
                  E-, S- of the five-letter scheme)
            bad   "raise", or "skip" to leave out sentences with a line that is wrong
    Raises  E801 to E804 for the file; E802 without a sentence; E805 for a line that has not two
            columns, or not as many as the first; E806 for an unknown tag; E638 for another `bad`
    """
    path = Path(path)
    broken = Bad(bad, path.name, "sentence")
    lines = lines_or_none(path, "utf-8", Bad(bad, path.name, "line"))
    tokens, labels, width = [], [], 0
    for block in _blocks(lines):
        try:
            rows = [_columns(path, number, line, width) for number, line in block]
            _check_tags(path, block, [row[-1] for row in rows], tags)
        except DataError as error:
            broken(error)
            continue
        width = width or len(rows[0])
        tokens.append([row[0] for row in rows])
        labels.append([row[-1] for row in rows])
    broken.tell(len(tokens))
    if not tokens:
        raise DataError("E802", f"{path.name} holds no sentences", path,
                        expected="a token and its tag on each line", found=f"{len(lines)} lines",
                        fix=REPLACE)
    return TagPart(tokens, labels)


def tag_names(parts: Sequence[TagPart]) -> tuple[str, ...]:
    """Every tag that occurs: O first, the others sorted by type, then by letter."""
    found = {tag for part in parts for tags in part.tags for tag in tags} - {"O"}
    return ("O", *sorted(found, key=lambda tag: (tag[2:], tag[:2])))


def _blocks(lines: list[str | None]) -> Iterator[Block]:
    """Lines up to the next empty one; document marks of CoNLL-2003 are dropped.

    A line that could not be read breaks its sentence: it stays as one without columns.
    """
    block: Block = []
    for number, text in enumerate(lines, start=1):
        line = "unreadable" if text is None else text
        if line.strip() and not line.startswith("-DOCSTART-"):
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _columns(path: Path, number: int, line: str, width: int) -> list[str]:
    columns = line.split("\t") if "\t" in line else line.split()
    if len(columns) != width if width else len(columns) < 2:
        need = f"{width} columns" if width else "at least 2 columns"
        raise DataError("E805", f"{path.name}: a line has another number of columns", path, number,
                        expected=f"{need}: token, ..., tag, separated by tabs",
                        found=f"{len(columns)} columns", fix="correct the line, or delete it")
    if not columns[0].strip() or not columns[-1].strip():
        raise DataError("E805", f"{path.name}: a column is empty", path, number,
                        expected="a token and its tag", found=repr(line),
                        fix="correct the line, or delete it")
    return columns


def _check_tags(path: Path, block: Block, found: list[str], tags: Sequence[str] | None) -> None:
    for (number, _), tag in zip(block, found, strict=True):
        fits = tag in tags if tags is not None else (
            tag == "O" or (tag[:2] in ("B-", "I-", "E-", "S-") and len(tag) > 2))
        if not fits:
            raise DataError("E806", f"{path.name}: a tag is of no known kind", path, number,
                            expected="O, B-TYPE or I-TYPE" if tags is None
                            else "one of " + ", ".join(tags), found=repr(tag),
                            fix="correct the tag, or name the tags there are")
