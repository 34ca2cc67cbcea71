"""Going on: after a stop, after Ctrl-C in the middle of an epoch, after SIGKILL at any moment."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sheer import optim
from sheer.graph.errors import ArgumentError, StateError
from sheer.serialization import load, save
from sheer.train import Callback, EarlyStopping, Run
from sheer.train import plan as plan_module
from sheer.train.progress import Silent
from sheer.train.run import BEST, LAST

SCHEDULES = {
    "none": lambda o: None,
    "per epoch": lambda o: optim.lr_scheduler.StepLR(o, step_size=1, gamma=0.5),
    "per update": lambda o: optim.lr_scheduler.OneCycleLR(o, max_lr=0.05, total_steps=35),
    "chained": lambda o: optim.lr_scheduler.SequentialLR(
        o, [optim.lr_scheduler.LinearLR(o, total_iters=2),
            optim.lr_scheduler.ExponentialLR(o, 0.9)], [2]),
    "plateau": lambda o: optim.lr_scheduler.ReduceLROnPlateau(o, patience=0, factor=0.5),
}


def trained(problem, run, epochs, schedule="none", stop_after=None, **options):
    """A run of `epochs`; broken off after `stop_after` as if the machine had gone down."""
    class Broken(Exception):
        pass
    class Break(Callback):
        def on_epoch_end(self, trainer, row):
            if row["epoch"] - 1 == stop_after:
                raise Broken
    model, optimizer = problem.make()
    settings = {"epochs": epochs, "run": run, "schedule": SCHEDULES[schedule](optimizer),
                "validation": (problem.x, problem.y), "callbacks": [Break()], **options}
    try:
        problem.fit(model, optimizer, **settings)
    except Broken:
        assert stop_after is not None
    return model, optimizer


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_resumed_equals_uninterrupted(problem, same, timeless, tmp_path, schedule):
    through, broken = Run.open(tmp_path / "a", {}), Run.open(tmp_path / "b", {})
    whole, first = trained(problem, through, 5, schedule)
    trained(problem, broken, 5, schedule, stop_after=2)
    again = Run.open(tmp_path / "b")
    parts, second = trained(problem, again, 5, schedule, resume=True)
    same(whole, parts)
    assert timeless(through) == timeless(again)
    assert through.best_epoch == again.best_epoch
    assert first.param_groups[0]["lr"] == second.param_groups[0]["lr"]
    for a, b in zip(first.state.values(), second.state.values(), strict=True):
        for name in a:
            np.testing.assert_array_equal(a[name].numpy(), b[name].numpy())


@pytest.mark.parametrize("schedule", ["none", "per update"])
@pytest.mark.parametrize("after", [1, 4, 9])
def test_ctrl_c_leaves_a_checkpoint_in_the_middle(problem, same, timeless, tmp_path, monkeypatch,
                                                  after, schedule):
    monkeypatch.setattr(plan_module, "SLICE_SECONDS", 0.0)       # one update per program
    through, broken = Run.open(tmp_path / "a", {}), Run.open(tmp_path / "b", {})
    whole, _ = trained(problem, through, 3, schedule)
    with pytest.raises(KeyboardInterrupt):
        trained(problem, broken, 3, schedule, progress=Interrupting(after))
    kept = load(tmp_path / "b" / LAST)["training"]
    assert 7 * kept["epoch"] + kept["done"] == after  # 103 rows in 16s: 7 updates an epoch
    again = Run.open(tmp_path / "b")
    parts, _ = trained(problem, again, 3, schedule, resume=True)
    same(whole, parts)
    assert timeless(through) == timeless(again)


class Interrupting(Silent):
    """Ctrl-C after so many updates."""

    def __init__(self, after):
        self.left = after

    def step(self, epoch, count, numbers):
        self.left -= count
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_while_a_loader_works(problem, same, batches, tmp_path):
    class Small(batches):
        batch_size = 4                                           # 26 batches: two programs an epoch
    press = lambda epoch, i: os.kill(os.getpid(), signal.SIGINT) if (epoch, i) == (1, 3) else None
    model, optimizer = problem.make()
    problem.fit(model, optimizer, Small(problem.x, problem.y), epochs=2)
    other, second = problem.make()
    run = Run.open(tmp_path, {})
    with pytest.raises(KeyboardInterrupt):
        problem.fit(other, second, Small(problem.x, problem.y, press), epochs=2, run=run)
    kept = load(tmp_path / LAST)["training"]
    assert (kept["epoch"], kept["done"]) == (1, 16)
    third, last = problem.make()
    problem.fit(third, last, Small(problem.x, problem.y), epochs=2, run=Run.open(tmp_path),
                resume=True)
    same(model, third)


def test_a_second_ctrl_c_stops_at_once_and_the_handler_comes_back(problem, batches):
    def press(epoch, i):
        if (epoch, i) == (0, 2):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            raise AssertionError("not reached")
    model, optimizer = problem.make()
    with pytest.raises(KeyboardInterrupt):
        problem.fit(model, optimizer, batches(problem.x, problem.y, press))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_early_stopping_remembers_across_a_resume(problem, tmp_path):
    stopping = lambda: EarlyStopping("loss", patience=100)
    model, optimizer = problem.make()
    problem.fit(model, optimizer, epochs=2, run=Run.open(tmp_path, {}),
                callbacks=[first := stopping()])
    model, optimizer = problem.make()
    run = Run.open(tmp_path)
    problem.fit(model, optimizer, epochs=2, run=run, callbacks=[second := stopping()], resume=True)
    assert (second.best, second.waited) == (first.best, first.waited)
    assert len(run.history) == 2


@pytest.mark.parametrize("named", [True, False])
def test_callbacks_find_their_states_by_class_or_in_old_files_by_place(problem, tmp_path, named):
    class Other(Callback):
        def state(self):
            return {"other": 1}
        def load(self, state):
            assert state == {"other": 1}
    stopping = lambda: EarlyStopping("loss", patience=100)
    problem.fit(*problem.make(), epochs=2, run=Run.open(tmp_path, {}),
                callbacks=[Other(), first := stopping()])
    saved = load(tmp_path / LAST)
    if not named:                                    # as it was written before classes were
        kept = saved["training"]
        kept["callbacks"] = [entry["state"] for entry in kept["callbacks"]]
        save(saved, tmp_path / LAST)
    second = stopping()
    problem.fit(*problem.make(), epochs=2, run=Run.open(tmp_path), resume=True,
                callbacks=[second, Callback()] if named else [Other(), second])
    assert (second.best, second.waited) == (first.best, first.waited)


def test_resume_without_a_checkpoint_starts(problem, tmp_path):
    model, optimizer = problem.make()
    assert len(problem.fit(model, optimizer, epochs=1, run=Run.open(tmp_path, {}),
                           resume=True).history) == 1


def test_weights_are_not_a_training(problem, tmp_path):
    model, optimizer = problem.make()
    save(model.state_dict(), tmp_path / LAST)
    with pytest.raises(StateError) as caught:
        problem.fit(model, optimizer, run=Run.open(tmp_path, {}), resume=True)
    assert str(caught.value) == """\
