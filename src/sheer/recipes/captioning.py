"""captions: what is on a made-up picture, and where, in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.text import END, PADDING, START, Codec, Vocabulary, Words, pad
from ..metrics import exact_match
from ..mixins.core import no_grad
from ..models import Captioner
from ..tensor import tensor
from ..train.plots import looks
from ..transforms.jit import jit
from .recipe import OneCycle, Settings, Task
from .writing import following, written

COLOURS = {"red": (1.0, 0.1, 0.1), "green": (0.1, 0.9, 0.1), "blue": (0.2, 0.3, 1.0),
           "yellow": (1.0, 0.9, 0.1)}
KINDS = ("circle", "square", "triangle")
CELL, CELLS = 8, 3               # pixels of a cell, cells a side


@dataclass(frozen=True)
class CaptionsSettings(Settings):
    epochs: int = 12
    batch_size: int = 32
    lr: float = 5e-3             # highest rate of the schedule, per update
    rows: int = 4000             # pictures to learn from
    test_rows: int = 1000        # others, for the score
    width: int = 32              # numbers per word
    hidden: int = 64             # units of the LSTM, channels of the image network


@dataclass(frozen=True)
class Scene:
    """A picture, its caption, and the cell (row, column) of each of the two things."""

    picture: NDArray[np.float32]
    caption: str
    cells: tuple[tuple[int, int], tuple[int, int]]


class Captions(OneCycle):
    """Two things in nine cells: "a red circle left of a blue square"."""

    name = "captions"
    summary = "captions of made-up pictures: CNN, LSTM and attention (Show, attend and tell)"
    settings = CaptionsSettings
    promise = ("exact", 0.97)
    metrics = ()
    clip_norm = 1.0

    def data(self, folder: Path | None) -> Task:
        s: Any = self.set
        rng = np.random.Generator(np.random.Philox(0))
        scenes = [scene(rng) for _ in range(s.rows + s.test_rows)]
        words = Words()
        known = Vocabulary.build((words.split(c.caption) for c in scenes),
                                 specials=(PADDING, START, END))
        codec = Codec(words, known, start=True, end=True)
        x = np.stack([c.picture for c in scenes])                         # (N, 3, 24, 24)
        y = pad([codec.encode(c.caption) for c in scenes])
        part = lambda a, b: ((x[a:b], y[a:b, :-1]), y[a:b, 1:])
        return Task(part(0, s.rows), part(s.rows, None),
                    extra={"codec": codec, "test": scenes[s.rows:]})

    def model(self, task: Task) -> Any:
        s: Any = self.set
        return Captioner(len(task.extra["codec"].vocabulary), s.width, s.hidden,
                         (CELL * CELLS, CELL * CELLS))

    def loss(self) -> Any:
        return following()

    def score(self, model: Any, task: Task) -> dict[str, float]:
        (pictures, target), _ = task.test
        codec, scenes = task.extra["codec"], task.extra["test"]
        said = [codec.decode(row) for row in
                written(model, pictures, codec.vocabulary[START], target.shape[1])]
        task.notes.append(f"{said[0]} (true: {scenes[0].caption})")
        return super().score(model, task) | {
            "exact": exact_match([c.caption for c in scenes], said),
            "looks_at_it": self._at_the_thing(model, task)}

    def _at_the_thing(self, model: Any, task: Task) -> float:
        """How often most of the attention for the word of a shape lies on that thing."""
        tokens, weights = _looked(model, task, 200)
        known, right = task.extra["codec"].vocabulary, []
        for row, (numbers, look) in enumerate(zip(tokens, weights, strict=True)):
            cells = iter(task.extra["test"][row].cells)
            for word, share in zip(known.decode(numbers), look, strict=True):
                if word in KINDS:
                    at = np.unravel_index(int(share.argmax()), (CELL * CELLS // 4,) * 2)
                    cell = next(cells, None)
                    right.append(cell is not None and (at[0] // 2, at[1] // 2) == cell)
        return float(np.mean(right)) if right else 0.0

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        """The caption of the training picture whose pixels are nearest."""
        (x, y), _ = task.train
        codec, scenes = task.extra["codec"], task.extra["test"]
        flat, asked = x.reshape(len(x), -1), task.test[0][0].reshape(len(scenes), -1)
        far = (flat**2).sum(1) - 2 * asked @ flat.T                       # (M, N), up to a constant
        said = [codec.decode(y[i]) for i in far.argmin(1)]
        return {"the caption of the nearest picture": {
            "exact": exact_match([c.caption for c in scenes], said)}}

    def pictures(self, model: Any, task: Task, folder: Path) -> list[Path]:
        tokens, weights = _looked(model, task, 1)
        said = task.extra["codec"].vocabulary.decode(tokens[0])
        stop = said.index(END) if END in said else len(said)
        side = CELL * CELLS // 4
        return [looks(task.test[0][0][0], weights[0, :stop].reshape(stop, side, side), said[:stop],
                      folder / "attention.png")]


def _looked(model: Any, task: Task, count: int) -> tuple[Any, Any]:
    """Words written for the first test pictures, and where the model looked: (N, T), (N, T, S)."""
    (pictures, target), _ = task.test
    start = task.extra["codec"].vocabulary[START]
    model.eval()
    with no_grad():
        look = jit(lambda x: model.attended(x, start, target.shape[1]))
        tokens, weights = look(tensor(pictures[:count]))
    return tokens.numpy(), weights.numpy()


def scene(rng: np.random.Generator) -> Scene:
    """Two different things in two cells; the one further left, or above in one column, is first."""
    first, second = sorted(divmod(int(i), CELLS) for i in
                           rng.choice(CELLS * CELLS, 2, replace=False))
    if second[1] != first[1]:
        first, second = sorted((first, second), key=lambda cell: cell[1])
    relation = "left of" if first[1] != second[1] else "above"
    picture = np.zeros((3, CELL * CELLS, CELL * CELLS), np.float32)
    names = []
    for row, column in (first, second):
        colour, kind = (list(COLOURS)[rng.integers(4)], KINDS[rng.integers(3)])
        area = picture[:, row * CELL:(row + 1) * CELL, column * CELL:(column + 1) * CELL]
        area += np.array(COLOURS[colour], np.float32)[:, None, None] * _shape(rng, kind)
        names.append(f"a {colour} {kind}")
    picture += rng.normal(0, 0.05, picture.shape).astype(np.float32)
    return Scene(picture, f"{names[0]} {relation} {names[1]}", (first, second))


def _shape(rng: np.random.Generator, kind: str) -> NDArray[np.float32]:
    """Where a thing covers its cell, of 5 or 6 pixels, moved by one at most."""
    size = int(rng.integers(5, 7))
    top, left = (int(rng.integers(0, CELL - size + 1)) for _ in range(2))
    y, x = np.mgrid[0:CELL, 0:CELL] + 0.5
    y, x = (y - top) / size, (x - left) / size                            # 0 ... 1 inside
    inside = (y > 0) & (y < 1) & (x > 0) & (x < 1)
    if kind == "circle":
        inside &= (x - 0.5)**2 + (y - 0.5)**2 < 0.25
    elif kind == "triangle":
        inside &= np.abs(x - 0.5) < y / 2
    covered: NDArray[np.float32] = inside.astype(np.float32)
    return covered
