"""Errors of tests: a test and two worlds flow in, how often it is wrong in each flows out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from ..graph.errors import ArgumentError
from .given import array

Draw = Callable[[np.random.Generator], Any]


@dataclass(frozen=True)
class ErrorRates:
    """Shares of trials in which a test was wrong, with their standard errors.

    type_1  it rejected a null hypothesis that holds: a false alarm
    type_2  it kept one that does not: a miss; power is 1 - type_2

    Source  Neyman and Pearson 1933
    Example
        >>> rates = ErrorRates(type_1=0.05, type_2=0.2, trials=10_000)
        >>> rates.power, round(rates.standard_error(0.05), 4)
        (0.8, 0.0022)
    """

    type_1: float
    type_2: float
    trials: int

    @property
    def power(self) -> float:
        """How often what is there is found."""
        return 1 - self.type_2

    def standard_error(self, rate: float) -> float:
        """Of a share that is `rate` in truth, over this number of trials."""
        return math.sqrt(rate * (1 - rate) / self.trials)


def simulate_errors(test: Callable[[Any], float], null: Draw, alternative: Draw, *,
                    level: float = 0.05, trials: int = 10_000, seed: int = 0) -> ErrorRates:
    """Try a test many times where the null hypothesis holds, and as often where it does not.

    Params  test               from a sample to a p-value; it rejects below `level`
            null, alternative  from a random generator to a sample
    Raises  E671 unless level is in (0, 1) and trials >= 1
    Source  Neyman and Pearson 1933, doi:10.1098/rsta.1933.0009
    Example
        >>> rates = simulate_errors(z_test, lambda r: r.normal(0, 1, 25),
        ...                         lambda r: r.normal(1, 1, 25), trials=200)
        >>> rates.type_1 < 0.15, rates.power > 0.95
        (True, True)
    """
    _check_level("simulate_errors", level)
    if trials < 1:
        raise ArgumentError("E671", "simulate_errors", f"trials = {trials}", need="at least 1")
    rng = np.random.Generator(np.random.Philox(key=seed))
    rejected = [sum(test(draw(rng)) < level for _ in range(trials)) / trials
                for draw in (null, alternative)]
    return ErrorRates(rejected[0], 1 - rejected[1], trials)


def z_test(sample: Any, mean: float = 0.0, deviation: float = 1.0) -> float:
    """p-value of the mean being `mean`, two-sided, for normal numbers of known deviation.

    Shape   sample (N,)
    Source  definition
    Example
        >>> round(z_test([0.5, 1.5, 1.0, 1.0]), 4)
        0.0455
    """
    x = array(sample)
    z = (float(x.mean()) - mean) * math.sqrt(len(x)) / deviation
    return math.erfc(abs(z) / math.sqrt(2))


def z_test_power(effect: float, n: int, deviation: float = 1.0, level: float = 0.05) -> float:
    """The chance that `z_test` rejects when the mean is off by `effect`.

    Raises  E671 unless level is in (0, 1)
    Source  definition: two tails of a shifted normal distribution
    Example
        >>> round(z_test_power(0.5, 25), 3), round(z_test_power(0.0, 25), 3)
        (0.705, 0.05)
    """
    _check_level("z_test_power", level)
    normal, shift = NormalDist(), effect * math.sqrt(n) / deviation
    edge = normal.inv_cdf(1 - level / 2)
    return normal.cdf(shift - edge) + normal.cdf(-shift - edge)


def _check_level(op: str, level: float) -> None:
    if not 0 < level < 1:
        raise ArgumentError("E671", op, f"level = {level}", need="a share in (0, 1), as 0.05")
