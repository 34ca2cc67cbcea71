"""What a dataset consists of and a folder go in; the paths of its files come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sheer.data.errors import DataError

Reader = Callable[[Sequence[Path]], Any]     # to one of the records of `arrays`


@dataclass(frozen=True)
class Remote:
    """A file to download: the name it gets, its SHA-256, and URLs to try in turn."""

    file: str
    sha256: str
    urls: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """One way a dataset lies in a folder.

    Params  files  per file the names it may have, the usual one first; in the reader's order
            read   what makes arrays of their paths
    """

    files: tuple[tuple[str, ...], ...]
    read: Reader


@dataclass(frozen=True)
class Dataset:
    """One line of the catalogue.

    Params  name        what `load_arrays` calls it
            title       what it is, for people
            licence     as its publisher states it
            homepage    the publisher's page
            layouts     ways it may lie in a folder, in the order they are looked for
            remotes     the files to download; together they form one of the layouts. None for
                        a dataset that has to be put there by hand
            subfolders  where it may lie below a folder of several datasets
            shipped     whether the package holds it
            refused     name of a file or folder -> why it is of no use and what would be
    """

    name: str
    title: str
    licence: str
    homepage: str
    layouts: tuple[Layout, ...]
    remotes: tuple[Remote, ...] = ()
    subfolders: tuple[str, ...] = ()
    shipped: bool = False
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """A layout with the paths of all its files, in the reader's order."""

    layout: Layout
    paths: tuple[Path, ...]


def find(dataset: Dataset, folder: Path) -> Found | None:
    """Where the dataset lies in a folder or its usual subfolder; None when nothing of it does.

    Raises  E801 when the folder does not exist, or holds only some of the files; E804 when it
            holds the dataset only in a form that is refused
    """
    if not folder.is_dir():
        raise DataError("E801", f"{dataset.name}: the data folder does not exist", folder,
                        expected="a folder", found="a file" if folder.exists() else "nothing",
                        fix="check data_dir, or the environment variable SHEER_DATA")
    places = [place for place in (folder, *(folder / sub for sub in dataset.subfolders))
              if place.is_dir()]
    for place in places:
        found = find_complete(dataset, place)
        if found:
            return found
    for place in places:
        _raise_if_partial(dataset, place)
        for name, why in dataset.refused.items():
            if (place / name).exists():
                raise DataError("E804", f"{dataset.name}: {name} is not read", place / name,
                                found="a format that runs code when it is read", fix=why)
    return None


def find_complete(dataset: Dataset, place: Path) -> Found | None:
    """The first layout all of whose files lie in exactly this folder."""
    for layout in dataset.layouts:
        paths = [_first(place, names) for names in layout.files]
        complete = tuple(path for path in paths if path is not None)
        if len(complete) == len(paths):
            return Found(layout, complete)
    return None


def _raise_if_partial(dataset: Dataset, place: Path) -> None:
    for layout in dataset.layouts:
        absent = [names[0] for names in layout.files if _first(place, names) is None]
        if len(absent) < len(layout.files):
            raise DataError("E801", f"{dataset.name}: files are missing", place,
                            expected=", ".join(names[0] for names in layout.files),
                            found="no " + ", ".join(absent),
                            fix=f"put them there as well; see {dataset.homepage}")


def _first(place: Path, names: Sequence[str]) -> Path | None:
    return next((place / name for name in names if (place / name).is_file()), None)
