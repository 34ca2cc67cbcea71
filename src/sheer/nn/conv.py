"""Convolution layers over one, two or three spatial axes, and their transposes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..graph.errors import ArgumentError
from ..ops.sliding import per_axis
from ..tensor import Tensor
from . import functional as F
from . import init
from .functional.common import choice
from .functional.convolution import padded_conv
from .linear import bias_word, empty, give_bias, positive
from .module import Module
from .parameter import Parameter

MODES = ("zeros", "reflect", "replicate", "circular")
Setting = Any     # an int, or a sequence with one per spatial axis


class _Conv(Module):
    """What all convolution layers hold."""
    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...] | str
    dilation: tuple[int, ...]
    groups: int
    padding_mode: str
    weight: Parameter
    bias: Parameter | None

    axes = 2
    transposed = False

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Setting,
                 stride: Setting = 1, padding: Setting = 0, dilation: Setting = 1,
                 groups: int = 1, bias: bool | str = True, padding_mode: str = "zeros",
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        name = type(self).__name__
        positive(name, in_channels=in_channels, out_channels=out_channels, groups=groups)
        if in_channels % groups or out_channels % groups:
            raise ArgumentError("E204", name,
                                f"{in_channels} and {out_channels} channels do not divide into "
                                f"{groups} groups", need="a number of groups that divides both")
        choice(name, "padding_mode", padding_mode, MODES[:1] if self.transposed else MODES)
        spread = lambda what, value: per_axis(name, what, value, self.axes)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = spread("kernel_size", kernel_size), spread("stride", stride)
        self.dilation, self.padding_mode = spread("dilation", dilation), padding_mode
        for what, value in (("kernel_size", self.kernel_size), ("stride", self.stride),
                            ("dilation", self.dilation)):
            positive(name, **{what: min(value)})
        if isinstance(padding, str):
            choice(name, "padding", padding, ("same", "valid"))
            if padding == "same" and max(self.stride) > 1:
                raise ArgumentError("E124", name, f'padding="same" with stride {self.stride}',
                                    need='stride 1, or padding in numbers')
        self.padding = padding if isinstance(padding, str) else spread("padding", padding)
        lead = in_channels, out_channels // groups
        if not self.transposed:
            lead = out_channels, in_channels // groups
        self.weight = empty((*lead, *self.kernel_size), dtype)
        give_bias(self, bias, out_channels, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values: ~ U(-r, r), r = 1/sqrt(fan_in), as torch has it."""
        r = 1 / math.sqrt(init.fans(self.weight)[0])
        init.uniform_(self.weight, -r, r)
        if self.bias is not None:
            init.uniform_(self.bias, -r, r)

    def forward(self, x: Tensor) -> Tensor:
        settings = self.stride, self.padding, self.dilation, self.groups
        return padded_conv(self.axes, x, self.weight, self.bias, settings, self.padding_mode)

    def extra_repr(self) -> str:
        ones, zeros = (1,) * self.axes, (0,) * self.axes
        extra = getattr(self, "output_padding", zeros)
        word = bias_word(self.bias, self.out_channels)
        parts = [f"{self.in_channels}, {self.out_channels}", f"kernel_size={self.kernel_size}",
                 f"stride={self.stride}",
                 *([f"padding={self.padding}"] if self.padding != zeros else []),
                 *([f"dilation={self.dilation}"] if self.dilation != ones else []),
                 *([f"output_padding={extra}"] if extra != zeros else []),
                 *([f"groups={self.groups}"] if self.groups != 1 else []),
                 *([f"bias={word}"] if word != "True" else []),
                 *([f"padding_mode={self.padding_mode}"] if self.padding_mode != "zeros" else [])]
        return ", ".join(parts)


class Conv1d(_Conv):
    """Cross-correlation with learned filters along one axis.

    Shape   x (N, in_channels, L) or (in_channels, L) -> (N, out_channels, L'),
            L' = (L + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1
    Params  weight (out_channels, in_channels / groups, k) and bias (out_channels,), ~ U(-r, r),
            r = 1/sqrt(in_channels / groups * k)
    Raises  E203 for ranks, E202 for dtypes, E121 for channels, E122 for a kernel that does not fit,
            E123, E124 and E204 for settings
    Source  torch.nn.Conv1d
    Example
        >>> nn.Conv1d(2, 4, 3, stride=2)(sheer.ones(1, 2, 9)).shape
        (1, 4, 4)
    """
    axes = 1


class Conv2d(_Conv):
    """Cross-correlation with learned filters over two axes.

    Shape   x (N, in_channels, H, W) or (in_channels, H, W) -> (N, out_channels, H', W'), each
            S' = (S + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1
    Params  weight (out_channels, in_channels / groups, *k) and bias (out_channels,), ~ U(-r, r),
            r = 1/sqrt(in_channels / groups * product of k)
    Raises  E203 for ranks, E202 for dtypes, E121 for channels, E122 for a kernel that does not fit,
            E123, E124 and E204 for settings
    Source  torch.nn.Conv2d
    Example
        >>> nn.Conv2d(3, 8, 5, padding="same")(sheer.ones(1, 3, 9, 9)).shape
        (1, 8, 9, 9)
    """


