"""sheer.autograd against torch.autograd: gradients, functions of functions, checks."""

from __future__ import annotations

import numpy as np
import pytest

import sheer
from sheer import autograd
from sheer.graph.errors import SheerError

torch = pytest.importorskip("torch")


def both(*arrays):
    """The same leaves in both libraries."""
    return ([sheer.tensor(a, dtype=sheer.float64, requires_grad=True) for a in arrays],
            [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arrays])


def close(mine, theirs):
    """Equal nestings of equal numbers."""
    if isinstance(theirs, tuple):
        assert len(mine) == len(theirs)
        for m, t in zip(mine, theirs, strict=True):
            close(m, t)
    elif theirs is None:
        assert mine is None
    else:
        np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), rtol=1e-12,
                                   atol=1e-12)


A, B = np.array([[0.3, -1.2], [0.7, 2.0]]), np.array([1.5, -0.4])
FORMULAS = {
    "one output": lambda a, b: ((a @ b).tanh().sum(), None),
    "a vector": lambda a, b: (a @ b, [0.5, -2.0]),
    "several": lambda a, b: ((a.sum(), (b * b).sum()), None),
    "several vectors": lambda a, b: ((a @ b, a.exp()), ([1.0, 2.0], [[1.0, 0.0], [3.0, -1.0]])),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_grad(name):
    found = []
    for library, (a, b) in zip((sheer, torch), both(A, B), strict=True):
        outputs, cts = FORMULAS[name](a, b)
        make = lambda c, library=library: library.tensor(c, dtype=library.float64)
        given = None if cts is None else (
            tuple(map(make, cts)) if isinstance(outputs, tuple) else make(cts))
        found.append(library.autograd.grad(outputs, (a, b), given))
        assert a.grad is None
    close(*found)


def test_only_inputs_is_torchs_default_and_nothing_else():
    x = sheer.tensor(3.0, requires_grad=True)
    assert autograd.grad(x * x, x, only_inputs=True)[0].item() == 6
    with pytest.raises(SheerError, match="grad: only_inputs=False is left out"):
        autograd.grad(x * x, x, only_inputs=False)


def test_gradients_of_gradients():
    found = []
    for library, (a, b) in zip((sheer, torch), both(A, B), strict=True):
        first, = library.autograd.grad((a @ b).exp().sum(), a, create_graph=True)
        penalty = ((first * first).sum() - 1) ** 2
        found.append(library.autograd.grad(penalty, [a, b]))
    close(*found)


def test_inputs_may_come_from_an_iterator():
    (a, b), _ = both(A, B)
    slopes = autograd.grad((a @ b).sum(), iter([a, b]))
    assert [g.tolist() for g in slopes] == [[B.tolist()] * 2, A.sum(0).tolist()]


def test_by_a_tensor_on_the_way():
    found = []
    for library, (a, b) in zip((sheer, torch), both(A, B), strict=True):
        hidden = a @ b
        found.append(library.autograd.grad((hidden ** 3).sum(), [hidden, b]))
    close(*found)


def test_an_input_that_is_not_used():
    (a, b), _ = both(A, B)
    with pytest.raises(SheerError, match="no output depends on input 1"):
        autograd.grad(a.sum(), [a, b])
    assert autograd.grad(a.sum(), [a, b], allow_unused=True)[1] is None
    assert autograd.grad(a.sum(), [a, b], materialize_grads=True)[1].tolist() == [0.0, 0.0]


def test_bad_arguments_are_refused():
    (a, b), _ = both(A, B)
    with pytest.raises(SheerError, match="input 0 requires no gradient"):
        autograd.grad(a.sum(), a.detach())
    with pytest.raises(SheerError, match="only a single number"):
        autograd.grad(a @ b, a)
    with pytest.raises(SheerError, match="another shape"):
        autograd.grad(a @ b, a, sheer.ones(3, dtype=sheer.float64))
    with pytest.raises(SheerError, match="2 results, 1 grad_outputs"):
        autograd.grad([a.sum(), b.sum()], a, [None])
    with pytest.raises(SheerError, match="1 results, 2 grad_tensors"):
        autograd.backward(a.sum(), [None, None])
    with pytest.raises(SheerError, match="batches of grad_outputs"):
        autograd.grad(a.sum(), a, is_grads_batched=True)


def test_backward_adds_to_the_leaves():
    found = []
    for library, (a, b) in zip((sheer, torch), both(A, B), strict=True):
        ct = library.tensor([1.0, 2.0], dtype=library.float64)
        library.autograd.backward([(a * a).sum(), a @ b], [None, ct])
        found.append((a.grad, b.grad))
    close(*found)


def test_in_a_compiled_function():
    (a, b), _ = both(A, B)
    @sheer.jit
    def norm(a, b):
        slope, = autograd.grad((a @ b).exp().sum(), a, create_graph=True)
        return (slope * slope).sum()
    slope, = autograd.grad((a @ b).exp().sum(), a)
    assert norm(a, b).item() == pytest.approx((slope * slope).sum().item(), rel=1e-12)


@pytest.mark.parametrize("name", ["jacobian", "hessian", "vjp", "jvp", "hvp", "vhp"])
@pytest.mark.parametrize("several", [False, True])
def test_functions_of_functions(name, several):
    found = []
    for library, (a, b) in zip((sheer, torch), both(A, B), strict=True):
        if several:
            func, inputs = (lambda a, b: ((a @ b).exp() * b).sum()), (a, b)
        else:
            func, inputs = (lambda b: (b.exp() * b[0]).sum()), b
        if name == "jacobian":
            func = (lambda a, b: (a @ b).exp()) if several else (lambda b: b.exp() * b[0])
        more = [] if name in ("jacobian", "hessian", "vjp") else [
            tuple(library.ones_like(x) for x in inputs) if several else library.ones_like(b)]
        found.append(getattr(library.autograd.functional, name)(func, inputs, *more))
    close(*found)


def test_forward_mode_gives_the_same_jacobian():
    (_, b), _ = both(A, B)
    rows, columns = (autograd.functional.jacobian(lambda b: b.exp() * b[0], b, strategy=s)
                     for s in ("reverse-mode", "forward-mode"))
    assert rows.tolist() == columns.tolist()


def test_a_right_gradient_passes_the_check():
    (a, b), _ = both(A, B)
    func = lambda a, b: (a @ b, (a * b).tanh())
    assert autograd.gradcheck(func, (a, b))
    assert autograd.gradgradcheck(func, (a, b))


def test_a_cut_gradient_is_found():
    (a, b), _ = both(A, B)
    cut = lambda a, b: a.detach() @ b + a.sum()
    with pytest.raises(SheerError, match="by input 0 does not agree"):
        autograd.gradcheck(cut, (a, b))
    assert autograd.gradcheck(cut, (a, b), raise_exception=False) is False


def test_a_cut_second_derivative_is_found():
    (_, b), _ = both(A, B)
    cut = lambda b: (b * b.detach() * b).sum()
    right = lambda b: (b ** 3 / 2).sum()
    assert autograd.gradgradcheck(right, b)
    assert autograd.gradgradcheck(cut, b, raise_exception=False) is False


def test_single_precision_is_refused():
    with pytest.raises(SheerError, match="differences need float64"):
        autograd.gradcheck(lambda x: x.log(), sheer.tensor([1.0], requires_grad=True))


def test_tensors_are_cut_off_in_place():
    for library in (sheer, torch):
        x = library.tensor([1.0, 2.0], requires_grad=True)
        y = x * 3
        z = y + 1
        assert y.detach_() is y
        assert y.is_leaf
        assert not y.requires_grad
        assert y.tolist() == [3, 6]
        z.sum().backward()                               # what was computed before is as it was
        assert x.grad.tolist() == [3, 3]
        x.detach_()
        assert not x.requires_grad
        with pytest.raises(RuntimeError, match="view"):
            library.tensor([1.0, 2.0], requires_grad=True)[:1].detach_()


def test_who_retains_a_gradient():
    for library in (sheer, torch):
        x = library.tensor([1.0, 2.0], requires_grad=True)
        y = x * 3
        assert [x.retains_grad, y.retains_grad] == [False, False]
        y.retain_grad()
        assert y.retains_grad
        x.retain_grad()
        assert not x.retains_grad


@pytest.mark.parametrize(("call", "text"), [
    (lambda w: autograd.grad("a", w), "grad: str is no tensor\n  outputs: 'a'\n"),
    (lambda w: autograd.grad(w.sum(), 3), "grad: int is no tensor\n  inputs: 3\n"),
    (lambda w: autograd.grad(w.sum(), [None]), "grad: NoneType is no tensor\n  inputs: None\n"),
    (lambda w: autograd.backward("a"), "backward: str is no tensor\n  tensors: 'a'\n"),
    (lambda w: w.sum().backward(inputs="a"), "backward: str is no tensor\n  inputs: 'a'\n"),
    (lambda w: autograd.functional.jvp(torch.sin, 3), "jvp: int is no tensor\n  inputs: 3\n"),
    (lambda w: autograd.functional.hessian(torch.sin, "a"),
     "hessian: str is no tensor\n  inputs: 'a'\n"),
])
def test_what_is_no_tensor_is_refused(call, text):
    with pytest.raises(SheerError) as caught:
        call(sheer.tensor([1.0, 2.0], requires_grad=True))
    name = text.split("\n  ")[1].split(":")[0]
    assert str(caught.value) == (f"{text}  {'need':<{len(name)}}: a tensor, or a tuple of tensors\n"
                                 f"  {'more':<{len(name)}}: sheer explain E604")


@pytest.mark.parametrize("given", ["a", object(), ["a", "b"]])
def test_a_gradient_of_no_numbers_is_refused(given):
    w = sheer.tensor([1.0, 2.0], requires_grad=True)
    for call, op in ((lambda: (w * w).backward(given), "backward"),
                     (lambda: autograd.grad(w * w, w, (given,)), "grad")):
        with pytest.raises(SheerError) as caught:
            call()
        assert str(caught.value) == (
            f"{op}: a gradient is a tensor, or None\n"
            f"  given: {type(given).__name__}\n"
            "  need : a tensor of the result's shape\n"
            "  more : sheer explain E604")


def test_inputs_of_backward_are_leaves_or_not_and_want_a_gradient():
    for library in (sheer, torch):
        w = library.tensor([1.0, 2.0], requires_grad=True)
        y = w * 2
        (y * y).sum().backward(inputs=y)
        assert y.grad.tolist() == [4, 8]
        assert w.grad is None
        (w * w).sum().backward(inputs=iter([w, w]) if library is sheer else [w, w])
        assert w.grad.tolist() == [2, 4]
        for wrong in ([], [library.ones(2)]):
            with pytest.raises(RuntimeError):
                (w * w).sum().backward(inputs=wrong)


def test_inputs_may_come_one_by_one():
    layer = sheer.nn.Linear(2, 1)
    found = autograd.grad(layer(sheer.ones(1, 2)).sum(), layer.parameters())
    assert [g.tolist() for g in found] == [[[1.0, 1.0]], [1.0]]


def test_a_strategy_that_there_is_not():
    with pytest.raises(SheerError, match="there is no strategy 'forward'"):
        autograd.functional.jacobian(lambda x: x * x, sheer.ones(2), strategy="forward")
