"""The printer: what it prints rebuilds the identical graph, for every primitive and number."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sheer import ops
from sheer.graph import DTYPES, Graph, dtype_of, float32, float64, from_text, int64, verify
from sheer.ops.loop import scan_graph
from sheer.ops.primitive import REGISTRY, results
from sheer.ops.structure import Constant, Input, constant
from sheer.ops.walk import vjp_nodes

CASES = [name for name in sorted(REGISTRY) if name not in ("Data", "Input", "Pick")]


def cases(cls):
    return st.one_of(cls.samples(), *([st.sampled_from(cls.hard())] if cls.hard() else []))


def graph_of(prim, arrays):
    leaves = [Input(i, np.shape(a), dtype_of(np.asarray(a).dtype))() for i, a in enumerate(arrays)]
    node = prim(*leaves)
    return Graph(leaves, results(node) if len(node.outputs) > 1 else [node])


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=4)
@given(data=st.data())
def test_every_primitive_prints_itself(name, data):
    graph = graph_of(*data.draw(cases(REGISTRY[name])))
    again = from_text(repr(graph))
    assert again == graph
    assert hash(again) == hash(graph)
    assert repr(again).split("#")[0] == repr(graph).split("#")[0]


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_constant_is_exact(data):
    dtype = data.draw(st.sampled_from(DTYPES))
    size = data.draw(st.integers(0, 4))
    raw = data.draw(st.binary(min_size=size * dtype.size, max_size=size * dtype.size))
    if dtype.kind == "bool":
        raw = bytes(b & 1 for b in raw)
    node = Constant(raw, (size,), dtype)()
    graph = Graph([], [node])
    assert from_text(repr(graph)).outputs[0].prim == node.prim


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (1.5, float32, "Constant.of(1.5, float32)()"),
        ([[1, 2], [3, 4]], int64, "Constant.of([[1, 2], [3, 4]], int64)()"),
        (
            [np.inf, -np.inf, np.nan, -np.nan, -0.0],
            float64,
            "Constant.of([inf, -inf, nan, -nan, -0.0], float64)()",
        ),
        ([True, False], dtype_of("bool"), "Constant.of([True, False], bool_)()"),
        (np.float32(0.1), float32, "Constant.of(0.10000000149011612, float32)()"),
        (np.zeros((0, 2)), float64, "Constant(data=b'', shape=(0, 2), dtype=float64)()"),
    ],
)
def test_constants_are_readable(value, dtype, text):
    assert f"v0 = {text} " in repr(Graph([], [constant(value, dtype)]))


def test_a_nan_with_a_message_keeps_it():
    raw = np.uint32(0x7FC12345).tobytes()
    node = Constant(raw, (), float32)()
    text = repr(Graph([], [node]))
    assert "Constant(data=b'E#\\xc1\\x7f', shape=(), dtype=float32)" in text
    assert from_text(text).outputs[0].prim == node.prim


def test_the_whole_text_of_a_small_graph():
    x = Input(0, (2, 3), float32)()
    text = repr(Graph([x], [ops.tanh(x) * 2.0]))
    lines = [line.split("#")[0].rstrip() for line in text.splitlines()]
    assert lines == [
        "v0 = Input(index=0, shape=(2, 3), dtype=float32, scope=0)()",
        "v1 = Tanh()(v0)",
        "v2 = Constant.of(2.0, float32)()",
        "v3 = Expand(shape=(2, 3))(v2)",
        "v4 = Mul()(v1, v3)",
        "graph = Graph((v0,), (v4,))",
    ]
    assert "f32[2, 3]" in text.splitlines()[4]
    assert "test_graph_printer.py" in text.splitlines()[4]
    assert text.splitlines()[4].endswith("text = repr(Graph([x], [ops.tanh(x) * 2.0]))")


def nested():
    """A loop within a loop, its derivative included: bodies within bodies."""
    w, h, x = (Input(i, (2, 2), float64)() for i in range(3))
    inner = Graph(
        [w, h, x], [ops.tanh(h @ w if hasattr(h, "__matmul__") else ops.matmul(h, w)) + x]
    )
    a, b, xs = (Input(i, s, float64)() for i, s in enumerate([(2, 2), (2, 2), (3, 2, 2)]))
    outer = Graph([a, b, xs], [scan_graph(inner, [a], [b], [xs])[0], ops.sum(b, (0, 1))])
    p, q, rs = (Input(i, s, float64)() for i, s in enumerate([(2, 2), (2, 2), (4, 3, 2, 2)]))
    carry, ys = scan_graph(outer, [p], [q], [rs])
    loss = ops.sum(carry, (0, 1)) + ops.sum(ys, (0,))
    return Graph([p, q, rs], [loss, *vjp_nodes([loss], [constant(1.0, float64)], [p, q, rs])])


def test_nested_bodies_come_back():
    graph = verify(nested())
    text = repr(graph)
    assert text.count("= Graph(") > 3
    assert from_text(text) == graph
    assert nested() == graph


def test_equal_bodies_are_printed_once():
    w, h = (Input(i, (2,), float64)() for i in range(2))
    body = lambda: Graph([w, h], [ops.tanh(h * w)])
    one = scan_graph(body(), [w], [h], [], 3)[0]
    two = scan_graph(body(), [h], [w], [], 3)[0]
    assert repr(Graph([w, h], [one, two])).count("body0 = Graph") == 1
    assert "body1" not in repr(Graph([w, h], [one, two]))
