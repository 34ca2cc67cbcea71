"""Training from files larger than memory: the same numbers as in memory, within a bound."""

import subprocess
import sys
import textwrap
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sheer import nn, optim
from sheer.data import BlockSampler, DataLoader, MappedDataset, ParquetDataset, Subset
from sheer.random import manual_seed
from sheer.train import chunks, evaluate, fit, predict
from sheer.train.chunks import ChunkSource, ahead, grouped
from sheer.train.source import as_source

# The peak of a process and what of it is its own: Linux counts pages of mapped files, which it can
# take back at any time, into the peak as well; the peak is therefore the stricter measure.
CHILD = """
import sys
import numpy as np
import sheer
from sheer import nn, optim
from sheer.data import MappedDataset
from sheer.train import fit

def megabytes(name):
    lines = open("/proc/self/status").read().splitlines()
    return int(next(l for l in lines if l.startswith(name)).split()[1]) / 1024

folder = sys.argv[1]
sheer.manual_seed(0)
model = nn.Sequential(nn.Linear(256, 16), nn.ReLU(), nn.Linear(16, 2))
run = fit(model, MappedDataset(folder + "/x.npy", folder + "/y.npy"),
          loss=nn.CrossEntropyLoss(), optimizer=optim.SGD(model.parameters(), lr=0.1), epochs=1,
          batch_size=256, progress=False)
print(run.history[-1]["loss"], megabytes("VmHWM"), megabytes("RssAnon"), megabytes("RssFile"))
"""


def write(folder, rows):
    """A file of rows x 256 floats, block by block, so that it need not fit into memory either."""
    x = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, (rows, 256))
    y = np.lib.format.open_memmap(folder / "y.npy", "w+", np.int64, (rows,))
    block = np.random.default_rng(0).normal(size=(16384, 256)).astype(np.float32)
    for i in range(0, rows, len(block)):
        count = min(len(block), rows - i)
        x[i:i + count] = block[:count]
        y[i:i + count] = block[:count, 0] > 0
    x.flush()
    return folder


def train_in_a_process(folder):
    """Loss, peak, own pages and pages of files in MB of a training in a process of its own."""
    out = subprocess.run([sys.executable, "-c", textwrap.dedent(CHILD), str(folder)],
                         capture_output=True, text=True, check=True).stdout
    return [float(v) for v in out.split()]


