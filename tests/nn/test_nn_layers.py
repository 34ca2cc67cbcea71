"""check_layer over the table of layers, and that no layer is missing from it."""

from __future__ import annotations

import pytest
from check_layer import check_layer
from loss_cases import LOSSES, OURS_ONLY
from nn_cases import FLAT, LAZY, NO_LAYER, STACKS, Case
from nn_rows import systems

from sheer import nn


@pytest.mark.parametrize(("name", "i", "case"), [
    pytest.param(*row, id=f"{row[0]}{row[1]}", marks=systems(row[0])) for row in FLAT])
def test_layer(name: str, i: int, case: Case) -> None:
    assert type(case.make(nn)).__name__ == name
    check_layer(case)


def test_every_layer_is_in_a_table() -> None:
    classes = {n for n in nn.__all__ if isinstance(getattr(nn, n), type)}
    distances = {"CosineSimilarity", "PairwiseDistance"}
    covered = {n for n, *_ in FLAT} | set(LOSSES) | OURS_ONLY | LAZY | NO_LAYER | STACKS | distances
    assert classes == covered
