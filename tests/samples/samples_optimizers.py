"""The optimizers of torch's sample database that sheer.optim shares: a few steps on one problem."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from samples_run import Call
from torch.testing._internal.common_optimizers import optim_db

import sheer

_STEPS = 5


@dataclass(frozen=True)
class OptimizerCase:
    """One entry of the database."""

    info: Any

    @property
    def name(self) -> str:
        return self.info.optim_cls.__name__

    @property
    def label(self) -> str:
        return f"optim.{self.name}"

    def dtypes(self) -> list[torch.dtype]:
        return [torch.float64, torch.float32]

    def calls(self, dtype: torch.dtype, limit: int | None) -> Iterator[Call]:
        """One call per group of settings: the weights after a few steps."""
        draw = torch.Generator().manual_seed(0)
        w, x, y = (torch.randn(s, generator=draw, dtype=dtype) for s in ((3, 4), (5, 4), (5, 3)))
        for sample in self.info.optim_inputs_func(device="cpu")[:limit]:
            theirs = lambda *a, k=sample.kwargs: _steps(torch, self.name, k, *a)
            ours = lambda *a, k=sample.kwargs: _steps(sheer, self.name, _plain(k), *a)
            yield Call(theirs, ours, (w, x, y), {})


def _plain(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {k: v.item() if isinstance(v, torch.Tensor) else v for k, v in kwargs.items()}


def _steps(library: Any, name: str, kwargs: dict[str, Any], w: Any, x: Any, y: Any) -> Any:
    """The weights after least squares by a few steps, in either library."""
    weight = w.clone().detach().requires_grad_()
    optimizer = getattr(library.optim, name)([weight], **kwargs)
    def closure() -> Any:
        optimizer.zero_grad()
        loss = ((x @ weight.T - y) ** 2).mean()
        loss.backward()
        return loss
    for _ in range(_STEPS):
        optimizer.step(closure)
    return weight.detach()


OPTIMIZERS = [OptimizerCase(info) for info in optim_db]
SHARED_OPTIMIZERS = [case for case in OPTIMIZERS if case.name in dir(sheer.optim)]
