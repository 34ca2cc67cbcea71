"""Logistic regression by its likelihood: columns and classes flow in, a fit with its errors out.

The table a statistician reads: coefficients, standard errors, deviances, likelihood ratios.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.errors import ArgumentError, ShapeError
from .given import Floats, array, positives

STEPS = 50       # Newton doubles its right digits: what has not come by then will not come


@dataclass(frozen=True)
class LogisticFit:
    """The maximum of the likelihood, and how sharp it is.

    coefficients, standard_errors  (d + 1,), the intercept first; (d,) without one
    deviance, null_deviance        -2 log-likelihood of the fit, and of a constant probability

    Shape   coefficients, standard_errors (d + 1,)
    Source  McCullagh and Nelder 1989, Generalized Linear Models
    Example
        >>> fit = irls([[0.0], [0.0], [0.0], [0.0], [1.0], [1.0]], [0, 0, 0, 1, 0, 1])
        >>> [round(float(c), 4) for c in fit.coefficients]          # log odds of 1 to 3, then even
        [-1.0986, 1.0986]
    """

    coefficients: Floats
    standard_errors: Floats
    deviance: float
    null_deviance: float
    steps: int

    @property
    def z(self) -> Floats:
        """Coefficients over their standard errors."""
        return self.coefficients / self.standard_errors

    @property
    def p_values(self) -> Floats:
        """Of each coefficient being 0, two-sided (Wald)."""
        return np.array([math.erfc(abs(z) / math.sqrt(2)) for z in self.z])


@dataclass(frozen=True)
class LikelihoodRatio:
    """Twice the gain in log-likelihood, the coefficients it took, and how likely chance does it.

    Source  Wilks 1938
    Example
        >>> round(likelihood_ratio_test(30.0, 26.0, degrees=1).statistic, 4)
        4.0
    """

    statistic: float
    degrees: int
    p_value: float


def irls(x: Any, y: Any, *, intercept: bool = True, tolerance: float = 1e-12) -> LogisticFit:
    """Fit a logistic regression by iteratively reweighted least squares.

    Each step solves (X' W X) step = X' (y - p) with W = p (1 - p); the standard errors are the
    roots of the diagonal of (X' W X)^-1 at the end.

    Shape   x (N, d), y (N,) of two classes
    Params  tolerance  the steps end when the deviance changes by less than this, relatively
    Raises  E670; E672 for other labels; E675 when there is no maximum, or no single one
    Source  McCullagh and Nelder 1989, Generalized Linear Models, 2.5 and 4.4
    Example
        >>> fit = irls([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1])
        >>> [round(float(c), 4) for c in fit.coefficients]
        [-1.3623, 0.9082]
    """
    columns, hit = array(x).astype(np.float64), positives("irls", array(y)).astype(np.float64)
    if columns.ndim != 2 or hit.shape != columns.shape[:1]:
        raise ShapeError("E670", "irls", "there is not one label per row",
                         got={"x": columns, "y": hit}, need="x (N, d) and y (N,)")
    design = np.column_stack([np.ones(len(hit)), columns]) if intercept else columns
    beta, before = np.zeros(design.shape[1]), math.inf
    step = 0
    while step < STEPS:
        step += 1
        p = _sigmoid(design @ beta)                            # (N,)
        if np.abs(hit - p).max() < 1e-4:
            raise _divided(step)
        beta = beta + _solved(_information(design, p), design.T @ (hit - p))
        now = deviance(hit, _sigmoid(design @ beta))
        if abs(before - now) <= tolerance * (abs(now) + tolerance):
            break
        before = now
    else:
        raise _divided(STEPS)
    p = _sigmoid(design @ beta)
    covariance = _solved(_information(design, p), np.eye(len(beta)))
    null = deviance(hit, np.full(len(hit), hit.mean() if intercept else 0.5))
    return LogisticFit(beta, np.sqrt(np.diag(covariance)), now, null, step)


def deviance(hit: Floats, p: Floats) -> float:
    """-2 log-likelihood of 0/1 outcomes under probabilities."""
    with np.errstate(divide="ignore"):
        logs = np.where(hit > 0, np.log(p), np.log1p(-p))
    return float(-2 * logs.sum())


def likelihood_ratio_test(smaller: LogisticFit | float, larger: LogisticFit | float,
                          degrees: int | None = None) -> LikelihoodRatio:
    """Is the larger of two nested models better than chance would make it?

    Params  smaller, larger  fits on the same rows, or their deviances
            degrees          coefficients the larger has more; from the fits unless given
    Raises  E671 without degrees
    Source  Wilks 1938, doi:10.1214/aoms/1177732360
    Example
        >>> round(likelihood_ratio_test(30.0, 26.0, degrees=1).p_value, 4)
        0.0455
    """
    fits = isinstance(smaller, LogisticFit) and isinstance(larger, LogisticFit)
    if degrees is None and fits:
        degrees = len(larger.coefficients) - len(smaller.coefficients)  # type: ignore[union-attr]
    if degrees is None or degrees < 1:
        raise ArgumentError("E671", "likelihood_ratio_test", f"degrees = {degrees}",
                            need="how many coefficients the larger model has more, at least 1")
    a, b = (m.deviance if isinstance(m, LogisticFit) else float(m) for m in (smaller, larger))
    statistic = max(0.0, a - b)
    return LikelihoodRatio(statistic, degrees, chi2_sf(statistic, degrees))


def chi2_sf(x: float, degrees: int) -> float:
    """The chance that a chi-squared number is above x.

    Raises  E671 unless degrees is a whole number >= 1
    Source  DLMF 8.4.7 to 8.4.12: the incomplete gamma function at whole and half numbers
    Example
        >>> round(chi2_sf(3.841458820694124, 1), 6)
        0.05
    """
    if degrees < 1 or degrees != int(degrees):
        raise ArgumentError("E671", "chi2_sf", f"degrees = {degrees}", need="a whole number >= 1")
    half, odd = x / 2, degrees % 2
    if half <= 0:
        return 1.0
    powers = np.arange(degrees // 2) + odd / 2                 # of half, one term each
    terms = [math.exp(k * math.log(half) - half - math.lgamma(k + 1)) for k in powers]
    return min(1.0, math.erfc(math.sqrt(half)) * odd + math.fsum(terms))


def _information(design: Floats, p: Floats) -> Floats:
    """X' W X, (d + 1, d + 1)."""
    result: Floats = design.T @ (design * (p * (1 - p))[:, None])
    return result


def _sigmoid(t: Floats) -> Floats:
    small = np.exp(-np.abs(t))
    result: Floats = np.where(t >= 0, 1, small) / (1 + small)
    return result


def _solved(a: Floats, b: Floats) -> Floats:
    """a^-1 b. Raises E675 when a is singular."""
    try:
        if np.linalg.cond(a) < 1 / np.finfo(np.float64).eps:
            return np.asarray(np.linalg.solve(a, b), np.float64)
    except np.linalg.LinAlgError:
        pass
    raise ArgumentError("E675", "irls", "the coefficients are not determined",
                        need="columns that are no sums of the others; a constant one is the "
                        "intercept")


def _divided(steps: int) -> ArgumentError:
    return ArgumentError("E675", "irls", "the likelihood has no maximum",
                         got={"steps": steps},
                         need="classes that overlap: here a line tells them apart, and the "
                         "coefficients grow without end")
