"""Where tables lie, and where they are published."""

from __future__ import annotations

from ..contents import tables as contents
from ..sources import Dataset, Layout, Remote
from .licences import CC_BY, NOT_STATED

UCI = "https://archive.ics.uci.edu/ml/machine-learning-databases/"
COPIES = "https://raw.githubusercontent.com/jbrownlee/Datasets/master/"


def _uci(path: str, sha256: str) -> Remote:
    return Remote(path.rpartition("/")[2], sha256, (UCI + path,))


def copied(file: str, sha256: str, there: str = "") -> Remote:
    """A file of a collection of copies, under the same name or another one there."""
    return Remote(file, sha256, (COPIES + (there or file),))


TABLES = (
    Dataset(
        "iris", "flowers, 4 measurements, 3 classes, 150 rows", CC_BY,
        "https://doi.org/10.24432/C56C76",
        (Layout((("iris.csv", "iris.data"),), contents.iris),),
        (_uci("iris/iris.data",
              "6f608b71a7317216319b4d27b4d9bc84e6abd734eda7872b71a458569e2656c0"),),
        ("tabular", "iris")),
    Dataset(
        "adult", "income above 50,000 dollars, 14 columns, 32,561 + 16,281 rows", CC_BY,
        "https://doi.org/10.24432/C5XW20",
        (Layout((("adult-train.csv", "adult.data"), ("adult-test.csv", "adult.test")),
                contents.adult),),
        (_uci("adult/adult.data",
              "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d"),
         _uci("adult/adult.test",
              "a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05")),
        ("tabular", "adult")),
    Dataset(
        "wine-quality", "Vinho Verde, 11 measurements and colour, quality 3 to 9, 6,497 rows",
        CC_BY, "https://doi.org/10.24432/C56S3T",
        (Layout((("winequality-red.csv",), ("winequality-white.csv",)), contents.wine_quality),),
        (_uci("wine-quality/winequality-red.csv",
              "4a402cf041b025d4566d954c3b9ba8635a3a8a01e039005d97d6a710278cf05e"),
         _uci("wine-quality/winequality-white.csv",
              "76c3f809815c17c07212622f776311faeb31e87610d52c26d87d6e361b169836")),
        ("tabular", "wine-quality")),
    Dataset(
        "pima", "diabetes, 8 measurements, 2 classes, 768 rows", NOT_STATED,
        "https://github.com/jbrownlee/Datasets",
        (Layout((("pima-indians-diabetes.csv",),), contents.pima),),
        (copied("pima-indians-diabetes.csv",
                "6bfe5d0f379d17a0e0819b996407e3c09bf80febd4287f2ed212190dfff154af"),),
        ("tabular", "pima")),
    Dataset(
        "mammography", "spots on X-ray pictures, 6 numbers, 2.3 % positive, 11,183 rows",
        NOT_STATED, "https://github.com/jbrownlee/Datasets",
        (Layout((("mammography.csv",),), contents.mammography),),
        (copied("mammography.csv",
                "7d3dea3f075f30bbdbb8980e7725684059b4fe3d0f850fadd0f635f6993d8730"),),
        ("tabular", "mammography")),
)
