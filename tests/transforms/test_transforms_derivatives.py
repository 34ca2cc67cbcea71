"""Derivatives and their compositions against torch.func, in float64."""

import numpy as np
import pytest
import torch

import sheer
from sheer import grad, jvp, scan, value_and_grad, vjp, vmap
from sheer.graph.errors import ArgumentError, DTypeError, ShapeError
from sheer.transforms.jacobian import hessian, jacfwd, jacrev

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*torch.jit.script:DeprecationWarning"
)  # torch.func.jvp

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(3, 4)), RNG.normal(size=(4,))
X = RNG.normal(size=(5, 4))


def t(a):
    return sheer.tensor(a, dtype=sheer.float64)


def f(lib, w, x):
    """A scalar that reuses values: (3, 4), (4,) -> ()."""
    h = lib.tanh(w @ x)
    return (h * h).sum() + lib.exp(-h).sum() * x[0] * x[0]


def g(lib, x):
    """(4,) -> (3,)."""
    y = lib.sin(x) * x[1]
    return y[:3] * y.sum()


class Names:
    """The functions of `f` for tensors of sheer."""

    tanh = staticmethod(lambda v: v.tanh())
    exp = staticmethod(lambda v: v.exp())
    sin = staticmethod(lambda v: v.sin())


def ours(function, *fixed):
    return lambda *args: function(Names, *fixed, *args)


def theirs(function, *fixed):
    return lambda *args: function(torch, *fixed, *args)


def tt(a):
    return torch.from_numpy(np.asarray(a))


def same(got, want, rtol=1e-11):
    if isinstance(want, tuple | list):
        assert len(got) == len(want)
        for a, b in zip(got, want, strict=True):
            same(a, b, rtol)
        return
    assert got.numpy().shape == tuple(want.shape)
    np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=rtol, atol=1e-12)


def scanned(lib, x):
    """A recurrence: (5,) -> ()."""
    if lib is Names:
        return scan(lambda c, a: ((c * a).sin() + a, c), x[0] * 0.5, x)[0]
    c = x[0] * 0.5
    for i in range(x.shape[0]):
        c = torch.sin(c * x[i]) + x[i]
    return c