resume: these are weights, not the state of a training
  need : last.safetensors of a run
  try  : model.load_state_dict(sheer.load(file))
  more : sheer explain E507"""


def test_another_models_checkpoint_changes_nothing(problem, same, tmp_path):
    from sheer import nn
    problem.fit(*problem.make(), epochs=1, run=Run.open(tmp_path, {}))
    other, untouched = (nn.Linear(5, 2) for _ in range(2))
    other.load_state_dict(untouched.state_dict())
    with pytest.raises(ArgumentError) as caught:
        problem.fit(other, optim.Adam(other.parameters()), run=Run.open(tmp_path), resume=True)
    assert caught.value.code == "E210"
    same(other, untouched)


def test_other_data_are_noticed(problem, tmp_path, monkeypatch):
    monkeypatch.setattr(plan_module, "SLICE_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        problem.fit(*problem.make(), run=Run.open(tmp_path, {}), progress=Interrupting(5))
    with pytest.raises(ArgumentError, match="the run was on more batches than these data have"):
        problem.fit(*problem.make(), (problem.x[:20], problem.y[:20]), run=Run.open(tmp_path),
                    resume=True)


# ---- SIGKILL ------------------------------------------------------------------------------------

def program(folder, epochs):
    return subprocess.Popen([sys.executable, str(Path(__file__).with_name("killed.py")),
                             str(folder), str(epochs)],
                            stdout=subprocess.PIPE, text=True)


def killed_and_resumed(folder, epochs, seed, kills):
    """Start, kill at a random moment, start again, ...; at last let it finish."""
    chance = random.Random(seed)
    for _ in range(kills):
        child = program(folder, epochs)
        assert child.stdout.readline() == "started\n"
        time.sleep(chance.uniform(0.05, 1.0))
        child.kill()
        child.communicate()
    child = program(folder, epochs)
    said, _ = child.communicate(timeout=120)
    assert said == "started\nfinished\n"


@pytest.mark.parametrize("seed",
                         [0, *(pytest.param(s, marks=pytest.mark.slow) for s in range(1, 9))])
def test_killed_at_any_moment_ends_with_the_same_bits(tmp_path, seed):
    kills = 1 if seed == 0 else 4
    epochs = 15
    killed_and_resumed(tmp_path / "through", epochs, 0, kills=0)
    killed_and_resumed(tmp_path / "killed", epochs, seed, kills)
    for name in ("final.safetensors", BEST):
        one, other = tmp_path / "through" / name, tmp_path / "killed" / name
        assert one.read_bytes() == other.read_bytes()
    assert not list((tmp_path / "killed").glob(".*.part"))
