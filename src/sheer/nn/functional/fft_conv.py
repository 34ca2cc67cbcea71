"""Convolution through Fourier transforms: images and filters in, their correlation out."""

from __future__ import annotations

from typing import Any

from ... import fft
from ...graph.errors import ShapeError
from ...namespace_joining import einsum
from ...ops.sliding import per_axis
from ...tensor import Tensor
from .common import same_dtype

Setting = Any     # an int, or a sequence with one per spatial axis


def fft_conv(input: Tensor, weight: Tensor, bias: Tensor | None = None,
             padding: Setting = 0) -> Tensor:
    """What conv1d, conv2d and conv3d give with stride 1, whose work does not grow with the filter.

    Shape   input (N, I, *S), weight (O, I, *k), bias (O,) -> (N, O, *(S + 2 padding - k + 1))
    Raises  E203 for ranks, E202 for dtypes, E121 for channels and filters larger than the image
    Source  the correlation theorem; Mathieu et al. 2014, arXiv:1312.5851
    Example
        >>> x, weight = sheer.tensor([[[1.0, 2.0, 4.0, 7.0]]]), sheer.tensor([[[-1.0, 1.0]]])
        >>> sheer.allclose(F.fft_conv(x, weight), F.conv1d(x, weight), atol=1e-5)
        True
    """
    same_dtype("fft_conv", weight, input)
    axes = input.ndim - 2
    if axes < 1 or weight.ndim != input.ndim:
        raise ShapeError("E203", "fft_conv", f"input has {input.ndim} axes, weight {weight.ndim}",
                         got={"input": input.node, "weight": weight.node},
                         need="input (N, I, *S) and weight (O, I, *k) of as many axes")
    around = per_axis("fft_conv", "padding", padding, axes)
    sizes = [n + 2 * p for n, p in zip(input.shape[2:], around, strict=True)]
    fits = all(k <= n for k, n in zip(weight.shape[2:], sizes, strict=True))
    if input.shape[1] != weight.shape[1] or not fits:
        raise ShapeError("E121", "fft_conv", "the filters do not fit the image",
                         got={"input": input.node, "weight": weight.node},
                         need=f"weight (O, {input.shape[1]}, *k), k at most {tuple(sizes)}")
    return _through_spectra(input, weight, bias, around, sizes)


def _through_spectra(x: Tensor, w: Tensor, bias: Tensor | None, around: Any,
                     sizes: list[int]) -> Tensor:
    from .padding import pad
    dims = tuple(range(2, x.ndim))
    wide = pad(x, [p for p in reversed(around) for _ in range(2)])
    (xr, xi), (wr, wi) = (fft.rfftn(t, s=sizes, dim=dims) for t in (wide, w))
    mixed = lambda a, b: einsum("ni...,oi...->no...", a, b)      # over the channels of the image
    spectrum = mixed(xr, wr) + mixed(xi, wi), mixed(xi, wr) - mixed(xr, wi)
    y = fft.irfftn(spectrum, s=sizes, dim=dims)                  # (N, O, *sizes), round a torus
    inside = tuple(slice(n - k + 1) for n, k in zip(sizes, w.shape[2:], strict=True))
    y = y[(slice(None), slice(None), *inside)]
    return y if bias is None else y + bias.reshape(-1, *(1,) * len(dims))
