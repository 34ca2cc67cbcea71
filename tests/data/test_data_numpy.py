"""NumPy files: read without pickles, within the size of the file, mapped at no cost of memory."""

import gzip
import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from sheer.data import MappedDataset, read_lines, read_npy, read_npz
from sheer.graph.errors import BoundsError, ShapeError

ARRAYS = {"floats": np.arange(12.0).reshape(3, 4), "columns": np.asfortranarray(np.eye(3)),
          "swapped": np.arange(5, dtype=">i4"), "texts": np.array(["a", "bcd"]),
          "number": np.float32(3), "nothing": np.zeros((0, 4), np.int8), "yes": np.array([True])}


@pytest.mark.parametrize("name", list(ARRAYS))
def test_arrays_come_back(tmp_path, name):
    np.save(tmp_path / "a.npy", ARRAYS[name])
    for mapped in (False, True):
        found = read_npy(tmp_path / "a.npy", mapped)
        np.testing.assert_array_equal(found, ARRAYS[name])
        assert (found.shape, found.dtype) == (ARRAYS[name].shape, ARRAYS[name].dtype)
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", one=ARRAYS[name], two=np.ones(2))
        found = read_npz(tmp_path / "a.npz")
        assert list(found) == ["one", "two"]
        np.testing.assert_array_equal(found["one"], ARRAYS[name])


class Harm:
    """What runs code when a pickle of it is read."""

    def __reduce__(self):
        return exec, ("raise SystemExit('the pickle was read')",)


def test_pickles_are_refused(tmp_path, fails, lines):
    path = tmp_path / "a.npy"
    np.save(path, np.array([Harm()], object), allow_pickle=True)
    for mapped in (False, True):
        assert fails(read_npy, path, mapped) == lines(f"""
            a.npy holds Python objects
              file : {path}
              need : an array of numbers or texts
              got  : a pickle, which can run any code when it is read
              try  : save an array of one number type
              more : sheer explain E631""")
    np.savez(tmp_path / "a.npz", fine=np.ones(2), harm=np.array([Harm()], object))
    assert "a.npz: harm.npy holds Python objects" in fails(read_npz, tmp_path / "a.npz")
    fields = np.zeros(2, [("a", object)])
    np.save(path, fields, allow_pickle=True)
    assert "E631" in fails(read_npy, path)
    np.save(path, np.zeros(2, [("a", int)]))
    assert "is no array of numbers" in fails(read_npy, path)


def header(text, version=1):
    raw = text.encode()
    length = len(raw).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + raw


@pytest.mark.parametrize(("raw", "code"), [
    (b"", "E802"), (b"x", "E804"), (b"\x93NUMPY", "E804"), (b"\x93NUMPY\x09\x00", "E804"),
    (header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}\n") + bytes(7), "E803"),
    (header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}\n") + bytes(9), "E803"),
    (header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}\n"), "E803"),
    (header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}\n"), "E804"),
    (header("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 99999999999999999999)}\n"),
     "E804"),
    (header("{'descr': 'boo', 'fortran_order': False, 'shape': (2,)}\n"), "E804"),
    (header("__import__('os').system('true')\n"), "E804"),
    (header("{'descr': " + "[" * 3000 + "}\n"), "E804"),
    (header(" " * 20_000, 2), "E804"), (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "E804"),
    (b"\x80\x04\x95pickle", "E804")])
@pytest.mark.parametrize("mapped", [False, True])
def test_broken_files(tmp_path, fails, raw, code, mapped):
    path = tmp_path / "a.npy"
    path.write_bytes(raw)
    assert fails(read_npy, path, mapped).endswith(f"sheer explain {code}")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", raw)
    if raw:
        assert f"sheer explain {code}" in fails(read_npz, tmp_path / "a.npz")


def test_a_missing_file(tmp_path, fails):
    assert "E801" in fails(read_npy, tmp_path / "a.npy")
    assert "E801" in fails(read_npz, tmp_path / "a.npz")


def test_the_whole_text_of_one(tmp_path, fails, lines):
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((3, 4), np.float32))
    path.write_bytes(path.read_bytes()[:-8])
    assert fails(read_npy, path) == lines(f"""
        a.npy is cut short
          file : {path}
          need : 48 bytes for float32, shape (3, 4)
          got  : 40 bytes
          try  : replace the file by an intact copy
          more : sheer explain E803""")


def test_archives_that_are_broken(tmp_path, fails):
    np.savez(tmp_path / "a.npz", x=np.arange(1000))
    raw = (tmp_path / "a.npz").read_bytes()
    path = tmp_path / "b.npz"
    for content in (raw[:-30], raw[:50], b"PK\x03\x04", raw[:500] + b"\xff" + raw[501:]):
        path.write_bytes(content)
        assert "E804" in fails(read_npz, path)


