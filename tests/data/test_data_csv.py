"""CSV tables with generated files: the quirks that are read, the mistakes that are refused."""

import gzip

import numpy as np
import pytest

from sheer.data.readers.csv_table import Column, Table, read_csv

TABLE = Table((Column("age", "number"), Column("work", "category"), Column("pay", "class")),
              ("<=50K", ">50K"))
GOOD = "39, State-gov, <=50K\n50, ?, >50K.\n"


@pytest.fixture
def csv(tmp_path):
    def write(content):
        path = tmp_path / "a.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path
    return write


@pytest.mark.parametrize("content", [
    GOOD, GOOD + "\n", GOOD + "\n \n", GOOD.rstrip(), GOOD.replace("\n", "\r\n"),
    "|1x3 Cross \"validator\n" + GOOD, "age,work,pay\n" + GOOD, "\ufeffage,work,pay\n" + GOOD,
    '"Age";"work";"pay"\n' + GOOD.replace(",", ";"), gzip.compress(GOOD.encode(), mtime=0),
    GOOD.replace("State-gov", '"State-gov"')], ids=[
        "as it is", "empty line", "empty lines", "no last newline", "CRLF", "comment", "header",
        "byte order mark", "semicolons and quotes", "gzip", "a quoted cell"])
def test_reads_what_people_write(csv, content):
    part = read_csv(csv(content), TABLE)
    np.testing.assert_array_equal(part.numeric, [[39], [50]])
    np.testing.assert_array_equal(part.categorical, [["State-gov"], [""]])
    np.testing.assert_array_equal(part.y, [0, 1])
    assert (part.numeric.dtype, part.y.dtype) == (np.float64, np.int64)
    assert len(part) == 2


def test_missing_number_is_nan(csv):
    np.testing.assert_array_equal(read_csv(csv("?, a, >50K"), TABLE).numeric, [[np.nan]])


def test_take_picks_rows_in_order(csv):
    part = read_csv(csv(GOOD), TABLE).take([1, 0, 1])
    np.testing.assert_array_equal(part.numeric[:, 0], [50, 39, 50])
    np.testing.assert_array_equal(part.y, [1, 0, 1])


@pytest.mark.parametrize(("row", "found"), [("1, 2", "2 columns"), ("1, 2, 3, 4", "4 columns"),
                                            ("", "an empty line"), ("1; 2; 3", "1 columns")])
def test_wrong_number_of_columns(csv, fails, lines, row, found):
    path = csv(GOOD + row + "\n" + GOOD)
    assert fails(read_csv, path, TABLE) == lines(f"""
        a.csv: a row has another number of columns
          file : {path}
          row  : 3
          need : 3 columns separated by ','
          got  : {found}
          try  : correct the row, or delete it
          more : sheer explain E805""")


def test_an_unpaired_quote_names_its_row(csv, fails, lines):
    path = csv(GOOD + '7, "a, >50K\n' + GOOD)
    assert fails(read_csv, path, TABLE) == lines(f"""
        a.csv: a row cannot be split into columns
          file : {path}
          row  : 3
          need : quotes in pairs
          got  : unexpected end of data
          try  : correct the row, or delete it
          more : sheer explain E805""")


def test_unknown_label(csv, fails, lines):
    path = csv("|comment\n" + GOOD + "1, a, >60K\n")
    assert fails(read_csv, path, TABLE) == lines(f"""
        a.csv: a label is of no known class
          file : {path}
          row  : 4
          need : one of <=50K, >50K
          got  : '>60K'
          try  : correct the label, or delete the row
          more : sheer explain E806""")


@pytest.mark.parametrize("cell", ["x", "", "1_0", "nan", "inf", "1e999", "1.2.3"])
def test_bad_number(csv, fails, lines, cell):
    path = csv(GOOD + f"{cell}, a, >50K\n")
    assert fails(read_csv, path, TABLE) == lines(f"""
        a.csv: column 1 (age) is not a number
          file : {path}
          row  : 3
          need : a finite number, or ? if it is missing
          got  : '{cell}'
          try  : correct the cell, or delete the row
          more : sheer explain E807""")


@pytest.mark.parametrize(("rows", "what"), [(3, "is cut short"), (1, "has too many rows")])
def test_number_of_rows(csv, fails, lines, rows, what):
    path = csv(GOOD)
    table = Table(TABLE.columns, TABLE.classes, rows)
    assert fails(read_csv, path, table) == lines(f"""
        a.csv {what}
          file : {path}
          need : {rows} rows
          got  : 2 rows
          try  : replace the file by an intact copy
          more : sheer explain E803""")


@pytest.mark.parametrize("content", ["\n\n", "age,work,pay\n", "|only a comment"])
def test_no_rows(csv, fails, lines, content):
    path = csv(content)
    assert fails(read_csv, path, TABLE) == lines(f"""
        a.csv holds no rows
          file : {path}
          need : data
          got  : empty lines
          try  : replace the file by an intact copy
          more : sheer explain E802""")


def test_not_text(csv, fails, lines):
    path = csv(GOOD.encode() + b"1, \xff, >50K\n")
    assert fails(read_csv, path, TABLE) == lines(f"""
        a.csv is not text
          file : {path}
          row  : 3
          need : UTF-8
          got  : the byte ff
          try  : save it as UTF-8
          more : sheer explain E804""")