TF = torch.func
CASES = {
    "grad": (lambda L, d: d.grad(L(f), 0)(A_(L), B_(L))),
    "grad of both": (lambda L, d: d.grad(L(f), (0, 1))(A_(L), B_(L))),
    "grad of grad": (
        lambda L, d: d.grad(lambda b: d.grad(lambda c: L(f)(A_(L), c))(b).sum())(B_(L))
    ),
    "third derivative": (
        lambda L, d: d.grad(d.grad(d.grad(lambda s: L(scanned)(L.num(X[0]) * s))))(L.num(0.7))
    ),
    "jacrev": (lambda L, d: d.jacrev(L(g))(B_(L))),
    "jacfwd": (lambda L, d: d.jacfwd(L(g))(B_(L))),
    "jacrev of jacrev": (lambda L, d: d.jacrev(d.jacrev(L(g)))(B_(L))),
    "jacfwd of jacrev": (lambda L, d: d.jacfwd(d.jacrev(L(g)))(B_(L))),
    "jacrev of jacfwd": (lambda L, d: d.jacrev(d.jacfwd(L(g)))(B_(L))),
    "hessian": (lambda L, d: d.hessian(lambda b: L(f)(A_(L), b))(B_(L))),
    "jacrev of two": (lambda L, d: d.jacrev(lambda w, x: (w @ x).sin(), (0, 1))(A_(L), B_(L))),
    "hessian of two": (lambda L, d: d.hessian(L(f), (0, 1))(A_(L), B_(L))),
    "vmap": (lambda L, d: d.vmap(L(g))(L.num(X))),
    "vmap of grad": (lambda L, d: d.vmap(d.grad(lambda x: L(f)(A_(L), x)))(L.num(X))),
    "grad of vmap": (lambda L, d: d.grad(lambda x: d.vmap(L(g))(x).sum())(L.num(X))),
    "vmap of hessian": (lambda L, d: d.vmap(d.hessian(lambda x: L(f)(A_(L), x)))(L.num(X))),
    "vmap in vmap": (
        lambda L, d: d.vmap(lambda w: d.vmap(lambda x: (w * x).sin().sum())(L.num(X)))(A_(L))
    ),
    "vmap in vmap, other axes": (
        lambda L, d: d.vmap(d.vmap(lambda a, b: a * b.sin(), (0, None)), (None, 1), 1)(
            L.num(X), L.num(X.T)
        )
    ),
    "vmap with in_dims": (
        lambda L, d: d.vmap(lambda a, b: (a @ b).exp(), (1, None), 1)(L.num(X.T), A_(L).T)
    ),
    "vmap of a dict": (
        lambda L, d: d.vmap(lambda p, y: (p["w"] * p["b"]).sum() * y, ({"w": 0, "b": None}, 0))(
            {"w": L.num(X), "b": B_(L)}, L.num(X[:, 0])
        )
    ),
    "jvp": (lambda L, d: d.jvp(L(f), (A_(L), B_(L)), (A_(L) * 0.5, B_(L) * 2.0))),
    "jvp of grad": (lambda L, d: d.jvp(d.grad(lambda b: L(f)(A_(L), b)), (B_(L),), (B_(L) * 2.0,))),
    "grad of jvp": (
        lambda L, d: d.grad(lambda b: d.jvp(L(g), (b,), (B_(L) * 2.0,))[1].sum())(B_(L))
    ),
    "vmap of jvp": (lambda L, d: d.vmap(lambda v: d.jvp(L(g), (B_(L),), (v,))[1])(L.num(X))),
    "vjp": (lambda L, d: d.vjp(L(g), B_(L))[1](L.num(X[0, :3]))),
    "grad of a loop": (lambda L, d: d.grad(L(scanned))(L.num(X[:, 0]))),
    "jvp of a loop": (lambda L, d: d.jvp(L(scanned), (L.num(X[:, 0]),), (L.num(X[:, 1]),))),
    "hessian of a loop": (lambda L, d: d.hessian(L(scanned))(L.num(X[:, 0]))),
    "vmap of a loop": (lambda L, d: d.vmap(L(scanned))(L.num(X))),
    "vmap of grad of a loop": (lambda L, d: d.vmap(d.grad(L(scanned)))(L.num(X))),
    "grad of vmap of a loop": (
        lambda L, d: d.grad(lambda x: d.vmap(L(scanned))(x).sum())(L.num(X))
    ),
}


class Lib:
    """One library: how it calls the test functions and makes its tensors."""

    def __init__(self, call, num):
        self.call, self.num = call, num

    def __call__(self, function):
        return self.call(function)


OURS, THEIRS = Lib(ours, t), Lib(theirs, tt)
A_ = lambda L: L.num(A)
B_ = lambda L: L.num(B)


class Derivatives:
    """The names of torch.func."""

    grad, vmap, jvp, vjp = (
        staticmethod(grad),
        staticmethod(vmap),
        staticmethod(jvp),
        staticmethod(vjp),
    )
    jacrev, jacfwd, hessian = staticmethod(jacrev), staticmethod(jacfwd), staticmethod(hessian)


@pytest.mark.parametrize("name", CASES)
def test_compositions_are_those_of_torch(name):
    same(CASES[name](OURS, Derivatives), CASES[name](THEIRS, TF))


@pytest.mark.parametrize(
    "name",
    [
        "grad of both",
        "vmap of hessian",
        "jvp of grad",
        "hessian of a loop",
        "vmap of grad of a loop",
    ],
)
def test_compositions_are_the_same_compiled(name):
    assert len(CASES) == 31
    want = CASES[name](THEIRS, TF)
    compiled = sheer.jit(lambda a, b: CASES[name](Lib(ours, t), Derivatives))
    same(compiled(t(A), t(B)), want)


