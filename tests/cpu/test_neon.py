"""Code for a processor of another kind: every primitive as ARM assembly, nothing of x86 in it."""

from __future__ import annotations

import re

import numpy as np
import pytest

from sheer import ops
from sheer.backends.cpu.ir.target import Target, llvm
from sheer.backends.cpu.lower.module import Lowering
from sheer.backends.cpu.runtime.jit import emit_asm
from sheer.backends.cpu.runtime.threads_ir import runtime_ir
from sheer.compile.plan import compile_graph
from sheer.graph import Graph, dtype_of, float32
from sheer.ops.primitive import REGISTRY, results
from sheer.ops.structure import Input, constant
from sheer.ops.walk import vjp_nodes

TRIPLE = "aarch64-unknown-linux-gnu"


@pytest.fixture(scope="module")
def neon():
    """NEON: 32 registers of 16 bytes, fused multiply-add."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    try:
        llvm.Target.from_triple(TRIPLE)
    except RuntimeError:
        pytest.skip("this LLVM has no code generator for ARM")
    return Target("generic", "cortex-a76", "+neon", 16, TRIPLE, fma=True)


def assembly(graph, target):
    """Assembly of the graph's kernels; nothing in it may be meant for x86."""
    found = []
    for number, (_, kernel) in enumerate(compile_graph(graph).walk()):
        if kernel.kind in ("host", "loop") or not any(s.spec.size for s in kernel.writes):
            continue
        text = Lowering(kernel, target, f"kernel_{number}").text()
        assert "llvm.x86" not in text
        assert "asm sideeffect" not in text
        found.append(emit_asm(text, target))
    return "\n".join(found)


def example(cls):
    """One drawn or pinned case of a primitive as a graph."""
    from hypothesis import find, settings
    drawn = cls.samples()
    if drawn.is_empty:
        return None
    pinned = [case for case in cls.hard() if all(np.size(a) for a in case[1])]
    prim, arrays = pinned[0] if pinned else find(drawn, lambda case: True,
                                                 settings=settings(database=None))
    nodes = [Input(i, np.shape(a), dtype_of(np.asarray(a).dtype))() for i, a in enumerate(arrays)]
    node = prim(*nodes)
    return Graph(nodes, results(node) if len(node.outputs) > 1 or cls.many else [node])


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_primitive_becomes_arm_code(name, neon):
    graph = example(REGISTRY[name])
    if graph is not None:
        assert not re.search(r"\b[xyz]mm\d", assembly(graph, neon))


def test_a_training_step_uses_the_vectors_of_the_machine(neon):
    x, w = Input(0, (8, 3, 12, 12), float32)(), Input(1, (16, 3, 3, 3), float32)()
    v = Input(2, (16 * 25, 10), float32)()
    hidden = ops.max_pool(ops.relu(ops.conv(x, w)), (2, 2))[0]
    logits = ops.matmul(ops.reshape(hidden, (8, 16 * 25)), v)
    total = ops.sum(ops.logsumexp(logits, (1,)), (0,))
    grads = vjp_nodes([total], [constant(1.0, float32)], [w, v])
    code = assembly(Graph([x, w, v], [total, *grads]), neon)
    assert len(re.findall(r"\bfmla\tv\d+\.4s", code)) > 50
    assert not re.search(r"\b[xyz]mm\d", code)


def test_the_thread_pool_becomes_arm_code(neon):
    text = runtime_ir(neon)
    assert "llvm.x86" not in text
    assert "sheer_launch:" in emit_asm(text, neon)
