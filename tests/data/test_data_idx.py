"""IDX files, written here byte by byte, read back; every way they can be broken."""

import gzip
import pickle
import struct

import numpy as np
import pytest

from sheer.data.errors import DataError
from sheer.data.readers.idx import read_idx, read_labels

IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("zipped", [False, True])
def test_reads_what_was_written(tmp_path, idx, zipped):
    found = read_idx(idx(tmp_path / "a", IMAGES, zipped), ndim=3, dtype="uint8")
    np.testing.assert_array_equal(found, IMAGES)
    assert found.dtype == np.uint8
    assert found.flags.writeable
    np.testing.assert_array_equal(read_idx(str(tmp_path / "a")), IMAGES)


@pytest.mark.parametrize(("code", "name"), [(8, "u1"), (9, "i1"), (11, "i2"), (12, "i4"),
                                            (13, "f4"), (14, "f8")])
def test_reads_every_element_type(tmp_path, code, name):
    values = np.array([1, 2, 100], name)
    raw = bytes([0, 0, code, 1]) + struct.pack(">I", 3) + values.astype(">" + name).tobytes()
    (tmp_path / "a").write_bytes(raw)
    found = read_idx(tmp_path / "a")
    np.testing.assert_array_equal(found, values)
    assert found.dtype == values.dtype


def test_missing(tmp_path, fails, lines):
    assert fails(read_idx, tmp_path / "a") == lines(f"""
        a cannot be read
          file : {tmp_path}/a
          need : a readable file
          got  : no such file
          try  : check the path and the permissions
          more : sheer explain E801""")


def test_a_folder_is_not_a_file(tmp_path, fails):
    assert "got  : Is a directory" in fails(read_idx, tmp_path)


@pytest.mark.parametrize("content", [b"", gzip.compress(b"", mtime=0)])
def test_empty(tmp_path, fails, lines, content):
    (tmp_path / "a").write_bytes(content)
    assert fails(read_idx, tmp_path / "a") == lines(f"""
        a is empty
          file : {tmp_path}/a
          need : data
          got  : 0 bytes
          try  : replace the file by an intact copy
          more : sheer explain E802""")


def test_truncated_gzip(tmp_path, idx, fails, lines):
    path = idx(tmp_path / "a.gz", IMAGES, zipped=True)
    path.write_bytes(path.read_bytes()[:20])
    assert fails(read_idx, path) == lines(f"""
        a.gz is cut short
          file : {path}
          need : a complete gzip stream
          got  : 20 bytes that end inside it
          try  : replace the file by an intact copy
          more : sheer explain E803""")


def test_damaged_gzip(tmp_path, idx, fails, lines):
    path = idx(tmp_path / "a.gz", IMAGES, zipped=True)
    raw = bytearray(path.read_bytes())
    raw[-8:-4] = b"\0\0\0\0"  # the CRC of the content
    path.write_bytes(raw)
    assert fails(read_idx, path) == lines(f"""
        a.gz is damaged
          file : {path}
          need : a valid gzip stream
          got  : CRC check failed
          try  : replace the file by an intact copy
          more : sheer explain E804""")


@pytest.mark.parametrize("case", [(19, "is cut short"), (26, "is longer than its header says")])
def test_length_differs_from_the_header(tmp_path, idx, fails, lines, case):
    size, what = case
    path = idx(tmp_path / "a", IMAGES)
    path.write_bytes((path.read_bytes() + b"!!")[:16 + size])
    assert fails(read_idx, path) == lines(f"""
        a {what}
          file : {path}
          need : 24 bytes for shape (2, 3, 4)
          got  : {size} bytes
          try  : replace the file by an intact copy
          more : sheer explain E803""")


def test_header_cut_short(tmp_path, fails, lines):
    (tmp_path / "a").write_bytes(bytes([0, 0, 8, 3, 0, 0]))
    assert fails(read_idx, tmp_path / "a") == lines(f"""
        a is cut short
          file : {tmp_path}/a
          need : a header of 16 bytes
          got  : 6 bytes
          try  : replace the file by an intact copy
          more : sheer explain E803""")


def test_a_header_that_claims_4_billion_images_allocates_nothing(tmp_path, fails):
    (tmp_path / "a").write_bytes(bytes([0, 0, 8, 3]) + b"\xff" * 12)
    assert "need : 79228162458924105385300197375 bytes" in fails(read_idx, tmp_path / "a")


@pytest.mark.parametrize(("raw", "found"), [
    (b"\x89PNG\r\n", "89 50 4e 47"), (bytes([0, 0, 7, 1]), "00 00 07 01"),
    (bytes([0, 0, 8, 255]), "00 00 08 ff"), (b"\0\0", "00 00")])
def test_wrong_magic(tmp_path, fails, lines, raw, found):
    (tmp_path / "a").write_bytes(raw)
    assert fails(read_idx, tmp_path / "a") == lines(f"""
        a is not an IDX file
          file : {tmp_path}/a
          need : first bytes 00 00, a type byte, a number of axes
          got  : {found}
          try  : replace the file by an intact copy
          more : sheer explain E804""")


def test_labels_where_images_belong(tmp_path, idx, fails, lines):
    path = idx(tmp_path / "a", [1, 2, 3])
    assert fails(read_idx, path, ndim=3, dtype="uint8") == lines(f"""
        a holds something else
          file : {path}
          need : 3 axes of uint8
          got  : shape (3,) of uint8
          try  : check that images and labels are not swapped
          more : sheer explain E804""")


def test_label_out_of_range(tmp_path, idx, fails, lines):
    path = idx(tmp_path / "a", [1, 2, 10, 11])
    assert fails(read_labels, path, 10) == lines(f"""
        a: a label is out of range
          file : {path}
          row  : 3
          need : a class from 0 to 9
          got  : 10
          try  : replace the file by an intact copy
          more : sheer explain E806""")
    assert read_labels(path, 12).dtype == np.int64


def test_the_error_crosses_processes(tmp_path):
    error = DataError("E806", "what", tmp_path, 3, expected="this", found="that", fix="so")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert (again.code, again.row, again.path) == ("E806", 3, tmp_path)
