"""Files of a training: what a run folder holds, and what happens when a file or a disk is bad."""

import csv
import io
import json
import os
import resource
import signal
import stat
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import sheer
from sheer.graph.errors import DataError
from sheer.serialization import load, save
from sheer.train import EarlyStopping, Run, trainer
from sheer.train.run import BEST, LAST

TREE = {
    "model": {"conv1.weight": sheer.tensor([[1.0, 2.0]]), "steps": sheer.tensor(7)},
    "optimizer": {"state": {0: {"step": sheer.tensor(3.0, dtype="float64")}},
                  "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999), "maximize": False,
                                    "foreach": None}]},
    "epoch": 3, "best": float("inf"), "name": "a/b", "classes": ["x", "y"],
    "flags": sheer.tensor([True, False]),
    "table": np.arange(6, dtype=np.int16).reshape(2,
                                                  3), "count": np.float32(2.5), 4: {"$": "odd key"},
}


def as_plain(value):
    """Tensors and arrays as (kind, dtype, shape, values)."""
    if isinstance(value, sheer.Tensor | np.ndarray):
        array = np.asarray(value.numpy() if isinstance(value, sheer.Tensor) else value)
        return type(value).__name__, array.dtype.name, array.shape, array.tolist()
    if isinstance(value, dict):
        return {k: as_plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(as_plain(v) for v in value)
    return value


def test_a_tree_comes_back_as_it_was(tmp_path):
    save(TREE, tmp_path / "tree.safetensors")
    assert as_plain(load(tmp_path / "tree.safetensors")) == as_plain(TREE)


def test_files_work_as_paths_do(tmp_path):
    memory = io.BytesIO()
    save(TREE, memory)
    memory.seek(0)
    assert as_plain(load(memory, map_location="cpu", weights_only=True)) == as_plain(TREE)
    with open(tmp_path / "f", "wb") as f:
        save([1, "two"], f)
    assert load(str(tmp_path / "f")) == [1, "two"]


def test_byte_orders_and_names_that_files_do_not_have(tmp_path):
    value = {"a": np.arange(3, dtype=">f4"), "__metadata__": sheer.tensor([1, 2]),
             "__metadata__'": sheer.tensor([3])}
    save(value, tmp_path / "f")
    back = load(tmp_path / "f")
    assert as_plain(back) == as_plain(value)
    assert back["a"].dtype.isnative


def test_threads_that_save_to_one_path_leave_one_whole_file(tmp_path, monkeypatch):
    parts, together = set(), threading.Barrier(4)
    def replace(part, path, really=os.replace):
        together.wait()                                 # all have written, none has renamed
        parts.add(part)
        really(part, path)
    monkeypatch.setattr(os, "replace", replace)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: save({"w": sheer.tensor([i])}, tmp_path / "f"), range(4)))
    assert len(parts) == 4
    assert load(tmp_path / "f")["w"].tolist()[0] in range(4)
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_one_tensor_stored_once_is_one_tensor_again(tmp_path):
    shared = sheer.tensor([1.0, 2.0], requires_grad=True)
    save({"a": shared, "b": shared}, tmp_path / "f")
    back = load(tmp_path / "f")
    assert back["a"] is back["b"]
    assert back["a"].requires_grad


