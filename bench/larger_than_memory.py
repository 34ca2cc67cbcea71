"""`python -m bench.larger_than_memory [--rows N]`: the same training from memory and from disk.

The rows of a file, and how many examples a second are trained on: as arrays in memory, as a mapped
file (MappedDataset) and as Parquet, in turn, several times. Asked for is 70 % of the speed in
memory. The file is small enough for the page cache, so that the disk is not what is measured;
`--rows` makes it as large as the disk allows.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import sheer
from sheer import nn, optim
from sheer.data import MappedDataset, ParquetDataset
from sheer.train import fit

COLUMNS, BATCH, ROUNDS = 256, 256, 5


def main() -> None:
    options = argparse.ArgumentParser(prog="bench.larger_than_memory")
    options.add_argument("--rows", type=int, default=2**19, help="of 1 KB each")
    options.add_argument("--width", type=int, default=256, help="hidden units of the network")
    options.add_argument("--folder", type=Path, help="where the file is written, for a while")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        folder = Path(name)
        write(folder, chosen.rows)
        ways = sources(folder)
        speeds: dict[str, list[float]] = {way: [] for way in ways}
        losses = {}
        for again in range(ROUNDS + 1):                       # the first round compiles
            for way, make in ways.items():
                seconds, losses[way] = trained(make, chosen.width)
                if again:
                    speeds[way].append(chosen.rows / seconds)
    if losses["memory"] != losses["mapped"]:
        raise SystemExit(f"the losses differ: {losses}")
    best = statistics.median(speeds["memory"])
    for way, found in speeds.items():
        middle = statistics.median(found)
        print(f"{way:8s} {middle:12,.0f} rows/s  {middle / best:6.1%} of memory  "
              f"({min(found):,.0f} to {max(found):,.0f})")


def write(folder: Path, rows: int) -> None:
    """x.npy and y.npy, and the same as Parquet."""
    x = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, (rows, COLUMNS))
    y = np.lib.format.open_memmap(folder / "y.npy", "w+", np.int64, (rows,))
    rng = np.random.default_rng(0)
    for i in range(0, rows, 2**14):
        block = rng.standard_normal((min(2**14, rows - i), COLUMNS), np.float32)
        x[i:i + len(block)], y[i:i + len(block)] = block, block[:, 0] > 0
    x.flush()
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        return
    names = [f"x{i}" for i in range(COLUMNS)] + ["y"]
    schema = pa.schema([(name, pa.float32() if name != "y" else pa.int64()) for name in names])
    # Numbers that seldom repeat: a dictionary of them would only cost time.
    with pq.ParquetWriter(folder / "rows.parquet", schema, use_dictionary=False,
                          compression="none") as writer:
        for i in range(0, rows, 2**14):
            columns = [*x[i:i + 2**14].T, y[i:i + 2**14]]
            writer.write_table(pa.table(dict(zip(names, map(np.ascontiguousarray, columns),
                                                 strict=True)), schema))


def sources(folder: Path) -> dict[str, Callable[[], Any]]:
    """What is given to fit."""
    held = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    ways: dict[str, Callable[[], Any]] = {
        "memory": lambda: held,
        "mapped": lambda: MappedDataset(folder / "x.npy", folder / "y.npy")}
    if (folder / "rows.parquet").exists():
        ways["parquet"] = lambda: ParquetDataset(folder / "rows.parquet")
    return ways


def trained(make: Callable[[], Any], width: int) -> tuple[float, float]:
    """Seconds and loss of one epoch."""
    sheer.manual_seed(0)
    model = nn.Sequential(nn.Linear(COLUMNS, width), nn.ReLU(), nn.Linear(width, 2))
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    data = make()
    began = time.perf_counter()
    run = fit(model, data, loss=nn.CrossEntropyLoss(), optimizer=optimizer, epochs=1,
              batch_size=BATCH, progress=False)
    return time.perf_counter() - began, run.history[-1]["loss"]


if __name__ == "__main__":
    main()
