"""Where texts lie, and where they are published."""

from __future__ import annotations

from functools import partial

from ..contents import texts as contents
from ..sources import Dataset, Layout, Remote
from .licences import CC_BY, NOT_STATED
from .tables import copied

MULTI30K = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/"
SHAKESPEARE = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/"


def _packed(name: str) -> tuple[str, ...]:
    """A file as published, or unpacked."""
    return f"{name}.gz", name


def _captions(file: str, sha256: str) -> Remote:
    return Remote(file, sha256, (MULTI30K + file,))


TEXTS = (
    Dataset(
        "rt-polarity", "sentences of film reviews, negative or positive, 5,331 of each", NOT_STATED,
        "https://github.com/yoonkim/CNN_sentence",
        (Layout((("rt-polarity.neg",), ("rt-polarity.pos",)), contents.rt_polarity),), (),
        ("rt_polarity", "rt-polarity")),
    Dataset(
        "multi30k", "captions in English and German, 29,000 + 1,014 + 1,000 pairs",
        "non-commercial research and education", "https://github.com/multi30k/dataset",
        (Layout(tuple(_packed(f"{part}.{language}")
                      for part in ("train", "val", "test_2016_flickr")
                      for language in ("en", "de")), contents.multi30k),),
        (_captions("train.en.gz",
                   "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f"),
         _captions("train.de.gz",
                   "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6"),
         _captions("val.en.gz",
                   "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28"),
         _captions("val.de.gz",
                   "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a"),
         _captions("test_2016_flickr.en.gz",
                   "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9"),
         _captions("test_2016_flickr.de.gz",
                   "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8")),
        ("multi30k",)),
    Dataset(
        "wnut17", "tweets and comments with 6 types of entities, 3,394 + 1,009 + 1,287 sentences",
        CC_BY, "https://noisy-text.github.io/2017/emerging-rare-entities.html",
        (Layout((("train.conll", "wnut17train.conll"), ("dev.conll", "emerging.dev.conll"),
                 ("test.conll", "emerging.test.annotated")), contents.wnut17),), (), ("wnut17",)),
    Dataset(
        "tinyshakespeare", "works of Shakespeare, 1,115,394 characters", "MIT (the repository)",
        "https://github.com/karpathy/char-rnn",
        (Layout((("tinyshakespeare.txt",),), partial(contents.corpus, "tinyshakespeare")),),
        (Remote("tinyshakespeare.txt",
                "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                (SHAKESPEARE + "input.txt",)),),
        ("text", "tinyshakespeare")),
    Dataset(
        "republic", "Plato, The Republic, in English, 1,195,637 characters",
        "Project Gutenberg License", "https://github.com/jbrownlee/Datasets",
        (Layout((("republic.txt",),), partial(contents.corpus, "republic")),),
        (copied("republic.txt", "1d6777487cecb6389fa65cfe3c26048811ca1ef49f34f781244f1d14e30cb31f",
                "republic_clean.txt"),),
        ("text", "republic")),
)
