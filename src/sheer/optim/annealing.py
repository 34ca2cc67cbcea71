"""Simulated annealing: an energy and random changes flow in, a state of low energy comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..mixins.core import no_grad
from ..namespace_joining import where
from ..random import rand
from ..tensor import Tensor, as_tensor
from ..transforms.jit import jit
from ..transforms.loop import scan


class Annealed(NamedTuple):
    """The best state every chain met, and its energy."""

    state: Tensor
    energy: Tensor


def simulated_annealing(energy: Callable[[Tensor], Tensor], propose: Callable[[Tensor], Tensor],
                        start: Tensor, temperatures: Any) -> Annealed:
    """Search for the state of least energy; needs no gradient, so states may be discrete.

    At each temperature every chain is offered the state propose(state). It takes it when that is
    lower, else with probability exp(-rise / temperature): hot chains climb, cold ones do not.

    Shape   start (B, *S), energy (B, *S) -> (B,), propose (B, *S) -> (B, *S), temperatures (T,) > 0
    Source  Kirkpatrick et al. 1983, Science 220(4598); Metropolis et al. 1953 for the rule
    Example
        >>> flip = lambda s: s * (1 - 2 * sheer.nn.functional.one_hot(
        ...     sheer.randint(0, 4, (s.shape[0],)), 4).float())          # one spin per chain
        >>> cold = simulated_annealing(lambda s: -s.sum(1), flip, -sheer.ones(8, 4),
        ...                            sheer.linspace(1.0, 0.01, 100))
        >>> cold.energy.min().item()
        -4.0
    """
    @jit
    def run(start: Tensor, temperatures: Tensor) -> Any:
        def step(carry: Any, temperature: Any) -> Any:
            state, now, best, least = carry
            offered = propose(state)
            there = energy(offered)                                     # (B,)
            chance = ((now - there) / temperature).clamp(max=0.0).exp()
            taken = rand(now.shape, dtype=now.dtype) < chance
            state, now = _choose(taken, offered, state), where(taken, there, now)
            better = now < least
            return (state, now, _choose(better, state, best), where(better, now, least)), ()
        first = energy(start)
        return scan(step, (start, first, start, first), temperatures.to(first.dtype))[0]
    with no_grad():
        _, _, best, least = run(start, as_tensor(temperatures, start.dtype))
    return Annealed(best, least)


def _choose(which: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Rows of a where told, else of b."""
    chosen: Tensor = where(which.reshape(-1, *(1,) * (a.ndim - 1)), a, b)
    return chosen
