"""Loops as people write them: step 100 takes no more programs, history or stack than step 3."""

import gc
import weakref

import numpy as np
import pytest

import sheer
from sheer import nn
from sheer.ops.structure import Data
from sheer.transforms import execute


@pytest.fixture
def programs(monkeypatch):
    """The graphs that were compiled."""
    made, compiled = [], execute._compiled
    monkeypatch.setattr(execute, "_compiled", lambda *a: (made.append(a[0]), compiled(*a))[1])
    return made


def by_hand(x, y, w):
    """One step of a linear regression without an optimizer."""
    loss = ((x @ w - y) ** 2).mean()
    loss.backward()
    with sheer.no_grad():
        w -= 0.1 * w.grad
        w.grad.zero_()
    return loss


def test_weights_updated_by_hand_do_not_carry_their_past_along(programs):
    x, y, w = sheer.randn(8, 3), sheer.randn(8, 1), sheer.zeros(3, 1, requires_grad=True)
    for _ in range(4):
        by_hand(x, y, w)
    known, early = len(programs), weakref.ref(w._bound)
    for _ in range(20):
        loss = by_hand(x, y, w)
    gc.collect()
    assert early() is None
    assert len(programs) == known
    rows, goal, v = x.numpy().astype(float), y.numpy().astype(float), np.zeros((3, 1))
    for _ in range(24):
        last = ((rows @ v - goal) ** 2).mean()
        v -= 0.1 * rows.T @ (rows @ v - goal) * 2 / 8
    assert loss.item() == pytest.approx(last, rel=1e-4)
    np.testing.assert_allclose(w.numpy(), v, rtol=1e-4, atol=1e-6)


def test_a_state_that_is_detached_lets_its_past_go(programs):
    torch = pytest.importorskip("torch")
    cell = nn.RNNCell(2, 3)
    peer = torch.nn.RNNCell(2, 3)
    peer.load_state_dict({k: torch.tensor(v.numpy()) for k, v in cell.state_dict().items()})
    x = np.random.default_rng(0).normal(size=(30, 4, 2)).astype(np.float32)
    h, k = sheer.zeros(4, 3), torch.zeros(4, 3)
    early = known = None
    for step, rows in enumerate(x):
        h, k = cell(sheer.tensor(rows), h.detach()), peer(torch.tensor(rows), k.detach())
        loss = (h ** 2).sum()
        loss.backward()
        (k ** 2).sum().backward()
        loss.item()
        if step == 5:
            early, known = weakref.ref(h._bound), len(programs)
    gc.collect()
    assert early() is None
    assert len(programs) == known
    for a, b in zip(cell.parameters(), peer.parameters(), strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-4, atol=1e-5)


def test_a_running_total_may_be_longer_than_the_stack_is_deep():
    total = sheer.tensor(0.0)
    for i in range(1500):
        total = total + sheer.tensor(float(i))
    assert total.item() == 1500 * 1499 / 2
    w = sheer.ones(2, requires_grad=True)
    loss = sheer.tensor(0.0)
    for i in range(400):
        loss = loss + (w * float(i)).sum()
    loss.backward()
    assert w.grad.tolist() == [400 * 399 / 2] * 2


def test_a_number_drawn_anew_for_every_step_is_not_compiled_every_time(programs):
    x = sheer.tensor([0.0, 1.0, 2.0, 3.0])
    found = [(x * (0.11 * k) + (1 - 0.11 * k) * x.flip(0)).tolist() for k in range(3, 9)]
    assert len(programs) == 2                             # its first numbers, any numbers
    for k, row in enumerate(found, 3):
        there, back = np.arange(4), np.arange(4)[::-1]
        np.testing.assert_allclose(row, 0.11 * k * there + (1 - 0.11 * k) * back, rtol=1e-5)
    w = sheer.tensor([1.0, 1.0, 1.0], requires_grad=True)
    before = len(programs)
    for k in range(3, 12):
        (w * w).sum().mul(0.11 * k).backward()
        np.testing.assert_allclose(w.grad.numpy(), 0.22 * k, rtol=1e-5)
        w.grad = None
    assert len(programs) <= before + 2


def test_minibatches_and_rows_by_number_are_no_programs_of_their_own(programs):
    x, w = sheer.arange(60.0).reshape(20, 3), sheer.ones(3, requires_grad=True)
    x.numpy()
    counts = []
    for start in range(0, 20, 4):
        rows = x[start:start + 4]
        (rows @ w).sum().backward()
        np.testing.assert_array_equal(w.grad.numpy(), x.numpy()[start:start + 4].sum(0))
        w.grad = None
        counts.append(len(programs))
    assert counts[1] == counts[-1]
    before = len(programs)
    assert [x[i, 1].item() for i in range(20)] == x.numpy()[:, 1].tolist()
    assert len(programs) == before


def test_a_table_is_filled_in_place_by_place_with_one_program(programs):
    table = sheer.tensor(np.zeros((6, 6), np.float32))
    expected = np.zeros((6, 6), np.float32)
    for i in range(1, 6):
        for j in range(1, 6):
            table[i, j] = sheer.maximum(table[i - 1, j], table[i, j - 1]) * 0.5 + (i + 0.3)
            expected[i, j] = max(expected[i - 1, j], expected[i, j - 1]) * 0.5 + (i + 0.3)
    np.testing.assert_allclose(table.numpy(), expected, rtol=1e-6)
    assert len(programs) <= 4           # its first numbers, any numbers; the operands may be one


