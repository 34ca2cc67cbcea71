"""Synthetic DNA: where the motif is, and that nothing else gives it away."""

from __future__ import annotations

import numpy as np

from sheer.recipes.genome import LETTERS, MOTIF, stretches, words


def test_every_second_stretch_holds_the_motif_on_one_strand():
    x, y = stretches(40, 60, 1.0, np.random.default_rng(0))
    assert x.shape == (40, 4, 60)
    np.testing.assert_array_equal(x.sum(1), 1)
    other = MOTIF.translate(str.maketrans("ACGT", "TGCA"))[::-1]
    texts = ["".join(LETTERS[i] for i in row.argmax(0)) for row in x]
    held = [MOTIF in t or other in t for t in texts]
    assert held == [bool(k) for k in y]
    assert any(MOTIF in t for t in texts)
    assert any(other in t for t in texts)


def test_letters_alone_do_not_tell():
    x, y = stretches(2000, 60, 0.9, np.random.default_rng(0))
    share = x.mean(2)                                            # (N, 4)
    assert np.abs(share[y == 1].mean(0) - share[y == 0].mean(0)).max() < 0.01


def test_words_are_counted():
    x = np.eye(4, dtype=np.float32)[[[0, 1, 0, 1]]].transpose(0, 2, 1)           # ACAC
    counted = words(x, 2)[0]
    assert counted[0 + 4 * 1] == 2                               # AC
    assert counted[1 + 4 * 0] == 1                               # CA
    assert counted.sum() == 3
