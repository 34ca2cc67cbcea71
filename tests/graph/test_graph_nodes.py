"""Nodes and graphs: interning, structure, substitution, the verifier, interpretation, dtypes."""

import gc
import threading
import weakref

import numpy as np
import pytest
import torch

from sheer import ops
from sheer.graph import (
    DTYPES,
    Graph,
    Spec,
    StateError,
    dtype_of,
    float32,
    float64,
    fresh,
    int64,
    interpret,
    promote,
    substitute,
    users,
    verify,
)
from sheer.graph.memory import address
from sheer.graph.node import _interned, topological
from sheer.ops.call import Checkpoint
from sheer.ops.elementwise import Add, Tanh
from sheer.ops.structure import Constant, Data, Input, Pick, constant


def inputs(*shapes, dtype=float32):
    return [Input(i, s, dtype)() for i, s in enumerate(shapes)]


def test_equal_nodes_are_one_object():
    (x,) = inputs((3,))
    assert ops.tanh(x) is ops.tanh(x)
    assert x + 1.0 is x + 1.0
    assert x + 1.0 is not x + 2.0
    assert constant(0.0, float32) is not constant(-0.0, float32)
    assert constant(float("nan"), float32) is constant(float("nan"), float32)
    assert constant(1, float32) is not constant(1, float64)
    assert constant([1.0], float32) is not constant(1.0, float32)