def test_other_libraries_read_it_and_theirs_are_read(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file
    save({"fc.weight": sheer.tensor([[1.0, 2.0]]), "n": sheer.tensor(3)}, tmp_path / "ours")
    read = load_file(tmp_path / "ours")
    assert read["fc.weight"].tolist() == [[1.0, 2.0]]
    assert read["n"].shape == ()
    save_file({"w": torch.ones(2, 3)}, tmp_path / "theirs")
    assert load(tmp_path / "theirs")["w"].shape == (2, 3)


def test_what_cannot_be_saved_is_named_with_its_place(tmp_path, problem):
    with pytest.raises(DataError) as caught:
        save({"a": [1, {"b": {1, 2}}]}, tmp_path / "f")
    assert str(caught.value) == """\
save: a set cannot be saved
  place: a/1/b
  value: {1, 2}
  need : tensors, arrays, numbers, texts, None; dicts, lists and tuples of them
  more : sheer explain E511"""
    with pytest.raises(DataError, match=r"try  : save\(x.state_dict\(\), f\)"):
        save(problem.make()[0], tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


ROUND = [1]
ROUND.append({"again": ROUND})
DEEP = []
for _ in range(2000):
    DEEP = [DEEP]


@pytest.mark.parametrize(("value", "what", "place"), [
    ({"a": [np.array(["x"])]}, "an array of <U1 cannot be saved", "a/0"),
    ({"a": np.array([None])}, "an array of object cannot be saved", "a"),
    ({"a": np.zeros(2, "M8[s]")}, "an array of datetime64[s] cannot be saved", "a"),
    ({"a": {float("inf"): 1}}, "the key inf cannot be saved", "a"),
    ({"a": ROUND}, "a list that contains itself cannot be saved", "a/1/again"),
    (DEEP, "the value is nested too deeply to be saved", None)])
def test_arrays_keys_and_circles_that_cannot_be_saved(tmp_path, value, what, place):
    with pytest.raises(DataError) as caught:
        save(value, tmp_path / "f")
    assert (caught.value.code, caught.value.what) == ("E511", what)
    assert caught.value.got.get("place") == place
    assert list(tmp_path.iterdir()) == []


def test_a_list_in_two_places_is_no_circle(tmp_path):
    twice = [1, 2]
    save({"a": twice, "b": (twice, twice)}, tmp_path / "f")
    assert load(tmp_path / "f") == {"a": [1, 2], "b": ([1, 2], [1, 2])}


def test_no_length_of_a_header_looks_like_a_pickle(tmp_path):
    for length in range(500, 1500, 8):                    # headers are filled up to eights
        save({"w" * length: sheer.tensor([1.0])}, tmp_path / "f")
        assert list(load(tmp_path / "f")) == ["w" * length]


# ---- bad files -----------------------------------------------------------------------------------

def test_every_truncation_is_noticed(tmp_path):
    save({"w": sheer.tensor([1.0, 2.0, 3.0])}, tmp_path / "f")
    whole = (tmp_path / "f").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "f").write_bytes(whole[:length])
        with pytest.raises(DataError) as caught:
            load(tmp_path / "f")
        assert caught.value.code == "E503"


@pytest.mark.parametrize(("call", "code", "says"), [
    (lambda: load(None), "E503", "load: a NoneType is no path and no file open for bytes"),
    (lambda: load({"w": 1}), "E503", "load: a dict is no path"),
    (lambda: load(io.StringIO("x")), "E503", "load: a StringIO is no path"),
    (lambda: save({}, None), "E502", "save: a NoneType is no file that can be written"),
    (lambda: save({}, io.StringIO()), "E502", "save: a StringIO is no file"),
    (lambda: save({}, ""), "E502", "save: a path without a name is no file"),
    (lambda: save("f.pt", {"w": 1}), "E502", "save(value, path): the value first")])
def test_what_is_no_file_is_refused(call, code, says):
    with pytest.raises(DataError) as caught:
        call()
    assert caught.value.code == code
    assert says in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError) as caught:
        load(tmp_path / "none")
    assert str(caught.value) == f"""\
load: cannot read: No such file or directory
  file : {tmp_path / "none"}
  need : a file written by sheer.save, or any safetensors file of weights
  more : sheer explain E503"""


def test_a_truncated_checkpoint_stops_the_resume(problem, tmp_path):
    problem.fit(*problem.make(), epochs=1, run=Run.open(tmp_path, {}))
    whole = (tmp_path / LAST).read_bytes()
    (tmp_path / LAST).write_bytes(whole[:-100])
    with pytest.raises(DataError, match="not a whole safetensors file"):
        problem.fit(*problem.make(), epochs=2, run=Run.open(tmp_path), resume=True)


# ---- bad places ----------------------------------------------------------------------------------

@pytest.fixture
def small_files():
    """No file may grow over 20 kB: what a full disk looks like to a program."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)      # the write then fails with EFBIG
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_the_old_file_whole(tmp_path, small_files):
    path = tmp_path / "f"
    save({"w": sheer.tensor([1.0])}, path)
    before = path.read_bytes()
    with pytest.raises(DataError) as caught:
        save({"w": sheer.tensor(np.zeros(10_000, np.float32))}, path)
    assert str(caught.value) == f"""\
