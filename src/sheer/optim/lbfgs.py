"""L-BFGS: the last steps and changes of the gradient tell where the minimum lies."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..graph.errors import ArgumentError, StateError
from ..mixins.core import enable_grad, evaluate, no_grad
from ..ops.structure import data
from ..transforms import trace
from . import line_search
from .group import check_range
from .line_search import Point
from .persist import checked_groups, checked_options
from .update_rule import Options, UpdateRule

Array = np.ndarray


@dataclass
class _Memory:
    """What one call of step leaves to the next."""

    pairs: deque[tuple[Array, Array, float]] = field(default_factory=deque)
    scale: float = 1.0
    direction: Array | None = None
    gradient: Array | None = None
    rate: float = 0.0
    iterations: int = 0
    calls: int = 0


class LBFGS(UpdateRule):
    """Quasi-Newton steps on the whole loss: step(closure) runs up to max_iter of them.

    closure clears the gradients, computes the loss, calls backward and returns the loss. Every
    evaluation decides what is done next, so a step runs outside compiled functions; closure may
    call one.

    Params  lr                length of a step along the direction; the first try of a line search
            max_iter          iterations in one call of step
            max_eval          evaluations in one call of step; 5 / 4 max_iter when None
            tolerance_grad    stop when no gradient is larger
            tolerance_change  stop when loss or weights change by less
            history_size      steps that are remembered
            line_search_fn    None, or "strong_wolfe"
    Raises  E521 for more than one group, for a step without closure and inside a traced function;
            E301 to E306 as `Optimizer`
    Source  torch.optim.LBFGS; Nocedal and Wright 2006, Numerical Optimization, algorithms 7.4, 3.5
            and 3.6
    Example
        >>> w = sheer.tensor([5.0, -5.0], requires_grad=True)
        >>> optimizer = sheer.optim.LBFGS([w], line_search_fn="strong_wolfe")
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = ((w - sheer.tensor([1.0, 2.0])) ** 2).sum()
        ...     loss.backward()
        ...     return loss
        >>> _ = optimizer.step(closure)
        >>> w
        tensor([1., 2.], requires_grad=True)
    """

    def __init__(self, params: Any, lr: Any = 1, max_iter: int = 20, max_eval: int | None = None,
                 tolerance_grad: float = 1e-7, tolerance_change: float = 1e-9,
                 history_size: int = 100, line_search_fn: str | None = None) -> None:
        super().__init__(params, {
            "lr": lr, "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change,
            "history_size": history_size, "line_search_fn": line_search_fn}, {})
        if len(self.param_groups) > 1:
            raise ArgumentError("E521", "LBFGS", f"{len(self.param_groups)} groups of parameters",
                                need="one group: all weights move along one direction")
        self.memory = _Memory()

    def check(self, o: Options) -> None:
        check_range("LBFGS", "line_search_fn", o["line_search_fn"],
                    o["line_search_fn"] in (None, "strong_wolfe"), '"strong_wolfe" or None')
        check_range("LBFGS", "history_size", o["history_size"], o["history_size"] >= 1,
                    "a number >= 1")

    def clocks(self, o: Options) -> dict[str, float]:
        return {}

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Iterate; the loss that the first evaluation gave."""
        if not callable(closure) or trace.current() is not None:
            raise StateError("E521", "LBFGS", "a step evaluates the loss several times, and looks",
                             need="step(closure), outside compiled functions",
                             tries=[("optimizer.step(closure)", lambda: None)])
        self._tell(0, closure)
        first = _Descent(self, closure).run()
        self._tell(1, closure)
        return first

    # ---- the weights as one vector --------------------------------------------------------------
    def weights(self) -> Array:
        """All weights in one line, in float64."""
        return _line(evaluate([p.detach() for p in self._params]))

    def put(self, values: Array) -> None:
        """Let the weights be those of a line."""
        start = 0
        with no_grad():
            for p in self._params:
                part = values[start:start + p.numel()].reshape(p.shape)
                p._rebind(data(np.array(part, p.dtype.numpy)))
                start += p.numel()

    def gradient(self) -> Array:
        """All gradients in one line; zeros where there is none."""
        grads = [p.grad for p in self._params]
        found = iter(evaluate([g.detach() for g in grads if g is not None]))
        return _line(np.zeros(p.shape) if g is None else next(found)
                     for p, g in zip(self._params, grads, strict=True))

    @property
    def _params(self) -> list[Any]:
        params: list[Any] = self.param_groups[0]["params"]
        return params

    def state_dict(self) -> dict[str, Any]:
        """The options, and what is remembered of earlier steps, in plain arrays."""
        m, count = self.memory, len(self._params)
        kept = {"old_dirs": [s for _, s, _ in m.pairs], "old_stps": [y for y, _, _ in m.pairs],
                "ro": [r for _, _, r in m.pairs], "H_diag": m.scale, "d": m.direction,
                "prev_flat_grad": m.gradient, "t": m.rate, "n_iter": m.iterations,
                "func_evals": m.calls}
        group = {**self.param_groups[0], "params": list(range(count))}
        return {"state": {0: kept} if m.calls else {}, "param_groups": [group]}

    def load_state_dict(self, state_dict: Any) -> None:
        """Go on from a saved state of ours. Raises E304 and E306 if it does not fit."""
        group = self.param_groups[0]
        known = checked_options(self, group, checked_groups(self, state_dict)[0])
        for key, value in known.items():
            group[key] = value
        kept = state_dict["state"].get(0)
        self.memory = _Memory()                   # that of a new optimizer, unless some was saved
        if kept:
            pairs = deque(zip(kept["old_stps"], kept["old_dirs"], kept["ro"], strict=True))
            self.memory = _Memory(pairs, kept["H_diag"], kept["d"], kept["prev_flat_grad"],
                                  kept["t"], kept["n_iter"], kept["func_evals"])