def test_threads_that_make_equal_nodes_get_one():
    (x,) = inputs((3,))
    barrier, found = threading.Barrier(8), []

    def grow():
        barrier.wait()
        node = x
        for i in range(200):
            node = node + float(i)
        found.append(node)

    threads = [threading.Thread(target=grow) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(set(map(id, found))) == 1


def test_nodes_go_when_nobody_holds_them():
    (x,) = inputs((7,))
    before = len(_interned)
    seen = weakref.ref(ops.tanh(ops.tanh(x) * 3.0))
    gc.collect()
    assert seen() is None
    assert len(_interned) <= before + 2  # the constant 3.0 may have been there


def test_where_an_array_begins():
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    still = array.copy()
    still.flags.writeable = False
    for a in (array, array.T, array[1:, ::2], still, array[:0], np.float32(2) * np.ones(())):
        assert address(a) == a.__array_interface__["data"][0]


def test_an_order_puts_inputs_before_users_once_each():
    x, y = constant(1.0), constant(2.0)
    a = ops.add(x, y)
    b = ops.mul(a, ops.exp(a))
    c = ops.sub(ops.mul(b, a), x)
    order = topological([c, b, a])
    place = {n: i for i, n in enumerate(order)}
    assert len(place) == len(order) == 7
    assert all(place[x] < place[n] for n in order for x in n.inputs)
    cut = topological([c], stop=lambda n: n is a)
    assert [type(n.prim).__name__ for n in cut] == ["Add", "Exp", "Mul", "Mul", "Constant", "Sub"]


def test_primitives_are_frozen():
    with pytest.raises(AttributeError):
        Input(0, (3,), float32).index = 4
    with pytest.raises(AttributeError):
        Spec((3,), float32).shape = (4,)


def test_specs_come_from_infer():
    a, b = inputs((2, 3), (3, 4))
    node = ops.matmul(a, b)
    assert (node.shape, node.dtype, node.ndim, node.size) == ((2, 4), float32, 2, 8)
    assert str(node.spec) == "f32[2, 4]"


def test_graphs_compare_by_structure():
    def build(name):
        x, y = inputs((3,), (3,))
        del name
        return Graph([x, y], [ops.tanh(x) * y])

    a, b = build("a"), build("b")
    assert a == b
    assert hash(a) == hash(b)
    x, y = a.inputs
    assert Graph([y, x], a.outputs) != a  # wired otherwise
    assert Graph([x, y], [ops.tanh(y) * x]) != a
    assert Graph([x, y], [ops.tanh(x) * y, x]) != a
    assert Graph([x, y], [ops.sin(x) * y]) != a
    other = [fresh(i.prim) for i in a.inputs]
    assert Graph(other, a(*other)) == a  # other nodes, same structure


def test_graphs_with_swapped_equal_inputs_differ_only_in_wiring():
    x, y = inputs((3,), (3,))
    assert Graph([x, y], [x - y]) != Graph([x, y], [y - x])


def test_substitution_is_simultaneous():
    x, y = inputs((3,), (3,))
    forth, back = x - y, y - x
    assert substitute([forth], {x: y, y: x}) == (back,)
    assert substitute([forth], {}) == (forth,)


def test_users_lists_each_reader_once():
    (x,) = inputs((3,))
    square = x * x
    assert users([x, square]) == {x: [square], square: []}


def test_a_call_inlines_the_graph():
    x, y = inputs((3,), (3,))
    graph, inlined = Graph([x], [ops.tanh(x), x * 2.0]), (ops.tanh(y), y * 2.0)
    assert graph(y) == inlined


# ---- the verifier ------------------------------------------------------------------------------


def broken(prim, args, *specs):
    """A node whose recorded specs nobody checked."""
    node = fresh(constant(1.0, float32).prim)
    node.prim, node.inputs, node.outputs = prim, args, specs
    return node


def planted():
    x, y = inputs((3,), (3,))
    body = Graph([x], [broken(Tanh(), (x,), Spec((4,), float32))])
    stray = Input(9, (3,), float32)()
    return {
        "an input is listed twice": lambda: Graph([x, x], [x]),
        "a leaf is neither an input nor a constant": lambda: Graph([x], [x + stray]),
        "an input of the graph is computed": lambda: Graph([ops.tanh(x)], [ops.tanh(x) + 1.0]),
        "infer says f32[3], the node says f32[4]": lambda: Graph(
            [x], [broken(Tanh(), (x,), Spec((4,), float32))]
        ),
        "infer says f32[3], the node says f64[3]": lambda: Graph(
            [x, y], [broken(Add(), (x, y), Spec((3,), float64))]
        ),
        "infer refuses the inputs: add: operands differ in shape or dtype": lambda: Graph(
            [x], [broken(Add(), (x, constant(1.0, float32)), Spec((3,), float32))]
        ),
        "infer says f32[3], the node says f32[4] ": lambda: Graph(
            [x], [broken(Checkpoint(body), (x,), Spec((4,), float32))]
        ),
    }


@pytest.mark.parametrize("what", planted())
def test_the_verifier_catches(what):
    with pytest.raises(StateError) as caught:
        verify(planted()[what]())
    assert caught.value.code == "E901"
    assert what.strip() in str(caught.value)


def test_the_verifier_accepts_a_well_formed_graph():
    x, y = inputs((3,), (3,))
    graph = Graph([x, y], [ops.tanh(x) + y * 2.0])
    assert verify(graph) is graph


# ---- interpretation ----------------------------------------------------------------------------


def test_interpretation_frees_values_after_their_last_use():
    (x,) = inputs((4,), dtype=float64)
    node, live, peak = x, [], []
    for _ in range(50):
        node = ops.tanh(node) + x * 0.5

    def watch(node, results):
        live.append(weakref.ref(results[0]))
        peak.append(sum(r() is not None for r in live))

    interpret(Graph([x], [node]), [np.ones(4)], watch)
    assert len(live) > 100
    assert max(peak) <= 8


def test_interpretation_keeps_outputs_and_all_results_that_are_picked():
    (x,) = inputs((3, 3), dtype=float64)
    values, vectors = ops.host.Eigh()(x), None
    values, vectors = Pick(0)(values), Pick(1)(values)
    graph = Graph([x], [values, ops.tanh(vectors), vectors, x])
    a = np.diag([3.0, 1.0, 2.0])
    w, t, v, same = interpret(graph, [a])
    np.testing.assert_allclose(w, [1, 2, 3])
    np.testing.assert_array_equal(t, np.tanh(v))
    np.testing.assert_array_equal(same, a)


def test_a_ref_that_disagrees_with_infer_is_an_error_of_ours():
    (x,) = inputs((3,))
    wrong = broken(Tanh(), (x,), Spec((4,), float32))
    with pytest.raises(StateError, match=r"ref gives \(3,\), infer says \(4,\)") as caught:
        interpret(Graph([x], [wrong]), [np.ones(3, "f4")])
    assert caught.value.code == "E902"


# ---- dtypes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("a", DTYPES, ids=str)
@pytest.mark.parametrize("b", DTYPES, ids=str)
def test_promotion_is_that_of_torch(a, b):
    assert promote(a, b).name == str(
        torch.promote_types(getattr(torch, a.name), getattr(torch, b.name))
    ).removeprefix("torch.")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_dtypes_by_every_name(dtype):
    for name in (dtype, dtype.name, dtype.short, dtype.numpy, dtype.numpy.type):
        assert dtype_of(name) is dtype
    assert dtype.itemsize == dtype.numpy.itemsize
    assert repr(dtype) == f"sheer.{dtype.name}"


def test_python_types_and_unknown_ones():
    assert [dtype_of(t) for t in (bool, int, float)] == [dtype_of("bool"), int64, float32]
    with pytest.raises(TypeError, match="there are no tensors of float16"):
        dtype_of(np.float16)


def test_data_is_equal_only_to_itself():
    a = np.ones(3, "f4")
    first, second = ops.data(a), ops.data(a)
    assert first is not second
    assert isinstance(first.prim, Data)
    assert isinstance(constant(a).prim, Constant)
