"""jit: what it caches, what it looks at again, what it updates, what it never overwrites."""

import threading
from collections import namedtuple

import numpy as np
import pytest

import sheer
from sheer import jit
from sheer.graph import ArgumentError, StateError, verify
from sheer.ops.structure import data
from sheer.transforms import execute, trace, tree
from sheer.transforms import jit as jit_room
from sheer.transforms.direct import MISS
from sheer.transforms.programs import Programs


def t(*values, **options):
    return sheer.tensor(values[0] if len(values) == 1 else list(values), **options)


# ---- how often Python runs ---------------------------------------------------------------------


def test_one_trace_per_shape_dtype_and_static_value():
    f = jit(lambda x, k=2, **more: x * k)
    for call, traces in [
        ((t(1.0, 2.0),), 1),
        ((t(3.0, 4.0),), 1),
        ((t(1.0),), 2),
        ((t(1, 2),), 3),
        ((t(1.0, 2.0), 3), 4),
        ((t(1.0, 2.0), 3.0), 5),
        ((t(1.0, 2.0), True), 6),
        ((t(5.0, 6.0), 3), 6),
    ]:
        f(*call)
        assert f.traces == traces
    f(t(1.0, 2.0), k=3)
    assert f.traces == 7  # by keyword is another signature
    assert f(t(1.0, 2.0), k=3).tolist() == [3.0, 6.0]
    assert f.traces == 7


def test_negative_zero_and_nan_are_values_of_their_own():
    f = jit(lambda x, k: x / k)
    assert f(t(1.0), 0.0).item() == np.inf
    assert f(t(1.0), -0.0).item() == -np.inf
    f(t(1.0), float("nan"))
    f(t(1.0), float("nan"))
    assert f.traces == 3


def test_arguments_of_every_kind():
    Pair = namedtuple("Pair", "a b")

    def f(pair, table, items, name, array):
        return {name: pair.a + table["x"] * items[0] + array, "n": (pair.b,)}

    out = jit(f)(Pair(t(1.0), 2), {"x": t(3.0)}, [t(2.0)], "y", np.float32([1, 2]))
    assert out["y"].tolist() == [8.0, 9.0]
    assert out["n"] == (2,)


def test_arrays_are_inputs_and_not_part_of_the_program():
    f = jit(lambda a: a * 2)
    assert f(np.float32([1, 2])).tolist() == [2.0, 4.0]
    assert f(np.float32([5, 6])).tolist() == [10.0, 12.0]
    assert f.traces == 1
    assert f(np.int32([1, 2])).dtype == sheer.int32
    array = np.float32([1, 2])
    out = f(array)
    array[:] = 9
    assert out.tolist() == [2.0, 4.0]


def test_modules_are_arguments_and_their_weights_inputs():
    class Layer:
        def __init__(self):
            self.w = t(2.0)

    f = jit(lambda m, x: m.w * x)
    a, b = Layer(), Layer()
    assert f(a, t(3.0)).item() == 6.0
    a.w.mul_(5.0)
    assert f(a, t(3.0)).item() == 30.0
    assert f.traces == 1
    assert f(b, t(3.0)).item() == 6.0
    assert f.traces == 2


def test_methods():
    class Model:
        def __init__(self, w):
            self.w = t(w)

        @jit
        def call(self, x):
            return self.w * x

    assert Model(2.0).call(t(3.0)).item() == 6.0
    assert Model(4.0).call(t(3.0)).item() == 12.0


def test_an_argument_that_can_be_no_part_of_a_key():
    with pytest.raises(ArgumentError) as caught:
        jit(lambda x, s: x)(t(1.0), {1, 2})
    assert str(caught.value) == (
        "jit: a set is neither a tensor nor hashable\n"
        "  argument: {1, 2}\n"
        "  need    : tensors, arrays, nested tuples, lists and dicts of them, or hashable values\n"
        "  more    : sheer explain E617"
    )


def test_forms_are_bounded(monkeypatch):
    monkeypatch.setattr(jit_room, "FORMS", 3)
    f = jit(lambda x, k: x * k)
    for k in range(10):
        f(t(1.0), k)
    assert sum(map(len, f._cache.values())) == 3
    f(t(1.0), 9)
    assert f.traces == 10
    f(t(1.0), 0)  # gone: traced again
    assert f.traces == 11


