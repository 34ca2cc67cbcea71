"""CTC: parity with torch at the scores, the sum over all alignments, and jit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from nn_helpers import both, close

import sheer
from sheer import nn
from sheer.graph import SheerError
from sheer.nn import functional as F

TARGETS = np.array([[1, 2, 2], [3, 1, 0], [2, 0, 0]])
LENGTHS = (np.array([6, 5, 4]), np.array([3, 2, 1]))


def scores(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape)


def lost(library, x, targets, lengths, reduction: str, zero: bool = False):
    logs = x.log_softmax(-1)
    make = torch.tensor if library is torch else sheer.tensor
    return library.nn.functional.ctc_loss(logs, make(targets), make(lengths[0]), make(lengths[1]),
                                          reduction=reduction, zero_infinity=zero)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("targets", [TARGETS, np.array([1, 2, 2, 3, 1, 2])])
def test_ctc_equals_torch(reduction: str, targets: np.ndarray) -> None:
    for dtype in ("float32", "float64"):
        mine, theirs = both(scores(6, 3, 5).astype(dtype))
        ours = lost(sheer, mine, targets, LENGTHS, reduction)
        other = lost(torch, theirs, targets, LENGTHS, reduction)
        close(ours, other, dtype)
        ours.sum().backward()
        other.sum().backward()
        close(mine.grad, theirs.grad, dtype, "gradient of the scores", 3e-5 if dtype == "float32"
              else 1e-10)


def test_ctc_of_one_sequence_and_of_labels_that_cannot_fit() -> None:
    mine, theirs = both(scores(4, 5))
    lengths = np.array(4), np.array(2)
    close(lost(sheer, mine, np.array([1, 1]), lengths, "mean"),
          lost(torch, theirs, np.array([1, 1]), lengths, "mean"), "float64")
    mine, theirs = both(scores(3, 2, 5))
    lengths = np.array([3, 3]), np.array([3, 1])
    targets = np.array([[2, 2, 2], [1, 0, 0]])                     # two repeats need five steps
    assert lost(sheer, mine, targets, lengths, "none").tolist()[0] == np.inf
    ours = lost(sheer, mine, targets, lengths, "sum", True)
    other = lost(torch, theirs, targets, lengths, "sum", True)
    close(ours, other, "float64")
    ours.backward()
    other.backward()
    close(mine.grad, theirs.grad, "float64", "gradient")


def test_ctc_is_the_sum_over_all_alignments() -> None:
    logs = np.log(np.random.default_rng(0).dirichlet(np.ones(3), 4))               # (T, C)
    total = 0.0
    for path in itertools.product(range(3), repeat=4):
        squeezed = [c for c, _ in itertools.groupby(path) if c != 0]
        if squeezed == [1, 2]:
            total += np.exp(sum(logs[t, c] for t, c in enumerate(path)))
    found = nn.CTCLoss(reduction="none")(sheer.tensor(logs, dtype="float64"),
                                         sheer.tensor([1, 2]), sheer.tensor(4), sheer.tensor(2))
    np.testing.assert_allclose(found.item(), -np.log(total), rtol=1e-12)


def test_ctc_under_jit() -> None:
    loss = nn.CTCLoss()
    args = [sheer.tensor(a) for a in (TARGETS, *LENGTHS)]
    f = lambda x, *rest: loss(x.log_softmax(-1), *rest)
    x = sheer.tensor(scores(6, 3, 5).astype(np.float32))
    np.testing.assert_allclose(sheer.jit(f)(x, *args).item(), f(x, *args).item(), rtol=1e-6)


def test_ctc_says_what_is_wrong() -> None:
    x = sheer.tensor(scores(4, 1, 3), dtype="float64")
    for call in (lambda: F.ctc_loss(x, [[1]], (5,), (1,)),
                 lambda: F.ctc_loss(x, [[1]], (4,), (1, 1)),
                 lambda: F.ctc_loss(x, [1], (4,), (2,))):
        with pytest.raises(SheerError, match="E204"):
            call()
    with pytest.raises(SheerError, match="E203"):
        F.ctc_loss(x, [[1]], (4,), (1,), blank=3)


def test_ctc_names_the_label_that_is_no_class_and_reads_no_padding() -> None:
    x = sheer.tensor(scores(6, 3, 5), dtype="float64")
    padded = np.array([[1, 2, 2], [3, 1, -1], [2, -100, 99]])    # behind the rows' own labels
    whole = lost(sheer, x, TARGETS, LENGTHS, "sum").item()
    assert lost(sheer, x, padded, LENGTHS, "sum").item() == whole
    for targets, lengths, said in (
            (TARGETS + 3, LENGTHS, "label 5 in place (0, 1) is none of the 5 classes"),
            (TARGETS, (LENGTHS[0], np.array([3, 2, 7])), "target_lengths does not fit")):
        with pytest.raises(SheerError) as caught:
            lost(sheer, x, targets, lengths, "sum").item()
        assert str(caught.value).startswith(f"ctc_loss: {said}")
