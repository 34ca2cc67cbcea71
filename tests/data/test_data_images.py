"""Image tars, CIFAR's binary files and the cache of decoded images, with generated files."""

import gzip
import io
import os
import tarfile

import numpy as np
import pytest
from PIL import Image

from sheer.data.readers.cifar_binary import TEST, TRAIN, read_cifar_archive, read_cifar_binary
from sheer.data.readers.decoded_cache import cached_images
from sheer.data.readers.image_tar import read_image_tar

CLASSES = ("cat", "dog")


def png(value, size=(4, 6), mode="RGB"):
    out = io.BytesIO()
    Image.new(mode, (size[1], size[0]), value).save(out, "PNG")
    return out.getvalue()


def tar(path, members):
    with tarfile.open(path, "w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def read(path):
    return read_image_tar(path, CLASSES, (4, 6))


@pytest.fixture
def good(tmp_path):
    return tar(tmp_path / "a.tar", [("dog/0.png", png((1, 2, 3))), ("cat/1.png", png((9, 8, 7)))])


@pytest.mark.parametrize("zipped", [False, True])
def test_reads_images_and_labels_in_the_order_of_the_archive(good, zipped):
    if zipped:
        good.write_bytes(gzip.compress(good.read_bytes()))
    x, y = read(good)
    assert (x.shape, x.dtype) == ((2, 3, 4, 6), np.uint8)
    np.testing.assert_array_equal(x[:, :, 0, 0], [[1, 2, 3], [9, 8, 7]])
    np.testing.assert_array_equal(y, [1, 0])
    assert y.dtype == np.int64


def test_grey_images_become_rgb(tmp_path):
    x, _ = read(tar(tmp_path / "a.tar", [("cat/0.png", png(5, mode="L"))]))
    np.testing.assert_array_equal(x[0, :, 0, 0], [5, 5, 5])


def test_unknown_class(tmp_path, fails, lines):
    path = tar(tmp_path / "a.tar", [("cat/0.png", png((0, 0, 0))), ("x/cow/0.png", b"?")])
    assert fails(read, path) == lines(f"""
        a.tar: x/cow/0.png is of no known class
          file : {path}
          row  : 2
          need : a folder from cat, dog
          got  : cow
          try  : name the folders inside the archive after the classes
          more : sheer explain E806""")


def test_undecodable_image(tmp_path, fails, lines):
    path = tar(tmp_path / "a.tar", [("cat/0.jpg", b"not an image")])
    assert fails(read, path) == lines(f"""
        a.tar: cat/0.jpg cannot be decoded
          file : {path}
          row  : 1
          need : a JPEG or PNG image
          got  : 12 bytes: no image format Pillow knows
          try  : replace the file by an intact copy
          more : sheer explain E808""")


def test_truncated_jpeg(tmp_path, fails, lines):
    out = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    Image.fromarray(noise).save(out, "JPEG")
    data = out.getvalue()[:-40]
    path = tar(tmp_path / "a.tar", [("cat/0.jpg", data)])
    text = fails(read, path)
    assert text.startswith(f"a.tar: cat/0.jpg cannot be decoded\n  file : {path}\n  row  : 1\n")
    assert f"got  : {len(data)} bytes: " in text


def test_another_size(tmp_path, fails, lines):
    path = tar(tmp_path / "a.tar", [("cat/0.png", png((0, 0, 0), (5, 6)))])
    assert fails(read, path) == lines(f"""
        a.tar: cat/0.png has another size
          file : {path}
          row  : 1
          need : 4 x 6 pixels
          got  : 5 x 6 pixels
          try  : resize the images, or take this one out
          more : sheer explain E808""")


def test_cut_between_two_members(good, fails, lines):
    good.write_bytes(good.read_bytes()[:1024])  # one header, one block of data: reads well
    assert fails(read, good) == lines(f"""
        a.tar is cut short
          file : {good}
          need : 1024 zero bytes at the end
          got  : other bytes
          try  : replace the file by an intact copy
          more : sheer explain E803""")


def test_cut_inside_a_member(good, fails, lines):
    good.write_bytes(good.read_bytes()[:540])
    assert fails(read, good) == lines(f"""
        a.tar is cut short
          file : {good}
          need : a complete, uncompressed or gzipped tar
          got  : unexpected end of data
          try  : replace the file by an intact copy
          more : sheer explain E803""")


def test_not_a_tar(tmp_path, fails, lines):
    (tmp_path / "a.tar").write_bytes(b"PK\3\4" * 300)
    assert fails(read, tmp_path / "a.tar") == lines(f"""
        a.tar is not a tar archive
          file : {tmp_path}/a.tar
          need : a complete, uncompressed or gzipped tar
          got  : invalid header
          try  : replace the file by an intact copy
          more : sheer explain E804""")


def test_a_tar_without_images(tmp_path, fails, lines):
    assert fails(read, tar(tmp_path / "a.tar", [])) == lines(f"""
        a.tar holds no images
          file : {tmp_path}/a.tar
          need : CLASS/NAME.jpg
          got  : an archive without files
          try  : replace the file by an intact copy
          more : sheer explain E802""")


def record(label, value):
    return bytes([label]) + bytes([value]) * 1024 + bytes([value + 1]) * 2048


def test_cifar_binary(tmp_path):
    (tmp_path / "a.bin").write_bytes(record(3, 10) + record(9, 20))
    (tmp_path / "b.bin").write_bytes(record(0, 30))
    x, y = read_cifar_binary([tmp_path / "a.bin", tmp_path / "b.bin"])
    assert (x.shape, x.dtype, y.dtype) == ((3, 3, 32, 32), np.uint8, np.int64)
    np.testing.assert_array_equal(x[:, 0, 0, 0], [10, 20, 30])
    np.testing.assert_array_equal(x[:, 2, 31, 31], [11, 21, 31])
    np.testing.assert_array_equal(y, [3, 9, 0])


def test_cifar_binary_cut_short(tmp_path, fails, lines):
    (tmp_path / "a.bin").write_bytes(record(3, 10)[:-1])
    assert fails(read_cifar_binary, [tmp_path / "a.bin"]) == lines(f"""
        a.bin is cut short
          file : {tmp_path}/a.bin
          need : a multiple of 3073 bytes, one label and one image each
          got  : 3072 bytes
          try  : replace the file by an intact copy
          more : sheer explain E803""")


def test_cifar_binary_label(tmp_path, fails, lines):
    (tmp_path / "a.bin").write_bytes(record(3, 10) + record(10, 10))
    assert fails(read_cifar_binary, [tmp_path / "a.bin"]) == lines(f"""
        a.bin: a label is out of range
          file : {tmp_path}/a.bin
          row  : 2
          need : a class from 0 to 9
          got  : 10
          try  : replace the file by an intact copy
          more : sheer explain E806""")


def archive(path, names):
    tar(path, [(f"cifar-10-batches-bin/{name}", record(i, 1)) for i, name in enumerate(names)])
    path.write_bytes(gzip.compress(path.read_bytes()))
    return path


def test_cifar_archive(tmp_path):
    path = archive(tmp_path / "a.tar.gz", ("batches.meta.txt", *reversed(TRAIN + TEST)))
    (x, y), (x_test, y_test) = read_cifar_archive(path)
    np.testing.assert_array_equal(y, [6, 5, 4, 3, 2])  # data_batch_1 first, wherever it lies
    np.testing.assert_array_equal(y_test, [1])
    assert (x.shape, x_test.shape) == ((5, 3, 32, 32), (1, 3, 32, 32))


def test_cifar_archive_of_the_python_version(tmp_path, fails, lines):
    path = archive(tmp_path / "a.tar.gz", ("data_batch_1", "test_batch"))
    assert fails(read_cifar_archive, path) == lines(f"""
        a.tar.gz lacks files
          file : {path}
          need : {", ".join(TRAIN + TEST)}
          got  : no {", ".join(TRAIN + TEST)}
          try  : take cifar-10-binary.tar.gz, not the Python or Matlab version
          more : sheer explain E804""")


class Decoder:
    """A slow reader that counts its calls."""

    def __init__(self, path):
        self.path, self.calls = path, 0

    def __call__(self):
        self.calls += 1
        return read(self.path)

    def cached(self):
        return cached_images(self.path, (3, 4, 6), 2, self)


def test_decodes_once_and_says_so_once(good, own_cache, capsys):
    decoder = Decoder(good)
    first, again = decoder.cached(), decoder.cached()
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert decoder.calls == 1
    folder = own_cache / "decoded"
    assert capsys.readouterr().err == f"sheer: decoded a.tar once; kept in {folder} (0 MB)\n"
    assert [f.suffix for f in folder.iterdir()] == [".npz"]  # and no half-written file


def test_decodes_again_when_the_archive_changes_and_forgets_the_old(good, own_cache):
    decoder = Decoder(good)
    decoder.cached()
    os.utime(good, ns=(1, 1))
    decoder.cached()
    assert decoder.calls == 2
    assert len(list((own_cache / "decoded").iterdir())) == 1


@pytest.mark.parametrize("damage", [
    lambda raw: b"", lambda raw: raw[:100], lambda raw: raw[:-30], lambda raw: b"?" * len(raw),
    lambda raw: raw.replace(bytes([1]) * 24, bytes([2]) * 24)], ids=[
        "empty", "header only", "cut", "noise", "a flipped pixel"])
def test_a_damaged_cache_is_decoded_again(good, own_cache, damage):
    decoder = Decoder(good)
    first = decoder.cached()
    file, = (own_cache / "decoded").iterdir()
    file.write_bytes(damage(file.read_bytes()))
    np.testing.assert_array_equal(decoder.cached()[0], first[0])
    assert decoder.calls == 2
    decoder.cached()
    assert decoder.calls == 2  # the cache is whole again


@pytest.mark.parametrize(("x", "y"), [
    (np.zeros((1, 3, 9, 9), np.uint8), [0]), (np.zeros((1, 3, 4, 6)), [0]),
    (np.zeros((2, 3, 4, 6), np.uint8), [0]), (np.zeros((1, 3, 4, 6), np.uint8), [2]),
    (np.zeros((0, 3, 4, 6), np.uint8), [])])
def test_a_cache_with_other_arrays_is_decoded_again(good, own_cache, x, y):
    decoder = Decoder(good)
    decoder.cached()
    file, = (own_cache / "decoded").iterdir()
    np.savez(file, x=x, y=np.array(y, np.int64))
    assert decoder.cached()[0].shape == (2, 3, 4, 6)


def test_a_cache_that_cannot_be_written_costs_only_time(good, own_cache, capsys):
    own_cache.parent.mkdir(exist_ok=True)
    own_cache.write_text("a file where the folder should be")
    decoder = Decoder(good)
    decoder.cached()
    assert decoder.cached()[0].shape == (2, 3, 4, 6)
    assert decoder.calls == 2
    assert capsys.readouterr().err == (
        f"sheer: cannot keep the decoded a.tar in {own_cache / 'decoded'} (Not a directory); "
        "it will be decoded again each time\n")
