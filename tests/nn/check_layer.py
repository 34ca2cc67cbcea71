"""What must hold for any layer, whatever it computes: run over the table of all layers."""

from __future__ import annotations

from typing import Any

import numpy as np
from nn_cases import Case
from nn_helpers import array

import sheer
from sheer import nn
from sheer.random import manual_seed


def check_layer(case: Case) -> None:
    """Run every check on one layer under one setting."""
    manual_seed(1)
    layer = case.make(nn)
    declares_what_it_holds(layer)
    inputs = [sheer.tensor(a, dtype=a.dtype.name, requires_grad=a.dtype.kind == "f")
              for a in (array(s, "float32") for s in case.inputs[0])]
    starts_the_same_with_the_same_seed(case, layer)
    state_survives_a_round_trip(case, layer, inputs)
    every_gradient_is_that_of_the_function(case, inputs)
    compiled_equals_eager(case, inputs)
    one_step_lowers_a_loss(layer.train(), inputs)


def first(result: Any) -> Any:
    return result[0] if isinstance(result, tuple) else result


def declares_what_it_holds(layer: nn.Module) -> None:
    """Class-level annotations and assigned attributes are the same names (style.md, 5)."""
    ours = {"_parameters", "_buffers", "_modules", "_not_saved", "_training"}
    named = {n for c in type(layer).__mro__ for n in vars(c).get("__annotations__", {})}
    declared = {n for n in named - ours if not _about_the_class(type(layer), n)}
    parts = *vars(layer), *layer._parameters, *layer._buffers, *layer._modules
    held = {n for n in parts if not n.startswith("_")}
    if isinstance(layer, nn.RNNBase):                # its weights are named after the layers
        held -= set(layer._parameters)
    if not isinstance(layer, nn.Sequential):
        assert declared == held


def _about_the_class(cls: type, name: str) -> bool:
    """Is this a setting of a family of layers, with its value at class level?"""
    return any(name in vars(c) for c in cls.__mro__)


def starts_the_same_with_the_same_seed(case: Case, layer: nn.Module) -> None:
    manual_seed(1)
    for (name, a), b in zip(layer.state_dict().items(), case.make(nn).state_dict().values(),
                            strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=name)


def state_survives_a_round_trip(case: Case, layer: nn.Module, inputs: list[Any]) -> None:
    other = case.make(nn).eval()
    other.load_state_dict(layer.state_dict())
    a, b = first(layer.eval()(*inputs)), first(other(*inputs))
    np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def every_gradient_is_that_of_the_function(case: Case, inputs: list[Any]) -> None:
    """Central differences in float64 along one random direction of all parameters and inputs."""
    rng = np.random.default_rng(2)
    layer = case.make(nn).double().eval()
    operands = [t.detach() if not t.requires_grad
                else sheer.tensor(t.detach().numpy(), dtype="float64", requires_grad=True)
                for t in inputs]
    free = [*layer.parameters(), *(t for t in operands if t.requires_grad)]
    if not free or isinstance(layer, nn.Step):
        return
    y = first(layer(*operands))
    ct = sheer.tensor(rng.normal(size=y.shape), dtype="float64")
    (y * ct).sum().backward()
    steps = [rng.normal(size=t.shape) for t in free]
    if isinstance(layer, nn.Embedding) and layer.padding_idx is not None:
        steps[0][layer.padding_idx] = 0                      # that row is held constant on purpose
    slope = sum(float((t.grad.numpy() * d).sum()) for t,
                d in zip(free, steps, strict=True) if t.grad is not None)
    start = [np.array(t.detach().numpy()) for t in free]
    values = []
    for h in (1e-6, -1e-6):
        for t, a, d in zip(free, start, steps, strict=True):
            t._rebind(sheer.tensor(a + h * d, dtype="float64").node)
        values.append((first(layer(*operands)).detach() * ct).sum().item())
    np.testing.assert_allclose(slope, (values[0] - values[1]) / 2e-6, rtol=1e-6, atol=1e-7)


def compiled_equals_eager(case: Case, inputs: list[Any]) -> None:
    """In training mode too: the same random numbers, the same running statistics."""
    for mode in (True, False):
        found = []
        for wrapper in (lambda f: f, sheer.jit):
            manual_seed(3)
            layer = case.make(nn).train(mode)
            manual_seed(4)
            step = wrapper(lambda *xs, layer=layer: layer(*xs))
            step(*inputs)
            out = first(step(*inputs))
            found.append([out.detach().numpy(), *(b.numpy() for b in layer.buffers())])
        for a, b in zip(*found, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def one_step_lowers_a_loss(layer: nn.Module, inputs: list[Any]) -> None:
    """One small step of gradient descent on the mean square of the result, in eval mode."""
    layer.eval()
    weights = list(layer.parameters())
    if not weights:
        return
    layer.zero_grad()
    loss = (first(layer(*inputs)) * first(layer(*inputs))).mean()
    loss.backward()
    total = sum(float((p.grad.numpy() ** 2).sum()) for p in weights if p.grad is not None)
    assert total > 0
    for p in weights:
        if p.grad is not None:
            p._rebind(sheer.tensor(p.detach().numpy() - np.float32(1e-3) * p.grad.numpy()).node)
    again = (first(layer(*inputs)) * first(layer(*inputs))).mean()
    assert again.item() < loss.item()