save: cannot write the file: File too large
  file : {path}
  size : 0.0 MB
  need : a writable folder with room; the old file is untouched
  more : sheer explain E502"""
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_during_training_leaves_the_old_checkpoint(problem, same, tmp_path):
    whole, optimizer = problem.make()
    problem.fit(whole, optimizer, epochs=4)
    problem.fit(*problem.make(), epochs=2, run=Run.open(tmp_path, {}))
    size = (tmp_path / LAST).stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, before[1]))
        with pytest.raises(DataError) as caught:
            problem.fit(*problem.make(), epochs=4, run=Run.open(tmp_path), resume=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.code == "E502"
    assert len(load(tmp_path / LAST)["training"]["history"]) == 2
    model, optimizer = problem.make()
    problem.fit(model, optimizer, epochs=4, run=Run.open(tmp_path), resume=True)
    same(whole, model)


def test_a_folder_that_cannot_be_written(tmp_path):
    if os.geteuid() == 0:
        (tmp_path / "file").write_text("")  # root may write anywhere; not below a file
        path = tmp_path / "file" / "x.safetensors"
    else:
        tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
        path = tmp_path / "x.safetensors"
    with pytest.raises(DataError) as caught:
        save({}, path)
    assert caught.value.code == "E502"
    with pytest.raises(DataError, match="cannot make the run folder"):
        Run.create(path.parent, "digits", {})


# ---- the run folder ------------------------------------------------------------------------------

def test_a_run_folder_tells_the_whole_story(problem, tmp_path):
    run = Run.create(tmp_path, "xor", {"lr": 0.01, "seed": 3})
    model, optimizer = problem.make()
    problem.fit(model, optimizer, epochs=3, run=run, metrics=["accuracy"],
                validation=(problem.x, problem.y),
                callbacks=[EarlyStopping(patience=9)])
    assert run.plot().name == "learning-curve.png"
    assert sorted(p.name for p in run.folder.iterdir()) == [
        BEST, "config.json", LAST, "learning-curve.png", "metrics.csv"]
    assert json.loads((run.folder / "config.json").read_text()) == {"lr": 0.01, "seed": 3}
    with open(run.folder / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [{k: float(v) for k, v in row.items()} for row in rows] == run.history
    assert list(rows[0]) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "rate",
                             "seconds"]
    assert (run.folder / "learning-curve.png").read_bytes().startswith(b"\x89PNG")
    best = load(run.folder / BEST)
    assert list(best) == list(model.state_dict())
    assert run.history[run.best_epoch - 1]["val_loss"] == min(run.column("val_loss"))
    last = load(run.folder / LAST)
    assert set(last) == {"model", "optimizer", "generator", "training"}
    other, second = problem.make()
    other.load_state_dict(last["model"])
    second.load_state_dict(last["optimizer"])


def test_short_epochs_are_written_now_and_then_and_at_the_end(problem, tmp_path, monkeypatch):
    written, save_as_ever = [], Run.save
    def count(run, which, value):
        written.append(which)
        save_as_ever(run, which, value)
    monkeypatch.setattr(Run, "save", count)
    monkeypatch.setattr(trainer, "SAVE_SECONDS", 1e9)
    run = Run.open(tmp_path, {})
    problem.fit(*problem.make(), epochs=20, run=run)
    assert written.count(LAST) == 2                                  # the first epoch and the last
    assert load(tmp_path / LAST)["training"]["epoch"] == 20
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 21
    assert run.best_epoch > 1
    assert written.count(BEST) == 2


def test_runs_started_together_get_folders_of_their_own(tmp_path):
    folders = [Run.create(tmp_path, "xor", {}).folder for _ in range(3)]
    assert len(set(folders)) == 3


def test_a_folder_without_a_run(tmp_path):
    with pytest.raises(DataError, match="there is no run in this folder"):
        Run.open(tmp_path)


def test_without_a_folder_nothing_is_written(problem, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = problem.fit(*problem.make(), validation=(problem.x, problem.y))
    assert (list(tmp_path.iterdir()), run.plot(), len(run.history)) == ([], None, 3)
