"""The harness of the benchmarks: pairing, agreement, variants, files. Speeds are nobody's test."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch")

from bench.fresh import first_step
from bench.loops import epochs_peer, shuffled, torch_variants, whole_epochs
from bench.workload import WORKLOADS, Peer, Workload

from bench import measure as measuring
from bench import paired, programs, report, special

ROW = {"name": "w", "what": "tiny", "unit": "s", "sheer": 1e-3, "notes": [],
       "losses": {"sheer": [2.0, 1.0], "torch": [2.0, 1.0]},
       "torch": {"variant": "eager", "seconds": 2e-3, "ratio": [2.0, 1.9, 2.1]}}


def peer(losses, seconds=0.0):
    """One that takes no time and has these losses."""
    return Peer(lambda steps: None, lambda steps: np.array(losses[:steps]))


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(paired, "SETTLE", 0.0)


def test_a_ratio_is_the_median_of_pairs(monkeypatch):
    times = {"ours": iter([1.0, 2.0, 1.0]), "theirs": iter([3.0, 4.0, 5.0])}
    monkeypatch.setattr(paired, "steps_for", lambda run, seconds: 1)
    monkeypatch.setattr(paired, "seconds_per_step", lambda run, steps: next(times[run]))
    ratio, mine, other = paired.compare("ours", "theirs", pairs=3)
    assert ratio.row() == [3.0, 2.0, 5.0]
    assert (mine, other) == (1.0, 4.0)


def test_nobody_is_timed_who_computes_something_else():
    workload = Workload("w", "", lambda: peer([1.0, 0.5]), {"eager": lambda: peer([1.0, 0.6])},
                        checked=2)
    with pytest.raises(SystemExit, match=r"eager differs from sheer by 0.2 after 2 steps"):
        measuring.measure(workload, 1, False, lambda text: None)


def test_a_row_has_times_ratios_and_losses(monkeypatch):
    monkeypatch.setattr(measuring, "shortest_step", lambda run: 1.0)
    monkeypatch.setattr(measuring, "compare",
                        lambda ours, theirs, pairs: (paired.Ratio(2.0, 1.9, 2.1), 1.0, 2.0))
    workload = Workload("w", "", lambda: peer([1.0, 0.5]), {"eager": lambda: peer([1.0, 0.5])},
                        checked=2)
    row = measuring.measure(workload, 1, False, lambda text: None)
    assert row["torch"] == {"variant": "eager", "seconds": 2.0, "ratio": [2.0, 1.9, 2.1]}
    assert row["losses"] == {"sheer": [1.0, 0.5], "torch": [1.0, 0.5]}


def test_torch_compile_is_tried_only_when_asked_for():
    workload = Workload("w", "", peer, {"eager": peer, "compiled, a": peer},
                        compiled={"compiled, b": peer})
    assert list(measuring.variants(workload, False)) == ["eager"]
    assert list(measuring.variants(workload, True)) == ["eager", "compiled, a", "compiled, b"]


def test_what_torch_compile_cannot_do_is_told_and_left_out():
    told = []
    def fails():
        raise RuntimeError("no compiler\nmore")
    assert measuring._made("compiled, fused", fails, told.append) is None
    assert told == ["compiled, fused does not work: RuntimeError: no compiler"]


def test_variants_have_every_combination_once():
    made = []
    found = torch_variants(lambda threads, **kind: made.append((threads, kind)), "SGD",
                           channels_last=True)
    assert next(iter(found)) == "eager, fused SGD, 1 thread, channels_last"
    for make in found.values():
        make()
    assert len(made) == len(found) == 4
    assert (2, {"foreach": True, "channels_last": True}) in made


def test_epochs_are_counted_whole():
    ran = []
    assert whole_epochs(lambda: ran.append(1), 10)(15) == 20
    assert len(ran) == 2
    assert epochs_peer(lambda: np.arange(3.0), 3).losses(5).tolist() == [0, 1, 2, 0, 1]
    assert sorted(shuffled(3, 4).ravel()) == list(range(12))


def test_the_files_have_the_promised_form(tmp_path):
    about = {"cpu": "a cpu", "cores": 2, "versions": "some", "compiled": False}
    memory = {**ROW, "name": "memory w", "unit": "MB", "sheer": 12.0}
    report.write([ROW, memory], about, tmp_path)
    assert json.loads((tmp_path / "results.json").read_text())["w"] == {"torch": [2.0, 1.9, 2.1]}
    text = (tmp_path / "results.md").read_text()
    assert "| w (tiny) | 1.00 ms | 2.00 ms (eager) | **2** (1.9 to 2.1) |" in text
    assert "12 MB" in text
    assert "Made by `sheer bench`." in text
    assert "Made by `make bench`." in "".join(report.about({**about, "compiled": True}))
    assert "| w | 2 1 | 2 1 |  |" in text
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{report.START}\nold\n{report.END}\nafter\n")
    report.into_readme(readme, [ROW])
    assert "old" not in readme.read_text()
    assert readme.read_text().endswith(f"{report.END}\nafter\n")


def test_every_workload_can_be_measured():
    assert {"mlp-small", "mnist-mlp"} <= set(WORKLOADS)
    for workload in WORKLOADS.values():
        assert workload.torch
        assert workload.checked >= 1


@pytest.mark.slow
def test_a_fresh_process_tells_of_its_first_step():
    told = special.fresh("sheer", "mlp-small")
    assert told["first step"] > told["step"] > 0
    assert told["peak"] > told["grown"] > 0


def test_the_first_step_of_a_workload(monkeypatch):
    monkeypatch.setitem(WORKLOADS, "w", Workload("w", "", lambda: peer([1.0]), {}))
    told = first_step("sheer", "w", "")
    assert set(told) == {"first step", "building", "step", "grown", "peak"}


def test_rows_of_fresh_processes_compare_in_turn():
    found = {"sheer": [1.0, 1.0, 2.0], "torch": [2.0, 3.0, 8.0]}
    row = special.row_of("import", "fresh", "import", "s", found, lambda text: None)
    assert row["torch"]["ratio"] == [3.0, 2.0, 4.0]
    assert "jax" not in row


def test_a_page_of_programs_tells_every_kernel(tmp_path):
    programs.main(["mlp-small"], tmp_path / "programs.md")
    text = (tmp_path / "programs.md").read_text()
    assert "## mlp-small (20-64-64-1, batch 32, Adam)" in text
    assert "100 turns" in text
    assert "of the roofline" in text
