"""Forecasting: what is scored, that nothing of the test part is seen, what is reached."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from recipes_record import each
from sheer.data import SeriesArrays
from sheer.recipes.forecasting import Airline, ahead, filled, seasonal_naive_error


def test_what_lies_ahead_and_gaps_bridged():
    np.testing.assert_array_equal(ahead(np.arange(6), np.array([0, 3]), 3), [[0, 1, 2], [3, 4, 5]])
    gaps = np.array([[np.nan], [1.0], [np.nan], [3.0]])
    np.testing.assert_array_equal(filled(gaps)[:, 0], [1, 1, 2, 3])
    assert np.isnan(gaps).sum() == 2                                   # the given one is kept
    assert seasonal_naive_error(np.array([0.0, 5, 1, 7, np.nan, 9]), 2) == pytest.approx(5 / 3)


class Counting(Airline, abstract=True):
    """A series that is its own row number, so that one sees which rows are where."""

    logs = phase = False

    def series(self, folder):
        times = np.arange("2000-01", "2010-01", dtype="datetime64[M]").astype("datetime64[s]")
        return SeriesArrays("counting", times, np.arange(120.0)[:, None], ("row",), Path(), 12)


def test_training_sees_nothing_of_the_test_part():
    task = Counting().data(None)
    rows = lambda part: part * task.extra["scale"] + task.extra["mean"]
    (x, y), (x_test, y_test) = task.train, task.test
    assert x.shape[1:] == (24, 1)
    assert y.shape[1:] == (12,)
    np.testing.assert_allclose(rows(x[:, -1, 0]) + 1, rows(y[:, 0]), atol=1e-3)
    assert rows(y).max() < 95.001                                      # 24 rows are held back
    assert rows(y_test).min() > 95.999
    assert rows(y_test).max() > 118.999
    np.testing.assert_allclose(rows(x_test[0, :, 0]), np.arange(72, 96), atol=1e-3)


def test_baselines_say_what_was():
    found = Counting().baselines(Counting().data(None))
    assert found["persistence"]["mae"] == pytest.approx(6.5)           # 1 to 12 rows behind
    assert found["seasonal naive"] == {"mae": pytest.approx(12), "mase": pytest.approx(1)}


def test_settings_say_how_far_to_look():
    task = Counting(dataclasses.replace(Counting().set, window=6, horizon=2)).data(None)
    assert task.train[0].shape[1] == 6
    assert task.test[1].shape[1] == 2


@pytest.mark.slow
@pytest.mark.system("Time-series and stock-price forecasting")
@pytest.mark.parametrize("name", each("airline", "temperatures", "sunspots", "pollution"))
def test_a_seasonal_series_is_told_better_than_by_both_naive_ways(name, reached, figure):
    found = reached(name)
    mase = found.test["mase"]
    assert mase < 1
    assert mase < min(b["mase"] for b in found.baselines.values())
    assert "forecast.png" in {p.name for p in found.pictures}
    others = ", ".join(f"{n} {b['mase']:.2f}" for n, b in found.baselines.items())
    figure(f"{name}: MASE {mase:.2f} ({others})")


@pytest.mark.slow
@pytest.mark.system("Time-series and stock-price forecasting")
@pytest.mark.xdist_group("random-walk")
def test_a_random_walk_is_told_no_better_than_by_its_last_value(reached, figure):
    found = reached("random-walk")
    persistence = found.baselines["persistence"]["mase"]
    assert 0.99 * persistence < found.test["mase"] < 1.03 * persistence
    figure(f"random walk: MASE {found.test['mase']:.3f}, persistence {persistence:.3f}")
