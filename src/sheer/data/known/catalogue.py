"""The name of a dataset goes in; its arrays come out, from the nearest place that has it."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any, Literal, overload

from sheer.data.arrays.images import ImageArrays
from sheer.data.arrays.scenes import BoxArrays, MaskArrays
from sheer.data.arrays.signals import AudioArrays, SeriesArrays
from sheer.data.arrays.tables import TableArrays
from sheer.data.arrays.texts import Corpus, PairArrays, TagArrays, TextArrays
from sheer.data.errors import DataError
from sheer.data.known.download import fetch
from sheer.data.known.entries.images import IMAGES
from sheer.data.known.entries.scenes import SCENES
from sheer.data.known.entries.signals import SIGNALS
from sheer.data.known.entries.tables import TABLES
from sheer.data.known.entries.texts import TEXTS
from sheer.data.known.sources import Dataset, Found, find, find_complete
from sheer.data.readers.decoded_cache import cache_folder
from sheer.data.readers.notes import say_once
from sheer.data.readers.whole_file import REPLACE

DATASETS = {dataset.name: dataset
            for dataset in (*IMAGES, *TABLES, *TEXTS, *SIGNALS, *SCENES)}

Images = Literal["digits", "mnist", "cifar10"]
Tables = Literal["iris", "adult", "wine-quality", "pima", "mammography"]
Corpora = Literal["tinyshakespeare", "republic"]
Boxes = Literal["bccd", "raccoon"]
Series = Literal["airline", "temperatures", "sunspots", "pollution"]


@overload
def load_arrays(name: Images, data_dir: str | Path | None = None) -> ImageArrays: ...
@overload
def load_arrays(name: Tables, data_dir: str | Path | None = None) -> TableArrays: ...
@overload
def load_arrays(name: Literal["rt-polarity"], data_dir: str | Path | None = None) -> TextArrays: ...
@overload
def load_arrays(name: Literal["multi30k"], data_dir: str | Path | None = None) -> PairArrays: ...
@overload
def load_arrays(name: Literal["wnut17"], data_dir: str | Path | None = None) -> TagArrays: ...
@overload
def load_arrays(name: Corpora, data_dir: str | Path | None = None) -> Corpus: ...
@overload
def load_arrays(name: Literal["fsdd"], data_dir: str | Path | None = None) -> AudioArrays: ...
@overload
def load_arrays(name: Series, data_dir: str | Path | None = None) -> SeriesArrays: ...
@overload
def load_arrays(name: Boxes, data_dir: str | Path | None = None) -> BoxArrays: ...
@overload
def load_arrays(name: Literal["camvid"], data_dir: str | Path | None = None) -> MaskArrays: ...
@overload
def load_arrays(name: str, data_dir: str | Path | None = None) -> Any: ...
def load_arrays(name: str, data_dir: str | Path | None = None) -> Any:
    """A dataset of the catalogue as NumPy arrays.

    It is taken from `data_dir`, else the folder in SHEER_DATA, else the package, else the
    platform's data cache, else downloaded there. Your own files are not held to the known hash,
    so Fashion-MNIST may lie under MNIST's names; downloads are.

    Params  name      one of `DATASETS`
            data_dir  the folder of the files, or a folder above with the usual name for it
    Shape   see `ImageArrays`, `TableArrays`, `TextArrays`, `TagArrays`, `PairArrays`, `Corpus`,
            `AudioArrays`, `SeriesArrays`, `BoxArrays`, `MaskArrays`
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


def _dataset(name: object) -> Dataset:
    name = name.replace("_", "-") if isinstance(name, str) else name
    if isinstance(name, str) and name in DATASETS:
        return DATASETS[name]
    near = difflib.get_close_matches(str(name), DATASETS, n=1, cutoff=0.5)
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
                        fix=f"install sheer again, or see {dataset.homepage}" if dataset.shipped
                        else "put them into a folder of your own and name it by data_dir=... or "
                             f"SHEER_DATA; see {dataset.homepage}")
    return found
