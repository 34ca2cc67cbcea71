"""The restricted Boltzmann machine: binary rows flow in, energies, samples and losses come out."""

from __future__ import annotations

from typing import Any

from .. import nn
from ..mixins.grad_mode import no_grad
from ..namespace_creation import eye
from ..nn import functional as F
from ..random import bernoulli
from ..tensor import Tensor


class RestrictedBoltzmannMachine(nn.Module):
    """p(v, h) ~ exp(-E), E(v, h) = -v . b - h . c - h W v, for binary v and h.

    Given v the hidden units do not depend on each other, nor do the visible ones given h.

    Shape   v (*B, visible), h (*B, hidden)
    Params  weight (hidden, visible) ~ N(0, 0.01^2), visible_bias (visible,) and
            hidden_bias (hidden,), both 0
    Source  Hinton 2002, Neural Computation 14(8); Hinton 2010, UTML TR 2010-003, section 8
    Example
        >>> machine = RestrictedBoltzmannMachine(6, 4)
        >>> machine.free_energy(sheer.ones(3, 6)).shape
        (3,)
    """
    visible: int
    hidden: int
    weight: nn.Parameter
    visible_bias: nn.Parameter
    hidden_bias: nn.Parameter

    def __init__(self, visible: int, hidden: int, dtype: Any = None) -> None:
        super().__init__()
        self.visible, self.hidden = visible, hidden
        self.weight = nn.linear.empty((hidden, visible), dtype)
        self.visible_bias = nn.linear.empty((visible,), dtype)
        self.hidden_bias = nn.linear.empty((hidden,), dtype)
        nn.init.normal_(self.weight, 0.0, 0.01)
        nn.init.zeros_(self.visible_bias)
        nn.init.zeros_(self.hidden_bias)

    # ---- one layer given the other ---------------------------------------------------------------
    def hidden_given(self, v: Tensor) -> Tensor:
        """p(h = 1 | v) of every hidden unit."""
        return F.linear(v, self.weight, self.hidden_bias).sigmoid()

    def visible_given(self, h: Tensor) -> Tensor:
        """p(v = 1 | h) of every visible unit."""
        return (h @ self.weight + self.visible_bias).sigmoid()

    def gibbs(self, v: Tensor, steps: int = 1) -> Tensor:
        """Visible units after that many rounds of drawing h given v and v given h."""
        with no_grad():
            for _ in range(steps):
                v = bernoulli(self.visible_given(bernoulli(self.hidden_given(v))))
        return v

    # ---- energies --------------------------------------------------------------------------------
    def energy(self, v: Tensor, h: Tensor) -> Tensor:
        """E(v, h), (*B,)."""
        met = (h * F.linear(v, self.weight)).sum(-1)
        return -(v @ self.visible_bias) - h @ self.hidden_bias - met

    def free_energy(self, v: Tensor) -> Tensor:
        """-log of the sum of exp(-E(v, h)) over all h, (*B,)."""
        return -(v @ self.visible_bias) - F.softplus(
            F.linear(v, self.weight, self.hidden_bias)).sum(-1)

    def forward(self, v: Tensor) -> Tensor:
        return self.free_energy(v)

    # ---- what is learned -------------------------------------------------------------------------
    def contrastive_divergence(self, v: Tensor, steps: int = 1) -> Tensor:
        """A loss whose gradient is that of CD-k: the free energy of data less that of samples which
        began at the data. Its value says little; `pseudo_likelihood` does.

        Source  Hinton 2002, equation 5
        """
        return (self.free_energy(v) - self.free_energy(self.gibbs(v, steps))).mean()

    def pseudo_likelihood(self, v: Tensor) -> Tensor:
        """The sum over visible units i of log p(v_i | the others), (*B,).

        Source  Besag 1975, The Statistician 24(3)
        """
        flips = eye(self.visible, dtype=v.dtype) * (1 - 2 * v).unsqueeze(-2)   # (*B, V, V)
        flipped = self.free_energy(v.unsqueeze(-2) + flips)                    # (*B, V)
        return F.logsigmoid(flipped - self.free_energy(v).unsqueeze(-1)).sum(-1)
