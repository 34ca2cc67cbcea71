"""The files a dataset consists of and a folder go in; the folder holds them afterwards, checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sheer.data.errors import DataError
from sheer.data.known.sources import Dataset, Remote


def fetch(dataset: Dataset, folder: Path) -> None:
    """Download what is missing or damaged in `folder`; each file appears complete or not at all.

    Raises  E809 when a server sends another file than the known one; E810 when none of its URLs
            can be reached or the folder cannot be written
    """
    for remote in dataset.remotes:
        failures = []
        for url in remote.urls:
            failure = _attempt(remote, url, folder)
            if failure is None:
                break
            failures.append(failure)
        else:
            raise _failed(dataset, remote, folder, failures)


def _attempt(remote: Remote, url: str, folder: Path) -> str | None:
    """Try one URL; None when the file is there, else what went wrong."""
    from pooch.core import retrieve  # late: it brings requests, a tenth of a second
    from pooch.downloaders import HTTPDownloader
    from requests import HTTPError, RequestException

    try:
        with _progress(remote.file) as bar:
            download = HTTPDownloader(progressbar=bar)
            retrieve(url, f"sha256:{remote.sha256}", remote.file, folder, downloader=download)
    except HTTPError as error:
        status = "unknown" if error.response is None else error.response.status_code
        return f"HTTP status {status} from {url}"
    except RequestException as error:
        return f"no answer from {url} ({type(error).__name__})"
    except ValueError as error:  # pooch's word for a hash that differs
        other = re.search(r"got ([0-9a-f]{64})", str(error))
        if other is None:
            raise
        return f"SHA-256 {other[1]} from {url}"
    except OSError as error:
        return f"a folder that cannot be written ({error.strerror or type(error).__name__})"
    return None


def _failed(dataset: Dataset, remote: Remote, folder: Path, failures: list[str]) -> DataError:
    wrong = any(failure.startswith("SHA-256") for failure in failures)
    names = ", ".join(r.file for r in dataset.remotes)
    return DataError(
        "E809" if wrong else "E810", f"{dataset.name}: {remote.file} could not be downloaded",
        folder / remote.file, expected=f"SHA-256 {remote.sha256}", found="; ".join(failures),
        fix=f"put {names} into a folder of your own and name it by data_dir=... or SHEER_DATA; "
            f"they are at {remote.urls[0].rpartition('/')[0]}/")


class _Bar:
    """What pooch calls while it downloads, drawn by rich."""

    def __init__(self, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

        self._progress = Progress(TextColumn(name), BarColumn(), DownloadColumn(),
                                  console=Console(stderr=True))
        self._task = self._progress.add_task(name, total=None)

    @property
    def total(self) -> float | None:
        """Bytes to come; None while the server has not said."""
        return self._progress.tasks[0].total

    @total.setter
    def total(self, size: int) -> None:
        self._progress.start()  # not before: a file that is already there needs no bar
        self._progress.update(self._task, total=size or None)

    def update(self, size: int) -> None:
        """Count `size` more bytes."""
        self._progress.advance(self._task, size)

    def reset(self) -> None:
        """Count from zero again."""
        self._progress.update(self._task, completed=0)

    def close(self) -> None:
        """Leave the bar as it is and give the terminal back."""
        self._progress.stop()


@contextmanager
def _progress(name: str) -> Iterator[_Bar]:
    bar = _Bar(name)
    try:
        yield bar
    finally:
        bar.close()
