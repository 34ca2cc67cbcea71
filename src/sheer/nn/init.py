"""Initial values with torch's names: each function writes into a tensor and gives it back.

Values are computed once by the reference backend, so that equal seeds give equal weights on every
backend. They are those of sheer's generator, not of torch's: the distributions agree, the numbers
do not.
"""

from __future__ import annotations

import difflib
import math

import numpy as np

from .. import ops
from ..graph.dtypes import float64
from ..graph.errors import ArgumentError, ShapeError
from ..graph.node import Node
from ..mixins.core import Core
from ..tensor import Tensor
from .draws import Generator, next_key
from .parameter import put

_GAINS = {"linear": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0, "conv_transpose1d": 1.0,
          "conv_transpose2d": 1.0, "conv_transpose3d": 1.0, "sigmoid": 1.0, "tanh": 5 / 3,
          "relu": math.sqrt(2), "selu": 3 / 4}       # as torch.nn.init.calculate_gain lists them


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much to scale weights so that a layer with this activation keeps the variance.

    Shape   () -> ()
    Raises  E204 for an activation that has none
    Source  torch.nn.init.calculate_gain
    Example
        >>> round(sheer.nn.init.calculate_gain("relu"), 4)           # the root of 2
        1.4142
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2 / (1 + slope * slope))
    if nonlinearity not in _GAINS:
        near = difflib.get_close_matches(nonlinearity, [*_GAINS, "leaky_relu"], 3,
                                         0.3) or list(_GAINS)
        raise ArgumentError("E204", "calculate_gain", f"there is no gain for {nonlinearity!r}",
                            need=" or ".join(near))
    return _GAINS[nonlinearity]


def fans(tensor: Core) -> tuple[int, int]:
    """(fan_in, fan_out): inputs that one output reads, outputs that one input reaches.

    Shape   (fan_out, fan_in, *kernel) -> ()
    Raises  E203 for a tensor with fewer than two axes
    Source  He et al. 2015, arXiv:1502.01852; torch.nn.init
    Example
        >>> sheer.nn.init.fans(sheer.empty(8, 3, 5, 5))              # 3 * 5 * 5 and 8 * 5 * 5
        (75, 200)
    """
    shape = tensor.node.shape
    if len(shape) < 2:
        raise ShapeError("E203", "init", f"no fan in and fan out in {len(shape)} axes",
                         got={"tensor": tensor.node}, need="(fan_out, fan_in, *kernel)")
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


_calculate_fan_in_and_fan_out = fans                 # torch's name, which much code calls


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0,
             generator: Generator | None = None) -> Tensor:
    """~ U(a, b).

    Shape   (*S) -> (*S)
    Raises  E168 when a is above b, E105 for integers
    Source  torch.nn.init.uniform_
    Example
        >>> w = sheer.nn.init.uniform_(sheer.empty(1000), -2.0, 2.0)
        >>> bool(w.min() >= -2), bool(w.max() < 2), bool(w.mean().abs() < 0.2)
        (True, True, True)
    """
    return _fill(tensor, ops.random.uniform(_key(generator), tensor.shape, a, b, tensor.dtype))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0,
            generator: Generator | None = None) -> Tensor:
    """~ N(mean, std^2).

    Shape   (*S) -> (*S)
    Raises  E168 for a negative std, E105 for integers
    Source  torch.nn.init.normal_
    Example
        >>> w = sheer.nn.init.normal_(sheer.empty(10000), mean=5.0, std=2.0)
        >>> round(w.mean().item()), round(w.std().item())
        (5, 2)
    """
    return _fill(tensor, ops.random.normal(_key(generator), tensor.shape, mean, std, tensor.dtype))


def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0,
                  b: float = 2.0,
                  generator: Generator | None = None) -> Tensor:
    """~ N(mean, std^2) given that it lies in [a, b]: values, not multiples of std.

    Shape   (*S) -> (*S)
    Raises  E168 for a negative std and when a is above b, E105 for integers
    Source  torch.nn.init.trunc_normal_
    Example
        >>> w = sheer.nn.init.trunc_normal_(sheer.empty(1000), a=-1.0, b=1.0)
        >>> bool(w.abs().max() <= 1)
        True
    """
    drawn = ops.random.truncated_normal(_key(generator), tensor.shape, mean, std, low=a, high=b,
                                        dtype=tensor.dtype)
    return _fill(tensor, drawn)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """val everywhere.

    Shape   (*S) -> (*S)
    Source  torch.nn.init.constant_
    Example
        >>> sheer.nn.init.constant_(sheer.empty(2), 0.5)
        tensor([0.5, 0.5])
    """
    return _fill(tensor, ops.broadcast_to(ops.constant(val, tensor.dtype), tensor.shape))


