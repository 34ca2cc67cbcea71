"""Handwriting: strokes are what they say, and a mixture writes them better than one Gaussian."""

from __future__ import annotations

import json

import numpy as np
import pytest

from recipes_record import SEEDS
from sheer import tensor
from sheer.models import stroke_loss
from sheer.recipes import make, run
from sheer.recipes.strokes import WAYS, digits_by_pen

SMALL = {"epochs": "1", "rows": "200", "test_rows": "40", "hidden": "8", "components": "2",
         "samples": "20", "reading": "1"}


def pen(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return digits_by_pen(rows, np.random.Generator(np.random.Philox(key=seed)))


def test_the_same_seed_makes_the_same_strokes():
    for one, again in zip(pen(50), pen(50), strict=True):
        np.testing.assert_array_equal(one, again)
    assert not np.array_equal(pen(50)[1], pen(50, 1)[1])


def test_a_digit_ends_once_and_zeros_fill_up():
    steps, _ = pen(300)
    length = steps[..., 4].sum(1).astype(int)
    assert length.min() >= 4
    assert length.max() == steps.shape[1]
    for row, n in zip(steps, length, strict=True):
        assert not row[n:].any()
        np.testing.assert_array_equal(row[:, 4], np.arange(len(row)) < n)
        np.testing.assert_array_equal(np.flatnonzero(row[:, 3]), [n - 1])
        assert not row[n - 1, :3].any()


def test_every_digit_is_written_in_several_ways_with_their_number_of_strokes():
    steps, digit = pen(2000)
    for d, ways in enumerate(WAYS):
        assert len(ways) >= 2
        lifts = steps[digit == d, :, 2].sum(1).astype(int)
        assert set(lifts) == {way.count("/") for way in ways}


def test_strokes_are_as_high_as_a_digit_and_steps_as_long_as_the_pen_is_fast():
    steps, _ = pen(500)
    places = np.cumsum(steps[..., :2], 1)
    height = np.ptp(places[..., 1], 1)
    assert 0.9 < np.median(height) < 1.2
    drawn = (steps[..., 4] > 0) & (steps[..., 2] == 0) & (steps[..., 3] == 0)
    assert 0.1 < np.median(np.linalg.norm(steps[drawn][:, :2], axis=1)) < 0.16


def test_the_recipe_tells_each_step_only_those_before():
    task = make("handwriting", SMALL).data(None)
    for (before, _), steps in (task.train, task.test):
        assert not before[:, 0].any()
        np.testing.assert_array_equal(before[:, 1:], steps[:, :-1])
    steps = task.train[1]
    real = steps[(steps[..., 4] > 0) & (steps[..., 3] == 0)]
    assert real[:, :2].std() == pytest.approx(1, abs=1e-4)
    assert "made up" in task.notes[0]


def test_the_recipe_prints_and_saves_its_figures_picture_and_baseline(tmp_path):
    pytest.importorskip("matplotlib")
    outcome = run(make("handwriting", SMALL), out=tmp_path, progress=False)
    kept = json.loads((outcome.run.folder / "scores.json").read_text())
    for found in (kept["test"], kept["baselines"]["one Gaussian"]):
        assert np.isfinite(found["nll"])
        assert 0 <= found["legible"] <= 1
    assert {p.name for p in outcome.pictures} == {"learning-curve.png", "strokes.png"}
    assert all(p.stat().st_size > 1000 for p in outcome.pictures)


def test_the_score_is_the_mean_over_all_steps_of_the_test_part():
    recipe = make("handwriting", SMALL)
    task = recipe.data(None)
    model = recipe.model(task)
    (before, digit), steps = task.test
    raw = model((tensor(before), tensor(digit)))
    assert recipe.score(model, task)["nll"] == pytest.approx(
        float(stroke_loss(raw, tensor(steps))), rel=1e-4)


@pytest.mark.slow
@pytest.mark.system("Handwriting generation")
@pytest.mark.xdist_group("handwriting")
def test_a_mixture_foresees_the_pen_and_writes_digits_that_can_be_read(reached, figure):
    found = [reached("handwriting", seed) for seed in SEEDS]
    mixture, plain = ([o.test for o in found], found[0].baselines["one Gaussian"])
    mean = lambda rows, key: float(np.mean([row[key] for row in rows]))
    figure(f"nats per step {mean(mixture, 'nll'):.3f} (one Gaussian {plain['nll']:.3f}); "
           f"legible {mean(mixture, 'legible'):.2f} (one Gaussian {plain['legible']:.2f}) to "
           f"a GRU that reads {100 * mean(mixture, 'reader'):.1f} % of the true digits; made-up "
           f"strokes, {len(SEEDS)} seeds")
    for one in mixture:
        assert one["nll"] < plain["nll"]
        assert one["reader"] >= 0.98
        assert one["legible"] >= 0.9