def test_a_compiled_function_inside_a_derivative_is_part_of_it():
    inner = sheer.jit(lambda x: (x * x).sin().sum())
    plain = lambda x: (x * x).sin().sum()
    for transform, x in [
        (grad, B),
        (jacrev, B),
        (jacfwd, B),
        (hessian, B),
        (vmap, X),
        (lambda h: vmap(grad(h)), X),
    ]:
        same(transform(inner)(t(x)), transform(plain)(t(x)))
    same(jvp(inner, [t(B)], [t(X[0])])[1], jvp(plain, [t(B)], [t(X[0])])[1])
    same(vjp(inner, t(B))[1](t(1.5))[0], grad(plain)(t(B)) * 1.5)


def test_gradients_reach_weights_that_the_function_reads_from_outside():
    w = sheer.tensor([2.0, 3.0], requires_grad=True)
    x = sheer.tensor([1.0, 5.0])
    slope = grad(lambda v: (w * v * v).sum())(x)  # 2 w x
    if not slope.requires_grad:
        pytest.skip("needs the hook grad.needs_grad, set by the tensor layer")
    slope.sum().backward()
    assert w.grad.tolist() == [2.0, 10.0]


def test_the_value_of_value_and_grad_keeps_no_history():
    value, slope = value_and_grad(lambda v: (v * v).sum())(t(B))
    assert not value.requires_grad
    assert not slope.requires_grad
    (value + 1.0).numpy()
    same(value, torch.tensor(np.sum(B * B)))


def test_has_aux_and_argnums():
    (loss, aux), slope = value_and_grad(
        lambda a, b: ((a * b).sum(), {"twice": a * 2.0, "n": 3}), 1, True
    )(t(B), t(B))
    same(slope, tt(B))
    same(aux["twice"], tt(B * 2))
    assert aux["n"] == 3
    assert loss.shape == ()
    first, last = grad(lambda a, b, c: (a * b * c).sum(), (0, -1))(t(B), t(B), t(B))
    same([first, last], [tt(B * B), tt(B * B)])
    tree = grad(lambda p: (p["w"] * p["b"][0]).sum())({"w": t(B), "b": (t(B),), "name": "n"})
    assert tree["name"] == "n"
    same([tree["w"], tree["b"][0]], [tt(B), tt(B)])


def test_arrays_are_tensors():
    assert grad(lambda v: (v * v).sum())(np.float32([1, 2])).tolist() == [2.0, 4.0]
    assert vmap(lambda v: v * v)(np.float32([1, 2])).tolist() == [1.0, 4.0]


# ---- errors, whole -----------------------------------------------------------------------------


def text(kind, call):
    with pytest.raises(kind) as caught:
        call()
    lines = [line.split(" made at ")[0].rstrip() for line in str(caught.value).splitlines()]
    return "\n".join(lines)


def test_a_result_that_is_no_number():
    assert text(ShapeError, lambda: grad(lambda x: x)(t(B))) == (
        "grad: the function must give one float number\n"
        "  result 0: f64[4]\n"
        "  need    : a float tensor of shape ()\n"
        "  try     : return loss.mean() or loss.sum()\n"
        "  more    : sheer explain E602"
    )
    assert text(ShapeError, lambda: grad(lambda x: 3)(t(B))) == (
        "grad: the function must give one float number\n"
        "  result: int\n"
        "  need  : a float tensor of shape ()\n"
        "  more  : sheer explain E602"
    )
    assert "try" not in text(ShapeError, lambda: grad(lambda x: x > 0)(t(B)))