def test_the_dial_says_why(monkeypatch, capsys):
    monkeypatch.setenv("SHEER_DEBUG", "1")

    def scale(x, k, flag=True):
        return x * k

    f = jit(scale)
    f(t(1.0, 2.0), 2)
    f(t(1.0, 2.0), 3)
    f(t(1.0), 3)
    f(t(1.0), 3, flag=False)
    mine = [line for line in capsys.readouterr().err.splitlines() if line.startswith("jit ")]
    assert mine == [
        "jit scale: trace 1: first call",
        "jit scale: trace 2: argument 1 was 2, is 3",
        "jit scale: trace 3: argument 0 was f32[2], is f32[]",
        "jit scale: trace 4: argument flag was missing, is False",
    ]


def test_the_dial_compares_with_the_nearest_call(monkeypatch, capsys):
    monkeypatch.setenv("SHEER_DEBUG", "1")
    f = jit(lambda x, k, flag: x * k)
    f(t(1.0, 2.0), 2, True)
    f(t(1.0), 7, False)
    f(t(1.0, 2.0), 2, False)          # differs from the first in one argument, from the last in two
    mine = [line for line in capsys.readouterr().err.splitlines() if line.startswith("jit ")]
    assert mine[-1] == "jit <lambda>: trace 3: argument 2 was True, is False"


def test_the_dial_names_outside_tensors(monkeypatch, capsys):
    monkeypatch.setenv("SHEER_DEBUG", "1")
    w = t(1.0, 2.0)
    f = jit(lambda x: x * w)
    f(t(1.0))
    w.data = t(1.0, 2.0, 3.0)
    f(t(1.0))
    mine = [line for line in capsys.readouterr().err.splitlines() if line.startswith("jit ")]
    assert "an outside tensor (" in mine[-1]
    assert mine[-1].endswith(") was f32[2], is f32[3]")


def test_programs_are_bounded():
    made = []
    programs = Programs(2)

    def make(name):
        made.append(name)
        return lambda arrays: [name]

    for name in "abacab":
        assert programs.get(name, lambda name=name: make(name))([]) == [name]
    assert made == ["a", "b", "c", "b"]
    assert len(programs) == 2


