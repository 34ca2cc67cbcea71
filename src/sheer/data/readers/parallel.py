"""Two text files go in, line i of one the translation of line i of the other; pairs come out."""

from __future__ import annotations

from pathlib import Path

from sheer.data.arrays.texts import PairPart
from sheer.data.errors import DataError
from sheer.data.readers.bad import Bad, Mode
from sheer.data.readers.text_file import lines_or_none


def read_parallel(source: Path, target: Path, bad: Mode = "raise") -> PairPart:
    """The pairs of two files, plain or gzip.

    Params  bad  "raise", or "skip" to leave out pairs of which one line is empty or not UTF-8.
                 Files of different length are an error in any case: nobody knows which line is
                 missing, and all pairs after it would be wrong
    Raises  E801 to E804 for the files; E812 when they have not the same number of lines, or when
            a line of one is empty
    """
    source, target = Path(source), Path(target)
    first, second = (lines_or_none(path, "utf-8", Bad(bad, path.name, "line"))
                     for path in (source, target))
    if len(first) != len(second):
        raise DataError("E812", f"{target.name} does not belong to {source.name}", target,
                        expected=f"{len(first)} lines, one per line of {source.name}",
                        found=f"{len(second)} lines", fix="take both files from one source")
    broken = Bad(bad, f"{source.name}, {target.name}", "pair")
    pairs = []
    for number, lines in enumerate(zip(first, second, strict=True), start=1):
        a, b = (line or "" for line in lines)
        if a.strip() and b.strip():
            pairs.append((a.strip(), b.strip()))
            continue
        path = target if a.strip() else source
        broken(DataError("E812", f"{path.name}: a line of a pair is empty", path, number,
                         expected="a text and its translation", found=repr(b if a.strip() else a),
                         fix='correct it, or pass bad="skip"'))
    broken.tell(len(pairs))
    return PairPart([a for a, _ in pairs], [b for _, b in pairs])
