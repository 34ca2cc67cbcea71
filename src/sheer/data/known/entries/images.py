"""Where datasets of images lie, and where they are published."""

from __future__ import annotations

from ...readers.cifar_binary import TEST, TRAIN
from ..contents import images as contents
from ..sources import Dataset, Layout, Remote
from .licences import CC_BY, NOT_STATED

MNIST_MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/",
                 "https://storage.googleapis.com/cvdf-datasets/mnist/")


def _idx(stem: str, axes: int) -> tuple[str, ...]:
    """The names an IDX file goes by: as published, unpacked, and with the dot some tools leave."""
    return tuple(f"{stem}{mark}idx{axes}-ubyte{end}" for mark in "-." for end in (".gz", ""))


def _mnist(file: str, sha256: str) -> Remote:
    return Remote(file, sha256, tuple(mirror + file for mirror in MNIST_MIRRORS))


IMAGES = (
    Dataset(
        "digits", "handwritten digits, 8 x 8 grey, 10 classes, 1,797 images", CC_BY,
        "https://doi.org/10.24432/C50P49",
        (Layout((("digits.csv.gz", "optdigits.tes"),), contents.digits),), (), ("digits",),
        shipped=True),
    Dataset(
        "mnist", "handwritten digits, 28 x 28 grey, 10 classes, 60,000 + 10,000 images",
        NOT_STATED, "http://yann.lecun.com/exdb/mnist/",
        (Layout((_idx("train-images", 3), _idx("train-labels", 1),
                 _idx("t10k-images", 3), _idx("t10k-labels", 1)), contents.mnist),),
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
        NOT_STATED, "https://www.cs.toronto.edu/~kriz/cifar.html",
        (Layout((("train.tar",), ("test.tar",)), contents.cifar10_jpeg),
         Layout(tuple((name,) for name in TRAIN + TEST), contents.cifar10_binary),
         Layout((("cifar-10-binary.tar.gz", "cifar-10-binary.tar"),), contents.cifar10_archive)),
        (Remote("cifar-10-binary.tar.gz",
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",)),),
        ("cifar10", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin"),
        refused=dict.fromkeys(
            ("cifar-10-batches-py", "cifar-10-python.tar.gz"),
            "take the binary version, https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz")),
)
