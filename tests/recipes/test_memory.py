"""Memory tasks: what is asked is what they say, and memories solve it where others do not."""

from __future__ import annotations

import numpy as np
import pytest

import sheer
from sheer.recipes import make
from sheer.recipes.memory import copies, copy_loss, wrong_bits


def test_a_delayed_copy_is_what_was_heard_five_steps_before():
    x, y = make("delayed-copy").data(None).train
    np.testing.assert_array_equal(y[:, 5:], x.argmax(2)[:, :-5])
    assert not y[:, :5].any()


def test_adding_asks_for_the_sum_of_one_number_of_each_half():
    x, y = make("adding", {"rows": "50"}).data(None).train
    assert x.shape == (50, 200, 2)
    np.testing.assert_array_equal(x[:, :100, 1].sum(1), 1)
    np.testing.assert_array_equal(x[:, 100:, 1].sum(1), 1)
    for row, total in zip(x, y, strict=True):
        assert total[0] == pytest.approx(row[row[:, 1] == 1, 0].sum())


def test_copies_want_the_bits_after_the_mark():
    x, y = copies(np.array([2, 3]), 3, 4, np.random.default_rng(0))
    assert x.shape == y.shape == (2, 7, 5)
    np.testing.assert_array_equal(x[:, :, 4].argmax(1), [2, 3])
    np.testing.assert_array_equal(y[0, 3:5, :4], x[0, :2, :4])
    np.testing.assert_array_equal(y[1, 4:7, :4], x[1, :3, :4])
    np.testing.assert_array_equal(y[:, :, 4].sum(1), [2, 3])


def test_only_bits_that_are_wanted_count():
    y = np.zeros((1, 3, 3), np.float32)
    y[0, 1] = 1, 0, 1
    out = np.full((1, 3, 2), 9, np.float32)                    # one of the two bits is right
    assert float(wrong_bits(sheer.tensor(out), sheer.tensor(y))) == 0.5
    out[0, 1] = 9, -9
    assert float(wrong_bits(sheer.tensor(out), sheer.tensor(y))) == 0
    assert float(copy_loss(sheer.tensor(out), sheer.tensor(y))) == pytest.approx(1.234e-4, abs=1e-6)


@pytest.mark.slow
@pytest.mark.system("LSTM")
@pytest.mark.xdist_group("adding")
def test_an_lstm_adds_over_200_steps_where_a_plain_network_fails(reached, figure):
    found = reached("adding")
    plain = found.baselines["plain RNN"]["mse"]
    assert found.test["mse"] < 0.01
    assert plain > 0.1
    figure(f"adding, T = 200: MSE {found.test['mse']:.4f}, plain RNN {plain:.3f}")


@pytest.mark.slow
@pytest.mark.system("Memory-augmented network (Neural Turing Machine, memory network)")
@pytest.mark.xdist_group("ntm-copy")
def test_a_turing_machine_copies_beyond_the_length_it_was_trained_on(reached, figure):
    found = reached("ntm-copy")
    lstm = found.baselines["LSTM"]
    assert found.test["wrong_bits"] == 0
    assert found.test["wrong_bits_twice"] <= 0.01
    assert lstm["wrong_bits_twice"] > 0.2
    assert "copy.png" in {p.name for p in found.pictures}
    figure(f"wrong bits at length 20: {100 * found.test['wrong_bits']:.2f} %, at 40: "
           f"{100 * found.test['wrong_bits_twice']:.2f} % (LSTM {100 * lstm['wrong_bits']:.0f} %, "
           f"{100 * lstm['wrong_bits_twice']:.0f} %)")
