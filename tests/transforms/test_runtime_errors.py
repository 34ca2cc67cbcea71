"""Errors found when a program runs: the user's word, operands, lines and layer; state survives."""

from __future__ import annotations

import re

import numpy as np
import pytest

import sheer
from sheer import nn, optim
from sheer.graph import SheerError
from sheer.nn import functional as F


@pytest.fixture(params=["cpu", "reference"], autouse=True)
def every_backend(request):
    with sheer.backend(request.param):
        yield


def failure(call) -> SheerError:
    with pytest.raises(SheerError) as caught:
        call()
    return caught.value


def text_of(call) -> str:
    """The message, with each line number as N."""
    return re.sub(r"py:\d+", "py:N", str(failure(call)))


def labels(*values):
    """Numbers that a program sees only when it runs."""
    return sheer.tensor(np.array(values)) + 0


def test_an_eager_look_up_names_its_operands_and_its_line():
    table = sheer.ones(4, 3)
    places = labels(1, 7)
    rows = table[places]
    assert text_of(rows.numpy) == """\
getitem: index 7 at position (1,) is outside axis 0 of length 4
  x     : f32[4, 3]      made at test_runtime_errors.py:N  table = sheer.ones(4, 3)
  index : i64[2]         made at test_runtime_errors.py:N  return sheer.tensor(np.array(values)) + 0
  result: f32[2, 3]      made at test_runtime_errors.py:N  rows = table[places]
  need  : -4 <= index < 4
  more  : sheer explain E130"""


@pytest.mark.parametrize(("word", "call"), [
    ("gather", lambda x, i: x.gather(0, i)),
    ("take_along_dim", lambda x, i: x.take_along_dim(i, 0)),
    ("index_select", lambda x, i: x.index_select(0, i.reshape(-1))),
    ("scatter_add", lambda x, i: x.scatter_add(0, i, x)),
    ("scatter", lambda x, i: x.scatter(0, i, x)),
    ("take", lambda x, i: x.take(i, 0)),
    ("one_hot", lambda x, i: F.one_hot(i, 3) + x.sum().long()),
    ("embedding", lambda x, i: F.embedding(i, x)),
])
def test_the_word_is_the_users_eager_and_compiled(word, call):
    x, i = sheer.ones(3, 2), labels(0, 3, 1, 0, 0, 0).reshape(3, 2)
    for run in (lambda: call(x, i).numpy(), lambda: sheer.jit(call)(x, i).numpy()):
        text = text_of(run)
        assert text.startswith(f"{word}: ")
        assert "lambda x, i: x." in text or "lambda x, i: F." in text


def network(seed=0):
    sheer.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))


def everything(model, optimizer):
    return [np.array(t.numpy()) for t in (*model.parameters(), *optimizer.tensors())]


def test_a_step_that_fails_names_the_row_and_leaves_all_state():
    model = network()
    optimizer = optim.Adam(model.parameters())

    @sheer.jit
    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    x, good = sheer.ones(6, 4), sheer.tensor([0, 1, 2, 0, 1, 2])
    for _ in range(3):
        step(x, good)
    before = everything(model, optimizer)
    for _ in range(2):
        text = text_of(lambda: step(x, sheer.tensor([0, 1, 3, 0, 1, 2])))
        assert text.startswith("cross_entropy: label 3 in row 2 is none of the 3 classes")
        assert "target: i64[6]" in text
        assert "loss = F.cross_entropy(model(x), y)" in text
        assert "try   : 4 units in the last layer" in text
        for a, b in zip(before, everything(model, optimizer), strict=True):
            np.testing.assert_array_equal(a, b)
    step(x, good)
    assert step.traces == 1


def test_a_loop_that_fails_at_a_later_step_leaves_what_it_updates():
    w, table = sheer.tensor([1.0, 2.0]), sheer.ones(4)

    @sheer.jit
    def run(places):
        def one(carry, place):
            w.add_(1.0)
            return carry, table[place] * w.sum()
        return sheer.scan(one, (), places)[1]

    run(labels(0, 1, 2))
    run(labels(0, 1, 2))
    before = w.numpy().copy()
    text = text_of(lambda: run(labels(0, 1, 9)))
    assert text.startswith("getitem: index 9 is outside axis 0 of length 4")
    assert "return carry, table[place] * w.sum()" in text
    np.testing.assert_array_equal(w.numpy(), before)


def test_fit_names_the_update_and_leaves_the_state_before_it():
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    before = everything(model, optimizer)
    x, y = np.ones((8, 4), np.float32), np.array([0, 1, 2, 5, 0, 1, 2, 0])
    text = text_of(lambda: sheer.fit(
        model, (x, y), loss=nn.CrossEntropyLoss(), optimizer=optimizer, epochs=1, batch_size=4,
        shuffle=False, progress=False))
    assert text.startswith("cross_entropy: label 5 in row 3 is none of the 3 classes")
    assert "step  : epoch 1, update 1 of 2" in text
    for a, b in zip(before, everything(model, optimizer), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_layer_is_named():
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(5, 2)
            self.head = nn.Linear(2, 1)

        def forward(self, i):
            return self.head(self.table(i))

    model = Words()
    text = text_of(lambda: sheer.jit(model)(labels(4, 5)).numpy())
    assert text.startswith("embedding: index 5 at position (1,) is outside a table of 5 rows")
    assert "layer : table" in text
    assert "try   : num_embeddings=6" in text


def test_a_singular_matrix_names_its_line():
    a = sheer.zeros(3, 3)
    inverse = sheer.linalg.inv(a)
    text = text_of(inverse.numpy)
    assert "inverse = sheer.linalg.inv(a)" in text
    assert "a = sheer.zeros(3, 3)" in text


def test_functions_of_one_structure_name_their_own_lines():
    first = sheer.jit(lambda x, i: x[i] + 1.0)
    other = sheer.jit(lambda x, i: x[i] + 1.0)  # the other one
    x, good = sheer.ones(3), labels(0, 1)
    first(x, good)
    other(x, good)
    assert "# the other one" in text_of(lambda: other(x, labels(0, 8)))
    assert "# the other one" not in text_of(lambda: first(x, labels(0, 8)))
