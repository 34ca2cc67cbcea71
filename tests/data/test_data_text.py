"""Plain text, CoNLL and parallel text: what is read, and what a broken file is told."""

import gzip

import pytest

from sheer.data import read_conll, read_lines, read_parallel, read_text
from sheer.data.readers.conll import tag_names

GOOD = "Ann\tB-person\nsleeps\tO\n\nin\tO\nNew\tB-location\nYork\tI-location\n"


@pytest.fixture
def file(tmp_path):
    def write(content, name="a.txt"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path
    return write


@pytest.mark.parametrize("content", ["a\nb c\n", "a\nb c", "a\r\nb c\r\n", "\ufeffa\nb c\n",
                                     gzip.compress(b"a\nb c\n", mtime=0)],
                         ids=["newline", "none at the end", "CRLF", "byte order mark", "gzip"])
@pytest.mark.parametrize("bad", ["raise", "skip"])
def test_lines(file, content, bad):
    assert read_lines(file(content), bad=bad) == ["a", "b c"]


def test_only_a_newline_ends_a_line(file):
    # str.splitlines would cut at these, and lines of two languages would drift apart.
    assert read_lines(file("a\u2028b\x85c\x0bd\ne")) == ["a\u2028b\x85c\x0bd", "e"]


def test_another_encoding(file):
    assert read_text(file("naïve".encode("latin-1")), "latin-1") == "naïve"


def test_bytes_that_are_no_text(file, fails, lines):
    path = file(b"fine\nna\xefve\nfine\n")
    assert fails(read_lines, path) == lines(f"""
        a.txt is not text
          file : {path}
          row  : 2
          need : UTF-8
          got  : the byte ef
          try  : save it as UTF-8
          more : sheer explain E804""")


def test_lines_that_are_no_text_are_skipped_and_counted(file, capsys):
    path = file(b"fine\nna\xefve\nfine\n\xff\n")
    assert read_lines(path, bad="skip") == ["fine", "fine"]
    assert capsys.readouterr().err == (
        "sheer: a.txt: skipped 2 of 4 lines that cannot be read; the first: a.txt is not text, "
        "line 2: the byte ef\n")


@pytest.mark.parametrize(("content", "code"), [(b"", "E802"), (b"\x1f\x8b", "E803"),
                                               (gzip.compress(b"a\n" * 99, mtime=0)[:-9], "E803"),
                                               (b"\x1f\x8b\x08" + bytes(30), "E804")])
@pytest.mark.parametrize("read", [read_lines, read_text, read_conll])
def test_broken_files(file, fails, read, content, code):
    assert f"more : sheer explain {code}" in fails(read, file(content))


def test_a_missing_file(tmp_path, fails, lines):
    for read in (read_lines, read_text, read_conll):
        assert fails(read, tmp_path / "a.txt") == lines(f"""
            a.txt cannot be read
              file : {tmp_path}/a.txt
              need : a readable file
              got  : no such file
              try  : check the path and the permissions
              more : sheer explain E801""")


def test_settings_that_do_not_exist(file, fails):
    assert "got  : 'ignore'" in fails(read_lines, file("a"), bad="ignore")
    assert "there is no encoding 'utf-88'" in fails(read_text, file("a"), "utf-88")


def test_tagged_sentences(file):
    part = read_conll(file(GOOD))
    assert part.tokens == [["Ann", "sleeps"], ["in", "New", "York"]]
    assert part.tags == [["B-person", "O"], ["O", "B-location", "I-location"]]
    assert tag_names([part]) == ("O", "B-location", "I-location", "B-person")
    assert part.take([1]).tokens == [["in", "New", "York"]]


def test_columns_between_token_and_tag_and_document_marks(file):
    part = read_conll(file("-DOCSTART- -X- O\n\nAnn NNP B-PER\nsleeps VBZ O\n"))
    assert (part.tokens, part.tags) == ([["Ann", "sleeps"]], [["B-PER", "O"]])


@pytest.mark.parametrize(("line", "row", "found"), [
    ("York", 6, "1 columns"), ("York\tI-location\tx", 6, "3 columns")])
def test_a_line_with_other_columns(file, fails, lines, line, row, found):
    path = file(GOOD.replace("York\tI-location", line))
    assert fails(read_conll, path) == lines(f"""
        a.txt: a line has another number of columns
          file : {path}
          row  : {row}
          need : 2 columns: token, ..., tag, separated by tabs
          got  : {found}
          try  : correct the line, or delete it
          more : sheer explain E805""")


def test_an_unknown_tag(file, fails, lines):
    path = file(GOOD.replace("B-person", "person"))
    assert fails(read_conll, path) == lines(f"""
        a.txt: a tag is of no known kind
          file : {path}
          row  : 1
          need : O, B-TYPE or I-TYPE
          got  : 'person'
          try  : correct the tag, or name the tags there are
          more : sheer explain E806""")
    assert "need : one of O, B-person" in fails(read_conll, file(GOOD), tags=("O", "B-person"))


def test_sentences_that_are_broken_are_skipped_and_counted(file, capsys):
    raw = GOOD.encode() + b"\nna\xefve\tO\nword\tO\n\nlast\tO\n"
    part = read_conll(file(raw), bad="skip")
    assert part.tokens == [["Ann", "sleeps"], ["in", "New", "York"], ["last"]]
    assert "skipped 1 of 4 sentences" in capsys.readouterr().err


def test_no_sentences(file, fails):
    assert "a.txt holds no sentences" in fails(read_conll, file("\n\n\n"))


def test_pairs(file):
    part = read_parallel(file("a dog\na cat\n", "x.en"), file("ein Hund\neine Katze\n", "x.de"))
    assert part.source == ["a dog", "a cat"]
    assert part.target == ["ein Hund", "eine Katze"]


def test_files_that_do_not_belong_together(file, fails, lines):
    a, b = file("a dog\na cat\n", "x.en"), file("ein Hund\n", "x.de")
    for bad in ("raise", "skip"):
        assert fails(read_parallel, a, b, bad=bad) == lines(f"""
            x.de does not belong to x.en
              file : {b}
              need : 2 lines, one per line of x.en
              got  : 1 lines
              try  : take both files from one source
              more : sheer explain E812""")


def test_a_pair_of_which_one_line_is_empty(file, fails, lines, capsys):
    a, b = file("a dog\na cat\n\n\n", "x.en"), file("ein Hund\n\nein Tier\n\n", "x.de")
    assert fails(read_parallel, a, b) == lines(f"""
        x.de: a line of a pair is empty
          file : {b}
          row  : 2
          need : a text and its translation
          got  : ''
          try  : correct it, or pass bad="skip"
          more : sheer explain E812""")
    assert read_parallel(a, b, bad="skip").source == ["a dog"]
    assert "skipped 3 of 4 pairs" in capsys.readouterr().err


def test_a_pair_with_a_line_that_is_no_text_is_skipped_as_a_pair(file):
    a, b = file(b"a dog\na \xff cat\na bird\n", "x.en"), file("ein Hund\neine Katze\nein Vogel\n",
                                                             "x.de")
    part = read_parallel(a, b, bad="skip")
    assert (part.source, part.target) == (["a dog", "a bird"], ["ein Hund", "ein Vogel"])
