"""Recipe: data, model, loss and settings of a runnable task, and how to run it."""

from __future__ import annotations

import dataclasses
import difflib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..graph.errors import ArgumentError
from ..serialization import load, write_whole
from ..tensor import Tensor
from ..train import Callback, Run, evaluate, fit, predict
from ..train.fit import as_source
from ..train.metrics import Metric, named
from ..train.plots import available, confusion_matrix
from ..train.run import LAST

RECIPES: dict[str, type[Recipe]] = {}


@dataclass(frozen=True)
class Settings:
    """What every recipe lets one choose; recipes add their own."""

    epochs: int = 10             # passes over the training rows
    batch_size: int = 64         # rows per update
    lr: float = 1e-3             # per update

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ArgumentError("E508", "recipe", f"epochs is {self.epochs}", need="at least 1")


@dataclass
class Task:
    """Arrays of a recipe: (x, y) pairs and what the labels are called.

    train       may be Buckets, for sequences of several lengths
    validation  is scored after every epoch, test once, at the end
    extra       what else the recipe needs of its data: a vocabulary, texts
    """

    train: Any
    test: tuple[Any, Any]
    validation: tuple[Any, Any] | None = None
    classes: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


class Recipe:
    """One runnable task. A subclass fills in `data`, `model`, and what differs from the defaults.

    promise    (metric, value) that the test part reaches with the default settings and each of
               the seeds 0, 1 and 2
    clip_norm  the largest norm of the gradient of an update; None does not clip
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    settings: ClassVar[type[Settings]] = Settings
    promise: ClassVar[tuple[str, float]]
    metrics: ClassVar[tuple[str | Metric, ...]] = ("accuracy",)
    clip_norm: ClassVar[float | None] = None

    def __init__(self, settings: Settings | None = None) -> None:
        self.set = settings or self.settings()

    def __init_subclass__(cls, abstract: bool = False) -> None:
        super().__init_subclass__()
        if abstract:
            return
        if cls.name in RECIPES:
            raise TypeError(f"two recipes are called {cls.name}")
        RECIPES[cls.name] = cls

    # ---- what a recipe says ------------------------------------------------------------------
    def data(self, folder: Path | None) -> Task:
        """Load the arrays. Raises DataError with where to put the files."""
        raise NotImplementedError

    def model(self, task: Task) -> Any:
        """A new network."""
        raise NotImplementedError

    def loss(self) -> Callable[[Any, Any], Tensor]:
        """loss(output, target)."""
        from .. import nn
        return nn.CrossEntropyLoss()

    def optimizer(self, model: Any) -> Any:
        """Adam unless a recipe says otherwise."""
        from .. import optim
        return optim.Adam(model.parameters(), lr=self.set.lr)

    def schedule(self, optimizer: Any, steps: int) -> Any:
        """A learning-rate schedule, given the updates of the whole run; None keeps the rate."""
        return None

    def transform(self, x: Any) -> Any:
        """Applied to every batch of inputs, inside the program."""
        return x

    def callbacks(self) -> list[Callback]:
        """Early stopping and the like."""
        return []

    def demand(self, holds: bool, setting: str, what: str, need: str) -> None:
        """Raise E821 unless a setting has a value that the task can be made of."""
        if not holds:
            raise ArgumentError("E821", self.name, what, need=need,
                                got={setting: getattr(self.set, setting)})

    # ---- what is done with it ----------------------------------------------------------------
    def train(self, model: Any, task: Task, **options: Any) -> Run:
        """Fit any model, with the loss and the settings of this recipe."""
        optimizer, s = self.optimizer(model), self.set
        steps = as_source(task.train, s.batch_size, options.get("seed", 0), True, False).steps
        return fit(model, task.train, loss=self.loss(), optimizer=optimizer, epochs=s.epochs,
                   batch_size=s.batch_size, validation=task.validation, metrics=self.metrics,
                   schedule=self.schedule(optimizer, steps * s.epochs), clip_norm=self.clip_norm,
                   callbacks=self.callbacks(), transform=self.transform, **options)

    def score(self, model: Any, task: Task) -> dict[str, float]:
        """What the trained model reaches on the test part: loss and metrics, or more."""
        return evaluate(model, task.test, loss=self.loss(), metrics=self.metrics,
                        transform=self.transform)

    def baselines(self, task: Task) -> dict[str, dict[str, float]]:
        """Simple ways to the same task by name, and what they reach on the same test part."""
        return {}

    def pictures(self, model: Any, task: Task, folder: Path) -> list[Path]:
        """Files that show what the model does; for classes, the confusion matrix."""
        if not task.classes:
            return []
        scores = predict(model, task.test[0], transform=self.transform)
        guess = scores.argmax(1) if scores.ndim > 1 and scores.shape[1] > 1 else scores.ravel() > 0
        truth = np.asarray(task.test[1]).ravel()
        return [confusion_matrix(guess.astype(np.int64), truth.astype(np.int64), task.classes,
                                 folder / "confusion-matrix.png")]


class OneCycle(Recipe, abstract=True):
    """A recipe whose rate goes up and down once; its setting `lr` is the highest.

    Source  Smith and Topin 2018, arXiv:1708.07120
    """

    def schedule(self, optimizer: Any, steps: int) -> Any:
        from .. import optim
        return optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.set.lr, total_steps=steps)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a recipe, when its run folder holds a checkpoint to go on from."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.folder = folder


@dataclass
class Outcome:
    """What a run of a recipe gave."""

    recipe: str
    seed: int
    epochs: int
    seconds: float
    train: Mapping[str, float]
    test: Mapping[str, float]
    run: Run
    pictures: list[Path]
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def json(self) -> dict[str, Any]:
        """One JSON object, as `sheer train --json` prints it."""
        return {"recipe": self.recipe, "seed": self.seed, "epochs": self.epochs,
                "seconds": round(self.seconds, 3),
                "train": dict(self.train), "test": dict(self.test),
                "baselines": {name: dict(found) for name, found in self.baselines.items()},
                "run": str(self.run.folder) if self.run.folder else None}


def make(name: str, changes: Mapping[str, str] | None = None) -> Recipe:
    """The recipe of that name with some settings changed (texts, as from the command line).

    Raises  E820 for an unknown recipe, E821 for an unknown setting or a value of the wrong kind
    """
    if name not in RECIPES:
        near = difflib.get_close_matches(name, RECIPES, 3, 0.6)
        raise ArgumentError("E820", "recipe", f"there is no recipe {name!r}",
                            got={"nearest": ", ".join(near)} if near else None,
                            need="one of those that `sheer recipes` lists")
    cls = RECIPES[name]
    known = {f.name: f for f in dataclasses.fields(cls.settings)}
    values: dict[str, Any] = {}
    for key, text in (changes or {}).items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 3, 0.6)
            raise ArgumentError("E821", name, f"there is no setting {key!r}",
                                got={"nearest": ", ".join(near)} if near else None,
                                need=f"one of {', '.join(known)}")
        values[key] = _parsed(name, key, text, type(known[key].default))
    return cls(cls.settings(**values))


def run(recipe: Recipe, *, data_dir: Path | None = None, seed: int = 0, out: Path | None = None,
        progress: Any = True, resume: Path | None = None, compare: bool = True) -> Outcome:
    """Train a recipe and score it on its test part; with `out`, into a new run folder there.

    resume    a run's folder, to go on from its last checkpoint
    compare   score its baselines, too: those that learn take time
    Raises    E827 for a run with other settings, but for more epochs; Interrupted at Ctrl-C, once
              there is a checkpoint
    """
    from ..random import manual_seed
    manual_seed(seed)
    task = recipe.data(data_dir)
    model = recipe.model(task)
    config = {"recipe": recipe.name, "seed": seed, **dataclasses.asdict(recipe.set)}
    if resume:
        into = resumed(resume, config)
    else:
        into = Run() if out is None else Run.create(out, recipe.name, config)
    try:
        return _scored(recipe, model, task, into, seed, resume is not None, progress, compare)
    except KeyboardInterrupt as e:
        if into.folder is None or not (into.folder / LAST).exists():
            raise
        raise Interrupted(into.folder) from e


def resumed(folder: Path, config: Mapping[str, Any]) -> Run:
    """The run in that folder, which goes on with these settings: its own, or more epochs."""
    kept = Run.open(folder).config
    other = {k: f"{v} in the run, not {config[k]}" for k, v in kept.items()
             if k != "epochs" and k in config and config[k] != v}
    if other:
        raise ArgumentError("E827", "resume", "the run was started with other settings",
                            got=other | {"the run": "  ".join(f"{k}={v}" for k, v in kept.items())},
                            need="the settings of the run; only epochs may be changed")
    done = load(folder / LAST)["training"]["epoch"] if (folder / LAST).exists() else 0
    if config["epochs"] < done:
        raise ArgumentError("E827", "resume", f"the run has done {done} epochs already",
                            got={"epochs": config["epochs"]}, need=f"epochs of at least {done}")
    return Run.open(folder, {**kept, "epochs": config["epochs"]})


def _scored(recipe: Recipe, model: Any, task: Task, into: Run, seed: int, resume: bool,
            progress: Any, compare: bool) -> Outcome:
    """Train into that run, or go on with it, and score it."""
    from ..random import manual_seed
    began = time.perf_counter()
    done = recipe.train(model, task, seed=seed, run=into, resume=resume, progress=progress)
    seconds = time.perf_counter() - began
    last = done.history[-1] if done.history else {}
    train = {k: v for k, v in last.items() if k in ("loss", *named(recipe.metrics))}
    test, pictures = recipe.score(model, task), _pictures(recipe, model, task, done)
    manual_seed(seed)                        # baselines do not depend on the training before them
    outcome = Outcome(recipe.name, seed, len(done.history), seconds, train, test, done, pictures,
                      recipe.baselines(task) if compare else {}, task.notes)
    if done.folder is not None:
        write_whole(done.folder / "scores.json", json.dumps(outcome.json(), indent=1).encode())
    return outcome


def _pictures(recipe: Recipe, model: Any, task: Task, done: Run) -> list[Path]:
    """Learning curve, and what the recipe itself has to show."""
    if done.folder is None or not available():
        return []
    curve = done.plot()
    return [*([] if curve is None else [curve]), *recipe.pictures(model, task, done.folder)]


def _parsed(recipe: str, key: str, text: str, kind: type) -> Any:
    try:
        if kind is bool:
            return {"true": True, "1": True, "yes": True,
                    "false": False, "0": False, "no": False}[text.lower()]
        return kind(text)
    except (ValueError, KeyError) as e:
        raise ArgumentError("E821", recipe, f"{key}={text} is no {kind.__name__}",
                            need=f"{key}=<{kind.__name__}>") from e
