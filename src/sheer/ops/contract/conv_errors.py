"""What can be wrong with a convolution: a primitive and operands in, an error with hints out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...graph.errors import DTypeError, ShapeError, Try
from ...graph.node import Node, Spec
from .. import sliding


def wrong_dtypes(prim: Any, got: Mapping[str, Node]) -> DTypeError:
    """E105: two dtypes, or bools."""
    (name, x), (other, y) = got.items()
    cast = x.to(*x.shape, dtype=y.dtype)
    return DTypeError("E105", prim.op, "needs two operands of one number type", got=got,
                      need="one dtype, not bool",
                      tries=[(f"{name}.to({other}.dtype)",
                              lambda: prim.infer(cast, y.to(*y.shape)))])


def wrong_rank(prim: Any, got: Mapping[str, Node]) -> ShapeError:
    """E120: an operand without (batch, channels, *spatial)."""
    axes = len(prim.stride) + 2
    name, x = next((n, t) for n, t in got.items() if t.ndim != axes)
    others = [t.spec for n, t in got.items() if n != name]
    def hint(at: int) -> Try:
        wide = x.to(*x.shape[:at], 1, *x.shape[at:])
        return f"{name}.unsqueeze({at})", lambda: prim.infer(wide, *others)
    image = ", ".join("DHW"[5 - axes:])
    return ShapeError("E120", prim.op, f"{name} is {x.ndim}-d", got=got,
                      need=f"{axes}-d: (N, C, {image}) and a weight of {axes - 2} spatial axes",
                      tries=[hint(at) for at in (0, 1) if name == "input"])


def wrong_channels(prim: Any, x: Node, w: Node) -> ShapeError:
    """E121 with hints: channels that stand last, other groups, a weight the other way round."""
    transposed = prim.op == "conv_transpose"
    have, need = x.shape[1], w.shape[0] if transposed else w.shape[1] * prim.groups
    last = (0, x.ndim - 1, *range(1, x.ndim - 1))
    fitting = have // w.shape[1] if w.shape[1] and not transposed else 0
    image, filters = x.to(*x.shape), w.to(*w.shape)
    turned, swapped = x.to(*(x.shape[a] for a in last)), w.to(w.shape[1], w.shape[0], *w.shape[2:])
    return ShapeError(
        "E121", prim.op, f"input has {have} channels, weight is for {need}" if have != need
        else f"{w.shape[0]} filters do not divide into {prim.groups} groups",
        got={"input": x, "weight": w},
        need="a multiple of groups: input.shape[1] = weight.shape[0]" if transposed else
        "input.shape[1] = weight.shape[1] * groups, weight.shape[0] a multiple of groups",
        tries=[(f"input.permute{last}", lambda: prim.infer(turned, filters)),
               (f"groups={fitting}", lambda: prim.having(groups=fitting).infer(image, filters)),
               ("weight.transpose(0, 1)", lambda: prim.infer(image, swapped))])


def too_large(prim: Any, x: Node, w: Node) -> ShapeError:
    """E122: the kernel does not fit into the padded image anywhere."""
    span = sliding.reach(w.shape[2:], prim.dilation)
    room = tuple(n + lo + hi for n, (lo, hi) in zip(x.shape[2:], prim.padding, strict=True))
    half = tuple(n // 2 for n in span)
    wider = prim.having(padding=tuple((p, p) for p in half))
    plain = prim.having(dilation=(1,) * len(span))
    image, filters = x.to(*x.shape), w.to(*w.shape)
    return ShapeError("E122", prim.op, f"the kernel spans {span}, the padded input {room}",
                      got={"input": x, "weight": w},
                      need="a kernel of at least 1, no larger than the padded input",
                      tries=[(f"padding={half}", lambda: wider.infer(image, filters)),
                             ("dilation=1", lambda: plain.infer(image, filters))])


def wrong_positions(prim: Any, sizes: Sequence[int], kernel: Sequence[int], y: Node | Spec,
                    out: Sequence[int]) -> ShapeError:
    """E125: sizes that do not belong together."""
    return ShapeError("E125", prim.op, f"an image of {tuple(sizes)} and a kernel of "
                      f"{tuple(kernel)} give positions {tuple(out)}, not {y.shape[2:]}",
                      got={"result": y},
                      need="sizes that belong together under these settings")
