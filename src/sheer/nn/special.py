"""Activations with parameters, periodic ones, steps, and the user's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..graph.errors import ArgumentError
from ..tensor import Tensor
from . import functional as F
from . import init
from .linear import empty, positive
from .module import Module
from .parameter import Parameter


class PReLU(Module):
    """x above 0, weight * x below, with one learned slope or one per channel.

    Shape   x (N, num_parameters, *S) -> the same; any (*S) with one slope
    Params  weight (num_parameters,) = init
    Raises  E203 for another number of channels, E204 for num_parameters below 1
    Source  He et al. 2015, arXiv:1502.01852; torch.nn.PReLU
    Example
        >>> slopes = nn.PReLU(2)                    # one for each of two channels
        >>> slopes(sheer.tensor([[-4.0, 8.0]])).tolist(), slopes.weight.shape
        ([[-1.0, 8.0]], (2,))
    """
    num_parameters: int
    init: float
    weight: Parameter

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        positive("PReLU", num_parameters=num_parameters)
        self.num_parameters, self.init = num_parameters, init
        self.weight = empty((num_parameters,), dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """All slopes as at the start."""
        init.constant_(self.weight, self.init)

    def forward(self, x: Tensor) -> Tensor:
        return F.prelu(x, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class Swish(Module):
    """x * sigmoid(beta x), with a fixed or a learned beta.

    Shape   x (*S) -> (*S)
    Params  beta () = the given value, if learned
    Source  Ramachandran et al. 2017, arXiv:1710.05941
    Example
        >>> nn.Swish(beta=2.0)(sheer.tensor([-1.0, 1.0]))
        tensor([-0.1192,  0.8808])
        >>> nn.Swish(learned=True).beta.requires_grad
        True
    """
    beta: Any

    def __init__(self, beta: float = 1.0, learned: bool = False) -> None:
        super().__init__()
        self.beta = Parameter(float(beta)) if learned else float(beta)

    def forward(self, x: Tensor) -> Tensor:
        return F.swish(x, self.beta)

    def extra_repr(self) -> str:
        return f"beta={self.beta}" if isinstance(self.beta, float) else "learned beta"


class Maxout(Module):
    """The largest of each `pieces` neighbours along an axis, say of a Linear in front.

    Shape   x (*A, C pieces, *Z) -> (*A, C, *Z)
    Raises  E203 when the length is no multiple of pieces, E204 for pieces below 1, E110 for an axis
            that does not exist
    Source  Goodfellow et al. 2013, arXiv:1302.4389
    Example
        >>> nn.Maxout(2)(sheer.tensor([[1.0, 5.0, -2.0, -3.0]]))
        tensor([[ 5., -2.]])
    """
    pieces: int
    dim: int

    def __init__(self, pieces: int, dim: int = -1) -> None:
        super().__init__()
        positive("Maxout", pieces=pieces)
        self.pieces, self.dim = pieces, dim

    def forward(self, x: Tensor) -> Tensor:
        return F.maxout(x, self.pieces, self.dim)

    def extra_repr(self) -> str:
        return f"pieces={self.pieces}, dim={self.dim}"


class Sine(Module):
    """sin(omega x).

    Shape   x (*S) -> (*S)
    Source  Sitzmann et al. 2020, arXiv:2006.09661
    Example
        >>> nn.Sine(30.0)(sheer.tensor([0.0, np.pi / 60]))
        tensor([0., 1.])
    """
    omega: float

    function = staticmethod(F.sine)

    def __init__(self, omega: float = 1.0) -> None:
        super().__init__()
        self.omega = omega

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, self.omega)

    def extra_repr(self) -> str:
        return f"omega={self.omega}"


class Cosine(Sine):
    """cos(omega x).

    Shape   x (*S) -> (*S)
    Source  definition
    Example
        >>> nn.Cosine(2.0)(sheer.tensor([0.0, np.pi / 2]))
        tensor([ 1., -1.])
    """
    function = staticmethod(F.cosine)


class Snake(Module):
    """x + sin(a x)^2 / a: periodic, and still growing.

    Shape   x (*S) -> (*S)
    Raises  E204 for a = 0
    Source  Ziyin et al. 2020, arXiv:2006.08195
    Example
        >>> x = sheer.tensor([0.0, np.pi])          # one period of sin(a x)^2 is pi / a
        >>> nn.Snake(2.0)(x) - x
        tensor([0., 0.])
    """
    a: float

    def __init__(self, a: float = 1.0) -> None:
        super().__init__()
        if a == 0:
            raise ArgumentError("E204", "Snake", "a = 0", need="a frequency other than 0")
        self.a = a

    def forward(self, x: Tensor) -> Tensor:
        return F.snake(x, self.a)

    def extra_repr(self) -> str:
        return f"a={self.a}"


class Step(Module):
    """1 where x >= 0, else 0; the derivative is 0, or, straight through, 1 where |x| <= 1.

    Shape   x (*S) -> (*S)
    Source  Bengio et al. 2013, arXiv:1308.3432
    Example
        >>> x = sheer.tensor([-0.5, 2.0], requires_grad=True)
        >>> y = nn.Step(straight_through=True)(x)
        >>> y.sum().backward()
        >>> y.tolist(), x.grad.tolist()
        ([0.0, 1.0], [1.0, 0.0])
    """
    straight_through: bool

    def __init__(self, straight_through: bool = False) -> None:
        super().__init__()
        self.straight_through = straight_through

    def forward(self, x: Tensor) -> Tensor:
        return F.step(x, self.straight_through)

    def extra_repr(self) -> str:
        return f"straight_through={self.straight_through}"


class Activation(Module):
    """An activation of your own: a function of a tensor, and a derivative if you know better.

    Shape   x (*S) -> that of function(x)
    Source  definition
    Example
        >>> bent = nn.Activation(lambda x: ((x * x + 1).sqrt() - 1) / 2 + x)
        >>> bent(sheer.tensor([0.0])).tolist()
        [0.0]
    """
    function: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor], Tensor] | None

    def __init__(self, function: Callable[[Tensor], Tensor],
                 derivative: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__()
        self.function, self.derivative = function, derivative

    def forward(self, x: Tensor) -> Tensor:
        return F.custom(x, self.function, self.derivative)

    def extra_repr(self) -> str:
        return getattr(self.function, "__name__", "function")
