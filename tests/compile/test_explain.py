"""Looking inside: the rows of a program, the roofline, and what a machine is known by."""

from __future__ import annotations

import json

import pytest
from helpers import arrays_for, inputs
from rich.console import Console

from sheer import ops
from sheer.backends.cpu.backend import CpuBackend
from sheer.backends.cpu.runtime import machine as machine_module
from sheer.compile.plan import compile_graph
from sheer.compile.report.explanation import duration, scaled
from sheer.compile.report.forecast import forecast
from sheer.compile.report.roofline import Level, Machine, roof
from sheer.graph import Graph, float32, int64
from sheer.ops.loop import Scan
from sheer.ops.primitive import results
from sheer.ops.structure import Input

MACHINE = Machine("a cpu", (100.0, 200.0), (Level("L1", 1000, (100.0, 200.0)),
                                            Level("memory", 2**62, (10.0, 15.0))),
                  {"contract, one thread": 0.5}, (1e-6, 2e-6), {"contract": 0.1})


@pytest.fixture
def known(monkeypatch):
    """A machine that needs no measuring."""
    monkeypatch.setattr(machine_module, "_known", {machine_module._file(): MACHINE})


def loop_graph():
    """Ten turns of x @ w, and a sum behind them."""
    x, w = inputs((16, 16), (16, 16))
    held, carried = Input(0, (16, 16), float32)(), Input(1, (16, 16), float32)()
    body = Graph([held, carried], [ops.matmul(carried, held)])
    (last,) = results(Scan(body, 1, 1, 10)(w, x))
    return Graph([x, w], [ops.sum(last, (0, 1))])


def test_rows_tell_loops_turns_and_totals(known):
    executable = CpuBackend().compile(loop_graph())
    executable.measure(arrays_for(loop_graph()))
    rows = executable.program.explain().rows
    loop = next(r for r in rows if r.kind == "loop")
    product = next(r for r in rows if r.kind == "contract")
    assert loop.operations == ("10 turns",)
    assert (product.depth, product.times, product.threads) == (1, 10, 1)
    assert product.flops == 10 * 2 * 16**3
    assert product.bound == "memory"                       # 3 kB, and the first cache holds 1 kB
    assert product.share == pytest.approx(product.roof / product.seconds)
    assert sum(r.of for r in rows if r.depth == 0) == pytest.approx(1.0)


def test_an_explanation_prints_plain_in_colours_and_as_data(known):
    program = CpuBackend().compile(loop_graph()).program
    told = program.explain()                               # measured on made-up numbers
    assert "10 turns" in str(told)
    assert "none on the host" in told.summary()
    console = Console(record=True, width=200, force_terminal=True)
    with console.capture() as text:
        console.print(told)
    assert "contract" in text.get()
    assert len(program.table()) == len(told.rows)
    assert json.loads(json.dumps(told.json()))["machine"]["cpu"] == "a cpu"


def test_a_program_without_a_machine_still_tells_its_shapes():
    rows = compile_graph(loop_graph()).explain().rows
    assert all(r.seconds is None and r.share is None for r in rows)


def test_the_roof_is_what_takes_longer():
    assert roof(MACHINE, 1000, 10, 1).bound == "compute"
    assert roof(MACHINE, 1000, 10, 2).seconds == pytest.approx(5e-9)
    assert roof(MACHINE, 10, 2000, 1).bound == "memory"
    assert roof(MACHINE, 10, 2000, 1).seconds == pytest.approx(200e-9)


def test_a_forecast_adds_up_launches_and_rooflines():
    program = compile_graph(loop_graph())
    told = forecast(program, MACHINE, {}, 10**9)
    once = 1e-6 + max(2 * 16**3 / 100e9, 3 * 4 * 256 / 10e9) / 0.5
    assert told.seconds > 10 * once
    assert told.bytes >= 4 * 256
    assert (told.compiling, told.threads, told.free) == (0.1, 1, 10**9)


def test_a_machine_survives_being_written():
    assert Machine.of(json.loads(json.dumps(MACHINE.json()))) == MACHINE


def test_a_machine_is_measured_once_and_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("SHEER_CACHE", str(tmp_path))
    monkeypatch.setattr(machine_module, "_known", {})
    measured = []
    monkeypatch.setattr(machine_module, "measure", lambda make: measured.append(1) or MACHINE)
    for _ in range(2):
        assert machine_module.this_machine(CpuBackend().compile) == MACHINE
        machine_module._known.clear()
    assert measured == [1]
    next(tmp_path.glob("machine-*.json")).write_text("{")          # damaged: measured again
    assert machine_module.this_machine(CpuBackend().compile) == MACHINE
    assert measured == [1, 1]


def test_numbers_have_three_digits_and_a_unit():
    assert [scaled(v) for v in (0, 12, 1234, 1234567, 5e12)] == [
        "0 ", "12 ", "1.23 k", "1.23 M", "5e+03 G"]
    assert [duration(v) for v in (2, 1.5e-3, 2e-5, 3e-8)] == ["2 s", "1.5 ms", "20 us", "30 ns"]


def test_of_a_table_only_what_is_found_is_moved():
    (table,) = inputs((1000, 8))
    rows = Input(1, (4,), int64)()
    kernel = compile_graph(Graph([table, rows], [ops.take(table, rows, axis=0)])).kernels[0]
    assert kernel.traffic == 2 * 4 * 8 * 4 + 4 * 8


def test_the_text_of_one_kernel(known):
    program = CpuBackend().compile(loop_graph()).program
    number = next(i for i, (_, k) in enumerate(program.walk()) if k.kind == "contract")
    assert program.llvm(number).count("target triple") <= 1
    assert "define" in program.llvm(number)
    assert "ret" in program.asm(number)
    assert program.llvm(0) == ""                           # a loop has no code of its own