class _Descent:
    """One call of step."""

    def __init__(self, optimizer: LBFGS, closure: Callable[[], Any]) -> None:
        self.optimizer, self.closure = optimizer, closure
        self.o, self.memory = optimizer.param_groups[0], optimizer.memory
        self.evaluated = 0
        self.first: Any = None

    def run(self) -> Any:
        here = Point(0.0, *self._evaluate(None))
        if np.abs(here.gradient).max(initial=0) <= self.o["tolerance_grad"]:
            return self.first
        for turn in range(self.o["max_iter"]):
            self.memory.iterations += 1
            direction = self._direction(here.gradient)
            slope = float(here.gradient @ direction)
            self.memory.direction, self.memory.gradient = direction, here.gradient
            if slope > -self.o["tolerance_change"]:
                break
            lr = self.o["lr"]
            self.memory.rate = (min(1.0, 1 / np.abs(here.gradient).sum()) * lr
                                if self.memory.iterations == 1 else lr)
            before, here = here, self._move(here, direction, slope, turn)
            moved = np.abs(direction * self.memory.rate).max(initial=0)
            if (self.evaluated >= self.o["max_eval"]
                    or np.abs(here.gradient).max(initial=0) <= self.o["tolerance_grad"]
                    or moved <= self.o["tolerance_change"]
                    or abs(here.loss - before.loss) < self.o["tolerance_change"]):
                break
        return self.first

    def _direction(self, gradient: Array) -> Array:
        """Algorithm 7.4: minus the inverse Hessian, as remembered, times the gradient."""
        m = self.memory
        if m.gradient is None or m.direction is None:
            return -gradient
        change, step = gradient - m.gradient, m.direction * m.rate
        curvature = float(change @ step)
        if curvature > 1e-10:                     # else the pair would not be positive definite
            if len(m.pairs) == self.o["history_size"]:
                m.pairs.popleft()
            m.pairs.append((step, change, 1 / curvature))
            m.scale = curvature / float(change @ change)
        q, shares = -gradient, []
        for s, y, rho in reversed(m.pairs):
            shares.append(rho * float(s @ q))
            q = q - shares[-1] * y
        r = q * m.scale
        for (s, y, rho), a in zip(m.pairs, reversed(shares), strict=True):
            r = r + s * (a - rho * float(y @ r))
        return r

    def _move(self, here: Point, direction: Array, slope: float, turn: int) -> Point:
        start = self.optimizer.weights()
        if self.o["line_search_fn"] == "strong_wolfe":
            def probe(t: float) -> Point:
                return Point(t, *self._evaluate(start + t * direction))
            found = line_search.strong_wolfe(probe, here, direction, slope, self.memory.rate,
                                             self.o["tolerance_change"],
                                             self.o["max_eval"] - self.evaluated)
            self.memory.rate = found.at
            self.optimizer.put(start + found.at * direction)
            return found
        self.optimizer.put(start + self.memory.rate * direction)
        if turn == self.o["max_iter"] - 1:        # nobody looks at the last one: spare it
            return here
        return Point(self.memory.rate, *self._evaluate(None))

    def _evaluate(self, weights: Array | None) -> tuple[float, Array]:
        """Loss and gradient, at the weights given or at those there are."""
        if weights is not None:
            self.optimizer.put(weights)
        with enable_grad():
            loss = self.closure()
        self.first = loss if self.first is None else self.first
        self.evaluated += 1
        self.memory.calls += 1
        return float(loss), self.optimizer.gradient()


def _line(arrays: Iterable[Array]) -> Array:
    return np.concatenate([np.asarray(a, np.float64).ravel() for a in arrays])
