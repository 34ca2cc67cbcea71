"""Hooks on tensors and modules: what torch's see and change, eagerly and under jit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from nn_helpers import array, close

import sheer
from sheer import nn
from sheer.graph import SheerError


def pair() -> tuple[nn.Module, torch.nn.Module]:
    """The same small network in both libraries, in float64."""
    make = lambda lib: lib.Sequential(lib.Linear(3, 4), lib.Tanh(), lib.Linear(4, 2)).double()
    mine, other = make(nn), make(torch.nn)
    mine.load_state_dict(other.state_dict())
    return mine, other


def tensors(*shape: int, grad: bool = True) -> tuple[sheer.Tensor, torch.Tensor]:
    a = array(shape, "float64")
    return (sheer.tensor(a, dtype="float64", requires_grad=grad),
            torch.tensor(a, requires_grad=grad))


def same(a, b) -> None:
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        assert (x is None) == (y is None)
        if x is not None:
            close(x, y, "float64")


# ---- tensors -------------------------------------------------------------------------------------

def test_a_hook_on_a_computed_tensor_changes_what_flows_on() -> None:
    seen = []
    for x in tensors(3, 2):
        y = x * 3
        y.register_hook(lambda g: seen.append(g) or g * 2)
        z = (y * y).sum()                                        # used after, and
        z.backward()
        seen.append(x.grad)
    close(seen[0], seen[2], "float64")
    close(seen[1], seen[3], "float64")


def test_a_hook_sees_the_sum_of_all_uses_also_of_those_before_it() -> None:
    grads = []
    for x in tensors(3, 2):
        y = x.exp()
        first = y.sum()
        handle = y.register_hook(lambda g: g.clamp(max=1.5))
        (first + (y * 2).sum()).backward()
        grads.append(x.grad)
        handle.remove()
    close(*grads, "float64")


def test_a_hook_on_a_leaf_is_called_at_every_backward_until_it_is_removed() -> None:
    x = sheer.tensor([1.0, 2.0], requires_grad=True)
    calls = []
    with x.register_hook(lambda g: calls.append(g.tolist())):
        (x * x).sum().backward()
        (x * 3).sum().backward()
    (x * x).sum().backward()
    assert calls == [[2.0, 4.0], [3.0, 3.0]]
    assert x.grad.tolist() == [7.0, 11.0]


def test_a_masked_gradient_keeps_weights_where_they_are_eagerly_and_compiled() -> None:
    for wrap in (lambda f: f, sheer.jit):
        w = sheer.tensor(np.ones((2, 3), np.float32), requires_grad=True)
        optimizer = sheer.optim.SGD([w], lr=0.1)
        mask = sheer.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
        w.register_hook(lambda g, m=mask: g * m)
        def step(w=w, optimizer=optimizer):
            optimizer.zero_grad()
            (w * w).sum().backward()
            optimizer.step()
        step = wrap(step)
        for _ in range(3):
            step()
        kept = w.detach().numpy()[mask.numpy() == 0]
        assert (kept == 1).all()
        assert (w.detach().numpy()[mask.numpy() == 1] < 0.6).all()


def test_hooks_that_come_and_go_make_a_compiled_step_new() -> None:
    x = sheer.tensor([1.0, 2.0], requires_grad=True)
    def grads():
        x.grad = None
        (x * x).sum().backward()
        return x.grad * 1
    compiled = sheer.jit(grads)
    assert compiled().tolist() == [2.0, 4.0]
    handle = x.register_hook(lambda g: -g)
    assert compiled().tolist() == [-2.0, -4.0]
    handle.remove()
    assert compiled().tolist() == [2.0, 4.0]


def test_the_hook_behind_accumulation_finds_the_gradient_in_its_place() -> None:
    x = sheer.tensor([1.0, 2.0], requires_grad=True)
    found = []
    x.register_post_accumulate_grad_hook(lambda t: found.append(t.grad.tolist()))
    (x * x).sum().backward()
    (x * x).sum().backward()
    assert found == [[2.0, 4.0], [4.0, 8.0]]


def test_a_hook_that_looks_at_values_of_a_compiled_function_is_told_so() -> None:
    x = sheer.tensor([1.0, 2.0], requires_grad=True)
    x.register_hook(lambda g: print(g.tolist()))
    def grads():
        (x * x).sum().backward()
    with pytest.raises(SheerError, match="E606"):
        sheer.jit(grads)()


def test_a_tensor_without_gradient_has_no_hooks() -> None:
    with pytest.raises(SheerError, match="E611"):
        sheer.ones(2).register_hook(print)
    x = sheer.ones(2, requires_grad=True)
    with pytest.raises(SheerError, match="E611"):
        (x * 2).register_post_accumulate_grad_hook(print)


# ---- modules -------------------------------------------------------------------------------------

@pytest.mark.filterwarnings("ignore:Full backward hook")   # torch, when no input has a gradient
@pytest.mark.parametrize("grad", [False, True])
def test_full_backward_hooks_see_what_torchs_see(grad: bool) -> None:
    seen: list[list] = [[], []]
    for model, x, log in zip(pair(), tensors(5, 3, grad=grad), seen, strict=True):
        for layer in model:
            layer.register_full_backward_hook(
                lambda m, gi, go, log=log: log.append((type(m).__name__, gi, go)))
        (model(x) ** 2).sum().backward()
        log.append(("weights", tuple(p.grad for p in model.parameters()), ()))
    assert [name for name, *_ in seen[0]] == [name for name, *_ in seen[1]]
    for (_, gi, go), (_, ti, to) in zip(*seen, strict=True):
        same(gi, ti)
        same(go, to)


def test_backward_hooks_change_gradients_in_torchs_order() -> None:
    grads = []
    for model, x in zip(pair(), tensors(5, 3), strict=True):
        model[1].register_full_backward_pre_hook(lambda m, go: (go[0] * 2,))
        model[1].register_full_backward_hook(lambda m, gi, go: (gi[0] + go[0],))
        model[2].register_full_backward_hook(lambda m, gi, go: (gi[0] * 0.5,))
        model(x).sum().backward()
        grads.append((x.grad, *(p.grad for p in model.parameters())))
    same(*grads)


class Twice:
    """A layer of two inputs and two outputs, for both libraries."""

    @staticmethod
    def of(base: type) -> type:
        class Both(base):
            def forward(self, a, b, scale=1.0):
                return a * b * scale, a.sum(1)
        return Both


def test_several_inputs_and_outputs_are_seen_at_once() -> None:
    found = []
    for base, lib in ((nn.Module, 0), (torch.nn.Module, 1)):
        layer = Twice.of(base)()
        layer.register_full_backward_pre_hook(lambda m, go: (go[0], go[1] * 3))
        layer.register_full_backward_hook(
            lambda m, gi, go: (gi[0] * go[1].sum(), gi[1] + gi[0]))
        a, b = tensors(2, 3)[lib], tensors(2, 3)[lib] * 2
        y, z = layer(a, b)
        (y.sum() + (z * z).sum()).backward()
        found.append((a.grad,))
    same(*found)


def test_forward_hooks_with_their_options() -> None:
    logs: list[list] = [[], []]
    for model, x, log in zip(pair(), tensors(5, 3), logs, strict=True):
        layer = model[1]
        layer.register_forward_hook(lambda m, a, y, log=log: log.append("second") or y + 1)
        layer.register_forward_hook(lambda m, a, k, y, log=log: log.append(("first", len(k))),
                                    prepend=True, with_kwargs=True)
        layer.register_forward_pre_hook(lambda m, a, log=log: log.append("before") or a[0] * 2)
        model.register_forward_pre_hook(lambda m, a, k: ((a[0] * 0.5,), k), with_kwargs=True)
        log.append(model(x))
    assert logs[0][:3] == logs[1][:3] == ["before", ("first", 0), "second"]
    close(logs[0][3], logs[1][3], "float64")


def test_a_hook_may_be_called_although_forward_fails() -> None:
    for base in (nn.Module, torch.nn.Module):
        class Broken(base):
            def forward(self, x):
                raise KeyError("broken")
        layer, seen = Broken(), []
        layer.register_forward_hook(lambda m, a, y, s=seen: s.append(y), always_call=True)
        with pytest.raises(KeyError):
            layer(1)
        assert seen == [None]


def test_module_hooks_under_jit() -> None:
    model, _ = pair()
    x = tensors(5, 3)[0].detach()
    model[0].register_forward_hook(lambda m, a, y: y * 2)
    model[1].register_full_backward_hook(lambda m, gi, go: (gi[0] * 0.25,))
    def grads(x):
        model.zero_grad()
        model(x).sum().backward()
        return [p.grad * 1 for p in model.parameters()]
    for a, b in zip(sheer.jit(grads)(x), grads(x), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)
    forward = sheer.jit(model)
    before = forward(x).detach().numpy().copy()
    handle = model[2].register_forward_hook(lambda m, a, y: -y)
    np.testing.assert_allclose(forward(x).detach().numpy(), -before, rtol=1e-12)
    handle.remove()
    np.testing.assert_allclose(forward(x).detach().numpy(), before, rtol=1e-12)
