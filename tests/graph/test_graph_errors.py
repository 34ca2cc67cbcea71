"""Error texts, whole; hints that are checked; the layer's path; the lines values come from."""

import os
import textwrap

import pytest

import sheer
from sheer import ops
from sheer.graph import (
    ArgumentError,
    BoundsError,
    DTypeError,
    MissingError,
    ShapeError,
    SheerError,
    Source,
    StateError,
    float32,
)
from sheer.graph.source import here, inherit, layer, layer_path
from sheer.ops.structure import Input


def lines(text):
    return textwrap.dedent(text).strip("\n")


def made(name, shape):
    node = Input(0, shape, float32)()
    node = ops.tanh(node)
    node.source = Source("/nowhere/train.py", 31, name)
    return node


def test_the_whole_text():
    error = ShapeError(
        "E101",
        "matmul",
        "inner sizes differ, 4 and 5",
        got={"a": made("", (3, 4)), "left": made("net.fc", (5, 4)), "k": 3},
        need="a (*B, m, k) @ b (*B, k, n)",
        tries=[("a @ b.mT", lambda: None), ("a.mT @ b", lambda: 1 / 0)],
    )
    assert str(error) == lines("""
        matmul: inner sizes differ, 4 and 5
          a    : f32[3, 4]      made at train.py:31
          left : f32[5, 4]      made at train.py:31 in net.fc
          k    : 3
          need : a (*B, m, k) @ b (*B, k, n)
          try  : a @ b.mT
          more : sheer explain E101
    """)


def test_no_hint_is_checked_before_somebody_reads():
    asked = []
    error = SheerError("E999", "op", "what", tries=[("this", lambda: asked.append(1))])
    assert asked == []
    assert "try" in str(error)
    assert asked == [1]


def test_hints_whose_check_fails_are_not_printed():
    def refuse():
        raise RuntimeError("no")

    assert str(SheerError("E999", "op", "what", tries=[("this", refuse)])) == lines("""
        op: what
          more : sheer explain E999
    """)


def test_errors_are_the_builtin_ones_too():
    for kind, builtin in [
        (ShapeError, ValueError),
        (DTypeError, TypeError),
        (BoundsError, IndexError),
        (ArgumentError, ValueError),
        (StateError, RuntimeError),
        (MissingError, NotImplementedError),
        (MissingError, AttributeError),
    ]:
        assert issubclass(kind, builtin)
        assert issubclass(kind, SheerError)


def test_the_layer_where_it_happened():
    with layer("net"), layer(""), layer("conv1"):
        assert layer_path() == "net.conv1"
        error = SheerError("E999", "op", "what")
    assert layer_path() == ""
    assert "  layer: net.conv1\n" in str(error)


def test_the_layer_goes_when_the_layer_fails():
    with pytest.raises(KeyError), layer("net"):
        raise KeyError
    assert layer_path() == ""


def test_a_node_knows_the_line_that_made_it():
    x = Input(3, (3,), float32)()
    node = ops.softmax(x, -1) if hasattr(ops, "softmax") else ops.tanh(x)  # made here
    assert node.source.code.endswith("# made here")
    assert os.path.samefile(node.source.file, __file__)


def test_derivatives_belong_to_the_line_they_differentiate():
    x = sheer.tensor([1.0, 2.0])

    def f(x):
        y = (x * 3.5).sum()  # forward
        return y

    g = sheer.grad(f)(x)
    sources = {n.source.code for n in sheer.graph.topological([g.node]) if n.inputs}
    assert any(code.endswith("# forward") for code in sources)


def test_inherit_gives_and_takes_back():
    with inherit(Source("a.py", 1)):
        assert here() == Source("a.py", 1)
    assert here().line > 1


def test_inputs_of_a_traced_function_show_where_their_tensor_was_made():
    weight = sheer.tensor([[1.0, 2.0]])  # the weight
    bad = sheer.jit(lambda x: x @ weight)
    with pytest.raises(ShapeError) as caught:
        bad(sheer.tensor([[1.0, 2.0, 3.0]]))
    assert "# the weight" in str(caught.value)


def test_two_graphs_of_equal_inputs_have_lines_of_their_own():
    first = sheer.jit(lambda x: x * 2.0).lower(sheer.tensor([1.0, 2.0]))  # one
    second = sheer.jit(lambda x: x * 2.0).lower(sheer.tensor([1.0, 2.0]))  # two
    assert first == second
    assert "# one" in first.inputs[0].source.code
    assert "# two" in second.inputs[0].source.code
