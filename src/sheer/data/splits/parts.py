"""Train, validation and test: rows and a seed flow in, three disjoint sets of rows flow out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...graph.errors import ArgumentError
from ..draws import SPLIT, permuted
from ..rows import RowIndex, counted, per_row
from .stratified import stratified_split


class Parts(NamedTuple):
    """Rows of each part, ascending (in order of time for a split by time)."""

    train: RowIndex
    validation: RowIndex
    test: RowIndex


def train_validation_test_split(rows: Any, *, validation: float = 0.15, test: float = 0.15,
                                stratify: Any = None, groups: Any = None, times: Any = None,
                                seed: int = 0) -> Parts:
    """Divide rows into three parts that have none in common, the same ones for the same seed.

    Params  rows        N, or anything with that length
            validation, test  shares in [0, 1); the rest trains. 0 leaves a part empty
            stratify    labels (N,): every class has its share in every part
            groups      (N,): rows of one group stay together; shares as near as they allow
            times       (N,): train is earlier than validation, and that than test; rows of one
                        moment stay together
    Raises  E660 for shares that leave nothing, or groups and moments that cannot be divided so;
            E661 when the values do not fit the rows
    Source  definition
    Example
        >>> parts = train_validation_test_split(10, validation=0.2, test=0.2)
        >>> [len(p) for p in parts]
        [6, 2, 2]
    """
    op, n = "train_validation_test_split", counted(rows)
    given = [name for name, v in [("stratify", stratify), ("groups", groups), ("times", times)]
             if v is not None]
    if min(validation, test) < 0 or validation + test >= 1 or len(given) > 1 or n < 1:
        raise ArgumentError("E660", op, "the rows cannot be divided like this",
                            got={"validation": validation, "test": test, "rows": n,
                                 "by": " and ".join(given) or "chance"},
                            need="shares >= 0 with something left to train on, and at most one of "
                            "stratify, groups, times")
    if stratify is not None:
        return _stratified(per_row(op, "stratify", stratify, n), validation, test, seed)
    if groups is not None:
        return _by_group(op, per_row(op, "groups", groups, n), validation, test, seed)
    if times is not None:
        return _by_time(op, per_row(op, "times", times, n), validation, test)
    order, (tested, checked) = permuted(n, seed, 0, SPLIT), _counts(n, validation, test)
    return Parts(np.sort(order[tested + checked:]), np.sort(order[tested:tested + checked]),
                 np.sort(order[:tested]))


def _counts(n: int, validation: float, test: float) -> tuple[int, int]:
    """Rows of test and validation; at least one of each that is asked for, and one to train on,
    as far as there are enough."""
    room = n - 1
    asked = lambda share: max(round(n * share), 1 if share else 0)
    tested = min(asked(test), room - 1 if validation and room > 1 else room)
    return tested, min(asked(validation), room - tested)


def _stratified(labels: NDArray[Any], validation: float, test: float, seed: int) -> Parts:
    _, y = np.unique(labels, return_inverse=True)
    none = np.zeros(0, np.int64)
    rest, tested = stratified_split(y, test, seed % 2**64) if test else (np.arange(len(y)), none)
    if not validation:
        return Parts(rest, none, tested)
    share = validation / (1 - test)
    train, checked = stratified_split(y[rest], share, seed % 2**64 + 2**64)   # another stream
    return Parts(rest[train], rest[checked], tested)


def _by_group(op: str, groups: NDArray[Any], validation: float, test: float, seed: int) -> Parts:
    """Groups in random order go to the part that is furthest from having its share."""
    names, member = np.unique(groups, return_inverse=True)
    wanted = np.array([1 - validation - test, validation, test]) * len(groups)
    if len(names) < (wanted > 0).sum():
        raise ArgumentError("E660", op, f"{len(names)} groups for {(wanted > 0).sum()} parts",
                            need="at least a group for each part")
    size, home = np.bincount(member), np.empty(len(names), np.int64)
    have = np.zeros(3)
    for g in permuted(len(names), seed, 0, SPLIT):
        missing = np.where(wanted > 0, 1 - have / np.maximum(wanted, 1e-9), -np.inf)
        home[g] = missing.argmax()
        have[home[g]] += size[g]
    return Parts(*(np.flatnonzero(home[member] == k) for k in range(3)))


def _by_time(op: str, times: NDArray[Any], validation: float, test: float) -> Parts:
    order = np.argsort(times, kind="stable")
    sorted_times, n = times[order], len(times)
    tested, checked = _counts(n, validation, test)
    # A cut falls where a moment begins, so that no moment is on both sides of it.
    cuts = [int(np.searchsorted(sorted_times, sorted_times[at])) if at < n else n
            for at in (n - tested - checked, n - tested)]
    parts = Parts(*np.split(order, cuts))
    short = [name for name, part, share in zip(Parts._fields, parts, (1, validation, test),
                                               strict=True) if share and not len(part)]
    if short:
        raise ArgumentError("E660", op, f"nothing is left for {' and '.join(short)}",
                            got={"moments": len(np.unique(times))},
                            need="more moments, or other shares: rows of a moment stay together")
    return parts
