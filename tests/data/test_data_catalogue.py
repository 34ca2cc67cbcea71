"""Where a dataset is looked for, what is said when it is not there, and the shipped digits."""

import gzip
import hashlib

import numpy as np
import pytest

from sheer.data import DATASETS, ImageArrays, load_arrays
from sheer.data.known import catalogue
from sheer.data.known.sources import find_complete

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
         "t10k-labels-idx1-ubyte")
IRIS = "\n".join(["5.1,3.5,1.4,0.2,Iris-setosa"] * 150)


@pytest.fixture
def toy_mnist(idx):
    """Write a small dataset under MNIST's names, as Fashion-MNIST is published."""
    def write(folder, value=7):
        folder.mkdir(parents=True, exist_ok=True)
        for part, count in (("train", 3), ("t10k", 2)):
            idx(folder / f"{part}-images-idx3-ubyte", np.full((count, 4, 5), value))
            idx(folder / f"{part}-labels-idx1-ubyte", np.arange(count))
        return folder
    return write


@pytest.fixture
def offline(monkeypatch):
    """No test of this file may reach the network."""
    def fetch(dataset, folder):
        raise RuntimeError(f"download of {dataset.name} to {folder}")
    monkeypatch.setattr(catalogue, "fetch", fetch)


def pixel(data):
    return data.train.x[0, 0, 0, 0]


def test_the_shipped_digits_are_the_published_file():
    path = next(iter(DATASETS["digits"].layouts[0].files[0]))
    file = catalogue.Path(catalogue.__file__).parent / "files" / path
    # The SHA-256 of optdigits.tes, as several projects that download it have recorded it.
    assert hashlib.sha256(gzip.decompress(file.read_bytes())).hexdigest() == (
        "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8")
    assert file.stat().st_size < 100_000
    attribution = file.with_name("DIGITS.md").read_text(encoding="utf-8")
    assert all(word in attribution for word in ("Alpaydin", "Kaynak", "CC BY 4.0", "10.24432"))


def test_digits_need_nothing_but_the_package(offline):
    data = load_arrays("digits")
    assert isinstance(data, ImageArrays)
    assert (data.name, data.top, data.test, len(data.classes)) == ("digits", 16, None, 10)
    assert (data.train.x.shape, data.train.x.dtype) == ((1797, 1, 8, 8), np.uint8)
    assert (data.train.x.min(), data.train.x.max()) == (0, 16)
    np.testing.assert_array_equal(np.bincount(data.train.y),
                                  [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])


def test_digits_with_a_pixel_out_of_range(tmp_path, fails, lines):
    rows = [",".join(["0"] * 64 + ["3"])] * 1797
    rows[1] = rows[1].replace("0", "17", 1)
    path = tmp_path / "optdigits.tes"
    path.write_text("\n".join(rows))
    assert fails(load_arrays, "digits", tmp_path) == lines(f"""
        optdigits.tes: a pixel is out of range
          file : {path}
          row  : 2
          need : 64 whole numbers from 0 to 16
          got  : another value
          try  : replace the file by an intact copy; see https://doi.org/10.24432/C50P49
          more : sheer explain E807""")


@pytest.mark.parametrize("sub", ["", "mnist", "MNIST/raw"])
def test_data_dir_is_the_folder_or_one_above(tmp_path, toy_mnist, offline, sub):
    toy_mnist(tmp_path / sub)
    for data_dir in (tmp_path, str(tmp_path)):
        data = load_arrays("mnist", data_dir)
        assert (data.train.x.shape, data.test.x.shape) == ((3, 1, 4, 5), (2, 1, 4, 5))
        assert data.source == tmp_path / sub


@pytest.mark.parametrize("rename", [lambda n: n + ".gz", lambda n: n.replace("-idx", ".idx"),
                                    lambda n: n.replace("-idx", ".idx") + ".gz"])
def test_other_names_of_the_same_files(tmp_path, toy_mnist, offline, rename):
    toy_mnist(tmp_path)
    for name in FILES:  # packed or not is told by the content, so the name may say either
        (tmp_path / name).rename(tmp_path / rename(name))
    assert len(load_arrays("mnist", tmp_path).train) == 3


def test_data_dir_before_the_variable_before_the_cache(tmp_path, toy_mnist, offline, own_cache,
                                                      monkeypatch):
    toy_mnist(tmp_path / "a", 1)
    toy_mnist(tmp_path / "b", 2)
    toy_mnist(own_cache / "mnist", 3)
    assert pixel(load_arrays("mnist")) == 3
    monkeypatch.setenv("SHEER_DATA", str(tmp_path / "b"))
    assert pixel(load_arrays("mnist")) == 2
    assert pixel(load_arrays("mnist", tmp_path / "a")) == 1


def test_what_is_not_there_is_looked_for_further_on_and_said_once(tmp_path, toy_mnist, offline,
                                                                 own_cache, capsys):
    toy_mnist(own_cache / "mnist", 3)
    for _ in range(2):
        assert pixel(load_arrays("mnist", tmp_path)) == 3
    assert capsys.readouterr().err == (
        f"sheer: mnist is not in {tmp_path}; looking in the cache\n")
    assert load_arrays("digits", tmp_path).source.parent.name == "files"
    assert capsys.readouterr().err == ""


def test_files_with_the_published_names_in_the_cache_are_checked(toy_mnist, offline, own_cache):
    folder = toy_mnist(own_cache / "mnist")
    for name in FILES:
        (folder / name).rename(folder / (name + ".gz"))
    with pytest.raises(RuntimeError, match="download of mnist to"):
        load_arrays("mnist")


