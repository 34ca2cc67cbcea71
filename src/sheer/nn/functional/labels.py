"""Class labels: what cross_entropy and its kin ask of them, and where each label's class is."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from ... import ops
from ...graph.dtypes import int64
from ...graph.errors import BoundsError, DTypeError, ShapeError
from ...graph.node import Node
from ...ops.index.bounds import Word
from ...ops.structure import iota
from .common import known, passes_if


def class_axis(op: str, input: Any) -> int:
    """1, or 0 for the scores of a single example.

    Raises E225 for a single class, E203 for a number.
    """
    if input.ndim == 0:
        raise ShapeError("E203", op, "a single number is no score per class",
                         got={"input": input.node},
                         need="(N, K, *S) or (K,)")
    at: int = builtins.min(1, input.ndim - 1)
    if input.shape[at] == 1:
        raise ShapeError("E225", op,
                         "one class alone: its probability is always 1, the loss always 0",
                         got={"input": input.node}, need="two or more classes",
                         tries=[("binary_cross_entropy_with_logits(input, target)", lambda: None)])
    return at


def check_labels(op: str, input: Any, target: Any, at: int, ignore_index: int | None) -> None:
    """Raise unless target holds one class label per place of input without its class axis.

    E222 for labels that are no integers, E223 for another shape, E221 for a label known to be out
    of range, with its place.
    """
    wanted = (*input.shape[:at], *input.shape[at + 1:])
    if not target.dtype.is_integer:
        raise _not_labels(op, input, target, at, wanted)
    if target.shape != wanted:
        raise _wrong_shape(op, input, target, at, wanted)
    values, classes = known(target), input.shape[at]
    if values is None:
        return
    bad = ((values < 0)
           | (values >= classes)) & (values != (-100 if ignore_index is None else ignore_index))
    if bad.any():
        raise _out_of_range(op, target, values, bad, classes)


def hits(op: str, labels: Node, classes: int, at: int) -> Node:
    """Bool like the scores: is this the label's class? E221 where it is out of range."""
    word = Word(op, "E221", "label {value} in {row} is none of the {length} classes",
                "0 <= label < {length}", x="", index="target",
                more="{most} units in the last layer")
    checked = ops.take(iota(classes, int64), ops.cast(labels, int64), 0, wrap=False, word=word)
    line = [1] * (labels.ndim + 1)
    line[at] = classes
    return ops.eq(ops.expand_dims(checked, at),
                  ops.reshape(iota(classes, int64), line))


def _not_labels(op: str, input: Any, target: Any, at: int, wanted: tuple[int, ...]) -> DTypeError:
    size = math.prod(wanted) == target.node.size
    return DTypeError(
        "E222", op, f"labels are {target.dtype.name}",
        got={"input": input.node, "target": target.node},
        need=f"integers {wanted}, or probabilities of the input's shape {input.shape}",
        tries=[("target.long()", passes_if(target.shape == wanted)),
               ("target.long().reshape(-1)",
                passes_if(target.shape != wanted and size and len(wanted) == 1))])


def _wrong_shape(op: str, input: Any, target: Any, at: int, wanted: tuple[int, ...]) -> ShapeError:
    shape = target.shape
    return ShapeError(
        "E223", op, f"labels have shape {shape}, the places to label {wanted}",
        got={"input": input.node, "target": target.node},
        need=f"one label per place: {wanted}",
        tries=[(f"target.squeeze({at})", passes_if(shape == (*wanted[:at], 1, *wanted[at:]))),
               (f"target.argmax({at}), for one-hot rows", passes_if(shape == input.shape)),
               ("input.movedim(-1, 1): classes come second",
                passes_if(input.ndim > 2 and shape == input.shape[:-1]))])


def _out_of_range(op: str, target: Any, values: np.ndarray, bad: np.ndarray,
                  classes: int) -> BoundsError:
    place = tuple(int(i) for i in np.argwhere(bad)[0])
    where = f"row {place[0]}" if len(place) == 1 else f"place {place}"
    from_one = values.min() >= 1 and values.max() == classes
    return BoundsError(
        "E221", op, f"label {int(values[place])} in {where} is none of the {classes} classes",
        got={"target": target.node}, need=f"0 <= label < {classes}",
        tries=[("target - 1, when labels count from 1", passes_if(from_one)),
               (f"ignore_index={int(values[place])}", passes_if(int(values[place]) < 0)),
               (f"{int(values.max()) + 1} units in the last layer",
                passes_if(not from_one and int(values.max()) >= classes
                           and not (values < 0).any()))])
