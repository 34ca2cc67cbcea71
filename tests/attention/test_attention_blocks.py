"""Attention row by row: equal to the reference, no matrix of scores in memory, blocks skipped."""

from __future__ import annotations

from typing import Any

import attention_graphs as written
import numpy as np
import pytest
from attention_graphs import arrays, graph

from sheer.backends.cpu.backend import CpuBackend
from sheer.compile.blocks.plan import BlockPlan
from sheer.compile.plan import compile_graph
from sheer.graph import Graph, bool_, float32, float64, int64, interpret
from sheer.ops.blocks import Blocks

MASK = (((2, 1, 20, 20), bool_),)
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "plain": (written.plain, {}),
    "causal": (written.causal, {}),
    "one input": (written.causal, {"packed": True}),
    "long": (written.causal, {"t": 70, "packed": True}),
    "long and wide": (written.causal, {"b": 1, "t": 130, "d": 40}),
    "prime": (written.causal, {"t": 37, "d": 7}),
    "more keys": (written.causal, {"t": 17, "s": 50, "dv": 5}),
    "fewer keys": (written.causal, {"t": 50, "s": 17}),
    "wide values": (written.plain, {"dv": 70}),
    "one batch": (written.plain, {"b": 1, "t": 33}),
    "double": (written.causal, {"t": 37, "dtype": float64}),
    "bool mask": (written.masked, {"more": MASK}),
    "float mask": (written.masked, {"more": (((20, 20), float32),)}),
    "padding": (written.masked, {"more": (((2, 1, 1, 20), bool_),)}),
    "dropout": (written.dropped, {"more": (((2,), int64),)}),
    "by hand": (written.by_hand, {"t": 40}),
    "squares": (written.squares, {"t": 40}),
    "window": (written.windowed, {"t": 90}),
}


def blocks_of(made: Graph) -> list[Graph]:
    """The bodies of the blocks of a program."""
    kernels = compile_graph(made).kernels
    return [n.prim.body for k in kernels for n in k.body.nodes if isinstance(n.prim, Blocks)]


@pytest.mark.parametrize("name", CASES)
def test_blocks_equal_the_reference(name: str) -> None:
    weights, sizes = CASES[name]
    made = graph(weights, **sizes)
    given = arrays(made)
    executable = CpuBackend().compile(made)
    found = executable([a.copy() for a in given])
    tolerance = 1e-11 if sizes.get("dtype") == float64 else 2e-5
    for got, want in zip(found, interpret(made, given), strict=True):
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
    kinds = [k.kind for k in executable.program.kernels]
    assert kinds.count("block") == 1
    assert "contract" not in kinds


@pytest.mark.parametrize("sizes", [{"t": 70}, {"t": 37, "d": 7}])
def test_any_number_of_threads_gives_the_same_bits(sizes: dict[str, int],
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    made = graph(written.dropped, b=3, more=(((2,), int64),), **sizes)
    given = arrays(made)
    found = []
    for threads in ("1", "2", "2"):
        monkeypatch.setenv("SHEER_THREADS", threads)
        found.append(CpuBackend().compile(made)([a.copy() for a in given]))
    for first, *others in zip(*found, strict=True):
        for other in others:
            np.testing.assert_array_equal(first, other)


def test_columns_beyond_the_diagonal_are_idle() -> None:
    idle = {name: BlockPlan(blocks_of(graph(CASES[name][0], **CASES[name][1]))[0]).idle_from
            for name in ("plain", "causal", "window", "bool mask", "dropout")}
    assert idle == {"plain": None, "causal": 1, "window": 4, "bool mask": None, "dropout": 1}


def test_what_is_beyond_the_diagonal_does_not_count() -> None:
    made = graph(written.causal, t=70)
    given = arrays(made)
    given[2][:, :, 40:] = np.inf                              # values that only late places see
    out = CpuBackend().compile(made)([a.copy() for a in given])[0]
    assert np.isfinite(out[:, :, :8]).all()
    given[0][0, 0, 3] = np.nan                                # one query
    out = CpuBackend().compile(made)([a.copy() for a in given])[0]
    assert np.isnan(out[0, 0, 3]).all()
    assert np.isfinite(out[0, 0, :3]).all()


def test_gradients_of_parts_are_written_side_by_side() -> None:
    program = compile_graph(graph(written.causal, packed=True))
    assert [k.kind for k in program.kernels] == ["block"]
    assert [w.spec.shape for w in program.kernels[0].writes] == [(2, 4, 20, 8), (2, 20, 96)]
    assert program.peak_bytes == 0


def test_weights_that_leave_are_no_block() -> None:
    made = graph(written.plain)
    weights = made.outputs[0].inputs[0]
    assert blocks_of(made)
    assert not blocks_of(Graph(made.inputs, [*made.outputs, weights]))


def test_rows_are_handed_from_pass_to_pass() -> None:
    made = graph(written.plain)
    operands, ct = made.inputs[:3], made.inputs[3]
    late = ct * 2.0 + made.outputs[0]                         # it waits for the result
    again = Graph(made.inputs, [made.outputs[0], *made(*operands, late)[1:]])
    found = blocks_of(again)
    assert len(found) == 2
    given = arrays(again)
    for got, want in zip(CpuBackend().compile(again)([a.copy() for a in given]),
                         interpret(again, given), strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5)
