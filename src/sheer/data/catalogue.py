"""The name of a dataset goes in; its arrays come out, from the nearest place that has it."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Literal, overload

from sheer.data.arrays import ImageArrays, TableArrays
from sheer.data.download import fetch
from sheer.data.errors import DataError
from sheer.data.readers import known
from sheer.data.readers.cifar_binary import TEST, TRAIN
from sheer.data.readers.decoded_cache import cache_folder
from sheer.data.readers.notes import say_once
from sheer.data.readers.whole_file import REPLACE
from sheer.data.sources import Dataset, Found, Layout, Remote, find, find_complete

UCI = "https://archive.ics.uci.edu/ml/machine-learning-databases/"
CC_BY = "CC BY 4.0"
MNIST_MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/",
                 "https://storage.googleapis.com/cvdf-datasets/mnist/")


def _idx(stem: str, axes: int) -> tuple[str, ...]:
    """The names an IDX file goes by: as published, unpacked, and with the dot some tools leave."""
    return tuple(f"{stem}{mark}idx{axes}-ubyte{end}" for mark in "-." for end in (".gz", ""))


def _mnist(file: str, sha256: str) -> Remote:
    return Remote(file, sha256, tuple(mirror + file for mirror in MNIST_MIRRORS))


def _uci(path: str, sha256: str) -> Remote:
    return Remote(path.rpartition("/")[2], sha256, (UCI + path,))


_ALL = (
    Dataset(
        "digits", "handwritten digits, 8 x 8 grey, 10 classes, 1,797 images", CC_BY,
        "https://doi.org/10.24432/C50P49",
        (Layout((("digits.csv.gz", "optdigits.tes"),), known.digits),), (), ("digits",),
        shipped=True),
    Dataset(
        "mnist", "handwritten digits, 28 x 28 grey, 10 classes, 60,000 + 10,000 images",
        "not stated by the publisher", "http://yann.lecun.com/exdb/mnist/",
        (Layout((_idx("train-images", 3), _idx("train-labels", 1),
                 _idx("t10k-images", 3), _idx("t10k-labels", 1)), known.mnist),),
        (_mnist("train-images-idx3-ubyte.gz",
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
         _mnist("train-labels-idx1-ubyte.gz",
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
         _mnist("t10k-images-idx3-ubyte.gz",
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
         _mnist("t10k-labels-idx1-ubyte.gz",
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6")),
        ("mnist", "MNIST/raw")),
    Dataset(
        "cifar10", "photographs, 32 x 32 colour, 10 classes, 50,000 + 10,000 images",
        "not stated by the publisher", "https://www.cs.toronto.edu/~kriz/cifar.html",
        (Layout((("train.tar",), ("test.tar",)), known.cifar10_jpeg),
         Layout(tuple((name,) for name in TRAIN + TEST), known.cifar10_binary),
         Layout((("cifar-10-binary.tar.gz", "cifar-10-binary.tar"),), known.cifar10_archive)),
        (Remote("cifar-10-binary.tar.gz",
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",)),),
        ("cifar10", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin"),
        refused=dict.fromkeys(
            ("cifar-10-batches-py", "cifar-10-python.tar.gz"),
            "take the binary version, https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz")),
    Dataset(
        "iris", "flowers, 4 measurements, 3 classes, 150 rows", CC_BY,
        "https://doi.org/10.24432/C56C76",
        (Layout((("iris.csv", "iris.data"),), known.iris),),
        (_uci("iris/iris.data",
              "6f608b71a7317216319b4d27b4d9bc84e6abd734eda7872b71a458569e2656c0"),),
        ("tabular", "iris")),
    Dataset(
        "adult", "income above 50,000 dollars, 14 columns, 32,561 + 16,281 rows", CC_BY,
        "https://doi.org/10.24432/C5XW20",
        (Layout((("adult-train.csv", "adult.data"), ("adult-test.csv", "adult.test")),
                known.adult),),
        (_uci("adult/adult.data",
              "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d"),
         _uci("adult/adult.test",
              "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05")),
        ("tabular", "adult")),
    Dataset(
        "wine-quality", "Vinho Verde, 11 measurements and colour, quality 3 to 9, 6,497 rows",
        CC_BY, "https://doi.org/10.24432/C56S3T",
        (Layout((("winequality-red.csv",), ("winequality-white.csv",)), known.wine_quality),),
        (_uci("wine-quality/winequality-red.csv",
              "4a402cf041b025d4566d954c3b9ba8635a3a8a01e039005d97d6a710278cf05e"),
         _uci("wine-quality/winequality-white.csv",
              "76c3f809815c17c07212622f776311faeb31e87610d52c26d87d6e361b169836")),
        ("tabular", "wine-quality")),
)
DATASETS = {dataset.name: dataset for dataset in _ALL}

Images = Literal["digits", "mnist", "cifar10"]
Tables = Literal["iris", "adult", "wine-quality"]


@overload
def load_arrays(name: Images, data_dir: str | Path | None = None) -> ImageArrays: ...
@overload
def load_arrays(name: Tables, data_dir: str | Path | None = None) -> TableArrays: ...
@overload
def load_arrays(name: str, data_dir: str | Path | None = None) -> ImageArrays | TableArrays: ...
def load_arrays(name: str, data_dir: str | Path | None = None) -> ImageArrays | TableArrays:
    """A dataset of the catalogue as NumPy arrays.

    It is taken from `data_dir`, else the folder in SHEER_DATA, else the package, else the
    platform's data cache, else downloaded there. Your own files are not held to the known hash,
    so Fashion-MNIST may lie under MNIST's names; downloads are.

    Params  name      one of `DATASETS`
            data_dir  the folder of the files, or a folder above with the usual name for it
    Shape   see `ImageArrays`, `TableArrays`
    Raises  E801 when `data_dir` does not exist or holds only some of the files; E802 to E808,
            E812 when a file is broken; E809, E810 when a download fails; E811 for another name
    Example
        >>> load_arrays("digits").train.x.shape
        (1797, 1, 8, 8)
    """
    dataset = _dataset(name)
    found = _locate(dataset, data_dir)
    try:
        return found.layout.read(found.paths)
    except DataError as error:
        if error.fix != REPLACE:
            raise
        raise error.with_fix(f"{REPLACE}; see {dataset.homepage}") from error.__cause__


def _dataset(name: str) -> Dataset:
    if name in DATASETS:
        return DATASETS[name]
    near = difflib.get_close_matches(name, DATASETS, n=1, cutoff=0.5)
    raise DataError("E811", f"there is no dataset {name!r}", expected=", ".join(DATASETS),
                    found=repr(name), fix=f'load_arrays("{near[0]}")' if near else None)


def _locate(dataset: Dataset, data_dir: str | Path | None) -> Found:
    for folder in (data_dir, os.environ.get("SHEER_DATA")):
        if folder:
            found = find(dataset, Path(folder).expanduser())
            if found:
                return found
            if not dataset.shipped:
                say_once(f"{dataset.name} is not in {folder}; looking in the cache")
    if dataset.shipped:
        found = find_complete(dataset, Path(__file__).parent / "files")
        if found:
            return found
    return _cached(dataset, cache_folder() / dataset.name)


def _cached(dataset: Dataset, folder: Path) -> Found:
    """From the cache, after downloading what it lacks."""
    found = find_complete(dataset, folder)
    ours = {remote.file for remote in dataset.remotes}
    if found is None or ours.issuperset(path.name for path in found.paths):
        fetch(dataset, folder)  # which is quick for files that are there and have the right hash
        found = find_complete(dataset, folder)
    if found is None:
        raise DataError("E801", f"{dataset.name}: files are missing", folder,
                        expected=", ".join(names[0] for names in dataset.layouts[0].files),
                        fix=f"install sheer again, or see {dataset.homepage}")
    return found
