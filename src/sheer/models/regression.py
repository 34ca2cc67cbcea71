"""Linear and logistic regression: rows and targets flow in, the exact best coefficients come out.

They are `nn.Linear` layers, so they also train by any optimizer; `solve` needs no learning rate.
"""

from __future__ import annotations

from typing import Any

from .. import linalg, nn
from ..graph.dtypes import float64
from ..graph.errors import ArgumentError
from ..mixins.core import no_grad
from ..namespace_creation import eye, ones, zeros
from ..namespace_joining import cat
from ..nn import functional as F
from ..tensor import Tensor, as_tensor
from ..transforms.grad import grad
from ..transforms.jacobian import hessian
from ..transforms.jit import jit


class LinearRegression(nn.Linear):
    """y = x @ weight.T + bias, solved in closed form; with l2, ridge regression.

    Shape   x (*B, in_features) -> (*B, out_features)
    Params  those of nn.Linear
    Source  definition; Hoerl and Kennard 1970 for the ridge, which leaves the bias alone
    """

    @no_grad()
    def solve(self, x: Any, y: Any, l2: float = 0.0) -> LinearRegression:
        """Weights with the least sum of squared errors + l2 * sum of squared weights.

        Least squares of the rows themselves (with sqrt(l2) rows below), in float64.
        Shape   x (N, in_features), y (N, out_features) or (N,)
        """
        x, y = as_tensor(x, float64), as_tensor(y, float64)
        y = y.reshape(len(x), -1)                                       # (N, out_features)
        middle = (x.mean(0), y.mean(0)) if self.bias is not None else (0.0, 0.0)
        rows, wanted = x - middle[0], y - middle[1]
        if l2:
            width = x.shape[1]
            rows = cat([rows, l2 ** 0.5 * eye(width, dtype=x.dtype)])   # (N + d, in_features)
            wanted = cat([wanted, zeros(width, y.shape[1], dtype=x.dtype)])
        weight = linalg.lstsq(rows, wanted).solution.mT                 # (out_features, d)
        self.weight.copy_(weight)
        if self.bias is not None:
            self.bias.copy_(middle[1] - weight @ middle[0])
        return self


class LogisticRegression(nn.Linear):
    """Scores of classes: one for two classes (sigmoid), else one per class (softmax).

    Shape   x (*B, in_features) -> (*B, out_features) logits
    Params  those of nn.Linear
    Source  definition; Newton's method with halved steps, Boyd and Vandenberghe 2004, 9.5
    """

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Mean log loss of labels 0, 1, ..., K - 1."""
        return _log_loss(self(x), y)

    @no_grad()
    def solve(self, x: Any, y: Any, l2: float = 0.0, steps: int = 100,
              tolerance: float = 1e-9) -> LogisticRegression:
        """Minimise the summed log loss + l2 / 2 * sum of squared weights, the bias left alone.

        Raises  E891 when it has not settled: classes that a plane separates have no best weights
        """
        x, y = as_tensor(x, float64), as_tensor(y)
        if self.bias is not None:
            x = cat([x, ones(len(x), 1, dtype=x.dtype)], 1)             # (N, d + 1)
        shape = self.weight.shape[0], x.shape[1]
        free = [1.0] * self.in_features + [0.0] * (x.shape[1] - self.in_features)
        share = as_tensor(free, dtype=x.dtype)                          # the bias costs nothing
        def cost(flat: Tensor) -> Tensor:
            w = flat.reshape(shape)
            return _log_loss(x @ w.mT, y) * len(x) + 0.5 * l2 * (w * w * share).sum()
        w = _newton(cost, zeros(shape[0] * shape[1], dtype=x.dtype), steps, tolerance)
        table = w.reshape(shape)
        self.weight.copy_(table[:, :self.in_features])
        if self.bias is not None:
            self.bias.copy_(table[:, -1])
        return self


def _log_loss(scores: Tensor, y: Tensor) -> Tensor:
    if scores.shape[-1] == 1:
        return F.binary_cross_entropy_with_logits(scores[:, 0], y.to(scores.dtype))
    return F.cross_entropy(scores, y)


def _newton(cost: Any, w: Tensor, steps: int, tolerance: float) -> Tensor:
    """The minimum of a convex function from w on; the step is halved until the cost falls."""
    value, slope, curve = jit(cost), jit(grad(cost)), jit(hessian(cost))
    for _ in range(steps):
        g = slope(w)
        if g.abs().max().item() < tolerance * max(1.0, value(w).item()):
            return w
        move = linalg.pinv(curve(w)) @ g     # softmax: equal shifts change nothing
        size, before = 1.0, value(w).item()
        while value(w - size * move).item() > before and size > 1e-6:
            size /= 2
        w = (w - size * move).detach()
    raise ArgumentError("E891", "LogisticRegression", f"no minimum found in {steps} steps",
                        got={"largest slope": f"{slope(w).abs().max().item():.2e}"},
                        need="classes that overlap, or l2 > 0",
                        tries=[("solve(x, y, l2=1.0)", lambda: None)])
