"""StrokeWriter: the steps of a pen so far flow in, the density of every next step comes out."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..graph.errors import ShapeError
from ..mixins.core import no_grad
from ..namespace_creation import ones, zeros
from ..namespace_joining import cat, stack
from ..nn import functional as F
from ..nn.linear import Linear, positive
from ..nn.module import Module
from ..nn.recurrent import LSTM
from ..random import Generator, rand, randn
from ..tensor import Tensor
from ..transforms.loop import scan

FLAGS = 2            # what is said with yes or no: the pen is up on its way; the writing has ended
WIDEST = 7.0         # most of |log scale|: a deviation is between 1/1000 and 1000
SLANTED = 4.0        # most of |atanh correlation|: a correlation is within 0.9993


class StepDensity(NamedTuple):
    """What comes next: with some chance nothing, as the writing has ended; else a step, its place
    from M Gaussians of two numbers that go together, with the pen up or down.

    Shape   logits (*B, M) of the Gaussians, mean (*B, M, 2), log_scale (*B, M, 2), logarithms of
            the standard deviations, slant (*B, M), atanh of the correlations, up (*B,) and
            end (*B,), logits
    Source  Graves 2013, arXiv:1308.0850, equations 18 to 25. There the flag says that the pen is
            lifted behind a step, and must be guessed before it is known where that led; here, that
            it is up during the step. The end is ours: his texts say by themselves when they end.
            log_scale and slant are kept within WIDEST and SLANTED, so that no density is endless
    """

    logits: Tensor
    mean: Tensor
    log_scale: Tensor
    slant: Tensor
    up: Tensor
    end: Tensor

    @classmethod
    def of(cls, raw: Tensor) -> StepDensity:
        """From what a linear layer says, (*B, 6 M + 2), in the order of the fields.

        Raises  E201 for a width that is no such number
        """
        m, rest = divmod(raw.shape[-1] - FLAGS, 6)
        if m < 1 or rest:
            raise ShapeError("E201", "StepDensity", f"{raw.shape[-1]} numbers are no density",
                             got={"raw": raw.node}, need="raw (*B, 6 M + 2), M at least 1")
        pair = lambda at: raw[..., at:at + 2 * m].reshape(*raw.shape[:-1], m, 2)
        return cls(raw[..., :m], pair(m), pair(3 * m).clamp(-WIDEST, WIDEST),
                   raw[..., 5 * m:6 * m].clamp(-SLANTED, SLANTED), raw[..., -2], raw[..., -1])

    def log_prob(self, step: Tensor) -> Tensor:
        """Nats: the logarithm of the density of steps (*B, 4) -> (*B,): right, up, 1 where the pen
        is up, 1 where there is no step but the end, of which only the chance counts.

        With r = atanh of the correlation, 1 - correlation^2 is 1/cosh(r)^2 and the exponent of
        equations 24 and 25 a sum of two squares: nothing is lost where the correlation is near 1.
        """
        off = (step[..., :2].unsqueeze(-2) - self.mean) * (-self.log_scale).exp()  # (*B, M, 2)
        cosh = self.slant.cosh()
        across = off[..., 0] * cosh - off[..., 1] * self.slant.sinh()
        each = (cosh.log() - self.log_scale.sum(-1) - math.log(2 * math.pi)
                - 0.5 * (across.square() + off[..., 1].square()))                # (*B, M)
        place: Tensor = (self.log_weights() + each).logsumexp(-1)                # (*B,)
        said = lambda logit, flag: -F.binary_cross_entropy_with_logits(logit, flag,
                                                                       reduction="none")
        going = (place + said(self.up, step[..., 2])).where(step[..., 3] == 0, 0.0)
        found: Tensor = going + said(self.end, step[..., 3])
        return found

    def log_weights(self) -> Tensor:
        """Logarithms of the shares of the Gaussians, (*B, M); one Gaussian alone is no mistake."""
        return self.logits - self.logits.logsumexp(-1, keepdim=True)

    def sharpened(self, bias: float) -> StepDensity:
        """Nearer to what is likeliest: a bias of 0 changes nothing, one of 5 leaves little chance.

        Source  Graves 2013, equations 61 and 62
        """
        return self._replace(logits=self.logits * (1 + bias), log_scale=self.log_scale - bias)

    def draw(self, chance: Tensor, noise: Tensor) -> Tensor:
        """Steps (*B, 4) of this density, from numbers that are uniform in [0, 1), (*B, 3), and
        numbers that are normal, (*B, 2).
        """
        below = self.log_weights().exp().cumsum(-1)[..., :-1]                    # (*B, M - 1)
        which = (below <= chance[..., :1]).long().sum(-1)
        one = F.one_hot(which, self.logits.shape[-1]).to(self.mean.dtype)        # (*B, M)
        mean, scale = ((x * one.unsqueeze(-1)).sum(-2) for x in (self.mean, self.log_scale.exp()))
        slant = (self.slant * one).sum(-1)
        second = noise[..., 0] * slant.tanh() + noise[..., 1] / slant.cosh()
        place = mean + scale * stack([noise[..., 0], second], -1)                # (*B, 2)
        flags = (chance[..., 1:] < stack([self.up, self.end], -1).sigmoid()).to(place.dtype)
        end = flags[..., 1:]
        return cat([place * (1 - end), flags[..., :1] * (1 - end), end], -1)


def stroke_loss(raw: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Minus the log-likelihood of the next steps, in nats per step, without those that fill up;
    the end counts as one.

    Shape   raw (*B, 6 M + 2), target (*B, 5): a step or the end, and 1, or 0 in what
            fills up -> (), or (*B,) for reduction="none"
    Raises  E201 for another width of raw
    """
    there = target[..., 4]
    each = -StepDensity.of(raw).log_prob(target[..., :4]).where(there > 0, 0.0)
    return each if reduction == "none" else each.sum() / there.sum()


