"""Looking ahead: what is told of validation data before the first update."""

import numpy as np
import pytest

from sheer import nn, optim
from sheer.data.text.buckets import Buckets
from sheer.graph.errors import BoundsError
from sheer.train import fit


@pytest.mark.parametrize("row", [0, 40, 102])           # the last one: of a batch that is not full
def test_validation_labels_out_of_range_stop_it_before_the_first_update(problem, same, row):
    (a, optimizer), (b, _) = problem.make(), problem.make()
    labels = problem.y.copy()
    labels[row] = 2
    with pytest.raises(BoundsError) as caught:
        problem.fit(a, optimizer, validation=(problem.x, labels))
    text = str(caught.value)
    assert text.startswith(f"cross_entropy: label 2 in row {row % 16} is none of the 2 classes\n"
                           f"  validation: batch {row // 16 + 1}\n")
    assert "try       : 3 units in the last layer" in text
    same(a, b)


def test_validation_tokens_out_of_range_stop_it_before_the_first_update():
    model = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(12, 2))
    before = model[0].weight.numpy().copy()
    words, labels = np.arange(60).reshape(20, 3) % 10, np.arange(20) % 2
    other = words.copy()
    other[17, 1] = 10
    where = r"index 10 at position \(1, 1\)[^\n]*\n *validation: batch 5\n"
    with pytest.raises(BoundsError, match=where):
        fit(model, (words, labels), validation=(other, labels), batch_size=4, progress=False,
            loss=nn.CrossEntropyLoss(), optimizer=optim.SGD(model.parameters(), lr=0.1))
    np.testing.assert_array_equal(model[0].weight.numpy(), before)


def test_looking_through_validation_labels_keeps_what_is_ignored_or_no_label(problem):
    labels = problem.y.copy()
    labels[5] = -100                                              # ignore_index
    shares = np.eye(2, dtype=np.float32)[problem.y]               # probabilities, no indices
    for y in (labels, shares):
        assert len(problem.fit(*problem.make(), epochs=1, validation=(problem.x, y)).history) == 1


def test_every_bucket_of_the_validation_is_looked_through():
    model = nn.Sequential(nn.Embedding(10, 4), nn.AdaptiveAvgPool2d((1, 4)), nn.Flatten(),
                          nn.Linear(4, 2))
    before = model[0].weight.numpy().copy()
    def groups(label):
        return Buckets([(np.ones((6, n), np.int64), np.full(6, y))
                        for n, y in ((3, 0), (7, label))])
    with pytest.raises(BoundsError, match="label 2 in row 0"):
        fit(model, groups(1), validation=groups(2), batch_size=4, progress=False,
            loss=nn.CrossEntropyLoss(), optimizer=optim.SGD(model.parameters(), lr=0.1))
    np.testing.assert_array_equal(model[0].weight.numpy(), before)
