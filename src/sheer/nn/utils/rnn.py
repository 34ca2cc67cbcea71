"""Sequences of several lengths: padded to one length, or packed one time step after the other.

A packed batch is sorted, longest first: `data` holds the rows of time 0, then those of time 1 that
are still running, and so on; `batch_sizes[t]` says how many those are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...graph.errors import ArgumentError, DTypeError, ShapeError, Try
from ...graph.node import Node
from ...mixins.core import Core, apply, leaf_of
from ...mixins.hooks import see_gradients
from ...namespace_joining import cat
from ...ops import broadcast_to, constant
from ...ops.index.bounds import Word
from ...ops.index.gather import Gather
from ...ops.structure import Data
from ...ops.structure import data as leaf
from ...tensor import Tensor
from ..functional.common import choice, first_fitting, known

_ROWS = Gather(1, wrap=False, word=Word("pack_padded_sequence"))     # indices are known and right


class PackedSequence(NamedTuple):
    """A batch of sequences without their padding; made by pack_padded_sequence.

    sorted_indices puts a batch into packed order, unsorted_indices back; None: it was sorted.

    Shape   data (sum of lengths, *S), batch_sizes (T,) int64
    Source  torch.nn.utils.rnn.PackedSequence
    """

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same with data.to(...)."""
        return self._replace(data=self.data.to(*args, **kwargs))

    def float(self) -> PackedSequence: return self.to("float32")
    def double(self) -> PackedSequence: return self.to("float64")
    def cpu(self) -> PackedSequence: return self


def pack_padded_sequence(input: Tensor, lengths: Any, batch_first: bool = False,
                         enforce_sorted: bool = True) -> PackedSequence:
    """Pack a padded batch, leaving out what is beyond each sequence's length.

    Shape   input (T, B, *S), with batch_first (B, T, *S), lengths B whole numbers from 1 to T
    Raises  E241 for lengths that do not fit, E242 for lengths that do not fall when enforce_sorted
    Source  torch.nn.utils.rnn.pack_padded_sequence
    """
    op = "pack_padded_sequence"
    if input.ndim < 2:
        raise ShapeError("E203", op, f"input has {input.ndim} axes", got={"input": input.node},
                         need="input (T, B, *S)")
    x = input.transpose(0, 1) if batch_first else input
    sizes = _lengths(op, lengths, x.shape[1], x.shape[0], input)
    order = None
    if enforce_sorted:
        falls = np.flatnonzero(np.diff(sizes) > 0)
        if falls.size:
            i = int(falls[0])
            raise ArgumentError("E242", op, f"sequence {i} has {sizes[i]} steps, sequence {i + 1} "
                                f"{sizes[i + 1]}", got={"lengths": _shown(sizes)},
                                need="the longest first",
                                tries=[("enforce_sorted=False", lambda: None)])
    else:
        order = np.argsort(-sizes, kind="stable")
        sizes = sizes[order]
    times, columns = _places(sizes)
    columns = columns if order is None else order[columns]
    flat = x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])
    rows = _rows(flat, times * x.shape[1] + columns)
    counts = (np.arange(sizes[0])[:, None] < sizes).sum(1)
    orders = (None, None) if order is None else (_tensor(order), _tensor(np.argsort(order)))
    return PackedSequence(rows, _tensor(counts), *orders)


def pad_packed_sequence(sequence: PackedSequence, batch_first: bool = False,
                        padding_value: float = 0.0, total_length: int | None = None,
                        ) -> tuple[Tensor, Tensor]:
    """The padded batch and the lengths of its sequences: undoes pack_padded_sequence.

    Shape   -> (T, B, *S), with batch_first (B, T, *S), and lengths (B,); T is total_length, or
            that of the longest
    Raises  E241 for a total_length below the longest
    Source  torch.nn.utils.rnn.pad_packed_sequence
    """
    _need_packed("pad_packed_sequence", sequence)
    padded, sizes = unpacked(sequence, padding_value, total_length)
    lengths: np.ndarray = sizes
    order = sequence.unsorted_indices
    if order is not None:
        padded, lengths = padded.index_select(1, order), sizes[_values("order", order)]
    return padded.transpose(0, 1) if batch_first else padded, _tensor(lengths)