class StrokeWriter(Module):
    """An LSTM is told what to write and the steps of the pen so far; it says what step is next.

    Shape   x: steps (B, T, 5) before, as `stroke_loss` has them, the first one zeros, and labels
            int (B,), as a pair -> (B, T, 6 components + 2), as StepDensity takes it
    Params  as their layers say
    Raises  E204 for sizes below 1
    Source  Graves 2013, arXiv:1308.0850, section 4, with one layer, a label in place of a text;
            one component is a single Gaussian
    Example
        >>> writer = StrokeWriter(10, hidden=8, components=3)
        >>> labels = sheer.tensor([4, 7])
        >>> writer((sheer.zeros(2, 6, 5), labels)).shape, writer.write(labels, 9).shape
        ((2, 6, 20), (2, 9, 5))
    """
    lstm: LSTM
    out: Linear
    classes: int

    def __init__(self, classes: int, hidden: int = 128, components: int = 10) -> None:
        super().__init__()
        positive("StrokeWriter", classes=classes, hidden=hidden, components=components)
        self.classes = classes
        self.lstm = LSTM(2 + FLAGS + classes, hidden, batch_first=True)
        self.out = Linear(hidden, 6 * components + FLAGS)

    def forward(self, x: tuple[Tensor, Tensor]) -> Tensor:
        raw, _ = self._read(*x)
        return raw

    def _read(self, steps: Tensor, labels: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """What is said after each step, and the state of the LSTM after the last."""
        kind = F.one_hot(labels, self.classes).to(steps.dtype).unsqueeze(1)      # (B, 1, K)
        seen = cat([steps[..., :-1], kind.expand(*steps.shape[:2], self.classes)], -1)
        states, last = self.lstm(seen, state)                                    # (B, T, hidden)
        return self.out(states), last

    def write(self, labels: Tensor, steps: int, bias: float = 0.0,
              generator: Generator | None = None) -> Tensor:
        """Digits drawn step by step, each step from the density given all before: (B, steps, 5).

        A row ends with its end, or is cut off; zeros fill it up.

        bias       0 draws from the density itself, more makes a neater hand
        generator  of the chances; the same seed writes the same
        """
        rows, hidden = labels.shape[0], self.lstm.hidden_size
        with no_grad():
            chances = (rand(steps, rows, 1 + FLAGS, generator=generator),
                       randn(steps, rows, 2, generator=generator))
            def step(carry: Any, chance: Any) -> Any:
                state, before, there = carry
                raw, state = self._read(before.unsqueeze(1), labels, state)
                drawn = StepDensity.of(raw[:, 0]).sharpened(bias).draw(*chance)
                now = cat([drawn, there], 1) * there                             # (B, 5)
                return (state, now, there * (1 - now[:, 3:4])), now
            empty = zeros(1, rows, hidden)
            start = ((empty, empty), zeros(rows, 3 + FLAGS), ones(rows, 1))
            drawn: Tensor = scan(step, start, chances)[1].transpose(0, 1)
        return drawn
