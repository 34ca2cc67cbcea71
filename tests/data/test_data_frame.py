"""Tables with named columns: types inferred, texts encoded and back, pandas, Parquet, series."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheer.data import (
    Frame,
    FrameCodes,
    ParquetDataset,
    as_frame,
    as_table,
    read_frame,
    read_series,
)
from sheer.data.preprocess import TableEncoder
from sheer.graph.errors import BoundsError

PEOPLE = """age,work,hours,pay
39, State-gov, 40, <=50K
50, ?, 13.5, >50K
, Private, 40, <=50K
"""
SALES = '"Month","Sales","Shop"\r\n"1949-01",112,"a"\r\n"1949-02",NA,"b"\r\n'


@pytest.fixture
def file(tmp_path):
    def write(content, name="a.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path
    return write


@pytest.mark.system("Tabular frames")
def test_types_are_inferred(file):
    frame = read_frame(file(PEOPLE))
    assert frame.names == ("age", "work", "hours", "pay")
    assert frame.kinds == {"age": "number", "work": "category", "hours": "number",
                           "pay": "category"}
    np.testing.assert_array_equal(frame["age"], [39, 50, np.nan])
    np.testing.assert_array_equal(frame["hours"], [40, 13.5, 40])
    assert frame["work"].tolist() == ["State-gov", "", "Private"]
    assert read_frame(file("n\n1\n2\n"))["n"].dtype == np.int64
    assert repr(frame).startswith("Frame of 3 rows (age: number, work: category")


def test_whole_numbers_keep_all_their_digits(file):
    ids = [1234567890123456789, 1234567890123456788, -2**63, 2**63 - 1]
    found = read_frame(file("id\n" + "\n".join(map(str, ids))))["id"]
    assert (found.dtype, found.tolist()) == (np.int64, ids)
    beyond = [str(2**63), str(2**63 + 1), "7"]
    assert read_frame(file("id\n" + "\n".join(beyond)))["id"].tolist() == beyond
    assert Frame({"id": [2**63, 2**63 + 1]})["id"].tolist() == beyond[:2]
    assert read_frame(file("n\n1\n2.5\n"))["n"].tolist() == [1, 2.5]
    np.testing.assert_array_equal(read_frame(file("n,w\n1,a\n,b\n"))["n"], [1, np.nan])


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n \n\t\n"])
def test_the_last_cell_of_the_last_row_may_be_empty(file, end):
    frame = read_frame(file("a\tb\n1\t2\n3\t" + end))
    np.testing.assert_array_equal(frame["b"], [2, np.nan])
    assert len(frame) == 2


def test_cells_given_by_hand_may_be_missing():
    frame = Frame({"whole": [1, None, 3], "real": [0.5, None, np.float32(2)],
                   "word": ["a", None, "b"], "mixed": [1, None, "b"], "none": [None] * 3})
    np.testing.assert_array_equal(frame["whole"], [1, np.nan, 3])
    np.testing.assert_array_equal(frame["real"], [0.5, np.nan, 2])
    assert frame["word"].tolist() == ["a", "", "b"]
    assert frame["mixed"].tolist() == ["1", "", "b"]
    assert frame["none"].tolist() == ["", "", ""]
    assert Frame({"n": np.array([1, True], object)})["n"].dtype == np.int64


@pytest.mark.system("Tabular frames")
@given(st.integers(1, 6).flatmap(lambda n: st.fixed_dictionaries({
    "whole": st.lists(st.integers(-2**52, 2**52), min_size=n, max_size=n),
    "real": st.lists(st.floats(allow_infinity=False), min_size=n, max_size=n),
    "word": st.lists(st.sampled_from(["", "a", "b", "ü", "a b"]), min_size=n, max_size=n)})))
def test_a_frame_comes_back_from_its_numbers(columns):
    frame = Frame(columns)
    codes = FrameCodes.fit(frame)
    numbers = codes.encode(frame)
    assert numbers.shape == (len(frame), 3)
    again = codes.decode(numbers)
    for name in frame.names:
        np.testing.assert_array_equal(again[name], frame[name])
        assert again[name].dtype.kind == frame[name].dtype.kind


@pytest.mark.system("Tabular frames", "Lists, matrices, data frames")
def test_data_frames_of_pandas_lists_and_matrices():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"age": [39, 50, 28], "work": ["a", None, "b"],
                          "kind": pd.Categorical(["x", "y", "x"]), "hours": [1.5, None, 3]})
    frame = as_frame(table)
    assert frame.kinds == {"age": "number", "work": "category", "kind": "category",
                           "hours": "number"}
    assert frame["work"].tolist() == ["a", "", "b"]
    np.testing.assert_array_equal(frame["hours"], [1.5, np.nan, 3])
    gaps = pd.DataFrame({"n": pd.array([1, None, 3], "Int64"), "m": pd.array([1, 2, 3], "Int64"),
                         "w": pd.array(["a", None, "b"], "string")})
    for nullable in (as_frame(gaps), Frame({name: gaps[name] for name in gaps})):
        np.testing.assert_array_equal(nullable["n"], [1, np.nan, 3])
        assert (nullable["m"].dtype, nullable["w"].tolist()) == (np.int64, ["a", "", "b"])
    arrays = as_table(table, target="kind")
    assert (arrays.classes, arrays.train.y.tolist()) == (("x", "y"), [0, 1, 0])
    by_hand = as_frame({"age": [39, 50, 28], "work": ["a", "", "b"]})
    np.testing.assert_array_equal(by_hand["age"], frame["age"])
    matrix = np.arange(6.0).reshape(3, 2)
    again = as_frame({"a": matrix[:, 0], "b": matrix[:, 1]}).numeric()[1]
    np.testing.assert_array_equal(again, matrix)


def test_a_frame_becomes_the_input_of_a_network(file):
    people = as_table(read_frame(file(PEOPLE)), target="pay")
    x, unknown = TableEncoder.fit(people)(people.train)
    assert x.dtype == np.float32
    assert x.shape == (3, 2 + 1 + 3)                  # numbers, a flag for age, three words of work
    assert not unknown.any()


def test_encoding_a_word_that_was_not_there(fails, lines):
    codes = FrameCodes.fit({"work": ["a", "b"]})
    assert fails(codes.encode, {"work": ["a", "c"]}) == lines("""
        column work has a word that was not there before
          row  : 2
          need : one of a, b
          got  : 'c'
          try  : fit the codes on all words there are
          more : sheer explain E806""")
    assert "a number stands for no word" in fails(codes.decode, np.array([[2.0]]))
    assert "need : (N, 1)" in fails(codes.decode, np.zeros((2, 2)))


@pytest.mark.parametrize("content", [PEOPLE, PEOPLE.replace(",", ";"), PEOPLE.replace(",", "\t")])
def test_separators(file, content):
    assert read_frame(file(content)).names == ("age", "work", "hours", "pay")


def test_files_without_a_header(file):
    assert read_frame(file("1,a\n2,b\n")).names == ("column 1", "column 2")
    frame = read_frame(file("1,a\n2,b\n"), names=["n", "w"])
    assert (frame.names, len(frame)) == (("n", "w"), 2)
    words = file("x,y\na,b\n")
    assert len(read_frame(words)) == 2                 # nothing tells that the first is a header
    assert read_frame(words, header=True).names == ("x", "y")


def test_a_row_with_other_columns(file, fails, lines, capsys):
    path = file(PEOPLE + "1,2\n")
    assert fails(read_frame, path) == lines(f"""
        a.csv: a row has another number of columns
          file : {path}
          row  : 5
          need : 4 columns separated by ','
          got  : 2 columns
          try  : correct the row, or bad="skip"
          more : sheer explain E805""")
    frame = read_frame(path, bad="skip")
    assert (len(frame), frame.skipped) == (3, 1)
    assert "a.csv: skipped 1 of 4 rows" in capsys.readouterr().err


def test_rows_that_cannot_be_cut_are_skipped_too(file):
    assert len(read_frame(file('a,b\n1,2\n1,"x\n3,4\n'), bad="skip")) == 2


def test_two_columns_of_one_name(file, fails):
    assert "got  : 'a'" in fails(read_frame, file("a,b,a\n1,2,3\n"))


def test_names_that_are_not_there(fails, lines):
    frame = Frame({"age": [39], "work": ["a"]})
    assert fails(lambda: frame["wrok"]) == lines("""
        there is no column 'wrok'
          need : age, work
          got  : 'wrok'
          try  : frame['work']
          more : sheer explain E634""")
    assert "there is no column 'pay'" in fails(as_table, frame, "pay")
    assert "a int has no columns" in fails(as_frame, 7)
    assert "need : one length" in fails(Frame, {"a": [1], "b": [1, 2]})


def test_a_label_that_is_missing(fails, lines):
    assert fails(as_table, {"x": [1, 2], "y": ["a", ""]}, "y") == lines("""
        column y: a label is of no known class
          row  : 2
          need : one of a
          got  : ''
          try  : correct the label, or leave the row out
          more : sheer explain E806""")


def test_a_number_that_is_missing_is_no_class(file, fails):
    path = file("x,y\n1,0\n2,1\n3,\n")
    for classes in (None, ("0.0", "1.0", "nan")):
        said = fails(as_table, read_frame(path), "y", classes)
        assert "row  : 3" in said
        assert "E806" in said
    whole = as_table(read_frame(file("x,y\n1,0\n2,1\n")), target="y")
    assert (whole.classes, whole.train.y.tolist()) == (("0", "1"), [0, 1])


def test_a_series(file):
    series = read_series(file(SALES), "Month")
    assert series.times.astype("datetime64[M]").tolist() == [
        np.datetime64("1949-01").item(), np.datetime64("1949-02").item()]
    np.testing.assert_array_equal(series.values, [[112], [np.nan]])
    assert (series.names, series.category_names) == (("Sales",), ("Shop",))
    assert series.categories.tolist() == [["a"], ["b"]]


@pytest.mark.parametrize(("old", "new", "row", "what", "got"), [
    ("1949-02", "1949-01", 3, "a time is not after the one before", "1949-01-01T00:00:00"),
    ("1949-02", "1948-02", 3, "a time is not after the one before", "1948-02-01T00:00:00"),
    ("1949-02", "Feb 49", 3, "a time cannot be read", "'FebT49'"),
    ("1949-01", "1949-13", 2, "a time cannot be read", "'1949-13'"),
    ("1949-01", "", 2, "a time cannot be read", "''")])
def test_times_that_are_wrong(file, fails, old, new, row, what, got):
    text = fails(read_series, file(SALES.replace(old, new)), "Month")
    assert text.startswith(f"a.csv: {what}\n")
    assert f"  row  : {row}\n" in text
    assert f"  got  : {got}\n" in text
    assert text.endswith("sheer explain E633")


def test_empty_lines_do_not_shift_the_row_that_is_named(file, fails):
    assert "  row  : 4\n" in fails(read_series, file("Month,v\n1949-01,1\n\nlater,2\n"), "Month")


def test_times_in_several_columns(file, fails):
    content = "year,month,day,hour,v\n2010,1,2,0,1\n2010,1,2,5,2\n"
    series = read_series(file(content), ("year", "month", "day", "hour"))
    assert str(series.times[1]) == "2010-01-02T05:00:00"
    assert "E633" in fails(read_series, file(content.replace("2,5", "40,5")),
                           ("year", "month", "day", "hour"))
    assert "E633" in fails(read_series, file(content.replace(",5,", ",x,")),
                           ("year", "month", "day", "hour"))
    assert "E634" in fails(read_series, file(content), ("year", "minutes"))


@pytest.fixture
def parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq
    def write(columns, **options):
        path = tmp_path / "a.parquet"
        pq.write_table(pa.table(columns), path, **options)
        return path
    return write


def test_parquet_columns(parquet):
    pa = pytest.importorskip("pyarrow")
    path = parquet({"n": [1, 2, 3], "r": [0.5, None, 2], "w": ["a", None, "b"],
                    "d": pa.array(["x", "y", "x"]).dictionary_encode(), "b": [True, False, True]})
    frame = read_frame(path)
    assert frame.kinds == dict.fromkeys("nrb", "number") | dict.fromkeys("wd", "category")
    np.testing.assert_array_equal(frame["r"], [0.5, np.nan, 2])
    assert frame["w"].tolist() == ["a", "", "b"]
    assert frame["b"].tolist() == [1, 0, 1]


def test_parquet_files_that_are_broken(parquet, tmp_path, fails):
    raw = parquet({"n": list(range(1000))}).read_bytes()
    path = tmp_path / "b.parquet"
    for content, code in ((b"", "E802"), (raw[:-1], "E804"), (raw[:200], "E804"),
                          (b"PAR1" * 5, "E804"), (raw[:4] + bytes(200) + raw[204:], "E804")):
        path.write_bytes(content)
        assert f"sheer explain {code}" in fails(read_frame, path)
    assert "E801" in fails(read_frame, tmp_path / "c.parquet")


def test_parquet_rows_in_any_order(parquet, fails, lines):
    path = parquet({"a": np.arange(50.0), "b": -np.arange(50.0), "y": np.arange(50) % 3},
                   row_group_size=8)
    data = ParquetDataset(path, keep=2)
    rows = np.random.default_rng(0).permutation(50)
    x, y = data.batch(rows)
    np.testing.assert_array_equal(x, np.stack([rows, -rows], 1))
    np.testing.assert_array_equal(y, rows % 3)
    assert (x.dtype, y.dtype, len(data._kept)) == (np.float32, np.int64, 2)
    assert sorted(data.shuffled(0).order(1).tolist()) == list(range(50))
    one, label = data[-1]
    assert (one.tolist(), int(label)) == ([49, -49], 1)
    assert "there is no column 'z'" in fails(ParquetDataset, path, ["a", "z"])
    for wrong in ([-1], [3, 50]):
        with pytest.raises(BoundsError) as error:
            data.batch(wrong)
        assert error.value.code == "E407"


def test_parquet_values_that_are_missing(parquet, fails, lines):
    values = [float(i) for i in range(20)]
    values[13] = None
    path = parquet({"a": values, "w": ["x"] * 20, "y": [0] * 20}, row_group_size=8)
    assert fails(ParquetDataset(path, ["a"]).batch, [0, 13]) == lines(f"""
        a.parquet: column a has a value that is no number
          file : {path}
          row  : 14
          need : finite numbers
          got  : a missing value, NaN or infinity
          try  : fill or drop such rows before writing the file
          more : sheer explain E807""")
    assert "column w is not a number" in fails(ParquetDataset(path, ["w"]).batch, [0])


def test_parquet_without_pyarrow(parquet, fails, monkeypatch):
    path = parquet({"a": [1.0], "y": [0]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    for read in (read_frame, ParquetDataset):
        assert 'pip install "sheer[parquet]"' in fails(read, path)