def test_arguments_without_a_gradient():
    assert text(DTypeError, lambda: grad(lambda x: x * x)(3.0)) == (
        "grad: no gradient with respect to float\n"
        "  argument 0: 3.0\n"
        "  need      : a float tensor\n"
        "  try       : sheer.tensor(x)\n"
        "  more      : sheer explain E604"
    )
    assert text(DTypeError, lambda: grad(lambda x: x.sum())(sheer.tensor([1, 2]))) == (
        "grad: no gradient with respect to int64\n"
        "  argument: i64[2]\n"
        "  need    : float32 or float64\n"
        "  try     : x.float()\n"
        "  more    : sheer explain E604"
    )
    assert "there is no argument 2" in text(ArgumentError, lambda: grad(lambda x: x.sum(), 2)(t(B)))


def test_tangents_and_cotangents_must_fit():
    assert text(ShapeError, lambda: jvp(ours(g), [t(B)], [t(B[:3])])) == (
        "jvp: a tangent differs in shape or dtype from its primal\n"
        "  primal : f64[4]\n"
        "  tangent: f64[3]\n"
        "  need   : one tangent per primal\n"
        "  more   : sheer explain E603"
    )
    assert "2 tangents" in text(ShapeError, lambda: jvp(ours(g), [t(B)], [t(B), t(B)]))
    assert "a cotangent differs" in text(ShapeError, lambda: vjp(ours(g), t(B))[1](t(B)))


def test_an_operation_without_derivative():
    from sheer import ops

    step = lambda x: sheer.Tensor(ops.elementwise.Nextafter()(x.node, x.node)).sum()
    found = text(DTypeError, lambda: grad(step)(t(B)))
    assert found.startswith("grad: nextafter has no derivative: ")
    assert found.endswith(
        "  try   : detach() in front of it, if no gradient should pass\n"
        "  more  : sheer explain E601"
    )


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda: vmap(lambda x: x)(t(1.0)), "an argument has no axis 0 to map over"),
        (lambda: vmap(lambda x: x, 2)(t(B)), "an argument has no axis 2 to map over"),
        (lambda: vmap(lambda x, y: x)(t(B), t(B[:3])), "mapped axes have lengths [3, 4]"),
        (lambda: vmap(lambda x: x, None)(t(B)), "no argument is mapped"),
        (lambda: vmap(lambda x: x, (0, 0))(t(B)), "in_dims has no entry for each of 1 arguments"),
        (lambda: vmap(lambda x: x, ((0, 0),))((t(B),)), "2 entries for 1 values"),
        (lambda: vmap(lambda x: x, ({"a": 0},))({"b": t(B)}), "entries for ['a'], values ['b']"),
        (lambda: vmap(lambda x: x, 0, 3)(t(B)), "a result has no place for an axis 3"),
        (
            lambda: vmap(lambda x: x, 0, None)(t(B)),
            "a result with out_dims=None is not the same for all",
        ),
    ],
)
def test_vmap_refuses(call, what):
    found = text((ShapeError, ArgumentError), call)
    assert found.splitlines()[0] == f"vmap: {what}"
    assert found.endswith("more : sheer explain E608") or "E608" in found


def test_vmap_gives_unmapped_results_once():
    a, b = vmap(lambda x: (x, t(2.0) * 3.0), 0, (0, None))(t(B))
    assert (a.shape, b.shape) == ((4,), ())
    same(vmap(lambda x: t(2.0))(t(B)), torch.full((4,), 2.0, dtype=torch.float64))


def test_vmap_and_tensors_from_outside():
    state = t(1.0)
    got = vmap(lambda x: x * state)(t(B))
    same(got, tt(B))

    def writes(x):
        state.add_(t(1.0))
        return x * state

    same(vmap(writes)(t(B)), tt(B * 2))
    assert state.item() == 2.0

    def leaks(x):
        state.add_(x)

    with pytest.raises(sheer.graph.StateError) as caught:
        vmap(leaks)(t(B))
    assert caught.value.code == "E619"
    assert state.item() == 2.0