KEYS = [0, (1, slice(0, 2)), (..., 1), slice(None), (None, 2),
        (slice(2, None), slice(None, None, 2))]


@pytest.mark.parametrize("key", KEYS)
def test_who_shows_the_old_elements_keeps_them(key):
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    x = sheer.tensor(values)
    copy, later, row, array = x.clone(), x * 2, x[1], x.numpy()
    x[key] = 50
    wanted = values.copy()
    wanted[key] = 50
    np.testing.assert_array_equal(x.numpy(), wanted)
    np.testing.assert_array_equal(row.numpy(), wanted[1])          # a view
    for kept, what in ((copy.numpy(), 1), (later.numpy(), 2), (array, 1)):
        np.testing.assert_array_equal(kept, what * values)


def test_other_rows_joined_to_a_batch_ask_for_no_program(programs):
    """Replay: the same transition may be drawn twice, another one not at all."""
    rows = [sheer.full((1, 4), float(i)) for i in range(5)]
    batches = [[0, 1, 2], [3, 3, 1], [4, 4, 4], [1, 0, 1]]
    for row in rows:
        row.sum().item()
    sums = []
    for i, batch in enumerate(batches):
        known = len(programs)
        sums.append((sheer.cat([rows[j] for j in batch]) * 2).sum().item())
        assert i == 0 or len(programs) == known
    assert sums == [8.0 * sum(b) for b in batches]


def test_crops_at_other_places_ask_for_no_program(programs):
    layer = nn.Conv2d(1, 2, 3)
    x = sheer.randn(4, 1, 6, 6)
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)))
    for step, (i, j) in enumerate([(0, 1), (2, 2), (1, 0), (0, 0)]):
        known = len(programs)
        crop = nn.functional.pad(x, (1, 1, 1, 1))[:, :, i:i + 6, j:j + 6]
        layer.zero_grad()
        layer(crop).mean().backward()
        np.testing.assert_array_equal(crop.numpy(), padded[:, :, i:i + 6, j:j + 6])
        assert step < 2 or len(programs) == known
        windows = np.lib.stride_tricks.sliding_window_view(crop.numpy()[:, 0], (4, 4), (1, 2))
        np.testing.assert_allclose(layer.weight.grad.numpy()[1, 0], windows.mean((0, 3, 4)) / 2,
                                   rtol=1e-4, atol=1e-6)


def test_a_text_that_grows_is_looked_at_without_its_past(programs):
    """Generation: the last tokens go in, one comes out and is joined to the text."""
    table, text = sheer.randn(7, 7), sheer.zeros(2, 1, dtype="int64")
    expected = [[0], [0]]
    for step in range(9):
        known = len(programs)
        scores = table[text[:, -3:]].sum(1)
        text = sheer.cat([text, scores.argmax(-1, keepdim=True)], 1)
        shown = text.tolist()
        assert step < 4 or len(programs) == known
        for row in expected:
            row.append(int(table.numpy()[row[-3:]].sum(0).argmax()))
    assert shown == expected


def test_a_slice_of_something_computed_still_has_its_gradient():
    x = sheer.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * x
    y.tolist()                                        # has a value from now on
    sheer.cat([y[1:], y[:1]])[:2].sum().backward()
    assert x.grad.tolist() == [0.0, 4.0, 6.0]


def test_other_lengths_of_packed_sequences_ask_for_no_program(programs):
    torch = pytest.importorskip("torch")
    layer, peer = nn.LSTM(2, 3, batch_first=True), torch.nn.LSTM(2, 3, batch_first=True)
    peer.load_state_dict({k: torch.tensor(v.numpy()) for k, v in layer.state_dict().items()})
    x = np.random.default_rng(0).normal(size=(3, 5, 2)).astype(np.float32)
    for step, lengths in enumerate([[5, 3, 2], [2, 5, 1], [3, 4, 5], [5, 1, 1]]):
        known, results = len(programs), []
        for lib, net in (sheer, layer), (torch, peer):
            rnn = lib.nn.utils.rnn
            packed = rnn.pack_padded_sequence(lib.tensor(x), lib.tensor(lengths), batch_first=True,
                                              enforce_sorted=False)
            out, (h, _) = net(packed)
            out, _ = rnn.pad_packed_sequence(out, batch_first=True)
            net.zero_grad()
            ((out ** 2).sum() + h.sum()).backward()
            results.append([out.detach().numpy(), h.detach().numpy(),
                            net.weight_ih_l0.grad.numpy()])
        for ours, theirs in zip(*results, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
        assert step < 2 or len(programs) == known


def test_a_number_that_was_looked_at_stays_a_number():
    """The 1 that a gradient begins with is the 1 of anybody else."""
    one, w = sheer.ones(()), sheer.tensor([1.0, 2.0], requires_grad=True)
    node = one.node
    execute.evaluate([node])
    (w * one).sum().backward()
    assert not isinstance(node.prim, Data)
    assert w.grad.tolist() == [1.0, 1.0]