class Conv3d(_Conv):
    """Cross-correlation with learned filters over three axes.

    Shape   x (N, in_channels, D, H, W) or (in_channels, D, H, W) -> (N, out_channels, D', H', W')
    Params  weight (out_channels, in_channels / groups, *k) and bias (out_channels,), ~ U(-r, r),
            r = 1/sqrt(in_channels / groups * product of k)
    Raises  E203 for ranks, E202 for dtypes, E121 for channels, E122 for a kernel that does not fit,
            E123, E124 and E204 for settings
    Source  torch.nn.Conv3d
    Example
        >>> nn.Conv3d(1, 2, (1, 3, 3), padding=(0, 1, 1))(sheer.ones(1, 1, 4, 6, 6)).shape
        (1, 2, 4, 6, 6)
    """
    axes = 3


class _ConvTranspose(_Conv):
    """What transposed convolutions hold besides."""
    output_padding: tuple[int, ...]

    transposed = True

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Setting,
                 stride: Setting = 1,
                 padding: Setting = 0, output_padding: Setting = 0, groups: int = 1,
                 bias: bool | str = True,
                 dilation: Setting = 1, padding_mode: str = "zeros", device: Any = None,
                 dtype: Any = None) -> None:
        if isinstance(padding, str):
            raise ArgumentError("E204", type(self).__name__, f"padding={padding!r}",
                                need="a number")
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups,
                         bias,
                         padding_mode, device, dtype)
        self.output_padding = per_axis(type(self).__name__, "output_padding", output_padding,
                                       self.axes)

    def forward(self, x: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        function = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[self.axes - 1]
        extra = self.output_padding if output_size is None else self._reach(x, tuple(output_size))
        return function(x, self.weight, self.bias, self.stride, self.padding, extra, self.groups,
                        self.dilation)

    def _reach(self, x: Tensor, wanted: tuple[int, ...]) -> tuple[int, ...]:
        """The output_padding that gives images of the wanted size.

        Raises E204 when there is none.
        """
        assert not isinstance(self.padding, str)
        rows = zip(x.shape[-self.axes:], self.stride, self.padding, self.dilation, self.kernel_size,
                   wanted[-self.axes:], strict=True)
        extra = tuple(w - ((n - 1) * s - 2 * p + d * (k - 1) + 1) for n, s, p, d, k, w in rows)
        if any(not 0 <= e < s for e, s in zip(extra, self.stride, strict=True)):
            low = tuple(w - e for w, e in zip(wanted[-self.axes:], extra, strict=True))
            raise ArgumentError("E204", type(self).__name__,
                                f"output_size {wanted} cannot be reached",
                                got={"input": x.node},
                                need=f"from {low} to less than a stride more")
        return extra


class ConvTranspose1d(_ConvTranspose):
    """Conv1d backwards: each input element spreads over the output by a learned filter.

    Shape   x (N, in_channels, L) -> (N, out_channels, L'),
            L' = (L - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1
    Params  weight (in_channels, out_channels / groups, k) and bias (out_channels,), ~ U(-r, r),
            r = 1/sqrt(out_channels / groups * k)
    Raises  E203 for ranks, E202 for dtypes, E121 for channels, E122 for a padding that leaves
            nothing, E123, E124 and E204 for settings, E204 for an output_size out of reach
    Source  torch.nn.ConvTranspose1d
    Example
        >>> spread = nn.ConvTranspose1d(1, 1, 2, stride=2, bias=False)
        >>> _ = nn.init.ones_(spread.weight)
        >>> spread(sheer.tensor([[[1.0, 5.0]]])).tolist()
        [[[1.0, 1.0, 5.0, 5.0]]]
    """
    axes = 1


class ConvTranspose2d(_ConvTranspose):
    """Conv2d backwards: each input element spreads over the output by a learned filter.

    Shape   x (N, in_channels, H, W) -> (N, out_channels, H', W'), each
            S' = (S - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1
    Params  weight (in_channels, out_channels / groups, *k) and bias (out_channels,), ~ U(-r, r),
            r = 1/sqrt(out_channels / groups * product of k)
    Raises  E203 for ranks, E202 for dtypes, E121 for channels, E122 for a padding that leaves
            nothing, E123, E124 and E204 for settings, E204 for an output_size out of reach
    Source  torch.nn.ConvTranspose2d
    Example
        >>> down, up = nn.Conv2d(1, 4, 3, stride=2), nn.ConvTranspose2d(4, 1, 3, stride=2)
        >>> x = sheer.ones(1, 1, 8, 8)
        >>> up(down(x)).shape, up(down(x), output_size=(8, 8)).shape
        ((1, 1, 7, 7), (1, 1, 8, 8))
    """


class ConvTranspose3d(_ConvTranspose):
    """Conv3d backwards: each input element spreads over the output by a learned filter.

    Shape   x (N, in_channels, D, H, W) -> (N, out_channels, D', H', W')
    Params  weight (in_channels, out_channels / groups, *k) and bias (out_channels,), ~ U(-r, r),
            r = 1/sqrt(out_channels / groups * product of k)
    Raises  E203 for ranks, E202 for dtypes, E121 for channels, E122 for a padding that leaves
            nothing, E123, E124 and E204 for settings, E204 for an output_size out of reach
    Source  torch.nn.ConvTranspose3d
    Example
        >>> nn.ConvTranspose3d(2, 1, 2, stride=2)(sheer.ones(1, 2, 3, 4, 5)).shape
        (1, 1, 6, 8, 10)
    """
    axes = 3
