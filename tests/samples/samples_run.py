"""One sample through torch and sheer: outputs and gradients are compared, a verdict comes out."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from samples_bridge import Bridge, Foreign, back, same_seed, through, twins, untwined

import sheer

TOLERANCE = {torch.float64: (1e-7, 1e-9), torch.float32: (1e-5, 3e-5)}     # relative, absolute


@dataclass(frozen=True)
class Verdict:
    """passed, refused (by a sheer error or a foreign dtype, which `code` names) or failed."""

    kind: str
    code: str = ""
    text: str = ""


@dataclass(frozen=True)
class Call:
    """One call of one name: what torch is asked, what sheer is asked.

    spec_only   the values are random: only shapes and dtypes are compared
    finish      what torch's samples do with outputs before gradients (signs of eigenvectors, ...)
    loose       how many times the usual tolerance is allowed
    weights     parameters of both, of which gradients are compared too
    """

    theirs: Callable[..., Any]
    ours: Callable[..., Any] | None
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    spec_only: bool = False
    finish: Callable[[Any], Any] = lambda out: out
    loose: float = 1.0
    weights: Sequence[tuple[torch.Tensor, sheer.Tensor]] = ()


def run(call: Call, gradient: bool) -> Verdict | None:
    """The verdict; None where torch itself refuses the sample."""
    bridge = Bridge()
    ours = call.ours or through(call.theirs, bridge)
    try:
        args, kwargs = bridge.over(call.args), bridge.over(call.kwargs)
        if not call.ours:
            args, kwargs = call.args, call.kwargs
    except Foreign as e:
        return Verdict("refused", "foreign", str(e))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with same_seed():
                theirs = call.finish(call.theirs(*call.args, **call.kwargs))
        except (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError):
            return None
        return _ours(call, bridge, lambda: ours(*args, **kwargs), theirs, gradient)


def _ours(call: Call, bridge: Bridge, run_ours: Callable[[], Any], theirs: Any,
          gradient: bool) -> Verdict:
    try:
        ours = _finished(call, run_ours())
        _same(theirs, ours, call)
        if gradient and not call.spec_only:
            _same_gradients(theirs, ours, [*bridge.leaves, *call.weights], call)
    except sheer.graph.errors.SheerError as e:
        return Verdict("refused", e.code, str(e).replace("\n", " | "))
    except Exception as e:
        return Verdict("failed", type(e).__name__, " ".join(str(e).split())[:400])
    return Verdict("passed")


def _finished(call: Call, out: Any) -> Any:
    return untwined(call.finish(twins(out)))


def tensors(value: Any) -> list[Any]:
    """The tensors in a nest of results, in order; Python numbers stay as they are."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [t for v in value for t in tensors(v)]
    if isinstance(value, torch.Tensor) and value.is_complex():
        return [value.real, value.imag]                  # sheer's Fourier transforms give pairs
    return [] if value is None else [value]


def _same(theirs: Any, ours: Any, call: Call) -> None:
    """Raise AssertionError unless both have the same tensors in the same places."""
    expected, got = tensors(theirs), tensors(ours)
    sheer.eval(*got)
    assert len(expected) == len(got), f"{len(got)} results in place of {len(expected)}"
    for want, have in zip(expected, map(back, got), strict=True):
        if not isinstance(want, torch.Tensor):
            assert type(want) is type(have) or isinstance(want, torch.Size), (want, have)
            both_nan = isinstance(want, float) and math.isnan(want) and math.isnan(have)
            assert want == have or both_nan, f"{have} in place of {want}"
            continue
        assert isinstance(have, torch.Tensor), f"{type(have)} in place of a tensor"
        assert have.dtype == want.dtype, f"{have.dtype} in place of {want.dtype}"
        assert have.shape == want.shape, f"{tuple(have.shape)} in place of {tuple(want.shape)}"
        if not call.spec_only:
            _close(want, have, call.loose)


def _close(want: torch.Tensor, have: torch.Tensor, loose: float) -> None:
    rtol, atol = TOLERANCE.get(want.dtype, (0, 0))
    torch.testing.assert_close(have, want.detach().resolve_conj().resolve_neg().contiguous(),
                               rtol=rtol * loose, atol=atol * loose, equal_nan=True)


def _same_gradients(theirs: Any, ours: Any, leaves: Any, call: Call) -> None:
    """Raise AssertionError unless the gradients of a random sum of all outputs agree."""
    pairs = [(t, o) for t, o in zip(tensors(theirs), tensors(ours),
                                    strict=True)
             if isinstance(t, torch.Tensor) and t.requires_grad and t.numel()]
    if not pairs:
        return
    draw = torch.Generator().manual_seed(1)
    cts = [torch.randn(t.shape, generator=draw, dtype=t.dtype) for t, _ in pairs]
    try:
        wanted = torch.autograd.grad([t for t, _ in pairs], [t for t, _ in leaves], cts,
                                     allow_unused=True)
    except (RuntimeError, NotImplementedError):          # torch has no derivative here
        return
    total = sum(((o * Bridge().over(ct)).sum() for (_, o), ct in zip(pairs, cts, strict=True)),
                sheer.tensor(0.0, dtype=sheer.float64))
    if total.requires_grad:                              # else the gradients have to be zeros
        total.backward()
    sheer.eval(*(o.grad for _, o in leaves if o.grad is not None))
    for n, ((leaf, o), found) in enumerate(zip(leaves, wanted, strict=True)):
        want = torch.zeros_like(leaf) if found is None else found
        have = torch.zeros_like(leaf) if o.grad is None else back(o.grad)
        try:
            _close(want, have, call.loose)
        except AssertionError as e:
            raise AssertionError(f"gradient {n}: {e}") from None