def test_nothing_anywhere_means_download(offline):
    with pytest.raises(RuntimeError, match="download of cifar10 to"):
        load_arrays("cifar10")


@pytest.mark.parametrize("way", ["argument", "variable"])
def test_a_folder_that_does_not_exist(tmp_path, fails, lines, monkeypatch, way):
    if way == "variable":
        monkeypatch.setenv("SHEER_DATA", str(tmp_path / "x"))
    argument = tmp_path / "x" if way == "argument" else None
    assert fails(load_arrays, "mnist", argument) == lines(f"""
        mnist: the data folder does not exist
          file : {tmp_path}/x
          need : a folder
          got  : nothing
          try  : check data_dir, or the environment variable SHEER_DATA
          more : sheer explain E801""")


def test_some_of_the_files(tmp_path, toy_mnist, fails, lines):
    toy_mnist(tmp_path / "mnist")
    (tmp_path / "mnist" / FILES[1]).unlink()
    (tmp_path / "mnist" / FILES[3]).unlink()
    assert fails(load_arrays, "mnist", tmp_path) == lines(f"""
        mnist: files are missing
          file : {tmp_path}/mnist
          need : {", ".join(name + ".gz" for name in FILES)}
          got  : no {FILES[1]}.gz, {FILES[3]}.gz
          try  : put them there as well; see http://yann.lecun.com/exdb/mnist/
          more : sheer explain E801""")


def test_pickle_is_refused(tmp_path, fails, lines):
    (tmp_path / "cifar-10-batches-py").mkdir()
    assert fails(load_arrays, "cifar10", tmp_path) == lines(f"""
        cifar10: cifar-10-batches-py is not read
          file : {tmp_path}/cifar-10-batches-py
          got  : a format that runs code when it is read
          try  : take the binary version, https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz
          more : sheer explain E804""")


def test_labels_of_another_dataset(tmp_path, toy_mnist, idx, fails, lines):
    toy_mnist(tmp_path)
    idx(tmp_path / FILES[1], [1, 2])
    assert fails(load_arrays, "mnist", tmp_path) == lines(f"""
        train-labels-idx1-ubyte does not belong to train-images-idx3-ubyte
          file : {tmp_path}/train-labels-idx1-ubyte
          need : 3 labels, one per image
          got  : 2 labels
          try  : take both files from one source
          more : sheer explain E812""")


def test_train_and_test_of_different_sizes(tmp_path, toy_mnist, idx, fails, lines):
    toy_mnist(tmp_path)
    idx(tmp_path / FILES[2], np.zeros((2, 5, 5)))
    assert fails(load_arrays, "mnist", tmp_path) == lines(f"""
        the train and test images have different sizes
          file : {tmp_path}/t10k-images-idx3-ubyte
          need : 4 x 5 pixels, as in train
          got  : 5 x 5 pixels
          try  : take all four files from one source
          more : sheer explain E812""")


def test_no_images(tmp_path, toy_mnist, idx, fails, lines):
    toy_mnist(tmp_path)
    idx(tmp_path / FILES[0], np.zeros((0, 4, 5)))
    assert fails(load_arrays, "mnist", tmp_path) == lines(f"""
        train-images-idx3-ubyte holds no images
          file : {tmp_path}/train-images-idx3-ubyte
          need : images
          got  : shape (0, 1, 4, 5)
          try  : replace the file by an intact copy; see http://yann.lecun.com/exdb/mnist/
          more : sheer explain E802""")


def test_a_broken_file_says_where_to_get_it(tmp_path, fails, lines):
    (tmp_path / "iris.csv").write_text("")
    assert fails(load_arrays, "iris", tmp_path) == lines(f"""
        iris.csv is empty
          file : {tmp_path}/iris.csv
          need : data
          got  : 0 bytes
          try  : replace the file by an intact copy; see https://doi.org/10.24432/C56C76
          more : sheer explain E802""")


def test_unknown_name(fails, lines):
    names = ", ".join(DATASETS)
    assert fails(load_arrays, "minst") == lines(f"""
        there is no dataset 'minst'
          need : {names}
          got  : 'minst'
          try  : load_arrays("mnist")
          more : sheer explain E811""")
    assert "there is no dataset None" in fails(load_arrays, None)
    assert "try" not in fails(load_arrays, "xyzzy")


def test_a_dataset_that_nobody_serves_says_where_to_put_it(fails, lines, own_cache):
    assert fails(load_arrays, "rt_polarity") == lines(f"""
        rt-polarity: files are missing
          file : {own_cache}/rt-polarity
          need : rt-polarity.neg, rt-polarity.pos
          try  : put them into a folder of your own and name it by data_dir=... or SHEER_DATA; see https://github.com/yoonkim/CNN_sentence
          more : sheer explain E801""")


def test_iris_from_either_name(tmp_path, offline):
    (tmp_path / "iris.data").write_text(IRIS + "\n\n")
    data = load_arrays("iris", tmp_path)
    assert (len(data.train), data.numeric_names[0]) == (150, "sepal length")


@pytest.mark.parametrize("name", list(DATASETS))
def test_every_entry_is_complete(name, tmp_path):
    dataset = DATASETS[name]
    assert dataset.title
    assert dataset.licence
    assert dataset.homepage.startswith("http")
    files = {name for names in dataset.layouts[0].files for name in names}
    assert dataset.shipped or {r.file for r in dataset.remotes} <= files or name == "cifar10"
    for remote in dataset.remotes:
        assert len(remote.sha256) == 64
        assert all(url.startswith("https://") for url in remote.urls)
        (tmp_path / remote.file).touch()
    if dataset.remotes:  # what is downloaded must be something that is found
        assert find_complete(dataset, tmp_path)
