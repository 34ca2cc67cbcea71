"""Lazy layers: the first input flows in, and the sizes nobody wanted to write come with it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.dtypes import dtype_of, float32
from ..graph.errors import ArgumentError, ShapeError, StateError
from ..mixins.core import Core
from ..ops.structure import data
from ..tensor import Tensor
from ..transforms import trace
from . import batchnorm, conv
from .functional.common import passes_if
from .linear import Linear
from .module import Module
from .parameter import Buffer, Parameter, put


class _Uninitialized(Core):
    """A tensor whose shape is not known yet."""

    __slots__ = ()

    @property
    def shape(self) -> Any:
        """Raises E250: there is none before the layer has been called."""
        raise unknown_size()

    def materialize(self, shape: tuple[int, ...], device: Any = None, dtype: Any = None) -> None:
        """Become a tensor of that shape, of zeros, in place: who holds it holds the new one."""
        with trace.suspended():             # a trace that is running must not have seen it before
            kind = self.node.dtype if dtype is None else dtype_of(dtype)
            wants = self.requires_grad
            self.__class__ = Parameter if isinstance(self, Parameter) else Buffer  # type: ignore[assignment]
            self.requires_grad = False
            self._rebind(data(np.zeros(shape, kind.numpy)))
            if wants:
                self.requires_grad_()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class UninitializedParameter(_Uninitialized, Parameter):
    """A parameter whose shape comes with the first input of its layer.

    Raises  E250 when its shape is asked for before that
    Source  torch.nn.parameter.UninitializedParameter
    Example
        >>> weight = nn.UninitializedParameter()
        >>> weight.materialize((2, 3))              # what a lazy layer does at its first call
        >>> type(weight).__name__, weight.shape, weight.requires_grad
        ('Parameter', (2, 3), True)
    """

    __slots__ = ()

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        kind = float32 if dtype is None else dtype_of(dtype)
        super().__init__(np.zeros(0, kind.numpy), requires_grad)


class UninitializedBuffer(_Uninitialized, Buffer):
    """A buffer whose shape comes with the first input of its layer.

    Raises  E250 when its shape is asked for before that
    Source  torch.nn.parameter.UninitializedBuffer
    Example
        >>> norm = nn.LazyBatchNorm1d()
        >>> norm.running_mean
        UninitializedBuffer()
        >>> _ = norm(sheer.randn(5, 2))
        >>> norm.running_mean.shape
        (2,)
    """

    __slots__ = ()

    def __init__(self, requires_grad: bool = False, device: Any = None, dtype: Any = None) -> None:
        kind = float32 if dtype is None else dtype_of(dtype)
        super().__init__(np.zeros(0, kind.numpy))


def unknown_size() -> StateError:
    """E250, for whoever asks too early."""
    return StateError("E250", "lazy layer", "its sizes are not known before it has been called",
                      need="one call with an example, then the optimizer",
                      tries=[("model(x[:1])", lambda: None)])


class _Lazy(Module):
    """A layer that becomes another one at its first call.

    becomes    what it will be, made with the number of channels of the input and these settings
    channels   the axis, from the end, of an input with so many axes; None: the last one
    """

    becomes: Any = Linear
    channels: dict[int, int] | None = None

    def _wait(self, settings: dict[str, Any], parameters: list[str],
              buffers: tuple[str, ...] = ()) -> None:
        Module.__init__(self)
        self.__dict__["_settings"] = settings
        dtype = settings.get("dtype")
        _check_settings(type(self), self.becomes, settings)
        for name in ("weight", "bias"):
            self.register_parameter(name, UninitializedParameter(dtype=dtype)
                                    if name in parameters else None)
        for name in buffers:
            self.register_buffer(name, UninitializedBuffer(dtype=dtype))

    def has_uninitialized_params(self) -> bool:
        """Is there anything whose size is not known yet?"""
        mine = (*self._parameters.values(), *self._buffers.values())
        return any(isinstance(t, _Uninitialized) for t in mine)

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        self.initialize_parameters(x)
        return self.forward(x, *args, **kwargs)             # it is another class by now

    def initialize_parameters(self, x: Tensor) -> None:
        """Become the layer that fits this input.

        Raises  E203 for an input without a channel axis
        """
        with trace.suspended():
            real = self.becomes(self._count(x), **self.__dict__.pop("_settings"))
        for name, p in [*self._parameters.items(), *self._buffers.items()]:
            made = getattr(real, name)
            if isinstance(p, _Uninitialized):
                p.materialize(made.shape)
                with trace.suspended():
                    put(p, made.detach().to(p.dtype))
        held = set(real.__dict__) - {"_parameters", "_buffers", "_modules", "_training"}
        self.__dict__.update({n: real.__dict__[n] for n in held if not n.startswith("_")})
        for name, b in real._buffers.items():
            if name not in self._buffers:
                self.register_buffer(name, b)
        object.__setattr__(self, "__class__", self.becomes)

    def _count(self, x: Tensor) -> int:
        if self.channels is None:
            if x.ndim:
                return int(x.shape[-1])
        elif x.ndim in self.channels:
            return int(x.shape[self.channels[x.ndim]])
        allowed = "any but 0" if self.channels is None else " or ".join(map(str, self.channels))
        raise ShapeError("E203", type(self).__name__, f"input has {x.ndim} axes",
                         got={"input": x.node}, need=f"{allowed} axes",
                         tries=[("input.unsqueeze(0)",
                                 passes_if(x.ndim + 1 in (self.channels or {})))])

    def extra_repr(self) -> str:
        settings = self.__dict__["_settings"].items()
        return ", ".join(f"{k}={v}" for k, v in settings if k not in ("device", "dtype"))


def _check_settings(lazy: type, real: Any, settings: dict[str, Any]) -> None:
    """Raise for settings that no layer would take, now and not at the first call."""
    try:
        real(settings.get("groups", 1), **settings)
    except ArgumentError as e:
        e.op = lazy.__name__
        raise


class LazyLinear(_Lazy):
    """A Linear whose in_features are those of its first input.

    Shape   x (*B, d) -> (*B, out_features)
    Params  weight and bias as in Linear, from the first call on
    Raises  E250 when a size is asked for before the first call, E203 for an input without axes,
            E204 for out_features below 1; then as Linear
    Source  torch.nn.LazyLinear
    Example
        >>> head = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.LazyLinear(10))
        >>> head(sheer.ones(2, 1, 8, 8)).shape, head[2].in_features
        ((2, 10), 144)
    """

    def __init__(self, out_features: int, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        self._wait({"out_features": out_features, "bias": bias, "device": device, "dtype": dtype},
                   ["weight", *["bias"] * bias])


class _LazyConv(_Lazy):
    """What lazy convolutions hold."""

    def __init__(self, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
                 dilation: Any = 1, groups: int = 1, bias: bool = True,
                 padding_mode: str = "zeros", device: Any = None, dtype: Any = None) -> None:
        self._wait({"out_channels": out_channels, "kernel_size": kernel_size, "stride": stride,
                    "padding": padding, "dilation": dilation, "groups": groups, "bias": bias,
                    "padding_mode": padding_mode, "device": device, "dtype": dtype},
                   ["weight", *["bias"] * bias])


class LazyConv1d(_LazyConv):
    """A Conv1d whose in_channels are those of its first input.

    Shape   as Conv1d
    Raises  E250 when a size is asked for before the first call, E203 for ranks, E204 for settings;
            then as Conv1d
    Source  torch.nn.LazyConv1d
    Example
        >>> layer = nn.LazyConv1d(4, 3)
        >>> _ = layer(sheer.ones(1, 2, 8))
        >>> layer                                   # another class by now
        Conv1d(2, 4, kernel_size=(3,), stride=(1,))
    """
    becomes, channels = conv.Conv1d, {3: -2, 2: -2}


class LazyConv2d(_LazyConv):
    """A Conv2d whose in_channels are those of its first input.

    Shape   as Conv2d
    Raises  E250 when a size is asked for before the first call, E203 for ranks, E204 for settings;
            then as Conv2d
    Source  torch.nn.LazyConv2d
    Example
        >>> net = nn.Sequential(nn.LazyConv2d(8, 3), nn.LazyConv2d(4, 3))
        >>> net(sheer.ones(1, 3, 9, 9)).shape, net[1].in_channels
        ((1, 4, 5, 5), 8)
    """
    becomes, channels = conv.Conv2d, {4: -3, 3: -3}


class LazyConv3d(_LazyConv):
    """A Conv3d whose in_channels are those of its first input.

    Shape   as Conv3d
    Raises  E250 when a size is asked for before the first call, E203 for ranks, E204 for settings;
            then as Conv3d
    Source  torch.nn.LazyConv3d
    Example
        >>> layer = nn.LazyConv3d(2, 2)
        >>> _ = layer(sheer.ones(3, 4, 4, 4))        # without a batch
        >>> layer.weight.shape
        (2, 3, 2, 2, 2)
    """
    becomes, channels = conv.Conv3d, {5: -4, 4: -4}


class _LazyConvTranspose(_Lazy):
    """What lazy transposed convolutions hold."""

    def __init__(self, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
                 output_padding: Any = 0, groups: int = 1, bias: bool = True, dilation: Any = 1,
                 padding_mode: str = "zeros", device: Any = None, dtype: Any = None) -> None:
        self._wait({"out_channels": out_channels, "kernel_size": kernel_size, "stride": stride,
                    "padding": padding, "output_padding": output_padding, "groups": groups,
                    "bias": bias, "dilation": dilation, "padding_mode": padding_mode,
                    "device": device, "dtype": dtype}, ["weight", *["bias"] * bias])


class LazyConvTranspose1d(_LazyConvTranspose):
    """A ConvTranspose1d whose in_channels are those of its first input.

    Shape   as ConvTranspose1d
    Raises  E250 when a size is asked for before the first call, E203 for ranks, E204 for settings;
            then as ConvTranspose1d
    Source  torch.nn.LazyConvTranspose1d
    Example
        >>> layer = nn.LazyConvTranspose1d(4, 3, stride=2)
        >>> layer(sheer.ones(1, 2, 5)).shape, layer.weight.shape
        ((1, 4, 11), (2, 4, 3))
    """
    becomes, channels = conv.ConvTranspose1d, {3: -2, 2: -2}


class LazyConvTranspose2d(_LazyConvTranspose):
    """A ConvTranspose2d whose in_channels are those of its first input.

    Shape   as ConvTranspose2d
    Raises  E250 when a size is asked for before the first call, E203 for ranks, E204 for settings;
            then as ConvTranspose2d
    Source  torch.nn.LazyConvTranspose2d
    Example
        >>> layer = nn.LazyConvTranspose2d(4, 2, bias=False)
        >>> layer.has_uninitialized_params()
        True
        >>> _ = layer(sheer.ones(1, 3, 5, 5))
        >>> type(layer).__name__, layer.in_channels
        ('ConvTranspose2d', 3)
    """
    becomes, channels = conv.ConvTranspose2d, {4: -3, 3: -3}


class LazyConvTranspose3d(_LazyConvTranspose):
    """A ConvTranspose3d whose in_channels are those of its first input.

    Shape   as ConvTranspose3d
    Raises  E250 when a size is asked for before the first call, E203 for ranks, E204 for settings;
            then as ConvTranspose3d
    Source  torch.nn.LazyConvTranspose3d
    Example
        >>> nn.LazyConvTranspose3d(1, 2, stride=2)(sheer.ones(1, 6, 2, 3, 4)).shape
        (1, 1, 4, 6, 8)
    """
    becomes, channels = conv.ConvTranspose3d, {5: -4, 4: -4}


class _LazyNorm(_Lazy):
    """What lazy normalisations hold."""

    def __init__(self, eps: float = 1e-5, momentum: float | None = 0.1,
                 affine: bool = True, track_running_stats: bool = True,
                 device: Any = None, dtype: Any = None, *, bias: bool = True) -> None:
        self._wait({"eps": eps, "momentum": momentum, "affine": affine,
                    "track_running_stats": track_running_stats, "device": device, "dtype": dtype,
                    "bias": bias}, [*["weight"] * affine, *["bias"] * (affine and bias)],
                   ("running_mean", "running_var") if track_running_stats else ())


class LazyBatchNorm1d(_LazyNorm):
    """A BatchNorm1d whose num_features are the channels of its first input.

    Shape   as BatchNorm1d
    Raises  E250 when a size is asked for before the first call, E203 for ranks, E204 for settings;
            then as BatchNorm1d
    Source  torch.nn.LazyBatchNorm1d
    Example
        >>> net = nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d())
        >>> _ = net(sheer.randn(8, 3))
        >>> net[1].num_features
        4
    """
    becomes, channels = batchnorm.BatchNorm1d, {2: 1, 3: 1}


class LazyBatchNorm2d(_LazyNorm):
    """A BatchNorm2d whose num_features are the channels of its first input.

    Shape   as BatchNorm2d
    Raises  E250 when a size is asked for before the first call, E203 for ranks, E204 for settings;
            then as BatchNorm2d
    Source  torch.nn.LazyBatchNorm2d
    Example
        >>> norm = nn.LazyBatchNorm2d()
        >>> _ = norm(sheer.randn(2, 5, 3, 3))
        >>> norm
        BatchNorm2d(5, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    """
    becomes, channels = batchnorm.BatchNorm2d, {4: 1}


class LazyBatchNorm3d(_LazyNorm):
    """A BatchNorm3d whose num_features are the channels of its first input.

    Shape   as BatchNorm3d
    Raises  E250 when a size is asked for before the first call, E203 for ranks, E204 for settings;
            then as BatchNorm3d
    Source  torch.nn.LazyBatchNorm3d
    Example
        >>> norm = nn.LazyBatchNorm3d(affine=False)
        >>> _ = norm(sheer.randn(2, 5, 2, 2, 2))
        >>> norm.running_var.shape, norm.weight is None
        ((5,), True)
    """
    becomes, channels = batchnorm.BatchNorm3d, {5: 1}


class LazyInstanceNorm1d(_LazyNorm):
    """An InstanceNorm1d whose num_features are the channels of its first input.

    Shape   as InstanceNorm1d
    Raises  E250 when a size is asked for before the first call, E203 for ranks, E204 for settings;
            then as InstanceNorm1d
    Source  torch.nn.LazyInstanceNorm1d
    Example
        >>> norm = nn.LazyInstanceNorm1d()
        >>> _ = norm(sheer.randn(5, 9))             # (C, L): without a batch
        >>> norm.num_features
        5
    """
    becomes, channels = batchnorm.InstanceNorm1d, {3: -2, 2: -2}


class LazyInstanceNorm2d(_LazyNorm):
    """An InstanceNorm2d whose num_features are the channels of its first input.

    Shape   as InstanceNorm2d
    Raises  E250 when a size is asked for before the first call, E203 for ranks, E204 for settings;
            then as InstanceNorm2d
    Source  torch.nn.LazyInstanceNorm2d
    Example
        >>> norm = nn.LazyInstanceNorm2d()
        >>> norm.weight
        UninitializedParameter()
        >>> _ = norm(sheer.randn(2, 5, 3, 3))
        >>> norm.weight.shape
        (5,)
    """
    becomes, channels = batchnorm.InstanceNorm2d, {4: -3, 3: -3}


class LazyInstanceNorm3d(_LazyNorm):
    """An InstanceNorm3d whose num_features are the channels of its first input.

    Shape   as InstanceNorm3d
    Raises  E250 when a size is asked for before the first call, E203 for ranks, E204 for settings;
            then as InstanceNorm3d
    Source  torch.nn.LazyInstanceNorm3d
    Example
        >>> norm = nn.LazyInstanceNorm3d()
        >>> norm(sheer.randn(1, 2, 3, 3, 3)).shape, type(norm).__name__
        ((1, 2, 3, 3, 3), 'InstanceNorm3d')
    """
    becomes, channels = batchnorm.InstanceNorm3d, {5: -4, 4: -4}