def test_threads_share_a_program_safely(backend):
    f = jit(lambda x: (x * 2.0).sin().cumsum(0) if hasattr(x, "cumsum") else (x * 2.0).sin())
    xs = [np.float32(np.random.default_rng(i).normal(size=500)) for i in range(4)]
    want = [f(x).numpy() for x in xs]
    wrong = []

    def run(i):
        for _ in range(30):
            if not np.array_equal(f(xs[i]).numpy(), want[i]):
                wrong.append(i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert f.traces == 1


# ---- what a trace depends on -------------------------------------------------------------------


def test_guards():
    mode = {"training": True}

    def f(x):
        now = trace.current()
        training = mode["training"] if now is None else now.guard(lambda: mode["training"])
        return x * (2.0 if training else 1.0)

    g = jit(f)
    assert [g(t(3.0)).item(), g(t(3.0)).item(), g.traces] == [6.0, 6.0, 1]
    mode["training"] = False
    assert [g(t(3.0)).item(), g.traces] == [3.0, 2]
    mode["training"] = True
    assert [g(t(3.0)).item(), g.traces] == [6.0, 2]


def test_guards_inside_a_loop_count_too():
    mode = {"k": 2.0}

    def step(c, x):
        return c + x * trace.current().guard(lambda: mode["k"]), ()

    f = jit(lambda xs: sheer.scan(step, t(0.0), xs)[0])
    assert f(t(1.0, 2.0)).item() == 6.0
    mode["k"] = 3.0
    assert f(t(1.0, 2.0)).item() == 9.0


def test_outside_tensors_that_change_shape_or_freeze():
    w = t(1.0, 2.0)
    f = jit(lambda: w * 2.0)
    assert f().tolist() == [2.0, 4.0]
    w._rebind(data(np.float32([1, 2, 3])))
    assert f().tolist() == [2.0, 4.0, 6.0]
    assert f.traces == 2
    w.requires_grad_()
    f()
    assert f.traces == 3


def test_gradient_mode_is_part_of_the_trace():
    w = t(2.0, requires_grad=True)

    @jit
    def f(x):
        out = w * x
        if out.requires_grad:
            w.grad = None
            out.backward()
            g = w.grad * 1.0
            w.grad = None
            return g
        return out * 0.0 - 1.0

    with sheer.no_grad():
        assert f(t(3.0)).item() == -1.0
    assert f(t(3.0)).item() == 3.0


def test_a_gradient_from_outside_is_that_of_the_call():
    w = t(2.0, requires_grad=True)
    f = jit(lambda: w.grad * 1.0 if w.grad is not None else w * 0.0)
    assert f().item() == 0.0
    for k in (3.0, 5.0):
        w.grad = None
        (w * k).backward()
        assert f().item() == k
    assert f.traces == 2
    w.grad = None
    assert f().item() == 0.0
    assert f.traces == 2


# ---- compositions ------------------------------------------------------------------------------


def test_jit_in_jit_is_one_program():
    inner = jit(lambda x: x * 2.0)
    outer = jit(lambda x: inner(x) + inner(x * 1.0))
    assert outer(t(1.0, 2.0)).tolist() == [4.0, 8.0]
    assert inner.traces == 0
    names = [type(n.prim).__name__ for n in outer.lower(t(1.0, 2.0)).nodes]
    assert "Mul" in names
    verify(outer.lower(t(1.0, 2.0)))


def test_arrays_made_inside():
    big = np.arange(100, dtype=np.float32)
    f = jit(lambda x: (x + sheer.tensor(big)) * sheer.tensor([2.0]))
    graph = verify(f.lower(t(1.0)))
    assert [i.shape for i in graph.inputs] == [(), (100,)]  # the big one is an input
    np.testing.assert_array_equal(f(t(1.0)).numpy(), (big + 1) * 2)
    np.testing.assert_array_equal(f(t(2.0)).numpy(), (big + 2) * 2)
    assert f.traces == 1


def test_results_that_were_arguments():
    x = t(1.0, 2.0)
    a, b, c = jit(lambda x, y: (x, y, x))(x, t(3.0))
    assert (a.tolist(), b.item(), c.tolist()) == ([1.0, 2.0], 3.0, [1.0, 2.0])
    bump = jit(lambda: (x.add_(1.0), None)[1])
    bump()
    assert a.tolist() == [1.0, 2.0]
    assert x.tolist() == [2.0, 3.0]


def test_lower_and_program_run_nothing():
    w = t(1.0)
    f = jit(w.add_)
    f.lower(t(2.0))
    f.program(t(2.0))
    assert w.item() == 1.0
    assert f.traces == 0


# ---- what stays outside ------------------------------------------------------------------------


def text(kind, call):
    with pytest.raises(kind) as caught:
        call()
    return "\n".join(line.split(" made at ")[0].rstrip() for line in str(caught.value).splitlines())


def test_a_value_kept_from_inside():
    kept = []
    jit(lambda x: kept.append(x * 2.0))(t(1.0, 2.0))
    assert text(StateError, kept[0].numpy) == (
        "jit: this tensor was made inside a compiled function and kept\n"
        "  tensor: f32[2]\n"
        "  need  : values that a function computes must be returned from it\n"
        "  try   : return it from the function, or zero_grad() if it is a .grad\n"
        "  more  : sheer explain E605"
    )


@pytest.mark.parametrize(
    "ask",
    [
        lambda x: x.item(),
        lambda x: float(x.sum()),
        lambda x: x.numpy(),
        lambda x: bool(x.sum() > 0),
        lambda x: x.tolist(),
    ],
)
def test_a_number_asked_for_while_tracing(ask):
    found = text(StateError, lambda: jit(ask)(t([1.0])))
    assert "there is no value yet: the function is being traced" in found
    assert found.endswith("  more  : sheer explain E606")
    found = text(StateError, lambda: sheer.vmap(ask)(t([[1.0], [2.0]])))
    assert "E606" in found


def test_gradients_left_inside_are_not_shown_outside():
    w = t(2.0, requires_grad=True)
    f = jit(lambda x: (w * x).backward())
    f(t(3.0))
    assert "E605" in text(StateError, w.grad.item)
    assert "E605" in text(StateError, lambda: f(t(3.0)))  # it would add to what nobody has
    w.grad = None
    f(t(3.0))


def test_gradients_of_arguments():
    @jit
    def f(w, x):
        (w * x).sum().backward()
        g = w.grad * 1.0
        w.grad = None
        return g

    for k in (1.0, 2.0):
        w = t([k], requires_grad=True)
        assert f(w, t([3.0 * k])).tolist() == [3.0 * k]
        assert w.grad is None
    assert f.traces == 1


def test_a_function_that_fails_leaves_everything_as_it_was():
    w, x = t(1.0, requires_grad=True), t(2.0)
    w.grad = t(7.0)
    before = w.node, x.node

    @jit
    def f(y):
        w.grad = None
        (w * y).backward()
        with sheer.no_grad():
            w.sub_(w.grad)
        x.add_(y)
        y.add_(1.0)
        raise KeyError("no")

    y = t(3.0)
    for _ in range(2):
        with pytest.raises(KeyError):
            f(y)
    assert (w.node, x.node) == before
    assert (w.item(), x.item(), y.item(), w.grad.item()) == (1.0, 2.0, 3.0, 7.0)
    assert trace.current() is None
    assert not trace.inlined()
    assert not f._cache
    (w * 2.0).backward()
    assert w.grad.item() == 9.0


def test_a_program_that_fails_leaves_state_alone(monkeypatch):
    w = t(1.0)
    f = jit(lambda: w.add_(1.0))
    f()

    def broken(*args):
        raise MemoryError

    monkeypatch.setattr(execute.Guarded, "on_buffers", broken)
    with pytest.raises(MemoryError):
        f()
    monkeypatch.undo()
    assert w.item() == 2.0


# ---- random numbers ----------------------------------------------------------------------------


def test_random_numbers_are_those_of_eager():
    random = pytest.importorskip("sheer.random")
    if not hasattr(random, "rand"):
        pytest.skip("no generator yet")
    f = jit(lambda x: (random.rand(3) * x, random.rand(2)))
    random.manual_seed(7)
    got = [v.numpy() for _ in range(3) for v in f(t(2.0))]
    after = random.rand(2).numpy()
    random.manual_seed(7)
    want = [v.numpy() for _ in range(3) for v in (random.rand(3) * 2.0, random.rand(2))]
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(after, random.rand(2).numpy())
    assert f.traces == 1


# ---- trees -------------------------------------------------------------------------------------


def test_trees_come_back():
    Pair = namedtuple("Pair", "a b")
    value = {"z": [t(1.0), 2, None], "a": Pair((t(3),), "s"), "e": ()}
    nodes, shape = tree.flatten(value)
    assert len(nodes) == 2
    again = tree.unflatten(shape, nodes)
    assert list(again) == ["z", "a", "e"]
    assert isinstance(again["a"], Pair)
    assert again["z"][1:] == [2, None]
    assert again["a"].a[0].item() == 3
    assert tree.key(shape) == tree.key(tree.flatten(value)[1])
    assert hash(tree.key(shape)) is not None
    assert len(tree.leaves(value)) == 2
    assert tree.rows(shape, nodes)["a[0][0]"] == "i64[]"


def test_calls_with_tuples_and_constants_go_the_direct_way():
    total = jit(lambda pair, more, flag: pair[0] * 2 + pair[1] + (more[0] if flag else 0))
    draw = lambda seed: sheer.tensor(np.random.default_rng(seed).normal(size=3).astype("f4"))
    for seed in range(3):
        a, b, c = draw(seed), draw(seed + 10), draw(seed + 20)
        for flag in (True, False):
            want = a.numpy() * 2 + b.numpy() + (c.numpy() if flag else 0)
            np.testing.assert_allclose(total((a, b), [c], flag).numpy(), want)
    assert total.traces == 2
    assert len(total._direct) == 2
    assert total._direct[0](((a, b), [c], flag)) is not MISS
    for other in (([a, b], [c], flag), ((a, b), (c,), flag), ((a, b, c), [c], flag),
                  ((a, b), [c], 1), ((a[:2], b), [c], flag), ((a, None), [c], flag)):
        assert all(d(other) is MISS for d in total._direct), other