def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere.

    Shape   (*S) -> (*S)
    Source  torch.nn.init.zeros_
    Example
        >>> sheer.nn.init.zeros_(sheer.empty(2))
        tensor([0., 0.])
    """
    return constant_(tensor, 0)


def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere.

    Shape   (*S) -> (*S)
    Source  torch.nn.init.ones_
    Example
        >>> sheer.nn.init.ones_(sheer.empty(2))
        tensor([1., 1.])
    """
    return constant_(tensor, 1)


def eye_(tensor: Tensor) -> Tensor:
    """1 on the diagonal of a matrix, 0 elsewhere.

    Shape   (m, n) -> (m, n)
    Raises  E203 for anything but a matrix
    Source  torch.nn.init.eye_
    Example
        >>> sheer.nn.init.eye_(sheer.empty(2, 3))
        tensor([[1., 0., 0.],
                [0., 1., 0.]])
    """
    if tensor.ndim != 2:
        raise ShapeError("E203", "eye_", f"{tensor.ndim} axes are no matrix",
                         got={"tensor": tensor.node},
                         need="two axes")
    return _fill(tensor, ops.constant(np.eye(*tensor.shape, dtype=tensor.dtype.numpy)))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Filters that hand their inputs on unchanged (in each group), as far as there are channels.

    Shape   (O, I / groups, *kernel) -> the same
    Raises  E203 unless there are 3 to 5 axes whose first divides by groups
    Source  torch.nn.init.dirac_
    Example
        >>> w = sheer.nn.init.dirac_(sheer.empty(2, 2, 3))
        >>> F.conv1d(sheer.tensor([[1.0, 2.0], [3.0, 4.0]]), w, padding=1)
        tensor([[1., 2.],
                [3., 4.]])
    """
    shape = tensor.shape
    if len(shape) not in (3, 4, 5) or shape[0] % groups:
        raise ShapeError("E203", "dirac_", f"no filters of {groups} groups",
                         got={"tensor": tensor.node},
                         need="(O, I / groups, *kernel) with O divisible by groups")
    out = np.zeros(shape, tensor.dtype.numpy)
    per_group = shape[0] // groups
    for group in range(groups):
        for i in range(min(per_group, shape[1])):
            out[(group * per_group + i, i, *(k // 2 for k in shape[2:]))] = 1
    return _fill(tensor, ops.constant(out))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0,
                    generator: Generator | None = None) -> Tensor:
    """~ U(-r, r), r = gain sqrt(6 / (fan_in + fan_out)).

    Shape   (fan_out, fan_in, *kernel) -> the same
    Raises  E203 for fewer than two axes
    Source  Glorot and Bengio 2010, equation 16; torch.nn.init.xavier_uniform_
    Example
        >>> w = sheer.nn.init.xavier_uniform_(sheer.empty(50, 100))  # r = 0.2
        >>> bool(0.19 < w.max() < 0.2)
        True
    """
    r = gain * math.sqrt(6 / _at_least_one(sum(fans(tensor))))
    return uniform_(tensor, -r, r, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """~ N(0, gain^2 2 / (fan_in + fan_out)).

    Shape   (fan_out, fan_in, *kernel) -> the same
    Raises  E203 for fewer than two axes
    Source  Glorot and Bengio 2010, equation 12; torch.nn.init.xavier_normal_
    Example
        >>> w = sheer.nn.init.xavier_normal_(sheer.empty(100, 100))
        >>> round(w.std().item(), 2)
        0.1
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2 / _at_least_one(sum(fans(tensor)))), generator)


def kaiming_uniform_(tensor: Tensor, a: float = 0, mode: str = "fan_in",
                     nonlinearity: str = "leaky_relu",
                     generator: Generator | None = None) -> Tensor:
    """~ U(-r, r), r = gain sqrt(3 / fan).

    Shape   (fan_out, fan_in, *kernel) -> the same
    Raises  E203 for fewer than two axes, E204 for a mode or activation that is none
    Source  He et al. 2015, arXiv:1502.01852, equation 10; torch.nn.init.kaiming_uniform_
    Example
        >>> w = sheer.nn.init.kaiming_uniform_(sheer.empty(50, 150), nonlinearity="relu")
        >>> bool(0.19 < w.max() < 0.2)                               # r = 0.2
        True
    """
    r = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -r, r, generator)