@pytest.fixture
def files(problem, tmp_path):
    np.save(tmp_path / "x.npy", problem.x)
    np.save(tmp_path / "y.npy", problem.y)
    return tmp_path


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of two batches of the small problem: 16 rows of 5 floats and a label each."""
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 2 * 16 * 28)


def weights(model):
    return [v.numpy().tobytes() for v in model.state_dict().values()]


@pytest.mark.system("Out-of-core training (10 GB data, 4 GB memory)")
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("drop_last", [True, False])
def test_the_same_bits_as_in_memory(problem, files, small_chunks, shuffle, drop_last):
    x, y = (np.load(files / f"{name}.npy", mmap_mode="r") for name in "xy")
    ways = {"memory": (problem.x, problem.y), "maps": (x, y),
            "files": MappedDataset(files / "x.npy", files / "y.npy")}
    found = {}
    for name, data in ways.items():
        model, optimizer = problem.make()
        run = problem.fit(model, optimizer, data, shuffle=shuffle, drop_last=drop_last,
                          validation=data, metrics=["accuracy"])
        found[name] = [{k: v for k, v in row.items() if k != "seconds"} for row in run.history]
        found[name].append(weights(model))
    assert found["maps"] == found["files"] == found["memory"]


def test_float64_files_become_float32_as_arrays_do(problem, tmp_path):
    wide = problem.x.astype(np.float64)
    np.save(tmp_path / "x.npy", wide)
    data = MappedDataset(tmp_path / "x.npy", problem.y)
    found, _ = data.batch([3, 1])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, problem.x[[3, 1]])


def test_resumed_out_of_core_is_uninterrupted(problem, files, tmp_path, small_chunks):
    from sheer.train import Callback
    from sheer.train.run import Run

    class StopAfter(Callback):
        def on_epoch_end(self, trainer, row):
            if row["epoch"] == 1:
                trainer.stop("enough")

    data = MappedDataset(files / "x.npy", files / "y.npy")
    whole, optimizer = problem.make()
    problem.fit(whole, optimizer, data)
    model, optimizer = problem.make()
    run = Run.create(tmp_path / "runs", "chunks", {})
    problem.fit(model, optimizer, data, run=run, epochs=1)
    model, optimizer = problem.make(seed=9)
    problem.fit(model, optimizer, data, run=Run.open(run.folder), resume=True)
    assert weights(model) == weights(whole)


def test_a_loader_over_files_goes_by_chunks_and_keeps_its_order(problem, files, small_chunks):
    data = MappedDataset(files / "x.npy", files / "y.npy")
    sampler = BlockSampler(len(data), block=10, mix=3, seed=4)
    loader = DataLoader(data, batch_size=16, sampler=sampler)
    source = as_source(loader, 99, 0, False, False)
    assert isinstance(source, ChunkSource)
    assert (source.steps, source.full_batches) == (len(loader), 6) == (7, 6)
    parts = list(source.slices(1, 5, start=2))
    assert [(p.first, p.count, p.rows) for p in parts] == [(2, 2, 16), (4, 2, 16), (6, 1, 7)]
    rows = np.concatenate([p.parts[0].numpy().reshape(-1, 5) for p in parts])
    np.testing.assert_array_equal(rows, problem.x[sampler.order(1)[32:]])
    by_hand = [b[0].numpy() for b in loader.batches(1, 2)]
    np.testing.assert_array_equal(rows, np.concatenate(by_hand))


def test_a_part_of_a_file_trains_too(problem, files, small_chunks):
    data = MappedDataset(files / "x.npy", files / "y.npy")
    rows = np.arange(5, 85)
    part = Subset(data, rows)
    assert isinstance(as_source(part, 16, 0, True, False), ChunkSource)
    one, optimizer = problem.make()
    problem.fit(one, optimizer, part)
    two, optimizer = problem.make()
    problem.fit(two, optimizer, (problem.x[rows], problem.y[rows]))
    assert weights(one) == weights(two)


def test_evaluate_and_predict_from_maps(problem, files, small_chunks):
    model, _ = problem.make()
    x, y = (np.load(files / f"{name}.npy", mmap_mode="r") for name in "xy")
    args = {"loss": problem.loss, "metrics": ["accuracy"], "batch_size": 16}
    assert evaluate(model, (x, y), **args) == evaluate(model, (problem.x, problem.y), **args)
    np.testing.assert_array_equal(predict(model, x, batch_size=16),
                                  predict(model, problem.x, batch_size=16))


def test_training_from_parquet_is_training_on_its_rows_in_that_order(problem, tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq
    table = {f"x{i}": problem.x[:, i] for i in range(5)} | {"y": problem.y}
    pq.write_table(pa.table(table), tmp_path / "a.parquet", row_group_size=9, compression="zstd")
    data = ParquetDataset(tmp_path / "a.parquet", keep=3)
    assert (len(data), len(data.sizes)) == (103, 12)
    one, optimizer = problem.make()
    run = problem.fit(one, optimizer, data, seed=5)
    two, optimizer = problem.make()
    order = data.shuffled(5)
    loader = DataLoader(MappedDataset(problem.x, problem.y), 16, sampler=order)
    same = problem.fit(two, optimizer, loader)
    assert [r["loss"] for r in run.history] == [r["loss"] for r in same.history]
    assert weights(one) == weights(two)
    assert len(data._kept) <= 3


def test_rows_in_groups_whatever_the_pieces():
    pieces = [np.arange(0, 3), np.arange(3, 4), np.arange(4, 11)]
    for start in range(12):
        for count in (1, 2, 5, 20):
            found = list(grouped(pieces, count, start))
            np.testing.assert_array_equal(np.concatenate([np.zeros(0), *found]),
                                          np.arange(start, 11))
            assert all(len(g) == count for g in found[:-1])


def test_what_is_made_ahead_comes_in_order_and_its_error_too():
    def made():
        yield from range(3)
        raise ValueError("the disk is gone")
    got = []
    with pytest.raises(ValueError, match="the disk is gone"):
        got.extend(iter(ahead(made())))
    for depth in (1, 3, 9):
        assert list(ahead(iter(range(5)), depth)) == list(range(5))
    coming = ahead(iter(range(5)))
    assert [next(coming), next(coming)] == [0, 1]
    coming.close()                                # one who stops early leaves no thread behind
    assert list(coming) == []


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux's account of maps")
def test_a_mapped_file_is_read_row_by_row_in_small_pages(files):
    data = MappedDataset(files / "x.npy", files / "y.npy")
    maps = Path("/proc/self/smaps").read_text().split("\nVmFlags:")
    flags = [after.split("\n")[0].split() for before, after in pairwise(maps)
             if before.rpartition("/")[0].endswith(str(files))]
    assert len(data) == 103
    assert len(flags) == 2
    assert all({"rr", "nh"} <= set(f) for f in flags)      # reads at random, no huge pages


@pytest.mark.system("Out-of-core training (10 GB data, 4 GB memory)")
def test_the_peak_does_not_grow_with_the_file(tmp_path, figure):
    peaks = []
    for rows in (16_384, 163_840):                # 17 MB and 168 MB
        folder = tmp_path / str(rows)
        folder.mkdir()
        peaks.append(train_in_a_process(write(folder, rows))[1])
        (folder / "x.npy").unlink()
    figure(f"peak {peaks[0]:.0f} MB for a file of 17 MB, {peaks[1]:.0f} MB for one of 168 MB")
    assert peaks[1] < 340                         # 144 MB of chunks, 16 mapped, 150 of the process
    assert peaks[1] - peaks[0] < 180


@pytest.mark.slow
@pytest.mark.system("Out-of-core training (10 GB data, 4 GB memory)")
def test_four_gigabytes_within_one(tmp_path, figure):
    rows = 2**22                                  # of 1 KB each: 4.3 GB
    loss, peak, own, mapped = train_in_a_process(write(tmp_path, rows))
    size = (tmp_path / "x.npy").stat().st_size
    (tmp_path / "x.npy").unlink()                 # pytest would keep it
    assert size > 4 * 2**30
    figure(f"file of {size / 2**30:.1f} GB: peak of resident memory {peak:.0f} MB, pages of the "
           f"mapped file among them; at the end {own:.0f} MB its own and {mapped:.0f} MB of files")
    assert peak < 1024
    assert loss < 0.3


@pytest.mark.slow
@pytest.mark.system("Out-of-core training (10 GB data, 4 GB memory)")
def test_larger_batches_out_of_core_equal_those_in_memory(tmp_path):
    write(tmp_path, 50_000)
    ways = [MappedDataset(tmp_path / "x.npy", tmp_path / "y.npy"),
            (np.load(tmp_path / "x.npy"), np.load(tmp_path / "y.npy"))]
    found = []
    for data in ways:
        manual_seed(0)
        model = nn.Sequential(nn.Linear(256, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 2))
        run = fit(model, data, loss=nn.CrossEntropyLoss(),
                  optimizer=optim.Adam(model.parameters()), epochs=2, batch_size=128,
                  progress=False)
        found.append(([r["loss"] for r in run.history], weights(model)))
    assert found[0] == found[1]
