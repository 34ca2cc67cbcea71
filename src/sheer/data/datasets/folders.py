"""A folder with a folder for each class flows in; (content of a file, label) flows out.

    photos = ImageFolder("photos", transform=ToTensor())     # photos/cat/1.jpg, photos/dog/7.png
    words = AudioFolder("words", rate=16000)                 # words/yes/1.wav
    mails = TextFolder("mails")                              # mails/spam/1.txt
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ..errors import DataError
from ..readers.bad import Bad, Mode
from ..readers.picture import open_picture
from ..readers.resample import resample
from ..readers.text_file import read_text
from ..readers.wav import read_wav
from ..readers.whole_file import read_bytes
from ..rows import placed
from ..transforms import chance
from .base import Dataset

Change = Callable[[Any], Any]


class DatasetFolder(Dataset):
    """Files in class folders, read when they are asked for.

    Params  root        has a folder for each class; files lie in it at any depth
            loader      from a path to what a file holds
            extensions  endings of the files that count, in small letters; others are left alone
            transform, target_transform   applied to what the loader gives, and to the label
            classes     the folders, in the order of their labels; None takes all, sorted by name
            bad         "raise" when a broken file is asked for; "skip" reads every file once, now,
                        and leaves out those that are broken, with a note
    Raises  E801 when root is no folder; E802 when it has no class folders, or one of them has no
            file that counts; E806 for a folder that is no class; E407 for a file that is not there;
            what the loader raises
    Source  torchvision.datasets.DatasetFolder
    """

    noun: ClassVar[str] = "file"

    def __init__(self, root: str | os.PathLike[str], loader: Callable[[Path], Any],
                 extensions: Sequence[str], transform: Change | None = None,
                 target_transform: Change | None = None, *, classes: Sequence[str] | None = None,
                 bad: Mode = "raise") -> None:
        self.root, self.loader, self.extensions = Path(root), loader, tuple(extensions)
        self.transform, self.target_transform = transform, target_transform
        self.classes = _class_folders(self.root, classes)
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}
        broken = Bad(bad, self.root.name, self.noun)
        self.samples = [(path, label) for label, name in enumerate(self.classes)
                        for path in self._files(name) if self._fits(path, broken)]
        self.skipped = broken.tell(len(self.samples))

    @property
    def targets(self) -> list[int]:
        """The label of every file."""
        return [label for _, label in self.samples]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        row = placed(type(self).__name__, index, len(self))
        path, label = self.samples[row]
        target: Any = label
        with chance.at(row):
            content = self.loader(path)
            if self.transform is not None:
                content = self.transform(content)
            if self.target_transform is not None:
                target = self.target_transform(label)
        return content, target

    def _files(self, name: str) -> list[Path]:
        """The files of a class, sorted by path."""
        found = sorted(path for path in (self.root / name).rglob("*")
                       if path.suffix.lower() in self.extensions and path.is_file())
        if not found:
            raise DataError("E802", f"the class folder {name} holds no {self.noun}",
                            self.root / name, expected="files ending in "
                            + ", ".join(self.extensions), found="none",
                            fix="put some there, or name the classes that have some")
        return found

    def _fits(self, path: Path, broken: Bad) -> bool:
        """Can it be read? Found out only where files may be skipped."""
        if broken.mode == "raise":
            return True
        try:
            self.loader(path)
        except DataError as error:
            broken(error)
            return False
        return True

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {len(self)} {self.noun}s, {len(self.classes)} classes"


class ImageFolder(DatasetFolder):
    """Images in class folders: example i is (PIL image in RGB, label) before the transform.

    Raises  as DatasetFolder; E808 for an image that cannot be decoded
    Source  torchvision.datasets.ImageFolder
    """

    noun = "image"

    def __init__(self, root: str | os.PathLike[str], transform: Change | None = None,
                 target_transform: Change | None = None,
                 loader: Callable[[Path], Any] | None = None, *,
                 classes: Sequence[str] | None = None, bad: Mode = "raise") -> None:
        super().__init__(root, loader or load_image, IMAGES, transform, target_transform,
                         classes=classes, bad=bad)

    @property
    def imgs(self) -> list[tuple[Path, int]]:
        """torchvision's other name for `samples`."""
        return self.samples


class AudioFolder(DatasetFolder):
    """WAV files in class folders: example i is (float32 (T,), label) before the transform.

    Params  rate  samples per second that every sound is brought to; None leaves them
    Raises  as DatasetFolder; E632, E803, E804 for a file that cannot be read
    """

    noun = "sound"

    def __init__(self, root: str | os.PathLike[str], rate: int | None = None,
                 transform: Change | None = None, target_transform: Change | None = None, *,
                 classes: Sequence[str] | None = None, bad: Mode = "raise") -> None:
        def load(path: Path) -> Any:
            wave, found = read_wav(path, mono=True)
            return wave if rate is None else resample(wave, found, rate)
        super().__init__(root, load, (".wav",), transform, target_transform,
                         classes=classes, bad=bad)


class TextFolder(DatasetFolder):
    """Text files in class folders: example i is (str, label) before the transform.

    Raises  as DatasetFolder; E802, E804 for a file that is empty or no text
    """

    noun = "text"

    def __init__(self, root: str | os.PathLike[str], encoding: str = "utf-8",
                 transform: Change | None = None, target_transform: Change | None = None, *,
                 classes: Sequence[str] | None = None, bad: Mode = "raise") -> None:
        super().__init__(root, lambda path: read_text(path, encoding), (".txt",), transform,
                         target_transform, classes=classes, bad=bad)


IMAGES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", ".gif")


def load_image(path: Path) -> Any:
    """A PIL image in RGB. Raises E801, E802, E808."""
    return open_picture(path, path.name, read_bytes(path))


def _class_folders(root: Path, classes: Sequence[str] | None) -> list[str]:
    if not root.is_dir():
        raise DataError("E801", "the data folder does not exist", root, expected="a folder",
                        found="a file" if root.exists() else "nothing", fix="check the path")
    found = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
    if not found:
        raise DataError("E802", f"{root.name} has no class folders", root,
                        expected="CLASS/NAME.EXT", found="no folder in it",
                        fix="put the files of each class into a folder of its own")
    unknown = [name for name in found if classes is not None and name not in classes]
    if unknown:
        raise DataError("E806", f"{root.name}: a folder is of no known class", root / unknown[0],
                        expected="one of " + ", ".join(classes or ()), found=unknown[0],
                        fix="name all classes, or move the folder away")
    return found if classes is None else list(classes)
