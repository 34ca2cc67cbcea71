"""Where sounds and series lie, and where they are published."""

from __future__ import annotations

from ..contents import signals as contents
from ..sources import Dataset, Layout, Reader
from .licences import NOT_STATED
from .tables import copied


def _series(name: str, title: str, file: str, sha256: str, read: Reader) -> Dataset:
    return Dataset(name, title, NOT_STATED, "https://github.com/jbrownlee/Datasets",
                   (Layout(((file,),), read),), (copied(file, sha256),), ("series", name))


SIGNALS = (
    Dataset(
        "fsdd", "spoken digits, 6 speakers, 8 kHz, 1,200 recordings", "CC BY-SA 4.0",
        "https://github.com/Jakobovski/free-spoken-digit-dataset",
        (Layout((("fsdd.tar",),), contents.fsdd),), (), ("fsdd",)),
    _series("airline", "passengers of airlines by month, 144 rows", "airline-passengers.csv",
            "8cb51be753a718d9be5d76d7e238cc224792754676adc21faa59e954b0201621", contents.airline),
    _series("temperatures", "daily minimum temperatures, 3,650 rows", "daily-min-temperatures.csv",
            "8b9de63ed6789492bf497625e7f9beb96a63d367b4b0a21754006f749fa5e5da",
            contents.temperatures),
    _series("sunspots", "sunspots by month, 2,820 rows", "monthly-sunspots.csv",
            "c4ec8cc57d9f6fb6ecdb3e1f37f25b6f4badd5124c55931052b0cd2fc3bc71f3", contents.sunspots),
    _series("pollution", "fine dust and weather of Beijing by the hour, 43,824 rows",
            "pollution.csv", "892e9559205d16d32623135c127a3951c12e46ea1e0b3093e107ce89a9fd60e2",
            contents.pollution),
)
