"""Distribution: parameters flow in; draws, densities and moments flow out."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from ..graph.errors import ArgumentError, StateError
from ..mixins.core import Core, no_grad
from ..namespace_joining import broadcast_shapes
from ..tensor import Tensor, as_tensor
from ..transforms import execute, trace
from .constraints import Constraint, domains

Shape = tuple[int, ...]
_defaults = {"validate": True}


class Distribution:
    """What all families share. A family declares its parameters and formulas, the rest follows.

    Draws depend on the default generator: in a compiled function every call draws anew. Parameters
    and values are checked where they are known; validate_args=True computes them for that,
    validate_args=False leaves it.

    Shape   batch_shape: as many distributions side by side as the parameters have elements;
            event_shape: of one draw
    Raises  E541 for a parameter out of its domain, E542 for a value that cannot be drawn, E543 for
            what a family lacks
    Source  torch.distributions.Distribution
    Example
        >>> coins = sheer.distributions.Bernoulli(sheer.tensor([0.1, 0.9]))
        >>> coins.batch_shape, coins.event_shape, coins.sample((5,)).shape
        ((2,), (), (5, 2))
    """

    arg_constraints: Mapping[str, Constraint] = domains()
    has_rsample: ClassVar[bool] = False       # do draws carry gradients to the parameters?
    batch_shape: Shape
    event_shape: Shape

    def __init__(self, batch_shape: Sequence[int] = (), event_shape: Sequence[int] = (),
                 validate_args: bool | None = None) -> None:
        self.batch_shape, self.event_shape = tuple(batch_shape), tuple(event_shape)
        self.validate_args = validate_args
        self._given: tuple[str, ...] = ()

    def _take(self, validate_args: bool | None, **given: Any) -> None:
        """Parameters, broadcast against each other outside of the axes that an event has."""
        ranks = {n: self.arg_constraints[n].event_dim for n in given}
        found = _floats(given)
        batch = tuple(broadcast_shapes(*(t.shape[:t.ndim - ranks[n]] for n, t in found.items())))
        vector = min(given, key=lambda n: ranks[n])      # a law of vectors has no other parameter
        own = found[vector].shape[found[vector].ndim - ranks[vector]:]
        Distribution.__init__(self, batch, own, validate_args)
        self._given = tuple(given)
        for name, t in found.items():
            self._check("E541", name.strip("_"), t, self.arg_constraints[name])
            wide = batch + t.shape[t.ndim - ranks[name]:]
            setattr(self, name, t if t.shape == wide else t.expand(wide))

    def _check(self, code: str, name: str, value: Tensor, constraint: Constraint) -> None:
        """Raise unless a value, where it is known or to be computed, is what it should be."""
        asked = self.validate_args
        if asked is False or not _defaults["validate"] or trace.current() is not None:
            return
        if asked or execute.is_known(value.node):
            with no_grad():
                wrong = ~constraint.check(value.detach())
            if bool(wrong.any()):
                raise ArgumentError(code, type(self).__name__, f"{name} is not what it can be",
                                    got={name: value.node, "wrong": f"{int(wrong.sum())} of "
                                         f"{wrong.numel()}"}, need=constraint.text)

    def _value(self, value: Any) -> Tensor:
        """A value to be judged, of the dtype of the parameters. Raises E542."""
        found = as_tensor(value)
        own = getattr(self, self._given[0]) if self._given else None
        if own is not None and not found.dtype.is_floating_point:
            found = found.to(own.dtype)
        events = len(self.event_shape)
        if events and found.shape[-events:] != self.event_shape:
            raise ArgumentError("E542", type(self).__name__, "value is not of the shape of a draw",
                                got={"value": found.node}, need=f"(..., {self.event_shape})")
        self._check("E542", "value", found, self.support)
        return found

    # ---- what a family defines -------------------------------------------------------------------
    @property
    def support(self) -> Constraint:
        """What can be drawn."""
        raise self._lacks("support")

    def _draw(self, shape: Shape) -> Tensor:
        """Numbers of a shape that ends with batch_shape and event_shape."""
        raise self._lacks("sample")

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the density, or of the probability, at a value."""
        raise self._lacks("log_prob")

    def entropy(self) -> Tensor:
        """The mean of -log_prob."""
        raise self._lacks("entropy")

    def cdf(self, value: Any) -> Tensor:
        """The probability of a draw that is at most value."""
        raise self._lacks("cdf")

    def icdf(self, value: Any) -> Tensor:
        """The opposite of cdf."""
        raise self._lacks("icdf")

    @property
    def mean(self) -> Tensor:
        """The expectation."""
        raise self._lacks("mean")

    @property
    def mode(self) -> Tensor:
        """The most probable value."""
        raise self._lacks("mode")

    @property
    def variance(self) -> Tensor:
        """The expected squared distance from the mean, element by element."""
        raise self._lacks("variance")

    # ---- what follows ----------------------------------------------------------------------------
    @property
    def stddev(self) -> Tensor:
        """The square root of the variance."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draws without gradient. Shape -> (*sample_shape, *batch_shape, *event_shape)."""
        with no_grad():
            return self._draw(self._shape(sample_shape)).detach()

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Draws with gradients with respect to the parameters. Raises E543 when there are none."""
        if not self.has_rsample:
            raise self._lacks("rsample", ["sample(), and log_prob of it times a score"])
        return self._draw(self._shape(sample_shape))

    def perplexity(self) -> Tensor:
        """exp of the entropy."""
        return self.entropy().exp()

    def expand(self, batch_shape: Sequence[int]) -> Self:
        """The same with parameters expanded to batch_shape."""
        new = copy.copy(self)
        new.batch_shape = tuple(batch_shape)
        for name in self._given:
            t, rank = getattr(self, name), self.arg_constraints[name].event_dim
            setattr(new, name, t.expand(new.batch_shape + t.shape[t.ndim - rank:]))
        return new

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether parameters and values are checked where a distribution does not say."""
        _defaults["validate"] = bool(value)

    def _shape(self, sample_shape: Any) -> Shape:
        front = (sample_shape,) if isinstance(sample_shape, int) else tuple(sample_shape)
        return (*front, *self.batch_shape, *self.event_shape)

    def _lacks(self, what: str, tries: Sequence[str] = ()) -> StateError:
        return StateError("E543", type(self).__name__, f"there is no {what}",
                          need="a family whose formula has a closed form",
                          tries=[(t, lambda: None) for t in tries])

    def __repr__(self) -> str:
        known = [(n, getattr(self, n)) for n in self._given]
        shown = [f"{n}: {t.item() if t.numel() == 1 and t.ndim == 0 else t.shape}" if
                 execute.is_known(t.node) else f"{n}: {t.shape}" for n, t in known]
        return f"{type(self).__name__}({', '.join(shown)})"


def _floats(given: dict[str, Any]) -> dict[str, Tensor]:
    """Numbers and tensors as tensors of one float dtype: that of the first tensor of floats."""
    kinds = [v.dtype for v in given.values()
             if isinstance(v, Core) and v.dtype.is_floating_point]
    made = {n: as_tensor(v, None if isinstance(v, Core) else kinds[0] if kinds else None)
            for n, v in given.items()}
    return {n: t if t.dtype.is_floating_point else t.float() for n, t in made.items()}
