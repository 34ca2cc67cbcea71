"""Peaks of the machine: figures exist for every thread count, and are what a computer can have."""

from __future__ import annotations

from sheer.backends.cpu.backend import CpuBackend
from sheer.backends.cpu.ir.target import host_target
from sheer.backends.cpu.runtime import peaks
from sheer.backends.cpu.runtime.machine import measure


def test_peaks_are_measured_for_one_and_two_threads(monkeypatch):
    monkeypatch.setattr(peaks, "SECONDS", 0.001)
    monkeypatch.setattr(peaks, "_READ", 1 << 20)
    monkeypatch.setattr(peaks, "_MEMORY", 1 << 20)
    gflops = peaks.measure_gflops(host_target(), 2)
    levels = peaks.measure_levels(host_target(), 2)
    assert len(gflops) == 2
    assert all(g > 0.1 for g in gflops)
    assert levels[-1].name == "memory"
    assert all(len(v.gigabytes) == 2 and min(v.gigabytes) > 0.01 for v in levels)


def test_a_calibration_knows_every_kind(monkeypatch):
    monkeypatch.setattr(peaks, "SECONDS", 0.001)
    monkeypatch.setattr(peaks, "_READ", 1 << 20)
    made = measure(CpuBackend().compile)
    kinds = {key.split(",")[0] for key in made.reached}
    assert kinds == {"contract", "map", "rows", "index"} == set(made.compiling)
    assert all(0 < share <= 1 for share in made.reached.values())
    assert made.launch[0] > 0
