"""Trainer: compiled steps, batches, rates and callbacks flow in; epoch after epoch flows out."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from ..graph.errors import ArgumentError, DataError, SheerError
from ..serialization import load
from ..transforms import faults
from . import state
from .ahead import look_ahead
from .callbacks import Callback, EarlyStopping, monitored
from .interrupt import Interrupts
from .metrics import is_better
from .plan import Part
from .prediction import Prediction, planned, predict_training, scored_line
from .progress import Progress, Silent
from .rates import Rates
from .replay import explain_step
from .run import BEST, LAST, Run
from .session import Session
from .source import Source

# The most training that a killed process loses: files take milliseconds, a small epoch far less.
SAVE_SECONDS = 1.0


def score(session: Session, source: Source) -> dict[str, float]:
    """Mean loss and metrics over a source, weighted by rows."""
    total, rows = np.zeros(0), 0
    for part in source.slices(0, source.steps):
        total = added(total, session.score(part.memory, part.parts), part.rows)
        rows += part.rows * part.count
    return session.named(total / max(rows, 1))


def added(total: np.ndarray, found: np.ndarray, rows: int) -> np.ndarray:
    """total + rows * found, batch after batch: the same bits however batches are sliced.

    An empty total is where it begins.
    """
    total = total if len(total) else np.zeros(len(found))
    table = np.concatenate([total[:, None], found * rows], axis=1)
    return np.cumsum(table, axis=1)[:, -1]


def remembered_states(callbacks: Sequence[Callback], kept: Sequence[Mapping[str, Any]],
                      ) -> Iterator[tuple[Callback, Mapping[str, Any]]]:
    """Each callback with the state that one of its class left, the first with the first.

    Files from before the classes were written are matched by place.
    """
    if any(entry.keys() != {"class", "state"} for entry in kept):
        yield from zip(callbacks, kept, strict=False)
        return
    waiting: dict[str, list[Any]] = {}
    for entry in kept:
        waiting.setdefault(entry["class"], []).append(entry["state"])
    for c in callbacks:
        if waiting.get(type(c).__name__):
            yield c, waiting[type(c).__name__].pop(0)


class Trainer:
    """One training under way. Callbacks get it; `stop(why)` ends it after the epoch."""

    def __init__(self, session: Session, source: Source, scored: Source | None, epochs: int,
                 rates: Rates, callbacks: list[Callback], run: Run, progress: Progress) -> None:
        self.session, self.source, self.scored = session, source, scored
        self.epochs, self.rates, self.callbacks = epochs, rates, callbacks
        self.run, self.progress = run, progress
        self.epoch, self.done = 0, 0                  # epochs finished; batches of the running one
        self.totals = np.zeros(0)
        self.rows, self.spent = 0, 0.0
        self.stopped = ""
        self.stopping = next((c for c in callbacks if isinstance(c, EarlyStopping)), None)
        usual = "loss" if scored is None else "val_loss"
        self.monitor = self.stopping.monitor if self.stopping else usual
        self.best: float | None = None
        self.best_weights: dict[str, Any] | None = None
        self.unsaved: dict[str, Any] | None = None    # where the training stood last
        self.best_unsaved, self.saved_at = False, -math.inf
        if epochs:
            self._check_monitor()

    def _check_monitor(self) -> None:
        """Raise E506 before the first epoch rather than after it."""
        names = ["loss", *self.session.metrics]
        names += [f"val_{n}" for n in names] if self.scored is not None else []
        monitored(dict.fromkeys(names, 0.0), self.monitor)

    def stop(self, why: str) -> None:
        """End the training after this epoch."""
        self.stopped = why

    def train(self) -> Run:
        """Run the epochs that are left."""
        length = self.source.length(self.session)
        self.progress.start(self.epochs, self.source.steps,
                            self.epoch * self.source.steps + self.done)
        if self.epoch < self.epochs and self.scored is not None:
            look_ahead(self.session, self.scored)
        try:
            prediction, known = self._predicted(), len(self.run.history)
            with Interrupts() as interrupts, self._saved():
                while self.epoch < self.epochs and not self.stopped:
                    self._epoch(length, interrupts)
            if prediction is not None and self.run.history[known:]:
                self.run.predicted = prediction.score(self.run.history[known:])
                self.run.write_prediction()
                self.progress.note(scored_line(self.run.predicted))
        finally:
            self.progress.stop()
        if self.best_weights is not None and self.stopping is not None:
            self.session.model.load_state_dict(self.best_weights)
        for c in self.callbacks:
            c.on_train_end(self)
        return self.run

    def _predicted(self) -> Prediction | None:
        """What the run will take, told before it begins; nothing for whom nobody listens to."""
        if self.epoch >= self.epochs or isinstance(self.progress, Silent):
            return None
        found = predict_training(self.session, self.source, self.scored, self.rates,
                                 self.epochs - self.epoch, planned)
        if found is not None:
            self.progress.note(found.line())
        return found

    # ---- one epoch -----------------------------------------------------------------------------
    def _epoch(self, length: int, interrupts: Interrupts) -> None:
        before = state.Snapshot(self.session.model, self.session.optimizer)
        for part in self.source.slices(self.epoch, length, self.done):
            before = self._updates(part, before)
            if interrupts.asked:
                self._remember()                      # a resumable checkpoint is left
                raise KeyboardInterrupt
        self._finish_epoch()

    def _updates(self, part: Part, before: state.Snapshot) -> state.Snapshot:
        """Run the updates of one part; the state after them."""
        began = time.perf_counter()
        moved = self.rates.state()
        rates = self.rates.ahead(self.epoch * self.source.steps + part.first, part.count)
        found = self._trained(part, before, rates, moved)
        now = state.Snapshot(self.session.model, self.session.optimizer)
        if not np.isfinite(found[0]).all() or now.broke_since(before):
            error = self._explain(found[0], part, before, rates)
            self.rates.load(moved)
            raise error
        self.totals = added(self.totals, found, part.rows)
        self.rows += part.rows * part.count
        self.done = part.first + part.count
        self.spent += time.perf_counter() - began
        self.progress.step(self.epoch + 1, part.count, self._means())
        return now

    def _trained(self, part: Part, before: state.Snapshot, rates: np.ndarray | None,
                 moved: Any) -> np.ndarray:
        """Loss and metrics of the updates of a part. When one of them fails, it is found by running
        them one by one; the state is then that before it, and the error says which it was.
        """
        try:
            with faults.unexplained():
                return self.session.train(part.memory, part.parts, rates)
        except SheerError:
            before.put_back()
            self.rates.load(moved)
        for step in range(part.count):
            one = part.cut(step, step + 1)
            try:
                self.session.train(one.memory, one.parts,
                                   None if rates is None else rates[step:step + 1])
            except SheerError as error:
                where = f"epoch {self.epoch + 1}, update {part.first + step + 1}"
                error.got = {"step": f"{where} of {self.source.steps}", **error.got}
                raise
        raise AssertionError("the updates failed together, and none of them alone")

    def _finish_epoch(self) -> None:
        began = time.perf_counter()
        row: dict[str, float] = {"epoch": self.epoch + 1, **self._means()}
        if self.scored is not None:
            row |= {f"val_{k}": v for k, v in score(self.session, self.scored).items()}
        row["rate"] = self.rates.now()[0]
        row["seconds"] = self.spent + time.perf_counter() - began
        self.run.log(row)
        self.epoch, self.done, self.rows, self.spent = self.epoch + 1, 0, 0, 0.0
        self.totals = np.zeros(0)
        self._keep_best(row)
        self.rates.after_epoch(row[self.monitor])
        for c in self.callbacks:
            c.on_epoch_end(self, row)
        self.progress.epoch(row, self.epochs)
        self._remember()
        if time.monotonic() >= self.saved_at + SAVE_SECONDS:
            self._save()

    def _means(self) -> dict[str, float]:
        return self.session.named(self.totals / max(self.rows, 1))

    # ---- the best, the last, and going on -------------------------------------------------------
    def _keep_best(self, row: Mapping[str, float]) -> None:
        value = monitored(row, self.monitor)
        better = self.best is None or is_better(self.monitor, value, self.best, mode=self._mode())
        if math.isnan(value) or not better:
            return
        self.best, self.run.best_epoch = value, int(row["epoch"])
        self.best_weights = dict(self.session.model.state_dict())
        self.best_unsaved = True

    def _mode(self) -> str:
        return self.stopping.mode if self.stopping else "auto"

    def _remember(self) -> None:
        """What a resumed training needs to go on from here with the same bits."""
        if self.run.folder is None:
            return
        self.unsaved = state.capture(self.session.model, self.session.optimizer)
        self.unsaved["training"] = {
            "epoch": self.epoch, "done": self.done, "totals": self.totals.tolist(),
            "rows": self.rows, "widths": self.session.widths,
            "spent": self.spent, "history": list(self.run.history), "best": self.best,
            "best_epoch": self.run.best_epoch, "stopped": self.stopped,
            "schedule": self.rates.state(),
            "callbacks": [{"class": type(c).__name__, "state": c.state()}
                          for c in self.callbacks]}

    def _save(self) -> None:
        """Write what is remembered and not yet written. The best goes first: a run that goes on
        from before it finds it again.
        """
        if self.best_unsaved:
            self.run.save(BEST, self.best_weights)
        if self.unsaved is not None:
            self.run.write_table()
            self.run.save(LAST, self.unsaved)
        self.unsaved, self.best_unsaved, self.saved_at = None, False, time.monotonic()

    @contextmanager
    def _saved(self) -> Iterator[None]:
        """Afterwards all that is remembered is written, however the training ends."""
        try:
            yield
        except BaseException:
            with suppress(DataError):                 # what ended it is told, not the full disk
                self._save()
            raise
        self._save()

    def resume(self) -> None:
        """Go on from the last checkpoint of the run; from the start when there is none yet."""
        folder = self.run.folder
        self.run.sweep()
        if folder is None or not (folder / LAST).exists():
            return
        saved = load(folder / LAST)
        state.restore(self.session.model, self.session.optimizer, saved)
        kept = saved["training"]
        if kept["done"] > self.source.steps:
            raise ArgumentError("E514", "resume",
                                "the run was on more batches than these data have",
                                got={"batches done": kept["done"],
                                     "batches here": self.source.steps},
                                need="the data and batch_size the run was started with")
        self.epoch, self.done, self.stopped = kept["epoch"], kept["done"], kept["stopped"]
        self.totals, self.rows, self.spent = np.array(kept["totals"]), kept["rows"], kept["spent"]
        self.session.widths = kept.get("widths", self.session.widths)
        self.run.history, self.run.best_epoch = kept["history"], kept["best_epoch"]
        self.best = kept["best"]
        if self.best is not None and (folder / BEST).exists():
            self.best_weights = load(folder / BEST)
        self.rates.load(kept["schedule"])
        for c, remembered in remembered_states(self.callbacks, kept["callbacks"]):
            c.load(remembered)

    # ---- when it goes wrong ----------------------------------------------------------------------
    def _explain(self, losses: np.ndarray, part: Part, before: state.Snapshot,
                 rates: np.ndarray | None) -> Exception:
        """Go back to before the bad step, replay it on the reference, name the culprit."""
        before.put_back()
        for step in range(part.count):
            start = state.Snapshot(self.session.model, self.session.optimizer)
            one = part.cut(step, step + 1)
            loss = self.session.train(one.memory, one.parts,
                                      None if rates is None else rates[step:step + 1])[0, 0]
            now = state.Snapshot(self.session.model, self.session.optimizer)
            if not math.isfinite(loss) or now.broke_since(start):
                break
        start.put_back()
        where = f"epoch {self.epoch + 1}, update {part.first + step + 1} of {self.source.steps}"
        return explain_step(self.session, one, float(losses[step]), where)
