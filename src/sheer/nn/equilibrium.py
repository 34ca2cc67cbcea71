"""Equilibrium: a layer fed by its own output. An input flows in, where it settles flows out."""

from __future__ import annotations

from .. import linalg
from ..mixins.core import no_grad
from ..namespace_creation import eye, zeros
from ..tensor import Tensor
from ..transforms.jacobian import jacrev
from ..transforms.loop import fori_loop
from ..transforms.vmap import vmap
from .linear import positive
from .module import Module


class Equilibrium(Module):
    """z with z = body(z, x): feedback without delay.

    The state is found by applying the body `iterations` times from 0, which settles when the body
    contracts. Its gradient is that of the equation, by the implicit function theorem,
    dz = (I - J)^-1 d body, with J the derivative of the body by the state of each row: nothing of
    the iterations is kept. First derivatives only.

    Shape   x (B, *S) -> (B, features)
    Params  those of the body, a module of (z (B, features), x (B, *S)) that treats rows apart
    Raises  E204 for features or iterations below 1; what the body raises
    Source  Bai et al. 2019, arXiv:1909.01377, theorem 1, with J solved exactly
    Example
        >>> class Half(nn.Module):
        ...     def forward(self, z, x):
        ...         return 0.5 * z + x          # settles at z = 2 x
        >>> nn.Equilibrium(Half(), features=2)(sheer.tensor([[1.0, 3.0]]))
        tensor([[2., 6.]])
    """
    body: Module
    features: int
    iterations: int

    def __init__(self, body: Module, features: int, iterations: int = 100) -> None:
        super().__init__()
        positive("Equilibrium", features=features, iterations=iterations)
        self.body, self.features, self.iterations = body, features, iterations

    def forward(self, x: Tensor) -> Tensor:
        with no_grad():
            start = zeros(x.shape[0], self.features, dtype=x.dtype)
            z = fori_loop(0, self.iterations, lambda _, z: self.body(z, x), start).detach()
            row = lambda z, x: self.body(z.unsqueeze(0), x.unsqueeze(0))[0]
            slope = vmap(jacrev(row))(z, x.detach())                    # (B, features, features)
        once = self.body(z, x)                                          # (B, features)
        change = (once - once.detach()).unsqueeze(2)                    # 0, and has a gradient
        rest = eye(self.features, dtype=x.dtype) - slope.detach()
        state: Tensor = once.detach() + linalg.solve(rest, change).squeeze(2)
        return state

    def residual(self, x: Tensor) -> float:
        """The largest difference between the state and what the body makes of it."""
        with no_grad():
            z = self(x)
            return float((self.body(z, x) - z).abs().max().item())

    def extra_repr(self) -> str:
        return f"features={self.features}, iterations={self.iterations}"