def pad_sequence(sequences: Sequence[Tensor], batch_first: bool = False,
                 padding_value: float = 0.0, padding_side: str = "right") -> Tensor:
    """Sequences (T_i, *S) as one batch, the shorter ones filled up at one side.

    Shape   -> (T, B, *S), with batch_first (B, T, *S), T the longest
    Raises  E241 for no sequences, E203 for a number, E140 for different S
    Source  torch.nn.utils.rnn.pad_sequence
    """
    op = "pad_sequence"
    choice(op, "padding_side", padding_side, ("right", "left"))
    sizes = _sizes(op, sequences)
    longest, right = int(sizes.max()), padding_side == "right"
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    times = np.arange(longest)[:, None] - (0 if right else longest - sizes)        # (T, B)
    return _filled(cat(list(sequences)), first + times, (times >= 0) & (times < sizes),
                   padding_value, batch_first)


def unpad_sequence(padded_sequences: Tensor, lengths: Any, batch_first: bool = False,
                   ) -> list[Tensor]:
    """The sequences of a padded batch, each with its own length: undoes pad_sequence.

    Raises  E241 for lengths that do not fit
    Source  torch.nn.utils.rnn.unpad_sequence
    """
    x = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    sizes = _lengths("unpad_sequence", lengths, x.shape[0], x.shape[1], padded_sequences)
    return [x[i, :int(n)] for i, n in enumerate(sizes)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (T_i, *S).

    Raises  E241 for no sequences or empty ones, E242 for lengths that do not fall
    Source  torch.nn.utils.rnn.pack_sequence
    """
    lengths = _sizes("pack_sequence", sequences)
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed batch, in their first order: undoes pack_sequence.

    Source  torch.nn.utils.rnn.unpack_sequence
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The order that undoes an order of a batch.

    Source  torch.nn.utils.rnn.invert_permutation
    """
    if permutation is None:
        return None
    return _tensor(np.argsort(_values("invert_permutation", permutation)))


# ---- for the layers ----------------------------------------------------------------------------

def unpacked(packed: PackedSequence, value: float = 0.0, total: int | None = None,
             ) -> tuple[Tensor, np.ndarray]:
    """The padded batch (T, B, *S) in packed order, and its lengths, which fall."""
    counts = _values("batch_sizes", packed.batch_sizes)
    sizes = (counts[:, None] > np.arange(counts[0])).sum(0)                       # (B,)
    longest = len(counts) if total is None else total
    if longest < len(counts):
        raise ArgumentError("E241", "pad_packed_sequence", f"total_length={total}",
                            need=f"at least {len(counts)}, the longest sequence")
    first = np.zeros(longest, np.int64)
    first[1:len(counts)] = np.cumsum(counts)[:-1]
    rows = first[:, None] + np.arange(counts[0])                                  # (T, B)
    inside = np.arange(longest)[:, None] < sizes
    return _filled(packed.data, rows, inside, value, False), sizes


def repacked(padded: Tensor, like: PackedSequence) -> PackedSequence:
    """Rows of a padded batch (T, B, *S) in packed order, packed like another."""
    counts = _values("batch_sizes", like.batch_sizes)
    times, columns = _places((counts[:, None] > np.arange(counts[0])).sum(0))
    flat = padded.reshape(padded.shape[0] * padded.shape[1], *padded.shape[2:])
    return like._replace(data=_rows(flat, times * padded.shape[1] + columns))


# ---- helpers -----------------------------------------------------------------------------------

def _places(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Time and column of every row of a packed batch."""
    times, columns = np.nonzero(np.arange(sizes.max())[:, None] < sizes)
    return times, columns


def _filled(rows: Tensor, places: np.ndarray, inside: np.ndarray, value: float,
            batch_first: bool) -> Tensor:
    """rows[places] where inside, else the value; (T, B, *S)."""
    if batch_first:
        places, inside = places.T.copy(), inside.T.copy()
    shape = (*places.shape, *rows.shape[1:])
    found = _rows(rows, np.where(inside, places, 0).ravel()).reshape(*shape)
    if inside.all():
        return found
    mask = Tensor(leaf(inside.reshape(*inside.shape, *(1,) * (len(shape) - 2))))
    return found.where(mask, Tensor(broadcast_to(constant(value, rows.dtype), shape)))


def _rows(x: Tensor, index: np.ndarray) -> Tensor:
    found: Tensor = apply(_row_nodes, x, index=index)
    return found


def _row_nodes(x: Node, index: np.ndarray) -> Node:
    """Rows of x. Rows of rows are rows of the first array: a layer between packing and padding
    never sees the packed batch, whose shape asks for another program with every new lengths. Only
    who asks for its gradient does.
    """
    asked = leaf_of(x) is not None or see_gradients([x])
    if not asked and x.prim == _ROWS and isinstance(first := x.inputs[1].prim, Data):
        x, index = x.inputs[0], first.buffer.array[index]
    return _ROWS(x, _tensor(index).node)


def _tensor(values: np.ndarray) -> Tensor:
    return Tensor(leaf(np.ascontiguousarray(values, np.int64)))


def _values(op: str, x: Any) -> np.ndarray:
    """Whole numbers that must be known: they decide shapes."""
    values = known(x) if isinstance(x, Core) else np.asarray(x)
    if values is None and isinstance(x, Core):
        values = x.numpy()                       # E602 inside a traced function
    if values.dtype.kind not in "iu":
        raise DTypeError("E241", op, f"lengths are {values.dtype}", need="whole numbers")
    return np.asarray(values, np.int64)


def _shown(sizes: np.ndarray) -> str:
    text = ", ".join(map(str, sizes[:8].tolist()))
    return f"{text}, ..." if len(sizes) > 8 else text


def _lengths(op: str, lengths: Any, batch: int, longest: int, input: Tensor) -> np.ndarray:
    """The lengths as an array. Raises E241 unless there is one per sequence, from 1 to T."""
    sizes = _values(op, lengths)
    if sizes.ndim != 1 or len(sizes) != batch:
        other = len(sizes.ravel()) == longest
        tries: list[Try] = first_fitting(("the other batch_first", other))
        raise ArgumentError("E241", op, f"{sizes.size} lengths for {batch} sequences",
                            got={"input": input.node, "lengths": _shown(sizes.ravel())},
                            need=f"{batch} lengths", tries=tries)
    wrong = np.flatnonzero((sizes < 1) | (sizes > longest))
    if wrong.size:
        i = int(wrong[0])
        raise ArgumentError("E241", op, f"sequence {i} has length {sizes[i]}",
                            got={"input": input.node, "lengths": _shown(sizes)},
                            need=f"lengths from 1 to {longest}, the steps of the input")
    return sizes


def _sizes(op: str, sequences: Sequence[Tensor]) -> np.ndarray:
    if not len(sequences):
        raise ArgumentError("E241", op, "no sequences", need="at least one")
    for x in sequences:
        if not x.ndim:
            raise ShapeError("E203", op, "a number is no sequence", got={"sequence": x.node},
                             need="(T, *S)", tries=[("sequence.reshape(1)", lambda: None)])
    return np.array([x.shape[0] for x in sequences], np.int64)


def _need_packed(op: str, sequence: Any) -> None:
    if not isinstance(sequence, PackedSequence):
        raise ArgumentError("E241", op, f"got a {type(sequence).__name__}",
                            need="a PackedSequence, as pack_padded_sequence makes it")
