"""Every layer that torch has: outputs, gradients, state and its names, dtypes and modes."""

from __future__ import annotations

import pytest
import torch
from nn_cases import FLAT, Case
from nn_helpers import array, backward, both, close
from nn_rows import systems

from sheer import nn

PARITY = [(name, i, case) for name, i, case in FLAT if case.torch]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "i", "case"), [
    pytest.param(*row, id=f"{row[0]}{row[1]}", marks=systems(row[0])) for row in PARITY])
def test_layer_equals_torch(name: str, i: int, case: Case, dtype: str) -> None:
    for mode in (True, False):
        if mode and case.random:
            continue
        torch.manual_seed(0)
        mine = case.make(nn).to(dtype).train(mode)
        theirs = case.make(torch.nn).to(getattr(torch, dtype)).train(mode)
        assert list(mine.state_dict()) == list(theirs.state_dict())
        mine.load_state_dict(theirs.state_dict())
        assert repr(mine) == repr(theirs)
        for n, specs in enumerate(case.inputs):
            pairs = [both(array(s, dtype, n)) for s in specs]
            ours, other = mine(*(p[0] for p in pairs)), theirs(*(p[1] for p in pairs))
            for a, b in zip(*((r if isinstance(r, tuple) else (r,)) for r in (ours, other)),
                            strict=True):
                close(a, b, dtype, "output")
                assert a.dtype.name == str(b.dtype).removeprefix("torch.")
            mine.zero_grad()
            theirs.zero_grad()
            backward(ours)
            backward(other)
            for a, b in pairs:
                if a.requires_grad and b.grad is not None:
                    close(a.grad, b.grad, dtype, "gradient of the input", case.rtol)
            for (key, p), q in zip(mine.named_parameters(), theirs.parameters(), strict=True):
                close(p.grad, q.grad, dtype, f"gradient of {key}")
            for (key, a), b in zip(mine.state_dict().items(), theirs.state_dict().values(),
                                   strict=True):
                close(a, b, dtype, f"state {key}")


@pytest.mark.system("Batch normalisation (1-D, 2-D; train and eval mode)")
def test_running_statistics_after_several_steps_equal_torch() -> None:
    mine, theirs = nn.BatchNorm2d(3), torch.nn.BatchNorm2d(3)
    for n in range(4):
        a, b = both(array((2, 3, 4, 4), "float32", n))
        mine(a)
        theirs(b)
    for a, b in zip(mine.state_dict().values(), theirs.state_dict().values(), strict=True):
        close(a, b, "float32")