def kaiming_normal_(tensor: Tensor, a: float = 0, mode: str = "fan_in",
                    nonlinearity: str = "leaky_relu",
                    generator: Generator | None = None) -> Tensor:
    """~ N(0, gain^2 / fan).

    Shape   (fan_out, fan_in, *kernel) -> the same
    Raises  E203 for fewer than two axes, E204 for a mode or activation that is none
    Source  He et al. 2015, arXiv:1502.01852, equation 10; torch.nn.init.kaiming_normal_
    Example
        >>> w = sheer.nn.init.kaiming_normal_(sheer.empty(100, 200), nonlinearity="relu")
        >>> round(w.std().item(), 2)
        0.1
    """
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """gain times a random matrix with orthonormal rows or columns, whichever are fewer.

    Shape   (rows, *columns) -> the same
    Raises  E203 for fewer than two axes; further axes count as columns
    Source  Saxe et al. 2013, arXiv:1312.6120; Mezzadri 2006 for the signs
    Example
        >>> w = sheer.nn.init.orthogonal_(sheer.empty(3, 8))
        >>> sheer.allclose(w @ w.mT, sheer.eye(3), atol=1e-5)
        True
    """
    fans(tensor)
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    tall = (max(rows, columns), min(rows, columns))
    q, r = np.linalg.qr(_values(ops.random.normal(_key(generator), tall, dtype=float64)))
    q = q * np.sign(np.diagonal(r))                       # else the signs would depend on LAPACK
    q = q.T if rows < columns else q
    return _fill(tensor, ops.constant((gain * q).reshape(tensor.shape), tensor.dtype))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01,
            generator: Generator | None = None) -> Tensor:
    """~ N(0, std^2), with a share `sparsity` (rounded up) of every column set to 0.

    Shape   (m, n) -> (m, n)
    Raises  E203 for anything but a matrix
    Source  Martens 2010; torch.nn.init.sparse_
    Example
        >>> w = sheer.nn.init.sparse_(sheer.empty(10, 3), sparsity=0.8)
        >>> (w == 0).sum(0)                                          # 8 in each column
        tensor([8, 8, 8])
    """
    if tensor.ndim != 2:
        raise ShapeError("E203", "sparse_", f"{tensor.ndim} axes are no matrix",
                         got={"tensor": tensor.node},
                         need="two axes")
    rows, columns = tensor.shape
    normal_(tensor, 0.0, std, generator)
    keys = ops.random.split(_key(generator), columns)
    order = ops.random.Permutation(rows)(keys)                                     # (columns, rows)
    drop = ops.permute(ops.lt(order, math.ceil(sparsity * rows)), (1, 0))
    return _fill(tensor, ops.where(drop, 0.0, tensor.detach().node))


def siren_uniform_(tensor: Tensor, omega: float = 30.0, first: bool = False,
                   generator: Generator | None = None) -> Tensor:
    """~ U(-r, r), r = sqrt(6 / fan_in) / omega, 1 / fan_in in the first layer: for sines.

    Shape   (fan_out, fan_in, *kernel) -> the same
    Raises  E203 for fewer than two axes
    Source  Sitzmann et al. 2020, arXiv:2006.09661, section 3.2
    Example
        >>> w = sheer.nn.init.siren_uniform_(sheer.empty(50, 100), first=True)
        >>> bool(0.009 < w.max() < 0.01)
        True
    """
    fan = _at_least_one(fans(tensor)[0])
    r = 1 / fan if first else math.sqrt(6 / fan) / omega
    return uniform_(tensor, -r, r, generator)


def zero_row(tensor: Tensor, row: int | None) -> None:
    """0 in one row of a table, if there is one to be.

    Shape   (n, d) -> None
    Source  definition
    Example
        >>> table = sheer.ones(3, 2)
        >>> sheer.nn.init.zero_row(table, 1)
        >>> table
        tensor([[1., 1.],
                [0., 0.],
                [1., 1.]])
    """
    if row is not None:
        values = np.array(tensor.detach().numpy())
        values[row] = 0
        _fill(tensor, ops.constant(values))


def _fill(tensor: Tensor, node: Node) -> Tensor:
    put(tensor, Tensor(node))
    return tensor


def _key(generator: Generator | None) -> Node:
    return next_key(generator).node


def _values(node: Node) -> np.ndarray:
    from ..transforms import execute
    with execute.backend("reference"):
        return execute.evaluate([node])[0]


def _at_least_one(n: int) -> int:
    """The fan of an empty tensor counts as 1: there is nothing to fill."""
    return max(n, 1)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError("E204", "kaiming", f"mode={mode!r} is unknown",
                            need="'fan_in' or 'fan_out'")
    fan = fans(tensor)[0 if mode == "fan_in" else 1]
    return calculate_gain(nonlinearity, a) / math.sqrt(_at_least_one(fan))


# the old names, which torch still has
uniform, normal, constant, eye, dirac = uniform_, normal_, constant_, eye_, dirac_
xavier_uniform, xavier_normal = xavier_uniform_, xavier_normal_
kaiming_uniform, kaiming_normal = kaiming_uniform_, kaiming_normal_
orthogonal, sparse = orthogonal_, sparse_