def zip_bomb(size):
    """A .npz of one array of zeros that grows a thousandfold."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, \
            archive.open("x.npy", "w", force_zip64=True) as file:
        text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({size},)}}\n"
        file.write(header(text))
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return out.getvalue()


def test_zip_bombs_are_refused(tmp_path, fails, monkeypatch):
    from sheer.data.readers import whole_file
    monkeypatch.setattr(whole_file, "PLAUSIBLE", 1 << 20)     # else it takes 64 MB to be one
    path = tmp_path / "a.npz"
    path.write_bytes(zip_bomb(8 << 20))
    text = fails(read_npz, path)
    assert text.startswith("a.npz unpacks to an absurd size\n")
    assert text.endswith("sheer explain E629")
    path = tmp_path / "a.txt"
    path.write_bytes(gzip.compress(bytes(8 << 20)))
    assert "E629" in fails(read_lines, path)


def test_a_zip_that_lies_about_its_size(tmp_path, fails):
    raw = zip_bomb(4 << 20)
    honest = (4 << 20) + len(header(f"{{'descr': '|u1', 'fortran_order': False, "
                                    f"'shape': ({4 << 20},)}}\n"))
    spot = raw.rindex(honest.to_bytes(4, "little"))          # in the directory at the end
    path = tmp_path / "a.npz"
    path.write_bytes(raw[:spot] + (1000).to_bytes(4, "little") + raw[spot + 4:])
    assert "got  : Bad CRC-32 for file 'x.npy'" in fails(read_npz, path)


def test_a_packed_file_cannot_be_mapped(tmp_path, fails):
    np.save(tmp_path / "a.npy", np.zeros(5))
    (tmp_path / "a.npy.gz").write_bytes(gzip.compress((tmp_path / "a.npy").read_bytes()))
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(5))
    for name in ("a.npy.gz", "a.npz"):
        assert f"{name} cannot be mapped into memory" in fails(MappedDataset, tmp_path / name)


# ---- mapped ------------------------------------------------------------------------------------
@pytest.mark.parametrize("array", [
    np.arange(60, dtype=np.float32).reshape(20, 3), np.arange(20, dtype=np.int64),
    np.asfortranarray(np.arange(60, dtype=np.float32).reshape(20, 3)),
    np.arange(20, dtype=">f4"), np.arange(60.0).reshape(20, 3),
    np.arange(20 * 2**16, dtype=np.uint8).reshape(20, -1)],
    ids=["rows", "labels", "columns", "swapped", "float64", "64 KB"])
@pytest.mark.parametrize("held", [64 << 20, 1])
def test_rows_of_a_map_are_those_of_the_array(tmp_path, monkeypatch, array, held):
    from sheer.data.datasets import mapped
    monkeypatch.setattr(mapped, "HELD", held)                # 1: pages are given back all the time
    np.save(tmp_path / "a.npy", array)
    data = MappedDataset(tmp_path / "a.npy")
    rng = np.random.default_rng(0)
    for count in (1, 7, 50):
        rows = rng.integers(0, 20, count)
        np.testing.assert_array_equal(data.batch(rows)[0], array[rows])
    np.testing.assert_array_equal(data[-1][0], array[-1])
    assert len(data) == 20


def test_rows_that_are_not_there(tmp_path):
    data = MappedDataset(np.zeros((4, 2), np.float32))
    for rows in ([4], [-1], [0, 9]):
        with pytest.raises(BoundsError) as caught:
            data.batch(rows)
        assert caught.value.code == "E407"
    with pytest.raises(BoundsError):
        data[4]
    for arrays in ((), (np.zeros(3), np.zeros(4)), (np.zeros(0),)):
        with pytest.raises(ShapeError) as caught:
            MappedDataset(*arrays)
        assert caught.value.code == "E401"


def test_a_copy_on_write_map_keeps_what_was_written(tmp_path, monkeypatch):
    from sheer.data.datasets import mapped
    monkeypatch.setattr(mapped, "HELD", 1)
    np.save(tmp_path / "a.npy", np.zeros((50, 4), np.float32))
    written = np.load(tmp_path / "a.npy", mmap_mode="c")
    written[7] = 5
    data = MappedDataset(written)
    data.batch(np.arange(50))
    assert data.batch([7])[0].tolist() == [[5, 5, 5, 5]]


RESIDENT = """
import sys
import numpy as np
from sheer.data import MappedDataset

def resident():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(l for l in lines if l.startswith("VmRSS")).split()[1]) / 1024

before = resident()
x = np.load(sys.argv[1]) if sys.argv[2] == "load" else MappedDataset(sys.argv[1])
print(resident() - before)
if sys.argv[2] == "map":
    total = 0.0
    for i in range(0, len(x), 8192):                  # every number is read once
        total += float(x.batch(np.arange(i, min(i + 8192, len(x))))[0].sum())
    print(resident() - before, total)
"""


@pytest.mark.system("Memory-mapped arrays vs `np.load`")
def test_a_map_takes_no_memory_and_a_load_all_of_it(tmp_path, figure):
    path = tmp_path / "x.npy"
    array = np.ones((2**17, 256), np.float32)                 # 134 MB
    np.save(path, array)
    found = {}
    for way in ("load", "map"):
        out = subprocess.run([sys.executable, "-c", RESIDENT, str(path), way], check=True,
                             capture_output=True, text=True).stdout
        found[way] = [float(v) for v in out.split()]
    size = path.stat().st_size / 2**20
    figure(f"file of {size:.0f} MB: resident memory +{found['load'][0]:.0f} MB after np.load, "
           f"+{found['map'][0]:.1f} MB mapped, +{found['map'][1]:.0f} MB after all rows were read")
    assert abs(found["load"][0] - size) < 10
    assert found["map"][0] < 10
    assert found["map"][1] < 90                               # 64 MB of pages at most, and a batch
    assert found["map"][2] == array.size
