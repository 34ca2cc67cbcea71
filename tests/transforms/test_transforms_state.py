"""State under jit: what it updates, what it never overwrites, and that nothing is left behind."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import sheer
from sheer import jit, nn
from sheer.graph.node import _interned
from sheer.ops.structure import data
from sheer.tensor import Tensor
from sheer.transforms import donation, execute


def t(*values, **options):
    return sheer.tensor(values[0] if len(values) == 1 else list(values), **options)


# ---- state -------------------------------------------------------------------------------------


def test_state_is_updated_in_place():
    w, count = t(1.0, 2.0), t(0)

    @jit
    def f(x):
        w.mul_(x)
        count.add_(1)
        return w.sum()

    assert [f(t(2.0)).item(), f(t(2.0)).item()] == [6.0, 12.0]
    assert (w.tolist(), count.item(), f.traces) == ([4.0, 8.0], 2, 1)
    address = w.node.prim.buffer.array.__array_interface__["data"][0]
    for _ in range(5):
        f(t(1.0))
    assert w.node.prim.buffer.array.__array_interface__["data"][0] == address


def test_a_function_sees_the_weight_the_layer_and_the_buffer_that_took_anothers_place():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 1, bias=False)
            self.register_buffer("scale", t(2.0))

        def forward(self, x):
            return self.layer(x) * self.scale

    model, x = Scaled(), t([[1.0, 1.0]])
    f = jit(lambda x: model(x) * 1.0)
    replace = [lambda: None,
               lambda: setattr(model.layer, "weight", nn.Parameter(t([[3.0, 4.0]]))),
               lambda: setattr(model, "layer", nn.Linear(2, 1, bias=False)),
               lambda: setattr(model, "scale", t(5.0))]
    for count, change in enumerate(replace, 1):
        change()
        for _ in range(3):
            assert f(x).tolist() == (model(x) * 1.0).tolist()
        assert f.traces == count


def test_arguments_that_the_function_writes_to():
    f = jit(lambda x, y: x.add_(y).sum())
    a, b = t(1.0, 2.0), t(10.0, 20.0)
    assert f(a, b).item() == 33.0
    assert (a.tolist(), b.tolist()) == ([11.0, 22.0], [10.0, 20.0])
    c = t(0.0, 0.0)
    f(c, b)
    assert (c.tolist(), f.traces) == ([10.0, 20.0], 1)
    seen = c.numpy().copy()
    kept = c * 1.0
    f(c, b)
    np.testing.assert_array_equal(kept.numpy(), seen)


def test_swapped_state():
    a, b = t(1.0, 2.0), t(3.0, 4.0)

    @jit
    def swap():
        x, y = a * 1.0, b * 1.0
        a.copy_(y) if hasattr(a, "copy_") else a._rebind(y.node)
        b.copy_(x) if hasattr(b, "copy_") else b._rebind(x.node)

    for _ in range(3):
        swap()
    assert (a.tolist(), b.tolist()) == ([3.0, 4.0], [1.0, 2.0])


OLD = {
    "numpy": (lambda w: w.numpy(), lambda v: v),
    "view of numpy": (lambda w: w.numpy()[1:], lambda v: v),
    "memoryview": (lambda w: memoryview(w.numpy()), np.asarray),
    "pending": (lambda w: w * 2.0 + 1.0, lambda v: v.numpy()),
    "second handle": (lambda w: Tensor(w.node), lambda v: v.numpy()),
    "slice": (lambda w: w[1:] * 1.0, lambda v: v.numpy()),
    "clone": (lambda w: w.clone(), lambda v: v.numpy()),
    "node": (lambda w: w.node, lambda v: v.prim.buffer.array),
    "buffer": (lambda w: w.node.prim.buffer, lambda v: v.array),
    "array": (lambda w: w.node.prim.buffer.array, lambda v: v),
    "dlpack": (
        lambda w: np.from_dlpack(w.numpy().view()) if w.numpy().flags.writeable else w.numpy(),
        np.asarray,
    ),
}


@pytest.mark.parametrize("start", ["given", "computed"])
@pytest.mark.parametrize("name", OLD)
def test_an_old_value_that_somebody_holds_is_never_overwritten(name, start):
    take, look = OLD[name]
    w = t(1.0, 2.0, 3.0)
    if start == "computed":
        w = w * 2.0  # its array is made by the backend
        w.numpy()
    f = jit(lambda x: w.mul_(x).sum())
    f(t(2.0))
    held = take(w)
    want = np.array(look(held)) if name != "pending" else w.numpy().copy() * 2 + 1
    for _ in range(3):
        f(t(3.0))
    np.testing.assert_array_equal(look(held), want)
    np.testing.assert_allclose(
        w.numpy(), np.float32([1, 2, 3]) * (2 if start == "computed" else 1) * 54
    )


def test_views_follow_as_in_torch():
    w = t(1.0, 2.0, 3.0)
    f = jit(lambda x: w.mul_(x).sum())
    f(t(1.0))
    same, part = w.detach(), w[1:]
    f(t(2.0))
    assert same.tolist() == [2.0, 4.0, 6.0]
    assert part.tolist() == [4.0, 6.0]


def test_memory_of_somebody_else_is_never_taken():
    frozen = np.float32([1, 2])
    frozen.flags.writeable = False
    foreign = np.frombuffer(bytearray(np.float32([1, 2]).tobytes()), np.float32)
    strided = np.zeros(4, np.float32)[::2]
    for array in (frozen, foreign, strided):

        class Handle:
            _bound = data(array)

        assert not donation.alone(Handle())


def test_donation_happens_when_nobody_looks():
    w = t(1.0, 2.0)
    w = w * 2.0
    w.numpy()
    f = jit(lambda: (w.add_(1.0), None)[1])
    f()
    assert donation.alone(w)
    held = w.numpy()
    assert not donation.alone(w)
    del held
    assert donation.alone(w)


def test_a_tensor_with_history_that_is_only_read_keeps_it():
    w = t(3.0, requires_grad=True)
    h = w * w
    assert jit(lambda x: h * x)(t(2.0)).item() == 18.0
    h.backward()
    assert w.grad.item() == 6.0


# ---- memory ------------------------------------------------------------------------------------


def grows(step, steps=300, warm=30):
    """Bytes and nodes that half of `steps` steps leave behind: the least of several rounds.

    A leak shows in every round; what caches of the process take in, once.
    """
    for _ in range(warm):
        step()
    found = []
    tracemalloc.start()
    for _ in range(5):
        gc.collect()
        nodes, before = len(_interned), tracemalloc.get_traced_memory()[0]
        for _ in range(steps // 2):
            step()
        gc.collect()
        found.append((tracemalloc.get_traced_memory()[0] - before, len(_interned) - nodes))
    tracemalloc.stop()
    left, nodes = zip(*found, strict=True)        # in one round, what others left may go
    return min(left), min(nodes, key=abs)


def test_eager_steps_of_one_structure_are_one_program(monkeypatch):
    """Marks of derivatives are new in every step; they must not make every step a new program."""
    w = t(1.0, 2.0, requires_grad=True)
    compiled = []
    backend = execute.get_backend()
    compile_graph = type(backend).compile
    monkeypatch.setattr(
        type(backend),
        "compile",
        lambda self, *args: compiled.append(1) or compile_graph(self, *args),
    )

    def step():
        w.grad = None
        (w * w).sum().backward()
        with sheer.no_grad():
            w.sub_(w.grad * 0.1)
        slope = sheer.grad(lambda v: (v * v * w).sum())(w.detach())
        last, _ = sheer.scan(lambda c, x: (c + sheer.grad(lambda v: v * v * x)(c), ()), w[0], w)
        return w.tolist(), slope.tolist(), last.item()

    step()
    step()
    compiled.clear()
    for _ in range(5):
        step()
    assert compiled == []


def test_eager_steps_leave_nothing_behind():
    w, m = t(np.ones(1000, np.float32), requires_grad=True), t(np.zeros(1000, np.float32))

    def step():
        loss = ((w * 1.5 - 1.0) * w).sum()
        w.grad = None
        loss.backward()
        with sheer.no_grad():
            m.mul_(0.9)
            m.add_(w.grad)
            w.sub_(m * 0.001)
        loss.item()
        w.numpy()
        m.numpy()

    left, nodes = grows(step)
    assert left < 100_000  # one array per step would be 600_000
    assert abs(nodes) < 20


@pytest.mark.slow
def test_a_thousand_eager_steps_leave_nothing_behind():
    w = t(np.ones(1000, np.float32))
    left, _ = grows(lambda: (w.mul_(0.999), w.numpy()), steps=1000)
    assert left < 50_000


def test_compiled_steps_leave_nothing_behind():
    w = t(np.ones(1000, np.float32))
    f = jit(lambda x: w.mul_(x).sum())
    left, nodes = grows(lambda: f(t(0.999)).item(), steps=600)
    assert left < 100_000
    assert abs(nodes) < 20


def test_functional_derivatives_leave_nothing_behind():
    holder = [t(np.ones(1000, np.float32))]

    def step():
        loss, slope = sheer.value_and_grad(lambda v: (v * v).sum())(holder[0])
        holder[0] = holder[0] - slope * 0.01
        holder[0].numpy()
        loss.item()

    left, nodes = grows(step)
    assert left < 100_000
    assert abs(nodes) < 20


def test_values_go_with_their_handles():
    x = t(np.ones(10_000, np.float32))       # small results share a piece of memory
    y = x * 2.0
    seen = weakref.ref(y.numpy().base if y.numpy().base is not None else y.numpy())
    del y
    gc.collect()
    assert seen() is None
