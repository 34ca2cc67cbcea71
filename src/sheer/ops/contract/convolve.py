"""conv and conv_transpose as users call them: settings in any form in, one primitive out."""

from __future__ import annotations

from typing import Any

from ...graph.errors import ArgumentError, ShapeError
from ...graph.node import Node
from .. import movement, sliding
from .conv import Conv, ConvInput
from .conv_errors import wrong_rank


def conv(x: Node, w: Node, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
         groups: int = 1) -> Node:
    """Cross-correlation with torch's arguments; an image without batch axis gives one without.

    padding is a number, one per axis, a (low, high) pair per axis, "valid" (none) or "same"
    (as many outputs as inputs; an odd element goes to the high side).

    Shape   x (N, I, *S) or (I, *S), w (O, I / groups, *k) -> (N, O, *P) or (O, *P)
    Raises  E105, E120, E121, E122, E123 as `Conv`; E124 for "same" with a stride
    Source  torch.nn.functional.conv1d, conv2d, conv3d
    """
    axes = max(w.ndim - 2, 1)
    stride = sliding.per_axis("conv", "stride", stride, axes)
    dilation = sliding.per_axis("conv", "dilation", dilation, axes)
    around = _around(padding, w.shape[2:], stride, dilation)
    return _unbatched(Conv(stride, around, dilation, groups), x, w)


def conv_transpose(x: Node, w: Node, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
                   groups: int = 1, dilation: Any = 1) -> Node:
    """Transposed convolution with torch's arguments: `Conv` backwards, a learned upsampling.

    Shape   x (N, I, *S) or (I, *S), w (I, O / groups, *k) -> (N, O, *P) or (O, *P),
            P = (S - 1) stride - 2 padding + dilation (k - 1) + output_padding + 1
    Raises  E105, E120, E121, E123 as `ConvInput`; E124 for an output_padding that is not below
            stride or dilation; E122 when nothing would be left
    Source  torch.nn.functional.conv_transpose1d, conv_transpose2d, conv_transpose3d
    """
    axes = max(w.ndim - 2, 1)
    op, per_axis = "conv_transpose", sliding.per_axis
    stride = per_axis(op, "stride", stride, axes)
    dilation = per_axis(op, "dilation", dilation, axes)
    extra = per_axis(op, "output_padding", output_padding, axes)
    around = sliding.both_sides(op, padding, axes)
    sliding.check(op, stride, around, dilation)
    if any(not 0 <= e < max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
        raise ArgumentError("E124", op, f"output_padding {extra} is not below stride {stride} or "
                            f"dilation {dilation}",
                            need="0 <= output_padding < max(stride, dilation)")
    if w.ndim < 3 or x.ndim not in (axes + 1, axes + 2):
        prim = ConvInput(stride, around, dilation, groups, (1,) * axes)
        raise wrong_rank(prim, {"input": x, "weight": w})
    span, had = sliding.reach(w.shape[2:], dilation), x.shape[x.ndim - axes:]
    size = tuple((n - 1) * s - lo - hi + k + e for n, s, (lo, hi), k, e in
                 zip(had, stride, around, span, extra, strict=True))
    if min(size) < 1:
        raise ShapeError("E122", op, f"nothing is left: the result would have lengths {size}",
                         got={"input": x, "weight": w}, need="lengths of at least 1: less padding")
    prim = ConvInput(stride, around, dilation, groups, size)
    more = [(0, p - n, 0) for p, n in zip(prim.lengths(size, w.shape[2:]), had, strict=True)]
    return _unbatched(prim, movement.pad(x, [(0, 0, 0)] * (x.ndim - axes) + more), w)


def _around(padding, kernel, stride, dilation):
    """(low, high) per axis for any way of saying it."""
    if not isinstance(padding, str):
        return sliding.both_sides("conv", padding, len(stride))
    if padding not in ("same", "valid"):
        raise ArgumentError("E124", "conv", f"padding {padding!r} is unknown",
                            need='a number, "same" or "valid"')
    if padding == "same" and any(s != 1 for s in stride):
        raise ArgumentError("E124", "conv", f'padding "same" has no meaning with stride {stride}',
                            need="stride 1, or padding in numbers")
    extra = [n - 1 if padding == "same" else 0 for n in sliding.reach(kernel, dilation)]
    return tuple((n // 2, n - n // 2) for n in extra)


def _unbatched(prim, x, w):
    """prim(x, w), also for an x that lacks the batch axis; E120 if it seems to lack another."""
    if x.ndim != len(prim.stride) + 1 or w.ndim != x.ndim + 1:
        return prim(x, w)
    if x.shape[0] != (w.shape[0] if isinstance(prim, ConvInput) else w.shape[1] * prim.groups):
        raise wrong_rank(prim, {"input": x, "weight": w})
    out = prim(movement.expand_dims(x, 0), w)
    return movement.reshape(out, out.shape[1:])
